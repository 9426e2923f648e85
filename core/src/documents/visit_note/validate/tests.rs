use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::*;

const KEY: &str = "0190b5a0-0000-7000-8000-000000000001";
const OTHER: &str = "0190b5a0-0000-7000-8000-000000000002";
/// 2026-11-20T08:00Z.
const START: i64 = 1_795_161_600_000;

/// A note that has everything any profile needs.
fn complete(profile: &str) -> Value {
    json!({
        "visit_key": KEY, "profile": profile, "subject_kind": "client", "subject_id": KEY,
        "contract_id": KEY, "scope_item": KEY, "created_at": START,
        "actual_start": {"at": START}, "actual_end": {"at": START + HOUR_MS},
        "time_parts": {"advice_min": 60, "prep_min": 30}, "place": {"kind": "on_site"},
        "workers": [KEY], "outcome": "as_planned", "summary": "Kasvusto kunnossa",
        "tasks": { KEY: {"plan_item": "pesu", "state": "done"} },
        "entries": { KEY: {"heading": "nutrition", "text": "Söi hyvin", "author": KEY} },
        "funding_source": "self", "seals": { KEY: {"canon": 1} },
    })
}

/// The note with some fields replaced (null takes one away).
fn with(profile: &str, change: Value) -> Value {
    let mut note = complete(profile);
    for (key, value) in change.as_object().expect("an object") {
        note[key] = value.clone();
    }
    note
}

fn problems(note: &Value, towards: &str) -> Vec<(String, &'static str, bool)> {
    let ctx = Validation {
        towards,
        today: jiff::civil::date(2026, 11, 22),
    };
    let found = VisitNote::from_value(note).validate(&ctx);
    found
        .into_iter()
        .map(|problem| (problem.path, problem.code, problem.blocks))
        .collect()
}

/// Exactly one problem, before finalising: its path, whether it blocks.
fn one(note: Value, code: &str) -> (String, bool) {
    let found = problems(&note, "finalised");
    assert_eq!(
        found.iter().map(|(_, code, _)| *code).collect::<Vec<_>>(),
        [code],
        "{found:?}"
    );
    (found[0].0.clone(), found[0].2)
}

fn fine(note: Value) {
    assert_eq!(problems(&note, "finalised"), []);
}

#[test]
fn a_complete_note_passes_every_step() {
    for profile in ["advisory", "care", "support"] {
        for towards in [
            "save",
            "planned",
            "started",
            "done",
            "finalised",
            "approved",
            "invoiced",
        ] {
            assert_eq!(
                problems(&complete(profile), towards),
                [],
                "{profile} {towards}"
            );
        }
    }
}

#[test]
fn an_empty_note_can_be_saved_and_planned_without_a_word() {
    assert_eq!(problems(&json!({}), "save"), []);
    assert_eq!(problems(&json!({}), "planned"), []);
}

#[test]
fn nothing_blocks_while_writing() {
    let wrong = with(
        "advisory",
        json!({
            "actual_end": {"at": START - 1}, "km": "900",
            "observations": { KEY: {"crop_eppo": "mansikka", "parcel": "1", "count": "-1"} },
        }),
    );
    let found = problems(&wrong, "save");
    assert!(found.len() >= 5, "hints are given: {found:?}");
    assert!(found.iter().all(|(_, _, blocks)| !blocks), "{found:?}");
}

#[test]
fn each_step_asks_for_what_it_needs() {
    let missing = |towards: &str| -> BTreeSet<String> {
        let found = problems(&json!({}), towards).into_iter();
        found
            .filter(|(_, code, blocks)| *code == "required" && *blocks)
            .map(|(path, _, _)| path)
            .collect()
    };
    let paths = |paths: &[&str]| {
        paths
            .iter()
            .map(|p| (*p).to_owned())
            .collect::<BTreeSet<_>>()
    };
    let started = paths(&[
        "visit_key",
        "profile",
        "subject_kind",
        "subject_id",
        "actual_start",
    ]);
    assert_eq!(missing("started"), started);
    let done = paths(&[
        "actual_end",
        "workers",
        "place.kind",
        "outcome",
        "funding_source",
    ]);
    assert_eq!(missing("done"), &started | &done);
}

