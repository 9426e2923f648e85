//! What documents must say: an implementation of the merge rules of its own, over the history of
//! edits.
//!
//! The storm tells the model of every edit what a person did in it. The model gets from a document
//! nothing but the graph of its changes (hash, dependencies, time); the time says which edit a
//! change is, or is a replay of. From the edits of a set of changes and who had seen whose, the
//! model works out what must be read there, and compares. So two replicas that agree with each
//! other but lost a field are found out.

pub mod edit;
mod expect;

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use automerge::Automerge;
use sopu_core::documents::Kind;
use sopu_core::genesis::genesis;
use sopu_core::id::{DocId, Hash, Version};
use sopu_core::read::Reading;

pub use edit::{Edit, Write};
use expect::Expected;

/// A set of changes of one document, by number.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Set(Vec<u64>);

impl Set {
    /// With one more.
    pub fn insert(&mut self, n: usize) {
        if self.0.len() <= n / 64 {
            self.0.resize(n / 64 + 1, 0);
        }
        self.0[n / 64] |= 1 << (n % 64);
    }

    /// Whether it is in there.
    pub fn has(&self, n: usize) -> bool {
        self.0.get(n / 64).is_some_and(|w| w & (1 << (n % 64)) != 0)
    }

    /// With all of these.
    pub fn add(&mut self, other: &Self) {
        if self.0.len() < other.0.len() {
            self.0.resize(other.0.len(), 0);
        }
        for (mine, theirs) in self.0.iter_mut().zip(&other.0) {
            *mine |= theirs;
        }
    }

    /// What is in here and not in there.
    pub fn without<'s>(&'s self, other: &'s Self) -> impl Iterator<Item = usize> + 's {
        self.iter().filter(|n| !other.has(*n))
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.0.iter().enumerate().flat_map(|(at, word)| {
            (0..64)
                .filter(move |bit| word & (1 << bit) != 0)
                .map(move |bit| at * 64 + bit)
        })
    }
}

/// One change.
struct Node {
    /// All it builds on, itself included.
    past: Set,
    /// Which edit it is.
    edit: usize,
}

/// All changes of one document that were ever seen anywhere.
#[derive(Default)]
struct History {
    nodes: Vec<Node>,
    by_hash: HashMap<Hash, usize>,
    expected: HashMap<Version, Rc<Expected>>,
    /// What was first read at a version: all others must read the same.
    read: HashMap<Version, Rc<Reading>>,
}

/// All that was written in a world.
#[derive(Default)]
pub struct Model {
    /// Every edit, in the order they were made.
    pub edits: Vec<Edit>,
    by_time: HashMap<(DocId, i64), usize>,
    docs: BTreeMap<DocId, History>,
    /// The relay has come back from a backup: see [`Expected::of`].
    pub lossy: bool,
    /// Edits that were made again where the item they wrote in is not, and whether anyone was asked
    /// for what they wrote.
    homeless: BTreeMap<usize, bool>,
}

impl Model {
    /// Takes note of an edit; gives its number.
    pub fn note(&mut self, edit: Edit) -> usize {
        let number = self.edits.len();
        self.by_time.insert((edit.doc, edit.at_ms), number);
        self.edits.push(edit);
        number
    }

    /// It did not come about after all.
    pub fn forget(&mut self, number: usize) {
        let edit = &self.edits[number];
        self.by_time.remove(&(edit.doc, edit.at_ms));
        self.edits[number].sure = false;
    }

    /// Which edit a change of this time is.
    pub fn edit_of(&self, doc: DocId, at_ms: i64) -> Option<usize> {
        self.by_time.get(&(doc, at_ms)).copied()
    }

