//! C5: the regular worker and a substitute both made the same visit, or both recorded it. One
//! visit, both entries; a person says whether it was a two-person visit (billed twice) or single.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::visited::{called_off, doers, reached};
use super::{Finding, Record, Severity};
use crate::id::DocId;

pub(super) fn run(record: &Record<'_>, _: i64) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut by_key: BTreeMap<&str, BTreeSet<DocId>> = BTreeMap::new();
    for (view, note) in &record.notes {
        if !reached(note, "done") {
            continue;
        }
        if let Some(key) = note.visit_key.as_deref().filter(|_| !called_off(note)) {
            by_key.entry(key).or_default().insert(view.id);
        }
        let Some(planned) = &note.planned else {
            continue;
        };
        let Some(worker) = planned.worker else {
            continue;
        };
        let planned: BTreeSet<Uuid> = planned.others.iter().copied().chain([worker]).collect();
        let doers = doers(note);
        if doers.len() > planned.len() {
            let names: Vec<String> = doers.iter().map(Uuid::to_string).collect();
            found.push(
                Finding::new("C5", "two_doers", Severity::Decide, [view.id])
                    .fact("workers", names)
                    .fact("planned_workers", planned.len()),
            );
        }
    }
    let twice = by_key.into_iter().filter(|(_, docs)| docs.len() > 1);
    found.extend(twice.map(|(key, docs)| {
        let mut finding =
            Finding::new("C5", "visit_recorded_twice", Severity::Decide, []).keyed(key);
        finding = finding.fact("notes", docs.len());
        finding.docs = docs.into_iter().collect();
        finding
    }));
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::findings;
    use super::super::tests::{NOW, doc, id, note, only};

    #[test]
    fn a_visit_planned_for_one_and_done_by_two_is_found() {
        let views = [note(
            1,
            json!({"status": "done", "planned": {"worker": id(7)}, "workers": [id(7), id(8)]}),
        )];
        let finding = only(findings(&views, NOW), "two_doers");
        assert_eq!(finding.facts["workers"], json!([id(7), id(8)]));
    }

    #[test]
    fn workers_who_only_noted_when_they_came_count_too() {
        let times = json!({ id(20): {"worker": id(8), "in": 5, "out": 6} });
        let value = json!({"status": "done", "planned": {"worker": id(7)}, "workers": [id(7)], "worker_times": times});
        only(findings(&[note(1, value)], NOW), "two_doers");
    }

    #[test]
    fn a_planned_pair_a_lone_substitute_and_a_student_are_no_finding() {
        let pair = json!({"status": "done", "planned": {"worker": id(7), "others": [id(8)]}, "workers": [id(7), id(8)]});
        let substitute =
            json!({"status": "done", "planned": {"worker": id(7)}, "workers": [id(8)]});
        let student = json!({"status": "done", "planned": {"worker": id(7)}, "workers": [id(7), id(8)],
            "worker_times": { id(20): {"worker": id(8), "role": "student"} }});
        let not_done =
            json!({"status": "started", "planned": {"worker": id(7)}, "workers": [id(7), id(8)]});
        for value in [pair, substitute, student, not_done] {
            assert!(
                findings(&[note(1, value.clone())], NOW).is_empty(),
                "{value}"
            );
        }
    }

    #[test]
    fn an_unplanned_visit_of_two_is_not_known_to_be_wrong() {
        assert!(
            findings(
                &[note(
                    1,
                    json!({"status": "done", "workers": [id(7), id(8)]})
                )],
                NOW
            )
            .is_empty()
        );
    }

    #[test]
    fn two_documents_of_one_visit_are_found_once_both_are_done() {
        let visit = |n, status| note(n, json!({"visit_key": "v1", "status": status}));
        let finding = only(
            findings(&[visit(1, "done"), visit(2, "finalised")], NOW),
            "visit_recorded_twice",
        );
        assert_eq!(finding.docs, [doc(1), doc(2)]);
        assert!(findings(&[visit(1, "done"), visit(2, "planned")], NOW).is_empty());
        let cancelled = note(
            2,
            json!({"visit_key": "v1", "status": "done", "outcome": "replaced"}),
        );
        assert!(findings(&[visit(1, "done"), cancelled], NOW).is_empty());
    }
}
