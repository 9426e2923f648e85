//! How a world begins: two spaces, three people, four devices. It is founded once; each storm
//! begins with a copy.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use sopu_core::id::{MemberId, OrgId, SpaceId};
use sopu_server::access::people::{self, NewMember};
use tempfile::TempDir;

use super::Storm;
use super::dice::{Dice, Machine, Time};
use super::faults::Tally;
use super::house::House;
use super::model::Model;
use super::pocket::Pocket;
use crate::disk::Files;

/// A founded world, switched off.
struct Founded {
    org: OrgId,
    spaces: Vec<SpaceId>,
    members: BTreeMap<MemberId, BTreeSet<SpaceId>>,
    relay: Files,
    pockets: Vec<FoundedPocket>,
    villain: FoundedPocket,
}

struct FoundedPocket {
    member: MemberId,
    key: [u8; 32],
    store: Files,
    instance: Vec<u8>,
}

static FOUNDED: OnceLock<Founded> = OnceLock::new();

impl Storm {
    /// Two spaces, three people, four devices.
    pub fn new(seed: u64) -> Self {
        let founded = FOUNDED.get_or_init(|| Self::found().into_founded());
        let mut storm = Self::empty(seed);
        storm.loses_relay = storm.luck.once_in(2);
        storm.office_writes = storm.luck.once_in(2);
        storm.org = founded.org;
        storm.spaces.clone_from(&founded.spaces);
        storm.members.clone_from(&founded.members);
        storm.house.disk.put_files(&founded.relay);
        storm.house.switch_on().expect("the relay starts");
        for (number, pocket) in founded.pockets.iter().enumerate() {
            let folder = storm.dir.path().join(format!("device-{number}"));
            let new = pocket.open(&folder, number, storm.machine());
            storm.pockets.push(new);
        }
        let folder = storm.dir.path().join("villain");
        storm.villain = founded.villain.open(&folder, usize::MAX, storm.machine());
        storm
    }

    fn empty(seed: u64) -> Self {
        let shm = PathBuf::from("/dev/shm");
        let dir = if shm.is_dir() {
            tempfile::tempdir_in(shm)
        } else {
            tempfile::tempdir()
        };
        let dir: TempDir = dir.expect("a temporary folder");
        let (dice, time) = (Dice::new(seed), Time::new());
        let house = House::new(dir.path().join("relay"), Machine::new(&time, &dice));
        let machine = Machine::new(&time, &dice);
        let nobody = MemberId(uuid::Uuid::nil());
        let folder = dir.path().join("nobody");
        Self {
            villain: Pocket::new(&folder, nobody, usize::MAX, machine, None),
            future: Vec::new(),
            dir,
            dice,
            time,
            house,
            org: OrgId(uuid::Uuid::nil()),
            spaces: Vec::new(),
            members: BTreeMap::new(),
            joined: BTreeMap::new(),
            pockets: Vec::new(),
            model: Model::default(),
            docs: BTreeMap::new(),
            copies: BTreeSet::new(),
            cut_off: BTreeSet::new(),
            log: Vec::new(),
            tells: false,
            steps: 0,
            tally: Tally::default(),
            count: 0,
            letters: 0,
            mail: Vec::new(),
            stamps: HashSet::new(),
            orphans: BTreeMap::new(),
            acknowledged: BTreeSet::new(),
            luck: Dice::new(!seed),
            loses_relay: false,
            office_writes: false,
            busy_office: false,
            readers: BTreeSet::new(),
            fate: Dice::new(seed.rotate_left(32) ^ !seed),
            erased: BTreeSet::new(),
            forgets_ledger: false,
            relay_backups: Vec::new(),
            life: 0,
            forgot: false,
            merged: false,
            feeds: BTreeMap::new(),
            touched: BTreeSet::new(),
        }
    }

    fn found() -> Self {
        let mut storm = Self::empty(0);
        storm.house.switch_on().expect("the relay starts");
        let env = Arc::clone(&storm.house.machine);
        storm.org = storm
            .house
            .admin(|db| people::add_org(db, &*env, "Hoiva Oy", None).expect("an organisation"));
        let org = storm.org;
        for name in ["Mäkelä", "Koivuranta"] {
            let add = |db: &mut _| people::add_space(db, &*env, org, name).expect("a space");
            let space = storm.house.admin(add);
            storm.spaces.push(space);
        }
        let mut members = Vec::new();
        for name in ["Maria", "Aino", "Liisa", "Ilkeä"] {
            let new = NewMember {
                org,
                name,
                login: None,
                password: None,
                admin: false,
            };
            let add = |db: &mut _| people::add_member(db, &*env, &new).expect("a member");
            let member = storm.house.admin(add);
            members.push(member);
            storm.members.insert(member, BTreeSet::new());
            for space in storm.spaces.clone() {
                storm.let_in(member, space);
            }
        }
        for member in [members[0], members[0], members[1], members[2]] {
            let number = storm.pockets.len();
            let folder = storm.dir.path().join(format!("device-{number}"));
            let mut pocket = Pocket::new(&folder, member, number, storm.machine(), None);
            pocket.switch_on().expect("opens");
            storm.pockets.push(pocket);
            storm.enrol(number);
        }
        let folder = storm.dir.path().join("villain");
        let mut villain = Pocket::new(&folder, members[3], usize::MAX, storm.machine(), None);
        villain.switch_on().expect("opens");
        super::enrol(&storm.house, &mut villain);
        storm.villain = villain;
        storm
    }

    fn into_founded(mut self) -> Founded {
        self.house.switch_off();
        let pockets = self.pockets.iter_mut().map(FoundedPocket::of).collect();
        let villain = FoundedPocket::of(&mut self.villain);
        Founded {
            org: self.org,
            spaces: self.spaces.clone(),
            members: self.members.clone(),
            relay: self.house.disk.files(),
            pockets,
            villain,
        }
    }
}

impl FoundedPocket {
    fn of(pocket: &mut Pocket) -> Self {
        pocket.close();
        Self {
            member: pocket.member,
            key: pocket.key(),
            store: pocket.disk.files(),
            instance: std::fs::read(pocket.instance_file()).expect("reads"),
        }
    }

    fn open(&self, folder: &Path, family: usize, machine: Arc<Machine>) -> Pocket {
        let mut pocket = Pocket::new(folder, self.member, family, machine, Some(self.key));
        pocket.disk.put_files(&self.store);
        std::fs::write(pocket.instance_file(), &self.instance).expect("writes");
        pocket.switch_on().expect("opens");
        pocket
    }
}
