//! Talking with the relay.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sopu_core::device::DeviceError;
use sopu_core::device::errand::Errand;
use sopu_core::device::exchange::sync_shared;
use sopu_core::transport::address::RelayAddress;
use sopu_core::transport::{Post, Reply, Transport, TransportError};

use crate::changes::Changes;
use crate::device::{Identity, SopuDevice};
use crate::error::SopuError;
use crate::stop::{Stop, Stoppable};
use crate::sync::{Foreign, HttpClient, SyncReport};

type Result<T, E = SopuError> = std::result::Result<T, E>;

/// Requests of one sync at most: a first sync of many pages may take several calls, between which
/// an app can show how far it is.
const REQUESTS: u32 = 100;

/// `client` is the platform's own HTTP client, where the built-in one will not do; `stop` ends the call
/// at once, with `Stopped`.
#[uniffi::export]
impl SopuDevice {
    /// Enrols at a relay (`https://…`, or `http://` on this machine) with an invite code; `name` says which
    /// phone this is. Others may work with the device meanwhile; when it is enrolled, syncs and watches that
    /// began before end with `Stopped`, and enrolments with `Superseded`.
    #[uniffi::method(default(client = None, stop = None))]
    pub fn enrol(
        &self,
        relay: String,
        code: String,
        name: String,
        client: Option<Arc<dyn HttpClient>>,
        stop: Option<Arc<Stop>>,
    ) -> Result<Identity> {
        let relay: RelayAddress = relay.parse().map_err(DeviceError::from)?;
        let over = self.over(&relay, client, stop)?;
        let (enrolment, post) = self.with(|device| device.begin_enrolment(&code, &name))?;
        let reply = over.post(post);
        let identity = self.write(|device| {
            let identity = device.end_enrolment(enrolment, reply, Some(&relay))?;
            // Before others can begin anything as who it is now.
            self.stop_others(&over.stop);
            Ok(identity)
        })?;
        Ok(identity.into())
    }

    /// Sends what is unsent and takes in what is new, until nothing is left to say. Others may
    /// write meanwhile. Right at any time, also again and also after an error.
    #[uniffi::method(default(client = None, stop = None))]
    pub fn sync(
        &self,
        client: Option<Arc<dyn HttpClient>>,
        stop: Option<Arc<Stop>>,
    ) -> Result<SyncReport> {
        self.exchange(Errand::sync(REQUESTS), client, stop)
    }

    /// As `sync`, but begins nothing after so many milliseconds: for the time a platform gives a task in
    /// the background. Small portions first, so that on a slow line something is safe early; right
    /// wherever it is cut. `more` says whether there is reason to ask for another such time.
    #[uniffi::method(default(client = None, stop = None))]
    pub fn sync_within(
        &self,
        budget_ms: u32,
        client: Option<Arc<dyn HttpClient>>,
        stop: Option<Arc<Stop>>,
    ) -> Result<SyncReport> {
        self.exchange(Errand::within(budget_ms, REQUESTS), client, stop)
    }

    /// Waits for news at most so many milliseconds and takes it in; if there is something to send,
    /// it sends that at once instead.
    #[uniffi::method(default(client = None, stop = None))]
    pub fn watch(
        &self,
        wait_ms: u32,
        client: Option<Arc<dyn HttpClient>>,
        stop: Option<Arc<Stop>>,
    ) -> Result<SyncReport> {
        self.exchange(Errand::watch(wait_ms), client, stop)
    }

    /// Rises whenever something may have changed that lists, documents or progress show.
    pub fn change_number(&self) -> u64 {
        self.changes.number()
    }

    /// Waits until the number is above `after`, until `wake`, or so many milliseconds at most; gives the
    /// number.
    pub fn next_change(&self, after: u64, wait_ms: u32) -> u64 {
        let wait = Duration::from_millis(wait_ms.into());
        self.changes.wait(after, wait)
    }

    /// Lets every `next_change` that waits return; if none does, the next one, so that whoever is about to
    /// wait does not miss it.
    pub fn wake(&self) {
        self.changes.wake();
    }
}

impl SopuDevice {
    fn exchange(
        &self,
        errand: Errand,
        client: Option<Arc<dyn HttpClient>>,
        stop: Option<Arc<Stop>>,
    ) -> Result<SyncReport> {
        // Both in one step: the way leads to the relay of this identity and of no other.
        let (relay, asker) = self.with(|device| {
            let relay = device.relay()?.ok_or(DeviceError::NotEnrolled)?;
            Ok((relay, device.identity()?.device))
        })?;
        let over = Telling {
            over: self.over(&relay, client, stop)?,
            changes: &self.changes,
            begun: AtomicBool::new(false),
        };
        let done = self.held(|device| match sync_shared(device, &over, asker, errand) {
            Err(DeviceError::Superseded) => Err(DeviceError::Stopped),
            done => done,
        });
        // Also after an error: an earlier request of the same sync may have brought something.
        self.changes.tell();
        Ok(done?.into())
    }

    /// The way to the relay, and what ends it, known to `shut` too.
    fn over(
        &self,
        relay: &RelayAddress,
        client: Option<Arc<dyn HttpClient>>,
        stop: Option<Arc<Stop>>,
    ) -> Result<Stoppable> {
        let inner: Arc<dyn Transport> = match client {
            Some(client) => Arc::new(Foreign {
                client,
                base: relay.to_string(),
            }),
            None => self.builtin.to(relay.as_str())?,
        };
        let stop = stop.unwrap_or_default();
        self.runs(&stop);
        Ok(Stoppable { inner, stop })
    }
}

/// Tells that lists may have changed before each further request of one sync: what the last brought is
/// in the store then.
struct Telling<'c> {
    over: Stoppable,
    changes: &'c Changes,
    begun: AtomicBool,
}

impl Transport for Telling<'_> {
    fn post(&self, post: Post) -> Result<Reply, TransportError> {
        if self.begun.swap(true, Ordering::Relaxed) {
            self.changes.tell();
        }
        self.over.post(post)
    }
}
