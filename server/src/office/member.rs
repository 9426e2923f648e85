//! One person of the organisation, for its administrators: where they are let in, their account.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use sopu_core::id::{MemberId, SpaceId};

use super::books::Books;
use super::frame::{Frame, html};
use super::members::Fresh;
use super::people::{self as pages, Choice, Row, Told, told_in};
use super::posted::Posted;
use super::visitor::Visitor;
use super::{Failure, Office};
use crate::access::lists::{self, Person};
use crate::access::{introduction, password, people};

#[derive(Template)]
#[template(path = "member.html")]
struct Page {
    frame: Frame,
    tab: &'static str,
    id: MemberId,
    name: String,
    login: String,
    admin: bool,
    /// The visitor themselves: they cannot shut themselves out.
    own: bool,
    ended: Option<String>,
    rows: Vec<Row>,
    spaces: Vec<Choice>,
    roles: Vec<Choice>,
    fresh: Option<Fresh>,
    /// What tells other organisations who they are.
    introduction: String,
    said: Option<String>,
    wrong: Option<String>,
}

/// The page.
pub(super) async fn page(
    State(office): State<Arc<Office>>,
    visitor: Visitor,
    Path(member): Path<MemberId>,
) -> Result<Response, Failure> {
    office
        .with_books(move |office, books| {
            let person = find(books, &visitor, member)?;
            show(office, books, &visitor, person.id, None, Ok(None))
        })
        .await
}

/// One of the organisation's own; others are not there.
fn find(books: &Books, visitor: &Visitor, member: MemberId) -> Result<Person, Failure> {
    visitor.administers()?;
    let all = lists::people(&books.people, visitor.who.org)?;
    let found = all.into_iter().find(|person| person.id == member);
    found.ok_or(Failure::NotFound)
}

/// As [`find`], with an account that is open.
fn find_open(books: &Books, visitor: &Visitor, member: MemberId) -> Result<Person, Failure> {
    let person = find(books, visitor, member)?;
    match person.ended_ms {
        None => Ok(person),
        Some(_) => Err(Failure::NotFound),
    }
}

/// Lets them into a space, or gives them another role there.
pub(super) async fn grant(
    State(office): State<Arc<Office>>,
    Path(member): Path<MemberId>,
    Posted { visitor, sent }: Posted,
) -> Result<Response, Failure> {
    office
        .with_books(move |office, books| {
            let person = find_open(books, &visitor, member)?;
            let space: SpaceId = sent.id("space").ok_or(Failure::NotFound)?;
            let space = books.enter_to_manage(office, &visitor, space)?;
            let done = pages::let_in(office, books, &visitor, &space, &sent)?;
            let told = done.map(|()| Some("people-granted"));
            show(office, books, &visitor, person.id, None, told)
        })
        .await
}

/// Gives them a new password, to be changed at once, and ends their sessions.
pub(super) async fn renew_password(
    State(office): State<Arc<Office>>,
    Path(member): Path<MemberId>,
    Posted { visitor, .. }: Posted,
) -> Result<Response, Failure> {
    office
        .with_books(move |office, books| {
            let person = find_open(books, &visitor, member)?;
            if member == visitor.who.member {
                // One's own is changed on the account page, by whoever knows the old one.
                let told = Err("member-not-oneself");
                return show(office, books, &visitor, member, None, told);
            }
            let login = person.login.ok_or(Failure::NotFound)?;
            let password = password::mint(&*office.env);
            let what = format!("member password {member}");
            books.act(office, &visitor, None, &what, |db| {
                people::set_one_time_password(db, member, &password)
            })?;
            let fresh = Fresh {
                name: person.name,
                login,
                password,
            };
            show(office, books, &visitor, member, Some(fresh), Ok(None))
        })
        .await
}

/// Makes them an administrator, or one no more.
pub(super) async fn set_admin(
    State(office): State<Arc<Office>>,
    Path(member): Path<MemberId>,
    Posted { visitor, sent }: Posted,
) -> Result<Response, Failure> {
    office
        .with_books(move |office, books| {
            let person = find_open(books, &visitor, member)?;
            if member == visitor.who.member {
                return show(
                    office,
                    books,
                    &visitor,
                    member,
                    None,
                    Err("member-not-oneself"),
                );
            }
            // The form says what it is to become, so that two who press at once do not undo each other.
            let admin = sent.one("admin") == "on";
            if admin == person.admin {
                let told = Ok(Some("member-changed"));
                return show(office, books, &visitor, member, None, told);
            }
            let what = if admin { "admin" } else { "no-admin" };
            let what = format!("member {what} {member}");
            books.act(office, &visitor, None, &what, |db| {
                people::set_admin(db, member, admin)
            })?;
            show(
                office,
                books,
                &visitor,
                member,
                None,
                Ok(Some("member-changed")),
            )
        })
        .await
}

/// Ends their account, for a reason. What they wrote stays.
pub(super) async fn end(
    State(office): State<Arc<Office>>,
    Path(member): Path<MemberId>,
    Posted { visitor, sent }: Posted,
) -> Result<Response, Failure> {
    office
        .with_books(move |office, books| {
            find_open(books, &visitor, member)?;
            if member == visitor.who.member {
                return show(
                    office,
                    books,
                    &visitor,
                    member,
                    None,
                    Err("member-not-oneself"),
                );
            }
            let Some(reason) = sent.line("reason") else {
                return show(office, books, &visitor, member, None, Err("reason-missing"));
            };
            let what = format!("member remove {member}: {reason}");
            books.act(office, &visitor, None, &what, |db| {
                people::disable_member(db, member, office.env.now_ms())
            })?;
            show(
                office,
                books,
                &visitor,
                member,
                None,
                Ok(Some("member-ended")),
            )
        })
        .await
}

fn show(
    office: &Office,
    books: &Books,
    visitor: &Visitor,
    member: MemberId,
    fresh: Option<Fresh>,
    told: Told<Option<&'static str>>,
) -> Result<Response, Failure> {
    let (db, now_ms, words) = (&books.people, office.env.now_ms(), visitor.words);
    let person = find(books, visitor, member)?;
    let rows = match person.ended_ms {
        None => lists::of_member(db, member, now_ms)?,
        Some(_) => Vec::new(),
    };
    let spaces = lists::spaces(db, visitor.who.org)?.into_iter();
    let mut frame = visitor.frame();
    frame.here = format!("/office/members/{member}");
    let (said, wrong, status) = told_in(words, told);
    let page = html(&Page {
        frame,
        tab: "members",
        id: member,
        name: person.name,
        login: person.login.unwrap_or_default(),
        admin: person.admin,
        own: member == visitor.who.member,
        ended: person
            .ended_ms
            .map(|ms| words.with("members-ended", &[("when", &words.instant(ms))])),
        rows: rows
            .iter()
            .map(|entry| Row::of(words, entry, now_ms))
            .collect(),
        spaces: spaces
            .map(|(id, label)| Choice {
                value: id.to_string(),
                label,
            })
            .collect(),
        roles: pages::roles(words),
        fresh,
        introduction: introduction::code(&office.secret, member)?,
        said,
        wrong,
    });
    Ok((status, page).into_response())
}
