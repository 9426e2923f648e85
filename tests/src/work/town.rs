//! A relay and devices in one thread, no sockets, every byte and every id from a seed: the same
//! town sends the same bytes every time.

use std::path::Path;
use std::sync::{Arc, Mutex};

use rusqlite::Connection;
use serde_json::Value;
use sopu_core::compress::{compress, decompress};
use sopu_core::device::{Device, Keys, SyncReport};
use sopu_core::envelope::{decode, encode};
use sopu_core::id::{DocId, MemberId, OrgId, SpaceId};
use sopu_core::store::StoreKey;
use sopu_core::time::Env;
use sopu_core::transport::{Post, Reply, Transport, TransportError};
use sopu_core::wire::{ENROL_PATH, EnrolRequest, SyncRequest, limits};
use sopu_server::access::people::{self, NewMember, Party, Window};
use sopu_server::access::{invites, roles::Role};
use sopu_server::api::Problem;
use sopu_server::relay::{DATABASE, Relay};

use crate::bench::meter::cpu_of;
use crate::storm::dice::{Dice, Machine, Time};

/// One organisation on one relay.
pub struct Town {
    folder: std::path::PathBuf,
    /// Chance for whatever is made up.
    pub dice: Dice,
    /// Everybody's clock.
    pub time: Arc<Time>,
    machine: Arc<Machine>,
    /// The relay. It merges when told to.
    pub relay: Relay,
    org: OrgId,
    /// The spaces everybody is in.
    pub spaces: Vec<SpaceId>,
}

impl Town {
    /// So many spaces, in this folder.
    pub fn new(folder: &Path, seed: u64, spaces: usize) -> Self {
        let (dice, time) = (Dice::new(seed), Time::new());
        let machine = Machine::new(&time, &dice);
        let env = Arc::clone(&machine) as Arc<dyn Env>;
        let relay = Relay::open(folder.join("relay"), env).expect("the relay opens");
        let mut town = Self {
            folder: folder.to_owned(),
            dice,
            time,
            machine,
            relay,
            org: OrgId(uuid::Uuid::nil()),
            spaces: Vec::new(),
        };
        let env = Arc::clone(&town.machine);
        town.org = town.admin(|db| people::add_org(db, &*env, "Neuvonta Oy", None).expect("added"));
        for number in 0..spaces {
            let (org, name) = (town.org, format!("Tila {number}"));
            let space = town.admin(|db| people::add_space(db, &*env, org, &name).expect("added"));
            town.spaces.push(space);
        }
        town
    }

    /// Works on the relay's database as the command line does.
    pub fn admin<T>(&self, work: impl FnOnce(&mut Connection) -> T) -> T {
        let mut db = Connection::open(self.folder.join("relay").join(DATABASE)).expect("opens");
        work(&mut db)
    }

    /// A person in all spaces.
    pub fn person(&self, name: &str) -> MemberId {
        let env = Arc::clone(&self.machine);
        let new = NewMember {
            org: self.org,
            name,
            login: None,
            password: None,
            admin: false,
        };
        let now_ms = env.now_ms();
        self.admin(|db| {
            let member = people::add_member(db, &*env, &new).expect("added");
            let window = Window {
                from_ms: now_ms - 60_000,
                until_ms: None,
            };
            for space in &self.spaces {
                let party = Party::Member(member);
                people::grant(db, *space, party, Role::Field, window, now_ms).expect("granted");
            }
            member
        })
    }

    /// A device of this person, enrolled and synced.
    pub fn device(&self, member: MemberId, name: &str) -> Resident {
        self.device_with(member, name, None)
    }

    /// As [`Town::device`], its store encrypted if there is a key.
    pub fn device_with(&self, member: MemberId, name: &str, store: Option<StoreKey>) -> Resident {
        let machine = Machine::new(&self.time, &self.dice);
        let folder = self.folder.join(name);
        std::fs::create_dir_all(&folder).expect("a folder");
        let key = Device::new_key(&*machine);
        let env = Arc::clone(&machine) as Arc<dyn Env>;
        let device = Device::open(
            &folder.join("store.db"),
            &folder.join("no-backup"),
            Keys { device: key, store },
            env,
        );
        let mut device = device.expect("opens");
        let env = Arc::clone(&self.machine);
        let code = self.admin(|db| {
            invites::create(db, &*env, member, None, invites::LIFE_MS).expect("an invite")
        });
        device.enrol(&self.wire(), &code, name).expect("enrols");
        Resident {
            device,
            key,
            member,
            time: Arc::clone(&self.time),
        }
    }

    /// The relay judges all that waits.
    pub fn merge(&self) {
        self.relay.merge_all().expect("merges");
    }

    /// A way to the relay that counts what goes over it.
    pub fn wire(&self) -> Wire<'_> {
        Wire {
            relay: &self.relay,
            posts: Mutex::default(),
            relay_cpu: Mutex::default(),
        }
    }
}

/// A device and its owner.
pub struct Resident {
    /// The device.
    pub device: Device,
    /// What it signs with, for who opens its store again.
    pub key: [u8; 32],
    /// Whose it is.
    pub member: MemberId,
    time: Arc<Time>,
}

