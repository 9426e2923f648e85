//! What is kept how long in a space, what is due, and what somebody decides about it. Nothing is erased by
//! itself.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jiff::civil::Date;
use sopu_core::documents::Kind;
use sopu_core::id::{DocId, SpaceId};
use sopu_core::store::view::{self, View};
use sopu_core::store::{Store, hold, notice};
use sopu_core::wire::NoticeKind;

use super::books::{Books, Space};
use super::documents::{Choice, subjects};
use super::frame::{Frame, html, space_address};
use super::hold::Hold;
use super::people::{Told, told_in};
use super::posted::Posted;
use super::sent::Sent;
use super::visitor::Visitor;
use super::{Failure, Office};
use crate::access::excerpt::{CLOSED_ON, RETENTION};
use crate::access::retention::{self, Closing, Kept};
use crate::access::{Action, erasures, notices};
use crate::civil;
use crate::retention::{Class, Classes, Days, Start, own_day};
use crate::words::Words;

/// Due documents on one page, the longest due first; the next ones come once these are decided.
const ROWS: usize = 200;

#[derive(Template)]
#[template(path = "retention.html")]
struct Page {
    frame: Frame,
    space: Space,
    clients: Vec<Client>,
    due: Vec<Due>,
    total: usize,
    kept: Vec<KeptRow>,
    unknown: usize,
    said: Option<String>,
    wrong: Option<String>,
}

struct Client {
    subject: String,
    name: String,
    closed_on: String,
    /// Something was done for them after that day.
    went_on: bool,
    classes: Vec<Choice>,
}

struct Due {
    doc: DocId,
    address: String,
    title: String,
    over: Date,
    since: String,
    /// For how long it was to be kept, from when, and who says so.
    why: String,
    source: String,
    verified: bool,
    hold: bool,
}

struct KeptRow {
    address: String,
    title: String,
    until: String,
    reason: String,
}

/// What one page judges by.
pub(super) struct Judge {
    classes: Classes,
    closings: BTreeMap<String, Closing>,
    /// Clients for whom something was done after their closing.
    went_on: BTreeSet<String>,
    /// Classes that somebody gave single documents.
    given: BTreeMap<DocId, String>,
    today: Date,
}

impl Judge {
    pub(super) fn of(office: &Office, books: &mut Books, space: SpaceId) -> Result<Self, Failure> {
        let classes = Classes::load(&office.data).map_err(|error| {
            tracing::error!(%error, "office: retention");
            Failure::Server
        })?;
        let today = civil::day(office.env.now_ms());
        let closings = retention::closings(&books.people, space)?;
        let (went_on, given) = match books.record(office)? {
            Some(record) => (went_on(record, space, &closings)?, given(record, space)?),
            None => Default::default(),
        };
        Ok(Self {
            classes,
            closings,
            went_on,
            given,
            today: today.parse().map_err(|_| Failure::Server)?,
        })
    }

    /// The class of a document, and the first day it need not be kept any more, as far as they are known.
    pub(super) fn judge(&self, view: &View) -> Option<(&Class, Option<Date>)> {
        let value = &view.reading.value;
        let closing = view.subject.as_ref().and_then(|id| self.closings.get(id));
        let said = self.given.get(&view.doc);
        let said = said.or_else(|| closing.and_then(|closing| closing.class.as_ref()));
        let class = match said {
            Some(code) => self.classes.find(code, self.today),
            None => self.classes.default_for(view.kind, value, self.today),
        }?;
        let goes_on = |closing: &&Closing| {
            let subject = view.subject.as_deref().unwrap_or_default();
            closing.closed_on.is_some() && self.went_on.contains(subject)
        };
        // What is in dispute is not known.
        let disputed = |path: &str| {
            let conflicts = &view.reading.conflicts;
            conflicts.iter().any(|c| c.path.starts_with(path))
        };
        let days = match ["valid_to", "termination", "actual_start"].map(disputed) {
            [false, false, false] => Days {
                closing: closing
                    .filter(|closing| !goes_on(closing))
                    .and_then(|closing| closing.closed_on.as_ref()?.parse().ok()),
                document: own_day(view.kind, view.date.as_deref(), value),
            },
            _ => Days {
                closing: None,
                document: None,
            },
        };
        Some((class, class.over(&days)))
    }

