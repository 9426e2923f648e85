//! What the demo remembers between runs: its seed, its day, which parts of the story are told, and
//! under which ids. A small JSON file in the data folder; also the mark of a folder that is a demo.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::values::fresh;

/// The file in the data folder.
pub const FILE: &str = "demo.json";

/// The memory, shared by the threads of one run.
#[derive(Debug)]
pub struct Memory {
    path: PathBuf,
    kept: Mutex<Kept>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Kept {
    /// Every choice follows from it.
    seed: u64,
    /// The day of the story, `YYYY-MM-DD`.
    day: String,
    /// How many clients the care company has.
    clients: usize,
    /// How often the demo has been started on this folder.
    runs: u32,
    /// Parts of the story told to their end.
    told: BTreeSet<String>,
    /// What happened on the day, a sentence each.
    sentences: Vec<String>,
    /// Ids of documents, subjects, items, by label.
    ids: BTreeMap<String, String>,
}

impl Memory {
    /// A new story in this folder.
    pub fn begin(folder: &Path, seed: u64, day: Date, clients: usize) -> io::Result<Self> {
        let kept = Kept {
            seed,
            day: day.to_string(),
            clients,
            runs: 0,
            told: BTreeSet::new(),
            sentences: Vec::new(),
            ids: BTreeMap::new(),
        };
        let memory = Self {
            path: folder.join(FILE),
            kept: Mutex::new(kept),
        };
        memory.write(&memory.kept())?;
        Ok(memory)
    }

    /// The story this folder holds, if it is a demo's.
    pub fn open(folder: &Path) -> io::Result<Option<Self>> {
        let path = folder.join(FILE);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let kept = Mutex::new(serde_json::from_str(&text).map_err(io::Error::other)?);
        Ok(Some(Self { path, kept }))
    }

    /// Counts this start and gives its number, from 1.
    pub fn start(&self) -> io::Result<u32> {
        let mut kept = self.kept();
        kept.runs += 1;
        self.write(&kept)?;
        Ok(kept.runs)
    }

    /// The seed.
    pub fn seed(&self) -> u64 {
        self.kept().seed
    }

    /// The day of the story.
    pub fn day(&self) -> Date {
        // Only ever written from a date; a file tampered with reads as the first day there was.
        self.kept().day.parse().unwrap_or(Date::ZERO)
    }

    /// How many clients.
    pub fn clients(&self) -> usize {
        self.kept().clients
    }

    /// Whether this part of the story was told to its end, by an earlier run perhaps.
    pub fn told(&self, part: &str) -> bool {
        self.kept().told.contains(part)
    }

    /// This part was told to its end.
    pub fn tell(&self, part: &str) -> io::Result<()> {
        let mut kept = self.kept();
        kept.told.insert(part.to_owned());
        self.write(&kept)
    }

    /// The sentences told so far, by this run or by one that was cut short.
    pub fn sentences(&self) -> Vec<String> {
        self.kept().sentences.clone()
    }

    /// Remembers a sentence; one told before it was cut short is not told twice.
    pub fn say(&self, sentence: &str) -> io::Result<()> {
        let mut kept = self.kept();
        if !kept.sentences.iter().any(|told| told == sentence) {
            kept.sentences.push(sentence.to_owned());
        }
        self.write(&kept)
    }

    /// The id under this label, if there is one.
    pub fn find(&self, label: &str) -> Option<String> {
        self.kept().ids.get(label).cloned()
    }

    /// The id under this label; a fresh one if there is none yet.
    pub fn id(&self, label: &str) -> io::Result<String> {
        let mut kept = self.kept();
        if let Some(id) = kept.ids.get(label) {
            return Ok(id.clone());
        }
        let id = fresh();
        kept.ids.insert(label.to_owned(), id.clone());
        self.write(&kept)?;
        Ok(id)
    }

    /// Remembers an id.
    pub fn keep(&self, label: &str, id: &str) -> io::Result<()> {
        let mut kept = self.kept();
        kept.ids.insert(label.to_owned(), id.to_owned());
        self.write(&kept)
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Beside and over: a crash leaves the old file or the new one.
    fn write(&self, kept: &Kept) -> io::Result<()> {
        let beside = self.path.with_extension("json.new");
        fs::write(&beside, serde_json::to_vec(kept).map_err(io::Error::other)?)?;
        fs::rename(&beside, &self.path)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that fails should say where")]
    use super::*;

    #[test]
    fn what_was_told_stays_told_in_the_next_run() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Memory::open(folder.path()).unwrap().is_none());
        let day = jiff::civil::date(2026, 11, 21);
        let memory = Memory::begin(folder.path(), 7, day, 40).unwrap();
        let id = memory.id("subject/1").unwrap();
        memory.tell("contracts").unwrap();
        assert_eq!(memory.start().unwrap(), 1);
        drop(memory);

        let memory = Memory::open(folder.path()).unwrap().unwrap();
        assert_eq!(
            (memory.seed(), memory.day(), memory.clients()),
            (7, day, 40)
        );
        assert!(memory.told("contracts") && !memory.told("history"));
        assert_eq!(memory.id("subject/1").unwrap(), id);
        assert_eq!(memory.start().unwrap(), 2);
    }
}
