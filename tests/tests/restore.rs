//! The relay comes back from a backup: drills by seed, and the stories they told.

#![expect(clippy::expect_used, reason = "a test")]

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::json;
use sopu_core::compress::decompress;
use sopu_core::device::{DeviceError, SyncReport};
use sopu_core::documents::Kind;
use sopu_core::envelope::encode;
use sopu_core::id::{DocId, EnvelopeId, MemberId, SpaceId, Version};
use sopu_core::read::{Reading, read, version};
use sopu_core::save::save;
use sopu_core::store::{Store, document, draft, meta, notice, outbox};
use sopu_core::time::Env;
use sopu_core::transport::{Post, Reply, Transport, TransportError};
use sopu_core::wire::{Entry, NoticeKind, SyncRequest, Verdict};
use sopu_server::access::people::{self, Party};
use sopu_server::access::roles::Role;
use sopu_server::relay::Relay;
use sopu_server::{backup, check};
use sopu_tests::drill::Drill;
use sopu_tests::{Phone, World};

/// Steps of one drill.
const STEPS: usize = 120;

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().expect("a number"))
}

/// `RESTORE_SEED=7 cargo test -p sopu-tests --test restore drills` tells one seed's story;
/// `RESTORE_SEEDS=2000` runs more of them.
#[test]
fn drills_of_many_seeds_end_complete_and_equal() {
    if let Ok(seed) = std::env::var("RESTORE_SEED") {
        let mut drill = Drill::new(seed.parse().expect("a number"));
        let told = catch_unwind(AssertUnwindSafe(|| run(&mut drill)));
        for line in &drill.log {
            eprintln!("{line}");
        }
        assert!(told.is_ok());
        return;
    }
    let seeds = number("RESTORE_SEEDS", 60);
    let first = number("RESTORE_FIRST", 0);
    let mut failed = Vec::new();
    let mut restores = 0;
    for seed in first..first + seeds {
        let mut drill = Drill::new(seed);
        if catch_unwind(AssertUnwindSafe(|| run(&mut drill))).is_err() {
            failed.push(seed);
            if failed.len() == 10 {
                break;
            }
        }
        restores += drill.restores;
    }
    assert!(failed.is_empty(), "replay with RESTORE_SEED=…: {failed:?}");
    assert!(restores as u64 > seeds * 2, "only {restores} restores");
}

fn run(drill: &mut Drill) {
    for _ in 0..STEPS {
        drill.step();
    }
    drill.calm();
    drill.judge();
}

/// What all replicas of a space must agree on.
fn content(store: &Store, space: SpaceId) -> BTreeMap<DocId, (Version, Reading)> {
    let ids = document::ids(store.conn(), Some(space), None, 1_000).expect("reads");
    let of = |doc| {
        let loaded = store.document(doc).expect("opens");
        (doc, (loaded.heads.clone(), read(&loaded.am, loaded.kind)))
    };
    ids.into_iter().map(of).collect()
}

/// Everyone syncs until all is quiet; then everyone has what the record has.
fn agree(world: &World, phones: &mut [&mut Phone], space: SpaceId) {
    for _ in 0..4 {
        for phone in phones.iter_mut() {
            phone.sync(world);
            world.settle();
        }
    }
    let record = content(world.relay().record().store(), space);
    for (number, phone) in phones.iter_mut().enumerate() {
        let store = phone.device().store();
        assert_eq!(content(store, space), record, "phone {number}");
        let left = outbox::unsettled(store.conn(), None).expect("reads");
        assert!(left.is_empty(), "phone {number}: {left:?}");
        let lost = notice::lost(store.conn(), None).expect("reads");
        assert!(lost.is_empty(), "phone {number}: {lost:?}");
        let aside = draft::quarantined(store.conn()).expect("reads");
        assert!(aside.is_empty(), "phone {number}: {aside:?}");
    }
    assert!(check::check(world.data()).findings.is_empty());
}

/// The disk goes, but for the ledger if that was elsewhere; the backup is put back.
fn disk_lost(world: &mut World, backup: &Path, keep_ledger: bool) {
    world.stop();
    let ledger = std::fs::read(world.data().join("ledger")).expect("reads");
    std::fs::remove_dir_all(world.data()).expect("goes");
    if keep_ledger {
        std::fs::create_dir_all(world.data()).expect("makes");
        std::fs::write(world.data().join("ledger"), ledger).expect("writes");
    }
    let env = Arc::clone(&world.clock) as Arc<dyn Env>;
    let restored = backup::restore(backup, None, world.data(), env).expect("restores");
    assert_eq!(restored.newer_ledger_lines.is_some(), keep_ledger);
    world.start();
}

