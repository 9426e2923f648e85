//! SQLite's way to a [`Disk`]: a file system ("VFS") registered as the default, which keeps files
//! below a disk's folder there and passes everything else on to the one that was default before.
//!
//! See <https://sqlite.org/c3ref/vfs.html> and <https://sqlite.org/c3ref/io_methods.html> for what
//! each function must do.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, OnceLock};

use rusqlite::ffi::{self, sqlite3_file, sqlite3_io_methods, sqlite3_vfs};

use super::node::{LOCKS, Node, Region};
use super::{Disk, DiskError, Io, registry};

const NAME: &CStr = c"sopu-disks";

/// What the file system that was default before is called with.
struct Base(*mut sqlite3_vfs);

// SAFETY: SQLite's own file systems are static and may be used from any thread.
unsafe impl Send for Base {}
// SAFETY: as above.
unsafe impl Sync for Base {}

static BASE: OnceLock<Base> = OnceLock::new();

/// Makes files below the folder of a [`Disk`] live there, in this process, from now on.
pub fn install() {
    BASE.get_or_init(|| {
        // SAFETY: `sqlite3_vfs_find` with NULL initialises SQLite and gives its default file
        // system, which is static. The copy registered in its place is leaked, so it is static too;
        // its functions are called as the documentation says.
        unsafe {
            let base = ffi::sqlite3_vfs_find(std::ptr::null());
            assert!(!base.is_null(), "SQLite has a default file system");
            let mut ours = *base;
            ours.szOsFile = ours.szOsFile.max(size_of::<File>() as c_int);
            ours.pNext = std::ptr::null_mut();
            ours.zName = NAME.as_ptr();
            ours.xOpen = Some(open);
            ours.xDelete = Some(delete);
            ours.xAccess = Some(access);
            ours.xFullPathname = Some(full_pathname);
            let ours = Box::leak(Box::new(ours));
            let done = ffi::sqlite3_vfs_register(ours, 1);
            assert_eq!(done, ffi::SQLITE_OK, "the file system is registered");
            Base(base)
        }
    });
}

fn base() -> *mut sqlite3_vfs {
    BASE.get().map_or(std::ptr::null_mut(), |base| base.0)
}

/// What SQLite holds of an open file: its own head, then ours.
#[repr(C)]
struct File {
    head: sqlite3_file,
    handle: *mut Handle,
}

/// An open file.
struct Handle {
    disk: Arc<Disk>,
    at: (usize, u32),
    path: String,
    /// SQLITE_LOCK_*.
    lock: c_int,
    memory: bool,
    /// Regions whose addresses were given out: they stay at least as long as this handle.
    regions: Vec<Region>,
    shared: [bool; LOCKS],
    alone: [bool; LOCKS],
    delete_on_close: bool,
}

static METHODS: sqlite3_io_methods = sqlite3_io_methods {
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(check_reserved_lock),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(device_characteristics),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: None,
    xUnfetch: None,
};

/// The disk of a path as SQLite gives it.
///
/// # Safety
/// `name` is NULL or a C string.
unsafe fn disk_of<'a>(name: *const c_char) -> Option<(Arc<Disk>, &'a str)> {
    if name.is_null() {
        return None;
    }
    // SAFETY: the caller gives a C string, which outlives the call.
    let path = unsafe { CStr::from_ptr(name) }.to_str().ok()?;
    Some((registry::find(path)?, path))
}

