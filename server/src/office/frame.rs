//! What surrounds every page: language, who is signed in, where one is.

use askama::Template;
use axum::response::{Html, IntoResponse, Response};

use super::Failure;
use super::books::Space;
use crate::words::{Lang, Words};

/// The frame of a page.
pub struct Frame {
    /// In the reader's language.
    pub words: &'static Words,
    /// Who is signed in.
    pub name: Option<String>,
    /// Whether that is an administrator.
    pub admin: bool,
    /// For forms, see [`crate::access::form_token`].
    pub form_token: String,
    /// This page's own address, for the language switch.
    pub here: String,
    /// Where to listen for news, if this page does.
    pub news: Option<String>,
}

impl Frame {
    /// The frame of a page anyone may see.
    pub fn plain(words: &'static Words) -> Self {
        Self {
            words,
            name: None,
            admin: false,
            form_token: String::new(),
            here: "/office".to_owned(),
            news: None,
        }
    }

    /// The languages to switch to: code, own name, whether it is the present one, address.
    pub fn languages(&self) -> Vec<(&'static str, &'static str, bool, String)> {
        let here = quoted(&self.here);
        Lang::ALL
            .into_iter()
            .map(|lang| {
                let address = format!("/office/language?to={}&back={here}", lang.code());
                (
                    lang.code(),
                    lang.own_name(),
                    lang == self.words.lang,
                    address,
                )
            })
            .collect()
    }
}

/// The address of a space's page, or of one below it.
pub fn space_address(space: &Space, rest: &str) -> String {
    format!("/office/spaces/{}{rest}", space.id)
}

/// A page as a response. A template that cannot be rendered is a fault of the program.
pub fn html(page: &impl Template) -> Response {
    match page.render() {
        Ok(text) => Html(text).into_response(),
        Err(error) => {
            tracing::error!(%error, "office: template");
            Failure::Server.into_response()
        }
    }
}

/// Percent-encoded for one value of a query (RFC 3986).
pub fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            quoted.push(char::from(byte));
        } else {
            quoted.push_str(&format!("%{byte:02X}"));
        }
    }
    quoted
}
