//! Signed-in browsers. The cookie holds a random token, the database its hash.

use rusqlite::{Connection, OptionalExtension};
use sopu_core::id::{MemberId, OrgId};
use sopu_core::time::Env;

use super::{Result, blob, id16, password};
use crate::credentials::{mint_token, token_hash};

/// A session ends this long after signing in, used or not.
pub const LIFE_MS: i64 = 12 * 60 * 60 * 1_000;
/// A session ends after this long without use.
pub const IDLE_MS: i64 = 2 * 60 * 60 * 1_000;
/// `last_seen_ms` is written at most this often.
const SEEN_EVERY_MS: i64 = 60 * 1_000;

/// Who a session belongs to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Who {
    /// The member.
    pub member: MemberId,
    /// Their organisation.
    pub org: OrgId,
    /// Their name.
    pub name: String,
    /// May administer the organisation.
    pub admin: bool,
}

/// Starts a session if the user name and password are right; gives the token for the cookie.
/// `None` if they are not, after the same time whichever was wrong.
pub fn sign_in(
    db: &Connection,
    env: &dyn Env,
    login: &str,
    password: &str,
) -> Result<Option<String>> {
    let found: Option<(uuid::Uuid, Option<String>)> = db
        .prepare_cached(
            "SELECT id, password_hash FROM member WHERE login = ?1 AND disabled_ms IS NULL",
        )?
        .query_row([login], |row| Ok((id16(row, 0)?, row.get(1)?)))
        .optional()?;
    let stored = found.as_ref().and_then(|(_, hash)| hash.as_deref());
    if !password::holds(password, stored) {
        return Ok(None);
    }
    let Some((member, _)) = found else {
        return Ok(None);
    };
    let (token, now) = (mint_token(env), env.now_ms());
    db.execute(
        "DELETE FROM session WHERE expires_ms <= ?1 OR last_seen_ms <= ?2",
        (now, now - IDLE_MS),
    )?;
    db.execute(
        "INSERT INTO session(token_hash, member, created_ms, expires_ms, last_seen_ms) VALUES (?1,?2,?3,?4,?3)",
        (token_hash(&token).as_slice(), blob(member.as_bytes()), now, now + LIFE_MS),
    )?;
    Ok(Some(token))
}

/// Whose session this token is, if it holds now.
pub fn who(db: &Connection, token: &str, now_ms: i64) -> Result<Option<Who>> {
    let hash = token_hash(token);
    let found = db
        .prepare_cached(
            "SELECT m.id, m.org, m.name, m.admin, s.last_seen_ms FROM session s JOIN member m ON m.id = s.member
             WHERE s.token_hash = ?1 AND s.expires_ms > ?2 AND s.last_seen_ms > ?3 AND m.disabled_ms IS NULL",
        )?
        .query_row((hash.as_slice(), now_ms, now_ms - IDLE_MS), |row| {
            let who = Who {
                member: MemberId(id16(row, 0)?),
                org: OrgId(id16(row, 1)?),
                name: row.get(2)?,
                admin: row.get(3)?,
            };
            Ok((who, row.get::<_, i64>(4)?))
        })
        .optional()?;
    let Some((who, seen_ms)) = found else {
        return Ok(None);
    };
    if now_ms - seen_ms >= SEEN_EVERY_MS {
        db.execute(
            "UPDATE session SET last_seen_ms = ?2 WHERE token_hash = ?1",
            (hash.as_slice(), now_ms),
        )?;
    }
    Ok(Some(who))
}

/// Ends a session.
pub fn sign_out(db: &Connection, token: &str) -> Result<()> {
    db.execute(
        "DELETE FROM session WHERE token_hash = ?1",
        [token_hash(token).as_slice()],
    )?;
    Ok(())
}

/// Ends every session of a member: a new password, a lost laptop.
pub fn sign_out_everywhere(db: &Connection, member: MemberId) -> Result<()> {
    db.execute(
        "DELETE FROM session WHERE member = ?1",
        [blob(member.as_bytes())],
    )?;
    Ok(())
}
