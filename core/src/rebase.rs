//! Moving a save from the version it was made at to the document's present heads, for the rare
//! form that has used up its levels of derived actors. Text edits keep their places by cursors:
//! an insertion stays behind the letter it was typed behind, a deletion takes only letters the
//! user saw. And moving one to a version of a rebuilt document, where the letters are others: there
//! places are found by what the two texts have in common.

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
                    .map(|text| {
                        let stands = |index| present(doc, &heads, &text, index);
                        let behind = |index| after(doc, &heads, &text, index);
                        splices(&old, &new, stands, behind)
                    })
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

/// The edits as they read at a version that may lack letters the user saw, or have others: what they
/// were typed among is not there any more.
pub(crate) fn onto_version(
    doc: &Automerge,
    kind: Kind,
    version: &Version,
    mut edits: Vec<Edit>,
) -> Vec<Edit> {
    let heads = version.to_automerge();
    for edit in &mut edits {
        if let Edit::Text {
            place,
            field,
            old,
            new,
        } = edit
        {
            let text = find_container(doc, kind, place, field, ObjType::Text);
            let there = text.and_then(|text| doc.text_at(&text, &heads).ok());
            let there = there.unwrap_or_default();
            *new = merged(old, new, &there);
            *old = there;
        }
    }
    edits
}

/// `there` with what makes `new` of `old`, by the letters the two have in common.
fn merged(old: &str, new: &str, there: &str) -> String {
    if there == old {
        return new.to_owned();
    }
    let old_letters: Vec<char> = old.chars().collect();
    let mut letters: Vec<char> = there.chars().collect();
    let mut stands = vec![None; old_letters.len()];
    for op in similar::capture_diff_slices(Algorithm::Myers, &old_letters, &letters) {
        if let DiffOp::Equal {
            old_index,
            new_index,
            len,
        } = op
        {
            for (step, place) in stands[old_index..old_index + len].iter_mut().enumerate() {
                *place = Some(new_index + step);
            }
        }
    }
    let behind = |index: usize| {
        let before = stands[..index].iter().rev().find_map(|place| *place);
        before.map_or(0, |place| place + 1)
    };
    for splice in splices(old, new, |index| stands[index], behind) {
        let upto = splice.at + splice.delete.unsigned_abs();
        letters.splice(splice.at..upto, splice.insert.chars());
    }
    letters.into_iter().collect()
}

/// What makes `new` of `old`, in a text where the letters of `old` stand elsewhere: `stands` says
/// where one does now, if it still does, `behind` where to put what was typed before one.
fn splices(
    old: &str,
    new: &str,
    stands: impl Fn(usize) -> Option<usize>,
    behind: impl Fn(usize) -> usize,
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
            if let Some(at) = stands(index) {
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
        let at = behind(offsets[old_index]);
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

#[cfg(test)]
mod tests {
    use super::merged;

    #[test]
    fn a_text_edit_finds_its_place_where_letters_around_it_are_gone_or_others_have_come() {
        assert_eq!(merged("abc", "abcd", "a"), "ad");
        assert_eq!(merged("abc", "abXc", "abc"), "abXc");
        assert_eq!(merged("abc", "ac", "xabcy"), "xacy");
        assert_eq!(merged("abc", "aXc", "c"), "Xc");
        assert_eq!(merged("abc", "", "abcd"), "d");
        assert_eq!(merged("abc", "abcd", ""), "d");
    }
}
