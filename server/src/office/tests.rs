//! The pages over a small world, asked as a browser asks.
#![expect(clippy::unwrap_used, reason = "a test that fails should say where")]

use std::path::PathBuf;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use serde_json::json;
use sopu_core::documents::Kind;
use sopu_core::save::{self, SaveContext};
use sopu_core::store::list::{Query, list};
use sopu_core::store::{DocWrite, NewChange, Store, document};
use sopu_core::time::SystemEnv;
use tower::ServiceExt;

use super::*;
use crate::access::people::{self, NewMember, Party, Window};
use crate::access::{Role, log};
use crate::store::schema;

const HOSTILE: &str = "<script>alert(1)</script> \"><img src=x onerror=alert(2)>";

/// Writes into `record.db` as the merge worker would.
struct Direct {
    record: PathBuf,
}

impl Writer for Direct {
    fn choose(&self, _: Kind, choice: &Choice) -> Result<(), WriteError> {
        let mut store = Store::open(&self.record).unwrap();
        let loaded = store.document(choice.doc).unwrap();
        let mut am = loaded.am.clone();
        let ctx = context([9; 16], choice.member);
        let saved = save::choose(
            &mut am,
            loaded.kind,
            &choice.version,
            &choice.path,
            &choice.change,
            &ctx,
        )
        .map_err(|_| WriteError::Gone)?;
        keep(
            &mut store,
            choice.doc,
            choice.space,
            loaded.kind,
            &am,
            &saved.changes,
        );
        Ok(())
    }

    fn share(&self, member: MemberId, at: Place, shared: bool) -> Result<(), WriteError> {
        let mut store = Store::open(&self.record).unwrap();
        let loaded = store.document(at.doc).unwrap();
        let mut am = loaded.am.clone();
        let version = sopu_core::read::version(&am);
        let mut value = sopu_core::read::read(&am, at.kind).value;
        value["shared"] = shared.into();
        let ctx = context([9; 16], member);
        let saved = save::save(&mut am, at.kind, &version, &value, &ctx).unwrap();
        keep(&mut store, at.doc, at.space, at.kind, &am, &saved.changes);
        Ok(())
    }

    fn create(&self, member: MemberId, at: Place, value: &Value) -> Result<(), WriteError> {
        let mut store = Store::open(&self.record).unwrap();
        let (am, saved) = save::create(at.kind, value, &context([9; 16], member)).unwrap();
        keep(&mut store, at.doc, at.space, at.kind, &am, &saved.changes);
        Ok(())
    }

    fn carry_out(&self) {}

    fn review(&self, _: EnvelopeId, _: bool) -> Result<bool, WriteError> {
        Ok(false)
    }

    fn seen(&self, _: SpaceId, _: DocId) {}
}

fn context(actor: [u8; 16], by: MemberId) -> SaveContext<'static> {
    SaveContext {
        actor,
        by,
        at_ms: 1_790_000_000_000,
        env: &SystemEnv,
    }
}

fn keep(
    store: &mut Store,
    doc: DocId,
    space: SpaceId,
    kind: Kind,
    am: &automerge::Automerge,
    changes: &[Hash],
) {
    let new = NewChange::saved(am, changes);
    let write = DocWrite {
        doc,
        space,
        kind,
        am,
        new: &new,
        at_ms: 1_790_000_000_000,
        by: None,
    };
    store
        .write(|tx| document::write_document(tx, &write))
        .unwrap();
    // What is saved rather than received is indexed by its writer's next search.
    let search = Query {
        text: Some("a".to_owned()),
        ..Query::default()
    };
    list(store.conn(), &search).unwrap();
}

pub(super) struct World {
    pub dir: tempfile::TempDir,
    pub app: Router,
    pub space: SpaceId,
    pub member: MemberId,
    /// A note whose outcome is in conflict and whose text is hostile.
    pub note: DocId,
}

