//! The second step of signing in: a code from the authenticator app, or a recovery code.

use std::sync::Arc;

use askama::Template;
use axum::Form;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::frame::{Frame, html};
use super::sign_in::{Next, own_page, set_cookie};
use super::visitor::{self, GUEST, SESSION, secret_cookie};
use super::{Failure, Office};
use crate::access::{form_token, second_factor, sessions};
use crate::words::Words;

#[derive(Template)]
#[template(path = "sign_in_code.html")]
struct Page {
    frame: Frame,
    next: String,
    wrong: Option<String>,
}

fn form(headers: &HeaderMap, token: &str, next: String, wrong: Option<String>) -> Page {
    let mut frame = Frame::plain(Words::of(visitor::language(headers)));
    frame.form_token = form_token::of(token);
    frame.here = format!("/office/sign-in/code?next={}", super::frame::quoted(&next));
    Page { frame, next, wrong }
}

/// The form; without a password before, the first step.
pub(super) async fn page(
    State(office): State<Arc<Office>>,
    headers: HeaderMap,
    Query(query): Query<Next>,
) -> Result<Response, Failure> {
    let token = secret_cookie(&office, &headers, SESSION).unwrap_or_default();
    let asked = token.clone();
    let waits = office
        .with_books(move |office, books| {
            Ok(sessions::pending(
                &books.people,
                &asked,
                office.env.now_ms(),
            )?)
        })
        .await?;
    if waits.is_none() {
        return Err(Failure::SignIn(query.next));
    }
    Ok(html(&form(&headers, &token, query.next, None)))
}

#[derive(Deserialize)]
pub(super) struct Entry {
    #[serde(default)]
    code: String,
    #[serde(default)]
    next: String,
    #[serde(default)]
    form_token: String,
}

enum Tried {
    Nobody,
    Wait(i64),
    Wrong,
    Right(String),
}

/// Somebody gives a code.
pub(super) async fn enter(
    State(office): State<Arc<Office>>,
    headers: HeaderMap,
    Form(entry): Form<Entry>,
) -> Result<Response, Failure> {
    let token = secret_cookie(&office, &headers, SESSION).unwrap_or_default();
    if token.is_empty() || !form_token::holds(&token, &entry.form_token) {
        return Err(Failure::Form);
    }
    let (asked, code) = (token.clone(), entry.code);
    let tried = office
        .with_books(move |office, books| {
            let (db, now) = (&books.people, office.env.now_ms());
            let Some(member) = sessions::pending(db, &asked, now)? else {
                return Ok(Tried::Nobody);
            };
            // Of the person, whichever session: a million codes are soon tried otherwise.
            let name = format!("code {member}");
            if let Err(wait_ms) = office.back_off.begin(&name, now) {
                return Ok(Tried::Wait(wait_ms));
            }
            if !second_factor::holds(db, &office.secret, member, &code, now)? {
                let who = Some(member);
                books.note_sign_in(office, who, "sign_in_refused", "second step")?;
                return Ok(Tried::Wrong);
            }
            office.back_off.right(&name);
            let token = books.together(|books| {
                books.note_sign_in(office, Some(member), "sign_in", "password, second step")?;
                let (db, env) = (&books.people, &*office.env);
                Ok(sessions::complete(db, env, &asked, member)?)
            })?;
            Ok(Tried::Right(token))
        })
        .await?;
    let words = Words::of(visitor::language(&headers));
    let (status, wrong) = match tried {
        Tried::Nobody => return Err(Failure::SignIn(entry.next)),
        Tried::Right(token) => {
            let mut response = Redirect::to(own_page(&entry.next)).into_response();
            let life = Some(sessions::LIFE_MS / 1_000);
            set_cookie(&office, &mut response, SESSION, &token, life);
            set_cookie(&office, &mut response, GUEST, "", Some(0));
            return Ok(response);
        }
        Tried::Wait(ms) => {
            let seconds = usize::try_from((ms + 999) / 1_000).unwrap_or(1);
            let wait = words.n("sign-in-wait", &seconds);
            (StatusCode::TOO_MANY_REQUESTS, wait)
        }
        Tried::Wrong => (StatusCode::UNPROCESSABLE_ENTITY, words.t("code-wrong")),
    };
    let page = form(&headers, &token, entry.next, Some(wrong));
    Ok((status, html(&page)).into_response())
}
