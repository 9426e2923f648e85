//! What is due is proposed, and decided by somebody.
#![expect(clippy::unwrap_used, reason = "a test that fails should say where")]

use serde_json::{Value, json};
use sopu_core::documents::Kind;
use sopu_core::time::SystemEnv;

use super::tests::{Answer, World, field, over, world, write_new};
use super::*;
use crate::access::erasures::{self, Standing};
use crate::access::people::{self, NewMember, Party, Window};
use crate::access::{Role, log, notices};
use crate::relay::Relay;
use crate::store::schema;

pub(super) const CLIENT: &str = "019ab000-0000-7000-8000-000000000001";

pub(super) fn care(summary: &str) -> Value {
    json!({"subject_id": CLIENT, "profile": "care", "summary": summary, "status": "done",
        "actual_start": {"at": 1_400_000_000_000_i64}})
}

fn path(w: &World, rest: &str) -> String {
    format!("/office/spaces/{}/retention{rest}", w.space)
}

pub(super) async fn send(w: &World, cookie: &str, path: &str, form: &[(&str, &str)]) -> Answer {
    let page = w.get("/office", cookie).await.body;
    let token = field(&page, "form_token");
    let mut all = vec![("form_token", &*token)];
    all.extend(form);
    w.post(path, cookie, &all).await
}

fn wished(w: &World, doc: DocId) -> Standing {
    let db = schema::open(&w.dir.path().join("relay.db")).unwrap();
    erasures::standing(&db, doc).unwrap()
}

pub(super) fn reasons(w: &World, doc: DocId, action: &str) -> Vec<String> {
    let db = schema::open(&w.dir.path().join("relay.db")).unwrap();
    let rows = log::of_document(&db, doc, 99).unwrap().into_iter();
    rows.filter(|row| row.action == action)
        .filter_map(|row| row.reason)
        .collect()
}

/// A document of the table that the relay has, as this world has no relay.
fn known(w: &World, doc: DocId) {
    let db = schema::open(&w.dir.path().join("relay.db")).unwrap();
    let sql = "INSERT INTO document(doc, space, kind, last_seq) VALUES (?, ?, 2, 1)";
    let (doc, space) = (doc.as_bytes().as_slice(), w.space.as_bytes().as_slice());
    db.execute(sql, (doc, space)).unwrap();
}

#[tokio::test]
async fn nothing_is_due_until_the_closing_is_known_and_then_somebody_decides() {
    let w = world(Role::Owner);
    let [gone, kept] = ["Vanha käynti", "Toinen käynti"].map(|text| {
        let doc = write_new(&w, Kind::VisitNote, &care(text));
        known(&w, doc);
        doc
    });
    let mut held = care("Riidan alainen");
    held["legal_hold"] = true.into();
    let held = write_new(&w, Kind::VisitNote, &held);
    // Somebody has been there since: that client's matter was not closed then.
    let mut since = care("Myöhempi käynti");
    since["actual_start"]["at"] = 1_402_000_000_000_i64.into();
    write_new(&w, Kind::VisitNote, &since);
    let cookie = w.enter().await;
    let page = w.get(&path(&w, ""), &cookie).await.body;
    assert!(!page.contains("name=\"doc\""), "{page}");
    for (name, value, status) in [
        ("reason", " ", StatusCode::UNPROCESSABLE_ENTITY),
        ("closed_on", "2099-01-01", StatusCode::UNPROCESSABLE_ENTITY),
        ("closed_on", "eilen", StatusCode::UNPROCESSABLE_ENTITY),
        ("class", "nonsense", StatusCode::NOT_FOUND),
        ("subject", "somebody", StatusCode::NOT_FOUND),
        ("reason", "sopimus päättyi", StatusCode::OK),
    ] {
        let mut form = vec![(name, value)];
        form.extend([
            ("subject", CLIENT),
            ("closed_on", "2014-06-01"),
            ("reason", "asked"),
        ]);
        let answer = send(&w, &cookie, &path(&w, "/close"), &form).await;
        assert_eq!(answer.status, status, "{name}={value}: {}", answer.body);
    }
    let page = w.get(&path(&w, ""), &cookie).await.body;
    assert!(!page.contains("name=\"doc\""), "the matter went on: {page}");
    assert!(page.contains("Tarkista päivä"), "{page}");
    let form = [
        ("subject", CLIENT),
        ("closed_on", "2014-06-10"),
        ("reason", "asked"),
    ];
    send(&w, &cookie, &path(&w, "/close"), &form).await;
    let page = w.get(&path(&w, ""), &cookie).await.body;
    assert!(page.contains("11.6.2024"), "due since: {page}");
    assert!(
        page.contains("703/2023") && page.contains("10 vuotta"),
        "{page}"
    );
    let boxes = page.matches("name=\"doc\"").count();
    assert_eq!(boxes, 3, "what must be kept is shown and cannot be chosen");
    assert!(page.contains(&format!("/documents/{held}")));
    let all = [gone, kept, held].map(|doc| doc.to_string());
    let [gone_id, kept_id, held_id] = [&*all[0], &*all[1], &*all[2]];
    let decide = path(&w, "/decide");

    let note = w.note.to_string();
    for (form, status) in [
        (
            vec![("decision", "erase"), ("reason", "x")],
            StatusCode::UNPROCESSABLE_ENTITY,
        ),
        (
            vec![("doc", gone_id), ("decision", "erase")],
            StatusCode::UNPROCESSABLE_ENTITY,
        ),
        (
            vec![("doc", gone_id), ("decision", "keep"), ("reason", "x")],
            StatusCode::UNPROCESSABLE_ENTITY,
        ),
        (
            vec![("doc", held_id), ("decision", "erase"), ("reason", "x")],
            StatusCode::NOT_FOUND,
        ),
        (
            vec![("doc", &*note), ("decision", "erase"), ("reason", "x")],
            StatusCode::NOT_FOUND,
        ),
        (
            vec![
                ("doc", gone_id),
                ("doc", &*note),
                ("decision", "erase"),
                ("reason", "x"),
            ],
            StatusCode::NOT_FOUND,
        ),
    ] {
        assert_eq!(
            send(&w, &cookie, &decide, &form).await.status,
            status,
            "{form:?}"
        );
        assert_eq!(wished(&w, gone), Standing::None);
    }
    let keep = [
        ("doc", kept_id),
        ("decision", "keep"),
        ("until", "2099-01-01"),
        ("reason", "valitus kesken"),
    ];
    let answer = send(&w, &cookie, &decide, &keep).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(answer.body.contains("1.1.2099") && answer.body.contains("valitus kesken"));
    assert_eq!(
        answer.body.matches("name=\"doc\"").count(),
        2,
        "kept on, it is no more proposed"
    );
    let erase = [
        ("doc", gone_id),
        ("decision", "erase"),
        ("reason", "aika päättynyt"),
    ];
    assert_eq!(
        send(&w, &cookie, &decide, &erase).await.status,
        StatusCode::OK
    );
    assert_eq!(wished(&w, gone), Standing::Waiting);
    assert_eq!(wished(&w, kept), Standing::None);
    assert_eq!(reasons(&w, gone, "erase"), ["retention: aika päättynyt"]);
    assert_eq!(
        reasons(&w, kept, "keep"),
        ["until 2099-01-01: valitus kesken"]
    );
}

