//! Group commit: requests that write at the same time share one transaction and one fsync.
//!
//! There is no writer thread. Whoever gets the store first carries out everything queued so far;
//! the others find their answer ready. So a simulation in one thread runs the same code.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Purpose, RelayStore, Result, StoreError};

type Slot<R> = Arc<Mutex<Option<Result<R>>>>;

/// The store, with a queue before it and readers beside it.
pub struct Commits {
    store: Mutex<Box<dyn RelayStore>>,
    queue: Mutex<Vec<Box<dyn Job>>>,
    readers: Mutex<Vec<Box<dyn RelayStore>>>,
}

trait Job: Send {
    fn purpose(&self) -> Purpose;
    fn run(&mut self, store: &mut dyn RelayStore) -> Result<()>;
    fn finish(self: Box<Self>, committed: &Result<()>);
}

struct Task<R, F> {
    purpose: Purpose,
    work: Option<F>,
    done: Option<Result<R>>,
    slot: Slot<R>,
}

impl<R: Send, F: FnOnce(&mut dyn RelayStore) -> Result<R> + Send> Job for Task<R, F> {
    fn purpose(&self) -> Purpose {
        self.purpose
    }

    fn run(&mut self, store: &mut dyn RelayStore) -> Result<()> {
        let Some(work) = self.work.take() else {
            return Ok(());
        };
        store.savepoint()?;
        let done = work(store);
        store.end_savepoint(done.is_ok())?;
        self.done = Some(done);
        Ok(())
    }

    fn finish(self: Box<Self>, committed: &Result<()>) {
        let answer = match (committed, self.done) {
            (Ok(()), Some(done)) => done,
            (Ok(()), None) => Err(StoreError::Corrupt("a queued write was not run")),
            (Err(error), _) => Err(error.clone()),
        };
        *lock(&self.slot) = Some(answer);
    }
}

impl Commits {
    /// Around one store.
    pub fn new(store: Box<dyn RelayStore>) -> Self {
        Self {
            store: Mutex::new(store),
            queue: Mutex::default(),
            readers: Mutex::default(),
        }
    }

    /// Runs `work` inside a transaction, perhaps together with others' work, and returns once it
    /// is durable. If `work` fails, only its own writes are undone.
    pub fn write<R: Send + 'static>(
        &self,
        work: impl FnOnce(&mut dyn RelayStore) -> Result<R> + Send + 'static,
    ) -> Result<R> {
        self.queued(Purpose::Write, work)
    }

    /// As [`Commits::write`], for what is made again by itself if it is lost with the power: it
    /// waits for no disk.
    pub fn note<R: Send + 'static>(
        &self,
        work: impl FnOnce(&mut dyn RelayStore) -> Result<R> + Send + 'static,
    ) -> Result<R> {
        self.queued(Purpose::Note, work)
    }

    fn queued<R: Send + 'static>(
        &self,
        purpose: Purpose,
        work: impl FnOnce(&mut dyn RelayStore) -> Result<R> + Send + 'static,
    ) -> Result<R> {
        let slot: Slot<R> = Arc::default();
        lock(&self.queue).push(Box::new(Task {
            purpose,
            work: Some(work),
            done: None,
            slot: slot.clone(),
        }));
        let mut store = lock(&self.store);
        if let Some(answer) = lock(&slot).take() {
            return answer;
        }
        let jobs = std::mem::take(&mut *lock(&self.queue));
        commit_all(&mut **store, jobs);
        drop(store);
        lock(&slot)
            .take()
            .unwrap_or(Err(StoreError::Corrupt("a queued write was lost")))
    }

    /// Runs `work` on one consistent state of the store.
    pub fn read<R>(&self, work: impl FnOnce(&mut dyn RelayStore) -> Result<R>) -> Result<R> {
        let idle = lock(&self.readers).pop();
        let reader = match idle {
            Some(reader) => Some(reader),
            None => lock(&self.store).reader()?,
        };
        match reader {
            Some(mut reader) => {
                reader.begin(Purpose::Read)?;
                let done = work(&mut *reader);
                reader.rollback();
                lock(&self.readers).push(reader);
                done
            }
            None => work(&mut **lock(&self.store)),
        }
    }

    /// Runs `work` alone, outside any transaction.
    pub fn alone<R>(&self, work: impl FnOnce(&mut dyn RelayStore) -> Result<R>) -> Result<R> {
        work(&mut **lock(&self.store))
    }
}

fn commit_all(store: &mut dyn RelayStore, mut jobs: Vec<Box<dyn Job>>) {
    // Together they are as safe as the one that needs most.
    let purpose = jobs.iter().map(|job| job.purpose()).max();
    let committed = (|| {
        store.begin(purpose.unwrap_or(Purpose::Write))?;
        for job in &mut jobs {
            job.run(store)?;
        }
        store.commit()
    })();
    if committed.is_err() {
        store.rollback();
    }
    for job in jobs {
        job.finish(&committed);
    }
}

/// A panic elsewhere while holding the lock leaves nothing half-done that a rollback does not undo.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::store::sqlite::SqliteStore;

    #[test]
    fn a_failing_write_undoes_only_itself() {
        let commits = Commits::new(Box::new(SqliteStore::in_memory().unwrap()));
        commits.write(|s| s.set_meta("a", Some(b"1"))).unwrap();
        let failed: Result<()> = commits.write(|s| {
            s.set_meta("a", Some(b"2"))?;
            Err(StoreError::Corrupt("test"))
        });
        assert!(failed.is_err());
        commits.write(|s| s.set_meta("b", Some(b"3"))).unwrap();
        assert_eq!(commits.read(|s| s.meta("a")).unwrap(), Some(b"1".to_vec()));
        assert_eq!(commits.read(|s| s.meta("b")).unwrap(), Some(b"3".to_vec()));
    }

    #[test]
    fn many_writers_at_once_all_get_their_own_answer() {
        let dir = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&dir.path().join("relay.db")).unwrap();
        let commits = Arc::new(Commits::new(Box::new(store)));
        let threads: Vec<_> = (0..8)
            .map(|_| {
                let commits = commits.clone();
                std::thread::spawn(move || {
                    (0..5)
                        .map(|_| commits.write(|s| s.next_number("n")).unwrap())
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        let mut all: Vec<u64> = threads
            .into_iter()
            .flat_map(|t| t.join().unwrap())
            .collect();
        all.sort_unstable();
        assert_eq!(all, (1..=40).collect::<Vec<u64>>());
    }
}
