//! What was tried and failed otherwise: each test here is an experiment that some other way of
//! saving loses.

use std::sync::atomic::{AtomicU64, Ordering};

use automerge::{ActorId, Automerge, ROOT};
use serde_json::{Map, Value, json};

use super::*;
use crate::read::{Reading, version};

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
pub(super) const NOTE: Kind = Kind::VisitNote;

pub(super) fn ctx(device: u8) -> SaveContext<'static> {
    let by = MemberId(uuid::Uuid::from_bytes([device; 16]));
    SaveContext {
        actor: [device; 16],
        by,
        at_ms: 1_790_000_000_000,
        env: &ENV,
    }
}

pub(super) fn note(value: Value) -> Automerge {
    create(NOTE, &value, &ctx(1)).expect("creates").0
}

pub(super) fn now(doc: &Automerge) -> Reading {
    read(doc, NOTE)
}

/// Saves the document's own value with `change` laid over it.
pub(super) fn edit(doc: &mut Automerge, device: u8, at: &Version, change: Value) -> Saved {
    let mut value = read_at(doc, NOTE, at).value;
    for (key, part) in change.as_object().expect("an object") {
        value[key] = part.clone();
    }
    save(doc, NOTE, at, &value, &ctx(device)).expect("saves")
}

pub(super) fn merge(a: &mut Automerge, b: &mut Automerge) {
    a.merge(&mut b.clone()).expect("merges");
    b.merge(a).expect("merges");
}

pub(super) fn key(n: u8) -> String {
    uuid::Uuid::from_bytes([n; 16]).to_string()
}

#[test]
fn a_save_that_changes_nothing_writes_nothing() {
    let mut doc = note(json!({"summary": "Sää on kaunis", "km": "12"}));
    let at = version(&doc);
    let saved = edit(&mut doc, 1, &at, json!({}));
    assert_eq!(saved.changes, []);
    assert_eq!((saved.version, version(&doc)), (at.clone(), at));
}

#[test]
fn one_save_is_one_change() {
    let mut doc = note(json!({}));
    let at = version(&doc);
    let change = json!({"summary": "Tila kunnossa", "km": "3.5", "present": ["Aino"],
        "entries": {key(9): {"heading": "uni", "text": "Nukkui hyvin"}}, "status": "started"});
    assert_eq!(edit(&mut doc, 1, &at, change).changes.len(), 1);
}

#[test]
fn an_untouched_optional_field_stays_absent_and_does_not_wipe_a_colleagues() {
    let mut mine = note(json!({"summary": "a"}));
    let mut theirs = mine.clone();
    let at = version(&mine);
    edit(&mut mine, 1, &at, json!({"summary": "b"}));
    edit(&mut theirs, 2, &at, json!({"km": "12"}));
    merge(&mut mine, &mut theirs);
    assert_eq!(now(&mine).value["km"], "12");
}

#[test]
fn a_save_at_merged_heads_keeps_a_conflict_it_did_not_touch() {
    let mut mine = note(json!({"summary": "a"}));
    let mut theirs = mine.clone();
    let at = version(&mine);
    edit(&mut mine, 1, &at, json!({"outcome": "partial"}));
    edit(&mut theirs, 2, &at, json!({"outcome": "refused"}));
    merge(&mut mine, &mut theirs);
    assert_eq!(now(&mine).conflicts.len(), 1);
    let merged = version(&mine);
    edit(&mut mine, 1, &merged, json!({"summary": "b"}));
    let conflicts = now(&mine).conflicts;
    assert_eq!(conflicts.len(), 1);
    let values: Vec<_> = conflicts[0]
        .values
        .iter()
        .map(|v| v.value.clone())
        .collect();
    assert!(values.contains(&json!("partial")) && values.contains(&json!("refused")));
}

