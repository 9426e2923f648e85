//! A document as a form opens it and saves it.

use serde_json::Value;
use sopu_core::device::documents::{OpenConflict, OpenValue, Opened};
use sopu_core::read::{LogClash, RemovedItem};
use sopu_core::{documents, edit, provenance, read, save};

use crate::error::SopuError;

/// The kinds of document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum Kind {
    /// *Sopimus*: who agreed what with whom, and who signed it.
    Contract,
    /// *Käyntikirjaus*: what was seen and done on one visit.
    VisitNote,
    /// *Palvelukuvaus*: one service as the public directory shows it.
    ServiceListing,
}

impl From<documents::Kind> for Kind {
    fn from(kind: documents::Kind) -> Self {
        match kind {
            documents::Kind::Contract => Self::Contract,
            documents::Kind::VisitNote => Self::VisitNote,
            documents::Kind::ServiceListing => Self::ServiceListing,
        }
    }
}

impl From<Kind> for documents::Kind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Contract => Self::Contract,
            Kind::VisitNote => Self::VisitNote,
            Kind::ServiceListing => Self::ServiceListing,
        }
    }
}

/// A document as a form opens it.
#[derive(Clone, Debug, PartialEq, uniffi::Record)]
pub struct Document {
    /// Which.
    pub id: String,
    /// The space it lives in.
    pub space: String,
    /// Of which kind.
    pub kind: Kind,
    /// Its content, a JSON object.
    pub value: String,
    /// What to hand back with the save.
    pub version: String,
    /// Fields waiting for a person's choice.
    pub conflicts: Vec<Conflict>,
    /// Fields holding something this version does not understand; they are kept.
    pub unknown: Vec<String>,
    /// Items removed, which can be brought back by handing them in again.
    pub removed: Vec<Removed>,
    /// Log keys with unequal values.
    pub log_clashes: Vec<Clash>,
    /// Where each status stands.
    pub status: Vec<StatusMark>,
}

/// A field that two people set concurrently.
#[derive(Clone, Debug, PartialEq, uniffi::Record)]
pub struct Conflict {
    /// Field path.
    pub path: String,
    /// The live values, the shown one last.
    pub values: Vec<Candidate>,
}

/// One value of a conflict.
#[derive(Clone, Debug, PartialEq, uniffi::Record)]
pub struct Candidate {
    /// The value as JSON; `null` is an emptied field or one this version does not understand.
    pub value: String,
    /// The change that wrote it: what `choose` takes.
    pub change: String,
    /// Who, on what, when.
    pub provenance: Provenance,
}

/// What is known of a change's making.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct Provenance {
    /// The device that wrote it.
    pub device: Option<String>,
    /// The person.
    pub member: Option<String>,
    /// The person's name.
    pub member_name: Option<String>,
    /// Vouched for by the server: written in the office, not on a device.
    pub office: bool,
    /// Saved, by the device's clock, milliseconds since 1970 UTC.
    pub device_ms: i64,
    /// Received, by the relay's clock.
    pub relay_ms: Option<i64>,
    /// Place in the feed; `None` while it is not in the record.
    pub seq: Option<u64>,
}

/// An item someone removed.
#[derive(Clone, Debug, PartialEq, uniffi::Record)]
pub struct Removed {
    /// The field's path, `"tasks"`.
    pub field: String,
    /// The item's key.
    pub key: String,
    /// Its content as JSON.
    pub value: String,
}

/// A log key that two devices wrote with different values.
#[derive(Clone, Debug, PartialEq, uniffi::Record)]
pub struct Clash {
    /// The field's path.
    pub field: String,
    /// The entry's key.
    pub key: String,
    /// The distinct values as JSON, earliest first.
    pub values: Vec<String>,
}

/// Where a status stands.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct StatusMark {
    /// The field's path.
    pub path: String,
    /// The code; `"unknown"` for a rank of a newer version.
    pub code: String,
    /// How often it was reopened.
    pub round: u16,
    /// The member who set it.
    pub by: Option<String>,
    /// When, by the device's clock, milliseconds since 1970 UTC.
    pub at_ms: Option<i64>,
}

