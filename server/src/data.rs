//! A data folder, and the key of its databases where they are encrypted.
//!
//! The key is 32 random bytes in a file of its own, which stands anywhere but in the data folder and in
//! backups: whoever has the disk or a backup without it reads no word of the record. The ledger beside
//! the databases is not encrypted; it holds names of people, ids and the relay's keys, and no content.

use std::fmt;
use std::ops::Deref;
use std::path::{Path, PathBuf};

use data_encoding::BASE64URL_NOPAD;
use rusqlite::{Connection, OpenFlags};
use sopu_core::store::{self, StoreKey};
use sopu_core::time::Env;

use crate::relay::{DATABASE, RECORD};

/// A data folder. Made from a path, its databases are plain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Data {
    folder: PathBuf,
    key: Option<StoreKey>,
}

/// Why a key is not to be had, or is another.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file failed.
    #[error("cannot read the database key {0}: {1}")]
    Unreadable(PathBuf, std::io::Error),
    /// It holds something else.
    #[error("{0} does not hold a database key; `sopu database-key FILE` makes one")]
    NotAKey(PathBuf),
    /// The databases are not encrypted with it.
    #[error(
        "the databases in {0} do not open with this key, or without one: name theirs with \
         --database-key FILE (plain ones are encrypted when a server starts with a key)"
    )]
    DoesNotFit(PathBuf),
}

impl Data {
    /// A folder whose databases are encrypted with this key, or plain.
    pub fn new(folder: impl Into<PathBuf>, key: Option<StoreKey>) -> Self {
        Self {
            folder: folder.into(),
            key,
        }
    }

    /// Another folder whose databases have the same key: a backup, the place where one is opened.
    pub fn beside(&self, folder: impl Into<PathBuf>) -> Self {
        Self::new(folder, self.key)
    }

    /// The key of its databases, if they are encrypted.
    pub fn key(&self) -> Option<StoreKey> {
        self.key
    }

    /// Where what devices sent is.
    pub fn database(&self) -> PathBuf {
        self.folder.join(DATABASE)
    }

    /// Where the merged record is.
    pub fn record(&self) -> PathBuf {
        self.folder.join(RECORD)
    }

    /// Whether the database opens with the key, or plain without one; a folder without a database fits.
    /// For a process that does not have it open otherwise: looking takes that one's locks away.
    ///
    /// # Errors
    /// [`KeyError::DoesNotFit`].
    pub fn fits(&self) -> Result<(), KeyError> {
        let path = self.database();
        let opens = match self.key {
            None => store::is_plain(&path),
            Some(_) if !path.exists() => true,
            Some(_) => {
                let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
                let opened = Connection::open_with_flags(&path, flags);
                opened.is_ok_and(|database| unlock(&database, self.key).is_ok())
            }
        };
        match opens {
            true => Ok(()),
            false => Err(KeyError::DoesNotFit(self.folder.clone())),
        }
    }

    /// As it is found: with a key, but a database that is still plain, it is read as plain.
    #[must_use]
    pub fn as_found(self) -> Self {
        let path = self.database();
        let key = self
            .key
            .filter(|_| !path.exists() || !store::is_plain(&path));
        Self { key, ..self }
    }

    /// Encrypts the databases that are still plain, if there is a key. Nobody may have them open, and the
    /// log of the first has to be whole. Broken off, it is done again. The merged record is made anew from
    /// the database, so one that cannot be read, or with another key, is taken away.
    ///
    /// # Errors
    /// [`store::StoreError::WrongKey`] for a database that does not open with the key, or without one;
    /// SQLite's own, `DatabaseBusy` while somebody has one open.
    pub fn prepare(&self) -> store::Result<()> {
        if let Some(key) = self.key {
            store::encrypt(&self.database(), key)?;
            self.encrypt_set_aside(key);
        }
        // Before anything else is touched.
        self.fits().map_err(|_| store::StoreError::WrongKey)?;
        let record = self.record();
        let Some(key) = self.key else {
            return match store::is_plain(&record) {
                true => Ok(()),
                false => self.remove_record(),
            };
        };
        if !store::is_plain(&record) || !record.exists() {
            return Ok(());
        }
        if store::lost_commits(&record) {
            return self.remove_record();
        }
        match store::encrypt(&record, key) {
            Err(error) if error.is_damage() => self.remove_record(),
            done => done,
        }
    }

