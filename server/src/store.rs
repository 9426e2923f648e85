//! The relay's database: one narrow trait, one backend so far, one conformance suite.

pub mod schema;
