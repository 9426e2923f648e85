//! Devices that are cut off, and spaces that are left.

use super::*;

#[test]
fn both_copies_of_a_store_are_told_to_enrol_again_without_spinning() {
    let mut world = world(3);
    let other = other_instance(&mut world, 2);
    world.sync_now(other).expect("syncs as the old one");
    for number in [2, other, 2, other] {
        let report = world.sync_now(number).expect("syncs");
        assert!(report.requests < 4, "{report:?}");
        assert!(
            world.pockets[number]
                .look()
                .must_enrol_again()
                .expect("reads")
        );
    }
}

#[test]
fn an_old_answer_does_not_bring_back_a_space_that_was_left() {
    let mut world = world(4);
    let (member, space) = (world.pockets[2].member, world.spaces[0]);
    let first = world.pockets[2].exchanges[0].clone();
    world.put_out(member, space);
    world.sync_now(2).expect("leaves");
    let here = |world: &Storm| world.pockets[2].look().spaces().expect("reads").len();
    assert_eq!(here(&world), 1);
    let mut report = SyncReport::default();
    let device = world.pockets[2].device();
    device
        .apply(&first.0, &first.1, &mut report)
        .expect("applies");
    assert_eq!(here(&world), 1);
}

#[test]
fn an_old_answer_does_not_bring_back_the_only_spaces_while_they_are_being_left() {
    let mut world = world(8);
    let spaces = world.spaces.clone();
    let first = world.pockets[2].exchanges[0].clone();
    note(&mut world, 2, "ei vielä perillä");
    let path = world.pockets[2].close();
    let mut store = Store::open(&path).expect("opens");
    let leave = |tx: &sopu_core::store::Tx<'_>| {
        let mut spaces = spaces.iter();
        spaces.try_for_each(|id| sopu_core::store::space::leave_space(tx, *id, 1))
    };
    store.write(leave).expect("writes");
    drop(store);
    world.pockets[2].restart();
    let mut report = SyncReport::default();
    let device = world.pockets[2].device();
    device
        .apply(&first.0, &first.1, &mut report)
        .expect("applies");
    let left = |s: &sopu_core::store::space::Space| s.left_ms.is_some();
    let spaces = world.pockets[2].look().spaces().expect("reads");
    assert!(spaces.iter().all(left), "{spaces:?}");
}

#[test]
fn a_space_left_while_there_is_no_cursor_of_it_leaves_the_device_too() {
    let mut world = world(9);
    let (member, space) = (world.pockets[2].member, world.spaces[0]);
    let doc = note(&mut world, 0, "salainen");
    world.sync_now(0).expect("syncs");
    merge(&world);
    world.sync_now(2).expect("syncs");
    assert!(world.pockets[2].look().read(doc).is_ok());
    // As when the feed names what only another copy of this store had: back to a first sync.
    let path = world.pockets[2].close();
    let mut store = Store::open(&path).expect("opens");
    store
        .write(|tx| sopu_core::store::space::clear_cursor(tx, space))
        .expect("writes");
    drop(store);
    world.pockets[2].restart();
    world.put_out(member, space);
    world.sync_now(2).expect("syncs");
    assert_eq!(world.pockets[2].look().spaces().expect("reads").len(), 1);
    assert_eq!(documents(&world, 2), 0);
}

#[test]
fn a_wiped_device_takes_nothing_in_and_its_second_copy_delivers_and_is_wiped_too() {
    let mut world = world(5);
    note(&mut world, 0, "alku");
    world.sync_now(0).expect("syncs");
    merge(&world);
    world.sync_now(2).expect("syncs");
    // The answer that first told this device of its spaces and their people.
    let first = world.pockets[2].exchanges[0].clone();
    let other = twin(&mut world, 2);
    let late = note(&mut world, other, "kopiossa");
    let id = world.pockets[2].id();
    world.relay().revoke(id).expect("revokes");
    assert!(world.sync_now(2).expect("syncs").wiped);
    let gone = world.sync_now(2).map(|_| ());
    assert!(gone.is_ok() || matches!(gone, Err(DeviceError::Refused { .. })));
    let mut report = SyncReport::default();
    let device = world.pockets[2].device();
    device
        .apply(&first.0, &first.1, &mut report)
        .expect("applies");
    assert_eq!(world.pockets[2].look().spaces().expect("reads"), []);
    assert_eq!(documents(&world, 2), 0);

    let report = world.sync_now(other).expect("delivers");
    assert!(report.wiped, "{report:?}");
    assert_eq!(documents(&world, other), 0);
    let kept = world.relay().quarantine(10).expect("reads");
    assert!(
        kept.iter().any(|row| row.doc == late),
        "what it held is kept"
    );
}

#[test]
fn a_copy_that_has_taken_nothing_in_yet_is_wiped_after_the_first_one_too() {
    let mut world = Storm::new(12);
    let other = twin(&mut world, 2);
    let late = note(&mut world, other, "kopiossa");
    let id = world.pockets[2].id();
    world.relay().revoke(id).expect("revokes");
    assert!(world.sync_now(2).expect("syncs").wiped);
    let _ = world.sync_now(2);
    let report = world.sync_now(other).expect("delivers");
    assert!(report.wiped, "{report:?}");
    assert_eq!(documents(&world, other), 0);
    let kept = world.relay().quarantine(10).expect("reads");
    assert!(kept.iter().any(|row| row.doc == late));
}

