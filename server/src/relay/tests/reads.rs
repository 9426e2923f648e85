//! Reads on devices become rows of the access log: once, and only what can be true.

use sopu_core::id::DocId;
use sopu_core::wire::{DocRead, Verdict, limits};
use uuid::Uuid;

use super::world::{DAY, Phone, START_MS, World};
use crate::access::Role;
use crate::access::log::{self, Entry};
use crate::api::Problem;
use crate::relay::reads::READ_ON_DEVICE;

const HOUR: i64 = 3_600_000;

fn tell(world: &World, phone: &Phone, reads: &[(DocId, i64)]) -> Option<u32> {
    let mut request = phone.request();
    let read = |(doc, at_ms): &(DocId, i64)| DocRead {
        doc: *doc,
        at_ms: *at_ms,
    };
    request.reads = Some(reads.iter().map(read).collect());
    world.relay.sync(&phone.token, &request).unwrap().reads
}

fn rows(world: &World, doc: DocId) -> Vec<Entry> {
    assert_eq!(log::verify(&world.db).unwrap(), None, "the chain holds");
    let rows = log::of_document(&world.db, doc, 100_000).unwrap();
    rows.into_iter()
        .filter(|row| row.action == READ_ON_DEVICE)
        .collect()
}

fn note(world: &World, phone: &Phone) -> DocId {
    let (note, sealed) = phone.note(world.space, "a");
    assert!(matches!(world.feed(phone, &sealed), Verdict::Fed(_)));
    note.id
}

#[test]
fn a_read_is_a_row_once_however_often_it_is_told_and_says_when_and_by_whom() {
    let mut world = World::new();
    let (writer, reader) = (world.phone(Role::Field), world.phone(Role::Reader));
    let doc = note(&world, &writer);
    let now = START_MS + 10 * DAY;
    world.later(10 * DAY);
    let at = now - 5 * DAY;
    for _ in 0..3 {
        assert_eq!(
            tell(&world, &reader, &[(doc, at), (doc, at - 2 * HOUR)]),
            Some(2)
        );
    }
    assert_eq!(
        tell(&world, &reader, &[(doc, at + 1)]),
        Some(1),
        "the same hour"
    );
    let said = rows(&world, doc);
    let times: Vec<i64> = said.iter().map(|row| row.at_ms).collect();
    assert_eq!(times, [at, at - 2 * HOUR]);
    let row = &said[0];
    assert_eq!(
        (row.member, row.space),
        (Some(reader.member), Some(world.space))
    );
    let reason = format!("device {}, told 2026-12-02T12:00:00Z", reader.id);
    assert_eq!(row.reason, Some(reason));
    assert_eq!(tell(&world, &writer, &[(doc, at)]), Some(1));
    assert_eq!(rows(&world, doc).len(), 3, "another person");
    assert_eq!(
        world.pull(&reader, &[]).reads,
        None,
        "nothing told, nothing said"
    );
}

#[test]
fn nothing_is_believed_of_what_is_not_theirs_or_of_no_time_that_was() {
    let mut world = World::new();
    let (writer, reader) = (world.phone(Role::Field), world.phone(Role::Reader));
    let doc = note(&world, &writer);
    let (member, elsewhere) = (world.person(), world.second_space());
    world.grant(elsewhere, member, Role::Owner, None);
    let stranger = world.phone_of(member);
    let unknown = DocId(Uuid::from_u128(9));
    assert_eq!(
        tell(&world, &stranger, &[(doc, START_MS), (unknown, START_MS)]),
        Some(2)
    );
    assert_eq!(tell(&world, &reader, &[(unknown, START_MS)]), Some(1));
    assert_eq!(rows(&world, doc), []);
    let nowhere = rows(&world, unknown);
    assert!(nowhere.len() == 2 && nowhere.iter().all(|row| row.space.is_none()));
    let now = START_MS + 500 * DAY;
    world.later(500 * DAY);
    for (told, taken) in [
        (i64::MAX, now),
        (now + HOUR, now),
        (i64::MIN, now - 400 * DAY),
    ] {
        tell(&world, &reader, &[(doc, told)]);
        assert!(
            rows(&world, doc).iter().any(|row| row.at_ms == taken),
            "{told}"
        );
    }
    assert_eq!(rows(&world, doc).len(), 2);
}

/// The mark was taken and thrown away: the document came back one request later, its reader never did.
#[test]
fn what_was_read_is_told_of_a_document_that_the_relay_has_lost_for_the_moment() {
    let mut world = World::new();
    let (writer, reader) = (world.phone(Role::Field), world.phone(Role::Reader));
    let mut world = world.backup();
    let (lost, sealed) = writer.note(world.space, "a");
    world.feed(&writer, &sealed);
    world = world.restore();
    assert_eq!(tell(&world, &reader, &[(lost.id, START_MS)]), Some(1));
    world.feed(&writer, &sealed);
    let mut found = Vec::new();
    log::within(&world.db, world.space, (0, i64::MAX), &mut |entry| {
        found.push((entry.action, entry.member));
        true
    })
    .unwrap();
    assert!(
        found.contains(&(READ_ON_DEVICE.to_owned(), Some(reader.member))),
        "{found:?}"
    );
}

#[test]
fn more_than_a_request_or_a_day_holds_is_not_taken_and_can_be_told_later() {
    let mut world = World::new();
    let phone = world.phone(Role::Field);
    let doc = note(&world, &phone);
    let all: Vec<(DocId, i64)> = (0..9 * limits::READS as i64)
        .map(|n| (doc, START_MS - n * HOUR))
        .collect();
    let mut request = phone.request();
    let too_many = all[..=limits::READS].iter();
    request.reads = Some(
        too_many
            .map(|(doc, at_ms)| DocRead {
                doc: *doc,
                at_ms: *at_ms,
            })
            .collect(),
    );
    let refused = world.relay.sync(&phone.token, &request);
    assert!(matches!(refused, Err(Problem::TooMany)));
    assert_eq!(rows(&world, doc), []);
    let parts: Vec<_> = all.chunks(limits::READS).collect();
    for part in &parts[..8] {
        assert_eq!(tell(&world, &phone, part), Some(1_024));
    }
    assert_eq!(tell(&world, &phone, parts[8]), Some(0), "enough for a day");
    world.later(DAY);
    assert_eq!(tell(&world, &phone, parts[8]), Some(1_024));
    assert_eq!(rows(&world, doc).len(), 9 * limits::READS);
}

#[test]
fn who_is_cut_off_or_out_can_still_say_what_was_read() {
    let mut world = World::new();
    let (writer, reader) = (world.phone(Role::Field), world.phone(Role::Reader));
    let doc = note(&world, &writer);
    world.remove(world.space, reader.member);
    world.relay.revoke(reader.id).unwrap();
    assert_eq!(tell(&world, &reader, &[(doc, START_MS)]), Some(1));
    assert_eq!(rows(&world, doc).len(), 1);
}

#[test]
fn a_read_of_what_was_erased_since_is_a_row_too() {
    let mut world = World::new();
    let phone = world.phone(Role::Field);
    let doc = note(&world, &phone);
    world.relay.erase(doc, "request").unwrap();
    assert_eq!(tell(&world, &phone, &[(doc, START_MS)]), Some(1));
    assert_eq!(rows(&world, doc).len(), 1);
}
