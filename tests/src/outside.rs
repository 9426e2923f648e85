//! The real thing, seen from outside: the relay and the devices as processes of their own, on real
//! files, joined by loopback sockets, killed with SIGKILL at random moments; every operation and
//! answer goes into one [`history`](crate::history).

pub mod disk;
pub mod office;
pub mod phone;
pub mod process;
pub mod run;

pub use run::{Outcome, Run, Settings};
