//! The database file `relay.db`: its schema and how it is opened. The access tables are shared
//! with the office; everything else belongs to the relay.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use sopu_core::store::{StoreKey, keep_plans, log_ahead};

use crate::data::unlock;

/// For how long another connection that holds the database is waited for.
pub(crate) const BUSY_WAIT: Duration = Duration::from_secs(20);

/// Each step brings the file from one `user_version` to the next. Never edit a released step.
const STEPS: &[&[&str]] = &[
    &[
        include_str!("schema/access.sql"),
        include_str!("schema/access_triggers.sql"),
        include_str!("schema/relay.sql"),
    ],
    &[include_str!("schema/waiting.sql")],
    &[include_str!("schema/offers.sql")],
    &[include_str!("schema/sign_in.sql")],
    &[include_str!("schema/erasures.sql")],
    &[include_str!("schema/access_chain.sql")],
    &[include_str!("schema/one_time_password.sql")],
    &[include_str!("schema/lease.sql")],
    &[include_str!("schema/outsiders.sql")],
    &[include_str!("schema/retention.sql")],
    &[include_str!("schema/remembered.sql")],
    &[include_str!("schema/moved.sql")],
    &[include_str!("schema/holds.sql")],
    &[include_str!("schema/about.sql")],
    &[include_str!("schema/access_salt.sql")],
    &[include_str!("schema/holds_told.sql")],
];

/// Opens or creates `relay.db`: WAL, every commit on disk before it returns.
pub fn open(path: &Path) -> rusqlite::Result<Connection> {
    open_with(path, None)
}

/// As [`open`], encrypted if there is a key.
pub fn open_with(path: &Path, key: Option<StoreKey>) -> rusqlite::Result<Connection> {
    prepare(unlocked(Connection::open(path)?, key)?)
}

/// A further connection to a file that [`open`] has prepared, for reading. There may be many, so
/// each keeps little in memory.
pub fn open_reader(path: &Path, key: Option<StoreKey>) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    reader(unlocked(Connection::open_with_flags(path, flags)?, key)?)
}

/// An existing file for looking through, whatever state it is in. One that nobody writes (a backup) is
/// not touched at all, not even by a lock beside it.
pub fn open_to_check(
    path: &Path,
    key: Option<StoreKey>,
    still: bool,
) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
    let text = path.to_string_lossy();
    let escaped = text
        .replace('%', "%25")
        .replace('?', "%3f")
        .replace('#', "%23");
    let still = if still { "?immutable=1" } else { "" };
    let file = Connection::open_with_flags(format!("file:{escaped}{still}"), flags)?;
    let connection = reader(unlocked(file, key)?)?;
    if version(&connection)? > STEPS.len() {
        let newer = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_SCHEMA);
        let told = Some("a later version of Sopu wrote this file".to_owned());
        return Err(rusqlite::Error::SqliteFailure(newer, told));
    }
    Ok(connection)
}

fn unlocked(connection: Connection, key: Option<StoreKey>) -> rusqlite::Result<Connection> {
    unlock(&connection, key)?;
    Ok(connection)
}

fn reader(connection: Connection) -> rusqlite::Result<Connection> {
    keep_plans(&connection)?;
    connection.busy_timeout(BUSY_WAIT)?;
    connection.execute_batch("PRAGMA cache_size = -512; PRAGMA trusted_schema = OFF;")?;
    connection.set_prepared_statement_cache_capacity(128);
    Ok(connection)
}

/// As [`open`] in memory, for tests and simulations.
pub fn open_in_memory() -> rusqlite::Result<Connection> {
    prepare(Connection::open_in_memory()?)
}

fn version(connection: &Connection) -> rusqlite::Result<usize> {
    connection
        .query_row("PRAGMA user_version", [], |row| row.get::<_, i64>(0))
        .map(|version| usize::try_from(version).unwrap_or(0))
}