unsafe extern "C" fn open(
    _: *mut sqlite3_vfs,
    name: *const c_char,
    file: *mut sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    // SAFETY: SQLite gives a C string or NULL, `szOsFile` bytes at `file`, and NULL or a place for
    // the flags. The base file system gets the same and needs no more bytes than `szOsFile`.
    unsafe {
        let Some((disk, path)) = disk_of(name) else {
            let passed = (*base()).xOpen;
            return passed.map_or(ffi::SQLITE_CANTOPEN, |open| {
                open(base(), name, file, flags, out_flags)
            });
        };
        (*file).pMethods = std::ptr::null();
        let at = match disk.find_or_make(path, flags & ffi::SQLITE_OPEN_CREATE != 0) {
            Ok(at) => at,
            Err(DiskError::Full) => return ffi::SQLITE_FULL,
            Err(DiskError::Dead | DiskError::Failed | DiskError::ReadOnly | DiskError::Missing) => {
                return ffi::SQLITE_CANTOPEN;
            }
        };
        if !out_flags.is_null() {
            // As on other systems: what may not be written is opened to be read.
            let written = ffi::SQLITE_OPEN_READWRITE | ffi::SQLITE_OPEN_CREATE;
            *out_flags = match disk.is_read_only() && flags & written != 0 {
                true => flags & !written | ffi::SQLITE_OPEN_READONLY,
                false => flags,
            };
        }
        let handle = Box::new(Handle {
            disk,
            at,
            path: path.to_owned(),
            lock: ffi::SQLITE_LOCK_NONE,
            memory: false,
            regions: Vec::new(),
            shared: [false; LOCKS],
            alone: [false; LOCKS],
            delete_on_close: flags & ffi::SQLITE_OPEN_DELETEONCLOSE != 0,
        });
        let file = file.cast::<File>();
        (*file).handle = Box::into_raw(handle);
        (*file).head.pMethods = &METHODS;
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn delete(_: *mut sqlite3_vfs, name: *const c_char, durably: c_int) -> c_int {
    // SAFETY: SQLite gives a C string.
    unsafe {
        let Some((disk, path)) = disk_of(name) else {
            let passed = (*base()).xDelete;
            return passed.map_or(ffi::SQLITE_IOERR_DELETE, |delete| {
                delete(base(), name, durably)
            });
        };
        match disk.delete(path, durably != 0) {
            Ok(()) => ffi::SQLITE_OK,
            Err(DiskError::Missing) => ffi::SQLITE_IOERR_DELETE_NOENT,
            Err(DiskError::Dead | DiskError::Failed | DiskError::Full | DiskError::ReadOnly) => {
                ffi::SQLITE_IOERR_DELETE
            }
        }
    }
}

unsafe extern "C" fn access(
    _: *mut sqlite3_vfs,
    name: *const c_char,
    flags: c_int,
    out: *mut c_int,
) -> c_int {
    // SAFETY: SQLite gives a C string and a place for the answer.
    unsafe {
        let Some((disk, path)) = disk_of(name) else {
            let passed = (*base()).xAccess;
            return passed.map_or(ffi::SQLITE_IOERR_ACCESS, |access| {
                access(base(), name, flags, out)
            });
        };
        match disk.length(path) {
            Ok(length) => {
                // As on other systems: an empty file does not count as a journal to be rolled back.
                let least = usize::from(flags == ffi::SQLITE_ACCESS_EXISTS);
                *out = c_int::from(length.is_some_and(|length| length >= least));
                ffi::SQLITE_OK
            }
            Err(_) => ffi::SQLITE_IOERR_ACCESS,
        }
    }
}

unsafe extern "C" fn full_pathname(
    _: *mut sqlite3_vfs,
    name: *const c_char,
    room: c_int,
    out: *mut c_char,
) -> c_int {
    // SAFETY: SQLite gives a C string and `room` bytes at `out`.
    unsafe {
        let Some((_, path)) = disk_of(name) else {
            let passed = (*base()).xFullPathname;
            return passed.map_or(ffi::SQLITE_CANTOPEN, |full| full(base(), name, room, out));
        };
        let length = path.len() + 1;
        if usize::try_from(room).unwrap_or(0) < length {
            return ffi::SQLITE_CANTOPEN;
        }
        std::ptr::copy_nonoverlapping(name, out, length);
    }
    ffi::SQLITE_OK
}

/// The handle of an open file.
///
/// # Safety
/// `file` was opened by [`open`] and is not closed, and nobody else uses it: SQLite's own promise.
unsafe fn handle<'a>(file: *mut sqlite3_file) -> &'a mut Handle {
    // SAFETY: `open` put a box there, which `close` takes away.
    unsafe { &mut *(*file.cast::<File>()).handle }
}

impl Handle {
    fn on<T>(&self, io: Option<Io>, work: impl FnOnce(&mut Node) -> T) -> Result<T, DiskError> {
        self.disk.on(self.at, io, work)
    }

    fn unlock(&mut self, to: c_int) {
        let had = self.lock;
        let _ = self.disk.on(self.at, None, |node| {
            if had >= ffi::SQLITE_LOCK_EXCLUSIVE {
                node.exclusive = false;
            }
            if had >= ffi::SQLITE_LOCK_PENDING {
                node.pending = false;
            }
            if had >= ffi::SQLITE_LOCK_RESERVED {
                node.reserved = false;
            }
            if had >= ffi::SQLITE_LOCK_SHARED && to < ffi::SQLITE_LOCK_SHARED {
                node.shared -= 1;
            }
        });
        self.lock = to;
    }

    fn leave_memory(&mut self, forget: bool) {
        if !std::mem::take(&mut self.memory) {
            return;
        }
        self.regions.clear();
        let (shared, alone) = (self.shared, self.alone);
        (self.shared, self.alone) = ([false; LOCKS], [false; LOCKS]);
        let _ = self.on(None, |node| {
            let memory = &mut node.memory;
            for lock in 0..LOCKS {
                memory.shared[lock] -= u32::from(shared[lock]);
                memory.alone[lock] &= !alone[lock];
            }
            memory.users -= 1;
            // Only the last user's word counts.
            if memory.users == 0 && forget {
                memory.regions.clear();
            }
        });
    }
}

/// The code for a failed read, write or sync. That a file may not be written, too, is told of a write that
/// was begun as a failed one.
fn code(done: Result<(), DiskError>, failed: c_int) -> c_int {
    match done {
        Ok(()) => ffi::SQLITE_OK,
        Err(DiskError::Full) => ffi::SQLITE_FULL,
        Err(DiskError::Dead | DiskError::Failed | DiskError::ReadOnly | DiskError::Missing) => {
            failed
        }
    }
}

unsafe extern "C" fn close(file: *mut sqlite3_file) -> c_int {
    // SAFETY: the box `open` put there is taken away once.
    let mut handle = unsafe {
        let file = file.cast::<File>();
        (*file).head.pMethods = std::ptr::null();
        Box::from_raw((*file).handle)
    };
    handle.leave_memory(false);
    handle.unlock(ffi::SQLITE_LOCK_NONE);
    handle.disk.close(handle.at);
    if handle.delete_on_close {
        let _ = handle.disk.delete(&handle.path, false);
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn read(
    file: *mut sqlite3_file,
    into: *mut c_void,
    count: c_int,
    at: ffi::sqlite3_int64,
) -> c_int {
    // SAFETY: SQLite gives `count` bytes at `into`.
    let (handle, into) = unsafe {
        let count = usize::try_from(count).unwrap_or(0);
        let into = std::slice::from_raw_parts_mut(into.cast::<u8>(), count);
        (handle(file), into)
    };
    let at = usize::try_from(at).unwrap_or(usize::MAX);
    match handle.on(Some(Io::Read), |node| node.read(at, into) == into.len()) {
        Ok(true) => ffi::SQLITE_OK,
        Ok(false) => ffi::SQLITE_IOERR_SHORT_READ,
        Err(_) => ffi::SQLITE_IOERR_READ,
    }
}

unsafe extern "C" fn write(
    file: *mut sqlite3_file,
    from: *const c_void,
    count: c_int,
    at: ffi::sqlite3_int64,
) -> c_int {
    // SAFETY: SQLite gives `count` bytes at `from`.
    let (handle, from) = unsafe {
        let count = usize::try_from(count).unwrap_or(0);
        let from = std::slice::from_raw_parts(from.cast::<u8>(), count);
        (handle(file), from)
    };
    let Ok(at) = usize::try_from(at) else {
        return ffi::SQLITE_IOERR_WRITE;
    };
    let done = handle.on(Some(Io::Write), |node| node.write(at, from));
    code(done, ffi::SQLITE_IOERR_WRITE)
}

unsafe extern "C" fn truncate(file: *mut sqlite3_file, length: ffi::sqlite3_int64) -> c_int {
    // SAFETY: an open file of ours.
    let handle = unsafe { handle(file) };
    let Ok(length) = usize::try_from(length) else {
        return ffi::SQLITE_IOERR_TRUNCATE;
    };
    let done = handle.on(Some(Io::Write), |node| node.cut(length));
    code(done, ffi::SQLITE_IOERR_TRUNCATE)
}

unsafe extern "C" fn sync(file: *mut sqlite3_file, _: c_int) -> c_int {
    // SAFETY: an open file of ours.
    let handle = unsafe { handle(file) };
    code(handle.on(Some(Io::Sync), |_| ()), ffi::SQLITE_IOERR_FSYNC)
}

unsafe extern "C" fn file_size(file: *mut sqlite3_file, out: *mut ffi::sqlite3_int64) -> c_int {
    // SAFETY: an open file of ours.
    let handle = unsafe { handle(file) };
    match handle.on(None, |node| node.now().len()) {
        Ok(length) => {
            // SAFETY: SQLite gives a place for the answer.
            unsafe { *out = i64::try_from(length).unwrap_or(i64::MAX) };
            ffi::SQLITE_OK
        }
        Err(_) => ffi::SQLITE_IOERR_FSTAT,
    }
}

unsafe extern "C" fn lock(file: *mut sqlite3_file, want: c_int) -> c_int {
    // SAFETY: an open file of ours.
    let handle = unsafe { handle(file) };
    let have = handle.lock;
    if have >= want {
        return ffi::SQLITE_OK;
    }
    let got = handle.on(None, |node| match want {
        ffi::SQLITE_LOCK_SHARED if node.pending || node.exclusive => Err(have),
        ffi::SQLITE_LOCK_SHARED => {
            node.shared += 1;
            Ok(want)
        }
        ffi::SQLITE_LOCK_RESERVED if node.reserved => Err(have),
        ffi::SQLITE_LOCK_RESERVED => {
            node.reserved = true;
            Ok(want)
        }
        _ => {
            if have < ffi::SQLITE_LOCK_PENDING && node.pending {
                return Err(have);
            }
            node.pending = true;
            node.reserved = true;
            if node.shared > 1 {
                return Err(ffi::SQLITE_LOCK_PENDING);
            }
            node.exclusive = true;
            Ok(want)
        }
    });
    match got {
        Ok(Ok(lock)) => {
            handle.lock = lock;
            ffi::SQLITE_OK
        }
        Ok(Err(lock)) => {
            handle.lock = lock;
            ffi::SQLITE_BUSY
        }
        Err(_) => ffi::SQLITE_IOERR_LOCK,
    }
}

unsafe extern "C" fn unlock(file: *mut sqlite3_file, to: c_int) -> c_int {
    // SAFETY: an open file of ours.
    unsafe { handle(file) }.unlock(to);
    ffi::SQLITE_OK
}

unsafe extern "C" fn check_reserved_lock(file: *mut sqlite3_file, out: *mut c_int) -> c_int {
    // SAFETY: an open file of ours.
    let handle = unsafe { handle(file) };
    match handle.on(None, |node| node.reserved) {
        Ok(reserved) => {
            // SAFETY: SQLite gives a place for the answer.
            unsafe { *out = c_int::from(reserved) };
            ffi::SQLITE_OK
        }
        Err(_) => ffi::SQLITE_IOERR_CHECKRESERVEDLOCK,
    }
}

unsafe extern "C" fn file_control(_: *mut sqlite3_file, _: c_int, _: *mut c_void) -> c_int {
    ffi::SQLITE_NOTFOUND
}

unsafe extern "C" fn sector_size(_: *mut sqlite3_file) -> c_int {
    4096
}

unsafe extern "C" fn device_characteristics(_: *mut sqlite3_file) -> c_int {
    ffi::SQLITE_IOCAP_POWERSAFE_OVERWRITE
}

unsafe extern "C" fn shm_map(
    file: *mut sqlite3_file,
    region: c_int,
    size: c_int,
    extend: c_int,
    out: *mut *mut c_void,
) -> c_int {
    // SAFETY: an open file of ours.
    let handle = unsafe { handle(file) };
    let joins = !handle.memory;
    let (region, size) = (
        usize::try_from(region).unwrap_or(0),
        usize::try_from(size).unwrap_or(0),
    );
    let found = handle.on(None, |node| {
        let memory = &mut node.memory;
        memory.users += u32::from(joins);
        while extend != 0 && memory.regions.len() <= region {
            let words = size.div_ceil(8);
            let empty: Region = (0..words).map(|_| AtomicU64::new(0)).collect();
            memory.regions.push(empty);
        }
        memory.regions.get(region).cloned()
    });
    match found {
        Ok(found) => {
            handle.memory = true;
            let address = found
                .as_ref()
                .map_or(std::ptr::null(), |found| found.as_ptr());
            handle.regions.extend(found);
            // SAFETY: SQLite gives a place for the answer. The region is made of atomics, which may
            // be written through a shared address, and stays as long as the handle holds it.
            unsafe { *out = address.cast_mut().cast() };
            ffi::SQLITE_OK
        }
        Err(_) => ffi::SQLITE_IOERR_SHMMAP,
    }
}

unsafe extern "C" fn shm_lock(
    file: *mut sqlite3_file,
    offset: c_int,
    count: c_int,
    flags: c_int,
) -> c_int {
    // SAFETY: an open file of ours.
    let handle = unsafe { handle(file) };
    let first = usize::try_from(offset).unwrap_or(LOCKS).min(LOCKS);
    let end = (first + usize::try_from(count).unwrap_or(0)).min(LOCKS);
    let alone = flags & ffi::SQLITE_SHM_EXCLUSIVE != 0;
    let release = flags & ffi::SQLITE_SHM_UNLOCK != 0;
    let (mine_shared, mine_alone) = (handle.shared, handle.alone);
    let got = handle.on(None, |node| {
        let memory = &mut node.memory;
        for lock in first..end {
            if release || (if alone { mine_alone } else { mine_shared })[lock] {
                continue;
            }
            let others = memory.shared[lock] - u32::from(mine_shared[lock]);
            if memory.alone[lock] || (alone && others > 0) {
                return false;
            }
        }
        for lock in first..end {
            match (release, alone) {
                (true, true) => memory.alone[lock] &= !mine_alone[lock],
                (true, false) => memory.shared[lock] -= u32::from(mine_shared[lock]),
                (false, true) => memory.alone[lock] = true,
                (false, false) => memory.shared[lock] += u32::from(!mine_shared[lock]),
            }
        }
        true
    });
    match got {
        Ok(true) => {
            let held = if alone {
                &mut handle.alone
            } else {
                &mut handle.shared
            };
            held[first..end].fill(!release);
            ffi::SQLITE_OK
        }
        Ok(false) => ffi::SQLITE_BUSY,
        Err(_) if release => ffi::SQLITE_OK,
        Err(_) => ffi::SQLITE_IOERR_SHMLOCK,
    }
}

unsafe extern "C" fn shm_barrier(_: *mut sqlite3_file) {
    std::sync::atomic::fence(std::sync::atomic::Ordering::SeqCst);
}

unsafe extern "C" fn shm_unmap(file: *mut sqlite3_file, forget: c_int) -> c_int {
    // SAFETY: an open file of ours.
    unsafe { handle(file) }.leave_memory(forget != 0);
    ffi::SQLITE_OK
}
