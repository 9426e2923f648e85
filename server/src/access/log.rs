//! The access log: every read by the office, every export, every act of administration.
//! Clients of care may ask who has read their data (Act 703/2023), so reads are rows, not log lines.
//!
//! Rows are chained: each keeps SHA-256 over the hash of the row before it and that of all it says itself.
//! A row that is changed, taken out or moved breaks the chain from there on; [`verify`] says where. What a row
//! says is hashed with a salt of its own, which is shown with it: of a row whose hash alone is shown nobody
//! finds out by trying what it says.
//! Whoever can write the database can make the whole chain anew, so keep excerpts or backups elsewhere.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, Row};
use sha2::{Digest, Sha256};
use sopu_core::id::{DocId, MemberId, SpaceId};

use super::{blob, id16, whole};

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

impl Entry {
    /// SHA-256 of all that a row of this number says, with its salt if it has one: those from before there
    /// were salts have none.
    pub fn content(&self, number: i64, salt: Option<&Salt>) -> [u8; 32] {
        let mut sha = Sha256::new();
        match salt {
            None => sha.update(b"sopu-access-2"),
            Some(salt) => {
                sha.update(b"sopu-access-3");
                sha.update(salt);
            }
        }
        sha.update(number.to_be_bytes());
        sha.update(self.at_ms.to_be_bytes());
        // Each part with its length, so that none can pass for part of another; a missing one has none.
        let mut part = |bytes: Option<&[u8]>| {
            let length = bytes.map_or(u64::MAX, |bytes| bytes.len() as u64);
            sha.update(length.to_be_bytes());
            sha.update(bytes.unwrap_or_default());
        };
        part(self.member.as_ref().map(|id| id.as_bytes().as_slice()));
        part(Some(self.action.as_bytes()));
        part(self.space.as_ref().map(|id| id.as_bytes().as_slice()));
        part(self.doc.as_ref().map(|id| id.as_bytes().as_slice()));
        part(self.reason.as_ref().map(String::as_bytes));
        sha.finalize().into()
    }
}

/// What makes the hash of a row unlike that of any other that says the same.
pub type Salt = [u8; 16];

/// A row's hash: over that of the row before it and that of what it says. So a chain can be shown without
/// what its other rows say.
pub fn chained(before: &[u8; 32], content: &[u8; 32]) -> [u8; 32] {
    let mut sha = Sha256::new();
    sha.update(before);
    sha.update(content);
    sha.finalize().into()
}

/// Adds a row.
///
/// # Errors
/// SQLite's own.
pub fn record(db: &Connection, entry: &Entry) -> rusqlite::Result<()> {
    // Nobody adds another row between the look at the last one and this.
    whole(db, |db| append(db, entry))
}

fn append(db: &Connection, entry: &Entry) -> rusqlite::Result<()> {
    let last: Option<(i64, Option<[u8; 32]>)> = db
        .prepare_cached("SELECT number, hash FROM access_log ORDER BY number DESC LIMIT 1")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let (last, before) = last.unwrap_or((0, None));
    let number = last + 1;
    // SQLite's own generator: ChaCha20 with a seed of the operating system's.
    let salt: Salt = db
        .prepare_cached("SELECT randomblob(16)")?
        .query_row([], |row| row.get(0))?;
    let content = entry.content(number, Some(&salt));
    let hash = chained(&before.unwrap_or_default(), &content);
    db.prepare_cached(
        "INSERT INTO access_log(number, at_ms, member, action, space, doc, reason, hash, salt)
         VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9)",
    )?
    .execute((
        number,
        entry.at_ms,
        entry.member.as_ref().map(|m| blob(m.as_bytes())),
        &entry.action,
        entry.space.as_ref().map(|s| blob(s.as_bytes())),
        entry.doc.as_ref().map(|d| blob(d.as_bytes())),
        &entry.reason,
        hash.as_slice(),
        salt.as_slice(),
    ))?;
    Ok(())
}

/// The number of the first row that is not as it was written, or follows on a row that is gone. `None`
/// if all are whole.
///
/// # Errors
/// SQLite's own.
pub fn verify(db: &Connection) -> rusqlite::Result<Option<i64>> {
    let salt = salt_column(db)?;
    let mut query = db.prepare(&format!(
        "SELECT number, hash, {salt}, {COLUMNS} FROM access_log ORDER BY number"
    ))?;
    let mut rows = query.query([])?;
    let mut seen: Option<(i64, [u8; 32])> = None;
    while let Some(row) = rows.next()? {
        let number = row.get(0)?;
        let hash: Option<[u8; 32]> = row.get(1)?;
        let Some(hash) = hash else {
            // From before there was a chain; after its beginning nothing is without.
            if seen.is_some() {
                return Ok(Some(number));
            }
            continue;
        };
        let (last, before) = seen.unwrap_or((number - 1, [0; 32]));
        let salt: Option<Salt> = row.get(2)?;
        let content = entry(row, 3)?.content(number, salt.as_ref());
        if number != last + 1 || chained(&before, &content) != hash {
            return Ok(Some(number));
        }
        seen = Some((number, hash));
    }
    // The last rows leave no gap; but the database knows how far it has counted.
    let counted: Option<i64> = db
        .prepare("SELECT seq FROM sqlite_sequence WHERE name = 'access_log'")?
        .query_row([], |row| row.get(0))
        .optional()?;
    let last = db.query_row(
        "SELECT coalesce(max(number), 0) FROM access_log",
        [],
        |row| row.get::<_, i64>(0),
    )?;
    Ok(counted.filter(|counted| *counted > last).map(|_| last + 1))
}

