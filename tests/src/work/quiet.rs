//! A device that has everything, and a relay with nothing new.

use std::path::Path;

use super::town::Bodies;
use super::{JsonLog, Resident, Town, note};

/// What a reconnect with nothing new came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Requests.
    pub requests: usize,
    /// Bytes of bodies.
    pub bodies: Bodies,
}

/// Someone who writes notes and someone who holds them.
pub struct Pair {
    town: Town,
    writer: Resident,
    reader: Resident,
    notes: usize,
}

impl Pair {
    /// No note yet, in so many spaces.
    pub fn new(folder: &Path, spaces: usize) -> Self {
        let town = Town::new(folder, 20_261_124, spaces);
        let mut writer = town.device(town.person("Aino"), "aino");
        let reader = town.device(town.person("Onni"), "onni");
        writer.sync(&town);
        Self {
            town,
            writer,
            reader,
            notes: 0,
        }
    }

    /// So many notes, just begun: how much is in a note makes no difference to a reconnect.
    pub fn grow(&mut self, notes: usize) {
        while self.notes < notes {
            for _ in 0..(notes - self.notes).min(500) {
                self.write();
            }
            self.exchange();
        }
    }

    fn write(&mut self) {
        let town = &self.town;
        let worker = self.writer.member.0.to_string();
        let begun = note::begun(&town.dice, town.time.now_ms(), &worker);
        let space = town.spaces[self.notes % town.spaces.len()];
        let log = &mut JsonLog::default();
        self.writer.write(&town.dice, space, &[begun], log);
        town.time.pass(60_000);
        self.notes += 1;
    }

    fn exchange(&mut self) {
        let town = &self.town;
        self.writer.sync(town);
        town.merge();
        self.writer.sync(town);
        self.reader.sync(town);
        // Confirms what it has.
        self.reader.sync(town);
    }

    /// The one who holds them reconnects.
    pub fn reconnect(&mut self) -> Cost {
        self.town.time.pass(3_600_000);
        let wire = self.town.wire();
        let report = self.reader.device.sync(&wire).expect("syncs");
        assert_eq!(report.received, 0, "there was something new");
        Cost {
            requests: wire.posts().len(),
            bodies: wire.sum(),
        }
    }
}

/// So many notes in so many spaces, written by one and held by another, who reconnects.
pub fn reconnected(folder: &Path, notes: usize, spaces: usize) -> Cost {
    let mut pair = Pair::new(folder, spaces);
    pair.grow(notes);
    pair.reconnect()
}
