//! A day of an advisor and five colleagues: each writes twelve new notes and edits twenty that
//! exist, offline; then the advisor syncs.

use std::path::Path;

use sopu_core::id::DocId;

use super::{JsonLog, Resident, Town, note};

/// How much everybody does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load {
    /// New notes, in 61 saves each.
    pub new: usize,
    /// Notes that exist, edited twice each.
    pub edited: usize,
    /// How many others did the same.
    pub colleagues: usize,
}

/// A day as the design names it.
pub const DAY: Load = Load {
    new: 12,
    edited: 20,
    colleagues: 5,
};

/// What it came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Requests the advisor's device made.
    pub requests: u32,
    /// Bytes it sent.
    pub up: usize,
    /// Bytes it received.
    pub down: usize,
    /// Bytes of the next sync, which tells the places of its own work in the feed.
    pub after: usize,
    /// Changes the advisor made.
    pub changes_up: usize,
    /// Changes the others made.
    pub changes_down: usize,
    /// The advisor's edits as one zstd JSON log.
    pub json_up: usize,
    /// The others' edits as one zstd JSON log.
    pub json_down: usize,
}

/// Lives through the day in this folder.
pub fn lived(folder: &Path, load: Load) -> Cost {
    let town = Town::new(folder, 20_261_122, 4);
    let mut people: Vec<Resident> = (0..=load.colleagues)
        .map(|number| {
            let name = format!("neuvoja-{number}");
            town.device(town.person(&name), &name)
        })
        .collect();
    for person in &mut people {
        person.sync(&town);
    }
    // What was there before: notes of last week, each by the one who edits it today.
    let mut old: Vec<Vec<DocId>> = Vec::new();
    for person in &mut people {
        let docs = (0..load.edited)
            .map(|number| write(&town, person, number, 20, &mut JsonLog::default()));
        old.push(docs.collect());
        person.sync(&town);
    }
    town.merge();
    for person in &mut people {
        person.sync(&town);
        person.sync(&town);
    }
    town.time.pass(86_400_000);
    let mut logs = Vec::new();
    for (person, docs) in people.iter_mut().zip(&old) {
        let mut log = JsonLog::default();
        for (number, doc) in docs.iter().enumerate() {
            if number % 2 == 0 && number / 2 < load.new {
                write(&town, person, number, note::SAVES, &mut log);
            }
            person.edit(&town.dice, *doc, &mut log);
        }
        for number in docs.len().div_ceil(2)..load.new {
            write(&town, person, number, note::SAVES, &mut log);
        }
        logs.push(log);
    }
    let (advisor, others) = people.split_first_mut().expect("the advisor");
    for other in others {
        other.sync(&town);
    }
    town.merge();
    let wire = town.wire();
    let report = advisor.device.sync(&wire).expect("syncs");
    let sum = wire.sum();
    town.merge();
    let next = town.wire();
    advisor.device.sync(&next).expect("syncs");
    let mut down = JsonLog::default();
    for log in &logs[1..] {
        down.extend(log);
    }
    let changes = load.new * note::SAVES + load.edited * 2;
    Cost {
        requests: report.requests,
        up: sum.up,
        down: sum.down,
        after: next.sum().up + next.sum().down,
        changes_up: changes,
        changes_down: changes * load.colleagues,
        json_up: logs[0].zstd(),
        json_down: down.zstd(),
    }
}

/// One note in so many saves, an even selection of the form's.
fn write(
    town: &Town,
    person: &mut Resident,
    number: usize,
    saves: usize,
    log: &mut JsonLog,
) -> DocId {
    let worker = person.member.0.to_string();
    let all = note::written(&town.dice, town.time.now_ms(), &worker);
    let chosen = note::some(&all, saves);
    let space = town.spaces[number % town.spaces.len()];
    person.write(&town.dice, space, &chosen, log)
}
