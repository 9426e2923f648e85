//! What the real server writes to its log, its metrics and its error answers while people sign in, devices
//! sync and strangers try their luck: no secret, no name, nothing of what documents say.

#![expect(clippy::expect_used, reason = "a test")]

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use sopu_core::device::Device;
use sopu_core::documents::Kind;
use sopu_core::store::meta;
use sopu_core::time::SystemEnv;
use sopu_core::transport::http::HttpTransport;
use ureq::http::{Response, header};
use ureq::{Agent, Body};

const MEMBER: &str = "Kaarnikka Rautavaara";
const CLIENT: &str = "Vilhelmiina Hakkapeliitta";
const WORD: &str = "kvartsiukkonen";
const SPACE: &str = "Punamullantie";
const PASSWORD: &str = "satakieli laulaa tuomessa";
const WRONG: &str = "varpunen visertää lauteilla";

/// The server, telling all it can.
struct Server {
    child: Child,
    data: PathBuf,
    log: PathBuf,
    address: String,
    agent: Agent,
    /// All answers that were no success, but for pages of somebody who is signed in: those show them
    /// what is theirs.
    refusals: Vec<String>,
}

impl Server {
    fn start(folder: &Path) -> Self {
        let (data, log) = (folder.join("relay"), folder.join("log"));
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .expect("a free port")
            .port();
        let listen = format!("127.0.0.1:{port}");
        let file = File::create(&log).expect("a log");
        let child = sopu(&data)
            .args(["serve", "--listen", &listen, "--log", "trace"])
            .stdout(file.try_clone().expect("twice"))
            .stderr(file)
            .spawn()
            .expect("starts");
        let started = Instant::now();
        while std::net::TcpStream::connect(&listen).is_err() {
            assert!(started.elapsed() < Duration::from_secs(60), "it answers");
            std::thread::sleep(Duration::from_millis(20));
        }
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            // A stranger's body is not read, and its connection is closed behind the answer.
            .max_idle_connections(0)
            .build();
        Self {
            child,
            data,
            log,
            address: format!("http://{listen}"),
            agent: agent.into(),
            refusals: Vec::new(),
        }
    }

    fn heard(&mut self, mut response: Response<Body>, cookie: &str) -> (u16, String, String) {
        let status = response.status().as_u16();
        let cookies = response.headers().get_all(header::SET_COOKIE);
        let pair = |value: &header::HeaderValue| {
            let text = value.to_str().expect("a cookie").to_owned();
            text.split(';')
                .next()
                .map(str::to_owned)
                .unwrap_or_default()
        };
        let given = cookies.iter().map(pair).collect::<Vec<_>>().join("; ");
        let body = response.body_mut().read_to_vec().expect("a body");
        let body = String::from_utf8_lossy(&body).into_owned();
        if status >= 400 && !cookie.contains("sopu_session") {
            self.refusals.push(body.clone());
        }
        (status, given, body)
    }

    fn get(&mut self, path: &str, cookie: &str) -> (u16, String, String) {
        let request = self.agent.get(format!("{}{path}", self.address));
        let response = request
            .header(header::COOKIE, cookie)
            .call()
            .expect("answers");
        self.heard(response, cookie)
    }

    fn post(&mut self, path: &str, cookie: &str, form: &[(&str, &str)]) -> (u16, String, String) {
        let request = self.agent.post(format!("{}{path}", self.address));
        let request = request
            .header(header::COOKIE, cookie)
            .header(header::ORIGIN, self.address.clone());
        let response = request.send_form(form.iter().copied()).expect("answers");
        self.heard(response, cookie)
    }

    /// What a device or a stranger sends.
    fn send(&mut self, path: &str, token: &str, body: &[u8]) -> u16 {
        let request = self.agent.post(format!("{}{path}", self.address));
        let request = request
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .content_type("application/cbor");
        let response = request.send(body).expect("answers");
        self.heard(response, "").0
    }

    fn sign_in(&mut self, password: &str) -> (u16, String) {
        let (_, guest, page) = self.get("/office/sign-in", "");
        let token = field(&page, "form_token");
        let form = [
            ("form_token", &*token),
            ("name", "kaarnikka"),
            ("password", password),
        ];
        let (status, cookie, _) = self.post("/office/sign-in", &guest, &form);
        (status, cookie)
    }
}

