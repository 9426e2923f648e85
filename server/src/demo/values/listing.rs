//! Service listings in three languages.

use jiff::civil::Date;
use serde_json::{Value, json};

use super::under_ids;
use crate::demo::cast::Firm;
use crate::demo::phone_clock::days_from;
use crate::demo::texts::{LISTINGS, Listing, PLACES};

/// A listing as it stands before it is published.
pub fn listing(
    of: &Listing,
    provider: &Firm,
    provider_id: &str,
    by: &str,
    today: Date,
    at_ms: i64,
) -> Value {
    let social = of.provider != "advisory";
    let mut listing = json!({
        "names": of.names, "summary": of.summary,
        "instructions": of.instructions, "conditions": of.conditions,
        "provider_id": provider_id,
        "provider": {"name": provider.name, "business_id": provider.business_id()},
        "service_classes": of.classes, "target_groups": of.groups,
        "keywords": {"fi": of.keywords}, "ontology_terms": ["http://www.yso.fi/onto/koko/p1918"],
        "area_type": "limited",
        "municipalities": PLACES.towns.iter().map(|town| town.code.as_str()).collect::<Vec<_>>(),
        "languages": ["fi", "sv"], "funding_types": of.funding, "charge_type": "chargeable",
        "prices": under_ids([json!({
            "unit": of.unit, "amount_cents": of.cents, "from": today.to_string(), "by": by, "at": at_ms,
            "vat_class": if social { "exempt_social" } else { "standard" },
        })]),
        "channels": under_ids([
            json!({"type": "phone", "name": "Palvelunumero", "phone": "+358401234567", "lang": ["fi", "sv"]}),
            json!({
                "type": "service_location", "name": provider.name, "address": provider.address,
                "postcode": provider.town().postcode, "city": provider.town().city, "municipality": provider.town().code,
            }),
        ]),
        "hours": under_ids([json!({"kind": "weekly", "days": [1, 2, 3, 4, 5], "from": "08:00", "to": "16:00"})]),
        "capacity": {"free_slots": 4, "unit": "visit", "as_of": today.to_string()},
        "contact_person_public": "palveluvastaava", "accessibility": ["step_free"],
        "last_confirmed": today.to_string(), "review_due": days_from(today, 180).to_string(),
        "status": "draft",
    });
    for language in ["fi", "sv", "en"] {
        let mut parts = vec![of.intro[language].as_str()];
        parts.extend(LISTINGS.shared[language].iter().map(String::as_str));
        listing["description"][language] = json!(parts.join("\n\n"));
    }
    if of.funding.iter().any(|way| way == "voucher") {
        listing["voucher"] = json!({"in_use": true, "counties": ["11"], "info": "Hyvinvointialueen hyväksymä tuottaja"});
    }
    if social {
        listing["soteri_id"] = json!("SOT-0000-1234");
        listing["plan_refs"] = json!({"self_monitoring": {"url": "https://kanerva.example/omavalvonta", "reviewed_on": days_from(today, -60).to_string()}});
    }
    if of.provider == "green" {
        listing["nature_attrs"] = json!(["farm", "garden", "animals", "small_group"]);
        listing["plan_refs"]["safety"] = json!({"url": "https://auvinen.example/turvallisuus", "reviewed_on": days_from(today, -90).to_string()});
    }
    listing
}
