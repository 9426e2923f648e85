//! A small deterministic world: one person at one device, writing visit notes.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

use automerge::Automerge;
use ed25519_dalek::SigningKey;
use serde_json::{Value, json};

use crate::documents::Kind;
use crate::envelope::{ActorSpan, Header, Proof, sign};
use crate::id::{DeviceId, DocId, Hash, MemberId, SpaceId, Version};
use crate::read;
use crate::save::{self, SaveContext, Saved};
use crate::store::{DocWrite, NewChange, Store, document};
use crate::time::Env;

/// A clock that ticks once a reading, and counted bytes for randomness.
pub struct Ticks(AtomicU64);

impl Env for Ticks {
    fn now_ms(&self) -> i64 {
        1_790_000_000_000 + i64::try_from(self.0.fetch_add(1, Ordering::Relaxed)).unwrap_or(0)
    }

    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let n = self
                .0
                .fetch_add(1, Ordering::Relaxed)
                .wrapping_mul(0x9e37_79b9_7f4a_7c15);
            chunk.copy_from_slice(&n.to_be_bytes()[..chunk.len()]);
        }
    }
}

/// Who writes, where and when.
pub struct World {
    pub env: Ticks,
    pub space: SpaceId,
    pub me: MemberId,
    pub device: DeviceId,
    pub actor: [u8; 16],
    pub key: SigningKey,
    pub seals: Cell<u64>,
}

impl World {
    pub fn new(seed: u8) -> Self {
        let env = Ticks(AtomicU64::new(u64::from(seed) << 40));
        Self {
            space: SpaceId::mint(&env),
            me: MemberId::mint(&env),
            device: DeviceId::mint(&env),
            actor: [seed; 16],
            key: SigningKey::from_bytes(&[seed; 32]),
            seals: Cell::new(0),
            env,
        }
    }

    pub fn context(&self) -> SaveContext<'_> {
        SaveContext {
            actor: self.actor,
            by: self.me,
            at_ms: self.env.now_ms(),
            env: &self.env,
        }
    }

    /// A new document of this value, stored.
    pub fn create(&self, store: &mut Store, kind: Kind, value: &Value) -> DocId {
        let doc = DocId::mint(&self.env);
        let (am, saved) = save::create(kind, value, &self.context()).expect("creates");
        self.store(store, doc, kind, &am, &saved);
        doc
    }

    /// A new visit note with this summary.
    pub fn note(&self, store: &mut Store, summary: &str) -> DocId {
        self.create(store, Kind::VisitNote, &json!({"summary": summary}))
    }

    /// Saves a changed value of a document at its present version.
    pub fn edit(
        &self,
        store: &mut Store,
        doc: DocId,
        change: impl FnOnce(&mut Value),
    ) -> Vec<Hash> {
        let loaded = store.document(doc).expect("loads");
        let mut am = loaded.am.clone();
        let mut value = read::read(&am, loaded.kind).value;
        change(&mut value);
        let version = Version::from(am.get_heads());
        let saved =
            save::save(&mut am, loaded.kind, &version, &value, &self.context()).expect("saves");
        self.store(store, doc, loaded.kind, &am, &saved);
        saved.changes
    }

    pub fn store(&self, store: &mut Store, doc: DocId, kind: Kind, am: &Automerge, saved: &Saved) {
        let new = NewChange::saved(am, &saved.changes);
        let write = self.write_of(doc, kind, am, &new);
        store
            .write(|tx| document::write_document(tx, &write))
            .expect("stores");
    }

    pub fn write_of<'a>(
        &self,
        doc: DocId,
        kind: Kind,
        am: &'a Automerge,
        new: &'a [NewChange],
    ) -> DocWrite<'a> {
        DocWrite {
            doc,
            space: self.space,
            kind,
            am,
            new,
            at_ms: self.env.now_ms(),
            by: Some(self.me),
        }
    }

    /// A signed header over these changes of a document.
    pub fn proof(&self, doc: DocId, hashes: &[Hash]) -> Proof {
        let n = self.seals.get() + 1;
        self.seals.set(n);
        let header = Header {
            space: self.space,
            doc,
            kind: Kind::VisitNote.number(),
            device: self.device,
            epoch: [0; 8],
            actors: vec![ActorSpan {
                level: 0,
                first_seq: n,
                last_seq: n,
            }],
            deps: Vec::new(),
            replaces: Vec::new(),
            changes: u32::try_from(hashes.len()).expect("few"),
            sealed_at_ms: self.env.now_ms(),
            offset_ms: None,
            saved_at_ms: None,
        };
        sign(&header, hashes, &self.key)
    }
}

/// The value of a document as the store gives it.
pub fn value(store: &Store, doc: DocId) -> Value {
    let loaded = store.document(doc).expect("loads");
    read::read(&loaded.am, loaded.kind).value
}
