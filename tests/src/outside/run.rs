//! One run: relay, phones and office readers under load, killed at random moments, over a network
//! as bad as asked for; then calm, and every replica tells what it holds.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use sopu_core::id::{DocId, MemberId, SpaceId};
use sopu_core::store::{Store, check as store_check, document};
use sopu_core::time::{Env, SystemEnv};
use sopu_server::access::people::{self, NewMember, Party, Window};
use sopu_server::access::{invites, roles::Role, sessions};
use sopu_server::relay::{DATABASE, RECORD, Relay};

use super::office::{Reader, read_on};
use super::phone::MARKS;
use super::process::{Log, PhoneOrders, PhoneProcess, RelayProcess};
use crate::history::checker::OFFICE;
use crate::history::{self, Event, Fault, What};
use crate::proxy::Proxy;
use crate::storm::dice::Dice;

/// The programs.
#[derive(Clone, Copy, Debug)]
pub struct Programs<'p> {
    /// `sopu`.
    pub relay: &'p Path,
    /// The phone.
    pub phone: &'p Path,
}

/// What a run is like.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where everything happens, by chance.
    pub seed: u64,
    /// How long before the calm.
    pub lasts: Duration,
    /// Phones.
    pub phones: u32,
    /// Readers of the office pages.
    pub readers: u64,
    /// Between two kills of the relay, at most, milliseconds.
    pub relay_kill_ms: usize,
    /// Between two kills of a phone, at most, milliseconds.
    pub phone_kill_ms: usize,
    /// Whether the network is bad.
    pub bad_network: bool,
}

/// What came of it.
#[derive(Debug)]
pub struct Outcome {
    /// The history.
    pub history: PathBuf,
    /// Faults the checker found.
    pub faults: Vec<Fault>,
    /// Damage found in stores and databases.
    pub damage: Vec<String>,
    /// How often each thing was told, and why operations failed.
    pub counts: BTreeMap<String, u64>,
}

/// One run, in a folder.
pub struct Run<'p> {
    programs: Programs<'p>,
    folder: PathBuf,
    settings: Settings,
    dice: Dice,
    log: Log,
    proxy: Proxy,
    relay: Option<RelayProcess>,
    phones: Vec<(PhoneOrders, Option<PhoneProcess>)>,
    member: MemberId,
    session: String,
    kills: (u64, u64),
}

const NAMES: [&str; 2] = ["Mäkelä", "Koivuranta"];

impl<'p> Run<'p> {
    /// A relay with two spaces, one member with some phones and one at the office.
    pub fn new(programs: Programs<'p>, folder: &Path, settings: Settings) -> Self {
        let data = folder.join("relay");
        let env: Arc<dyn Env> = Arc::new(SystemEnv);
        // Makes the folder and its ledger.
        drop(Relay::open(&data, Arc::clone(&env)).expect("the relay opens"));
        let mut db = Connection::open(data.join(DATABASE)).expect("opens");
        let org = people::add_org(&db, &*env, "Hoiva Oy", None).expect("an organisation");
        let spaces: Vec<SpaceId> = NAMES
            .iter()
            .map(|name| people::add_space(&db, &*env, org, name).expect("a space"))
            .collect();
        let mut person = |name, login: Option<&str>, role| {
            let new = NewMember {
                org,
                name,
                login,
                password: login.map(|_| "salasana-kevätsää"),
                admin: false,
            };
            let member = people::add_member(&db, &*env, &new).expect("a member");
            let window = Window {
                from_ms: env.now_ms() - 60_000,
                until_ms: None,
            };
            for space in &spaces {
                let party = Party::Member(member);
                people::grant(&mut db, *space, party, role, window, env.now_ms()).expect("granted");
            }
            member
        };
        let member = person("Maria Niemi", None, Role::Field);
        person("Aino Aalto", Some("aino"), Role::Office);
        let session = sessions::sign_in(&db, &*env, "aino", "salasana-kevätsää");
        let session = session.expect("asks").expect("the password is right").token;
        drop(db);
        let mut run = Self {
            programs,
            folder: folder.to_owned(),
            dice: Dice::new(settings.seed),
            log: Log::new(&folder.join("history.jsonl")),
            proxy: Proxy::new(settings.seed),
            settings,
            relay: None,
            phones: Vec::new(),
            member,
            session,
            kills: (0, 0),
        };
        run.start_relay();
        for number in 0..run.settings.phones {
            let orders = run.orders(number);
            run.phones.push((orders, None));
        }
        run
    }

