//! Names for ids: people, their devices, farms and clients as contracts of the space name them.

use std::cell::RefCell;
use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension};
use serde_json::Value;
use sopu_core::documents::Kind;
use sopu_core::id::{DeviceId, MemberId, SpaceId};
use sopu_core::store::Store;
use sopu_core::store::list::{self, Query};
use sopu_core::store::view;
use uuid::Uuid;

use super::Failure;
use crate::access::people;

/// Contracts of a space that are read for the names of their parties.
const CONTRACTS: usize = 500;

/// Names, looked up once a page.
pub struct Names<'a> {
    people: &'a Connection,
    /// Contracts, and what has a name inside them.
    named: BTreeMap<Uuid, String>,
    known: RefCell<BTreeMap<Uuid, Option<String>>>,
}

impl<'a> Names<'a> {
    /// The names of a space. Those of parties and agreed services are read from its contracts,
    /// which are what says who a farm or client is.
    pub fn of(
        people: &'a Connection,
        record: Option<&Store>,
        space: SpaceId,
    ) -> Result<Self, Failure> {
        let mut named = BTreeMap::new();
        if let Some(record) = record {
            let query = Query {
                spaces: Some(vec![space]),
                kind: Some(Kind::Contract),
                limit: CONTRACTS,
                ..Query::default()
            };
            for row in list::list(record.conn(), &query)?.rows.iter().rev() {
                if let Some(view) = view::get(record.conn(), row.doc)? {
                    named.insert(view.doc.0, view.title);
                    named.extend(parts_of(&view.reading.value));
                }
            }
        }
        Ok(Self {
            people,
            named,
            known: RefCell::default(),
        })
    }

    /// The name behind an id of any sort, if there is one.
    pub fn find(&self, id: Uuid) -> Option<String> {
        if let Some(name) = self.named.get(&id) {
            return Some(name.clone());
        }
        if let Some(found) = self.known.borrow().get(&id) {
            return found.clone();
        }
        let found = people::name_of(self.people, MemberId(id))
            .ok()
            .flatten()
            .or_else(|| self.device(DeviceId(id)).map(|(_, device)| device));
        self.known.borrow_mut().insert(id, found.clone());
        found
    }

    /// A device's owner's name and its own; the latter is empty for an identity the server keeps.
    pub fn device(&self, device: DeviceId) -> Option<(String, String)> {
        self.people
            .prepare_cached(
                "SELECT m.name, iif(d.office, '', d.name) FROM device d JOIN member m ON m.id = d.member WHERE d.id = ?1",
            )
            .ok()?
            .query_row([device.as_bytes().as_slice()], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()
            .ok()?
    }
}

/// Parties and agreed services, by every id other documents know them by.
fn parts_of(contract: &Value) -> Vec<(Uuid, String)> {
    let items = |field: &str| {
        let items = contract.get(field).and_then(Value::as_object);
        items.into_iter().flatten()
    };
    let text = |value: Option<&Value>| value?.as_str().map(ToOwned::to_owned);
    let id = |text: &str| text.parse::<Uuid>().ok();
    let mut named = Vec::new();
    for (key, party) in items("parties") {
        let Some(name) = text(party.get("snapshot").and_then(|s| s.get("name"))) else {
            continue;
        };
        let keys = [Some(key.clone()), text(party.get("party_id"))];
        named.extend(
            keys.into_iter()
                .flatten()
                .filter_map(|key| Some((id(&key)?, name.clone()))),
        );
    }
    for (key, item) in items("scope_items") {
        named.extend(id(key).zip(text(item.get("name"))));
    }
    named
}
