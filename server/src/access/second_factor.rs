//! A second factor for the office pages: codes of an authenticator app (TOTP, RFC 6238), each taken
//! once, and recovery codes for a lost phone.
//!
//! The shared secret is made from the ledger's secret and a salt each time. A stolen copy of the
//! database therefore opens no account, with or without the password.

use hmac::{Hmac, KeyInit, Mac};
use rusqlite::{Connection, OptionalExtension};
use sha2::Sha256;
use sopu_core::id::MemberId;
use sopu_core::time::Env;
use totp_rs::{Builder, Totp};

use super::{AccessError, Result, blob, whole};
use crate::credentials::{invite_hash, mint_invite_code};

/// Recovery codes given at a time.
const RECOVERY_CODES: usize = 8;

/// Steps of 30 seconds a code may be off, for clocks that are (RFC 6238, 5.2).
const SKEW: u16 = 1;

/// What an authenticator app is shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Setup {
    /// The secret in base 32, to be typed.
    pub secret: String,
    /// The `otpauth` address, to be scanned.
    pub address: String,
}

/// Begins setting it up; the same again until the first code is right. `None` if it is on already.
///
/// # Errors
/// The database's.
pub fn begin(
    db: &Connection,
    env: &dyn Env,
    secret: &[u8; 32],
    member: MemberId,
) -> Result<Option<Setup>> {
    let mut salt = [0; 16];
    env.fill(&mut salt);
    db.execute(
        "INSERT INTO second_factor(member, salt) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
        (blob(member.as_bytes()), salt.as_slice()),
    )?;
    let Some(row) = row(db, member)?.filter(|row| row.since_ms.is_none()) else {
        return Ok(None);
    };
    let login: Option<String> = db.query_row(
        "SELECT login FROM member WHERE id = ?1",
        [blob(member.as_bytes())],
        |row| row.get(0),
    )?;
    let totp = row.totp(secret, member, &login.unwrap_or_default())?;
    Ok(Some(Setup {
        secret: totp.secret().to_base32(),
        address: totp.to_url().map_err(|_| AccessError::SecondFactor)?,
    }))
}

/// Switches it on with the app's first code; gives the recovery codes, which are told once. `None` if
/// the code is wrong or nothing was begun.
///
/// # Errors
/// The database's.
pub fn confirm(
    db: &Connection,
    env: &dyn Env,
    secret: &[u8; 32],
    member: MemberId,
    code: &str,
) -> Result<Option<Vec<String>>> {
    let now = env.now_ms();
    let Some(row) = row(db, member)?.filter(|row| row.since_ms.is_none()) else {
        return Ok(None);
    };
    let Some(step) = row.step(secret, member, code, now)? else {
        return Ok(None);
    };
    let codes: Vec<String> = (0..RECOVERY_CODES).map(|_| mint_invite_code(env)).collect();
    whole(db, |tx| {
        let begun = tx.execute(
            "UPDATE second_factor SET since_ms = ?2, last_step = ?3 WHERE member = ?1 AND since_ms IS NULL",
            (blob(member.as_bytes()), now, step),
        )?;
        if begun == 0 {
            return Ok(None);
        }
        tx.execute(
            "DELETE FROM recovery_code WHERE member = ?1",
            [blob(member.as_bytes())],
        )?;
        for code in &codes {
            tx.execute(
                "INSERT INTO recovery_code(member, code_hash) VALUES (?1, ?2)",
                (
                    blob(member.as_bytes()),
                    recovery_hash(secret, member, code)?.as_slice(),
                ),
            )?;
        }
        Ok(Some(codes))
    })
}

/// Whether a member signs in with it.
///
/// # Errors
/// The database's.
pub fn is_on(db: &Connection, member: MemberId) -> Result<bool> {
    Ok(row(db, member)?.is_some_and(|row| row.since_ms.is_some()))
}

/// Whether this is the code of now, or a recovery code; it is used up with that.
///
/// # Errors
/// The database's.
pub fn holds(
    db: &Connection,
    secret: &[u8; 32],
    member: MemberId,
    code: &str,
    now_ms: i64,
) -> Result<bool> {
    let Some(row) = row(db, member)?.filter(|row| row.since_ms.is_some()) else {
        return Ok(false);
    };
    if let Some(step) = row.step(secret, member, code, now_ms)? {
        // In one statement, so that two who send the same code at once do not both get in.
        let taken = db.execute(
            "UPDATE second_factor SET last_step = ?2 WHERE member = ?1 AND last_step < ?2",
            (blob(member.as_bytes()), step),
        )?;
        return Ok(taken == 1);
    }
    let used = db.execute(
        "DELETE FROM recovery_code WHERE member = ?1 AND code_hash = ?2",
        (
            blob(member.as_bytes()),
            recovery_hash(secret, member, code)?.as_slice(),
        ),
    )?;
    Ok(used == 1)
}

/// How many recovery codes are left.
///
/// # Errors
/// The database's.
pub fn recovery_left(db: &Connection, member: MemberId) -> Result<u32> {
    Ok(db.query_row(
        "SELECT count(*) FROM recovery_code WHERE member = ?1",
        [blob(member.as_bytes())],
        |row| row.get(0),
    )?)
}

/// Takes it away, for a new phone.
///
/// # Errors
/// The database's.
pub fn remove(db: &Connection, member: MemberId) -> Result<()> {
    for table in ["second_factor", "recovery_code"] {
        db.execute(
            &format!("DELETE FROM {table} WHERE member = ?1"),
            [blob(member.as_bytes())],
        )?;
    }
    Ok(())
}

