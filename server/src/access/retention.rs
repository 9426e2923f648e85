//! What people have said about how long documents are kept: when a client's matter was closed, and what is
//! kept on although its time is over. Each saying is a row of the access log; here is what holds now.

use std::collections::BTreeMap;

use rusqlite::Connection;
use sopu_core::id::{DocId, SpaceId};

use super::{Result, blob, id16};

/// What was said of a farm or client.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Closing {
    /// When their matter was closed, `YYYY-MM-DD`.
    pub closed_on: Option<String>,
    /// The class of what is about them, if other than usual: a code.
    pub class: Option<String>,
}

/// Says it; what was said before is replaced.
///
/// # Errors
/// The database's.
pub fn close(db: &Connection, space: SpaceId, subject: &str, closing: &Closing) -> Result<()> {
    db.execute(
        "INSERT INTO closing(space, subject, closed_on, class) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT DO UPDATE SET closed_on = excluded.closed_on, class = excluded.class",
        (
            blob(space.as_bytes()),
            subject,
            &closing.closed_on,
            &closing.class,
        ),
    )?;
    Ok(())
}

/// What was said of everybody in a space.
///
/// # Errors
/// The database's.
pub fn closings(db: &Connection, space: SpaceId) -> Result<BTreeMap<String, Closing>> {
    let mut query =
        db.prepare_cached("SELECT subject, closed_on, class FROM closing WHERE space = ?1")?;
    let rows = query.query_map([blob(space.as_bytes())], |row| {
        let closing = Closing {
            closed_on: row.get(1)?,
            class: row.get(2)?,
        };
        Ok((row.get(0)?, closing))
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// A document that is kept on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Until which day, `YYYY-MM-DD`.
    pub until: String,
    /// Why.
    pub reason: String,
}

/// Keeps a document on.
///
/// # Errors
/// The database's.
pub fn keep(db: &Connection, doc: DocId, kept: &Kept) -> Result<()> {
    db.execute(
        "INSERT INTO kept(doc, until, reason) VALUES (?1, ?2, ?3)
         ON CONFLICT DO UPDATE SET until = excluded.until, reason = excluded.reason",
        (blob(doc.as_bytes()), &kept.until, &kept.reason),
    )?;
    Ok(())
}

/// The documents of a space that are kept on.
///
/// # Errors
/// The database's.
pub fn kept(db: &Connection, space: SpaceId) -> Result<BTreeMap<DocId, Kept>> {
    let mut query = db.prepare_cached(
        "SELECT k.doc, k.until, k.reason FROM kept k JOIN document d ON d.doc = k.doc
         WHERE d.space = ?1",
    )?;
    let rows = query.query_map([blob(space.as_bytes())], |row| {
        let kept = Kept {
            until: row.get(1)?,
            reason: row.get(2)?,
        };
        Ok((DocId(id16(row, 0)?), kept))
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
