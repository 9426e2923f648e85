//! Runs tried on a copy of the document.

use automerge::transaction::Transactable;
use automerge::{ActorId, Automerge, ScalarValue};

use super::by_hand::{ByHand, run_of};
use super::honest::{Phone, raw, world};
use crate::chunk::{Column, write_u64};
use crate::documents::{Kind, Rule};
use crate::genesis::genesis;
use crate::guard::{Doubt, Limits, trial, try_changes};
use crate::id::Version;
use crate::read::read;

const KIND: Kind = Kind::VisitNote;

fn try_on(doc: &Automerge, changes: &[Vec<u8>]) -> Result<Automerge, Doubt> {
    trial(doc, KIND, changes, &Limits::RELAY)
}

fn code(doc: &Automerge, change: &ByHand) -> Result<(), Doubt> {
    try_on(doc, &[change.bytes()]).map(|_| ())
}

fn container_of(wanted: impl Fn(&Rule) -> bool) -> &'static str {
    KIND.spec()
        .fields()
        .find(|f| wanted(&f.rule))
        .unwrap()
        .key()
}

/// A phone whose document holds one entry, one item and one status mark, and their keys.
fn furnished() -> (Phone, &'static str, &'static str, &'static str) {
    let log = container_of(|r| matches!(r, Rule::Log));
    let items = container_of(|r| matches!(r, Rule::Map(_)));
    let status = container_of(|r| matches!(r, Rule::Mst(_)));
    let mut phone = Phone::new(KIND, 1);
    let genesis = genesis(KIND);
    let mut tx = phone.doc.transaction();
    tx.put(
        genesis.container(log).unwrap(),
        "entry",
        ScalarValue::Bytes(vec![1]),
    )
    .unwrap();
    tx.put_object(
        genesis.container(items).unwrap(),
        "item",
        automerge::ObjType::Map,
    )
    .unwrap();
    tx.put(
        genesis.container(status).unwrap(),
        "0001/02",
        ScalarValue::Bytes(vec![1]),
    )
    .unwrap();
    tx.commit();
    (phone, log, items, status)
}

#[test]
fn every_honest_history_passes_run_by_run_to_the_same_heads() {
    for kind in Kind::ALL {
        for seed in 0..4 {
            let phones = world(kind, 3, 40, seed);
            let mut record = genesis(kind).document();
            for run in phones[0].changes().chunks(7) {
                let tried = try_changes(&record, kind, run, &Limits::RELAY).unwrap();
                record = tried.document;
                assert_eq!(tried.reading, Some(read(&record, kind)));
            }
            assert_eq!(record.get_heads(), phones[0].doc.get_heads());
            let again = trial(&record, kind, &phones[1].changes(), &Limits::PACK).unwrap();
            assert_eq!(
                again.get_heads(),
                record.get_heads(),
                "what is there is skipped"
            );
        }
    }
}

#[test]
fn a_whole_document_passes_at_once() {
    let phones = world(KIND, 4, 120, 9);
    let doc = trial(
        &genesis(KIND).document(),
        KIND,
        &phones[0].changes(),
        &Limits::PACK,
    )
    .unwrap();
    assert_eq!(doc.get_heads(), phones[0].doc.get_heads());
}

#[test]
fn the_document_given_stays_as_it_was() {
    let (phone, ..) = furnished();
    let before = genesis(KIND).document();
    let heads = before.get_heads();
    try_on(&before, &phone.changes()).unwrap();
    assert_eq!(before.get_heads(), heads);
}

#[test]
fn a_run_whose_dependency_is_not_here_is_held_and_passes_later() {
    let mut phone = Phone::new(KIND, 1);
    phone.put("a", 1);
    phone.put("a", 2);
    let changes = phone.changes();
    let record = genesis(KIND).document();
    let held = Doubt::Held("dependency_missing");
    assert_eq!(try_on(&record, &changes[1..]).unwrap_err(), held);
    let record = try_on(&record, &changes[..1]).unwrap();
    try_on(&record, &changes[1..]).unwrap();
}

#[test]
fn a_sequence_number_that_skips_is_held() {
    let mut change = ByHand::puts(KIND, "k", 1);
    change.seq = 2;
    let record = genesis(KIND).document();
    assert_eq!(
        code(&record, &change),
        Err(Doubt::Held("dependency_missing"))
    );
}

#[test]
fn another_change_under_the_same_actor_and_sequence_number_is_a_fork() {
    let (mut one, mut copy) = (Phone::new(KIND, 1), Phone::new(KIND, 1));
    one.put("a", 1);
    copy.put("a", 2);
    let record = try_on(&genesis(KIND).document(), &one.changes()).unwrap();
    assert_eq!(
        try_on(&record, &copy.changes()).unwrap_err(),
        Doubt::Final("fork")
    );
    assert_eq!(
        try_on(
            &genesis(KIND).document(),
            &[one.changes(), copy.changes()].concat()
        )
        .unwrap_err(),
        Doubt::Final("fork")
    );
}

#[test]
fn a_change_beside_its_actors_previous_one_is_refused() {
    let record = genesis(KIND).document();
    let record = try_on(&record, &[ByHand::puts(KIND, "k", 1).bytes()]).unwrap();
    let mut beside = ByHand::puts(KIND, "k", 1);
    beside.seq = 2;
    beside.start_op = 2_000;
    assert_eq!(code(&record, &beside), Err(Doubt::Final("seq_branch")));
    beside.deps = Version::from(record.get_heads()).heads().to_vec();
    assert_eq!(code(&record, &beside), Ok(()));
}

