//! Which disk a path lies on.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::Disk;

static DISKS: Mutex<Vec<(String, Weak<Disk>)>> = Mutex::new(Vec::new());

/// From now on paths below its folder lie on this disk.
pub fn add(disk: &Arc<Disk>) {
    let mut disks = lock();
    disks.retain(|(_, disk)| disk.strong_count() > 0);
    disks.push((disk.prefix(), Arc::downgrade(disk)));
}

/// The disk of a path, if it is one of ours.
pub fn find(path: &str) -> Option<Arc<Disk>> {
    let disks = lock();
    let mut of_path = disks.iter().filter(|(prefix, _)| path.starts_with(prefix));
    of_path.find_map(|(_, disk)| disk.upgrade())
}

fn lock() -> MutexGuard<'static, Vec<(String, Weak<Disk>)>> {
    DISKS.lock().unwrap_or_else(PoisonError::into_inner)
}
