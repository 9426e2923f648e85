//! Moving a visit note from the wrong client (C16): made anew where it belongs, the old one taken out.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, Query as Asked, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use sopu_core::documents::Kind;
use sopu_core::documents::visit_note::moved::{Destination, moved, moved_id};
use sopu_core::id::{DocId, SpaceId};
use sopu_core::store::view::{self, View};
use uuid::Uuid;

use super::books::{Books, Space};
use super::document::Head;
use super::documents::{Choice, subjects};
use super::frame::{Frame, html, space_address};
use super::posted::Posted;
use super::sent::Sent;
use super::visitor::Visitor;
use super::{Failure, Office, Place, WriteError};
use crate::access::{Action, erasures, people, spaces_of};

#[derive(Template)]
#[template(path = "move_note.html")]
struct Page {
    frame: Frame,
    space: Space,
    head: Head,
    /// Where it can be moved to.
    spaces: Vec<Choice>,
    /// The space that was chosen.
    to: Option<SpaceId>,
    /// The clients known there.
    subjects: Vec<Choice>,
    /// Where it is, if it was moved from a device: only the old one is left to take out.
    moved: Option<String>,
    said: Option<String>,
    wrong: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Where {
    to: Option<SpaceId>,
}

/// The page to choose on.
pub(super) async fn page(
    State(office): State<Arc<Office>>,
    visitor: Visitor,
    Path((space, doc)): Path<(SpaceId, DocId)>,
    Asked(Where { to }): Asked<Where>,
) -> Result<Response, Failure> {
    office
        .with_books(move |office, books| {
            let space = books.enter_to(Action::Move, office, &visitor, space)?;
            let view = note(office, books, &visitor, &space, doc)?;
            show(office, books, &visitor, space, &view, to, None)
        })
        .await
}

/// Moves it. The relay takes the old one out within a moment.
pub(super) async fn carry_out(
    State(office): State<Arc<Office>>,
    Path((space, doc)): Path<(SpaceId, DocId)>,
    Posted { visitor, sent }: Posted,
) -> Result<Response, Failure> {
    office
        .with_books(move |office, books| {
            let space = books.enter_to(Action::Move, office, &visitor, space)?;
            let view = note(office, books, &visitor, &space, doc)?;
            let chosen = sent.id::<SpaceId>("to");
            let told = try_move(office, books, &visitor, &space, &view, &sent)?;
            match told {
                Ok(to) => {
                    let address = format!("/office/spaces/{to}/documents/{}", moved_id(doc));
                    Ok(Redirect::to(&address).into_response())
                }
                Err(why) => show(office, books, &visitor, space, &view, chosen, Some(why)),
            }
        })
        .await
}

/// The note, which can be moved: its kind can, and it is here. That it was looked at is noted.
fn note(
    office: &Office,
    books: &mut Books,
    visitor: &Visitor,
    space: &Space,
    doc: DocId,
) -> Result<View, Failure> {
    let view = books.open_document(office, visitor, space, doc, "read")?;
    let movable = view.kind == Kind::VisitNote;
    movable.then_some(view).ok_or(Failure::NotFound)
}

fn try_move(
    office: &Office,
    books: &mut Books,
    visitor: &Visitor,
    space: &Space,
    view: &View,
    sent: &Sent,
) -> Result<Result<SpaceId, &'static str>, Failure> {
    let (doc, new) = (view.doc, moved_id(view.doc));
    let Some(reason) = sent.line("reason") else {
        return Ok(Err("reason-missing"));
    };
    // What must be kept cannot be taken out, so it cannot be moved either.
    if view.reading.value.get("legal_hold") == Some(&true.into()) {
        return Ok(Err("erase-hold"));
    }
    let place = match there(office, books, visitor, doc)? {
        There::Moved(to) => to,
        There::Taken => return Ok(Err("move-taken")),
        There::Nothing => {
            let to = sent.id("to").ok_or(Failure::NotFound)?;
            let to = books.enter_to(Action::Write, office, visitor, to)?;
            let Some(destination) = destination(books, &to, view, sent)? else {
                return Ok(Err("move-client"));
            };
            let at_ms = office.env.now_ms();
            let who = visitor.who.member;
            let value = moved(doc, &view.reading.value, &destination, who, at_ms);
            let place = Place {
                space: to.id,
                doc: new,
                kind: view.kind,
            };
            match office.writer.create(who, place, &value) {
                Ok(()) => {}
                Err(WriteError::Right) => return Err(Failure::Right),
                Err(WriteError::Gone) => return Err(Failure::NotFound),
                Err(WriteError::Failed) => return Err(Failure::Server),
            }
            let what = format!("from document {doc}: {reason}");
            books.note(
                office,
                who,
                "move_in",
                (Some(to.id), Some(new)),
                Some(&what),
            )?;
            to
        }
    };
    let who = visitor.who.member;
    let old = (Some(space.id), Some(doc));
    books.note(office, who, "move_out", old, Some(&reason))?;
    erasures::wish(&books.people, doc, "wrong_client")?;
    Ok(Ok(place.id))
}

