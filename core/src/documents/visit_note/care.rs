//! What a home-care worker records: tasks, entries, measurements, doses, deviations, contacts.

use uuid::Uuid;

use crate::documents::{Field, Rule, Type};

record! {
    /// One item of the care plan on this visit.
    pub struct Task {
        /// The plan item.
        pub plan_item: Option<String>,
        /// `todo`, `done`, `refused` or `not_needed`.
        pub state: Option<String>,
        /// The member who did it.
        pub by: Option<Uuid>,
        /// When, milliseconds since 1970 UTC.
        pub at: Option<i64>,
        /// Why it was not done.
        pub reason: Option<String>,
    }
}

/// A task nobody has touched on one phone yields to what was done on another.
pub const YIELDING_TASK_STATES: &[&str] = &["todo"];

pub(super) const TASK: &[Field] = &[
    Field::new("plan_item", Rule::Lww, Type::Str(200)),
    Field::new(
        "state",
        Rule::Yield(YIELDING_TASK_STATES),
        Type::Code("task_state"),
    ),
    Field::new("by", Rule::Lww, Type::Id),
    Field::new("at", Rule::Lww, Type::Instant),
    Field::new("reason", Rule::Lww, Type::Str(500)),
];

record! {
    /// One written entry. Its author may edit it until the note is finalised.
    pub struct Entry {
        /// A heading of the daily note, from the FinCC components.
        pub heading: Option<String>,
        /// The words.
        pub text: String,
        /// The member who wrote it.
        pub author: Option<Uuid>,
        /// When, milliseconds since 1970 UTC.
        pub at: Option<i64>,
        /// `normal`, `huomio` or `kiireellinen`.
        pub significance: Option<String>,
    }
}

pub(super) const ENTRY: &[Field] = &[
    Field::new("heading", Rule::Lww, Type::Code("care_heading")),
    Field::new("text", Rule::Txt, Type::Str(2_000)),
    Field::new("author", Rule::Imm, Type::Id),
    Field::new("at", Rule::Imm, Type::Instant),
    Field::new("significance", Rule::Lww, Type::Code("significance")),
];

record! {
    /// One measurement.
    pub struct Measurement {
        /// What was measured, `rr`, `spo2`, `glucose`, `weight` …
        #[serde(rename = "type")]
        pub what: Option<String>,
        /// The figure; of a blood pressure the upper one.
        pub value: Option<String>,
        /// The lower figure of a blood pressure.
        pub value2: Option<String>,
        /// Unit, `mmHg`.
        pub unit: Option<String>,
        /// When, milliseconds since 1970 UTC.
        pub at: Option<i64>,
        /// The instrument.
        pub device: Option<String>,
        /// The worker looked twice at a figure outside the usual range.
        pub confirmed: Option<bool>,
        /// The entry this one corrects.
        pub supersedes: Option<Uuid>,
    }
}

pub(super) const MEASUREMENT: &[Field] = &[
    Field::new("type", Rule::Lww, Type::Code("measurement")),
    Field::new("value", Rule::Lww, Type::Dec(2)),
    Field::new("value2", Rule::Lww, Type::Dec(2)),
    Field::new("unit", Rule::Lww, Type::Code("measurement_unit")),
    Field::new("at", Rule::Lww, Type::Instant),
    Field::new("device", Rule::Lww, Type::Str(80)),
    Field::new("confirmed", Rule::Lww, Type::Bool),
    Field::new("supersedes", Rule::Lww, Type::Id),
];

record! {
    /// One dose of a medicine, given or not.
    pub struct Dose {
        /// Version of the medication plan it was given by.
        pub med_plan_ver: Option<i64>,
        /// The medicine.
        pub drug: Option<String>,
        /// How much.
        pub dose: Option<String>,
        /// When it was due, milliseconds since 1970 UTC.
        pub planned_at: Option<i64>,
        /// When it was given, milliseconds since 1970 UTC.
        pub given_at: Option<i64>,
        /// The member who gave it.
        pub by: Option<Uuid>,
        /// `given`, `refused`, `skipped` or `wrong`.
        pub state: Option<String>,
        /// The entry this one corrects.
        pub supersedes: Option<Uuid>,
    }
}

pub(super) const DOSE: &[Field] = &[
    Field::new("med_plan_ver", Rule::Lww, Type::Int),
    Field::new("drug", Rule::Lww, Type::Str(120)),
    Field::new("dose", Rule::Lww, Type::Str(60)),
    Field::new("planned_at", Rule::Lww, Type::Instant),
    Field::new("given_at", Rule::Lww, Type::Instant),
    Field::new("by", Rule::Lww, Type::Id),
    Field::new("state", Rule::Lww, Type::Code("dose_state")),
    Field::new("supersedes", Rule::Lww, Type::Id),
];

record! {
    /// Something that went wrong: a fall, a medication error, a threat.
    pub struct Deviation {
        /// What kind.
        pub kind: Option<String>,
        /// How bad.
        pub severity: Option<String>,
        /// What happened.
        pub desc: Option<String>,
        /// What was done about it.
        pub measures: Option<String>,
        /// The member who reports it.
        pub by: Option<Uuid>,
        /// When it happened, milliseconds since 1970 UTC.
        pub at: Option<i64>,
        /// The entry this one corrects.
        pub supersedes: Option<Uuid>,
    }
}

pub(super) const DEVIATION: &[Field] = &[
    Field::new("kind", Rule::Lww, Type::Code("deviation_kind")),
    Field::new("severity", Rule::Lww, Type::Code("severity")),
    Field::new("desc", Rule::Lww, Type::Str(2_000)),
    Field::new("measures", Rule::Lww, Type::Str(2_000)),
    Field::new("by", Rule::Lww, Type::Id),
    Field::new("at", Rule::Lww, Type::Instant),
    Field::new("supersedes", Rule::Lww, Type::Id),
];

record! {
    /// A call or message to a relative, nurse or doctor.
    pub struct Contact {
        /// Whom, by role or name.
        pub to: Option<String>,
        /// The member who made it.
        pub by: Option<Uuid>,
        /// When, milliseconds since 1970 UTC.
        pub at: Option<i64>,
        /// About what.
        pub topic: Option<String>,
        /// The entry this one corrects.
        pub supersedes: Option<Uuid>,
    }
}

pub(super) const CONTACT: &[Field] = &[
    Field::new("to", Rule::Lww, Type::Str(120)),
    Field::new("by", Rule::Lww, Type::Id),
    Field::new("at", Rule::Lww, Type::Instant),
    Field::new("topic", Rule::Lww, Type::Str(500)),
    Field::new("supersedes", Rule::Lww, Type::Id),
];
