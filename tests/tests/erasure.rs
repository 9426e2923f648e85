//! After an erasure nothing of what a document said is left: not in the files of the relay, not in those
//! of any device, not in backups made later, however it was packed.

#![expect(clippy::expect_used, reason = "a test")]

use std::collections::BTreeSet;
use std::io::Read;
use std::path::Path;

use serde_json::json;
use sopu_core::device::DeviceError;
use sopu_core::id::{DocId, SpaceId};
use sopu_core::store::StoreError;
use sopu_core::store::list::Query;
use sopu_server::access::roles::Role;
use sopu_server::backup;
use sopu_tests::{Phone, World};

/// Words that stand nowhere else, by where they are written. The index keeps of a term only what it does
/// not share with the term before it, so their last six letters are looked for, whatever the case.
const WORDS: [&str; 8] = [
    "kvartsiukkonen",
    "pajunkissamyrsky",
    "zirkoniavuokko",
    "hirvenjuureksia",
    "mustikkatuhkelo",
    "vaahteraxylofon",
    "ruisrääkkäkuhmu",
    "salamanterilohko",
];

/// All that the bytes hold: as they are, and out of every zstd frame and deflated Automerge chunk in them.
fn unpacked(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut all = vec![bytes.to_vec()];
    for at in 0..bytes.len() {
        let rest = &bytes[at..];
        let mut out = Vec::new();
        if rest.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
            if let Ok(decoder) = zstd::stream::Decoder::new(rest) {
                // What came out before an error counts too.
                let _ = decoder.single_frame().take(16 << 20).read_to_end(&mut out);
            }
        } else if rest.starts_with(&[0x85, 0x6f, 0x4a, 0x83]) && rest.get(8) == Some(&2) {
            // Magic, checksum, the kind "compressed change", the length as LEB128, then deflate.
            let length = rest[9..]
                .iter()
                .take_while(|byte| **byte & 0x80 != 0)
                .count()
                + 1;
            let packed = rest.get(9 + length..).unwrap_or_default();
            let _ = flate2::read::DeflateDecoder::new(packed)
                .take(16 << 20)
                .read_to_end(&mut out);
        }
        if !out.is_empty() {
            all.push(out);
        }
    }
    all
}

/// Which words any file below a folder still holds, and where.
fn found(folder: &Path) -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(folder).expect("lists").flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(self::found(&path));
            continue;
        }
        for bytes in unpacked(&std::fs::read(&path).expect("reads")) {
            // Letters beyond ASCII are two bytes, so lower case is taken of what is text.
            let text = String::from_utf8_lossy(&bytes).to_lowercase();
            for word in WORDS {
                let letters: Vec<char> = word.chars().collect();
                let tail: String = letters[letters.len() - 6..].iter().collect();
                if text.contains(&tail) {
                    found.insert((word.to_owned(), path.display().to_string()));
                }
            }
        }
    }
    found
}

/// A note with a rare word in every kind of place.
fn written(phone: &mut Phone, space: SpaceId) -> DocId {
    let long = format!("{} ", WORDS[1]).repeat(200);
    let doc = phone.note(
        space,
        json!({
            "summary": format!("Asiakas kertoi: {}. {long}", WORDS[0]),
            "tags": [WORDS[2]],
            "present": [WORDS[3]],
            "status": "done",
        }),
    );
    phone.edit(doc, json!({"summary": WORDS[0].to_uppercase()}));
    for n in 0..70 {
        // Enough edits that snapshots are folded, and text that was deleted again.
        phone.edit(
            doc,
            json!({"summary": format!("{} {} {n}", WORDS[1], WORDS[4])}),
        );
    }
    phone.edit(doc, json!({"summary": "mitään ei tapahtunut"}));
    doc
}

