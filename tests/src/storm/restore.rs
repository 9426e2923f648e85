//! The relay comes back from a backup of its database, with the newest ledger: what people do when a
//! disk is lost.
//!
//! It begins new generations then, and the devices bring back what the backup lacks. Only what no
//! device and no relay has any more may be missing in the end.

use std::collections::{BTreeMap, BTreeSet};

use automerge::Change;
use rusqlite::Connection;
use sopu_core::encoding::decode_changes;
use sopu_core::envelope::{Envelope, decode};
use sopu_core::guard::Limits;
use sopu_core::id::{DeviceId, DocId, EnvelopeId, MemberId, SpaceId};
use sopu_core::run;
use sopu_core::store::{Store, StoreError, document, outbox};
use sopu_core::wire::Offer;
use sopu_server::backup;
use sopu_server::relay::{DATABASE, LEDGER, RECORD};

use super::Storm;
use super::line::{Exchange, acknowledged};
use super::pocket::Pocket;
use super::watch::Feed;
use crate::disk::{Disk, Files, Io};

/// Backups of the relay that are kept.
const KEPT: usize = 4;

/// An edit by its document and time.
pub type EditAt = (DocId, i64);

/// What a backup of the relay holds.
pub struct RelayBackup {
    database: Files,
    /// The ledger as it was then, and whom it knew.
    ledger: Files,
    members: BTreeMap<MemberId, BTreeSet<SpaceId>>,
    readers: BTreeSet<(MemberId, SpaceId)>,
    cut_off: BTreeSet<DeviceId>,
    /// The feeds as they had been seen by then.
    feeds: BTreeMap<SpaceId, Feed>,
}

impl Storm {
    /// Now and then a backup of the relay is taken, or put back.
    pub(super) fn perhaps_lose_relay(&mut self) {
        if !self.loses_relay {
            return;
        }
        match self.luck.below(80) {
            0..=2 => self.back_up_relay(),
            3 => self.restore_relay(),
            _ => {}
        }
    }

    fn back_up_relay(&mut self) {
        if !self.relay_on() {
            return;
        }
        let stick = Disk::new(&self.folder().join("stick"));
        let copy = Connection::open(stick.folder().join(DATABASE)).expect("opens");
        let taken = self
            .house
            .look()
            .and_then(|source| backup::copy(&source, copy, &mut |_, _| {}));
        if let Err(error) = taken {
            return self.excuse_relay("be backed up", &error);
        }
        self.say(|| "the relay is backed up".into());
        if self.relay_backups.len() == KEPT {
            let oldest = self.luck.below(KEPT);
            self.relay_backups.remove(oldest);
        }
        let mut ledger = self.house.disk.files();
        ledger.retain(|name, _| name == LEDGER);
        self.relay_backups.push(RelayBackup {
            database: stick.files(),
            ledger,
            members: self.members.clone(),
            readers: self.readers.clone(),
            cut_off: self.cut_off.clone(),
            feeds: self.feeds.clone(),
        });
    }

    fn restore_relay(&mut self) {
        let Some(last) = self.relay_backups.len().checked_sub(1) else {
            return;
        };
        self.power_up();
        let all_on = (0..self.pockets.len()).all(|number| self.pocket_on(number));
        if !all_on || !self.relay_on() {
            return;
        }
        // As the worker does all the time: the ledger knows of people what the database does.
        if let Err(error) = self.relay().merge_step() {
            return self.excuse_relay("merge", &error);
        }
        // Mostly the newest.
        let back = if self.luck.once_in(3) {
            self.luck.below(last + 1)
        } else {
            last
        };
        self.say(|| format!("the relay comes back from backup {back} of {last}"));
        self.tally.count("relay restored");
        self.house.switch_off();
        let mut files = self.house.disk.files();
        files.retain(|name, _| !name.starts_with(DATABASE) && !name.starts_with(RECORD));
        let backup = &self.relay_backups[back];
        files.extend(backup.database.clone());
        if self.forgets_ledger {
            self.tally.count("ledger restored");
            files.extend(backup.ledger.clone());
            self.members.clone_from(&backup.members);
            self.readers.clone_from(&backup.readers);
            self.cut_off.clone_from(&backup.cut_off);
        }
        self.feeds.clone_from(&backup.feeds);
        self.house.disk.put_files(&files);
        self.life += 1;
        self.model.lossy = true;
        self.forgot = true;
        self.merged = true;
        if self.luck.once_in(3) {
            self.tally.count("relay restored, power cut");
            let io = [Io::Write, Io::Sync][self.luck.below(2)];
            let at = self.luck.below(if io == Io::Sync { 12 } else { 60 }) as u64;
            self.house.disk.cut_power_at(io, at);
        }
        self.relay_on();
        self.take_stock();
        if self.forgets_ledger {
            for number in 0..self.pockets.len() {
                self.mark_cut_off(number);
            }
            self.forget_names();
        }
    }

