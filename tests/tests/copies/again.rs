//! What copies of a store make again.

use super::*;

#[test]
fn a_restored_copy_makes_nothing_again_before_what_its_other_self_sent_is_judged() {
    let mut world = world(1);
    let doc = note(&mut world, 2, "alku");
    world.pockets[2].back_up();
    world.pockets[2].restart();
    world
        .sync_now(2)
        .expect("delivers, and nothing is merged yet");
    world.pockets[2].restore(false);
    let report = world.sync_now(2).expect("syncs");
    assert!(report.more && report.replayed == 0, "{report:?}");
    merge(&world);
    world.sync_now(2).expect("syncs");
    merge(&world);
    world.sync_now(2).expect("syncs");
    merge(&world);
    assert_eq!(world.count(doc, 'k'), 1);
    let backlog = world.pockets[2].look().backlog().expect("reads");
    assert_eq!(backlog, Default::default());
}

#[test]
fn an_edit_two_copies_make_again_enters_the_record_once() {
    let mut world = world(2);
    let doc = note(&mut world, 2, "alku");
    world.sync_now(2).expect("syncs");
    merge(&world);
    world.sync_now(2).expect("syncs");
    let early = twin(&mut world, 2);
    write(&mut world, early, doc, 'y');
    world.sync_now(early).expect("syncs");
    merge(&world);
    // Sealed with no network, and copied like that.
    write(&mut world, 2, doc, 'x');
    let nobody = Line::new(None, None, world.pockets[2].id());
    let offline = world.pockets[2].device().sync(&nobody);
    assert!(matches!(offline, Err(DeviceError::Offline)));
    let late = twin(&mut world, 2);
    for _ in 0..4 {
        for number in [2, late, early] {
            let report = world.sync_now(number).expect("syncs");
            assert!(report.requests < 6, "{number}: {report:?}");
            merge(&world);
        }
    }
    assert_eq!((world.count(doc, 'x'), world.count(doc, 'y')), (1, 1));
    let heads = |n: usize| world.pockets[n].look().read(doc).expect("reads").version;
    assert_eq!(heads(2), heads(late));
    assert_eq!(heads(2), heads(early));
    for number in [2, late, early] {
        let backlog = world.pockets[number].look().backlog().expect("reads");
        assert_eq!(backlog, Default::default(), "{number}");
    }
}

/// A restored copy makes again what its backup had of an envelope that the relay has lost; another
/// device still has the whole of it, with what was written after the backup (storm 2094).
#[test]
fn an_envelope_that_a_restored_copy_made_again_only_in_part_is_kept_for_people() {
    let mut world = world(14);
    let doc = note(&mut world, 2, "alku");
    world.pockets[2].back_up();
    world.pockets[2].switch_on().expect("opens");
    write(&mut world, 2, doc, 'x');
    let snapshot = world.house().disk.files();
    world.house().switch_off();
    world.house().switch_on().expect("starts");
    world.sync_now(2).expect("syncs");
    merge(&world);
    world.sync_now(3).expect("syncs");
    assert_eq!(world.count(doc, 'x'), 1);

    go_back(&mut world, snapshot);
    world.pockets[2].restore(false);
    for _ in 0..4 {
        for number in [2, 3, 0, 1] {
            world.sync_now(number).expect("syncs");
            merge(&world);
        }
    }
    let record = world.relay().record();
    let heads = document::heads(record.store().conn(), doc).expect("reads");
    for pocket in &world.pockets {
        let theirs = document::heads(pocket.look().store().conn(), doc).expect("reads");
        assert_eq!(theirs, heads);
        assert_eq!(pocket.look().backlog().expect("reads"), Progress::default());
    }
    let kept = world.relay().quarantine(10).expect("reads");
    let letter = |row: &EnvelopeRow| row.doc == doc && row.changes == 2 && row.run.is_some();
    assert!(kept.iter().any(letter), "{kept:?}");
}

/// So many letters are saved, in no envelope yet, and copied like that; each copy makes them again under an epoch
/// of its own. How many are in the record then.
fn saved_before_the_copying(seed: u64, count: usize) -> usize {
    let mut world = world(seed);
    let doc = note(&mut world, 2, "alku");
    world.sync_now(2).expect("syncs");
    merge(&world);
    world.sync_now(2).expect("syncs");
    for _ in 0..count {
        write(&mut world, 2, doc, 'x');
    }
    world.pockets[2].back_up();
    for _ in 0..2 {
        world.pockets[2].restore(false);
        for _ in 0..3 {
            world.sync_now(2).expect("syncs");
            merge(&world);
        }
    }
    world.count(doc, 'x')
}

#[test]
fn a_change_saved_before_the_copying_enters_the_record_once_however_each_copy_seals_it() {
    assert_eq!(saved_before_the_copying(8, 1), 1);
}

