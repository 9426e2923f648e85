//! What a copy of a store does once it has a name of its own.

use super::*;

/// A line on which another device syncs just before this one's first offers arrive.
struct Meanwhile<'w> {
    line: Line<'w>,
    other: Mutex<Option<(Device, Line<'w>)>>,
}

impl Transport for Meanwhile<'_> {
    fn post(&self, post: Post) -> Result<Reply, TransportError> {
        let plain = match post.encoding {
            Some(_) => sopu_core::compress::decompress(&post.body, 1 << 24).expect("unpacks"),
            None => post.body.clone(),
        };
        let request: SyncRequest = minicbor::decode(&plain).expect("reads");
        let mut other = self.other.lock().expect("is whole");
        if let Some((mut device, line)) = other.take_if(|_| !request.offers.is_empty()) {
            device.sync(&line).expect("syncs");
        }
        self.line.post(post)
    }
}

/// The relay came back without what only one of two copies has, and finds out that there are two when that one
/// offers it: it is to enrol again first, and what it offered is not refused for good.
#[test]
fn what_a_copy_offered_before_it_enrolled_again_is_offered_again() {
    let mut world = world(11);
    let other = other_instance(&mut world, 2);
    let before = world.house().disk.files();
    let doc = note(&mut world, 2, "alku");
    for _ in 0..2 {
        world.sync_now(2).expect("syncs");
        merge(&world);
    }
    go_back(&mut world, before);
    // The other copy's request comes between hearing what is lost and offering it.
    let line = |number: usize| Line::new(Some(world.relay()), None, world.pockets[number].id());
    let twin = world.pockets[other].second().expect("opens");
    let meanwhile = Meanwhile {
        line: line(2),
        other: Mutex::new(Some((twin, line(other)))),
    };
    let mut device = world.pockets[2].second().expect("opens");
    device.sync(&meanwhile).expect("syncs");
    assert!(meanwhile.other.lock().expect("is whole").is_none());
    drop(meanwhile);
    drop(device);
    world.pockets[2].restart();
    assert!(world.pockets[2].look().must_enrol_again().expect("reads"));
    world.enrol_if_told(2);
    for _ in 0..3 {
        for number in [2, 0] {
            world.sync_now(number).expect("syncs");
            merge(&world);
        }
    }
    let read = world.pockets[0].device().read(doc).expect("reads");
    assert_eq!(read.value["summary"], "alku");
}

/// A copy that enrolled again brings work it had signed under its old name, which waits for a decision: it hears
/// that under its new one.
#[test]
fn a_copy_that_enrolled_again_hears_what_became_of_the_work_of_its_old_name() {
    let mut world = world(12);
    let other = other_instance(&mut world, 2);
    world.sync_now(other).expect("syncs");
    let doc = note(&mut world, 2, "alku");
    world.sync_now(2).expect("syncs");
    let held = |world: &Storm| world.pockets[2].look().backlog().expect("reads").held;
    assert_eq!(held(&world), 1);
    world.enrol_if_told(2);
    world.sync_now(2).expect("syncs");
    assert_eq!(held(&world), 1);
    let conn = world.pockets[2].look().store().conn();
    let id = outbox::unsettled(conn, Some(doc)).expect("reads")[0].id;
    assert!(world.relay().drop_held(id).expect("drops"));
    for _ in 0..3 {
        world.sync_now(2).expect("syncs");
        merge(&world);
    }
    assert_eq!(held(&world), 0);
    let conn = world.pockets[2].look().store().conn();
    let drafts = draft::drafts(conn).expect("reads");
    assert!(
        drafts
            .iter()
            .any(|draft| draft.doc == doc && draft.value["summary"] == "alku")
    );
}
