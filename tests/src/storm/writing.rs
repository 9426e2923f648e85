//! What people write: a form is opened, something in it changed, and saved; and the model is told.

use std::sync::Arc;

use automerge::{Automerge, ReadDoc};
use serde_json::{Map, Value, json};
use sopu_core::device::DeviceError;
use sopu_core::device::documents::Opened;
use sopu_core::documents::{Kind, contract, service_listing, visit_note};
use sopu_core::genesis::genesis;
use sopu_core::id::{DocId, SpaceId, Version, mint_uuid};
use sopu_core::read::{Reading, at_path, set_path};
use sopu_core::store::document;

use super::Storm;
use super::model::{Edit, Write};

/// The first letter used as a mark; each stands for itself under every normalisation.
const FIRST: u32 = 0x4E00;

/// Documents a storm has at most.
const DOCUMENTS: usize = 9;

/// A form left open.
#[derive(Clone)]
pub struct Form {
    /// On which document.
    pub doc: DocId,
    /// At which version.
    pub version: Version,
    /// As it was shown.
    pub value: Value,
    kind: Kind,
    round: u16,
    /// Items that were hidden when it was opened, with their content; none once it was saved.
    hidden: Vec<(String, Value)>,
}

/// The fields of a kind that people write in here, by rule.
struct Fields {
    text: &'static str,
    last: &'static [&'static str],
    multi: &'static [&'static str],
    set: &'static [&'static str],
    flag: &'static str,
    log: &'static str,
    items: Option<&'static str>,
    status: &'static [&'static str],
    /// Status ranks a form may raise to here.
    ranks: usize,
}

fn fields(kind: Kind) -> Fields {
    match kind {
        Kind::VisitNote => Fields {
            text: "summary",
            last: &["km", "route_from"],
            multi: &["outcome", "funding_source"],
            set: &["tags", "present"],
            flag: "legal_hold",
            log: "measurements",
            items: Some("entries"),
            status: visit_note::STATUS,
            ranks: 3,
        },
        Kind::Contract => Fields {
            text: "scope_text",
            last: &["title", "tender_ref"],
            multi: &["subject_kind"],
            set: &["tags", "order_refs"],
            flag: "legal_hold",
            log: "comments",
            items: None,
            status: contract::STATUS,
            ranks: 2,
        },
        Kind::ServiceListing => Fields {
            text: "description.fi",
            last: &["summary.fi", "contact_person_public"],
            multi: &["names.fi", "charge_type"],
            set: &["tags", "keywords.fi"],
            flag: "paused",
            log: "comments",
            items: None,
            status: service_listing::STATUS,
            ranks: 2,
        },
    }
}

impl Form {
    /// A document as it reads.
    pub(super) fn read(doc: DocId, kind: Kind, version: Version, reading: Reading) -> Self {
        let round = reading.status.get("status").map_or(0, |mark| mark.round);
        let hidden = reading.removed.into_iter();
        Self {
            doc,
            version,
            value: reading.value,
            kind,
            round,
            hidden: hidden.map(|item| (item.key, item.value)).collect(),
        }
    }

    fn of(opened: Opened) -> Self {
        let round = opened.status.get("status").map_or(0, |mark| mark.round);
        let hidden = opened.removed.into_iter();
        Self {
            doc: opened.doc,
            version: opened.version,
            value: opened.value,
            kind: opened.kind,
            round,
            hidden: hidden.map(|item| (item.key, item.value)).collect(),
        }
    }
}

impl Storm {
    /// A document is begun, if there are not many yet.
    pub(super) fn create(&mut self, number: usize) {
        if self.docs.len() - self.erased.len() >= DOCUMENTS {
            return self.edit(number);
        }
        let Some(space) = self.a_space(number) else {
            return;
        };
        let kind = match self.dice.below(5) {
            0 => Kind::Contract,
            1 => Kind::ServiceListing,
            _ => Kind::VisitNote,
        };
        let status = fields(kind).status;
        let value = json!({"status": status[0], "tags": ["alku"]});
        let writes = vec![
            Write::Raise("status".into(), 0, 0, status),
            Write::In("tags".into(), "alku".into()),
        ];
        let at_ms = self.stamp(number);
        let device = self.pockets[number].device();
        match device.create(space, kind, &value) {
            Ok((doc, _)) => {
                self.docs.insert(doc, space);
                self.wrote(number, doc, at_ms, writes);
                self.say(|| format!("{number} makes {doc}, {}", kind.code()));
            }
            // Under an id nobody was told; should it be there after all, its time tells.
            Err(error) => {
                self.excuse(number, "create", &error);
                self.orphans.insert(at_ms, (number, space, writes));
            }
        }
    }

