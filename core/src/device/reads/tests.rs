//! Reads by a clock that is given, told to a relay that is scripted.
#![expect(clippy::unwrap_used, reason = "a test that fails should say where")]

use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::json;
use uuid::Uuid;

use super::*;
use crate::envelope;
use crate::id::{DeviceId, MemberId, OrgId, SpaceId};
use crate::time::{Env, SystemEnv};
use crate::transport::{Post, Reply, Transport, TransportError};
use crate::wire::{ENROL_PATH, EnrolResponse, PROTOCOL, SyncRequest, Verdict, body};

const START: i64 = 1_790_000_000_000;

struct Watch(AtomicI64);

impl Env for Watch {
    fn now_ms(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }

    fn fill(&self, bytes: &mut [u8]) {
        SystemEnv.fill(bytes);
    }
}

/// Hears what is told; says that it took so many of it, if it says anything.
struct Relay {
    member: u128,
    takes: Option<u32>,
    told: Mutex<Vec<Option<Vec<DocRead>>>>,
}

impl Transport for Relay {
    fn post(&self, post: Post) -> std::result::Result<Reply, TransportError> {
        let body = if post.path == ENROL_PATH {
            envelope::encode(&EnrolResponse {
                device: DeviceId(Uuid::from_u128(self.member)),
                token: "token".into(),
                member: MemberId(Uuid::from_u128(self.member)),
                member_name: String::new(),
                org: OrgId(Uuid::from_u128(3)),
                org_name: String::new(),
                relay_key: [0; 32],
                now_ms: START,
            })
        } else {
            let packed = post.encoding.is_some();
            let request: SyncRequest = body::read(&post.body, packed, 1 << 20).unwrap();
            self.told.lock().unwrap().push(request.reads.clone());
            envelope::encode(&SyncResponse {
                protocol: PROTOCOL,
                now_ms: START,
                answers: request.push.iter().map(|_| Verdict::Waiting).collect(),
                need_vector: false,
                spaces: Vec::new(),
                pages: Vec::new(),
                more: false,
                status: Vec::new(),
                orders: Vec::new(),
                offered: Vec::new(),
                lease_days: None,
                reads: request.reads.and(self.takes),
            })
        };
        Ok(Reply {
            status: 200,
            encoding: String::new(),
            body,
        })
    }
}

struct World {
    dir: tempfile::TempDir,
    watch: Arc<Watch>,
    relay: Relay,
    device: Device,
    note: DocId,
    listing: DocId,
}

fn opened(dir: &Path, watch: &Arc<Watch>) -> Device {
    let env = Arc::clone(watch) as Arc<dyn Env>;
    Device::open(&dir.join("store.db"), dir, [7; 32], env).unwrap()
}

fn world() -> World {
    let dir = tempfile::tempdir().unwrap();
    // The device's own clock is a day late.
    let watch = Arc::new(Watch(AtomicI64::new(START - 86_400_000)));
    let relay = Relay {
        member: 2,
        takes: Some(u32::MAX),
        told: Mutex::default(),
    };
    let mut device = opened(dir.path(), &watch);
    device.enrol(&relay, "CODE", "phone").unwrap();
    let space = SpaceId(Uuid::from_u128(1));
    let mut make = |kind| device.create(space, kind, &json!({})).unwrap().0;
    let (note, listing) = (make(Kind::VisitNote), make(Kind::ServiceListing));
    World {
        dir,
        watch,
        relay,
        device,
        note,
        listing,
    }
}

impl World {
    /// What the next sync tells.
    fn told(&mut self) -> Vec<Option<Vec<DocRead>>> {
        self.relay.told.lock().unwrap().clear();
        self.device.sync(&self.relay).unwrap();
        self.relay.told.lock().unwrap().clone()
    }

    fn read(&self) -> DocRead {
        DocRead {
            doc: self.note,
            at_ms: START,
        }
    }
}

