//! A first sync: whole documents, newest first, usable at once; then the signatures of all
//! entries, after which every change here is proven by its author.

use std::collections::BTreeMap;

use ed25519_dalek::VerifyingKey;

use super::super::replay::DAMAGED;
use super::deferred::KIND_UNKNOWN;
use super::mark::{Mark, quarantine};
use super::page::{Changed, Forked, PageWork, People, stored_form};
use crate::device::{Device, DeviceError, Result};
use crate::documents::Kind;
use crate::encoding::decode_changes;
use crate::envelope::{Header, Proof, actor_id, decode, digest, feed_hash};
use crate::guard::{Limits, check, try_checked};
use crate::id::{DocId, EnvelopeId, Hash, SpaceId};
use crate::save::level_of;
use crate::store::document::{self, Origin};
use crate::store::{StoreError, outbox, purge};
use crate::wire::{FeedProof, Pack, ProofSpecial, SignedNotice, SpacePage};

impl Device {
    pub(super) fn read_packs(&self, page: &SpacePage, work: &mut PageWork) -> Result<()> {
        for pack in &page.packs {
            if purge::is_erased(self.store.conn(), pack.doc)? {
                continue;
            }
            match self.read_pack(page.to.space, pack, work) {
                Ok(()) => {}
                Err(DeviceError::Internal(reason)) => {
                    work.marks.push(quarantine(pack.doc, None, reason));
                }
                Err(DeviceError::Store(StoreError::Damaged { .. })) => {
                    work.marks.push(quarantine(pack.doc, None, DAMAGED));
                }
                Err(other) => return Err(other),
            }
        }
        Ok(())
    }

    fn read_pack(&self, space: SpaceId, pack: &Pack, work: &mut PageWork) -> Result<()> {
        let kind = Kind::from_number(pack.kind).ok_or(DeviceError::Internal(KIND_UNKNOWN))?;
        if let Some(row) = document::row(self.store.conn(), pack.doc)?
            && (row.space != space || row.kind != pack.kind)
        {
            return Err(DeviceError::Internal("doc_of_other_space"));
        }
        let changes = decode_changes(&pack.changes, &Limits::PACK)?;
        let counted: u64 = pack.counts.iter().map(|n| u64::from(*n)).sum();
        if counted != changes.len() as u64 {
            return Err(DeviceError::Internal("pack_miscounted"));
        }
        let checked = changes
            .iter()
            .map(|change| check(change, kind, &Limits::DEVICE))
            .collect::<Result<Vec<_>, _>>()?;
        let facts = checked.iter().map(|(_, checked)| checked);
        let mut new = stored_form(&changes, facts, Origin::Packed(0));
        let mut rest = new.iter_mut();
        for (entry, count) in (pack.before..=u32::MAX).zip(&pack.counts) {
            for change in rest.by_ref().take(*count as usize) {
                change.origin = Origin::Packed(entry);
            }
        }
        let (doc, last_seq) = (pack.doc, pack.last_seq);
        let here = self.present(doc, kind)?;
        match try_checked(&here, kind, &changes, &checked, &Limits::PACK) {
            Ok(tried) => work.changed.push(Changed {
                doc,
                kind,
                tried,
                new,
                last_seq,
                by: None,
            }),
            Err(doubt)
                if self.stands_in_the_way(doc, kind, &changes, doubt, &work.placed(&new))? =>
            {
                work.forked.push(Forked {
                    doc,
                    changes,
                    new,
                    last_seq,
                });
            }
            Err(doubt) => return Err(DeviceError::Internal(doubt.code())),
        }
        Ok(())
    }

    /// Joins signatures to the changes that are here. Proofs come in feed order, so the n-th proof
    /// of a document is over the changes its n-th entry brought.
    pub(super) fn read_proofs(
        &self,
        page: &SpacePage,
        people: &People,
        work: &mut PageWork,
        hash: &mut [u8; 32],
    ) -> Result<()> {
        let space = page.to.space;
        let mut counted: BTreeMap<DocId, u32> = BTreeMap::new();
        for given in &page.proofs {
            let (header, signature) = (given.header.clone(), given.signature);
            let id = match &given.special {
                Some(ProofSpecial::Notice) => {
                    let signed = SignedNotice {
                        body: header,
                        signature,
                    };
                    self.read_notice(space, given.seq, &signed, given.accept, work)?;
                    signed.id()
                }
                Some(ProofSpecial::Erased(digest)) => {
                    let proof = Proof {
                        header,
                        signature,
                        digest: *digest,
                    };
                    let id = proof.id();
                    work.marks.push(Mark::Erased {
                        proof,
                        seq: given.seq,
                    });
                    id
                }
                None => self.read_proof(space, given, people, work, &mut counted)?,
            };
            *hash = feed_hash(hash, &id);
        }
        Ok(())
    }

    fn read_proof(
        &self,
        space: SpaceId,
        given: &FeedProof,
        people: &People,
        work: &mut PageWork,
        counted: &mut BTreeMap<DocId, u32>,
    ) -> Result<EnvelopeId> {
        let header: Header = decode(&given.header).ok_or(DeviceError::BadAnswer)?;
        let doc = header.doc;
        let conn = self.store.conn();
        let entry = match counted.get(&doc) {
            Some(entry) => *entry,
            None => {
                let before = outbox::fed_of(conn, doc)?;
                let before = before
                    .iter()
                    .filter(|e| e.seq.is_some_and(|seq| seq < given.seq));
                u32::try_from(before.count()).unwrap_or(u32::MAX)
            }
        };
        counted.insert(doc, entry.saturating_add(1));
        // The pack may have come in this very page, or of a large document its last part.
        let changed = work.changed.iter().find(|c| c.doc == doc).map(|c| &c.new);
        let forked = work.forked.iter().find(|f| f.doc == doc).map(|f| &f.new);
        let here = changed.or(forked).into_iter().flatten();
        let here = here.filter(|new| new.origin == Origin::Packed(entry));
        let here: Vec<_> = here.map(|new| (new.hash, new.actor.clone())).collect();
        // The document itself is not loaded for it: that would cost as much as taking it in again.
        let signed: Vec<(Hash, Vec<u8>)> = if here.is_empty() {
            outbox::packed(conn, doc, entry)?
        } else {
            here
        };
        let hashes: Vec<Hash> = signed.iter().map(|(hash, _)| *hash).collect();
        let proof = Proof {
            header: given.header.clone(),
            signature: given.signature,
            digest: digest(&hashes),
        };
        let id = proof.id();
        let signer = people.get(&header.device);
        let key = signer.and_then(|row| VerifyingKey::from_bytes(&row.key).ok());
        let genuine = key.is_some_and(|key| {
            proof.verify(&key)
                && header.space == space
                && signed.iter().all(|(_, actor)| {
                    level_of(actor, &actor_id(&key, space, &header.epoch)).is_some()
                })
        });
        work.marks.push(if genuine {
            let FeedProof {
                seq,
                received_ms,
                accept,
                ..
            } = *given;
            Mark::Joined {
                proof,
                seq,
                received_ms,
                accept,
                entry,
            }
        } else {
            quarantine(doc, Some(id), "proof_wrong")
        });
        Ok(id)
    }
}
