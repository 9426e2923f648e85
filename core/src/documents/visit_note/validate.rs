//! What a visit note must fulfil before each step of its life. Nothing here stops a save: a
//! problem blocks the transition asked about, or only warns.
//!
//! Figures of the field (ranges, sections of advice) are rows of the code lists, with their source.

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::{STATUS, VisitNote};
use crate::documents::check::{Check, code, date, decimal, live};
use crate::documents::{Document, Problem, Validation};

mod advisory;
mod care;

/// A visit is over before this, hours.
const MAX_VISIT_HOURS: i64 = 16;
const HOUR_MS: i64 = 3_600_000;
/// Kilometres of one visit.
const MAX_KM: i64 = 600;

pub(super) fn validate(note: &VisitNote, ctx: &Validation<'_>) -> Vec<Problem> {
    let mut check = Check::new(ctx);
    let step = Step::new(note, ctx);
    check.shape(&super::SPEC, &note.to_value(), step.visit_date, false);
    about(&mut check, note, &step);
    times(&mut check, note, &step);
    advisory::check(&mut check, note, &step);
    care::check(&mut check, note, &step);
    followups(&mut check, note, &step);
    billing(&mut check, note, &step);
    closing(&mut check, note, &step);
    check.finish()
}

/// The transition asked about, and what of it matters to the rules.
struct Step {
    started: bool,
    done: bool,
    finalised: bool,
    approved: bool,
    /// Somebody went there: neither cancelled nor replaced.
    went: bool,
    /// The visit took place, at least in part.
    held: bool,
    /// The day of the visit, or today.
    visit_date: Date,
}

impl Step {
    fn new(note: &VisitNote, ctx: &Validation<'_>) -> Self {
        let rank = |status: &str| STATUS.iter().position(|s| *s == status);
        let reaches =
            |status: &str| rank(ctx.towards).is_some_and(|wanted| Some(wanted) >= rank(status));
        let outcome = note.outcome.as_deref();
        Self {
            started: reaches("started"),
            done: reaches("done"),
            finalised: reaches("finalised"),
            approved: reaches("approved"),
            went: !matches!(outcome, Some("cancelled" | "replaced")),
            held: !matches!(
                outcome,
                Some("cancelled" | "replaced" | "client_absent" | "refused")
            ),
            visit_date: super::date(note).unwrap_or(ctx.today),
        }
    }
}

fn about(check: &mut Check<'_>, note: &VisitNote, step: &Step) {
    check.require(filled(&note.visit_key), "visit_key", step.started);
    check.require(note.profile.is_some(), "profile", step.started);
    check.require(note.subject_kind.is_some(), "subject_kind", step.started);
    check.require(note.subject_id.is_some(), "subject_id", step.started);
    let no_contract = step.done && step.went && note.contract_id.is_none();
    // A worker in the field may not know the contract: the office links it before billing.
    check.add_if(
        no_contract,
        "contract_id",
        code::CONTRACT_MISSING,
        step.approved,
    );
    let no_item = step.finalised && note.contract_id.is_some() && note.scope_item.is_none();
    check.add_if(no_item, "scope_item", code::REQUIRED, false);
}

