//! A device that has everything, and a relay with nothing new.

use std::path::Path;

use super::town::Bodies;
use super::{JsonLog, Town, note};

/// What a reconnect with nothing new came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Requests.
    pub requests: usize,
    /// Bytes of bodies.
    pub bodies: Bodies,
}

/// So many notes in so many spaces, written by one and held by another, who reconnects.
pub fn reconnected(folder: &Path, notes: usize, spaces: usize) -> Cost {
    let town = Town::new(folder, 20_261_124, spaces);
    let mut writer = town.device(town.person("Aino"), "aino");
    let mut reader = town.device(town.person("Onni"), "onni");
    writer.sync(&town);
    for number in 0..notes {
        let worker = writer.member.0.to_string();
        let all = note::written(&town.dice, town.time.now_ms(), &worker);
        let space = town.spaces[number % spaces];
        writer.write(
            &town.dice,
            space,
            &note::some(&all, 1),
            &mut JsonLog::default(),
        );
        town.time.pass(60_000);
    }
    writer.sync(&town);
    town.merge();
    writer.sync(&town);
    reader.sync(&town);
    // Confirms what it has.
    reader.sync(&town);
    town.time.pass(3_600_000);
    let wire = town.wire();
    let report = reader.device.sync(&wire).expect("syncs");
    assert_eq!(report.received, 0, "there was something new");
    Cost {
        requests: wire.posts().len(),
        bodies: wire.sum(),
    }
}
