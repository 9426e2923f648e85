//! How each field of a contract merges.

use crate::documents::{Container, Field, Kind, Rule, Spec, Type};

/// Lowest rank first. In force and ended are computed from dates, never stored.
pub const STATUS: &[&str] = &[
    "draft",
    "offered",
    "locked",
    "signed",
    "terminated",
    "rejected",
    "cancelled",
];

/// The most canonical bytes a seal holds: as hex they must fit one run.
pub const MAX_SEAL_BYTES: u32 = 96 << 10;

const PLAN: Type = Type::Str(4_000);
const CLAUSE: Type = Type::Str(10_000);

/// The field table.
pub static SPEC: Spec = Spec {
    kind: Kind::Contract,
    own_fields: &[
        Field::new("contract_kind", Rule::Imm, Type::Code("contract_kind")),
        Field::new("title", Rule::Lww, Type::Str(120)),
        Field::new("language", Rule::Lww, Type::Code("language")),
        Field::new("template_ref", Rule::Imm, Type::Compound(TEMPLATE_REF)),
        Field::new("amends", Rule::Imm, Type::Id),
        Field::new(
            "amendment_terms",
            Rule::Mvr,
            Type::Compound(AMENDMENT_TERMS),
        ),
        Field::new("parties", Rule::Map(PARTY), Type::Compound(PARTY)),
        Field::new("subject_kind", Rule::Mvr, Type::Code("subject_kind")),
        Field::new("subject_id", Rule::Mvr, Type::Id),
        Field::new("scope_text", Rule::Txt, Type::Str(20_000)),
        Field::new(
            "scope_items",
            Rule::Map(SCOPE_ITEM),
            Type::Compound(SCOPE_ITEM),
        ),
        Field::new("service_plan.need", Rule::Txt, PLAN),
        Field::new("service_plan.services", Rule::Txt, PLAN),
        Field::new("service_plan.start_and_duration", Rule::Txt, PLAN),
        Field::new("service_plan.visit_frequency", Rule::Txt, PLAN),
        Field::new("service_plan.strengths", Rule::Txt, PLAN),
        Field::new("service_plan.goals", Rule::Txt, PLAN),
        Field::new("service_plan.expected_length", Rule::Txt, PLAN),
        Field::new("service_plan.partners", Rule::Txt, PLAN),
        Field::new("service_plan.follow_up", Rule::Txt, PLAN),
        Field::new("valid_from", Rule::Mvr, Type::Date),
        Field::new("valid_to", Rule::Mvr, Type::Date),
        Field::new("indefinite", Rule::Mvr, Type::Bool),
        Field::new("notice_period", Rule::Mvr, Type::Compound(NOTICE_PERIOD)),
        Field::new("prices", Rule::Log, Type::Compound(PRICE)),
        Field::new("vat_override", Rule::Mvr, Type::Compound(VAT_OVERRIDE)),
        Field::new(
            "provider_register",
            Rule::Mvr,
            Type::Compound(REGISTER_ENTRY),
        ),
        Field::new("self_monitoring_plan", Rule::Lww, Type::Compound(PLAN_REF)),
        Field::new("funding", Rule::Map(FUNDING), Type::Compound(FUNDING)),
        Field::new("quotas", Rule::Map(QUOTA), Type::Compound(QUOTA)),
        Field::new("travel_terms", Rule::Mvr, Type::Compound(TRAVEL_TERMS)),
        Field::new("coordinates_allowed", Rule::Mvr, Type::Bool),
        Field::new("cancellation_terms", Rule::Txt, CLAUSE),
        Field::new("liability", Rule::Txt, CLAUSE),
        Field::new("data_processing", Rule::Txt, CLAUSE),
        Field::new("tender_ref", Rule::Lww, Type::Str(120)),
        Field::new("option_years", Rule::Lww, Type::Int),
        Field::new("status", Rule::Mst(STATUS), Type::Code("contract_status")),
        Field::new("seals", Rule::Log, Type::Compound(SEAL)),
        Field::new("signatures", Rule::Log, Type::Compound(SIGNATURE)),
        Field::new("amendments", Rule::Log, Type::Compound(AMENDMENT)),
        Field::new("termination", Rule::Mvr, Type::Compound(TERMINATION)),
        Field::new("renewal", Rule::Lww, Type::Compound(RENEWAL)),
        Field::new("order_refs", Rule::Aws, Type::Str(64)),
        Field::new("subcontract_of", Rule::Mvr, Type::Id),
        Field::new("balance_note", Rule::Txt, CLAUSE),
        Field::new("internal_notes", Rule::Txt, CLAUSE),
        Field::new("responsible_person", Rule::Lww, Type::Id),
    ],
    genesis: &[
        ("tags", Container::Map),
        ("comments", Container::Map),
        ("parties", Container::Map),
        ("scope_text", Container::Text),
        ("scope_items", Container::Map),
        ("service_plan.need", Container::Text),
        ("service_plan.services", Container::Text),
        ("service_plan.start_and_duration", Container::Text),
        ("service_plan.visit_frequency", Container::Text),
        ("service_plan.strengths", Container::Text),
        ("service_plan.goals", Container::Text),
        ("service_plan.expected_length", Container::Text),
        ("service_plan.partners", Container::Text),
        ("service_plan.follow_up", Container::Text),
        ("prices", Container::Map),
        ("funding", Container::Map),
        ("quotas", Container::Map),
        ("cancellation_terms", Container::Text),
        ("liability", Container::Text),
        ("data_processing", Container::Text),
        ("status", Container::Map),
        ("seals", Container::Map),
        ("signatures", Container::Map),
        ("amendments", Container::Map),
        ("order_refs", Container::Map),
        ("balance_note", Container::Text),
        ("internal_notes", Container::Text),
    ],
};

