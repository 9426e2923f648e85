//! Names for ids: people, their devices, farms and clients as contracts of the space name them.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, OptionalExtension};
use serde_json::Value;
use sopu_core::documents::Kind;
use sopu_core::id::{DeviceId, DocId, MemberId, SpaceId};
use sopu_core::read::Reading;
use sopu_core::store::Store;
use sopu_core::store::list::{self, Query};
use sopu_core::store::view;
use uuid::Uuid;

use super::Failure;
use crate::access::{Action, grants, people};
use crate::words::Words;

/// Contracts of a space that are read for the names of their parties, the oldest first: whoever makes many
/// new ones pushes out no old one.
const CONTRACTS: usize = 2_000;

/// Names, looked up once a page.
pub struct Names<'a> {
    people: &'a Connection,
    words: &'static Words,
    /// What contracts are called.
    titles: BTreeMap<Uuid, String>,
    /// What contracts call their parties and agreed services.
    named: BTreeMap<Uuid, String>,
    known: RefCell<BTreeMap<Uuid, Option<String>>>,
}

/// Who calls it so, by contract.
type Claims = BTreeMap<String, BTreeSet<DocId>>;

impl<'a> Names<'a> {
    /// The names of a space. Those of parties and agreed services are read from its contracts,
    /// which are what says who a farm or client is.
    ///
    /// Where they differ, those count that somebody at the office has had a hand in; where these differ
    /// too, or there is none, all names are shown.
    pub fn of(
        people: &'a Connection,
        record: Option<&Store>,
        space: SpaceId,
        words: &'static Words,
    ) -> Result<Self, Failure> {
        let mut names = Self {
            people,
            words,
            titles: BTreeMap::new(),
            named: BTreeMap::new(),
            known: RefCell::default(),
        };
        let Some(record) = record else {
            return Ok(names);
        };
        let query = Query {
            spaces: Some(vec![space]),
            kind: Some(Kind::Contract),
            limit: usize::MAX >> 1,
            ..Query::default()
        };
        let found = list::list(record.conn(), &query)?.rows.into_iter();
        let mut docs: Vec<DocId> = found.map(|row| row.doc).collect();
        docs.sort_unstable();
        docs.truncate(CONTRACTS);
        let mut claims: BTreeMap<Uuid, Claims> = BTreeMap::new();
        for doc in docs {
            let Some(view) = view::get(record.conn(), doc)? else {
                continue;
            };
            for (id, name) in parts_of(&view.reading) {
                let claims = claims.entry(id).or_default();
                claims.entry(name).or_default().insert(doc);
            }
            names.titles.insert(doc.0, view.title);
        }
        let mut office = Office {
            people,
            space,
            members: BTreeMap::new(),
        };
        for (id, claims) in claims {
            let name = names.choose(claims, &mut office)?;
            names.named.insert(id, name);
        }
        Ok(names)
    }

    fn choose(&self, mut claims: Claims, office: &mut Office<'_>) -> Result<String, Failure> {
        if claims.len() > 1 {
            let mut by_office = BTreeSet::new();
            for (name, docs) in &claims {
                for doc in docs {
                    if office.wrote(*doc)? {
                        by_office.insert(name.clone());
                        break;
                    }
                }
            }
            if !by_office.is_empty() {
                claims.retain(|name, _| by_office.contains(name));
            }
        }
        let all: Vec<String> = claims.into_keys().collect();
        Ok(match all.as_slice() {
            [one] => one.clone(),
            several => {
                let names = several.join(" / ");
                self.words.with("names-differ", &[("names", &names)])
            }
        })
    }

    /// The name behind an id of any sort, if there is one. No contract gives another name to a person, a
    /// device or another contract.
    pub fn find(&self, id: Uuid) -> Option<String> {
        if let Some(found) = self.known.borrow().get(&id) {
            return found.clone();
        }
        let found = people::name_of(self.people, MemberId(id))
            .ok()
            .flatten()
            .or_else(|| self.device(DeviceId(id)).map(|(_, device)| device))
            .or_else(|| self.titles.get(&id).cloned())
            .or_else(|| self.named.get(&id).cloned());
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

/// Who of a space is or was at its office.
struct Office<'a> {
    people: &'a Connection,
    space: SpaceId,
    members: BTreeMap<MemberId, bool>,
}

impl Office<'_> {
    /// Whether somebody at the office has written in a document.
    fn wrote(&mut self, doc: DocId) -> Result<bool, Failure> {
        for member in people::writers(self.people, doc)? {
            let at_office = match self.members.get(&member) {
                Some(known) => *known,
                None => {
                    let grants = grants(self.people, member, self.space)?;
                    let at_office = grants.iter().any(|grant| grant.role.may(Action::Review));
                    self.members.insert(member, at_office);
                    at_office
                }
            };
            if at_office {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Parties and agreed services, by every id other documents know them by, with each name they have where
/// that is in conflict.
fn parts_of(contract: &Reading) -> Vec<(Uuid, String)> {
    let items = |field: &str| {
        let items = contract.value.get(field).and_then(Value::as_object);
        items.into_iter().flatten()
    };
    let text = |value: Option<&Value>| Some(value?.as_str()?.trim().to_owned());
    let id = |text: &str| text.parse::<Uuid>().ok();
    // The value that is shown, and those that it is in conflict with.
    let every = |path: String, shown: Option<&Value>| {
        let conflicts = contract.conflicts.iter().filter(|c| c.path == path);
        let others = conflicts.flat_map(|conflict| &conflict.values);
        let values = shown.into_iter().chain(others.map(|live| &live.value));
        let names: BTreeSet<String> = values.filter_map(|value| text(value.get("name"))).collect();
        names.into_iter().filter(|name| !name.is_empty())
    };
    let mut named = Vec::new();
    for (key, party) in items("parties") {
        let ids = [Some(key.clone()), text(party.get("party_id"))];
        let ids: Vec<Uuid> = ids
            .into_iter()
            .flatten()
            .filter_map(|key| id(&key))
            .collect();
        for name in every(format!("parties.{key}.snapshot"), party.get("snapshot")) {
            named.extend(ids.iter().map(|id| (*id, name.clone())));
        }
    }
    for (key, item) in items("scope_items") {
        named.extend(id(key).zip(text(item.get("name"))));
    }
    named
}