#[test]
fn a_status_is_not_moved_back_by_a_form_that_saw_it_earlier() {
    let mut mine = note(json!({"status": "started"}));
    let mut theirs = mine.clone();
    let at = version(&mine);
    edit(&mut theirs, 2, &at, json!({"status": "done"}));
    merge(&mut mine, &mut theirs);
    edit(&mut mine, 1, &at, json!({"status": "started", "km": "1"}));
    assert_eq!(now(&mine).value["status"], "done");
}

#[test]
fn a_lower_status_is_left_undone_and_a_reopened_one_is_a_new_round() {
    let mut doc = note(json!({"status": "done"}));
    let at = version(&doc);
    let saved = edit(&mut doc, 1, &at, json!({"status": "started"}));
    assert_eq!(saved.changes, []);
    assert_eq!(saved.ignored[0].code, "status_only_rises");
    reopen(&mut doc, NOTE, &at, "status", "started", &ctx(1)).expect("reopens");
    let reading = now(&doc);
    assert_eq!(reading.value["status"], "started");
    assert_eq!(reading.status["status"].round, 1);
}

#[test]
fn a_form_left_open_changes_only_what_its_user_changed() {
    let base = json!({"summary": "Aamukäynti", "entries": {key(1): {"text": "Söi puuron"}}});
    let mut mine = note(base);
    let form = version(&mine);
    let mut theirs = mine.clone();
    let colleague = json!({"summary": "Aamukäynti, kollega", "status": "started", "km": "4",
        "entries": {key(1): {"text": "Söi puuron hyvin"}, key(2): {"text": "Uusi"}}});
    edit(&mut theirs, 2, &form, colleague);
    merge(&mut mine, &mut theirs);
    edit(&mut mine, 1, &form, json!({"outcome": "as_planned"}));
    let value = now(&mine).value;
    assert_eq!(value["summary"], "Aamukäynti, kollega");
    assert_eq!(value["status"], "started");
    assert_eq!(value["km"], "4");
    assert_eq!(value["entries"][key(1)]["text"], "Söi puuron hyvin");
    assert_eq!(value["entries"][key(2)]["text"], "Uusi");
    assert_eq!(value["outcome"], "as_planned");
}

#[test]
fn the_next_autosave_of_a_stale_form_does_not_undo_a_colleague() {
    let mut mine = note(json!({"summary": "a", "entries": {key(1): {"text": "x"}}}));
    let form = version(&mine);
    let form_value = now(&mine).value;
    let mut theirs = mine.clone();
    edit(
        &mut theirs,
        2,
        &form,
        json!({"entries": {key(1): {"text": "x"}, key(2): {"text": "y"}}}),
    );
    merge(&mut mine, &mut theirs);

    let mut value = form_value;
    value["summary"] = json!("ab");
    let first = save(&mut mine, NOTE, &form, &value, &ctx(1)).expect("saves");
    value["summary"] = json!("abc");
    save(&mut mine, NOTE, &first.version, &value, &ctx(1)).expect("saves");
    let merged = now(&mine).value;
    assert_eq!(merged["summary"], "abc");
    assert_eq!(
        merged["entries"][key(2)]["text"],
        "y",
        "the colleague's item is still there"
    );
}

#[test]
fn a_replayed_text_edit_keeps_its_place_beside_a_colleagues() {
    let text = "Kävi tilalla. Mansikka kunnossa.";
    let mut doc = note(json!({"summary": text}));
    let at = version(&doc);
    for n in 0..=MAX_LEVEL {
        edit(&mut doc, 1, &at, json!({"km": n.to_string()}));
    }
    let mut theirs = doc.clone();
    let there = version(&theirs);
    edit(
        &mut theirs,
        2,
        &there,
        json!({"summary": format!("Eilen: {text} Sää oli hyvä.")}),
    );
    merge(&mut doc, &mut theirs);
    let saved = edit(
        &mut doc,
        1,
        &at,
        json!({"summary": "Kävi tilalla. Mansikka EI kunnossa."}),
    );
    assert!(saved.merged.is_some());
    assert_eq!(
        now(&doc).value["summary"],
        "Eilen: Kävi tilalla. Mansikka EI kunnossa. Sää oli hyvä."
    );
}

