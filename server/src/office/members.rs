//! The people of an organisation, for its administrators: who there is, and adding somebody.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use sopu_core::id::MemberId;

use super::books::Books;
use super::devices::Invited;
use super::frame::{Frame, html};
use super::people::{Told, told_in};
use super::posted::Posted;
use super::visitor::Visitor;
use super::{Failure, Office};
use crate::access::people::NewMember;
use crate::access::{AccessError, lists, password, people};

#[derive(Template)]
#[template(path = "members.html")]
struct Page {
    frame: Frame,
    tab: &'static str,
    rows: Vec<Row>,
    fresh: Option<Fresh>,
    invited: Option<Invited>,
    said: Option<String>,
    wrong: Option<String>,
}

struct Row {
    id: MemberId,
    name: String,
    login: String,
    admin: bool,
    ended: Option<String>,
}

/// A password that was just made for somebody. It is shown this once.
pub(super) struct Fresh {
    pub name: String,
    pub login: String,
    pub password: String,
}

/// What there is to show once.
#[derive(Default)]
struct Made {
    fresh: Option<Fresh>,
    invited: Option<Invited>,
}

/// The page.
pub(super) async fn page(
    State(office): State<Arc<Office>>,
    visitor: Visitor,
) -> Result<Response, Failure> {
    office
        .with_books(move |_, books| {
            visitor.administers()?;
            show(books, &visitor, Made::default(), Ok(None))
        })
        .await
}

/// Adds a person: with a user name and a password to be changed at once, or an invite for their device, or
/// both.
pub(super) async fn add(
    State(office): State<Arc<Office>>,
    Posted { visitor, sent }: Posted,
) -> Result<Response, Failure> {
    office
        .with_books(move |office, books| {
            visitor.administers()?;
            let Some(name) = sent.line("name") else {
                return show(books, &visitor, Made::default(), Err("members-name-wrong"));
            };
            let login = sent.line("login");
            if login.is_none() && !sent.one("login").trim().is_empty() {
                return show(books, &visitor, Made::default(), Err("members-name-wrong"));
            }
            let password = login.as_ref().map(|_| password::mint(&*office.env));
            let new = NewMember {
                org: visitor.who.org,
                name: &name,
                login: login.as_deref(),
                password: None,
                admin: false,
            };
            let added = books.together(|books| {
                let member = match people::add_member(&books.people, &*office.env, &new) {
                    Err(AccessError::Taken { .. }) => return Ok(None),
                    added => added?,
                };
                if let Some(password) = &password {
                    people::set_one_time_password(&books.people, member, password)?;
                }
                books.note_act(office, &visitor, None, &format!("member add {member}"))?;
                let invited = match sent.one("invite") {
                    "" => None,
                    _ => {
                        let name = name.clone();
                        Some(Invited::make(office, books, &visitor, member, name)?)
                    }
                };
                Ok(Some(invited))
            })?;
            let Some(invited) = added else {
                return show(books, &visitor, Made::default(), Err("members-login-taken"));
            };
            let fresh = login.zip(password).map(|(login, password)| Fresh {
                name,
                login,
                password,
            });
            let made = Made { fresh, invited };
            show(books, &visitor, made, Ok(Some("members-added")))
        })
        .await
}

fn show(
    books: &Books,
    visitor: &Visitor,
    made: Made,
    told: Told<Option<&'static str>>,
) -> Result<Response, Failure> {
    let words = visitor.words;
    let rows = lists::people(&books.people, visitor.who.org)?;
    let rows = rows.into_iter().map(|person| Row {
        id: person.id,
        name: person.name,
        login: person.login.unwrap_or_default(),
        admin: person.admin,
        ended: person
            .ended_ms
            .map(|ms| words.with("members-ended", &[("when", &words.instant(ms))])),
    });
    let mut frame = visitor.frame();
    frame.here = "/office/members".to_owned();
    let (said, wrong, status) = told_in(words, told);
    let page = html(&Page {
        frame,
        tab: "members",
        rows: rows.collect(),
        fresh: made.fresh,
        invited: made.invited,
        said,
        wrong,
    });
    Ok((status, page).into_response())
}
