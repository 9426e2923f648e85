//! What heads say of a document, and what its bytes do not.

use automerge::Automerge;
use serde_json::json;

use super::tests::{NOTE, ctx, edit, note, now};
use super::*;
use crate::canonical;
use crate::read::version;

/// A note, and what three people made of it at once.
fn at_once() -> (Automerge, Vec<automerge::Change>) {
    let base = note(json!({"summary": "Sää on kaunis"}));
    let at = version(&base);
    let edits = [
        json!({"outcome": "partial"}),
        json!({"outcome": "refused", "km": "12"}),
        json!({"summary": "Sää oli kaunis"}),
    ];
    let changes = (2..).zip(edits).map(|(device, change)| {
        let mut theirs = base.clone();
        edit(&mut theirs, device, &at, change);
        theirs.get_last_local_change().expect("a change")
    });
    let changes = changes.collect();
    (base, changes)
}

#[test]
fn equal_heads_reached_in_other_orders_save_to_other_bytes_and_read_the_same() {
    let (base, changes) = at_once();
    let reached = |order: [usize; 3]| {
        let mut doc = base.clone();
        for place in order {
            doc.apply_changes([changes[place].clone()])
                .expect("applies");
        }
        doc
    };
    let (one, other) = (reached([0, 1, 2]), reached([2, 1, 0]));
    assert_ne!(
        one.save(),
        other.save(),
        "so bytes do not tell replicas apart"
    );
    assert_eq!(version(&one), version(&other));
    let (mine, theirs) = (now(&one), now(&other));
    assert_eq!(mine.conflicts.len(), 1, "both outcomes");
    assert_eq!(mine, theirs);
    assert_eq!(
        canonical::to_cbor(&mine.value),
        canonical::to_cbor(&theirs.value)
    );
    for doc in [&one, &other] {
        let loaded = Automerge::load(&doc.save()).expect("loads");
        assert_eq!((version(&loaded), now(&loaded)), (version(&one), now(&one)));
    }
}

#[test]
fn concurrent_heads_are_one_version_in_whatever_order_they_are_told() {
    let (mut doc, changes) = at_once();
    doc.apply_changes(changes.clone()).expect("applies");
    let heads: Vec<Hash> = changes.iter().map(|change| change.hash().into()).collect();
    let told = version(&doc);
    assert_eq!(told.heads().len(), 3);
    // Later than these, so that a save has to go back to them.
    edit(&mut doc, 1, &told, json!({"km": "7"}));
    for order in [
        [0, 1, 2],
        [0, 2, 1],
        [1, 0, 2],
        [1, 2, 0],
        [2, 0, 1],
        [2, 1, 0],
    ] {
        let at = Version::new(order.map(|place| heads[place]));
        assert_eq!(at, told);
        assert_eq!(at.to_string(), told.to_string());
        assert_eq!(Version::from_bytes(&at.to_bytes()), Some(told.clone()));
        let mut copy = doc.clone();
        let saved = save(&mut copy, NOTE, &at, &json!({"summary": "Sade"}), &ctx(5));
        assert_eq!(saved.expect("saves").changes.len(), 1, "{order:?}");
    }
}
