//! A document's timeline: every save, who made it, when by the device and by the relay, and what it
//! changed, in words. A page computes the differences of its own saves only, so a document with
//! twenty thousand of them opens like any other.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use serde::Deserialize;
use serde_json::Value;
use sopu_core::documents::Rule;
use sopu_core::history::{FieldChange, field_changes};
use sopu_core::id::{DocId, SpaceId};
use sopu_core::store::history;

use super::books::Space;
use super::conflicts::Author;
use super::content::Show;
use super::document::Head;
use super::frame::{Frame, html};
use super::names::Names;
use super::visitor::Visitor;
use super::{Failure, Office};

/// Saves on a page.
const PAGE: usize = 25;

/// One save.
struct Save {
    who: String,
    device: String,
    device_time: String,
    relay_time: String,
    first: bool,
    changes: Vec<Change>,
}

/// What a save did to one field.
pub(super) enum Change {
    /// In one sentence.
    Line(String),
    /// To a text: what stood before, what went, what came, what follows.
    Text {
        label: String,
        before: String,
        gone: String,
        come: String,
        after: String,
    },
}

#[derive(Template)]
#[template(path = "history.html")]
struct Page {
    frame: Frame,
    space: Space,
    head: Head,
    saves: Vec<Save>,
    total: usize,
    page: usize,
    pages: usize,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Which {
    page: String,
}

/// The page.
pub(super) async fn page(
    State(office): State<Arc<Office>>,
    visitor: Visitor,
    Path((space, doc)): Path<(SpaceId, DocId)>,
    Query(which): Query<Which>,
) -> Result<Response, Failure> {
    office
        .with_books(move |office, books| {
            let space = books.enter(office, &visitor, space)?;
            let view = books.open_document(office, &visitor, &space, doc, "history")?;
            let record = books.record(office)?.ok_or(Failure::NotFound)?;
            let steps = history::history(record.conn(), doc)?;
            let loaded = record.document(doc)?;
            let books = &*books;
            let names = Names::of(&books.people, books.opened(), space.id, visitor.words)?;
            let words = visitor.words;
            let show = Show {
                words,
                names: &names,
                kind: view.kind,
            };
            let pages = steps.len().div_ceil(PAGE).max(1);
            let page = which.page.parse::<usize>().unwrap_or(1).clamp(1, pages);
            let newest_first = steps.iter().enumerate().rev();
            let saves = newest_first
                .skip((page - 1) * PAGE)
                .take(PAGE)
                .map(|(number, step)| {
                    let author = Author::of(words, &names, Some(step));
                    let meta = loaded.am.get_change_meta_by_hash(&step.hash.into());
                    let changes =
                        field_changes(&loaded.am, view.kind, &step.hash).unwrap_or_default();
                    Save {
                        who: author.who,
                        device: author.device,
                        device_time: meta.map_or_else(String::new, |m| words.instant(m.timestamp)),
                        relay_time: author.relay_time,
                        first: number == 0,
                        changes: changes
                            .iter()
                            .filter(|c| !said_above(c))
                            .map(|c| told(&show, c))
                            .collect(),
                    }
                })
                .collect();
            let head = Head::of(words, &space, &view);
            let total = steps.len();
            Ok(html(&Page {
                frame: visitor.frame(),
                space,
                head,
                saves,
                total,
                page,
                pages,
            }))
        })
        .await
}

/// What the line above the changes says already, or is for machines only.
pub(super) fn said_above(change: &FieldChange) -> bool {
    [
        "schema_version",
        "created_at",
        "created_by",
        "created_on",
        "visit_key",
    ]
    .contains(&change.path.as_str())
}

/// A change of one field in words.
pub(super) fn told(show: &Show<'_>, change: &FieldChange) -> Change {
    let label = show.label_at(&change.path);
    let resolved = show.resolve(&change.path);
    let is_text = |rule: &Rule| matches!(rule, Rule::Txt);
    let text_field =
        resolved
            .as_ref()
            .is_some_and(|(field, rest)| match (field.rule, rest.as_slice()) {
                (Rule::Map(parts), [_key, part]) => {
                    parts.iter().any(|p| p.path == *part && is_text(&p.rule))
                }
                (rule, []) => is_text(&rule),
                _ => false,
            });
    if text_field {
        let text = |v: &Option<Value>| {
            v.as_ref()
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        let (before, gone, come, after) = difference(&text(&change.before), &text(&change.after));
        return Change::Text {
            label,
            before,
            gone,
            come,
            after,
        };
    }
    let whole_item = resolved.is_some_and(|(field, rest)| {
        rest.len() == 1 && matches!(field.rule, Rule::Map(_) | Rule::Log)
    });
    let shown = |value: &Value| show.at(&change.path, value);
    let words = show.words;
    Change::Line(match (&change.before, &change.after) {
        (None, Some(new)) if whole_item => words.with(
            "change-item-added",
            &[("field", &label), ("new", &shown(new))],
        ),
        (Some(old), None) if whole_item => words.with(
            "change-item-removed",
            &[("field", &label), ("old", &shown(old))],
        ),
        (None, Some(new)) => words.with("change-set", &[("field", &label), ("new", &shown(new))]),
        (Some(old), Some(new)) => words.with(
            "change-from-to",
            &[
                ("field", &label),
                ("old", &shown(old)),
                ("new", &shown(new)),
            ],
        ),
        (Some(old), None) => {
            words.with("change-cleared", &[("field", &label), ("old", &shown(old))])
        }
        (None, None) => words.t("change-nothing"),
    })
}

/// Letters of unchanged text shown on each side of a difference.
const AROUND: usize = 40;

/// What stands before the difference of two texts, what went, what came, what follows.
fn difference(old: &str, new: &str) -> (String, String, String, String) {
    let (a, b): (Vec<char>, Vec<char>) = (old.chars().collect(), new.chars().collect());
    let mut start = a.iter().zip(&b).take_while(|(x, y)| x == y).count();
    // Whole words are easier to read than the letters that differ.
    let inside = |chars: &[char], at: usize| {
        at > 0 && at < chars.len() && chars[at - 1].is_alphanumeric() && chars[at].is_alphanumeric()
    };
    while inside(&a, start) || inside(&b, start) {
        start -= 1;
    }
    let room = a.len().min(b.len()) - start;
    let same = a
        .iter()
        .rev()
        .zip(b.iter().rev())
        .take(room)
        .take_while(|(x, y)| x == y);
    let mut end = same.count();
    while end > 0 && (inside(&a, a.len() - end) || inside(&b, b.len() - end)) {
        end -= 1;
    }
    let text = |chars: &[char]| chars.iter().collect::<String>();
    let before = &a[start.saturating_sub(AROUND)..start];
    let after = &a[a.len() - end..(a.len() - end + AROUND).min(a.len())];
    let mut before = text(before);
    let mut after = text(after);
    if start > AROUND {
        before.insert(0, '…');
    }
    if end > AROUND {
        after.push('…');
    }
    (
        before,
        text(&a[start..a.len() - end]),
        text(&b[start..b.len() - end]),
        after,
    )
}

#[cfg(test)]
mod tests {
    use super::difference;

    #[test]
    fn a_difference_shows_what_went_and_what_came_in_its_place() {
        let found = difference("Sää oli kunnossa", "Sää oli huono");
        assert_eq!(
            found,
            (
                "Sää oli ".into(),
                "kunnossa".into(),
                "huono".into(),
                String::new()
            )
        );
        let found = difference("Asiakas virkeä.", "Asiakas väsynyt.");
        assert_eq!(
            found,
            (
                "Asiakas ".into(),
                "virkeä".into(),
                "väsynyt".into(),
                ".".into()
            )
        );
        assert_eq!(difference("a a", "a a a").2, " a");
        assert_eq!(difference("", "x").2, "x");
        assert_eq!(difference("x", "").1, "x");
    }
}
