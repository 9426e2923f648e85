//! Whether the write-ahead log beside a database lost something that was committed.
//!
//! After a crash SQLite takes the log up to the first frame whose checksum is wrong, and says
//! nothing of what came after: right for a torn last write, silent loss for a damaged byte in the
//! middle. So the log is looked at before SQLite opens it. Two witnesses tell damage from a tear:
//! the index file (`-shm`), which counts a frame only once its commit was synced; and, without it,
//! the log itself: at most one commit, the last, can be torn. Format: <https://sqlite.org/walformat.html>.

use std::fs;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use super::beside::beside;

const HEADER: usize = 32;
const FRAME: usize = 24;

/// Whether something committed can no longer be read from the log beside `database`. `false` if
/// there is no log, or if it cannot be read at all (SQLite will say why).
pub fn lost_commits(database: &Path) -> bool {
    if !look(database) {
        return false;
    }
    // Another process may have been writing between reading the one file and the other.
    look(database)
}

/// How much of a log was flushed, kept beside a database of which not every commit is. After the
/// power was lost, of the commits since then any may be missing and any later one there, and the index
/// counts them too: no damage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flushed {
    salts: [u8; 8],
    frames: u64,
}

impl Flushed {
    /// Of the log beside `database` as it is now, right after a commit that was flushed; `before` is
    /// what was found the last time. `None` if there is no log.
    pub fn find(database: &Path, before: Option<Self>) -> Option<Self> {
        // The log is not locked, so opening it once more disturbs no lock, unlike the index.
        let mut log = fs::File::open(beside(database, "-wal")).ok()?;
        let mut header = [0; HEADER];
        log.read_exact(&mut header).ok()?;
        let salts = header[16..24].try_into().ok()?;
        let page = u32::from_be_bytes(header[8..12].try_into().ok()?);
        let size = (FRAME as u64) + u64::from(page);
        let same = before.filter(|before| before.salts == salts);
        let mut frames = same.map_or(0, |before| before.frames);
        let mut frame = [0; FRAME];
        for n in frames.. {
            let place = SeekFrom::Start(HEADER as u64 + n * size);
            log.seek(place).ok()?;
            if log.read_exact(&mut frame).is_err() || frame[8..16] != salts {
                break;
            }
            if frame[4..8] != [0; 4] {
                frames = n + 1;
            }
        }
        Some(Self { salts, frames })
    }

    /// Whether something that was flushed can no longer be read from the log beside `database`.
    pub fn is_lost(self, database: &Path) -> bool {
        let Ok(log) = fs::read(beside(database, "-wal")) else {
            return false;
        };
        if log.len() < HEADER {
            return false;
        }
        let walk = walk(&log);
        let index = fs::read(beside(database, "-shm")).unwrap_or_default();
        let copied = counted(&index, &log[16..24], walk.header) == Some(0);
        let of_this = !walk.header || log[16..24] == self.salts;
        !copied && of_this && (walk.good as u64) < self.frames
    }

    /// As it is kept: twice, so that damage to it is no word of its own.
    pub fn to_bytes(self) -> [u8; 32] {
        let mut bytes = [0; 32];
        for half in bytes.chunks_exact_mut(16) {
            half[..8].copy_from_slice(&self.salts);
            half[8..].copy_from_slice(&self.frames.to_be_bytes());
        }
        bytes
    }

    /// As it was kept, if it is whole.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (one, other) = bytes.split_at_checked(16)?;
        let (salts, frames) = one.split_at(8);
        (one == other).then_some(Self {
            salts: salts.try_into().ok()?,
            frames: u64::from_be_bytes(frames.try_into().ok()?),
        })
    }
}

