//! What an encrypted store costs beside a plain one of the same content.

use std::sync::Arc;

use sopu_core::device::{Device, Keys};
use sopu_core::store::StoreKey;
use sopu_core::store::list::Query;
use sopu_core::time::SystemEnv;
use sopu_tests::bench::meter::{cpu_of, median, wall_of, written};
use sopu_tests::bench::{Amount, Run, Section};
use sopu_tests::work::{JsonLog, Town, note};

use crate::save::Typing;

const KEY: StoreKey = StoreKey::new([7; 32]);

pub fn measure(run: &Run) -> Section {
    let mut section = Section::new("An encrypted store beside a plain one");
    saves(run, &mut section);
    for notes in run.sized([100, 1_000, 4_000], [20, 50, 100]) {
        opens(run, notes, &mut section);
    }
    section
}

/// Saves in turn, one in each.
fn saves(run: &Run, section: &mut Section) {
    let folders = [(); 2].map(|()| run.folder());
    let mut typing = [Some(KEY), None].map(|key| {
        let folder = &folders[usize::from(key.is_none())];
        Typing::with(folder.path(), 30, key)
    });
    let [mut wall, mut cpu] = [(); 2].map(|()| [Vec::new(), Vec::new()]);
    for _ in 0..run.sized(400, 40) {
        for (at, typing) in typing.iter_mut().enumerate() {
            typing.type_on();
            let ((), until) = wall_of(|| cpu[at].push(cpu_of(|| typing.save()).1));
            wall[at].push(until);
        }
    }
    for (what, times) in [("a save, until durable", wall), ("a save, CPU", cpu)] {
        let [sealed, plain] = times.each_ref().map(|times| Amount::seconds(median(times)));
        section.beside(what, sealed, plain, None);
    }
    let [sealed, plain] = typing.each_mut().map(|typing| {
        typing.type_on();
        let before = written().unwrap_or(0);
        typing.save();
        let bytes = written().unwrap_or(0) - before;
        Amount::bytes(usize::try_from(bytes).unwrap_or(0))
    });
    section.beside("a save, bytes written", sealed, plain, None);
}

/// Opening and the first page of the list and of a search, with so many notes there.
fn opens(run: &Run, notes: usize, section: &mut Section) {
    let folders = [(); 2].map(|()| run.memory_folder());
    let keys = [Some(KEY), None];
    for (folder, store) in folders.iter().zip(keys) {
        let town = Town::new(folder.path(), 20_261_128, 1);
        let mut writer = town.device_with(town.person("Aino"), "aino", store);
        writer.sync(&town);
        for _ in 0..notes {
            let now_ms = town.time.now_ms();
            let all = note::written(&town.dice, now_ms, &writer.member.0.to_string());
            let (space, one) = (town.spaces[0], note::some(&all, 1));
            writer.write(&town.dice, space, &one, &mut JsonLog::default());
            town.time.pass(60_000);
        }
    }
    let [mut opened, mut searched] = [(); 2].map(|()| [Vec::new(), Vec::new()]);
    for _ in 0..run.sized(21, 5) {
        for (at, store) in keys.into_iter().enumerate() {
            let home = folders[at].path().join("aino");
            let (path, instance) = (home.join("store.db"), home.join("no-backup"));
            let keys = Keys {
                device: [7; 32],
                store,
            };
            let (device, cpu) = cpu_of(|| {
                let device = Device::open(&path, &instance, keys, Arc::new(SystemEnv));
                let device = device.expect("opens");
                device.list(&Query::default()).expect("lists");
                device
            });
            opened[at].push(cpu);
            let query = Query {
                text: Some("pelto".to_owned()),
                ..Query::default()
            };
            searched[at].push(cpu_of(|| device.list(&query).expect("lists")).1);
        }
    }
    for (what, times) in [("opening and listing", opened), ("searching", searched)] {
        let [sealed, plain] = times.each_ref().map(|times| Amount::seconds(median(times)));
        section.beside(format!("{what}, CPU, {notes} notes"), sealed, plain, None);
    }
}
