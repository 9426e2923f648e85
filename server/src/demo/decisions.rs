//! What the merged record asks people to decide or to look at, in words.

use std::collections::BTreeMap;

use serde_json::Value;
use sopu_core::documents::Kind;
use sopu_core::findings::{Finding, Severity};
use sopu_core::id::{DocId, Hash, SpaceId};
use sopu_core::provenance::provenance;
use sopu_core::read::at_path;
use sopu_core::store::list::{Query, list};

use super::company::Company;
use super::error::{DemoError, Result};
use super::house::House;
use super::report::{clock, short};

/// What came out, in words.
#[derive(Debug, Default)]
pub struct Decisions {
    /// One line a conflict.
    pub conflicts: Vec<String>,
    /// Where, by severity, rule and code.
    pub findings: BTreeMap<(Severity, &'static str, &'static str), Vec<String>>,
}

impl Decisions {
    /// Of everything in the merged record.
    pub fn of(house: &House, company: &Company) -> Result<Self> {
        let mut decisions = Self::default();
        let record = house.relay.record();
        let failed = |why: sopu_core::store::StoreError| DemoError::Relay(why.to_string());
        let names: BTreeMap<SpaceId, &str> = company
            .spaces
            .iter()
            .map(|(name, id)| (*id, name.as_str()))
            .collect();
        let query = Query {
            conflicts_only: true,
            limit: 1_000,
            ..Query::default()
        };
        for row in list(record.store().conn(), &query).map_err(failed)?.rows {
            let loaded = record.store().document(row.doc).map_err(failed)?;
            let reading = sopu_core::read::read(&loaded.am, loaded.kind);
            let asked: Vec<Hash> = reading
                .conflicts
                .iter()
                .flat_map(|conflict| conflict.values.iter().map(|live| live.change))
                .collect();
            let writers = provenance(record.store().conn(), &loaded, &asked).map_err(failed)?;
            for conflict in &reading.conflicts {
                let mut values: Vec<String> = conflict
                    .values
                    .iter()
                    .map(|live| {
                        let member = writers
                            .get(&live.change)
                            .and_then(|by| by.member_name.as_deref());
                        let first = member
                            .and_then(|name| name.split(' ').next())
                            .unwrap_or("somebody");
                        format!("{first} says {}", short(&live.value))
                    })
                    .collect();
                values.sort();
                let field = field_words(&reading.value, &conflict.path);
                let place = names.get(&row.space).copied().unwrap_or_default();
                let kind = kind_word(row.kind);
                decisions
                    .conflicts
                    .push(format!("{place}, {kind}, {field}: {}", values.join(", ")));
            }
        }
        decisions.conflicts.sort();
        let mut views = Vec::new();
        for space in names.keys() {
            sopu_core::store::view::each(record.store().conn(), *space, &mut |view| {
                views.push(view)
            })
            .map_err(failed)?;
        }
        let places: BTreeMap<DocId, SpaceId> =
            views.iter().map(|view| (view.doc, view.space)).collect();
        let views: Vec<_> = views
            .into_iter()
            .map(sopu_core::findings::View::from)
            .collect();
        let now_ms = house.relay.env().now_ms();
        let inside = sopu_core::findings::findings(&views, now_ms);
        let across = sopu_core::findings::findings_across(&views, now_ms);
        for finding in inside.iter().chain(&across) {
            let space = finding.docs.first().and_then(|doc| places.get(doc));
            let place = space
                .and_then(|space| names.get(space))
                .copied()
                .unwrap_or_default();
            let at = (finding.severity, finding.rule, finding.code);
            decisions
                .findings
                .entry(at)
                .or_default()
                .push(place_words(place, finding));
        }
        Ok(decisions)
    }
}

