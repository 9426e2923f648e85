//! A device: store and sync joined. This is what an app holds and what the bindings expose.
//!
//! Everything here works without a network, and a save is durable when it returns; only
//! [`Device::enrol`] and [`Device::sync`] need a [`Transport`](crate::transport::Transport).

pub mod contracts;
pub mod create;
pub mod documents;
pub mod enrol;
pub mod errand;
pub mod error;
pub mod exchange;
pub mod pending;
mod reads;
pub mod removal;
pub mod salvage;
pub mod seal;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use ed25519_dalek::{SigningKey, VerifyingKey};

use crate::envelope::{Epoch, actor_id};
use crate::id::{DeviceId, EnvelopeId, MemberId, OrgId, SpaceId};
use crate::save::SaveContext;
use crate::store::{Store, StoreKey, Tx, meta, outbox, space, view};
use crate::sync::Scheduler;
use crate::sync::undelivered::NotTaken;
use crate::time::Env;
use crate::transport::address::RelayAddress;
use crate::wire::RosterRow;

pub use error::DeviceError;
pub use exchange::SyncReport;

/// The result of everything a device does.
pub type Result<T, E = DeviceError> = std::result::Result<T, E>;

/// File, in the platform's no-backup folder, whose content tells a restored or cloned store.
pub const INSTANCE_FILE: &str = "sopu-instance";

/// One installation with its store and key.
pub struct Device {
    pub(crate) store: Store,
    pub(crate) key: SigningKey,
    pub(crate) env: Arc<dyn Env>,
    pub(crate) instance: [u8; 16],
    /// Requests made since it was opened.
    pub(crate) requests: u64,
    pub(crate) scheduler: Scheduler,
    /// What the line carried last.
    pub(crate) carries: errand::Carries,
    /// Envelopes the relay did not take for a reason that passes: sent again after all others.
    pub(crate) put_off: BTreeSet<EnvelopeId>,
    /// Of these, what it does not take as long as it is as it is.
    pub(crate) not_taken: NotTaken,
    /// The request that was the newest when a generation was last found to have ended: answers to it
    /// and to earlier ones may be those of a relay that has forgotten what it said.
    pub(crate) cut_at: Option<u64>,
    /// The relay has no more to tell than is here: only then is known what it has lost.
    pub(crate) current: bool,
    /// Offers the relay did not take for a reason that passes soon: they are offered again when there
    /// is nothing else to say.
    pub(crate) offer_later: BTreeSet<EnvelopeId>,
    /// A purge was ordered, and a trace of what is to go may be left.
    pub(crate) owes_purge: bool,
    /// Envelopes whose state was asked for once more, and when, milliseconds.
    pub(crate) asked: BTreeMap<EnvelopeId, i64>,
    /// When the relay last answered to an offer, milliseconds.
    pub(crate) offered_ms: Option<i64>,
    /// The time as far as it was seen, see [`seal`].
    pub(crate) latest: seal::Latest,
    /// Documents read here that the relay does not know of yet.
    pub(crate) marks: reads::Marks,
    /// Name and version of the app, for the list of devices.
    pub(crate) app: String,
}

/// What an app keeps in the platform's keystore for a device.
#[derive(Clone, Copy)]
pub struct Keys {
    /// What it signs with; see [`Device::new_key`].
    pub device: [u8; 32],
    /// What its file is encrypted with, if it is. The two are independent: a new one for the file does
    /// not make it another device.
    pub store: Option<StoreKey>,
}

impl From<[u8; 32]> for Keys {
    /// Of a store that is not encrypted.
    fn from(device: [u8; 32]) -> Self {
        Self {
            device,
            store: None,
        }
    }
}

/// Who this device is to its relay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The device.
    pub device: DeviceId,
    /// Whose it is.
    pub member: MemberId,
    /// The person's name.
    pub member_name: String,
    /// The organisation that invited.
    pub org: OrgId,
    /// Its name.
    pub org_name: String,
}

impl Device {
    /// A new secret key, for the platform's keystore. It never enters the store or a backup.
    pub fn new_key(env: &dyn Env) -> [u8; 32] {
        let mut key = [0; 32];
        env.fill(&mut key);
        key
    }

    /// Encrypts the whole store anew with another key; the app keeps both until this returns.
    ///
    /// # Errors
    /// As [`Store::change_key`].
    pub fn change_store_key(&mut self, key: StoreKey) -> Result<()> {
        Ok(self.store.change_key(key)?)
    }