fn numbers(world: &World, doc: DocId) -> Vec<String> {
    let record = world.relay().record();
    let all = notice::of(record.store().conn(), doc).expect("reads");
    let number = |stored: notice::Stored| match stored.notice.what {
        NoticeKind::ContractNumber(number) => Some(number),
        NoticeKind::Retention(_) | NoticeKind::LegalHold(_) | NoticeKind::Erased(_) => None,
    };
    all.into_iter().filter_map(number).collect()
}

fn contract(phone: &mut Phone, space: SpaceId) -> DocId {
    let value = json!({"status": "offered"});
    let device = phone.device();
    let made = device.create(space, Kind::Contract, &value);
    made.expect("creates").0
}

/// The story both drills tell up to the loss of the disk.
struct Story {
    world: World,
    space: SpaceId,
    aino: Phone,
    petri: Phone,
    liisa_member: MemberId,
    late: Phone,
    backup: PathBuf,
    erased: DocId,
    from_gone: DocId,
    from_removed: DocId,
    from_late: DocId,
    from_office: DocId,
    contract: DocId,
}

fn story() -> Story {
    let world = World::new();
    let space = world.space("Koivula");
    let member = |name| world.member(name, Role::Owner, &[space]);
    let (aino_member, petri_member) = (member("Aino"), member("Petri"));
    let (maria_member, liisa_member) = (member("Maria"), member("Liisa"));
    let mut aino = world.phone("aino", aino_member);
    let mut petri = world.phone("petri", petri_member);
    let mut maria = world.phone("maria", maria_member);
    let mut liisa = world.phone("liisa", liisa_member);
    let shared = aino.note(space, json!({"summary": "alku"}));
    let erased = aino.note(space, json!({"summary": "salainen"}));
    agree(
        &world,
        &mut [&mut aino, &mut petri, &mut maria, &mut liisa],
        space,
    );

    let backup = world.folder().join("backup");
    backup::take(world.data(), &backup, &*world.clock, &mut |_, _| {}).expect("is taken");

    // After the backup: everyone writes, and all of it is acknowledged and merged.
    let from_gone = maria.note(space, json!({"summary": "kadonneelta"}));
    maria.edit(shared, json!({"outcome": "partial"}));
    let from_removed = liisa.note(space, json!({"summary": "lähteneeltä"}));
    let contract = contract(&mut aino, space);
    let mut late = world.phone("late", petri_member);
    agree(
        &world,
        &mut [&mut aino, &mut petri, &mut maria, &mut liisa, &mut late],
        space,
    );
    let from_late = late.note(space, json!({"summary": "uudelta"}));
    petri.edit(shared, json!({"summary": "alku ja jatko"}));
    let from_office = office_note(&world, petri_member, space, "toimistolta");
    agree(
        &world,
        &mut [&mut aino, &mut petri, &mut maria, &mut liisa, &mut late],
        space,
    );
    assert_eq!(numbers(&world, contract).len(), 1);
    // Maria's phone falls into a lake. Liisa leaves. A document is erased, and Petri learns of it.
    drop(maria);
    world.admin(|db| {
        let now = world.clock.now_ms();
        assert!(people::revoke(db, space, Party::Member(liisa_member), now).expect("ends"));
    });
    world.relay().erase(erased, "request").expect("erases");
    petri.sync(&world);
    liisa.sync(&world);
    assert!(liisa.device().spaces().expect("reads").is_empty());
    Story {
        world,
        space,
        aino,
        petri,
        liisa_member,
        late,
        backup,
        erased,
        from_gone,
        from_removed,
        from_late,
        from_office,
        contract,
    }
}

fn office_note(world: &World, member: MemberId, space: SpaceId, text: &str) -> DocId {
    let doc = DocId::mint(&*world.clock);
    let written = world
        .relay()
        .office_write(member, space, doc, Kind::VisitNote, |am, ctx| {
            let heads = version(am);
            save(am, Kind::VisitNote, &heads, &json!({"summary": text}), ctx).map(|_| ())
        });
    let fed = matches!(written, Ok(Some(Verdict::Fed(_))));
    assert!(fed, "{written:?}");
    doc
}