#[test]
fn an_advisory_note_needs_its_summary_and_a_care_note_its_tasks_and_entry() {
    assert_eq!(
        one(with("advisory", json!({"summary": null})), "required"),
        ("summary".into(), true)
    );
    assert_eq!(
        one(with("care", json!({"tasks": null})), "required"),
        ("tasks".into(), true)
    );
    assert_eq!(
        one(with("care", json!({"entries": null})), "entry_missing"),
        ("entries".into(), false)
    );
    fine(with(
        "support",
        json!({"summary": null, "tasks": null, "entries": null}),
    ));
}

#[test]
fn a_visit_that_was_not_held_needs_no_content_and_a_called_off_one_no_times() {
    let absent =
        json!({"outcome": "client_absent", "summary": null, "tasks": null, "entries": null});
    fine(with("care", absent));
    let off = json!({
        "outcome": "cancelled", "actual_start": null, "actual_end": null, "workers": null, "place": null,
        "tasks": null, "entries": null, "funding_source": null, "contract_id": null,
    });
    fine(with("care", off));
}

#[test]
fn a_visit_ends_after_it_begins_and_within_sixteen_hours() {
    let ending = |end: i64| with("care", json!({"actual_end": {"at": end}}));
    for end in [START, START - 1] {
        assert_eq!(
            one(ending(end), "end_before_start"),
            ("actual_end".into(), true)
        );
    }
    fine(ending(START + 16 * HOUR_MS - 1));
    assert!(one(ending(START + 16 * HOUR_MS), "visit_too_long").1);
    let fast_clock = json!({"actual_start": {"at": START + 600_000, "offset_ms": -600_000}, "actual_end": {"at": START + 1}});
    fine(with("care", fast_clock));
    let planned = json!({"planned": {"start": START, "end": START}});
    assert_eq!(
        one(with("care", planned), "date_order"),
        ("planned.end".into(), false)
    );
}

#[test]
fn preparation_may_exceed_advice_only_outside_the_funded_programme() {
    let prep = |funding: &str| {
        let parts = json!({"advice_min": 60, "prep_min": 61});
        with(
            "advisory",
            json!({"time_parts": parts, "funding_source": funding, "advice_section": "1"}),
        )
    };
    assert_eq!(
        one(prep("neuvo"), "prep_over_advice"),
        ("time_parts.prep_min".into(), true)
    );
    assert!(!one(prep("self"), "prep_over_advice").1);
    let parts = json!({"advice_min": 60, "prep_min": 60});
    fine(with(
        "advisory",
        json!({"time_parts": parts, "funding_source": "neuvo", "advice_section": "1"}),
    ));
    let minus = with("care", json!({"time_parts": {"travel_min": -1}}));
    assert_eq!(
        one(minus, "negative"),
        ("time_parts.travel_min".into(), true)
    );
    let days = with("care", json!({"time_parts": {"break_min": 1_441}}));
    assert_eq!(
        one(days, "out_of_range"),
        ("time_parts.break_min".into(), true)
    );
}

#[test]
fn funded_advice_names_its_section_of_the_programme_of_that_year() {
    let section = |section: Value| {
        with(
            "advisory",
            json!({"funding_source": "neuvo", "advice_section": section}),
        )
    };
    assert!(one(section(Value::Null), "required").1);
    fine(section(json!("2")));
    assert_eq!(
        one(section(json!("99")), "unknown_code"),
        ("advice_section".into(), false)
    );
    let mut old = section(json!("2"));
    old["actual_start"]["at"] = json!(START - 5 * 365 * 24 * HOUR_MS);
    old["actual_end"]["at"] = json!(START - 5 * 365 * 24 * HOUR_MS + 1);
    assert_eq!(one(old, "unknown_code").0, "advice_section");
}