#[test]
fn counting_below_what_it_builds_on_is_refused() {
    let record = genesis(KIND).document();
    let record = try_on(&record, &[ByHand::puts(KIND, "k", 1).bytes()]).unwrap();
    let mut below = ByHand::puts(KIND, "k", 1);
    below.actor = vec![2; 16];
    below.deps = Version::from(record.get_heads()).heads().to_vec();
    assert_eq!(code(&record, &below), Err(Doubt::Final("counter_order")));
}

#[test]
fn a_start_far_above_the_document_is_held() {
    let record = genesis(KIND).document();
    let highest = genesis(KIND).by_counter.len() as u64;
    let mut change = ByHand::puts(KIND, "k", 1);
    change.start_op = highest + 65_536;
    assert_eq!(code(&record, &change), Ok(()));
    change.start_op += 1;
    assert_eq!(code(&record, &change), Err(Doubt::Held("counter_jump")));
}

#[test]
fn a_put_without_predecessors_on_a_log_key_others_wrote_is_refused() {
    let (phone, log, ..) = furnished();
    assert_eq!(code(&phone.doc, &ByHand::on(KIND, log, "other", 1)), Ok(()));
    let hidden = ByHand::on(KIND, log, "entry", 1);
    assert_eq!(
        code(&phone.doc, &hidden),
        Err(Doubt::Final("log_key_taken"))
    );
}

#[test]
fn making_an_item_anew_under_its_key_is_refused() {
    let (phone, _, items, _) = furnished();
    assert_eq!(
        code(&phone.doc, &ByHand::on(KIND, items, "other", 0)),
        Ok(())
    );
    let hidden = ByHand::on(KIND, items, "item", 0);
    assert_eq!(
        code(&phone.doc, &hidden),
        Err(Doubt::Final("item_key_taken"))
    );
}

#[test]
fn one_key_twice_in_one_run_is_refused() {
    let (phone, log, ..) = furnished();
    let first = ByHand::on(KIND, log, "new", 1);
    let mut second = ByHand::on(KIND, log, "new", 1);
    second.actor = vec![2; 16];
    let run = [first.bytes(), second.bytes()];
    assert_eq!(
        try_on(&phone.doc, &run).unwrap_err(),
        Doubt::Final("log_key_taken")
    );
}

#[test]
fn devices_may_derive_the_same_log_key_from_the_same_facts() {
    let (phone, log, items, _) = furnished();
    let key = "9073926b-929f-51c2-abc9-fad77ae3e8eb";
    let record = try_on(&phone.doc, &[ByHand::on(KIND, log, key, 1).bytes()]).unwrap();
    let mut second = ByHand::on(KIND, log, key, 1);
    second.actor = vec![2; 16];
    assert_eq!(code(&record, &second), Ok(()));
    // Items are never derived: two would hide one another.
    let record = try_on(&record, &[ByHand::on(KIND, items, key, 0).bytes()]);
    assert!(record.is_err(), "the same actor and seq again");
    let record = try_on(&phone.doc, &[ByHand::on(KIND, items, key, 0).bytes()]).unwrap();
    let mut second = ByHand::on(KIND, items, key, 0);
    second.actor = vec![2; 16];
    assert_eq!(code(&record, &second), Err(Doubt::Final("item_key_taken")));
}

#[test]
fn a_status_round_more_than_one_above_the_highest_is_refused() {
    let (phone, _, _, status) = furnished();
    for (mark, judged) in [
        ("0001/03", Ok(())),
        ("0002/00", Ok(())),
        ("0003/00", Err(Doubt::Final("status_round"))),
        ("9999/99", Err(Doubt::Final("status_round"))),
    ] {
        assert_eq!(
            code(&phone.doc, &ByHand::on(KIND, status, mark, 1)),
            judged,
            "{mark}"
        );
    }
    let fresh = genesis(KIND).document();
    assert_eq!(
        code(&fresh, &ByHand::on(KIND, status, "0001/00", 1)),
        Ok(())
    );
}

#[test]
fn referring_to_an_actor_that_wrote_nothing_here_is_refused() {
    let mut change = ByHand::puts(KIND, "k", 1);
    change.others = vec![vec![2; 16]];
    let change = change.with_pred(1, 900);
    let judged = code(&genesis(KIND).document(), &change);
    assert_eq!(judged, Err(Doubt::Final("actor_unknown")));
}

#[test]
fn acting_on_an_object_nobody_made_never_passes() {
    let mut change = ByHand::puts(KIND, "k", 1);
    change.set(Column::ObjActor, &run_of(1, |out| write_u64(out, 0)));
    change.set(Column::ObjCounter, &run_of(1, |out| write_u64(out, 900)));
    let judged = code(&genesis(KIND).document(), &change);
    assert!(matches!(judged, Err(Doubt::Held(_))), "{judged:?}");
}

#[test]
fn what_the_static_guard_refuses_never_reaches_the_document() {
    let change = ByHand::puts(KIND, "summary", 1);
    let judged = code(&genesis(KIND).document(), &change);
    assert_eq!(judged, Err(Doubt::Final("container_replaced")));
}

#[test]
fn the_returned_document_keeps_the_actor_it_was_given_under() {
    let (phone, ..) = furnished();
    let mut mine = genesis(KIND).document();
    mine.set_actor(ActorId::from([5u8; 16]));
    let tried = try_on(&mine, &raw(&phone.doc, &[genesis(KIND).hash.into()])).unwrap();
    assert_eq!(tried.get_actor().to_bytes(), [5u8; 16]);
}
