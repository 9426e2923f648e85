//! A whole document in one file, as [`Device::export`](crate::device::Device::export) makes it, from wherever the
//! file comes.
//!
//! Automerge loads such a file by what it claims: compressed columns as long as they like, and as many rows as a
//! run says that takes three bytes. So its columns are counted first, none expanded. Then it is loaded for its
//! changes alone, and they go the way of all changes from outside.
//!
//! All that on a thread of its own: whether a file is one of ours shows when it is loaded, and by then Automerge has
//! walked the graph of its changes, for which it calls itself again and again.
//!
//! Source of the layout: the Automerge binary format, chunk type 0
//! (<https://automerge.org/automerge-binary-format-spec/>), as automerge 0.12 writes it.

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use automerge::Automerge;
use flate2::bufread::DeflateDecoder;
use sha2::{Digest, Sha256};

use super::columns::{count_flags, weighed};
use super::{Author, Limits, Refusal, trial};
use crate::chunk::{ACTORS, MAGIC, Reader};
use crate::compress::read_within;
use crate::documents::Kind;
use crate::genesis::genesis;
use crate::id::Hash;

/// Chunk type of a document.
const DOCUMENT: u8 = 0;

/// Type of a column of bytes, whose lengths another one says.
const RAW: u64 = 7;

/// Set in a column's specification where it is compressed.
const DEFLATED: u64 = 8;

/// The columns of the table of changes that a document of ours has: actor, sequence number, last operation, time,
/// message, dependencies, and what nobody has said yet.
const ABOUT_CHANGES: [u64; 9] = [1, 3, 19, 35, 53, 64, 67, 86, 87];

/// Those of the table of operations: object, key, id, place in a list, action, value, successors. No field of ours is
/// rich text, so there are no marks.
const ABOUT_OPERATIONS: [u64; 14] = [1, 2, 17, 19, 21, 33, 35, 52, 66, 86, 87, 128, 129, 131];

/// What one file may hold, as it is and inflated. An operation costs Automerge 80 bytes before it is known to be
/// one, a change 2 kB, and as many more as there are changes whose hashes were sought to begin with a zero (200 MB
/// for all of these; the hashes are known only when it is too late). So a longer document is read in the store alone.
const FILE: Limits = Limits {
    changes: 8_192,
    run_ops: 1024 * 1024,
    ..Limits::PACK
};

/// Of the thread that opens a file.
const STACK_BYTES: usize = 8 * 1024 * 1024;

/// Opens a file: its kind, and the document with its history.
///
/// # Errors
/// The first thing found wrong; `kind_unknown` for a document of something else. A file that is refused costs no
/// more memory than its size and the limits allow.
pub fn open_file(file: &[u8]) -> Result<(Kind, Automerge), Refusal> {
    check_file(file)?;
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK_BYTES);
        let opening = thread.spawn_scoped(scope, || load(file));
        let opening = opening.map_err(|_| Refusal::new("file_unreadable"))?;
        // A panic that is not Automerge's is ours, and told as such.
        opening.join().unwrap_or_else(|panic| resume_unwind(panic))
    })
}

/// As [`open_file`], on the thread that is here: for who measures what it costs.
///
/// # Errors
/// As [`open_file`].
#[cfg(any(test, feature = "testing"))]
pub fn open_file_here(file: &[u8]) -> Result<(Kind, Automerge), Refusal> {
    check_file(file)?;
    load(file)
}

fn load(file: &[u8]) -> Result<(Kind, Automerge), Refusal> {
    let unreadable = Refusal::new("file_unreadable");
    let changes = catch_unwind(AssertUnwindSafe(|| {
        let loaded = Automerge::load(file).ok()?;
        let changes = loaded.get_changes(&[]).into_iter();
        Some(
            changes
                .map(|c| (Hash::from(c.hash()), c.raw_bytes().to_vec()))
                .collect::<Vec<_>>(),
        )
    }))
    .ok()
    .flatten()
    .ok_or(unreadable)?;
    let kind = Kind::ALL
        .into_iter()
        .find(|kind| changes.iter().any(|(hash, _)| *hash == genesis(*kind).hash))
        .ok_or(Refusal::new("kind_unknown"))?;
    let changes: Vec<Vec<u8>> = changes
        .into_iter()
        .filter(|(hash, _)| *hash != genesis(kind).hash)
        .map(|(_, bytes)| bytes)
        .collect();
    let document = trial(&genesis(kind).document(), kind, &changes, &FILE)
        .map_err(|doubt| Refusal::new(doubt.code()))?;
    Ok((kind, document))
}

