//! Organisations, members, teams and spaces: adding, naming, ending.
//!
//! Everything can be named by its name or its id; see [`find`].

use rusqlite::{Connection, OptionalExtension};
use sopu_core::id::{DocId, MemberId, OrgId, SpaceId, mint_uuid};
use sopu_core::time::Env;
use sopu_core::wire::limits;
use uuid::Uuid;

use super::{AccessError, Result, Role, blob, id16, password, sessions, whole};

/// What can be found by name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum What {
    /// A company, association or authority.
    Organisation,
    /// A named set of people.
    Team,
    /// A set of documents and people.
    Space,
    /// A person; also by user name.
    Member,
}

impl What {
    fn word(self) -> &'static str {
        match self {
            What::Organisation => "organisation",
            What::Team => "team",
            What::Space => "space",
            What::Member => "member",
        }
    }
}

/// The id of the one thing with this id, user name or name.
pub fn find(db: &Connection, what: What, name: &str) -> Result<Uuid> {
    let sql = match what {
        What::Organisation => "SELECT id FROM organisation WHERE id = ?1 OR name = ?2",
        What::Team => "SELECT id FROM team WHERE id = ?1 OR name = ?2",
        What::Space => "SELECT id FROM space WHERE id = ?1 OR name = ?2",
        What::Member => "SELECT id FROM member WHERE id = ?1 OR login = ?2 OR name = ?2",
    };
    let id = Uuid::parse_str(name).ok().map(|id| id.as_bytes().to_vec());
    let found: Vec<Uuid> = db
        .prepare_cached(sql)?
        .query_map((id, name), |row| id16(row, 0))?
        .collect::<rusqlite::Result<_>>()?;
    match found.as_slice() {
        [one] => Ok(*one),
        [] => Err(AccessError::Unknown {
            what: what.word(),
            name: name.to_owned(),
        }),
        _ => Err(AccessError::Ambiguous {
            what: what.word(),
            name: name.to_owned(),
        }),
    }
}

/// The only organisation there is, or the named one.
pub fn find_org(db: &Connection, name: Option<&str>) -> Result<OrgId> {
    if let Some(name) = name {
        return find(db, What::Organisation, name).map(OrgId);
    }
    let all: Vec<Uuid> = db
        .prepare_cached("SELECT id FROM organisation LIMIT 2")?
        .query_map([], |row| id16(row, 0))?
        .collect::<rusqlite::Result<_>>()?;
    match all.as_slice() {
        [one] => Ok(OrgId(*one)),
        [] => Err(AccessError::Unknown {
            what: "organisation",
            name: "any; add one with `sopu org add NAME`".to_owned(),
        }),
        _ => Err(AccessError::WhichOrg),
    }
}

/// Adds an organisation.
pub fn add_org(
    db: &Connection,
    env: &dyn Env,
    name: &str,
    business_id: Option<&str>,
) -> Result<OrgId> {
    let id = OrgId::mint(env);
    db.execute(
        "INSERT INTO organisation(id, name, business_id, created_ms) VALUES (?1,?2,?3,?4)",
        (blob(id.as_bytes()), name, business_id, env.now_ms()),
    )?;
    Ok(id)
}

/// A new member.
#[derive(Clone, Debug)]
pub struct NewMember<'a> {
    /// Their organisation.
    pub org: OrgId,
    /// Their name, as others see it.
    pub name: &'a str,
    /// User name for the office pages.
    pub login: Option<&'a str>,
    /// Password for the office pages.
    pub password: Option<&'a str>,
    /// May administer the organisation.
    pub admin: bool,
}

/// Adds a person.
pub fn add_member(db: &Connection, env: &dyn Env, new: &NewMember<'_>) -> Result<MemberId> {
    if let Some(login) = new.login {
        let taken = db
            .prepare_cached("SELECT 1 FROM member WHERE login = ?1")?
            .exists([login])?;
        if taken {
            return Err(AccessError::Taken {
                what: "user name",
                name: login.to_owned(),
            });
        }
    }
    let hash = new.password.map(password::hash).transpose()?;
    let id = MemberId::mint(env);
    db.execute(
        "INSERT INTO member(id, org, name, login, password_hash, admin, created_ms) VALUES (?1,?2,?3,?4,?5,?6,?7)",
        (
            blob(id.as_bytes()),
            blob(new.org.as_bytes()),
            new.name,
            new.login,
            hash,
            new.admin,
            env.now_ms(),
        ),
    )?;
    Ok(id)
}

