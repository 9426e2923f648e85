//! Why the demo could not be shown.

use std::path::PathBuf;

use sopu_core::device::DeviceError;

/// Why the demo stopped. The words are for the person who started it.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The folder holds something that is not a demo.
    #[error(
        "{0} holds the data of a Sopu server that is not a demo; name another folder with --data"
    )]
    NotADemo(PathBuf),
    /// The folder cannot be used.
    #[error("cannot use the data folder {path}: {why}")]
    Folder {
        /// Which.
        path: PathBuf,
        /// What the operating system says.
        why: String,
    },
    /// The relay does not start.
    #[error("the relay does not start: {0}")]
    Relay(String),
    /// A device did not do what it was told.
    #[error("{who}'s device: {why}")]
    Device {
        /// First name of its owner.
        who: &'static str,
        /// What it says.
        why: DeviceError,
    },
    /// People and spaces could not be set up.
    #[error(transparent)]
    Access(#[from] crate::access::AccessError),
    /// The relay's database failed.
    #[error("the relay's database: {0}")]
    Database(#[from] rusqlite::Error),
    /// A file could not be read or written, or the report not printed.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// The story needs something that is not there.
    #[error("the story stops: {0}")]
    Story(String),
}

/// The result of a part of the demo.
pub type Result<T> = std::result::Result<T, DemoError>;
