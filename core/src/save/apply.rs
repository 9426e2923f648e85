//! Edits → operations in one Automerge transaction.

use automerge::transaction::{Transactable, Transaction};
use automerge::{AutomergeError, ObjId, ObjType, ROOT, ReadDoc, ScalarValue, Value as Live};
use serde_json::Value;

use super::SaveContext;
use crate::canonical;
use crate::documents::{Field, Kind, Rule};
use crate::edit::{Edit, Place, common_ends, rank};
use crate::genesis::genesis;
use crate::read::{REMOVED, at_path, earliest, parse_status_key};
use crate::rebase::Splice;
use crate::scalar;

/// An edit, with a text change already turned into splices if it had to be moved.
pub(crate) enum Step {
    Edit(Edit),
    Splices {
        place: Place,
        field: &'static Field,
        splices: Vec<Splice>,
    },
}

pub(super) fn apply(
    tx: &mut Transaction<'_>,
    kind: Kind,
    step: &Step,
    ctx: &SaveContext<'_>,
) -> Result<(), AutomergeError> {
    let edit = match step {
        Step::Splices {
            place,
            field,
            splices,
        } => {
            let Some(text) = text_object(tx, kind, place, field)? else {
                return Ok(());
            };
            for splice in splices {
                tx.splice_text(&text, splice.at, splice.delete, &splice.insert)?;
            }
            return Ok(());
        }
        Step::Edit(edit) => edit,
    };
    match edit {
        Edit::Put {
            place,
            field,
            value,
        } => {
            let Some(object) = object(tx, kind, place) else {
                return Ok(());
            };
            put(tx, &object, field, value)
        }
        Edit::Text {
            place,
            field,
            old,
            new,
        } => {
            let Some(text) = text_object(tx, kind, place, field)? else {
                return Ok(());
            };
            update_text(tx, &text, old, new)
        }
        Edit::AddItem {
            container,
            fields,
            key,
            value,
        } => {
            let Some(container) = genesis(kind).container(container) else {
                return Ok(());
            };
            if tx.get(container, key.as_str())?.is_some() {
                return Ok(());
            }
            let item = tx.put_object(container, key.as_str(), ObjType::Map)?;
            for field in *fields {
                add_item_field(tx, &item, field, at_path(value, field.path), ctx)?;
            }
            Ok(())
        }
        Edit::Remove {
            container,
            key,
            removed,
        } => {
            let place = Place::Item {
                container,
                key: key.clone(),
            };
            let Some(item) = object(tx, kind, &place) else {
                return Ok(());
            };
            tx.put(&item, REMOVED, *removed)
        }
        Edit::Append {
            place,
            field,
            key,
            value,
        } => {
            let Some(log) = container(tx, kind, place, field) else {
                return Ok(());
            };
            append(tx, &log, key, canonical::to_cbor(value))
        }
        Edit::Decide {
            field,
            key,
            element,
            inside,
        } => {
            let Some(log) = container(tx, kind, &Place::Root, field) else {
                return Ok(());
            };
            append(tx, &log, key, decision(element, *inside, ctx))
        }
        Edit::Element {
            place,
            field,
            element,
            inside,
        } => {
            let Some(set) = container(tx, kind, place, field) else {
                return Ok(());
            };
            let there = tx.get(&set, element.as_str())?.is_some();
            match (inside, there) {
                (true, false) => tx.put(&set, element.as_str(), true),
                // Made again where another has put it in: it must outlast who takes that one out.
                (true, true) => {
                    let inside = ScalarValue::Boolean(true);
                    write_anew(tx, &set, element, &inside, Some(&inside))
                }
                (false, true) => tx.delete(&set, element.as_str()),
                (false, false) => Ok(()),
            }
        }
        Edit::Raise {
            place,
            field,
            round,
            rank,
        } => {
            let Some(status) = container(tx, kind, place, field) else {
                return Ok(());
            };
            // Made again where an earlier round is missing, which may come back later or not: a relay
            // refuses a round that none leads to.
            for missing in highest_round(tx, &status) + 1..*round {
                append(tx, &status, &format!("{missing:04}/00"), status_mark(ctx))?;
            }
            let mark = format!("{round:04}/{rank:02}");
            append(tx, &status, &mark, status_mark(ctx))
        }
    }
}

