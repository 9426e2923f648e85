//! What happens in a storm, one step at a time.

use serde_json::{Value, json};
use sopu_core::device::SyncReport;
use sopu_core::documents::Kind;
use sopu_core::id::{DeviceId, DocId, MemberId, SpaceId, mint_uuid};
use sopu_core::store::document;

use super::dice::Machine;
use super::line::Line;
use super::pocket::{Form, Pocket};
use super::{Mark, Storm};

/// The first letter used as a mark; each stands for itself under every normalisation.
const FIRST: u32 = 0x4E00;

/// Devices a storm ends with at most.
const MOST: usize = 7;

impl Storm {
    /// One step.
    pub fn step(&mut self) {
        self.time.pass(1 + self.dice.below(60_000) as i64);
        let number = self.dice.below(self.pockets.len());
        match self.dice.below(100) {
            0..=11 => self.create(number),
            12..=37 => self.edit(number),
            38..=47 => self.edit_stale(number),
            48..=51 => self.choose(number),
            52..=53 => self.reopen(number),
            54..=71 => self.sync(number),
            72..=81 => self.merge(),
            82..=83 => self.restart_all(),
            84..=86 => self.pockets[number].restart(),
            87..=88 => {
                self.note(format!("{number} is backed up"));
                self.pockets[number].back_up();
            }
            89..=90 => self.restore(number),
            91 => self.clone_one(number),
            92..=93 => self.membership(),
            94 => self.set_clock(number),
            95..=97 => self.repeat(number),
            98 => self.revoke(number),
            _ => self.time.pass(3_600_000),
        }
    }

    fn fresh(&mut self, doc: DocId, number: usize, in_item: bool) -> char {
        self.count += 1;
        let letter = char::from_u32(FIRST + self.count).expect("a letter");
        let mark = Mark {
            doc,
            in_item,
            lost: false,
            delivered: false,
        };
        self.marks.insert(letter, mark);
        self.pockets[number].pending.insert(letter);
        letter
    }

    fn create(&mut self, number: usize) {
        if self.docs.len() >= 8 {
            return self.edit(number);
        }
        let Some(space) = self.a_space(number) else {
            return;
        };
        let value = json!({"summary": "", "status": "planned", "tags": ["alku"]});
        let device = self.pockets[number].device();
        let (doc, _) = device
            .create(space, Kind::VisitNote, &value)
            .expect("creates");
        self.docs.insert(doc, space);
        self.note(format!("{number} makes {doc}"));
    }

    fn a_space(&self, number: usize) -> Option<SpaceId> {
        let spaces = self.pockets[number].look().spaces().expect("reads");
        let spaces: Vec<_> = spaces.iter().filter(|s| s.left_ms.is_none()).collect();
        (!spaces.is_empty()).then(|| spaces[self.dice.below(spaces.len())].id)
    }

    fn a_doc(&self, number: usize) -> Option<DocId> {
        let conn = self.pockets[number].look().store().conn();
        let docs = document::ids(conn, None, None, 100).expect("reads");
        (!docs.is_empty()).then(|| docs[self.dice.below(docs.len())])
    }

    fn edit(&mut self, number: usize) {
        let Some(doc) = self.a_doc(number) else {
            return;
        };
        let opened = self.pockets[number].look().read(doc).expect("reads");
        let form = Form {
            doc,
            version: opened.version,
            value: opened.value,
        };
        if self.dice.once_in(3) && self.pockets[number].forms.len() < 4 {
            self.pockets[number].forms.push(form.clone());
        }
        self.save(number, form);
    }

    /// Saves in a form that was opened long ago; it goes on from there.
    fn edit_stale(&mut self, number: usize) {
        let forms = self.pockets[number].forms.len();
        if forms == 0 {
            return self.edit(number);
        }
        let at = self.dice.below(forms);
        let form = self.pockets[number].forms.remove(at);
        let there = self.pockets[number].look().read(form.doc).is_ok();
        if let Some(form) = there.then(|| self.save(number, form)).flatten() {
            self.pockets[number].forms.push(form);
        }
    }

