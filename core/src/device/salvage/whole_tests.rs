//! A salvage brings over what a relay has had, and what it has lost, as such.

#![expect(clippy::expect_used, reason = "tests")]

use std::path::PathBuf;
use std::sync::Arc;

use super::salvage;
use crate::device::{Device, keys};
use crate::documents::Kind;
use crate::encoding::encode_changes;
use crate::id::{DocId, EnvelopeId};
use crate::store::document::{self, NewChange, Origin};
use crate::store::outbox::{self, Spaces, State};
use crate::store::tests::world::World;
use crate::store::{Store, meta, space};
use crate::time::SystemEnv;
use crate::wire::{Standing, limits};

const ACCEPT: [u8; 16] = [3; 16];

/// A store that is salvaged though it is whole.
struct Scene {
    folder: tempfile::TempDir,
    /// Whose device it is.
    me: World,
    /// Who else writes in the space.
    other: World,
    store: Store,
}

impl Scene {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(&folder.path().join("store.db")).expect("opens");
        let (me, mut other) = (World::new(7), World::new(8));
        other.space = me.space;
        let mut scene = Self {
            folder,
            me,
            other,
            store,
        };
        scene.join();
        scene
    }

    fn join(&mut self) {
        let standing = Standing {
            name: "Mäkelä".into(),
            role: "field".into(),
            until_ms: None,
        };
        let joined = self
            .store
            .write(|tx| space::join_space(tx, self.me.space, &standing));
        joined.expect("joins");
    }

    /// A note of one's own, in an envelope.
    fn sealed(&mut self) -> (DocId, EnvelopeId) {
        let doc = self.me.note(&mut self.store, "oma");
        let changes = outbox::unsealed(self.store.conn(), doc).expect("reads");
        let hashes: Vec<_> = changes.iter().map(|change| change.hash).collect();
        let bytes: Vec<_> = changes.into_iter().map(|change| change.bytes).collect();
        let run = encode_changes(&bytes).expect("encodes");
        let proof = self.me.proof(doc, &hashes);
        let sealed = self
            .store
            .write(|tx| outbox::insert_sealed(tx, &proof, &run, &hashes));
        sealed.expect("seals");
        (doc, proof.id())
    }

    /// A note of somebody else's, that came with the feed.
    fn came(&mut self, seq: u64, origin: impl Fn(EnvelopeId) -> Origin) -> (DocId, EnvelopeId) {
        let mut theirs = Store::open_in_memory().expect("opens");
        let doc = self.other.note(&mut theirs, "toisen");
        let whole = theirs.document(doc).expect("loads");
        let changes = outbox::unsealed(theirs.conn(), doc).expect("reads");
        let hashes: Vec<_> = changes.iter().map(|change| change.hash).collect();
        let proof = self.other.proof(doc, &hashes);
        let first = crate::genesis::genesis(Kind::VisitNote).hash;
        let changes = whole.am.get_changes(&[]);
        let changes = changes
            .iter()
            .filter(|change| crate::id::Hash::from(change.hash()) != first);
        let new: Vec<_> = changes
            .map(|change| NewChange::new(change, origin(proof.id())))
            .collect();
        let write = self.other.write_of(doc, Kind::VisitNote, &whole.am, &new);
        let stored = self.store.write(|tx| {
            outbox::insert_fed(tx, &proof, seq, Some(5), Some(&ACCEPT))?;
            document::write_document(tx, &write)
        });
        stored.expect("stores");
        (doc, proof.id())
    }

    fn fed(&mut self, id: EnvelopeId, seq: u64) {
        let fed = self.store.write(|tx| {
            outbox::set_state(tx, id, &State::Fed(seq))?;
            outbox::set_received(tx, id, Some(5), Some(&ACCEPT))
        });
        fed.expect("is fed");
    }

    /// The relay comes back from a backup that has nothing.
    fn cut(&mut self) {
        let cut = self.store.write(|tx| outbox::cut(tx, self.me.space, 0));
        cut.expect("cuts");
    }

    fn salvaged(self) -> (tempfile::TempDir, Device) {
        drop(self.store);
        let path: PathBuf = self.folder.path().join("store.db");
        let instance = self.folder.path().join("instance");
        let (device, _) = salvage(&path, &instance, [7; 32], Arc::new(SystemEnv)).expect("mends");
        (self.folder, device)
    }
}

