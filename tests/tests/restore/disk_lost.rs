//! The relay's disk is lost and a backup put back: all end complete, whoever is gone.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::json;
use sopu_core::device::{DeviceError, SyncReport};
use sopu_core::documents::Kind;
use sopu_core::id::{DocId, MemberId, SpaceId, Version};
use sopu_core::read::{Reading, read, version};
use sopu_core::save::save;
use sopu_core::store::{Store, document, draft, meta, notice, outbox};
use sopu_core::time::Env;
use sopu_core::wire::{NoticeKind, Verdict};
use sopu_server::access::people::{self, Party};
use sopu_server::access::roles::Role;
use sopu_server::{backup, check};
use sopu_tests::drill::Drill;
use sopu_tests::{Phone, World};

/// What all replicas of a space must agree on.
pub(crate) fn content(store: &Store, space: SpaceId) -> BTreeMap<DocId, (Version, Reading)> {
    let ids = document::ids(store.conn(), Some(space), None, 1_000).expect("reads");
    let of = |doc| {
        let loaded = store.document(doc).expect("opens");
        (doc, (loaded.heads.clone(), read(&loaded.am, loaded.kind)))
    };
    ids.into_iter().map(of).collect()
}

/// Everyone syncs until all is quiet; then everyone has what the record has.
pub(crate) fn agree(world: &World, phones: &mut [&mut Phone], space: SpaceId) {
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
pub(crate) fn disk_lost(world: &mut World, backup: &Path, keep_ledger: bool) {
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

pub(crate) fn office_note(world: &World, member: MemberId, space: SpaceId, text: &str) -> DocId {
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
    let other = super::disk_lost::contract(&mut petri, space);
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
    // The late phone has made work again, too: put back to a backup that had it unsealed.
    late.edit(from_late, json!({"summary": "uudelta, kahdesti"}));
    let copy = late.backup();
    late.restore(&copy, false);
    for _ in 0..3 {
        late.sync(&world);
        world.settle();
    }
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
    for _ in 0..4 {
        for phone in [&mut late, &mut aino, &mut petri] {
            phone.sync(&world);
            world.settle();
        }
    }
    let record = content(world.relay().record().store(), space);
    let (_, reading) = record.get(&from_late).expect("under its new name");
    assert_eq!(reading.value["summary"], "uudelta, kahdesti");
    for phone in [&mut aino, &mut petri, &mut late] {
        let here = content(phone.device().store(), space);
        assert!(
            record
                .iter()
                .all(|(doc, replica)| here.get(doc) == Some(replica))
        );
        assert_eq!(phone.device().backlog().expect("reads"), Default::default());
    }
    assert!(check::check(world.data()).findings.is_empty());
}

/// The identity that the server keeps for whoever writes at the office is newer than the ledger, and nobody
/// could enrol it again: what it signed stayed on the phones for good, apart from the record.
#[test]
fn what_one_wrote_who_had_not_written_at_the_office_before_comes_back_with_the_ledger_lost() {
    let mut world = World::new();
    let space = world.space("Koivula");
    let member = world.member("Aino", Role::Owner, &[space]);
    let mut aino = world.phone("aino", member);
    aino.note(space, json!({"summary": "alku"}));
    agree(&world, &mut [&mut aino], space);
    let backup = world.folder().join("backup");
    backup::take(world.data(), &backup, &*world.clock, &mut |_, _| {}).expect("is taken");
    let doc = office_note(&world, member, space, "toimistolta");
    agree(&world, &mut [&mut aino], space);
    aino.edit(doc, json!({"outcome": "partial"}));
    agree(&world, &mut [&mut aino], space);

    disk_lost(&mut world, &backup, false);
    agree(&world, &mut [&mut aino], space);
    let after = content(world.relay().record().store(), space);
    let (_, reading) = after.get(&doc).expect("is there again");
    assert_eq!(reading.value["summary"], "toimistolta");
    assert_eq!(reading.value["outcome"], "partial");
    // Whoever wrote it goes on writing, under the same name and what no other change has.
    office_note(&world, member, space, "seuraavana päivänä");
    agree(&world, &mut [&mut aino], space);
}

/// The same phone with somebody else's invite: what its first person signed is not made that one's.
#[test]
fn what_a_forgotten_device_signed_is_not_made_again_in_another_person_s_name() {
    let Story {
        mut world,
        space,
        mut aino,
        mut late,
        backup,
        from_late,
        ..
    } = story();
    disk_lost(&mut world, &backup, false);
    let member = aino.device().identity().expect("enrolled").member;
    let (code, transport) = (world.invite(member), world.transport());
    late.device()
        .enrol(&transport, &code, "late")
        .expect("enrols");
    for _ in 0..4 {
        late.sync(&world);
        world.settle();
    }
    let record = content(world.relay().record().store(), space);
    assert!(
        !record.contains_key(&from_late),
        "by nobody the relay knows"
    );
    assert!(content(late.device().store(), space).contains_key(&from_late));
}

/// The ledger, as old as the backup, knows nothing of a space that is newer: the relay tells nobody that they
/// have left it, and the phones, the last that have what is in it, keep it, also what is not sent.
#[test]
fn a_space_the_relay_has_forgotten_stays_on_the_phones() {
    let mut world = World::new();
    let early = world.space("Koivula");
    let member = world.member("Aino", Role::Owner, &[early]);
    let mut aino = world.phone("aino", member);
    aino.note(early, json!({"summary": "ennen"}));
    aino.sync(&world);
    world.settle();
    let backup = world.folder().join("backup");
    backup::take(world.data(), &backup, &*world.clock, &mut |_, _| {}).expect("is taken");
    let late = world.space("Lepola");
    world.let_in(member, Role::Owner, late);
    for _ in 0..2 {
        aino.sync(&world);
        world.settle();
    }
    let doc = aino.note(late, json!({"summary": "sen jälkeen"}));
    for _ in 0..2 {
        aino.sync(&world);
        world.settle();
    }
    disk_lost(&mut world, &backup, false);
    aino.edit(doc, json!({"summary": "sen jälkeen, ja vielä"}));
    let lives = || world.relay().generation(early).expect("reads").number;
    let life = lives();
    for _ in 0..3 {
        aino.sync(&world);
        world.settle();
    }
    assert_eq!(aino.read(doc).value["summary"], "sen jälkeen, ja vielä");
    let backlog = aino.device().backlog().expect("reads");
    assert_eq!((backlog.held, backlog.refused), (1, 0), "{backlog:?}");
    assert!(!aino.sync(&world).more, "it waits, and does not send again");
    assert_eq!(lives(), life, "no feed begins anew for it");
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
