//! Seals by a clock that is given, jumps backwards included.
#![expect(clippy::unwrap_used, reason = "a test that fails should say where")]

use std::path::Path;
use std::sync::atomic::{AtomicI64, AtomicU16, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::json;
use uuid::Uuid;

use super::*;
use crate::documents::Kind;
use crate::envelope;
use crate::id::{DeviceId, MemberId, OrgId};
use crate::time::{Env, SystemEnv};
use crate::transport::{Post, Reply, Transport, TransportError};
use crate::wire::{
    Cursor, ENROL_PATH, EnrolResponse, PROTOCOL, SpaceNews, SpacePage, Standing, SyncRequest, body,
};

const HOUR: i64 = 60 * 60 * 1_000;
const DAY: i64 = 24 * HOUR;
/// Relay clock when everything begins.
const START: i64 = 1_790_000_000_000;

/// A clock that is set.
struct Watch(AtomicI64);

impl Watch {
    fn set(&self, ms: i64) {
        self.0.store(ms, Ordering::Relaxed);
    }
}

impl Env for Watch {
    fn now_ms(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }

    fn fill(&self, bytes: &mut [u8]) {
        SystemEnv.fill(bytes);
    }
}

/// A relay with two spaces, whose rights end as it is told.
struct Relay {
    now_ms: AtomicI64,
    lease: AtomicU16,
    until_ms: AtomicI64,
    pushed: Mutex<usize>,
}

fn space(number: u128) -> SpaceId {
    SpaceId(Uuid::from_u128(number))
}

impl Relay {
    fn page(number: u128) -> SpacePage {
        let to = Cursor {
            space: space(number),
            generation: [1; 16],
            seq: 0,
            tag: [1; 8],
            roster: 1,
            first: None,
        };
        SpacePage {
            from: None,
            to,
            roster: None,
            entries: Vec::new(),
            packs: Vec::new(),
            proofs: Vec::new(),
            cut: None,
        }
    }

    fn answer(&self, request: &SyncRequest) -> SyncResponse {
        *self.pushed.lock().unwrap() += request.push.len();
        let until_ms = match self.until_ms.load(Ordering::Relaxed) {
            0 => None,
            ms => Some(ms),
        };
        let news = |number, until_ms| SpaceNews {
            space: space(number),
            standing: Some(Standing {
                name: format!("Tila {number}"),
                role: "field".to_owned(),
                until_ms,
            }),
        };
        SyncResponse {
            protocol: PROTOCOL,
            now_ms: self.now_ms.load(Ordering::Relaxed),
            answers: request
                .push
                .iter()
                .map(|_| crate::wire::Verdict::Waiting)
                .collect(),
            need_vector: false,
            spaces: vec![news(1, until_ms), news(2, None)],
            pages: vec![Self::page(1), Self::page(2)],
            more: false,
            status: Vec::new(),
            orders: Vec::new(),
            offered: Vec::new(),
            lease_days: match self.lease.load(Ordering::Relaxed) {
                0 => None,
                days => Some(days),
            },
            reads: None,
        }
    }
}

impl Transport for Relay {
    fn post(&self, post: Post) -> std::result::Result<Reply, TransportError> {
        let bytes = match post.path {
            ENROL_PATH => envelope::encode(&EnrolResponse {
                device: DeviceId(Uuid::from_u128(1)),
                token: "token".into(),
                member: MemberId(Uuid::from_u128(2)),
                member_name: String::new(),
                org: OrgId(Uuid::from_u128(3)),
                org_name: String::new(),
                relay_key: [0; 32],
                now_ms: self.now_ms.load(Ordering::Relaxed),
            }),
            _ => {
                let packed = post.encoding.is_some();
                let request = body::read(&post.body, packed, 1 << 20).unwrap();
                envelope::encode(&self.answer(&request))
            }
        };
        Ok(Reply {
            status: 200,
            encoding: String::new(),
            body: bytes,
        })
    }
}

struct World {
    dir: tempfile::TempDir,
    watch: Arc<Watch>,
    relay: Relay,
    device: Device,
}

fn opened(dir: &Path, watch: &Arc<Watch>) -> Device {
    let env = Arc::clone(watch) as Arc<dyn Env>;
    Device::open(&dir.join("store.db"), dir, [7; 32], env).unwrap()
}

/// An enrolled device whose own clock is wrong by so much, after its first sync.
fn world(wrong_ms: i64) -> World {
    let dir = tempfile::tempdir().unwrap();
    let watch = Arc::new(Watch(AtomicI64::new(START + wrong_ms)));
    let relay = Relay {
        now_ms: AtomicI64::new(START),
        lease: AtomicU16::new(0),
        until_ms: AtomicI64::new(0),
        pushed: Mutex::new(0),
    };
    let mut device = opened(dir.path(), &watch);
    device.enrol(&relay, "CODE", "phone").unwrap();
    device.sync(&relay).unwrap();
    World {
        dir,
        watch,
        relay,
        device,
    }
}

impl World {
    /// Closes the device and opens it again.
    fn reopen(&mut self) {
        let elsewhere = tempfile::tempdir().unwrap();
        self.device = opened(elsewhere.path(), &self.watch);
        self.device = opened(self.dir.path(), &self.watch);
    }

    fn sync_at(&mut self, relay_ms: i64) {
        self.relay.now_ms.store(relay_ms, Ordering::Relaxed);
        self.device.sync(&self.relay).unwrap();
    }

    fn lists(&self) -> Result<u64> {
        let query = Query {
            text: Some("sana".to_owned()),
            ..Query::default()
        };
        let found = self.device.list(&query)?.total;
        assert_eq!(self.device.list(&Query::default())?.total, found);
        Ok(found)
    }
}

#[test]
fn a_space_is_sealed_when_its_right_has_ended_by_the_relay_s_clock_also_offline() {
    // Its own clock is two days behind: what counts is the relay's.
    let mut w = world(-2 * DAY);
    let end = START + 8 * HOUR;
    w.relay.until_ms.store(end, Ordering::Relaxed);
    w.sync_at(START);
    let note = |d: &mut Device, number| {
        let value = json!({"summary": "sana", "status": "done"});
        d.create(space(number), Kind::VisitNote, &value).unwrap().0
    };
    let (here, other) = (note(&mut w.device, 1), note(&mut w.device, 2));
    let form = w.device.read(here).unwrap();
    assert_eq!(w.lists().unwrap(), 2);
    w.watch.set(end - 2 * DAY - 1);
    assert_eq!(w.device.spaces().unwrap().len(), 2, "until the last moment");
    w.watch.set(end - 2 * DAY);
    let sealed = |error| matches!(error, DeviceError::SpaceEnded { ended_ms } if ended_ms == end);
    assert!(sealed(w.device.read(here).unwrap_err()));
    assert!(sealed(w.device.timeline(here, 0, 9).unwrap_err()));
    assert!(sealed(w.device.problems(here, "save").unwrap_err()));
    assert!(sealed(w.device.findings(space(1)).unwrap_err()));
    assert_eq!(w.lists().unwrap(), 1, "neither listed nor found");
    let asked = Query {
        spaces: Some(vec![space(1)]),
        ..Query::default()
    };
    assert_eq!(w.device.list(&asked).unwrap().total, 0);
    assert_eq!(w.device.spaces().unwrap().len(), 1);
    assert_eq!(w.device.sealed_spaces().unwrap()[0].standing.name, "Tila 1");
    assert!(w.device.read(other).is_ok(), "others are as they were");

    // A form that was open saves on, and what was not sent is delivered.
    let mut value = form.value.clone();
    value["summary"] = json!("sana, ja vielä toinen");
    w.device.save(here, &form.version, &value).unwrap();
    assert!(w.device.backlog().unwrap().unsealed > 0);
    // Set back, and opened anew: sealed all the same.
    w.watch.set(START - 9 * DAY);
    w.reopen();
    assert!(sealed(w.device.read(here).unwrap_err()));
    w.sync_at(end + HOUR);
    // Of the first, what was written in time and what was written after are judged apart.
    assert_eq!(*w.relay.pushed.lock().unwrap(), 3);
    assert_eq!(w.device.backlog().unwrap().unsealed, 0);

    // The right is given for longer: there it is again.
    w.relay.until_ms.store(end + DAY, Ordering::Relaxed);
    w.sync_at(end + HOUR);
    assert!(w.device.read(here).is_ok());
}

#[test]
fn a_device_without_contact_for_longer_than_its_lease_shows_nothing_until_it_has_been_online() {
    let mut w = world(0);
    let value = json!({"summary": "sana", "status": "done"});
    let (doc, saved) = w.device.create(space(2), Kind::VisitNote, &value).unwrap();
    w.watch.set(START + 30 * DAY);
    assert!(w.device.read(doc).is_ok(), "thirty days are allowed");
    w.watch.set(START + 30 * DAY + 1);
    let ended = |error| matches!(error, DeviceError::LeaseEnded { days: 30 });
    let check = |w: &World| {
        assert!(ended(w.device.read(doc).unwrap_err()));
        assert!(ended(w.lists().unwrap_err()));
        assert!(ended(w.device.spaces().unwrap_err()));
        assert!(ended(w.device.findings(space(2)).unwrap_err()));
        assert!(ended(w.device.timeline(doc, 0, 9).unwrap_err()));
    };
    check(&w);
    // The clock set back opens nothing, neither now nor after a restart.
    w.watch.set(START + DAY);
    check(&w);
    w.watch.set(START + 30 * DAY + HOUR);
    check(&w);
    w.watch.set(START + DAY);
    w.reopen();
    check(&w);
    // Writing never blocks.
    let mut more = value.clone();
    more["summary"] = json!("sana myöhemmin");
    w.device.save(doc, &saved.version, &more).unwrap();
    w.device.create(space(2), Kind::VisitNote, &value).unwrap();
    w.sync_at(START + 40 * DAY);
    assert_eq!(w.lists().unwrap(), 2);
    assert_eq!(
        w.device.read(doc).unwrap().value["summary"],
        "sana myöhemmin"
    );
    assert!(*w.relay.pushed.lock().unwrap() >= 2, "and it was delivered");
}

#[test]
fn the_organisation_s_lease_holds_and_no_word_of_it_is_thirty_days() {
    let mut w = world(0);
    w.relay.lease.store(3, Ordering::Relaxed);
    w.sync_at(START);
    w.watch.set(START + 3 * DAY + 1);
    let error = w.device.check_lease().unwrap_err();
    assert!(matches!(error, DeviceError::LeaseEnded { days: 3 }));
    w.relay.lease.store(0, Ordering::Relaxed);
    w.sync_at(START + 3 * DAY + 1);
    w.watch.set(START + 20 * DAY);
    assert!(w.device.check_lease().is_ok());
}

#[test]
fn a_clock_that_ran_far_ahead_is_forgiven_at_the_next_contact() {
    let mut w = world(0);
    w.watch.set(START + 4_000 * DAY);
    assert!(w.device.check_lease().is_err());
    w.watch.set(START + HOUR);
    assert!(w.device.check_lease().is_err(), "not by itself");
    w.sync_at(START + HOUR);
    assert!(w.device.check_lease().is_ok());
    // And the relay's own word counts, also when it goes back.
    w.watch.set(START + 2 * HOUR);
    w.sync_at(START - 5 * DAY);
    w.watch.set(START + 2 * HOUR + 29 * DAY);
    assert!(w.device.check_lease().is_ok());
}

#[test]
fn an_old_answer_heard_again_is_no_contact() {
    let mut w = world(0);
    let outgoing = w.device.next_request(0).unwrap();
    let response = w.relay.answer(&outgoing.request);
    let mut report = crate::device::SyncReport::default();
    w.device.apply(&outgoing, &response, &mut report).unwrap();
    w.watch.set(START + 31 * DAY);
    assert!(w.device.check_lease().is_err());
    w.device.apply(&outgoing, &response, &mut report).unwrap();
    assert!(w.device.check_lease().is_err());
}
