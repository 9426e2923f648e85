//! Signed-in browsers. The cookie holds a random token, the database its hash.

use rusqlite::{Connection, OptionalExtension};
use sopu_core::id::{MemberId, OrgId};
use sopu_core::time::Env;

use super::{Result, blob, id16, password, second_factor};
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
    /// The organisation asks for a second factor, and this member has set up none yet.
    pub owes_second_factor: bool,
    /// The password they signed in with was given to them, and they have made none of their own yet.
    pub owes_password: bool,
    /// Their organisation's identity provider vouched for them.
    pub vouched: bool,
}

/// How long the second factor may take.
const PENDING_MS: i64 = 10 * 60 * 1_000;

/// How somebody has shown who they are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shown {
    /// A right password, and the second factor is still to come.
    Half,
    /// All that was asked of them here.
    Whole,
    /// To the organisation's identity provider, which vouches for them.
    Elsewhere,
}

/// A session that was started.
#[derive(Clone, PartialEq, Eq)]
pub struct Started {
    /// For the cookie.
    pub token: String,
    /// It opens nothing before the second factor was right, see [`complete`].
    pub pending: bool,
}

/// Starts a session if the user name and password are right. `None` if they are not, after the same
/// time whichever was wrong.
pub fn sign_in(
    db: &Connection,
    env: &dyn Env,
    login: &str,
    password: &str,
) -> Result<Option<Started>> {
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
    let pending = second_factor::is_on(db, MemberId(member))?;
    let shown = if pending { Shown::Half } else { Shown::Whole };
    let token = start(db, env, MemberId(member), shown)?;
    Ok(Some(Started { token, pending }))
}

/// Whose user name this is.
///
/// # Errors
/// The database's.
pub fn of_login(db: &Connection, login: &str) -> Result<Option<MemberId>> {
    Ok(db
        .prepare_cached("SELECT id FROM member WHERE login = ?1 AND disabled_ms IS NULL")?
        .query_row([login], |row| Ok(MemberId(id16(row, 0)?)))
        .optional()?)
}

/// Starts a session for somebody who has shown who they are.
pub fn start(db: &Connection, env: &dyn Env, member: MemberId, shown: Shown) -> Result<String> {
    let (token, now) = (mint_token(env), env.now_ms());
    let life = match shown {
        Shown::Half => PENDING_MS,
        Shown::Whole | Shown::Elsewhere => LIFE_MS,
    };
    db.execute(
        "DELETE FROM session WHERE expires_ms <= ?1 OR last_seen_ms <= ?2",
        (now, now - IDLE_MS),
    )?;
    db.execute(
        "INSERT INTO session(token_hash, member, created_ms, expires_ms, last_seen_ms, pending, vouched)
         VALUES (?1,?2,?3,?4,?3,?5,?6)",
        (
            token_hash(&token).as_slice(),
            blob(member.as_bytes()),
            now,
            now + life,
            shown == Shown::Half,
            shown == Shown::Elsewhere,
        ),
    )?;
    Ok(token)
}

/// Whose session waits for the second factor.
pub fn pending(db: &Connection, token: &str, now_ms: i64) -> Result<Option<MemberId>> {
    Ok(db
        .prepare_cached(
            "SELECT m.id FROM session s JOIN member m ON m.id = s.member
             WHERE s.token_hash = ?1 AND s.pending = 1 AND s.expires_ms > ?2 AND m.disabled_ms IS NULL",
        )?
        .query_row((token_hash(token).as_slice(), now_ms), |row| {
            Ok(MemberId(id16(row, 0)?))
        })
        .optional()?)
}

/// The second factor was right: the session goes on under another token.
pub fn complete(db: &Connection, env: &dyn Env, token: &str, member: MemberId) -> Result<String> {
    sign_out(db, token)?;
    start(db, env, member, Shown::Whole)
}

/// Whose session this token is, if it holds now. `by_hand` says that somebody asked, and not a page by
/// itself: only that keeps a session from running out.
pub fn who(db: &Connection, token: &str, now_ms: i64, by_hand: bool) -> Result<Option<Who>> {
    let hash = token_hash(token);
    let found = db
        .prepare_cached(
            "SELECT m.id, m.org, m.name, m.admin, s.last_seen_ms,
               o.second_factor AND NOT s.vouched AND NOT EXISTS
                 (SELECT 1 FROM second_factor f WHERE f.member = m.id AND f.since_ms IS NOT NULL),
               s.vouched, m.password_once AND NOT s.vouched
             FROM session s JOIN member m ON m.id = s.member JOIN organisation o ON o.id = m.org
             WHERE s.token_hash = ?1 AND s.pending = 0 AND s.expires_ms > ?2 AND s.last_seen_ms > ?3
               AND m.disabled_ms IS NULL",
        )?
        .query_row((hash.as_slice(), now_ms, now_ms - IDLE_MS), |row| {
            let who = Who {
                member: MemberId(id16(row, 0)?),
                org: OrgId(id16(row, 1)?),
                name: row.get(2)?,
                admin: row.get(3)?,
                owes_second_factor: row.get(5)?,
                vouched: row.get(6)?,
                owes_password: row.get(7)?,
            };
            Ok((who, row.get::<_, i64>(4)?))
        })
        .optional()?;
    let Some((who, seen_ms)) = found else {
        return Ok(None);
    };
    if by_hand && now_ms - seen_ms >= SEEN_EVERY_MS {
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
