//! Findings: what a person should look at, computed from merged documents.
//!
//! Rules are pure: they take views and "now", keep nothing, and give the same findings on a phone
//! and on the server, in whatever order the documents came. One file a rule; [`RULES`] lists them.
//! A rule reads one space; the few that also make sense across spaces run there only at the office
//! ([`findings_across`]). A document that is not here is not known, and what is not known is never
//! a finding. Nothing here changes a document: both sides of a finding stay until a person decides.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::documents::contract::Contract;
use crate::documents::visit_note::VisitNote;
use crate::documents::{Document, Kind};
use crate::id::{DocId, SpaceId};
use crate::read::{Conflict, LogClash};
use crate::trace::Trace;

mod booking;
mod clock;
mod contract_in_force;
mod double_dose;
mod duplicate_party;
mod edits;
mod log_clash;
mod overlap;
mod quota;
mod signed;
mod two_doers;
mod visited;
mod wrong_client;

/// A document as the rules see it.
#[derive(Clone, Debug, PartialEq)]
pub struct View {
    /// The document.
    pub id: DocId,
    /// The space it lives in.
    pub space: SpaceId,
    /// Its kind.
    pub kind: Kind,
    /// Its content, the JSON form of a reading.
    pub value: Value,
    /// Fields with several live values. A rule judges no field that is still in conflict.
    pub conflicts: Vec<Conflict>,
    /// Log entries that two devices wrote differently under one key.
    pub log_clashes: Vec<LogClash>,
    /// What the content alone does not tell.
    pub trace: Trace,
}

impl View {
    /// Whether the field of this path waits for a person's choice.
    fn in_conflict(&self, path: &str) -> bool {
        self.conflicts.iter().any(|conflict| conflict.path == path)
    }
}

/// How soon a person should look; safety first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Somebody may come to harm.
    Safety,
    /// The law or a signature is touched.
    Law,
    /// Somebody must decide before billing or the next visit.
    Decide,
    /// Worth a look.
    Look,
}

impl Severity {
    /// Its code.
    pub fn code(self) -> &'static str {
        match self {
            Severity::Safety => "safety",
            Severity::Law => "law",
            Severity::Decide => "decide",
            Severity::Look => "look",
        }
    }
}

/// Every code a finding may have: what apps and pages need words for.
pub const CODES: &[&str] = &[
    "changed_after_finalising",
    "changed_after_locking",
    "changed_after_signing",
    "client_double_booked",
    "clock_off",
    "dose_given_twice",
    "duplicate_party",
    "ends_before_start",
    "entries_differ",
    "entry_edited_by_other",
    "moved_from_wrong_client",
    "moved_twice",
    "no_contract_in_force",
    "on_wrong_client",
    "quota_overdrawn",
    "removed_item_edited",
    "signature_invalid",
    "signed_other_content",
    "starts_in_future",
    "two_doers",
    "visit_recorded_twice",
    "worker_double_booked",
    "worker_in_two_places",
];

/// One thing a person should look at.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    /// The rule, by its number in the catalogue of conflicts: `"C1"`.
    pub rule: &'static str,
    /// What was found; the app has words for it.
    pub code: &'static str,
    /// How soon to look.
    pub severity: Severity,
    /// The documents concerned, sorted.
    pub docs: Vec<DocId>,
    /// The field concerned, if it is one.
    pub path: Option<String>,
    /// What the words need: numbers, codes, ids and times, never content or names.
    pub facts: BTreeMap<&'static str, Value>,
    /// The same for the same thing found again, so that a resolution sticks to it. If the facts
    /// differ from those that were resolved, it is worth another look.
    pub key: String,
}

impl Finding {
    fn new(
        rule: &'static str,
        code: &'static str,
        severity: Severity,
        docs: impl IntoIterator<Item = DocId>,
    ) -> Self {
        debug_assert!(CODES.contains(&code), "{code} is not listed");
        let docs: BTreeSet<DocId> = docs.into_iter().collect();
        let key = docs
            .iter()
            .fold(code.to_owned(), |key, doc| format!("{key}/{doc}"));
        Self {
            rule,
            code,
            severity,
            docs: docs.into_iter().collect(),
            path: None,
            facts: BTreeMap::new(),
            key,
        }
    }