pub(super) fn world(role: Role) -> World {
    let dir = tempfile::tempdir().unwrap();
    let mut db = schema::open(&dir.path().join("relay.db")).unwrap();
    let org = people::add_org(&db, &SystemEnv, "Hoiva Oy", None).unwrap();
    let new = NewMember {
        org,
        name: "Aino <Aalto>",
        login: Some("aino"),
        password: Some("satakieli laulaa"),
        admin: false,
    };
    let member = people::add_member(&db, &SystemEnv, &new).unwrap();
    let space = people::add_space(&db, &SystemEnv, org, "Koivula").unwrap();
    let always = Window {
        from_ms: 0,
        until_ms: None,
    };
    people::grant(&mut db, space, Party::Member(member), role, always, 1).unwrap();

    let record = dir.path().join("record.db");
    let mut store = Store::open(&record).unwrap();
    let note = DocId::mint(&SystemEnv);
    let kind = Kind::VisitNote;
    let first =
        json!({"summary": HOSTILE, "status": "done", "outcome": "as_planned", "km": "12.5"});
    let (mut am, saved) = save::create(kind, &first, &context([1; 16], member)).unwrap();
    keep(&mut store, note, space, kind, &am, &saved.changes);
    // Two people set the outcome at the same version: neither has seen the other.
    for (actor, outcome) in [([2; 16], "partial"), ([3; 16], "client_absent")] {
        let mut value = first.clone();
        value["outcome"] = Value::from(outcome);
        let later = save::save(
            &mut am,
            kind,
            &saved.version,
            &value,
            &context(actor, member),
        )
        .unwrap();
        keep(&mut store, note, space, kind, &am, &later.changes);
    }
    let writer = Arc::new(Direct { record });
    World {
        note,
        ..over(dir, writer, space, member)
    }
}

/// A world over what is in a folder, written by somebody else. It has no note of its own.
pub(super) fn over(
    dir: tempfile::TempDir,
    writer: Arc<dyn Writer>,
    space: SpaceId,
    member: MemberId,
) -> World {
    reached(dir, writer, space, member, false)
}

/// The same, reached over TLS or not.
fn reached(
    dir: tempfile::TempDir,
    writer: Arc<dyn Writer>,
    space: SpaceId,
    member: MemberId,
    secure: bool,
) -> World {
    let office = Office::new(
        dir.path().to_owned(),
        Arc::new(SystemEnv),
        secure,
        writer,
        [7; 32],
    );
    let office = office.reached_at(Some("https://sopu.example.fi".to_owned()));
    World {
        app: router::<()>(Arc::new(office)).with_state(()),
        dir,
        space,
        member,
        note: DocId(uuid::Uuid::nil()),
    }
}

/// A document of the space, as the merge worker would write it.
pub(super) fn write_new(w: &World, kind: Kind, value: &Value) -> DocId {
    let mut store = Store::open(&w.dir.path().join("record.db")).unwrap();
    let doc = DocId::mint(&SystemEnv);
    let (am, saved) = save::create(kind, value, &context([4; 16], w.member)).unwrap();
    keep(&mut store, doc, w.space, kind, &am, &saved.changes);
    doc
}

pub(super) struct Answer {
    pub status: StatusCode,
    pub location: String,
    pub cookies: Vec<String>,
    policy: String,
    pub body: String,
}

impl Answer {
    /// The document whose page it leads to.
    pub(super) fn leads_to(&self) -> DocId {
        self.location.rsplit('/').next().unwrap().parse().unwrap()
    }
}

impl World {
    async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.app.clone().oneshot(request).await.unwrap();
        let text = |name: &str| {
            response
                .headers()
                .get(name)
                .map(|v| v.to_str().unwrap().to_owned())
                .unwrap_or_default()
        };
        let (status, location) = (response.status(), text("location"));
        let policy = text("content-security-policy");
        let cookies = response.headers().get_all("set-cookie").iter();
        let cookies = cookies.map(|c| c.to_str().unwrap().to_owned()).collect();
        let body = axum::body::to_bytes(response.into_body(), 4 << 20)
            .await
            .unwrap();
        let body = String::from_utf8(body.to_vec()).unwrap();
        Answer {
            status,
            location,
            cookies,
            policy,
            body,
        }
    }

    pub async fn get(&self, path: &str, cookie: &str) -> Answer {
        self.send(
            Request::get(path)
                .header("cookie", cookie)
                .body(Body::empty())
                .unwrap(),
        )
        .await
    }

    pub async fn post(&self, path: &str, cookie: &str, form: &[(&str, &str)]) -> Answer {
        let pairs: Vec<String> = form
            .iter()
            .map(|(k, v)| format!("{k}={}", frame::quoted(v)))
            .collect();
        let request = Request::post(path)
            .header("cookie", cookie)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Body::from(pairs.join("&")));
        self.send(request.unwrap()).await
    }

    /// Signs in; gives the cookie.
    pub async fn enter(&self) -> String {
        self.enter_as("aino", "satakieli laulaa").await
    }

    /// Signs somebody in; gives the cookie.
    pub async fn enter_as(&self, login: &str, password: &str) -> String {
        let answer = self.sign_in_as(login, password).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
        let cookie = answer
            .cookies
            .iter()
            .find(|c| c.starts_with("sopu_session="))
            .unwrap();
        assert!(
            cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"),
            "{cookie}"
        );
        cookie.split(';').next().unwrap().to_owned()
    }

    pub async fn sign_in(&self, password: &str) -> Answer {
        self.sign_in_as("aino", password).await
    }

    async fn sign_in_as(&self, login: &str, password: &str) -> Answer {
        let form = self.get("/office/sign-in", "").await;
        let guest = form.cookies[0].split(';').next().unwrap().to_owned();
        let token = field(&form.body, "form_token");
        let entry = [
            ("form_token", token.as_str()),
            ("name", login),
            ("password", password),
        ];
        self.post("/office/sign-in", &guest, &entry).await
    }

    pub fn document(&self, rest: &str) -> String {
        format!(
            "/office/spaces/{}/documents/{}{rest}",
            self.space, self.note
        )
    }
}

