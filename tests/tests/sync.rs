//! Devices and a relay over real HTTP: what is written offline arrives, once, everywhere.

#![expect(clippy::expect_used, reason = "a test")]

use std::path::Path;

use automerge::ReadDoc;
use automerge::transaction::Transactable;
use serde_json::{Value, json};
use sopu_core::device::DeviceError;
use sopu_core::documents::Kind;
use sopu_core::id::{DocId, SpaceId};
use sopu_core::store::outbox::Stage;
use sopu_core::store::{Store, check, document, draft, history, outbox};
use sopu_server::access::roles::Role;
use sopu_tests::{Phone, World};

fn pair(world: &World, space: SpaceId) -> (Phone, Phone) {
    let maria = world.member("Maria Niemi", Role::Field, &[space]);
    let aino = world.member("Aino Laakso", Role::Field, &[space]);
    (world.phone("maria", maria), world.phone("aino", aino))
}

/// Everything two devices can disagree about.
fn same(one: &mut Phone, other: &mut Phone, doc: DocId) {
    let (a, b) = (one.read(doc), other.read(doc));
    assert_eq!(a.version, b.version, "{:#} and {:#}", a.value, b.value);
    assert_eq!(a.value, b.value);
    let plain = |o: &sopu_core::device::documents::Opened| -> Vec<(String, Vec<Value>)> {
        let values = |c: &sopu_core::device::documents::OpenConflict| {
            c.values.iter().map(|v| v.value.clone()).collect()
        };
        o.conflicts
            .iter()
            .map(|c| (c.path.clone(), values(c)))
            .collect()
    };
    assert_eq!(plain(&a), plain(&b));
}

fn whole(phone: &mut Phone) {
    assert_eq!(
        check::check(phone.device().store().conn()).expect("checks"),
        []
    );
}

#[test]
fn notes_written_offline_by_two_reach_both_in_one_request_each() {
    let world = World::new();
    let space = world.space("Kotihoito, Mäkelä");
    let (mut maria, mut aino) = pair(&world, space);
    let first = maria.note(
        space,
        json!({"summary": "Aamukäynti, kaikki kunnossa", "status": "done"}),
    );
    let second = aino.note(space, json!({"summary": "Iltakäynti"}));
    let sent = maria.sync(&world);
    assert_eq!((sent.requests, sent.acknowledged), (1, 1));
    aino.sync(&world);
    world.settle();
    assert_eq!(maria.sync(&world).requests, 1);
    aino.sync(&world);
    same(&mut maria, &mut aino, first);
    same(&mut maria, &mut aino, second);
    whole(&mut maria);
    whole(&mut aino);
}

#[test]
fn a_reconnect_with_nothing_new_is_one_small_request_however_many_documents_there_are() {
    let world = World::new();
    let spaces: Vec<SpaceId> = (0..20)
        .map(|n| world.space(&format!("Asiakas {n}")))
        .collect();
    let maria = world.member("Maria Niemi", Role::Field, &spaces);
    let mut phone = world.phone("maria", maria);
    let cost = |phone: &mut Phone| {
        let report = phone.sync(&world);
        assert_eq!(report.requests, 1);
        report.bytes_up + report.bytes_down
    };
    cost(&mut phone);
    let few = cost(&mut phone);
    for n in 0..60 {
        phone.note(spaces[n % 20], json!({"summary": format!("Käynti {n}")}));
    }
    phone.sync(&world);
    world.settle();
    phone.sync(&world);
    let many = cost(&mut phone);
    assert!(many <= 300, "{many} bytes");
    assert!(
        many <= few + 8,
        "{few} bytes with nothing, {many} with sixty documents"
    );
}

