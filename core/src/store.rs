//! The only door to SQLite: one file that holds everything a device knows (and, on a relay, the
//! merged record: same tables, another file).
//!
//! There is exactly one writer. [`Store::write`] is one transaction, durable when it returns;
//! functions that write take a [`Tx`], functions that read take a [`Connection`], which a `Tx`
//! also is. So a save, with its change, its unsent mark, its view and its search row, is one
//! transaction by construction.
//!
//! Reading order: [`schema`] · [`document`] (changes and snapshots in, documents out) ·
//! [`view`] and [`list`] (what lists and search see) · [`outbox`] and [`history`] (envelopes) ·
//! [`space`] (cursors, people) · [`purge`] and [`check`].

use std::cell::{Cell, RefCell};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use automerge::Automerge;

use crate::id::{DocId, Version};
use crate::read::{Reading, read_at};

mod beside;
pub mod cache;
pub mod check;
mod cipher;
mod column;
pub mod deferred;
pub mod document;
pub mod draft;
pub mod error;
pub mod history;
pub mod hold;
pub mod list;
pub mod meta;
pub mod notice;
mod opened;
pub mod outbox;
pub mod purge;
pub mod put_by;
pub mod reads;
pub mod schema;
pub mod search;
mod sound;
pub mod space;
pub mod view;
mod wal;

pub(crate) use beside::{
    DAMAGED, beside, has_damaged, remove, remove_damaged, remove_store, rename,
};
pub use cipher::{StoreKey, encrypt, is_plain, unlock};
pub use document::{DocWrite, Loaded, NewChange, Origin};
pub use error::{Fault, Result, StoreError};
pub(crate) use wal::taken_whole;
pub use wal::{Flushed, lost_commits};

use opened::Opened;
use sound::Sound;

/// A write transaction. It also reads: every function that takes a `&Connection` takes it too.
pub type Tx<'a> = Transaction<'a>;

/// An open store.
pub struct Store {
    conn: Sound,
    cache: RefCell<cache::Cache>,
    whole_readings: Cell<u64>,
    /// Where it is, if it is encrypted.
    encrypted: Option<PathBuf>,
    /// Goes after the connection.
    _opened: Option<Opened>,
}

/// How long a write waits for another process's write, milliseconds.
const BUSY_MS: u64 = 10_000;

/// Prepared statements kept.
const STATEMENTS: usize = 128;

impl Store {
    /// Opens the file, making or upgrading it. The cost does not depend on how much is in it.
    ///
    /// # Errors
    /// [`StoreError::Newer`] for a file of a later version; [`StoreError::LogDamaged`] if saves that
    /// were durable cannot be read any more; SQLite's own.
    pub fn open(path: &Path) -> Result<Self> {
        let opened = Opened::enter(path, || {
            if !cipher::is_plain(path) {
                return Err(StoreError::WrongKey);
            }
            whole_log(path)
        })?;
        Self::prepare(Connection::open(path)?, Some(opened))
    }

    /// Opens an encrypted file, making or upgrading it; a plain one is encrypted first. Needs a build
    /// against SQLCipher.
    ///
    /// # Errors
    /// [`StoreError::NoEncryption`] without SQLCipher, rather than writing a plain file;
    /// [`StoreError::WrongKey`]; else as [`Store::open`].
    pub fn open_encrypted(path: &Path, key: StoreKey) -> Result<Self> {
        // Nobody of this process opens it meanwhile.
        let opened = Opened::enter(path, || {
            whole_log(path)?;
            cipher::encrypt(path, key)
        })?;
        let conn = Connection::open(path)?;
        cipher::unlock(&conn, key)?;
        let conn = Self::encrypted(Self::settle(conn)?, path, key);
        let mut store = Self::around(conn, Some(opened));
        store.encrypted = Some(path.to_owned());
        Ok(store)
    }

    /// Opens the file, encrypted if there is a key.
    ///
    /// # Errors
    /// As [`Store::open`] and [`Store::open_encrypted`].
    pub fn open_with(path: &Path, key: Option<StoreKey>) -> Result<Self> {
        let opened = match key {
            Some(key) => Self::open_encrypted(path, key),
            None => Self::open(path),
        };
        opened.map_err(|error| error.of_opening(path))
    }

    /// Encrypts the whole file anew with another key: all of it or nothing. Until this returns, keep
    /// both keys; after an error, open the store again with whichever fits. Costs as much as writing the
    /// file.
    ///
    /// # Errors
    /// [`StoreError::NoEncryption`] for a store that is not encrypted; SQLite's own, `DatabaseBusy` while
    /// somebody else has it open.
    pub fn change_key(&mut self, key: StoreKey) -> Result<()> {
        let path = self.encrypted.clone().ok_or(StoreError::NoEncryption)?;
        let fresh = cipher::change(self.conn.get_mut(), &path, key)?;
        self.conn = Self::encrypted(Self::settle(fresh)?, &path, key);
        Ok(())
    }