/// The value of the first hidden field of this name.
pub(super) fn field(body: &str, name: &str) -> String {
    let start = body
        .split(&format!("name=\"{name}\" value=\""))
        .nth(1)
        .unwrap();
    start.split('"').next().unwrap().to_owned()
}

#[tokio::test]
async fn nobody_sees_a_page_without_signing_in_and_comes_back_to_it_after() {
    let w = world(Role::Office);
    let answer = w.get(&w.document("?x=1"), "").await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert!(
        answer
            .location
            .starts_with("/office/sign-in?next=/office/spaces/"),
        "{}",
        answer.location
    );
    assert!(answer.location.ends_with("%3Fx%3D1"));
}

#[tokio::test]
async fn a_wrong_password_is_told_without_saying_which_part_was_wrong() {
    let w = world(Role::Office);
    let answer = w.sign_in("wrong").await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer.body.contains("Käyttäjätunnus tai salasana"));
    for _ in 0..4 {
        w.sign_in("wrong").await;
    }
    assert_eq!(
        w.sign_in("satakieli laulaa").await.status,
        StatusCode::TOO_MANY_REQUESTS
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn passwords_tried_all_at_once_do_not_get_past_the_waiting() {
    let w = world(Role::Office);
    let tries = futures_util::future::join_all((0..20).map(|_| w.sign_in("wrong"))).await;
    let mut checked = 0;
    for answer in tries {
        if answer.status == StatusCode::UNPROCESSABLE_ENTITY {
            checked += 1;
        } else {
            assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
        }
    }
    // Four slips are free, the fifth begins the waiting of two seconds.
    assert!((5..10).contains(&checked), "{checked} were checked");
}

#[tokio::test]
async fn a_mistyped_address_is_told_on_a_page() {
    let w = world(Role::Office);
    for path in ["/office/nothing", "/office/spaces", "/office/a/b/c"] {
        let answer = w.get(path, "").await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert!(answer.body.contains("<html"), "{path}");
        assert!(!answer.policy.is_empty(), "{path}");
    }
    assert_eq!(w.get("/office/", "").await.location, "/office");
}

#[tokio::test]
async fn a_form_that_is_not_ours_changes_nothing() {
    let w = world(Role::Office);
    let cookie = w.enter().await;
    let forged = [
        ("form_token", "forged"),
        ("path", "outcome"),
        ("version", ""),
        ("change", ""),
    ];
    let answer = w.post(&w.document("/choose"), &cookie, &forged).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    let answer = w
        .post("/office/sign-out", &cookie, &[("form_token", "x")])
        .await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert_eq!(w.get("/office", &cookie).await.status, StatusCode::OK);
    let answer = w
        .post(
            "/office/sign-in",
            "",
            &[("name", "aino"), ("password", "satakieli laulaa")],
        )
        .await;
    assert_eq!(
        answer.status,
        StatusCode::FORBIDDEN,
        "signing in needs our own form too"
    );
}

#[tokio::test]
async fn hostile_text_stays_text_on_every_page() {
    let w = world(Role::Office);
    let cookie = w.enter().await;
    let space = format!("/office/spaces/{}", w.space);
    let pages = [
        "/office".to_owned(),
        format!("{space}?q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E"),
        space.clone(),
        format!("{space}/conflicts"),
        format!("{space}/findings"),
        w.document(""),
        w.document("/conflicts"),
        w.document("/history"),
    ];
    for page in pages {
        let answer = w.get(&page, &cookie).await;
        assert_eq!(answer.status, StatusCode::OK, "{page}: {}", answer.body);
        assert!(
            !answer.body.contains("<script>") && !answer.body.contains("<img"),
            "{page}"
        );
        assert!(!answer.body.contains("<Aalto>"), "{page}");
        assert!(
            !answer.body.contains(" style=") && !answer.body.contains(" onclick"),
            "{page}"
        );
        assert!(answer.policy.contains("default-src 'none'") && !answer.policy.contains("unsafe"));
    }
    let shown = w.get(&w.document(""), &cookie).await.body;
    assert!(shown.contains("alert(1)"), "the text itself is not lost");
}

#[tokio::test]
async fn choosing_a_value_ends_the_conflict_and_a_second_choice_is_told_so() {
    let w = world(Role::Office);
    let cookie = w.enter().await;
    let page = w.get(&w.document("/conflicts"), &cookie).await.body;
    assert_eq!(
        page.matches("name=\"change\"").count(),
        2,
        "both values are offered"
    );
    let form = ["form_token", "path", "version", "change"].map(|name| (name, field(&page, name)));
    let form = form.each_ref().map(|(k, v)| (*k, v.as_str()));
    let answer = w.post(&w.document("/choose"), &cookie, &form).await;
    assert!(
        answer.location.ends_with("after=chosen"),
        "{} {}",
        answer.status,
        answer.location
    );
    let after = w.get(&answer.location, &cookie).await.body;
    assert_eq!(after.matches("name=\"change\"").count(), 0);
    let history = w.get(&w.document("/history"), &cookie).await.body;
    assert_eq!(history.matches("class=\"save-who\"").count(), 4);
}

#[tokio::test]
async fn a_reader_sees_conflicts_but_cannot_choose() {
    let w = world(Role::Reader);
    let cookie = w.enter().await;
    let page = w.get(&w.document("/conflicts"), &cookie).await.body;
    assert!(page.contains("conflict-card") && !page.contains("name=\"change\""));
    let token = field(&page, "form_token");
    let change = "00".repeat(32);
    let form = [
        ("form_token", token.as_str()),
        ("path", "outcome"),
        ("version", ""),
        ("change", &change),
    ];
    assert_eq!(
        w.post(&w.document("/choose"), &cookie, &form).await.status,
        StatusCode::FORBIDDEN
    );
}

#[tokio::test]
async fn a_space_of_others_looks_like_none_at_all() {
    let w = world(Role::Office);
    let cookie = w.enter().await;
    let db = schema::open(&w.dir.path().join("relay.db")).unwrap();
    people::revoke(&db, w.space, Party::Member(w.member), 2).unwrap();
    let mine_no_more = w.get(&format!("/office/spaces/{}", w.space), &cookie).await;
    let nothing = w
        .get(
            &format!("/office/spaces/{}", SpaceId::mint(&SystemEnv)),
            &cookie,
        )
        .await;
    assert_eq!(
        (mine_no_more.status, nothing.status),
        (StatusCode::NOT_FOUND, StatusCode::NOT_FOUND)
    );
    assert_eq!(
        w.get(&w.document(""), &cookie).await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        w.get("/office/spaces/nonsense", &cookie).await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn every_read_of_a_document_is_a_row_in_the_access_log() {
    let w = world(Role::Reader);
    let cookie = w.enter().await;
    w.get(&w.document(""), &cookie).await;
    w.get(&w.document("/history"), &cookie).await;
    let db = schema::open(&w.dir.path().join("relay.db")).unwrap();
    let rows = log::of_document(&db, w.note, 10).unwrap();
    let actions: Vec<&str> = rows.iter().map(|row| row.action.as_str()).collect();
    assert_eq!(actions, ["history", "read"]);
    assert!(rows.iter().all(|row| row.member == Some(w.member)));
}

#[tokio::test]
async fn comings_goings_and_refusals_are_rows_in_the_access_log() {
    let w = world(Role::Reader);
    w.sign_in("wrong").await;
    w.sign_in_as("nobody", "wrong").await;
    let cookie = w.enter().await;
    let db = schema::open(&w.dir.path().join("relay.db")).unwrap();
    let org = people::org_of(&db, w.member).unwrap();
    let other = people::add_space(&db, &SystemEnv, org, "Muu").unwrap();
    // What is not there takes no room from what is.
    for n in 100..620 {
        let nothing = format!("/office/spaces/{}", uuid::Uuid::from_u128(n));
        assert_eq!(w.get(&nothing, &cookie).await.status, StatusCode::NOT_FOUND);
    }
    for _ in 0..3 {
        w.get(&format!("/office/spaces/{other}"), &cookie).await;
        w.get(&format!("/office/spaces/{}/people", w.space), &cookie)
            .await;
        w.get(
            &format!("/office/spaces/{}", uuid::Uuid::from_u128(1)),
            &cookie,
        )
        .await;
    }
    let token = field(&w.get("/office", &cookie).await.body, "form_token");
    w.post("/office/sign-out", &cookie, &[("form_token", &token)])
        .await;
    let rows = log::all(&db, 100).unwrap();
    let said: Vec<_> = rows
        .iter()
        .rev()
        .map(|row| {
            (
                row.action.as_str(),
                row.member,
                row.space,
                row.reason.as_deref(),
            )
        })
        .collect();
    let me = Some(w.member);
    let wanted = [
        ("sign_in_refused", me, None, Some("password")),
        ("sign_in_refused", None, None, Some("password")),
        ("sign_in", me, None, Some("password")),
        ("refused", me, Some(other), None),
        ("refused", me, Some(w.space), None),
        ("sign_out", me, None, None),
    ];
    assert_eq!(said, wanted);
}

#[tokio::test]
async fn a_list_is_filtered_and_a_wrong_filter_is_left_out() {
    let w = world(Role::Office);
    let cookie = w.enter().await;
    let count = async |query: &str| {
        let answer = w
            .get(&format!("/office/spaces/{}?{query}", w.space), &cookie)
            .await;
        assert_eq!(answer.status, StatusCode::OK, "{query}");
        answer.body.matches("scope=\"row\"").count()
    };
    assert_eq!(count("").await, 1);
    assert_eq!(count("kind=visit_note&status=done&conflicts=1").await, 1);
    assert_eq!(count("kind=contract").await, 0);
    assert_eq!(count("status=planned").await, 0);
    assert_eq!(count("q=alert").await, 1);
    assert_eq!(count("q=absentword").await, 0);
    assert_eq!(count("kind=nonsense&page=x&sort=%22").await, 1);
}

#[tokio::test]
async fn the_language_follows_the_browser_until_somebody_chooses() {
    let w = world(Role::Office);
    let ask = Request::get("/office/sign-in").header("accept-language", "sv-FI,en;q=0.5");
    assert!(
        w.send(ask.body(Body::empty()).unwrap())
            .await
            .body
            .contains("<html lang=\"sv\">")
    );
    let chosen = w
        .get("/office/language?to=en&back=/office/sign-in", "")
        .await;
    assert_eq!(chosen.location, "/office/sign-in");
    let cookie = chosen.cookies[0].split(';').next().unwrap();
    assert!(
        w.get("/office/sign-in", cookie)
            .await
            .body
            .contains("Password")
    );
    let elsewhere = w
        .get("/office/language?to=en&back=https://evil.example", "")
        .await;
    assert_eq!(elsewhere.location, "/office");
}

#[tokio::test]
async fn over_tls_cookies_go_over_tls_only_and_a_planted_one_of_another_name_counts_for_nothing() {
    let w = world(Role::Owner);
    let writer = Arc::new(Direct {
        record: w.dir.path().join("record.db"),
    });
    let (space, member) = (w.space, w.member);
    let w = reached(w.dir, writer, space, member, true);
    let page = w.get("/office/sign-in", "").await;
    assert!(page.cookies[0].starts_with("__Host-sopu_guest="));
    let answer = w.sign_in("satakieli laulaa").await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    let session = answer.cookies.iter().find(|c| c.contains("sopu_session="));
    let session = session.unwrap();
    assert!(session.starts_with("__Host-"), "{session}");
    for asked in ["; Secure", "; HttpOnly", "; SameSite=Lax", "; Path=/"] {
        assert!(session.contains(asked), "{session}");
    }
    let session = session.split(';').next().unwrap();
    assert_eq!(w.get("/office", session).await.status, StatusCode::OK);
    let planted = session.strip_prefix("__Host-").unwrap();
    assert_eq!(
        w.get("/office", planted).await.status,
        StatusCode::SEE_OTHER
    );
}
