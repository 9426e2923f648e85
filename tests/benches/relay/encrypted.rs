//! What the encryption of the relay's databases costs, beside plain ones of the same content.

use std::path::Path;
use std::sync::Arc;

use sopu_core::store::StoreKey;
use sopu_core::time::SystemEnv;
use sopu_server::data::Data;
use sopu_server::relay::{DATABASE, RECORD, Relay};
use sopu_tests::bench::meter::{median, process_cpu, wall_of, written};
use sopu_tests::bench::{Amount, Run, Section};

use super::house::{House, correct, letter, note, taken};

const KEYS: [Option<StoreKey>; 2] = [Some(StoreKey::new([7; 32])), None];

/// Documents of one push: a day's work touches about as many.
const DOCUMENTS: usize = 20;

/// Samples of one measure, of the encrypted relay and of the plain one.
type Both = [Vec<f64>; 2];

pub fn encrypted(run: &Run) -> Section {
    let mut section = Section::new("An encrypted relay beside a plain one");
    let rounds = run.sized(40, 4);
    let folders = [(); 2].map(|()| run.folder());
    let houses = [0, 1].map(|at| House::with(folders[at].path(), KEYS[at]));
    let spaces = houses.each_ref().map(House::space);
    let mut devices = [0, 1].map(|at| houses[at].device(houses[at].member(&[spaces[at]])));
    let [mut push, mut until, mut merge, mut bytes] = [(); 4].map(|()| Both::default());
    for round in 0..rounds {
        // The same work for both, in turn, so that whatever else the machine does counts for both.
        for at in 0..2 {
            let (house, device) = (&houses[at], &mut devices[at]);
            for _ in 0..DOCUMENTS {
                let doc = note(device, spaces[at], 4);
                correct(device, doc, 1);
            }
            let post = letter(device);
            let (before, cpu) = (written().unwrap_or(0), process_cpu());
            let (took, wall) = wall_of(|| taken(&house.carry(&post)));
            push[at].push(process_cpu() - cpu);
            until[at].push(wall);
            assert_eq!(took, DOCUMENTS, "round {round}: all are taken in");
            let cpu = process_cpu();
            house.relay.merge_all().expect("merges");
            merge[at].push(process_cpu() - cpu);
            bytes[at].push((written().unwrap_or(0) - before) as f64);
            device.sync(house).expect("hears of it");
        }
    }
    let one = |samples: &Both, of: fn(f64) -> Amount| samples.each_ref().map(|s| of(median(s)));
    let changes = (DOCUMENTS * 5) as f64;
    let [sealed, plain] = push.map(|s| Amount::seconds(median(&s) / changes));
    section.beside("a push, CPU a change", sealed, plain, None);
    let [sealed, plain] = one(&until, Amount::seconds);
    section.beside(
        "a push, until it is durable and answered",
        sealed,
        plain,
        None,
    );
    let [sealed, plain] = merge.map(|s| Amount::seconds(median(&s) / changes));
    section.beside("merging, CPU a change", sealed, plain, None);
    let [sealed, plain] = bytes.map(|s| Amount::bytes(median(&s) as usize));
    section.beside("push and merge, bytes written", sealed, plain, None);

    let mut first = Both::default();
    for _ in 0..run.sized(9, 3) {
        for at in 0..2 {
            let member = houses[at].member(&[spaces[at]]);
            let cpu = process_cpu();
            drop(houses[at].device(member));
            first[at].push(process_cpu() - cpu);
        }
    }
    let [sealed, plain] = one(&first, Amount::seconds);
    let documents = rounds * DOCUMENTS;
    section.beside(
        format!("a new device's first sync, both ends' CPU, {documents} documents"),
        sealed,
        plain,
        None,
    );
    for (at, house) in houses.into_iter().enumerate() {
        drop(house);
        // As after a restart, which copies the log back.
        let data = folders[at].path().join("data");
        drop(Relay::open(Data::new(&data, KEYS[at]), Arc::new(SystemEnv)).expect("opens"));
    }
    for (what, name) in [("relay.db", DATABASE), ("record.db", RECORD)] {
        let [sealed, plain] = [0, 1].map(|at| Amount::bytes(size(folders[at].path(), name)));
        section.beside(
            format!("{what} on disk, {documents} documents"),
            sealed,
            plain,
            None,
        );
    }
    let mut opened = Both::default();
    for _ in 0..run.sized(15, 3) {
        for at in 0..2 {
            let data = Data::new(folders[at].path().join("data"), KEYS[at]);
            let cpu = process_cpu();
            drop(Relay::open(data, Arc::new(SystemEnv)).expect("opens"));
            opened[at].push(process_cpu() - cpu);
        }
    }
    let [sealed, plain] = one(&opened, Amount::seconds);
    section.beside("opening and closing the relay, CPU", sealed, plain, None);
    section.note(format!(
        "Two relays in one process, one with a key and one without, get the same work in turn: {rounds} \
         pushes of {DOCUMENTS} notes of five changes through the real handlers, each merged before the next. \
         Medians."
    ));
    section
}

/// Bytes of a database and its log.
fn size(folder: &Path, name: &str) -> usize {
    let of = |end: &str| {
        let path = folder.join("data").join(format!("{name}{end}"));
        std::fs::metadata(path).map_or(0, |file| file.len() as usize)
    };
    of("") + of("-wal")
}
