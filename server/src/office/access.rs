//! Who has read and done what with a document: for owners, never for field members.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use sopu_core::id::{DocId, SpaceId};

use super::books::Space;
use super::document::Head;
use super::frame::{Frame, html};
use super::visitor::Visitor;
use super::{Failure, Office};
use crate::access::{Action, log, people};

/// Rows shown; `sopu audit access` gives all.
const ROWS: u32 = 500;

#[derive(Template)]
#[template(path = "access.html")]
struct Page {
    frame: Frame,
    space: Space,
    head: Head,
    rows: Vec<Row>,
    more: bool,
}

struct Row {
    when: String,
    who: String,
    what: String,
    reason: String,
}

/// The page. That it was looked at is a row itself.
pub(super) async fn page(
    State(office): State<Arc<Office>>,
    visitor: Visitor,
    Path((space, doc)): Path<(SpaceId, DocId)>,
) -> Result<Response, Failure> {
    office
        .with_books(move |office, books| {
            let space = books.enter_to(Action::AccessLog, office, &visitor, space)?;
            let view = books.open_document(office, &visitor, &space, doc, "access")?;
            let words = visitor.words;
            let mut rows = Vec::new();
            for entry in log::of_document(&books.people, doc, ROWS)? {
                let who = match entry.member {
                    Some(member) => people::name_of(&books.people, member)?,
                    None => Some(words.t("access-command-line")),
                };
                let key = format!("access-{}", entry.action);
                rows.push(Row {
                    when: words.instant(entry.at_ms),
                    who: who.unwrap_or_else(|| words.t("nobody-known")),
                    what: words.find(&key, None).unwrap_or(entry.action),
                    reason: entry.reason.unwrap_or_default(),
                });
            }
            let more = u32::try_from(rows.len()).is_ok_and(|n| n >= ROWS);
            Ok(html(&Page {
                frame: visitor.frame(),
                head: Head::of(words, &space, &view),
                rows,
                more,
                space,
            }))
        })
        .await
}
