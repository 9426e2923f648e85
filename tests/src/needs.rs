//! What a test needs of the machine it runs on.

use std::fs::File;
use std::io::Write;
use std::process::{Command, Stdio};

/// Names the file in which tests say that they were left out, a line each.
pub const LEFT_OUT: &str = "SOPU_LEFT_OUT";

/// Says that a test was left out because `what` is not to be had on this machine. `tests/run` counts it as
/// skipped and says why.
pub fn lacking(what: &str) {
    eprintln!("SKIPPED: it needs {what}");
    let Some(path) = std::env::var_os(LEFT_OUT) else {
        return;
    };
    let file = File::options().create(true).append(true).open(path);
    let said = file.and_then(|mut file| file.write_all(format!("{what}\n").as_bytes()));
    said.expect("the list of what was left out can be written");
}

/// Whether these programs are here, which can be installed where they are not.
///
/// # Panics
/// If one is not, with the environment variable `CI` set: there, a test that did not run has not passed.
pub fn has_programs(programs: &[&str]) -> bool {
    programs.iter().all(|program| {
        let found = Command::new(program)
            .arg("--version")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok();
        let ci = std::env::var_os("CI").is_some_and(|ci| !ci.is_empty());
        assert!(found || !ci, "this test needs {program}");
        if !found {
            lacking(program);
        }
        found
    })
}
