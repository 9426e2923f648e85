//! The worker: waiting envelopes are tried in the order they came, and get their place in the feed,
//! or a reason why not. Off the request path, in bounded steps, always able to start again.
//!
//! A step takes the oldest waiting envelopes of one space, under that space's lease:
//!
//! 1. it writes down what it is about to try ([`breaker`]), so that a run that kills the process
//!    is known afterwards;
//! 2. it decides on each ([`decide`]) without writing: is everything it builds on in the feed, does
//!    it survive a trial on a copy of the document;
//! 3. it writes all decisions in one transaction ([`settle`]).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use sopu_core::id::{DeviceId, DocId, EnvelopeId, Hash, SpaceId};
use sopu_core::time::Env;

use crate::keys::RelayKeys;
use crate::store::{Commits, EnvelopeRow, Result, StoreError};

pub mod breaker;
pub mod contract_number;
pub mod decide;
pub mod documents;
pub mod legal_hold;
pub mod pulse;
pub mod release;
pub mod settle;
pub mod subjects;

pub use decide::{Decision, Outcome};
pub use documents::{Documents, Standing};
use pulse::Pulse;

/// Envelopes tried in one step.
const BATCH: usize = 64;

/// How long a lease lasts without being renewed.
const LEASE_MS: i64 = 60_000;

/// What a step did.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Step {
    /// Envelopes decided on.
    pub decided: usize,
    /// Of these, how many got a place in a feed.
    pub fed: usize,
    /// Devices with news that no page of a space brings.
    pub told: Vec<DeviceId>,
    /// The space they are of.
    pub space: Option<SpaceId>,
    /// Arrival of the oldest one, relay clock: how far merging lags behind.
    pub oldest_ms: Option<i64>,
}

/// The worker's own memory: which server it is, which program, and loaded documents.
pub struct Merger {
    owner: [u8; 16],
    program: String,
    documents: Documents,
    pulse: Arc<Pulse>,
}

/// What one step has decided so far but not yet written.
#[derive(Default)]
pub struct Overlay {
    /// Changes that will be in the feed.
    pub fed: BTreeSet<(DocId, Hash)>,
    /// Changes that will never be.
    pub refused: BTreeSet<(DocId, Hash)>,
    /// Envelopes that will be in the feed.
    pub fed_ids: BTreeSet<EnvelopeId>,
    /// Envelopes that a replay in this step replaces.
    pub retired: BTreeSet<EnvelopeId>,
    /// Documents that a device asks to be kept and that did not ask before.
    pub raised: BTreeSet<(DocId, DeviceId)>,
    /// Whom documents are about after each run that says it.
    pub about: Vec<(DocId, BTreeSet<String>)>,
    /// Documents as they will be.
    pub documents: BTreeMap<DocId, Standing>,
}

impl Merger {
    /// A worker for a server with this random id, running this version of the program.
    pub fn new(owner: [u8; 16], program: &str) -> Self {
        Self {
            owner,
            program: program.to_owned(),
            documents: Documents::default(),
            pulse: Arc::default(),
        }
    }

    /// To be called once at start: blames what an earlier process died of, and gives another
    /// chance to what an earlier version of the program died of.
    pub fn recover(&mut self, commits: &Commits, now_ms: i64) -> Result<()> {
        let program = self.program.clone();
        commits.write(move |store| breaker::recover(store, &program, now_ms))
    }

    /// One bounded step; `decided` is 0 when there was nothing to do.
    pub fn step(&mut self, commits: &Commits, keys: &RelayKeys, env: &dyn Env) -> Result<Step> {
        let mut oldest = commits.read(|store| store.waiting(None, 1))?.pop();
        let now_ms = env.now_ms();
        if oldest.is_none() && commits.read(|store| breaker::is_due(store, now_ms))? {
            commits.write(move |store| breaker::try_again(store, now_ms))?;
            oldest = commits.read(|store| store.waiting(None, 1))?.pop();
        }
        match oldest {
            Some(oldest) => self.step_of(commits, keys, env, &oldest),
            None => Ok(Step::default()),
        }
    }

    /// The same for one space.
    pub fn step_in(
        &mut self,
        commits: &Commits,
        keys: &RelayKeys,
        env: &dyn Env,
        space: SpaceId,
    ) -> Result<Step> {
        let Some(oldest) = commits.read(|store| store.waiting(Some(space), 1))?.pop() else {
            return Ok(Step::default());
        };
        self.step_of(commits, keys, env, &oldest)
    }

    fn step_of(
        &mut self,
        commits: &Commits,
        keys: &RelayKeys,
        env: &dyn Env,
        oldest: &EnvelopeRow,
    ) -> Result<Step> {
        let (space, now_ms) = (oldest.space, env.now_ms());
        let most = commits.read(|store| breaker::batch(store, oldest.arrival, BATCH))?;
        let rows = commits.read(|store| store.waiting(Some(space), most))?;
        let arrivals: Vec<i64> = rows.iter().map(|row| row.arrival).collect();
        let (owner, program) = (self.owner, self.program.clone());
        // The mark must survive this process, which a flush is not needed for.
        let leased = commits.note(move |store| {
            let leased = store.take_lease(space, &owner, now_ms, now_ms + LEASE_MS)?;
            if leased {
                breaker::mark(store, &arrivals, &program)?;
            }
            Ok(leased)
        })?;
        if !leased {
            return Ok(Step::default());
        }
        let mut overlay = Overlay::default();
        let (documents, pulse) = (&mut self.documents, &*self.pulse);
        let outcomes = commits.read(|store| {
            let mut outcomes = Vec::with_capacity(rows.len());
            for row in &rows {
                let _trying = pulse.begin();
                outcomes.push(match decide::decide(store, documents, &mut overlay, row) {
                    // What is damaged concerns this document; others go on.
                    Err(StoreError::Corrupt(what)) => {
                        tracing::error!(what, "an envelope cannot be judged and is held");
                        Outcome::held(row, "store_damaged")
                    }
                    other => other?,
                });
            }
            Ok(outcomes)
        })?;
        let numbers = contract_number::due(&rows, &outcomes, &overlay);
        let holds = legal_hold::due(&rows, &outcomes, &overlay);
        let about = std::mem::take(&mut overlay.about);
        let (keys, decided) = (keys.clone(), rows.len());
        let settled = commits.write(move |store| {
            let settled = settle::settle(store, &keys, &outcomes, now_ms)?;
            contract_number::issue(store, &keys, space, &numbers, now_ms)?;
            legal_hold::give(store, &keys, space, &holds, now_ms)?;
            subjects::note(store, &about, now_ms)?;
            breaker::clear(store)?;
            Ok(settled)
        });
        match settled {
            Ok(settled) => {
                for (doc, standing) in overlay.documents {
                    self.documents.stands(doc, standing);
                }
                let oldest_ms = Some(oldest.received_ms);
                Ok(Step {
                    decided,
                    fed: settled.fed,
                    told: settled.told,
                    space: Some(space),
                    oldest_ms,
                })
            }
            Err(error) => {
                self.documents.forget();
                Err(error)
            }
        }
    }

    /// Shows whether the trial under way comes to an end.
    pub fn pulse(&self) -> Arc<Pulse> {
        self.pulse.clone()
    }

    /// Forgets loaded documents: after an erasure, or when memory is short.
    pub fn forget(&mut self) {
        self.documents.forget();
    }

    /// The documents it has loaded.
    pub fn documents(&mut self) -> &mut Documents {
        &mut self.documents
    }
}
