//! Notes on the wrong client (C16): marked as such and to be taken out, or moved here from elsewhere;
//! two people who move one note without contact make two of it.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use crate::id::DocId;

use super::{Finding, Record, Severity};

/// How long it is told that a note was moved, milliseconds: until everybody who goes there has seen it.
const TOLD_MS: i64 = 14 * 24 * 60 * 60 * 1_000;

pub(super) fn run(record: &Record<'_>, now_ms: i64) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut became: BTreeMap<Uuid, BTreeSet<DocId>> = BTreeMap::new();
    for (view, note) in &record.notes {
        if note.wrong_client == Some(true) {
            found.push(Finding::new(
                "C16",
                "on_wrong_client",
                Severity::Law,
                [view.id],
            ));
        }
        let from = note.moved_from.as_ref().and_then(|moved| moved.doc);
        if let Some(from) = from.filter(|_| note.wrong_client != Some(true)) {
            became.entry(from).or_default().insert(view.id);
        }
        let moved = note.moved_from.as_ref().and_then(|moved| moved.at);
        if moved.is_some_and(|at| now_ms.saturating_sub(at) < TOLD_MS) {
            found.push(Finding::new(
                "C16",
                "moved_from_wrong_client",
                Severity::Look,
                [view.id],
            ));
        }
    }
    let twice = became.into_values().filter(|docs| docs.len() > 1);
    found.extend(twice.map(|docs| Finding::new("C16", "moved_twice", Severity::Decide, docs)));
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::findings;
    use super::super::tests::{NOW, doc, id, note, only};
    use super::*;

    fn codes(value: serde_json::Value) -> Vec<&'static str> {
        let found = findings(&[note(1, value)], NOW);
        found.into_iter().map(|finding| finding.code).collect()
    }

    #[test]
    fn a_marked_note_waits_for_the_office_and_a_moved_one_is_told_for_two_weeks() {
        assert_eq!(codes(json!({"wrong_client": true})), ["on_wrong_client"]);
        assert_eq!(codes(json!({"wrong_client": false})), [""; 0]);
        let moved = |at| json!({"moved_from": {"doc": id(9), "at": at}});
        assert_eq!(codes(moved(NOW)), ["moved_from_wrong_client"]);
        assert_eq!(codes(moved(NOW - TOLD_MS)), [""; 0]);
    }

    #[test]
    fn two_that_one_note_became_are_found_until_one_is_to_be_taken_out() {
        let moved = |from| json!({"moved_from": {"doc": id(from), "at": 0}});
        let both = [note(1, moved(9)), note(2, moved(9)), note(3, moved(8))];
        let finding = only(findings(&both, NOW), "moved_twice");
        assert_eq!(finding.docs, [doc(1), doc(2)]);
        let mut marked = moved(9);
        marked["wrong_client"] = true.into();
        let one = [note(1, moved(9)), note(2, marked)];
        only(findings(&one, NOW), "on_wrong_client");
    }
}
