//! Erasing a document from its page, and the receipt of it.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use sopu_core::id::{DocId, SpaceId};

use super::books::Space;
use super::frame::{Frame, html, space_address};
use super::posted::Posted;
use super::visitor::Visitor;
use super::{Failure, Office};
use crate::access::Action;
use crate::access::erasures::{self, AWAITED, REASONS, RECORD_DAMAGED, Standing};

#[derive(Template)]
#[template(path = "erase.html")]
struct Page {
    frame: Frame,
    space: Space,
    /// What came of it, in words.
    state: String,
    waits: bool,
    rows: Vec<Row>,
}

struct Row {
    device: String,
    state: String,
    confirmed: bool,
}

/// Asks for it. The relay carries it out within a moment.
pub(super) async fn ask(
    State(office): State<Arc<Office>>,
    Path((space, doc)): Path<(SpaceId, DocId)>,
    Posted { visitor, sent }: Posted,
) -> Result<Response, Failure> {
    office
        .with_books(move |office, books| {
            let space = books.enter_to(Action::Erase, office, &visitor, space)?;
            let reason = sent.one("reason");
            if !REASONS.contains(&reason) {
                return Err(Failure::Form);
            }
            // Also notes that it was looked at; and it must be of this space.
            books.open_document(office, &visitor, &space, doc, "read")?;
            let place = (Some(space.id), Some(doc));
            books.together(|books| {
                books.note(office, visitor.who.member, "erase", place, Some(reason))?;
                Ok(erasures::wish(&books.people, doc, reason)?)
            })?;
            let receipt = space_address(&space, &format!("/erased/{doc}"));
            Ok(Redirect::to(&receipt).into_response())
        })
        .await
}

/// What came of it: who has confirmed.
pub(super) async fn receipt(
    State(office): State<Arc<Office>>,
    visitor: Visitor,
    Path((space, doc)): Path<(SpaceId, DocId)>,
) -> Result<Response, Failure> {
    office
        .with_books(move |office, books| {
            let space = books.enter_to(Action::Erase, office, &visitor, space)?;
            let db = &books.people;
            if erasures::space_of(db, doc)? != Some(space.id) {
                return Err(Failure::NotFound);
            }
            let words = visitor.words;
            let erased = erasures::erased_ms(db, doc)?;
            let standing = erasures::standing(db, doc)?;
            let (state, waits) = match (standing, erased) {
                (Standing::Waiting, _) => (words.t("erase-waits"), true),
                (Standing::Refused(code), _) if code == "legal_hold" => {
                    (words.t("erase-hold"), false)
                }
                (Standing::None, Some(ms)) => {
                    let when = words.instant(ms);
                    (words.with("erase-done", &[("when", &when)]), false)
                }
                (Standing::Refused(code), _) if code == AWAITED => (words.t("move-short"), false),
                (Standing::Refused(code), _) if code == RECORD_DAMAGED => {
                    (words.t("erase-damaged"), false)
                }
                (Standing::Refused(_), _) => (words.t("error-server"), false),
                (Standing::None, None) => return Err(Failure::NotFound),
            };
            let rows = erasures::receipt(db, doc)?.into_iter().map(|row| Row {
                device: format!("{}, {}", row.member, row.device),
                confirmed: row.confirmed_ms.is_some(),
                state: match row.confirmed_ms {
                    Some(ms) => {
                        let when = words.instant(ms);
                        words.with("erase-confirmed", &[("when", &when)])
                    }
                    None => words.t("erase-unconfirmed"),
                },
            });
            let mut frame = visitor.frame();
            frame.here = space_address(&space, &format!("/erased/{doc}"));
            Ok(html(&Page {
                frame,
                state,
                waits,
                rows: rows.collect(),
                space,
            }))
        })
        .await
}
