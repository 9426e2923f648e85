//! How each field of a service listing merges.

use crate::documents::contract::{PLAN_REF, SEAL};
use crate::documents::{Container, Field, Kind, Rule, Spec, Type};

/// Lowest rank first. Taking up a withdrawn listing again is a new round.
pub const STATUS: &[&str] = &["draft", "in_review", "published", "withdrawn"];

/// PTV caps a description at 2 500 characters in interface version 11; newer guidance says 5 000,
/// the lower one fits both.
const BODY: Type = Type::Str(2_500);

/// The field table.
pub static SPEC: Spec = Spec {
    kind: Kind::ServiceListing,
    own_fields: &[
        Field::new("names.fi", Rule::Mvr, Type::Str(100)),
        Field::new("names.sv", Rule::Mvr, Type::Str(100)),
        Field::new("names.en", Rule::Mvr, Type::Str(100)),
        Field::new("alt_names.fi", Rule::Aws, Type::Str(150)),
        Field::new("alt_names.sv", Rule::Aws, Type::Str(150)),
        Field::new("alt_names.en", Rule::Aws, Type::Str(150)),
        Field::new("keywords.fi", Rule::Aws, Type::Str(150)),
        Field::new("keywords.sv", Rule::Aws, Type::Str(150)),
        Field::new("keywords.en", Rule::Aws, Type::Str(150)),
        Field::new("summary.fi", Rule::Lww, Type::Str(150)),
        Field::new("summary.sv", Rule::Lww, Type::Str(150)),
        Field::new("summary.en", Rule::Lww, Type::Str(150)),
        Field::new("description.fi", Rule::Txt, BODY),
        Field::new("description.sv", Rule::Txt, BODY),
        Field::new("description.en", Rule::Txt, BODY),
        Field::new("instructions.fi", Rule::Txt, BODY),
        Field::new("instructions.sv", Rule::Txt, BODY),
        Field::new("instructions.en", Rule::Txt, BODY),
        Field::new("conditions.fi", Rule::Txt, BODY),
        Field::new("conditions.sv", Rule::Txt, BODY),
        Field::new("conditions.en", Rule::Txt, BODY),
        Field::new("provider_id", Rule::Imm, Type::Id),
        Field::new("provider", Rule::Mvr, Type::Compound(PROVIDER)),
        Field::new("producers", Rule::Aws, Type::Id),
        Field::new(
            "service_classes",
            Rule::Aws,
            Type::Code("ptv_service_class"),
        ),
        Field::new("ontology_terms", Rule::Aws, Type::Str(200)),
        Field::new("target_groups", Rule::Aws, Type::Code("target_group")),
        Field::new("life_events", Rule::Aws, Type::Code("life_event")),
        Field::new("industry_codes", Rule::Aws, Type::Code("industry")),
        Field::new("area_type", Rule::Mvr, Type::Code("area_type")),
        Field::new("municipalities", Rule::Aws, Type::Code("municipality")),
        Field::new("languages", Rule::Aws, Type::Code("language")),
        Field::new("funding_types", Rule::Aws, Type::Code("funding_type")),
        Field::new("charge_type", Rule::Mvr, Type::Code("charge_type")),
        Field::new("voucher", Rule::Lww, Type::Compound(VOUCHER)),
        Field::new("prices", Rule::Log, Type::Compound(PRICE)),
        Field::new("channels", Rule::Map(CHANNEL), Type::Compound(CHANNEL)),
        Field::new("hours", Rule::Map(HOURS), Type::Compound(HOURS)),
        Field::new("capacity", Rule::Lww, Type::Compound(CAPACITY)),
        Field::new("quality_marks", Rule::Log, Type::Compound(QUALITY_MARK)),
        Field::new(
            "criteria_answers",
            Rule::Map(CRITERIA_ANSWER),
            Type::Compound(CRITERIA_ANSWER),
        ),
        Field::new("soteri_id", Rule::Mvr, Type::Str(60)),
        Field::new("register_note", Rule::Mvr, Type::Str(500)),
        Field::new(
            "plan_refs.self_monitoring",
            Rule::Lww,
            Type::Compound(PLAN_REF),
        ),
        Field::new("plan_refs.safety", Rule::Lww, Type::Compound(PLAN_REF)),
        Field::new("accessibility", Rule::Aws, Type::Code("accessibility")),
        Field::new("nature_attrs", Rule::Aws, Type::Code("nature_attr")),
        Field::new("contact_person_public", Rule::Lww, Type::Str(120)),
        Field::new("status", Rule::Mst(STATUS), Type::Code("listing_status")),
        Field::new("paused", Rule::FlagPlus, Type::Bool),
        Field::new("paused_until", Rule::Lww, Type::Date),
        Field::new("review_due", Rule::Lww, Type::Date),
        Field::new("last_confirmed", Rule::Lww, Type::Date),
        Field::new(
            "reviewer_decisions",
            Rule::Log,
            Type::Compound(REVIEWER_DECISION),
        ),
        Field::new("snapshots", Rule::Log, Type::Compound(SEAL)),
    ],
    genesis: &[
        ("tags", Container::Map),
        ("comments", Container::Map),
        ("alt_names.fi", Container::Map),
        ("alt_names.sv", Container::Map),
        ("alt_names.en", Container::Map),
        ("keywords.fi", Container::Map),
        ("keywords.sv", Container::Map),
        ("keywords.en", Container::Map),
        ("description.fi", Container::Text),
        ("description.sv", Container::Text),
        ("description.en", Container::Text),
        ("instructions.fi", Container::Text),
        ("instructions.sv", Container::Text),
        ("instructions.en", Container::Text),
        ("conditions.fi", Container::Text),
        ("conditions.sv", Container::Text),
        ("conditions.en", Container::Text),
        ("producers", Container::Map),
        ("service_classes", Container::Map),
        ("ontology_terms", Container::Map),
        ("target_groups", Container::Map),
        ("life_events", Container::Map),
        ("industry_codes", Container::Map),
        ("municipalities", Container::Map),
        ("languages", Container::Map),
        ("funding_types", Container::Map),
        ("prices", Container::Map),
        ("channels", Container::Map),
        ("hours", Container::Map),
        ("quality_marks", Container::Map),
        ("criteria_answers", Container::Map),
        ("accessibility", Container::Map),
        ("nature_attrs", Container::Map),
        ("status", Container::Map),
        ("reviewer_decisions", Container::Map),
        ("snapshots", Container::Map),
    ],
};

