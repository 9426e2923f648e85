//! Documents as the feed has them, for trials and office writes. Built from the feed itself, so
//! that a verdict never depends on the merged record; a few stay loaded.

use std::collections::BTreeMap;
use std::sync::Arc;

use automerge::{Automerge, Change};
use sopu_core::documents::Kind;
use sopu_core::genesis::genesis;
use sopu_core::id::{DocId, Version};
use sopu_core::read::{Reading, version};

use crate::store::{FeedWhat, RelayStore, Result, StoreError};

/// How many stay loaded: a small one costs about 31 KB.
const KEPT: usize = 128;

/// Loaded documents. The merge lock and the lease make this worker the only one who adds to them.
#[derive(Default)]
pub struct Documents {
    kept: BTreeMap<DocId, (u64, Arc<Automerge>)>,
    /// Of those kept: what they say, for the merged record, which has not asked yet.
    readings: BTreeMap<DocId, Reading>,
    clock: u64,
}

/// A document after its trial.
#[derive(Clone, Debug)]
pub struct Standing {
    /// As it is.
    pub document: Arc<Automerge>,
    /// What it says, if it was read.
    pub reading: Option<Reading>,
}

impl Documents {
    /// A document as the feed has it; genesis alone if the feed has nothing of it.
    pub fn get(
        &mut self,
        store: &mut dyn RelayStore,
        doc: DocId,
        kind: Kind,
    ) -> Result<Arc<Automerge>> {
        self.clock += 1;
        if let Some((used, document)) = self.kept.get_mut(&doc) {
            *used = self.clock;
            return Ok(document.clone());
        }
        let document = Arc::new(load(store, doc, kind, u64::MAX)?);
        self.put(doc, document.clone());
        Ok(document)
    }

    /// Remembers a document as it is now.
    pub fn put(&mut self, doc: DocId, document: Arc<Automerge>) {
        self.clock += 1;
        self.kept.insert(doc, (self.clock, document));
        while self.kept.len() > KEPT {
            let oldest = self
                .kept
                .iter()
                .min_by_key(|(_, (used, _))| *used)
                .map(|(doc, _)| *doc);
            let Some(oldest) = oldest else { break };
            self.kept.remove(&oldest);
            self.readings.remove(&oldest);
        }
    }

    /// Remembers a document that came through its trial.
    pub fn stands(&mut self, doc: DocId, standing: Standing) {
        match standing.reading {
            Some(reading) => self.readings.insert(doc, reading),
            None => self.readings.remove(&doc),
        };
        self.put(doc, standing.document);
    }

    /// Documents that came through a trial since this was last asked, as many as are still loaded.
    pub fn tried(&mut self) -> BTreeMap<DocId, Standing> {
        let readings = std::mem::take(&mut self.readings).into_iter();
        let standing = |(doc, reading)| {
            let document = self.kept.get(&doc)?.1.clone();
            let reading = Some(reading);
            Some((doc, Standing { document, reading }))
        };
        readings.filter_map(standing).collect()
    }

    /// Forgets all.
    pub fn forget(&mut self) {
        self.kept.clear();
        self.readings.clear();
    }
}

impl Documents {
    /// The heads a feed gives a document up to a place; `None` if it has nothing of it.
    pub fn heads_at(
        store: &mut dyn RelayStore,
        doc: DocId,
        kind: Kind,
        up_to: u64,
    ) -> Result<Option<Version>> {
        let document = load(store, doc, kind, up_to)?;
        let nothing = document.get_heads() == genesis(kind).document().get_heads();
        Ok((!nothing).then(|| version(&document)))
    }
}

fn load(store: &mut dyn RelayStore, doc: DocId, kind: Kind, up_to: u64) -> Result<Automerge> {
    let damaged = || StoreError::Corrupt("a fed run");
    let mut changes = Vec::new();
    for row in store.feed_of(doc, up_to)? {
        let FeedWhat::Envelope(arrival) = row.what else {
            continue;
        };
        let kept = store
            .envelope_at(arrival)?
            .ok_or(StoreError::Corrupt("a fed envelope is gone"))?;
        for made in kept.signed_changes()?.into_iter().flatten() {
            changes.push(Change::from_bytes(made.into_bytes()).map_err(|_| damaged())?);
        }
    }
    let mut document = genesis(kind).document();
    document.apply_changes(changes).map_err(|_| damaged())?;
    Ok(document)
}
