//! Whom documents are about, as runs that enter the feed say: kept for those who ask who has read their data.

use std::collections::BTreeSet;

use serde_json::Value;
use sopu_core::id::DocId;
use sopu_core::read::Reading;

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
