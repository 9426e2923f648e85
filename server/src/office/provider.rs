//! Signing in with an organisation's identity provider.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::frame::{Frame, html};
use super::sign_in::{Next, own_page, set_cookie};
use super::visitor::{self, GUEST, SESSION, cookie};
use super::{Failure, Office};
use crate::access::oidc::{self, OidcError};
use crate::access::sessions::{self, Shown};
use crate::credentials::mint_token;
use crate::words::Words;

#[derive(Template)]
#[template(path = "provider.html")]
struct Page {
    frame: Frame,
    what: String,
}

/// Sends a person to the provider.
pub(super) async fn begin(
    State(office): State<Arc<Office>>,
    headers: HeaderMap,
    Path(number): Path<usize>,
    Query(query): Query<Next>,
) -> Result<Response, Failure> {
    let guest = cookie(&headers, GUEST).unwrap_or_else(|| mint_token(&*office.env));
    let (asked, browser) = (Arc::clone(&office), guest.clone());
    let next = own_page(&query.next).to_owned();
    let address = tokio::task::spawn_blocking(move || {
        let now = asked.env.now_ms();
        asked.providers.begin(number, &browser, &next, now)
    });
    let address = match address.await.map_err(|_| Failure::Server)? {
        Ok(address) => address,
        Err(error) => return Ok(failed(&headers, error)),
    };
    let mut response = Redirect::to(&address).into_response();
    set_cookie(&office, &mut response, GUEST, &guest, None);
    Ok(response)
}

#[derive(Deserialize)]
pub(super) struct Back {
    #[serde(default)]
    code: String,
    #[serde(default)]
    state: String,
}

/// A person comes back from the provider.
pub(super) async fn back(
    State(office): State<Arc<Office>>,
    headers: HeaderMap,
    Query(query): Query<Back>,
) -> Result<Response, Failure> {
    let guest = cookie(&headers, GUEST).unwrap_or_default();
    let done = office
        .with_books(move |office, books| {
            let now = office.env.now_ms();
            let (named, provider, next) =
                match office
                    .providers
                    .finish(&query.state, &query.code, &guest, now)
                {
                    Ok(finished) => finished,
                    Err(error) => return Ok(Err(Some(error))),
                };
            let db = &books.people;
            let Some(member) = oidc::member_of(db, provider, &named)? else {
                return Ok(Err(None));
            };
            let how = Some("signed in with the organisation's provider");
            books.note(office, member, "account", (None, None), how)?;
            let token = sessions::start(db, &*office.env, member, Shown::Elsewhere)?;
            Ok(Ok((token, next)))
        })
        .await?;
    match done {
        Ok((token, next)) => {
            let mut response = Redirect::to(own_page(&next)).into_response();
            let life = Some(sessions::LIFE_MS / 1_000);
            set_cookie(&office, &mut response, SESSION, &token, life);
            set_cookie(&office, &mut response, GUEST, "", Some(0));
            Ok(response)
        }
        Err(Some(error)) => Ok(failed(&headers, error)),
        Err(None) => Ok(page(&headers, StatusCode::FORBIDDEN, "provider-nobody")),
    }
}

fn failed(headers: &HeaderMap, error: OidcError) -> Response {
    let (status, key) = match error {
        OidcError::Unreachable => (StatusCode::BAD_GATEWAY, "provider-unreachable"),
        OidcError::NotBegun => (StatusCode::BAD_REQUEST, "provider-not-begun"),
        OidcError::Untrue => (StatusCode::FORBIDDEN, "provider-untrue"),
    };
    page(headers, status, key)
}

fn page(headers: &HeaderMap, status: StatusCode, key: &str) -> Response {
    let words = Words::of(visitor::language(headers));
    let page = Page {
        frame: Frame::plain(words),
        what: words.t(key),
    };
    (status, html(&page)).into_response()
}