    /// Takes note of an edit that was saved.
    pub(super) fn wrote(
        &mut self,
        number: usize,
        doc: DocId,
        at_ms: i64,
        writes: Vec<Write>,
    ) -> usize {
        let edit = Edit {
            doc,
            by: self.pockets[number].family,
            at_ms,
            writes,
            sure: true,
            lost: false,
            delivered: false,
            hostile: false,
        };
        let edit = self.model.note(edit);
        self.pockets[number].pending.insert(edit);
        edit
    }

    fn a_space(&self, number: usize) -> Option<SpaceId> {
        let spaces = self.pockets[number].look().spaces().ok()?;
        let spaces: Vec<_> = spaces.iter().filter(|s| s.left_ms.is_none()).collect();
        (!spaces.is_empty()).then(|| spaces[self.dice.below(spaces.len())].id)
    }

    fn opened(&mut self, number: usize) -> Option<Opened> {
        let look = self.pockets[number].look();
        let docs = document::ids(look.store().conn(), None, None, 100);
        let docs: Vec<DocId> = match docs {
            Ok(docs) => docs
                .into_iter()
                .filter(|doc| self.docs.contains_key(doc))
                .collect(),
            Err(error) => {
                self.excuse(number, "list", &error);
                return None;
            }
        };
        if docs.is_empty() {
            return None;
        }
        match look.read(docs[self.dice.below(docs.len())]) {
            Ok(opened) => Some(opened),
            Err(error) => {
                self.excuse(number, "read", &error);
                None
            }
        }
    }

    /// Someone opens a document and saves something.
    pub(super) fn edit(&mut self, number: usize) {
        let Some(opened) = self.opened(number) else {
            return;
        };
        let form = Form::of(opened);
        if self.dice.once_in(3) && self.pockets[number].forms.len() < 4 {
            self.pockets[number].forms.push(form.clone());
        }
        self.save(number, form);
    }

    /// Saves in a form that was opened long ago; it goes on from there.
    pub(super) fn edit_stale(&mut self, number: usize) {
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
        let mut value = form.value.clone();
        let writes = self.change(number, &form, &mut value);
        let at_ms = self.stamp(number);
        let device = self.pockets[number].device();
        match device.save(form.doc, &form.version, &value) {
            Ok(saved) => {
                if saved.changes.is_empty() {
                    return None;
                }
                self.say(|| format!("{number} writes {writes:?} into {}", form.doc));
                self.wrote(number, form.doc, at_ms, writes);
                // What the form must show now may have another round of the status, so it is closed.
                let version = saved.merged.is_none().then_some(saved.version)?;
                Some(Form {
                    version,
                    value,
                    hidden: Vec::new(),
                    ..form
                })
            }
            // A version from before a rebuild that kept nothing of it: the form reads again.
            Err(DeviceError::Stale) => None,
            Err(error) => {
                self.excuse(number, "save", &error);
                let edit = self.wrote(number, form.doc, at_ms, writes);
                self.model.edits[edit].sure = false;
                None
            }
        }
    }

    pub(super) fn letter(&mut self) -> char {
        self.count += 1;
        char::from_u32(FIRST + self.count).unwrap_or('?')
    }

