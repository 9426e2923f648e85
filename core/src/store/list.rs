//! Lists: filtered, searched, sorted, one page at a time; they read views and never a document.

use rusqlite::types::Value as Sql;
use rusqlite::{Connection, params_from_iter};

use super::error::{Result, StoreError};
use super::outbox::{self, Progress};
use super::view::{self, Shown};
use super::{document, search};
use crate::documents::Kind;
use crate::id::{DocId, MemberId, SpaceId};

/// What to list. Every filter set must hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// Only in these spaces. `None` is everywhere; an empty list is nowhere.
    pub spaces: Option<Vec<SpaceId>>,
    /// Only this kind.
    pub kind: Option<Kind>,
    /// Only these status codes; an empty list is any, documents without one included.
    pub status: Vec<String>,
    /// Only of this farm, client or provider.
    pub subject: Option<String>,
    /// Only with every one of these words, each as the beginning of a word.
    pub text: Option<String>,
    /// Only with something a person must decide.
    pub conflicts_only: bool,
    /// Only on or after this date, `YYYY-MM-DD`.
    pub from: Option<String>,
    /// Only on or before this date.
    pub to: Option<String>,
    /// In which order.
    pub sort: Sort,
    /// The other way round.
    pub descending: bool,
    /// Skip so many.
    pub offset: usize,
    /// Give so many at most.
    pub limit: usize,
}

impl Default for Query {
    fn default() -> Self {
        Self {
            spaces: None,
            kind: None,
            status: Vec::new(),
            subject: None,
            text: None,
            conflicts_only: false,
            from: None,
            to: None,
            sort: Sort::Updated,
            descending: true,
            offset: 0,
            limit: 50,
        }
    }
}

/// Orders of a list. Equal rows keep one order, so pages never overlap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// When last changed here.
    #[default]
    Updated,
    /// By the document's own date; undated ones count as earliest.
    Date,
    /// By title, in Finnish order.
    Title,
}

/// One document in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Which.
    pub doc: DocId,
    /// Where it lives.
    pub space: SpaceId,
    /// Of which kind.
    pub kind: Kind,
    /// Its line.
    pub title: String,
    /// Farm, client or provider.
    pub subject: Option<String>,
    /// Status code.
    pub status: Option<String>,
    /// Its date.
    pub date: Option<String>,
    /// Last changed here, milliseconds since 1970 UTC.
    pub updated_ms: i64,
    /// Who changed it last, if known.
    pub changed_by: Option<MemberId>,
    /// How many things a person must decide.
    pub conflicts: u32,
    /// How far one's own work in it has come.
    pub progress: Progress,
}

/// A page of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// The rows.
    pub rows: Vec<Row>,
    /// How many there are on all pages.
    pub total: u64,
}

/// Lists documents.
///
/// # Errors
/// SQLite's own.
pub fn list(conn: &Connection, query: &Query) -> Result<Page> {
    let Some((conditions, mut values)) = condition(query) else {
        return Ok(Page::default());
    };
    if query.text.is_some() {
        // On a disk that takes no writes the index serves as it is.
        let _ = search::catch_up(conn);
    }
    // Counted without a look at the documents, and in the index alone where that has the answer.
    let counted = if conditions == format!(" WHERE {FOUND}") {
        "FROM search WHERE search MATCH ?".to_owned()
    } else {
        format!("FROM view v{conditions}")
    };
    let total = conn
        .prepare_cached(&format!("SELECT count(*) {counted}"))?
        .query_row(params_from_iter(&values), |row| row.get(0))?;
    let way = if query.descending { "DESC" } else { "ASC" };
    let key = match query.sort {
        Sort::Updated => "v.updated_ms",
        Sort::Date => "v.date",
        Sort::Title => "v.title_key",
    };
    values.push(Sql::Integer(i64::try_from(query.limit).unwrap_or(i64::MAX)));
    values.push(Sql::Integer(
        i64::try_from(query.offset).unwrap_or(i64::MAX),
    ));
    // Found first, by the indexes alone where they can; only the rows of this page are read.
    let from = format!(
        "FROM (SELECT v.doc AS found FROM view v{conditions}
               ORDER BY {key} {way}, v.doc {way} LIMIT ? OFFSET ?)
         CROSS JOIN view v ON v.doc = found CROSS JOIN document d ON d.n = found"
    );
    let mut statement = conn.prepare_cached(&format!(
        "SELECT d.id, v.space, v.kind, v.title, v.subject, v.status, v.date, v.updated_ms,
             d.changed_by, v.conflicts, v.seal
         {from} ORDER BY {key} {way}, v.doc {way}",
    ))?;
    let mut found = statement.query(params_from_iter(&values))?;
    let mut rows = Vec::new();
    while let Some(row) = found.next()? {
        let doc = row.get(0)?;
        let read = match read_row(row, doc) {
            Ok(Some(read)) => Some(read),
            Err(StoreError::UnknownKind(_)) => continue,
            Ok(None) | Err(_) => None,
        };
        let (shown, conflicts) = match read {
            Some(read) => read,
            None => fresh(conn, doc)?,
        };
        rows.push(Row {
            conflicts,
            progress: outbox::progress(conn, doc)?,
            ..shown
        });
    }
    Ok(Page { rows, total })
}

