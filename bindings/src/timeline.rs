//! What happened to a document, and what in a space a person should look at.

use sopu_core::device::documents;
use sopu_core::{findings, history};

use crate::document::Provenance;

/// One step of a document's timeline.
#[derive(Clone, Debug, PartialEq, uniffi::Record)]
pub struct TimelineStep {
    /// The change.
    pub change: String,
    /// Who, on what, when.
    pub provenance: Provenance,
    /// What it did.
    pub fields: Vec<FieldChange>,
}

/// One field a change touched, before and after as its author saw it.
#[derive(Clone, Debug, PartialEq, uniffi::Record)]
pub struct FieldChange {
    /// Field path; for items and log entries down to the part that changed.
    pub path: String,
    /// As JSON; `None` if there was nothing.
    pub before: Option<String>,
    /// As JSON; `None` if it was emptied or removed.
    pub after: Option<String>,
}

/// How soon a person should look; safety first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
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

/// One thing a person should look at.
#[derive(Clone, Debug, PartialEq, uniffi::Record)]
pub struct Finding {
    /// The rule, `"C1"`.
    pub rule: String,
    /// What was found; the app has words for it.
    pub code: String,
    /// How soon to look.
    pub severity: Severity,
    /// The documents concerned.
    pub docs: Vec<String>,
    /// The field concerned, if it is one.
    pub path: Option<String>,
    /// What the words need, a JSON object: numbers, codes, ids and times.
    pub facts: String,
    /// The same for the same thing found again.
    pub key: String,
}

impl From<documents::TimelineStep> for TimelineStep {
    fn from(step: documents::TimelineStep) -> Self {
        Self {
            change: step.change.to_string(),
            provenance: step.provenance.into(),
            fields: step.fields.into_iter().map(FieldChange::from).collect(),
        }
    }
}

impl From<history::FieldChange> for FieldChange {
    fn from(change: history::FieldChange) -> Self {
        Self {
            path: change.path,
            before: change.before.map(|value| value.to_string()),
            after: change.after.map(|value| value.to_string()),
        }
    }
}

impl From<findings::Severity> for Severity {
    fn from(severity: findings::Severity) -> Self {
        match severity {
            findings::Severity::Safety => Self::Safety,
            findings::Severity::Law => Self::Law,
            findings::Severity::Decide => Self::Decide,
            findings::Severity::Look => Self::Look,
        }
    }
}

impl From<findings::Finding> for Finding {
    fn from(finding: findings::Finding) -> Self {
        let facts = finding
            .facts
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value));
        Self {
            rule: finding.rule.to_owned(),
            code: finding.code.to_owned(),
            severity: finding.severity.into(),
            docs: finding.docs.iter().map(ToString::to_string).collect(),
            path: finding.path,
            facts: serde_json::Value::Object(facts.collect()).to_string(),
            key: finding.key,
        }
    }
}
