-- Days a device of the organisation's people may be without contact before it shows nothing; NULL: as
-- the protocol says.
ALTER TABLE organisation ADD COLUMN lease_days INTEGER;
