//! What is taken, what is held, what is refused, and that a refusal touches nothing else.

use serde_json::json;
use sopu_core::documents::Kind;
use sopu_core::envelope::{Envelope, actor_id, encode};
use sopu_core::run::{Sealing, seal};
use sopu_core::save::{SaveContext, save};
use sopu_core::wire::{EnrolRequest, SyncRequest, Verdict};

use super::world::{DAY, Note, World};
use crate::access::Role;
use crate::api::Problem;
use crate::relay::{OpenError, Relay};
use crate::store::State;

fn refused(code: &str) -> Verdict {
    Verdict::Refused(code.into())
}

fn held(code: &str) -> Verdict {
    Verdict::Held(code.into())
}

#[test]
fn a_pushed_note_is_waiting_at_once_and_in_the_feed_after_merging() {
    let mut world = World::new();
    let phone = world.phone(Role::Field);
    let (_, sealed) = phone.note(world.space, "a");
    assert_eq!(world.push(&phone, &[&sealed.envelope]), [Verdict::Waiting]);
    assert_eq!(
        world.push(&phone, &[&sealed.envelope]),
        [Verdict::Waiting],
        "again: its present state"
    );
    world.relay.merge_all().unwrap();
    assert_eq!(
        world.push(&phone, &[&sealed.envelope]),
        [Verdict::Fed(1)],
        "again, later"
    );
}

#[test]
fn what_was_acknowledged_is_there_after_a_crash() {
    let mut world = World::new();
    let phone = world.phone(Role::Field);
    let (_, sealed) = phone.note(world.space, "a");
    world.push(&phone, &[&sealed.envelope]);
    let world = world.reopen();
    world.relay.merge_all().unwrap();
    assert_eq!(world.state(sealed.proof.id()), Verdict::Fed(1));
}

#[test]
fn a_bad_envelope_refuses_itself_and_not_the_batch() {
    let mut world = World::new();
    let phone = world.phone(Role::Field);
    let (_, good) = phone.note(world.space, "a");
    let request = SyncRequest {
        push: vec![
            b"no envelope".to_vec().into(),
            encode(&good.envelope).into(),
        ],
        ..phone.request()
    };
    let answers = world.relay.sync(&phone.token, &request).unwrap().answers;
    assert_eq!(answers, [refused("bad_cbor"), Verdict::Waiting]);
}

#[test]
fn each_refusal_says_why_and_leaves_everything_as_it_was() {
    let mut world = World::new();
    let phone = world.phone(Role::Field);
    let other = world.phone(Role::Field);
    let (mut note, first) = phone.note(world.space, "a");
    world.feed(&phone, &first);
    let second = note.write(&phone, json!({ "tags": ["a", "b"] }));

    let mut signature = second.envelope.clone();
    signature.signature[5] ^= 1;
    let mut damaged = second.envelope.clone();
    damaged.run.truncate(damaged.run.len() - 3);
    let mut header = second.proof.header().unwrap();
    header.kind = 99;
    let kind = Envelope {
        header: header.to_bytes(),
        ..second.envelope.clone()
    };

    // Someone else's changes under one's own signature.
    let foreign = {
        let mut am = note.am.clone();
        let before = am.get_heads();
        let epoch = other.epoch.get();
        let actor = actor_id(&other.key.verifying_key(), world.space, &epoch);
        let ctx = SaveContext {
            actor,
            by: other.member,
            at_ms: world.now(),
            env: &*world.clock,
        };
        let at = sopu_core::read::version(&am);
        save(
            &mut am,
            Kind::VisitNote,
            &at,
            &json!({ "tags": ["c"] }),
            &ctx,
        )
        .unwrap();
        let changes: Vec<_> = am
            .get_changes(&before)
            .iter()
            .map(|c| c.raw_bytes().to_vec())
            .collect();
        let sealing = phone.sealing(world.space, note.id, Kind::VisitNote);
        // The sealer itself refuses it, so it is signed as the other and carried under this name.
        let theirs = Sealing {
            device: phone.id,
            epoch,
            ..sealing
        };
        seal(theirs, &changes, &other.key).unwrap().envelope
    };

    let other_space = world.second_space();
    world.grant(other_space, phone.member, Role::Field, None);
    let moved = {
        let mut note = Note {
            space: other_space,
            ..note.clone()
        };
        note.write(&phone, json!({ "tags": ["d"] })).envelope
    };
    let nowhere = {
        let space = sopu_core::id::SpaceId::mint(&*world.clock);
        phone.note(space, "e").1.envelope
    };
    let before = world.fingerprint();
    for (envelope, code) in [
        (&signature, "signature_wrong"),
        (&kind, "kind_unknown"),
        (&foreign, "signature_wrong"),
        (&moved, "doc_of_other_space"),
        (&nowhere, "space_unknown"),
    ] {
        assert_eq!(world.push(&phone, &[envelope]), [refused(code)], "{code}");
        assert_eq!(world.fingerprint(), before, "after {code}");
    }
    assert!(matches!(
        &world.push(&phone, &[&damaged])[..],
        [Verdict::Refused(_)]
    ));
    assert_eq!(world.fingerprint(), before);
    assert_eq!(
        world.feed(&phone, &second),
        Verdict::Fed(2),
        "and the good one still enters"
    );
}

