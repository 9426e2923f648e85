//! What every backend must do: functions over a fresh store, run once for each backend.

#![expect(clippy::unwrap_used, reason = "tests")]

use sopu_core::id::{DeviceId, DocId, EnvelopeId, Hash, SpaceId};
use uuid::Uuid;

use super::*;

fn uuid(n: u8) -> Uuid {
    Uuid::from_bytes([n; 16])
}

fn row(n: u8) -> EnvelopeRow {
    EnvelopeRow {
        arrival: 0,
        id: EnvelopeId([n; 32]),
        space: SpaceId(uuid(1)),
        doc: DocId(uuid(2)),
        kind: 2,
        device: DeviceId(uuid(3)),
        instance: Some([4; 16]),
        header: vec![n, 5],
        signature: [6; 64],
        digest: [7; 32],
        run: Some(vec![8, n]),
        changes: 1,
        received_ms: 9,
        late: true,
        state: State::Waiting,
        deaths: 0,
        tried_by: None,
    }
}

fn change(n: u8, seq: u64) -> ChangeRow {
    ChangeRow {
        hash: Hash([n; 32]),
        actor: [1; 32],
        seq,
    }
}

fn place(space: u8, seq: u64, doc: u8) -> FeedRow {
    let n = u8::try_from(seq).unwrap();
    FeedRow {
        space: SpaceId(uuid(space)),
        seq,
        id: EnvelopeId([n; 32]),
        hash: [n; 32],
        accept: [n; 16],
        doc: DocId(uuid(doc)),
        received_ms: 1,
        what: FeedWhat::Notice {
            body: vec![n],
            signature: [n; 64],
        },
    }
}

/// An envelope comes back as it went in, and its state moves.
pub fn envelopes_keep_everything(store: &mut dyn RelayStore) {
    let arrival = store
        .insert_envelope(&row(1), &[change(1, 1), change(2, 2)])
        .unwrap();
    let kept = store.envelope(&EnvelopeId([1; 32])).unwrap().unwrap();
    assert_eq!(kept, EnvelopeRow { arrival, ..row(1) });
    assert_eq!(store.envelope_at(arrival).unwrap(), Some(kept));
    assert_eq!(store.changes_of(arrival).unwrap().len(), 2);
    for state in [
        State::Held("right_missing".into()),
        State::Waiting,
        State::Fed(7),
        State::Final("fork".into()),
        State::Erased,
    ] {
        store.set_state(arrival, &state).unwrap();
        assert_eq!(store.envelope_at(arrival).unwrap().unwrap().state, state);
    }
    store.set_deaths(arrival, 2, "1.0").unwrap();
    let kept = store.envelope_at(arrival).unwrap().unwrap();
    assert_eq!((kept.deaths, kept.tried_by.as_deref()), (2, Some("1.0")));
}

/// Waiting envelopes come in the order they arrived, of one space or of all.
pub fn waiting_keeps_the_order_of_arrival(store: &mut dyn RelayStore) {
    for n in [3, 1, 2] {
        store.insert_envelope(&row(n), &[]).unwrap();
    }
    let other = EnvelopeRow {
        space: SpaceId(uuid(9)),
        ..row(4)
    };
    store.insert_envelope(&other, &[]).unwrap();
    let ids = |rows: Vec<EnvelopeRow>| rows.iter().map(|r| r.id.0[0]).collect::<Vec<_>>();
    assert_eq!(ids(store.waiting(None, 10).unwrap()), [3, 1, 2, 4]);
    assert_eq!(
        ids(store.waiting(Some(SpaceId(uuid(1))), 2).unwrap()),
        [3, 1]
    );
    assert_eq!(store.count_in("waiting").unwrap(), 4);
}

/// A row of the access log is written once for a member, a document, an action and a time.
pub fn what_is_told_twice_is_one_row(store: &mut dyn RelayStore) {
    let entry = |member, doc, at_ms| Entry {
        at_ms,
        member: Some(MemberId(uuid(member))),
        action: "read_device".to_owned(),
        space: Some(SpaceId(uuid(1))),
        doc: Some(DocId(uuid(doc))),
        reason: None,
    };
    let told = [(1, 2, 5), (1, 2, 6), (2, 2, 6), (1, 3, 6), (1, 2, 10)];
    for (member, doc, at_ms) in told {
        let hour = at_ms / 10 * 10;
        store
            .log_once(&entry(member, doc, at_ms), hour..hour + 10)
            .unwrap();
    }
    let rows = store.logged(DocId(uuid(2))).unwrap();
    let seen: Vec<_> = rows.iter().map(|row| (row.member, row.at_ms)).collect();
    let [first, second] = [1, 2].map(|n| Some(MemberId(uuid(n))));
    assert_eq!(seen, [(first, 10), (second, 6), (first, 5)]);
}

