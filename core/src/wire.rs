//! The sync protocol: one request, one response, both CBOR, both zstd-compressed on the way.
//!
//! Numbers in `#[n(…)]` are the protocol; they are never reused. A field a later version adds is
//! skipped by an earlier one (CBOR arrays may be longer than expected), a field it lacks reads as
//! absent.

use minicbor::{Decode, Encode};
use sha2::{Digest, Sha256};

use crate::envelope::{Envelope, Proof};
use crate::id::{DeviceId, DocId, EnvelopeId, MemberId, OrgId, SpaceId};

pub mod body;

/// The protocol spoken by this code. A relay answers others with the problem `protocol_unknown`.
pub const PROTOCOL: u16 = 1;

/// Where devices sync.
pub const SYNC_PATH: &str = "/v1/sync";

/// Where devices enrol.
pub const ENROL_PATH: &str = "/v1/enrol";

/// Sizes both sides hold themselves to, in bytes.
pub mod limits {
    /// A compressed body.
    pub const BODY: usize = 4 * 1024 * 1024;
    /// The same body decompressed.
    pub const BODY_EXPANDED: usize = 16 * 1024 * 1024;
    /// The envelopes a device puts into one request.
    pub const PUSH: usize = 2 * 1024 * 1024;
    /// The entries a relay puts into one response, before compression, by default.
    pub const PAGE: usize = 2 * 1024 * 1024;
    /// A run, rebuilt. The relay's figure; devices accept twice as much.
    pub const RUN: usize = 256 * 1024;
    /// A header.
    pub const HEADER: usize = 16 * 1024;
    /// Envelopes in one request.
    pub const PUSH_COUNT: usize = 4_096;
    /// Cursors in one vector.
    pub const SPACES: usize = 4_096;
    /// Values of any kind in one body, lists and the bytes of an envelope counting as one each: a
    /// page of 8 MiB has less than half as many.
    pub const ITEMS: usize = 1 << 20;
    /// Lists inside each other in one body; ours reach nine.
    pub const DEPTH: usize = 32;
    /// Reads told in one request.
    pub const READS: usize = 1_024;
    /// Days a device may be without contact before it shows nothing, unless its organisation says
    /// otherwise.
    pub const LEASE_DAYS: u16 = 30;
    /// The longest a relay holds a request that waits for news.
    pub const WAIT_MS: u32 = 55_000;
}

/// What a device sends.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct SyncRequest {
    /// [`PROTOCOL`].
    #[n(0)]
    pub protocol: u16,
    /// The id from the device's instance file: tells a clone from the original.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub instance: [u8; 16],
    /// How far the device has come.
    #[n(2)]
    pub cursors: Cursors,
    /// Unsent envelopes, oldest first. The bytes of an [`Envelope`] each, so that one that cannot
    /// be read refuses itself and not the request.
    #[n(3)]
    pub push: Vec<minicbor::bytes::ByteVec>,
    /// Hold the request this long for news. Only honoured when `push` is empty.
    #[n(4)]
    pub wait_ms: u32,
    /// Device clock, milliseconds since 1970 UTC.
    #[n(5)]
    pub now_ms: i64,
    /// The last status number applied ([`SyncResponse::status`]).
    #[n(6)]
    pub status_seen: u64,
    /// At most this many bytes of entries, uncompressed; 0 is the relay's choice.
    #[n(7)]
    pub max_bytes: u32,
    /// Orders carried out since.
    #[n(8)]
    pub done: Vec<OrderDone>,
    /// After a new generation: what the device holds above the cut, whoever wrote it.
    #[n(9)]
    pub offers: Vec<Offer>,
    /// For the list of devices; left out when it was told before.
    #[n(10)]
    pub about: Option<About>,
    /// Documents that were opened on the device, oldest first, for the access log; left out when there is
    /// nothing to tell.
    #[n(11)]
    pub reads: Option<Vec<DocRead>>,
}

/// A document somebody opened on a device: once an hour at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct DocRead {
    /// Which.
    #[n(0)]
    pub doc: DocId,
    /// When, relay clock as the device knew it, milliseconds since 1970 UTC.
    #[n(1)]
    pub at_ms: i64,
}

