//! A note was moved after the backup that is put back: nobody loses the last copy of it, and in the end there
//! is one.

use serde_json::{Value, json};
use sopu_core::device::DeviceError;
use sopu_core::documents::Kind;
use sopu_core::documents::visit_note::moved::{Destination, moved};
use sopu_core::id::{DocId, MemberId, SpaceId};
use sopu_core::read::version;
use sopu_core::save::save;
use sopu_core::store::StoreError;
use sopu_core::time::Env;
use sopu_server::access::erasures;
use sopu_server::access::roles::Role;
use sopu_server::backup;
use sopu_tests::{Phone, World};

use super::disk_lost::disk_lost;

/// The note on the wrong client, what it became, and who has which.
struct Story {
    world: World,
    /// Wrote it, and has not heard that it is erased.
    writer: Phone,
    /// Was told.
    told: Phone,
    /// Of the right client.
    right: Phone,
    old: DocId,
    new: DocId,
    off_ms: i64,
}

/// Moved at the office after the backup, and then the disk is lost; `seen`: by a device of the right client.
fn story(seen: bool, keep_ledger: bool) -> Story {
    let mut world = World::new();
    let spaces: [SpaceId; 2] = ["Koivula", "Mäntylä"].map(|name| world.space(name));
    let [wrong_member, right_member, office] = [
        world.member("Aino", Role::Field, &spaces[..1]),
        world.member("Petri", Role::Field, &spaces[1..]),
        world.member("Liisa", Role::Owner, &spaces),
    ];
    let mut writer = world.phone("writer", wrong_member);
    let mut told = world.phone("told", wrong_member);
    let mut right = world.phone("right", right_member);
    let old = writer.note(spaces[0], json!({"summary": "Kaatui portaissa"}));
    for phone in [&mut writer, &mut told, &mut right] {
        phone.sync(&world);
        world.settle();
    }
    told.sync(&world);
    // A relay that lost its ledger too knows only who was there before.
    office_write(&world, office, spaces[1], &json!({"summary": "Toinen"}));
    let backup = world.folder().join("backup");
    backup::take(world.data(), &backup, &*world.clock, &mut |_, _| {}).expect("is taken");

    let to = Destination {
        subject: None,
        contract: None,
    };
    let value = moved(
        old,
        &writer.read(old).value,
        &to,
        office,
        world.clock.now_ms(),
    );
    let new = office_write(&world, office, spaces[1], &value);
    if seen {
        right.sync(&world);
    }
    world.admin(|db| erasures::wish_moved(db, old, new).expect("asks"));
    world.settle();
    assert!(!is_at_relay(&world, old) && is_at_relay(&world, new));
    told.sync(&world);
    assert!(is_erased(&mut told, old));
    disk_lost(&mut world, &backup, keep_ledger);
    Story {
        world,
        writer,
        told,
        right,
        old,
        new,
        off_ms: 0,
    }
}

fn office_write(world: &World, member: MemberId, space: SpaceId, value: &Value) -> DocId {
    let doc = DocId::mint(&*world.clock);
    let written = world
        .relay()
        .office_write(member, space, doc, Kind::VisitNote, |am, ctx| {
            let heads = version(am);
            save(am, Kind::VisitNote, &heads, value, ctx).map(|_| ())
        });
    written.expect("writes");
    doc
}

fn is_at_relay(world: &World, doc: DocId) -> bool {
    world.relay().record().store().document(doc).is_ok()
}

fn is_erased(phone: &mut Phone, doc: DocId) -> bool {
    let read = phone.device().read(doc);
    matches!(read, Err(DeviceError::Store(StoreError::Erased(_))))
}

impl Story {
    /// Everyone syncs each minute, for a few; those of the right client only if they are `there`.
    fn minutes(&mut self, there: bool) {
        for _ in 0..3 {
            let right = there.then_some(&mut self.right);
            for phone in [&mut self.writer, &mut self.told].into_iter().chain(right) {
                phone.sync(&self.world);
                self.world.settle();
            }
            self.off_ms += 61_000;
            self.world.clock.set_off(self.off_ms);
            self.world.settle();
        }
    }
}

#[test]
fn a_note_that_was_moved_where_only_the_relay_saw_it_keeps_its_last_copy() {
    for keep_ledger in [true, false] {
        let mut story = story(false, keep_ledger);
        let old = story.old;
        story.minutes(true);
        assert!(!is_at_relay(&story.world, story.new), "lost for good");
        assert!(is_at_relay(&story.world, old), "ledger kept: {keep_ledger}");
        assert_eq!(story.writer.read(old).value["summary"], "Kaatui portaissa");
        assert!(is_erased(&mut story.told, old));
        // It is as any other: what is written on it comes to the relay.
        story.writer.edit(old, json!({"outcome": "partial"}));
        story.minutes(true);
        let record = story.world.relay().record();
        let loaded = record.store().document(old).expect("is there");
        let value = sopu_core::read::read(&loaded.am, loaded.kind).value;
        assert_eq!(value["outcome"], "partial");
    }
}

#[test]
fn a_note_that_was_moved_goes_again_once_a_device_brings_what_it_became() {
    for keep_ledger in [true, false] {
        let mut story = story(true, keep_ledger);
        let (old, new) = (story.old, story.new);
        story.minutes(false);
        assert!(is_at_relay(&story.world, old) && !is_at_relay(&story.world, new));
        assert_eq!(story.writer.read(old).value["summary"], "Kaatui portaissa");
        story.minutes(true);
        assert!(is_at_relay(&story.world, new), "ledger kept: {keep_ledger}");
        assert!(
            !is_at_relay(&story.world, old),
            "ledger kept: {keep_ledger}"
        );
        assert_eq!(story.right.read(new).value["summary"], "Kaatui portaissa");
        for phone in [&mut story.writer, &mut story.told] {
            assert!(is_erased(phone, old));
        }
        let findings = sopu_server::check::check(story.world.data()).findings;
        assert!(findings.is_empty(), "{findings:?}");
    }
}
