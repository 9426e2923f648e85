-- Which farm or client each document is about, or was until a time: who asks who has read their data is told
-- of what is not about them any more, or was erased, too.
CREATE TABLE about (
  doc BLOB NOT NULL,
  subject TEXT NOT NULL,
  until_ms INTEGER,
  PRIMARY KEY (doc, subject)
) WITHOUT ROWID;
CREATE INDEX about_by_subject ON about(subject);

-- What a document was before it was moved from the wrong client, compared by the relay.
CREATE TABLE was (
  doc BLOB NOT NULL,
  old BLOB NOT NULL,
  PRIMARY KEY (doc, old)
) WITHOUT ROWID;