#[test]
fn coordinates_come_in_pairs_on_this_planet() {
    let place = |lat: &str, lon: Value| {
        with(
            "care",
            json!({"place": {"kind": "field", "lat": lat, "lon": lon}}),
        )
    };
    fine(place("61.05", json!("28.19")));
    assert_eq!(
        one(place("61.05", Value::Null), "coordinates_incomplete").0,
        "place.lat"
    );
    assert_eq!(one(place("91", json!("28")), "out_of_range").0, "place.lat");
    assert_eq!(
        one(place("61", json!("-181")), "out_of_range").0,
        "place.lon"
    );
}

#[test]
fn observations_use_the_forms_of_their_codes() {
    let seen = |field: &str, value: &str| {
        with("advisory", json!({"observations": { KEY: {field: value} }}))
    };
    let path = |part: &str| format!("observations.{KEY}.{part}");
    for (field, good, bad, code) in [
        ("crop_eppo", "FRAAN", "FRAGAN", "eppo_invalid"),
        ("crop_eppo", "FRAAN", "fraan", "eppo_invalid"),
        ("pest_eppo", "TETRUR", "TETR", "eppo_invalid"),
        ("pest_eppo", "CHEAL", "TETRURX", "eppo_invalid"),
        ("parcel", "0040003911", "40003911", "parcel_invalid"),
        ("parcel", "0040003911", "004000391A", "parcel_invalid"),
        ("bbch", "65", "6", "bbch_invalid"),
        ("bbch", "205", "2055", "bbch_invalid"),
        ("count", "0", "-1", "negative"),
        ("threshold", "3.5", "-0.5", "negative"),
        ("incidence", "100", "100.5", "out_of_range"),
    ] {
        fine(seen(field, good));
        assert_eq!(
            one(seen(field, bad), code),
            (path(field), true),
            "{field} {bad}"
        );
    }
}

#[test]
fn a_chemical_recommendation_without_its_grounds_is_a_warning() {
    let note = |observations: Value, principles: Value| {
        let advice = json!({"text": "Torjunta", "product_ref": "1234", "principles": principles});
        with(
            "advisory",
            json!({"observations": observations, "recommendations": { KEY: advice }}),
        )
    };
    let watched = json!({ KEY: {"principle": "P2"} });
    let path = format!("recommendations.{KEY}");
    assert_eq!(
        one(note(json!({}), json!(["P4"])), "ipm_unfounded"),
        (path.clone(), false)
    );
    assert_eq!(
        one(note(watched.clone(), json!(["P5"])), "ipm_unfounded"),
        (path, false)
    );
    fine(note(watched, json!(["P4"])));
    fine(note(
        json!({ KEY: {"principle": "P3"}, OTHER: {"principle": "P4"} }),
        json!([]),
    ));
    fine(with(
        "advisory",
        json!({"recommendations": { KEY: {"text": "Harvennus"} }}),
    ));
}

#[test]
fn a_recommendation_says_something_and_is_due_after_the_visit() {
    let advice = |advice: Value| with("advisory", json!({"recommendations": { KEY: advice }}));
    assert_eq!(
        one(advice(json!({"urgency": "heti"})), "required").0,
        format!("recommendations.{KEY}.text")
    );
    fine(advice(json!({"text": "Harvennus", "due": "2026-11-20"})));
    assert!(
        !one(
            advice(json!({"text": "Harvennus", "due": "2026-11-19"})),
            "due_before_visit"
        )
        .1
    );
    assert_eq!(
        one(
            with("care", json!({"next_visit": "2026-11-19"})),
            "due_before_visit"
        )
        .0,
        "next_visit"
    );
    let followup = json!({"followups": { KEY: {"text": "soita", "due": "2026-11-19"} }});
    assert_eq!(
        one(with("care", followup), "due_before_visit").0,
        format!("followups.{KEY}.due")
    );
}

fn treated(change: Value) -> Value {
    let mut used = json!({
        "use_type": "area", "product": "Teldor", "auth_no": "1234", "date": "2026-11-18", "dose": "1.5", "unit": "kg_ha",
        "parcel": "0040003911", "size": "2", "size_unit": "ha", "crop_eppo": "FRAAN", "user": "Viljelijä",
    });
    for (key, value) in change.as_object().expect("an object") {
        used[key] = value.clone();
    }
    with("advisory", json!({"treatments": { KEY: used }}))
}

