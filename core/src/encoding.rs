//! A run's compact wire form, and back.
//!
//! Raw changes cost about a hundred incompressible bytes each in hashes, actors and checksums: a
//! day's sync would be five times its content. Here everything derivable is left out and rebuilt on
//! arrival: magic, checksum, actors (a table), a dependency that is just the previous change, a
//! sequence number or counter that follows. The rebuilt hashes must equal the signed ones, so a
//! mistake here can refuse a run but never alter one.
//!
//! The form is transposed: one stream of bytes for each part of a header and each column, over all
//! changes, so that what resembles stands together for the compression around it. A whole document
//! (a pack) is encoded the same way as one device's run.

use std::collections::BTreeMap;

use crate::chunk::{COLUMNS, Chunk, Column, Reader, write_i64, write_u64};
use crate::documents::Kind;
use crate::genesis::genesis;
use crate::guard::{Limits, Refusal, count_rows};
use crate::id::Hash;

/// The first byte.
const VERSION: u8 = 1;

/// Streams of header parts, before those of the columns.
const HEADS: usize = 8;

/// A header part's stream.
#[derive(Clone, Copy)]
#[repr(usize)]
enum Head {
    Actor,
    Deps,
    Seq,
    StartOp,
    Time,
    Message,
    Others,
    Columns,
}

/// The streams being written: header parts, then columns.
#[derive(Default)]
struct Streams([Vec<u8>; HEADS + COLUMNS]);

impl Streams {
    fn head(&mut self, head: Head) -> &mut Vec<u8> {
        &mut self.0[head as usize]
    }
}

