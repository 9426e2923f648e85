//! A store whose file says nothing to whoever has no key, in a build against SQLCipher (feature
//! `sqlcipher`).
//!
//! Every page is encrypted and authenticated on its own, in the database, its log and SQLite's own
//! temporary files (<https://www.zetetic.net/sqlcipher/design/>). The key is 32 random bytes that the
//! app keeps in the platform's keystore, so there is no password to stretch.

use std::fmt;
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use rusqlite::{Connection, ErrorCode};

use super::beside::{ENCRYPTING, beside, remove, rename};
use super::{Result, StoreError, schema};

/// The key of a store's file: 32 random bytes out of the platform's keystore.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct StoreKey([u8; 32]);

impl StoreKey {
    /// Of these bytes.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// As SQLCipher takes it: used as it is, not stretched.
    fn raw(self) -> String {
        format!("x'{}'", data_encoding::HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for StoreKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoreKey(…)")
    }
}

/// Gives a fresh connection the key, before anything else is done with it.
///
/// # Errors
/// [`StoreError::NoEncryption`], [`StoreError::WrongKey`]; SQLite's own.
pub fn unlock(conn: &Connection, key: StoreKey) -> Result<()> {
    // It would write to standard error what the error says anyway.
    conn.pragma_update(None, "cipher_log_level", "NONE")?;
    conn.pragma_update(None, "key", key.raw())?;
    // Plain SQLite ignores the key without a word; only SQLCipher has a cipher version.
    let cipher = conn.query_row("PRAGMA cipher_version", [], |row| row.get::<_, String>(0));
    if cipher.is_err() {
        return Err(StoreError::NoEncryption);
    }
    conn.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))
        .map_err(|error| match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => StoreError::WrongKey,
            _ => StoreError::Sqlite(error),
        })
}

/// Whether the file is a database anybody can read, perhaps a damaged one.
pub fn is_plain(path: &Path) -> bool {
    let mut start = [0; 100];
    if !File::open(path).is_ok_and(|mut file| file.read_exact(&mut start).is_ok()) {
        // Nothing is there, or too little to be encrypted.
        return true;
    }
    let name = b"SQLite format 3\0";
    let same = start.iter().zip(name).filter(|(here, there)| here == there);
    // Noise has hardly one byte of it; a page that was never written has none at all.
    same.count() >= name.len() / 2 || start == [0; 100]
}

/// Puts an encrypted copy in a plain database's place, so that whoever begins to encrypt goes on with what
/// is there. Until the copy is whole and takes that place, the plain file is the store; broken off, it is
/// done again. What the plain file leaves on a flash memory is out of reach.
///
/// Whether its log is whole is for the caller to ask before: what cannot be read there is lost by this.
///
/// # Errors
/// [`StoreError::Sqlite`] with `DatabaseBusy` if somebody else has the file open; [`StoreError::NoEncryption`].
pub fn encrypt(path: &Path, key: StoreKey) -> Result<()> {
    if !path.exists() || !is_plain(path) {
        return Ok(());
    }
    if fs::metadata(path).is_ok_and(|file| file.len() == 0) {
        // Made and never written, as after a crash: SQLCipher begins it.
        return Ok(());
    }
    let plain = Connection::open(path)?;
    plain.pragma_update(None, "temp_store", "MEMORY")?;
    replace(&plain, path, key)
}

/// Encrypts the whole file anew with another key: a copy takes its place whole, as in [`encrypt`], and is
/// then opened; the connection given is of no use any more. SQLCipher's own `rekey` says it went well also
/// when it did not.
pub(super) fn change(conn: &mut Connection, path: &Path, key: StoreKey) -> Result<Connection> {
    replace(conn, path, key)?;
    let fresh = Connection::open(path)?;
    unlock(&fresh, key)?;
    Ok(fresh)
}

/// Copies the database of a connection, encrypted with this key, and puts the copy in its file's place.
fn replace(conn: &Connection, path: &Path, key: StoreKey) -> Result<()> {
    let copy = beside(path, ENCRYPTING);
    for end in ["", "-wal", "-shm", "-journal"] {
        remove(&beside(&copy, end)).map_err(io_failed)?;
    }
    // Leaving the log behind takes the file for this connection alone, and keeps it.
    conn.busy_timeout(std::time::Duration::from_secs(1))?;
    conn.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
    let mode: String = conn.query_row("PRAGMA journal_mode = DELETE", [], |row| row.get(0))?;
    if mode != "delete" {
        return Err(failed(rusqlite::ffi::SQLITE_BUSY));
    }
    conn.execute_batch("BEGIN EXCLUSIVE; COMMIT")?;
    conn.execute(
        "ATTACH ?1 AS sealed KEY ?2",
        (copy.to_string_lossy(), key.raw()),
    )?;
    let exported = export(conn);
    conn.execute_batch("DETACH sealed")?;
    exported?;
    {
        let written = Connection::open(&copy)?;
        unlock(&written, key)?;
        let found: String = written.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
        if found != "ok" {
            return Err(failed(rusqlite::ffi::SQLITE_CORRUPT));
        }
    }
    let whole = File::open(&copy).and_then(|file| file.sync_all());
    whole.map_err(io_failed)?;
    // Renamed while the old file is still held: whoever waits for it finds the new one.
    rename(&copy, path).map_err(io_failed)
}

fn export(conn: &Connection) -> Result<()> {
    conn.query_row("SELECT sqlcipher_export('sealed')", [], |_| Ok(()))?;
    let version = schema::version(conn)?;
    Ok(conn.pragma_update(Some("sealed"), "user_version", version)?)
}

fn io_failed(_: std::io::Error) -> StoreError {
    failed(rusqlite::ffi::SQLITE_IOERR)
}

fn failed(code: std::ffi::c_int) -> StoreError {
    let error = rusqlite::ffi::Error::new(code);
    StoreError::Sqlite(rusqlite::Error::SqliteFailure(error, None))
}
