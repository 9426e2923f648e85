//! What a salvage keeps goes when it must, and not before.

#![expect(clippy::expect_used, reason = "tests")]

use std::path::Path;
use std::sync::Arc;

use serde_json::json;
use uuid::Uuid;

use crate::device::exchange::SyncReport;
use crate::device::{Device, begin_recovery};
use crate::documents::Kind;
use crate::id::{DocId, SpaceId};
use crate::store::Store;
use crate::store::draft;
use crate::store::purge::{self, Erased};
use crate::time::SystemEnv;

fn open(folder: &Path) -> Device {
    let env = Arc::new(SystemEnv);
    let (store, instance) = (folder.join("store.db"), folder.join("instance"));
    Device::open(&store, &instance, [7; 32], env).expect("opens")
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("lists");
    let names = entries.map(|e| e.expect("there").file_name());
    let mut names: Vec<String> = names.map(|n| n.to_string_lossy().into_owned()).collect();
    names.retain(|name| name.contains(".damaged") || name.contains(".look"));
    names.sort();
    names
}

const KEPT: [&str; 4] = [
    "store.db.damaged",
    "store.db.damaged-wal",
    "store.db.damaged2",
    "store.db.look",
];
const OTHERS: [&str; 3] = [
    "other.db.damaged",
    "store.db.damaged-for-support.zip",
    "store.db.damaged3",
];

fn scene() -> (tempfile::TempDir, Device) {
    let folder = tempfile::tempdir().expect("a folder");
    for name in KEPT.iter().chain(&OTHERS[..2]) {
        std::fs::write(folder.path().join(name), "words").expect("writes");
    }
    // Whatever it is, it is no file of ours.
    std::fs::create_dir(folder.path().join(OTHERS[2])).expect("made");
    let device = open(folder.path());
    (folder, device)
}

#[test]
fn what_a_salvage_has_kept_goes_with_what_is_erased_and_nothing_else_does() {
    let (folder, mut device) = scene();
    device.scrub().expect("scrubs");
    assert_eq!(names(folder.path()), OTHERS);
}

#[test]
fn it_stays_until_the_store_has_recovered() {
    let (folder, mut device) = scene();
    device.store.write(begin_recovery).expect("begins");
    device.scrub().expect("scrubs");
    assert_eq!(names(folder.path()).len(), KEPT.len() + OTHERS.len());
    let mut report = SyncReport::default();
    device.finish_recovery(&mut report).expect("recovers");
    assert_eq!(names(folder.path()), OTHERS);
}

/// A salvage takes old erasures over and opens the store: the damaged one, with unsent work that could not be
/// read, was gone before anybody could look at it.
#[test]
fn opening_a_store_in_which_a_scrub_is_due_keeps_it() {
    let (folder, mut device) = scene();
    let mark = Erased {
        doc: DocId(Uuid::from_u128(1)),
        space: SpaceId(Uuid::from_u128(2)),
        reason: "request".to_owned(),
        at_ms: 1,
    };
    device
        .store
        .write(|tx| {
            draft::keep(
                tx,
                (mark.doc, mark.space, Kind::VisitNote),
                "role",
                1,
                &json!({}),
            )?;
            purge::purge(tx, &mark)
        })
        .expect("purges");
    assert!(device.store.scrub_due().expect("asks"));
    drop(device);
    drop(open(folder.path()));
    assert_eq!(names(folder.path()).len(), KEPT.len() + OTHERS.len());
}

/// The order is confirmed, and does not come again: with words in a file that a salvage has kept, it was.
#[test]
fn a_purge_is_not_confirmed_while_a_salvage_keeps_what_may_hold_it() {
    let (folder, mut device) = scene();
    device.store.write(begin_recovery).expect("begins");
    let doc = DocId(Uuid::from_u128(1));
    assert!(!device.purge_every_trace([doc]).expect("purges"));
    assert_eq!(names(folder.path()).len(), KEPT.len() + OTHERS.len());
    let mut report = SyncReport::default();
    device.finish_recovery(&mut report).expect("recovers");
    assert_eq!(names(folder.path()), OTHERS);
    assert!(device.purge_every_trace([doc]).expect("purges"));
}

#[test]
fn a_purge_of_what_is_not_here_takes_away_what_a_salvage_has_kept() {
    let (folder, mut device) = scene();
    let doc = DocId(Uuid::from_u128(1));
    assert!(device.purge_every_trace([doc]).expect("purges"));
    assert_eq!(names(folder.path()), OTHERS);
}

/// A notice has purged the document, and the file could not be written anew just then: the order finds no
/// document any more, and must find that out.
#[test]
fn a_purge_is_not_confirmed_before_the_file_is_written_anew() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut device = open(folder.path());
    let (doc, space) = (DocId(Uuid::from_u128(1)), SpaceId(Uuid::from_u128(2)));
    let mark = Erased {
        doc,
        space,
        reason: "request".to_owned(),
        at_ms: 1,
    };
    let value = json!({"summary": "kvartsiukko"});
    let keep = (doc, space, Kind::VisitNote);
    let kept = |tx: &crate::store::Tx<'_>| draft::keep(tx, keep, "role", 1, &value);
    device.store.write(kept).expect("keeps");
    let path = folder.path().join("store.db");
    let reader = Store::open_reader(&path).expect("opens");
    let begun = reader
        .conn()
        .execute_batch("BEGIN; SELECT count(*) FROM draft");
    begun.expect("reads");
    device
        .store
        .write(|tx| purge::purge(tx, &mark))
        .expect("purges");
    assert!(!device.purge_every_trace([doc]).expect("tries"));
    assert!(holds(folder.path(), "kvartsiukko"));
    reader.conn().execute_batch("COMMIT").expect("ends");
    assert!(device.purge_every_trace([doc]).expect("purges"));
    assert!(!holds(folder.path(), "kvartsiukko"));
}

fn holds(folder: &Path, word: &str) -> bool {
    let files = std::fs::read_dir(folder).expect("lists");
    let mut files = files.map(|file| file.expect("there").path());
    files.any(|path| {
        let bytes = std::fs::read(path).unwrap_or_default();
        bytes
            .windows(word.len())
            .any(|window| window == word.as_bytes())
    })
}
