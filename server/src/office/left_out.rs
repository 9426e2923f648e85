//! Work of a space that is kept and will never be in the record: dropped in a review, or let in there and
//! then found not to fit. Whoever reads it here can write again by hand what matters.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, Query as Asked, State};
use axum::response::Response;
use rusqlite::Row as Found;
use serde::Deserialize;
use sopu_core::id::{EnvelopeId, SpaceId};

use super::books::{Books, Space};
use super::frame::{Frame, html};
use super::history::Change;
use super::review::{COLUMNS, Fate, Held, Row, told_rows};
use super::visitor::Visitor;
use super::{Failure, Office};
use crate::access::Action;

/// Envelopes on a page, the newest first.
const ROWS: usize = 25;

#[derive(Template)]
#[template(path = "left_out.html")]
struct Page {
    frame: Frame,
    space: Space,
    rows: Vec<Row>,
    older: Option<i64>,
}

#[derive(Deserialize)]
pub(super) struct Where {
    /// Only what came before this one, by number of arrival.
    before: Option<i64>,
}

/// The page.
pub(super) async fn page(
    State(office): State<Arc<Office>>,
    visitor: Visitor,
    Path(space): Path<SpaceId>,
    Asked(Where { before }): Asked<Where>,
) -> Result<Response, Failure> {
    office
        .with_books(move |office, books| {
            let space = books.enter_to(Action::Review, office, &visitor, space)?;
            let mut all = left_out(books, space.id, before.unwrap_or(i64::MAX))?;
            let more = all.len() > ROWS;
            all.truncate(ROWS);
            let older = all.last().filter(|_| more).map(|(arrival, _)| *arrival);
            let mut left = Vec::new();
            for (_, row) in all {
                if !is_made_again(books, &row)? {
                    left.push(row);
                }
            }
            let rows = told_rows(office, books, &visitor, &space, &left, Fate::Final)?;
            let mut frame = visitor.frame();
            frame.here = format!("/office/spaces/{}/review/left-out", space.id);
            Ok(html(&Page {
                frame,
                space,
                rows,
                older,
            }))
        })
        .await
}

/// Refused for good, with what it says. What its device made again, or is in the record by another
/// envelope, is not left out.
fn left_out(books: &Books, space: SpaceId, before: i64) -> Result<Vec<(i64, Held)>, Failure> {
    let mut query = books.people.prepare_cached(&format!(
        "SELECT {COLUMNS}, arrival FROM envelope
         WHERE state = 'final' AND space = ?1 AND arrival < ?2 AND run NOT NULL
           AND reason NOT IN ('replaced', 'replay_of_fed', 'duplicate')
           AND NOT EXISTS (SELECT 1 FROM retired WHERE retired.id = envelope.id)
         ORDER BY arrival DESC LIMIT ?3",
    ))?;
    let limit = i64::try_from(ROWS + 1).unwrap_or(i64::MAX);
    let row = |row: &Found<'_>| Ok((row.get(8)?, Held::of(row)?));
    let rows = query.query_map((space.as_bytes().as_slice(), before, limit), row)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Whether every change of an envelope was made again one by one, as what copies of a device had in common.
fn is_made_again(books: &Books, row: &Held) -> Result<bool, Failure> {
    let mut query = books
        .people
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM retired WHERE id = ?1)")?;
    for change in row.changes().unwrap_or_default() {
        let name = EnvelopeId::of_change(row.doc, change);
        if !query.query_row([name.0.as_slice()], |row| row.get(0))? {
            return Ok(false);
        }
    }
    Ok(row.changes().is_some())
}
