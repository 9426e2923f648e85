//! Checking an exported history, with nothing but the file and the relay's public key.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead, Read};

use ed25519_dalek::{Signature, VerifyingKey};
use sopu_core::envelope::{Envelope, Header, Proof, decode, feed_hash};
use sopu_core::id::{DeviceId, DocId, SpaceId};
use sopu_core::wire::{Notice, NoticeKind, SignedNotice};

use super::{FORM, Hex, Line, line_hash, signed_bytes};
use crate::access::log::{self, Entry};
use crate::check::run_is_signed;

/// Bytes of a line at most; a run is a few MiB at most, and Base64 makes a third more of it.
const MOST_BYTES: u64 = 64 << 20;
/// Findings that are written down; there may be many more.
const MOST: usize = 100;

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Which, from 1.
    pub line: u64,
    /// What is wrong with it.
    pub what: String,
}

/// What a file turned out to be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// The relay whose signature is under it.
    pub relay: Option<[u8; 32]>,
    /// The space.
    pub space: Option<SpaceId>,
    /// Its name.
    pub name: String,
    /// Places of the feed.
    pub entries: u64,
    /// Of these, entries whose content was erased: signed, but no longer there to be compared.
    pub erased: u64,
    /// Rows of the access log about the space.
    pub rows: u64,
    /// What is wrong, in the order of lines.
    pub findings: Vec<Finding>,
}

/// Checks a file line by line. `relay` is the relay's key as it is known from elsewhere; without it the
/// file only vouches for itself.
///
/// # Errors
/// The reader's.
pub fn verify(from: &mut impl BufRead, relay: Option<[u8; 32]>) -> io::Result<Verified> {
    let mut reader = Reader {
        done: Verified::default(),
        expected: relay,
        line: 0,
        hash: [0; 32],
        keys: BTreeMap::new(),
        feed: [0; 32],
        access: None,
        empty: BTreeMap::new(),
        erased: BTreeSet::new(),
        ended: false,
    };
    let mut text = Vec::new();
    loop {
        text.clear();
        let read = from
            .by_ref()
            .take(MOST_BYTES)
            .read_until(b'\n', &mut text)?;
        if read == 0 {
            break;
        }
        reader.line += 1;
        if text.pop_if(|last| *last == b'\n').is_none() {
            reader.wrong("has no end: the file was cut off here, or the line is too long");
            break;
        }
        reader.take(&text);
    }
    if !reader.ended {
        reader.line += 1;
        reader.wrong("should be there: the file ends without the relay's signature");
    }
    Ok(reader.done)
}

struct Reader {
    done: Verified,
    expected: Option<[u8; 32]>,
    line: u64,
    /// The running hash of the lines up to here, as they say themselves.
    hash: [u8; 32],
    keys: BTreeMap<DeviceId, VerifyingKey>,
    /// The running hash of the feed.
    feed: [u8; 32],
    /// The last row of the access log: its number, if there was one, and the hash there.
    access: Option<(Option<i64>, [u8; 32])>,
    /// Entries without content, by document, and the documents the relay says it has erased.
    empty: BTreeMap<DocId, u64>,
    erased: BTreeSet<DocId>,
    ended: bool,
}

impl Reader {
    fn wrong(&mut self, what: impl Into<String>) {
        if self.done.findings.len() < MOST {
            let (line, what) = (self.line, what.into());
            self.done.findings.push(Finding { line, what });
        }
    }

    fn take(&mut self, text: &[u8]) {
        if self.ended {
            return self.wrong("follows on the last one");
        }
        let stated = text
            .get(..64)
            .and_then(|hex| data_encoding::HEXLOWER.decode(hex).ok());
        let stated: Option<[u8; 32]> = stated.and_then(|bytes| bytes.try_into().ok());
        let (Some(stated), Some(b' ')) = (stated, text.get(64)) else {
            return self.wrong("does not begin with its hash");
        };
        let (before, object) = (self.hash, &text[65..]);
        // Later lines follow on what this one says it is, so that each fault is named once.
        self.hash = stated;
        if line_hash(&before, object) != stated {
            self.wrong("was changed, or does not follow on the line before it");
        }
        match serde_json::from_slice(object) {
            Ok(line) => self.read(line, &before),
            Err(_) => self.wrong("cannot be read"),
        }
    }

