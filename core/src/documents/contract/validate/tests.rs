use jiff::civil::date as day;
use serde_json::{Value, json};

use super::*;

const CUSTOMER: &str = "0190b5a0-0000-7000-8000-000000000001";
const PROVIDER: &str = "0190b5a0-0000-7000-8000-000000000002";
const ITEM: &str = "0190b5a0-0000-7000-8000-000000000003";
const PRICE: &str = "0190b5a0-0000-7000-8000-000000000004";
const OTHER: &str = "0190b5a0-0000-7000-8000-000000000005";

/// A care contract that may be locked.
fn care_contract() -> Value {
    json!({
        "contract_kind": "care_service",
        "title": "Kotihoito",
        "language": "fi",
        "responsible_person": OTHER,
        "subject_kind": "client",
        "subject_id": OTHER,
        "parties": {
            CUSTOMER: {
                "role": "customer",
                "signatory_ids": [CUSTOMER],
                "snapshot": {
                    "name": "Aune Aalto", "legal_form": "person",
                    "address": "Koivukuja 1", "postcode": "54710", "city": "Lemi",
                },
            },
            PROVIDER: {
                "role": "provider",
                "signatory_ids": [PROVIDER],
                "snapshot": {
                    "name": "Kotiapu Oy", "legal_form": "company", "business_id": "0996167-6",
                    "address": "Raitti 2", "postcode": "54710", "city": "Lemi",
                },
            },
        },
        "scope_items": {ITEM: {"name": "Käynti", "unit": "visit", "planned_qty": "12.5", "price_ref": PRICE}},
        "service_plan": {
            "need": "x", "services": "x", "start_and_duration": "x", "visit_frequency": "x", "strengths": "x",
            "goals": "x", "expected_length": "x", "partners": "x", "follow_up": "x",
        },
        "valid_from": "2026-12-01",
        "indefinite": true,
        "notice_period": {"unit": "month", "customer": 1, "provider": 2},
        "prices": {PRICE: {
            "item": ITEM, "unit": "visit", "amount_cents": 4200, "currency": "EUR",
            "vat_class": "exempt_social", "from": "2026-12-01",
        }},
        "provider_register": {"register": "soteri", "number": "S-1"},
        "self_monitoring_plan": {"url": "https://kotiapu.example/omavalvonta"},
        "funding": {OTHER: {"source": "self", "share": "100"}},
        "quotas": {OTHER: {
            "item": ITEM, "limit": "20", "unit": "visit", "period": "month", "overdraw_policy": "warn",
        }},
        "data_processing": "Tietoja käsitellään vain hoitoa varten.",
    })
}

fn problems(value: &Value, towards: &str) -> Vec<Problem> {
    Contract::from_value(value).validate(&Validation {
        towards,
        today: day(2026, 11, 22),
    })
}

/// After one part is changed (null takes it away), the one problem that follows.
fn one_problem(pointer: &str, part: &str, to: Value) -> (String, &'static str, bool) {
    let mut value = care_contract();
    let at = value.pointer_mut(pointer).expect("a part of the contract");
    put(at, part, to);
    let found = problems(&value, "locked");
    assert_eq!(found.len(), 1, "{pointer}/{part}: {found:?}");
    (found[0].path.clone(), found[0].code, found[0].blocks)
}

#[test]
fn a_full_contract_may_be_locked() {
    assert_eq!(problems(&care_contract(), "locked"), []);
}

#[test]
fn an_empty_contract_may_be_saved_without_a_word_but_not_locked() {
    assert_eq!(problems(&json!({}), "save"), []);
    let found = problems(&json!({}), "locked");
    for (path, code) in [
        ("contract_kind", code::REQUIRED),
        ("title", code::REQUIRED),
        ("language", code::REQUIRED),
        ("parties", code::TOO_FEW_PARTIES),
        ("scope_items", code::REQUIRED),
        ("prices", code::PRICES_MISSING),
        ("valid_from", code::REQUIRED),
        ("valid_to", code::END_REQUIRED),
        ("notice_period", code::REQUIRED),
        ("funding", code::REQUIRED),
        ("responsible_person", code::REQUIRED),
    ] {
        let wanted = Problem {
            path: path.to_owned(),
            code,
            blocks: true,
        };
        assert!(found.contains(&wanted), "{path} {code}: {found:?}");
    }
}

