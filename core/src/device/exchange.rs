//! Syncing: make the next request, post it, apply the answer, until there is nothing left to say.

use std::sync::{Mutex, PoisonError};

use crate::compress::{compress, decompress};
use crate::envelope;
use crate::id::DeviceId;
use crate::store::meta;
use crate::sync::outgoing::Outgoing;
use crate::sync::{SyncAction, SyncEvent, SyncState};
use crate::transport::{Post, Reply, Transport, TransportError};
use crate::wire::{SYNC_PATH, SyncResponse, body, limits};

use super::errand::{Course, Errand, Portion, REQUEST_MS};
use super::{Device, DeviceError, Result, keys};

/// What one call of [`Device::sync`] did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SyncReport {
    /// Requests made.
    pub requests: u32,
    /// Bytes of all bodies sent, as they went over the wire.
    pub bytes_up: u64,
    /// Bytes of all bodies received.
    pub bytes_down: u64,
    /// Envelopes the relay has acknowledged for the first time.
    pub acknowledged: u32,
    /// Feed entries and packed documents applied.
    pub received: u32,
    /// Envelopes the relay holds or has refused, newly.
    pub rejected: u32,
    /// Own edits replayed on a rebuilt document.
    pub replayed: u32,
    /// Things from outside that could not be applied here and were set aside.
    pub quarantined: u32,
    /// Own work that went with a wipe or a space that was left, and could not be delivered: envelopes, and
    /// documents with changes in none. It was damaged here, or the relay would not take it.
    pub left_out: u32,
    /// The relay ordered a wipe and it was carried out: this device holds nothing any more.
    pub wiped: bool,
    /// There is more to exchange: sync again, at once or after [`Device::pause_ms`].
    pub more: bool,
}

/// Requests in one call; each but the last two made headway.
const MOST_REQUESTS: u32 = 1_000;

/// Whatever a relay asks for, and however far the clock was put back meanwhile.
const LONGEST_PAUSE_MS: i64 = 3_600_000;

/// Times that a clock can show, milliseconds: 1970 to the end of 9999, the last year of RFC 3339.
const CALENDAR_MS: std::ops::Range<i64> = 0..253_402_300_800_000;

/// What the relay says to a device that is cut off and brings nothing more.
const REVOKED: &str = "device_revoked";

impl Device {
    /// Sends what is unsent and takes in what is new, in as few requests as it takes: one, unless
    /// there is more than a page of news.
    ///
    /// # Errors
    /// [`DeviceError::Offline`], [`DeviceError::Busy`], [`DeviceError::Refused`]; what was
    /// exchanged before the error stays. Calling again at any time is right.
    pub fn sync(&mut self, transport: &dyn Transport) -> Result<SyncReport> {
        self.exchange(transport, Errand::sync(MOST_REQUESTS))
    }

    /// As [`Device::sync`], but at most so many requests.
    ///
    /// # Errors
    /// As [`Device::sync`].
    pub fn sync_for(&mut self, transport: &dyn Transport, requests: u32) -> Result<SyncReport> {
        self.exchange(transport, Errand::sync(requests))
    }

    /// As [`Device::sync`], in the time that a platform gives a task in the background, see
    /// [`Errand::within`].
    ///
    /// # Errors
    /// As [`Device::sync`].
    pub fn sync_within(&mut self, transport: &dyn Transport, budget_ms: u32) -> Result<SyncReport> {
        self.exchange(transport, Errand::within(budget_ms, MOST_REQUESTS))
    }

    /// Waits for news at most `wait_ms` and takes it in. If there is something to send, it sends
    /// that instead.
    ///
    /// # Errors
    /// As [`Device::sync`].
    pub fn watch(&mut self, transport: &dyn Transport, wait_ms: u32) -> Result<SyncReport> {
        self.exchange(transport, Errand::watch(wait_ms))
    }

    fn exchange(&mut self, transport: &dyn Transport, errand: Errand) -> Result<SyncReport> {
        let asker = self.identity()?.device;
        run(&mut Exclusive(self), transport, asker, errand)
    }

