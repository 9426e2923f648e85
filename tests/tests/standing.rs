//! What becomes of work when its author's standing changes: nothing is lost, and nobody reads or
//! writes what is not theirs.

#![expect(clippy::expect_used, reason = "a test")]

use serde_json::json;
use sopu_core::device::pending::Place;
use sopu_core::device::{DeviceError, SyncReport};
use sopu_core::id::{DocId, MemberId, SpaceId};
use sopu_core::store::list::Query;
use sopu_core::store::meta;
use sopu_core::store::outbox::{self, State};
use sopu_core::time::Env;
use sopu_core::wire::Verdict;
use sopu_server::access::people::{self, Party};
use sopu_server::access::roles::Role;
use sopu_server::access::substitutes::{self, Substitution};
use sopu_tests::{Phone, World};

fn remove(world: &World, space: SpaceId, member: MemberId) {
    let now_ms = world.clock.now_ms();
    world.admin(|db| {
        assert!(people::revoke(db, space, Party::Member(member), now_ms).expect("revokes"));
    });
}

fn states(phone: &mut Phone) -> Vec<State> {
    let unsettled = outbox::unsettled(phone.device().store().conn(), None).expect("reads");
    unsettled
        .into_iter()
        .map(|envelope| envelope.state)
        .collect()
}

#[test]
fn what_a_reader_writes_is_kept_for_the_office_and_shown_to_nobody() {
    let world = World::new();
    let space = world.space("Kotihoito");
    let maria = world.member("Maria Niemi", Role::Field, &[space]);
    let reader = world.member("Olli Omainen", Role::Reader, &[space]);
    let (mut maria, mut reader) = (world.phone("maria", maria), world.phone("olli", reader));
    let doc = maria.note(space, json!({"summary": "Käynti"}));
    maria.sync(&world);
    world.settle();
    reader.sync(&world);
    assert_eq!(reader.read(doc).value["summary"], "Käynti", "he may read");
    reader.edit(doc, json!({"summary": "Omaisen korjaus"}));
    reader.sync(&world);
    world.settle();
    reader.sync(&world);
    maria.sync(&world);
    assert_eq!(maria.read(doc).value["summary"], "Käynti");
    let kept = states(&mut reader);
    assert!(
        matches!(&kept[..], [State::Held(reason)] if reason == "right_missing"),
        "{kept:?}"
    );
    let pending = reader.device().pending().expect("reads");
    assert_eq!(pending.len(), 1, "{pending:?}");
    assert_eq!((pending[0].doc, pending[0].place), (doc, Place::Held));
    assert!(pending[0].reasons.contains("right_missing"), "{pending:?}");
    assert!(pending[0].title.is_some());
    assert_eq!(maria.device().pending().expect("reads"), []);
    assert_eq!(
        reader.read(doc).value["summary"],
        "Omaisen korjaus",
        "it stays his to see"
    );
    assert_eq!(world.relay().quarantine(9).expect("reads").len(), 1);
}

#[test]
fn a_person_taken_out_of_a_space_delivers_what_they_had_and_then_holds_nothing_of_it() {
    let world = World::new();
    let (left, kept) = (
        world.space("Entinen asiakas"),
        world.space("Nykyinen asiakas"),
    );
    let maria = world.member("Maria Niemi", Role::Field, &[left, kept]);
    let mut phone = world.phone("maria", maria);
    let gone = phone.note(left, json!({"summary": "Salainen harvinaissana"}));
    let stays = phone.note(kept, json!({"summary": "Pysyvä"}));
    phone.sync(&world);
    world.settle();
    phone.sync(&world);
    phone.edit(gone, json!({"km": "4"}));
    remove(&world, left, maria);
    for _ in 0..3 {
        phone.sync(&world);
        world.settle();
    }
    let spaces: Vec<SpaceId> = phone
        .device()
        .spaces()
        .expect("reads")
        .iter()
        .map(|s| s.id)
        .collect();
    assert_eq!(spaces, [kept]);
    let missing = phone.device().read(gone).expect_err("dropped");
    assert!(matches!(missing, DeviceError::NotFound(_)));
    assert_eq!(phone.read(stays).value["summary"], "Pysyvä");
    // The edit was saved inside the grant: it is on the relay, in the record or for the office.
    let there = world
        .relay()
        .record()
        .store()
        .document(gone)
        .expect("there");
    let value = sopu_core::read::read(&there.am, there.kind).value;
    let held = world.relay().quarantine(9).expect("reads").len();
    assert!(
        value["km"] == "4" || held == 1,
        "delivered before it was dropped"
    );
}

