use jiff::civil::date as day;
use serde_json::{Value, json};

use super::*;

const KEY: &str = "0190b5a0-0000-7000-8000-000000000001";
const OTHER: &str = "0190b5a0-0000-7000-8000-000000000002";

/// A listing that may be published.
fn listing() -> Value {
    json!({
        "names": {"fi": "Kotipalvelu"},
        "summary": {"fi": "Apua arkeen kotona."},
        "description": {"fi": "Autamme siivouksessa ja asioinnissa."},
        "provider_id": KEY,
        "provider": {"name": "Kotiapu Oy", "business_id": "2177546-2"},
        "service_classes": ["P4.3"],
        "ontology_terms": ["http://www.yso.fi/onto/koko/p1"],
        "target_groups": ["KR1.1"],
        "area_type": "limited",
        "municipalities": ["416", "091"],
        "languages": ["fi"],
        "funding_types": ["self"],
        "charge_type": "chargeable",
        "prices": {KEY: {"unit": "h", "amount_cents": 4500, "from": "2026-01-01"}},
        "channels": {KEY: {"type": "phone", "phone": "+358401234567"}},
        "hours": {KEY: {"kind": "weekly", "days": [1, 2, 3, 4, 5], "from": "08:00", "to": "16:00"}},
        "soteri_id": "S-1",
        "plan_refs": {"self_monitoring": {"url": "https://kotiapu.example/ov", "reviewed_on": "2026-05-01"}},
        "review_due": "2027-05-22",
        "last_confirmed": "2026-11-01",
    })
}

fn on(value: &Value, towards: &str, today: Date) -> Vec<Problem> {
    ServiceListing::from_value(value).validate(&Validation { towards, today })
}

fn problems(value: &Value) -> Vec<(String, &'static str, bool)> {
    let found = on(value, "published", day(2026, 11, 22));
    found
        .into_iter()
        .map(|p| (p.path, p.code, p.blocks))
        .collect()
}

/// The listing with one part changed; null takes it away.
fn with(pointer: &str, part: &str, to: Value) -> Value {
    let mut value = listing();
    let at = value.pointer_mut(pointer).expect("a part of the listing");
    put(at, part, to);
    value
}

#[test]
fn a_full_listing_may_be_published() {
    assert_eq!(problems(&listing()), []);
}

#[test]
fn an_empty_listing_may_be_saved_without_a_word_and_reviewed_without_blocks() {
    assert_eq!(on(&json!({}), "save", day(2026, 11, 22)), []);
    let review = on(&json!({}), "in_review", day(2026, 11, 22));
    assert!(!review.is_empty() && review.iter().all(|p| !p.blocks));
    let publish = on(&json!({}), "published", day(2026, 11, 22));
    assert!(publish.iter().all(|p| p.blocks));
    assert_eq!(review.len(), publish.len());
}

#[test]
fn each_missing_part_blocks_publishing() {
    for (pointer, part, path, code) in [
        ("/names", "fi", "names.fi", code::REQUIRED),
        ("/summary", "fi", "summary.fi", code::REQUIRED),
        ("/description", "fi", "description.fi", code::REQUIRED),
        ("", "provider_id", "provider_id", code::REQUIRED),
        ("/provider", "name", "provider.name", code::REQUIRED),
        (
            "/provider",
            "business_id",
            "provider.business_id",
            code::BUSINESS_ID_REQUIRED,
        ),
        ("", "service_classes", "service_classes", code::TOO_FEW),
        ("", "ontology_terms", "ontology_terms", code::TOO_FEW),
        ("", "target_groups", "target_groups", code::TOO_FEW),
        ("", "area_type", "area_type", code::REQUIRED),
        (
            "",
            "municipalities",
            "municipalities",
            code::MUNICIPALITY_REQUIRED,
        ),
        ("", "languages", "languages", code::REQUIRED),
        ("", "funding_types", "funding_types", code::REQUIRED),
        ("", "charge_type", "charge_type", code::REQUIRED),
        ("", "prices", "prices", code::PRICES_MISSING),
        ("", "channels", "channels", code::TOO_FEW),
        ("", "soteri_id", "soteri_id", code::SOTERI_REQUIRED),
        (
            "",
            "plan_refs",
            "plan_refs.self_monitoring",
            code::PLAN_MISSING,
        ),
        ("", "review_due", "review_due", code::REQUIRED),
        ("", "last_confirmed", "last_confirmed", code::REQUIRED),
    ] {
        let found = problems(&with(pointer, part, Value::Null));
        assert_eq!(found, [(path.to_owned(), code, true)], "{pointer}/{part}");
    }
}

