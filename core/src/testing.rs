//! What tests here and in other packages build their inputs from: documents as honest devices write
//! them, and changes no device writes. Behind the feature `testing`; no part of the product.
#![expect(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "for tests"
)]

pub mod by_hand;
pub mod filled;
pub mod honest;
