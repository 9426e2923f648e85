//! The sync protocol: one request, one response, both CBOR, both zstd-compressed on the way.
//!
//! Numbers in `#[n(…)]` are the protocol; they are never reused. A field a later version adds is
//! skipped by an earlier one (CBOR arrays may be longer than expected), a field it lacks reads as
//! absent.

pub mod body;
mod cursor;
mod enrolment;
pub mod limits;
mod notice;
mod page;
mod request;
mod response;

pub use cursor::{Cursor, Cursors, FirstSync, token};
pub use enrolment::{EnrolRequest, EnrolResponse};
pub use notice::{Notice, NoticeKind, SignedNotice};
pub use page::{Cut, Entry, FeedProof, Pack, ProofSpecial, RosterRow, SpacePage};
pub use request::{About, DocRead, Offer, OrderDone, SyncRequest};
pub use response::{
    DROPPED, Order, OrderKind, SpaceNews, Standing, Status, StatusNews, SyncResponse, Verdict,
};

/// The protocol spoken by this code. A relay answers others with the problem `protocol_unknown`.
pub const PROTOCOL: u16 = 1;

/// Where devices sync.
pub const SYNC_PATH: &str = "/v1/sync";

/// Where devices enrol.
pub const ENROL_PATH: &str = "/v1/enrol";
