-- Relatives and commissioners. SQLite changes no CHECK: the two tables are made anew, with what belongs to
-- them.

CREATE TEMP TABLE kept_space_member AS SELECT * FROM main.space_member;
DROP TABLE main.space_member;
CREATE TABLE space_member (
  space BLOB NOT NULL REFERENCES space(id),
  member BLOB NOT NULL REFERENCES member(id),
  role TEXT NOT NULL CHECK (role IN
    ('owner', 'office', 'field', 'reader', 'relative', 'commissioner')),
  from_ms INTEGER NOT NULL DEFAULT 0,
  until_ms INTEGER,
  removed_ms INTEGER,
  PRIMARY KEY (space, member, from_ms)
) WITHOUT ROWID;
CREATE INDEX space_member_by_member ON space_member(member);
INSERT INTO main.space_member SELECT * FROM kept_space_member;
DROP TABLE kept_space_member;

CREATE TRIGGER space_member_insert AFTER INSERT ON space_member BEGIN
  UPDATE space SET roster = roster + 4 WHERE id = NEW.space;
  INSERT INTO ledger_news(body) VALUES (json_object(
    'table', 'space_member', 'space', hex(NEW.space), 'member', hex(NEW.member),
    'role', NEW.role, 'from_ms', NEW.from_ms, 'until_ms', NEW.until_ms,
    'removed_ms', NEW.removed_ms));
END;

CREATE TRIGGER space_member_update AFTER UPDATE ON space_member BEGIN
  UPDATE space SET roster = roster + 4 WHERE id = NEW.space;
  INSERT INTO ledger_news(body) VALUES (json_object(
    'table', 'space_member', 'space', hex(NEW.space), 'member', hex(NEW.member),
    'role', NEW.role, 'from_ms', NEW.from_ms, 'until_ms', NEW.until_ms,
    'removed_ms', NEW.removed_ms));
END;

CREATE TEMP TABLE kept_space_team AS SELECT * FROM main.space_team;
DROP TABLE main.space_team;
CREATE TABLE space_team (
  space BLOB NOT NULL REFERENCES space(id),
  team BLOB NOT NULL REFERENCES team(id),
  role TEXT NOT NULL CHECK (role IN
    ('owner', 'office', 'field', 'reader', 'relative', 'commissioner')),
  from_ms INTEGER NOT NULL DEFAULT 0,
  until_ms INTEGER,
  removed_ms INTEGER,
  PRIMARY KEY (space, team, from_ms)
) WITHOUT ROWID;
CREATE INDEX space_team_by_team ON space_team(team);
INSERT INTO main.space_team SELECT * FROM kept_space_team;
DROP TABLE kept_space_team;

CREATE TRIGGER space_team_insert AFTER INSERT ON space_team BEGIN
  UPDATE space SET roster = roster + 4 WHERE id = NEW.space;
  INSERT INTO ledger_news(body) VALUES (json_object(
    'table', 'space_team', 'space', hex(NEW.space), 'team', hex(NEW.team), 'role', NEW.role,
    'from_ms', NEW.from_ms, 'until_ms', NEW.until_ms, 'removed_ms', NEW.removed_ms));
END;

CREATE TRIGGER space_team_update AFTER UPDATE ON space_team BEGIN
  UPDATE space SET roster = roster + 4 WHERE id = NEW.space;
  INSERT INTO ledger_news(body) VALUES (json_object(
    'table', 'space_team', 'space', hex(NEW.space), 'team', hex(NEW.team), 'role', NEW.role,
    'from_ms', NEW.from_ms, 'until_ms', NEW.until_ms, 'removed_ms', NEW.removed_ms));
END;

-- What a device last said of itself (wire::About).
ALTER TABLE device ADD COLUMN app TEXT;
ALTER TABLE device ADD COLUMN unsent INTEGER;
ALTER TABLE device ADD COLUMN held INTEGER;
ALTER TABLE device ADD COLUMN stuck INTEGER;
ALTER TABLE device ADD COLUMN told_ms INTEGER;
