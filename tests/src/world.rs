//! A relay in a temporary folder, served on loopback, that can be stopped and started again.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::Connection;
use sopu_core::id::{MemberId, OrgId, SpaceId};
use sopu_core::time::Env;
use sopu_core::transport::http::HttpTransport;
use sopu_server::access::people::{self, NewMember, Party, Window};
use sopu_server::access::{invites, roles::Role};
use sopu_server::relay::{DATABASE, LEDGER, Relay};
use tempfile::TempDir;

use crate::disk::Disk;
use crate::{Clock, Phone, Serving};

/// One organisation on one relay.
pub struct World {
    // Ends before the folder goes.
    server: Option<Serving>,
    dir: TempDir,
    disk: Option<Arc<Disk>>,
    /// The relay's clock.
    pub clock: Arc<Clock>,
    /// The organisation.
    pub org: OrgId,
}

impl World {
    /// A fresh relay, serving.
    pub fn new() -> Self {
        Self::with(tempfile::tempdir().expect("a temporary folder"), None)
    }

    /// The same, with database, record and ledger on a disk of its own that can fail.
    pub fn on_a_disk() -> (Self, Arc<Disk>) {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let disk = Disk::new(&dir.path().join("relay"));
        (Self::with(dir, Some(Arc::clone(&disk))), disk)
    }

    fn with(dir: TempDir, disk: Option<Arc<Disk>>) -> Self {
        let clock = Arc::new(Clock::default());
        let mut world = Self {
            server: None,
            dir,
            disk,
            clock,
            org: OrgId(uuid::Uuid::nil()),
        };
        world.start();
        let clock = Arc::clone(&world.clock);
        world.org = world.admin(|db| {
            people::add_org(db, &*clock, "Hoivapalvelu Kanerva Oy", None).expect("an organisation")
        });
        world
    }

    /// Where everything is.
    pub fn folder(&self) -> &Path {
        self.dir.path()
    }

    /// The relay's data folder.
    pub fn data(&self) -> PathBuf {
        self.dir.path().join("relay")
    }

    /// Starts serving on a free port.
    pub fn start(&mut self) {
        let env = Arc::clone(&self.clock) as Arc<dyn Env>;
        let relay = match &self.disk {
            Some(disk) => {
                let ledger = disk.open(LEDGER).expect("the ledger opens");
                Relay::open_with(self.data(), Box::new(ledger), env)
            }
            None => Relay::open(self.data(), env),
        };
        let relay = Arc::new(relay.expect("the relay opens"));
        self.server = Some(Serving::start(relay));
    }

    /// Stops serving, finishing what is under way.
    pub fn stop(&mut self) {
        self.server = None;
    }

    /// The relay itself.
    pub fn relay(&self) -> &Arc<Relay> {
        self.server.as_ref().expect("serving").relay()
    }

    /// Its address.
    pub fn address(&self) -> &str {
        self.server.as_ref().expect("serving").address()
    }

    /// A transport to it.
    pub fn transport(&self) -> HttpTransport {
        HttpTransport::new(self.address())
    }

    /// Waits until the merge worker has judged everything that waits.
    pub fn settle(&self) {
        self.relay().merge_all().expect("merges");
    }

    /// Works on the database as the command line does.
    pub fn admin<T>(&self, work: impl FnOnce(&mut Connection) -> T) -> T {
        let mut db = Connection::open(self.data().join(DATABASE)).expect("opens");
        db.busy_timeout(std::time::Duration::from_secs(10))
            .expect("waits");
        work(&mut db)
    }

    /// A space.
    pub fn space(&self, name: &str) -> SpaceId {
        let clock = Arc::clone(&self.clock);
        self.admin(|db| people::add_space(db, &*clock, self.org, name).expect("a space"))
    }

    /// A person with a role in spaces.
    pub fn member(&self, name: &str, role: Role, spaces: &[SpaceId]) -> MemberId {
        let clock = Arc::clone(&self.clock);
        let new = NewMember {
            org: self.org,
            name,
            login: None,
            password: None,
            admin: false,
        };
        let member = self.admin(|db| people::add_member(db, &*clock, &new).expect("a member"));
        for space in spaces {
            self.let_in(member, role, *space);
        }
        member
    }

    /// Gives a person a role in a space.
    pub fn let_in(&self, member: MemberId, role: Role, space: SpaceId) {
        let now_ms = self.clock.now_ms();
        let window = Window {
            from_ms: now_ms - 60_000,
            until_ms: None,
        };
        let party = Party::Member(member);
        self.admin(|db| people::grant(db, space, party, role, window, now_ms).expect("granted"));
    }

    /// An invite code for a member.
    pub fn invite(&self, member: MemberId) -> String {
        let clock = Arc::clone(&self.clock);
        self.admin(|db| {
            invites::create(db, &*clock, member, None, invites::LIFE_MS).expect("an invite")
        })
    }

    /// An enrolled phone of a member, synced once.
    pub fn phone(&self, name: &str, member: MemberId) -> Phone {
        let mut phone = Phone::new(&self.folder().join(name));
        let code = self.invite(member);
        phone
            .device()
            .enrol(&self.transport(), &code, name)
            .expect("enrols");
        phone.sync(self);
        phone
    }
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}
