//! The relay comes back from a backup, and a phone from one of its own: it makes again what it has, and
//! others still hold what it had made again before, with more in it.

#![expect(clippy::expect_used, reason = "a test")]

use std::sync::Arc;

use serde_json::json;
use sopu_core::encoding::decode_changes;
use sopu_core::guard::Limits;
use sopu_core::id::{DocId, SpaceId};
use sopu_core::store::outbox;
use sopu_core::time::Env;
use sopu_server::access::roles::Role;
use sopu_server::backup;
use sopu_server::store::State;
use sopu_tests::{Phone, World};

/// Aino's phone came back from its backup, wrote more, and brought all of it made again in one envelope,
/// which Petri's phone has. Then both are lost: the relay goes back to before that, and Aino's phone to
/// the same backup, without what was written after it. Her phone makes again what it has before Petri's
/// is heard.
fn story() -> (World, Phone, Phone, SpaceId, DocId) {
    let mut world = World::new();
    let space = world.space("Koivula");
    let member = |name| world.member(name, Role::Field, &[space]);
    let (aino, petri) = (member("Aino"), member("Petri"));
    let mut aino = world.phone("aino", aino);
    let mut petri = world.phone("petri", petri);
    for phone in [&mut aino, &mut petri] {
        phone.sync(&world);
    }
    let early = world.folder().join("backup");
    backup::take(world.data(), &early, &*world.clock, &mut |_, _| {}).expect("is taken");

    let doc = aino.note(space, json!({"summary": "alku"}));
    let files = aino.backup();
    aino.restore(&files, false);
    aino.edit(doc, json!({"summary": "alku ja loppu"}));
    for phone in [&mut aino, &mut petri] {
        phone.sync(&world);
        world.settle();
    }
    petri.sync(&world);
    assert_eq!(
        petri.read(doc).value["summary"],
        json!("alku ja loppu"),
        "Petri has it"
    );

    world.stop();
    let ledger = std::fs::read(world.data().join("ledger")).expect("reads");
    std::fs::remove_dir_all(world.data()).expect("goes");
    std::fs::create_dir_all(world.data()).expect("makes");
    std::fs::write(world.data().join("ledger"), ledger).expect("writes");
    let env = Arc::clone(&world.clock) as Arc<dyn Env>;
    backup::restore(&early, None, world.data(), env).expect("restores");
    world.start();
    aino.restore(&files, false);
    aino.sync(&world);
    world.settle();
    (world, aino, petri, space, doc)
}

/// What the relay keeps of a document besides its record: envelopes refused for ever, by how many changes.
fn kept(world: &World, doc: DocId) -> Vec<(State, usize)> {
    let rows = world.relay().quarantine(10).expect("reads").into_iter();
    let of = rows.filter(|row| row.doc == doc);
    let count = |run: Vec<u8>| decode_changes(&run, &Limits::RELAY).map_or(0, |all| all.len());
    of.map(|row| (row.state, row.run.map_or(0, count)))
        .collect()
}

/// Nobody makes the rest again, so the relay is offered the whole of it, and keeps it for people (storms
/// 70399 and 73715).
#[test]
fn a_replay_with_more_in_it_than_was_made_again_is_offered_and_kept() {
    let (world, mut aino, mut petri, _, doc) = story();
    for _ in 0..2 {
        for phone in [&mut petri, &mut aino] {
            phone.sync(&world);
            world.settle();
        }
    }
    let refused = State::Final("replay_of_fed".into());
    assert_eq!(kept(&world, doc), [(refused, 2)]);
    for phone in [&mut aino, &mut petri] {
        assert_eq!(phone.read(doc).value["summary"], json!("alku"));
        let left = outbox::unsettled(phone.device().store().conn(), None).expect("reads");
        assert_eq!(left, []);
    }
}

/// What became of it is told once, and a copy of Petri's phone took that (storm 70399): it is asked about again.
#[test]
fn what_was_offered_and_whose_refusal_another_copy_heard_is_asked_about_again() {
    let (world, _, mut petri, _, doc) = story();
    let mut twin = petri.cloned(&world.folder().join("twin"));
    petri.sync(&world);
    world.settle();
    let left = |phone: &mut Phone| {
        outbox::unsettled(phone.device().store().conn(), Some(doc)).expect("reads")
    };
    assert_eq!(left(&mut petri).len(), 1, "it waits to hear");
    twin.sync(&world);
    petri.sync(&world);
    petri.clock.set_off(2 * 3_600_000);
    petri.sync(&world);
    assert_eq!(left(&mut petri), []);
    assert_eq!(petri.read(doc).value["summary"], json!("alku"));
}
