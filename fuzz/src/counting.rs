//! An allocator that counts, and a thread's own clock: what a piece of work costs.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Counts what each thread has allocated, so that tests side by side do not disturb one another.
/// A test binary makes it its global allocator. What C code allocates is not seen.
pub struct Counting;

thread_local! {
    static LIVE: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

fn grow(bytes: usize) {
    let live = LIVE.get().saturating_add_unsigned(bytes);
    LIVE.set(live);
    PEAK.set(PEAK.get().max(live));
}

fn shrink(bytes: usize) {
    LIVE.set(LIVE.get().saturating_sub_unsigned(bytes));
}

#[expect(
    unsafe_code,
    reason = "an allocator that counts and leaves the work to the system's"
)]
// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        grow(layout.size());
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        shrink(layout.size());
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // Old and new may be there at once.
        grow(size);
        shrink(layout.size());
        // SAFETY: the caller's promise is passed on.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

/// Runs some work, and gives what it says and the most bytes it had allocated at once.
pub fn peak<T>(work: impl FnOnce() -> T) -> (T, isize) {
    let before = LIVE.get();
    PEAK.set(before);
    let says = work();
    (says, PEAK.get() - before)
}

/// Runs it five times: what it says, the most it had allocated at once, its shortest time.
pub fn measured<T>(work: impl Fn() -> T) -> (T, isize, Duration) {
    let once = || {
        let start = cpu();
        let (says, most) = peak(&work);
        (says, most, cpu().saturating_sub(start))
    };
    (1..5).fold(once(), |(_, most, best), _| {
        let (says, peak, took) = once();
        (says, most.max(peak), best.min(took))
    })
}

/// Processor time of this thread.
pub fn cpu() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap_or_default()
}
