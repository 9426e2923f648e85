//! Disks that may not be written, or not any more: relay and device say so, acknowledge and lose nothing,
//! and go on when they may write again.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use serde_json::json;
use sopu_core::device::{Device, DeviceError};
use sopu_core::documents::Kind;
use sopu_core::id::{DocId, SpaceId};
use sopu_core::store::outbox::Progress;
use sopu_core::store::{StoreError, check};
use sopu_core::time::{Env, SystemEnv};
use sopu_server::access::roles::Role;
use sopu_server::relay::Relay;
use sopu_tests::disk::Disk;
use sopu_tests::outside::disk::SmallDisk;
use sopu_tests::outside::process::{Log, PhoneOrders, PhoneProcess};
use sopu_tests::{Phone, World};

const RELAY: &str = env!("CARGO_BIN_EXE_outside_relay");
const PHONE: &str = env!("CARGO_BIN_EXE_outside_phone");

fn env() -> Arc<dyn Env> {
    Arc::new(SystemEnv)
}

fn summary(device: &Device, doc: DocId) -> String {
    let opened = device.read(doc).expect("reading goes on");
    opened.value["summary"].as_str().expect("a text").to_owned()
}

fn listed(device: &Device) -> u64 {
    device.list(&Default::default()).expect("lists").total
}

/// Every file of a folder.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(folder).expect("reads").flatten();
    let files = entries.filter(|entry| entry.path().is_file());
    files
        .map(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            (name, std::fs::read(entry.path()).expect("reads"))
        })
        .collect()
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for (name, bytes) in files(from) {
        std::fs::write(to.join(name), bytes).expect("writes");
    }
    let instance = from.join("no-backup");
    if instance.exists() {
        copy(&instance, &to.join("no-backup"));
    }
}

/// What a device says that may not write its store.
fn cannot_write<T>(done: Result<T, DeviceError>) {
    let Err(DeviceError::Store(error @ StoreError::Sqlite(_))) = done else {
        panic!("a typed error, not {:?}", done.map(|_| ()));
    };
    assert!(error.is_no_room() && !error.is_damage(), "{error}");
    let said = error.to_string();
    assert!(
        said.contains("readonly") || said.contains("disk I/O error"),
        "{said}"
    );
}

#[test]
fn a_relay_whose_disk_may_not_be_written_asks_for_patience_and_goes_on_when_it_may() {
    let (mut world, disk) = World::on_a_disk();
    let space = world.space("Mäkelä");
    let maria = world.member("Maria", Role::Field, &[space]);
    let mut writes = world.phone("writes", maria);
    let mut reads = world.phone("reads", maria);
    let before = writes.note(space, json!({ "summary": "ennen" }));
    writes.sync(&world);
    world.settle();
    writes.sync(&world);
    let held = disk.files();

    disk.set_read_only(true);
    let line = world.transport();
    let during = writes.note(space, json!({ "summary": "sillä välin" }));
    for _ in 0..3 {
        let Err(DeviceError::Busy { retry_after_ms }) = writes.device().sync(&line) else {
            panic!("it asks for patience");
        };
        assert_eq!(retry_after_ms, Some(30_000));
        let backlog = writes.device().backlog().expect("reads");
        assert_eq!(backlog.acknowledged, 0, "nothing is acknowledged");
        assert_eq!(backlog.unsealed + backlog.sealed, 1);
    }
    assert!(disk.counts().read_only > 0, "it tried to write");
    // Reading goes on: the record at the relay, and devices, which are told the same when they have nothing to send.
    let pulled = reads.device().sync(&line);
    assert!(
        matches!(pulled, Ok(_) | Err(DeviceError::Busy { .. })),
        "{pulled:?}"
    );
    let record = world.relay().record();
    let there = record.store().document(before).expect("reads");
    let shown = sopu_core::read::read(&there.am, there.kind).value;
    assert_eq!(shown["summary"], "ennen");
    drop(record);
    assert_eq!(summary(writes.device(), before), "ennen");
    assert_eq!(disk.files(), held, "not a byte is another");

    disk.set_read_only(false);
    for phone in [&mut writes, &mut reads] {
        settle(phone, &world);
        assert_eq!(summary(phone.device(), before), "ennen");
        assert_eq!(summary(phone.device(), during), "sillä välin");
    }
    world.stop();
    world.start();
    let record = world.relay().record();
    for doc in [before, during] {
        assert!(record.store().document(doc).is_ok(), "also after a restart");
    }
}

#[test]
fn a_relay_started_on_a_read_only_disk_says_so() {
    let dir = tempfile::tempdir().expect("a folder");
    let at = dir.path().join("disk");
    let Some(disk) = SmallDisk::or_left_out(&at, "16m") else {
        return;
    };
    let made = dir.path().join("made");
    drop(Relay::open(&made, env()).expect("opens"));
    copy(&made, &disk.inside().join("relay"));
    assert!(disk.remount("ro"));
    let said = disk
        .command(Path::new(RELAY))
        .args(["serve", "--listen", "127.0.0.1:0", "--data"])
        .arg(at.join("relay"))
        .output()
        .expect("runs");
    assert!(!said.status.success());
    let said = String::from_utf8_lossy(&said.stderr);
    assert!(
        said.contains("Read-only") || said.contains("readonly"),
        "{said}"
    );
    assert!(!said.contains("panicked"), "{said}");
}