#[test]
fn the_disk_is_lost_and_all_end_complete_though_an_author_is_gone_and_another_was_removed() {
    let Story {
        mut world,
        space,
        mut aino,
        mut petri,
        liisa_member,
        mut late,
        backup,
        erased,
        from_gone,
        from_removed,
        from_late,
        from_office,
        contract,
    } = story();
    let number = numbers(&world, contract);
    // Something on its way: on one phone only, not even sealed.
    let unsent = aino.note(space, json!({"summary": "matkalla"}));
    disk_lost(&mut world, &backup, true);
    let before = content(world.relay().record().store(), space);
    assert!(!before.contains_key(&from_gone), "the backup lacks it");
    assert!(!before.contains_key(&erased), "erased before it serves");

    agree(&world, &mut [&mut aino, &mut petri, &mut late], space);
    let after = content(world.relay().record().store(), space);
    let all = [
        from_gone,
        from_removed,
        from_late,
        from_office,
        contract,
        unsent,
    ];
    for doc in all {
        assert!(after.contains_key(&doc), "{doc} came back");
    }
    assert!(!after.contains_key(&erased), "and that did not");
    assert_eq!(
        numbers(&world, contract),
        number,
        "the number it always had"
    );
    // Whoever was removed stays so, and a new device gets everything.
    let members = world.admin(|db| {
        sopu_server::access::standing::standing(db, liisa_member, space, world.clock.now_ms())
    });
    assert_eq!(members.expect("reads").role(), None);
    let petri_member = petri.device().identity().expect("enrolled").member;
    let mut new = world.phone("new", petri_member);
    // The server's own identity writes on without claiming what it had claimed before.
    office_note(&world, petri_member, space, "palautuksen jälkeen");
    let other = crate::contract(&mut petri, space);
    agree(
        &world,
        &mut [&mut aino, &mut petri, &mut late, &mut new],
        space,
    );
    let jumped = numbers(&world, other);
    assert_ne!(jumped, number);
    let tail = |number: &[String]| -> u32 {
        let text = number.last().and_then(|n| n.rsplit('-').next());
        text.and_then(|n| n.parse().ok()).expect("a number")
    };
    assert!(tail(&jumped) > tail(&number) + 900, "{jumped:?}");
}

/// What holds when the backup's own ledger is the newest there is: everything that people enrolled by
/// then have signed comes back, and what anyone knows to be erased is erased again. Who was removed
/// since is a member again, and a device enrolled since is unknown: its person enrols it once more.
#[test]
fn the_ledger_is_lost_too_and_what_the_devices_know_still_comes_back() {
    let Story {
        mut world,
        space,
        mut aino,
        mut petri,
        liisa_member,
        mut late,
        backup,
        erased,
        from_gone,
        from_removed,
        from_late,
        contract,
        ..
    } = story();
    let number = numbers(&world, contract);
    disk_lost(&mut world, &backup, false);
    let stranger = late.device().sync(&world.transport());
    assert!(
        matches!(&stranger, Err(DeviceError::Refused { code }) if code == "unauthorised"),
        "{stranger:?}"
    );
    // Aino has not heard of the erasure, Petri has.
    for _ in 0..4 {
        aino.sync(&world);
        world.settle();
        petri.sync(&world);
        world.settle();
    }
    let after = content(world.relay().record().store(), space);
    for doc in [from_gone, from_removed, contract] {
        assert!(after.contains_key(&doc), "{doc} came back");
    }
    assert!(!after.contains_key(&erased), "erased again");
    for phone in [&mut aino, &mut petri] {
        let here = content(phone.device().store(), space);
        assert!(!here.contains_key(&erased));
        assert!(here.contains_key(&from_late), "nothing is lost on a phone");
        for (doc, replica) in &after {
            assert_eq!(here.get(doc), Some(replica));
        }
    }
    assert_eq!(numbers(&world, contract), number);
    assert!(!after.contains_key(&from_late), "nobody knows its signer");
    let members = world.admin(|db| {
        sopu_server::access::standing::standing(db, liisa_member, space, world.clock.now_ms())
    });
    assert_eq!(members.expect("reads").role(), Some(Role::Owner));
    // The late phone enrols again, under its key: its own work goes out anew.
    let petri_member = petri.device().identity().expect("enrolled").member;
    let code = world.invite(petri_member);
    let transport = world.transport();
    late.device()
        .enrol(&transport, &code, "late")
        .expect("enrols");
    late.sync(&world);
    assert!(check::check(world.data()).findings.is_empty());
}

#[test]
fn a_relay_restored_to_before_a_space_s_first_entry_gets_all_of_it_back() {
    let mut drill = Drill::new(1);
    let early = drill.back_up();
    let space = drill.spaces[0];
    let doc = drill.note(0, space);
    drill.write(0, doc);
    for number in [0, 1, 0, 1] {
        drill.sync(number).expect("syncs");
        drill.merge();
    }
    drill.write(1, doc);
    drill.sync(1).expect("syncs");
    drill.merge();
    drill.restore(early, true);
    // The one who made it never comes again.
    drill.destroy(0);
    drill.calm();
    drill.judge();
    assert!(drill.lost.is_empty(), "{:?}", drill.lost);
}

