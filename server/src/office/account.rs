//! A person's own account: password, second factor, sessions elsewhere.

use std::sync::Arc;

use askama::Template;
use axum::Form;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::books::Books;
use super::frame::{Frame, html};
use super::sign_in::set_cookie;
use super::visitor::{SESSION, Visitor};
use super::{Failure, Office};
use crate::access::second_factor::{self, Setup};
use crate::access::sessions::{Shown, Who};
use crate::access::{AccessError, introduction, password, people, sessions};

#[derive(Template)]
#[template(path = "account.html")]
struct Page {
    frame: Frame,
    owes: bool,
    owes_password: bool,
    has_password: bool,
    on: bool,
    left: usize,
    setup: Option<Setup>,
    /// What tells other organisations who this is.
    introduction: String,
    recovery: Vec<String>,
    said: Option<String>,
    wrong: Option<String>,
}

#[derive(Default)]
struct Told {
    recovery: Vec<String>,
    said: Option<&'static str>,
    wrong: Option<&'static str>,
}

impl Told {
    fn said(key: &'static str) -> Self {
        Self {
            said: Some(key),
            ..Self::default()
        }
    }
}

/// The page.
pub(super) async fn page(
    State(office): State<Arc<Office>>,
    visitor: Visitor,
) -> Result<Response, Failure> {
    show(&office, visitor, Told::default()).await
}

async fn show(office: &Arc<Office>, visitor: Visitor, told: Told) -> Result<Response, Failure> {
    office
        .with_books(move |office, books| {
            let (db, member) = (&books.people, visitor.who.member);
            let on = second_factor::is_on(db, member)?;
            let setup = match on {
                true => None,
                false => second_factor::begin(db, &*office.env, &office.secret, member)?,
            };
            let left = usize::try_from(second_factor::recovery_left(db, member)?).unwrap_or(0);
            let status = match told.wrong {
                Some(_) => StatusCode::UNPROCESSABLE_ENTITY,
                None => StatusCode::OK,
            };
            let mut frame = visitor.frame();
            frame.here = "/office/account".to_owned();
            let page = Page {
                frame,
                owes: visitor.who.owes_second_factor && !on,
                owes_password: visitor.who.owes_password,
                has_password: people::has_password(db, member)?,
                on,
                left,
                setup,
                introduction: introduction::code(&office.secret, member)?,
                recovery: told.recovery,
                said: told.said.map(|key| visitor.words.t(key)),
                wrong: told.wrong.map(|key| visitor.words.t(key)),
            };
            Ok((status, html(&page)).into_response())
        })
        .await
}

/// What the authenticator app scans.
pub(super) async fn picture(
    State(office): State<Arc<Office>>,
    visitor: Visitor,
) -> Result<Response, Failure> {
    use fast_qr::convert::svg::SvgBuilder;
    use fast_qr::qr::QRBuilder;
    let address = office
        .with_books(move |office, books| {
            let (db, member) = (&books.people, visitor.who.member);
            let setup = second_factor::begin(db, &*office.env, &office.secret, member)?;
            Ok(setup.ok_or(Failure::NotFound)?.address)
        })
        .await?;
    let code = QRBuilder::new(address).build();
    let svg = SvgBuilder::default().to_str(&code.map_err(|_| Failure::Server)?);
    Ok(([(header::CONTENT_TYPE, "image/svg+xml")], svg).into_response())
}

#[derive(Deserialize)]
pub(super) struct Change {
    #[serde(default)]
    form_token: String,
    #[serde(default)]
    old: String,
    #[serde(default)]
    new: String,
    #[serde(default)]
    code: String,
}

