//! What a user changed: the difference between the value a form was opened with and the value it
//! gives back, as a list of edits. Everything the user left alone is absent from the list, because
//! writing an untouched field would silently end its conflict or move a status back.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};
use uuid::Uuid;

use crate::documents::{Field, Kind, Rule, Type};
use crate::read::{Reading, at_path};
use crate::scalar;

/// Where a field is: at the root of the document or inside one item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// The root.
    Root,
    /// Item `key` of the map field stored under this root key.
    Item {
        /// [`Field::key`] of the map field.
        container: &'static str,
        /// The item's UUID.
        key: String,
    },
}

/// One thing to do to a document.
#[derive(Clone, Debug)]
pub enum Edit {
    /// Write a scalar; `Null` empties the field.
    Put {
        /// Where.
        place: Place,
        /// Which field.
        field: &'static Field,
        /// Its new value.
        value: Value,
    },
    /// Change a text.
    Text {
        /// Where.
        place: Place,
        /// Which field.
        field: &'static Field,
        /// What the form was opened with.
        old: String,
        /// What it holds now.
        new: String,
    },
    /// A new item.
    AddItem {
        /// The map field's root key.
        container: &'static str,
        /// Its fields.
        fields: &'static [Field],
        /// The item's UUID.
        key: String,
        /// Its first content.
        value: Value,
    },
    /// Remove an item, or bring it back.
    Remove {
        /// The map field's root key.
        container: &'static str,
        /// The item's UUID.
        key: String,
        /// false brings it back.
        removed: bool,
    },
    /// A new log entry.
    Append {
        /// Where.
        place: Place,
        /// Which log.
        field: &'static Field,
        /// The entry's UUID.
        key: String,
        /// The entry.
        value: Value,
    },
    /// Put an element into an add-wins set, or take it out.
    Element {
        /// Where.
        place: Place,
        /// Which set.
        field: &'static Field,
        /// The element.
        element: String,
        /// In or out.
        inside: bool,
    },
    /// Decide about an element of a remove-wins set.
    Decide {
        /// Which set.
        field: &'static Field,
        /// Key of the decision.
        key: String,
        /// The element.
        element: String,
        /// In or out.
        inside: bool,
    },
    /// Raise a monotone status.
    Raise {
        /// Where.
        place: Place,
        /// Which status.
        field: &'static Field,
        /// Its round.
        round: u16,
        /// The new rank.
        rank: u8,
    },
}

impl Edit {
    /// Where it writes; `None` if it makes or removes a whole item.
    pub(crate) fn place(&self) -> Option<&Place> {
        match self {
            Edit::Put { place, .. }
            | Edit::Text { place, .. }
            | Edit::Append { place, .. }
            | Edit::Element { place, .. }
            | Edit::Raise { place, .. } => Some(place),
            Edit::AddItem { .. } | Edit::Remove { .. } | Edit::Decide { .. } => None,
        }
    }

    /// The root key it writes under.
    pub(crate) fn root_key(&self) -> &'static str {
        match self {
            Edit::AddItem { container, .. } | Edit::Remove { container, .. } => container,
            Edit::Decide { field, .. } => field.key(),
            Edit::Put { place, field, .. }
            | Edit::Text { place, field, .. }
            | Edit::Append { place, field, .. }
            | Edit::Element { place, field, .. }
            | Edit::Raise { place, field, .. } => match place {
                Place::Root => field.key(),
                Place::Item { container, .. } => container,
            },
        }
    }

    /// Roughly how many bytes it adds to a change.
    pub(crate) fn weight(&self) -> usize {
        match self {
            Edit::Put { value, .. } | Edit::Append { value, .. } => 64 + json_weight(value),
            Edit::AddItem { value, .. } => 256 + json_weight(value),
            // Only what differs between the trimmed middles is written.
            Edit::Text { old, new, .. } => {
                let (start, end) = common_ends(old, new);
                64 + 4 * (new.len() - start - end) + 4 * (old.len() - start - end)
            }
            Edit::Element { element, .. } | Edit::Decide { element, .. } => 128 + element.len(),
            Edit::Remove { .. } | Edit::Raise { .. } => 96,
        }
    }
}