/// One request of the first phone and what the relay answered to what it brought; more may be written
/// meanwhile.
fn exchange(drill: &mut Drill, doc: DocId, writes: bool) -> Vec<Verdict> {
    exchange_while(drill, |drill| {
        if writes {
            drill.write(0, doc);
        }
    })
}

fn exchange_while(drill: &mut Drill, happens: impl FnOnce(&mut Drill)) -> Vec<Verdict> {
    let outgoing = drill.device(0).next_request(0).expect("asks");
    let token = meta::text(drill.device(0).store().conn(), "token").expect("reads");
    let token = token.expect("enrolled");
    let response = drill.relay().sync(&token, &outgoing.request);
    let response = response.expect("answers");
    happens(drill);
    let mut report = SyncReport::default();
    let applied = drill.device(0).apply(&outgoing, &response, &mut report);
    applied.expect("applies");
    response.answers
}

/// A phone brought work of a space its person had left, and heard that the relay keeps it for a
/// decision; more was written there meanwhile. The relay lost the one, took the other, and the phone
/// dropped the space (storms 79 and 267).
#[test]
fn work_of_a_space_that_was_left_is_brought_again_to_a_relay_that_lost_it() {
    let mut drill = Drill::new(3);
    let space = drill.spaces[0];
    drill.sync(0).expect("syncs");
    let early = drill.back_up();
    drill.put_out(drill.hands[0].member, space);
    let doc = drill.note(0, space);
    drill.write(0, doc);
    let answers = exchange(&mut drill, doc, true);
    assert_eq!(answers, [Verdict::Held("removed".into())]);
    drill.restore(early, true);
    drill.calm();
    drill.judge();
    assert!(drill.lost.is_empty(), "{:?}", drill.lost);
}

/// A phone whose person had left a space was told that the relay keeps what it brought of it; by the time
/// the person was let in again the relay had lost that, and of a space that begins anew the phone hears of
/// no cut (storms 23916 and 23999).
#[test]
fn work_of_a_space_that_was_left_and_joined_again_is_brought_to_a_relay_that_lost_it() {
    let mut drill = Drill::new(3);
    let space = drill.spaces[0];
    let doc = drill.note(0, space);
    drill.write(0, doc);
    drill.sync(0).expect("syncs");
    drill.merge();
    drill.sync(0).expect("syncs");
    let early = drill.back_up();
    let member = drill.hands[0].member;
    drill.put_out(member, space);
    drill.write(0, doc);
    let answers = exchange(&mut drill, doc, true);
    assert_eq!(answers, [Verdict::Held("removed".into())]);
    drill.restore(early, true);
    // Asked where it stands, it says so from now on.
    exchange(&mut drill, doc, true);
    drill.let_in(member, space);
    drill.calm();
    drill.judge();
    assert!(drill.lost.is_empty(), "{:?}", drill.lost);
}

/// The same of what was in the record by then: the phone of the person who came back is the last that has it.
#[test]
fn a_space_that_was_left_and_joined_again_is_brought_back_to_a_relay_that_lost_its_record() {
    let mut drill = Drill::new(3);
    let space = drill.spaces[0];
    drill.sync(0).expect("syncs");
    let early = drill.back_up();
    let doc = drill.note(0, space);
    let letter = drill.write(0, doc);
    drill.sync(0).expect("syncs");
    drill.merge();
    drill.sync(0).expect("syncs");
    let member = drill.hands[0].member;
    drill.put_out(member, space);
    drill.write(0, doc);
    // It hears that it is to leave, and cannot yet: there is more to deliver.
    exchange(&mut drill, doc, true);
    drill.restore(early, true);
    drill.let_in(member, space);
    drill.calm();
    drill.judge();
    let there = drill
        .relay()
        .record()
        .store()
        .document(doc)
        .expect("is back");
    let reading = read(&there.am, there.kind);
    let text = reading.value["summary"].as_str().unwrap_or_default();
    assert!(text.contains(letter), "{text}");
}

