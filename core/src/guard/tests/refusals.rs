//! What honest devices write passes, and each refusal has its reason.

use super::by_hand::{ByHand, body, run_of, seal_body};
use super::honest::world;
use crate::chunk::{Column, write_u64};
use crate::documents::Kind;
use crate::envelope::{ActorSpan, Header};
use crate::genesis::genesis;
use crate::guard::{Limits, check_change, check_run};
use crate::id::{DeviceId, DocId, Hash};

#[test]
fn everything_honest_devices_write_passes_the_static_guard() {
    for kind in Kind::ALL {
        for seed in 0..12 {
            let phones = world(kind, 3, 40, seed);
            for change in phones[0].changes() {
                let checked = check_change(&change, kind, &Limits::RELAY)
                    .unwrap_or_else(|r| panic!("{} seed {seed}: {r}", kind.code()));
                let theirs = automerge::Change::from_bytes(change).unwrap();
                assert_eq!(checked.hash, theirs.hash().into());
                assert_eq!(checked.max_op, theirs.max_op());
                assert_eq!(checked.seq, theirs.seq());
                assert_eq!(checked.author.to_bytes(), theirs.actor_id().to_bytes());
            }
        }
    }
}

#[test]
fn honest_worlds_hold_every_kind_of_change_the_guard_must_know() {
    let changes = world(KIND, 3, 60, 4)[0].changes();
    let checked: Vec<_> = changes
        .iter()
        .map(|c| check_change(c, KIND, &Limits::RELAY).unwrap())
        .collect();
    assert!(
        checked.iter().any(|c| c.author.level == 1),
        "saves from old forms"
    );
    assert!(checked.iter().any(|c| c.deps.len() > 1), "merges");
    assert!(checked.iter().any(|c| c.ops() > 20), "texts");
}

const KIND: Kind = Kind::VisitNote;

fn code(bytes: &[u8]) -> &'static str {
    check_change(bytes, KIND, &Limits::RELAY).map_or_else(|r| r.code, |_| "passed")
}

/// The refusal of a plain put, changed like this.
fn put(edit: impl FnOnce(&mut ByHand)) -> &'static str {
    let mut change = ByHand::puts(KIND, "k", 1);
    edit(&mut change);
    code(&change.bytes())
}

/// A column of cells given as raw bytes.
fn column(column: Column, bytes: &'static [u8]) -> impl FnOnce(&mut ByHand) {
    move |change| change.set(column, bytes)
}

#[test]
fn the_plain_put_these_tests_start_from_passes() {
    assert_eq!(put(|_| {}), "passed");
}

#[test]
fn a_chunk_that_is_not_one_is_refused() {
    let honest = ByHand::puts(KIND, "k", 1).bytes();
    let altered = |at: usize, to: u8| {
        let mut bytes = honest.clone();
        bytes[at] = to;
        code(&bytes)
    };
    assert_eq!(altered(0, 0), "chunk_magic");
    assert_eq!(altered(4, !honest[4]), "chunk_checksum");
    assert_eq!(altered(8, 2), "chunk_type");
    for len in 0..honest.len() {
        assert_eq!(code(&honest[..len]), "chunk_truncated");
    }
    let mut longer = honest.clone();
    longer.push(0);
    assert_eq!(code(&longer), "chunk_trailing");
    let mut extra = body(&honest);
    extra.push(0);
    assert_eq!(code(&seal_body(1, &extra)), "chunk_extra");
    assert_eq!(
        code(&vec![0; Limits::RELAY.change_bytes + 1]),
        "change_too_large"
    );
}

#[test]
fn a_claimed_length_beyond_the_bytes_is_refused_without_allocating() {
    for claim in [
        &[0xff, 0xff, 0xff, 0xff, 0x7f][..],
        &[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01],
    ] {
        // Of dependencies; of the actor; of other actors; of columns.
        let dep = genesis(KIND).hash.0;
        let start = [&[1u8][..], &dep].concat();
        let author = [&start[..], &[16], &[1; 16], &[1, 100, 0, 0]].concat();
        for prefix in [&[][..], &start, &author, &[&author[..], &[0]].concat()] {
            let bytes = seal_body(1, &[prefix, claim].concat());
            assert_eq!(code(&bytes), "chunk_truncated");
        }
    }
}

