//! Whether everybody ended with the same record: for each space, the same documents, the same heads
//! and the same canonical content with all its conflicts, on the relay and on every device in it.
//!
//! Heads name every change a document is made of, so equal heads also say that no acknowledged
//! change is missing on the relay: each is still on the device that wrote it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use sopu_core::canonical;
use sopu_core::id::{DocId, SpaceId, Version};
use sopu_core::read::read;
use sopu_core::store::document::ids;
use sopu_core::store::{Store, StoreError};

use super::error::{DemoError, Result};
use super::house::House;
use super::phone::Phone;

/// What was compared and what differs.
#[derive(Debug, Default)]
pub struct Check {
    /// Spaces compared.
    pub spaces: usize,
    /// Documents on the relay.
    pub documents: usize,
    /// Changes in them.
    pub changes: u64,
    /// Copies of documents compared with the relay's.
    pub copies: usize,
    /// A sentence for each difference; at most a few for each device.
    pub differences: Vec<String>,
}

type Prints = BTreeMap<DocId, Print>;

/// What a document comes down to.
#[derive(Debug, PartialEq, Eq)]
struct Print {
    heads: Version,
    content: [u8; 32],
    changes: u64,
}

/// Compares every device with the relay.
pub fn check(house: &House, phones: &[Phone], names: &BTreeMap<SpaceId, String>) -> Result<Check> {
    let mut check = Check::default();
    let mut on_relay: BTreeMap<SpaceId, Prints> = BTreeMap::new();
    {
        let record = house.relay.record();
        for space in names.keys() {
            let prints =
                prints(record.store(), *space).map_err(|why| DemoError::Relay(why.to_string()))?;
            check.documents += prints.len();
            check.changes += prints.values().map(|print| print.changes).sum::<u64>();
            on_relay.insert(*space, prints);
        }
    }
    let mut compared: BTreeSet<SpaceId> = BTreeSet::new();
    for phone in phones {
        let who = phone.person.first;
        let backlog = phone.said(phone.device.backlog())?;
        let unsent = backlog.unsealed + backlog.sealed;
        let open = [
            (unsent, "not sent"),
            (backlog.acknowledged, "acknowledged but not in the record"),
            (backlog.held, "held by the relay"),
            (backlog.refused, "refused by the relay"),
        ];
        for (count, what) in open {
            if count > 0 {
                check
                    .differences
                    .push(format!("{who}: {count} pieces of work {what}"));
            }
        }
        for space in phone
            .said(phone.device.spaces())?
            .iter()
            .filter(|space| space.left_ms.is_none())
        {
            let (Some(relays), Some(name)) = (on_relay.get(&space.id), names.get(&space.id)) else {
                check
                    .differences
                    .push(format!("{who} is in a space the demo does not know"));
                continue;
            };
            let own = prints(phone.device.store(), space.id)
                .map_err(|why| DemoError::Story(format!("{who}: {why}")))?;
            compared.insert(space.id);
            check.copies += own.len();
            check
                .differences
                .extend(differences(who, name, relays, &own));
        }
    }
    check.spaces = compared.len();
    Ok(check)
}

fn differences(who: &str, space: &str, relay: &Prints, own: &Prints) -> Vec<String> {
    let all: BTreeSet<&DocId> = relay.keys().chain(own.keys()).collect();
    let differs = |doc: &&DocId| -> Option<String> {
        let what = match (relay.get(*doc), own.get(*doc)) {
            (Some(relay), Some(own)) if relay == own => return None,
            (Some(relay), Some(own)) if relay.heads == own.heads => {
                "the same changes, other content"
            }
            (Some(_), Some(_)) => "other changes",
            (Some(_), None) => "missing on the device",
            (None, _) => "missing on the relay",
        };
        Some(format!("{who}, {space}, document {doc}: {what}"))
    };
    all.iter().filter_map(differs).take(5).collect()
}

fn prints(store: &Store, space: SpaceId) -> std::result::Result<Prints, StoreError> {
    let mut prints = Prints::new();
    for doc in ids(store.conn(), Some(space), None, usize::MAX >> 1)? {
        let loaded = store.document(doc)?;
        let reading = read(&loaded.am, loaded.kind);
        let mut conflicts: Vec<Value> = Vec::new();
        for conflict in &reading.conflicts {
            let mut values: Vec<String> = conflict
                .values
                .iter()
                .map(|live| format!("{}={}", live.change, live.value))
                .collect();
            values.sort();
            conflicts.push(json!([conflict.path, values]));
        }
        let removed: Vec<String> = reading
            .removed
            .iter()
            .map(|item| format!("{}.{}", item.field, item.key))
            .collect();
        let content = json!({"value": reading.value, "conflicts": conflicts, "removed": removed});
        prints.insert(
            doc,
            Print {
                heads: loaded.heads.clone(),
                content: Sha256::digest(canonical::to_cbor(&content)).into(),
                changes: u64::try_from(loaded.am.get_changes(&[]).len()).unwrap_or(0),
            },
        );
    }
    Ok(prints)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sopu_core::id::Hash;
    use uuid::Uuid;

    fn prints(of: &[(u128, u8, u8)]) -> Prints {
        of.iter()
            .map(|(doc, heads, content)| {
                let print = Print {
                    heads: Version::new([Hash([*heads; 32])]),
                    content: [*content; 32],
                    changes: 1,
                };
                (DocId(Uuid::from_u128(*doc)), print)
            })
            .collect()
    }

    #[test]
    fn the_same_is_no_difference() {
        let same = prints(&[(1, 1, 1), (2, 2, 2)]);
        assert!(differences("Aino", "01", &same, &prints(&[(1, 1, 1), (2, 2, 2)])).is_empty());
    }

    #[test]
    fn every_kind_of_difference_is_named() {
        let relay = prints(&[(1, 1, 1), (2, 2, 2), (3, 3, 3)]);
        let own = prints(&[(1, 9, 1), (2, 2, 9), (4, 4, 4)]);
        let found = differences("Aino", "01", &relay, &own).join("\n");
        for what in [
            "other changes",
            "other content",
            "missing on the device",
            "missing on the relay",
        ] {
            assert!(found.contains(what), "{what} in {found}");
        }
    }
}
