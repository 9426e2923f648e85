#![expect(clippy::unwrap_used, reason = "tests")]

pub(crate) mod by_hand;
pub(crate) mod honest;
mod hostile;
mod mutants;
mod refusals;
mod trials;
