//! The relay over HTTP: by `oneshot` where no socket is needed.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes, to_bytes};
use axum::http::{Request, Response, header};
use ed25519_dalek::{Signer, SigningKey};
use futures_util::stream;
use serde_json::Value;
use sopu_core::documents::Kind;
use sopu_core::envelope::{decode, encode};
use sopu_core::id::{MemberId, SpaceId};
use sopu_core::time::SystemEnv;
use sopu_core::wire::{
    Cursors, EnrolRequest, EnrolResponse, PROTOCOL, SyncRequest, SyncResponse, limits, token,
};
use tokio::sync::watch;
use tower::ServiceExt;

use super::*;
use crate::access::people::{self, NewMember, Party, Window};
use crate::access::{Role, invites};
use crate::relay::DATABASE;
use crate::store::schema;

pub(super) struct Server {
    dir: tempfile::TempDir,
    relay: Arc<Relay>,
    app: Router,
    close: watch::Sender<bool>,
    member: MemberId,
    space: SpaceId,
}

pub(super) fn server() -> Server {
    server_with(None)
}

/// With a token for what is counted.
fn server_with(metrics: Option<&str>) -> Server {
    let dir = tempfile::tempdir().unwrap();
    let relay = Arc::new(Relay::open(dir.path(), Arc::new(SystemEnv)).unwrap());
    let mut db = schema::open(&dir.path().join(DATABASE)).unwrap();
    let org = people::add_org(&db, &SystemEnv, "Hoiva Oy", None).unwrap();
    let space = people::add_space(&db, &SystemEnv, org, "Asiakas").unwrap();
    let new = NewMember {
        org,
        name: "Maria",
        login: None,
        password: None,
        admin: false,
    };
    let member = people::add_member(&db, &SystemEnv, &new).unwrap();
    let window = Window {
        from_ms: 0,
        until_ms: None,
    };
    people::grant(
        &mut db,
        space,
        Party::Member(member),
        Role::Field,
        window,
        0,
    )
    .unwrap();
    let (close, closing) = watch::channel(false);
    let state = State::new(relay.clone(), closing).counts_for(metrics);
    let app = app(state, Router::new());
    Server {
        dir,
        relay,
        app,
        close,
        member,
        space,
    }
}

impl Server {
    fn invite(&self) -> String {
        let db = schema::open(&self.dir.path().join(DATABASE)).unwrap();
        invites::create(&db, &SystemEnv, self.member, None, 1_000_000).unwrap()
    }

    pub(super) async fn send(&self, request: Request<Body>) -> Response<Body> {
        self.app.clone().oneshot(request).await.unwrap()
    }

    pub(super) async fn enrol(&self) -> String {
        let code = self.invite();
        let key = SigningKey::from_bytes(&[1; 32]);
        let request = EnrolRequest {
            protocol: PROTOCOL,
            key: key.verifying_key().to_bytes(),
            signature: key.sign(&EnrolRequest::signed_bytes(&code)).to_bytes(),
            code,
            name: "puhelin".into(),
            instance: [1; 16],
            now_ms: 0,
        };
        let request = cbor(ENROL_PATH).body(encode(&request).into()).unwrap();
        let response = self.send(request).await;
        assert_eq!(response.status(), 200);
        let response: EnrolResponse = decode(&bytes(response).await).unwrap();
        response.token
    }
}

async fn bytes(response: Response<Body>) -> Bytes {
    to_bytes(response.into_body(), usize::MAX).await.unwrap()
}

async fn problem_code(response: Response<Body>, status: u16) -> String {
    assert_eq!(response.status().as_u16(), status);
    assert_eq!(
        response.headers()[header::CONTENT_TYPE],
        "application/problem+json"
    );
    let body: Value = serde_json::from_slice(&bytes(response).await).unwrap();
    assert_eq!(body["status"], status);
    assert!(body["type"].is_string() && body["title"].is_string());
    body["code"].as_str().unwrap().to_owned()
}

pub(super) fn request() -> SyncRequest {
    SyncRequest {
        protocol: PROTOCOL,
        instance: [1; 16],
        cursors: Cursors::Vector(Vec::new()),
        push: Vec::new(),
        wait_ms: 0,
        now_ms: 0,
        status_seen: 0,
        max_bytes: 0,
        done: Vec::new(),
        offers: Vec::new(),
        about: None,
        reads: None,
    }
}

