//! Writing decisions: places in the feed, states, what they release or take along, and news to the
//! devices concerned. All in the caller's one transaction.

use std::collections::BTreeSet;

use sopu_core::envelope;
use sopu_core::id::{DeviceId, DocId, EnvelopeId, Hash};
use sopu_core::wire::{DROPPED, Status};

use super::{Decision, Outcome};
use crate::access::Action;
use crate::access::standing::Grant;
use crate::feed::append;
use crate::keys::RelayKeys;
use crate::store::{EnvelopeRow, RelayStore, Result, State};

/// What writing decisions came to.
#[derive(Debug, Default)]
pub struct Settled {
    /// How many were fed.
    pub fed: usize,
    /// Devices with news beside their pages.
    pub told: Vec<DeviceId>,
}

/// Writes the decisions in order.
pub fn settle(
    store: &mut dyn RelayStore,
    keys: &RelayKeys,
    outcomes: &[Outcome],
    now_ms: i64,
) -> Result<Settled> {
    let mut settled = Settled::default();
    let told = &mut settled.told;
    let mut fed = 0;
    for outcome in outcomes {
        let Some(row) = store.envelope_at(outcome.arrival)? else {
            continue;
        };
        if row.state != State::Waiting {
            continue;
        }
        match &outcome.decision {
            Decision::Feed { replaces } => {
                for id in replaces {
                    store.retire(id, &row.id)?;
                    if let Some(replaced) = store.envelope(id)? {
                        refuse(store, &replaced, "replaced", told)?;
                    }
                }
                let seq = append::envelope(store, keys, &row)?;
                store.take_offerers(row.arrival)?;
                release(store, &row)?;
                if !gets_pages(store, &row, now_ms)? {
                    told.extend(tell(store, &row, &State::Fed(seq))?);
                }
                fed += 1;
            }
            Decision::Hold { reason, missing } => {
                let state = State::Held((*reason).into());
                store.set_state(row.arrival, &state)?;
                store.set_missing(row.arrival, row.doc, missing)?;
                told.extend(tell(store, &row, &state)?);
            }
            Decision::Refuse { reason } => refuse(store, &row, reason, told)?,
            Decision::Erase => {
                store.erase_runs(row.doc)?;
                told.extend(tell(store, &row, &State::Erased)?);
            }
        }
    }
    settled.fed = fed;
    Ok(settled)
}

/// Refuses an envelope for ever, and with it everything that waits for it: Automerge would queue
/// that for ever without an error.
fn refuse(
    store: &mut dyn RelayStore,
    row: &EnvelopeRow,
    reason: &str,
    told: &mut Vec<DeviceId>,
) -> Result<()> {
    let mut refused = vec![(row.arrival, reason.to_owned())];
    while let Some((arrival, reason)) = refused.pop() {
        let Some(row) = store.envelope_at(arrival)? else {
            continue;
        };
        if !matches!(row.state, State::Waiting | State::Held(_)) {
            continue;
        }
        let state = State::Final(reason);
        store.set_state(arrival, &state)?;
        told.extend(tell(store, &row, &state)?);
        for hash in store.changes_of(arrival)? {
            if still_possible(store, row.doc, &hash)? {
                continue;
            }
            for dependant in store.waiting_for(row.doc, &hash)? {
                refused.push((dependant, "depends_on_final".to_owned()));
            }
        }
    }
    Ok(())
}

/// The office drops held work for good: its device sets it aside as a draft. Gives the devices that are
/// told; `None` if it is not held.
pub fn drop_held(store: &mut dyn RelayStore, id: &EnvelopeId) -> Result<Option<Vec<DeviceId>>> {
    let Some(row) = store.envelope(id)? else {
        return Ok(None);
    };
    if !matches!(row.state, State::Held(_)) {
        return Ok(None);
    }
    let mut told = Vec::new();
    refuse(store, &row, DROPPED, &mut told)?;
    Ok(Some(told))
}

fn still_possible(store: &mut dyn RelayStore, doc: DocId, hash: &Hash) -> Result<bool> {
    let bringers = store.bringers(doc, hash)?;
    Ok(bringers
        .iter()
        .any(|claim| !matches!(claim.state, State::Final(_))))
}

/// What waited for a change of this envelope waits for one change less.
fn release(store: &mut dyn RelayStore, row: &EnvelopeRow) -> Result<()> {
    for (dependant, hash) in store.dependants(row.arrival)? {
        let mut missing = store.missing_of(dependant)?;
        missing.retain(|other| *other != hash);
        store.set_missing(dependant, row.doc, &missing)?;
        let held = store.envelope_at(dependant)?.map(|row| row.state);
        if missing.is_empty() && held == Some(State::Held("dependency_missing".into())) {
            store.set_state(dependant, &State::Waiting)?;
        }
    }
    Ok(())
}

/// Whether the signer still gets pages of the space, and so will see the entry itself.
fn gets_pages(store: &mut dyn RelayStore, row: &EnvelopeRow, now_ms: i64) -> Result<bool> {
    let Some(device) = store.device(row.device)? else {
        return Ok(false);
    };
    let closed =
        device.revoked_ms.is_some() || device.member_disabled_ms.is_some_and(|at| at <= now_ms);
    let grants = store.grants(device.member, row.space)?;
    let reads = |grant: &Grant| grant.role.may(Action::Read) && grant.holds(now_ms);
    Ok(!closed && grants.iter().any(reads))
}

/// News for the device that signed; of a last word, also for those that had brought it back. Gives
/// the devices.
pub fn tell(
    store: &mut dyn RelayStore,
    row: &EnvelopeRow,
    state: &State,
) -> Result<BTreeSet<DeviceId>> {
    let status = envelope::encode(&Status::Verdict(state.clone().into()));
    let mut devices = BTreeSet::from([row.device]);
    if matches!(state, State::Final(_) | State::Erased) {
        devices.extend(store.take_offerers(row.arrival)?);
    }
    for device in &devices {
        store.add_status(*device, &row.id, &status)?;
    }
    Ok(devices)
}
