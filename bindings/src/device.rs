//! The one object an app holds.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sopu_core::device::exchange::sync_shared;
use sopu_core::device::salvage::salvage;
use sopu_core::device::{self, Device, DeviceError, Keys};
use sopu_core::documents::visit_note::moved::Destination;
use sopu_core::id::{DocId, Hash, SpaceId, Version};
use sopu_core::store::StoreKey;
use sopu_core::time::SystemEnv;
use sopu_core::transport::Transport;
use sopu_core::transport::http::HttpTransport;
use sopu_core::wire::limits;

use crate::document::{Conflict, Created, Document, Kind, Saved, object};
use crate::error::{Problem, SopuError};
use crate::list::{Page, Query, Space};
use crate::progress::Progress;
use crate::signing::{SigningState, Statement};
use crate::sync::{Foreign, HttpClient, SyncReport};
use crate::timeline::{Finding, TimelineStep};

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

/// One installation: its store and its key. Everything but `enrol`, `sync` and `watch` works
/// without a network, and what `create`, `save`, `choose` … wrote is durable when they return.
#[derive(uniffi::Object)]
pub struct SopuDevice {
    device: Mutex<Device>,
    /// The connections to the relay, kept between syncs.
    http: Mutex<Option<(String, Arc<HttpTransport>)>>,
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
        let device = Device::open(store, instance, keys, Arc::new(SystemEnv))?;
        Ok(Arc::new(Self {
            device: Mutex::new(device),
            http: Mutex::new(None),
        }))
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
        let (device, _) = salvage(store, instance, keys, Arc::new(SystemEnv))?;
        Ok(Arc::new(Self {
            device: Mutex::new(device),
            http: Mutex::new(None),
        }))
    }

    /// Encrypts the whole store anew with another key. All of it happens or nothing: keep both keys
    /// until this returns.
    pub fn change_store_key(&self, store_key: Vec<u8>) -> Result<()> {
        let key = store_key.try_into();
        let key = key.map_err(|_| SopuError::argument("store_key"))?;
        Ok(self.lock().change_store_key(StoreKey::new(key))?)
    }

    /// Enrols at a relay (`https://…`) with an invite code; `name` says which phone this is.
    pub fn enrol(&self, relay: String, code: String, name: String) -> Result<Identity> {
        let http = self.http(&relay);
        let identity = self.lock().enrol(&*http, &code, &name)?;
        self.lock().set_relay(&relay)?;
        Ok(identity.into())
    }

    /// As `enrol`, over the app's own HTTP client, which knows the relay's address.
    pub fn enrol_over(
        &self,
        client: Arc<dyn HttpClient>,
        code: String,
        name: String,
    ) -> Result<Identity> {
        Ok(self.lock().enrol(&Foreign(client), &code, &name)?.into())
    }

    /// Who this device is.
    pub fn identity(&self) -> Result<Identity> {
        Ok(self.lock().identity()?.into())
    }

    /// Whether the relay asked this device to enrol again, because its store exists twice.
    pub fn must_enrol_again(&self) -> Result<bool> {
        Ok(self.lock().must_enrol_again()?)
    }

    /// The spaces this device takes part in.
    pub fn spaces(&self) -> Result<Vec<Space>> {
        let spaces = self.lock().spaces()?;
        Ok(spaces.into_iter().map(Space::from).collect())
    }

    /// Says what app this is in, its name and version, for the office's list of devices.
    pub fn set_app(&self, app: String) {
        self.lock().set_app(&app);
    }

    /// Spaces held but shown no more, because the right to them has ended: for telling the person so.
    /// What is unsent in them goes out at the next sync; then they go.
    pub fn sealed_spaces(&self) -> Result<Vec<Space>> {
        let spaces = self.lock().sealed_spaces()?;
        Ok(spaces.into_iter().map(Space::from).collect())
    }

    /// Makes a document; `value` is a JSON object.
    pub fn create(&self, space: String, kind: Kind, value: String) -> Result<Created> {
        let (space, value) = (space_id(&space)?, object(&value)?);
        let (doc, saved) = self.lock().create(space, kind.into(), &value)?;
        Ok(Created {
            id: doc.to_string(),
            version: saved.version.to_string(),
        })
    }

    /// Opens a document for reading or for a form.
    pub fn read(&self, doc: String) -> Result<Document> {
        Ok(self.lock().read(doc_id(&doc)?)?.into())
    }

    /// Saves what differs between the document at `version` and this JSON object. What the form
    /// did not touch is not written. Save at the returned version next.
    pub fn save(&self, doc: String, version: String, value: String) -> Result<Saved> {
        let (doc, version, value) = (doc_id(&doc)?, heads(&version)?, object(&value)?);
        Ok(self.lock().save(doc, &version, &value)?.into())
    }

    /// Keeps the document loaded while a form is open on it.
    pub fn form_opened(&self, doc: String) -> Result<()> {
        self.lock().open_form(doc_id(&doc)?);
        Ok(())
    }

    /// The form was closed.
    pub fn form_closed(&self, doc: String) -> Result<()> {
        self.lock().close_form(doc_id(&doc)?);
        Ok(())
    }

    /// Takes a status back to this code in a new round.
    pub fn reopen(
        &self,
        doc: String,
        version: String,
        path: String,
        code: String,
    ) -> Result<Saved> {
        let (doc, version) = (doc_id(&doc)?, heads(&version)?);
        Ok(self.lock().reopen(doc, &version, &path, &code)?.into())
    }

    /// Moves a visit note from the wrong client into this space and to this farm or client, if it is
    /// known, and marks the old one for the office to take out. Gives the id of the new one; doing it
    /// again gives the same.
    pub fn move_note(&self, doc: String, space: String, subject: Option<String>) -> Result<String> {
        let (doc, space) = (doc_id(&doc)?, space_id(&space)?);
        let subject = subject.map(|id| doc_id(&id)).transpose()?.map(|id| id.0);
        let to = Destination {
            subject,
            contract: None,
        };
        Ok(self.lock().move_note(doc, space, &to)?.to_string())
    }

    /// Lists documents.
    pub fn list(&self, query: Query) -> Result<Page> {
        Ok(self.lock().list(&query.try_into()?)?.into())
    }

    /// Finds documents that have every one of these words, last changed first.
    pub fn search(&self, text: String, offset: u32, limit: u32) -> Result<Page> {
        self.list(Query {
            text: Some(text),
            offset,
            limit,
            ..Query::default()
        })
    }

    /// The fields of a document that wait for a person's choice.
    pub fn conflicts(&self, doc: String) -> Result<Vec<Conflict>> {
        Ok(self.read(doc)?.conflicts)
    }

    /// Settles a conflict in favour of the value that `change` wrote.
    pub fn choose(
        &self,
        doc: String,
        version: String,
        path: String,
        change: String,
    ) -> Result<Saved> {
        let (doc, version) = (doc_id(&doc)?, heads(&version)?);
        let change = hash(&change)?;
        Ok(self.lock().choose(doc, &version, &path, &change)?.into())
    }

    /// What is wrong with a document on its way to a status (`"locked"`, `"published"` …) or while
    /// writing (`"save"`).
    pub fn problems(&self, doc: String, towards: String) -> Result<Vec<Problem>> {
        let problems = self.lock().problems(doc_id(&doc)?, &towards)?;
        Ok(problems.into_iter().map(Problem::from).collect())
    }

    /// Locks a contract as read at this version, ready to be signed.
    pub fn lock_contract(&self, doc: String, version: String) -> Result<Saved> {
        let (doc, version) = (doc_id(&doc)?, heads(&version)?);
        Ok(self.lock().lock_contract(doc, &version)?.into())
    }

    /// Signs a locked contract with this device's key.
    pub fn sign_contract(&self, doc: String, statement: Statement) -> Result<Saved> {
        let (doc, statement) = (doc_id(&doc)?, statement.try_into()?);
        Ok(self.lock().sign_contract(doc, statement)?.into())
    }

    /// How far the signing of a contract is.
    pub fn signing_state(&self, doc: String) -> Result<SigningState> {
        Ok(self.lock().signing_state(doc_id(&doc)?)?.into())
    }

    /// What was signed by all, byte for byte as sealed, as a JSON object; `None` before that.
    pub fn signed_content(&self, doc: String) -> Result<Option<String>> {
        let content = self.lock().signed_content(doc_id(&doc)?)?;
        Ok(content.map(|value| value.to_string()))
    }

    /// What a person should look at in a space, from what is on this device.
    pub fn findings(&self, space: String) -> Result<Vec<Finding>> {
        let findings = self.lock().findings(space_id(&space)?)?;
        Ok(findings.into_iter().map(Finding::from).collect())
    }

    /// The timeline of a document, newest first.
    pub fn timeline(&self, doc: String, offset: u32, limit: u32) -> Result<Vec<TimelineStep>> {
        let (offset, limit) = (offset as usize, limit as usize);
        let steps = self.lock().timeline(doc_id(&doc)?, offset, limit)?;
        Ok(steps.into_iter().map(TimelineStep::from).collect())
    }

    /// How far one's own work in a document has come.
    pub fn status(&self, doc: String) -> Result<Progress> {
        Ok(self.lock().progress(doc_id(&doc)?)?.into())
    }

    /// How far one's own work in all documents has come.
    pub fn backlog(&self) -> Result<Progress> {
        Ok(self.lock().backlog()?.into())
    }

    /// Relay clock minus device clock as last measured, milliseconds.
    pub fn clock_offset_ms(&self) -> Result<Option<i64>> {
        Ok(self.lock().clock_offset_ms()?)
    }

    /// How long to wait before syncing again by itself, milliseconds; 0 when there is no reason to
    /// wait. Grows after errors and while the relay cannot go on. A person who asks need not wait.
    pub fn pause_ms(&self) -> i64 {
        self.lock().pause_ms()
    }

    /// Sends what is unsent and takes in what is new, until nothing is left to say. Others may
    /// write meanwhile. Right at any time, also again and also after an error.
    pub fn sync(&self) -> Result<SyncReport> {
        self.exchange(&*self.relay()?, 0)
    }

    /// Waits for news at most so many milliseconds and takes it in; if there is something to send,
    /// it sends that at once instead.
    pub fn watch(&self, wait_ms: u32) -> Result<SyncReport> {
        self.exchange(&*self.relay()?, wait_ms)
    }

    /// As `sync`, or as `watch` if `wait_ms` is not 0, over the app's own HTTP client.
    pub fn sync_over(&self, client: Arc<dyn HttpClient>, wait_ms: u32) -> Result<SyncReport> {
        self.exchange(&Foreign(client), wait_ms)
    }
}

