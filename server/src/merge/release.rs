//! Letting go of held work: when a right came, or a person at the office decided.

use sopu_core::envelope::{self, Header};
use sopu_core::id::EnvelopeId;

use crate::feed::rights::{self, Judgement};
use crate::store::{RelayStore, Result, State};

/// Judges again everything held for a missing right; gives how much is waiting now.
pub fn rejudge(store: &mut dyn RelayStore, now_ms: i64) -> Result<usize> {
    let mut released = 0;
    for row in store.held("right_missing")? {
        let Some(device) = store.device(row.device)? else {
            continue;
        };
        if device.revoked_ms.is_some() || device.cloned_ms.is_some() {
            continue;
        }
        let Some(header) = envelope::decode::<Header>(&row.header) else {
            continue;
        };
        let saved_ms = header.done_ms(0);
        let grants = store.grants(device.member, row.space)?;
        match rights::judge(&grants, device.member_disabled_ms, saved_ms, now_ms) {
            Judgement::Allowed | Judgement::Late => {
                store.set_state(row.arrival, &State::Waiting)?;
                released += 1;
            }
            Judgement::Held(_) => {}
        }
    }
    Ok(released)
}

/// The office lets held work into the record: it is tried next. `false` if it is not held.
pub fn release(store: &mut dyn RelayStore, id: &EnvelopeId) -> Result<bool> {
    let Some(row) = store.envelope(id)? else {
        return Ok(false);
    };
    if !matches!(row.state, State::Held(_)) {
        return Ok(false);
    }
    store.set_missing(row.arrival, row.doc, &[])?;
    store.set_state(row.arrival, &State::Waiting)?;
    Ok(true)
}
