//! Erasures that wait: one that fails keeps no other, and the files are written anew once.

use sopu_core::id::DocId;
use sopu_core::store::Store;

use super::erase::{SECRET, files_with};
use super::world::World;
use crate::access::Role;
use crate::access::erasures::{self, Standing};
use crate::ledger::{Erasure, Line};
use crate::store::schema;

fn wished(world: &World, docs: &[DocId]) {
    for doc in docs {
        erasures::wish(&world.db, *doc, "request").unwrap();
    }
    world.relay.merge_all().unwrap();
}

/// One write of the whole file each would keep everything else waiting for as many.
#[test]
fn a_client_of_twenty_documents_is_erased_with_one_scrub() {
    let mut world = World::new();
    let phone = world.phone(Role::Field);
    let notes = [(); 20].map(|()| phone.note(world.space, SECRET));
    for (_, sealed) in &notes {
        world.feed(&phone, sealed);
    }
    let docs = notes.map(|(note, _)| note.id);
    // SQLite raises it each time a file is written anew.
    let written_anew = || -> i64 {
        let record = world.relay.record();
        let sql = "PRAGMA schema_version";
        let conn = record.store().conn();
        conn.query_row(sql, [], |row| row.get(0)).unwrap()
    };
    let before = written_anew();
    wished(&world, &docs);
    assert_eq!(written_anew() - before, 1);
    assert_eq!(files_with(&world, SECRET), [""; 0]);
    for doc in docs {
        assert_eq!(erasures::standing(&world.db, doc).unwrap(), Standing::None);
        assert!(erasures::erased_ms(&world.db, doc).unwrap().is_some());
    }
}

#[test]
fn damage_to_the_record_at_one_document_keeps_no_other_from_being_erased() {
    let mut world = World::new();
    let phone = world.phone(Role::Field);
    let notes = [(); 3].map(|()| phone.note(world.space, SECRET));
    for (_, sealed) in &notes {
        world.feed(&phone, sealed);
    }
    let mut docs = notes.map(|(note, _)| note.id);
    docs.sort();
    let record = Store::open_with(&world.folder.record(), world.folder.key());
    let damage = "UPDATE document SET heads = x'07' WHERE id = ?";
    let damaged = record.unwrap().conn().execute(damage, [docs[0]]).unwrap();
    assert_eq!(damaged, 1);
    wished(&world, &docs);
    let standing = |world: &World| docs.map(|doc| erasures::standing(&world.db, doc).unwrap());
    let told = Standing::Refused(erasures::RECORD_DAMAGED.into());
    assert_eq!(standing(&world), [told, Standing::None, Standing::None]);
    // As the code tells people: the next start makes it anew, and the erasure is completed.
    let world = world.reopen();
    world.relay.merge_all().unwrap();
    assert_eq!(standing(&world), [(); 3].map(|()| Standing::None));
    assert_eq!(files_with(&world, SECRET), [""; 0]);
    let (other, sealed) = phone.note(world.space, "new");
    world.feed(&phone, &sealed);
    assert!(world.relay.record().store().document(other.id).is_ok());
}

#[test]
fn an_erasure_of_the_ledger_that_meets_damage_does_not_keep_the_relay_from_starting() {
    let mut world = World::new();
    let phone = world.phone(Role::Field);
    let (note, sealed) = phone.note(world.space, SECRET);
    world.feed(&phone, &sealed);
    let erasure = Erasure {
        doc: note.id,
        space: world.space,
        kind: note.kind.number(),
        at_ms: world.now(),
        reason: "request".to_owned(),
        moved_to: None,
    };
    super::super::lock(&world.relay.ledger)
        .append(&[Line::Erased(erasure)])
        .unwrap();
    let record = Store::open_with(&world.folder.record(), world.folder.key());
    let damage = "UPDATE document SET heads = x'07' WHERE id = ?";
    record.unwrap().conn().execute(damage, [note.id]).unwrap();
    let world = world.reopen();
    assert_eq!(files_with(&world, SECRET), [""; 0]);
}

