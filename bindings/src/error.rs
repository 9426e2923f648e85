//! What to do when something did not work. A variant is an instruction to the app; no variant
//! carries content, names or tokens.

use rusqlite::ErrorCode;
use sopu_core::device::DeviceError;
use sopu_core::documents;
use sopu_core::store::StoreError;

/// One thing wrong with a document.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct Problem {
    /// Field path, `"parties.0190….snapshot.business_id"`.
    pub path: String,
    /// What is wrong, for example `"required"`, `"too_long"`; the app has words for it.
    pub code: String,
    /// Whether it blocks the transition asked about, or only warns.
    pub blocks: bool,
}

impl From<documents::Problem> for Problem {
    fn from(problem: documents::Problem) -> Self {
        Self {
            path: problem.path,
            code: problem.code.to_owned(),
            blocks: problem.blocks,
        }
    }
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, uniffi::Error)]
pub enum SopuError {
    /// Ask for an invite code and enrol.
    #[error("this device is not enrolled")]
    Enrol,
    /// No such document here: leave the page.
    #[error("no document {doc}")]
    NotFound {
        /// The document.
        doc: String,
    },
    /// The document was erased, as the law may demand: tell the person and leave the page.
    #[error("document {doc} was erased")]
    Erased {
        /// The document.
        doc: String,
    },
    /// The right to the space has ended: tell the person and leave the page. What is unsent is kept, and
    /// goes out at the next sync.
    #[error("the right to this space has ended; sync")]
    RightEnded {
        /// When, milliseconds since 1970 UTC.
        ended_ms: i64,
    },
    /// This device has been without contact for too long and shows nothing: ask the person to go online
    /// and sync. Everything is kept, and writing goes on.
    #[error("go online and sync: no contact for {days} days")]
    GoOnline {
        /// How long it may be without.
        days: i64,
    },
    /// Read the document again: the version given is not one of its versions any more, or there is
    /// nothing to choose, lock or sign there.
    #[error("read the document again")]
    ReadAgain,
    /// Show these problems at their fields; the step asked for needs them mended.
    #[error("{} problems stand in the way", problems.len())]
    Mend {
        /// Each with its field.
        problems: Vec<Problem>,
    },
    /// The app gave a value that does not fit the field: a defect of the app.
    #[error("{path}: {code}")]
    BadValue {
        /// Field path, or the argument's name.
        path: String,
        /// Why.
        code: String,
    },
    /// No network, or the relay is not there: everything is kept; sync again later.
    #[error("no connection to the relay")]
    Offline,
    /// The app stopped it: nothing to tell. What was exchanged before stays.
    #[error("stopped")]
    Stopped,
    /// Another enrolment was answered first, and this one's answer was dropped: go on as who `identity` says.
    #[error("another enrolment was answered first")]
    Superseded,
    /// The relay's address is `http://` to another machine, where everybody on the way reads along: ask for
    /// its `https://` address.
    #[error("use the relay's https:// address")]
    Insecure,
    /// The device was shut: open it again.
    #[error("the device was shut")]
    Closed,
    /// The relay asks for patience: sync again after that time.
    #[error("the relay is busy")]
    TryLater {
        /// How long, milliseconds, if the relay said so.
        retry_after_ms: Option<i64>,
    },
    /// The relay refuses this device or this invite code: show why.
    #[error("the relay refused: {code}")]
    Refused {
        /// `invite_unknown`, `invite_used`, `invite_expired`, `unauthorised`, `device_revoked` …
        code: String,
    },
    /// What answered is no relay: check the address, or a proxy stands between.
    #[error("the answer is not a relay's")]
    NotARelay,
    /// A later version of Sopu wrote this, or the relay speaks one: update the app.
    #[error("update the app")]
    Update,
    /// One document is damaged here, all others are fine: report it; what was acknowledged is on
    /// the relay.
    #[error("document {doc} is damaged")]
    Damaged {
        /// The document.
        doc: String,
    },
    /// The store cannot be written or read: free space, check the folder's rights, or open it with the key it
    /// was made with.
    #[error("storage: {why}")]
    Storage {
        /// `disk_full`, `busy`, `no_folder`, `damaged` (salvage it), `wrong_key`, `no_encryption` (this build
        /// has none), `unreadable`.
        why: String,
    },
    /// A defect in Sopu: report the code. Nothing was lost.
    #[error("defect: {code}")]
    Defect {
        /// What to report.
        code: String,
    },
}