/// Claims, bringers and dependants are found, by document.
pub fn claims_and_dependants_are_found(store: &mut dyn RelayStore) {
    let a = store.insert_envelope(&row(1), &[change(1, 5)]).unwrap();
    let b = store.insert_envelope(&row(2), &[]).unwrap();
    store
        .set_missing(b, DocId(uuid(2)), &[Hash([1; 32])])
        .unwrap();
    let claim = Claim {
        hash: Hash([1; 32]),
        arrival: a,
        state: State::Waiting,
    };
    let mut claims = |doc, seqs| store.claims(DocId(uuid(doc)), &[1; 32], seqs).unwrap();
    assert_eq!(claims(2, 5..=5), [(5, claim.clone())]);
    assert_eq!(claims(2, 1..=9), [(5, claim.clone())]);
    assert_eq!(claims(2, 6..=9), [], "other numbers");
    assert_eq!(claims(8, 5..=5), [], "another document");
    assert_eq!(
        store.bringers(DocId(uuid(2)), &Hash([1; 32])).unwrap(),
        [claim]
    );
    assert_eq!(store.dependants(a).unwrap(), [(b, Hash([1; 32]))]);
    assert_eq!(store.dependants(b).unwrap(), [], "it brings nothing");
    assert_eq!(
        store.waiting_for(DocId(uuid(2)), &Hash([1; 32])).unwrap(),
        [b]
    );
    assert_eq!(store.missing_of(b).unwrap(), [Hash([1; 32])]);
    store
        .set_state(b, &State::Final("depends_on_final".into()))
        .unwrap();
    assert_eq!(
        store.missing_of(b).unwrap(),
        [],
        "what is final waits for nothing"
    );
}

/// A feed has no gaps, whoever calls.
pub fn a_feed_has_no_gaps(store: &mut dyn RelayStore) {
    let space = SpaceId(uuid(1));
    assert_eq!(
        store.head(space).unwrap(),
        Head {
            seq: 0,
            hash: [0; 32]
        }
    );
    store.append(&place(1, 1, 2)).unwrap();
    store.append(&place(1, 2, 3)).unwrap();
    assert!(store.append(&place(1, 4, 2)).is_err(), "a gap");
    assert!(store.append(&place(1, 2, 2)).is_err(), "a place taken");
}

/// Feeds read by space, by document, and by newest document.
pub fn feeds_read_by_space_and_document(store: &mut dyn RelayStore) {
    let space = SpaceId(uuid(1));
    for (seq, doc) in [(1, 2), (2, 3), (3, 2), (4, 4), (5, 3)] {
        store.append(&place(1, seq, doc)).unwrap();
    }
    assert_eq!(
        store.head(space).unwrap(),
        Head {
            seq: 5,
            hash: [5; 32]
        }
    );
    assert_eq!(
        store.feed_after(space, 3, 10).unwrap(),
        [place(1, 4, 4), place(1, 5, 3)]
    );
    assert_eq!(store.feed_of(DocId(uuid(3)), 4).unwrap(), [place(1, 2, 3)]);
    assert_eq!(
        store.feed_place(&EnvelopeId([3; 32])).unwrap(),
        Some((space, 3))
    );
    assert_eq!(store.hash_at(space, 0).unwrap(), Some([0; 32]));
    assert_eq!(store.hash_at(space, 6).unwrap(), None);
    let at = |n| DocId(uuid(n));
    assert_eq!(
        store.documents_below(space, 4, 5, 9).unwrap(),
        [(at(4), 4), (at(2), 3), (at(3), 2)]
    );
    assert_eq!(store.documents_below(space, 4, 3, 9).unwrap(), [(at(3), 2)]);
}

/// Only one owner holds a lease, until it runs out.
pub fn a_lease_has_one_owner(store: &mut dyn RelayStore) {
    let space = SpaceId(uuid(1));
    assert!(store.take_lease(space, &[1; 16], 100, 200).unwrap());
    assert!(!store.take_lease(space, &[2; 16], 150, 300).unwrap());
    assert!(
        store.take_lease(space, &[1; 16], 150, 250).unwrap(),
        "renewed"
    );
    assert!(
        store.take_lease(space, &[2; 16], 250, 300).unwrap(),
        "run out"
    );
    assert_eq!(store.head(space).unwrap().seq, 0, "a lease is no entry");
}

/// News are numbered without gaps and go when confirmed; an order is given once.
pub fn news_are_numbered_and_confirmed(store: &mut dyn RelayStore) {
    let device = DeviceId(uuid(1));
    for n in 1..=3 {
        assert_eq!(
            store
                .add_status(device, &EnvelopeId([n; 32]), &[n])
                .unwrap(),
            u64::from(n)
        );
    }
    store.drop_status(device, 2).unwrap();
    assert_eq!(
        store.status_after(device, 0, 9).unwrap(),
        [(3, EnvelopeId([3; 32]), vec![3])]
    );
    assert_eq!(store.add_order(device, b"wipe").unwrap(), 1);
    assert_eq!(store.add_order(device, b"wipe").unwrap(), 1);
    assert_eq!(
        store.finish_order(device, 1).unwrap(),
        Some(b"wipe".to_vec())
    );
    assert_eq!(store.finish_order(device, 1).unwrap(), None);
    store.jump_numbers("status:", 1000).unwrap();
    assert_eq!(
        store.add_status(device, &EnvelopeId([4; 32]), &[]).unwrap(),
        1004
    );
}

