//! At start: does the database know all the ledger knows? One that came back from a backup does
//! not. Then the ledger's newest word on people, devices, legal holds and erased documents is written over it,
//! every feed begins a new life, and every counter jumps.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use sopu_core::envelope::Epoch;
use sopu_core::time::Env;

use super::{OpenError, erase};
use crate::access::erasures::RECORD_DAMAGED;
use crate::feed::cursor;
use crate::keys::RelayKeys;
use crate::ledger::{Erasure, Ledger, Line};
use crate::merge::legal_hold;
use crate::record::Record;
use crate::store::{Commits, Generation, RelayStore, Result, StoreError};

/// Contract numbers a restored relay skips, so that none is given twice.
const JUMP: u64 = 1_000;

/// The same for the numbers of news and orders, which nobody reads: a device takes only higher ones
/// than it has seen.
const NEWS_JUMP: u64 = 1_000_000;

/// Set in a copy that a backup took: whoever opens it stands where the relay once was.
pub const COPY: &str = "backup.copy";

/// The life of this database: another number, drawn at random, each time it went back. Counted, it
/// would go back too.
const LIVES: &str = "backup.restored";

const KNOWN: &str = "ledger.lines";

/// No ledger is older than its database by more lines: the database's number of them is damaged.
const MOST_MISSING: usize = 1_000_000;

/// What is told of it then.
pub const KNOWS_TOO_MUCH: &str = "it says it knows more lines of the ledger than there can be";

/// The ledger was told every row that it remembers and what is on legal hold: as of this number, which rises
/// with what it is told.
const RETOLD: &str = "retold";
const RETELLING: [u8; 1] = [3];

/// For how long whoever reads the database is waited for while its log is emptied: nobody writes yet.
const SCRUB_WAIT: Duration = Duration::from_secs(20);

const RECORD_ANEW: &str = "record.anew";

const STARTED: &str = "ledger.started";
const RELAY: &str = "ledger.relay";

/// What was found at a start.
pub struct Reconciled {
    /// Erasures the database had not carried out; the merged record may not have either.
    pub erased: Vec<Erasure>,
    /// Which life of the database this is: a merged record of another is stale.
    pub life: u64,
}

