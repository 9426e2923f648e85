//! What must never be rolled back: a small append-only file beside the database. It holds the
//! relay's key and secret, the ids of erased documents, legal holds set and lifted, and news of people,
//! memberships and devices. When the database comes back from a backup, the ledger's newest copy wins.
//!
//! One line of JSON an append, an entry or a list of them, each led by a hash over the line before and
//! its own text, so that a line can be neither changed nor left out. A torn last line (power lost while
//! writing) is cut off at the next opening; damage anywhere else is an error a person must look at.
//! What is appended together is one line because a disk may keep its end and lose its beginning.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use sopu_core::id::{DocId, SpaceId};
use sopu_core::time::Env;

use crate::keys::RelayKeys;

/// One entry.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "entry", rename_all = "snake_case")]
pub enum Line {
    /// The first line: key seed and secret, hex.
    Relay {
        /// Seed of the Ed25519 signing key.
        seed: String,
        /// The secret of the tags.
        secret: String,
    },
    /// The relay started for the n-th time.
    Started {
        /// From 1.
        number: u64,
    },
    /// A document was erased.
    Erased(Erasure),
    /// A document's legal hold was set or lifted.
    LegalHold(Hold),
    /// A row of people, memberships, devices or held clients as it became.
    People {
        /// The row, its table among its fields.
        row: Value,
    },
}

impl Line {
    /// The erasure it tells of, if it does.
    pub fn erasure(&self) -> Option<&Erasure> {
        match self {
            Line::Erased(erasure) => Some(erasure),
            Line::Relay { .. }
            | Line::Started { .. }
            | Line::LegalHold(_)
            | Line::People { .. } => None,
        }
    }

    /// The hold it tells of, if it does.
    pub fn hold(&self) -> Option<&Hold> {
        match self {
            Line::LegalHold(hold) => Some(hold),
            Line::Relay { .. } | Line::Started { .. } | Line::Erased(_) | Line::People { .. } => {
                None
            }
        }
    }

    /// What the database noted for the ledger: a whole entry, or a row as it became.
    pub fn of_news(body: &str) -> Option<Self> {
        let news: Value = serde_json::from_str(body).ok()?;
        match news.get("entry") {
            Some(_) => serde_json::from_value(news).ok(),
            None => Some(Line::People { row: news }),
        }
    }
}

/// What the relay said of a document's legal hold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hold {
    /// Which document.
    pub doc: DocId,
    /// Where it is.
    pub space: SpaceId,
    /// Its kind's wire number.
    pub kind: u8,
    /// Relay clock.
    pub at_ms: i64,
    /// Set, or lifted.
    pub held: bool,
}

/// A document's erasure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Erasure {
    /// Which.
    pub doc: DocId,
    /// Where it was.
    pub space: SpaceId,
    /// Its kind's wire number.
    pub kind: u8,
    /// Relay clock.
    pub at_ms: i64,
    /// Why, a code.
    pub reason: String,
    /// What it became, if it was moved. A database that comes back from a backup may lack that: it goes
    /// again only once that is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved_to: Option<DocId>,
}

/// Why the ledger cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The file failed.
    #[error("the ledger file failed: {0}")]
    Io(#[from] std::io::Error),
    /// A line other than the last was damaged or left out.
    #[error("line {0} of the ledger is damaged")]
    Damaged(usize),
}

/// What a ledger is written to: a file, or what a simulation has in its place.
pub trait Medium: Read + Write + Seek + Send {
    /// Makes durable what was written and how long it is.
    ///
    /// # Errors
    /// The medium's.
    fn sync(&mut self) -> std::io::Result<()>;

    /// Cuts off what is beyond this length.
    ///
    /// # Errors
    /// The medium's.
    fn cut(&mut self, length: u64) -> std::io::Result<()>;
}

impl Medium for File {
    fn sync(&mut self) -> std::io::Result<()> {
        self.sync_data()
    }

    fn cut(&mut self, length: u64) -> std::io::Result<()> {
        self.set_len(length)
    }
}

/// The open ledger.
pub struct Ledger {
    file: Option<Box<dyn Medium>>,
    /// How much of the file is whole lines.
    length: u64,
    keys: RelayKeys,
    lines: Vec<Line>,
    hash: [u8; 32],
}

