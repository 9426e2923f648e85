//! Legal holds at the office, over a real relay.
#![expect(clippy::unwrap_used, reason = "a test that fails should say where")]

use sopu_core::documents::Kind;
use sopu_core::time::SystemEnv;

use super::retention_tests::{CLIENT, care, over_a_relay, reasons, send};
use super::tests::World;
use super::*;
use crate::access::{erasures, log};
use crate::relay::Relay;
use crate::store::schema;

/// Tries to erase it as an owner of the space does; whether it is gone.
async fn erased(w: &World, cookie: &str, relay: &Relay, doc: DocId) -> bool {
    let path = format!("/office/spaces/{}/documents/{doc}/erase", w.space);
    send(w, cookie, &path, &[("reason", "request")]).await;
    relay.carry_out_wishes().unwrap();
    let db = schema::open(&w.dir.path().join("relay.db")).unwrap();
    assert_eq!(log::verify(&db).unwrap(), None);
    erasures::erased_ms(&db, doc).unwrap().is_some()
}

#[tokio::test]
async fn a_hold_is_set_and_lifted_with_a_reason_and_keeps_the_document_meanwhile() {
    let (w, relay, doc) = over_a_relay();
    let cookie = w.enter().await;
    let document = format!("/office/spaces/{}/documents/{doc}", w.space);
    let path = format!("{document}/hold");
    let wrong = send(&w, &cookie, &path, &[("held", "yes"), ("reason", " ")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    let wrong = send(&w, &cookie, &path, &[("reason", "valitus")]).await;
    assert_eq!(wrong.status, StatusCode::NOT_FOUND);
    let set = [("held", "yes"), ("reason", "valitus kesken")];
    let answer = send(&w, &cookie, &path, &set).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(answer.location, document);
    let page = w.get(&document, &cookie).await.body;
    assert!(page.contains("asiakirja on säilytettävä"), "{page}");
    assert!(!erased(&w, &cookie, &relay, doc).await);
    // The member's own save takes it off no more than anybody's.
    let save = |am: &mut automerge::Automerge, ctx: &sopu_core::save::SaveContext<'_>| {
        let heads = sopu_core::read::version(am);
        let mut value = care("Käynti");
        value["legal_hold"] = false.into();
        sopu_core::save::save(am, Kind::VisitNote, &heads, &value, ctx).map(|_| ())
    };
    let kind = Kind::VisitNote;
    relay
        .office_write(w.member, w.space, doc, kind, save)
        .unwrap();
    let holds = format!("/office/spaces/{}/holds", w.space);
    assert!(w.get(&holds, &cookie).await.body.contains(&document));
    assert!(!erased(&w, &cookie, &relay, doc).await);
    let lift = [("held", "no"), ("reason", "sovittu")];
    send(&w, &cookie, &path, &lift).await;
    assert!(!w.get(&holds, &cookie).await.body.contains(&document));
    assert!(erased(&w, &cookie, &relay, doc).await);
    assert_eq!(reasons(&w, doc, "hold"), ["valitus kesken"]);
    assert_eq!(reasons(&w, doc, "lift"), ["sovittu"]);
}

#[tokio::test]
async fn a_client_is_held_with_what_there_is_and_what_comes() {
    let (w, relay, doc) = over_a_relay();
    let cookie = w.enter().await;
    let holds = format!("/office/spaces/{}/holds", w.space);
    let say = async |subject: &str, held: &str| {
        let form = [("subject", subject), ("held", held), ("reason", "vaade")];
        send(&w, &cookie, &holds, &form).await.status
    };
    assert_eq!(say("somebody", "yes").await, StatusCode::NOT_FOUND);
    assert_eq!(say(CLIENT, "yes").await, StatusCode::OK);
    let later = DocId::mint(&SystemEnv);
    let place = Place {
        space: w.space,
        doc: later,
        kind: Kind::VisitNote,
    };
    relay.create(w.member, place, &care("Toinen")).unwrap();
    for doc in [doc, later] {
        assert!(!erased(&w, &cookie, &relay, doc).await);
    }
    assert_eq!(say(CLIENT, "no").await, StatusCode::OK);
    for doc in [doc, later] {
        assert!(erased(&w, &cookie, &relay, doc).await);
    }
    let db = schema::open(&w.dir.path().join("relay.db")).unwrap();
    let rows = log::of_space(&db, w.space, 99).unwrap().into_iter();
    let about = rows
        .filter(|row| row.doc.is_none())
        .filter_map(|row| row.reason);
    let wanted = format!("{CLIENT}: vaade");
    assert_eq!(about.filter(|reason| *reason == wanted).count(), 2);
}