#[test]
fn offering_needs_less_than_locking() {
    let value = json!({"contract_kind": "advisory", "title": "Neuvonta", "language": "sv"});
    assert!(problems(&value, "offered").iter().all(|p| !p.blocks));
    assert!(problems(&value, "locked").iter().any(|p| p.blocks));
}

#[test]
fn each_missing_part_blocks_locking() {
    for (pointer, part, path) in [
        ("", "title", "title"),
        ("", "subject_id", "subject_id"),
        ("", "subject_kind", "subject_kind"),
        ("", "responsible_person", "responsible_person"),
        ("", "valid_from", "valid_from"),
        ("", "notice_period", "notice_period"),
        ("", "funding", "funding"),
        ("", "data_processing", "data_processing"),
        ("/notice_period", "unit", "notice_period.unit"),
        ("/notice_period", "provider", "notice_period.provider"),
    ] {
        assert_eq!(
            one_problem(pointer, part, Value::Null),
            (path.to_owned(), code::REQUIRED, true)
        );
    }
    for part in ["name", "address", "postcode", "city", "legal_form"] {
        let found = one_problem(&format!("/parties/{CUSTOMER}/snapshot"), part, Value::Null);
        assert_eq!(
            found,
            (
                format!("parties.{CUSTOMER}.snapshot.{part}"),
                code::REQUIRED,
                true
            )
        );
    }
    for part in ["role", "signatory_ids"] {
        let found = one_problem(&format!("/parties/{CUSTOMER}"), part, Value::Null);
        assert_eq!(
            found,
            (format!("parties.{CUSTOMER}.{part}"), code::REQUIRED, true)
        );
    }
    for part in ["limit", "unit", "period", "overdraw_policy"] {
        let found = one_problem(&format!("/quotas/{OTHER}"), part, Value::Null);
        assert_eq!(
            found,
            (format!("quotas.{OTHER}.{part}"), code::REQUIRED, true)
        );
    }
    for part in ["amount_cents", "vat_class", "from", "unit"] {
        let found = one_problem(&format!("/prices/{PRICE}"), part, Value::Null);
        assert_eq!(
            found,
            (format!("prices.{PRICE}.{part}"), code::REQUIRED, true)
        );
    }
}

#[test]
fn every_heading_of_the_service_plan_is_needed_for_care() {
    for (path, _) in Contract::default().service_plan.headings() {
        let (_, heading) = path.split_once('.').expect("a nested path");
        let mut value = care_contract();
        value["service_plan"][heading] = json!("  ");
        // Without the plan the price is no longer exempt from VAT either.
        let found = problems(&value, "locked");
        assert!(found.contains(&Problem {
            path: path.to_owned(),
            code: code::REQUIRED,
            blocks: true
        }));
        assert!(
            found
                .iter()
                .any(|p| p.code == code::VAT_EXEMPTION_UNPROVEN && p.blocks)
        );
    }
}

