//! A device that may come in and means no good: what it says costs itself at most.

use sopu_core::envelope::{Envelope, decode, encode};
use sopu_core::id::SpaceId;
use sopu_core::wire::{Cursor, Cursors, FirstSync, OrderDone, SyncRequest, Verdict, limits};

use super::world::{World, step};
use crate::access::Role;

fn numbers(now_ms: i64, number: u64, cursors: Cursors) -> impl Fn(SyncRequest) -> SyncRequest {
    move |request| SyncRequest {
        now_ms,
        status_seen: number,
        done: vec![OrderDone { number }],
        wait_ms: u32::MAX,
        max_bytes: u32::MAX,
        cursors: cursors.clone(),
        ..request
    }
}

#[test]
fn numbers_at_their_ends_are_answered_and_disturb_nobody() {
    let mut world = World::new();
    let (bad, good) = (world.phone(Role::Field), world.phone(Role::Field));
    let (_, sealed) = good.note(world.space, "a");
    world.feed(&good, &sealed);
    let mut honest = Vec::new();
    step(&mut honest, &world.pull(&bad, &[]));
    let ends = |seq, first| Cursor {
        seq,
        roster: u64::MAX,
        first,
        ..honest[0].clone()
    };
    let first = |number| {
        [
            FirstSync::Documents {
                at: number,
                below: number,
                within: Some(number),
            },
            FirstSync::Proofs {
                at: number,
                above: number,
            },
        ]
    };
    let mut cursors = vec![ends(u64::MAX, None), ends(0, None)];
    for number in [0, u64::MAX] {
        cursors.extend(first(number).map(|first| ends(number, Some(first))));
        // Where it stands is tagged, how far its first sync has come is its own affair.
        cursors.extend(first(number).map(|first| Cursor {
            first: Some(first),
            ..honest[0].clone()
        }));
    }
    for cursor in cursors {
        let vector = vec![cursor.clone(); 3];
        for now_ms in [i64::MIN, 0, i64::MAX] {
            for number in [0, u64::MAX] {
                let twist = numbers(now_ms, number, Cursors::Vector(vector.clone()));
                let request = twist(bad.request());
                let answer = world.relay.sync(&bad.token, &request);
                assert!(answer.is_ok(), "{cursor:?}: {answer:?}");
            }
        }
    }
    let (_, sealed) = good.note(world.space, "b");
    assert_eq!(world.feed(&good, &sealed), Verdict::Fed(2));
    assert!(!world.pull_all(&bad).is_empty());
    assert!(!world.pull_all(&good).is_empty());
}

#[test]
fn a_header_from_the_end_of_time_is_judged_like_any_other() {
    let mut world = World::new();
    let phone = world.phone(Role::Field);
    for (sealed_at_ms, offset_ms) in [
        (i64::MIN, Some(i64::MIN)),
        (i64::MAX, Some(i64::MAX)),
        (i64::MIN, None),
        (i64::MAX, None),
    ] {
        let (note, honest) = phone.note(world.space, "a");
        let changes = sopu_core::encoding::decode_changes(
            &honest.envelope.run,
            &sopu_core::guard::Limits::RELAY,
        )
        .unwrap();
        let sealing = sopu_core::run::Sealing {
            sealed_at_ms,
            offset_ms,
            ..phone.sealing(world.space, note.id, note.kind)
        };
        let sealed = sopu_core::run::seal(sealing, &changes, &phone.key).unwrap();
        assert!(matches!(world.feed(&phone, &sealed), Verdict::Fed(_)));
    }
}

#[test]
fn an_envelope_larger_than_any_run_is_refused_and_the_rest_of_the_push_taken() {
    let mut world = World::new();
    let phone = world.phone(Role::Field);
    let (_, honest) = phone.note(world.space, "a");
    let large = Envelope {
        run: vec![1; 15 << 20],
        ..honest.envelope.clone()
    };
    let header = Envelope {
        header: vec![0; limits::HEADER + 1],
        ..honest.envelope.clone()
    };
    let refused = |code: &str| Verdict::Refused(code.into());
    assert_eq!(
        world.push(&phone, &[&large, &header, &honest.envelope]),
        [
            refused("run_too_large"),
            refused("header_too_large"),
            Verdict::Waiting
        ]
    );
}

#[test]
fn rubbish_in_a_push_refuses_itself_alone() {
    let mut world = World::new();
    let phone = world.phone(Role::Field);
    let (_, honest) = phone.note(world.space, "a");
    let good = encode(&honest.envelope);
    let mut push: Vec<minicbor::bytes::ByteVec> = vec![good.clone().into()];
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 0x11;
        push.push(bad.into());
    }
    for end in 0..good.len() {
        push.push(good[..end].to_vec().into());
    }
    let request = SyncRequest {
        push,
        ..phone.request()
    };
    let answers = world.relay.sync(&phone.token, &request).unwrap().answers;
    assert_eq!(answers[0], Verdict::Waiting);
    for answer in &answers[1..] {
        assert!(matches!(answer, Verdict::Refused(_)), "{answer:?}");
    }
    world.relay.merge_all().unwrap();
    assert_eq!(world.state(honest.proof.id()), Verdict::Fed(1));
    assert!(decode::<Envelope>(&good).is_some());
}

#[test]
fn a_cursor_for_each_of_very_many_spaces_is_too_many() {
    let mut world = World::new();
    let phone = world.phone(Role::Field);
    let mut honest = Vec::new();
    step(&mut honest, &world.pull(&phone, &[]));
    let vector = |count: u128| {
        let cursor = |n| Cursor {
            space: SpaceId(uuid::Uuid::from_u128(n)),
            ..honest[0].clone()
        };
        SyncRequest {
            cursors: Cursors::Vector((0..count).map(cursor).collect()),
            ..phone.request()
        }
    };
    let most = u128::try_from(limits::SPACES).unwrap();
    assert!(world.relay.sync(&phone.token, &vector(most)).is_ok());
    let before = world.fingerprint();
    let refused = world.relay.sync(&phone.token, &vector(most + 1));
    assert_eq!(refused.unwrap_err().code(), "too_many");
    assert_eq!(world.fingerprint(), before);
}
