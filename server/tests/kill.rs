//! `kill -9` of the real relay process while real devices push: nothing acknowledged is missing.

#![expect(clippy::expect_used, reason = "a test")]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use sopu_core::device::Device;
use sopu_core::documents::Kind;
use sopu_core::id::DocId;
use sopu_core::store::outbox;
use sopu_core::time::SystemEnv;
use sopu_core::transport::http::HttpTransport;

struct Relay {
    child: Child,
    address: String,
}

impl Relay {
    fn start(data: &Path) -> Self {
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .expect("a free port")
            .port();
        let listen = format!("127.0.0.1:{port}");
        let child = sopu(data)
            .args(["serve", "--listen", &listen])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("starts");
        let relay = Self {
            child,
            address: format!("http://{listen}"),
        };
        let started = Instant::now();
        while std::net::TcpStream::connect(&listen).is_err() {
            assert!(
                started.elapsed() < Duration::from_secs(60),
                "the relay answers"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
        relay
    }

    fn kill(&mut self) {
        self.child.kill().expect("SIGKILL");
        self.child.wait().expect("ends");
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn sopu(data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sopu"));
    command.env_clear().arg("--data").arg(data);
    command
}

/// Runs a command line and gives the line that holds `word`.
fn say(data: &Path, args: &[&str]) -> String {
    let output = sopu(data).args(args).output().expect("runs");
    assert!(
        output.status.success(),
        "{args:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let lines: Vec<String> = BufReader::new(&output.stdout[..])
        .lines()
        .map(|line| line.expect("text"))
        .collect();
    lines.join("\n")
}

/// The invite code is the one group of letters and digits with hyphens that looks like no id.
fn code_in(text: &str) -> String {
    text.split_whitespace()
        .find(|word| {
            word.contains('-')
                && word.len() >= 9
                && word.len() < 30
                && word
                    .chars()
                    .all(|c| c == '-' || c.is_ascii_uppercase() || c.is_ascii_digit())
        })
        .unwrap_or_else(|| panic!("an invite code in: {text}"))
        .to_owned()
}

fn device(folder: &Path, relay: &Relay, code: &str) -> Device {
    let env = Arc::new(SystemEnv);
    let key = Device::new_key(&*env);
    std::fs::create_dir_all(folder).expect("a folder");
    let mut device = Device::open(
        &folder.join("store.db"),
        &folder.join("no-backup"),
        key,
        env,
    )
    .expect("opens");
    device
        .enrol(&HttpTransport::new(&relay.address), code, "phone")
        .expect("enrols");
    device
        .sync(&HttpTransport::new(&relay.address))
        .expect("syncs");
    device
}

#[test]
fn what_a_killed_relay_had_acknowledged_is_all_there_when_it_starts_again() {
    let dir = tempfile::tempdir().expect("a folder");
    let data = dir.path().join("relay");
    say(&data, &["org", "add", "Hoivapalvelu Kanerva Oy"]);
    say(&data, &["member", "add", "Maria Niemi", "--login", "maria"]);
    say(&data, &["space", "add", "Koivula"]);
    say(
        &data,
        &[
            "space", "grant", "Koivula", "--member", "maria", "--role", "field",
        ],
    );
    let code = code_in(&say(&data, &["invite", "add", "maria"]));

    let mut relay = Relay::start(&data);
    let mut phone = device(&dir.path().join("phone"), &relay, &code);
    let space = phone.spaces().expect("reads")[0].id;
    let mut written: Vec<DocId> = Vec::new();
    let mut acknowledged = 0;
    for round in 0..6u64 {
        let address = relay.address.clone();
        let pid = relay.child.id();
        // Killed somewhere in the middle of a burst of pushes, elsewhere each time.
        let killer = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(40 + 37 * round));
            let _ = Command::new("kill").args(["-9", &pid.to_string()]).status();
        });
        for n in 0..40 {
            let value = json!({ "summary": format!("Käynti {round}.{n}"), "status": "done" });
            let (doc, _) = phone
                .create(space, Kind::VisitNote, &value)
                .expect("never blocks");
            written.push(doc);
            match phone.sync(&HttpTransport::new(&address)) {
                Ok(report) => acknowledged += report.acknowledged,
                Err(_) => break,
            }
        }
        killer.join().expect("joins");
        relay.kill();
        relay = Relay::start(&data);
    }
    assert!(
        acknowledged > 0,
        "some pushes got through between the kills"
    );

    // Nothing acknowledged may be missing, and nothing written may be lost.
    let started = Instant::now();
    let transport = HttpTransport::new(&relay.address);
    loop {
        phone.sync(&transport).expect("syncs");
        if phone.backlog().expect("reads") == outbox::Progress::default() {
            break;
        }
        assert!(
            started.elapsed() < Duration::from_secs(60),
            "the outbox drains"
        );
        std::thread::sleep(Duration::from_millis(50));
    }
    let again = code_in(&say(&data, &["invite", "add", "maria"]));
    let mut other = device(&dir.path().join("other"), &relay, &again);
    other.sync(&transport).expect("syncs");
    for doc in &written {
        let (mine, theirs) = (
            phone.read(*doc).expect("here"),
            other.read(*doc).expect("there"),
        );
        assert_eq!((mine.version, mine.value), (theirs.version, theirs.value));
    }
}