    /// Changes something in a form; says what.
    pub(super) fn change(&mut self, number: usize, form: &Form, value: &mut Value) -> Vec<Write> {
        let mut writes = Vec::new();
        let fields = fields(form.kind);
        let Value::Object(object) = value else {
            return writes;
        };
        let letter = self.letter();
        match fields.items.filter(|_| self.dice.once_in(4)) {
            Some(items) => self.change_item(number, form, (items, letter), object, &mut writes),
            None => {
                let old = text_at(&form.value, fields.text);
                let (new, write) = self.insert(fields.text, old, letter);
                set_path(object, fields.text, json!(new));
                writes.push(write);
            }
        }
        self.change_set(fields.set, letter, &form.value, object, &mut writes);
        match self.dice.below(9) {
            0 | 1 => {
                let path = fields.multi[self.dice.below(fields.multi.len())];
                let new = match self.dice.below(5) {
                    0 => Value::Null,
                    n => json!(format!("arvo{n}")),
                };
                self.put(path, new, form, object, |p, v| {
                    writes.push(Write::Multi(p, v))
                });
            }
            2 => {
                let path = fields.last[self.dice.below(fields.last.len())];
                let new = match self.dice.below(20) {
                    0 => Value::Null,
                    n => json!(n.to_string()),
                };
                self.put(path, new, form, object, |p, v| {
                    writes.push(Write::Last(p, v))
                });
            }
            3 => {
                let key = mint_uuid(&*self.pockets[number].machine).to_string();
                let entry = match fields.log {
                    "measurements" => json!({"device": letter.to_string(), "value": "36.6"}),
                    _ => json!({"text": letter.to_string()}),
                };
                object.entry(fields.log).or_insert_with(|| json!({}))[&key] = entry.clone();
                writes.push(Write::Entry(fields.log.into(), key, entry));
            }
            4 => {
                let old = form.value["status"].as_str().unwrap_or_default();
                let had = fields.status.iter().position(|code| *code == old);
                let rank = self.dice.below(fields.ranks);
                if had.is_some_and(|had| had < rank) {
                    object.insert("status".into(), json!(fields.status[rank]));
                    writes.push(Write::Raise(
                        "status".into(),
                        form.round,
                        rank,
                        fields.status,
                    ));
                }
            }
            5 => {
                let had = form.value[fields.flag].as_bool();
                let new = had != Some(true);
                object.insert(fields.flag.into(), json!(new));
                writes.push(Write::Flag(fields.flag.into(), new));
            }
            6 => {
                let codes: &[&str] = &["public", "internal", "confidential", "client"];
                let rank = self.dice.below(4);
                if form.value["sensitivity"].as_str() != Some(codes[rank]) {
                    object.insert("sensitivity".into(), json!(codes[rank]));
                    writes.push(Write::Greatest("sensitivity".into(), rank, codes));
                }
            }
            _ => {}
        }
        writes
    }

    fn put(
        &self,
        path: &str,
        new: Value,
        form: &Form,
        object: &mut Map<String, Value>,
        mut note: impl FnMut(String, Value),
    ) {
        if at_path(&form.value, path).unwrap_or(&Value::Null) != &new {
            set_path(object, path, new.clone());
            note(path.to_owned(), new);
        }
    }

    fn change_set(
        &mut self,
        sets: &[&str],
        letter: char,
        old: &Value,
        object: &mut Map<String, Value>,
        writes: &mut Vec<Write>,
    ) {
        let path = sets[self.dice.below(sets.len())];
        let mut set = at_path(old, path)
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default();
        if self.dice.once_in(6) && !set.is_empty() {
            let gone = set.remove(self.dice.below(set.len()));
            if let Value::String(gone) = gone {
                writes.push(Write::Out(path.into(), gone));
            }
        }
        // Few names, so that several people put in and take out the same.
        let name = match self.dice.below(3) {
            0 => format!("m{letter}"),
            n => format!("sama{}", n + self.dice.below(3)),
        };
        if !set.contains(&json!(name)) && !writes.contains(&Write::Out(path.into(), name.clone())) {
            set.push(json!(name));
            writes.push(Write::In(path.into(), name));
        }
        set_path(object, path, Value::Array(set));
    }

    fn change_item(
        &mut self,
        number: usize,
        form: &Form,
        (items, letter): (&str, char),
        object: &mut Map<String, Value>,
        writes: &mut Vec<Write>,
    ) {
        let all = object.entry(items).or_insert_with(|| json!({}));
        let Value::Object(all) = all else { return };
        let keys: Vec<String> = all.keys().cloned().collect();
        let path = |key: &str, inner: &str| format!("{items}.{key}.{inner}");
        let kind = self.dice.below(6);
        if keys.is_empty() || kind < 2 {
            let key = mint_uuid(&*self.pockets[number].machine).to_string();
            writes.push(Write::Item(items.into(), key.clone(), false));
            writes.push(Write::Last(path(&key, "heading"), json!("uni")));
            writes.push(Write::Letter {
                path: path(&key, "text"),
                letter,
                after: None,
                before: None,
            });
            all.insert(key, json!({"heading": "uni", "text": letter.to_string()}));
            return;
        }
        let key = keys[self.dice.below(keys.len())].clone();
        match kind {
            // Someone takes an item out; what others write in it meanwhile must still be found.
            2 => {
                all.remove(&key);
                writes.push(Write::Item(items.into(), key, true));
            }
            3 if !form.hidden.is_empty() => {
                let (key, old) = form.hidden[self.dice.below(form.hidden.len())].clone();
                writes.push(Write::Item(items.into(), key.clone(), false));
                all.insert(key, old);
            }
            _ => {
                let old = text_at(&form.value, &path(&key, "text"));
                let (new, write) = self.insert(&path(&key, "text"), old, letter);
                all[&key]["text"] = json!(new);
                writes.push(write);
                if self.dice.once_in(3) {
                    let new = json!(["uni", "kipu", "mieliala"][self.dice.below(3)]);
                    if all[&key]["heading"] != new {
                        all[&key]["heading"] = new.clone();
                        writes.push(Write::Last(path(&key, "heading"), new));
                    }
                }
            }
        }
    }

