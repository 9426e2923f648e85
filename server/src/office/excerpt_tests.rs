//! Taking the access log of one client out.
#![expect(clippy::unwrap_used, reason = "a test that fails should say where")]

use axum::body::Body;
use axum::http::Request;
use serde_json::json;
use sopu_core::documents::Kind;
use sopu_core::time::SystemEnv;
use tower::ServiceExt;

use super::retention_tests::over_a_relay;
use super::tests::{World, field, world, write_new};
use super::*;
use crate::access::log::{self, Entry};
use crate::access::{Role, people};
use crate::pdf::tests::text;
use crate::store::schema;

const CLIENT: &str = "019ab000-0000-7000-8000-000000000001";
const OTHER: &str = "019ab000-0000-7000-8000-000000000002";

async fn excerpt(w: &World, cookie: &str, form: &[(&str, &str)]) -> (Response, Vec<u8>) {
    let path = format!("/office/spaces/{}/access", w.space);
    let token = field(&w.get(&path, cookie).await.body, "form_token");
    let mut pairs = vec![format!("form_token={token}")];
    let quoted = |(k, v): &(&str, &str)| format!("{k}={}", frame::quoted(v));
    pairs.extend(form.iter().map(quoted));
    let request = Request::post(path)
        .header("cookie", cookie)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Body::from(pairs.join("&")))
        .unwrap();
    let response = w.app.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let bytes = axum::body::to_bytes(body, 16 << 20).await.unwrap().to_vec();
    (Response::from_parts(parts, Body::empty()), bytes)
}

