-- When the matter of a farm or client was closed, as somebody at the office said, and the class of what is
-- about them, if other than usual. Dates are YYYY-MM-DD.
CREATE TABLE closing (
  space BLOB NOT NULL,
  subject TEXT NOT NULL,
  closed_on TEXT,
  class TEXT,
  PRIMARY KEY (space, subject)
) WITHOUT ROWID;

-- Documents whose time is over and which somebody decided to keep until a day, for a reason.
CREATE TABLE kept (
  doc BLOB PRIMARY KEY NOT NULL,
  until TEXT NOT NULL,
  reason TEXT NOT NULL
) WITHOUT ROWID;
