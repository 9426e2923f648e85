//! Writes from the office pages.

use serde_json::json;
use sopu_core::documents::Kind;
use sopu_core::id::DocId;
use sopu_core::read::version;
use sopu_core::save::save;
use sopu_core::wire::Verdict;

use super::world::World;
use crate::access::Role;
use crate::relay::OfficeWriteError;

fn tag(
    world: &World,
    member: sopu_core::id::MemberId,
    doc: DocId,
    tags: &[&str],
) -> Result<Option<Verdict>, OfficeWriteError> {
    let value = json!({ "tags": tags });
    world
        .relay
        .office_write(member, world.space, doc, Kind::VisitNote, |am, ctx| {
            let at = version(am);
            save(am, Kind::VisitNote, &at, &value, ctx).map(|_| ())
        })
}

#[test]
fn an_office_edit_is_in_the_feed_when_it_returns_and_marked_as_the_offices() {
    let mut world = World::new();
    let clerk = world.member(Role::Office);
    let phone = world.phone(Role::Field);
    let (note, sealed) = phone.note(world.space, "a");
    world.push(&phone, &[&sealed.envelope]);
    // What waits is merged first, so the edit is made on it.
    assert_eq!(
        tag(&world, clerk, note.id, &["a", "b"]).unwrap(),
        Some(Verdict::Fed(2))
    );
    assert_eq!(
        tag(&world, clerk, note.id, &["a", "b"]).unwrap(),
        None,
        "nothing changed"
    );
    assert_eq!(
        tag(&world, clerk, note.id, &["b"]).unwrap(),
        Some(Verdict::Fed(3))
    );
    let roster = world.pull(&phone, &[]).pages[0].roster.clone().unwrap();
    assert_eq!(
        roster
            .iter()
            .filter(|row| row.office && row.member == clerk)
            .count(),
        1
    );
    let world = world.reopen();
    assert_eq!(
        tag(&world, clerk, note.id, &["c"]).unwrap(),
        Some(Verdict::Fed(4)),
        "the same identity"
    );
}

#[test]
fn the_key_of_an_office_identity_is_not_in_the_database() {
    let mut world = World::new();
    let clerk = world.member(Role::Office);
    let doc = DocId::mint(&*world.clock);
    tag(&world, clerk, doc, &["a"]).unwrap();
    let (device, _) = world
        .relay
        .commits
        .read(|store| store.office_identity(clerk))
        .unwrap()
        .unwrap();
    let seed = world.relay.keys.office_key(device).to_bytes();
    for name in [crate::relay::DATABASE, "relay.db-wal"] {
        let bytes = std::fs::read(world.folder.join(name)).unwrap();
        assert!(!bytes.windows(32).any(|window| window == seed), "{name}");
    }
}

#[test]
fn someone_without_the_right_writes_nothing() {
    let mut world = World::new();
    let reader = world.member(Role::Reader);
    let doc = DocId::mint(&*world.clock);
    let before = world.fingerprint();
    assert!(matches!(
        tag(&world, reader, doc, &["a"]),
        Err(OfficeWriteError::NotAllowed)
    ));
    assert_eq!(world.fingerprint(), before);
}
