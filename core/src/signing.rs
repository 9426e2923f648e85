//! Sealing and signing a contract.
//!
//! Locking stores the canonical bytes of a frozen field list ([`canon`]) as a *seal*. A signature
//! is an entry of its own, bound to the seal's hash, to the contract and to the signer, and made
//! by the key of the device it was given on: tamper-evident without any network (a simple
//! electronic signature in eIDAS terms; a broker's proof can raise it later). What was signed can
//! therefore always be shown byte for byte, whatever is written afterwards ([`state`]).
//!
//! A signature given on paper or at a broker is entered by the office, which vouches for it; it is
//! shown so and never counts as a device's.

use data_encoding::HEXLOWER;
use ed25519_dalek::{Signer, SigningKey, VerifyingKey};
use jiff::civil::Date;
use serde_json::Value;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::canonical;
use crate::documents::check::code;
use crate::documents::contract::{Contract, MAX_SEAL_BYTES, Seal, Signature};
use crate::documents::{Document, Problem, Validation};
use crate::id::{DocId, MemberId};
use crate::read::Reading;

pub mod canon;
pub mod state;

pub use canon::{canonical_bytes, content_of};
pub use state::{Comparison, SigningState, Standing, signed_content, signing_state};

/// Number of the field list new seals are made by.
pub const CANON: u32 = 1;

/// The seal of a contract's present content, made without asking whether it should be locked; see
/// [`lock`]. `None` if the content has no canonical form or is too large for one.
pub fn seal_entry(value: &Value, by: MemberId, at_ms: i64) -> Option<Seal> {
    let bytes = canonical_bytes(CANON, value).filter(|b| b.len() <= MAX_SEAL_BYTES as usize)?;
    Some(Seal {
        canon: Some(i64::from(CANON)),
        hash: Some(HEXLOWER.encode(&Sha256::digest(&bytes))),
        bytes: Some(HEXLOWER.encode(&bytes)),
        by: Some(by.0),
        at: Some(at_ms),
    })
}

/// The seal that locks a contract, or everything that stands in the way: conflicts in sealed
/// fields, content this version does not understand, and whatever validation blocks on.
pub fn lock(
    reading: &Reading,
    today: Date,
    by: MemberId,
    at_ms: i64,
) -> Result<Seal, Vec<Problem>> {
    let problem = |path: &str, code| Problem {
        path: path.to_owned(),
        code,
        blocks: true,
    };
    let sealed = |path: &&str| canon::seals(path);
    let conflicts = reading.conflicts.iter().map(|c| c.path.as_str());
    let clashes = reading.log_clashes.iter().map(|c| c.field.as_str());
    let unknown = reading.unknown.iter().map(String::as_str);

    let mut problems: Vec<Problem> = conflicts
        .chain(clashes)
        .filter(sealed)
        .map(|path| problem(path, code::CONFLICT))
        .chain(
            unknown
                .filter(sealed)
                .map(|path| problem(path, code::UNKNOWN_CONTENT)),
        )
        .collect();
    let ctx = Validation {
        towards: "locked",
        today,
    };
    problems.extend(
        Contract::from_value(&reading.value)
            .validate(&ctx)
            .into_iter()
            .filter(|p| p.blocks),
    );
    if !problems.is_empty() {
        return Err(problems);
    }
    seal_entry(&reading.value, by, at_ms)
        .ok_or_else(|| vec![problem("seals", code::SEAL_TOO_LARGE)])
}

/// The contract's JSON form with the seal added under this key and the status raised to locked,
/// to be saved in one change.
pub fn with_seal(value: &Value, key: Uuid, seal: Seal) -> Value {
    let mut contract = Contract::from_value(value);
    contract.seals.insert(key, seal);
    contract.status = Some("locked".to_owned());
    contract.to_value()
}

/// Signs a seal on this device. The statement says who, for which party, at what level, where and
/// when; `doc`, `canon` and `hash` are taken from the arguments. `None` if the seal is incomplete.
pub fn signature_entry(
    doc: DocId,
    seal: &Seal,
    statement: Signature,
    key: &SigningKey,
) -> Option<Signature> {
    let mut entry = Signature {
        doc: Some(doc.0),
        canon: Some(seal.canon?),
        hash: Some(seal.hash.clone()?),
        device_key: Some(HEXLOWER.encode(key.verifying_key().as_bytes())),
        device_sig: None,
        vouched_by: None,
        ..statement
    };
    let signature = key.sign(&signed_bytes(&entry)?);
    entry.device_sig = Some(HEXLOWER.encode(&signature.to_bytes()));
    Some(entry)
}

/// Enters a signature given elsewhere, on paper or at a broker, for which a member of the office
/// vouches. `None` if the seal is incomplete.
pub fn vouched_entry(
    doc: DocId,
    seal: &Seal,
    statement: Signature,
    by: MemberId,
) -> Option<Signature> {
    Some(Signature {
        doc: Some(doc.0),
        canon: Some(seal.canon?),
        hash: Some(seal.hash.clone()?),
        device: None,
        device_key: None,
        device_sig: None,
        vouched_by: Some(by.0),
        ..statement
    })
}

/// Whether the entry is about this contract and carries a right signature by the device key named
/// in it. Whether that key is the named device's is for the caller to know, who has the devices.
pub fn verify(doc: DocId, entry: &Signature) -> bool {
    entry.doc == Some(doc.0) && verify_key(entry).is_some()
}

fn verify_key(entry: &Signature) -> Option<VerifyingKey> {
    let key: [u8; 32] = unhex(entry.device_key.as_deref()?)?;
    let signature: [u8; 64] = unhex(entry.device_sig.as_deref()?)?;
    let key = VerifyingKey::from_bytes(&key).ok()?;
    let signature = ed25519_dalek::Signature::from_bytes(&signature);
    key.verify_strict(&signed_bytes(entry)?, &signature)
        .is_ok()
        .then_some(key)
}

/// What a device signs: a domain word, then the canonical bytes of the statement. The list is
/// frozen with the word; a later part needs a new word.
fn signed_bytes(entry: &Signature) -> Option<Vec<u8>> {
    const STATEMENT: &[&str] = &[
        "doc",
        "party",
        "signer",
        "signer_name",
        "level",
        "method",
        "canon",
        "hash",
        "signed_at",
        "place",
        "device",
        "device_key",
        "evidence",
        "supersedes",
        "withdrawn",
    ];
    let mut statement = serde_json::to_value(entry).ok()?;
    statement
        .as_object_mut()?
        .retain(|part, _| STATEMENT.contains(&part.as_str()));
    let mut bytes = b"sopu-signature-1".to_vec();
    bytes.extend(canonical::try_to_cbor(&statement).ok()?);
    Some(bytes)
}

fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    HEXLOWER.decode(text.as_bytes()).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests;
