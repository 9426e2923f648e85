//! Visit note (*käyntikirjaus*): what was seen and done on one visit to a farm or a client.
//!
//! One envelope for three profiles: `advisory` (farm advice), `care` (home care) and `support`
//! (cleaning, respite and other help without care entries). The parts of a note are in the files
//! beside: [`visit`] (when, where, who), [`advisory`], [`care`], [`closing`]; the merge rules are
//! in `table`, what a note must fulfil to be closed in `validate`.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::record::Items;
use super::{Document, Kind, Problem, Summary, Validation};

pub mod advisory;
pub mod care;
pub mod closing;
pub mod moved;
mod summary;
mod table;
mod validate;
pub mod visit;

pub(crate) use summary::date;
pub use table::SPEC;

use advisory::{Efficacy, Observation, Recommendation, Treatment};
use care::{Contact, Deviation, Dose, Entry, Measurement, Task};
use closing::{Acknowledgement, Correction, Cosign, QuotaEntry, Seal};
use moved::Moved;
use visit::{Followup, Moment, Place, Planned, TimeParts, WorkerTime};

/// A note's life, lowest first. Going back is a new round.
pub const STATUS: &[&str] = &[
    "planned",
    "started",
    "done",
    "finalised",
    "approved",
    "invoiced",
];

record! {
    /// A visit note. Decimals, dates, codes and ids are strings, as in the JSON form; instants are
    /// milliseconds since 1970 UTC.
    pub struct VisitNote: Header {
        /// The same on every phone for a planned visit; a fresh UUID for an unplanned one.
        pub visit_key: Option<String>,
        /// `advisory`, `care` or `support`.
        pub profile: Option<String>,
        /// `farm` or `client`.
        pub subject_kind: Option<String>,
        /// The farm or client. Never edited: a note on the wrong one is moved.
        pub subject_id: Option<Uuid>,
        /// The contract the visit is made under.
        pub contract_id: Option<Uuid>,
        /// Key of the contract's scope item.
        pub scope_item: Option<Uuid>,
        /// The visit as planned.
        pub planned: Option<Planned>,
        /// When it began.
        pub actual_start: Option<Moment>,
        /// When it ended.
        pub actual_end: Option<Moment>,
        /// What the time went to.
        pub time_parts: TimeParts,
        /// Where.
        pub place: Option<Place>,
        /// Members who made the visit.
        pub workers: BTreeSet<String>,
        /// When each of them came and left.
        pub worker_times: Items<WorkerTime>,
        /// Others present: names only, nothing about them.
        pub present: BTreeSet<String>,
        /// One of [`STATUS`].
        pub status: Option<String>,
        /// How it went: `as_planned`, `partial`, `client_absent`, `refused`, `cancelled`, `replaced`.
        pub outcome: Option<String>,
        /// Starting point and conclusions.
        pub summary: String,
        /// What was seen.
        pub observations: Items<Observation>,
        /// What is advised.
        pub recommendations: Items<Recommendation>,
        /// Plant protection products used.
        pub treatments: Items<Treatment>,
        /// How treatments worked.
        pub efficacy: Items<Efficacy>,
        /// Section of the funded advice programme (*neuvontaosio*).
        pub advice_section: Option<String>,
        /// Materials left with the farmer.
        pub materials_left: BTreeSet<String>,
        /// Date of the next visit.
        pub next_visit: Option<String>,
        /// The care plan's items on this visit.
        pub tasks: Items<Task>,
        /// The written entries.
        pub entries: Items<Entry>,
        /// Measurements.
        pub measurements: Items<Measurement>,
        /// Medicines given or not.
        pub doses: Items<Dose>,
        /// What went wrong.
        pub deviations: Items<Deviation>,
        /// Calls and messages made.
        pub contact_log: Items<Contact>,
        /// What is left to do.
        pub followups: Items<Followup>,
        /// For the next worker, shown first for seven days.
        pub handover: String,
        /// Kilometres driven.
        pub km: Option<String>,
        /// Where the drive began.
        pub route_from: Option<String>,
        /// Who pays: decides tax deduction and voucher draw.
        pub funding_source: Option<String>,
        /// Approval or refusal by the farmer or client.
        pub acknowledgement: Items<Acknowledgement>,
        /// The content each time it was finalised.
        pub seals: Items<Seal>,
        /// Changes after finalising.
        pub corrections: Items<Correction>,
        /// What it draws from quotas.
        pub quota_entries: Items<QuotaEntry>,
        /// A supervisor behind a student's note.
        pub cosign: Items<Cosign>,
        /// The client's relatives may read when the visit was, how it went and its summary.
        pub shared: Option<bool>,
        /// Somebody found that it is about somebody else: to be moved or taken out (C16).
        pub wrong_client: Option<bool>,
        /// What it was on the wrong client.
        pub moved_from: Option<Moved>,
    }
}

impl VisitNote {
    /// Whether the client may claim a household deduction (*kotitalousvähennys*) for the visit:
    /// only for what they pay themselves, never for voucher-funded work. Not known while the
    /// funding is not.
    pub fn deduction_possible(&self) -> Option<bool> {
        Some(self.funding_source.as_deref()? == "self")
    }
}

impl Document for VisitNote {
    const KIND: Kind = Kind::VisitNote;

    fn validate(&self, ctx: &Validation<'_>) -> Vec<Problem> {
        validate::validate(self, ctx)
    }

    fn summary(&self) -> Summary {
        summary::summary(self)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn voucher_funded_work_gives_no_household_deduction() {
        let funded =
            |by: &str| VisitNote::from_value(&json!({"funding_source": by})).deduction_possible();
        assert_eq!(
            (funded("self"), funded("voucher"), funded("county")),
            (Some(true), Some(false), Some(false))
        );
        assert_eq!(VisitNote::default().deduction_possible(), None);
    }
}