#[test]
fn changes_under_an_actor_that_is_not_the_signers_are_refused() {
    let mut world = World::new();
    let phone = world.phone(Role::Field);
    let (note, _) = phone.note(world.space, "a");
    let mut am = sopu_core::genesis::genesis(Kind::VisitNote).document();
    let genesis = am.get_heads();
    let ctx = SaveContext {
        actor: [9; 16],
        by: phone.member,
        at_ms: world.now(),
        env: &*world.clock,
    };
    let at = sopu_core::read::version(&am);
    save(
        &mut am,
        Kind::VisitNote,
        &at,
        &json!({ "tags": ["x"] }),
        &ctx,
    )
    .unwrap();
    let changes: Vec<_> = am
        .get_changes(&genesis)
        .iter()
        .map(|c| c.raw_bytes().to_vec())
        .collect();
    let checked = sopu_core::guard::check_change(
        &changes[0],
        Kind::VisitNote,
        &sopu_core::guard::Limits::RELAY,
    )
    .unwrap();
    // Signed by hand: the sealer would not.
    let mut header = phone.note(world.space, "b").1.proof.header().unwrap();
    header.doc = note.id;
    let proof = sopu_core::envelope::sign(&header, &[checked.hash], &phone.key);
    let run = sopu_core::encoding::encode_changes(&changes).unwrap();
    let envelope = Envelope {
        header: proof.header,
        signature: proof.signature,
        run,
    };
    assert_eq!(world.push(&phone, &[&envelope]), [refused("actor_foreign")]);
}

#[test]
fn the_same_sequence_number_twice_is_a_fork_and_final() {
    let mut world = World::new();
    let phone = world.phone(Role::Field);
    let (note, first) = phone.note(world.space, "a");
    world.feed(&phone, &first);
    let (mut one, mut two) = (note.clone(), note);
    let one = one.write(&phone, json!({ "tags": ["a", "b"] }));
    let two = two.write(&phone, json!({ "tags": ["a", "c"] }));
    assert_eq!(world.feed(&phone, &one), Verdict::Fed(2));
    assert_eq!(world.feed(&phone, &two), Verdict::Final("fork".into()));
    assert_eq!(
        world.feed(&phone, &two),
        Verdict::Final("fork".into()),
        "for ever"
    );
}

#[test]
fn a_readers_note_is_kept_and_enters_when_the_right_comes() {
    let mut world = World::new();
    let phone = world.phone(Role::Reader);
    let (_, sealed) = phone.note(world.space, "a");
    assert_eq!(world.feed(&phone, &sealed), held("right_missing"));
    world.later(1_000);
    world.grant(world.space, phone.member, Role::Field, None);
    world.relay.merge_all().unwrap();
    assert_eq!(world.state(sealed.proof.id()), Verdict::Fed(1));
}

#[test]
fn work_saved_before_a_window_closed_is_taken_late_and_later_held() {
    let mut world = World::new();
    let member = world.person();
    let end = world.now() + DAY;
    world.grant(world.space, member, Role::Field, Some(end));
    let phone = world.phone_of(member);
    let (_, first) = phone.note(world.space, "a");
    let (_, second) = phone.note(world.space, "b");
    world.later(10 * DAY);
    let (_, after) = phone.note(world.space, "c");
    assert_eq!(world.feed(&phone, &first), Verdict::Fed(1));
    assert_eq!(
        world.feed(&phone, &after),
        held("right_missing"),
        "saved after the end"
    );
    world.later(10 * DAY);
    assert_eq!(world.feed(&phone, &second), held("late"));
}

