//! What a document's history tells that its content does not: edits that came late or from the
//! wrong hand. Computed where the document is loaded, kept beside its view, judged by the findings.

use std::collections::{BTreeMap, BTreeSet};

use automerge::legacy::ObjectId;
use automerge::{Automerge, ObjId, ObjType, ReadDoc, Value as Live};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::documents::{Kind, visit_note};
use crate::genesis::genesis;
use crate::history::compare;
use crate::id::{Hash, MemberId, Version};
use crate::read::{Reading, earliest, parse_status_key, read_at};

/// Late edits and edits by others, as field paths.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Trace {
    /// Removed items that somebody edited without having seen the removal: `tasks.<key>`.
    pub edited_after_removal: BTreeSet<String>,
    /// Care entries (`entries.<key>`) somebody else than their author wrote in or removed.
    pub edited_by_others: BTreeMap<String, BTreeSet<MemberId>>,
    /// Fields of a finalised visit note that changed without their author having seen, or in spite
    /// of, the finalising.
    pub changed_after_final: BTreeSet<String>,
}

/// Fields of a visit note that live on after it is finalised: its own trail, what is filled in
/// later by nature, and the housekeeping around it.
const OPEN_AFTER_FINAL: &[&str] = &[
    "sensitivity",
    "legal_hold",
    "tags",
    "comments",
    "status",
    "efficacy",
    "followups",
    "acknowledgement",
    "seals",
    "corrections",
    "quota_entries",
    "cosign",
    "wrong_client",
];

/// The trace of a document. `author` names the member who wrote a change, where the signer is
/// known; a change of nobody known is never held against anybody.
pub fn trace(
    doc: &Automerge,
    kind: Kind,
    reading: &Reading,
    author: &dyn Fn(&Hash) -> Option<MemberId>,
) -> Trace {
    let mut trace = Trace {
        edited_after_removal: edited_after_removal(doc, kind, reading),
        ..Trace::default()
    };
    if kind == Kind::VisitNote {
        trace.edited_by_others = edited_by_others(doc, reading, author);
        trace.changed_after_final = changed_after_final(doc, reading);
    }
    trace
}

/// An item reads differently at its removal than now: something was written beside or after it.
fn edited_after_removal(doc: &Automerge, kind: Kind, reading: &Reading) -> BTreeSet<String> {
    let mut at_removal: BTreeMap<Hash, Reading> = BTreeMap::new();
    let mut edited = BTreeSet::new();
    for item in &reading.removed {
        let Some(change) = item.change else { continue };
        let then = at_removal
            .entry(change)
            .or_insert_with(|| read_at(doc, kind, &Version::new([change])));
        let seen = then
            .removed
            .iter()
            .find(|old| (&old.field, &old.key) == (&item.field, &item.key));
        if seen.is_some_and(|old| old.value != item.value) {
            edited.insert(format!("{}.{}", item.field, item.key));
        }
    }
    edited
}

fn edited_by_others(
    doc: &Automerge,
    reading: &Reading,
    author: &dyn Fn(&Hash) -> Option<MemberId>,
) -> BTreeMap<String, BTreeSet<MemberId>> {
    let entries = entries(doc, reading);
    let mut by_others: BTreeMap<String, BTreeSet<MemberId>> = BTreeMap::new();
    if entries.is_empty() {
        return by_others;
    }
    // Whoever moves a note writes all of it once more, in the name of nobody but its authors (C16).
    let moved = reading.value.get("moved_from");
    let moved_at = moved.and_then(|moved| moved.get("at")?.as_i64());
    let moved_by = moved.and_then(|moved| moved.get("by")?.as_str()?.parse().ok());
    for change in doc.get_changes(&[]) {
        let Some(by) = author(&change.hash().into()) else {
            continue;
        };
        if moved_by == Some(by) && moved_at == Some(change.timestamp()) {
            continue;
        }
        if entries.iter().all(|entry| entry.author == by) {
            continue;
        }
        for op in &change.decode().operations {
            let touched = entries
                .iter()
                .filter(|e| e.author != by && e.objects.iter().any(|o| same(o, &op.obj)));
            for entry in touched {
                by_others.entry(entry.path.clone()).or_default().insert(by);
            }
        }
    }
    by_others
}

struct Entry {
    path: String,
    author: MemberId,
    /// The item and its text.
    objects: Vec<ObjId>,
}

/// The entries whose author is known, removed ones included.
fn entries(doc: &Automerge, reading: &Reading) -> Vec<Entry> {
    let Some(container) = genesis(Kind::VisitNote).container("entries") else {
        return Vec::new();
    };
    let shown = reading.value.get("entries").and_then(Value::as_object);
    let shown = shown.into_iter().flatten();
    let removed = reading
        .removed
        .iter()
        .filter(|i| i.field == "entries")
        .map(|i| (&i.key, &i.value));
    let object = |parent: &ObjId, key: &str, wanted: ObjType| {
        let live = doc.get_all(parent, key).unwrap_or_default();
        earliest(&live, |value, id| {
            matches!(value, Live::Object(ty) if *ty == wanted).then(|| id.clone())
        })
    };
    let entry = |(key, value): (&String, &Value)| {
        let author = value.get("author")?.as_str()?.parse().ok()?;
        let item = object(container, key, ObjType::Map)?;
        let text = object(&item, "text", ObjType::Text);
        let objects = text.into_iter().chain([item]).collect();
        Some(Entry {
            path: format!("entries.{key}"),
            author,
            objects,
        })
    };
    shown.chain(removed).filter_map(entry).collect()
}

fn same(object: &ObjId, op: &ObjectId) -> bool {
    match (object, op) {
        (ObjId::Id(counter, actor, _), ObjectId::Id(id)) => {
            id.counter() == *counter && id.actor() == actor
        }
        (ObjId::Root, _) | (_, ObjectId::Root) => false,
    }
}

/// The note reads differently now than when it was last finalised.
fn changed_after_final(doc: &Automerge, reading: &Reading) -> BTreeSet<String> {
    let heads = finalising(doc, reading);
    if heads.is_empty() {
        return BTreeSet::new();
    }
    let then = read_at(doc, Kind::VisitNote, &Version::new(heads));
    let changed = compare(Kind::VisitNote, &then.value, &reading.value).into_iter();
    let root = |path: &str| path.split('.').next().unwrap_or(path).to_owned();
    changed
        .map(|change| change.path)
        .filter(|path| !OPEN_AFTER_FINAL.contains(&root(path).as_str()))
        .collect()
}

/// The changes that finalised the note in its present round; none while it is open.
fn finalising(doc: &Automerge, reading: &Reading) -> Vec<Hash> {
    let Some(final_rank) = visit_note::STATUS
        .iter()
        .position(|code| *code == "finalised")
    else {
        return Vec::new();
    };
    let (Some(mark), Some(marks)) = (
        reading.status.get("status"),
        genesis(Kind::VisitNote).container("status"),
    ) else {
        return Vec::new();
    };
    let first = doc
        .keys(marks)
        .filter_map(|key| Some((parse_status_key(&key)?, key)))
        .filter(|((round, rank), _)| *round == mark.round && usize::from(*rank) >= final_rank)
        .min();
    let Some((_, key)) = first else {
        return Vec::new();
    };
    let live = doc.get_all(marks, key).unwrap_or_default();
    live.iter()
        .filter_map(|(_, op)| doc.hash_for_opid(op).map(Hash::from))
        .collect()
}

#[cfg(test)]
mod tests;
