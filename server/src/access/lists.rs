//! What administration lists: the people, teams and spaces of an organisation, and who is let in where.

use rusqlite::{Connection, Row};
use sopu_core::id::{MemberId, OrgId, SpaceId};
use uuid::Uuid;

use super::people::{Party, Window};
use super::{Result, Role, blob, id16};

/// A person of an organisation.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Person {
    /// Who.
    pub id: MemberId,
    /// Their name.
    pub name: String,
    /// Their user name at the office, if they have one.
    pub login: Option<String>,
    /// May administer the organisation.
    pub admin: bool,
    /// When their account was ended, milliseconds since 1970 UTC.
    pub ended_ms: Option<i64>,
}

/// The people of an organisation by name, those whose accounts were ended last.
pub fn people(db: &Connection, org: OrgId) -> Result<Vec<Person>> {
    let mut query = db.prepare_cached(
        "SELECT id, name, login, admin, disabled_ms FROM member WHERE org = ?1
         ORDER BY disabled_ms IS NOT NULL, name",
    )?;
    let rows = query.query_map([blob(org.as_bytes())], |row| {
        Ok(Person {
            id: MemberId(id16(row, 0)?),
            name: row.get(1)?,
            login: row.get(2)?,
            admin: row.get(3)?,
            ended_ms: row.get(4)?,
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// The teams of an organisation, by name.
pub fn teams(db: &Connection, org: OrgId) -> Result<Vec<(Uuid, String)>> {
    named(
        db,
        "SELECT id, name FROM team WHERE org = ?1 ORDER BY name",
        org,
    )
}

/// The spaces of an organisation, by name.
pub fn spaces(db: &Connection, org: OrgId) -> Result<Vec<(SpaceId, String)>> {
    let sql = "SELECT id, name FROM space WHERE org = ?1 ORDER BY name";
    let all = named(db, sql, org)?.into_iter();
    Ok(all.map(|(id, name)| (SpaceId(id), name)).collect())
}

fn named(db: &Connection, sql: &str, org: OrgId) -> Result<Vec<(Uuid, String)>> {
    let mut query = db.prepare_cached(sql)?;
    let rows = query.query_map([blob(org.as_bytes())], |row| {
        Ok((id16(row, 0)?, row.get(1)?))
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// The organisation a space belongs to, if there is such a space.
pub fn org_of_space(db: &Connection, space: SpaceId) -> Result<Option<OrgId>> {
    let mut query = db.prepare_cached("SELECT org FROM space WHERE id = ?1")?;
    let mut rows = query.query_map([blob(space.as_bytes())], |row| Ok(OrgId(id16(row, 0)?)))?;
    Ok(rows.next().transpose()?)
}

/// Somebody in a team, now or later.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Place {
    /// Who.
    pub member: MemberId,
    /// Their name.
    pub name: String,
    /// When.
    pub window: Window,
}

/// Who is in a team at this moment or will be, by name.
pub fn in_team(db: &Connection, team: Uuid, at_ms: i64) -> Result<Vec<Place>> {
    let mut query = db.prepare_cached(
        "SELECT m.id, m.name, tm.from_ms, tm.until_ms FROM team_member tm
         JOIN member m ON m.id = tm.member
         WHERE tm.team = ?1 AND tm.removed_ms IS NULL AND (tm.until_ms IS NULL OR tm.until_ms > ?2)
           AND m.disabled_ms IS NULL ORDER BY m.name, tm.from_ms",
    )?;
    let rows = query.query_map((blob(team.as_bytes()), at_ms), |row| {
        Ok(Place {
            member: MemberId(id16(row, 0)?),
            name: row.get(1)?,
            window: window(row, 2)?,
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// A person or team let into a space, now or later.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// Which space.
    pub space: SpaceId,
    /// Its name.
    pub space_name: String,
    /// Who.
    pub party: Party,
    /// Their name.
    pub name: String,
    /// As what.
    pub role: Role,
    /// When.
    pub window: Window,
}

const OPEN: &str = "g.removed_ms IS NULL AND (g.until_ms IS NULL OR g.until_ms > ?2)";

/// Who is let into a space at this moment or will be: people first, then teams, each by name.
pub fn in_space(db: &Connection, space: SpaceId, at_ms: i64) -> Result<Vec<Entry>> {
    entries(
        db,
        &format!(
            "SELECT 0, m.id, m.name, s.id, s.name, g.role, g.from_ms, g.until_ms FROM space_member g
             JOIN member m ON m.id = g.member JOIN space s ON s.id = g.space
             WHERE g.space = ?1 AND {OPEN} AND m.disabled_ms IS NULL
             UNION ALL
             SELECT 1, t.id, t.name, s.id, s.name, g.role, g.from_ms, g.until_ms FROM space_team g
             JOIN team t ON t.id = g.team JOIN space s ON s.id = g.space
             WHERE g.space = ?1 AND {OPEN} ORDER BY 1, 3, 7"
        ),
        space.as_bytes(),
        at_ms,
    )
}

/// Where a person is let in at this moment or will be, by space; through a team under the team's name.
pub fn of_member(db: &Connection, member: MemberId, at_ms: i64) -> Result<Vec<Entry>> {
    entries(
        db,
        &format!(
            "SELECT 0, m.id, m.name, s.id, s.name, g.role, g.from_ms, g.until_ms FROM space_member g
             JOIN member m ON m.id = g.member JOIN space s ON s.id = g.space
             WHERE g.member = ?1 AND {OPEN}
             UNION ALL
             SELECT 1, t.id, t.name, s.id, s.name, g.role, g.from_ms, g.until_ms FROM space_team g
             JOIN team t ON t.id = g.team JOIN space s ON s.id = g.space
             JOIN team_member tm ON tm.team = g.team AND tm.member = ?1
               AND tm.removed_ms IS NULL AND (tm.until_ms IS NULL OR tm.until_ms > ?2)
             WHERE {OPEN} ORDER BY 5, 1, 7"
        ),
        member.as_bytes(),
        at_ms,
    )
}

fn entries(db: &Connection, sql: &str, id: &[u8; 16], at_ms: i64) -> Result<Vec<Entry>> {
    let mut query = db.prepare_cached(sql)?;
    let rows = query.query_map((blob(id), at_ms), |row| {
        let (team, id): (bool, Uuid) = (row.get(0)?, id16(row, 1)?);
        let role: String = row.get(5)?;
        // A role of a later version gives nothing here, and is not listed.
        let Some(role) = Role::from_code(&role) else {
            return Ok(None);
        };
        Ok(Some(Entry {
            party: match team {
                true => Party::Team(id),
                false => Party::Member(MemberId(id)),
            },
            name: row.get(2)?,
            space: SpaceId(id16(row, 3)?),
            space_name: row.get(4)?,
            role,
            window: window(row, 6)?,
        }))
    })?;
    let all: Vec<Option<Entry>> = rows.collect::<rusqlite::Result<_>>()?;
    Ok(all.into_iter().flatten().collect())
}

fn window(row: &Row<'_>, at: usize) -> rusqlite::Result<Window> {
    Ok(Window {
        from_ms: row.get(at)?,
        until_ms: row.get(at + 1)?,
    })
}
