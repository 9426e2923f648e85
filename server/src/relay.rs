//! The relay as one thing: the database, the ledger, the merge worker and the merged record, with
//! no socket and no clock of its own. What devices ask goes through [`Relay::sync`] and
//! [`Relay::enrol`]; the worker calls [`Relay::merge_step`]; the office writes through
//! [`Relay::office_write`]. All of it is synchronous, so a simulation runs the very same code.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, TryLockError};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sopu_core::id::{DocId, EnvelopeId, MemberId, SpaceId};
use sopu_core::time::Env;
use sopu_core::wire::Status;

use crate::credentials::token_hash;
use crate::data::Data;
use crate::feed::cursor;
use crate::keys::RelayKeys;
use crate::ledger::{Ledger, LedgerError, Line, Medium};
use crate::merge::{Merger, Step, release, settle};
use crate::metrics::{Code, Metrics};
use crate::record::Record;
use crate::store::flushed;
use crate::store::sqlite::SqliteStore;
use crate::store::{Commits, EnvelopeRow, ErasureWish, FeedWhat, Generation, State, StoreError};

mod about;
mod bell;
mod enrol;
mod erase;
mod listeners;
mod moved;
mod notices;
mod offer;
mod office;
mod reads;
pub(crate) mod restore;
mod scrub;
mod sync;
pub mod watch;
mod worker;

pub use erase::EraseError;
pub use listeners::{Listener, Listeners, Topic};
pub use office::OfficeWriteError;
pub use sync::is_empty;
pub use worker::Worker;

use restore::{Fresh, Reconciled};
use sopu_core::store::StoreError as RecordError;

/// The database file in the data folder.
pub const DATABASE: &str = "relay.db";
/// The merged record: documents, views, search. Can be rebuilt from the database.
pub const RECORD: &str = "record.db";
/// What must never be rolled back with a backup.
pub const LEDGER: &str = "ledger";

/// Held while a server has the folder; the command line beside it does not need it.
pub const LOCK: &str = "lock";

/// There while a backup is being put back: what else is in the folder may be half of each.
pub const RESTORING: &str = "restoring";

/// Why a relay cannot start.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder failed.
    #[error("the data folder failed: {0}")]
    Io(#[from] std::io::Error),
    /// Another server has the folder.
    #[error("another server uses this data folder")]
    InUse,
    /// A backup was being put back and that was interrupted.
    #[error("a restore of this data folder was interrupted; run `sopu restore` again")]
    Restoring,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The database's log is damaged: work that was acknowledged may be in it alone.
    #[error(
        "the log of {DATABASE} is damaged, and work that was acknowledged may be lost from it; \
         put a backup back, and devices bring what it lacks"
    )]
    LogDamaged,
    /// The databases are encrypted with another key, cannot be encrypted, or no key was given.
    #[error(
        "the databases cannot be opened: {0}; name the file with their key, --database-key FILE"
    )]
    Encryption(sopu_core::store::StoreError),
    /// The merged record failed.
    #[error("the merged record failed: {0}")]
    Record(#[from] RecordError),
    /// The ledger failed.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The database belongs to the ledger of another relay, or its own ledger is lost.
    #[error("the ledger beside the database is not its own")]
    ForeignLedger,
}

/// A relay.
pub struct Relay {
    env: Arc<dyn Env>,
    commits: Commits,
    keys: RelayKeys,
    /// Erasures that were asked for and are looked at again only then.
    resting: Mutex<BTreeMap<ErasureWish, i64>>,
    /// Held by who empties the database's log of what was erased.
    scrubbing: Mutex<scrub::Scrubbing>,
    ledger: Mutex<Ledger>,
    merger: Mutex<Merger>,
    record: Mutex<Record>,
    /// The data folder, with the lock that keeps a second server out of it.
    folder: Option<(Data, File)>,
    /// Spaces whose feed has more than the merged record.
    behind: Mutex<BTreeSet<SpaceId>>,
    listeners: Arc<Listeners>,
    bell: bell::Bell,
    metrics: Metrics,
    allowance: reads::Allowance,
}

