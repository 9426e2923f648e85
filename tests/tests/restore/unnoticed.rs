//! A database goes back and nobody is told.

use serde_json::json;
use sopu_core::documents::Kind;
use sopu_core::id::{DocId, MemberId, SpaceId};
use sopu_core::read::{read, version};
use sopu_core::save::save;
use sopu_core::wire::Verdict;
use sopu_server::access::roles::Role;
use sopu_tests::drill::Drill;

use super::disk_lost::{agree, content, office_note};
use sopu_tests::World;

/// Devices 0 and 1 have more of a feed than the relay; device 2 has not. It goes on first.
fn gone_back(drill: &mut Drill, keep_record: bool) {
    let space = drill.spaces[0];
    let doc = drill.note(0, space);
    drill.write(0, doc);
    for number in [0, 1, 2, 0, 1, 2] {
        drill.sync(number).expect("syncs");
        drill.merge();
    }
    let snapshot = drill.snapshot();
    for _ in 0..4 {
        drill.write(0, doc);
        for number in [0, 1] {
            drill.sync(number).expect("syncs");
            drill.merge();
        }
    }
    drill.sync(1).expect("syncs");
    drill.go_back(&snapshot, keep_record);
    for _ in 0..2 {
        drill.write(2, doc);
        drill.sync(2).expect("syncs");
        drill.merge();
    }
    // Who made what was lost never comes again.
    drill.destroy(0);
}

#[test]
fn a_database_that_went_back_unnoticed_and_went_on_since_is_brought_what_it_lacks() {
    for keep_record in [false, true] {
        let mut drill = Drill::new(5);
        gone_back(&mut drill, keep_record);
        drill.calm();
        drill.judge();
        assert!(drill.lost.is_empty(), "{:?}", drill.lost);
    }
}

#[test]
fn an_office_that_went_back_unnoticed_does_not_claim_again_what_it_had_claimed() {
    let mut world = World::new();
    let space = world.space("Koivula");
    let member = world.member("Aino", Role::Owner, &[space]);
    let mut aino = world.phone("aino", member);
    let doc = office_note(&world, member, space, "alku");
    agree(&world, &mut [&mut aino], space);
    let snapshot = world.folder().join("snapshot.db");
    let into = snapshot.display().to_string();
    world.admin(|db| db.execute("VACUUM INTO ?", [into]).expect("copies"));
    office_edit(&world, member, space, doc, &json!({"tags": ["lost"]}));
    agree(&world, &mut [&mut aino], space);
    world.stop();
    for name in ["relay.db", "record.db"] {
        for end in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(world.data().join(format!("{name}{end}")));
        }
    }
    std::fs::copy(&snapshot, world.data().join("relay.db")).expect("copies");
    world.start();
    office_edit(&world, member, space, doc, &json!({"summary": "uusi"}));
    agree(&world, &mut [&mut aino], space);
    let here = content(aino.device().store(), space);
    let value = here[&doc].1.value.clone();
    assert_eq!(value["tags"], json!(["lost"]));
    assert_eq!(value["summary"], json!("uusi"));
}

fn office_edit(
    world: &World,
    member: MemberId,
    space: SpaceId,
    doc: DocId,
    value: &serde_json::Value,
) {
    let written = world
        .relay()
        .office_write(member, space, doc, Kind::VisitNote, |am, ctx| {
            let heads = version(am);
            let mut all = read(am, Kind::VisitNote).value;
            for (field, value) in value.as_object().into_iter().flatten() {
                all[field.as_str()] = value.clone();
            }
            save(am, Kind::VisitNote, &heads, &all, ctx).map(|_| ())
        });
    assert!(matches!(written, Ok(Some(Verdict::Fed(_)))), "{written:?}");
}
