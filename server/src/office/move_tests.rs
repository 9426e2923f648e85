//! A note on the wrong client is moved, over a real relay, with phones of both clients' people.
#![expect(clippy::unwrap_used, reason = "a test that fails should say where")]

use std::path::Path;

use rusqlite::Connection;
use serde_json::{Value, json};
use sopu_core::device::Device;
use sopu_core::documents::Kind;
use sopu_core::documents::visit_note::moved::Destination;
use sopu_core::store::purge;
use sopu_core::time::SystemEnv;

use super::review_tests::Wire;
use super::tests::{Answer, World, field, over};
use super::*;
use crate::access::excerpt::{self, Asked};
use crate::access::people::{self, NewMember, Party, Window};
use crate::access::subjects::Documents;
use crate::access::{Role, erasures, invites, lists, log};
use crate::relay::Relay;

pub(super) const RIGHT_CLIENT: &str = "019ab000-0000-7000-8000-00000000000a";
pub(super) const WRONG_CLIENT: &str = "019ab000-0000-7000-8000-00000000000b";

/// The office, somebody who visits both clients, and somebody who visits only the wrong one.
pub(super) struct Town {
    pub(super) relay: Arc<Relay>,
    pub(super) w: World,
    pub(super) both: Device,
    pub(super) one: Device,
    pub(super) wrong: SpaceId,
    pub(super) right: SpaceId,
    pub(super) owner: MemberId,
    pub(super) carer: MemberId,
}

pub(super) fn grant(db: &mut Connection, space: SpaceId, member: MemberId, role: Role) {
    let always = Window {
        from_ms: 0,
        until_ms: None,
    };
    people::grant(db, space, Party::Member(member), role, always, 1).unwrap();
}

/// A phone of somebody, which has everything.
pub(super) fn phone(dir: &Path, relay: &Relay, member: MemberId, n: u8) -> Device {
    let db = Connection::open(dir.join("relay.db")).unwrap();
    let code = invites::create(&db, &SystemEnv, member, None, invites::LIFE_MS).unwrap();
    let folder = dir.join(format!("phone{n}"));
    std::fs::create_dir(&folder).unwrap();
    let store = folder.join("store.db");
    let mut device = Device::open(&store, &folder, [n; 32], Arc::new(SystemEnv)).unwrap();
    device.enrol(&Wire(relay), &code, "puhelin").unwrap();
    device.sync(&Wire(relay)).unwrap();
    device
}

pub(super) fn town() -> Town {
    let dir = tempfile::tempdir().unwrap();
    let relay = Arc::new(Relay::open(dir.path(), Arc::new(SystemEnv)).unwrap());
    let mut db = Connection::open(dir.path().join("relay.db")).unwrap();
    let org = people::add_org(&db, &SystemEnv, "Hoiva Oy", None).unwrap();
    let [wrong, right] =
        ["Koivula", "Mäntylä"].map(|name| people::add_space(&db, &SystemEnv, org, name).unwrap());
    let add = |name, login: Option<&str>| {
        let new = NewMember {
            org,
            name,
            login,
            password: login.map(|_| "satakieli laulaa"),
            admin: false,
        };
        people::add_member(&db, &SystemEnv, &new).unwrap()
    };
    let (owner, carer, other) = (
        add("Aino", Some("aino")),
        add("Onni", None),
        add("Elli", None),
    );
    for space in [wrong, right] {
        grant(&mut db, space, owner, Role::Owner);
        grant(&mut db, space, carer, Role::Field);
    }
    grant(&mut db, wrong, other, Role::Field);
    let phone = |member, n| phone(dir.path(), &relay, member, n);
    let (both, one) = (phone(carer, 1), phone(other, 2));
    let w = over(dir, Arc::clone(&relay) as Arc<dyn Writer>, wrong, owner);
    Town {
        relay,
        w,
        both,
        one,
        wrong,
        right,
        owner,
        carer,
    }
}

impl Town {
    pub(super) fn note(&mut self, space: SpaceId, client: &str, summary: &str) -> DocId {
        let value = json!({
            "subject_id": client, "summary": summary, "status": "finalised", "shared": true,
            "entries": {"019ab000-0000-7000-8000-0000000000e1": {
                "heading": "mood", "text": "Hyvällä tuulella", "author": self.carer.to_string()}},
        });
        let (doc, _) = self.both.create(space, Kind::VisitNote, &value).unwrap();
        self.sync();
        doc
    }

    /// Everybody has had contact, and what was asked for is carried out.
    pub(super) fn sync(&mut self) {
        for _ in 0..2 {
            self.relay.merge_all().unwrap();
            self.relay.carry_out_wishes().unwrap();
            self.both.sync(&Wire(&self.relay)).unwrap();
            self.one.sync(&Wire(&self.relay)).unwrap();
        }
    }

