//! What must hold after every step.

use std::collections::{BTreeMap, BTreeSet};

use sopu_core::id::{DocId, EnvelopeId, SpaceId, Version};
use sopu_core::read::read;
use sopu_core::store::{Store, document, draft, outbox, space};
use sopu_core::wire::Cursor;

use super::Storm;
use super::model::{Set, Write};
use super::pocket::{Pocket, Stand};
use super::power::Which;

/// A space's feed as it was last seen.
#[derive(Clone, Default)]
pub struct Feed {
    /// Its life, and how often the relay had come back from a backup when that was seen.
    life: Option<([u8; 16], u64)>,
    /// Every entry with its place.
    entries: Vec<(u64, EnvelopeId)>,
    /// For each document, its changes after each entry that brought some.
    docs: BTreeMap<DocId, Vec<(u64, Set)>>,
}

impl Feed {
    /// The changes of a document in the feed up to here.
    fn at(&self, doc: DocId, seq: u64) -> Set {
        let steps = self.docs.get(&doc).map_or(&[][..], Vec::as_slice);
        let until = steps.partition_point(|(at, _)| *at <= seq);
        let last = until.checked_sub(1).map(|last| steps[last].1.clone());
        last.unwrap_or_default()
    }
}

impl Storm {
    /// A device did something, or something was done to it: look at it after this step.
    pub(super) fn touch(&mut self, number: usize) {
        self.touched.insert(number);
    }

    /// Looks at all that was touched.
    pub(super) fn watch(&mut self) {
        self.watch_feeds();
        self.watch_erased();
        for number in std::mem::take(&mut self.touched) {
            if self.pockets[number].device.is_some() && !self.pockets[number].disk.is_dead() {
                let seen = self.watch_pocket(number);
                if let Err(what) = seen {
                    let store = self.pockets[number].look().store();
                    let aside = draft::quarantined(store.conn());
                    let what = format!("{what}; set aside: {aside:?}");
                    assert!(
                        self.trouble(Which::Pocket(number)),
                        "device {number}: {what}"
                    );
                    self.touched.insert(number);
                }
            }
        }
    }

    /// The feeds only grow, gap-free, and each entry builds on what came before it.
    fn watch_feeds(&mut self) {
        if self.house.relay.is_none() || self.house.disk.is_dead() || !self.merged {
            return;
        }
        self.merged = false;
        for space in self.spaces.clone() {
            if let Err(what) = self.watch_feed(space) {
                assert!(self.trouble(Which::House), "the feed of {space}: {what}");
                self.merged = true;
            }
        }
    }

    fn watch_feed(&mut self, space: SpaceId) -> Result<(), String> {
        let mut feed = self.feeds.remove(&space).unwrap_or_default();
        let relay = self.house.relay.as_ref().ok_or("there is no relay")?;
        let record = relay.record();
        let store = record.store();
        let after = feed.entries.last().map_or(0, |(seq, _)| *seq);
        let new = outbox::feed_ids(store.conn(), space, after, 10_000);
        let (Ok(new), Ok(life)) = (new, relay.generation(space)) else {
            // Its disk failed; the next look sees it.
            self.feeds.insert(space, feed);
            self.merged = true;
            return Ok(());
        };
        if feed.life.is_some_and(|(id, _)| id != life.id) {
            // One that begins goes on from what the backup had.
            let had = outbox::feed_ids(store.conn(), space, 0, feed.entries.len());
            if had.map_err(text)? != feed.entries || life.cut_seq < after {
                return Err(format!("not what was before {after} is still before it"));
            }
            if feed
                .life
                .is_some_and(|(_, came_back)| came_back == self.life)
            {
                return Err("a new life began, and nothing had been lost".into());
            }
        }
        feed.life = Some((life.id, self.life));
        for (seq, id) in new {
            let next = feed.entries.last().map_or(0, |(seq, _)| *seq) + 1;
            if seq != next {
                return Err(format!("entry {seq} follows on {}", next - 1));
            }
            feed.entries.push((seq, id));
            let Some(stored) = outbox::get(store.conn(), id).map_err(text)? else {
                continue;
            };
            let doc = stored.doc;
            if self.is_erased(doc) {
                continue;
            }
            let loaded = store.document(doc).map_err(text)?;
            self.model.changes(doc, &loaded.am, loaded.kind)?;
            let mut all = feed.at(doc, seq);
            for change in outbox::changes_of(store.conn(), id).map_err(text)? {
                let (number, past) = self
                    .model
                    .past(doc, &change.hash)
                    .ok_or("a change the record does not have")?;
                if let Some(missing) = past.without(&all).find(|n| *n != number) {
                    return Err(format!(
                        "entry {seq} builds on change {missing}, which is not before it"
                    ));
                }
                all.insert(number);
            }
            feed.docs.entry(doc).or_default().push((seq, all));
        }
        self.feeds.insert(space, feed);
        Ok(())
    }

