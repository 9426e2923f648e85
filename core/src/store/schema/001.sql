-- Schema version 1. Released schemas are never edited: a change is a new file.
-- Times are milliseconds since 1970 UTC; ids are raw bytes; blobs of Automerge data are framed.

-- Small facts about this store: who it is, what the relay told it.
CREATE TABLE meta (
    key   TEXT NOT NULL PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- Spaces this store takes part in, and how far it has come in each.
CREATE TABLE space (
    id         BLOB NOT NULL PRIMARY KEY,
    name       TEXT NOT NULL,
    role       TEXT NOT NULL,
    until_ms   INTEGER,
    left_ms    INTEGER,            -- told to leave: deliver, then drop
    generation BLOB,               -- null until the first page
    seq        INTEGER NOT NULL DEFAULT 0,
    tag        BLOB,
    roster     INTEGER NOT NULL DEFAULT 0,
    first      BLOB,               -- CBOR of where a first sync stands; null when complete
    feed_hash  BLOB NOT NULL DEFAULT (zeroblob(32))
) STRICT, WITHOUT ROWID;

-- People and the keys of their devices. Rows of people who left stay: old signatures need them.
CREATE TABLE roster (
    space  BLOB NOT NULL,
    device BLOB NOT NULL,
    key    BLOB NOT NULL,
    member BLOB NOT NULL,
    name   TEXT NOT NULL,
    role   TEXT NOT NULL,
    office INTEGER NOT NULL,
    PRIMARY KEY (space, device)
) STRICT, WITHOUT ROWID;

CREATE TABLE document (
    n            INTEGER PRIMARY KEY,
    id           BLOB NOT NULL UNIQUE,
    space        BLOB NOT NULL,
    kind         INTEGER NOT NULL,
    heads        BLOB NOT NULL,
    last_seq     INTEGER NOT NULL DEFAULT 0,
    created_ms   INTEGER NOT NULL,
    updated_ms   INTEGER NOT NULL,
    changed_by   BLOB,
    tail_changes INTEGER NOT NULL DEFAULT 0,   -- since the snapshot
    tail_bytes   INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX document_space ON document (space);

-- Headers and signatures of all envelopes, one's own and others'. The run itself only while the
-- envelope is this store's own and unsettled; later it is rebuilt from the changes.
CREATE TABLE envelope (
    n           INTEGER PRIMARY KEY,
    id          BLOB NOT NULL UNIQUE,
    space       BLOB NOT NULL,
    doc         BLOB NOT NULL,
    device      BLOB NOT NULL,
    own         INTEGER NOT NULL,
    state       TEXT NOT NULL CHECK (state IN
        ('sealed', 'acknowledged', 'held', 'fed', 'final', 'erased', 'replaced', 'lost')),
    reason      TEXT,
    seq         INTEGER,
    header      BLOB NOT NULL,
    signature   BLOB NOT NULL,
    digest      BLOB NOT NULL,
    sealed_ms   INTEGER NOT NULL,
    received_ms INTEGER,
    accept      BLOB,
    seen_ms     INTEGER,           -- the office opened the document with this in it
    run         BLOB
) STRICT;
CREATE INDEX envelope_doc ON envelope (doc);
CREATE INDEX envelope_feed ON envelope (space, seq) WHERE seq IS NOT NULL;
CREATE INDEX envelope_outbox ON envelope (state, n) WHERE run IS NOT NULL;
CREATE INDEX envelope_lost ON envelope (space, n) WHERE state = 'lost';

-- Every change, for ever. Two documents can share a change hash, so the key is (document, hash).
CREATE TABLE change (
    n           INTEGER PRIMARY KEY,            -- local order, causal
    doc         INTEGER NOT NULL REFERENCES document (n) ON DELETE CASCADE,
    hash        BLOB NOT NULL,
    actor       BLOB NOT NULL,
    seq         INTEGER NOT NULL,
    envelope    INTEGER REFERENCES envelope (n) ON DELETE SET NULL,
    unsealed    INTEGER NOT NULL,               -- saved here, in no envelope yet
    entry       INTEGER,                        -- came packed: with the n-th entry of its document
    bytes       BLOB NOT NULL,
    made_ms     INTEGER NOT NULL,               -- by its author's clock, as the change says
    recorded_ms INTEGER NOT NULL,               -- stored here
    UNIQUE (doc, hash)
) STRICT;
CREATE INDEX change_doc ON change (doc);
CREATE INDEX change_author ON change (doc, actor, seq);
CREATE INDEX change_envelope ON change (envelope) WHERE envelope IS NOT NULL;
CREATE INDEX change_unsealed ON change (doc) WHERE unsealed = 1;

CREATE TABLE snapshot (
    doc   INTEGER PRIMARY KEY REFERENCES document (n) ON DELETE CASCADE,
    heads BLOB NOT NULL,
    upto  INTEGER NOT NULL,                     -- change.n of the last change inside
    bytes BLOB NOT NULL
) STRICT;

-- What the relay itself says in a feed.
CREATE TABLE notice (
    id        BLOB NOT NULL PRIMARY KEY,
    space     BLOB NOT NULL,
    seq       INTEGER,                          -- null when the relay lost it
    doc       BLOB NOT NULL,
    body      BLOB NOT NULL,
    signature BLOB NOT NULL,
    accept    BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX notice_feed ON notice (space, seq);
CREATE INDEX notice_doc ON notice (doc);

-- Feed entries that cannot be applied yet: of a document a first sync has not brought, or of a
-- kind a later version knows.
CREATE TABLE deferred (
    space BLOB NOT NULL,
    seq   INTEGER NOT NULL,
    doc   BLOB NOT NULL,
    entry BLOB NOT NULL,                        -- framed CBOR
    PRIMARY KEY (space, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX deferred_doc ON deferred (doc);

-- After a rebuild: the change a form was opened at, and the change that replays it.
CREATE TABLE replay (
    doc      BLOB NOT NULL,
    old_hash BLOB NOT NULL,
    new_hash BLOB NOT NULL,
    PRIMARY KEY (doc, old_hash)
) STRICT, WITHOUT ROWID;

-- What was refused twice and is not replayed again: readable, never sent by itself.
CREATE TABLE draft (
    n       INTEGER PRIMARY KEY,
    doc     BLOB NOT NULL,
    space   BLOB NOT NULL,
    kind    INTEGER NOT NULL,
    reason  TEXT NOT NULL,
    made_ms INTEGER NOT NULL,
    value   TEXT NOT NULL
) STRICT;
CREATE INDEX draft_doc ON draft (doc);

-- What failed here, with a reason the office can read.
CREATE TABLE quarantine (
    n        INTEGER PRIMARY KEY,
    space    BLOB NOT NULL,
    doc      BLOB NOT NULL,
    envelope BLOB,
    reason   TEXT NOT NULL,
    at_ms    INTEGER NOT NULL
) STRICT;
CREATE INDEX quarantine_doc ON quarantine (doc);

-- Documents erased by law: a late entry of one is not taken again.
CREATE TABLE erased (
    doc    BLOB NOT NULL PRIMARY KEY,
    space  BLOB NOT NULL,
    reason TEXT NOT NULL,
    at_ms  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- A document's current content, for lists and search. Always rebuildable.
CREATE TABLE view (
    doc        INTEGER PRIMARY KEY REFERENCES document (n) ON DELETE CASCADE,
    space      BLOB NOT NULL,
    kind       INTEGER NOT NULL,
    title      TEXT NOT NULL,
    title_key  TEXT NOT NULL,                   -- sorts in Finnish order
    subject    TEXT,
    status     TEXT,
    date       TEXT,
    updated_ms INTEGER NOT NULL,
    conflicts  INTEGER NOT NULL,
    value      TEXT NOT NULL,
    marks      TEXT NOT NULL                    -- conflicts, removed items and the like
) STRICT;
CREATE INDEX view_updated ON view (updated_ms);
CREATE INDEX view_date ON view (date);
CREATE INDEX view_title ON view (title_key);
CREATE INDEX view_space ON view (space, kind, updated_ms);
CREATE INDEX view_subject ON view (subject, date) WHERE subject IS NOT NULL;
CREATE INDEX view_conflicts ON view (updated_ms) WHERE conflicts > 0;

-- Diacritics are letters: sää is not saa.
CREATE VIRTUAL TABLE search USING fts5 (
    title, body, tokenize = "unicode61 remove_diacritics 0", prefix = '2 3'
);
-- Without this, erased terms stay in the index (secure_delete alone does not reach them).
INSERT INTO search (search, rank) VALUES ('secure-delete', 1);
