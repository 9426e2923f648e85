//! Own changes that could not be stored with their document, for a salvage could not read it whole: they
//! wait here, as small facts, until what they build on is here again. Erased with their document, and
//! dropped with their space.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::Connection;

use super::error::Result;
use super::{Tx, meta};
use crate::documents::Kind;
use crate::frame::{frame, unframe};
use crate::id::{DocId, SpaceId};

const UNDER: &str = "salvaged/";

/// A document's changes that wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PutBy {
    /// Where the document lives.
    pub space: SpaceId,
    /// Of which kind it is.
    pub kind: Kind,
    /// The change chunks, in the order they were made.
    pub changes: Vec<Vec<u8>>,
}

/// Puts a change of a document by, after those that wait already.
///
/// # Errors
/// SQLite's own.
pub fn add(tx: &Tx<'_>, doc: DocId, space: SpaceId, kind: u8, change: &[u8]) -> Result<()> {
    let mut packed = space.as_bytes().to_vec();
    packed.push(kind);
    packed.extend_from_slice(change);
    let packed = frame(&packed);
    let under = under(doc);
    let there = meta::all_under(tx, &under)?;
    if there.iter().any(|(_, other)| *other == packed) {
        return Ok(());
    }
    let last = there
        .last()
        .and_then(|(name, _)| name.strip_prefix(&under)?.parse::<u32>().ok());
    let n = last.map_or(0, |last| last.saturating_add(1));
    meta::set(tx, &format!("{under}{n:06}"), &packed)
}

/// Everything that waits and can be read, by document.
///
/// # Errors
/// SQLite's own.
pub fn all(conn: &Connection) -> Result<BTreeMap<DocId, PutBy>> {
    let mut docs: BTreeMap<DocId, PutBy> = BTreeMap::new();
    for (name, packed) in meta::all_under(conn, UNDER)? {
        let kind = |(_, kind, _): &(SpaceId, u8, &[u8])| Kind::from_number(*kind);
        let opened = opened(&packed);
        if let (Some(doc), Some((space, _, change)), Some(kind)) =
            (doc_of(&name), opened, opened.as_ref().and_then(kind))
        {
            let changes = Vec::new();
            let entry = docs.entry(doc).or_insert(PutBy {
                space,
                kind,
                changes,
            });
            entry.changes.push(change.to_vec());
        }
    }
    Ok(docs)
}

/// The spaces anything waits in.
///
/// # Errors
/// SQLite's own.
pub fn spaces(conn: &Connection) -> Result<BTreeSet<SpaceId>> {
    let all = meta::all_under(conn, UNDER)?;
    let spaces = all.iter().filter_map(|(_, packed)| opened(packed));
    Ok(spaces.map(|(space, _, _)| space).collect())
}

/// Takes away what waits of a document; says whether anything did.
///
/// # Errors
/// SQLite's own.
pub fn forget(tx: &Tx<'_>, doc: DocId) -> Result<bool> {
    let all = meta::all_under(tx, &under(doc))?;
    all.iter()
        .try_for_each(|(name, _)| meta::remove(tx, name))?;
    Ok(!all.is_empty())
}

/// Takes away what waits in a space, and what can be read no more: nobody can tell where that belongs, and
/// it is of no use.
///
/// # Errors
/// SQLite's own.
pub fn forget_space(tx: &Tx<'_>, id: SpaceId) -> Result<()> {
    let all = meta::all_under(tx, UNDER)?;
    let of_it = |packed: &[u8]| opened(packed).is_none_or(|(space, _, _)| space == id);
    all.iter()
        .filter(|(_, packed)| of_it(packed))
        .try_for_each(|(name, _)| meta::remove(tx, name))
}

/// Takes away everything that waits.
///
/// # Errors
/// SQLite's own.
pub fn forget_all(tx: &Tx<'_>) -> Result<()> {
    let all = meta::all_under(tx, UNDER)?;
    all.iter().try_for_each(|(name, _)| meta::remove(tx, name))
}

fn under(doc: DocId) -> String {
    format!("{UNDER}{doc}/")
}

fn doc_of(name: &str) -> Option<DocId> {
    let (id, _) = name.strip_prefix(UNDER)?.split_once('/')?;
    id.parse::<uuid::Uuid>().ok().map(DocId)
}

fn opened(packed: &[u8]) -> Option<(SpaceId, u8, &[u8])> {
    let (space, rest) = unframe(packed)?.split_at_checked(16)?;
    let (kind, change) = rest.split_first()?;
    Some((SpaceId::from_slice(space)?, *kind, change))
}
