//! Files of documents, which Automerge would load by what they claim.

use std::io::Read;

use sopu_core::chunk::{write_i64, write_u64};
use sopu_core::guard::{Limits, open_file};
use sopu_core::testing::by_hand::{deflate_bomb, document_file, flags, run_of, text};

use super::*;

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

#[test]
fn a_deflated_column_of_a_file_stops_at_the_ceiling() {
    // A file may hold 32 MiB inflated, so that much is inflated before it is known to hold more.
    let most = Limits::PACK.run_bytes;
    let column = deflate_bomb(400_000);
    let file = document_file(&[], &[(87 | 8, &column)]);
    let (says, peak, best) = measured(|| code(open_file(&file)));
    let (size, _, inflating) = measured(|| {
        let mut out = Vec::new();
        let inflated = flate2::bufread::DeflateDecoder::new(&column[..]);
        inflated.take(most as u64).read_to_end(&mut out)
    });
    println!(
        "a column of 400 MB deflated: {peak} B at peak, {} us; 32 MiB inflated: {} us",
        best.as_micros(),
        inflating.as_micros()
    );
    assert_eq!((says, size.ok()), ("file_too_large", Some(most)));
    let ceiling = most.cast_signed() + most.cast_signed() / 2 + MIB;
    assert!(peak <= ceiling, "{peak}");
    assert!(best <= 4 * inflating, "{best:?} beside {inflating:?}");
}
