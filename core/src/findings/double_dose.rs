//! C7: a dose that was due once was given twice. Both entries stay; a nurse is called.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::{Finding, Record, Severity};
use crate::id::DocId;

/// Doses due this close together are the same planned dose written from two plan versions.
const WINDOW_MS: i64 = 30 * 60_000;

type Given = (i64, DocId, Uuid);

pub(super) fn run(record: &Record<'_>, _: i64) -> Vec<Finding> {
    // By client and medicine: when it was due, in which note, under which key.
    let mut given: BTreeMap<(Uuid, String), Vec<Given>> = BTreeMap::new();
    for (view, note) in &record.notes {
        let superseded: BTreeSet<Uuid> = note.doses.values().filter_map(|d| d.supersedes).collect();
        for (key, dose) in &note.doses {
            let (Some(subject), Some(drug), Some(due), Some("given")) = (
                note.subject_id,
                &dose.drug,
                dose.planned_at,
                dose.state.as_deref(),
            ) else {
                continue;
            };
            if !superseded.contains(key) {
                let drug = drug.trim().to_lowercase();
                given
                    .entry((subject, drug))
                    .or_default()
                    .push((due, view.id, *key));
            }
        }
    }
    let mut found = Vec::new();
    for ((subject, _), mut doses) in given {
        doses.sort_unstable();
        for pair in doses.windows(2) {
            let [(first, a, key_a), (second, b, key_b)] = pair else {
                continue;
            };
            // The same entry in two documents is one entry.
            if second.saturating_sub(*first) <= WINDOW_MS && key_a != key_b {
                found.push(
                    Finding::new("C7", "dose_given_twice", Severity::Safety, [*a, *b])
                        .keyed(&key_a.to_string())
                        .keyed(&key_b.to_string())
                        .fact("subject", subject.to_string())
                        .fact("planned_at_ms", *first),
                );
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::tests::{NOW, doc, id, note, only};
    use super::super::{Severity, View, findings};

    fn given(n: u128, entry: u128, planned_at: i64, drug: &str) -> View {
        let dose = json!({"drug": drug, "planned_at": planned_at, "state": "given"});
        note(
            n,
            json!({"subject_id": id(8), "doses": { id(entry): dose }}),
        )
    }

    #[test]
    fn one_planned_dose_given_on_two_visits_is_found_as_a_matter_of_safety() {
        let views = [
            given(1, 20, 1_000, "Marevan"),
            given(2, 21, 61_000, "marevan "),
        ];
        let finding = only(findings(&views, NOW), "dose_given_twice");
        assert_eq!(
            (finding.severity, finding.docs),
            (Severity::Safety, vec![doc(1), doc(2)])
        );
    }

    #[test]
    fn other_doses_drugs_and_clients_are_no_finding() {
        let first = || given(1, 20, 0, "Marevan");
        assert!(findings(&[first(), given(2, 21, 4 * 3_600_000, "Marevan")], NOW).is_empty());
        assert!(findings(&[first(), given(2, 21, 0, "Panadol")], NOW).is_empty());
        let change = |field: &str, value: Value| {
            let mut view = given(2, 21, 0, "Marevan");
            view.value[field] = value;
            findings(&[first(), view], NOW).len()
        };
        assert_eq!(change("tags", json!([])), 1, "unchanged, it is found");
        assert_eq!(change("subject_id", json!(id(9))), 0);
        assert_eq!(
            change(
                "doses",
                json!({ id(21): {"drug": "Marevan", "planned_at": 0, "state": "refused"} })
            ),
            0
        );
    }

    #[test]
    fn a_corrected_entry_and_an_entry_without_its_plan_do_not_count() {
        let corrected = note(
            1,
            json!({"subject_id": id(8), "doses": {
                id(20): {"drug": "Marevan", "planned_at": 0, "state": "given"},
                id(21): {"drug": "Marevan", "planned_at": 0, "state": "given", "supersedes": id(20)},
            }}),
        );
        assert!(findings(&[corrected], NOW).is_empty());
        let unplanned = note(
            2,
            json!({"subject_id": id(8), "doses": { id(22): {"drug": "Marevan", "state": "given"} }}),
        );
        assert!(findings(&[given(1, 20, 0, "Marevan"), unplanned], NOW).is_empty());
    }
}