    /// A store that is gone when dropped.
    ///
    /// # Errors
    /// SQLite's own.
    pub fn open_in_memory() -> Result<Self> {
        Self::prepare(Connection::open_in_memory()?, None)
    }

    /// Opens an existing file for reading beside its one writer; sees what was committed. Writing
    /// through it fails.
    ///
    /// # Errors
    /// [`StoreError::Newer`]; SQLite's own, also when there is no such file.
    pub fn open_reader(path: &Path) -> Result<Self> {
        Self::open_reader_with(path, None)
    }

    /// As [`Store::open_reader`], of a file that is encrypted if there is a key.
    ///
    /// # Errors
    /// As [`Store::open_reader`]; [`StoreError::NoEncryption`], [`StoreError::WrongKey`].
    pub fn open_reader_with(path: &Path, key: Option<StoreKey>) -> Result<Self> {
        let opened = Opened::enter(path, || Ok::<_, StoreError>(()))?;
        let file = path.to_owned();
        let open = move || -> Result<Connection> {
            let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let conn = Connection::open_with_flags(&file, flags)?;
            if let Some(key) = key {
                cipher::unlock(&conn, key)?;
            }
            schema::readable(&conn)?;
            Self::tell(&conn)?;
            Ok(conn)
        };
        let conn = match key {
            None => Sound::plain(open()?),
            Some(_) => Sound::encrypted(open()?, Box::new(open)),
        };
        Ok(Self::around(conn, Some(opened)))
    }

    fn prepare(conn: Connection, opened: Option<Opened>) -> Result<Self> {
        let conn = Sound::plain(Self::settle(conn)?);
        Ok(Self::around(conn, opened))
    }

    fn around(conn: Sound, opened: Option<Opened>) -> Self {
        Self {
            conn,
            cache: RefCell::default(),
            whole_readings: Cell::default(),
            encrypted: None,
            _opened: opened,
        }
    }

    fn encrypted(conn: Connection, path: &Path, key: StoreKey) -> Sound {
        let path = path.to_owned();
        let again = move || {
            let conn = Connection::open(&path)?;
            cipher::unlock(&conn, key)?;
            Self::tell_writing(&conn)?;
            Ok(conn)
        };
        Sound::encrypted(conn, Box::new(again))
    }

    /// What every connection is told.
    fn tell(conn: &Connection) -> Result<()> {
        keep_plans(conn)?;
        conn.busy_timeout(Duration::from_millis(BUSY_MS))?;
        conn.set_prepared_statement_cache_capacity(STATEMENTS);
        Ok(())
    }

    /// What every connection that writes is told.
    fn tell_writing(conn: &Connection) -> Result<()> {
        Self::tell(conn)?;
        log_ahead(conn)?;
        // A save is durable before it returns: WAL with NORMAL could lose the last ones.
        conn.pragma_update(None, "synchronous", "FULL")?;
        conn.pragma_update(None, "foreign_keys", true)?;
        conn.pragma_update_and_check(None, "secure_delete", true, |_| Ok(()))?;
        // Sorted rows and the like never reach an unencrypted temporary file.
        conn.pragma_update(None, "temp_store", "MEMORY")?;
        Ok(())
    }

    /// Makes a file what this version writes.
    fn settle(mut conn: Connection) -> Result<Connection> {
        Self::tell_writing(&conn)?;
        schema::migrate(&mut conn)?;
        view::begin(&conn)?;
        Ok(conn)
    }

    /// For reading. In an encrypted store not always the same: ask anew after an error.
    pub fn conn(&self) -> &Connection {
        self.conn.get()
    }

