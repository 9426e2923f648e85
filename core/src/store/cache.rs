//! The few documents that stay loaded: a loaded small document costs some 31 KB, so never all of
//! them; but a form that is open reads at old versions, which takes 2 ms loaded and 97 unloaded.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::document::Loaded;
use crate::id::{DocId, Version};
use crate::read::Reading;

/// Unpinned documents kept.
pub const KEPT: usize = 16;

/// Readings kept of each: the document's own, and that of a form which saves on a branch.
const READINGS: usize = 2;

/// The least recently used documents leave first; pinned ones stay.
#[derive(Default)]
pub struct Cache {
    entries: BTreeMap<DocId, Entry>,
    pins: BTreeMap<DocId, u32>,
    clock: u64,
}

struct Entry {
    used: u64,
    loaded: Option<Arc<Loaded>>,
    /// What it says at these versions, which never changes; the newest last.
    readings: Vec<(Version, Arc<Reading>)>,
}

impl Cache {
    /// The document, if it is here at exactly these heads.
    pub fn get(&mut self, doc: DocId, heads: &Version) -> Option<Arc<Loaded>> {
        self.clock += 1;
        let entry = self.entries.get_mut(&doc)?;
        let loaded = entry.loaded.as_ref()?;
        if loaded.heads != *heads {
            entry.loaded = None;
            return None;
        }
        entry.used = self.clock;
        Some(Arc::clone(loaded))
    }

    /// Keeps it, in place of what was kept of the same document.
    pub fn put(&mut self, loaded: Arc<Loaded>) {
        let doc = loaded.doc;
        self.entry(doc).loaded = Some(loaded);
        self.trim();
    }

    /// Lets go of the loaded document, for someone who changes it without a copy.
    pub fn release(&mut self, doc: DocId) {
        if let Some(entry) = self.entries.get_mut(&doc) {
            entry.loaded = None;
        }
    }

    /// What the document says at this version, if it is kept.
    pub fn reading(&self, doc: DocId, version: &Version) -> Option<Arc<Reading>> {
        let readings = &self.entries.get(&doc)?.readings;
        let found = readings.iter().find(|(at, _)| at == version);
        found.map(|(_, reading)| Arc::clone(reading))
    }

    /// The same, and it is kept no longer.
    pub fn take_reading(&mut self, doc: DocId, version: &Version) -> Option<Arc<Reading>> {
        let readings = &mut self.entries.get_mut(&doc)?.readings;
        let place = readings.iter().position(|(at, _)| at == version)?;
        Some(readings.remove(place).1)
    }

    /// Keeps what the document says at this version.
    pub fn put_reading(&mut self, doc: DocId, version: Version, reading: Arc<Reading>) {
        let readings = &mut self.entry(doc).readings;
        readings.retain(|(at, _)| *at != version);
        if readings.len() == READINGS {
            readings.remove(0);
        }
        readings.push((version, reading));
        self.trim();
    }

    fn entry(&mut self, doc: DocId) -> &mut Entry {
        self.clock += 1;
        let entry = self.entries.entry(doc).or_insert_with(|| Entry {
            used: 0,
            loaded: None,
            readings: Vec::new(),
        });
        entry.used = self.clock;
        entry
    }

    /// Never drops it until as many [`Cache::unpin`]s came.
    pub fn pin(&mut self, doc: DocId) {
        *self.pins.entry(doc).or_default() += 1;
    }

    /// Takes one pin away.
    pub fn unpin(&mut self, doc: DocId) {
        if let Some(count) = self.pins.get_mut(&doc) {
            *count -= 1;
            if *count == 0 {
                self.pins.remove(&doc);
            }
        }
        self.trim();
    }

    /// Drops all documents; pins stay.
    pub fn clear(&mut self) {
        self.entries.clear();
    }

    /// How many documents are here.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn trim(&mut self) {
        loop {
            let loose = || {
                self.entries
                    .iter()
                    .filter(|(doc, _)| !self.pins.contains_key(doc))
            };
            if loose().count() <= KEPT {
                return;
            }
            let Some(oldest) = loose()
                .min_by_key(|(_, entry)| entry.used)
                .map(|(doc, _)| *doc)
            else {
                return;
            };
            self.entries.remove(&oldest);
        }
    }
}
