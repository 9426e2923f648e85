//! How a contract is sealed, signed, changed and ended.

use uuid::Uuid;

record! {
    /// What locking stores: what is signed, byte for byte.
    pub struct Seal {
        /// Number of the field list it was made by.
        pub canon: Option<i64>,
        /// The canonical bytes, hex.
        pub bytes: Option<String>,
        /// Their SHA-256, hex.
        pub hash: Option<String>,
        /// Who locked.
        pub by: Option<Uuid>,
        /// When, milliseconds since 1970 UTC.
        pub at: Option<i64>,
    }
}

record! {
    /// One signature, bound to one seal's hash.
    pub struct Signature {
        /// The contract.
        pub doc: Option<Uuid>,
        /// Key of the party in `parties`.
        pub party: Option<Uuid>,
        /// Who signed.
        pub signer: Option<Uuid>,
        /// The signer's name as shown when signing.
        pub signer_name: Option<String>,
        /// List `signature_level`: `ses` or `ades` (eIDAS articles 3 and 26).
        pub level: Option<String>,
        /// List `signature_method`.
        pub method: Option<String>,
        /// Number of the seal's field list.
        pub canon: Option<i64>,
        /// The seal's hash, hex.
        pub hash: Option<String>,
        /// When, device clock, milliseconds since 1970 UTC.
        pub signed_at: Option<i64>,
        /// Where, in words.
        pub place: Option<String>,
        /// The device it was given on.
        pub device: Option<Uuid>,
        /// That device's public key, hex. Absent on one vouched by the office.
        pub device_key: Option<String>,
        /// Ed25519 signature of the device, hex.
        pub device_sig: Option<String>,
        /// The member of the office who vouches for a signature given elsewhere (paper, broker).
        pub vouched_by: Option<Uuid>,
        /// Where the proof is: a broker's transaction, a scanned paper.
        pub evidence: Option<String>,
        /// The signature this one replaces: an upgrade of its level, or a new hash.
        pub supersedes: Option<Uuid>,
        /// The signer took the signature back before the contract was signed by all.
        pub withdrawn: Option<bool>,
    }
}

record! {
    /// A child contract that changes this one.
    pub struct Amendment {
        /// The child.
        pub contract: Option<Uuid>,
        /// First day it counts.
        pub effective_on: Option<String>,
        /// Field paths it replaces.
        pub fields: Vec<String>,
        /// Who linked it.
        pub by: Option<Uuid>,
        /// When, milliseconds since 1970 UTC.
        pub at: Option<i64>,
    }
}

record! {
    /// Notice given.
    pub struct Termination {
        /// Key of the party that gave it.
        pub by: Option<Uuid>,
        /// The day it was given.
        pub date: Option<String>,
        /// Why.
        pub reason: Option<String>,
        /// Last day in force.
        pub effective_on: Option<String>,
        /// For cause, so that the notice period does not bind.
        pub for_cause: Option<bool>,
    }
}

record! {
    /// What happens at the end.
    pub struct Renewal {
        /// It goes on by itself.
        pub auto: Option<bool>,
        /// Days before the end to remind; 60 and 30 unless agreed otherwise.
        pub remind_days: Vec<i64>,
    }
}
