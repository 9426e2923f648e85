//! Each merge rule, held against whatever two people write while neither sees the other.

use automerge::ReadDoc;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::tests::{ctx, key};
use super::*;
use crate::guard::{Limits, trial};
use crate::read::{Reading, at_path, set_path, version};

/// Some field of a kind under a rule, whose values are plain codes or texts.
fn some_field(wanted: impl Fn(&Rule) -> bool) -> (Kind, &'static str) {
    let mut fields = Kind::ALL
        .into_iter()
        .flat_map(|kind| kind.spec().fields().map(move |field| (kind, field)));
    let found = fields.find(|(_, field)| {
        wanted(&field.rule) && matches!(field.ty, Type::Str(_) | Type::Code(_) | Type::Bool)
    });
    let (kind, field) = found.expect("a field under every rule");
    (kind, field.path)
}

use crate::documents::Type;

fn write(doc: &mut automerge::Automerge, kind: Kind, device: u8, path: &str, part: Value) {
    let at = version(doc);
    let Value::Object(mut object) = read(doc, kind).value else {
        panic!("an object")
    };
    set_path(&mut object, path, part);
    save(doc, kind, &at, &Value::Object(object), &ctx(device)).expect("saves");
}

/// Two people write to one field, each several times, neither seeing the other; then they meet.
fn meet(kind: Kind, path: &str, start: Option<Value>, sides: [Vec<Value>; 2]) -> Reading {
    let (mut one, _) = create(kind, &json!({}), &ctx(1)).expect("creates");
    if let Some(start) = start {
        write(&mut one, kind, 1, path, start);
    }
    let mut two = one.clone();
    let [mine, theirs] = sides;
    for value in mine {
        write(&mut one, kind, 1, path, value);
    }
    for value in theirs {
        write(&mut two, kind, 2, path, value);
    }
    let mut other = two.clone();
    other.merge(&mut one.clone()).expect("merges");
    one.merge(&mut two).expect("merges");
    assert_eq!(
        read(&one, kind),
        read(&other, kind),
        "the order of meeting does not matter"
    );
    read(&one, kind)
}

fn shown<'r>(reading: &'r Reading, path: &str) -> &'r Value {
    at_path(&reading.value, path).unwrap_or(&Value::Null)
}

fn word() -> impl Strategy<Value = String> {
    "[a-zåäö]{1,8}"
}

fn words() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(word(), 1..4)
}

