//! The one object an app holds.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, Weak};

use sopu_core::device::salvage::salvage;
use sopu_core::device::{self, Device, DeviceError, Keys};
use sopu_core::id::SpaceId;
use sopu_core::store::StoreKey;
use sopu_core::time::SystemEnv;

use crate::builtin::Builtin;
use crate::changes::Changes;
use crate::error::SopuError;
use crate::list::Space;
use crate::pending::Member;
use crate::stop::Stop;

type Result<T, E = SopuError> = std::result::Result<T, E>;

/// Who this device is to its relay.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct Identity {
    /// The device.
    pub device: String,
    /// Whose it is.
    pub member: String,
    /// The person's name.
    pub member_name: String,
    /// The organisation that invited.
    pub org: String,
    /// Its name.
    pub org_name: String,
}

/// One installation: its store and its key. Everything but `enrol`, `sync`, `watch` and `sync_within`
/// works without a network, and what `create`, `save`, `choose` … wrote is durable when they return.
#[derive(uniffi::Object)]
pub struct SopuDevice {
    /// `None` once it was shut. Whoever works with it holds the outer lock for reading.
    device: RwLock<Option<Mutex<Device>>>,
    pub(crate) builtin: Builtin,
    /// What ends the exchanges that go on; `None` once it was shut.
    running: Mutex<Option<Vec<Weak<Stop>>>>,
    pub(crate) changes: Changes,
}

#[uniffi::export]
impl SopuDevice {
    /// Opens the store at this path, making it if there is none. The instance folder must be one
    /// that backups and device transfers leave out; the key comes from `new_key` and lives in the
    /// platform's keystore.
    ///
    /// With a `store_key`, 32 random bytes from the keystore too, the file is encrypted, also one that
    /// was plain before. `wrong_key` says that it is not this file's.
    #[uniffi::constructor(default(store_key = None))]
    pub fn open(
        store: String,
        instance_dir: String,
        key: Vec<u8>,
        store_key: Option<Vec<u8>>,
    ) -> Result<Arc<Self>> {
        let keys = keys(key, store_key)?;
        let (store, instance) = (Path::new(&store), Path::new(&instance_dir));
        let device = guarded(|| Device::open(store, instance, keys, Arc::new(SystemEnv)))?;
        Ok(Self::of(device))
    }

    /// Opens a store of which `open` said that it is `damaged`: what can be read of it, unsent work
    /// first, goes into a new one, and the next sync brings the rest. The damaged files stay beside it.
    #[uniffi::constructor(default(store_key = None))]
    pub fn salvage(
        store: String,
        instance_dir: String,
        key: Vec<u8>,
        store_key: Option<Vec<u8>>,
    ) -> Result<Arc<Self>> {
        let keys = keys(key, store_key)?;
        let (store, instance) = (Path::new(&store), Path::new(&instance_dir));
        let (device, _) = guarded(|| salvage(store, instance, keys, Arc::new(SystemEnv)))?;
        Ok(Self::of(device))
    }

    /// Encrypts the whole store anew with another key. All of it happens or nothing: keep both keys
    /// until this returns.
    pub fn change_store_key(&self, store_key: Vec<u8>) -> Result<()> {
        let key = store_key.try_into();
        let key = key.map_err(|_| SopuError::argument("store_key"))?;
        self.with(|device| device.change_store_key(StoreKey::new(key)))
    }

    /// Lets go of the store's file: ends what still runs, waits for it, and from then on every call gives
    /// `Closed`. For an app that deletes the store, or opens it elsewhere; again does nothing.
    pub fn shut(&self) {
        let running = self.running().take().unwrap_or_default();
        stop_all(&running);
        self.changes.close();
        let mut device = self.device.write().unwrap_or_else(PoisonError::into_inner);
        *device = None;
    }

    /// Who this device is.
    pub fn identity(&self) -> Result<Identity> {
        Ok(self.with(|device| device.identity())?.into())
    }

    /// Whether the relay asked this device to enrol again, because its store exists twice.
    pub fn must_enrol_again(&self) -> Result<bool> {
        self.with(|device| device.must_enrol_again())
    }

    /// The spaces this device takes part in.
    pub fn spaces(&self) -> Result<Vec<Space>> {
        let spaces = self.with(|device| device.spaces())?;
        Ok(spaces.into_iter().map(Space::from).collect())
    }

    /// Spaces held but shown no more, because the right to them has ended: for telling the person so.
    /// What is unsent in them goes out at the next sync; then they go.
    pub fn sealed_spaces(&self) -> Result<Vec<Space>> {
        let spaces = self.with(|device| device.sealed_spaces())?;
        Ok(spaces.into_iter().map(Space::from).collect())
    }

    /// The people of a space, as the relay told last: those who have left too, for what they wrote is
    /// still there.
    pub fn members(&self, space: String) -> Result<Vec<Member>> {
        let space = space_id(&space)?;
        let roster = self.with(|device| device.roster(space))?;
        Ok(Member::of(roster))
    }

    /// Says what app this is in, its name and version, for the office's list of devices.
    pub fn set_app(&self, app: String) -> Result<()> {
        self.with(|device| {
            device.set_app(&app);
            Ok(())
        })
    }

    /// Relay clock minus device clock as last measured, milliseconds.
    pub fn clock_offset_ms(&self) -> Result<Option<i64>> {
        self.with(|device| device.clock_offset_ms())
    }

