//! Legal holds of a space: what must be kept, what asks for it, and who says so or lifts it, with a reason.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use sopu_core::id::{DocId, SpaceId};
use sopu_core::store::hold::{self, Said};
use sopu_core::store::view::{self, View};
use sopu_core::wire::NoticeKind;

use super::books::{Books, Space};
use super::documents::{Choice, subjects};
use super::frame::{Frame, html, space_address};
use super::people::{Told, told_in};
use super::posted::Posted;
use super::sent::Sent;
use super::visitor::Visitor;
use super::{Failure, Office};
use crate::access::{Action, excerpt, notices};

/// How a document stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hold {
    /// Nobody asks for it.
    None,
    /// Somebody who may only ask does, in a save: it stays until it is answered.
    Asked,
    /// It must be kept.
    Held,
}

impl Hold {
    /// Of a document that says this, after what the relay said last of it.
    pub(super) fn of(said: Option<Said>, view: &View) -> Self {
        match (hold::holds(said, &view.reading.value), said) {
            (false, _) => Self::None,
            (true, None) => Self::Asked,
            (true, Some(_)) => Self::Held,
        }
    }

    /// Whether it must stay as it is.
    pub(super) fn keeps(self) -> bool {
        self != Self::None
    }

    /// The key of its words.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::None => "hold-none",
            Self::Asked => "hold-asked",
            Self::Held => "hold-held",
        }
    }
}

/// How one document stands.
pub(super) fn of(office: &Office, books: &mut Books, view: &View) -> Result<Hold, Failure> {
    let record = books.record(office)?.ok_or(Failure::NotFound)?;
    Ok(Hold::of(hold::said(record.conn(), view.doc)?, view))
}

#[derive(Template)]
#[template(path = "hold.html")]
struct Page {
    frame: Frame,
    space: Space,
    rows: Vec<Row>,
    clients: Vec<Client>,
    said: Option<String>,
    wrong: Option<String>,
}

struct Row {
    address: String,
    title: String,
    state: String,
    asked: bool,
}

struct Client {
    subject: String,
    name: String,
    held: bool,
}

/// The page.
pub(super) async fn page(
    State(office): State<Arc<Office>>,
    visitor: Visitor,
    Path(space): Path<SpaceId>,
) -> Result<Response, Failure> {
    office
        .with_books(move |office, books| {
            let space = books.enter_to(Action::Hold, office, &visitor, space)?;
            show(office, books, &visitor, space, Ok(None))
        })
        .await
}

/// What a form says: set or lift, and why.
fn said(sent: &Sent) -> Result<Told<(bool, String)>, Failure> {
    let held = match sent.one("held") {
        "yes" => true,
        "no" => false,
        _ => return Err(Failure::NotFound),
    };
    let reason = sent.line("reason").ok_or("reason-missing");
    Ok(reason.map(|reason| (held, reason)))
}

/// Sets or lifts the hold of one document.
pub(super) async fn document(
    State(office): State<Arc<Office>>,
    Path((space, doc)): Path<(SpaceId, DocId)>,
    Posted { visitor, sent }: Posted,
) -> Result<Response, Failure> {
    office
        .with_books(move |office, books| {
            let space = books.enter_to(Action::Hold, office, &visitor, space)?;
            books.open_document(office, &visitor, &space, doc, "read")?;
            let (held, reason) = match said(&sent)? {
                Ok(said) => said,
                Err(wrong) => return show(office, books, &visitor, space, Err(wrong)),
            };
            books.together(|books| say(office, books, &visitor, (space.id, doc), held, &reason))?;
            office.writer.carry_out();
            let back = space_address(&space, &format!("/documents/{doc}"));
            Ok(Redirect::to(&back).into_response())
        })
        .await
}

/// Sets or lifts the hold of everything about one client, also of what comes later.
pub(super) async fn client(
    State(office): State<Arc<Office>>,
    Path(space): Path<SpaceId>,
    Posted { visitor, sent }: Posted,
) -> Result<Response, Failure> {
    office
        .with_books(move |office, books| {
            let space = books.enter_to(Action::Hold, office, &visitor, space)?;
            let told = try_client(office, books, &visitor, &space, &sent)?;
            show(office, books, &visitor, space, told.map(Some))
        })
        .await
}

