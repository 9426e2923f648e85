//! A note on the wrong client is moved, never edited (C16): a new note in the right client's space that
//! names the old one, and the old one taken out of the record.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::documents::check::code;
use crate::documents::{Field, Problem, Rule, Type};
use crate::id::{DocId, MemberId};
use crate::read::Reading;

record! {
    /// Where a moved note was. It says nothing of the client it was on.
    pub struct Moved {
        /// The document it was.
        pub doc: Option<Uuid>,
        /// The member who moved it.
        pub by: Option<Uuid>,
        /// When, milliseconds since 1970 UTC.
        pub at: Option<i64>,
    }
}

pub(super) const MOVED: &[Field] = &[
    Field::new("doc", Rule::Lww, Type::Id),
    Field::new("by", Rule::Lww, Type::Id),
    Field::new("at", Rule::Lww, Type::Instant),
];

/// What was said of the wrong client, or proves what was on the old note: none of it holds on the new one.
const LEFT_BEHIND: &[&str] = &[
    "contract_id",
    "scope_item",
    "visit_key",
    "planned",
    "quota_entries",
    "seals",
    "acknowledgement",
    "cosign",
    "shared",
    "wrong_client",
    "legal_hold",
    "status",
];

/// Statuses before the note was closed: closing is done again, on the right client.
const OPEN: &[&str] = &["planned", "started", "done"];

/// Where a note belongs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    /// The right farm or client; not known if `None`.
    pub subject: Option<Uuid>,
    /// The contract the visit was made under.
    pub contract: Option<Uuid>,
}

/// What the new note says: all that was seen and done, by whom it was written, and where it was. What
/// concerned the wrong client stays behind, and it is open again.
pub fn moved(old: DocId, value: &Value, to: &Destination, by: MemberId, at_ms: i64) -> Value {
    let mut new = value.as_object().cloned().unwrap_or_else(Map::new);
    let status = new.get("status").and_then(Value::as_str).map(|status| {
        let open = OPEN.iter().find(|open| **open == status);
        (*open.unwrap_or(&"done")).to_owned()
    });
    new.retain(|field, _| !LEFT_BEHIND.contains(&field.as_str()));
    let mut put = |field: &str, value: Option<Value>| match value {
        Some(value) => new.insert(field.to_owned(), value),
        None => new.remove(field),
    };
    put("status", status.map(Value::from));
    put("subject_id", to.subject.map(|id| id.to_string().into()));
    put("contract_id", to.contract.map(|id| id.to_string().into()));
    let from = json!({"doc": old.to_string(), "by": by.to_string(), "at": at_ms});
    put("moved_from", Some(from));
    Value::Object(new)
}

/// What must be settled before a note is moved: a copy is made of what is read, and then the old one is
/// erased, so that a value nobody has chosen, or that this version does not understand, would be lost.
pub fn obstacles(reading: &Reading) -> Vec<Problem> {
    let problem = |path: &str, code| Problem {
        path: path.to_owned(),
        code,
        blocks: true,
    };
    let conflicts = reading.conflicts.iter().map(|c| c.path.as_str());
    let clashes = reading.log_clashes.iter().map(|c| c.field.as_str());
    let unknown = reading.unknown.iter();
    conflicts
        .chain(clashes)
        .map(|path| problem(path, code::CONFLICT))
        .chain(unknown.map(|path| problem(path, code::UNKNOWN_CONTENT)))
        .collect()
}

/// The note that this one says it was before it was moved.
pub fn origin(value: &Value) -> Option<DocId> {
    value["moved_from"]["doc"].as_str()?.parse().ok()
}

/// Whether a note waits to be taken out: somebody has marked it.
pub fn is_marked(value: &Value) -> bool {
    value["wrong_client"] == true
}

/// Paths of what `old` would take with it if it were taken out, and `new` does not say. While there is
/// any, it must not be. `None` if `new` is neither what `old` became nor made of the same note as it.
pub fn lacking(doc: DocId, old: &Value, new: &Value) -> Option<Vec<String>> {
    let from = origin(new)?;
    let wanted = if from == doc {
        carried(old)
    } else if origin(old) == Some(from) {
        own(old)
    } else {
        return None;
    };
    let mut paths = Vec::new();
    fill("", &wanted, &mut new.clone(), &mut paths);
    Some(paths)
}

/// The new note with what it lacks of the old one, as far as that may be carried to another client.
pub fn completed(old: &Value, new: &Value) -> Value {
    let mut whole = new.clone();
    fill("", &carried(old), &mut whole, &mut Vec::new());
    whole
}

/// What must be found again: not where it belongs now, nor how far the new one has come since.
fn carried(old: &Value) -> Value {
    let nowhere = Destination {
        subject: None,
        contract: None,
    };
    let value = moved(DocId(Uuid::nil()), old, &nowhere, MemberId(Uuid::nil()), 0);
    without(&value, &["moved_from", "status", "schema_version"])
}

/// What must be found again of a note that was moved twice: also what was signed, sealed and counted
/// on it since.
fn own(copy: &Value) -> Value {
    let placed = ["subject_id", "contract_id", "shared", "wrong_client"];
    let value = without(copy, &["moved_from", "status", "schema_version"]);
    without(&value, &placed)
}

