#![expect(clippy::unwrap_used, reason = "tests")]

pub(crate) use crate::testing::{by_hand, honest};
mod files;
mod hostile;
mod mutants;
mod refusals;
mod trials;
