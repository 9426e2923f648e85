//! A store whose file says nothing to whoever has no key, in a build against SQLCipher (feature
//! `sqlcipher`).
//!
//! Every page is encrypted and authenticated on its own, in the database, its log and SQLite's own
//! temporary files (<https://www.zetetic.net/sqlcipher/design/>). The key is 32 random bytes that the
//! app keeps in the platform's keystore, so there is no password to stretch.

use std::fmt;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, ErrorCode};

use super::{Result, Store, StoreError, schema};

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
pub(super) fn unlock(conn: &Connection, key: StoreKey) -> Result<()> {
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

/// Encrypts the whole file anew. All of it happens or nothing: until this returns, the app keeps both
/// keys, and tries the other one if the first is [wrong](StoreError::WrongKey).
pub(super) fn change(conn: &Connection, key: StoreKey) -> Result<()> {
    conn.pragma_update(None, "rekey", key.raw())?;
    Ok(())
}

/// Whether the file is a database anybody can read.
pub(super) fn is_plain(path: &Path) -> bool {
    let mut start = [0; 16];
    File::open(path).is_ok_and(|mut file| file.read_exact(&mut start).is_ok())
        && start == *b"SQLite format 3\0"
}

/// Puts an encrypted copy in a plain store's place, so that the store of an app that begins to encrypt
/// goes on. Broken off anywhere it is done again, or finished, when the store is opened next. One
/// process at a time. What the plain file leaves on a flash memory is out of reach.
pub(super) fn encrypt(path: &Path, key: StoreKey) -> Result<()> {
    let (fresh, done) = (beside(path, ".encrypting"), beside(path, ".encrypted"));
    if done.exists() {
        return finish(path, &done);
    }
    if !is_plain(path) {
        return Ok(());
    }
    for end in ["", "-wal", "-shm", "-journal"] {
        remove(&beside(&fresh, end))?;
    }
    {
        let store = Store::open(path)?;
        let conn = store.conn();
        let name = fresh.to_string_lossy();
        conn.execute("ATTACH ?1 AS sealed KEY ?2", (&*name, key.raw()))?;
        conn.query_row("SELECT sqlcipher_export('sealed')", [], |_| Ok(()))?;
        let version = schema::version(conn)?;
        conn.pragma_update(Some("sealed"), "user_version", version)?;
        conn.execute_batch("DETACH sealed")?;
    }
    rename(&fresh, &done)?;
    finish(path, &done)
}

fn finish(path: &Path, done: &Path) -> Result<()> {
    // The log goes first: beside the new file it would be taken for that one's. It is empty by now,
    // or its content is in the copy.
    for end in ["-wal", "-shm"] {
        remove(&beside(path, end))?;
    }
    rename(done, path)
}

fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    PathBuf::from(name)
}

fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(failed()),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn rename(from: &Path, to: &Path) -> Result<()> {
    fs::rename(from, to).map_err(|_| failed())?;
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty());
    // Only some systems let a folder be synced; on the others names are durable with their file.
    if let Ok(folder) = File::open(folder.unwrap_or(Path::new("."))) {
        let _ = folder.sync_all();
    }
    Ok(())
}

fn failed() -> StoreError {
    StoreError::Sqlite(rusqlite::Error::SqliteFailure(
        rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_IOERR),
        None,
    ))
}
