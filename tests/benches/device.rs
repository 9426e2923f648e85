//! What a device costs: bytes on the wire, flushes, CPU and memory, beside bare baselines.
//!
//! `cargo bench -p sopu-tests --bench device -- [NAME…] [--quick] [--write] [--list]`

use std::process::ExitCode;

use sopu_tests::bench::counting::Counting;
use sopu_tests::bench::{Amount, Run, Runner, Section};

#[global_allocator]
static COUNTING: Counting = Counting;

fn main() -> ExitCode {
    Runner::new().section("frame", frame).main()
}

fn frame(_: &Run) -> Section {
    let mut section = Section::new("The frame");
    section.row("one", Amount::count(1));
    section
}