#[test]
fn numbers_longer_than_need_be_are_refused() {
    let honest = body(&ByHand::puts(KIND, "k", 1).bytes());
    // The first byte counts the dependencies: one, written in two bytes.
    let overlong = [&[0x81, 0x00], &honest[1..]].concat();
    assert_eq!(code(&seal_body(1, &overlong)), "number_overlong");
    let huge = [&[0xff; 9][..], &[0x02], &honest[1..]].concat();
    assert_eq!(code(&seal_body(1, &huge)), "number_too_large");
    assert_eq!(
        put(column(Column::ValueMeta, &[0xff, 0x7f, 0])),
        "number_overlong"
    );
}

#[test]
fn lists_out_of_order_or_with_repeats_are_refused() {
    assert_eq!(put(|c| c.deps = vec![c.deps[0]; 2]), "chunk_order");
    assert_eq!(
        put(|c| c.deps = vec![Hash([255; 32]), Hash([1; 32])]),
        "chunk_order"
    );
    assert_eq!(
        put(|c| c.others = vec![vec![3; 16], vec![2; 16]]),
        "chunk_order"
    );
    assert_eq!(put(|c| c.others = vec![vec![1; 16]]), "chunk_order");
}

#[test]
fn unknown_deflated_repeated_or_empty_columns_are_refused() {
    let honest = body(&ByHand::puts(KIND, "k", 1).bytes());
    let specs = honest.windows(4).position(|w| w == [21, 3, 52, 1]).unwrap();
    let altered = |at: usize, to: u8| {
        let mut body = honest.clone();
        body[specs + at] = to;
        code(&seal_body(1, &body))
    };
    assert_eq!(altered(2, 52 | 8), "column_unknown", "deflated");
    assert_eq!(altered(2, 19), "chunk_order");
    assert_eq!(altered(2, 53), "column_unknown");
    assert_eq!(altered(2, 21), "chunk_order");
    assert_eq!(altered(3, 0), "column_empty");
}

#[test]
fn a_message_that_is_no_text_or_a_whole_letter_is_refused() {
    assert_eq!(put(|c| c.message = "m".repeat(1_024)), "passed");
    assert_eq!(put(|c| c.message = "m".repeat(1_025)), "message_too_long");
    let mut change = ByHand::puts(KIND, "k", 1);
    change.message = "mm".into();
    let mut bad = body(&change.bytes());
    let at = bad.windows(2).position(|w| w == b"mm").unwrap();
    bad[at] = 0xff;
    assert_eq!(code(&seal_body(1, &bad)), "chunk_utf8");
}

#[test]
fn only_sixteen_bytes_and_eight_levels_above_them_are_actors() {
    let derived =
        |level: &[u8], base: usize| [&[0x13, 0xb2, 0x23, 0x09][..], level, &vec![7; base]].concat();
    assert_eq!(put(|c| c.actor = derived(&[1], 16)), "passed");
    assert_eq!(put(|c| c.actor = derived(&[8], 16)), "passed");
    assert_eq!(put(|c| c.actor = derived(&[9], 16)), "actor_level");
    assert_eq!(put(|c| c.actor = derived(&[0], 16)), "actor_form");
    assert_eq!(put(|c| c.actor = derived(&[0x81, 0], 16)), "actor_form");
    assert_eq!(put(|c| c.actor = derived(&[1], 15)), "actor_form");
    assert_eq!(put(|c| c.actor = derived(&[1], 17)), "actor_form");
    assert_eq!(put(|c| c.actor = vec![]), "actor_form");
    assert_eq!(put(|c| c.actor = vec![1; 17]), "actor_form");
    assert_eq!(put(|c| c.others = vec![vec![1; 8]]), "actor_form");
    assert_eq!(put(|c| c.others = vec![vec![2; 16]]), "actor_unused");
    let author = crate::guard::Author::parse(&derived(&[3], 16)).unwrap();
    assert_eq!(author.to_bytes(), derived(&[3], 16));
}