/// What a save did.
#[derive(Clone, Debug, PartialEq, uniffi::Record)]
pub struct Saved {
    /// What the form saves at next. Never replace it by the version of a later read while the form
    /// still shows its old content.
    pub version: String,
    /// Whether anything differed.
    pub changed: bool,
    /// Parts the merge rules did not let it write.
    pub ignored: Vec<Ignored>,
    /// If set, the form must show this value (JSON) before it saves again.
    pub merged: Option<String>,
}

/// A part of a save that was not written.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct Ignored {
    /// Field path.
    pub path: String,
    /// `immutable`, `status_only_rises`, `log_only_grows`.
    pub code: String,
}

/// A document just made.
#[derive(Clone, Debug, PartialEq, uniffi::Record)]
pub struct Created {
    /// Which.
    pub id: String,
    /// What the form saves at next.
    pub version: String,
}

impl From<Opened> for Document {
    fn from(opened: Opened) -> Self {
        Self {
            id: opened.doc.to_string(),
            space: opened.space.to_string(),
            kind: opened.kind.into(),
            value: opened.value.to_string(),
            version: opened.version.to_string(),
            conflicts: opened.conflicts.into_iter().map(Conflict::from).collect(),
            unknown: opened.unknown,
            removed: opened.removed.into_iter().map(Removed::from).collect(),
            log_clashes: opened.log_clashes.into_iter().map(Clash::from).collect(),
            status: opened.status.into_iter().map(StatusMark::from).collect(),
        }
    }
}

impl From<OpenConflict> for Conflict {
    fn from(conflict: OpenConflict) -> Self {
        Self {
            path: conflict.path,
            values: conflict.values.into_iter().map(Candidate::from).collect(),
        }
    }
}

impl From<OpenValue> for Candidate {
    fn from(value: OpenValue) -> Self {
        Self {
            value: value.value.to_string(),
            change: value.change.to_string(),
            provenance: value.provenance.into(),
        }
    }
}

impl From<provenance::Provenance> for Provenance {
    fn from(known: provenance::Provenance) -> Self {
        Self {
            device: known.device.map(|id| id.to_string()),
            member: known.member.map(|id| id.to_string()),
            member_name: known.member_name,
            office: known.office,
            device_ms: known.device_ms,
            relay_ms: known.relay_ms,
            seq: known.seq,
        }
    }
}

impl From<RemovedItem> for Removed {
    fn from(item: RemovedItem) -> Self {
        Self {
            field: item.field,
            key: item.key,
            value: item.value.to_string(),
        }
    }
}

impl From<LogClash> for Clash {
    fn from(clash: LogClash) -> Self {
        Self {
            field: clash.field,
            key: clash.key,
            values: clash.values.iter().map(Value::to_string).collect(),
        }
    }
}

impl From<(String, read::StatusMark)> for StatusMark {
    fn from((path, mark): (String, read::StatusMark)) -> Self {
        Self {
            path,
            code: mark.code,
            round: mark.round,
            by: mark.by,
            at_ms: mark.at_ms,
        }
    }
}

impl From<save::Saved> for Saved {
    fn from(saved: save::Saved) -> Self {
        Self {
            version: saved.version.to_string(),
            changed: !saved.changes.is_empty(),
            ignored: saved.ignored.into_iter().map(Ignored::from).collect(),
            merged: saved.merged.map(|value| value.to_string()),
        }
    }
}

impl From<edit::Ignored> for Ignored {
    fn from(ignored: edit::Ignored) -> Self {
        Self {
            path: ignored.path,
            code: ignored.code.to_owned(),
        }
    }
}

/// A JSON object from the app.
pub(crate) fn object(json: &str) -> Result<Value, SopuError> {
    match serde_json::from_str(json) {
        Ok(value @ Value::Object(_)) => Ok(value),
        _ => Err(SopuError::argument("value")),
    }
}