    /// The field it is about; part of the key.
    fn at(mut self, path: impl Into<String>) -> Self {
        let path = path.into();
        self = self.keyed(&path);
        self.path = Some(path);
        self
    }

    /// What else tells it from other findings of the same documents.
    fn keyed(mut self, part: &str) -> Self {
        self.key.push('/');
        self.key.push_str(part);
        self
    }

    fn fact(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.facts.insert(name, value.into());
        self
    }
}

/// The merged record the rules look at, sorted by document and parsed once.
struct Record<'v> {
    views: Vec<&'v View>,
    notes: Vec<(&'v View, VisitNote)>,
    contracts: Vec<(&'v View, Contract)>,
}

impl<'v> Record<'v> {
    fn new(views: impl IntoIterator<Item = &'v View>) -> Self {
        let by_id: BTreeMap<DocId, &View> = views.into_iter().map(|view| (view.id, view)).collect();
        let views: Vec<&View> = by_id.into_values().collect();
        Self {
            notes: parsed(&views),
            contracts: parsed(&views),
            views,
        }
    }

    fn contract(&self, id: uuid::Uuid) -> Option<&(&'v View, Contract)> {
        let at = self
            .contracts
            .binary_search_by_key(&DocId(id), |(view, _)| view.id)
            .ok()?;
        self.contracts.get(at)
    }
}

fn parsed<'v, D: Document>(views: &[&'v View]) -> Vec<(&'v View, D)> {
    let of_kind = views.iter().filter(|view| view.kind == D::KIND);
    of_kind
        .map(|view| (*view, D::from_value(&view.value)))
        .collect()
}

/// One rule.
struct Rule {
    run: fn(&Record<'_>, now_ms: i64) -> Vec<Finding>,
    /// Whether the office also runs it over documents of several spaces.
    across: bool,
}

const RULES: &[Rule] = &[
    Rule {
        run: quota::run,
        across: false,
    },
    Rule {
        run: signed::run,
        across: false,
    },
    Rule {
        run: booking::run,
        across: true,
    },
    Rule {
        run: two_doers::run,
        across: false,
    },
    Rule {
        run: double_dose::run,
        across: false,
    },
    Rule {
        run: contract_in_force::run,
        across: false,
    },
    Rule {
        run: duplicate_party::run,
        across: true,
    },
    Rule {
        run: clock::run,
        across: true,
    },
    Rule {
        run: edits::run,
        across: false,
    },
    Rule {
        run: log_clash::run,
        across: false,
    },
    Rule {
        run: wrong_client::run,
        across: true,
    },
];

/// Everything to look at in these documents, each space by itself. `now_ms` is relay time where it
/// is known. Sorted by severity, then key; the order of the views does not matter.
pub fn findings(views: &[View], now_ms: i64) -> Vec<Finding> {
    let mut spaces: BTreeMap<SpaceId, Vec<&View>> = BTreeMap::new();
    for view in views {
        spaces.entry(view.space).or_default().push(view);
    }
    let found = spaces.into_values().flat_map(|views| {
        let record = Record::new(views);
        RULES
            .iter()
            .flat_map(move |rule| (rule.run)(&record, now_ms))
            .collect::<Vec<_>>()
    });
    in_order(found)
}

/// What shows only when several spaces are seen together: a worker booked with two clients at
/// once, a firm entered twice. Only documents the asker may read may be given. Findings inside one
/// space are left to [`findings`].
pub fn findings_across(views: &[View], now_ms: i64) -> Vec<Finding> {
    let record = Record::new(views);
    let space_of: BTreeMap<DocId, SpaceId> = record.views.iter().map(|v| (v.id, v.space)).collect();
    let spans = |finding: &Finding| {
        let spaces: BTreeSet<_> = finding.docs.iter().map(|doc| space_of.get(doc)).collect();
        spaces.len() > 1
    };
    in_order(
        RULES
            .iter()
            .filter(|r| r.across)
            .flat_map(|rule| (rule.run)(&record, now_ms))
            .filter(spans),
    )
}

fn in_order(found: impl Iterator<Item = Finding>) -> Vec<Finding> {
    let by_key: BTreeMap<(Severity, String), Finding> = found
        .map(|finding| ((finding.severity, finding.key.clone()), finding))
        .collect();
    by_key.into_values().collect()
}

#[cfg(test)]
mod tests;
