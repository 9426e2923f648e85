//! The route table on one page, and the server around it.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use axum::Router;
use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use sopu_core::wire::{ENROL_PATH, SYNC_PATH};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::api::{Problem, State, enrol, health, metrics, sync};
use crate::metrics::Metrics;
use crate::office::{guarded, too_fast};
use crate::relay::{Relay, Worker};

use rates::Rates;
use tls::Tls;

mod connections;
pub mod guesses;
pub mod peer;
pub mod rates;
pub mod tls;

/// What stands between the network and the routes.
#[derive(Default)]
pub struct Front {
    /// TLS, if this program speaks it itself.
    pub tls: Option<Tls>,
    /// Connections come from our own proxy.
    pub behind_proxy: bool,
    /// People reach this server by TLS only, here or at the proxy: browsers are told to keep to it.
    pub only_tls: bool,
    /// Who bears this token reads `/metrics` from elsewhere too.
    pub metrics_token: Option<String>,
}

/// Everything there is at an address. `pages` are the office's.
pub fn app(state: State, pages: Router) -> Router {
    let relay = state.relay.clone();
    let rates = Arc::clone(&state.rates);
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
            guessing(Arc::clone(&rates), request, next)
        }))
        .layer(middleware::map_response(as_it_is))
        .layer(middleware::from_fn(move |request: Request, next: Next| {
            log(relay.clone(), request, next)
        }))
}

/// Slows down who tries codes, passwords and tokens.
async fn guessing(rates: Arc<Rates>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let guesses = path == ENROL_PATH || path.starts_with("/office/sign-in");
    let address = peer::asks(&request);
    let posts = request.method() == Method::POST;
    // Each takes a place among those who are on their way at a provider.
    let leaves = path.starts_with("/office/sign-in/provider/") && !path.ends_with("/back");
    // What can be wrong counts before it is judged.
    let begins = guesses && (posts || leaves);
    let now = Instant::now();
    let wait = address
        .filter(|_| guesses)
        .and_then(|address| match begins {
            true => rates.guesses.begin(address, now).err(),
            false => rates.guesses.wait(address, now),
        });
    if let Some(wait) = wait {
        return match path == ENROL_PATH {
            true => Problem::TooFast.into_response(),
            false => guarded(too_fast(request.headers(), wait)).await,
        };
    }
    let response = next.run(request).await;
    let wrong = match response.status() {
        _ if leaves => true,
        StatusCode::UNAUTHORIZED => true,
        StatusCode::NOT_FOUND
        | StatusCode::GONE
        | StatusCode::UNPROCESSABLE_ENTITY
        | StatusCode::FORBIDDEN => begins,
        _ => false,
    };
    match address {
        Some(address) if wrong && !begins => rates.guesses.was_wrong(address, Instant::now()),
        Some(address) if begins && !wrong => rates.guesses.give_back(address),
        Some(_) | None => {}
    }
    response
}

/// Nothing is taken for another type than it says it is.
async fn as_it_is(mut response: Response) -> Response {
    let nosniff = HeaderValue::from_static("nosniff");
    response
        .headers_mut()
        .insert(header::X_CONTENT_TYPE_OPTIONS, nosniff);
    response
}

/// Browsers keep to TLS for a year once they were told.
async fn keep_to_tls(mut response: Response) -> Response {
    let year = HeaderValue::from_static("max-age=31536000");
    response
        .headers_mut()
        .insert(header::STRICT_TRANSPORT_SECURITY, year);
    response
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
    front: Front,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let (close, closing) = watch::channel(false);
    let state = State::new(relay.clone(), closing).counts_for(front.metrics_token.as_deref());
    let mut worker = Worker::start(relay.clone())?;
    let ending = worker.ending();
    let shutdown = async move {
        shutdown.await;
        ending.store(true, Ordering::Release);
        tracing::info!("stopping");
        close.send_replace(true);
    };
    let mut app = app(state, pages);
    if front.only_tls {
        app = app.layer(middleware::map_response(keep_to_tls));
    }
    connections::serve(listener, app, front, shutdown).await;
    tokio::task::spawn_blocking(move || worker.stop())
        .await
        .map_err(std::io::Error::other)
}

#[cfg(test)]
mod header_tests;
#[cfg(test)]
mod tests;
