//! Names that contracts give, over a real relay.
#![expect(clippy::unwrap_used, reason = "a test that fails should say where")]

use rusqlite::Connection;
use serde_json::json;
use sopu_core::documents::Kind;
use sopu_core::store::Store;
use sopu_core::time::SystemEnv;
use uuid::Uuid;

use super::names::Names;
use super::retention_tests::{CLIENT, over_a_relay};
use super::*;
use crate::access::people::{self, NewMember, Party, Window};
use crate::access::{Role, lists};
use crate::store::schema;
use crate::words::{Lang, Words};

fn find(db: &Connection, record: &Store, space: SpaceId, id: &str) -> Option<String> {
    let names = Names::of(db, Some(record), space, Words::of(Lang::Fi)).unwrap();
    names.find(id.parse().unwrap())
}

#[tokio::test]
async fn a_forged_contract_names_nobody_anew_and_what_is_disputed_is_shown() {
    let (w, relay, _) = over_a_relay();
    let mut db = schema::open(&w.dir.path().join("relay.db")).unwrap();
    let org = lists::org_of_space(&db, w.space).unwrap().unwrap();
    let new = NewMember {
        org,
        name: "Onni",
        login: None,
        password: None,
        admin: false,
    };
    let onni = people::add_member(&db, &SystemEnv, &new).unwrap();
    let always = Window {
        from_ms: 0,
        until_ms: None,
    };
    people::grant(
        &mut db,
        w.space,
        Party::Member(onni),
        Role::Field,
        always,
        1,
    )
    .unwrap();
    let contract = |member, doc: Uuid, party: &str, name: &str| {
        let at = Place {
            space: w.space,
            doc: DocId(doc),
            kind: Kind::Contract,
        };
        let key = DocId::mint(&SystemEnv).to_string();
        let value = json!({ "parties": { key: {
            "party_id": party, "snapshot": { "name": name } } } });
        relay.create(member, at, &value).unwrap();
    };
    let record = Store::open_reader(&w.dir.path().join("record.db")).unwrap();
    let named = |id: &str| find(&db, &record, w.space, id);
    // Before and after the office's, by id and by time.
    let id = |n: u128| Uuid::from_u128(n << 96 | 0x7000 << 64 | 0x8 << 60 | n);
    contract(onni, id(2), CLIENT, "Väärä Yksi");
    assert_eq!(named(CLIENT).as_deref(), Some("Väärä Yksi"));
    contract(onni, id(4), CLIENT, "Väärä Kaksi");
    let both = named(CLIENT).unwrap();
    assert_eq!(both, "Väärä Kaksi / Väärä Yksi (sopimukset eroavat)");
    contract(w.member, id(3), CLIENT, "Kerttu Koivu");
    contract(onni, id(1), CLIENT, "Väärä Kolme");
    assert_eq!(named(CLIENT).as_deref(), Some("Kerttu Koivu"));
    contract(w.member, id(5), CLIENT, "Kerttu Mänty");
    assert_eq!(
        named(CLIENT).as_deref(),
        Some("Kerttu Koivu / Kerttu Mänty (sopimukset eroavat)")
    );
    // Nobody is called anything else because a contract says so.
    contract(onni, id(6), &w.member.to_string(), "Joku Muu");
    assert_eq!(named(&w.member.to_string()).as_deref(), Some("Aino"));
}
