//! What a contract must fulfil before it is offered, locked, signed or terminated. Saving is
//! never stopped.

use rust_decimal::Decimal;

use super::{Contract, Party, Price, SPEC, vat};
use crate::documents::check::{Check, code, decimal, is_https_url, is_postcode, live};
use crate::documents::{Document, Problem, Validation};
use crate::id::DocId;
use crate::signing::signing_state;

mod money;
mod term;

/// Languages a contract can be written in; the clauses exist in these.
const LANGUAGES: [&str; 3] = ["fi", "sv", "en"];

/// Kinds whose client is a person in care: their own rules for plan, register and personal data.
const CARE: [&str; 2] = ["care_service", "voucher_service"];

/// Kinds that need neither prices nor a provider: they frame or join, others buy.
const FRAMES: [&str; 2] = ["framework", "partnership"];

/// What the transition in question asks for.
struct Asked {
    offer: bool,
    lock: bool,
    /// Anything but saving: shape problems count.
    any: bool,
}

pub(super) fn validate(contract: &Contract, ctx: &Validation<'_>) -> Vec<Problem> {
    let mut check = Check::new(ctx);
    let lock = matches!(ctx.towards, "locked" | "signed");
    let asked = Asked {
        lock,
        offer: lock || ctx.towards == "offered",
        any: ctx.towards != "save",
    };
    check.shape(&SPEC, &contract.to_value(), ctx.today, asked.any);
    basics(contract, &mut check, &asked);
    parties(contract, &mut check, &asked);
    scope(contract, &mut check, &asked);
    term::period(contract, &mut check, &asked);
    term::notice(contract, &mut check, &asked);
    money::prices(contract, &mut check, &asked);
    money::money(contract, &mut check, &asked);
    care(contract, &mut check, &asked);
    if ctx.towards == "terminated" || contract.termination.is_some() {
        term::termination(contract, &mut check, ctx.towards == "terminated");
    }
    if ctx.towards == "signed" {
        signatures(contract, &mut check);
    }
    check.finish()
}

fn is(contract: &Contract, kinds: &[&str]) -> bool {
    contract
        .contract_kind
        .as_deref()
        .is_some_and(|kind| kinds.contains(&kind))
}

fn basics(contract: &Contract, check: &mut Check<'_>, asked: &Asked) {
    check.require(
        contract.contract_kind.is_some(),
        "contract_kind",
        asked.offer,
    );
    check.require(contract.title.is_some(), "title", asked.offer);
    check.require(contract.language.is_some(), "language", asked.offer);
    let foreign = contract
        .language
        .as_deref()
        .is_some_and(|l| !LANGUAGES.contains(&l));
    check.add_if(
        foreign,
        "language",
        code::LANGUAGE_NOT_SUPPORTED,
        asked.offer,
    );
    check.require(
        contract.responsible_person.is_some(),
        "responsible_person",
        asked.lock,
    );

    let wanted = match contract.contract_kind.as_deref() {
        Some("advisory") => Some("farm"),
        Some(kind) if CARE.contains(&kind) => Some("client"),
        _ => None,
    };
    if let Some(wanted) = wanted {
        check.require(contract.subject_id.is_some(), "subject_id", asked.lock);
        let other = contract
            .subject_kind
            .as_deref()
            .is_some_and(|kind| kind != wanted);
        check.require(contract.subject_kind.is_some(), "subject_kind", asked.lock);
        check.add_if(
            other,
            "subject_kind",
            code::SUBJECT_KIND_MISMATCH,
            asked.lock,
        );
    }
    if contract.amends.is_some() {
        let terms = contract.amendment_terms.clone().unwrap_or_default();
        check.require(
            terms.effective_on.is_some(),
            "amendment_terms.effective_on",
            asked.lock,
        );
        check.require(
            !terms.fields.is_empty(),
            "amendment_terms.fields",
            asked.lock,
        );
    }
    let years = contract
        .option_years
        .is_some_and(|years| !(0..=10).contains(&years));
    check.add_if(years, "option_years", code::OUT_OF_RANGE, asked.lock);
    let days = contract.renewal.iter().flat_map(|r| &r.remind_days);
    let odd = days.clone().any(|days| !(1..=365).contains(days));
    check.add_if(odd, "renewal.remind_days", code::OUT_OF_RANGE, asked.lock);
}

fn parties(contract: &Contract, check: &mut Check<'_>, asked: &Asked) {
    check.add_if(
        contract.parties.len() < 2 && asked.any,
        "parties",
        code::TOO_FEW_PARTIES,
        asked.lock,
    );
    let provides = contract
        .parties
        .values()
        .any(|p| p.role.as_deref() == Some("provider"));
    let unprovided =
        !provides && asked.lock && !is(contract, &FRAMES) && !contract.parties.is_empty();
    check.add_if(unprovided, "parties", code::PROVIDER_MISSING, true);

    let mut seen = Vec::new();
    for (key, party) in &contract.parties {
        let path = format!("parties.{key}");
        if let Some(id) = party.party_id {
            check.add_if(
                seen.contains(&id),
                format!("{path}.party_id"),
                code::DUPLICATE_PARTY,
                false,
            );
            seen.push(id);
        }
        check.require(party.role.is_some(), format!("{path}.role"), asked.lock);
        check.require(
            !party.signatory_ids.is_empty(),
            format!("{path}.signatory_ids"),
            asked.lock,
        );
        snapshot(party, &format!("{path}.snapshot"), check, asked);
    }
}