#[test]
fn a_device_opened_on_a_read_only_disk_says_that_it_cannot_write_and_loses_nothing() {
    let dir = tempfile::tempdir().expect("a folder");
    let at = dir.path().join("disk");
    let Some(disk) = SmallDisk::or_left_out(&at, "16m") else {
        return;
    };
    let world = World::new();
    let space = world.space("Mäkelä");
    let maria = world.member("Maria", Role::Field, &[space]);
    let made = dir.path().join("made");
    let key = Device::new_key(&SystemEnv);
    std::fs::create_dir_all(made.join("no-backup")).expect("a folder");
    std::fs::write(made.join("keystore"), key).expect("writes");
    let (store, instance) = (made.join("store.db"), made.join("no-backup"));
    let mut device = Device::open(&store, &instance, key, env()).expect("opens");
    let code = world.invite(maria);
    let line = world.transport();
    device.enrol(&line, &code, "puhelin").expect("enrols");
    device.sync(&line).expect("syncs");
    let value = json!({ "summary": "vain tässä", "status": "done" });
    let (doc, _) = device
        .create(space, Kind::VisitNote, &value)
        .expect("creates");
    // As a killed process leaves it, what was saved last is in the log alone; and as one that ended well does.
    copy(&made, &disk.inside().join("killed"));
    drop(device);
    copy(&made, &disk.inside().join("closed"));
    assert!(files(&disk.inside().join("killed")).contains_key("store.db-wal"));

    let look = |name: &str| {
        let mut phone = disk.command(Path::new(PHONE));
        let seen = phone.arg("look").arg(at.join(name)).output().expect("runs");
        let said = [seen.stdout, seen.stderr].concat();
        (
            seen.status.success(),
            String::from_utf8_lossy(&said).into_owned(),
        )
    };
    assert!(disk.remount("ro"));
    let names = ["closed", "killed"];
    let before = names.map(|name| files(&disk.inside().join(name)));
    let (opened, said) = look("closed");
    assert!(!opened && said.contains("readonly"), "{said}");
    assert!(!said.contains("panicked"), "{said}");
    // With its log there, it can be read.
    assert_eq!(look("killed"), (true, "vain tässä\n".to_owned()));
    assert_eq!(names.map(|name| files(&disk.inside().join(name))), before);
    assert!(disk.remount("rw"));
    for name in names {
        assert_eq!(look(name), (true, "vain tässä\n".to_owned()), "{name}");
    }
    // One of them goes on: the other would be its copy.
    let history = dir.path().join("history.jsonl");
    let orders = PhoneOrders {
        name: "phone".to_owned(),
        folder: at.join("killed"),
        relay: world.address().to_owned(),
        code,
        seed: 1,
        first_mark: 0,
        task: "settle",
    };
    PhoneProcess::start(Path::new(PHONE), &orders, Some(&disk), &Log::new(&history)).wait();
    world.settle();
    assert!(world.relay().record().store().document(doc).is_ok());
}

/// A phone on a disk of its own with one note that the relay has, and one that it has not.
fn at_work(world: &World, space: SpaceId) -> (Phone, Arc<Disk>, [DocId; 2]) {
    let disk = Disk::new(&world.folder().join("phone"));
    let maria = world.member("Maria", Role::Field, &[space]);
    let mut phone = world.phone("phone", maria);
    let sent = phone.note(space, json!({ "summary": "lähetetty" }));
    settle(&mut phone, world);
    let unsent = phone.note(space, json!({ "summary": "vain tässä" }));
    (phone, disk, [sent, unsent])
}

fn settle(phone: &mut Phone, world: &World) {
    for _ in 0..5 {
        phone.sync(world);
        world.settle();
    }
    let backlog = phone.device().backlog().expect("reads");
    assert_eq!(backlog, Progress::default());
}

#[test]
fn a_device_whose_disk_may_not_be_written_any_more_refuses_saves_and_keeps_everything() {
    let world = World::new();
    let space = world.space("Mäkelä");
    let (mut phone, disk, [sent, unsent]) = at_work(&world, space);
    let held = disk.files();
    disk.set_read_only(true);
    let value = json!({ "summary": "ei mahdu", "status": "done" });
    let line = world.transport();
    for _ in 0..3 {
        let device = phone.device();
        cannot_write(device.create(space, Kind::VisitNote, &value));
        let version = device.read(unsent).expect("reading goes on").version;
        cannot_write(device.save(unsent, &version, &value));
        cannot_write(device.sync(&line));
        assert_eq!(summary(device, sent), "lähetetty");
        assert_eq!(summary(device, unsent), "vain tässä");
        assert_eq!(listed(device), 2);
    }
    assert!(disk.counts().read_only > 0, "it tried to write");
    assert_eq!(disk.files(), held, "not a byte is another");

    disk.set_read_only(false);
    // Without being opened again.
    let after = phone.note(space, json!({ "summary": "jälkeen" }));
    settle(&mut phone, &world);
    phone.close();
    phone.open();
    assert_eq!(listed(phone.device()), 3);
    let conn = phone.device().store().conn();
    assert_eq!(check::check(conn).expect("checks"), []);
    let record = world.relay().record();
    for doc in [sent, unsent, after] {
        assert!(record.store().document(doc).is_ok());
    }
}