#[test]
fn finnish_text_with_combining_letters_and_emoji_survives_every_splice() {
    let words = [
        "Sää",
        "a\u{308}iti",
        "👩‍⚕️",
        "jo\u{301}",
        "kunnossa",
        "öylätti",
        "🌧️",
        "–",
    ];
    let mut doc = note(json!({}));
    let mut at = version(&doc);
    let mut text = String::new();
    for n in 0..200usize {
        let word = words[(n * 7) % words.len()];
        let bounds: Vec<usize> = (0..=text.len())
            .filter(|i| text.is_char_boundary(*i))
            .collect();
        let cut = bounds[(n * 31) % bounds.len()];
        if n % 5 == 4 {
            text.truncate(cut);
        } else {
            text.insert_str(cut, word);
        }
        at = edit(&mut doc, 1, &at, json!({"summary": text})).version;
        assert_eq!(
            now(&doc).value["summary"].as_str().unwrap_or(""),
            text,
            "step {n}"
        );
    }
    let mut doc = note(json!({"summary": "kunnossa ö/ä"}));
    let at = version(&doc);
    edit(
        &mut doc,
        1,
        &at,
        json!({"summary": "Öinen sää: EI kunnossa ö/ä"}),
    );
    assert_eq!(now(&doc).value["summary"], "Öinen sää: EI kunnossa ö/ä");
}

/// A form goes on showing what it sent: the corrected entry under its old key, and no correction.
#[test]
fn a_form_that_shows_what_it_sent_corrects_an_entry_once_and_can_take_the_correction_back() {
    let entry = |value: &str| json!({"type": "temperature", "value": value});
    let mut doc = note(json!({"measurements": {key(1): entry("36.5")}}));
    let mut form = now(&doc).value;
    let mut at = version(&doc);
    let mut entries = Vec::new();
    for (value, summary) in [
        ("38.5", "a"),
        ("38.5", "b"),
        ("38.5", "c"),
        ("39", "d"),
        ("36.5", "e"),
        ("36.5", "f"),
    ] {
        form["measurements"][key(1)]["value"] = value.into();
        form["summary"] = summary.into();
        let saved = save(&mut doc, NOTE, &at, &form, &ctx(1)).expect("saves");
        assert_eq!(saved.ignored, [], "{value}");
        at = saved.version;
        let log = now(&doc).value["measurements"].clone();
        let log = log.as_object().expect("entries").clone();
        let corrected: Vec<_> = log.values().map(|e| e["supersedes"].clone()).collect();
        let standing = log
            .iter()
            .filter(|(key, _)| !corrected.contains(&json!(key)));
        let standing: Vec<_> = standing.map(|(_, entry)| entry["value"].clone()).collect();
        assert_eq!(standing, [json!(value)], "one value stands");
        entries.push(log.len());
    }
    assert_eq!(entries, [2, 2, 2, 3, 4, 4]);
}

/// UUIDs may be written in capitals and without hyphens.
#[test]
fn an_item_whose_key_was_written_in_another_way_stays_at_the_next_save() {
    let written = key(1).to_uppercase().replace('-', "");
    let mut doc = note(json!({}));
    let mut form = now(&doc).value;
    let mut at = version(&doc);
    form["tasks"] = json!({&written: {"reason": "Aamupala"}});
    form["measurements"] = json!({&written: {"type": "temperature", "value": "37"}});
    for summary in ["a", "b", "c"] {
        form["summary"] = summary.into();
        let saved = save(&mut doc, NOTE, &at, &form, &ctx(1)).expect("saves");
        assert_eq!(saved.ignored, []);
        at = saved.version;
        let value = now(&doc).value;
        assert_eq!(value["tasks"][key(1)]["reason"], "Aamupala", "{summary}");
        assert_eq!(value["measurements"].as_object().map(Map::len), Some(1));
    }
}

