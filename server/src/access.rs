//! Who is who, and who may do what: people, teams, spaces, devices, sessions, invites, and the log
//! of who read what. Functions that write take a transaction or a connection of `relay.db`; other
//! processes (the command line beside a running server) may write the same file.
//!
//! Rows of people, memberships and devices are ended, never deleted: old signatures stay checkable.

use rusqlite::types::ToSql;
use rusqlite::{Connection, Transaction, TransactionBehavior};

pub mod back_off;
pub mod devices;
pub mod erasures;
pub mod excerpt;
pub mod form_token;
pub mod introduction;
pub mod invites;
pub mod lists;
pub mod log;
pub mod notices;
pub mod oidc;
pub mod password;
pub mod people;
pub mod retention;
pub mod roles;
pub mod second_factor;
pub mod sessions;
pub mod standing;
pub mod subjects;
pub mod substitutes;

pub use roles::{Action, Role};
pub use standing::{Standing, grants, roles_in, roster, roster_number, spaces_of, standing};

/// Why a question about access got no answer, or a change was not made. The words are for the
/// person at the command line or the office.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// There is nothing of this name or id.
    #[error("there is no {what} `{name}`")]
    Unknown {
        /// "space", "member" …
        what: &'static str,
        /// What was asked for.
        name: String,
    },
    /// Several have this name.
    #[error("several {what}s are called `{name}`; use the id instead")]
    Ambiguous {
        /// "space", "member" …
        what: &'static str,
        /// What was asked for.
        name: String,
    },
    /// Several organisations, and none was named.
    #[error("there are several organisations; say which with --org NAME")]
    WhichOrg,
    /// It is there already.
    #[error("there is already a {what} `{name}`")]
    Taken {
        /// "user name" …
        what: &'static str,
        /// Which.
        name: String,
    },
    /// The password is not taken.
    #[error(transparent)]
    Password(#[from] password::PasswordError),
    /// The secret of a second factor could not be made.
    #[error("the second factor could not be set up")]
    SecondFactor,
    /// The database had a problem.
    #[error("the database had a problem: {0}")]
    Store(#[from] rusqlite::Error),
}

/// The result of a question about access.
pub type Result<T> = std::result::Result<T, AccessError>;

/// Does what belongs together in one transaction, or as part of the one that is under way.
///
/// # Errors
/// What the work gives, of which nothing was done then; the database's.
pub fn whole<T, E: From<rusqlite::Error>>(
    db: &Connection,
    work: impl FnOnce(&Connection) -> std::result::Result<T, E>,
) -> std::result::Result<T, E> {
    if !db.is_autocommit() {
        return work(db);
    }
    let tx = Transaction::new_unchecked(db, TransactionBehavior::Immediate)?;
    let done = work(&tx)?;
    tx.commit()?;
    Ok(done)
}

/// An id as SQLite holds it.
pub(crate) fn blob(id: &[u8; 16]) -> impl ToSql + '_ {
    id.as_slice()
}

/// An id from its column; a blob of another length is a damaged file and reads as an error.
pub(crate) fn id16(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<uuid::Uuid> {
    let bytes: [u8; 16] = row.get(column)?;
    Ok(uuid::Uuid::from_bytes(bytes))
}
