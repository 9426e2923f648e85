use std::collections::BTreeSet;

use serde_json::json;

use super::*;
use crate::documents::contract::{Party, SPEC};
use crate::documents::record::sample;
use crate::read::{Conflict, LiveValue};

const DOC: DocId = DocId(Uuid::from_u128(0xd0c));
const AUNE: Uuid = Uuid::from_u128(0xa);
const FIRM: Uuid = Uuid::from_u128(0xf);
const CUSTOMER: Uuid = Uuid::from_u128(1);
const PROVIDER: Uuid = Uuid::from_u128(2);
const OFFICE: MemberId = MemberId(Uuid::from_u128(0x0ff));

fn contract() -> Contract {
    let party = |role: &str, signer| Party {
        role: Some(role.to_owned()),
        signatory_ids: vec![signer],
        ..Party::default()
    };
    Contract {
        title: Some("Kotihoito".to_owned()),
        scope_text: "Käynnit arkisin".to_owned(),
        parties: [
            (CUSTOMER, party("customer", AUNE)),
            (PROVIDER, party("provider", FIRM)),
        ]
        .into_iter()
        .collect(),
        ..Contract::default()
    }
}

fn sealed(mut contract: Contract) -> (Contract, Seal) {
    let seal = seal_entry(&contract.to_value(), OFFICE, 1_000).expect("sealable");
    contract.seals.insert(Uuid::from_u128(100), seal.clone());
    (contract, seal)
}

fn key(n: u8) -> SigningKey {
    SigningKey::from_bytes(&[n; 32])
}

fn statement(party: Uuid, signer: Uuid) -> Signature {
    Signature {
        party: Some(party),
        signer: Some(signer),
        signer_name: Some("Aune Aalto".to_owned()),
        level: Some("ses".to_owned()),
        method: Some("tap".to_owned()),
        signed_at: Some(2_000),
        place: Some("Lemi".to_owned()),
        device: Some(Uuid::from_u128(7)),
        ..Signature::default()
    }
}

fn sign(contract: &mut Contract, n: u128, seal: &Seal, party: Uuid, signer: Uuid) {
    let entry = signature_entry(DOC, seal, statement(party, signer), &key(1)).expect("a full seal");
    contract.signatures.insert(Uuid::from_u128(n), entry);
}

fn standings(contract: &Contract) -> Vec<Standing> {
    let state = signing_state(DOC, &contract.to_value());
    state.signatories.iter().map(|s| s.standing).collect()
}

/// Frozen with canon/1. Everything else of the table is not signed.
const SEALED: &[&str] = &[
    "contract_kind",
    "title",
    "language",
    "template_ref",
    "amends",
    "amendment_terms",
    "parties",
    "subject_kind",
    "subject_id",
    "scope_text",
    "scope_items",
    "service_plan",
    "valid_from",
    "valid_to",
    "indefinite",
    "notice_period",
    "prices",
    "vat_override",
    "funding",
    "quotas",
    "travel_terms",
    "coordinates_allowed",
    "cancellation_terms",
    "liability",
    "data_processing",
    "tender_ref",
    "option_years",
    "renewal",
];

/// Every leaf of a value, by pointer.
fn leaves(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            map.iter()
                .for_each(|(key, v)| leaves(v, &format!("{at}/{key}"), found));
        }
        Value::Array(items) => {
            items
                .iter()
                .enumerate()
                .for_each(|(i, v)| leaves(v, &format!("{at}/{i}"), found));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            found.push(at.to_owned())
        }
    }
}

