//! Which documents are or were about a farm or client, and what those were before they were moved.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::Connection;
use sopu_core::id::{DocId, SpaceId};

use super::{Result, blob, id16};

/// The documents about a farm or client.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Documents {
    /// Those that are about them; or were, until a time, milliseconds since 1970 UTC.
    pub about: BTreeMap<DocId, Option<i64>>,
    /// What some of those were while they were on the wrong client, perhaps in another space.
    pub earlier: BTreeSet<DocId>,
}

impl Documents {
    /// Of a space, or of all: those the merged record has now, and those that the relay knows of besides.
    ///
    /// # Errors
    /// The database's.
    pub fn of(
        db: &Connection,
        space: Option<SpaceId>,
        subject: &str,
        now: impl IntoIterator<Item = DocId>,
    ) -> Result<Self> {
        let mut query = db.prepare_cached(
            "SELECT a.doc, a.until_ms FROM about a LEFT JOIN document d ON d.doc = a.doc
             WHERE a.subject = ?1 AND (?2 IS NULL OR d.space = ?2)",
        )?;
        let space = space.as_ref().map(|space| space.as_bytes().as_slice());
        let known = query.query_map((subject, space), |row| {
            Ok((DocId(id16(row, 0)?), row.get(1)?))
        })?;
        let mut about: BTreeMap<DocId, Option<i64>> = known.collect::<rusqlite::Result<_>>()?;
        about.extend(now.into_iter().map(|doc| (doc, None)));
        let mut earlier = BTreeSet::new();
        let mut look: Vec<DocId> = about.keys().copied().collect();
        let mut query = db.prepare_cached("SELECT old FROM was WHERE doc = ?1")?;
        while let Some(doc) = look.pop() {
            let olds = query.query_map([blob(doc.as_bytes())], |row| Ok(DocId(id16(row, 0)?)))?;
            for old in olds {
                let old = old?;
                if earlier.insert(old) {
                    look.push(old);
                }
            }
        }
        Ok(Self { about, earlier })
    }

    /// Whether what was done with a document at a time concerns them.
    pub fn concerns(&self, doc: DocId, at_ms: i64) -> bool {
        let until = self.about.get(&doc);
        self.earlier.contains(&doc)
            || until.is_some_and(|until| until.is_none_or(|end| at_ms < end))
    }
}

/// The documents that are about a farm or client now, as far as the relay knows, but for what was erased: each
/// with whether it is about another as well, for people do not agree.
///
/// # Errors
/// The database's.
pub fn about_now(db: &Connection, subject: &str) -> Result<Vec<(DocId, bool)>> {
    let mut query = db.prepare_cached(
        "SELECT a.doc, EXISTS (SELECT 1 FROM about o
             WHERE o.doc = a.doc AND o.subject <> a.subject AND o.until_ms IS NULL)
         FROM about a LEFT JOIN document d ON d.doc = a.doc
         WHERE a.subject = ?1 AND a.until_ms IS NULL AND d.erased_ms IS NULL ORDER BY a.doc",
    )?;
    let rows = query.query_map([subject], |row| Ok((DocId(id16(row, 0)?), row.get(1)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// The farms and clients that documents of a space are or were about.
///
/// # Errors
/// The database's.
pub fn of_space(db: &Connection, space: SpaceId) -> Result<BTreeSet<String>> {
    let mut query = db.prepare_cached(
        "SELECT DISTINCT a.subject FROM document d JOIN about a ON a.doc = d.doc WHERE d.space = ?1",
    )?;
    let rows = query.query_map([blob(space.as_bytes())], |row| row.get(0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
