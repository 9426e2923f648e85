//! What devices talk to. A handler extracts, makes one call, answers.

pub mod problem;

pub use problem::Problem;
