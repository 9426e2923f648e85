//! The advisory part: observations, recommendations, and the plant protection record, which is
//! complete or not one at all.

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::{Step, coordinates, filled};
use crate::documents::check::{Check, code, date, decimal, live};
use crate::documents::visit_note::VisitNote;
use crate::documents::visit_note::advisory::{Observation, Recommendation, Treatment};
use crate::time::helsinki_date;

/// A use is to be in machine-readable form within this many days (Regulation (EU) 2023/564).
const RECORD_WITHIN_DAYS: i32 = 30;

pub(super) fn check(check: &mut Check<'_>, note: &VisitNote, step: &Step) {
    let advisory = note.profile.as_deref() == Some("advisory") && step.held;
    let funded = note.funding_source.as_deref() == Some("neuvo");
    check.require(
        !note.summary.trim().is_empty(),
        "summary",
        step.finalised && advisory,
    );
    check.require(
        note.time_parts.advice_min.is_some(),
        "time_parts.advice_min",
        step.finalised && advisory,
    );
    check.require(
        note.advice_section.is_some(),
        "advice_section",
        step.finalised && advisory && funded,
    );
    let (advice, prep) = (
        note.time_parts.advice_min.unwrap_or(0),
        note.time_parts.prep_min.unwrap_or(0),
    );
    // A term of the funded advice; elsewhere only unusual.
    check.add_if(
        advisory && prep > advice,
        "time_parts.prep_min",
        code::PREP_OVER_ADVICE,
        step.finalised && funded,
    );

    for (key, seen) in &note.observations {
        observation(check, &format!("observations.{key}"), seen, step);
    }
    for (key, advice) in &note.recommendations {
        recommendation(check, &format!("recommendations.{key}"), advice, note, step);
    }
    for (key, used) in live(&*note.treatments, |t| t.supersedes, |_| false) {
        treatment(check, &format!("treatments.{key}"), used, note, step);
    }
    for (key, seen) in &note.efficacy {
        let known = seen
            .treatment
            .is_some_and(|treatment| note.treatments.contains_key(&treatment));
        check.add_if(
            !known,
            format!("efficacy.{key}.treatment"),
            code::UNKNOWN_REFERENCE,
            false,
        );
    }
}

fn observation(check: &mut Check<'_>, path: &str, seen: &Observation, step: &Step) {
    let blocks = step.finalised;
    eppo(
        check,
        format!("{path}.crop_eppo"),
        seen.crop_eppo.as_deref(),
        Eppo::Crop,
        blocks,
    );
    eppo(
        check,
        format!("{path}.pest_eppo"),
        seen.pest_eppo.as_deref(),
        Eppo::Pest,
        blocks,
    );
    parcel(check, path, seen.parcel.as_deref(), blocks);
    bbch(check, path, seen.bbch.as_deref(), blocks);
    for (part, figure) in [("count", &seen.count), ("threshold", &seen.threshold)] {
        let negative = decimal(figure.as_deref()).is_some_and(|d| d < Decimal::ZERO);
        check.add_if(negative, format!("{path}.{part}"), code::NEGATIVE, blocks);
    }
    let incidence = decimal(seen.incidence.as_deref());
    let wrong = incidence.is_some_and(|d| d < Decimal::ZERO || d > Decimal::ONE_HUNDRED);
    check.add_if(
        wrong,
        format!("{path}.incidence"),
        code::OUT_OF_RANGE,
        blocks,
    );
}

fn recommendation(
    check: &mut Check<'_>,
    path: &str,
    advice: &Recommendation,
    note: &VisitNote,
    step: &Step,
) {
    check.require(
        !advice.text.trim().is_empty(),
        format!("{path}.text"),
        step.finalised,
    );
    let early = date(advice.due.as_deref()).is_some_and(|due| due < step.visit_date);
    check.add_if(early, format!("{path}.due"), code::DUE_BEFORE_VISIT, false);
    if filled(&advice.product_ref) {
        let observed = |codes: &[&str]| {
            note.observations
                .values()
                .any(|o| o.principle.as_deref().is_some_and(|p| codes.contains(&p)))
        };
        let weighed = observed(&["P4"])
            || note
                .recommendations
                .values()
                .any(|r| r.principles.iter().any(|p| p == "P4"));
        // The principles bind the farmer, not the note: a warning, never a block.
        let unfounded = !observed(&["P2", "P3"]) || !weighed;
        check.add_if(unfounded, path, code::IPM_UNFOUNDED, false);
    }
}

