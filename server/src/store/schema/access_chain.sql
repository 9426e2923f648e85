-- Each row of the access log is chained to the one before it: access/log.rs says how. Rows from before
-- this have none.
ALTER TABLE access_log ADD COLUMN hash BLOB;
CREATE INDEX access_log_by_space ON access_log(space, number);