#[test]
fn a_form_left_open_does_not_undo_what_came_meanwhile() {
    let world = World::new();
    let space = world.space("Tila Koivuranta");
    let (mut maria, mut aino) = pair(&world, space);
    let doc = maria.note(
        space,
        json!({"summary": "Mansikka kunnossa.", "status": "started"}),
    );
    maria.sync(&world);
    world.settle();
    aino.sync(&world);

    let form = maria.read(doc);
    maria.device().open_form(doc);
    aino.edit(doc, json!({"status": "done", "km": "12"}));
    aino.sync(&world);
    world.settle();
    maria.sync(&world);
    let mut value = form.value.clone();
    value["summary"] = json!("Mansikka EI kunnossa.");
    let saved = maria
        .device()
        .save(doc, &form.version, &value)
        .expect("saves");
    value["summary"] = json!("Mansikka EI kunnossa. Härmää.");
    maria
        .device()
        .save(doc, &saved.version, &value)
        .expect("saves");
    maria.sync(&world);
    world.settle();
    maria.sync(&world);
    aino.sync(&world);
    same(&mut maria, &mut aino, doc);
    let merged = aino.read(doc).value;
    assert_eq!(merged["summary"], "Mansikka EI kunnossa. Härmää.");
    assert_eq!(
        (merged["status"].as_str(), merged["km"].as_str()),
        (Some("done"), Some("12"))
    );
}

#[test]
fn a_conflict_shows_who_wrote_what_when_and_one_choice_ends_it_for_everybody() {
    let world = World::new();
    let space = world.space("Kotihoito");
    let (mut maria, mut aino) = pair(&world, space);
    aino.clock.set_off(-11 * 60_000);
    let doc = maria.note(space, json!({"summary": "Käynti"}));
    maria.sync(&world);
    world.settle();
    aino.sync(&world);
    maria.edit(doc, json!({"outcome": "partial"}));
    aino.edit(doc, json!({"outcome": "refused"}));
    for phone in [&mut maria, &mut aino] {
        phone.sync(&world);
    }
    world.settle();
    for phone in [&mut maria, &mut aino] {
        phone.sync(&world);
    }
    same(&mut maria, &mut aino, doc);
    let opened = maria.read(doc);
    assert_eq!(opened.conflicts.len(), 1);
    let conflict = &opened.conflicts[0];
    let by = |value: &str| {
        let found = conflict
            .values
            .iter()
            .find(|v| v.value == value)
            .expect("there");
        found.provenance.clone()
    };
    assert_eq!(by("partial").member_name.as_deref(), Some("Maria Niemi"));
    let ainos = by("refused");
    assert_eq!(ainos.member_name.as_deref(), Some("Aino Laakso"));
    let late = ainos.relay_ms.expect("received") - ainos.device_ms;
    assert!(
        (10 * 60_000..12 * 60_000).contains(&late),
        "{late} ms: her clock is slow"
    );

    let refused = conflict
        .values
        .iter()
        .find(|v| v.value == "refused")
        .expect("there")
        .change;
    maria
        .device()
        .choose(doc, &opened.version, "outcome", &refused)
        .expect("chooses");
    maria.sync(&world);
    world.settle();
    aino.sync(&world);
    maria.sync(&world);
    same(&mut maria, &mut aino, doc);
    assert_eq!(aino.read(doc).conflicts, []);
    assert_eq!(aino.read(doc).value["outcome"], "refused");
}

#[test]
fn people_see_their_work_go_from_phone_to_server_to_record() {
    let world = World::new();
    let space = world.space("Kotihoito");
    let (mut maria, _) = pair(&world, space);
    let doc = maria.note(space, json!({"summary": "Käynti"}));
    let stage = |phone: &mut Phone| phone.device().progress(doc).expect("reads").stage();
    assert_eq!(stage(&mut maria), Some(Stage::Here));
    maria.sync(&world);
    world.settle();
    maria.sync(&world);
    assert_eq!(stage(&mut maria), Some(Stage::Record));
    world.relay().mark_seen(doc).expect("marks");
    maria.sync(&world);
    assert_eq!(stage(&mut maria), Some(Stage::Seen));
    maria.edit(doc, json!({"km": "3"}));
    assert_eq!(stage(&mut maria), Some(Stage::Here));
}