fn post(token: &str) -> axum::http::request::Builder {
    cbor(SYNC_PATH).header(header::AUTHORIZATION, format!("Bearer {token}"))
}

fn cbor(path: &str) -> axum::http::request::Builder {
    Request::post(path).header(header::CONTENT_TYPE, "application/cbor")
}

pub(super) fn sync(token: &str, request: &SyncRequest) -> Request<Body> {
    post(token).body(encode(request).into()).unwrap()
}

#[tokio::test]
async fn a_device_enrols_and_syncs_plain_and_compressed() {
    let server = server();
    let token = server.enrol().await;
    let response = server.send(sync(&token, &request())).await;
    assert_eq!(response.status(), 200);
    assert_eq!(
        response.headers().get(header::CONTENT_ENCODING),
        None,
        "not asked for"
    );
    let plain: SyncResponse = decode(&bytes(response).await).unwrap();
    assert_eq!(plain.spaces[0].space, server.space);

    let compressed = zstd::bulk::compress(&encode(&request()), 3).unwrap();
    let again = post(&token)
        .header(header::CONTENT_ENCODING, "zstd")
        .header(header::ACCEPT_ENCODING, "gzip, zstd")
        .body(compressed.into())
        .unwrap();
    let response = server.send(again).await;
    let zstd = response
        .headers()
        .get(header::CONTENT_ENCODING)
        .is_some_and(|v| v == "zstd");
    let body = bytes(response).await;
    let body = if zstd {
        zstd::bulk::decompress(&body, limits::BODY_EXPANDED).unwrap()
    } else {
        body.to_vec()
    };
    let packed: SyncResponse = decode(&body).unwrap();
    assert_eq!(packed.pages, plain.pages);
}

#[tokio::test]
async fn every_error_is_a_problem_with_its_code() {
    let server = server();
    let token = server.enrol().await;
    let get = |path: &str| Request::get(path).body(Body::empty()).unwrap();
    assert_eq!(
        problem_code(server.send(get("/nothing")).await, 404).await,
        "not_found"
    );
    assert_eq!(
        problem_code(server.send(get(SYNC_PATH)).await, 405).await,
        "method_not_allowed"
    );
    let nobody = Request::post(SYNC_PATH).body(Body::empty()).unwrap();
    assert_eq!(
        problem_code(server.send(nobody).await, 401).await,
        "unauthorised"
    );
    let stranger = server.send(sync("x", &request())).await;
    assert_eq!(problem_code(stranger, 401).await, "unauthorised");
    let junk = post(&token).body("junk".into()).unwrap();
    assert_eq!(problem_code(server.send(junk).await, 400).await, "bad_cbor");
    let mut trailing = encode(&request());
    trailing.push(0);
    let trailing = post(&token).body(trailing.into()).unwrap();
    assert_eq!(
        problem_code(server.send(trailing).await, 400).await,
        "bad_cbor"
    );
    let gzip = post(&token)
        .header(header::CONTENT_ENCODING, "gzip")
        .body("x".into())
        .unwrap();
    assert_eq!(
        problem_code(server.send(gzip).await, 400).await,
        "body_unreadable"
    );
    let torn = zstd::bulk::compress(&vec![7; 100_000], 3).unwrap();
    let torn = torn[..torn.len() - 2].to_vec();
    let torn = post(&token)
        .header(header::CONTENT_ENCODING, "zstd")
        .body(torn.into())
        .unwrap();
    assert_eq!(
        problem_code(server.send(torn).await, 400).await,
        "body_unreadable"
    );
    let version = server
        .send(sync(
            &token,
            &SyncRequest {
                protocol: 2,
                ..request()
            },
        ))
        .await;
    assert_eq!(problem_code(version, 400).await, "protocol_unknown");
    let text = server.relay.metrics().text();
    assert!(
        text.contains("sopu_problems_total{code=\"bad_cbor\"} 2"),
        "{text}"
    );
}

