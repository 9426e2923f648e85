#![expect(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;

use super::*;
use crate::documents::Kind;
use crate::guard::tests::honest::{Dice, Phone, world};

#[test]
fn whole_documents_of_several_devices_come_back_byte_for_byte() {
    for kind in Kind::ALL {
        for seed in 0..6 {
            let changes = world(kind, 4, 60, seed)[0].changes();
            let encoded = encode_changes(&changes).unwrap();
            assert_eq!(decode_changes(&encoded, &Limits::PACK).unwrap(), changes);
        }
    }
}

#[test]
fn nothing_encodes_to_nothing() {
    let encoded = encode_changes(&[]).unwrap();
    assert_eq!(
        decode_changes(&encoded, &Limits::RELAY).unwrap(),
        Vec::<Vec<u8>>::new()
    );
}

#[test]
fn a_change_of_a_day_costs_far_less_than_its_hashes_and_actors() {
    let mut phone = Phone::new(Kind::VisitNote, 1);
    for minute in 0..60 {
        phone.put("km", format!("{minute}.5"));
    }
    let changes = phone.own_changes();
    let raw: usize = changes.iter().map(Vec::len).sum();
    let encoded = encode_changes(&changes).unwrap();
    assert!(encoded.len() * 3 < raw, "{} of {raw}", encoded.len());
    assert!(
        encoded.len() / changes.len() < 40,
        "{}",
        encoded.len() / changes.len()
    );
}

#[test]
fn another_version_is_refused_by_name() {
    let mut encoded = encode_changes(&[]).unwrap();
    encoded[0] = 9;
    assert_eq!(
        decode_changes(&encoded, &Limits::RELAY).unwrap_err().code,
        "encoding_version"
    );
}

#[test]
fn a_run_that_rebuilds_to_more_than_the_limit_is_refused() {
    let changes = world(Kind::VisitNote, 1, 30, 5)[0].changes();
    let size = changes.iter().map(Vec::len).sum::<usize>();
    let encoded = encode_changes(&changes).unwrap();
    let at = |run_bytes| {
        decode_changes(
            &encoded,
            &Limits {
                run_bytes,
                ..Limits::RELAY
            },
        )
    };
    assert_eq!(at(size).unwrap(), changes);
    assert_eq!(at(size - 1).unwrap_err().code, "run_too_large");
    let few = Limits {
        changes: changes.len() - 1,
        ..Limits::RELAY
    };
    assert_eq!(
        decode_changes(&encoded, &few).unwrap_err().code,
        "too_many_changes"
    );
}

#[test]
fn damage_is_refused_or_rebuilds_to_something_to_guard_and_never_panics() {
    let changes = world(Kind::Contract, 2, 25, 3)[0].changes();
    let encoded = encode_changes(&changes).unwrap();
    let mut dice = Dice(77);
    let (mut refused, mut rebuilt) = (0, 0);
    for _ in 0..3_000 {
        let mut damaged = encoded.clone();
        for _ in 0..=dice.roll(2) {
            let place = dice.below(damaged.len());
            damaged[place] ^= 1 << dice.roll(8);
        }
        match decode_changes(&damaged, &Limits::RELAY) {
            Ok(_) => rebuilt += 1,
            Err(_) => refused += 1,
        }
    }
    assert!(refused > 100 && rebuilt > 100, "{refused} {rebuilt}");
    for len in 0..encoded.len() {
        assert!(decode_changes(&encoded[..len], &Limits::RELAY).is_err());
    }
}

#[test]
fn a_few_bytes_cannot_make_many_dependencies_messages_or_actors() {
    // One change whose dependency list names the same outside hash over and over.
    let mut encoded = vec![VERSION, 1, 1, 16];
    encoded.extend_from_slice(&[1; 16]);
    encoded.push(1);
    encoded.extend_from_slice(&[2; 32]);
    write_u64(&mut encoded, 0b11);
    encoded.extend_from_slice(&[1, 0]);
    let mut deps = Vec::new();
    write_u64(&mut deps, 100_001);
    deps.extend(std::iter::repeat_n(33, 100_000));
    write_u64(&mut encoded, deps.len() as u64);
    encoded.extend_from_slice(&deps);
    assert_eq!(
        decode_changes(&encoded, &Limits::RELAY).unwrap_err().code,
        "run_too_large"
    );
}

/// It would be the cheapest way to very many changes, and encodes to another form that nobody reads (found by
/// fuzzing).
#[test]
fn a_change_that_claims_operations_and_has_no_columns_is_refused() {
    let form = "0101011513b223013f095bfa30b5461ee695ca74c0f7f26a7500ffc3170100020203010002ed0005eea5d4aa\
         0401000100014101000000000000";
    let form = data_encoding::HEXLOWER.decode(form.as_bytes()).unwrap();
    assert_eq!(decode_changes(&form, &Limits::RELAY).unwrap_err(), DAMAGED);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_history_comes_back(seed in 0u64..1 << 32, phones in 1u8..5, saves in 1usize..40, kind in 0usize..3) {
        let changes = world(Kind::ALL[kind], phones, saves, seed)[0].changes();
        let encoded = encode_changes(&changes).unwrap();
        prop_assert_eq!(decode_changes(&encoded, &Limits::PACK).unwrap(), changes);
    }

    #[test]
    fn any_bytes_are_taken_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let mut versioned = vec![VERSION];
        versioned.extend_from_slice(&bytes);
        let _ = decode_changes(&versioned, &Limits::RELAY);
    }
}