fn strings(words: &[String]) -> Vec<Value> {
    words.iter().map(|word| json!(word)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn last_writer_wins_shows_one_of_the_last_values_and_no_conflict(mine in words(), theirs in words()) {
        let (kind, path) = some_field(|rule| matches!(rule, Rule::Lww));
        let reading = meet(kind, path, None, [strings(&mine), strings(&theirs)]);
        let last = [json!(mine.last()), json!(theirs.last())];
        prop_assert!(last.contains(shown(&reading, path)));
        prop_assert_eq!(reading.conflicts, []);
    }

    #[test]
    fn multi_value_keeps_both_last_values_and_is_a_conflict_only_if_they_differ(
        mine in words(),
        theirs in words(),
    ) {
        let (kind, path) = some_field(|rule| matches!(rule, Rule::Mvr));
        let reading = meet(kind, path, None, [strings(&mine), strings(&theirs)]);
        let (a, b) = (json!(mine.last()), json!(theirs.last()));
        if a == b {
            prop_assert_eq!(&reading.conflicts, &[]);
            prop_assert_eq!(shown(&reading, path), &a);
        } else {
            prop_assert_eq!(reading.conflicts.len(), 1);
            let values: Vec<&Value> =
                reading.conflicts[0].values.iter().map(|live| &live.value).collect();
            prop_assert!(values.len() == 2 && values.contains(&&a) && values.contains(&&b));
        }
    }

    #[test]
    fn an_immutable_field_keeps_its_first_value(start in word(), mine in words(), theirs in words()) {
        let (kind, path) = some_field(|rule| matches!(rule, Rule::Imm));
        let start = json!(start);
        let reading =
            meet(kind, path, Some(start.clone()), [strings(&mine), strings(&theirs)]);
        prop_assert_eq!(shown(&reading, path), &start);
    }

    #[test]
    fn a_raised_flag_stays_raised_beside_a_lowered_one(mine in any::<bool>(), theirs in any::<bool>()) {
        let (kind, path) = some_field(|rule| matches!(rule, Rule::FlagPlus));
        let reading = meet(kind, path, None, [vec![json!(mine)], vec![json!(theirs)]]);
        prop_assert_eq!(shown(&reading, path), &json!(mine || theirs));
    }

    #[test]
    fn the_greatest_of_concurrent_codes_is_shown(mine in 0..4usize, theirs in 0..4usize) {
        let codes = crate::documents::SENSITIVITY;
        let sides = [vec![json!(codes[mine])], vec![json!(codes[theirs])]];
        let reading = meet(Kind::VisitNote, "sensitivity", None, sides);
        prop_assert_eq!(shown(&reading, "sensitivity"), &json!(codes[mine.max(theirs)]));
    }

    #[test]
    fn a_status_is_the_highest_anyone_raised_it_to(mine in 0..6usize, theirs in 0..6usize) {
        let codes = crate::documents::visit_note::STATUS;
        let sides = [vec![json!(codes[mine])], vec![json!(codes[theirs])]];
        let reading = meet(Kind::VisitNote, "status", Some(json!(codes[0])), sides);
        prop_assert_eq!(shown(&reading, "status"), &json!(codes[mine.max(theirs)]));
    }

    #[test]
    fn an_element_added_again_wins_over_its_removal(keep in words(), add in words()) {
        let path = "tags";
        let kind = Kind::VisitNote;
        let start = json!(keep);
        // One takes everything out; the other takes one element out and puts it back, adds others.
        let mut there: Vec<String> = keep.clone();
        there.extend(add.clone());
        let without: Vec<&String> = keep.iter().filter(|word| **word != keep[0]).collect();
        let sides = [vec![json!([])], vec![json!(without), json!(there)]];
        let reading = meet(kind, path, Some(start), sides);
        let shown = shown(&reading, path);
        let inside = |word: &String| shown.as_array().is_some_and(|all| all.contains(&json!(word)));
        prop_assert!(inside(&keep[0]), "put back by one while the other removed it");
        prop_assert!(add.iter().all(|word| keep.contains(word) || inside(word)));
    }

    #[test]
    fn a_log_keeps_every_entry_of_both_once(mine in 1..5u8, theirs in 1..5u8) {
        let entries = |from: u8, upto: u8| -> Value {
            let entry = |n: u8| (key(n), json!({ "text": format!("merkintä {n}") }));
            Value::Object((from..upto).map(entry).collect())
        };
        let sides = [vec![entries(10, 10 + mine)], vec![entries(20, 20 + theirs)]];
        let reading = meet(Kind::VisitNote, "comments", None, sides);
        let log = shown(&reading, "comments").as_object().cloned().unwrap_or_default();
        prop_assert_eq!(log.len(), usize::from(mine + theirs));
        prop_assert_eq!(reading.log_clashes, []);
    }

    #[test]
    fn texts_keep_what_both_wrote_and_drop_what_either_removed(
        before in word(),
        after in word(),
        at_start in "[A-Z]{1,6}",
        at_end in "[0-9]{1,6}",
    ) {
        let start = format!("{before} POISTA {after}");
        let sides = [
            vec![json!(format!("{at_start} {before} POISTA {after}"))],
            vec![json!(format!("{before} {after} {at_end}"))],
        ];
        let reading = meet(Kind::VisitNote, "summary", Some(json!(start)), sides);
        let text = format!("{at_start} {before} {after} {at_end}");
        prop_assert_eq!(shown(&reading, "summary"), &json!(text));
    }

    #[test]
    fn items_of_both_stay_and_fields_of_one_item_merge_by_their_own_rules(
        heading in word(),
        text in word(),
    ) {
        let item = |heading: &str, text: &str| json!({ "heading": heading, "text": text });
        let sides = [
            vec![json!({ key(1): item(&heading, "alku"), key(2): item("a", "b") })],
            vec![json!({ key(1): item("uni", &format!("alku {text}")), key(3): item("c", "d") })],
        ];
        let start = json!({ key(1): item("uni", "alku") });
        let reading = meet(Kind::VisitNote, "entries", Some(start), sides);
        let items = shown(&reading, "entries");
        prop_assert_eq!(&items[key(1)]["heading"], &json!(heading));
        prop_assert_eq!(&items[key(1)]["text"], &json!(format!("alku {text}")));
        prop_assert!(items.get(key(2)).is_some() && items.get(key(3)).is_some());
    }

    #[test]
    fn done_beats_todo_and_stays_a_conflict_against_refused(mine in 0..3usize, theirs in 0..3usize) {
        let states = ["todo", "done", "refused"];
        let task = |state: &str| json!({ key(1): { "plan_item": "suihku", "state": state } });
        let sides = [vec![task(states[mine])], vec![task(states[theirs])]];
        let reading = meet(Kind::VisitNote, "tasks", Some(task("todo")), sides);
        let shown = &shown(&reading, "tasks")[key(1)]["state"];
        match (mine, theirs) {
            (0, n) | (n, 0) => prop_assert_eq!(shown, &json!(states[n])),
            (a, b) => prop_assert_eq!(reading.conflicts.len(), usize::from(a != b)),
        }
    }
}

#[test]
fn a_withdrawal_wins_over_an_equally_new_grant() {
    use automerge::transaction::{CommitOptions, Transactable};
    // No released kind has a remove-wins field yet; the rule is read from any log of decisions.
    let kind = Kind::VisitNote;
    let log = genesis(kind).container("comments").expect("a log").clone();
    let decisions = [
        ("sms", true, 5),
        ("sms", false, 5),
        ("post", false, 1),
        ("post", true, 2),
    ];
    let mut doc = genesis(kind).document();
    let mut tx = doc.transaction();
    for (n, (element, inside, at)) in (1u8..).zip(decisions) {
        let bytes =
            crate::canonical::to_cbor(&json!({ "element": element, "in": inside, "at": at }));
        tx.put(&log, key(n), automerge::ScalarValue::Bytes(bytes))
            .expect("puts");
    }
    tx.commit_with(CommitOptions::default().with_time(0));
    assert_eq!(crate::read::decided(&doc, &log), Some(json!(["post"])));
}

fn raise(doc: &mut automerge::Automerge, at: &Version, mark: (u16, u8), device: u8) -> Saved {
    let (place, field) = resolve(Kind::VisitNote, "status").expect("a field");
    let (round, rank) = mark;
    let edits = vec![Edit::Raise {
        place,
        field,
        round,
        rank,
    }];
    super::write(doc, Kind::VisitNote, at, edits, Vec::new(), &ctx(device)).expect("writes")
}

/// What it builds on may come back later, or never (storm 104703).
#[test]
fn a_status_taken_back_again_where_an_earlier_round_is_missing_is_one_that_the_relay_takes() {
    let kind = Kind::VisitNote;
    let (doc, _) = create(kind, &json!({"status": "done"}), &ctx(1)).expect("creates");
    let at = version(&doc);
    let mut with = doc.clone();
    let saved = raise(&mut with, &at, (3, 1), 2);
    let [change] = &saved.changes[..] else {
        panic!("{saved:?}");
    };
    let change = with.get_change_by_hash(&(*change).into());
    let bytes = change.expect("is there").raw_bytes().to_vec();
    let mut taken = trial(&doc, kind, &[bytes], &Limits::RELAY).expect("the relay takes it");
    let status = |doc: &Automerge| read(doc, kind).status["status"].clone();
    assert_eq!(
        (status(&taken).round, &status(&taken).code[..]),
        (3, "started")
    );
    // The round that was missing comes after it, further than it was when that was taken back.
    let mut late = doc.clone();
    let at = raise(&mut late, &at, (1, 1), 3).version;
    raise(&mut late, &at, (1, 2), 3);
    taken.merge(&mut late).expect("merges");
    assert_eq!(
        (status(&taken).round, &status(&taken).code[..]),
        (3, "started")
    );
}

/// Statuses only rise, so who made the mark first is shown, and nothing else would read otherwise
/// (storms 104779, 105684, 109576).
#[test]
fn a_status_taken_back_again_where_another_has_taken_it_back_as_far_writes_nothing() {
    let kind = Kind::VisitNote;
    let (mut doc, _) = create(kind, &json!({"status": "done"}), &ctx(1)).expect("creates");
    let at = version(&doc);
    let theirs = raise(&mut doc, &at, (1, 1), 2).version;
    let saved = raise(&mut doc, &theirs, (1, 1), 3);
    assert_eq!((saved.changes, saved.version), (Vec::new(), theirs));
    let status = read(&doc, kind).status["status"].clone();
    assert_eq!(status.by, Some(ctx(2).by.to_string()));
}
