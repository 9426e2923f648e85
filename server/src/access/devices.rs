//! Enrolled devices, for those who list them and cut them off. Enrolling is the relay's
//! (`relay/enrol.rs`).

use rusqlite::Connection;
use sopu_core::id::{DeviceId, MemberId, OrgId};
use sopu_core::wire::About;

use super::{AccessError, Result, blob, id16};

/// A device as lists show it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Row {
    /// Its id.
    pub id: DeviceId,
    /// What its owner calls it.
    pub name: String,
    /// Whose it is.
    pub member: String,
    /// Whose it is.
    pub member_id: MemberId,
    /// When it last synced, milliseconds since 1970 UTC.
    pub last_seen_ms: Option<i64>,
    /// When it was cut off.
    pub revoked_ms: Option<i64>,
    /// When it confirmed its wipe.
    pub wiped_ms: Option<i64>,
    /// What it last said of itself, and when, milliseconds since 1970 UTC.
    pub about: Option<(About, i64)>,
}

/// Every device people carry, by owner. Identities the server keeps are left out.
pub fn list(db: &Connection) -> Result<Vec<Row>> {
    listed(db, None)
}

/// The devices of an organisation's people, by owner.
pub fn of_org(db: &Connection, org: OrgId) -> Result<Vec<Row>> {
    listed(db, Some(org))
}

fn listed(db: &Connection, org: Option<OrgId>) -> Result<Vec<Row>> {
    let mut query = db.prepare_cached(
        "SELECT d.id, d.name, m.name, d.last_seen_ms, d.revoked_ms, d.wiped_ms, m.id,
           d.app, d.unsent, d.held, d.stuck, d.told_ms FROM device d
         JOIN member m ON m.id = d.member
         WHERE d.office = 0 AND (?1 IS NULL OR m.org = ?1) ORDER BY m.name, d.enrolled_ms",
    )?;
    let org = org.as_ref().map(|org| blob(org.as_bytes()));
    let rows = query.query_map([org], |row| {
        Ok(Row {
            id: DeviceId(id16(row, 0)?),
            name: row.get(1)?,
            member: row.get(2)?,
            last_seen_ms: row.get(3)?,
            revoked_ms: row.get(4)?,
            wiped_ms: row.get(5)?,
            member_id: MemberId(id16(row, 6)?),
            about: match (row.get(7)?, row.get(11)?) {
                (Some(app), Some(told_ms)) => Some((
                    About {
                        app,
                        unsent: row.get(8)?,
                        held: row.get(9)?,
                        stuck: row.get(10)?,
                    },
                    told_ms,
                )),
                _ => None,
            },
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
