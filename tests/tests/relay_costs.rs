//! What a push, a merge and a wait cost the relay, in things that can be counted: flushes to disk,
//! pages written, requests. Times are for the benchmarks.

#![expect(clippy::expect_used, reason = "a test")]

use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;
use serde_json::json;
use sopu_core::device::Device;
use sopu_core::documents::Kind;
use sopu_core::envelope;
use sopu_core::id::{OrgId, SpaceId};
use sopu_core::time::SystemEnv;
use sopu_core::transport::{Post, Reply, Transport, TransportError};
use sopu_core::wire::{ENROL_PATH, EnrolRequest, SyncRequest};
use sopu_server::access::people::{self, NewMember, Party, Window};
use sopu_server::access::{invites, roles::Role};
use sopu_server::relay::{DATABASE, Relay};
use sopu_tests::World;
use sopu_tests::disk::Disk;
use tempfile::TempDir;

/// A relay on a disk that counts, without its merge worker.
struct Counted {
    relay: Relay,
    disk: Arc<Disk>,
    db: Connection,
    org: OrgId,
    dir: TempDir,
}

impl Counted {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let data = dir.path().join("data");
        let disk = Disk::new(&data);
        let relay = Relay::open(&data, Arc::new(SystemEnv)).expect("opens");
        let db = Connection::open(data.join(DATABASE)).expect("opens");
        let org = people::add_org(&db, &SystemEnv, "Hoiva Oy", None).expect("added");
        Self {
            relay,
            disk,
            db,
            org,
            dir,
        }
    }

    fn device(&mut self, name: &str, spaces: usize) -> (Device, Vec<SpaceId>) {
        let new = NewMember {
            org: self.org,
            name,
            login: None,
            password: None,
            admin: false,
        };
        let member = people::add_member(&self.db, &SystemEnv, &new).expect("added");
        let window = Window {
            from_ms: 0,
            until_ms: None,
        };
        let spaces = (0..spaces).map(|n| {
            let name = format!("Tiimi {n}");
            let space = people::add_space(&self.db, &SystemEnv, self.org, &name).expect("added");
            let party = Party::Member(member);
            people::grant(&mut self.db, space, party, Role::Field, window, 0).expect("granted");
            space
        });
        let spaces = spaces.collect();
        let code = invites::create(&self.db, &SystemEnv, member, None, invites::LIFE_MS);
        let folder = self.dir.path().join(name);
        std::fs::create_dir_all(&folder).expect("a folder");
        let (store, key) = (folder.join("store.db"), Device::new_key(&SystemEnv));
        let mut device = Device::open(&store, &folder, key, Arc::new(SystemEnv)).expect("opens");
        let http = Direct(&self.relay);
        device
            .enrol(&http, &code.expect("an invite"), name)
            .expect("enrols");
        device.sync(&http).expect("syncs");
        (device, spaces)
    }

    /// Flushes, and writes in kilobytes' worth of pages, of what is done.
    fn counted(&self, work: impl FnOnce()) -> (u64, u64) {
        let before = self.disk.counts();
        work();
        let after = self.disk.counts();
        (after.syncs - before.syncs, after.writes - before.writes)
    }
}

/// Straight into the relay.
struct Direct<'r>(&'r Relay);

impl Transport for Direct<'_> {
    fn post(&self, post: Post) -> Result<Reply, TransportError> {
        let body = match post.encoding {
            Some(_) => sopu_core::compress::decompress(&post.body, 64 << 20).expect("zstd"),
            None => post.body,
        };
        let body = if post.path == ENROL_PATH {
            let request: EnrolRequest = envelope::decode(&body).expect("a request");
            envelope::encode(&self.0.enrol(&request).expect("enrols"))
        } else {
            let request: SyncRequest = envelope::decode(&body).expect("a request");
            let token = post.token.expect("a token");
            envelope::encode(&self.0.sync(&token, &request).expect("answers"))
        };
        Ok(Reply {
            status: 200,
            encoding: String::new(),
            body,
        })
    }
}

fn notes(device: &mut Device, space: SpaceId, documents: usize) {
    for number in 0..documents {
        let value = json!({"summary": format!("Käynti {number}"), "status": "done"});
        let made = device.create(space, Kind::VisitNote, &value);
        made.expect("creates");
    }
}

