//! Erasing from a document's page, asked as a browser asks.
#![expect(clippy::unwrap_used, reason = "a test that fails should say where")]

use super::tests::{field, world};
use super::*;
use crate::access::erasures::{self, Standing};
use crate::access::{Action, Role};
use crate::store::schema;

#[tokio::test]
async fn only_an_owner_may_erase_and_says_why() {
    let readers = Role::ALL.into_iter().filter(|role| role.may(Action::Read));
    for role in readers {
        let w = world(role);
        let cookie = w.enter().await;
        let page = w.get(&w.document(""), &cookie).await;
        let may = role == Role::Owner;
        assert_eq!(page.body.contains("/erase\""), may, "{role:?}");
        let token = field(&page.body, "form_token");
        let db = schema::open(&w.dir.path().join("relay.db")).unwrap();
        for (reason, status) in [
            ("", StatusCode::FORBIDDEN),
            ("boredom", StatusCode::FORBIDDEN),
            ("request", StatusCode::SEE_OTHER),
        ] {
            let form = [("form_token", &*token), ("reason", reason)];
            let answer = w.post(&w.document("/erase"), &cookie, &form).await;
            let wanted = if may { status } else { StatusCode::FORBIDDEN };
            assert_eq!(answer.status, wanted, "{role:?} {reason}");
        }
        let wish = erasures::standing(&db, w.note).unwrap();
        let wanted = if may {
            Standing::Waiting
        } else {
            Standing::None
        };
        assert_eq!(wish, wanted, "{role:?}");
    }
}