/// Gives a member a new password and ends their sessions.
pub fn set_password(db: &Connection, member: MemberId, new: &str) -> Result<()> {
    db.execute(
        "UPDATE member SET password_hash = ?2, password_once = 0 WHERE id = ?1",
        (blob(member.as_bytes()), password::hash(new)?),
    )?;
    // Whoever knew the old password may have seen a secret that nobody has confirmed yet.
    db.execute(
        "DELETE FROM second_factor WHERE member = ?1 AND since_ms IS NULL",
        [blob(member.as_bytes())],
    )?;
    sessions::sign_out_everywhere(db, member)
}

/// As [`set_password`], for one that somebody else gave: it opens the way to making another.
pub fn set_one_time_password(db: &Connection, member: MemberId, new: &str) -> Result<()> {
    set_password(db, member, new)?;
    db.execute(
        "UPDATE member SET password_once = 1 WHERE id = ?1",
        [blob(member.as_bytes())],
    )?;
    Ok(())
}

/// Says whether a person may administer their organisation.
pub fn set_admin(db: &Connection, member: MemberId, admin: bool) -> Result<()> {
    db.execute(
        "UPDATE member SET admin = ?2 WHERE id = ?1",
        (blob(member.as_bytes()), admin),
    )?;
    Ok(())
}