#[test]
fn a_push_of_a_hundred_envelopes_is_one_flush_and_so_is_each_step_of_merging() {
    let mut counted = Counted::new();
    let (mut device, spaces) = counted.device("maria", 1);
    notes(&mut device, spaces[0], 100);
    let (flushes, _) = counted.counted(|| {
        let report = device.sync_for(&Direct(&counted.relay), 1).expect("syncs");
        assert_eq!((report.requests, report.acknowledged), (1, 100));
    });
    assert_eq!(flushes, 1, "one commit, whatever else was noted");
    let (flushes, _) = counted.counted(|| {
        assert_eq!(counted.relay.merge_all().expect("merges"), 100);
    });
    // Two steps of at most 64; besides, a log that has grown is copied back now and then.
    assert!((2..=8).contains(&flushes), "{flushes} flushes");
}

#[test]
fn a_request_with_nothing_new_writes_nothing() {
    let mut counted = Counted::new();
    let (mut device, spaces) = counted.device("maria", 3);
    notes(&mut device, spaces[0], 5);
    for _ in 0..3 {
        device.sync(&Direct(&counted.relay)).expect("syncs");
        counted.relay.merge_all().expect("merges");
    }
    let (flushes, writes) = counted.counted(|| {
        let report = device.sync(&Direct(&counted.relay)).expect("syncs");
        assert_eq!((report.requests, report.received), (1, 0));
    });
    assert_eq!((flushes, writes), (0, 0));
}

#[test]
fn what_a_push_writes_does_not_grow_with_what_is_there() {
    let mut counted = Counted::new();
    let (mut device, spaces) = counted.device("maria", 1);
    let mut push = || {
        notes(&mut device, spaces[0], 40);
        let (_, writes) = counted.counted(|| {
            device.sync_for(&Direct(&counted.relay), 1).expect("syncs");
        });
        counted.relay.merge_all().expect("merges");
        device.sync(&Direct(&counted.relay)).expect("syncs");
        writes
    };
    push();
    let early = push();
    for _ in 0..6 {
        push();
    }
    // Deeper trees and scattered keys cost something, but not in proportion: there is four times
    // as much by now.
    let late = push();
    assert!(late < early * 3, "{early} writes, later {late}");
}

#[test]
fn a_day_of_each_of_six_devices_is_one_request_and_settling_it_another() {
    let world = World::new();
    let space = world.space("Tiimi");
    let mut phones: Vec<_> = (0..6)
        .map(|n| {
            let member = world.member(&format!("Hoitaja {n}"), Role::Field, &[space]);
            world.phone(&format!("phone-{n}"), member)
        })
        .collect();
    for phone in &mut phones {
        for number in 0..2 {
            let doc = phone.note(space, json!({"summary": format!("Käynti {number}")}));
            for step in 1..10 {
                phone.edit(doc, json!({"summary": format!("Käynti {number}, {step}")}));
            }
        }
        let report = phone.sync(&world);
        assert_eq!((report.requests, report.acknowledged), (1, 2));
    }
    world.settle();
    for phone in &mut phones {
        assert_eq!(phone.sync(&world).requests, 1);
        let backlog = phone.device().backlog().expect("reads");
        assert_eq!(backlog, sopu_core::store::outbox::Progress::default());
    }
}

#[test]
fn a_device_that_waits_is_told_when_another_has_saved_and_not_before_it_can_have_it() {
    let world = World::new();
    let space = world.space("Tiimi");
    let writes = world.member("Maria Niemi", Role::Field, &[space]);
    let waits = world.member("Aino Laakso", Role::Field, &[space]);
    let (mut maria, mut aino) = (world.phone("maria", writes), world.phone("aino", waits));
    aino.sync(&world);
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            let transport = world.transport();
            aino.device().watch(&transport, 30_000).expect("watches")
        });
        std::thread::sleep(Duration::from_millis(300));
        maria.note(space, json!({"summary": "Aamukäynti"}));
        maria.sync(&world);
        let report = waiting.join().expect("ends");
        assert_eq!((report.requests, report.received), (1, 1));
    });
}
