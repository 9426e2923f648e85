//! How far one's own work has come, in the four states people see.

use rusqlite::{Connection, Row};

use crate::id::DocId;
use crate::store::error::Result;

/// How far one's own work in a document, or in all, has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Changes on this phone only, in no envelope yet.
    pub unsealed: u32,
    /// Envelopes on this phone only, ones the relay lost included.
    pub sealed: u32,
    /// Envelopes on the server: acknowledged, not in the record yet.
    pub acknowledged: u32,
    /// Envelopes on the server that wait for something or someone.
    pub held: u32,
    /// Envelopes refused, to be replayed.
    pub refused: u32,
    /// Envelopes in the record.
    pub fed: u32,
    /// Of these, seen by the office.
    pub seen: u32,
}

/// The four states people see: the least that is true of all one's own work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// On this phone.
    Here,
    /// On the server.
    Server,
    /// In the record.
    Record,
    /// Seen by the office.
    Seen,
}

impl Progress {
    /// The stage; `None` if nothing here is one's own.
    pub fn stage(&self) -> Option<Stage> {
        if self.unsealed + self.sealed + self.refused > 0 {
            Some(Stage::Here)
        } else if self.acknowledged + self.held > 0 {
            Some(Stage::Server)
        } else if self.fed > self.seen {
            Some(Stage::Record)
        } else {
            (self.fed > 0).then_some(Stage::Seen)
        }
    }
}

/// How far one's own work in a document has come.
///
/// # Errors
/// SQLite's own.
pub fn progress(conn: &Connection, doc: DocId) -> Result<Progress> {
    let mut statement = conn.prepare_cached(
        "SELECT (SELECT count(*) FROM change c JOIN document d ON d.n = c.doc
                 WHERE d.id = ?1 AND c.unsealed = 1 AND c.entry IS NULL),
             count(*) FILTER (WHERE state IN ('sealed', 'lost')),
             count(*) FILTER (WHERE state = 'acknowledged'), count(*) FILTER (WHERE state = 'held'),
             count(*) FILTER (WHERE state = 'final'), count(*) FILTER (WHERE state = 'fed'),
             count(*) FILTER (WHERE state = 'fed' AND seen_ms IS NOT NULL)
         FROM envelope WHERE doc = ?1 AND own = 1",
    )?;
    Ok(statement.query_row([doc], progress_row)?)
}

/// How much of one's own work is not settled, in all documents. `fed` and `seen` are not counted.
///
/// # Errors
/// SQLite's own.
pub fn backlog(conn: &Connection) -> Result<Progress> {
    let mut statement = conn.prepare_cached(
        "SELECT (SELECT count(*) FROM change WHERE unsealed = 1 AND entry IS NULL),
             count(*) FILTER (WHERE state IN ('sealed', 'lost')),
             count(*) FILTER (WHERE state = 'acknowledged'), count(*) FILTER (WHERE state = 'held'),
             count(*) FILTER (WHERE state = 'final'), 0, 0
         FROM envelope WHERE run IS NOT NULL AND own = 1",
    )?;
    Ok(statement.query_row([], progress_row)?)
}

fn progress_row(row: &Row<'_>) -> rusqlite::Result<Progress> {
    Ok(Progress {
        unsealed: row.get(0)?,
        sealed: row.get(1)?,
        acknowledged: row.get(2)?,
        held: row.get(3)?,
        refused: row.get(4)?,
        fed: row.get(5)?,
        seen: row.get(6)?,
    })
}
