//! What storms brought to light, each as the shortest story that showed it: copies of a store,
//! wipes, late answers, and a relay that puts one envelope off.

#![expect(clippy::expect_used, reason = "a test")]

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::json;
use sopu_core::device::documents::Opened;
use sopu_core::device::{Device, DeviceError, SyncReport};
use sopu_core::documents::Kind;
use sopu_core::envelope::{Envelope, encode};
use sopu_core::id::DocId;
use sopu_core::store::outbox::Progress;
use sopu_core::store::{Store, document, draft, meta, outbox, purge, view};
use sopu_core::sync::outgoing::Outgoing;
use sopu_core::transport::{Post, Reply, Transport, TransportError};
use sopu_core::wire::{SyncRequest, SyncResponse, Verdict};
use sopu_server::relay::{DATABASE, LEDGER};
use sopu_server::store::EnvelopeRow;
use sopu_tests::disk::{Files, Io};
use sopu_tests::storm::Storm;
use sopu_tests::storm::line::Line;

/// A calm world of two spaces in which all four devices have synced.
fn world(seed: u64) -> Storm {
    let mut world = Storm::new(seed);
    for number in 0..4 {
        world.sync_now(number).expect("syncs");
    }
    world
}

fn note(world: &mut Storm, number: usize, text: &str) -> DocId {
    let space = world.spaces[0];
    let device = world.pockets[number].device();
    let value = json!({"summary": text});
    device
        .create(space, Kind::VisitNote, &value)
        .expect("creates")
        .0
}

fn write(world: &mut Storm, number: usize, doc: DocId, letter: char) {
    let device = world.pockets[number].device();
    let mut opened = device.read(doc).expect("reads");
    let text = opened.value["summary"].as_str().unwrap_or_default();
    opened.value["summary"] = json!(format!("{text}{letter}"));
    device
        .save(doc, &opened.version, &opened.value)
        .expect("saves");
}

fn twin(world: &mut Storm, number: usize) -> usize {
    let at = world.pockets.len();
    let folder = world.folder().join(format!("twin-{at}"));
    let machine = world.machine();
    let twin = world.pockets[number].twin(&folder, machine);
    world.pockets.push(twin);
    at
}

/// A copy that goes on as the device was, beside it as a new instance, by which the relay can tell them apart.
fn other_instance(world: &mut Storm, number: usize) -> usize {
    let other = twin(world, number);
    world.pockets[number].back_up();
    world.pockets[number].restart();
    world.pockets[number].restore(false);
    world.sync_now(number).expect("syncs as a new instance");
    other
}

/// Forgets how far the first space is here, as a store does that was mended.
fn back_to_first_sync(world: &mut Storm, number: usize) {
    let space = world.spaces[0];
    let path = world.pockets[number].close();
    let mut store = Store::open(&path).expect("opens");
    store
        .write(|tx| sopu_core::store::space::clear_cursor(tx, space))
        .expect("writes");
    drop(store);
    world.pockets[number].restart();
}

/// One request and its answer, then no signal.
fn sync_once(world: &mut Storm, number: usize) -> SyncReport {
    let line = Line::new(Some(world.relay()), None, world.pockets[number].id());
    let mut device = world.pockets[number].second().expect("opens");
    let report = device.sync_for(&line, 1).expect("syncs");
    drop(line);
    drop(device);
    world.pockets[number].restart();
    report
}

fn merge(world: &Storm) {
    world.relay().merge_all().expect("merges");
}

/// Puts the relay's database back to what it was, beside the ledger of now.
fn go_back(world: &mut Storm, database: Files) {
    world.house().switch_off();
    let mut files = world.house().disk.files();
    files.retain(|name, _| name == LEDGER);
    let database = database
        .into_iter()
        .filter(|(name, _)| name.starts_with(DATABASE));
    files.extend(database);
    world.house().disk.put_files(&files);
    world.house().switch_on().expect("starts");
}

