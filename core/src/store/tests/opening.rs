//! What opening a store costs.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rusqlite::{Connection, params};

use super::world::World;
use crate::store::Store;

/// The steps SQLite's machine takes to open the file.
fn steps_to_open(path: &Path) -> u64 {
    let steps = Arc::new(AtomicU64::new(0));
    let mut conn = Connection::open(path).expect("opens");
    let counter = Arc::clone(&steps);
    let count = move || {
        counter.fetch_add(1, Ordering::Relaxed);
        false
    };
    conn.progress_handler(1, Some(count)).expect("counts");
    Store::prepare(conn, None).expect("prepares");
    steps.load(Ordering::Relaxed)
}

/// A store whose one document is there so many times.
fn store_of(path: &Path, documents: u32) {
    let world = World::new(1);
    let mut store = Store::open(path).expect("opens");
    world.note(&mut store, "monta kertaa");
    store
        .write(|tx| {
            for n in 2..=documents {
                tx.execute(
                    "INSERT INTO document (n, id, space, kind, heads, created_ms, updated_ms)
                     SELECT ?1, randomblob(16), space, kind, heads, created_ms, ?1
                     FROM document WHERE n = 1",
                    [n],
                )?;
                for table in [
                    "change (doc, hash, actor, seq, unsealed, bytes, made_ms, recorded_ms)
                     SELECT ?1, hash, actor, seq, 1, bytes, 0, 0 FROM change",
                    "view SELECT ?1, space, kind, title, title_key, subject, status, date,
                         updated_ms, conflicts, value, marks, seal, content_seal, moved_from FROM view",
                ] {
                    tx.execute(&format!("INSERT INTO {table} WHERE doc = 1"), params![n])?;
                }
                tx.execute(
                    "INSERT INTO search (rowid, title) VALUES (?1, 'monta kertaa')",
                    [n],
                )?;
            }
            Ok(())
        })
        .expect("fills");
}

#[test]
fn opening_ten_thousand_documents_costs_as_opening_ten() {
    let folder = tempfile::tempdir().expect("folder");
    let (few, many) = (folder.path().join("few.db"), folder.path().join("many.db"));
    store_of(&few, 10);
    store_of(&many, 10_000);
    let (few, many) = (steps_to_open(&few), steps_to_open(&many));
    assert!(few > 0, "steps are counted");
    assert_eq!(few, many);
}

#[cfg(not(feature = "sqlcipher"))]
#[test]
fn a_key_without_a_cipher_is_refused_rather_than_ignored() {
    let folder = tempfile::tempdir().expect("folder");
    let opened = Store::open_encrypted(
        &folder.path().join("sopu.db"),
        crate::store::StoreKey::new([7; 32]),
    );
    assert!(matches!(
        opened,
        Err(crate::store::StoreError::NoEncryption)
    ));
}

#[test]
fn a_save_is_on_disk_before_it_returns() {
    let folder = tempfile::tempdir().expect("folder");
    let store = Store::open(&folder.path().join("sopu.db")).expect("opens");
    let pragma = |name: &str| -> String {
        let sql = format!("SELECT CAST({name} AS TEXT) FROM pragma_{name}");
        store
            .conn()
            .query_row(&sql, [], |row| row.get(0))
            .expect("reads")
    };
    assert_eq!(pragma("journal_mode"), "wal");
    assert_eq!(pragma("synchronous"), "2", "FULL");
    assert_eq!(pragma("foreign_keys"), "1");
    assert_eq!(pragma("secure_delete"), "1");
    let fts: i64 = store
        .conn()
        .query_row(
            "SELECT v FROM search_config WHERE k = 'secure-delete'",
            [],
            |row| row.get(0),
        )
        .expect("is set");
    assert_eq!(fts, 1);
}
