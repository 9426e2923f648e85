//! A whole installation, taken away.

use std::io;
use std::path::Path;

use crate::device::{DeviceError, INSTANCE_FILE, Result};
use crate::store::{remove, remove_store};

/// Takes away a store that nobody has open, with everything that stood beside it (its log, damaged copies that a
/// salvage kept, a copy half encrypted), and the instance folder if nothing else is in it. The keys are the app's to
/// forget; without the store's key, what a flash memory may keep of an encrypted store is worth nothing. Unsent work
/// is gone. Where nothing is, nothing happens.
///
/// # Errors
/// [`DeviceError::InstanceFile`] if a file cannot be taken away; do it again.
pub fn remove_installation(store: &Path, instance_dir: &Path) -> Result<()> {
    let gone = || {
        remove_store(store)?;
        remove(&instance_dir.join(INSTANCE_FILE))?;
        match std::fs::remove_dir(instance_dir) {
            Err(error) if keeps(&error) => Ok(()),
            done => done,
        }
    };
    gone().map_err(|_| DeviceError::InstanceFile)
}

/// Whether a folder that is not removed need not be: it is not there, or somebody else's things are in it.
fn keeps(error: &io::Error) -> bool {
    [io::ErrorKind::NotFound, io::ErrorKind::DirectoryNotEmpty].contains(&error.kind())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::expect_used, reason = "tests")]

    use std::sync::Arc;

    use super::*;
    use crate::device::Device;
    use crate::time::SystemEnv;

    #[test]
    fn nothing_of_an_installation_is_left_and_nothing_else_goes() {
        let folder = tempfile::tempdir().expect("a folder");
        let (store, instance) = (
            folder.path().join("store.db"),
            folder.path().join("instance"),
        );
        let open = || Device::open(&store, &instance, [7; 32], Arc::new(SystemEnv));
        drop(open().expect("opens"));
        for end in [
            "-wal",
            "-shm",
            ".damaged",
            ".damaged-wal",
            ".damaged2",
            ".look",
            ".mended",
            ".encrypting",
        ] {
            std::fs::write(folder.path().join(format!("store.db{end}")), "words").expect("writes");
        }
        let others = ["other.db", "store.db.zip", "store.dbx"];
        for name in others {
            std::fs::write(folder.path().join(name), "else").expect("writes");
        }
        remove_installation(&store, &instance).expect("removes");
        let entries = std::fs::read_dir(folder.path()).expect("lists");
        let mut left: Vec<_> = entries.map(|e| e.expect("one").file_name()).collect();
        left.sort();
        assert_eq!(left, others);
        remove_installation(&store, &instance).expect("again");
        // Another installation can begin in its place.
        std::fs::create_dir(&instance).expect("makes");
        std::fs::write(instance.join("note.txt"), "an app's own").expect("writes");
        drop(open().expect("opens"));
        remove_installation(&store, &instance).expect("removes");
        assert!(instance.join("note.txt").exists() && !store.exists());
    }
}
