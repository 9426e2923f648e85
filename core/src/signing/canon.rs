//! `canon/N`: the frozen lists of the fields that are sealed, and their bytes.
//!
//! A list never changes once released, not even when the kind's table grows: bytes made years ago
//! must come out the same. A change is a new N, and a version that does not know an N says so
//! instead of guessing.

use serde_json::{Map, Value, json};
use unicode_normalization::UnicodeNormalization;

use crate::canonical;

/// A field of a frozen list.
pub(crate) enum Sealed {
    /// One value: a scalar or a list of scalars.
    One(&'static str),
    /// Named parts of one value, or of fields that nest.
    Parts(&'static str, &'static [Sealed]),
    /// Items or entries under UUIDs, each with these parts.
    Each(&'static str, &'static [Sealed]),
}

use Sealed::{Each, One, Parts};

/// The fields of a contract that are agreed and signed, as of N = 1. Left out: status, seals and
/// signatures, remarks, reminders, the responsible person, links to orders and amendments, and
/// evidence that is renewed while the contract runs (register entry, self-monitoring plan).
const CONTRACT_1: &[Sealed] = &[
    One("contract_kind"),
    One("title"),
    One("language"),
    Parts("template_ref", &[One("id"), One("version")]),
    One("amends"),
    Parts("amendment_terms", &[One("effective_on"), One("fields")]),
    Each(
        "parties",
        &[
            One("party_id"),
            One("role"),
            One("signatory_ids"),
            Parts(
                "snapshot",
                &[
                    One("name"),
                    One("legal_form"),
                    One("business_id"),
                    One("no_business_id_reason"),
                    One("address"),
                    One("postcode"),
                    One("city"),
                ],
            ),
        ],
    ),
    One("subject_kind"),
    One("subject_id"),
    One("scope_text"),
    Each(
        "scope_items",
        &[
            One("code"),
            One("name"),
            One("unit"),
            One("planned_qty"),
            One("price_ref"),
            One("listing_id"),
        ],
    ),
    Parts(
        "service_plan",
        &[
            One("need"),
            One("services"),
            One("start_and_duration"),
            One("visit_frequency"),
            One("strengths"),
            One("goals"),
            One("expected_length"),
            One("partners"),
            One("follow_up"),
        ],
    ),
    One("valid_from"),
    One("valid_to"),
    One("indefinite"),
    Parts(
        "notice_period",
        &[One("unit"), One("customer"), One("provider")],
    ),
    Each(
        "prices",
        &[
            One("item"),
            One("unit"),
            One("amount_cents"),
            One("incl_vat"),
            One("currency"),
            One("vat_class"),
            One("from"),
            One("to"),
            One("note"),
            One("supersedes"),
            One("withdrawn"),
        ],
    ),
    Parts("vat_override", &[One("class"), One("reason")]),
    Each("funding", &[One("source"), One("share"), One("cap_cents")]),
    Each(
        "quotas",
        &[
            One("item"),
            One("limit"),
            One("unit"),
            One("period"),
            One("overdraw_policy"),
        ],
    ),
    Parts(
        "travel_terms",
        &[One("km_rate_eur"), One("rate_from"), One("time_billed")],
    ),
    One("coordinates_allowed"),
    One("cancellation_terms"),
    One("liability"),
    One("data_processing"),
    One("tender_ref"),
    One("option_years"),
    Parts("renewal", &[One("auto")]),
];

fn contract_list(canon: u32) -> Option<&'static [Sealed]> {
    match canon {
        1 => Some(CONTRACT_1),
        _ => None,
    }
}

/// The canonical bytes of a contract's sealed fields under this N: deterministic CBOR (RFC 8949
/// 4.2.1) of text in normalisation form C. `None` if this version does not know N ("cannot
/// judge"), or the value has no canonical form.
pub fn canonical_bytes(canon: u32, value: &Value) -> Option<Vec<u8>> {
    bytes_of(contract_list(canon)?, "contract", canon, value)
}

/// The fields a sealed contract's bytes hold, in the JSON form. `None` if they are not such bytes.
pub fn content_of(bytes: &[u8]) -> Option<Value> {
    fields_of(bytes, "contract")
}

/// Whether the field of this path, or something inside it, is sealed by the newest list.
pub(crate) fn seals(path: &str) -> bool {
    let root = path.split('.').next().unwrap_or(path);
    CONTRACT_1.iter().any(|s| match s {
        One(name) | Parts(name, _) | Each(name, _) => *name == root,
    })
}

/// Bytes of any kind's frozen list. Kind and N are part of the bytes, so that those of one kind or
/// list are never taken for another's.
pub(crate) fn bytes_of(list: &[Sealed], kind: &str, canon: u32, value: &Value) -> Option<Vec<u8>> {
    let fields = pick(list, value).unwrap_or_else(|| json!({}));
    canonical::try_to_cbor(&json!({"canon": canon, "kind": kind, "fields": fields})).ok()
}

/// What [`bytes_of`] put in.
pub(crate) fn fields_of(bytes: &[u8], kind: &str) -> Option<Value> {
    let mut sealed = canonical::from_cbor(bytes)?;
    (sealed["kind"] == kind && sealed["canon"].is_u64()).then(|| sealed["fields"].take())
}

/// The listed parts of an object; `None` if none is there.
fn pick(list: &[Sealed], value: &Value) -> Option<Value> {
    let object = value.as_object()?;
    let mut picked = Map::new();
    for field in list {
        let (name, found) = match field {
            One(name) => (name, object.get(*name).and_then(one)),
            Parts(name, parts) => (name, object.get(*name).and_then(|v| pick(parts, v))),
            Each(name, parts) => (name, object.get(*name).and_then(|v| each(parts, v))),
        };
        if let Some(found) = found {
            picked.insert((*name).to_owned(), found);
        }
    }
    (!picked.is_empty()).then_some(Value::Object(picked))
}

/// Items keep their place even when none of their parts is sealed: that there are two parties is
/// itself agreed.
fn each(parts: &[Sealed], value: &Value) -> Option<Value> {
    let items = value.as_object()?.iter();
    let items: Map<String, Value> = items
        .map(|(key, item)| {
            (
                key.to_lowercase(),
                pick(parts, item).unwrap_or_else(|| json!({})),
            )
        })
        .collect();
    (!items.is_empty()).then_some(Value::Object(items))
}

/// A scalar or a list of scalars; empty ones count as absent.
fn one(value: &Value) -> Option<Value> {
    match value {
        Value::String(s) if !s.is_empty() => Some(Value::String(s.nfc().collect())),
        Value::Array(items) => {
            let items: Vec<Value> = items.iter().filter_map(one).collect();
            (!items.is_empty()).then_some(Value::Array(items))
        }
        Value::Bool(_) | Value::Number(_) => Some(value.clone()),
        Value::Null | Value::String(_) | Value::Object(_) => None,
    }
}