    /// What restores have set aside: a folder of each, with the databases that were there before.
    pub fn set_aside(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(&self.folder).into_iter().flatten();
        let folders = entries.flatten().map(|entry| entry.path());
        let mut aside: Vec<PathBuf> = folders
            .filter(|path| {
                let name = path.file_name().map(|name| name.to_string_lossy());
                name.is_some_and(|name| name.starts_with(SET_ASIDE)) && path.is_dir()
            })
            .collect();
        aside.sort();
        aside
    }

    /// Encrypts what restores have set aside, as far as it can be read: it was set aside because it was
    /// damaged, perhaps. What stays plain is told, and keeps nobody from starting.
    fn encrypt_set_aside(&self, key: StoreKey) {
        for folder in self.set_aside() {
            for path in [DATABASE, RECORD].map(|name| folder.join(name)) {
                let whole = !store::lost_commits(&path);
                if whole && let Err(error) = store::encrypt(&path, key) {
                    tracing::warn!(%error, "a database that a restore set aside cannot be encrypted");
                }
            }
            if is_readable(&folder) {
                tracing::warn!(
                    "databases that a restore set aside stay plain: `sopu check` names the folder, delete \
                     it if nothing of it is needed"
                );
            }
        }
    }

    /// Takes the merged record away, to be made anew.
    ///
    /// # Errors
    /// The operating system's, as SQLite's.
    pub fn remove_record(&self) -> store::Result<()> {
        for end in ["", "-wal", "-shm"] {
            match std::fs::remove_file(self.folder.join(format!("{RECORD}{end}"))) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_IOERR_DELETE);
                    let told = Some(error.to_string());
                    return Err(rusqlite::Error::SqliteFailure(code, told).into());
                }
                Ok(()) | Err(_) => {}
            }
        }
        Ok(())
    }
}

/// How the folders begin that [`Data::set_aside`] gives; when they were made follows.
pub const SET_ASIDE: &str = "before-restore-";

/// Whether a folder has a database in it, or what is left of one, that anybody can read.
pub fn is_readable(folder: &Path) -> bool {
    let plain = |name: &str| {
        let path = folder.join(name);
        path.exists() && store::is_plain(&path)
    };
    // A log of a plain database is as readable as that.
    [DATABASE, RECORD].into_iter().any(plain)
}

/// Gives a fresh connection the key, if there is one.
///
/// # Errors
/// SQLite's own; `NotADatabase` if the key does not fit.
pub fn unlock(connection: &Connection, key: Option<StoreKey>) -> rusqlite::Result<()> {
    let Some(key) = key else { return Ok(()) };
    store::unlock(connection, key).map_err(|error| {
        if let store::StoreError::Sqlite(error) = error {
            return error;
        }
        let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_NOTADB);
        rusqlite::Error::SqliteFailure(code, Some(error.to_string()))
    })
}

/// A new key, as the text of its file.
pub fn new_key(env: &dyn Env) -> String {
    let mut bytes = [0; 32];
    env.fill(&mut bytes);
    format!(
        "# opens the databases of Sopu; without it nobody reads them, nor a backup of them\n{}\n",
        BASE64URL_NOPAD.encode(&bytes)
    )
}

/// The key in a file.
///
/// # Errors
/// See [`KeyError`].
pub fn read_key(file: &Path) -> Result<StoreKey, KeyError> {
    let text =
        std::fs::read_to_string(file).map_err(|why| KeyError::Unreadable(file.to_owned(), why))?;
    let mut lines = text.lines().map(str::trim);
    let line = lines.find(|line| !line.is_empty() && !line.starts_with('#'));
    let bytes = line.and_then(|line| BASE64URL_NOPAD.decode(line.as_bytes()).ok());
    let bytes: Option<[u8; 32]> = bytes.and_then(|bytes| bytes.try_into().ok());
    bytes
        .map(StoreKey::new)
        .ok_or_else(|| KeyError::NotAKey(file.to_owned()))
}

impl Deref for Data {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.folder
    }
}

impl fmt::Display for Data {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.folder.display().fmt(f)
    }
}

impl From<PathBuf> for Data {
    fn from(folder: PathBuf) -> Self {
        Self::new(folder, None)
    }
}

impl<P: AsRef<Path> + ?Sized> From<&P> for Data {
    fn from(folder: &P) -> Self {
        Self::new(folder.as_ref(), None)
    }
}

impl From<&Data> for Data {
    fn from(data: &Data) -> Self {
        data.clone()
    }
}