    /// Whether this is who asked: what was asked as somebody else goes nowhere any more, and what was
    /// answered to them says nothing of this device.
    fn check_asker(&self, asker: DeviceId) -> Result<()> {
        match self.enrolled_as()? {
            Some(device) if device == asker => Ok(()),
            _ => Err(DeviceError::Superseded),
        }
    }

    /// How long to wait before syncing again by itself, milliseconds: 0 when there is no reason to
    /// wait. After an error, or when the relay could not go on with what it has, the pause doubles
    /// from a second up to five minutes. A person who asks, or a network that comes back, need not
    /// wait: [`Device::sync`] always sends.
    pub fn pause_ms(&self) -> i64 {
        match self.scheduler.state() {
            SyncState::BackingOff { until_ms, .. } => {
                let left_ms = until_ms.saturating_sub(self.env.now_ms());
                left_ms.clamp(0, LONGEST_PAUSE_MS)
            }
            SyncState::Idle | SyncState::InFlight { .. } | SyncState::Stopped => 0,
        }
    }

    /// Tells the scheduler; `true` if it says to send.
    fn happened(&mut self, event: SyncEvent) -> bool {
        let mut jitter = [0; 4];
        if matches!(event, SyncEvent::Failed { .. }) {
            self.env.fill(&mut jitter);
        }
        let (now_ms, jitter) = (self.env.now_ms(), u32::from_le_bytes(jitter));
        self.scheduler.handle(event, now_ms, jitter) == SyncAction::Send
    }

    /// Remembers what the line carries.
    fn learn(&mut self, course: &Course) {
        if let Some(carries) = course.carries() {
            self.carries = carries;
        }
    }

    fn prepare(
        &mut self,
        asker: DeviceId,
        wait_ms: u32,
        portion: Portion,
    ) -> Result<(Outgoing, Post, i64)> {
        // The transport leads to that one's relay.
        self.check_asker(asker)?;
        let outgoing = self.next_portion(wait_ms, portion)?;
        let token = meta::text(self.store.conn(), keys::TOKEN)?.ok_or(DeviceError::NotEnrolled)?;
        let plain = envelope::encode(&outgoing.request);
        let (body, encoding) = match compress(&plain) {
            Some(packed) => (packed, Some("zstd")),
            None => (plain, None),
        };
        let timeout_ms = outgoing.request.wait_ms.saturating_add(REQUEST_MS);
        let post = Post {
            path: SYNC_PATH,
            token: Some(token),
            body,
            encoding,
            timeout_ms,
        };
        Ok((outgoing, post, self.env.now_ms()))
    }

    /// `true` if anything moved.
    fn finish(
        &mut self,
        outgoing: &Outgoing,
        sent_ms: i64,
        bytes: &[u8],
        report: &mut SyncReport,
    ) -> Result<bool> {
        self.check_asker(outgoing.device)?;
        let parsed: Result<SyncResponse, _> = body::parse(bytes);
        let mut response = parsed.map_err(|_| DeviceError::BadAnswer)?;
        if !CALENDAR_MS.contains(&response.now_ms) {
            // Such a clock says nothing: what this device knows of the time itself stays.
            response.now_ms = self.relay_now_ms();
        }
        if outgoing.request.wait_ms == 0 {
            // Halfway between sending and receiving is the best guess of when the relay looked.
            let middle = sent_ms + (self.env.now_ms() - sent_ms) / 2;
            let offset = response.now_ms.saturating_sub(middle);
            self.store
                .write(|tx| meta::set_number(tx, keys::OFFSET, offset))?;
        }
        let moved = self.apply(outgoing, &response, report)?;
        report.more = !report.wiped && self.wants_more(&response)?;
        Ok(moved)
    }
}

/// Syncs a device that others use meanwhile: the lock is free while the network is waited for, so
/// writing never blocks. `asker` is who the device was when the way to its relay was looked up.
///
/// # Errors
/// As [`Device::sync`]; [`DeviceError::Superseded`] as soon as the device is somebody else.
pub fn sync_shared(
    device: &Mutex<Device>,
    transport: &dyn Transport,
    asker: DeviceId,
    errand: Errand,
) -> Result<SyncReport> {
    run(&mut Shared(device), transport, asker, errand)
}

