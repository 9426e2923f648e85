//! Bits flipped in what a relay holds.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use rusqlite::config::DbConfig;
use sopu_core::store::draft;
use sopu_server::backup;
use sopu_server::relay::{DATABASE, LEDGER, RECORD, Relay};
use sopu_tests::storm::dice::Dice;

use crate::scene::{Scene, settle, sync};
use crate::tables::{Column, Tables, columns, differing, dump, flip_value};
use crate::{Found, env, flips, number};

/// Columns of `relay.db` of which nobody notices when they are other than before.
const UNNOTICED: [&str; 27] = [
    // What a device last said, and what it was last sent: said again.
    "device.app",
    "device.held",
    "device.last_seen_ms",
    "device.offset_ms",
    "device.stuck",
    "device.told_ms",
    "device.unsent",
    "device_vector.confirmed",
    "device_vector.device",
    "device_vector.sent",
    // Times, counts and marks beside what was signed.
    "envelope.deaths",
    "envelope.instance",
    "envelope.late",
    "envelope.received_ms",
    "feed.received_ms",
    "feed_head.lease_owner",
    "feed_head.lease_until_ms",
    "member.created_ms",
    "member.language",
    "organisation.created_ms",
    "space.created_ms",
    "space.roster",
    // SECURITY.md says so of these.
    "member.password_once",
    "organisation.second_factor",
    // When it was last started, and what it told.
    "meta.value of about",
    "meta.value of ledger.started",
    "meta.value of retold",
];

/// `sopu check`: whether it finds everything whole, and what it says.
fn check(data: &Path, place: &str) -> (bool, String) {
    let checked = std::process::Command::new(env!("CARGO_BIN_EXE_outside_relay"))
        .env_clear()
        .arg("--data")
        .arg(data)
        .arg("check")
        .output()
        .expect("runs");
    let told = String::from_utf8_lossy(&checked.stdout) + String::from_utf8_lossy(&checked.stderr);
    assert!(!told.contains("panicked"), "{place}: {told}");
    (checked.status.success(), told.into_owned())
}

/// All that both databases hold, as far as they can be read. Of a copy: looking changes logs.
fn tables(scene: &Scene, data: &Path) -> BTreeMap<&'static str, Option<Tables>> {
    let look = scene.dir.path().join("looked-at");
    let _ = std::fs::remove_dir_all(&look);
    crate::copy(data, &look);
    let of = |name| {
        let db = Connection::open(look.join(name));
        (name, db.and_then(|db| dump(&db)).ok())
    };
    [DATABASE, RECORD].map(of).into()
}

