//! Signing in and out, and the language switch.

use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use axum::Form;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::frame::{Frame, html};
use super::posted::Posted;
use super::visitor::{self, GUEST, LANGUAGE, SESSION, secret_cookie, secret_name};
use super::{Failure, Office};
use crate::access::{form_token, sessions};
use crate::credentials::mint_token;
use crate::words::{Lang, Words};

#[derive(Template)]
#[template(path = "sign_in.html")]
struct Page {
    frame: Frame,
    name: String,
    next: String,
    wrong: Option<String>,
    /// Address and words of each button.
    providers: Vec<(String, String)>,
}

#[derive(Deserialize)]
pub(super) struct Next {
    #[serde(default)]
    pub(super) next: String,
}

/// The form.
pub(super) async fn page(
    State(office): State<Arc<Office>>,
    headers: HeaderMap,
    Query(query): Query<Next>,
) -> Response {
    let guest = secret_cookie(&office, &headers, GUEST).unwrap_or_else(|| mint_token(&*office.env));
    let page = form(&office, &headers, &guest, String::new(), query.next, None);
    let mut response = html(&page);
    set_cookie(&office, &mut response, GUEST, &guest, None);
    response
}

fn form(
    office: &Office,
    headers: &HeaderMap,
    guest: &str,
    name: String,
    next: String,
    wrong: Option<String>,
) -> Page {
    let mut frame = Frame::plain(Words::of(visitor::language(headers)));
    frame.form_token = form_token::of(guest);
    frame.here = format!("/office/sign-in?next={}", super::frame::quoted(&next));
    let words = frame.words;
    let providers = office.providers.names().map(|(id, name)| {
        let next = super::frame::quoted(&next);
        let address = format!("/office/sign-in/provider/{id}?next={next}");
        (address, words.with("provider-with", &[("name", name)]))
    });
    Page {
        providers: providers.collect(),
        frame,
        name,
        next,
        wrong,
    }
}

#[derive(Deserialize)]
pub(super) struct Entry {
    #[serde(default)]
    name: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    next: String,
    #[serde(default)]
    form_token: String,
}

/// What waiting is counted under: no user name is another's second step.
fn key(name: &str) -> String {
    format!("name {name}")
}

/// How long somebody waits for others' passwords to be checked.
const TURN: Duration = Duration::from_secs(20);

/// After how long it is worth trying again.
const TURN_AGAIN_MS: i64 = 10_000;

/// Somebody tries to sign in.
pub(super) async fn enter(
    State(office): State<Arc<Office>>,
    headers: HeaderMap,
    Form(entry): Form<Entry>,
) -> Result<Response, Failure> {
    let guest = secret_cookie(&office, &headers, GUEST).unwrap_or_default();
    if guest.is_empty() || !form_token::holds(&guest, &entry.form_token) {
        return Err(Failure::Form);
    }
    let words = Words::of(visitor::language(&headers));
    let name = entry.name.trim().to_owned();
    // One password is checked at a time: each check takes 19 MiB and a good part of a core, on
    // purpose, and tries made at once must not get past the waiting.
    let turn = tokio::time::timeout(TURN, office.password_turn.clone().lock_owned()).await;
    let now = office.env.now_ms();
    let begun = match &turn {
        Ok(_) => office.back_off.begin(&key(&name), now),
        Err(_) => Err(TURN_AGAIN_MS),
    };
    if let Err(wait_ms) = begun {
        let seconds = usize::try_from((wait_ms + 999) / 1_000).unwrap_or(1);
        let page = form(
            &office,
            &headers,
            &guest,
            name,
            entry.next,
            Some(words.n("sign-in-wait", &seconds)),
        );
        return Ok((StatusCode::TOO_MANY_REQUESTS, html(&page)).into_response());
    }
    let asked = name.clone();
    let started = office
        .with_books(move |office, books| {
            // The turn ends with the work, also when nobody waits for its answer any more.
            let _turn = turn;
            let started = sessions::sign_in(&books.people, &*office.env, &asked, &entry.password)?;
            if started.is_some() {
                office.back_off.right(&key(&asked));
            }
            // Of a name that is nobody's too, so that the time it takes does not tell which are.
            let member = sessions::of_login(&books.people, &asked)?;
            match &started {
                None => books.note_sign_in(office, member, "sign_in_refused", "password")?,
                Some(started) if !started.pending => {
                    books.note_sign_in(office, member, "sign_in", "password")?;
                }
                Some(_) => {}
            }
            Ok(started)
        })
        .await?;
    let Some(started) = started else {
        let page = form(
            &office,
            &headers,
            &guest,
            name,
            entry.next,
            Some(words.t("sign-in-wrong")),
        );
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, html(&page)).into_response());
    };
    let next = own_page(&entry.next);
    let mut response = match started.pending {
        true => {
            let code = format!("/office/sign-in/code?next={}", super::frame::quoted(next));
            Redirect::to(&code).into_response()
        }
        false => Redirect::to(next).into_response(),
    };
    set_cookie(
        &office,
        &mut response,
        SESSION,
        &started.token,
        Some(sessions::LIFE_MS / 1_000),
    );
    set_cookie(&office, &mut response, GUEST, "", Some(0));
    Ok(response)
}

