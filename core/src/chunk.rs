//! One Automerge change chunk, read without trusting it.
//!
//! Automerge's own parser allocates by claimed sizes and does not verify the checksum, so outside
//! bytes are read here first. Only the form Automerge itself writes is accepted (uncompressed,
//! shortest numbers, known columns in order, nothing after the columns), which has a second use:
//! [`Chunk::to_bytes`] gives back exactly the bytes that were parsed, so a run can travel without
//! whatever can be rebuilt.
//!
//! Source of the layout: the Automerge binary format, chunk type 1
//! (<https://automerge.org/automerge-binary-format-spec/>), as automerge 0.12 writes it.

use sha2::{Digest, Sha256};

use crate::guard::Refusal;
use crate::id::Hash;

mod leb128;
mod made;

pub use made::Made;

pub use leb128::{Reader, write_i64, write_u64};

/// The first four bytes of every chunk.
pub const MAGIC: [u8; 4] = [0x85, 0x6f, 0x4a, 0x83];

/// Chunk type of an uncompressed change, the only one accepted.
const CHANGE: u8 = 1;

/// The most actors one change mentions, or a run or document has. A person's phone is one, and a
/// new one only after a restore or a fork; a list of empty names would be sixteen times its bytes.
pub(crate) const ACTORS: usize = 4_096;

/// How many columns an operation can have.
pub const COLUMNS: usize = 12;

/// The columns of a change, in the order they stand in a chunk.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[repr(usize)]
#[expect(missing_docs, reason = "named as in the binary format specification")]
pub enum Column {
    ObjActor,
    ObjCounter,
    KeyActor,
    KeyCounter,
    KeyString,
    Insert,
    Action,
    ValueMeta,
    Value,
    PredCount,
    PredActor,
    PredCounter,
}

impl Column {
    /// All, in order.
    pub const ALL: [Column; COLUMNS] = [
        Column::ObjActor,
        Column::ObjCounter,
        Column::KeyActor,
        Column::KeyCounter,
        Column::KeyString,
        Column::Insert,
        Column::Action,
        Column::ValueMeta,
        Column::Value,
        Column::PredCount,
        Column::PredActor,
        Column::PredCounter,
    ];

    /// Column specification: id, type, and never the deflate bit. Marks (columns 9 and 10) are not
    /// among them: no field of ours is rich text.
    pub const fn spec(self) -> u32 {
        match self {
            Column::ObjActor => 1,
            Column::ObjCounter => 2,
            Column::KeyActor => 17,
            Column::KeyCounter => 19,
            Column::KeyString => 21,
            Column::Insert => 52,
            Column::Action => 66,
            Column::ValueMeta => 86,
            Column::Value => 87,
            Column::PredCount => 112,
            Column::PredActor => 113,
            Column::PredCounter => 115,
        }
    }

    fn of_spec(spec: u64) -> Option<Self> {
        Self::ALL.into_iter().find(|c| u64::from(c.spec()) == spec)
    }
}

/// A change chunk taken apart. Slices point into the bytes it was parsed from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk<'a> {
    /// Hashes of the changes it depends on, ascending, each once.
    pub deps: Vec<Hash>,
    /// Who wrote it.
    pub actor: &'a [u8],
    /// The author's how-manieth change, from 1.
    pub seq: u64,
    /// Counter of its first operation, from 1.
    pub start_op: u64,
    /// The author's clock as the author counts it; not judged.
    pub time: i64,
    /// Commit message, empty if none.
    pub message: &'a str,
    /// Other actors its operations mention, ascending, each once. Actor 0 is the author.
    pub others: Vec<&'a [u8]>,
    /// The columns' bytes by [`Column`]; empty if absent.
    pub columns: [&'a [u8]; COLUMNS],
}

impl<'a> Chunk<'a> {
    /// Takes exactly one chunk apart and returns it with its recomputed hash. Allocates at most in
    /// proportion to the bytes given.
    pub fn parse(bytes: &'a [u8]) -> Result<(Self, Hash), Refusal> {
        let (checksum, body) = Self::take_apart(bytes)?;
        let hash = hash(bytes);
        if hash.0[..4] != *checksum {
            return Err(Refusal::new("chunk_checksum"));
        }
        Ok((Self::parse_body(body)?, hash))
    }

    /// Checksum and body.
    fn take_apart(bytes: &'a [u8]) -> Result<(&'a [u8], &'a [u8]), Refusal> {
        let mut outer = Reader::new(bytes);
        if outer.take(4)? != MAGIC {
            return Err(Refusal::new("chunk_magic"));
        }
        let checksum = outer.take(4)?;
        if outer.take(1)? != [CHANGE] {
            return Err(Refusal::new("chunk_type"));
        }
        let len = outer.length()?;
        let body = outer.take(len)?;
        if !outer.is_empty() {
            return Err(Refusal::new("chunk_trailing"));
        }
        Ok((checksum, body))
    }

