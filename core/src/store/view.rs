//! Views: each document's current content as a row, so that lists, search and findings never load
//! a document. Always rebuildable from the changes.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde_json::{Value, json};

use super::document::{self, DocWrite, Origin};
use super::error::{Result, StoreError};
use super::{Tx, meta, search};
use crate::documents::{self, Kind};
use crate::findings;
use crate::id::{DocId, Hash, MemberId, SpaceId};
use crate::read::{self, Conflict, LiveValue, LogClash, Reading, RemovedItem, StatusMark};
use crate::trace::{self, Trace};

/// Rises whenever a view of the same document would come out otherwise (a new summary, a new
/// field): a store with older views rebuilds them once.
pub const GENERATION: i64 = 1;

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

/// Writes the view and the search row of a document that was just stored.
pub(super) fn write(tx: &Tx<'_>, n: i64, write: &DocWrite<'_>) -> Result<()> {
    let reading = read::read(write.am, write.kind);
    let summary = documents::summarise(write.kind, &reading.value);
    tx.prepare_cached(
        "INSERT OR REPLACE INTO view (doc, space, kind, title, title_key, subject, status, date,
             updated_ms, conflicts, value, marks)
         SELECT n, space, kind, ?2, ?3, ?4, ?5, ?6, updated_ms, ?7, ?8, ?9
         FROM document WHERE n = ?1",
    )?
    .execute(params![
        n,
        summary.title,
        search::title_key(&summary.title),
        summary.subject,
        summary.status,
        summary.date,
        reading.conflicts.len() + reading.log_clashes.len(),
        reading.value.to_string(),
        marks(&reading, &traced(tx, n, write, &reading)?).to_string(),
    ])?;
    search::index(tx, n, &summary.title, &summary.text)
}

/// The view of a document; `None` if it is not here or of a kind this version does not know.
///
/// # Errors
/// [`StoreError::Row`] if the row cannot be read; SQLite's own.
pub fn get(conn: &Connection, doc: DocId) -> Result<Option<View>> {
    let mut statement = conn.prepare_cached(&format!("{SELECT} WHERE d.id = ?1"))?;
    let found = statement
        .query_row([doc], |row| Ok(from_row(row)))
        .optional()?;
    found.transpose().map(Option::flatten)
}

/// Calls `each` with every view of a space, in id order: what findings are computed from. One
/// view at a time is in memory.
///
/// # Errors
/// As [`get`].
pub fn each(conn: &Connection, space: SpaceId, each: &mut dyn FnMut(View)) -> Result<()> {
    let mut statement =
        conn.prepare_cached(&format!("{SELECT} WHERE d.space = ?1 ORDER BY d.id"))?;
    let mut rows = statement.query([space])?;
    while let Some(row) = rows.next()? {
        if let Some(view) = from_row(row)? {
            each(view);
        }
    }
    Ok(())
}

const SELECT: &str = "SELECT d.id, v.space, v.kind, v.title, v.subject, v.status, v.date,
        v.updated_ms, d.changed_by, v.value, v.marks
    FROM document d JOIN view v ON v.doc = d.n";

fn from_row(row: &Row<'_>) -> Result<Option<View>> {
    let Some(kind) = Kind::from_number(row.get(2)?) else {
        return Ok(None);
    };
    let parse = |text: &str| serde_json::from_str(text).map_err(|_| StoreError::Row("view"));
    let value: Value = parse(row.get_ref(9)?.as_str().map_err(rusqlite::Error::from)?)?;
    let marks: Value = parse(row.get_ref(10)?.as_str().map_err(rusqlite::Error::from)?)?;
    Ok(Some(View {
        doc: row.get(0)?,
        space: row.get(1)?,
        kind,
        title: row.get(3)?,
        subject: row.get(4)?,
        status: row.get(5)?,
        date: row.get(6)?,
        updated_ms: row.get(7)?,
        changed_by: row.get(8)?,
        trace: marks
            .get("trace")
            .and_then(|trace| serde_json::from_value(trace.clone()).ok())
            .unwrap_or_default(),
        reading: unmark(value, &marks).ok_or(StoreError::Row("view"))?,
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
    write(tx, row.n, &again)
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
fn traced(tx: &Tx<'_>, n: i64, write: &DocWrite<'_>, reading: &Reading) -> Result<Trace> {
    let mut statement = tx.prepare_cached(
        "SELECT c.hash, r.member FROM change c JOIN envelope e ON e.n = c.envelope
         JOIN roster r ON r.space = e.space AND r.device = e.device WHERE c.doc = ?1",
    )?;
    let known: BTreeMap<Hash, MemberId> = statement
        .query_map([n], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    let one_author = known
        .values()
        .chain(&write.by)
        .collect::<BTreeSet<_>>()
        .len()
        < 2;
    let finished = reading.status.values().any(|mark| mark.rank > 2);
    if one_author && reading.removed.is_empty() && !finished {
        return Ok(Trace::default());
    }
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
