//! A storm: devices and a relay in one thread, everything that can go wrong going wrong by a seed,
//! and afterwards a calm in which all must agree.
//!
//! The devices and the relay are the real ones, on real SQLite files on [disks](crate::disk) that
//! lose what was not synced when the power goes. People [write](writing); a [`model`] of its own is
//! told of each edit and works out what every replica must read; the [`watch`] compares after every
//! step. Time is virtual, chance comes from the seed: the same seed gives the same storm.

pub mod calm;
pub mod dice;
mod erasure;
pub mod faults;
mod founding;
mod house;
pub mod line;
mod mail;
pub mod model;
mod office;
pub mod outcome;
pub mod pocket;
mod power;
mod restore;
mod steps;
mod villain;
mod watch;
mod writing;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use sopu_core::id::{DeviceId, DocId, EnvelopeId, MemberId, OrgId, SpaceId};
use sopu_core::time::Env;
use sopu_server::access::people::{self, Party, Window};
use sopu_server::access::{invites, roles::Role};
use sopu_server::relay::Relay;
use tempfile::TempDir;

use dice::{Dice, Machine, Time};
use faults::{Counts, Tally};
use house::House;
use line::Line;
use mail::Letter;
use model::{Model, Write};
use pocket::Pocket;
use restore::RelayBackup;
use villain::Future;
use watch::Feed;

/// The world of one seed.
pub struct Storm {
    dir: TempDir,
    /// What chance says.
    pub dice: Dice,
    time: Arc<Time>,
    house: House,
    org: OrgId,
    /// The spaces.
    pub spaces: Vec<SpaceId>,
    /// The people and where they are members now.
    pub members: BTreeMap<MemberId, BTreeSet<SpaceId>>,
    /// How often a person was let into a space.
    joined: BTreeMap<(MemberId, SpaceId), u32>,
    /// The devices.
    pub pockets: Vec<Pocket>,
    /// One more, enrolled, that does harm; and now and then passes for one of a later version.
    villain: Pocket,
    future: Vec<Future>,
    /// What every replica must say.
    pub model: Model,
    /// Every document with its space.
    pub docs: BTreeMap<DocId, SpaceId>,
    /// What devices that exist twice, or were set back, were called at the relay.
    pub copies: BTreeSet<DeviceId>,
    /// What devices the office cut off were called.
    cut_off: BTreeSet<DeviceId>,
    /// What happened, for whoever reads a failure; empty unless it is to be told.
    pub log: Vec<String>,
    /// Whether to keep the log.
    pub tells: bool,
    /// Steps so far.
    pub steps: u64,
    tally: Tally,
    count: u32,
    letters: u64,
    mail: Vec<Letter>,
    /// Times at which something was saved.
    stamps: HashSet<i64>,
    /// Documents whose making was broken off, by the time of it.
    orphans: BTreeMap<i64, (usize, SpaceId, Vec<Write>)>,
    /// What the relay has acknowledged to a device.
    acknowledged: BTreeSet<EnvelopeId>,
    /// Chance of its own for what was added later: what old seeds met, they still meet without it.
    luck: Dice,
    /// Whether the relay loses its disk in this storm, and comes back from backups.
    pub loses_relay: bool,
    /// Whether people write at the office in this storm.
    pub office_writes: bool,
    /// Whether the office erases documents in this storm, and makes readers of people and back; not unless
    /// it is asked for.
    pub busy_office: bool,
    /// Chance of that.
    fate: Dice,
    /// Who may only read in a space where they are a member.
    readers: BTreeSet<(MemberId, SpaceId)>,
    /// What the office erased, or an erasure that was broken off may have.
    erased: BTreeSet<DocId>,
    /// The relay's ledger goes back with its database, and with it who belongs where; not unless it is asked
    /// for. What was erased since is there again.
    pub forgets_ledger: bool,
    relay_backups: Vec<RelayBackup>,
    /// How often it came back from one.
    life: u64,
    /// It did just now, and nobody has seen yet what it has forgotten.
    forgot: bool,
    /// The feeds may have grown since they were looked at.
    merged: bool,
    feeds: BTreeMap<SpaceId, Feed>,
    touched: BTreeSet<usize>,
}