    fn is_over(&self, over: Option<Date>) -> Option<Date> {
        over.filter(|over| *over <= self.today)
    }

    pub(super) fn choices(&self, words: &Words, chosen: Option<&str>) -> Vec<Choice> {
        let all = self.classes.on(self.today).map(|class| Choice {
            value: class.code.clone(),
            label: class.name(words.lang).to_owned(),
            chosen: chosen == Some(class.code.as_str()),
        });
        all.collect()
    }
}

/// The clients for whom something was done after the day on which their matter is said to have been closed:
/// it went on, or the day is wrong. Nothing of theirs is proposed by that day.
fn went_on(
    record: &Store,
    space: SpaceId,
    closings: &BTreeMap<String, Closing>,
) -> Result<BTreeSet<String>, Failure> {
    let mut went_on = BTreeSet::new();
    if closings.is_empty() {
        return Ok(went_on);
    }
    view::each(record.conn(), space, &mut |view| {
        let Some(subject) = &view.subject else { return };
        let closing = closings.get(subject);
        let closed = closing.and_then(|closing| closing.closed_on.as_ref()?.parse().ok());
        let Some(closed): Option<Date> = closed else {
            return;
        };
        let later = |day: Option<Date>| day.is_some_and(|day| day > closed);
        let begins = view.date.as_deref().and_then(|day| day.parse().ok());
        let goes_on = match view.kind {
            // Of one without a day nobody knows.
            Kind::VisitNote => begins.is_none() || later(begins),
            Kind::Contract => later(begins) || later(own_day(view.kind, None, &view.reading.value)),
            Kind::ServiceListing => false,
        };
        if goes_on {
            went_on.insert(subject.clone());
        }
    })?;
    Ok(went_on)
}

/// The last class that the relay said of each document.
fn given(record: &Store, space: SpaceId) -> Result<BTreeMap<DocId, String>, Failure> {
    let said = notice::of_space(record.conn(), space)?.into_iter();
    let class = |stored: notice::Stored| match stored.notice.what {
        NoticeKind::Retention(code) => Some((stored.notice.doc, code)),
        NoticeKind::ContractNumber(_) | NoticeKind::LegalHold(_) | NoticeKind::Erased(_) => None,
    };
    Ok(said.filter_map(class).collect())
}

/// How long a class is kept, in words.
pub(super) fn how_long(words: &Words, class: &Class) -> String {
    let key = match class.counts_from {
        Start::Closing => "retention-from-closing",
        Start::Document => "retention-from-document",
        Start::YearEnd => "retention-from-year-end",
    };
    words.with(key, &[("years", &class.years.to_string())])
}

/// The page.
pub(super) async fn page(
    State(office): State<Arc<Office>>,
    visitor: Visitor,
    Path(space): Path<SpaceId>,
) -> Result<Response, Failure> {
    office
        .with_books(move |office, books| {
            let space = books.enter_to(Action::Erase, office, &visitor, space)?;
            show(office, books, &visitor, space, Ok(None))
        })
        .await
}

/// Says when a client's matter was closed, and of which class it was.
pub(super) async fn close(
    State(office): State<Arc<Office>>,
    Path(space): Path<SpaceId>,
    Posted { visitor, sent }: Posted,
) -> Result<Response, Failure> {
    office
        .with_books(move |office, books| {
            let space = books.enter_to(Action::Erase, office, &visitor, space)?;
            let done = try_close(office, books, &visitor, &space, &sent)?;
            let told = done.map(|()| Some("retention-said"));
            show(office, books, &visitor, space, told)
        })
        .await
}

