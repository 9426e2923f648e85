//! Runs: changes of one document by one device, in causal order, sealed together when the device
//! first tries to send them. A sealed run never changes; what is saved later goes into the next.

use ed25519_dalek::SigningKey;

use crate::chunk::Made;
use crate::documents::Kind;
use crate::encoding::{encode_changes, rebuild_changes};
use crate::envelope::{self, Envelope, Epoch, Header, Proof};
use crate::genesis::genesis;
use crate::guard::{self, Checked, Limits, Refusal, Shape};
use crate::id::{DeviceId, DocId, EnvelopeId, Hash, SpaceId};
use crate::wire::limits;

/// What the sealer knows of a run; the rest of the header follows from its changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealing {
    /// Where the document lives.
    pub space: SpaceId,
    /// The document.
    pub doc: DocId,
    /// Its kind.
    pub kind: Kind,
    /// Who seals.
    pub device: DeviceId,
    /// The epoch its actor was made in.
    pub epoch: Epoch,
    /// Envelopes this run replays.
    pub replaces: Vec<EnvelopeId>,
    /// Device clock, milliseconds since 1970 UTC.
    pub sealed_at_ms: i64,
    /// Relay clock minus device clock as last measured.
    pub offset_ms: Option<i64>,
}

/// A sealed run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// To send and to keep.
    pub envelope: Envelope,
    /// The same without the payload.
    pub proof: Proof,
    /// The change hashes, in the run's order.
    pub hashes: Vec<Hash>,
}

/// Work saved that long before it is sealed says so, milliseconds; below, [`Opened::done_ms`] asks the changes.
const SAVED_BEFORE_MS: i64 = 60_000;

/// Seals changes of one document by one device, given in causal order.
///
/// # Errors
/// What a relay would refuse: the run goes through the static guard at the relay's limits.
pub fn seal(sealing: Sealing, changes: &[Vec<u8>], key: &SigningKey) -> Result<Sealed, Refusal> {
    let actor = envelope::actor_id(&key.verifying_key(), sealing.space, &sealing.epoch);
    let checked = check_all(changes, sealing.kind, &Limits::RELAY)?;
    let shape = Shape::of(&checked, &genesis(sealing.kind).hash)?;
    let mut replaces = sealing.replaces;
    replaces.sort_unstable();
    replaces.dedup();
    let header = Header {
        space: sealing.space,
        doc: sealing.doc,
        kind: sealing.kind.number(),
        device: sealing.device,
        epoch: sealing.epoch,
        actors: shape.actors,
        deps: shape.deps,
        replaces,
        changes: u32::try_from(changes.len()).map_err(|_| Refusal::new("too_many_changes"))?,
        sealed_at_ms: sealing.sealed_at_ms,
        offset_ms: sealing.offset_ms,
        saved_at_ms: checked
            .iter()
            .map(|change| change.time)
            .max()
            .filter(|saved| sealing.sealed_at_ms.saturating_sub(*saved) >= SAVED_BEFORE_MS),
    };
    guard::check_run_of(&header, &checked, &actor, &Limits::RELAY)?;
    let hashes: Vec<Hash> = checked.iter().map(|c| c.hash).collect();
    let proof = envelope::sign(&header, &hashes, key);
    if proof.header.len() > limits::HEADER {
        return Err(Refusal::new("header_too_large"));
    }
    let envelope = Envelope {
        header: proof.header.clone(),
        signature: proof.signature,
        run: encode_changes(changes)?,
    };
    Ok(Sealed {
        envelope,
        proof,
        hashes,
    })
}

/// Splits changes in causal order into runs a relay accepts, each as long as its limits allow.
///
/// # Errors
/// If one change alone is refused by the static guard.
pub fn split(changes: Vec<Vec<u8>>, kind: Kind) -> Result<Vec<Vec<Vec<u8>>>, Refusal> {
    let limits = &Limits::RELAY;
    let mut runs: Vec<Vec<Vec<u8>>> = Vec::new();
    let (mut bytes, mut ops, mut deps) = (0, 0, 0);
    for change in changes {
        let checked = guard::check_change(&change, kind, limits)?;
        bytes += change.len();
        ops += checked.ops();
        deps += checked.deps.len();
        match runs.last_mut() {
            Some(run)
                if bytes <= limits.run_bytes
                    && ops <= limits.run_ops
                    && run.len() < limits.changes
                    && deps * 34 <= limits::HEADER * 3 / 4 =>
            {
                run.push(change);
            }
            Some(_) | None => {
                (bytes, ops, deps) = (change.len(), checked.ops(), checked.deps.len());
                runs.push(vec![change]);
            }
        }
    }
    Ok(runs)
}

