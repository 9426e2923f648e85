//! Held work of a space, one envelope at a time: who wrote what and why it waits; let in, or dropped for
//! good with a reason. What people removed, and phones cut off, had still to deliver ends here.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use sopu_core::chunk::Chunk;
use sopu_core::documents::Kind;
use sopu_core::encoding::decode_changes;
use sopu_core::envelope::{self, Header};
use sopu_core::genesis::genesis;
use sopu_core::guard::{Limits, trial};
use sopu_core::history::field_changes;
use sopu_core::id::{DeviceId, DocId, EnvelopeId, Hash, SpaceId};
use sopu_core::store::view;

use super::books::{Books, Space};
use super::content::Show;
use super::frame::{Frame, html};
use super::history::{self, Change};
use super::names::Names;
use super::people::{Told, told_in};
use super::posted::Posted;
use super::sent::Sent;
use super::visitor::Visitor;
use super::{Failure, Office};
use crate::access::Action;
use crate::words::Words;

/// Envelopes on the page, the oldest first: what comes later may build on them.
const ROWS: usize = 25;

/// Saves of one envelope that are shown.
const SAVES: usize = 20;

#[derive(Template)]
#[template(path = "review.html")]
struct Page {
    frame: Frame,
    space: Space,
    rows: Vec<Row>,
    more: bool,
    said: Option<String>,
    wrong: Option<String>,
}

/// Work that is not in the record, in words.
pub(super) struct Row {
    id: EnvelopeId,
    pub title: String,
    pub address: Option<String>,
    pub kind: String,
    pub who: String,
    pub device: String,
    pub saved: String,
    pub received: String,
    pub why: String,
    pub changes: Vec<Change>,
    /// It cannot be shown here: what it builds on is not there, or it does not hold.
    pub unshown: bool,
}

/// An envelope that is not in the record, as the relay keeps it.
pub(super) struct Held {
    id: EnvelopeId,
    pub doc: DocId,
    kind: u8,
    device: DeviceId,
    header: Vec<u8>,
    run: Option<Vec<u8>>,
    reason: String,
    received_ms: i64,
}

/// What [`Held::of`] reads.
pub(super) const COLUMNS: &str =
    "id, doc, kind, device, header, run, coalesce(reason, ''), received_ms";

impl Held {
    pub(super) fn of(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: EnvelopeId(row.get(0)?),
            doc: DocId(uuid::Uuid::from_bytes(row.get(1)?)),
            kind: row.get(2)?,
            device: DeviceId(uuid::Uuid::from_bytes(row.get(3)?)),
            header: row.get(4)?,
            run: row.get(5)?,
            reason: row.get(6)?,
            received_ms: row.get(7)?,
        })
    }

    /// The envelopes and changes it makes again.
    pub(super) fn replaces(&self) -> Vec<EnvelopeId> {
        let header = envelope::decode(&self.header);
        header
            .map(|header: Header| header.replaces)
            .unwrap_or_default()
    }

    /// The changes it brings, if they can be read.
    pub(super) fn changes(&self) -> Option<Vec<Hash>> {
        let runs = decode_changes(self.run.as_deref()?, &Limits::RELAY).ok()?;
        let hash = |run: &Vec<u8>| Chunk::parse(run).ok().map(|(_, hash)| hash);
        runs.iter().map(hash).collect()
    }
}

/// What became of the work of a page.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It waits: shown as what it would do to the document as it stands.
    Held,
    /// It is left out for good: shown as it was written, on what its writer saw.
    Final,
}

/// The page.
pub(super) async fn page(
    State(office): State<Arc<Office>>,
    visitor: Visitor,
    Path(space): Path<SpaceId>,
) -> Result<Response, Failure> {
    office
        .with_books(move |office, books| {
            let space = books.enter_to(Action::Review, office, &visitor, space)?;
            show(office, books, &visitor, space, Ok(None))
        })
        .await
}

/// Lets it in. The relay tries it next, as it does all work.
pub(super) async fn accept(
    State(office): State<Arc<Office>>,
    Path(space): Path<SpaceId>,
    Posted { visitor, sent }: Posted,
) -> Result<Response, Failure> {
    decide(office, visitor, space, sent, true).await
}

/// Drops it for good, for a reason.
pub(super) async fn drop_for_good(
    State(office): State<Arc<Office>>,
    Path(space): Path<SpaceId>,
    Posted { visitor, sent }: Posted,
) -> Result<Response, Failure> {
    decide(office, visitor, space, sent, false).await
}

async fn decide(
    office: Arc<Office>,
    visitor: Visitor,
    space: SpaceId,
    sent: Sent,
    lets_in: bool,
) -> Result<Response, Failure> {
    office
        .with_books(move |office, books| {
            let space = books.enter_to(Action::Review, office, &visitor, space)?;
            let id = sent.one("envelope").to_owned();
            let all = held(books, space.id, None)?;
            let Some(row) = all.into_iter().find(|row| row.id.to_string() == id) else {
                return show(office, books, &visitor, space, Err("review-gone"));
            };
            let reason = sent.line("reason");
            if !lets_in && reason.is_none() {
                return show(office, books, &visitor, space, Err("reason-missing"));
            }
            let action = if lets_in { "accept" } else { "drop" };
            let at = (Some(space.id), Some(row.doc));
            let member = visitor.who.member;
            books.note(office, member, action, at, reason.as_deref())?;
            let done = office.writer.review(row.id, lets_in);
            let told = match done.map_err(|_| Failure::Server)? {
                true if lets_in => Ok(Some("review-accepted")),
                true => Ok(Some("review-dropped")),
                false => Err("review-gone"),
            };
            show(office, books, &visitor, space, told)
        })
        .await
}