impl Ledger {
    /// Opens the file, or makes it with a fresh key and secret, readable by its owner only.
    pub fn open(path: &Path, env: &dyn Env) -> Result<Self, LedgerError> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt;
            options.mode(0o600);
        }
        let ledger = Self::on(Box::new(options.open(path)?), env)?;
        if let Some(folder) = path.parent() {
            // The file's own name must survive a power loss too.
            let _ = File::open(folder).and_then(|folder| folder.sync_all());
        }
        Ok(ledger)
    }

    /// On a medium that is open already.
    ///
    /// # Errors
    /// As [`Ledger::open`].
    pub fn on(mut file: Box<dyn Medium>, env: &dyn Env) -> Result<Self, LedgerError> {
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let (lines, good, hash) = parse(&bytes)?;
        let length = u64::try_from(good).unwrap_or(u64::MAX);
        if good < bytes.len() {
            tracing::warn!("the ledger's last line was torn and is cut off");
            file.cut(length)?;
        }
        // A process killed while it wrote may have left a line that is on no disk yet; the database
        // must not be told of it before it is.
        file.sync()?;
        file.seek(SeekFrom::End(0))?;
        let mut ledger = Self {
            file: Some(file),
            length,
            keys: RelayKeys::new(&[0; 32], [0; 32]),
            lines,
            hash,
        };
        ledger.prepare(env)?;
        Ok(ledger)
    }

    /// In memory, for tests and simulations.
    pub fn in_memory(env: &dyn Env) -> Result<Self, LedgerError> {
        let keys = RelayKeys::new(&[0; 32], [0; 32]);
        let mut ledger = Self {
            file: None,
            length: 0,
            keys,
            lines: Vec::new(),
            hash: [0; 32],
        };
        ledger.prepare(env)?;
        Ok(ledger)
    }

    fn prepare(&mut self, env: &dyn Env) -> Result<(), LedgerError> {
        if self.lines.is_empty() {
            let fresh = || {
                let mut bytes = [0u8; 32];
                env.fill(&mut bytes);
                HEXLOWER.encode(&bytes)
            };
            self.append(&[Line::Relay {
                seed: fresh(),
                secret: fresh(),
            }])?;
        }
        self.keys = keys_of(&self.lines).ok_or(LedgerError::Damaged(1))?;
        Ok(())
    }

    /// The relay's keys.
    pub fn keys(&self) -> &RelayKeys {
        &self.keys
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Never: the first line is written when it is made.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// The entries after the first `known`.
    pub fn after(&self, known: usize) -> &[Line] {
        self.lines.get(known..).unwrap_or_default()
    }

    /// The number of the last start; 0 before the first.
    pub fn started(&self) -> u64 {
        self.lines
            .iter()
            .rev()
            .find_map(|line| match line {
                Line::Started { number } => Some(*number),
                Line::Relay { .. } | Line::Erased(_) | Line::LegalHold(_) | Line::People { .. } => {
                    None
                }
            })
            .unwrap_or(0)
    }

    /// Adds entries, all or none of them; they are on disk when this returns.
    pub fn append(&mut self, lines: &[Line]) -> Result<(), LedgerError> {
        let body = match lines {
            [] => return Ok(()),
            [one] => serde_json::to_string(one),
            several => serde_json::to_string(several),
        };
        let body = body.map_err(std::io::Error::from)?;
        let hash = chain(&self.hash, &body);
        let text = format!("{} {body}\n", HEXLOWER.encode(&hash[..16]));
        if let Some(file) = &mut self.file {
            // Half a line, of an append that failed and could not be taken back, must not be followed by a
            // whole one.
            if file.seek(SeekFrom::End(0))? != self.length {
                file.cut(self.length)?;
                file.seek(SeekFrom::Start(self.length))?;
            }
            let written = file.write_all(text.as_bytes()).and_then(|()| file.sync());
            if let Err(error) = written {
                file.cut(self.length)?;
                return Err(error.into());
            }
            self.length += u64::try_from(text.len()).unwrap_or(u64::MAX);
        }
        self.hash = hash;
        self.lines.extend_from_slice(lines);
        Ok(())
    }
}

/// The keys a ledger's first line holds.
pub fn keys_of(lines: &[Line]) -> Option<RelayKeys> {
    let bytes =
        |hex: &str| -> Option<[u8; 32]> { HEXLOWER.decode(hex.as_bytes()).ok()?.try_into().ok() };
    match lines.first()? {
        Line::Relay { seed, secret } => Some(RelayKeys::new(&bytes(seed)?, bytes(secret)?)),
        Line::Started { .. } | Line::Erased(_) | Line::LegalHold(_) | Line::People { .. } => None,
    }
}

/// Takes away a last line that is not whole, with or without its end: it is being written, or was torn, and
/// never counted. Damage before it stays to be found.
pub fn cut_to_whole_lines(bytes: &mut Vec<u8>) {
    if let Ok((_, good, _)) = parse(bytes) {
        bytes.truncate(good);
    }
}

