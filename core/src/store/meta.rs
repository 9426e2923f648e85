//! Small facts about this store, by key: who it is, what the relay told it. What each key means
//! is for its writer to say.

use rusqlite::{Connection, OptionalExtension, params};

use super::Tx;
use super::error::{Result, StoreError};

/// The bytes under a key.
///
/// # Errors
/// SQLite's own.
pub fn get(conn: &Connection, key: &str) -> Result<Option<Vec<u8>>> {
    let mut statement = conn.prepare_cached("SELECT value FROM meta WHERE key = ?1")?;
    Ok(statement.query_row([key], |row| row.get(0)).optional()?)
}

/// Every key that begins so, in order, with its bytes.
///
/// # Errors
/// SQLite's own.
pub fn all_under(conn: &Connection, prefix: &str) -> Result<Vec<(String, Vec<u8>)>> {
    let mut statement = conn.prepare_cached(
        "SELECT key, value FROM meta WHERE substr(key, 1, length(?1)) = ?1 ORDER BY key",
    )?;
    let rows = statement.query_map([prefix], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Sets the bytes under a key.
///
/// # Errors
/// SQLite's own.
pub fn set(tx: &Tx<'_>, key: &str, value: &[u8]) -> Result<()> {
    tx.prepare_cached("INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)")?
        .execute(params![key, value])?;
    Ok(())
}

/// Takes a key away.
///
/// # Errors
/// SQLite's own.
pub fn remove(tx: &Tx<'_>, key: &str) -> Result<()> {
    tx.prepare_cached("DELETE FROM meta WHERE key = ?1")?
        .execute([key])?;
    Ok(())
}

/// The text under a key.
///
/// # Errors
/// [`StoreError::Row`] if it is not text; SQLite's own.
pub fn text(conn: &Connection, key: &str) -> Result<Option<String>> {
    get(conn, key)?
        .map(|v| String::from_utf8(v).map_err(|_| StoreError::Row("meta")))
        .transpose()
}

/// Sets the text under a key.
///
/// # Errors
/// SQLite's own.
pub fn set_text(tx: &Tx<'_>, key: &str, value: &str) -> Result<()> {
    set(tx, key, value.as_bytes())
}

/// All numbers whose key begins like this, by key.
///
/// # Errors
/// [`StoreError::Row`] if one is not eight bytes; SQLite's own.
pub fn numbers(conn: &Connection, prefix: &str) -> Result<Vec<(String, i64)>> {
    let mut statement = conn.prepare_cached(
        "SELECT key FROM meta WHERE substr(key, 1, length(?1)) = ?1 ORDER BY key",
    )?;
    let keys: Vec<String> = statement
        .query_map([prefix], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let mut all = Vec::with_capacity(keys.len());
    for key in keys {
        if let Some(value) = number(conn, &key)? {
            all.push((key, value));
        }
    }
    Ok(all)
}

/// The number under a key.
///
/// # Errors
/// [`StoreError::Row`] if it is not eight bytes; SQLite's own.
pub fn number(conn: &Connection, key: &str) -> Result<Option<i64>> {
    get(conn, key)?
        .map(|v| {
            v.try_into()
                .map(i64::from_be_bytes)
                .map_err(|_| StoreError::Row("meta"))
        })
        .transpose()
}

/// Sets the number under a key.
///
/// # Errors
/// SQLite's own.
pub fn set_number(tx: &Tx<'_>, key: &str, value: i64) -> Result<()> {
    set(tx, key, &value.to_be_bytes())
}