fn try_close(
    office: &Office,
    books: &mut Books,
    visitor: &Visitor,
    space: &Space,
    sent: &Sent,
) -> Result<Told<()>, Failure> {
    books.record(office)?;
    let subject = sent.one("subject");
    let known = subjects(books, visitor.words, space, subject)?;
    if !known.iter().any(|choice| choice.chosen) {
        return Err(Failure::NotFound);
    }
    let judge = Judge::of(office, books, space.id)?;
    let closed_on = match sent.one("closed_on") {
        "" => None,
        text => match text.parse::<Date>() {
            Ok(day) if day <= judge.today => Some(day.to_string()),
            Ok(_) | Err(_) => return Ok(Err("retention-day-wrong")),
        },
    };
    let class = match sent.one("class") {
        "" => None,
        code => {
            let class = judge.classes.find(code, judge.today);
            Some(class.ok_or(Failure::NotFound)?.code.clone())
        }
    };
    let Some(reason) = sent.line("reason") else {
        return Ok(Err("reason-missing"));
    };
    let what = format!(
        "{subject}{CLOSED_ON}{}, class {}: {reason}",
        closed_on.as_deref().unwrap_or("no day"),
        class.as_deref().unwrap_or("as usual")
    );
    let place = (Some(space.id), None);
    let closing = Closing { closed_on, class };
    books.together(|books| {
        books.note(office, visitor.who.member, RETENTION, place, Some(&what))?;
        Ok(retention::close(
            &books.people,
            space.id,
            subject,
            &closing,
        )?)
    })?;
    Ok(Ok(()))
}

/// Erases what is due, or keeps it on for a reason.
pub(super) async fn decide(
    State(office): State<Arc<Office>>,
    Path(space): Path<SpaceId>,
    Posted { visitor, sent }: Posted,
) -> Result<Response, Failure> {
    office
        .with_books(move |office, books| {
            let space = books.enter_to(Action::Erase, office, &visitor, space)?;
            let told = try_decide(office, books, &visitor, &space, &sent)?;
            show(office, books, &visitor, space, told.map(Some))
        })
        .await
}

fn try_decide(
    office: &Office,
    books: &mut Books,
    visitor: &Visitor,
    space: &Space,
    sent: &Sent,
) -> Result<Told<&'static str>, Failure> {
    let judge = Judge::of(office, books, space.id)?;
    let found = gather(office, books, visitor.words, space, &judge)?;
    let mut chosen = Vec::new();
    for doc in sent.all("doc") {
        let doc: DocId = doc.parse().map_err(|_| Failure::NotFound)?;
        // What is not due, or must be kept, cannot be decided on here.
        let due = found.due.iter().find(|due| due.doc == doc && !due.hold);
        chosen.push(due.ok_or(Failure::NotFound)?.doc);
    }
    if chosen.is_empty() {
        return Ok(Err("retention-none-chosen"));
    }
    let Some(reason) = sent.line("reason") else {
        return Ok(Err("reason-missing"));
    };
    let who = visitor.who.member;
    match sent.one("decision") {
        "erase" => books.together(|books| {
            for doc in chosen {
                let place = (Some(space.id), Some(doc));
                let why = format!("retention: {reason}");
                books.note(office, who, "erase", place, Some(&why))?;
                erasures::wish(&books.people, doc, "retention")?;
            }
            Ok(Ok("retention-erased"))
        }),
        "keep" => {
            let until = sent.one("until").parse::<Date>().ok();
            let Some(until) = until.filter(|until| *until > judge.today) else {
                return Ok(Err("retention-until-wrong"));
            };
            let kept = Kept {
                until: until.to_string(),
                reason: reason.clone(),
            };
            let why = format!("until {until}: {reason}");
            books.together(|books| {
                for doc in chosen {
                    let place = (Some(space.id), Some(doc));
                    books.note(office, who, "keep", place, Some(&why))?;
                    retention::keep(&books.people, doc, &kept)?;
                }
                Ok(Ok("retention-kept"))
            })
        }
        _ => Err(Failure::NotFound),
    }
}

