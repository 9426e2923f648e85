//! Sopu core.

pub mod canonical;
#[macro_use]
pub mod documents;
pub mod envelope;
pub mod genesis;
pub mod id;
pub mod read;
pub mod scalar;
pub mod time;
pub mod wire;
