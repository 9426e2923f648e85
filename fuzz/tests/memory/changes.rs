//! Changes, which the guard walks without expanding them.

use sopu_core::chunk::{Column, write_i64, write_u64};
use sopu_core::documents::Rule;
use sopu_core::genesis::genesis;
use sopu_core::guard::{Limits, check_change};
use sopu_core::id::Hash;
use sopu_core::testing::by_hand::{ByHand, deflate_bomb, flags, run_of, seal_body, text};

use super::*;

/// A change at the device's limits, which are the wider ones, and inside an envelope.
#[track_caller]
fn change(name: &str, bytes: &[u8], why: &'static str) {
    // Everything is made once, the genesis for one.
    genesis(KIND);
    refused(name, bytes.len(), why, MIB, || {
        code(check_change(bytes, KIND, &Limits::DEVICE))
    });
}

#[test]
fn the_inputs_that_hurt_an_unguarded_automerge_cost_nothing_to_refuse() {
    for count in [1_000_000, 10_000_000, 100_000_000, i64::MAX as u64] {
        let bytes = ByHand::puts(KIND, "k", count).bytes();
        change(
            &format!("{count} operations"),
            &bytes,
            "too_many_operations",
        );
    }
    let mut preds = ByHand::puts(KIND, "k", 1).with_pred(0, 1);
    let many = 100_000_000;
    preds.set(Column::PredCount, &run_of(1, |out| write_u64(out, many)));
    preds.set(Column::PredActor, &run_of(many, |out| write_u64(out, 0)));
    preds.set(Column::PredCounter, &run_of(many, |out| write_i64(out, 1)));
    let bytes = preds.bytes();
    change("100 000 000 predecessors", &bytes, "too_many_predecessors");
    // Two gigabytes before Automerge says that there is something wrong.
    let deflated = seal_body(2, &deflate_bomb(1_000_000));
    change("a deflated chunk of 1 MB", &deflated, "change_too_large");
    let deflated = seal_body(2, &deflate_bomb(400_000));
    change("a deflated chunk of 400 kB", &deflated, "chunk_type");
    for start in [(1 << 32) - 20, 1 << 31, u64::MAX] {
        let mut late = ByHand::puts(KIND, "k", 1);
        late.start_op = start;
        change(
            "a start near the end of counters",
            &late.bytes(),
            "counter_too_large",
        );
    }
    let log = key_of(|rule| matches!(rule, Rule::Log));
    let mut hides = ByHand::puts(KIND, log, 1);
    hides.set(Column::Action, &run_of(1, |out| write_u64(out, 0)));
    change(
        "put_object(ROOT, log)",
        &hides.bytes(),
        "container_replaced",
    );
    let again = ByHand::on(KIND, log, "entry", 1).with_pred(0, 999);
    change("a log entry overwritten", &again.bytes(), "log_key");
    let items = key_of(|rule| matches!(rule, Rule::Map(_)));
    let deleted = ByHand::on(KIND, items, "item", 3).with_pred(0, 999);
    change("a deleted item key", &deleted.bytes(), "item_key");
    let mut flipped = ByHand::puts(KIND, "k", 1).bytes();
    let last = flipped.len() - 1;
    flipped[last] ^= 1;
    change("one flipped byte", &flipped, "chunk_checksum");
}

#[test]
fn the_deflated_bomb_inflates_to_a_thousand_times_its_bytes() {
    let bomb = deflate_bomb(100_000);
    assert!((90_000..=100_000).contains(&bomb.len()), "{}", bomb.len());
    let mut inflated = flate2::read::DeflateDecoder::new(&bomb[..]);
    let size = std::io::copy(&mut inflated, &mut std::io::sink()).expect("inflates to its end");
    assert!(size > 900 * bomb.len() as u64, "{size}");
}

