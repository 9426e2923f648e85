//! Sopu for Kotlin, Swift and Python: what an app on a phone or laptop holds.
//!
//! Reading order: [`device`] (the one object, [`SopuDevice`](device::SopuDevice)) ·
//! [`document`] and [`list`] (what it gives) · [`signing`], [`timeline`], [`progress`] ·
//! [`sync`] (what an exchange did, and transports written in the app's language) · [`error`]
//! (what to do when something did not work).
//!
//! Nothing is decided here: each method is one call of `sopu-core` and a change of types. Ids,
//! versions and hashes are text; a document's content is JSON, as its kind's field table says.
//! Every method may be called from any thread, blocks that thread, and belongs off the thread that
//! draws. A lock inside keeps them apart; it is free while an enrolment or a sync waits for the network.

#![warn(missing_docs)]

mod builtin;
mod changes;
pub mod device;
pub mod document;
pub mod error;
pub mod exchange;
pub mod exported;
pub mod forms;
pub mod installing;
pub mod list;
pub mod pending;
pub mod progress;
pub mod signing;
pub mod stop;
pub mod sync;
pub mod timeline;

uniffi::setup_scaffolding!("sopu");

/// A new secret key, 32 bytes, for the platform's keystore. Keep it out of backups; the store is
/// worth nothing to another key.
#[uniffi::export]
pub fn new_key() -> Vec<u8> {
    sopu_core::device::Device::new_key(&sopu_core::time::SystemEnv).to_vec()
}

/// A new id, for an item of a document: a task, an observation, an entry.
#[uniffi::export]
pub fn new_id() -> String {
    sopu_core::id::mint_uuid(&sopu_core::time::SystemEnv).to_string()
}

/// The version of this library.
#[uniffi::export]
pub fn version() -> String {
    env!("CARGO_PKG_VERSION").to_owned()
}