    fn watch_pocket(&mut self, number: usize) -> Result<(), String> {
        let mut seen = std::mem::take(&mut self.pockets[number].seen);
        let device = self.pockets[number].device.take().ok_or("it is off")?;
        let done = self.watch_device(number, device.store(), &mut seen);
        self.pockets[number].device = Some(device);
        self.pockets[number].seen = seen;
        done
    }

    fn watch_device(
        &mut self,
        number: usize,
        store: &Store,
        seen: &mut super::pocket::Seen,
    ) -> Result<(), String> {
        let spaces = space::spaces(store.conn()).map_err(text)?;
        // A space goes only once all that was written in it is delivered; what the relay keeps for
        // people to look at does not come back with the space.
        for edit in self.pockets[number].pending.clone() {
            let home = self.docs.get(&self.model.edits[edit].doc);
            if home.is_some_and(|home| !spaces.iter().any(|here| here.id == *home)) {
                self.pockets[number].pending.remove(&edit);
                self.model.edits[edit].delivered = true;
            }
        }
        let moved = self.watch_cursors(number, &spaces, seen)?;
        for doc in document::ids(store.conn(), None, None, 1_000).map_err(text)? {
            let heads = document::heads(store.conn(), doc).map_err(text)?;
            let heads = heads.ok_or("a document without heads")?;
            let home = self.home(doc, store)?;
            Self::lets_go_of_erased(store, doc)?;
            let same = seen.docs.get(&doc) == Some(&heads);
            if same && !moved.contains(&home) {
                continue;
            }
            let loaded = store.document(doc).map_err(text)?;
            let changes = self.model.changes(doc, &loaded.am, loaded.kind)?;
            let here = spaces.iter().find(|space| space.id == home);
            let cursor = here.and_then(|space| space.cursor.as_ref());
            let beside = self.beside_feed(store, doc).map_err(text)?;
            self.has_its_feed(number, doc, home, cursor, &changes, &beside)?;
            // A copy whose other self made its edits again may make them again too, until the relay
            // has told it; the record never has both, and in the end neither has it. The same holds for
            // what a copy made again because a relay had lost it, where others still have it.
            let copied = self.pockets[number].copied || self.life > 0;
            if copied && self.model.has_twice(doc, &changes) {
                self.tally.count("made twice for a while");
                continue;
            }
            if !same {
                let reading = read(&loaded.am, loaded.kind);
                self.model.judge(doc, &heads, &changes, reading)?;
                self.says_in_draft(store)?;
                seen.docs.insert(doc, heads);
            }
        }
        Ok(())
    }

    /// Cursors do not go back within a generation, and a space that is whole is not begun anew, but by one
    /// who left it in between, or whose store exists twice, or once the relay came back from a backup. Gives
    /// the spaces whose cursor moved.
    fn watch_cursors(
        &self,
        number: usize,
        spaces: &[space::Space],
        seen: &mut super::pocket::Seen,
    ) -> Result<Vec<SpaceId>, String> {
        let pocket = &self.pockets[number];
        let may_begin_anew = pocket.copied || pocket.revoked || self.life > 0;
        let mut moved = Vec::new();
        let before = std::mem::take(&mut seen.cursors);
        for here in spaces {
            let Some(cursor) = here.cursor.as_ref().filter(|_| here.left_ms.is_none()) else {
                continue;
            };
            let joined = self.joined.get(&(pocket.member, here.id)).copied();
            let before = before.get(&here.id);
            if cursor.first.is_some() {
                if before.is_some_and(|stood| stood.joined == joined) && !may_begin_anew {
                    return Err("it begins a space anew that was whole".into());
                }
                continue;
            }
            let (generation, seq) = (cursor.generation, cursor.seq);
            let stands = Stand {
                generation,
                seq,
                joined,
            };
            if before != Some(&stands) {
                moved.push(here.id);
            }
            if let Some(stood) = before.filter(|stood| stood.generation == generation)
                && stood.seq > seq
            {
                return Err(format!("its cursor went back from {} to {seq}", stood.seq));
            }
            seen.cursors.insert(here.id, stands);
        }
        Ok(moved)
    }

