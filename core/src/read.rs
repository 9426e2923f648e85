//! Document → value. Total: nothing a document can hold makes reading fail. What a field's type
//! does not know reads as *unknown*, is kept, and costs that one field.

use std::collections::{BTreeMap, BTreeSet};

use automerge::iter::MapRangeItem;
use automerge::{Automerge, ChangeHash, ObjId, ObjType, ROOT, ReadDoc, ScalarValue, Value as Live};
use serde_json::{Map, Value};

use crate::canonical::to_cbor;
use crate::documents::{Field, Kind, Rule, Type};
use crate::genesis::genesis;
use crate::id::{Hash, Version};
use crate::scalar;

/// The item field that says an item was removed. Removal is a value, never a deleted key: deleting
/// would drop a concurrent edit inside the item without trace.
pub const REMOVED: &str = "removed";

/// What a document says at one version.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reading {
    /// The JSON form, by the kind's field table.
    pub value: Value,
    /// Fields two people set concurrently and nobody has settled.
    pub conflicts: Vec<Conflict>,
    /// Paths holding something this version of Sopu does not understand.
    pub unknown: Vec<String>,
    /// Items marked removed, which `value` leaves out.
    pub removed: Vec<RemovedItem>,
    /// Log keys with unequal live values.
    pub log_clashes: Vec<LogClash>,
    /// For each status field that has been set: where it stands.
    pub status: BTreeMap<String, StatusMark>,
}

/// A field with several live values.
#[derive(Clone, Debug, PartialEq)]
pub struct Conflict {
    /// Field path, `"outcome"` or `"parties.<item>.roles"`.
    pub path: String,
    /// The distinct values, the one `value` shows last. `Null` is an emptied field, or a value
    /// this version does not understand.
    pub values: Vec<LiveValue>,
}

/// One of the values of a conflict.
#[derive(Clone, Debug, PartialEq)]
pub struct LiveValue {
    /// In JSON form.
    pub value: Value,
    /// The change that wrote it.
    pub change: Hash,
}

/// An item someone removed.
#[derive(Clone, Debug, PartialEq)]
pub struct RemovedItem {
    /// The field's path, `"tasks"`.
    pub field: String,
    /// The item's key.
    pub key: String,
    /// Its content, so that removal can be undone and late edits shown.
    pub value: Value,
    /// The change that removed it.
    pub change: Option<Hash>,
}

/// A log key that two devices wrote with different values.
#[derive(Clone, Debug, PartialEq)]
pub struct LogClash {
    /// The field's path.
    pub field: String,
    /// The entry's key.
    pub key: String,
    /// The distinct values, earliest first.
    pub values: Vec<Value>,
}

/// Where a monotone status stands.
#[derive(Clone, Debug, PartialEq)]
pub struct StatusMark {
    /// The code; `"unknown"` for a rank of a newer version.
    pub code: String,
    /// How often it was reopened.
    pub round: u16,
    /// Its rank in the kind's list.
    pub rank: u8,
    /// The member who set it.
    pub by: Option<String>,
    /// When, by the device's clock.
    pub at_ms: Option<i64>,
}

/// Reads the document as it stands.
pub fn read(doc: &Automerge, kind: Kind) -> Reading {
    Reader {
        doc,
        heads: None,
        out: Reading::default(),
    }
    .run(kind)
}

/// Reads the document as it stood at a version. The version must be of this document.
pub fn read_at(doc: &Automerge, kind: Kind, version: &Version) -> Reading {
    let heads = version.to_automerge();
    let mut current = doc.get_heads();
    current.sort_unstable();
    let heads = (heads != current).then_some(heads);
    Reader {
        doc,
        heads,
        out: Reading::default(),
    }
    .run(kind)
}

/// What the document says at a version (now, if there is none), where `before` is what it said
/// without some changes that wrote only under these root keys: those fields are read anew, the rest
/// is taken over. Reading costs most of a save, and a save changes a field or two.
pub(crate) fn reread(
    doc: &Automerge,
    kind: Kind,
    version: Option<&Version>,
    before: Reading,
    keys: &BTreeSet<&'static str>,
) -> Reading {
    Reader {
        doc,
        heads: version.map(Version::to_automerge),
        out: Reading::default(),
    }
    .patch(kind, before, keys)
}

/// The document's present version.
pub fn version(doc: &Automerge) -> Version {
    doc.get_heads().into()
}