/// What the relay holds, as a device sees it that comes new: its documents, or why it gets none.
fn relay_says(
    scene: &Scene,
    truth: &BTreeMap<&'static str, Option<Tables>>,
    folder: &Path,
    place: &str,
) -> Found {
    let data = folder.join("relay");
    let (whole, told) = check(&data, place);
    if !whole {
        let named = [DATABASE, RECORD, LEDGER].iter().any(|n| told.contains(n));
        assert!(named, "{place}: damage is named: {told}");
    }
    let mut unnoticed = Vec::new();
    if whole {
        for (name, now) in tables(scene, &data) {
            let now = now.unwrap_or_else(|| panic!("{place}: unreadable, and check says whole"));
            let was = truth[name].as_ref().expect("it was whole");
            let differ = differing(was, &now).into_iter();
            unnoticed.extend(differ.map(|column| format!("{name} {column}")));
        }
        let known = |column: &String| {
            let of_relay = column.strip_prefix("relay.db ");
            of_relay.is_some_and(|column| {
                UNNOTICED.contains(&column) || column.starts_with("meta.key of ")
            })
        };
        assert!(
            unnoticed.iter().all(known),
            "{place}: nobody noticed that these differ: {unnoticed:?}"
        );
    }
    let relay = match Relay::open(&data, env()) {
        Ok(relay) => relay,
        Err(error) => {
            assert!(!whole, "{place}: {error}, and check says whole");
            return Found::Opening;
        }
    };
    let mut hidden = 0;
    for (doc, (version, value)) in &scene.truth.docs {
        let record = relay.record();
        let Ok(loaded) = record.store().document(*doc) else {
            hidden += 1;
            continue;
        };
        // The phone has more; what the record shows must be a part of it, read at that version.
        let device = scene.open(&scene.dir.path().join("good")).expect("opens");
        let mine = device.store().document(*doc).expect("reads");
        let there = sopu_core::read::read(&loaded.am, loaded.kind).value;
        let at_that = sopu_core::read::read_at(&mine.am, mine.kind, &loaded.heads).value;
        let older = loaded.heads != *version;
        assert!(
            there == at_that && (older || there == *value),
            "{place}: another value"
        );
    }
    // A device that synced before, and has unsent work, meets it.
    let mut device = scene.open(folder).expect("the phone is whole");
    let met = catch_unwind(AssertUnwindSafe(|| sync(&mut device, &relay)));
    let met = met.unwrap_or_else(|_| panic!("{place}: a sync panicked"));
    // What a relay refuses that does not know its own devices any more leaves the document and stays as a draft.
    let drafts = draft::drafts(device.store().conn()).expect("reads");
    for (doc, (_, value)) in &scene.truth.docs {
        let opened = device.read(*doc).expect("reads");
        let kept = || {
            drafts
                .iter()
                .any(|kept| kept.doc == *doc && kept.value["summary"] == value["summary"])
        };
        assert!(
            opened.value == *value || (!whole && kept()),
            "{place}: a damaged relay changed a device: {} {told}",
            opened.value
        );
    }
    let served = met.is_ok() && hidden == 0;
    assert!(
        served || !whole,
        "{place}: {met:?}, {hidden} hidden, and check says whole"
    );
    match (whole, served) {
        (true, _) if unnoticed.is_empty() => Found::Harmless,
        (true, _) => Found::Bookkeeping,
        (false, true) => Found::Checking,
        (false, false) => Found::Reading,
    }
}

/// What is put back after damage was named: the record is made anew, the database comes from a backup, and
/// devices bring what that lacks.
fn put_right(scene: &Scene, folder: &Path, place: &str) {
    let data = folder.join("relay");
    let names = |name: &str| name.starts_with(DATABASE) || name.starts_with(RECORD);
    for entry in std::fs::read_dir(&data).expect("reads").flatten() {
        if names(&entry.file_name().to_string_lossy()) {
            std::fs::remove_file(entry.path()).expect("goes");
        }
    }
    backup::restore(&scene.backup(), None, &data, env()).expect("restores");
    {
        let relay = Relay::open(&data, env()).expect("opens");
        let mut device = scene.open(folder).expect("opens");
        settle(&mut device, &relay);
        settle(&mut device, &relay);
        for (doc, (_, value)) in &scene.truth.docs {
            let opened = device.read(*doc).expect("reads");
            assert_eq!(&opened.value, value, "{place}: the device has all it had");
            let record = relay.record();
            let merged = record.store().document(*doc).expect("in the record");
            assert_eq!(merged.heads, opened.version, "{place}: all converge");
        }
    }
    let (whole, told) = check(&data, place);
    assert!(whole, "{place}: {told}");
}

#[test]
fn a_flipped_byte_at_the_relay_is_named_and_changes_nothing_at_anybody() {
    let scene = Scene::new();
    scene.copy("good");
    let dice = Dice::new(number("SOPU_DAMAGE_SEED", 1) + 1);
    let count = usize::try_from(number("SOPU_DAMAGE_RELAY_FLIPS", 60)).expect("fits");
    let left = scene.dir.path().join("left/relay");
    let witness = format!("{DATABASE}-flushed");
    let [log, record_log] = [DATABASE, RECORD].map(|name| format!("{name}-wal"));
    let names = [DATABASE, &log, &witness, RECORD, &record_log, LEDGER];
    let files = names.map(|name| left.join(name));
    let files: Vec<PathBuf> = files.into_iter().filter(|file| file.exists()).collect();
    assert_eq!(files.len(), names.len());
    let truth = tables(&scene, &left);
    let good = scene.copy("flipped");
    assert_eq!(
        relay_says(&scene, &truth, &good, "undamaged"),
        Found::Harmless
    );
    let mut found: BTreeMap<(String, Found), usize> = BTreeMap::new();
    for flip in flips(&dice, &files, count) {
        let folder = scene.copy("flipped");
        flip.make(&folder.join("relay"));
        let seen = relay_says(&scene, &truth, &folder, &flip.to_string());
        *found.entry((flip.file, seen)).or_default() += 1;
    }
    eprintln!("{count} flips: {found:?}");
    let of = |file: &str, least: Found, most: Found| -> usize {
        let kinds = found
            .iter()
            .filter(|((name, seen), _)| name == file && (least..=most).contains(seen));
        kinds.map(|(_, times)| times).sum()
    };
    // Every byte of the ledger is looked at; of the databases all but free room, and pages the log has anew.
    let share = count / names.len();
    let noticed = |file: &str| of(file, Found::Opening, Found::Checking);
    assert_eq!(noticed(LEDGER), share, "{found:?}");
    for [name, log] in [[DATABASE, log.as_str()], [RECORD, record_log.as_str()]] {
        assert!(noticed(name) + noticed(log) > share / 2, "{found:?}");
    }
}

