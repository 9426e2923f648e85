//! The trial guard: applies a run to a copy of the document and looks whether what comes out still
//! saves, loads, reads and can be edited. Everything of Automerge runs under `catch_unwind`.
//!
//! The relay's verdict is the only one: it serves a run to others only after its own trial. A
//! device that refuses what the relay let in keeps its last good state and reports.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use automerge::transaction::{CommitOptions, Transactable};
use automerge::{ActorId, Automerge, Change, ChangeHash, ROOT, ReadDoc};
use uuid::Uuid;

use super::limits::{Bounds, COUNTER_JUMP};
use super::ops::{Key, Op, Ops};
use super::rules::{Object, Objects};
use super::{Author, Checked, Limits, Refusal, check};
use crate::chunk::Chunk;
use crate::documents::{self, Kind, Rule};
use crate::genesis::genesis;
use crate::id::Hash;
use crate::read::{self, Reading};

/// Why a run did not pass its trial.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, thiserror::Error)]
pub enum Doubt {
    /// It may pass later, or a person must look: kept, and tried again when something changed.
    #[error("held: {0}")]
    Held(&'static str),
    /// It can never enter; its device rebuilds and replays.
    #[error("final: {0}")]
    Final(&'static str),
}

impl Doubt {
    /// The code, whichever kind of doubt it is.
    pub fn code(self) -> &'static str {
        match self {
            Doubt::Held(code) | Doubt::Final(code) => code,
        }
    }
}

impl From<Refusal> for Doubt {
    fn from(refusal: Refusal) -> Self {
        Doubt::Final(refusal.code)
    }
}

/// What came through a trial.
#[derive(Clone, Debug)]
pub struct Tried {
    /// The document with the changes applied.
    pub document: Automerge,
    /// What it says, read as everyone will who loads it; `None` if nothing was new.
    pub reading: Option<Reading>,
}

/// As [`try_changes`]; gives the document alone.
///
/// # Errors
/// As [`try_changes`].
pub fn trial(
    doc: &Automerge,
    kind: Kind,
    changes: &[Vec<u8>],
    limits: &Limits,
) -> Result<Automerge, Doubt> {
    try_changes(doc, kind, changes, limits).map(|tried| tried.document)
}

/// Tries changes, in causal order, on a copy of a document and returns the copy with them applied.
/// Changes the document has already are skipped. The changes pass the static guard first.
///
/// # Errors
/// * held `dependency_missing`: something it builds on is not here yet;
/// * held `counter_jump`: it counts more than 65 536 operations above all that is here;
/// * final `fork`: another change has this actor and sequence number;
/// * final `actor_unknown`, `counter_order`, `seq_branch`: it does not follow from what it builds on;
/// * final `document_full`, `document_actors`, `document_fragments`: the document would hold more changes,
///   actors or ground hashes than whoever loads it must bear;
/// * final `log_key_taken`, `item_key_taken`, `status_round`: it would hide what others wrote;
/// * held `trial_…`: Automerge failed on it. That may be our mistake, so nothing is thrown away.
pub fn try_changes(
    doc: &Automerge,
    kind: Kind,
    changes: &[Vec<u8>],
    limits: &Limits,
) -> Result<Tried, Doubt> {
    let mut ops = 0;
    let mut checked = Vec::with_capacity(changes.len());
    for change in changes {
        let one = check(change, kind, limits)?;
        ops += one.1.ops();
        if ops > limits.run_ops {
            return Err(Doubt::Final("too_many_operations"));
        }
        checked.push(one);
    }
    try_checked(doc, kind, changes, &checked, limits)
}

/// The part of [`try_changes`] that comes after each change passed the static guard by itself.
pub(crate) fn try_checked(
    doc: &Automerge,
    kind: Kind,
    changes: &[Vec<u8>],
    checked: &[(Chunk<'_>, Checked)],
    limits: &Limits,
) -> Result<Tried, Doubt> {
    if checked.iter().map(|one| one.1.ops()).sum::<u64>() > limits.run_ops {
        return Err(Doubt::Final("too_many_operations"));
    }
    let judged = catch_unwind(AssertUnwindSafe(|| judge(doc, kind, checked, limits)));
    let fresh = judged.unwrap_or(Err(Doubt::Held("trial_panic")))?;
    if fresh.is_empty() {
        return Ok(Tried {
            document: doc.clone(),
            reading: None,
        });
    }
    let fresh: Vec<(&[u8], &Checked)> = fresh
        .into_iter()
        .map(|place| (changes[place].as_slice(), &checked[place].1))
        .collect();
    let tried = catch_unwind(AssertUnwindSafe(|| apply(doc, kind, &fresh)));
    tried.unwrap_or(Err(Doubt::Held("trial_panic")))
}

/// What the trial knows of a change that is in the document or was judged before in this run.
struct Known {
    author: Option<Author>,
    seq: u64,
    max_op: u64,
    deps: Vec<Hash>,
}

/// Judges a run against the document without applying it; returns the places of what is new.
fn judge(
    doc: &Automerge,
    kind: Kind,
    checked: &[(Chunk<'_>, Checked)],
    limits: &Limits,
) -> Result<Vec<usize>, Doubt> {
    let mut known: BTreeMap<Hash, Known> = BTreeMap::new();
    let mut seqs: BTreeMap<Author, (u64, Hash)> = BTreeMap::new();
    let mut actors: BTreeSet<Vec<u8>> = BTreeSet::new();
    let mut highest = 0;
    for meta in doc.get_changes_meta(&[]) {
        let author = Author::parse(meta.actor.to_bytes()).ok();
        let hash = Hash::from(meta.hash);
        actors.insert(meta.actor.to_bytes().to_vec());
        highest = highest.max(meta.max_op);
        if let Some(author) = author {
            let newest = seqs.entry(author).or_insert((0, hash));
            if meta.seq > newest.0 {
                *newest = (meta.seq, hash);
            }
        }
        let deps = meta.deps.iter().map(|d| Hash::from(*d)).collect();
        known.insert(
            hash,
            Known {
                author,
                seq: meta.seq,
                max_op: meta.max_op,
                deps,
            },
        );
    }
    let mut keys = Keys::new(doc, kind);
    let mut fresh = Vec::new();
    for (place, (chunk, change)) in checked.iter().enumerate() {
        if known.contains_key(&change.hash) {
            continue;
        }
        for dep in &change.deps {
            let dep = known.get(dep).ok_or(Doubt::Held("dependency_missing"))?;
            if dep.max_op >= change.start_op {
                return Err(Doubt::Final("counter_order"));
            }
        }
        if let Some((last, hash)) = seqs.get(&change.author) {
            if change.seq <= *last {
                return Err(Doubt::Final("fork"));
            }
            if change.seq > last + 1 {
                return Err(Doubt::Held("dependency_missing"));
            }
            if !builds_on(&change.deps, hash, &known) {
                return Err(Doubt::Final("seq_branch"));
            }
        } else if change.seq != 1 {
            return Err(Doubt::Held("dependency_missing"));
        }
        if change.start_op > highest + COUNTER_JUMP {
            return Err(Doubt::Held("counter_jump"));
        }
        if chunk.others.iter().any(|other| !actors.contains(*other)) {
            return Err(Doubt::Final("actor_unknown"));
        }
        actors.insert(chunk.actor.to_vec());
        keys.take(chunk, change.ops())?;
        highest = highest.max(change.max_op);
        seqs.insert(change.author, (change.seq, change.hash));
        let (author, deps) = (Some(change.author), change.deps.clone());
        let entry = Known {
            author,
            seq: change.seq,
            max_op: change.max_op,
            deps,
        };
        known.insert(change.hash, entry);
        fresh.push(place);
    }
    if !fresh.is_empty() {
        bounded(&known, actors.len(), &limits.document)?;
    }
    Ok(fresh)
}

/// Whether a document of these changes costs whoever loads it no more than it may.
fn bounded(known: &BTreeMap<Hash, Known>, actors: usize, bounds: &Bounds) -> Result<(), Doubt> {
    let changes = known.len();
    if changes > bounds.changes {
        return Err(Doubt::Final("document_full"));
    }
    if actors > bounds.actors {
        return Err(Doubt::Final("document_actors"));
    }
    // Ordered by hash, so only those counted are looked at.
    let fragments = known.keys().take_while(|hash| hash.0[0] == 0).count();
    if fragments > bounds.fragments_of(changes) {
        return Err(Doubt::Final("document_fragments"));
    }
    Ok(())
}

/// Whether a change with these dependencies comes after `earlier`. Counters grow along
/// dependencies, so nothing below the one looked for is searched.
fn builds_on(deps: &[Hash], earlier: &Hash, known: &BTreeMap<Hash, Known>) -> bool {
    let Some(wanted) = known.get(earlier) else {
        return false;
    };
    let mut seen = BTreeSet::new();
    let mut stack = deps.to_vec();
    while let Some(hash) = stack.pop() {
        let Some(change) = known.get(&hash) else {
            continue;
        };
        if hash == *earlier || (change.author == wanted.author && change.seq >= wanted.seq) {
            return true;
        }
        if change.max_op > wanted.max_op && seen.insert(hash) {
            stack.extend(change.deps.iter().copied());
        }
    }
    false
}

/// Keys that are written once, and status rounds: what the document has, and what the run adds.
struct Keys<'d> {
    doc: &'d Automerge,
    kind: Kind,
    taken: BTreeSet<(&'static str, String)>,
    rounds: BTreeMap<&'static str, u16>,
}

impl<'d> Keys<'d> {
    fn new(doc: &'d Automerge, kind: Kind) -> Self {
        Self {
            doc,
            kind,
            taken: BTreeSet::new(),
            rounds: BTreeMap::new(),
        }
    }

    fn take(&mut self, chunk: &Chunk<'_>, count: u64) -> Result<(), Doubt> {
        let objects = Objects::new(chunk, self.kind);
        let mut ops = Ops::new(chunk, count);
        while let Some(op) = ops.next()? {
            self.op(&op, objects.resolve(op.obj)?)?;
        }
        Ok(())
    }

    fn op(&mut self, op: &Op<'_>, object: Object) -> Result<(), Doubt> {
        let (Object::Genesis(container, _, Some(rule)), Key::Prop(key)) = (object, op.key) else {
            return Ok(());
        };
        match rule {
            Rule::Log | Rule::Rws => self.once(container, key, "log_key_taken"),
            Rule::Map(_) => self.once(container, key, "item_key_taken"),
            Rule::Mst(_) => self.round(container, key),
            Rule::Imm
            | Rule::Lww
            | Rule::Mvr
            | Rule::Yield(_)
            | Rule::Txt
            | Rule::Aws
            | Rule::FlagPlus
            | Rule::Max(_) => Ok(()),
        }
    }

    /// A key nobody has used. Only keys that several devices derive from the same facts (name-based
    /// UUIDs, RFC 9562 versions 5 and 8) may meet: the reader counts equal values once.
    fn once(
        &mut self,
        container: &'static str,
        key: &str,
        code: &'static str,
    ) -> Result<(), Doubt> {
        let derived = Uuid::try_parse(key).is_ok_and(|id| matches!(id.get_version_num(), 5 | 8));
        if derived && code == "log_key_taken" {
            return Ok(());
        }
        let here = genesis(self.kind).container(container);
        let here = here.is_some_and(|id| self.doc.get(id, key).is_ok_and(|found| found.is_some()));
        if here || !self.taken.insert((container, key.to_owned())) {
            return Err(Doubt::Final(code));
        }
        Ok(())
    }

    /// A round far above would make every honest step of the status invisible for ever.
    fn round(&mut self, container: &'static str, key: &str) -> Result<(), Doubt> {
        let Some((round, _)) = read::parse_status_key(key) else {
            return Ok(());
        };
        let doc = self.doc;
        let kind = self.kind;
        let highest = self.rounds.entry(container).or_insert_with(|| {
            let keys = genesis(kind).container(container).map(|id| doc.keys(id));
            keys.into_iter()
                .flatten()
                .filter_map(|key| read::parse_status_key(&key))
                .map(|(round, _)| round)
                .max()
                .unwrap_or(0)
        });
        if round > highest.saturating_add(1) {
            return Err(Doubt::Final("status_round"));
        }
        *highest = (*highest).max(round);
        Ok(())
    }
}

/// Applies, saves, reloads, reads, edits.
fn apply(doc: &Automerge, kind: Kind, fresh: &[(&[u8], &Checked)]) -> Result<Tried, Doubt> {
    let mut changes = Vec::new();
    for (bytes, checked) in fresh {
        let change = Change::from_bytes(bytes.to_vec()).map_err(|_| Doubt::Held("trial_parse"))?;
        if Hash::from(change.hash()) != checked.hash {
            return Err(Doubt::Held("trial_hash"));
        }
        changes.push(change);
    }
    let mut heads: BTreeSet<ChangeHash> = doc.get_heads().into_iter().collect();
    for (_, change) in fresh {
        for dep in &change.deps {
            heads.remove(&ChangeHash::from(*dep));
        }
        heads.insert(change.hash.into());
    }
    let heads: Vec<ChangeHash> = heads.into_iter().collect();

    let mut applied = doc.clone();
    applied
        .apply_changes(changes)
        .map_err(|_| Doubt::Held("trial_apply"))?;
    // What Automerge cannot place it queues without an error, for ever.
    if applied.get_heads() != heads {
        return Err(Doubt::Held("trial_queued"));
    }
    // Loading is most of a trial's cost, so one load tries both: what is saved holds every
    // operation of the document, and the next honest edit. Another one follows the load.
    let mut edited = applied.clone();
    probe(&mut edited, false)?;
    let mut again = reload(&edited)?;
    // Read from what was loaded: so will everyone who opens it.
    let reading = read::read(&again, kind);
    debug_assert_eq!(
        reading,
        read::read(&applied, kind),
        "loaded it says something else"
    );
    documents::summarise(kind, &reading.value);
    probe(&mut again, true)?;
    Ok(Tried {
        document: applied,
        reading: Some(reading),
    })
}

/// Saves and loads. Without compression, which is most of a small document's save, gives back what it
/// was given, and has nothing to do with what the document holds.
fn reload(doc: &Automerge) -> Result<Automerge, Doubt> {
    let saved = doc.save_nocompress();
    let again = Automerge::load(&saved).map_err(|_| Doubt::Held("trial_reload"))?;
    if again.get_heads() == doc.get_heads() {
        Ok(again)
    } else {
        Err(Doubt::Held("trial_reload"))
    }
}

/// The next honest save, tried in advance.
fn probe(doc: &mut Automerge, value: bool) -> Result<(), Doubt> {
    doc.set_actor(ActorId::from([0u8; 16]));
    let mut tx = doc.transaction();
    tx.put(ROOT, "~probe", value)
        .map_err(|_| Doubt::Held("trial_probe"))?;
    tx.commit_with(CommitOptions::default().with_time(0));
    Ok(())
}
