//! What a device costs: bytes on the wire, flushes, CPU and memory, beside bare baselines.
//!
//! `cargo bench -p sopu-tests --bench device -- [NAME…] [--quick] [--write] [--list]`

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
    Runner::new()
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
