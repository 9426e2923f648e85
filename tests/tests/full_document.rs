//! A document in which as many have written as may: what one more writes becomes a draft, those who are in it
//! go on, everybody has the same record, and nothing else waits for it.

#![expect(clippy::expect_used, reason = "a test")]

use std::collections::BTreeSet;

use rusqlite::Connection;
use serde_json::json;
use sopu_core::guard::Limits;
use sopu_core::id::{DocId, Version};
use sopu_core::store::{Store, draft};
use sopu_server::access::roles::Role;
use sopu_tests::{Phone, World};

fn actors(store: &Store, doc: DocId) -> usize {
    let loaded = store.document(doc).expect("opens");
    let changes = loaded.am.get_changes(&[]);
    let actors: BTreeSet<_> = changes.iter().map(|change| change.actor_id()).collect();
    actors.len()
}

fn heads(store: &Store, doc: DocId) -> Version {
    store.document(doc).expect("opens").heads.clone()
}

/// From the next save on the phone writes under another name, as one does that was put back to a backup.
fn forget_epoch(phone: &Phone) {
    let db = Connection::open(phone.store_file()).expect("opens");
    let gone = db.execute("DELETE FROM meta WHERE key LIKE 'epoch%'", []);
    assert!(gone.expect("deletes") <= 1);
}

#[test]
fn what_finds_no_room_becomes_a_draft_and_all_else_goes_on() {
    let world = World::new();
    let space = world.space("Kotihoito");
    let member = |name| world.member(name, Role::Owner, &[space]);
    let maria_member = member("Maria");
    let mut maria = world.phone("maria", maria_member);
    let mut aino = world.phone("aino", member("Aino"));
    let doc = maria.note(space, json!({"summary": "alku"}));
    for phone in [&mut maria, &mut aino] {
        phone.sync(&world);
        world.settle();
    }
    aino.sync(&world);
    aino.edit(doc, json!({"summary": "alku, Ainolta"}));
    let most = Limits::RELAY.document.actors;
    // Genesis' actor and Maria's first. One phone alone would ask more often than the relay lets it.
    let more = ["a", "b", "c", "d", "e"].map(|name| world.phone(name, maria_member));
    let mut writers: Vec<Phone> = more.into_iter().chain([maria]).collect();
    for n in 2..most {
        let writer = n % writers.len();
        let writer = &mut writers[writer];
        forget_epoch(writer);
        writer.edit(doc, json!({"route_from": n.to_string()}));
        // Sealed under it, before there is another.
        writer.sync(&world);
        if n % 50 == 0 {
            world.settle();
        }
    }
    let mut maria = writers.pop().expect("the last");
    maria.sync(&world);
    world.settle();
    assert_eq!(actors(world.relay().record().store(), doc), most);

    // Aino's work has no room any more; what she writes elsewhere has.
    let other = aino.note(space, json!({"summary": "muuta"}));
    let mut requests = 0;
    for _ in 0..4 {
        requests += aino.sync(&world).requests;
        world.settle();
    }
    assert!(requests < 80, "it does not go round: {requests} requests");
    let drafts = draft::drafts(aino.device().store().conn()).expect("reads");
    let one = |draft: &draft::Draft| {
        draft.doc == doc
            && draft.reason == "document_actors"
            && draft.value["summary"] == "alku, Ainolta"
    };
    assert_eq!(
        drafts.iter().filter(|draft| one(draft)).count(),
        1,
        "{drafts:?}"
    );
    assert_eq!(aino.device().backlog().expect("reads"), Default::default());

    // Those who are in it go on, and a new device takes all of it in.
    maria.edit(doc, json!({"summary": "loppu"}));
    let mut late = world.phone("late", world.member("Eero", Role::Field, &[space]));
    for _ in 0..2 {
        for phone in [&mut maria, &mut aino, &mut late] {
            phone.sync(&world);
            world.settle();
        }
    }
    let record = world.relay().record();
    for phone in [&mut maria, &mut aino, &mut late] {
        assert_eq!(phone.read(doc).value["summary"], "loppu");
        for doc in [doc, other] {
            let here = heads(phone.device().store(), doc);
            assert_eq!(here, heads(record.store(), doc));
        }
    }
}
