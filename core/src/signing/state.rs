//! How far the signing of a contract is, and what was signed.

use data_encoding::HEXLOWER;
use serde_json::Value;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{canon, verify};
use crate::documents::Document;
use crate::documents::contract::{Contract, Seal, Signature};
use crate::id::DocId;

/// Whether the contract still says what its seal says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// It does.
    Same,
    /// Somebody wrote a sealed field afterwards; what they wrote belongs into an amendment.
    Changed,
    /// The seal was made by a field list this version does not know.
    CannotJudge,
}

/// How one signatory stands towards the seal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Has not signed anything.
    Missing,
    /// Signed another content than the one sealed.
    OtherVersion,
    /// There is an entry, but its signature is not right.
    Invalid,
    /// The office vouches for a signature given elsewhere. Whether the entry's author was the
    /// office is in the document's history, not in the entry.
    Vouched,
    /// Signed on a device, and the signature is right.
    Signed,
}

/// One signatory of one party.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signatory {
    /// Key of the party in `parties`.
    pub party: Uuid,
    /// Who is to sign.
    pub signer: Uuid,
    /// How they stand.
    pub standing: Standing,
    /// Key of the signature that decides it.
    pub entry: Option<Uuid>,
}

/// How far the signing is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SigningState {
    /// Key of the seal in force, if the contract was ever locked.
    pub seal: Option<Uuid>,
    /// The seal's hash.
    pub hash: Option<String>,
    /// Whether the contract still says the same.
    pub content: Option<Comparison>,
    /// Everybody the sealed content names as a signatory, by party.
    pub signatories: Vec<Signatory>,
}

impl SigningState {
    /// All have signed, on devices or vouched for by the office.
    pub fn complete(&self) -> bool {
        self.all(|standing| matches!(standing, Standing::Signed | Standing::Vouched))
    }

    /// All have signed on devices.
    pub fn complete_by_devices(&self) -> bool {
        self.all(|standing| standing == Standing::Signed)
    }

    fn all(&self, fine: impl Fn(Standing) -> bool) -> bool {
        !self.signatories.is_empty() && self.signatories.iter().all(|s| fine(s.standing))
    }
}

/// How far the signing is, for the seal in force: the newest whose content is still the contract's,
/// or else the newest. Seals whose bytes do not fit their hash count for nothing.
pub fn signing_state(doc: DocId, value: &Value) -> SigningState {
    let contract = Contract::from_value(value);
    let intact: Vec<Intact> = intact_seals(&contract);
    let compared = |seal: &Intact| compare(seal, value);
    let same = intact
        .iter()
        .rev()
        .find(|s| compared(s) == Comparison::Same);
    let Some(seal) = same.or(intact.last()) else {
        return SigningState::default();
    };
    SigningState {
        seal: Some(seal.key),
        hash: Some(seal.hash.clone()),
        content: Some(compared(seal)),
        signatories: signatories(doc, &contract, seal),
    }
}

/// What was signed: the content of the newest seal that all its signatories have signed, whatever
/// was written later.
pub fn signed_content(doc: DocId, value: &Value) -> Option<Value> {
    let contract = Contract::from_value(value);
    let seal = intact_seals(&contract).into_iter().rev().find(|seal| {
        let signatories = signatories(doc, &contract, seal);
        SigningState {
            signatories,
            ..SigningState::default()
        }
        .complete()
    });
    seal.map(|seal| seal.content)
}

/// A seal whose bytes fit its hash, with what they hold.
struct Intact {
    key: Uuid,
    canon: Option<u32>,
    hash: String,
    content: Value,
}

/// By key, and so by the time of locking.
fn intact_seals(contract: &Contract) -> Vec<Intact> {
    let open = |(key, seal): (&Uuid, &Seal)| {
        let bytes = HEXLOWER.decode(seal.bytes.as_deref()?.as_bytes()).ok()?;
        let hash = HEXLOWER.encode(&Sha256::digest(&bytes));
        let content = canon::content_of(&bytes)?;
        let canon = seal.canon.and_then(|n| u32::try_from(n).ok());
        (seal.hash.as_ref() == Some(&hash)).then_some(Intact {
            key: *key,
            canon,
            hash,
            content,
        })
    };
    contract.seals.iter().filter_map(open).collect()
}

fn compare(seal: &Intact, value: &Value) -> Comparison {
    match seal.canon.and_then(|n| canon::canonical_bytes(n, value)) {
        None => Comparison::CannotJudge,
        Some(bytes) if HEXLOWER.encode(&Sha256::digest(&bytes)) == seal.hash => Comparison::Same,
        Some(_) => Comparison::Changed,
    }
}

/// Who must sign is read from the sealed content: taking a signatory off the live contract must
/// not make it signed.
fn signatories(doc: DocId, contract: &Contract, seal: &Intact) -> Vec<Signatory> {
    let sealed = Contract::from_value(&seal.content);
    let mut all = Vec::new();
    for (party, sealed_party) in &sealed.parties {
        let named = sealed_party.signatory_ids.iter().copied().map(Some);
        // A party nobody may sign for can never have signed.
        let nobody = sealed_party.signatory_ids.is_empty().then_some(None);
        for signer in named.chain(nobody) {
            let (standing, entry) = match signer {
                Some(signer) => standing(doc, contract, &seal.hash, *party, signer),
                None => (Standing::Missing, None),
            };
            all.push(Signatory {
                party: *party,
                signer: signer.unwrap_or_default(),
                standing,
                entry,
            });
        }
    }
    all
}

/// The best of the signatory's live entries.
fn standing(
    doc: DocId,
    contract: &Contract,
    hash: &str,
    party: Uuid,
    signer: Uuid,
) -> (Standing, Option<Uuid>) {
    let own: Vec<(&Uuid, &Signature)> = contract
        .signatures
        .iter()
        .filter(|(_, s)| s.party == Some(party) && s.signer == Some(signer))
        .collect();
    // Only what the same signatory rightly signed, or the office entered, can take a signature back.
    let counts = |s: &Signature| verify(doc, s) || vouched(doc, s);
    let gone: Vec<Uuid> = own
        .iter()
        .filter(|(_, s)| counts(s))
        .filter_map(|(_, s)| s.supersedes)
        .collect();
    own.iter()
        .filter(|(key, s)| !gone.contains(key) && s.withdrawn != Some(true))
        .map(|(key, s)| (judge(doc, s, hash), Some(**key)))
        .max_by_key(|(standing, key)| (rank(*standing), *key))
        .unwrap_or((Standing::Missing, None))
}

fn judge(doc: DocId, entry: &Signature, hash: &str) -> Standing {
    let right = if vouched(doc, entry) {
        Standing::Vouched
    } else if verify(doc, entry) {
        Standing::Signed
    } else {
        return Standing::Invalid;
    };
    if entry.hash.as_deref() == Some(hash) {
        right
    } else {
        Standing::OtherVersion
    }
}

/// An entry the office vouches for carries no device signature; one that claims both is neither.
fn vouched(doc: DocId, entry: &Signature) -> bool {
    entry.doc == Some(doc.0)
        && entry.vouched_by.is_some()
        && entry.device_sig.is_none()
        && entry.device_key.is_none()
}

fn rank(standing: Standing) -> u8 {
    match standing {
        Standing::Missing => 0,
        Standing::Invalid => 1,
        Standing::OtherVersion => 2,
        Standing::Vouched => 3,
        Standing::Signed => 4,
    }
}
