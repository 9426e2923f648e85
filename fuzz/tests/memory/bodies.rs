//! Bodies of requests and answers: CBOR and zstd.

use minicbor::bytes::ByteVec;
use sopu_core::compress::compress;
use sopu_core::envelope::{Envelope, decode, encode};
use sopu_core::testing::by_hand::zstd_window;
use sopu_core::wire::body::{self, BadBody};
use sopu_core::wire::{Cursors, EnrolRequest, PROTOCOL, SyncRequest, SyncResponse, limits};

use super::*;

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
    let ceiling = most.cast_signed() + most.cast_signed() / 2 + MIB;
    let (says, peak, best) = measured(|| body::read::<SyncRequest>(&bomb, true, most).err());
    println!(
        "200 MB of zeros as a sync: {peak} B at peak, {} us",
        best.as_micros()
    );
    assert_eq!(says, large);
    assert!(peak <= ceiling, "{peak}");
    // The largest that may come, expanded and nothing else.
    let honest = compress(&vec![0; most]).expect("shrinks");
    let (size, _, expanding) = measured(|| {
        zstd::stream::decode_all(&honest[..])
            .map(|all| all.len())
            .ok()
    });
    println!("16 MiB of zeros expanded: {} us", expanding.as_micros());
    assert_eq!(size, Some(most));
    assert!(best <= 4 * expanding, "{best:?} beside {expanding:?}");
    let not = vec![0x28; 100_000];
    refused(
        "no zstd at all",
        not.len(),
        Some(BadBody::Compression),
        MIB,
        || body::read::<SyncRequest>(&not, true, most).err(),
    );
}

/// zstd allocates by itself, which is not counted here: that these are refused is what keeps it from it.
#[test]
fn a_few_bytes_that_ask_for_a_large_window_are_refused() {
    let plain = encode(&request(vec![]));
    let most = limits::BODY_EXPANDED;
    let few = zstd_window(14, &plain);
    assert_eq!(body::read(&few, true, most), Ok(request(vec![])));
    let large = Some(BadBody::TooLarge);
    for window_log in [24, 27, 31, 41] {
        let asks = zstd_window(window_log, &plain);
        let name = format!("a window of 2^{window_log} B");
        refused(&name, asks.len(), large, MIB, || {
            body::read::<SyncRequest>(&asks, true, most).err()
        });
        refused("  as an answer", asks.len(), large, MIB, || {
            body::read::<SyncResponse>(&asks, true, 2 * most).err()
        });
    }
    for window_log in [15, 20, 27] {
        let asks = zstd_window(window_log, &plain);
        let name = format!("a window of 2^{window_log} B as an enrolment");
        refused(&name, asks.len(), large, MIB, || {
            body::read::<EnrolRequest>(&asks, true, 16 * 1024).err()
        });
    }
}