/// The log with every checksum made anew, so that SQLite takes all of it: what is damaged then is
/// damaged content of one page, as a damaged page of the file is. `page` is the database's page
/// size, bytes. Only for salvage: whoever reads on must tell good rows from bad.
pub fn taken_whole(log: &[u8], page: usize) -> Vec<u8> {
    let mut log = log.to_vec();
    if log.len() < HEADER || page < 512 {
        return log;
    }
    let frames = (log.len() - HEADER) / (FRAME + page);
    let at = |n: usize| HEADER + n * (FRAME + page);
    let salts_of = |log: &[u8], n: usize| log[at(n) + 8..at(n) + 16].to_vec();
    let mut salts = log[16..24].to_vec();
    if frames > 1 && salts_of(&log, 0) != salts && salts_of(&log, 0) == salts_of(&log, 1) {
        salts = salts_of(&log, 0);
    }
    // Frames of an older log may follow; its salts are others.
    let Some(last) = (0..frames).rfind(|n| salts_of(&log, *n) == salts) else {
        return log;
    };
    log.truncate(at(last + 1));
    let size = u32::try_from(page).unwrap_or(0);
    for (place, word) in [(0, 0x377f_0682_u32), (4, 3_007_000), (8, size)] {
        log[place..place + 4].copy_from_slice(&word.to_be_bytes());
    }
    log[16..24].copy_from_slice(&salts);
    let mut sum = checksum([0, 0], &log[..24], false);
    put(&mut log, 24, sum);
    for n in 0..=last {
        let frame = at(n);
        log[frame + 8..frame + 16].copy_from_slice(&salts);
        sum = checksum(sum, &log[frame..frame + 8], false);
        sum = checksum(sum, &log[frame + FRAME..frame + FRAME + page], false);
        put(&mut log, frame + 16, sum);
    }
    log
}

fn put(log: &mut [u8], at: usize, sum: [u32; 2]) {
    for (n, word) in sum.iter().enumerate() {
        log[at + 4 * n..at + 4 * n + 4].copy_from_slice(&word.to_be_bytes());
    }
}

fn look(database: &Path) -> bool {
    // The index first: frames it counts are in the log by then.
    let index = fs::read(beside(database, "-shm")).unwrap_or_default();
    let Ok(log) = fs::read(beside(database, "-wal")) else {
        return false;
    };
    lost(&log, &index)
}

/// What the log shows.
struct Walk {
    /// Good frames from the start.
    good: usize,
    /// Commits among the frames of this log that come after the first bad one.
    commits_after: usize,
    /// Whether the header is whole.
    header: bool,
}

fn lost(log: &[u8], index: &[u8]) -> bool {
    if log.len() < HEADER {
        return false;
    }
    let walk = walk(log);
    match counted(index, &log[16..24], walk.header) {
        Some(frames) => walk.good < frames,
        None => walk.commits_after > 1,
    }
}

/// How many frames the index says are committed and not all in the database yet; `None` if it says
/// nothing of this log.
fn counted(index: &[u8], salts: &[u8], header: bool) -> Option<usize> {
    // Written twice, so that a reader sees a half-written one.
    let (first, second) = (index.get(..48)?, index.get(48..96)?);
    // Of a log whose header is damaged the salts may be what is wrong.
    if first != second || first[12] != 1 || (header && &first[32..40] != salts) {
        return None;
    }
    let number = |at: usize| -> Option<usize> {
        let bytes = index.get(at..at + 4)?.try_into().ok()?;
        usize::try_from(u32::from_ne_bytes(bytes)).ok()
    };
    let (frames, copied) = (number(16)?, number(96)?);
    Some(if copied < frames { frames } else { 0 })
}

fn walk(log: &[u8]) -> Walk {
    let word = |at: usize| -> u32 {
        let bytes = log.get(at..at + 4).and_then(|bytes| bytes.try_into().ok());
        bytes.map_or(0, u32::from_be_bytes)
    };
    let big = word(0) & 1 == 1;
    let start = checksum([0, 0], &log[..24], big);
    let header = word(0) & !1 == 0x377f_0682 && start == [word(24), word(28)];
    let page = usize::try_from(word(8)).unwrap_or(0);
    let mut walk = Walk {
        good: 0,
        commits_after: 0,
        header,
    };
    if !page.is_power_of_two() || !(512..=65_536).contains(&page) {
        return walk;
    }
    let (mut sum, mut whole) = (start, header);
    for at in (HEADER..).step_by(FRAME + page) {
        let Some(frame) = log.get(at..at + FRAME + page) else {
            break;
        };
        let ours = frame[8..16] == log[16..24];
        let commit = ours && word(at + 4) != 0;
        if whole {
            let next = checksum(checksum(sum, &frame[..8], big), &frame[FRAME..], big);
            whole = ours && next == [word(at + 16), word(at + 20)];
            sum = next;
        }
        if whole {
            walk.good += 1;
        } else if commit {
            walk.commits_after += 1;
        }
    }
    walk
}

