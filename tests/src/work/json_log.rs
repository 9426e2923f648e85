//! The baseline of the wire: the barest log of the same edits that could do, one JSON line an edit,
//! compressed as one. No signatures, no hashes, nothing that lets concurrent edits merge.

use serde_json::{Value, json};

/// A growing log.
#[derive(Clone, Debug, Default)]
pub struct JsonLog {
    lines: Vec<u8>,
    edits: usize,
}

impl JsonLog {
    /// Writes down what one save changed.
    pub fn save(&mut self, doc: &str, by: &str, at_ms: i64, old: &Value, new: &Value) {
        let mut edits = Vec::new();
        compare(&mut String::new(), old, new, &mut edits);
        for mut edit in edits {
            edit["doc"] = json!(doc);
            edit["by"] = json!(by);
            edit["t"] = json!(at_ms);
            self.lines.extend_from_slice(edit.to_string().as_bytes());
            self.lines.push(b'\n');
            self.edits += 1;
        }
    }

    /// Appends another log.
    pub fn extend(&mut self, other: &JsonLog) {
        self.lines.extend_from_slice(&other.lines);
        self.edits += other.edits;
    }

    /// How many edits are in it.
    pub fn edits(&self) -> usize {
        self.edits
    }

    /// Its bytes as they are.
    pub fn plain(&self) -> usize {
        self.lines.len()
    }

    /// Its bytes under zstd at level 3, all in one frame.
    pub fn zstd(&self) -> usize {
        zstd::bulk::compress(&self.lines, 3)
            .expect("compresses")
            .len()
    }
}

/// A changed text is a splice; a new item is written whole; anything else is its new value.
fn compare(path: &mut String, old: &Value, new: &Value, edits: &mut Vec<Value>) {
    match (old, new) {
        _ if old == new => {}
        (Value::Object(before), Value::Object(after)) => {
            for (key, value) in after {
                let length = path.len();
                if !path.is_empty() {
                    path.push('/');
                }
                path.push_str(key);
                compare(path, before.get(key).unwrap_or(&Value::Null), value, edits);
                path.truncate(length);
            }
        }
        // A field seen for the first time, with whatever is in it.
        (Value::Null, Value::Object(after)) if path.is_empty() => {
            let empty = Value::Object(serde_json::Map::new());
            compare(path, &empty, &Value::Object(after.clone()), edits);
        }
        (Value::String(before), Value::String(after)) if is_text(path) => {
            let (at, gone, come) = splice(before, after);
            let mut edit = json!({"f": path, "at": at});
            if gone > 0 {
                edit["del"] = json!(gone);
            }
            if !come.is_empty() {
                edit["ins"] = json!(come);
            }
            edits.push(edit);
        }
        _ => edits.push(json!({"f": path, "v": new})),
    }
}

fn is_text(path: &str) -> bool {
    ["summary", "handover", "text"].contains(&path.rsplit('/').next().unwrap_or_default())
}

/// Where two texts part, how many characters go, and which come.
fn splice(old: &str, new: &str) -> (usize, usize, String) {
    let old: Vec<char> = old.chars().collect();
    let new: Vec<char> = new.chars().collect();
    let start = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let rest = old[start..].iter().rev().zip(new[start..].iter().rev());
    let end = rest.take_while(|(a, b)| a == b).count();
    let come = new[start..new.len() - end].iter().collect();
    (start, old.len() - start - end, come)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_what_changed_and_no_more() {
        let mut log = JsonLog::default();
        let old = json!({"summary": "Sää oli", "km": "1", "observations": {"a": {"text": "x"}}});
        let new = json!({"summary": "Sää on nyt", "km": "2", "observations": {"a": {"text": "x"}, "b": {"text": "y"}}});
        log.save("d", "m", 7, &old, &new);
        let lines = String::from_utf8(log.lines.clone()).expect("text");
        let mut lines: Vec<&str> = lines.lines().collect();
        lines.sort_unstable();
        assert_eq!(
            lines,
            [
                r#"{"at":5,"by":"m","del":2,"doc":"d","f":"summary","ins":"n nyt","t":7}"#,
                r#"{"by":"m","doc":"d","f":"km","t":7,"v":"2"}"#,
                r#"{"by":"m","doc":"d","f":"observations/b","t":7,"v":{"text":"y"}}"#,
            ]
        );
        assert_eq!(log.edits(), 3);
    }
}
