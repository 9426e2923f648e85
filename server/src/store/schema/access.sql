-- Who is who on this relay. Ids are 16-byte UUIDs, times milliseconds since 1970 UTC.
-- Rows of people, memberships and devices are ended, never deleted: old signatures must stay
-- checkable, and a roster names those who left.

CREATE TABLE organisation (
  id BLOB PRIMARY KEY NOT NULL,
  name TEXT NOT NULL,
  business_id TEXT,
  created_ms INTEGER NOT NULL
) WITHOUT ROWID;

-- A person. An account with a login is a member with `login` set.
CREATE TABLE member (
  id BLOB PRIMARY KEY NOT NULL,
  org BLOB NOT NULL REFERENCES organisation(id),
  name TEXT NOT NULL,
  login TEXT UNIQUE,
  password_hash TEXT,
  -- May administer the organisation: invites, teams, spaces, revocation.
  admin INTEGER NOT NULL DEFAULT 0,
  language TEXT NOT NULL DEFAULT 'fi',
  created_ms INTEGER NOT NULL,
  disabled_ms INTEGER
) WITHOUT ROWID;

CREATE TABLE team (
  id BLOB PRIMARY KEY NOT NULL,
  org BLOB NOT NULL REFERENCES organisation(id),
  name TEXT NOT NULL
) WITHOUT ROWID;

-- until_ms: the window ends by plan. removed_ms: someone ended it; work sent afterwards is held.
CREATE TABLE team_member (
  team BLOB NOT NULL REFERENCES team(id),
  member BLOB NOT NULL REFERENCES member(id),
  from_ms INTEGER NOT NULL DEFAULT 0,
  until_ms INTEGER,
  removed_ms INTEGER,
  PRIMARY KEY (team, member, from_ms)
) WITHOUT ROWID;
CREATE INDEX team_member_by_member ON team_member(member);

CREATE TABLE space (
  id BLOB PRIMARY KEY NOT NULL,
  org BLOB NOT NULL REFERENCES organisation(id),
  name TEXT NOT NULL,
  -- Rises by 4 with every change to people, memberships or devices of the space (triggers below),
  -- by more than the boundaries of one window, so that adding the boundaries that have passed
  -- never gives an old number again.
  roster INTEGER NOT NULL DEFAULT 4,
  created_ms INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE space_member (
  space BLOB NOT NULL REFERENCES space(id),
  member BLOB NOT NULL REFERENCES member(id),
  role TEXT NOT NULL CHECK (role IN ('owner', 'office', 'field', 'reader')),
  from_ms INTEGER NOT NULL DEFAULT 0,
  until_ms INTEGER,
  removed_ms INTEGER,
  PRIMARY KEY (space, member, from_ms)
) WITHOUT ROWID;
CREATE INDEX space_member_by_member ON space_member(member);

CREATE TABLE space_team (
  space BLOB NOT NULL REFERENCES space(id),
  team BLOB NOT NULL REFERENCES team(id),
  role TEXT NOT NULL CHECK (role IN ('owner', 'office', 'field', 'reader')),
  from_ms INTEGER NOT NULL DEFAULT 0,
  until_ms INTEGER,
  removed_ms INTEGER,
  PRIMARY KEY (space, team, from_ms)
) WITHOUT ROWID;
CREATE INDEX space_team_by_team ON space_team(team);

-- One invite, one device. Only the code's hash is kept (credentials.rs).
CREATE TABLE invite (
  code_hash BLOB PRIMARY KEY NOT NULL,
  member BLOB NOT NULL REFERENCES member(id),
  created_by BLOB,
  created_ms INTEGER NOT NULL,
  expires_ms INTEGER NOT NULL,
  used_ms INTEGER,
  used_device BLOB
) WITHOUT ROWID;

CREATE TABLE device (
  id BLOB PRIMARY KEY NOT NULL,
  member BLOB NOT NULL REFERENCES member(id),
  -- One key can have several rows: an installation that enrols again keeps its key.
  key BLOB NOT NULL,
  -- NULL for an identity the server keeps: nobody can sync as it.
  token_hash BLOB UNIQUE,
  name TEXT NOT NULL,
  -- The instance id now in use; earlier ones in device_instance.
  instance BLOB,
  office INTEGER NOT NULL DEFAULT 0,
  enrolled_ms INTEGER NOT NULL,
  last_seen_ms INTEGER,
  -- Relay clock minus device clock at the last request.
  offset_ms INTEGER,
  revoked_ms INTEGER,
  -- Two instances alternated: must enrol again, what it pushes is held for review.
  cloned_ms INTEGER,
  wiped_ms INTEGER
) WITHOUT ROWID;
CREATE INDEX device_by_member ON device(member);
CREATE INDEX device_by_key ON device(key);

CREATE TABLE device_instance (
  device BLOB NOT NULL REFERENCES device(id),
  instance BLOB NOT NULL,
  retired_ms INTEGER NOT NULL,
  PRIMARY KEY (device, instance)
) WITHOUT ROWID;

-- A signed-in browser. Only the token's hash is kept.
CREATE TABLE session (
  token_hash BLOB PRIMARY KEY NOT NULL,
  member BLOB NOT NULL REFERENCES member(id),
  created_ms INTEGER NOT NULL,
  expires_ms INTEGER NOT NULL,
  last_seen_ms INTEGER NOT NULL
) WITHOUT ROWID;

-- Who read, exported or administered what, when and why.
CREATE TABLE access_log (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  at_ms INTEGER NOT NULL,
  member BLOB,
  action TEXT NOT NULL,
  space BLOB,
  doc BLOB,
  reason TEXT
);
CREATE INDEX access_log_by_doc ON access_log(doc, at_ms);

-- What the ledger file must learn: written by triggers with the change itself, drained to the file.
CREATE TABLE ledger_news (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  body TEXT NOT NULL
);
