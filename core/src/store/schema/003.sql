-- Whether a change made again stands where the document says what it said at the first one. Where it
-- does not, a form opened there shows what is not in the document, or lacks what is.
ALTER TABLE replay ADD COLUMN exact INTEGER NOT NULL DEFAULT 1;
