//! The second factor and the account page, asked as a browser asks.
#![expect(clippy::unwrap_used, reason = "a test that fails should say where")]

use sopu_core::time::{Env, SystemEnv};
use totp_rs::{Builder, Secret};

use super::tests::{Answer, World, field, world};
use super::*;
use crate::access::{Role, people, second_factor};
use crate::store::schema;

/// The code an authenticator app shows so many seconds from now.
fn code(secret: &str, later_s: i64) -> String {
    let key = Secret::try_from_base32(secret).unwrap();
    let app = Builder::new().with_secret(key).build_noncompliant();
    let seconds = u64::try_from(SystemEnv.now_ms() / 1_000 + later_s).unwrap();
    app.generate(seconds).to_string()
}

fn session(answer: &Answer) -> String {
    let cookies = answer.cookies.iter();
    let mut found = cookies.filter(|c| c.starts_with("sopu_session="));
    found.next().unwrap().split(';').next().unwrap().to_owned()
}

/// Switches it on; gives the secret, the recovery codes and the session that goes on.
async fn switch_on(w: &World, cookie: &str) -> (String, Vec<String>, String) {
    let page = w.get("/office/account", cookie).await;
    let secret = page.body.split("<code>").nth(1).unwrap();
    let secret = secret.split('<').next().unwrap().to_owned();
    let picture = w.get("/office/account/second-factor.svg", cookie).await;
    assert!(picture.body.starts_with("<svg"));
    let token = field(&page.body, "form_token");
    let now = code(&secret, 0);
    let old = "satakieli laulaa";
    for (code, old) in [("000000", old), (&*now, ""), (&*now, "arvaus")] {
        let form = [("form_token", &*token), ("code", code), ("old", old)];
        let wrong = w.post("/office/account/second-factor", cookie, &form).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    let form = [("form_token", &*token), ("code", &*now), ("old", old)];
    let page = w.post("/office/account/second-factor", cookie, &form).await;
    assert_eq!(page.status, StatusCode::OK);
    let codes = page.body.split("<li><code>").skip(1);
    let codes = codes.map(|rest| rest.split('<').next().unwrap().to_owned());
    (secret, codes.collect(), session(&page))
}

async fn second_step(w: &World, cookie: &str, code: &str) -> Answer {
    let page = w.get("/office/sign-in/code?next=/office", cookie).await;
    assert_eq!(page.status, StatusCode::OK);
    let token = field(&page.body, "form_token");
    let form = [("form_token", token.as_str()), ("code", code)];
    w.post("/office/sign-in/code", cookie, &form).await
}

#[tokio::test]
async fn a_password_alone_opens_nothing_once_the_second_step_is_on() {
    let w = world(Role::Office);
    let cookie = w.enter().await;
    let elsewhere = w.enter().await;
    let (secret, recovery, here) = switch_on(&w, &cookie).await;
    assert_eq!(w.get("/office", &here).await.status, StatusCode::OK);
    for ended in [&cookie, &elsewhere] {
        assert_eq!(w.get("/office", ended).await.status, StatusCode::SEE_OTHER);
    }
    assert_eq!(recovery.len(), 8);

    let half = w.sign_in("satakieli laulaa").await;
    assert_eq!(half.location, "/office/sign-in/code?next=/office");
    let half = session(&half);
    for address in [
        "/office",
        "/office/account",
        "/office/account/second-factor.svg",
    ] {
        let answer = w.get(address, &half).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{address}");
        assert!(answer.location.starts_with("/office/sign-in?"), "{address}");
    }
    let wrong = second_step(&w, &half, "123456").await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    let right = second_step(&w, &half, &code(&secret, 30)).await;
    assert_eq!(right.status, StatusCode::SEE_OTHER);
    let whole = session(&right);
    assert_ne!(whole, half, "the session goes on under another token");
    assert_eq!(w.get("/office", &whole).await.status, StatusCode::OK);
    assert_eq!(w.get("/office", &half).await.status, StatusCode::SEE_OTHER);

    // The phone is lost: a recovery code opens once.
    for (at, status) in [
        (0, StatusCode::SEE_OTHER),
        (0, StatusCode::UNPROCESSABLE_ENTITY),
    ] {
        let half = session(&w.sign_in("satakieli laulaa").await);
        assert_eq!(second_step(&w, &half, &recovery[at]).await.status, status);
    }
}

#[tokio::test]
async fn codes_cannot_be_guessed_one_after_another() {
    let w = world(Role::Office);
    let cookie = w.enter().await;
    switch_on(&w, &cookie).await;
    let mut told = Vec::new();
    for _ in 0..8 {
        // Each with a session of its own: the waiting is the person's, not the session's.
        let half = session(&w.sign_in("satakieli laulaa").await);
        told.push(second_step(&w, &half, "111111").await.status);
    }
    assert_eq!(
        told.last(),
        Some(&StatusCode::TOO_MANY_REQUESTS),
        "{told:?}"
    );
}

#[tokio::test]
async fn who_owes_a_second_step_sees_nothing_before_it_is_set_up() {
    let w = world(Role::Office);
    let db = schema::open(&w.dir.path().join("relay.db")).unwrap();
    let org = people::find_org(&db, None).unwrap();
    people::require_second_factor(&db, org, true).unwrap();
    let cookie = w.enter().await;
    for address in ["/office", &w.document("")] {
        let answer = w.get(address, &cookie).await;
        assert_eq!(answer.location, "/office/account", "{address}");
    }
    let (.., cookie) = switch_on(&w, &cookie).await;
    assert_eq!(w.get("/office", &cookie).await.status, StatusCode::OK);
    assert!(second_factor::is_on(&db, w.member).unwrap());
}

#[tokio::test]
async fn a_new_password_asks_for_the_old_one_and_ends_other_sessions() {
    let w = world(Role::Office);
    let (here, elsewhere) = (w.enter().await, w.enter().await);
    let page = w.get("/office/account", &here).await;
    let token = field(&page.body, "form_token");
    let change = |old: &'static str, new: &'static str| {
        let (token, here, w) = (token.clone(), here.clone(), &w);
        async move {
            let form = [("form_token", &*token), ("old", old), ("new", new)];
            w.post("/office/account/password", &here, &form).await
        }
    };
    let wrong = change("satakieli", "pitkä uusi salasana").await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    let short = change("satakieli laulaa", "lyhyt").await;
    assert_eq!(short.status, StatusCode::UNPROCESSABLE_ENTITY);
    let done = change("satakieli laulaa", "pitkä uusi salasana").await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.body);
    assert_eq!(
        w.get("/office", &session(&done)).await.status,
        StatusCode::OK
    );
    for ended in [&here, &elsewhere] {
        assert_eq!(w.get("/office", ended).await.status, StatusCode::SEE_OTHER);
    }
    let old = w.sign_in("satakieli laulaa").await;
    assert_eq!(old.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn no_account_form_is_believed_without_its_token() {
    let w = world(Role::Office);
    let cookie = w.enter().await;
    for address in [
        "/office/account/password",
        "/office/account/second-factor",
        "/office/account/second-factor/remove",
        "/office/account/sign-out-everywhere",
    ] {
        let form = [("old", "satakieli laulaa"), ("new", "pitkä uusi salasana")];
        let answer = w.post(address, &cookie, &form).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{address}");
    }
}