#[test]
fn a_revoked_device_hands_over_its_unsent_work_and_is_wiped() {
    let world = World::new();
    let space = world.space("Kotihoito");
    let maria = world.member("Maria Niemi", Role::Field, &[space]);
    let mut phone = world.phone("maria", maria);
    let doc = phone.note(space, json!({"summary": "Käynti"}));
    phone.sync(&world);
    world.settle();
    phone.edit(doc, json!({"km": "4"}));
    let device = phone.device().identity().expect("enrolled").device;
    world.relay().revoke(device).expect("revokes");
    let mut wiped = false;
    for _ in 0..4 {
        match phone.device().sync(&world.transport()) {
            Ok(report) => wiped |= report.wiped,
            Err(DeviceError::Refused { code }) => assert_eq!(code, "device_revoked"),
            Err(other) => panic!("{other}"),
        }
        world.settle();
    }
    assert!(wiped);
    assert!(matches!(
        phone.device().read(doc),
        Err(DeviceError::NotFound(_))
    ));
    let escrow = world.relay().quarantine(9).expect("reads");
    assert_eq!(escrow.len(), 1, "the office has the unsent work to review");
}

#[test]
fn what_is_refused_of_a_revoked_device_is_made_again_before_it_is_wiped() {
    let world = World::new();
    let space = world.space("Kotihoito");
    let maria = world.member("Maria Niemi", Role::Field, &[space]);
    let mut phone = world.phone("maria", maria);
    let doc = phone.note(space, json!({"summary": "Käynti"}));
    phone.sync(&world);
    world.settle();
    phone.sync(&world);
    // The app's data goes back: what it writes now, it has written otherwise before.
    let backup = phone.backup();
    phone.edit(doc, json!({"km": "4"}));
    phone.sync(&world);
    world.settle();
    phone.restore(&backup, true);
    phone.edit(doc, json!({"outcome": "partial"}));
    let device = phone.device().identity().expect("enrolled").device;
    world.relay().revoke(device).expect("revokes");
    assert!(phone.sync(&world).wiped);
    assert_both_released(&world, doc);
}

/// Once the office has let in what is held, both edits are in the record.
fn assert_both_released(world: &World, doc: DocId) {
    for row in world.relay().quarantine(9).expect("reads") {
        world.relay().release(row.id).expect("releases");
    }
    world.settle();
    let there = world.relay().record().store().document(doc);
    let there = there.expect("there");
    let value = sopu_core::read::read(&there.am, there.kind).value;
    assert_eq!(
        (&value["km"], &value["outcome"]),
        (&json!("4"), &json!("partial"))
    );
}

