//! What a set of changes must read as.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use sopu_core::read::{Reading, at_path};

use super::edit::{Edit, Write};
use super::{Node, Set};

/// A place with the writes to it that nobody had seen.
#[derive(Default)]
struct Place {
    live: Vec<Write>,
    all: Vec<Write>,
}

/// What must be read.
pub struct Expected {
    places: BTreeMap<(String, String), Place>,
    /// Edits of which a part was made again where its item is not.
    pub homeless: BTreeSet<usize>,
}

impl Expected {
    /// Of these changes. Fails if an edit is among them twice.
    ///
    /// `lossy`: the relay came back from a backup. A device may then have lost what nobody had signed
    /// yet, or what a relay took of somebody else instead, and made an edit again without it. Of an
    /// edit in an item whose making it does not build on, nothing can be there; and beside a letter
    /// it does not build on, its own cannot know its place.
    pub fn of(nodes: &[Node], edits: &[Edit], changes: &Set, lossy: bool) -> Result<Self, String> {
        let mut homeless = BTreeSet::new();
        let mut once = BTreeSet::new();
        let mut writes: BTreeMap<(&str, &str), Vec<(usize, &Write)>> = BTreeMap::new();
        for number in changes.iter() {
            let edit = nodes[number].edit;
            if !once.insert(edit) {
                return Err(format!(
                    "edit {edit} is in it twice: {:?}",
                    edits[edit].writes
                ));
            }
            for write in &edits[edit].writes {
                if lossy && is_homeless(nodes, edits, number, write) {
                    // Taking away what is not there leaves nothing to be said.
                    if !matches!(write, Write::Item(.., true)) {
                        homeless.insert(edit);
                    }
                    continue;
                }
                writes
                    .entry(write.place())
                    .or_default()
                    .push((number, write));
            }
        }
        let mut places = BTreeMap::new();
        for ((path, key), writes) in writes {
            let seen = |number: usize| {
                let later = writes.iter().filter(|(other, _)| *other != number);
                later
                    .into_iter()
                    .any(|(other, _)| nodes[*other].past.has(number))
            };
            let live = writes.iter().filter(|(number, _)| !seen(*number));
            let live = live.map(|(_, write)| (*write).clone()).collect();
            let known = |(number, write): &(usize, &Write)| {
                if lossy {
                    beside_known(&nodes[*number], &writes, write)
                } else {
                    (*write).clone()
                }
            };
            let all = writes.iter().map(known).collect();
            places.insert((path.to_owned(), key.to_owned()), Place { live, all });
        }
        Ok(Self { places, homeless })
    }

    /// Whether it reads so.
    pub fn compare(&self, reading: &Reading) -> Result<(), String> {
        let mut shown = Shown::of(reading);
        for ((path, key), place) in &self.places {
            let Some(first) = place.all.first() else {
                continue;
            };
            let good = match first {
                Write::Last(..) => one_of(place, shown.scalar(path)),
                Write::Multi(..) => one_of(place, shown.scalar(path)) && multi(place, path, &shown),
                Write::Flag(..) => {
                    let flag = |w: &Write| matches!(w, Write::Flag(_, true));
                    let is = shown.scalar(path).and_then(Value::as_bool).unwrap_or(false);
                    is == place.live.iter().any(flag)
                }
                Write::Greatest(_, _, codes) => {
                    let rank = |w: &Write| {
                        let Write::Greatest(_, rank, _) = w else {
                            return None;
                        };
                        Some(*rank)
                    };
                    let most = place.live.iter().filter_map(rank).max();
                    let code = most.and_then(|rank| codes.get(rank).copied());
                    shown.scalar(path).and_then(Value::as_str) == code
                }
                Write::Raise(_, _, _, codes) => {
                    let mark = |w: &Write| {
                        let Write::Raise(_, round, rank, _) = w else {
                            return None;
                        };
                        Some((*round, *rank))
                    };
                    let most = place.all.iter().filter_map(mark).max();
                    let status = reading.status.get(path.as_str());
                    let is = status.map(|s| (s.round, usize::from(s.rank)));
                    let code = most.and_then(|(_, rank)| codes.get(rank).copied());
                    is == most && shown.scalar(path).and_then(Value::as_str) == code
                }
                Write::In(..) | Write::Out(..) => {
                    let inside = |w: &Write| matches!(w, Write::In(..));
                    let is = shown.take_element(path, key);
                    is == place.live.iter().any(inside)
                }
                Write::Entry(_, _, value) => shown.take_entry(path, key).as_ref() == Some(value),
                Write::Item(..) => {
                    let hidden = |w: &Write| matches!(w, Write::Item(_, _, true));
                    shown.take_item(path, key) == Some(place.live.iter().any(hidden))
                }
                Write::Letter { .. } => {
                    letters(place, shown.text(path)).map_err(|what| format!("{path}: {what}"))?;
                    true
                }
            };
            if !good {
                let is = shown.scalar(path);
                return Err(format!(
                    "{path} {key} reads {is:?}, conflicts {:?}, status {:?}; live {:?}",
                    reading.conflicts, reading.status, place.live
                ));
            }
        }
        shown.nothing_else(&self.places)
    }
}

