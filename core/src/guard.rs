//! What stands between outside bytes and Automerge.
//!
//! A checksum-valid change of 69 bytes can claim ten million operations and cost 20 seconds and
//! gigabytes to apply; one operation can hide a whole container; a counter near 2³² makes every
//! later honest save panic. So nothing from outside meets `automerge` unchecked:
//!
//! * the *static guard* ([`check_change`], [`check_run`]) reads the bytes alone and loads no
//!   document. The relay runs it in the request, the device before anything else, and before each
//!   of its own saves, so that nothing is written that the relay must refuse;
//! * the *trial guard* ([`trial`]) applies a run to a copy of the document and looks whether what
//!   comes out still saves, loads and can be edited.
//!
//! The static guard knows objects by genesis ids only. Inside items it cannot know what it sees;
//! there the reader is total instead.

use std::fmt;

use crate::chunk::{Chunk, Made};
use crate::documents::Kind;
use crate::genesis::genesis;
use crate::id::Hash;

mod author;
mod columns;
mod file;
mod framed;
mod limits;
mod ops;
mod rules;
mod run;
mod trial;

pub use author::{Author, LEVELS};
pub use file::open_file;
#[cfg(any(test, feature = "testing"))]
pub use file::open_file_here;
pub use framed::{Damage, load_framed};
pub use limits::{Bounds, COUNTER_END, Limits};
pub use run::{base_actor, check_run};
pub use trial::{Doubt, Tried, trial, try_changes};

pub(crate) use columns::rows as count_rows;
pub(crate) use run::{Shape, check_run_of};
pub(crate) use trial::try_checked;

/// Why outside bytes were not let in. The code is for records and translations; it says what was
/// wrong and never what the bytes contained.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Refusal {
    /// Short, stable, `snake_case`.
    pub code: &'static str,
}

impl Refusal {
    /// A refusal of this code.
    pub const fn new(code: &'static str) -> Self {
        Self { code }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code)
    }
}

impl std::error::Error for Refusal {}

/// What the static guard learned of one change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// Recomputed from the bytes.
    pub hash: Hash,
    /// The changes it depends on, ascending; genesis among them if it is.
    pub deps: Vec<Hash>,
    /// Who wrote it.
    pub author: Author,
    /// The author's how-manieth change, from 1.
    pub seq: u64,
    /// Counter of its first operation.
    pub start_op: u64,
    /// Counter of its last operation.
    pub max_op: u64,
    /// The author's clock as written in the change; evidence only.
    pub time: i64,
    /// Size of the change.
    pub size_bytes: usize,
}

impl Checked {
    /// How many operations the change holds.
    pub fn ops(&self) -> u64 {
        self.max_op + 1 - self.start_op
    }
}

/// The static guard for one change of a document of this kind.
///
/// # Errors
/// The first thing found wrong. A change that passes costs Automerge no more than its size and the
/// limits allow, and touches no container, log, item or status in a way a save never does.
pub fn check_change(bytes: &[u8], kind: Kind, limits: &Limits) -> Result<Checked, Refusal> {
    check(bytes, kind, limits).map(|(_, checked)| checked)
}

/// As [`check_change`] for a change that was just made from its parts: not hashed again.
pub(crate) fn check_made(made: &Made, kind: Kind, limits: &Limits) -> Result<Checked, Refusal> {
    if made.bytes().len() > limits.change_bytes {
        return Err(Refusal::new("change_too_large"));
    }
    check_chunk(
        &made.chunk()?,
        made.hash(),
        made.bytes().len(),
        kind,
        limits,
    )
}

/// As [`check_change`]; gives the change taken apart, too.
pub(crate) fn check<'a>(
    bytes: &'a [u8],
    kind: Kind,
    limits: &Limits,
) -> Result<(Chunk<'a>, Checked), Refusal> {
    if bytes.len() > limits.change_bytes {
        return Err(Refusal::new("change_too_large"));
    }
    let (chunk, hash) = Chunk::parse(bytes)?;
    let checked = check_chunk(&chunk, hash, bytes.len(), kind, limits)?;
    Ok((chunk, checked))
}

fn check_chunk(
    chunk: &Chunk<'_>,
    hash: Hash,
    size_bytes: usize,
    kind: Kind,
    limits: &Limits,
) -> Result<Checked, Refusal> {
    let genesis = genesis(kind);
    let author = Author::parse(chunk.actor)?;
    if author.base == genesis.actor {
        return Err(Refusal::new("genesis_actor"));
    }
    for other in &chunk.others {
        Author::parse(other)?;
    }
    if chunk.deps.is_empty() {
        return Err(Refusal::new("no_dependency"));
    }
    if chunk.deps.len() > limits.deps {
        return Err(Refusal::new("too_many_dependencies"));
    }
    if chunk.message.len() > limits.message_bytes {
        return Err(Refusal::new("message_too_long"));
    }
    // Automerge stores times as differences; two extremes in one document would not subtract.
    if chunk.time.unsigned_abs() > limits::TIME_END {
        return Err(Refusal::new("time_out_of_range"));
    }
    if chunk.seq >= COUNTER_END {
        return Err(Refusal::new("seq_too_large"));
    }
    if chunk.start_op <= genesis.by_counter.len() as u64 {
        return Err(Refusal::new("counter_too_small"));
    }
    let ops = columns::check(chunk, limits)?;
    let max_op = chunk
        .start_op
        .checked_add(ops - 1)
        .filter(|max| *max < COUNTER_END)
        .ok_or(Refusal::new("counter_too_large"))?;
    rules::check(chunk, ops, kind)?;
    Ok(Checked {
        hash,
        deps: chunk.deps.clone(),
        author,
        seq: chunk.seq,
        start_op: chunk.start_op,
        max_op,
        time: chunk.time,
        size_bytes,
    })
}

#[cfg(test)]
pub(crate) mod tests;