/// What a device says of itself, for people who look after devices.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct About {
    /// Name and version of the app.
    #[n(0)]
    pub app: String,
    /// Changes on the device only that this request does not bring.
    #[n(1)]
    pub unsent: u32,
    /// Envelopes the relay holds, as far as the device knows.
    #[n(2)]
    pub held: u32,
    /// Envelopes and documents the device cannot send.
    #[n(3)]
    pub stuck: u32,
}

/// How far a device has come, in as few bytes as the relay's memory allows.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Cursors {
    /// [`token`] of the sorted cursor vector.
    #[n(0)]
    Token(#[cbor(n(0), with = "minicbor::bytes")] [u8; 16]),
    /// The vector itself, sorted by space; empty on the first sync.
    #[n(1)]
    Vector(#[n(0)] Vec<Cursor>),
}

/// How far a device has come in one space.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Cursor {
    /// The space.
    #[n(0)]
    pub space: SpaceId,
    /// Random id of the feed's present life; changes when a relay comes back from a backup.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub generation: [u8; 16],
    /// The last entry applied; 0 before the first.
    #[n(2)]
    pub seq: u64,
    /// The relay's keyed tag over space, generation, seq and running hash.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub tag: [u8; 8],
    /// The last roster applied ([`SpacePage::roster`]).
    #[n(4)]
    pub roster: u64,
    /// Where a first sync stands; `None` when it is complete.
    #[n(5)]
    pub first: Option<FirstSync>,
}

/// A first sync ships whole documents as of a fixed seq, newest first, then the signatures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum FirstSync {
    /// Documents whose last entry is at or above `below` are here.
    #[n(0)]
    Documents {
        /// The fixed seq.
        #[n(0)]
        at: u64,
        /// Documents whose last entry lies below this are still to come.
        #[n(1)]
        below: u64,
        /// Of the next of them, a large one, entries up to this seq are here.
        #[n(2)]
        within: Option<u64>,
    },
    /// All documents are here; signatures of entries above `above` are still to come.
    #[n(1)]
    Proofs {
        /// The fixed seq.
        #[n(0)]
        at: u64,
        /// The last entry whose signature is here.
        #[n(1)]
        above: u64,
    },
}

/// The 16-byte token of a cursor vector: what a device in 80 spaces sends instead of 80 cursors.
/// The vector must be sorted by space.
pub fn token(vector: &[Cursor]) -> [u8; 16] {
    let mut sha = Sha256::new();
    sha.update(b"sopu-cursors-1");
    for cursor in vector {
        sha.update(crate::envelope::encode(cursor));
    }
    let hash: [u8; 32] = sha.finalize().into();
    let mut token = [0u8; 16];
    token.copy_from_slice(&hash[..16]);
    token
}

/// Reason of a [`Verdict::Final`]: people looked at held work and dropped it. The device makes it no more;
/// what was written stays there as a draft.
pub const DROPPED: &str = "dropped";

/// What a relay answers.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct SyncResponse {
    /// [`PROTOCOL`].
    #[n(0)]
    pub protocol: u16,
    /// Relay clock, milliseconds since 1970 UTC.
    #[n(1)]
    pub now_ms: i64,
    /// One answer for each pushed envelope, in order.
    #[n(2)]
    pub answers: Vec<Verdict>,
    /// The token is not known: send the vector. Nothing else in the response but answers.
    #[n(3)]
    pub need_vector: bool,
    /// Spaces joined, changed or left. Comes before the pages of those spaces.
    #[n(4)]
    pub spaces: Vec<SpaceNews>,
    /// Only spaces with news.
    #[n(5)]
    pub pages: Vec<SpacePage>,
    /// There is more: sync again at once.
    #[n(6)]
    pub more: bool,
    /// What became of envelopes of this device after they were acknowledged, until confirmed by
    /// `status_seen`.
    #[n(7)]
    pub status: Vec<StatusNews>,
    /// Things the device must do.
    #[n(8)]
    pub orders: Vec<Order>,
    /// Answers to `offers`, in order: what the relay says of each, as it does of what is pushed.
    #[n(9)]
    pub offered: Vec<Verdict>,
    /// Days the device may be without contact before it shows nothing; [`limits::LEASE_DAYS`] if this
    /// is left out.
    #[n(10)]
    pub lease_days: Option<u16>,
    /// So many of the `reads`, from the first on, are in the access log; left out when there were none.
    #[n(11)]
    pub reads: Option<u32>,
}