    /// The relay knows no device that is newer than its ledger. Only those whose store exists twice, or went
    /// back, got another name since the world began: what they signed under it nobody but they can bring, and
    /// nobody can tell whether they still will.
    fn forget_names(&mut self) {
        let there = self.at_relay().expect("nothing fails now");
        let copied = self.pockets.iter().filter(|pocket| pocket.copied);
        let copied: BTreeSet<usize> = copied.map(|pocket| pocket.family).collect();
        for edit in &mut self.model.edits {
            if copied.contains(&edit.by) && !there.contains(&(edit.doc, edit.at_ms)) {
                edit.lost = true;
            }
        }
    }

    /// What neither the relay nor any device has that could bring it back is promised no more.
    pub(super) fn take_stock(&mut self) {
        self.take_stock_of(|_| true);
    }

    /// A device heard only now what a relay said that has been lost since. It may let go of what that
    /// relay had taken (of a space that was left, say), as it may have a moment before the loss: nobody
    /// can tell it that this was the last copy.
    pub(super) fn heard_too_late(&mut self, number: usize, exchange: &Exchange) {
        let taken: BTreeSet<EnvelopeId> = acknowledged(exchange).collect();
        let request = &exchange.0.request;
        let pushed = request
            .push
            .iter()
            .filter_map(|bytes| decode::<Envelope>(bytes));
        let offered = request.offers.iter().filter_map(|offer| match offer {
            Offer::Envelope { envelope, .. } => Some(envelope.clone()),
            Offer::Notice { .. } => None,
        });
        let mut edits = BTreeSet::new();
        for envelope in pushed.chain(offered) {
            let opened = run::open(&envelope, &Limits::RELAY).expect("a device's own envelope");
            if taken.contains(&opened.id) {
                edits.extend(in_run(opened.header.doc, &envelope.run, &Limits::RELAY));
            }
        }
        let here = self.pockets[number].look().spaces().unwrap_or_default();
        let gone = |(doc, _): &EditAt| {
            let home = self.docs.get(doc);
            !here.iter().any(|space| Some(&space.id) == home)
        };
        edits.retain(gone);
        if !edits.is_empty() {
            self.take_stock_of(|edit| edits.contains(edit));
        }
    }

    fn take_stock_of(&mut self, which: impl Fn(&EditAt) -> bool) {
        if self.life == 0 {
            return;
        }
        self.power_up();
        self.spare_relay();
        assert!(self.relay_on(), "the relay starts");
        let mut there = self.at_relay().expect("nothing fails now");
        for number in 0..self.pockets.len() {
            self.pockets[number].disk.keep_power();
            self.pockets[number].disk.mend();
            if self.pocket_on(number) {
                let held = held(&self.pockets[number], &self.docs);
                there.extend(held.expect("nothing fails now"));
            }
        }
        let mut gone = Vec::new();
        for edit in &mut self.model.edits {
            let at = (edit.doc, edit.at_ms);
            let erased = self.erased.contains(&edit.doc);
            if !edit.lost && !erased && which(&at) && !there.contains(&at) {
                edit.lost = true;
                gone.push(format!("{:?} of {}", edit.writes, edit.doc));
            }
        }
        if !gone.is_empty() {
            self.say(|| format!("nobody has any more: {gone:?}"));
        }
    }