    fn read(&mut self, line: Line, before: &[u8; 32]) {
        if self.done.space.is_none() && !matches!(line, Line::Audit { .. }) {
            return self.wrong("comes before the line that says what this is");
        }
        match line {
            Line::Audit {
                form,
                space,
                name,
                made_ms: _,
                relay,
            } => {
                if form > FORM {
                    self.wrong("is of a later version of Sopu");
                }
                if self.done.space.replace(space).is_some() {
                    self.wrong("says a second time what this is");
                }
                if self.expected.is_some_and(|expected| expected != relay.0) {
                    self.wrong("names another relay than the one expected");
                }
                self.done.relay = Some(relay.0);
                // It is shown on a terminal.
                self.done.name = name.chars().filter(|c| !c.is_control()).collect();
            }
            Line::Device { id, key, .. } => match VerifyingKey::from_bytes(&key.0) {
                Ok(key) => drop(self.keys.insert(id, key)),
                Err(_) => self.wrong("holds something that is no key"),
            },
            Line::Envelope {
                seq,
                hash,
                header,
                signature,
                digest,
                run,
                ..
            } => {
                let proof = Proof {
                    header: header.0,
                    signature: signature.0,
                    digest: digest.0,
                };
                self.place(seq, &proof.id(), hash);
                self.envelope(proof, run.map(|run| run.0));
            }
            Line::Notice {
                seq,
                hash,
                body,
                signature,
                ..
            } => {
                let notice = SignedNotice {
                    body: body.0,
                    signature: signature.0,
                };
                self.place(seq, &notice.id(), hash);
                let signed = SignedNotice::signed_bytes(&notice.body);
                if !self.relay_signed(&signed, &notice.signature) {
                    self.wrong("is a notice the relay did not sign");
                }
                match decode::<Notice>(&notice.body) {
                    Some(said) if self.done.space != Some(said.space) => {
                        self.wrong("is of another space");
                    }
                    Some(said) if matches!(said.what, NoticeKind::Erased(_)) => {
                        self.erased.insert(said.doc);
                    }
                    Some(_) | None => {}
                }
            }
            Line::AccessLog { before } => {
                if self.access.replace((None, before.0)).is_some() {
                    self.wrong("begins the access log a second time");
                }
            }
            Line::Access {
                number,
                at_ms,
                member,
                action,
                space,
                doc,
                reason,
                salt,
                hash,
            } => {
                self.done.rows += 1;
                let entry = Entry {
                    at_ms,
                    member,
                    action,
                    space,
                    doc,
                    reason,
                };
                let salt = salt.map(|salt| salt.0);
                self.row(number, &entry.content(number, salt.as_ref()), Some(hash));
            }
            Line::Elsewhere { number, content } => self.row(number, &content.0, None),
            Line::End {
                entries,
                rows,
                signature,
            } => {
                self.ended = true;
                for (doc, line) in std::mem::take(&mut self.empty) {
                    if !self.erased.contains(&doc) {
                        let what = "has no content, and no notice says that it was erased";
                        self.done.findings.push(Finding {
                            line,
                            what: what.to_owned(),
                        });
                    }
                }
                if (entries, rows) != (self.done.entries, self.done.rows) {
                    self.wrong(format!(
                        "speaks of {entries} entries and {rows} rows, and there are {} and {}",
                        self.done.entries, self.done.rows
                    ));
                }
                if !self.relay_signed(&signed_bytes(before, entries, rows), &signature.0) {
                    self.wrong("has no signature of the relay over all that is before it");
                }
            }
        }
    }

    fn place(&mut self, seq: u64, id: &sopu_core::id::EnvelopeId, hash: Hex<32>) {
        let next = self.done.entries + 1;
        if seq != next {
            self.wrong(format!("is entry {seq}, and entry {next} should be here"));
        }
        self.done.entries = seq;
        if feed_hash(&self.feed, id) != hash.0 {
            self.wrong(format!("entry {seq} does not follow on the one before it"));
        }
        self.feed = hash.0;
    }

    fn envelope(&mut self, proof: Proof, run: Option<Vec<u8>>) {
        let Some(header): Option<Header> = proof.header() else {
            return self.wrong("has a header that cannot be read");
        };
        if self.done.space != Some(header.space) {
            self.wrong("is of another space");
        }
        match self.keys.get(&header.device) {
            None => self.wrong("is signed by a device whose key is not here"),
            Some(key) if !proof.verify(key) => self.wrong("has a wrong signature"),
            Some(_) => {}
        }
        let Some(run) = run else {
            self.done.erased += 1;
            self.empty.entry(header.doc).or_insert(self.line);
            return;
        };
        let digest = proof.digest;
        let envelope = Envelope {
            header: proof.header,
            signature: proof.signature,
            run,
        };
        if !run_is_signed(&envelope, &digest) {
            self.wrong("has content that is not what was signed");
        }
    }

    fn row(&mut self, number: i64, content: &[u8; 32], hash: Option<Hex<32>>) {
        let Some((last, before)) = self.access else {
            return self.wrong("is a row of an access log that has not begun");
        };
        if last.is_some_and(|last| number != last + 1) {
            self.wrong(format!(
                "is row {number} of the access log, and one is missing before it"
            ));
        }
        let here = log::chained(&before, content);
        if hash.is_some_and(|hash| hash.0 != here) {
            self.wrong(format!(
                "row {number} of the access log is not as it was written"
            ));
        }
        self.access = Some((Some(number), hash.map_or(here, |hash| hash.0)));
    }

    fn relay_signed(&self, bytes: &[u8], signature: &[u8; 64]) -> bool {
        let key = self
            .done
            .relay
            .and_then(|key| VerifyingKey::from_bytes(&key).ok());
        let signature = Signature::from_bytes(signature);
        key.is_some_and(|key| key.verify_strict(bytes, &signature).is_ok())
    }
}
