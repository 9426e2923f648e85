//! Backups: a folder with a consistent copy of the database, the ledger and a manifest, taken while
//! the relay serves; and the way back.
//!
//! The merged record is not in it, for it is made again from the database ([`crate::record`]). A copy
//! is marked as one, so whoever opens it begins new generations of all feeds, however it came to its
//! place; the devices then bring back what it lacks.

use std::path::{Path, PathBuf};

use crate::ledger::LedgerError;
use crate::relay::OpenError;

mod manifest;
mod restore;
pub mod sealed;
mod take;

pub use manifest::{File, Manifest, verify};
pub use restore::{Restored, restore};
pub(crate) use take::write_new;
pub use take::{copy, mark, take};

/// The manifest's name in a backup.
pub const MANIFEST: &str = "manifest.json";

/// Why a backup was not taken, or not put back. The words are for the person who asked for it.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// A file or folder failed.
    #[error("{path}: {why}")]
    Io {
        /// Which.
        path: PathBuf,
        /// What the operating system says.
        why: std::io::Error,
    },
    /// SQLite failed.
    #[error("the database failed: {0}")]
    Database(#[from] rusqlite::Error),
    /// There is no relay's data in the folder.
    #[error("there is no Sopu data in {0}")]
    NoData(PathBuf),
    /// Something is there already.
    #[error("{0} is there already; a backup never overwrites anything, name another folder")]
    Exists(PathBuf),
    /// Another backup is being sealed, or opened.
    #[error("another backup of this data folder is being made or put back; wait for it")]
    Busy,
    /// A line of the list of recipients is none.
    #[error("line {line} of {path} is not an age recipient (age1…)")]
    NotARecipient {
        /// The list.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
    },
    /// The file of keys holds something else.
    #[error("{0} does not hold an age key (AGE-SECRET-KEY-1…)")]
    NotAKey(PathBuf),
    /// The backup is sealed, and no key that fits was given.
    #[error("{0} is sealed; name the file with a key that opens it: --key FILE")]
    Locked(PathBuf),
    /// The folder is not a backup.
    #[error("{0} is not a backup: it has no readable {MANIFEST}")]
    NotABackup(PathBuf),
    /// A file of the backup is not what was written.
    #[error("the backup is damaged: {file}: {why}; use another backup")]
    Damaged {
        /// Which file.
        file: String,
        /// What is wrong.
        why: String,
    },
    /// The databases do not open with the key.
    #[error(transparent)]
    Key(#[from] crate::data::KeyError),
    /// The ledger cannot be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The two ledgers went different ways after some line.
    #[error(
        "the ledger in {data} and the one of the backup differ from line {line} on: they are of two \
         relays, or one of them was rolled back; put the right one in place before restoring"
    )]
    Diverged {
        /// The data folder.
        data: PathBuf,
        /// The first line that differs, from 1.
        line: usize,
    },
    /// The restored relay does not open.
    #[error(transparent)]
    Open(#[from] OpenError),
}

impl BackupError {
    fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self + use<'_> {
        |why| BackupError::Io {
            path: path.to_owned(),
            why,
        }
    }

    fn damaged(file: &str, why: impl ToString) -> Self {
        BackupError::Damaged {
            file: file.to_owned(),
            why: why.to_string(),
        }
    }
}

/// What a folder holds and the name of what was put into it are on disk when this returns.
fn sync_folder(folder: &Path) -> Result<(), BackupError> {
    let opened = std::fs::File::open(folder);
    opened
        .and_then(|folder| folder.sync_all())
        .map_err(BackupError::io(folder))
}