/// Brings the database up to the ledger, and notes this start in both.
pub fn reconcile(
    commits: &Commits,
    ledger: &mut Ledger,
    env: &dyn Env,
) -> std::result::Result<Reconciled, OpenError> {
    let key = ledger.keys().public().to_vec();
    let (known, started, relay, copy) = commits.read(|store| {
        Ok((
            number(store, KNOWN)?,
            number(store, STARTED)?,
            store.meta(RELAY)?,
            store.meta(COPY)?,
        ))
    })?;
    if relay.as_ref().is_some_and(|relay| *relay != key) {
        return Err(OpenError::ForeignLedger);
    }
    let restored = copy.is_some() || started < ledger.started();
    let now_ms = env.now_ms();
    let known = usize::try_from(known).unwrap_or(usize::MAX);
    let missing = known.saturating_sub(ledger.len());
    if !can_know(known, ledger.len()) {
        // Whatever it knew: with less it would take an older word for news, with more let some go by.
        return Err(StoreError::Corrupt(KNOWS_TOO_MUCH).into());
    }
    if missing > 0 {
        tracing::warn!("the ledger is older than the database: it is told again what that knows");
        commits.write(move |store| {
            tell_again(store)?;
            erase::retell(store)
        })?;
        // What it is told comes after every place that a backup of the database knows. Only once the
        // database holds all that is to be told: it is not seen another time that the ledger is older.
        let number = ledger.started();
        ledger.append(&vec![Line::Started { number }; missing])?;
    }
    let lines = ledger.after(known).to_vec();
    let keys = ledger.keys().clone();
    let fresh = Fresh::draw(env);
    let length = ledger.len();
    let (life, erased) = commits.write(move |store| {
        store.set_meta(RELAY, Some(&key))?;
        for row in unknown(store, &lines)? {
            store.recall(row)?;
        }
        // First the cut, at what is surely shared; erasures and holds come after it in the feed.
        if restored {
            tracing::warn!("the database comes from a backup: new generations begin");
            renew(store, &keys, &fresh, now_ms)?;
            store.set_meta(COPY, None)?;
        }
        let mut erased = Vec::new();
        for erasure in lines.iter().filter_map(Line::erasure) {
            let here = store.document(erasure.doc)?;
            if erasure.moved_to.is_some() && here.is_none_or(|row| row.erased_ms.is_none()) {
                // What it became may be lost, and this one the only one left.
                store.await_move(erasure.doc, erasure.moved_to)?;
                continue;
            }
            erase::carry_out(store, &keys, erasure)?;
            erased.push(erasure.clone());
        }
        for hold in lines.iter().filter_map(Line::hold) {
            legal_hold::carry_out(store, &keys, hold)?;
        }
        set_known(store, length)?;
        Ok((life(store)?, erased))
    })?;
    // The log may still hold what was erased just before a crash.
    let scrubbed = commits.alone(|store| store.scrub(SCRUB_WAIT));
    let is_scrubbed = scrubbed.is_ok();
    if !erased.is_empty() {
        scrubbed?;
    } else if let Err(error) = scrubbed {
        tracing::warn!(%error, "the log cannot be emptied now");
    }
    // The database first: stopped in between, the next start sees nothing to restore.
    let next = started.max(ledger.started()) + 1;
    let epoch = Fresh::draw(env).epoch;
    commits.write(move |store| {
        // Also when nothing was noticed: a whole disk may have gone back, the ledger with it.
        take_epochs(store, &epoch)?;
        if is_scrubbed {
            store.set_meta(erase::SCRUB_DUE, None)?;
        }
        store.set_meta(STARTED, Some(&next.to_be_bytes()))?;
        // After all that the ledger knew was recalled.
        if !is_retold(store)? {
            tell_again(store)?;
            store.set_meta(RETOLD, Some(&RETELLING))?;
        }
        set_known(store, length + 1)
    })?;
    ledger.append(&[Line::Started { number: next }])?;
    Ok(Reconciled { erased, life })
}

/// Has the ledger learn every row that it remembers, and what is on legal hold.
fn tell_again(store: &mut dyn RelayStore) -> Result<()> {
    store.retell()?;
    legal_hold::retell(store)
}

/// The merged record is damaged where a document is to be erased: it is made anew at the next start.
pub fn make_record_anew(store: &mut dyn RelayStore) -> Result<()> {
    store.set_meta(RECORD_ANEW, Some(&[1]))
}

/// Whether it was found so.
pub fn is_record_to_be_made_anew(store: &mut dyn RelayStore) -> Result<bool> {
    Ok(store.meta(RECORD_ANEW)?.is_some())
}

/// It was made anew, and what it kept from being erased is gone with it: those wishes are carried out.
pub fn record_was_made_anew(store: &mut dyn RelayStore) -> Result<()> {
    store.set_meta(RECORD_ANEW, None)?;
    store.retry_erasure_wishes(RECORD_DAMAGED)
}

/// The database knows this many lines.
pub fn set_known(store: &mut dyn RelayStore, lines: usize) -> Result<()> {
    let lines = u64::try_from(lines).unwrap_or(u64::MAX);
    store.set_meta(KNOWN, Some(&lines.to_be_bytes()))
}

/// Whether the ledger has been told every row that it remembers, or will be of those that are on their way.
pub fn is_retold(store: &mut dyn RelayStore) -> Result<bool> {
    Ok(store.meta(RETOLD)?.is_some_and(|told| told == RETELLING))
}

/// The public key of the relay whose ledger this database belongs to, once it has been opened.
pub fn ledger_key(store: &mut dyn RelayStore) -> Result<Option<[u8; 32]>> {
    let key = store.meta(RELAY)?;
    Ok(key.and_then(|key| key.try_into().ok()))
}

/// Whether a database can know so many lines, beside a ledger that has this many.
pub fn can_know(known: usize, lines: usize) -> bool {
    known.saturating_sub(lines) <= MOST_MISSING
}

