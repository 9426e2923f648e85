//! At start: does the database know all the ledger knows? One that came back from a backup does
//! not. Then the ledger's newest word on people, devices and erased documents is written over it,
//! every feed begins a new life, and every counter jumps.

use std::sync::Arc;

use sopu_core::time::Env;

use super::{OpenError, erase};
use crate::feed::cursor;
use crate::keys::RelayKeys;
use crate::ledger::{Erasure, Ledger, Line};
use crate::store::{Commits, Generation, RelayStore, Result, StoreError};

/// Numbers a restored relay skips, so that none is given twice.
const JUMP: u64 = 1_000;

const KNOWN: &str = "ledger.lines";
const STARTED: &str = "ledger.started";
const RELAY: &str = "ledger.relay";

/// Brings the database up to the ledger, and notes this start in both. Gives the erasures the
/// database had not carried out; the merged record may not have either.
pub fn reconcile(
    commits: &Commits,
    ledger: &mut Ledger,
    env: &dyn Env,
) -> std::result::Result<Vec<Erasure>, OpenError> {
    let key = ledger.keys().public().to_vec();
    let (known, started, relay) = commits.read(|store| {
        Ok((
            number(store, KNOWN)?,
            number(store, STARTED)?,
            store.meta(RELAY)?,
        ))
    })?;
    if relay.as_ref().is_some_and(|relay| *relay != key) {
        return Err(OpenError::ForeignLedger);
    }
    let restored = started < ledger.started();
    let lines = ledger
        .after(usize::try_from(known).unwrap_or(usize::MAX))
        .to_vec();
    let erased: Vec<Erasure> = lines.iter().filter_map(Line::erasure).cloned().collect();
    let (keys, now_ms) = (ledger.keys().clone(), env.now_ms());
    let mut epochs = [0u8; 8];
    env.fill(&mut epochs);
    let mut ids = [0u8; 16];
    env.fill(&mut ids);
    let length = ledger.len();
    commits.write(move |store| {
        store.set_meta(RELAY, Some(&key))?;
        // First the cut, at what is surely shared; what the ledger remembers comes after it.
        if restored {
            tracing::warn!("the database is older than the ledger: new generations begin");
            renew(store, &keys, &ids, &epochs, now_ms)?;
        }
        recall(store, &keys, &lines)?;
        set_known(store, length)
    })?;
    if !erased.is_empty() {
        commits.alone(|store| store.scrub())?;
    }
    // The database first: stopped in between, the next start sees nothing to restore.
    let next = started.max(ledger.started()) + 1;
    commits.write(move |store| {
        store.set_meta(STARTED, Some(&next.to_be_bytes()))?;
        set_known(store, length + 1)
    })?;
    ledger.append(&[Line::Started { number: next }])?;
    Ok(erased)
}

/// The database knows this many lines.
pub fn set_known(store: &mut dyn RelayStore, lines: usize) -> Result<()> {
    let lines = u64::try_from(lines).unwrap_or(u64::MAX);
    store.set_meta(KNOWN, Some(&lines.to_be_bytes()))
}

fn number(store: &mut dyn RelayStore, key: &str) -> Result<u64> {
    Ok(store
        .meta(key)?
        .and_then(|bytes| bytes.try_into().ok())
        .map_or(0, u64::from_be_bytes))
}

fn recall(store: &mut dyn RelayStore, keys: &RelayKeys, lines: &[Line]) -> Result<()> {
    for line in lines {
        match line {
            Line::Relay { .. } | Line::Started { .. } => {}
            Line::Erased(erasure) => erase::carry_out(store, keys, erasure)?,
            Line::People { row } => store.recall(row)?,
        }
    }
    Ok(())
}

fn renew(
    store: &mut dyn RelayStore,
    keys: &RelayKeys,
    random: &[u8; 16],
    epoch: &[u8; 8],
    now_ms: i64,
) -> Result<()> {
    for space in store.feed_spaces()? {
        let cut_seq = store.head(space)?.seq;
        begin(store, keys, space, cut_seq, random, now_ms)?;
    }
    for prefix in ["contract:", "status:", "order:"] {
        store.jump_numbers(prefix, JUMP)?;
    }
    for (member, device) in store.office_identities()? {
        // One epoch for all is fine: the actor is a hash over the device's key too.
        store.put_office_identity(member, device, epoch)?;
    }
    Ok(())
}

/// A new life of a space's feed, cut at `cut_seq`. `random` may be shared between spaces.
pub fn begin(
    store: &mut dyn RelayStore,
    keys: &RelayKeys,
    space: sopu_core::id::SpaceId,
    cut_seq: u64,
    random: &[u8; 16],
    now_ms: i64,
) -> Result<()> {
    let last = cursor::generations(store, keys, space)?.pop();
    let number = last.map_or(1, |generation| generation.number) + 1;
    store.add_generation(
        space,
        &Generation {
            number,
            id: *random,
            cut_seq,
        },
        now_ms,
    )
}

impl From<crate::ledger::LedgerError> for StoreError {
    fn from(error: crate::ledger::LedgerError) -> Self {
        StoreError::Backend(Arc::new(error))
    }
}
