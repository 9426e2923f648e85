-- Documents that somebody opened here, one row a document and hour, until the relay has them in its
-- access log.
CREATE TABLE read_mark (
  n INTEGER PRIMARY KEY,
  doc BLOB NOT NULL,
  hour INTEGER NOT NULL,
  -- Relay clock, as well as the device knew it.
  at_ms INTEGER NOT NULL,
  UNIQUE (doc, hour)
);