/// Whether a change writes into an item whose making is not among what it builds on.
fn is_homeless(nodes: &[Node], edits: &[Edit], number: usize, write: &Write) -> bool {
    let (path, key) = write.place();
    let inner = |path| {
        let (items, rest): (&str, &str) = str::split_once(path, '.')?;
        Some((items, rest.split_once('.')?.0))
    };
    let item = if matches!(write, Write::Item(..)) {
        Some((path, key))
    } else {
        inner(path)
    };
    let Some((items, key)) = item else {
        return false;
    };
    let doc = edits[nodes[number].edit].doc;
    let makes =
        |write: &Write| matches!(write, Write::Item(path, of, false) if path == items && of == key);
    let maker = edits
        .iter()
        .position(|edit| edit.doc == doc && edit.writes.iter().any(makes));
    maker.is_some_and(|maker| nodes[number].past.iter().all(|n| nodes[n].edit != maker))
}

/// A letter with those neighbours only that its change builds on; any other write as it is.
fn beside_known(node: &Node, writes: &[(usize, &Write)], write: &Write) -> Write {
    let Write::Letter {
        path,
        letter,
        after,
        before,
    } = write
    else {
        return write.clone();
    };
    let knows = |neighbour: &char| {
        let is =
            |write: &Write| matches!(write, Write::Letter { letter, .. } if letter == neighbour);
        writes
            .iter()
            .any(|(number, write)| is(write) && node.past.has(*number))
    };
    Write::Letter {
        path: path.clone(),
        letter: *letter,
        after: after.filter(knows),
        before: before.filter(knows),
    }
}

fn value(write: &Write) -> Option<&Value> {
    if let Write::Last(_, value) | Write::Multi(_, value) = write {
        return Some(value);
    }
    None
}

fn one_of(place: &Place, shown: Option<&Value>) -> bool {
    let shown = shown.unwrap_or(&Value::Null);
    place.live.iter().filter_map(value).any(|v| v == shown)
}

fn multi(place: &Place, path: &str, shown: &Shown<'_>) -> bool {
    let mut must: Vec<&Value> = Vec::new();
    for value in place.live.iter().filter_map(value) {
        if !must.contains(&value) {
            must.push(value);
        }
    }
    let conflict = shown.reading.conflicts.iter().find(|c| c.path == path);
    let Some(conflict) = conflict else {
        // What nobody sees needs nobody's choice: a hidden item shows no conflicts.
        return must.len() < 2 || shown.is_hidden(path);
    };
    conflict.values.len() == must.len() && conflict.values.iter().all(|v| must.contains(&&v.value))
}

/// Every letter once, and between those it was put between.
fn letters(place: &Place, text: &str) -> Result<(), String> {
    let mut at: BTreeMap<char, usize> = BTreeMap::new();
    for (position, letter) in text.chars().enumerate() {
        if at.insert(letter, position).is_some() {
            return Err(format!("{letter} is in it twice"));
        }
    }
    let mut known = 0;
    for write in &place.all {
        let Write::Letter {
            letter,
            after,
            before,
            ..
        } = write
        else {
            continue;
        };
        known += 1;
        let here = *at
            .get(letter)
            .ok_or_else(|| format!("{letter} is missing in {text}"))?;
        let there = |c: &Option<char>| c.and_then(|c| at.get(&c).copied());
        let (left, right) = (there(after), there(before));
        let misplaced = (
            left.is_some_and(|left| left > here),
            right.is_some_and(|right| right < here),
        );
        // Two letters put into one place at the same time have their order from the changes they are
        // in. Where one was made again in another change, they may have turned round, and nothing
        // can stand between them any more: then one side must still hold.
        let turned = left.zip(right).is_some_and(|(left, right)| left > right);
        let wrong = match misplaced {
            (true, true) => true,
            (true, false) | (false, true) => !turned,
            (false, false) => false,
        };
        if wrong {
            return Err(format!(
                "{letter} is not between {after:?} and {before:?} in {text}"
            ));
        }
    }
    if known < at.len() {
        return Err(format!("{text} has letters nobody wrote"));
    }
    Ok(())
}

