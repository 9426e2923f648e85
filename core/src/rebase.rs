//! Moving a save from the version it was made at to the document's present heads, for the rare
//! form that has used up its levels of derived actors. Text edits keep their places by cursors:
//! an insertion stays behind the letter it was typed behind, a deletion takes only letters the
//! user saw. And moving one to a version of a rebuilt document, where some letters are others, made
//! again: where it is not known for what, places are found by what the two texts have in common.

use std::collections::{HashMap, HashSet};

use automerge::{Automerge, Change, ChangeHash, ObjId, ObjType, ReadDoc};
use similar::{Algorithm, DiffOp};
use unicode_segmentation::UnicodeSegmentation;

use crate::documents::{Field, Kind};
use crate::edit::{Edit, Place};
use crate::id::{Hash, Version};
use crate::save::{Step, find_container};
use crate::store::draft::Replay;

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

/// A document at a version.
#[derive(Clone, Copy)]
pub(crate) struct At<'d> {
    pub doc: &'d Automerge,
    pub version: &'d Version,
}

/// The edits of one version as they read at a version of another document that may lack letters the user
/// saw, or have others: what they were typed among is not there any more. `made` are changes of the one
/// that were made again in the other.
pub(crate) fn onto_version(
    from: At<'_>,
    onto: At<'_>,
    kind: Kind,
    mut edits: Vec<Edit>,
    made: &[Replay],
) -> Vec<Edit> {
    for edit in &mut edits {
        if let Edit::Text {
            place,
            field,
            old,
            new,
        } = edit
        {
            let heads = onto.version.to_automerge();
            let there = find_container(onto.doc, kind, place, field, ObjType::Text);
            let there = there.and_then(|text| onto.doc.text_at(&text, &heads).ok());
            let there = there.unwrap_or_default();
            let ends = [from, onto].map(|at| letters(at, kind, place, field));
            let same = if ends.each_ref().map(text) == [&**old, &*there] {
                same([from.doc, onto.doc], &ends, made)
            } else {
                Vec::new()
            };
            *new = merged(old, new, &there, &same);
            *old = there;
        }
    }
    edits
}

/// A letter of a text, with the operation that put it there.
struct Letter {
    op: ObjId,
    char: char,
}

fn text<'l>(letters: impl IntoIterator<Item = &'l Letter>) -> String {
    letters.into_iter().map(|letter| letter.char).collect()
}

fn letters(at: At<'_>, kind: Kind, place: &Place, field: &'static Field) -> Vec<Letter> {
    let heads = at.version.to_automerge();
    let Some(text) = find_container(at.doc, kind, place, field, ObjType::Text) else {
        return Vec::new();
    };
    let mut letters = Vec::new();
    for item in at.doc.list_range_at(&text, .., &heads) {
        let op = item.id();
        let value = item.value.into_value();
        // A block reads so.
        let shown = value.as_str().unwrap_or("\u{fffc}");
        letters.extend(shown.chars().map(|char| Letter {
            op: op.clone(),
            char,
        }));
    }
    letters
}

/// Where each letter of the one text stands in the other: the very letter, or the one made again for it.
fn same(
    docs: [&Automerge; 2],
    [old, new]: &[Vec<Letter>; 2],
    made: &[Replay],
) -> Vec<Option<usize>> {
    let places: HashMap<&ObjId, usize> = new.iter().zip(0..).map(|(l, at)| (&l.op, at)).collect();
    let mut taken = HashSet::new();
    // At a fork two letters may be put there by what looks like one operation.
    let very = |letter: &Letter| {
        let at = places.get(&letter.op).copied()?;
        (new[at].char == letter.char && taken.insert(at)).then_some(at)
    };
    let mut same: Vec<Option<usize>> = old.iter().map(very).collect();
    for replay in made {
        let before = put_by(docs[0], &replay.old, old);
        let after = put_by(docs[1], &replay.new, new);
        let says = text(before.iter().map(|at| &old[*at]));
        if says != text(after.iter().map(|at| &new[*at])) {
            continue;
        }
        for (before, after) in before.into_iter().zip(after) {
            if taken.insert(after) {
                same[before] = Some(after);
            }
        }
    }
    same
}

/// Which of these letters a change put there.
fn put_by(doc: &Automerge, hash: &Hash, letters: &[Letter]) -> Vec<usize> {
    let Some(change) = doc.get_change_by_hash(&(*hash).into()) else {
        return Vec::new();
    };
    let by = |at: &usize| is_op_of(&change, &letters[*at].op);
    (0..letters.len()).filter(by).collect()
}

/// Whether an operation is one of this change's.
pub(crate) fn is_op_of(change: &Change, id: &ObjId) -> bool {
    let ops = change.start_op().get()..=change.max_op();
    matches!(id, ObjId::Id(op, actor, _) if actor == change.actor_id() && ops.contains(op))
}

/// `there` with what makes `new` of `old`: where each letter of `old` is `same` in `there`, or by the
/// letters the two have in common.
fn merged(old: &str, new: &str, there: &str, same: &[Option<usize>]) -> String {
    if there == old {
        return new.to_owned();
    }
    let old_letters: Vec<char> = old.chars().collect();
    let mut letters: Vec<char> = there.chars().collect();
    let taken: HashSet<usize> = same.iter().flatten().copied().collect();
    let mut stands = same.to_vec();
    stands.resize(old_letters.len(), None);
    for op in similar::capture_diff_slices(Algorithm::Myers, &old_letters, &letters) {
        if let DiffOp::Equal {
            old_index,
            new_index,
            len,
        } = op
        {
            for step in 0..len {
                let at = new_index + step;
                if !taken.contains(&at) {
                    stands[old_index + step].get_or_insert(at);
                }
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
        assert_eq!(merged("abc", "abcd", "a", &[]), "ad");
        assert_eq!(merged("abc", "abXc", "abc", &[]), "abXc");
        assert_eq!(merged("abc", "ac", "xabcy", &[]), "xacy");
        assert_eq!(merged("abc", "aXc", "c", &[]), "Xc");
        assert_eq!(merged("abc", "", "abcd", &[]), "d");
        assert_eq!(merged("abc", "abcd", "", &[]), "d");
    }

    #[test]
    fn a_text_edit_stays_between_its_neighbours_where_parts_of_the_text_changed_places() {
        let same = [2, 3, 0, 1, 4].map(Some);
        assert_eq!(merged("abcde", "aXbcde", "cdabe", &same), "cdaXbe");
        assert_eq!(merged("abcde", "abcXde", "cdabe", &same), "cXdabe");
        assert_eq!(merged("abcde", "acde", "cdabe", &same), "cdae");
        // What is another letter that looks the same is not taken for it.
        assert_eq!(merged("aa", "a", "a", &[Some(0), None]), "a");
    }
}
