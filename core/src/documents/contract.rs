//! Contract (*sopimus*): who agreed what with whom, at what price and within which limits, and who
//! signed it.
//!
//! Until it is locked several people write it together. Locking stores the canonical bytes of the
//! agreed fields as a seal, signatures are bound to the seal's hash (see [`crate::signing`]), and
//! what is written after that becomes an amendment, never a change of what was signed. The number
//! of a contract is issued by the relay and is no field.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::record::Items;
use super::{Document, Kind, Problem, Summary, Validation};

mod closing;
mod table;
mod terms;
mod validate;
pub mod vat;

pub use closing::{Amendment, Renewal, Seal, Signature, Termination};
pub use table::{MAX_SEAL_BYTES, SPEC, STATUS};
pub(crate) use table::{PLAN_REF, SEAL};
pub use terms::{
    Funding, NoticePeriod, PlanRef, Price, Quota, RegisterEntry, TravelTerms, VatOverride,
};

record! {
    /// A contract as Rust code sees it. Codes stay strings: an unknown one is kept.
    pub struct Contract: Header {
        /// What sort of contract, list `contract_kind`: `advisory`, `care_service` …
        pub contract_kind: Option<String>,
        /// The contract's name, 1-120 characters.
        pub title: Option<String>,
        /// Language of the document, list `language`. Fixed once offered.
        pub language: Option<String>,
        /// The template it was written from.
        pub template_ref: Option<TemplateRef>,
        /// The contract this one amends.
        pub amends: Option<Uuid>,
        /// What an amendment replaces and from when.
        pub amendment_terms: Option<AmendmentTerms>,
        /// Who agrees; at least two before locking.
        pub parties: Items<Party>,
        /// `farm` or `client`.
        pub subject_kind: Option<String>,
        /// The farm or client it is about.
        pub subject_id: Option<Uuid>,
        /// The work in words.
        pub scope_text: String,
        /// The work in rows; visits are booked on these.
        pub scope_items: Items<ScopeItem>,
        /// The joint service plan of a private social service.
        pub service_plan: ServicePlan,
        /// First day in force.
        pub valid_from: Option<String>,
        /// Last day in force; absent when indefinite.
        pub valid_to: Option<String>,
        /// In force until given notice.
        pub indefinite: Option<bool>,
        /// How long before the end notice must be given.
        pub notice_period: Option<NoticePeriod>,
        /// Dated price rows; a new price is a new row.
        pub prices: Items<Price>,
        /// A person's judgement where the computed VAT class is wrong.
        pub vat_override: Option<VatOverride>,
        /// Where the provider is registered (Soteri or a county's register).
        pub provider_register: Option<RegisterEntry>,
        /// The provider's self-monitoring plan (*omavalvontasuunnitelma*) in force.
        pub self_monitoring_plan: Option<PlanRef>,
        /// Who pays which share.
        pub funding: Items<Funding>,
        /// Limits on what may be used in a period.
        pub quotas: Items<Quota>,
        /// Whether travel is billed and how.
        pub travel_terms: Option<TravelTerms>,
        /// Whether visits may record where they took place by coordinates.
        pub coordinates_allowed: Option<bool>,
        /// Terms of cancelling a visit.
        pub cancellation_terms: String,
        /// Terms of liability.
        pub liability: String,
        /// Terms of processing personal data.
        pub data_processing: String,
        /// The tender it follows from.
        pub tender_ref: Option<String>,
        /// Option years agreed.
        pub option_years: Option<i64>,
        /// `draft` < `offered` < `locked` < `signed` < `terminated`; `rejected`, `cancelled` end it.
        pub status: Option<String>,
        /// What locking stored, one for each round.
        pub seals: Items<Seal>,
        /// Who signed which seal.
        pub signatures: Items<Signature>,
        /// Child contracts that change this one.
        pub amendments: Items<Amendment>,
        /// Notice given.
        pub termination: Option<Termination>,
        /// What happens at the end.
        pub renewal: Option<Renewal>,
        /// Service orders it answers.
        pub order_refs: BTreeSet<String>,
        /// The contract this one is a subcontract of.
        pub subcontract_of: Option<Uuid>,
        /// Remarks on balances; not part of what is signed.
        pub balance_note: String,
        /// Remarks for one's own; not part of what is signed.
        pub internal_notes: String,
        /// The member who looks after it.
        pub responsible_person: Option<Uuid>,
    }
}

record! {
    /// A template and its version.
    pub struct TemplateRef {
        /// Which template.
        pub id: Option<Uuid>,
        /// Which version of it.
        pub version: Option<i64>,
    }
}

record! {
    /// What an amendment replaces.
    pub struct AmendmentTerms {
        /// First day the amendment counts.
        pub effective_on: Option<String>,
        /// Field paths of the parent it replaces.
        pub fields: Vec<String>,
    }
}

