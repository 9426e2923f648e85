//! A relay that came back from a backup.

use sopu_core::wire::{Cut, Entry, Offer, SyncRequest, Verdict};

use super::world::{World, step};
use crate::access::Role;
use crate::api::Problem;

#[test]
fn a_restored_relay_begins_a_new_generation_and_takes_offers_back() {
    let mut world = World::new();
    let (phone, other) = (world.phone(Role::Field), world.phone(Role::Field));
    let (_, kept) = phone.note(world.space, "kept");
    world.feed(&phone, &kept);
    let mut world = world.backup();
    let (_, lost) = phone.note(world.space, "lost");
    world.feed(&phone, &lost);
    let mut vector = Vec::new();
    for response in world.pull_all(&other) {
        step(&mut vector, &response);
    }
    let Entry::Envelope {
        envelope, accept, ..
    } = entry_of(&world, &other)
    else {
        panic!("an envelope")
    };
    let before = vector[0].clone();
    world = world.restore();

    let response = world.pull(&other, &vector);
    let page = &response.pages[0];
    assert_eq!(
        page.cut,
        Some(Cut {
            generation: before.generation,
            seq: 1
        })
    );
    assert_eq!((page.from.as_ref(), page.to.seq), (Some(&before), 1));
    assert_ne!(page.to.generation, before.generation);
    assert!(page.entries.is_empty());

    // Whoever holds it brings it back, though the signer was removed meanwhile.
    world.later(1_000);
    world.remove(world.space, phone.member);
    let offer = |accept| SyncRequest {
        offers: vec![Offer::Envelope {
            envelope: envelope.clone(),
            accept,
        }],
        ..other.request()
    };
    let forged = world.relay.sync(&other.token, &offer([3; 16])).unwrap();
    let refused = Verdict::Refused("not_accepted_before".into());
    assert_eq!(forged.offered, [refused], "without the tag it is no offer");
    assert_eq!(
        world
            .relay
            .sync(&other.token, &offer(accept))
            .unwrap()
            .offered,
        [Verdict::Waiting]
    );
    world.relay.merge_all().unwrap();
    assert_eq!(world.state(lost.proof.id()), Verdict::Fed(2));
    assert_eq!(
        world
            .relay
            .sync(&other.token, &offer(accept))
            .unwrap()
            .offered,
        [Verdict::Fed(2)],
        "again"
    );
}

/// The last entry as someone gets it who has all but that.
fn entry_of(world: &World, phone: &super::world::Phone) -> Entry {
    let keys = &world.relay.keys;
    let at = world.relay.commits.read(|store| {
        let generation = *crate::feed::cursor::generations(store, keys, world.space)?
            .last()
            .unwrap();
        let hash = store.hash_at(world.space, 1)?.unwrap();
        let roster = store.space(world.space, world.now())?.unwrap().roster;
        let head = crate::store::Head { seq: 1, hash };
        Ok(crate::feed::cursor::cursor_at(
            keys,
            world.space,
            &generation,
            head,
            roster,
        ))
    });
    world.pull(phone, &[at.unwrap()]).pages[0].entries[0].clone()
}

#[test]
fn a_cursor_beyond_the_feed_begins_a_new_generation_even_if_the_ledger_noticed_nothing() {
    let mut world = World::new();
    let phone = world.phone(Role::Field);
    let (_, kept) = phone.note(world.space, "kept");
    world.feed(&phone, &kept);
    let mut vector = Vec::new();
    let (_, lost) = phone.note(world.space, "lost");
    world.feed(&phone, &lost);
    step(&mut vector, &world.pull(&phone, &[]));
    world
        .db
        .execute_batch("DELETE FROM feed WHERE seq = 2")
        .unwrap();
    let hash: Vec<u8> = world
        .db
        .query_row("SELECT hash FROM feed WHERE seq = 1", [], |r| r.get(0))
        .unwrap();
    world
        .db
        .execute("UPDATE feed_head SET seq = 1, hash = ?", [hash])
        .unwrap();
    let page = &world.pull(&phone, &vector).pages[0];
    assert_eq!(page.cut.map(|cut| cut.seq), Some(1));
    let number: i64 = world
        .db
        .query_row("SELECT count(*) FROM generation", [], |r| r.get(0))
        .unwrap();
    assert_eq!(number, 1);
    let response = world.pull(&phone, &vector);
    step(&mut vector, &response);
    assert!(
        crate::relay::is_empty(&world.pull(&phone, &vector)),
        "and then there is peace"
    );
}

#[test]
fn a_device_revoked_after_the_backup_stays_revoked_and_one_enrolled_after_it_stays_enrolled() {
    let mut world = World::new();
    let phone = world.phone(Role::Field);
    let mut world = world.backup();
    world.relay.revoke(phone.id).unwrap();
    let done = SyncRequest {
        done: vec![sopu_core::wire::OrderDone { number: 1 }],
        ..phone.request()
    };
    world.relay.sync(&phone.token, &phone.request()).unwrap();
    world.relay.sync(&phone.token, &done).unwrap();
    assert_eq!(
        world
            .relay
            .sync(&phone.token, &phone.request())
            .unwrap_err(),
        Problem::DeviceRevoked
    );
    let newer = world.phone(Role::Field);
    let removed = world.phone(Role::Field);
    world.later(1_000);
    world.remove(world.space, removed.member);
    world.relay.merge_all().unwrap();
    world = world.restore();
    let (_, sealed) = phone.note(world.space, "a");
    assert_eq!(
        world.push(&phone, &[&sealed.envelope]),
        [Verdict::Held("revoked".into())]
    );
    let (_, sealed) = newer.note(world.space, "b");
    assert_eq!(world.feed(&newer, &sealed), Verdict::Fed(1));
    assert!(world.pull(&removed, &[]).pages.is_empty());
}

#[test]
fn an_ordinary_restart_begins_no_generation() {
    let mut world = World::new();
    let phone = world.phone(Role::Field);
    let (_, sealed) = phone.note(world.space, "a");
    world.feed(&phone, &sealed);
    let world = world.reopen().reopen();
    let number: i64 = world
        .db
        .query_row("SELECT count(*) FROM generation", [], |r| r.get(0))
        .unwrap();
    assert_eq!(number, 0);
}