    /// What was made again without the item it was written in is in a draft: here, or on another
    /// device of the family, unless one of them is off or was wiped.
    fn says_in_draft(&mut self, store: &Store) -> Result<(), String> {
        for number in self.model.newly_homeless() {
            let edit = &self.model.edits[number];
            let reads = |text: &str| {
                let letter = |write: &Write| {
                    let Write::Letter { letter, .. } = write else {
                        return true;
                    };
                    text.contains(*letter)
                };
                edit.writes.iter().all(letter)
            };
            let says = |store: &Store| {
                let drafts = draft::drafts(store.conn()).unwrap_or_default();
                let mut of = drafts.iter().filter(|draft| draft.doc == edit.doc);
                of.any(|draft| draft.reason == "item_gone" && reads(&draft.value.to_string()))
            };
            let excused = |pocket: &Pocket| {
                let gone = pocket.revoked || pocket.disk.is_dead();
                let said = pocket.device.as_ref().map(|device| says(device.store()));
                pocket.family == edit.by && (gone || said == Some(true))
            };
            let asked = !self.is_erased(edit.doc);
            if asked && !says(store) && !self.pockets.iter().any(excused) {
                return Err(format!("no draft says {:?}", edit.writes));
            }
        }
        Ok(())
    }

    /// All of the feed up to the cursor, and beyond it nothing but one's own work.
    fn has_its_feed(
        &self,
        number: usize,
        doc: DocId,
        home: SpaceId,
        cursor: Option<&Cursor>,
        changes: &Set,
        beside: &BTreeSet<usize>,
    ) -> Result<(), String> {
        let Some(cursor) = cursor.filter(|cursor| cursor.first.is_none()) else {
            return Ok(());
        };
        let Some(feed) = self.feeds.get(&home).filter(|_| !self.merged) else {
            return Ok(());
        };
        if self.is_erased(doc) {
            // It has not heard of that, and the feed has no changes of it any more.
            return Ok(());
        }
        if feed.life.is_none_or(|(id, _)| id != cursor.generation) {
            // It has not heard that the relay came back.
            return Ok(());
        }
        let fed = feed.at(doc, cursor.seq);
        if let Some(missing) = fed.without(changes).next() {
            let edit = &self.model.edits[self.model.edit(doc, missing)];
            return Err(format!(
                "stands at {} and lacks of {doc} what is before it: {:?}",
                cursor.seq, edit.writes
            ));
        }
        // Devices read the feed itself, and the record it is looked at in may not have followed yet:
        // its disk failed.
        if feed
            .entries
            .last()
            .is_none_or(|(last, _)| *last < cursor.seq)
        {
            return Ok(());
        }
        let family = self.pockets[number].family;
        for own in changes.without(&fed) {
            let edit = &self.model.edits[self.model.edit(doc, own)];
            if edit.by != family && !beside.contains(&own) {
                return Err(format!(
                    "has of {doc} what is not in its feed: {:?}",
                    edit.writes
                ));
            }
        }
        Ok(())
    }

    /// The space of a document; a document whose making was broken off by a fault becomes known
    /// here.
    fn home(&mut self, doc: DocId, store: &Store) -> Result<SpaceId, String> {
        if let Some(space) = self.docs.get(&doc) {
            return Ok(*space);
        }
        let loaded = store.document(doc).map_err(text)?;
        let times = loaded.am.get_changes(&[]);
        let found = times.iter().map(automerge::Change::timestamp);
        let orphan = found.into_iter().find_map(|at_ms| {
            let orphan = self.orphans.remove(&at_ms)?;
            Some((at_ms, orphan))
        });
        let Some((at_ms, (number, space, writes))) = orphan else {
            return Err(format!("{doc} is there, and nobody made it"));
        };
        self.docs.insert(doc, space);
        let edit = self.wrote(number, doc, at_ms, writes);
        self.model.edits[edit].sure = false;
        Ok(space)
    }