/// That its person has left a phone heard late: by then the relay had come back from a backup, and lost what
/// the phone had long seen in its feed (storm 61609).
#[test]
fn a_space_that_is_being_left_is_brought_back_to_a_relay_that_lost_its_record() {
    let mut drill = Drill::new(3);
    let space = drill.spaces[0];
    drill.sync(0).expect("syncs");
    let early = drill.back_up();
    let doc = drill.note(0, space);
    drill.write(0, doc);
    drill.sync(0).expect("syncs");
    drill.merge();
    drill.sync(0).expect("syncs");
    drill.put_out(drill.hands[0].member, space);
    exchange_while(&mut drill, |drill| {
        drill.restore(early, true);
        drill.write(0, doc);
    });
    drill.calm();
    drill.judge();
    assert!(drill.lost.is_empty(), "{:?}", drill.lost);
    let record = drill.relay().record();
    let there = record.store().document(doc).expect("is back");
    let reading = read(&there.am, there.kind);
    let text = reading.value["summary"].as_str().unwrap_or_default();
    assert_eq!(text.chars().count(), 2, "{text}");
}

/// A phone had asked about work of a space its person had left, and been answered, but there was more
/// to bring. By the time that was taken, the relay had lost the first (storms 840 and 2108).
#[test]
fn work_of_a_space_that_was_left_is_asked_about_all_at_once_before_the_space_goes() {
    let mut drill = Drill::new(3);
    let space = drill.spaces[0];
    drill.sync(0).expect("syncs");
    let early = drill.back_up();
    drill.put_out(drill.hands[0].member, space);
    let doc = drill.note(0, space);
    drill.write(0, doc);
    // Two of the requests are answered while more is written.
    for writes in [true, false, true] {
        exchange(&mut drill, doc, writes);
    }
    drill.restore(early, true);
    drill.calm();
    drill.judge();
    assert!(drill.lost.is_empty(), "{:?}", drill.lost);
}

#[test]
fn a_device_that_is_cut_off_brings_back_what_the_relay_lost_before_it_is_wiped() {
    let mut world = World::new();
    let space = world.space("Koivula");
    let member = |name| world.member(name, Role::Field, &[space]);
    let (aino_member, petri_member) = (member("Aino"), member("Petri"));
    let mut aino = world.phone("aino", aino_member);
    let mut petri = world.phone("petri", petri_member);
    let mut liisa = world.phone("liisa", petri_member);
    agree(&world, &mut [&mut aino, &mut petri, &mut liisa], space);
    let backup = world.folder().join("backup");
    backup::take(world.data(), &backup, &*world.clock, &mut |_, _| {}).expect("is taken");

    // In the record, and on Aino's phone only: hers, and what the other phone wrote that is gone.
    let own = aino.note(space, json!({"summary": "oma"}));
    let other = petri.note(space, json!({"summary": "toisen"}));
    agree(&world, &mut [&mut aino, &mut petri], space);
    let device = aino.device().identity().expect("enrolled").device;
    world.relay().revoke(device).expect("revokes");
    disk_lost(&mut world, &backup, true);
    drop(petri);

    let mut wiped = false;
    for _ in 0..4 {
        match aino.device().sync(&world.transport()) {
            Ok(report) => wiped |= report.wiped,
            Err(DeviceError::Refused { code }) => assert_eq!(code, "device_revoked"),
            Err(other) => panic!("{other}"),
        }
        world.settle();
    }
    assert!(wiped);
    assert!(content(aino.device().store(), space).is_empty());
    agree(&world, &mut [&mut liisa], space);
    let record = content(world.relay().record().store(), space);
    assert!(record.contains_key(&own) && record.contains_key(&other));
}

#[test]
fn no_answer_from_before_the_relay_came_back_wipes_a_device() {
    let mut world = World::new();
    let space = world.space("Koivula");
    let member = world.member("Aino", Role::Field, &[space]);
    let mut aino = world.phone("aino", member);
    aino.sync(&world);
    let device = aino.device().identity().expect("enrolled").device;
    world.relay().revoke(device).expect("revokes");
    let backup = world.folder().join("backup");
    backup::take(world.data(), &backup, &*world.clock, &mut |_, _| {}).expect("is taken");

    let doc = aino.note(space, json!({"summary": "lähettämättä"}));
    let token = meta::text(aino.device().store().conn(), "token").expect("reads");
    let sent = aino.device().next_request(0).expect("makes");
    let answer = world.relay().sync(&token.expect("there"), &sent.request);
    let answer = answer.expect("answers");
    assert!(matches!(answer.answers[..], [Verdict::Held(_)]));
    disk_lost(&mut world, &backup, true);

    // The answer is late: meanwhile the device has asked again.
    aino.device().next_request(0).expect("makes");
    let mut report = SyncReport::default();
    let device = aino.device();
    device.apply(&sent, &answer, &mut report).expect("applies");
    assert!(!report.wiped, "that relay has lost what it answers for");
    assert!(aino.sync(&world).wiped);
    let kept = world.relay().quarantine(9).expect("reads");
    assert!(kept.iter().any(|row| row.doc == doc), "its work is kept");
}

