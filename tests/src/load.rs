//! A load generator: a real relay process on loopback, as many real devices as are asked for, and a
//! minute in which they all come back. Bounded in devices and time; it ends by itself.

pub mod fleet;
pub mod returning;
pub mod served;
pub mod timed;

pub use fleet::{Fleet, Plan};
pub use returning::{Returned, come_back};
pub use served::Served;
pub use timed::Timed;
