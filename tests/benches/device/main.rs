//! What a device costs: bytes on the wire, flushes, CPU and memory, beside bare baselines.
//!
//! `cargo bench -p sopu-tests --bench device -- [NAME…] [--quick] [--write] [--list]`; what encryption
//! costs with `--features sqlcipher`.

#[cfg(feature = "sqlcipher")]
mod cipher;
mod day;
mod first;
mod idle;
mod long;
mod open;
mod save;

use std::process::ExitCode;

use sopu_tests::bench::Runner;
use sopu_tests::bench::counting::Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

fn main() -> ExitCode {
    let runner = Runner::new();
    #[cfg(feature = "sqlcipher")]
    let runner = runner.section("cipher", cipher::measure);
    runner
        .section("idle", idle::measure)
        .section("day", day::measure)
        .section("first", first::measure)
        .section("save", save::measure)
        .section("open", open::measure)
        .section("long", long::measure)
        .job("saves", save::job)
        .job("inserts", save::bare_job)
        .job("holds", open::job)
        .main()
}
