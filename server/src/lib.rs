//! The Sopu relay, its merge worker and its office.

pub mod credentials;
pub mod store;
