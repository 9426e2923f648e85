//! What a device sends.

use minicbor::{Decode, Encode};

use super::cursor::Cursors;
use super::notice::SignedNotice;
use crate::envelope::Envelope;
use crate::id::DocId;

/// What a device sends.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct SyncRequest {
    /// [`PROTOCOL`](super::PROTOCOL).
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
    /// The last status number applied ([`SyncResponse::status`](super::SyncResponse::status)).
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

/// An order carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct OrderDone {
    /// [`Order::number`](super::Order::number).
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