/// A reading, and what of it has been accounted for.
struct Shown<'r> {
    reading: &'r Reading,
    taken: BTreeSet<(String, String)>,
}

impl<'r> Shown<'r> {
    fn of(reading: &'r Reading) -> Self {
        Self {
            reading,
            taken: BTreeSet::new(),
        }
    }

    /// A value, also inside an item that is hidden.
    fn scalar(&self, path: &str) -> Option<&'r Value> {
        let shown = at_path(&self.reading.value, path);
        shown.or_else(|| {
            let (field, rest) = path.split_once('.')?;
            let (key, inner) = rest.split_once('.')?;
            let hidden = self.reading.removed.iter();
            let mut hidden = hidden.filter(|item| item.field == field && item.key == key);
            at_path(&hidden.next()?.value, inner)
        })
    }

    fn is_hidden(&self, path: &str) -> bool {
        let mut hidden = self.reading.removed.iter();
        hidden.any(|item| path.starts_with(&format!("{}.{}.", item.field, item.key)))
    }

    fn text(&self, path: &str) -> &'r str {
        self.scalar(path)
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    fn take_element(&mut self, path: &str, element: &str) -> bool {
        self.taken.insert((path.to_owned(), element.to_owned()));
        let set = self.scalar(path).and_then(Value::as_array);
        set.is_some_and(|set| set.iter().any(|e| e == element))
    }

    fn take_entry(&mut self, path: &str, key: &str) -> Option<Value> {
        self.taken.insert((path.to_owned(), key.to_owned()));
        let clash = self.reading.log_clashes.iter();
        if clash.into_iter().any(|c| c.field == path && c.key == key) {
            return None;
        }
        self.scalar(path)?.get(key).cloned()
    }

    /// Whether an item is hidden; `None` if it is not there.
    fn take_item(&mut self, path: &str, key: &str) -> Option<bool> {
        self.taken.insert((path.to_owned(), key.to_owned()));
        if at_path(&self.reading.value, path).is_some_and(|items| items.get(key).is_some()) {
            return Some(false);
        }
        let mut hidden = self.reading.removed.iter();
        hidden
            .any(|item| item.field == path && item.key == key)
            .then_some(true)
    }

    /// Sets, logs and items hold nothing that was not accounted for, and nothing else has content.
    fn nothing_else(&self, places: &BTreeMap<(String, String), Place>) -> Result<(), String> {
        let foreign = |path: &str, key: &str| {
            let taken = self.taken.contains(&(path.to_owned(), key.to_owned()));
            (!taken).then(|| format!("{path} has {key}, which nobody put there"))
        };
        let paths: BTreeSet<&str> = self.taken.iter().map(|(path, _)| path.as_str()).collect();
        for path in &paths {
            let extra = match self.scalar(path) {
                Some(Value::Array(set)) => set
                    .iter()
                    .filter_map(Value::as_str)
                    .find_map(|element| foreign(path, element)),
                Some(Value::Object(keys)) => keys.keys().find_map(|key| foreign(path, key)),
                Some(_) | None => None,
            };
            if let Some(extra) = extra {
                return Err(extra);
            }
        }
        for conflict in &self.reading.conflicts {
            if !places.contains_key(&(conflict.path.clone(), String::new())) {
                return Err(format!(
                    "a conflict in {}, which nobody wrote",
                    conflict.path
                ));
            }
        }
        if !self.reading.log_clashes.is_empty() {
            return Err(format!("entries clash: {:?}", self.reading.log_clashes));
        }
        let header = ["schema_version", "created_at", "created_by", "created_on"];
        for name in self
            .reading
            .value
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, _)| name)
        {
            let starts = |path: &str| {
                path == name
                    || path
                        .strip_prefix(name)
                        .is_some_and(|rest| rest.starts_with('.'))
            };
            let known = places.keys().any(|(path, _)| starts(path));
            if !known && !header.contains(&name.as_str()) {
                return Err(format!("{name} has content that nobody wrote"));
            }
        }
        Ok(())
    }
}
