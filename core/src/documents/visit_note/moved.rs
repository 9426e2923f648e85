//! A note on the wrong client is moved, never edited (C16): a new note in the right client's space that
//! names the old one, and the old one taken out of the record.

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
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

/// The id of what a note becomes when it is moved: the same whoever moves it, and however often, so that
/// one note never becomes two.
pub fn moved_id(old: DocId) -> DocId {
    let mut sha = Sha256::new();
    sha.update(b"sopu-moved-1");
    sha.update(old.as_bytes());
    let hash: [u8; 32] = sha.finalize().into();
    let mut bytes = *old.as_bytes();
    // Beside the old one in time, with the version and variant of RFC 9562.
    bytes[6..].copy_from_slice(&hash[..10]);
    bytes[6] = 0x70 | bytes[6] & 0x0f;
    bytes[8] = 0x80 | bytes[8] & 0x3f;
    DocId(Uuid::from_bytes(bytes))
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

/// Whether a note says that it is what this one became.
pub fn is_moved_from(value: &Value, old: DocId) -> bool {
    value["moved_from"]["doc"].as_str() == Some(&old.to_string())
}

/// Paths of what the old note would take with it if it were moved now, and the new one does not say.
/// While there is any, the old one must not be erased.
pub fn lacking(old: &Value, new: &Value) -> Vec<String> {
    let mut paths = Vec::new();
    fill("", &carried(old), &mut new.clone(), &mut paths);
    paths
}

/// The new note with what it lacks of the old one.
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
    let mut value = moved(DocId(Uuid::nil()), old, &nowhere, MemberId(Uuid::nil()), 0);
    if let Some(fields) = value.as_object_mut() {
        fields.retain(|field, _| !["moved_from", "status", "schema_version"].contains(&&**field));
    }
    value
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
        assert_eq!(lacking(&old, &whole), Vec::<String>::new());
        assert_eq!(completed(&old, &whole), whole);
        let part = json!({"summary": "b", "entries": {"k": {"text": "x"}}, "present": ["3"]});
        let paths = ["entries.l", "present", "summary"];
        let mut found = lacking(&old, &part);
        found.sort();
        assert_eq!(found, paths);
        assert_eq!(lacking(&old, &completed(&old, &part)), Vec::<String>::new());
        assert!(!lacking(&old, &Value::Null).is_empty());
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

    #[test]
    fn the_new_id_is_one_of_version_seven_and_always_the_same() {
        let old = DocId(Uuid::from_bytes([0xff; 16]));
        let new = moved_id(old);
        assert_eq!(new, moved_id(old));
        assert_ne!(new, old);
        assert_eq!(new.0.get_version_num(), 7);
        assert_eq!(new.0.get_variant(), uuid::Variant::RFC4122);
        assert_eq!(new.as_bytes()[..6], old.as_bytes()[..6]);
        assert_ne!(moved_id(new), new);
    }
}
