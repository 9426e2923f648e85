//! What an input costs that is refused: bytes allocated at peak, by an allocator that counts, and
//! processor time of the thread. The bound on memory is the promise; the one on time is so wide that
//! only expanding what should stay unexpanded can break it.
#![expect(clippy::print_stdout, reason = "prints what was measured")]

use std::time::Duration;

use minicbor::bytes::ByteVec;
use sopu_core::chunk::{COLUMNS, Column, write_i64, write_u64};
use sopu_core::compress::compress;
use sopu_core::documents::{Kind, Rule};
use sopu_core::encoding::{decode_changes, encode_changes};
use sopu_core::envelope::{Envelope, decode, encode};
use sopu_core::genesis::genesis;
use sopu_core::guard::{Limits, Refusal, check_change, open_file};
use sopu_core::id::Hash;
use sopu_core::run::open;
use sopu_core::testing::by_hand::{ByHand, document_file, flags, run_of, seal_body, text};
use sopu_core::testing::honest::{Phone, SPACE};
use sopu_core::wire::body::{self, BadBody};
use sopu_core::wire::{Cursors, EnrolRequest, PROTOCOL, SyncRequest, SyncResponse, limits};
use sopu_fuzz::counting::{Counting, measured};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const KIND: Kind = Kind::VisitNote;

/// What a refusal may take.
const MIB: isize = 1 << 20;

/// Far above what any refusal takes, far below what expanding would.
const LONGEST: Duration = Duration::from_millis(250);

/// What must be refused, why, and at what cost.
#[track_caller]
fn refused<T: PartialEq + std::fmt::Debug>(
    name: &str,
    bytes: usize,
    why: T,
    most: isize,
    work: impl Fn() -> T,
) {
    let (says, peak, best) = measured(work);
    println!(
        "{name:60} {bytes:>9} B in {peak:>9} B at peak {:>8} us",
        best.as_micros()
    );
    assert_eq!(says, why, "{name}");
    assert!(peak <= most, "{name}: {peak} bytes at peak");
    assert!(best <= LONGEST, "{name}: {best:?}");
}

fn code<T>(said: Result<T, Refusal>) -> &'static str {
    said.map_or_else(|refusal| refusal.code, |_| "passed")
}

/// A change at the device's limits, which are the wider ones, and inside an envelope.
#[track_caller]
fn change(name: &str, bytes: &[u8], why: &'static str) {
    // Everything is made once, the genesis for one.
    genesis(KIND);
    refused(name, bytes.len(), why, MIB, || {
        code(check_change(bytes, KIND, &Limits::DEVICE))
    });
}

