//! What a contract must fulfil before it is offered, locked, signed or terminated. Saving is
//! never stopped.

use jiff::ToSpan;
use jiff::civil::Date;
use rust_decimal::Decimal;

use super::{Contract, NoticePeriod, Party, Price, SPEC, vat};
use crate::documents::check::{
    Check, PricePeriod, code, date, decimal, is_https_url, is_postcode, live,
};
use crate::documents::{Document, Problem, Validation};
use crate::id::DocId;
use crate::signing::signing_state;

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
    period(contract, &mut check, &asked);
    notice(contract, &mut check, &asked);
    prices(contract, &mut check, &asked);
    money(contract, &mut check, &asked);
    care(contract, &mut check, &asked);
    if ctx.towards == "terminated" || contract.termination.is_some() {
        termination(contract, &mut check, ctx.towards == "terminated");
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

fn period(contract: &Contract, check: &mut Check<'_>, asked: &Asked) {
    check.require(contract.valid_from.is_some(), "valid_from", asked.lock);
    let (from, to) = (
        date(contract.valid_from.as_deref()),
        date(contract.valid_to.as_deref()),
    );
    let backwards = matches!((from, to), (Some(from), Some(to)) if to < from);
    check.add_if(backwards, "valid_to", code::DATE_ORDER, asked.lock);
    let indefinite = contract.indefinite == Some(true);
    let ends = contract.valid_to.is_some();
    check.add_if(
        indefinite && ends,
        "valid_to",
        code::INDEFINITE_WITH_END,
        asked.lock,
    );
    check.add_if(
        !indefinite && !ends && asked.lock,
        "valid_to",
        code::END_REQUIRED,
        true,
    );
}

/// 0-12 months, and a consumer is not bound longer than the provider.
fn notice(contract: &Contract, check: &mut Check<'_>, asked: &Asked) {
    check.require(
        contract.notice_period.is_some(),
        "notice_period",
        asked.lock,
    );
    let Some(notice) = &contract.notice_period else {
        return;
    };
    check.require(notice.unit.is_some(), "notice_period.unit", asked.lock);
    let most = match notice.unit.as_deref() {
        Some("day") => 366,
        Some("week") => 52,
        _ => 12,
    };
    for (part, length) in [("customer", notice.customer), ("provider", notice.provider)] {
        let path = format!("notice_period.{part}");
        check.require(length.is_some(), &path, asked.lock);
        let odd = length.is_some_and(|n| !(0..=most).contains(&n));
        check.add_if(odd, path, code::NOTICE_OUT_OF_RANGE, asked.lock);
    }
    let longer = notice.customer > notice.provider && notice.provider.is_some();
    let path = "notice_period.customer";
    check.add_if(
        longer && has_consumer(contract),
        path,
        code::NOTICE_CUSTOMER_LONGER,
        asked.lock,
    );
}

fn has_consumer(contract: &Contract) -> bool {
    contract.parties.values().any(|party| {
        let form = party
            .snapshot
            .as_ref()
            .and_then(|s| s.legal_form.as_deref());
        party.role.as_deref() == Some("customer") && form == Some("person")
    })
}

fn prices(contract: &Contract, check: &mut Check<'_>, asked: &Asked) {
    let live = contract.live_prices();
    let missing = live.is_empty() && asked.lock && !is(contract, &FRAMES);
    check.add_if(missing, "prices", code::PRICES_MISSING, true);
    let mut periods = Vec::new();
    for (key, price) in &live {
        let path = format!("prices.{key}");
        price_row(contract, price, &path, check, asked);
        periods.push(PricePeriod {
            thing: format!("{:?} {:?}", price.item, price.unit),
            from: price.from.clone(),
            to: price.to.clone(),
            path,
        });
    }
    check.prices(&periods, asked.lock);
    for (key, price) in &contract.prices {
        let lost = price
            .supersedes
            .is_some_and(|row| !contract.prices.contains_key(&row));
        check.add_if(
            lost,
            format!("prices.{key}.supersedes"),
            code::UNKNOWN_REFERENCE,
            false,
        );
    }
    if !live.is_empty() {
        for key in contract.scope_items.keys() {
            let priced = live
                .iter()
                .any(|(_, p)| p.item.is_none_or(|item| item == *key));
            check.add_if(
                !priced && asked.any,
                format!("scope_items.{key}"),
                code::PRICE_MISSING,
                false,
            );
        }
    }
}

fn price_row(contract: &Contract, price: &Price, path: &str, check: &mut Check<'_>, asked: &Asked) {
    check.require(price.unit.is_some(), format!("{path}.unit"), asked.lock);
    check.require(
        price.amount_cents.is_some(),
        format!("{path}.amount_cents"),
        asked.lock,
    );
    check.require(
        price.vat_class.is_some(),
        format!("{path}.vat_class"),
        asked.lock,
    );
    check.require(price.from.is_some(), format!("{path}.from"), asked.lock);
    let negative = price.amount_cents.is_some_and(|cents| cents < 0);
    check.add_if(
        negative,
        format!("{path}.amount_cents"),
        code::NEGATIVE,
        asked.lock,
    );
    let foreign = price.currency.as_deref().is_some_and(|c| c != "EUR");
    check.add_if(
        foreign,
        format!("{path}.currency"),
        code::CURRENCY_UNSUPPORTED,
        asked.lock,
    );
    let lost = price
        .item
        .is_some_and(|item| !contract.scope_items.contains_key(&item));
    check.add_if(
        lost,
        format!("{path}.item"),
        code::UNKNOWN_REFERENCE,
        asked.lock,
    );
    let exempt = price.vat_class.as_deref() == Some(vat::EXEMPT_SOCIAL);
    let overridden = contract
        .vat_override
        .as_ref()
        .is_some_and(|o| o.class.is_some());
    let unproven = exempt && !overridden && !vat::social_exemption(contract).all();
    check.add_if(
        unproven,
        format!("{path}.vat_class"),
        code::VAT_EXEMPTION_UNPROVEN,
        asked.lock,
    );
}

fn money(contract: &Contract, check: &mut Check<'_>, asked: &Asked) {
    check.require(
        !contract.funding.is_empty(),
        "funding",
        asked.lock && !is(contract, &FRAMES),
    );
    let mut sum = Decimal::ZERO;
    for (key, funding) in &contract.funding {
        let path = format!("funding.{key}");
        check.require(
            funding.source.is_some(),
            format!("{path}.source"),
            asked.lock,
        );
        let share = decimal(funding.share.as_deref()).unwrap_or_default();
        let odd = share < Decimal::ZERO || share > Decimal::ONE_HUNDRED;
        check.add_if(odd, format!("{path}.share"), code::OUT_OF_RANGE, asked.lock);
        let negative = funding.cap_cents.is_some_and(|cents| cents < 0);
        check.add_if(
            negative,
            format!("{path}.cap_cents"),
            code::NEGATIVE,
            asked.lock,
        );
        sum += share;
    }
    check.add_if(
        sum > Decimal::ONE_HUNDRED,
        "funding",
        code::SHARES_EXCEED_100,
        asked.lock,
    );
    if let Some(over) = &contract.vat_override {
        let reasoned = over.class.is_none() || over.reason.is_some();
        check.require(reasoned, "vat_override.reason", asked.lock);
    }
    if let Some(travel) = &contract.travel_terms {
        let rate = decimal(travel.km_rate_eur.as_deref());
        let negative = rate.is_some_and(|rate| rate < Decimal::ZERO);
        check.add_if(
            negative,
            "travel_terms.km_rate_eur",
            code::NEGATIVE,
            asked.lock,
        );
        let dated = rate.is_none() || travel.rate_from.is_some();
        check.require(dated, "travel_terms.rate_from", asked.lock);
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

fn termination(contract: &Contract, check: &mut Check<'_>, blocks: bool) {
    let end = contract.termination.clone().unwrap_or_default();
    check.require(end.by.is_some(), "termination.by", blocks);
    check.require(end.date.is_some(), "termination.date", blocks);
    check.require(end.reason.is_some(), "termination.reason", blocks);
    check.require(
        end.effective_on.is_some(),
        "termination.effective_on",
        blocks,
    );
    let by = end.by.map(|key| contract.parties.get(&key));
    check.add_if(
        matches!(by, Some(None)),
        "termination.by",
        code::UNKNOWN_REFERENCE,
        blocks,
    );
    let (Some(given), Some(effective)) =
        (date(end.date.as_deref()), date(end.effective_on.as_deref()))
    else {
        return;
    };
    let path = "termination.effective_on";
    check.add_if(effective < given, path, code::DATE_ORDER, blocks);
    if let (Some(notice), Some(Some(party))) = (&contract.notice_period, by)
        && end.for_cause != Some(true)
    {
        let early =
            earliest_end(given, notice, party.role.as_deref()).is_some_and(|day| effective < day);
        check.add_if(early, path, code::NOTICE_TOO_SHORT, blocks);
    }
}

/// The first day a notice given today may take effect.
fn earliest_end(given: Date, notice: &NoticePeriod, role: Option<&str>) -> Option<Date> {
    let length = if role == Some("customer") {
        notice.customer?
    } else {
        notice.provider?
    };
    let length = i32::try_from(length.clamp(0, 10_000)).ok()?;
    let span = match notice.unit.as_deref()? {
        "day" => length.days(),
        "week" => length.weeks(),
        "month" => length.months(),
        _ => return None,
    };
    given.checked_add(span).ok()
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
