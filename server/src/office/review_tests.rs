//! Held work, reviewed in the office over a real relay.
#![expect(clippy::unwrap_used, reason = "a test that fails should say where")]

use rusqlite::Connection;
use serde_json::json;
use sopu_core::device::Device;
use sopu_core::id::SpaceId;
use sopu_core::time::SystemEnv;
use sopu_core::transport::{Post, Reply, Transport, TransportError};
use sopu_core::wire::{ENROL_PATH, body};

use super::tests::{Answer, World, field, over};
use super::*;
use crate::access::people::{self, NewMember, Party, Window};
use crate::access::{Role, invites, log};
use crate::relay::Relay;

/// A relay without a socket.
pub(super) struct Wire<'r>(pub &'r Relay);

impl Transport for Wire<'_> {
    fn post(&self, post: Post) -> Result<Reply, TransportError> {
        let bytes = if post.path == ENROL_PATH {
            let request = sopu_core::envelope::decode(&post.body).unwrap();
            sopu_core::envelope::encode(&self.0.enrol(&request).unwrap())
        } else {
            let request = body::read(&post.body, post.encoding.is_some(), 1 << 24).unwrap();
            let answer = self.0.sync(&post.token.unwrap(), &request).unwrap();
            self.0.merge_all().unwrap();
            sopu_core::envelope::encode(&answer)
        };
        Ok(Reply {
            status: 200,
            encoding: String::new(),
            body: bytes,
        })
    }
}

struct Town {
    relay: Arc<Relay>,
    w: World,
    device: Device,
    space: SpaceId,
    member: MemberId,
}

/// An owner at the office, and a phone whose person is in the field.
fn town() -> Town {
    let dir = tempfile::tempdir().unwrap();
    let relay = Arc::new(Relay::open(dir.path(), Arc::new(SystemEnv)).unwrap());
    let mut db = Connection::open(dir.path().join("relay.db")).unwrap();
    let org = people::add_org(&db, &SystemEnv, "Hoiva Oy", None).unwrap();
    let space = people::add_space(&db, &SystemEnv, org, "Koivula").unwrap();
    let add = |db: &mut Connection, name, login, role| {
        let new = NewMember {
            org,
            name,
            login,
            password: login.map(|_| "satakieli laulaa"),
            admin: true,
        };
        let member = people::add_member(db, &SystemEnv, &new).unwrap();
        let always = Window {
            from_ms: 0,
            until_ms: None,
        };
        people::grant(db, space, Party::Member(member), role, always, 1).unwrap();
        member
    };
    let owner = add(&mut db, "Aino", Some("aino"), Role::Owner);
    let member = add(&mut db, "Onni Oja", None, Role::Field);
    let code = invites::create(&db, &SystemEnv, member, None, invites::LIFE_MS).unwrap();
    let phone = dir.path().join("phone");
    std::fs::create_dir(&phone).unwrap();
    let store = phone.join("store.db");
    let mut device = Device::open(&store, &phone, [7; 32], Arc::new(SystemEnv)).unwrap();
    device.set_app("Kenttä 1.2 (Android)");
    device.enrol(&Wire(&relay), &code, "Onnin puhelin").unwrap();
    device.sync(&Wire(&relay)).unwrap();
    let w = over(dir, Arc::clone(&relay) as Arc<dyn Writer>, space, owner);
    Town {
        relay,
        w,
        device,
        space,
        member,
    }
}

impl Town {
    /// Two notes of a person who is taken out before they are sent.
    fn held(&mut self) -> [DocId; 2] {
        let mut note = |summary| {
            let value = json!({"summary": summary, "status": "done"});
            let created = self.device.create(self.space, Kind::VisitNote, &value);
            created.unwrap().0
        };
        let notes = [note("Todella tehty <b>käynti</b>"), note("Väärä kirjaus")];
        let db = Connection::open(self.w.dir.path().join("relay.db")).unwrap();
        let now_ms = SystemEnv.now_ms();
        people::revoke(&db, self.space, Party::Member(self.member), now_ms).unwrap();
        self.device.sync(&Wire(&self.relay)).unwrap();
        notes
    }

    /// The phone as it was, opened from a copy of its files.
    fn copy(&self) -> Device {
        let folder = self.w.dir.path();
        let (phone, copy) = (folder.join("phone"), folder.join("copy"));
        std::fs::create_dir(&copy).unwrap();
        for file in std::fs::read_dir(&phone).unwrap() {
            let file = file.unwrap();
            std::fs::copy(file.path(), copy.join(file.file_name())).unwrap();
        }
        Device::open(&copy.join("store.db"), &copy, [7; 32], Arc::new(SystemEnv)).unwrap()
    }

    fn path(&self, rest: &str) -> String {
        format!("/office/spaces/{}/review{rest}", self.space)
    }

    async fn send(&self, cookie: &str, rest: &str, id: &str, reason: &str) -> Answer {
        let page = self.w.get("/office", cookie).await.body;
        let token = field(&page, "form_token");
        let form = [
            ("form_token", &*token),
            ("envelope", id),
            ("reason", reason),
        ];
        self.w.post(&self.path(rest), cookie, &form).await
    }
}

