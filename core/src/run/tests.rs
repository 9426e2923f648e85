#![expect(clippy::unwrap_used, reason = "tests")]

use uuid::Uuid;

use super::*;
use crate::guard::tests::honest::{self, Dice, EPOCH, Phone, SPACE, key, world};

fn sealing(kind: Kind) -> Sealing {
    Sealing {
        space: SPACE,
        doc: DocId(Uuid::from_u128(1)),
        kind,
        device: DeviceId(Uuid::from_u128(2)),
        epoch: EPOCH,
        replaces: Vec::new(),
        sealed_at_ms: 1_700_000_000_000,
        offset_ms: Some(-20),
    }
}

#[test]
fn a_sealed_run_opens_to_the_same_changes_and_proves_its_author() {
    for kind in Kind::ALL {
        for seed in 0..8 {
            let world = world(kind, 3, 50, seed);
            for phone in &world {
                let changes = phone.own_changes();
                if changes.is_empty() {
                    continue;
                }
                let sealed = seal(sealing(kind), &changes, &phone.key).unwrap();
                let opened = open(&sealed.envelope, &Limits::RELAY).unwrap();
                assert_eq!(opened.changes, changes);
                assert_eq!(opened.hashes, sealed.hashes);
                assert_eq!(opened.proof, sealed.proof);
                assert_eq!(opened.base_actor, phone.base_actor());
                assert!(opened.proof.verify(&phone.key.verifying_key()));
                assert!(!opened.proof.verify(&key(99).verifying_key()));
            }
        }
    }
}

#[test]
fn the_header_names_levels_spans_and_outside_dependencies_but_never_genesis() {
    let mut a = Phone::new(Kind::VisitNote, 1);
    let mut b = Phone::new(Kind::VisitNote, 2);
    b.put("km", "1.0");
    a.meet(&mut b);
    a.put("km", "2.0");
    a.put("km", "3.0");
    let sealed = seal(sealing(Kind::VisitNote), &a.own_changes(), &a.key).unwrap();
    let header = sealed.proof.header().unwrap();
    assert_eq!(
        header.actors,
        [envelope::ActorSpan {
            level: 0,
            first_seq: 1,
            last_seq: 2
        }]
    );
    let outside: Hash = automerge::Change::from_bytes(b.own_changes()[0].clone())
        .unwrap()
        .hash()
        .into();
    assert_eq!(header.deps, [outside]);
    assert_eq!(header.changes, 2);

    let first = seal(sealing(Kind::VisitNote), &b.own_changes(), &b.key).unwrap();
    assert_eq!(first.proof.header().unwrap().deps, []);
}

#[test]
fn changes_of_another_actor_cannot_be_sealed() {
    let mut phone = Phone::new(Kind::Contract, 1);
    phone.put("k", 1);
    let refused = seal(sealing(Kind::Contract), &phone.own_changes(), &key(2));
    assert_eq!(refused.unwrap_err().code, "actor_foreign");
}

#[test]
fn a_long_history_splits_into_runs_a_relay_takes() {
    let mut phone = Phone::new(Kind::VisitNote, 1);
    let mut dice = Dice(3);
    for i in 0..30 {
        phone.put("k", "x".repeat(20_000 + dice.below(9)));
        phone.put("n", i);
    }
    let changes = phone.own_changes();
    let runs = split(changes.clone(), Kind::VisitNote).unwrap();
    assert!(runs.len() > 1);
    assert_eq!(runs.concat(), changes);
    for run in &runs {
        let sealed = seal(sealing(Kind::VisitNote), run, &phone.key).unwrap();
        open(&sealed.envelope, &Limits::RELAY).unwrap();
    }
}

#[test]
fn a_pasted_text_of_twenty_thousand_four_byte_characters_fits_one_change() {
    use automerge::ReadDoc;
    use automerge::transaction::Transactable;
    let mut phone = Phone::new(Kind::VisitNote, 1);
    let (summary, _) = &genesis(Kind::VisitNote).containers["summary"];
    for letter in ["🐄", "🐖"] {
        let mut tx = phone.doc.transaction();
        tx.update_text(summary, letter.repeat(20_000)).unwrap();
        tx.commit();
        assert_eq!(phone.doc.text(summary).unwrap().chars().count(), 20_000);
    }
    for change in honest::raw(&phone.doc, &[genesis(Kind::VisitNote).hash.into()]) {
        guard::check_change(&change, Kind::VisitNote, &Limits::RELAY).unwrap();
        seal_one(&phone, change);
    }
}

