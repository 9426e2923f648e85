//! What a salvage puts by goes when it must, and is taken in when it can be.

#![expect(clippy::expect_used, reason = "tests")]

use std::path::Path;
use std::sync::Arc;

use serde_json::json;

use crate::device::exchange::SyncReport;
use crate::device::{Device, begin_recovery, keys};
use crate::documents::Kind;
use crate::id::{DocId, Hash};
use crate::read;
use crate::store::document::{self, NewChange, Origin};
use crate::store::tests::world::World;
use crate::store::{Store, draft, meta, outbox, purge, put_by};
use crate::time::SystemEnv;

const RARE: &str = "kvartsiukko";

/// A device that has put an edit by, of a note that it does not have.
struct Scene {
    folder: tempfile::TempDir,
    device: Device,
    world: World,
    /// Where the note is whole.
    other: Store,
    doc: DocId,
    /// The note's changes without the edit.
    base: Vec<Hash>,
}

fn open(folder: &Path) -> Device {
    let (store, instance) = (folder.join("store.db"), folder.join("instance"));
    Device::open(&store, &instance, [7; 32], Arc::new(SystemEnv)).expect("opens")
}

impl Scene {
    fn new() -> Self {
        let world = World::new(1);
        let mut other = Store::open_in_memory().expect("opens");
        // No letter of it is in the word, so that the edit has the word whole.
        let doc = world.note(&mut other, "hyöm");
        let hashes = |store: &Store| -> Vec<Hash> {
            let unsealed = outbox::unsealed(store.conn(), doc).expect("reads");
            unsealed.iter().map(|change| change.hash).collect()
        };
        let base = hashes(&other);
        world.edit(&mut other, doc, |value| value["summary"] = json!(RARE));
        let folder = tempfile::tempdir().expect("a folder");
        let mut device = open(folder.path());
        let edits = outbox::unsealed(other.conn(), doc).expect("reads");
        let put = device.store.write(|tx| {
            meta::set(tx, keys::DEVICE, world.device.as_bytes())?;
            meta::set(tx, keys::MEMBER, world.me.as_bytes())?;
            meta::set(tx, keys::ORG, world.me.as_bytes())?;
            for edit in edits.iter().filter(|edit| !base.contains(&edit.hash)) {
                let kind = Kind::VisitNote.number();
                put_by::add(tx, doc, world.space, kind, &edit.bytes)?;
            }
            begin_recovery(tx)
        });
        put.expect("puts by");
        let mut scene = Self {
            folder,
            device,
            world,
            other,
            doc,
            base,
        };
        assert_eq!(scene.waits(), 1);
        let mut report = SyncReport::default();
        scene.device.finish_recovery(&mut report).expect("recovers");
        assert_eq!(
            (report.quarantined, scene.waits()),
            (1, 1),
            "without a base"
        );
        assert!(scene.on_disk(), "the test can see it while it is there");
        scene
    }

    fn waits(&self) -> usize {
        let all = put_by::all(self.device.store.conn()).expect("reads");
        all.values().map(|put| put.changes.len()).sum()
    }

    /// How often the note is named as incomplete.
    fn named(&self) -> usize {
        let marks = draft::quarantined(self.device.store.conn()).expect("reads");
        let of_it = |m: &&draft::Quarantined| m.doc == self.doc && m.reason == "salvage_incomplete";
        marks.iter().filter(of_it).count()
    }

    /// The feed brings the note as it was before the edit.
    fn bring_base(&mut self) {
        let proof = self.world.proof(self.doc, &self.base);
        let whole = self.other.document(self.doc).expect("loads");
        let changes = whole.am.get_changes(&[]);
        let is_base = |change: &automerge::Change| self.base.contains(&Hash::from(change.hash()));
        let base: Vec<_> = changes.into_iter().filter(is_base).collect();
        let mut am = crate::genesis::genesis(Kind::VisitNote).document();
        am.apply_changes(base.clone()).expect("applies");
        let origin = Origin::Enveloped(proof.id());
        let new: Vec<_> = base.iter().map(|c| NewChange::new(c, origin)).collect();
        let write = self.world.write_of(self.doc, Kind::VisitNote, &am, &new);
        let stored = self.device.store.write(|tx| {
            outbox::insert_fed(tx, &proof, 1, None, None)?;
            document::write_document(tx, &write)
        });
        stored.expect("stores");
    }

