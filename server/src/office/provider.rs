//! Signing in with an organisation's identity provider.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::frame::{Frame, html};
use super::sign_in::{Next, own_page, set_cookie};
use super::visitor::{self, GUEST, SESSION, secret_cookie};
use super::{Failure, Office};
use crate::access::oidc::{self, OidcError};
use crate::access::sessions::{self, Shown};
use crate::credentials::mint_token;
use crate::words::Words;

/// Characters of a token, see [`mint_token`].
const TOKEN_CHARS: usize = 43;
/// The longest address to go on to that is remembered.
const LONGEST: usize = 2_000;

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
    Path(id): Path<String>,
    Query(query): Query<Next>,
) -> Result<Response, Failure> {
    let guest = secret_cookie(&office, &headers, GUEST).filter(|guest| guest.len() == TOKEN_CHARS);
    let guest = guest.unwrap_or_else(|| mint_token(&*office.env));
    let next = own_page(&query.next).to_owned();
    let next = if next.len() > LONGEST {
        "/office".to_owned()
    } else {
        next
    };
    let browser = guest.clone();
    let address = asked(&office, move |office| {
        let now = office.env.now_ms();
        office.providers.begin(&id, &browser, &next, now)
    });
    let address = match address.await? {
        Ok(address) => address,
        Err(error) => return Ok(failed(&headers, error)),
    };
    let mut response = Redirect::to(&address).into_response();
    set_cookie(&office, &mut response, GUEST, &guest, None);
    Ok(response)
}

/// Asks a provider, away from the threads that serve, and only if few others are being asked.
async fn asked<T: Send + 'static>(
    office: &Arc<Office>,
    work: impl FnOnce(&Office) -> Result<T, OidcError> + Send + 'static,
) -> Result<Result<T, OidcError>, Failure> {
    let Ok(turn) = Arc::clone(&office.asking).try_acquire_owned() else {
        return Ok(Err(OidcError::Unreachable));
    };
    let office = Arc::clone(office);
    let done = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        work(&office)
    });
    done.await.map_err(|_| Failure::Server)
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
    Path(id): Path<String>,
    Query(query): Query<Back>,
) -> Result<Response, Failure> {
    let guest = secret_cookie(&office, &headers, GUEST).unwrap_or_default();
    let finished = asked(&office, move |office| {
        let now = office.env.now_ms();
        let providers = &office.providers;
        providers.finish(&id, &query.state, &query.code, &guest, now)
    });
    let (named, provider, next) = match finished.await? {
        Ok(finished) => finished,
        Err(error) => return Ok(failed(&headers, error)),
    };
    let token = office
        .with_books(move |office, books| {
            let db = &books.people;
            let Some(member) = oidc::member_of(db, &provider, &named)? else {
                return Ok(None);
            };
            let how = "the organisation's provider";
            books.together(|books| {
                books.note_sign_in(office, Some(member), "sign_in", how)?;
                let env = &*office.env;
                let token = sessions::start(&books.people, env, member, Shown::Elsewhere)?;
                Ok(Some(token))
            })
        })
        .await?;
    let Some(token) = token else {
        return Ok(page(&headers, StatusCode::FORBIDDEN, "provider-nobody"));
    };
    let mut response = Redirect::to(own_page(&next)).into_response();
    let life = Some(sessions::LIFE_MS / 1_000);
    set_cookie(&office, &mut response, SESSION, &token, life);
    set_cookie(&office, &mut response, GUEST, "", Some(0));
    Ok(response)
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