impl Relay {
    /// Opens or creates the data folder.
    pub fn open(data: impl Into<Data>, env: Arc<dyn Env>) -> Result<Self, OpenError> {
        let data = data.into();
        let guard = take(&data)?;
        Self::open_taken(data, guard, env)
    }

    /// As [`Relay::open`], with the ledger on a medium of its own: for simulations that lose what
    /// was not made durable.
    pub fn open_with(
        data: impl Into<Data>,
        ledger: Box<dyn Medium>,
        env: Arc<dyn Env>,
    ) -> Result<Self, OpenError> {
        let data = data.into();
        let guard = take(&data)?;
        let ledger = Ledger::on(ledger, &*env)?;
        Self::open_beside(data, guard, ledger, env)
    }

    /// As [`Relay::open`], with the merged record made anew from the feeds. A rebuild that was
    /// interrupted goes on at the next opening.
    pub fn rebuild(data: impl Into<Data>, env: Arc<dyn Env>) -> Result<Self, OpenError> {
        let data = data.into();
        let guard = take(&data)?;
        ready(&data)?;
        data.remove_record()?;
        Self::open_taken(data, guard, env)
    }

    fn open_taken(data: Data, guard: File, env: Arc<dyn Env>) -> Result<Self, OpenError> {
        ready(&data)?;
        let ledger = Ledger::open(&data.join(LEDGER), &*env)?;
        Self::open_beside(data, guard, ledger, env)
    }

    fn open_beside(
        data: Data,
        guard: File,
        ledger: Ledger,
        env: Arc<dyn Env>,
    ) -> Result<Self, OpenError> {
        if flushed::lost_commits(&data.database()) {
            return Err(OpenError::LogDamaged);
        }
        let store = SqliteStore::open_with(&data.database(), data.key())?;
        let open = |life| {
            let mut record = match Record::open(&data.record(), data.key()) {
                // The database has opened with this key.
                Err(error) if error.is_damage() || matches!(error, RecordError::WrongKey) => {
                    tracing::error!(%error, "the merged record is damaged and is made anew");
                    data.remove_record()?;
                    Record::open(&data.record(), data.key())?
                }
                opened => opened?,
            };
            record.begin_life(life)?;
            Ok(record)
        };
        Self::start(env, store, ledger, open, Some((data.clone(), guard)))
    }

    /// In memory, around a store that was perhaps filled with people before.
    pub fn in_memory(store: SqliteStore, env: Arc<dyn Env>) -> Result<Self, OpenError> {
        let ledger = Ledger::in_memory(&*env)?;
        Self::start(env, store, ledger, |_| Ok(Record::in_memory()?), None)
    }

    fn start(
        env: Arc<dyn Env>,
        store: SqliteStore,
        mut ledger: Ledger,
        record: impl FnOnce(u64) -> Result<Record, OpenError>,
        folder: Option<(Data, File)>,
    ) -> Result<Self, OpenError> {
        let keys = ledger.keys().clone();
        let commits = Commits::new(Box::new(store));
        let Reconciled { erased, life } = restore::reconcile(&commits, &mut ledger, &*env)?;
        let mut record = record(life)?;
        if commits.read(|store| restore::is_behind(store, &record))? {
            tracing::warn!("the database went back unnoticed: new generations begin");
            let (keys, fresh, now_ms) = (keys.clone(), Fresh::draw(&*env), env.now_ms());
            let life = commits.write(move |store| {
                restore::renew(store, &keys, &fresh, now_ms)?;
                restore::life(store)
            })?;
            record.begin_life(life)?;
        }
        let mut merger = Merger::new(keys.server_id(), env!("CARGO_PKG_VERSION"));
        merger.recover(&commits, env.now_ms())?;
        let spaces = commits.read(|store| store.feed_spaces())?;
        let relay = Self {
            env,
            commits,
            keys,
            resting: Mutex::default(),
            scrubbing: Mutex::default(),
            ledger: Mutex::new(ledger),
            merger: Mutex::new(merger),
            record: Mutex::new(record),
            folder,
            behind: Mutex::new(spaces.into_iter().collect()),
            listeners: Arc::default(),
            bell: bell::Bell::default(),
            metrics: Metrics::default(),
            allowance: reads::Allowance::default(),
        };
        if relay.commits.read(restore::is_record_to_be_made_anew)? {
            relay.make_record_anew(life)?;
        }
        relay.settle_ledger()?;
        relay.follow()?;
        relay.note_subjects()?;
        if !erased.is_empty() {
            let done = relay.record().erase(&erased);
            match done {
                Err(error) if !error.is_passing() => relay.make_record_anew(life)?,
                done => done?,
            }
        }
        Ok(relay)
    }

