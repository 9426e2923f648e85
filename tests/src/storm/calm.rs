//! After the storm: everyone syncs over good lines until nothing moves, and then all is compared.

use std::collections::{BTreeMap, BTreeSet};

use automerge::ReadDoc;
use sopu_core::device::{DeviceError, SyncReport};
use sopu_core::id::{DocId, SpaceId, Version};
use sopu_core::read::{Reading, read};
use sopu_core::store::outbox::Progress;
use sopu_core::store::{Store, check, document, draft, outbox};
use sopu_server::store::State;

use super::Storm;
use super::line::{Line, acknowledged};
use super::steps::answers;

/// Rounds in which everybody syncs once before the calm counts as never coming.
const ROUNDS: usize = 30;

/// Requests one device may need at once; more is spinning.
const REQUESTS: u32 = 100;

/// What the office lets in when it is asked.
const RELEASED: [&str; 5] = ["review", "removed", "revoked", "late", "right_missing"];

/// What two replicas of a space must agree on.
type Heads = BTreeMap<DocId, Version>;

impl Storm {
    /// Syncs until nothing moves any more.
    pub fn calm(&mut self) {
        self.say(|| "calm".into());
        self.fair_weather();
        self.power_up();
        assert!(self.relay_on(), "the relay starts");
        for number in 0..self.pockets.len() {
            assert!(self.pocket_on(number), "{number} opens");
            // One whose disk failed just when it was cut off could not say who it is (storm 359348).
            self.mark_cut_off(number);
        }
        let mut quiet = 0;
        for _ in 0..ROUNDS {
            let mut moved = false;
            for number in 0..self.pockets.len() {
                moved |= self.sync_well(number);
                moved |= self.relay().merge_all().expect("merges") > 0;
                self.merged = true;
                self.touch(number);
                self.watch();
            }
            moved |= self.release();
            quiet = if moved { 0 } else { quiet + 1 };
            // Long enough for devices to ask about what they never heard of again.
            self.time.pass(2 * 3_600_000);
            if quiet == 2 {
                return;
            }
        }
        panic!("it never comes to rest");
    }

    /// Syncs one device over a good line, without enrolling it again.
    pub fn sync_now(&mut self, number: usize) -> Result<SyncReport, DeviceError> {
        self.time.pass(1_000);
        let pocket = &mut self.pockets[number];
        let line = Line::new(self.house.relay.as_ref(), None, pocket.id());
        let done = pocket.device().sync(&line);
        let seen = line.seen.into_inner().expect("one thread");
        self.pockets[number].exchanges.extend(seen);
        done
    }

    /// How often a letter stands in the summary of a document of the record.
    pub fn count(&self, doc: DocId, letter: char) -> usize {
        let record = self.relay().record();
        let loaded = record.store().document(doc).expect("opens");
        let text = texts(&read(&loaded.am, loaded.kind), false);
        text.chars().filter(|c| *c == letter).count()
    }

    fn sync_well(&mut self, number: usize) -> bool {
        self.time.pass(1_000);
        self.enrol_if_told(number);
        if self.pockets[number].copied {
            let id = self.pockets[number].id();
            self.copies.insert(id);
        }
        let line = Line::new(self.house.relay.as_ref(), None, self.pockets[number].id());
        let pocket = &mut self.pockets[number];
        let device = pocket.device.as_mut().expect("switched on");
        let done = device.sync(&line);
        let seen = line.seen.into_inner().expect("one thread");
        self.acknowledged.extend(seen.iter().flat_map(acknowledged));
        self.say(|| format!("{number} syncs: {done:?}{}", answers(&seen)));
        self.settle(number);
        match done {
            Ok(report) => {
                assert!(report.requests < REQUESTS, "{number} spins");
                let idle = SyncReport {
                    requests: report.requests,
                    bytes_up: report.bytes_up,
                    bytes_down: report.bytes_down,
                    ..SyncReport::default()
                };
                report != idle
            }
            Err(DeviceError::Refused { code })
                if self.pockets[number].revoked && code == "device_revoked" =>
            {
                false
            }
            Err(DeviceError::Refused { code }) if self.is_stranger(&code) => {
                self.pockets[number].stranger = true;
                true
            }
            Err(other) => panic!("{number} cannot sync: {other:?}"),
        }
    }

    /// The office lets in all that was kept for it to decide.
    fn release(&self) -> bool {
        let mut any = false;
        for row in self.relay().quarantine(10_000).expect("reads") {
            let State::Held(why) = &row.state else {
                continue;
            };
            // A copy cannot know what its other self has brought that is kept aside, and may make
            // it again. Which of the two is let in, people decide.
            let twice = self.copies.contains(&row.device) && why != "review";
            if RELEASED.contains(&why.as_str()) && !twice {
                any |= self.relay().release(row.id).expect("releases");
            }
        }
        any
    }

    /// Everything that must hold once it is calm.
    pub fn judge(&mut self) {
        self.judge_record();
        // The same from the files alone.
        self.house.switch_off();
        self.house.switch_on().expect("the relay starts");
        self.relay_came_back();
        self.judge_record();
        for number in 0..self.pockets.len() {
            self.pockets[number].restart();
            self.pocket_came_back(number);
        }
        self.watch();
        self.compare();
    }

