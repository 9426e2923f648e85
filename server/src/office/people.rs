//! Who is in a space: for its owners, and for administrators of its organisation.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use sopu_core::id::{MemberId, SpaceId};

use super::books::{Books, Managed};
use super::frame::{Frame, html};
use super::posted::Posted;
use super::sent::Sent;
use super::visitor::Visitor;
use super::{Failure, Office};
use crate::access::lists::{self, Entry};
use crate::access::people::{self, Party, Window};
use crate::access::{Role, introduction};
use crate::words::Words;

#[derive(Template)]
#[template(path = "people.html")]
struct Page {
    frame: Frame,
    space: Managed,
    rows: Vec<Row>,
    members: Vec<Choice>,
    teams: Vec<Choice>,
    roles: Vec<Choice>,
    said: Option<String>,
    wrong: Option<String>,
}

/// One choice of a list.
pub(super) struct Choice {
    pub value: String,
    pub label: String,
}

/// Somebody let in, as a row shows it.
pub(super) struct Row {
    pub space: SpaceId,
    pub space_name: String,
    pub party: String,
    pub name: String,
    pub team: bool,
    pub role: String,
    pub when: String,
    /// When it begins, which tells it from what else they were given there.
    pub from_ms: i64,
}

impl Row {
    pub(super) fn of(words: &Words, entry: &Entry, now_ms: i64) -> Self {
        Self {
            space: entry.space,
            space_name: entry.space_name.clone(),
            party: written(entry.party),
            name: entry.name.clone(),
            team: matches!(entry.party, Party::Team(_)),
            role: role_words(words, entry.role),
            when: when(words, entry.window, now_ms),
            from_ms: entry.window.from_ms,
        }
    }
}

/// As a form sends it.
pub(super) fn written(party: Party) -> String {
    match party {
        Party::Member(id) => format!("member:{id}"),
        Party::Team(id) => format!("team:{id}"),
    }
}

fn role_words(words: &Words, role: Role) -> String {
    words.t(&format!("role-{}", role.code()))
}

/// Every role there is to give, the weakest first.
pub(super) fn roles(words: &Words) -> Vec<Choice> {
    let all = Role::ALL.into_iter().map(|role| Choice {
        value: role.code().to_owned(),
        label: role_words(words, role),
    });
    all.collect()
}

/// A window in words; nothing of one that holds now and for good.
pub(super) fn when(words: &Words, window: Window, now_ms: i64) -> String {
    let from = (window.from_ms > now_ms).then(|| words.instant(window.from_ms));
    match (from, window.until_ms.map(|ms| words.instant(ms))) {
        (None, None) => words.t("window-open"),
        (Some(from), None) => words.with("window-from", &[("from", &from)]),
        (None, Some(until)) => words.with("window-until", &[("until", &until)]),
        (Some(from), Some(until)) => {
            words.with("window-between", &[("from", &from), ("until", &until)])
        }
    }
}

/// The page.
pub(super) async fn page(
    State(office): State<Arc<Office>>,
    visitor: Visitor,
    Path(space): Path<SpaceId>,
) -> Result<Response, Failure> {
    office
        .with_books(move |office, books| {
            let space = books.enter_to_manage(office, &visitor, space)?;
            show(office, books, &visitor, space, Ok(None))
        })
        .await
}

/// Lets a person or team in, or gives them another role.
pub(super) async fn grant(
    State(office): State<Arc<Office>>,
    Path(space): Path<SpaceId>,
    Posted { visitor, sent }: Posted,
) -> Result<Response, Failure> {
    office
        .with_books(move |office, books| {
            let space = books.enter_to_manage(office, &visitor, space)?;
            let done = let_in(office, books, &visitor, &space, &sent)?;
            show(
                office,
                books,
                &visitor,
                space,
                done.map(|()| Some("people-granted")),
            )
        })
        .await
}

/// What a page says after a change: the key of the words, of what went well or of what is wrong.
pub(super) type Told<T> = Result<T, &'static str>;

/// That in words: what went well, what is wrong, and the status of the answer.
pub(super) fn told_in(
    words: &Words,
    told: Told<Option<&'static str>>,
) -> (Option<String>, Option<String>, StatusCode) {
    match told {
        Ok(key) => (key.map(|key| words.t(key)), None, StatusCode::OK),
        Err(key) => (None, Some(words.t(key)), StatusCode::UNPROCESSABLE_ENTITY),
    }
}

