//! The relay with its folder and disk.

use std::path::PathBuf;
use std::sync::Arc;

use rusqlite::Connection;
use sopu_core::time::Env;
use sopu_server::relay::{DATABASE, LEDGER, OpenError, Relay};

use super::dice::Machine;
use crate::disk::Disk;

/// The relay's machine.
pub struct House {
    folder: PathBuf,
    /// What survives a power cut, and what does not.
    pub disk: Arc<Disk>,
    /// Clock and randomness.
    pub machine: Arc<Machine>,
    pub(super) relay: Option<Relay>,
    /// Failures of the disk that were noticed.
    pub(super) noticed: u64,
}

impl House {
    /// An empty one.
    pub fn new(folder: PathBuf, machine: Arc<Machine>) -> Self {
        Self {
            disk: Disk::new(&folder),
            folder,
            machine,
            relay: None,
            noticed: 0,
        }
    }

    /// Starts the relay.
    ///
    /// # Errors
    /// The relay's, for example while its disk fails.
    pub fn switch_on(&mut self) -> Result<(), OpenError> {
        if self.relay.is_none() {
            let env = Arc::clone(&self.machine) as Arc<dyn Env>;
            let ledger = self.disk.open(LEDGER).map_err(std::io::Error::from)?;
            let relay = Relay::open_with(&self.folder, Box::new(ledger), env)?;
            self.relay = Some(relay);
        }
        Ok(())
    }

    /// Stops it.
    pub fn switch_off(&mut self) {
        self.relay = None;
    }

    /// The database, to read from.
    ///
    /// # Errors
    /// SQLite's, for example while the disk fails.
    pub fn look(&self) -> rusqlite::Result<Connection> {
        Connection::open(self.folder.join(DATABASE))
    }

    /// Works on the database as the command line does.
    pub fn admin<T>(&self, work: impl FnOnce(&mut Connection) -> T) -> T {
        let mut db = Connection::open(self.folder.join(DATABASE)).expect("opens");
        work(&mut db)
    }
}
