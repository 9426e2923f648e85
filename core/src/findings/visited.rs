//! When and by whom a visit was really made, clocks corrected.

use std::collections::BTreeSet;

use uuid::Uuid;

use crate::documents::visit_note::visit::Moment;
use crate::documents::visit_note::{STATUS, VisitNote};

/// Whether the note's status has come this far.
pub(super) fn reached(note: &VisitNote, status: &str) -> bool {
    let rank = |code: &str| STATUS.iter().position(|s| *s == code);
    match (note.status.as_deref().and_then(rank), rank(status)) {
        (Some(is), Some(wanted)) => is >= wanted,
        _ => false,
    }
}

/// Whether nobody went after all.
pub(super) fn called_off(note: &VisitNote) -> bool {
    matches!(note.outcome.as_deref(), Some("cancelled" | "replaced"))
}

/// The moment in relay time, as well as the device knew it.
pub(super) fn corrected(moment: Option<&Moment>) -> Option<i64> {
    moment?.corrected()
}

/// The members who made the visit; students and their supervisors only watch.
pub(super) fn doers(note: &VisitNote) -> BTreeSet<Uuid> {
    let watching: BTreeSet<Uuid> = live_times(note)
        .filter(|t| matches!(t.role.as_deref(), Some("student" | "supervisor")))
        .filter_map(|t| t.worker)
        .collect();
    let named = note.workers.iter().filter_map(|w| Uuid::parse_str(w).ok());
    let timed = live_times(note).filter_map(|t| t.worker);
    named
        .chain(timed)
        .filter(|w| !watching.contains(w))
        .collect()
}

/// Entries of who came and left that no later entry corrects.
pub(super) fn live_times(
    note: &VisitNote,
) -> impl Iterator<Item = &crate::documents::visit_note::visit::WorkerTime> {
    let superseded: BTreeSet<Uuid> = note
        .worker_times
        .values()
        .filter_map(|t| t.supersedes)
        .collect();
    note.worker_times
        .iter()
        .filter(move |(key, _)| !superseded.contains(key))
        .map(|(_, time)| time)
}