/// Lets whom the form names into a space.
pub(super) fn let_in(
    office: &Office,
    books: &mut Books,
    visitor: &Visitor,
    space: &Managed,
    sent: &Sent,
) -> Result<Told<()>, Failure> {
    let now_ms = office.env.now_ms();
    let role = sent.role().ok_or(Failure::NotFound)?;
    let party = match sent.one("introduction").trim() {
        "" if sent.one("party").is_empty() => return Ok(Err("people-whom")),
        "" => sent.party().ok_or(Failure::NotFound)?,
        code => match introduced(office, books, visitor, code, now_ms)? {
            Ok(member) => Party::Member(member),
            Err(wrong) => return Ok(Err(wrong)),
        },
    };
    let known = sent.one("introduction").trim().is_empty();
    if known && !may_be_given(books, visitor, space, party, now_ms)? {
        return Err(Failure::NotFound);
    }
    let Some(window) = sent.window(now_ms) else {
        return Ok(Err("window-wrong"));
    };
    let until = window
        .until_ms
        .map_or("for good".to_owned(), |ms| format!("until {ms}"));
    let what = format!(
        "space grant {} {} from {} {until}",
        written(party),
        role.code(),
        window.from_ms
    );
    books.act(office, visitor, Some(space.id), &what, |db| {
        people::grant_within(db, space.id, party, role, window, now_ms)
    })?;
    Ok(Ok(()))
}

/// Whose code this is. Tries are counted as those of passwords are.
fn introduced(
    office: &Office,
    books: &Books,
    visitor: &Visitor,
    code: &str,
    now_ms: i64,
) -> Result<Told<MemberId>, Failure> {
    let who = &visitor.who;
    let name = format!("introduction {}", who.member);
    if office.back_off.begin(&name, now_ms).is_err() {
        return Ok(Err("account-wait"));
    }
    let found = introduction::find(&books.people, &office.secret, who.org, code)?;
    if found.is_some() {
        office.back_off.right(&name);
    }
    Ok(found.ok_or("introduction-wrong"))
}

/// People and teams of the visitor's organisation, and whoever is in the space already: of others
/// nothing can be learned by trying ids.
fn may_be_given(
    books: &Books,
    visitor: &Visitor,
    space: &Managed,
    party: Party,
    now_ms: i64,
) -> Result<bool, Failure> {
    let (db, org) = (&books.people, visitor.who.org);
    let own = match party {
        Party::Member(id) => people::of_org(db, org)?.iter().any(|(own, _)| *own == id),
        Party::Team(id) => lists::teams(db, org)?.iter().any(|(own, _)| *own == id),
    };
    Ok(own || is_in(books, space, party, now_ms)?)
}

fn is_in(books: &Books, space: &Managed, party: Party, now_ms: i64) -> Result<bool, Failure> {
    let inside = lists::in_space(&books.people, space.id, now_ms)?;
    Ok(inside.iter().any(|entry| entry.party == party))
}

/// Takes a person or team out, for a reason.
pub(super) async fn end(
    State(office): State<Arc<Office>>,
    Path(space): Path<SpaceId>,
    Posted { visitor, sent }: Posted,
) -> Result<Response, Failure> {
    office
        .with_books(move |office, books| {
            let space = books.enter_to_manage(office, &visitor, space)?;
            let now_ms = office.env.now_ms();
            let party = sent.party().ok_or(Failure::NotFound)?;
            if !is_in(books, &space, party, now_ms)? {
                return Err(Failure::NotFound);
            }
            let Some(reason) = sent.line("reason") else {
                return show(office, books, &visitor, space, Err("reason-missing"));
            };
            books.together(|books| {
                let db = &books.people;
                let ended = match sent.one("from") {
                    "" => people::revoke(db, space.id, party, now_ms)?,
                    from => {
                        let from_ms = from.parse().map_err(|_| Failure::NotFound)?;
                        people::end_grant(db, space.id, party, from_ms, now_ms)?
                    }
                };
                if !ended {
                    return Err(Failure::NotFound);
                }
                let what = format!("space revoke {}: {reason}", written(party));
                books.note_act(office, &visitor, Some(space.id), &what)
            })?;
            // Whoever took themselves out has no page here any more.
            let space = match books.enter_to_manage(office, &visitor, space.id) {
                Ok(space) => space,
                Err(_) => return Ok(axum::response::Redirect::to("/office").into_response()),
            };
            show(office, books, &visitor, space, Ok(Some("people-ended")))
        })
        .await
}

fn show(
    office: &Office,
    books: &Books,
    visitor: &Visitor,
    space: Managed,
    told: Told<Option<&'static str>>,
) -> Result<Response, Failure> {
    let (db, now_ms, words) = (&books.people, office.env.now_ms(), visitor.words);
    let rows = lists::in_space(db, space.id, now_ms)?;
    let members = people::of_org(db, visitor.who.org)?.into_iter();
    let teams = lists::teams(db, visitor.who.org)?.into_iter();
    let mut frame = visitor.frame();
    frame.here = format!("/office/spaces/{}/people", space.id);
    let (said, wrong, status) = told_in(words, told);
    let page = html(&Page {
        frame,
        rows: rows
            .iter()
            .map(|entry| Row::of(words, entry, now_ms))
            .collect(),
        members: members
            .map(|(id, label)| Choice {
                value: written(Party::Member(id)),
                label,
            })
            .collect(),
        teams: teams
            .map(|(id, label)| Choice {
                value: written(Party::Team(id)),
                label,
            })
            .collect(),
        roles: roles(words),
        said,
        wrong,
        space,
    });
    Ok((status, page).into_response())
}
