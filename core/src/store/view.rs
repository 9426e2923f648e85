//! Views: each document's current content as a row, so that lists, search and findings never load
//! a document. Always rebuildable from the changes.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde_json::{Value, json};

use super::document::{self, DocWrite, NewChange, Origin};
use super::error::{Result, StoreError};
use super::{Tx, meta, search};
use crate::documents::visit_note::moved::origin;
use crate::documents::{self, Kind};
use crate::findings;
use crate::id::{DocId, Hash, MemberId, SpaceId};
use crate::read::{self, Conflict, LiveValue, LogClash, Reading, RemovedItem, StatusMark};
use crate::trace::{self, Trace};

mod moved;
mod seal;

pub use moved::moved_from;

pub(super) use seal::Shown;
use seal::content_seal;

/// Rises whenever a view of the same document would come out otherwise (a new summary, a new
/// field): a store with older views rebuilds them once.
pub const GENERATION: i64 = 2;

const GENERATION_KEY: &str = "view_generation";

/// A document's current content without loading it.
#[derive(Clone, Debug, PartialEq)]
pub struct View {
    /// Which document.
    pub doc: DocId,
    /// Where it lives.
    pub space: SpaceId,
    /// Of which kind.
    pub kind: Kind,
    /// The line lists show.
    pub title: String,
    /// Farm, client or provider.
    pub subject: Option<String>,
    /// Status code.
    pub status: Option<String>,
    /// The date it sorts by, `YYYY-MM-DD`.
    pub date: Option<String>,
    /// Last changed in this store, milliseconds since 1970 UTC.
    pub updated_ms: i64,
    /// Who changed it last, if known.
    pub changed_by: Option<MemberId>,
    /// What it says, conflicts and removed items included.
    pub reading: Reading,
    /// What the content alone does not tell: late edits and edits by others.
    pub trace: Trace,
}

impl From<View> for findings::View {
    fn from(view: View) -> Self {
        Self {
            id: view.doc,
            space: view.space,
            kind: view.kind,
            value: view.reading.value,
            conflicts: view.reading.conflicts,
            log_clashes: view.reading.log_clashes,
            trace: view.trace,
        }
    }
}

/// Writes the view and the search row of a document that was just stored, and perhaps read already.
pub(super) fn write(
    tx: &Tx<'_>,
    n: i64,
    write: &DocWrite<'_>,
    reading: Option<&Reading>,
) -> Result<()> {
    let fresh;
    let reading = if let Some(reading) = reading {
        reading
    } else {
        fresh = read::read(write.am, write.kind);
        &fresh
    };
    let summary = documents::summarise(write.kind, &reading.value);
    let conflicts = i64::try_from(reading.conflicts.len() + reading.log_clashes.len());
    let conflicts = conflicts.unwrap_or(i64::MAX);
    let value = reading.value.to_string();
    let marks = marks(reading, &traced(tx, n, write, reading)?).to_string();
    let (updated_ms, changed_by) = tx
        .prepare_cached("SELECT updated_ms, changed_by FROM document WHERE n = ?1")?
        .query_row([n], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let shown = Shown {
        space: write.space,
        kind: write.kind.number(),
        title: &summary.title,
        subject: summary.subject.as_deref(),
        status: summary.status.as_deref(),
        date: summary.date.as_deref(),
        updated_ms,
        changed_by,
        conflicts,
    };
    tx.prepare_cached(
        "INSERT OR REPLACE INTO view (doc, space, kind, title, title_key, subject, status, date,
             updated_ms, conflicts, value, marks, seal, content_seal, moved_from)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
    )?
    .execute(params![
        n,
        write.space,
        write.kind,
        summary.title,
        search::title_key(&summary.title),
        summary.subject,
        summary.status,
        summary.date,
        updated_ms,
        conflicts,
        value,
        marks,
        shown.seal(write.doc),
        content_seal(write.doc, &value, &marks),
        origin(&reading.value).map(|doc| doc.to_string()),
    ])?;
    // A relay's readers could not catch up by themselves; what arrives is indexed at once.
    let typed = |change: &NewChange| change.origin == Origin::Saved;
    if !write.new.is_empty() && write.new.iter().all(typed) {
        return search::put_off(tx, n);
    }
    search::index(tx, n, &summary.title, &summary.text)
}