fn times(check: &mut Check<'_>, note: &VisitNote, step: &Step) {
    if let Some(planned) = &note.planned {
        let backwards =
            matches!((planned.start, planned.end), (Some(start), Some(end)) if end <= start);
        check.add_if(backwards, "planned.end", code::DATE_ORDER, false);
    }
    let went = step.done && step.went;
    let at = |moment: &Option<super::visit::Moment>| {
        moment.as_ref().and_then(super::visit::Moment::corrected)
    };
    let (start, end) = (at(&note.actual_start), at(&note.actual_end));
    check.require(start.is_some(), "actual_start", step.started && step.went);
    check.require(end.is_some(), "actual_end", went);
    if let (Some(start), Some(end)) = (start, end) {
        check.add_if(
            end <= start,
            "actual_end",
            code::END_BEFORE_START,
            step.done,
        );
        let long = end.saturating_sub(start) >= MAX_VISIT_HOURS * HOUR_MS;
        check.add_if(long, "actual_end", code::VISIT_TOO_LONG, step.done);
    }
    check.require(!note.workers.is_empty(), "workers", went);
    check.require(
        note.place.as_ref().is_some_and(|p| p.kind.is_some()),
        "place.kind",
        went,
    );
    check.require(note.outcome.is_some(), "outcome", step.done);

    let parts = &note.time_parts;
    for (path, minutes) in [
        ("time_parts.advice_min", parts.advice_min),
        ("time_parts.prep_min", parts.prep_min),
        ("time_parts.travel_min", parts.travel_min),
        ("time_parts.break_min", parts.break_min),
    ] {
        check.add_if(
            minutes.is_some_and(|m| m < 0),
            path,
            code::NEGATIVE,
            step.done,
        );
        check.add_if(
            minutes.is_some_and(|m| m > 24 * 60),
            path,
            code::OUT_OF_RANGE,
            step.done,
        );
    }
    if let Some(place) = &note.place {
        coordinates(
            check,
            "place",
            place.lat.as_deref(),
            place.lon.as_deref(),
            step.finalised,
        );
    }
}

fn followups(check: &mut Check<'_>, note: &VisitNote, step: &Step) {
    for (key, followup) in &note.followups {
        let path = |part: &str| format!("followups.{key}.{part}");
        check.require(!followup.text.trim().is_empty(), path("text"), step.done);
        let early = date(followup.due.as_deref()).is_some_and(|due| due < step.visit_date);
        check.add_if(early, path("due"), code::DUE_BEFORE_VISIT, false);
    }
    let early = date(note.next_visit.as_deref()).is_some_and(|next| next < step.visit_date);
    check.add_if(early, "next_visit", code::DUE_BEFORE_VISIT, false);
}

fn billing(check: &mut Check<'_>, note: &VisitNote, step: &Step) {
    check.require(
        note.funding_source.is_some(),
        "funding_source",
        step.done && step.went,
    );
    let km = decimal(note.km.as_deref());
    let wrong = km.is_some_and(|km| km < Decimal::ZERO || km > Decimal::from(MAX_KM));
    check.add_if(wrong, "km", code::OUT_OF_RANGE, step.done);
}

fn closing(check: &mut Check<'_>, note: &VisitNote, step: &Step) {
    check.add_if(
        step.approved && note.seals.is_empty(),
        "seals",
        code::SEAL_MISSING,
        true,
    );
    for (key, correction) in &note.corrections {
        let path = |part: &str| format!("corrections.{key}.{part}");
        check.require(filled(&correction.field), path("field"), step.approved);
        check.require(filled(&correction.why), path("why"), step.approved);
    }
    let times = live(&*note.worker_times, |t| t.supersedes, |_| false);
    let students = times
        .iter()
        .filter(|(_, t)| t.role.as_deref() == Some("student"));
    for student in students.filter_map(|(_, t)| t.worker) {
        let signed = note.cosign.values().any(|c| {
            c.student == Some(student)
                && c.supervisor.is_some_and(|supervisor| supervisor != student)
        });
        check.add_if(
            step.approved && !signed,
            "cosign",
            code::COSIGN_MISSING,
            true,
        );
    }
}

/// WGS 84 degrees, both or neither.
fn coordinates(
    check: &mut Check<'_>,
    path: &str,
    lat: Option<&str>,
    lon: Option<&str>,
    blocks: bool,
) {
    let half = lat.is_some() != lon.is_some();
    check.add_if(
        half,
        format!("{path}.lat"),
        code::COORDINATES_INCOMPLETE,
        blocks,
    );
    for (part, text, most) in [("lat", lat, 90), ("lon", lon, 180)] {
        let wrong = decimal(text).is_some_and(|degrees| degrees.abs() > Decimal::from(most));
        check.add_if(wrong, format!("{path}.{part}"), code::OUT_OF_RANGE, blocks);
    }
}

fn filled(text: &Option<String>) -> bool {
    text.as_ref().is_some_and(|text| !text.trim().is_empty())
}

#[cfg(test)]
mod tests;