fn documents(world: &Storm, number: usize) -> usize {
    let conn = world.pockets[number].look().store().conn();
    document::ids(conn, None, None, 100).expect("reads").len()
}

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
fn an_overtaken_answer_does_not_begin_a_first_sync_that_puts_a_space_far_back() {
    let mut world = world(10);
    let doc = note(&mut world, 0, "alku");
    world.sync_now(0).expect("syncs");
    merge(&world);
    back_to_first_sync(&mut world, 2);
    world.sync_now(2).expect("syncs");
    let begins = |exchange: &(Outgoing, SyncResponse)| {
        let mut pages = exchange.1.pages.iter();
        pages.any(|page| page.from.is_none() && !page.packs.is_empty())
    };
    let exchanges = &world.pockets[2].exchanges;
    let early = exchanges.iter().rfind(|e| begins(e)).expect("is one");
    let early = early.clone();
    write(&mut world, 0, doc, 'x');
    world.sync_now(0).expect("syncs");
    merge(&world);
    world.sync_now(2).expect("takes in what came after");
    back_to_first_sync(&mut world, 2);
    let mut report = SyncReport::default();
    let device = world.pockets[2].device();
    device
        .apply(&early.0, &early.1, &mut report)
        .expect("applies");
    let spaces = world.pockets[2].look().spaces().expect("reads");
    assert!(spaces.iter().any(|space| space.cursor.is_none()));
    world.sync_now(2).expect("begins anew");
    assert_eq!(world.count(doc, 'x'), 1);
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
fn a_disk_that_fails_once_leaves_no_document_out_of_the_record() {
    let mut world = world(11);
    let mut failed = 0;
    for n in 0..160 {
        let doc = note(&mut world, 0, "alku");
        world.sync_now(0).expect("syncs");
        // With nothing of its files in memory.
        world.house().switch_off();
        world.house().switch_on().expect("starts");
        world.house().disk.fail_at(Io::Read, n);
        failed += u32::from(world.relay().merge_all().is_err());
        world.house().disk.mend();
        merge(&world);
        let there = world.relay().record().store().document(doc).is_ok();
        assert!(there, "after {n} reads");
    }
    assert!(failed > 20, "{failed} times");
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

/// A relay that does not know a kind yet: it puts off every envelope of one document.
struct PutsOff<'w> {
    line: Line<'w>,
    doc: DocId,
    requests: AtomicU32,
}

impl Transport for PutsOff<'_> {
    fn post(&self, post: Post) -> Result<Reply, TransportError> {
        self.requests.fetch_add(1, Ordering::SeqCst);
        let plain = match post.encoding {
            Some(_) => sopu_core::compress::decompress(&post.body, 1 << 24).expect("unpacks"),
            None => post.body.clone(),
        };
        let mut request: SyncRequest = minicbor::decode(&plain).expect("reads");
        let put_off: Vec<bool> = request
            .push
            .iter()
            .map(|bytes| {
                let envelope: Envelope = minicbor::decode(bytes).expect("reads");
                sopu_core::envelope::decode::<sopu_core::envelope::Header>(&envelope.header)
                    .is_some_and(|header| header.doc == self.doc)
            })
            .collect();
        let mut taken = put_off.iter();
        request.push.retain(|_| !taken.next().expect("one each"));
        let reply = self.line.post(Post {
            body: encode(&request),
            encoding: None,
            ..post
        })?;
        let mut response: SyncResponse = minicbor::decode(&reply.body).expect("reads");
        let mut answers = std::mem::take(&mut response.answers).into_iter();
        response.answers = put_off
            .iter()
            .map(|off| match off {
                true => Verdict::Refused("kind_unknown".into()),
                false => answers.next().expect("one each"),
            })
            .collect();
        let body = encode(&response);
        Ok(Reply { body, ..reply })
    }
}

