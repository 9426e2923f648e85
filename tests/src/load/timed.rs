//! A transport that notes how long each answer took.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use sopu_core::transport::http::HttpTransport;
use sopu_core::transport::{Post, Reply, Transport, TransportError};

/// A request that does not wait for news may take this long; one that does says more.
const PATIENCE_MS: u32 = 60_000;

/// HTTP to one address, with a clock.
pub struct Timed {
    http: HttpTransport,
    seconds: Mutex<Vec<f64>>,
    waited: Mutex<u32>,
}

impl Timed {
    /// To this base address.
    pub fn new(base: &str) -> Self {
        Self {
            http: HttpTransport::new(base),
            seconds: Mutex::default(),
            waited: Mutex::default(),
        }
    }

    /// Seconds of each request so far that asked to be answered at once.
    pub fn seconds(&self) -> Vec<f64> {
        locked(&self.seconds).clone()
    }

    /// Requests so far that waited for news.
    pub fn waited(&self) -> u32 {
        *locked(&self.waited)
    }
}

impl Transport for Timed {
    fn post(&self, post: Post) -> Result<Reply, TransportError> {
        let waits = post.timeout_ms > PATIENCE_MS;
        let start = Instant::now();
        let reply = self.http.post(post);
        if waits {
            *locked(&self.waited) += 1;
        } else {
            locked(&self.seconds).push(start.elapsed().as_secs_f64());
        }
        reply
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
