//! Disks that are full or slow: relay and device say so, acknowledge nothing that is not durable, and go on
//! without a restart when there is room again.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use serde_json::json;
use sopu_core::device::errand::Errand;
use sopu_core::device::exchange::sync_shared;
use sopu_core::device::{Device, DeviceError};
use sopu_core::documents::Kind;
use sopu_core::id::MemberId;
use sopu_core::store::outbox::Progress;
use sopu_core::time::{Env, SystemEnv};
use sopu_core::transport::http::HttpTransport;
use sopu_server::access::people::{self, NewMember, Party, Window};
use sopu_server::access::{invites, roles::Role};
use sopu_server::relay::{DATABASE, Relay};
use sopu_tests::history::{self, What};
use sopu_tests::needs::has_programs;
use sopu_tests::outside::disk::SmallDisk;
use sopu_tests::outside::process::{Log, PhoneOrders, PhoneProcess, RelayProcess};

const RELAY: &str = env!("CARGO_BIN_EXE_outside_relay");
const PHONE: &str = env!("CARGO_BIN_EXE_outside_phone");

fn env() -> Arc<dyn Env> {
    Arc::new(SystemEnv)
}

/// A data folder with one member in one space, who has two invites.
fn prepared(data: &Path) -> [String; 2] {
    drop(Relay::open(data, env()).expect("opens"));
    let mut db = Connection::open(data.join(DATABASE)).expect("opens");
    let org = people::add_org(&db, &SystemEnv, "Hoiva Oy", None).expect("an organisation");
    let space = people::add_space(&db, &SystemEnv, org, "Mäkelä").expect("a space");
    let new = NewMember {
        org,
        name: "Maria",
        login: None,
        password: None,
        admin: false,
    };
    let member: MemberId = people::add_member(&db, &SystemEnv, &new).expect("a member");
    let window = Window {
        from_ms: 0,
        until_ms: None,
    };
    people::grant(
        &mut db,
        space,
        Party::Member(member),
        Role::Field,
        window,
        1,
    )
    .expect("granted");
    [(); 2].map(|()| {
        invites::create(&db, &SystemEnv, member, None, invites::LIFE_MS).expect("an invite")
    })
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("reads").flatten() {
        std::fs::copy(entry.path(), to.join(entry.file_name())).expect("copies");
    }
}

fn device(folder: &Path, code: &str, transport: &HttpTransport) -> Device {
    std::fs::create_dir_all(folder).expect("a folder");
    let key = Device::new_key(&SystemEnv);
    let store = folder.join("store.db");
    let mut device = Device::open(&store, &folder.join("no-backup"), key, env()).expect("opens");
    device.enrol(transport, code, "puhelin").expect("enrols");
    device.sync(transport).expect("syncs");
    device
}

fn note(device: &mut Device, text: &str) {
    let space = device.spaces().expect("reads")[0].id;
    let value = json!({ "summary": text, "status": "done" });
    device
        .create(space, Kind::VisitNote, &value)
        .expect("never blocks");
}

