//! Erasure leaves no trace of content and keeps the feed whole.

use serde_json::json;
use sopu_core::documents::Kind;
use sopu_core::envelope::feed_hash;
use sopu_core::store::{hold, view};
use sopu_core::wire::{
    Entry, NoticeKind, OrderDone, OrderKind, ProofSpecial, SyncRequest, Verdict,
};

use super::world::{DAY, Phone, World, step};
use crate::access::erasures::{self, Standing};
use crate::access::{Role, notices};
use crate::ledger::{Erasure, Line};
use crate::relay::EraseError;

pub const SECRET: &str = "zanzibarilainen";

pub fn files_with(world: &World, needle: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(&*world.folder).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        if bytes
            .windows(needle.len())
            .any(|window| window == needle.as_bytes())
        {
            found.push(path.file_name().unwrap().to_string_lossy().into_owned());
        }
    }
    found
}

#[test]
fn erasing_leaves_no_content_in_any_file_and_a_whole_feed() {
    let mut world = World::new();
    let (phone, reader) = (world.phone(Role::Field), world.phone(Role::Reader));
    let (mut note, first) = phone.note(world.space, SECRET);
    world.feed(&phone, &first);
    let (_, other) = phone.note(world.space, "stays");
    world.feed(&phone, &other);
    let second = note.write(&phone, json!({ "tags": [SECRET, "x"] }));
    let third = note.write(&phone, json!({ "tags": [SECRET, "y"] }));
    assert_eq!(
        world.feed(&phone, &third),
        Verdict::Held("dependency_missing".into())
    );
    let mut vector = Vec::new();
    step(&mut vector, &world.pull(&reader, &[]));
    assert_eq!(
        files_with(&world, SECRET).is_empty(),
        world.folder.key().is_some(),
        "the test can see it where it is not encrypted"
    );

    world.relay.erase(note.id, "request").unwrap();
    world.relay.erase(note.id, "request").unwrap();
    assert_eq!(files_with(&world, SECRET), [""; 0]);
    assert_eq!(world.state(third.proof.id()), Verdict::Erased);
    assert_eq!(
        world.push(&phone, &[&second.envelope]),
        [Verdict::Erased],
        "a late push"
    );
    assert_eq!(world.push(&phone, &[&first.envelope]), [Verdict::Erased]);
    assert_eq!(files_with(&world, SECRET), [""; 0]);
    assert!(
        view::get(world.relay.record().store().conn(), note.id)
            .unwrap()
            .is_none()
    );

    let response = world.pull(&reader, &vector);
    assert!(matches!(
        response.pages[0].entries[..],
        [Entry::Notice { seq: 3, .. }]
    ));
    for phone in [&phone, &reader] {
        let orders = world.pull(phone, &[]).orders;
        assert_eq!(orders.len(), 1);
        assert_eq!(orders[0].what, OrderKind::Purge(note.id));
    }
    // A new device: no pack of it, but a proof for every place, and the running hash holds.
    let fresh = world.phone(Role::Field);
    let mut hash = [0; 32];
    for page in world.pull_all(&fresh).iter().flat_map(|r| &r.pages) {
        assert!(page.packs.iter().all(|pack| pack.doc != note.id));
        for proof in &page.proofs {
            hash = feed_hash(
                &hash,
                &match &proof.special {
                    Some(ProofSpecial::Erased(digest)) => sopu_core::envelope::Proof {
                        header: proof.header.clone(),
                        signature: proof.signature,
                        digest: *digest,
                    }
                    .id(),
                    Some(ProofSpecial::Notice) => sopu_core::wire::SignedNotice {
                        body: proof.header.clone(),
                        signature: proof.signature,
                    }
                    .id(),
                    None => other.proof.id(),
                },
            );
        }
    }
    let head = world
        .relay
        .commits
        .read(|store| store.head(world.space))
        .unwrap();
    assert_eq!((head.seq, head.hash), (3, hash));
}

#[test]
fn what_was_erased_stays_erased_when_the_database_comes_back_from_a_backup() {
    let mut world = World::new();
    let phone = world.phone(Role::Field);
    let (note, sealed) = phone.note(world.space, SECRET);
    world.feed(&phone, &sealed);
    let mut world = world.backup();
    world.relay.erase(note.id, "request").unwrap();
    world = world.restore();
    assert_eq!(files_with(&world, SECRET), [""; 0]);
    assert_eq!(world.push(&phone, &[&sealed.envelope]), [Verdict::Erased]);
    assert!(
        view::get(world.relay.record().store().conn(), note.id)
            .unwrap()
            .is_none()
    );
}