    /// A device is on again: all that was saved there and not delivered is still there.
    pub(super) fn pocket_came_back(&mut self, number: usize) {
        self.touch(number);
        self.mark_cut_off(number);
        self.pockets[number].seen.docs.clear();
        self.pockets[number].noticed = {
            let counts = self.pockets[number].disk.counts();
            counts.failed + counts.full
        };
        if self.pockets[number].revoked || self.pockets[number].disk.is_dead() {
            return;
        }
        let Ok(here) = self.pockets[number].look().spaces() else {
            return;
        };
        for edit in self.pockets[number].pending.clone() {
            let edit = self.model.edits[edit].clone();
            // A space that was left has been delivered before it went.
            let home = self.docs.get(&edit.doc);
            if !self.is_promised(&edit) || !here.iter().any(|s| Some(&s.id) == home) {
                continue;
            }
            let store = self.pockets[number].look().store();
            let at = match store.document(edit.doc) {
                Ok(loaded) => {
                    self.model
                        .changes(edit.doc, &loaded.am, loaded.kind)
                        .map(|changes| {
                            let of = |n| self.model.edit(edit.doc, n);
                            changes
                                .iter()
                                .any(|n| self.model.edits[of(n)].at_ms == edit.at_ms)
                        })
                }
                Err(sopu_core::store::StoreError::NotFound(_)) => Ok(false),
                Err(error) => return self.excuse(number, "read", &error),
            };
            match at {
                Ok(true) => {}
                // Perhaps its space went and came back between two looks. What cannot be looked up
                // now is looked up when it comes back again.
                Ok(false) if self.house.relay.is_none() || self.house.disk.is_dead() => {}
                Ok(false)
                    if self
                        .at_relay()
                        .map_or(true, |there| there.contains(&(edit.doc, edit.at_ms))) => {}
                Ok(false) => panic!("device {number} lost what was saved: {:?}", edit.writes),
                Err(what) => panic!("device {number}: {what}"),
            }
        }
    }

    /// The relay is on again: all that it acknowledged is still there.
    pub(super) fn relay_came_back(&mut self) {
        let counts = self.house.disk.counts();
        self.house.noticed = counts.failed + counts.full;
        self.merged = true;
        if self.forgot {
            let mut known = BTreeSet::new();
            for id in &self.acknowledged {
                match self.relay().state_of(*id) {
                    Ok(Some(_)) => drop(known.insert(*id)),
                    Ok(None) => {}
                    Err(error) => return self.excuse_relay("read", &error),
                }
            }
            // The rest it is given again, or not at all: that is judged in the end, by edit.
            self.acknowledged = known;
            self.forgot = false;
        }
        for id in self.acknowledged.clone() {
            match self.relay().state_of(id) {
                Ok(Some(_)) => {}
                Ok(None) => panic!("the relay lost {id}, which it had acknowledged"),
                Err(error) => return self.excuse_relay("read", &error),
            }
        }
    }

    /// Judges the merged record as a replica of every feed.
    pub(super) fn judge_record(&mut self) {
        let relay = self.house.relay.take().expect("up");
        {
            let record = relay.record();
            let store = record.store();
            let docs = document::ids(store.conn(), None, None, 10_000).expect("reads");
            for doc in docs {
                let judged = self.judge_one(doc, store);
                if let Err(what) = judged {
                    panic!("the record: {what}");
                }
            }
        }
        self.house.relay = Some(relay);
    }

    fn judge_one(&mut self, doc: DocId, store: &Store) -> Result<(), String> {
        self.home(doc, store)?;
        let loaded = store.document(doc).map_err(text)?;
        let changes = self.model.changes(doc, &loaded.am, loaded.kind)?;
        let heads: Version = loaded.heads.clone();
        let reading = read(&loaded.am, loaded.kind);
        self.model.judge(doc, &heads, &changes, reading)
    }
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
