//! Reconnect with nothing new.

use sopu_tests::bench::{Amount, Run, Section, Target};
use sopu_tests::work::quiet::Pair;

pub fn measure(run: &Run) -> Section {
    let mut section = Section::new("Reconnect with nothing new");
    for spaces in [1, 80] {
        let mut points = Vec::new();
        let folder = run.memory_folder();
        let mut pair = Pair::new(folder.path(), spaces);
        for notes in run.sized([100, 1_000, 10_000], [80, 160, 320]) {
            pair.grow(notes);
            let cost = pair.reconnect();
            let bytes = cost.bodies.up + cost.bodies.down;
            let of = format!("{notes} documents, {spaces} spaces");
            let requests = Amount::count(u32::try_from(cost.requests).unwrap_or(u32::MAX));
            section.target(format!("requests, {of}"), requests, Target::AtMost(1.0));
            section.target(
                format!("bodies up and down, {of}"),
                Amount::bytes(bytes),
                Target::AtMost(300.0),
            );
            points.push((notes as f64, bytes as f64));
        }
        section.growth(format!("bytes in {spaces} spaces"), &points);
    }
    section
}