impl Storm {
    /// Where everything is.
    pub fn folder(&self) -> &std::path::Path {
        self.dir.path()
    }

    /// Clock and randomness of one more machine.
    pub fn machine(&self) -> Arc<Machine> {
        steps::machine(self)
    }

    /// The relay.
    pub fn relay(&self) -> &Relay {
        self.house.relay.as_ref().expect("up")
    }

    /// Where the relay is, to switch it off and on.
    pub fn house(&mut self) -> &mut House {
        &mut self.house
    }

    /// What went wrong so far, by kind.
    pub fn faults(&self) -> Counts {
        let mut counts = self.tally.counts();
        for pocket in &self.pockets {
            let disk = pocket.disk.counts();
            *counts.entry("device disk failed").or_default() += disk.failed;
            *counts.entry("device disk full").or_default() += disk.full;
        }
        let disk = self.house.disk.counts();
        *counts.entry("relay disk failed").or_default() += disk.failed;
        *counts.entry("relay disk full").or_default() += disk.full;
        counts.retain(|_, count| *count > 0);
        counts
    }

    /// From now on the relay's disk, or every device's, says it has synced and has not: for tests
    /// of whether a storm finds that out.
    pub fn let_disks_lie(&self, of_relay: bool) {
        if of_relay {
            return self.house.disk.lie_about_syncs();
        }
        let disks = self.pockets.iter().map(|pocket| &pocket.disk);
        disks.for_each(|disk| disk.lie_about_syncs());
    }

    /// Makes a member of a space, who writes in the field.
    pub fn let_in(&mut self, member: MemberId, space: SpaceId) {
        self.grant(member, space, Role::Field);
        self.readers.remove(&(member, space));
        self.members.entry(member).or_default().insert(space);
        *self.joined.entry((member, space)).or_default() += 1;
    }

    fn grant(&mut self, member: MemberId, space: SpaceId, role: Role) {
        self.spare_relay();
        let now_ms = self.house.machine.now_ms();
        let window = Window {
            // The relay's clock may still be set back.
            from_ms: now_ms - 500 * 86_400_000,
            until_ms: None,
        };
        let party = Party::Member(member);
        self.house.admin(|db| {
            people::grant(db, space, party, role, window, now_ms).expect("granted");
        });
    }

    /// Takes a member out of a space.
    pub fn put_out(&mut self, member: MemberId, space: SpaceId) {
        self.spare_relay();
        let now_ms = self.house.machine.now_ms();
        self.house.admin(|db| {
            people::revoke(db, space, Party::Member(member), now_ms).expect("removed");
        });
        self.readers.remove(&(member, space));
        self.members.entry(member).or_default().remove(&space);
    }

    fn enrol(&mut self, number: usize) {
        self.spare_relay();
        let pocket = &mut self.pockets[number];
        pocket.disk.keep_power();
        pocket.disk.mend();
        enrol(&self.house, pocket);
    }

    /// What people do at the office goes well: it would only be done again.
    fn spare_relay(&mut self) {
        self.house.disk.keep_power();
        self.house.disk.mend();
    }

    fn say(&mut self, what: impl FnOnce() -> String) {
        if self.tells {
            self.log.push(what());
        }
    }
}

fn enrol(house: &House, pocket: &mut Pocket) {
    let env = Arc::clone(&house.machine);
    let code = house.admin(|db| {
        invites::create(db, &*env, pocket.member, None, invites::LIFE_MS).expect("an invite")
    });
    let line = Line::new(house.relay.as_ref(), None, pocket.id());
    pocket
        .device()
        .enrol(&line, &code, "puhelin")
        .expect("enrols");
}
