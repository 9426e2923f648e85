//! `POST /v1/sync`.

use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract;
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::response::Response;
use sopu_core::wire::{SyncRequest, SyncResponse, limits};
use tokio::time::timeout_at;

use super::{Problem, State, blocking, body};
use crate::credentials::token_hash;
use crate::relay::{Listener, Relay, is_empty};

/// How long one answer may take to make.
const ANSWER: Duration = Duration::from_secs(60);

/// Answers a sync; with nothing pushed and nothing new it may wait.
pub async fn sync(
    extract::State(state): extract::State<State>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let token = bearer(&headers).ok_or(Problem::Unauthorised)?;
    // A stranger's body is not worth reading.
    let shown = token.clone();
    let known = blocking(&state, move |relay| Ok(relay.knows(&shown)?)).await?;
    if !known {
        return Err(Problem::Unauthorised);
    }
    if state.rates.device(&token_hash(&token)).is_some() {
        return Err(Problem::TooFast);
    }
    let request: SyncRequest = body::read(&headers, body, body::SYNC).await?;
    let response = answer(&state, token, request).await?;
    Ok(body::write(&headers, &response))
}

/// The token a request bears.
pub(super) fn bearer(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| token.trim().to_owned())
}

async fn answer(
    state: &State,
    token: String,
    mut request: SyncRequest,
) -> Result<SyncResponse, Problem> {
    // What brings something never waits.
    let waits = request.push.is_empty() && request.offers.is_empty() && request.reads.is_none();
    let wait_ms = if waits {
        request.wait_ms.min(limits::WAIT_MS)
    } else {
        0
    };
    let until = tokio::time::Instant::now() + Duration::from_millis(wait_ms.into());
    let mut closing = state.closing.clone();
    let mut polling = None;
    loop {
        // Before looking, so that nothing is missed between looking and waiting; again after news,
        // which may be that there is one space more to listen for.
        let listener = match wait_ms {
            0 => None,
            _ => listen(state, &token).await?,
        };
        let response = once(state, &token, &request).await?;
        let Some(listener) = listener.filter(|_| is_empty(&response)) else {
            return Ok(response);
        };
        if *closing.borrow() {
            return Ok(response);
        }
        // Said once is enough.
        request.done.clear();
        polling.get_or_insert_with(|| Polling::start(&state.relay));
        let told = timeout_at(until, async {
            tokio::select! {
                () = listener.told() => {}
                _ = closing.changed() => {}
            }
        });
        if told.await.is_err() {
            return Ok(response);
        }
    }
}

async fn listen(state: &State, token: &str) -> Result<Option<Listener>, Problem> {
    let token = token.to_owned();
    blocking(state, move |relay| Ok(relay.listen(&token)?)).await
}

async fn once(state: &State, token: &str, request: &SyncRequest) -> Result<SyncResponse, Problem> {
    let (token, request) = (token.to_owned(), request.clone());
    let work = blocking(state, move |relay| {
        let start = Instant::now();
        let response = relay.sync(&token, &request);
        relay
            .metrics()
            .sync_seconds
            .observe(start.elapsed().as_secs_f64());
        response
    });
    tokio::time::timeout(ANSWER, work)
        .await
        .unwrap_or(Err(Problem::Unavailable))
}

/// Counts a request that waits for as long as it does.
struct Polling(std::sync::Arc<Relay>);

impl Polling {
    fn start(relay: &std::sync::Arc<Relay>) -> Self {
        relay.metrics().long_polls.inc();
        Self(relay.clone())
    }
}

impl Drop for Polling {
    fn drop(&mut self) {
        self.0.metrics().long_polls.dec();
    }
}