fn seal_one(phone: &Phone, change: Vec<u8>) {
    let sealed = seal(sealing(Kind::VisitNote), &[change], &phone.key).unwrap();
    open(&sealed.envelope, &Limits::RELAY).unwrap();
}

#[test]
fn a_header_that_disagrees_with_its_run_is_refused() {
    let mut phone = Phone::new(Kind::VisitNote, 1);
    phone.put("k", 1);
    phone.put("k", 2);
    let sealed = seal(sealing(Kind::VisitNote), &phone.own_changes(), &phone.key).unwrap();
    let honest = sealed.proof.header().unwrap();
    let refusal = |edit: &dyn Fn(&mut Header)| {
        let mut header = honest.clone();
        edit(&mut header);
        let envelope = Envelope {
            header: header.to_bytes(),
            ..sealed.envelope.clone()
        };
        open(&envelope, &Limits::RELAY).unwrap_err().code
    };
    assert_eq!(refusal(&|h| h.changes = 3), "header_changes");
    assert_eq!(refusal(&|h| h.actors[0].last_seq = 3), "header_actors");
    assert_eq!(refusal(&|h| h.actors[0].level = 1), "header_actors");
    assert_eq!(
        refusal(&|h| h.deps.push(Hash([7; 32]))),
        "header_dependencies"
    );
    assert_eq!(
        refusal(&|h| h.deps.push(genesis(Kind::VisitNote).hash)),
        "header_dependencies"
    );
    assert_eq!(refusal(&|h| h.kind = 200), "kind_unknown");
    let replaced = |n| EnvelopeId([n; 32]);
    assert_eq!(
        refusal(&|h| h.replaces = vec![replaced(2), replaced(1)]),
        "header_replaces"
    );
    let mut long = sealed.envelope.clone();
    long.header.resize(limits::HEADER + 1, 0);
    assert_eq!(
        open(&long, &Limits::RELAY).unwrap_err().code,
        "header_too_large"
    );
    long.header = vec![0x80];
    assert_eq!(
        open(&long, &Limits::RELAY).unwrap_err().code,
        "header_unreadable"
    );
}

#[test]
fn changes_out_of_order_or_twice_or_with_a_gap_are_refused() {
    let mut phone = Phone::new(Kind::VisitNote, 1);
    for i in 0..3 {
        phone.put("k", i);
    }
    let [a, b, c]: [Vec<u8>; 3] = phone.own_changes().try_into().unwrap();
    let code = |changes: &[&Vec<u8>]| {
        let changes: Vec<Vec<u8>> = changes.iter().map(|c| (*c).clone()).collect();
        seal(sealing(Kind::VisitNote), &changes, &phone.key).map_or_else(|r| r.code, |_| "sealed")
    };
    assert_eq!(code(&[&a, &b, &c]), "sealed");
    assert_eq!(code(&[&b, &c]), "sealed");
    assert_eq!(code(&[&b, &a]), "causal_order");
    assert_eq!(code(&[&a, &a]), "change_twice");
    assert_eq!(code(&[&a, &c]), "seq_gap");
    assert_eq!(code(&[]), "run_empty");
}

#[test]
fn a_run_sealed_long_after_it_was_saved_says_when_that_was() {
    let mut phone = Phone::new(Kind::VisitNote, 1);
    phone.put("km", "1.0");
    let changes = phone.own_changes();
    let saved = crate::chunk::Chunk::parse(&changes[0]).unwrap().0.time;
    for (late_ms, said) in [(0, None), (59_999, None), (60_000, Some(saved))] {
        let sealing = Sealing {
            sealed_at_ms: saved + late_ms,
            ..sealing(Kind::VisitNote)
        };
        let sealed = seal(sealing, &changes, &phone.key).unwrap();
        let header = sealed.proof.header().unwrap();
        assert_eq!(header.saved_at_ms, said);
        assert_eq!(header.done_ms(7), saved - 20 + said.map_or(late_ms, |_| 0));
        // Nobody saves after sealing: such a word counts as the moment of sealing.
        let later = envelope::Header {
            saved_at_ms: Some(i64::MAX),
            ..header
        };
        assert_eq!(later.done_ms(7), later.sealed_at_ms - 20);
    }
}