/// What the relay says of one envelope.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Verdict {
    /// Durable on the relay, not yet in the feed.
    #[n(0)]
    Waiting,
    /// In the feed at this seq.
    #[n(1)]
    Fed(#[n(0)] u64),
    /// Kept durably, released later or reviewed by the office; never replayed by the device.
    #[n(2)]
    Held(#[n(0)] String),
    /// Refused for ever: rebuild and replay.
    #[n(3)]
    Final(#[n(0)] String),
    /// The document was erased by law: purge it and tell the user.
    #[n(4)]
    Erased,
    /// Not taken at all, and nothing was written; the code says whether a later try can succeed.
    #[n(5)]
    Refused(#[n(0)] String),
}

/// News of an envelope this device pushed earlier.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct StatusNews {
    /// Rises by one for each piece of news of this device.
    #[n(0)]
    pub number: u64,
    /// Which envelope.
    #[n(1)]
    pub id: EnvelopeId,
    /// What became of it.
    #[n(2)]
    pub status: Status,
}

/// What can become of an acknowledged envelope.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Status {
    /// The relay judged it.
    #[n(0)]
    Verdict(#[n(0)] Verdict),
    /// Someone at the office opened the document with this in it.
    #[n(1)]
    SeenByOffice(#[n(0)] i64),
}

/// A space joined, changed or left.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct SpaceNews {
    /// The space.
    #[n(0)]
    pub space: SpaceId,
    /// The device's standing in it; `None` when it has left: deliver, then drop.
    #[n(1)]
    pub standing: Option<Standing>,
}

/// What a device may do in a space, and what the space is called.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Standing {
    /// Name for people.
    #[n(0)]
    pub name: String,
    /// `owner`, `office`, `field` or `reader`.
    #[n(1)]
    pub role: String,
    /// The membership ends then, if it ends, milliseconds since 1970 UTC.
    #[n(2)]
    pub until_ms: Option<i64>,
}

/// Entries of one space. Applies only if the device still stands at `from`.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct SpacePage {
    /// Where the page starts; `None` for a space the device has nothing of.
    #[n(0)]
    pub from: Option<Cursor>,
    /// Where the device stands after it.
    #[n(1)]
    pub to: Cursor,
    /// The space's people and their devices' keys, when they changed since `from`.
    #[n(2)]
    pub roster: Option<Vec<RosterRow>>,
    /// Feed entries, gap-free from `from.seq + 1`.
    #[n(3)]
    pub entries: Vec<Entry>,
    /// First sync: whole documents.
    #[n(4)]
    pub packs: Vec<Pack>,
    /// First sync: signatures of entries, by seq.
    #[n(5)]
    pub proofs: Vec<FeedProof>,
    /// Names the generation this one follows and where that was cut, when the generation is new to
    /// the device.
    #[n(6)]
    pub cut: Option<Cut>,
}

/// Where a generation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Cut {
    /// The generation that ended.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub generation: [u8; 16],
    /// Its last seq that the new one shares.
    #[n(1)]
    pub seq: u64,
    /// The running hash of the relay's feed there. A device that has another there shares nothing:
    /// the relay had lost more than it knew of, and put other entries in its place.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub hash: [u8; 32],
}

/// One device of one person in a space. Rows of people who left stay, so that old signatures can
/// be checked.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct RosterRow {
    /// The device.
    #[n(0)]
    pub device: DeviceId,
    /// Its Ed25519 public key.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub key: [u8; 32],
    /// Whose it is.
    #[n(2)]
    pub member: MemberId,
    /// The person's name.
    #[n(3)]
    pub name: String,
    /// `owner`, `office`, `field`, `reader`; empty when the person has left.
    #[n(4)]
    pub role: String,
    /// An identity the server keeps for an office member: vouched by the server, never a device
    /// signature.
    #[n(5)]
    pub office: bool,
}