fn json_weight(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 16,
        // A text born with an item costs an operation a character.
        Value::String(s) => 16 + 4 * s.len(),
        Value::Array(items) => items.iter().map(json_weight).sum(),
        Value::Object(parts) => parts
            .iter()
            .map(|(k, v)| k.len() + 16 + json_weight(v))
            .sum(),
    }
}

/// Bytes two texts share at the start and at the end, at character boundaries, not overlapping.
pub(crate) fn common_ends(old: &str, new: &str) -> (usize, usize) {
    let start: usize = old
        .chars()
        .zip(new.chars())
        .take_while(|(a, b)| a == b)
        .map(|(a, _)| a.len_utf8())
        .sum();
    let end: usize = old[start..]
        .chars()
        .rev()
        .zip(new[start..].chars().rev())
        .take_while(|(a, b)| a == b)
        .map(|(a, _)| a.len_utf8())
        .sum();
    (start, end)
}

/// Part of the new value that the merge rules do not let a form write. Nothing else is held up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ignored {
    /// Field path.
    pub path: String,
    /// `immutable`, `status_only_rises`, `log_only_grows`.
    pub code: &'static str,
}

/// A value no form of the field table can mean: a mistake of the app, not of its user.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {code}")]
pub struct BadValue {
    /// Field path.
    pub path: String,
    /// `wrong_type`, `bad_key`, `unknown_code`, `too_long`.
    pub code: &'static str,
}

/// What to do, and what was left undone.
#[derive(Debug, Default)]
pub struct Diff {
    /// In field-table order.
    pub edits: Vec<Edit>,
    /// Left undone.
    pub ignored: Vec<Ignored>,
}

impl Diff {
    pub(crate) fn of(edit: Edit) -> Self {
        Self {
            edits: vec![edit],
            ignored: Vec::new(),
        }
    }
}

/// Compares what was read with what the form gives back.
///
/// # Errors
/// [`BadValue`] if the new value does not fit the field table.
pub fn diff(
    kind: Kind,
    old: &Reading,
    new: &Value,
    mint: &mut dyn FnMut() -> Uuid,
) -> Result<Diff, BadValue> {
    let mut differ = Differ {
        old,
        mint,
        out: Diff::default(),
    };
    for field in kind.spec().fields() {
        let before = at_path(&old.value, field.path);
        let after = at_path(new, field.path).filter(|value| !scalar::is_empty(value));
        differ.field(field, Place::Root, field.path, before, after)?;
    }
    Ok(differ.out)
}

/// The field and place a path names: `"names.fi"`, `"parties.<uuid>.roles"`.
pub fn resolve(kind: Kind, path: &str) -> Option<(Place, &'static Field)> {
    if let Some(field) = kind.spec().field(path) {
        return Some((Place::Root, field));
    }
    kind.spec().fields().find_map(|map| {
        let rest = path.strip_prefix(map.path)?.strip_prefix('.')?;
        let Rule::Map(fields) = map.rule else {
            return None;
        };
        let (key, inner) = rest.split_once('.')?;
        let field = fields.iter().find(|field| field.path == inner)?;
        Some((
            Place::Item {
                container: map.key(),
                key: key.to_owned(),
            },
            field,
        ))
    })
}

struct Differ<'a> {
    old: &'a Reading,
    mint: &'a mut dyn FnMut() -> Uuid,
    out: Diff,
}