#[tokio::test]
async fn a_body_too_large_is_refused_whole_or_in_parts_or_expanded() {
    let server = server();
    let token = server.enrol().await;
    let large = post(&token).body(vec![0; limits::BODY + 1].into()).unwrap();
    assert_eq!(
        problem_code(server.send(large).await, 413).await,
        "body_too_large"
    );
    // Without a length in the header.
    let part = || Ok::<_, std::io::Error>(Bytes::from(vec![0; limits::BODY / 8]));
    let body = Body::from_stream(stream::iter(std::iter::repeat_with(part).take(9)));
    let large = post(&token).body(body).unwrap();
    assert_eq!(
        problem_code(server.send(large).await, 413).await,
        "body_too_large"
    );
    let bomb = zstd::bulk::compress(&vec![0; limits::BODY_EXPANDED + 1], 3).unwrap();
    assert!(bomb.len() < 10_000);
    let bomb = post(&token)
        .header(header::CONTENT_ENCODING, "zstd")
        .body(bomb.into())
        .unwrap();
    assert_eq!(
        problem_code(server.send(bomb).await, 413).await,
        "body_too_large"
    );
}

#[tokio::test]
async fn invites_tried_at_once_are_counted_before_they_are_judged() {
    let server = server();
    let key = SigningKey::from_bytes(&[1; 32]);
    let enrol = |code: String, from: &str| {
        let body = EnrolRequest {
            protocol: PROTOCOL,
            key: key.verifying_key().to_bytes(),
            signature: key.sign(&EnrolRequest::signed_bytes(&code)).to_bytes(),
            code,
            name: "puhelin".into(),
            instance: [1; 16],
            now_ms: 0,
        };
        let mut request = cbor(ENROL_PATH).body(encode(&body).into()).unwrap();
        let address = from.parse().unwrap();
        let is_proxy = false;
        request
            .extensions_mut()
            .insert(peer::Peer { address, is_proxy });
        server.send(request)
    };
    let tries = (0..200).map(|n| enrol(format!("WRONG{n:03}"), "192.0.2.1:9"));
    let answers = futures_util::future::join_all(tries).await;
    let judged = answers.iter().filter(|answer| answer.status() == 404);
    assert_eq!(judged.count(), 60);
    // The right one is not tried either, but from elsewhere it is.
    let code = server.invite();
    assert_eq!(enrol(code.clone(), "192.0.2.1:9").await.status(), 429);
    assert_eq!(enrol(code, "192.0.2.2:9").await.status(), 200);
}

#[tokio::test]
async fn a_stranger_s_body_is_not_read() {
    let server = server();
    let endless = || {
        let part = || Ok::<_, std::io::Error>(Bytes::from(vec![0; 8 * 1024]));
        Body::from_stream(stream::iter(std::iter::repeat_with(part)))
    };
    let stranger = post("x").body(endless()).unwrap();
    assert_eq!(
        problem_code(server.send(stranger).await, 401).await,
        "unauthorised"
    );
    let large = cbor(ENROL_PATH).body(endless()).unwrap();
    assert_eq!(
        problem_code(server.send(large).await, 413).await,
        "body_too_large"
    );
    let bomb = zstd::bulk::compress(&vec![0; 1024 * 1024], 3).unwrap();
    let bomb = cbor(ENROL_PATH)
        .header(header::CONTENT_ENCODING, "zstd")
        .body(bomb.into())
        .unwrap();
    assert_eq!(
        problem_code(server.send(bomb).await, 413).await,
        "body_too_large"
    );
}

/// zstd would give a stranger's few bytes 128 MiB by itself.
#[tokio::test]
async fn a_body_that_asks_for_a_large_window_is_refused_for_that() {
    let server = server();
    let token = server.enrol().await;
    let plain = encode(&request());
    let asks = |window_log: u8| {
        // One frame of one block, which holds the request as it is.
        let block = u32::try_from(plain.len()).unwrap() << 3 | 1;
        let head = [0x28, 0xb5, 0x2f, 0xfd, 0, (window_log - 10) << 3];
        [&head[..], &block.to_le_bytes()[..3], &plain].concat()
    };
    let zstd = |to: axum::http::request::Builder, window_log| {
        let to = to.header(header::CONTENT_ENCODING, "zstd");
        server.send(to.body(asks(window_log).into()).unwrap())
    };
    assert_eq!(zstd(post(&token), 20).await.status(), 200);
    for large in [
        zstd(post(&token), 24).await,
        zstd(post(&token), 27).await,
        zstd(cbor(ENROL_PATH), 15).await,
        zstd(cbor(ENROL_PATH), 27).await,
    ] {
        assert_eq!(problem_code(large, 413).await, "body_too_large");
    }
    // Small enough, it is read for what it is: no enrolment.
    let other = zstd(cbor(ENROL_PATH), 14).await;
    assert_eq!(problem_code(other, 400).await, "bad_cbor");
}

