//! What a relay answers.

use minicbor::{Decode, Encode};

use super::page::SpacePage;
use crate::id::{DocId, EnvelopeId, SpaceId};

/// Reason of a [`Verdict::Final`]: people looked at held work and dropped it. The device makes it no more;
/// what was written stays there as a draft.
pub const DROPPED: &str = "dropped";

/// What a relay answers.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct SyncResponse {
    /// [`PROTOCOL`](super::PROTOCOL).
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
    /// Days the device may be without contact before it shows nothing; [`LEASE_DAYS`](super::limits::LEASE_DAYS) if this
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