#[test]
fn a_device_that_slept_through_several_restores_carries_on_from_the_lowest_cut() {
    let mut drill = Drill::new(2);
    let (space, mut docs) = (drill.spaces[0], Vec::new());
    let mut backups = Vec::new();
    for _ in 0..4 {
        let doc = drill.note(0, space);
        docs.push(doc);
        drill.write(0, doc);
        for number in [0, 1, 2] {
            drill.sync(number).expect("syncs");
            drill.merge();
        }
        backups.push(drill.back_up());
    }
    for number in [0, 1, 2] {
        drill.sync(number).expect("syncs");
    }
    // Device 2 sleeps. The relay comes back from ever other backups, and goes on in between.
    for backup in [2, 0, 3, 1] {
        drill.restore(backups[backup], true);
        drill.write(1, docs[backup]);
        drill.sync(1).expect("syncs");
        drill.merge();
        drill.sync(0).expect("syncs");
        drill.merge();
    }
    drill.restore(backups[0], true);
    drill.destroy(0);
    drill.destroy(1);
    drill.write(2, docs[3]);
    drill.calm();
    drill.judge();
    let text = drill.letters.len() - drill.lost.len();
    assert_eq!(text, 5, "all that device 2 had, and what it wrote");
}

#[test]
fn a_restore_in_the_middle_of_a_first_sync_leaves_nothing_that_nobody_signed() {
    let mut drill = Drill::new(3);
    let space = drill.spaces[0];
    let early = drill.back_up();
    let doc = drill.note(0, space);
    drill.write(0, doc);
    drill.write(0, doc);
    drill.sync(0).expect("syncs");
    drill.merge();
    drill.sync(0).expect("syncs");
    let member = drill.hands[1].member;
    let new = drill.hand(member);
    drill.sync_in_parts(new, 2);
    assert!(!drill.device(new).spaces().expect("reads").is_empty());
    let mine = drill.write(new, doc);
    drill.restore(early, true);
    // Nobody has the rest any more.
    drill.destroy(0);
    drill.calm();
    drill.judge();
    assert!(!drill.lost.contains(&mine), "what was written here stays");
}

/// The same where the person left in the middle of the first sync and was let in again: of a space that begins
/// anew the phone hears of no cut, and what it wrote there would build on what nobody has.
#[test]
fn what_nobody_signed_goes_also_where_a_space_was_left_and_joined_again() {
    left_and_joined_again(false);
}

/// A copy of a store sends nothing until it has caught up, so that the relay has had nothing of it either.
#[test]
fn what_nobody_signed_goes_from_a_restored_copy_too() {
    left_and_joined_again(true);
}

fn left_and_joined_again(copied: bool) {
    let mut drill = Drill::new(3);
    let space = drill.spaces[0];
    let early = drill.back_up();
    let doc = drill.note(1, space);
    drill.write(1, doc);
    drill.sync(1).expect("syncs");
    drill.merge();
    drill.sync_in_parts(0, 2);
    let member = drill.hands[0].member;
    drill.put_out(member, space);
    // It hears that it is to leave, and cannot yet: something was written meanwhile.
    exchange(&mut drill, doc, true);
    drill.restore(early, true);
    drill.let_in(member, space);
    if copied {
        let instance = drill.data().with_file_name("device-0").join("no-backup");
        std::fs::remove_dir_all(instance).expect("goes");
        drill.restart(0);
    }
    // Nobody has the rest any more.
    drill.destroy(1);
    drill.calm();
    drill.judge();
    let record = drill.relay().record();
    let there = record.store().document(doc).expect("is there");
    assert_ne!(
        read(&there.am, there.kind).value["summary"],
        json!(""),
        "what was written here stays"
    );
}

#[test]
fn what_was_written_in_an_item_that_nobody_signed_stays_readable_as_a_draft() {
    let mut drill = Drill::new(3);
    let space = drill.spaces[0];
    let doc = drill.note(0, space);
    drill.sync(0).expect("syncs");
    drill.merge();
    let early = drill.back_up();
    let save = |drill: &mut Drill, number: usize, text: &str| {
        let device = drill.device(number);
        let opened = device.read(doc).expect("reads");
        let mut value = opened.value;
        value["entries"]["01890a5d-ac96-774b-bcce-b302099a8057"] =
            json!({"heading": "uni", "text": text});
        device.save(doc, &opened.version, &value).expect("saves");
    };
    save(&mut drill, 0, "nukkui");
    drill.sync(0).expect("syncs");
    drill.merge();
    let member = drill.hands[1].member;
    let new = drill.hand(member);
    drill.sync_in_parts(new, 2);
    save(&mut drill, new, "nukkui huonosti");
    drill.restore(early, true);
    // The item's maker never comes again.
    drill.destroy(0);
    drill.calm();
    let drafts = draft::drafts(drill.device(new).store().conn()).expect("reads");
    let text = |draft: &draft::Draft| {
        draft.reason == "item_gone" && draft.value.to_string().contains("nukkui huonosti")
    };
    assert!(drafts.iter().any(text), "{drafts:?}");
}

