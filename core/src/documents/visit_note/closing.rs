//! How a visit note is closed: acknowledged, sealed, counted against quotas, corrected, co-signed.

use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::documents::{Field, Rule, Type};
use crate::id::DocId;

record! {
    /// The farmer's or client's tap of approval, or refusal.
    pub struct Acknowledgement {
        /// Name of the person.
        pub who: Option<String>,
        /// `tap`, `drawn`, `spoken`, `bank_id` or `refused`.
        pub method: Option<String>,
        /// When, milliseconds since 1970 UTC.
        pub at: Option<i64>,
        /// SHA-256 of what was shown.
        pub hash: Option<String>,
    }
}

pub(super) const ACKNOWLEDGEMENT: &[Field] = &[
    Field::new("who", Rule::Lww, Type::Str(120)),
    Field::new("method", Rule::Lww, Type::Code("ack_method")),
    Field::new("at", Rule::Lww, Type::Instant),
    Field::new("hash", Rule::Lww, Type::Hex(32)),
];

record! {
    /// The content as it stood when the author finalised the note.
    pub struct Seal {
        /// Number N of the frozen field list `canon/N`.
        pub canon: Option<i64>,
        /// SHA-256 of the canonical bytes under that list.
        pub hash: Option<String>,
        /// When, milliseconds since 1970 UTC.
        pub at: Option<i64>,
        /// The member who finalised.
        pub by: Option<Uuid>,
    }
}

pub(super) const SEAL: &[Field] = &[
    Field::new("canon", Rule::Lww, Type::Int),
    Field::new("hash", Rule::Lww, Type::Hex(32)),
    Field::new("at", Rule::Lww, Type::Instant),
    Field::new("by", Rule::Lww, Type::Id),
];

record! {
    /// The only way to change a finalised note: what was, what is, and why.
    pub struct Correction {
        /// Path of the field.
        pub field: Option<String>,
        /// What it said.
        pub old: Option<String>,
        /// What it should say.
        pub new: Option<String>,
        /// Why.
        pub why: Option<String>,
        /// The member who corrects.
        pub by: Option<Uuid>,
        /// When, milliseconds since 1970 UTC.
        pub at: Option<i64>,
        /// The correction this one corrects.
        pub supersedes: Option<Uuid>,
    }
}

pub(super) const CORRECTION: &[Field] = &[
    Field::new("field", Rule::Lww, Type::Str(200)),
    Field::new("old", Rule::Lww, Type::Str(4_000)),
    Field::new("new", Rule::Lww, Type::Str(4_000)),
    Field::new("why", Rule::Lww, Type::Str(500)),
    Field::new("by", Rule::Lww, Type::Id),
    Field::new("at", Rule::Lww, Type::Instant),
    Field::new("supersedes", Rule::Lww, Type::Id),
];

record! {
    /// What the visit draws from one quota of a contract. Stored under [`quota_entry_key`], and it
    /// holds nothing that differs between two devices finalising the same visit, so that both
    /// write the same entry and it counts once.
    pub struct QuotaEntry {
        /// The contract.
        pub contract: Option<Uuid>,
        /// Key of the quota in the contract.
        pub quota: Option<Uuid>,
        /// How much in all, in `unit`: an entry of a later round replaces the earlier ones.
        pub qty: Option<String>,
        /// The quota's unit.
        pub unit: Option<String>,
        /// Day of the visit; decides the period.
        pub date: Option<String>,
        /// Round of the note's status it was finalised in.
        pub round: Option<i64>,
    }
}

pub(super) const QUOTA_ENTRY: &[Field] = &[
    Field::new("contract", Rule::Lww, Type::Id),
    Field::new("quota", Rule::Lww, Type::Id),
    Field::new("qty", Rule::Lww, Type::Dec(2)),
    Field::new("unit", Rule::Lww, Type::Code("unit")),
    Field::new("date", Rule::Lww, Type::Date),
    Field::new("round", Rule::Lww, Type::Int),
];

/// The key of a visit's draw from a quota in a status round: the same on every device.
/// A version 8 UUID (RFC 9562) from SHA-256.
pub fn quota_entry_key(visit: DocId, quota: Uuid, round: u16) -> Uuid {
    let mut sha = Sha256::new();
    sha.update(b"sopu-quota-entry-1");
    sha.update(visit.as_bytes());
    sha.update(quota.as_bytes());
    sha.update(round.to_be_bytes());
    let hash: [u8; 32] = sha.finalize().into();
    let mut bytes = [0u8; 16];
    bytes.copy_from_slice(&hash[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

record! {
    /// A supervisor stands behind a student's note; needed before it is approved.
    pub struct Cosign {
        /// The student.
        pub student: Option<Uuid>,
        /// The supervisor.
        pub supervisor: Option<Uuid>,
        /// When, milliseconds since 1970 UTC.
        pub at: Option<i64>,
    }
}

pub(super) const COSIGN: &[Field] = &[
    Field::new("student", Rule::Lww, Type::Id),
    Field::new("supervisor", Rule::Lww, Type::Id),
    Field::new("at", Rule::Lww, Type::Instant),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_entry_key_is_the_same_everywhere_and_differs_by_each_part() {
        let (visit, other) = (DocId(Uuid::from_u128(1)), DocId(Uuid::from_u128(2)));
        let (quota, second) = (Uuid::from_u128(3), Uuid::from_u128(4));
        let key = quota_entry_key(visit, quota, 1);
        assert_eq!(key, quota_entry_key(visit, quota, 1));
        assert_eq!(key.get_version_num(), 8);
        for different in [
            quota_entry_key(other, quota, 1),
            quota_entry_key(visit, second, 1),
            quota_entry_key(visit, quota, 2),
        ] {
            assert_ne!(key, different);
        }
    }

    #[test]
    fn the_quota_entry_key_never_changes() {
        // A golden value: another derivation would count one visit twice across app versions.
        let key = quota_entry_key(DocId(Uuid::from_u128(1)), Uuid::from_u128(3), 1);
        assert_eq!(key.to_string(), "ad4daf05-6352-8ba3-9f18-f18e118cc189");
    }
}