    /// Makes the merged record anew from the feeds: nobody else has it open yet.
    fn make_record_anew(&self, life: u64) -> Result<(), OpenError> {
        let Some((data, _)) = &self.folder else {
            return Ok(());
        };
        tracing::error!("the merged record is damaged and is made anew");
        let mut record = self.record();
        *record = Record::in_memory()?;
        data.remove_record()?;
        *record = Record::open(&data.record(), data.key())?;
        record.begin_life(life)?;
        drop(record);
        lock(&self.behind).extend(self.commits.read(|store| store.feed_spaces())?);
        self.follow()?;
        Ok(self.commits.write(restore::record_was_made_anew)?)
    }

    /// The relay's public key, which devices get when they enrol.
    pub fn public_key(&self) -> [u8; 32] {
        self.keys.public()
    }

    /// What secrets of office accounts are made from: of the ledger, never of the database.
    pub fn office_secret(&self) -> [u8; 32] {
        self.keys.office_secret()
    }

    /// What it counts.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// The clock it was given.
    pub fn env(&self) -> &Arc<dyn Env> {
        &self.env
    }

    /// The data folder, if it has one.
    pub fn folder(&self) -> Option<&Path> {
        self.folder.as_ref().map(|(data, _)| &**data)
    }

    /// Listens for what may be new for the device that bears this token, if there is one.
    ///
    /// # Errors
    /// The store's.
    pub fn listen(&self, bearer: &str) -> Result<Option<Listener>, StoreError> {
        let (hash, now_ms) = (token_hash(bearer), self.env.now_ms());
        let topics = self.commits.read(|store| {
            let Some(device) = store.device_by_token(&hash)? else {
                return Ok(None);
            };
            let spaces = store.spaces_of(device.member, now_ms)?;
            let spaces = spaces.into_iter().map(|(space, _)| Topic::Space(space));
            Ok(Some(
                spaces.chain([Topic::Device(device.id)]).collect::<Vec<_>>(),
            ))
        })?;
        Ok(topics.map(|topics| self.listeners.listen(topics)))
    }

    /// Whether the database answers.
    pub fn is_ready(&self) -> bool {
        self.commits.read(|store| store.meta("ready")).is_ok()
    }

