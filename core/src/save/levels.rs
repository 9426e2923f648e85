//! Levels: what Automerge adds to an actor that saves at a version without its own newest change.

use std::collections::BTreeSet;

use automerge::Automerge;
use serde_json::json;

use super::tests::{edit, merge, note, now};
use super::*;
use crate::read::version;

/// Of all changes by the first device.
fn levels(doc: &Automerge) -> Vec<u8> {
    doc.get_changes(&[])
        .iter()
        .filter_map(|change| level_of(change.actor_id().to_bytes(), &[1; 16]))
        .collect()
}

#[test]
fn a_form_that_moves_its_version_mints_no_second_actor() {
    let mut doc = note(json!({"summary": "a"}));
    let mut at = version(&doc);
    let mut theirs = doc.clone();
    edit(&mut theirs, 2, &at, json!({"km": "1"}));
    merge(&mut doc, &mut theirs);
    for n in 0..20 {
        at = edit(&mut doc, 1, &at, json!({"summary": format!("a{n}")})).version;
    }
    assert!(levels(&doc).iter().all(|level| *level == 0));
}

#[test]
fn a_form_that_never_moves_its_version_stays_within_the_level_cap_and_is_told_the_merged_value() {
    let mut doc = note(json!({"summary": "Öljyä"}));
    let at = version(&doc);
    let mut merged = 0;
    for n in 0..20 {
        let saved = edit(
            &mut doc,
            1,
            &at,
            json!({"summary": format!("Öljyä {n}"), "km": n.to_string()}),
        );
        if let Some(value) = &saved.merged {
            merged += 1;
            assert_eq!(*value, now(&doc).value);
            assert_eq!(saved.version, version(&doc));
        }
    }
    assert_eq!(levels(&doc).into_iter().max(), Some(MAX_LEVEL));
    assert_eq!(merged, 20 - 9, "levels 0 to 8 are used, then it replays");
    assert_eq!(now(&doc).value["km"], "19");
}

#[test]
fn two_forms_and_a_list_use_two_levels_over_and_over() {
    let mut doc = note(json!({"summary": "Öljyä"}));
    let [mut first, mut second] = [version(&doc), version(&doc)];
    for n in 0..20 {
        let saved = edit(
            &mut doc,
            1,
            &first,
            json!({"summary": format!("Öljyä {n}")}),
        );
        assert_eq!(saved.merged, None, "nothing had to be replayed");
        first = saved.version;
        let saved = edit(&mut doc, 1, &second, json!({"km": n.to_string()}));
        assert_eq!(saved.merged, None, "nothing had to be replayed");
        second = saved.version;
        // A list shows what there is, and saves at that: whatever was written is covered.
        let at = version(&doc);
        let tags = if n % 2 == 0 {
            json!(["energia"])
        } else {
            json!([])
        };
        edit(&mut doc, 1, &at, json!({"tags": tags}));
    }
    let levels = levels(&doc);
    assert_eq!(levels.len(), 61);
    let used: BTreeSet<u8> = levels.into_iter().collect();
    assert_eq!(used, BTreeSet::from([0, 1, 2]));
    let value = now(&doc).value;
    assert_eq!(
        (&value["summary"], &value["km"]),
        (&json!("Öljyä 19"), &json!("19"))
    );
}
