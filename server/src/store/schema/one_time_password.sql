-- A password somebody else gave: it opens only the page where its owner makes another.
ALTER TABLE member ADD COLUMN password_once INTEGER NOT NULL DEFAULT 0;