record! {
    /// One party.
    pub struct Party {
        /// The party in the register of parties.
        pub party_id: Option<Uuid>,
        /// List `contract_role`: customer, provider, commissioner, subcontractor, partner.
        pub role: Option<String>,
        /// Who signs for it; all of them must.
        pub signatory_ids: Vec<Uuid>,
        /// Name and address as they stood at locking.
        pub snapshot: Option<PartySnapshot>,
    }
}

record! {
    /// A party as it stood at locking.
    pub struct PartySnapshot {
        /// Its name.
        pub name: Option<String>,
        /// List `legal_form`; everything but `person` needs a business id or a reason.
        pub legal_form: Option<String>,
        /// Finnish business id (Y-tunnus), `0996167-6`.
        pub business_id: Option<String>,
        /// Why there is none.
        pub no_business_id_reason: Option<String>,
        /// Street address.
        pub address: Option<String>,
        /// Five digits.
        pub postcode: Option<String>,
        /// Post office.
        pub city: Option<String>,
    }
}

record! {
    /// One row of agreed work.
    pub struct ScopeItem {
        /// Short code visits refer to.
        pub code: Option<String>,
        /// What is done.
        pub name: Option<String>,
        /// List `unit`.
        pub unit: Option<String>,
        /// Planned amount over the contract, two decimals at most.
        pub planned_qty: Option<String>,
        /// Key of the first price row of this item.
        pub price_ref: Option<Uuid>,
        /// The service listing it is an instance of.
        pub listing_id: Option<Uuid>,
    }
}

record! {
    /// The nine headings a contract on a private social service must answer together with the
    /// client (Tax Administration's guidance on the VAT exemption of social services).
    pub struct ServicePlan {
        /// Need for support.
        pub need: String,
        /// Services agreed.
        pub services: String,
        /// When they start and how long they last.
        pub start_and_duration: String,
        /// How often.
        pub visit_frequency: String,
        /// The client's own strengths.
        pub strengths: String,
        /// Goals.
        pub goals: String,
        /// How long the need is expected to last.
        pub expected_length: String,
        /// Who else takes part.
        pub partners: String,
        /// How it is followed up.
        pub follow_up: String,
    }
}

impl ServicePlan {
    /// The headings by field path and content.
    pub fn headings(&self) -> [(&'static str, &str); 9] {
        [
            ("service_plan.need", &self.need),
            ("service_plan.services", &self.services),
            ("service_plan.start_and_duration", &self.start_and_duration),
            ("service_plan.visit_frequency", &self.visit_frequency),
            ("service_plan.strengths", &self.strengths),
            ("service_plan.goals", &self.goals),
            ("service_plan.expected_length", &self.expected_length),
            ("service_plan.partners", &self.partners),
            ("service_plan.follow_up", &self.follow_up),
        ]
    }
}

impl Document for Contract {
    const KIND: Kind = Kind::Contract;

    fn validate(&self, ctx: &Validation<'_>) -> Vec<Problem> {
        validate::validate(self, ctx)
    }

    fn summary(&self) -> Summary {
        let parties = self
            .parties
            .values()
            .filter_map(|p| p.snapshot.as_ref()?.name.as_deref());
        let items = self.scope_items.values().filter_map(|i| i.name.as_deref());
        let plan = self.service_plan.headings().map(|(_, text)| text);
        let text = self
            .title
            .as_deref()
            .into_iter()
            .chain(parties)
            .chain(items)
            .chain([self.scope_text.as_str()])
            .chain(plan)
            .chain([self.balance_note.as_str(), self.internal_notes.as_str()])
            .chain(self.header.tags.iter().map(String::as_str))
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join("\n\n");
        Summary {
            title: self
                .title
                .clone()
                .unwrap_or_else(|| Kind::Contract.code().to_owned()),
            subject: self.subject_id.map(|id| id.to_string()),
            status: self.status.clone(),
            date: self.valid_from.clone(),
            text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::record::sample;
    use super::*;

    #[test]
    fn struct_and_table_agree_on_every_path() {
        let full = sample::full(&SPEC);
        assert_eq!(Contract::from_value(&full).to_value(), full);
        assert_eq!(
            Contract::FIELDS.iter().copied().collect::<BTreeSet<_>>(),
            sample::own_roots(&SPEC)
        );
    }

    #[test]
    fn a_full_value_survives_saving_guard_and_reading() {
        let full = sample::full(&SPEC);
        assert_eq!(sample::saved(&SPEC, &full), full);
    }

    #[test]
    fn genesis_holds_the_tables_containers_in_its_order() {
        assert_eq!(SPEC.genesis, sample::containers(&SPEC));
    }

    #[test]
    fn an_empty_contract_writes_nothing() {
        assert_eq!(Contract::default().to_value(), serde_json::json!({}));
    }
}
