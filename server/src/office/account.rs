//! A person's own account: password, second factor, sessions elsewhere.

use std::sync::Arc;

use askama::Template;
use axum::Form;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::frame::{Frame, html};
use super::sign_in::set_cookie;
use super::visitor::{SESSION, Visitor};
use super::{Failure, Office};
use crate::access::second_factor::{self, Setup};
use crate::access::sessions::Shown;
use crate::access::{AccessError, password, people, sessions};

#[derive(Template)]
#[template(path = "account.html")]
struct Page {
    frame: Frame,
    owes: bool,
    has_password: bool,
    on: bool,
    left: usize,
    setup: Option<Setup>,
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
                has_password: people::has_password(db, member)?,
                on,
                left,
                setup,
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

enum Changed {
    Wait,
    Wrong(&'static str),
    Done(String),
}

/// A new password. Every session ends but this one, which goes on under another token.
pub(super) async fn change_password(
    State(office): State<Arc<Office>>,
    mut visitor: Visitor,
    Form(change): Form<Change>,
) -> Result<Response, Failure> {
    visitor.check_form(&change.form_token)?;
    let (member, login) = (visitor.who.member, format!("change {}", visitor.who.member));
    let turn = office.password_turn.clone().lock_owned().await;
    let changed = office
        .with_books(move |office, books| {
            let _turn = turn;
            let (db, now) = (&books.people, office.env.now_ms());
            if office.back_off.wait_ms(&login, now) > 0 {
                return Ok(Changed::Wait);
            }
            if !people::password_holds(db, member, &change.old)? {
                office.back_off.wrong(&login, now);
                return Ok(Changed::Wrong("account-old-wrong"));
            }
            office.back_off.right(&login);
            match people::set_password(db, member, &change.new) {
                Err(AccessError::Password(password::PasswordError::Short)) => {
                    return Ok(Changed::Wrong("account-password-short"));
                }
                Err(AccessError::Password(_)) => {
                    return Ok(Changed::Wrong("account-password-long"));
                }
                done => done?,
            }
            books.note(
                office,
                member,
                "account",
                (None, None),
                Some("password changed"),
            )?;
            let token = sessions::start(&books.people, &*office.env, member, Shown::Whole)?;
            Ok(Changed::Done(token))
        })
        .await?;
    let token = match changed {
        Changed::Wait => {
            let told = Told {
                wrong: Some("account-wait"),
                ..Told::default()
            };
            return show(&office, visitor, told).await;
        }
        Changed::Wrong(key) => {
            let told = Told {
                wrong: Some(key),
                ..Told::default()
            };
            return show(&office, visitor, told).await;
        }
        Changed::Done(token) => token,
    };
    visitor.token.clone_from(&token);
    let told = Told {
        said: Some("account-password-done"),
        ..Told::default()
    };
    let mut response = show(&office, visitor, told).await?;
    let life = Some(sessions::LIFE_MS / 1_000);
    set_cookie(&office, &mut response, SESSION, &token, life);
    Ok(response)
}

/// The app's first code.
pub(super) async fn confirm(
    State(office): State<Arc<Office>>,
    mut visitor: Visitor,
    Form(change): Form<Change>,
) -> Result<Response, Failure> {
    visitor.check_form(&change.form_token)?;
    let member = visitor.who.member;
    let codes = office
        .with_books(move |office, books| {
            let (env, secret) = (&*office.env, &office.secret);
            let codes =
                second_factor::confirm(&mut books.people, env, secret, member, &change.code)?;
            if codes.is_some() {
                books.note(
                    office,
                    member,
                    "account",
                    (None, None),
                    Some("second factor on"),
                )?;
            }
            Ok(codes)
        })
        .await?;
    let told = match codes {
        Some(recovery) => {
            visitor.who.owes_second_factor = false;
            Told {
                recovery,
                said: Some("account-factor-on"),
                wrong: None,
            }
        }
        None => Told {
            wrong: Some("code-wrong"),
            ..Told::default()
        },
    };
    show(&office, visitor, told).await
}

/// Takes the second factor away: with a code, so that an unwatched browser is not enough.
pub(super) async fn remove(
    State(office): State<Arc<Office>>,
    visitor: Visitor,
    Form(change): Form<Change>,
) -> Result<Response, Failure> {
    visitor.check_form(&change.form_token)?;
    let member = visitor.who.member;
    let right = office
        .with_books(move |office, books| {
            let (db, now) = (&books.people, office.env.now_ms());
            let name = format!("code {member}");
            if office.back_off.wait_ms(&name, now) > 0 {
                return Ok(false);
            }
            office.back_off.wrong(&name, now);
            if !second_factor::holds(db, &office.secret, member, &change.code, now)? {
                return Ok(false);
            }
            office.back_off.right(&name);
            second_factor::remove(db, member)?;
            books.note(
                office,
                member,
                "account",
                (None, None),
                Some("second factor off"),
            )?;
            Ok(true)
        })
        .await?;
    let told = match right {
        true => Told {
            said: Some("account-factor-off"),
            ..Told::default()
        },
        false => Told {
            wrong: Some("code-wrong"),
            ..Told::default()
        },
    };
    show(&office, visitor, told).await
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
            sessions::sign_out_everywhere(&books.people, member)?;
            books.note(
                office,
                member,
                "account",
                (None, None),
                Some("signed out everywhere"),
            )
        })
        .await?;
    Err(Failure::SignIn("/office".to_owned()))
}
