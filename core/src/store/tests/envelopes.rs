//! The outbox, the feed's envelopes, the timeline.

use std::collections::BTreeSet;

use serde_json::json;

use super::world::{World, value};
use crate::encoding::encode_changes;
use crate::guard::Limits;
use crate::id::{DocId, EnvelopeId, Hash};
use crate::store::check::{Damage, check};
use crate::store::outbox::{self, Progress, Stage, State};
use crate::store::{NewChange, Origin, Store, StoreError, document, history, space};
use crate::wire::{Offer, RosterRow};

/// Seals everything a document has unsealed into one envelope whose run is `run`.
fn seal(world: &World, store: &mut Store, doc: DocId, run: &[u8]) -> EnvelopeId {
    let hashes: Vec<Hash> = outbox::unsealed(store.conn(), doc)
        .expect("reads")
        .iter()
        .map(|c| c.hash)
        .collect();
    let proof = world.proof(doc, &hashes);
    store
        .write(|tx| outbox::insert_sealed(tx, &proof, run, &hashes))
        .expect("seals");
    proof.id()
}

fn set(store: &mut Store, id: EnvelopeId, state: State) {
    store
        .write(|tx| outbox::set_state(tx, id, &state))
        .expect("sets");
}

fn state(store: &Store, id: EnvelopeId) -> State {
    outbox::get(store.conn(), id)
        .expect("reads")
        .expect("is there")
        .state
}

fn progress(store: &Store, doc: DocId) -> Progress {
    outbox::progress(store.conn(), doc).expect("reads")
}

#[test]
fn an_envelope_with_a_wrong_signature_or_nobody_s_to_send_is_named() {
    for (damage, named) in [
        ("SELECT 1", false),
        ("UPDATE envelope SET signature = zeroblob(64)", true),
        ("UPDATE envelope SET own = 0", true),
        ("UPDATE roster SET key = zeroblob(32)", true),
    ] {
        let world = World::new(1);
        let mut store = Store::open_in_memory().expect("opens");
        let doc = world.note(&mut store, "a");
        seal(&world, &mut store, doc, b"run");
        let me = RosterRow {
            device: world.device,
            key: world.key.verifying_key().to_bytes(),
            member: world.me,
            name: "Maria".into(),
            role: "field".into(),
            office: false,
        };
        store
            .write(|tx| {
                space::set_roster(tx, world.space, &[me])?;
                Ok(tx.execute_batch(damage)?)
            })
            .expect("damages");
        let damages = check(store.conn()).expect("checks");
        let found = damages.iter().any(|d| matches!(d, Damage::Envelope(_)));
        assert_eq!(found, named, "{damage}: {damages:?}");
    }
}

#[test]
fn unsealed_changes_come_in_local_order_and_once() {
    let world = World::new(1);
    let mut store = Store::open_in_memory().expect("opens");
    let doc = world.note(&mut store, "a");
    let other = world.note(&mut store, "muu");
    let mut made = Vec::new();
    for i in 0..3 {
        made.extend(world.edit(&mut store, doc, |v| v["summary"] = json!(format!("{i}"))));
    }
    let hashes: Vec<Hash> = outbox::unsealed(store.conn(), doc)
        .expect("reads")
        .iter()
        .map(|c| c.hash)
        .collect();
    assert_eq!(hashes[1..], made);
    assert_eq!(
        outbox::unsealed_documents(store.conn()).expect("reads"),
        [doc, other]
    );

    seal(&world, &mut store, doc, b"run");
    assert_eq!(outbox::unsealed(store.conn(), doc).expect("reads"), []);
    assert_eq!(
        outbox::unsealed_documents(store.conn()).expect("reads"),
        [other]
    );
    // A save made after sealing goes into the next envelope.
    let later = world.edit(&mut store, doc, |v| v["summary"] = json!("myöhemmin"));
    let hashes: Vec<Hash> = outbox::unsealed(store.conn(), doc)
        .expect("reads")
        .iter()
        .map(|c| c.hash)
        .collect();
    assert_eq!(hashes, later);
}

#[test]
fn a_change_cannot_be_sealed_twice() {
    let world = World::new(1);
    let mut store = Store::open_in_memory().expect("opens");
    let doc = world.note(&mut store, "a");
    let hashes = [outbox::unsealed(store.conn(), doc).expect("reads")[0].hash];
    seal(&world, &mut store, doc, b"run");
    let proof = world.proof(doc, &hashes);
    let again = store.write(|tx| outbox::insert_sealed(tx, &proof, b"run", &hashes));
    assert!(matches!(again, Err(StoreError::Incomplete(_))));
    assert_eq!(
        outbox::get(store.conn(), proof.id()).expect("reads"),
        None,
        "rolled back"
    );
}

