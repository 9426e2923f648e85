//! One save: waiting for the disk, CPU, instructions, flushes, bytes written.

use std::path::Path;

use rusqlite::{Connection, params};
use serde_json::{Value, json};
use sopu_core::id::{DocId, Version};
use sopu_core::store::StoreKey;
use sopu_tests::bench::counting::counted;
use sopu_tests::bench::meter::{cpu_of, median, wall_of, written};
use sopu_tests::bench::{Amount, Run, Section, Target};
use sopu_tests::work::finnish::sentence;
use sopu_tests::work::{JsonLog, Resident, Town, note};

/// A note somebody is typing in, as a form holds it.
pub struct Typing {
    town: Town,
    writer: Resident,
    doc: DocId,
    version: Version,
    form: Value,
}

impl Typing {
    /// Half-written: some saves are behind it.
    fn new(folder: &Path, saves: usize) -> Self {
        Self::with(folder, saves, None)
    }

    /// As [`Typing::new`], in an encrypted store if there is a key.
    pub fn with(folder: &Path, saves: usize, key: Option<StoreKey>) -> Self {
        let town = Town::new(folder, 20_261_125, 1);
        let mut writer = town.device_with(town.person("Aino"), "aino", key);
        writer.sync(&town);
        let all = note::written(&town.dice, town.time.now_ms(), &writer.member.0.to_string());
        let space = town.spaces[0];
        let saves = &all[..saves.min(all.len())];
        let doc = writer.write(&town.dice, space, saves, &mut JsonLog::default());
        let opened = writer.device.read(doc).expect("reads");
        Self {
            town,
            writer,
            doc,
            version: opened.version,
            form: opened.value,
        }
    }

    /// Some words more. A text that has become long begins anew.
    pub fn type_on(&mut self) {
        let old = self.form["summary"].as_str().unwrap_or_default();
        let old = if old.len() > 3_000 { "" } else { old };
        let words = sentence(&self.town.dice);
        let words = words.split(' ').take(4).collect::<Vec<_>>().join(" ");
        self.form["summary"] = json!(format!("{old} {words}"));
        self.town.time.pass(9_000);
    }

    pub fn save(&mut self) {
        let saved = self.writer.device.save(self.doc, &self.version, &self.form);
        self.version = saved.expect("saves").version;
    }

    /// The bytes the last save had to keep: the change, and the content for lists.
    fn kept(&self) -> [Vec<u8>; 2] {
        let conn = self.writer.device.store().conn();
        let one = |sql: &str| -> Vec<u8> {
            conn.query_row(sql, [], |row| Ok(row.get_ref(0)?.as_bytes()?.to_vec()))
                .expect("reads")
        };
        [
            one("SELECT bytes FROM change ORDER BY n DESC LIMIT 1"),
            one("SELECT value FROM view"),
        ]
    }
}

/// Plain SQLite with the same promise: durable when the call returns.
struct Bare(Connection);

impl Bare {
    fn new(folder: &Path) -> Self {
        let conn = Connection::open(folder.join("bare.db")).expect("opens");
        conn.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))
            .expect("WAL");
        conn.pragma_update(None, "synchronous", "FULL")
            .expect("FULL");
        conn.execute_batch("CREATE TABLE kept (n INTEGER PRIMARY KEY, change BLOB, value BLOB)")
            .expect("a table");
        Self(conn)
    }

    fn insert(&self, [change, value]: &[Vec<u8>; 2]) {
        self.0
            .prepare_cached("INSERT INTO kept (change, value) VALUES (?1, ?2)")
            .and_then(|mut insert| insert.execute(params![change, value]))
            .expect("inserts");
    }
}

