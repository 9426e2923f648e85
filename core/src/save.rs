//! Value → change. A save writes what the user changed and nothing else, in a transaction at the
//! version the form was opened with, so that a form left open for an hour cannot undo a colleague.

use automerge::transaction::{CommitOptions, Transactable, Transaction};
use automerge::{ActorId, Automerge, AutomergeError, ObjId, ObjType, PatchLog, ROOT, ReadDoc};
use automerge::{ScalarValue, Value as Live};
use serde_json::Value;

use crate::canonical;
use crate::documents::{Field, Kind, Rule};
use crate::edit::{BadValue, Diff, Edit, Ignored, Place, common_ends, diff, rank, resolve};
use crate::genesis::genesis;
use crate::id::{Hash, MemberId, Version, mint_uuid};
use crate::read::{REMOVED, earliest, read, read_at};
use crate::rebase;
use crate::scalar;
use crate::time::Env;

/// The highest level of derived actor a save may mint. Each costs every reader of the document a
/// little for ever; beyond it a save replays its edits at the present heads instead.
pub const MAX_LEVEL: u8 = 8;

/// Rough bytes of one change. Far below what the relay refuses, far above every field's maximum.
const BATCH_WEIGHT: usize = 160 * 1024;

/// Who saves, when, with what randomness.
pub struct SaveContext<'a> {
    /// The device's base actor in this space and epoch.
    pub actor: [u8; 16],
    /// The member at the device.
    pub by: MemberId,
    /// Device clock, milliseconds since 1970 UTC.
    pub at_ms: i64,
    /// For the keys of new log entries.
    pub env: &'a dyn Env,
}

/// What a save did.
#[derive(Clone, Debug, PartialEq)]
pub struct Saved {
    /// The changes it made, in order; empty if nothing differed.
    pub changes: Vec<Hash>,
    /// What the form must save at next: its own branch, never the merged heads, because a form
    /// that keeps its old content under merged heads would undo the colleague at its next save.
    pub version: Version,
    /// Parts the merge rules did not let it write.
    pub ignored: Vec<Ignored>,
    /// Set when the save had to be replayed at the present heads: the form must show this value.
    pub merged: Option<Value>,
}