impl SopuError {
    /// An argument that is no id, version, date … at all.
    pub(crate) fn argument(name: &str) -> Self {
        Self::BadValue {
            path: name.to_owned(),
            code: "unreadable".to_owned(),
        }
    }
}

impl From<DeviceError> for SopuError {
    fn from(error: DeviceError) -> Self {
        match error {
            DeviceError::NotEnrolled => Self::Enrol,
            DeviceError::NotFound(doc) => Self::NotFound {
                doc: doc.to_string(),
            },
            DeviceError::BadValue { path, code } => Self::BadValue {
                path,
                code: code.to_owned(),
            },
            DeviceError::Problems(_, problems) => Self::Mend {
                problems: problems.into_iter().map(Problem::from).collect(),
            },
            DeviceError::Stale => Self::ReadAgain,
            DeviceError::Store(error) => error.into(),
            DeviceError::InstanceFile => Self::Storage {
                why: "no_folder".to_owned(),
            },
            DeviceError::Offline => Self::Offline,
            DeviceError::Stopped => Self::Stopped,
            DeviceError::Superseded => Self::Superseded,
            DeviceError::Insecure => Self::Insecure,
            DeviceError::Busy { retry_after_ms } => Self::TryLater { retry_after_ms },
            DeviceError::Refused { code } if code == "protocol_unknown" => Self::Update,
            DeviceError::Refused { code } => Self::Refused { code },
            DeviceError::BadAnswer => Self::NotARelay,
            DeviceError::SpaceEnded { ended_ms } => Self::RightEnded { ended_ms },
            DeviceError::LeaseEnded { days } => Self::GoOnline { days },
            DeviceError::Internal(code) => Self::Defect {
                code: code.to_owned(),
            },
        }
    }
}

impl From<StoreError> for SopuError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound(doc) => Self::NotFound {
                doc: doc.to_string(),
            },
            StoreError::Erased(doc) => Self::Erased {
                doc: doc.to_string(),
            },
            StoreError::Damaged { doc, .. } => Self::Damaged {
                doc: doc.to_string(),
            },
            StoreError::Newer { .. } | StoreError::UnknownKind(_) => Self::Update,
            StoreError::Sqlite(error) => Self::Storage {
                why: storage_code(error.sqlite_error_code()).to_owned(),
            },
            StoreError::NoEncryption => Self::Storage {
                why: "no_encryption".to_owned(),
            },
            StoreError::WrongKey => Self::Storage {
                why: "wrong_key".to_owned(),
            },
            StoreError::LogDamaged => Self::Storage {
                why: "damaged".to_owned(),
            },
            StoreError::Moved(_) => Self::Defect {
                code: "document_moved".to_owned(),
            },
            StoreError::Incomplete(_) => Self::Defect {
                code: "change_missing".to_owned(),
            },
            StoreError::Row(what) => Self::Defect {
                code: format!("row_{what}"),
            },
        }
    }
}

fn storage_code(code: Option<ErrorCode>) -> &'static str {
    if code == Some(ErrorCode::DiskFull) {
        "disk_full"
    } else if matches!(
        code,
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)
    ) {
        "busy"
    } else if matches!(
        code,
        Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::PermissionDenied)
    ) {
        "no_folder"
    } else if matches!(
        code,
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
    ) {
        "damaged"
    } else {
        "unreadable"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relay_of_another_protocol_asks_for_an_update_and_not_for_patience() {
        let refused = |code: &str| {
            SopuError::from(DeviceError::Refused {
                code: code.to_owned(),
            })
        };
        assert_eq!(refused("protocol_unknown"), SopuError::Update);
        assert_eq!(
            refused("invite_used"),
            SopuError::Refused {
                code: "invite_used".to_owned()
            }
        );
    }

    #[test]
    fn a_full_disk_is_told_from_a_folder_that_is_not_there() {
        assert_eq!(storage_code(Some(ErrorCode::DiskFull)), "disk_full");
        assert_eq!(storage_code(Some(ErrorCode::CannotOpen)), "no_folder");
        assert_eq!(storage_code(None), "unreadable");
    }
}
