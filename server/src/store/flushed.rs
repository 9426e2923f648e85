//! What of `relay.db` was flushed, in a small file beside it that is never flushed itself: after a
//! loss of power it may be older than the truth, never newer.

use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use sopu_core::store::Flushed;

/// Keeps the file.
pub struct Witness {
    database: PathBuf,
    file: Option<File>,
    last: Option<Flushed>,
}

impl Witness {
    /// Beside this database.
    pub fn new(database: &Path) -> Self {
        Self {
            database: database.to_owned(),
            file: None,
            last: None,
        }
    }

    /// A commit was just flushed. A witness that cannot be kept says less, and hinders nothing.
    pub fn flushed(&mut self) {
        let Some(now) = Flushed::find(&self.database, self.last) else {
            return;
        };
        if self.file.is_none() {
            let mut options = OpenOptions::new();
            options.write(true).create(true).truncate(false);
            self.file = options.open(beside(&self.database)).ok();
        }
        let Some(file) = &mut self.file else { return };
        let written = file
            .seek(SeekFrom::Start(0))
            .and_then(|_| file.write_all(&now.to_bytes()));
        self.last = written.is_ok().then_some(now);
    }
}

/// Whether something that was flushed can no longer be read from the log beside a database.
pub fn lost_commits(database: &Path) -> bool {
    let Ok(bytes) = std::fs::read(beside(database)) else {
        return false;
    };
    Flushed::from_bytes(&bytes).is_some_and(|flushed| flushed.is_lost(database))
}

fn beside(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push("-flushed");
    PathBuf::from(name)
}
