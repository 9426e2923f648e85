//! Enrolled devices and what they prove themselves with.

use rusqlite::{Connection, OptionalExtension, Transaction};
use sopu_core::id::{DeviceId, MemberId};
use sopu_core::time::Env;

use super::{AccessError, Result, blob, id16, invites};
use crate::credentials::{mint_token, token_hash};

/// Who a bearer token belongs to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Bearer {
    /// The device.
    pub device: DeviceId,
    /// Whose it is.
    pub member: MemberId,
    /// Its Ed25519 public key.
    pub key: [u8; 32],
    /// When it was cut off. Its token then serves escrow and wipe orders only.
    pub revoked_ms: Option<i64>,
    /// When two instances of it were met. It must enrol again.
    pub cloned_ms: Option<i64>,
    /// When its member's account was ended.
    pub disabled_ms: Option<i64>,
}

/// The device this bearer token belongs to; revoked ones included, see [`Bearer::revoked_ms`].
pub fn authenticate(db: &Connection, token: &str) -> rusqlite::Result<Option<Bearer>> {
    db.prepare_cached(
        "SELECT d.id, d.member, d.key, d.revoked_ms, d.cloned_ms, m.disabled_ms FROM device d
         JOIN member m ON m.id = d.member WHERE d.token_hash = ?1",
    )?
    .query_row([token_hash(token).as_slice()], |row| {
        Ok(Bearer {
            device: DeviceId(id16(row, 0)?),
            member: MemberId(id16(row, 1)?),
            key: row.get(2)?,
            revoked_ms: row.get(3)?,
            cloned_ms: row.get(4)?,
            disabled_ms: row.get(5)?,
        })
    })
    .optional()
}

/// What enrolment gives a device, once.
#[derive(Clone, Debug)]
pub struct Enrolled {
    /// Its id.
    pub device: DeviceId,
    /// Whose it is.
    pub member: MemberId,
    /// Its bearer token; only the hash is kept.
    pub token: String,
}

/// Uses an invite up and enrols the device with this public key and instance id.
pub fn enrol(
    tx: &Transaction<'_>,
    env: &dyn Env,
    code: &str,
    key: &[u8; 32],
    name: &str,
    instance: &[u8; 16],
) -> Result<Enrolled> {
    let (device, token, now) = (DeviceId::mint(env), mint_token(env), env.now_ms());
    let member = invites::redeem(tx, code, device, now)?;
    let name: String = name.chars().filter(|c| !c.is_control()).take(80).collect();
    let taken = tx
        .prepare_cached("SELECT 1 FROM device WHERE key = ?1")?
        .exists([key.as_slice()])?;
    if taken {
        return Err(AccessError::Taken {
            what: "device",
            name: "with this key".to_owned(),
        });
    }
    tx.execute(
        "INSERT INTO device(id, member, key, token_hash, name, instance, enrolled_ms) VALUES (?1,?2,?3,?4,?5,?6,?7)",
        (
            blob(device.as_bytes()),
            blob(member.as_bytes()),
            key.as_slice(),
            token_hash(&token).as_slice(),
            name,
            instance.as_slice(),
            now,
        ),
    )?;
    Ok(Enrolled {
        device,
        member,
        token,
    })
}

/// A device as lists show it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Row {
    /// Its id.
    pub id: DeviceId,
    /// What its owner calls it.
    pub name: String,
    /// Whose it is.
    pub member: String,
    /// When it last synced, milliseconds since 1970 UTC.
    pub last_seen_ms: Option<i64>,
    /// When it was cut off.
    pub revoked_ms: Option<i64>,
    /// When it confirmed its wipe.
    pub wiped_ms: Option<i64>,
}

/// Every device people carry, by owner. Identities the server keeps are left out.
pub fn list(db: &Connection) -> Result<Vec<Row>> {
    let mut query = db.prepare_cached(
        "SELECT d.id, d.name, m.name, d.last_seen_ms, d.revoked_ms, d.wiped_ms FROM device d
         JOIN member m ON m.id = d.member WHERE d.office = 0 ORDER BY m.name, d.enrolled_ms",
    )?;
    let rows = query.query_map([], |row| {
        Ok(Row {
            id: DeviceId(id16(row, 0)?),
            name: row.get(1)?,
            member: row.get(2)?,
            last_seen_ms: row.get(3)?,
            revoked_ms: row.get(4)?,
            wiped_ms: row.get(5)?,
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Cuts a device off from this moment: it may hand in unsent work, then it is wiped.
pub fn revoke(db: &Connection, device: DeviceId, now_ms: i64) -> Result<()> {
    let changed = db.execute(
        "UPDATE device SET revoked_ms = coalesce(revoked_ms, ?2) WHERE id = ?1 AND office = 0",
        (blob(device.as_bytes()), now_ms),
    )?;
    if changed == 0 {
        return Err(AccessError::Unknown {
            what: "device",
            name: device.to_string(),
        });
    }
    Ok(())
}
