//! C15: the same firm entered twice offline: one business id (*Y-tunnus*), two party ids. Both
//! stay; merging keeps both ids as aliases.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::{Finding, Record, Severity};
use crate::id::DocId;

pub(super) fn run(record: &Record<'_>, _: i64) -> Vec<Finding> {
    let mut firms: BTreeMap<String, (BTreeSet<Uuid>, BTreeSet<DocId>)> = BTreeMap::new();
    for (view, contract) in &record.contracts {
        for party in contract.parties.values() {
            let business_id = party
                .snapshot
                .as_ref()
                .and_then(|s| s.business_id.as_deref());
            let (Some(party_id), Some(business_id)) =
                (party.party_id, business_id.and_then(normalised))
            else {
                continue;
            };
            let (ids, docs) = firms.entry(business_id).or_default();
            ids.insert(party_id);
            docs.insert(view.id);
        }
    }
    let twice = firms.into_iter().filter(|(_, (ids, _))| ids.len() > 1);
    twice
        .map(|(business_id, (ids, docs))| {
            let ids: Vec<String> = ids.iter().map(Uuid::to_string).collect();
            let mut finding = Finding::new("C15", "duplicate_party", Severity::Look, [])
                .keyed(&business_id)
                .fact("business_id", business_id)
                .fact("parties", ids);
            finding.docs = docs.into_iter().collect();
            finding
        })
        .collect()
}

/// `2189312-7` however it was typed: with spaces, without the hyphen, as the VAT number.
fn normalised(business_id: &str) -> Option<String> {
    let compact: String = business_id
        .chars()
        .filter(|c| !c.is_whitespace() && *c != '-')
        .collect();
    let digits = compact
        .strip_prefix("FI")
        .or_else(|| compact.strip_prefix("fi"))
        .unwrap_or(&compact);
    let whole = digits.len() == 8 && digits.bytes().all(|b| b.is_ascii_digit());
    whole.then(|| format!("{}-{}", &digits[..7], &digits[7..]))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tests::{NOW, contract, doc, id, in_space, only};
    use super::super::{View, findings, findings_across};

    fn with_party(n: u128, party: u128, business_id: &str) -> View {
        let party = json!({"party_id": id(party), "snapshot": {"business_id": business_id}});
        contract(n, json!({"parties": { id(30): party }}))
    }

    #[test]
    fn one_business_id_under_two_party_ids_is_found_however_it_is_typed() {
        for typed in ["2189312-7", "21893127", " 2189312 - 7", "FI21893127"] {
            let finding = only(
                findings(
                    &[with_party(1, 7, "2189312-7"), with_party(2, 8, typed)],
                    NOW,
                ),
                "duplicate_party",
            );
            assert_eq!(finding.docs, [doc(1), doc(2)]);
            assert_eq!(finding.facts["business_id"], json!("2189312-7"));
            assert_eq!(finding.facts["parties"], json!([id(7), id(8)]));
        }
    }

    #[test]
    fn one_party_in_two_contracts_and_two_firms_are_no_finding() {
        assert!(
            findings(
                &[with_party(1, 7, "2189312-7"), with_party(2, 7, "2189312-7")],
                NOW
            )
            .is_empty()
        );
        assert!(
            findings(
                &[with_party(1, 7, "2189312-7"), with_party(2, 8, "2177546-2")],
                NOW
            )
            .is_empty()
        );
    }

    #[test]
    fn a_party_without_a_readable_business_id_is_not_known() {
        assert!(findings(&[with_party(1, 7, "?"), with_party(2, 8, "?")], NOW).is_empty());
    }

    #[test]
    fn firms_are_compared_across_spaces_at_the_office() {
        let views = [
            with_party(1, 7, "2189312-7"),
            in_space(2, with_party(2, 8, "2189312-7")),
        ];
        assert!(findings(&views, NOW).is_empty());
        only(findings_across(&views, NOW), "duplicate_party");
    }
}
