//! Sopu core.

pub mod canonical;
#[macro_use]
pub mod documents;
pub mod edit;
pub mod envelope;
pub mod frame;
pub mod genesis;
pub mod history;
pub mod id;
pub mod read;
mod rebase;
pub mod save;
pub mod scalar;
pub mod store;
pub mod time;
pub mod wire;
