//! A substitute for several clients at once: who, where, from when until when, one form.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use sopu_core::id::{MemberId, SpaceId};

use super::books::Books;
use super::frame::{Frame, html};
use super::people::{Choice, Row, Told, told_in};
use super::posted::Posted;
use super::sent::Sent;
use super::visitor::Visitor;
use super::{Failure, Office};
use crate::access::people::Window;
use crate::access::substitutes::{self, Candidate, Substitution};
use crate::access::{Action, lists, people, spaces_of};
use crate::civil;

#[derive(Template)]
#[template(path = "substitutes.html")]
struct Page {
    frame: Frame,
    own: Vec<Choice>,
    partners: Vec<Candidate>,
    spaces: Vec<Tick>,
    from: String,
    until: String,
    reason: String,
    /// Whose right ends by itself, in these spaces.
    rows: Vec<Row>,
    said: Option<String>,
    wrong: Option<String>,
}

/// A space to tick.
struct Tick {
    id: SpaceId,
    name: String,
    ticked: bool,
}

/// The page.
pub(super) async fn page(
    State(office): State<Arc<Office>>,
    visitor: Visitor,
) -> Result<Response, Failure> {
    office
        .with_books(move |office, books| {
            let spaces = managed(office, books, &visitor)?;
            show(office, books, &visitor, &spaces, None, Ok(None))
        })
        .await
}

/// Every space whose people the visitor may say, by name; there must be one.
fn managed(
    office: &Office,
    books: &Books,
    visitor: &Visitor,
) -> Result<Vec<(SpaceId, String)>, Failure> {
    let (db, who) = (&books.people, &visitor.who);
    let mut all = match who.admin {
        true => lists::spaces(db, who.org)?,
        false => Vec::new(),
    };
    for (space, role) in spaces_of(db, who.member, office.env.now_ms())? {
        if role.may(Action::Manage) && !all.iter().any(|(id, _)| *id == space) {
            let heading = people::space_heading(db, space)?;
            all.extend(heading.map(|(name, _)| (space, name)));
        }
    }
    all.sort_by_key(|(_, name)| name.to_lowercase());
    match all.is_empty() {
        true => Err(Failure::Right),
        false => Ok(all),
    }
}

/// Lets a substitute in: everywhere that was ticked, or nowhere.
pub(super) async fn grant(
    State(office): State<Arc<Office>>,
    Posted { visitor, sent }: Posted,
) -> Result<Response, Failure> {
    office
        .with_books(move |office, books| {
            let spaces = managed(office, books, &visitor)?;
            let told = let_in(office, books, &visitor, &spaces, &sent)?;
            let again = told.is_err().then_some(&sent);
            let told = told.map(|()| Some("substitute-granted"));
            show(office, books, &visitor, &spaces, again, told)
        })
        .await
}

fn let_in(
    office: &Office,
    books: &mut Books,
    visitor: &Visitor,
    managed: &[(SpaceId, String)],
    sent: &Sent,
) -> Result<Told<()>, Failure> {
    let now_ms = office.env.now_ms();
    let member: MemberId = sent.id("member").ok_or(Failure::NotFound)?;
    let ids: Vec<SpaceId> = managed.iter().map(|(id, _)| *id).collect();
    let own = people::of_org(&books.people, visitor.who.org)?;
    let partners = substitutes::partners(&books.people, &ids, visitor.who.org)?;
    let known = own.iter().any(|(id, _)| *id == member)
        || partners.iter().any(|partner| partner.member == member);
    if !known {
        return Err(Failure::NotFound);
    }
    let mut ticked = Vec::new();
    for space in sent.all("space") {
        let space: SpaceId = space.parse().map_err(|_| Failure::NotFound)?;
        if !ids.contains(&space) {
            return Err(Failure::NotFound);
        }
        if !ticked.contains(&space) {
            ticked.push(space);
        }
    }
    if ticked.is_empty() {
        return Ok(Err("substitute-nowhere"));
    }
    let Some(window) = sent.window(now_ms) else {
        return Ok(Err("window-wrong"));
    };
    let Some(reason) = sent.line("reason") else {
        return Ok(Err("reason-missing"));
    };
    let until_ms = window
        .until_ms
        .or(Some(window.from_ms + substitutes::LENGTH_MS));
    let given = Substitution {
        member,
        spaces: &ticked,
        window: Window { until_ms, ..window },
        by: Some(visitor.who.member),
        reason: &reason,
    };
    substitutes::grant(&mut books.people, &given, now_ms)?;
    Ok(Ok(()))
}

fn show(
    office: &Office,
    books: &Books,
    visitor: &Visitor,
    spaces: &[(SpaceId, String)],
    again: Option<&Sent>,
    told: Told<Option<&'static str>>,
) -> Result<Response, Failure> {
    let (db, now_ms, words) = (&books.people, office.env.now_ms(), visitor.words);
    let mut rows = Vec::new();
    for (space, _) in spaces {
        let inside = lists::in_space(db, *space, now_ms)?;
        let for_a_time = inside
            .iter()
            .filter(|entry| entry.window.until_ms.is_some());
        rows.extend(for_a_time.map(|entry| Row::of(words, entry, now_ms)));
    }
    let ids: Vec<SpaceId> = spaces.iter().map(|(id, _)| *id).collect();
    let sent = |name: &str| again.map(|sent| sent.one(name).to_owned());
    let ticked: Vec<&str> = again.map_or(Vec::new(), |sent| sent.all("space").collect());
    let own = people::of_org(db, visitor.who.org)?.into_iter();
    let mut frame = visitor.frame();
    frame.here = "/office/substitutes".to_owned();
    let (said, wrong, status) = told_in(words, told);
    let page = html(&Page {
        frame,
        own: own
            .map(|(id, label)| Choice {
                value: id.to_string(),
                label,
            })
            .collect(),
        partners: substitutes::partners(db, &ids, visitor.who.org)?,
        spaces: spaces
            .iter()
            .map(|(id, name)| Tick {
                ticked: ticked.contains(&id.to_string().as_str()),
                id: *id,
                name: name.clone(),
            })
            .collect(),
        from: sent("from").unwrap_or_else(|| civil::typed(now_ms)),
        until: sent("until").unwrap_or_else(|| civil::typed(now_ms + substitutes::LENGTH_MS)),
        reason: sent("reason").unwrap_or_default(),
        rows,
        said,
        wrong,
    });
    Ok((status, page).into_response())
}
