//! What the joined suites share: a real relay on a loopback socket, real devices with a store file
//! each, and clocks that can be set wrong. [`bench`] is the frame of the benchmarks.

pub mod bench;
pub mod clock;
pub mod disk;
pub mod drill;
pub mod history;
pub mod load;
pub mod needs;
pub mod outside;
pub mod phone;
pub mod proxy;
pub mod serving;
pub mod storm;
pub mod work;
pub mod world;

pub use clock::Clock;
pub use phone::Phone;
pub use serving::Serving;
pub use world::World;