/// The column of salts; a file that is only looked at may be from before there was one.
fn salt_column(db: &Connection) -> rusqlite::Result<&'static str> {
    let there = db
        .prepare("SELECT 1 FROM pragma_table_info('access_log') WHERE name = 'salt'")?
        .exists([])?;
    Ok(if there { "salt" } else { "NULL" })
}

const COLUMNS: &str = "at_ms, member, action, space, doc, reason";

/// An entry from the columns of a row: time, member, action, space, document, reason.
pub(super) fn entry(row: &Row<'_>, first: usize) -> rusqlite::Result<Entry> {
    let id = |column| -> rusqlite::Result<Option<uuid::Uuid>> {
        if row.get_ref(column)? == ValueRef::Null {
            return Ok(None);
        }
        id16(row, column).map(Some)
    };
    Ok(Entry {
        at_ms: row.get(first)?,
        member: id(first + 1)?.map(MemberId),
        action: row.get(first + 2)?,
        space: id(first + 3)?.map(SpaceId),
        doc: id(first + 4)?.map(DocId),
        reason: row.get(first + 5)?,
    })
}

/// Who has touched a document, newest first.
///
/// # Errors
/// SQLite's own.
pub fn of_document(db: &Connection, doc: DocId, limit: u32) -> rusqlite::Result<Vec<Entry>> {
    db.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM access_log WHERE doc = ?1 ORDER BY at_ms DESC, number DESC LIMIT ?2"
    ))?
    .query_map((blob(doc.as_bytes()), limit), |row| entry(row, 0))?
    .collect()
}

/// What happened in a space, newest first.
///
/// # Errors
/// SQLite's own.
pub fn of_space(db: &Connection, space: SpaceId, limit: u32) -> rusqlite::Result<Vec<Entry>> {
    db.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM access_log WHERE space = ?1 ORDER BY number DESC LIMIT ?2"
    ))?
    .query_map((blob(space.as_bytes()), limit), |row| entry(row, 0))?
    .collect()
}

