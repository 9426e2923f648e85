//! Backups that only the holder of a key can read, in the form of age (age-encryption.org/v1): other
//! tools for it open them too.
//!
//! A sealed backup is a plain one of which every file is sealed, the manifest included, with a second
//! manifest around it that says what is there, so that a damaged file is found without the key. The
//! plain one exists for the time of the sealing, in the data folder, which holds the same anyway.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use age::secrecy::ExposeSecret;
use age::x25519;
use sopu_core::time::Env;

use super::manifest::{Manifest, SEALED, whole};
use super::take::{Unfinished, take, write_new};
use super::{BackupError, MANIFEST, sync_folder};
use crate::config::make_data_folder;
use crate::data::Data;
use crate::relay::{DATABASE, LEDGER};

/// The file in the data folder that says for whom backups are sealed: an age recipient a line,
/// remarks after `#`.
pub const RECIPIENTS: &str = "backup-recipients";

/// Where the plain files are meanwhile.
const BENCH: &str = "sealing";
/// What whoever works there holds locked.
const BENCH_LOCK: &str = "sealing.lock";

/// Those who can open a backup.
pub struct Recipients(Vec<x25519::Recipient>);

impl Recipients {
    /// Those the data folder names; `None` if it names none.
    ///
    /// # Errors
    /// [`BackupError::NotARecipient`], the operating system's.
    pub fn of(data: &Path) -> Result<Option<Self>, BackupError> {
        let path = data.join(RECIPIENTS);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(BackupError::io(&path)(error)),
        };
        let lines = text.lines().enumerate();
        let named = lines.filter_map(|(at, line)| {
            let line = line.split('#').next().unwrap_or_default().trim();
            (!line.is_empty()).then_some((at + 1, line))
        });
        let one = |(line, text): (usize, &str)| {
            let path = path.clone();
            let wrong = |_| BackupError::NotARecipient { path, line };
            text.parse().map_err(wrong)
        };
        let all: Vec<_> = named.map(one).collect::<Result<_, _>>()?;
        Ok(Some(Self(all)).filter(|all| !all.0.is_empty()))
    }
}

/// Makes a key for backups: writes it to a new file for its owner alone, and adds its recipient to
/// those the data folder names, which it gives.
///
/// # Errors
/// [`BackupError::Exists`] for a file that is there, [`BackupError::NoData`].
pub fn make_key(data: &Path, file: &Path) -> Result<String, BackupError> {
    if !data.join(DATABASE).exists() {
        return Err(BackupError::NoData(data.to_owned()));
    }
    if file.symlink_metadata().is_ok() {
        return Err(BackupError::Exists(file.to_owned()));
    }
    let key = x25519::Identity::generate();
    let recipient = key.to_public().to_string();
    let text = format!(
        "# opens backups of Sopu; keep it where the backups are not\n# public key: {recipient}\n{}\n",
        key.to_string().expose_secret()
    );
    write_new(file, text.as_bytes())?;
    let path = data.join(RECIPIENTS);
    let mut options = fs::OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let added = options.open(&path).and_then(|mut list| {
        writeln!(list, "{recipient}")?;
        list.sync_all()
    });
    added.map_err(BackupError::io(&path))?;
    sync_folder(data)?;
    Ok(recipient)
}

/// As [`take`], but only these can read the backup. The manifest is that of the files as they are
/// inside.
///
/// # Errors
/// See [`BackupError`]; [`BackupError::Busy`] while another backup is being sealed.
pub fn take_sealed(
    data: impl Into<Data>,
    target: &Path,
    recipients: &Recipients,
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
    let bench = Bench::clear(data)?.ok_or(BackupError::Busy)?;
    let inside = take(data, &bench.folder, env, progress)?;
    let unfinished = Unfinished::beside(target, env)?;
    let folder = unfinished.folder();
    for name in [DATABASE, LEDGER, MANIFEST] {
        seal(
            &bench.folder.join(name),
            &folder.join(sealed(name)),
            recipients,
        )?;
    }
    let names = [DATABASE, LEDGER, MANIFEST].map(sealed);
    let names = names.each_ref().map(String::as_str);
    let around = Manifest::of(folder, SEALED, &names, inside.taken_ms, inside.ledger_lines)?;
    write_new(&folder.join(MANIFEST), &around.text()?)?;
    sync_folder(folder)?;
    whole(folder)?;
    unfinished.name(target)?;
    Ok(inside)
}

