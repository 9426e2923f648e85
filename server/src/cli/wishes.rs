//! What only the relay may do, asked for in its database: done by the server that runs, or else here.

use std::fmt::Display;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sopu_core::time::SystemEnv;

use super::{CliError, Desk};
use crate::data::Data;
use crate::relay::{OpenError, Relay};

/// How long a running server may take to carry it out.
const PATIENCE: Duration = Duration::from_secs(120);

impl Desk {
    /// Has it done, and waits until `done` gives something.
    pub(super) fn have_done<T, E: Display>(
        &mut self,
        data: &Data,
        carry_out: impl FnOnce(&Relay) -> Result<(), E>,
        mut done: impl FnMut(&Self) -> Result<Option<T>, CliError>,
    ) -> Result<T, CliError> {
        let unusable = |why: String| CliError::Data {
            path: data.to_path_buf(),
            why,
        };
        self.stepped_aside(|| match Relay::open(data, Arc::new(SystemEnv)) {
            Ok(relay) => carry_out(&relay).map_err(|error| unusable(error.to_string())),
            Err(OpenError::InUse) => Ok(()),
            Err(error) => Err(unusable(error.to_string())),
        })??;
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(done) = done(self)? {
                return Ok(done);
            }
            if Instant::now() > until {
                return Err(unusable(
                    "the server has not carried it out yet; it will".to_owned(),
                ));
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}
