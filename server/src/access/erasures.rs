//! Erasing a document: asked for here, carried out by the relay, with a receipt of who has confirmed.

use rusqlite::{Connection, OptionalExtension};
use sopu_core::id::{DocId, SpaceId};

use super::{Result, blob, id16};

/// Why a document may be erased: codes of the notice that stays in its place.
///
/// `request`: the person asked (GDPR, Article 17); `retention`: its time is over; `wrong_client`: it was
/// written on somebody else; `order`: an authority or a court said so.
pub const REASONS: [&str; 4] = ["request", "retention", "wrong_client", "order"];

/// Why a document was erased that another holds all of, which it became: nobody gives this reason by hand.
pub const MOVED: &str = "moved";

/// The problem of a wish that waits until what the document became is there again: of a relay that came back
/// from a backup. It is looked at until then.
pub const AWAITED: &str = "moved_awaited";

/// The problem of a wish whose document is erased but for the merged record, which is damaged: it is made anew
/// when the server starts again, and the wish is carried out then.
pub const RECORD_DAMAGED: &str = "record_damaged";

/// The problem of a wish whose document is being moved just now.
const MOVING: &str = "moving";

/// Asks for an erasure.
///
/// # Errors
/// The database's.
pub fn wish(db: &Connection, doc: DocId, reason: &str) -> Result<()> {
    db.execute(
        "INSERT INTO erasure_wish(doc, reason) VALUES (?1, ?2)
         ON CONFLICT DO UPDATE SET reason = excluded.reason, problem = NULL, moved_to = NULL",
        (blob(doc.as_bytes()), reason),
    )?;
    Ok(())
}

/// Asks for the erasure of a document that was moved: carried out only if what it became holds all of it. One
/// that was asked for and waits, for whatever else, stands.
///
/// # Errors
/// The database's.
pub fn wish_moved(db: &Connection, doc: DocId, new: DocId) -> Result<()> {
    db.execute(
        "INSERT INTO erasure_wish(doc, reason, moved_to) VALUES (?1, ?3, ?2)
         ON CONFLICT DO UPDATE
         SET reason = excluded.reason, problem = NULL, moved_to = excluded.moved_to
         WHERE problem NOT NULL OR reason = excluded.reason",
        (blob(doc.as_bytes()), blob(new.as_bytes()), MOVED),
    )?;
    Ok(())
}

/// Remembers what a document is about to become, so that doing it again makes no second one. Where its erasure
/// was asked for, or awaits what it once became, that stands: nobody would ask again if the move came to nothing.
///
/// # Errors
/// The database's.
pub fn plan_move(db: &Connection, doc: DocId, new: DocId) -> Result<()> {
    db.execute(
        "INSERT INTO erasure_wish(doc, reason, problem, moved_to) VALUES (?1, ?3, ?4, ?2)
         ON CONFLICT DO UPDATE SET moved_to = excluded.moved_to WHERE problem = excluded.problem",
        (blob(doc.as_bytes()), blob(new.as_bytes()), MOVED, MOVING),
    )?;
    Ok(())
}

/// What a document was to become, as [`plan_move`] has it. Not what it once became and the relay has lost: a
/// second one under that id would be mixed with the first when that is back.
///
/// # Errors
/// The database's.
pub fn planned(db: &Connection, doc: DocId) -> Result<Option<DocId>> {
    let found = db
        .prepare_cached(
            "SELECT moved_to FROM erasure_wish
             WHERE doc = ?1 AND moved_to NOT NULL AND problem = ?2",
        )?
        .query_row((blob(doc.as_bytes()), MOVING), |row| {
            Ok(DocId(id16(row, 0)?))
        })
        .optional()?;
    Ok(found)
}

/// How a wish stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The relay has not got to it.
    Waiting,
    /// The relay will not, for this reason: a code.
    Refused(String),
    /// There is none: it was carried out, or never asked for.
    None,
}

/// How the wish to erase a document stands.
///
/// # Errors
/// The database's.
pub fn standing(db: &Connection, doc: DocId) -> Result<Standing> {
    let found: Option<Option<String>> = db
        .prepare_cached("SELECT problem FROM erasure_wish WHERE doc = ?1")?
        .query_row([blob(doc.as_bytes())], |row| row.get(0))
        .optional()?;
    Ok(match found {
        None => Standing::None,
        Some(None) => Standing::Waiting,
        Some(Some(problem)) => Standing::Refused(problem),
    })
}

/// Takes a refused wish away.
///
/// # Errors
/// The database's.
pub fn forget(db: &Connection, doc: DocId) -> Result<()> {
    db.execute(
        "DELETE FROM erasure_wish WHERE doc = ?1",
        [blob(doc.as_bytes())],
    )?;
    Ok(())
}

/// When a document was erased, milliseconds since 1970 UTC.
///
/// # Errors
/// The database's.
pub fn erased_ms(db: &Connection, doc: DocId) -> Result<Option<i64>> {
    Ok(db
        .prepare_cached("SELECT erased_ms FROM document WHERE doc = ?1")?
        .query_row([blob(doc.as_bytes())], |row| row.get(0))
        .optional()?
        .flatten())
}

