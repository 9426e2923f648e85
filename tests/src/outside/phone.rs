//! What a phone process does: one thread writes and reads, another syncs, and everything told to
//! them is told on.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::json;
use sopu_core::device::documents::Opened;
use sopu_core::device::errand::Errand;
use sopu_core::device::exchange::sync_shared;
use sopu_core::device::{Device, DeviceError};
use sopu_core::documents::Kind;
use sopu_core::id::DocId;
use sopu_core::store::document;
use sopu_core::store::outbox::{self, Stage};
use sopu_core::time::{Env, SystemEnv};
use sopu_core::transport::http::HttpTransport;

use super::process::tell;
use crate::history::{Event, What, mark, marks_in, now_ns, number_of};
use crate::storm::dice::Dice;

/// Longer texts are left alone, and a new document is made.
const LONG: usize = 900;

/// Documents at most, all phones together.
const MOST: usize = 24;

/// With fewer documents, one is made.
const FEW: usize = 3;

/// How long settling may go without any headway.
const CALM: Duration = Duration::from_secs(90);

/// One phone process.
pub struct PhoneLoop {
    name: String,
    transport: HttpTransport,
    device: Mutex<Device>,
    dice: Dice,
    ops: AtomicU64,
    next_mark: AtomicU64,
    /// The end of this phone's marks.
    last_mark: u32,
    /// Own marks of which the relay has not said that they are in the feed.
    pending: Mutex<BTreeMap<DocId, Pending>>,
}

#[derive(Default)]
struct Pending {
    /// Saved.
    here: BTreeSet<char>,
    /// Told to be at the relay.
    there: BTreeSet<char>,
}

/// Marks one phone may use.
pub const MARKS: u32 = 10_000;

impl PhoneLoop {
    /// Opens the store in `folder`, enrolling at the first start.
    pub fn open(
        name: &str,
        folder: &Path,
        relay: &str,
        code: &str,
        seed: u64,
        first_mark: u32,
    ) -> Self {
        std::fs::create_dir_all(folder).expect("a folder");
        let mut device = open(folder).expect("the store opens");
        let transport = HttpTransport::new(relay);
        if device.identity().is_err() {
            device.enrol(&transport, code, name).expect("enrols");
            device.sync(&transport).expect("syncs");
        }
        let from = first_mark / MARKS * MARKS;
        let last_mark = from + MARKS;
        let phone = Self {
            name: name.to_owned(),
            transport,
            device: Mutex::new(device),
            dice: Dice::new(seed),
            // Numbers of an earlier life of the process must not come again.
            ops: AtomicU64::new(now_ns()),
            next_mark: AtomicU64::new(first_mark.into()),
            last_mark,
            pending: Mutex::default(),
        };
        // What an earlier life of the process saved: perhaps it was killed before it could tell.
        for doc in phone.docs() {
            let opened = phone.device().read(doc).expect("reads");
            let mine = |letter: &char| {
                number_of(*letter).is_some_and(|number| (from..last_mark).contains(&number))
            };
            let here: BTreeSet<char> = text(&opened).chars().filter(mine).collect();
            let there = BTreeSet::new();
            phone.pending().insert(doc, Pending { here, there });
        }
        phone
    }

