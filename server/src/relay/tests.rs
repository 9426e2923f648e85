//! The relay as devices and the office see it, without a socket.

#![expect(clippy::unwrap_used, reason = "tests")]

mod backup;
mod check;
#[cfg(feature = "sqlcipher")]
mod cipher;
mod costs;
mod devices;
mod endpoints;
mod erase;
mod hostile;
mod merge;
mod office;
mod older_ledger;
mod pages;
mod push;
mod reads;
mod restore;
mod restored_holds;
mod restored_moves;
mod rights;
mod wishes;
pub mod world;
