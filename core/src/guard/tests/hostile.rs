//! The inputs that hurt an unguarded Automerge, each with a right checksum.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use super::by_hand::{ByHand, body, deflate_bomb, flags, run_of, seal_body, text};
use crate::chunk::{Column, write_i64, write_u64};
use crate::documents::Container;
use crate::documents::{Kind, Rule};
use crate::genesis::{genesis, spare_key};
use crate::guard::{Limits, Refusal, check_change};

const KIND: Kind = Kind::VisitNote;

/// The processor time a refusal takes at most; unoptimised code is slower.
const LONGEST: Duration = Duration::from_millis(if cfg!(debug_assertions) { 10 } else { 1 });

/// What the guard says, five times, the quickest of them at once and not after expanding.
fn refusal(bytes: &[u8]) -> &'static str {
    let once = |_| {
        let start = cpu();
        let code = check_change(bytes, KIND, &Limits::DEVICE)
            .map_or_else(|r: Refusal| r.code, |_| "passed");
        (cpu().saturating_sub(start), code)
    };
    let (best, code) = (0..5).map(once).min().unwrap();
    assert!(best <= LONGEST, "{code} after {best:?}");
    code
}

/// Processor time of this thread, which other tests do not lengthen.
fn cpu() -> Duration {
    clock_gettime(ClockId::ThreadCPUTime).try_into().unwrap()
}

fn key_of(wanted: impl Fn(&Rule) -> bool) -> &'static str {
    KIND.spec()
        .fields()
        .find(|f| wanted(&f.rule))
        .unwrap()
        .key()
}

fn log() -> &'static str {
    key_of(|r| matches!(r, Rule::Log))
}

fn items() -> &'static str {
    key_of(|r| matches!(r, Rule::Map(_)))
}

fn status() -> &'static str {
    key_of(|r| matches!(r, Rule::Mst(_)))
}

#[test]
fn a_small_change_claiming_ten_or_a_hundred_million_operations_is_refused_unexpanded() {
    for count in [10_000_000, 100_000_000, i64::MAX as u64] {
        let bytes = ByHand::puts(KIND, "k", count).bytes();
        assert!(bytes.len() < 150);
        assert_eq!(refusal(&bytes), "too_many_operations");
    }
}

#[test]
fn a_small_change_claiming_a_million_operations_is_refused_unexpanded() {
    assert_eq!(
        refusal(&ByHand::puts(KIND, "k", 1_000_000).bytes()),
        "too_many_operations"
    );
}

#[test]
fn one_operation_claiming_a_hundred_million_predecessors_is_refused_unexpanded() {
    let mut change = ByHand::puts(KIND, "k", 1);
    change.set(
        Column::PredCount,
        &run_of(1, |out| write_u64(out, 100_000_000)),
    );
    change.set(
        Column::PredActor,
        &run_of(100_000_000, |out| write_u64(out, 0)),
    );
    change.set(
        Column::PredCounter,
        &run_of(100_000_000, |out| write_i64(out, 1)),
    );
    assert_eq!(refusal(&change.bytes()), "too_many_predecessors");
}

#[test]
fn a_run_of_one_long_key_is_refused_by_the_text_it_expands_to() {
    let bytes = ByHand::puts(KIND, &"k".repeat(4_000), 60_000).bytes();
    assert!(bytes.len() < 5_000);
    assert_eq!(refusal(&bytes), "too_much_text");
}

#[test]
fn a_deflated_chunk_is_refused_without_inflating_it() {
    let chunk = seal_body(2, &deflate_bomb(200_000));
    assert_eq!(refusal(&chunk), "chunk_type");
    let huge = seal_body(2, &deflate_bomb(1_000_000));
    assert_eq!(refusal(&huge), "change_too_large");
}

#[test]
fn document_and_bundle_chunks_are_refused() {
    for chunk_type in [0, 3, 4, 255] {
        assert_eq!(refusal(&seal_body(chunk_type, &[0; 40])), "chunk_type");
    }
    let saved = genesis(KIND).document().save();
    assert_eq!(refusal(&saved), "chunk_type");
}

#[test]
fn a_start_near_the_end_of_the_counters_is_refused() {
    for start in [(1u64 << 32) - 20, 1 << 31, u64::MAX] {
        let mut change = ByHand::puts(KIND, "k", 1);
        change.start_op = start;
        assert_eq!(refusal(&change.bytes()), "counter_too_large");
    }
    let mut last = ByHand::puts(KIND, "k", 1);
    last.start_op = (1 << 31) - 1;
    assert_eq!(refusal(&last.bytes()), "passed");
}

#[test]
fn replacing_any_genesis_container_is_refused_whatever_the_operation() {
    let spares = [spare_key(Container::Map, 3), spare_key(Container::Text, 15)];
    for key in [
        log(),
        items(),
        status(),
        spares[0].as_str(),
        spares[1].as_str(),
    ] {
        for action in [0, 1, 3, 4] {
            let mut change = ByHand::puts(KIND, key, 1);
            change.others = vec![genesis(KIND).actor.to_vec()];
            change.set(Column::Action, &run_of(1, |out| write_u64(out, action)));
            let bytes = change.with_pred(1, 1).bytes();
            assert_eq!(
                refusal(&bytes),
                "container_replaced",
                "action {action} on {key}"
            );
        }
    }
}

#[test]
fn a_new_container_at_the_root_is_refused() {
    for action in [0, 4] {
        let mut change = ByHand::puts(KIND, "something_new", 1);
        change.set(Column::Action, &run_of(1, |out| write_u64(out, action)));
        assert_eq!(refusal(&change.bytes()), "container_made");
    }
}

