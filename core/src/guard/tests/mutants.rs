//! Changes with one to three bytes altered and the checksum repaired. Unguarded, about one in
//! fourteen panics Automerge and one in seventy leaves a document that no longer loads.

use automerge::transaction::Transactable;
use automerge::{ActorId, Automerge, ROOT};

use super::by_hand::{body, seal_body};
use super::honest::{Dice, world};
use crate::documents::Kind;
use crate::genesis::genesis;
use crate::guard::{Limits, check_change, try_changes};
use crate::read::read;

#[derive(Default, Debug)]
struct Tally {
    refused: u32,
    doubted: u32,
    panicked: u32,
    passed: u32,
}

#[test]
fn whatever_passes_both_guards_saves_loads_and_takes_the_next_edit() {
    let mut tally = Tally::default();
    for (kind, seed) in [
        (Kind::VisitNote, 1),
        (Kind::Contract, 2),
        (Kind::ServiceListing, 3),
    ] {
        let changes = world(kind, 2, 24, seed)[0].changes();
        // The document as it stood before each change.
        let mut before = vec![genesis(kind).document()];
        for change in &changes {
            let mut next = before.last().unwrap().clone();
            next.apply_changes([automerge::Change::from_bytes(change.clone()).unwrap()])
                .unwrap();
            before.push(next);
        }
        let mut dice = Dice(seed * 7919);
        for _ in 0..1_500 {
            let place = dice.below(changes.len());
            let mut body = body(&changes[place]);
            for _ in 0..=dice.roll(2) {
                let at = dice.below(body.len());
                body[at] = match dice.roll(3) {
                    0 => u8::try_from(dice.roll(256)).unwrap(),
                    1 => body[at] ^ (1 << dice.roll(8)),
                    _ => body[at].wrapping_add(1),
                };
            }
            one(&before[place], kind, &seal_body(1, &body), &mut tally);
        }
    }
    assert!(tally.refused > 1_500, "{tally:?}");
    assert!(
        tally.passed > 200,
        "mutants of plain values are honest changes: {tally:?}"
    );
    assert!(
        tally.panicked < 45,
        "the static guard lets through nearly nothing that panics: {tally:?}"
    );
}

fn one(doc: &Automerge, kind: Kind, mutant: &[u8], tally: &mut Tally) {
    if check_change(mutant, kind, &Limits::RELAY).is_err() {
        tally.refused += 1;
        return;
    }
    match try_changes(doc, kind, &[mutant.to_vec()], &Limits::RELAY) {
        Err(doubt) if doubt.code() == "trial_panic" => tally.panicked += 1,
        Err(_) => tally.doubted += 1,
        Ok(tried) => {
            tally.passed += 1;
            let mut after = tried.document;
            if let Some(reading) = tried.reading {
                assert_eq!(reading, read(&after, kind));
            }
            after.set_actor(ActorId::from([9u8; 16]));
            let mut tx = after.transaction();
            tx.put(ROOT, "km", "1.5").unwrap();
            tx.commit();
            let again = Automerge::load(&after.save()).unwrap();
            assert_eq!(again.get_heads(), after.get_heads());
        }
    }
}
