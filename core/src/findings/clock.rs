//! C21: times that cannot be right. Order in the record never follows clocks; only the wall time
//! shown is doubted, beside the time of receipt.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::overlap::{Interval, overlapping};
use super::visited::{called_off, corrected, doers, live_times};
use super::{Finding, Record, Severity};

/// A device clock further off than this is worth a look.
const TOLERANCE_MS: i64 = 5 * 60_000;

pub(super) fn run(record: &Record<'_>, now_ms: i64) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut busy: BTreeMap<Uuid, Vec<Interval>> = BTreeMap::new();
    for (view, note) in &record.notes {
        let finding =
            |code, path: &str| Finding::new("C21", code, Severity::Look, [view.id]).at(path);
        for (path, moment) in [
            ("actual_start", &note.actual_start),
            ("actual_end", &note.actual_end),
        ] {
            let offset = moment
                .as_ref()
                .and_then(|m| m.offset_ms)
                .filter(|o| o.unsigned_abs() > TOLERANCE_MS.unsigned_abs());
            if let Some(offset) = offset {
                found.push(finding("clock_off", path).fact("offset_ms", offset));
            }
        }
        if view.in_conflict("actual_start") || view.in_conflict("actual_end") {
            continue;
        }
        let start = corrected(note.actual_start.as_ref());
        let end = corrected(note.actual_end.as_ref());
        if let Some(start) = start.filter(|start| *start > now_ms.saturating_add(TOLERANCE_MS)) {
            found.push(
                finding("starts_in_future", "actual_start")
                    .fact("start_ms", start)
                    .fact("now_ms", now_ms),
            );
        }
        if let (Some(start), Some(end)) = (start, end)
            && end < start
        {
            found.push(
                finding("ends_before_start", "actual_end")
                    .fact("start_ms", start)
                    .fact("end_ms", end),
            );
        }
        if called_off(note) {
            continue;
        }
        for worker in doers(note) {
            let own: Vec<_> = live_times(note)
                .filter(|t| t.worker == Some(worker))
                .collect();
            let times = if own.is_empty() {
                vec![(start, end)]
            } else {
                own.iter().map(|t| (t.came, t.out)).collect()
            };
            for (from, to) in times {
                if let (Some(from), Some(to)) = (from, to) {
                    busy.entry(worker).or_default().push(Interval {
                        doc: view.id,
                        from,
                        to,
                    });
                }
            }
        }
    }
    for (worker, intervals) in busy {
        for (a, b) in overlapping(intervals) {
            let overlap = a.to.min(b.to) - a.from.max(b.from);
            // Clocks and fingers are not exact to the minute.
            if overlap > TOLERANCE_MS {
                found.push(
                    Finding::new(
                        "C21",
                        "worker_in_two_places",
                        Severity::Look,
                        [a.doc, b.doc],
                    )
                    .keyed(&worker.to_string())
                    .fact("worker", worker.to_string())
                    .fact("from_ms", a.from.max(b.from))
                    .fact("to_ms", a.to.min(b.to)),
                );
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::tests::{NOW, id, in_space, note, only};
    use super::super::{View, findings, findings_across};

    const MIN: i64 = 60_000;

    fn visit(n: u128, start: i64, end: i64) -> View {
        note(
            n,
            json!({"actual_start": {"at": start}, "actual_end": {"at": end}, "workers": [id(7)]}),
        )
    }

    #[test]
    fn a_clock_more_than_five_minutes_off_is_found_in_either_direction() {
        let with = |offset: i64| {
            findings(
                &[note(
                    1,
                    json!({"actual_start": {"at": 0, "offset_ms": offset}}),
                )],
                NOW,
            )
        };
        for offset in [5 * MIN + 1, -5 * MIN - 1, i64::MIN] {
            assert_eq!(
                only(with(offset), "clock_off").facts["offset_ms"],
                json!(offset)
            );
        }
        for offset in [0, 5 * MIN, -5 * MIN] {
            assert!(with(offset).is_empty(), "{offset}");
        }
    }

    #[test]
    fn an_end_before_the_start_is_found_after_correcting_the_clocks() {
        only(
            findings(&[visit(1, 10 * MIN, 5 * MIN)], NOW),
            "ends_before_start",
        );
        // Started on a phone four minutes fast, ended on one that is right.
        let handed_over = json!({"actual_start": {"at": 10 * MIN, "offset_ms": -4 * MIN}, "actual_end": {"at": 8 * MIN}});
        assert!(findings(&[note(1, handed_over)], NOW).is_empty());
        assert!(
            findings(&[note(1, json!({"actual_end": {"at": 5}}))], NOW).is_empty(),
            "no start, not known"
        );
    }

    #[test]
    fn a_start_in_the_future_is_judged_by_now() {
        let start = |at: i64| findings(&[note(1, json!({"actual_start": {"at": at}}))], NOW);
        only(start(NOW + 6 * MIN), "starts_in_future");
        assert!(start(NOW + 4 * MIN).is_empty());
    }

    #[test]
    fn a_worker_in_two_places_at_once_is_found() {
        let views = [visit(1, 0, 30 * MIN), visit(2, 20 * MIN, 50 * MIN)];
        assert_eq!(
            only(findings(&views, NOW), "worker_in_two_places").facts["worker"],
            json!(id(7))
        );
        let elsewhere = [
            visit(1, 0, 30 * MIN),
            in_space(2, visit(2, 20 * MIN, 50 * MIN)),
        ];
        only(findings_across(&elsewhere, NOW), "worker_in_two_places");
    }

    #[test]
    fn a_few_minutes_of_overlap_and_a_worker_who_left_early_are_no_finding() {
        assert!(findings(&[visit(1, 0, 30 * MIN), visit(2, 26 * MIN, 50 * MIN)], NOW).is_empty());
        let mut early = visit(1, 0, 30 * MIN);
        early.value["worker_times"] =
            json!({ id(20): {"worker": id(7), "in": 0, "out": 15 * MIN} });
        assert!(findings(&[early, visit(2, 20 * MIN, 50 * MIN)], NOW).is_empty());
    }

    #[test]
    fn a_called_off_visit_occupies_nobody() {
        let mut off = visit(1, 0, 30 * MIN);
        off.value["outcome"] = Value::from("cancelled");
        assert!(findings(&[off, visit(2, 0, 30 * MIN)], NOW).is_empty());
    }
}