/// Encodes changes in causal order.
///
/// # Errors
/// If one is not a change chunk as Automerge writes it.
pub fn encode_changes(changes: &[Vec<u8>]) -> Result<Vec<u8>, Refusal> {
    let mut tables = Tables::default();
    let mut streams = Streams::default();
    let mut context = Context::new();
    for bytes in changes {
        let (chunk, hash) = Chunk::parse(bytes)?;
        encode_one(&chunk, &mut streams, &mut tables, &context);
        context.push(&chunk, hash)?;
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
    let present = streams.0.iter().enumerate().filter(|(_, s)| !s.is_empty());
    write_u64(
        &mut out,
        present.fold(0, |bits, (place, _)| bits | 1 << place),
    );
    for stream in streams.0.iter().filter(|s| !s.is_empty()) {
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
    let mut r = Reader::new(bytes);
    if r.take(1)? != [VERSION] {
        return Err(Refusal::new("encoding_version"));
    }
    let count = r.length()?;
    if count > limits.changes {
        return Err(Refusal::new("too_many_changes"));
    }
    let mut actors = Vec::new();
    for _ in 0..r.length()? {
        actors.push(r.prefixed()?);
    }
    let mut outside = Vec::new();
    for _ in 0..r.length()? {
        outside.push(Hash::from_slice(r.take(32)?).ok_or(DAMAGED)?);
    }
    let present = r.u64()?;
    if present >> (HEADS + COLUMNS) != 0 {
        return Err(DAMAGED);
    }
    let mut streams: [Reader<'_>; HEADS + COLUMNS] = std::array::from_fn(|_| Reader::new(&[]));
    for (place, stream) in streams.iter_mut().enumerate() {
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
        let chunk = decode_one(&mut streams, &actors, &outside, &context, left)?;
        let (bytes, hash) = chunk.to_bytes();
        left = left.checked_sub(bytes.len()).ok_or(TOO_LARGE)?;
        context.push(&chunk, hash)?;
        changes.push(bytes);
    }
    if streams.iter().all(Reader::is_empty) {
        Ok(changes)
    } else {
        Err(DAMAGED)
    }
}

const DAMAGED: Refusal = Refusal::new("encoding_damaged");
const TOO_LARGE: Refusal = Refusal::new("run_too_large");

/// What both sides know after the changes so far, to leave out what follows from it.
struct Context<'a> {
    hashes: Vec<Hash>,
    places: BTreeMap<Hash, usize>,
    seqs: BTreeMap<&'a [u8], u64>,
    next_op: u64,
    time: i64,
    message: &'a str,
    others: Vec<&'a [u8]>,
    genesis: Vec<Hash>,
}

impl<'a> Context<'a> {
    fn new() -> Self {
        Self {
            hashes: Vec::new(),
            places: BTreeMap::new(),
            seqs: BTreeMap::new(),
            next_op: 0,
            time: 0,
            message: "",
            others: Vec::new(),
            genesis: Kind::ALL
                .into_iter()
                .map(|kind| genesis(kind).hash)
                .collect(),
        }
    }

    fn push(&mut self, chunk: &Chunk<'a>, hash: Hash) -> Result<(), Refusal> {
        let ops = count_rows(chunk.column(Column::Action))?;
        self.places.insert(hash, self.hashes.len());
        self.hashes.push(hash);
        self.seqs.insert(chunk.actor, chunk.seq);
        self.next_op = self.next_op.max(chunk.start_op.saturating_add(ops));
        self.time = chunk.time;
        self.message = chunk.message;
        self.others.clone_from(&chunk.others);
        Ok(())
    }

    fn next_seq(&self, actor: &[u8]) -> u64 {
        self.seqs.get(actor).map_or(1, |last| last.wrapping_add(1))
    }
}

/// The actors and outside hashes of a run, in order of first mention.
#[derive(Default)]
struct Tables<'a> {
    actors: Vec<&'a [u8]>,
    actor_places: BTreeMap<&'a [u8], u64>,
    outside: Vec<Hash>,
    outside_places: BTreeMap<Hash, u64>,
}

impl<'a> Tables<'a> {
    fn actor(&mut self, actor: &'a [u8]) -> u64 {
        *self.actor_places.entry(actor).or_insert_with(|| {
            self.actors.push(actor);
            self.actors.len() as u64 - 1
        })
    }

    fn outside(&mut self, hash: Hash) -> u64 {
        *self.outside_places.entry(hash).or_insert_with(|| {
            self.outside.push(hash);
            self.outside.len() as u64 - 1
        })
    }
}

fn encode_one<'a>(
    chunk: &Chunk<'a>,
    streams: &mut Streams,
    tables: &mut Tables<'a>,
    context: &Context<'a>,
) {
    write_u64(streams.head(Head::Actor), tables.actor(chunk.actor));
    encode_deps(chunk, streams.head(Head::Deps), tables, context);
    // Differences wrap around, so that every value has one and none can overflow.
    let seq = chunk.seq.wrapping_sub(context.next_seq(chunk.actor));
    write_i64(streams.head(Head::Seq), seq.cast_signed());
    write_i64(
        streams.head(Head::StartOp),
        chunk.start_op.wrapping_sub(context.next_op).cast_signed(),
    );
    write_i64(
        streams.head(Head::Time),
        chunk.time.wrapping_sub(context.time),
    );
    let message = streams.head(Head::Message);
    if chunk.message == context.message {
        write_u64(message, 0);
    } else {
        write_u64(message, chunk.message.len() as u64 + 1);
        message.extend_from_slice(chunk.message.as_bytes());
    }
    let others = streams.head(Head::Others);
    if chunk.others == context.others {
        write_u64(others, 0);
    } else {
        write_u64(others, chunk.others.len() as u64 + 1);
        for other in &chunk.others {
            write_u64(others, tables.actor(other));
        }
    }
    let present = Column::ALL
        .into_iter()
        .filter(|c| !chunk.column(*c).is_empty());
    let bits = present.fold(0u64, |bits, column| bits | 1 << (column as usize));
    let columns = streams.head(Head::Columns);
    write_u64(columns, bits);
    for column in Column::ALL
        .into_iter()
        .filter(|c| !chunk.column(*c).is_empty())
    {
        write_u64(columns, chunk.column(column).len() as u64);
    }
    for column in Column::ALL {
        streams.0[HEADS + column as usize].extend_from_slice(chunk.column(column));
    }
}

/// 0: the previous change alone. Otherwise how many plus one, and each:
/// a genesis, a distance back, or a place in the table of outside hashes.
fn encode_deps(
    chunk: &Chunk<'_>,
    out: &mut Vec<u8>,
    tables: &mut Tables<'_>,
    context: &Context<'_>,
) {
    if let (Some(last), [dep]) = (context.hashes.last(), chunk.deps.as_slice())
        && last == dep
    {
        return write_u64(out, 0);
    }
    write_u64(out, chunk.deps.len() as u64 + 1);
    let genesis = context.genesis.len() as u64;
    for dep in &chunk.deps {
        let code = if let Some(place) = context.genesis.iter().position(|g| g == dep) {
            place as u64
        } else if let Some(place) = context.places.get(dep) {
            genesis + 2 * (context.hashes.len() - 1 - place) as u64
        } else {
            genesis + 2 * tables.outside(*dep) + 1
        };
        write_u64(out, code);
    }
}