fn stored(device: &Device, id: EnvelopeId) -> outbox::Stored {
    let found = outbox::get(device.store.conn(), id).expect("reads");
    found.expect("is there")
}

#[test]
fn what_the_relay_has_lost_is_still_offered_whoever_wrote_it() {
    let mut scene = Scene::new();
    let (_, own) = scene.sealed();
    scene.fed(own, 1);
    let (_, theirs) = scene.came(2, Origin::Enveloped);
    scene.cut();
    let (_folder, device) = scene.salvaged();
    for (id, is_own) in [(own, true), (theirs, false)] {
        let stored = stored(&device, id);
        assert_eq!((&stored.state, stored.own), (&State::Lost, is_own));
        assert_eq!((stored.received_ms, stored.accept), (Some(5), Some(ACCEPT)));
    }
    let conn = device.store.conn();
    let none = std::collections::BTreeSet::new();
    let offers = outbox::to_offer(conn, Spaces::All, limits::PUSH, 10, &none).expect("reads");
    assert_eq!(offers.len(), 2);
    assert_eq!(device.cut_at, Some(0), "it offers");
}

#[test]
fn what_was_in_the_feed_is_known_to_have_been() {
    let mut scene = Scene::new();
    let (doc, own) = scene.sealed();
    scene.fed(own, 1);
    let (_, theirs) = scene.came(2, Origin::Enveloped);
    let space = scene.me.space;
    let (_folder, mut device) = scene.salvaged();
    assert_eq!(stored(&device, own).state, State::Fed(1));
    assert_eq!(stored(&device, theirs).state, State::Fed(2));
    let conn = device.store.conn();
    assert!(outbox::was_taken(conn, space).expect("reads"));
    assert_eq!(
        meta::get(conn, keys::UNPROVEN).expect("reads"),
        None,
        "all is in an envelope"
    );
    // What a first sync does not bring again is offered then.
    let cut = device.store.write(|tx| outbox::cut(tx, space, 0));
    cut.expect("cuts");
    let lost = stored(&device, own);
    assert_eq!((lost.state, lost.accept), (State::Lost, Some(ACCEPT)));
    let run = outbox::run(device.store.conn(), own).expect("reads");
    assert!(run.is_some());
    device.store.document(doc).expect("and is read");
}

#[test]
fn changes_of_no_known_envelope_are_told_to_be_unproven() {
    let mut scene = Scene::new();
    scene.came(1, |_| Origin::Packed(0));
    let (_folder, device) = scene.salvaged();
    let told = meta::get(device.store.conn(), keys::UNPROVEN).expect("reads");
    assert!(told.is_some());
}

#[test]
fn an_own_envelope_whose_signature_is_damaged_is_made_again() {
    let mut scene = Scene::new();
    let (doc, own) = scene.sealed();
    let damaged = scene.store.write(|tx| {
        let damage = "UPDATE envelope SET signature = zeroblob(64) WHERE id = ?1";
        Ok(tx.execute(damage, [own])?)
    });
    assert_eq!(damaged.expect("damages"), 1);
    let (_folder, device) = scene.salvaged();
    let conn = device.store.conn();
    assert_eq!(outbox::get(conn, own).expect("reads"), None);
    assert_eq!(outbox::unsealed_documents(conn).expect("reads"), [doc]);
}

#[test]
fn a_space_that_is_being_left_still_is() {
    let mut scene = Scene::new();
    let space = scene.me.space;
    scene.sealed();
    let left = scene.store.write(|tx| space::leave_space(tx, space, 9));
    left.expect("leaves");
    let (_folder, device) = scene.salvaged();
    let spaces = space::spaces(device.store.conn()).expect("reads");
    let spaces: Vec<_> = spaces.iter().map(|s| (s.id, s.left_ms)).collect();
    assert_eq!(spaces, [(space, Some(9))]);
}
