//! How much is too much. Limits belong to the protocol version: changing one changes what two
//! sides accept.

use crate::wire::limits::RUN;

/// Operation counters and sequence numbers stay below this. Automerge counts operations in 32 bits
/// and panics when they run out; a quarter of the range is more than a document ever needs.
pub const COUNTER_END: u64 = 1 << 31;

/// Times stay within ± this, which is exact in every language a binding is written in.
pub(super) const TIME_END: u64 = 1 << 53;

/// A run may start at most this far above the highest operation of the document.
pub(super) const COUNTER_JUMP: u64 = 65_536;

/// The caps of the guard. Every field's maximum fits: the largest single edit is replacing one
/// text of 20 000 characters by another, 40 000 operations and 80 000 bytes of characters.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// One change, as Automerge's bytes.
    pub change_bytes: usize,
    /// All changes of a run, as Automerge's bytes.
    pub run_bytes: usize,
    /// Changes in a run.
    pub changes: usize,
    /// Operations in one change.
    pub change_ops: u64,
    /// Operations in all changes of a run.
    pub run_ops: u64,
    /// Predecessors of all operations of one change.
    pub preds: u64,
    /// Bytes of the map keys of one change, each counted as often as it is used: a run-length
    /// column repeats a long key for a few bytes.
    pub key_bytes: u64,
    /// Dependencies of one change.
    pub deps: usize,
    /// The commit message.
    pub message_bytes: usize,
    /// What whoever loads the document must bear.
    pub document: Bounds,
}

/// How large a document's graph of changes may become, whoever wrote it and in however many runs.
/// None of it depends on the order the changes came in, which differs between devices.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bounds {
    /// Changes, genesis among them. Automerge finds the clock of a change by recursion, at worst one
    /// level of some 200 bytes for 33 changes: of these 410 kB, and the smallest threads have 512.
    pub changes: usize,
    /// Actors, genesis' among them. A clock of them all is kept for each sixteenth change.
    pub actors: usize,
    /// Changes whose hash begins with a zero byte, beyond a 64th of all: chance makes that a 256th.
    /// Automerge keeps for each of them its clock and the list of all before it.
    pub fragments: usize,
}

impl Bounds {
    /// Why a document takes no more: too many changes, actors, or hashes that begin with a zero byte.
    pub const CODES: [&'static str; 3] = ["document_full", "document_actors", "document_fragments"];

    /// How many hashes may begin with a zero byte among so many.
    pub(super) const fn fragments_of(&self, changes: usize) -> usize {
        self.fragments + changes / 64
    }

    /// Wider by what a device has written and not sent yet.
    const fn with_unsent(self) -> Self {
        Self {
            changes: self.changes + self.changes / 16,
            actors: self.actors + self.actors / 16,
            fragments: self.fragments * 2,
        }
    }
}

impl Limits {
    /// What a relay lets in, and what a device's own saves keep to.
    pub const RELAY: Self = Self {
        change_bytes: RUN,
        run_bytes: RUN,
        changes: 8_192,
        change_ops: 65_536,
        run_ops: 131_072,
        preds: 65_536,
        key_bytes: 1024 * 1024,
        deps: 256,
        message_bytes: 1_024,
        document: Bounds {
            changes: 65_536,
            actors: 1_024,
            fragments: 64,
        },
    };

    /// What a device lets in from the feed: twice as wide, and documents by what it has not sent
    /// yet, so that it never disagrees with the relay. What is unsent beyond that gives way.
    pub const DEVICE: Self = Self::RELAY.doubled();

    /// A whole document in a first sync, which the device holds to have passed run by run.
    pub const PACK: Self = Self {
        run_bytes: 32 * 1024 * 1024,
        changes: Self::DEVICE.document.changes,
        run_ops: 8 * 1024 * 1024,
        ..Self::DEVICE
    };

    const fn doubled(self) -> Self {
        Self {
            change_bytes: self.change_bytes * 2,
            run_bytes: self.run_bytes * 2,
            changes: self.changes * 2,
            change_ops: self.change_ops * 2,
            run_ops: self.run_ops * 2,
            preds: self.preds * 2,
            key_bytes: self.key_bytes * 2,
            deps: self.deps * 2,
            message_bytes: self.message_bytes * 2,
            document: self.document.with_unsent(),
        }
    }
}
