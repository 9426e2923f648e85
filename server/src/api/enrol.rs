//! `POST /v1/enrol`.

use axum::body::Body;
use axum::extract;
use axum::http::HeaderMap;
use axum::response::Response;
use sopu_core::wire::EnrolRequest;

use super::{Problem, State, blocking, body};

/// Enrols a device with an invite.
pub async fn enrol(
    extract::State(state): extract::State<State>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let request: EnrolRequest = body::read(&headers, body, body::ENROL).await?;
    let response = blocking(&state, move |relay| relay.enrol(&request)).await?;
    Ok(body::write(&headers, &response))
}