fn treatment(check: &mut Check<'_>, path: &str, used: &Treatment, note: &VisitNote, step: &Step) {
    let blocks = step.finalised;
    for (part, text) in [
        ("use_type", &used.use_type),
        ("product", &used.product),
        ("auth_no", &used.auth_no),
        ("date", &used.date),
        ("dose", &used.dose),
        ("unit", &used.unit),
        ("size", &used.size),
        ("size_unit", &used.size_unit),
        ("crop_eppo", &used.crop_eppo),
        ("user", &used.user),
    ] {
        check.require(filled(text), format!("{path}.{part}"), blocks);
    }
    match used.use_type.as_deref() {
        Some("area") => {
            let located = filled(&used.parcel) || (used.lat.is_some() && used.lon.is_some());
            check.require(located, format!("{path}.parcel"), blocks);
        }
        Some("closed_space") => {
            check.add_if(
                filled(&used.parcel),
                format!("{path}.parcel"),
                code::PARCEL_IN_CLOSED_SPACE,
                false,
            );
        }
        _ => {}
    }
    parcel(check, path, used.parcel.as_deref(), blocks);
    coordinates(
        check,
        path,
        used.lat.as_deref(),
        used.lon.as_deref(),
        blocks,
    );
    eppo(
        check,
        format!("{path}.crop_eppo"),
        used.crop_eppo.as_deref(),
        Eppo::Crop,
        blocks,
    );
    eppo(
        check,
        format!("{path}.pest_eppo"),
        used.pest_eppo.as_deref(),
        Eppo::Pest,
        blocks,
    );
    bbch(check, path, used.bbch.as_deref(), blocks);
    for (part, figure) in [("dose", &used.dose), ("size", &used.size)] {
        let none = decimal(figure.as_deref()).is_some_and(|d| d <= Decimal::ZERO);
        check.add_if(none, format!("{path}.{part}"), code::NOT_POSITIVE, blocks);
    }
    check.add_if(
        used.phi_days.is_some_and(|d| d < 0),
        format!("{path}.phi_days"),
        code::NEGATIVE,
        blocks,
    );

    let Some(day) = date(used.date.as_deref()) else {
        return;
    };
    check.add_if(
        day > check.ctx.today,
        format!("{path}.date"),
        code::DATE_IN_FUTURE,
        blocks,
    );
    let recorded = note.header.created_at.and_then(helsinki_date);
    let late = recorded.is_some_and(|recorded| days(day, recorded) > RECORD_WITHIN_DAYS);
    check.add_if(
        late,
        format!("{path}.date"),
        code::TREATMENT_RECORDED_LATE,
        false,
    );
}

fn days(from: Date, to: Date) -> i32 {
    (to - from).get_days()
}

#[derive(Clone, Copy)]
enum Eppo {
    /// Plants have five characters.
    Crop,
    /// Animals and diseases six; weeds are plants.
    Pest,
}

fn eppo(check: &mut Check<'_>, path: String, text: Option<&str>, of: Eppo, blocks: bool) {
    let lengths = match of {
        Eppo::Crop => 5..=5,
        Eppo::Pest => 5..=6,
    };
    let fine = |text: &str| {
        lengths.contains(&text.len())
            && text
                .bytes()
                .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
    };
    check.add_if(
        text.is_some_and(|text| !fine(text)),
        path,
        code::EPPO_INVALID,
        blocks,
    );
}

fn parcel(check: &mut Check<'_>, path: &str, text: Option<&str>, blocks: bool) {
    let wrong = text.is_some_and(|text| !(digits(text) && text.len() == 10));
    check.add_if(
        wrong,
        format!("{path}.parcel"),
        code::PARCEL_INVALID,
        blocks,
    );
}

fn bbch(check: &mut Check<'_>, path: &str, text: Option<&str>, blocks: bool) {
    let wrong = text.is_some_and(|text| !(digits(text) && (2..=3).contains(&text.len())));
    check.add_if(wrong, format!("{path}.bbch"), code::BBCH_INVALID, blocks);
}

fn digits(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit())
}