#[tokio::test]
async fn a_body_of_another_type_or_of_none_is_not_read() {
    let server = server();
    let token = server.enrol().await;
    let sent = |path: &str, types: &[&str]| {
        let bearer = format!("Bearer {token}");
        let mut sent = Request::post(path).header(header::AUTHORIZATION, bearer);
        for said in types {
            sent = sent.header(header::CONTENT_TYPE, *said);
        }
        sent.body(encode(&request()).into()).unwrap()
    };
    for path in [SYNC_PATH, ENROL_PATH] {
        for wrong in [
            &[][..],
            &["application/json"],
            &["application/x-www-form-urlencoded"],
            &["text/plain; x=application/cbor"],
            &["application/cbor", "application/cbor"],
            &["application/cbor-seq"],
        ] {
            let answer = server.send(sent(path, wrong)).await;
            assert_eq!(problem_code(answer, 415).await, "media_type", "{wrong:?}");
        }
    }
    for right in ["application/cbor", "Application/CBOR; v=1"] {
        assert_eq!(server.send(sent(SYNC_PATH, &[right])).await.status(), 200);
    }
}

#[tokio::test]
async fn what_is_counted_is_told_on_this_machine_or_to_who_has_the_token() {
    let token = "a-token-of-more-than-twenty-letters";
    let told = async |server: &Server, peer: Option<(&str, bool)>, headers: &[(&str, &str)]| {
        let mut request = Request::get("/metrics");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut request = request.body(Body::empty()).unwrap();
        if let Some((address, is_proxy)) = peer {
            let address = address.parse().unwrap();
            request
                .extensions_mut()
                .insert(peer::Peer { address, is_proxy });
        }
        server.send(request).await.status().as_u16()
    };
    let bearer = format!("Bearer {token}");
    let here = Some(("127.0.0.1:9", false));
    let there = Some(("192.0.2.1:9", false));
    for with_token in [false, true] {
        let server = server_with(with_token.then_some(token));
        let admitted = if with_token { 200 } else { 401 };
        for (peer, headers, status) in [
            (here, &[][..], 200),
            (Some(("[::1]:9", false)), &[], 200),
            (there, &[], 401),
            (None, &[], 401),
            // A proxy of this machine, whether we were told of it or not.
            (Some(("127.0.0.1:9", true)), &[], 401),
            (here, &[("x-forwarded-for", "127.0.0.1")], 401),
            (here, &[("forwarded", "for=127.0.0.1")], 401),
            (there, &[("authorization", "Bearer wrong")], 401),
            (there, &[("authorization", "Bearer ")], 401),
            (there, &[("authorization", &*bearer)], admitted),
        ] {
            let got = told(&server, peer, headers).await;
            assert_eq!(got, status, "{with_token} {peer:?} {headers:?}");
        }
    }
}

