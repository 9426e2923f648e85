//! A world in which the relay's disk is lost, again and again: devices and a relay in one thread on
//! real files, backups taken and put back at random moments, a line that loses, doubles and cuts
//! short. Afterwards all must be complete and equal, and nothing there twice.
//!
//! Every edit puts a letter of its own into a text. A letter may only be missing at the end if at
//! some moment no living device and no relay had it any more.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::Connection;
use serde_json::json;
use sopu_core::device::{Device, DeviceError, SyncReport};
use sopu_core::documents::Kind;
use sopu_core::id::{DocId, MemberId, OrgId, SpaceId};
use sopu_core::store::document;
use sopu_core::time::Env;
use sopu_server::access::people::{self, NewMember, Party, Window};
use sopu_server::access::{invites, roles::Role};
use sopu_server::backup;
use sopu_server::relay::{DATABASE, RECORD, Relay};
use sopu_server::store::State;
use tempfile::TempDir;

use crate::storm::dice::{Dice, Machine, Time};

mod judge;
mod line;

use line::Line;

/// The first letter used; each stands for itself under every normalisation.
const FIRST: u32 = 0x4E00;

/// Rounds in which everybody syncs before the end counts as never coming.
const ROUNDS: usize = 30;

/// What people at the office let in when they are asked.
const RELEASED: [&str; 5] = ["review", "removed", "revoked", "late", "right_missing"];

/// A device in this world.
pub struct Hand {
    folder: PathBuf,
    key: [u8; 32],
    /// Whose it is.
    pub member: MemberId,
    machine: Arc<Machine>,
    /// `None` once it is gone for good.
    pub device: Option<Device>,
}

/// The world of one seed.
pub struct Drill {
    dir: TempDir,
    /// What chance says.
    pub dice: Dice,
    time: Arc<Time>,
    machine: Arc<Machine>,
    relay: Option<Relay>,
    org: OrgId,
    /// The spaces.
    pub spaces: Vec<SpaceId>,
    /// People with the spaces they are in now.
    pub members: BTreeMap<MemberId, BTreeSet<SpaceId>>,
    /// The devices, gone ones too.
    pub hands: Vec<Hand>,
    /// Each letter's document.
    pub letters: BTreeMap<char, DocId>,
    /// Letters nobody has any more.
    pub lost: BTreeSet<char>,
    /// Documents the law had erased.
    pub erased: BTreeSet<DocId>,
    /// Each document's space.
    pub docs: BTreeMap<DocId, SpaceId>,
    backups: Vec<PathBuf>,
    /// What happened, for whoever reads a failure.
    pub log: Vec<String>,
    /// How often the relay came back from a backup.
    pub restores: usize,
    count: u32,
}

impl Drill {
    /// Two spaces, three people in both, a device each.
    pub fn new(seed: u64) -> Self {
        let memory = Path::new("/dev/shm");
        let dir = if memory.is_dir() {
            tempfile::tempdir_in(memory)
        } else {
            tempfile::tempdir()
        };
        let (dice, time) = (Dice::new(seed), Time::new());
        let machine = Machine::new(&time, &dice);
        let mut drill = Self {
            dir: dir.expect("a folder"),
            dice,
            time,
            machine,
            relay: None,
            org: OrgId(uuid::Uuid::nil()),
            spaces: Vec::new(),
            members: BTreeMap::new(),
            hands: Vec::new(),
            letters: BTreeMap::new(),
            lost: BTreeSet::new(),
            erased: BTreeSet::new(),
            docs: BTreeMap::new(),
            backups: Vec::new(),
            log: Vec::new(),
            restores: 0,
            count: 0,
        };
        drill.open();
        let env = Arc::clone(&drill.machine);
        drill.org = drill.admin(|db| people::add_org(db, &*env, "Hoiva Oy", None).expect("added"));
        for name in ["Mäkelä", "Koivuranta"] {
            let org = drill.org;
            let space = drill.admin(|db| people::add_space(db, &*env, org, name).expect("added"));
            drill.spaces.push(space);
        }
        for _ in 0..3 {
            let member = drill.person();
            drill.hand(member);
        }
        drill
    }

    /// The relay's data folder.
    pub fn data(&self) -> PathBuf {
        self.dir.path().join("relay")
    }

    /// The relay.
    pub fn relay(&self) -> &Relay {
        self.relay.as_ref().expect("up")
    }