#[test]
fn a_new_device_gets_whole_documents_and_then_every_signature() {
    let world = World::new();
    let space = world.space("Tila Koivuranta");
    let (mut maria, mut aino) = pair(&world, space);
    let mut docs = Vec::new();
    for n in 0..30 {
        let doc = maria.note(
            space,
            json!({"summary": format!("Käynti {n}"), "status": "started"}),
        );
        maria.sync(&world);
        docs.push(doc);
    }
    world.settle();
    aino.sync(&world);
    for doc in &docs {
        aino.edit(*doc, json!({"km": "5"}));
    }
    aino.sync(&world);
    world.settle();
    maria.sync(&world);

    let liisa = world.member("Liisa Aho", Role::Field, &[space]);
    let mut liisa = world.phone("liisa", liisa);
    let aside = sopu_core::store::draft::quarantined(liisa.device().store().conn());
    assert_eq!(aside.expect("reads"), []);
    for doc in &docs {
        same(&mut liisa, &mut maria, *doc);
        let steps = history::history(liisa.device().store().conn(), *doc).expect("reads");
        assert_eq!(steps.len(), 2);
        assert!(
            steps.iter().all(|step| step.envelope.is_some()),
            "every change is proven"
        );
    }
    whole(&mut liisa);
    let report = liisa.sync(&world);
    assert_eq!((report.requests, report.received), (1, 0));
    // And it goes on from there like everyone else.
    maria.edit(docs[3], json!({"summary": "Korjattu"}));
    maria.sync(&world);
    world.settle();
    liisa.sync(&world);
    assert_eq!(liisa.read(docs[3]).value["summary"], "Korjattu");
}

#[test]
fn what_was_acknowledged_is_there_after_the_relay_starts_again() {
    let mut world = World::new();
    let space = world.space("Kotihoito");
    let (mut maria, mut aino) = pair(&world, space);
    let doc = maria.note(space, json!({"summary": "Tallessa"}));
    assert_eq!(maria.sync(&world).acknowledged, 1);
    world.stop();
    world.start();
    world.settle();
    aino.sync(&world);
    assert_eq!(aino.read(doc).value["summary"], "Tallessa");
}

#[test]
fn writing_goes_on_while_the_relay_is_away() {
    let mut world = World::new();
    let space = world.space("Kotihoito");
    let (mut maria, mut aino) = pair(&world, space);
    let transport = world.transport();
    world.stop();
    let doc = maria.note(space, json!({"summary": "Kellarissa"}));
    let error = maria.device().sync(&transport).expect_err("nobody there");
    assert!(matches!(error, sopu_core::device::DeviceError::Offline));
    maria.edit(doc, json!({"km": "1"}));
    world.start();
    maria.sync(&world);
    world.settle();
    aino.sync(&world);
    assert_eq!(aino.read(doc).value["km"], "1");
}

#[test]
fn a_restored_phone_loses_nothing_and_writes_nothing_twice() {
    for same_phone in [true, false] {
        let world = World::new();
        let space = world.space("Kotihoito");
        let (mut maria, mut aino) = pair(&world, space);
        let doc = maria.note(space, json!({"summary": "Alku.", "entries": {}}));
        maria.sync(&world);
        world.settle();
        maria.sync(&world);
        maria.edit(doc, json!({"summary": "Alku. Ennen varmuuskopiota."}));
        let backup = maria.backup();
        maria.edit(
            doc,
            json!({"summary": "Alku. Ennen varmuuskopiota. Sen jälkeen."}),
        );
        maria.sync(&world);
        world.settle();
        maria.sync(&world);

        maria.restore(&backup, same_phone);
        maria.edit(doc, json!({"km": "7"}));
        let other = maria.note(space, json!({"summary": "Palautuksen jälkeen"}));
        for _ in 0..3 {
            maria.sync(&world);
            world.settle();
        }
        aino.sync(&world);
        same(&mut maria, &mut aino, doc);
        let value = aino.read(doc).value;
        let summary = "Alku. Ennen varmuuskopiota. Sen jälkeen.";
        assert_eq!(value["summary"], summary, "same phone: {same_phone}");
        assert_eq!(value["km"], "7");
        assert_eq!(aino.read(other).value["summary"], "Palautuksen jälkeen");
        assert_eq!(maria.device().backlog().expect("reads"), Default::default());
        whole(&mut maria);
    }
}

