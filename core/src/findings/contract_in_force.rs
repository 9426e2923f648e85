//! C10: a visit on a day its contract was not in force. The note stays and its billing waits; a
//! person links another contract or makes the visit non-billable.

use jiff::civil::Date;

use super::visited::{called_off, reached};
use super::{Finding, Record, Severity, View};
use crate::documents::contract::Contract;
use crate::documents::visit_note;

pub(super) fn run(record: &Record<'_>, _: i64) -> Vec<Finding> {
    let mut found = Vec::new();
    for (view, note) in &record.notes {
        if !reached(note, "started") || called_off(note) || view.in_conflict("contract_id") {
            continue;
        }
        let Some((contract_view, contract)) = note.contract_id.and_then(|id| record.contract(id))
        else {
            continue;
        };
        let Some(date) = visit_note::date(note) else {
            continue;
        };
        if let Some(reason) = not_in_force(contract_view, contract, date) {
            found.push(
                Finding::new(
                    "C10",
                    "no_contract_in_force",
                    Severity::Decide,
                    [view.id, contract_view.id],
                )
                .fact("date", date.to_string())
                .fact("reason", reason)
                .fact("contract", contract_view.id.to_string()),
            );
        }
    }
    found
}

/// Why the contract was not in force that day: `not_signed`, `not_begun`, `ended`, `terminated`.
fn not_in_force(view: &View, contract: &Contract, date: Date) -> Option<&'static str> {
    let day = |path: &str, text: Option<&String>| -> Option<Date> {
        if view.in_conflict(path) {
            None
        } else {
            text?.parse().ok()
        }
    };
    match contract.status.as_deref()? {
        "draft" | "offered" | "locked" | "rejected" | "cancelled" => return Some("not_signed"),
        "terminated" => {
            let termination = contract
                .termination
                .as_ref()
                .and_then(|t| t.effective_on.as_ref());
            // The contract holds to the end of the day notice takes effect.
            if day("termination", termination).is_some_and(|effective| date > effective) {
                return Some("terminated");
            }
        }
        // In force by its dates, or a status of a newer version.
        _ => {}
    }
    if day("valid_from", contract.valid_from.as_ref()).is_some_and(|from| date < from) {
        return Some("not_begun");
    }
    let open = contract.indefinite == Some(true) || view.in_conflict("indefinite");
    (!open && day("valid_to", contract.valid_to.as_ref()).is_some_and(|to| date > to))
        .then_some("ended")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::findings;
    use super::super::tests::{NOW, contract, doc, id, note, only};
    use crate::read::Conflict;

    fn on(date: &str, terms: Value) -> Vec<super::Finding> {
        let at = format!("{date}T09:00:00Z")
            .parse::<jiff::Timestamp>()
            .expect("valid")
            .as_millisecond();
        let visit = json!({"status": "done", "contract_id": id(1), "actual_start": {"at": at}});
        findings(&[contract(1, terms), note(2, visit)], NOW)
    }

    fn reason(date: &str, terms: Value) -> String {
        let finding = only(on(date, terms), "no_contract_in_force");
        assert_eq!(finding.docs, [doc(1), doc(2)]);
        finding.facts["reason"].as_str().expect("a code").to_owned()
    }

    #[test]
    fn a_visit_outside_the_contracts_time_is_found_with_the_reason() {
        let terms =
            || json!({"status": "signed", "valid_from": "2026-01-01", "valid_to": "2026-06-30"});
        assert_eq!(reason("2025-12-31", terms()), "not_begun");
        assert_eq!(reason("2026-07-01", terms()), "ended");
        assert_eq!(
            reason("2026-03-01", json!({"status": "locked"})),
            "not_signed"
        );
        let ended = json!({"status": "terminated", "indefinite": true, "termination": {"effective_on": "2026-03-31"}});
        assert_eq!(reason("2026-04-01", ended), "terminated");
    }

    #[test]
    fn the_first_and_the_last_day_are_in_force() {
        let terms =
            || json!({"status": "signed", "valid_from": "2026-01-01", "valid_to": "2026-06-30"});
        for date in ["2026-01-01", "2026-06-30"] {
            assert!(on(date, terms()).is_empty(), "{date}");
        }
        let ended = json!({"status": "terminated", "indefinite": true, "termination": {"effective_on": "2026-03-31"}});
        assert!(on("2026-03-31", ended).is_empty());
    }

    #[test]
    fn what_is_not_known_is_no_finding() {
        assert!(
            on("2026-03-01", json!({"valid_to": "2020-01-01"})).is_empty(),
            "no status"
        );
        assert!(
            on("2026-03-01", json!({"status": "signed"})).is_empty(),
            "no dates"
        );
        assert!(
            on("2026-03-01", json!({"status": "terminated"})).is_empty(),
            "no date of termination"
        );
        let visit = json!({"status": "done", "contract_id": id(1), "actual_start": {"at": 0}});
        assert!(
            findings(&[note(2, visit.clone())], NOW).is_empty(),
            "no contract here"
        );
        let mut disputed = contract(1, json!({"status": "signed", "valid_from": "2026-01-01"}));
        assert_eq!(
            findings(&[disputed.clone(), note(2, visit.clone())], NOW).len(),
            1
        );
        disputed.conflicts.push(Conflict {
            path: "valid_from".into(),
            values: Vec::new(),
        });
        assert!(
            findings(&[disputed, note(2, visit)], NOW).is_empty(),
            "dates in conflict"
        );
    }

    #[test]
    fn a_visit_not_begun_or_called_off_needs_no_contract() {
        for visit in [
            json!({"status": "planned"}),
            json!({"status": "done", "outcome": "cancelled"}),
        ] {
            let mut visit = visit;
            visit["contract_id"] = json!(id(1));
            visit["actual_start"] = json!({"at": 0});
            assert!(
                findings(
                    &[contract(1, json!({"status": "draft"})), note(2, visit)],
                    NOW
                )
                .is_empty()
            );
        }
    }
}