/// Gives the rows about a space from one time until before another, also those that name no space but a
/// document of it, until `take` has enough. Whether it got all.
///
/// # Errors
/// SQLite's own.
pub fn within(
    db: &Connection,
    space: SpaceId,
    (from_ms, until_ms): (i64, i64),
    take: &mut dyn FnMut(Entry) -> bool,
) -> rusqlite::Result<bool> {
    let mut query = db.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM access_log WHERE space = ?1 AND at_ms >= ?2 AND at_ms < ?3
         UNION ALL
         SELECT {COLUMNS} FROM access_log
         WHERE doc IN (SELECT doc FROM document WHERE space = ?1) AND space IS NULL
           AND at_ms >= ?2 AND at_ms < ?3"
    ))?;
    let mut rows = query.query((blob(space.as_bytes()), from_ms, until_ms))?;
    while let Some(row) = rows.next()? {
        if !take(entry(row, 0)?) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The number and hash of the last chained row.
///
/// # Errors
/// SQLite's own.
pub fn end(db: &Connection) -> rusqlite::Result<Option<(i64, [u8; 32])>> {
    db.prepare_cached(
        "SELECT number, hash FROM access_log WHERE hash IS NOT NULL ORDER BY number DESC LIMIT 1",
    )?
    .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
    .optional()
}

/// A row on a [`walk`].
pub struct Step {
    /// Its number.
    pub number: i64,
    /// For the first one, the hash it is chained to.
    pub before: Option<[u8; 32]>,
    /// What it says.
    pub entry: Entry,
    /// Its salt, if it has one.
    pub salt: Option<Salt>,
    /// The hash of both.
    pub content: [u8; 32],
    /// Its hash in the chain, as it is written.
    pub hash: [u8; 32],
}

/// Goes from the first chained row about a space to the last one, oldest first, over those about others
/// between them.
///
/// # Errors
/// SQLite's own; what `visit` gives.
pub fn walk<E: From<rusqlite::Error>>(
    db: &Connection,
    space: SpaceId,
    visit: &mut dyn FnMut(Step) -> Result<(), E>,
) -> Result<(), E> {
    let salt = salt_column(db)?;
    let mut query = db.prepare(&format!(
        "SELECT number, hash, {salt}, {COLUMNS} FROM access_log WHERE hash IS NOT NULL AND number BETWEEN
           (SELECT min(number) FROM access_log WHERE space = ?1 AND hash IS NOT NULL) AND
           (SELECT max(number) FROM access_log WHERE space = ?1 AND hash IS NOT NULL)
         ORDER BY number"
    ))?;
    let mut rows = query.query([blob(space.as_bytes())])?;
    let mut first = true;
    while let Some(row) = rows.next()? {
        let number = row.get(0)?;
        let salt: Option<Salt> = row.get(2)?;
        let entry = entry(row, 3)?;
        let before = std::mem::take(&mut first).then(|| {
            db.prepare_cached("SELECT hash FROM access_log WHERE number = ?1 - 1")?
                .query_row([number], |row| row.get::<_, Option<[u8; 32]>>(0))
                .optional()
                .map(|hash| hash.flatten().unwrap_or_default())
        });
        visit(Step {
            number,
            before: before.transpose()?,
            content: entry.content(number, salt.as_ref()),
            salt,
            entry,
            hash: row.get(1)?,
        })?;
    }
    Ok(())
}

/// Everything, newest first.
///
/// # Errors
/// SQLite's own.
pub fn all(db: &Connection, limit: u32) -> rusqlite::Result<Vec<Entry>> {
    db.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM access_log ORDER BY number DESC LIMIT ?1"
    ))?
    .query_map([limit], |row| entry(row, 0))?
    .collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that fails should say where")]
    use super::*;
    use crate::store::schema;

    fn filled() -> Connection {
        let db = schema::open_in_memory().unwrap();
        for at_ms in 0..20 {
            let entry = Entry {
                at_ms,
                member: (at_ms % 3 == 0).then(|| MemberId(uuid::Uuid::from_u128(7))),
                action: "read".to_owned(),
                space: None,
                doc: (at_ms % 2 == 0).then(|| DocId(uuid::Uuid::from_u128(9))),
                reason: (at_ms % 5 == 0).then(|| "asked".to_owned()),
            };
            record(&db, &entry).unwrap();
        }
        db
    }

    #[test]
    fn a_row_that_is_changed_taken_out_put_in_or_moved_breaks_the_chain_there() {
        assert_eq!(verify(&filled()).unwrap(), None);
        for (harm, at) in [
            ("DELETE FROM access_log WHERE number > 18", 19),
            ("UPDATE access_log SET member = NULL WHERE number = 4", 4),
            (
                "UPDATE access_log SET at_ms = at_ms + 1 WHERE number = 9",
                9,
            ),
            ("UPDATE access_log SET reason = '' WHERE number = 2", 2),
            ("UPDATE access_log SET hash = NULL WHERE number = 5", 5),
            ("UPDATE access_log SET salt = NULL WHERE number = 6", 6),
            ("DELETE FROM access_log WHERE number = 7", 8),
            (
                "UPDATE access_log SET action = 'list' WHERE number = 20",
                20,
            ),
            (
                "UPDATE access_log SET number = CASE number WHEN 3 THEN -3 ELSE number END;
                 UPDATE access_log SET number = 3 WHERE number = 12;
                 UPDATE access_log SET number = 12 WHERE number = -3",
                3,
            ),
        ] {
            let db = filled();
            db.execute_batch(harm).unwrap();
            assert_eq!(verify(&db).unwrap(), Some(at), "{harm}");
        }
    }

    #[test]
    fn rows_from_before_there_were_salts_are_checked_as_they_were_hashed() {
        let db = filled();
        let mut before = [0; 32];
        let rows: Vec<(i64, Entry)> = db
            .prepare(&format!(
                "SELECT number, {COLUMNS} FROM access_log ORDER BY number"
            ))
            .unwrap()
            .query_map([], |row| Ok((row.get(0)?, entry(row, 1)?)))
            .unwrap()
            .collect::<rusqlite::Result<_>>()
            .unwrap();
        for (number, row) in &rows {
            before = chained(&before, &row.content(*number, None));
            let sql = "UPDATE access_log SET hash = ?2, salt = NULL WHERE number = ?1";
            db.execute(sql, (number, before.as_slice())).unwrap();
        }
        assert_eq!(verify(&db).unwrap(), None);
        record(&db, &rows[0].1).unwrap();
        assert_eq!(verify(&db).unwrap(), None);
        // A file that was not opened since.
        db.execute_batch(
            "DELETE FROM access_log WHERE number > 20; UPDATE sqlite_sequence SET seq = 20",
        )
        .unwrap();
        db.execute_batch("ALTER TABLE access_log DROP COLUMN salt")
            .unwrap();
        assert_eq!(verify(&db).unwrap(), None);
        db.execute_batch("UPDATE access_log SET action = 'x' WHERE number = 7")
            .unwrap();
        assert_eq!(verify(&db).unwrap(), Some(7));
    }

    #[test]
    fn rows_from_before_the_chain_are_let_be() {
        let db = filled();
        db.execute_batch("UPDATE access_log SET hash = NULL")
            .unwrap();
        assert_eq!(verify(&db).unwrap(), None);
        record(
            &db,
            &Entry {
                at_ms: 1,
                member: None,
                action: "administer".to_owned(),
                space: None,
                doc: None,
                reason: None,
            },
        )
        .unwrap();
        assert_eq!(verify(&db).unwrap(), None);
    }
}