#[test]
fn an_erasure_that_was_interrupted_is_completed_at_the_next_start() {
    let mut world = World::new();
    let phone = world.phone(Role::Field);
    let (note, sealed) = phone.note(world.space, SECRET);
    world.feed(&phone, &sealed);
    // Killed as soon as the database had it.
    let (keys, now_ms) = (world.relay.keys.clone(), world.now());
    let erasure = Erasure {
        doc: note.id,
        space: world.space,
        kind: note.kind.number(),
        at_ms: now_ms,
        reason: "request".to_owned(),
        moved_to: None,
    };
    let lines = {
        let mut ledger = super::super::lock(&world.relay.ledger);
        ledger.append(&[Line::Erased(erasure.clone())]).unwrap();
        ledger.len()
    };
    world
        .relay
        .commits
        .write(move |store| {
            super::super::erase::carry_out(store, &keys, &erasure)?;
            super::super::restore::set_known(store, lines)
        })
        .unwrap();
    let world = world.reopen();
    assert_eq!(files_with(&world, SECRET), [""; 0]);
    let record = world.relay.record();
    let view = view::get(record.store().conn(), note.id).unwrap();
    assert!(view.is_none());
}

/// The phone carries out every order it is given.
fn obey(world: &World, phone: &Phone) {
    let orders = world.pull(phone, &[]).orders.into_iter();
    let done = orders.map(|order| OrderDone {
        number: order.number,
    });
    let request = SyncRequest {
        done: done.collect(),
        ..phone.request()
    };
    world.relay.sync(&phone.token, &request).unwrap();
}

#[test]
fn the_receipt_of_an_erasure_says_who_has_confirmed() {
    let mut world = World::new();
    let phones = [Role::Field, Role::Reader, Role::Field].map(|role| world.phone(role));
    let [writer, reader, lost] = &phones;
    let (note, first) = writer.note(world.space, SECRET);
    world.feed(writer, &first);
    erasures::wish(&world.db, note.id, "request").unwrap();
    assert_eq!(
        erasures::standing(&world.db, note.id).unwrap(),
        Standing::Waiting
    );
    world.relay.merge_all().unwrap();
    assert_eq!(
        erasures::standing(&world.db, note.id).unwrap(),
        Standing::None
    );
    assert_eq!(files_with(&world, SECRET), [""; 0]);
    let confirmed = |world: &World| {
        let receipt = erasures::receipt(&world.db, note.id).unwrap();
        let confirmed = receipt.iter().filter(|row| row.confirmed_ms.is_some());
        (confirmed.count(), receipt.len())
    };
    assert_eq!(confirmed(&world), (0, 3));
    obey(&world, writer);
    assert_eq!(confirmed(&world), (1, 3));
    // A wiped device holds nothing any more.
    world.relay.revoke(lost.id).unwrap();
    obey(&world, lost);
    assert_eq!(confirmed(&world), (2, 3));
    obey(&world, reader);
    assert_eq!(confirmed(&world), (3, 3));
}

#[test]
fn what_is_on_legal_hold_or_not_there_is_not_erased_and_the_wish_says_why() {
    let mut world = World::new();
    let phone = world.phone(Role::Field);
    let (mut note, first) = phone.note(world.space, "a");
    world.feed(&phone, &first);
    // Received, and not in the record yet.
    let hold = note.write(&phone, json!({ "tags": ["a"], "legal_hold": true }));
    assert_eq!(world.push(&phone, &[&hold.envelope]), [Verdict::Waiting]);
    let nowhere = sopu_core::id::DocId::mint(&sopu_core::time::SystemEnv);
    for doc in [note.id, nowhere] {
        erasures::wish(&world.db, doc, "retention").unwrap();
    }
    world.relay.merge_all().unwrap();
    let why = |doc| erasures::standing(&world.db, doc).unwrap();
    assert_eq!(why(note.id), Standing::Refused("legal_hold".into()));
    assert_eq!(why(nowhere), Standing::Refused("unknown".into()));
    assert!(world.relay.record().store().document(note.id).is_ok());
    // Somebody in the field only asks: who asked may stop asking.
    let off = note.write(&phone, json!({ "tags": ["a"], "legal_hold": false }));
    world.feed(&phone, &off);
    erasures::wish(&world.db, note.id, "retention").unwrap();
    world.relay.merge_all().unwrap();
    assert_eq!(why(note.id), Standing::None);
    assert!(world.relay.record().store().document(note.id).is_err());
}

/// Nothing of it has ever waited, so nothing but its envelopes says where it belongs.
#[test]
fn what_was_only_ever_held_and_what_was_dropped_is_erased_too() {
    let mut world = World::new();
    let phone = world.phone(Role::Field);
    world.relay.revoke(phone.id).unwrap();
    let notes = [(); 2].map(|()| phone.note(world.space, SECRET));
    let held = Verdict::Held("revoked".into());
    for (_, sealed) in &notes {
        assert_eq!(world.feed(&phone, sealed), held);
    }
    let [(_, kept), (_, dropped)] = &notes;
    assert!(world.relay.drop_held(dropped.proof.id()).unwrap());
    assert!(matches!(world.state(dropped.proof.id()), Verdict::Final(_)));
    erasures::wish(&world.db, notes[0].0.id, "request").unwrap();
    world.relay.merge_all().unwrap();
    let standing = erasures::standing(&world.db, notes[0].0.id).unwrap();
    assert_eq!(standing, Standing::None);
    world.relay.erase(notes[1].0.id, "request").unwrap();
    assert_eq!(files_with(&world, SECRET), [""; 0]);
    assert!(erasures::beside(&world.db).unwrap().is_empty());
    for sealed in [kept, dropped] {
        assert_eq!(world.state(sealed.proof.id()), Verdict::Erased);
        assert_eq!(world.push(&phone, &[&sealed.envelope]), [Verdict::Erased]);
    }
    assert_eq!(files_with(&world, SECRET), [""; 0]);
    let world = world.reopen();
    assert_eq!(world.push(&phone, &[&kept.envelope]), [Verdict::Erased]);
}

