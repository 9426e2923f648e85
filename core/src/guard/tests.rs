#![expect(clippy::unwrap_used, clippy::wildcard_enum_match_arm, reason = "tests")]

pub(crate) mod by_hand;
pub(crate) mod honest;
mod hostile;
mod mutants;
mod refusals;
mod trials;
