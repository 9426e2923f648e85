-- A row's own salt, part of what is hashed: who is shown its hash alone cannot find out by trying what it says.
-- Rows from before there were salts have none.
ALTER TABLE access_log ADD COLUMN salt BLOB;