/// Erasing takes the runs of a document, whatever their state, and leaves headers.
pub fn erasing_takes_runs_and_leaves_headers(store: &mut dyn RelayStore) {
    let fed = store.insert_envelope(&row(1), &[change(1, 1)]).unwrap();
    store.set_state(fed, &State::Fed(1)).unwrap();
    let held = store.insert_envelope(&row(2), &[]).unwrap();
    store
        .set_state(held, &State::Held("review".into()))
        .unwrap();
    let other = store
        .insert_envelope(
            &EnvelopeRow {
                doc: DocId(uuid(7)),
                ..row(3)
            },
            &[],
        )
        .unwrap();
    let unfed = store.erase_runs(DocId(uuid(2))).unwrap();
    assert_eq!(unfed, [(DeviceId(uuid(3)), EnvelopeId([2; 32]))]);
    let get = |store: &mut dyn RelayStore, arrival| store.envelope_at(arrival).unwrap().unwrap();
    let row = get(store, fed);
    assert_eq!(
        (row.run, row.state, row.header.len()),
        (None, State::Fed(1), 2)
    );
    let row = get(store, held);
    assert_eq!((row.run, row.state), (None, State::Erased));
    assert!(get(store, other).run.is_some());
}

/// Whom documents are and were about, and what is asked for, is found again.
pub fn wishes_are_empty_and_subjects_are_taken_again(store: &mut dyn RelayStore) {
    assert_eq!(store.notice_wishes().unwrap(), []);
    store.end_notice_wish(7).unwrap();
    assert!(store.held_clients(SpaceId(uuid(1))).unwrap().is_empty());
    let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    for subjects in [set(&["a"]), set(&["a", "b"]), set(&[]), set(&["a"])] {
        store.set_subjects(DocId(uuid(2)), &subjects, 5).unwrap();
    }
    store.note_move(DocId(uuid(2)), DocId(uuid(3))).unwrap();
    store.note_move(DocId(uuid(2)), DocId(uuid(3))).unwrap();
    assert_eq!(store.became(DocId(uuid(3))).unwrap(), Some(DocId(uuid(2))));
    assert_eq!(store.became(DocId(uuid(2))).unwrap(), None);
}

/// What was moved and is to go again waits under what is known of it; another wish stands.
pub fn an_awaited_move_learns_what_it_became(store: &mut dyn RelayStore) {
    let (old, new) = (DocId(uuid(2)), DocId(uuid(3)));
    for (known, moved_to) in [(None, None), (Some(new), Some(new)), (None, Some(new))] {
        store.await_move(old, known).unwrap();
        let wish = ErasureWish {
            doc: old,
            reason: "moved".to_owned(),
            moved_to,
            awaited: true,
        };
        assert_eq!(store.erasure_wishes().unwrap(), [wish]);
    }
    store.end_erasure_wish(old, Some("legal_hold")).unwrap();
    assert_eq!(store.erasure_wishes().unwrap(), []);
    store.end_erasure_wish(old, None).unwrap();
}

/// Erased documents are found, and no others.
pub fn what_was_erased_is_found(store: &mut dyn RelayStore) {
    let known = |erased_ms| DocumentRow {
        space: SpaceId(uuid(1)),
        kind: 2,
        last_seq: 3,
        erased_ms,
    };
    store.put_document(DocId(uuid(2)), &known(Some(7))).unwrap();
    store.put_document(DocId(uuid(3)), &known(None)).unwrap();
    let erased = [(DocId(uuid(2)), known(Some(7)))];
    assert_eq!(store.erased_documents().unwrap(), erased);
}

/// What was rolled back to a savepoint has not been.
pub fn savepoints_undo(store: &mut dyn RelayStore) {
    store.begin(Purpose::Write).unwrap();
    store.set_meta("a", Some(b"1")).unwrap();
    store.savepoint().unwrap();
    store.set_meta("a", Some(b"2")).unwrap();
    store.end_savepoint(false).unwrap();
    store.commit().unwrap();
    assert_eq!(store.meta("a").unwrap(), Some(b"1".to_vec()));
}

macro_rules! suite {
    ($name:ident, $make:expr, [$($test:ident),* $(,)?]) => {
        mod $name {
            $(#[test] fn $test() { super::$test(&mut $make); })*
        }
    };
}

suite!(
    sqlite,
    crate::store::sqlite::SqliteStore::in_memory().unwrap(),
    [
        envelopes_keep_everything,
        waiting_keeps_the_order_of_arrival,
        claims_and_dependants_are_found,
        what_is_told_twice_is_one_row,
        a_feed_has_no_gaps,
        feeds_read_by_space_and_document,
        a_lease_has_one_owner,
        news_are_numbered_and_confirmed,
        erasing_takes_runs_and_leaves_headers,
        savepoints_undo,
        wishes_are_empty_and_subjects_are_taken_again,
        an_awaited_move_learns_what_it_became,
        what_was_erased_is_found,
    ]
);
