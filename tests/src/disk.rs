//! Disks in memory that lose what was not synced when their power goes.
//!
//! A [`Disk`] is the disk of one machine: every SQLite file below its folder lives in it (see
//! [`vfs`]), and any other file a program opens with [`Disk::open`]. It knows of each file what
//! programs see and what would be there after a power cut: the content at the last sync, then any
//! part of what was written since, in any order, and perhaps half of one write. A file that was
//! made or deleted since may or may not be there.
//!
//! The promises a disk does keep are those SQLite and journalling file systems rest on: what was
//! synced stays; a sync also keeps all names made and deleted before it, of whatever file; a write
//! touches no bytes beside its own.

pub mod file;
mod node;
mod registry;
#[expect(unsafe_code, reason = "SQLite's interface for file systems is C")]
pub mod vfs;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::storm::dice::Dice;
use node::Node;

pub use file::DiskFile;

/// What a disk is asked to do that can go wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Io {
    /// Reading.
    Read,
    /// Writing, cutting off, making and deleting files.
    Write,
    /// Making durable.
    Sync,
}

/// Why the disk did not do it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DiskError {
    /// The power is gone, or this handle was opened before it went.
    Dead,
    /// It failed this once.
    Failed,
    /// There is no room.
    Full,
    /// It may not be written.
    ReadOnly,
    /// There is no such file.
    Missing,
}

/// How a power cut treats what was not synced.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Loss {
    /// Whole writes are kept or lost.
    Whole,
    /// One of them is kept in part, by sectors.
    Torn,
}

/// What a disk has done and suffered.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub struct Counts {
    /// Writes.
    pub writes: u64,
    /// Syncs.
    pub syncs: u64,
    /// Reads, writes and syncs that failed once.
    pub failed: u64,
    /// Writes refused for want of room.
    pub full: u64,
    /// Writes and syncs refused because it may not be written.
    pub read_only: u64,
}

/// All files of a disk, as a copy takes them.
pub type Files = BTreeMap<String, Vec<u8>>;

/// The disk of one machine.
pub struct Disk {
    folder: PathBuf,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Rises with every power cut: older handles are dead.
    boot: u32,
    dead: bool,
    nodes: Vec<Node>,
    names: BTreeMap<String, usize>,
    durable: BTreeMap<String, usize>,
    cut: Option<(Io, u64)>,
    fault: Option<(Io, u64)>,
    full: Option<(u64, u64)>,
    read_only: bool,
    syncs_lie: bool,
    counts: Counts,
}

