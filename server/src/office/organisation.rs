//! The teams and spaces of an organisation, for its administrators.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use sopu_core::id::{MemberId, SpaceId};
use uuid::Uuid;

use super::books::Books;
use super::frame::{Frame, html};
use super::people::{self as pages, Choice, Told, told_in};
use super::posted::Posted;
use super::visitor::Visitor;
use super::{Failure, Office};
use crate::access::{lists, people};

#[derive(Template)]
#[template(path = "organisation.html")]
struct Page {
    frame: Frame,
    tab: &'static str,
    spaces: Vec<(SpaceId, String)>,
    teams: Vec<Team>,
    members: Vec<Choice>,
    /// Days a device may be without contact.
    lease: u16,
    said: Option<String>,
    wrong: Option<String>,
}

struct Team {
    id: Uuid,
    name: String,
    people: Vec<Place>,
}

struct Place {
    member: MemberId,
    name: String,
    when: String,
}

/// The page.
pub(super) async fn page(
    State(office): State<Arc<Office>>,
    visitor: Visitor,
) -> Result<Response, Failure> {
    office
        .with_books(move |office, books| {
            visitor.administers()?;
            show(office, books, &visitor, Ok(None))
        })
        .await
}

/// Adds a space. Nobody is in it yet.
pub(super) async fn add_space(
    State(office): State<Arc<Office>>,
    Posted { visitor, sent }: Posted,
) -> Result<Response, Failure> {
    office
        .with_books(move |office, books| {
            visitor.administers()?;
            let Some(name) = sent.line("name") else {
                return show(office, books, &visitor, Err("members-name-wrong"));
            };
            books.together(|books| {
                let (db, org) = (&books.people, visitor.who.org);
                let space = people::add_space(db, &*office.env, org, &name)?;
                books.note_act(office, &visitor, Some(space), "space add")
            })?;
            show(office, books, &visitor, Ok(Some("space-added")))
        })
        .await
}

/// Says for how many days devices may be without contact.
pub(super) async fn set_lease(
    State(office): State<Arc<Office>>,
    Posted { visitor, sent }: Posted,
) -> Result<Response, Failure> {
    office
        .with_books(move |office, books| {
            visitor.administers()?;
            let days = sent.id("days").filter(|days| people::LEASE.contains(days));
            let Some(days) = days else {
                return show(office, books, &visitor, Err("lease-wrong"));
            };
            let what = format!("org lease {days}");
            books.act(office, &visitor, None, &what, |db| {
                people::set_lease(db, visitor.who.org, days)
            })?;
            show(office, books, &visitor, Ok(Some("lease-set")))
        })
        .await
}

/// Adds a team.
pub(super) async fn add_team(
    State(office): State<Arc<Office>>,
    Posted { visitor, sent }: Posted,
) -> Result<Response, Failure> {
    office
        .with_books(move |office, books| {
            visitor.administers()?;
            let Some(name) = sent.line("name") else {
                return show(office, books, &visitor, Err("members-name-wrong"));
            };
            books.together(|books| {
                let (db, org) = (&books.people, visitor.who.org);
                let team = people::add_team(db, &*office.env, org, &name)?;
                books.note_act(office, &visitor, None, &format!("team add {team}"))
            })?;
            show(office, books, &visitor, Ok(Some("team-added")))
        })
        .await
}

/// Puts a person into a team.
pub(super) async fn join(
    State(office): State<Arc<Office>>,
    Path(team): Path<Uuid>,
    Posted { visitor, sent }: Posted,
) -> Result<Response, Failure> {
    office
        .with_books(move |office, books| {
            own_team(books, &visitor, team)?;
            let member: MemberId = sent.id("member").ok_or(Failure::NotFound)?;
            let own = people::of_org(&books.people, visitor.who.org)?;
            if !own.iter().any(|(id, _)| *id == member) {
                return Err(Failure::NotFound);
            }
            let Some(window) = sent.window(office.env.now_ms()) else {
                return show(office, books, &visitor, Err("window-wrong"));
            };
            let what = format!("team join {team} {member}");
            books.act(office, &visitor, None, &what, |db| {
                people::join_team(db, team, member, window)
            })?;
            show(office, books, &visitor, Ok(Some("team-joined")))
        })
        .await
}

/// Takes a person out of a team.
pub(super) async fn leave(
    State(office): State<Arc<Office>>,
    Path(team): Path<Uuid>,
    Posted { visitor, sent }: Posted,
) -> Result<Response, Failure> {
    office
        .with_books(move |office, books| {
            own_team(books, &visitor, team)?;
            let member: MemberId = sent.id("member").ok_or(Failure::NotFound)?;
            let Some(reason) = sent.line("reason") else {
                return show(office, books, &visitor, Err("reason-missing"));
            };
            books.together(|books| {
                if !people::leave_team(&books.people, team, member, office.env.now_ms())? {
                    return Err(Failure::NotFound);
                }
                let what = format!("team leave {team} {member}: {reason}");
                books.note_act(office, &visitor, None, &what)
            })?;
            show(office, books, &visitor, Ok(Some("team-left")))
        })
        .await
}

fn own_team(books: &Books, visitor: &Visitor, team: Uuid) -> Result<(), Failure> {
    visitor.administers()?;
    let own = lists::teams(&books.people, visitor.who.org)?;
    let found = own.iter().any(|(id, _)| *id == team);
    found.then_some(()).ok_or(Failure::NotFound)
}

fn show(
    office: &Office,
    books: &Books,
    visitor: &Visitor,
    told: Told<Option<&'static str>>,
) -> Result<Response, Failure> {
    let (db, org) = (&books.people, visitor.who.org);
    let (now_ms, words) = (office.env.now_ms(), visitor.words);
    let mut teams = Vec::new();
    for (id, name) in lists::teams(db, org)? {
        let people = lists::in_team(db, id, now_ms)?.into_iter();
        let people = people.map(|place| Place {
            member: place.member,
            name: place.name,
            when: pages::when(words, place.window, now_ms),
        });
        teams.push(Team {
            id,
            name,
            people: people.collect(),
        });
    }
    let members = people::of_org(db, org)?.into_iter();
    let mut frame = visitor.frame();
    frame.here = "/office/organisation".to_owned();
    let (said, wrong, status) = told_in(words, told);
    let page = html(&Page {
        frame,
        tab: "organisation",
        spaces: lists::spaces(db, org)?,
        lease: people::lease_of(db, org)?,
        teams,
        members: members
            .map(|(id, label)| Choice {
                value: id.to_string(),
                label,
            })
            .collect(),
        said,
        wrong,
    });
    Ok((status, page).into_response())
}
