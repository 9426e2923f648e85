//! The crash-loop breaker. What is about to be tried is written down first; if the process dies
//! meanwhile, the next one finds the mark. A mark over several runs blames none of them: they are
//! then tried one by one. A run that was alone under the mark at three deaths is isolated (the run,
//! not its document), until another version of the program comes.
//!
//! Power cuts and kills can hit the same run three times, too, and look alike. So an isolated run is tried again
//! when nothing else waits, after a rest that grows with each death, and not two within an hour: what did
//! not kill gets in by itself, and what does kill makes no loop.

use serde::{Deserialize, Serialize};

use crate::store::{RelayStore, Result, State, StoreError};

/// Deaths that isolate a run.
pub const DEATHS: u32 = 3;

/// How long a run rests that was isolated, milliseconds; twice as long after each further death.
pub const REST_MS: i64 = 3_600_000;

/// The longest it rests.
const LONGEST_REST_MS: i64 = 24 * REST_MS;

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
    let singly = store
        .meta(SINGLY)?
        .and_then(|bytes| bytes.try_into().ok())
        .map_or(0, i64::from_be_bytes);
    Ok(if oldest <= singly { 1 } else { most })
}

/// Whether an isolated run has rested enough.
pub fn is_due(store: &mut dyn RelayStore, now_ms: i64) -> Result<bool> {
    let resting = resting(store)?;
    Ok(resting.iter().any(|one| one.is_due(now_ms)))
}

/// Has one isolated run that has rested enough wait again, to be tried alone. Others rest on for an hour at least.
pub fn try_again(store: &mut dyn RelayStore, now_ms: i64) -> Result<()> {
    let mut resting = resting(store)?;
    resting.sort_by_key(|one| one.until_ms);
    let Some(place) = resting.iter().position(|one| one.is_due(now_ms)) else {
        return Ok(());
    };
    let one = resting.remove(place);
    for other in &mut resting {
        other.until_ms = other.until_ms.max(now_ms + REST_MS);
    }
    keep_resting(store, &resting)?;
    let row = store.envelope_at(one.arrival)?;
    if row.is_some_and(|row| row.state == State::Held("isolated".into())) {
        store.set_state(one.arrival, &State::Waiting)?;
    }
    Ok(())
}

impl Resting {
    /// A clock that was set back makes nothing rest longer than it may.
    fn is_due(&self, now_ms: i64) -> bool {
        now_ms >= self.until_ms || self.until_ms - now_ms > LONGEST_REST_MS
    }
}

fn resting(store: &mut dyn RelayStore) -> Result<Vec<Resting>> {
    let bytes = store.meta(RESTING)?;
    let all = bytes
        .map(|bytes| serde_json::from_slice(&bytes))
        .transpose();
    Ok(all
        .map_err(|_| StoreError::Corrupt("what rests"))?
        .unwrap_or_default())
}

fn keep_resting(store: &mut dyn RelayStore, resting: &[Resting]) -> Result<()> {
    if resting.is_empty() {
        return store.set_meta(RESTING, None);
    }
    let bytes = serde_json::to_vec(resting).map_err(|_| StoreError::Corrupt("what rests"))?;
    store.set_meta(RESTING, Some(&bytes))
}

/// How long after so many deaths.
fn rest_ms(deaths: u32) -> i64 {
    let doublings = deaths.saturating_sub(DEATHS).min(5);
    (REST_MS << doublings).min(LONGEST_REST_MS)
}

/// At start: who was being tried when the last process ended?
pub fn recover(store: &mut dyn RelayStore, program: &str, now_ms: i64) -> Result<()> {
    for row in store.held("isolated")? {
        if row.tried_by.as_deref() != Some(program) {
            store.set_deaths(row.arrival, 0, program)?;
            store.set_state(row.arrival, &State::Waiting)?;
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
            let mut resting = resting(store)?;
            resting.retain(|one| one.arrival != arrival);
            let until_ms = now_ms + rest_ms(deaths);
            resting.push(Resting { arrival, until_ms });
            keep_resting(store, &resting)?;
        }
    }
    if let Some(last) = mark.arrivals.iter().max() {
        store.set_meta(SINGLY, Some(&last.to_be_bytes()))?;
    }
    clear(store)
}
