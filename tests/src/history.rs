//! What clients asked and were answered, written down as it happened, so that it can be judged
//! afterwards from the outside alone.
//!
//! A history is a file of JSON lines, one [`Event`] each. Every save puts one letter of its own, a
//! *mark*, into the text of one document: so each document is a list that everyone appends to and
//! reads, and it can be told of each save where it is seen, in which order, and how often.
//! [`checker`] judges.

use std::io::{self, BufRead, Write};

use serde::{Deserialize, Serialize};

pub mod checker;
mod facts;
mod order;

pub use checker::{Fault, check};

/// One line of a history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// The machine's monotonic clock, nanoseconds: one clock for all processes on it.
    pub at_ns: u64,
    /// Whose store answered: one name a device, `office` for every reader of the office pages.
    pub replica: String,
    /// Joins an invocation with its completion, within one replica.
    pub op: u64,
    /// What happened.
    #[serde(flatten)]
    pub what: What,
}

/// Asked, answered, refused, or never known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum What {
    /// A save begins.
    Saving {
        /// In which document.
        doc: String,
        /// The letter.
        mark: char,
        /// What the form showed: the save depends on these.
        saw: String,
    },
    /// The save returned: it is durable on the device.
    Saved {
        /// The letter.
        mark: char,
    },
    /// A read begins.
    Reading {
        /// Of which document.
        doc: String,
    },
    /// What was read.
    Read {
        /// Of which document.
        doc: String,
        /// The marks in the order they stand.
        marks: String,
        /// How far the replica has come in the feed of the space, if it says.
        seq: Option<u64>,
    },
    /// A sync begins.
    Syncing,
    /// It ended well.
    Synced {
        /// There was nothing more to exchange.
        complete: bool,
    },
    /// The relay says it has these: told once each.
    Acknowledged {
        /// The letters.
        marks: String,
    },
    /// These have their place in the feed: told once each.
    Settled {
        /// The letters.
        marks: String,
    },
    /// An operation did not work, for this reason; what it did is not known.
    Failed {
        /// A code.
        reason: String,
    },
    /// The replica's store is gone for good.
    Gone,
    /// What a replica holds when all is quiet.
    Ending {
        /// Of which document.
        doc: String,
        /// The marks in the order they stand.
        marks: String,
        /// Over version, content and conflicts; empty where only marks can be seen.
        digest: String,
    },
    /// The replica has told of every document it holds, also if that is none.
    Ended,
}

/// Now on the machine's monotonic clock, nanoseconds.
pub fn now_ns() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    let (seconds, nanos) = (now.tv_sec.unsigned_abs(), now.tv_nsec.unsigned_abs());
    seconds * 1_000_000_000 + nanos
}

/// First letter and how many: letters that stand for themselves under every normalisation.
const LETTERS: [(u32, u32); 2] = [(0x4E00, 20_900), (0x2_0000, 42_700)];

/// The n-th mark. `None` when there are no more.
pub fn mark(number: u32) -> Option<char> {
    let mut left = number;
    for (first, count) in LETTERS {
        if left < count {
            return char::from_u32(first + left);
        }
        left -= count;
    }
    None
}

/// Which mark a letter is, if it is one.
pub fn number_of(letter: char) -> Option<u32> {
    let mut before = 0;
    for (first, count) in LETTERS {
        let at = u32::from(letter).checked_sub(first);
        if let Some(at) = at.filter(|at| *at < count) {
            return Some(before + at);
        }
        before += count;
    }
    None
}

/// The marks in a text, in order.
pub fn marks_in(text: &str) -> String {
    text.chars()
        .filter(|letter| number_of(*letter).is_some())
        .collect()
}

/// Writes one event as a line.
///
/// # Errors
/// The writer's.
pub fn write(event: &Event, out: &mut dyn Write) -> io::Result<()> {
    let mut line = serde_json::to_string(event)?;
    line.push('\n');
    // In one piece: a process that is killed leaves whole lines.
    out.write_all(line.as_bytes())?;
    out.flush()
}

/// Reads a history, ordered by time.
///
/// # Errors
/// The reader's; a line that is no event.
pub fn read(from: impl BufRead) -> io::Result<Vec<Event>> {
    let mut events: Vec<Event> = Vec::new();
    for line in from.lines() {
        events.push(serde_json::from_str(&line?)?);
    }
    events.sort_by_key(|event| event.at_ns);
    Ok(events)
}
