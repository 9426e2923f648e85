-- What lists show is not framed as changes are: hashes over a view's columns, so that a damaged
-- row is never shown as right. `seal`: what a list shows. `content_seal`: value and marks.
ALTER TABLE view ADD COLUMN seal BLOB;
ALTER TABLE view ADD COLUMN content_seal BLOB;
