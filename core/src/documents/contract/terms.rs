//! What was agreed in numbers: notice, prices, taxes, funding, limits, travel.

use uuid::Uuid;

record! {
    /// Notice to be given, each side its own length.
    pub struct NoticePeriod {
        /// `day`, `week` or `month`, list `notice_unit`.
        pub unit: Option<String>,
        /// Length when the customer gives notice.
        pub customer: Option<i64>,
        /// Length when the provider gives notice.
        pub provider: Option<i64>,
    }
}

record! {
    /// One dated price.
    pub struct Price {
        /// The scope item priced; absent when the price is the whole contract's.
        pub item: Option<Uuid>,
        /// List `unit`.
        pub unit: Option<String>,
        /// Cents without VAT; with `incl_vat` true, with it.
        pub amount_cents: Option<i64>,
        /// Whether the amount includes VAT.
        pub incl_vat: Option<bool>,
        /// ISO 4217; `EUR`.
        pub currency: Option<String>,
        /// List `vat_class`.
        pub vat_class: Option<String>,
        /// First day.
        pub from: Option<String>,
        /// Last day; absent means until a later row.
        pub to: Option<String>,
        /// Remark.
        pub note: Option<String>,
        /// The row this one corrects.
        pub supersedes: Option<Uuid>,
        /// The corrected row never counted at all.
        pub withdrawn: Option<bool>,
        /// Who entered it.
        pub by: Option<Uuid>,
        /// When, milliseconds since 1970 UTC.
        pub at: Option<i64>,
    }
}

record! {
    /// A VAT class set by a person.
    pub struct VatOverride {
        /// List `vat_class`.
        pub class: Option<String>,
        /// Why.
        pub reason: Option<String>,
        /// Who.
        pub by: Option<Uuid>,
        /// When, milliseconds since 1970 UTC.
        pub at: Option<i64>,
    }
}

record! {
    /// A provider's registration.
    pub struct RegisterEntry {
        /// List `register`: `soteri` or `county`.
        pub register: Option<String>,
        /// The registration's number.
        pub number: Option<String>,
        /// When a person last looked it up.
        pub checked_on: Option<String>,
    }
}

record! {
    /// A published plan.
    pub struct PlanRef {
        /// The plan's document.
        pub id: Option<Uuid>,
        /// Where the public finds it.
        pub url: Option<String>,
        /// The date it was last reviewed.
        pub reviewed_on: Option<String>,
    }
}

record! {
    /// One payer.
    pub struct Funding {
        /// List `funding_source`.
        pub source: Option<String>,
        /// Per cent of the price.
        pub share: Option<String>,
        /// The most it pays, cents.
        pub cap_cents: Option<i64>,
    }
}

record! {
    /// One limit.
    pub struct Quota {
        /// The scope item limited; absent when all.
        pub item: Option<Uuid>,
        /// The limit in `unit`.
        pub limit: Option<String>,
        /// List `unit`.
        pub unit: Option<String>,
        /// List `quota_period`.
        pub period: Option<String>,
        /// List `overdraw_policy`: `warn`, `need_approval`, `stop`.
        pub overdraw_policy: Option<String>,
    }
}

record! {
    /// How travel is paid.
    pub struct TravelTerms {
        /// Euros a kilometre, four decimals at most.
        pub km_rate_eur: Option<String>,
        /// The day the rate counts from.
        pub rate_from: Option<String>,
        /// Whether travel time is billed.
        pub time_billed: Option<bool>,
    }
}