impl Differ<'_> {
    fn field(
        &mut self,
        field: &'static Field,
        place: Place,
        path: &str,
        before: Option<&Value>,
        after: Option<&Value>,
    ) -> Result<(), BadValue> {
        if before == after {
            return Ok(());
        }
        match field.rule {
            Rule::Imm | Rule::Lww | Rule::Mvr | Rule::Yield(_) | Rule::FlagPlus | Rule::Max(_) => {
                self.scalar(field, place, path, before, after)
            }
            Rule::Txt => {
                let text = |value: Option<&Value>| match value {
                    None => Ok(String::new()),
                    Some(Value::String(s)) => Ok(s.clone()),
                    Some(_) => Err(bad(path, "wrong_type")),
                };
                let (old, new) = (text(before)?, text(after)?);
                self.out.edits.push(Edit::Text {
                    place,
                    field,
                    old,
                    new,
                });
                Ok(())
            }
            Rule::Map(fields) => self.items(field, fields, path, before, after),
            Rule::Log => self.log(field, place, path, before, after),
            Rule::Aws | Rule::Rws => {
                let (old, new) = (elements(path, before)?, elements(path, after)?);
                let added = new.iter().filter(|e| !old.contains(*e)).map(|e| (e, true));
                let gone = old.iter().filter(|e| !new.contains(*e)).map(|e| (e, false));
                for (element, inside) in added.chain(gone) {
                    let element = element.clone();
                    self.out.edits.push(if matches!(field.rule, Rule::Rws) {
                        Edit::Decide {
                            field,
                            key: (self.mint)().to_string(),
                            element,
                            inside,
                        }
                    } else {
                        Edit::Element {
                            place: place.clone(),
                            field,
                            element,
                            inside,
                        }
                    });
                }
                Ok(())
            }
            Rule::Mst(codes) => self.status(field, codes, place, path, after),
        }
    }

    fn scalar(
        &mut self,
        field: &'static Field,
        place: Place,
        path: &str,
        before: Option<&Value>,
        after: Option<&Value>,
    ) -> Result<(), BadValue> {
        let value = match after {
            None => Value::Null,
            Some(after) => {
                scalar::normalise(&field.ty, after).ok_or_else(|| bad(path, "wrong_type"))?
            }
        };
        if before == Some(&value) || (before.is_none() && scalar::is_empty(&value)) {
            return Ok(());
        }
        if matches!(field.rule, Rule::Imm) && before.is_some() {
            self.ignore(path, "immutable");
            return Ok(());
        }
        fits_one_change(path, &value)?;
        self.out.edits.push(Edit::Put {
            place,
            field,
            value,
        });
        Ok(())
    }

    fn items(
        &mut self,
        field: &'static Field,
        fields: &'static [Field],
        path: &str,
        before: Option<&Value>,
        after: Option<&Value>,
    ) -> Result<(), BadValue> {
        let empty = Map::new();
        let old = before.and_then(Value::as_object).unwrap_or(&empty);
        let new = match after {
            None => &empty,
            Some(Value::Object(new)) => new,
            Some(_) => return Err(bad(path, "wrong_type")),
        };
        let container = field.key();
        let mut shown = BTreeSet::new();
        for (key, value) in new {
            let key = uuid_key(path, key)?;
            shown.insert(key.clone());
            let item_path = format!("{path}.{key}");
            let hidden = self
                .old
                .removed
                .iter()
                .find(|r| r.field == path && r.key == key);
            let old_item = match (old.get(&key), hidden) {
                (Some(old_item), _) => old_item,
                (None, Some(removed)) => {
                    // Given back by the form: undo of a removal.
                    let key = key.clone();
                    self.out.edits.push(Edit::Remove {
                        container,
                        key,
                        removed: false,
                    });
                    &removed.value
                }
                (None, None) => {
                    check_item(fields, &item_path, value)?;
                    let value = value.clone();
                    self.out.edits.push(Edit::AddItem {
                        container,
                        fields,
                        key,
                        value,
                    });
                    continue;
                }
            };
            for inner in fields {
                let before = at_path(old_item, inner.path);
                let after = at_path(value, inner.path).filter(|v| !scalar::is_empty(v));
                let place = Place::Item {
                    container,
                    key: key.clone(),
                };
                let inner_path = format!("{item_path}.{}", inner.path);
                self.field(inner, place, &inner_path, before, after)?;
            }
        }
        for key in old.keys().filter(|key| !shown.contains(*key)) {
            self.out.edits.push(Edit::Remove {
                container,
                key: key.clone(),
                removed: true,
            });
        }
        Ok(())
    }

    /// New keys are appended. A changed entry becomes a new one that supersedes the old, so a
    /// form that lets its user correct an entry neither fails nor rewrites history. A form that still shows
    /// the corrected entry under its old key, as it sent it, is understood at its next save too.
    fn log(
        &mut self,
        field: &'static Field,
        place: Place,
        path: &str,
        before: Option<&Value>,
        after: Option<&Value>,
    ) -> Result<(), BadValue> {
        let empty = Map::new();
        let old = before.and_then(Value::as_object).unwrap_or(&empty);
        let new = match after {
            None => &empty,
            Some(Value::Object(new)) => new,
            Some(_) => return Err(bad(path, "wrong_type")),
        };
        let named = |(key, value): (&String, _)| Ok((uuid_key(path, key)?, value));
        let new: Vec<(String, &Value)> = new.iter().map(named).collect::<Result<_, _>>()?;
        let shown: BTreeSet<String> = new.iter().map(|(key, _)| key.clone()).collect();
        let corrections = corrections(old);
        for (key, value) in new {
            let entry_path = format!("{path}.{key}");
            let mut entry = scalar::normalise(&field.ty, value)
                .ok_or_else(|| bad(&entry_path, "wrong_type"))?;
            fits_one_change(&entry_path, &entry)?;
            let supersedes = match old.get(&key) {
                Some(was) => {
                    let last =
                        last_correction(&corrections, &key).filter(|last| !shown.contains(*last));
                    let stands = last.map_or(was, |last| &old[last]);
                    if same_entry(stands, &entry) {
                        continue;
                    }
                    Some(Value::from(last.unwrap_or(&key).clone()))
                }
                None => value.get(scalar::SUPERSEDES).cloned(),
            };
            let key = if old.contains_key(&key) {
                (self.mint)().to_string()
            } else {
                key
            };
            if let (Value::Object(entry), Some(old)) = (&mut entry, supersedes)
                && let Some(old) = scalar::normalise(&Type::Id, &old)
            {
                entry.insert(scalar::SUPERSEDES.to_owned(), old);
            }
            let place = place.clone();
            self.out.edits.push(Edit::Append {
                place,
                field,
                key,
                value: entry,
            });
        }
        let is_correction = |key: &String| {
            let of = old[key].get(scalar::SUPERSEDES).and_then(Value::as_str);
            of.is_some_and(|of| old.contains_key(of))
        };
        let gone = old.keys().filter(|key| !shown.contains(*key));
        for key in gone.filter(|key| !is_correction(key)) {
            self.ignore(&format!("{path}.{key}"), "log_only_grows");
        }
        Ok(())
    }

    fn status(
        &mut self,
        field: &'static Field,
        codes: &[&str],
        place: Place,
        path: &str,
        after: Option<&Value>,
    ) -> Result<(), BadValue> {
        let mark = self.old.status.get(path);
        let Some(after) = after else {
            self.ignore(path, "status_only_rises");
            return Ok(());
        };
        let code = after.as_str().ok_or_else(|| bad(path, "wrong_type"))?;
        let rank = rank(codes, code).ok_or_else(|| bad(path, "unknown_code"))?;
        let round = mark.map_or(0, |mark| mark.round);
        if mark.is_some_and(|mark| mark.rank >= rank) {
            self.ignore(path, "status_only_rises");
        } else {
            self.out.edits.push(Edit::Raise {
                place,
                field,
                round,
                rank,
            });
        }
        Ok(())
    }

    fn ignore(&mut self, path: &str, code: &'static str) {
        self.out.ignored.push(Ignored {
            path: path.to_owned(),
            code,
        });
    }
}

