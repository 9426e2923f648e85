//! Taking a backup beside a serving relay.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};
use sopu_core::time::Env;

use super::manifest::{Manifest, PLAIN, verify};
use super::{BackupError, MANIFEST, sync_folder};
use crate::config::make_data_folder;
use crate::data::{Data, unlock};
use crate::ledger;
use crate::relay::{DATABASE, LEDGER, restore::COPY};

/// Pages copied between two words of progress.
const PAGES: i32 = 2_048;

/// Takes a backup of a data folder into a folder that does not exist yet, and reads it through. The
/// relay may serve meanwhile. Of databases that are encrypted it is as they are. `progress` hears how many of how many pages are copied. Until all is
/// done the backup has another name, and nothing is left of it if this fails.
///
/// # Errors
/// See [`BackupError`].
pub fn take(
    data: impl Into<Data>,
    target: &Path,
    env: &dyn Env,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Manifest, BackupError> {
    let data = &data.into().as_found();
    if !data.join(DATABASE).exists() {
        return Err(BackupError::NoData(data.to_path_buf()));
    }
    if target.symlink_metadata().is_ok() {
        return Err(BackupError::Exists(target.to_owned()));
    }
    let unfinished = Unfinished::beside(target, env)?;
    let folder = unfinished.folder();
    copy_database(data, folder, progress)?;
    // The ledger after the database: it must know all that the database has told it.
    let ledger_lines = copy_ledger(data, folder)?;
    let manifest = Manifest::of(
        folder,
        PLAIN,
        &[DATABASE, LEDGER],
        env.now_ms(),
        ledger_lines,
    )?;
    write_new(&folder.join(MANIFEST), &manifest.text()?)?;
    sync_folder(folder)?;
    verify(data.beside(folder))?;
    unfinished.name(target)?;
    Ok(manifest)
}

/// Marks a database as a copy: whoever opens it begins new generations.
///
/// # Errors
/// SQLite's own.
pub fn mark(copy: &Connection) -> rusqlite::Result<()> {
    let sql = "INSERT OR REPLACE INTO meta(key, value) VALUES (?, x'01')";
    copy.execute(sql, [COPY])?;
    Ok(())
}

/// A folder that goes away unless it gets its name.
pub(super) struct Unfinished(PathBuf);

impl Unfinished {
    pub(super) fn beside(target: &Path, env: &dyn Env) -> Result<Self, BackupError> {
        let mut random = [0; 4];
        env.fill(&mut random);
        let mut name = target.file_name().unwrap_or_default().to_owned();
        name.push(format!(
            ".{}.unfinished",
            data_encoding::HEXLOWER.encode(&random)
        ));
        let folder = target.with_file_name(name);
        make_data_folder(&folder).map_err(BackupError::io(&folder))?;
        Ok(Self(folder))
    }

    pub(super) fn folder(&self) -> &Path {
        &self.0
    }

    pub(super) fn name(mut self, target: &Path) -> Result<(), BackupError> {
        // A folder is never renamed over one with something in it; an empty one was not ours either.
        if target.symlink_metadata().is_ok() {
            return Err(BackupError::Exists(target.to_owned()));
        }
        fs::rename(&self.0, target).map_err(BackupError::io(target))?;
        self.0.clear();
        match target.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => sync_folder(parent),
            Some(_) | None => sync_folder(Path::new(".")),
        }
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if !self.0.as_os_str().is_empty() {
            let _ = fs::remove_dir_all(&self.0);
        }
    }
}

fn copy_database(
    data: &Data,
    folder: &Path,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<(), BackupError> {
    data.fits()?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let source = Connection::open_with_flags(data.database(), flags)?;
    unlock(&source, data.key())?;
    source.busy_timeout(std::time::Duration::from_secs(20))?;
    let path = folder.join(DATABASE);
    write_new(&path, &[])?;
    let target = Connection::open(&path)?;
    unlock(&target, data.key())?;
    copy(&source, target, progress)?;
    let file = fs::File::open(&path).map_err(BackupError::io(&path))?;
    file.sync_all().map_err(BackupError::io(&path))
}

/// Copies one state of a database into an empty one while others read and write it, and
/// [marks](mark) the copy, which is one file without a log beside it when this returns. `progress`
/// as in [`take`].
///
/// # Errors
/// SQLite's own.
pub fn copy(
    source: &Connection,
    mut copy: Connection,
    progress: &mut dyn FnMut(u64, u64),
) -> rusqlite::Result<()> {
    // One state of the database for all of the copy; writers go on in the log meanwhile.
    source.execute_batch("BEGIN; SELECT count(*) FROM sqlite_schema;")?;
    {
        let backup = Backup::new(source, &mut copy)?;
        loop {
            let step = backup.step(PAGES)?;
            let at = backup.progress();
            let count = |pages: i32| u64::try_from(pages).unwrap_or(0);
            progress(count(at.pagecount - at.remaining), count(at.pagecount));
            match step {
                StepResult::Done => break,
                StepResult::More => {}
                StepResult::Busy | StepResult::Locked | _ => {
                    std::thread::sleep(std::time::Duration::from_millis(50));
                }
            }
        }
    }
    source.execute_batch("ROLLBACK")?;
    copy.pragma_update_and_check(None, "journal_mode", "DELETE", |_| Ok(()))?;
    copy.pragma_update(None, "synchronous", "FULL")?;
    mark(&copy)?;
    copy.close().map_err(|(_, error)| error)
}

/// The whole lines there are by now; gives how many.
fn copy_ledger(data: &Path, folder: &Path) -> Result<usize, BackupError> {
    let path = data.join(LEDGER);
    let mut bytes = fs::read(&path).map_err(BackupError::io(&path))?;
    // A line may be half written at this moment.
    ledger::cut_to_whole_lines(&mut bytes);
    let lines = ledger::lines(&bytes)?.len();
    write_new(&folder.join(LEDGER), &bytes)?;
    Ok(lines)
}

/// A new file for its owner alone, on disk when this returns.
pub(crate) fn write_new(path: &Path, bytes: &[u8]) -> Result<(), BackupError> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(path).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    written.map_err(BackupError::io(path))
}