fn without(value: &Value, fields: &[&str]) -> Value {
    let mut left = value.as_object().cloned().unwrap_or_else(Map::new);
    left.retain(|field, _| !fields.contains(&field.as_str()));
    Value::Object(left)
}

fn fill(path: &str, wanted: &Value, there: &mut Value, paths: &mut Vec<String>) {
    match (wanted, there) {
        (Value::Object(wanted), Value::Object(there)) => {
            for (key, value) in wanted {
                let below = match path {
                    "" => key.clone(),
                    path => format!("{path}.{key}"),
                };
                fill(
                    &below,
                    value,
                    there.entry(key).or_insert(Value::Null),
                    paths,
                );
            }
        }
        (Value::Array(wanted), Value::Array(there)) => {
            let missing: Vec<&Value> = wanted.iter().filter(|v| !there.contains(v)).collect();
            if !missing.is_empty() {
                paths.push(path.to_owned());
                there.extend(missing.into_iter().cloned());
            }
        }
        (wanted, there) if *wanted != *there => {
            paths.push(path.to_owned());
            *there = wanted.clone();
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_new_note_lacks_is_found_and_filled_in() {
        let old = json!({
            "summary": "a", "status": "invoiced", "subject_id": "1", "shared": true,
            "entries": {"k": {"text": "x"}, "l": {"text": "y"}}, "present": ["1", "2"],
        });
        let whole = json!({
            "summary": "a", "status": "done", "subject_id": "2", "km": "3",
            "entries": {"k": {"text": "x"}, "l": {"text": "y"}}, "present": ["2", "1", "3"],
        });
        let became = |mut new: Value| {
            new["moved_from"] = json!({"doc": id(9).to_string()});
            new
        };
        let paths = |old: &Value, new: Value| {
            let mut paths = lacking(DocId(id(9)), old, &became(new)).expect("what it became");
            paths.sort();
            paths
        };
        assert_eq!(paths(&old, whole.clone()), [""; 0]);
        assert_eq!(completed(&old, &whole), whole);
        let part = json!({"summary": "b", "entries": {"k": {"text": "x"}}, "present": ["3"]});
        assert_eq!(
            paths(&old, part.clone()),
            ["entries.l", "present", "summary"]
        );
        assert_eq!(paths(&old, completed(&old, &part)), [""; 0]);
        assert_eq!(lacking(DocId(id(9)), &old, &whole), None);
        assert_eq!(lacking(DocId(id(9)), &old, &Value::Null), None);
    }

    #[test]
    fn of_two_that_one_note_became_one_can_go_if_the_other_says_what_was_done_on_it_since() {
        let from = json!({"doc": id(9).to_string(), "by": id(5).to_string()});
        let plain =
            json!({"summary": "a", "subject_id": "1", "status": "done", "moved_from": from});
        let mut other = plain.clone();
        other["moved_from"]["by"] = id(6).to_string().into();
        let doc = DocId(id(8));
        assert_eq!(lacking(doc, &plain, &other), Some(vec![]));
        let mut sealed = plain.clone();
        sealed["seals"] = json!({"k": {"by": "x"}});
        assert_eq!(
            lacking(doc, &sealed, &other),
            Some(vec!["seals".to_owned()])
        );
        assert_eq!(
            completed(&sealed, &other),
            other,
            "nothing signed is carried over"
        );
        assert_eq!(lacking(doc, &other, &sealed), Some(vec![]));
        let stranger = json!({"summary": "a", "moved_from": {"doc": id(7).to_string()}});
        assert_eq!(lacking(doc, &stranger, &other), None);
        assert_eq!(
            lacking(doc, &json!({"summary": "a"}), &json!({"summary": "a"})),
            None
        );
    }

    fn id(n: u128) -> Uuid {
        Uuid::from_u128(n)
    }

    #[test]
    fn a_moved_note_keeps_what_was_done_and_leaves_what_was_the_wrong_client_s() {
        let old = json!({
            "subject_id": id(1).to_string(), "contract_id": id(2).to_string(), "km": "12.5",
            "summary": "Kävelimme ulkona", "status": "invoiced", "shared": true, "wrong_client": true,
            "created_by": id(3).to_string(), "quota_entries": {"k": {}}, "seals": {"k": {}},
        });
        let to = Destination {
            subject: Some(id(4)),
            contract: None,
        };
        let by = MemberId(id(5));
        let new = moved(DocId(id(6)), &old, &to, by, 7);
        let wanted = json!({
            "subject_id": id(4).to_string(), "km": "12.5", "summary": "Kävelimme ulkona", "status": "done",
            "created_by": id(3).to_string(),
            "moved_from": {"doc": id(6).to_string(), "by": id(5).to_string(), "at": 7},
        });
        assert_eq!(new, wanted);
        let begun = moved(DocId(id(6)), &json!({"status": "started"}), &to, by, 7);
        assert_eq!(begun["status"], "started");
        assert!(
            moved(DocId(id(6)), &json!({}), &to, by, 7)
                .get("status")
                .is_none()
        );
    }
}