    fn device(&self) -> MutexGuard<'_, Device> {
        self.device.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self, what: What) -> u64 {
        let op = self.ops.fetch_add(1, Ordering::Relaxed);
        self.tell(op, what);
        op
    }

    fn tell(&self, op: u64, what: What) {
        tell(&Event {
            at_ns: now_ns(),
            replica: self.name.clone(),
            op,
            what,
        });
    }

    /// Writes, reads and syncs until it is killed.
    pub fn work(&self) {
        std::thread::scope(|scope| {
            scope.spawn(|| {
                loop {
                    let wait_ms = if self.dice.once_in(3) { 300 } else { 0 };
                    let _ = self.sync(wait_ms);
                    std::thread::sleep(Duration::from_millis(self.dice.below(60) as u64));
                }
            });
            loop {
                self.step();
                std::thread::sleep(Duration::from_millis(self.dice.below(40) as u64));
            }
        });
    }

    /// Syncs until nothing of one's own is unsettled and nothing new comes.
    pub fn settle(&self) {
        let (mut moved, mut before) = (Instant::now(), None);
        let mut quiet = 0;
        while quiet < 2 {
            let complete = self.sync(0);
            let backlog = self.device().backlog().expect("reads");
            let seqs: Vec<u64> = self.seqs();
            if before.replace((backlog, seqs.clone())) != Some((backlog, seqs)) {
                moved = Instant::now();
            }
            let drained = backlog == outbox::Progress::default();
            quiet = if complete == Ok(true) && drained {
                quiet + 1
            } else {
                0
            };
            assert!(moved.elapsed() < CALM, "settles: {backlog:?}, {complete:?}");
            if quiet == 0 {
                std::thread::sleep(Duration::from_millis(50));
            }
        }
    }

    /// How far it has come in each space.
    fn seqs(&self) -> Vec<u64> {
        let spaces = self.device().spaces().expect("reads");
        let cursors = spaces.into_iter().filter_map(|space| space.cursor);
        cursors.map(|cursor| cursor.seq).collect()
    }

    /// Tells what it holds of every document.
    pub fn end(&self) {
        for doc in self.docs() {
            let opened = self.device().read(doc).expect("reads");
            self.begin(What::Ending {
                doc: doc.to_string(),
                marks: text(&opened),
                digest: digest(&opened),
            });
        }
        self.begin(What::Ended);
    }

    fn docs(&self) -> Vec<DocId> {
        let device = self.device();
        document::ids(device.store().conn(), None, None, 1_000).expect("reads")
    }

    fn step(&self) {
        let docs = self.docs();
        if docs.len() < FEW || (docs.len() < MOST && self.dice.once_in(400)) {
            return self.create();
        }
        let doc = docs[self.dice.below(docs.len())];
        let Some(opened) = self.read(doc) else { return };
        if self.dice.below(10) < 7 {
            self.save(&opened);
        }
    }

    fn read(&self, doc: DocId) -> Option<Opened> {
        let name = doc.to_string();
        let op = self.begin(What::Reading { doc: name.clone() });
        let (opened, seq) = {
            let device = self.device();
            let opened = device.read(doc).expect("what was listed can be read");
            let spaces = device.spaces().expect("reads");
            let space = spaces.into_iter().find(|space| space.id == opened.space);
            let cursor = space.and_then(|space| space.cursor);
            // During a first sync the cursor names where it will end.
            let whole = cursor.filter(|cursor| cursor.first.is_none());
            (opened, whole.map(|cursor| cursor.seq))
        };
        self.tell(
            op,
            What::Read {
                doc: name,
                marks: text(&opened),
                seq,
            },
        );
        Some(opened)
    }

    fn fresh(&self) -> Option<char> {
        let number = self.next_mark.fetch_add(1, Ordering::Relaxed);
        let number = u32::try_from(number).ok()?;
        mark(number).filter(|_| number < self.last_mark)
    }

    fn pending(&self) -> MutexGuard<'_, BTreeMap<DocId, Pending>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn saved(&self, op: u64, doc: DocId, mark: char) {
        self.tell(op, What::Saved { mark });
        self.pending().entry(doc).or_default().here.insert(mark);
    }

    fn create(&self) {
        let mut device = self.device();
        let spaces = device.spaces().expect("reads");
        if spaces.is_empty() {
            return;
        }
        let space = spaces[self.dice.below(spaces.len())].id;
        let value = json!({ "summary": "", "status": "planned" });
        let Ok((doc, saved)) = device.create(space, Kind::VisitNote, &value) else {
            return;
        };
        // Told as soon as it is taken: the next life of this process goes on from what was told.
        let Some(letter) = self.fresh() else { return };
        let op = self.begin(What::Saving {
            doc: doc.to_string(),
            mark: letter,
            saw: String::new(),
        });
        let value = json!({ "summary": letter.to_string(), "status": "planned" });
        let saved = device.save(doc, &saved.version, &value);
        drop(device);
        match saved {
            Ok(_) => self.saved(op, doc, letter),
            Err(error) => {
                let reason = code(&error);
                self.tell(op, What::Failed { reason });
            }
        }
    }

    /// Saves in the form that was opened, which a sync may have overtaken meanwhile.
    fn save(&self, opened: &Opened) {
        let saw = text(opened);
        if saw.chars().count() > LONG {
            return;
        }
        let Some(letter) = self.fresh() else { return };
        let mut letters: Vec<char> = saw.chars().collect();
        let at = match self.dice.below(3) {
            0 => self.dice.below(letters.len() + 1),
            _ => letters.len(),
        };
        letters.insert(at, letter);
        let mut value = opened.value.clone();
        value["summary"] = json!(letters.into_iter().collect::<String>());
        match self.dice.below(6) {
            0 => value["km"] = json!(self.dice.below(90).to_string()),
            1 => value["outcome"] = json!(["partial", "as_planned"][self.dice.below(2)]),
            _ => {}
        }
        let doc = opened.doc;
        let op = self.begin(What::Saving {
            doc: doc.to_string(),
            mark: letter,
            saw,
        });
        let saved = self.device().save(doc, &opened.version, &value);
        match saved {
            Ok(_) => self.saved(op, doc, letter),
            Err(error) => {
                let reason = code(&error);
                self.tell(op, What::Failed { reason });
            }
        }
    }

    /// Syncs, and says whether the relay had no more, or why that came to nothing.
    fn sync(&self, wait_ms: u32) -> Result<bool, String> {
        let op = self.begin(What::Syncing);
        let errand = Errand {
            wait_ms,
            ..Errand::sync(50)
        };
        let identity = self.device().identity();
        let done = identity.and_then(|identity| {
            sync_shared(&self.device, &self.transport, identity.device, errand)
        });
        let (what, complete) = match &done {
            Ok(report) => {
                let complete = !report.more;
                (What::Synced { complete }, Ok(complete))
            }
            Err(error) => {
                let reason = code(error);
                let told = Err(format!("{reason}: {error:?}"));
                (What::Failed { reason }, told)
            }
        };
        self.tell(op, what);
        self.tell_progress();
        complete
    }

    /// What the relay has said of one's own marks since the last time.
    fn tell_progress(&self) {
        let (mut acknowledged, mut settled) = (String::new(), String::new());
        let mut pending = self.pending();
        for (doc, marks) in pending.iter_mut() {
            if marks.here.is_empty() && marks.there.is_empty() {
                continue;
            }
            // Asked after they were saved: what it says is of them too.
            let stage = self.device().progress(*doc).expect("reads").stage();
            if stage >= Some(Stage::Server) {
                acknowledged.extend(&marks.here);
                marks.there.append(&mut marks.here);
            }
            if stage >= Some(Stage::Record) {
                settled.extend(std::mem::take(&mut marks.there));
            }
        }
        drop(pending);
        if !acknowledged.is_empty() {
            let marks = acknowledged;
            self.begin(What::Acknowledged { marks });
        }
        if !settled.is_empty() {
            let marks = settled;
            self.begin(What::Settled { marks });
        }
    }
}