#[test]
fn work_of_the_last_minute_is_taken_late_also_when_it_is_sealed_after_the_end() {
    for (saved_before_ms, wanted) in [(20_000, Verdict::Fed(1)), (0, held("right_missing"))] {
        let mut world = World::new();
        let member = world.person();
        let end = world.now() + DAY;
        world.grant(world.space, member, Role::Field, Some(end));
        let phone = world.phone_of(member);
        world.later(DAY - saved_before_ms);
        let mut note = Note::new(&phone, world.space, Kind::VisitNote);
        let before = note.am.get_heads();
        note.write(&phone, json!({ "tags": ["a"] }));
        let changes = note.am.get_changes(&before);
        let changes: Vec<Vec<u8>> = changes.iter().map(|c| c.raw_bytes().to_vec()).collect();
        world.later(saved_before_ms + 10_000);
        let sealing = phone.sealing(world.space, note.id, note.kind);
        let sealed = seal(sealing, &changes, &phone.key).unwrap();
        assert_eq!(sealed.proof.header().unwrap().saved_at_ms, None);
        assert_eq!(world.feed(&phone, &sealed), wanted);
    }
}

#[test]
fn work_of_a_removed_person_is_held_and_the_office_can_let_it_in() {
    let mut world = World::new();
    let phone = world.phone(Role::Field);
    let (_, sealed) = phone.note(world.space, "a");
    world.later(1_000);
    world.remove(world.space, phone.member);
    assert_eq!(world.feed(&phone, &sealed), held("removed"));
    assert!(world.relay.release(sealed.proof.id()).unwrap());
    world.relay.merge_all().unwrap();
    assert_eq!(world.state(sealed.proof.id()), Verdict::Fed(1));
}

#[test]
fn without_a_known_token_or_protocol_nothing_is_said() {
    let mut world = World::new();
    let phone = world.phone(Role::Field);
    assert_eq!(
        world.relay.sync("nobody", &phone.request()).unwrap_err(),
        Problem::Unauthorised
    );
    let request = SyncRequest {
        protocol: 7,
        ..phone.request()
    };
    assert_eq!(
        world.relay.sync(&phone.token, &request).unwrap_err(),
        Problem::ProtocolUnknown
    );
}

#[test]
fn an_answer_to_an_enrolment_that_was_lost_is_given_again_until_it_was_used() {
    let mut world = World::new();
    let member = world.member(Role::Field);
    let key = ed25519_dalek::SigningKey::from_bytes(&[7; 32]);
    let code = world.invite(member);
    let request = world.enrol_request(&code, &key);
    let lost = world.relay.enrol(&request).unwrap();
    // The network brought it twice: whichever answer arrives must be good.
    let answer = world.relay.enrol(&request).unwrap();
    assert_eq!((answer.device, &answer.token), (lost.device, &lost.token));
    // The app was installed anew meanwhile: one invite, one device.
    let anew = EnrolRequest {
        instance: [9; 16],
        ..request.clone()
    };
    let other = world.relay.enrol(&anew).unwrap();
    assert_ne!((other.device, &other.token), (lost.device, &lost.token));
    let first = world.relay.commits.read(|store| store.device(lost.device));
    assert!(first.unwrap().unwrap().revoked_ms.is_some());
    let (request, answer) = (anew, other);
    let other = ed25519_dalek::SigningKey::from_bytes(&[8; 32]);
    let thief = world.enrol_request(&code, &other);
    assert_eq!(world.relay.enrol(&thief).unwrap_err(), Problem::InviteUsed);
    let any = world.phone(Role::Field).request();
    world.relay.sync(&answer.token, &any).unwrap();
    assert_eq!(
        world.relay.enrol(&request).unwrap_err(),
        Problem::InviteUsed
    );
}