    fn data(&self) -> PathBuf {
        self.folder.join("relay")
    }

    fn orders(&self, number: u32) -> PhoneOrders {
        let name = format!("phone-{number}");
        let db = Connection::open(self.data().join(DATABASE)).expect("opens");
        db.busy_timeout(Duration::from_secs(10)).expect("waits");
        let code = invites::create(&db, &SystemEnv, self.member, None, invites::LIFE_MS);
        PhoneOrders {
            folder: self.folder.join(&name),
            name,
            relay: self.proxy.address(),
            code: code.expect("an invite"),
            seed: self.dice.next(),
            first_mark: number * MARKS,
            task: "work",
        }
    }

    fn start_relay(&mut self) {
        let relay = RelayProcess::start(self.programs.relay, &self.data(), None, &[]);
        self.proxy.lead_to(Some(relay.address));
        self.relay = Some(relay);
    }

    fn kill_relay(&mut self) {
        if let Some(relay) = self.relay.take() {
            relay.kill();
            self.kills.0 += 1;
        }
    }

    fn start_phone(&mut self, number: usize, task: &'static str) {
        let seed = self.dice.next();
        let (orders, phone) = &mut self.phones[number];
        orders.seed = seed;
        orders.task = task;
        *phone = Some(PhoneProcess::start(
            self.programs.phone,
            orders,
            None,
            &self.log,
        ));
    }

    fn kill_phone(&mut self, number: usize) {
        let (orders, phone) = &mut self.phones[number];
        if let Some(phone) = phone.take() {
            orders.first_mark += phone.kill();
            self.kills.1 += 1;
        }
    }

    /// Everything: the storm, the calm, the judgement.
    pub fn all(mut self) -> Outcome {
        self.first_documents();
        let stop = Arc::new(AtomicBool::new(false));
        let readers = self.readers(&stop);
        self.proxy.set_bad(self.settings.bad_network);
        for number in 0..self.phones.len() {
            self.start_phone(number, "work");
        }
        self.storm();
        stop.store(true, Ordering::Relaxed);
        for reader in readers {
            reader.join().expect("the reader ends");
        }
        self.calm();
        self.judge()
    }

    /// One phone makes the first documents, and gives them to the others.
    fn first_documents(&mut self) {
        self.start_phone(0, "work");
        let began = Instant::now();
        while self.known().len() < 3 {
            assert!(began.elapsed() < Duration::from_secs(60), "documents come");
            std::thread::sleep(Duration::from_millis(50));
        }
        self.kill_phone(0);
    }

    /// Documents of the merged record.
    fn known(&self) -> Vec<(SpaceId, DocId)> {
        let Ok(record) = Store::open_reader(&self.data().join(RECORD)) else {
            return Vec::new();
        };
        let ids = document::ids(record.conn(), None, None, 1_000).unwrap_or_default();
        let row = |doc| document::row(record.conn(), doc).ok().flatten();
        ids.into_iter()
            .filter_map(|doc| Some((row(doc)?.space, doc)))
            .collect()
    }

    fn readers(&self, stop: &Arc<AtomicBool>) -> Vec<std::thread::JoinHandle<()>> {
        let ops = Arc::new(AtomicU64::new(0));
        let docs = self.known();
        (0..self.settings.readers)
            .map(|number| {
                let reader = Reader::new(&self.proxy.address(), &self.session);
                let (ops, stop) = (Arc::clone(&ops), Arc::clone(stop));
                let seed = self.settings.seed ^ (number + 1);
                read_on(reader, docs.clone(), seed, ops, stop, self.log.clone())
            })
            .collect()
    }

