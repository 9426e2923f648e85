//! What one entry of a page does to the store besides changing its document.

use super::REPLAYED;
use super::deferred::KIND_UNKNOWN;
use super::page::Changed;
use crate::device::keys;
use crate::documents::Kind;
use crate::envelope::{Proof, decode};
use crate::id::{DocId, EnvelopeId, Hash, SpaceId};
use crate::store::document::{self, DocWrite};
use crate::store::draft::{self, Quarantined};
use crate::store::outbox::{self, State};
use crate::store::purge::{self, Purged};
use crate::store::{Result, Tx, deferred, meta, notice};
use crate::wire::{Entry, Notice, NoticeKind, SignedNotice};

/// One thing to write, in feed order.
pub(super) enum Mark {
    /// Someone's envelope with its changes.
    Fed {
        proof: Proof,
        seq: u64,
        received_ms: i64,
        accept: [u8; 16],
    },
    /// A signature of a first sync, over changes that came packed.
    Joined {
        proof: Proof,
        seq: u64,
        received_ms: i64,
        accept: [u8; 16],
        entry: u32,
    },
    /// This device's own envelope found its place.
    Own {
        id: EnvelopeId,
        seq: u64,
        received_ms: i64,
        accept: [u8; 16],
        /// Its changes that came in another one before: a copy of this store had sealed them, too, and a
        /// relay that has come back from a backup since had taken that one.
        elsewhere: Vec<Hash>,
    },
    /// The document was erased by law.
    Erased { proof: Proof, seq: u64 },
    /// The relay says something.
    Notice {
        seq: u64,
        signed: SignedNotice,
        accept: [u8; 16],
    },
    /// Of a kind a later version knows.
    Defer { doc: DocId, entry: Box<Entry> },
    /// It failed here, for this reason; the feed goes on.
    Quarantine {
        doc: DocId,
        envelope: Option<EnvelopeId>,
        reason: String,
    },
}

/// Sets something aside.
pub(super) fn quarantine(doc: DocId, envelope: Option<EnvelopeId>, reason: &str) -> Mark {
    Mark::Quarantine {
        doc,
        envelope,
        reason: reason.to_owned(),
    }
}

impl Mark {
    /// If it is a replay that came for this document: its id, and what it replaces.
    pub(super) fn replay_of(&self, doc: DocId) -> Option<(EnvelopeId, Vec<EnvelopeId>)> {
        let (Mark::Fed { proof, .. } | Mark::Joined { proof, .. }) = self else {
            return None;
        };
        let header = proof.header().filter(|header| header.doc == doc)?;
        (!header.replaces.is_empty()).then(|| (proof.id(), header.replaces))
    }

    /// Says whether something was purged.
    pub(super) fn write(&self, tx: &Tx<'_>, space: SpaceId, at_ms: i64) -> Result<Purged> {
        match self {
            Mark::Fed {
                proof,
                seq,
                received_ms,
                accept,
            } => {
                retire(tx, proof)?;
                outbox::insert_fed(tx, proof, *seq, Some(*received_ms), Some(accept))?;
            }
            Mark::Joined {
                proof,
                seq,
                received_ms,
                accept,
                entry,
            } => {
                retire(tx, proof)?;
                outbox::insert_fed(tx, proof, *seq, Some(*received_ms), Some(accept))?;
                if let Some(header) = proof.header() {
                    outbox::join_packed(tx, header.doc, *entry, proof.id())?;
                }
            }
            Mark::Own {
                id,
                seq,
                received_ms,
                accept,
                elsewhere,
            } => {
                outbox::set_state(tx, *id, &State::Fed(*seq))?;
                outbox::join(tx, *id, elsewhere)?;
                outbox::set_received(tx, *id, Some(*received_ms), Some(accept))?;
                let header = outbox::get(tx, *id)?.and_then(|stored| stored.proof.header());
                for old in header.into_iter().flat_map(|header| header.replaces) {
                    outbox::set_state(tx, old, &State::Replaced)?;
                }
            }
            Mark::Erased { proof, seq } => {
                outbox::insert_erased(tx, proof, *seq)?;
                if let Some(header) = proof.header() {
                    return purge_doc(tx, space, header.doc, "erased", at_ms);
                }
            }
            Mark::Notice {
                seq,
                signed,
                accept,
            } => {
                notice::insert(tx, *seq, signed, accept)?;
                if let Some(Notice {
                    doc,
                    what: NoticeKind::Erased(reason),
                    ..
                }) = decode(&signed.body)
                {
                    return purge_doc(tx, space, doc, &reason, at_ms);
                }
            }
            Mark::Defer { doc, entry } => deferred::defer(tx, space, *doc, entry)?,
            Mark::Quarantine {
                doc,
                envelope,
                reason,
            } => {
                let (doc, envelope, reason) = (*doc, *envelope, reason.clone());
                if envelope.is_none() && reason == KIND_UNKNOWN {
                    // Which kinds were known then: a later version that knows more looks again.
                    let known = Kind::ALL.map(Kind::number).into_iter().max().unwrap_or(0);
                    meta::set_number(tx, keys::KINDS, i64::from(known))?;
                }
                draft::quarantine(
                    tx,
                    &Quarantined {
                        space,
                        doc,
                        envelope,
                        reason,
                        at_ms,
                    },
                )?;
            }
        }
        Ok(Purged::Nothing)
    }
}

