//! Asking about envelopes once more: what is acknowledged here may have been judged since, and a copy
//! of this store been told.

use std::collections::{BTreeMap, BTreeSet};

use crate::device::{Device, Result};
use crate::id::{DocId, EnvelopeId};
use crate::store::outbox::{self, State};

/// Nothing waits that long for its place in the feed while the relay is well, milliseconds.
const ASK_AFTER_MS: u64 = 60 * 60 * 1_000;

impl Device {
    /// What is acknowledged here may have been refused since, and a copy of this store was told. It
    /// is asked about, once, before anything is made again that would build on it. Gives the
    /// documents that wait for an answer.
    pub(super) fn ask_about(&mut self, docs: &BTreeMap<DocId, bool>) -> Result<BTreeSet<DocId>> {
        let mut asked = BTreeMap::new();
        for envelope in outbox::unsettled(self.store.conn(), None)? {
            let open = matches!(envelope.state, State::Acknowledged | State::Held(_));
            if open && docs.contains_key(&envelope.doc) && !self.asked.contains_key(&envelope.id) {
                asked.insert(envelope.id, envelope.doc);
            }
        }
        self.ask(asked.keys().copied())?;
        Ok(asked.into_values().collect())
    }

    /// Sends these once more, to hear what became of them, and remembers when.
    pub(in crate::sync) fn ask(
        &mut self,
        ids: impl Iterator<Item = EnvelopeId> + Clone,
    ) -> Result<()> {
        self.store.write(|tx| {
            let mut ids = ids.clone();
            ids.try_for_each(|id| outbox::ask_again(tx, id))
        })?;
        let now_ms = self.env.now_ms();
        self.asked.extend(ids.map(|id| (id, now_ms)));
        Ok(())
    }

    /// What was acknowledged long ago and of which nothing came since: a copy of this store, under
    /// the same name, may have taken the news of it. It is asked about again, once an hour; also what was
    /// somebody else's and offered, for a refusal of that is told but once too.
    pub(in crate::sync) fn ask_about_old(&mut self) -> Result<bool> {
        let now_ms = self.env.now_ms();
        let old = |at_ms: &i64| now_ms.abs_diff(*at_ms) > ASK_AFTER_MS;
        let asked: BTreeSet<EnvelopeId> = outbox::unsettled(self.store.conn(), None)?
            .into_iter()
            .filter(|e| e.state == State::Acknowledged)
            .filter(|e| self.asked.get(&e.id).is_none_or(old))
            .filter(|e| match e.own {
                true => e.proof.header().is_some_and(|h| old(&h.sealed_at_ms)),
                false => self.offered_ms.as_ref().is_none_or(old),
            })
            .map(|e| e.id)
            .collect();
        if asked.is_empty() {
            return Ok(false);
        }
        self.ask(asked.iter().copied())?;
        Ok(true)
    }
}
