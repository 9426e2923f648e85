//! `sopu backup`, `sopu backup-key` and `sopu restore`.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use sopu_core::time::SystemEnv;

use super::CliError;
use crate::backup::sealed::{self, Recipients};
use crate::backup::{self, BackupError};
use crate::data::Data;
use crate::relay::DATABASE;

pub(super) const TAKE_HELP: &str = "\
Copy database and ledger into a new folder, and read the copy through; also while a server runs.

Whoever has a backup has the relay's key and everything in the record, so it is sealed (age): make a key
once with `sopu backup-key FILE` and keep that file where neither the server nor the backups are. Each
line of `backup-recipients` in the data folder is a recipient (age1…); add others' by hand, as many as
shall be able to open the backups. A backup that is not sealed has to be asked for: --plain.";

pub(super) const RESTORE_HELP: &str = "\
Put a backup back into the data folder; stop the server first.

The backup is verified before anything is touched. Databases that are there are set aside, not
deleted. The newest ledger wins: if the data folder still has one that goes on from the backup's, it
stays, and with it what was erased, who was removed and which devices were revoked since the backup.
Without it these go back to the time of the backup; look them through before you serve.

Afterwards every space begins a new generation: devices bring back what they hold and the backup does
not have, the next time they sync.";

#[derive(Debug, Args)]
pub(super) struct Take {
    /// The folder to make; it must not exist
    #[arg(value_name = "TARGET")]
    target: PathBuf,
    /// Do not seal it: whoever has it can read everything
    #[arg(long)]
    plain: bool,
}

#[derive(Debug, Args)]
pub(super) struct Key {
    /// The file to make for the key; it must not exist
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct Restore {
    /// A folder that `sopu backup` made
    #[arg(value_name = "BACKUP")]
    backup: PathBuf,
    /// The file with a key that opens it, if it is sealed
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
}

impl Key {
    pub(super) fn run(&self, data: &Data, out: &mut dyn Write) -> Result<(), CliError> {
        let recipient = sealed::make_key(data, &self.file)?;
        writeln!(out, "Backups are sealed for {recipient} from now on.")?;
        writeln!(
            out,
            "Nothing but {} opens them: keep a copy of it where neither this machine nor the backups \
             are.",
            self.file.display()
        )?;
        Ok(())
    }
}

impl Take {
    pub(super) fn run(&self, data: &Data, out: &mut dyn Write) -> Result<(), CliError> {
        let mut shown = u64::MAX;
        let terminal = std::io::stderr().is_terminal();
        let mut progress = |done: u64, all: u64| {
            let percent = done * 100 / all.max(1);
            if terminal && percent != shown {
                shown = percent;
                // Whoever closed the terminal wants no progress.
                drop(write!(std::io::stderr(), "\r{percent} % of {all} pages"));
            }
        };
        let recipients = Recipients::of(data)?;
        let (target, env) = (&self.target, &SystemEnv);
        let taken = match (&recipients, self.plain) {
            (_, true) => backup::take(data, target, env, &mut progress),
            (Some(for_whom), false) => {
                sealed::take_sealed(data, target, for_whom, env, &mut progress)
            }
            (None, false) if data.join(DATABASE).exists() => return Err(CliError::NoBackupKey),
            (None, false) => Err(BackupError::NoData(data.to_path_buf())),
        };
        if terminal {
            drop(writeln!(std::io::stderr()));
        }
        let manifest = taken?;
        let bytes: u64 = manifest.files.iter().map(|file| file.size_bytes).sum();
        writeln!(
            out,
            "The backup is in {}, {bytes} bytes, read through and whole.",
            self.target.display()
        )?;
        if self.plain {
            writeln!(
                out,
                "Whoever has it has the relay's key and everything in the record: keep it as safe as \
                 the data folder."
            )?;
        } else {
            writeln!(out, "It is sealed; restoring it takes the key.")?;
        }
        Ok(())
    }
}

impl Restore {
    pub(super) fn run(&self, data: &Data, out: &mut dyn Write) -> Result<(), CliError> {
        let restored =
            backup::restore(&self.backup, self.key.as_deref(), data, Arc::new(SystemEnv))?;
        if let Some(folder) = &restored.set_aside {
            writeln!(out, "What was there before is in {}.", folder.display())?;
        }
        match restored.newer_ledger_lines {
            Some(lines) => writeln!(
                out,
                "The ledger in {} stays, for it is the newest: {lines} lines, {} of them since the \
                 backup.",
                data.display(),
                lines.saturating_sub(restored.manifest.ledger_lines)
            )?,
            None => writeln!(
                out,
                "There was no newer ledger, so the backup's is used: erasures, removals and \
                 revocations since the backup are not known any more, and devices enrolled since must \
                 enrol again. Look them through before you serve."
            )?,
        }
        writeln!(
            out,
            "Restored. Devices bring back what the backup does not have when they next sync."
        )?;
        Ok(())
    }
}