#[test]
fn sending_is_oldest_first_and_bounded_by_bytes() {
    let world = World::new(1);
    let mut store = Store::open_in_memory().expect("opens");
    let ids: Vec<EnvelopeId> = (0..4)
        .map(|i| {
            let doc = world.note(&mut store, &format!("{i}"));
            seal(&world, &mut store, doc, &vec![i; 1_000])
        })
        .collect();
    let sent = |bytes, count| -> Vec<EnvelopeId> {
        let list = outbox::to_send(store.conn(), bytes, count, &BTreeSet::new()).expect("reads");
        list.into_iter().map(|(id, _)| id).collect()
    };
    assert_eq!(sent(1_000_000, 100), ids);
    assert_eq!(sent(1_000_000, 2), ids[..2]);
    assert_eq!(sent(2_600, 100), ids[..2]);
    assert_eq!(
        sent(1, 100),
        ids[..1],
        "one that is too large still goes, alone"
    );
    let put_off = BTreeSet::from([ids[0], ids[2]]);
    let list = outbox::to_send(store.conn(), 2_600, 100, &put_off).expect("reads");
    let list: Vec<EnvelopeId> = list.into_iter().map(|(id, _)| id).collect();
    assert_eq!(
        list,
        [ids[1], ids[3]],
        "what was put off stands in nobody's way"
    );
    let (_, envelope) = outbox::to_send(store.conn(), 1, 1, &BTreeSet::new())
        .expect("reads")
        .remove(0);
    assert_eq!(envelope.run, vec![0; 1_000]);
}

#[test]
fn a_damaged_run_is_made_again_from_its_changes_or_delays_no_other() {
    let world = World::new(1);
    let mut store = Store::open_in_memory().expect("opens");
    let docs = ["yksi", "kaksi", "kolme"].map(|text| world.note(&mut store, text));
    let ids = docs.map(|doc| {
        let changes = outbox::unsealed(store.conn(), doc).expect("reads");
        let bytes: Vec<Vec<u8>> = changes.into_iter().map(|change| change.bytes).collect();
        seal(
            &world,
            &mut store,
            doc,
            &encode_changes(&bytes).expect("encodes"),
        )
    });
    let sent = |store: &Store| -> Vec<(EnvelopeId, Vec<u8>)> {
        let list = outbox::to_send(store.conn(), 1_000_000, 10, &BTreeSet::new());
        let list = list.expect("reads").into_iter();
        list.map(|(id, envelope)| (id, envelope.run)).collect()
    };
    let whole = sent(&store);
    let damage = |store: &mut Store, sql: &str, id: EnvelopeId| {
        let done = store.write(|tx| Ok(tx.execute(sql, [id])?));
        assert!(done.expect("damages") > 0);
    };
    damage(
        &mut store,
        "UPDATE envelope SET run = x'00' WHERE id = ?1",
        ids[0],
    );
    assert_eq!(sent(&store), whole);
    assert_eq!(
        outbox::run(store.conn(), ids[0]).expect("reads"),
        Some(whole[0].1.clone())
    );
    let change = "UPDATE change SET bytes = x'00'
                  WHERE envelope = (SELECT n FROM envelope WHERE id = ?1)";
    damage(&mut store, change, ids[0]);
    assert_eq!(sent(&store), whole[1..]);
    assert!(matches!(
        outbox::run(store.conn(), ids[0]),
        Err(StoreError::Damaged { .. })
    ));
}

#[test]
fn a_settled_envelope_keeps_its_proof_and_gives_up_its_run() {
    let world = World::new(1);
    let mut store = Store::open_in_memory().expect("opens");
    let doc = world.note(&mut store, "a");
    let id = seal(&world, &mut store, doc, b"run");
    set(&mut store, id, State::Acknowledged);
    assert_eq!(
        outbox::to_send(store.conn(), 1_000, 10, &BTreeSet::new()).expect("reads"),
        []
    );
    assert_eq!(
        outbox::run(store.conn(), id).expect("reads"),
        Some(b"run".to_vec())
    );
    assert_eq!(
        outbox::unsettled(store.conn(), None).expect("reads").len(),
        1
    );

    set(&mut store, id, State::Fed(7));
    assert_eq!(outbox::run(store.conn(), id).expect("reads"), None);
    assert_eq!(
        outbox::unsettled(store.conn(), Some(doc)).expect("reads"),
        []
    );
    let kept = outbox::get(store.conn(), id)
        .expect("reads")
        .expect("is there");
    assert_eq!((kept.seq, kept.proof.id()), (Some(7), id));
    assert!(kept.proof.verify(&world.key.verifying_key()));
    let changes = outbox::changes_of(store.conn(), id).expect("reads");
    assert_eq!(changes.len(), 1, "the run can be made again");
}