fn drain(device: &mut Device, transport: &HttpTransport) {
    let began = Instant::now();
    while device.sync(transport).is_err() || device.backlog().expect("reads") != Progress::default()
    {
        assert!(began.elapsed() < Duration::from_secs(60), "it drains");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A push that the relay cannot write down.
fn refused(device: &mut Device, transport: &HttpTransport) {
    let before = device.backlog().expect("reads");
    let error = device.sync(transport).expect_err("it cannot be taken");
    let DeviceError::Busy { retry_after_ms } = error else {
        panic!("asks for patience, not {error:?}");
    };
    assert_eq!(retry_after_ms, Some(30_000));
    let after = device.backlog().expect("reads");
    let here = |p: Progress| p.unsealed + p.sealed;
    assert!(here(after) > 0 && here(before) > 0);
    assert_eq!(
        after.acknowledged, before.acknowledged,
        "nothing is acknowledged"
    );
}

/// What the relay answers to a request with this token: status, content type, retry, code.
fn problem(relay: &RelayProcess, code: &str) -> (u16, String, String, String) {
    let body = format!("not a request {code}");
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .build()
        .into();
    let mut answer = agent
        .post(format!("http://{}/v1/enrol", relay.address))
        .content_type("application/cbor")
        .send(body.as_bytes())
        .expect("answers");
    let header = |name: &str| {
        let value = answer.headers().get(name);
        value.map_or_else(String::new, |v| v.to_str().unwrap_or_default().to_owned())
    };
    let (kind, retry) = (header("content-type"), header("retry-after"));
    let status = answer.status().as_u16();
    let text = answer.body_mut().read_to_string().expect("text");
    let code = serde_json::from_str::<serde_json::Value>(&text).expect("JSON");
    (
        status,
        kind,
        retry,
        code["code"].as_str().unwrap_or_default().to_owned(),
    )
}

#[test]
fn a_relay_on_a_full_disk_asks_for_patience_and_goes_on_when_there_is_room() {
    let dir = tempfile::tempdir().expect("a folder");
    let at = dir.path().join("disk");
    let Some(disk) = SmallDisk::or_left_out(&at, "16m") else {
        return;
    };
    let [code, other] = prepared(&dir.path().join("made"));
    copy(&dir.path().join("made"), &disk.inside().join("relay"));
    let relay = RelayProcess::start(Path::new(RELAY), &at.join("relay"), Some(&disk), &[]);
    let transport = HttpTransport::new(&format!("http://{}", relay.address));
    let mut phone = device(&dir.path().join("phone"), &code, &transport);
    for n in 0..5 {
        note(&mut phone, &format!("ennen {n}"));
    }
    drain(&mut phone, &transport);

    disk.fill();
    // The log may have room left in its file: write until it has none.
    let began = Instant::now();
    loop {
        note(&mut phone, &"täysi ".repeat(400));
        if phone.sync(&transport).is_err() {
            break;
        }
        assert!(
            began.elapsed() < Duration::from_secs(60),
            "the disk is full"
        );
    }
    note(&mut phone, "vielä yksi");
    refused(&mut phone, &transport);
    // Reading goes on: what is not a request is told so.
    let (status, kind, _, told) = problem(&relay, "x");
    assert_eq!((status, kind.as_str()), (400, "application/problem+json"));
    assert!(!told.is_empty());

    disk.free();
    drain(&mut phone, &transport);
    let mut newcomer = device(&dir.path().join("other"), &other, &transport);
    drain(&mut newcomer, &transport);
    let count = |device: &Device| device.list(&Default::default()).expect("lists").total;
    assert_eq!(count(&newcomer), count(&phone));
    relay.kill();
    let checked = disk
        .command(Path::new(RELAY))
        .args(["check", "--data"])
        .arg(at.join("relay"))
        .status();
    assert!(checked.expect("runs").success(), "the data folder is whole");
}

#[test]
fn a_device_on_a_full_disk_says_so_and_goes_on_when_there_is_room() {
    let dir = tempfile::tempdir().expect("a folder");
    let at = dir.path().join("disk");
    let Some(disk) = SmallDisk::or_left_out(&at, "6m") else {
        return;
    };
    let data = dir.path().join("relay");
    let [code, other] = prepared(&data);
    let relay = RelayProcess::start(Path::new(RELAY), &data, None, &[]);
    let history = dir.path().join("history.jsonl");
    let log = Log::new(&history);
    let orders = |name: &str, folder: &Path, code: &str, task| PhoneOrders {
        name: name.to_owned(),
        folder: folder.to_owned(),
        relay: format!("http://{}", relay.address),
        code: code.to_owned(),
        seed: 5,
        first_mark: 0,
        task,
    };
    let told = |what: &dyn Fn(&What) -> bool| {
        log.flush();
        let file = std::fs::File::open(&history).expect("opens");
        let events = history::read(std::io::BufReader::new(file)).expect("reads");
        events.iter().filter(|event| what(&event.what)).count()
    };
    let until = |what: &dyn Fn(&What) -> bool, more: usize| {
        let (began, before) = (Instant::now(), told(what));
        while told(what) < before + more {
            assert!(began.elapsed() < Duration::from_secs(60), "it comes");
            std::thread::sleep(Duration::from_millis(100));
        }
    };
    let saved = |what: &What| matches!(what, What::Saved { .. });
    let no_room = |what: &What| matches!(what, What::Failed { reason } if reason == "no_room");

    let mut phone = orders("phone", &at.join("phone"), &code, "work");
    let working = PhoneProcess::start(Path::new(PHONE), &phone, Some(&disk), &log);
    until(&saved, 20);
    disk.fill();
    until(&no_room, 5);
    disk.free();
    until(&saved, 20);
    // Killed while there is no room, as well.
    disk.fill();
    until(&no_room, 3);
    phone.first_mark += working.kill();
    disk.free();
    phone.task = "end";
    PhoneProcess::start(Path::new(PHONE), &phone, Some(&disk), &log).wait();
    let newcomer = orders("newcomer", &dir.path().join("newcomer"), &other, "end");
    PhoneProcess::start(Path::new(PHONE), &newcomer, None, &log).wait();
    log.flush();
    let file = std::fs::File::open(&history).expect("opens");
    let events = history::read(std::io::BufReader::new(file)).expect("reads");
    assert_eq!(history::check(&events), Default::default());
}

/// The shim that makes syncing slow, or a word that it cannot be made here.
fn slow_sync(folder: &Path) -> Option<std::path::PathBuf> {
    let shim = folder.join("slow_sync.so");
    if !has_programs(&["cc"]) {
        return None;
    }
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("native/slow_sync.c");
    let made = std::process::Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-o"])
        .arg(&shim)
        .arg(source)
        .arg("-ldl")
        .status();
    let made = made.expect("cc runs");
    assert!(made.success(), "cc makes it");
    Some(shim)
}

#[test]
fn with_a_slow_disk_many_pushes_share_one_sync_and_nobody_waits_to_write() {
    const DEVICES: usize = 12;
    const ROUNDS: usize = 5;
    let dir = tempfile::tempdir().expect("a folder");
    let Some(shim) = slow_sync(dir.path()) else {
        return;
    };
    let data = dir.path().join("relay");
    prepared(&data);
    let member = {
        let db = Connection::open(data.join(DATABASE)).expect("opens");
        let id: Vec<u8> = db
            .query_row("SELECT id FROM member", [], |row| row.get(0))
            .expect("one");
        MemberId::from_slice(&id).expect("an id")
    };
    let codes: Vec<String> = (0..DEVICES)
        .map(|_| {
            let db = Connection::open(data.join(DATABASE)).expect("opens");
            invites::create(&db, &SystemEnv, member, None, invites::LIFE_MS).expect("an invite")
        })
        .collect();
    let syncs = dir.path().join("syncs");
    let environment = [
        ("LD_PRELOAD", shim.display().to_string()),
        ("SOPU_SYNC_MS", "200".to_owned()),
        ("SOPU_SYNC_LOG", syncs.display().to_string()),
    ];
    let relay = RelayProcess::start(Path::new(RELAY), &data, None, &environment);
    let address = format!("http://{}", relay.address);
    let transport = HttpTransport::new(&address);
    let mut devices: Vec<Device> = Vec::new();
    std::thread::scope(|scope| {
        let enrol = |(n, code): (usize, &String)| {
            let folder = dir.path().join(format!("phone-{n}"));
            let (code, transport) = (code.clone(), &transport);
            scope.spawn(move || device(&folder, &code, transport))
        };
        let threads: Vec<_> = codes.iter().enumerate().map(enrol).collect();
        devices.extend(threads.into_iter().map(|t| t.join().expect("enrols")));
    });
    let counted = |name: &str| {
        let log = std::fs::read_to_string(&syncs).expect("syncs were counted");
        log.lines().filter(|line| line.ends_with(name)).count()
    };
    let before = counted("relay.db-wal");
    assert!(before > 0, "the shim sees what SQLite syncs");
    let written = std::sync::atomic::AtomicUsize::new(0);
    let acknowledged: u32 = std::thread::scope(|scope| {
        let push = |device: Device| {
            let asker = device.identity().expect("enrolled").device;
            let device = std::sync::Mutex::new(device);
            let transport = HttpTransport::new(&address);
            let written = &written;
            scope.spawn(move || {
                let mut acknowledged = 0;
                for round in 0..ROUNDS {
                    note(
                        &mut device.lock().expect("free"),
                        &format!("kierros {round}"),
                    );
                    // While a sync waits for the relay's disk, its user writes.
                    let done = std::sync::atomic::AtomicBool::new(false);
                    let report = std::thread::scope(|inner| {
                        let syncing = inner.spawn(|| {
                            let report = sync_shared(&device, &transport, asker, Errand::sync(1));
                            done.store(true, std::sync::atomic::Ordering::SeqCst);
                            report
                        });
                        std::thread::sleep(Duration::from_millis(60));
                        note(&mut device.lock().expect("free"), "sillä välin");
                        if !done.load(std::sync::atomic::Ordering::SeqCst) {
                            written.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                        }
                        syncing.join().expect("ends")
                    });
                    acknowledged += report.expect("no timeout").acknowledged;
                }
                acknowledged
            })
        };
        let threads: Vec<_> = devices.into_iter().map(push).collect();
        threads.into_iter().map(|t| t.join().expect("pushes")).sum()
    });
    let commits = counted("relay.db-wal") - before;
    let written = written.into_inner();
    eprintln!(
        "{acknowledged} envelopes in {} pushes acknowledged with {commits} syncs of the log, \
         {written} notes written while a sync waited",
        DEVICES * ROUNDS
    );
    assert!(acknowledged as usize >= DEVICES * ROUNDS);
    assert!(DEVICES * ROUNDS >= 2 * commits, "pushes share a sync");
    assert!(
        written * 2 > DEVICES * ROUNDS,
        "writing does not wait for the network"
    );
}
