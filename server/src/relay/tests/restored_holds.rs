//! Legal holds of a relay that came back from a backup: what the newest ledger says of them counts.

use serde_json::json;
use sopu_core::id::DocId;
use sopu_core::store::hold;
use sopu_core::wire::{Entry, NoticeKind, Offer, SyncRequest, Verdict};

use super::world::{DAY, Phone, World};
use crate::access::erasures::{self, Standing};
use crate::access::{Role, notices};

const CLIENT: &str = "019ab000-0000-7000-8000-000000000001";
const OTHER: &str = "019ab000-0000-7000-8000-000000000002";

/// As the office does, and the worker after it.
fn say(world: &World, doc: DocId, held: bool) {
    notices::wish(&world.db, doc, &NoticeKind::LegalHold(held)).unwrap();
    world.relay.merge_all().unwrap();
}

fn say_of_client(world: &World, client: &str, held: bool) {
    notices::hold_client(&world.db, world.space, client, held).unwrap();
    world.relay.merge_all().unwrap();
}

fn held(world: &World, doc: DocId) -> Option<bool> {
    let record = world.relay.record();
    let said = hold::said(record.store().conn(), doc).unwrap();
    said.map(|said| said.held)
}

/// What becomes of a wish to erase it.
fn erased(world: &World, doc: DocId) -> Standing {
    erasures::wish(&world.db, doc, "request").unwrap();
    world.relay.merge_all().unwrap();
    erasures::standing(&world.db, doc).unwrap()
}

fn about(world: &World, phone: &Phone, client: &str) -> DocId {
    let (mut note, first) = phone.note(world.space, "a");
    world.feed(phone, &first);
    let sealed = note.write(phone, json!({ "tags": ["b"], "subject_id": client }));
    world.feed(phone, &sealed);
    note.id
}

fn on_hold() -> Standing {
    Standing::Refused("legal_hold".into())
}

#[test]
fn the_hold_of_a_document_comes_back_with_the_newest_ledger_and_a_lifted_one_stays_lifted() {
    let mut world = World::new();
    let phone = world.phone(Role::Field);
    let notes = [(); 3].map(|()| phone.note(world.space, "a"));
    for (_, sealed) in &notes {
        world.feed(&phone, sealed);
    }
    let [kept, lifted, again] = notes.map(|(note, _)| note.id);
    say(&world, lifted, true);
    let mut world = world.backup();
    world.later(1);
    for (doc, words) in [
        (kept, &[true][..]),
        (lifted, &[false]),
        (again, &[true, false, true]),
    ] {
        for word in words {
            say(&world, doc, *word);
        }
    }
    world = world.restore();
    let now = |world: &World| [kept, lifted, again].map(|doc| held(world, doc));
    assert_eq!(now(&world), [Some(true), Some(false), Some(true)]);
    assert_eq!(erased(&world, kept), on_hold());
    // The same again: nothing is said twice, and what is said since counts.
    let said = |world: &World| -> i64 {
        let sql = "SELECT count(*) FROM feed WHERE notice IS NOT NULL";
        world.db.query_row(sql, [], |row| row.get(0)).unwrap()
    };
    let before = said(&world);
    world = world.reopen();
    assert_eq!(said(&world), before);
    world.later(1);
    say(&world, kept, false);
    world = world.restore();
    assert_eq!(now(&world), [Some(false), Some(false), Some(true)]);
    for doc in [kept, lifted] {
        assert_eq!(erased(&world, doc), Standing::None);
    }
    assert_eq!(erased(&world, again), on_hold());
    // And what was erased stays so, whatever was said of it before.
    world = world.restore();
    assert!(world.relay.record().store().document(kept).is_err());
}

#[test]
fn the_hold_of_a_client_comes_back_with_the_newest_ledger_and_a_lifted_one_stays_lifted() {
    let mut world = World::new();
    let phone = world.phone(Role::Field);
    say_of_client(&world, OTHER, true);
    let mut world = world.backup();
    say_of_client(&world, CLIENT, true);
    say_of_client(&world, OTHER, false);
    world = world.restore();
    let doc = about(&world, &phone, CLIENT);
    assert_eq!(held(&world, doc), Some(true));
    assert_eq!(erased(&world, doc), on_hold());
    let free = about(&world, &phone, OTHER);
    assert_eq!(
        (held(&world, free), erased(&world, free)),
        (None, Standing::None)
    );
}

/// Before the ledger knew of holds.
#[test]
fn what_was_put_on_hold_under_an_older_version_comes_back_too() {
    let mut world = World::new();
    let phone = world.phone(Role::Field);
    let (note, sealed) = phone.note(world.space, "a");
    world.feed(&phone, &sealed);
    let mut world = world.backup();
    notices::wish(&world.db, note.id, &NoticeKind::LegalHold(true)).unwrap();
    world.relay.say_wished().unwrap();
    notices::hold_client(&world.db, world.space, CLIENT, true).unwrap();
    let forget = "DELETE FROM ledger_news; UPDATE meta SET value = x'01' WHERE key = 'retold'";
    world.db.execute_batch(forget).unwrap();
    world = world.reopen();
    world = world.restore();
    assert_eq!(held(&world, note.id), Some(true));
    let doc = about(&world, &phone, CLIENT);
    assert_eq!(held(&world, doc), Some(true));
}

#[test]
fn what_the_backup_does_not_know_at_all_is_on_hold_once_a_device_brings_it() {
    let mut world = World::new();
    let (phone, other) = (world.phone(Role::Field), world.phone(Role::Field));
    let mut world = world.backup();
    let (note, sealed) = phone.note(world.space, "lost");
    world.feed(&phone, &sealed);
    let page = world.pull(&other, &[]);
    let accept = page.pages[0].proofs[0].accept;
    world.later(DAY);
    say(&world, note.id, true);
    world = world.restore();
    assert_eq!(erased(&world, note.id), on_hold(), "meanwhile, too");
    let offer = SyncRequest {
        offers: vec![Offer::Envelope {
            envelope: sealed.envelope.clone(),
            accept,
        }],
        ..other.request()
    };
    let response = world.relay.sync(&other.token, &offer).unwrap();
    assert_eq!(response.offered, [Verdict::Waiting]);
    world.relay.merge_all().unwrap();
    assert!(world.relay.record().store().document(note.id).is_ok());
    assert_eq!(held(&world, note.id), Some(true));
    assert_eq!(erased(&world, note.id), on_hold());
    // Whoever begins anew gets the note and its hold.
    let response = &world.pull_all(&world.phone_of(phone.member))[0];
    let page = &response.pages[0];
    assert_eq!((page.packs.len(), page.proofs.len()), (1, 2));
    assert!(
        !page
            .entries
            .iter()
            .any(|e| matches!(e, Entry::Erased { .. }))
    );
}
