//! A document as the record has it with one's own edits made again, ready to be written.

use std::collections::{BTreeMap, BTreeSet};

use automerge::{Automerge, ChangeHash, ReadDoc};
use ed25519_dalek::SigningKey;

use super::sides::Sides;
use crate::device::{Result, SyncReport};
use crate::id::{EnvelopeId, Hash, MemberId, Version};
use crate::read::{read, read_at, version};
use crate::run::Sealing;
use crate::store::Tx;
use crate::store::document::{DocWrite, Loaded, NewChange, remove_document, rewrite_document};
use crate::store::draft::{self, Quarantined, Replay};
use crate::store::outbox::{self, State};
use crate::sync::incoming::REPLAYED;
use crate::sync::outgoing::seal_unsealed;

/// A document as the record has it with one's own edits made again, ready to be written.
pub(in crate::sync) struct Plan {
    pub(super) sealing: Sealing,
    /// What each new change makes again.
    pub(super) names: BTreeMap<Hash, Vec<EnvelopeId>>,
    pub(super) at_ms: i64,
    pub(super) by: MemberId,
    pub(super) am: Automerge,
    /// Changes not stored here yet: what arrived, then the replays.
    pub(super) new: Vec<NewChange>,
    /// Changes that are no more.
    pub(super) gone: Vec<Hash>,
    pub(super) made: Vec<Replay>,
    /// Whether anything had to be made again.
    pub(super) replays: bool,
    /// Envelopes that another replay in the record has replaced, and refused ones of others.
    pub(super) done: Vec<EnvelopeId>,
    /// Nothing is left of the document.
    pub(super) empty: bool,
    /// One's own work, where the document goes on without it.
    pub(super) aside: Option<SetAside>,
}

/// One's own work on a document that is not made again: it stays here as a draft people can read.
pub(super) struct SetAside {
    reason: String,
    value: serde_json::Value,
    /// It could not be made again here; the relay has not seen it, let alone refused it.
    failed: bool,
}

impl Plan {
    /// Writes the document, the table from old changes to new, and the envelope that replaces.
    pub(in crate::sync) fn write(&self, tx: &Tx<'_>, key: &SigningKey) -> Result<()> {
        let Sealing {
            doc, space, kind, ..
        } = self.sealing;
        let (am, new, at_ms, by) = (&self.am, &self.new[..], self.at_ms, Some(self.by));
        if let Some(aside) = &self.aside {
            draft::keep(tx, (doc, space, kind), &aside.reason, at_ms, &aside.value)?;
            if aside.failed {
                let failed = Quarantined {
                    space,
                    doc,
                    envelope: None,
                    reason: aside.reason.clone(),
                    at_ms,
                };
                draft::quarantine(tx, &failed)?;
            }
        }
        if self.empty {
            remove_document(tx, doc)?;
            for id in self.done.iter().chain(&self.sealing.replaces) {
                outbox::set_state(tx, *id, &State::Replaced)?;
            }
            return Ok(());
        }
        rewrite_document(
            tx,
            &DocWrite {
                doc,
                space,
                kind,
                am,
                new,
                at_ms,
                by,
            },
            &self.gone,
        )?;
        for replay in &self.made {
            draft::replayed(tx, doc, replay)?;
        }
        seal_unsealed(tx, self.sealing.clone(), key, None, &self.names)?;
        let rest = if self.replays {
            State::Final(REPLAYED.into())
        } else {
            State::Replaced
        };
        for id in &self.sealing.replaces {
            outbox::set_state(tx, *id, &rest)?;
        }
        for id in &self.done {
            outbox::set_state(tx, *id, &State::Replaced)?;
        }
        Ok(())
    }

    /// Adds what it did to the report.
    pub(in crate::sync) fn tell(&self, report: &mut SyncReport) {
        report.replayed += u32::try_from(self.made.len()).unwrap_or(u32::MAX);
        report.quarantined += u32::from(self.aside.as_ref().is_some_and(|aside| aside.failed));
    }

    /// The document to keep loaded.
    pub(in crate::sync) fn loaded(self) -> Loaded {
        let Sealing {
            doc, space, kind, ..
        } = self.sealing;
        let heads = version(&self.am);
        Loaded {
            doc,
            space,
            kind,
            am: self.am,
            heads,
        }
    }
}

impl SetAside {
    /// The document as its author had it after these edits of theirs: as it stands here, it may show what somebody
    /// else wrote in their place, such as an entry under the same key of a log. What others wrote and goes with
    /// theirs is shown where theirs builds on it.
    pub(super) fn of(loaded: &Loaded, sides: &Sides, reason: &str, failed: bool) -> Self {
        let foreign = |hash: &&Hash| !sides.foreign.contains(*hash);
        let own: Vec<Hash> = sides.mine.iter().filter(foreign).copied().collect();
        let value = match tips(&loaded.am, &own) {
            Some(version) => read_at(&loaded.am, loaded.kind, &version),
            None => read(&loaded.am, loaded.kind),
        };
        Self {
            reason: reason.to_owned(),
            value: value.value,
            failed,
        }
    }
}

/// The version of these changes and what they build on; `None` if there are none, or one is not here.
fn tips(am: &Automerge, changes: &[Hash]) -> Option<Version> {
    let mut tips: BTreeSet<Hash> = changes.iter().copied().collect();
    for hash in changes {
        let change = am.get_change_by_hash(&(*hash).into())?;
        for dep in change.deps() {
            tips.remove(&Hash::from(*dep));
        }
    }
    let tips: Vec<ChangeHash> = tips.into_iter().map(ChangeHash::from).collect();
    (!tips.is_empty()).then(|| tips.into())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::json;

    use super::super::again::tests::ctx;
    use super::*;
    use crate::documents::Kind;
    use crate::id::{DocId, SpaceId};
    use crate::save;

    /// What the relay lost of somebody else's goes with one's own work, and may have won over it.
    #[test]
    fn a_draft_shows_what_its_author_wrote_beside_what_others_wrote_and_the_relay_lost() {
        let kind = Kind::VisitNote;
        let mut am = save::create(kind, &json!({}), &ctx(1)).expect("writes").0;
        let begun = version(&am);
        let mut write = |km: &str, who| {
            let saved =
                save::save(&mut am, kind, &begun, &json!({"km": km}), &ctx(who)).expect("writes");
            saved.version.heads()[0]
        };
        let (mine, theirs) = (write("4", 2), write("7", 3));
        let loaded = Loaded {
            doc: DocId(uuid::Uuid::nil()),
            space: SpaceId(uuid::Uuid::nil()),
            kind,
            heads: version(&am),
            am,
        };
        assert_eq!(
            read(&loaded.am, kind).value["km"],
            "7",
            "or it shows nothing"
        );
        let sides = Sides {
            base: begun.heads().to_vec(),
            mine: vec![mine, theirs],
            envelopes: Vec::new(),
            foreign: BTreeSet::from([theirs]),
        };
        let aside = SetAside::of(&loaded, &sides, "log_key_taken", true);
        assert_eq!(aside.value["km"], "4");
    }
}