/// The plain backup inside a sealed one, for as long as this lives.
pub struct Opened {
    bench: Bench,
}

impl Opened {
    /// Opens a sealed backup with the keys in a file (`AGE-SECRET-KEY-1…`, a line each), at the
    /// place in the data folder where backups are sealed.
    ///
    /// # Errors
    /// [`BackupError::Locked`] without a key that fits, [`BackupError::Damaged`].
    pub fn open(backup: &Path, key: Option<&Path>, data: &Path) -> Result<Self, BackupError> {
        let locked = || BackupError::Locked(backup.to_owned());
        let key = key.ok_or_else(locked)?;
        let text = fs::read_to_string(key).map_err(BackupError::io(key))?;
        let lines = text.lines().map(str::trim);
        let keys = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
        let keys: Vec<x25519::Identity> = keys
            .map(|line| {
                line.parse()
                    .map_err(|_| BackupError::NotAKey(key.to_owned()))
            })
            .collect::<Result<_, _>>()?;
        make_data_folder(data).map_err(BackupError::io(data))?;
        let bench = Bench::clear(data)?.ok_or(BackupError::Busy)?;
        make_data_folder(&bench.folder).map_err(BackupError::io(&bench.folder))?;
        for name in [DATABASE, LEDGER, MANIFEST] {
            let from = backup.join(sealed(name));
            let file = fs::File::open(&from).map_err(BackupError::io(&from))?;
            let damaged = |why: age::DecryptError| {
                if matches!(why, age::DecryptError::NoMatchingKeys) {
                    return locked();
                }
                BackupError::damaged(&sealed(name), why)
            };
            let opened = age::Decryptor::new_buffered(io::BufReader::new(file)).map_err(damaged)?;
            let keys = keys.iter().map(|key| key as &dyn age::Identity);
            let mut plain = opened.decrypt(keys).map_err(damaged)?;
            let to = bench.folder.join(name);
            write_new(&to, &[])?;
            let file = fs::OpenOptions::new().write(true).open(&to);
            let copied = file.and_then(|mut file| {
                io::copy(&mut plain, &mut file)?;
                file.sync_all()
            });
            copied.map_err(BackupError::io(&to))?;
        }
        Ok(Self { bench })
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.bench.folder
    }
}

/// Takes away what a sealing that was broken off left in the data folder; nothing while one goes on.
///
/// # Errors
/// The operating system's.
pub fn tidy(data: &Path) -> Result<(), BackupError> {
    if data.join(BENCH).exists() {
        Bench::clear(data)?;
    }
    Ok(())
}

/// The place where plain files are for a while. It is empty when this begins, and when it ends.
struct Bench {
    folder: PathBuf,
    _lock: fs::File,
}

impl Bench {
    /// `None` while another has it.
    fn clear(data: &Path) -> Result<Option<Self>, BackupError> {
        let path = data.join(BENCH_LOCK);
        let mut options = fs::OpenOptions::new();
        options.write(true).create(true).truncate(false);
        let lock = options.open(&path).map_err(BackupError::io(&path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => return Ok(None),
            Err(fs::TryLockError::Error(error)) => return Err(BackupError::io(&path)(error)),
        }
        // Also what `take` calls a folder that is not done yet.
        for entry in fs::read_dir(data).map_err(BackupError::io(data))?.flatten() {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if name == BENCH || name.starts_with("sealing.") && name.ends_with(".unfinished") {
                fs::remove_dir_all(entry.path()).map_err(BackupError::io(data))?;
            }
        }
        let folder = data.join(BENCH);
        Ok(Some(Self {
            folder,
            _lock: lock,
        }))
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn sealed(name: &str) -> String {
    format!("{name}.age")
}

fn seal(from: &Path, to: &Path, recipients: &Recipients) -> Result<(), BackupError> {
    let all = recipients.0.iter().map(|one| one as &dyn age::Recipient);
    let encryptor = age::Encryptor::with_recipients(all);
    let encryptor = encryptor.map_err(|why| BackupError::damaged(RECIPIENTS, why))?;
    write_new(to, &[])?;
    let mut plain = fs::File::open(from).map_err(BackupError::io(from))?;
    let written = fs::OpenOptions::new()
        .write(true)
        .open(to)
        .and_then(|file| {
            let mut writer = encryptor.wrap_output(file)?;
            io::copy(&mut plain, &mut writer)?;
            writer.finish()?.sync_all()
        });
    written.map_err(BackupError::io(to))
}