/// How many lines of the ledger the database knows.
pub fn known(store: &mut dyn RelayStore) -> Result<u64> {
    number(store, KNOWN)
}

/// What the ledger knows of people that the database does not. What is still on its way from there to
/// the ledger it knows, and perhaps newer: a crash in between must not bring the older back.
fn unknown<'l>(store: &mut dyn RelayStore, lines: &'l [Line]) -> Result<Vec<&'l Value>> {
    let mut on_its_way: Vec<Value> = Vec::new();
    for (_, body) in store.ledger_news(usize::MAX >> 1)? {
        on_its_way.extend(serde_json::from_str::<Value>(&body));
    }
    let mut rows = Vec::new();
    for line in lines {
        let Line::People { row } = line else { continue };
        match on_its_way.iter().position(|body| body == row) {
            Some(at) => drop(on_its_way.remove(at)),
            None => rows.push(row),
        }
    }
    Ok(rows)
}

/// Which life of the database this is.
pub fn life(store: &mut dyn RelayStore) -> Result<u64> {
    number(store, LIVES)
}

fn number(store: &mut dyn RelayStore, key: &str) -> Result<u64> {
    Ok(store
        .meta(key)?
        .and_then(|bytes| bytes.try_into().ok())
        .map_or(0, u64::from_be_bytes))
}

/// What a new life takes from chance.
pub struct Fresh {
    generation: [u8; 16],
    epoch: Epoch,
    life: u64,
}

impl Fresh {
    /// Draws it.
    pub fn draw(env: &dyn Env) -> Self {
        let (mut generation, mut epoch, mut life) = ([0; 16], [0; 8], [0; 8]);
        env.fill(&mut generation);
        env.fill(&mut epoch);
        env.fill(&mut life);
        Self {
            generation,
            epoch,
            // SQLite's integers are signed.
            life: u64::from_be_bytes(life) >> 1,
        }
    }
}

/// The database went back: every feed begins a new life, cut at its end, nothing that was given
/// since is given again, and the merged record is stale.
pub fn renew(
    store: &mut dyn RelayStore,
    keys: &RelayKeys,
    fresh: &Fresh,
    now_ms: i64,
) -> Result<()> {
    // Also those that had no feed at the time of the backup: it may have had one since.
    let spaces: BTreeSet<_> = store
        .feed_spaces()?
        .into_iter()
        .chain(store.all_spaces()?)
        .collect();
    for space in spaces {
        let cut_seq = store.head(space)?.seq;
        begin(store, keys, space, cut_seq, &fresh.generation, now_ms)?;
    }
    store.jump_numbers("contract:", JUMP)?;
    for prefix in ["status:", "order:"] {
        store.jump_numbers(prefix, NEWS_JUMP)?;
    }
    take_epochs(store, &fresh.epoch)?;
    store.set_meta(LIVES, Some(&fresh.life.to_be_bytes()))
}

/// Every identity the server holds goes on under a new epoch, so that it claims nothing that it may
/// have claimed before.
fn take_epochs(store: &mut dyn RelayStore, epoch: &Epoch) -> Result<()> {
    for (member, device) in store.office_identities()? {
        // One epoch for all is fine: the actor is a hash over the device's key too.
        store.put_office_identity(member, device, epoch)?;
    }
    Ok(())
}

/// A new life of a space's feed, cut at `cut_seq`. `random` may be shared between spaces.
fn begin(
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

/// Whether the merged record has followed a feed beyond its end: it follows what is on disk, so the
/// database went back, and nothing else has noticed.
pub fn is_behind(store: &mut dyn RelayStore, record: &Record) -> Result<bool> {
    let positions = record
        .positions()
        .map_err(|error| StoreError::Backend(Arc::new(error)))?;
    for (space, position) in positions {
        if position > store.head(space)?.seq {
            return Ok(true);
        }
    }
    Ok(false)
}

impl From<crate::ledger::LedgerError> for StoreError {
    fn from(error: crate::ledger::LedgerError) -> Self {
        StoreError::Backend(Arc::new(error))
    }
}
