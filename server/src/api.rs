//! What devices talk to. A handler extracts, makes one call, answers.

use std::sync::Arc;

use tokio::sync::watch;

use crate::relay::Relay;

pub mod body;
pub mod enrol;
pub mod health;
pub mod metrics;
pub mod problem;
pub mod sync;

pub use problem::Problem;

/// What every handler has.
#[derive(Clone)]
pub struct State {
    /// The relay.
    pub relay: Arc<Relay>,
    /// Becomes true when the server is about to stop: requests that wait answer at once.
    pub closing: watch::Receiver<bool>,
}

/// Runs the relay's synchronous work off the threads that serve sockets.
pub async fn blocking<R: Send + 'static>(
    relay: &Arc<Relay>,
    work: impl FnOnce(&Relay) -> Result<R, Problem> + Send + 'static,
) -> Result<R, Problem> {
    let relay = relay.clone();
    match tokio::task::spawn_blocking(move || work(&relay)).await {
        Ok(done) => done,
        Err(_) => {
            tracing::error!("a request panicked");
            Err(Problem::Unavailable)
        }
    }
}
