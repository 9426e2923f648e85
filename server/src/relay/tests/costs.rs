//! How many statements a push takes: they are what its CPU goes into beside the guard.

use serde_json::json;
use sopu_core::documents::Kind;
use sopu_core::envelope::{Envelope, encode};
use sopu_core::run::seal;
use sopu_core::save::{SaveContext, save};
use sopu_core::{envelope::actor_id, read::version};

use super::world::{Note, Phone, World};
use crate::access::Role;
use crate::feed::accept::{self, Arrival};
use crate::feed::known::Known;
use crate::store::sqlite::SqliteStore;
use crate::store::{Purpose, Transactions};

/// A note of so many changes in one run.
fn typed(phone: &Phone, world: &World, changes: usize) -> Envelope {
    let mut note = Note::new(phone, world.space, Kind::VisitNote);
    let sealing = phone.sealing(world.space, note.id, note.kind);
    let context = SaveContext {
        actor: actor_id(&phone.key.verifying_key(), world.space, &sealing.epoch),
        by: phone.member,
        at_ms: world.now(),
        env: &*world.clock,
    };
    let genesis = note.am.get_heads();
    for step in 0..changes {
        let at = version(&note.am);
        let value = json!({ "summary": format!("kirjaus {step}") });
        save(&mut note.am, note.kind, &at, &value, &context).unwrap();
    }
    let made = note.am.get_changes(&genesis);
    let changes: Vec<Vec<u8>> = made.iter().map(|c| c.raw_bytes().to_vec()).collect();
    seal(sealing, &changes, &phone.key).unwrap().envelope
}

#[test]
fn a_push_takes_one_statement_a_change_and_a_few_an_envelope() {
    let mut world = World::new();
    let phone = world.phone(Role::Field);
    let mut store = SqliteStore::open_with(&world.folder.database(), world.folder.key()).unwrap();
    let arrival = Arrival {
        instance: Some([1; 16]),
        now_ms: world.now(),
        offset_ms: 0,
    };
    let mut known = Known::default();
    let mut cost = |changes| {
        let bytes = encode(&typed(&phone, &world, changes));
        let before = store.statements();
        let sound = accept::examine(&mut store, &mut known, &bytes);
        let sound = sound.unwrap().unwrap();
        store.begin(Purpose::Write).unwrap();
        let bearer = sound.header().device;
        sound.take(&mut store, &mut known, arrival, bearer).unwrap();
        store.commit().unwrap();
        store.statements() - before
    };
    let (first, one, ten, fifty) = (cost(1), cost(1), cost(10), cost(50));
    assert_eq!((ten - one, fifty - ten), (9, 40), "one a change");
    // Document, envelope, claims, whether it is replaced; then document, envelope, change.
    assert_eq!(one, 7, "for an envelope of one change");
    assert_eq!(
        first - one,
        4,
        "the device, its space and its rights are looked up once"
    );
}
