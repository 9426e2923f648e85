//! What relatives and commissioners see, asked as a browser asks.
#![expect(clippy::unwrap_used, reason = "a test that fails should say where")]

use rusqlite::Connection;
use serde_json::json;
use sopu_core::documents::Kind;
use sopu_core::time::SystemEnv;

use super::move_tests::{WRONG_CLIENT, town};
use super::review_tests::Wire;
use super::tests::{Answer, World, field, world, write_new};
use super::*;
use crate::access::people::{self, NewMember, Party, Window};
use crate::access::{Role, log};
use crate::store::schema;

const PASSWORD: &str = "pitkä salasana";

fn db(w: &World) -> Connection {
    schema::open(&w.dir.path().join("relay.db")).unwrap()
}

/// Somebody with a role in the space; gives their cookie.
async fn enter(w: &World, role: Role) -> String {
    let org = people::org_of(&db(w), w.member).unwrap();
    let new = NewMember {
        org,
        name: "Ulla Ulkopuolinen",
        login: Some(role.code()),
        password: Some(PASSWORD),
        admin: false,
    };
    let member = people::add_member(&db(w), &SystemEnv, &new).unwrap();
    let always = Window {
        from_ms: 0,
        until_ms: None,
    };
    people::grant(&mut db(w), w.space, Party::Member(member), role, always, 1).unwrap();
    w.enter_as(role.code(), PASSWORD).await
}

async fn shared(w: &World, cookie: &str) -> Answer {
    let path = format!("/office/spaces/{}/shared", w.space);
    let answer = w.get(&path, cookie).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    answer
}

async fn share(w: &World, cookie: &str, yes: &str) -> StatusCode {
    let token = field(&w.get("/office", cookie).await.body, "form_token");
    let form = [("form_token", &*token), ("shared", yes)];
    w.post(&w.document("/share"), cookie, &form).await.status
}

#[tokio::test]
async fn a_relative_sees_a_note_once_it_is_shared_and_of_it_only_what_is_agreed() {
    let w = world(Role::Office);
    let office = w.enter().await;
    let relative = enter(&w, Role::Relative).await;
    let list = w.get("/office", &relative).await.body;
    assert!(list.contains(&format!("/office/spaces/{}/shared", w.space)));
    assert!(!list.contains("conflict"), "nothing of what waits there");
    let before = shared(&w, &relative).await.body;
    assert!(!before.contains("alert(1)"), "{before}");
    assert_eq!(share(&w, &relative, "yes").await, StatusCode::NOT_FOUND);
    assert_eq!(share(&w, &office, "yes").await, StatusCode::SEE_OTHER);
    let after = shared(&w, &relative).await.body;
    assert!(after.contains("alert(1)") && !after.contains("<script>"));
    assert!(!after.contains("12,5"), "the kilometres are none of theirs");
    assert!(!after.contains("Sopimukset"), "nor are contracts");
    // That it was read is known.
    let rows = log::of_document(&db(&w), w.note, 99).unwrap();
    assert!(rows.iter().any(|row| row.action == "shared"));
    assert!(rows.iter().any(|row| row.action == "share"));
    // Everything else of the space is not there for them.
    for rest in ["", "/conflicts", "/findings", "/people", "/news"] {
        let path = format!("/office/spaces/{}{rest}", w.space);
        assert_eq!(
            w.get(&path, &relative).await.status,
            StatusCode::NOT_FOUND,
            "{rest}"
        );
    }
    for rest in ["", "/conflicts", "/history", "/access"] {
        let status = w.get(&w.document(rest), &relative).await.status;
        assert_eq!(status, StatusCode::NOT_FOUND, "{rest}");
    }
    assert_eq!(share(&w, &office, "no").await, StatusCode::SEE_OTHER);
    assert!(!shared(&w, &relative).await.body.contains("alert(1)"));
}