#[test]
fn a_cloned_phone_is_noticed_and_both_halves_of_its_work_arrive() {
    let world = World::new();
    let space = world.space("Kotihoito");
    let (mut maria, mut aino) = pair(&world, space);
    let doc = maria.note(space, json!({"summary": "Alku."}));
    maria.sync(&world);
    world.settle();
    maria.sync(&world);
    let mut twin = maria.cloned(&world.folder().join("twin"));
    maria.edit(doc, json!({"km": "7"}));
    twin.edit(doc, json!({"outcome": "partial"}));
    for _ in 0..4 {
        maria.sync(&world);
        world.settle();
        twin.sync(&world);
        world.settle();
    }
    maria.sync(&world);
    twin.sync(&world);
    aino.sync(&world);
    let value = aino.read(doc).value;
    assert_eq!(value["km"], "7");
    assert_eq!(value["outcome"], "partial");
    same(&mut maria, &mut aino, doc);
    same(&mut twin, &mut aino, doc);
}

#[test]
fn a_document_larger_than_any_answer_comes_to_a_new_device_in_parts() {
    let world = World::new();
    let space = world.space("Suuri asiakirja");
    let maria = world.member("Maria Niemi", Role::Field, &[space]);
    let mut phone = world.phone("maria", maria);
    let before = phone.note(space, json!({"summary": "ennen"}));
    let large = phone.note(space, json!({"summary": "suuri"}));
    // As one pack it would be six megabytes, more than a part may hold.
    for n in 0..30u32 {
        let mut seed = u64::from(n) | 1 << 40;
        let words = std::iter::repeat_with(|| {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            format!("{seed:016x}")
        });
        let text: String = words.take(12_500).collect();
        phone.edit(large, json!({"route_from": text}));
        phone.sync(&world);
    }
    let after = phone.note(space, json!({"summary": "jälkeen"}));
    phone.sync(&world);
    world.settle();
    phone.sync(&world);

    let aino = world.member("Aino Laakso", Role::Reader, &[space]);
    let mut fresh = Phone::new(&world.folder().join("aino"));
    let code = world.invite(aino);
    let device = fresh.device();
    device
        .enrol(&world.transport(), &code, "aino")
        .expect("enrols");
    let report = fresh.sync(&world);
    assert!(report.requests >= 3, "in parts: {report:?}");
    assert_eq!((report.quarantined, report.more), (0, false), "{report:?}");
    for doc in [before, large, after] {
        same(&mut phone, &mut fresh, doc);
    }
    whole(&mut fresh);
    let steps = history::history(fresh.device().store().conn(), large).expect("reads");
    assert!(steps.len() > 30, "{}", steps.len());
    assert!(
        steps.iter().all(|step| step.envelope.is_some()),
        "every change has its signature"
    );
}