#[test]
fn an_invite_enrols_one_device_and_each_refusal_says_why() {
    let mut world = World::new();
    let member = world.member(Role::Field);
    let key = |n: u8| ed25519_dalek::SigningKey::from_bytes(&[n; 32]);
    let code = world.invite(member);
    let before = world.fingerprint();
    let wrong = EnrolRequest {
        signature: [1; 64],
        ..world.enrol_request(&code, &key(1))
    };
    assert_eq!(
        world.relay.enrol(&wrong).unwrap_err(),
        Problem::SignatureWrong
    );
    let unknown = world.enrol_request("AAAA-AAAA-AAAA", &key(1));
    assert_eq!(
        world.relay.enrol(&unknown).unwrap_err(),
        Problem::InviteUnknown
    );
    let protocol = EnrolRequest {
        protocol: 9,
        ..world.enrol_request(&code, &key(1))
    };
    assert_eq!(
        world.relay.enrol(&protocol).unwrap_err(),
        Problem::ProtocolUnknown
    );
    assert_eq!(world.fingerprint(), before);

    let careless = code.to_lowercase().replace('-', " ");
    let response = world
        .relay
        .enrol(&world.enrol_request(&careless, &key(1)))
        .unwrap();
    assert_eq!(response.member, member);
    assert_eq!(response.relay_key, world.relay.public_key());
    let again = world.enrol_request(&code, &key(2));
    assert_eq!(world.relay.enrol(&again).unwrap_err(), Problem::InviteUsed);
    let old = world.invite(member);
    world.later(DAY + 1);
    let request = world.enrol_request(&old, &key(3));
    assert_eq!(
        world.relay.enrol(&request).unwrap_err(),
        Problem::InviteExpired
    );
    let stranger = world.member(Role::Field);
    let taken = world.enrol_request(&world.invite(stranger), &key(1));
    assert_eq!(world.relay.enrol(&taken).unwrap_err(), Problem::KeyTaken);
    let anew = world.enrol_request(&world.invite(member), &key(1));
    assert!(
        world.relay.enrol(&anew).is_ok(),
        "the same person's installation again"
    );
}

/// Commits that wait for no disk come after the last that did: when the power goes, the disk may have
/// written the later ones and not the earlier.
#[test]
fn a_loss_of_power_among_commits_that_were_not_flushed_damages_nothing() {
    let mut world = World::new();
    let phone = world.phone(Role::Field);
    world.relay.merge_all().unwrap();
    let (_, sealed) = phone.note(world.space, "a");
    assert_eq!(world.push(&phone, &[&sealed.envelope]), [Verdict::Waiting]);
    world.pull(&phone, &[]);
    let (_, second) = phone.note(world.space, "b");
    assert_eq!(world.push(&phone, &[&second.envelope]), [Verdict::Waiting]);
    let log = world.folder.join("relay.db-wal");
    let flushed = usize::try_from(std::fs::metadata(&log).unwrap().len()).unwrap();
    // Seen, told, seen, told: no disk is waited for.
    for _ in 0..4 {
        world.later(2 * 60 * 60 * 1_000);
        world.pull(&phone, &[]);
    }
    let whole = std::fs::read(&log).unwrap();
    assert!(whole.len() > flushed + 3 * 4_120, "something was written");
    let left = |with_index: bool, damaged: usize| {
        let dir = tempfile::tempdir().unwrap();
        let mut names = vec!["relay.db", "relay.db-wal", "relay.db-flushed", "ledger"];
        if with_index {
            names.push("relay.db-shm");
        }
        for name in names {
            std::fs::copy(world.folder.join(name), dir.path().join(name)).unwrap();
        }
        let mut bytes = whole.clone();
        bytes[damaged..damaged + 512].fill(0);
        std::fs::write(dir.path().join("relay.db-wal"), bytes).unwrap();
        dir
    };
    for with_index in [false, true] {
        let dir = left(with_index, flushed);
        let relay = Relay::open(world.folder.beside(dir.path()), world.clock.clone()).unwrap();
        for id in [sealed.proof.id(), second.proof.id()] {
            assert_eq!(relay.state_of(id).unwrap(), Some(State::Waiting));
        }
        // What was flushed and is not there is damage all the same.
        let dir = left(with_index, flushed - 512);
        let damaged = Relay::open(world.folder.beside(dir.path()), world.clock.clone())
            .err()
            .unwrap();
        assert!(matches!(damaged, OpenError::LogDamaged), "{damaged}");
    }
}
