//! What Sopu noticed in a space: computed from the merged views, shown in words.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use serde_json::Value;
use sopu_core::findings::{self, Finding};
use sopu_core::id::{DocId, SpaceId};
use sopu_core::store::list::{self, Query};
use sopu_core::store::view;

use super::books::{Books, Space};
use super::frame::{Frame, html, space_address};
use super::names::Names;
use super::visitor::Visitor;
use super::{Failure, Office};
use crate::words::Words;

#[derive(Template)]
#[template(path = "findings.html")]
struct Page {
    frame: Frame,
    space: Space,
    rows: Vec<Row>,
}

/// A finding in words.
pub struct Row {
    /// Code of how soon to look.
    pub severity: &'static str,
    /// The same in words.
    pub severity_words: String,
    /// What was found.
    pub text: String,
    /// The documents concerned: title and address.
    pub documents: Vec<(String, String)>,
}

/// The findings of a space.
pub(super) async fn page(
    State(office): State<Arc<Office>>,
    visitor: Visitor,
    Path(space): Path<SpaceId>,
) -> Result<Response, Failure> {
    office
        .with_books(move |office, books| {
            let space = books.enter(office, &visitor, space)?;
            books.note_read(office, &visitor, &space, None, "findings")?;
            let found = of_space(office, books, space.id)?;
            let rows = rows(office, books, visitor.words, &space, found.iter())?;
            Ok(html(&Page {
                frame: visitor.frame(),
                space,
                rows,
            }))
        })
        .await
}

/// Findings in words, with the titles of their documents.
pub(super) fn rows<'f>(
    office: &Office,
    books: &mut Books,
    words: &'static Words,
    space: &Space,
    found: impl Iterator<Item = &'f Finding>,
) -> Result<Vec<Row>, Failure> {
    if books.record(office)?.is_none() {
        return Ok(Vec::new());
    }
    let books = &*books;
    let record = books.opened();
    let names = Names::of(&books.people, record, space.id, words)?;
    let mut rows = Vec::new();
    for finding in found {
        let mut documents = Vec::new();
        for doc in &finding.docs {
            let view = record
                .map(|r| view::get(r.conn(), *doc))
                .transpose()?
                .flatten();
            let title = view.as_ref().map_or("", |view| &view.title);
            let date = view.as_ref().and_then(|view| view.date.as_deref());
            documents.push((
                called(words, title, date),
                space_address(space, &format!("/documents/{doc}")),
            ));
        }
        rows.push(Row {
            severity: finding.severity.code(),
            severity_words: words.t(&format!("severity-{}", finding.severity.code())),
            text: text(words, &names, finding),
            documents,
        });
    }
    Ok(rows)
}

/// What a document is called among others: notes that begin alike are told apart by their day.
fn called(words: &Words, title: &str, date: Option<&str>) -> String {
    let title = if title.is_empty() {
        words.t("untitled")
    } else {
        title.to_owned()
    };
    match date {
        Some(date) => format!("{title} ({})", words.date(date)),
        None => title,
    }
}

/// What a finding says, its facts put into the sentence of its code.
fn text(words: &Words, names: &Names<'_>, finding: &Finding) -> String {
    let mut parts: Vec<(&str, String)> = Vec::new();
    for (name, fact) in &finding.facts {
        parts.push((name, fact_in_words(words, names, name, fact)));
    }
    let path = finding.path.as_deref().unwrap_or_default();
    let first = path.split('.').next().unwrap_or_default();
    parts.push(("field", words.field("", first)));
    let borrowed: Vec<(&str, &str)> = parts
        .iter()
        .map(|(name, text)| (*name, text.as_str()))
        .collect();
    words.with(&format!("finding-{}", finding.code), &borrowed)
}

