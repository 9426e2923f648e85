//! Sopu core.

pub mod canonical;
pub mod codes;
#[macro_use]
pub mod documents;
pub mod edit;
pub mod envelope;
pub mod genesis;
pub mod history;
pub mod id;
pub mod read;
mod rebase;
pub mod save;
pub mod scalar;
pub mod time;
pub mod wire;