/// The texts of a device that was made before.
///
/// # Errors
/// What the device says.
pub fn held(folder: &Path) -> Result<Vec<String>, DeviceError> {
    let device = open(folder)?;
    let docs = document::ids(device.store().conn(), None, None, 1_000)?;
    let text = |doc| {
        let opened = device.read(doc)?;
        let text = opened.value["summary"].as_str().unwrap_or_default();
        Ok(text.to_owned())
    };
    docs.into_iter().map(text).collect()
}

/// The device of a folder, with the key that is kept there.
fn open(folder: &Path) -> Result<Device, DeviceError> {
    let env: Arc<dyn Env> = Arc::new(SystemEnv);
    let key_file = folder.join("keystore");
    let key = std::fs::read(&key_file).ok();
    let key = key.and_then(|key| key.try_into().ok()).unwrap_or_else(|| {
        let key = Device::new_key(&*env);
        std::fs::write(&key_file, key).expect("the keystore");
        key
    });
    let store = folder.join("store.db");
    Device::open(&store, &folder.join("no-backup"), key, env)
}

fn text(opened: &Opened) -> String {
    marks_in(opened.value["summary"].as_str().unwrap_or_default())
}

fn digest(opened: &Opened) -> String {
    let conflicts: Vec<_> = opened
        .conflicts
        .iter()
        .map(|conflict| {
            let values: Vec<_> = conflict
                .values
                .iter()
                .map(|v| (&v.value, v.change))
                .collect();
            (&conflict.path, values)
        })
        .collect();
    let all = format!("{:?} {} {conflicts:?}", opened.version, opened.value);
    let mut hasher = DefaultHasher::new();
    all.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

fn code(error: &DeviceError) -> String {
    match error {
        DeviceError::Offline => "offline".to_owned(),
        DeviceError::Busy { .. } => "busy".to_owned(),
        DeviceError::BadAnswer => "bad_answer".to_owned(),
        DeviceError::Refused { code } => format!("refused_{code}"),
        DeviceError::Stale => "stale_version".to_owned(),
        DeviceError::Store(error) if error.is_no_room() => "no_room".to_owned(),
        DeviceError::NotEnrolled
        | DeviceError::Stopped
        | DeviceError::Superseded
        | DeviceError::Insecure
        | DeviceError::NotFound(_)
        | DeviceError::BadValue { .. }
        | DeviceError::Problems(..)
        | DeviceError::Store(_)
        | DeviceError::InstanceFile
        | DeviceError::SpaceEnded { .. }
        | DeviceError::LeaseEnded { .. }
        | DeviceError::Internal(_) => format!("{error}"),
    }
}
