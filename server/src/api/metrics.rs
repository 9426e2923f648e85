//! `GET /metrics`, in the text form of OpenMetrics 1.0: for this machine, and for who has its token.

use axum::extract::{self, Request};
use axum::http::header::{CONTENT_TYPE, FORWARDED, HeaderName};
use axum::response::IntoResponse;

use super::sync::bearer;
use super::{Problem, State, blocking};
use crate::app::peer::Peer;
use crate::credentials::token_hash;

/// What a proxy says, whether we were told of it or not.
const SAID_BY_PROXIES: [HeaderName; 2] = [FORWARDED, HeaderName::from_static("x-forwarded-for")];

/// What the relay counts.
pub async fn metrics(
    extract::State(state): extract::State<State>,
    request: Request,
) -> Result<impl IntoResponse, Problem> {
    if !(is_here(&request) || has_token(&state, &request)) {
        return Err(Problem::Unauthorised);
    }
    // A database that does not answer must not hide the other numbers.
    let _counted = blocking(&state, |relay| Ok(relay.count_quarantine()?)).await;
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(CONTENT_TYPE, kind)], state.relay.metrics().text()))
}

/// Whether somebody on this machine asks, and not a proxy on it for somebody else.
fn is_here(request: &Request) -> bool {
    let peer = request.extensions().get::<Peer>();
    let here = |peer: &Peer| peer.address.ip().to_canonical().is_loopback() && !peer.is_proxy;
    let headers = request.headers();
    peer.is_some_and(here)
        && !SAID_BY_PROXIES
            .iter()
            .any(|name| headers.contains_key(name))
}

fn has_token(state: &State, request: &Request) -> bool {
    // Hashes are compared: how far two tokens are alike cannot be told by the time it takes.
    let given = bearer(request.headers()).map(|token| token_hash(&token));
    given.is_some() && given == state.metrics
}
