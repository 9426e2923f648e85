//! What is opened here goes to the relay's access log with the next sync: clients of care may ask who
//! has read their data, also where there was no signal.
//!
//! A mark never keeps a reader waiting and never fails a read: where the store takes no writes just now,
//! it is kept in memory and written with the next one.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};

use super::Device;
use crate::documents::Kind;
use crate::id::DocId;
use crate::store::{reads, reads::HOUR_MS};
use crate::wire::{DocRead, SyncResponse, limits};

/// Marks that wait for the store, at most; and documents of this hour that are remembered.
const REMEMBERED: usize = 4_096;

/// What was read since the device was opened.
#[derive(Default)]
pub(crate) struct Marks {
    /// In which hour each document was read last.
    last: RefCell<BTreeMap<DocId, i64>>,
    /// Not in the store yet.
    waiting: RefCell<VecDeque<DocRead>>,
}

impl Device {
    /// Marks a document as read, if reads of its kind are logged.
    pub(crate) fn mark_read(&self, doc: DocId, kind: Kind) {
        if !kind.reads_are_logged() {
            return;
        }
        let at_ms = self.relay_now_ms();
        let hour = at_ms.div_euclid(HOUR_MS);
        let mut last = self.marks.last.borrow_mut();
        if last.len() >= REMEMBERED {
            last.clear();
        }
        if last.insert(doc, hour) == Some(hour) {
            return;
        }
        let mut waiting = self.marks.waiting.borrow_mut();
        if waiting.len() < REMEMBERED {
            waiting.push_back(DocRead { doc, at_ms });
        }
        drop(waiting);
        self.keep_marks();
    }

    /// Puts what waits into the store, if it can be done at once.
    fn keep_marks(&self) {
        let mut waiting = self.marks.waiting.borrow_mut();
        self.store.without_waiting(|conn| {
            while let Some(read) = waiting.front() {
                if reads::note(conn, *read).is_err() {
                    return;
                }
                waiting.pop_front();
            }
        });
    }

    /// What the next request says of them; nothing costs nothing. Marks that cannot be read hold no sync up.
    pub(crate) fn next_reads(&self) -> Option<Vec<DocRead>> {
        self.keep_marks();
        let next = reads::oldest(self.store.conn(), limits::READS).unwrap_or_default();
        (!next.is_empty()).then_some(next)
    }

    /// The relay has so many of those it was told; whether that were any. Those that cannot be taken away
    /// now are told once more.
    pub(crate) fn reads_taken(
        &mut self,
        told: Option<&[DocRead]>,
        response: &SyncResponse,
    ) -> bool {
        let (Some(told), Some(taken)) = (told, response.reads) else {
            return false;
        };
        let taken = usize::try_from(taken).unwrap_or(usize::MAX).min(told.len());
        taken > 0
            && self
                .store
                .write(|tx| reads::forget(tx, &told[..taken]))
                .is_ok()
    }

    /// Whether there is more to tell, and the relay takes it.
    pub(crate) fn has_reads(&self, response: &SyncResponse) -> bool {
        response.reads.is_some_and(|taken| taken > 0)
            && reads::any(self.store.conn()).unwrap_or(false)
    }
}

#[cfg(test)]
mod tests;
