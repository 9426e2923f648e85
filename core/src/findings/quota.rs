//! C1: visits made offline together drew more from a quota than the contract allows. Every visit
//! stays; a person approves the extra, moves it, makes it non-billable or amends the contract.

use std::collections::BTreeMap;

use jiff::civil::Date;
use rust_decimal::Decimal;
use uuid::Uuid;

use super::{Finding, Record, Severity};
use crate::documents::visit_note::closing::QuotaEntry;
use crate::id::DocId;

pub(super) fn run(record: &Record<'_>, _: i64) -> Vec<Finding> {
    let draws = draws(record);
    let mut found = Vec::new();
    for (view, contract) in &record.contracts {
        for (key, quota) in &contract.quotas {
            // A limit two people changed is no limit yet; the conflict itself is shown.
            if view.in_conflict(&format!("quotas.{key}.limit")) {
                continue;
            }
            let (Some(limit), Some(unit)) = (decimal(quota.limit.as_deref()), &quota.unit) else {
                continue;
            };
            let mut used: BTreeMap<String, (Decimal, Vec<DocId>)> = BTreeMap::new();
            for draw in draws
                .iter()
                .filter(|d| d.contract == view.id.0 && d.quota == *key && d.unit == *unit)
            {
                let Some(period) = period(quota.period.as_deref(), draw.date) else {
                    continue;
                };
                let (sum, docs) = used.entry(period).or_default();
                *sum += draw.qty;
                docs.push(draw.note);
            }
            for (period, (used, docs)) in used {
                if used > limit {
                    let place = format!("quotas.{key}");
                    let mut finding =
                        Finding::new("C1", "quota_overdrawn", Severity::Decide, [view.id])
                            .at(place)
                            .keyed(&period)
                            .fact("limit", limit.normalize().to_string())
                            .fact("used", used.normalize().to_string())
                            .fact("over", (used - limit).normalize().to_string())
                            .fact("unit", unit.as_str())
                            .fact("period", period);
                    // The key stays the contract's and the period's when another visit joins in.
                    finding.docs.extend(docs);
                    finding.docs.sort_unstable();
                    finding.docs.dedup();
                    found.push(finding);
                }
            }
        }
    }
    found
}

struct Draw {
    note: DocId,
    contract: Uuid,
    quota: Uuid,
    unit: String,
    qty: Decimal,
    date: Date,
}

/// The draws that count: equal entries under one key once, of a note finalised again only the
/// latest round, adjustments (entries without a round) always.
fn draws(record: &Record<'_>) -> Vec<Draw> {
    let mut latest: BTreeMap<(DocId, Option<Uuid>), i64> = BTreeMap::new();
    for (view, note) in &record.notes {
        for entry in note.quota_entries.values() {
            if let Some(round) = entry.round {
                let newest = latest.entry((view.id, entry.quota)).or_insert(round);
                *newest = round.max(*newest);
            }
        }
    }
    let mut draws = Vec::new();
    let mut counted: BTreeMap<Uuid, Vec<&QuotaEntry>> = BTreeMap::new();
    for (view, note) in &record.notes {
        for (key, entry) in &note.quota_entries {
            let replaced = entry.round.is_some()
                && entry.round.as_ref() != latest.get(&(view.id, entry.quota));
            if replaced || counted.get(key).is_some_and(|same| same.contains(&entry)) {
                continue;
            }
            counted.entry(*key).or_default().push(entry);
            draws.extend(draw(view.id, note.contract_id, entry));
        }
    }
    draws
}

fn draw(note: DocId, contract: Option<Uuid>, entry: &QuotaEntry) -> Option<Draw> {
    Some(Draw {
        note,
        contract: entry.contract.or(contract)?,
        quota: entry.quota?,
        unit: entry.unit.clone()?,
        qty: decimal(entry.qty.as_deref())?,
        date: entry.date.as_deref()?.parse().ok()?,
    })
}

/// The period a day falls in: `contract`, `2026`, `2026-11` or `2026-11-22`.
fn period(period: Option<&str>, date: Date) -> Option<String> {
    match period? {
        "contract" => Some("contract".to_owned()),
        "year" => Some(date.strftime("%Y").to_string()),
        "month" => Some(date.strftime("%Y-%m").to_string()),
        "day" => Some(date.to_string()),
        _ => None,
    }
}

