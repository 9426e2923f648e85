//! A storm: devices and a relay in one thread, everything that can go wrong going wrong by a seed,
//! and afterwards a calm in which all must agree.
//!
//! Every edit puts a mark of its own, one letter that occurs nowhere else, into a text, and with it
//! a tag and sometimes a log entry. So it can be told of each edit whether it arrived, and whether
//! it arrived twice.

pub mod calm;
pub mod dice;
pub mod line;
pub mod pocket;
mod steps;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use rusqlite::Connection;
use sopu_core::id::{DeviceId, DocId, MemberId, OrgId, SpaceId};
use sopu_core::time::Env;
use sopu_server::access::people::{self, NewMember, Party, Window};
use sopu_server::access::{invites, roles::Role};
use sopu_server::relay::{DATABASE, Relay};
use tempfile::TempDir;

use dice::{Dice, Machine, Time};
use line::Line;
use pocket::Pocket;

/// An edit that was made.
#[derive(Clone, Copy, Debug)]
pub struct Mark {
    /// In which document.
    pub doc: DocId,
    /// Whether the letter went into the text at birth, with an entry of the map.
    pub in_item: bool,
    /// The store it was saved in went back to before it: nobody can say whether it still arrives.
    pub lost: bool,
    /// A sync said that the relay has it.
    pub delivered: bool,
}

/// The world of one seed.
pub struct Storm {
    dir: TempDir,
    /// What chance says.
    pub dice: Dice,
    time: Arc<Time>,
    machine: Arc<Machine>,
    relay: Option<Relay>,
    org: OrgId,
    /// The spaces.
    pub spaces: Vec<SpaceId>,
    /// The people and where they are members now.
    pub members: BTreeMap<MemberId, BTreeSet<SpaceId>>,
    /// The devices.
    pub pockets: Vec<Pocket>,
    /// Every edit by its letter.
    pub marks: BTreeMap<char, Mark>,
    /// Every document with its space.
    pub docs: BTreeMap<DocId, SpaceId>,
    /// What devices that exist twice, or were set back, were called at the relay.
    pub copies: BTreeSet<DeviceId>,
    /// What happened, for whoever reads a failure.
    pub log: Vec<String>,
    count: u32,
}

impl Storm {
    /// Two spaces, three people, four devices.
    pub fn new(seed: u64) -> Self {
        let shm = PathBuf::from("/dev/shm");
        let dir = if shm.is_dir() {
            tempfile::tempdir_in(shm)
        } else {
            tempfile::tempdir()
        };
        let (dice, time) = (Dice::new(seed), Time::new());
        let machine = Machine::new(&time, &dice);
        let mut storm = Self {
            dir: dir.expect("a temporary folder"),
            machine,
            time,
            dice,
            relay: None,
            org: OrgId(uuid::Uuid::nil()),
            spaces: Vec::new(),
            members: BTreeMap::new(),
            pockets: Vec::new(),
            marks: BTreeMap::new(),
            docs: BTreeMap::new(),
            copies: BTreeSet::new(),
            log: Vec::new(),
            count: 0,
        };
        storm.open_relay();
        let env = Arc::clone(&storm.machine);
        storm.org = storm
            .admin(|db| people::add_org(db, &*env, "Hoiva Oy", None).expect("an organisation"));
        for name in ["Mäkelä", "Koivuranta"] {
            let org = storm.org;
            let space = storm.admin(|db| people::add_space(db, &*env, org, name).expect("a space"));
            storm.spaces.push(space);
        }
        for name in ["Maria", "Aino", "Liisa"] {
            let new = NewMember {
                org: storm.org,
                name,
                login: None,
                password: None,
                admin: false,
            };
            let member = storm.admin(|db| people::add_member(db, &*env, &new).expect("a member"));
            storm.members.insert(member, BTreeSet::new());
            for space in storm.spaces.clone() {
                storm.let_in(member, space);
            }
        }
        let members: Vec<MemberId> = storm.members.keys().copied().collect();
        for member in [members[0], members[0], members[1], members[2]] {
            let number = storm.pockets.len();
            let machine = Machine::new(&storm.time, &storm.dice);
            let folder = storm.dir.path().join(format!("device-{number}"));
            storm.pockets.push(Pocket::new(&folder, member, machine));
            storm.enrol(number);
        }
        storm
    }

    /// Where everything is.
    pub fn folder(&self) -> &std::path::Path {
        self.dir.path()
    }

    /// Clock and randomness of one more machine.
    pub fn machine(&self) -> Arc<Machine> {
        Machine::new(&self.time, &self.dice)
    }

    fn open_relay(&mut self) {
        let env = Arc::clone(&self.machine) as Arc<dyn Env>;
        let relay = Relay::open(&self.dir.path().join("relay"), env);
        self.relay = Some(relay.expect("the relay opens"));
    }

    /// The relay stops and starts again.
    pub fn restart_relay(&mut self) {
        self.relay = None;
        self.open_relay();
    }

    /// The relay.
    pub fn relay(&self) -> &Relay {
        self.relay.as_ref().expect("up")
    }

    fn admin<T>(&self, work: impl FnOnce(&mut Connection) -> T) -> T {
        let mut db = Connection::open(self.dir.path().join("relay").join(DATABASE)).expect("opens");
        work(&mut db)
    }

    /// Makes a member of a space.
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

    /// Takes a member out of a space.
    pub fn put_out(&mut self, member: MemberId, space: SpaceId) {
        let now_ms = self.machine.now_ms();
        self.admin(|db| {
            people::revoke(db, space, Party::Member(member), now_ms).expect("removed");
        });
        self.members.entry(member).or_default().remove(&space);
    }

    fn enrol(&mut self, number: usize) {
        let member = self.pockets[number].member;
        let env = Arc::clone(&self.machine);
        let code = self.admin(|db| {
            invites::create(db, &*env, member, None, invites::LIFE_MS).expect("an invite")
        });
        let line = Line::new(self.relay.as_ref(), None, self.pockets[number].id());
        let device = self.pockets[number].device.as_mut().expect("switched on");
        device.enrol(&line, &code, "puhelin").expect("enrols");
    }

    fn note(&mut self, what: String) {
        self.log.push(what);
    }
}
