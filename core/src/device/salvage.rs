//! A damaged store: what of it can be read goes into a new one, and the relay brings the rest.
//!
//! The new store is treated as a restored copy: a new instance, no cursors, and nothing is sent
//! until the feed has shown what the relay has. Then every edit that only this device had is made
//! again, as after any restore, and what the relay has lost is offered. Unsent changes of documents that cannot be read whole are put by
//! and taken in once the relay has brought what they build on.
//!
//! The new file takes the old one's place in steps that can be broken off at any point:
//! `store.db.mending` is being filled; `store.db.mended` is complete, and whoever opens the store
//! finishes the exchange. The damaged files stay beside it as `store.db.damaged` until something is erased, left
//! or wiped: what must be gone may be in them. They stay at least until the new store has recovered.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use ed25519_dalek::{SigningKey, VerifyingKey};
use rusqlite::Connection;

use super::{Device, DeviceError, Keys, Result, begin_recovery, keys};
use crate::documents::Kind;
use crate::id::DocId;
use crate::store::draft;
use crate::store::{
    DAMAGED, Store, StoreError, Tx, beside, has_damaged, is_plain, meta, open_damaged, purge,
    reads, remove, remove_damaged, rename, space, taken_whole,
};
use crate::time::Env;

#[cfg(test)]
mod kept_tests;
mod put_by;
#[cfg(test)]
mod put_by_tests;
#[cfg(all(test, feature = "sqlcipher"))]
mod tests;
mod whole;
#[cfg(test)]
mod whole_tests;

use put_by::put_unsent_by;
use whole::bring_whole;

/// What could be brought over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Salvaged {
    /// Documents that were whole.
    pub documents: u32,
    /// Documents that were not, or only in part: the relay brings what it has of them.
    pub damaged: u32,
    /// Own changes that were not in the record yet and could be read.
    pub unsent: u32,
    /// Whether the device still knows who it is; otherwise it must enrol again.
    pub identity: bool,
}

/// Opens a store that is damaged, as [`Device::open`] says by an error of which
/// [`is_damage`](crate::store::StoreError::is_damage) is true. Sync afterwards.
///
/// # Errors
/// As [`Device::open`]; [`DeviceError::InstanceFile`] if the files beside the store cannot be
/// written. The damaged store is left as it was then.
pub fn salvage(
    path: &Path,
    instance_dir: &Path,
    keys: impl Into<Keys>,
    env: Arc<dyn Env>,
) -> Result<(Device, Salvaged)> {
    let keys = keys.into();
    finish(path)?;
    // A store that was plain so far is damaged in the open.
    let plain = is_plain(path);
    let key = keys.store.filter(|_| !plain);
    if !plain && key.is_none() {
        return Err(StoreError::WrongKey.into());
    }
    let mending = beside(path, ".mending");
    for end in ["", "-wal", "-shm"] {
        remove(&beside(&mending, end)).map_err(failed)?;
    }
    let mut salvaged = Salvaged::default();
    {
        let mut fresh = Store::open_with(&mending, keys.store)?;
        // A copy is read: SQLite mends a log as it sees fit, and the damaged files are evidence.
        let look = beside(path, ".look");
        for end in ["", "-wal", "-shm"] {
            remove(&beside(&look, end)).map_err(failed)?;
        }
        let database = fs::read(path).unwrap_or_default();
        let written = fs::write(&look, &database).and_then(|()| {
            let log = fs::read(beside(path, "-wal")).unwrap_or_default();
            fs::write(
                beside(&look, "-wal"),
                taken_whole(&log, page_size(&database, !plain)),
            )
        });
        written.map_err(|_| DeviceError::InstanceFile)?;
        // A page that is not what was encrypted spoils the connection that read it: each part has its own.
        let open = || open_damaged(&look, key);
        // Held to the end: whoever closes a database last writes its log into it.
        let _held = open()?;
        // It is a copy: indexes are made anew from their tables, where those can be read.
        for table in [
            "document", "envelope", "change", "notice", "draft", "erased",
        ] {
            let _ = open()?.execute_batch(&format!("REINDEX {table}"));
        }
        let public = SigningKey::from_bytes(&keys.device).verifying_key();
        bring_over(&open, &mut fresh, &public, &*env, &mut salvaged)?;
        for end in ["", "-wal", "-shm"] {
            remove(&beside(&look, end)).map_err(failed)?;
        }
        salvaged.identity = meta::get(fresh.conn(), keys::TOKEN)?.is_some();
    }
    rename(&mending, &beside(path, ".mended")).map_err(failed)?;
    finish(path)?;
    Ok((Device::open(path, instance_dir, keys, env)?, salvaged))
}