impl Drop for Server {
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

/// Runs a command line; gives what it says, or the complaint.
fn say(data: &Path, args: &[&str], input: &str) -> Result<String, String> {
    let mut child = sopu(data)
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("runs");
    let mut stdin = child.stdin.take().expect("an input");
    stdin.write_all(input.as_bytes()).expect("takes it");
    drop(stdin);
    let output = child.wait_with_output().expect("ends");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match output.status.success() {
        true => Ok(text(&output.stdout)),
        false => Err(text(&output.stderr)),
    }
}

fn field(body: &str, name: &str) -> String {
    let start = body.split(&format!("name=\"{name}\" value=\"")).nth(1);
    let value = start.and_then(|rest| rest.split('"').next());
    value
        .unwrap_or_else(|| panic!("no {name} in {body}"))
        .to_owned()
}

/// An invite's code: groups of capitals and digits.
fn code_in(text: &str) -> String {
    let part = |c: char| c == '-' || c.is_ascii_uppercase() || c.is_ascii_digit();
    let mut words = text.split_whitespace();
    let found = words.find(|word| word.contains('-') && word.len() >= 9 && word.chars().all(part));
    found
        .unwrap_or_else(|| panic!("no code in {text}"))
        .to_owned()
}

#[test]
fn log_metrics_and_errors_carry_no_secret_no_name_and_no_content() {
    let dir = tempfile::tempdir().expect("a folder");
    let data = dir.path().join("relay");
    let owner = [
        "init",
        "--org",
        "Hoiva Oy",
        "--owner",
        MEMBER,
        "--login",
        "kaarnikka",
    ];
    let owner = [&owner[..], &["--password-stdin"]].concat();
    say(&data, &owner, &format!("{PASSWORD}\n")).expect("begins");
    say(&data, &["space", "add", SPACE], "").expect("adds");
    let grant = [
        "space",
        "grant",
        SPACE,
        "--member",
        "kaarnikka",
        "--role",
        "owner",
    ];
    say(&data, &grant, "").expect("grants");
    let code = code_in(&say(&data, &["invite", "add", "kaarnikka"], "").expect("invites"));
    let unused = code_in(&say(&data, &["invite", "add", "kaarnikka"], "").expect("invites"));
    let mut server = Server::start(dir.path());

    // A device enrols, writes and syncs.
    let home = dir.path().join("phone");
    std::fs::create_dir_all(&home).expect("a folder");
    let env = Arc::new(SystemEnv);
    let key = Device::new_key(&*env);
    let opened = Device::open(&home.join("store.db"), &home.join("no-backup"), key, env);
    let mut phone = opened.expect("opens");
    let line = HttpTransport::new(&server.address);
    assert!(phone.enrol(&line, "ABCD-EFGH-JKMN", MEMBER).is_err());
    phone.enrol(&line, &code, MEMBER).expect("enrols");
    phone.sync(&line).expect("syncs");
    let space = phone.spaces().expect("reads")[0].id;
    let value = json!({ "summary": WORD, "present": [CLIENT], "status": "done" });
    let (doc, _) = phone
        .create(space, Kind::VisitNote, &value)
        .expect("writes");
    phone.sync(&line).expect("syncs");
    let token = meta::text(phone.store().conn(), "token");
    let token = token.expect("reads").expect("it has one");

    // Strangers and broken devices: right and wrong tokens with bodies of all kinds.
    for token in [token.as_str(), "stolen-or-guessed", &unused] {
        for body in [&b""[..], b"\xff\xff", WORD.as_bytes(), &[0x9f; 4_000]] {
            assert!(server.send("/v1/sync", token, body) >= 400);
            assert!(server.send("/v1/enrol", token, body) >= 400);
        }
    }
    server.get(&format!("/v1/sync?token={token}"), "");
    server.get(&format!("/nothing/{token}?code={unused}"), "");
    server.get(&format!("/office/spaces/{space}?q={WORD}"), "");

    // Somebody signs in, wrongly and rightly, reads and leaves.
    assert_eq!(server.sign_in(WRONG).0, 422);
    let (status, session) = server.sign_in(PASSWORD);
    assert_eq!(status, 303);
    let started = Instant::now();
    let page = format!("/office/spaces/{space}/documents/{doc}");
    loop {
        let (status, _, body) = server.get(&page, &session);
        if status == 200 {
            assert!(
                [WORD, CLIENT, MEMBER]
                    .iter()
                    .all(|told| body.contains(told)),
                "{body}"
            );
            break;
        }
        assert!(
            started.elapsed() < Duration::from_secs(60),
            "it is merged: {status}"
        );
        std::thread::sleep(Duration::from_millis(50));
    }
    let (status, ..) = server.get(&format!("/office/spaces/{space}?q={WORD}"), &session);
    assert_eq!(status, 200);
    let (_, _, account) = server.get("/office/account", &session);
    let second = account
        .split("<code>")
        .nth(1)
        .and_then(|rest| rest.split('<').next());
    let second = second.expect("a secret to scan").to_owned();
    let form_token = field(&account, "form_token");
    let form = [
        ("form_token", &*form_token),
        ("code", "000000"),
        ("old", PASSWORD),
    ];
    assert_eq!(
        server
            .post("/office/account/second-factor", &session, &form)
            .0,
        422
    );
    server.post(
        "/office/account/password",
        &session,
        &[("form_token", "no"), ("old", PASSWORD)],
    );
    server.post("/office/sign-out", &session, &[("form_token", &form_token)]);
    let (status, _, metrics) = server.get("/metrics", "");
    assert_eq!(status, 200);
    // The command line complains too.
    let mut complaints = Vec::new();
    for args in [
        &["erase", "document", &doc.to_string()][..],
        &["check", "/nowhere"],
        &["serve", "--listen", "no"],
    ] {
        complaints.extend(say(&data, args, "").err());
    }
    assert_eq!(complaints.len(), 3);

    #[cfg(unix)]
    for file in std::fs::read_dir(&server.data).expect("lists").flatten() {
        let mode = std::os::unix::fs::PermissionsExt::mode(
            &file.metadata().expect("is there").permissions(),
        );
        assert_eq!(
            mode & 0o077,
            0,
            "{:?} is for its owner alone",
            file.file_name()
        );
    }
    server.child.kill().expect("ends");
    server.child.wait().expect("ends");
    let log = std::fs::read_to_string(&server.log).expect("a log");
    assert!(
        log.lines().count() > 50 && log.contains("TRACE"),
        "it tells all it can: {log}"
    );
    let ledger = std::fs::read_to_string(server.data.join("ledger")).expect("a ledger");
    let ledger: Vec<String> = ledger
        .split('"')
        .filter(|part| part.len() == 64 && part.chars().all(|c| c.is_ascii_hexdigit()))
        .take(2)
        .map(str::to_owned)
        .collect();
    assert_eq!(ledger.len(), 2, "the relay's seed and its secret");
    let session = session.split('=').nth(1).expect("a session").to_owned();
    let mut secrets = vec![
        ("the password", PASSWORD.to_owned()),
        ("a wrong password", WRONG.to_owned()),
        ("an invite", code.clone()),
        ("an invite", code.replace('-', "")),
        ("an unused invite", unused.clone()),
        ("a device's token", token),
        ("a device's key", data_encoding::HEXLOWER.encode(&key)),
        ("a session", session),
        ("a form's token", form_token),
        ("a second factor", second),
        ("a member's name", MEMBER.to_owned()),
        ("a client's name", CLIENT.to_owned()),
        ("a space's name", SPACE.to_owned()),
        ("a document's word", WORD.to_owned()),
    ];
    secrets.extend(ledger.into_iter().map(|key| ("a key of the relay", key)));
    let refusals = server.refusals.join("\n");
    let told = [
        ("the log", log),
        ("the metrics", metrics),
        ("an error answer", refusals),
        ("a complaint of the command line", complaints.join("\n")),
    ];
    for (place, text) in &told {
        // As forms and addresses write them, too.
        for (what, secret) in &secrets {
            for secret in [
                secret.clone(),
                secret.replace(' ', "+"),
                secret.replace(' ', "%20"),
            ] {
                let found = text.to_lowercase().contains(&secret.to_lowercase());
                let line = text.lines().find(|line| line.contains(secret.as_str()));
                assert!(!found, "{place} holds {what}: {line:?}");
            }
        }
    }
}