/// Gives one document another class.
pub(super) async fn classify(
    State(office): State<Arc<Office>>,
    Path((space, doc)): Path<(SpaceId, DocId)>,
    Posted { visitor, sent }: Posted,
) -> Result<Response, Failure> {
    office
        .with_books(move |office, books| {
            let space = books.enter_to(Action::Erase, office, &visitor, space)?;
            books.open_document(office, &visitor, &space, doc, "read")?;
            let judge = Judge::of(office, books, space.id)?;
            let class = judge.classes.find(sent.one("class"), judge.today);
            let class = class.ok_or(Failure::NotFound)?;
            let Some(reason) = sent.line("reason") else {
                return show(office, books, &visitor, space, Err("reason-missing"));
            };
            let what = format!("class {}: {reason}", class.code);
            let at = (Some(space.id), Some(doc));
            books.together(|books| {
                books.note(office, visitor.who.member, RETENTION, at, Some(&what))?;
                let class = NoticeKind::Retention(class.code.clone());
                Ok(notices::wish(&books.people, doc, &class)?)
            })?;
            office.writer.carry_out();
            show(office, books, &visitor, space, Ok(Some("retention-said")))
        })
        .await
}

/// What there is to decide in a space.
#[derive(Default)]
struct Gathered {
    due: Vec<Due>,
    kept: Vec<KeptRow>,
    unknown: usize,
}

fn gather(
    office: &Office,
    books: &mut Books,
    words: &Words,
    space: &Space,
    judge: &Judge,
) -> Result<Gathered, Failure> {
    let mut found = Gathered::default();
    let kept = retention::kept(&books.people, space.id)?;
    let Some(record) = books.record(office)? else {
        return Ok(found);
    };
    let said = hold::said_in(record.conn(), space.id)?;
    view::each(record.conn(), space.id, &mut |view| {
        if view.kind == Kind::ServiceListing {
            return;
        }
        let title = || match view.title.is_empty() {
            true => words.t("untitled"),
            false => view.title.clone(),
        };
        let address = || space_address(space, &format!("/documents/{}", view.doc));
        let on = kept.get(&view.doc);
        let on = on.filter(|kept| kept.until.parse().is_ok_and(|day: Date| day > judge.today));
        if let Some(kept) = on {
            found.kept.push(KeptRow {
                address: address(),
                title: title(),
                until: words.date(&kept.until),
                reason: kept.reason.clone(),
            });
            return;
        }
        let Some((class, over)) = judge.judge(&view) else {
            found.unknown += 1;
            return;
        };
        found.unknown += usize::from(over.is_none());
        if let Some(over) = judge.is_over(over) {
            found.due.push(Due {
                doc: view.doc,
                address: address(),
                title: title(),
                over,
                since: words.date(&over.to_string()),
                why: format!("{}: {}", class.name(words.lang), how_long(words, class)),
                source: class.source.clone(),
                verified: class.verified,
                hold: Hold::of(said.get(&view.doc).copied(), &view).keeps(),
            });
        }
    })?;
    found.due.sort_by_key(|due| (due.over, due.doc));
    Ok(found)
}

fn show(
    office: &Office,
    books: &mut Books,
    visitor: &Visitor,
    space: Space,
    told: Told<Option<&'static str>>,
) -> Result<Response, Failure> {
    let words = visitor.words;
    let judge = Judge::of(office, books, space.id)?;
    let mut found = gather(office, books, words, &space, &judge)?;
    let total = found.due.len();
    found.due.truncate(ROWS);
    // Titles of documents were read.
    books.note_read(office, visitor, &space, None, "list")?;
    let clients = subjects(books, visitor.words, &space, "")?
        .into_iter()
        .map(|choice| {
            let closing = judge.closings.get(&choice.value);
            let class = closing.and_then(|closing| closing.class.as_deref());
            Client {
                closed_on: closing
                    .and_then(|closing| closing.closed_on.clone())
                    .unwrap_or_default(),
                classes: judge.choices(words, class),
                went_on: judge.went_on.contains(&choice.value),
                subject: choice.value,
                name: choice.label,
            }
        });
    let mut frame = visitor.frame();
    frame.here = space_address(&space, "/retention");
    let (said, wrong, status): (_, _, StatusCode) = told_in(words, told);
    let page = html(&Page {
        frame,
        clients: clients.collect(),
        due: found.due,
        total,
        kept: found.kept,
        unknown: found.unknown,
        said,
        wrong,
        space,
    });
    Ok((status, page).into_response())
}