    /// Whether any file of the device holds the word.
    fn on_disk(&self) -> bool {
        let tail = &RARE.as_bytes()[2..];
        let files = std::fs::read_dir(self.folder.path()).expect("lists");
        let files = files.map(|file| file.expect("file").path());
        files.filter(|path| path.is_file()).any(|path| {
            let bytes = std::fs::read(path).expect("reads");
            bytes.windows(tail.len()).any(|window| window == tail)
        })
    }
}

#[test]
fn what_is_put_by_is_taken_in_when_what_it_builds_on_comes_late() {
    let mut scene = Scene::new();
    let mut report = SyncReport::default();
    assert!(!scene.device.take_in_late(&mut report).expect("tries"));
    assert_eq!((scene.waits(), scene.named()), (1, 1));
    scene.bring_base();
    assert!(scene.device.take_in_late(&mut report).expect("tries"));
    assert_eq!((scene.waits(), scene.named()), (0, 0));
    let loaded = scene.device.store.document(scene.doc).expect("loads");
    let value = read::read(&loaded.am, loaded.kind).value;
    assert_eq!(value["summary"], RARE);
    // Made again under this store's own name, and on its way.
    let sent = outbox::unsettled(scene.device.store.conn(), Some(scene.doc)).expect("reads");
    assert_eq!(sent.len(), 1);
    assert!(sent[0].proof.verify(&scene.device.public_key()));
    assert!(!scene.device.recovering().expect("asks"));
}

#[test]
fn what_is_put_by_is_named_once() {
    let mut scene = Scene::new();
    let mut report = SyncReport::default();
    scene.device.finish_recovery(&mut report).expect("recovers");
    assert_eq!((report.quarantined, scene.named()), (0, 1));
}

#[test]
fn what_is_put_by_goes_with_a_wipe() {
    let mut scene = Scene::new();
    let outgoing = scene.device.next_request(0).expect("asks");
    let mut report = SyncReport::default();
    let refused = scene.device.wipe_refused(&outgoing, &mut report);
    refused.expect("wipes");
    assert_eq!((report.wiped, report.left_out), (true, 1));
    assert_eq!(scene.waits(), 0);
    assert!(!scene.on_disk());
}

#[test]
fn what_is_put_by_goes_with_its_document_and_is_not_brought_back() {
    let mut scene = Scene::new();
    let mark = purge::Erased {
        doc: scene.doc,
        space: scene.world.space,
        reason: "law".to_owned(),
        at_ms: 1,
    };
    let purged = scene.device.store.write(|tx| purge::purge(tx, &mark));
    purged.expect("purges");
    scene.device.store.scrub().expect("scrubs");
    assert_eq!(scene.waits(), 0);
    assert!(!scene.on_disk());
}

#[test]
fn what_is_put_by_goes_with_its_space_and_no_other() {
    let mut scene = Scene::new();
    let elsewhere = World::new(2);
    let other = DocId::mint(&elsewhere.env);
    let kind = Kind::VisitNote.number();
    let dropped = scene.device.store.write(|tx| {
        put_by::add(tx, other, elsewhere.space, kind, b"muu")?;
        crate::store::space::drop_space(tx, scene.world.space)
    });
    dropped.expect("drops");
    let left = put_by::all(scene.device.store.conn()).expect("reads");
    assert_eq!(left.into_keys().collect::<Vec<_>>(), [other]);
}

#[test]
fn a_second_salvage_puts_by_beside_what_the_first_one_did() {
    let mut scene = Scene::new();
    let (doc, space) = (scene.doc, scene.world.space);
    let before = put_by::all(scene.device.store.conn()).expect("reads");
    let first = before[&doc].changes[0].clone();
    let kind = Kind::VisitNote.number();
    let added = scene.device.store.write(|tx| {
        put_by::add(tx, doc, space, kind, &first)?;
        put_by::add(tx, doc, space, kind, b"uusi")
    });
    added.expect("adds");
    let after = put_by::all(scene.device.store.conn()).expect("reads");
    assert_eq!(after[&doc].changes, [first, b"uusi".to_vec()]);
}
