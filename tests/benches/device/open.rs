//! A store that holds much: opening, listing, searching, memory.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sopu_core::device::Device;
use sopu_core::store::list::{Query, Sort};
use sopu_core::time::{Env, SystemEnv};
use sopu_core::transport::http::HttpTransport;
use sopu_tests::Serving;
use sopu_tests::bench::meter::{cpu_of, median, memory};
use sopu_tests::bench::section::{mib, ms};
use sopu_tests::bench::{Amount, Run, Section, Target};
use sopu_tests::storm::dice::{Dice, Machine, Time};
use sopu_tests::work::{JsonLog, Resident, Town, note};

/// The key does not matter where nothing is signed.
fn open(home: &Path) -> Device {
    open_with(home, [7; 32], Arc::new(SystemEnv))
}

fn open_with(home: &Path, key: [u8; 32], env: Arc<dyn Env>) -> Device {
    Device::open(&home.join("store.db"), &home.join("no-backup"), key, env).expect("opens")
}

fn newest() -> Query {
    Query {
        sort: Sort::Updated,
        descending: true,
        limit: 50,
        ..Query::default()
    }
}

fn searched(words: &str) -> Query {
    Query {
        text: Some(words.to_owned()),
        ..newest()
    }
}

/// Changes of each note, and of those that a colleague brings at last.
const CHANGES: usize = 4;
const NEWS: usize = 240;
const NEWS_CHANGES: usize = 20;

/// A device's store with so many notes, all synced, and the relay that has a page of news for it.
struct Filled {
    home: PathBuf,
    key: [u8; 32],
    town: Town,
}

fn filled(folder: &Path, notes: usize) -> Filled {
    let town = Town::new(folder, 20_261_126, 4);
    let [mut writer, mut colleague] =
        ["aino", "onni"].map(|name| town.device(town.person(name), name));
    writer.sync(&town);
    colleague.sync(&town);
    for number in 0..notes {
        write(&town, &mut writer, number, CHANGES);
        if number % 500 == 499 || number + 1 == notes {
            writer.sync(&town);
            town.merge();
            writer.sync(&town);
        }
    }
    for number in 0..NEWS {
        write(&town, &mut colleague, number, NEWS_CHANGES);
    }
    // All goes up in one request; what comes down is a page.
    colleague.device.sync_for(&town.wire(), 1).expect("syncs");
    town.merge();
    Filled {
        home: folder.join("aino"),
        key: writer.key,
        town,
    }
}

fn write(town: &Town, by: &mut Resident, number: usize, changes: usize) {
    let all = note::written(&town.dice, town.time.now_ms(), &by.member.0.to_string());
    let saves = note::some(&all, changes);
    let space = town.spaces[number % town.spaces.len()];
    by.write(&town.dice, space, &saves, &mut JsonLog::default());
    town.time.pass(60_000);
}