/// The view of a document; `None` if it is not here or of a kind this version does not know. One
/// that is damaged is made from the document.
///
/// # Errors
/// [`StoreError::Row`] if the row cannot be read; as [`document::load`]; SQLite's own.
pub fn get(conn: &Connection, doc: DocId) -> Result<Option<View>> {
    let mut statement = conn.prepare_cached(&format!("{SELECT} WHERE d.id = ?1"))?;
    let found = statement
        .query_row([doc], |row| Ok(from_row(row)))
        .optional()?;
    match found.transpose()?.flatten() {
        Some(Found::Whole(view)) => Ok(Some(*view)),
        Some(Found::Damaged(doc)) => fresh(conn, doc).map(Some),
        None => Ok(None),
    }
}

/// Calls `each` with every view of a space, in id order: what findings are computed from. One
/// view at a time is in memory. Damaged ones are made from their documents; a damaged document is
/// left out.
///
/// # Errors
/// As [`get`].
pub fn each(conn: &Connection, space: SpaceId, each: &mut dyn FnMut(View)) -> Result<()> {
    let mut statement =
        conn.prepare_cached(&format!("{SELECT} WHERE d.space = ?1 ORDER BY d.id"))?;
    let mut rows = statement.query([space])?;
    while let Some(row) = rows.next()? {
        match from_row(row)? {
            Some(Found::Whole(view)) => each(*view),
            Some(Found::Damaged(doc)) => match fresh(conn, doc) {
                Ok(view) => each(view),
                Err(StoreError::Damaged { .. }) => {}
                Err(other) => return Err(other),
            },
            None => {}
        }
    }
    Ok(())
}

/// Whether the view of a document is what was written, and says what the document says.
///
/// # Errors
/// As [`document::load`]; SQLite's own.
pub(super) fn examine(conn: &Connection, doc: DocId) -> Result<bool> {
    let mut statement = conn.prepare_cached(&format!("{SELECT} WHERE d.id = ?1"))?;
    let found = statement
        .query_row([doc], |row| Ok(from_row(row)))
        .optional()?;
    let Some(Found::Whole(view)) = found.transpose()?.flatten() else {
        return Ok(false);
    };
    let fresh = fresh(conn, doc)?;
    Ok(view.title == fresh.title && view.reading == fresh.reading && view.space == fresh.space)
}

/// The view of a document as its changes give it; nothing is written.
///
/// # Errors
/// As [`document::load`].
pub(super) fn fresh(conn: &Connection, doc: DocId) -> Result<View> {
    let row = document::row(conn, doc)?.ok_or(StoreError::NotFound(doc))?;
    let loaded = document::load(conn, doc)?;
    let reading = read::read(&loaded.am, loaded.kind);
    let summary = documents::summarise(loaded.kind, &reading.value);
    let again = DocWrite {
        doc,
        space: loaded.space,
        kind: loaded.kind,
        am: &loaded.am,
        new: &[],
        at_ms: row.updated_ms,
        by: None,
    };
    Ok(View {
        doc,
        space: loaded.space,
        kind: loaded.kind,
        title: summary.title,
        subject: summary.subject,
        status: summary.status,
        date: summary.date,
        updated_ms: row.updated_ms,
        changed_by: row.changed_by,
        trace: traced(conn, row.n, &again, &reading)?,
        reading,
    })
}

/// A row as it was found.
enum Found {
    Whole(Box<View>),
    Damaged(DocId),
}

const SELECT: &str = "SELECT d.id, v.space, v.kind, v.title, v.subject, v.status, v.date,
        v.updated_ms, d.changed_by, v.value, v.marks, v.conflicts, v.seal, v.content_seal
    FROM document d JOIN view v ON v.doc = d.n";

fn from_row(row: &Row<'_>) -> Result<Option<Found>> {
    let doc = row.get(0)?;
    // A column that holds something else than was written may be of another type.
    Ok(match view_of(row, doc) {
        Ok(Some(view)) => Some(Found::Whole(Box::new(view))),
        Ok(None) => Some(Found::Damaged(doc)),
        Err(StoreError::UnknownKind(_)) => None,
        Err(_) => Some(Found::Damaged(doc)),
    })
}

