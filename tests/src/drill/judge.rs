//! What somebody still has, and what must hold in the end.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use rusqlite::Connection;
use sopu_core::encoding::decode_changes;
use sopu_core::guard::Limits;
use sopu_core::id::{DocId, SpaceId, Version};
use sopu_core::read::{Reading, read};
use sopu_core::store::{Store, check, document, draft, notice, outbox};
use sopu_server::relay::{DATABASE, Relay};

use super::{Drill, FIRST};

impl Drill {
    /// Which letters nobody has any more.
    pub(super) fn take_stock(&mut self) {
        let mut there: BTreeSet<char> = BTreeSet::new();
        for hand in &self.hands {
            let Some(device) = &hand.device else { continue };
            let complete: BTreeSet<SpaceId> = device
                .spaces()
                .expect("reads")
                .into_iter()
                .filter(|space| space.cursor.as_ref().is_some_and(|c| c.first.is_none()))
                .map(|space| space.id)
                .collect();
            for (doc, (_, reading)) in all(device.store()) {
                if complete.contains(&self.docs[&doc]) {
                    there.extend(text(&reading).chars());
                } else {
                    // What came in a first sync is nobody's before its signature is here; what was
                    // saved here is.
                    there.extend(own_letters(device.store(), doc));
                }
            }
        }
        {
            let record = self.relay.as_ref().map(Relay::record);
            for (_, reading) in record.iter().flat_map(|r| all(r.store()).into_values()) {
                there.extend(text(&reading).chars());
            }
        }
        if let Some(relay) = &self.relay {
            there.extend(kept_letters(relay, &self.data()));
        }
        for letter in self.letters.keys() {
            if !there.contains(letter) && self.lost.insert(*letter) {
                self.log
                    .push(format!("{letter} is lost with its last holder"));
            }
        }
    }

    /// Everything that must hold once it is calm.
    pub fn judge(&self) {
        let record = self.relay().record();
        let record = record.store();
        assert_eq!(
            check::check(record.conn()).expect("checks"),
            [],
            "the record"
        );
        for number in self.living() {
            let hand = &self.hands[number];
            let device = hand.device.as_ref().expect("living");
            let store = device.store();
            assert_eq!(check::check(store.conn()).expect("checks"), [], "{number}");
            let left: Vec<_> = outbox::unsettled(store.conn(), None)
                .expect("reads")
                .into_iter()
                .map(|e| (e.id, e.own, e.state))
                .collect();
            assert_eq!(left, [], "{number} still has something");
            assert_eq!(
                notice::lost(store.conn(), None).expect("reads"),
                [],
                "{number}"
            );
            let aside = draft::quarantined(store.conn()).expect("reads");
            assert_eq!(aside, [], "{number} could take everything");
            assert_eq!(draft::drafts(store.conn()).expect("reads"), [], "{number}");
            for space in &self.members[&hand.member] {
                let (ours, theirs) = (content(store, *space), content(record, *space));
                for (doc, (version, reading)) in &theirs {
                    let Some((other, ours)) = ours.get(doc) else {
                        panic!("{number} lacks {doc}");
                    };
                    assert_eq!(
                        other, version,
                        "heads of {doc} at {number} and in the record"
                    );
                    assert_eq!(ours, reading, "{doc} at {number} and in the record");
                }
                assert_eq!(
                    ours.len(),
                    theirs.len(),
                    "{number} has documents of its own"
                );
            }
        }
        let documents = all(record);
        for doc in &self.erased {
            assert!(!documents.contains_key(doc), "{doc} was erased");
        }
        let kept = kept_letters(self.relay(), &self.data());
        for (letter, doc) in &self.letters {
            if self.erased.contains(doc) {
                continue;
            }
            let text = documents.get(doc).map(|(_, reading)| text(reading));
            let count = text
                .unwrap_or_default()
                .chars()
                .filter(|c| c == letter)
                .count();
            assert!(count < 2, "{letter} is in {doc} {count} times");
            let may = self.lost.contains(letter) || kept.contains(letter);
            assert!(count == 1 || may, "{letter} of {doc} is lost");
        }
    }
}

type Content = BTreeMap<DocId, (Version, Reading)>;

fn content(store: &Store, space: SpaceId) -> Content {
    let ids = document::ids(store.conn(), Some(space), None, 10_000).expect("reads");
    ids.into_iter().map(|doc| (doc, of(store, doc))).collect()
}

fn all(store: &Store) -> Content {
    let ids = document::ids(store.conn(), None, None, 10_000).expect("reads");
    ids.into_iter().map(|doc| (doc, of(store, doc))).collect()
}

fn of(store: &Store, doc: DocId) -> (Version, Reading) {
    let loaded = store.document(doc).expect("opens");
    (loaded.heads.clone(), read(&loaded.am, loaded.kind))
}

fn text(reading: &Reading) -> String {
    reading.value["summary"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

/// The letters in what this store sealed or is about to.
fn own_letters(store: &Store, doc: DocId) -> BTreeSet<char> {
    let conn = store.conn();
    let mut changes: Vec<Vec<u8>> = outbox::unsealed(conn, doc)
        .expect("reads")
        .into_iter()
        .map(|change| change.bytes)
        .collect();
    for stored in outbox::unsettled(conn, Some(doc)).expect("reads") {
        let run = outbox::run(conn, stored.id)
            .expect("reads")
            .unwrap_or_default();
        changes.extend(decode_changes(&run, &Limits::DEVICE).unwrap_or_default());
    }
    letters_of(&changes)
}

/// The letters in what the relay keeps outside the record.
fn kept_letters(relay: &Relay, data: &Path) -> BTreeSet<char> {
    let mut runs: Vec<Vec<u8>> = relay
        .quarantine(10_000)
        .expect("reads")
        .into_iter()
        .filter_map(|row| row.run)
        .collect();
    let db = Connection::open(data.join(DATABASE)).expect("opens");
    let mut waiting = db
        .prepare("SELECT run FROM envelope WHERE state = 'waiting' AND run IS NOT NULL")
        .expect("asks");
    let rows = waiting.query_map([], |row| row.get(0)).expect("reads");
    runs.extend(rows.map(|run: rusqlite::Result<Vec<u8>>| run.expect("reads")));
    let changes: Vec<Vec<u8>> = runs
        .iter()
        .flat_map(|run| decode_changes(run, &Limits::RELAY).unwrap_or_default())
        .collect();
    letters_of(&changes)
}

fn letters_of(changes: &[Vec<u8>]) -> BTreeSet<char> {
    let text = changes
        .iter()
        .map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    let text: String = text.collect();
    let ours = |c: &char| (FIRST..FIRST + 0x1000).contains(&u32::from(*c));
    text.chars().filter(ours).collect()
}
