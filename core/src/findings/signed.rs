//! C2 and C3: a contract no longer says what was locked and signed, or its signatories signed
//! different contents. What was signed stands byte for byte; later writing belongs into an
//! amendment, and who signed another version is asked to sign again. A seal by a field list this
//! version does not know cannot be judged, which is no finding.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::{Finding, Record, Severity};
use crate::signing::{Comparison, SigningState, Standing, signing_state};

pub(super) fn run(record: &Record<'_>, _: i64) -> Vec<Finding> {
    let mut found = Vec::new();
    for (view, contract) in &record.contracts {
        if !matches!(
            contract.status.as_deref(),
            Some("locked" | "signed" | "terminated")
        ) {
            continue;
        }
        let state = signing_state(view.id, &view.value);
        if state.content == Some(Comparison::Changed) {
            // Between locking and the first signature the text can simply be locked again.
            let (code, severity) = if state.signatories.iter().any(|s| has_signed(s.standing)) {
                ("changed_after_signing", Severity::Law)
            } else {
                ("changed_after_locking", Severity::Decide)
            };
            let hash = state.hash.clone().unwrap_or_default();
            found.push(
                Finding::new("C2", code, severity, [view.id])
                    .keyed(&hash)
                    .fact("hash", hash),
            );
        }
        for (code, standing) in [
            ("signed_other_content", Standing::OtherVersion),
            ("signature_invalid", Standing::Invalid),
        ] {
            let signers = signers(&state, standing);
            if !signers.is_empty() {
                let hash = state.hash.clone().unwrap_or_default();
                found.push(
                    Finding::new("C3", code, Severity::Law, [view.id])
                        .keyed(&hash)
                        .fact("signers", signers),
                );
            }
        }
    }
    found
}

fn has_signed(standing: Standing) -> bool {
    match standing {
        Standing::Signed | Standing::Vouched | Standing::OtherVersion => true,
        Standing::Missing | Standing::Invalid => false,
    }
}

fn signers(state: &SigningState, standing: Standing) -> Vec<String> {
    let signers = state
        .signatories
        .iter()
        .filter(|s| s.standing == standing)
        .map(|s| s.signer);
    signers
        .collect::<BTreeSet<Uuid>>()
        .iter()
        .map(Uuid::to_string)
        .collect()
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::SigningKey;
    use serde_json::{Value, json};

    use super::super::tests::{NOW, contract, doc, id, only};
    use super::super::{Severity, View, findings};
    use super::*;
    use crate::documents::contract::{Seal, Signature};
    use crate::id::MemberId;
    use crate::signing::{seal_entry, signature_entry};

    /// Two parties with a signatory each.
    fn agreed() -> Value {
        json!({"title": "Neuvontasopimus", "status": "locked", "scope_text": "Kolme käyntiä", "parties": {
            id(30): {"party_id": id(40), "role": "provider", "signatory_ids": [id(7)]},
            id(31): {"party_id": id(41), "role": "customer", "signatory_ids": [id(8)]},
        }})
    }

    fn lock(value: &mut Value, key: u128) -> Seal {
        let seal = seal_entry(value, MemberId(Uuid::from_u128(7)), 0).expect("has canonical bytes");
        value["seals"][id(key)] = serde_json::to_value(&seal).expect("serialises");
        seal
    }

    fn sign(value: &mut Value, key: u128, seal: &Seal, party: u128, signer: u128) {
        let statement = Signature {
            party: Some(Uuid::from_u128(party)),
            signer: Some(Uuid::from_u128(signer)),
            ..Signature::default()
        };
        let device = SigningKey::from_bytes(&[9; 32]);
        let entry = signature_entry(doc(1), seal, statement, &device).expect("a complete seal");
        value["signatures"][id(key)] = serde_json::to_value(entry).expect("serialises");
    }

    fn signed() -> Value {
        let mut value = agreed();
        let seal = lock(&mut value, 50);
        sign(&mut value, 60, &seal, 30, 7);
        sign(&mut value, 61, &seal, 31, 8);
        value["status"] = json!("signed");
        value
    }

    fn of(value: Value) -> Vec<super::Finding> {
        let view: View = contract(1, value);
        findings(&[view], NOW)
    }

    #[test]
    fn a_contract_that_says_what_was_signed_is_no_finding() {
        assert!(of(signed()).is_empty());
        let mut unsealed = signed();
        unsealed["internal_notes"] = json!("Soita keväällä");
        assert!(of(unsealed).is_empty(), "notes are not signed");
    }

    #[test]
    fn a_sealed_field_written_after_signing_is_a_matter_of_law() {
        let mut value = signed();
        value["scope_text"] = json!("Viisi käyntiä");
        let finding = only(of(value), "changed_after_signing");
        assert_eq!((finding.rule, finding.severity), ("C2", Severity::Law));
    }

    #[test]
    fn before_the_first_signature_it_is_a_matter_of_locking_again() {
        let mut value = agreed();
        lock(&mut value, 50);
        assert!(of(value.clone()).is_empty());
        value["scope_text"] = json!("Viisi käyntiä");
        assert_eq!(
            only(of(value), "changed_after_locking").severity,
            Severity::Decide
        );
    }

    #[test]
    fn a_signature_on_another_version_is_found_with_its_signer() {
        let mut value = agreed();
        let first = lock(&mut value, 50);
        sign(&mut value, 60, &first, 30, 7);
        value["scope_text"] = json!("Viisi käyntiä");
        let second = lock(&mut value, 51);
        sign(&mut value, 61, &second, 31, 8);
        let finding = only(of(value), "signed_other_content");
        assert_eq!(
            (finding.rule, &finding.facts["signers"]),
            ("C3", &json!([id(7)]))
        );
    }

    #[test]
    fn a_signature_that_does_not_verify_is_found() {
        let mut value = signed();
        value["signatures"][id(61)]["place"] = json!("Lappeenranta");
        let finding = only(of(value), "signature_invalid");
        assert_eq!(finding.facts["signers"], json!([id(8)]));
    }

    #[test]
    fn a_seal_by_an_unknown_field_list_cannot_be_judged() {
        let mut value = signed();
        value["seals"][id(50)]["canon"] = json!(9_999);
        value["scope_text"] = json!("Viisi käyntiä");
        assert!(of(value).is_empty());
    }

    #[test]
    fn a_draft_taken_back_or_rejected_is_nobodys_concern() {
        for status in ["draft", "offered", "rejected", "cancelled"] {
            let mut value = signed();
            value["status"] = json!(status);
            value["scope_text"] = json!("Viisi käyntiä");
            assert!(of(value).is_empty(), "{status}");
        }
    }
}
