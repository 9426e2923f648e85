//! Files beside a store's, which have its name and an ending.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

/// What is left of a damaged store after a salvage; the second is `.damaged2`.
pub(crate) const DAMAGED: &str = ".damaged";

/// The encrypted copy of a plain store, while it is made.
pub(crate) const ENCRYPTING: &str = ".encrypting";

/// The file of that ending.
pub(crate) fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    PathBuf::from(name)
}

/// Takes a file away, if it is there.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Gives a file another's place; durable when this returns, where a folder can be made so.
pub(crate) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)?;
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty());
    // Only some systems let a folder be synced; on the others names are durable with their file.
    if let Ok(folder) = File::open(folder.unwrap_or(Path::new("."))) {
        let _ = folder.sync_all();
    }
    Ok(())
}

/// Takes away what salvages have kept of a store, or left half done: what was deleted from it may be there
/// still.
pub(crate) fn remove_damaged(conn: &Connection) -> io::Result<()> {
    match conn.path().filter(|path| !path.is_empty()) {
        Some(path) => remove_beside(Path::new(path), is_of_a_salvage),
        None => Ok(()),
    }
}

/// Whether a salvage has kept anything of a store.
pub(crate) fn has_damaged(conn: &Connection) -> io::Result<bool> {
    match conn.path().filter(|path| !path.is_empty()) {
        Some(path) => Ok(!all_beside(Path::new(path), is_of_a_salvage)?.is_empty()),
        None => Ok(false),
    }
}

/// Takes away a store that nobody has open, with all that ever stood beside it.
pub(crate) fn remove_store(path: &Path) -> io::Result<()> {
    remove_beside(path, |end| is_of_a_salvage(end) || is_of_a_store(end))
}

/// Takes away the files in the folder whose names are this file's with such an ending.
fn remove_beside(path: &Path, which: impl Fn(&str) -> bool) -> io::Result<()> {
    all_beside(path, which)?
        .iter()
        .try_for_each(|path| remove(path))
}

/// The files in the folder whose names are this file's with such an ending.
fn all_beside(path: &Path, which: impl Fn(&str) -> bool) -> io::Result<Vec<PathBuf>> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Ok(Vec::new());
    };
    let here = folder.as_os_str().is_empty();
    let name = name.to_string_lossy();
    let entries = match fs::read_dir(if here { Path::new(".") } else { folder }) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut found = Vec::new();
    for entry in entries.flatten() {
        let file = entry.file_name();
        let file = file.to_string_lossy();
        if file.strip_prefix(&*name).is_some_and(&which) && entry.path().is_file() {
            found.push(entry.path());
        }
    }
    Ok(found)
}

/// The file itself, what SQLite keeps beside it, and the copy that it is encrypted into.
fn is_of_a_store(end: &str) -> bool {
    let end = end.strip_prefix(ENCRYPTING).unwrap_or(end);
    ["", "-wal", "-shm", "-journal"].contains(&end)
}

/// `.damaged`, `.damaged2` …, and the copies it works on, each with what SQLite keeps beside it. Nothing else
/// that somebody may have put there.
fn is_of_a_salvage(end: &str) -> bool {
    let end = end.strip_suffix("-wal").unwrap_or(end);
    let end = end.strip_suffix("-shm").unwrap_or(end);
    let number = end.strip_prefix(DAMAGED);
    number.is_some_and(|number| number.bytes().all(|b| b.is_ascii_digit()))
        || [".look", ".mending", ".mended"].contains(&end)
}
