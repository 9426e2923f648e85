//! What `sopu check` finds.

use rusqlite::Connection;
use rusqlite::config::DbConfig;
use sopu_core::store::document;

use super::world::World;
use crate::access::Role;
use crate::check::check;
use crate::data::{self, Data};
use crate::relay::{DATABASE, LEDGER, RECORD, Relay};
use crate::store::schema;

/// A stopped relay's folder with two documents and a notice in it.
fn folder() -> (tempfile::TempDir, Data) {
    let mut world = World::new();
    let phone = world.phone(Role::Field);
    for tag in ["a", "b", "c"] {
        let (_, sealed) = phone.note(world.space, tag);
        world.feed(&phone, &sealed);
    }
    let (doomed, sealed) = phone.note(world.space, "doomed");
    world.feed(&phone, &sealed);
    world.relay.erase(doomed.id, "request").unwrap();
    let folder = world.folder.clone();
    (world.close(), folder)
}

/// What is found after this was done to the database: file and words.
fn found(sql: &str) -> Vec<(&'static str, String)> {
    let (_dir, folder) = folder();
    let report = check(&folder);
    assert_eq!(report.findings, []);
    assert_eq!((report.entries, report.documents), (5, 3));
    let db = schema::open_with(&folder.database(), folder.key()).unwrap();
    // A bit that changes on a disk tells nobody.
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)
        .unwrap();
    db.execute_batch(sql).unwrap();
    drop(db);
    let findings = check(&folder).findings;
    findings.into_iter().map(|f| (f.file, f.what)).collect()
}

#[test]
fn whatever_is_changed_in_a_feed_is_named_with_its_place() {
    let flipped = |column: &str| {
        format!(
            "UPDATE feed SET {column} = CAST(x'ff' || substr({column}, 2) AS BLOB) WHERE seq = 2"
        )
    };
    let cases = [
        ("DELETE FROM feed WHERE seq = 2".to_owned(), "is missing"),
        (flipped("hash"), "running hash"),
        (flipped("accept"), "accept tag"),
        (flipped("id"), "another id"),
        (
            "UPDATE envelope SET signature = zeroblob(64) WHERE seq = 2".to_owned(),
            "signature",
        ),
        (
            "UPDATE envelope SET run = x'00' WHERE seq = 2".to_owned(),
            "not what was signed",
        ),
        (
            "UPDATE envelope SET run = (SELECT run FROM envelope WHERE seq = 1) WHERE seq = 2"
                .to_owned(),
            "not what was signed",
        ),
        (
            "UPDATE envelope SET state = 'waiting' WHERE seq = 2".to_owned(),
            "said to be elsewhere",
        ),
        ("DELETE FROM envelope WHERE seq = 2".to_owned(), "not there"),
        (
            "UPDATE envelope SET kind = kind + 1 WHERE seq = 2".to_owned(),
            "signed for another place",
        ),
        (
            "UPDATE envelope SET changes = changes + 1 WHERE seq = 2".to_owned(),
            "signed for another place",
        ),
        (
            "DELETE FROM document WHERE last_seq = 2".to_owned(),
            "a document that is not known",
        ),
        (
            "DELETE FROM change WHERE arrival = (SELECT arrival FROM envelope WHERE seq = 2)"
                .to_owned(),
            "brings other changes",
        ),
        (
            "UPDATE device SET key = zeroblob(32)".to_owned(),
            "signature",
        ),
        (
            "UPDATE feed SET notice = x'00' WHERE notice IS NOT NULL".to_owned(),
            "is a notice of another id",
        ),
        (
            "UPDATE feed_head SET seq = 9".to_owned(),
            "where the feed should end",
        ),
    ];
    for (sql, words) in cases {
        let findings = found(&sql);
        let named = findings
            .iter()
            .any(|(file, what)| *file == DATABASE && what.contains(words));
        assert!(named, "{sql}: {findings:?}");
    }
}

#[test]
fn nothing_is_built_on_a_fed_run_of_other_changes() {
    let (_dir, folder) = folder();
    let db = schema::open_with(&folder.database(), folder.key()).unwrap();
    // It can be read and applied, and nobody signed it.
    let other = "UPDATE envelope SET run = (SELECT run FROM envelope WHERE seq = 1) WHERE seq = 2";
    assert_eq!(db.execute(other, []).unwrap(), 1);
    drop(db);
    let clock = std::sync::Arc::new(super::world::HandClock::default());
    let relay = Relay::rebuild(&folder, clock).unwrap();
    let ids = document::ids(relay.record().store().conn(), None, None, 10).unwrap();
    assert_eq!(
        ids.len(),
        2,
        "the third shows nothing rather than another's"
    );
    drop(relay);
    let findings = check(&folder).findings;
    assert!(
        findings
            .iter()
            .any(|f| f.what.contains("not what was signed"))
    );
}