    pub(super) fn path(&self, doc: DocId) -> String {
        format!("/office/spaces/{}/documents/{doc}/move", self.wrong)
    }

    pub(super) async fn send(&self, cookie: &str, doc: DocId, form: &[(&str, &str)]) -> Answer {
        let page = self.w.get("/office", cookie).await.body;
        let token = field(&page, "form_token");
        let mut all = vec![("form_token", &*token)];
        all.extend(form);
        self.w.post(&self.path(doc), cookie, &all).await
    }

    pub(super) fn rows(&self, doc: DocId) -> Vec<(String, Option<String>)> {
        let db = Connection::open(self.w.dir.path().join("relay.db")).unwrap();
        assert_eq!(log::verify(&db).unwrap(), None);
        let rows = log::of_document(&db, doc, 99).unwrap().into_iter();
        rows.filter(|row| row.action.starts_with("move"))
            .map(|row| (row.action, row.reason))
            .collect()
    }
}

#[tokio::test]
async fn a_note_goes_to_the_right_client_and_from_everybody_who_only_sees_the_wrong_one() {
    let mut t = town();
    t.note(t.right, RIGHT_CLIENT, "Aiempi käynti");
    let doc = t.note(t.wrong, WRONG_CLIENT, "Kävelimme ulkona");
    assert!(t.one.read(doc).is_ok());
    let cookie = t.w.enter().await;
    let page =
        t.w.get(
            &format!("/office/spaces/{}/documents/{doc}", t.wrong),
            &cookie,
        )
        .await;
    assert!(page.body.contains(&t.path(doc)), "the page is found");
    let to = t.right.to_string();
    let page = t.w.get(&format!("{}?to={to}", t.path(doc)), &cookie).await;
    assert!(page.body.contains(RIGHT_CLIENT), "{}", page.body);

    let good = [
        ("to", &*to),
        ("subject", RIGHT_CLIENT),
        ("reason", "väärä asiakas"),
    ];
    for (name, value) in [("reason", " "), ("subject", WRONG_CLIENT), ("subject", "")] {
        let mut form = vec![(name, value)];
        form.extend(good);
        let answer = t.send(&cookie, doc, &form).await;
        assert_eq!(
            answer.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{name}={value}"
        );
    }
    t.sync();
    assert!(t.both.read(doc).is_ok(), "nothing has happened yet");

    let answer = t.send(&cookie, doc, &good).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    let new = answer.leads_to();
    assert_eq!(
        answer.location,
        format!("/office/spaces/{}/documents/{new}", t.right)
    );
    t.sync();
    for device in [&t.both, &t.one] {
        assert!(device.read(doc).is_err());
        let told = purge::erased(device.store().conn()).unwrap();
        assert_eq!((told[0].doc, &*told[0].reason), (doc, erasures::MOVED));
    }
    assert!(
        t.one.read(new).is_err(),
        "who sees only the wrong client sees neither"
    );
    let moved = t.both.read(new).unwrap();
    assert_eq!(moved.space, t.right);
    let value = moved.value;
    assert_eq!(value["moved_from"]["doc"], doc.to_string());
    assert_eq!(value["moved_from"]["by"], t.owner.to_string());
    assert_eq!(value["summary"], "Kävelimme ulkona");
    assert_eq!(value["subject_id"], RIGHT_CLIENT);
    assert_eq!(value["created_by"], t.carer.to_string());
    assert_eq!(
        value["status"], "done",
        "it is closed again on the right client"
    );
    assert_eq!(
        value.get("shared"),
        None,
        "the wrong client's relatives are nobody here"
    );
    let found: Vec<_> = t.both.findings(t.right).unwrap();
    let codes: Vec<&str> = found.iter().map(|f| f.code).collect();
    assert!(codes.contains(&"moved_from_wrong_client"), "{codes:?}");
    assert!(!codes.contains(&"entry_edited_by_other"), "{codes:?}");
    let why = format!("from document {doc}: väärä asiakas");
    assert_eq!(t.rows(new), [("move_in".to_owned(), Some(why))]);
    assert_eq!(
        t.rows(doc),
        [("move_out".to_owned(), Some("väärä asiakas".to_owned()))]
    );
    let db = Connection::open(t.w.dir.path().join("relay.db")).unwrap();
    let receipt = erasures::receipt(&db, doc).unwrap();
    assert!(receipt.len() == 2 && receipt.iter().all(|row| row.confirmed_ms.is_some()));
    let gone = t.send(&cookie, doc, &good).await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND, "once is all");

    // Who read it while it was on the wrong client is told to both clients, and to nobody else.
    let reads = |space: SpaceId, subject: &str| {
        let docs = Documents::of(&db, Some(space), subject, []).unwrap();
        let asked = Asked {
            space,
            subject: Some((subject.to_owned(), docs)),
            from_ms: 0,
            until_ms: i64::MAX,
            limit: 999,
        };
        let rows = excerpt::of(&db, &asked).unwrap().unwrap().rows.into_iter();
        let of = rows
            .filter(|row| row.doc == Some(doc))
            .map(|row| row.action);
        of.filter(|action| action == "read").count()
    };
    assert!(reads(t.wrong, WRONG_CLIENT) > 0);
    assert_eq!(reads(t.right, RIGHT_CLIENT), reads(t.wrong, WRONG_CLIENT));
    assert_eq!(reads(t.right, WRONG_CLIENT), 0);
}