#[test]
fn wrong_values_are_named() {
    let snapshot = format!("/parties/{PROVIDER}/snapshot");
    let path = |rest: &str| format!("parties.{PROVIDER}.snapshot.{rest}");
    for (pointer, part, to, at, wanted) in [
        (
            "",
            "language",
            json!("de"),
            "language".to_owned(),
            code::LANGUAGE_NOT_SUPPORTED,
        ),
        (
            "",
            "subject_kind",
            json!("farm"),
            "subject_kind".to_owned(),
            code::SUBJECT_KIND_MISMATCH,
        ),
        (
            "",
            "valid_to",
            json!("2027-01-01"),
            "valid_to".to_owned(),
            code::INDEFINITE_WITH_END,
        ),
        (
            "",
            "indefinite",
            json!(false),
            "valid_to".to_owned(),
            code::END_REQUIRED,
        ),
        (
            "",
            "option_years",
            json!(11),
            "option_years".to_owned(),
            code::OUT_OF_RANGE,
        ),
        (
            "",
            "renewal",
            json!({"remind_days": [0]}),
            "renewal.remind_days".to_owned(),
            code::OUT_OF_RANGE,
        ),
        (
            "",
            "title",
            json!("x".repeat(121)),
            "title".to_owned(),
            code::TOO_LONG,
        ),
        (
            "/notice_period",
            "provider",
            json!(13),
            "notice_period.provider".to_owned(),
            code::NOTICE_OUT_OF_RANGE,
        ),
        (
            "/notice_period",
            "customer",
            json!(3),
            "notice_period.customer".to_owned(),
            code::NOTICE_CUSTOMER_LONGER,
        ),
        (
            snapshot.as_str(),
            "business_id",
            json!("0996167-5"),
            path("business_id"),
            code::BUSINESS_ID_INVALID,
        ),
        (
            snapshot.as_str(),
            "business_id",
            Value::Null,
            path("business_id"),
            code::BUSINESS_ID_REQUIRED,
        ),
        (
            snapshot.as_str(),
            "postcode",
            json!("5471"),
            path("postcode"),
            code::POSTCODE_INVALID,
        ),
        (
            "/self_monitoring_plan",
            "url",
            json!("http://kotiapu.example"),
            "self_monitoring_plan.url".to_owned(),
            code::URL_INVALID,
        ),
        (
            "",
            "travel_terms",
            json!({"km_rate_eur": "0.55"}),
            "travel_terms.rate_from".to_owned(),
            code::REQUIRED,
        ),
        (
            "",
            "travel_terms",
            json!({"km_rate_eur": "-1", "rate_from": "2026-01-01"}),
            "travel_terms.km_rate_eur".to_owned(),
            code::NEGATIVE,
        ),
        (
            "",
            "vat_override",
            json!({"class": "standard"}),
            "vat_override.reason".to_owned(),
            code::REQUIRED,
        ),
        (
            "",
            "amends",
            json!(OTHER),
            "amendment_terms.effective_on".to_owned(),
            code::REQUIRED,
        ),
    ] {
        let mut value = care_contract();
        let target = value.pointer_mut(pointer).expect("a part");
        put(target, part, to);
        let found = problems(&value, "locked");
        assert!(
            found.contains(&Problem {
                path: at.clone(),
                code: wanted,
                blocks: true
            }),
            "{at}: {found:?}"
        );
    }
}