#[test]
fn changing_any_sealed_leaf_changes_the_bytes_and_no_other_does() {
    let full = sample::full(&SPEC);
    let bytes = canonical_bytes(1, &full).expect("canon/1 is known");
    let mut all = Vec::new();
    leaves(&full, "", &mut all);
    // Parts of sealed fields that say how a row came to be, not what was agreed.
    let metadata = |leaf: &str| {
        let last = leaf.rsplit('/').next();
        (leaf.starts_with("/prices/") || leaf.starts_with("/vat_override/"))
            && matches!(last, Some("by" | "at"))
            || leaf.starts_with("/renewal/remind_days")
    };
    let mut changed = BTreeSet::new();
    for leaf in &all {
        let mut other = full.clone();
        let value = other.pointer_mut(leaf).expect("a leaf");
        *value = match value {
            Value::Bool(b) => json!(!*b),
            Value::Number(_) => json!(8),
            Value::String(s) => json!(format!("{s}x")),
            Value::Null | Value::Array(_) | Value::Object(_) => unreachable!("a leaf is a scalar"),
        };
        let root = leaf.split('/').nth(1).expect("a root");
        let differs = canonical_bytes(1, &other).expect("still canonical") != bytes;
        assert_eq!(differs, SEALED.contains(&root) && !metadata(leaf), "{leaf}");
        if differs {
            changed.insert(root.to_owned());
        }
    }
    assert_eq!(changed.len(), SEALED.len());
    assert!(SEALED.iter().all(|f| canon::seals(f)) && !canon::seals("internal_notes"));
}

#[test]
fn canon_1_is_frozen_for_ever() {
    let bytes = canonical_bytes(1, &sample::full(&SPEC)).expect("known");
    let hash = HEXLOWER.encode(&Sha256::digest(&bytes));
    assert_eq!(
        hash,
        "371b0da563a9f395b2f9bea7bc61906a8f3aa34550aaf82850f645c168038e94"
    );
}

