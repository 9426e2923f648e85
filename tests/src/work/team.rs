//! A team's notes of some seasons: what a new device takes in.

use std::path::Path;

use sopu_core::id::DocId;

use super::{JsonLog, Resident, Town, note};

/// A town with notes in it.
pub struct Team {
    /// The town.
    pub town: Town,
    /// Who wrote them.
    pub people: Vec<Resident>,
    /// Every note, oldest first.
    pub notes: Vec<DocId>,
    /// All edits ever made, as JSON.
    pub log: JsonLog,
    /// Saves of a note by the one who wrote it; two more are a colleague's.
    saves: usize,
}

impl Team {
    /// So many notes in 4 spaces, each written by one of two people in so many saves, synced, then
    /// edited twice by the other, synced and merged.
    pub fn new(folder: &Path, notes: usize, saves: usize) -> Self {
        let town = Town::new(folder, 20_261_123, 4);
        let people = (0..2).map(|number| {
            let name = format!("neuvoja-{number}");
            let mut person = town.device(town.person(&name), &name);
            person.sync(&town);
            person
        });
        let people = people.collect();
        let mut team = Self {
            town,
            people,
            notes: Vec::new(),
            log: JsonLog::default(),
            saves,
        };
        team.grow(notes);
        team
    }

    /// Goes on until there are so many notes.
    pub fn grow(&mut self, notes: usize) {
        while self.notes.len() < notes {
            self.week((notes - self.notes.len()).min(240));
        }
    }

    /// Everybody writes, syncs, edits what somebody else wrote, syncs.
    fn week(&mut self, notes: usize) {
        let town = &self.town;
        let mut written = Vec::new();
        for number in 0..notes {
            let author = number % self.people.len();
            let person = &mut self.people[author];
            let worker = person.member.0.to_string();
            let all = note::written(&town.dice, town.time.now_ms(), &worker);
            let saves = note::some(&all, self.saves);
            let space = town.spaces[number % town.spaces.len()];
            written.push((
                author,
                person.write(&town.dice, space, &saves, &mut self.log),
            ));
            town.time.pass(600_000);
        }
        self.exchange();
        for (author, doc) in &written {
            let other = (author + 1) % self.people.len();
            self.people[other].edit(&self.town.dice, *doc, &mut self.log);
        }
        self.exchange();
        self.notes.extend(written.into_iter().map(|(_, doc)| doc));
    }

    fn exchange(&mut self) {
        for _ in 0..2 {
            for person in &mut self.people {
                person.sync(&self.town);
            }
            self.town.merge();
        }
        for person in &mut self.people {
            person.sync(&self.town);
        }
    }

    /// A device of a person who was not there before, not yet synced.
    pub fn newcomer(&self) -> Resident {
        let name = format!("uusi-{}", self.notes.len());
        self.town.device(self.town.person(&name), &name)
    }
}
