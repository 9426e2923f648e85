//! What stands before a change's columns, without what follows from the changes before it.

use std::collections::BTreeMap;

use super::{DAMAGED, TOO_LARGE};
use crate::chunk::{COLUMNS, Chunk, Reader, write_i64, write_u64};
use crate::documents::Kind;
use crate::genesis::genesis;
use crate::guard::Refusal;
use crate::id::Hash;

/// How many streams the parts of a header go to.
pub(super) const HEADS: usize = 9;

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
    Ops,
    Columns,
}

/// Dependency codes below this are the genesis of the kind with that number; room for kinds to
/// come.
const GENESIS_CODES: u64 = 32;

/// A change's header.
pub(super) struct Parts<'a> {
    deps: Vec<Hash>,
    actor: &'a [u8],
    seq: u64,
    pub(super) start_op: u64,
    time: i64,
    message: &'a str,
    others: Vec<&'a [u8]>,
    /// How many operations.
    pub(super) ops: u64,
    /// Which columns.
    pub(super) bits: u64,
}

impl<'a> Parts<'a> {
    pub(super) fn of(chunk: &Chunk<'a>, ops: u64, bits: u64) -> Self {
        Self {
            deps: chunk.deps.clone(),
            actor: chunk.actor,
            seq: chunk.seq,
            start_op: chunk.start_op,
            time: chunk.time,
            message: chunk.message,
            others: chunk.others.clone(),
            ops,
            bits,
        }
    }

    /// Depends on nothing, as only a genesis does.
    pub(super) fn is_root(&self) -> bool {
        self.deps.is_empty()
    }

    pub(super) fn chunk<'c>(&self, columns: &'c [Vec<u8>; COLUMNS]) -> Chunk<'c>
    where
        'a: 'c,
    {
        Chunk {
            deps: self.deps.clone(),
            actor: self.actor,
            seq: self.seq,
            start_op: self.start_op,
            time: self.time,
            message: self.message,
            others: self.others.clone(),
            columns: std::array::from_fn(|place| columns[place].as_slice()),
        }
    }
}

/// What both sides know after the changes so far, to leave out what follows from it.
pub(super) struct Context<'a> {
    hashes: Vec<Hash>,
    places: BTreeMap<Hash, usize>,
    seqs: BTreeMap<&'a [u8], u64>,
    next_op: u64,
    time: i64,
    message: &'a str,
    others: Vec<&'a [u8]>,
    /// Code and hash.
    genesis: Vec<(u64, Hash)>,
}

impl<'a> Context<'a> {
    pub(super) fn new() -> Self {
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
                .map(|kind| (u64::from(kind.number()), genesis(kind).hash))
                .collect(),
        }
    }

    pub(super) fn push(&mut self, parts: Parts<'a>, hash: Hash) {
        self.places.insert(hash, self.hashes.len());
        self.hashes.push(hash);
        self.seqs.insert(parts.actor, parts.seq);
        self.next_op = self.next_op.max(parts.start_op.saturating_add(parts.ops));
        self.time = parts.time;
        self.message = parts.message;
        self.others = parts.others;
    }

    fn next_seq(&self, actor: &[u8]) -> u64 {
        self.seqs.get(actor).map_or(1, |last| last.wrapping_add(1))
    }
}

/// The actors and outside hashes of a run, in order of first mention.
#[derive(Default)]
pub(super) struct Tables<'a> {
    pub(super) actors: Vec<&'a [u8]>,
    actor_places: BTreeMap<&'a [u8], u64>,
    pub(super) outside: Vec<Hash>,
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

/// Appends a change's header to the streams.
pub(super) fn encode<'a>(
    parts: &Parts<'a>,
    streams: &mut [Vec<u8>; HEADS],
    tables: &mut Tables<'a>,
    context: &Context<'a>,
) {
    write_u64(
        &mut streams[Head::Actor as usize],
        tables.actor(parts.actor),
    );
    encode_deps(parts, &mut streams[Head::Deps as usize], tables, context);
    // Differences wrap around, so that every value has one and none can overflow.
    let seq = parts
        .seq
        .wrapping_sub(context.next_seq(parts.actor))
        .cast_signed();
    write_i64(&mut streams[Head::Seq as usize], seq);
    let start_op = parts.start_op.wrapping_sub(context.next_op).cast_signed();
    write_i64(&mut streams[Head::StartOp as usize], start_op);
    write_i64(
        &mut streams[Head::Time as usize],
        parts.time.wrapping_sub(context.time),
    );
    let message = &mut streams[Head::Message as usize];
    if parts.message == context.message {
        write_u64(message, 0);
    } else {
        write_u64(message, parts.message.len() as u64 + 1);
        message.extend_from_slice(parts.message.as_bytes());
    }
    let others = &mut streams[Head::Others as usize];
    if parts.others == context.others {
        write_u64(others, 0);
    } else {
        write_u64(others, parts.others.len() as u64 + 1);
        for other in &parts.others {
            write_u64(others, tables.actor(other));
        }
    }
    write_u64(&mut streams[Head::Ops as usize], parts.ops);
    write_u64(&mut streams[Head::Columns as usize], parts.bits);
}