/// What is kept of a recovery code: of no use to whoever has the database without the ledger.
fn recovery_hash(secret: &[u8; 32], member: MemberId, code: &str) -> Result<[u8; 32]> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).map_err(|_| AccessError::SecondFactor)?;
    mac.update(b"sopu-recovery-1");
    mac.update(member.as_bytes());
    mac.update(&invite_hash(code));
    Ok(mac.finalize().into_bytes().into())
}

struct Row {
    salt: Vec<u8>,
    since_ms: Option<i64>,
    last_step: i64,
}

fn row(db: &Connection, member: MemberId) -> Result<Option<Row>> {
    Ok(db
        .prepare_cached("SELECT salt, since_ms, last_step FROM second_factor WHERE member = ?1")?
        .query_row([blob(member.as_bytes())], |row| {
            Ok(Row {
                salt: row.get(0)?,
                since_ms: row.get(1)?,
                last_step: row.get(2)?,
            })
        })
        .optional()?)
}

impl Row {
    fn totp(&self, secret: &[u8; 32], member: MemberId, login: &str) -> Result<Totp> {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(secret).map_err(|_| AccessError::SecondFactor)?;
        mac.update(b"sopu-totp-1");
        mac.update(member.as_bytes());
        mac.update(&self.salt);
        let key = mac.finalize().into_bytes();
        // A colon ends the issuer in the address.
        let account = login.replace(':', " ");
        Builder::new()
            .with_secret(key[..20].to_vec())
            .with_skew(SKEW)
            .with_account_name(account)
            .with_issuer(Some("Sopu"))
            .build()
            .map_err(|_| AccessError::SecondFactor)
    }

    /// The step of a right code that was not taken before.
    fn step(
        &self,
        secret: &[u8; 32],
        member: MemberId,
        code: &str,
        now_ms: i64,
    ) -> Result<Option<i64>> {
        let digits: String = code.chars().filter(|c| !c.is_whitespace()).collect();
        let seconds = u64::try_from(now_ms / 1_000).unwrap_or(0);
        let step = self.totp(secret, member, "-")?.check(&digits, seconds);
        let step = step.and_then(|step| i64::try_from(step).ok());
        Ok(step.filter(|step| *step > self.last_step))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that fails should say where")]
    use sopu_core::time::SystemEnv;

    use super::*;
    use crate::access::people::{self, NewMember};
    use crate::store::schema;

    fn world() -> (Connection, MemberId) {
        let db = schema::open_in_memory().unwrap();
        let org = people::add_org(&db, &SystemEnv, "Hoiva Oy", None).unwrap();
        let new = NewMember {
            org,
            name: "Aino",
            login: Some("aino"),
            password: None,
            admin: false,
        };
        let member = people::add_member(&db, &SystemEnv, &new).unwrap();
        (db, member)
    }

    fn code(db: &Connection, secret: &[u8; 32], member: MemberId, now_ms: i64) -> String {
        let totp = row(db, member).unwrap().unwrap().totp(secret, member, "-");
        let seconds = u64::try_from(now_ms / 1_000).unwrap();
        totp.unwrap().generate(seconds).to_string()
    }

    #[test]
    fn a_code_opens_once_and_only_around_its_time() {
        let (db, member) = world();
        let (secret, now) = ([7; 32], SystemEnv.now_ms());
        let setup = begin(&db, &SystemEnv, &secret, member).unwrap().unwrap();
        assert!(
            setup.address.starts_with("otpauth://totp/Sopu:aino?"),
            "{}",
            setup.address
        );
        let again = begin(&db, &SystemEnv, &secret, member).unwrap();
        assert!(again == Some(setup), "nothing new before it is on");
        assert!(!holds(&db, &secret, member, &code(&db, &secret, member, now), now).unwrap());
        assert_eq!(
            confirm(&db, &SystemEnv, &secret, member, "000000").unwrap(),
            None
        );
        let first = code(&db, &secret, member, now);
        confirm(&db, &SystemEnv, &secret, member, &first)
            .unwrap()
            .unwrap();
        assert!(
            !holds(&db, &secret, member, &first, now).unwrap(),
            "used up"
        );
        let later = now + 60_000;
        let next = code(&db, &secret, member, later);
        assert!(
            !holds(&db, &[8; 32], member, &next, later).unwrap(),
            "another ledger"
        );
        assert!(
            !holds(&db, &secret, member, &next, later + 120_000).unwrap(),
            "too late"
        );
        assert!(holds(&db, &secret, member, &next, later).unwrap());
        assert!(!holds(&db, &secret, member, &next, later).unwrap(), "once");
        assert_eq!(
            begin(&db, &SystemEnv, &secret, member)
                .unwrap()
                .map(|s| s.secret),
            None
        );
    }

    #[test]
    fn a_recovery_code_opens_once_and_a_removed_factor_is_off() {
        let (db, member) = world();
        let (secret, now) = ([7; 32], SystemEnv.now_ms());
        begin(&db, &SystemEnv, &secret, member).unwrap();
        let first = code(&db, &secret, member, now);
        let codes = confirm(&db, &SystemEnv, &secret, member, &first)
            .unwrap()
            .unwrap();
        assert_eq!(codes.len(), 8);
        let careless = codes[3].to_lowercase().replace('-', " ");
        assert!(holds(&db, &secret, member, &careless, now).unwrap());
        assert!(!holds(&db, &secret, member, &codes[3], now).unwrap());
        assert_eq!(recovery_left(&db, member).unwrap(), 7);
        remove(&db, member).unwrap();
        assert!(!is_on(&db, member).unwrap());
        assert!(!holds(&db, &secret, member, &codes[0], now).unwrap());
    }
}