#[test]
fn a_changed_log_entry_becomes_a_correction_and_a_missing_one_stays() {
    let entry = |value: &str| json!({"type": "temperature", "value": value});
    let mut doc = note(json!({"measurements": {key(1): entry("36.5"), key(2): entry("37")}}));
    let at = version(&doc);
    let saved = edit(
        &mut doc,
        1,
        &at,
        json!({"measurements": {key(1): entry("38.5")}}),
    );
    assert_eq!(saved.ignored[0].code, "log_only_grows");
    let log = now(&doc).value["measurements"]
        .as_object()
        .expect("entries")
        .clone();
    assert_eq!(log.len(), 3);
    assert_eq!(log[&key(1)], entry("36.5"));
    let correction = log
        .values()
        .find(|e| e["value"] == "38.5")
        .expect("appended");
    assert_eq!(correction["supersedes"], key(1));
}

#[test]
fn removing_an_item_keeps_a_concurrent_edit_inside_it_and_can_be_undone() {
    let mut mine = note(json!({"entries": {key(1): {"heading": "uni", "text": "a"}}}));
    let mut theirs = mine.clone();
    let at = version(&mine);
    edit(&mut mine, 1, &at, json!({"entries": {}}));
    edit(
        &mut theirs,
        2,
        &at,
        json!({"entries": {key(1): {"heading": "uni", "text": "ab"}}}),
    );
    merge(&mut mine, &mut theirs);
    let reading = now(&mine);
    assert_eq!(reading.value.get("entries"), None);
    assert_eq!(reading.removed[0].value["text"], "ab");
    let at = version(&mine);
    edit(
        &mut mine,
        1,
        &at,
        json!({"entries": {key(1): {"heading": "uni", "text": "ab"}}}),
    );
    assert_eq!(now(&mine).value["entries"][key(1)]["text"], "ab");
}

#[test]
fn a_choice_of_the_value_that_is_shown_stands_against_an_edit_that_had_not_heard_of_it() {
    let mut mine = note(json!({}));
    let mut theirs = mine.clone();
    let at = version(&mine);
    edit(&mut mine, 1, &at, json!({"outcome": "partial"}));
    edit(&mut theirs, 2, &at, json!({"outcome": "refused"}));
    merge(&mut mine, &mut theirs);
    let at = version(&mine);
    let mut theirs = mine.clone();
    let chosen = now(&mine).conflicts.remove(0).values.remove(1);
    assert_eq!(now(&mine).value["outcome"], chosen.value, "it is shown");
    choose(&mut mine, NOTE, &at, "outcome", &chosen.change, &ctx(1)).expect("chooses");
    assert_eq!(now(&mine).conflicts, []);
    for change in mine.get_changes(&at.to_automerge()) {
        let bytes = change.raw_bytes();
        crate::guard::check_change(bytes, NOTE, &crate::guard::Limits::RELAY).expect("passes");
    }
    edit(&mut theirs, 2, &at, json!({"outcome": "cancelled"}));
    merge(&mut mine, &mut theirs);
    let conflict = now(&mine).conflicts.remove(0);
    let values: Vec<Value> = conflict.values.into_iter().map(|v| v.value).collect();
    assert!(values.contains(&chosen.value) && values.contains(&json!("cancelled")));
}

#[test]
fn choosing_ends_a_conflict_as_an_ordinary_change() {
    let mut mine = note(json!({}));
    let mut theirs = mine.clone();
    let at = version(&mine);
    edit(&mut mine, 1, &at, json!({"outcome": "partial"}));
    edit(&mut theirs, 2, &at, json!({"outcome": "refused"}));
    merge(&mut mine, &mut theirs);
    for wanted in [0, 1] {
        let mut doc = mine.clone();
        let conflict = now(&doc).conflicts.remove(0);
        let (at, chosen) = (version(&doc), &conflict.values[wanted]);
        let saved =
            choose(&mut doc, NOTE, &at, "outcome", &chosen.change, &ctx(1)).expect("chooses");
        assert_eq!(saved.changes.len(), 1);
        assert_eq!(now(&doc).value["outcome"], chosen.value);
        assert_eq!(now(&doc).conflicts, []);
    }
}

