//! The merged record: every document as it stands, its view and search rows, in a file of the same
//! kind devices have. It only follows the feeds and can be thrown away and rebuilt from them.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use sopu_core::id::{DocId, MemberId, SpaceId};
use sopu_core::store::purge::{self, Erased};
use sopu_core::store::{self, Store, StoreError, StoreKey, meta};
use sopu_core::wire::RosterRow;

use crate::ledger::Erasure;
use crate::merge::Standing;
use crate::store::{EnvelopeRow, FeedRow, FeedWhat, RelayStore};

mod arrived;

use arrived::Arrived;

/// Entries applied in one transaction.
const BATCH: usize = 256;

const LIFE: &str = "lives";

/// The merged record.
pub struct Record {
    store: Store,
    /// The number of each space's roster that is in it, as far as this process knows.
    rosters: BTreeMap<SpaceId, u64>,
}

/// One entry with what it refers to.
struct Followed {
    row: FeedRow,
    kept: Option<(EnvelopeRow, Option<MemberId>)>,
}

impl Record {
    /// Opens or creates the file, encrypted if there is a key.
    ///
    /// # Errors
    /// As [`Store::open_with`].
    pub fn open(path: &Path, key: Option<StoreKey>) -> store::Result<Self> {
        let store = Store::open_with(path, key)?;
        // It says itself how far it has come, so what is lost with the power is followed again.
        store.conn().execute_batch("PRAGMA synchronous = NORMAL")?;
        Ok(Self {
            store,
            rosters: BTreeMap::new(),
        })
    }

    /// In memory.
    ///
    /// # Errors
    /// SQLite's own.
    pub fn in_memory() -> store::Result<Self> {
        Ok(Self {
            store: Store::open_in_memory()?,
            rosters: BTreeMap::new(),
        })
    }

    /// Documents, views, lists, search.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Around a store that is open already.
    pub fn around(store: Store) -> Self {
        Self {
            store,
            rosters: BTreeMap::new(),
        }
    }

    /// How far it has followed each feed.
    ///
    /// # Errors
    /// SQLite's own.
    pub fn positions(&self) -> store::Result<BTreeMap<SpaceId, u64>> {
        let all = meta::numbers(self.store.conn(), "feed:")?.into_iter();
        let position = |(key, number): (String, i64)| {
            let space = uuid::Uuid::parse_str(key.strip_prefix("feed:")?).ok()?;
            Some((SpaceId(space), number.unsigned_abs()))
        };
        Ok(all.filter_map(position).collect())
    }

    /// Which life of the relay's database it follows, see `relay/restore.rs`.
    ///
    /// # Errors
    /// SQLite's own.
    pub fn life(&self) -> store::Result<u64> {
        let life = meta::number(self.store.conn(), LIFE)?.unwrap_or(0);
        Ok(life.unsigned_abs())
    }

    /// Follows this life from now on. What it followed of an earlier one is taken out, for those
    /// feeds are no more.
    ///
    /// # Errors
    /// SQLite's own.
    pub fn begin_life(&mut self, life: u64) -> store::Result<()> {
        if self.life()? == life {
            return Ok(());
        }
        let spaces = store::space::held(self.store.conn())?;
        let positions = self.positions()?;
        self.store.write(|tx| {
            for space in &spaces {
                store::space::drop_space(tx, *space)?;
            }
            for space in positions.keys() {
                meta::remove(tx, &key(*space))?;
            }
            meta::set_number(tx, LIFE, i64::try_from(life).unwrap_or(i64::MAX))
        })?;
        self.rosters.clear();
        self.store.forget_loaded();
        Ok(())
    }

    /// The last seq of a space that is in it.
    ///
    /// # Errors
    /// SQLite's own.
    pub fn position(&self, space: SpaceId) -> store::Result<u64> {
        let position = meta::number(self.store.conn(), &key(space))?.unwrap_or(0);
        Ok(u64::try_from(position).unwrap_or(0))
    }