#[tokio::test]
async fn held_work_is_shown_let_in_or_dropped_with_a_reason() {
    let mut t = town();
    let [real, wrong] = t.held();
    let cookie = t.w.enter().await;
    let list =
        t.w.get(&format!("/office/spaces/{}", t.space), &cookie)
            .await
            .body;
    assert!(list.contains(&t.path("")), "the page is found");
    let page = t.w.get(&t.path(""), &cookie).await.body;
    assert!(
        page.contains("Onni Oja") && page.contains("Onnin puhelin"),
        "{page}"
    );
    assert!(page.contains("Väärä kirjaus") && page.contains("Todella tehty"));
    assert!(!page.contains("<b>"), "it is text");
    // The oldest first.
    let first = field(&page, "envelope");
    let answer = t.send(&cookie, "/accept", &first, "").await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    t.relay.merge_all().unwrap();
    let record = |t: &Town, doc| t.relay.record().store().document(doc).is_ok();
    assert!(record(&t, real) && !record(&t, wrong));
    let answer = t.send(&cookie, "/accept", &first, "").await;
    assert_eq!(
        answer.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "done already"
    );

    let page = t.w.get(&t.path(""), &cookie).await.body;
    assert!(!page.contains("Todella tehty"));
    let second = field(&page, "envelope");
    let answer = t.send(&cookie, "/drop", &second, " ").await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "no reason");
    let answer = t.send(&cookie, "/drop", &second, "kirjattu kahdesti").await;
    assert_eq!(answer.status, StatusCode::OK);
    t.relay.merge_all().unwrap();
    assert!(!record(&t, wrong));
    let page = t.w.get(&t.path(""), &cookie).await.body;
    assert!(!page.contains("name=\"envelope\""), "nothing waits");
    // What was dropped can still be read, with why it is not in the record.
    let page = t.w.get(&t.path("/left-out"), &cookie).await.body;
    assert!(
        page.contains("Väärä kirjaus") && page.contains("Onni Oja"),
        "{page}"
    );
    assert!(page.contains("Hylätty tarkistuksessa"), "{page}");
    assert!(!page.contains("Todella tehty"), "that is in the record");
    let db = Connection::open(t.w.dir.path().join("relay.db")).unwrap();
    let of = |doc| log::of_document(&db, doc, 99).unwrap();
    assert!(of(real).iter().any(|row| row.action == "accept"));
    let dropped = of(wrong)
        .into_iter()
        .find(|row| row.action == "drop")
        .unwrap();
    assert_eq!(dropped.reason.as_deref(), Some("kirjattu kahdesti"));
    // Until it is erased.
    t.relay.erase(wrong, "request").unwrap();
    let page = t.w.get(&t.path("/left-out"), &cookie).await.body;
    assert!(page.contains("Mitään ei ole jäänyt"), "{page}");
}

#[tokio::test]
async fn what_was_dropped_stays_a_draft_with_its_writer_and_is_not_sent_again() {
    let mut t = town();
    let db = Connection::open(t.w.dir.path().join("relay.db")).unwrap();
    let value = json!({"summary": "Lukijan kirjaus", "status": "done"});
    let mut db = db;
    let always = Window {
        from_ms: 0,
        until_ms: None,
    };
    let party = Party::Member(t.member);
    let now_ms = SystemEnv.now_ms();
    people::grant(&mut db, t.space, party, Role::Reader, always, now_ms).unwrap();
    let (doc, _) = t.device.create(t.space, Kind::VisitNote, &value).unwrap();
    t.device.sync(&Wire(&t.relay)).unwrap();
    t.device.sync(&Wire(&t.relay)).unwrap();
    assert_eq!(t.device.backlog().unwrap().held, 1);
    let cookie = t.w.enter().await;
    // The office sees what the phone has told.
    let devices = t.w.get("/office/devices", &cookie).await.body;
    assert!(devices.contains("Kenttä 1.2 (Android)"), "{devices}");
    assert!(devices.contains("yksi odottaa tarkistusta"), "{devices}");
    let page = t.w.get(&t.path(""), &cookie).await.body;
    let id = field(&page, "envelope");
    let answer = t.send(&cookie, "/drop", &id, "ei hänen tehtävänsä").await;
    assert_eq!(answer.status, StatusCode::OK);
    for _ in 0..3 {
        t.device.sync(&Wire(&t.relay)).unwrap();
    }
    let page = t.w.get(&t.path(""), &cookie).await.body;
    assert!(
        !page.contains("name=\"envelope\""),
        "it does not come back: {page}"
    );
    assert_eq!(t.device.backlog().unwrap().held, 0);
    let drafts = sopu_core::store::draft::drafts(t.device.store().conn()).unwrap();
    assert_eq!(drafts.len(), 1);
    assert_eq!(drafts[0].doc, doc);
    let page = t.w.get("/office/devices", &cookie).await.body;
    assert!(!page.contains("odottaa tarkistusta"));
}