/// The place, and the figures that matter.
fn place_words(place: &str, finding: &Finding) -> String {
    let fact = |name: &str| finding.facts.get(name).map(short);
    let more = match finding.code {
        "quota_overdrawn" => fact("over")
            .zip(fact("limit"))
            .map(|(over, limit)| format!("{over} h over {limit} h")),
        "clock_off" => finding
            .facts
            .get("offset_ms")
            .and_then(Value::as_i64)
            .map(|ms| clock(-ms / 1_000)),
        "no_contract_in_force" => fact("reason"),
        "duplicate_party" => fact("business_id"),
        _ => None,
    };
    match (finding.code, more) {
        // Whose visits they were says less than how wrong it was.
        ("clock_off", Some(more)) => more,
        (_, Some(more)) => format!("{place} ({more})"),
        (_, None) => place.to_owned(),
    }
}

/// Equal places once, with how often; at most three, and how many more there are.
pub(super) fn counted(places: &[String]) -> String {
    const MOST: usize = 3;
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for place in places {
        *counts.entry(place).or_default() += 1;
    }
    let mut parts: Vec<String> = counts
        .iter()
        .take(MOST)
        .map(|(place, count)| match count {
            1 => (*place).to_owned(),
            many => format!("{place}, {many} times"),
        })
        .collect();
    if counts.len() > MOST {
        parts.push(format!("{} more places", counts.len() - MOST));
    }
    parts.join("; ")
}

pub(super) fn words(code: &str) -> String {
    match code {
        "quota_overdrawn" => "quota overdrawn",
        "changed_after_signing" => "changed after signing",
        "changed_after_locking" => "changed after locking",
        "signed_other_content" => "signatures on different versions",
        "client_double_booked" => "client booked twice at the same time",
        "worker_double_booked" => "worker booked twice at the same time",
        "two_doers" => "two workers on a visit planned for one",
        "visit_recorded_twice" => "one visit recorded twice",
        "dose_given_twice" => "a dose may have been given twice",
        "changed_after_finalising" => "note changed after it was closed",
        "no_contract_in_force" => "no contract in force on the day of the visit",
        "duplicate_party" => "one firm entered twice",
        "clock_off" => "a device's clock was wrong",
        "worker_in_two_places" => "a worker in two places at once",
        "starts_in_future" => "a visit in the future",
        "ends_before_start" => "a visit that ends before it begins",
        "removed_item_edited" => "edited by one, removed by another",
        "entry_edited_by_other" => "a care entry written in by somebody else",
        "entries_differ" => "two devices drew different amounts for one visit",
        other => return other.replace('_', " "),
    }
    .to_owned()
}

fn kind_word(kind: Kind) -> &'static str {
    match kind {
        Kind::Contract => "contract",
        Kind::VisitNote => "visit note",
        Kind::ServiceListing => "listing",
    }
}

/// A path without ids: `followups.0190….due` is "due of a follow-up".
fn field_words(value: &Value, path: &str) -> String {
    let parts: Vec<&str> = path.split('.').collect();
    match parts.as_slice() {
        ["followups", _, field] => format!("{field} of a follow-up"),
        [items, key, field] => {
            let named = at_path(value, &format!("{items}.{key}.name")).and_then(Value::as_str);
            let items = items.trim_end_matches('s').replace('_', " ");
            named.map_or_else(
                || format!("{field} of a {items}"),
                |name| format!("{field} of {items} {name}"),
            )
        }
        _ => path.replace('_', " "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_place_is_told_once() {
        let places: Vec<String> = ["b", "a", "a", "c", "d", "e"].map(str::to_owned).into();
        assert_eq!(counted(&places), "a, 2 times; b; c; 2 more places");
    }

    #[test]
    fn a_path_is_told_without_its_ids() {
        let value = serde_json::json!({});
        assert_eq!(
            field_words(&value, "followups.0190.due"),
            "due of a follow-up"
        );
        assert_eq!(field_words(&value, "quotas.0190.limit"), "limit of a quota");
        assert_eq!(field_words(&value, "outcome"), "outcome");
    }
}
