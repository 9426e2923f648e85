//! Files that `export` made, opened again.

use sopu_core::device::documents::{OpenConflict, OpenValue};
use sopu_core::id::Hash;
use sopu_core::provenance::Provenance;
use sopu_core::{guard, read};

use crate::device::SopuDevice;
use crate::document::{Clash, Conflict, Kind, Removed, StatusMark};
use crate::error::SopuError;

/// What an exported file holds.
#[derive(Clone, Debug, PartialEq, uniffi::Record)]
pub struct Exported {
    /// Of which kind.
    pub kind: Kind,
    /// Its content, a JSON object.
    pub value: String,
    /// Its version: the document's, if nothing was written since.
    pub version: String,
    /// Fields two people had set concurrently. A file knows the time of a change by its device's clock, and not
    /// who made it.
    pub conflicts: Vec<Conflict>,
    /// Fields holding something this version does not understand.
    pub unknown: Vec<String>,
    /// Items removed.
    pub removed: Vec<Removed>,
    /// Log keys with unequal values.
    pub log_clashes: Vec<Clash>,
    /// Where each status stands.
    pub status: Vec<StatusMark>,
}

#[uniffi::export]
impl SopuDevice {
    /// What a file made by `export` holds, here or anywhere; nothing of it gets into the store. `BadValue` of `file`
    /// for one that is damaged, or no document of Sopu's; with `too_many_changes` or `too_many_operations` for one
    /// that is longer (8 192 changes, a million operations) than a phone should open from just anywhere.
    pub fn read_export(&self, file: Vec<u8>) -> Result<Exported, SopuError> {
        // Beside the store: a long file keeps nobody from saving.
        self.held(|_| Ok(opened(&file)))?
            .map_err(|refusal| SopuError::BadValue {
                path: "file".to_owned(),
                code: refusal.code.to_owned(),
            })
    }
}

fn opened(file: &[u8]) -> Result<Exported, guard::Refusal> {
    let (kind, document) = guard::open_file(file)?;
    let written_ms = |change: &Hash| {
        let meta = document.get_change_meta_by_hash(&(*change).into());
        meta.map_or(0, |meta| meta.timestamp)
    };
    let reading = read::read(&document, kind);
    let candidate = |live: read::LiveValue| OpenValue {
        provenance: Provenance {
            device_ms: written_ms(&live.change),
            ..Provenance::default()
        },
        value: live.value,
        change: live.change,
    };
    let conflicts = reading.conflicts.into_iter().map(|open| OpenConflict {
        path: open.path,
        values: open.values.into_iter().map(candidate).collect(),
    });
    Ok(Exported {
        kind: kind.into(),
        value: reading.value.to_string(),
        version: read::version(&document).to_string(),
        conflicts: conflicts.map(Conflict::from).collect(),
        unknown: reading.unknown,
        removed: reading.removed.into_iter().map(Removed::from).collect(),
        log_clashes: reading.log_clashes.into_iter().map(Clash::from).collect(),
        status: reading.status.into_iter().map(StatusMark::from).collect(),
    })
}
