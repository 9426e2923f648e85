//! Moving a note whose erasure was asked for, or waits for what it became once.
#![expect(clippy::unwrap_used, reason = "a test that fails should say where")]

use axum::http::StatusCode;
use rusqlite::Connection;

use super::move_tests::{RIGHT_CLIENT, WRONG_CLIENT, town};
use crate::access::erasures::{self, AWAITED, Standing};

#[tokio::test]
async fn a_note_whose_erasure_waits_is_not_moved_but_one_that_lost_what_it_became_is() {
    let mut t = town();
    t.note(t.right, RIGHT_CLIENT, "Aiempi käynti");
    let doc = t.note(t.wrong, WRONG_CLIENT, "Kävelimme ulkona");
    let db = Connection::open(t.w.dir.path().join("relay.db")).unwrap();
    let documents = || -> i64 {
        db.query_row("SELECT count(*) FROM document", [], |row| row.get(0))
            .unwrap()
    };
    let before = documents();
    let cookie = t.w.enter().await;
    let to = t.right.to_string();
    let form = [("to", &*to), ("subject", RIGHT_CLIENT), ("reason", "väärä")];
    erasures::wish(&db, doc, "request").unwrap();
    let answer = t.send(&cookie, doc, &form).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(erasures::standing(&db, doc).unwrap(), Standing::Waiting);
    assert_eq!(documents(), before, "no copy of what is to go");

    // As after a restore of which nobody brings the new one: this is the only one left.
    let sql = "UPDATE erasure_wish SET reason = 'moved', problem = ?1";
    db.execute(sql, [AWAITED]).unwrap();
    let answer = t.send(&cookie, doc, &form).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    assert_eq!(erasures::standing(&db, doc).unwrap(), Standing::None);
    assert!(erasures::erased_ms(&db, doc).unwrap().is_some());
}