    fn save(&mut self, number: usize, form: Form) -> Option<Form> {
        let Form {
            doc,
            version,
            mut value,
        } = form;
        let machine = std::sync::Arc::clone(&self.pockets[number].machine);
        let in_item = self.dice.once_in(4);
        let letter = self.fresh(doc, number, in_item);
        if in_item {
            let items = value["entries"].as_object().cloned().unwrap_or_default();
            let keys: Vec<String> = items.keys().cloned().collect();
            if keys.is_empty() || self.dice.once_in(2) {
                let key = mint_uuid(&*machine).to_string();
                value["entries"][key] =
                    json!({"heading": "yleisvointi", "text": letter.to_string()});
            } else {
                let key = &keys[self.dice.below(keys.len())];
                let old = value["entries"][key]["text"].as_str().unwrap_or_default();
                value["entries"][key]["text"] = json!(self.insert(old, letter));
            }
        } else {
            let old = value["summary"].as_str().unwrap_or_default();
            value["summary"] = json!(self.insert(old, letter));
        }
        // Someone takes an entry out; what others write in it meanwhile must still be found.
        if self.dice.once_in(12)
            && !in_item
            && let Some(items) = value["entries"].as_object_mut()
        {
            let keys: Vec<String> = items.keys().cloned().collect();
            if !keys.is_empty() {
                items.remove(&keys[self.dice.below(keys.len())]);
            }
        }
        let mut tags = value["tags"].as_array().cloned().unwrap_or_default();
        tags.push(json!(format!("m{letter}")));
        value["tags"] = Value::Array(tags);
        match self.dice.below(8) {
            0 => value["outcome"] = json!(["partial", "refused", "as_planned"][self.dice.below(3)]),
            1 => value["km"] = json!(self.dice.below(90).to_string()),
            2 => {
                let key = mint_uuid(&*machine).to_string();
                value["measurements"][key] = json!({"device": letter.to_string(), "value": "36.6"});
            }
            3 => value["status"] = json!(["started", "done"][self.dice.below(2)]),
            4 => value["route_from"] = json!(format!("paikka {}", self.dice.below(5))),
            _ => {}
        }
        let saved = self.pockets[number].device().save(doc, &version, &value);
        match saved {
            Ok(saved) => {
                self.note(format!("{number} writes {letter} into {doc}"));
                let (version, value) = (saved.version, saved.merged.unwrap_or(value));
                Some(Form {
                    doc,
                    version,
                    value,
                })
            }
            // A version from before a rebuild that kept nothing of it: the form reads again.
            Err(sopu_core::device::DeviceError::Stale) => {
                self.marks.remove(&letter);
                self.pockets[number].pending.remove(&letter);
                None
            }
            Err(other) => panic!("a save failed: {other}"),
        }
    }

    fn insert(&self, old: &str, letter: char) -> String {
        let mut letters: Vec<char> = old.chars().collect();
        letters.insert(self.dice.below(letters.len() + 1), letter);
        letters.into_iter().collect()
    }

    fn choose(&mut self, number: usize) {
        let Some(doc) = self.a_doc(number) else {
            return;
        };
        let opened = self.pockets[number].look().read(doc).expect("reads");
        let Some(conflict) = opened.conflicts.first() else {
            return;
        };
        let change = conflict.values[self.dice.below(conflict.values.len())].change;
        let device = self.pockets[number].device();
        device
            .choose(doc, &opened.version, &conflict.path, &change)
            .expect("chooses");
    }

    fn reopen(&mut self, number: usize) {
        let Some(doc) = self.a_doc(number) else {
            return;
        };
        let opened = self.pockets[number].look().read(doc).expect("reads");
        if opened.status.contains_key("status") {
            let device = self.pockets[number].device();
            device
                .reopen(doc, &opened.version, "status", "started")
                .expect("reopens");
        }
    }

