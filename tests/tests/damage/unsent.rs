//! Unsent work in a damaged document delays and keeps nothing else.

use rusqlite::Connection;
use serde_json::json;
use sopu_core::id::{DocId, MemberId, SpaceId};
use sopu_core::store::{draft, space};
use sopu_core::time::Env;
use sopu_server::access::people::{self, Party};
use sopu_server::access::roles::Role;
use sopu_tests::{Phone, World};

/// A phone with unsent notes: sealed while the relay was away, and not sealed yet; of each the first one is
/// damaged.
struct Damaged {
    world: World,
    space: SpaceId,
    member: MemberId,
    phone: Phone,
    sealed: [DocId; 2],
    unsealed: [DocId; 2],
}

impl Damaged {
    fn new() -> Self {
        let mut world = World::new();
        let space = world.space("Koivula");
        let member = world.member("Aino", Role::Owner, &[space]);
        let mut phone = world.phone("aino", member);
        phone.sync(&world);
        let line = world.transport();
        world.stop();
        let note = |phone: &mut Phone, text: &str| phone.note(space, json!({"summary": text}));
        let sealed = [note(&mut phone, "yksi"), note(&mut phone, "kaksi")];
        assert!(phone.device().sync(&line).is_err());
        let unsealed = [note(&mut phone, "kolme"), note(&mut phone, "neljä")];
        phone.close();
        let db = Connection::open(phone.store_file()).expect("opens");
        for doc in [sealed[0], unsealed[0]] {
            let n = "(SELECT n FROM document WHERE id = ?1)";
            let damage = format!("UPDATE change SET bytes = x'00' WHERE doc = {n}");
            assert_eq!(db.execute(&damage, [doc]).expect("damages"), 1);
        }
        let damage = "UPDATE envelope SET run = x'00' WHERE doc = ?1";
        assert_eq!(db.execute(damage, [sealed[0]]).expect("damages"), 1);
        drop(db);
        world.start();
        phone.open();
        Self {
            world,
            space,
            member,
            phone,
            sealed,
            unsealed,
        }
    }

    /// Whether the relay has the notes, in the record or for the office to look at.
    fn arrived(&self) -> [bool; 4] {
        self.world.settle();
        let kept = self.world.relay().quarantine(10).expect("reads");
        let record = self.world.relay().record();
        [self.sealed, self.unsealed]
            .as_flattened()
            .iter()
            .map(|doc| {
                record.store().document(*doc).is_ok() || kept.iter().any(|row| row.doc == *doc)
            })
            .collect::<Vec<_>>()
            .try_into()
            .expect("four")
    }
}

#[test]
fn a_damaged_document_with_unsent_work_delays_no_other() {
    let mut scene = Damaged::new();
    for _ in 0..3 {
        let report = scene.phone.sync(&scene.world);
        // A few while the relay is still merging; a damaged document must not make it ask for ever.
        assert!(report.requests < 12, "{report:?}");
        scene.world.settle();
    }
    let record = scene.world.relay().record();
    let there = |doc| record.store().document(doc).is_ok();
    assert_eq!(scene.sealed.map(there), [false, true]);
    assert_eq!(scene.unsealed.map(there), [false, true]);
    let marks = draft::quarantined(scene.phone.device().store().conn()).expect("reads");
    let marks: Vec<_> = marks.iter().map(|mark| (mark.doc, &*mark.reason)).collect();
    assert_eq!(marks, [(scene.unsealed[0], "damaged_here")]);
}

#[test]
fn damaged_work_does_not_keep_a_cut_off_device_from_being_wiped() {
    let mut scene = Damaged::new();
    let device = scene.phone.device().identity().expect("enrolled").device;
    scene.world.relay().revoke(device).expect("revokes");
    let report = scene.phone.sync(&scene.world);
    assert_eq!((report.wiped, report.left_out), (true, 2), "{report:?}");
    assert_eq!(scene.arrived(), [false, true, false, true]);
}

#[test]
fn damaged_work_does_not_keep_a_space_that_was_left() {
    let mut scene = Damaged::new();
    let (space, member) = (scene.space, scene.member);
    let now_ms = scene.world.clock.now_ms();
    scene.world.admin(|db| {
        assert!(people::revoke(db, space, Party::Member(member), now_ms).expect("revokes"));
    });
    let mut left_out = 0;
    for _ in 0..3 {
        left_out += scene.phone.sync(&scene.world).left_out;
        scene.world.settle();
    }
    let store = scene.phone.device().store();
    assert_eq!(space::held(store.conn()).expect("reads"), []);
    assert_eq!(left_out, 2);
    assert_eq!(scene.arrived(), [false, true, false, true]);
}
