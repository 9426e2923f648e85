//! People, spaces and enrolled devices with a day's work on them that no relay has seen yet.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rusqlite::Connection;
use serde_json::json;
use sopu_core::device::Device;
use sopu_core::documents::Kind;
use sopu_core::id::{DocId, SpaceId};
use sopu_core::time::{Env, SystemEnv};
use sopu_core::transport::http::HttpTransport;
use sopu_server::access::people::{self, NewMember, Party, Window};
use sopu_server::access::{invites, roles::Role};
use sopu_server::relay::{DATABASE, Relay};
use tempfile::TempDir;

use super::Served;

/// How many of what.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Devices, each of another person.
    pub devices: usize,
    /// Devices that share a space.
    pub team: usize,
    /// Documents each device has made.
    pub documents: usize,
    /// Changes of each document.
    pub changes: usize,
}

impl Plan {
    /// Changes of all devices.
    pub fn all_changes(&self) -> usize {
        self.devices * self.documents * self.changes
    }
}

/// One device, switched off.
pub struct Traveller {
    folder: PathBuf,
    key: [u8; 32],
    /// Where it works.
    pub space: SpaceId,
    /// What it wrote: the text each of its documents ends with.
    pub wrote: BTreeMap<DocId, String>,
}

impl Traveller {
    /// Switches it on.
    pub fn open(&self) -> Device {
        let (store, instance) = (self.folder.join("store.db"), self.folder.join("no-backup"));
        Device::open(&store, &instance, self.key, Arc::new(SystemEnv)).expect("the store opens")
    }

    fn work(&mut self, device: &mut Device, plan: &Plan) {
        for number in 0..plan.documents {
            let first = format!("Käynti {number}");
            let value = json!({"summary": first, "status": "done"});
            let made = device.create(self.space, Kind::VisitNote, &value);
            let (doc, _) = made.expect("creates");
            let mut text = first;
            for step in 1..plan.changes {
                text.push_str(&format!(" Asiakas voi hyvin, lääkkeet annettu {step}."));
                let mut opened = device.read(doc).expect("reads");
                opened.value["summary"] = json!(text);
                device
                    .save(doc, &opened.version, &opened.value)
                    .expect("saves");
            }
            self.wrote.insert(doc, text);
        }
    }
}

/// All devices, and the data folder of the relay they belong to.
pub struct Fleet {
    /// How many of what.
    pub plan: Plan,
    /// The relay's data folder.
    pub data: PathBuf,
    /// The devices.
    pub travellers: Vec<Traveller>,
    // Stores are on a memory file system where there is one: the disk under test is the relay's.
    _stores: TempDir,
}

impl Fleet {
    /// Sets everything up in `folder`, enrols every device over HTTP and lets it work.
    ///
    /// # Errors
    /// If there is no room for the devices' stores.
    pub fn prepare(plan: Plan, program: &Path, folder: &Path) -> io::Result<Self> {
        let data = folder.join("data");
        let stores = memory_folder()?;
        let codes = invite_all(&plan, &data);
        let served = Served::start(program, &data);
        let mut travellers: Vec<(Traveller, String)> = codes
            .into_iter()
            .enumerate()
            .map(|(number, (space, code))| {
                let traveller = Traveller {
                    folder: stores.path().join(number.to_string()),
                    key: Device::new_key(&SystemEnv),
                    space,
                    wrote: BTreeMap::new(),
                };
                (traveller, code)
            })
            .collect();
        let share = travellers.len().div_ceil(4).max(1);
        std::thread::scope(|scope| {
            for part in travellers.chunks_mut(share) {
                let address = served.address();
                scope.spawn(move || {
                    for (traveller, code) in part {
                        std::fs::create_dir_all(&traveller.folder).expect("a folder");
                        let mut device = traveller.open();
                        let http = HttpTransport::new(address);
                        device.enrol(&http, code, "puhelin").expect("enrols");
                        device.sync(&http).expect("syncs");
                        traveller.work(&mut device, &plan);
                    }
                });
            }
        });
        Ok(Self {
            plan,
            data,
            travellers: travellers.into_iter().map(|(t, _)| t).collect(),
            _stores: stores,
        })
    }

    /// Lets `threads` threads visit every device once, in order.
    pub fn each(&self, threads: usize, visit: impl Fn(&Traveller) + Sync) {
        let next = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    while let Some(traveller) =
                        self.travellers.get(next.fetch_add(1, Ordering::Relaxed))
                    {
                        visit(traveller);
                    }
                });
            }
        });
    }
}

/// A temporary folder in memory if the system has such a place.
pub fn memory_folder() -> io::Result<TempDir> {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() {
        tempfile::tempdir_in(memory)
    } else {
        tempfile::tempdir()
    }
}

/// A relay's folder with spaces and people; the space and an invite of each device.
fn invite_all(plan: &Plan, data: &Path) -> Vec<(SpaceId, String)> {
    let env = SystemEnv;
    drop(Relay::open(data, Arc::new(env)).expect("the relay opens"));
    let mut db = Connection::open(data.join(DATABASE)).expect("opens");
    // Setting up is not what is measured.
    db.execute_batch("PRAGMA synchronous = OFF; PRAGMA foreign_keys = ON;")
        .expect("set");
    let org = people::add_org(&db, &env, "Hoiva Oy", None).expect("an organisation");
    let mut all = Vec::with_capacity(plan.devices);
    let mut space = None;
    for number in 0..plan.devices {
        let here = match space {
            Some(space) if !number.is_multiple_of(plan.team) => space,
            _ => people::add_space(&db, &env, org, &format!("Tiimi {}", number / plan.team))
                .expect("a space"),
        };
        space = Some(here);
        let new = NewMember {
            org,
            name: &format!("Hoitaja {number}"),
            login: None,
            password: None,
            admin: false,
        };
        let member = people::add_member(&db, &env, &new).expect("a member");
        let (now_ms, party) = (env.now_ms(), Party::Member(member));
        let window = Window {
            from_ms: 0,
            until_ms: None,
        };
        people::grant(&mut db, here, party, Role::Field, window, now_ms).expect("granted");
        let code = invites::create(&db, &env, member, None, invites::LIFE_MS).expect("an invite");
        all.push((here, code));
    }
    all
}