    fn sync(&mut self, number: usize) {
        let pocket = &mut self.pockets[number];
        let line = Line::new(self.relay.as_ref(), Some(&self.dice), pocket.id());
        let requests = 1 + u32::try_from(self.dice.below(6)).unwrap_or(0);
        let device = pocket.device.as_mut().expect("switched on");
        let done = device.sync_for(&line, requests);
        let seen = line.seen.into_inner().expect("one thread");
        pocket.exchanges.extend(seen);
        let surplus = pocket.exchanges.len().saturating_sub(12);
        pocket.exchanges.drain(..surplus);
        self.log.push(format!("{number} syncs: {done:?}"));
        self.settle_marks(number);
        if self.dice.once_in(3)
            && self.pockets[number]
                .look()
                .must_enrol_again()
                .expect("reads")
        {
            self.note(format!("{number} enrols again"));
            self.enrol(number);
            self.pockets[number].exchanges.clear();
        }
    }

    /// With nothing left to deliver, all that was saved here is at the relay.
    pub fn settle_marks(&mut self, number: usize) {
        let backlog = self.pockets[number].look().backlog().expect("reads");
        if backlog.unsealed + backlog.sealed + backlog.refused == 0 {
            for letter in std::mem::take(&mut self.pockets[number].pending) {
                if let Some(mark) = self.marks.get_mut(&letter) {
                    mark.delivered = true;
                }
            }
        }
    }

    fn merge(&mut self) {
        let steps = 1 + self.dice.below(4);
        for _ in 0..steps {
            self.relay().merge_step().expect("merges");
        }
    }

    fn restart_all(&mut self) {
        self.note("the relay starts again".into());
        self.restart_relay();
    }

    fn restore(&mut self, number: usize) {
        let keep = self.dice.once_in(2);
        self.copies.insert(self.pockets[number].id());
        if self.pockets[number].backup.is_some() {
            self.note(format!("{number} is restored, instance kept: {keep}"));
        }
        for letter in self.pockets[number].restore(keep) {
            if let Some(mark) = self.marks.get_mut(&letter) {
                mark.lost = true;
            }
        }
    }

    fn clone_one(&mut self, number: usize) {
        if self.pockets.len() >= MOST || self.pockets[number].copied {
            return;
        }
        let twin = self.pockets.len();
        self.copies.insert(self.pockets[number].id());
        self.note(format!("{number} is cloned as {twin}"));
        let folder = self.dir.path().join(format!("device-{twin}"));
        let machine = Machine::new(&self.time, &self.dice);
        let twin = self.pockets[number].twin(&folder, machine);
        self.pockets.push(twin);
    }

    fn membership(&mut self) {
        let members: Vec<MemberId> = self.members.keys().copied().collect();
        let member = members[self.dice.below(members.len())];
        let space = self.spaces[self.dice.below(self.spaces.len())];
        if self.members[&member].contains(&space) {
            self.note(format!("{member} leaves {space}"));
            self.put_out(member, space);
        } else {
            self.note(format!("{member} joins {space}"));
            self.let_in(member, space);
        }
    }

    fn set_clock(&mut self, number: usize) {
        let hours = self.dice.below(200) as i64 - 100;
        self.pockets[number].machine.set_off(hours * 3_600_000);
    }

    /// An old response comes once more.
    fn repeat(&mut self, number: usize) {
        let pocket = &mut self.pockets[number];
        if pocket.exchanges.is_empty() {
            return;
        }
        let at = self.dice.below(pocket.exchanges.len());
        let (outgoing, response) = pocket.exchanges[at].clone();
        let mut report = SyncReport::default();
        let device = pocket.device.as_mut().expect("switched on");
        device
            .apply(&outgoing, &response, &mut report)
            .expect("an old response does no harm");
        self.note(format!("{number} gets an old response again: {report:?}"));
    }

    fn revoke(&mut self, number: usize) {
        if self.pockets.iter().filter(|p| !p.revoked).count() <= 3 {
            return;
        }
        let device: DeviceId = self.pockets[number]
            .look()
            .identity()
            .expect("enrolled")
            .device;
        self.note(format!("{number} is revoked"));
        self.relay().revoke(device).expect("revokes");
        let same = |p: &&mut Pocket| p.look().identity().is_ok_and(|me| me.device == device);
        for pocket in self.pockets.iter_mut().filter(same) {
            pocket.revoked = true;
        }
    }
}