/// 0: the previous change alone. Otherwise how many plus one, and each: a genesis, a distance back,
/// or a place in the table of outside hashes.
fn encode_deps(
    parts: &Parts<'_>,
    out: &mut Vec<u8>,
    tables: &mut Tables<'_>,
    context: &Context<'_>,
) {
    if let (Some(last), [dep]) = (context.hashes.last(), parts.deps.as_slice())
        && last == dep
    {
        return write_u64(out, 0);
    }
    write_u64(out, parts.deps.len() as u64 + 1);
    for dep in &parts.deps {
        let code = if let Some((code, _)) = context.genesis.iter().find(|(_, g)| g == dep) {
            *code
        } else if let Some(place) = context.places.get(dep) {
            GENESIS_CODES + 2 * (context.hashes.len() - 1 - place) as u64
        } else {
            GENESIS_CODES + 2 * tables.outside(*dep) + 1
        };
        write_u64(out, code);
    }
}

/// A table of a run that is being read: in order of first mention, nothing that is never mentioned.
/// So a run has one form, and carries nothing but changes.
pub(super) struct Table<T> {
    all: Vec<T>,
    mentioned: usize,
}

impl<T: Copy> Table<T> {
    pub(super) fn new(all: Vec<T>) -> Self {
        Self { all, mentioned: 0 }
    }

    fn at(&mut self, place: u64) -> Result<T, Refusal> {
        let place = usize::try_from(place).map_err(|_| DAMAGED)?;
        if place == self.mentioned {
            self.mentioned += 1;
        }
        let found = self.all.get(place).filter(|_| place < self.mentioned);
        found.copied().ok_or(DAMAGED)
    }

    pub(super) fn is_used_up(&self) -> bool {
        self.mentioned == self.all.len()
    }
}

/// Reads the next change's header. `left` is how many bytes may still be rebuilt.
pub(super) fn decode<'a>(
    streams: &mut [Reader<'a>; HEADS],
    actors: &mut Table<&'a [u8]>,
    outside: &mut Table<Hash>,
    context: &Context<'a>,
    left: usize,
) -> Result<Parts<'a>, Refusal> {
    let actor = actors.at(streams[Head::Actor as usize].u64()?)?;
    let deps = decode_deps(&mut streams[Head::Deps as usize], outside, context, left)?;
    let seq = streams[Head::Seq as usize].i64()?.cast_unsigned();
    let start_op = streams[Head::StartOp as usize].i64()?.cast_unsigned();
    let time = streams[Head::Time as usize].i64()?;
    let messages = &mut streams[Head::Message as usize];
    let message = match length_plus_one(messages)? {
        None => context.message,
        Some(len) => str::from_utf8(messages.take(len)?).map_err(|_| Refusal::new("chunk_utf8"))?,
    };
    let indexes = &mut streams[Head::Others as usize];
    let others = match length_plus_one(indexes)? {
        None => context.others.clone(),
        // Each is there once.
        Some(count) if count > actors.all.len() => return Err(DAMAGED),
        Some(count) => {
            let mut others = Vec::with_capacity(count);
            for _ in 0..count {
                others.push(actors.at(indexes.u64()?)?);
            }
            others
        }
    };
    Ok(Parts {
        deps,
        actor,
        seq: context.next_seq(actor).wrapping_add(seq),
        start_op: context.next_op.wrapping_add(start_op),
        time: context.time.wrapping_add(time),
        message,
        others,
        ops: streams[Head::Ops as usize].u64()?,
        bits: streams[Head::Columns as usize].u64()?,
    })
}

fn decode_deps(
    stream: &mut Reader<'_>,
    outside: &mut Table<Hash>,
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
    let mut deps = Vec::with_capacity(count);
    for _ in 0..count {
        let code = stream.u64()?;
        let hash = match code.checked_sub(GENESIS_CODES) {
            None => context
                .genesis
                .iter()
                .find(|(c, _)| *c == code)
                .map(|(_, hash)| *hash),
            Some(place) if place % 2 == 1 => Some(outside.at(place / 2)?),
            Some(place) => {
                let back = usize::try_from(place / 2).map_err(|_| DAMAGED)?;
                context.hashes.iter().rev().nth(back).copied()
            }
        };
        deps.push(hash.ok_or(DAMAGED)?);
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