/// Name and address as they stand when the contract is locked.
fn snapshot(party: &Party, path: &str, check: &mut Check<'_>, asked: &Asked) {
    let shot = party.snapshot.clone().unwrap_or_default();
    for (part, value) in [
        ("name", &shot.name),
        ("legal_form", &shot.legal_form),
        ("address", &shot.address),
        ("postcode", &shot.postcode),
        ("city", &shot.city),
    ] {
        check.require(value.is_some(), format!("{path}.{part}"), asked.lock);
    }
    let postcode = shot.postcode.as_deref().is_some_and(|p| !is_postcode(p));
    check.add_if(
        postcode,
        format!("{path}.postcode"),
        code::POSTCODE_INVALID,
        asked.lock,
    );
    if shot
        .legal_form
        .as_deref()
        .is_some_and(|form| form != "person")
    {
        let (id, reason) = (
            shot.business_id.as_deref(),
            shot.no_business_id_reason.as_deref(),
        );
        if asked.any || id.is_some() {
            check.business_id(path, id, reason, asked.lock);
        }
    }
}

fn scope(contract: &Contract, check: &mut Check<'_>, asked: &Asked) {
    check.require(!contract.scope_items.is_empty(), "scope_items", asked.lock);
    for (key, item) in &contract.scope_items {
        let path = format!("scope_items.{key}");
        check.require(item.name.is_some(), format!("{path}.name"), asked.lock);
        check.require(item.unit.is_some(), format!("{path}.unit"), asked.lock);
        let negative = decimal(item.planned_qty.as_deref()).is_some_and(|q| q < Decimal::ZERO);
        check.add_if(
            negative,
            format!("{path}.planned_qty"),
            code::NEGATIVE,
            asked.lock,
        );
        let lost = item
            .price_ref
            .is_some_and(|price| !contract.prices.contains_key(&price));
        check.add_if(
            lost,
            format!("{path}.price_ref"),
            code::UNKNOWN_REFERENCE,
            asked.lock,
        );
    }
    for (key, quota) in &contract.quotas {
        let path = format!("quotas.{key}");
        check.require(quota.limit.is_some(), format!("{path}.limit"), asked.lock);
        check.require(quota.unit.is_some(), format!("{path}.unit"), asked.lock);
        check.require(quota.period.is_some(), format!("{path}.period"), asked.lock);
        check.require(
            quota.overdraw_policy.is_some(),
            format!("{path}.overdraw_policy"),
            asked.lock,
        );
        let nothing = decimal(quota.limit.as_deref()).is_some_and(|limit| limit <= Decimal::ZERO);
        check.add_if(
            nothing,
            format!("{path}.limit"),
            code::NOT_POSITIVE,
            asked.lock,
        );
        let lost = quota
            .item
            .is_some_and(|item| !contract.scope_items.contains_key(&item));
        check.add_if(
            lost,
            format!("{path}.item"),
            code::UNKNOWN_REFERENCE,
            asked.lock,
        );
    }
}

fn care(contract: &Contract, check: &mut Check<'_>, asked: &Asked) {
    let care = is(contract, &CARE);
    // Whoever visits a client handles the client's data on the other party's behalf.
    let clients = care || contract.subject_kind.as_deref() == Some("client");
    check.require(
        !contract.data_processing.is_empty(),
        "data_processing",
        asked.lock && clients,
    );
    let plan = contract.self_monitoring_plan.clone().unwrap_or_default();
    let odd = plan.url.as_deref().is_some_and(|url| !is_https_url(url));
    check.add_if(
        odd,
        "self_monitoring_plan.url",
        code::URL_INVALID,
        asked.lock,
    );
    if !care {
        return;
    }
    for (path, text) in contract.service_plan.headings() {
        check.require(!text.trim().is_empty(), path, asked.lock);
    }
    if asked.any {
        let conditions = vat::social_exemption(contract);
        check.add_if(
            !conditions.self_monitoring,
            "self_monitoring_plan",
            code::PLAN_MISSING,
            false,
        );
        check.add_if(
            !conditions.registered,
            "provider_register",
            code::REGISTER_MISSING,
            false,
        );
        let register = contract
            .provider_register
            .as_ref()
            .and_then(|r| r.register.as_deref());
        check.add_if(
            register == Some("county"),
            "provider_register",
            code::REGISTER_TRANSITION,
            false,
        );
    }
}

/// Every signatory has signed this content. The contract's own id is not part of its value, so
/// here it is taken from the signatures; where the id is known, ask [`signing_state`] with it.
fn signatures(contract: &Contract, check: &mut Check<'_>) {
    let doc = contract.signatures.values().find_map(|s| s.doc).map(DocId);
    let complete = doc.is_some_and(|doc| {
        let state = signing_state(doc, &contract.to_value());
        state.complete() && state.content == Some(crate::signing::Comparison::Same)
    });
    check.add_if(!complete, "signatures", code::SIGNATURES_MISSING, true);
}

impl Contract {
    /// The price rows that count: not corrected by a later one, not withdrawn.
    pub fn live_prices(&self) -> Vec<(&uuid::Uuid, &Price)> {
        live(
            &self.prices,
            |p| p.supersedes,
            |p| p.withdrawn == Some(true),
        )
    }
}

#[cfg(test)]
mod tests;