pub fn measure(run: &Run) -> Section {
    let mut section = Section::new("One save on the device");
    let times = run.sized(400, 40);
    let [mut waits, mut cpus] = [(); 2].map(|()| Vec::new());
    for before in [8_u8, 30, 61] {
        let folder = run.folder();
        let mut typing = Typing::new(folder.path(), before.into());
        let bare = Bare::new(folder.path());
        let [mut save, mut insert, mut save_cpu, mut insert_cpu] = [(); 4].map(|()| Vec::new());
        for _ in 0..times {
            typing.type_on();
            let ((), wall) = wall_of(|| save_cpu.push(cpu_of(|| typing.save()).1));
            save.push(wall);
            let kept = typing.kept();
            let ((), wall) = wall_of(|| insert_cpu.push(cpu_of(|| bare.insert(&kept)).1));
            insert.push(wall);
        }
        let of = format!("note of {before} saves");
        section.beside(
            format!("median until durable, {of}"),
            Amount::seconds(median(&save)),
            Amount::seconds(median(&insert)),
            Some(Target::RatioAtMost(1.5)),
        );
        section.beside(
            format!("median CPU, {of}"),
            Amount::seconds(median(&save_cpu)),
            Amount::seconds(median(&insert_cpu)),
            None,
        );
        waits.push((f64::from(before), median(&save)));
        cpus.push((f64::from(before), median(&save_cpu)));
    }
    section.growth("until durable over the saves before", &waits);
    section.growth("CPU over the saves before", &cpus);
    let folder = run.memory_folder();
    let mut typing = Typing::new(folder.path(), 61);
    let before = written();
    let ((), counts) = counted(|| {
        for _ in 0..100 {
            typing.type_on();
            typing.save();
        }
    });
    if let (Some(before), Some(after)) = (before, written()) {
        let bytes = (after - before) / 100;
        section.row(
            "bytes written a save",
            Amount::bytes(usize::try_from(bytes).unwrap_or(0)),
        );
    }
    #[expect(clippy::cast_precision_loss, reason = "small counts")]
    section.row(
        "allocations a save",
        Amount::count(counts.calls as f64 / 100.0),
    );
    traced(run, &mut section);
    section.note(
        "The baseline is one INSERT of the same bytes (the change, and the content for lists) \
         into a table without an index, in WAL mode with synchronous=FULL, on the same \
         disk, taken in turns with the saves.",
    );
    section
}

/// What only a tracer sees: the difference between a run with many saves and one with none.
fn traced(run: &Run, section: &mut Section) {
    let many = 100;
    let each =
        |counted: Option<(f64, f64)>| counted.map(|(none, some)| (some - none) / f64::from(many));
    let pair = |count: &dyn Fn(u32) -> Option<f64>| Some((count(0)?, count(many)?));
    match each(pair(&|saves| instructions(run, saves))) {
        Some(n) => {
            section.row("instructions a save (callgrind)", Amount::count(n.round()));
        }
        None => section.note("valgrind is not here: no instructions counted."),
    }
    let save = each(pair(&|saves| flushes(run, "saves", saves)));
    let insert = each(pair(&|saves| flushes(run, "inserts", saves)));
    match save.zip(insert) {
        Some((save, insert)) => section.beside(
            "flushes a save, checkpoints included (strace)",
            Amount::count(save),
            Amount::count(insert),
            Some(Target::RatioAtMost(1.1)),
        ),
        None => section.note("strace is not here: no flushes counted."),
    }
}

fn instructions(run: &Run, saves: u32) -> Option<f64> {
    let folder = run.memory_folder();
    let log = folder.path().join("callgrind.log");
    let log_file = format!("--log-file={}", log.display());
    let wrapper = [
        "valgrind",
        "--tool=callgrind",
        "--callgrind-out-file=/dev/null",
        &log_file,
    ];
    let home = folder.path().display().to_string();
    run.child(&wrapper, "saves", &[&home, &saves.to_string()])
        .ok()?;
    let said = std::fs::read_to_string(log).ok()?;
    let line = said
        .lines()
        .find_map(|line| line.split_once("Collected :"))?;
    line.1.trim().parse().ok()
}

fn flushes(run: &Run, job: &str, saves: u32) -> Option<f64> {
    let folder = run.folder();
    let log = folder.path().join("strace.log").display().to_string();
    let wrapper = ["strace", "-f", "-e", "trace=fsync,fdatasync", "-o", &log];
    let home = folder.path().display().to_string();
    run.child(&wrapper, job, &[&home, &saves.to_string()])
        .ok()?;
    let said = std::fs::read_to_string(&log).ok()?;
    let count = said.lines().filter(|line| line.contains("sync(")).count();
    u32::try_from(count).ok().map(f64::from)
}

/// A note, and so many saves more: `FOLDER SAVES`.
pub fn job(args: &[String]) -> String {
    let [folder, saves] = args else {
        panic!("saves FOLDER SAVES");
    };
    let mut typing = Typing::new(Path::new(folder), 61);
    for _ in 0..saves.parse().expect("a number") {
        typing.type_on();
        typing.save();
    }
    String::new()
}

/// So many bare inserts of what such a save keeps: `FOLDER INSERTS`.
pub fn bare_job(args: &[String]) -> String {
    let [folder, inserts] = args else {
        panic!("inserts FOLDER INSERTS");
    };
    let bare = Bare::new(Path::new(folder));
    let kept = [vec![1; 160], vec![2; 3_000]];
    for _ in 0..inserts.parse().expect("a number") {
        bare.insert(&kept);
    }
    String::new()
}