/// The people of an organisation whose accounts are open, by name.
pub fn of_org(db: &Connection, org: OrgId) -> Result<Vec<(MemberId, String)>> {
    let mut query = db.prepare_cached(
        "SELECT id, name FROM member WHERE org = ?1 AND disabled_ms IS NULL ORDER BY name",
    )?;
    let rows = query.query_map([blob(org.as_bytes())], |row| {
        Ok((MemberId(id16(row, 0)?), row.get(1)?))
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// A member's organisation.
pub fn org_of(db: &Connection, member: MemberId) -> Result<OrgId> {
    let org = db.query_row(
        "SELECT org FROM member WHERE id = ?1",
        [blob(member.as_bytes())],
        |row| id16(row, 0),
    )?;
    Ok(OrgId(org))
}

/// Whether a member signs in with a password.
pub fn has_password(db: &Connection, member: MemberId) -> Result<bool> {
    Ok(stored_password(db, member)?.is_some())
}

/// Whether this is the member's password.
pub fn password_holds(db: &Connection, member: MemberId, given: &str) -> Result<bool> {
    Ok(password::holds(
        given,
        stored_password(db, member)?.as_deref(),
    ))
}

fn stored_password(db: &Connection, member: MemberId) -> Result<Option<String>> {
    Ok(db
        .prepare_cached("SELECT password_hash FROM member WHERE id = ?1")?
        .query_row([blob(member.as_bytes())], |row| row.get(0))
        .optional()?
        .flatten())
}

/// Says whether everybody of an organisation who signs in with a password needs a second factor.
pub fn require_second_factor(db: &Connection, org: OrgId, required: bool) -> Result<()> {
    db.execute(
        "UPDATE organisation SET second_factor = ?2 WHERE id = ?1",
        (blob(org.as_bytes()), required),
    )?;
    Ok(())
}

/// Days a lease may have.
pub const LEASE: std::ops::RangeInclusive<u16> = 1..=365;

/// Says for how many days devices of an organisation's people may be without contact.
pub fn set_lease(db: &Connection, org: OrgId, days: u16) -> Result<()> {
    db.execute(
        "UPDATE organisation SET lease_days = ?2 WHERE id = ?1",
        (blob(org.as_bytes()), days),
    )?;
    Ok(())
}

/// For how many days devices of an organisation's people may be without contact.
pub fn lease_of(db: &Connection, org: OrgId) -> Result<u16> {
    let days: Option<u16> = db.query_row(
        "SELECT lease_days FROM organisation WHERE id = ?1",
        [blob(org.as_bytes())],
        |row| row.get(0),
    )?;
    Ok(days.unwrap_or(limits::LEASE_DAYS))
}

/// Ends a person's account: no sign-in, no sync but escrow; their work stays.
pub fn disable_member(db: &Connection, member: MemberId, now_ms: i64) -> Result<()> {
    db.execute(
        "UPDATE member SET disabled_ms = coalesce(disabled_ms, ?2) WHERE id = ?1",
        (blob(member.as_bytes()), now_ms),
    )?;
    sessions::sign_out_everywhere(db, member)
}

/// Adds a team.
pub fn add_team(db: &Connection, env: &dyn Env, org: OrgId, name: &str) -> Result<Uuid> {
    let id = mint_uuid(env);
    db.execute(
        "INSERT INTO team(id, org, name) VALUES (?1,?2,?3)",
        (blob(id.as_bytes()), blob(org.as_bytes()), name),
    )?;
    Ok(id)
}

/// Adds a space.
pub fn add_space(db: &Connection, env: &dyn Env, org: OrgId, name: &str) -> Result<SpaceId> {
    let id = SpaceId::mint(env);
    db.execute(
        "INSERT INTO space(id, org, name, created_ms) VALUES (?1,?2,?3,?4)",
        (
            blob(id.as_bytes()),
            blob(org.as_bytes()),
            name,
            env.now_ms(),
        ),
    )?;
    Ok(id)
}

/// Renames a space.
pub fn rename_space(db: &Connection, space: SpaceId, name: &str) -> Result<()> {
    db.execute(
        "UPDATE space SET name = ?2 WHERE id = ?1",
        (blob(space.as_bytes()), name),
    )?;
    Ok(())
}

/// A window of time a membership holds in, milliseconds since 1970 UTC.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Window {
    /// From when.
    pub from_ms: i64,
    /// Until when (not included); open if `None`.
    pub until_ms: Option<i64>,
}

/// Puts a person into a team for a time.
pub fn join_team(db: &Connection, team: Uuid, member: MemberId, window: Window) -> Result<()> {
    db.execute(
        "INSERT INTO team_member(team, member, from_ms, until_ms) VALUES (?1,?2,?3,?4)
         ON CONFLICT DO UPDATE SET until_ms = excluded.until_ms, removed_ms = NULL",
        (
            blob(team.as_bytes()),
            blob(member.as_bytes()),
            window.from_ms,
            window.until_ms,
        ),
    )?;
    Ok(())
}

/// Takes a person out of a team now.
pub fn leave_team(db: &Connection, team: Uuid, member: MemberId, now_ms: i64) -> Result<bool> {
    Ok(db.execute(
        "UPDATE team_member SET removed_ms = ?3 WHERE team = ?1 AND member = ?2 AND removed_ms IS NULL",
        (blob(team.as_bytes()), blob(member.as_bytes()), now_ms),
    )? > 0)
}

/// Someone a space can be given to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Party {
    /// One person.
    Member(MemberId),
    /// Everyone of a team, whoever that is at the moment.
    Team(Uuid),
}

/// Gives a person or team a role in a space for a time. Another role than before ends the old one, if the
/// new one holds from now on and for good; one for later or for a time stands beside it.
pub fn grant(
    db: &mut Connection,
    space: SpaceId,
    to: Party,
    role: Role,
    window: Window,
    now_ms: i64,
) -> Result<()> {
    whole(db, |db| grant_within(db, space, to, role, window, now_ms))
}

/// As [`grant`], as part of a transaction.
///
/// # Errors
/// The database's.
pub fn grant_within(
    tx: &Connection,
    space: SpaceId,
    to: Party,
    role: Role,
    window: Window,
    now_ms: i64,
) -> Result<()> {
    let (table, column, id) = party(&to);
    let instead = window.from_ms <= now_ms && window.until_ms.is_none();
    tx.execute(
        &format!(
            "UPDATE {table} SET removed_ms = ?4 WHERE {instead} AND space = ?1 AND {column} = ?2 AND role <> ?3
             AND removed_ms IS NULL AND (until_ms IS NULL OR until_ms > ?4)"
        ),
        (blob(space.as_bytes()), id, role.code(), now_ms),
    )?;
    tx.execute(
        &format!(
            "INSERT INTO {table}(space, {column}, role, from_ms, until_ms) VALUES (?1,?2,?3,?4,?5)
             ON CONFLICT DO UPDATE SET role = excluded.role, until_ms = excluded.until_ms, removed_ms = NULL"
        ),
        (blob(space.as_bytes()), id, role.code(), window.from_ms, window.until_ms),
    )?;
    Ok(())
}

/// Takes a person or team out of a space now; says whether there was anything to end.
pub fn revoke(db: &Connection, space: SpaceId, from: Party, now_ms: i64) -> Result<bool> {
    let (table, column, id) = party(&from);
    Ok(db.execute(
        &format!("UPDATE {table} SET removed_ms = ?3 WHERE space = ?1 AND {column} = ?2 AND removed_ms IS NULL"),
        (blob(space.as_bytes()), id, now_ms),
    )? > 0)
}

/// Ends one grant of a person or team in a space, the one that begins then; what else they were given
/// stays. Says whether there was anything to end.
pub fn end_grant(
    db: &Connection,
    space: SpaceId,
    of: Party,
    from_ms: i64,
    now_ms: i64,
) -> Result<bool> {
    let (table, column, id) = party(&of);
    Ok(db.execute(
        &format!(
            "UPDATE {table} SET removed_ms = ?3 WHERE space = ?1 AND {column} = ?2 AND from_ms = ?4
             AND removed_ms IS NULL"
        ),
        (blob(space.as_bytes()), id, now_ms, from_ms),
    )? > 0)
}

fn party(party: &Party) -> (&'static str, &'static str, &[u8]) {
    match party {
        Party::Member(member) => ("space_member", "member", member.as_bytes().as_slice()),
        Party::Team(team) => ("space_team", "team", team.as_bytes().as_slice()),
    }
}

/// A line of a list for people: id, name, and what else there is to say.
pub type Line = (Uuid, String, String);

/// Every organisation, team, space or member, by name.
pub fn list(db: &Connection, what: What) -> Result<Vec<Line>> {
    let sql = match what {
        What::Organisation => {
            "SELECT id, name, coalesce(business_id, '') FROM organisation ORDER BY 2"
        }
        What::Team => {
            "SELECT t.id, t.name, o.name FROM team t JOIN organisation o ON o.id = t.org ORDER BY 2"
        }
        What::Space => {
            "SELECT s.id, s.name, o.name FROM space s JOIN organisation o ON o.id = s.org ORDER BY 2"
        }
        What::Member => {
            "SELECT m.id, m.name, o.name || coalesce(', user name ' || m.login, '')
               || iif(m.admin, ', administrator', '') || iif(m.disabled_ms IS NULL, '', ', ended')
             FROM member m JOIN organisation o ON o.id = m.org ORDER BY 2"
        }
    };
    let mut query = db.prepare_cached(sql)?;
    let rows = query.query_map([], |row| Ok((id16(row, 0)?, row.get(1)?, row.get(2)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// A space as its heading shows it: its name and its organisation's.
pub fn space_heading(db: &Connection, space: SpaceId) -> Result<Option<(String, String)>> {
    Ok(db
        .prepare_cached("SELECT s.name, o.name FROM space s JOIN organisation o ON o.id = s.org WHERE s.id = ?1")?
        .query_row([blob(space.as_bytes())], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?)
}

/// A member's name and their organisation's.
pub fn name_and_org(db: &Connection, member: MemberId) -> Result<Option<(String, String)>> {
    Ok(db
        .prepare_cached("SELECT m.name, o.name FROM member m JOIN organisation o ON o.id = m.org WHERE m.id = ?1")?
        .query_row([blob(member.as_bytes())], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?)
}

/// Who has written in a document: whose work in it is in the feed.
pub fn writers(db: &Connection, doc: DocId) -> Result<Vec<MemberId>> {
    let mut query = db.prepare_cached(
        "SELECT DISTINCT d.member FROM envelope e JOIN device d ON d.id = e.device
         WHERE e.doc = ?1 AND e.seq IS NOT NULL",
    )?;
    let rows = query.query_map([blob(doc.as_bytes())], |row| Ok(MemberId(id16(row, 0)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// A member's name.
pub fn name_of(db: &Connection, member: MemberId) -> Result<Option<String>> {
    Ok(db
        .prepare_cached("SELECT name FROM member WHERE id = ?1")?
        .query_row([blob(member.as_bytes())], |row| row.get(0))
        .optional()?)
}
