//! Syncing over a line at the edge of coverage, in the short time a platform gives a task in the background and
//! without haste.

#![expect(clippy::expect_used, reason = "a test")]

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use serde_json::json;
use sopu_core::device::DeviceError;
use sopu_core::transport::http::HttpTransport;
use sopu_core::transport::{Post, Reply, Transport, TransportError};
use sopu_server::access::roles::Role;
use sopu_tests::{Clock, Phone, World};

/// So many milliseconds does iOS give a task that refreshes an app, about.
const BUDGET_MS: u32 = 25_000;

/// A line on which time passes with every byte. What does not arrive in the time the request has is cut,
/// on its way up or down.
struct Slow {
    relay: HttpTransport,
    clock: Arc<Clock>,
    passed_ms: AtomicI64,
    bytes_a_second: usize,
    up: AtomicU64,
}

impl Slow {
    /// `false` if the time is over before the bytes are through.
    fn carries(&self, bytes: usize, left_ms: &mut i64) -> bool {
        let takes_ms = i64::try_from(1_000 * bytes / self.bytes_a_second).unwrap_or(i64::MAX);
        let passed_ms = takes_ms.min(*left_ms);
        let so_far = self.passed_ms.fetch_add(passed_ms, Ordering::Relaxed);
        self.clock.set_off(so_far + passed_ms);
        *left_ms -= passed_ms;
        takes_ms == passed_ms
    }
}

impl Transport for Slow {
    fn post(&self, post: Post) -> Result<Reply, TransportError> {
        let mut left_ms = i64::from(post.timeout_ms);
        self.up.fetch_add(post.body.len() as u64, Ordering::Relaxed);
        if !self.carries(300 + post.body.len(), &mut left_ms) {
            return Err(TransportError::TimedOut);
        }
        let reply = self.relay.post(post)?;
        if !self.carries(300 + reply.body.len(), &mut left_ms) {
            return Err(TransportError::TimedOut);
        }
        Ok(reply)
    }
}

/// Text that does not compress to nothing.
fn words(note: u32) -> String {
    let mut state = note.wrapping_mul(2_654_435_761).wrapping_add(1);
    let mut letter = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        char::from(b'a' + u8::try_from(state >> 24).unwrap_or(0) % 26)
    };
    (0..900).map(|_| letter()).collect()
}

/// 150 notes of some 700 bytes compressed each way, and a line of so many bytes a second between Maria and the
/// relay.
fn backlogs(bytes_a_second: usize) -> (World, Phone, Phone, Slow) {
    let world = World::new();
    let space = world.space("Navetta");
    let maria = world.member("Maria Niemi", Role::Field, &[space]);
    let eero = world.member("Eero Niemi", Role::Field, &[space]);
    let (mut maria, mut eero) = (world.phone("maria", maria), world.phone("eero", eero));
    for note in 0..150 {
        eero.note(space, json!({"summary": words(note)}));
    }
    eero.sync(&world);
    world.settle();
    for note in 150..300 {
        maria.note(space, json!({"summary": words(note)}));
    }
    let line = Slow {
        relay: world.transport(),
        clock: Arc::clone(&maria.clock),
        passed_ms: AtomicI64::new(0),
        bytes_a_second,
        up: AtomicU64::new(0),
    };
    (world, maria, eero, line)
}

#[test]
fn a_slow_line_makes_headway_in_every_short_time_it_gets() {
    // A minute at this rate, and one time is 25 s.
    let (world, mut maria, mut eero, line) = backlogs(2_000);
    let mut unsent = vec![maria.device().backlog().expect("reads").sealed];
    let mut times = 0;
    loop {
        times += 1;
        assert!(times < 20, "no end: {unsent:?}");
        let began_ms = line.passed_ms.load(Ordering::Relaxed);
        let report = maria
            .device()
            .sync_within(&line, BUDGET_MS)
            .expect("something comes through");
        let took_ms = line.passed_ms.load(Ordering::Relaxed) - began_ms;
        assert!(took_ms <= i64::from(BUDGET_MS) + 1_000, "{took_ms} ms");
        let backlog = maria.device().backlog().expect("reads");
        unsent.push(backlog.unsealed + backlog.sealed);
        if !report.more {
            break;
        }
        if unsent[times] > 0 {
            assert!(
                times == 1 || unsent[times] < unsent[times - 1],
                "{unsent:?}"
            );
        }
    }
    assert!(times > 2, "the line was too good to tell");
    assert_eq!(unsent.last(), Some(&0));
    let sent = line.up.load(Ordering::Relaxed);
    assert!(sent < 2 * 150 * 900, "sent over and over: {sent} bytes");
    world.settle();
    maria.sync(&world);
    eero.sync(&world);
    let query = sopu_core::store::list::Query::default();
    assert_eq!(maria.device().list(&query).expect("lists").total, 300);
    assert_eq!(eero.device().list(&query).expect("lists").total, 300);
}

/// What a request carries in all its time is less than there is to send, and than there is to get.
#[test]
fn a_line_on_which_all_at_once_times_out_carries_it_in_parts() {
    let (world, mut maria, _, line) = backlogs(1_000);
    let (mut times, mut failed) = (0, 0);
    loop {
        times += 1;
        assert!(times < 20, "no end");
        match maria.device().sync(&line) {
            Ok(report) if !report.more => break,
            Ok(_) => {}
            Err(DeviceError::Offline) => failed += 1,
            Err(other) => panic!("{other}"),
        }
    }
    assert!((1..=2).contains(&failed), "{failed} of {times}");
    let backlog = maria.device().backlog().expect("reads");
    assert_eq!(backlog.unsealed + backlog.sealed, 0);
    world.settle();
    maria.sync(&world);
    let query = sopu_core::store::list::Query::default();
    assert_eq!(maria.device().list(&query).expect("lists").total, 300);
}
