//! Prices, taxes, funding and travel.

use rust_decimal::Decimal;

use super::super::{Contract, Price, vat};
use super::{Asked, FRAMES, is};
use crate::documents::check::{Check, PricePeriod, code, decimal};

pub(super) fn prices(contract: &Contract, check: &mut Check<'_>, asked: &Asked) {
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

pub(super) fn money(contract: &Contract, check: &mut Check<'_>, asked: &Asked) {
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
