//! What honest devices write passes, and each refusal has its reason.

use super::honest::world;
use crate::documents::Kind;
use crate::guard::{Limits, check_change};

#[test]
fn everything_honest_devices_write_passes_the_static_guard() {
    for kind in Kind::ALL {
        for seed in 0..12 {
            let phones = world(kind, 3, 40, seed);
            for change in phones[0].changes() {
                let checked = check_change(&change, kind, &Limits::RELAY)
                    .unwrap_or_else(|r| panic!("{} seed {seed}: {r}", kind.code()));
                let theirs = automerge::Change::from_bytes(change).unwrap();
                assert_eq!(checked.hash, theirs.hash().into());
                assert_eq!(checked.max_op, theirs.max_op());
                assert_eq!(checked.seq, theirs.seq());
                assert_eq!(checked.author.to_bytes(), theirs.actor_id().to_bytes());
            }
        }
    }
}
