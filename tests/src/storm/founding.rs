//! How a world begins: two spaces, three people, four devices. It is founded once; each storm
//! begins with a copy.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::PathBuf;
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
        storm.org = founded.org;
        storm.spaces.clone_from(&founded.spaces);
        storm.members.clone_from(&founded.members);
        storm.house.disk.put_files(&founded.relay);
        storm.house.switch_on().expect("the relay starts");
        for (number, pocket) in founded.pockets.iter().enumerate() {
            let folder = storm.dir.path().join(format!("device-{number}"));
            let (machine, key) = (storm.machine(), Some(pocket.key));
            let mut new = Pocket::new(&folder, pocket.member, number, machine, key);
            new.disk.put_files(&pocket.store);
            std::fs::write(new.instance_file(), &pocket.instance).expect("writes");
            new.switch_on().expect("opens");
            storm.pockets.push(new);
        }
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
        Self {
            dir,
            dice,
            time,
            house,
            org: OrgId(uuid::Uuid::nil()),
            spaces: Vec::new(),
            members: BTreeMap::new(),
            pockets: Vec::new(),
            model: Model::default(),
            docs: BTreeMap::new(),
            copies: BTreeSet::new(),
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
            set_back: false,
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
        for name in ["Maria", "Aino", "Liisa"] {
            let new = NewMember {
                org,
                name,
                login: None,
                password: None,
                admin: false,
            };
            let add = |db: &mut _| people::add_member(db, &*env, &new).expect("a member");
            let member = storm.house.admin(add);
            storm.members.insert(member, BTreeSet::new());
            for space in storm.spaces.clone() {
                storm.let_in(member, space);
            }
        }
        let members: Vec<MemberId> = storm.members.keys().copied().collect();
        for member in [members[0], members[0], members[1], members[2]] {
            let number = storm.pockets.len();
            let folder = storm.dir.path().join(format!("device-{number}"));
            let mut pocket = Pocket::new(&folder, member, number, storm.machine(), None);
            pocket.switch_on().expect("opens");
            storm.pockets.push(pocket);
            storm.enrol(number);
        }
        storm
    }

    fn into_founded(mut self) -> Founded {
        self.house.switch_off();
        let mut pockets = Vec::new();
        for pocket in &mut self.pockets {
            pocket.close();
            pockets.push(FoundedPocket {
                member: pocket.member,
                key: pocket.key(),
                store: pocket.disk.files(),
                instance: std::fs::read(pocket.instance_file()).expect("reads"),
            });
        }
        Founded {
            org: self.org,
            spaces: self.spaces.clone(),
            members: self.members.clone(),
            relay: self.house.disk.files(),
            pockets,
        }
    }
}
