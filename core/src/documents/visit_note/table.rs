//! The field table of the visit note. Paths, rules and the genesis list are frozen once released.

use super::STATUS;
use super::advisory::{EFFICACY, OBSERVATION, RECOMMENDATION, TREATMENT};
use super::care::{CONTACT, DEVIATION, DOSE, ENTRY, MEASUREMENT, TASK};
use super::closing::{ACKNOWLEDGEMENT, CORRECTION, COSIGN, QUOTA_ENTRY, SEAL};
use super::moved::MOVED;
use super::visit::{FOLLOWUP, MOMENT, PLACE, PLANNED, WORKER_TIME};
use crate::documents::{Container, Field, Kind, Rule, Spec, Type};

const ITEM: Type = Type::Compound(&[]);

/// The visit note's fields, and what its genesis holds.
pub static SPEC: Spec = Spec {
    kind: Kind::VisitNote,
    own_fields: &[
        // What it is about.
        Field::new("visit_key", Rule::Imm, Type::Str(64)),
        Field::new("profile", Rule::Imm, Type::Code("visit_profile")),
        Field::new("subject_kind", Rule::Imm, Type::Code("subject_kind")),
        Field::new("subject_id", Rule::Imm, Type::Id),
        Field::new("contract_id", Rule::Mvr, Type::Id),
        // Moves with the contract when the office links another one, so it cannot be immutable.
        Field::new("scope_item", Rule::Mvr, Type::Id),
        // When, where, who.
        Field::new("planned", Rule::Lww, Type::Compound(PLANNED)),
        Field::new("actual_start", Rule::Mvr, Type::Compound(MOMENT)),
        Field::new("actual_end", Rule::Mvr, Type::Compound(MOMENT)),
        Field::new("time_parts.advice_min", Rule::Lww, Type::Int),
        Field::new("time_parts.prep_min", Rule::Lww, Type::Int),
        Field::new("time_parts.travel_min", Rule::Lww, Type::Int),
        Field::new("time_parts.break_min", Rule::Lww, Type::Int),
        Field::new("place", Rule::Lww, Type::Compound(PLACE)),
        Field::new("workers", Rule::Aws, Type::Id),
        Field::new("worker_times", Rule::Log, Type::Compound(WORKER_TIME)),
        Field::new("present", Rule::Aws, Type::Str(120)),
        // How it went.
        Field::new("status", Rule::Mst(STATUS), Type::Code("visit_status")),
        Field::new("outcome", Rule::Mvr, Type::Code("visit_outcome")),
        Field::new("summary", Rule::Txt, Type::Str(4_000)),
        // Advisory.
        Field::new("observations", Rule::Map(OBSERVATION), ITEM),
        Field::new("recommendations", Rule::Map(RECOMMENDATION), ITEM),
        Field::new("treatments", Rule::Log, Type::Compound(TREATMENT)),
        Field::new("efficacy", Rule::Log, Type::Compound(EFFICACY)),
        Field::new("advice_section", Rule::Lww, Type::Code("advice_section")),
        Field::new("materials_left", Rule::Aws, Type::Str(200)),
        Field::new("next_visit", Rule::Lww, Type::Date),
        // Care.
        Field::new("tasks", Rule::Map(TASK), ITEM),
        Field::new("entries", Rule::Map(ENTRY), ITEM),
        Field::new("measurements", Rule::Log, Type::Compound(MEASUREMENT)),
        Field::new("doses", Rule::Log, Type::Compound(DOSE)),
        Field::new("deviations", Rule::Log, Type::Compound(DEVIATION)),
        Field::new("contact_log", Rule::Log, Type::Compound(CONTACT)),
        Field::new("followups", Rule::Map(FOLLOWUP), ITEM),
        Field::new("handover", Rule::Txt, Type::Str(500)),
        // Billing.
        Field::new("km", Rule::Lww, Type::Dec(1)),
        Field::new("route_from", Rule::Lww, Type::Str(120)),
        Field::new("funding_source", Rule::Mvr, Type::Code("funding_source")),
        // Closing.
        Field::new(
            "acknowledgement",
            Rule::Log,
            Type::Compound(ACKNOWLEDGEMENT),
        ),
        Field::new("seals", Rule::Log, Type::Compound(SEAL)),
        Field::new("corrections", Rule::Log, Type::Compound(CORRECTION)),
        Field::new("quota_entries", Rule::Log, Type::Compound(QUOTA_ENTRY)),
        Field::new("cosign", Rule::Log, Type::Compound(COSIGN)),
        // Two who disagree share nothing until one of them decides.
        Field::new("shared", Rule::Mvr, Type::Bool),
        // Once is enough for the office to look.
        Field::new("wrong_client", Rule::FlagPlus, Type::Bool),
        Field::new("moved_from", Rule::Imm, Type::Compound(MOVED)),
    ],
    genesis: &[
        ("tags", Container::Map),
        ("comments", Container::Map),
        ("workers", Container::Map),
        ("worker_times", Container::Map),
        ("present", Container::Map),
        ("status", Container::Map),
        ("summary", Container::Text),
        ("observations", Container::Map),
        ("recommendations", Container::Map),
        ("treatments", Container::Map),
        ("efficacy", Container::Map),
        ("materials_left", Container::Map),
        ("tasks", Container::Map),
        ("entries", Container::Map),
        ("measurements", Container::Map),
        ("doses", Container::Map),
        ("deviations", Container::Map),
        ("contact_log", Container::Map),
        ("followups", Container::Map),
        ("handover", Container::Text),
        ("acknowledgement", Container::Map),
        ("seals", Container::Map),
        ("corrections", Container::Map),
        ("quota_entries", Container::Map),
        ("cosign", Container::Map),
    ],
};

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::documents::record::sample;
    use crate::documents::visit_note::VisitNote;
    use crate::documents::{COMMON_GENESIS, Document};

    #[test]
    fn struct_and_table_agree_on_every_field() {
        let full = sample::full(&SPEC);
        assert_eq!(VisitNote::from_value(&full).to_value(), full);
        assert_eq!(
            VisitNote::FIELDS.iter().copied().collect::<BTreeSet<_>>(),
            sample::own_roots(&SPEC)
        );
    }

    #[test]
    fn an_empty_note_writes_nothing() {
        assert_eq!(VisitNote::default().to_value(), serde_json::json!({}));
    }

    #[test]
    fn genesis_holds_the_header_first_and_then_the_containers_in_table_order() {
        assert_eq!(SPEC.genesis, sample::containers(&SPEC));
        assert_eq!(SPEC.genesis[..COMMON_GENESIS.len()], COMMON_GENESIS);
    }
}
