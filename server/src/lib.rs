//! The Sopu relay, its merge worker and its office.

pub mod access;
pub mod config;
pub mod credentials;
pub mod store;
pub mod words;
