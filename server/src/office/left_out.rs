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

/// How long a device has to make again what was refused only for what else is in the record, milliseconds.
const MAKES_AGAIN_MS: i64 = 24 * 60 * 60 * 1000;

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
            let until_ms = office.env.now_ms().saturating_sub(MAKES_AGAIN_MS);
            let mut all = left_out(books, space.id, before.unwrap_or(i64::MAX), until_ms)?;
            let more = all.len() > ROWS;
            all.truncate(ROWS);
            let older = all.last().filter(|_| more).map(|(arrival, _)| *arrival);
            let mut left = Vec::new();
            for (_, row) in all {
                if !is_in_record(books, &row)? {
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

/// Refused for good, with what it says. What was refused only because other work says some of it, its device
/// makes again: that is left out once the device is cut off, or had its time and did not (`until_ms`, by the
/// relay's clock: when it came at the latest).
fn left_out(
    books: &Books,
    space: SpaceId,
    before: i64,
    until_ms: i64,
) -> Result<Vec<(i64, Held)>, Failure> {
    let mut query = books.people.prepare_cached(&format!(
        "SELECT {COLUMNS}, arrival FROM envelope
         WHERE state = 'final' AND space = ?1 AND arrival < ?2 AND run NOT NULL
           AND NOT EXISTS (SELECT 1 FROM retired WHERE retired.id = envelope.id)
           AND (reason NOT IN ('replaced', 'replay_of_fed', 'duplicate') OR received_ms <= ?4
                OR EXISTS (SELECT 1 FROM device WHERE id = envelope.device AND revoked_ms NOT NULL))
         ORDER BY arrival DESC LIMIT ?3",
    ))?;
    let limit = i64::try_from(ROWS + 1).unwrap_or(i64::MAX);
    let row = |row: &Found<'_>| Ok((row.get(8)?, Held::of(row)?));
    let rows = query.query_map((space.as_bytes().as_slice(), before, limit, until_ms), row)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Whether the record has all that an envelope says: each of its changes, or what it made again of other
/// envelopes and changes, is in the feed or was made again in it, by this device or a copy of it.
fn is_in_record(books: &Books, row: &Held) -> Result<bool, Failure> {
    let replaces = row.replaces();
    let said: Vec<EnvelopeId> = if replaces.is_empty() {
        let changes = row.changes().unwrap_or_default().into_iter();
        changes
            .map(|hash| EnvelopeId::of_change(row.doc, hash))
            .collect()
    } else {
        replaces
    };
    let mut query = books.people.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM retired WHERE id = ?1)
             OR EXISTS (SELECT 1 FROM envelope WHERE id = ?1 AND state = 'fed')
             OR EXISTS (SELECT 1 FROM change JOIN envelope USING (doc, arrival)
                        WHERE doc = ?2 AND hash = ?3 AND state = 'fed')",
    )?;
    for id in &said {
        let change = id.as_change(row.doc);
        let key = (
            id.0.as_slice(),
            row.doc.as_bytes().as_slice(),
            change.0.as_slice(),
        );
        if !query.query_row(key, |row| row.get(0))? {
            return Ok(false);
        }
    }
    Ok(!said.is_empty())
}
