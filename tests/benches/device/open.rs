//! A store that holds much: opening, listing, searching, memory.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sopu_core::device::Device;
use sopu_core::store::list::{Query, Sort};
use sopu_core::time::SystemEnv;
use sopu_tests::bench::meter::{cpu_of, median, memory};
use sopu_tests::bench::section::{mib, ms};
use sopu_tests::bench::{Amount, Run, Section, Target};
use sopu_tests::work::{JsonLog, Town, note};

/// The key does not matter: nothing is signed here.
fn open(home: &Path) -> Device {
    let env = Arc::new(SystemEnv);
    Device::open(
        &home.join("store.db"),
        &home.join("no-backup"),
        [7; 32],
        env,
    )
    .expect("opens")
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

/// A device's store with so many notes.
fn filled(folder: &Path, notes: usize) -> PathBuf {
    let town = Town::new(folder, 20_261_126, 4);
    let mut writer = town.device(town.person("Aino"), "aino");
    writer.sync(&town);
    for number in 0..notes {
        let all = note::written(&town.dice, town.time.now_ms(), &writer.member.0.to_string());
        let space = town.spaces[number % town.spaces.len()];
        writer.write(
            &town.dice,
            space,
            &note::some(&all, 1),
            &mut JsonLog::default(),
        );
        town.time.pass(60_000);
    }
    folder.join("aino")
}

pub fn measure(run: &Run) -> Section {
    let mut section = Section::new("A store that holds much");
    let sizes = run.sized([100, 1_000, 10_000], [50, 100, 200]);
    let folders: Vec<_> = sizes.iter().map(|_| run.memory_folder()).collect();
    let homes: Vec<PathBuf> = folders
        .iter()
        .zip(sizes)
        .map(|(folder, notes)| filled(folder.path(), notes))
        .collect();
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
    for (home, notes) in homes.iter().zip(sizes) {
        let said = run
            .child(&[], "holds", &[&home.display().to_string()])
            .expect("a child");
        let bytes: u64 = said.trim().parse().unwrap_or(0);
        section.target(
            format!("memory at most, {notes} documents"),
            Amount::memory(bytes),
            Target::AtMost(mib(64.0)),
        );
        held.push((notes as f64, bytes as f64));
    }
    section.growth("memory", &held);
    section.note(
        "Opening and listing stand beside the same with the fewest documents. Memory is the most a \
         process of its own ever held that opened the store, listed, searched, opened 50 notes, \
         saved one and made a request.",
    );
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

/// Does what an app does in a sitting and says the most memory it held: `HOME`.
pub fn job(args: &[String]) -> String {
    let home = Path::new(args.first().expect("holds HOME"));
    let mut device = open(home);
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
    memory("VmHWM").unwrap_or(0).to_string()
}