#[test]
fn an_envelope_the_relay_puts_off_is_not_sent_over_and_over_and_delays_no_other() {
    let mut world = world(6);
    let odd = note(&mut world, 2, "outo");
    let plain = note(&mut world, 2, "tavallinen");
    let line = PutsOff {
        line: Line::new(Some(world.relay()), None, world.pockets[2].id()),
        doc: odd,
        requests: AtomicU32::new(0),
    };
    // The world lends the relay to the line, so the device is opened beside it.
    let mut device = world.pockets[2].second().expect("opens");
    let report = device.sync(&line).expect("syncs");
    assert_eq!(report.acknowledged, 1);
    let requests = line.requests.load(Ordering::SeqCst);
    assert!(requests < 5, "{requests} requests");
    let stage = |doc| device.progress(doc).expect("reads");
    assert_eq!((stage(odd).sealed, stage(plain).sealed), (1, 0));
    drop(line);
    drop(device);
    assert_eq!(
        world.sync_now(2).expect("syncs").acknowledged,
        1,
        "taken in the end"
    );
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
fn opening_finishes_a_purge_that_was_broken_off_and_rebuilds_old_views() {
    let mut world = world(7);
    let (kept, gone) = (note(&mut world, 2, "jää"), note(&mut world, 2, "poistuu"));
    let space = world.spaces[0];
    let path = world.pockets[2].close();
    let mut store = Store::open(&path).expect("opens");
    store
        .write(|tx| {
            purge::purge(
                tx,
                &purge::Erased {
                    doc: gone,
                    space,
                    reason: "ordered".into(),
                    at_ms: 1,
                },
            )?;
            meta::set_number(tx, "view_generation", 0)?;
            tx.execute("DELETE FROM view", [])?;
            Ok(())
        })
        .expect("writes");
    assert!(store.scrub_due().expect("reads"));
    drop(store);
    world.pockets[2].restart();
    let store = world.pockets[2].look().store();
    assert!(!store.scrub_due().expect("reads"));
    assert!(view::current(store.conn()).expect("reads"));
    assert!(view::get(store.conn(), kept).expect("reads").is_some());
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

/// A line on which every page has the least there can be in one.
struct InParts<'w>(Line<'w>);

impl Transport for InParts<'_> {
    fn post(&self, post: Post) -> Result<Reply, TransportError> {
        let plain = match post.encoding {
            Some(_) => sopu_core::compress::decompress(&post.body, 1 << 24).expect("unpacks"),
            None => post.body.clone(),
        };
        let mut request: SyncRequest = minicbor::decode(&plain).expect("reads");
        request.max_bytes = 1;
        self.0.post(Post {
            body: encode(&request),
            encoding: None,
            ..post
        })
    }
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

/// A device whose document has an edit as it was made and as it was made again, until the relay has
/// chosen; and a copy of it.
fn with_both_forms(world: &mut Storm) -> (DocId, usize) {
    let doc = note(world, 2, "0");
    world.sync_now(2).expect("syncs");
    merge(world);
    world.sync_now(2).expect("syncs");
    let other = twin(world, 2);
    let set = |world: &mut Storm, number: usize, form: &Opened, field: &str, text: &str| {
        let mut value = form.value.clone();
        value[field] = json!(text);
        let saved = world.pockets[number]
            .device()
            .save(doc, &form.version, &value);
        saved.expect("saves");
    };
    let form = world.pockets[2].look().read(doc).expect("reads");
    set(world, other, &form, "route_from", "koti");
    world.sync_now(other).expect("delivers");
    merge(world);
    // One edit is sealed that the relay must refuse as a fork, and beside it, from a form opened before,
    // one it takes.
    set(world, 2, &form, "km", "7");
    let nobody = Line::new(None, None, world.pockets[2].id());
    let offline = world.pockets[2].device().sync(&nobody);
    assert!(matches!(offline, Err(DeviceError::Offline)));
    set(world, 2, &form, "summary", "0x");
    // In a first sync nothing says yet that it did: both are made again.
    back_to_first_sync(world, 2);
    assert_eq!(sync_once(world, 2).rejected, 1);
    assert_eq!(sync_once(world, 2).replayed, 2);
    assert_eq!(sync_once(world, 2).acknowledged, 1);
    merge(world);
    // What was written since waits for its answer, while the other one comes back.
    write(world, 2, doc, 'b');
    sync_once(world, 2);
    (doc, other)
}

fn settle(world: &mut Storm, copies: [usize; 2]) {
    for _ in 0..4 {
        for number in copies {
            world.sync_now(number).expect("syncs");
            merge(world);
        }
    }
}

/// While a document has an edit as it was made and as it was made again, a form shows both. What is
/// written there is the letter that was typed, and not once more what the form showed (storm 40023).
#[test]
fn what_is_written_beside_an_edit_that_came_back_after_it_was_made_again_is_written_once() {
    let mut world = world(17);
    let (doc, other) = with_both_forms(&mut world);
    let shown = world.pockets[2].look().read(doc).expect("reads").value;
    let shown = shown["summary"].as_str().expect("a text");
    assert_eq!(shown.matches('x').count(), 2, "{shown}");
    write(&mut world, 2, doc, 'z');
    settle(&mut world, [2, other]);
    for letter in "0bxz".chars() {
        assert_eq!(world.count(doc, letter), 1, "{letter}");
    }
}

/// Nor is it by a form that was opened then and is saved when one of the two is gone: it reads again.
#[test]
fn a_form_that_showed_an_edit_as_made_and_as_made_again_reads_anew_when_one_is_gone() {
    let mut world = world(18);
    let (doc, other) = with_both_forms(&mut world);
    let mut form = world.pockets[2].look().read(doc).expect("reads");
    let shown = form.value["summary"].as_str().expect("a text");
    form.value["summary"] = json!(format!("{shown}z"));
    settle(&mut world, [2, other]);
    let saved = world.pockets[2]
        .device()
        .save(doc, &form.version, &form.value);
    assert!(matches!(saved, Err(DeviceError::Stale)), "{saved:?}");
    write(&mut world, 2, doc, 'z');
    settle(&mut world, [2, other]);
    assert_eq!((world.count(doc, 'x'), world.count(doc, 'z')), (1, 1));
}

/// A line on which another device syncs just before this one's first offers arrive.
struct Meanwhile<'w> {
    line: Line<'w>,
    other: Mutex<Option<(Device, Line<'w>)>>,
}

impl Transport for Meanwhile<'_> {
    fn post(&self, post: Post) -> Result<Reply, TransportError> {
        let plain = match post.encoding {
            Some(_) => sopu_core::compress::decompress(&post.body, 1 << 24).expect("unpacks"),
            None => post.body.clone(),
        };
        let request: SyncRequest = minicbor::decode(&plain).expect("reads");
        let mut other = self.other.lock().expect("is whole");
        if let Some((mut device, line)) = other.take_if(|_| !request.offers.is_empty()) {
            device.sync(&line).expect("syncs");
        }
        self.line.post(post)
    }
}