impl Device {
    /// Writes the store anew without what was deleted, and takes away what a salvage has kept of it, now or
    /// once all that could be read there is taken in.
    pub(crate) fn scrub(&mut self) -> Result<()> {
        self.store.scrub()?;
        self.let_go_of_damaged()
    }

    /// Takes away what a salvage has kept, now or once all that could be read there is taken in: something
    /// that must be gone may be in it.
    pub(crate) fn let_go_of_damaged(&mut self) -> Result<()> {
        if !self.keeps_damaged()? {
            return Ok(());
        }
        if self.recovering()? {
            let later = |tx: &Tx<'_>| meta::set_number(tx, keys::DAMAGED_DUE, 1);
            return Ok(self.store.write(later)?);
        }
        remove_damaged(self.store.conn()).map_err(failed)
    }

    /// Whether a salvage has kept anything.
    pub(crate) fn keeps_damaged(&self) -> Result<bool> {
        has_damaged(self.store.conn()).map_err(failed)
    }

    /// What [`Device::scrub`] has put off.
    pub(crate) fn scrub_later(&mut self) -> Result<()> {
        if meta::get(self.store.conn(), keys::DAMAGED_DUE)?.is_some() {
            remove_damaged(self.store.conn()).map_err(failed)?;
            self.store.write(|tx| meta::remove(tx, keys::DAMAGED_DUE))?;
        }
        Ok(())
    }
}

/// Puts a mended store in the damaged one's place, if one was made and that was broken off.
pub(super) fn finish(path: &Path) -> Result<()> {
    let mended = beside(path, ".mended");
    if !mended.exists() {
        return Ok(());
    }
    // The log goes first: beside the new file it would be taken for that one's.
    // What an earlier salvage kept is kept.
    let numbers = std::iter::once(String::new()).chain((2..).map(|n: u32| n.to_string()));
    let mut names = numbers.map(|n| format!("{DAMAGED}{n}"));
    let free = names.find(|name| !beside(path, name).exists());
    for end in ["-wal", "-shm", ""] {
        let old = beside(path, end);
        if let Some(name) = free.as_ref().filter(|_| old.exists()) {
            rename(&old, &beside(path, &format!("{name}{end}"))).map_err(failed)?;
        }
    }
    rename(&mended, path).map_err(failed)
}

/// From the file's header; SQLite's usual one if that is no page size.
fn page_size(database: &[u8], encrypted: bool) -> usize {
    if encrypted {
        // What the header says is encrypted too; it is never set to another than SQLite's own.
        return 4_096;
    }
    let word = database
        .get(16..18)
        .map_or(0, |b| usize::from(b[0]) << 8 | usize::from(b[1]));
    match word {
        1 => 65_536,
        512..=32_768 if word.is_power_of_two() => word,
        _ => 4_096,
    }
}

fn failed(_: std::io::Error) -> DeviceError {
    DeviceError::InstanceFile
}

/// No limit.
const ALL: usize = usize::MAX >> 1;