/// A value at a dotted path of a JSON object.
pub fn at_path<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
    path.split('.')
        .try_fold(value, |value, part| value.get(part))
}

/// Sets a value at a dotted path, making the objects between.
pub fn set_path(object: &mut Map<String, Value>, path: &str, value: Value) {
    match path.split_once('.') {
        None => {
            object.insert(path.to_owned(), value);
        }
        Some((first, rest)) => {
            let inner = object
                .entry(first)
                .or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(inner) = inner {
                set_path(inner, rest, value);
            }
        }
    }
}

/// Takes the value at a dotted path away, and the objects between if nothing is left in them.
fn unset_path(object: &mut Map<String, Value>, path: &str) {
    match path.split_once('.') {
        None => {
            object.remove(path);
        }
        Some((first, rest)) => {
            if let Some(Value::Object(inner)) = object.get_mut(first) {
                unset_path(inner, rest);
                if inner.is_empty() {
                    object.remove(first);
                }
            }
        }
    }
}

/// Whether a path is this field's or lies in it.
fn lies_in(path: &str, field: &Field) -> bool {
    let rest = path.strip_prefix(field.path);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// The live value of a container key: the earliest of the wanted shape, because a later one that
/// does not replace it can only come from a faulty or hostile device.
pub(crate) fn earliest<'a, T>(
    live: &'a [(Live<'a>, ObjId)],
    pick: impl Fn(&'a Live<'a>, &'a ObjId) -> Option<T>,
) -> Option<T> {
    live.iter()
        .filter_map(|(value, id)| Some((order(id), pick(value, id)?)))
        .min_by_key(|(order, _)| *order)
        .map(|(_, found)| found)
}

fn order(id: &ObjId) -> (u64, &[u8]) {
    match id {
        ObjId::Root => (0, &[]),
        ObjId::Id(counter, actor, _) => (*counter, actor.to_bytes()),
    }
}

/// `"rrrr/kk"` as (round, rank).
pub(crate) fn parse_status_key(key: &str) -> Option<(u16, u8)> {
    let (round, rank) = key.split_once('/')?;
    let digits = |s: &str, n: usize| s.len() == n && s.bytes().all(|b| b.is_ascii_digit());
    if !digits(round, 4) || !digits(rank, 2) {
        return None;
    }
    Some((round.parse().ok()?, rank.parse().ok()?))
}

/// The elements a log of decisions has inside.
#[cfg(test)]
pub(crate) fn decided(doc: &Automerge, log: &ObjId) -> Option<Value> {
    let out = Reading::default();
    Reader {
        doc,
        heads: None,
        out,
    }
    .decisions(log)
}

struct Reader<'d> {
    doc: &'d Automerge,
    heads: Option<Vec<ChangeHash>>,
    out: Reading,
}

impl<'d> Reader<'d> {
    fn run(mut self, kind: Kind) -> Reading {
        let genesis = genesis(kind);
        let mut value = Map::new();
        let root = self.all(&ROOT);
        for field in kind.spec().fields() {
            let container = genesis.container(field.key());
            let live = root.get(field.key()).map_or(&[][..], Vec::as_slice);
            if let Some(read) = self.field(field, live, container, field.path) {
                set_path(&mut value, field.path, read);
            }
        }
        self.out.value = Value::Object(value);
        self.out
    }

