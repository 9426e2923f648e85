//! Judges a history: `history FILE`. Says what it found; fails if there is a fault.

use std::fs::File;
use std::io::{BufReader, Write};
use std::process::ExitCode;

use sopu_tests::history;

fn main() -> ExitCode {
    let mut out = std::io::stdout().lock();
    let Some(path) = std::env::args().nth(1) else {
        let _ = writeln!(out, "history FILE");
        return ExitCode::from(2);
    };
    let events = File::open(&path).and_then(|file| history::read(BufReader::new(file)));
    let events = match events {
        Ok(events) => events,
        Err(error) => {
            let _ = writeln!(out, "{path}: {error}");
            return ExitCode::from(2);
        }
    };
    let faults = history::check(&events);
    for fault in &faults {
        let _ = writeln!(out, "{fault}");
    }
    let _ = writeln!(out, "{} events, {} faults", events.len(), faults.len());
    if faults.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