impl Disk {
    /// An empty disk; SQLite finds it by its folder, which need not exist elsewhere.
    pub fn new(folder: &Path) -> Arc<Self> {
        vfs::install();
        let disk = Arc::new(Self {
            folder: folder.to_owned(),
            state: Mutex::default(),
        });
        registry::add(&disk);
        disk
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Opens a file of this disk that is not SQLite's, making it if it is missing.
    ///
    /// # Errors
    /// [`DiskError`].
    pub fn open(self: &Arc<Self>, name: &str) -> Result<DiskFile, DiskError> {
        let path = self.folder.join(name);
        let (node, boot) = self.find_or_make(&path.to_string_lossy(), true)?;
        Ok(DiskFile::new(Arc::clone(self), node, boot))
    }

    /// The power goes at the `n`-th write or sync from now, counted from 0.
    pub fn cut_power_at(&self, io: Io, n: u64) {
        self.lock().cut = Some((io, n));
    }

    /// The power goes now.
    pub fn cut_power(&self) {
        self.lock().dead = true;
    }

    /// No cut is planned any more.
    pub fn keep_power(&self) {
        self.lock().cut = None;
    }

    /// Whether the power is gone.
    pub fn is_dead(&self) -> bool {
        self.lock().dead
    }

    /// The `n`-th read, write or sync from now fails, once.
    pub fn fail_at(&self, io: Io, n: u64) {
        self.lock().fault = Some((io, n));
    }

    /// There is no room any more after `room` more writes, until `refused` were refused.
    pub fn fill(&self, room: u64, refused: u64) {
        self.lock().full = Some((room, refused));
    }

    /// From now on it may not be written, as a file system that met an error is mounted anew: also files
    /// that are open are neither written, cut off nor synced, and none is made or deleted. Or again it may.
    pub fn set_read_only(&self, read_only: bool) {
        self.lock().read_only = read_only;
    }

    /// Whether it may not be written.
    pub fn is_read_only(&self) -> bool {
        self.lock().read_only
    }

    /// No fault is planned any more, and there is room.
    pub fn mend(&self) {
        let mut state = self.lock();
        state.fault = None;
        state.full = None;
    }

    /// From now on a sync does nothing and says it did: what a world without fsync would be.
    pub fn lie_about_syncs(&self) {
        self.lock().syncs_lie = true;
    }

    /// Whether it lies about syncs.
    pub fn lies(&self) -> bool {
        self.lock().syncs_lie
    }

    /// What it has done and suffered.
    pub fn counts(&self) -> Counts {
        self.lock().counts
    }

    /// The power comes back: of what was not synced, chance keeps a part.
    pub fn power_up(&self, dice: &Dice, loss: Loss) {
        let mut state = self.lock();
        state.boot += 1;
        (state.dead, state.cut) = (false, None);
        let State {
            nodes,
            names,
            durable,
            ..
        } = &mut *state;
        let mut torn = loss == Loss::Torn;
        for node in nodes.iter_mut() {
            node.lose(dice, &mut torn);
        }
        // Names made or deleted since the last sync.
        let seen: Vec<String> = names.keys().chain(durable.keys()).cloned().collect();
        for name in seen {
            let (now, then) = (names.get(&name).copied(), durable.get(&name).copied());
            if now == then || dice.once_in(2) {
                continue;
            }
            match then {
                Some(node) => names.insert(name, node),
                None => names.remove(&name),
            };
        }
        durable.clone_from(names);
        state.tidy();
    }

    /// A copy of all files as programs see them.
    pub fn files(&self) -> Files {
        let state = self.lock();
        let one = |(name, node): (&String, &usize)| {
            let short = name.strip_prefix(&*self.prefix()).unwrap_or(name);
            (short.to_owned(), state.nodes[*node].now().to_vec())
        };
        state.names.iter().map(one).collect()
    }

    /// Makes these all the files there are, durably. Handles opened before are dead.
    pub fn put_files(&self, files: &Files) {
        let mut state = self.lock();
        state.boot += 1;
        (state.dead, state.cut) = (false, None);
        state.nodes.clear();
        state.names.clear();
        for (name, bytes) in files {
            let node = state.nodes.len();
            state.nodes.push(Node::durable(bytes.clone()));
            state.names.insert(format!("{}{name}", self.prefix()), node);
        }
        state.durable = state.names.clone();
    }

    fn prefix(&self) -> String {
        format!("{}/", self.folder.to_string_lossy())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find_or_make(&self, path: &str, make: bool) -> Result<(usize, u32), DiskError> {
        let mut state = self.lock();
        if state.dead {
            return Err(DiskError::Dead);
        }
        let boot = state.boot;
        if let Some(node) = state.names.get(path).copied() {
            state.nodes[node].handles += 1;
            return Ok((node, boot));
        }
        if !make {
            return Err(DiskError::Missing);
        }
        state.may(Io::Write)?;
        let node = state.nodes.len();
        state.nodes.push(Node::default());
        state.nodes[node].handles = 1;
        state.names.insert(path.to_owned(), node);
        Ok((node, boot))
    }

    fn delete(&self, path: &str, durably: bool) -> Result<(), DiskError> {
        let mut state = self.lock();
        state.may(Io::Write)?;
        state.names.remove(path).ok_or(DiskError::Missing)?;
        if durably {
            state.may(Io::Sync)?;
            state.durable.remove(path);
        }
        state.tidy();
        Ok(())
    }

    /// The length of a file, if it is there.
    fn length(&self, path: &str) -> Result<Option<usize>, DiskError> {
        let state = self.lock();
        if state.dead {
            return Err(DiskError::Dead);
        }
        Ok(state
            .names
            .get(path)
            .map(|node| state.nodes[*node].now().len()))
    }

    fn on<T>(
        &self,
        at: (usize, u32),
        io: Option<Io>,
        work: impl FnOnce(&mut Node) -> T,
    ) -> Result<T, DiskError> {
        let (node, boot) = at;
        let mut state = self.lock();
        if state.boot != boot || state.dead {
            return Err(DiskError::Dead);
        }
        if let Err(error) = io.map_or(Ok(()), |io| state.may(io)) {
            if error == DiskError::Dead && io == Some(Io::Write) {
                // It was under way when the power went: it may be there afterwards, or a part.
                work(&mut state.nodes[node]);
            }
            return Err(error);
        }
        if io == Some(Io::Sync) {
            state.sync(node);
        }
        Ok(work(&mut state.nodes[node]))
    }

    fn close(&self, at: (usize, u32)) {
        let (node, boot) = at;
        let mut state = self.lock();
        if state.boot == boot {
            state.nodes[node].handles -= 1;
            state.tidy();
        }
    }
}

impl State {
    /// Whether it goes well this time.
    fn may(&mut self, io: Io) -> Result<(), DiskError> {
        if self.dead {
            return Err(DiskError::Dead);
        }
        match io {
            Io::Read => {}
            Io::Write => self.counts.writes += 1,
            Io::Sync => self.counts.syncs += 1,
        }
        if due(&mut self.cut, io) {
            self.dead = true;
            return Err(DiskError::Dead);
        }
        if self.read_only && io != Io::Read {
            self.counts.read_only += 1;
            return Err(DiskError::ReadOnly);
        }
        if due(&mut self.fault, io) {
            self.counts.failed += 1;
            return Err(DiskError::Failed);
        }
        if io == Io::Write
            && let Some((room, refused)) = &mut self.full
        {
            if *room > 0 {
                *room -= 1;
            } else if *refused > 0 {
                *refused -= 1;
                self.counts.full += 1;
                return Err(DiskError::Full);
            } else {
                self.full = None;
            }
        }
        Ok(())
    }

    fn sync(&mut self, node: usize) {
        if self.syncs_lie {
            return;
        }
        self.nodes[node].sync();
        if self.durable != self.names {
            self.durable.clone_from(&self.names);
            self.tidy();
        }
    }

    /// Empties files nobody can reach any more.
    fn tidy(&mut self) {
        let State {
            nodes,
            names,
            durable,
            ..
        } = self;
        for (at, node) in nodes.iter_mut().enumerate() {
            let named = names.values().chain(durable.values()).any(|n| *n == at);
            if !named && node.handles == 0 {
                *node = Node::default();
            }
        }
    }
}

/// Counts down to a planned event.
fn due(plan: &mut Option<(Io, u64)>, io: Io) -> bool {
    match plan {
        Some((planned, 0)) if *planned == io => {
            *plan = None;
            true
        }
        Some((planned, left)) if *planned == io => {
            *left -= 1;
            false
        }
        Some(_) | None => false,
    }
}
