-- The relay's own tables. Space comes first in every key that has one, so the same shape can be
-- spread over shards.

CREATE TABLE meta (
  key TEXT PRIMARY KEY NOT NULL,
  value BLOB NOT NULL
) WITHOUT ROWID;

-- Each life of a space's feed. The newest (highest number) is the present one; `cut_seq` is the
-- last seq it shares with the one before.
CREATE TABLE generation (
  space BLOB NOT NULL,
  number INTEGER NOT NULL,
  id BLOB NOT NULL,
  cut_seq INTEGER NOT NULL,
  started_ms INTEGER NOT NULL,
  PRIMARY KEY (space, number)
) WITHOUT ROWID;

-- Where a space's feed ends.
CREATE TABLE feed_head (
  space BLOB PRIMARY KEY NOT NULL,
  seq INTEGER NOT NULL,
  hash BLOB NOT NULL,
  -- The merge lease: one worker a space, also around every office write.
  lease_owner BLOB,
  lease_until_ms INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;

-- Every envelope ever taken, whatever became of it.
CREATE TABLE envelope (
  arrival INTEGER PRIMARY KEY AUTOINCREMENT,
  id BLOB NOT NULL UNIQUE,
  space BLOB NOT NULL,
  doc BLOB NOT NULL,
  kind INTEGER NOT NULL,
  device BLOB NOT NULL,
  -- The instance id it came from: only that installation is sure to have it, see Entry::Own.
  instance BLOB,
  header BLOB NOT NULL,
  signature BLOB NOT NULL,
  digest BLOB NOT NULL,
  -- NULL once erased.
  run BLOB,
  changes INTEGER NOT NULL,
  received_ms INTEGER NOT NULL,
  late INTEGER NOT NULL DEFAULT 0,
  -- waiting, fed, held, final, erased
  state TEXT NOT NULL,
  reason TEXT,
  seq INTEGER,
  -- Times the process died while trying it, and which program version counted them.
  deaths INTEGER NOT NULL DEFAULT 0,
  tried_by TEXT
);
CREATE INDEX envelope_by_state ON envelope(state, arrival);
CREATE INDEX envelope_by_doc ON envelope(doc, arrival);
CREATE INDEX envelope_by_device ON envelope(device, arrival);

-- Which changes an envelope brought, by document: two documents can share change hashes.
CREATE TABLE change (
  doc BLOB NOT NULL,
  hash BLOB NOT NULL,
  actor BLOB NOT NULL,
  seq INTEGER NOT NULL,
  arrival INTEGER NOT NULL,
  PRIMARY KEY (doc, hash, arrival)
) WITHOUT ROWID;
CREATE INDEX change_by_actor ON change(doc, actor, seq);
CREATE INDEX change_by_arrival ON change(arrival);

-- Outside dependencies of envelopes that are not in the feed yet.
CREATE TABLE missing (
  doc BLOB NOT NULL,
  hash BLOB NOT NULL,
  arrival INTEGER NOT NULL,
  PRIMARY KEY (doc, hash, arrival)
) WITHOUT ROWID;

-- Ids a replay has replaced: should the original still come, it is refused for ever.
CREATE TABLE retired (
  id BLOB PRIMARY KEY NOT NULL,
  by_id BLOB NOT NULL
) WITHOUT ROWID;

CREATE TABLE document (
  doc BLOB PRIMARY KEY NOT NULL,
  space BLOB NOT NULL,
  kind INTEGER NOT NULL,
  -- Seq of its last entry in the feed; 0 before the first.
  last_seq INTEGER NOT NULL DEFAULT 0,
  erased_ms INTEGER
) WITHOUT ROWID;
CREATE INDEX document_by_last ON document(space, last_seq);

CREATE TABLE feed (
  space BLOB NOT NULL,
  seq INTEGER NOT NULL,
  id BLOB NOT NULL,
  hash BLOB NOT NULL,
  accept BLOB NOT NULL,
  doc BLOB NOT NULL,
  received_ms INTEGER NOT NULL,
  -- The envelope, or NULL for a notice, whose body and signature are then here.
  arrival INTEGER,
  notice BLOB,
  signature BLOB,
  PRIMARY KEY (space, seq)
) WITHOUT ROWID;
CREATE INDEX feed_by_id ON feed(id);
CREATE INDEX feed_by_doc ON feed(doc, seq);

-- Two vectors a device: the last it confirmed, the last that was sent to it.
CREATE TABLE device_vector (
  device BLOB PRIMARY KEY NOT NULL,
  confirmed BLOB NOT NULL,
  sent BLOB NOT NULL
) WITHOUT ROWID;

CREATE TABLE status_news (
  device BLOB NOT NULL,
  number INTEGER NOT NULL,
  id BLOB NOT NULL,
  status BLOB NOT NULL,
  PRIMARY KEY (device, number)
) WITHOUT ROWID;

CREATE TABLE device_order (
  device BLOB NOT NULL,
  number INTEGER NOT NULL,
  what BLOB NOT NULL,
  PRIMARY KEY (device, number)
) WITHOUT ROWID;

-- Numbers the server gives: status and order numbers of a device, contract numbers of an
-- organisation and year.
CREATE TABLE counter (
  name TEXT PRIMARY KEY NOT NULL,
  value INTEGER NOT NULL
) WITHOUT ROWID;

-- How far someone at the office has seen a document: feed seq.
CREATE TABLE seen (
  doc BLOB PRIMARY KEY NOT NULL,
  seq INTEGER NOT NULL
) WITHOUT ROWID;

-- Device identities the server keeps for office members. The keys are derived from the ledger's
-- secret and are not in this file.
CREATE TABLE office_identity (
  member BLOB PRIMARY KEY NOT NULL,
  device BLOB NOT NULL,
  epoch BLOB NOT NULL
) WITHOUT ROWID;