/// The space a document is in, or was before it was erased.
///
/// # Errors
/// The database's.
pub fn space_of(db: &Connection, doc: DocId) -> Result<Option<SpaceId>> {
    Ok(db
        .prepare_cached("SELECT space FROM document WHERE doc = ?1")?
        .query_row([blob(doc.as_bytes())], |row| Ok(SpaceId(id16(row, 0)?)))
        .optional()?)
}

/// The space that what is kept of a document was written for, also of one that is not in the record.
///
/// # Errors
/// The database's.
pub fn space_of_kept(db: &Connection, doc: DocId) -> Result<Option<SpaceId>> {
    if let Some(space) = space_of(db, doc)? {
        return Ok(Some(space));
    }
    Ok(db
        .prepare_cached("SELECT space FROM envelope WHERE doc = ?1 ORDER BY arrival LIMIT 1")?
        .query_row([blob(doc.as_bytes())], |row| Ok(SpaceId(id16(row, 0)?)))
        .optional()?)
}

/// What is kept of a document and is not in the record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beside {
    /// Which.
    pub doc: DocId,
    /// Pieces of work that may still enter: that wait, or are held for somebody to look at.
    pub undecided: u64,
    /// All pieces, with those that never will.
    pub all: u64,
    /// Whether other work on it is in the record.
    pub in_record: bool,
}

/// Every document that has something beside the record.
///
/// # Errors
/// The database's.
pub fn beside(db: &Connection) -> Result<Vec<Beside>> {
    let mut query = db.prepare(
        "SELECT doc, sum(state <> 'final'), count(*),
                EXISTS (SELECT 1 FROM envelope f WHERE f.doc = e.doc AND f.state = 'fed')
         FROM envelope e WHERE state IN ('waiting', 'held', 'final') AND run NOT NULL GROUP BY doc",
    )?;
    let rows = query.query_map([], |row| {
        Ok(Beside {
            doc: DocId(id16(row, 0)?),
            undecided: row.get(1)?,
            all: row.get(2)?,
            in_record: row.get(3)?,
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// What is kept of a document, oldest first, each with its kind's wire number, but for what killed the process
/// when it was tried.
///
/// # Errors
/// The database's.
pub fn runs(db: &Connection, doc: DocId) -> Result<Vec<(u8, Vec<u8>)>> {
    let mut query = db.prepare_cached(
        "SELECT kind, run FROM envelope
         WHERE doc = ?1 AND run NOT NULL AND reason IS NOT 'isolated' ORDER BY arrival",
    )?;
    let rows = query.query_map([blob(doc.as_bytes())], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// A device that was ordered to purge a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Purge {
    /// Whose device.
    pub member: String,
    /// What they call it.
    pub device: String,
    /// When it was ordered.
    pub ordered_ms: i64,
    /// When it confirmed, or was wiped.
    pub confirmed_ms: Option<i64>,
}

/// The receipt of an erasure: those that have not confirmed first.
///
/// # Errors
/// The database's.
pub fn receipt(db: &Connection, doc: DocId) -> Result<Vec<Purge>> {
    let mut query = db.prepare_cached(
        "SELECT m.name, d.name, p.ordered_ms, p.confirmed_ms FROM purge p
         JOIN device d ON d.id = p.device JOIN member m ON m.id = d.member
         WHERE p.doc = ?1 ORDER BY p.confirmed_ms IS NOT NULL, m.name, d.name",
    )?;
    let rows = query.query_map([blob(doc.as_bytes())], |row| {
        Ok(Purge {
            member: row.get(0)?,
            device: row.get(1)?,
            ordered_ms: row.get(2)?,
            confirmed_ms: row.get(3)?,
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::store::schema;

    #[test]
    fn a_plan_to_move_takes_the_place_of_no_erasure_that_was_asked_for() {
        let db = schema::open_in_memory().expect("opens");
        let [doc, new, other] = [1, 2, 3].map(|n| DocId(Uuid::from_u128(n)));
        for planned_new in [new, other] {
            plan_move(&db, doc, planned_new).expect("plans");
            assert_eq!(planned(&db, doc).expect("asks"), Some(planned_new));
        }
        wish(&db, doc, "request").expect("asks");
        plan_move(&db, doc, new).expect("nothing to plan");
        wish_moved(&db, doc, new).expect("nothing to ask for");
        let row = |db: &Connection| -> (String, Option<String>, bool) {
            let sql = "SELECT reason, problem, moved_to NOT NULL FROM erasure_wish";
            db.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
                .expect("is there")
        };
        assert_eq!(row(&db), ("request".to_owned(), None, false));
        for problem in [AWAITED, RECORD_DAMAGED, "legal_hold"] {
            let sql = "UPDATE erasure_wish SET problem = ?1";
            db.execute(sql, [problem]).expect("is said");
            plan_move(&db, doc, new).expect("nothing to plan");
            let said = Some(problem.to_owned());
            assert_eq!(row(&db), ("request".to_owned(), said, false));
        }
        wish_moved(&db, doc, new).expect("asks");
        assert_eq!(row(&db), (MOVED.to_owned(), None, true));
    }
}