#[tokio::test]
async fn health_answers() {
    let server = server();
    for path in ["/healthz", "/readyz"] {
        let response = server
            .send(Request::get(path).body(Body::empty()).unwrap())
            .await;
        assert_eq!(response.status(), 200, "{path}");
    }
    server.close.send_replace(true);
    let response = server
        .send(Request::get("/readyz").body(Body::empty()).unwrap())
        .await;
    assert_eq!(problem_code(response, 503).await, "unavailable");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_without_news_waits_until_there_is_some_or_the_server_stops() {
    let server = server();
    let bearer = server.enrol().await;
    let first: SyncResponse =
        decode(&bytes(server.send(sync(&bearer, &request())).await).await).unwrap();
    let vector: Vec<_> = first.pages.iter().map(|page| page.to.clone()).collect();
    let waiting = SyncRequest {
        cursors: Cursors::Token(token(&vector)),
        wait_ms: 20_000,
        ..request()
    };

    let start = Instant::now();
    let short = SyncRequest {
        wait_ms: 50,
        ..waiting.clone()
    };
    let response: SyncResponse =
        decode(&bytes(server.send(sync(&bearer, &short)).await).await).unwrap();
    assert!(response.pages.is_empty());
    assert!(start.elapsed() >= Duration::from_millis(50), "it waited");

    let app = server.app.clone();
    let poll = tokio::spawn(app.oneshot(sync(&bearer, &waiting)));
    while server.relay.metrics().long_polls.get() == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let (relay, member, space) = (server.relay.clone(), server.member, server.space);
    tokio::task::spawn_blocking(move || {
        let doc = sopu_core::id::DocId::mint(&SystemEnv);
        relay.office_write(member, space, doc, Kind::VisitNote, |am, ctx| {
            let at = sopu_core::read::version(am);
            sopu_core::save::save(
                am,
                Kind::VisitNote,
                &at,
                &serde_json::json!({"tags": ["a"]}),
                ctx,
            )
            .map(|_| ())
        })
    })
    .await
    .unwrap()
    .unwrap();
    let response: SyncResponse = decode(&bytes(poll.await.unwrap().unwrap()).await).unwrap();
    assert_eq!(response.pages[0].to.seq, 1);
    assert!(start.elapsed() < Duration::from_secs(15));
    assert_eq!(server.relay.metrics().long_polls.get(), 0);

    let vector: Vec<_> = response.pages.iter().map(|page| page.to.clone()).collect();
    let waiting = SyncRequest {
        cursors: Cursors::Token(token(&vector)),
        ..waiting
    };
    let poll = tokio::spawn(server.app.clone().oneshot(sync(&bearer, &waiting)));
    while server.relay.metrics().long_polls.get() == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    server.close.send_replace(true);
    assert_eq!(poll.await.unwrap().unwrap().status(), 200);
    assert!(start.elapsed() < Duration::from_secs(15));
}

#[tokio::test(flavor = "multi_thread")]
async fn devices_of_the_core_sync_over_a_socket_and_end_with_the_same_record() {
    use sopu_core::device::Device;
    use sopu_core::transport::http::HttpTransport;

    let server = server();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let relay = server.relay.clone();
    let running = tokio::spawn(run(
        listener,
        relay,
        Router::new(),
        Front::default(),
        async {
            let _ = stopped.await;
        },
    ));
    let codes = [server.invite(), server.invite()];
    let space = server.space;
    tokio::task::spawn_blocking(move || {
        let dir = tempfile::tempdir().unwrap();
        let transport = HttpTransport::new(&format!("http://{address}"));
        let mut devices: Vec<Device> = (0u8..)
            .zip(&codes)
            .map(|(n, code)| {
                let path = dir.path().join(format!("{n}.db"));
                let mut device = Device::open(
                    &path,
                    &dir.path().join(n.to_string()),
                    [n + 1; 32],
                    Arc::new(SystemEnv),
                )
                .unwrap();
                device.enrol(&transport, code, "puhelin").unwrap();
                device.sync(&transport).unwrap();
                device
            })
            .collect();
        let tags = |device: &Device, doc| device.read(doc).unwrap().value["tags"].clone();
        let (doc, _) = devices[0]
            .create(
                space,
                Kind::VisitNote,
                &serde_json::json!({ "tags": ["a"] }),
            )
            .unwrap();
        for _ in 0..50 {
            for device in &mut devices {
                device.sync(&transport).unwrap();
            }
            if devices[1].read(doc).is_ok() {
                break;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let opened = devices[1].read(doc).unwrap();
        devices[1]
            .save(
                doc,
                &opened.version,
                &serde_json::json!({ "tags": ["a", "b"] }),
            )
            .unwrap();
        for _ in 0..50 {
            for device in &mut devices {
                device.sync(&transport).unwrap();
            }
            if tags(&devices[0], doc) == serde_json::json!(["a", "b"]) {
                break;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        assert_eq!(tags(&devices[0], doc), serde_json::json!(["a", "b"]));
        assert_eq!(tags(&devices[1], doc), serde_json::json!(["a", "b"]));
    })
    .await
    .unwrap();
    stop.send(()).unwrap();
    running.await.unwrap().unwrap();
    assert_eq!(server.relay.quarantine(10).unwrap(), []);
}
