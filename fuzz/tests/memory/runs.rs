//! Runs: the compact form, which is built up on arrival.

use sopu_core::chunk::{COLUMNS, Column, write_i64, write_u64};
use sopu_core::encoding::{decode_changes, encode_changes};
use sopu_core::envelope::Envelope;
use sopu_core::genesis::genesis;
use sopu_core::guard::Limits;
use sopu_core::run::open;
use sopu_core::testing::by_hand::ByHand;
use sopu_core::testing::honest::{Phone, SPACE};
use sopu_core::wire::limits;

use super::*;

#[track_caller]
fn run(name: &str, bytes: &[u8], why: &'static str) {
    run_within(name, bytes, why, longest(bytes.len()));
}

#[track_caller]
fn run_within(name: &str, bytes: &[u8], why: &'static str, longest: Duration) {
    genesis(KIND);
    for kind in Kind::ALL {
        genesis(kind);
    }
    refused_within(name, bytes.len(), why, MIB, longest, || {
        code(decode_changes(bytes, &Limits::RELAY))
    });
    let envelope = Envelope {
        header: header(),
        signature: [0; 64],
        run: bytes.to_vec(),
    };
    refused_within("  in an envelope", bytes.len(), why, MIB, longest, || {
        code(open(&envelope, &Limits::RELAY))
    });
}

fn header() -> Vec<u8> {
    let mut phone = Phone::new(KIND, 1);
    phone.put("km", 1);
    let sealing = sopu_core::run::Sealing {
        space: SPACE,
        doc: sopu_core::id::DocId(uuid::Uuid::nil()),
        kind: KIND,
        device: sopu_core::id::DeviceId(uuid::Uuid::nil()),
        epoch: sopu_core::testing::honest::EPOCH,
        replaces: vec![],
        sealed_at_ms: 0,
        offset_ms: None,
    };
    sopu_core::run::seal(sealing, &phone.own_changes(), &phone.key)
        .expect("seals")
        .envelope
        .header
}

/// The compact form with these streams.
fn encoded(count: u64, actors: &[&[u8]], outside: usize, streams: &[(usize, Vec<u8>)]) -> Vec<u8> {
    let mut out = vec![1];
    write_u64(&mut out, count);
    write_u64(&mut out, actors.len() as u64);
    for actor in actors {
        write_u64(&mut out, actor.len() as u64);
        out.extend_from_slice(actor);
    }
    write_u64(&mut out, outside as u64);
    out.resize(out.len() + 32 * outside, 2);
    write_u64(
        &mut out,
        streams.iter().fold(0, |bits, (place, _)| bits | 1 << place),
    );
    for (_, stream) in streams {
        write_u64(&mut out, stream.len() as u64);
        out.extend_from_slice(stream);
    }
    out
}

/// One change's header streams with genesis as its dependency: actor, deps, seq, start, time,
/// message, others, operations, columns.
fn heads(ops: u64, bits: u64) -> Vec<(usize, Vec<u8>)> {
    let number = |n: u64| {
        let mut out = Vec::new();
        write_u64(&mut out, n);
        out
    };
    let genesis = vec![2, KIND.number()];
    let mut start = Vec::new();
    write_i64(&mut start, 1_000);
    [
        number(0),
        genesis,
        number(0),
        start,
        number(0),
        number(0),
        number(0),
        number(ops),
        number(bits),
    ]
    .into_iter()
    .enumerate()
    .collect()
}

const HEADS: usize = 9;

/// The place of the column of actions.
const ACTION: usize = Column::Action as usize;

#[test]
fn a_bomb_in_a_runs_compact_form_is_refused_unexpanded() {
    let bomb = encode_changes(&[ByHand::puts(KIND, "k", 100_000_000).bytes()]).expect("encodes");
    run(
        "100 000 000 operations, encoded",
        &bomb,
        "too_many_operations",
    );
    let bomb = encoded(1, &[&[1; 16]], 0, &heads(u64::MAX, 0));
    run("2^64 operations, encoded", &bomb, "too_many_operations");
    for column in 0..COLUMNS {
        // Three times the count plus the kind: literals, then repeats, then nulls.
        for kind in 0..3u64 {
            let mut streams = heads(1, 1 << column);
            let mut stream = Vec::new();
            write_u64(&mut stream, 300_000_000 + kind);
            stream.push(1);
            streams.push((HEADS + column, stream));
            let bytes = encoded(1, &[&[1; 16]], 0, &streams);
            let (says, peak, best) = measured(|| code(decode_changes(&bytes, &Limits::RELAY)));
            println!(
                "encoded column {column}, {kind}: {says}, {peak} B, {} us",
                best.as_micros()
            );
            assert_ne!(says, "passed");
            assert!(
                peak <= MIB && best <= longest(bytes.len()),
                "{column}: {peak} B, {best:?}"
            );
        }
    }
    run("16 MiB of nothing", &vec![1; 16 << 20], "run_too_large");
    let empty: Vec<&[u8]> = vec![&[]; 500_000];
    run(
        "500 000 empty actors",
        &encoded(1, &empty, 0, &heads(1, 0)),
        "too_many_actors",
    );
    run(
        "16 000 outside hashes",
        &encoded(1, &[&[1; 16]], 16_000, &heads(1, 0)),
        "encoding_damaged",
    );

    let mut deps = heads(1, 0);
    let mut list = Vec::new();
    write_u64(&mut list, 100_001);
    list.extend(std::iter::repeat_n(33, 100_000));
    deps[1].1 = list;
    run(
        "one dependency 100 000 times",
        &encoded(1, &[&[1; 16]], 1, &deps),
        "run_too_large",
    );

    let mut others = heads(1, 0);
    let mut list = Vec::new();
    write_u64(&mut list, 100_001);
    list.resize(list.len() + 100_000, 0);
    others[6].1 = list;
    run(
        "one actor 100 000 times",
        &encoded(1, &[&[1; 16]], 0, &others),
        "encoding_damaged",
    );

    // As many changes as the limit allows, each as small as it can be: one action.
    let often = |mut streams: Vec<(usize, Vec<u8>)>, times: usize| {
        for (_, stream) in &mut streams {
            *stream = stream.repeat(times);
        }
        encoded(times as u64, &[&[1; 16]], 0, &streams)
    };
    let mut small = heads(1, 1 << ACTION);
    small.push((HEADS + ACTION, vec![1, 1]));
    // They are built up until they are more than a run may have: that takes what building an honest
    // run takes, and no longer.
    let some = often(small.clone(), 2_000);
    let built = || {
        let changes = decode_changes(&some, &Limits::RELAY).expect("not too many");
        changes.iter().map(Vec::len).sum::<usize>()
    };
    let (size, _, building) = measured(built);
    println!(
        "an honest run of 2 000: {size} B in {} us",
        building.as_micros()
    );
    assert!(size > limits::RUN / 2, "{size}");
    run_within(
        "8 192 changes of an action each",
        &often(small, 8_192),
        "run_too_large",
        building * 4,
    );
    run(
        "8 192 changes without columns",
        &often(heads(1, 0), 8_192),
        "encoding_damaged",
    );
    run(
        "2^60 changes",
        &encoded(1 << 60, &[], 0, &[]),
        "chunk_truncated",
    );
}