fn bring_over(
    open: &dyn Fn() -> crate::store::Result<Connection>,
    fresh: &mut Store,
    key: &VerifyingKey,
    env: &dyn Env,
    salvaged: &mut Salvaged,
) -> Result<()> {
    fresh.write(|tx| {
        for (name, value) in facts(&open()?) {
            meta::set(tx, &name, &value)?;
        }
        for space in space::spaces(&open()?).unwrap_or_default() {
            space::join_space(tx, space.id, &space.standing)?;
            if let Some(left_ms) = space.left_ms {
                space::leave_space(tx, space.id, left_ms)?;
            }
        }
        for erased in purge::erased(&open()?).unwrap_or_default() {
            purge::purge(tx, &erased)?;
        }
        for read in reads::oldest(&open()?, ALL).unwrap_or_default() {
            reads::note(tx, read)?;
        }
        for kept in draft::drafts(&open()?).unwrap_or_default() {
            if let Some(kind) = Kind::from_number(kept.kind) {
                let of = (kept.doc, kept.space, kind);
                draft::keep(tx, of, &kept.reason, kept.made_ms, &kept.value)?;
            }
        }
        begin_recovery(tx)?;
        meta::set_number(tx, keys::SEND_VECTOR, 1)
    })?;
    for doc in found(open) {
        if purge::is_erased(fresh.conn(), doc)? {
            continue;
        }
        let old = open()?;
        let brought = fresh.write(|tx| match bring_whole(&old, tx, key, doc, env.now_ms()) {
            Ok(count) => Ok(Some(count)),
            Err(error) if error.is_no_room() => Err(error),
            Err(_) => Ok(None),
        });
        match brought? {
            Some(unsent) => {
                salvaged.documents += 1;
                salvaged.unsent += unsent;
            }
            None => {
                salvaged.damaged += 1;
                salvaged.unsent += fresh.write(|tx| put_unsent_by(&open()?, tx, key, doc))?;
            }
        }
    }
    Ok(())
}

/// Small facts, without those that made the old store this one's like.
fn facts(old: &Connection) -> Vec<(String, Vec<u8>)> {
    let own = [keys::INSTANCE, keys::RECOVERING, "view_generation"];
    let known = [
        keys::DEVICE,
        keys::FORMER,
        keys::MEMBER,
        keys::MEMBER_NAME,
        keys::ORG,
        keys::ORG_NAME,
        keys::TOKEN,
        keys::RELAY,
        keys::RELAY_KEY,
        keys::OFFSET,
        keys::CONTACT,
        keys::LATEST,
        keys::LEASE,
        keys::STATUS_SEEN,
        keys::ENROL_AGAIN,
        keys::WIPED,
    ];
    let all = || -> rusqlite::Result<Vec<(String, Vec<u8>)>> {
        let mut statement = old.prepare("SELECT key, value FROM meta")?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        rows.collect()
    };
    let all = all().unwrap_or_else(|_| {
        let get = |key: &&str| Some(((*key).to_owned(), meta::get(old, key).ok()??));
        known.iter().filter_map(get).collect()
    });
    let mut kept: Vec<_> = all
        .into_iter()
        .filter(|(key, _)| !own.contains(&key.as_str()) && !key.starts_with("epoch/"))
        .collect();
    kept.sort();
    kept
}

/// Every document the old store names: from the front until it cannot be read on, and from the
/// back; and those that changes or envelopes belong to.
fn found(open: &dyn Fn() -> crate::store::Result<Connection>) -> Vec<DocId> {
    let mut docs = std::collections::BTreeSet::new();
    for query in [
        "SELECT id FROM document NOT INDEXED ORDER BY n",
        "SELECT id FROM document NOT INDEXED ORDER BY n DESC",
        "SELECT id FROM document ORDER BY id",
        "SELECT doc FROM envelope NOT INDEXED WHERE run IS NOT NULL ORDER BY n",
        "SELECT doc FROM envelope NOT INDEXED WHERE run IS NOT NULL ORDER BY n DESC",
    ] {
        let Ok(old) = open() else {
            continue;
        };
        let Ok(mut statement) = old.prepare(query) else {
            continue;
        };
        if let Ok(rows) = statement.query_map([], |row| row.get::<_, DocId>(0)) {
            docs.extend(rows.map_while(std::result::Result::ok));
        };
    }
    docs.into_iter().collect()
}
