//! What a person did.

use automerge::{ROOT, ReadDoc};
use serde_json::Value;
use sopu_core::id::DocId;

/// One edit: what one save wrote.
#[derive(Clone, Debug)]
pub struct Edit {
    /// In which document.
    pub doc: DocId,
    /// By which family of devices: copies of one store are one.
    pub by: usize,
    /// When, by the device's clock; no other edit has this time.
    pub at_ms: i64,
    /// What it wrote.
    pub writes: Vec<Write>,
    /// The save returned. If not, the edit may be there or not.
    pub sure: bool,
    /// The store it was saved in went back to before it: nobody can say whether it still arrives.
    pub lost: bool,
    /// A sync said that the relay has it.
    pub delivered: bool,
    /// By one who does harm on purpose: nothing is promised of it.
    pub hostile: bool,
}

/// One thing an edit wrote. Paths are those of the JSON form.
#[derive(Clone, Debug, PartialEq)]
pub enum Write {
    /// The later of two writes reads, where neither had seen the other either may.
    Last(String, Value),
    /// Writes that had not seen each other are all kept.
    Multi(String, Value),
    /// True if any that nobody has seen is.
    Flag(String, bool),
    /// The greatest of those nobody has seen, by this order.
    Greatest(String, usize, &'static [&'static str]),
    /// Put into a set.
    In(String, String),
    /// Taken out of a set.
    Out(String, String),
    /// An entry of a log.
    Entry(String, String, Value),
    /// A status raised: round and rank in this list.
    Raise(String, u16, usize, &'static [&'static str]),
    /// An item made or brought back (false), or hidden (true).
    Item(String, String, bool),
    /// A letter put into a text, between these two.
    Letter {
        /// Of the text.
        path: String,
        /// Which.
        letter: char,
        /// The one before it, if it was not the first.
        after: Option<char>,
        /// The one after it, if it was not the last.
        before: Option<char>,
    },
}

impl Edit {
    /// Whether it only raises statuses, and each mark that it would leave is there, somebody else's.
    pub fn only_raises_what_stands(&self, doc: &impl ReadDoc) -> bool {
        self.writes.iter().all(|write| {
            let Write::Raise(path, round, rank, _) = write else {
                return false;
            };
            let marks = doc.get(ROOT, path.as_str());
            let Ok(Some((_, marks))) = marks else {
                return false;
            };
            let mark = doc.get(marks, format!("{round:04}/{rank:02}"));
            mark.is_ok_and(|mark| mark.is_some())
        })
    }
}

impl Write {
    /// What later writes to the same place take the place of.
    pub fn place(&self) -> (&str, &str) {
        match self {
            Self::Last(path, _)
            | Self::Multi(path, _)
            | Self::Flag(path, _)
            | Self::Greatest(path, ..)
            | Self::Raise(path, ..)
            | Self::Letter { path, .. } => (path, ""),
            Self::In(path, key)
            | Self::Out(path, key)
            | Self::Entry(path, key, _)
            | Self::Item(path, key, _) => (path, key),
        }
    }
}
