-- A roster number can never be forgotten, nor the ledger: triggers keep both.

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

CREATE TRIGGER team_member_insert AFTER INSERT ON team_member BEGIN
  UPDATE space SET roster = roster + 4 WHERE id IN (SELECT space FROM space_team WHERE team = NEW.team);
  INSERT INTO ledger_news(body) VALUES (json_object(
    'table', 'team_member', 'team', hex(NEW.team), 'member', hex(NEW.member),
    'from_ms', NEW.from_ms, 'until_ms', NEW.until_ms, 'removed_ms', NEW.removed_ms));
END;

CREATE TRIGGER team_member_update AFTER UPDATE ON team_member BEGIN
  UPDATE space SET roster = roster + 4 WHERE id IN (SELECT space FROM space_team WHERE team = NEW.team);
  INSERT INTO ledger_news(body) VALUES (json_object(
    'table', 'team_member', 'team', hex(NEW.team), 'member', hex(NEW.member),
    'from_ms', NEW.from_ms, 'until_ms', NEW.until_ms, 'removed_ms', NEW.removed_ms));
END;

CREATE TRIGGER device_insert AFTER INSERT ON device BEGIN
  UPDATE space SET roster = roster + 4 WHERE id IN (SELECT space FROM space_member WHERE member = NEW.member
      UNION SELECT st.space FROM space_team st JOIN team_member tm ON tm.team = st.team WHERE tm.member = NEW.member);
  INSERT INTO ledger_news(body) VALUES (json_object(
    'table', 'device', 'id', hex(NEW.id), 'member', hex(NEW.member), 'key', hex(NEW.key),
    'token_hash', CASE WHEN NEW.token_hash IS NULL THEN NULL ELSE hex(NEW.token_hash) END,
    'name', NEW.name,
    'instance', CASE WHEN NEW.instance IS NULL THEN NULL ELSE hex(NEW.instance) END,
    'office', NEW.office, 'enrolled_ms', NEW.enrolled_ms, 'revoked_ms', NEW.revoked_ms,
    'cloned_ms', NEW.cloned_ms));
END;

CREATE TRIGGER device_update AFTER UPDATE OF revoked_ms, cloned_ms, token_hash, name, instance ON device BEGIN
  UPDATE space SET roster = roster + 4 WHERE id IN (SELECT space FROM space_member WHERE member = NEW.member
      UNION SELECT st.space FROM space_team st JOIN team_member tm ON tm.team = st.team WHERE tm.member = NEW.member);
  INSERT INTO ledger_news(body) VALUES (json_object(
    'table', 'device', 'id', hex(NEW.id), 'member', hex(NEW.member), 'key', hex(NEW.key),
    'token_hash', CASE WHEN NEW.token_hash IS NULL THEN NULL ELSE hex(NEW.token_hash) END,
    'name', NEW.name,
    'instance', CASE WHEN NEW.instance IS NULL THEN NULL ELSE hex(NEW.instance) END,
    'office', NEW.office, 'enrolled_ms', NEW.enrolled_ms, 'revoked_ms', NEW.revoked_ms,
    'cloned_ms', NEW.cloned_ms));
END;

CREATE TRIGGER member_insert AFTER INSERT ON member BEGIN
  UPDATE space SET roster = roster + 4 WHERE id IN (SELECT space FROM space_member WHERE member = NEW.id
      UNION SELECT st.space FROM space_team st JOIN team_member tm ON tm.team = st.team WHERE tm.member = NEW.id);
  INSERT INTO ledger_news(body) VALUES (json_object(
    'table', 'member', 'id', hex(NEW.id), 'org', hex(NEW.org), 'name', NEW.name,
    'disabled_ms', NEW.disabled_ms));
END;

CREATE TRIGGER member_update AFTER UPDATE OF name, disabled_ms ON member BEGIN
  UPDATE space SET roster = roster + 4 WHERE id IN (SELECT space FROM space_member WHERE member = NEW.id
      UNION SELECT st.space FROM space_team st JOIN team_member tm ON tm.team = st.team WHERE tm.member = NEW.id);
  INSERT INTO ledger_news(body) VALUES (json_object(
    'table', 'member', 'id', hex(NEW.id), 'org', hex(NEW.org), 'name', NEW.name,
    'disabled_ms', NEW.disabled_ms));
END;

CREATE TRIGGER space_insert AFTER INSERT ON space BEGIN
  INSERT INTO ledger_news(body) VALUES (json_object(
    'table', 'space', 'id', hex(NEW.id), 'org', hex(NEW.org), 'name', NEW.name));
END;

CREATE TRIGGER space_update AFTER UPDATE OF name ON space BEGIN
  UPDATE space SET roster = roster + 4 WHERE id = NEW.id;
  INSERT INTO ledger_news(body) VALUES (json_object(
    'table', 'space', 'id', hex(NEW.id), 'org', hex(NEW.org), 'name', NEW.name));
END;

CREATE TRIGGER team_insert AFTER INSERT ON team BEGIN
  INSERT INTO ledger_news(body) VALUES (json_object(
    'table', 'team', 'id', hex(NEW.id), 'org', hex(NEW.org), 'name', NEW.name));
END;

CREATE TRIGGER team_update AFTER UPDATE ON team BEGIN
  INSERT INTO ledger_news(body) VALUES (json_object(
    'table', 'team', 'id', hex(NEW.id), 'org', hex(NEW.org), 'name', NEW.name));
END;

CREATE TRIGGER organisation_insert AFTER INSERT ON organisation BEGIN
  INSERT INTO ledger_news(body) VALUES (json_object(
    'table', 'organisation', 'id', hex(NEW.id), 'name', NEW.name));
END;

CREATE TRIGGER organisation_update AFTER UPDATE ON organisation BEGIN
  INSERT INTO ledger_news(body) VALUES (json_object(
    'table', 'organisation', 'id', hex(NEW.id), 'name', NEW.name));
END;