#[test]
fn what_was_signed_and_who_may_read_are_named_and_a_backup_puts_all_right() {
    let scene = Scene::new();
    for (table, column) in [
        ("envelope", "id"),
        ("envelope", "header"),
        ("envelope", "signature"),
        ("envelope", "digest"),
        ("envelope", "run"),
        ("feed", "id"),
        ("feed", "hash"),
        ("feed", "accept"),
        ("feed_head", "hash"),
        ("device", "key"),
        ("device", "token_hash"),
        ("device", "enrolled_ms"),
        ("member", "admin"),
        ("space_member", "from_ms"),
        ("invite", "expires_ms"),
    ] {
        let place = format!("{table}.{column}");
        let folder = scene.copy("flipped");
        let data = folder.join("relay");
        let of = Column {
            table: table.to_owned(),
            column: column.to_owned(),
            indexed: false,
            fact: None,
        };
        let db = Connection::open(data.join(DATABASE)).expect("opens");
        assert!(flip_value(&db, &of), "{place}");
        drop(db);
        let (whole, told) = check(&data, &place);
        assert!(!whole && told.contains(DATABASE), "{place}: {told}");
        put_right(&scene, &folder, &place);
    }
}

/// Whose right was to end, or had ended, by a window that a bit changed.
#[test]
fn a_right_that_a_bit_made_longer_is_named() {
    let scene = Scene::new();
    for (before, after) in [
        ("until_ms = 5000", "until_ms = 4611686018427392904"),
        ("removed_ms = 5000", "removed_ms = NULL"),
        ("role = 'reader'", "role = 'office'"),
    ] {
        let data = scene.copy("flipped").join("relay");
        let change = |to: &str, told: bool| {
            let db = Connection::open(data.join(DATABASE)).expect("opens");
            db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, told)
                .expect("sets");
            let sql = format!("UPDATE space_member SET {to}");
            assert_eq!(db.execute(&sql, []).expect("changes"), 1);
        };
        change(before, true);
        drop(Relay::open(&data, env()).expect("opens"));
        assert!(check(&data, before).0, "{before}");
        change(after, false);
        let (whole, told) = check(&data, after);
        assert!(!whole && told.contains("space_member"), "{after}: {told}");
    }
}

#[test]
fn every_column_of_a_relay_is_compared_or_known_not_to_be() {
    let scene = Scene::new();
    let left = scene.copy("left-alone").join("relay");
    let all = columns(&Connection::open(left.join(DATABASE)).expect("opens"));
    let mut unnoticed = BTreeSet::new();
    for of in all.iter().filter(|of| !of.indexed) {
        let data = scene.copy("flipped").join("relay");
        let db = Connection::open(data.join(DATABASE)).expect("opens");
        let flipped = flip_value(&db, of);
        drop(db);
        if flipped && sopu_server::check::check(&data).findings.is_empty() {
            unnoticed.insert(of.to_string());
        }
    }
    let known: BTreeSet<String> = UNNOTICED.iter().map(|c| (*c).to_owned()).collect();
    let new: Vec<_> = unnoticed.difference(&known).collect();
    assert!(new.is_empty(), "nobody compares {new:?}");
}