fn checksum(sum: [u32; 2], bytes: &[u8], big: bool) -> [u32; 2] {
    let [mut first, mut second] = sum;
    for pair in bytes.chunks_exact(8) {
        let word = |half: &[u8]| {
            let half = half.try_into().unwrap_or_default();
            if big {
                u32::from_be_bytes(half)
            } else {
                u32::from_le_bytes(half)
            }
        };
        first = first.wrapping_add(word(&pair[..4])).wrapping_add(second);
        second = second.wrapping_add(word(&pair[4..])).wrapping_add(first);
    }
    [first, second]
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;

    /// A database with commits in its log, as a killed process leaves it: database, log, index.
    fn left_behind(folder: &Path) -> [Vec<u8>; 3] {
        let path = folder.join("a.db");
        let db = Connection::open(&path).expect("opens");
        db.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE t (a);",
        )
        .expect("begins");
        for n in 0..6 {
            db.execute("INSERT INTO t VALUES (?1)", [n])
                .expect("inserts");
        }
        let read = |end: &str| fs::read(beside(&path, end)).expect("there");
        [read(""), read("-wal"), read("-shm")]
    }

    #[test]
    fn a_whole_log_a_torn_end_and_no_log_are_no_loss() {
        let folder = tempfile::tempdir().expect("a folder");
        let [_, log, index] = left_behind(folder.path());
        assert!(!lost(&log, &index));
        assert!(!lost(&log, &[]));
        // The power went while the last commit was on its way: the index does not count it.
        for cut in [1, 24, 4_096, 4_119] {
            assert!(!lost(&log[..log.len() - cut], &[]), "{cut} bytes short");
        }
        assert!(!lost(&[], &index));
    }

    #[test]
    fn a_flipped_byte_in_any_committed_frame_is_told_from_a_torn_end() {
        let folder = tempfile::tempdir().expect("a folder");
        let [_, log, index] = left_behind(folder.path());
        for at in (0..log.len()).step_by(37) {
            let mut bad = log.clone();
            bad[at] ^= 0x10;
            assert!(lost(&bad, &index), "byte {at}");
            let frame = at.saturating_sub(HEADER) / (FRAME + 4_096);
            let last = (log.len() - HEADER) / (FRAME + 4_096) - 1;
            if frame < last && at >= HEADER {
                assert!(lost(&bad, &[]), "byte {at} without the index");
            }
        }
    }

    #[test]
    fn a_damaged_log_taken_whole_loses_no_other_commit() {
        let folder = tempfile::tempdir().expect("a folder");
        let [database, log, _] = left_behind(folder.path());
        for at in (0..log.len()).step_by(331) {
            let mut bad = log.clone();
            bad[at] ^= 0x10;
            let path = folder.path().join("again.db");
            fs::write(&path, &database).expect("writes");
            fs::write(beside(&path, "-wal"), taken_whole(&bad, 4_096)).expect("writes");
            let db = Connection::open(&path).expect("opens");
            let mut statement = db.prepare("SELECT a FROM t").expect("a table");
            let rows = statement.query_map([], |row| row.get::<_, i64>(0));
            let rows: Vec<i64> = rows.expect("reads").filter_map(Result::ok).collect();
            // All, unless the byte was of the last version of the row's own page.
            let last = log.len() - 4_096;
            assert!(
                rows == [0, 1, 2, 3, 4, 5] || at >= last,
                "byte {at}: {rows:?}"
            );
        }
    }

    #[test]
    fn what_is_in_the_database_already_is_not_lost_with_the_log() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("b.db");
        let db = Connection::open(&path).expect("opens");
        db.execute_batch(
            "PRAGMA journal_mode = WAL; CREATE TABLE t (a); INSERT INTO t VALUES (1);
             PRAGMA wal_checkpoint(PASSIVE);",
        )
        .expect("begins");
        let mut log = fs::read(beside(&path, "-wal")).expect("there");
        let index = fs::read(beside(&path, "-shm")).expect("there");
        log[HEADER + 40] ^= 1;
        assert!(!lost(&log, &index));
    }
}
