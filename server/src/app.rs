//! The route table on one page, and the server around it.

use std::future::Future;
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::extract::{MatchedPath, Request};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{get, post};
use sopu_core::wire::{ENROL_PATH, SYNC_PATH};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::api::{Problem, State, enrol, health, metrics, sync};
use crate::metrics::Metrics;
use crate::relay::{Relay, Worker};

mod connections;

/// Everything there is at an address. `pages` are the office's.
pub fn app(state: State, pages: Router) -> Router {
    let relay = state.relay.clone();
    Router::new()
        .route(SYNC_PATH, post(sync::sync))
        .route(ENROL_PATH, post(enrol::enrol))
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .route("/metrics", get(metrics::metrics))
        .with_state(state)
        .merge(pages)
        .fallback(|| async { Problem::NotFound })
        .method_not_allowed_fallback(|| async { Problem::MethodNotAllowed })
        .layer(middleware::from_fn(move |request: Request, next: Next| {
            log(relay.clone(), request, next)
        }))
}

/// One line a request: the route, never the address with what is in it, nor headers.
async fn log(relay: Arc<Relay>, request: Request, next: Next) -> Response {
    let start = Instant::now();
    let method = request.method().clone();
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map(|path| path.as_str().to_owned());
    let response = next.run(request).await;
    let status = response.status();
    let problem = response
        .extensions()
        .get::<Problem>()
        .map(|problem| problem.code());
    if let Some(code) = problem {
        Metrics::count(&relay.metrics().problems, code);
    }
    let ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
    tracing::info!(%method, route = route.unwrap_or_default(), status = status.as_u16(), problem, ms);
    response
}

/// Serves until `shutdown` completes; then answers what waits, lets requests under way finish, and
/// ends the merge step under way.
///
/// # Errors
/// The worker could not be started or stopped.
pub async fn run(
    listener: TcpListener,
    relay: Arc<Relay>,
    pages: Router,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let (close, closing) = watch::channel(false);
    let state = State::new(relay.clone(), closing);
    let mut worker = Worker::start(relay.clone())?;
    let shutdown = async move {
        shutdown.await;
        tracing::info!("stopping");
        close.send_replace(true);
    };
    connections::serve(listener, app(state, pages), shutdown).await;
    tokio::task::spawn_blocking(move || worker.stop())
        .await
        .map_err(std::io::Error::other)
}

#[cfg(test)]
mod tests;
