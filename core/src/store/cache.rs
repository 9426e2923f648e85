//! The few documents that stay loaded: a loaded small document costs some 31 KB, so never all of
//! them; but a form that is open reads at old versions, which takes 2 ms loaded and 97 unloaded.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::document::Loaded;
use crate::id::{DocId, Version};

/// Unpinned documents kept.
pub const KEPT: usize = 16;

/// The least recently used documents leave first; pinned ones stay.
#[derive(Default)]
pub struct Cache {
    entries: BTreeMap<DocId, (u64, Arc<Loaded>)>,
    pins: BTreeMap<DocId, u32>,
    clock: u64,
}

impl Cache {
    /// The document, if it is here at exactly these heads.
    pub fn get(&mut self, doc: DocId, heads: &Version) -> Option<Arc<Loaded>> {
        self.clock += 1;
        let (used, loaded) = self.entries.get_mut(&doc)?;
        if loaded.heads != *heads {
            self.entries.remove(&doc);
            return None;
        }
        *used = self.clock;
        Some(Arc::clone(loaded))
    }

    /// Keeps it, in place of what was kept of the same document.
    pub fn put(&mut self, loaded: Arc<Loaded>) {
        self.clock += 1;
        self.entries.insert(loaded.doc, (self.clock, loaded));
        self.trim();
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
                .min_by_key(|(_, (used, _))| *used)
                .map(|(doc, _)| *doc)
            else {
                return;
            };
            self.entries.remove(&oldest);
        }
    }
}