#[test]
fn wrong_numbers_and_references_are_named() {
    let item = format!("/scope_items/{ITEM}");
    let price = format!("/prices/{PRICE}");
    let quota = format!("/quotas/{OTHER}");
    let funding = format!("/funding/{OTHER}");
    for (pointer, part, to, at, wanted) in [
        (
            &item,
            "planned_qty",
            json!("-1"),
            format!("scope_items.{ITEM}.planned_qty"),
            code::NEGATIVE,
        ),
        (
            &item,
            "planned_qty",
            json!("1.125"),
            format!("scope_items.{ITEM}.planned_qty"),
            code::TOO_MANY_DECIMALS,
        ),
        (
            &item,
            "price_ref",
            json!(OTHER),
            format!("scope_items.{ITEM}.price_ref"),
            code::UNKNOWN_REFERENCE,
        ),
        (
            &item,
            "unit",
            json!("fathom"),
            format!("scope_items.{ITEM}.unit"),
            code::UNKNOWN_CODE,
        ),
        (
            &price,
            "amount_cents",
            json!(-1),
            format!("prices.{PRICE}.amount_cents"),
            code::NEGATIVE,
        ),
        (
            &price,
            "to",
            json!("2026-11-30"),
            format!("prices.{PRICE}.to"),
            code::DATE_ORDER,
        ),
        (
            &quota,
            "limit",
            json!("0"),
            format!("quotas.{OTHER}.limit"),
            code::NOT_POSITIVE,
        ),
        (
            &quota,
            "item",
            json!(OTHER),
            format!("quotas.{OTHER}.item"),
            code::UNKNOWN_REFERENCE,
        ),
        (
            &funding,
            "share",
            json!("-1"),
            format!("funding.{OTHER}.share"),
            code::OUT_OF_RANGE,
        ),
        (
            &funding,
            "cap_cents",
            json!(-1),
            format!("funding.{OTHER}.cap_cents"),
            code::NEGATIVE,
        ),
    ] {
        assert_eq!(one_problem(pointer, part, to), (at, wanted, true));
    }
    let mut value = care_contract();
    value["prices"][PRICE]["currency"] = json!("SEK");
    let found = problems(&value, "locked");
    assert!(
        found
            .iter()
            .any(|p| p.code == code::CURRENCY_UNSUPPORTED && p.blocks),
        "{found:?}"
    );
}

#[test]
fn a_reason_stands_in_for_a_missing_business_id() {
    let mut value = care_contract();
    value["parties"][PROVIDER]["snapshot"]["business_id"] = Value::Null;
    value["parties"][PROVIDER]["snapshot"]["no_business_id_reason"] = json!("perusteilla");
    assert_eq!(problems(&value, "locked"), []);
}

#[test]
fn parties_are_two_at_least_one_of_them_a_provider_and_none_twice() {
    let mut value = care_contract();
    value["parties"][PROVIDER]["role"] = json!("partner");
    assert!(
        problems(&value, "locked")
            .iter()
            .any(|p| p.code == code::PROVIDER_MISSING && p.blocks)
    );
    let mut value = care_contract();
    value["parties"][CUSTOMER]["party_id"] = json!(OTHER);
    value["parties"][PROVIDER]["party_id"] = json!(OTHER);
    let found = problems(&value, "locked");
    assert_eq!(
        (found[0].code, found[0].blocks),
        (code::DUPLICATE_PARTY, false)
    );
}

#[test]
fn funding_shares_add_up_to_100_at_most() {
    let mut value = care_contract();
    value["funding"][ITEM] = json!({"source": "voucher", "share": "0.01"});
    let found = problems(&value, "locked");
    assert_eq!(
        (found[0].path.as_str(), found[0].code),
        ("funding", code::SHARES_EXCEED_100)
    );
    value["funding"][OTHER]["share"] = json!("99.99");
    assert_eq!(problems(&value, "locked"), []);
}

#[test]
fn a_corrected_price_no_longer_overlaps() {
    let mut value = care_contract();
    let mut row = value["prices"][PRICE].clone();
    row["amount_cents"] = json!(4300);
    value["prices"][OTHER] = row.clone();
    assert!(
        problems(&value, "locked")
            .iter()
            .any(|p| p.code == code::PRICES_OVERLAP && p.blocks)
    );
    row["supersedes"] = json!(PRICE);
    value["prices"][OTHER] = row;
    assert_eq!(problems(&value, "locked"), []);
}

#[test]
fn an_item_without_a_price_only_warns() {
    let mut value = care_contract();
    value["scope_items"][OTHER] = json!({"name": "Siivous", "unit": "h"});
    let found = problems(&value, "locked");
    assert_eq!(
        found,
        [Problem {
            path: format!("scope_items.{OTHER}"),
            code: code::PRICE_MISSING,
            blocks: false,
        }]
    );
}

