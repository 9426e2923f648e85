//! One file: what programs see, what is durable, and what lies between.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use crate::storm::dice::Dice;

/// Bytes a disk writes as one.
const SECTOR: usize = 512;

/// Locks of a shared-memory file.
pub const LOCKS: usize = 8;

/// Something done to a file and not made durable yet.
enum Step {
    Write(usize, Vec<u8>),
    Cut(usize),
}

/// A piece of shared memory. It stays as long as a handle that knows its address.
pub type Region = Arc<[AtomicU64]>;

/// Memory that the connections on one database share, with its locks.
#[derive(Default)]
pub struct Shared {
    /// Regions; SQLite reads and writes them by address.
    pub regions: Vec<Region>,
    /// Holders of each lock in shared mode.
    pub shared: [u32; LOCKS],
    /// Whether someone holds each lock alone.
    pub alone: [bool; LOCKS],
    /// Connections that use it.
    pub users: u32,
}

/// One file.
#[derive(Default)]
pub struct Node {
    now: Vec<u8>,
    durable: Vec<u8>,
    steps: Vec<Step>,
    /// Open handles.
    pub handles: u32,
    /// Handles that hold the file shared.
    pub shared: u32,
    /// Whether one is about to write.
    pub reserved: bool,
    /// Whether one waits to be alone.
    pub pending: bool,
    /// Whether one is alone.
    pub exclusive: bool,
    /// The memory beside it.
    pub memory: Shared,
}

impl Node {
    /// A file of this content.
    pub fn durable(bytes: Vec<u8>) -> Self {
        Self {
            now: bytes.clone(),
            durable: bytes,
            ..Self::default()
        }
    }

    /// As programs see it.
    pub fn now(&self) -> &[u8] {
        &self.now
    }

    /// Reads as much as there is; gives how much.
    pub fn read(&self, at: usize, into: &mut [u8]) -> usize {
        let there = self.now.get(at..).unwrap_or_default();
        let count = there.len().min(into.len());
        into[..count].copy_from_slice(&there[..count]);
        into[count..].fill(0);
        count
    }

    /// Writes.
    pub fn write(&mut self, at: usize, bytes: &[u8]) {
        put(&mut self.now, at, bytes);
        self.steps.push(Step::Write(at, bytes.to_vec()));
    }

    /// Cuts off or lengthens.
    pub fn cut(&mut self, length: usize) {
        self.now.resize(length, 0);
        self.steps.push(Step::Cut(length));
    }

    /// Makes durable what was done.
    pub fn sync(&mut self) {
        for step in std::mem::take(&mut self.steps) {
            step.apply(&mut self.durable);
        }
    }

    /// The power went: a part of what was done since the last sync is there. `torn` allows half a
    /// write, once.
    pub fn lose(&mut self, dice: &Dice, torn: &mut bool) {
        let steps = std::mem::take(&mut self.steps);
        if !steps.is_empty() {
            let whole = dice.below(4);
            let first = dice.below(steps.len() + 1);
            for (number, step) in steps.into_iter().enumerate() {
                let kept = match whole {
                    0 => true,
                    1 => number < first,
                    2 => dice.once_in(2),
                    _ => false,
                };
                if kept {
                    step.apply(&mut self.durable);
                } else if *torn && dice.once_in(2) {
                    *torn = !step.tear(&mut self.durable, dice);
                }
            }
        }
        let durable = std::mem::take(&mut self.durable);
        *self = Self::durable(durable);
    }
}

impl Step {
    fn apply(self, content: &mut Vec<u8>) {
        match self {
            Step::Write(at, bytes) => put(content, at, &bytes),
            Step::Cut(length) => content.resize(length, 0),
        }
    }

    /// A run of its sectors reaches the disk. `false` if it has not several.
    fn tear(self, content: &mut Vec<u8>, dice: &Dice) -> bool {
        let Step::Write(at, bytes) = self else {
            return false;
        };
        let (first, end) = (at / SECTOR, (at + bytes.len()).div_ceil(SECTOR));
        if end - first < 2 {
            return false;
        }
        let from = first + dice.below(end - first);
        let to = from + 1 + dice.below(end - from);
        if (from, to) == (first, end) {
            return false;
        }
        let from = (from * SECTOR).max(at);
        let to = (to * SECTOR).min(at + bytes.len());
        put(content, from, &bytes[from - at..to - at]);
        true
    }
}

fn put(content: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    let end = at + bytes.len();
    if content.len() < end {
        content.resize(end, 0);
    }
    content[at..end].copy_from_slice(bytes);
}