/// One entry of a feed.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Entry {
    /// Someone else's envelope.
    #[n(0)]
    Envelope {
        /// Its place.
        #[n(0)]
        seq: u64,
        /// The whole of it.
        #[n(1)]
        envelope: Envelope,
        /// Relay clock when it arrived.
        #[n(2)]
        received_ms: i64,
        /// Proof that this relay accepted it, keyed by the relay's secret.
        #[cbor(n(3), with = "minicbor::bytes")]
        accept: [u8; 16],
    },
    /// The device's own envelope, which it has.
    #[n(1)]
    Own {
        /// Its place.
        #[n(0)]
        seq: u64,
        /// Which.
        #[n(1)]
        id: EnvelopeId,
        /// Relay clock when it arrived.
        #[n(2)]
        received_ms: i64,
        /// Proof that this relay accepted it.
        #[cbor(n(3), with = "minicbor::bytes")]
        accept: [u8; 16],
    },
    /// Something the relay itself says.
    #[n(2)]
    Notice {
        /// Its place.
        #[n(0)]
        seq: u64,
        /// Signed by the relay key.
        #[n(1)]
        notice: SignedNotice,
        /// Proof that this relay accepted it.
        #[cbor(n(2), with = "minicbor::bytes")]
        accept: [u8; 16],
    },
    /// The payload was erased; header and place survive.
    #[n(3)]
    Erased {
        /// Its place.
        #[n(0)]
        seq: u64,
        /// The signed header.
        #[n(1)]
        proof: Proof,
    },
}

impl Entry {
    /// Its place in the feed.
    pub fn seq(&self) -> u64 {
        match self {
            Entry::Envelope { seq, .. }
            | Entry::Own { seq, .. }
            | Entry::Notice { seq, .. }
            | Entry::Erased { seq, .. } => *seq,
        }
    }
}

/// A notice with the relay's signature over `sopu-notice-1` ‖ body.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct SignedNotice {
    /// CBOR of a [`Notice`].
    #[cbor(n(0), with = "minicbor::bytes")]
    pub body: Vec<u8>,
    /// Ed25519 by the relay key.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub signature: [u8; 64],
}

impl SignedNotice {
    /// What the relay key signs.
    pub fn signed_bytes(body: &[u8]) -> Vec<u8> {
        let mut bytes = b"sopu-notice-1".to_vec();
        bytes.extend_from_slice(body);
        bytes
    }

    /// Its id in the feed: SHA-256 of the signed bytes.
    pub fn id(&self) -> EnvelopeId {
        EnvelopeId(Sha256::digest(Self::signed_bytes(&self.body)).into())
    }
}

/// What the relay says in a feed: server-issued values are never document fields.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Notice {
    /// The space it belongs to, so that a notice cannot be moved.
    #[n(0)]
    pub space: SpaceId,
    /// About which document.
    #[n(1)]
    pub doc: DocId,
    /// Relay clock.
    #[n(2)]
    pub at_ms: i64,
    /// What.
    #[n(3)]
    pub what: NoticeKind,
}