fn prepare(mut connection: Connection) -> rusqlite::Result<Connection> {
    keep_plans(&connection)?;
    connection.busy_timeout(BUSY_WAIT)?;
    log_ahead(&connection)?;
    connection.execute_batch(
        "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;
         PRAGMA secure_delete = ON; PRAGMA trusted_schema = OFF;",
    )?;
    connection.set_prepared_statement_cache_capacity(128);
    if version(&connection)? >= STEPS.len() {
        // Whoever only looks in does not stand in the writer's way.
        return Ok(connection);
    }
    let tx = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let version = version(&tx)?;
    for (number, step) in STEPS.iter().enumerate().skip(version) {
        for sql in *step {
            tx.execute_batch(sql)?;
        }
        tx.execute_batch(&format!("PRAGMA user_version = {}", number + 1))?;
    }
    tx.commit()?;
    Ok(connection)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn who_was_let_in_before_there_were_outsiders_still_is() {
        let mut old = Connection::open_in_memory().unwrap();
        old.execute_batch("PRAGMA foreign_keys = ON;").unwrap();
        let before = STEPS
            .iter()
            .position(|step| step[0].contains("'relative'"))
            .unwrap();
        let tx = old.transaction().unwrap();
        for sql in STEPS[..before].iter().copied().flatten() {
            tx.execute_batch(sql).unwrap();
        }
        tx.execute_batch(&format!("PRAGMA user_version = {before}"))
            .unwrap();
        let id = |n: u8| vec![n; 16];
        let org = "INSERT INTO organisation(id, name, created_ms) VALUES (?, 'Org', 0)";
        tx.execute(org, [id(1)]).unwrap();
        let member = "INSERT INTO member(id, org, name, created_ms) VALUES (?, ?, 'M', 0)";
        tx.execute(member, (id(2), id(1))).unwrap();
        let space = "INSERT INTO space(id, org, name, created_ms) VALUES (?, ?, 'S', 0)";
        tx.execute(space, (id(4), id(1))).unwrap();
        tx.execute("INSERT INTO team VALUES (?, ?, 'T')", (id(5), id(1)))
            .unwrap();
        let grant = "INSERT INTO space_member VALUES (?, ?, 'field', 3, 9, 7)";
        tx.execute(grant, (id(4), id(2))).unwrap();
        let team = "INSERT INTO space_team VALUES (?, ?, 'office', 4, NULL, NULL)";
        tx.execute(team, (id(4), id(5))).unwrap();
        tx.commit().unwrap();
        let roster = |db: &Connection| {
            db.query_row("SELECT roster FROM space", [], |r| r.get::<_, i64>(0))
                .unwrap()
        };
        let known = roster(&old);
        let new = prepare(old).unwrap();
        assert_eq!(roster(&new), known, "moving house is no news");
        let kept: (String, i64, i64, i64) = new
            .query_row(
                "SELECT role, from_ms, until_ms, removed_ms FROM space_member",
                [],
                |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?)),
            )
            .unwrap();
        assert_eq!(kept, ("field".to_owned(), 3, 9, 7));
        let teams = "UPDATE space_team SET role = 'relative'";
        assert_eq!(new.execute(teams, []).unwrap(), 1);
        assert!(roster(&new) > known, "and what happens after is");
        new.execute("UPDATE space_team SET role = 'admin'", [])
            .unwrap_err();
    }

    #[test]
    fn every_change_of_people_raises_the_roster_and_tells_the_ledger() {
        let db = open_in_memory().unwrap();
        let id = |n: u8| vec![n; 16];
        db.execute(
            "INSERT INTO organisation(id, name, created_ms) VALUES (?, 'Org', 0)",
            [id(1)],
        )
        .unwrap();
        for n in [2u8, 3] {
            db.execute(
                "INSERT INTO member(id, org, name, created_ms) VALUES (?, ?, 'M', 0)",
                (id(n), id(1)),
            )
            .unwrap();
        }
        db.execute(
            "INSERT INTO space(id, org, name, created_ms) VALUES (?, ?, 'S', 0)",
            (id(4), id(1)),
        )
        .unwrap();
        db.execute("INSERT INTO team VALUES (?, ?, 'T')", (id(5), id(1)))
            .unwrap();
        let roster = || {
            db.query_row("SELECT roster FROM space", [], |r| r.get::<_, i64>(0))
                .unwrap()
        };
        let news = || {
            db.query_row("SELECT count(*) FROM ledger_news", [], |r| {
                r.get::<_, i64>(0)
            })
            .unwrap()
        };
        let steps = [
            "INSERT INTO space_member(space, member, role) VALUES (x'04040404040404040404040404040404', x'02020202020202020202020202020202', 'field')",
            "INSERT INTO space_team(space, team, role) VALUES (x'04040404040404040404040404040404', x'05050505050505050505050505050505', 'office')",
            "INSERT INTO team_member(team, member) VALUES (x'05050505050505050505050505050505', x'03030303030303030303030303030303')",
            "INSERT INTO device(id, member, key, name, enrolled_ms) VALUES (x'06060606060606060606060606060606', x'03030303030303030303030303030303', x'07', 'D', 0)",
            "UPDATE device SET revoked_ms = 1",
            "UPDATE space_member SET removed_ms = 1",
            "UPDATE member SET name = 'N' WHERE id = x'03030303030303030303030303030303'",
            "UPDATE space SET name = 'Z'",
        ];
        for sql in steps {
            let before = (roster(), news());
            db.execute(sql, []).unwrap();
            assert!(roster() >= before.0 + 4, "{sql}");
            assert!(news() > before.1, "{sql}");
        }
        let before = roster();
        db.execute("UPDATE device SET last_seen_ms = 5", [])
            .unwrap();
        assert_eq!(roster(), before, "being seen is no news");
    }
}
