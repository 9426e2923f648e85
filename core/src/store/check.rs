//! Whether the file is whole, document by document, and making views anew.

use rusqlite::Connection;

use super::error::{Fault, Result, StoreError};
use super::{Store, document, view};
use crate::id::DocId;

/// Documents a rebuild writes in one transaction.
const BATCH: usize = 128;

/// Something that is not whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Damage {
    /// SQLite's own finding.
    File(String),
    /// One document; the others are readable.
    Document(DocId, Fault),
}

/// Checks the file, then every snapshot and change of every document, one document in memory at
/// a time. A damaged snapshot alone loses nothing: the changes give the document.
///
/// # Errors
/// SQLite's own, when the file cannot be read at all.
pub fn check(conn: &Connection) -> Result<Vec<Damage>> {
    let mut damages = Vec::new();
    let mut statement = conn.prepare("PRAGMA integrity_check(100)")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let line: String = row.get(0)?;
        if line != "ok" {
            damages.push(Damage::File(line));
        }
    }
    each_document(conn, &mut |doc| {
        match document::examine(conn, doc) {
            Ok(faults) => damages.extend(faults.into_iter().map(|f| Damage::Document(doc, f))),
            // Nothing is wrong with a document of a later version's kind.
            Err(StoreError::UnknownKind(_)) => {}
            Err(other) => return Err(other),
        }
        Ok(())
    })?;
    Ok(damages)
}

fn each_document(conn: &Connection, each: &mut dyn FnMut(DocId) -> Result<()>) -> Result<()> {
    let mut after = None;
    loop {
        let ids = document::ids(conn, None, after, BATCH)?;
        for id in &ids {
            each(*id)?;
        }
        match ids.last() {
            Some(last) => after = Some(*last),
            None => return Ok(()),
        }
    }
}

impl Store {
    /// Writes every view and search row anew from the changes, some documents a transaction, so
    /// that it can be broken off and begun again. Damaged documents keep their old view and are
    /// named.
    ///
    /// # Errors
    /// SQLite's own.
    pub fn rebuild_views(&mut self) -> Result<Vec<Damage>> {
        let mut damages = Vec::new();
        let mut after = None;
        loop {
            let ids = document::ids(&self.conn, None, after, BATCH)?;
            let Some(last) = ids.last() else { break };
            after = Some(*last);
            self.write(|tx| {
                for doc in &ids {
                    match view::rebuild_one(tx, *doc) {
                        Ok(()) | Err(StoreError::UnknownKind(_)) => {}
                        Err(StoreError::Damaged { doc, fault }) => {
                            damages.push(Damage::Document(doc, fault));
                        }
                        Err(other) => return Err(other),
                    }
                }
                Ok(())
            })?;
        }
        self.write(view::finish_rebuild)?;
        Ok(damages)
    }
}