    pub(super) fn insert(&self, path: &str, old: &str, letter: char) -> (String, Write) {
        let mut letters: Vec<char> = old.chars().collect();
        let at = self.dice.below(letters.len() + 1);
        // What a copy of the store shows twice for a while will go once, and marks no place.
        let once = |c: &char| letters.iter().filter(|other| *other == c).count() == 1;
        let after = at.checked_sub(1).map(|before| letters[before]);
        let before = letters.get(at).copied().filter(once);
        let after = after.filter(once);
        letters.insert(at, letter);
        let write = Write::Letter {
            path: path.to_owned(),
            letter,
            after,
            before,
        };
        (letters.into_iter().collect(), write)
    }

    /// Someone settles a conflict.
    pub(super) fn choose(&mut self, number: usize) {
        let Some(opened) = self.opened(number) else {
            return;
        };
        let Some(conflict) = opened.conflicts.first() else {
            return self.edit(number);
        };
        let chosen = &conflict.values[self.dice.below(conflict.values.len())];
        let writes = vec![Write::Multi(conflict.path.clone(), chosen.value.clone())];
        let at_ms = self.stamp(number);
        let (path, change) = (&conflict.path, &chosen.change);
        let device = self.pockets[number].device();
        let done = device.choose(opened.doc, &opened.version, path, change);
        self.done(number, opened.doc, at_ms, writes, done.map(|_| ()));
    }

    /// Someone takes a status back.
    pub(super) fn reopen(&mut self, number: usize) {
        let Some(opened) = self.opened(number) else {
            return;
        };
        let Some(mark) = opened.status.get("status") else {
            return;
        };
        let codes = fields(opened.kind).status;
        let writes = vec![Write::Raise("status".into(), mark.round + 1, 1, codes)];
        let at_ms = self.stamp(number);
        let device = self.pockets[number].device();
        let done = device.reopen(opened.doc, &opened.version, "status", codes[1]);
        self.done(number, opened.doc, at_ms, writes, done.map(|_| ()));
    }

    fn done(
        &mut self,
        number: usize,
        doc: DocId,
        at_ms: i64,
        writes: Vec<Write>,
        done: Result<(), DeviceError>,
    ) {
        self.say(|| format!("{number} writes {writes:?} into {doc}: {done:?}"));
        let edit = self.wrote(number, doc, at_ms, writes);
        if let Err(error) = done {
            self.excuse(number, "save", &error);
            self.model.edits[edit].sure = false;
        }
    }

    /// Lets time pass until a device's clock shows what it never showed when something was saved:
    /// by its time each edit is known.
    pub(super) fn stamp(&mut self, number: usize) -> i64 {
        use sopu_core::time::Env;
        let machine = Arc::clone(&self.pockets[number].machine);
        while !self.stamps.insert(machine.now_ms()) {
            self.time.pass(1);
        }
        machine.now_ms()
    }
}

/// The text people of a kind's documents write in, and what it says.
pub(super) fn text_of(kind: Kind, am: &Automerge) -> (&'static str, String) {
    let path = fields(kind).text;
    let object = genesis(kind).container(path);
    let text = object.and_then(|object| am.text(object).ok());
    (path, text.unwrap_or_default())
}

fn text_at<'v>(value: &'v Value, path: &str) -> &'v str {
    at_path(value, path)
        .and_then(Value::as_str)
        .unwrap_or_default()
}