/// One answer said that the edit is refused, that its writer is out of the space, and that there is more
/// to hear of another space (storms 20407, 21505 and 25143).
#[test]
fn what_is_refused_in_a_space_that_is_left_is_made_again_before_the_space_goes() {
    let world = World::new();
    let (left, kept) = (
        world.space("Entinen asiakas"),
        world.space("Nykyinen asiakas"),
    );
    let maria = world.member("Maria Niemi", Role::Field, &[left, kept]);
    let petri = world.member("Petri Laine", Role::Field, &[kept]);
    let (mut phone, mut other) = (world.phone("maria", maria), world.phone("petri", petri));
    let doc = phone.note(left, json!({"summary": "Käynti"}));
    phone.sync(&world);
    world.settle();
    phone.sync(&world);
    // The app's data goes back: what it writes now, it has written otherwise before.
    let backup = phone.backup();
    phone.edit(doc, json!({"km": "4"}));
    phone.sync(&world);
    world.settle();
    phone.restore(&backup, true);
    phone.edit(doc, json!({"outcome": "partial"}));
    for _ in 0..2 {
        other.note(kept, json!({"summary": "Muuta"}));
    }
    other.sync(&world);
    world.settle();
    remove(&world, left, maria);

    let token = meta::text(phone.device().store().conn(), "token").expect("reads");
    let mut sent = phone.device().next_request(0).expect("makes");
    sent.request.max_bytes = 1;
    let answer = world.relay().sync(&token.expect("there"), &sent.request);
    let answer = answer.expect("answers");
    assert!(matches!(answer.answers[..], [Verdict::Final(_)]));
    assert!(answer.more && answer.spaces.iter().any(|news| news.standing.is_none()));
    let mut report = SyncReport::default();
    let device = phone.device();
    device.apply(&sent, &answer, &mut report).expect("applies");

    for _ in 0..2 {
        phone.sync(&world);
        world.settle();
    }
    let here = phone.device().spaces().expect("reads");
    assert_eq!(here.iter().map(|s| s.id).collect::<Vec<_>>(), [kept]);
    assert_both_released(&world, doc);
}

#[test]
fn an_invite_works_once_and_says_why_it_does_not_again() {
    let world = World::new();
    let space = world.space("Kotihoito");
    let maria = world.member("Maria Niemi", Role::Field, &[space]);
    let code = world.invite(maria);
    let mut first = Phone::new(&world.folder().join("first"));
    first
        .device()
        .enrol(&world.transport(), &code, "phone")
        .expect("enrols");
    let mut second = Phone::new(&world.folder().join("second"));
    let refused = |phone: &mut Phone, code: &str| {
        let error = phone
            .device()
            .enrol(&world.transport(), code, "phone")
            .expect_err("refused");
        let DeviceError::Refused { code } = error else {
            panic!("{error}")
        };
        code
    };
    assert_eq!(refused(&mut second, &code), "invite_used");
    let late = world.invite(maria);
    world.clock.set_off(25 * 60 * 60 * 1_000);
    assert_eq!(refused(&mut second, &late), "invite_expired");
    assert_eq!(refused(&mut second, "XXXX-XXXX-XXXX"), "invite_unknown");
}

const HOUR: i64 = 60 * 60 * 1_000;

/// Days of the relay's and the phone's clock together.
fn later(world: &World, phone: &Phone, ms: i64) {
    world.clock.set_off(ms);
    phone.clock.set_off(ms);
}

