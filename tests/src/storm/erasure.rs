//! The office erases documents, and whoever had one lets go of it, whatever else goes wrong.

use rusqlite::params;
use sopu_core::id::DocId;
use sopu_core::store::{Store, document, draft, outbox, purge};
use sopu_server::relay::EraseError;

use super::Storm;
use super::model::Edit;
use super::power::Which;

/// Erasures a storm has at most.
const MOST: usize = 5;

impl Storm {
    /// Now and then a document is erased.
    pub(super) fn perhaps_erase(&mut self) {
        let may = self.busy_office && self.erased.len() < MOST;
        if may && self.fate.once_in(25) && self.relay_on() {
            self.erase();
        }
    }

    fn erase(&mut self) {
        let left = self.docs.keys().filter(|doc| !self.is_erased(**doc));
        let left: Vec<DocId> = left.copied().collect();
        if left.is_empty() {
            return;
        }
        let doc = left[self.fate.below(left.len())];
        let mut done = self.relay().erase(doc, "request");
        self.say(|| format!("the office erases {doc}: {done:?}"));
        self.merged = true;
        if let Err(EraseError::Store(_) | EraseError::Record(_)) = &done {
            self.tally.count("erasure broken off");
            self.excuse_relay("erase", &done);
            // How far it came shows when it is repeated. Before that it must at least start.
            self.erased.insert(doc);
            self.power_up();
            self.spare_relay();
            assert!(self.relay_on(), "the relay starts");
            // Files that could not be written anew are tried again after a minute.
            self.time.pass(61_000);
            done = self.relay().erase(doc, "request");
            self.say(|| format!("the office erases {doc} again: {done:?}"));
        }
        match done {
            Ok(()) => {
                self.tally.count("erased");
                self.erased.insert(doc);
            }
            Err(EraseError::LegalHold) => {
                self.tally.count("erasure refused, legal hold");
                self.erased.remove(&doc);
            }
            // The relay has not heard of it yet, or any more.
            Err(EraseError::Unknown) => drop(self.erased.remove(&doc)),
            Err(error) => panic!("the office cannot erase {doc}: {error:?}"),
        }
    }

    /// Whether a document was erased.
    pub(super) fn is_erased(&self, doc: DocId) -> bool {
        self.erased.contains(&doc)
    }

    /// Whether an edit may still be asked for.
    pub(super) fn is_promised(&self, edit: &Edit) -> bool {
        edit.sure && !edit.lost && !self.is_erased(edit.doc)
    }

    /// The relay has nothing of what was erased, in its database or its record.
    pub(super) fn watch_erased(&mut self) {
        if self.house.relay.is_none() || self.house.disk.is_dead() {
            return;
        }
        let found = self.erased_at_relay();
        if found.as_ref().ok() != Some(&None) {
            assert!(self.trouble(Which::House), "the relay still has {found:?}");
        }
    }

    fn erased_at_relay(&self) -> Result<Option<DocId>, sopu_core::store::StoreError> {
        let record = self.relay().record();
        let db = self.house.look()?;
        let sql = "SELECT EXISTS (SELECT 1 FROM envelope WHERE doc = ?1 AND run IS NOT NULL)";
        for doc in &self.erased {
            let runs: bool = db.query_row(sql, params![doc.as_bytes()], |row| row.get(0))?;
            if runs || document::heads(record.store().conn(), *doc)?.is_some() {
                return Ok(Some(*doc));
            }
        }
        Ok(None)
    }

    /// What a device was told is erased is not there, and does not come back.
    pub(super) fn lets_go_of_erased(store: &Store, doc: DocId) -> Result<(), String> {
        match purge::is_erased(store.conn(), doc) {
            Ok(true) => Err(format!("still has {doc}, which it knows is erased")),
            // Not told yet, or its disk failed just now.
            Ok(false) | Err(_) => Ok(()),
        }
    }

    /// Nobody has anything of what was erased once all have synced.
    pub(super) fn judge_erased(&self, number: usize) {
        let store = self.pockets[number].look().store();
        let drafts = draft::drafts(store.conn()).expect("reads");
        for doc in &self.erased {
            let there = document::heads(store.conn(), *doc).expect("reads");
            assert_eq!(there, None, "{number} still has {doc}, which was erased");
            assert!(
                drafts.iter().all(|draft| draft.doc != *doc),
                "{number} still has a draft of {doc}, which was erased"
            );
            for kept in outbox::unsettled(store.conn(), Some(*doc)).expect("reads") {
                let run = outbox::run(store.conn(), kept.id).expect("reads");
                assert_eq!(run, None, "{number} still has {} of {doc}", kept.id);
            }
        }
    }
}
