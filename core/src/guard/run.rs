//! The static guard for a whole run: its changes against each other and against the header.

use std::collections::BTreeMap;

use super::{Author, Checked, LEVELS, Limits, Refusal, check_change};
use crate::envelope::{ActorSpan, Header};
use crate::genesis::genesis;
use crate::id::Hash;

/// The static guard for a run: every change by itself, then hashes, actors, sequence numbers and
/// dependencies against the header and in causal order.
///
/// # Errors
/// The first thing found wrong.
pub fn check_run(
    header: &Header,
    changes: &[Vec<u8>],
    base_actor: &[u8; 16],
    limits: &Limits,
) -> Result<Vec<Checked>, Refusal> {
    let kind = header.kind().ok_or(Refusal::new("kind_unknown"))?;
    let mut checked = Vec::new();
    let mut left = limits.run_bytes;
    for change in changes.iter().take(limits.changes.saturating_add(1)) {
        left = left
            .checked_sub(change.len())
            .ok_or(Refusal::new("run_too_large"))?;
        checked.push(check_change(change, kind, limits)?);
    }
    check_run_of(header, &checked, base_actor, limits)?;
    Ok(checked)
}

/// The part of [`check_run`] that comes after each change was checked by itself.
pub(crate) fn check_run_of(
    header: &Header,
    checked: &[Checked],
    base_actor: &[u8; 16],
    limits: &Limits,
) -> Result<(), Refusal> {
    let kind = header.kind().ok_or(Refusal::new("kind_unknown"))?;
    if checked.is_empty() {
        return Err(Refusal::new("run_empty"));
    }
    if checked.len() > limits.changes {
        return Err(Refusal::new("too_many_changes"));
    }
    if usize::try_from(header.changes).ok() != Some(checked.len()) {
        return Err(Refusal::new("header_changes"));
    }
    if checked.iter().map(|c| c.size_bytes).sum::<usize>() > limits.run_bytes {
        return Err(Refusal::new("run_too_large"));
    }
    if checked.iter().map(Checked::ops).sum::<u64>() > limits.run_ops {
        return Err(Refusal::new("too_many_operations"));
    }
    if checked.iter().any(|c| c.author.base != *base_actor) {
        return Err(Refusal::new("actor_foreign"));
    }
    let shape = Shape::of(checked, &genesis(kind).hash)?;
    if shape.actors != header.actors {
        return Err(Refusal::new("header_actors"));
    }
    if shape.deps != header.deps {
        return Err(Refusal::new("header_dependencies"));
    }
    if !header.replaces.is_sorted_by(|a, b| a < b) {
        return Err(Refusal::new("header_replaces"));
    }
    Ok(())
}

/// The base actor the first change of a run claims.
pub fn base_actor(changes: &[Checked]) -> Option<[u8; 16]> {
    changes.first().map(|c| c.author.base)
}

/// What a header says about its run, found from the run.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    /// By level.
    pub(crate) actors: Vec<ActorSpan>,
    /// Outside dependencies without genesis, ascending.
    pub(crate) deps: Vec<Hash>,
}

impl Shape {
    /// The shape of a run in causal order, all by one device.
    pub(crate) fn of(run: &[Checked], genesis: &Hash) -> Result<Self, Refusal> {
        let all: BTreeMap<Hash, usize> = run
            .iter()
            .enumerate()
            .map(|(place, change)| (change.hash, place))
            .collect();
        if all.len() != run.len() {
            return Err(Refusal::new("change_twice"));
        }
        let mut spans: BTreeMap<u8, ActorSpan> = BTreeMap::new();
        let mut deps: Vec<Hash> = Vec::new();
        // For each change the newest seq it builds on, by level, and whether it builds on others'
        // changes, whose own history the run does not show.
        let mut clocks: Vec<([u64; LEVELS as usize + 1], bool)> = Vec::new();
        for (place, change) in run.iter().enumerate() {
            let (mut clock, mut outside) = ([0u64; LEVELS as usize + 1], false);
            for dep in &change.deps {
                match all.get(dep) {
                    Some(earlier) if *earlier < place => {
                        if run[*earlier].max_op >= change.start_op {
                            return Err(Refusal::new("counter_order"));
                        }
                        for (newest, seq) in clock.iter_mut().zip(&clocks[*earlier].0) {
                            *newest = (*newest).max(*seq);
                        }
                        outside |= clocks[*earlier].1;
                    }
                    Some(_) => return Err(Refusal::new("causal_order")),
                    None if dep == genesis => {}
                    None => {
                        deps.push(*dep);
                        outside = true;
                    }
                }
            }
            let Author { level, .. } = change.author;
            if let Some(span) = spans.get_mut(&level) {
                if change.seq != span.last_seq + 1 {
                    return Err(Refusal::new("seq_gap"));
                }
                // An actor's change builds on its previous one; Automerge's clocks rely on it. Where
                // others' changes come between, the trial looks.
                if clock[usize::from(level)] != span.last_seq && !outside {
                    return Err(Refusal::new("seq_branch"));
                }
                span.last_seq = change.seq;
            } else {
                let span = ActorSpan {
                    level,
                    first_seq: change.seq,
                    last_seq: change.seq,
                };
                spans.insert(level, span);
            }
            clock[usize::from(level)] = change.seq;
            clocks.push((clock, outside));
        }
        deps.sort_unstable();
        deps.dedup();
        Ok(Self {
            actors: spans.into_values().collect(),
            deps,
        })
    }
}
