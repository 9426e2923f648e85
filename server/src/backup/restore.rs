//! Putting a backup back.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sopu_core::time::Env;

use super::manifest::{Manifest, verify};
use super::sealed::Opened;
use super::take::write_new;
use super::{BackupError, sync_folder};
use crate::data::{Data, SET_ASIDE};
use crate::ledger;
use crate::relay::{self, DATABASE, LEDGER, RECORD, Relay};

/// What was done.
#[derive(Clone, Debug)]
pub struct Restored {
    /// The backup.
    pub manifest: Manifest,
    /// Lines of the ledger that was in the data folder and is newer than the backup's, if so.
    pub newer_ledger_lines: Option<usize>,
    /// Where the databases are that were there before, if there were any.
    pub set_aside: Option<PathBuf>,
}

/// Puts a backup into a data folder, a sealed one with the file that has its key: verifies it, takes the newer of the two ledgers, sets the
/// databases aside that are there, begins new generations of all feeds and makes the merged record
/// anew. Interrupted, it is to be done again; a relay does not start before that.
///
/// # Errors
/// See [`BackupError`]; [`relay::OpenError::InUse`] while a server has the folder. Up to the moment
/// when everything was found to be in order nothing is touched.
pub fn restore(
    backup: &Path,
    key: Option<&Path>,
    data: impl Into<Data>,
    env: Arc<dyn Env>,
) -> Result<Restored, BackupError> {
    let data = &data.into();
    let mut manifest = verify(data.beside(backup))?;
    let opened;
    let mut backup = backup;
    if manifest.is_sealed() {
        opened = Opened::open(backup, key, data)?;
        backup = opened.folder();
        manifest = verify(data.beside(backup))?;
    }
    let guard = relay::take(data)?;
    let ledger_path = data.join(LEDGER);
    let saved = fs::read(backup.join(LEDGER)).map_err(BackupError::io(backup))?;
    let newest = newest_ledger(data, &ledger_path, &saved)?;

    let marker = data.join(relay::RESTORING);
    if !marker.exists() {
        write_new(&marker, &[])?;
        sync_folder(data)?;
    }
    let set_aside = set_aside(data, &*env)?;
    let fresh = data.join(format!("{DATABASE}.restoring"));
    remove(&fresh)?;
    let bytes = fs::File::open(backup.join(DATABASE)).map_err(BackupError::io(backup))?;
    write_new(&fresh, &[])?;
    copy(bytes, &fresh)?;
    if newest.is_none() {
        let fresh = data.join(format!("{LEDGER}.restoring"));
        remove(&fresh)?;
        write_new(&fresh, &saved)?;
        fs::rename(&fresh, &ledger_path).map_err(BackupError::io(&ledger_path))?;
    }
    fs::rename(&fresh, data.join(DATABASE)).map_err(BackupError::io(data))?;
    sync_folder(data)?;
    remove(&marker)?;
    sync_folder(data)?;
    drop(guard);
    // Opening it is what begins the new generations; see `relay/restore.rs`.
    drop(Relay::rebuild(data, env)?);
    Ok(Restored {
        manifest,
        newer_ledger_lines: newest,
        set_aside,
    })
}

/// `Some` if the ledger in the data folder is the newest, with its number of lines; `None` if the
/// backup's is to be taken.
fn newest_ledger(data: &Path, path: &Path, saved: &[u8]) -> Result<Option<usize>, BackupError> {
    let mut here = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(BackupError::io(path)(error)),
    };
    // A torn last line never was.
    ledger::cut_to_whole_lines(&mut here);
    let lines = ledger::lines(&here)?;
    if here.starts_with(saved) {
        return Ok(Some(lines.len()));
    }
    if saved.starts_with(&here) {
        return Ok(None);
    }
    let same = |(a, b): &(&[u8], &[u8])| a == b;
    let (mine, theirs) = (here.split(|b| *b == b'\n'), saved.split(|b| *b == b'\n'));
    Err(BackupError::Diverged {
        data: data.to_owned(),
        line: mine.zip(theirs).take_while(same).count() + 1,
    })
}

/// Moves the databases away that are there; nothing is deleted that people might want back.
fn set_aside(data: &Path, env: &dyn Env) -> Result<Option<PathBuf>, BackupError> {
    let mut aside = None;
    for name in [DATABASE, RECORD] {
        for end in ["", "-wal", "-shm"] {
            let path = data.join(format!("{name}{end}"));
            if !path.exists() {
                continue;
            }
            let folder = match &aside {
                Some(folder) => folder,
                None => {
                    let folder = data.join(format!("{SET_ASIDE}{}", env.now_ms()));
                    crate::config::make_data_folder(&folder).map_err(BackupError::io(&folder))?;
                    aside.insert(folder)
                }
            };
            let to = folder.join(format!("{name}{end}"));
            fs::rename(&path, to).map_err(BackupError::io(&path))?;
        }
    }
    Ok(aside)
}

fn copy(mut from: fs::File, to: &Path) -> Result<(), BackupError> {
    let opened = fs::OpenOptions::new().write(true).open(to);
    let copied = opened.and_then(|mut file| {
        std::io::copy(&mut from, &mut file)?;
        file.sync_all()
    });
    copied.map_err(BackupError::io(to))
}

fn remove(path: &Path) -> Result<(), BackupError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(BackupError::io(path)(error))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}
