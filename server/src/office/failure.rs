//! When a page cannot be shown: what happened, in the reader's language, never its cause.

use std::time::Duration;

use askama::Template;
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use sopu_core::store::StoreError;

use super::frame::{Frame, html};
use super::visitor;
use crate::access::AccessError;
use crate::words::Words;

/// Why a page cannot be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Nobody is signed in; afterwards go there.
    SignIn(String),
    /// First something is to be set up on one's own page: a second factor, a password.
    Account,
    /// There is no such thing, or it is not this visitor's to know of.
    NotFound,
    /// The role does not allow it.
    Right,
    /// The form is not from one of our pages, or too old.
    Form,
    /// A database failed. The cause is in the log.
    Server,
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        tracing::error!(%error, "office: people");
        Failure::Server
    }
}

impl From<AccessError> for Failure {
    fn from(error: AccessError) -> Self {
        // What it says for a person names people and spaces.
        match error {
            AccessError::Store(error) => tracing::error!(%error, "office: access"),
            AccessError::Unknown { what, .. }
            | AccessError::Ambiguous { what, .. }
            | AccessError::Taken { what, .. } => tracing::error!(what, "office: access"),
            AccessError::WhichOrg | AccessError::Password(_) | AccessError::SecondFactor => {
                tracing::error!(%error, "office: access");
            }
        }
        Failure::Server
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        if matches!(error, StoreError::NotFound(_)) {
            return Failure::NotFound;
        }
        tracing::error!(%error, "office: record");
        Failure::Server
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let status = match &self {
            Failure::SignIn(next) => {
                let target = format!("/office/sign-in?next={}", super::frame::quoted(next));
                return Redirect::to(&target).into_response();
            }
            Failure::Account => return Redirect::to("/office/account").into_response(),
            Failure::NotFound => StatusCode::NOT_FOUND,
            Failure::Right | Failure::Form => StatusCode::FORBIDDEN,
            Failure::Server => StatusCode::INTERNAL_SERVER_ERROR,
        };
        let mut response = status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

#[derive(Template)]
#[template(path = "failure.html")]
struct Page {
    frame: Frame,
    what: String,
}

/// Too many wrong tries from one address: a page that says how long to wait.
pub fn too_fast(headers: &HeaderMap, wait: Duration) -> Response {
    let words = Words::of(visitor::language(headers));
    let seconds = usize::try_from(wait.as_secs() + 1).unwrap_or(60);
    let page = Page {
        frame: Frame::plain(words),
        what: words.n("sign-in-wait", &seconds),
    };
    (StatusCode::TOO_MANY_REQUESTS, html(&page)).into_response()
}

/// Gives every failed response a page in the reader's language, those of the framework included.
pub(super) async fn render(request: Request, next: Next) -> Response {
    let words = Words::of(visitor::language(request.headers()));
    let response = next.run(request).await;
    let status = response.status();
    let is_page = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|of| of.as_bytes().starts_with(b"text/html"));
    // A form shown again with what is wrong with it is a page already.
    if is_page || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let what = match response.extensions().get::<Failure>() {
        Some(Failure::Right) => words.t("error-right"),
        Some(Failure::Form) => words.t("error-form"),
        Some(Failure::NotFound | Failure::SignIn(_) | Failure::Account) => {
            words.t("error-not-found")
        }
        Some(Failure::Server) => words.t("error-server"),
        None if status == StatusCode::PAYLOAD_TOO_LARGE => words.t("error-large"),
        None if status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT => {
            words.t("error-server")
        }
        None if status == StatusCode::NOT_FOUND => words.t("error-not-found"),
        // An address or form that cannot be read: a bad id in the address, most often.
        None => words.t("error-not-found"),
    };
    let status = if status.is_server_error() || response.extensions().get::<Failure>().is_some() {
        status
    } else if status == StatusCode::BAD_REQUEST {
        StatusCode::NOT_FOUND
    } else {
        status
    };
    (
        status,
        html(&Page {
            frame: Frame::plain(words),
            what,
        }),
    )
        .into_response()
}
