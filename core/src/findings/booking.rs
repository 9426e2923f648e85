//! C4: two planned visits overlap for one worker or one client. Both stay in the calendar until a
//! person picks, reschedules or makes them one visit of two. A pair planned on one document is no
//! double booking, and several advisors on one farm are not either.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::overlap::{Interval, overlapping};
use super::visited::{called_off, reached};
use super::{Finding, Record, Severity};

pub(super) fn run(record: &Record<'_>, _: i64) -> Vec<Finding> {
    let mut workers: BTreeMap<Uuid, Vec<Interval>> = BTreeMap::new();
    let mut clients: BTreeMap<Uuid, Vec<Interval>> = BTreeMap::new();
    for (view, note) in &record.notes {
        // What is done is done: two doers and impossible times are other rules' business.
        if reached(note, "done") || called_off(note) {
            continue;
        }
        let Some(planned) = &note.planned else {
            continue;
        };
        let (Some(from), Some(to)) = (planned.start, planned.end) else {
            continue;
        };
        let interval = Interval {
            doc: view.id,
            from,
            to,
        };
        for worker in planned.worker.iter().chain(&planned.others) {
            workers.entry(*worker).or_default().push(interval);
        }
        if let (Some("client"), Some(client)) = (note.subject_kind.as_deref(), note.subject_id) {
            clients.entry(client).or_default().push(interval);
        }
    }
    let found = |code: &'static str, who: &'static str, by: BTreeMap<Uuid, Vec<Interval>>| {
        by.into_iter().flat_map(move |(id, intervals)| {
            overlapping(intervals).into_iter().map(move |(a, b)| {
                Finding::new("C4", code, Severity::Decide, [a.doc, b.doc])
                    .keyed(&id.to_string())
                    .fact(who, id.to_string())
                    .fact("from_ms", a.from.max(b.from))
                    .fact("to_ms", a.to.min(b.to))
            })
        })
    };
    found("worker_double_booked", "worker", workers)
        .chain(found("client_double_booked", "subject", clients))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::tests::{NOW, doc, id, in_space, note, only};
    use super::super::{View, findings, findings_across};

    fn visit(n: u128, start: i64, worker: u128, client: u128) -> View {
        note(
            n,
            json!({
                "subject_kind": "client", "subject_id": id(client),
                "planned": {"start": start, "end": start + 30, "worker": id(worker)},
            }),
        )
    }

    fn with(mut view: View, field: &str, value: Value) -> View {
        view.value[field] = value;
        view
    }

    #[test]
    fn a_worker_planned_in_two_places_at_once_is_found() {
        let finding = only(
            findings(&[visit(1, 100, 7, 8), visit(2, 120, 7, 9)], NOW),
            "worker_double_booked",
        );
        assert_eq!(finding.docs, [doc(1), doc(2)]);
        assert_eq!(
            (&finding.facts["from_ms"], &finding.facts["to_ms"]),
            (&json!(120), &json!(130))
        );
        assert_eq!(finding.facts["worker"], json!(id(7)));
    }

    #[test]
    fn two_visits_to_one_client_at_once_are_found() {
        let finding = only(
            findings(&[visit(1, 100, 6, 8), visit(2, 120, 7, 8)], NOW),
            "client_double_booked",
        );
        assert_eq!(finding.facts["subject"], json!(id(8)));
    }

    #[test]
    fn visits_back_to_back_do_not_overlap() {
        assert!(findings(&[visit(1, 100, 7, 8), visit(2, 130, 7, 8)], NOW).is_empty());
    }

    #[test]
    fn a_planned_pair_two_advisors_on_a_farm_and_what_is_done_or_called_off_are_no_double_booking()
    {
        let pair = with(
            visit(1, 100, 7, 8),
            "planned",
            json!({"start": 100, "end": 130, "worker": id(7), "others": [id(6)]}),
        );
        assert!(findings(&[pair], NOW).is_empty());
        let on_farm = |n, worker| with(visit(n, 100, worker, 8), "subject_kind", json!("farm"));
        assert!(findings(&[on_farm(1, 6), on_farm(2, 7)], NOW).is_empty());
        for (field, code) in [("status", "done"), ("outcome", "cancelled")] {
            let over = with(visit(1, 100, 7, 8), field, json!(code));
            assert!(
                findings(&[over, visit(2, 100, 7, 9)], NOW).is_empty(),
                "{code}"
            );
        }
    }

    #[test]
    fn without_planned_times_or_subject_nothing_is_known() {
        let bare = note(1, json!({"planned": {"start": 100, "worker": id(7)}}));
        assert!(findings(&[bare, visit(2, 100, 7, 9)], NOW).is_empty());
    }

    #[test]
    fn a_worker_booked_in_two_spaces_shows_only_across_them() {
        let views = [visit(1, 100, 7, 8), in_space(2, visit(2, 120, 7, 9))];
        assert!(findings(&views, NOW).is_empty());
        only(findings_across(&views, NOW), "worker_double_booked");
        let same_space = [visit(1, 100, 7, 8), visit(2, 120, 7, 9)];
        assert!(
            findings_across(&same_space, NOW).is_empty(),
            "left to the space's own run"
        );
    }
}