#[tokio::test]
async fn what_a_phone_has_moved_is_only_taken_out_at_the_office() {
    let mut t = town();
    t.note(t.right, RIGHT_CLIENT, "Aiempi käynti");
    let doc = t.note(t.wrong, WRONG_CLIENT, "Kävelimme ulkona");
    let to = Destination {
        subject: RIGHT_CLIENT.parse().ok(),
        contract: None,
    };
    let new = t.both.move_note(doc, t.right, &to).unwrap();
    assert_eq!(t.both.move_note(doc, t.right, &to).unwrap(), new, "once");
    t.sync();
    assert_eq!(t.one.read(doc).unwrap().value["wrong_client"], true);
    let codes = |found: Vec<sopu_core::findings::Finding>| -> Vec<&str> {
        found.into_iter().map(|f| f.code).collect()
    };
    assert!(codes(t.one.findings(t.wrong).unwrap()).contains(&"on_wrong_client"));
    assert!(!codes(t.both.findings(t.right).unwrap()).contains(&"entry_edited_by_other"));

    let cookie = t.w.enter().await;
    let page = t.w.get(&t.path(doc), &cookie).await.body;
    assert!(page.contains(&format!("/documents/{new}")), "{page}");
    let answer = t.send(&cookie, doc, &[("reason", "Onni siirsi")]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    t.sync();
    assert!(t.one.read(doc).is_err() && t.both.read(doc).is_err());
    assert_eq!(
        t.both.read(new).unwrap().value["summary"],
        "Kävelimme ulkona"
    );
    assert!(
        t.both
            .read(new)
            .unwrap()
            .value
            .get("wrong_client")
            .is_none()
    );
}

#[tokio::test]
async fn nothing_is_taken_out_for_what_only_looks_moved_or_must_be_kept() {
    let mut t = town();
    t.note(t.right, RIGHT_CLIENT, "Aiempi käynti");
    let doc = t.note(t.wrong, WRONG_CLIENT, "Kävelimme ulkona");
    let to = t.right.to_string();
    let form = [("to", &*to), ("subject", RIGHT_CLIENT), ("reason", "väärä")];
    let opened = t.both.read(doc).unwrap();
    let mut value: Value = opened.value.clone();
    value["legal_hold"] = true.into();
    t.both.save(doc, &opened.version, &value).unwrap();
    t.sync();
    let cookie = t.w.enter().await;
    let answer = t.send(&cookie, doc, &form).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer.body.contains("säilytettävä"), "{}", answer.body);

    t.sync();
    assert!(t.both.read(doc).is_ok());
    assert_eq!(t.rows(doc), []);
}

#[tokio::test]
async fn the_old_note_stays_while_the_new_one_lacks_anything_of_it() {
    let mut t = town();
    t.note(t.right, RIGHT_CLIENT, "Aiempi käynti");
    let doc = t.note(t.wrong, WRONG_CLIENT, "Kävelimme ulkona");
    let to = Destination {
        subject: RIGHT_CLIENT.parse().ok(),
        contract: None,
    };
    let new = t.both.move_note(doc, t.right, &to).unwrap();
    t.sync();
    // Written on the old one after the copy was made: acknowledged.
    let opened = t.one.read(doc).unwrap();
    let mut value = opened.value.clone();
    value["summary"] = "Kaatui portaissa".into();
    t.one.save(doc, &opened.version, &value).unwrap();
    t.one.sync(&Wire(&t.relay)).unwrap();

    let cookie = t.w.enter().await;
    let answer = t.send(&cookie, doc, &[("reason", "Onni siirsi")]).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer.body.contains("name=\"again\""), "{}", answer.body);
    t.sync();
    assert!(t.one.read(doc).is_ok());
    let again = [("reason", "Onni siirsi"), ("again", "1")];
    let answer = t.send(&cookie, doc, &again).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    t.sync();
    assert!(t.one.read(doc).is_err());
    let moved = t.both.read(new).unwrap().value;
    assert_eq!(moved["summary"], "Kaatui portaissa");
    assert_eq!(moved["subject_id"], RIGHT_CLIENT);
}

