//! Moving a save from the version it was made at to the document's present heads, for the rare
//! form that has used up its levels of derived actors. Text edits keep their places by cursors:
//! an insertion stays behind the letter it was typed behind, a deletion takes only letters the
//! user saw.

use automerge::{Automerge, ChangeHash, ObjId, ObjType, ReadDoc};
use similar::{Algorithm, DiffOp};
use unicode_segmentation::UnicodeSegmentation;

use crate::documents::Kind;
use crate::edit::Edit;
use crate::id::Version;
use crate::save::{Step, find_container};

/// One splice of a text, in code points of the present text; applied in the order given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Splice {
    pub at: usize,
    pub delete: isize,
    pub insert: String,
}

impl Splice {
    pub(crate) fn weight(&self) -> usize {
        16 + 4 * self.insert.len()
    }
}

/// The edits as they read at the present heads.
pub(crate) fn onto_heads(
    doc: &Automerge,
    kind: Kind,
    version: &Version,
    edits: Vec<Edit>,
) -> Vec<Step> {
    let heads = version.to_automerge();
    edits
        .into_iter()
        .map(|edit| match edit {
            Edit::Text {
                place,
                field,
                old,
                new,
            } => {
                let splices = find_container(doc, kind, &place, field, ObjType::Text)
                    .map(|text| splices(doc, &heads, &text, &old, &new))
                    .unwrap_or_default();
                Step::Splices {
                    place,
                    field,
                    splices,
                }
            }
            other @ (Edit::Put { .. }
            | Edit::AddItem { .. }
            | Edit::Remove { .. }
            | Edit::Append { .. }
            | Edit::Element { .. }
            | Edit::Decide { .. }
            | Edit::Raise { .. }) => Step::Edit(other),
        })
        .collect()
}

fn splices(
    doc: &Automerge,
    heads: &[ChangeHash],
    text: &ObjId,
    old: &str,
    new: &str,
) -> Vec<Splice> {
    // By grapheme, so that a combining letter moves with its base.
    let old_graphemes: Vec<&str> = old.graphemes(true).collect();
    let new_graphemes: Vec<&str> = new.graphemes(true).collect();
    let mut offsets = Vec::with_capacity(old_graphemes.len() + 1);
    let mut offset = 0;
    for grapheme in &old_graphemes {
        offsets.push(offset);
        offset += grapheme.chars().count();
    }
    offsets.push(offset);

    let mut moved: Vec<(usize, u8, Splice)> = Vec::new();
    let mut delete = |from: usize, upto: usize| {
        for index in offsets[from]..offsets[upto] {
            if let Some(at) = present(doc, heads, text, index) {
                moved.push((
                    at,
                    1,
                    Splice {
                        at,
                        delete: 1,
                        insert: String::new(),
                    },
                ));
            }
        }
    };
    let mut inserts: Vec<(usize, String)> = Vec::new();
    for op in similar::capture_diff_slices(Algorithm::Myers, &old_graphemes, &new_graphemes) {
        match op {
            DiffOp::Equal { .. } => {}
            DiffOp::Delete {
                old_index, old_len, ..
            } => delete(old_index, old_index + old_len),
            DiffOp::Insert {
                old_index,
                new_index,
                new_len,
            } => {
                inserts.push((
                    old_index,
                    new_graphemes[new_index..new_index + new_len].concat(),
                ));
            }
            DiffOp::Replace {
                old_index,
                old_len,
                new_index,
                new_len,
            } => {
                delete(old_index, old_index + old_len);
                inserts.push((
                    old_index,
                    new_graphemes[new_index..new_index + new_len].concat(),
                ));
            }
        }
    }
    for (old_index, insert) in inserts {
        let at = after(doc, heads, text, offsets[old_index]);
        moved.push((
            at,
            0,
            Splice {
                at,
                delete: 0,
                insert,
            },
        ));
    }
    // From the end, so that earlier places stay true; at one place the deletion first.
    moved.sort_by_key(|(at, deletes, _)| std::cmp::Reverse((*at, *deletes)));
    moved.into_iter().map(|(_, _, splice)| splice).collect()
}

/// Where the letter that stood at `index` stands now, if it still does.
fn present(doc: &Automerge, heads: &[ChangeHash], text: &ObjId, index: usize) -> Option<usize> {
    let cursor = doc.get_cursor(text, index, Some(heads)).ok()?;
    let now = doc.get_cursor_position(text, &cursor, None).ok()?;
    let there = doc.get_cursor(text, now, None).ok()?;
    (there == cursor).then_some(now)
}

/// The place just behind the letter that stood before `index`.
fn after(doc: &Automerge, heads: &[ChangeHash], text: &ObjId, index: usize) -> usize {
    if index == 0 {
        return 0;
    }
    if let Some(at) = present(doc, heads, text, index - 1) {
        return at + 1;
    }
    doc.get_cursor(text, index - 1, Some(heads))
        .and_then(|cursor| doc.get_cursor_position(text, &cursor, None))
        .unwrap_or_else(|_| doc.length(text))
}
