//! Files of documents, which Automerge would load by what they claim.

use sopu_core::chunk::{write_i64, write_u64};
use sopu_core::guard::open_file;
use sopu_core::testing::by_hand::{document_file, flags, run_of, text};

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