// The parts of compounds and log entries change as one; their rules are never looked at.
const fn part(path: &'static str, ty: Type) -> Field {
    Field::new(path, Rule::Lww, ty)
}

const PROVIDER: &[Field] = &[
    part("name", Type::Str(200)),
    part("business_id", Type::Str(9)),
    part("no_business_id_reason", Type::Str(200)),
];

const VOUCHER: &[Field] = &[
    part("in_use", Type::Bool),
    part("counties", Type::List(&Type::Code("county"), 30)),
    part("info", Type::Str(500)),
];

const PRICE: &[Field] = &[
    part("unit", Type::Code("unit")),
    part("amount_cents", Type::Int),
    part("vat_class", Type::Code("vat_class")),
    part("from", Type::Date),
    part("to", Type::Date),
    part("note", Type::Str(200)),
    part("supersedes", Type::Id),
    part("withdrawn", Type::Bool),
    part("by", Type::Id),
    part("at", Type::Instant),
];

const CHANNEL: &[Field] = &[
    Field::new("type", Rule::Lww, Type::Code("channel_type")),
    Field::new("name", Rule::Lww, Type::Str(100)),
    Field::new("address", Rule::Lww, Type::Str(200)),
    Field::new("postcode", Rule::Lww, Type::Str(10)),
    Field::new("city", Rule::Lww, Type::Str(80)),
    Field::new("municipality", Rule::Lww, Type::Code("municipality")),
    Field::new("phone", Rule::Lww, Type::Str(40)),
    Field::new("email", Rule::Lww, Type::Str(254)),
    Field::new("url", Rule::Lww, Type::Str(500)),
    Field::new("hours", Rule::Lww, Type::Str(500)),
    Field::new("lang", Rule::Lww, Type::List(&Type::Code("language"), 20)),
];

const HOURS: &[Field] = &[
    Field::new("kind", Rule::Lww, Type::Code("hours_kind")),
    Field::new("days", Rule::Lww, Type::List(&Type::Int, 7)),
    Field::new("from", Rule::Lww, Type::Time),
    Field::new("to", Rule::Lww, Type::Time),
    Field::new("valid_from", Rule::Lww, Type::Date),
    Field::new("valid_to", Rule::Lww, Type::Date),
    Field::new("closed", Rule::Lww, Type::Bool),
    Field::new("note", Rule::Lww, Type::Str(200)),
];

const CAPACITY: &[Field] = &[
    part("free_slots", Type::Int),
    part("unit", Type::Code("unit")),
    part("as_of", Type::Date),
];

const QUALITY_MARK: &[Field] = &[
    part("mark", Type::Code("quality_mark")),
    part("granted_on", Type::Date),
    part("expires_on", Type::Date),
    part("evidence", Type::Str(500)),
    part("supersedes", Type::Id),
    part("withdrawn", Type::Bool),
    part("by", Type::Id),
    part("at", Type::Instant),
];

const CRITERIA_ANSWER: &[Field] = &[
    Field::new("criterion", Rule::Lww, Type::Str(64)),
    Field::new("version", Rule::Lww, Type::Str(40)),
    Field::new("level", Rule::Lww, Type::Code("criteria_level")),
    Field::new("evidence", Rule::Txt, Type::Str(2_000)),
];

const REVIEWER_DECISION: &[Field] = &[
    part("by", Type::Id),
    part("result", Type::Code("review_result")),
    part("text", Type::Str(2_000)),
    part("at", Type::Instant),
];
