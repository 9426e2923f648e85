//! Where a member stands in a space: directly or through teams, each within a window of time.

use rusqlite::{Connection, OptionalExtension, Row};
use sopu_core::id::{DeviceId, MemberId, SpaceId};
use sopu_core::wire::RosterRow;

use super::roles::{Action, Role};
use super::{blob, id16};

/// One right to be in a space.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Grant {
    /// As what.
    pub role: Role,
    /// From when, milliseconds since 1970 UTC.
    pub from_ms: i64,
    /// Until when it was planned to last (not included); open if `None`.
    pub until_ms: Option<i64>,
    /// When someone ended it, if so.
    pub removed_ms: Option<i64>,
}

impl Grant {
    /// Whether it holds at this moment. One that someone ended does not, whatever the clock says
    /// now: a clock that is set back must not let anybody in again.
    pub fn holds(&self, at_ms: i64) -> bool {
        self.removed_ms.is_none()
            && self.from_ms <= at_ms
            && self.until_ms.is_none_or(|until| at_ms < until)
    }

    /// As it is for someone whose account was ended at this moment.
    fn cut(self, disabled_ms: Option<i64>) -> Self {
        let removed_ms = match (self.removed_ms, disabled_ms) {
            (Some(removed), Some(disabled)) => Some(removed.min(disabled)),
            (one, other) => one.or(other),
        };
        Self { removed_ms, ..self }
    }

    /// When it ended or will end.
    pub fn end_ms(&self) -> Option<i64> {
        match (self.until_ms, self.removed_ms) {
            (Some(until), Some(removed)) => Some(until.min(removed)),
            (one, other) => one.or(other),
        }
    }
}

/// Where a member stands in a space at one moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    /// In it, with the strongest of the roles that hold.
    In(Role),
    /// Was in it; the last window ended by plan at this moment.
    Past {
        /// As what.
        role: Role,
        /// When it ended.
        ended_ms: i64,
    },
    /// Was in it; someone ended it at this moment.
    Removed {
        /// As what.
        role: Role,
        /// When.
        ended_ms: i64,
    },
    /// Not in it (yet).
    Never,
}

impl Standing {
    /// The role, if in the space.
    pub fn role(self) -> Option<Role> {
        match self {
            Standing::In(role) => Some(role),
            Standing::Past { .. } | Standing::Removed { .. } | Standing::Never => None,
        }
    }
}

/// A grant through a team holds while both the team is in the space and the member in the team.
const THROUGH_TEAM: &str = "st.role, max(st.from_ms, tm.from_ms),
     CASE WHEN st.until_ms IS NULL THEN tm.until_ms WHEN tm.until_ms IS NULL THEN st.until_ms
       ELSE min(st.until_ms, tm.until_ms) END,
     CASE WHEN st.removed_ms IS NULL THEN tm.removed_ms
       WHEN tm.removed_ms IS NULL THEN st.removed_ms ELSE min(st.removed_ms, tm.removed_ms) END
   FROM team_member tm JOIN space_team st ON st.team = tm.team";

/// A grant in four columns from `at` on; `None` for a role this version does not know.
fn grant_row(row: &Row<'_>, at: usize) -> rusqlite::Result<Option<Grant>> {
    let code: String = row.get(at)?;
    let Some(role) = Role::from_code(&code) else {
        return Ok(None);
    };
    Ok(Some(Grant {
        role,
        from_ms: row.get(at + 1)?,
        until_ms: row.get(at + 2)?,
        removed_ms: row.get(at + 3)?,
    }))
}

/// Every grant a member ever had in a space, those through teams included.
pub fn grants(db: &Connection, member: MemberId, space: SpaceId) -> rusqlite::Result<Vec<Grant>> {
    let mut query = db.prepare_cached(&format!(
        "SELECT role, from_ms, until_ms, removed_ms FROM space_member
         WHERE space = ?1 AND member = ?2
         UNION ALL SELECT {THROUGH_TEAM} WHERE st.space = ?1 AND tm.member = ?2"
    ))?;
    let rows = query.query_map((blob(space.as_bytes()), blob(member.as_bytes())), |row| {
        grant_row(row, 0)
    })?;
    rows.filter_map(Result::transpose).collect()
}

/// Where the member stands in the space at this moment (milliseconds since 1970 UTC). A disabled
/// member is removed from everything at the moment of disabling.
pub fn standing(
    db: &Connection,
    member: MemberId,
    space: SpaceId,
    at_ms: i64,
) -> rusqlite::Result<Standing> {
    let disabled_ms = disabled_ms(db, member)?;
    let grants = grants(db, member, space)?.into_iter();
    let grants: Vec<Grant> = grants.map(|grant| grant.cut(disabled_ms)).collect();
    Ok(judge(&grants, at_ms))
}

fn disabled_ms(db: &Connection, member: MemberId) -> rusqlite::Result<Option<i64>> {
    let disabled: Option<Option<i64>> = db
        .prepare_cached("SELECT disabled_ms FROM member WHERE id = ?1")?
        .query_row([blob(member.as_bytes())], |row| row.get(0))
        .optional()?;
    Ok(disabled.flatten())
}

