//! Whole files: what `export` makes opens again, and what claims more than it is does not.

use automerge::transaction::Transactable;
use automerge::{Automerge, ROOT};

use super::by_hand::{ByHand, body, document_file as file, run_of, seal_body, text};
use super::honest::{Dice, world};
use crate::chunk::{write_i64, write_u64};
use crate::documents::Kind;
use crate::genesis::genesis;
use crate::guard::open_file;
use crate::read::{read, version};

fn refusal(file: &[u8]) -> &'static str {
    open_file(file).map_or_else(|refusal| refusal.code, |_| "opened")
}

#[test]
fn a_saved_document_opens_with_its_content_and_history() {
    for kind in Kind::ALL {
        for seed in 0..6 {
            let doc = &world(kind, 3, 40, seed)[0].doc;
            for saved in [doc.save(), doc.save_nocompress()] {
                let (as_kind, opened) = open_file(&saved).unwrap();
                assert_eq!(as_kind, kind);
                assert_eq!(version(&opened), version(doc));
                assert_eq!(read(&opened, kind), read(doc, kind));
                assert_eq!(opened.get_changes(&[]).len(), doc.get_changes(&[]).len());
            }
        }
    }
}

#[test]
fn a_document_without_edits_opens() {
    for kind in Kind::ALL {
        let empty = genesis(kind).document();
        assert_eq!(open_file(&empty.save()).unwrap().0, kind);
    }
}

#[test]
fn what_is_no_document_of_a_kind_is_told_apart() {
    let mut other = Automerge::new();
    let mut tx = other.transaction();
    tx.put(ROOT, "title", "somebody else's").unwrap();
    tx.commit();
    assert_eq!(refusal(&other.save()), "kind_unknown");
    assert_eq!(
        refusal(&ByHand::puts(Kind::VisitNote, "km", 1).bytes()),
        "chunk_type"
    );
    assert_eq!(refusal(b""), "chunk_truncated");
    assert_eq!(refusal(b"PK\x03\x04 and so on"), "chunk_magic");
    let mut twice = genesis(Kind::Contract).document().save();
    twice.extend(twice.clone());
    assert_eq!(refusal(&twice), "chunk_checksum");
}

#[test]
fn what_no_save_writes_does_not_come_in_with_a_file() {
    let mut doc = genesis(Kind::VisitNote).document();
    let mut tx = doc.transaction();
    let container = genesis(Kind::VisitNote).containers.keys().next().unwrap();
    tx.delete(ROOT, container.as_str()).unwrap();
    tx.commit();
    assert_ne!(refusal(&doc.save()), "opened");
}

#[test]
fn a_column_is_counted_before_anything_is_made_of_it() {
    let many = 1 << 40;
    let numbers = run_of(many, |out| write_u64(out, 1));
    let steps = run_of(many, |out| write_i64(out, 1));
    let keys = run_of(many / 8, |out| text(out, &"k".repeat(600)));
    let mut flags = vec![];
    write_u64(&mut flags, many);
    let group = run_of(1, |out| write_u64(out, many));
    let lengths = run_of(1, |out| write_u64(out, many << 10));
    // Actors, counters, keys, flags, actions, numbers in groups: what each claims is too much.
    for (spec, column, why) in [
        (33, &numbers, "too_many_operations"),
        (35, &steps, "too_many_operations"),
        (21, &keys, "too_many_operations"),
        (52, &flags, "too_many_operations"),
        (66, &numbers, "too_many_operations"),
    ] {
        let small = file(&[], &[(spec, column)]);
        assert!(small.len() < 700);
        assert_eq!(refusal(&small), why, "{spec}");
    }
    let of_values = file(&[], &[(86, &lengths), (87, b"few")]);
    assert_eq!(refusal(&of_values), "column_rows");
    let of_group = file(
        &[],
        &[(128, &group), (129, &run_of(9, |out| write_u64(out, 1)))],
    );
    assert_eq!(refusal(&of_group), "column_rows");
}

