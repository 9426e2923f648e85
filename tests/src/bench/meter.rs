//! What work cost: CPU seconds of this thread or process, memory, and medians of repeated runs.

use std::time::Instant;

use rustix::time::{ClockId, clock_gettime};

fn seconds(clock: ClockId) -> f64 {
    let time = clock_gettime(clock);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// CPU seconds this thread has used.
pub fn thread_cpu() -> f64 {
    seconds(ClockId::ThreadCPUTime)
}

/// CPU seconds all threads of this process have used.
pub fn process_cpu() -> f64 {
    seconds(ClockId::ProcessCPUTime)
}

/// What `work` cost this thread in CPU seconds, with its result.
pub fn cpu_of<T>(work: impl FnOnce() -> T) -> (T, f64) {
    let before = thread_cpu();
    let done = work();
    (done, thread_cpu() - before)
}

/// What `work` took by the clock on the wall, in seconds, with its result. Only for what waits:
/// flushes and live delivery.
pub fn wall_of<T>(work: impl FnOnce() -> T) -> (T, f64) {
    let before = Instant::now();
    let done = work();
    (done, before.elapsed().as_secs_f64())
}

/// The value below which `share` of the samples lie; 0 without samples.
pub fn quantile(samples: &[f64], share: f64) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().saturating_sub(1) as f64;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a place in a list, between 0 and its length"
    )]
    let place = (last * share.clamp(0.0, 1.0)).round() as usize;
    sorted.get(place).copied().unwrap_or(0.0)
}

/// The middle of the samples.
pub fn median(samples: &[f64]) -> f64 {
    quantile(samples, 0.5)
}

/// Bytes of a line of `/proc/self/status`, such as `VmRSS` (memory held now) or `VmHWM` (the most
/// ever held); `None` where there is no such file.
pub fn memory(line: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let found = status
        .lines()
        .find_map(|l| l.strip_prefix(line)?.strip_prefix(':'))?;
    let kib: u64 = found.trim().trim_end_matches(" kB").trim().parse().ok()?;
    Some(kib * 1_024)
}

/// Bytes this process has handed to the kernel for writing, of all files and sockets; `None` where
/// the kernel does not say.
pub fn written() -> Option<u64> {
    let io = std::fs::read_to_string("/proc/self/io").ok()?;
    io.lines()
        .find_map(|line| line.strip_prefix("wchar: ")?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_one_of_the_samples() {
        let samples = [5.0, 1.0, 4.0, 2.0, 3.0];
        assert_eq!(median(&samples), 3.0);
        assert_eq!(quantile(&samples, 0.0), 1.0);
        assert_eq!(quantile(&samples, 0.99), 5.0);
        assert_eq!(median(&[]), 0.0);
    }

    #[test]
    fn work_costs_cpu_and_waiting_costs_none() {
        let (sum, busy) = cpu_of(|| (0..20_000_000u64).fold(0u64, |a, b| a.wrapping_mul(31) ^ b));
        assert_ne!(sum, 1);
        let pause = std::time::Duration::from_millis(50);
        let ((), idle) = cpu_of(|| std::thread::sleep(pause));
        assert!(idle < 0.01 && busy > 0.0, "{busy} {idle}");
    }
}