#[test]
fn a_read_is_told_once_by_the_relay_s_clock_and_nothing_is_told_of_nothing() {
    let mut w = world();
    assert_eq!(w.told(), [None], "making is not reading");
    w.device.read(w.note).unwrap();
    w.device.timeline(w.note, 0, 10).unwrap();
    w.device.read(w.listing).unwrap();
    assert_eq!(w.told(), [Some(vec![w.read()])]);
    assert_eq!(w.told(), [None]);
    w.device.read(w.note).unwrap();
    assert_eq!(w.told(), [None], "again within the hour");
    w.watch.0.fetch_add(HOUR_MS, Ordering::Relaxed);
    w.device.read(w.note).unwrap();
    assert_eq!(w.told().concat_reads().len(), 1, "and in the next one");
}

trait All {
    fn concat_reads(&self) -> Vec<DocRead>;
}

impl All for Vec<Option<Vec<DocRead>>> {
    fn concat_reads(&self) -> Vec<DocRead> {
        self.iter().flatten().flatten().copied().collect()
    }
}

#[test]
fn what_the_relay_does_not_say_it_took_is_told_again_and_asked_about_no_more_than_that() {
    let mut w = world();
    w.device.read(w.note).unwrap();
    for says in [None, Some(0)] {
        w.relay.takes = says;
        let told = w.told();
        assert_eq!(told, [Some(vec![w.read()])], "{says:?}: one request");
    }
    // The store is opened anew in between.
    let elsewhere = tempfile::tempdir().unwrap();
    w.device = opened(elsewhere.path(), &w.watch);
    w.device = opened(w.dir.path(), &w.watch);
    w.relay.takes = Some(1);
    assert_eq!(w.told().concat_reads(), [w.read()]);
    assert_eq!(w.told(), [None]);
}

#[test]
fn a_store_that_takes_no_writes_fails_no_read_and_loses_no_mark() {
    let mut w = world();
    let other = rusqlite::Connection::open(w.dir.path().join("store.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let begun = std::time::Instant::now();
    w.device.read(w.note).unwrap();
    assert!(
        begun.elapsed().as_secs() < 5,
        "it did not wait for the other"
    );
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(w.told().concat_reads(), [w.read()]);
}

#[test]
fn more_than_one_request_holds_goes_in_the_next_ones() {
    let mut w = world();
    let conn = w.device.store.conn();
    for n in 0..limits::READS + 10 {
        let doc = DocId(Uuid::from_u128(n as u128));
        reads::note(conn, DocRead { doc, at_ms: 0 }).unwrap();
    }
    let told = w.told();
    let sizes: Vec<usize> = told.iter().flatten().map(Vec::len).collect();
    assert_eq!(sizes, [limits::READS, 10]);
}

#[test]
fn what_one_person_read_is_never_told_as_another_s() {
    let mut w = world();
    w.device.read(w.note).unwrap();
    w.relay.member = 3;
    w.device.enrol(&w.relay, "CODE", "phone").unwrap();
    assert_eq!(w.told().concat_reads(), []);
}

#[test]
fn a_salvage_brings_what_was_not_told_yet() {
    let mut w = world();
    w.device.read(w.note).unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    w.device = opened(elsewhere.path(), &w.watch);
    let env = Arc::clone(&w.watch) as Arc<dyn Env>;
    let (store, instance) = (w.dir.path().join("store.db"), w.dir.path());
    w.device = crate::device::salvage::salvage(&store, instance, [7; 32], env)
        .unwrap()
        .0;
    assert!(w.told().concat_reads().contains(&w.read()));
}

#[test]
fn marks_that_cannot_be_read_hold_nothing_up() {
    let mut w = world();
    w.device.read(w.note).unwrap();
    w.told();
    let harm = "DROP TABLE read_mark";
    w.device.store.conn().execute_batch(harm).unwrap();
    w.watch.0.fetch_add(HOUR_MS, Ordering::Relaxed);
    w.device.read(w.note).unwrap();
    assert_eq!(w.told(), [None]);
}