#[test]
fn key_order_and_unicode_form_do_not_matter() {
    let one: Value = serde_json::from_str(r#"{"title":"Kevättyö","language":"fi"}"#).expect("json");
    let other: Value =
        serde_json::from_str("{\"language\":\"fi\",\"title\":\"Keva\u{308}ttyo\u{308}\"}")
            .expect("json");
    assert_ne!(one["title"], other["title"]);
    assert_eq!(canonical_bytes(1, &one), canonical_bytes(1, &other));
}

#[test]
fn absent_null_and_empty_are_the_same_but_false_is_not() {
    let bytes = |v: Value| canonical_bytes(1, &v);
    let empty = bytes(json!({}));
    assert_eq!(
        bytes(json!({"title": null, "scope_text": "", "parties": {}, "renewal": {}})),
        empty
    );
    assert_ne!(bytes(json!({"coordinates_allowed": false})), empty);
}

#[test]
fn a_newer_apps_part_inside_a_sealed_field_does_not_change_canon_1() {
    let old = json!({"travel_terms": {"km_rate_eur": "0.55"}});
    let new = json!({"travel_terms": {"km_rate_eur": "0.55", "toll": true}});
    assert_eq!(canonical_bytes(1, &old), canonical_bytes(1, &new));
}

#[test]
fn what_was_sealed_reads_back_from_its_bytes() {
    let value = contract().to_value();
    let bytes = canonical_bytes(1, &value).expect("known");
    assert_eq!(content_of(&bytes), Some(value));
    assert_eq!(content_of(b"junk"), None);
}

#[test]
fn an_unknown_canon_cannot_be_judged() {
    assert_eq!(canonical_bytes(2, &json!({})), None);
    assert_eq!(canonical_bytes(0, &json!({})), None);
    let (mut contract, mut seal) = sealed(contract());
    seal.canon = Some(2);
    contract.seals.insert(Uuid::from_u128(100), seal);
    let state = signing_state(DOC, &contract.to_value());
    assert_eq!(state.content, Some(Comparison::CannotJudge));
}

#[test]
fn all_parties_signing_completes_it() {
    let (mut contract, seal) = sealed(contract());
    assert_eq!(standings(&contract), [Standing::Missing, Standing::Missing]);
    sign(&mut contract, 200, &seal, CUSTOMER, AUNE);
    assert_eq!(standings(&contract), [Standing::Signed, Standing::Missing]);
    assert!(!signing_state(DOC, &contract.to_value()).complete());
    assert_eq!(signed_content(DOC, &contract.to_value()), None);
    sign(&mut contract, 201, &seal, PROVIDER, FIRM);
    let state = signing_state(DOC, &contract.to_value());
    assert!(state.complete_by_devices());
    assert_eq!(state.content, Some(Comparison::Same));
    let signed = signed_content(DOC, &contract.to_value()).expect("signed");
    assert_eq!(signed["title"], "Kotihoito");
}

#[test]
fn later_writing_never_changes_what_was_signed() {
    let (mut contract, seal) = sealed(contract());
    sign(&mut contract, 200, &seal, CUSTOMER, AUNE);
    sign(&mut contract, 201, &seal, PROVIDER, FIRM);
    contract.title = Some("Kotihoito ja siivous".to_owned());
    contract.parties.remove(&PROVIDER);
    let state = signing_state(DOC, &contract.to_value());
    assert_eq!(state.content, Some(Comparison::Changed));
    assert_eq!(
        state.signatories.len(),
        2,
        "who must sign is what was sealed"
    );
    let signed = signed_content(DOC, &contract.to_value()).expect("still shown");
    assert_eq!(signed["title"], "Kotihoito");

    let again = seal_entry(&contract.to_value(), OFFICE, 3_000).expect("sealable");
    contract.seals.insert(Uuid::from_u128(101), again);
    assert_eq!(
        standings(&contract),
        [Standing::OtherVersion],
        "a new seal needs new signatures"
    );
    let signed = signed_content(DOC, &contract.to_value()).expect("still shown");
    assert_eq!(signed["title"], "Kotihoito");
}

#[test]
fn remarks_do_not_touch_the_signatures() {
    let (mut contract, seal) = sealed(contract());
    sign(&mut contract, 200, &seal, CUSTOMER, AUNE);
    contract.internal_notes = "Avain naapurilla".to_owned();
    contract.status = Some("locked".to_owned());
    let state = signing_state(DOC, &contract.to_value());
    assert_eq!(state.content, Some(Comparison::Same));
}

#[test]
fn a_signature_with_any_part_changed_is_invalid() {
    let (mut contract, seal) = sealed(contract());
    sign(&mut contract, 200, &seal, CUSTOMER, AUNE);
    let right = contract.signatures[&Uuid::from_u128(200)].clone();
    assert!(verify(DOC, &right));
    assert!(
        !verify(DocId(Uuid::from_u128(1)), &right),
        "it belongs to one contract"
    );
    let forgeries: [fn(&mut Signature); 12] = [
        |s| s.doc = Some(Uuid::from_u128(9)),
        |s| s.party = Some(PROVIDER),
        |s| s.signer = Some(FIRM),
        |s| s.signer_name = Some("Other".to_owned()),
        |s| s.level = Some("ades".to_owned()),
        |s| s.method = Some("drawn".to_owned()),
        |s| s.canon = Some(2),
        |s| s.hash = Some("00".repeat(32)),
        |s| s.signed_at = Some(1),
        |s| s.place = None,
        |s| s.device = None,
        |s| s.device_key = Some(HEXLOWER.encode(key(2).verifying_key().as_bytes())),
    ];
    for (i, forge) in forgeries.iter().enumerate() {
        let mut entry = right.clone();
        forge(&mut entry);
        assert!(!verify(DOC, &entry), "forgery {i}");
        contract.signatures.insert(Uuid::from_u128(200), entry);
        assert!(
            !standings(&contract).contains(&Standing::Signed),
            "forgery {i}"
        );
    }
    contract.signatures.insert(
        Uuid::from_u128(200),
        Signature {
            device_sig: None,
            ..right
        },
    );
    assert_eq!(standings(&contract)[0], Standing::Invalid);
}

#[test]
fn a_vouched_signature_completes_but_never_counts_as_a_devices() {
    let (mut contract, seal) = sealed(contract());
    sign(&mut contract, 200, &seal, CUSTOMER, AUNE);
    let paper = Signature {
        method: Some("paper".to_owned()),
        ..statement(PROVIDER, FIRM)
    };
    let entry = vouched_entry(DOC, &seal, paper, OFFICE).expect("a full seal");
    assert!(!verify(DOC, &entry));
    contract.signatures.insert(Uuid::from_u128(201), entry);
    let state = signing_state(DOC, &contract.to_value());
    assert_eq!(state.signatories[1].standing, Standing::Vouched);
    assert!(state.complete() && !state.complete_by_devices());
}

#[test]
fn a_signature_is_taken_back_only_by_one_that_is_right_itself() {
    let (mut contract, seal) = sealed(contract());
    sign(&mut contract, 200, &seal, CUSTOMER, AUNE);
    let back = Signature {
        supersedes: Some(Uuid::from_u128(200)),
        withdrawn: Some(true),
        ..statement(CUSTOMER, AUNE)
    };
    let back = signature_entry(DOC, &seal, back, &key(1)).expect("a full seal");
    let forged = Signature {
        device_sig: Some("00".repeat(64)),
        ..back.clone()
    };
    contract.signatures.insert(Uuid::from_u128(201), forged);
    assert_eq!(standings(&contract)[0], Standing::Signed);
    contract.signatures.insert(Uuid::from_u128(201), back);
    assert_eq!(standings(&contract)[0], Standing::Missing);
}

#[test]
fn a_seal_whose_bytes_do_not_fit_its_hash_counts_for_nothing() {
    let (mut contract, seal) = sealed(contract());
    let wrong = Seal {
        bytes: Some("a0".to_owned()),
        ..seal
    };
    contract.seals.insert(Uuid::from_u128(100), wrong);
    assert_eq!(
        signing_state(DOC, &contract.to_value()),
        SigningState::default()
    );
}

#[test]
fn a_party_nobody_may_sign_for_never_completes() {
    let mut open = contract();
    open.parties.insert(Uuid::from_u128(3), Party::default());
    let (mut open, seal) = sealed(open);
    sign(&mut open, 200, &seal, CUSTOMER, AUNE);
    sign(&mut open, 201, &seal, PROVIDER, FIRM);
    assert!(!signing_state(DOC, &open.to_value()).complete());
}

#[test]
fn locking_needs_every_conflict_and_unknown_in_sealed_fields_settled() {
    let live = |text: &str| LiveValue {
        value: json!(text),
        change: crate::id::Hash([0; 32]),
    };
    let conflict = |path: &str| Conflict {
        path: path.to_owned(),
        values: vec![live("a"), live("b")],
    };
    let reading = Reading {
        value: contract().to_value(),
        conflicts: vec![conflict("valid_from"), conflict("termination")],
        unknown: vec!["quotas.x.limit".to_owned(), "comments.x".to_owned()],
        ..Reading::default()
    };
    let today = jiff::civil::date(2026, 11, 22);
    let found = lock(&reading, today, OFFICE, 1).expect_err("stands in the way");
    let found: Vec<(&str, &str)> = found.iter().map(|p| (p.path.as_str(), p.code)).collect();
    assert!(found.contains(&("valid_from", code::CONFLICT)));
    assert!(found.contains(&("quotas.x.limit", code::UNKNOWN_CONTENT)));
    assert!(
        !found
            .iter()
            .any(|(path, _)| path.starts_with("termination") || path.starts_with("comments"))
    );
}

#[test]
fn a_contract_too_long_for_one_run_is_not_sealed() {
    let mut long = contract();
    long.scope_text = "ä".repeat(60_000);
    assert_eq!(seal_entry(&long.to_value(), OFFICE, 1), None);
}

#[test]
fn a_seal_is_stored_with_the_raised_status() {
    let value = contract().to_value();
    let seal = seal_entry(&value, OFFICE, 1).expect("sealable");
    let locked = with_seal(&value, Uuid::from_u128(100), seal);
    assert_eq!(locked["status"], "locked");
    assert_eq!(signing_state(DOC, &locked).content, Some(Comparison::Same));
}

#[test]
fn the_largest_seal_passes_the_relays_guard() {
    let mut long = contract();
    let room = MAX_SEAL_BYTES as usize - canonical_bytes(1, &long.to_value()).expect("known").len();
    let texts = [
        &mut long.cancellation_terms,
        &mut long.liability,
        &mut long.data_processing,
    ];
    for text in texts {
        *text = "a".repeat(room / 3 - 100);
    }
    let value = long.to_value();
    let seal = seal_entry(&value, OFFICE, 1).expect("just fits");
    assert!(seal.bytes.as_ref().expect("bytes").len() > 2 * 90_000);
    let locked = with_seal(&value, Uuid::from_u128(100), seal);
    assert_eq!(sample::saved(&SPEC, &locked), locked);
}