#[test]
fn what_is_kept_beside_the_record_about_a_held_client_is_not_erased() {
    let mut world = World::new();
    let phone = world.phone(Role::Field);
    let client = "019ab000-0000-7000-8000-000000000001";
    world.relay.revoke(phone.id).unwrap();
    let mut note = super::world::Note::new(&phone, world.space, Kind::VisitNote);
    let sealed = note.write(&phone, json!({ "subject_id": client }));
    world.feed(&phone, &sealed);
    notices::hold_client(&world.db, world.space, client, true).unwrap();
    let refused = world.relay.erase(note.id, "request");
    assert!(matches!(refused, Err(EraseError::LegalHold)), "{refused:?}");
    notices::hold_client(&world.db, world.space, client, false).unwrap();
    world.relay.erase(note.id, "request").unwrap();
}

/// A hold as the office sets or lifts it.
fn say(world: &World, doc: sopu_core::id::DocId, held: bool) {
    notices::wish(&world.db, doc, &NoticeKind::LegalHold(held)).unwrap();
    world.relay.say_wished().unwrap();
}

#[test]
fn a_hold_is_lifted_by_no_save() {
    let mut world = World::new();
    let phone = world.phone(Role::Field);
    let office = world.phone(Role::Office);
    let refused = |world: &World, doc| {
        erasures::wish(&world.db, doc, "request").unwrap();
        world.relay.merge_all().unwrap();
        let standing = erasures::standing(&world.db, doc).unwrap();
        erasures::forget(&world.db, doc).unwrap();
        standing == Standing::Refused("legal_hold".into())
    };
    // Set at the office, and by a save of somebody whose role may.
    let (said, first) = phone.note(world.space, "a");
    world.feed(&phone, &first);
    say(&world, said.id, true);
    let (mut saved, first) = office.note(world.space, "b");
    world.feed(&office, &first);
    let on = saved.write(&office, json!({ "tags": ["b"], "legal_hold": true }));
    world.feed(&office, &on);
    assert!(refused(&world, said.id) && refused(&world, saved.id));
    let mut notes = [said, saved];
    for (n, who) in [(0, &phone), (1, &phone), (1, &office)] {
        for held in [json!(true), json!(false), json!(null)] {
            let save = notes[n].write(who, json!({ "tags": ["c"], "legal_hold": held }));
            world.feed(who, &save);
            assert!(refused(&world, notes[n].id), "{held}");
        }
    }
    let [mut said, _] = notes;
    // Once it is lifted somebody in the field cannot set it again, and asking keeps nothing any more.
    say(&world, said.id, false);
    let ask = said.write(&phone, json!({ "tags": ["d"], "legal_hold": true }));
    world.feed(&phone, &ask);
    assert!(!refused(&world, said.id));
}

#[test]
fn a_hold_outlives_a_clock_that_is_set_back() {
    let mut world = World::new();
    let phone = world.phone(Role::Field);
    let (note, first) = phone.note(world.space, "a");
    world.feed(&phone, &first);
    say(&world, note.id, false);
    world.later(-DAY);
    say(&world, note.id, true);
    erasures::wish(&world.db, note.id, "request").unwrap();
    world.relay.merge_all().unwrap();
    let standing = erasures::standing(&world.db, note.id).unwrap();
    assert_eq!(standing, Standing::Refused("legal_hold".into()));
}

#[test]
fn what_comes_later_about_a_held_client_is_held_too() {
    let mut world = World::new();
    let phone = world.phone(Role::Field);
    let client = "019ab000-0000-7000-8000-000000000001";
    notices::hold_client(&world.db, world.space, client, true).unwrap();
    let held = |world: &World, doc| {
        hold::said(world.relay.record().store().conn(), doc)
            .unwrap()
            .map(|said| said.held)
    };
    let (mut note, first) = phone.note(world.space, "a");
    world.feed(&phone, &first);
    assert_eq!(held(&world, note.id), None);
    let about = note.write(&phone, json!({ "tags": ["a"], "subject_id": client }));
    world.feed(&phone, &about);
    assert_eq!(held(&world, note.id), Some(true));
    // Not again once somebody has taken this one out.
    say(&world, note.id, false);
    let back = note.write(&phone, json!({ "tags": ["b"], "subject_id": client }));
    world.feed(&phone, &back);
    assert_eq!(held(&world, note.id), Some(false));
}