/// The disk of a second copy, which stands in no space yet, is full just when it is to be wiped. To
/// the relay it looks as empty as the first one, which has been wiped (storm 3627).
#[test]
fn a_copy_that_stands_in_no_space_and_could_not_be_wiped_at_once_is_wiped_later() {
    let mut broken_off = 0;
    for room in 0..40 {
        let mut world = Storm::new(12);
        let other = twin(&mut world, 2);
        let late = note(&mut world, other, "kopiossa");
        let id = world.pockets[2].id();
        world.relay().revoke(id).expect("revokes");
        assert!(world.sync_now(2).expect("syncs").wiped);
        let _ = world.sync_now(2);
        world.pockets[other].disk.fill(room, u64::MAX);
        let full = world.sync_now(other).is_err();
        world.pockets[other].disk.mend();
        let backlog = world.pockets[other].look().backlog().expect("reads");
        let delivered = backlog.unsealed + backlog.sealed == 0;
        broken_off += u32::from(full && delivered && documents(&world, other) > 0);
        for _ in 0..3 {
            let done = world.sync_now(other).map(|_| ());
            assert!(done.is_ok() || matches!(done, Err(DeviceError::Refused { .. })));
        }
        assert_eq!(documents(&world, other), 0, "after {room} writes");
        let kept = world.relay().quarantine(10).expect("reads");
        assert!(kept.iter().any(|row| row.doc == late));
    }
    assert!(broken_off > 0, "never between delivery and wipe");
}

/// Whoever has the device keeps what is on it for as long as one envelope is on its way.
#[test]
fn what_the_relay_never_takes_does_not_keep_a_cut_off_device_from_being_wiped() {
    let mut world = world(14);
    let odd = note(&mut world, 2, "outo");
    let plain = note(&mut world, 2, "tavallinen");
    let id = world.pockets[2].id();
    world.relay().revoke(id).expect("revokes");
    let line = PutsOff {
        line: Line::new(Some(world.relay()), None, id),
        doc: odd,
        requests: AtomicU32::new(0),
    };
    let mut device = world.pockets[2].second().expect("opens");
    let mut report = SyncReport::default();
    for _ in 0..3 {
        if !report.wiped {
            report = device.sync(&line).expect("syncs");
        }
    }
    assert_eq!((report.wiped, report.left_out), (true, 1), "{report:?}");
    let requests = line.requests.load(Ordering::SeqCst);
    assert!(requests > 3, "given up after {requests} requests");
    drop(line);
    drop(device);
    let kept = world.relay().quarantine(10).expect("reads");
    let kept = |doc| kept.iter().any(|row| row.doc == doc);
    assert_eq!((kept(odd), kept(plain)), (false, true));
}

#[test]
fn a_restored_copy_of_a_device_that_was_cut_off_hands_over_its_work_and_is_wiped() {
    let mut world = world(9);
    let doc = note(&mut world, 2, "alku");
    world.sync_now(2).expect("syncs");
    merge(&world);
    world.sync_now(2).expect("syncs");
    world.pockets[2].back_up();
    world.pockets[2].switch_on().expect("opens");
    let id = world.pockets[2].id();
    world.relay().revoke(id).expect("revokes");
    assert!(world.sync_now(2).expect("syncs").wiped);
    world.pockets[2].restore(false);
    write(&mut world, 2, doc, 'y');
    let report = world.sync_now(2).expect("delivers");
    assert!(report.wiped, "{report:?}");
    assert_eq!(documents(&world, 2), 0);
    let kept = world.relay().quarantine(10).expect("reads");
    assert!(kept.iter().any(|row| row.doc == doc), "its work is kept");
}

/// Its copy had delivered the same change, so the relay refused this one's: nothing is left to make
/// again, and no page will ever say so (storm 10544).
#[test]
fn a_device_cut_off_within_a_first_sync_that_brought_what_was_refused_is_wiped() {
    let mut world = world(13);
    note(&mut world, 0, "ennen");
    world.sync_now(0).expect("delivers");
    let doc = note(&mut world, 2, "alku");
    let other = twin(&mut world, 2);
    world.sync_now(other).expect("delivers");
    for _ in 0..3 {
        note(&mut world, 0, "jälkeen");
    }
    world.sync_now(0).expect("delivers");
    merge(&world);
    back_to_first_sync(&mut world, 2);
    let line = InParts(Line::new(Some(world.relay()), None, world.pockets[2].id()));
    let mut device = world.pockets[2].second().expect("opens");
    // Until the signature of its copy's envelope is here, before those of others.
    let emptied = |device: &Device| {
        let conn = device.store().conn();
        let own = outbox::unsettled(conn, Some(doc)).expect("reads");
        let own = own
            .iter()
            .find(|e| matches!(e.state, outbox::State::Final(_)));
        own.is_some_and(|e| outbox::changes_of(conn, e.id).expect("reads").is_empty())
    };
    for _ in 0..30 {
        if !emptied(&device) {
            device.sync_for(&line, 1).expect("syncs");
        }
    }
    assert!(emptied(&device));
    let spaces = device.spaces().expect("reads");
    let within = |cursor: &sopu_core::wire::Cursor| cursor.first.is_some();
    assert!(spaces.iter().any(|s| s.cursor.as_ref().is_some_and(within)));
    drop(line);
    drop(device);
    let id = world.pockets[2].id();
    world.relay().revoke(id).expect("revokes");
    let report = world.sync_now(2).expect("syncs");
    assert!(report.wiped, "{report:?}");
    assert_eq!(documents(&world, 2), 0);
    assert!(world.relay().record().store().document(doc).is_ok());
}
