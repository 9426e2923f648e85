//! When to sync: a pure state machine. It is told what happened and what time it is, and answers
//! with what to do next; sockets, timers and threads are the caller's.
//!
//! ```text
//!          Wanted                Answered{more}
//!   Idle ─────────▶ InFlight ───────────────▶ InFlight
//!    ▲                │  │
//!    │ Answered{done} │  │ Failed(unreachable, busy)         Tick at `until`, or Network
//!    └────────────────┘  └────────────▶ BackingOff{until} ──────────────▶ InFlight
//!                     │
//!                     │ Failed(for good)
//!                     └────────────▶ Stopped (until Wanted by a person)
//! ```
//!
//! What goes into a request and what a response does to the store is in `sync/outgoing.rs` and
//! `sync/incoming.rs`; what a relay lost and is offered again, in `sync/offers.rs`; what must be delivered
//! before a wipe, in `sync/undelivered.rs`.

pub mod incoming;
mod offers;
pub mod outgoing;
pub mod replay;
pub(crate) mod undelivered;

/// The first pause after a failure, milliseconds.
const FIRST_PAUSE_MS: i64 = 1_000;
/// The longest pause, milliseconds.
const LONGEST_PAUSE_MS: i64 = 5 * 60_000;

/// Where the scheduler stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum SyncState {
    /// Nothing to do.
    #[default]
    Idle,
    /// A request is on its way.
    InFlight {
        /// Failures in a row before it.
        failures: u32,
        /// Something was saved meanwhile: go again after the answer.
        again: bool,
    },
    /// Waiting after a failure.
    BackingOff {
        /// Failures in a row.
        failures: u32,
        /// When to try again.
        until_ms: i64,
    },
    /// The relay will not have this device; only a person can change that.
    Stopped,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyncEvent {
    /// There is something to send, or a person asked.
    Wanted,
    /// The platform says there is a network now.
    Network,
    /// A response was applied.
    Answered {
        /// The relay has more, or the device has more to send.
        more: bool,
    },
    /// No reply, or one that asks for patience. The pause may be asked for, milliseconds.
    Failed {
        /// `Retry-After`, if the relay gave one.
        retry_after_ms: Option<i64>,
    },
    /// The relay refused for good: revoked, protocol too old.
    Refused,
    /// Time has passed.
    Tick,
}

/// What to do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyncAction {
    /// Make the next request and post it.
    Send,
    /// Come back with `Tick` at this time.
    WakeAt(i64),
    /// Nothing until something happens.
    Rest,
}

/// The scheduler.
#[derive(Clone, Debug, Default)]
pub struct Scheduler {
    state: SyncState,
}

impl Scheduler {
    /// Where it stands.
    pub fn state(&self) -> SyncState {
        self.state
    }

    /// Takes what happened and says what to do. `jitter` is a random number that spreads devices
    /// that failed together; `now_ms` any clock that moves forward.
    pub fn handle(&mut self, event: SyncEvent, now_ms: i64, jitter: u32) -> SyncAction {
        use SyncEvent as E;
        use SyncState as S;
        let (state, action) = match (self.state, event) {
            (S::Idle | S::Stopped, E::Wanted) | (S::Idle, E::Network) => send(0),
            (S::BackingOff { failures, .. }, E::Network | E::Wanted) => send(failures),
            (S::BackingOff { failures, until_ms }, E::Tick) if now_ms >= until_ms => send(failures),
            (S::BackingOff { until_ms, .. }, E::Tick) => (self.state, SyncAction::WakeAt(until_ms)),
            (S::InFlight { failures, .. }, E::Wanted) => (
                S::InFlight {
                    failures,
                    again: true,
                },
                SyncAction::Rest,
            ),
            (S::InFlight { again, .. }, E::Answered { more }) if more || again => send(0),
            (S::InFlight { .. }, E::Answered { .. }) => (S::Idle, SyncAction::Rest),
            (S::InFlight { failures, .. }, E::Failed { retry_after_ms }) => {
                let failures = failures.saturating_add(1);
                let pause = pause_ms(failures, jitter).max(retry_after_ms.unwrap_or(0));
                let until_ms = now_ms.saturating_add(pause);
                (
                    S::BackingOff { failures, until_ms },
                    SyncAction::WakeAt(until_ms),
                )
            }
            (S::InFlight { .. }, E::Refused) => (S::Stopped, SyncAction::Rest),
            (S::Idle | S::InFlight { .. } | S::Stopped, E::Tick | E::Network)
            | (S::Idle | S::Stopped | S::BackingOff { .. }, E::Answered { .. })
            | (S::Idle | S::Stopped | S::BackingOff { .. }, E::Failed { .. } | E::Refused) => {
                (self.state, SyncAction::Rest)
            }
        };
        self.state = state;
        action
    }
}

