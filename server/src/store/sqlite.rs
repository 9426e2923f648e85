//! The SQLite backend: one connection that writes, others that read.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Row, ToSql};

use sopu_core::store::StoreKey;

use super::flushed::Witness;
use super::{Purpose, RelayStore, Result, StoreError, Transactions, schema};

mod envelopes;
mod erasures;
mod feeds;
mod news;
mod notices;
mod people;
mod reads;
mod subjects;

/// The relay's tables in one SQLite file.
pub struct SqliteStore {
    connection: Connection,
    path: Option<PathBuf>,
    key: Option<StoreKey>,
    /// Whether commits are flushed to disk at present.
    flushed: bool,
    statements: Cell<u64>,
    witness: Option<Witness>,
}

impl SqliteStore {
    /// Opens or creates the file.
    pub fn open(path: &Path) -> Result<Self> {
        Self::open_with(path, None)
    }

    /// As [`SqliteStore::open`], encrypted if there is a key.
    pub fn open_with(path: &Path, key: Option<StoreKey>) -> Result<Self> {
        Ok(Self {
            connection: schema::open_with(path, key)?,
            path: Some(path.to_owned()),
            key,
            flushed: true,
            statements: Cell::default(),
            witness: Some(Witness::new(path)),
        })
    }

    /// Opens an existing file to look through it, `still` if nobody writes to it.
    pub fn open_to_check(path: &Path, key: Option<StoreKey>, still: bool) -> Result<Self> {
        Ok(Self {
            connection: schema::open_to_check(path, key, still)?,
            path: None,
            key,
            flushed: true,
            statements: Cell::default(),
            witness: None,
        })
    }

    /// In memory, for tests and simulations: there is only this one connection.
    pub fn in_memory() -> Result<Self> {
        Ok(Self {
            connection: schema::open_in_memory()?,
            path: None,
            key: None,
            flushed: true,
            statements: Cell::default(),
            witness: None,
        })
    }

    /// For tests that set people up without the office.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Statements run so far, but for those that begin and end transactions: what tests hold the
    /// cost of a push to.
    pub fn statements(&self) -> u64 {
        self.statements.get()
    }

    /// Counts one statement.
    fn ran(&self) {
        self.statements.set(self.statements.get() + 1);
    }

    fn run(&self, sql: &str, params: &[&dyn ToSql]) -> Result<usize> {
        self.ran();
        Ok(self.connection.prepare_cached(sql)?.execute(params)?)
    }

    fn one<T>(
        &self,
        sql: &str,
        params: &[&dyn ToSql],
        read: impl FnOnce(&Row<'_>) -> Result<T>,
    ) -> Result<Option<T>> {
        self.ran();
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query(params)?;
        rows.next()?.map(read).transpose()
    }

    fn all<T>(
        &self,
        sql: &str,
        params: &[&dyn ToSql],
        mut read: impl FnMut(&Row<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        self.ran();
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query(params)?;
        let mut all = Vec::new();
        while let Some(row) = rows.next()? {
            all.push(read(row)?);
        }
        Ok(all)
    }

    fn count(&self, sql: &str, params: &[&dyn ToSql]) -> Result<i64> {
        self.ran();
        let mut statement = self.connection.prepare_cached(sql)?;
        Ok(statement
            .query_row(params, |row| row.get(0))
            .optional()?
            .unwrap_or(0))
    }
}

impl Transactions for SqliteStore {
    fn begin(&mut self, purpose: Purpose) -> Result<()> {
        if !self.connection.is_autocommit() {
            // Someone panicked half-way: what they did must not be committed with what follows.
            self.connection.execute_batch("ROLLBACK")?;
        }
        let flushed = purpose != Purpose::Note;
        if purpose != Purpose::Read && flushed != self.flushed {
            // Under NORMAL the log is not flushed at a commit, only before it is copied back; a
            // flush at a later commit covers what is before it in the log.
            self.connection.execute_batch(if flushed {
                "PRAGMA synchronous = FULL"
            } else {
                "PRAGMA synchronous = NORMAL"
            })?;
            self.flushed = flushed;
        }
        Ok(self.connection.execute_batch(match purpose {
            Purpose::Read => "BEGIN",
            Purpose::Note | Purpose::Write => "BEGIN IMMEDIATE",
        })?)
    }

    fn commit(&mut self) -> Result<()> {
        self.connection.execute_batch("COMMIT")?;
        if self.flushed
            && let Some(witness) = &mut self.witness
        {
            witness.flushed();
        }
        Ok(())
    }

    fn rollback(&mut self) {
        if !self.connection.is_autocommit() {
            // A rollback that fails leaves the transaction to the next `begin`.
            let _ = self.connection.execute_batch("ROLLBACK");
        }
    }

    fn savepoint(&mut self) -> Result<()> {
        Ok(self.connection.execute_batch("SAVEPOINT job")?)
    }

    fn end_savepoint(&mut self, keep: bool) -> Result<()> {
        Ok(self.connection.execute_batch(if keep {
            "RELEASE job"
        } else {
            "ROLLBACK TO job; RELEASE job"
        })?)
    }

    fn reader(&self) -> Result<Option<Box<dyn RelayStore>>> {
        match &self.path {
            Some(path) => Ok(Some(Box::new(Self {
                connection: schema::open_reader(path, self.key)?,
                path: None,
                key: self.key,
                flushed: true,
                statements: Cell::default(),
                witness: None,
            }))),
            None => Ok(None),
        }
    }

    fn scrub(&mut self, wait: Duration) -> Result<()> {
        self.connection.busy_timeout(wait)?;
        // Deleted rows are overwritten (secure_delete); the log still holds older pages.
        let busy: rusqlite::Result<i64> =
            self.connection
                .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0));
        self.connection.busy_timeout(schema::BUSY_WAIT)?;
        if busy? == 0 {
            Ok(())
        } else {
            Err(StoreError::Corrupt("a reader holds the log"))
        }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        StoreError::Backend(Arc::new(error))
    }
}

/// A BLOB column of a known length.
fn fixed<const N: usize>(row: &Row<'_>, column: usize) -> Result<[u8; N]> {
    row.get_ref(column)?
        .as_blob()
        .ok()
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or(StoreError::Corrupt("a column of fixed length"))
}

/// The same, or NULL.
fn fixed_or_null<const N: usize>(row: &Row<'_>, column: usize) -> Result<Option<[u8; N]>> {
    match row.get_ref(column)? {
        rusqlite::types::ValueRef::Null => Ok(None),
        rusqlite::types::ValueRef::Blob(_)
        | rusqlite::types::ValueRef::Integer(_)
        | rusqlite::types::ValueRef::Real(_)
        | rusqlite::types::ValueRef::Text(_) => fixed(row, column).map(Some),
    }
}

/// An id column.
macro_rules! id_at {
    ($type:ident, $row:expr, $column:expr) => {
        $type(uuid::Uuid::from_bytes(super::fixed::<16>($row, $column)?))
    };
}
use id_at;

/// A number that is never negative.
fn number(row: &Row<'_>, column: usize) -> Result<u64> {
    u64::try_from(row.get::<_, i64>(column)?).map_err(|_| StoreError::Corrupt("a negative number"))
}

/// SQLite's integers are signed; no count here comes near the limit.
fn int(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// A LIMIT.
fn limit(value: usize) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