/// Nobody can say whether the new one holds all of it, however often it is tried.
#[test]
fn a_moved_note_that_cannot_be_read_any_more_stays_and_the_wish_says_why() {
    let mut world = World::new();
    let phone = world.phone(Role::Field);
    let [(old, first), (new, second), (other, third)] =
        [(); 3].map(|()| phone.note(world.space, "a"));
    for sealed in [&first, &second, &third] {
        world.feed(&phone, sealed);
    }
    let world = world.reopen();
    let damage = "UPDATE envelope SET run = x'00' WHERE doc = ?";
    world.db.execute(damage, [old.id.as_bytes()]).unwrap();
    erasures::wish_moved(&world.db, old.id, new.id).unwrap();
    wished(&world, &[other.id]);
    let standing = |doc| erasures::standing(&world.db, doc).unwrap();
    assert_eq!(standing(old.id), Standing::Refused("moved_damaged".into()));
    assert_eq!(standing(other.id), Standing::None);
}

/// As when somebody read a large answer just then, and whoever asked does not ask again.
#[test]
fn what_could_not_be_scrubbed_is_scrubbed_later() {
    let mut world = World::new();
    let phone = world.phone(Role::Field);
    let (note, sealed) = phone.note(world.space, SECRET);
    world.feed(&phone, &sealed);
    let (keys, now_ms) = (world.relay.keys.clone(), world.now());
    let erasure = Erasure {
        doc: note.id,
        space: world.space,
        kind: note.kind.number(),
        at_ms: now_ms,
        reason: "request".to_owned(),
        moved_to: None,
    };
    let blank = erasure.clone();
    let carry_out = super::super::erase::carry_out;
    let commits = &world.relay.commits;
    commits
        .write(move |store| carry_out(store, &keys, &blank))
        .unwrap();
    world.relay.record().erase(&[erasure]).unwrap();
    if world.folder.key().is_none() {
        assert!(!files_with(&world, SECRET).is_empty(), "the log");
    }
    world.relay.merge_all().unwrap();
    assert_eq!(files_with(&world, SECRET), [""; 0]);
    let due = commits.read(|store| store.meta(super::super::erase::SCRUB_DUE));
    assert_eq!(due.unwrap(), None);
}

/// Each attempt keeps all who write waiting for the reader.
#[test]
fn what_cannot_be_scrubbed_because_somebody_reads_is_tried_once_a_minute() {
    let mut world = World::new();
    let phone = world.phone(Role::Field);
    let notes = [(); 2].map(|()| phone.note(world.space, SECRET));
    for (_, sealed) in &notes {
        world.feed(&phone, sealed);
    }
    let [first, second] = notes.map(|(note, _)| note.id);
    let reader = schema::open_with(&world.folder.database(), world.folder.key()).unwrap();
    reader.execute_batch("BEGIN").unwrap();
    let count = "SELECT count(*) FROM envelope";
    let _: i64 = reader.query_row(count, [], |row| row.get(0)).unwrap();
    let failed = || super::super::lock(&world.relay.scrubbing).failed;
    wished(&world, &[first]);
    assert_eq!(failed(), 1);
    // Neither the worker's next steps nor whoever else erases, or writes at the office.
    wished(&world, &[second]);
    assert!(world.relay.erase(first, "request").is_err());
    world.relay.merge_all().unwrap();
    assert_eq!(failed(), 1);
    // What waits for it does not keep others from merging.
    let (other, sealed) = phone.note(world.space, "b");
    world.feed(&phone, &sealed);
    assert!(world.relay.record().store().document(other.id).is_ok());
    world.later(60_000);
    world.relay.merge_all().unwrap();
    assert_eq!(failed(), 2);
    reader.execute_batch("ROLLBACK").unwrap();
    world.later(60_000);
    world.relay.merge_all().unwrap();
    assert_eq!(failed(), 0);
    assert_eq!(files_with(&world, SECRET), [""; 0]);
    for doc in [first, second] {
        assert_eq!(erasures::standing(&world.db, doc).unwrap(), Standing::None);
    }
}
