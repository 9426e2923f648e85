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
    Destination, completed, is_marked, lacking, moved, obstacles, origin,
};
use sopu_core::id::{DocId, MemberId, SpaceId};
use sopu_core::store::view::{self, View};
use uuid::Uuid;

use super::books::{Books, Space};
use super::document::Head;
use super::documents::{Choice, subjects};
use super::frame::{Frame, html, space_address};
use super::posted::Posted;
use super::sent::Sent;
use super::visitor::Visitor;
use super::{Failure, Office, Place, WriteError, hold};
use crate::access::erasures::{self, Standing};
use crate::access::{Action, people, spaces_of, standing};
use crate::words::Words;

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
    /// Where it is already: only what is too much is left to take out.
    copies: Vec<Copy>,
    /// Whether any of them lacks something.
    short: bool,
    said: Option<String>,
    wrong: Option<String>,
}

/// A note that this one, or the one it was itself, became.
struct Copy {
    doc: DocId,
    address: String,
    /// The space it is in.
    space: String,
    /// Its line in lists.
    title: String,
    /// What it does not say of this one, and of the others.
    lacking: Vec<String>,
    /// Whether the visitor may have it taken out.
    can_go: bool,
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
            let told = try_move(office, books, &visitor, &view, &sent)?;
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
    view: &View,
    sent: &Sent,
) -> Result<Result<(SpaceId, DocId), &'static str>, Failure> {
    let doc = view.doc;
    let Some(reason) = sent.line("reason") else {
        return Ok(Err("reason-missing"));
    };
    // What must be kept cannot be taken out, so it cannot be moved either.
    if hold::of(office, books, view)?.keeps() {
        return Ok(Err("erase-hold"));
    }
    // It goes anyway, and what a copy says would stay.
    match erasures::standing(&books.people, doc)? {
        Standing::Waiting => return Ok(Err("erase-waits")),
        Standing::Refused(code) if code == erasures::RECORD_DAMAGED => {
            return Ok(Err("erase-damaged"));
        }
        Standing::Refused(_) | Standing::None => {}
    }
    if let Some(first) = obstacles(&view.reading).first() {
        return Ok(Err(match first.code {
            code::CONFLICT => "move-conflict",
            _ => "move-unknown",
        }));
    }
    let who = visitor.who.member;
    let copies = copies(office, books, visitor, view)?;
    let (place, new, others) = match chosen(&copies, sent) {
        Some((kept, others)) => {
            let to = books.enter_to(Action::Write, office, visitor, kept.space)?;
            if !sent.one("again").is_empty() {
                let old = others.iter().map(|other| &other.reading.value);
                let value = old
                    .chain([&view.reading.value])
                    .fold(kept.reading.value.clone(), |new, old| completed(old, &new));
                create(office, visitor, &to, kept.doc, view.kind, &value)?;
            }
            (to, kept.doc, others)
        }
        None if copies.is_empty() => {
            let to = sent.id("to").ok_or(Failure::NotFound)?;
            let to = books.enter_to(Action::Write, office, visitor, to)?;
            let Some(destination) = destination(books, visitor.words, &to, view, sent)? else {
                return Ok(Err("move-client"));
            };
            let at_ms = office.env.now_ms();
            let value = moved(doc, &view.reading.value, &destination, who, at_ms);
            let new = planned(books, office, doc)?;
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
            (to, new, Vec::new())
        }
        None => return Ok(Err("move-keep")),
    };
    // This one last: while anything else cannot go, the page is still here.
    for gone in others.into_iter().chain([view]) {
        let from = books.enter_to(Action::Move, office, visitor, gone.space)?;
        if let Err(why) = take_out(office, books, who, (&from, gone.doc), new, &reason)? {
            return Ok(Err(why));
        }
    }
    Ok(Ok((place.id, new)))
}

/// Asks for a note to be taken out, which happens if the new one holds all of it.
fn take_out(
    office: &Office,
    books: &Books,
    who: MemberId,
    (space, doc): (&Space, DocId),
    new: DocId,
    reason: &str,
) -> Result<Result<(), &'static str>, Failure> {
    let old = (Some(space.id), Some(doc));
    books.together(|books| {
        books.note(office, who, "move_out", old, Some(reason))?;
        Ok(erasures::wish_moved(&books.people, doc, new)?)
    })?;
    office.writer.carry_out();
    let Standing::Refused(problem) = erasures::standing(&books.people, doc)? else {
        return Ok(Ok(()));
    };
    let why = format!("not carried out: {problem}");
    books.note(office, who, "move_out", old, Some(&why))?;
    Ok(Err(match problem.as_str() {
        "legal_hold" => "erase-hold",
        "moved_short" => "move-short",
        "moved_waits" => "move-waits",
        "moved_unsettled" => "move-conflict",
        "moved_damaged" => "move-damaged",
        erasures::RECORD_DAMAGED => "erase-damaged",
        _ => "error-server",
    }))
}

