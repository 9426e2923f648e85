use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::json;
use uuid::Uuid;

use super::*;
use crate::read::{read, version};
use crate::save::{SaveContext, create, reopen, save};
use crate::time::Env;

/// A clock that stands and randomness that counts.
struct Counting(AtomicU64);

impl Env for Counting {
    fn now_ms(&self) -> i64 {
        1_790_000_000_000
    }

    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(0);
        let n = self.0.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        let at = bytes.len() - n.len();
        bytes[at..].copy_from_slice(&n);
    }
}

static ENV: Counting = Counting(AtomicU64::new(1));
const NOTE: Kind = Kind::VisitNote;

fn member(n: u8) -> MemberId {
    MemberId(Uuid::from_bytes([n; 16]))
}

fn key(n: u8) -> String {
    Uuid::from_bytes([n; 16]).to_string()
}

fn ctx(device: u8) -> SaveContext<'static> {
    SaveContext {
        actor: [device; 16],
        by: member(device),
        at_ms: ENV.now_ms(),
        env: &ENV,
    }
}

fn note(value: Value) -> Automerge {
    create(NOTE, &value, &ctx(1)).expect("creates").0
}

/// The member of device n saves the document's own value after `change`.
fn edit(doc: &mut Automerge, device: u8, change: impl FnOnce(&mut Value)) {
    let mut value = read(doc, NOTE).value;
    change(&mut value);
    save(doc, NOTE, &version(doc), &value, &ctx(device)).expect("saves");
}

/// Device n writes on a copy from before and both are merged.
fn meanwhile(before: &Automerge, doc: &mut Automerge, device: u8, change: impl FnOnce(&mut Value)) {
    let mut other = before.clone();
    edit(&mut other, device, change);
    doc.merge(&mut other).expect("merges");
}

/// Every change is its device's member's.
fn traced(doc: &Automerge) -> Trace {
    let by_hash: BTreeMap<Hash, MemberId> = doc
        .get_changes(&[])
        .iter()
        .map(|change| {
            (
                change.hash().into(),
                member(*change.actor_id().to_bytes().last().expect("16 bytes")),
            )
        })
        .collect();
    trace(doc, NOTE, &read(doc, NOTE), &|hash| {
        by_hash.get(hash).copied()
    })
}

fn with_entry() -> Automerge {
    note(json!({"entries": { key(9): {"text": "Söi hyvin", "author": member(1).to_string()} }}))
}

#[test]
fn an_edit_inside_an_item_removed_meanwhile_is_traced() {
    let before = note(json!({"tasks": { key(9): {"plan_item": "pesu", "state": "todo"} }}));
    let mut doc = before.clone();
    edit(&mut doc, 1, |value| value["tasks"] = json!({}));
    assert_eq!(
        traced(&doc),
        Trace::default(),
        "a plain removal is nothing to look at"
    );
    meanwhile(&before, &mut doc, 2, |value| {
        value["tasks"][key(9)]["state"] = json!("done")
    });
    assert_eq!(
        traced(&doc).edited_after_removal,
        BTreeSet::from([format!("tasks.{}", key(9))])
    );
}

#[test]
fn what_was_edited_before_the_removal_is_not_traced() {
    let mut doc = note(json!({"tasks": { key(9): {"plan_item": "pesu", "state": "todo"} }}));
    edit(&mut doc, 2, |value| {
        value["tasks"][key(9)]["state"] = json!("done")
    });
    edit(&mut doc, 1, |value| value["tasks"] = json!({}));
    assert_eq!(traced(&doc), Trace::default());
}

#[test]
fn an_entry_is_its_authors_to_edit() {
    let mut doc = with_entry();
    edit(&mut doc, 1, |value| {
        value["entries"][key(9)]["text"] = json!("Söi hyvin ja nukkui")
    });
    assert_eq!(traced(&doc), Trace::default());
}

#[test]
fn another_member_writing_in_an_entry_recoding_or_removing_it_is_traced() {
    let changes: [fn(&mut Value); 3] = [
        |value| value["entries"][key(9)]["text"] = json!("Söi huonosti"),
        |value| value["entries"][key(9)]["heading"] = json!("sleep"),
        |value| value["entries"] = json!({}),
    ];
    for change in changes {
        let mut doc = with_entry();
        edit(&mut doc, 2, change);
        let by_others = traced(&doc).edited_by_others;
        assert_eq!(
            by_others,
            BTreeMap::from([(format!("entries.{}", key(9)), BTreeSet::from([member(2)]))])
        );
    }
}

#[test]
fn another_members_own_entry_and_changes_of_nobody_known_are_not_traced() {
    let mut doc = with_entry();
    edit(&mut doc, 2, |value| {
        value["entries"][key(8)] =
            json!({"text": "Uni levotonta", "author": member(2).to_string()});
    });
    assert_eq!(traced(&doc), Trace::default());
    edit(&mut doc, 2, |value| {
        value["entries"][key(9)]["text"] = json!("Söi huonosti")
    });
    let unknown = trace(&doc, NOTE, &read(&doc, NOTE), &|_| None);
    assert_eq!(unknown, Trace::default());
}

#[test]
fn a_change_after_finalising_is_traced_by_its_field() {
    let mut doc = with_entry();
    let before = doc.clone();
    edit(&mut doc, 1, |value| value["status"] = json!("finalised"));
    assert_eq!(traced(&doc), Trace::default());
    edit(&mut doc, 1, |value| value["km"] = json!("12"));
    meanwhile(&before, &mut doc, 2, |value| {
        value["summary"] = json!("Kirjoitettu ilman verkkoa")
    });
    assert_eq!(
        traced(&doc).changed_after_final,
        BTreeSet::from(["km".to_owned(), "summary".to_owned()])
    );
}

#[test]
fn the_trail_of_a_finalised_note_may_grow() {
    let mut doc = with_entry();
    edit(&mut doc, 1, |value| value["status"] = json!("finalised"));
    edit(&mut doc, 2, |value| {
        value["status"] = json!("approved");
        value["corrections"] =
            json!({ key(7): {"field": "km", "new": "12", "why": "kirjoitusvirhe"} });
        value["quota_entries"] = json!({ key(6): {"qty": "2.5"} });
        value["tags"] = json!(["tarkistettu"]);
    });
    assert_eq!(traced(&doc), Trace::default());
}

#[test]
fn a_reopened_note_may_be_edited_until_it_is_finalised_again() {
    let mut doc = with_entry();
    edit(&mut doc, 1, |value| value["status"] = json!("finalised"));
    let at = version(&doc);
    reopen(&mut doc, NOTE, &at, "status", "done", &ctx(1)).expect("reopens");
    edit(&mut doc, 1, |value| value["km"] = json!("12"));
    assert_eq!(traced(&doc), Trace::default());
    edit(&mut doc, 1, |value| value["status"] = json!("finalised"));
    assert_eq!(traced(&doc), Trace::default());
    edit(&mut doc, 1, |value| value["km"] = json!("13"));
    assert_eq!(
        traced(&doc).changed_after_final,
        BTreeSet::from(["km".to_owned()])
    );
}
