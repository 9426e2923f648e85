//! Which databases this process has open.
//!
//! A process loses all its locks on a file when it closes any descriptor of it (POSIX record locks;
//! <https://sqlite.org/howtocorrupt.html>, 2.2). Looking at the log's index file before SQLite opens
//! it would do that to a connection that is open already, as when an app and its background work
//! open one store in one process. So only the first one looks, and the others wait until it has.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

static OPEN: Mutex<BTreeMap<PathBuf, usize>> = Mutex::new(BTreeMap::new());

/// One connection's entry in the list, for as long as it is open.
#[derive(Debug)]
pub(super) struct Opened(PathBuf);

impl Opened {
    /// Enters a database in the list. If it is the first, `look` is asked before, and nothing is
    /// entered when that fails.
    pub(super) fn enter<E>(
        database: &Path,
        look: impl FnOnce() -> Result<(), E>,
    ) -> Result<Self, E> {
        let path = named(database);
        let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        if !open.contains_key(&path) {
            look()?;
        }
        *open.entry(path.clone()).or_default() += 1;
        Ok(Self(path))
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.0) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.0);
            }
        }
    }
}

/// The same name for the same file, also before it is there.
fn named(database: &Path) -> PathBuf {
    let folder = database.parent().and_then(|folder| {
        let here = folder.as_os_str().is_empty();
        let folder = if here { Path::new(".") } else { folder };
        folder.canonicalize().ok()
    });
    let whole = database.canonicalize().ok();
    whole
        .or_else(|| Some(folder?.join(database.file_name()?)))
        .unwrap_or_else(|| database.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn enter(path: &Path, looks: &mut u32) -> Opened {
        let look = || {
            *looks += 1;
            Ok::<(), ()>(())
        };
        Opened::enter(path, look).expect("enters")
    }

    #[test]
    fn only_the_first_of_a_process_looks_at_the_log() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.db");
        let mut looks = 0;
        let first = enter(&path, &mut looks);
        std::fs::write(&path, b"").expect("writes");
        let second = enter(&folder.path().join("./a.db"), &mut looks);
        assert_eq!(looks, 1);
        drop(first);
        let third = enter(&path, &mut looks);
        assert_eq!(looks, 1, "one is still open");
        drop((second, third));
        drop(enter(&path, &mut looks));
        assert_eq!(looks, 2);
        assert_eq!(
            Opened::enter(&path, || Err("damaged")).err(),
            Some("damaged")
        );
        drop(enter(&path, &mut looks));
        assert_eq!(looks, 3, "what failed was not entered");
    }
}