/// An envelope that has come replaces others: perhaps ones of this store, when it is itself a
/// replay of this store's that found its place, or of a copy of it.
fn retire(tx: &Tx<'_>, proof: &Proof) -> Result<()> {
    let Some(header) = proof.header().filter(|header| !header.replaces.is_empty()) else {
        return Ok(());
    };
    let id = proof.id();
    let own = outbox::get(tx, id)?.is_some_and(|stored| stored.own);
    let again = |change: &outbox::Unsealed| {
        let name = EnvelopeId::of_change(header.doc, change.hash);
        header.replaces.contains(&name)
    };
    for stored in outbox::unsettled(tx, Some(header.doc))? {
        let replayed = matches!(&stored.state, State::Final(why) if why == REPLAYED);
        let by_name = header.replaces.contains(&stored.id);
        let changes = match own {
            true => Vec::new(),
            false => outbox::changes_of(tx, stored.id)?,
        };
        let made_again = changes.iter().filter(|change| again(change)).count();
        let named = by_name || made_again > 0;
        let other = stored.proof.header().map(|header| header.replaces);
        let other = other.unwrap_or_default();
        let beside = other.iter().any(|id| header.replaces.contains(id));
        // One of somebody else's that the relay has lost, and that is replaced only in part, or is a replay
        // of more than this one: nobody makes the rest again, so it is offered all the same, and the relay
        // keeps it for people.
        let rest = match named {
            true => !by_name && made_again < changes.len(),
            false => beside && !other.iter().all(|id| header.replaces.contains(id)),
        };
        if rest && !stored.own && stored.state == State::Lost {
            continue;
        }
        if named && own {
            outbox::set_state(tx, stored.id, &State::Replaced)?;
        } else if named && !replayed {
            outbox::set_state(tx, stored.id, &State::Final("replaced".into()))?;
        } else if stored.id != id && !replayed && beside {
            outbox::set_state(tx, stored.id, &State::Final("replay_of_fed".into()))?;
        }
    }
    Ok(())
}

fn purge_doc(tx: &Tx<'_>, space: SpaceId, doc: DocId, reason: &str, at_ms: i64) -> Result<Purged> {
    let reason = reason.to_owned();
    let mark = purge::Erased {
        doc,
        space,
        reason,
        at_ms,
    };
    purge::purge(tx, &mark)
}

impl Changed {
    pub(super) fn write(&self, tx: &Tx<'_>, space: SpaceId, at_ms: i64) -> Result<()> {
        let Changed {
            doc,
            kind,
            tried,
            new,
            last_seq,
            by,
        } = self;
        if purge::is_erased(tx, *doc)? {
            return Ok(());
        }
        let write = DocWrite {
            doc: *doc,
            space,
            kind: *kind,
            am: &tried.document,
            new,
            at_ms,
            by: *by,
        };
        document::write_document_read(tx, &write, tried.reading.as_ref())?;
        document::set_last_seq(tx, *doc, *last_seq)
    }
}
