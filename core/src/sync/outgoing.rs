//! The next request: what is unsent, and how far this device has come.

use std::collections::BTreeMap;

use crate::chunk::Chunk;
use crate::device::errand::Portion;
use crate::device::{Device, DeviceError, Result, keys};
use crate::envelope::encode;
use crate::guard::Refusal;
use crate::id::{DeviceId, DocId, EnvelopeId, Hash, SpaceId};
use crate::run::{self, Sealing};
use crate::store::document;
use crate::store::{StoreError, Tx, meta, outbox, space};
use crate::wire::{About, Cursors, OrderDone, PROTOCOL, SyncRequest, SyncResponse, limits, token};

/// A request, and what is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// What goes over the wire.
    pub request: SyncRequest,
    /// The ids of the envelopes in `request.push`, in its order.
    pub sent: Vec<EnvelopeId>,
    /// Who asks: a response to an earlier enrolment says nothing of the present one.
    pub device: DeviceId,
    /// Rises with every request of an open device; 0 is none of them. Only the response to the
    /// newest one tells how things stand.
    pub number: u64,
}

impl Device {
    /// Seals what is unsealed and makes the next request. Doing it again gives the same request,
    /// under the next number.
    ///
    /// # Errors
    /// The store's.
    pub fn next_request(&mut self, wait_ms: u32) -> Result<Outgoing> {
        self.next_portion(wait_ms, Portion::WHOLE)
    }

    pub(crate) fn next_portion(&mut self, wait_ms: u32, portion: Portion) -> Result<Outgoing> {
        // A copy of a store sends nothing until it has seen what its other self did.
        let push = if self.recovering()? {
            Vec::new()
        } else {
            self.seal_all()?;
            let (bytes, count) = (portion.push, limits::PUSH_COUNT);
            outbox::to_send(self.store.conn(), bytes, count, &self.put_off)?
        };
        let used: usize = push.iter().map(|(_, e)| e.header.len() + e.run.len()).sum();
        let offers = self.next_offers(portion.push.saturating_sub(used))?;
        let reads = self.next_reads();
        self.requests += 1;
        let conn = self.store.conn();
        let vector = space::cursors(conn)?;
        // The relay keeps in mind no space that is being left.
        let leaving = space::spaces(conn)?.iter().any(|s| s.left_ms.is_some());
        let whole = vector.is_empty() || leaving || meta::get(conn, keys::SEND_VECTOR)?.is_some();
        let cursors = if whole {
            Cursors::Vector(vector)
        } else {
            Cursors::Token(token(&vector))
        };
        let about = self.about_if_new(push.len())?;
        let done = meta::get(conn, keys::ORDERS_DONE)?.unwrap_or_default();
        let (done, _) = done.as_chunks::<8>();
        let (sent, push): (Vec<_>, Vec<_>) = push.into_iter().unzip();
        let request = SyncRequest {
            protocol: PROTOCOL,
            instance: self.instance,
            cursors,
            wait_ms: if push.is_empty() && offers.is_empty() && reads.is_none() {
                wait_ms
            } else {
                0
            },
            push: push
                .iter()
                .map(|envelope| encode(envelope).into())
                .collect(),
            now_ms: self.env.now_ms(),
            status_seen: meta::number(conn, keys::STATUS_SEEN)?
                .unwrap_or(0)
                .unsigned_abs(),
            max_bytes: portion.pull,
            done: done
                .iter()
                .map(|n| OrderDone {
                    number: u64::from_be_bytes(*n),
                })
                .collect(),
            offers,
            about,
            reads,
        };
        Ok(Outgoing {
            request,
            sent,
            device: self.identity()?.device,
            number: self.requests,
        })
    }

    /// What this device says of itself, if it is other than what it said last.
    fn about_if_new(&self, pushed: usize) -> Result<Option<About>> {
        let conn = self.store.conn();
        let backlog = outbox::backlog(conn)?;
        let pushed = u32::try_from(pushed).unwrap_or(u32::MAX);
        let about = About {
            app: self.app.clone(),
            unsent: backlog.unsealed + backlog.sealed.saturating_sub(pushed),
            held: backlog.held,
            stuck: backlog.refused,
        };
        let told = meta::get(conn, keys::TOLD)?;
        Ok((told != Some(encode(&about))).then_some(about))
    }

    pub(crate) fn recovering(&self) -> Result<bool> {
        Ok(meta::get(self.store.conn(), keys::RECOVERING)?.is_some())
    }

    pub(crate) fn wants_more(&self, response: &SyncResponse) -> Result<bool> {
        let conn = self.store.conn();
        let to_confirm = meta::get(conn, keys::ORDERS_DONE)?.is_some();
        if meta::get(conn, keys::WIPED)?.is_some() {
            // It takes nothing in any more before it is enrolled again, also from a relay that has come back
            // from a backup, and has forgotten that it was cut off.
            return Ok(to_confirm || self.owes_purge);
        }
        let leaving = space::spaces(conn)?
            .iter()
            .any(|space| space.left_ms.is_some());
        Ok(response.more
            || response.need_vector
            || (self.recovering()? && !self.must_enrol_again()?)
            || outbox::has_unsent(conn)?
            || (self.has_offers()? && !self.must_enrol_again()?)
            || to_confirm
            // Nothing moves by it, so that whoever waits tries again after a while.
            || self.owes_purge
            || leaving
            || self.has_reads(response)
            || self.has_unsealed()?)
    }

