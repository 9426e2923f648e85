//! A run's compact form: any bytes are refused or rebuild to changes within the limits, and what
//! rebuilds encodes again to the same changes.

use sopu_core::chunk::Chunk;
use sopu_core::encoding::{decode_changes, encode_changes};
use sopu_core::guard::Limits;

use crate::guard::History;

/// The bytes of a run.
pub fn run(data: &[u8]) {
    for limits in [&Limits::RELAY, &Limits::DEVICE, &Limits::PACK] {
        let Ok(changes) = decode_changes(data, limits) else {
            continue;
        };
        assert!(changes.len() <= limits.changes);
        assert!(changes.iter().map(Vec::len).sum::<usize>() <= limits.run_bytes);
        // What rebuilds need not be a change the guard lets in.
        if changes.iter().all(|change| Chunk::parse(change).is_ok())
            && let Ok(again) = encode_changes(&changes)
        {
            assert_eq!(decode_changes(&again, limits), Ok(changes));
        }
    }
}

/// Runs of one, of a few and of all changes of each history.
pub fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = vec![encode_changes(&[]).expect("encodes")];
    for history in History::fixed() {
        for length in [1, 4, history.changes.len()] {
            let runs = history.changes.chunks(length).take(6);
            seeds.extend(runs.map(|run| encode_changes(run).expect("encodes")));
        }
    }
    seeds
}
