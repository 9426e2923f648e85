//! Entries that were put by because an earlier version of this program did not know their kind, and
//! documents of a first sync that were passed over for it.

use std::collections::BTreeSet;

use super::page::{PageWork, People, Place};
use crate::device::{Device, Result, keys};
use crate::documents::Kind;
use crate::envelope::{Header, decode};
use crate::id::DocId;
use crate::store::{deferred, draft, meta, space};
use crate::wire::Entry;

/// Why a packed document was passed over.
pub(super) const KIND_UNKNOWN: &str = "kind_unknown";

impl Device {
    /// Begins the first sync of a space anew where it passed over documents of kinds that this version
    /// knows: called when the store is opened, before anything put by is applied.
    pub(crate) fn begin_anew_for_kinds(&mut self) -> Result<()> {
        let conn = self.store.conn();
        let known = i64::from(Kind::ALL.map(Kind::number).into_iter().max().unwrap_or(0));
        let Some(then) = meta::number(conn, keys::KINDS)? else {
            return Ok(());
        };
        if then >= known {
            return Ok(());
        }
        let marks = draft::quarantined(conn)?.into_iter();
        let passed: Vec<_> = marks
            .filter(|mark| mark.envelope.is_none() && mark.reason == KIND_UNKNOWN)
            .collect();
        let spaces: BTreeSet<_> = passed.iter().map(|mark| mark.space).collect();
        for space in spaces {
            self.begin_anew(space)?;
        }
        Ok(self.store.write(|tx| {
            for mark in &passed {
                draft::release(tx, mark.doc)?;
            }
            meta::remove(tx, keys::KINDS)
        })?)
    }

    /// Applies what this version knows, document by document: called when the store is opened, before
    /// the feed goes on. What is still not known stays where it is.
    pub(crate) fn apply_deferred(&mut self) -> Result<()> {
        for doc in deferred::documents(self.store.conn())? {
            // One that is damaged delays no other, and opening not at all.
            let Ok(entries) = deferred::of(self.store.conn(), doc) else {
                continue;
            };
            self.apply_entries(doc, &entries)?;
        }
        Ok(())
    }

    fn apply_entries(&mut self, doc: DocId, entries: &[Entry]) -> Result<()> {
        let headers: Option<Vec<Header>> = entries.iter().map(header_of).collect();
        let Some(headers) = headers.filter(|all| all.iter().all(|h| h.kind().is_some())) else {
            return Ok(());
        };
        let (Some(first), Some(kind)) = (
            headers.first(),
            headers.first().and_then(|h| Kind::from_number(h.kind)),
        ) else {
            return Ok(());
        };
        let id = first.space;
        let people: People = space::roster(self.store.conn(), id)?
            .into_iter()
            .map(|row| (row.device, row))
            .collect();
        let mut work = PageWork::default();
        for entry in entries {
            if let Entry::Envelope {
                seq,
                envelope,
                received_ms,
                accept,
            } = entry
            {
                let place = Place {
                    seq: *seq,
                    received_ms: *received_ms,
                    accept: *accept,
                };
                self.read_envelope(id, entry, envelope, place, &people, &mut work)?;
            }
        }
        self.try_all(&mut work)?;
        let at_ms = self.env.now_ms();
        self.store.write(|tx| {
            for mark in &work.marks {
                mark.write(tx, id, at_ms)?;
            }
            for changed in work.changed.iter().filter(|changed| changed.kind == kind) {
                changed.write(tx, id, at_ms)?;
            }
            deferred::clear(tx, doc)
        })?;
        Ok(())
    }
}

fn header_of(entry: &Entry) -> Option<Header> {
    match entry {
        Entry::Envelope { envelope, .. } => decode(&envelope.header),
        Entry::Own { .. } | Entry::Notice { .. } | Entry::Erased { .. } => None,
    }
}
