//! The crash-loop breaker. What is about to be tried is written down first; if the process dies
//! meanwhile, the next one finds the mark. A mark over several runs blames none of them: they are
//! then tried one by one. A run that was alone under the mark at three deaths is isolated (the run,
//! not its document), until another version of the program comes.
//!
//! Power cuts and kills can hit the same run three times, too, and look alike. So an isolated run is tried again
//! when nothing else waits, after a rest that grows with each death, and not two within an hour; five times, and
//! then only by another version. What did not kill gets in by itself, and what does kill makes no loop.

use serde::{Deserialize, Serialize};

use crate::store::{RelayStore, Result, State, StoreError};

/// Deaths that isolate a run.
pub const DEATHS: u32 = 3;

/// How long a run rests that was isolated, milliseconds; twice as long after each further death.
pub const REST_MS: i64 = 3_600_000;

/// How often an isolated run is tried again.
const RETRIES: u32 = 5;

/// The longest it rests.
const LONGEST_REST_MS: i64 = REST_MS << (RETRIES - 1);

const MARK: &str = "merge.trying";
const SINGLY: &str = "merge.singly";
const RESTING: &str = "merge.resting";

/// An isolated run, and when it is tried again.
#[derive(Serialize, Deserialize)]
struct Resting {
    arrival: i64,
    until_ms: i64,
}

#[derive(Serialize, Deserialize)]
struct Mark {
    arrivals: Vec<i64>,
    program: String,
}

/// Writes down what is about to be tried.
pub fn mark(store: &mut dyn RelayStore, arrivals: &[i64], program: &str) -> Result<()> {
    let mark = Mark {
        arrivals: arrivals.to_vec(),
        program: program.to_owned(),
    };
    let bytes = serde_json::to_vec(&mark).map_err(|_| StoreError::Corrupt("a mark"))?;
    store.set_meta(MARK, Some(&bytes))
}

/// It was tried and nobody died.
pub fn clear(store: &mut dyn RelayStore) -> Result<()> {
    store.set_meta(MARK, None)
}

/// How many may be tried together when this is the oldest.
pub fn batch(store: &mut dyn RelayStore, oldest: i64, most: usize) -> Result<usize> {
    Ok(if oldest <= singly(store)? { 1 } else { most })
}

/// Whether an isolated run has rested enough.
pub fn is_due(store: &mut dyn RelayStore, now_ms: i64) -> Result<bool> {
    let resting = resting(store)?;
    Ok(resting.iter().any(|one| one.is_due(now_ms)))
}

/// Has one isolated run that has rested enough wait again, to be tried alone. Others rest on for an hour at least.
pub fn try_again(store: &mut dyn RelayStore, now_ms: i64) -> Result<()> {
    let mut all = Vec::new();
    for mut one in resting(store)? {
        // Released, dropped or erased meanwhile, it is nothing of ours any more.
        if is_isolated(store, one.arrival)? {
            if one.is_due(now_ms) {
                one.until_ms = one.until_ms.min(now_ms);
            }
            all.push(one);
        }
    }
    all.sort_by_key(|one| one.until_ms);
    if all.first().is_some_and(|first| first.is_due(now_ms)) {
        let first = all.remove(0);
        store.set_state(first.arrival, &State::Waiting)?;
        try_singly(store, first.arrival)?;
        for other in &mut all {
            other.until_ms = other.until_ms.max(now_ms + REST_MS);
        }
    }
    keep_resting(store, &all)
}

fn is_isolated(store: &mut dyn RelayStore, arrival: i64) -> Result<bool> {
    let row = store.envelope_at(arrival)?;
    Ok(row.is_some_and(|row| row.state == State::Held("isolated".into())))
}

impl Resting {
    /// A clock that was set back makes nothing rest longer than it may.
    fn is_due(&self, now_ms: i64) -> bool {
        now_ms >= self.until_ms || self.until_ms - now_ms > LONGEST_REST_MS
    }
}

/// What cannot be read is no reason not to merge: at the next start each isolated run is noted again.
fn resting(store: &mut dyn RelayStore) -> Result<Vec<Resting>> {
    let bytes = store.meta(RESTING)?.unwrap_or_default();
    Ok(serde_json::from_slice(&bytes).unwrap_or_default())
}

fn keep_resting(store: &mut dyn RelayStore, resting: &[Resting]) -> Result<()> {
    if resting.is_empty() {
        return store.set_meta(RESTING, None);
    }
    let bytes = serde_json::to_vec(resting).map_err(|_| StoreError::Corrupt("what rests"))?;
    store.set_meta(RESTING, Some(&bytes))
}

/// Notes when an isolated run is to be tried again, unless it has died too often by now.
fn rest(store: &mut dyn RelayStore, arrival: i64, deaths: u32, now_ms: i64) -> Result<()> {
    let mut all = resting(store)?;
    all.retain(|one| one.arrival != arrival);
    let retried = deaths.saturating_sub(DEATHS);
    if retried < RETRIES {
        let until_ms = now_ms + (REST_MS << retried);
        all.push(Resting { arrival, until_ms });
    }
    keep_resting(store, &all)
}

/// From now on, what came no later than this is tried one by one.
fn try_singly(store: &mut dyn RelayStore, arrival: i64) -> Result<()> {
    let last = singly(store)?.max(arrival);
    store.set_meta(SINGLY, Some(&last.to_be_bytes()))
}

fn singly(store: &mut dyn RelayStore) -> Result<i64> {
    let bytes = store.meta(SINGLY)?.and_then(|bytes| bytes.try_into().ok());
    Ok(bytes.map_or(0, i64::from_be_bytes))
}

/// At start: who was being tried when the last process ended?
pub fn recover(store: &mut dyn RelayStore, program: &str, now_ms: i64) -> Result<()> {
    let noted = resting(store)?;
    for row in store.held("isolated")? {
        if row.tried_by.as_deref() != Some(program) {
            store.set_deaths(row.arrival, 0, program)?;
            store.set_state(row.arrival, &State::Waiting)?;
        } else if noted.iter().all(|one| one.arrival != row.arrival) {
            rest(store, row.arrival, row.deaths, now_ms)?;
        }
    }
    let Some(bytes) = store.meta(MARK)? else {
        return Ok(());
    };
    let mark: Mark = serde_json::from_slice(&bytes).map_err(|_| StoreError::Corrupt("a mark"))?;
    if let [arrival] = mark.arrivals[..]
        && let Some(row) = store.envelope_at(arrival)?
        && row.state == State::Waiting
    {
        // Deaths under another version say nothing of this one.
        let before = if row.tried_by.as_deref() == Some(program) {
            row.deaths
        } else {
            0
        };
        let deaths = if mark.program == program {
            before + 1
        } else {
            0
        };
        store.set_deaths(arrival, deaths, program)?;
        if deaths >= DEATHS {
            store.set_state(arrival, &State::Held("isolated".into()))?;
            super::settle::tell(store, &row, &State::Held("isolated".into()))?;
            rest(store, arrival, deaths, now_ms)?;
        }
    }
    if let Some(last) = mark.arrivals.iter().max() {
        try_singly(store, *last)?;
    }
    clear(store)
}