#[test]
fn late_news_moves_nothing_back() {
    let world = World::new(1);
    let mut store = Store::open_in_memory().expect("opens");
    let doc = world.note(&mut store, "a");
    let id = seal(&world, &mut store, doc, b"run");
    set(&mut store, id, State::Held("role".into()));
    set(&mut store, id, State::Acknowledged);
    assert_eq!(state(&store, id), State::Held("role".into()));
    set(&mut store, id, State::Fed(3));
    for late in [
        State::Sealed,
        State::Acknowledged,
        State::Held("x".into()),
        State::Final("x".into()),
    ] {
        set(&mut store, id, late);
        assert_eq!(state(&store, id), State::Fed(3));
    }
    set(&mut store, id, State::Erased);
    set(&mut store, id, State::Fed(3));
    assert_eq!(state(&store, id), State::Erased);
}

#[test]
fn people_see_four_states() {
    let world = World::new(1);
    let mut store = Store::open_in_memory().expect("opens");
    let doc = world.note(&mut store, "a");
    assert_eq!(progress(&store, doc).stage(), Some(Stage::Here));
    let id = seal(&world, &mut store, doc, b"run");
    assert_eq!(
        progress(&store, doc),
        Progress {
            sealed: 1,
            ..Progress::default()
        }
    );
    assert_eq!(progress(&store, doc).stage(), Some(Stage::Here));
    assert_eq!(outbox::backlog(store.conn()).expect("reads").sealed, 1);
    set(&mut store, id, State::Acknowledged);
    assert_eq!(progress(&store, doc).stage(), Some(Stage::Server));
    set(&mut store, id, State::Fed(1));
    assert_eq!(progress(&store, doc).stage(), Some(Stage::Record));
    assert_eq!(
        outbox::backlog(store.conn()).expect("reads"),
        Progress::default()
    );
    store.write(|tx| outbox::set_seen(tx, id, 5)).expect("sets");
    assert_eq!(progress(&store, doc).stage(), Some(Stage::Seen));
    world.edit(&mut store, doc, |v| v["summary"] = json!("b"));
    assert_eq!(
        progress(&store, doc).stage(),
        Some(Stage::Here),
        "the newest save counts"
    );
}

#[test]
fn others_work_has_no_stage() {
    let world = World::new(1);
    let mut store = Store::open_in_memory().expect("opens");
    let (doc, _) = arrive(&world, &mut store, 1);
    assert_eq!(progress(&store, doc).stage(), None);
}

/// A note of someone else, arriving in the feed at this seq.
fn arrive(world: &World, store: &mut Store, seq: u64) -> (DocId, EnvelopeId) {
    let mut elsewhere = Store::open_in_memory().expect("opens");
    let doc = world.note(&mut elsewhere, "muualta");
    let loaded = elsewhere.document(doc).expect("loads");
    let hashes: Vec<Hash> = loaded.heads.heads().to_vec();
    let proof = world.proof(doc, &hashes);
    let mut new = NewChange::saved(&loaded.am, &hashes);
    new.iter_mut()
        .for_each(|c| c.origin = Origin::Enveloped(proof.id()));
    let write = world.write_of(doc, loaded.kind, &loaded.am, &new);
    store
        .write(|tx| {
            outbox::insert_fed(tx, &proof, seq, Some(1_000), Some(&[7; 16]))?;
            document::write_document(tx, &write)?;
            document::set_last_seq(tx, doc, seq)
        })
        .expect("arrives");
    (doc, proof.id())
}

#[test]
fn the_timeline_names_who_when_and_where_in_the_feed() {
    let world = World::new(1);
    let mut store = Store::open_in_memory().expect("opens");
    let (doc, id) = arrive(&world, &mut store, 4);
    world.edit(&mut store, doc, |v| v["summary"] = json!("oma lisäys"));
    let steps = history::history(store.conn(), doc).expect("reads");
    assert_eq!(steps.len(), 2);
    let sealed = steps[0].envelope.as_ref().expect("arrived in one");
    assert_eq!((sealed.id, sealed.device), (id, world.device));
    assert_eq!((sealed.seq, sealed.received_ms), (Some(4), Some(1_000)));
    assert_eq!(steps[1].envelope, None);
    assert_eq!(
        (steps[1].actor.as_slice(), steps[1].seq),
        (&world.actor[..], 2)
    );
    let found = document::changes_by(store.conn(), doc, &world.actor, 1..=2).expect("reads");
    let expected = [(steps[0].hash, Some(id)), (steps[1].hash, None)];
    assert_eq!(found, expected);
}

