//! The promise of saving, over every field of every kind: a save that is about something else
//! leaves the field exactly as it was, whatever was in it.

use automerge::{ActorId, Automerge, ObjId, ROOT, ReadDoc, ScalarValue};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::tests::{ctx, key};
use super::*;
use crate::documents::{Field, Type};
use crate::read::{at_path, set_path, version};

/// Two different values that fit a type.
fn examples(ty: &Type) -> [Value; 2] {
    match ty {
        Type::Str(_) => [json!("Sää"), json!("Räntä 🌨")],
        Type::Code(_) => [json!("code_a"), json!("code_b")],
        Type::Int => [json!(3), json!(14)],
        Type::Dec(_) => [json!("2.5"), json!("7")],
        Type::Bool => [json!(false), json!(true)],
        Type::Date => [json!("2026-01-31"), json!("2026-12-01")],
        Type::Time => [json!("07:05"), json!("23:59")],
        Type::Instant => [json!(1_790_000_000_000_i64), json!(1_790_000_060_000_i64)],
        Type::Id => [json!(key(0xa)), json!(key(0xb))],
        Type::Hex(_) => [json!("00ff"), json!("ab12")],
        Type::Compound(parts) => [0, 1].map(|which| {
            let mut object = Map::new();
            for part in *parts {
                set_path(&mut object, part.path, examples(&part.ty)[which].clone());
            }
            Value::Object(object)
        }),
        Type::List(of, _) => examples(of).map(|one| json!([one])),
    }
}

/// Two different values that fit a field.
pub(super) fn values(field: &Field) -> [Value; 2] {
    match field.rule {
        Rule::Txt => [
            json!("Rikkoja näkyy rivien välissä."),
            json!("Rivit ovat puhtaat."),
        ],
        Rule::Aws | Rule::Rws => [json!(["aita"]), json!(["navetta"])],
        Rule::Mst(codes) | Rule::Max(codes) => [json!(codes[0]), json!(codes[1])],
        Rule::Log => examples(&field.ty).map(|entry| json!({ key(0x11): entry })),
        Rule::Map(inner) => [0, 1].map(|which| {
            let mut item = Map::new();
            for field in inner {
                set_path(&mut item, field.path, values(field)[which].clone());
            }
            json!({ key(0x22): item })
        }),
        Rule::Imm | Rule::Lww | Rule::Mvr | Rule::Yield(_) | Rule::FlagPlus => examples(&field.ty),
    }
}

fn with(value: &Value, path: &str, part: Value) -> Value {
    let Value::Object(mut object) = value.clone() else {
        panic!("an object")
    };
    set_path(&mut object, path, part);
    Value::Object(object)
}

fn put(doc: &mut Automerge, kind: Kind, device: u8, path: &str, part: Value) {
    let at = version(doc);
    let value = with(&read(doc, kind).value, path, part);
    save(doc, kind, &at, &value, &ctx(device)).expect("saves");
}

/// A save about something else: a tag, or, when the field under test is the tags, a comment.
fn unrelated(doc: &mut Automerge, kind: Kind, device: u8, path: &str, n: u8) {
    let (other, part) = match path {
        "tags" => ("comments", json!({ key(n): { "text": format!("{n}") } })),
        _ => ("tags", json!([format!("tag {n}")])),
    };
    let was = at_path(&read(doc, kind).value, other).cloned();
    let part = match (was, part) {
        (Some(Value::Object(mut was)), Value::Object(part)) => {
            was.extend(part);
            Value::Object(was)
        }
        (_, part) => part,
    };
    put(doc, kind, device, other, part);
}

/// Everything the document holds at a field, as Automerge has it: values with their operations.
fn raw(doc: &Automerge, kind: Kind, field: &Field) -> String {
    fn walk(doc: &Automerge, object: &ObjId, out: &mut String) {
        if let Ok(text) = doc.text(object) {
            out.push_str(&text);
            return;
        }
        for key in doc.keys(object).collect::<Vec<_>>() {
            for (value, id) in doc.get_all(object, key.as_str()).expect("reads") {
                out.push_str(&format!("{key}={value:?}@{id};"));
                if value.is_object() {
                    walk(doc, &id, out);
                }
            }
        }
    }
    let mut out = String::new();
    match genesis(kind).container(field.key()) {
        Some(container) => walk(doc, container, &mut out),
        None => {
            for (value, id) in doc.get_all(ROOT, field.key()).expect("reads") {
                out.push_str(&format!("{value:?}@{id};"));
            }
        }
    }
    out
}