#[test]
fn a_substitute_s_right_begins_and_ends_by_itself_and_work_of_that_time_is_taken_late() {
    let world = World::new();
    let (one, two) = (world.space("Koivula"), world.space("Mäkelä"));
    let own = world.space("Oma asiakas");
    let maria = world.member("Maria Niemi", Role::Field, &[one, two]);
    let sari = world.member("Sari Sijainen", Role::Field, &[own]);
    let (mut maria, mut sari_s) = (world.phone("maria", maria), world.phone("sari", sari));
    let doc = maria.note(one, json!({"summary": "Harvinaissana"}));
    maria.sync(&world);
    world.settle();
    let now_ms = world.clock.now_ms();
    let given = Substitution {
        member: sari,
        spaces: &[one, two],
        window: people::Window {
            from_ms: now_ms + HOUR,
            until_ms: Some(now_ms + 25 * HOUR),
        },
        by: None,
        reason: "sijaisuus",
    };
    world.admin(|db| substitutes::grant(db, &given, now_ms).expect("granted"));
    let shown = |phone: &mut Phone| phone.device().spaces().expect("reads").len();
    sari_s.sync(&world);
    assert_eq!(shown(&mut sari_s), 1, "not yet");
    later(&world, &sari_s, 2 * HOUR);
    sari_s.sync(&world);
    assert_eq!(shown(&mut sari_s), 3);
    assert_eq!(sari_s.read(doc).value["summary"], "Harvinaissana");

    // Offline until after the end: what was written in time stays unsent, and nothing is shown.
    later(&world, &sari_s, 24 * HOUR);
    let written = sari_s.note(two, json!({"summary": "Käynti sijaisena"}));
    sari_s.edit(doc, json!({"km": "4"}));
    later(&world, &sari_s, 26 * HOUR);
    assert_eq!(shown(&mut sari_s), 1);
    let search = Query {
        text: Some("harvinaissana".to_owned()),
        ..Query::default()
    };
    assert_eq!(sari_s.device().list(&search).expect("lists").total, 0);
    let error = sari_s.device().read(doc).expect_err("sealed");
    assert!(matches!(error, DeviceError::SpaceEnded { .. }), "{error}");
    assert!(sari_s.device().backlog().expect("reads").unsealed >= 2);

    // Three days later there is a network: all of it is delivered, taken as late, and the spaces go.
    later(&world, &sari_s, 98 * HOUR);
    for _ in 0..3 {
        sari_s.sync(&world);
        world.settle();
    }
    assert!(world.relay().quarantine(9).expect("reads").is_empty());
    maria.clock.set_off(98 * HOUR);
    maria.sync(&world);
    assert_eq!(maria.read(doc).value["km"], "4");
    assert_eq!(maria.read(written).value["summary"], "Käynti sijaisena");
    assert!(sari_s.device().sealed_spaces().expect("reads").is_empty());
    let gone = sari_s.device().read(doc).expect_err("dropped");
    assert!(matches!(gone, DeviceError::NotFound(_)));
}

/// Two turns were given at once, so nothing changed in between: the relay says only that the first has ended.
#[test]
fn a_substitute_who_comes_back_before_all_was_delivered_is_in_the_space_again() {
    let world = World::new();
    let space = world.space("Koivula");
    let own = world.space("Oma asiakas");
    let sari = world.member("Sari Sijainen", Role::Field, &[own]);
    let now_ms = world.clock.now_ms();
    for (from, until) in [(0, 2), (4, 9)] {
        let given = Substitution {
            member: sari,
            spaces: &[space],
            window: people::Window {
                from_ms: now_ms + from * HOUR - 60_000,
                until_ms: Some(now_ms + until * HOUR),
            },
            by: None,
            reason: "sijaisuus",
        };
        world.admin(|db| substitutes::grant(db, &given, now_ms).expect("granted"));
    }
    let mut phone = world.phone("sari", sari);
    let doc = phone.note(space, json!({"summary": "Käynti"}));
    for _ in 0..2 {
        phone.sync(&world);
        world.settle();
    }
    world.clock.set_off(3 * HOUR);
    let outgoing = phone.device().next_request(0).expect("asks");
    let token = meta::text(phone.device().store().conn(), "token").expect("reads");
    let answer = world
        .relay()
        .sync(&token.expect("enrolled"), &outgoing.request);
    // While it hears that it is to leave, there is more to deliver.
    phone.edit(doc, json!({"km": "4"}));
    let mut report = SyncReport::default();
    let applied = phone
        .device()
        .apply(&outgoing, &answer.expect("answers"), &mut report);
    applied.expect("applies");
    later(&world, &phone, 5 * HOUR);
    for _ in 0..3 {
        phone.sync(&world);
        world.settle();
    }
    let spaces = phone.device().spaces().expect("reads");
    let here = spaces.iter().find(|here| here.id == space);
    assert!(here.is_some_and(|here| here.left_ms.is_none() && here.cursor.is_some()));
    assert_eq!(phone.read(doc).value["km"], "4");
}