/// The things a relay says.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum NoticeKind {
    /// The contract's number, `SO-YYYY-NNNNN`, unique in the organisation.
    #[n(0)]
    ContractNumber(#[n(0)] String),
    /// The retention class code.
    #[n(1)]
    Retention(#[n(0)] String),
    /// Legal hold set or lifted: what counts, see [`crate::store::hold`].
    #[n(2)]
    LegalHold(#[n(0)] bool),
    /// The document was erased, for this reason code.
    #[n(3)]
    Erased(#[n(0)] String),
}

/// A document in a first sync, as of the fixed seq: the whole of it, or if that is too large for
/// one page the next part.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Pack {
    /// The document.
    #[n(0)]
    pub doc: DocId,
    /// [`crate::documents::Kind::number`].
    #[n(1)]
    pub kind: u8,
    /// Seq of the last entry in it.
    #[n(2)]
    pub last_seq: u64,
    /// Its changes in feed order, in the compact form of `encoding.rs`.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub changes: Vec<u8>,
    /// How many changes each entry brought, in feed order: joins the changes to the proofs.
    #[n(4)]
    pub counts: Vec<u32>,
    /// How many entries of the document came in parts before this one.
    #[n(5)]
    #[cbor(default)]
    pub before: u32,
}

/// The signature of one entry in a first sync. The digest is left out: the device has the changes.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct FeedProof {
    /// The entry's place.
    #[n(0)]
    pub seq: u64,
    /// The header bytes, or the notice body.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub header: Vec<u8>,
    /// The signature over it.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub signature: [u8; 64],
    /// Proof that this relay accepted it.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub accept: [u8; 16],
    /// Relay clock when it arrived.
    #[n(4)]
    pub received_ms: i64,
    /// Set for a notice (the signature is the relay's) and for an erased entry (then the digest is
    /// here).
    #[n(5)]
    pub special: Option<ProofSpecial>,
}

/// Entries of a first sync that are not plain envelopes.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum ProofSpecial {
    /// A notice; `header` is its body.
    #[n(0)]
    Notice,
    /// An erased envelope with its digest.
    #[n(1)]
    Erased(#[cbor(n(0), with = "minicbor::bytes")] [u8; 32]),
}

/// Something the relay tells a device to do.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Order {
    /// Confirmed by this number.
    #[n(0)]
    pub number: u64,
    /// What.
    #[n(1)]
    pub what: OrderKind,
}

/// The things a relay can order.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum OrderKind {
    /// The device was revoked: everything on it goes, once its unsent work was taken.
    #[n(0)]
    Wipe,
    /// This document was erased: purge every trace.
    #[n(1)]
    Purge(#[n(0)] DocId),
    /// This device's store exists twice: enrol again.
    #[n(2)]
    EnrolAgain,
}

/// An order carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct OrderDone {
    /// [`Order::number`].
    #[n(0)]
    pub number: u64,
}

/// Something a device holds and a restored relay may have lost.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Offer {
    /// An envelope, whoever wrote it, with the tag that proves it was accepted once.
    #[n(0)]
    Envelope {
        /// The whole of it.
        #[n(0)]
        envelope: Envelope,
        /// Its accept tag.
        #[cbor(n(1), with = "minicbor::bytes")]
        accept: [u8; 16],
    },
    /// A notice.
    #[n(1)]
    Notice {
        /// The whole of it.
        #[n(0)]
        notice: SignedNotice,
        /// Its accept tag.
        #[cbor(n(1), with = "minicbor::bytes")]
        accept: [u8; 16],
    },
}

/// What a device sends to enrol.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct EnrolRequest {
    /// [`PROTOCOL`].
    #[n(0)]
    pub protocol: u16,
    /// The invite code as typed; spaces, hyphens and case do not matter.
    #[n(1)]
    pub code: String,
    /// The device's new Ed25519 public key.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub key: [u8; 32],
    /// Ed25519 by that key over `sopu-enrol-1` ‖ code: the sender holds the private half.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub signature: [u8; 64],
    /// Name for people, "Marian puhelin".
    #[n(4)]
    pub name: String,
    /// The id from the instance file.
    #[cbor(n(5), with = "minicbor::bytes")]
    pub instance: [u8; 16],
    /// Device clock.
    #[n(6)]
    pub now_ms: i64,
}

impl EnrolRequest {
    /// What the device key signs.
    pub fn signed_bytes(code: &str) -> Vec<u8> {
        let mut bytes = b"sopu-enrol-1".to_vec();
        bytes.extend_from_slice(code.as_bytes());
        bytes
    }
}

/// What an enrolled device gets. Its spaces come with the first sync.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct EnrolResponse {
    /// The device's id.
    #[n(0)]
    pub device: DeviceId,
    /// The bearer token; the relay keeps only its hash.
    #[n(1)]
    pub token: String,
    /// Whose device it is.
    #[n(2)]
    pub member: MemberId,
    /// The person's name.
    #[n(3)]
    pub member_name: String,
    /// The organisation that invited.
    #[n(4)]
    pub org: OrgId,
    /// Its name.
    #[n(5)]
    pub org_name: String,
    /// The relay's Ed25519 key, which signs notices.
    #[cbor(n(6), with = "minicbor::bytes")]
    pub relay_key: [u8; 32],
    /// Relay clock.
    #[n(7)]
    pub now_ms: i64,
}