fn for_every_field(check: impl Fn(Kind, &'static Field)) {
    for kind in Kind::ALL {
        for field in kind.spec().fields() {
            check(kind, field);
        }
    }
}

#[test]
fn a_value_is_left_alone_by_a_save_about_something_else() {
    for_every_field(|kind, field| {
        let [first, _] = values(field);
        let (mut doc, _) = create(kind, &json!({}), &ctx(1)).expect("creates");
        put(&mut doc, kind, 1, field.path, first.clone());
        let before = raw(&doc, kind, field);
        assert!(
            !before.is_empty(),
            "{}: {} was written",
            kind.code(),
            field.path
        );
        let shown = at_path(&read(&doc, kind).value, field.path).cloned();
        unrelated(&mut doc, kind, 2, field.path, 1);
        assert_eq!(
            raw(&doc, kind, field),
            before,
            "{}: {}",
            kind.code(),
            field.path
        );
        assert_eq!(at_path(&read(&doc, kind).value, field.path).cloned(), shown);
    });
}

#[test]
fn an_absent_and_an_emptied_field_are_left_alone() {
    for_every_field(|kind, field| {
        let (mut doc, _) = create(kind, &json!({}), &ctx(1)).expect("creates");
        let absent = raw(&doc, kind, field);
        unrelated(&mut doc, kind, 2, field.path, 1);
        assert_eq!(
            raw(&doc, kind, field),
            absent,
            "{}: {}",
            kind.code(),
            field.path
        );

        put(&mut doc, kind, 1, field.path, values(field)[0].clone());
        put(&mut doc, kind, 1, field.path, Value::Null);
        let emptied = raw(&doc, kind, field);
        unrelated(&mut doc, kind, 2, field.path, 2);
        assert_eq!(
            raw(&doc, kind, field),
            emptied,
            "{}: {}",
            kind.code(),
            field.path
        );
    });
}

#[test]
fn a_conflict_survives_ten_saves_about_something_else_on_three_devices() {
    for_every_field(|kind, field| {
        let [first, second] = values(field);
        let (mut one, _) = create(kind, &json!({}), &ctx(1)).expect("creates");
        let mut two = one.clone();
        put(&mut one, kind, 1, field.path, first);
        put(&mut two, kind, 2, field.path, second);
        one.merge(&mut two).expect("merges");
        let before = raw(&one, kind, field);
        let conflicts = read(&one, kind).conflicts;
        if matches!(field.rule, Rule::Mvr) {
            assert_eq!(conflicts.len(), 1, "{}: {}", kind.code(), field.path);
        }
        let mut devices = [one.clone(), one.clone(), one];
        for n in 0..10 {
            let at = usize::from(n) % 3;
            unrelated(&mut devices[at], kind, n % 3 + 1, field.path, n);
            let mut sender = devices[at].clone();
            devices[(at + 1) % 3].merge(&mut sender).expect("merges");
        }
        let [mut merged, mut b, mut c] = devices;
        merged.merge(&mut b).expect("merges");
        merged.merge(&mut c).expect("merges");
        assert_eq!(
            raw(&merged, kind, field),
            before,
            "{}: {}",
            kind.code(),
            field.path
        );
        assert_eq!(read(&merged, kind).conflicts, conflicts);
    });
}

#[test]
fn an_unknown_value_is_left_alone_and_costs_only_its_field() {
    for_every_field(|kind, field| {
        if genesis(kind).container(field.key()).is_some() {
            return;
        }
        let (mut doc, _) = create(kind, &json!({}), &ctx(1)).expect("creates");
        doc.set_actor(ActorId::from(&[9u8; 16][..]));
        let mut tx = doc.transaction();
        tx.put(ROOT, field.key(), ScalarValue::F64(2.5))
            .expect("puts");
        tx.commit_with(CommitOptions::default().with_time(0));
        let before = raw(&doc, kind, field);
        assert_eq!(read(&doc, kind).unknown, [field.path], "{}", kind.code());
        unrelated(&mut doc, kind, 2, field.path, 1);
        assert_eq!(
            raw(&doc, kind, field),
            before,
            "{}: {}",
            kind.code(),
            field.path
        );
        assert_eq!(read(&doc, kind).unknown, [field.path]);
    });
}

#[test]
fn every_change_of_every_field_passes_the_guard_that_stands_before_the_relay() {
    use crate::guard::{Limits, check_change, trial};
    for_every_field(|kind, field| {
        let [first, second] = values(field);
        let (mut doc, _) = create(kind, &json!({}), &ctx(1)).expect("creates");
        put(&mut doc, kind, 1, field.path, first);
        let mut there = doc.clone();
        put(&mut doc, kind, 2, field.path, second);
        put(&mut doc, kind, 2, field.path, Value::Null);
        let changes: Vec<Vec<u8>> = doc
            .get_changes(&there.get_heads())
            .iter()
            .map(|change| change.raw_bytes().to_vec())
            .collect();
        for change in &changes {
            check_change(change, kind, &Limits::RELAY)
                .unwrap_or_else(|refusal| panic!("{}: {}: {refusal}", kind.code(), field.path));
        }
        let tried = trial(&there, kind, &changes, &Limits::RELAY)
            .unwrap_or_else(|doubt| panic!("{}: {}: {doubt}", kind.code(), field.path));
        there.merge(&mut doc).expect("merges");
        assert_eq!(read(&tried, kind), read(&there, kind));
    });
}

/// One step of three people at one document.
#[derive(Clone, Debug)]
enum Step {
    Edit {
        device: usize,
        field: usize,
        second: bool,
        empty: bool,
    },
    Meet {
        from: usize,
        to: usize,
    },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0..3usize, any::<prop::sample::Index>(), any::<bool>(), prop::bool::weighted(0.2))
            .prop_map(|(device, field, second, empty)| Step::Edit {
                device,
                field: field.index(1_000),
                second,
                empty,
            }),
        1 => (0..3usize, 0..3usize).prop_map(|(from, to)| Step::Meet { from, to }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever three people do to any fields in whatever order they meet, they end with the same
    /// record, conflicts included, and a save changes no field but its own on the device itself.
    #[test]
    fn everyone_who_meets_ends_with_the_same_record(
        which in 0..3usize,
        steps in prop::collection::vec(step(), 1..40),
    ) {
        let kind = Kind::ALL[which];
        let fields: Vec<&'static Field> = kind.spec().fields().collect();
        let (doc, _) = create(kind, &json!({}), &ctx(1)).expect("creates");
        let mut devices = [doc.clone(), doc.clone(), doc];
        for step in steps {
            match step {
                Step::Edit { device, field, second, empty } => {
                    let field = fields[field % fields.len()];
                    let part = if empty { Value::Null } else { values(field)[usize::from(second)].clone() };
                    let before = read(&devices[device], kind);
                    put(&mut devices[device], kind, device as u8 + 1, field.path, part);
                    let after = read(&devices[device], kind);
                    for other in fields.iter().filter(|other| other.path != field.path) {
                        prop_assert_eq!(
                            at_path(&before.value, other.path),
                            at_path(&after.value, other.path)
                        );
                    }
                }
                Step::Meet { from, to } => {
                    let mut sender = devices[from].clone();
                    devices[to].merge(&mut sender).expect("merges");
                }
            }
        }
        let [mut a, mut b, mut c] = devices;
        b.merge(&mut c).expect("merges");
        a.merge(&mut b).expect("merges");
        c.merge(&mut a).expect("merges");
        prop_assert_eq!(version(&a), version(&c));
        prop_assert_eq!(read(&a, kind), read(&c, kind));
    }
}