#[test]
fn a_bomb_in_any_column_is_walked_and_not_expanded() {
    let numbers = |count: u64| run_of(count, |out| write_u64(out, 1));
    let nulls = |count: u64| {
        let mut out = vec![0];
        write_u64(&mut out, count);
        // A column of nulls only is refused for that alone.
        out.extend(run_of(1, |out| write_u64(out, 1)));
        out
    };
    let literals = |count: i64| {
        let mut out = Vec::new();
        write_i64(&mut out, -count);
        out.extend([1, 2, 3]);
        out
    };
    for column in Column::ALL {
        for count in [10_000_000u64, 100_000_000, i64::MAX as u64] {
            let bombs = match column {
                Column::Insert => vec![flags(&[count]), flags(&[0, count, count])],
                Column::KeyString => vec![run_of(count, |out| text(out, "k"))],
                Column::Value => vec![vec![7; 1_000]],
                Column::ObjActor
                | Column::ObjCounter
                | Column::KeyActor
                | Column::KeyCounter
                | Column::Action
                | Column::ValueMeta
                | Column::PredCount
                | Column::PredActor
                | Column::PredCounter => {
                    vec![numbers(count), nulls(count), literals(count.cast_signed())]
                }
            };
            for bomb in bombs {
                let mut one = ByHand::puts(KIND, "k", 1);
                one.set(column, &bomb);
                let bytes = one.bytes();
                let (says, peak, best) =
                    measured(|| code(check_change(&bytes, KIND, &Limits::DEVICE)));
                println!(
                    "{column:?} x {count}: {says}, {peak} B, {} us",
                    best.as_micros()
                );
                assert_ne!(says, "passed");
                assert!(
                    peak <= MIB && best <= longest(bytes.len()),
                    "{column:?}: {peak} B, {best:?}"
                );
            }
        }
    }
    let mut long = ByHand::puts(KIND, "k", 60_000);
    long.set(
        Column::ValueMeta,
        &run_of(60_000, |out| write_u64(out, u64::MAX)),
    );
    change(
        "values that claim 2^60 bytes each",
        &long.bytes(),
        "value_length",
    );
    let key = "k".repeat(4_000);
    let keys = ByHand::puts(KIND, &key, 60_000);
    change("one long key 60 000 times", &keys.bytes(), "too_much_text");
}

#[test]
fn lists_in_a_change_cost_no_more_than_its_bytes() {
    let mut many = ByHand::puts(KIND, "k", 1);
    many.deps = (0..10_000u32)
        .map(|n| {
            let mut hash = [0; 32];
            hash[..4].copy_from_slice(&n.to_be_bytes());
            Hash(hash)
        })
        .collect();
    change(
        "10 000 dependencies",
        &many.bytes(),
        "too_many_dependencies",
    );

    let mut actors = ByHand::puts(KIND, "k", 1);
    actors.others = (0..130_000u32)
        .map(|n| n.to_be_bytes()[1..].to_vec())
        .collect();
    change(
        "130 000 actors of three bytes",
        &actors.bytes()[..],
        "too_many_actors",
    );
    actors.others.truncate(4_000);
    change("4 000 actors of three bytes", &actors.bytes(), "actor_form");

    let mut nested = ByHand::puts(KIND, "k", 1);
    let wrap = |inner: &[u8]| [&[0x13, 0xb2, 0x23, 0x09, 1], inner].concat();
    nested.actor = wrap(&wrap(&[1; 16]));
    change("an actor wrapped twice", &nested.bytes(), "actor_form");
    nested.actor = (0..10_000).fold(vec![1; 16], |inner, _| wrap(&inner));
    change(
        "an actor wrapped 10 000 times",
        &nested.bytes(),
        "actor_form",
    );
    nested.actor = [&[0x13, 0xb2, 0x23, 0x09, 0x81, 0x00][..], &[1; 16]].concat();
    change(
        "an actor's level longer than needed",
        &nested.bytes(),
        "actor_form",
    );

    let mut message = ByHand::puts(KIND, "k", 1);
    message.message = "m".repeat(500_000);
    change("a message of 500 kB", &message.bytes(), "message_too_long");

    // The body begins with the number of dependencies, here in two bytes instead of one.
    let honest = sopu_core::testing::by_hand::body(&ByHand::puts(KIND, "k", 1).bytes());
    let overlong = [&[0x81, 0x00], &honest[1..]].concat();
    change(
        "a number longer than needed",
        &seal_body(1, &overlong),
        "number_overlong",
    );
    let endless = [&[0xff; 12][..], &honest[1..]].concat();
    change(
        "a number without an end",
        &seal_body(1, &endless),
        "number_too_large",
    );
}