    /// Whether anything waits to be sealed, but for what cannot be read here.
    fn has_unsealed(&self) -> Result<bool> {
        let unsealed = outbox::unsealed_documents(self.store.conn())?;
        if unsealed.is_empty() {
            return Ok(false);
        }
        let damaged = self.damaged_here()?;
        Ok(unsealed.iter().any(|doc| !damaged.contains(doc)))
    }

    /// Puts every unsealed change into envelopes. What no relay would take is set aside: one bad
    /// document delays no other.
    pub(crate) fn seal_all(&mut self) -> Result<()> {
        let mut bad = Vec::new();
        for doc in outbox::unsealed_documents(self.store.conn())? {
            if let Err(error) = self.seal(doc) {
                if let DeviceError::Store(StoreError::Damaged { .. }) = error {
                    self.mark_damaged(doc)?;
                    continue;
                }
                let reason = error.of_document().ok_or(error)?;
                bad.push((doc, reason));
            }
        }
        // After the others are sealed: they count on under the epoch that ends here.
        for (doc, reason) in bad {
            self.set_aside_unsealable(doc, reason)?;
        }
        Ok(())
    }

    fn seal(&mut self, doc: DocId) -> Result<()> {
        let row = document::row(self.store.conn(), doc)?
            .ok_or(crate::device::DeviceError::NotFound(doc))?;
        let sealing = self.sealing(row.space, doc, row.kind, Vec::new())?;
        // What was done in time and what was done after is judged apart.
        let ends_ms = space::space(self.store.conn(), row.space)?
            .and_then(|space| space.standing.until_ms)
            .map(|ends_ms| ends_ms.saturating_sub(sealing.offset_ms.unwrap_or(0)));
        let key = self.key.clone();
        self.store
            .write_or(|tx| seal_unsealed(tx, sealing, &key, ends_ms, &BTreeMap::new()))
    }

    pub(crate) fn sealing(
        &mut self,
        space: SpaceId,
        doc: DocId,
        kind: u8,
        replaces: Vec<EnvelopeId>,
    ) -> Result<Sealing> {
        let kind = crate::documents::Kind::from_number(kind).ok_or(Refusal::new("kind_unknown"))?;
        Ok(Sealing {
            space,
            doc,
            kind,
            device: self.identity()?.device,
            epoch: self.epoch(space)?,
            replaces,
            sealed_at_ms: self.env.now_ms(),
            offset_ms: self.clock_offset_ms()?,
        })
    }
}

/// What a header names as replaced at most: half of what it has room for.
pub(crate) const NAMES: usize = 240;

/// Seals a document's unsealed changes, in runs the relay accepts; none has changes from both before and
/// after `ends_ms` (device clock), if that is given. Each run names what its own changes make again (`names`, at
/// most half of [`NAMES`] a change), so that no copy of this store brings the same again in whatever envelope; the
/// last one, when all of it is there, the envelopes that are replaced.
pub(crate) fn seal_unsealed(
    tx: &Tx<'_>,
    mut sealing: Sealing,
    key: &ed25519_dalek::SigningKey,
    ends_ms: Option<i64>,
    names: &BTreeMap<Hash, Vec<EnvelopeId>>,
) -> Result<()> {
    let mut parts: Vec<(bool, Vec<Vec<u8>>)> = Vec::new();
    let room = NAMES.saturating_sub(sealing.replaces.len()).max(NAMES / 2);
    let mut named = 0;
    for change in outbox::unsealed(tx, sealing.doc)? {
        let late = match ends_ms {
            Some(ends_ms) => Chunk::parse(&change.bytes)?.0.time >= ends_ms,
            None => false,
        };
        let own = names.get(&change.hash).map_or(0, Vec::len);
        match parts.last_mut() {
            Some((same, part)) if *same == late && named + own <= room => part.push(change.bytes),
            Some(_) | None => {
                named = 0;
                parts.push((late, vec![change.bytes]));
            }
        }
        named += own;
    }
    let mut runs = Vec::new();
    for (_, part) in parts {
        runs.extend(run::split(part, sealing.kind)?);
    }
    let replaced = std::mem::take(&mut sealing.replaces);
    let last = runs.len().saturating_sub(1);
    for (at, run) in runs.iter().enumerate() {
        let mut sealing = sealing.clone();
        for bytes in run.iter().filter(|_| !names.is_empty()) {
            let (_, hash) = Chunk::parse(bytes)?;
            let named = names.get(&hash).into_iter().flatten();
            sealing.replaces.extend(named);
        }
        if at == last {
            sealing.replaces.extend(&replaced);
        }
        let sealed = run::seal(sealing, run, key)?;
        outbox::insert_sealed(tx, &sealed.proof, &sealed.envelope.run, &sealed.hashes)?;
    }
    Ok(())
}
