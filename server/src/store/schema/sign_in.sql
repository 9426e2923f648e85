-- A second factor (RFC 6238). Its secret is made each time from the ledger's secret and this salt, so
-- no copy of this file tells it.
CREATE TABLE second_factor (
  member BLOB PRIMARY KEY NOT NULL REFERENCES member(id),
  salt BLOB NOT NULL,
  -- When the app's first code was right; NULL before.
  since_ms INTEGER,
  -- The newest time step a code was taken of: each is taken once.
  last_step INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;

-- For a lost phone: each opens once, in a code's place.
CREATE TABLE recovery_code (
  member BLOB NOT NULL REFERENCES member(id),
  code_hash BLOB NOT NULL,
  PRIMARY KEY (member, code_hash)
) WITHOUT ROWID;

-- The password was right, the second factor is still to come: such a session opens nothing.
ALTER TABLE session ADD COLUMN pending INTEGER NOT NULL DEFAULT 0;
-- The organisation's identity provider vouched for the person: a second step is its affair.
ALTER TABLE session ADD COLUMN vouched INTEGER NOT NULL DEFAULT 0;
-- Whether everybody of an organisation who signs in with a password needs a second factor.
ALTER TABLE organisation ADD COLUMN second_factor INTEGER NOT NULL DEFAULT 0;

-- A provider's own name for the person, if they sign in with their organisation's (OpenID Connect).
ALTER TABLE member ADD COLUMN oidc_issuer TEXT;
ALTER TABLE member ADD COLUMN oidc_subject TEXT;
CREATE UNIQUE INDEX member_by_oidc ON member(org, oidc_issuer, oidc_subject) WHERE oidc_issuer IS NOT NULL;