#[test]
fn an_entry_of_a_kind_only_a_later_app_knows_is_kept_and_applied_after_the_update() {
    use sopu_core::encoding::encode_changes;
    use sopu_core::envelope::Envelope;
    use sopu_core::store::{Store, deferred, document, outbox};
    use sopu_core::wire::Entry;

    let world = World::new();
    let space = world.space("Mäkelä");
    let (mut maria, mut aino) = pair(&world, space);
    let doc = maria.note(space, json!({"summary": "uutta lajia"}));
    maria.sync(&world);
    world.settle();
    maria.edit(doc, json!({"outcome": "partial"}));
    maria.sync(&world);
    world.settle();
    maria.sync(&world);
    aino.sync(&world);
    // As an app would have left it that did not know the kind: the entries put by, no document.
    aino.close();
    let path = world.folder().join("aino").join("store.db");
    let mut store = Store::open(&path).expect("opens");
    let mut entries = Vec::new();
    for fed in outbox::fed_of(store.conn(), doc).expect("reads") {
        let changes = outbox::changes_of(store.conn(), fed.id).expect("reads");
        let changes: Vec<Vec<u8>> = changes.into_iter().map(|change| change.bytes).collect();
        entries.push(Entry::Envelope {
            seq: fed.seq.expect("in the feed"),
            envelope: Envelope {
                header: fed.proof.header,
                signature: fed.proof.signature,
                run: encode_changes(&changes).expect("encodes"),
            },
            received_ms: 1,
            accept: fed.accept.expect("accepted"),
        });
    }
    assert_eq!(entries.len(), 2);
    store
        .write(|tx| {
            document::remove_document(tx, doc)?;
            tx.execute("DELETE FROM envelope WHERE doc = ?1", [doc])?;
            let mut put_by = entries.iter();
            put_by.try_for_each(|entry| deferred::defer(tx, space, doc, entry))
        })
        .expect("writes");
    drop(store);

    aino.open();
    same(&mut maria, &mut aino, doc);
    let waiting = deferred::documents(aino.device().store().conn()).expect("reads");
    assert!(waiting.is_empty());
    let fed = outbox::fed_of(aino.device().store().conn(), doc).expect("reads");
    assert_eq!(fed.len(), 2, "provable as any other");
    aino.edit(doc, json!({"summary": "uutta lajia ja jatko"}));
    aino.sync(&world);
    world.settle();
    maria.sync(&world);
    aino.sync(&world);
    same(&mut maria, &mut aino, doc);
    whole(&mut aino);
}

#[test]
fn a_document_of_a_kind_only_a_later_app_knows_comes_after_the_update() {
    use sopu_core::store::{Store, document, draft, meta};

    let world = World::new();
    let space = world.space("Mäkelä");
    let (mut maria, mut aino) = pair(&world, space);
    let doc = maria.note(space, json!({"summary": "uutta lajia"}));
    maria.sync(&world);
    world.settle();
    maria.sync(&world);
    aino.sync(&world);
    // As an app would have left it that did not know the kind: passed over, and its proof not joined.
    aino.close();
    let path = world.folder().join("aino").join("store.db");
    let mut store = Store::open(&path).expect("opens");
    let passed = draft::Quarantined {
        space,
        doc,
        envelope: None,
        reason: "kind_unknown".into(),
        at_ms: 1,
    };
    store
        .write(|tx| {
            document::remove_document(tx, doc)?;
            tx.execute("DELETE FROM envelope WHERE doc = ?1", [doc])?;
            draft::quarantine(tx, &passed)?;
            meta::set_number(tx, "kinds", 2)
        })
        .expect("writes");
    drop(store);

    aino.open();
    aino.sync(&world);
    same(&mut maria, &mut aino, doc);
    whole(&mut aino);
}

/// A change that a relay would refuse and that cannot be made again either: a defect wrote it.
fn write_what_nobody_takes(phone: &mut Phone, store: &Path, space: SpaceId, doc: DocId) {
    phone.close();
    let mut opened = Store::open(store).expect("opens");
    let mut am = opened.document(doc).expect("opens").am.clone();
    am.set_actor(automerge::ActorId::from(&[7; 16][..]));
    let mut tx = am.transaction();
    tx.put(automerge::ROOT, "route_from", "9".repeat(400_000))
        .expect("puts");
    let hash = tx.commit().0.expect("a change");
    let change = am.get_change_by_hash(&hash).expect("it is there");
    let write = document::DocWrite {
        doc,
        space,
        kind: Kind::VisitNote,
        am: &am,
        new: &[document::NewChange::new(&change, document::Origin::Saved)],
        at_ms: 1,
        by: None,
    };
    opened
        .write(|tx| document::write_document(tx, &write))
        .expect("writes");
    drop(opened);
    phone.open();
}