    /// Takes in what a space's feed has more. A document that cannot be taken in is left out and
    /// reported; the others go on. What the merge worker has in `tried` need not be made again.
    ///
    /// # Errors
    /// The relay's database; the outer error. The record's own: the inner one.
    pub fn follow(
        &mut self,
        relay: &mut dyn RelayStore,
        space: SpaceId,
        tried: &mut BTreeMap<DocId, Standing>,
    ) -> crate::store::Result<Result<(), StoreError>> {
        loop {
            let position = match self.position(space) {
                Ok(position) => position,
                Err(error) => return Ok(Err(error)),
            };
            let rows = relay.feed_after(space, position, BATCH)?;
            let Some(last) = rows.last().map(|row| row.seq) else {
                return Ok(Ok(()));
            };
            let mut entries = Vec::with_capacity(rows.len());
            for row in rows {
                let kept = match row.what {
                    FeedWhat::Envelope(arrival) => relay.envelope_at(arrival)?,
                    FeedWhat::Notice { .. } => None,
                };
                let kept = match kept {
                    Some(kept) => {
                        let signer = relay.device(kept.device)?.map(|device| device.member);
                        Some((kept, signer))
                    }
                    None => None,
                };
                entries.push(Followed { row, kept });
            }
            // Whose an edit is, the rules on edits by others ask: the record must know devices.
            let received = entries.iter().map(|entry| entry.row.received_ms).max();
            let at_ms = received.unwrap_or(0);
            let number = relay.space(space, at_ms)?.map_or(0, |row| row.roster);
            let roster = if self.rosters.get(&space) == Some(&number) {
                Vec::new()
            } else {
                relay.roster(space, at_ms)?
            };
            if let Err(error) = self.apply(space, &roster, &entries, last, tried) {
                return Ok(Err(error));
            }
            self.rosters.insert(space, number);
        }
    }

    fn apply(
        &mut self,
        space: SpaceId,
        roster: &[RosterRow],
        entries: &[Followed],
        last: u64,
        tried: &mut BTreeMap<DocId, Standing>,
    ) -> store::Result<()> {
        let mut documents: BTreeMap<DocId, Vec<&Followed>> = BTreeMap::new();
        for entry in entries {
            documents.entry(entry.row.doc).or_default().push(entry);
        }
        let mut arrived = Vec::with_capacity(documents.len());
        for (doc, entries) in documents {
            let made = catch_unwind(AssertUnwindSafe(|| {
                Arrived::of(&self.store, space, doc, entries, tried)
            }));
            match made.unwrap_or(Err(StoreError::Incomplete(doc))) {
                Ok(made) => arrived.push(made),
                // It says nothing of the document: all of it is tried again.
                Err(error) if error.is_passing() => return Err(error),
                Err(error) => {
                    tracing::error!(%error, "a document of the merged record cannot be brought up to date");
                }
            }
        }
        let mut written = Vec::new();
        self.store.write(|tx| {
            store::space::set_roster(tx, space, roster)?;
            for one in arrived {
                // One bad document delays no other.
                tx.execute_batch("SAVEPOINT document")?;
                let doc = one.doc();
                // Nor does one whose content some view cannot bear.
                let wrote = catch_unwind(AssertUnwindSafe(|| one.write(tx)));
                match wrote.unwrap_or(Err(StoreError::Incomplete(doc))) {
                    Ok(document) => written.extend(document),
                    Err(error) if error.is_passing() => return Err(error),
                    Err(error) => {
                        tracing::error!(%error, "a document cannot be taken into the merged record");
                        tx.execute_batch("ROLLBACK TO document")?;
                    }
                }
                tx.execute_batch("RELEASE document")?;
            }
            meta::set_number(tx, &key(space), i64::try_from(last).unwrap_or(i64::MAX))
        })?;
        // What is worked on now is likely to be next.
        for document in written {
            self.store.keep(Arc::new(document));
        }
        Ok(())
    }

    /// Removes what the files still hold of documents that were erased, if they do.
    ///
    /// # Errors
    /// SQLite's own, also when somebody reads just now: call again.
    pub fn scrub_if_due(&mut self) -> store::Result<()> {
        if self.store.scrub_due()? {
            self.store.scrub()?;
        }
        Ok(())
    }

    /// Removes every trace of documents, writing the file anew once.
    ///
    /// # Errors
    /// SQLite's own.
    pub fn erase(&mut self, erasures: &[Erasure]) -> store::Result<()> {
        for erasure in erasures {
            let mark = Erased {
                doc: erasure.doc,
                space: erasure.space,
                reason: erasure.reason.clone(),
                at_ms: erasure.at_ms,
            };
            self.store.write(|tx| purge::purge(tx, &mark))?;
        }
        self.store.scrub()
    }
}

fn key(space: SpaceId) -> String {
    format!("feed:{space}")
}