/// `None` if it is not what was written.
fn view_of(row: &Row<'_>, doc: DocId) -> Result<Option<View>> {
    let parse = |text: &str| serde_json::from_str(text).map_err(|_| StoreError::Row("view"));
    let text = |column: usize| -> Result<&str> {
        Ok(row
            .get_ref(column)?
            .as_str()
            .map_err(rusqlite::Error::from)?)
    };
    let (value, marks) = (text(9)?, text(10)?);
    let view = View {
        doc,
        space: row.get(1)?,
        kind: Kind::from_number(row.get(2)?).ok_or(StoreError::UnknownKind(doc))?,
        title: row.get(3)?,
        subject: row.get(4)?,
        status: row.get(5)?,
        date: row.get(6)?,
        updated_ms: row.get(7)?,
        changed_by: row.get(8)?,
        trace: Trace::default(),
        reading: Reading::default(),
    };
    let shown = Shown {
        space: view.space,
        kind: view.kind.number(),
        title: &view.title,
        subject: view.subject.as_deref(),
        status: view.status.as_deref(),
        date: view.date.as_deref(),
        updated_ms: view.updated_ms,
        changed_by: view.changed_by,
        conflicts: row.get(11)?,
    };
    let kept: (Option<[u8; 16]>, Option<[u8; 16]>) = (row.get(12)?, row.get(13)?);
    if kept != (Some(shown.seal(doc)), Some(content_seal(doc, value, marks))) {
        return Ok(None);
    }
    let marks: Value = parse(marks)?;
    Ok(Some(View {
        trace: marks
            .get("trace")
            .and_then(|trace| serde_json::from_value(trace.clone()).ok())
            .unwrap_or_default(),
        reading: unmark(parse(value)?, &marks).ok_or(StoreError::Row("view"))?,
        ..view
    }))
}

/// Whether views were written by this generation of the code; if not, [`Store::rebuild_views`].
///
/// [`Store::rebuild_views`]: super::Store::rebuild_views
///
/// # Errors
/// SQLite's own.
pub fn current(conn: &Connection) -> Result<bool> {
    Ok(meta::number(conn, GENERATION_KEY)? == Some(GENERATION))
}

/// A store without documents has no old views.
pub(super) fn begin(conn: &Connection) -> Result<()> {
    if meta::get(conn, GENERATION_KEY)?.is_none() {
        conn.execute(
            "INSERT INTO meta (key, value) SELECT ?1, ?2
             WHERE NOT EXISTS (SELECT 1 FROM document) ON CONFLICT DO NOTHING",
            params![GENERATION_KEY, GENERATION.to_be_bytes()],
        )?;
    }
    Ok(())
}

/// Writes the view of one document anew from its changes.
///
/// # Errors
/// As [`document::load`].
pub fn rebuild_one(tx: &Tx<'_>, doc: DocId) -> Result<()> {
    let row = document::row(tx, doc)?.ok_or(StoreError::NotFound(doc))?;
    let loaded = document::load(tx, doc)?;
    let again = DocWrite {
        doc,
        space: loaded.space,
        kind: loaded.kind,
        am: &loaded.am,
        new: &[],
        at_ms: row.updated_ms,
        by: None,
    };
    write(tx, row.n, &again, None)
}

/// Takes away search rows and views whose document is gone and notes that views are current.
pub(super) fn finish_rebuild(tx: &Tx<'_>) -> Result<()> {
    tx.execute(
        "DELETE FROM search WHERE rowid NOT IN (SELECT n FROM document)",
        [],
    )?;
    meta::set_number(tx, GENERATION_KEY, GENERATION)
}