/// A row and its conflicts; `None` if it is not what was written.
fn read_row(row: &rusqlite::Row<'_>, doc: DocId) -> Result<Option<(Row, u32)>> {
    let conflicts: i64 = row.get(9)?;
    let read = Row {
        doc,
        space: row.get(1)?,
        kind: Kind::from_number(row.get(2)?).ok_or(StoreError::UnknownKind(doc))?,
        title: row.get(3)?,
        subject: row.get(4)?,
        status: row.get(5)?,
        date: row.get(6)?,
        updated_ms: row.get(7)?,
        changed_by: row.get(8)?,
        conflicts: 0,
        progress: Progress::default(),
    };
    let shown = Shown {
        space: read.space,
        kind: read.kind.number(),
        title: &read.title,
        subject: read.subject.as_deref(),
        status: read.status.as_deref(),
        date: read.date.as_deref(),
        updated_ms: read.updated_ms,
        changed_by: read.changed_by,
        conflicts,
    };
    let whole = row.get::<_, Option<[u8; 16]>>(10)? == Some(shown.seal(doc));
    Ok(whole.then_some((read, u32::try_from(conflicts).unwrap_or(u32::MAX))))
}

/// A row whose view is damaged, from the document itself; with an empty line if that is damaged
/// too: the list goes on.
fn fresh(conn: &Connection, doc: DocId) -> Result<(Row, u32)> {
    let row = document::row(conn, doc)?.ok_or(StoreError::NotFound(doc))?;
    let mut read = Row {
        doc,
        space: row.space,
        kind: Kind::from_number(row.kind).ok_or(StoreError::UnknownKind(doc))?,
        title: String::new(),
        subject: None,
        status: None,
        date: None,
        updated_ms: row.updated_ms,
        changed_by: row.changed_by,
        conflicts: 0,
        progress: Progress::default(),
    };
    let view = match view::fresh(conn, doc) {
        Ok(view) => view,
        Err(StoreError::Damaged { .. }) => return Ok((read, 0)),
        Err(other) => return Err(other),
    };
    let conflicts = view.reading.conflicts.len() + view.reading.log_clashes.len();
    (read.title, read.subject) = (view.title, view.subject);
    (read.status, read.date) = (view.status, view.date);
    Ok((read, u32::try_from(conflicts).unwrap_or(u32::MAX)))
}

/// Has the words searched for. The plus keeps SQLite from looking up each view that has them, which
/// for a common word is nearly all, before it sorts: it walks the order and asks for each.
const FOUND: &str = "+v.doc IN (SELECT rowid FROM search WHERE search MATCH ?)";

/// ` WHERE …`, or nothing, and its values; `None` if nothing can match.
fn condition(query: &Query) -> Option<(String, Vec<Sql>)> {
    let mut conditions: Vec<String> = Vec::new();
    let mut values: Vec<Sql> = Vec::new();
    let mut add = |condition: &str, value: Sql| {
        conditions.push(condition.to_owned());
        values.push(value);
    };
    if let Some(text) = query.text.as_deref().filter(|t| !t.trim().is_empty()) {
        add(FOUND, Sql::Text(search::query(text)?));
    }
    if let Some(kind) = query.kind {
        add("v.kind = ?", Sql::Integer(kind.number().into()));
    }
    if let Some(subject) = &query.subject {
        add("v.subject = ?", Sql::Text(subject.clone()));
    }
    if let Some(date) = &query.from {
        add("v.date >= ?", Sql::Text(date.clone()));
    }
    if let Some(date) = &query.to {
        add("v.date <= ?", Sql::Text(date.clone()));
    }
    if let Some(spaces) = &query.spaces {
        let hex: Vec<String> = spaces.iter().map(|s| s.0.simple().to_string()).collect();
        let json = serde_json::Value::from(hex).to_string();
        add(
            "v.space IN (SELECT unhex(value) FROM json_each(?))",
            Sql::Text(json),
        );
    }
    if !query.status.is_empty() {
        let json = serde_json::Value::from(query.status.clone()).to_string();
        add(
            "v.status IN (SELECT value FROM json_each(?))",
            Sql::Text(json),
        );
    }
    if query.conflicts_only {
        conditions.push("v.conflicts > 0".to_owned());
    }
    if conditions.is_empty() {
        return Some((String::new(), values));
    }
    Some((format!(" WHERE {}", conditions.join(" AND ")), values))
}
