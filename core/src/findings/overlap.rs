//! Which intervals of time overlap.

use crate::id::DocId;

/// From and to, milliseconds since 1970 UTC; the end is outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Interval {
    pub doc: DocId,
    pub from: i64,
    pub to: i64,
}

/// Pairs of different documents whose intervals share time. An interval that ends before it begins
/// takes no time.
pub(super) fn overlapping(mut intervals: Vec<Interval>) -> Vec<(Interval, Interval)> {
    intervals.retain(|i| i.from < i.to);
    intervals.sort_unstable_by_key(|i| (i.from, i.to, i.doc));
    let mut pairs = Vec::new();
    for (at, first) in intervals.iter().enumerate() {
        let later = intervals
            .iter()
            .skip(at + 1)
            .take_while(|second| second.from < first.to);
        pairs.extend(
            later
                .filter(|second| second.doc != first.doc)
                .map(|second| (*first, *second)),
        );
    }
    pairs
}
