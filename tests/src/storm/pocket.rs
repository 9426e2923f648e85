//! A device in someone's pocket, with what its owner believes of it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sopu_core::device::{Device, DeviceError, INSTANCE_FILE};
use sopu_core::id::{DeviceId, DocId, MemberId, SpaceId, Version};
use sopu_core::time::Env;

use super::dice::Machine;
use super::line::Exchange;
use super::writing::Form;
use crate::disk::{Disk, Files};

/// Files as a backup took them, and what was unsent then.
#[derive(Clone)]
pub struct Backup {
    files: Files,
    pending: BTreeSet<usize>,
}

/// What was last seen of a device by the watch.
#[derive(Clone, Default)]
pub struct Seen {
    /// Heads of documents that were judged.
    pub docs: BTreeMap<DocId, Version>,
    /// Where it stood in spaces that it had whole.
    pub cursors: BTreeMap<SpaceId, Stand>,
}

/// A cursor as it was last seen.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Stand {
    /// Which life of the space's feed.
    pub generation: [u8; 16],
    /// How far in it.
    pub seq: u64,
    /// How often its person had been let in by then.
    pub joined: Option<u32>,
}

/// A device with its folder and disk.
pub struct Pocket {
    folder: PathBuf,
    key: [u8; 32],
    /// What survives a power cut, and what does not.
    pub disk: Arc<Disk>,
    /// Whose it is.
    pub member: MemberId,
    /// Copies of one store are one family.
    pub family: usize,
    /// Clock and randomness.
    pub machine: Arc<Machine>,
    pub(super) device: Option<Device>,
    /// Rises when it is switched on.
    pub boot: u32,
    /// Edits saved here that nothing says the relay has.
    pub pending: BTreeSet<usize>,
    /// Forms left open.
    pub forms: Vec<Form>,
    /// A copy of the store.
    pub backup: Option<Backup>,
    /// What went over the line, newest last.
    pub exchanges: Vec<Exchange>,
    /// Cut off by the office.
    pub revoked: bool,
    /// The relay does not know it any more.
    pub stranger: bool,
    /// Its store exists twice, or was once set back.
    pub copied: bool,
    /// Its instance file was written a moment ago, and nothing made it durable.
    pub(super) fresh_instance: bool,
    /// No line until then, true time.
    pub alone_until_ms: i64,
    /// What the watch last saw.
    pub seen: Seen,
    /// Failures of the disk that were noticed.
    pub(super) noticed: u64,
}

impl Pocket {
    /// A device of this content in an empty folder.
    pub fn new(
        folder: &Path,
        member: MemberId,
        family: usize,
        machine: Arc<Machine>,
        key: Option<[u8; 32]>,
    ) -> Self {
        std::fs::create_dir_all(folder.join("no-backup")).expect("a folder");
        Self {
            folder: folder.to_owned(),
            key: key.unwrap_or_else(|| Device::new_key(&*machine)),
            disk: Disk::new(folder),
            member,
            family,
            machine,
            device: None,
            boot: 0,
            pending: BTreeSet::new(),
            forms: Vec::new(),
            backup: None,
            exchanges: Vec::new(),
            revoked: false,
            stranger: false,
            copied: false,
            fresh_instance: false,
            alone_until_ms: 0,
            seen: Seen::default(),
            noticed: 0,
        }
    }

    /// The device.
    pub fn device(&mut self) -> &mut Device {
        self.device.as_mut().expect("switched on")
    }

    /// The device, to look at.
    pub fn look(&self) -> &Device {
        self.device.as_ref().expect("switched on")
    }

    /// Its id at the relay; all zeros before it is enrolled.
    pub fn id(&self) -> DeviceId {
        let me = self.look().identity();
        me.map_or(DeviceId(uuid::Uuid::nil()), |me| me.device)
    }

    /// Its secret key.
    pub fn key(&self) -> [u8; 32] {
        self.key
    }

    /// Switches it on.
    ///
    /// # Errors
    /// The device's, for example while its disk fails.
    pub fn switch_on(&mut self) -> Result<(), DeviceError> {
        if self.device.is_none() {
            self.boot += 1;
            self.device = Some(self.second()?);
        }
        Ok(())
    }

    /// Switches it off; gives the path of its store.
    pub fn close(&mut self) -> PathBuf {
        self.device = None;
        self.folder.join("store.db")
    }

    /// The same device over a second handle on its store, while this one rests.
    ///
    /// # Errors
    /// The device's.
    pub fn second(&self) -> Result<Device, DeviceError> {
        let env = Arc::clone(&self.machine) as Arc<dyn Env>;
        let (store, instance) = (self.folder.join("store.db"), self.folder.join("no-backup"));
        Device::open(&store, &instance, self.key, env)
    }

    /// Off and on again.
    pub fn restart(&mut self) {
        self.device = None;
        self.switch_on().expect("opens");
    }

    /// Where its instance id is, out of any backup's reach.
    pub fn instance_file(&self) -> PathBuf {
        self.folder.join("no-backup").join(INSTANCE_FILE)
    }

    /// Takes a copy of the store.
    pub fn back_up(&mut self) {
        self.device = None;
        let (files, pending) = (self.disk.files(), self.pending.clone());
        self.backup = Some(Backup { files, pending });
    }

    /// Puts the copy back; gives the edits that are gone with what was there.
    pub fn put_back(&mut self, keep_instance: bool) -> BTreeSet<usize> {
        let Some(backup) = self.backup.clone() else {
            return BTreeSet::new();
        };
        self.device = None;
        if !keep_instance {
            let _ = std::fs::remove_file(self.instance_file());
            self.fresh_instance = true;
        }
        self.disk.put_files(&backup.files);
        let lost = self.pending.difference(&backup.pending).copied().collect();
        self.pending = backup.pending;
        self.forms.clear();
        self.exchanges.clear();
        self.seen = Seen::default();
        self.copied = true;
        lost
    }

    /// As [`Pocket::put_back`], and on again.
    pub fn restore(&mut self, keep_instance: bool) -> BTreeSet<usize> {
        let lost = self.put_back(keep_instance);
        self.switch_on().expect("opens");
        lost
    }

    /// A second device with a copy of everything.
    pub fn twin(&mut self, folder: &Path, machine: Arc<Machine>) -> Self {
        self.device = None;
        let mut twin = Self::new(folder, self.member, self.family, machine, Some(self.key));
        twin.disk.put_files(&self.disk.files());
        if let Ok(instance) = std::fs::read(self.instance_file()) {
            std::fs::write(twin.instance_file(), instance).expect("writes");
        }
        self.copied = true;
        twin.copied = true;
        twin.revoked = self.revoked;
        twin.pending = self.pending.clone();
        let _ = self.switch_on();
        let _ = twin.switch_on();
        twin
    }
}