fn judge(grants: &[Grant], at_ms: i64) -> Standing {
    if let Some(role) = grants
        .iter()
        .filter(|g| g.holds(at_ms))
        .map(|g| g.role)
        .max()
    {
        return Standing::In(role);
    }
    let last = grants
        .iter()
        .filter(|g| g.from_ms <= at_ms)
        .filter_map(|g| {
            Some((
                g.end_ms()?,
                g.role,
                g.removed_ms.is_some_and(|r| Some(r) == g.end_ms()),
            ))
        })
        .max_by_key(|(end, role, _)| (*end, *role));
    match last {
        Some((ended_ms, role, true)) => Standing::Removed { role, ended_ms },
        Some((ended_ms, role, false)) => Standing::Past { role, ended_ms },
        None => Standing::Never,
    }
}

/// The roles a member has in a space at this moment, the weakest first; one may be there twice.
pub fn roles_in(
    db: &Connection,
    member: MemberId,
    space: SpaceId,
    at_ms: i64,
) -> rusqlite::Result<Vec<Role>> {
    let disabled_ms = disabled_ms(db, member)?;
    let grants = grants(db, member, space)?.into_iter();
    let holding = grants.filter(|grant| grant.cut(disabled_ms).holds(at_ms));
    let mut roles: Vec<Role> = holding.map(|grant| grant.role).collect();
    roles.sort_unstable();
    Ok(roles)
}

/// The spaces a member is in at this moment, with the role there, sorted by id.
pub fn spaces_of(
    db: &Connection,
    member: MemberId,
    at_ms: i64,
) -> rusqlite::Result<Vec<(SpaceId, Role)>> {
    // One question for all spaces: a carer is in eighty, and each of her requests asks it.
    let mut query = db.prepare_cached(&format!(
        "SELECT space, role, from_ms, until_ms, removed_ms FROM space_member WHERE member = ?1
         UNION ALL SELECT st.space, {THROUGH_TEAM} WHERE tm.member = ?1 ORDER BY 1"
    ))?;
    let disabled_ms = disabled_ms(db, member)?;
    let rows = query.query_map([blob(member.as_bytes())], |row| {
        let grant = grant_row(row, 1)?;
        Ok((id16(row, 0).map(SpaceId)?, grant))
    })?;
    let mut result: Vec<(SpaceId, Role)> = Vec::new();
    for row in rows {
        let (space, grant) = row?;
        let Some(grant) = grant.map(|grant| grant.cut(disabled_ms)) else {
            continue;
        };
        match result.last_mut() {
            _ if !grant.holds(at_ms) => {}
            Some((last, role)) if *last == space => *role = grant.role.max(*role),
            Some(_) | None => result.push((space, grant.role)),
        }
    }
    Ok(result)
}

/// The number of the space's roster at this moment. It rises with every change of people,
/// memberships or devices (triggers see to it) and when a window opens or closes by itself, and
/// never comes back to an old value. An unknown space has roster 0.
pub fn roster_number(db: &Connection, space: SpaceId, at_ms: i64) -> rusqlite::Result<u64> {
    // Windows that were ended still count their boundaries: leaving them out would lower the number.
    let number: Option<i64> = db
        .prepare_cached(
            "SELECT roster
               + (SELECT coalesce(sum((from_ms > 0 AND from_ms <= ?2) + coalesce(until_ms <= ?2, 0)), 0)
                  FROM space_member WHERE space = ?1)
               + (SELECT coalesce(sum((from_ms > 0 AND from_ms <= ?2) + coalesce(until_ms <= ?2, 0)), 0)
                  FROM space_team WHERE space = ?1)
               + (SELECT coalesce(sum((tm.from_ms > 0 AND tm.from_ms <= ?2) + coalesce(tm.until_ms <= ?2, 0)), 0)
                  FROM team_member tm WHERE tm.team IN (SELECT team FROM space_team WHERE space = ?1))
             FROM space WHERE id = ?1",
        )?
        .query_row((blob(space.as_bytes()), at_ms), |row| row.get(0))
        .optional()?;
    Ok(number.and_then(|n| u64::try_from(n).ok()).unwrap_or(0))
}

/// Everyone who is or was in the space, with every device they ever had, sorted by device. Those
/// who have left, and devices that were revoked, have an empty role: their old signatures must stay
/// checkable.
pub fn roster(db: &Connection, space: SpaceId, at_ms: i64) -> rusqlite::Result<Vec<RosterRow>> {
    let mut query = db.prepare_cached(
        "SELECT d.id, d.key, d.member, m.name, d.office, d.revoked_ms FROM device d
         JOIN member m ON m.id = d.member
         WHERE d.member IN (SELECT member FROM space_member WHERE space = ?1
           UNION SELECT tm.member FROM space_team st JOIN team_member tm ON tm.team = st.team
           WHERE st.space = ?1)
         ORDER BY d.id",
    )?;
    let mut rows = query.query([blob(space.as_bytes())])?;
    let mut roster = Vec::new();
    while let Some(row) = rows.next()? {
        let member = MemberId(id16(row, 2)?);
        let revoked: Option<i64> = row.get(5)?;
        let role = match standing(db, member, space, at_ms)?.role() {
            Some(role) if revoked.is_none() && role.may(Action::Read) => role.code(),
            _ => "",
        };
        roster.push(RosterRow {
            device: DeviceId(id16(row, 0)?),
            key: row.get(1)?,
            member,
            name: row.get(3)?,
            role: role.to_owned(),
            office: row.get(4)?,
        });
    }
    Ok(roster)
}

#[cfg(test)]
mod tests;