    fn compare(&self) {
        self.judge_edits();
        let record = self.relay().record();
        let record = record.store();
        assert_eq!(
            check::check(record.conn()).expect("checks"),
            [],
            "the record"
        );
        let theirs: BTreeMap<SpaceId, Heads> = self
            .spaces
            .iter()
            .map(|space| (*space, heads(record, *space)))
            .collect();
        for (number, pocket) in self.pockets.iter().enumerate() {
            let store = pocket.look().store();
            assert_eq!(check::check(store.conn()).expect("checks"), [], "{number}");
            self.judge_erased(number);
            let backlog = pocket.look().backlog().expect("reads");
            let left: Vec<_> = outbox::unsettled(store.conn(), None)
                .expect("reads")
                .into_iter()
                .map(|e| (e.id, e.state, e.proof.header().map(|h| h.replaces)))
                .collect();
            let kept = if pocket.copied { backlog.held } else { 0 };
            // What is kept aside may be made again from what is kept here until that is decided.
            let drained = Progress {
                held: kept,
                refused: if kept > 0 { backlog.refused } else { 0 },
                ..Progress::default()
            };
            assert_eq!(backlog, drained, "{number} still has {left:?}");
            // Where an item did not come back, what was made again without it stays in a draft.
            let gone = |doc, reason: &str| reason == "item_gone" && self.model.is_without_item(doc);
            let mut aside = draft::quarantined(store.conn()).expect("reads");
            aside.retain(|mark| mark.envelope.is_some() || !gone(mark.doc, &mark.reason));
            assert_eq!(aside, [], "{number} could take everything");
            let mut drafts = draft::drafts(store.conn()).expect("reads");
            drafts.retain(|draft| !gone(draft.doc, &draft.reason));
            // What a copy made a second time, and the relay then refused, stays there to be read.
            assert!(pocket.copied || drafts.is_empty(), "{number}: {drafts:?}");
            let here: BTreeSet<SpaceId> = pocket
                .look()
                .spaces()
                .expect("reads")
                .iter()
                .map(|s| s.id)
                .collect();
            let member = &self.members[&pocket.member];
            if pocket.revoked {
                let left = document::ids(store.conn(), None, None, 1).expect("reads");
                assert_eq!(left, [], "{number} is wiped");
                continue;
            }
            // What the relay keeps aside of its work is only here.
            if kept > 0 {
                continue;
            }
            assert_eq!(&here, member, "{number} knows where it belongs");
            for space in member {
                let (ours, theirs) = (heads(store, *space), &theirs[space]);
                for (doc, version) in theirs {
                    let Some(other) = ours.get(doc) else {
                        panic!("{number} lacks {doc}");
                    };
                    assert_eq!(
                        other, version,
                        "{number} and the record have other heads of {doc}"
                    );
                    // Both were read since they were opened, and whoever reads otherwise at the
                    // same heads than the first is found out by the model.
                    assert_eq!(
                        pocket.seen.docs.get(doc),
                        Some(version),
                        "{number} has read {doc}"
                    );
                }
                assert_eq!(
                    ours.len(),
                    theirs.len(),
                    "{number} has documents of its own"
                );
            }
        }
        self.judge_future(record);
    }

    /// What a later version wrote where this one cannot read is kept by all who edited beside it.
    fn judge_future(&self, record: &Store) {
        for future in &self.future {
            let Ok(loaded) = record.document(future.doc) else {
                continue;
            };
            let changes = loaded.am.get_changes(&[]);
            if changes
                .iter()
                .any(|change| change.timestamp() == future.at_ms)
            {
                let kept = loaded.am.get(automerge::ROOT, &future.key).expect("reads");
                assert!(kept.is_some(), "{} of {} is lost", future.key, future.doc);
            }
        }
    }

    /// Each edit is in the record once, or in something the relay keeps for people to look at. What it
    /// refused for good counts only of those whose store exists twice or went back, or once the relay
    /// went back itself: then another has it, and may have made it again with less in it.
    fn judge_edits(&self) {
        let kept = self.at_relay().expect("reads");
        let to_stay = self.at_relay_to_stay().expect("reads");
        let copied = self.pockets.iter().filter(|pocket| pocket.copied);
        let copied: BTreeSet<usize> = copied.map(|pocket| pocket.family).collect();
        let record = self.relay().record();
        for edit in &self.model.edits {
            let forked = self.life > 0 || copied.contains(&edit.by);
            let there = if forked { &kept } else { &to_stay };
            if !self.is_promised(edit) || there.contains(&(edit.doc, edit.at_ms)) {
                continue;
            }
            // Made again where somebody else has raised it as far, it has nothing to write.
            if record
                .store()
                .document(edit.doc)
                .is_ok_and(|doc| edit.only_raises_what_stands(&doc.am))
            {
                continue;
            }
            let delivered = if edit.delivered { "delivered" } else { "saved" };
            panic!(
                "{:?} in {} was {delivered} and is lost",
                edit.writes, edit.doc
            );
        }
    }
}

fn texts(reading: &Reading, in_item: bool) -> String {
    if !in_item {
        return reading.value["summary"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
    }
    let shown = reading.value["entries"].as_object();
    let shown = shown.into_iter().flat_map(|items| items.values());
    let removed = reading.removed.iter().map(|item| &item.value);
    shown
        .chain(removed)
        .filter_map(|item| item["text"].as_str())
        .collect()
}

fn heads(store: &Store, space: SpaceId) -> Heads {
    let ids = document::ids(store.conn(), Some(space), None, 10_000).expect("reads");
    let one = |doc| {
        let heads = document::heads(store.conn(), doc).expect("reads");
        (doc, heads.expect("there"))
    };
    ids.into_iter().map(one).collect()
}
