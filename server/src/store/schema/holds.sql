-- What somebody at the office wants the relay to say of a document: written together with the row of the
-- access log, said by the relay, which takes the row away. What: CBOR of the notice's kind.
CREATE TABLE notice_wish (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  doc BLOB NOT NULL,
  what BLOB NOT NULL
);

-- Farms and clients whose documents must all be kept, those too that come later.
CREATE TABLE held_client (
  space BLOB NOT NULL,
  subject TEXT NOT NULL,
  PRIMARY KEY (space, subject)
) WITHOUT ROWID;