#[test]
fn a_treatment_is_recorded_whole_or_blocks() {
    fine(treated(json!({})));
    for part in [
        "use_type",
        "product",
        "auth_no",
        "date",
        "dose",
        "unit",
        "parcel",
        "size",
        "size_unit",
        "crop_eppo",
        "user",
    ] {
        let found = one(treated(json!({part: null})), "required");
        assert_eq!(found, (format!("treatments.{KEY}.{part}"), true));
    }
}

#[test]
fn a_treatment_has_a_place_or_a_greenhouse() {
    fine(treated(
        json!({"parcel": null, "lat": "61.05", "lon": "28.19"}),
    ));
    fine(treated(
        json!({"use_type": "closed_space", "parcel": null, "size_unit": "m2"}),
    ));
    assert!(
        !one(
            treated(json!({"use_type": "closed_space"})),
            "parcel_in_closed_space"
        )
        .1
    );
    fine(treated(
        json!({"use_type": "propagating_material", "parcel": null, "size_unit": "kg"}),
    ));
}

#[test]
fn the_figures_and_dates_of_a_treatment_are_possible() {
    let path = |part: &str| (format!("treatments.{KEY}.{part}"), true);
    assert_eq!(
        one(treated(json!({"dose": "0"})), "not_positive"),
        path("dose")
    );
    assert_eq!(
        one(treated(json!({"size": "-1"})), "not_positive"),
        path("size")
    );
    assert_eq!(
        one(treated(json!({"phi_days": -1})), "negative"),
        path("phi_days")
    );
    fine(treated(json!({"date": "2026-11-22"})));
    assert_eq!(
        one(treated(json!({"date": "2026-11-23"})), "date_in_future"),
        path("date")
    );
    fine(treated(json!({"date": "2026-10-21"})));
    assert!(
        !one(
            treated(json!({"date": "2026-10-20"})),
            "treatment_recorded_late"
        )
        .1
    );
}

#[test]
fn a_corrected_treatment_is_not_judged_and_efficacy_names_one() {
    let mut note = treated(json!({}));
    note["treatments"][OTHER] = json!({"product": "?"});
    assert!(problems(&note, "finalised").len() > 1);
    note["treatments"][KEY]["supersedes"] = json!(OTHER);
    fine(note.clone());
    note["efficacy"] = json!({ KEY: {"treatment": KEY} });
    fine(note.clone());
    note["efficacy"] = json!({ KEY: {"treatment": "0190b5a0-0000-7000-8000-000000000009"} });
    assert!(!one(note, "unknown_reference").1);
}

#[test]
fn a_task_not_done_says_why() {
    let task = |task: Value| with("care", json!({"tasks": { KEY: task }}));
    for state in ["todo", "refused", "not_needed"] {
        let found = one(
            task(json!({"plan_item": "pesu", "state": state})),
            "reason_required",
        );
        assert_eq!(found, (format!("tasks.{KEY}.reason"), true));
        fine(task(
            json!({"plan_item": "pesu", "state": state, "reason": "väsynyt"}),
        ));
    }
}

#[test]
fn an_entry_has_a_known_heading_words_and_an_author() {
    let entry = |entry: Value| with("care", json!({"entries": { KEY: entry }}));
    let path = |part: &str| format!("entries.{KEY}.{part}");
    assert_eq!(
        one(entry(json!({"text": "x", "author": KEY})), "required").0,
        path("heading")
    );
    assert_eq!(
        one(
            entry(json!({"heading": "sleep", "text": " ", "author": KEY})),
            "required"
        )
        .0,
        path("text")
    );
    assert_eq!(
        one(entry(json!({"heading": "sleep", "text": "x"})), "required").0,
        path("author")
    );
    let unknown = entry(json!({"heading": "aura", "text": "x", "author": KEY}));
    assert_eq!(one(unknown, "unknown_code"), (path("heading"), false));
}