/// The rank of a status code.
pub(crate) fn rank(codes: &[&str], code: &str) -> Option<u8> {
    codes
        .iter()
        .position(|c| *c == code)
        .and_then(|rank| u8::try_from(rank).ok())
}

fn bad(path: &str, code: &'static str) -> BadValue {
    BadValue {
        path: path.to_owned(),
        code,
    }
}

/// What an entry corrects is the machinery's business; forms may leave it out.
/// The newest correction of each entry of a log that has one.
fn corrections(log: &Map<String, Value>) -> BTreeMap<&str, &String> {
    let mut newest: BTreeMap<&str, &String> = BTreeMap::new();
    for (key, entry) in log {
        if let Some(of) = entry.get(scalar::SUPERSEDES).and_then(Value::as_str) {
            let known = newest.entry(of).or_insert(key);
            *known = key.max(*known);
        }
    }
    newest
}

/// The entry that stands for this one now, if it was corrected: the newest of its corrections' corrections.
fn last_correction<'o>(newest: &BTreeMap<&str, &'o String>, key: &str) -> Option<&'o String> {
    let mut last = *newest.get(key)?;
    // Entries from outside may go in circles.
    for _ in 0..newest.len() {
        match newest.get(last.as_str()) {
            Some(next) => last = next,
            None => break,
        }
    }
    Some(last)
}

