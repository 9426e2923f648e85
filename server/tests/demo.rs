//! `sopu demo` from outside: the program itself, on its own data folder.

#![expect(clippy::unwrap_used, reason = "a test that fails should say where")]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// The demo on this folder, small, on any free port.
fn demo(data: &Path, more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sopu"));
    command.args([
        "demo",
        "--clients",
        "8",
        "--seed",
        "7",
        "--listen",
        "127.0.0.1:0",
        "--data",
    ]);
    command.arg(data).args(more);
    command
}

fn ended(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{errors}");
    said
}

#[test]
fn everybody_ends_with_one_record_and_every_trouble_is_named() {
    let data = tempfile::tempdir().unwrap();
    let said = ended(&demo(data.path(), &["--exit"]).output().unwrap());
    // Long lines are wrapped.
    let flat = said.split_whitespace().collect::<Vec<_>>().join(" ");
    for conflict in [
        "due of a follow-up: Aino says",
        "limit of a quota: Hanna says 30, Tuomas says 20",
        "outcome: Hanna says partial, Jukka says as_planned",
    ] {
        assert!(flat.contains(conflict), "{conflict}\n{said}");
    }
    for finding in [
        "safety C7 a dose may have been given twice",
        "C1 quota overdrawn: Auvisen marjatila, asiakastiimi (2 h over 24 h)",
        "C2 changed after signing",
        "C3 signatures on different versions",
        "C4 client booked twice",
        "C5 two workers on a visit planned for one",
        "C9 note changed after it was closed",
        "C10 no contract in force",
        "C15 one firm entered twice",
        "C21 a device's clock was wrong: 11 min fast, 4 times; 24 h slow,",
        "edit edited by one, removed by another",
        "edit a care entry written in by somebody else",
    ] {
        assert!(flat.contains(finding), "{finding}\n{said}");
    }
    assert!(said.contains("Jukka's advice is in the note"), "{said}");
    assert!(said.contains("the same heads"), "{said}");
    assert!(
        !said.contains("passphrase"),
        "no account where nobody stays to use it"
    );
    let wide = said.lines().find(|line| line.chars().count() > 100);
    assert_eq!(wide, None);

    // Once more on the same folder: it goes on with what is there.
    let said = ended(&demo(data.path(), &["--exit"]).output().unwrap());
    assert!(said.contains("This folder held a demo already"), "{said}");
    assert!(said.contains("a dose may have been given twice"), "{said}");
}

#[test]
fn killed_in_the_middle_it_goes_on_and_nothing_acknowledged_is_lost() {
    let data = tempfile::tempdir().unwrap();
    // While carers write, while visits are planned, in the middle of the day's trouble.
    for part in ["past/3/0", "planned/4", "form left open"] {
        let mut running = demo(data.path(), &["--exit"])
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        wait_for(data.path(), part, &mut running);
        running.kill().unwrap();
        running.wait().unwrap();
    }
    let said = ended(&demo(data.path(), &["--exit"]).output().unwrap());
    assert!(said.contains("the same heads"), "{said}");
    assert!(
        said.contains("In the draft for next season Hanna wrote 30 hours, Tuomas 20."),
        "{said}"
    );
}

fn wait_for(data: &Path, part: &str, running: &mut Child) {
    let until = Instant::now() + Duration::from_secs(240);
    let told = || {
        let text = fs::read_to_string(data.join("demo.json")).unwrap_or_default();
        let memory: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
        memory["told"]
            .as_array()
            .is_some_and(|told| told.iter().any(|t| t == part))
    };
    while !told() {
        assert!(
            running.try_wait().unwrap().is_none(),
            "it ended before {part}"
        );
        assert!(Instant::now() < until, "{part} was never reached");
        sleep(Duration::from_millis(20));
    }
}

#[cfg(unix)]
#[test]
fn it_stays_up_with_an_account_of_its_own_until_asked_to_stop() {
    let data = tempfile::tempdir().unwrap();
    let mut running = demo(data.path(), &[])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(running.stdout.take().unwrap()).lines();
    let mut find = |word: &str| loop {
        let line = lines.next().unwrap().unwrap();
        if line.contains(word) {
            break line;
        }
    };
    let office = find("/office").trim().to_owned();
    let passphrase = find("passphrase").trim().replace("passphrase", "");
    assert!(passphrase.trim().len() >= 20, "{passphrase}");
    find("Ctrl-C");

    let address = office
        .trim_start_matches("http://")
        .trim_end_matches("/office");
    let mut page = String::new();
    let mut socket = TcpStream::connect(address).unwrap();
    write!(
        socket,
        "GET /office/sign-in HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n"
    )
    .unwrap();
    socket.read_to_string(&mut page).unwrap();
    assert!(page.starts_with("HTTP/1.1 200"), "{page}");

    let asked = Command::new("kill")
        .args(["-INT", &running.id().to_string()])
        .status()
        .unwrap();
    assert!(asked.success());
    assert!(running.wait().unwrap().success());
}

#[test]
fn a_folder_with_other_data_is_not_touched() {
    let data = tempfile::tempdir().unwrap();
    let mut org = Command::new(env!("CARGO_BIN_EXE_sopu"));
    org.args(["org", "add", "Hoiva Oy", "--data"])
        .arg(data.path());
    ended(&org.output().unwrap());
    let refused = demo(data.path(), &["--exit", "--fresh"]).output().unwrap();
    assert!(!refused.status.success());
    assert!(String::from_utf8_lossy(&refused.stderr).contains("not a demo"));
}