    /// One transaction: all of it durable when this returns `Ok`, nothing of it otherwise.
    ///
    /// # Errors
    /// What the closure gives; SQLite's own.
    pub fn write<T>(&mut self, work: impl FnOnce(&Tx<'_>) -> Result<T>) -> Result<T> {
        self.write_or(work)
    }

    /// As [`Store::write`] for a caller with errors of its own.
    ///
    /// # Errors
    /// What the closure gives; SQLite's own.
    pub fn write_or<T, E: From<StoreError>>(
        &mut self,
        work: impl FnOnce(&Tx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let tx = Transaction::new(self.conn.get_mut(), TransactionBehavior::Immediate)
            .map_err(StoreError::from)?;
        let done = work(&tx)?;
        tx.commit().map_err(StoreError::from)?;
        Ok(done)
    }

    /// Writes that may be done later as well: they do not wait for another process's write.
    pub(crate) fn without_waiting(&self, work: impl FnOnce(&Connection)) {
        let conn = self.conn();
        if conn.busy_timeout(Duration::ZERO).is_ok() {
            work(conn);
        }
        // SQLite keeps the number and nothing else: this cannot fail on a connection that is open.
        let _ = conn.busy_timeout(Duration::from_millis(BUSY_MS));
    }

    /// A document, from the cache or from disk. The same `Arc` may be given to others: clone the
    /// Automerge document before changing it.
    ///
    /// # Errors
    /// As [`document::load`].
    pub fn document(&self, doc: DocId) -> Result<Arc<Loaded>> {
        let heads = document::heads(self.conn(), doc).map_err(|error| error.in_document(doc))?;
        let heads = heads.ok_or(StoreError::NotFound(doc))?;
        // Compared with the stored heads, so what another writer or a rolled-back transaction did
        // can never be served from here.
        if let Some(found) = self.cache.borrow_mut().get(doc, &heads) {
            return Ok(found);
        }
        let loaded = document::load(self.conn(), doc).map_err(|error| error.in_document(doc))?;
        let loaded = Arc::new(loaded);
        self.keep(Arc::clone(&loaded));
        Ok(loaded)
    }

    /// Remembers a document as it is after a save, so that it need not be loaded again.
    pub fn keep(&self, loaded: Arc<Loaded>) {
        self.cache.borrow_mut().put(loaded);
    }

    /// What a document says at a version, from the cache or by reading it.
    pub fn reading(&self, loaded: &Loaded, version: &Version) -> Arc<Reading> {
        if let Some(found) = self.cache.borrow().reading(loaded.doc, version) {
            return found;
        }
        self.whole_readings.set(self.whole_readings.get() + 1);
        let reading = Arc::new(read_at(&loaded.am, loaded.kind, version));
        self.keep_reading(loaded.doc, version.clone(), Arc::clone(&reading));
        reading
    }

    /// How often [`Store::reading`] found nothing in the cache and read a whole document.
    pub fn whole_readings(&self) -> u64 {
        self.whole_readings.get()
    }

    /// Remembers what a document says at a version.
    pub fn keep_reading(&self, doc: DocId, version: Version, reading: Arc<Reading>) {
        self.cache.borrow_mut().put_reading(doc, version, reading);
    }

    /// The document and what it says now, to be changed: without a copy if nobody else holds it.
    /// What comes of it is given to [`Store::keep`]; otherwise it is loaded anew.
    pub(crate) fn take(&self, loaded: Arc<Loaded>) -> (Automerge, Reading) {
        let reading = self.reading(&loaded, &loaded.heads);
        let mut cache = self.cache.borrow_mut();
        cache.take_reading(loaded.doc, &loaded.heads);
        cache.release(loaded.doc);
        let am = match Arc::try_unwrap(loaded) {
            Ok(loaded) => loaded.am,
            Err(shared) => shared.am.clone(),
        };
        (am, Arc::unwrap_or_clone(reading))
    }

    /// Keeps a document loaded while a form is open on it. Each call needs its [`Store::unpin`].
    pub fn pin(&self, doc: DocId) {
        self.cache.borrow_mut().pin(doc);
    }

    /// The form was closed.
    pub fn unpin(&self, doc: DocId) {
        self.cache.borrow_mut().unpin(doc);
    }

    /// Forgets all loaded documents, for example when the platform is short of memory.
    pub fn forget_loaded(&self) {
        self.cache.borrow_mut().clear();
    }
}

/// Plans a statement once. Otherwise SQLite compares each bound value with the conditions of partial
/// indexes, and for that prepares a cached statement anew at every use: a fifth of a save.
///
/// # Errors
/// SQLite's own.
pub fn keep_plans(conn: &Connection) -> rusqlite::Result<()> {
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)
        .map(|_| ())
}

/// Has a database keep a write-ahead log, for good; one in memory has none.
///
/// # Errors
/// SQLite's own. Also when it goes on without a log: then a commit is durable only when the deletion of its
/// journal is, and nobody flushes that.
pub fn log_ahead(conn: &Connection) -> rusqlite::Result<()> {
    let mut statement = conn.prepare("PRAGMA journal_mode = WAL")?;
    let mut rows = statement.query([])?;
    let mut mode = String::new();
    // To the end: the answer comes before the change is committed, and tells nothing of a disk that fails.
    while let Some(row) = rows.next()? {
        mode = row.get(0)?;
    }
    if mode == "wal" || mode == "memory" {
        return Ok(());
    }
    let failed = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_IOERR);
    let told = Some("there is no write-ahead log".to_owned());
    Err(rusqlite::Error::SqliteFailure(failed, told))
}

/// A connection to a copy of a file that may be damaged, as plain or encrypted as the file was.
///
/// # Errors
/// SQLite's own; as [`Store::open_encrypted`].
pub(crate) fn open_damaged(copy: &Path, key: Option<StoreKey>) -> Result<Connection> {
    let conn = Connection::open(copy)?;
    if let Some(key) = key {
        cipher::unlock(&conn, key)?;
    }
    Ok(conn)
}

fn whole_log(database: &Path) -> Result<()> {
    if wal::lost_commits(database) {
        return Err(StoreError::LogDamaged);
    }
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests;
