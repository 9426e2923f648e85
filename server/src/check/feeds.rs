//! Feeds: no gap, every running hash, every accept tag, and behind each place what it names.

use std::collections::{BTreeMap, BTreeSet};

use ed25519_dalek::VerifyingKey;
use sopu_core::chunk::Made;
use sopu_core::envelope::{Envelope, Header, decode, digest, feed_hash};
use sopu_core::guard::Limits;
use sopu_core::id::{DeviceId, Hash, SpaceId};
use sopu_core::run;
use sopu_core::wire::SignedNotice;

use super::{Finding, MOST, Report};
use crate::keys::RelayKeys;
use crate::relay::DATABASE;
use crate::store::{EnvelopeRow, FeedRow, FeedWhat, RelayStore, Result, State};

/// Entries read at a time.
const STRIDE: usize = 256;

/// Looks through all feeds.
pub(super) fn check(
    store: &mut dyn RelayStore,
    keys: Option<&RelayKeys>,
    report: &mut Report,
) -> Result<()> {
    let mut signers: BTreeMap<DeviceId, Option<VerifyingKey>> = BTreeMap::new();
    for space in store.feed_spaces()? {
        let (mut seq, mut hash) = (0, [0; 32]);
        loop {
            let rows = store.feed_after(space, seq, STRIDE)?;
            if rows.is_empty() {
                break;
            }
            for row in rows {
                report.entries += 1;
                if row.seq != seq + 1 {
                    found(report, space, seq + 1, "is missing");
                }
                hash = feed_hash(&hash, &row.id);
                if row.hash != hash {
                    found(report, space, row.seq, "has another running hash");
                    hash = row.hash;
                }
                seq = row.seq;
                if let Some(why) = wrong(store, keys, &mut signers, &row)? {
                    found(report, space, row.seq, why);
                }
            }
        }
        let head = store.head(space)?;
        if (head.seq, head.hash) != (seq, hash) {
            found(
                report,
                space,
                head.seq,
                "is where the feed should end, and does not",
            );
        }
    }
    Ok(())
}

fn found(report: &mut Report, space: SpaceId, seq: u64, why: &str) {
    if report.findings.len() < MOST {
        let what = format!("feed of space {space}: entry {seq} {why}");
        report.findings.push(Finding::new(DATABASE, what));
    }
}

/// What is wrong with an entry, if anything.
fn wrong(
    store: &mut dyn RelayStore,
    keys: Option<&RelayKeys>,
    signers: &mut BTreeMap<DeviceId, Option<VerifyingKey>>,
    row: &FeedRow,
) -> Result<Option<&'static str>> {
    let tag = |signer| keys.is_none_or(|k| k.accept_tag(row.space, &row.id, signer) == row.accept);
    let arrival = match &row.what {
        FeedWhat::Envelope(arrival) => *arrival,
        FeedWhat::Notice { body, signature } => {
            let notice = SignedNotice {
                body: body.clone(),
                signature: *signature,
            };
            return Ok(if notice.id() != row.id {
                Some("is a notice of another id")
            } else if keys.is_some_and(|keys| !keys.verify_notice(&notice)) {
                Some("is a notice this relay did not sign")
            } else if !tag(None) {
                Some("has a wrong accept tag")
            } else {
                None
            });
        }
    };
    let Some(kept) = store.envelope_at(arrival)? else {
        return Ok(Some("names an envelope that is not there"));
    };
    if kept.state != State::Fed(row.seq) {
        return Ok(Some("names an envelope that is said to be elsewhere"));
    }
    if kept.to_proof().id() != row.id || kept.id != row.id {
        return Ok(Some("names an envelope of another id"));
    }
    if !tag(Some(kept.device)) {
        return Ok(Some("has a wrong accept tag"));
    }
    if let Some(why) = misplaced(store, row, &kept)? {
        return Ok(Some(why));
    }
    let key = match signers.get(&kept.device) {
        Some(key) => *key,
        None => {
            let key = store.device(kept.device)?;
            let key = key.and_then(|device| VerifyingKey::from_bytes(&device.key).ok());
            signers.insert(kept.device, key);
            key
        }
    };
    if !key.is_some_and(|key| kept.to_proof().verify(&key)) {
        return Ok(Some("has a wrong signature"));
    }
    Ok(damaged(&kept).then_some("has a run that is not what was signed"))
}

/// What is known of an envelope beside it, by which it is found, against what was signed.
fn misplaced(
    store: &mut dyn RelayStore,
    row: &FeedRow,
    kept: &EnvelopeRow,
) -> Result<Option<&'static str>> {
    let known = (kept.space, kept.doc, kept.kind, kept.device, kept.changes);
    let signed = decode::<Header>(&kept.header);
    if signed.is_none_or(|h| (h.space, h.doc, h.kind, h.device, h.changes) != known)
        || (row.space, row.doc) != (kept.space, kept.doc)
    {
        return Ok(Some("names an envelope that was signed for another place"));
    }
    let document = store.document(row.doc)?;
    if document.is_none_or(|document| {
        (document.space, document.kind) != (kept.space, kept.kind) || document.last_seq < row.seq
    }) {
        return Ok(Some("is of a document that is not known as such"));
    }
    if let Ok(Some(changes)) = kept.signed_changes() {
        let brought: BTreeSet<Hash> = changes.iter().map(Made::hash).collect();
        let known: BTreeSet<Hash> = store.changes_of(kept.arrival)?.into_iter().collect();
        if brought != known {
            return Ok(Some("brings other changes than are known of it"));
        }
    }
    Ok(None)
}

/// Whether the run is not what the digest says. One that was erased is not there to be wrong.
fn damaged(kept: &EnvelopeRow) -> bool {
    let envelope = kept.to_envelope();
    envelope.is_some_and(|envelope| !run_is_signed(&envelope, &kept.digest))
}

/// Whether the run holds the changes whose hashes were signed, also where its kind is not known here.
pub(crate) fn run_is_signed(envelope: &Envelope, signed: &[u8; 32]) -> bool {
    let known = decode::<Header>(&envelope.header).is_some_and(|header| header.kind().is_some());
    if known {
        return run::open(envelope, &Limits::RELAY)
            .is_ok_and(|opened| digest(&opened.hashes) == *signed);
    }
    envelope
        .proof(&Limits::RELAY)
        .is_some_and(|proof| proof.digest == *signed)
}