#[tokio::test]
async fn a_copy_with_invented_content_takes_nothing_out() {
    let mut t = town();
    let doc = t.note(t.wrong, WRONG_CLIENT, "Kävelimme ulkona");
    let place = Place {
        space: t.right,
        doc: DocId::mint(&SystemEnv),
        kind: Kind::VisitNote,
    };
    let forged = json!({"summary": "Kaikki hyvin", "moved_from": {"doc": doc.to_string()}});
    assert_eq!(t.relay.create(t.carer, place, &forged), Ok(()));
    t.sync();
    let cookie = t.w.enter().await;
    let answer = t.send(&cookie, doc, &[("reason", "siirretty")]).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    t.sync();
    assert!(t.both.read(doc).is_ok());
}

#[tokio::test]
async fn what_waits_for_a_choice_is_not_moved() {
    let mut t = town();
    let doc = t.note(t.wrong, WRONG_CLIENT, "Kävelimme ulkona");
    for (device, outcome) in [(&mut t.both, "as_planned"), (&mut t.one, "client_absent")] {
        let opened = device.read(doc).unwrap();
        let mut value = opened.value.clone();
        value["outcome"] = outcome.into();
        device.save(doc, &opened.version, &value).unwrap();
    }
    t.sync();
    assert_eq!(t.both.read(doc).unwrap().conflicts.len(), 1);
    let to = t.right.to_string();
    let cookie = t.w.enter().await;
    let answer = t
        .send(&cookie, doc, &[("to", &*to), ("reason", "väärä")])
        .await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    let to = Destination {
        subject: None,
        contract: None,
    };
    let moved = t.both.move_note(doc, t.right, &to);
    assert!(moved.is_err(), "{moved:?}");
    assert_eq!(t.both.read(doc).unwrap().value.get("wrong_client"), None);
    t.sync();
    assert!(t.both.read(doc).is_ok());
}

#[tokio::test]
async fn nobody_keeps_a_note_from_being_moved() {
    let mut t = town();
    t.note(t.right, RIGHT_CLIENT, "Aiempi käynti");
    let victim = t.note(t.wrong, WRONG_CLIENT, "Toinen käynti");
    // Somebody says that a document in a space of their own is what it became.
    let mut db = Connection::open(t.w.dir.path().join("relay.db")).unwrap();
    let org = lists::org_of_space(&db, t.wrong).unwrap().unwrap();
    let own = people::add_space(&db, &SystemEnv, org, "Oma").unwrap();
    grant(&mut db, own, t.carer, Role::Field);
    let place = Place {
        space: own,
        doc: DocId::mint(&SystemEnv),
        kind: Kind::VisitNote,
    };
    let squatted = json!({"summary": "x", "moved_from": {"doc": victim.to_string()}});
    let squatted = t.relay.create(t.carer, place, &squatted);
    assert_eq!(squatted, Ok(()));
    let cookie = t.w.enter().await;
    let to = t.right.to_string();
    t.w.get(&t.path(victim), &cookie).await;
    let refused = "SELECT count(*) FROM access_log WHERE action = 'refused'";
    let refused: i64 = db.query_row(refused, [], |row| row.get(0)).unwrap();
    assert_eq!(refused, 0, "who looks at a page has tried nothing");

    let form = [("to", &*to), ("subject", RIGHT_CLIENT), ("reason", "väärä")];
    let answer = t.send(&cookie, victim, &form).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    let new = answer.leads_to();
    assert_ne!(new, place.doc);
    t.sync();
    assert!(t.both.read(victim).is_err());
    let moved = t.both.read(new).unwrap().value;
    assert_eq!(moved["moved_from"]["doc"], victim.to_string());
    assert_eq!(moved["summary"], "Toinen käynti");

    // Nor is a phone led there.
    let second = t.note(t.wrong, WRONG_CLIENT, "Kolmas käynti");
    let place = Place {
        doc: DocId::mint(&SystemEnv),
        ..place
    };
    let squatted = json!({"summary": "x", "moved_from": {"doc": second.to_string()}});
    assert_eq!(t.relay.create(t.carer, place, &squatted), Ok(()));
    t.sync();
    let right = Destination {
        subject: RIGHT_CLIENT.parse().ok(),
        contract: None,
    };
    let new = t.both.move_note(second, t.right, &right).unwrap();
    assert_eq!(t.both.read(new).unwrap().value["summary"], "Kolmas käynti");
}
