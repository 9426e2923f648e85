//! A process in which the trial of a run does not come to an end takes its own place. This program runs itself as
//! that process.

#![expect(clippy::expect_used, reason = "a test")]

use std::fs::OpenOptions;
use std::io::Write;
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use sopu_core::time::SystemEnv;
use sopu_server::merge::pulse::Pulse;
use sopu_server::relay::Relay;
use sopu_server::relay::watch::{Watch, begin_anew};

const FOLDER: &str = "SOPU_TEST_ANEW";

#[test]
fn a_stuck_process_takes_its_own_place() {
    let folder = tempfile::tempdir().expect("a folder");
    let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = free.local_addr().expect("an address").to_string();
    drop(free);
    let mut child = Command::new(std::env::current_exe().expect("itself"))
        .args(["--exact", "gets_stuck_twice", "--include-ignored"])
        .env(FOLDER, folder.path())
        .env("ADDRESS", address)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("starts");
    assert!(child.wait().expect("ends").success());

    let beginnings = std::fs::read_to_string(folder.path().join("beginnings")).expect("a log");
    let pid = child.id().to_string();
    assert_eq!(beginnings.lines().collect::<Vec<_>>(), [&pid, &pid, &pid]);
}

#[test]
#[ignore = "run by a_stuck_process_takes_its_own_place"]
fn gets_stuck_twice() {
    let Some(folder) = std::env::var_os(FOLDER).map(std::path::PathBuf::from) else {
        return;
    };
    let path = folder.join("beginnings");
    let mut log = OpenOptions::new()
        .append(true)
        .create(true)
        .open(&path)
        .expect("a log");
    writeln!(log, "{}", std::process::id()).expect("written");
    // What a relay holds is let go of with the process that is replaced.
    let _relay = Relay::open(folder.join("data"), Arc::new(SystemEnv)).expect("nobody else has it");
    let address = std::env::var("ADDRESS").expect("an address");
    let _listener = TcpListener::bind(address).expect("nobody else listens");
    if std::fs::read_to_string(&path)
        .expect("a log")
        .lines()
        .count()
        == 3
    {
        return;
    }
    let pulse = Arc::new(Pulse::default());
    let _trying = pulse.begin();
    let _watch = Watch::start(pulse.clone(), Duration::from_millis(48), begin_anew);
    loop {
        std::thread::park();
    }
}