/// More than one header can name.
#[test]
fn many_changes_saved_before_the_copying_enter_the_record_once() {
    assert_eq!(saved_before_the_copying(14, 300), 300);
}

/// Two copies sealed one change. The relay took the other's; then it came back from a backup in which it had
/// only this one's (storm 205996).
#[test]
fn own_work_that_the_relay_took_after_all_stays_though_a_copy_had_sealed_it_too() {
    let mut world = world(10);
    let before = world.house().disk.files();
    let doc = note(&mut world, 2, "alku");
    let other = twin(&mut world, 2);
    world
        .sync_now(2)
        .expect("delivers, and nothing is merged yet");
    let waiting = world.house().disk.files();
    go_back(&mut world, before);
    world.sync_now(other).expect("delivers");
    merge(&world);
    for number in [other, 2, 2, 0] {
        world.sync_now(number).expect("syncs");
    }
    write(&mut world, 2, doc, 'y');
    go_back(&mut world, waiting);
    merge(&world);
    for _ in 0..3 {
        for number in [2, 0] {
            world.sync_now(number).expect("syncs");
        }
        merge(&world);
    }
    for number in [2, 0] {
        let read = world.pockets[number].device().read(doc).expect("reads");
        assert_eq!(read.value["summary"], "alkuy", "device {number}");
    }
}

/// What a page only names of this device's own is in the record as much as what it brings: a copy that
/// counted on after it is given way to (storm 11530).
#[test]
fn a_copy_gives_way_to_a_fork_that_comes_together_with_what_it_builds_on() {
    let mut world = world(15);
    let doc = note(&mut world, 2, "alku");
    world.sync_now(2).expect("syncs");
    merge(&world);
    world.sync_now(2).expect("syncs");
    // Sealed with no network, and copied like that.
    write(&mut world, 2, doc, 'x');
    let nobody = Line::new(None, None, world.pockets[2].id());
    let offline = world.pockets[2].device().sync(&nobody);
    assert!(matches!(offline, Err(DeviceError::Offline)));
    let other = twin(&mut world, 2);
    world.sync_now(2).expect("delivers");
    merge(&world);
    // The relay loses what the first copy wrote then, and a third device brings it back.
    let snapshot = world.house().disk.files();
    write(&mut world, 2, doc, 'y');
    world.sync_now(2).expect("delivers");
    merge(&world);
    world.sync_now(3).expect("syncs");
    go_back(&mut world, snapshot);
    for _ in 0..3 {
        world.sync_now(3).expect("offers");
        merge(&world);
    }
    assert_eq!((world.count(doc, 'x'), world.count(doc, 'y')), (1, 1));
    write(&mut world, other, doc, 'z');
    for _ in 0..4 {
        for number in [other, 2, 3] {
            world.sync_now(number).expect("syncs");
            merge(&world);
        }
    }
    assert_eq!(world.count(doc, 'z'), 1);
    let heads = |n: usize| world.pockets[n].look().read(doc).expect("reads").version;
    assert_eq!(heads(other), heads(3));
    let aside = draft::quarantined(world.pockets[other].look().store().conn());
    assert_eq!(aside.expect("reads"), []);
}

/// What was saved here and came in a first sync, delivered by another copy, is one's own until its
/// signature is here too: the relay may lose it in between, and the other copy be gone.
#[test]
fn own_work_that_a_first_sync_brings_is_kept_if_the_relay_loses_it_before_its_signature_comes() {
    let mut world = world(16);
    let doc = note(&mut world, 2, "alku");
    world.sync_now(2).expect("syncs");
    merge(&world);
    world.sync_now(2).expect("syncs");
    let snapshot = world.house().disk.files();
    write(&mut world, 2, doc, 'x');
    world.pockets[2].back_up();
    world.pockets[2].switch_on().expect("opens");
    world.sync_now(2).expect("delivers");
    merge(&world);
    // The other copy is gone; this one has seen the document, and no signature yet.
    world.pockets[2].restore(false);
    back_to_first_sync(&mut world, 2);
    let line = InParts(Line::new(Some(world.relay()), None, world.pockets[2].id()));
    let mut device = world.pockets[2].second().expect("opens");
    let unsealed = |device: &Device| outbox::unsealed(device.store().conn(), doc).expect("reads");
    for _ in 0..20 {
        if !unsealed(&device).is_empty() {
            device.sync_for(&line, 1).expect("syncs");
        }
    }
    assert_eq!(unsealed(&device), []);
    let spaces = device.spaces().expect("reads");
    let within = |cursor: &sopu_core::wire::Cursor| cursor.first.is_some();
    assert!(spaces.iter().any(|s| s.cursor.as_ref().is_some_and(within)));
    drop(line);
    drop(device);
    world.pockets[2].restart();
    go_back(&mut world, snapshot);
    for _ in 0..3 {
        world.sync_now(2).expect("syncs");
        merge(&world);
    }
    assert_eq!(world.count(doc, 'x'), 1);
}
