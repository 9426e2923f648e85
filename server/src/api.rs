//! What devices talk to. A handler extracts, makes one call, answers.

use std::sync::Arc;

use tokio::sync::{Semaphore, watch};

use crate::app::rates::Rates;
use crate::credentials::token_hash;
use crate::relay::Relay;

pub mod body;
pub mod enrol;
pub mod health;
pub mod metrics;
pub mod problem;
pub mod sync;

pub use problem::Problem;

/// Requests inside the relay at one moment. Each has a thread and perhaps a connection to the
/// database, with what both keep in memory; this many are enough to share a commit. The others
/// wait for their turn in the order they came.
const TURNS: usize = 16;

/// What every handler has.
#[derive(Clone)]
pub struct State {
    /// The relay.
    pub relay: Arc<Relay>,
    /// Becomes true when the server is about to stop: requests that wait answer at once.
    pub closing: watch::Receiver<bool>,
    /// How often devices and strangers may ask.
    pub rates: Arc<Rates>,
    turns: Arc<Semaphore>,
    /// Hash of the token that reads `/metrics` from elsewhere than this machine.
    metrics: Option<[u8; 32]>,
}

impl State {
    /// For this relay.
    pub fn new(relay: Arc<Relay>, closing: watch::Receiver<bool>) -> Self {
        Self {
            relay,
            closing,
            rates: Arc::default(),
            turns: Arc::new(Semaphore::new(TURNS)),
            metrics: None,
        }
    }

    /// That tells who bears this token what is counted, wherever they ask from.
    #[must_use]
    pub fn counts_for(self, token: Option<&str>) -> Self {
        Self {
            metrics: token.map(token_hash),
            ..self
        }
    }
}

/// Runs the relay's synchronous work off the threads that serve sockets.
pub async fn blocking<R: Send + 'static>(
    state: &State,
    work: impl FnOnce(&Relay) -> Result<R, Problem> + Send + 'static,
) -> Result<R, Problem> {
    let relay = state.relay.clone();
    // It is never closed. The turn ends with the work, also if nobody waits for it any more.
    let turn = state.turns.clone().acquire_owned().await;
    let work = move |relay: &Relay| {
        let _turn = turn;
        work(relay)
    };
    match tokio::task::spawn_blocking(move || work(&relay)).await {
        Ok(done) => done,
        Err(_) => {
            tracing::error!("a request panicked");
            Err(Problem::Unavailable)
        }
    }
}
