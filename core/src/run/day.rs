//! What a day's work costs on the wire.

#![expect(clippy::unwrap_used, reason = "tests")]

use automerge::transaction::{CommitOptions, Transactable};
use automerge::{Automerge, ROOT, ReadDoc, ScalarValue};

use super::*;
use crate::guard::tests::honest::{Dice, EPOCH, Phone, SPACE};

const SENTENCES: [&str; 12] = [
    "Asiakas voi hyvin ja oli hereillä käynnin alkaessa.",
    "Lääkkeet annettu dosetista, ei muutoksia.",
    "Verenpaine mitattu istuen, hieman koholla.",
    "Ulkoiltiin pihalla noin puoli tuntia.",
    "Lehmät juovat hyvin, maitomäärä ennallaan.",
    "Rehun kuiva-aine tarkistettu, säilörehu hyvää.",
    "Sovittiin seuraava käynti ensi viikolle.",
    "Omainen toivoo soittoa illalla.",
    "Haava siisti, sidos vaihdettu.",
    "Kaksi vasikkaa yskii, seurataan.",
    "Ruokahalu parempi kuin eilen.",
    "Lypsyrobotin huolto tilattu perjantaille.",
];

/// A note written in some autosaves: a text that grows by some words each time, a few fields, a
/// measurement now and then, each save with the clock's time.
fn write_note(phone: &mut Phone, saves: std::ops::Range<usize>, dice: &mut Dice, now: &mut i64) {
    let genesis = genesis(Kind::VisitNote);
    let summary = genesis.container("summary").unwrap();
    let measurements = genesis.container("measurements").unwrap();
    let status = genesis.container("status").unwrap();
    let mut text = phone.doc.text(summary).unwrap();
    let mut pending: Vec<&str> = Vec::new();
    for save in saves {
        *now += 4_000 + i64::try_from(dice.roll(9_000)).unwrap();
        let mut tx = phone.doc.transaction();
        match save {
            0 => {
                tx.put(ROOT, "subject_id", "0190d3a0-7b5a-7cc0-9d43-3f0f43b7a111")
                    .unwrap();
                tx.put(ROOT, "planned_date", "2026-11-22").unwrap();
                tx.put(status, "0001/01", ScalarValue::Bytes(vec![0xa2; 60]))
                    .unwrap();
            }
            1 => tx.put(ROOT, "km", format!("{}.5", dice.roll(60))).unwrap(),
            n if n % 15 == 14 => {
                let key = uuid::Builder::from_unix_timestamp_millis(
                    u64::try_from(*now).unwrap(),
                    &std::array::from_fn(|_| u8::try_from(dice.roll(256)).unwrap()),
                );
                let key = key.into_uuid().to_string();
                tx.put(measurements, key, ScalarValue::Bytes(vec![0xa3; 40]))
                    .unwrap();
            }
            _ => {
                for _ in 0..=dice.roll(3) {
                    if pending.is_empty() {
                        pending = SENTENCES[dice.below(12)].split(' ').rev().collect();
                    }
                    text.push_str(pending.pop().unwrap());
                    text.push(' ');
                }
                tx.update_text(summary, &text).unwrap();
            }
        }
        tx.commit_with(CommitOptions::default().with_time(*now));
    }
}

/// 12 notes written today in 61 saves each, 20 older ones edited twice.
fn day() -> Vec<(Phone, Vec<Vec<u8>>)> {
    let mut dice = Dice(20_261_122);
    let mut now = 1_795_000_000_000;
    let mut notes = Vec::new();
    for note in 0..32 {
        let mut phone = Phone::new(Kind::VisitNote, 1);
        if note >= 12 {
            write_note(&mut phone, 0..40, &mut dice, &mut now);
        }
        let before = phone.doc.get_heads();
        write_note(
            &mut phone,
            if note < 12 { 0..61 } else { 40..42 },
            &mut dice,
            &mut now,
        );
        let changes = crate::guard::tests::honest::raw(&phone.doc, &before);
        notes.push((phone, changes));
    }
    notes
}

fn zstd(bytes: &[u8]) -> usize {
    zstd::bulk::compress(bytes, 3).unwrap().len()
}

#[test]
fn a_days_work_costs_a_fraction_of_its_raw_changes() {
    let notes = day();
    let count: usize = notes.iter().map(|(_, c)| c.len()).sum();
    let raw: Vec<u8> = notes.iter().flat_map(|(_, c)| c.concat()).collect();
    let mut body = Vec::new();
    let mut bare = Vec::new();
    for (number, (phone, changes)) in notes.iter().enumerate() {
        let sealing = Sealing {
            space: SPACE,
            doc: DocId(uuid::Uuid::from_u128(
                (0x0190 << 96) | (number as u128 * 0x9e37_79b9_7f4a_7c15),
            )),
            kind: Kind::VisitNote,
            device: DeviceId(uuid::Uuid::from_u128(2)),
            epoch: EPOCH,
            replaces: Vec::new(),
            sealed_at_ms: 1_795_000_000_000,
            offset_ms: Some(-20),
        };
        let sealed = seal(sealing, changes, &phone.key).unwrap();
        bare.extend_from_slice(&sealed.envelope.run);
        body.extend_from_slice(&envelope::encode(&sealed.envelope));
    }
    let saves: Vec<u8> = notes
        .iter()
        .flat_map(|(p, _)| Automerge::save_nocompress(&p.doc))
        .collect();
    let figures = format!(
        "{count} changes: raw {}, raw zstd {}, envelopes {}, envelopes zstd {}, runs zstd {}, saves zstd {}",
        raw.len(),
        zstd(&raw),
        body.len(),
        zstd(&body),
        zstd(&bare),
        zstd(&saves)
    );
    assert_eq!(count, 772);
    assert!(zstd(&body) * 4 < zstd(&raw), "{figures}");
    assert!(
        zstd(&bare) < zstd(&saves),
        "less than even the columnar saves: {figures}"
    );
}
