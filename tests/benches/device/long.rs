//! One document that has been edited for years.

use serde_json::json;
use sopu_core::id::DocId;
use sopu_tests::bench::meter::{cpu_of, median};
use sopu_tests::bench::section::ms;
use sopu_tests::bench::{Amount, Run, Section, Target};
use sopu_tests::work::finnish::{sentence, text};
use sopu_tests::work::{JsonLog, Resident, Town, note};

/// What a person notices as a stall, in CPU seconds of a machine such as this.
const STALL_MS: f64 = 100.0;

pub fn measure(run: &Run) -> Section {
    let mut section = Section::new("One document with many changes");
    let sizes = run.sized([2_000, 6_000, 20_000], [100, 200, 400]);
    let folder = run.memory_folder();
    let town = Town::new(folder.path(), 20_261_127, 1);
    let mut writer = town.device(town.person("Aino"), "aino");
    let mut reader = town.device(town.person("Onni"), "onni");
    writer.sync(&town);
    reader.sync(&town);
    let all = note::written(&town.dice, town.time.now_ms(), &writer.member.0.to_string());
    let doc = writer.write(&town.dice, town.spaces[0], &all, &mut JsonLog::default());
    let mut changes = all.len();
    let mut grown = [(); 5].map(|()| Vec::new());
    for size in sizes {
        while changes < size {
            // A day's worth, then a sync, as years go by.
            let day = (size - changes).min(500);
            revise(&town, &mut writer, doc, day);
            changes += day;
            writer.sync(&town);
            town.merge();
            writer.sync(&town);
            reader.sync(&town);
        }
        let costs = at_size(&town, &mut writer, &mut reader, doc);
        for ((what, cost, target), points) in costs.into_iter().zip(&mut grown) {
            let target = target.map(|most| Target::AtMost(ms(most)));
            let row = section.row(format!("{what}, {size} changes"), Amount::seconds(cost));
            row.target = target;
            points.push((size as f64, cost));
        }
    }
    for (what, points) in ["opening", "saving", "sending", "taking in", "first sync"]
        .iter()
        .zip(&grown)
    {
        section.growth(*what, points);
    }
    section.note("All CPU of the device alone. A stall is taken to begin at 100 ms.");
    section
}

/// Opening from disk, one save, sending it, another device taking it in, a new device taking all.
fn at_size(
    town: &Town,
    writer: &mut Resident,
    reader: &mut Resident,
    doc: DocId,
) -> [(&'static str, f64, Option<f64>); 5] {
    let opening: Vec<f64> = (0..3)
        .map(|_| {
            writer.device.store().forget_loaded();
            cpu_of(|| writer.device.read(doc).expect("reads")).1
        })
        .collect();
    let (mut saving, mut sending, mut taking) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..5 {
        saving.extend(revise(town, writer, doc, 3));
        sending.push(synced(town, writer));
        town.merge();
        taking.push(synced(town, reader));
        writer.sync(town);
    }
    let mut new = town.device(town.person("uusi"), &format!("uusi-{}", town.dice.next()));
    let first = synced(town, &mut new);
    [
        ("opening it from disk", median(&opening), Some(STALL_MS)),
        ("one save", median(&saving), Some(STALL_MS)),
        ("sending three saves", median(&sending), Some(STALL_MS)),
        ("taking three saves in", median(&taking), Some(STALL_MS)),
        ("a new device taking it", first, None),
    ]
}

fn synced(town: &Town, who: &mut Resident) -> f64 {
    let wire = town.wire();
    let (done, cpu) = cpu_of(|| who.device.sync(&wire));
    done.expect("syncs");
    cpu - wire.relay_cpu()
}

/// So many saves of an open form, each a word or a field put otherwise; the CPU of each.
fn revise(town: &Town, writer: &mut Resident, doc: DocId, saves: usize) -> Vec<f64> {
    let dice = &town.dice;
    let opened = writer.device.read(doc).expect("reads");
    let (mut form, mut version) = (opened.value, opened.version);
    let mut costs = Vec::new();
    for save in 0..saves {
        town.time.pass(20_000);
        if save % 5 == 4 {
            form["km"] = json!(format!("{}.{}", dice.below(300), dice.below(10)));
        } else {
            let old = form["summary"].as_str().unwrap_or_default().to_owned();
            let mut words: Vec<&str> = old.split(' ').collect();
            let new = sentence(dice);
            let fresh = text(dice, 12);
            let place = dice.below(words.len());
            if old.chars().count() > 2_000 {
                words.remove(place);
            }
            let place = dice.below(words.len());
            words[place] = new.split(' ').nth(1).unwrap_or(&fresh);
            form["summary"] = json!(words.join(" "));
        }
        let (saved, cpu) = cpu_of(|| writer.device.save(doc, &version, &form));
        version = saved.expect("saves").version;
        costs.push(cpu);
    }
    costs
}