#[test]
fn a_figure_outside_the_usual_range_must_be_confirmed() {
    let measured = |value: Value| with("care", json!({"measurements": { KEY: value }}));
    for (what, low, high) in [
        ("spo2", "50", "100"),
        ("glucose", "0.5", "40"),
        ("weight", "20", "300"),
    ] {
        for inside in [low, high] {
            fine(measured(json!({"type": what, "value": inside})));
        }
    }
    for (what, value) in [
        ("spo2", "49"),
        ("spo2", "100.5"),
        ("glucose", "0.4"),
        ("weight", "301"),
    ] {
        let found = one(
            measured(json!({"type": what, "value": value})),
            "measurement_unconfirmed",
        );
        assert_eq!(found, (format!("measurements.{KEY}.value"), true));
        fine(measured(
            json!({"type": what, "value": value, "confirmed": true}),
        ));
    }
}

#[test]
fn a_blood_pressure_has_two_figures_the_upper_first() {
    let rr = |value: &str, value2: Value| {
        with(
            "care",
            json!({"measurements": { KEY: {"type": "rr", "value": value, "value2": value2} }}),
        )
    };
    let path = format!("measurements.{KEY}.value2");
    fine(rr("148", json!("82")));
    assert_eq!(one(rr("148", Value::Null), "required").0, path);
    assert_eq!(
        one(rr("120", json!("130")), "diastolic_above_systolic").0,
        path
    );
    assert_eq!(
        one(rr("260", json!("29")), "measurement_unconfirmed").0,
        path
    );
}

#[test]
fn a_dose_and_a_deviation_are_whole() {
    let dose = |dose: Value| with("care", json!({"doses": { KEY: dose }}));
    fine(dose(
        json!({"drug": "Marevan", "state": "refused", "by": KEY}),
    ));
    let found = one(
        dose(json!({"drug": "Marevan", "state": "given", "by": KEY})),
        "required",
    );
    assert_eq!(found.0, format!("doses.{KEY}.given_at"));
    let deviation = with("care", json!({"deviations": { KEY: {"kind": "fall"} }}));
    assert_eq!(
        one(deviation, "required").0,
        format!("deviations.{KEY}.desc")
    );
}

#[test]
fn a_drive_is_at_most_six_hundred_kilometres() {
    for km in ["0", "600"] {
        fine(with("care", json!({"km": km})));
    }
    for km in ["-0.1", "600.1"] {
        assert_eq!(
            one(with("care", json!({"km": km})), "out_of_range"),
            ("km".into(), true)
        );
    }
}

#[test]
fn a_visit_without_a_contract_warns_first_and_blocks_the_approval() {
    let note = with("care", json!({"contract_id": null}));
    assert!(!one(note.clone(), "contract_missing").1);
    assert_eq!(
        problems(&note, "approved"),
        [("contract_id".to_owned(), "contract_missing", true)]
    );
}

#[test]
fn approval_needs_the_seal_and_behind_a_student_another_person() {
    let unsealed = with("care", json!({"seals": null}));
    fine(unsealed.clone());
    assert_eq!(
        problems(&unsealed, "approved"),
        [("seals".to_owned(), "seal_missing", true)]
    );

    let mut student = with(
        "care",
        json!({"worker_times": { KEY: {"worker": KEY, "role": "student"} }}),
    );
    fine(student.clone());
    let missing = [("cosign".to_owned(), "cosign_missing", true)];
    assert_eq!(problems(&student, "approved"), missing);
    student["cosign"] = json!({ KEY: {"student": KEY, "supervisor": KEY} });
    assert_eq!(
        problems(&student, "approved"),
        missing,
        "nobody stands behind oneself"
    );
    student["cosign"] = json!({ KEY: {"student": KEY, "supervisor": OTHER} });
    assert_eq!(problems(&student, "approved"), []);

    let correction = with("care", json!({"corrections": { KEY: {"field": "km"} }}));
    assert_eq!(
        problems(&correction, "approved"),
        [(format!("corrections.{KEY}.why"), "required", true)]
    );
}

#[test]
fn texts_longer_than_their_field_are_told() {
    assert_eq!(
        one(
            with("care", json!({"handover": "ä".repeat(501)})),
            "too_long"
        )
        .0,
        "handover"
    );
    fine(with("care", json!({"handover": "ä".repeat(500)})));
}