    /// Opens the store at `path`, making it if there is none; encrypted, if `keys` have a key for it,
    /// also when it was plain before.
    ///
    /// `instance_dir` must be a folder that backups and device transfers leave out: if what it
    /// holds disagrees with the store, the store is a restored or cloned copy, and heals itself at
    /// the next sync under a new epoch.
    ///
    /// # Errors
    /// [`DeviceError::Store`] if the file cannot be opened; if it says
    /// [`is_damage`](crate::store::StoreError::is_damage), [`salvage`](salvage::salvage) mends it.
    /// [`DeviceError::InstanceFile`] if the folder cannot be written.
    pub fn open(
        path: &Path,
        instance_dir: &Path,
        keys: impl Into<Keys>,
        env: Arc<dyn Env>,
    ) -> Result<Self> {
        let Keys {
            device: key,
            store: store_key,
        } = keys.into();
        salvage::finish(path)?;
        let mut store = Store::open_with(path, store_key)?;
        // A crash may have come between deleting something and writing the file anew.
        if store.scrub_due()? {
            store.scrub()?;
        }
        if !view::current(store.conn())? {
            store.rebuild_views()?;
        }
        let file = instance_dir.join(INSTANCE_FILE);
        let outside = std::fs::read(&file)
            .ok()
            .and_then(|bytes| <[u8; 16]>::try_from(bytes).ok());
        let inside = meta::get(store.conn(), keys::INSTANCE)?
            .and_then(|bytes| <[u8; 16]>::try_from(bytes).ok());
        let instance = match (outside, inside) {
            (Some(outside), Some(inside)) if outside == inside => inside,
            _ => {
                let mut fresh = [0; 16];
                env.fill(&mut fresh);
                std::fs::create_dir_all(instance_dir)
                    .and_then(|()| std::fs::write(&file, fresh))
                    .map_err(|_| DeviceError::InstanceFile)?;
                store.write(|tx| {
                    meta::set(tx, keys::INSTANCE, &fresh)?;
                    if inside.is_some() {
                        begin_recovery(tx)?;
                    }
                    Ok(())
                })?;
                fresh
            }
        };
        let cut_at = meta::get(store.conn(), keys::CUT)?.map(|_| 0);
        let latest_ms = meta::number(store.conn(), keys::LATEST)?.unwrap_or(0);
        let mut device = Self {
            store,
            key: SigningKey::from_bytes(&key),
            env,
            instance,
            requests: 0,
            scheduler: Scheduler::default(),
            carries: errand::Carries::default(),
            cut_at,
            current: false,
            put_off: BTreeSet::new(),
            not_taken: NotTaken::default(),
            offer_later: BTreeSet::new(),
            owes_purge: false,
            asked: BTreeMap::new(),
            offered_ms: None,
            latest: seal::Latest::new(latest_ms),
            marks: reads::Marks::default(),
            app: concat!("Sopu ", env!("CARGO_PKG_VERSION")).to_owned(),
        };
        device.begin_lease()?;
        device.begin_anew_for_kinds()?;
        device.apply_deferred()?;
        Ok(device)
    }

    /// Says what app this is in, its name and version: people who look after devices see it.
    pub fn set_app(&mut self, app: &str) {
        app.clone_into(&mut self.app);
    }

    /// Who this device is.
    ///
    /// # Errors
    /// [`DeviceError::NotEnrolled`].
    pub fn identity(&self) -> Result<Identity> {
        let conn = self.store.conn();
        let id = |key| -> Result<_> {
            let bytes = meta::get(conn, key)?.ok_or(DeviceError::NotEnrolled)?;
            uuid::Uuid::from_slice(&bytes).map_err(|_| DeviceError::NotEnrolled)
        };
        Ok(Identity {
            device: DeviceId(id(keys::DEVICE)?),
            member: MemberId(id(keys::MEMBER)?),
            member_name: meta::text(conn, keys::MEMBER_NAME)?.unwrap_or_default(),
            org: OrgId(id(keys::ORG)?),
            org_name: meta::text(conn, keys::ORG_NAME)?.unwrap_or_default(),
        })
    }

    /// The spaces this device takes part in and shows; those it shows no more are
    /// [`Device::sealed_spaces`].
    ///
    /// # Errors
    /// [`DeviceError::LeaseEnded`]; the store's.
    pub fn spaces(&self) -> Result<Vec<space::Space>> {
        self.check_lease()?;
        let sealed = self.sealed_spaces()?;
        let mut spaces = space::spaces(self.store.conn())?;
        spaces.retain(|space| !sealed.contains(space));
        Ok(spaces)
    }

    /// The people of a space and their devices, as the relay told last.
    ///
    /// # Errors
    /// [`DeviceError::SpaceEnded`], [`DeviceError::LeaseEnded`]; the store's.
    pub fn roster(&self, space: SpaceId) -> Result<Vec<RosterRow>> {
        self.check_seals(space)?;
        Ok(space::roster(self.store.conn(), space)?)
    }

    /// One's own work that is not in the record yet, in all documents.
    ///
    /// # Errors
    /// The store's.
    pub fn backlog(&self) -> Result<outbox::Progress> {
        Ok(outbox::backlog(self.store.conn())?)
    }