#[test]
fn wrong_values_are_named() {
    let channel = format!("/channels/{KEY}");
    let path = |part: &str| format!("channels.{KEY}.{part}");
    let price = format!("/prices/{KEY}");
    let hours = format!("/hours/{KEY}");
    for (pointer, part, to, at, code) in [
        (
            "/names",
            "fi",
            json!("KOTIAPU OY"),
            "names.fi".to_owned(),
            code::NAME_IS_PROVIDER,
        ),
        (
            "/names",
            "fi",
            json!("Kotiapu Oy kotipalvelu"),
            "names.fi".to_owned(),
            code::NAME_HOLDS_PROVIDER,
        ),
        (
            "/names",
            "fi",
            json!("x".repeat(101)),
            "names.fi".to_owned(),
            code::TOO_LONG,
        ),
        (
            "/summary",
            "fi",
            json!("kotipalvelu"),
            "summary.fi".to_owned(),
            code::SUMMARY_IS_NAME,
        ),
        (
            "/summary",
            "fi",
            json!("x".repeat(151)),
            "summary.fi".to_owned(),
            code::TOO_LONG,
        ),
        (
            "/summary",
            "fi",
            json!("Soita 0401234567"),
            "summary.fi".to_owned(),
            code::PHONE_IN_TEXT,
        ),
        (
            "/description",
            "fi",
            json!("apu@kotiapu.example"),
            "description.fi".to_owned(),
            code::EMAIL_IN_TEXT,
        ),
        (
            "/description",
            "fi",
            json!("www.kotiapu.example"),
            "description.fi".to_owned(),
            code::URL_IN_TEXT,
        ),
        (
            "/description",
            "fi",
            json!("Osoite Kauppakatu 5"),
            "description.fi".to_owned(),
            code::ADDRESS_IN_TEXT,
        ),
        (
            "/description",
            "fi",
            json!("x".repeat(2_501)),
            "description.fi".to_owned(),
            code::TOO_LONG,
        ),
        (
            "/description",
            "sv",
            json!("Hjälp"),
            "names.sv".to_owned(),
            code::REQUIRED,
        ),
        (
            "/provider",
            "business_id",
            json!("2177546-3"),
            "provider.business_id".to_owned(),
            code::BUSINESS_ID_INVALID,
        ),
        (
            "",
            "service_classes",
            json!(["P11"]),
            "service_classes".to_owned(),
            code::SERVICE_CLASS_TOO_GENERAL,
        ),
        (
            "",
            "service_classes",
            json!(["P4.3", "P11.5", "P14.5", "P24.2", "P4.2"]),
            "service_classes".to_owned(),
            code::TOO_MANY,
        ),
        (
            "",
            "service_classes",
            json!(["P4.3", "X1"]),
            "service_classes".to_owned(),
            code::CODE_INVALID,
        ),
        (
            "",
            "ontology_terms",
            json!(["koko:p1"]),
            "ontology_terms".to_owned(),
            code::CODE_INVALID,
        ),
        (
            "",
            "target_groups",
            json!(["KR2"]),
            "target_groups".to_owned(),
            code::TARGET_SUBGROUP_REQUIRED,
        ),
        (
            "",
            "industry_codes",
            json!(["88101x"]),
            "industry_codes".to_owned(),
            code::CODE_INVALID,
        ),
        (
            "",
            "languages",
            json!(["fin"]),
            "languages".to_owned(),
            code::CODE_INVALID,
        ),
        (
            "",
            "municipalities",
            json!(["588"]),
            "municipalities".to_owned(),
            code::UNKNOWN_CODE,
        ),
        (
            "",
            "municipalities",
            json!(["91"]),
            "municipalities".to_owned(),
            code::UNKNOWN_CODE,
        ),
        (
            "",
            "voucher",
            json!({"in_use": true}),
            "voucher.counties".to_owned(),
            code::REQUIRED,
        ),
        (
            "",
            "review_due",
            json!("2027-05-23"),
            "review_due".to_owned(),
            code::REVIEW_TOO_FAR,
        ),
        (
            "",
            "last_confirmed",
            json!("2025-11-21"),
            "last_confirmed".to_owned(),
            code::CONFIRMATION_TOO_OLD,
        ),
        (
            "",
            "capacity",
            json!({"free_slots": -1}),
            "capacity.free_slots".to_owned(),
            code::NEGATIVE,
        ),
        (
            channel.as_str(),
            "phone",
            json!("0401234567"),
            path("phone"),
            code::PHONE_INVALID,
        ),
        (
            channel.as_str(),
            "email",
            json!("kotiapu"),
            path("email"),
            code::EMAIL_INVALID,
        ),
        (
            channel.as_str(),
            "url",
            json!("http://kotiapu.example"),
            path("url"),
            code::URL_INVALID,
        ),
        (
            channel.as_str(),
            "postcode",
            json!("123"),
            path("postcode"),
            code::POSTCODE_INVALID,
        ),
        (
            channel.as_str(),
            "type",
            json!("web_page"),
            path("url"),
            code::REQUIRED,
        ),
        (
            channel.as_str(),
            "type",
            Value::Null,
            path("type"),
            code::REQUIRED,
        ),
        (
            price.as_str(),
            "amount_cents",
            json!(-1),
            format!("prices.{KEY}.amount_cents"),
            code::NEGATIVE,
        ),
        (
            price.as_str(),
            "to",
            json!("2025-01-01"),
            format!("prices.{KEY}.to"),
            code::DATE_ORDER,
        ),
        (
            hours.as_str(),
            "days",
            json!([0]),
            format!("hours.{KEY}.days"),
            code::OUT_OF_RANGE,
        ),
        (
            hours.as_str(),
            "from",
            Value::Null,
            format!("hours.{KEY}.from"),
            code::REQUIRED,
        ),
        (
            hours.as_str(),
            "kind",
            Value::Null,
            format!("hours.{KEY}.kind"),
            code::REQUIRED,
        ),
        (
            hours.as_str(),
            "kind",
            json!("exception"),
            format!("hours.{KEY}.valid_from"),
            code::REQUIRED,
        ),
    ] {
        let found = problems(&with(pointer, part, to));
        assert_eq!(found, [(at, code, true)], "{pointer}/{part}");
    }
}

