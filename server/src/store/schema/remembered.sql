-- The ledger also knows who may administer and which invites there are, so that a database that comes back
-- from a backup neither makes anybody an administrator again nor lets an invite be used twice.
DROP TRIGGER member_insert;
DROP TRIGGER member_update;

CREATE TRIGGER member_insert AFTER INSERT ON member BEGIN
  UPDATE space SET roster = roster + 4 WHERE id IN (SELECT space FROM space_member WHERE member = NEW.id
      UNION SELECT st.space FROM space_team st JOIN team_member tm ON tm.team = st.team WHERE tm.member = NEW.id);
  INSERT INTO ledger_news(body) VALUES (json_object(
    'table', 'member', 'id', hex(NEW.id), 'org', hex(NEW.org), 'name', NEW.name,
    'disabled_ms', NEW.disabled_ms, 'admin', NEW.admin));
END;

CREATE TRIGGER member_update AFTER UPDATE OF name, disabled_ms ON member BEGIN
  UPDATE space SET roster = roster + 4 WHERE id IN (SELECT space FROM space_member WHERE member = NEW.id
      UNION SELECT st.space FROM space_team st JOIN team_member tm ON tm.team = st.team WHERE tm.member = NEW.id);
  INSERT INTO ledger_news(body) VALUES (json_object(
    'table', 'member', 'id', hex(NEW.id), 'org', hex(NEW.org), 'name', NEW.name,
    'disabled_ms', NEW.disabled_ms, 'admin', NEW.admin));
END;

-- Nothing that devices are told of.
CREATE TRIGGER member_admin AFTER UPDATE OF admin ON member BEGIN
  INSERT INTO ledger_news(body) VALUES (json_object(
    'table', 'member', 'id', hex(NEW.id), 'org', hex(NEW.org), 'name', NEW.name,
    'disabled_ms', NEW.disabled_ms, 'admin', NEW.admin));
END;

CREATE TRIGGER invite_insert AFTER INSERT ON invite BEGIN
  INSERT INTO ledger_news(body) VALUES (json_object(
    'table', 'invite', 'code_hash', hex(NEW.code_hash), 'member', hex(NEW.member),
    'created_by', CASE WHEN NEW.created_by IS NULL THEN NULL ELSE hex(NEW.created_by) END,
    'created_ms', NEW.created_ms, 'expires_ms', NEW.expires_ms, 'used_ms', NEW.used_ms,
    'used_device', CASE WHEN NEW.used_device IS NULL THEN NULL ELSE hex(NEW.used_device) END));
END;

CREATE TRIGGER invite_update AFTER UPDATE ON invite BEGIN
  INSERT INTO ledger_news(body) VALUES (json_object(
    'table', 'invite', 'code_hash', hex(NEW.code_hash), 'member', hex(NEW.member),
    'created_by', CASE WHEN NEW.created_by IS NULL THEN NULL ELSE hex(NEW.created_by) END,
    'created_ms', NEW.created_ms, 'expires_ms', NEW.expires_ms, 'used_ms', NEW.used_ms,
    'used_device', CASE WHEN NEW.used_device IS NULL THEN NULL ELSE hex(NEW.used_device) END));
END;
