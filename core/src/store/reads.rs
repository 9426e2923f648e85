//! Which documents were opened on this device and when, until the relay has it in its access log.

use rusqlite::{Connection, params};

use super::error::Result;
use crate::wire::DocRead;

/// Milliseconds within which a document counts as read once.
pub const HOUR_MS: i64 = 3_600_000;

/// Marks kept before only documents without one get another: more than a month of work, 4 MB.
const MOST: i64 = 50_000;

/// Notes that a document was read. The second time within an hour changes nothing.
///
/// # Errors
/// SQLite's own.
pub fn note(conn: &Connection, read: DocRead) -> Result<()> {
    note_up_to(conn, read, MOST)
}

fn note_up_to(conn: &Connection, DocRead { doc, at_ms }: DocRead, most: i64) -> Result<()> {
    // Nothing but the oldest ever goes, so the numbers tell how many there are.
    conn.prepare_cached(
        "INSERT INTO read_mark(doc, hour, at_ms) SELECT ?1, ?2, ?3
         WHERE (SELECT coalesce(max(n) - min(n), 0) FROM read_mark) < ?4
            OR NOT EXISTS (SELECT 1 FROM read_mark WHERE doc = ?1)
         ON CONFLICT DO NOTHING",
    )?
    .execute(params![doc, at_ms.div_euclid(HOUR_MS), at_ms, most])?;
    Ok(())
}

/// The oldest marks.
///
/// # Errors
/// SQLite's own.
pub fn oldest(conn: &Connection, limit: usize) -> Result<Vec<DocRead>> {
    let mut query = conn.prepare_cached("SELECT doc, at_ms FROM read_mark ORDER BY n LIMIT ?1")?;
    let rows = query.query_map([limit], |row| {
        Ok(DocRead {
            doc: row.get(0)?,
            at_ms: row.get(1)?,
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Whether there are any.
///
/// # Errors
/// SQLite's own.
pub fn any(conn: &Connection) -> Result<bool> {
    Ok(conn
        .prepare_cached("SELECT 1 FROM read_mark LIMIT 1")?
        .exists([])?)
}

/// The relay has these.
///
/// # Errors
/// SQLite's own.
pub fn forget(conn: &Connection, reads: &[DocRead]) -> Result<()> {
    let mut statement =
        conn.prepare_cached("DELETE FROM read_mark WHERE doc = ?1 AND hour = ?2")?;
    for read in reads {
        statement.execute(params![read.doc, read.at_ms.div_euclid(HOUR_MS)])?;
    }
    Ok(())
}

/// All of them, for a store that goes to another person.
///
/// # Errors
/// SQLite's own.
pub fn forget_all(conn: &Connection) -> Result<()> {
    conn.execute("DELETE FROM read_mark", [])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::DocId;
    use crate::store::Store;
    use uuid::Uuid;

    fn read(doc: u128, at_ms: i64) -> DocRead {
        DocRead {
            doc: DocId(Uuid::from_u128(doc)),
            at_ms,
        }
    }

    #[test]
    fn one_mark_a_document_and_hour_oldest_first_until_the_relay_has_it() {
        let store = Store::open_in_memory().expect("opens");
        let conn = store.conn();
        for (doc, at_ms) in [(1, 5), (1, 6), (2, 7), (1, HOUR_MS), (1, -1)] {
            note(conn, read(doc, at_ms)).expect("notes");
        }
        let all = [read(1, 5), read(2, 7), read(1, HOUR_MS), read(1, -1)];
        assert_eq!(oldest(conn, 10).expect("reads"), all);
        forget(conn, &all[..2]).expect("forgets");
        assert_eq!(oldest(conn, 1).expect("reads"), all[2..3]);
        forget(conn, &all).expect("forgets");
        assert!(!any(conn).expect("reads"));
    }

    #[test]
    fn full_of_marks_a_store_still_takes_one_of_every_document() {
        let store = Store::open_in_memory().expect("opens");
        let conn = store.conn();
        for hour in 0..10 {
            for doc in 1..4 {
                note_up_to(conn, read(doc, hour * HOUR_MS), 5).expect("notes");
            }
        }
        note_up_to(conn, read(9, 0), 5).expect("notes");
        let all = oldest(conn, 100).expect("reads");
        assert_eq!(all.len(), 7);
        assert!(all.contains(&read(9, 0)));
    }
}