#[test]
fn an_exemption_from_vat_needs_all_four_conditions_or_a_reasoned_override() {
    for part in ["provider_register", "self_monitoring_plan"] {
        let mut value = care_contract();
        value[part] = Value::Null;
        let found = problems(&value, "locked");
        assert!(
            found
                .iter()
                .any(|p| p.code == code::VAT_EXEMPTION_UNPROVEN && p.blocks),
            "{part}"
        );
        let contract = Contract::from_value(&value);
        let price = contract.prices.values().next().expect("a price");
        assert_eq!(
            contract.vat_rate(price, day(2026, 12, 1)),
            Some("25.5"),
            "taxed until proven"
        );
        value["vat_override"] = json!({"class": "exempt_social", "reason": "päätös"});
        assert!(
            !problems(&value, "locked").iter().any(|p| p.blocks),
            "{part}"
        );
    }
    let contract = Contract::from_value(&care_contract());
    let price = contract.prices.values().next().expect("a price");
    assert_eq!(contract.vat_rate(price, day(2026, 12, 1)), Some("0"));
}

#[test]
fn care_without_register_or_plan_warns_and_the_countys_own_register_is_for_a_transition() {
    let mut value = care_contract();
    value["prices"][PRICE]["vat_class"] = json!("standard");
    value["provider_register"] = Value::Null;
    value["self_monitoring_plan"] = Value::Null;
    let found: Vec<_> = problems(&value, "locked")
        .into_iter()
        .map(|p| (p.code, p.blocks))
        .collect();
    assert_eq!(
        found,
        [(code::REGISTER_MISSING, false), (code::PLAN_MISSING, false)]
    );
    value["provider_register"] = json!({"register": "county", "number": "1"});
    let today = problems(&value, "locked");
    assert!(
        today
            .iter()
            .any(|p| p.code == code::REGISTER_TRANSITION && !p.blocks)
    );
    let later = Validation {
        towards: "locked",
        today: day(2027, 1, 1),
    };
    let later = Contract::from_value(&value).validate(&later);
    assert!(
        later
            .iter()
            .any(|p| p.code == code::UNKNOWN_CODE && p.blocks),
        "the transition is over"
    );
}

#[test]
fn a_framework_needs_no_price_and_no_service_plan() {
    let mut value = care_contract();
    value["contract_kind"] = json!("framework");
    for part in ["prices", "service_plan", "funding"] {
        value[part] = Value::Null;
    }
    value["scope_items"][ITEM]["price_ref"] = Value::Null;
    assert_eq!(problems(&value, "locked"), []);
}

#[test]
fn notice_is_kept_unless_there_is_cause() {
    let mut value = care_contract();
    let ended = |effective: &str, by: &str, cause: bool| json!({"by": by, "date": "2027-01-31", "reason": "muutto", "effective_on": effective, "for_cause": cause});
    let mut found = |termination: Value| {
        value["termination"] = termination;
        problems(&value, "terminated")
            .into_iter()
            .map(|p| (p.code, p.blocks))
            .collect::<Vec<_>>()
    };
    assert_eq!(found(ended("2027-02-28", CUSTOMER, false)), []);
    assert_eq!(
        found(ended("2027-02-27", CUSTOMER, false)),
        [(code::NOTICE_TOO_SHORT, true)]
    );
    assert_eq!(
        found(ended("2027-02-28", PROVIDER, false)),
        [(code::NOTICE_TOO_SHORT, true)]
    );
    assert_eq!(found(ended("2027-02-01", PROVIDER, true)), []);
    assert_eq!(
        found(ended("2027-01-30", PROVIDER, true)),
        [(code::DATE_ORDER, true)]
    );
    assert_eq!(
        found(ended("2027-06-01", OTHER, false)),
        [(code::UNKNOWN_REFERENCE, true)]
    );
    assert_eq!(found(Value::Null), [(code::REQUIRED, true); 4]);
}

