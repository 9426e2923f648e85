//! A new device takes a team's documents.

use automerge::{Automerge, Change};
use sopu_core::id::DocId;
use sopu_tests::bench::meter::cpu_of;
use sopu_tests::bench::section::ms;
use sopu_tests::bench::{Amount, Run, Section, Target};
use sopu_tests::work::Resident;
use sopu_tests::work::team::Team;

pub fn measure(run: &Run) -> Section {
    let mut section = Section::new("A new device takes a team's documents of 20 changes");
    let (mut bytes, mut cpu) = (Vec::new(), Vec::new());
    let folder = run.memory_folder();
    let mut team = Team::new(folder.path(), 0, 18);
    for notes in run.sized([500, 1_000, 2_000], [60, 120, 240]) {
        team.grow(notes);
        let mut new = team.newcomer();
        let wire = team.town.wire();
        let (first, mut spent) = cpu_of(|| new.device.sync_for(&wire, 1));
        let first = first.expect("syncs");
        let newest = 200.min(notes);
        let usable = team.notes.iter().rev().take(newest);
        let usable = usable.filter(|doc| new.device.read(**doc).is_ok()).count();
        let (rest, more) = cpu_of(|| new.device.sync(&wire));
        let requests = first.requests + rest.expect("syncs").requests;
        spent += more;
        let device_cpu = spent - wire.relay_cpu();
        let sum = wire.sum();
        let of = format!("{notes} documents");
        section.beside(
            format!("bytes down, {of}"),
            Amount::bytes(sum.down),
            Amount::bytes(team.log.zstd()),
            Some(Target::RatioAtMost(2.0)),
        );
        section.row(format!("bytes up, {of}"), Amount::bytes(sum.up));
        section.row(format!("requests, {of}"), Amount::count(requests));
        section.target(
            format!("of the newest {newest} usable after the first page, {of}"),
            Amount::count(u32::try_from(usable).unwrap_or(0)),
            Target::AtLeast(newest as f64),
        );
        section.beside(
            format!("device CPU a document, {of}"),
            Amount::seconds(device_cpu / notes as f64),
            Amount::seconds(bare(&new, &team.notes)),
            Some(Target::AtMost(ms(3.0))),
        );
        bytes.push((notes as f64, sum.down as f64));
        cpu.push((notes as f64, device_cpu));
    }
    section.growth("bytes down", &bytes);
    section.growth("device CPU", &cpu);
    section.note(
        "The baseline of bytes is the JSON log of every edit that led to the content, one zstd-3 \
         frame; that of CPU parses the same changes, applies them to a bare Automerge document, saves \
         it and loads it again. Written by two people: 18 saves by one, 2 by the other, two envelopes \
         a document.",
    );
    section
}

/// CPU seconds a document for Automerge alone, with nothing around it.
fn bare(new: &Resident, notes: &[DocId]) -> f64 {
    let some = notes.len().min(200);
    let all: Vec<Vec<Vec<u8>>> = notes[..some]
        .iter()
        .map(|doc| {
            let loaded = new.device.store().document(*doc).expect("loads");
            let changes = loaded.am.get_changes(&[]).into_iter();
            changes.map(|change| change.raw_bytes().to_vec()).collect()
        })
        .collect();
    let ((), cpu) = cpu_of(|| {
        for changes in all {
            let changes = changes.into_iter().map(Change::from_bytes);
            let changes: Vec<Change> = changes.collect::<Result<_, _>>().expect("parses");
            let mut am = Automerge::new();
            am.apply_changes(changes).expect("applies");
            let again = Automerge::load(&am.save()).expect("loads");
            assert_eq!(again.get_heads(), am.get_heads());
        }
    });
    cpu / some as f64
}