#[test]
fn counters_times_and_dependencies_have_bounds() {
    assert_eq!(put(|c| c.deps.clear()), "no_dependency");
    let many = |n: u16| {
        move |c: &mut ByHand| {
            c.deps = (0..n)
                .map(|n| {
                    let mut hash = [0; 32];
                    hash[..2].copy_from_slice(&n.to_be_bytes());
                    Hash(hash)
                })
                .collect()
        }
    };
    assert_eq!(put(many(256)), "passed");
    assert_eq!(put(many(257)), "too_many_dependencies");
    assert_eq!(put(|c| c.time = i64::MIN), "time_out_of_range");
    assert_eq!(put(|c| c.time = (1 << 53) + 1), "time_out_of_range");
    assert_eq!(put(|c| c.time = -(1 << 53)), "passed");
    assert_eq!(put(|c| c.seq = 1 << 31), "seq_too_large");
    assert_eq!(put(|c| c.seq = 0), "chunk_zero");
    assert_eq!(put(|c| c.start_op = 0), "chunk_zero");
    let last = genesis(KIND).by_counter.len() as u64;
    assert_eq!(put(|c| c.start_op = last), "counter_too_small");
    assert_eq!(put(|c| c.start_op = last + 1), "passed");
}

#[test]
fn columns_otherwise_than_automerge_writes_them_are_refused() {
    assert_eq!(put(column(Column::Action, &[])), "no_operations");
    // A run of one; two literal runs that could be one; a literal of equal values; null.
    assert_eq!(put(column(Column::Action, &[1, 1])), "column_form");
    assert_eq!(
        put(column(Column::Action, &[0x7f, 1, 0x7f, 2])),
        "column_form"
    );
    assert_eq!(put(column(Column::Action, &[0x7e, 1, 1])), "column_form");
    assert_eq!(put(column(Column::Action, &[0, 1])), "column_form");
    assert_eq!(put(column(Column::Action, &[2, 1, 2, 1])), "column_form");
    assert_eq!(put(column(Column::Action, &[2, 1, 0x7f, 1])), "column_form");
    assert_eq!(
        put(column(Column::KeyActor, &[0, 1])),
        "column_form",
        "nothing but nulls"
    );
    assert_eq!(put(column(Column::KeyActor, &[0, 0])), "column_form");
    assert_eq!(put(column(Column::Insert, &[1, 0])), "column_form");
    assert_eq!(put(column(Column::Insert, &[0])), "column_form");
}

#[test]
fn columns_of_different_length_are_refused() {
    assert_eq!(put(column(Column::Insert, &[2])), "column_rows");
    assert_eq!(put(column(Column::ValueMeta, &[2, 0])), "column_rows");
    assert_eq!(put(column(Column::ValueMeta, &[])), "column_rows");
    assert_eq!(put(column(Column::KeyString, &[2, 1, b'k'])), "column_rows");
    assert_eq!(put(column(Column::PredCount, &[2, 0])), "column_rows");
    assert_eq!(
        put(column(Column::PredCount, &[0x7f, 1])),
        "column_rows",
        "one listed, none there"
    );
    assert_eq!(put(column(Column::PredActor, &[0x7f, 0])), "column_rows");
    assert_eq!(put(column(Column::Value, b"x")), "value_length");
    assert_eq!(
        put(column(Column::ValueMeta, &[0x7f, 0x16])),
        "value_length"
    );
}

#[test]
fn references_to_nobody_or_to_the_future_are_refused() {
    let pred = |actor, counter| code(&ByHand::puts(KIND, "k", 1).with_pred(actor, counter).bytes());
    assert_eq!(pred(0, 999), "passed");
    assert_eq!(pred(1, 999), "actor_unknown");
    assert_eq!(pred(0, 1_000), "reference_order");
    assert_eq!(pred(0, 0), "reference_order");
    assert_eq!(pred(0, -1), "predecessor_form");
    assert_eq!(put(column(Column::ObjActor, &[0x7f, 0])), "object_form");
    let object = |counter: u64| {
        put(|c| {
            c.set(Column::ObjActor, &run_of(1, |out| write_u64(out, 0)));
            c.set(
                Column::ObjCounter,
                &run_of(1, |out| write_u64(out, counter)),
            );
        })
    };
    assert_eq!(object(999), "passed");
    assert_eq!(object(1_000), "reference_order");
    let mut beyond = ByHand::on(KIND, "tags", "a", 1);
    beyond.set(Column::ObjCounter, &run_of(1, |out| write_u64(out, 900)));
    assert_eq!(code(&beyond.bytes()), "object_unknown");
}

