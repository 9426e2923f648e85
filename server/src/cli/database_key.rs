//! `sopu database-key`.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use sopu_core::time::SystemEnv;

use super::CliError;
use crate::backup::BackupError;
use crate::data;

pub(super) const HELP: &str = "\
Make a key for the databases in the data folder: a server that is given it encrypts them.

Name the file to every command, with --database-key FILE, SOPU_DATABASE_KEY or database_key in the
settings file, and start the server: databases that are plain are encrypted when it starts, and new ones
from the beginning. Keep the file where the data folder and the backups are not, and a copy of it where
the machine is not: without it nobody reads the databases, nor a backup of them, the server included.
The ledger is not encrypted. It needs a build with SQLCipher: cargo build --features sqlcipher.";

#[derive(Debug, Args)]
pub(super) struct DatabaseKey {
    /// The file to make for the key; it must not exist
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

impl DatabaseKey {
    pub(super) fn run(&self, out: &mut dyn Write) -> Result<(), CliError> {
        if self.file.symlink_metadata().is_ok() {
            return Err(BackupError::Exists(self.file.clone()).into());
        }
        crate::backup::write_new(&self.file, data::new_key(&SystemEnv).as_bytes())?;
        writeln!(
            out,
            "The key is in {}. Start the server with --database-key and this file.",
            self.file.display()
        )?;
        writeln!(
            out,
            "Nothing else opens the databases and their backups: keep a copy of it where neither this \
             machine nor the backups are."
        )?;
        Ok(())
    }
}