/// Why a save wrote nothing.
#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    /// The value does not fit the field table.
    #[error("value does not fit: {0}")]
    BadValue(#[from] BadValue),
    /// The version is not of this document.
    #[error("unknown version")]
    UnknownVersion,
    /// There is no such conflict, status or value to act on.
    #[error("nothing to act on at {0}")]
    NothingThere(String),
    /// Automerge refused; the document is unusable for writing.
    #[error("document cannot be written")]
    Document(#[from] AutomergeError),
}

/// A new document of a kind with this content.
///
/// # Errors
/// [`SaveError::BadValue`].
pub fn create(
    kind: Kind,
    value: &Value,
    ctx: &SaveContext<'_>,
) -> Result<(Automerge, Saved), SaveError> {
    let mut doc = genesis(kind).document();
    let version = Version::new([genesis(kind).hash]);
    let saved = save(&mut doc, kind, &version, value, ctx)?;
    Ok((doc, saved))
}

/// Writes what differs between the document at `version` and `value`.
///
/// # Errors
/// See [`SaveError`]; on an error nothing is to be kept of `doc`.
pub fn save(
    doc: &mut Automerge,
    kind: Kind,
    version: &Version,
    value: &Value,
    ctx: &SaveContext<'_>,
) -> Result<Saved, SaveError> {
    known(doc, version)?;
    let old = read_at(doc, kind, version);
    let Diff { edits, ignored } = diff(kind, &old, value, &mut || mint_uuid(ctx.env))?;
    write(doc, kind, version, edits, ignored, ctx)
}

/// Settles a conflict: writes the value that `change` had written, over all values the chooser saw.
///
/// # Errors
/// [`SaveError::NothingThere`] if there is no such conflict or value at this version.
pub fn choose(
    doc: &mut Automerge,
    kind: Kind,
    version: &Version,
    path: &str,
    change: &Hash,
    ctx: &SaveContext<'_>,
) -> Result<Saved, SaveError> {
    known(doc, version)?;
    let nothing = || SaveError::NothingThere(path.to_owned());
    let (place, field) = resolve(kind, path).ok_or_else(nothing)?;
    let old = read_at(doc, kind, version);
    let value = old
        .conflicts
        .into_iter()
        .find(|conflict| conflict.path == path)
        .and_then(|conflict| conflict.values.into_iter().find(|v| v.change == *change))
        .ok_or_else(nothing)?
        .value;
    write(
        doc,
        kind,
        version,
        vec![Edit::Put {
            place,
            field,
            value,
        }],
        Vec::new(),
        ctx,
    )
}

/// Takes a status back: a new round that starts at `code`.
///
/// # Errors
/// [`SaveError::NothingThere`] if the path is not a status that has been set, or the code is not
/// one of its codes.
pub fn reopen(
    doc: &mut Automerge,
    kind: Kind,
    version: &Version,
    path: &str,
    code: &str,
    ctx: &SaveContext<'_>,
) -> Result<Saved, SaveError> {
    known(doc, version)?;
    let nothing = || SaveError::NothingThere(path.to_owned());
    let (place, field) = resolve(kind, path).ok_or_else(nothing)?;
    let Rule::Mst(codes) = field.rule else {
        return Err(nothing());
    };
    let rank = rank(codes, code).ok_or_else(nothing)?;
    let old = read_at(doc, kind, version);
    let round = old
        .status
        .get(path)
        .ok_or_else(nothing)?
        .round
        .checked_add(1);
    let round = round.filter(|round| *round <= 9_999).ok_or_else(nothing)?;
    write(
        doc,
        kind,
        version,
        vec![Edit::Raise {
            place,
            field,
            round,
            rank,
        }],
        Vec::new(),
        ctx,
    )
}

/// Writes edits made elsewhere: the replay of a rebuilt document.
///
/// # Errors
/// See [`SaveError`].
pub fn write(
    doc: &mut Automerge,
    kind: Kind,
    version: &Version,
    edits: Vec<Edit>,
    ignored: Vec<Ignored>,
    ctx: &SaveContext<'_>,
) -> Result<Saved, SaveError> {
    if edits.is_empty() {
        let version = version.clone();
        return Ok(Saved {
            changes: Vec::new(),
            version,
            ignored,
            merged: None,
        });
    }
    doc.set_actor(ActorId::from(&ctx.actor[..]));
    let replayed = level_needed(doc, &ctx.actor, version) > MAX_LEVEL;
    let edits = if replayed {
        rebase::onto_heads(doc, kind, version, edits)
    } else {
        as_they_are(edits)
    };

    let mut at = if replayed {
        doc.get_heads().into()
    } else {
        version.clone()
    };
    let mut changes = Vec::new();
    for batch in batches(edits) {
        if let Some(hash) = commit(doc, kind, &at, &batch, ctx)? {
            changes.push(hash);
            at = Version::new([hash]);
        }
    }
    let merged = replayed.then(|| read(doc, kind).value);
    let version = if replayed { doc.get_heads().into() } else { at };
    Ok(Saved {
        changes,
        version,
        ignored,
        merged,
    })
}

fn known(doc: &Automerge, version: &Version) -> Result<(), SaveError> {
    let known = |h: &Hash| doc.get_change_meta_by_hash(&(*h).into()).is_some();
    let all = !version.heads().is_empty() && version.heads().iter().all(known);
    all.then_some(()).ok_or(SaveError::UnknownVersion)
}

/// The level Automerge will give a transaction at this version: the first of the device's actors
/// that has written nothing outside it.
fn level_needed(doc: &Automerge, actor: &[u8; 16], version: &Version) -> u8 {
    let outside = doc.get_changes_meta(&version.to_automerge());
    let mut busy = [false; MAX_LEVEL as usize + 1];
    for change in &outside {
        if let Some(slot) =
            level_of(change.actor.to_bytes(), actor).and_then(|level| busy.get_mut(level as usize))
        {
            *slot = true;
        }
    }
    (0..=MAX_LEVEL)
        .find(|level| !busy[usize::from(*level)])
        .unwrap_or(MAX_LEVEL + 1)
}

/// The level of an actor derived from this base: 0 for the base itself.
pub fn level_of(actor: &[u8], base: &[u8; 16]) -> Option<u8> {
    if actor == base {
        return Some(0);
    }
    let wrapped = actor.strip_suffix(&base[..])?;
    match wrapped.strip_prefix(&CONCURRENCY_MAGIC)? {
        [level @ 1..=0x7f] => Some(*level),
        _ => None,
    }
}

/// What Automerge puts before the level in a derived actor.
pub const CONCURRENCY_MAGIC: [u8; 4] = [0x13, 0xb2, 0x23, 0x09];

/// An edit, with a text change already turned into splices if it had to be moved.
pub(crate) enum Step {
    Edit(Edit),
    Splices {
        place: Place,
        field: &'static Field,
        splices: Vec<rebase::Splice>,
    },
}

fn as_they_are(edits: Vec<Edit>) -> Vec<Step> {
    edits
        .into_iter()
        .flat_map(split_text)
        .map(Step::Edit)
        .collect()
}

/// A paste longer than one change may hold becomes several steps of the same text.
fn split_text(edit: Edit) -> Vec<Edit> {
    if edit.weight() <= BATCH_WEIGHT {
        return vec![edit];
    }
    let Edit::Text {
        place,
        field,
        old,
        new,
    } = edit
    else {
        return vec![edit];
    };
    let (start, end) = common_ends(&old, &new);
    let middle = &new[start..new.len() - end];
    let mut steps = Vec::new();
    let mut before = old.clone();
    let mut taken = 0;
    while taken < middle.len() {
        let mut upto = (taken + BATCH_WEIGHT / 8).min(middle.len());
        while !middle.is_char_boundary(upto) {
            upto += 1;
        }
        let after = format!(
            "{}{}{}",
            &new[..start],
            &middle[..upto],
            &new[new.len() - end..]
        );
        steps.push(Edit::Text {
            place: place.clone(),
            field,
            old: before,
            new: after.clone(),
        });
        before = after;
        taken = upto;
    }
    if before != new {
        steps.push(Edit::Text {
            place,
            field,
            old: before,
            new,
        });
    }
    steps
}

fn batches(steps: Vec<Step>) -> Vec<Vec<Step>> {
    let mut batches: Vec<Vec<Step>> = vec![Vec::new()];
    let mut weight = 0;
    for step in steps {
        let more = match &step {
            Step::Edit(edit) => edit.weight(),
            Step::Splices { splices, .. } => splices.iter().map(rebase::Splice::weight).sum(),
        };
        if weight > 0 && weight + more > BATCH_WEIGHT {
            batches.push(Vec::new());
            weight = 0;
        }
        weight += more;
        if let Some(batch) = batches.last_mut() {
            batch.push(step);
        }
    }
    batches
}

fn commit(
    doc: &mut Automerge,
    kind: Kind,
    at: &Version,
    steps: &[Step],
    ctx: &SaveContext<'_>,
) -> Result<Option<Hash>, SaveError> {
    let mut tx = doc
        .transaction_at(PatchLog::inactive(), &at.to_automerge())
        .map_err(|_| SaveError::UnknownVersion)?;
    for step in steps {
        if let Err(error) = apply(&mut tx, kind, step, ctx) {
            tx.rollback();
            return Err(error.into());
        }
    }
    if tx.pending_ops() == 0 {
        tx.rollback();
        return Ok(None);
    }
    let (hash, _) = tx.commit_with(CommitOptions::default().with_time(ctx.at_ms));
    Ok(hash.map(Hash::from))
}

fn apply(
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
                add_item_field(
                    tx,
                    &item,
                    field,
                    crate::read::at_path(value, field.path),
                    ctx,
                )?;
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
                (false, true) => tx.delete(&set, element.as_str()),
                (true, true) | (false, false) => Ok(()),
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
            append(
                tx,
                &status,
                &format!("{round:04}/{rank:02}"),
                status_mark(ctx),
            )
        }
    }
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
    let scalar = if value.is_null() {
        Some(ScalarValue::Null)
    } else {
        let old = tx.get(object, field.key())?.and_then(|(old, _)| match old {
            Live::Scalar(old) => Some(old.into_owned()),
            Live::Object(_) => None,
        });
        scalar::encode_over(&field.ty, value, old.as_ref())
    };
    match scalar {
        // `diff` has checked the type already.
        None => Ok(()),
        Some(scalar) => tx.put(object, field.key(), scalar),
    }
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

fn object(tx: &Transaction<'_>, kind: Kind, place: &Place) -> Option<ObjId> {
    match place {
        Place::Root => Some(ROOT),
        Place::Item { container, key } => item(tx, kind, container, key),
    }
}

/// The item as readers see it: the earliest map under its key.
pub(crate) fn item<R: ReadDoc>(doc: &R, kind: Kind, container: &str, key: &str) -> Option<ObjId> {
    let live = doc.get_all(genesis(kind).container(container)?, key).ok()?;
    earliest(&live, |value, id| {
        matches!(value, Live::Object(ObjType::Map)).then(|| id.clone())
    })
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
    if gone.len().saturating_mul(come.len()) < 4_000_000 {
        return tx.update_text(text, new);
    }
    let at = old[..start].chars().count();
    let gone = isize::try_from(gone.chars().count()).unwrap_or(isize::MAX);
    tx.splice_text(text, at, gone, come)
}

#[cfg(test)]
mod every_field;
#[cfg(test)]
mod tests;