fn decode_one<'a>(
    streams: &mut [Reader<'a>; HEADS + COLUMNS],
    actors: &[&'a [u8]],
    outside: &[Hash],
    context: &Context<'a>,
    left: usize,
) -> Result<Chunk<'a>, Refusal> {
    let actor_at = |place: u64| -> Result<&'a [u8], Refusal> {
        usize::try_from(place)
            .ok()
            .and_then(|p| actors.get(p))
            .copied()
            .ok_or(DAMAGED)
    };
    let actor = actor_at(streams[Head::Actor as usize].u64()?)?;
    let deps = decode_deps(&mut streams[Head::Deps as usize], outside, context, left)?;
    let seq = streams[Head::Seq as usize].i64()?.cast_unsigned();
    let seq = context.next_seq(actor).wrapping_add(seq);
    let start_op = streams[Head::StartOp as usize].i64()?.cast_unsigned();
    let start_op = context.next_op.wrapping_add(start_op);
    let time = context
        .time
        .wrapping_add(streams[Head::Time as usize].i64()?);
    let messages = &mut streams[Head::Message as usize];
    let message = match length_plus_one(messages)? {
        None => context.message,
        Some(len) => str::from_utf8(messages.take(len)?).map_err(|_| Refusal::new("chunk_utf8"))?,
    };
    let indexes = &mut streams[Head::Others as usize];
    let others = match length_plus_one(indexes)? {
        None => context.others.clone(),
        Some(count) => {
            let mut others = Vec::new();
            for _ in 0..count {
                others.push(actor_at(indexes.u64()?)?);
            }
            others
        }
    };
    let lengths = &mut streams[Head::Columns as usize];
    let bits = lengths.u64()?;
    if bits >> COLUMNS != 0 {
        return Err(DAMAGED);
    }
    let mut sizes = [0usize; COLUMNS];
    for (place, size) in sizes.iter_mut().enumerate() {
        if bits >> place & 1 == 1 {
            *size = usize::try_from(lengths.u64()?).map_err(|_| DAMAGED)?;
        }
    }
    let mut columns: [&[u8]; COLUMNS] = Default::default();
    for (place, column) in columns.iter_mut().enumerate() {
        *column = streams[HEADS + place].take(sizes[place])?;
    }
    let chunk = Chunk {
        deps,
        actor,
        seq,
        start_op,
        time,
        message,
        others,
        columns,
    };
    if chunk.size_hint() > left.saturating_add(1_024) {
        Err(TOO_LARGE)
    } else {
        Ok(chunk)
    }
}

fn decode_deps(
    stream: &mut Reader<'_>,
    outside: &[Hash],
    context: &Context<'_>,
    left: usize,
) -> Result<Vec<Hash>, Refusal> {
    let Some(count) = length_plus_one(stream)? else {
        return Ok(vec![*context.hashes.last().ok_or(DAMAGED)?]);
    };
    // A reference of one byte becomes 32.
    if count > left / 32 {
        return Err(TOO_LARGE);
    }
    let mut deps = Vec::new();
    for _ in 0..count {
        let code = usize::try_from(stream.u64()?).map_err(|_| DAMAGED)?;
        let hash = match code.checked_sub(context.genesis.len()) {
            None => context.genesis.get(code),
            Some(code) if code % 2 == 1 => outside.get(code / 2),
            Some(code) => (code / 2)
                .checked_add(1)
                .and_then(|back| context.hashes.len().checked_sub(back))
                .and_then(|place| context.hashes.get(place)),
        };
        deps.push(*hash.ok_or(DAMAGED)?);
    }
    Ok(deps)
}

/// A length written plus one; 0 says "as before". Never more than the stream has left.
fn length_plus_one(stream: &mut Reader<'_>) -> Result<Option<usize>, Refusal> {
    let value = stream.u64()?;
    let Some(len) = value.checked_sub(1) else {
        return Ok(None);
    };
    usize::try_from(len)
        .ok()
        .filter(|len| *len <= stream.left())
        .map(Some)
        .ok_or(DAMAGED)
}

#[cfg(test)]
mod tests;
