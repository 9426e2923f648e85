//! The model finds out what replicas alone could not tell.

#![expect(clippy::expect_used, reason = "a test")]

use serde_json::{Value, json};
use sopu_core::id::MemberId;
use sopu_core::read::{read, version};
use sopu_core::save::{SaveContext, create, save};
use sopu_core::time::SystemEnv;
use uuid::Uuid;

use super::*;

const NOTE: Kind = Kind::VisitNote;
const DOC: DocId = DocId(Uuid::from_u128(1));

fn ctx(who: u8, at_ms: i64) -> SaveContext<'static> {
    SaveContext {
        actor: [who; 16],
        by: MemberId(Uuid::from_u128(who.into())),
        at_ms,
        env: &SystemEnv,
    }
}

fn edit(at_ms: i64, writes: Vec<Write>) -> Edit {
    Edit {
        doc: DOC,
        by: 0,
        at_ms,
        writes,
        sure: true,
        lost: false,
        delivered: false,
        hostile: false,
    }
}

fn letter(letter: char, after: Option<char>) -> Write {
    Write::Letter {
        path: "summary".into(),
        letter,
        after,
        before: None,
    }
}

/// Two people at once: a tag each, a letter each, and two outcomes.
fn two_at_once() -> (Model, Automerge) {
    let mut model = Model::default();
    let (mut one, saved) = create(NOTE, &json!({"summary": "a"}), &ctx(1, 1)).expect("creates");
    model.note(edit(1, vec![letter('a', None)]));
    let mut two = one.clone();
    for (who, doc, at_ms, l, outcome) in [
        (1, &mut one, 2, 'b', "partial"),
        (2, &mut two, 3, 'c', "refused"),
    ] {
        let value = json!({"summary": format!("a{l}"), "tags": [l.to_string()], "outcome": outcome,
            "created_at": Value::Null});
        save(doc, NOTE, &saved.version, &value, &ctx(who, at_ms)).expect("saves");
        model.note(edit(
            at_ms,
            vec![
                letter(l, Some('a')),
                Write::In("tags".into(), l.to_string()),
                Write::Multi("outcome".into(), json!(outcome)),
            ],
        ));
    }
    one.merge(&mut two).expect("merges");
    (model, one)
}

fn judged(mut model: Model, am: &Automerge, reading: Reading) -> Result<(), String> {
    let changes = model.changes(DOC, am, NOTE)?;
    model.judge(DOC, &version(am), &changes, reading)
}

#[test]
fn what_two_people_wrote_at_once_is_expected_with_its_conflict() {
    let (model, am) = two_at_once();
    let reading = read(&am, NOTE);
    assert_eq!(reading.conflicts.len(), 1);
    assert_eq!(judged(model, &am, reading), Ok(()));
}

#[test]
fn a_lost_tag_a_lost_or_doubled_letter_and_a_settled_conflict_are_found_out() {
    let spoil: [fn(&mut Reading); 6] = [
        |r| r.value["tags"] = json!(["b"]),
        |r| r.value["tags"] = json!(["b", "c", "d"]),
        |r| r.value["summary"] = json!("ab"),
        |r| r.value["summary"] = json!("abcb"),
        |r| r.value["summary"] = json!("bac"),
        |r| r.conflicts.clear(),
    ];
    for (number, spoil) in spoil.iter().enumerate() {
        let (model, am) = two_at_once();
        let mut reading = read(&am, NOTE);
        spoil(&mut reading);
        assert!(judged(model, &am, reading).is_err(), "{number}");
    }
}

#[test]
fn a_change_nobody_made_and_an_edit_that_is_in_it_twice_are_found_out() {
    let (mut model, mut am) = two_at_once();
    let value = json!({"summary": "x"});
    let at = version(&am);
    save(&mut am, NOTE, &at, &value, &ctx(3, 9)).expect("saves");
    assert!(model.changes(DOC, &am, NOTE).is_err());

    let (model, mut am) = two_at_once();
    let at = version(&am);
    let mut value = read(&am, NOTE).value;
    value["km"] = json!("4");
    save(&mut am, NOTE, &at, &value, &ctx(3, 2)).expect("saves under an old time");
    let reading = read(&am, NOTE);
    let found = judged(model, &am, reading).expect_err("found out");
    assert!(found.contains("twice"), "{found}");
}

#[test]
fn other_readings_at_the_same_heads_are_found_out() {
    let (mut model, am) = two_at_once();
    let changes = model.changes(DOC, &am, NOTE).expect("known");
    let (heads, reading) = (version(&am), read(&am, NOTE));
    let first = model.judge(DOC, &heads, &changes, reading.clone());
    assert_eq!(first, Ok(()));
    let mut other = reading;
    other.value["outcome"] = other.conflicts[0].values[0].value.clone();
    assert!(model.judge(DOC, &heads, &changes, other).is_err());
}

#[test]
fn a_status_raised_where_another_has_raised_it_as_far_is_not_lost_and_one_without_its_mark_is() {
    let codes = &["planned", "started", "done"];
    let (doc, _) = create(NOTE, &json!({"status": "started"}), &ctx(1, 1)).expect("creates");
    let raise = |round, rank| Write::Raise("status".into(), round, rank, codes);
    assert!(edit(2, vec![raise(0, 1)]).only_raises_what_stands(&doc));
    for lost in [
        vec![raise(0, 2)],
        vec![raise(1, 1)],
        vec![raise(0, 1), letter('a', None)],
    ] {
        assert!(!edit(2, lost).only_raises_what_stands(&doc));
    }
}