fn try_client(
    office: &Office,
    books: &mut Books,
    visitor: &Visitor,
    space: &Space,
    sent: &Sent,
) -> Result<Told<&'static str>, Failure> {
    let (held, reason) = match said(sent)? {
        Ok(said) => said,
        Err(wrong) => return Ok(Err(wrong)),
    };
    let subject = sent.one("subject");
    let record = books.record(office)?.ok_or(Failure::NotFound)?;
    let said = hold::said_in(record.conn(), space.id)?;
    let (mut docs, mut known) = (Vec::new(), false);
    view::each(record.conn(), space.id, &mut |view| {
        if view.subject.as_deref() != Some(subject) {
            return;
        }
        known = true;
        // What asks for it gets an answer.
        if Hold::of(said.get(&view.doc).copied(), &view)
            != if held { Hold::Held } else { Hold::None }
        {
            docs.push(view.doc);
        }
    })?;
    let was = notices::held_clients(&books.people, space.id)?;
    if !known && !was.contains(subject) {
        return Err(Failure::NotFound);
    }
    books.together(|books| {
        let what = format!("{subject}: {reason}");
        let action = if held { excerpt::HOLD } else { excerpt::LIFT };
        let (who, place) = (visitor.who.member, (Some(space.id), None));
        books.note(office, who, action, place, Some(&what))?;
        notices::hold_client(&books.people, space.id, subject, held)?;
        for doc in docs {
            say(office, books, visitor, (space.id, doc), held, &reason)?;
        }
        Ok(())
    })?;
    office.writer.carry_out();
    Ok(Ok("hold-said"))
}

/// Asks the relay for it, and says so in the access log.
fn say(
    office: &Office,
    books: &Books,
    visitor: &Visitor,
    (space, doc): (SpaceId, DocId),
    held: bool,
    reason: &str,
) -> Result<(), Failure> {
    let action = if held { excerpt::HOLD } else { excerpt::LIFT };
    let place = (Some(space), Some(doc));
    books.note(office, visitor.who.member, action, place, Some(reason))?;
    Ok(notices::wish(
        &books.people,
        doc,
        &NoticeKind::LegalHold(held),
    )?)
}

fn show(
    office: &Office,
    books: &mut Books,
    visitor: &Visitor,
    space: Space,
    told: Told<Option<&'static str>>,
) -> Result<Response, Failure> {
    let words = visitor.words;
    let mut rows = Vec::new();
    if let Some(record) = books.record(office)? {
        let said = hold::said_in(record.conn(), space.id)?;
        view::each(record.conn(), space.id, &mut |view| {
            let hold = Hold::of(said.get(&view.doc).copied(), &view);
            if hold.keeps() {
                rows.push(Row {
                    address: space_address(&space, &format!("/documents/{}", view.doc)),
                    title: match view.title.is_empty() {
                        true => words.t("untitled"),
                        false => view.title.clone(),
                    },
                    state: words.t(hold.words()),
                    asked: hold == Hold::Asked,
                });
            }
        })?;
    }
    rows.sort_by(|a, b| (!a.asked, &a.title).cmp(&(!b.asked, &b.title)));
    // Titles of documents were read.
    books.note_read(office, visitor, &space, None, "list")?;
    let held = notices::held_clients(&books.people, space.id)?;
    let known = subjects(books, visitor.words, &space, "")?.into_iter();
    let client = |Choice { value, label, .. }| Client {
        held: held.contains(&value),
        subject: value,
        name: label,
    };
    let mut frame = visitor.frame();
    frame.here = space_address(&space, "/holds");
    let (said, wrong, status): (_, _, StatusCode) = told_in(words, told);
    let page = html(&Page {
        frame,
        rows,
        clients: known.map(client).collect(),
        said,
        wrong,
        space,
    });
    Ok((status, page).into_response())
}