#[test]
fn nothing_of_an_erased_document_is_left_anywhere() {
    let mut world = World::new();
    let space = world.space("Koivula");
    let aino_member = world.member("Aino", Role::Owner, &[space]);
    let eero_member = world.member("Eero", Role::Field, &[space]);
    let mut aino = world.phone("aino", aino_member);
    let mut eero = world.phone("eero", eero_member);
    aino.sync(&world);
    let doc = written(&mut aino, space);
    let other = aino.note(space, json!({"summary": "kvartsi ja ukko jäävät"}));
    let agree = |world: &World, phones: &mut [&mut Phone]| {
        for _ in 0..3 {
            for phone in phones.iter_mut() {
                phone.sync(world);
            }
            world.settle();
        }
    };
    agree(&world, &mut [&mut aino, &mut eero]);
    // A conflict, with a word on either side, and one that is sealed and never delivered before.
    aino.edit(doc, json!({"outcome": "partial", "tags": [WORDS[5]]}));
    eero.edit(doc, json!({"outcome": "refused", "summary": WORDS[6]}));
    agree(&world, &mut [&mut aino, &mut eero]);
    let line = world.transport();
    world.stop();
    eero.edit(
        doc,
        json!({"summary": format!("{} {}", WORDS[6], WORDS[7])}),
    );
    assert!(
        eero.device().sync(&line).is_err(),
        "sealed, and not delivered"
    );
    world.start();
    let searched = Query {
        text: Some(WORDS[7].to_owned()),
        ..Query::default()
    };
    assert_eq!(eero.device().list(&searched).expect("lists").total, 1);
    let before: BTreeSet<String> = found(world.folder())
        .into_iter()
        .map(|(word, _)| word)
        .collect();
    assert_eq!(
        before.len(),
        WORDS.len(),
        "each of them can be seen: {before:?}"
    );

    world.relay().erase(doc, "request").expect("erases");
    let left = found(&world.data());
    assert!(left.is_empty(), "at the relay: {left:?}");
    agree(&world, &mut [&mut aino, &mut eero]);
    let left = found(world.folder());
    assert!(left.is_empty(), "anywhere: {left:?}");
    for phone in [&mut aino, &mut eero] {
        let told = phone.device().read(doc);
        assert!(matches!(told, Err(DeviceError::Store(StoreError::Erased(gone))) if gone == doc));
        assert_eq!(phone.read(other).value["summary"], "kvartsi ja ukko jäävät");
        assert_eq!(phone.device().list(&searched).expect("lists").total, 0);
    }
    let later = world.folder().join("later");
    backup::take(world.data(), &later, &*world.clock, &mut |_, _| {}).expect("is taken");
    assert!(found(&later).is_empty(), "in a backup made later");
    // Nor does it come back: to a device that is new, or after the relay starts again.
    let mut late = world.phone("late", eero_member);
    world.stop();
    world.start();
    agree(&world, &mut [&mut late, &mut aino, &mut eero]);
    let left = found(world.folder());
    assert!(left.is_empty(), "afterwards: {left:?}");
}

/// A store was damaged and salvaged, and the document was in a part of it that could not be read: what is left
/// of it stands only in the files that the salvage keeps.
#[test]
fn what_a_salvage_keeps_goes_when_something_is_erased_that_the_store_does_not_have() {
    let world = World::new();
    let space = world.space("Koivula");
    let member = world.member("Aino", Role::Owner, &[space]);
    let mut aino = world.phone("aino", member);
    aino.sync(&world);
    let mut eero = world.phone("eero", member);
    let kept = eero.store_file().with_file_name("store.db.damaged");
    std::fs::write(&kept, WORDS[0]).expect("writes");
    let doc = aino.note(space, json!({"summary": WORDS[0]}));
    aino.sync(&world);
    world.settle();
    world.relay().erase(doc, "request").expect("erases");
    eero.sync(&world);
    assert!(!kept.exists());
}

#[test]
fn words_are_found_however_they_are_packed() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("file");
    let text = format!("{} ", WORDS[0].to_uppercase()).repeat(100);
    let zstd = zstd::bulk::compress(text.as_bytes(), 3).expect("packs");
    let mut deflated = vec![0x85, 0x6f, 0x4a, 0x83, 0, 0, 0, 0, 2, 0x80, 1];
    let mut encoder =
        flate2::read::DeflateEncoder::new(text.as_bytes(), flate2::Compression::fast());
    encoder.read_to_end(&mut deflated).expect("packs");
    for packed in [zstd, deflated, WORDS[0][8..].to_uppercase().into_bytes()] {
        std::fs::write(&path, [&[7; 100][..], &packed, &[9; 100]].concat()).expect("writes");
        assert_eq!(found(folder.path()).len(), 1, "{packed:?}");
    }
}
