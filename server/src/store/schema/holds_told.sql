-- The ledger also knows whose documents must all be kept, so that a database that comes back from a backup
-- forgets no hold. That one was lifted it must know, too: its row stays and says so.
ALTER TABLE held_client ADD COLUMN held INTEGER NOT NULL DEFAULT 1;

CREATE TRIGGER held_client_insert AFTER INSERT ON held_client BEGIN
  INSERT INTO ledger_news(body) VALUES (json_object(
    'table', 'held_client', 'space', hex(NEW.space), 'subject', NEW.subject, 'held', NEW.held));
END;

CREATE TRIGGER held_client_update AFTER UPDATE ON held_client BEGIN
  INSERT INTO ledger_news(body) VALUES (json_object(
    'table', 'held_client', 'space', hex(NEW.space), 'subject', NEW.subject, 'held', NEW.held));
END;
