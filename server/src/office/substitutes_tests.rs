//! A substitute for several clients in one form, asked as a browser asks.
#![expect(clippy::unwrap_used, reason = "a test that fails should say where")]

use rusqlite::Connection;
use sopu_core::id::{MemberId, OrgId, SpaceId};
use sopu_core::time::{Env, SystemEnv};

use super::tests::{World, field, world};
use super::*;
use crate::access::people::{self, NewMember, Party, Window};
use crate::access::{Role, lists, standing};
use crate::civil;
use crate::store::schema;

fn db(w: &World) -> Connection {
    schema::open(&w.dir.path().join("relay.db")).unwrap()
}

fn person(w: &World, org: OrgId, name: &str) -> MemberId {
    let new = NewMember {
        org,
        name,
        login: None,
        password: None,
        admin: false,
    };
    people::add_member(&db(w), &SystemEnv, &new).unwrap()
}

/// A second space of the owner, and a third that is not hers.
fn spaces(w: &World) -> (SpaceId, SpaceId) {
    let org = people::org_of(&db(w), w.member).unwrap();
    let add = |name| people::add_space(&db(w), &SystemEnv, org, name).unwrap();
    let (hers, not_hers) = (add("Mäkelä"), add("Salmela"));
    let always = Window {
        from_ms: 0,
        until_ms: None,
    };
    let party = Party::Member(w.member);
    people::grant(&mut db(w), hers, party, Role::Owner, always, 1).unwrap();
    (hers, not_hers)
}

fn role(w: &World, member: MemberId, space: SpaceId, at_ms: i64) -> Option<Role> {
    standing(&db(w), member, space, at_ms).unwrap().role()
}

#[tokio::test]
async fn one_form_lets_a_substitute_into_all_ticked_spaces_for_a_day() {
    let w = world(Role::Owner);
    let org = people::org_of(&db(&w), w.member).unwrap();
    let (other, _) = spaces(&w);
    let sari = person(&w, org, "Sari Sijainen");
    let cookie = w.enter().await;
    let page = w.get("/office/substitutes", &cookie).await.body;
    assert!(page.contains("Koivula") && page.contains("Mäkelä") && !page.contains("Salmela"));
    let (token, from) = (field(&page, "form_token"), SystemEnv.now_ms());
    let (member, one, two) = (sari.to_string(), w.space.to_string(), other.to_string());
    let form = [
        ("form_token", &*token),
        ("member", &*member),
        ("space", &*one),
        ("space", &*two),
        ("reason", "sairastapaus"),
    ];
    let answer = w.post("/office/substitutes", &cookie, &form).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    assert!(answer.body.contains("Sari Sijainen"));
    let day = 24 * 60 * 60 * 1_000;
    for space in [w.space, other] {
        assert_eq!(role(&w, sari, space, from + 1_000), Some(Role::Field));
        assert_eq!(role(&w, sari, space, from + day - 1_000), Some(Role::Field));
        assert_eq!(
            role(&w, sari, space, from + day + 60_000),
            None,
            "by itself"
        );
        let noted: String = db(&w)
            .query_row(
                "SELECT reason FROM access_log WHERE space = ?1 AND action = 'administer'",
                [space.as_bytes().as_slice()],
                |row| row.get(0),
            )
            .unwrap();
        assert!(noted.ends_with("sairastapaus"), "{noted}");
    }
}

#[tokio::test]
async fn it_is_all_or_nothing_and_only_where_one_may() {
    let w = world(Role::Owner);
    let org = people::org_of(&db(&w), w.member).unwrap();
    let (other, not_hers) = spaces(&w);
    let sari = person(&w, org, "Sari Sijainen");
    let elsewhere = people::add_org(&db(&w), &SystemEnv, "Muu Oy", None).unwrap();
    let partner = person(&w, elsewhere, "Pertti Partneri");
    let cookie = w.enter().await;
    let page = w.get("/office/substitutes", &cookie).await.body;
    assert!(!page.contains("Pertti"));
    let token = field(&page, "form_token");
    let (sari_id, partner_id) = (sari.to_string(), partner.to_string());
    let (one, two, three) = (w.space.to_string(), other.to_string(), not_hers.to_string());
    let tries: [(&[(&str, &str)], StatusCode); 5] = [
        // One of them is not hers.
        (
            &[
                ("member", &sari_id),
                ("space", &one),
                ("space", &three),
                ("reason", "x"),
            ],
            StatusCode::NOT_FOUND,
        ),
        (
            &[("member", &partner_id), ("space", &one), ("reason", "x")],
            StatusCode::NOT_FOUND,
        ),
        (
            &[("member", &sari_id), ("reason", "x")],
            StatusCode::UNPROCESSABLE_ENTITY,
        ),
        (
            &[("member", &sari_id), ("space", &one), ("space", &two)],
            StatusCode::UNPROCESSABLE_ENTITY,
        ),
        (
            &[
                ("member", &sari_id),
                ("space", &one),
                ("space", &two),
                ("until", "2020-01-01T10:00"),
                ("reason", "x"),
            ],
            StatusCode::UNPROCESSABLE_ENTITY,
        ),
    ];
    for (form, status) in tries {
        let mut all = vec![("form_token", token.as_str())];
        all.extend(form);
        let answer = w.post("/office/substitutes", &cookie, &all).await;
        assert_eq!(answer.status, status, "{form:?}");
        if status == StatusCode::UNPROCESSABLE_ENTITY && form.len() > 3 {
            assert!(answer.body.contains(" checked"), "what was ticked stays so");
        }
        for space in [w.space, other, not_hers] {
            assert_eq!(
                lists::in_space(&db(&w), space, 0)
                    .unwrap()
                    .iter()
                    .filter(|e| e.name != "Aino <Aalto>")
                    .count(),
                0
            );
        }
    }
    // A partner's carer who was there before can stand in again.
    let past = Window {
        from_ms: 10,
        until_ms: Some(20),
    };
    people::grant(
        &mut db(&w),
        w.space,
        Party::Member(partner),
        Role::Field,
        past,
        15,
    )
    .unwrap();
    let now = SystemEnv.now_ms();
    let (from, until) = (civil::typed(now + 3_600_000), civil::typed(now + 7_200_000));
    let form = [
        ("form_token", &*token),
        ("member", &*partner_id),
        ("space", &*one),
        ("from", &*from),
        ("until", &*until),
        ("reason", "sijaisuus"),
    ];
    let answer = w.post("/office/substitutes", &cookie, &form).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(role(&w, partner, w.space, now), None, "it begins by itself");
    assert_eq!(
        role(&w, partner, w.space, now + 5_400_000),
        Some(Role::Field)
    );
}

#[tokio::test]
async fn who_manages_no_space_has_no_such_page() {
    for may in Role::ALL {
        let w = world(may);
        let cookie = w.enter().await;
        let status = w.get("/office/substitutes", &cookie).await.status;
        let wanted = match may.may(crate::access::Action::Manage) {
            true => StatusCode::OK,
            false => StatusCode::FORBIDDEN,
        };
        assert_eq!(status, wanted, "{may:?}");
        let token = field(&w.get("/office", &cookie).await.body, "form_token");
        let form = [("form_token", &*token)];
        let answer = w.post("/office/substitutes", &cookie, &form).await;
        assert_eq!(
            answer.status == StatusCode::FORBIDDEN,
            wanted == StatusCode::FORBIDDEN
        );
    }
}