fn highest_round(tx: &Transaction<'_>, status: &ObjId) -> u16 {
    let marks = tx.keys(status).filter_map(|key| parse_status_key(&key));
    marks.map(|(round, _)| round).max().unwrap_or(0)
}

fn add_item_field(
    tx: &mut Transaction<'_>,
    item: &ObjId,
    field: &Field,
    value: Option<&Value>,
    ctx: &SaveContext<'_>,
) -> Result<(), AutomergeError> {
    let value = value.filter(|value| !scalar::is_empty(value));
    match field.rule {
        // Containers are born with the item, filled or not: one made later could be made twice.
        Rule::Txt => {
            let text = tx.put_object(item, field.key(), ObjType::Text)?;
            if let Some(Value::String(new)) = value {
                tx.splice_text(&text, 0, 0, new)?;
            }
            Ok(())
        }
        Rule::Mst(codes) => {
            let status = tx.put_object(item, field.key(), ObjType::Map)?;
            if let Some(rank) = value
                .and_then(Value::as_str)
                .and_then(|code| rank(codes, code))
            {
                append(tx, &status, &format!("0000/{rank:02}"), status_mark(ctx))?;
            }
            Ok(())
        }
        Rule::Aws => {
            let set = tx.put_object(item, field.key(), ObjType::Map)?;
            for element in value.and_then(Value::as_array).into_iter().flatten() {
                if let Some(element) = element.as_str().filter(|e| !e.is_empty()) {
                    tx.put(&set, element, true)?;
                }
            }
            Ok(())
        }
        Rule::Log => {
            let log = tx.put_object(item, field.key(), ObjType::Map)?;
            for (key, entry) in value.and_then(Value::as_object).into_iter().flatten() {
                if let Some(entry) = scalar::normalise(&field.ty, entry) {
                    append(tx, &log, key, canonical::to_cbor(&entry))?;
                }
            }
            Ok(())
        }
        Rule::Map(_) | Rule::Rws => tx.put_object(item, field.key(), ObjType::Map).map(|_| ()),
        Rule::Imm | Rule::Lww | Rule::Mvr | Rule::Yield(_) | Rule::FlagPlus | Rule::Max(_) => {
            match value {
                None => Ok(()),
                Some(value) => put(tx, item, field, value),
            }
        }
    }
}

fn put(
    tx: &mut Transaction<'_>,
    object: &ObjId,
    field: &Field,
    value: &Value,
) -> Result<(), AutomergeError> {
    let old = tx.get(object, field.key())?.and_then(|(old, _)| match old {
        Live::Scalar(old) => Some(old.into_owned()),
        Live::Object(_) => None,
    });
    let scalar = if value.is_null() {
        Some(ScalarValue::Null)
    } else {
        scalar::encode_over(&field.ty, value, old.as_ref())
    };
    match scalar {
        // `diff` has checked the type already.
        None => Ok(()),
        Some(scalar) => write_anew(tx, object, field.key(), &scalar, old.as_ref()),
    }
}

/// Writes a value also if it stands there already. Automerge takes such a write for none, or, in a
/// conflict that shows the value, only takes the others away: the person's word would then be gone
/// when someone who had not heard it writes over what stood there before.
fn write_anew(
    tx: &mut Transaction<'_>,
    object: &ObjId,
    key: &str,
    value: &ScalarValue,
    old: Option<&ScalarValue>,
) -> Result<(), AutomergeError> {
    if old == Some(value) {
        tx.delete(object, key)?;
    }
    tx.put(object, key, value.clone())
}

/// A key of a log or status is written once: a second write would replace what is there.
fn append(
    tx: &mut Transaction<'_>,
    log: &ObjId,
    key: &str,
    bytes: Vec<u8>,
) -> Result<(), AutomergeError> {
    match tx.get(log, key)? {
        Some(_) => Ok(()),
        None => tx.put(log, key, ScalarValue::Bytes(bytes)),
    }
}

