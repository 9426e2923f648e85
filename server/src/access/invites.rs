//! Invites: a short code, told or shown as QR, that lets one device enrol once.

use rusqlite::{Connection, OptionalExtension};
use sopu_core::id::MemberId;
use sopu_core::time::Env;

use super::{AccessError, Result, blob};
use crate::credentials::{invite_hash, mint_invite_code};

/// How long an invite holds unless told otherwise: a day, time to hand over a phone.
pub const LIFE_MS: i64 = 24 * 60 * 60 * 1_000;

/// Makes an invite for this member and gives its code, which is told once and kept nowhere.
pub fn create(
    db: &Connection,
    env: &dyn Env,
    member: MemberId,
    created_by: Option<MemberId>,
    life_ms: i64,
) -> Result<String> {
    let (code, now) = (mint_invite_code(env), env.now_ms());
    db.execute(
        "INSERT INTO invite(code_hash, member, created_by, created_ms, expires_ms) VALUES (?1,?2,?3,?4,?5)",
        (
            invite_hash(&code).as_slice(),
            blob(member.as_bytes()),
            created_by.as_ref().map(|m| blob(m.as_bytes())),
            now,
            now + life_ms,
        ),
    )?;
    Ok(code)
}

/// An invite that can still be used: for whom, and until when (milliseconds since 1970 UTC).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Open {
    /// First letters of the stored hash, to name it by; says nothing of the code.
    pub mark: String,
    /// The member's name.
    pub name: String,
    /// When it ends.
    pub expires_ms: i64,
}

/// Invites that can still be used, the soonest to end first.
pub fn open(db: &Connection, now_ms: i64) -> Result<Vec<Open>> {
    let mut query = db.prepare_cached(
        "SELECT lower(hex(substr(i.code_hash, 1, 4))), m.name, i.expires_ms FROM invite i
         JOIN member m ON m.id = i.member WHERE i.used_ms IS NULL AND i.expires_ms > ?1 ORDER BY 3",
    )?;
    let rows = query.query_map([now_ms], |row| {
        Ok(Open {
            mark: row.get(0)?,
            name: row.get(1)?,
            expires_ms: row.get(2)?,
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Takes an open invite back, named by its mark.
pub fn revoke(db: &Connection, mark: &str, now_ms: i64) -> Result<()> {
    let found: Option<Vec<u8>> = db
        .query_row(
            "SELECT code_hash FROM invite WHERE lower(hex(substr(code_hash, 1, 4))) = ?1
             AND used_ms IS NULL AND expires_ms > ?2",
            (mark.to_ascii_lowercase(), now_ms),
            |row| row.get(0),
        )
        .optional()?;
    let Some(hash) = found else {
        return Err(AccessError::Unknown {
            what: "open invite",
            name: mark.to_owned(),
        });
    };
    db.execute(
        "UPDATE invite SET expires_ms = ?2 WHERE code_hash = ?1",
        (hash, now_ms),
    )?;
    Ok(())
}
