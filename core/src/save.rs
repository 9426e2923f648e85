//! Value → change. A save writes what the user changed and nothing else, in a transaction at the
//! version the form was opened with, so that a form left open for an hour cannot undo a colleague.

use automerge::transaction::{CommitOptions, Transactable};
use automerge::{ActorId, Automerge, AutomergeError, PatchLog};
use serde_json::Value;

use crate::documents::{Field, Kind, Rule};
use crate::edit::{BadValue, Diff, Edit, Ignored, Place, common_ends, diff, rank, resolve};
use crate::genesis::genesis;
use crate::id::{Hash, MemberId, Version, mint_uuid};
use crate::read::{Reading, read, read_at};
use crate::rebase;
use crate::time::Env;

mod apply;

use apply::apply;
pub(crate) use apply::{Step, find_container, has_item, object};

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

impl Saved {
    /// Nothing differed that could be written.
    pub(crate) fn nothing(version: Version, ignored: Vec<Ignored>) -> Self {
        Self {
            changes: Vec::new(),
            version,
            ignored,
            merged: None,
        }
    }
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
    let Diff { edits, ignored } = differing(&read_at(doc, kind, version), kind, value, ctx)?;
    write(doc, kind, version, edits, ignored, ctx)
}

/// What a form changed since it was opened with `old`.
pub(crate) fn differing(
    old: &Reading,
    kind: Kind,
    value: &Value,
    ctx: &SaveContext<'_>,
) -> Result<Diff, SaveError> {
    Ok(diff(kind, old, value, &mut || mint_uuid(ctx.env))?)
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
    let Diff { edits, ignored } = chosen(&read_at(doc, kind, version), kind, path, change)?;
    write(doc, kind, version, edits, ignored, ctx)
}

/// The edit of [`choose`], where `old` is what the chooser saw.
pub(crate) fn chosen(
    old: &Reading,
    kind: Kind,
    path: &str,
    change: &Hash,
) -> Result<Diff, SaveError> {
    let nothing = || SaveError::NothingThere(path.to_owned());
    let (place, field) = resolve(kind, path).ok_or_else(nothing)?;
    let conflict = old.conflicts.iter().find(|conflict| conflict.path == path);
    let value = conflict
        .and_then(|conflict| conflict.values.iter().find(|v| v.change == *change))
        .ok_or_else(nothing)?;
    Ok(Diff::of(Edit::Put {
        place,
        field,
        value: value.value.clone(),
    }))
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
    let Diff { edits, ignored } = reopened(&read_at(doc, kind, version), kind, path, code)?;
    write(doc, kind, version, edits, ignored, ctx)
}

/// The edit of [`reopen`], where `old` is what the form was opened with.
pub(crate) fn reopened(
    old: &Reading,
    kind: Kind,
    path: &str,
    code: &str,
) -> Result<Diff, SaveError> {
    let nothing = || SaveError::NothingThere(path.to_owned());
    let (place, field) = resolve(kind, path).ok_or_else(nothing)?;
    let Rule::Mst(codes) = field.rule else {
        return Err(nothing());
    };
    let rank = rank(codes, code).ok_or_else(nothing)?;
    let mark = old.status.get(path).ok_or_else(nothing)?;
    let round = mark.round.checked_add(1);
    let round = round.filter(|round| *round <= 9_999).ok_or_else(nothing)?;
    Ok(Diff::of(Edit::Raise {
        place,
        field,
        round,
        rank,
    }))
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
        return Ok(Saved::nothing(version.clone(), ignored));
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

/// Whether the version is of this document.
pub(crate) fn known(doc: &Automerge, version: &Version) -> Result<(), SaveError> {
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

fn as_they_are(edits: Vec<Edit>) -> Vec<Step> {
    edits.into_iter().flat_map(split).map(Step::Edit).collect()
}

/// What is longer than one change may hold becomes several steps.
fn split(edit: Edit) -> Vec<Edit> {
    if edit.weight() <= BATCH_WEIGHT {
        return vec![edit];
    }
    match edit {
        Edit::Text {
            place,
            field,
            old,
            new,
        } => split_text(&place, field, old, &new),
        Edit::AddItem {
            container,
            fields,
            key,
            value,
        } => split_item(container, fields, key, value),
        other @ (Edit::Put { .. }
        | Edit::Remove { .. }
        | Edit::Append { .. }
        | Edit::Element { .. }
        | Edit::Decide { .. }
        | Edit::Raise { .. }) => vec![other],
    }
}

/// Takes the old middle away piece by piece, then puts the new one in piece by piece.
fn split_text(place: &Place, field: &'static Field, old: String, new: &str) -> Vec<Edit> {
    let (start, end) = common_ends(&old, new);
    let (head, tail) = (&new[..start], &new[new.len() - end..]);
    let (gone, come) = (&old[start..old.len() - end], &new[start..new.len() - end]);
    let stages = ends_of_pieces(gone)
        .map(|at| format!("{head}{}{tail}", &gone[at..]))
        .chain(ends_of_pieces(come).map(|at| format!("{head}{}{tail}", &come[..at])));
    let mut steps = Vec::new();
    let mut before = old.clone();
    for after in stages {
        steps.push(Edit::Text {
            place: place.clone(),
            field,
            old: before,
            new: after.clone(),
        });
        before = after;
    }
    steps
}

/// The byte offsets at which pieces of a text end, the text's own end last.
fn ends_of_pieces(text: &str) -> impl Iterator<Item = usize> + '_ {
    let mut at = 0;
    std::iter::from_fn(move || {
        if at >= text.len() {
            return None;
        }
        at = (at + BATCH_WEIGHT / 8).min(text.len());
        while !text.is_char_boundary(at) {
            at += 1;
        }
        Some(at)
    })
}

/// An item with long texts is made with empty ones, which are filled in afterwards.
fn split_item(
    container: &'static str,
    fields: &'static [Field],
    key: String,
    mut value: Value,
) -> Vec<Edit> {
    let mut texts = Vec::new();
    for field in fields
        .iter()
        .filter(|field| matches!(field.rule, Rule::Txt))
    {
        if let Some(Value::String(new)) = value.get_mut(field.path).map(Value::take) {
            let place = Place::Item {
                container,
                key: key.clone(),
            };
            texts.push(Edit::Text {
                place,
                field,
                old: String::new(),
                new,
            });
        }
    }
    let made = Edit::AddItem {
        container,
        fields,
        key,
        value,
    };
    std::iter::once(made)
        .chain(texts.into_iter().flat_map(split))
        .collect()
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
    // At the present heads a plain transaction is the same and far quicker on long texts: one at a
    // version walks the whole text for every letter it takes away.
    let mut tx = if Version::from(doc.get_heads()) == *at {
        doc.transaction()
    } else {
        doc.transaction_at(PatchLog::inactive(), &at.to_automerge())
            .map_err(|_| SaveError::UnknownVersion)?
    };
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

#[cfg(test)]
mod every_field;
#[cfg(test)]
mod heads;
#[cfg(test)]
mod levels;
#[cfg(test)]
mod newer_app;
#[cfg(test)]
mod patched;
#[cfg(test)]
mod rules;
#[cfg(test)]
mod tests;
