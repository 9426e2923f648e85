//! Realistic work from a seed: what people type in a day, the relay and devices they type it on,
//! and the barest log of the same edits to measure against.

pub mod day;
pub mod finnish;
pub mod json_log;
pub mod note;
pub mod quiet;
pub mod team;
pub mod town;

pub use json_log::JsonLog;
pub use town::{Resident, Town, Wire};