#[tokio::test]
async fn a_commissioner_sees_services_and_hours_of_contracts_they_are_a_party_of() {
    let w = world(Role::Office);
    let commissioner = enter(&w, Role::Commissioner).await;
    let (party, item) = (uuid::Uuid::from_u128(1), uuid::Uuid::from_u128(2));
    let contract = |title: &str, role: &str, status: &str| {
        let value = json!({
            "contract_kind": "purchase", "title": title, "status": status,
            "parties": {party.to_string(): {"role": role, "snapshot": {"name": "Kunta"}}},
            "scope_items": {item.to_string():
                {"name": "Kotihoito", "unit": "h", "planned_qty": "40", "code": "SALAKOODI"}},
            "scope_text": "Salaiset ehdot", "internal_notes": "Sisäinen"
        });
        write_new(&w, Kind::Contract, &value)
    };
    let ordered = contract("Ostopalvelu", "commissioner", "signed");
    contract("Luonnos", "commissioner", "draft");
    contract("Itse maksettu", "customer", "signed");
    // Noon of the day before yesterday, so that a month's end is as good a day as any other.
    let now_ms = sopu_core::time::Env::now_ms(&SystemEnv);
    let day = crate::civil::typed(now_ms - 2 * 86_400_000);
    let start = crate::civil::moment(&format!("{}T12:00", &day[..10])).unwrap();
    let month = format!("{}/{}", &day[5..7], &day[..4]);
    // Made long before what is summed up.
    let old = json!({"contract_id": ordered.to_string(), "status": "done",
        "actual_start": {"at": start - 1_200 * 86_400_000_i64},
        "actual_end": {"at": start - 1_200 * 86_400_000_i64 + 3_600_000}});
    write_new(&w, Kind::VisitNote, &old);
    for (contract, hours) in [(ordered, 2), (ordered, 1), (w.note, 5)] {
        let end = start + hours * 3_600_000;
        let note = json!({"contract_id": contract.to_string(), "status": "done",
            "summary": "Vain talon sisäistä",
            "actual_start": {"at": start}, "actual_end": {"at": end}});
        write_new(&w, Kind::VisitNote, &note);
    }
    let page = shared(&w, &commissioner).await.body;
    assert!(page.contains("Ostopalvelu") && page.contains("Kotihoito") && page.contains("40"));
    assert!(page.contains(&month) && page.contains("3,00"), "{page}");
    assert_eq!(page.matches("<th scope=\"row\">").count(), 1, "{page}");
    for hidden in [
        "Luonnos",
        "Itse maksettu",
        "Salaiset",
        "Sisäinen",
        "SALAKOODI",
        "talon",
        "Käynnit<",
    ] {
        assert!(!page.contains(hidden), "{hidden}");
    }
}

#[tokio::test]
async fn people_of_the_space_see_what_outsiders_see_and_nobody_else_does() {
    let w = world(Role::Reader);
    let cookie = w.enter().await;
    let page = shared(&w, &cookie).await.body;
    assert!(page.contains("Käynnit<") && page.contains("Sopimukset"));
    people::revoke(&db(&w), w.space, Party::Member(w.member), 2).unwrap();
    let path = format!("/office/spaces/{}/shared", w.space);
    assert_eq!(w.get(&path, &cookie).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn who_says_it_ends_a_conflict_whichever_value_was_shown() {
    for (said, shared) in [("yes", true), ("no", false)] {
        for first in [true, false] {
            let mut t = town();
            let doc = t.note(t.wrong, WRONG_CLIENT, "Kävelimme ulkona");
            t.one.sync(&Wire(&t.relay)).unwrap();
            // The note begins shared: nobody has said anything else once both say so anew.
            for (device, shared) in [(&mut t.both, first), (&mut t.one, !first)] {
                let opened = device.read(doc).unwrap();
                let mut value = opened.value.clone();
                value["shared"] = shared.into();
                if shared {
                    value.as_object_mut().unwrap().remove("shared");
                    let emptied = device.save(doc, &opened.version, &value).unwrap();
                    value["shared"] = true.into();
                    device.save(doc, &emptied.version, &value).unwrap();
                } else {
                    device.save(doc, &opened.version, &value).unwrap();
                }
            }
            t.sync();
            assert_eq!(t.one.read(doc).unwrap().conflicts.len(), 1);
            let cookie = t.w.enter().await;
            let page = t.w.get("/office", &cookie).await.body;
            let token = field(&page, "form_token");
            let form = [("form_token", &*token), ("shared", said)];
            let path = format!("/office/spaces/{}/documents/{doc}/share", t.wrong);
            let answer = t.w.post(&path, &cookie, &form).await;
            assert_eq!(answer.status, StatusCode::SEE_OTHER);
            t.sync();
            let opened = t.one.read(doc).unwrap();
            assert_eq!(opened.conflicts, [], "{said}, {first}");
            assert_eq!(opened.value["shared"], shared);
        }
    }
}
