//! The care part: tasks, entries, measurements, doses, deviations.

use super::{Step, filled};
use crate::codes;
use crate::documents::check::{Check, code, decimal, live};
use crate::documents::visit_note::VisitNote;
use crate::documents::visit_note::care::Measurement;

pub(super) fn check(check: &mut Check<'_>, note: &VisitNote, step: &Step) {
    let care = note.profile.as_deref() == Some("care") && step.held;
    check.require(!note.tasks.is_empty(), "tasks", step.finalised && care);
    for (key, task) in &note.tasks {
        let path = |part: &str| format!("tasks.{key}.{part}");
        check.require(filled(&task.plan_item), path("plan_item"), step.finalised);
        let undone = task.state.as_deref() != Some("done") && !filled(&task.reason);
        check.add_if(
            step.done && step.held && undone,
            path("reason"),
            code::REASON_REQUIRED,
            step.finalised,
        );
    }

    // An organisation may keep to tasks, times and hours, without care entries: so only a warning.
    check.add_if(
        step.done && care && note.entries.is_empty(),
        "entries",
        code::ENTRY_MISSING,
        false,
    );
    for (key, entry) in &note.entries {
        let path = |part: &str| format!("entries.{key}.{part}");
        check.require(entry.heading.is_some(), path("heading"), step.finalised);
        check.require(!entry.text.trim().is_empty(), path("text"), step.finalised);
        check.require(entry.author.is_some(), path("author"), step.finalised);
    }
    for (key, measured) in live(&*note.measurements, |m| m.supersedes, |_| false) {
        measurement(check, &format!("measurements.{key}"), measured, step);
    }
    for (key, dose) in live(&*note.doses, |d| d.supersedes, |_| false) {
        let path = |part: &str| format!("doses.{key}.{part}");
        check.require(filled(&dose.drug), path("drug"), step.finalised);
        check.require(dose.state.is_some(), path("state"), step.finalised);
        check.require(dose.by.is_some(), path("by"), step.finalised);
        let given = matches!(dose.state.as_deref(), Some("given" | "wrong"));
        check.require(
            !given || dose.given_at.is_some(),
            path("given_at"),
            step.finalised,
        );
    }
    for (key, deviation) in live(&*note.deviations, |d| d.supersedes, |_| false) {
        let path = |part: &str| format!("deviations.{key}.{part}");
        check.require(deviation.kind.is_some(), path("kind"), step.finalised);
        check.require(filled(&deviation.desc), path("desc"), step.finalised);
    }
}

/// A figure outside the usual range is most often a slip of the finger, and sometimes an
/// emergency: the worker looks twice and confirms it.
fn measurement(check: &mut Check<'_>, path: &str, measured: &Measurement, step: &Step) {
    let blocks = step.finalised;
    check.require(measured.what.is_some(), format!("{path}.type"), blocks);
    check.require(measured.value.is_some(), format!("{path}.value"), blocks);
    let Some(what) = measured.what.as_deref() else {
        return;
    };
    let Some(usual) = codes::list("measurement").and_then(|list| list.on(what, step.visit_date))
    else {
        return;
    };
    let (first, second) = (
        decimal(measured.value.as_deref()),
        decimal(measured.value2.as_deref()),
    );
    for (part, figure, min, max) in [
        ("value", first, "min", "max"),
        ("value2", second, "min2", "max2"),
    ] {
        let below = figure
            .zip(decimal(usual.extra(min)))
            .is_some_and(|(figure, min)| figure < min);
        let above = figure
            .zip(decimal(usual.extra(max)))
            .is_some_and(|(figure, max)| figure > max);
        let doubted = (below || above) && measured.confirmed != Some(true);
        check.add_if(
            doubted,
            format!("{path}.{part}"),
            code::MEASUREMENT_UNCONFIRMED,
            blocks,
        );
    }
    if usual.extra("min2").is_some() {
        check.require(second.is_some(), format!("{path}.value2"), blocks);
        let swapped = first
            .zip(second)
            .is_some_and(|(upper, lower)| lower > upper);
        check.add_if(
            swapped,
            format!("{path}.value2"),
            code::DIASTOLIC_ABOVE_SYSTOLIC,
            blocks,
        );
    }
}