#[test]
fn a_form_left_open_does_not_bring_back_as_one_s_own_what_the_relay_lost() {
    let mut drill = Drill::new(3);
    let space = drill.spaces[0];
    let doc = drill.note(0, space);
    drill.sync(0).expect("syncs");
    drill.merge();
    let early = drill.back_up();
    let write = |drill: &mut Drill, number: usize, text: &str| {
        let device = drill.device(number);
        let opened = device.read(doc).expect("reads");
        let mut value = opened.value;
        value["summary"] = json!(text);
        let saved = device.save(doc, &opened.version, &value).expect("saves");
        (saved.version, value)
    };
    write(&mut drill, 0, "heidän sanansa");
    drill.sync(0).expect("syncs");
    drill.merge();
    let member = drill.hands[1].member;
    let new = drill.hand(member);
    drill.sync_in_parts(new, 2);
    let (version, mut form) = write(&mut drill, new, "heidän sanansa ja omat");
    drill.restore(early, true);
    // Whoever wrote the first words never comes again.
    drill.destroy(0);
    drill.calm();
    let now = drill.device(new).read(doc).expect("reads").value;
    assert!(!now["summary"].to_string().contains("heidän"), "{now}");
    form["summary"] = json!("heidän sanansa ja omat ja lisää");
    let saved = drill.device(new).save(doc, &version, &form);
    assert!(matches!(saved, Err(DeviceError::Stale)), "{saved:?}");
}

#[test]
fn a_restore_during_any_part_of_a_first_sync_leaves_a_feed_that_hashes() {
    for parts in 1..12 {
        let mut drill = Drill::new(6);
        let space = drill.spaces[0];
        let doc = drill.note(0, space);
        drill.write(0, doc);
        for number in [0, 1] {
            drill.sync(number).expect("syncs");
            drill.merge();
        }
        let early = drill.back_up();
        for _ in 0..4 {
            drill.write(0, doc);
            drill.sync(0).expect("syncs");
            drill.merge();
        }
        let new = drill.hand(drill.hands[1].member);
        drill.sync_in_parts(new, parts);
        drill.restore(early, true);
        drill.sync(new).expect("syncs");
        drill.calm();
        drill.judge();
    }
}

#[test]
fn every_message_of_an_offer_may_be_lost_doubled_or_broken_off() {
    for stop in 1..6 {
        let mut drill = Drill::new(4);
        let space = drill.spaces[0];
        let early = drill.back_up();
        for _ in 0..5 {
            let doc = drill.note(0, space);
            drill.write(0, doc);
        }
        for number in [0, 1, 0, 1] {
            drill.sync(number).expect("syncs");
            drill.merge();
        }
        drill.restore(early, true);
        drill.destroy(0);
        for _ in 0..stop {
            drill.sync_badly(1);
            drill.restart(1);
        }
        drill.calm();
        drill.judge();
        assert!(drill.lost.is_empty());
    }
}

/// A line on which every page ends in what cannot be: it is noted where the feed was cut, and what
/// comes after is not applied, as when the power goes in between.
struct Halfway<'w>(&'w Relay);

impl Transport for Halfway<'_> {
    fn post(&self, post: Post) -> Result<Reply, TransportError> {
        let plain = match post.encoding {
            Some(_) => decompress(&post.body, 1 << 24).expect("unpacks"),
            None => post.body,
        };
        let request: SyncRequest = minicbor::decode(&plain).expect("reads");
        let token = post.token.expect("is enrolled");
        let mut response = self.0.sync(&token, &request).expect("answers");
        for page in &mut response.pages {
            page.entries.push(Entry::Own {
                seq: u64::MAX,
                id: EnvelopeId([0; 32]),
                received_ms: 0,
                accept: [0; 16],
            });
        }
        Ok(Reply {
            status: 200,
            encoding: String::new(),
            body: encode(&response),
        })
    }
}