    fn storm(&mut self) {
        let end = Instant::now() + self.settings.lasts;
        let soon = |dice: &Dice, most: usize| {
            Instant::now() + Duration::from_millis(dice.below(most.max(1)) as u64)
        };
        let mut relay_at = soon(&self.dice, self.settings.relay_kill_ms);
        let mut phone_at = soon(&self.dice, self.settings.phone_kill_ms);
        while Instant::now() < end {
            if Instant::now() >= relay_at {
                self.kill_relay();
                // Sometimes it is away for a while.
                let away = if self.dice.once_in(4) { 400 } else { 0 };
                std::thread::sleep(Duration::from_millis(away));
                self.start_relay();
                relay_at = soon(&self.dice, self.settings.relay_kill_ms);
            }
            if Instant::now() >= phone_at {
                let number = self.dice.below(self.phones.len());
                self.kill_phone(number);
                self.start_phone(number, "work");
                phone_at = soon(&self.dice, self.settings.phone_kill_ms);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn calm(&mut self) {
        for number in 0..self.phones.len() {
            self.kill_phone(number);
        }
        self.kill_relay();
        self.start_relay();
        self.proxy.set_bad(false);
        // One phone falls into a lake with whatever it had not delivered.
        let drowned = self.phones.len() - 1;
        let (orders, _) = self.phones.remove(drowned);
        std::fs::remove_dir_all(&orders.folder).expect("gone");
        self.log.note(&orders.name, u64::MAX, What::Gone);
        // And a new one comes.
        let number = self.settings.phones;
        let newcomer = self.orders(number);
        self.phones.push((newcomer, None));
        for task in ["settle", "end"] {
            for number in 0..self.phones.len() {
                self.start_phone(number, task);
            }
            for (_, phone) in &mut self.phones {
                phone.take().expect("started").wait();
            }
        }
        let reader = Reader::new(&self.proxy.address(), &self.session);
        for (op, (space, doc)) in (u64::MAX / 2..).zip(self.known()) {
            let marks = reader.marks(space, doc).expect("the office reads");
            let ending = What::Ending {
                doc: doc.to_string(),
                marks,
                digest: String::new(),
            };
            self.log.note(OFFICE, op, ending);
        }
        self.log.note(OFFICE, u64::MAX, What::Ended);
        self.kill_relay();
    }

    fn judge(self) -> Outcome {
        let history = self.folder.join("history.jsonl");
        let file = std::fs::File::open(&history).expect("the history");
        let events = history::read(std::io::BufReader::new(file)).expect("events");
        let mut damage = Vec::new();
        let record = self.data().join(RECORD);
        let stores = self.phones.iter().map(|(o, _)| o.folder.join("store.db"));
        for path in stores.chain([record]) {
            let store = Store::open(&path).expect("opens");
            let found = store_check::check(store.conn()).expect("reads");
            damage.extend(found.iter().map(|d| format!("{}: {d:?}", path.display())));
        }
        let told = std::process::Command::new(self.programs.relay)
            .env_clear()
            .arg("--data")
            .arg(self.data())
            .arg("check")
            .output()
            .expect("checks");
        if !told.status.success() {
            damage.push(String::from_utf8_lossy(&told.stdout).into_owned());
            damage.push(String::from_utf8_lossy(&told.stderr).into_owned());
        }
        let mut counts = counts(&events);
        let lag_ns = history::checker::office_lag_ns(&events);
        counts.insert("office lag ms".into(), lag_ns / 1_000_000);
        counts.insert("relay kills".into(), self.kills.0);
        counts.insert("phone kills".into(), self.kills.1);
        Outcome {
            history,
            faults: history::check(&events).into_iter().collect(),
            damage,
            counts,
        }
    }
}

fn counts(events: &[Event]) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    let mut count = |name: &str, by: usize| {
        *counts.entry(name.to_owned()).or_default() += by as u64;
    };
    for event in events {
        match &event.what {
            What::Saved { .. } => count("saved", 1),
            What::Acknowledged { marks } => count("acknowledged", marks.chars().count()),
            What::Settled { marks } => count("settled", marks.chars().count()),
            What::Read { .. } if event.replica == OFFICE => count("office reads", 1),
            What::Read { .. } => count("reads", 1),
            What::Synced { .. } => count("syncs", 1),
            What::Ending { .. } => count("endings", 1),
            What::Failed { reason } => count(&format!("failed {reason}"), 1),
            What::Saving { .. }
            | What::Reading { .. }
            | What::Syncing
            | What::Gone
            | What::Ended => {}
        }
    }
    counts
}