/// What came of a change: what to say, and the token the session goes on under if all others ended.
enum Changed {
    Not(&'static str),
    Done(Told, String),
}

/// Shows the page after a change. Whoever else was signed in as this person is not any more.
async fn go_on(
    office: &Arc<Office>,
    mut visitor: Visitor,
    changed: Changed,
) -> Result<Response, Failure> {
    let (told, token) = match changed {
        Changed::Not(key) => {
            let told = Told {
                wrong: Some(key),
                ..Told::default()
            };
            return show(office, visitor, told).await;
        }
        Changed::Done(told, token) => (told, token),
    };
    visitor.token.clone_from(&token);
    let mut response = show(office, visitor, told).await?;
    let life = Some(sessions::LIFE_MS / 1_000);
    set_cookie(office, &mut response, SESSION, &token, life);
    Ok(response)
}

/// Notes the change, ends every session, and begins one for who made it.
fn begin_again(office: &Office, books: &Books, who: &Who, what: &str) -> Result<String, Failure> {
    let (db, member) = (&books.people, who.member);
    books.note(office, member, "account", (None, None), Some(what))?;
    sessions::sign_out_everywhere(db, member)?;
    let shown = match who.vouched {
        true => Shown::Elsewhere,
        false => Shown::Whole,
    };
    Ok(sessions::start(db, &*office.env, member, shown)?)
}

/// A new password.
pub(super) async fn change_password(
    State(office): State<Arc<Office>>,
    mut visitor: Visitor,
    Form(change): Form<Change>,
) -> Result<Response, Failure> {
    visitor.check_form(&change.form_token)?;
    let who = visitor.who.clone();
    let turn = office.password_turn.clone().lock_owned().await;
    let changed = office
        .with_books(move |office, books| {
            let _turn = turn;
            let (db, now) = (&books.people, office.env.now_ms());
            let name = format!("change {}", who.member);
            if office.back_off.begin(&name, now).is_err() {
                return Ok(Changed::Not("account-wait"));
            }
            if !people::password_holds(db, who.member, &change.old)? {
                return Ok(Changed::Not("account-old-wrong"));
            }
            office.back_off.right(&name);
            if change.new == change.old {
                return Ok(Changed::Not("account-password-same"));
            }
            books.together(|books| {
                match people::set_password(&books.people, who.member, &change.new) {
                    Err(AccessError::Password(password::PasswordError::Short)) => {
                        return Ok(Changed::Not("account-password-short"));
                    }
                    Err(AccessError::Password(_)) => {
                        return Ok(Changed::Not("account-password-long"));
                    }
                    done => done?,
                }
                let token = begin_again(office, books, &who, "password changed")?;
                Ok(Changed::Done(Told::said("account-password-done"), token))
            })
        })
        .await?;
    if matches!(changed, Changed::Done(..)) {
        visitor.who.owes_password = false;
    }
    go_on(&office, visitor, changed).await
}

/// The app's first code.
pub(super) async fn confirm(
    State(office): State<Arc<Office>>,
    mut visitor: Visitor,
    Form(change): Form<Change>,
) -> Result<Response, Failure> {
    visitor.check_form(&change.form_token)?;
    let who = visitor.who.clone();
    let turn = office.password_turn.clone().lock_owned().await;
    let changed = office
        .with_books(move |office, books| {
            let _turn = turn;
            // An unwatched browser is not enough to lock its owner out.
            if people::has_password(&books.people, who.member)? {
                let name = format!("change {}", who.member);
                if office.back_off.begin(&name, office.env.now_ms()).is_err() {
                    return Ok(Changed::Not("account-wait"));
                }
                if !people::password_holds(&books.people, who.member, &change.old)? {
                    return Ok(Changed::Not("account-old-wrong"));
                }
                office.back_off.right(&name);
            }
            let (env, secret, code) = (&*office.env, &office.secret, &change.code);
            books.together(|books| {
                let db = &books.people;
                let confirmed = second_factor::confirm(db, env, secret, who.member, code)?;
                let Some(recovery) = confirmed else {
                    return Ok(Changed::Not("code-wrong"));
                };
                let token = begin_again(office, books, &who, "second factor on")?;
                let told = Told {
                    recovery,
                    ..Told::said("account-factor-on")
                };
                Ok(Changed::Done(told, token))
            })
        })
        .await?;
    if matches!(changed, Changed::Done(..)) {
        visitor.who.owes_second_factor = false;
    }
    go_on(&office, visitor, changed).await
}

/// Takes the second factor away: with a code, so that an unwatched browser is not enough.
pub(super) async fn remove(
    State(office): State<Arc<Office>>,
    visitor: Visitor,
    Form(change): Form<Change>,
) -> Result<Response, Failure> {
    visitor.check_form(&change.form_token)?;
    let who = visitor.who.clone();
    let changed = office
        .with_books(move |office, books| {
            let (db, now) = (&books.people, office.env.now_ms());
            let name = format!("code {}", who.member);
            if office.back_off.begin(&name, now).is_err() {
                return Ok(Changed::Not("account-wait"));
            }
            if !second_factor::holds(db, &office.secret, who.member, &change.code, now)? {
                return Ok(Changed::Not("code-wrong"));
            }
            office.back_off.right(&name);
            books.together(|books| {
                second_factor::remove(&books.people, who.member)?;
                let token = begin_again(office, books, &who, "second factor off")?;
                Ok(Changed::Done(Told::said("account-factor-off"), token))
            })
        })
        .await?;
    go_on(&office, visitor, changed).await
}

/// Ends every session of this person, this one too.
pub(super) async fn leave_everywhere(
    State(office): State<Arc<Office>>,
    visitor: Visitor,
    Form(change): Form<Change>,
) -> Result<Response, Failure> {
    visitor.check_form(&change.form_token)?;
    let member = visitor.who.member;
    office
        .with_books(move |office, books| {
            books.together(|books| {
                sessions::sign_out_everywhere(&books.people, member)?;
                let what = Some("signed out everywhere");
                books.note(office, member, "account", (None, None), what)
            })
        })
        .await?;
    Err(Failure::SignIn("/office".to_owned()))
}
