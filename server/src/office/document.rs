//! One document: what it says, who signed it, what waits for a person, how far its saves have come.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use serde_json::Value;
use sopu_core::documents::Kind;
use sopu_core::id::{DocId, SpaceId};
use sopu_core::store::view::View;

use super::books::Space;
use super::content::{Line, Show, Shown};
use super::frame::{Frame, html, space_address};
use super::names::Names;
use super::states::{self, States};
use super::visitor::Visitor;
use super::{Failure, Office, findings};
use crate::words::Words;

/// What the head of a document's pages shows.
pub struct Head {
    /// Its line.
    pub title: String,
    /// Its kind in words.
    pub kind: String,
    /// Its status in words.
    pub status: Option<String>,
    /// The status code, for its colour.
    pub status_code: String,
    /// Its date in words.
    pub date: Option<String>,
    /// Its address.
    pub address: String,
    /// Conflicts and clashes waiting.
    pub conflicts: usize,
}

impl Head {
    /// The head of this document.
    pub fn of(words: &Words, space: &Space, view: &View) -> Self {
        Self {
            title: if view.title.is_empty() {
                words.t("untitled")
            } else {
                view.title.clone()
            },
            kind: words.t(&format!("kind-{}", view.kind.code())),
            status: view
                .status
                .as_deref()
                .map(|s| super::documents::status_label(words, view.kind, s)),
            status_code: view.status.clone().unwrap_or_default(),
            date: view.date.as_deref().map(|d| words.date(d)),
            address: space_address(space, &format!("/documents/{}", view.doc)),
            conflicts: view.reading.conflicts.len(),
        }
    }
}

struct Signature {
    line: String,
    verdict: String,
    holds: bool,
}

struct Removed {
    field: String,
    text: String,
}

#[derive(Template)]
#[template(path = "document.html")]
struct Page {
    frame: Frame,
    space: Space,
    head: Head,
    lines: Vec<Line>,
    header: Vec<Line>,
    signatures: Option<Vec<Signature>>,
    findings: Vec<findings::Row>,
    removed: Vec<Removed>,
    unknown: Vec<String>,
    states: States,
}

/// The page.
pub(super) async fn page(
    State(office): State<Arc<Office>>,
    visitor: Visitor,
    Path((space, doc)): Path<(SpaceId, DocId)>,
) -> Result<Response, Failure> {
    office
        .with_books(move |office, books| {
            let space = books.enter(office, &visitor, space)?;
            let view = books.open_document(office, &visitor, &space, doc, "read")?;
            office.writer.seen(space.id, doc);
            let found = findings::of_space(office, books, space.id)?;
            let about = findings::of_document(&found, doc);
            let findings = findings::rows(office, books, visitor.words, &space, about)?;
            let states = states::of(&books.people, doc)?;
            let names = Names::of(&books.people, books.opened(), space.id)?;
            let show = Show {
                words: visitor.words,
                names: &names,
                kind: view.kind,
            };
            let page = Page {
                frame: visitor.frame(),
                head: Head::of(visitor.words, &space, &view),
                lines: show.own(&view.reading),
                header: show.header(&view.reading),
                signatures: (view.kind == Kind::Contract)
                    .then(|| signatures(&show, &view.reading.value)),
                findings,
                removed: removed(&show, &view),
                unknown: view.reading.unknown.clone(),
                states,
                space,
            };
            Ok(html(&page))
        })
        .await
}

fn removed(show: &Show<'_>, view: &View) -> Vec<Removed> {
    let items = view.reading.removed.iter();
    items
        .map(|item| Removed {
            field: show.label(&item.field),
            text: show.at(&format!("{}.{}", item.field, item.key), &item.value),
        })
        .collect()
}

/// Who signed what. A signature binds to a hash; it holds for the content locked last if that has
/// the same hash. Whether the device's key made it is judged where it is stored; here the office
/// sees what was signed.
fn signatures(show: &Show<'_>, contract: &Value) -> Vec<Signature> {
    let log = |name: &str| {
        let entries = contract.get(name).and_then(Value::as_object);
        entries
            .into_iter()
            .flat_map(|entries| entries.values())
            .cloned()
            .collect::<Vec<Value>>()
    };
    let text = |entry: &Value, part: &str| {
        entry
            .get(part)
            .and_then(Value::as_str)
            .map(ToOwned::to_owned)
    };
    let at = |entry: &Value, part: &str| entry.get(part).and_then(Value::as_i64);
    let locked = log("seals").into_iter().max_by_key(|seal| at(seal, "at"));
    let hash = locked.as_ref().and_then(|seal| text(seal, "hash"));
    let words = show.words;
    log("signatures")
        .iter()
        .filter(|entry| entry.get("withdrawn") != Some(&Value::Bool(true)))
        .map(|entry| {
            let signer = || {
                text(entry, "signer")?
                    .parse()
                    .ok()
                    .and_then(|id| show.names.find(id))
            };
            let who = text(entry, "signer_name")
                .or_else(signer)
                .unwrap_or_else(|| words.t("nobody-known"));
            let when = at(entry, "signed_at")
                .map_or_else(|| words.t("nobody-known"), |ms| words.instant(ms));
            let holds = hash.is_some() && text(entry, "hash") == hash;
            let verdict = match &hash {
                None => words.t("signature-not-locked"),
                Some(_) if holds => words.t("signature-holds"),
                Some(_) => words.t("signature-other"),
            };
            Signature {
                line: words.with("signature-by", &[("who", &who), ("when", &when)]),
                verdict,
                holds,
            }
        })
        .collect()
}