/// The entries of a ledger's bytes, all of them whole.
///
/// # Errors
/// [`LedgerError::Damaged`] with the first line that is not.
pub fn lines(bytes: &[u8]) -> Result<Vec<Line>, LedgerError> {
    let (lines, good, _) = parse(bytes)?;
    if good == bytes.len() && !lines.is_empty() {
        Ok(lines)
    } else {
        Err(LedgerError::Damaged(line_at(bytes, good)))
    }
}

/// The number of the line that begins there, from 1.
fn line_at(bytes: &[u8], at: usize) -> usize {
    bytes[..at].iter().filter(|b| **b == b'\n').count() + 1
}

/// The entries, how many bytes of them are whole, and the hash at the end.
fn parse(bytes: &[u8]) -> Result<(Vec<Line>, usize, [u8; 32]), LedgerError> {
    let (mut lines, mut good, mut hash) = (Vec::new(), 0, [0; 32]);
    while good < bytes.len() {
        let rest = &bytes[good..];
        let Some(end) = rest.iter().position(|b| *b == b'\n') else {
            break;
        };
        match parse_line(&rest[..end], &hash) {
            Some((entries, next)) => {
                lines.extend(entries);
                hash = next;
                good += end + 1;
            }
            None if good + end + 1 == bytes.len() => break,
            None => return Err(LedgerError::Damaged(line_at(bytes, good))),
        }
    }
    Ok((lines, good, hash))
}

fn parse_line(line: &[u8], before: &[u8; 32]) -> Option<(Vec<Line>, [u8; 32])> {
    let (mark, body) = std::str::from_utf8(line).ok()?.split_once(' ')?;
    let hash = chain(before, body);
    (mark == HEXLOWER.encode(&hash[..16])).then_some(())?;
    let entries = match body.starts_with('[') {
        true => serde_json::from_str(body).ok()?,
        false => vec![serde_json::from_str(body).ok()?],
    };
    Some((entries, hash))
}

