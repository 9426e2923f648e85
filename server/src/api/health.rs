//! `GET /healthz`: the process answers. `GET /readyz`: so does its database.

use axum::extract;

use super::{Problem, State, blocking};

/// Alive.
pub async fn healthz() -> &'static str {
    "ok\n"
}

/// Ready to serve.
pub async fn readyz(extract::State(state): extract::State<State>) -> Result<&'static str, Problem> {
    if *state.closing.borrow() {
        return Err(Problem::Unavailable);
    }
    let ready = blocking(&state, |relay| Ok(relay.is_ready())).await?;
    if ready {
        Ok("ready\n")
    } else {
        Err(Problem::Unavailable)
    }
}
