//! Contracts of home care, of farm advice and between firms.

use jiff::civil::Date;
use serde_json::{Value, json};

use super::{client_snapshot, firm_snapshot, fresh, under_ids};
use crate::demo::cast::{Client, Firm};
use crate::demo::chance::Chance;
use crate::demo::phone_clock::days_from;
use crate::demo::texts::{CONTRACTS, ContractText, about};

/// What a contract needs to know of its makers.
#[derive(Clone, Debug)]
pub struct Makers<'a> {
    /// The member who looks after it, and signs for the provider.
    pub responsible: &'a str,
    /// The member who signs for the other side; the responsible one where a client signs on the
    /// carer's own device.
    pub signs: &'a str,
    /// The provider's id in the register of parties.
    pub provider: &'a str,
    /// First day in force.
    pub from: Date,
    /// Now, milliseconds since 1970 UTC.
    pub at_ms: i64,
}

/// A client's contract on home care, with the service plan.
pub fn care(client: &Client, subject: &str, makers: &Makers<'_>, chance: &mut Chance) -> Value {
    let text = &CONTRACTS.care;
    let mut contract = base(text, makers, "care_service", chance);
    contract["title"] = json!(format!("Kotihoidon palvelusopimus, {}", client.name));
    contract["subject_kind"] = json!("client");
    contract["subject_id"] = json!(subject);
    contract["sensitivity"] = json!("client");
    contract["parties"] = under_ids([
        json!({"party_id": subject, "role": "customer", "signatory_ids": [makers.signs], "snapshot": client_snapshot(client)}),
        json!({"party_id": makers.provider, "role": "provider", "signatory_ids": [makers.responsible], "snapshot": firm_snapshot(Firm::of("care"))}),
    ]);
    let which = chance.below(2);
    for (heading, texts) in &text.plan {
        let words = &texts[which % texts.len()];
        contract["service_plan"][heading] = json!(about(words, client.first()));
    }
    contract["indefinite"] = json!(true);
    contract["notice_period"] = json!({"unit": "week", "customer": 2, "provider": 8});
    contract["provider_register"] = json!({"register": "soteri", "number": "SOT-0000-1234", "checked_on": makers.from.to_string()});
    contract["self_monitoring_plan"] = json!({"url": "https://kanerva.example/omavalvonta", "reviewed_on": days_from(makers.from, -40).to_string()});
    contract["funding"] = under_ids([
        json!({"source": "voucher", "share": "60"}),
        json!({"source": "self", "share": "40"}),
    ]);
    contract
}

/// A farm's contract on advice, for one season.
pub fn advisory(
    farm: &Firm,
    subject: &str,
    until: Date,
    makers: &Makers<'_>,
    chance: &mut Chance,
) -> Value {
    let mut contract = base(&CONTRACTS.advisory, makers, "advisory", chance);
    contract["title"] = json!(format!("Neuvontasopimus, {}", farm.name));
    contract["subject_kind"] = json!("farm");
    contract["subject_id"] = json!(subject);
    contract["sensitivity"] = json!("confidential");
    contract["parties"] = under_ids([
        json!({"party_id": subject, "role": "customer", "signatory_ids": [makers.signs], "snapshot": firm_snapshot(farm)}),
        json!({"party_id": makers.provider, "role": "provider", "signatory_ids": [makers.responsible], "snapshot": firm_snapshot(Firm::of("advice"))}),
    ]);
    contract["valid_to"] = json!(until.to_string());
    contract["notice_period"] = json!({"unit": "month", "customer": 1, "provider": 2});
    contract["funding"] = under_ids([json!({"source": "neuvo", "share": "100"})]);
    contract["quotas"] = under_ids([json!({
        "item": item_of(&contract, "IPM"), "limit": "24", "unit": "h", "period": "contract", "overdraw_policy": "need_approval",
    })]);
    contract["renewal"] = json!({"auto": false, "remind_days": [60, 30]});
    contract
}

/// A contract with the firm that lends substitutes. `party` is what its writer thinks the firm's
/// id is: two who never met each make one.
pub fn substitutes(party: &str, makers: &Makers<'_>, chance: &mut Chance) -> Value {
    let mut contract = base(&CONTRACTS.papers, makers, "subcontract", chance);
    contract["title"] = json!("Sijaishoitajien alihankintasopimus");
    contract["sensitivity"] = json!("internal");
    contract["parties"] = under_ids([
        json!({"party_id": makers.provider, "role": "provider", "signatory_ids": [makers.responsible], "snapshot": firm_snapshot(Firm::of("care"))}),
        json!({"party_id": party, "role": "subcontractor", "signatory_ids": [makers.signs], "snapshot": firm_snapshot(Firm::of("substitutes"))}),
    ]);
    contract["valid_to"] = json!(days_from(makers.from, 364).to_string());
    contract["notice_period"] = json!({"unit": "month", "customer": 1, "provider": 1});
    contract["funding"] = under_ids([json!({"source": "self", "share": "100"})]);
    contract
}

/// The key of the scope item with this code.
pub fn item_of(contract: &Value, code: &str) -> String {
    let items = contract["scope_items"].as_object();
    let found = items.and_then(|items| items.iter().find(|(_, item)| item["code"] == code));
    found.map(|(key, _)| key.clone()).unwrap_or_default()
}

/// The key of the first item in a map field.
pub fn key_in(value: &Value, field: &str) -> String {
    let items = value[field].as_object();
    items
        .and_then(|items| items.keys().next().cloned())
        .unwrap_or_default()
}

fn base(text: &ContractText, makers: &Makers<'_>, kind: &str, chance: &mut Chance) -> Value {
    let mut contract = json!({
        "contract_kind": kind, "language": "fi",
        "scope_text": text.scope.join("\n\n"),
        "valid_from": makers.from.to_string(),
        "travel_terms": {"km_rate_eur": "0.55", "rate_from": makers.from.to_string(), "time_billed": false},
        "coordinates_allowed": false,
        "responsible_person": makers.responsible,
        "status": "draft",
    });
    for (field, words) in [
        ("cancellation_terms", &text.cancellation),
        ("liability", &text.liability),
        ("data_processing", &text.data),
    ] {
        if !words.is_empty() {
            contract[field] = json!(words);
        }
    }
    let mut items = json!({});
    let mut prices = json!({});
    for item in &text.items {
        let (key, price) = (fresh(), fresh());
        items[&key] = json!({
            "code": item.code, "name": item.name, "unit": item.unit, "planned_qty": item.qty, "price_ref": price,
        });
        prices[&price] = json!({
            "item": key, "unit": item.unit, "amount_cents": item.cents + 10 * chance.between(-4, 9),
            "currency": "EUR", "incl_vat": false,
            "vat_class": if kind == "care_service" { "exempt_social" } else { "standard" },
            "from": makers.from.to_string(), "by": makers.responsible, "at": makers.at_ms,
        });
    }
    contract["scope_items"] = items;
    contract["prices"] = prices;
    contract
}
