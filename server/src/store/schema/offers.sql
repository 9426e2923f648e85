-- Who brought back someone else's envelope after this file came from a backup: they hold it too, and
-- are told if it is refused. Gone once it is in the feed, which tells everyone.
CREATE TABLE offerer (
  arrival INTEGER NOT NULL,
  device BLOB NOT NULL,
  PRIMARY KEY (arrival, device)
) WITHOUT ROWID;
