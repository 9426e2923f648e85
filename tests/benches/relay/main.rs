//! What the relay costs: CPU and commits of a push, trial and merge, a fleet that comes back, live
//! delivery, and how each grows; beside bare baselines.
//!
//! `cargo bench -p sopu-tests --bench relay -- [NAME…] [--quick] [--write] [--list]`

#![expect(clippy::expect_used, reason = "a benchmark that cannot go on says why")]

use std::process::ExitCode;

use sopu_tests::bench::Runner;
use sopu_tests::bench::counting::Counting;

mod bare;
mod comeback;
mod crowd;
#[cfg(feature = "sqlcipher")]
mod encrypted;
mod house;
mod live;
mod merge;
mod push;

#[global_allocator]
static COUNTING: Counting = Counting;

fn main() -> ExitCode {
    let runner = Runner::new();
    #[cfg(feature = "sqlcipher")]
    let runner = runner.section("encrypted", encrypted::encrypted);
    runner
        .section("push", push::push)
        .section("merge", merge::merge)
        .section("crowd", crowd::crowd)
        .section("comeback", comeback::comeback)
        .section("live", live::live)
        .main()
}