    /// The changes of a replica, by number.
    ///
    /// # Errors
    /// A change that nobody made.
    pub fn changes(&mut self, doc: DocId, am: &Automerge, kind: Kind) -> Result<Set, String> {
        let history = self.docs.entry(doc).or_default();
        let start = genesis(kind).hash;
        let mut all = Set::default();
        for head in am.get_heads() {
            let mut stack = vec![head];
            while let Some(hash) = stack.last().copied() {
                let known = Hash::from(hash);
                if known == start || history.by_hash.contains_key(&known) {
                    stack.pop();
                    continue;
                }
                let meta = am.get_change_meta_by_hash(&hash);
                let meta = meta.ok_or_else(|| format!("{doc} lacks a change it builds on"))?;
                let unknown = |dep: &&automerge::ChangeHash| {
                    let dep = Hash::from(**dep);
                    dep != start && !history.by_hash.contains_key(&dep)
                };
                let first: Vec<_> = meta.deps.iter().filter(unknown).copied().collect();
                if !first.is_empty() {
                    stack.extend(first);
                    continue;
                }
                let edit = self.by_time.get(&(doc, meta.timestamp)).copied();
                let edit = edit.ok_or_else(|| format!("{doc} has a change that nobody made"))?;
                let number = history.nodes.len();
                let mut past = Set::default();
                past.insert(number);
                for dep in &meta.deps {
                    if let Some(dep) = history.by_hash.get(&Hash::from(*dep)) {
                        past.add(&history.nodes[*dep].past);
                    }
                }
                history.nodes.push(Node { past, edit });
                history.by_hash.insert(known, number);
                stack.pop();
            }
            if let Some(number) = history.by_hash.get(&Hash::from(head)) {
                all.add(&history.nodes[*number].past);
            }
        }
        Ok(all)
    }

    /// The number of a change and what it builds on, if any replica was seen to have it.
    pub fn past(&self, doc: DocId, hash: &Hash) -> Option<(usize, &Set)> {
        let history = self.docs.get(&doc)?;
        let number = *history.by_hash.get(hash)?;
        Some((number, &history.nodes[number].past))
    }

    /// The edit a change is.
    pub fn edit(&self, doc: DocId, number: usize) -> usize {
        self.docs[&doc].nodes[number].edit
    }

    /// Whether an edit is among these changes twice: once as it was made, once made again.
    pub fn has_twice(&self, doc: DocId, changes: &Set) -> bool {
        let mut once = std::collections::BTreeSet::new();
        !changes.iter().all(|n| once.insert(self.edit(doc, n)))
    }

    /// Edits found for the first time to have been made again without their item, or a part of them:
    /// a draft must say what they wrote.
    pub fn newly_homeless(&mut self) -> Vec<usize> {
        let new = self.homeless.iter_mut().filter(|(_, asked)| !**asked);
        new.map(|(edit, asked)| {
            *asked = true;
            *edit
        })
        .collect()
    }

    /// Whether anything was made again in this document without the item it was written in.
    pub fn is_without_item(&self, doc: DocId) -> bool {
        self.homeless
            .keys()
            .any(|edit| self.edits[*edit].doc == doc)
    }

    /// Whether a replica with these changes reads as it must.
    ///
    /// # Errors
    /// What differs.
    pub fn judge(
        &mut self,
        doc: DocId,
        heads: &Version,
        changes: &Set,
        reading: Reading,
    ) -> Result<(), String> {
        let history = self.docs.entry(doc).or_default();
        if let Some(first) = history.read.get(heads) {
            // Judged before; the same again?
            return if **first == reading {
                Ok(())
            } else {
                Err(format!("{doc} reads otherwise at the same heads"))
            };
        }
        if !history.expected.contains_key(heads) {
            let expected = Expected::of(&history.nodes, &self.edits, changes, self.lossy);
            let expected = expected.map_err(|what| format!("{doc}: {what}"))?;
            for edit in &expected.homeless {
                self.homeless.entry(*edit).or_default();
            }
            history.expected.insert(heads.clone(), Rc::new(expected));
        }
        let expected = Rc::clone(&history.expected[heads]);
        expected
            .compare(&reading)
            .map_err(|what| format!("{doc}: {what}"))?;
        history.read.insert(heads.clone(), Rc::new(reading));
        Ok(())
    }
}

#[cfg(test)]
mod tests;