#[test]
fn predecessors_out_of_order_or_twice_are_refused() {
    let preds = |counters: &'static [u8]| {
        put(|c| {
            c.set(Column::PredCount, &run_of(1, |out| write_u64(out, 2)));
            c.set(Column::PredActor, &run_of(2, |out| write_u64(out, 0)));
            c.set(Column::PredCounter, counters);
        })
    };
    assert_eq!(preds(&[0x7e, 50, 7]), "passed");
    assert_eq!(preds(&[0x7e, 50, 0]), "predecessor_form");
    assert_eq!(preds(&[0x7e, 50, 0x7f]), "predecessor_form");
}

#[test]
fn keys_and_values_of_unknown_form_are_refused() {
    assert_eq!(put(column(Column::KeyString, &[])), "key_form");
    assert_eq!(put(column(Column::KeyString, &[0x7f, 0])), "key_form");
    assert_eq!(put(column(Column::KeyCounter, &[0x7f, 0])), "key_form");
    assert_eq!(
        put(column(Column::KeyString, &[0x7f, 1, 0xff])),
        "chunk_utf8"
    );
    let value = |kind: u64, bytes: &'static [u8]| {
        put(|c| {
            c.set(
                Column::ValueMeta,
                &run_of(1, |out| write_u64(out, (bytes.len() as u64) << 4 | kind)),
            );
            c.set(Column::Value, bytes);
        })
    };
    for (kind, bytes) in [
        (1, &b""[..]),
        (2, b""),
        (3, b"\x05"),
        (4, b"\x7f"),
        (6, b"ok"),
        (7, b"\xff"),
    ] {
        assert_eq!(value(kind, bytes), "passed", "type {kind}");
    }
    assert_eq!(value(5, &[0; 8]), "value_type", "a float");
    assert_eq!(value(8, &[1]), "value_type", "a counter");
    assert_eq!(value(9, &[1]), "value_type", "a timestamp");
    assert_eq!(value(12, &[1]), "value_type");
    assert_eq!(value(0, &[1]), "value_form");
    assert_eq!(value(3, &[5, 5]), "value_form");
    assert_eq!(value(3, &[0x80, 0]), "number_overlong");
    assert_eq!(value(6, &[0xff]), "value_form");
}

#[test]
fn operations_no_save_makes_are_refused() {
    assert_eq!(put(column(Column::Action, &[0x7f, 3])), "delete_nothing");
    assert_eq!(put(column(Column::Insert, &[0, 1])), "insert_in_map");
    assert_eq!(
        put(|c| {
            c.set(Column::Action, &run_of(1, |out| write_u64(out, 0)));
            c.set(Column::ValueMeta, &run_of(1, |out| write_u64(out, 2)));
        }),
        "value_unexpected"
    );
    // A letter that replaces a letter, a number among the letters, a deletion at the beginning.
    let letter = |key: &'static [u8],
                  insert: &'static [u8],
                  action: u64,
                  meta: u64,
                  value: &'static [u8]| {
        put(|c| {
            c.set(Column::KeyString, &[]);
            c.set(Column::KeyCounter, key);
            c.set(Column::ObjActor, &run_of(1, |out| write_u64(out, 0)));
            c.set(Column::ObjCounter, &run_of(1, |out| write_u64(out, 900)));
            c.set(Column::Insert, insert);
            c.set(Column::Action, &run_of(1, |out| write_u64(out, action)));
            c.set(Column::ValueMeta, &run_of(1, |out| write_u64(out, meta)));
            c.set(Column::Value, value);
        })
    };
    assert_eq!(letter(&[0x7f, 0], &[0, 1], 1, 1 << 4 | 6, b"x"), "passed");
    assert_eq!(letter(&[0x7f, 0], &[1], 1, 1 << 4 | 6, b"x"), "text_form");
    assert_eq!(letter(&[0x7f, 0], &[0, 1], 1, 2, b""), "text_form");
    assert_eq!(letter(&[0x7f, 0], &[0, 1], 0, 0, b""), "text_form");
}

