-- What the document became, if it is to be erased because it was moved: compared with it before. Set before
-- the new one is made, with a problem in its way until it is.
ALTER TABLE erasure_wish ADD COLUMN moved_to BLOB;