    fn parse_body(body: &'a [u8]) -> Result<Self, Refusal> {
        let mut r = Reader::new(body);
        let count = r.length()?;
        let raw = r.take(
            count
                .checked_mul(32)
                .ok_or(Refusal::new("chunk_truncated"))?,
        )?;
        let deps: Vec<Hash> = raw.as_chunks::<32>().0.iter().map(|h| Hash(*h)).collect();
        if !deps.is_sorted_by(|a, b| a < b) {
            return Err(Refusal::new("chunk_order"));
        }
        let actor = r.prefixed()?;
        let seq = r.u64()?;
        let start_op = r.u64()?;
        let time = r.i64()?;
        let message = str::from_utf8(r.prefixed()?).map_err(|_| Refusal::new("chunk_utf8"))?;
        let count = r.length()?;
        if count > ACTORS {
            return Err(Refusal::new("too_many_actors"));
        }
        let mut others = Vec::with_capacity(count);
        for _ in 0..count {
            others.push(r.prefixed()?);
        }
        if !others.is_sorted_by(|a, b| a < b) || others.contains(&actor) {
            return Err(Refusal::new("chunk_order"));
        }
        let mut lengths = Vec::new();
        for _ in 0..r.length()? {
            let column = Column::of_spec(r.u64()?).ok_or(Refusal::new("column_unknown"))?;
            if lengths.last().is_some_and(|(last, _)| *last >= column) {
                return Err(Refusal::new("chunk_order"));
            }
            lengths.push((column, r.length()?));
        }
        let mut columns = [&body[..0]; COLUMNS];
        for (column, len) in lengths {
            if len == 0 {
                return Err(Refusal::new("column_empty"));
            }
            columns[column as usize] = r.take(len)?;
        }
        // Automerge keeps unknown bytes here for formats to come. Nothing of ours writes them, and
        // they would be a place to carry anything past every other check.
        if !r.is_empty() {
            return Err(Refusal::new("chunk_extra"));
        }
        if seq == 0 || start_op == 0 {
            return Err(Refusal::new("chunk_zero"));
        }
        Ok(Self {
            deps,
            actor,
            seq,
            start_op,
            time,
            message,
            others,
            columns,
        })
    }

    /// The bytes of one column; empty if absent.
    pub fn column(&self, column: Column) -> &'a [u8] {
        self.columns[column as usize]
    }

    /// The actor at an index used in the columns: 0 is the author.
    pub fn actor_at(&self, index: u64) -> Option<&'a [u8]> {
        match usize::try_from(index).ok()?.checked_sub(1) {
            None => Some(self.actor),
            Some(other) => self.others.get(other).copied(),
        }
    }

    /// The chunk's bytes and hash: exactly those it was parsed from.
    pub fn to_bytes(&self) -> Made {
        let mut body = Vec::with_capacity(self.size_hint());
        write_u64(&mut body, self.deps.len() as u64);
        for dep in &self.deps {
            body.extend_from_slice(&dep.0);
        }
        write_prefixed(&mut body, self.actor);
        write_u64(&mut body, self.seq);
        write_u64(&mut body, self.start_op);
        write_i64(&mut body, self.time);
        write_prefixed(&mut body, self.message.as_bytes());
        write_u64(&mut body, self.others.len() as u64);
        for other in &self.others {
            write_prefixed(&mut body, other);
        }
        let present = || {
            Column::ALL
                .into_iter()
                .filter(|c| !self.column(*c).is_empty())
        };
        write_u64(&mut body, present().count() as u64);
        for column in present() {
            write_u64(&mut body, u64::from(column.spec()));
            write_u64(&mut body, self.column(column).len() as u64);
        }
        for column in present() {
            body.extend_from_slice(self.column(column));
        }
        let mut bytes = Vec::with_capacity(body.len() + 19);
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&[0; 4]);
        bytes.push(CHANGE);
        write_u64(&mut bytes, body.len() as u64);
        bytes.extend_from_slice(&body);
        Made::of(bytes)
    }

    /// Not less than the bytes [`Chunk::to_bytes`] gives.
    pub fn size_hint(&self) -> usize {
        let parts = self.deps.len() * 32
            + self.actor.len()
            + self.message.len()
            + self.others.iter().map(|o| o.len() + 10).sum::<usize>()
            + self.columns.iter().map(|c| c.len() + 15).sum::<usize>();
        parts + 100
    }
}

/// A change's hash: SHA-256 over chunk type, body length and body, which follow the checksum.
fn hash(bytes: &[u8]) -> Hash {
    Hash(Sha256::digest(&bytes[8..]).into())
}

fn write_prefixed(out: &mut Vec<u8>, bytes: &[u8]) {
    write_u64(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}