    /// How long to wait before syncing again by itself, milliseconds; 0 when there is no reason to
    /// wait. Grows after errors and while the relay cannot go on. A person who asks need not wait.
    pub fn pause_ms(&self) -> Result<i64> {
        self.with(|device| Ok(device.pause_ms()))
    }

    /// Breaks inside, so that an app can see what its reporting makes of it: always `Defect` with the
    /// code `panic`, and everything works on.
    pub fn rehearse_defect(&self) -> Result<()> {
        self.with(|_| rehearsed())
    }
}

#[expect(clippy::panic, reason = "what it is for")]
fn rehearsed() -> Result<(), DeviceError> {
    panic!("rehearsed")
}

impl SopuDevice {
    fn of(device: Device) -> Arc<Self> {
        Arc::new(Self {
            device: RwLock::new(Some(Mutex::new(device))),
            builtin: Builtin::default(),
            running: Mutex::new(Some(Vec::new())),
            changes: Changes::default(),
        })
    }

    /// Works with the store.
    pub(crate) fn with<T>(
        &self,
        work: impl FnOnce(&mut Device) -> Result<T, DeviceError>,
    ) -> Result<T> {
        self.held(|device| work(&mut device.lock().unwrap_or_else(PoisonError::into_inner)))
    }

    /// As `with`, of something that lists may show.
    pub(crate) fn write<T>(
        &self,
        work: impl FnOnce(&mut Device) -> Result<T, DeviceError>,
    ) -> Result<T> {
        let done = self.with(work)?;
        self.changes.tell();
        Ok(done)
    }

    /// As `with`, of what takes the inner lock only when it needs it.
    pub(crate) fn held<T>(
        &self,
        work: impl FnOnce(&Mutex<Device>) -> Result<T, DeviceError>,
    ) -> Result<T> {
        let device = self.device.read().unwrap_or_else(PoisonError::into_inner);
        let device = device.as_ref().ok_or(SopuError::Closed)?;
        guarded(|| work(device))
    }

    /// Ends every exchange that goes on but this one's own.
    pub(crate) fn stop_others(&self, own: &Arc<Stop>) {
        if let Some(running) = &*self.running() {
            let own = Arc::downgrade(own);
            let others = running.iter().filter(|stop| !stop.ptr_eq(&own));
            stop_all(others);
        }
    }

    /// Has `shut` use this too.
    pub(crate) fn runs(&self, stop: &Arc<Stop>) {
        match &mut *self.running() {
            Some(running) => {
                running.retain(|stop| stop.strong_count() > 0);
                running.push(Arc::downgrade(stop));
            }
            None => stop.stop(),
        }
    }

    fn running(&self) -> MutexGuard<'_, Option<Vec<Weak<Stop>>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn stop_all<'s>(running: impl IntoIterator<Item = &'s Weak<Stop>>) {
    for stop in running.into_iter().filter_map(Weak::upgrade) {
        stop.stop();
    }
}

/// A panic inside is a defect and told as one. Each call of the core is a whole transaction, so it
/// leaves nothing half done.
pub(crate) fn guarded<T>(work: impl FnOnce() -> Result<T, DeviceError>) -> Result<T> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(done) => Ok(done?),
        Err(_) => Err(SopuError::Defect {
            code: "panic".to_owned(),
        }),
    }
}

impl From<device::Identity> for Identity {
    fn from(identity: device::Identity) -> Self {
        Self {
            device: identity.device.to_string(),
            member: identity.member.to_string(),
            member_name: identity.member_name,
            org: identity.org.to_string(),
            org_name: identity.org_name,
        }
    }
}

pub(crate) fn space_id(id: &str) -> Result<SpaceId> {
    id.parse().map_err(|_| SopuError::argument("space"))
}

fn keys(key: Vec<u8>, store_key: Option<Vec<u8>>) -> Result<Keys> {
    let bytes = |key: Vec<u8>, name| key.try_into().map_err(|_| SopuError::argument(name));
    let store = store_key.map(|key| bytes(key, "store_key"));
    Ok(Keys {
        device: bytes(key, "key")?,
        store: store.transpose()?.map(StoreKey::new),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(folder: &Path) -> Result<Arc<SopuDevice>> {
        let path = |name: &str| folder.join(name).to_string_lossy().into_owned();
        SopuDevice::open(path("sopu.db"), path("instance"), vec![7; 32], None)
    }

    #[test]
    fn a_panic_inside_is_a_defect_and_the_device_works_on() {
        let folder = tempfile::tempdir().expect("a folder");
        let device = device(folder.path()).expect("opens");
        let panicked = SopuError::Defect {
            code: "panic".to_owned(),
        };
        assert_eq!(device.rehearse_defect(), Err(panicked));
        assert_eq!(device.spaces(), Ok(Vec::new()));
    }

    #[test]
    fn a_device_that_was_shut_says_so_and_can_be_opened_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let first = device(folder.path()).expect("opens");
        first.shut();
        first.shut();
        assert_eq!(first.spaces(), Err(SopuError::Closed));
        assert_eq!(first.sync(None, None), Err(SopuError::Closed));
        assert_eq!(first.next_change(0, 60_000), 0, "nobody waits for nothing");
        assert!(device(folder.path()).expect("opens").spaces().is_ok());
    }
}
