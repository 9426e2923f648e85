//! A device mends its damaged store just when the relay has come back from a backup.

use serde_json::json;
use sopu_server::access::roles::Role;
use sopu_server::backup;
use sopu_tests::World;

use crate::disk_lost::{agree, content, disk_lost};

/// With `heard` the device knows what the relay has lost when its store is damaged, and has offered nothing.
fn mended(heard: bool) {
    let mut world = World::new();
    let space = world.space("Koivula");
    let member = |name| world.member(name, Role::Field, &[space]);
    let (aino_member, petri_member) = (member("Aino"), member("Petri"));
    let mut aino = world.phone("aino", aino_member);
    let mut petri = world.phone("petri", petri_member);
    let early = aino.note(space, json!({"summary": "alku"}));
    agree(&world, &mut [&mut aino, &mut petri], space);
    let backup = world.folder().join("backup");
    backup::take(world.data(), &backup, &*world.clock, &mut |_, _| {}).expect("is taken");

    // In the record, and on Aino's phone only: hers, and what the phone wrote that is gone.
    let own = aino.note(space, json!({"summary": "oma"}));
    let other = petri.note(space, json!({"summary": "toisen"}));
    petri.edit(early, json!({"summary": "alku ja jatko"}));
    agree(&world, &mut [&mut aino, &mut petri], space);
    disk_lost(&mut world, &backup, true);
    drop(petri);
    if heard {
        let line = world.transport();
        aino.device().sync_for(&line, 1).expect("hears of it");
    }
    let salvaged = aino.mend();
    assert_eq!((salvaged.documents, salvaged.damaged), (3, 0));

    agree(&world, &mut [&mut aino], space);
    let record = content(world.relay().record().store(), space);
    assert!(record.contains_key(&own), "what is one's own");
    assert!(record.contains_key(&other), "and what is not");
    assert_eq!(aino.read(early).value["summary"], "alku ja jatko");
}

#[test]
fn a_mended_store_brings_back_what_the_relay_lost() {
    mended(false);
}

#[test]
fn a_mended_store_brings_back_what_it_was_about_to_bring_back() {
    mended(true);
}