/// The relay has all of it again, in its old place, when the device comes back: it is told of no cut
/// below its cursor any more, and had forgotten the places of what is there (storm 11179).
#[test]
fn a_cut_that_was_noted_and_gone_again_before_its_page_was_applied_leaves_a_feed_that_hashes() {
    for parts in 0..12 {
        let mut drill = Drill::new(6);
        let space = drill.spaces[0];
        let early = drill.back_up();
        for _ in 0..3 {
            let doc = drill.note(0, space);
            drill.write(0, doc);
        }
        for number in [0, 1] {
            drill.sync(number).expect("syncs");
            drill.merge();
        }
        drill.sync(0).expect("hears of the places");
        let new = if parts == 0 {
            1
        } else {
            let new = drill.hand(drill.hands[1].member);
            drill.sync_in_parts(new, parts);
            new
        };
        drill.restore(early, true);
        let mut device = drill.hands[new].device.take().expect("is there");
        let done = device.sync(&Halfway(drill.relay()));
        assert!(matches!(done, Err(DeviceError::BadAnswer)), "{done:?}");
        drill.hands[new].device = Some(device);
        drill.sync(0).expect("brings it back");
        drill.merge();
        drill.sync(new).expect("syncs");
        drill.calm();
        drill.judge();
    }
}

/// A first sync that was under way at a restore (its running hash went on from the old one, its
/// packs were numbered by the old feed); a space left with work that a restored relay had lost; a
/// letter typed behind another's, whose change went because nobody had signed it.
#[test]
fn drills_that_once_failed_stay_mended() {
    for seed in [2, 110, 534, 658, 874] {
        run(&mut Drill::new(seed));
    }
}

/// Devices 0 and 1 have more of a feed than the relay; device 2 has not. It goes on first.
fn gone_back(drill: &mut Drill, keep_record: bool) {
    let space = drill.spaces[0];
    let doc = drill.note(0, space);
    drill.write(0, doc);
    for number in [0, 1, 2, 0, 1, 2] {
        drill.sync(number).expect("syncs");
        drill.merge();
    }
    let snapshot = drill.snapshot();
    for _ in 0..4 {
        drill.write(0, doc);
        for number in [0, 1] {
            drill.sync(number).expect("syncs");
            drill.merge();
        }
    }
    drill.sync(1).expect("syncs");
    drill.go_back(&snapshot, keep_record);
    for _ in 0..2 {
        drill.write(2, doc);
        drill.sync(2).expect("syncs");
        drill.merge();
    }
    // Who made what was lost never comes again.
    drill.destroy(0);
}

#[test]
fn a_database_that_went_back_unnoticed_and_went_on_since_is_brought_what_it_lacks() {
    for keep_record in [false, true] {
        let mut drill = Drill::new(5);
        gone_back(&mut drill, keep_record);
        drill.calm();
        drill.judge();
        assert!(drill.lost.is_empty(), "{:?}", drill.lost);
    }
}

#[test]
fn an_office_that_went_back_unnoticed_does_not_claim_again_what_it_had_claimed() {
    let mut world = World::new();
    let space = world.space("Koivula");
    let member = world.member("Aino", Role::Owner, &[space]);
    let mut aino = world.phone("aino", member);
    let doc = office_note(&world, member, space, "alku");
    agree(&world, &mut [&mut aino], space);
    let snapshot = world.folder().join("snapshot.db");
    let into = snapshot.display().to_string();
    world.admin(|db| db.execute("VACUUM INTO ?", [into]).expect("copies"));
    office_edit(&world, member, space, doc, &json!({"tags": ["lost"]}));
    agree(&world, &mut [&mut aino], space);
    world.stop();
    for name in ["relay.db", "record.db"] {
        for end in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(world.data().join(format!("{name}{end}")));
        }
    }
    std::fs::copy(&snapshot, world.data().join("relay.db")).expect("copies");
    world.start();
    office_edit(&world, member, space, doc, &json!({"summary": "uusi"}));
    agree(&world, &mut [&mut aino], space);
    let here = content(aino.device().store(), space);
    let value = here[&doc].1.value.clone();
    assert_eq!(value["tags"], json!(["lost"]));
    assert_eq!(value["summary"], json!("uusi"));
}

fn office_edit(
    world: &World,
    member: MemberId,
    space: SpaceId,
    doc: DocId,
    value: &serde_json::Value,
) {
    let written = world
        .relay()
        .office_write(member, space, doc, Kind::VisitNote, |am, ctx| {
            let heads = version(am);
            let mut all = read(am, Kind::VisitNote).value;
            for (field, value) in value.as_object().into_iter().flatten() {
                all[field.as_str()] = value.clone();
            }
            save(am, Kind::VisitNote, &heads, &all, ctx).map(|_| ())
        });
    assert!(matches!(written, Ok(Some(Verdict::Fed(_)))), "{written:?}");
}