    /// The merged record.
    pub fn record(&self) -> MutexGuard<'_, Record> {
        lock(&self.record)
    }

    /// One bounded piece of work: news of people into the ledger, waiting envelopes into the feed,
    /// the feed into the merged record. `decided` is 0 when nothing was waiting.
    pub fn merge_step(&self) -> Result<Step, StoreError> {
        self.carry_out_wishes()?;
        let changed = self.settle_ledger()?;
        let now_ms = self.env.now_ms();
        if changed {
            self.commits
                .write(move |store| release::rejudge(store, now_ms))?;
        }
        let step = lock(&self.merger).step(&self.commits, &self.keys, &*self.env)?;
        // Those who wait are told before the merged record follows: they read the feed.
        if changed {
            self.listeners.tell_all();
        }
        if let Some(space) = step.space {
            self.metrics
                .fed
                .inc_by(u64::try_from(step.fed).unwrap_or(0));
            self.grew(space);
            let told = step.told.iter().copied().map(Topic::Device);
            self.listeners.tell(told.chain([Topic::Space(space)]));
        }
        self.follow()?;
        // Here alone, or every request that writes would try it.
        self.scrub_if_due()?;
        let lag_ms = step.oldest_ms.map_or(0, |oldest| (now_ms - oldest).max(0));
        self.metrics
            .merge_lag
            .set(Duration::from_millis(lag_ms.unsigned_abs()).as_secs_f64());
        Ok(step)
    }

    /// Merges until nothing waits: for tests, simulations and the command line.
    pub fn merge_all(&self) -> Result<usize, StoreError> {
        let mut all = 0;
        loop {
            let step = self.merge_step()?;
            if step.decided == 0 {
                return Ok(all);
            }
            all += step.decided;
        }
    }

    /// What is held or was refused, newest first.
    pub fn quarantine(&self, limit: usize) -> Result<Vec<EnvelopeRow>, StoreError> {
        self.commits.read(|store| store.quarantine(limit))
    }

    /// The office lets held work into the record. `false` if it is not held.
    pub fn release(&self, id: EnvelopeId) -> Result<bool, StoreError> {
        self.commits
            .write(move |store| release::release(store, &id))
    }

    /// The office drops held work for good. `false` if it is not held.
    pub fn drop_held(&self, id: EnvelopeId) -> Result<bool, StoreError> {
        let told = self
            .commits
            .write(move |store| settle::drop_held(store, &id))?;
        let Some(told) = told else {
            return Ok(false);
        };
        self.listeners.tell(told.into_iter().map(Topic::Device));
        Ok(true)
    }

    /// Someone at the office opened the document: the devices whose work it holds are told, once
    /// for each envelope.
    pub fn mark_seen(&self, doc: DocId) -> Result<(), StoreError> {
        let now_ms = self.env.now_ms();
        let told = self.commits.write(move |store| {
            let mut told = BTreeSet::new();
            let seen = store.seen(doc)?;
            let mut last = seen;
            let status = sopu_core::envelope::encode(&Status::SeenByOffice(now_ms));
            for row in store
                .feed_of(doc, u64::MAX)?
                .into_iter()
                .filter(|row| row.seq > seen)
            {
                last = row.seq;
                let FeedWhat::Envelope(arrival) = row.what else {
                    continue;
                };
                if let Some(kept) = store.envelope_at(arrival)? {
                    store.add_status(kept.device, &kept.id, &status)?;
                    told.insert(Topic::Device(kept.device));
                }
            }
            store.set_seen(doc, last)?;
            Ok(told)
        })?;
        self.listeners.tell(told);
        Ok(())
    }

    /// The present life of a space's feed.
    ///
    /// # Errors
    /// The store's.
    pub fn generation(&self, space: SpaceId) -> Result<Generation, StoreError> {
        let all = self
            .commits
            .read(|store| cursor::generations(store, &self.keys, space))?;
        let last = all.last().copied();
        last.ok_or(StoreError::Corrupt("no generation"))
    }

    /// What became of an envelope.
    pub fn state_of(&self, id: EnvelopeId) -> Result<Option<State>, StoreError> {
        self.commits
            .read(|store| Ok(store.envelope(&id)?.map(|row| row.state)))
    }

    /// Blames what the worker died of, as at start.
    pub fn recover(&self) -> Result<(), StoreError> {
        lock(&self.merger).recover(&self.commits, self.env.now_ms())
    }

    /// Wakes the merge worker and requests that wait for news.
    pub fn tell_all(&self) {
        self.bell.ring();
        self.listeners.tell_all();
    }

    /// The people of a member's spaces are others than before: devices there are told.
    fn tell_spaces_of(&self, member: MemberId) -> Result<(), StoreError> {
        let now_ms = self.env.now_ms();
        let spaces = self.commits.read(|store| store.spaces_of(member, now_ms))?;
        let spaces = spaces.into_iter().map(|(space, _)| Topic::Space(space));
        self.listeners.tell(spaces);
        Ok(())
    }

    /// A feed has more than the merged record.
    fn grew(&self, space: SpaceId) {
        lock(&self.behind).insert(space);
    }

    /// What the database noted of people, memberships, devices and legal holds goes into the ledger. `true`
    /// if there was anything.
    fn settle_ledger(&self) -> Result<bool, StoreError> {
        let mut any = false;
        loop {
            // From the reading on: another that has read the same would write an older word after a newer.
            let mut ledger = lock(&self.ledger);
            let news = self.commits.read(|store| store.ledger_news(256))?;
            let Some((last, _)) = news.last() else {
                return Ok(any);
            };
            let last = *last;
            let mut lines = Vec::new();
            for (_, body) in &news {
                lines.push(Line::of_news(body).ok_or(StoreError::Corrupt("ledger news"))?);
            }
            ledger
                .append(&lines)
                .map_err(|error| StoreError::Backend(Arc::new(error)))?;
            let known = ledger.len();
            self.commits.write(move |store| {
                store.drop_ledger_news(last)?;
                restore::set_known(store, known)
            })?;
            any = true;
        }
    }

    /// Takes what feeds have more into the merged record. Only feeds that have grown are looked at:
    /// there are many spaces.
    fn follow(&self) -> Result<(), StoreError> {
        let mut tried = lock(&self.merger).documents().tried();
        let mut record = lock(&self.record);
        let behind: Vec<SpaceId> = lock(&self.behind).iter().copied().collect();
        for space in behind {
            lock(&self.behind).remove(&space);
            let followed = self
                .commits
                .read(|store| record.follow(store, space, &mut tried));
            if !matches!(followed, Ok(Ok(()))) {
                self.grew(space);
            }
            if let Err(error) = followed? {
                // The record can be rebuilt; the feed must not wait for it.
                tracing::error!(%error, "the merged record cannot follow the feed");
            }
        }
        if let Err(error) = record.scrub_if_due() {
            tracing::warn!(%error, "what was erased cannot be scrubbed now; it is tried again");
        }
        Ok(())
    }

    /// Counts what is kept out of the feeds: when somebody asks, not at every step.
    ///
    /// # Errors
    /// The store's.
    pub fn count_quarantine(&self) -> Result<(), StoreError> {
        for state in ["waiting", "held", "final"] {
            let count = self.commits.read(|store| store.count_in(state))?;
            let gauge = self
                .metrics
                .quarantine
                .get_or_create(&Code(state.to_owned()));
            gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
        }
        Ok(())
    }
}

/// Whether the folder can be opened; encrypts what is plain, if there is a key.
fn ready(data: &Data) -> Result<(), OpenError> {
    if data.join(RESTORING).exists() {
        return Err(OpenError::Restoring);
    }
    // Encrypting gives the log up, with whatever of it cannot be read.
    if flushed::lost_commits(&data.database()) {
        return Err(OpenError::LogDamaged);
    }
    data.prepare().map_err(OpenError::Encryption)
}

/// Takes the data folder for this process, making it if there is none.
pub(crate) fn take(folder: &Path) -> Result<File, OpenError> {
    crate::config::make_data_folder(folder)?;
    let guard = File::create(folder.join(LOCK))?;
    guard.try_lock().map_err(|error| match error {
        TryLockError::WouldBlock => OpenError::InUse,
        TryLockError::Error(error) => OpenError::Io(error),
    })?;
    Ok(guard)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
pub(crate) mod tests;
