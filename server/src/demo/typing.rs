//! How a document comes to be: a person fills in one part after another and the form saves itself
//! every now and then. From the finished value, the values the form had at each save.

use serde_json::{Map, Value, json};
use sopu_core::documents::{Kind, Rule};

/// The content of the form at each of at most `saves` saves, the last being `finished`.
/// `status` comes last: a form is filled in before it is closed.
pub fn typed(kind: Kind, finished: &Value, saves: usize) -> Vec<Value> {
    let mut strokes = strokes(kind, finished);
    strokes.sort_by_key(|stroke| stroke.path.first().is_some_and(|root| root == "status"));
    let saves = saves.clamp(1, strokes.len().max(1));
    let mut form = json!({});
    let mut at_saves = Vec::with_capacity(saves);
    for (done, stroke) in (1..).zip(&strokes) {
        put(&mut form, &stroke.path, stroke.value.clone());
        if at_saves.len() < done * saves / strokes.len() {
            at_saves.push(form.clone());
        }
    }
    if at_saves.is_empty() {
        at_saves.push(form);
    }
    at_saves
}

struct Stroke {
    path: Vec<String>,
    value: Value,
}

fn strokes(kind: Kind, finished: &Value) -> Vec<Stroke> {
    let mut all = Vec::new();
    for field in kind.spec().fields() {
        let path: Vec<String> = field.path.split('.').map(str::to_owned).collect();
        let found = path
            .iter()
            .try_fold(finished, |value, part| value.get(part));
        let Some(value) = found else { continue };
        let mut push = |more: Option<&String>, value: Value| {
            let path = path.iter().chain(more).cloned().collect();
            all.push(Stroke { path, value });
        };
        match (field.rule, value) {
            (Rule::Txt, Value::String(text)) => {
                for sofar in growing(text) {
                    push(None, Value::String(sofar));
                }
            }
            (Rule::Map(fields), Value::Object(items)) => {
                for (key, item) in items {
                    let text = fields
                        .iter()
                        .find(|f| matches!(f.rule, Rule::Txt) && item.get(f.path).is_some());
                    if let Some(text) = text
                        && let Some(words) = item[text.path].as_str()
                    {
                        for sofar in growing(words) {
                            let mut item = item.clone();
                            item[text.path] = Value::String(sofar);
                            push(Some(key), item);
                        }
                    } else {
                        push(Some(key), item.clone());
                    }
                }
            }
            (Rule::Log, Value::Object(entries)) => {
                for (key, entry) in entries {
                    push(Some(key), entry.clone());
                }
            }
            _ => push(None, value.clone()),
        }
    }
    all
}

/// A text as it grows, sentence by sentence or so.
fn growing(text: &str) -> Vec<String> {
    let ends: Vec<usize> = text
        .match_indices(['.', '\n'])
        .map(|(at, end)| at + end.len())
        .collect();
    let mut stages: Vec<String> = Vec::new();
    let mut last = 0;
    for end in ends {
        if end - last > 160 && end < text.len() {
            stages.push(text[..end].to_owned());
            last = end;
        }
    }
    stages.push(text.to_owned());
    stages
}

fn put(form: &mut Value, path: &[String], value: Value) {
    let Some((last, outer)) = path.split_last() else {
        return;
    };
    let mut at = form;
    for part in outer {
        if !at.is_object() {
            *at = Value::Object(Map::new());
        }
        at = &mut at[part.as_str()];
    }
    at[last.as_str()] = value;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_grows_to_what_it_becomes_and_its_status_comes_last() {
        let key = "0190b5a0-0000-7000-8000-000000000001";
        let long = "Asiakas oli hereillä. ".repeat(20);
        let finished = json!({
            "profile": "care", "status": "done", "km": "4.5",
            "entries": { key: {"text": long, "heading": "uni"} },
        });
        let forms = typed(Kind::VisitNote, &finished, 6);
        assert_eq!(forms.last(), Some(&finished));
        assert!(forms.len() > 3, "{}", forms.len());
        assert!(
            forms[..forms.len() - 1]
                .iter()
                .all(|form| form.get("status").is_none())
        );
        assert!(forms.windows(2).all(|pair| pair[0] != pair[1]));
    }

    #[test]
    fn one_save_is_the_whole_form() {
        let finished = json!({"profile": "care", "km": "1"});
        assert_eq!(typed(Kind::VisitNote, &finished, 1), [finished]);
    }
}
