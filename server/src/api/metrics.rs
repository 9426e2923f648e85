//! `GET /metrics`, in the text form of OpenMetrics 1.0.

use axum::extract;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;

use super::State;

/// What the relay counts.
pub async fn metrics(extract::State(state): extract::State<State>) -> impl IntoResponse {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(CONTENT_TYPE, kind)], state.relay.metrics().text())
}