#[track_caller]
fn run(name: &str, bytes: &[u8], why: &'static str) {
    genesis(KIND);
    for kind in Kind::ALL {
        genesis(kind);
    }
    refused(name, bytes.len(), why, MIB, || {
        code(decode_changes(bytes, &Limits::RELAY))
    });
    let envelope = Envelope {
        header: header(),
        signature: [0; 64],
        run: bytes.to_vec(),
    };
    refused("  in an envelope", bytes.len(), why, MIB, || {
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

fn key_of(wanted: impl Fn(&Rule) -> bool) -> &'static str {
    KIND.spec()
        .fields()
        .find(|field| wanted(&field.rule))
        .expect("has one")
        .key()
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
    let deflated = seal_body(2, &vec![0x5a; 1_000_000]);
    change("a deflated chunk of 1 MB", &deflated, "change_too_large");
    let deflated = seal_body(2, &vec![0x5a; 400_000]);
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
                    peak <= MIB && best <= LONGEST,
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
                peak <= MIB && best <= LONGEST,
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
    let often = |mut streams: Vec<(usize, Vec<u8>)>| {
        for (_, stream) in &mut streams {
            *stream = stream.repeat(8_192);
        }
        encoded(8_192, &[&[1; 16]], 0, &streams)
    };
    let mut small = heads(1, 1 << ACTION);
    small.push((HEADS + ACTION, vec![1, 1]));
    run(
        "8 192 changes of an action each",
        &often(small),
        "run_too_large",
    );
    run(
        "8 192 changes without columns",
        &often(heads(1, 0)),
        "encoding_damaged",
    );
    run(
        "2^60 changes",
        &encoded(1 << 60, &[], 0, &[]),
        "chunk_truncated",
    );
}

fn request(push: Vec<ByteVec>) -> SyncRequest {
    SyncRequest {
        protocol: PROTOCOL,
        instance: [0; 16],
        cursors: Cursors::Vector(vec![]),
        push,
        wait_ms: 0,
        now_ms: 0,
        status_seen: 0,
        max_bytes: 0,
        done: vec![],
        offers: vec![],
        about: None,
        reads: None,
    }
}

#[track_caller]
fn cbor(name: &str, bytes: &[u8]) {
    let len = bytes.len();
    let why = Some(BadBody::Cbor);
    let most = limits::BODY_EXPANDED;
    refused(name, len, why, MIB, || {
        body::read::<SyncRequest>(bytes, false, most).err()
    });
    refused("  as an answer", len, why, MIB, || {
        body::read::<SyncResponse>(bytes, false, most).err()
    });
    if len <= 16 * 1024 {
        refused("  as an enrolment", len, why, MIB, || {
            body::read::<EnrolRequest>(bytes, false, len).err()
        });
    }
    refused("  as a header", len, true, MIB, || {
        decode::<sopu_core::envelope::Header>(bytes).is_none()
    });
    refused("  as an envelope", len, true, MIB, || {
        decode::<Envelope>(bytes).is_none()
    });
}

#[test]
fn claimed_lengths_in_cbor_allocate_nothing() {
    for major in [0x40u8, 0x60, 0x80, 0xa0, 0xc0] {
        for claimed in [u64::MAX, 1 << 40, 1 << 32, 1 << 24] {
            let mut bytes = vec![major | 27];
            bytes.extend_from_slice(&claimed.to_be_bytes());
            cbor(&format!("major {major:#x} claiming {claimed}"), &bytes);
            // The same in every place of a request's array of ten.
            for place in 0..10 {
                let mut inside = vec![0x8a];
                inside.resize(1 + place, 0x00);
                inside.extend_from_slice(&bytes);
                cbor(&format!("  at place {place}"), &inside);
            }
        }
    }
    let most = limits::BODY_EXPANDED;
    cbor("16 MiB of nested arrays", &vec![0x81; most]);
    cbor("16 MiB of nested maps", &vec![0xa1; most]);
    cbor("16 MiB of nested tags", &vec![0xc1; most]);
    cbor("16 MiB of endless arrays", &vec![0x9f; most]);
    // In a field of a later version, which is skipped.
    for filler in [0x81, 0x9f, 0xbf, 0xc1] {
        let mut later = encode(&request(vec![]));
        later[0] += 1;
        later.resize(most, filler);
        cbor("nesting in a later version's field", &later);
    }
    let mut empty = encode(&request(vec![]));
    let push = 23;
    assert_eq!(empty[push], 0x80, "the empty list of envelopes");
    let tail = empty.split_off(push + 1);
    empty.pop();
    let count = 15_000_000u32;
    empty.push(0x9a);
    empty.extend_from_slice(&count.to_be_bytes());
    empty.resize(empty.len() + 15_000_000, 0x40);
    empty.extend_from_slice(&tail);
    cbor("15 000 000 empty envelopes", &empty);
}

#[test]
fn a_compressed_bomb_stops_at_the_ceiling() {
    let bomb = compress(&vec![0; 200_000_000]).expect("shrinks");
    let len = bomb.len();
    let large = Some(BadBody::TooLarge);
    refused("200 MB of zeros as an enrolment", len, large, MIB, || {
        body::read::<EnrolRequest>(&bomb, true, 16 * 1024).err()
    });
    let known = zstd::bulk::compress(&vec![0; 60_000], 3).expect("packs");
    refused(
        "60 kB of zeros as an enrolment",
        known.len(),
        large,
        MIB,
        || body::read::<EnrolRequest>(&known, true, 16 * 1024).err(),
    );
    // A body may hold 16 MiB, so that much is expanded before it is known to hold more.
    let most = limits::BODY_EXPANDED;
    let ceiling = 3 * most.cast_signed() + MIB;
    let (says, peak, best) = measured(|| body::read::<SyncRequest>(&bomb, true, most).err());
    println!(
        "200 MB of zeros as a sync: {peak} B at peak, {} ms",
        best.as_millis()
    );
    assert_eq!(says, large);
    assert!(peak <= ceiling, "{peak}");
    let not = vec![0x28; 100_000];
    refused(
        "no zstd at all",
        not.len(),
        Some(BadBody::Compression),
        MIB,
        || body::read::<SyncRequest>(&not, true, most).err(),
    );
}

#[test]
fn the_counting_allocator_counts() {
    let ((), peak, _) = measured(|| drop(vec![1u8; 3_000_000]));
    assert!((3_000_000..3_001_000).contains(&peak), "{peak}");
}

#[test]
fn a_file_is_counted_before_anything_is_made_of_it() {
    let many = 1 << 40;
    let numbers = run_of(many, |out| write_u64(out, 1));
    let steps = run_of(many, |out| write_i64(out, 1));
    let keys = run_of(many, |out| text(out, "k"));
    for (spec, column, why) in [
        (33, &numbers, "too_many_operations"),
        (35, &steps, "too_many_operations"),
        (21, &keys, "too_many_operations"),
        (52, &flags(&[many]), "too_many_operations"),
        (66, &numbers, "too_many_operations"),
    ] {
        let file = document_file(&[], &[(spec, column)]);
        let name = format!("a file with a column {spec} of 2^40 rows");
        refused(&name, file.len(), why, MIB, || code(open_file(&file)));
    }
    let group = run_of(1, |out| write_u64(out, many));
    let few = run_of(9, |out| write_u64(out, 1));
    let lengths = run_of(1, |out| write_u64(out, many << 10));
    for (name, ops) in [
        ("a file with a group of 2^40", [(128, &group), (129, &few)]),
        (
            "a file with a value of 2^46 bytes",
            [(86, &lengths), (87, &few)],
        ),
    ] {
        let file = document_file(&[], &ops.map(|(spec, column)| (spec, &column[..])));
        refused(name, file.len(), "column_rows", MIB, || {
            code(open_file(&file))
        });
    }
}