fn decimal(text: Option<&str>) -> Option<Decimal> {
    text?.parse().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::findings;
    use super::super::tests::{NOW, contract, doc, id, note, only};
    use super::*;
    use crate::documents::visit_note::closing::quota_entry_key;

    fn quota(limit: &str, period: &str) -> serde_json::Value {
        json!({ id(50): {"limit": limit, "unit": "h", "period": period} })
    }

    fn visit(n: u128, qty: &str, date: &str, round: u16) -> super::super::View {
        let key = quota_entry_key(doc(n), Uuid::from_u128(50), round);
        note(
            n,
            json!({"quota_entries": {
                key.to_string(): {"contract": id(1), "quota": id(50), "qty": qty, "unit": "h", "date": date, "round": round}
            }}),
        )
    }

    #[test]
    fn two_visits_that_together_draw_too_much_are_found_with_the_excess() {
        let views = [
            contract(1, json!({"quotas": quota("4", "contract")})),
            visit(2, "2.5", "2026-11-20", 1),
            visit(3, "4", "2026-11-21", 1),
        ];
        let finding = only(findings(&views, NOW), "quota_overdrawn");
        assert_eq!((finding.rule, finding.severity), ("C1", Severity::Decide));
        assert_eq!(finding.docs, [doc(1), doc(2), doc(3)]);
        assert_eq!(
            (&finding.facts["over"], &finding.facts["used"]),
            (&json!("2.5"), &json!("6.5"))
        );
    }

    #[test]
    fn a_quota_used_to_the_last_minute_is_no_finding() {
        let views = [
            contract(1, json!({"quotas": quota("6.50", "contract")})),
            visit(2, "2.5", "2026-11-20", 1),
            visit(3, "4", "2026-11-21", 1),
        ];
        assert!(findings(&views, NOW).is_empty());
    }

    #[test]
    fn each_period_has_its_own_limit() {
        let month = |date| {
            let views = [
                contract(1, json!({"quotas": quota("4", "month")})),
                visit(2, "3", "2026-10-31", 1),
                visit(3, "3", date, 1),
            ];
            findings(&views, NOW).len()
        };
        assert_eq!((month("2026-11-01"), month("2026-10-01")), (0, 1));
    }

    #[test]
    fn a_note_finalised_again_counts_its_latest_round_only() {
        let mut twice = visit(2, "3", "2026-11-20", 1);
        let again = visit(2, "4", "2026-11-20", 2);
        for (key, entry) in again.value["quota_entries"].as_object().expect("an object") {
            twice.value["quota_entries"][key] = entry.clone();
        }
        let at_limit = |limit| {
            findings(
                &[
                    contract(1, json!({"quotas": quota(limit, "contract")})),
                    twice.clone(),
                ],
                NOW,
            )
            .len()
        };
        assert_eq!((at_limit("4"), at_limit("3")), (0, 1));
    }

    #[test]
    fn the_same_entry_seen_in_two_documents_counts_once() {
        let one = visit(2, "3", "2026-11-20", 1);
        let same = note(3, one.value.clone());
        let views = [
            contract(1, json!({"quotas": quota("4", "contract")})),
            one,
            same,
        ];
        assert!(findings(&views, NOW).is_empty());
    }

    #[test]
    fn a_missing_contract_and_a_limit_in_conflict_are_not_known() {
        let visits = [visit(2, "9", "2026-11-20", 1)];
        assert!(findings(&visits, NOW).is_empty());
        let mut contract = contract(1, json!({"quotas": quota("4", "contract")}));
        let with = |c: &super::super::View| findings(&[c.clone(), visits[0].clone()], NOW).len();
        assert_eq!(with(&contract), 1);
        contract.conflicts.push(crate::read::Conflict {
            path: format!("quotas.{}.limit", id(50)),
            values: Vec::new(),
        });
        assert_eq!(with(&contract), 0);
    }

    #[test]
    fn the_key_stays_when_another_visit_joins_in() {
        let mut views = vec![
            contract(1, json!({"quotas": quota("4", "contract")})),
            visit(2, "5", "2026-11-20", 1),
        ];
        let before = only(findings(&views, NOW), "quota_overdrawn");
        views.push(visit(3, "1", "2026-11-21", 1));
        let after = only(findings(&views, NOW), "quota_overdrawn");
        assert_eq!(before.key, after.key);
        assert_ne!(before.facts, after.facts);
    }
}