fn same_entry(old: &Value, new: &Value) -> bool {
    match (old, new) {
        (Value::Object(old), Value::Object(new)) => {
            let parts = |o: &Map<String, Value>| {
                o.iter()
                    .filter(|(k, _)| *k != scalar::SUPERSEDES)
                    .map(|(k, v)| (k.clone(), v.clone()))
                    .collect::<Vec<_>>()
            };
            parts(old) == parts(new)
        }
        _ => old == new,
    }
}

fn uuid_key(path: &str, key: &str) -> Result<String, BadValue> {
    let key = Uuid::parse_str(key).map_err(|_| bad(path, "bad_key"))?;
    Ok(key.to_string())
}

fn elements(path: &str, value: Option<&Value>) -> Result<Vec<String>, BadValue> {
    let Some(value) = value else {
        return Ok(Vec::new());
    };
    let items = value.as_array().ok_or_else(|| bad(path, "wrong_type"))?;
    let mut elements = Vec::new();
    for item in items {
        let element = item.as_str().ok_or_else(|| bad(path, "wrong_type"))?;
        // Automerge has no empty map key.
        if !element.is_empty() && !elements.iter().any(|e| e == element) {
            elements.push(element.to_owned());
        }
    }
    Ok(elements)
}

/// Texts are split over several changes, but a scalar is written whole, and a change has its limit.
/// Every field's maximum is far below it; a form that lets more in is the app's mistake.
const LONGEST_SCALAR: usize = 224 * 1024;

fn fits_one_change(path: &str, value: &Value) -> Result<(), BadValue> {
    let fits = crate::canonical::to_cbor(value).len() <= LONGEST_SCALAR;
    fits.then_some(()).ok_or_else(|| bad(path, "too_long"))
}

/// Refuses an item whose parts do not fit before anything is written.
fn check_item(fields: &[Field], path: &str, value: &Value) -> Result<(), BadValue> {
    let mut scalars = 0;
    for field in fields {
        let Some(part) = at_path(value, field.path).filter(|part| !scalar::is_empty(part)) else {
            continue;
        };
        let fits = match field.rule {
            Rule::Txt => part.is_string(),
            Rule::Mst(codes) => part
                .as_str()
                .is_some_and(|code| rank(codes, code).is_some()),
            Rule::Aws | Rule::Rws => elements(path, Some(part)).is_ok(),
            Rule::Log | Rule::Map(_) => part.is_object(),
            Rule::Imm | Rule::Lww | Rule::Mvr | Rule::Yield(_) | Rule::FlagPlus | Rule::Max(_) => {
                scalar::normalise(&field.ty, part).is_some()
            }
        };
        if !fits {
            return Err(bad(&format!("{path}.{}", field.path), "wrong_type"));
        }
        if !matches!(field.rule, Rule::Txt) {
            scalars += crate::canonical::to_cbor(part).len();
        }
    }
    let fits = scalars <= LONGEST_SCALAR;
    fits.then_some(()).ok_or_else(|| bad(path, "too_long"))
}
