//! A device with its folder: store file, instance folder, keystore; it can be closed, copied and
//! opened again.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;
use sopu_core::device::documents::Opened;
use sopu_core::device::salvage::{Salvaged, salvage};
use sopu_core::device::{Device, SyncReport};
use sopu_core::id::{DocId, SpaceId};
use sopu_core::time::Env;

use crate::{Clock, World};

/// One phone.
pub struct Phone {
    folder: PathBuf,
    key: [u8; 32],
    /// Its clock.
    pub clock: Arc<Clock>,
    device: Option<Device>,
}

impl Phone {
    /// A phone out of the box.
    pub fn new(folder: &Path) -> Self {
        std::fs::create_dir_all(folder).expect("a folder");
        let clock = Arc::new(Clock::default());
        let key = Device::new_key(&*clock);
        let mut phone = Self {
            folder: folder.to_owned(),
            key,
            clock,
            device: None,
        };
        phone.open();
        phone
    }

    /// Opens the store again.
    pub fn open(&mut self) {
        let env = Arc::clone(&self.clock) as Arc<dyn Env>;
        let (store, instance) = (self.folder.join("store.db"), self.folder.join("no-backup"));
        let device = Device::open(&store, &instance, self.key, env).expect("the store opens");
        self.device = Some(device);
    }

    /// Mends its store, as if that were damaged.
    pub fn mend(&mut self) -> Salvaged {
        self.close();
        let env = Arc::clone(&self.clock) as Arc<dyn Env>;
        let (store, instance) = (self.folder.join("store.db"), self.folder.join("no-backup"));
        let mended = salvage(&store, &instance, self.key, env);
        let (device, salvaged) = mended.expect("the store is mended");
        self.device = Some(device);
        salvaged
    }

    /// Switches it off.
    pub fn close(&mut self) {
        self.device = None;
    }

    /// Where its store is.
    pub fn store_file(&self) -> PathBuf {
        self.folder.join("store.db")
    }

    /// A copy of the store file as a backup takes it; the phone is closed for that and opened again.
    pub fn backup(&mut self) -> Vec<(PathBuf, Vec<u8>)> {
        self.close();
        let files = std::fs::read_dir(&self.folder).expect("reads").flatten();
        let files = files
            .map(|entry| entry.path())
            .filter(|path| path.is_file());
        let copies = files.map(|path| (path.clone(), std::fs::read(&path).expect("reads")));
        let copies = copies.collect();
        self.open();
        copies
    }

    /// Puts a backup back. With `same_phone` the instance folder is still there from before, as
    /// when an app's data was rolled back; without, it is a new phone.
    pub fn restore(&mut self, backup: &[(PathBuf, Vec<u8>)], keep_instance: bool) {
        self.close();
        for end in ["store.db", "store.db-wal", "store.db-shm"] {
            let _ = std::fs::remove_file(self.folder.join(end));
        }
        if !keep_instance {
            let _ = std::fs::remove_dir_all(self.folder.join("no-backup"));
        }
        for (path, bytes) in backup {
            std::fs::write(path, bytes).expect("writes");
        }
        self.open();
    }

    /// A clone: the same store, instance and key on a second phone.
    pub fn cloned(&mut self, folder: &Path) -> Self {
        self.close();
        copy_folder(&self.folder, folder);
        self.open();
        let clock = Arc::new(Clock::default());
        let mut twin = Self {
            folder: folder.to_owned(),
            key: self.key,
            clock,
            device: None,
        };
        twin.open();
        twin
    }

    /// The device.
    pub fn device(&mut self) -> &mut Device {
        self.device.as_mut().expect("switched on")
    }

    /// Syncs until there is nothing left to say.
    pub fn sync(&mut self, world: &World) -> SyncReport {
        let transport = world.transport();
        self.device().sync(&transport).expect("syncs")
    }

    /// A new visit note.
    pub fn note(&mut self, space: SpaceId, value: Value) -> DocId {
        use sopu_core::documents::Kind;
        self.device()
            .create(space, Kind::VisitNote, &value)
            .expect("creates")
            .0
    }

    /// Reads a document.
    pub fn read(&mut self, doc: DocId) -> Opened {
        self.device().read(doc).expect("reads")
    }

    /// Opens a form, lays `change` over it and saves.
    pub fn edit(&mut self, doc: DocId, change: Value) {
        let opened = self.read(doc);
        let value = laid_over(&opened.value, &change);
        self.device()
            .save(doc, &opened.version, &value)
            .expect("saves");
    }
}

/// `change`'s top-level fields over `value`.
pub fn laid_over(value: &Value, change: &Value) -> Value {
    let mut value = value.clone();
    for (key, part) in change.as_object().expect("an object") {
        value[key] = part.clone();
    }
    value
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("reads").flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("copies");
        }
    }
}