/// How much work is held in a space.
pub(super) fn count(books: &Books, space: SpaceId) -> Result<usize, Failure> {
    let count: i64 = books
        .people
        .prepare_cached("SELECT count(*) FROM envelope WHERE state = 'held' AND space = ?1")?
        .query_row([space.as_bytes().as_slice()], |row| row.get(0))?;
    Ok(usize::try_from(count).unwrap_or(0))
}

fn held(books: &Books, space: SpaceId, limit: Option<usize>) -> Result<Vec<Held>, Failure> {
    let mut query = books.people.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM envelope
         WHERE state = 'held' AND space = ?1 ORDER BY arrival LIMIT ?2"
    ))?;
    let limit = limit.map_or(-1, |n| i64::try_from(n).unwrap_or(i64::MAX));
    let rows = query.query_map((space.as_bytes().as_slice(), limit), Held::of)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn show(
    office: &Office,
    books: &mut Books,
    visitor: &Visitor,
    space: Space,
    told: Told<Option<&'static str>>,
) -> Result<Response, Failure> {
    let mut all = held(books, space.id, Some(ROWS + 1))?;
    let more = all.len() > ROWS;
    all.truncate(ROWS);
    let rows = told_rows(office, books, visitor, &space, &all, Fate::Held)?;
    let mut frame = visitor.frame();
    frame.here = format!("/office/spaces/{}/review", space.id);
    let (said, wrong, status) = told_in(visitor.words, told);
    let page = html(&Page {
        frame,
        rows,
        more,
        said,
        wrong,
        space,
    });
    Ok((status, page).into_response())
}

/// Work in words. What is shown here is read like any other document.
pub(super) fn told_rows(
    office: &Office,
    books: &mut Books,
    visitor: &Visitor,
    space: &Space,
    all: &[Held],
    fate: Fate,
) -> Result<Vec<Row>, Failure> {
    books.record(office)?;
    for row in all {
        books.note_read(office, visitor, space, Some(row.doc), "review")?;
    }
    let books = &*books;
    let names = Names::of(&books.people, books.opened(), space.id, visitor.words)?;
    let rows = all
        .iter()
        .map(|row| told_row(books, visitor.words, &names, space, row, fate));
    rows.collect()
}

fn told_row(
    books: &Books,
    words: &'static Words,
    names: &Names<'_>,
    space: &Space,
    row: &Held,
    fate: Fate,
) -> Result<Row, Failure> {
    let known = match books.opened() {
        Some(record) => view::get(record.conn(), row.doc)?.filter(|view| view.space == space.id),
        None => None,
    };
    let (who, device) = names.device(row.device).unwrap_or_default();
    let header = envelope::decode::<Header>(&row.header);
    let saved_ms = header.as_ref().map(|header| header.done_ms(0));
    let kind = Kind::from_number(row.kind);
    let kind_words = kind.map(|kind| words.t(&format!("kind-{}", kind.code())));
    let changes = kind.and_then(|kind| {
        let show = Show { words, names, kind };
        let seen = header
            .filter(|_| fate == Fate::Final)
            .map(|header| header.deps);
        changes(books, &show, row, seen.as_deref())
    });
    let state = match fate {
        Fate::Held => "held",
        Fate::Final => "final",
    };
    let reason = match row.reason.as_str() {
        "replaced" | "replay_of_fed" | "duplicate" => "in-part".to_owned(),
        reason => reason.replace('_', "-"),
    };
    let why = format!("{state}-{reason}");
    Ok(Row {
        id: row.id,
        title: match &known {
            Some(view) if !view.title.is_empty() => view.title.clone(),
            Some(_) => words.t("untitled"),
            None => words.t("review-new"),
        },
        address: known.map(|_| format!("/office/spaces/{}/documents/{}", space.id, row.doc)),
        kind: kind_words.unwrap_or_default(),
        who,
        device,
        saved: saved_ms.map(|ms| words.instant(ms)).unwrap_or_default(),
        received: words.instant(row.received_ms),
        why: words
            .find(&why, None)
            .unwrap_or_else(|| words.t(&format!("{state}-other"))),
        unshown: changes.is_none(),
        changes: changes.unwrap_or_default(),
    })
}

/// What the envelope would do to the document as the record has it, or as it was `seen`; `None` if that
/// cannot be said. It is tried on a copy, as the relay does.
fn changes(
    books: &Books,
    show: &Show<'_>,
    row: &Held,
    seen: Option<&[Hash]>,
) -> Option<Vec<Change>> {
    let limits = &Limits::RELAY;
    let runs = decode_changes(row.run.as_deref()?, limits).ok()?;
    let known = books
        .opened()
        .and_then(|record| record.document(row.doc).ok());
    let base = match (&known, seen) {
        (_, Some([])) | (None, None) => genesis(show.kind).document(),
        (Some(loaded), None) => loaded.am.clone(),
        (known, Some(seen)) => {
            let heads: Vec<_> = seen.iter().map(|hash| (*hash).into()).collect();
            known.as_ref()?.am.fork_at(&heads).ok()?
        }
    };
    let tried = trial(&base, show.kind, &runs, limits).ok()?;
    let mut all = Vec::new();
    for run in runs.iter().take(SAVES) {
        let (_, hash): (_, Hash) = Chunk::parse(run).ok()?;
        let fields = field_changes(&tried, show.kind, &hash)?;
        let fields = fields.iter().filter(|change| !history::said_above(change));
        all.extend(fields.map(|change| history::told(show, change)));
    }
    Some(all)
}