/// An envelope taken apart and guarded, its signature not yet judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// The envelope's id.
    pub id: EnvelopeId,
    /// To verify with the signer's key ([`Proof::verify`]).
    pub proof: Proof,
    /// The parsed header.
    pub header: Header,
    /// Its kind.
    pub kind: Kind,
    /// The actor all changes were written under; must be [`envelope::actor_id`] of the signer's
    /// key, the space and the epoch.
    pub base_actor: [u8; 16],
    /// What the static guard learned of each change.
    pub checked: Vec<Checked>,
    /// The change hashes, in the run's order.
    pub hashes: Vec<Hash>,
    /// The rebuilt changes.
    pub changes: Vec<Vec<u8>>,
}

impl Opened {
    /// As [`Header::done_ms`], to the millisecond: by the changes themselves where the header does not say.
    pub fn done_ms(&self, offset_ms: i64) -> i64 {
        let newest = self.checked.iter().map(|change| change.time).max();
        let header = Header {
            saved_at_ms: self.header.saved_at_ms.or(newest),
            ..self.header.clone()
        };
        header.done_ms(offset_ms)
    }
}

/// Takes an envelope apart and runs the whole static guard. What is left to the caller, who knows
/// the signer's key: `opened.proof.verify(key)`, and that `opened.base_actor` is the signer's.
///
/// # Errors
/// The first thing found wrong.
pub fn open(envelope: &Envelope, limits: &Limits) -> Result<Opened, Refusal> {
    if envelope.header.len() > limits::HEADER {
        return Err(Refusal::new("header_too_large"));
    }
    let header: Header =
        envelope::decode(&envelope.header).ok_or(Refusal::new("header_unreadable"))?;
    let kind = header.kind().ok_or(Refusal::new("kind_unknown"))?;
    let changes = rebuild_changes(&envelope.run, limits)?;
    let checked = changes
        .iter()
        .map(|made| guard::check_made(made, kind, limits))
        .collect::<Result<Vec<_>, _>>()?;
    let base_actor = guard::base_actor(&checked).ok_or(Refusal::new("run_empty"))?;
    guard::check_run_of(&header, &checked, &base_actor, limits)?;
    let hashes: Vec<Hash> = checked.iter().map(|c| c.hash).collect();
    let proof = Proof {
        header: envelope.header.clone(),
        signature: envelope.signature,
        digest: envelope::digest(&hashes),
    };
    Ok(Opened {
        id: proof.id(),
        proof,
        header,
        kind,
        base_actor,
        checked,
        hashes,
        changes: changes.into_iter().map(Made::into_bytes).collect(),
    })
}

impl Envelope {
    /// Header, signature and digest, without judging what the run does, so that the kind of the
    /// document need not be known here; `None` if header or run cannot be read.
    pub fn proof(&self, limits: &Limits) -> Option<Proof> {
        envelope::decode::<Header>(&self.header)?;
        let changes = rebuild_changes(&self.run, limits).ok()?;
        let hash = |made: &Made| made.chunk().ok().map(|_| made.hash());
        let hashes: Option<Vec<Hash>> = changes.iter().map(hash).collect();
        Some(Proof {
            header: self.header.clone(),
            signature: self.signature,
            digest: envelope::digest(&hashes?),
        })
    }
}

fn check_all(changes: &[Vec<u8>], kind: Kind, limits: &Limits) -> Result<Vec<Checked>, Refusal> {
    changes
        .iter()
        .map(|change| guard::check_change(change, kind, limits))
        .collect()
}

#[cfg(test)]
mod day;
#[cfg(test)]
mod tests;
