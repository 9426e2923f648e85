//! The merge worker: trial, place in the feed, merged record.

use sopu_server::relay::RECORD;
use sopu_tests::bench::meter::cpu_of;
use sopu_tests::bench::section::ms;
use sopu_tests::bench::{Amount, Run, Section, Target};

use super::bare;
use super::house::{House, correct, note};

pub fn merge(run: &Run) -> Section {
    let mut section = Section::new("Trial and merge");
    let documents = run.sized(100, 10);
    let mut growth = Vec::new();
    for changes in [5, 20, 60] {
        let folder = run.folder();
        let house = House::new(folder.path());
        let space = house.space();
        let mut device = house.device(house.member(&[space]));
        let made: Vec<_> = (0..documents)
            .map(|_| note(&mut device, space, changes))
            .collect();
        device.sync_for(&house, 1).expect("syncs");
        let (merged, cpu) = cpu_of(|| house.relay.merge_all().expect("merges"));
        assert_eq!(merged, documents);
        let each = cpu / documents as f64;
        let bare = bare::apply(&house.data.join(RECORD), &made) / documents as f64;
        section.beside(
            format!("CPU a new document of {changes} changes"),
            Amount::seconds(each),
            Amount::seconds(bare),
            Some(Target::AtMost(ms(1.0))),
        );
        growth.push((changes as f64, each));
    }
    section.growth("CPU a document over its changes", &growth);
    let mut growth = Vec::new();
    for before in run.sized([100, 500, 2_500], [50, 100, 200]) {
        let folder = run.folder();
        let house = House::new(folder.path());
        let space = house.space();
        let mut device = house.device(house.member(&[space]));
        let doc = note(&mut device, space, 1);
        correct(&mut device, doc, before - 1);
        device.sync_for(&house, 1).expect("syncs");
        house.relay.merge_all().expect("merges");
        let rounds = 5;
        let mut cpu = 0.0;
        for _ in 0..rounds {
            correct(&mut device, doc, 10);
            device.sync_for(&house, 1).expect("syncs");
            cpu += cpu_of(|| house.relay.merge_all().expect("merges")).1;
        }
        let each = cpu / f64::from(rounds);
        let bare = bare::apply(&house.data.join(RECORD), &[doc]);
        section.beside(
            format!("CPU of 10 changes onto {before}"),
            Amount::seconds(each),
            Amount::seconds(bare),
            Some(Target::AtMost(ms(1.0))),
        );
        growth.push((before as f64, each));
    }
    section.growth("CPU of 10 changes over what the document has", &growth);
    section.note(
        "CPU of the merging thread for everything it does: trial on a copy, place in the feed, \
         merged record with its view and search rows. The baseline applies the same changes to a \
         bare Automerge document, saves it and loads it again.",
    );
    section.note(
        "The trial must apply, save and load, so where the baseline is above a millisecond the target \
         is out of reach. A document is parsed, applied, loaded and read once a page; the merged \
         record takes over what the trial made. Tried besides: documents kept loaded between pages, \
         one statement instead of one a change where an envelope is settled, no flush for the merged \
         record, no compression in the trial. What would help: a check of a saved document that does \
         not build it, which Automerge does not offer.",
    );
    section
}
