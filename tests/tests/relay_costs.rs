//! What a push, a merge and a wait cost the relay, in things that can be counted: flushes to disk,
//! pages written, requests, documents loaded. Times are for the benchmarks.

#![expect(clippy::expect_used, reason = "a test")]

use std::cell::Cell;
use std::sync::{Arc, Mutex, Once};
use std::time::Duration;

use rusqlite::Connection;
use serde_json::json;
use sopu_core::device::Device;
use sopu_core::documents::Kind;
use sopu_core::envelope;
use sopu_core::id::{DocId, OrgId, SpaceId};
use sopu_core::time::SystemEnv;
use sopu_core::transport::{Post, Reply, Transport, TransportError};
use sopu_core::wire::{ENROL_PATH, EnrolRequest, SyncRequest};
use sopu_server::access::people::{self, NewMember, Party, Window};
use sopu_server::access::{invites, roles::Role};
use sopu_server::relay::{DATABASE, Relay};
use sopu_tests::World;
use sopu_tests::bench::counting::{Counting, counted_here};
use sopu_tests::disk::Disk;
use tempfile::TempDir;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

#[global_allocator]
static COUNTING: Counting = Counting;

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
        Loads::listen();
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

    /// Stops and starts the relay.
    fn reopen(&mut self) {
        let elsewhere = Relay::open(self.dir.path().join("spare"), Arc::new(SystemEnv));
        drop(std::mem::replace(
            &mut self.relay,
            elsewhere.expect("opens"),
        ));
        let again = Relay::open(self.dir.path().join("data"), Arc::new(SystemEnv));
        self.relay = again.expect("opens");
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

/// Keeps the last request and says that nobody answers.
#[derive(Default)]
struct Letters(Mutex<Option<Post>>);

impl Transport for Letters {
    fn post(&self, post: Post) -> Result<Reply, TransportError> {
        *self.0.lock().expect("whole") = Some(post);
        Err(TransportError::Unreachable)
    }
}

fn notes(device: &mut Device, space: SpaceId, documents: usize) -> Vec<DocId> {
    let note = |number| {
        let value = json!({"summary": format!("Käynti {number}"), "status": "done"});
        let made = device.create(space, Kind::VisitNote, &value);
        made.expect("creates").0
    };
    (0..documents).map(note).collect()
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

thread_local! {
    /// How often Automerge has loaded a document on this thread.
    static LOADS: Cell<u64> = const { Cell::new(0) };
}

/// Counts how often Automerge loads a document, which it says by a span of that name.
struct Loads;

impl Loads {
    fn of(work: impl FnOnce()) -> u64 {
        let before = LOADS.get();
        work();
        LOADS.get() - before
    }

    /// Listens on all threads and from the first load on: a span that a thread without a listener met
    /// first may stay silent for good.
    fn listen() {
        static ONCE: Once = Once::new();
        ONCE.call_once(|| tracing::subscriber::set_global_default(Self).expect("the only one"));
    }
}

impl Subscriber for Loads {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_span() && metadata.name() == "load_with_options"
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        LOADS.set(LOADS.get() + 1);
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &Event<'_>) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[test]
fn merging_loads_each_document_once_a_page_for_its_trial() {
    let mut counted = Counted::new();
    let (mut device, spaces) = counted.device("maria", 1);
    let docs = notes(&mut device, spaces[0], 20);
    let mut merged = |counted: &Counted| {
        for doc in &docs {
            for word in ["Aamu", "Ilta"] {
                let mut opened = device.read(*doc).expect("reads");
                opened.value["summary"] = json!(format!("{word} {:?}", opened.version));
                let saved = device.save(*doc, &opened.version, &opened.value);
                saved.expect("saves");
            }
        }
        device.sync_for(&Direct(&counted.relay), 1).expect("syncs");
        Loads::of(|| assert_eq!(counted.relay.merge_all().expect("merges"), docs.len()))
    };
    assert_eq!(merged(&counted), 20, "new documents of three changes");
    assert_eq!(merged(&counted), 20, "two changes more of each");
    counted.reopen();
    assert_eq!(merged(&counted), 20, "after a restart, with nothing loaded");
}

#[test]
fn a_change_takes_so_many_allocations_to_push_and_so_many_to_merge() {
    let mut counted = Counted::new();
    let (mut device, spaces) = counted.device("maria", 1);
    let mut cost = |changes: usize| {
        for doc in notes(&mut device, spaces[0], 20) {
            for step in 1..changes {
                let mut opened = device.read(doc).expect("reads");
                opened.value["summary"] = json!(format!("Kirjaus {step}"));
                let saved = device.save(doc, &opened.version, &opened.value);
                saved.expect("saves");
            }
        }
        let letters = Letters::default();
        device.sync(&letters).expect_err("nobody answers");
        let post = letters.0.into_inner().expect("whole").expect("a request");
        let (_, push) = counted_here(|| Direct(&counted.relay).post(post).expect("answers"));
        let (_, merge) = counted_here(|| counted.relay.merge_all().expect("merges"));
        device.sync(&Direct(&counted.relay)).expect("syncs");
        [push, merge].map(|calls| calls / 20)
    };
    cost(1);
    let (one, forty) = (cost(1), cost(41));
    let change = [0, 1].map(|at| (forty[at] - one[at]) / 40);
    assert!(
        one[0] <= 90 && change[0] <= 27,
        "push: {one:?}, a change more {change:?}"
    );
    assert!(
        one[1] <= 2_900 && change[1] <= 140,
        "merge: {one:?}, a change more {change:?}"
    );
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
