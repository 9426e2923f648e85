//! The store as its users see it. `world` makes documents, one file a concern.

#![expect(clippy::expect_used, reason = "a test says what it expects")]

#[cfg(feature = "sqlcipher")]
mod cipher;
mod documents;
mod envelopes;
mod erasure;
mod lists;
mod opening;
mod spaces;
pub mod world;