/// The relay came back without what only one of two copies has, and finds out that there are two when that one
/// offers it: it is to enrol again first, and what it offered is not refused for good.
#[test]
fn what_a_copy_offered_before_it_enrolled_again_is_offered_again() {
    let mut world = world(11);
    let other = other_instance(&mut world, 2);
    let before = world.house().disk.files();
    let doc = note(&mut world, 2, "alku");
    for _ in 0..2 {
        world.sync_now(2).expect("syncs");
        merge(&world);
    }
    go_back(&mut world, before);
    // The other copy's request comes between hearing what is lost and offering it.
    let line = |number: usize| Line::new(Some(world.relay()), None, world.pockets[number].id());
    let twin = world.pockets[other].second().expect("opens");
    let meanwhile = Meanwhile {
        line: line(2),
        other: Mutex::new(Some((twin, line(other)))),
    };
    let mut device = world.pockets[2].second().expect("opens");
    device.sync(&meanwhile).expect("syncs");
    assert!(meanwhile.other.lock().expect("is whole").is_none());
    drop(meanwhile);
    drop(device);
    world.pockets[2].restart();
    assert!(world.pockets[2].look().must_enrol_again().expect("reads"));
    world.enrol_if_told(2);
    for _ in 0..3 {
        for number in [2, 0] {
            world.sync_now(number).expect("syncs");
            merge(&world);
        }
    }
    let read = world.pockets[0].device().read(doc).expect("reads");
    assert_eq!(read.value["summary"], "alku");
}

/// A copy that enrolled again brings work it had signed under its old name, which waits for a decision: it hears
/// that under its new one.
#[test]
fn a_copy_that_enrolled_again_hears_what_became_of_the_work_of_its_old_name() {
    let mut world = world(12);
    let other = other_instance(&mut world, 2);
    world.sync_now(other).expect("syncs");
    let doc = note(&mut world, 2, "alku");
    world.sync_now(2).expect("syncs");
    let held = |world: &Storm| world.pockets[2].look().backlog().expect("reads").held;
    assert_eq!(held(&world), 1);
    world.enrol_if_told(2);
    world.sync_now(2).expect("syncs");
    assert_eq!(held(&world), 1);
    let conn = world.pockets[2].look().store().conn();
    let id = outbox::unsettled(conn, Some(doc)).expect("reads")[0].id;
    assert!(world.relay().drop_held(id).expect("drops"));
    for _ in 0..3 {
        world.sync_now(2).expect("syncs");
        merge(&world);
    }
    assert_eq!(held(&world), 0);
    let conn = world.pockets[2].look().store().conn();
    let drafts = draft::drafts(conn).expect("reads");
    assert!(
        drafts
            .iter()
            .any(|draft| draft.doc == doc && draft.value["summary"] == "alku")
    );
}
