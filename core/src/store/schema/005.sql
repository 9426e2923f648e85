-- The document a note was before it was moved from the wrong client, as its content names it.
ALTER TABLE view ADD COLUMN moved_from TEXT;
UPDATE view SET moved_from = CASE WHEN json_valid(value) THEN json_extract(value, '$.moved_from.doc') END
  WHERE value LIKE '%"moved_from"%';
CREATE INDEX view_moved_from ON view (moved_from) WHERE moved_from IS NOT NULL;
