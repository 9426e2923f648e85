//! What is read on a phone is in the access log once the phone has had contact, and costs nothing else.

#![expect(clippy::expect_used, reason = "a test")]

use serde_json::json;
use sopu_core::id::DocId;
use sopu_server::access::log;
use sopu_server::access::roles::Role;
use sopu_tests::World;

fn readers(world: &World, doc: DocId) -> Vec<String> {
    world.admin(|db| {
        assert_eq!(log::verify(db).expect("verifies"), None);
        let rows = log::of_document(db, doc, 100).expect("reads");
        let name = |row: &log::Entry| {
            let member = row.member.expect("somebody");
            let name = sopu_server::access::people::name_of(db, member);
            name.expect("reads").expect("has a name")
        };
        rows.iter()
            .filter(|row| row.action == "read_device")
            .map(name)
            .collect()
    })
}

#[test]
fn what_was_read_without_signal_is_in_the_access_log_after_the_next_sync() {
    let world = World::new();
    let space = world.space("Kotihoito, Mäkelä");
    let maria = world.member("Maria Niemi", Role::Field, &[space]);
    let aino = world.member("Aino Laakso", Role::Field, &[space]);
    let mut maria = world.phone("maria", maria);
    let mut aino = world.phone("aino", aino);
    let doc = maria.note(space, json!({"summary": "Aamukäynti"}));
    maria.sync(&world);
    world.settle();
    aino.sync(&world);
    assert_eq!(readers(&world, doc), [""; 0]);
    for _ in 0..3 {
        aino.read(doc);
    }
    assert_eq!(readers(&world, doc), [""; 0], "no contact yet");
    // Closed and opened again in between.
    aino.close();
    aino.open();
    aino.read(doc);
    assert_eq!(aino.sync(&world).requests, 1);
    assert_eq!(readers(&world, doc), ["Aino Laakso"]);
    let quiet = aino.sync(&world);
    assert_eq!(quiet.requests, 1);
    assert!(
        quiet.bytes_up < 100,
        "{} B and nothing to tell",
        quiet.bytes_up
    );
}