/// A world over a real relay, with the owner Aino and one visit note.
pub(super) fn over_a_relay() -> (World, Arc<Relay>, DocId) {
    let dir = tempfile::tempdir().unwrap();
    let relay = Arc::new(Relay::open(dir.path(), Arc::new(SystemEnv)).unwrap());
    let mut db = schema::open(&dir.path().join("relay.db")).unwrap();
    let org = people::add_org(&db, &SystemEnv, "Hoiva Oy", None).unwrap();
    let space = people::add_space(&db, &SystemEnv, org, "Koivula").unwrap();
    let new = NewMember {
        org,
        name: "Aino",
        login: Some("aino"),
        password: Some("satakieli laulaa"),
        admin: false,
    };
    let member = people::add_member(&db, &SystemEnv, &new).unwrap();
    let always = Window {
        from_ms: 0,
        until_ms: None,
    };
    people::grant(
        &mut db,
        space,
        Party::Member(member),
        Role::Owner,
        always,
        1,
    )
    .unwrap();
    let doc = DocId::mint(&SystemEnv);
    let place = Place {
        space,
        doc,
        kind: Kind::VisitNote,
    };
    relay.create(member, place, &care("Käynti")).unwrap();
    let w = over(dir, Arc::clone(&relay) as Arc<dyn Writer>, space, member);
    (w, relay, doc)
}

#[tokio::test]
async fn a_class_given_to_one_document_is_a_notice_of_the_relay_and_is_what_counts() {
    let (w, relay, doc) = over_a_relay();
    let space = w.space;
    let cookie = w.enter().await;
    let document = format!("/office/spaces/{space}/documents/{doc}");
    let page = w.get(&document, &cookie).await.body;
    assert!(page.contains("Vielä ei tiedetä"), "{page}");
    let class = format!("{document}/class");
    for (form, status) in [
        (
            vec![("class", "nonsense"), ("reason", "x")],
            StatusCode::NOT_FOUND,
        ),
        (vec![("class", "voucher")], StatusCode::UNPROCESSABLE_ENTITY),
        (
            vec![("class", "voucher"), ("reason", "vain tosite")],
            StatusCode::OK,
        ),
    ] {
        assert_eq!(
            send(&w, &cookie, &class, &form).await.status,
            status,
            "{form:?}"
        );
    }
    let page = w.get(&document, &cookie).await.body;
    assert!(
        page.contains("14.5.2017"),
        "three years from the visit: {page}"
    );
    let due = w.get(&path(&w, ""), &cookie).await.body;
    assert_eq!(due.matches("name=\"doc\"").count(), 1);
    assert_eq!(
        reasons(&w, doc, "retention"),
        ["class voucher: vain tosite"]
    );
    let id = doc.to_string();
    let erase = [
        ("doc", &*id),
        ("decision", "erase"),
        ("reason", "aika päättynyt"),
    ];
    let decide = path(&w, "/decide");
    assert_eq!(
        send(&w, &cookie, &decide, &erase).await.status,
        StatusCode::OK
    );
    relay.carry_out_wishes().unwrap();
    assert_eq!(
        w.get(&document, &cookie).await.status,
        StatusCode::NOT_FOUND
    );
    // What is erased gets no class.
    let db = schema::open(&w.dir.path().join("relay.db")).unwrap();
    let class = sopu_core::wire::NoticeKind::Retention("voucher".to_owned());
    notices::wish(&db, doc, &class).unwrap();
    relay.carry_out_wishes().unwrap();
    assert!(!notices::waits(&db, doc).unwrap());
}
