//! Whom documents are about, as runs that enter the feed say: kept for those who ask who has read their data.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use automerge::{Automerge, Change};
use serde_json::Value;
use sopu_core::documents::Kind;
use sopu_core::encoding::decode_changes;
use sopu_core::genesis::genesis;
use sopu_core::guard::Limits;
use sopu_core::id::DocId;
use sopu_core::read::{Reading, read};

use crate::store::{RelayStore, Result};

/// The farm or client a document is about; several while people do not agree.
pub fn of(reading: &Reading) -> BTreeSet<String> {
    let conflicts = reading.conflicts.iter().filter(|c| c.path == "subject_id");
    let others = conflicts.flat_map(|conflict| &conflict.values);
    let values = reading.value.get("subject_id").into_iter();
    let all = values.chain(others.map(|live| &live.value));
    all.filter_map(Value::as_str)
        .map(ToOwned::to_owned)
        .collect()
}

/// Whom a document is about that is not in the record, as what is kept of it says: its runs, oldest first, each
/// with its kind's wire number. Nobody tried them, so what cannot be read says nothing.
pub fn of_runs(runs: &[(u8, Vec<u8>)]) -> BTreeSet<String> {
    let number = runs.first().map(|(kind, _)| *kind);
    let Some(kind) = number.and_then(Kind::from_number) else {
        return BTreeSet::new();
    };
    let read = || {
        let mut document = genesis(kind).document();
        for (_, run) in runs.iter().filter(|(kind, _)| Some(*kind) == number) {
            document = with(&document, run).unwrap_or(document);
        }
        of(&read(&document, kind))
    };
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_default()
}

fn with(document: &Automerge, run: &[u8]) -> Option<Automerge> {
    let apply = || {
        let changes = decode_changes(run, &Limits::RELAY).ok()?.into_iter();
        let changes: std::result::Result<Vec<_>, _> = changes.map(Change::from_bytes).collect();
        let mut document = document.clone();
        document.apply_changes(changes.ok()?).ok()?;
        Some(document)
    };
    catch_unwind(AssertUnwindSafe(apply)).ok().flatten()
}

/// Notes it, run by run.
pub fn note(
    store: &mut dyn RelayStore,
    about: &[(DocId, BTreeSet<String>)],
    now_ms: i64,
) -> Result<()> {
    for (doc, subjects) in about {
        store.set_subjects(*doc, subjects, now_ms)?;
    }
    Ok(())
}