fn write(device: &mut Device, doc: DocId, summary: &str) {
    let opened = device.read(doc).unwrap();
    let mut value = opened.value.clone();
    value["summary"] = summary.into();
    device.save(doc, &opened.version, &value).unwrap();
}

#[tokio::test]
async fn work_that_was_left_out_is_shown_on_what_its_writer_saw() {
    let mut t = town();
    let value = json!({"summary": "Ensin", "status": "started"});
    let (doc, _) = t.device.create(t.space, Kind::VisitNote, &value).unwrap();
    for _ in 0..2 {
        t.device.sync(&Wire(&t.relay)).unwrap();
    }
    write(&mut t.device, doc, "Ensin puhelimella");
    let db = Connection::open(t.w.dir.path().join("relay.db")).unwrap();
    people::revoke(&db, t.space, Party::Member(t.member), SystemEnv.now_ms()).unwrap();
    t.device.sync(&Wire(&t.relay)).unwrap();
    let place = Place {
        space: t.space,
        doc,
        kind: Kind::VisitNote,
    };
    let later = json!({"summary": "Aivan muuta", "status": "started"});
    assert_eq!(t.relay.create(t.w.member, place, &later), Ok(()));
    let cookie = t.w.enter().await;
    let page = t.w.get(&t.path(""), &cookie).await.body;
    let id = field(&page, "envelope");
    t.send(&cookie, "/drop", &id, "kirjattu kahdesti").await;
    let page = t.w.get(&t.path("/left-out"), &cookie).await.body;
    assert!(page.contains("Ensin<ins> puhelimella</ins>"), "{page}");
    assert_eq!(log::of_document(&db, doc, 99).unwrap()[0].action, "review");
}

#[tokio::test]
async fn what_a_device_has_made_again_is_not_left_out() {
    let mut t = town();
    let value = json!({"summary": "Ensin", "status": "started"});
    let (doc, _) = t.device.create(t.space, Kind::VisitNote, &value).unwrap();
    for _ in 0..2 {
        t.device.sync(&Wire(&t.relay)).unwrap();
    }
    // Both write on.
    let mut second = t.copy();
    write(&mut t.device, doc, "Ensin puhelimella");
    write(&mut second, doc, "Ensin kopiolla");
    t.device.sync(&Wire(&t.relay)).unwrap();
    for _ in 0..4 {
        second.sync(&Wire(&t.relay)).unwrap();
        t.relay.merge_all().unwrap();
    }
    let db = Connection::open(t.w.dir.path().join("relay.db")).unwrap();
    let count = |what: &str| -> i64 {
        let query = format!("SELECT count(*) FROM {what}");
        db.query_row(&query, [], |row| row.get(0)).unwrap()
    };
    assert_eq!(count("envelope WHERE reason = 'fork'"), 1);
    assert!(count("retired") > 0, "it is in the record by its replay");
    let cookie = t.w.enter().await;
    let page = t.w.get(&t.path("/left-out"), &cookie).await.body;
    assert!(
        !page.contains("kopiolla") && page.contains("Mitään ei ole jäänyt"),
        "{page}"
    );
}

#[tokio::test]
async fn what_is_in_the_record_only_in_part_is_left_out_once_its_device_cannot_make_it_again() {
    let mut t = town();
    let value = json!({"summary": "Ensin", "status": "started"});
    let (doc, _) = t.device.create(t.space, Kind::VisitNote, &value).unwrap();
    for _ in 0..2 {
        t.device.sync(&Wire(&t.relay)).unwrap();
    }
    // Both copies have what was saved last before the copying; only one of them has more, and is lost
    // before it hears that the relay refuses it with what it has already.
    write(&mut t.device, doc, "Ensin puhelimella");
    let mut second = t.copy();
    write(&mut second, doc, "Ensin puhelimella, sitten kopiolla");
    t.device.sync(&Wire(&t.relay)).unwrap();
    second.sync_for(&Wire(&t.relay), 1).unwrap();
    drop(second);
    let db = Connection::open(t.w.dir.path().join("relay.db")).unwrap();
    let reason = "SELECT reason FROM envelope WHERE state = 'final'";
    let reason: String = db.query_row(reason, [], |row| row.get(0)).unwrap();
    assert_eq!(reason, "duplicate");
    let cookie = t.w.enter().await;
    let page = t.w.get(&t.path("/left-out"), &cookie).await.body;
    assert!(page.contains("Mitään ei ole jäänyt"), "it may come: {page}");
    let (device,): (Vec<u8>,) = db
        .query_row(
            "SELECT device FROM envelope WHERE state = 'final'",
            [],
            |row| Ok((row.get(0)?,)),
        )
        .unwrap();
    let device = sopu_core::id::DeviceId(uuid::Uuid::from_slice(&device).unwrap());
    crate::access::devices::revoke(&db, device, SystemEnv.now_ms()).unwrap();
    let page = t.w.get(&t.path("/left-out"), &cookie).await.body;
    assert!(
        page.contains("kopiolla") && page.contains("Osa tästä työstä"),
        "{page}"
    );
}