/// The note that stays, and those of the others that are to go too; the one there is need not be named.
fn chosen<'v>(copies: &'v [View], sent: &Sent) -> Option<(&'v View, Vec<&'v View>)> {
    let kept = match (sent.id::<DocId>("keep"), copies) {
        (Some(keep), _) => copies.iter().find(|copy| copy.doc == keep)?,
        (None, [only]) => only,
        (None, _) => return None,
    };
    let also: Vec<DocId> = sent.all("also").filter_map(|id| id.parse().ok()).collect();
    let goes = |copy: &&View| copy.doc != kept.doc && also.contains(&copy.doc);
    Some((kept, copies.iter().filter(goes).collect()))
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

/// The notes this one became, and those the note it was itself became beside it: in spaces the visitor
/// writes in, those that nobody has marked first. Anybody can write one that says it is one of them, so
/// nothing goes unless another holds all of it.
fn copies(
    office: &Office,
    books: &mut Books,
    visitor: &Visitor,
    view: &View,
) -> Result<Vec<View>, Failure> {
    let Some(record) = books.record(office)? else {
        return Ok(Vec::new());
    };
    let mut found = view::moved_from(record.conn(), view.doc)?;
    if let Some(from) = origin(&view.reading.value) {
        found.extend(view::moved_from(record.conn(), from)?);
    }
    found.retain(|copy| copy.doc != view.doc);
    found.sort_by_key(|copy| (is_marked(&copy.reading.value), copy.doc));
    found.dedup_by_key(|copy| copy.doc);
    // Who looks at this page has not tried the space another put something in: no row of the log.
    let (who, now_ms) = (visitor.who.member, office.env.now_ms());
    let mut copies = Vec::new();
    for copy in found {
        let role = standing(&books.people, who, copy.space, now_ms)?.role();
        if role.is_some_and(|role| role.may(Action::Read) && role.may(Action::Write)) {
            copies.push(copy);
        }
    }
    Ok(copies)
}

/// The id the new note gets: what was planned here before a power cut, or one nobody knows.
fn planned(books: &Books, office: &Office, old: DocId) -> Result<DocId, Failure> {
    if let Some(new) = erasures::planned(&books.people, old)?
        && erasures::space_of(&books.people, new)?.is_none()
    {
        return Ok(new);
    }
    Ok(DocId::mint(&*office.env))
}

/// The client that was chosen, who is not the one it is on. None is needed where nobody is known yet.
fn destination(
    books: &Books,
    words: &'static Words,
    to: &Space,
    view: &View,
    sent: &Sent,
) -> Result<Option<Destination>, Failure> {
    let known = subjects(books, words, to, sent.one("subject"))?;
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
            subjects(books, visitor.words, &there, "")?
        }
        None => Vec::new(),
    };
    let mut frame = visitor.frame();
    frame.here = space_address(&space, &format!("/documents/{}/move", view.doc));
    let status = match wrong {
        None => StatusCode::OK,
        Some(_) => StatusCode::UNPROCESSABLE_ENTITY,
    };
    let mut shown = Vec::new();
    // What was merged just now counts.
    let now = match books.record(office)? {
        Some(record) => view::get(record.conn(), view.doc)?,
        None => None,
    };
    if let Some(now) = now {
        let found = copies(office, books, visitor, &now)?;
        for copy in &found {
            shown.push(as_shown(office, books, visitor, copy, &found, &now)?);
        }
    }
    let page = html(&Page {
        head: Head::of(visitor.words, &space, view),
        frame,
        spaces,
        to,
        subjects,
        short: shown.iter().any(|copy| !copy.lacking.is_empty()),
        copies: shown,
        said: None,
        wrong: wrong.map(|key| visitor.words.t(key)),
        space,
    });
    Ok((status, page).into_response())
}

fn as_shown(
    office: &Office,
    books: &Books,
    visitor: &Visitor,
    copy: &View,
    all: &[View],
    old: &View,
) -> Result<Copy, Failure> {
    let space = books.enter_to(Action::Write, office, visitor, copy.space)?;
    let kind = copy.kind.code();
    let others = all.iter().filter(|other| other.doc != copy.doc);
    let mut lacking: Vec<String> = others
        .chain([old])
        .filter_map(|old| lacking(old.doc, &old.reading.value, &copy.reading.value))
        .flatten()
        .map(|path| visitor.words.field(kind, &path))
        .collect();
    lacking.sort();
    lacking.dedup();
    Ok(Copy {
        doc: copy.doc,
        address: space_address(&space, &format!("/documents/{}", copy.doc)),
        title: copy.title.clone(),
        lacking,
        can_go: space.role.may(Action::Move),
        space: space.name,
    })
}
