//! An allocator that counts. A benchmark that wants counts makes it its global allocator:
//!
//! ```ignore
//! #[global_allocator]
//! static COUNTING: Counting = Counting;
//! ```
#![expect(unsafe_code, reason = "an allocator cannot be written without")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

static CALLS: AtomicU64 = AtomicU64::new(0);
static BYTES: AtomicU64 = AtomicU64::new(0);
static LIVE: AtomicU64 = AtomicU64::new(0);
static PEAK: AtomicU64 = AtomicU64::new(0);

thread_local! {
    static HERE: Cell<u64> = const { Cell::new(0) };
}

/// The system's allocator, counting calls and bytes of all threads. SQLite and zstd allocate by
/// themselves and are not seen.
pub struct Counting;

/// Counts since the program began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Calls that asked for memory.
    pub calls: u64,
    /// Bytes they asked for.
    pub bytes: u64,
    /// Bytes in use now.
    pub live: u64,
    /// The most bytes ever in use, or since [`forget_peak`].
    pub peak: u64,
}

/// The counts now; all 0 if [`Counting`] is not the global allocator.
pub fn counts() -> Counts {
    Counts {
        calls: CALLS.load(Ordering::Relaxed),
        bytes: BYTES.load(Ordering::Relaxed),
        live: LIVE.load(Ordering::Relaxed),
        peak: PEAK.load(Ordering::Relaxed),
    }
}

/// Lets the peak begin at what is in use now.
pub fn forget_peak() {
    PEAK.store(LIVE.load(Ordering::Relaxed), Ordering::Relaxed);
}

/// What `work` asked for, with its result.
pub fn counted<T>(work: impl FnOnce() -> T) -> (T, Counts) {
    forget_peak();
    let before = counts();
    let done = work();
    let after = counts();
    let spent = Counts {
        calls: after.calls - before.calls,
        bytes: after.bytes - before.bytes,
        live: after.live.saturating_sub(before.live),
        peak: after.peak.saturating_sub(before.live),
    };
    (done, spent)
}

/// How often `work` asked for memory in this thread, with its result.
pub fn counted_here<T>(work: impl FnOnce() -> T) -> (T, u64) {
    let before = HERE.get();
    let done = work();
    (done, HERE.get() - before)
}

fn took(bytes: usize) {
    // A thread that ends may still ask.
    let _ = HERE.try_with(|calls| calls.set(calls.get() + 1));
    let bytes = bytes as u64;
    CALLS.fetch_add(1, Ordering::Relaxed);
    BYTES.fetch_add(bytes, Ordering::Relaxed);
    let live = LIVE.fetch_add(bytes, Ordering::Relaxed) + bytes;
    PEAK.fetch_max(live, Ordering::Relaxed);
}

fn gave(bytes: usize) {
    LIVE.fetch_sub(bytes as u64, Ordering::Relaxed);
}

// SAFETY: every call goes to the system's allocator unchanged; counting touches only atomics.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        took(layout.size());
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        took(layout.size());
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, old: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        gave(layout.size());
        took(size);
        // SAFETY: as above.
        unsafe { System.realloc(old, layout, size) }
    }

    unsafe fn dealloc(&self, old: *mut u8, layout: Layout) {
        gave(layout.size());
        // SAFETY: as above.
        unsafe { System.dealloc(old, layout) }
    }
}
