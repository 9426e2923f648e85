//! A device in someone's pocket, with what its owner believes of it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;
use sopu_core::device::Device;
use sopu_core::id::{DeviceId, DocId, MemberId, Version};
use sopu_core::time::Env;

use super::dice::Machine;
use super::line::Exchange;

/// A form left open.
#[derive(Clone)]
pub struct Form {
    /// On which document.
    pub doc: DocId,
    /// At which version.
    pub version: Version,
    /// As it was shown.
    pub value: Value,
}

/// Files as a backup took them, and what was unsent then.
#[derive(Clone)]
pub struct Backup {
    files: Vec<(String, Vec<u8>)>,
    /// Marks that were only on this device.
    pub pending: BTreeSet<char>,
}

/// A device with its folder.
pub struct Pocket {
    folder: PathBuf,
    key: [u8; 32],
    /// Whose it is.
    pub member: MemberId,
    /// Clock and randomness.
    pub machine: Arc<Machine>,
    pub(super) device: Option<Device>,
    /// Marks saved here that nothing says the relay has.
    pub pending: BTreeSet<char>,
    /// Forms left open.
    pub forms: Vec<Form>,
    /// A copy of the store.
    pub backup: Option<Backup>,
    /// What went over the line, newest last.
    pub exchanges: Vec<Exchange>,
    /// Cut off by the office.
    pub revoked: bool,
    /// Its store exists twice, or was once set back.
    pub copied: bool,
}

impl Pocket {
    /// A new device in an empty folder.
    pub fn new(folder: &Path, member: MemberId, machine: Arc<Machine>) -> Self {
        std::fs::create_dir_all(folder).expect("a folder");
        let mut pocket = Self {
            folder: folder.to_owned(),
            key: Device::new_key(&*machine),
            member,
            machine,
            device: None,
            pending: BTreeSet::new(),
            forms: Vec::new(),
            backup: None,
            exchanges: Vec::new(),
            revoked: false,
            copied: false,
        };
        pocket.open();
        pocket
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

    fn open(&mut self) {
        let env = Arc::clone(&self.machine) as Arc<dyn Env>;
        let (store, instance) = (self.folder.join("store.db"), self.folder.join("no-backup"));
        self.device = Some(Device::open(&store, &instance, self.key, env).expect("opens"));
        // Every change in this world is durable enough: nothing cuts the power.
        let conn = self.look().store().conn();
        conn.pragma_update(None, "synchronous", "OFF")
            .expect("sets");
    }

    /// Switches it off; gives the path of its store.
    pub fn close(&mut self) -> PathBuf {
        self.device = None;
        self.folder.join("store.db")
    }

    /// The same device over a second handle on its store, while this one rests.
    pub fn second(&self) -> Device {
        let env = Arc::clone(&self.machine) as Arc<dyn Env>;
        let (store, instance) = (self.folder.join("store.db"), self.folder.join("no-backup"));
        Device::open(&store, &instance, self.key, env).expect("opens")
    }

    /// Off and on again.
    pub fn restart(&mut self) {
        self.device = None;
        self.open();
    }

    /// Takes a copy of the store.
    pub fn back_up(&mut self) {
        self.device = None;
        let mut files = Vec::new();
        for entry in std::fs::read_dir(&self.folder).expect("reads").flatten() {
            if entry.path().is_file() {
                let name = entry.file_name().to_string_lossy().into_owned();
                files.push((name, std::fs::read(entry.path()).expect("reads")));
            }
        }
        let pending = self.pending.clone();
        self.backup = Some(Backup { files, pending });
        self.open();
    }

    /// Puts the copy back; gives the marks that are gone with what was there.
    pub fn restore(&mut self, keep_instance: bool) -> BTreeSet<char> {
        let Some(backup) = self.backup.clone() else {
            return BTreeSet::new();
        };
        self.device = None;
        for ending in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(self.folder.join(format!("store.db{ending}")));
        }
        if !keep_instance {
            let _ = std::fs::remove_dir_all(self.folder.join("no-backup"));
        }
        for (name, bytes) in &backup.files {
            std::fs::write(self.folder.join(name), bytes).expect("writes");
        }
        let lost = self.pending.difference(&backup.pending).copied().collect();
        self.pending = backup.pending;
        self.forms.clear();
        self.exchanges.clear();
        self.copied = true;
        self.open();
        lost
    }

    /// A second device with a copy of everything.
    pub fn twin(&mut self, folder: &Path, machine: Arc<Machine>) -> Self {
        self.device = None;
        std::fs::create_dir_all(folder.join("no-backup")).expect("a folder");
        for part in ["", "no-backup"] {
            for entry in std::fs::read_dir(self.folder.join(part))
                .expect("reads")
                .flatten()
            {
                if entry.path().is_file() {
                    let target = folder.join(part).join(entry.file_name());
                    std::fs::copy(entry.path(), target).expect("copies");
                }
            }
        }
        self.open();
        self.copied = true;
        let mut twin = Self {
            folder: folder.to_owned(),
            key: self.key,
            member: self.member,
            machine,
            device: None,
            pending: self.pending.clone(),
            forms: Vec::new(),
            backup: None,
            exchanges: Vec::new(),
            revoked: self.revoked,
            copied: true,
        };
        twin.open();
        twin
    }
}
