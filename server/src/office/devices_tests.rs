//! The administrator's page, asked as a browser asks.
#![expect(clippy::unwrap_used, reason = "a test that fails should say where")]

use rusqlite::Connection;
use sopu_core::id::{DeviceId, MemberId};
use sopu_core::time::{Env, SystemEnv};

use super::tests::{World, field, world};
use super::*;
use crate::access::people::NewMember;
use crate::access::{Role, devices, invites, people};
use crate::store::schema;

fn db(w: &World) -> Connection {
    schema::open(&w.dir.path().join("relay.db")).unwrap()
}

fn make_admin(w: &World) {
    let sql = "UPDATE member SET admin = 1 WHERE id = ?1";
    db(w)
        .execute(sql, [w.member.as_bytes().as_slice()])
        .unwrap();
}

/// Somebody of another organisation on the same server, with a device.
fn stranger(w: &World) -> (MemberId, DeviceId) {
    let db = db(w);
    let org = people::add_org(&db, &SystemEnv, "Muu Oy", None).unwrap();
    let new = NewMember {
        org,
        name: "Vieras Väinö",
        login: None,
        password: None,
        admin: false,
    };
    let member = people::add_member(&db, &SystemEnv, &new).unwrap();
    (member, device(w, member))
}

fn device(w: &World, member: MemberId) -> DeviceId {
    let device = DeviceId::mint(&SystemEnv);
    db(w)
        .execute(
            "INSERT INTO device(id, member, key, name, enrolled_ms) VALUES (?1, ?2, ?3, 'Puhelin', 1)",
            (
                device.as_bytes().as_slice(),
                member.as_bytes().as_slice(),
                device.as_bytes().as_slice(),
            ),
        )
        .unwrap();
    device
}

#[tokio::test]
async fn an_administrator_invites_with_a_picture_and_cuts_devices_off() {
    let w = world(Role::Office);
    make_admin(&w);
    let phone = device(&w, w.member);
    let cookie = w.enter().await;
    let page = w.get("/office/devices", &cookie).await;
    assert!(page.body.contains("Puhelin"), "{}", page.body);
    let token = field(&page.body, "form_token");
    let member = w.member.to_string();
    let form = [("form_token", &*token), ("member", &*member)];
    let page = w.post("/office/devices/invite", &cookie, &form).await;
    assert!(page.body.contains("<svg"), "{}", page.body);
    let open = invites::open(&db(&w), SystemEnv.now_ms()).unwrap();
    assert_eq!(open.len(), 1);
    let phone = phone.to_string();
    let form = [("form_token", &*token), ("device", &*phone)];
    let page = w.post("/office/devices/revoke", &cookie, &form).await;
    assert_eq!(page.status, StatusCode::OK);
    let rows = devices::list(&db(&w)).unwrap();
    assert!(rows[0].revoked_ms.is_some());
}

#[tokio::test]
async fn nobody_else_gets_there_and_other_organisations_are_not_there() {
    let w = world(Role::Owner);
    let (other, phone) = stranger(&w);
    let cookie = w.enter().await;
    let token = field(&w.get("/office", &cookie).await.body, "form_token");
    let (other, phone) = (other.to_string(), phone.to_string());
    let forms = [
        (
            "/office/devices/invite",
            [("form_token", &*token), ("member", &*other)],
        ),
        (
            "/office/devices/revoke",
            [("form_token", &*token), ("device", &*phone)],
        ),
    ];
    // An owner of a space is no administrator of the organisation.
    assert_eq!(
        w.get("/office/devices", &cookie).await.status,
        StatusCode::FORBIDDEN
    );
    for (address, form) in &forms {
        assert_eq!(
            w.post(address, &cookie, form).await.status,
            StatusCode::FORBIDDEN
        );
    }
    make_admin(&w);
    let page = w.get("/office/devices", &cookie).await;
    assert!(!page.body.contains("Väinö"), "{}", page.body);
    for (address, form) in &forms {
        assert_eq!(
            w.post(address, &cookie, form).await.status,
            StatusCode::NOT_FOUND
        );
    }
    assert!(
        invites::open(&db(&w), SystemEnv.now_ms())
            .unwrap()
            .is_empty()
    );
    assert!(
        devices::list(&db(&w))
            .unwrap()
            .iter()
            .all(|row| row.revoked_ms.is_none())
    );
    let unsigned = [("member", &*other)];
    let answer = w.post("/office/devices/invite", &cookie, &unsigned).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
}