impl Resident {
    /// Syncs until there is nothing left to say.
    pub fn sync(&mut self, town: &Town) -> SyncReport {
        self.device.sync(&town.wire()).expect("syncs")
    }

    /// Makes a visit note by these saves of one form, some seconds apart.
    pub fn write(
        &mut self,
        dice: &Dice,
        space: SpaceId,
        saves: &[Value],
        log: &mut super::JsonLog,
    ) -> DocId {
        use sopu_core::documents::Kind;
        let by = self.member.0.to_string();
        let (first, rest) = saves.split_first().expect("a save");
        let (doc, made) = self
            .device
            .create(space, Kind::VisitNote, first)
            .expect("creates");
        let (id, mut version) = (doc.0.to_string(), made.version);
        log.save(&id, &by, self.now_ms(), &Value::Null, first);
        let mut shown = first;
        // The form keeps what the device filled in.
        let header = if rest.is_empty() {
            Value::Null
        } else {
            self.device.read(doc).expect("reads").value
        };
        for save in rest {
            self.time
                .pass(4_000 + i64::try_from(dice.below(30_000)).unwrap_or(0));
            let saved = self.device.save(doc, &version, &filled(&header, save));
            version = saved.expect("saves").version;
            log.save(&id, &by, self.now_ms(), shown, save);
            shown = save;
        }
        doc
    }

    /// Opens a form on a note that exists and saves it twice.
    pub fn edit(&mut self, dice: &Dice, doc: DocId, log: &mut super::JsonLog) {
        let opened = self.device.read(doc).expect("reads");
        let (mut version, mut shown) = (opened.version, opened.value);
        let (id, by) = (doc.0.to_string(), self.member.0.to_string());
        for save in super::note::edited(dice, &shown) {
            self.time
                .pass(4_000 + i64::try_from(dice.below(60_000)).unwrap_or(0));
            version = self
                .device
                .save(doc, &version, &save)
                .expect("saves")
                .version;
            log.save(&id, &by, self.now_ms(), &shown, &save);
            shown = save;
        }
    }

    fn now_ms(&self) -> i64 {
        self.time.now_ms()
    }
}

/// A form's content with the header the device gave the document.
fn filled(made: &Value, form: &Value) -> Value {
    let mut value = form.clone();
    for field in ["schema_version", "created_at", "created_by", "created_on"] {
        value[field] = made[field].clone();
    }
    value
}

/// One post: bytes of the bodies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bodies {
    /// Sent.
    pub up: usize,
    /// Received.
    pub down: usize,
}

/// A way to the relay that does to bodies what the HTTP handlers do, and counts.
pub struct Wire<'r> {
    relay: &'r Relay,
    posts: Mutex<Vec<Bodies>>,
    relay_cpu: Mutex<f64>,
}

impl Wire<'_> {
    /// Every post so far.
    pub fn posts(&self) -> Vec<Bodies> {
        self.posts.lock().expect("one thread").clone()
    }

    /// CPU seconds of the calling thread that went into the relay's side, which a device in the
    /// same thread must not be blamed for.
    pub fn relay_cpu(&self) -> f64 {
        *self.relay_cpu.lock().expect("one thread")
    }

    /// All posts together.
    pub fn sum(&self) -> Bodies {
        self.posts()
            .iter()
            .fold(Bodies::default(), |sum, post| Bodies {
                up: sum.up + post.up,
                down: sum.down + post.down,
            })
    }
}

impl Transport for Wire<'_> {
    fn post(&self, post: Post) -> Result<Reply, TransportError> {
        let (reply, cpu) = cpu_of(|| self.answer(&post));
        *self.relay_cpu.lock().expect("one thread") += cpu;
        self.posts.lock().expect("one thread").push(Bodies {
            up: post.body.len(),
            down: reply.body.len(),
        });
        Ok(reply)
    }
}

impl Wire<'_> {
    fn answer(&self, post: &Post) -> Reply {
        let plain = match post.encoding {
            Some(_) => decompress(&post.body, limits::BODY_EXPANDED).expect("a body unpacks"),
            None => post.body.clone(),
        };
        let token = post.token.as_deref().unwrap_or_default();
        let answer = if post.path == ENROL_PATH {
            let request: EnrolRequest = decode(&plain).expect("an enrolment reads");
            self.relay.enrol(&request).map(|response| encode(&response))
        } else {
            let request: SyncRequest = decode(&plain).expect("a request reads");
            self.relay
                .sync(token, &request)
                .map(|response| encode(&response))
        };
        match answer {
            Ok(body) => packed(body),
            Err(problem) => refused(problem),
        }
    }
}

/// As the server packs a body.
fn packed(body: Vec<u8>) -> Reply {
    let packed = (body.len() >= 256).then(|| compress(&body)).flatten();
    let encoding = if packed.is_some() { "zstd" } else { "" };
    Reply {
        status: 200,
        encoding: encoding.to_owned(),
        body: packed.unwrap_or(body),
    }
}

fn refused(problem: Problem) -> Reply {
    let body = serde_json::json!({"code": problem.code()}).to_string();
    Reply {
        status: problem.status().as_u16(),
        encoding: String::new(),
        body: body.into_bytes(),
    }
}