/// Holds what the file claims to its size and to the limits.
fn check_file(file: &[u8]) -> Result<(), Refusal> {
    if file.len() > FILE.run_bytes {
        return Err(Refusal::new("file_too_large"));
    }
    let mut outer = Reader::new(file);
    if outer.take(4)? != MAGIC {
        return Err(Refusal::new("chunk_magic"));
    }
    let checksum = outer.take(4)?;
    if Sha256::digest(&file[8..])[..4] != *checksum {
        return Err(Refusal::new("chunk_checksum"));
    }
    if outer.take(1)? != [DOCUMENT] {
        return Err(Refusal::new("chunk_type"));
    }
    let len = outer.length()?;
    let mut body = Reader::new(outer.take(len)?);
    if !outer.is_empty() {
        return Err(Refusal::new("chunk_trailing"));
    }
    let actors = body.length()?;
    if actors > ACTORS {
        return Err(Refusal::new("too_many_actors"));
    }
    let mut last: &[u8] = &[];
    for _ in 0..actors {
        // It stands in each of its changes: a long one is no actor of ours.
        let actor = body.prefixed()?;
        Author::parse(actor)?;
        if last >= actor {
            return Err(Refusal::new("chunk_order"));
        }
        last = actor;
    }
    let heads = body.length()?;
    body.take(
        heads
            .checked_mul(32)
            .ok_or(Refusal::new("chunk_truncated"))?,
    )?;
    let about_changes = columns(&mut body, &ABOUT_CHANGES)?;
    let about_ops = columns(&mut body, &ABOUT_OPERATIONS)?;
    let mut room = FILE.run_bytes;
    let most = (FILE.changes as u64, "too_many_changes");
    check_columns(&mut body, &about_changes, most, &mut room)?;
    let most = (FILE.run_ops, "too_many_operations");
    check_columns(&mut body, &about_ops, most, &mut room)
}

/// The columns that follow, each one of those known: specification and length, in order.
fn columns(r: &mut Reader<'_>, known: &[u64]) -> Result<Vec<(u64, usize)>, Refusal> {
    let mut all = Vec::new();
    for _ in 0..r.length()? {
        let (spec, len) = (r.u64()?, r.u64()?);
        let len = usize::try_from(len).map_err(|_| Refusal::new("chunk_truncated"))?;
        if !known.contains(&(spec & !DEFLATED)) {
            return Err(Refusal::new("column_unknown"));
        }
        if all
            .last()
            .is_some_and(|(last, _)| last & !DEFLATED >= spec & !DEFLATED)
        {
            return Err(Refusal::new("chunk_order"));
        }
        all.push((spec, len));
    }
    Ok(all)
}

/// Columns of one table: each as many rows as the others, or none. What a row has behind it, such as the dependencies
/// of a change, is bounded by the operations of a file.
fn check_columns(
    r: &mut Reader<'_>,
    columns: &[(u64, usize)],
    (most, too_many): (u64, &'static str),
    room: &mut usize,
) -> Result<(), Refusal> {
    let mut table = None;
    // What the last column said of those behind it under its number: how many rows they have, or bytes.
    let mut announced = (u64::MAX, 0);
    for (spec, len) in columns {
        let bytes = inflated(r.take(*len)?, *spec, *room)?;
        *room -= bytes.len();
        let (id, has) = (spec >> 4, count(*spec, &bytes)?);
        let as_announced = announced.0 == id;
        let most = match as_announced {
            // As many bytes as are there.
            true if spec & 7 == RAW => u64::MAX,
            true => FILE.run_ops,
            false => most,
        };
        if has.rows > most {
            return Err(Refusal::new(too_many));
        }
        let fits = if as_announced {
            has.rows == announced.1
        } else {
            has.rows == 0 || has.rows == *table.get_or_insert(has.rows)
        };
        if !fits {
            return Err(Refusal::new("column_rows"));
        }
        if let Some(behind) = has.behind {
            announced = (id, behind);
        }
    }
    Ok(())
}

/// A column's bytes as they count, if there is room for them.
fn inflated(bytes: &[u8], spec: u64, room: usize) -> Result<Cow<'_, [u8]>, Refusal> {
    let too_large = Refusal::new("file_too_large");
    if spec & DEFLATED == 0 {
        return (bytes.len() <= room)
            .then_some(Cow::Borrowed(bytes))
            .ok_or(too_large);
    }
    let inflated = read_within(DeflateDecoder::new(bytes), room);
    let inflated = inflated.map_err(|_| Refusal::new("column_form"))?;
    inflated.map(Cow::Owned).ok_or(too_large)
}

/// What a column holds.
struct Count {
    rows: u64,
    /// What it says of the columns behind it under its number.
    behind: Option<u64>,
}

/// Counts a column by its type: the lowest three bits of its specification.
fn count(spec: u64, bytes: &[u8]) -> Result<Count, Refusal> {
    let alone = |rows| Count { rows, behind: None };
    let numbers = || weighed(bytes, |_: Option<u64>| 1);
    Ok(match spec & 7 {
        // How many there are in each group.
        0 => Count {
            rows: numbers()?,
            behind: Some(weighed(bytes, |many: Option<u64>| many.unwrap_or(0))?),
        },
        // Actors, and numbers.
        1 | 2 => alone(numbers()?),
        // Numbers, each by what it is more than the one before.
        3 => alone(weighed(bytes, |_: Option<i64>| 1)?),
        4 => alone(count_flags(bytes)?),
        5 => alone(weighed(bytes, |_: Option<&str>| 1)?),
        // Of what type each value is, and how long.
        6 => Count {
            rows: numbers()?,
            behind: Some(weighed(bytes, |meta: Option<u64>| {
                meta.map_or(0, |meta| meta >> 4)
            })?),
        },
        // The values themselves: bytes.
        _ => alone(bytes.len() as u64),
    })
}