    /// As [`Reader::run`], field by field in the same order, so that the lists come out the same.
    fn patch(mut self, kind: Kind, before: Reading, keys: &BTreeSet<&'static str>) -> Reading {
        let genesis = genesis(kind);
        let Reading {
            value,
            mut conflicts,
            mut unknown,
            mut removed,
            mut log_clashes,
            status,
        } = before;
        let mut value = match value {
            Value::Object(value) => value,
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_) => Map::new(),
        };
        self.out.status = status;
        for field in kind.spec().fields() {
            if keys.contains(field.key()) {
                self.out.status.retain(|path, _| !lies_in(path, field));
                unset_path(&mut value, field.path);
                let container = genesis.container(field.key());
                let live = match container {
                    Some(_) => Vec::new(),
                    None => self.live(&ROOT, field.key()),
                };
                if let Some(read) = self.field(field, &live, container, field.path) {
                    set_path(&mut value, field.path, read);
                }
                continue;
            }
            let out = &mut self.out;
            out.conflicts
                .extend(conflicts.extract_if(.., |conflict| lies_in(&conflict.path, field)));
            out.unknown
                .extend(unknown.extract_if(.., |path| lies_in(path, field)));
            out.removed
                .extend(removed.extract_if(.., |item| lies_in(&item.field, field)));
            out.log_clashes
                .extend(log_clashes.extract_if(.., |clash| lies_in(&clash.field, field)));
        }
        self.out.value = Value::Object(value);
        self.out
    }

    /// One field of the root or of an item: what stands under its key, and the genesis or item
    /// container if the rule has one.
    fn field(
        &mut self,
        field: &'static Field,
        live: &[(Live<'d>, ObjId)],
        container: Option<&ObjId>,
        path: &str,
    ) -> Option<Value> {
        match field.rule {
            Rule::Imm | Rule::Lww | Rule::Mvr | Rule::Yield(_) | Rule::FlagPlus | Rule::Max(_) => {
                self.scalar(field, live, path)
            }
            Rule::Txt => {
                let text = self.text(container?);
                (!text.is_empty()).then(|| Value::from(text))
            }
            Rule::Map(fields) => self.items(fields, container?, path),
            Rule::Log => self.log(&field.ty, container?, path),
            Rule::Aws => {
                let mut elements: Vec<String> = self.keys(container?);
                elements.sort_unstable();
                (!elements.is_empty()).then(|| Value::from(elements))
            }
            Rule::Rws => self.decisions(container?),
            Rule::Mst(codes) => self.status(codes, container?, path),
        }
    }

    fn scalar(
        &mut self,
        field: &'static Field,
        live: &[(Live<'d>, ObjId)],
        path: &str,
    ) -> Option<Value> {
        let doc = self.doc;
        // Values in Automerge's order, the winner last; `None` for what the type does not know.
        let values: Vec<(Option<Value>, &ObjId)> = live
            .iter()
            .map(|(value, id)| match value {
                Live::Scalar(s) if matches!(**s, ScalarValue::Null) => (Some(Value::Null), id),
                Live::Scalar(s) => (scalar::decode(&field.ty, s), id),
                Live::Object(_) => (None, id),
            })
            .collect();
        if values.iter().any(|(value, _)| value.is_none()) {
            self.out.unknown.push(path.to_owned());
        }
        let known = || {
            values
                .iter()
                .filter_map(|(value, id)| Some((value.clone()?, *id)))
        };
        let winner = values.last().and_then(|(value, _)| value.clone());
        let read = match field.rule {
            Rule::Imm => known()
                .min_by_key(|(_, id)| order(id))
                .map(|(value, _)| value),
            Rule::FlagPlus => known()
                .map(|(v, _)| v)
                .find(|v| *v == Value::Bool(true))
                .or(winner),
            Rule::Max(codes) => known()
                .map(|(value, _)| value)
                .filter(|value| !value.is_null())
                .max_by_key(|value| greatness(codes, value)),
            Rule::Mvr | Rule::Yield(_) => {
                let yields = |value: &Option<Value>| match (field.rule, value) {
                    (Rule::Yield(weak), Some(Value::String(s))) => weak.contains(&s.as_str()),
                    (Rule::Yield(_), Some(Value::Null)) => true,
                    _ => false,
                };
                let strong: Vec<_> = values.iter().filter(|(v, _)| !yields(v)).collect();
                let counted = if strong.is_empty() {
                    values.iter().collect()
                } else {
                    strong
                };
                // The later of two equal values stands last, where the shown one belongs. A hostile
                // device can leave tens of thousands of values, so none is compared with all.
                let mut seen = BTreeSet::new();
                let mut distinct: Vec<LiveValue> = Vec::new();
                for (value, id) in counted.iter().rev() {
                    let value = value.clone().unwrap_or(Value::Null);
                    if seen.insert(to_cbor(&value))
                        && let Some(change) = doc.hash_for_opid(id)
                    {
                        distinct.push(LiveValue {
                            value,
                            change: change.into(),
                        });
                    }
                }
                distinct.reverse();
                if distinct.len() > 1 {
                    self.out.conflicts.push(Conflict {
                        path: path.to_owned(),
                        values: distinct,
                    });
                }
                counted.last().and_then(|(value, _)| value.clone())
            }
            Rule::Lww
            | Rule::Txt
            | Rule::Map(_)
            | Rule::Log
            | Rule::Aws
            | Rule::Rws
            | Rule::Mst(_) => winner,
        };
        read.filter(|value| !value.is_null())
    }

    fn items(&mut self, fields: &'static [Field], container: &ObjId, path: &str) -> Option<Value> {
        let mut items = Map::new();
        for (key, live) in self.all(container) {
            let item = earliest(&live, |value, id| match value {
                Live::Object(ObjType::Map) => Some(id.clone()),
                Live::Object(_) | Live::Scalar(_) => None,
            });
            let Some(item) = item else {
                self.out.unknown.push(format!("{path}.{key}"));
                continue;
            };
            let before = (self.out.conflicts.len(), self.out.unknown.len());
            let mut value = Map::new();
            let parts = self.all(&item);
            let part = |key: &str| parts.get(key).map_or(&[][..], Vec::as_slice);
            for field in fields {
                let inner_path = format!("{path}.{key}.{}", field.path);
                let live = part(field.key());
                let inner = container_in(live, field);
                if let Some(read) = self.field(field, live, inner.as_ref(), &inner_path) {
                    set_path(&mut value, field.path, read);
                }
            }
            let removal = part(REMOVED).iter().find_map(|(value, id)| {
                matches!(value, Live::Scalar(s) if **s == ScalarValue::Boolean(true)).then_some(id)
            });
            match removal {
                None => {
                    items.insert(key, Value::Object(value));
                }
                Some(op) => {
                    // What nobody sees needs nobody's choice.
                    self.out.conflicts.truncate(before.0);
                    self.out.unknown.truncate(before.1);
                    self.out.removed.push(RemovedItem {
                        field: path.to_owned(),
                        key,
                        value: Value::Object(value),
                        change: self.doc.hash_for_opid(op).map(Hash::from),
                    });
                }
            }
        }
        (!items.is_empty()).then_some(Value::Object(items))
    }

    fn log(&mut self, ty: &Type, container: &ObjId, path: &str) -> Option<Value> {
        let mut entries = Map::new();
        for (key, mut live) in self.all(container) {
            live.sort_by(|(_, a), (_, b)| order(a).cmp(&order(b)));
            let mut seen = BTreeSet::new();
            let mut values: Vec<Value> = Vec::new();
            for (value, _) in &live {
                let decoded = match value {
                    Live::Scalar(s) => decode_entry(ty, s),
                    Live::Object(_) => None,
                };
                match decoded {
                    Some(value) if seen.insert(to_cbor(&value)) => values.push(value),
                    Some(_) => {}
                    None => self.out.unknown.push(format!("{path}.{key}")),
                }
            }
            if values.len() > 1 {
                self.out.log_clashes.push(LogClash {
                    field: path.to_owned(),
                    key: key.clone(),
                    values: values.clone(),
                });
            }
            if let Some(first) = values.into_iter().next() {
                entries.insert(key, first);
            }
        }
        (!entries.is_empty()).then_some(Value::Object(entries))
    }

    /// Remove-wins: of the newest decisions on an element, a withdrawal beats a grant.
    fn decisions(&mut self, container: &ObjId) -> Option<Value> {
        let mut newest: BTreeMap<String, (i64, bool)> = BTreeMap::new();
        for live in self.all(container).values() {
            for (value, _) in live {
                let Live::Scalar(s) = value else { continue };
                let Some(decision) = scalar::decode(&DECISION, s) else {
                    continue;
                };
                let (Some(element), Some(granted)) =
                    (decision["element"].as_str(), decision["in"].as_bool())
                else {
                    continue;
                };
                let at = decision["at"].as_i64().unwrap_or(i64::MIN);
                let entry = newest.entry(element.to_owned()).or_insert((at, granted));
                if at > entry.0 {
                    *entry = (at, granted);
                } else if at == entry.0 {
                    entry.1 &= granted;
                }
            }
        }
        let inside: Vec<String> = newest
            .into_iter()
            .filter(|(_, (_, granted))| *granted)
            .map(|(e, _)| e)
            .collect();
        (!inside.is_empty()).then(|| Value::from(inside))
    }

    fn status(&mut self, codes: &[&str], container: &ObjId, path: &str) -> Option<Value> {
        let keys = self.all(container);
        let ((round, rank), live) = keys
            .iter()
            .filter_map(|(key, live)| Some((parse_status_key(key)?, live)))
            .max_by_key(|(mark, _)| *mark)?;
        let by = earliest(live, |value, _| match value {
            Live::Scalar(s) => scalar::decode(&STATUS_MARK, s),
            Live::Object(_) => None,
        })
        .unwrap_or(Value::Null);
        let code = codes.get(usize::from(rank)).copied();
        if code.is_none() {
            self.out.unknown.push(path.to_owned());
        }
        self.out.status.insert(
            path.to_owned(),
            StatusMark {
                code: code.unwrap_or("unknown").to_owned(),
                round,
                rank,
                by: by["by"].as_str().map(str::to_owned),
                at_ms: by["at"].as_i64(),
            },
        );
        code.map(Value::from)
    }

    fn live(&self, object: &ObjId, key: &str) -> Vec<(Live<'d>, ObjId)> {
        match &self.heads {
            None => self.doc.get_all(object, key),
            Some(heads) => self.doc.get_all_at(object, key, heads),
        }
        .unwrap_or_default()
    }

    /// Everything that is live in a map, in one walk over it: looking each key up by itself costs
    /// ten times as much.
    fn all(&self, object: &ObjId) -> BTreeMap<String, Vec<(Live<'d>, ObjId)>> {
        let range = match &self.heads {
            None => self.doc.map_range(object, ..),
            Some(heads) => self.doc.map_range_at(object, .., heads),
        };
        let entry = |item: MapRangeItem<'d>| {
            let key = item.key.clone().into_owned();
            if item.conflict {
                let live = self.live(object, &key);
                return (key, live);
            }
            let id = item.id();
            let live = vec![(Live::from(item.value), id)];
            debug_assert_eq!(live, self.live(object, &key), "a walk found something else");
            (key, live)
        };
        range.map(entry).collect()
    }

    fn keys(&self, object: &ObjId) -> Vec<String> {
        match &self.heads {
            None => self.doc.keys(object).collect(),
            Some(heads) => self.doc.keys_at(object, heads).collect(),
        }
    }

    fn text(&self, object: &ObjId) -> String {
        match &self.heads {
            None => self.doc.text(object),
            Some(heads) => self.doc.text_at(object, heads),
        }
        .unwrap_or_default()
    }
}

/// The container of an item's field, born with the item.
fn container_in(live: &[(Live<'_>, ObjId)], field: &Field) -> Option<ObjId> {
    let wanted = match field.rule {
        Rule::Txt => ObjType::Text,
        Rule::Map(_) | Rule::Log | Rule::Aws | Rule::Rws | Rule::Mst(_) => ObjType::Map,
        Rule::Imm | Rule::Lww | Rule::Mvr | Rule::Yield(_) | Rule::FlagPlus | Rule::Max(_) => {
            return None;
        }
    };
    earliest(live, |value, id| {
        matches!(value, Live::Object(ty) if *ty == wanted).then(|| id.clone())
    })
}

/// A log entry: the compound of its type, and what it corrects.
fn decode_entry(ty: &Type, scalar: &ScalarValue) -> Option<Value> {
    let mut value = scalar::decode(ty, scalar)?;
    if let (ScalarValue::Bytes(bytes), Value::Object(entry)) = (scalar, &mut value)
        && let Some(whole) = crate::canonical::from_cbor(bytes)
        && let Some(old) = whole.get(scalar::SUPERSEDES)
        && let Some(old) = scalar::normalise(&Type::Id, old)
    {
        entry.insert(scalar::SUPERSEDES.to_owned(), old);
    }
    Some(value)
}

/// Unknown codes count as greatest: the safe reading of a sensitivity a newer app introduced.
fn greatness(codes: &[&str], value: &Value) -> usize {
    value
        .as_str()
        .and_then(|code| codes.iter().position(|c| *c == code))
        .unwrap_or(codes.len())
}

/// What stands under a status key.
pub(crate) static STATUS_MARK: Type = Type::Compound(&[
    Field::new("by", Rule::Lww, Type::Id),
    Field::new("at", Rule::Lww, Type::Instant),
]);

/// One decision of a remove-wins set.
pub(crate) static DECISION: Type = Type::Compound(&[
    Field::new("element", Rule::Lww, Type::Str(200)),
    Field::new("in", Rule::Lww, Type::Bool),
    Field::new("at", Rule::Lww, Type::Instant),
    Field::new("by", Rule::Lww, Type::Id),
]);