/// Requests of one sync at most: a first sync of many pages may take several calls, between which
/// an app can show how far it is.
const REQUESTS: u32 = 100;

impl SopuDevice {
    /// Each call of the core is a whole transaction, so a panic in one leaves nothing half done.
    fn lock(&self) -> MutexGuard<'_, Device> {
        self.device.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn http(&self, relay: &str) -> Arc<HttpTransport> {
        let mut kept = self.http.lock().unwrap_or_else(PoisonError::into_inner);
        match &*kept {
            Some((base, http)) if base == relay => Arc::clone(http),
            _ => {
                let http = Arc::new(HttpTransport::new(relay));
                *kept = Some((relay.to_owned(), Arc::clone(&http)));
                http
            }
        }
    }

    fn relay(&self) -> Result<Arc<HttpTransport>> {
        let relay = self.lock().relay()?.ok_or(DeviceError::NotEnrolled)?;
        Ok(self.http(&relay))
    }

    fn exchange(&self, transport: &dyn Transport, wait_ms: u32) -> Result<SyncReport> {
        let requests = if wait_ms == 0 { REQUESTS } else { 1 };
        let wait_ms = wait_ms.min(limits::WAIT_MS);
        Ok(sync_shared(&self.device, transport, requests, wait_ms)?.into())
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

fn doc_id(id: &str) -> Result<DocId> {
    id.parse().map_err(|_| SopuError::argument("doc"))
}

fn space_id(id: &str) -> Result<SpaceId> {
    id.parse().map_err(|_| SopuError::argument("space"))
}

fn heads(version: &str) -> Result<Version> {
    version.parse().map_err(|_| SopuError::argument("version"))
}

/// One change is a version of one head.
fn hash(change: &str) -> Result<Hash> {
    match heads(change)?.heads() {
        [hash] => Ok(*hash),
        _ => Err(SopuError::argument("change")),
    }
}

fn keys(key: Vec<u8>, store_key: Option<Vec<u8>>) -> Result<Keys> {
    let bytes = |key: Vec<u8>, name| key.try_into().map_err(|_| SopuError::argument(name));
    let store = store_key.map(|key| bytes(key, "store_key"));
    Ok(Keys {
        device: bytes(key, "key")?,
        store: store.transpose()?.map(StoreKey::new),
    })
}