#[test]
fn what_the_relay_lost_is_offered_and_finds_a_new_place() {
    let world = World::new(1);
    let mut store = Store::open_in_memory().expect("opens");
    let arrived: Vec<(DocId, EnvelopeId)> =
        (1..=3).map(|seq| arrive(&world, &mut store, seq)).collect();
    store
        .write(|tx| outbox::cut(tx, world.space, 1))
        .expect("cuts");
    let none = BTreeSet::new();
    let offers =
        outbox::to_offer(store.conn(), outbox::Spaces::All, 1 << 20, 10, &none).expect("reads");
    let offered: Vec<(EnvelopeId, [u8; 16])> = offers
        .iter()
        .map(|offer| match offer {
            Offer::Envelope { envelope, accept } => {
                let proof = envelope.proof(&Limits::DEVICE).expect("made again whole");
                (proof.id(), *accept)
            }
            Offer::Notice { .. } => panic!("an envelope"),
        })
        .collect();
    assert_eq!(offered, [(arrived[1].1, [7; 16]), (arrived[2].1, [7; 16])]);
    let proof = outbox::get(store.conn(), arrived[2].1)
        .expect("reads")
        .expect("is there")
        .proof;
    let ids = outbox::feed_ids(store.conn(), world.space, 0, 10).expect("reads");
    assert_eq!(ids, [(1, arrived[0].1)]);
    let row = document::row(store.conn(), arrived[2].0)
        .expect("reads")
        .expect("is there");
    assert_eq!(row.last_seq, 1);
    assert_eq!(
        value(&store, arrived[2].0)["summary"],
        "muualta",
        "nothing here is lost"
    );

    // Offered and taken, in another order.
    store
        .write(|tx| outbox::insert_fed(tx, &proof, 2, None, None))
        .expect("arrives again");
    assert_eq!(state(&store, arrived[2].1), State::Fed(2));
    let offers =
        outbox::to_offer(store.conn(), outbox::Spaces::All, 1 << 20, 10, &none).expect("reads");
    assert_eq!(offers.len(), 1);
    store
        .write(|tx| outbox::decline(tx, arrived[1].1, "signer_unknown"))
        .expect("declines");
    assert!(!outbox::has_lost(store.conn(), None, &none).expect("reads"));
    store
        .write(|tx| outbox::cut(tx, world.space, 1))
        .expect("cuts again");
    let offers = outbox::to_offer(store.conn(), outbox::Spaces::All, 1, 10, &none).expect("reads");
    assert_eq!(offers.len(), 1, "at least one, and in what room there is");
    assert!(outbox::has_lost(store.conn(), Some(world.space), &none).expect("reads"));
}

#[test]
fn packed_changes_meet_their_signatures_later() {
    let world = World::new(1);
    let mut store = Store::open_in_memory().expect("opens");
    let mut elsewhere = Store::open_in_memory().expect("opens");
    let doc = world.note(&mut elsewhere, "eka");
    world.edit(&mut elsewhere, doc, |v| v["summary"] = json!("toka"));
    let loaded = elsewhere.document(doc).expect("loads");
    let hashes: Vec<Hash> = history::history(elsewhere.conn(), doc)
        .expect("reads")
        .iter()
        .map(|s| s.hash)
        .collect();
    let mut new = NewChange::saved(&loaded.am, &hashes);
    new[0].origin = Origin::Packed(0);
    new[1].origin = Origin::Packed(1);
    let write = world.write_of(doc, loaded.kind, &loaded.am, &new);
    store
        .write(|tx| document::write_document(tx, &write))
        .expect("stores");
    assert_eq!(outbox::unsealed_documents(store.conn()).expect("reads"), []);
    let packed = outbox::packed(store.conn(), doc, 1).expect("reads");
    let packed: Vec<Hash> = packed.into_iter().map(|(hash, _)| hash).collect();
    assert_eq!(packed, hashes[1..]);
    let proof = world.proof(doc, &hashes[1..]);
    store
        .write(|tx| {
            outbox::insert_fed(tx, &proof, 9, None, None)?;
            outbox::join_packed(tx, doc, 1, proof.id())
        })
        .expect("joins");
    let steps = history::history(store.conn(), doc).expect("reads");
    assert_eq!(steps[0].envelope, None);
    assert_eq!(steps[1].envelope.as_ref().map(|e| e.id), Some(proof.id()));
    let fed = outbox::fed_of(store.conn(), doc).expect("reads");
    assert_eq!(fed.iter().map(|s| s.seq).collect::<Vec<_>>(), [Some(9)]);
}
