//! Service listing (*palvelukuvaus*): one service of one provider as the public directory shows it.
//!
//! The public only ever reads a published snapshot, never the live draft, so a listing can be
//! rewritten in peace. The fields follow the Finnish Service Catalogue (PTV) and Open Referral HSDS,
//! which the directory exports to.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::contract::{PlanRef, Seal};
use super::record::{Items, Localized};
use super::{Document, Kind, Problem, Summary, Validation};

mod publish;
mod table;
mod validate;

pub use publish::{public_content, snapshot_entry};
pub use table::{SPEC, STATUS};

record! {
    /// A service listing as Rust code sees it. Codes stay strings: an unknown one is kept.
    pub struct ServiceListing: Header {
        /// The service's name, 100 characters at most.
        pub names: Localized<Option<String>>,
        /// Other names people search by.
        pub alt_names: Localized<BTreeSet<String>>,
        /// Words people search by.
        pub keywords: Localized<BTreeSet<String>>,
        /// One sentence, 150 characters at most, not the name again.
        pub summary: Localized<Option<String>>,
        /// What the service is.
        pub description: Localized<String>,
        /// What the user does to get it.
        pub instructions: Localized<String>,
        /// Who can get it and on what conditions.
        pub conditions: Localized<String>,
        /// The provider in the register of parties.
        pub provider_id: Option<Uuid>,
        /// The provider's name and business id as the directory shows them.
        pub provider: Option<Provider>,
        /// Parties that produce the service, ids.
        pub producers: BTreeSet<String>,
        /// PTV service classes, list `ptv_service_class`, 1-4.
        pub service_classes: BTreeSet<String>,
        /// Ontology terms (KOKO), URIs, 1-10.
        pub ontology_terms: BTreeSet<String>,
        /// PTV target groups, list `target_group`.
        pub target_groups: BTreeSet<String>,
        /// PTV life events, list `life_event`; only with a citizen target group.
        pub life_events: BTreeSet<String>,
        /// Industry codes (TOL).
        pub industry_codes: BTreeSet<String>,
        /// List `area_type`.
        pub area_type: Option<String>,
        /// Municipality codes, three digits, when the area is limited.
        pub municipalities: BTreeSet<String>,
        /// ISO 639-1 codes of the languages the service is given in.
        pub languages: BTreeSet<String>,
        /// How it can be paid for, list `funding_type`.
        pub funding_types: BTreeSet<String>,
        /// `chargeable`, `free` or `other`, list `charge_type`.
        pub charge_type: Option<String>,
        /// Whether it can be had with a service voucher, and where.
        pub voucher: Option<Voucher>,
        /// Dated public prices, VAT included; a new price is a new row.
        pub prices: Items<PublicPrice>,
        /// How to reach it; at least one.
        pub channels: Items<Channel>,
        /// When it is open.
        pub hours: Items<Hours>,
        /// Room for new clients.
        pub capacity: Option<Capacity>,
        /// Quality marks granted to this service.
        pub quality_marks: Items<QualityMark>,
        /// Self-assessment against quality criteria.
        pub criteria_answers: Items<CriteriaAnswer>,
        /// Number in the Soteri register of social and health care providers.
        pub soteri_id: Option<String>,
        /// What to say while the county's own register still counts.
        pub register_note: Option<String>,
        /// Plans the public may read.
        pub plan_refs: PlanRefs,
        /// List `accessibility`.
        pub accessibility: BTreeSet<String>,
        /// Setting, season, animals, group size; list `nature_attr`.
        pub nature_attrs: BTreeSet<String>,
        /// A role, never a person's name.
        pub contact_person_public: Option<String>,
        /// `draft` < `in_review` < `published` < `withdrawn`; going on is a new round.
        pub status: Option<String>,
        /// Not taking anybody for now.
        pub paused: Option<bool>,
        /// Until when, a date.
        pub paused_until: Option<String>,
        /// When it must be confirmed again.
        pub review_due: Option<String>,
        /// When somebody last confirmed it.
        pub last_confirmed: Option<String>,
        /// What reviewers decided.
        pub reviewer_decisions: Items<ReviewerDecision>,
        /// What the public was shown, one for each publication; the newest counts.
        pub snapshots: Items<Seal>,
    }
}

record! {
    /// The provider as shown.
    pub struct Provider {
        /// Its name.
        pub name: Option<String>,
        /// Finnish business id (Y-tunnus).
        pub business_id: Option<String>,
        /// Why there is none.
        pub no_business_id_reason: Option<String>,
    }
}

record! {
    /// Service vouchers.
    pub struct Voucher {
        /// Whether vouchers are taken at all.
        pub in_use: Option<bool>,
        /// Wellbeing services counties whose vouchers are taken, list `county`.
        pub counties: Vec<String>,
        /// In words.
        pub info: Option<String>,
    }
}

