//! What somebody wants the relay to say of a document: asked for here, in one transaction with its row of
//! the access log, and said by the relay. And whose documents must all be kept.

use std::collections::BTreeSet;

use rusqlite::Connection;
use sopu_core::envelope;
use sopu_core::id::{DocId, SpaceId};
use sopu_core::wire::NoticeKind;

use super::{Result, blob};

/// Asks for a notice.
///
/// # Errors
/// The database's.
pub fn wish(db: &Connection, doc: DocId, what: &NoticeKind) -> Result<()> {
    db.prepare_cached("INSERT INTO notice_wish(doc, what) VALUES (?1, ?2)")?
        .execute((blob(doc.as_bytes()), envelope::encode(what)))?;
    Ok(())
}

/// Whether something that was asked for is not said yet.
///
/// # Errors
/// The database's.
pub fn waits(db: &Connection, doc: DocId) -> Result<bool> {
    Ok(db
        .prepare_cached("SELECT count(*) FROM notice_wish WHERE doc = ?1")?
        .query_row([blob(doc.as_bytes())], |row| row.get::<_, i64>(0))?
        > 0)
}

/// Says that everything about a farm or client must be kept from now on, or need not be any more.
///
/// # Errors
/// The database's.
pub fn hold_client(db: &Connection, space: SpaceId, subject: &str, held: bool) -> Result<()> {
    let sql = "INSERT INTO held_client(space, subject, held) VALUES (?1, ?2, ?3) \
         ON CONFLICT(space, subject) DO UPDATE SET held = excluded.held";
    db.execute(sql, (blob(space.as_bytes()), subject, held))?;
    Ok(())
}

/// The farms and clients of a space whose documents must all be kept.
///
/// # Errors
/// The database's.
pub fn held_clients(db: &Connection, space: SpaceId) -> Result<BTreeSet<String>> {
    let sql = "SELECT subject FROM held_client WHERE space = ?1 AND held";
    let mut query = db.prepare_cached(sql)?;
    let found = query.query_map([blob(space.as_bytes())], |row| row.get(0))?;
    Ok(found.collect::<rusqlite::Result<_>>()?)
}