fn send(failures: u32) -> (SyncState, SyncAction) {
    (
        SyncState::InFlight {
            failures,
            again: false,
        },
        SyncAction::Send,
    )
}

/// Doubling, with the upper half random ("equal jitter").
fn pause_ms(failures: u32, jitter: u32) -> i64 {
    let doublings = failures.saturating_sub(1).min(20);
    let full = (FIRST_PAUSE_MS << doublings).min(LONGEST_PAUSE_MS);
    full / 2 + i64::from(jitter) % (full / 2 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_back_off_up_to_five_minutes_and_success_forgets_them() {
        let mut s = Scheduler::default();
        assert_eq!(s.handle(SyncEvent::Wanted, 0, 0), SyncAction::Send);
        let mut now = 0;
        let mut pauses = Vec::new();
        for _ in 0..12 {
            let SyncAction::WakeAt(at) = s.handle(
                SyncEvent::Failed {
                    retry_after_ms: None,
                },
                now,
                u32::MAX,
            ) else {
                panic!("backs off")
            };
            pauses.push(at - now);
            assert_eq!(s.handle(SyncEvent::Tick, at - 1, 0), SyncAction::WakeAt(at));
            assert_eq!(s.handle(SyncEvent::Tick, at, 0), SyncAction::Send);
            now = at;
        }
        assert!(pauses.is_sorted() || pauses.iter().all(|p| *p <= LONGEST_PAUSE_MS));
        assert!(pauses[11] >= LONGEST_PAUSE_MS / 2);
        assert_eq!(
            s.handle(SyncEvent::Answered { more: false }, now, 0),
            SyncAction::Rest
        );
        s.handle(SyncEvent::Wanted, now, 0);
        s.handle(
            SyncEvent::Failed {
                retry_after_ms: None,
            },
            now,
            0,
        );
        assert!(matches!(
            s.state(),
            SyncState::BackingOff { failures: 1, .. }
        ));
    }

    #[test]
    fn a_save_during_a_request_is_sent_right_after_it() {
        let mut s = Scheduler::default();
        s.handle(SyncEvent::Wanted, 0, 0);
        assert_eq!(s.handle(SyncEvent::Wanted, 0, 0), SyncAction::Rest);
        assert_eq!(
            s.handle(SyncEvent::Answered { more: false }, 0, 0),
            SyncAction::Send
        );
        assert_eq!(
            s.handle(SyncEvent::Answered { more: false }, 0, 0),
            SyncAction::Rest
        );
    }

    #[test]
    fn a_network_ends_a_pause_at_once_and_a_relay_can_ask_for_a_longer_one() {
        let mut s = Scheduler::default();
        s.handle(SyncEvent::Wanted, 0, 0);
        let asked = s.handle(
            SyncEvent::Failed {
                retry_after_ms: Some(60_000),
            },
            0,
            0,
        );
        assert_eq!(asked, SyncAction::WakeAt(60_000));
        assert_eq!(s.handle(SyncEvent::Network, 1, 0), SyncAction::Send);
    }

    #[test]
    fn a_refused_device_rests_until_a_person_asks() {
        let mut s = Scheduler::default();
        s.handle(SyncEvent::Wanted, 0, 0);
        assert_eq!(s.handle(SyncEvent::Refused, 0, 0), SyncAction::Rest);
        assert_eq!(s.handle(SyncEvent::Tick, i64::MAX, 0), SyncAction::Rest);
        assert_eq!(s.handle(SyncEvent::Network, 0, 0), SyncAction::Rest);
        assert_eq!(s.handle(SyncEvent::Wanted, 0, 0), SyncAction::Send);
    }
}