#[test]
fn unknown_values_and_fields_of_a_newer_app_survive_and_cost_one_field() {
    let mut doc = note(json!({"summary": "a", "km": "3"}));
    doc.set_actor(ActorId::from(&[7u8; 16][..]));
    let mut tx = doc.transaction();
    tx.put(ROOT, "km", 7.5).expect("puts");
    tx.put(ROOT, "newer_field", "kept").expect("puts");
    tx.commit_with(CommitOptions::default().with_time(0));
    assert_eq!(now(&doc).unknown, ["km"]);
    let at = version(&doc);
    edit(
        &mut doc,
        1,
        &at,
        json!({"summary": "b", "outcome": "partial"}),
    );
    let reading = now(&doc);
    assert_eq!(reading.value["summary"], "b");
    assert_eq!(reading.unknown, ["km"]);
    use automerge::ReadDoc;
    assert_eq!(
        doc.get(ROOT, "newer_field")
            .expect("reads")
            .expect("there")
            .0
            .as_str(),
        Some("kept")
    );
    assert_eq!(
        doc.get(ROOT, "km")
            .expect("reads")
            .expect("there")
            .0
            .as_f64(),
        Some(7.5)
    );
}

#[test]
fn a_paste_of_a_hundred_thousand_letters_becomes_several_changes_of_one_branch() {
    let mut doc = note(json!({"summary": "alku loppu"}));
    let at = version(&doc);
    let long = format!("alku {} loppu", "ä".repeat(120_000));
    let saved = edit(&mut doc, 1, &at, json!({"summary": long, "km": "2"}));
    assert!(saved.changes.len() > 1);
    assert_eq!(now(&doc).value["summary"], long);
    assert_eq!(version(&doc), saved.version);
    for hash in &saved.changes {
        use automerge::ReadDoc;
        let change = doc.get_change_by_hash(&(*hash).into()).expect("there");
        assert!(change.raw_bytes().len() < crate::wire::limits::RUN);
    }
}

#[test]
fn a_long_text_born_with_an_item_and_its_removal_become_changes_the_relay_accepts() {
    use crate::guard::{Limits, check_change};
    use automerge::ReadDoc;
    let mut doc = note(json!({}));
    let at = version(&doc);
    let long = "Pitkä liite. ".repeat(3_500);
    let item = |text: &str| json!({ key(1): { "heading": "uni", "text": text } });
    let born = edit(&mut doc, 1, &at, json!({ "entries": item(&long) }));
    assert_eq!(now(&doc).value["entries"], item(&long));
    let gone = edit(
        &mut doc,
        1,
        &born.version,
        json!({ "entries": item("lyhyt") }),
    );
    assert_eq!(now(&doc).value["entries"], item("lyhyt"));
    for hash in born.changes.iter().chain(&gone.changes) {
        let change = doc.get_change_by_hash(&(*hash).into()).expect("there");
        check_change(change.raw_bytes(), NOTE, &Limits::RELAY).expect("accepted");
    }
    let error = save(
        &mut doc,
        NOTE,
        &gone.version,
        &json!({ "route_from": "x".repeat(300_000) }),
        &ctx(1),
    );
    assert!(matches!(error, Err(SaveError::BadValue(bad)) if bad.code == "too_long"));
}

#[test]
fn a_wrong_type_is_the_apps_mistake_and_names_its_path() {
    let mut doc = note(json!({}));
    let at = version(&doc);
    let error = save(&mut doc, NOTE, &at, &json!({"km": 7.5}), &ctx(1)).expect_err("refuses");
    assert!(
        matches!(error, SaveError::BadValue(bad) if bad.path == "km" && bad.code == "wrong_type")
    );
    assert_eq!(version(&doc), at);
}