    fn open(&mut self) {
        let env = Arc::clone(&self.machine) as Arc<dyn Env>;
        self.relay = Some(Relay::open(self.data(), env).expect("opens"));
    }

    /// Works on the database as the command line does.
    pub fn admin<T>(&self, work: impl FnOnce(&mut Connection) -> T) -> T {
        work(&mut Connection::open(self.data().join(DATABASE)).expect("opens"))
    }

    /// One more person, in both spaces.
    pub fn person(&mut self) -> MemberId {
        let env = Arc::clone(&self.machine);
        let new = NewMember {
            org: self.org,
            name: "Maria",
            login: None,
            password: None,
            admin: false,
        };
        let member = self.admin(|db| people::add_member(db, &*env, &new).expect("added"));
        for space in self.spaces.clone() {
            self.let_in(member, space);
        }
        member
    }

    /// Makes a person a member of a space.
    pub fn let_in(&mut self, member: MemberId, space: SpaceId) {
        let now_ms = self.machine.now_ms();
        let window = Window {
            from_ms: now_ms - 60_000,
            until_ms: None,
        };
        let party = Party::Member(member);
        self.admin(|db| {
            people::grant(db, space, party, Role::Field, window, now_ms).expect("granted");
        });
        self.members.entry(member).or_default().insert(space);
    }

    /// Takes a person out of a space.
    pub fn put_out(&mut self, member: MemberId, space: SpaceId) {
        self.time.pass(1_000);
        let now_ms = self.machine.now_ms();
        self.admin(|db| people::revoke(db, space, Party::Member(member), now_ms).expect("ended"));
        self.members.entry(member).or_default().remove(&space);
        // As the worker does: the ledger knows at once.
        self.relay().merge_step().expect("merges");
    }

    /// One more device; gives its number.
    pub fn hand(&mut self, member: MemberId) -> usize {
        let number = self.hands.len();
        let machine = Machine::new(&self.time, &self.dice);
        let folder = self.dir.path().join(format!("device-{number}"));
        std::fs::create_dir_all(&folder).expect("a folder");
        let key = Device::new_key(&*machine);
        let mut hand = Hand {
            folder,
            key,
            member,
            machine,
            device: None,
        };
        hand.open();
        let env = Arc::clone(&self.machine);
        let code = self.admin(|db| {
            invites::create(db, &*env, member, None, invites::LIFE_MS).expect("an invite")
        });
        let line = Line {
            relay: self.relay(),
            faults: None,
            room: None,
        };
        let device = hand.device.as_mut().expect("on");
        device.enrol(&line, &code, "puhelin").expect("enrols");
        self.hands.push(hand);
        // The worker notes it in the ledger.
        self.relay().merge_step().expect("merges");
        number
    }

    /// A device that is not gone.
    pub fn device(&mut self, number: usize) -> &mut Device {
        self.hands[number].device.as_mut().expect("not gone")
    }

    /// The numbers of those that are not gone.
    pub fn living(&self) -> Vec<usize> {
        let all = self.hands.iter().enumerate();
        all.filter(|(_, hand)| hand.device.is_some())
            .map(|(number, _)| number)
            .collect()
    }

    /// A new note.
    pub fn note(&mut self, number: usize, space: SpaceId) -> DocId {
        let value = json!({"summary": "", "tags": ["alku"]});
        let device = self.device(number);
        let (doc, _) = device
            .create(space, Kind::VisitNote, &value)
            .expect("creates");
        self.docs.insert(doc, space);
        self.log.push(format!("{number} makes {doc}"));
        doc
    }

    /// Puts a letter of its own into a note.
    pub fn write(&mut self, number: usize, doc: DocId) -> char {
        self.count += 1;
        let letter = char::from_u32(FIRST + self.count).expect("a letter");
        let mut opened = self.device(number).read(doc).expect("reads");
        let old = opened.value["summary"].as_str().unwrap_or_default();
        let mut text: Vec<char> = old.chars().collect();
        text.insert(self.dice.below(text.len() + 1), letter);
        opened.value["summary"] = json!(text.into_iter().collect::<String>());
        if self.dice.once_in(3) {
            let key = sopu_core::id::mint_uuid(&*self.hands[number].machine).to_string();
            opened.value["entries"][key] =
                json!({"heading": "yleisvointi", "text": letter.to_string()});
        }
        let device = self.device(number);
        device
            .save(doc, &opened.version, &opened.value)
            .expect("saves");
        self.letters.insert(letter, doc);
        self.log
            .push(format!("{number} writes {letter} into {doc}"));
        letter
    }