#[test]
fn overwriting_or_deleting_a_log_entry_is_refused() {
    assert_eq!(refusal(&ByHand::on(KIND, log(), "a", 1).bytes()), "passed");
    assert_eq!(
        refusal(&ByHand::on(KIND, log(), "a", 1).with_pred(0, 999).bytes()),
        "log_key"
    );
    assert_eq!(
        refusal(&ByHand::on(KIND, log(), "a", 3).with_pred(0, 999).bytes()),
        "log_key"
    );
    assert_eq!(refusal(&ByHand::on(KIND, log(), "a", 0).bytes()), "log_key");
}

#[test]
fn replacing_hiding_or_deleting_an_item_is_refused() {
    assert_eq!(
        refusal(&ByHand::on(KIND, items(), "a", 0).bytes()),
        "passed"
    );
    assert_eq!(
        refusal(&ByHand::on(KIND, items(), "a", 0).with_pred(0, 999).bytes()),
        "item_key"
    );
    assert_eq!(
        refusal(&ByHand::on(KIND, items(), "a", 3).with_pred(0, 999).bytes()),
        "item_key"
    );
    assert_eq!(
        refusal(&ByHand::on(KIND, items(), "a", 1).bytes()),
        "item_key"
    );
}

#[test]
fn overwriting_or_deleting_a_status_mark_is_refused() {
    assert_eq!(
        refusal(&ByHand::on(KIND, status(), "0001/01", 1).bytes()),
        "passed"
    );
    for action in [1, 3] {
        let change = ByHand::on(KIND, status(), "0001/01", action).with_pred(0, 999);
        assert_eq!(refusal(&change.bytes()), "status_key");
    }
}

#[test]
fn a_set_may_lose_an_element() {
    let tags = key_of(|r| matches!(r, Rule::Aws));
    assert_eq!(
        refusal(&ByHand::on(KIND, tags, "a", 3).with_pred(0, 999).bytes()),
        "passed"
    );
    assert_eq!(
        refusal(&ByHand::on(KIND, tags, "a", 0).bytes()),
        "element_made"
    );
}

#[test]
fn a_spare_container_no_field_claims_is_free_inside() {
    let spare = spare_key(Container::Map, 5);
    for action in [0, 1, 4] {
        assert_eq!(
            refusal(&ByHand::on(KIND, &spare, "a", action).bytes()),
            "passed"
        );
    }
    let delete = ByHand::on(KIND, &spare, "a", 3).with_pred(0, 999);
    assert_eq!(refusal(&delete.bytes()), "passed");
}

#[test]
fn increments_marks_lists_and_unknown_actions_are_refused() {
    for action in [2, 5, 6, 7, 8, 1 << 40] {
        let mut change = ByHand::puts(KIND, "k", 1);
        change.set(Column::Action, &run_of(1, |out| write_u64(out, action)));
        assert_eq!(refusal(&change.bytes()), "action_unknown");
    }
}

#[test]
fn one_flipped_byte_in_a_dose_is_seen() {
    let mut change = ByHand::puts(KIND, "dose", 1);
    change.set(
        Column::ValueMeta,
        &run_of(1, |out| write_u64(out, 5 << 4 | 6)),
    );
    change.set(Column::Value, b"250mg");
    let honest = change.bytes();
    assert_eq!(refusal(&honest), "passed");
    let place = honest.windows(5).position(|w| w == b"250mg").unwrap();
    let mut flipped = honest.clone();
    flipped[place] = b'7';
    assert_eq!(refusal(&flipped), "chunk_checksum");
    // With a repaired checksum it is another change, with another hash than was announced.
    let repaired = seal_body(1, &body(&flipped));
    let hash = |bytes: &[u8]| check_change(bytes, KIND, &Limits::RELAY).unwrap().hash;
    assert_ne!(hash(&repaired), hash(&honest));
}

#[test]
fn genesis_writes_nothing_twice() {
    let mut change = ByHand::puts(KIND, "k", 1);
    change.actor = genesis(KIND).actor.to_vec();
    assert_eq!(refusal(&change.bytes()), "genesis_actor");
    let mut derived = vec![0x13, 0xb2, 0x23, 0x09, 1];
    derived.extend_from_slice(&genesis(KIND).actor);
    change.actor = derived;
    assert_eq!(refusal(&change.bytes()), "genesis_actor");
}

#[test]
fn letters_cannot_be_put_into_a_map_nor_keys_into_a_text() {
    let mut letters = ByHand::on(KIND, log(), "a", 1);
    letters.set(Column::KeyString, &[]);
    letters.set(Column::KeyCounter, &run_of(1, |out| write_i64(out, 0)));
    letters.set(Column::Insert, &flags(&[0, 1]));
    letters.set(
        Column::ValueMeta,
        &run_of(1, |out| write_u64(out, 1 << 4 | 6)),
    );
    letters.set(Column::Value, b"x");
    assert_eq!(refusal(&letters.bytes()), "object_kind");
    let summary = key_of(|r| matches!(r, Rule::Txt));
    assert_eq!(
        refusal(&ByHand::on(KIND, summary, "a", 1).bytes()),
        "object_kind"
    );
}

#[test]
fn a_key_longer_than_any_element_is_refused() {
    let mut change = ByHand::puts(KIND, "k", 1);
    change.set(
        Column::KeyString,
        &run_of(1, |out| text(out, &"ä".repeat(3_000))),
    );
    assert_eq!(refusal(&change.bytes()), "key_too_long");
}