/// What is where the moved note would be.
enum There {
    /// Nothing.
    Nothing,
    /// The note, in a space the visitor writes in: from a device, or the rest was not done.
    Moved(Space),
    /// Something else, or what the visitor may not know of.
    Taken,
}

fn there(
    office: &Office,
    books: &mut Books,
    visitor: &Visitor,
    old: DocId,
) -> Result<There, Failure> {
    let new = moved_id(old);
    let Some(to) = erasures::space_of(&books.people, new)? else {
        return Ok(There::Nothing);
    };
    let to = match books.enter_to(Action::Write, office, visitor, to) {
        Ok(to) => to,
        Err(Failure::NotFound | Failure::Right) => return Ok(There::Taken),
        Err(other) => return Err(other),
    };
    let view = match books.record(office)? {
        Some(record) => view::get(record.conn(), new)?,
        None => None,
    };
    // Anybody can work out the id: only what says itself that it is the moved note counts.
    let says = |view: View| {
        let from = view.reading.value.get("moved_from")?.get("doc")?.as_str()?;
        (from == old.to_string()).then_some(())
    };
    Ok(match view.and_then(says) {
        Some(()) => There::Moved(to),
        None => There::Taken,
    })
}

/// The client that was chosen, who is not the one it is on. None is needed where nobody is known yet.
fn destination(
    books: &Books,
    to: &Space,
    view: &View,
    sent: &Sent,
) -> Result<Option<Destination>, Failure> {
    let known = subjects(books, to, sent.one("subject"))?;
    let elsewhere = to.id != view.space;
    let subject = match known.iter().find(|choice| choice.chosen) {
        Some(choice) => choice.value.parse::<Uuid>().ok(),
        None if known.is_empty() && sent.one("subject").is_empty() => None,
        None => return Ok(None),
    };
    let was = view.reading.value.get("subject_id");
    let was = was.and_then(|id| id.as_str()?.parse::<Uuid>().ok());
    Ok((elsewhere || subject != was).then_some(Destination {
        subject,
        contract: None,
    }))
}

fn show(
    office: &Office,
    books: &mut Books,
    visitor: &Visitor,
    space: Space,
    view: &View,
    to: Option<SpaceId>,
    wrong: Option<&str>,
) -> Result<Response, Failure> {
    let mut spaces = Vec::new();
    for (id, role) in spaces_of(&books.people, visitor.who.member, office.env.now_ms())? {
        let Some((name, _)) = people::space_heading(&books.people, id)? else {
            continue;
        };
        if role.may(Action::Write) {
            spaces.push(Choice {
                value: id.to_string(),
                label: name,
                chosen: to == Some(id),
            });
        }
    }
    spaces.sort_by_key(|choice| choice.label.to_lowercase());
    let to = to.filter(|to| spaces.iter().any(|choice| choice.value == to.to_string()));
    let subjects = match to {
        Some(to) => {
            let there = books.enter_to(Action::Write, office, visitor, to)?;
            subjects(books, &there, "")?
        }
        None => Vec::new(),
    };
    let mut frame = visitor.frame();
    frame.here = space_address(&space, &format!("/documents/{}/move", view.doc));
    let status = match wrong {
        None => StatusCode::OK,
        Some(_) => StatusCode::UNPROCESSABLE_ENTITY,
    };
    let moved = match there(office, books, visitor, view.doc)? {
        There::Moved(to) => {
            let address = format!("/documents/{}", moved_id(view.doc));
            Some(space_address(&to, &address))
        }
        There::Nothing | There::Taken => None,
    };
    let page = html(&Page {
        head: Head::of(visitor.words, &space, view),
        frame,
        spaces,
        to,
        subjects,
        moved,
        said: None,
        wrong: wrong.map(|key| visitor.words.t(key)),
        space,
    });
    Ok((status, page).into_response())
}
