//! Fields that two people set without seeing each other: all values, who wrote them and when, and a
//! form to choose.

use std::collections::BTreeMap;
use std::sync::Arc;

use askama::Template;
use axum::Form;
use axum::extract::{Path, Query, State};
use axum::response::{Redirect, Response};
use serde::Deserialize;
use sopu_core::id::{DocId, Hash, SpaceId, Version};
use sopu_core::store::history::{self, Step};
use sopu_core::store::list;
use sopu_core::store::view::{self, View};

use super::books::{Books, Space};
use super::content::Show;
use super::document::Head;
use super::frame::{Frame, html, space_address};
use super::names::Names;
use super::visitor::Visitor;
use super::{Choice, Failure, Office, WriteError};
use crate::access::Action;
use crate::words::Words;

/// A conflict as it is shown.
struct Conflict {
    label: String,
    path: String,
    values: Vec<LiveValue>,
}

struct LiveValue {
    text: String,
    who: String,
    device: String,
    device_time: String,
    relay_time: String,
    change: Hash,
}

/// A document with its conflicts.
struct Open {
    head: Head,
    version: Version,
    conflicts: Vec<Conflict>,
}

#[derive(Template)]
#[template(path = "conflicts.html")]
struct Page {
    frame: Frame,
    space: Space,
    /// One document when its own page, any number on the space's page.
    open: Vec<Open>,
    single: Option<Head>,
    message: Option<String>,
}

/// Documents on the space's page of conflicts.
const DOCUMENTS: usize = 50;

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct After {
    after: String,
}

/// All conflicts of a space.
pub(super) async fn of_space(
    State(office): State<Arc<Office>>,
    visitor: Visitor,
    Path(space): Path<SpaceId>,
) -> Result<Response, Failure> {
    office
        .with_books(move |office, books| {
            let space = books.enter(office, &visitor, space)?;
            books.note_read(office, &visitor, &space, None, "conflicts")?;
            let query = list::Query {
                spaces: Some(vec![space.id]),
                conflicts_only: true,
                limit: DOCUMENTS,
                ..list::Query::default()
            };
            let mut open = Vec::new();
            if let Some(record) = books.record(office)? {
                let rows = list::list(record.conn(), &query)?.rows;
                let views = rows.iter().map(|row| view::get(record.conn(), row.doc));
                for view in views.collect::<Result<Vec<_>, _>>()?.into_iter().flatten() {
                    open.push(opened(office, books, visitor.words, &space, &view)?);
                }
            }
            let page = Page {
                frame: visitor.frame(),
                space,
                open,
                single: None,
                message: None,
            };
            Ok(html(&page))
        })
        .await
}

/// The conflicts of one document.
pub(super) async fn page(
    State(office): State<Arc<Office>>,
    visitor: Visitor,
    Path((space, doc)): Path<(SpaceId, DocId)>,
    Query(after): Query<After>,
) -> Result<Response, Failure> {
    office
        .with_books(move |office, books| {
            let space = books.enter(office, &visitor, space)?;
            let view = books.open_document(office, &visitor, &space, doc, "conflicts")?;
            office.writer.seen(space.id, doc);
            let open = opened(office, books, visitor.words, &space, &view)?;
            let message = match after.after.as_str() {
                "chosen" => Some(visitor.words.t("chosen")),
                "moved" => Some(visitor.words.t("conflict-moved")),
                _ => None,
            };
            let single = Some(Head::of(visitor.words, &space, &view));
            let open = if open.conflicts.is_empty() {
                Vec::new()
            } else {
                vec![open]
            };
            Ok(html(&Page {
                frame: visitor.frame(),
                space,
                open,
                single,
                message,
            }))
        })
        .await
}

fn opened(
    office: &Office,
    books: &mut Books,
    words: &'static Words,
    space: &Space,
    view: &View,
) -> Result<Open, Failure> {
    let record = books.record(office)?.ok_or(Failure::NotFound)?;
    let loaded = record.document(view.doc)?;
    let steps: BTreeMap<Hash, Step> = history::history(record.conn(), view.doc)?
        .into_iter()
        .map(|s| (s.hash, s))
        .collect();
    let books = &*books;
    let names = Names::of(&books.people, books.opened(), space.id, words)?;
    let show = Show {
        words,
        names: &names,
        kind: view.kind,
    };
    // Read from the document, not from the view: the version in the form must be that of the values.
    let reading = sopu_core::read::read(&loaded.am, loaded.kind);
    let conflicts = reading.conflicts.iter().map(|conflict| Conflict {
        label: show.label_at(&conflict.path),
        path: conflict.path.clone(),
        values: conflict
            .values
            .iter()
            .map(|live| {
                let author = Author::of(words, &names, steps.get(&live.change));
                let meta = loaded.am.get_change_meta_by_hash(&live.change.into());
                LiveValue {
                    text: if live.value.is_null() {
                        words.t("conflict-cleared")
                    } else {
                        show.at(&conflict.path, &live.value)
                    },
                    who: author.who,
                    device: author.device,
                    device_time: meta.map_or_else(String::new, |m| words.instant(m.timestamp)),
                    relay_time: author.relay_time,
                    change: live.change,
                }
            })
            .collect(),
    });
    Ok(Open {
        head: Head::of(words, space, view),
        version: loaded.heads.clone(),
        conflicts: conflicts.collect(),
    })
}

/// Who made a change, from its envelope.
pub(super) struct Author {
    /// The person's name.
    pub who: String,
    /// The device's name.
    pub device: String,
    /// When the relay received it.
    pub relay_time: String,
}

impl Author {
    pub(super) fn of(words: &Words, names: &Names<'_>, step: Option<&Step>) -> Self {
        let sealed = step.and_then(|s| s.envelope.as_ref());
        let unknown = || words.t("nobody-known");
        let (who, device) = sealed
            .and_then(|s| names.device(s.device))
            .unwrap_or_else(|| (unknown(), unknown()));
        let device = if device.is_empty() {
            words.t("device-office")
        } else {
            device
        };
        let received = sealed.and_then(|s| s.received_ms);
        Self {
            who,
            device,
            relay_time: received.map_or_else(unknown, |ms| words.instant(ms)),
        }
    }
}

#[derive(Deserialize)]
pub(super) struct Chosen {
    form_token: String,
    path: String,
    version: String,
    change: String,
}

/// Somebody has chosen.
pub(super) async fn choose(
    State(office): State<Arc<Office>>,
    visitor: Visitor,
    Path((space, doc)): Path<(SpaceId, DocId)>,
    Form(form): Form<Chosen>,
) -> Result<Redirect, Failure> {
    visitor.check_form(&form.form_token)?;
    office
        .with_books(move |office, books| {
            let space = books.enter_to(Action::Write, office, &visitor, space)?;
            let view = books.open_document(office, &visitor, &space, doc, "choose")?;
            let version: Version = form.version.parse().map_err(|_| Failure::Form)?;
            let change: Version = form.change.parse().map_err(|_| Failure::Form)?;
            let [change] = change.heads() else {
                return Err(Failure::Form);
            };
            let choice = Choice {
                member: visitor.who.member,
                space: space.id,
                doc,
                version,
                path: form.path,
                change: *change,
            };
            let after = match office.writer.choose(view.kind, &choice) {
                Ok(()) => "chosen",
                Err(WriteError::Gone) => "moved",
                Err(WriteError::Right) => return Err(Failure::Right),
                Err(WriteError::Failed) => return Err(Failure::Server),
            };
            let back = format!("/documents/{doc}/conflicts?after={after}");
            Ok(Redirect::to(&space_address(&space, &back)))
        })
        .await
}
