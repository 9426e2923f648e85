//! The schema and its migrations: one numbered `.sql` file a step, applied in order, counted in
//! SQLite's own `user_version`.

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::{Result, StoreError};

/// Every step, oldest first. The n-th brings a store to version n + 1.
const STEPS: &[&str] = &[
    include_str!("schema/001.sql"),
    include_str!("schema/002.sql"),
    include_str!("schema/003.sql"),
    include_str!("schema/004.sql"),
    include_str!("schema/005.sql"),
];

/// The version this code writes.
pub fn current() -> u32 {
    u32::try_from(STEPS.len()).unwrap_or(u32::MAX)
}

/// Brings the file to [`current`], each step in a transaction of its own.
///
/// # Errors
/// [`StoreError::Newer`] if a later version of Sopu wrote the file; nothing is touched then.
pub fn migrate(conn: &mut Connection) -> Result<()> {
    readable(conn)?;
    for (target, step) in (1u32..).zip(STEPS) {
        if target <= version(conn)? {
            continue;
        }
        let tx = Transaction::new(conn, TransactionBehavior::Immediate)?;
        // Another process may have taken the step while this one waited for the lock.
        if version(&tx)? < target {
            tx.execute_batch(step)?;
            tx.pragma_update(None, "user_version", target)?;
        }
        tx.commit()?;
    }
    Ok(())
}

/// Whether this code knows the file's schema.
///
/// # Errors
/// [`StoreError::Newer`] if not; SQLite's own.
pub fn readable(conn: &Connection) -> Result<()> {
    let (found, known) = (version(conn)?, current());
    if found > known {
        return Err(StoreError::Newer { found, known });
    }
    Ok(())
}

/// The version of the file.
pub fn version(conn: &Connection) -> Result<u32> {
    Ok(conn.pragma_query_value(None, "user_version", |row| row.get(0))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A store of every shipped schema, with one document in it.
    const FIXTURES: &[&[u8]] = &[
        include_bytes!("../../fixtures/store-v1.db"),
        include_bytes!("../../fixtures/store-v2.db"),
        include_bytes!("../../fixtures/store-v3.db"),
        include_bytes!("../../fixtures/store-v4.db"),
        include_bytes!("../../fixtures/store-v5.db"),
    ];

    fn shape(conn: &Connection) -> Vec<(String, String)> {
        let mut statement = conn
            .prepare("SELECT name, coalesce(sql, '') FROM sqlite_schema ORDER BY name")
            .expect("prepares");
        let rows = statement
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
            .expect("queries");
        rows.collect::<rusqlite::Result<_>>().expect("reads")
    }

    #[test]
    fn every_released_schema_upgrades_to_the_same_as_a_fresh_one() {
        let mut fresh = Connection::open_in_memory().expect("opens");
        migrate(&mut fresh).expect("migrates");
        assert_eq!(FIXTURES.len(), STEPS.len(), "a fixture for every schema");
        for (made_at, bytes) in (1u32..).zip(FIXTURES) {
            let folder = tempfile::tempdir().expect("folder");
            let path = folder.path().join("old.db");
            std::fs::write(&path, bytes).expect("writes");
            let before = Connection::open(&path).expect("opens");
            assert_eq!(version(&before).expect("version"), made_at);
            drop(before);
            let store = crate::store::Store::open(&path).expect("upgrades");
            assert_eq!(shape(store.conn()), shape(&fresh), "from version {made_at}");
            let ids = crate::store::document::ids(store.conn(), None, None, 10).expect("ids");
            assert_eq!(ids.len(), 1, "content survives");
            store.document(ids[0]).expect("and reads");
        }
    }

    #[test]
    fn a_store_of_a_later_version_is_left_alone() {
        let mut conn = Connection::open_in_memory().expect("opens");
        conn.pragma_update(None, "user_version", current() + 1)
            .expect("sets");
        assert!(matches!(migrate(&mut conn), Err(StoreError::Newer { .. })));
        assert!(shape(&conn).is_empty());
    }

    /// `cargo test -p sopu-core write_the_fixture -- --ignored`, once, when a schema is released.
    #[test]
    #[ignore = "writes a file of the source tree"]
    fn write_the_fixture_of_the_current_schema() {
        let name = format!("fixtures/store-v{}.db", current());
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
        let _ = std::fs::remove_file(&path);
        let small = Connection::open(&path).expect("opens");
        small
            .execute_batch("PRAGMA page_size = 512; VACUUM")
            .expect("small pages");
        drop(small);
        let mut store = crate::store::Store::open(&path).expect("opens");
        crate::store::tests::world::World::new(1).note(&mut store, "Vanha muistiinpano");
        store.scrub().expect("one file");
    }
}
