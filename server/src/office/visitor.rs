//! Who asks for a page, and in which language.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};

use super::frame::Frame;
use super::{Failure, Office};
use crate::access::form_token;
use crate::access::sessions::{self, Who};
use crate::words::{Lang, Words};

/// The session's cookie; see [`secret_cookie`].
pub const SESSION: &str = "sopu_session";
/// The cookie the sign-in form is bound to, before there is a session; see [`secret_cookie`].
pub const GUEST: &str = "sopu_guest";
/// The cookie of the chosen language.
pub const LANGUAGE: &str = "sopu_language";

/// Somebody signed in.
#[derive(Clone)]
pub struct Visitor {
    /// Who.
    pub who: Who,
    /// The session's token.
    pub token: String,
    /// In their language.
    pub words: &'static Words,
    /// The address they asked for.
    pub here: String,
}

impl Visitor {
    /// The frame of a page for them.
    pub fn frame(&self) -> Frame {
        Frame {
            words: self.words,
            name: Some(self.who.name.clone()),
            admin: self.who.admin,
            form_token: form_token::of(&self.token),
            here: self.here.clone(),
            news: None,
        }
    }

    /// Lets administrators on, of their own organisation only: what others have is not there.
    pub fn administers(&self) -> Result<(), Failure> {
        self.who.admin.then_some(()).ok_or(Failure::Right)
    }

    /// Believes a form only if one of our pages for this session made it.
    pub fn check_form(&self, given: &str) -> Result<(), Failure> {
        form_token::holds(&self.token, given)
            .then_some(())
            .ok_or(Failure::Form)
    }
}

impl FromRequestParts<Arc<Office>> for Visitor {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, office: &Arc<Office>) -> Result<Self, Failure> {
        let here = parts
            .uri
            .path_and_query()
            .map_or("/office", |p| p.as_str())
            .to_owned();
        // After signing in, a form cannot be sent again; begin at the spaces.
        let next = if parts.method == Method::GET {
            here.clone()
        } else {
            "/office".to_owned()
        };
        let words = Words::of(language(&parts.headers));
        let Some(token) = secret_cookie(office, &parts.headers, SESSION) else {
            return Err(Failure::SignIn(next));
        };
        let asked = token.clone();
        // An open list asks for news every few seconds, also when nobody is there any more.
        let by_hand = !parts.uri.path().ends_with("/news");
        let who = office
            .with_books(move |office, books| {
                Ok(sessions::who(
                    &books.people,
                    &asked,
                    office.env.now_ms(),
                    by_hand,
                )?)
            })
            .await?;
        let who = who.ok_or(Failure::SignIn(next))?;
        let path = parts.uri.path();
        let own = path.starts_with("/office/account") || path == "/office/sign-out";
        if (who.owes_second_factor || who.owes_password) && !own {
            return Err(Failure::Account);
        }
        Ok(Self {
            who,
            token,
            words,
            here,
        })
    }
}

/// What a cookie that lets somebody in is called: over TLS with the prefix by which browsers take it from
/// this very host alone (RFC 6265bis, 4.1.3), so that no neighbour of a common domain plants one.
pub(super) fn secret_name(office: &Office, name: &str) -> String {
    match office.secure {
        true => format!("__Host-{name}"),
        false => name.to_owned(),
    }
}

/// The value of a cookie that lets somebody in.
pub(super) fn secret_cookie(office: &Office, headers: &HeaderMap, name: &str) -> Option<String> {
    cookie(headers, &secret_name(office, name))
}

/// The value of a cookie (RFC 6265).
fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value.to_owned())
}

/// The language chosen, or the browser's, or Finnish.
pub fn language(headers: &HeaderMap) -> Lang {
    let chosen = cookie(headers, LANGUAGE).and_then(|code| Lang::from_code(&code));
    let accepted = || {
        headers
            .get(header::ACCEPT_LANGUAGE)?
            .to_str()
            .ok()
            .and_then(Lang::from_accept)
    };
    chosen.or_else(accepted).unwrap_or(Lang::Fi)
}
