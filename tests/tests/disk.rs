//! The disks of the simulation do lose what was not made durable, and only that; and no store begins on
//! one that fails without what makes its commits durable.

#![expect(clippy::expect_used, reason = "a test")]

use std::path::PathBuf;
use std::sync::Arc;

use rusqlite::Connection;
use sopu_core::store::Store;
use sopu_server::store::sqlite::SqliteStore;
use sopu_tests::disk::{Disk, Io, Loss};
use sopu_tests::storm::dice::Dice;

fn disk(name: &str, seed: u64) -> Arc<Disk> {
    Disk::new(&PathBuf::from(format!("/disk-test-{name}-{seed}")))
}

fn open(disk: &Disk, pragmas: &str) -> rusqlite::Result<Connection> {
    let db = Connection::open(disk.folder().join("a.db"))?;
    db.execute_batch(pragmas)?;
    db.execute_batch("CREATE TABLE IF NOT EXISTS t (n INTEGER PRIMARY KEY, filler BLOB)")?;
    Ok(db)
}

/// Inserts rows until the power goes; gives the rows whose commit returned.
fn insert_until_dark(disk: &Disk, pragmas: &str) -> Vec<i64> {
    let mut acknowledged = Vec::new();
    let Ok(db) = open(disk, pragmas) else {
        return acknowledged;
    };
    for n in 0..60 {
        let sql = "INSERT INTO t VALUES (?1, randomblob(3000))";
        if db.execute(sql, [n]).is_ok() {
            acknowledged.push(n);
        }
        if n % 20 == 19 {
            let _ = db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        }
        if disk.is_dead() {
            break;
        }
    }
    acknowledged
}

/// Cuts the power once at a chosen place; says how many acknowledged rows are gone afterwards.
fn lost(disk: &Arc<Disk>, io: Io, at: u64, seed: u64, pragmas: &str) -> usize {
    let lies = pragmas == UNSAFE || disk.lies();
    disk.cut_power_at(io, at);
    let acknowledged = insert_until_dark(disk, pragmas);
    let loss = [Loss::Whole, Loss::Torn][usize::from(seed % 2 == 1)];
    disk.cut_power();
    disk.power_up(&Dice::new(seed), loss);
    let Ok(db) = open(disk, pragmas) else {
        return acknowledged.len();
    };
    if !lies {
        let sql = "PRAGMA integrity_check";
        let whole = db.query_row(sql, [], |row| row.get::<_, String>(0));
        assert_eq!(whole.expect("checks"), "ok", "{io:?} {at} {seed}");
    }
    let there = |n: &&i64| {
        db.query_row("SELECT 1 FROM t WHERE n = ?1", [n], |_| Ok(()))
            .is_err()
    };
    acknowledged.iter().filter(there).count()
}

const SAFE: &str = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL";
const UNSAFE: &str = "PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF";

#[test]
fn what_sqlite_committed_survives_a_power_cut_at_any_write_and_any_sync() {
    for io in [Io::Write, Io::Sync] {
        for at in 0..150 {
            let disk = disk("safe", at);
            assert_eq!(lost(&disk, io, at, at * 2 + at % 3, SAFE), 0, "{io:?} {at}");
        }
    }
}

#[test]
fn without_syncs_a_power_cut_loses_what_was_acknowledged() {
    let lose = |pragmas: &str, lie: bool| -> usize {
        (30..60)
            .map(|seed| {
                let disk = disk("unsafe", seed);
                if lie {
                    disk.lie_about_syncs();
                }
                lost(&disk, Io::Write, 2 * seed, seed, pragmas)
            })
            .sum()
    };
    assert!(lose(UNSAFE, false) > 0, "synchronous = OFF");
    assert!(lose(SAFE, true) > 0, "a disk that lies");
}

#[test]
fn a_failed_write_or_sync_and_a_full_disk_pass_and_nothing_committed_is_lost() {
    for seed in 0..120 {
        let disk = disk("failing", seed);
        let db = open(&disk, SAFE).expect("opens");
        match seed % 3 {
            0 => disk.fail_at(Io::Write, seed / 3),
            1 => disk.fail_at(Io::Sync, seed / 3),
            _ => disk.fill(seed / 3, 4),
        }
        let sql = "INSERT INTO t VALUES (?1, randomblob(3000))";
        let kept: Vec<i64> = (0..60).filter(|n| db.execute(sql, [n]).is_ok()).collect();
        assert!(kept.len() >= 50, "{seed}: only {} went well", kept.len());
        let troubles = disk.counts().failed + disk.counts().full;
        assert!(troubles > 0, "{seed}: nothing went wrong");
        drop(db);
        disk.cut_power();
        disk.power_up(&Dice::new(seed), Loss::Torn);
        let db = open(&disk, SAFE).expect("opens");
        for n in kept {
            let there = db.query_row("SELECT 1 FROM t WHERE n = ?1", [n], |_| Ok(()));
            assert!(there.is_ok(), "{seed}: {n} is gone");
        }
    }
}

/// If the disk fails just when a log is to begin, SQLite goes on without one and says so only in passing.
/// A loss of power then undid what had been committed (storm 51948).
#[test]
fn no_store_opens_without_its_log_on_a_disk_that_fails_meanwhile() {
    for of_relay in [true, false] {
        let (mut opened, mut refused) = (0, 0);
        for io in [Io::Read, Io::Write, Io::Sync] {
            for at in 0..40 {
                let disk = disk(&format!("log-{of_relay}-{io:?}"), at);
                let path = disk.folder().join("a.db");
                disk.fail_at(io, at);
                let open = if of_relay {
                    SqliteStore::open(&path).is_ok()
                } else {
                    Store::open(&path).is_ok()
                };
                refused += u32::from(!open);
                if open && disk.counts().failed > 0 {
                    opened += 1;
                    let db = Connection::open(&path).expect("opens");
                    let read = |row: &rusqlite::Row<'_>| row.get::<_, String>(0);
                    let mode = db.query_row("PRAGMA journal_mode", [], read);
                    assert_eq!(
                        mode.expect("reads"),
                        "wal",
                        "{io:?} {at}, relay: {of_relay}"
                    );
                }
            }
        }
        assert!(opened > 0 && refused > 0, "{opened} {refused}");
    }
}