#[test]
fn columns_of_a_table_have_as_many_rows_each() {
    let [ten, eleven] = [10, 11].map(|n| run_of(n, |out| write_u64(out, 1)));
    let uneven = file(&[], &[(33, &ten), (66, &eleven)]);
    assert_eq!(refusal(&uneven), "column_rows");
    let even = file(&[], &[(33, &ten), (66, &ten)]);
    assert_eq!(refusal(&even), "file_unreadable", "for other reasons");
}

#[test]
fn a_compressed_column_stops_at_the_ceiling() {
    use std::io::Write;
    let mut deflate = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
    for _ in 0..64 {
        deflate.write_all(&vec![0; 1 << 20]).unwrap();
    }
    let bomb = deflate.finish().unwrap();
    assert!(bomb.len() < 80_000);
    assert_eq!(refusal(&file(&[], &[(87 | 8, &bomb)])), "file_too_large");
    assert_eq!(
        refusal(&file(&[], &[(87 | 8, b"\xff\xff not deflate")])),
        "column_form"
    );
}

#[test]
fn a_file_cannot_claim_more_changes_than_a_document_has() {
    let many = 10_000;
    let same = |out: &mut Vec<u8>| write_u64(out, 0);
    let actors = run_of(many, same);
    let seqs = run_of(many, |out| write_i64(out, 1));
    for columns in [[(1, &actors), (64, &actors)], [(1, &actors), (3, &seqs)]] {
        let claims = file(&columns.map(|(spec, column)| (spec, &column[..])), &[]);
        assert_eq!(refusal(&claims), "too_many_changes");
    }
}

/// It would stand in each change once more.
#[test]
fn an_actor_is_as_short_as_ours_and_stands_in_its_place() {
    let of_actors = |actors: &[&[u8]]| {
        let mut body = vec![];
        write_u64(&mut body, actors.len() as u64);
        for actor in actors {
            write_u64(&mut body, actor.len() as u64);
            body.extend_from_slice(actor);
        }
        body.extend([0, 0, 0]);
        seal_body(0, &body)
    };
    assert_eq!(refusal(&of_actors(&[&[7; 1_000]])), "actor_form");
    assert_eq!(refusal(&of_actors(&[&[7; 16], &[6; 16]])), "chunk_order");
    assert_eq!(refusal(&of_actors(&[&[7; 16], &[7; 16]])), "chunk_order");
    // In order they are let in; without changes Automerge makes nothing of them.
    assert_eq!(
        refusal(&of_actors(&[&[6; 16], &[7; 16]])),
        "file_unreadable"
    );
}

#[test]
fn columns_no_document_of_ours_has_are_refused() {
    // Marks, and whatever another version of Automerge may write.
    for spec in [148, 165, 112, 257] {
        assert_eq!(
            refusal(&file(&[], &[(spec, b"")])),
            "column_unknown",
            "{spec}"
        );
        assert_eq!(
            refusal(&file(&[(spec, b"")], &[])),
            "column_unknown",
            "{spec}"
        );
    }
}

#[test]
fn columns_that_stand_out_of_order_or_twice_are_refused() {
    for specs in [[21, 17], [21, 21], [21, 21 | 8]] {
        let columns = specs.map(|spec| (spec, &b""[..]));
        assert_eq!(refusal(&file(&[], &columns)), "chunk_order");
    }
}

#[test]
fn a_mutilated_file_is_refused_or_opens_to_a_whole_document() {
    let mut dice = Dice(11);
    let mut opened = 0;
    for kind in Kind::ALL {
        let saved = world(kind, 2, 12, 5)[0].doc.save_nocompress();
        // The checksum alone tells of any flip.
        for at in (8..saved.len()).step_by(7) {
            let mut flipped = saved.clone();
            flipped[at] ^= 1;
            assert_eq!(refusal(&flipped), "chunk_checksum");
        }
        for _ in 0..700 {
            let mut body = body(&saved);
            for _ in 0..=dice.below(3) {
                let at = dice.below(body.len());
                body[at] = u8::try_from(dice.roll(256)).unwrap();
            }
            if let Ok((kind, doc)) = open_file(&seal_body(0, &body)) {
                opened += 1;
                let again = Automerge::load(&doc.save()).unwrap();
                assert_eq!(read(&again, kind), read(&doc, kind));
            }
        }
    }
    // Of most bytes another document cannot be made: heads name every change.
    assert!(opened < 100, "{opened}");
}