    /// All edits the relay has: in the record, or kept beside it, or waiting.
    ///
    /// # Errors
    /// The stores'.
    pub(super) fn at_relay(&self) -> Result<BTreeSet<EditAt>, StoreError> {
        self.at_relay_in("state <> 'fed'")
    }

    /// As [`Storm::at_relay`], without what it refused for good: that is to be made again.
    ///
    /// # Errors
    /// The stores'.
    pub(super) fn at_relay_to_stay(&self) -> Result<BTreeSet<EditAt>, StoreError> {
        self.at_relay_in("state NOT IN ('fed', 'final')")
    }

    fn at_relay_in(&self, states: &str) -> Result<BTreeSet<EditAt>, StoreError> {
        let record = self.relay().record();
        let store = record.store();
        let mut there = BTreeSet::new();
        for doc in document::ids(store.conn(), None, None, 10_000)? {
            there.extend(edits_in(store, doc)?);
        }
        let db = self.house.look()?;
        let sql = format!("SELECT doc, run FROM envelope WHERE {states} AND run IS NOT NULL");
        let mut kept = db.prepare(&sql)?;
        let rows = kept.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
        for row in rows? {
            let (doc, run): (DocId, Vec<u8>) = row?;
            there.extend(in_run(doc, &run, &Limits::RELAY));
        }
        Ok(there)
    }

    /// What a device holds beside its feed: work of anyone that the relay has lost, and what came
    /// without the signature that would prove it.
    pub(super) fn beside_feed(
        &self,
        store: &Store,
        doc: DocId,
    ) -> Result<BTreeSet<usize>, StoreError> {
        let mut beside = BTreeSet::new();
        if self.life == 0 {
            return Ok(beside);
        }
        let conn = store.conn();
        let mut hashes = document::unproven(conn, doc)?;
        let lost: BTreeSet<EnvelopeId> = outbox::lost_of(conn, doc)?;
        for id in lost {
            hashes.extend(outbox::changes_of(conn, id)?.iter().map(|c| c.hash));
        }
        let number = |hash| Some(self.model.past(doc, hash)?.0);
        beside.extend(hashes.iter().filter_map(number));
        Ok(beside)
    }
}

/// The edits a device has and could bring back.
fn held(pocket: &Pocket, docs: &BTreeMap<DocId, SpaceId>) -> Result<BTreeSet<EditAt>, StoreError> {
    let store = pocket.look().store();
    let conn = store.conn();
    let mut held = BTreeSet::new();
    let spaces = sopu_core::store::space::spaces(conn)?;
    let complete = |space: &SpaceId| {
        let mut all = spaces.iter().filter(|here| here.id == *space);
        all.any(|here| here.cursor.as_ref().is_some_and(|c| c.first.is_none()))
    };
    for doc in document::ids(conn, None, None, 10_000)? {
        // What came in a first sync is nobody's before its signature is here; and of a space without a
        // cursor a device that was cut off brings what is its own and was never taken.
        if docs.get(&doc).is_some_and(complete) {
            held.extend(edits_in(store, doc)?);
            continue;
        }
        for change in outbox::unsealed(conn, doc)? {
            let change = Change::from_bytes(change.bytes).ok();
            held.extend(change.map(|change| (doc, change.timestamp())));
        }
        for stored in outbox::unsettled(conn, Some(doc))? {
            let brings = !pocket.revoked || stored.state == outbox::State::Sealed;
            if let Some(run) = outbox::run(conn, stored.id)?.filter(|_| brings) {
                held.extend(in_run(doc, &run, &Limits::DEVICE));
            }
        }
    }
    Ok(held)
}

fn edits_in(store: &Store, doc: DocId) -> Result<Vec<EditAt>, StoreError> {
    let loaded = store.document(doc)?;
    let changes = loaded.am.get_changes(&[]);
    Ok(changes.iter().map(|c| (doc, c.timestamp())).collect())
}

fn in_run(doc: DocId, run: &[u8], limits: &Limits) -> Vec<EditAt> {
    let changes = decode_changes(run, limits).expect("a kept run reads");
    let one = |bytes| Change::from_bytes(bytes).expect("a kept change reads");
    let changes = changes.into_iter().map(one);
    changes.map(|change| (doc, change.timestamp())).collect()
}