#[test]
fn a_document_that_can_be_neither_sent_nor_made_again_is_set_aside_and_delays_no_other() {
    for restored in [false, true] {
        let world = World::new();
        let space = world.space("Kotihoito");
        let (mut maria, mut aino) = pair(&world, space);
        let doc = maria.note(space, json!({"summary": "Alku."}));
        for phone in [&mut maria, &mut aino] {
            phone.sync(&world);
            world.settle();
        }
        maria.sync(&world);
        let store = maria.store_file();
        write_what_nobody_takes(&mut maria, &store, space, doc);
        if restored {
            let backup = maria.backup();
            maria.restore(&backup, false);
        }
        let other = maria.note(space, json!({"summary": "Toinen."}));
        for _ in 0..3 {
            let report = maria.sync(&world);
            assert!(!report.more && report.requests < 10, "{report:?}");
            world.settle();
        }
        aino.sync(&world);
        assert_eq!(aino.read(other).value["summary"], "Toinen.");
        same(&mut maria, &mut aino, doc);

        let conn = maria.device().store().conn();
        let aside = draft::quarantined(conn).expect("reads");
        assert_eq!(aside.len(), 1, "restored: {restored}");
        assert_eq!(aside[0].doc, doc);
        let drafts = draft::drafts(conn).expect("reads");
        assert_eq!(drafts.len(), 1);
        let kept = drafts[0].value["route_from"].as_str().expect("a text");
        assert_eq!(kept.len(), 400_000);
        assert!(outbox::unsettled(conn, None).expect("reads").is_empty());

        // The document is still of use.
        maria.edit(doc, json!({"summary": "Alku. Ja jatko."}));
        for _ in 0..2 {
            maria.sync(&world);
            world.settle();
        }
        aino.sync(&world);
        assert_eq!(aino.read(doc).value["summary"], "Alku. Ja jatko.");
        whole(&mut maria);
    }
}

#[test]
fn a_device_says_what_it_is_once_and_an_idle_sync_stays_as_small_as_it_was() {
    let world = World::new();
    let space = world.space("Kotihoito");
    let maria = world.member("Maria Niemi", Role::Field, &[space]);
    let mut phone = world.phone("maria", maria);
    let about = |world: &World| {
        let rows = world.admin(|db| sopu_server::access::devices::list(db).expect("lists"));
        rows[0].about.clone().expect("told").0
    };
    assert!(about(&world).app.starts_with("Sopu "));
    phone.device().set_app("Kenttä 1.2");
    phone.sync(&world);
    assert_eq!(about(&world).app, "Kenttä 1.2");
    let idle = phone.sync(&world);
    assert_eq!(idle.requests, 1);
    assert!(idle.bytes_up + idle.bytes_down <= 73, "{idle:?}");
    // Work that goes out with the request is no longer waiting.
    phone.note(space, json!({"summary": "Käynti"}));
    phone.sync(&world);
    world.settle();
    phone.sync(&world);
    assert_eq!(about(&world).unsent, 0);
    let idle = phone.sync(&world);
    assert!(idle.bytes_up + idle.bytes_down <= 73, "{idle:?}");
}

#[test]
fn a_document_made_again_under_its_id_is_one_document() {
    let world = World::new();
    let (space, other) = (world.space("Mäkelä"), world.space("Koivula"));
    let maria = world.member("Maria Niemi", Role::Field, &[space, other]);
    let mut phone = world.phone("maria", maria);
    phone.sync(&world);
    let doc = DocId::mint(&*world.clock);
    let value = json!({"summary": "Kerran"});
    let mut make = |space, kind| phone.device().create_as(doc, space, kind, &value);
    let first = make(space, Kind::VisitNote).expect("makes");
    let again = make(space, Kind::VisitNote).expect("is there");
    assert_eq!(again.version, first.version);
    assert_eq!(again.changes, []);
    for (space, kind) in [(other, Kind::VisitNote), (space, Kind::Contract)] {
        let taken = make(space, kind).expect_err("is another's");
        assert!(
            matches!(&taken, DeviceError::BadValue { path, code: "taken" } if path == "doc"),
            "{taken}"
        );
    }
    phone.edit(doc, json!({"summary": "Muutettu"}));
    phone.sync(&world);
    let later = json!({"summary": "Uusi yritys"});
    let made = phone
        .device()
        .create_as(doc, space, Kind::VisitNote, &later);
    made.expect("is there");
    assert_eq!(phone.read(doc).value["summary"], "Muutettu");
}