pub fn measure(run: &Run) -> Section {
    let mut section = Section::new("A store that holds much");
    let sizes = run.sized([100, 1_000, 10_000], [50, 100, 200]);
    let folders: Vec<_> = sizes.iter().map(|_| run.memory_folder()).collect();
    let filled: Vec<Filled> = folders
        .iter()
        .zip(sizes)
        .map(|(folder, notes)| filled(folder.path(), notes))
        .collect();
    let homes: Vec<PathBuf> = filled.iter().map(|filled| filled.home.clone()).collect();
    let mut opening = [(); 3].map(|()| Vec::new());
    let mut listing = [(); 3].map(|()| Vec::new());
    for _ in 0..run.sized(41, 5) {
        for (place, home) in homes.iter().enumerate() {
            let ((), cpu) = cpu_of(|| {
                let device = open(home);
                assert_eq!(device.list(&newest()).expect("lists").rows.len(), 50);
            });
            opening[place].push(cpu);
            let device = open(home);
            let (_, cpu) = cpu_of(|| device.list(&newest()).expect("lists"));
            listing[place].push(cpu);
        }
    }
    for (what, samples) in [
        ("opening and listing 50", &opening),
        ("listing 50", &listing),
    ] {
        let medians = samples.each_ref().map(|samples| median(samples));
        for (place, notes) in sizes.iter().enumerate() {
            section.beside(
                format!("CPU of {what}, {notes} documents"),
                Amount::seconds(medians[place]),
                Amount::seconds(medians[0]),
                (place == 2).then_some(Target::RatioAtMost(1.5)),
            );
        }
        let points: Vec<(f64, f64)> = sizes.iter().map(|n| *n as f64).zip(medians).collect();
        section.growth(what, &points);
    }
    search(run, &homes, &sizes, &mut section);
    let mut held = Vec::new();
    for (filled, notes) in filled.into_iter().zip(sizes) {
        let Filled { home, key, town } = filled;
        std::fs::write(home.join("key"), key).expect("a key");
        let now_ms = town.time.now_ms().to_string();
        let serving = Serving::start(Arc::new(town.relay));
        let home = home.display().to_string();
        let said = run
            .child(&[], "holds", &[&home, &now_ms, serving.address()])
            .expect("a child");
        let bytes: u64 = said.trim().parse().expect("bytes");
        section.target(
            format!("memory at most, {notes} documents"),
            Amount::memory(bytes),
            Target::AtMost(mib(64.0)),
        );
        held.push((notes as f64, bytes as f64));
    }
    section.growth("memory", &held);
    section.note(format!(
        "Opening and listing stand beside the same with the fewest documents. Each note has {CHANGES} \
         changes and is synced. Memory is the most a process of its own ever held that opened the store, \
         listed, searched, opened 50 notes, saved one, and synced with a relay over HTTP: it sent that \
         save and took in {NEWS} notes of {NEWS_CHANGES} changes that a colleague had written."
    ));
    section
}

fn search(run: &Run, homes: &[PathBuf], sizes: &[usize; 3], section: &mut Section) {
    // Rare and common, whole words and beginnings, one and several.
    let words = [
        "seminologi",
        "viljelijä kasvi",
        "ko",
        "typpilannoituksen rantalohkolla",
        "ma v",
    ];
    let mut points = Vec::new();
    for (home, notes) in homes.iter().zip(sizes) {
        let device = open(home);
        let mut worst: f64 = 0.0;
        for typed in words {
            let samples: Vec<f64> = (0..run.sized(21, 3))
                .map(|_| cpu_of(|| device.list(&searched(typed)).expect("searches")).1)
                .collect();
            worst = worst.max(median(&samples));
            if Some(notes) == sizes.last() {
                let found = device.list(&searched(typed)).expect("searches").total;
                section.target(
                    format!("search for “{typed}”, {found} of {notes} documents"),
                    Amount::seconds(median(&samples)),
                    Target::AtMost(ms(10.0)),
                );
            }
        }
        points.push((*notes as f64, worst));
    }
    section.growth("slowest search", &points);
}

/// Does what an app does in a sitting and says the most memory it held: `HOME NOW_MS ADDRESS`.
pub fn job(args: &[String]) -> String {
    let [home, now_ms, address] = args else {
        panic!("holds HOME NOW_MS ADDRESS");
    };
    let home = Path::new(home);
    let time = Time::new();
    time.pass(now_ms.parse::<i64>().expect("a time") - time.now_ms());
    let key = std::fs::read(home.join("key")).expect("a key");
    let mut device = open_with(
        home,
        key.try_into().expect("32 bytes"),
        Machine::new(&time, &Dice::new(1)),
    );
    let page = device.list(&newest()).expect("lists");
    for words in ["viljelijä", "ko", "seminologi navetan"] {
        device.list(&searched(words)).expect("searches");
    }
    for row in &page.rows {
        device.read(row.doc).expect("reads");
    }
    let opened = device.read(page.rows[0].doc).expect("reads");
    let mut value = opened.value;
    value["km"] = serde_json::json!("17.5");
    device
        .save(opened.doc, &opened.version, &value)
        .expect("saves");
    let report = device.sync(&HttpTransport::new(address)).expect("syncs");
    assert_eq!(report.acknowledged, 1, "the save went up");
    assert!(
        report.received as usize >= NEWS,
        "all news came: {report:?}"
    );
    memory("VmHWM").expect("bytes").to_string()
}
