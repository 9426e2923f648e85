//! A run's compact wire form, and back.
//!
//! Raw changes cost about a hundred incompressible bytes each in hashes, actors and checksums: a
//! day's sync would be five times its content. Here everything derivable is left out and rebuilt on
//! arrival: magic, checksum, actors (a table), a dependency that is just the previous change, a
//! sequence number or counter that follows (`header.rs`), the lengths of columns (`columns.rs`).
//! The rebuilt hashes must equal the signed ones, so a mistake here can refuse a run but never
//! alter one.
//!
//! The form is transposed: one stream of bytes for each part of a header and each column, over all
//! changes, so that what resembles stands together for the compression around it. A whole document
//! (a pack) is encoded the same way as one device's run.

use crate::chunk::{ACTORS, COLUMNS, Chunk, Made, Reader, write_u64};
use crate::guard::{Limits, Refusal};
use crate::id::Hash;

mod columns;
mod header;

use header::{Context, HEADS, Table, Tables};

/// The first byte.
const VERSION: u8 = 1;

const DAMAGED: Refusal = Refusal::new("encoding_damaged");
const TOO_LARGE: Refusal = Refusal::new("run_too_large");

/// Encodes changes in causal order.
///
/// # Errors
/// If one is not a change chunk as Automerge writes it.
pub fn encode_changes(changes: &[Vec<u8>]) -> Result<Vec<u8>, Refusal> {
    let mut tables = Tables::default();
    let mut heads: [Vec<u8>; HEADS] = Default::default();
    let mut columns: [Vec<u8>; COLUMNS] = Default::default();
    let mut context = Context::new();
    for bytes in changes {
        let (chunk, hash) = Chunk::parse(bytes)?;
        let (ops, bits) = columns::encode(&chunk, &mut columns)?;
        let parts = header::Parts::of(&chunk, ops, bits);
        header::encode(&parts, &mut heads, &mut tables, &context);
        context.push(parts, hash);
    }
    let mut out = vec![VERSION];
    write_u64(&mut out, changes.len() as u64);
    write_u64(&mut out, tables.actors.len() as u64);
    for actor in &tables.actors {
        write_u64(&mut out, actor.len() as u64);
        out.extend_from_slice(actor);
    }
    write_u64(&mut out, tables.outside.len() as u64);
    for hash in &tables.outside {
        out.extend_from_slice(&hash.0);
    }
    let streams = || heads.iter().chain(&columns);
    let present = streams().enumerate().filter(|(_, s)| !s.is_empty());
    write_u64(
        &mut out,
        present.fold(0, |bits, (place, _)| bits | 1 << place),
    );
    for stream in streams().filter(|s| !s.is_empty()) {
        write_u64(&mut out, stream.len() as u64);
        out.extend_from_slice(stream);
    }
    Ok(out)
}

/// Rebuilds the changes of a run or a pack.
///
/// # Errors
/// If the form is damaged, unknown, or rebuilds to more than the limits allow. Nothing is allocated
/// by a claimed size.
pub fn decode_changes(bytes: &[u8], limits: &Limits) -> Result<Vec<Vec<u8>>, Refusal> {
    let made = rebuild_changes(bytes, limits)?;
    Ok(made.into_iter().map(Made::into_bytes).collect())
}

/// As [`decode_changes`], with the hashes found on the way.
///
/// # Errors
/// As [`decode_changes`].
pub fn rebuild_changes(bytes: &[u8], limits: &Limits) -> Result<Vec<Made>, Refusal> {
    // The form is smaller than what it rebuilds to, save for a few columns of many short runs.
    if bytes.len() / 2 > limits.run_bytes + 1_024 {
        return Err(TOO_LARGE);
    }
    let mut r = Reader::new(bytes);
    if r.take(1)? != [VERSION] {
        return Err(Refusal::new("encoding_version"));
    }
    let count = r.length()?;
    if count > limits.changes {
        return Err(Refusal::new("too_many_changes"));
    }
    let actor_count = r.length()?;
    if actor_count > ACTORS {
        return Err(Refusal::new("too_many_actors"));
    }
    let mut actors = Vec::with_capacity(actor_count);
    for _ in 0..actor_count {
        actors.push(r.prefixed()?);
    }
    let hashes = r.length()?.checked_mul(32).ok_or(DAMAGED)?;
    let hashes = r.take(hashes)?.as_chunks::<32>().0;
    let mut outside = Table::new(hashes.iter().map(|hash| Hash(*hash)).collect());
    let mut actors = Table::new(actors);
    let present = r.u64()?;
    if present >> (HEADS + COLUMNS) != 0 {
        return Err(DAMAGED);
    }
    let mut heads: [Reader<'_>; HEADS] = std::array::from_fn(|_| Reader::new(&[]));
    let mut columns: [Reader<'_>; COLUMNS] = std::array::from_fn(|_| Reader::new(&[]));
    for (place, stream) in heads.iter_mut().chain(&mut columns).enumerate() {
        if present >> place & 1 == 1 {
            *stream = Reader::new(r.prefixed()?);
        }
    }
    if !r.is_empty() {
        return Err(DAMAGED);
    }
    let mut context = Context::new();
    let mut changes = Vec::new();
    let mut left = limits.run_bytes;
    for _ in 0..count {
        let parts = header::decode(&mut heads, &mut actors, &mut outside, &context, left)?;
        // The guard lets none of these in; they would be the cheapest way to very many.
        if parts.ops == 0 || parts.is_root() {
            return Err(DAMAGED);
        }
        let own = columns::decode(&mut columns, parts.ops, parts.bits, parts.start_op, limits)?;
        let chunk = parts.chunk(&own);
        if chunk.size_hint() > left.saturating_add(1_024) {
            return Err(TOO_LARGE);
        }
        let made = chunk.to_bytes();
        left = left.checked_sub(made.bytes().len()).ok_or(TOO_LARGE)?;
        context.push(parts, made.hash());
        changes.push(made);
    }
    let tables = actors.is_used_up() && outside.is_used_up();
    if tables && heads.iter().chain(&columns).all(Reader::is_empty) {
        Ok(changes)
    } else {
        Err(DAMAGED)
    }
}

#[cfg(test)]
mod tests;
