//! When, where and by whom a visit was made.

use uuid::Uuid;

use crate::documents::{Field, Rule, Type};

record! {
    /// The visit as the office planned it. Changes as one: a rescheduled visit is a new plan.
    pub struct Planned {
        /// Start, milliseconds since 1970 UTC.
        pub start: Option<i64>,
        /// End, milliseconds since 1970 UTC.
        pub end: Option<i64>,
        /// The member who is to go.
        pub worker: Option<Uuid>,
        /// Members who are to go along: a planned pair is no double booking.
        pub others: Vec<Uuid>,
        /// The plan items to do.
        pub tasks: Vec<String>,
    }
}

pub(super) const PLANNED: &[Field] = &[
    Field::new("start", Rule::Lww, Type::Instant),
    Field::new("end", Rule::Lww, Type::Instant),
    Field::new("worker", Rule::Lww, Type::Id),
    Field::new("others", Rule::Lww, Type::List(&Type::Id, 8)),
    Field::new("tasks", Rule::Lww, Type::List(&Type::Str(200), 100)),
];

record! {
    /// A moment as a device's clock showed it, with what is needed to judge that clock later.
    pub struct Moment {
        /// Device clock, milliseconds since 1970 UTC.
        pub at: Option<i64>,
        /// IANA time zone of the device, `Europe/Helsinki`.
        pub tz: Option<String>,
        /// Relay clock minus device clock, milliseconds, as the device last measured it.
        pub offset_ms: Option<i64>,
    }
}

impl Moment {
    /// The moment in relay time, as well as the device knew its own clock.
    pub fn corrected(&self) -> Option<i64> {
        self.at?.checked_add(self.offset_ms.unwrap_or(0))
    }
}

pub(super) const MOMENT: &[Field] = &[
    Field::new("at", Rule::Lww, Type::Instant),
    Field::new("tz", Rule::Lww, Type::Str(64)),
    Field::new("offset_ms", Rule::Lww, Type::Int),
];

record! {
    /// What the time went to, minutes.
    pub struct TimeParts {
        /// Advice given.
        pub advice_min: Option<i64>,
        /// Preparation and report.
        pub prep_min: Option<i64>,
        /// Travel.
        pub travel_min: Option<i64>,
        /// Breaks.
        pub break_min: Option<i64>,
    }
}

record! {
    /// Where the visit took place. Coordinates only if the contract allows them.
    pub struct Place {
        /// `on_site`, `field`, `office` or `remote`.
        pub kind: Option<String>,
        /// WGS 84 latitude, degrees.
        pub lat: Option<String>,
        /// WGS 84 longitude, degrees.
        pub lon: Option<String>,
        /// Radius the true place lies in, metres.
        pub accuracy_m: Option<i64>,
    }
}

pub(super) const PLACE: &[Field] = &[
    Field::new("kind", Rule::Lww, Type::Code("visit_place")),
    Field::new("lat", Rule::Lww, Type::Dec(6)),
    Field::new("lon", Rule::Lww, Type::Dec(6)),
    Field::new("accuracy_m", Rule::Lww, Type::Int),
];

record! {
    /// When one worker came and left.
    pub struct WorkerTime {
        /// The member.
        pub worker: Option<Uuid>,
        /// `main`, `second`, `substitute`, `student` or `supervisor`.
        pub role: Option<String>,
        /// Came, milliseconds since 1970 UTC.
        #[serde(rename = "in")]
        pub came: Option<i64>,
        /// Left, milliseconds since 1970 UTC.
        pub out: Option<i64>,
        /// The entry this one corrects.
        pub supersedes: Option<Uuid>,
    }
}

pub(super) const WORKER_TIME: &[Field] = &[
    Field::new("worker", Rule::Lww, Type::Id),
    Field::new("role", Rule::Lww, Type::Code("worker_role")),
    Field::new("in", Rule::Lww, Type::Instant),
    Field::new("out", Rule::Lww, Type::Instant),
    Field::new("supersedes", Rule::Lww, Type::Id),
];

record! {
    /// Something somebody must do after the visit.
    pub struct Followup {
        /// What.
        pub text: String,
        /// The member who is to do it.
        pub owner: Option<Uuid>,
        /// By this date.
        pub due: Option<String>,
        /// One of [`FOLLOWUP_STATE`].
        pub state: Option<String>,
    }
}

/// A follow-up's life. Cancelling closes it for good, so it ranks highest.
pub const FOLLOWUP_STATE: &[&str] = &["open", "doing", "done", "cancelled"];

pub(super) const FOLLOWUP: &[Field] = &[
    Field::new("text", Rule::Txt, Type::Str(1_000)),
    Field::new("owner", Rule::Mvr, Type::Id),
    Field::new("due", Rule::Mvr, Type::Date),
    Field::new(
        "state",
        Rule::Mst(FOLLOWUP_STATE),
        Type::Code("followup_state"),
    ),
];
