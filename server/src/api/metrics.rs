//! `GET /metrics`, in the text form of OpenMetrics 1.0.

use axum::extract;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;

use super::{State, blocking};

/// What the relay counts.
pub async fn metrics(extract::State(state): extract::State<State>) -> impl IntoResponse {
    // A database that does not answer must not hide the other numbers.
    let _counted = blocking(&state, |relay| Ok(relay.count_quarantine()?)).await;
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(CONTENT_TYPE, kind)], state.relay.metrics().text())
}