/// A space with two clients, each with a note that somebody has read.
async fn two_clients(w: &World, cookie: &str) {
    for (subject, summary) in [(CLIENT, "Käynti Åsan luona"), (OTHER, "Muu käynti")] {
        let value = json!({"subject_id": subject, "summary": summary, "status": "done"});
        let doc = write_new(w, Kind::VisitNote, &value);
        let page = format!("/office/spaces/{}/documents/{doc}", w.space);
        assert_eq!(w.get(&page, cookie).await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn a_client_s_excerpt_says_who_read_it_when_and_nothing_of_another_client() {
    let w = world(Role::Owner);
    let cookie = w.enter().await;
    two_clients(&w, &cookie).await;
    let mut form = vec![
        ("subject", CLIENT),
        ("from", "2024-11-28"),
        ("until", "2099-01-01"),
        ("reason", "Åsa kysyi"),
        ("form", "pdf"),
    ];
    let (response, file) = excerpt(&w, &cookie, &form).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["content-type"], "application/pdf");
    let disposition = response.headers()["content-disposition"].to_str().unwrap();
    assert!(disposition.starts_with("attachment; filename=\"sopu-2"));
    let said = text(&file).concat();
    for part in [
        "Ote käyttölokista",
        "Åsa kysyi",
        "Aino <Aalto>",
        "luki",
        "Koivula, Hoiva Oy",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(said.contains("28.11.2024"), "{said}");
    assert!(!said.contains("Muu käynti"), "{said}");

    form[4] = ("form", "csv");
    let (response, file) = excerpt(&w, &cookie, &form).await;
    assert_eq!(
        response.headers()["content-type"],
        "text/csv; charset=utf-8"
    );
    let csv = String::from_utf8(file).unwrap();
    assert!(
        csv.starts_with("\u{feff}Milloin;Kuka;Mitä;Asiakirja;Syy\n"),
        "{csv}"
    );
    // The read, and the excerpt before this one.
    assert_eq!(csv.lines().count(), 3, "{csv}");

    let db = schema::open(&w.dir.path().join("relay.db")).unwrap();
    let taken = log::of_space(&db, w.space, 1).unwrap();
    assert_eq!(taken[0].action, "export");
    let reason = taken[0].reason.as_deref();
    assert_eq!(
        reason,
        Some(format!("access log of {CLIENT}: Åsa kysyi").as_str())
    );
}

#[tokio::test]
async fn an_excerpt_needs_a_reason_a_period_and_a_client_of_the_space() {
    let w = world(Role::Owner);
    let cookie = w.enter().await;
    two_clients(&w, &cookie).await;
    let good = [
        ("from", "2024-11-28"),
        ("until", "2026-11-28"),
        ("reason", "asked"),
    ];
    let bad: [(&str, &str, StatusCode); 5] = [
        ("reason", " ", StatusCode::UNPROCESSABLE_ENTITY),
        ("from", "huomenna", StatusCode::UNPROCESSABLE_ENTITY),
        ("until", "2024-11-27", StatusCode::UNPROCESSABLE_ENTITY),
        (
            "subject",
            "019ab000-0000-7000-8000-000000000009",
            StatusCode::NOT_FOUND,
        ),
        ("subject", "' OR 1=1", StatusCode::NOT_FOUND),
    ];
    for (name, value, status) in bad {
        let mut form = vec![(name, value)];
        form.extend(good);
        let (response, _) = excerpt(&w, &cookie, &form).await;
        assert_eq!(response.status(), status, "{name}={value}");
    }
    let db = schema::open(&w.dir.path().join("relay.db")).unwrap();
    let rows = log::of_space(&db, w.space, 100).unwrap();
    assert!(rows.iter().all(|row| row.action != "export"));
}

#[tokio::test]
async fn what_was_about_somebody_is_in_their_excerpt_until_it_was_not() {
    let (w, relay, _) = over_a_relay();
    let cookie = w.enter().await;
    let doc = DocId::mint(&SystemEnv);
    let about = |subject: &str| {
        let save = |am: &mut automerge::Automerge, ctx: &sopu_core::save::SaveContext<'_>| {
            let heads = sopu_core::read::version(am);
            let value = json!({ "subject_id": subject });
            sopu_core::save::save(am, Kind::Contract, &heads, &value, ctx).map(|_| ())
        };
        let kind = Kind::Contract;
        relay
            .office_write(w.member, w.space, doc, kind, save)
            .unwrap();
    };
    about(OTHER);
    let page = format!("/office/spaces/{}/documents/{doc}", w.space);
    assert_eq!(w.get(&page, &cookie).await.status, StatusCode::OK);
    tokio::time::sleep(Duration::from_millis(2)).await;
    about(CLIENT);
    tokio::time::sleep(Duration::from_millis(2)).await;
    let history = format!("{page}/history");
    assert_eq!(w.get(&history, &cookie).await.status, StatusCode::OK);
    let form = |subject| {
        [
            ("subject", subject),
            ("from", "2024-11-28"),
            ("until", "2099-01-01"),
            ("reason", "kysyi"),
            ("form", "csv"),
        ]
    };
    // Nothing in the space is about the first one any more.
    let (response, file) = excerpt(&w, &cookie, &form(OTHER)).await;
    assert_eq!(response.status(), StatusCode::OK);
    let first = String::from_utf8(file).unwrap();
    assert!(first.contains(";luki;"), "{first}");
    assert!(!first.contains("luki historian"), "{first}");
    let (_, file) = excerpt(&w, &cookie, &form(CLIENT)).await;
    let now = String::from_utf8(file).unwrap();
    assert!(
        now.contains(";luki;") && now.contains("luki historian"),
        "{now}"
    );
}

#[tokio::test]
async fn somebody_of_another_organisation_is_named_with_it() {
    let w = world(Role::Owner);
    let db = schema::open(&w.dir.path().join("relay.db")).unwrap();
    let org = people::add_org(&db, &SystemEnv, "Lähihoito Tmi", None).unwrap();
    let new = people::NewMember {
        org,
        name: "Sari Sijainen",
        login: None,
        password: None,
        admin: false,
    };
    let member = people::add_member(&db, &SystemEnv, &new).unwrap();
    let entry = Entry {
        at_ms: SystemEnv.now_ms(),
        member: Some(member),
        action: "read".to_owned(),
        space: Some(w.space),
        doc: Some(w.note),
        reason: None,
    };
    log::record(&db, &entry).unwrap();
    let cookie = w.enter().await;
    let form = [
        ("from", "2024-11-28"),
        ("until", "2099-01-01"),
        ("reason", "asked"),
    ];
    let (_, file) = excerpt(&w, &cookie, &form).await;
    let said = text(&file).concat().replace('\n', " ");
    assert!(said.contains("Sari Sijainen"), "{said}");
    assert!(said.contains("(Lähihoito"), "{said}");
}
