//! The real `sopu serve` in a process of its own, and what the kernel says of it.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::outside::process::RelayProcess;

/// Clock ticks in a second, as `/proc` counts them on Linux.
const TICKS: f64 = 100.0;

/// A serving process; killed when dropped.
pub struct Served {
    relay: RelayProcess,
    address: String,
}

impl Served {
    /// Serves this data folder on a free port of loopback.
    pub fn start(program: &Path, data: &Path) -> Self {
        let relay = RelayProcess::start(program, data, None, &[]);
        let address = format!("http://{}", relay.address);
        Self { relay, address }
    }

    /// Its address.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Bytes of a line of its `/proc/…/status`: `VmRSS` now, `VmHWM` the most ever; 0 where the
    /// kernel does not say.
    pub fn memory(&self, line: &str) -> u64 {
        let status = self.proc("status");
        let found = status
            .lines()
            .find_map(|l| l.strip_prefix(line)?.strip_prefix(':'));
        let kib = found.and_then(|kib| kib.trim().trim_end_matches(" kB").trim().parse().ok());
        kib.unwrap_or(0u64) * 1_024
    }

    /// CPU seconds of all its threads so far.
    pub fn cpu(&self) -> f64 {
        let stat = self.proc("stat");
        // The name in parentheses may hold blanks; utime and stime are 12th and 13th after it.
        let after = stat.rsplit_once(')').map_or("", |(_, after)| after);
        let ticks: f64 = after
            .split_whitespace()
            .skip(11)
            .take(2)
            .filter_map(|ticks| ticks.parse::<f64>().ok())
            .sum();
        ticks / TICKS
    }

    fn proc(&self, file: &str) -> String {
        std::fs::read_to_string(format!("/proc/{}/{file}", self.relay.id())).unwrap_or_default()
    }
}

/// The program `sopu`: the one `SOPU` names, or of the same build as the program that asks.
///
/// # Errors
/// If it cannot be built.
pub fn program() -> io::Result<PathBuf> {
    if let Some(named) = std::env::var_os("SOPU") {
        return Ok(named.into());
    }
    // This program is target/PROFILE/deps/name-hash.
    let me = std::env::current_exe()?;
    let folder = me
        .parent()
        .and_then(Path::parent)
        .ok_or_else(|| io::Error::other("not in a target folder"))?;
    let program = folder.join(format!("sopu{}", std::env::consts::EXE_SUFFIX));
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args([
        "build",
        "--quiet",
        "--package",
        "sopu-server",
        "--bin",
        "sopu",
    ]);
    if !cfg!(debug_assertions) {
        command.arg("--release");
    }
    let built = command
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::null())
        .status()?;
    if built.success() && program.exists() {
        Ok(program)
    } else {
        Err(io::Error::other("the relay's program cannot be built"))
    }
}