fn fact_in_words(words: &Words, names: &Names<'_>, name: &str, fact: &Value) -> String {
    let one = |value: &Value| match value {
        Value::String(text) => match text.parse::<uuid::Uuid>() {
            Ok(id) => names.find(id).unwrap_or_else(|| words.t("nobody-known")),
            Err(_) if name == "unit" => sopu_core::codes::label("unit", text, words.lang.code())
                .unwrap_or(text)
                .to_owned(),
            Err(_) if name == "reason" => words
                .find(&format!("finding-reason-{text}"), None)
                .unwrap_or_else(|| text.clone()),
            Err(_) => words.date(&words.decimal(text)),
        },
        Value::Number(number) if name == "offset_ms" => {
            let ms = number.as_i64().unwrap_or(0).unsigned_abs();
            ((ms + 30_000) / 60_000).to_string()
        }
        Value::Number(number) if name.ends_with("_ms") => number
            .as_i64()
            .map_or_else(|| number.to_string(), |ms| words.instant(ms)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            value.to_string()
        }
    };
    if let Value::Array(all) = fact {
        return all.iter().map(one).collect::<Vec<_>>().join(", ");
    }
    one(fact)
}

/// The findings of a space as it is merged now. They are computed again only when a document of the
/// space changed or a minute passed, because some depend on what time it is.
pub(super) fn of_space(
    office: &Office,
    books: &mut Books,
    space: SpaceId,
) -> Result<Arc<Vec<Finding>>, Failure> {
    let now = office.env.now_ms();
    let Some(record) = books.record(office)? else {
        return Ok(Arc::default());
    };
    let newest = Query {
        spaces: Some(vec![space]),
        limit: 1,
        ..Query::default()
    };
    let newest = list::list(record.conn(), &newest)?;
    let stamp = (
        newest.total,
        newest.rows.first().map_or(0, |row| row.updated_ms),
        now / 60_000,
    );
    if let Some(kept) = office.found.get(space, stamp) {
        return Ok(kept);
    }
    let mut views = Vec::new();
    view::each(record.conn(), space, &mut |view| {
        views.push(findings::View::from(view))
    })?;
    let found = Arc::new(findings::findings(&views, now));
    office.found.put(space, stamp, Arc::clone(&found));
    Ok(found)
}

/// Those that concern one document.
pub(super) fn of_document(found: &[Finding], doc: DocId) -> impl Iterator<Item = &Finding> {
    found.iter().filter(move |f| f.docs.contains(&doc))
}

/// Findings kept between requests.
#[derive(Default)]
pub(super) struct Found {
    kept: std::sync::Mutex<BySpace>,
}

type BySpace = std::collections::BTreeMap<SpaceId, (Stamp, Arc<Vec<Finding>>)>;

/// Documents, newest change, minute.
type Stamp = (u64, i64, i64);

impl Found {
    fn get(&self, space: SpaceId, stamp: Stamp) -> Option<Arc<Vec<Finding>>> {
        let kept = self
            .kept
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        kept.get(&space)
            .filter(|(of, _)| *of == stamp)
            .map(|(_, found)| Arc::clone(found))
    }

    fn put(&self, space: SpaceId, stamp: Stamp, found: Arc<Vec<Finding>>) {
        let mut kept = self
            .kept
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        kept.insert(space, (stamp, found));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::Lang;

    #[test]
    fn notes_that_begin_alike_are_told_apart_by_their_day() {
        let words = Words::of(Lang::Fi);
        assert_eq!(
            called(words, "Lounas maistui", Some("2026-11-19")),
            "Lounas maistui (19.11.2026)"
        );
        assert_eq!(called(words, "Sopimus", None), "Sopimus");
        assert_eq!(called(words, "", None), words.t("untitled"));
    }

    #[test]
    fn a_clock_a_day_off_is_1440_minutes_off_though_measured_a_moment_short() {
        let db = crate::store::schema::open_in_memory().expect("in memory");
        let space = SpaceId(uuid::Uuid::nil());
        let names = Names::of(&db, None, space, Words::of(Lang::Fi)).expect("no names");
        let said = fact_in_words(
            Words::of(Lang::Fi),
            &names,
            "offset_ms",
            &Value::from(-86_399_999),
        );
        assert_eq!(said, "1440");
    }
}