    /// Syncs over a bad line, a few requests.
    pub fn sync_badly(&mut self, number: usize) {
        self.time.pass(1_000);
        let requests = 1 + u32::try_from(self.dice.below(5)).unwrap_or(0);
        let line = Line {
            relay: self.relay.as_ref().expect("up"),
            faults: Some(&self.dice),
            room: None,
        };
        let device = self.hands[number].device.as_mut().expect("not gone");
        let done = device.sync_for(&line, requests);
        self.log.push(format!("{number} syncs: {done:?}"));
    }

    /// So many requests whose answers have hardly any room.
    pub fn sync_in_parts(&mut self, number: usize, requests: u32) {
        self.time.pass(1_000);
        let line = Line {
            relay: self.relay.as_ref().expect("up"),
            faults: None,
            room: Some(1),
        };
        let device = self.hands[number].device.as_mut().expect("not gone");
        device.sync_for(&line, requests).expect("syncs");
    }

    /// Syncs over a good line.
    ///
    /// # Errors
    /// The device's.
    pub fn sync(&mut self, number: usize) -> Result<SyncReport, DeviceError> {
        self.time.pass(1_000);
        let line = Line {
            relay: self.relay.as_ref().expect("up"),
            faults: None,
            room: None,
        };
        let device = self.hands[number].device.as_mut().expect("not gone");
        let done = device.sync(&line);
        self.log.push(format!("{number} syncs well: {done:?}"));
        done
    }

    /// Everything that waits is judged.
    pub fn merge(&mut self) {
        self.relay().merge_all().expect("merges");
    }

    /// A device is switched off and on.
    pub fn restart(&mut self, number: usize) {
        self.hands[number].device = None;
        self.hands[number].open();
    }

    /// A device is gone for good, with what only it had.
    pub fn destroy(&mut self, number: usize) {
        self.log.push(format!("{number} is gone for good"));
        self.hands[number].device = None;
        self.take_stock();
    }

    /// The office erases a document.
    pub fn erase(&mut self, doc: DocId) {
        if self.relay().erase(doc, "request").is_ok() {
            self.log.push(format!("{doc} is erased"));
            self.erased.insert(doc);
        }
    }

    /// Takes a backup beside the serving relay; gives its number.
    pub fn back_up(&mut self) -> usize {
        let number = self.backups.len();
        let target = self.dir.path().join(format!("backup-{number}"));
        backup::take(self.data(), &target, &*self.machine, &mut |_, _| {}).expect("is taken");
        self.backups.push(target);
        self.log.push(format!("backup {number}"));
        number
    }

    /// A copy of the database as it is now that nothing marks as one, as a disk's own snapshot.
    pub fn snapshot(&self) -> PathBuf {
        let path = self.dir.path().join("snapshot.db");
        let into = path.display().to_string();
        self.admin(|db| db.execute("VACUUM INTO ?", [into]).expect("copies"));
        path
    }

    /// The database goes back to a snapshot, and the ledger tells nothing of it. The merged record
    /// stays as it is, or is lost.
    pub fn go_back(&mut self, snapshot: &Path, keep_record: bool) {
        self.relay = None;
        let data = self.data();
        for name in [DATABASE, RECORD] {
            for end in ["", "-wal", "-shm"] {
                if name == DATABASE || !keep_record {
                    let _ = std::fs::remove_file(data.join(format!("{name}{end}")));
                }
            }
        }
        std::fs::copy(snapshot, data.join(DATABASE)).expect("copies");
        self.open();
        self.log.push("the database goes back unnoticed".to_owned());
        self.take_stock();
    }

    /// How many backups there are.
    pub fn backups(&self) -> usize {
        self.backups.len()
    }

