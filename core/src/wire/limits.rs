//! Sizes both sides hold themselves to, in bytes.

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
