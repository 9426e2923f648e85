//! What is asked for of a farm or client as a whole.
#![expect(clippy::unwrap_used, reason = "a test that fails should say where")]

use serde_json::json;
use sopu_core::documents::Kind;
use sopu_core::id::DocId;

use super::tests::sopu;
use crate::access::Role;
use crate::relay::tests::world::{Note, World};

/// A data folder, closed, where two people disagree for whom a contract is; the contract, and a note of the
/// first.
fn disputed(first: &str, second: &str) -> (tempfile::TempDir, DocId, DocId) {
    let mut world = World::with_key(tempfile::tempdir().unwrap(), None);
    let (one, other) = (world.phone(Role::Office), world.phone(Role::Office));
    let mut contract = Note::new(&one, world.space, Kind::Contract);
    let made = contract.write(&one, json!({ "title": "Siivous" }));
    world.feed(&one, &made);
    let mut theirs = contract.clone();
    for (contract, phone, subject) in [(&mut contract, &one, first), (&mut theirs, &other, second)]
    {
        let sealed = contract.write(phone, json!({ "title": "Siivous", "subject_id": subject }));
        world.feed(phone, &sealed);
    }
    let mut note = Note::new(&one, world.space, Kind::VisitNote);
    let sealed = note.write(&one, json!({ "subject_id": first }));
    world.feed(&one, &sealed);
    let conflicts = {
        let record = world.relay.record();
        let loaded = record.store().document(contract.id).unwrap();
        sopu_core::read::read(&loaded.am, loaded.kind)
            .conflicts
            .len()
    };
    assert_eq!(conflicts, 1);
    (world.close(), contract.id, note.id)
}

#[test]
fn a_contract_that_people_do_not_agree_whose_it_is_stays_and_that_is_said() {
    let [a, b] = [1, 2].map(|n| uuid::Uuid::from_u128(n).to_string());
    let (dir, contract, note) = disputed(&a, &b);
    let data = dir.path().join("data");
    let stays = format!("{contract} stays");
    let there = |doc| {
        let record = sopu_core::store::Store::open_reader(&data.join("record.db")).unwrap();
        record.document(doc).is_ok()
    };
    // Whichever of the two the record shows.
    for client in [&a, &b] {
        let erase = ["erase", "client", client, "--reason", "request"];
        let said = sopu(&data, &[&erase[..], &["--dry-run"]].concat()).unwrap();
        assert!(said.contains(&stays), "{said}");
        assert_eq!(said.contains(&note.to_string()), *client == a, "{said}");
        let said = sopu(&data, &erase).unwrap_err();
        assert!(said.contains("1 documents were not erased"), "{said}");
        assert!(there(contract) && !there(note));
    }
    let contract = contract.to_string();
    sopu(
        &data,
        &["erase", "document", &contract, "--reason", "request"],
    )
    .unwrap();
    for client in [&a, &b] {
        let said = sopu(&data, &["erase", "client", client, "--reason", "request"]).unwrap_err();
        assert!(said.contains("no document is about"), "{said}");
    }
}

#[test]
fn an_id_that_no_document_names_is_not_taken_for_somebody_of_whom_nothing_is_kept() {
    let [a, b, nobody] = [1, 2, 3].map(|n| uuid::Uuid::from_u128(n).to_string());
    let (dir, ..) = disputed(&a, &b);
    let data = dir.path().join("data");
    let words = format!("no document is about {nobody}");
    for args in [
        &["erase", "client", &nobody, "--reason", "request"][..],
        &[
            "erase",
            "client",
            &nobody,
            "--reason",
            "request",
            "--dry-run",
        ],
        &["audit", "access", "--subject", &nobody],
    ] {
        let said = sopu(&data, args).unwrap_err();
        assert!(said.contains(&words), "{said}");
    }
    for client in [&a, &b] {
        sopu(&data, &["audit", "access", "--subject", client]).unwrap();
    }
}