trait Held {
    fn with<T>(&mut self, work: impl FnOnce(&mut Device) -> T) -> T;
}

struct Exclusive<'d>(&'d mut Device);

impl Held for Exclusive<'_> {
    fn with<T>(&mut self, work: impl FnOnce(&mut Device) -> T) -> T {
        work(self.0)
    }
}

struct Shared<'d>(&'d Mutex<Device>);

impl Held for Shared<'_> {
    fn with<T>(&mut self, work: impl FnOnce(&mut Device) -> T) -> T {
        // A panic elsewhere leaves the store whole: its transactions are.
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn run(
    device: &mut impl Held,
    transport: &dyn Transport,
    asker: DeviceId,
    errand: Errand,
) -> Result<SyncReport> {
    // Whoever calls has a reason to; the scheduler says whether to go on, and when to come back.
    device.with(|device| device.happened(SyncEvent::Wanted));
    let mut ran = exchange(device, transport, asker, errand);
    if ran.is_err() {
        // What the relay of before says is no trouble of who this device is now.
        ran = device.with(|device| device.check_asker(asker)).and(ran);
    }
    let ended = match &ran {
        // Whoever stopped it has a reason of their own, and the relay none to be spared.
        Ok(_) | Err(DeviceError::Stopped | DeviceError::Superseded) => {
            SyncEvent::Answered { more: false }
        }
        Err(DeviceError::Refused { .. }) => SyncEvent::Refused,
        Err(DeviceError::Busy { retry_after_ms }) => SyncEvent::Failed {
            retry_after_ms: *retry_after_ms,
        },
        Err(_) => SyncEvent::Failed {
            retry_after_ms: None,
        },
    };
    device.with(|device| device.happened(ended));
    ran
}

fn exchange(
    device: &mut impl Held,
    transport: &dyn Transport,
    asker: DeviceId,
    errand: Errand,
) -> Result<SyncReport> {
    let mut report = SyncReport::default();
    let mut standing = 0;
    let mut course = device.with(|d| Course::new(errand, d.env.now_ms(), d.carries));
    loop {
        let portion = course.portion();
        let (outgoing, mut post, sent_ms) =
            device.with(|device| device.prepare(asker, errand.wait_ms, portion))?;
        if let Some(left_ms) = course.left_ms(sent_ms) {
            if left_ms == 0 && report.requests > 0 {
                report.more = true;
                return Ok(report);
            }
            post.timeout_ms = post.timeout_ms.min(left_ms.max(1));
        }
        report.requests += 1;
        report.bytes_up += post.body.len() as u64;
        let reply = match transport.post(post) {
            // What came before the time was over came.
            Err(TransportError::TimedOut)
                if errand.budget_ms.is_some() && report.bytes_down > 0 =>
            {
                report.more = true;
                return Ok(report);
            }
            reply => {
                if reply == Err(TransportError::TimedOut) {
                    course.timed_out();
                    device.with(|device| device.learn(&course));
                }
                reply?
            }
        };
        let (body, size) = match answer(reply) {
            Err(DeviceError::Refused { code }) if code == REVOKED => {
                device.with(|device| {
                    device.check_asker(asker)?;
                    device.wipe_refused(&outgoing, &mut report)
                })?;
                let refused = DeviceError::Refused { code };
                return report.wiped.then_some(report).ok_or(refused);
            }
            answer => answer?,
        };
        report.bytes_down += size;
        let moved = device.with(|device| device.finish(&outgoing, sent_ms, &body, &mut report))?;
        device.with(|device| {
            let waited = outgoing.request.wait_ms > 0;
            course.took(device.env.now_ms() - sent_ms, waited);
            device.learn(&course);
        });
        standing = if moved { 0 } else { standing + 1 };
        let (stuck, last) = (report.more && !moved, report.requests >= errand.requests);
        if stuck && standing == 1 && !last {
            continue;
        }
        // Twice without headway: the rest needs time or a person, not another request.
        let event = if stuck {
            SyncEvent::Failed {
                retry_after_ms: None,
            }
        } else {
            SyncEvent::Answered {
                more: report.more && !last,
            }
        };
        let go_on = device.with(|device| device.happened(event));
        if stuck || last || !go_on {
            return Ok(report);
        }
    }
}

/// The decompressed body of a good reply and its size on the wire; the error a bad one means.
pub(crate) fn answer(reply: Reply) -> Result<(Vec<u8>, u64)> {
    let size = reply.body.len() as u64;
    let body = match reply.encoding.as_str() {
        "" | "identity" => reply.body,
        "zstd" => {
            let most = 2 * limits::BODY_EXPANDED;
            decompress(&reply.body, most).map_err(|_| DeviceError::BadAnswer)?
        }
        _ => return Err(DeviceError::BadAnswer),
    };
    if reply.status == 200 {
        return Ok((body, size));
    }
    let problem: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
    let code = problem["code"].as_str();
    Err(match (reply.status, code) {
        (429 | 500..=599, _) => DeviceError::Busy {
            retry_after_ms: problem["retry_after_ms"].as_i64(),
        },
        (_, Some(code)) if code.len() <= 64 => DeviceError::Refused {
            code: code.to_owned(),
        },
        _ => DeviceError::BadAnswer,
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

    use uuid::Uuid;

    use super::*;
    use crate::documents::Kind;
    use crate::id::{DocId, MemberId, OrgId, SpaceId};
    use crate::store::{Store, draft};
    use crate::time::SystemEnv;
    use crate::wire::{ENROL_PATH, EnrolResponse, Order, OrderKind, PROTOCOL, SyncRequest};

    #[test]
    fn an_answer_that_asks_for_a_large_window_is_refused_for_that() {
        let reply = |window_log| Reply {
            status: 200,
            encoding: "zstd".into(),
            body: crate::testing::by_hand::zstd_window(window_log, b"few"),
        };
        assert_eq!(answer(reply(20)).unwrap().0, b"few");
        for window_log in [24, 27, 31] {
            let said = answer(reply(window_log));
            assert!(matches!(said, Err(DeviceError::BadAnswer)), "{said:?}");
        }
    }

    /// A relay whose merging is stuck: it answers, and always has more.
    #[derive(Default)]
    struct Stuck {
        requests: AtomicU32,
        freed: AtomicBool,
        gone: AtomicBool,
        /// It orders a document to be purged.
        purges: AtomicBool,
    }

    const ERASED: DocId = DocId(Uuid::from_u128(9));

    impl Transport for Stuck {
        fn post(&self, post: Post) -> std::result::Result<Reply, TransportError> {
            if self.gone.load(Ordering::Relaxed) {
                return Err(TransportError::Unreachable);
            }
            let body = if post.path == ENROL_PATH {
                envelope::encode(&EnrolResponse {
                    device: DeviceId(Uuid::from_u128(1)),
                    token: "token".into(),
                    member: MemberId(Uuid::from_u128(2)),
                    member_name: String::new(),
                    org: OrgId(Uuid::from_u128(3)),
                    org_name: String::new(),
                    relay_key: [0; 32],
                    now_ms: 0,
                })
            } else {
                self.requests.fetch_add(1, Ordering::Relaxed);
                let asked: SyncRequest = body::parse(&post.body).unwrap();
                if !asked.done.is_empty() {
                    self.purges.store(false, Ordering::Relaxed);
                }
                let purge = Order {
                    number: 1,
                    what: OrderKind::Purge(ERASED),
                };
                let purges = self.purges.load(Ordering::Relaxed);
                envelope::encode(&SyncResponse {
                    protocol: PROTOCOL,
                    now_ms: 0,
                    answers: Vec::new(),
                    need_vector: false,
                    spaces: Vec::new(),
                    pages: Vec::new(),
                    more: !self.freed.load(Ordering::Relaxed),
                    status: Vec::new(),
                    orders: purges.then_some(purge).into_iter().collect(),
                    offered: Vec::new(),
                    lease_days: None,
                    reads: None,
                })
            };
            Ok(Reply {
                status: 200,
                encoding: String::new(),
                body,
            })
        }
    }

    #[test]
    fn a_relay_that_is_stuck_is_asked_twice_and_then_ever_more_rarely() {
        let dir = tempfile::tempdir().unwrap();
        let env = Arc::new(SystemEnv);
        let store = dir.path().join("store.db");
        let mut device = Device::open(&store, dir.path(), [7; 32], env).unwrap();
        let relay = Stuck::default();
        device.enrol(&relay, "CODE", "phone").unwrap();
        let mut pauses = Vec::new();
        for _ in 0..6 {
            relay.requests.store(0, Ordering::Relaxed);
            let report = device.sync(&relay).unwrap();
            assert!(report.more);
            assert_eq!(relay.requests.load(Ordering::Relaxed), 2);
            pauses.push(device.pause_ms());
        }
        // With the upper half of each pause random, every second one is longer for sure.
        assert!(
            pauses[0] > 0 && pauses[2] > pauses[0] && pauses[5] > 10_000,
            "{pauses:?}"
        );
        relay.freed.store(true, Ordering::Relaxed);
        assert!(!device.sync(&relay).unwrap().more);
        assert_eq!(device.pause_ms(), 0, "what went well is not waited after");
        relay.gone.store(true, Ordering::Relaxed);
        assert!(device.sync(&relay).is_err());
        assert!(device.pause_ms() > 0, "no network");
    }

    /// Whoever waits for news is answered at once while an order stands: without a pause it would go round and
    /// round, and write the whole file anew each time.
    #[test]
    fn a_purge_that_cannot_be_finished_is_tried_again_ever_more_rarely() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("store.db");
        let mut device = Device::open(&path, dir.path(), [7; 32], Arc::new(SystemEnv)).unwrap();
        let relay = Stuck::default();
        relay.freed.store(true, Ordering::Relaxed);
        device.enrol(&relay, "CODE", "phone").unwrap();
        let keep = (ERASED, SpaceId(Uuid::from_u128(8)), Kind::VisitNote);
        let value = serde_json::json!({"summary": "poistuva"});
        device
            .store
            .write(|tx| draft::keep(tx, keep, "role", 1, &value))
            .unwrap();
        let reader = Store::open_reader(&path).unwrap();
        let begin = "BEGIN; SELECT count(*) FROM draft";
        reader.conn().execute_batch(begin).unwrap();
        relay.purges.store(true, Ordering::Relaxed);
        let mut pauses = Vec::new();
        for _ in 0..3 {
            relay.requests.store(0, Ordering::Relaxed);
            assert!(device.sync(&relay).unwrap().more);
            assert_eq!(relay.requests.load(Ordering::Relaxed), 2);
            pauses.push(device.pause_ms());
        }
        assert!(pauses[0] > 0 && pauses[2] > pauses[0], "{pauses:?}");
        reader.conn().execute_batch("COMMIT").unwrap();
        assert!(!device.sync(&relay).unwrap().more);
        assert!(!relay.purges.load(Ordering::Relaxed), "it was confirmed");
        assert_eq!(device.pause_ms(), 0);
    }

    /// A minute passes with every look at the clock.
    struct Hurried(AtomicU32);

    impl crate::time::Env for Hurried {
        fn now_ms(&self) -> i64 {
            i64::from(self.0.fetch_add(1, Ordering::Relaxed)) * 60_000
        }

        fn fill(&self, bytes: &mut [u8]) {
            SystemEnv.fill(bytes);
        }
    }

    #[test]
    fn a_budget_ends_a_sync_that_has_more_to_say() {
        let dir = tempfile::tempdir().unwrap();
        let store = dir.path().join("store.db");
        let env = Arc::new(Hurried(AtomicU32::new(0)));
        let mut device = Device::open(&store, dir.path(), [7; 32], env).unwrap();
        let relay = Stuck::default();
        device.enrol(&relay, "CODE", "phone").unwrap();
        let asker = device.identity().unwrap().device;
        let device = Mutex::new(device);
        let report = sync_shared(&device, &relay, asker, Errand::within(1_000, 100)).unwrap();
        assert!(report.more);
        assert_eq!(report.requests, 1, "one is always made");
    }
}