fn status_mark(ctx: &SaveContext<'_>) -> Vec<u8> {
    canonical::to_cbor(&serde_json::json!({ "by": ctx.by.to_string(), "at": ctx.at_ms }))
}

fn decision(element: &str, inside: bool, ctx: &SaveContext<'_>) -> Vec<u8> {
    let by = ctx.by.to_string();
    canonical::to_cbor(
        &serde_json::json!({ "element": element, "in": inside, "at": ctx.at_ms, "by": by }),
    )
}

/// The map that holds the fields of a place.
pub(crate) fn object<R: ReadDoc>(doc: &R, kind: Kind, place: &Place) -> Option<ObjId> {
    match place {
        Place::Root => Some(ROOT),
        Place::Item { container, key } => item(doc, kind, container, key),
    }
}

/// The item as readers see it: the earliest map under its key.
pub(crate) fn item<R: ReadDoc>(doc: &R, kind: Kind, container: &str, key: &str) -> Option<ObjId> {
    let live = doc.get_all(genesis(kind).container(container)?, key).ok()?;
    earliest(&live, |value, id| {
        matches!(value, Live::Object(ObjType::Map)).then(|| id.clone())
    })
}

/// Whether there is such an item, also one that was removed.
pub(crate) fn has_item<R: ReadDoc>(doc: &R, kind: Kind, container: &str, key: &str) -> bool {
    item(doc, kind, container, key).is_some()
}

fn container(tx: &Transaction<'_>, kind: Kind, place: &Place, field: &Field) -> Option<ObjId> {
    find_container(tx, kind, place, field, ObjType::Map)
}

/// The container of a field, at the root from genesis, in an item as born with it.
pub(crate) fn find_container<R: ReadDoc>(
    doc: &R,
    kind: Kind,
    place: &Place,
    field: &Field,
    wanted: ObjType,
) -> Option<ObjId> {
    match place {
        Place::Root => genesis(kind).container(field.key()).cloned(),
        Place::Item { container, key } => {
            let item = item(doc, kind, container, key)?;
            let live = doc.get_all(&item, field.key()).ok()?;
            earliest(&live, |value, id| {
                matches!(value, Live::Object(ty) if *ty == wanted).then(|| id.clone())
            })
        }
    }
}

/// The text object of a field. An item that lacks it (made by a faulty app) gets one now, because
/// losing what a user typed is worse than a text that could be made twice.
fn text_object(
    tx: &mut Transaction<'_>,
    kind: Kind,
    place: &Place,
    field: &Field,
) -> Result<Option<ObjId>, AutomergeError> {
    if let Some(text) = find_container(tx, kind, place, field, ObjType::Text) {
        return Ok(Some(text));
    }
    match object(tx, kind, place) {
        Some(item) if item != ROOT => tx.put_object(&item, field.key(), ObjType::Text).map(Some),
        Some(_) | None => Ok(None),
    }
}

/// Automerge's own diff, unless the two middles are so large that its quadratic worst case would
/// be felt: then the middle is replaced as one.
fn update_text(
    tx: &mut Transaction<'_>,
    text: &ObjId,
    old: &str,
    new: &str,
) -> Result<(), AutomergeError> {
    let (start, end) = common_ends(old, new);
    let (gone, come) = (&old[start..old.len() - end], &new[start..new.len() - end]);
    // A plain insertion or deletion needs no diff, and on a long text the diff is slow: its steps are
    // at least the length of both times what one is longer than the other.
    let plain = gone.is_empty() || come.is_empty();
    let steps = (gone.len() + come.len()).saturating_mul(gone.len().abs_diff(come.len()));
    if !plain && gone.len().saturating_mul(come.len()) < 4_000_000 && steps < 1_000_000 {
        return tx.update_text(text, new);
    }
    let at = old[..start].chars().count();
    let gone = isize::try_from(gone.chars().count()).unwrap_or(isize::MAX);
    tx.splice_text(text, at, gone, come)
}
