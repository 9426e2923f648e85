//! The crash-loop breaker. What is about to be tried is written down first; if the process dies
//! meanwhile, the next one finds the mark. A mark over several runs blames none of them: they are
//! then tried one by one. A run that was alone under the mark at three deaths is isolated (the run,
//! not its document), until another version of the program comes.

use serde::{Deserialize, Serialize};

use crate::store::{RelayStore, Result, State, StoreError};

/// Deaths that isolate a run.
pub const DEATHS: u32 = 3;

const MARK: &str = "merge.trying";
const SINGLY: &str = "merge.singly";

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

/// At start: who was being tried when the last process ended?
pub fn recover(store: &mut dyn RelayStore, program: &str) -> Result<()> {
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
        }
    }
    if let Some(last) = mark.arrivals.iter().max() {
        store.set_meta(SINGLY, Some(&last.to_be_bytes()))?;
    }
    clear(store)
}
