//! Moving a visit note from the wrong client (C16): made anew where it belongs, the old one taken out.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, Query as Asked, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use serde_json::Value;
use sopu_core::documents::Kind;
use sopu_core::documents::check::code;
use sopu_core::documents::visit_note::moved::{
    Destination, completed, is_moved_from, lacking, moved, moved_id, obstacles,
};
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
use crate::access::erasures::{self, Standing};
use crate::access::{Action, people, spaces_of, standing};

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
    /// What the new one does not say of the old one.
    lacking: Vec<String>,
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

/// Moves it, and takes the old one out, if the new one holds all of it.
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
                Ok((to, new)) => {
                    let address = format!("/office/spaces/{to}/documents/{new}");
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
) -> Result<Result<(SpaceId, DocId), &'static str>, Failure> {
    let doc = view.doc;
    let Some(reason) = sent.line("reason") else {
        return Ok(Err("reason-missing"));
    };
    // What must be kept cannot be taken out, so it cannot be moved either.
    if view.reading.value.get("legal_hold") == Some(&true.into()) {
        return Ok(Err("erase-hold"));
    }
    if let Some(first) = obstacles(&view.reading).first() {
        return Ok(Err(match first.code {
            code::CONFLICT => "move-conflict",
            _ => "move-unknown",
        }));
    }
    let who = visitor.who.member;
    let (place, new) = match there(office, books, visitor, doc)? {
        There::Moved(to, now) => {
            let new = now.doc;
            if !sent.one("again").is_empty() {
                let value = completed(&view.reading.value, &now.reading.value);
                create(office, visitor, &to, new, view.kind, &value)?;
            }
            (to, new)
        }
        There::Nothing(new) => {
            let to = sent.id("to").ok_or(Failure::NotFound)?;
            let to = books.enter_to(Action::Write, office, visitor, to)?;
            let Some(destination) = destination(books, &to, view, sent)? else {
                return Ok(Err("move-client"));
            };
            let at_ms = office.env.now_ms();
            let value = moved(doc, &view.reading.value, &destination, who, at_ms);
            // Before it is made: whoever comes back here after a power cut must find it.
            erasures::plan_move(&books.people, doc, new)?;
            create(office, visitor, &to, new, view.kind, &value)?;
            let what = format!("from document {doc}: {reason}");
            books.note(
                office,
                who,
                "move_in",
                (Some(to.id), Some(new)),
                Some(&what),
            )?;
            (to, new)
        }
    };
    let old = (Some(space.id), Some(doc));
    books.note(office, who, "move_out", old, Some(&reason))?;
    erasures::wish_moved(&books.people, doc, new)?;
    office.writer.erase_wished();
    let Standing::Refused(problem) = erasures::standing(&books.people, doc)? else {
        return Ok(Ok((place.id, new)));
    };
    let why = format!("not carried out: {problem}");
    books.note(office, who, "move_out", old, Some(&why))?;
    Ok(Err(match problem.as_str() {
        "legal_hold" => "erase-hold",
        "moved_short" => "move-short",
        "moved_waits" => "move-waits",
        "moved_unsettled" => "move-conflict",
        _ => "error-server",
    }))
}

/// Writes the new note.
fn create(
    office: &Office,
    visitor: &Visitor,
    to: &Space,
    doc: DocId,
    kind: Kind,
    value: &Value,
) -> Result<(), Failure> {
    let place = Place {
        space: to.id,
        doc,
        kind,
    };
    match office.writer.create(visitor.who.member, place, value) {
        Ok(()) => Ok(()),
        Err(WriteError::Right) => Err(Failure::Right),
        Err(WriteError::Gone) => Err(Failure::NotFound),
        Err(WriteError::Failed) => Err(Failure::Server),
    }
}

/// What is where the moved note would be.
enum There {
    /// Nothing: it can be made under this id.
    Nothing(DocId),
    /// The note, in a space the visitor writes in: from a device, or the rest was not done.
    Moved(Space, Box<View>),
}

/// Looks first for what was recorded here, then under the id that is always the same. Anybody can work
/// that one out, and put something there: then the note gets an id nobody knows.
fn there(
    office: &Office,
    books: &mut Books,
    visitor: &Visitor,
    old: DocId,
) -> Result<There, Failure> {
    let recorded = erasures::moved_to(&books.people, old)?;
    let mut free = None;
    for new in recorded.into_iter().chain([moved_id(old)]) {
        let Some(to) = erasures::space_of(&books.people, new)? else {
            free = free.or(Some(new));
            continue;
        };
        // Who looks at this page has not tried the space another put something in: no row of the log.
        let (who, now_ms) = (visitor.who.member, office.env.now_ms());
        let role = standing(&books.people, who, to, now_ms)?.role();
        if !role.is_some_and(|role| role.may(Action::Read) && role.may(Action::Write)) {
            continue;
        }
        let view = match books.record(office)? {
            Some(record) => view::get(record.conn(), new)?,
            None => None,
        };
        // Only what says itself that it is the moved note counts.
        if let Some(view) = view.filter(|view| is_moved_from(&view.reading.value, old)) {
            let to = books.enter_to(Action::Write, office, visitor, to)?;
            return Ok(There::Moved(to, Box::new(view)));
        }
    }
    Ok(There::Nothing(
        free.unwrap_or_else(|| DocId::mint(&*office.env)),
    ))
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
    let moved = there(office, books, visitor, view.doc)?;
    // What was merged just now counts.
    let now = match books.record(office)? {
        Some(record) => view::get(record.conn(), view.doc)?,
        None => None,
    };
    let (moved, lacking) = match (moved, now) {
        (There::Moved(to, new), Some(now)) => {
            let address = space_address(&to, &format!("/documents/{}", new.doc));
            let kind = view.kind.code();
            let mut lacking: Vec<String> = lacking(&now.reading.value, &new.reading.value)
                .iter()
                .map(|path| visitor.words.field(kind, path))
                .collect();
            lacking.sort();
            lacking.dedup();
            (Some(address), lacking)
        }
        _ => (None, Vec::new()),
    };
    let page = html(&Page {
        head: Head::of(visitor.words, &space, view),
        frame,
        spaces,
        to,
        subjects,
        moved,
        lacking,
        said: None,
        wrong: wrong.map(|key| visitor.words.t(key)),
        space,
    });
    Ok((status, page).into_response())
}
