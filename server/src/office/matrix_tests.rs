//! Every page of a space and what is sent from it, tried as every role, by the one table of
//! `access/roles.rs`.
#![expect(clippy::unwrap_used, reason = "a test that fails should say where")]

use super::tests::{field, world};
use super::*;
use crate::access::people::{self, Party};
use crate::access::{Action, Role};
use crate::store::schema;

/// What each address asks for. `true` for one that is sent to.
const ADDRESSES: [(&str, bool, Action); 37] = [
    ("/office/spaces/{space}", false, Action::Read),
    ("/office/spaces/{space}/conflicts", false, Action::Read),
    ("/office/spaces/{space}/findings", false, Action::Read),
    (
        "/office/spaces/{space}/documents/{doc}",
        false,
        Action::Read,
    ),
    (
        "/office/spaces/{space}/documents/{doc}/conflicts",
        false,
        Action::Read,
    ),
    (
        "/office/spaces/{space}/documents/{doc}/history",
        false,
        Action::Read,
    ),
    (
        "/office/spaces/{space}/documents/{doc}/choose",
        true,
        Action::Write,
    ),
    (
        "/office/spaces/{space}/documents/{doc}/erase",
        true,
        Action::Erase,
    ),
    (
        "/office/spaces/{space}/documents/{doc}/access",
        false,
        Action::AccessLog,
    ),
    (
        "/office/spaces/{space}/documents/{doc}/move",
        false,
        Action::Move,
    ),
    (
        "/office/spaces/{space}/documents/{doc}/move",
        true,
        Action::Move,
    ),
    ("/office/spaces/{space}/holds", false, Action::Hold),
    ("/office/spaces/{space}/holds", true, Action::Hold),
    (
        "/office/spaces/{space}/documents/{doc}/hold",
        true,
        Action::Hold,
    ),
    ("/office/spaces/{space}/retention", false, Action::Erase),
    (
        "/office/spaces/{space}/retention/close",
        true,
        Action::Erase,
    ),
    (
        "/office/spaces/{space}/retention/decide",
        true,
        Action::Erase,
    ),
    (
        "/office/spaces/{space}/documents/{doc}/class",
        true,
        Action::Erase,
    ),
    ("/office/spaces/{space}/erased/{doc}", false, Action::Erase),
    ("/office/spaces/{space}/shared", false, Action::Shared),
    (
        "/office/spaces/{space}/documents/{doc}/share",
        true,
        Action::Write,
    ),
    ("/office/spaces/{space}/review", false, Action::Review),
    (
        "/office/spaces/{space}/review/left-out",
        false,
        Action::Review,
    ),
    ("/office/spaces/{space}/review/accept", true, Action::Review),
    ("/office/spaces/{space}/review/drop", true, Action::Review),
    ("/office/spaces/{space}/access", false, Action::AccessLog),
    ("/office/spaces/{space}/access", true, Action::AccessLog),
    ("/office/spaces/{space}/people", false, Action::Manage),
    ("/office/spaces/{space}/people/grant", true, Action::Manage),
    ("/office/spaces/{space}/people/end", true, Action::Manage),
    // The organisation's: no role in a space lets anybody in.
    ("/office/members", false, Action::Manage),
    ("/office/members/add", true, Action::Manage),
    ("/office/organisation", false, Action::Manage),
    ("/office/organisation/space", true, Action::Manage),
    ("/office/organisation/lease", true, Action::Manage),
    ("/office/devices", false, Action::Manage),
    ("/office/devices/revoke", true, Action::Manage),
];

#[tokio::test]
async fn every_address_lets_in_whom_the_table_lets_in_and_nobody_else() {
    for role in Role::ALL.into_iter().map(Some).chain([None]) {
        let w = world(role.unwrap_or(Role::Owner));
        let db = schema::open(&w.dir.path().join("relay.db")).unwrap();
        if role.is_none() {
            people::revoke(&db, w.space, Party::Member(w.member), 2).unwrap();
        }
        let cookie = w.enter().await;
        let token = field(&w.get("/office", &cookie).await.body, "form_token");
        let nothing = "0".repeat(64);
        for (address, sends, action) in ADDRESSES {
            let path = address.replace("{space}", &w.space.to_string());
            let path = path.replace("{doc}", &w.note.to_string());
            let answer = match sends {
                true => {
                    // All that any of them reads; a version nobody has chooses nothing.
                    let form = [
                        ("form_token", &*token),
                        ("reason", "request"),
                        ("shared", "yes"),
                        ("held", "yes"),
                        ("path", "outcome"),
                        ("version", &*nothing),
                        ("change", &*nothing),
                    ];
                    w.post(&path, &cookie, &form).await
                }
                false => w.get(&path, &cookie).await,
            };
            let in_space = address.starts_with("/office/spaces/");
            let may = role.is_some_and(|role| role.may(action)) && in_space;
            // Who does not read a space is not told that it is there.
            let outside = role.is_none_or(|role| !role.may(Action::Read));
            let shut = answer.status == StatusCode::FORBIDDEN
                || (outside && answer.status == StatusCode::NOT_FOUND);
            assert_eq!(!shut, may, "{role:?} {address}: {}", answer.status);
        }
    }
}