fn chain(before: &[u8; 32], body: &str) -> [u8; 32] {
    let mut sha = Sha256::new();
    sha.update(before);
    sha.update(body.as_bytes());
    sha.finalize().into()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use sopu_core::time::SystemEnv;

    fn started(number: u64) -> Line {
        Line::Started { number }
    }

    #[test]
    fn lines_and_keys_survive_reopening() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ledger");
        let mut ledger = Ledger::open(&path, &SystemEnv).unwrap();
        ledger.append(&[started(1), started(2)]).unwrap();
        let key = ledger.keys().public();
        let again = Ledger::open(&path, &SystemEnv).unwrap();
        assert_eq!(again.keys().public(), key);
        assert_eq!(again.after(1), [started(1), started(2)]);
        assert_eq!(again.started(), 2);
    }

    #[test]
    fn a_torn_last_line_is_cut_off_at_any_length_and_writing_goes_on() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ledger");
        let mut ledger = Ledger::open(&path, &SystemEnv).unwrap();
        ledger.append(&[started(1)]).unwrap();
        let whole = std::fs::read(&path).unwrap();
        ledger.append(&[started(2)]).unwrap();
        let longer = std::fs::read(&path).unwrap();
        for length in whole.len()..longer.len() {
            std::fs::write(&path, &longer[..length]).unwrap();
            let mut torn = Ledger::open(&path, &SystemEnv).unwrap();
            assert_eq!(torn.started(), 1, "{length}");
            torn.append(&[started(7)]).unwrap();
            assert_eq!(Ledger::open(&path, &SystemEnv).unwrap().started(), 7);
        }
    }

    #[test]
    fn a_changed_or_missing_line_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ledger");
        let mut ledger = Ledger::open(&path, &SystemEnv).unwrap();
        for number in 1..=3 {
            ledger.append(&[started(number)]).unwrap();
        }
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, text.replace(r#""number":2"#, r#""number":9"#)).unwrap();
        assert!(matches!(
            Ledger::open(&path, &SystemEnv),
            Err(LedgerError::Damaged(3))
        ));
        let without: Vec<&str> = text
            .lines()
            .enumerate()
            .filter(|(i, _)| *i != 2)
            .map(|(_, l)| l)
            .collect();
        std::fs::write(&path, without.join("\n") + "\n\n").unwrap();
        assert!(Ledger::open(&path, &SystemEnv).is_err());
    }

    /// A disk may keep the end of what was appended and lose its beginning: the relay did not start after
    /// a power cut.
    #[test]
    fn an_append_of_several_that_was_torn_anywhere_never_was() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ledger");
        let mut ledger = Ledger::open(&path, &SystemEnv).unwrap();
        ledger.append(&[started(1)]).unwrap();
        let before = std::fs::metadata(&path).unwrap().len();
        let before = usize::try_from(before).unwrap();
        ledger
            .append(&[started(2), started(3), started(4)])
            .unwrap();
        let whole = std::fs::read(&path).unwrap();
        for hole in before..whole.len() {
            let mut torn = whole.clone();
            let end = whole.len().min(hole + 16);
            torn[hole..end].fill(0);
            std::fs::write(&path, &torn).unwrap();
            let mut ledger = Ledger::open(&path, &SystemEnv).unwrap();
            assert_eq!(ledger.started(), 1, "{hole}");
            ledger.append(&[started(7), started(8)]).unwrap();
            assert_eq!(Ledger::open(&path, &SystemEnv).unwrap().started(), 8);
        }
    }

    /// `sopu check` called it damage before the next start, and told people to put an older ledger there.
    #[test]
    fn what_was_torn_is_cut_off_for_whoever_only_reads_too() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ledger");
        let mut ledger = Ledger::open(&path, &SystemEnv).unwrap();
        ledger.append(&[started(1)]).unwrap();
        let before = std::fs::metadata(&path).unwrap().len();
        ledger.append(&[started(2), started(3)]).unwrap();
        let mut bytes = std::fs::read(&path).unwrap();
        let before = usize::try_from(before).unwrap();
        bytes[before..before + 16].fill(0);
        cut_to_whole_lines(&mut bytes);
        assert_eq!(lines(&bytes).unwrap().len(), 2);
        let mut damaged = bytes.clone();
        damaged[8] ^= 1;
        cut_to_whole_lines(&mut damaged);
        assert!(lines(&damaged).is_err(), "damage elsewhere stays damage");
    }

    /// A medium that fails at a write, and then at taking it back.
    struct Failing {
        file: std::io::Cursor<Vec<u8>>,
        fails: std::sync::Arc<std::sync::atomic::AtomicU32>,
    }

    impl Failing {
        fn fails(&self) -> bool {
            use std::sync::atomic::Ordering::SeqCst;
            let left = self.fails.load(SeqCst);
            self.fails.store(left.saturating_sub(1), SeqCst);
            left > 0
        }
    }

    impl Read for Failing {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            self.file.read(buffer)
        }
    }

    impl Write for Failing {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            if self.fails.load(std::sync::atomic::Ordering::SeqCst) > 0 {
                // Half of it arrives.
                self.file.write_all(&bytes[..bytes.len() / 2])?;
                self.fails();
                return Err(std::io::Error::other("no more"));
            }
            self.file.write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    impl Seek for Failing {
        fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
            self.file.seek(to)
        }
    }

    impl Medium for Failing {
        fn sync(&mut self) -> std::io::Result<()> {
            Ok(())
        }

        fn cut(&mut self, length: u64) -> std::io::Result<()> {
            if self.fails() {
                return Err(std::io::Error::other("not now"));
            }
            self.file
                .get_mut()
                .truncate(usize::try_from(length).unwrap());
            Ok(())
        }
    }

    #[test]
    fn half_a_line_that_could_not_be_taken_back_is_not_followed_by_a_whole_one() {
        let fails = std::sync::Arc::new(std::sync::atomic::AtomicU32::new(0));
        let medium = Failing {
            file: std::io::Cursor::default(),
            fails: fails.clone(),
        };
        let mut ledger = Ledger::on(Box::new(medium), &SystemEnv).unwrap();
        ledger.append(&[started(1)]).unwrap();
        fails.store(2, std::sync::atomic::Ordering::SeqCst);
        ledger.append(&[started(2)]).unwrap_err();
        ledger.append(&[started(3)]).unwrap();
        ledger.append(&[started(4)]).unwrap();
        let mut file = ledger.file.unwrap();
        file.seek(SeekFrom::Start(0)).unwrap();
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).unwrap();
        let numbers = lines(&bytes).unwrap();
        assert_eq!(numbers[1..], [started(1), started(3), started(4)]);
    }

    /// As every version before wrote it.
    #[test]
    fn a_ledger_of_one_entry_a_line_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let (one, other) = (dir.path().join("one"), dir.path().join("other"));
        let mut ledger = Ledger::open(&one, &SystemEnv).unwrap();
        std::fs::copy(&one, &other).unwrap();
        ledger.append(&[started(1), started(2)]).unwrap();
        let mut ledger = Ledger::open(&other, &SystemEnv).unwrap();
        for number in 1..=2 {
            ledger.append(&[started(number)]).unwrap();
        }
        let entries = |path| lines(&std::fs::read(path).unwrap()).unwrap();
        assert_eq!(entries(one), entries(other));
    }

    #[cfg(unix)]
    #[test]
    fn the_file_is_for_its_owner_only() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ledger");
        Ledger::open(&path, &SystemEnv).unwrap();
        assert_eq!(
            std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }
}