    /// The relay's disk is lost, but for the ledger if that is kept; a backup is put back.
    pub fn restore(&mut self, number: usize, keep_ledger: bool) {
        self.relay = None;
        let data = self.data();
        for entry in std::fs::read_dir(&data).expect("reads").flatten() {
            if keep_ledger && entry.file_name() == "ledger" {
                continue;
            }
            let path = entry.path();
            let removed = if path.is_dir() {
                std::fs::remove_dir_all(path)
            } else {
                std::fs::remove_file(path)
            };
            removed.expect("goes");
        }
        let env = Arc::clone(&self.machine) as Arc<dyn Env>;
        let restored =
            backup::restore(&self.backups[number], None, &data, env).expect("is restored");
        assert_eq!(restored.newer_ledger_lines.is_some(), keep_ledger);
        self.open();
        self.restores += 1;
        self.log.push(format!("backup {number} is put back"));
        self.take_stock();
    }

    /// One step of chance.
    pub fn step(&mut self) {
        self.time
            .pass(1 + i64::try_from(self.dice.below(60_000)).unwrap_or(0));
        let living = self.living();
        let number = living[self.dice.below(living.len())];
        match self.dice.below(100) {
            0..=9 => {
                if let Some(space) = self.a_space(number).filter(|_| self.docs.len() < 7) {
                    self.note(number, space);
                }
            }
            10..=39 => {
                if let Some(doc) = self.a_doc(number) {
                    self.write(number, doc);
                }
            }
            40..=64 => self.sync_badly(number),
            65..=76 => self.merge(),
            77..=79 => self.restart(number),
            80..=84 => {
                self.back_up();
            }
            85..=90 if self.backups() > 0 => {
                // Mostly the newest.
                let last = self.backups() - 1;
                let back = if self.dice.once_in(3) {
                    self.dice.below(last + 1)
                } else {
                    last
                };
                self.restore(back, true);
            }
            91..=92 if self.hands.len() < 7 => {
                let member = self.hands[number].member;
                let new = self.hand(member);
                self.log.push(format!("{new} is enrolled"));
            }
            93 if living.len() > 2 => self.destroy(number),
            94 => {
                if let Some(doc) = self.a_doc(number).filter(|_| self.erased.len() < 2) {
                    self.erase(doc);
                }
            }
            95 if self.members.values().all(|spaces| spaces.len() == 2) => {
                let member = self.hands[number].member;
                let space = self.spaces[self.dice.below(2)];
                self.log
                    .push(format!("{number}'s owner is put out of {space}"));
                self.put_out(member, space);
            }
            _ => self.merge(),
        }
    }

    fn a_space(&mut self, number: usize) -> Option<SpaceId> {
        let spaces = self.device(number).spaces().expect("reads");
        let spaces: Vec<_> = spaces.iter().filter(|s| s.left_ms.is_none()).collect();
        (!spaces.is_empty()).then(|| spaces[self.dice.below(spaces.len())].id)
    }

    fn a_doc(&mut self, number: usize) -> Option<DocId> {
        let conn = self.hands[number].device.as_ref()?.store().conn();
        let docs = document::ids(conn, None, None, 100).expect("reads");
        (!docs.is_empty()).then(|| docs[self.dice.below(docs.len())])
    }

    /// Syncs until nothing moves any more.
    pub fn calm(&mut self) {
        self.log.push("calm".into());
        let mut quiet = 0;
        for _ in 0..ROUNDS {
            let mut moved = false;
            for number in self.living() {
                let report = self.sync(number).expect("syncs");
                assert!(report.requests < 40, "{number} spins: {report:?}");
                let idle = SyncReport {
                    requests: report.requests,
                    bytes_up: report.bytes_up,
                    bytes_down: report.bytes_down,
                    ..SyncReport::default()
                };
                moved |= report != idle;
                moved |= self.relay().merge_all().expect("merges") > 0;
            }
            for row in self.relay().quarantine(10_000).expect("reads") {
                let held =
                    matches!(&row.state, State::Held(why) if RELEASED.contains(&why.as_str()));
                moved |= held && self.relay().release(row.id).expect("releases");
            }
            quiet = if moved { 0 } else { quiet + 1 };
            if quiet == 2 {
                return;
            }
        }
        panic!("it never comes to rest");
    }
}

impl Hand {
    fn open(&mut self) {
        let env = Arc::clone(&self.machine) as Arc<dyn Env>;
        let (store, instance) = (self.folder.join("store.db"), self.folder.join("no-backup"));
        let device = Device::open(&store, &instance, self.key, env).expect("opens");
        // Nothing cuts the power here.
        let conn = device.store().conn();
        conn.pragma_update(None, "synchronous", "OFF")
            .expect("sets");
        self.device = Some(device);
    }
}
