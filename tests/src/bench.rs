//! The frame of the benchmarks: what a measure is, how it is printed, and how the machine is read.
//!
//! A benchmark is a named section. It runs its workload at three sizes, sets each figure beside a
//! bare baseline of the same run, states the exponent of growth, and says of every target whether
//! it was met. Bytes, requests, flushes and instructions are firm; times on a shared machine are
//! not, so times are CPU times or medians of interleaved runs, and only ever judged as ratios.

pub mod amount;
pub mod counting;
pub mod growth;
pub mod machine;
pub mod meter;
pub mod report;
pub mod runner;
pub mod section;

pub use amount::{Amount, Unit};
pub use runner::{Run, Runner};
pub use section::{Section, Target};
