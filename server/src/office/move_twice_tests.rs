//! One note that two people move without contact, over a real relay: each makes one of it, and one of
//! the two goes in one act.
#![expect(clippy::unwrap_used, reason = "a test that fails should say where")]

use rusqlite::Connection;
use serde_json::json;
use sopu_core::device::Device;
use sopu_core::documents::Kind;
use sopu_core::documents::visit_note::moved::Destination;
use sopu_core::time::SystemEnv;

use super::move_tests::{RIGHT_CLIENT, Town, WRONG_CLIENT, grant, phone, town};
use super::review_tests::Wire;
use super::*;
use crate::access::{Role, lists, people};

fn right() -> Destination {
    Destination {
        subject: RIGHT_CLIENT.parse().ok(),
        contract: None,
    }
}

fn codes(device: &Device, space: SpaceId) -> Vec<&'static str> {
    let found = device.findings(space).unwrap().into_iter();
    found.map(|finding| finding.code).collect()
}

/// A town where somebody has two phones, a note on the wrong client, and what each phone made of it.
fn moved_twice() -> (Town, Device, DocId, [DocId; 2]) {
    let mut t = town();
    t.note(t.right, RIGHT_CLIENT, "Aiempi käynti");
    let doc = t.note(t.wrong, WRONG_CLIENT, "Kävelimme ulkona");
    let mut second = phone(t.w.dir.path(), &t.relay, t.carer, 3);
    let first_is = t.both.move_note(doc, t.right, &right()).unwrap();
    let second_is = second.move_note(doc, t.right, &right()).unwrap();
    assert_ne!(first_is, second_is);
    for _ in 0..2 {
        t.sync();
        second.sync(&Wire(&t.relay)).unwrap();
    }
    (t, second, doc, [first_is, second_is])
}

#[tokio::test]
async fn a_note_moved_twice_without_contact_says_everything_once_and_one_act_leaves_one() {
    let (mut t, mut second, doc, [kept, other]) = moved_twice();
    for device in [&t.both, &second] {
        assert_eq!(
            codes(device, t.right)
                .iter()
                .filter(|c| **c == "moved_twice")
                .count(),
            1
        );
        for new in [kept, other] {
            let value = device.read(new).unwrap().value;
            assert_eq!(value["summary"], "Kävelimme ulkona", "nothing is doubled");
            assert_eq!(value["entries"].as_object().unwrap().len(), 1);
        }
    }
    let cookie = t.w.enter().await;
    let found = format!("/office/spaces/{}/findings", t.right);
    let page = t.w.get(&found, &cookie).await.body;
    assert!(page.contains("siirretty kahdesti"), "{page}");

    let page = t.w.get(&t.path(doc), &cookie).await.body;
    for new in [kept, other] {
        assert!(page.contains(&format!("value=\"{new}\"")), "{page}");
    }
    assert!(
        !page.contains("name=\"again\""),
        "each holds all of it: {page}"
    );
    let (keep, also) = (kept.to_string(), other.to_string());
    let unsaid = t.send(&cookie, doc, &[("reason", "väärä")]).await;
    assert_eq!(unsaid.status, StatusCode::UNPROCESSABLE_ENTITY);
    let form = [
        ("keep", &*keep),
        ("also", &*also),
        ("also", &*keep),
        ("reason", "väärä"),
    ];
    let answer = t.send(&cookie, doc, &form).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    assert_eq!(answer.leads_to(), kept);
    t.sync();
    second.sync(&Wire(&t.relay)).unwrap();
    for device in [&t.both, &second] {
        assert!(device.read(doc).is_err() && device.read(other).is_err());
        assert_eq!(
            device.read(kept).unwrap().value["summary"],
            "Kävelimme ulkona"
        );
        assert!(!codes(device, t.right).contains(&"moved_twice"));
    }
    for gone in [doc, other] {
        assert_eq!(
            t.rows(gone),
            [("move_out".to_owned(), Some("väärä".to_owned()))]
        );
    }
}