#[test]
fn too_many_operations_in_a_run_are_refused_though_each_change_passes() {
    let mut phone = super::honest::Phone::new(KIND, 1);
    let actor = phone.base_actor();
    phone.put("k", 1);
    let changes: Vec<Vec<u8>> = (1..=3)
        .scan(genesis(KIND).hash, |last, seq| {
            let mut change = ByHand::puts(KIND, "k", 60_000);
            change.actor = actor.to_vec();
            change.deps = vec![*last];
            change.seq = seq;
            change.start_op = 1_000 + 60_000 * (seq - 1);
            let bytes = change.bytes();
            *last = check_change(&bytes, KIND, &Limits::RELAY).unwrap().hash;
            Some(bytes)
        })
        .collect();
    let header = |count: usize| Header {
        space: super::honest::SPACE,
        doc: DocId(uuid::Uuid::nil()),
        kind: KIND.number(),
        device: DeviceId(uuid::Uuid::nil()),
        epoch: super::honest::EPOCH,
        actors: vec![ActorSpan {
            level: 0,
            first_seq: 1,
            last_seq: count as u64,
        }],
        deps: vec![],
        replaces: vec![],
        changes: u32::try_from(count).unwrap(),
        sealed_at_ms: 0,
        offset_ms: None,
        saved_at_ms: None,
    };
    let run = |count: usize, limits| {
        check_run(&header(count), &changes[..count], &actor, limits)
            .map_or_else(|r| r.code, |_| "passed")
    };
    assert_eq!(run(2, &Limits::RELAY), "passed");
    assert_eq!(run(3, &Limits::RELAY), "too_many_operations");
    assert_eq!(
        run(3, &Limits::DEVICE),
        "passed",
        "a device is twice as wide"
    );
    let tight = Limits {
        run_bytes: 100,
        ..Limits::RELAY
    };
    assert_eq!(run(2, &tight), "run_too_large");
    let few = Limits {
        changes: 1,
        ..Limits::RELAY
    };
    assert_eq!(run(2, &few), "too_many_changes");
    let foreign = check_run(&header(2), &changes[..2], &[9; 16], &Limits::RELAY);
    assert_eq!(foreign.unwrap_err().code, "actor_foreign");
}

#[test]
fn a_run_that_branches_or_counts_backwards_within_itself_is_refused() {
    let by = |seq: u64, start_op: u64, deps: Vec<Hash>| {
        let mut change = ByHand::puts(KIND, "k", 5);
        (change.seq, change.start_op, change.deps) = (seq, start_op, deps);
        check_change(&change.bytes(), KIND, &Limits::RELAY).unwrap()
    };
    let genesis = genesis(KIND).hash;
    let first = by(1, 1_000, vec![genesis]);
    let code = |second| {
        crate::guard::Shape::of(&[first.clone(), second], &genesis)
            .map_or_else(|r| r.code, |_| "passed")
    };
    assert_eq!(code(by(2, 1_005, vec![first.hash])), "passed");
    assert_eq!(code(by(2, 1_004, vec![first.hash])), "counter_order");
    assert_eq!(code(by(2, 2_000, vec![genesis])), "seq_branch");
    assert_eq!(code(by(3, 2_000, vec![first.hash])), "seq_gap");
}

#[test]
fn a_stored_document_loads_only_whole_and_at_its_heads() {
    use crate::frame::frame;
    use crate::guard::{Damage, load_framed};
    use crate::id::Version;
    let doc = genesis(KIND).document();
    let heads = Version::from(doc.get_heads());
    let framed = frame(&doc.save());
    assert_eq!(
        load_framed(&framed, &heads).unwrap().get_heads(),
        doc.get_heads()
    );
    assert_eq!(
        load_framed(&framed[1..], &heads).unwrap_err(),
        Damage::Frame
    );
    assert_eq!(
        load_framed(&framed, &Version::default()).unwrap_err(),
        Damage::Heads
    );
    assert_eq!(
        load_framed(&frame(b"not a document"), &heads).unwrap_err(),
        Damage::Load
    );
}