#[test]
fn whatever_is_changed_of_who_may_do_what_is_named() {
    for (sql, words) in [
        (
            "UPDATE space_member SET until_ms = 1",
            "of space_member is not as",
        ),
        (
            "UPDATE space_member SET removed_ms = 1",
            "of space_member is not as",
        ),
        (
            "UPDATE space_member SET role = 'owner'",
            "of space_member is not as",
        ),
        (
            "UPDATE space_member SET from_ms = from_ms + 1",
            "of space_member is not known",
        ),
        (
            "DELETE FROM space_member",
            "of space_member is known to the ledger and is not there",
        ),
        ("UPDATE member SET admin = 1 - admin", "of member is not as"),
        ("UPDATE member SET disabled_ms = 1", "of member is not as"),
        ("UPDATE device SET revoked_ms = 1", "of device is not as"),
        (
            "UPDATE device SET token_hash = zeroblob(32)",
            "of device is not as",
        ),
        ("UPDATE space SET name = 'Toinen'", "of space is not as"),
        (
            "INSERT INTO invite(code_hash, member, created_ms, expires_ms)
             SELECT zeroblob(32), id, 0, 9 FROM member",
            "of invite is not known",
        ),
        (
            "INSERT INTO held_client(space, subject, held) SELECT id, 'x', 0 FROM space",
            "of held_client is not known",
        ),
    ] {
        let findings = found(sql);
        let named = findings
            .iter()
            .any(|(file, what)| *file == DATABASE && what.contains(words));
        assert!(named, "{sql}: {findings:?}");
    }
}

#[test]
fn what_the_ledger_is_yet_to_learn_of_people_is_no_damage() {
    let (_dir, folder) = folder();
    let change = |sql: &str| {
        let db = schema::open_with(&folder.database(), folder.key()).unwrap();
        db.execute_batch(sql).unwrap();
    };
    // As the command line does, with no server running.
    change("UPDATE space_member SET role = 'reader'; UPDATE space_member SET until_ms = 5");
    assert_eq!(check(&folder).findings, []);
    // Kept by an older version: the ledger does not know all, and nothing can be compared.
    change("DELETE FROM ledger_news; UPDATE meta SET value = x'02' WHERE key = 'retold'");
    assert_eq!(check(&folder).findings, []);
    let clock = std::sync::Arc::new(super::world::HandClock::default());
    drop(Relay::open(&folder, clock).unwrap());
    assert_eq!(check(&folder).findings, []);
}

#[test]
fn a_ledger_older_than_the_database_learns_all_of_people_again() {
    let mut world = World::new();
    let early = std::fs::read(world.folder.join(LEDGER)).unwrap();
    let phone = world.phone(Role::Field);
    let (_, sealed) = phone.note(world.space, "a");
    world.feed(&phone, &sealed);
    let folder = world.folder.clone();
    let _dir = world.close();
    std::fs::write(folder.join(LEDGER), early).unwrap();
    let words = check(&folder).findings;
    assert!(words.iter().any(|f| f.what.contains("older")), "{words:?}");
    let clock = std::sync::Arc::new(super::world::HandClock::default());
    drop(Relay::open(&folder, clock).unwrap());
    assert_eq!(check(&folder).findings, []);
}

#[test]
fn a_record_that_is_not_what_the_feed_says_is_named_and_a_rebuild_mends_it() {
    let (_dir, folder) = folder();
    let change = |sql: &str| {
        let record = Connection::open(folder.record()).unwrap();
        data::unlock(&record, folder.key()).unwrap();
        record.execute_batch(sql).unwrap();
    };
    change("PRAGMA foreign_keys = ON; DELETE FROM document WHERE n = 1");
    let findings = check(&folder).findings;
    assert!(
        findings
            .iter()
            .any(|f| f.file == RECORD && f.what.contains("not what the feed says")),
        "{findings:?}"
    );
    change("UPDATE change SET bytes = zeroblob(8) WHERE n = (SELECT max(n) FROM change)");
    let damaged = |f: &crate::check::Finding| f.file == RECORD && f.what.contains("is damaged");
    assert!(check(&folder).findings.iter().any(damaged));
    let clock = std::sync::Arc::new(super::world::HandClock::default());
    drop(Relay::rebuild(&folder, clock).unwrap());
    assert_eq!(check(&folder).findings, []);
}

#[test]
fn a_ledger_that_is_damaged_older_or_another_s_is_named() {
    let (_dir, folder) = folder();
    let path = folder.join(LEDGER);
    let whole = std::fs::read(&path).unwrap();
    let words = || -> Vec<String> {
        let ledger = check(&folder).findings.into_iter();
        let ledger = ledger.filter(|finding| finding.file == LEDGER);
        ledger.map(|finding| finding.what).collect()
    };
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 1;
    std::fs::write(&path, &flipped).unwrap();
    assert!(words()[0].contains("damaged"), "{:?}", words());
    let first = whole.iter().position(|b| *b == b'\n').unwrap() + 1;
    std::fs::write(&path, &whole[..first]).unwrap();
    assert!(words()[0].contains("older"), "{:?}", words());
    std::fs::remove_file(&path).unwrap();
    let clock = super::world::HandClock::default();
    // Not the bytes that made the first key.
    sopu_core::time::Env::fill(&clock, &mut [0; 96]);
    drop(crate::ledger::Ledger::open(&path, &clock).unwrap());
    assert!(words()[0].contains("another relay"), "{:?}", words());
    // A line being written just now is no damage.
    std::fs::write(&path, [&whole[..], b"half a li"].concat()).unwrap();
    assert_eq!(words(), [""; 0]);
}
