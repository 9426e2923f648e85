//! The timeline of a document: what each change did, in terms of fields.

use automerge::Automerge;
use serde_json::Value;

use crate::documents::{Kind, Rule};
use crate::id::{Hash, Version};
use crate::read::{Reading, at_path, read_at};

/// One field a change touched, before and after as its author saw it.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldChange {
    /// Field path; for items and log entries down to the part that changed.
    pub path: String,
    /// `None` if there was nothing.
    pub before: Option<Value>,
    /// `None` if it was emptied or removed.
    pub after: Option<Value>,
}

/// What one change did. `None` if the document does not hold it.
pub fn field_changes(doc: &Automerge, kind: Kind, change: &Hash) -> Option<Vec<FieldChange>> {
    let meta = doc.get_change_meta_by_hash(&(*change).into())?;
    let deps = Version::new(meta.deps.iter().map(|hash| Hash::from(*hash)));
    let before = match deps.heads() {
        [] => Reading::default(),
        _ => read_at(doc, kind, &deps),
    };
    let after = read_at(doc, kind, &Version::new([*change]));
    Some(compare(kind, &before.value, &after.value))
}

/// The fields in which two JSON forms of one kind differ.
pub fn compare(kind: Kind, before: &Value, after: &Value) -> Vec<FieldChange> {
    let mut out = Vec::new();
    for field in kind.spec().fields() {
        let (old, new) = (at_path(before, field.path), at_path(after, field.path));
        match field.rule {
            Rule::Map(_) => by_key(field.path, old, new, true, &mut out),
            Rule::Log => by_key(field.path, old, new, false, &mut out),
            Rule::Imm
            | Rule::Lww
            | Rule::Mvr
            | Rule::Yield(_)
            | Rule::Txt
            | Rule::Aws
            | Rule::Rws
            | Rule::FlagPlus
            | Rule::Max(_)
            | Rule::Mst(_) => push(field.path.to_owned(), old, new, &mut out),
        }
    }
    out
}

fn by_key(
    path: &str,
    old: Option<&Value>,
    new: Option<&Value>,
    parts: bool,
    out: &mut Vec<FieldChange>,
) {
    let keys = |value: Option<&Value>| -> Vec<String> {
        value
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
            .map(|(key, _)| key.clone())
            .collect()
    };
    let mut all = keys(old);
    all.extend(keys(new));
    all.sort_unstable();
    all.dedup();
    for key in all {
        let (was, is) = (old.and_then(|o| o.get(&key)), new.and_then(|n| n.get(&key)));
        let path = format!("{path}.{key}");
        match (was, is) {
            (Some(was), Some(is)) if parts => by_key(&path, Some(was), Some(is), false, out),
            _ => push(path, was, is, out),
        }
    }
}

fn push(path: String, before: Option<&Value>, after: Option<&Value>, out: &mut Vec<FieldChange>) {
    if before != after {
        out.push(FieldChange {
            path,
            before: before.cloned(),
            after: after.cloned(),
        });
    }
}
