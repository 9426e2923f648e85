-- Documents somebody asked to have erased, on the command line or in the office. The relay carries it
-- out and takes the row away, or says why not.
CREATE TABLE erasure_wish (
  doc BLOB PRIMARY KEY NOT NULL,
  reason TEXT NOT NULL,
  problem TEXT
) WITHOUT ROWID;

-- The receipt of an erasure: which devices were ordered to purge, and which have confirmed.
CREATE TABLE purge (
  doc BLOB NOT NULL,
  device BLOB NOT NULL,
  ordered_ms INTEGER NOT NULL,
  confirmed_ms INTEGER,
  PRIMARY KEY (doc, device)
) WITHOUT ROWID;