    /// The address of the relay that gave this device its identity, if the enrolment told it.
    ///
    /// # Errors
    /// [`DeviceError::Insecure`] if it is one that no token may go to; the store's.
    pub fn relay(&self) -> Result<Option<RelayAddress>> {
        let address = meta::text(self.store.conn(), keys::RELAY)?;
        Ok(address.map(|address| address.parse()).transpose()?)
    }

    /// Whether the relay asked this device to enrol again, because its store exists twice.
    ///
    /// # Errors
    /// The store's.
    pub fn must_enrol_again(&self) -> Result<bool> {
        Ok(meta::get(self.store.conn(), keys::ENROL_AGAIN)?.is_some())
    }

    /// Relay clock minus device clock as last measured, milliseconds.
    ///
    /// # Errors
    /// The store's.
    pub fn clock_offset_ms(&self) -> Result<Option<i64>> {
        Ok(meta::number(self.store.conn(), keys::OFFSET)?)
    }

    /// The store, for what the device itself does not give. It knows no seals.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The device's public key.
    pub fn public_key(&self) -> VerifyingKey {
        self.key.verifying_key()
    }

    /// The epoch of a space, taken at first use.
    pub(crate) fn epoch(&mut self, space: SpaceId) -> Result<Epoch> {
        let key = keys::epoch(space);
        let found = meta::get(self.store.conn(), &key)?;
        if let Some(epoch) = found.and_then(|bytes| Epoch::try_from(bytes).ok()) {
            return Ok(epoch);
        }
        self.new_epoch(space)
    }

    pub(crate) fn new_epoch(&mut self, space: SpaceId) -> Result<Epoch> {
        let mut epoch = Epoch::default();
        self.env.fill(&mut epoch);
        self.store
            .write(|tx| meta::set(tx, &keys::epoch(space), &epoch))?;
        Ok(epoch)
    }

    pub(crate) fn save_context<'e>(
        &mut self,
        space: SpaceId,
        env: &'e dyn Env,
    ) -> Result<SaveContext<'e>> {
        let by = self.identity()?.member;
        let epoch = self.epoch(space)?;
        let actor = actor_id(&self.key.verifying_key(), space, &epoch);
        Ok(SaveContext {
            actor,
            by,
            at_ms: env.now_ms(),
            env,
        })
    }
}

/// From now on this store is not the only one to have written under its epochs: nothing is sent
/// until the feed has shown what its other self did.
fn begin_recovery(tx: &Tx<'_>) -> crate::store::Result<()> {
    for space in space::spaces(tx)? {
        meta::remove(tx, &keys::epoch(space.id))?;
    }
    meta::set_number(tx, keys::RECOVERING, 1)
}

/// Keys of the small facts a device keeps in its store.
pub(crate) mod keys {
    use crate::id::SpaceId;

    pub const INSTANCE: &str = "instance";
    /// The names this device had before, of the same person, sixteen bytes each.
    pub const FORMER: &str = "former";
    pub const DEVICE: &str = "device";
    pub const MEMBER: &str = "member";
    pub const MEMBER_NAME: &str = "member_name";
    pub const ORG: &str = "org";
    pub const ORG_NAME: &str = "org_name";
    pub const TOKEN: &str = "token";
    pub const RELAY: &str = "relay";
    pub const RELAY_KEY: &str = "relay_key";
    pub const OFFSET: &str = "offset_ms";
    pub const STATUS_SEEN: &str = "status_seen";
    pub const ORDERS_DONE: &str = "orders_done";
    pub const ENROL_AGAIN: &str = "enrol_again";
    /// Everything on this device went on the relay's order: nothing more is taken in.
    pub const WIPED: &str = "wiped";
    pub const RECOVERING: &str = "recovering";
    /// What a salvage has kept goes once that is over.
    pub const DAMAGED_DUE: &str = "damaged_due";
    /// The relay may not know the cursor vector any more: send it whole.
    pub const SEND_VECTOR: &str = "send_vector";
    /// What this device last said of itself.
    pub const TOLD: &str = "told";
    /// Relay clock at the last contact.
    pub const CONTACT: &str = "contact_ms";
    /// The latest time seen, relay clock.
    pub const LATEST: &str = "latest_ms";
    /// Days without contact after which nothing is shown.
    pub const LEASE: &str = "lease_days";

    /// A generation has ended in the life of this store.
    pub const CUT: &str = "cut";
    /// There are changes whose signature was still to come when their generation ended.
    pub const UNPROVEN: &str = "unproven";
    /// The greatest kind that was known when a first sync passed over a document of another.
    pub const KINDS: &str = "kinds";

    pub fn epoch(space: SpaceId) -> String {
        format!("epoch/{space}")
    }

    /// The seq a space was cut at by a page that has not been applied yet.
    pub fn cut_at(space: SpaceId) -> String {
        format!("cut/{space}")
    }
}
