//! The access log: every read by the office, every export, every act of administration.
//! Clients of care may ask who has read their data (Act 703/2023), so reads are rows, not log lines.

use rusqlite::Connection;
use sopu_core::id::{DocId, MemberId, SpaceId};

use super::{blob, id16};

/// One row.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// When, milliseconds since 1970 UTC.
    pub at_ms: i64,
    /// Who; `None` for the command line of the machine itself.
    pub member: Option<MemberId>,
    /// What: `read`, `list`, `history`, `export`, `administer` …
    pub action: String,
    /// In which space.
    pub space: Option<SpaceId>,
    /// Which document.
    pub doc: Option<DocId>,
    /// On what ground, or what exactly was done.
    pub reason: Option<String>,
}

/// Adds a row.
pub fn record(db: &Connection, entry: &Entry) -> rusqlite::Result<()> {
    db.prepare_cached(
        "INSERT INTO access_log(at_ms, member, action, space, doc, reason) VALUES (?1,?2,?3,?4,?5,?6)",
    )?
    .execute((
        entry.at_ms,
        entry.member.as_ref().map(|m| blob(m.as_bytes())),
        &entry.action,
        entry.space.as_ref().map(|s| blob(s.as_bytes())),
        entry.doc.as_ref().map(|d| blob(d.as_bytes())),
        &entry.reason,
    ))?;
    Ok(())
}

/// Who has touched a document, newest first.
pub fn of_document(db: &Connection, doc: DocId, limit: u32) -> rusqlite::Result<Vec<Entry>> {
    db.prepare_cached(
        "SELECT at_ms, member, action, space, doc, reason FROM access_log WHERE doc = ?1
         ORDER BY at_ms DESC, number DESC LIMIT ?2",
    )?
    .query_map((blob(doc.as_bytes()), limit), |row| {
        let id = |column| -> rusqlite::Result<Option<uuid::Uuid>> {
            if row.get_ref(column)? == rusqlite::types::ValueRef::Null {
                return Ok(None);
            }
            id16(row, column).map(Some)
        };
        Ok(Entry {
            at_ms: row.get(0)?,
            member: id(1)?.map(MemberId),
            action: row.get(2)?,
            space: id(3)?.map(SpaceId),
            doc: id(4)?.map(DocId),
            reason: row.get(5)?,
        })
    })?
    .collect()
}