#[test]
fn signed_needs_every_signature_on_this_content() {
    use crate::documents::contract::Signature;
    use crate::id::MemberId;
    use crate::signing::{seal_entry, signature_entry, with_seal};
    use uuid::Uuid;

    let doc = DocId(Uuid::from_u128(9));
    let value = care_contract();
    let seal = seal_entry(&value, MemberId(Uuid::nil()), 1).expect("sealable");
    let mut contract = Contract::from_value(&with_seal(&value, Uuid::from_u128(1), seal.clone()));
    let missing = |contract: &Contract| {
        let found = problems(&contract.to_value(), "signed");
        found
            .iter()
            .any(|p| p.code == code::SIGNATURES_MISSING && p.blocks)
    };
    assert!(missing(&contract));
    let key = ed25519_dalek::SigningKey::from_bytes(&[1; 32]);
    for (n, party) in [(1, CUSTOMER), (2, PROVIDER)] {
        let party = Uuid::parse_str(party).ok();
        let statement = Signature {
            party,
            signer: party,
            ..Signature::default()
        };
        let entry = signature_entry(doc, &seal, statement, &key).expect("a full seal");
        contract.signatures.insert(Uuid::from_u128(n), entry);
    }
    assert!(!missing(&contract));
    contract.title = Some("Muuta".to_owned());
    assert!(
        missing(&contract),
        "signatures on other content do not count"
    );
}

#[test]
fn the_price_of_a_day_is_the_latest_row_that_holds_the_items_own_first() {
    let mut value = care_contract();
    value["prices"] = json!({
        ITEM: {"unit": "visit", "amount_cents": 1, "from": "2026-01-01"},
        PRICE: {"item": ITEM, "unit": "visit", "amount_cents": 2, "from": "2026-12-01", "to": "2026-12-31"},
        OTHER: {"unit": "visit", "amount_cents": 3, "from": "2027-03-01"},
    });
    let contract = Contract::from_value(&value);
    let item = uuid::Uuid::parse_str(ITEM).expect("an id");
    let cents = |date| {
        contract
            .price_on(item, "visit", date)
            .and_then(|p| p.amount_cents)
    };
    assert_eq!(cents(day(2025, 12, 31)), None);
    assert_eq!(cents(day(2026, 11, 30)), Some(1));
    assert_eq!(cents(day(2026, 12, 31)), Some(2));
    assert_eq!(cents(day(2027, 1, 1)), Some(1));
    assert_eq!(cents(day(2027, 3, 1)), Some(3));
    assert!(contract.price_on(item, "h", day(2027, 3, 1)).is_none());
}

#[test]
fn locking_seals_a_full_contract_unless_it_is_too_long_for_one_run() {
    use crate::id::MemberId;
    use crate::read::Reading;
    use crate::signing::{Comparison, lock, with_seal};
    use uuid::Uuid;

    let by = MemberId(Uuid::nil());
    let today = day(2026, 11, 22);
    let mut reading = Reading {
        value: care_contract(),
        ..Reading::default()
    };
    let seal = lock(&reading, today, by, 1).expect("nothing stands in the way");
    let locked = with_seal(&reading.value, Uuid::from_u128(1), seal);
    let state = signing_state(DocId(Uuid::from_u128(9)), &locked);
    assert_eq!(state.content, Some(Comparison::Same));

    reading.value["scope_text"] = json!("ä".repeat(20_000));
    for (path, _) in Contract::default().service_plan.headings() {
        let (_, heading) = path.split_once('.').expect("a nested path");
        reading.value["service_plan"][heading] = json!("ä".repeat(4_000));
    }
    let found = lock(&reading, today, by, 1).expect_err("each field fits, together they do not");
    let found: Vec<_> = found.iter().map(|p| (p.path.as_str(), p.code)).collect();
    assert_eq!(found, [("seals", code::SEAL_TOO_LARGE)]);
}

/// Null takes the part away.
fn put(at: &mut Value, part: &str, to: Value) {
    let object = at.as_object_mut().expect("an object");
    if to.is_null() {
        object.remove(part);
    } else {
        object.insert(part.to_owned(), to);
    }
}
