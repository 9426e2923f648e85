//! Lost, cloned and seen.

use sopu_core::wire::{Order, OrderDone, OrderKind, Status, SyncRequest, Verdict};

use super::world::World;
use crate::access::Role;
use crate::api::Problem;

#[test]
fn a_revoked_device_delivers_into_escrow_is_told_to_wipe_and_confirms() {
    let mut world = World::new();
    let phone = world.phone(Role::Field);
    let (_, sealed) = phone.note(world.space, "a");
    world.relay.revoke(phone.id).unwrap();
    let response = world.relay.sync(&phone.token, &phone.request()).unwrap();
    assert!(
        response.pages.is_empty() && response.spaces.is_empty(),
        "reads nothing"
    );
    assert_eq!(
        response.orders,
        [Order {
            number: 1,
            what: OrderKind::Wipe
        }]
    );
    assert_eq!(
        world.push(&phone, &[&sealed.envelope]),
        [Verdict::Held("revoked".into())]
    );
    let done = SyncRequest {
        done: vec![OrderDone { number: 1 }],
        ..phone.request()
    };
    assert_eq!(world.relay.sync(&phone.token, &done).unwrap().orders, []);
    assert_eq!(
        world
            .relay
            .sync(&phone.token, &phone.request())
            .unwrap_err(),
        Problem::DeviceRevoked
    );
    assert!(
        world.relay.release(sealed.proof.id()).unwrap(),
        "the office lets it in"
    );
    world.relay.merge_all().unwrap();
    assert_eq!(world.state(sealed.proof.id()), Verdict::Fed(1));
}

#[test]
fn a_restored_copy_goes_on_but_two_alternating_must_enrol_again() {
    let mut world = World::new();
    let mut phone = world.phone(Role::Field);
    world.pull(&phone, &[]);
    phone.instance = [2; 16];
    let (_, restored) = phone.note(world.space, "a");
    assert_eq!(
        world.feed(&phone, &restored),
        Verdict::Fed(1),
        "restored once: fine"
    );
    phone.instance = [1; 16];
    let response = world.pull(&phone, &[]);
    assert_eq!(
        response
            .orders
            .iter()
            .map(|o| o.what.clone())
            .collect::<Vec<_>>(),
        [OrderKind::EnrolAgain]
    );
    assert!(response.pages.is_empty());
    let (_, doubtful) = phone.note(world.space, "b");
    assert_eq!(
        world.push(&phone, &[&doubtful.envelope]),
        [Verdict::Held("review".into())]
    );
    let anew = world.enrol_request(&world.invite(phone.member), &phone.key);
    assert!(world.relay.enrol(&anew).is_ok());
}

#[test]
fn status_news_come_until_confirmed() {
    let mut world = World::new();
    let phone = world.phone(Role::Field);
    let (note, sealed) = phone.note(world.space, "a");
    world.feed(&phone, &sealed);
    world.later(5_000);
    world.relay.mark_seen(note.id).unwrap();
    world.relay.mark_seen(note.id).unwrap();
    let news = world.pull(&phone, &[]).status;
    assert_eq!(news.len(), 1, "once for each envelope");
    assert_eq!(
        (news[0].id, &news[0].status),
        (sealed.proof.id(), &Status::SeenByOffice(world.now()))
    );
    assert_eq!(world.pull(&phone, &[]).status, news);
    let confirmed = SyncRequest {
        status_seen: news[0].number,
        ..phone.request()
    };
    assert_eq!(
        world.relay.sync(&phone.token, &confirmed).unwrap().status,
        []
    );
    assert_eq!(world.pull(&phone, &[]).status, [], "forgotten");
}
