//! A substitute: somebody let into several spaces for a time, in one act. It begins and ends by itself.

use rusqlite::Connection;
use sopu_core::id::{MemberId, SpaceId};

use super::log::{self, Entry};
use super::people::Window;
use super::{Result, Role, blob, id16, whole};

/// How long it lasts unless told otherwise.
pub const LENGTH_MS: i64 = 24 * 60 * 60 * 1_000;

/// As what a substitute is in the spaces.
pub const ROLE: Role = Role::Field;

/// Who stands in, where, and when.
#[derive(Clone, Debug)]
pub struct Substitution<'a> {
    /// The substitute.
    pub member: MemberId,
    /// Where.
    pub spaces: &'a [SpaceId],
    /// When.
    pub window: Window,
    /// Who says so; `None` for the command line.
    pub by: Option<MemberId>,
    /// Why.
    pub reason: &'a str,
}

/// Lets a substitute in, everywhere or nowhere, with a row of the access log for each space. What rights
/// they have there otherwise stay as they are.
pub fn grant(db: &mut Connection, given: &Substitution<'_>, now_ms: i64) -> Result<()> {
    whole(db, |tx| grant_within(tx, given, now_ms))
}

fn grant_within(tx: &Connection, given: &Substitution<'_>, now_ms: i64) -> Result<()> {
    for space in given.spaces {
        let from_ms = insert(tx, given, *space)?;
        let until = given.window.until_ms;
        let until = until.map_or("for good".to_owned(), |ms| format!("until {ms}"));
        let what = format!(
            "substitute member:{} {} from {from_ms} {until}: {}",
            given.member,
            ROLE.code(),
            given.reason
        );
        let entry = Entry {
            at_ms: now_ms,
            member: given.by,
            action: "administer".to_owned(),
            space: Some(*space),
            doc: None,
            reason: Some(what),
        };
        log::record(tx, &entry)?;
    }
    Ok(())
}

/// A row of its own beside those there are; a millisecond later for each that begins at the same moment.
fn insert(tx: &Connection, given: &Substitution<'_>, space: SpaceId) -> Result<i64> {
    let mut from_ms = given.window.from_ms;
    loop {
        let added = tx
            .prepare_cached(
                "INSERT INTO space_member(space, member, role, from_ms, until_ms)
                 VALUES (?1,?2,?3,?4,?5) ON CONFLICT DO NOTHING",
            )?
            .execute((
                blob(space.as_bytes()),
                blob(given.member.as_bytes()),
                ROLE.code(),
                from_ms,
                given.window.until_ms,
            ))?;
        if added > 0 {
            return Ok(from_ms);
        }
        from_ms += 1;
    }
}

/// Somebody who can stand in, with the name of their organisation.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Candidate {
    /// Who.
    pub member: MemberId,
    /// Their name.
    pub name: String,
    /// Their organisation's.
    pub org: String,
}

/// People of other organisations who are or were in one of these spaces: those of a partner who stood in
/// before.
pub fn partners(
    db: &Connection,
    spaces: &[SpaceId],
    own: sopu_core::id::OrgId,
) -> Result<Vec<Candidate>> {
    let mut query = db.prepare_cached(
        "SELECT DISTINCT m.id, m.name, o.name FROM space_member g JOIN member m ON m.id = g.member
         JOIN organisation o ON o.id = m.org
         WHERE g.space = ?1 AND m.org <> ?2 AND m.disabled_ms IS NULL",
    )?;
    let mut found: Vec<Candidate> = Vec::new();
    for space in spaces {
        let rows = query.query_map((blob(space.as_bytes()), blob(own.as_bytes())), |row| {
            Ok(Candidate {
                member: MemberId(id16(row, 0)?),
                name: row.get(1)?,
                org: row.get(2)?,
            })
        })?;
        for row in rows {
            let row = row?;
            if !found.contains(&row) {
                found.push(row);
            }
        }
    }
    found.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(found)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that fails should say where")]
    use sopu_core::time::SystemEnv;

    use super::*;
    use crate::access::people::{self, NewMember, Party};
    use crate::access::standing;
    use crate::store::schema;

    const WINDOW: Window = Window {
        from_ms: 100,
        until_ms: Some(200),
    };

    #[test]
    fn a_substitute_is_let_in_everywhere_or_nowhere_and_keeps_other_rights() {
        let mut db = schema::open_in_memory().unwrap();
        let org = people::add_org(&db, &SystemEnv, "Hoiva Oy", None).unwrap();
        let new = NewMember {
            org,
            name: "Sari",
            login: None,
            password: None,
            admin: false,
        };
        let member = people::add_member(&db, &SystemEnv, &new).unwrap();
        let add = |name| people::add_space(&db, &SystemEnv, org, name).unwrap();
        let spaces = [add("Koivula"), add("Mäkelä")];
        let always = Window {
            from_ms: 100,
            until_ms: None,
        };
        let party = Party::Member(member);
        people::grant(&mut db, spaces[0], party, Role::Reader, always, 50).unwrap();
        let given = |spaces| Substitution {
            member,
            spaces,
            window: WINDOW,
            by: None,
            reason: "sijaisuus",
        };
        // One of them is none of ours.
        let wrong = [spaces[1], SpaceId::mint(&SystemEnv)];
        assert!(grant(&mut db, &given(&wrong), 50).is_err());
        let at = |db: &Connection, space, ms| standing(db, member, space, ms).unwrap().role();
        assert_eq!(at(&db, spaces[1], 150), None, "nothing of it was done");
        assert!(log::all(&db, 9).unwrap().is_empty());

        grant(&mut db, &given(&spaces), 50).unwrap();
        assert_eq!(log::all(&db, 9).unwrap().len(), 2);
        assert_eq!(at(&db, spaces[1], 99), None);
        assert_eq!(at(&db, spaces[1], 199), Some(Role::Field));
        assert_eq!(at(&db, spaces[1], 200), None);
        assert_eq!(at(&db, spaces[0], 150), Some(Role::Field));
        assert_eq!(at(&db, spaces[0], 200), Some(Role::Reader), "as before");
    }
}
