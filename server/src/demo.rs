//! `sopu demo`.

pub mod cast;
pub mod chance;
pub mod phone_clock;
pub mod texts;
pub mod typing;
pub mod values;