#[test]
fn a_device_hears_its_organisation_s_lease_and_opens_again_at_the_next_contact() {
    let world = World::new();
    let space = world.space("Kotihoito");
    let maria = world.member("Maria Niemi", Role::Field, &[space]);
    let mut phone = world.phone("maria", maria);
    let doc = phone.note(space, json!({"summary": "Käynti"}));
    phone.sync(&world);
    world.settle();
    world.admin(|db| people::set_lease(db, world.org, 14).expect("set"));
    phone.sync(&world);
    phone.clock.set_off(13 * 24 * HOUR);
    assert_eq!(phone.read(doc).value["summary"], "Käynti");
    phone.clock.set_off(15 * 24 * HOUR);
    let error = phone.device().read(doc).expect_err("sealed");
    assert!(
        matches!(error, DeviceError::LeaseEnded { days: 14 }),
        "{error}"
    );
    phone.clock.set_off(0);
    assert!(
        phone.device().read(doc).is_err(),
        "a clock set back opens nothing"
    );
    phone.sync(&world);
    assert_eq!(phone.read(doc).value["summary"], "Käynti");
}

/// An answer that was long on its way says held; since then the office has dropped the work, and a later answer has
/// said so.
#[test]
fn a_late_answer_does_not_take_a_refusal_back() {
    let world = World::new();
    let space = world.space("Kotihoito");
    let maria = world.member("Maria Niemi", Role::Field, &[space]);
    let reader = world.member("Olli Omainen", Role::Reader, &[space]);
    let (mut maria, mut reader) = (world.phone("maria", maria), world.phone("olli", reader));
    let doc = maria.note(space, json!({"summary": "Käynti"}));
    maria.sync(&world);
    world.settle();
    reader.sync(&world);
    reader.edit(doc, json!({"summary": "Omaisen korjaus"}));

    let token = meta::text(reader.device().store().conn(), "token").expect("reads");
    let token = token.expect("there");
    let ask = |reader: &mut Phone| {
        let sent = reader.device().next_request(0).expect("makes");
        let mut answer = world.relay().sync(&token, &sent.request).expect("answers");
        // Nothing is done with a refusal yet: there is more to hear first.
        answer.more = true;
        (sent, answer)
    };
    let waits = ask(&mut reader);
    world.settle();
    let held = ask(&mut reader);
    for row in world.relay().quarantine(9).expect("reads") {
        assert!(world.relay().drop_held(row.id).expect("drops"));
    }
    let refused = ask(&mut reader);
    let mut report = SyncReport::default();
    for (sent, answer) in [&waits, &refused, &held] {
        let device = reader.device();
        device.apply(sent, answer, &mut report).expect("applies");
    }
    let says = |answers: &[Verdict]| matches!(answers, [Verdict::Held(_)]);
    assert!(says(&held.1.answers), "{:?}", held.1.answers);
    let kept = states(&mut reader);
    assert!(matches!(kept[..], [State::Final(_)]), "{kept:?}");
}

/// Two people wrote different entries under one key of a log, which only an app that makes keys of its own can.
#[test]
fn a_draft_shows_what_its_author_wrote_and_not_what_stands_in_its_place() {
    let world = World::new();
    let space = world.space("Kotihoito");
    let mut phones = ["Maria Niemi", "Petri Laine"].map(|name| {
        let member = world.member(name, Role::Field, &[space]);
        world.phone(name, member)
    });
    let doc = phones[0].note(space, json!({"summary": "Käynti"}));
    for _ in 0..2 {
        for phone in &mut phones {
            phone.sync(&world);
            world.settle();
        }
    }
    let key = "0190b5a0-0000-7000-8000-000000000009";
    for (phone, text) in phones.iter_mut().zip(["Marian", "Petrin"]) {
        let entry = json!({"at": 1_767_225_600_000_i64, "text": text});
        phone.edit(doc, json!({"comments": {key: entry}, "summary": text}));
    }
    for _ in 0..3 {
        for phone in &mut phones {
            phone.sync(&world);
            world.settle();
        }
    }
    let shown = phones[1].read(doc).value;
    assert_eq!(shown["comments"][key]["text"], "Marian");
    let drafts = phones[1].device().drafts().expect("reads");
    assert_eq!(drafts.len(), 1, "{drafts:?}");
    assert_eq!(drafts[0].reason, "log_key_taken");
    assert_eq!(drafts[0].value["comments"][key]["text"], "Petrin");
}
