//! Own work that is not in the record yet, item by item, and what came to nothing.

use std::collections::{BTreeMap, BTreeSet};

use crate::documents::Kind;
use crate::id::{DocId, SpaceId};
use crate::store::draft::{self, Draft};
use crate::store::outbox::{self, State};
use crate::store::{document, view};

use super::{Device, DeviceError, Result};

/// Where own work stands that is not in the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// On this device only.
    Here,
    /// On the relay, on its way into the record.
    Relay,
    /// On the relay, which waits for something or someone.
    Held,
    /// Refused by the relay; the next sync makes it again or keeps it as a draft.
    Refused,
}

/// Own work in one document that is not in the record yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// The document.
    pub doc: DocId,
    /// Where it lives.
    pub space: SpaceId,
    /// Its kind, if this version knows it.
    pub kind: Option<Kind>,
    /// Its line in lists; `None` for a document that is not shown.
    pub title: Option<String>,
    /// Where.
    pub place: Place,
    /// Why the relay holds or refused it, codes, each once.
    pub reasons: BTreeSet<String>,
}

impl Device {
    /// Own work that is not in the record yet: one row for each document and place, what is here first.
    /// Work in a space whose right has ended is told too, without its title.
    ///
    /// # Errors
    /// [`DeviceError::LeaseEnded`]; the store's.
    pub fn pending(&self) -> Result<Vec<Pending>> {
        self.check_lease()?;
        let conn = self.store.conn();
        let mut found: BTreeMap<(Place, DocId), BTreeSet<String>> = BTreeMap::new();
        for doc in outbox::unsealed_documents(conn)? {
            found.entry((Place::Here, doc)).or_default();
        }
        for stored in outbox::unsettled(conn, None)? {
            if !stored.own {
                continue;
            }
            let (place, reason) = match stored.state {
                State::Sealed | State::Lost => (Place::Here, None),
                State::Acknowledged => (Place::Relay, None),
                State::Held(reason) => (Place::Held, Some(reason)),
                State::Final(reason) => (Place::Refused, Some(reason)),
                State::Fed(_) | State::Erased | State::Replaced => continue,
            };
            let reasons = found.entry((place, stored.doc)).or_default();
            reasons.extend(reason);
        }
        let mut pending = Vec::with_capacity(found.len());
        for ((place, doc), reasons) in found {
            let Some(row) = document::row(conn, doc)? else {
                continue;
            };
            let title = match self.check_seals(row.space) {
                Ok(()) => view::get(conn, doc)?.map(|view| view.title),
                Err(DeviceError::SpaceEnded { .. }) => None,
                Err(error) => return Err(error),
            };
            pending.push(Pending {
                doc,
                space: row.space,
                kind: Kind::from_number(row.kind),
                title,
                place,
                reasons,
            });
        }
        Ok(pending)
    }

    /// Edits that could neither be sent nor made again, oldest first, for a person to copy from. Those of
    /// a space whose right has ended are not shown.
    ///
    /// # Errors
    /// [`DeviceError::LeaseEnded`]; the store's.
    pub fn drafts(&self) -> Result<Vec<Draft>> {
        self.check_lease()?;
        let mut shown = Vec::new();
        for draft in draft::drafts(self.store.conn())? {
            match self.check_seals(draft.space) {
                Ok(()) => shown.push(draft),
                Err(DeviceError::SpaceEnded { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(shown)
    }

    /// A person is done with a draft.
    ///
    /// # Errors
    /// The store's.
    pub fn discard_draft(&mut self, number: i64) -> Result<()> {
        Ok(self.store.write(|tx| draft::discard(tx, number))?)
    }
}