#[test]
fn some_things_only_warn() {
    for (part, to, at, code) in [
        (
            "capacity",
            json!({"free_slots": 2, "as_of": "2026-11-07"}),
            "capacity",
            code::CAPACITY_STALE,
        ),
        (
            "last_confirmed",
            json!("2026-05-21"),
            "last_confirmed",
            code::CONFIRMATION_OVERDUE,
        ),
        (
            "plan_refs",
            json!({"self_monitoring": {"url": "https://a.example", "reviewed_on": "2025-11-21"}}),
            "plan_refs.self_monitoring",
            code::PLAN_OUTDATED,
        ),
        (
            "description",
            json!({"fi": "Perustettu 1998."}),
            "description.fi",
            code::YEAR_IN_TEXT,
        ),
    ] {
        assert_eq!(
            problems(&with("", part, to)),
            [(at.to_owned(), code, false)],
            "{part}"
        );
    }
    let marks = json!({KEY: {"mark": "luontohoiva", "granted_on": "2023-11-01", "expires_on": "2026-11-21"}});
    let expired = (
        format!("quality_marks.{KEY}.expires_on"),
        code::MARK_EXPIRED,
        false,
    );
    assert_eq!(problems(&with("", "quality_marks", marks)), [expired]);
    let mut paused = with("", "paused", json!(true));
    paused["paused_until"] = json!("2026-11-21");
    assert_eq!(
        problems(&paused),
        [("paused_until".to_owned(), code::PAUSE_OVER, false)]
    );
}

#[test]
fn every_language_named_is_complete() {
    let mut value = with("/names", "sv", json!("Hemservice"));
    let missing: Vec<_> = problems(&value)
        .into_iter()
        .map(|(path, ..)| path)
        .collect();
    assert_eq!(missing, ["description.sv", "summary.sv"]);
    value["summary"]["sv"] = json!("Hjälp i vardagen.");
    value["description"]["sv"] = json!("Vi hjälper.");
    assert_eq!(problems(&value), []);
}

#[test]
fn the_countys_own_register_suffices_until_the_transition_ends() {
    let mut value = with("", "soteri_id", Value::Null);
    value["register_note"] = json!("Hyvinvointialueen rekisterissä");
    let soteri = |value: &Value, today| {
        let found = on(value, "published", today)
            .into_iter()
            .filter(|p| p.path == "soteri_id");
        found.map(|p| (p.code, p.blocks)).collect::<Vec<_>>()
    };
    assert_eq!(
        soteri(&value, day(2026, 12, 31)),
        [(code::REGISTER_TRANSITION, false)]
    );
    assert_eq!(
        soteri(&value, day(2027, 1, 1)),
        [(code::SOTERI_REQUIRED, true)]
    );
    value["service_classes"] = json!(["P24.2"]);
    assert_eq!(soteri(&value, day(2027, 1, 1)), []);
    value["service_classes"] = json!(["P4.12"]);
    assert_eq!(
        soteri(&value, day(2027, 1, 1)),
        [],
        "peer support needs no register"
    );
    value["service_classes"] = json!(["P5.99"]);
    assert_eq!(
        soteri(&value, day(2027, 1, 1)),
        [(code::SOTERI_REQUIRED, true)]
    );
}

#[test]
fn a_life_event_needs_a_citizen_group() {
    let mut value = with("", "life_events", json!(["KE1"]));
    assert_eq!(problems(&value), []);
    value["target_groups"] = json!(["KR3"]);
    assert_eq!(
        problems(&value),
        [(
            "life_events".to_owned(),
            code::LIFE_EVENT_WITHOUT_CITIZENS,
            true
        )]
    );
}

#[test]
fn two_prices_in_one_unit_need_different_remarks_or_times() {
    let mut value = listing();
    let mut row = value["prices"][KEY].clone();
    value["prices"][OTHER] = row.clone();
    assert_eq!(
        problems(&value),
        [(format!("prices.{OTHER}"), code::PRICES_OVERLAP, true)]
    );
    row["note"] = json!("ilta ja viikonloppu");
    value["prices"][OTHER] = row;
    assert_eq!(problems(&value), []);
}

#[test]
fn a_free_service_needs_no_price() {
    let mut value = with("", "prices", Value::Null);
    value["charge_type"] = json!("free");
    assert_eq!(problems(&value), []);
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
