//! Sopu core.

pub mod business_id;
pub mod canonical;
pub mod chunk;
pub mod codes;
pub mod compress;
pub mod device;
#[macro_use]
pub mod documents;
pub mod edit;
pub mod encoding;
pub mod envelope;
pub mod findings;
pub mod frame;
pub mod genesis;
pub mod guard;
pub mod history;
pub mod id;
pub mod provenance;
pub mod read;
mod rebase;
pub mod run;
pub mod save;
pub mod scalar;
pub mod signing;
pub mod store;
pub mod sync;
pub mod time;
pub mod trace;
pub mod transport;
pub mod wire;