#[tokio::test]
async fn what_a_phone_moved_while_the_office_did_is_settled_on_the_phone_or_at_the_office() {
    let mut t = town();
    t.note(t.right, RIGHT_CLIENT, "Aiempi käynti");
    let doc = t.note(t.wrong, WRONG_CLIENT, "Kävelimme ulkona");
    let late = t.both.move_note(doc, t.right, &right()).unwrap();
    let cookie = t.w.enter().await;
    let to = t.right.to_string();
    let form = [("to", &*to), ("subject", RIGHT_CLIENT), ("reason", "väärä")];
    let answer = t.send(&cookie, doc, &form).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    let kept = answer.leads_to();
    t.sync();
    assert!(t.both.read(doc).is_err());
    assert!(codes(&t.both, t.right).contains(&"moved_twice"));

    let again = t.both.move_note(late, t.right, &right()).unwrap();
    assert_eq!(again, kept, "nothing more is made");
    t.sync();
    let said = codes(&t.both, t.right);
    assert!(!said.contains(&"moved_twice") && said.contains(&"on_wrong_client"));
    let path = format!("/office/spaces/{}/documents/{late}/move", t.right);
    let page = t.w.get(&path, &cookie).await.body;
    assert!(page.contains(&format!("value=\"{kept}\"")), "{page}");
    let token = super::tests::field(&page, "form_token");
    let form = [("form_token", &*token), ("reason", "kahdesti")];
    let answer = t.w.post(&path, &cookie, &form).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    t.sync();
    assert!(t.both.read(late).is_err());
    assert_eq!(
        t.both.read(kept).unwrap().value["summary"],
        "Kävelimme ulkona"
    );
    assert!(!codes(&t.both, t.right).contains(&"on_wrong_client"));
}

#[tokio::test]
async fn neither_goes_while_the_one_that_stays_lacks_anything_of_it() {
    let (mut t, _, doc, [kept, other]) = moved_twice();
    // What was signed on the one is in no form carried to the other.
    let opened = t.both.read(other).unwrap();
    let mut value = opened.value.clone();
    value["km"] = "12".into();
    value["seals"] = json!({"019ab000-0000-7000-8000-0000000000f1":
        {"canon": 1, "by": t.carer.to_string()}});
    t.both.save(other, &opened.version, &value).unwrap();
    // And somebody says that an invented note is a third.
    let place = Place {
        space: t.right,
        doc: DocId::mint(&SystemEnv),
        kind: Kind::VisitNote,
    };
    let forged = json!({"summary": "Kaikki hyvin", "moved_from": {"doc": doc.to_string()}});
    assert_eq!(t.relay.create(t.carer, place, &forged), Ok(()));
    t.sync();
    let cookie = t.w.enter().await;
    let [keep, also, forged] = [kept, other, place.doc].map(|doc| doc.to_string());
    for (keep, also) in [(&keep, &also), (&forged, &keep), (&forged, &forged)] {
        let form = [("keep", &**keep), ("also", &**also), ("reason", "väärä")];
        let answer = t.send(&cookie, doc, &form).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(answer.body.contains("name=\"again\""), "{}", answer.body);
        t.sync();
        for stays in [doc, kept, other] {
            assert!(t.both.read(stays).is_ok());
        }
    }
    let form = [("keep", &*also), ("also", &*keep), ("reason", "väärä")];
    let answer = t.send(&cookie, doc, &form).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    t.sync();
    assert!(t.both.read(doc).is_err() && t.both.read(kept).is_err());
    let left = t.both.read(other).unwrap().value;
    assert_eq!(
        (&left["summary"], &left["km"]),
        (&json!("Kävelimme ulkona"), &json!("12"))
    );
    assert!(t.both.read(place.doc).is_ok(), "it was not to go");
}

#[tokio::test]
async fn a_note_moved_to_two_clients_stays_until_somebody_says_which_is_right() {
    let mut t = town();
    let doc = t.note(t.wrong, WRONG_CLIENT, "Kävelimme ulkona");
    let mut db = Connection::open(t.w.dir.path().join("relay.db")).unwrap();
    let org = lists::org_of_space(&db, t.wrong).unwrap().unwrap();
    let third = people::add_space(&db, &SystemEnv, org, "Lehtola").unwrap();
    grant(&mut db, third, t.carer, Role::Field);
    grant(&mut db, third, t.owner, Role::Owner);
    t.sync();
    let mut second = phone(t.w.dir.path(), &t.relay, t.carer, 3);
    let [first_is, second_is] = [
        t.both.move_note(doc, t.right, &right()).unwrap(),
        second.move_note(doc, third, &right()).unwrap(),
    ];
    second.sync(&Wire(&t.relay)).unwrap();
    t.sync();
    let cookie = t.w.enter().await;
    let page = t.w.get(&t.path(doc), &cookie).await.body;
    assert!(
        page.contains("Lehtola") && page.contains("Mäntylä"),
        "{page}"
    );
    let [keep, also] = [second_is, first_is].map(|doc| doc.to_string());
    let form = [("keep", &*keep), ("also", &*also), ("reason", "väärä")];
    let answer = t.send(&cookie, doc, &form).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    t.sync();
    assert!(t.both.read(doc).is_err() && t.both.read(first_is).is_err());
    assert_eq!(t.both.read(second_is).unwrap().space, third);
}
