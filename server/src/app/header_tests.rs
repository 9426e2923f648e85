//! What every answer says beside its body.
#![expect(clippy::unwrap_used, reason = "a test that fails should say where")]

use axum::body::Body;
use axum::http::{Request, Response, header};
use sopu_core::wire::SYNC_PATH;

use super::peer::Peer;
use super::tests::{request, server, sync};

fn said<'r>(answer: &'r Response<Body>, name: &str) -> &'r str {
    let said = answer.headers().get(name);
    said.map_or("", |said| said.to_str().unwrap())
}

#[tokio::test]
async fn what_is_for_devices_is_kept_by_nobody_and_shown_by_no_browser() {
    let server = server();
    let token = server.enrol().await;
    let get = |path: &str| Request::get(path).body(Body::empty()).unwrap();
    for (asked, status) in [
        (sync(&token, &request()), 200),
        (sync("x", &request()), 401),
        (get("/nothing"), 404),
        (get(SYNC_PATH), 405),
    ] {
        let answer = server.send(asked).await;
        assert_eq!(answer.status(), status);
        assert_eq!(said(&answer, "x-content-type-options"), "nosniff");
        assert_eq!(said(&answer, "cache-control"), "no-store");
        assert!(said(&answer, "content-disposition").starts_with("attachment"));
    }
    for path in ["/healthz", "/readyz", "/metrics"] {
        let answer = server.send(get(path)).await;
        assert_eq!(said(&answer, "x-content-type-options"), "nosniff", "{path}");
    }
}

#[tokio::test]
async fn who_must_wait_is_told_so_on_a_page_as_guarded_as_any() {
    let server = server();
    let wrong = || {
        let mut asked = Request::post("/office/sign-in")
            .body(Body::empty())
            .unwrap();
        let address = "192.0.2.1:1".parse().unwrap();
        let is_proxy = false;
        asked.extensions_mut().insert(Peer { address, is_proxy });
        asked
    };
    for _ in 0..200 {
        let answer = server.send(wrong()).await;
        if answer.status() == 429 {
            assert!(said(&answer, "content-security-policy").contains("default-src 'none'"));
            assert_eq!(said(&answer, "x-frame-options"), "DENY");
            assert_eq!(said(&answer, "referrer-policy"), "same-origin");
            assert_eq!(said(&answer, header::CACHE_CONTROL.as_str()), "no-store");
            return;
        }
    }
    panic!("nobody was slowed down");
}
