//! What a backup says of itself, and whether it is true.

use std::io::Read;
use std::path::Path;

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{BackupError, MANIFEST};
use crate::data::Data;
use crate::ledger;
use crate::relay::{DATABASE, LEDGER};
use crate::store::schema;

/// The form of a plain backup.
pub(super) const PLAIN: u32 = 1;
/// The form of a [sealed](super::sealed) one.
pub(super) const SEALED: u32 = 2;

/// What a backup says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The form of the backup.
    pub format: u32,
    /// When it was taken, milliseconds since 1970 UTC by the relay's clock.
    pub taken_ms: i64,
    /// Which version of the program took it.
    pub program: String,
    /// How many lines its ledger has.
    pub ledger_lines: usize,
    /// What is in it.
    pub files: Vec<File>,
    /// SHA-256 of all the above, hex.
    pub sum: String,
}

/// One file of a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    /// Its name.
    pub name: String,
    /// Its size in bytes.
    pub size_bytes: u64,
    /// Its SHA-256, hex.
    pub sha256: String,
}

impl Manifest {
    /// Of the files as they are in this folder.
    pub(super) fn of(
        folder: &Path,
        format: u32,
        names: &[&str],
        taken_ms: i64,
        ledger_lines: usize,
    ) -> Result<Self, BackupError> {
        let files = names.iter().map(|name| described(folder, name));
        let mut manifest = Self {
            format,
            taken_ms,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            ledger_lines,
            files: files.collect::<Result<_, _>>()?,
            sum: String::new(),
        };
        manifest.sum = manifest.summed();
        Ok(manifest)
    }

    /// As it stands in its file.
    pub(super) fn text(&self) -> Result<Vec<u8>, BackupError> {
        let text = serde_json::to_vec_pretty(self);
        let mut text = text.map_err(|error| BackupError::damaged(MANIFEST, error))?;
        text.push(b'\n');
        Ok(text)
    }

    /// Whether it can only be read with a key.
    pub fn is_sealed(&self) -> bool {
        self.format == SEALED
    }

    fn summed(&self) -> String {
        let mut sha = Sha256::new();
        let Self {
            format,
            taken_ms,
            program,
            ledger_lines,
            files,
            ..
        } = self;
        sha.update(format!("{format} {taken_ms} {program} {ledger_lines}"));
        for file in files {
            sha.update(format!(
                " {} {} {}",
                file.name, file.size_bytes, file.sha256
            ));
        }
        let hash: [u8; 32] = sha.finalize().into();
        HEXLOWER.encode(&hash)
    }
}

/// Reads a backup through: sizes and hashes of its files; of one that is not sealed also the
/// database's pages and the ledger's chain.
///
/// # Errors
/// What is wrong with it first.
pub fn verify(backup: impl Into<Data>) -> Result<Manifest, BackupError> {
    // One made before the databases were encrypted is plain.
    let data = backup.into().as_found();
    let backup: &Path = &data;
    let manifest = whole(backup)?;
    if manifest.is_sealed() {
        return Ok(manifest);
    }
    let text = std::fs::read(backup.join(LEDGER)).map_err(BackupError::io(backup))?;
    let lines = ledger::lines(&text).map_err(|error| BackupError::damaged(LEDGER, error))?;
    if lines.len() != manifest.ledger_lines {
        return Err(BackupError::damaged(
            LEDGER,
            "it has another number of lines",
        ));
    }
    data.fits()?;
    integrity(&data)?;
    Ok(manifest)
}

/// Whether all files are there and as they were written.
///
/// # Errors
/// What is wrong first.
pub(super) fn whole(backup: &Path) -> Result<Manifest, BackupError> {
    let bytes = std::fs::read(backup.join(MANIFEST))
        .map_err(|_| BackupError::NotABackup(backup.to_owned()))?;
    let manifest: Manifest =
        serde_json::from_slice(&bytes).map_err(|_| BackupError::NotABackup(backup.to_owned()))?;
    let end = match manifest.format {
        PLAIN => "",
        SEALED => ".age",
        format => {
            let why = format!("a later version of Sopu wrote it (form {format})");
            return Err(BackupError::damaged(MANIFEST, why));
        }
    };
    if manifest.sum != manifest.summed() {
        return Err(BackupError::damaged(MANIFEST, "its own hash is another"));
    }
    let mut names = vec![format!("{DATABASE}{end}"), format!("{LEDGER}{end}")];
    if manifest.is_sealed() {
        names.push(format!("{MANIFEST}{end}"));
    }
    for name in &names {
        let Some(said) = manifest.files.iter().find(|file| file.name == *name) else {
            return Err(BackupError::damaged(
                MANIFEST,
                format!("it names no {name}"),
            ));
        };
        let found = described(backup, name)?;
        if found != *said {
            let why = format!(
                "it has {} bytes and the hash {}, not {} and {}",
                found.size_bytes, found.sha256, said.size_bytes, said.sha256
            );
            return Err(BackupError::damaged(name, why));
        }
    }
    Ok(manifest)
}

/// SQLite's own check of every page. The file is not touched, not even by a lock file beside it.
pub(super) fn integrity(data: &Data) -> Result<(), BackupError> {
    let found: rusqlite::Result<String> = schema::open_to_check(&data.database(), data.key(), true)
        .and_then(|db| db.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0)));
    match found {
        Ok(line) if line == "ok" => Ok(()),
        Ok(line) => Err(BackupError::damaged(DATABASE, line)),
        Err(error) => Err(BackupError::damaged(DATABASE, error)),
    }
}

fn described(folder: &Path, name: &str) -> Result<File, BackupError> {
    let path = folder.join(name);
    let mut file = std::fs::File::open(&path).map_err(BackupError::io(&path))?;
    let (mut sha, mut size_bytes) = (Sha256::new(), 0);
    let mut buffer = vec![0; 1 << 16];
    loop {
        let read = file.read(&mut buffer).map_err(BackupError::io(&path))?;
        if read == 0 {
            break;
        }
        sha.update(&buffer[..read]);
        size_bytes += read as u64;
    }
    let hash: [u8; 32] = sha.finalize().into();
    Ok(File {
        name: name.to_owned(),
        size_bytes,
        sha256: HEXLOWER.encode(&hash),
    })
}
