//! What can go wrong at the store. No error carries content, names or tokens.

use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::path::Path;

use rusqlite::{ErrorCode, ffi};

use crate::id::DocId;

/// The result of everything here.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;

/// Why the store could not do it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// SQLite could not: disk full, file locked or unreadable.
    #[error("database: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// A later version of Sopu wrote this file. Update the app.
    #[error("the store has schema {found}, this version knows {known}")]
    Newer {
        /// The file's schema.
        found: u32,
        /// The newest schema this code knows.
        known: u32,
    },
    /// A key was given but the SQLite in use cannot encrypt.
    #[error("this build of SQLite cannot encrypt")]
    NoEncryption,
    /// The key given is not the file's, or the file's first page is damaged.
    #[error("the key does not open the store")]
    WrongKey,
    /// No such document here.
    #[error("no document {0}")]
    NotFound(DocId),
    /// A document of a kind this version does not know. It is kept; update the app to read it.
    #[error("document {0} is of a kind this version does not know")]
    UnknownKind(DocId),
    /// One document cannot be read; all others can.
    #[error("document {doc} is damaged: {fault}")]
    Damaged {
        /// Which.
        doc: DocId,
        /// What is wrong with it.
        fault: Fault,
    },
    /// The document was erased by law; nothing of it is stored again.
    #[error("document {0} was erased")]
    Erased(DocId),
    /// A document lives in one space and has one kind for good.
    #[error("document {0} cannot move to another space or kind")]
    Moved(DocId),
    /// The document holds a change that was neither stored before nor given now.
    #[error("a change of document {0} was not given")]
    Incomplete(DocId),
    /// The log beside the file lost something that was committed: the file alone is whole but old.
    #[error("the log of the store is damaged")]
    LogDamaged,
    /// A row this code wrote reads as something else.
    #[error("a stored {0} cannot be read")]
    Row(&'static str),
}

impl StoreError {
    /// Whether the file itself is damaged: on a device, [`salvage`](crate::device::salvage::salvage) mends it.
    pub fn is_damage(&self) -> bool {
        match self {
            Self::Sqlite(error) => matches!(
                error.sqlite_error_code(),
                Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
            ),
            Self::LogDamaged | Self::Row(_) | Self::Damaged { .. } => true,
            Self::Newer { .. }
            | Self::NoEncryption
            | Self::WrongKey
            | Self::NotFound(_)
            | Self::UnknownKind(_)
            | Self::Erased(_)
            | Self::Moved(_)
            | Self::Incomplete(_) => false,
        }
    }

    /// What was met while this document was read: damage of the file is damage of the document.
    pub(crate) fn in_document(self, doc: DocId) -> Self {
        if !(matches!(self, Self::Sqlite(_)) && self.is_damage()) {
            return self;
        }
        Self::Damaged {
            doc,
            fault: Fault::Page,
        }
    }

    /// SQLite says of a store that may not be written, and was closed well, only that it cannot be opened: it
    /// could not make its log.
    pub(crate) fn of_opening(self, path: &Path) -> Self {
        let Self::Sqlite(error) = &self else {
            return self;
        };
        let written = || OpenOptions::new().append(true).open(path);
        let kinds = [ErrorKind::ReadOnlyFilesystem, ErrorKind::PermissionDenied];
        if error.sqlite_error_code() == Some(ErrorCode::CannotOpen)
            && written().is_err_and(|error| kinds.contains(&error.kind()))
        {
            let error = ffi::Error::new(ffi::SQLITE_READONLY);
            return Self::Sqlite(rusqlite::Error::SqliteFailure(error, None));
        }
        self
    }

    /// Whether there is no room, or the file may not be written: free space or mend the folder's
    /// rights, then the same store goes on.
    pub fn is_no_room(&self) -> bool {
        let Self::Sqlite(error) = self else {
            return false;
        };
        matches!(
            error.sqlite_error_code(),
            Some(ErrorCode::DiskFull | ErrorCode::ReadOnly | ErrorCode::SystemIoFailure)
        )
    }

    /// Whether it says nothing of what was to be stored, and trying again later may help.
    pub fn is_passing(&self) -> bool {
        let Self::Sqlite(error) = self else {
            return false;
        };
        let busy = matches!(
            error.sqlite_error_code(),
            Some(
                ErrorCode::DatabaseBusy
                    | ErrorCode::DatabaseLocked
                    | ErrorCode::OperationInterrupted
                    | ErrorCode::OutOfMemory
                    | ErrorCode::CannotOpen
            )
        );
        busy || self.is_no_room()
    }
}

/// What is wrong with a stored document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Fault {
    /// The snapshot's frame or content. The changes can still be whole.
    #[error("snapshot")]
    Snapshot,
    /// A change's frame, or its hash is not the one it was stored under.
    #[error("change")]
    Change,
    /// All parts read, but together they give other heads than were stored.
    #[error("heads")]
    Heads,
    /// The index of ids leads to another document.
    #[error("index")]
    Index,
    /// Automerge did not survive the changes.
    #[error("content")]
    Content,
    /// A page of the file on which some of it is cannot be read.
    #[error("page")]
    Page,
}
