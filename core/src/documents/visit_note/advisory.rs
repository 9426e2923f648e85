//! What a farm advisor records: observations, recommendations, treatments and how they worked.

use uuid::Uuid;

use crate::documents::{Field, Rule, Type};

record! {
    /// What was seen or counted in one block.
    pub struct Observation {
        /// The block or greenhouse section, in the farm's own words.
        pub block: Option<String>,
        /// Basic parcel (*peruslohkotunnus*), ten digits; the first may be zero.
        pub parcel: Option<String>,
        /// Growing parcel (*kasvulohko*) inside it: only the pair names a field.
        pub sub_parcel: Option<String>,
        /// EPPO code of the crop, `FRAAN`.
        pub crop_eppo: Option<String>,
        /// EPPO code of the pest, `TETRUR`.
        pub pest_eppo: Option<String>,
        /// Growth stage, BBCH scale.
        pub bbch: Option<String>,
        /// How it was counted.
        pub method: Option<String>,
        /// How many.
        pub count: Option<String>,
        /// Of what: per leaf, per trap, per sweep.
        pub unit: Option<String>,
        /// The count at which control pays.
        pub threshold: Option<String>,
        /// Share of plants affected, per cent.
        pub incidence: Option<String>,
        /// Principle of integrated pest management it serves, `P1` to `P8` (Directive 2009/128/EC, Annex III).
        pub principle: Option<String>,
        /// Remarks.
        pub text: String,
    }
}

pub(super) const OBSERVATION: &[Field] = &[
    Field::new("block", Rule::Lww, Type::Str(80)),
    Field::new("parcel", Rule::Lww, Type::Str(20)),
    Field::new("sub_parcel", Rule::Lww, Type::Str(20)),
    Field::new("crop_eppo", Rule::Lww, Type::Str(20)),
    Field::new("pest_eppo", Rule::Lww, Type::Str(20)),
    Field::new("bbch", Rule::Lww, Type::Str(8)),
    Field::new("method", Rule::Lww, Type::Code("observation_method")),
    Field::new("count", Rule::Lww, Type::Dec(2)),
    Field::new("unit", Rule::Lww, Type::Code("observation_unit")),
    Field::new("threshold", Rule::Lww, Type::Dec(2)),
    Field::new("incidence", Rule::Lww, Type::Dec(2)),
    Field::new("principle", Rule::Lww, Type::Code("ipm_principle")),
    Field::new("text", Rule::Txt, Type::Str(2_000)),
];

record! {
    /// What the advisor recommends.
    pub struct Recommendation {
        /// The advice.
        pub text: String,
        /// `heti`, `viikko` or `kausi`: at once, this week, this season.
        pub urgency: Option<String>,
        /// Principles of integrated pest management behind it.
        pub principles: Vec<String>,
        /// The plant protection product, by its authorisation number in the register snapshot.
        pub product_ref: Option<String>,
        /// Block it concerns.
        pub block: Option<String>,
        /// Do it by this date.
        pub due: Option<String>,
    }
}

pub(super) const RECOMMENDATION: &[Field] = &[
    Field::new("text", Rule::Txt, Type::Str(2_000)),
    Field::new("urgency", Rule::Mvr, Type::Code("urgency")),
    Field::new(
        "principles",
        Rule::Lww,
        Type::List(&Type::Code("ipm_principle"), 8),
    ),
    Field::new("product_ref", Rule::Lww, Type::Str(40)),
    Field::new("block", Rule::Lww, Type::Str(80)),
    Field::new("due", Rule::Lww, Type::Date),
];

record! {
    /// One use of a plant protection product: the record of Regulation (EU) 2023/564 and of
    /// Article 67 of Regulation (EC) No 1107/2009.
    pub struct Treatment {
        /// `area`, `closed_space` (greenhouse: no parcel) or `propagating_material`.
        pub use_type: Option<String>,
        /// Full trade name.
        pub product: Option<String>,
        /// Authorisation number.
        pub auth_no: Option<String>,
        /// Day of use.
        pub date: Option<String>,
        /// Local wall-clock start; only where the label restricts it.
        pub start_time: Option<String>,
        /// How much, in `unit`.
        pub dose: Option<String>,
        /// `l_ha`, `kg_ha`, `g_m2` or `percent`.
        pub unit: Option<String>,
        /// Basic parcel, ten digits.
        pub parcel: Option<String>,
        /// Growing parcel inside it.
        pub sub_parcel: Option<String>,
        /// WGS 84 latitude where there is no parcel.
        pub lat: Option<String>,
        /// WGS 84 longitude where there is no parcel.
        pub lon: Option<String>,
        /// Treated size, in `size_unit`.
        pub size: Option<String>,
        /// `ha`, `m2`, `m3` or `kg`.
        pub size_unit: Option<String>,
        /// EPPO code of the crop.
        pub crop_eppo: Option<String>,
        /// EPPO code of the pest: wanted for integrated pest management, not by the EU record.
        pub pest_eppo: Option<String>,
        /// Growth stage; only where the label restricts it.
        pub bbch: Option<String>,
        /// Who used it.
        pub user: Option<String>,
        /// Days from use to the earliest harvest.
        pub phi_days: Option<i64>,
        /// Why.
        pub reason: Option<String>,
        /// The entry this one corrects.
        pub supersedes: Option<Uuid>,
    }
}

pub(super) const TREATMENT: &[Field] = &[
    Field::new("use_type", Rule::Lww, Type::Code("use_type")),
    Field::new("product", Rule::Lww, Type::Str(120)),
    Field::new("auth_no", Rule::Lww, Type::Str(40)),
    Field::new("date", Rule::Lww, Type::Date),
    Field::new("start_time", Rule::Lww, Type::Time),
    Field::new("dose", Rule::Lww, Type::Dec(4)),
    Field::new("unit", Rule::Lww, Type::Code("dose_unit")),
    Field::new("parcel", Rule::Lww, Type::Str(20)),
    Field::new("sub_parcel", Rule::Lww, Type::Str(20)),
    Field::new("lat", Rule::Lww, Type::Dec(6)),
    Field::new("lon", Rule::Lww, Type::Dec(6)),
    Field::new("size", Rule::Lww, Type::Dec(4)),
    Field::new("size_unit", Rule::Lww, Type::Code("size_unit")),
    Field::new("crop_eppo", Rule::Lww, Type::Str(20)),
    Field::new("pest_eppo", Rule::Lww, Type::Str(20)),
    Field::new("bbch", Rule::Lww, Type::Str(8)),
    Field::new("user", Rule::Lww, Type::Str(120)),
    Field::new("phi_days", Rule::Lww, Type::Int),
    Field::new("reason", Rule::Lww, Type::Str(500)),
    Field::new("supersedes", Rule::Lww, Type::Id),
];

record! {
    /// How a treatment worked, seen later.
    pub struct Efficacy {
        /// Key of the treatment.
        pub treatment: Option<Uuid>,
        /// What was seen.
        pub text: Option<String>,
        /// The member who saw it.
        pub by: Option<Uuid>,
        /// When, milliseconds since 1970 UTC.
        pub at: Option<i64>,
        /// The entry this one corrects.
        pub supersedes: Option<Uuid>,
    }
}

pub(super) const EFFICACY: &[Field] = &[
    Field::new("treatment", Rule::Lww, Type::Id),
    Field::new("text", Rule::Lww, Type::Str(1_000)),
    Field::new("by", Rule::Lww, Type::Id),
    Field::new("at", Rule::Lww, Type::Instant),
    Field::new("supersedes", Rule::Lww, Type::Id),
];