/// What a reading says beside its value, as JSON.
/// The trace, where there can be one: it walks the whole history, and most documents have one
/// author and nothing removed.
fn traced(tx: &Connection, n: i64, write: &DocWrite<'_>, reading: &Reading) -> Result<Trace> {
    // Who sealed is few rows; who made which change is as many as the document has changes.
    let mut statement = tx.prepare_cached(
        "SELECT DISTINCT r.member FROM document d JOIN envelope e ON e.doc = d.id
         JOIN roster r ON r.space = e.space AND r.device = e.device WHERE d.n = ?1",
    )?;
    let mut authors: BTreeSet<MemberId> = statement
        .query_map([n], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    authors.extend(write.by);
    let finished = reading.status.values().any(|mark| mark.rank > 2);
    if authors.len() < 2 && reading.removed.is_empty() && !finished {
        return Ok(Trace::default());
    }
    let mut statement = tx.prepare_cached(
        "SELECT c.hash, r.member FROM change c JOIN envelope e ON e.n = c.envelope
         JOIN roster r ON r.space = e.space AND r.device = e.device WHERE c.doc = ?1",
    )?;
    let known: BTreeMap<Hash, MemberId> = statement
        .query_map([n], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    let unsealed = write
        .new
        .iter()
        .filter(|c| c.origin == Origin::Saved)
        .map(|c| c.hash);
    let own: BTreeSet<Hash> = unsealed.collect();
    Ok(trace::trace(write.am, write.kind, reading, &|hash| {
        known
            .get(hash)
            .copied()
            .or_else(|| write.by.filter(|_| own.contains(hash)))
    }))
}

fn marks(reading: &Reading, trace: &Trace) -> Value {
    let live = |v: &LiveValue| json!({"value": v.value, "change": v.change.to_string()});
    json!({
        "trace": trace,
        "conflicts": reading.conflicts.iter().map(|c| json!({
            "path": c.path, "values": c.values.iter().map(live).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
        "unknown": reading.unknown,
        "removed": reading.removed.iter().map(|r| json!({
            "field": r.field, "key": r.key, "value": r.value,
            "change": r.change.map(|c| c.to_string()),
        })).collect::<Vec<_>>(),
        "clashes": reading.log_clashes.iter().map(|c| json!({
            "field": c.field, "key": c.key, "values": c.values,
        })).collect::<Vec<_>>(),
        "status": reading.status.iter().map(|(field, s)| (field.clone(), json!({
            "code": s.code, "round": s.round, "rank": s.rank, "by": s.by, "at_ms": s.at_ms,
        }))).collect::<serde_json::Map<_, _>>(),
    })
}

fn unmark(value: Value, marks: &Value) -> Option<Reading> {
    let list = |key: &str| marks.get(key)?.as_array();
    let text = |v: &Value, key: &str| v.get(key)?.as_str().map(str::to_owned);
    let hash = |v: &Value| {
        let bytes = data_encoding::HEXLOWER
            .decode(v.get("change")?.as_str()?.as_bytes())
            .ok()?;
        Hash::from_slice(&bytes)
    };
    let live = |v: &Value| {
        Some(LiveValue {
            value: v.get("value")?.clone(),
            change: hash(v)?,
        })
    };
    let conflict = |c: &Value| {
        let values = c
            .get("values")?
            .as_array()?
            .iter()
            .map(live)
            .collect::<Option<_>>()?;
        Some(Conflict {
            path: text(c, "path")?,
            values,
        })
    };
    let removed = |r: &Value| {
        Some(RemovedItem {
            field: text(r, "field")?,
            key: text(r, "key")?,
            value: r.get("value")?.clone(),
            change: hash(r),
        })
    };
    let clash = |c: &Value| {
        Some(LogClash {
            field: text(c, "field")?,
            key: text(c, "key")?,
            values: c.get("values")?.as_array()?.clone(),
        })
    };
    let status = |(field, s): (&String, &Value)| {
        let mark = StatusMark {
            code: text(s, "code")?,
            round: s.get("round")?.as_u64()?.try_into().ok()?,
            rank: s.get("rank")?.as_u64()?.try_into().ok()?,
            by: text(s, "by"),
            at_ms: s.get("at_ms")?.as_i64(),
        };
        Some((field.clone(), mark))
    };
    Some(Reading {
        value,
        conflicts: list("conflicts")?
            .iter()
            .map(conflict)
            .collect::<Option<_>>()?,
        unknown: list("unknown")?
            .iter()
            .filter_map(|u| u.as_str().map(str::to_owned))
            .collect(),
        removed: list("removed")?
            .iter()
            .map(removed)
            .collect::<Option<_>>()?,
        log_clashes: list("clashes")?.iter().map(clash).collect::<Option<_>>()?,
        status: marks
            .get("status")?
            .as_object()?
            .iter()
            .map(status)
            .collect::<Option<_>>()?,
    })
}
