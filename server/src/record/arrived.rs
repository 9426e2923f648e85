//! What the feed brings of one document: made ready before anything is written, then written.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use automerge::{Automerge, Change};
use sopu_core::documents::Kind;
use sopu_core::envelope::decode;
use sopu_core::genesis::genesis;
use sopu_core::id::{DocId, EnvelopeId, Hash, MemberId, SpaceId, Version};
use sopu_core::read::{Reading, version};
use sopu_core::store::document::{self, DocWrite, Loaded, NewChange, Origin};
use sopu_core::store::purge::{self, Erased};
use sopu_core::store::{self, Store, StoreError, Tx, notice, outbox};
use sopu_core::wire::{Notice, NoticeKind, SignedNotice};

use super::Followed;
use crate::merge::Standing;
use crate::store::FeedWhat;

/// A document's entries, and what they make of it.
pub(super) struct Arrived<'e> {
    space: SpaceId,
    doc: DocId,
    entries: Vec<&'e Followed>,
    content: Option<Content>,
}

struct Content {
    kind: Kind,
    new: Vec<NewChange>,
    now: Now,
    at_ms: i64,
    by: Option<MemberId>,
}

/// The document with everything in it.
enum Now {
    /// As the merge worker has it.
    Tried(Standing),
    /// Made here.
    Applied(Box<Automerge>),
}

impl<'e> Arrived<'e> {
    /// Brings the document up to date: the merge worker's, if it is at just the heads these entries
    /// lead to from where the record stands, which then are of the same history.
    pub(super) fn of(
        store: &Store,
        space: SpaceId,
        doc: DocId,
        entries: Vec<&'e Followed>,
        tried: &mut BTreeMap<DocId, Standing>,
    ) -> store::Result<Self> {
        let damaged = || StoreError::Incomplete(doc);
        let mut new = Vec::new();
        let mut last = None;
        let before = document::heads(store.conn(), doc)?;
        let mut heads: BTreeSet<Hash> = before.iter().flat_map(Version::heads).copied().collect();
        for entry in &entries {
            let Some((kept, signer)) = &entry.kept else {
                continue;
            };
            let Some(changes) = kept.signed_changes().map_err(|_| damaged())? else {
                continue;
            };
            for made in changes {
                let (chunk, hash) = (made.chunk().map_err(|_| damaged())?, made.hash());
                for dep in &chunk.deps {
                    heads.remove(dep);
                }
                heads.insert(hash);
                let (actor, seq) = (chunk.actor.to_vec(), chunk.seq);
                new.push(NewChange {
                    hash,
                    bytes: made.into_bytes(),
                    actor,
                    seq,
                    origin: Origin::Enveloped(EnvelopeId(entry.row.id.0)),
                });
            }
            last = Some((kept.kind, entry.row.received_ms, *signer));
        }
        let content = match last {
            Some((kind, at_ms, by)) if let Some(kind) = Kind::from_number(kind) => {
                let here = |standing: &Standing| heads_of(&standing.document) == heads;
                let now = match tried.remove(&doc).filter(here) {
                    Some(standing) => Now::Tried(standing),
                    None => Now::Applied(Box::new(applied(store, doc, kind, &new)?)),
                };
                Some(Content {
                    kind,
                    new,
                    now,
                    at_ms,
                    by,
                })
            }
            Some(_) | None => None,
        };
        Ok(Self {
            space,
            doc,
            entries,
            content,
        })
    }

    /// Which.
    pub(super) fn doc(&self) -> DocId {
        self.doc
    }

    /// Writes entries and document. Gives the document if it was made here.
    pub(super) fn write(self, tx: &Tx<'_>) -> store::Result<Option<Loaded>> {
        let (space, doc) = (self.space, self.doc);
        let mut last_seq = 0;
        for entry in self.entries {
            last_seq = entry.row.seq;
            entered(tx, space, doc, entry)?;
        }
        let mut written = None;
        if let Some(content) = self.content
            && !purge::is_erased(tx, doc)?
        {
            written = content.write(tx, space, doc)?;
        }
        document::set_last_seq(tx, doc, last_seq)?;
        Ok(written)
    }
}

/// Writes one entry, without what its run holds.
fn entered(tx: &Tx<'_>, space: SpaceId, doc: DocId, entry: &Followed) -> store::Result<()> {
    match (&entry.row.what, &entry.kept) {
        (FeedWhat::Notice { body, signature }, _) => {
            let signed = SignedNotice {
                body: body.clone(),
                signature: *signature,
            };
            notice::insert(tx, entry.row.seq, &signed, &entry.row.accept)?;
            // Also when nobody could tell the record any more: the process was killed between.
            if let Some(Notice {
                at_ms,
                what: NoticeKind::Erased(reason),
                ..
            }) = decode(&signed.body)
            {
                let mark = Erased {
                    doc,
                    space,
                    reason,
                    at_ms,
                };
                purge::purge(tx, &mark)?;
            }
            Ok(())
        }
        (FeedWhat::Envelope(_), Some((kept, _))) => {
            let proof = kept.to_proof();
            if kept.run.is_none() {
                return outbox::insert_erased(tx, &proof, entry.row.seq);
            }
            let received = Some(entry.row.received_ms);
            outbox::insert_fed(tx, &proof, entry.row.seq, received, Some(&entry.row.accept))
        }
        (FeedWhat::Envelope(_), None) => Err(StoreError::Incomplete(doc)),
    }
}

impl Content {
    fn write(self, tx: &Tx<'_>, space: SpaceId, doc: DocId) -> store::Result<Option<Loaded>> {
        let (am, reading) = match self.now {
            Now::Tried(Standing { document, reading }) => (document, reading),
            Now::Applied(am) => (Arc::new(*am), None::<Reading>),
        };
        let write = DocWrite {
            doc,
            space,
            kind: self.kind,
            am: &am,
            new: &self.new,
            at_ms: self.at_ms,
            by: self.by,
        };
        document::write_document_read(tx, &write, reading.as_ref())?;
        let heads = version(&am);
        // What the merge worker holds need not be held twice.
        Ok(Arc::into_inner(am).map(|am| Loaded {
            doc,
            space,
            kind: self.kind,
            am,
            heads,
        }))
    }
}

fn heads_of(document: &Automerge) -> BTreeSet<Hash> {
    document.get_heads().into_iter().map(Hash::from).collect()
}

/// The document as it stands in the record, with these changes.
fn applied(store: &Store, doc: DocId, kind: Kind, new: &[NewChange]) -> store::Result<Automerge> {
    let mut am = match store.document(doc) {
        Ok(loaded) => loaded.am.clone(),
        Err(StoreError::NotFound(_)) => genesis(kind).document(),
        Err(error) => return Err(error),
    };
    let changes = new
        .iter()
        .map(|change| Change::from_bytes(change.bytes.clone()))
        .collect::<Result<Vec<_>, _>>();
    let changes = changes.map_err(|_| StoreError::Incomplete(doc))?;
    am.apply_changes(changes)
        .map_err(|_| StoreError::Incomplete(doc))?;
    Ok(am)
}
