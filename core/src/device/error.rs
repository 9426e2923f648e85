//! What an app is told when something did not work, in terms of what it can do about it.

use crate::guard::Refusal;
use crate::id::DocId;
use crate::save::SaveError;
use crate::store::StoreError;
use crate::transport::TransportError;
use crate::transport::address::AddressError;

/// Why it did not work.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// Enrol first.
    #[error("this device is not enrolled")]
    NotEnrolled,
    /// No such document here.
    #[error("no document {0}")]
    NotFound(DocId),
    /// The app gave a value that does not fit: its mistake, not the user's.
    #[error("{path}: {code}")]
    BadValue {
        /// Field path.
        path: String,
        /// Why.
        code: &'static str,
    },
    /// Show these problems; the transition asked for needs them mended.
    #[error("{0} problems stand in the way")]
    Problems(usize, Vec<crate::documents::Problem>),
    /// The version is not of this document, or there is nothing to choose at that path: read again.
    #[error("read the document again")]
    Stale,
    /// The right to the space has ended: tell the person and leave the page. What is unsent in it is
    /// kept, and goes out at the next sync.
    #[error("the right to this space has ended; sync, so that unsent work is delivered")]
    SpaceEnded {
        /// When, milliseconds since 1970 UTC.
        ended_ms: i64,
    },
    /// Too long without contact: ask the person to go online and sync; then everything is there again.
    #[error("no contact with the relay for {days} days; go online and sync")]
    LeaseEnded {
        /// How long this device may be without.
        days: i64,
    },
    /// The local store failed: disk full, damaged, from a later version.
    #[error(transparent)]
    Store(StoreError),
    /// The no-backup folder cannot be written.
    #[error("the instance file cannot be written")]
    InstanceFile,
    /// No connection, or it broke: try again later.
    #[error("no connection to the relay")]
    Offline,
    /// The app stopped it; what was exchanged before stays.
    #[error("stopped")]
    Stopped,
    /// Another enrolment was answered first: what came is not for who this device is now, and was dropped.
    #[error("another enrolment was answered first")]
    Superseded,
    /// The relay's address is `http://` to another machine: ask for its `https://` address.
    #[error("use the relay's https:// address")]
    Insecure,
    /// The relay is there but asks for patience.
    #[error("the relay is busy")]
    Busy {
        /// How long, milliseconds, if it said so.
        retry_after_ms: Option<i64>,
    },
    /// The relay refuses this device or code; the problem code says why.
    #[error("the relay refused: {code}")]
    Refused {
        /// `unauthorised`, `device_revoked`, `invite_used`, `protocol_unknown` …
        code: String,
    },
    /// The answer was not one: a proxy, or a relay of another version.
    #[error("the answer could not be read")]
    BadAnswer,
    /// Something written here would be refused by every relay: a defect, reported, nothing lost.
    #[error("internal: {0}")]
    Internal(&'static str),
}

impl DeviceError {
    /// The reason, a code, if what failed is the content of one document, and neither the store nor
    /// the relay: trying again will not help, and other documents need not wait for it.
    pub(crate) fn of_document(&self) -> Option<&'static str> {
        match self {
            Self::Internal(code) | Self::BadValue { code, .. } => Some(code),
            Self::Stale => Some("stale"),
            Self::NotEnrolled
            | Self::NotFound(_)
            | Self::Problems(..)
            | Self::Store(_)
            | Self::InstanceFile
            | Self::Offline
            | Self::Stopped
            | Self::Superseded
            | Self::Insecure
            | Self::Busy { .. }
            | Self::Refused { .. }
            | Self::BadAnswer
            | Self::SpaceEnded { .. }
            | Self::LeaseEnded { .. } => None,
        }
    }
}

impl From<StoreError> for DeviceError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound(doc) => Self::NotFound(doc),
            other @ (StoreError::Sqlite(_)
            | StoreError::Newer { .. }
            | StoreError::NoEncryption
            | StoreError::WrongKey
            | StoreError::UnknownKind(_)
            | StoreError::Damaged { .. }
            | StoreError::Erased(_)
            | StoreError::Moved(_)
            | StoreError::Incomplete(_)
            | StoreError::LogDamaged
            | StoreError::Row(_)) => Self::Store(other),
        }
    }
}

impl From<SaveError> for DeviceError {
    fn from(error: SaveError) -> Self {
        match error {
            SaveError::BadValue(bad) => Self::BadValue {
                path: bad.path,
                code: bad.code,
            },
            SaveError::UnknownVersion | SaveError::NothingThere(_) => Self::Stale,
            SaveError::Document(_) => Self::Internal("document_unwritable"),
        }
    }
}

impl From<AddressError> for DeviceError {
    fn from(error: AddressError) -> Self {
        match error {
            AddressError::Insecure => Self::Insecure,
            AddressError::Unreadable => Self::BadValue {
                path: "relay".to_owned(),
                code: "unreadable",
            },
        }
    }
}

impl From<TransportError> for DeviceError {
    fn from(error: TransportError) -> Self {
        match error {
            TransportError::Unreachable | TransportError::TimedOut => Self::Offline,
            TransportError::Stopped => Self::Stopped,
            TransportError::TooLarge => Self::BadAnswer,
        }
    }
}

impl From<Refusal> for DeviceError {
    fn from(refusal: Refusal) -> Self {
        Self::Internal(refusal.code)
    }
}