record! {
    /// One dated public price.
    pub struct PublicPrice {
        /// List `unit`.
        pub unit: Option<String>,
        /// Cents, VAT included.
        pub amount_cents: Option<i64>,
        /// List `vat_class`.
        pub vat_class: Option<String>,
        /// First day.
        pub from: Option<String>,
        /// Last day; absent means until a later row.
        pub to: Option<String>,
        /// Remark, for example what is included.
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
    /// One way to reach the service.
    pub struct Channel {
        /// List `channel_type`.
        pub r#type: Option<String>,
        /// What it is called.
        pub name: Option<String>,
        /// Street address.
        pub address: Option<String>,
        /// Five digits.
        pub postcode: Option<String>,
        /// Post office.
        pub city: Option<String>,
        /// Municipality code.
        pub municipality: Option<String>,
        /// E.164, `+358401234567`.
        pub phone: Option<String>,
        /// E-mail address.
        pub email: Option<String>,
        /// https address.
        pub url: Option<String>,
        /// Opening hours in words, where they differ from the service's.
        pub hours: Option<String>,
        /// ISO 639-1 codes.
        pub lang: Vec<String>,
    }
}

record! {
    /// One row of opening hours.
    pub struct Hours {
        /// List `hours_kind`: weekly, exception, by appointment, round the clock.
        pub kind: Option<String>,
        /// 1 is Monday, 7 Sunday.
        pub days: Vec<i64>,
        /// Opens.
        pub from: Option<String>,
        /// Closes; earlier than `from` means the next day.
        pub to: Option<String>,
        /// First day the row counts.
        pub valid_from: Option<String>,
        /// Last day.
        pub valid_to: Option<String>,
        /// Closed on these days instead of open.
        pub closed: Option<bool>,
        /// Remark.
        pub note: Option<String>,
    }
}

record! {
    /// Room for new clients.
    pub struct Capacity {
        /// How many.
        pub free_slots: Option<i64>,
        /// List `unit`.
        pub unit: Option<String>,
        /// The day it was true.
        pub as_of: Option<String>,
    }
}

record! {
    /// A quality mark.
    pub struct QualityMark {
        /// List `quality_mark`.
        pub mark: Option<String>,
        /// First day.
        pub granted_on: Option<String>,
        /// Last day.
        pub expires_on: Option<String>,
        /// Where the decision is.
        pub evidence: Option<String>,
        /// The entry this one corrects.
        pub supersedes: Option<Uuid>,
        /// Taken back.
        pub withdrawn: Option<bool>,
        /// Who entered it.
        pub by: Option<Uuid>,
        /// When, milliseconds since 1970 UTC.
        pub at: Option<i64>,
    }
}

record! {
    /// One answer of a self-assessment.
    pub struct CriteriaAnswer {
        /// Which criterion.
        pub criterion: Option<String>,
        /// Which version of the criteria.
        pub version: Option<String>,
        /// List `criteria_level`.
        pub level: Option<String>,
        /// What shows it.
        pub evidence: String,
    }
}

record! {
    /// Plans the public may read.
    pub struct PlanRefs {
        /// *Omavalvontasuunnitelma*; public by law.
        pub self_monitoring: Option<PlanRef>,
        /// *Turvallisuusasiakirja*.
        pub safety: Option<PlanRef>,
    }
}

record! {
    /// A reviewer's decision.
    pub struct ReviewerDecision {
        /// Who.
        pub by: Option<Uuid>,
        /// List `review_result`.
        pub result: Option<String>,
        /// Why.
        pub text: Option<String>,
        /// When, milliseconds since 1970 UTC.
        pub at: Option<i64>,
    }
}

impl Document for ServiceListing {
    const KIND: Kind = Kind::ServiceListing;

    fn validate(&self, ctx: &Validation<'_>) -> Vec<Problem> {
        validate::validate(self, ctx)
    }

    fn summary(&self) -> Summary {
        let name = self
            .names
            .each()
            .into_iter()
            .find_map(|(_, name)| name.clone());
        let mut parts: Vec<&str> = Vec::new();
        parts.extend(self.names.each().iter().filter_map(|(_, t)| t.as_deref()));
        parts.extend(
            self.alt_names
                .each()
                .iter()
                .flat_map(|(_, set)| set.iter().map(String::as_str)),
        );
        parts.extend(
            self.keywords
                .each()
                .iter()
                .flat_map(|(_, set)| set.iter().map(String::as_str)),
        );
        parts.extend(self.summary.each().iter().filter_map(|(_, t)| t.as_deref()));
        parts.extend(self.provider.iter().filter_map(|p| p.name.as_deref()));
        for texts in [&self.description, &self.instructions, &self.conditions] {
            parts.extend(texts.each().iter().map(|(_, text)| text.as_str()));
        }
        parts.extend(self.header.tags.iter().map(String::as_str));
        parts.retain(|part| !part.is_empty());
        Summary {
            title: name.unwrap_or_else(|| Kind::ServiceListing.code().to_owned()),
            subject: self.provider_id.map(|id| id.to_string()),
            status: self.status.clone(),
            date: self.last_confirmed.clone(),
            text: parts.join("\n\n"),
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
        assert_eq!(ServiceListing::from_value(&full).to_value(), full);
        let fields: BTreeSet<_> = ServiceListing::FIELDS.iter().copied().collect();
        assert_eq!(fields, sample::own_roots(&SPEC));
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
    fn an_empty_listing_writes_nothing_but_still_has_a_title_in_lists() {
        assert_eq!(ServiceListing::default().to_value(), serde_json::json!({}));
        assert!(!ServiceListing::default().summary().title.is_empty());
    }

    #[test]
    fn a_listing_is_found_by_its_names_in_every_language_and_by_its_provider() {
        let listing = ServiceListing::from_value(&serde_json::json!({
            "names": {"sv": "Hemservice", "fi": "Kotipalvelu"},
            "keywords": {"fi": ["siivous"]},
            "provider": {"name": "Kotiapu Oy"},
        }));
        let summary = listing.summary();
        assert_eq!(summary.title, "Kotipalvelu");
        for word in ["Hemservice", "siivous", "Kotiapu Oy"] {
            assert!(summary.text.contains(word), "{word}");
        }
    }
}
