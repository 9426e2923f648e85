//! A new device takes a team's documents.

use sopu_tests::bench::meter::cpu_of;
use sopu_tests::bench::section::ms;
use sopu_tests::bench::{Amount, Run, Section, Target};
use sopu_tests::work::team::Team;

pub fn measure(run: &Run) -> Section {
    let mut section = Section::new("A new device takes a team's documents of 20 changes");
    let (mut bytes, mut cpu) = (Vec::new(), Vec::new());
    for notes in run.sized([500, 1_000, 2_000], [60, 120, 240]) {
        let folder = run.memory_folder();
        let team = Team::new(folder.path(), notes, 18);
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
        section.target(
            format!("device CPU a document, {of}"),
            Amount::seconds(device_cpu / notes as f64),
            Target::AtMost(ms(3.0)),
        );
        bytes.push((notes as f64, sum.down as f64));
        cpu.push((notes as f64, device_cpu));
    }
    section.growth("bytes down", &bytes);
    section.growth("device CPU", &cpu);
    section.note(
        "The baseline is the JSON log of every edit that led to the content, one zstd-3 frame. \
         Written by six people: 18 saves by one, 2 by another, two envelopes a document.",
    );
    section
}