/// Signs out.
pub(super) async fn leave(
    State(office): State<Arc<Office>>,
    Posted { visitor, .. }: Posted,
) -> Result<Response, Failure> {
    office
        .with_books(move |office, books| {
            books.together(|books| {
                sessions::sign_out(&books.people, &visitor.token)?;
                let who = visitor.who.member;
                books.note(office, who, "sign_out", (None, None), None)
            })
        })
        .await?;
    let mut response = Redirect::to("/office/sign-in").into_response();
    set_cookie(&office, &mut response, SESSION, "", Some(0));
    Ok(response)
}

#[derive(Deserialize)]
pub(super) struct Switch {
    #[serde(default)]
    to: String,
    #[serde(default)]
    back: String,
}

/// Changes the language and goes back.
pub(super) async fn language(
    State(office): State<Arc<Office>>,
    Query(switch): Query<Switch>,
) -> Response {
    let mut response = Redirect::to(own_page(&switch.back)).into_response();
    if let Some(lang) = Lang::from_code(&switch.to) {
        set_cookie(
            &office,
            &mut response,
            LANGUAGE,
            lang.code(),
            Some(365 * 24 * 60 * 60),
        );
    }
    response
}

/// An address of our own pages, or the spaces: an address from outside must not lead elsewhere.
pub(super) fn own_page(address: &str) -> &str {
    let own =
        address == "/office" || address.starts_with("/office/") || address.starts_with("/office?");
    let plain = address.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
    if own && plain { address } else { "/office" }
}

pub(super) fn set_cookie(
    office: &Office,
    response: &mut Response,
    name: &str,
    value: &str,
    seconds: Option<i64>,
) {
    let secure = if office.secure { "; Secure" } else { "" };
    let age = seconds
        .map(|s| format!("; Max-Age={s}"))
        .unwrap_or_default();
    let name = match name {
        GUEST | SESSION => secret_name(office, name),
        other => other.to_owned(),
    };
    let cookie = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{age}");
    if let Ok(cookie) = cookie.parse() {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
}

#[cfg(test)]
mod tests {
    use super::own_page;

    #[test]
    fn an_address_from_outside_never_leads_elsewhere() {
        for wrong in [
            "https://evil.example/",
            "//evil.example",
            "/officeevil",
            "/office/\r\nx",
            "javascript:x",
            "",
        ] {
            assert_eq!(own_page(wrong), "/office", "{wrong:?}");
        }
        assert_eq!(
            own_page("/office/spaces/x?page=2"),
            "/office/spaces/x?page=2"
        );
    }
}