// The parts of compounds and log entries change as one; their rules are never looked at.
const fn part(path: &'static str, ty: Type) -> Field {
    Field::new(path, Rule::Lww, ty)
}

const TEMPLATE_REF: &[Field] = &[part("id", Type::Id), part("version", Type::Int)];

const AMENDMENT_TERMS: &[Field] = &[
    part("effective_on", Type::Date),
    part("fields", Type::List(&Type::Str(64), 64)),
];

const PARTY: &[Field] = &[
    Field::new("party_id", Rule::Lww, Type::Id),
    Field::new("role", Rule::Mvr, Type::Code("contract_role")),
    Field::new("signatory_ids", Rule::Mvr, Type::List(&Type::Id, 10)),
    Field::new("snapshot", Rule::Mvr, Type::Compound(PARTY_SNAPSHOT)),
];

const PARTY_SNAPSHOT: &[Field] = &[
    part("name", Type::Str(200)),
    part("legal_form", Type::Code("legal_form")),
    part("business_id", Type::Str(9)),
    part("no_business_id_reason", Type::Str(200)),
    part("address", Type::Str(200)),
    part("postcode", Type::Str(10)),
    part("city", Type::Str(80)),
];

// Two people agreeing two amounts or prices is what a person must settle; a name is not.
const SCOPE_ITEM: &[Field] = &[
    Field::new("code", Rule::Lww, Type::Str(40)),
    Field::new("name", Rule::Lww, Type::Str(200)),
    Field::new("unit", Rule::Lww, Type::Code("unit")),
    Field::new("planned_qty", Rule::Mvr, Type::Dec(2)),
    Field::new("price_ref", Rule::Mvr, Type::Id),
    Field::new("listing_id", Rule::Lww, Type::Id),
];

const NOTICE_PERIOD: &[Field] = &[
    part("unit", Type::Code("notice_unit")),
    part("customer", Type::Int),
    part("provider", Type::Int),
];

const PRICE: &[Field] = &[
    part("item", Type::Id),
    part("unit", Type::Code("unit")),
    part("amount_cents", Type::Int),
    part("incl_vat", Type::Bool),
    part("currency", Type::Code("currency")),
    part("vat_class", Type::Code("vat_class")),
    part("from", Type::Date),
    part("to", Type::Date),
    part("note", Type::Str(200)),
    part("supersedes", Type::Id),
    part("withdrawn", Type::Bool),
    part("by", Type::Id),
    part("at", Type::Instant),
];

const VAT_OVERRIDE: &[Field] = &[
    part("class", Type::Code("vat_class")),
    part("reason", Type::Str(500)),
    part("by", Type::Id),
    part("at", Type::Instant),
];

const REGISTER_ENTRY: &[Field] = &[
    part("register", Type::Code("register")),
    part("number", Type::Str(60)),
    part("checked_on", Type::Date),
];

pub(crate) const PLAN_REF: &[Field] = &[
    part("id", Type::Id),
    part("url", Type::Str(500)),
    part("reviewed_on", Type::Date),
];

const FUNDING: &[Field] = &[
    Field::new("source", Rule::Lww, Type::Code("funding_source")),
    Field::new("share", Rule::Mvr, Type::Dec(2)),
    Field::new("cap_cents", Rule::Mvr, Type::Int),
];

const QUOTA: &[Field] = &[
    Field::new("item", Rule::Lww, Type::Id),
    Field::new("limit", Rule::Mvr, Type::Dec(2)),
    Field::new("unit", Rule::Lww, Type::Code("unit")),
    Field::new("period", Rule::Lww, Type::Code("quota_period")),
    Field::new("overdraw_policy", Rule::Lww, Type::Code("overdraw_policy")),
];

const TRAVEL_TERMS: &[Field] = &[
    part("km_rate_eur", Type::Dec(4)),
    part("rate_from", Type::Date),
    part("time_billed", Type::Bool),
];

pub(crate) const SEAL: &[Field] = &[
    part("canon", Type::Int),
    part("bytes", Type::Hex(MAX_SEAL_BYTES)),
    part("hash", Type::Hex(32)),
    part("by", Type::Id),
    part("at", Type::Instant),
];

const SIGNATURE: &[Field] = &[
    part("doc", Type::Id),
    part("party", Type::Id),
    part("signer", Type::Id),
    part("signer_name", Type::Str(120)),
    part("level", Type::Code("signature_level")),
    part("method", Type::Code("signature_method")),
    part("canon", Type::Int),
    part("hash", Type::Hex(32)),
    part("signed_at", Type::Instant),
    part("place", Type::Str(120)),
    part("device", Type::Id),
    part("device_key", Type::Hex(32)),
    part("device_sig", Type::Hex(64)),
    part("vouched_by", Type::Id),
    part("evidence", Type::Str(500)),
    part("supersedes", Type::Id),
    part("withdrawn", Type::Bool),
];

const AMENDMENT: &[Field] = &[
    part("contract", Type::Id),
    part("effective_on", Type::Date),
    part("fields", Type::List(&Type::Str(64), 64)),
    part("by", Type::Id),
    part("at", Type::Instant),
];

const TERMINATION: &[Field] = &[
    part("by", Type::Id),
    part("date", Type::Date),
    part("reason", Type::Str(2_000)),
    part("effective_on", Type::Date),
    part("for_cause", Type::Bool),
];

const RENEWAL: &[Field] = &[
    part("auto", Type::Bool),
    part("remind_days", Type::List(&Type::Int, 8)),
];
