//! A change's operation columns without what follows from its number of operations.
//!
//! Every column has as many rows as there are operations, so the length of its last run need not be
//! said, nor where the column ends. In a save that only types on, each column is one run: what is
//! left of it is the value. Counters are nearly always just below the change's own first counter
//! and are written relative to it.

use super::DAMAGED;
use crate::chunk::{COLUMNS, Chunk, Column, Reader, write_i64, write_u64};
use crate::guard::{Limits, Refusal, count_rows};

/// Which cells a run-length column has.
#[derive(Clone, Copy)]
enum Cells {
    /// Unsigned numbers.
    Numbers,
    /// Differences; the first is written relative to this.
    Differences(u64),
    /// Strings.
    Strings,
}

fn cells(column: Column, start_op: u64) -> Cells {
    match column {
        Column::KeyCounter | Column::PredCounter => Cells::Differences(start_op),
        Column::KeyString => Cells::Strings,
        Column::ObjActor
        | Column::ObjCounter
        | Column::KeyActor
        | Column::Insert
        | Column::Action
        | Column::ValueMeta
        | Column::Value
        | Column::PredCount
        | Column::PredActor => Cells::Numbers,
    }
}

/// Appends a chunk's columns to their streams and returns its number of operations and the bits of
/// the columns it has.
pub(super) fn encode(
    chunk: &Chunk<'_>,
    streams: &mut [Vec<u8>; COLUMNS],
) -> Result<(u64, u64), Refusal> {
    let ops = count_rows(chunk.column(Column::Action))?;
    let (mut preds, mut bits) = (0u64, 0u64);
    for column in Column::ALL {
        let bytes = chunk.column(column);
        if bytes.is_empty() {
            continue;
        }
        bits |= 1 << (column as usize);
        let out = &mut streams[column as usize];
        match column {
            Column::Value => out.extend_from_slice(bytes),
            Column::Insert => leave_out_flags(bytes, ops, out)?,
            Column::PredCount => preds = leave_out(bytes, ops, Cells::Numbers, out)?,
            Column::PredActor | Column::PredCounter => {
                leave_out(bytes, preds, cells(column, chunk.start_op), out)?;
            }
            Column::ObjActor
            | Column::ObjCounter
            | Column::KeyActor
            | Column::KeyCounter
            | Column::KeyString
            | Column::Action
            | Column::ValueMeta => {
                leave_out(bytes, ops, cells(column, chunk.start_op), out)?;
            }
        }
    }
    let values = lengths(chunk.column(Column::ValueMeta))?;
    if values != chunk.column(Column::Value).len() as u64 {
        return Err(DAMAGED);
    }
    Ok((ops, bits))
}

/// Rebuilds the columns of a change with this many operations.
pub(super) fn decode(
    streams: &mut [Reader<'_>; COLUMNS],
    ops: u64,
    bits: u64,
    start_op: u64,
    limits: &Limits,
) -> Result<[Vec<u8>; COLUMNS], Refusal> {
    if bits >> COLUMNS != 0 {
        return Err(DAMAGED);
    }
    if ops > limits.change_ops {
        return Err(Refusal::new("too_many_operations"));
    }
    let mut columns: [Vec<u8>; COLUMNS] = Default::default();
    let mut preds = 0;
    for column in Column::ALL
        .into_iter()
        .filter(|c| bits >> (*c as usize) & 1 == 1)
    {
        let stream = &mut streams[column as usize];
        let mut out = Vec::new();
        match column {
            Column::Value => {
                let len = lengths(&columns[Column::ValueMeta as usize])?;
                let len = usize::try_from(len).map_err(|_| DAMAGED)?;
                out.extend_from_slice(stream.take(len)?);
            }
            Column::Insert => fill_in_flags(stream, ops, &mut out)?,
            Column::PredCount => {
                preds = fill_in(stream, ops, Cells::Numbers, &mut out)?;
                if preds > limits.preds {
                    return Err(Refusal::new("too_many_predecessors"));
                }
            }
            Column::PredActor | Column::PredCounter => {
                fill_in(stream, preds, cells(column, start_op), &mut out)?;
            }
            Column::ObjActor
            | Column::ObjCounter
            | Column::KeyActor
            | Column::KeyCounter
            | Column::KeyString
            | Column::Action
            | Column::ValueMeta => {
                fill_in(stream, ops, cells(column, start_op), &mut out)?;
            }
        }
        columns[column as usize] = out;
    }
    // There are as many operations as actions, and some.
    if columns[Column::Action as usize].is_empty() {
        return Err(DAMAGED);
    }
    Ok(columns)
}

/// The kinds of run, as written: alone for the last run of a column, with their length before.
const NULLS: u64 = 0;
const REPEAT: u64 = 1;
const LITERALS: u64 = 2;

/// Writes a column's runs without the length of the last; returns the sum of its numbers.
fn leave_out(bytes: &[u8], rows: u64, cells: Cells, out: &mut Vec<u8>) -> Result<u64, Refusal> {
    let mut r = Reader::new(bytes);
    let (mut left, mut sum, mut base) = (rows, 0u64, base_of(cells));
    while !r.is_empty() {
        let header = r.i64()?;
        let (kind, count) = match header {
            0 => (NULLS, r.u64()?),
            1.. => (REPEAT, header.unsigned_abs()),
            ..0 => (LITERALS, header.unsigned_abs()),
        };
        left = left
            .checked_sub(count)
            .filter(|_| count > 0)
            .ok_or(DAMAGED)?;
        if left == 0 {
            write_u64(out, kind);
        } else {
            write_u64(
                out,
                count
                    .checked_mul(3)
                    .and_then(|c| c.checked_add(kind))
                    .ok_or(DAMAGED)?,
            );
        }
        let (values, times) = match kind {
            NULLS => (0, 0),
            REPEAT => (1, count),
            _ => (count, 1),
        };
        for _ in 0..values {
            let value = match cells {
                Cells::Numbers => {
                    let value = r.u64()?;
                    write_u64(out, value);
                    value
                }
                Cells::Differences(_) => {
                    write_i64(out, r.i64()?.wrapping_sub(std::mem::take(&mut base)));
                    0
                }
                Cells::Strings => {
                    let text = r.prefixed()?;
                    write_u64(out, text.len() as u64);
                    out.extend_from_slice(text);
                    0
                }
            };
            sum = sum.saturating_add(value.saturating_mul(times));
        }
    }
    if left == 0 { Ok(sum) } else { Err(DAMAGED) }
}

/// The reverse of [`leave_out`].
fn fill_in(
    stream: &mut Reader<'_>,
    rows: u64,
    cells: Cells,
    out: &mut Vec<u8>,
) -> Result<u64, Refusal> {
    let (mut left, mut sum, mut base) = (rows, 0u64, base_of(cells));
    while left > 0 {
        let code = stream.u64()?;
        let (kind, count) = if code < 3 {
            (code, left)
        } else {
            (code % 3, code / 3)
        };
        left = left
            .checked_sub(count)
            .filter(|left| (*left == 0) == (code < 3))
            .ok_or(DAMAGED)?;
        let signed = i64::try_from(count).map_err(|_| DAMAGED)?;
        let (values, times) = match kind {
            NULLS => {
                write_i64(out, 0);
                write_u64(out, count);
                (0, 0)
            }
            REPEAT => {
                write_i64(out, signed);
                (1, count)
            }
            _ => {
                write_i64(out, -signed);
                (count, 1)
            }
        };
        for _ in 0..values {
            let value = match cells {
                Cells::Numbers => {
                    let value = stream.u64()?;
                    write_u64(out, value);
                    value
                }
                Cells::Differences(_) => {
                    write_i64(out, stream.i64()?.wrapping_add(std::mem::take(&mut base)));
                    0
                }
                Cells::Strings => {
                    let text = stream.prefixed()?;
                    write_u64(out, text.len() as u64);
                    out.extend_from_slice(text);
                    0
                }
            };
            sum = sum.saturating_add(value.saturating_mul(times));
        }
    }
    Ok(sum)
}

fn base_of(cells: Cells) -> i64 {
    match cells {
        Cells::Differences(start_op) => start_op.cast_signed(),
        Cells::Numbers | Cells::Strings => 0,
    }
}

/// Booleans: the lengths of alternating runs, plus one; 0 for the last.
fn leave_out_flags(bytes: &[u8], rows: u64, out: &mut Vec<u8>) -> Result<(), Refusal> {
    let mut r = Reader::new(bytes);
    let mut left = rows;
    while !r.is_empty() {
        if left == 0 {
            return Err(DAMAGED);
        }
        let count = r.u64()?;
        left = left.checked_sub(count).ok_or(DAMAGED)?;
        write_u64(
            out,
            if left == 0 {
                0
            } else {
                count.checked_add(1).ok_or(DAMAGED)?
            },
        );
    }
    if left == 0 { Ok(()) } else { Err(DAMAGED) }
}

fn fill_in_flags(stream: &mut Reader<'_>, rows: u64, out: &mut Vec<u8>) -> Result<(), Refusal> {
    let mut left = rows;
    while left > 0 {
        let count = match stream.u64()?.checked_sub(1) {
            None => left,
            Some(count) if count < left => count,
            Some(_) => return Err(DAMAGED),
        };
        left -= count;
        write_u64(out, count);
    }
    Ok(())
}

/// How many bytes of values a column of value descriptions speaks of.
fn lengths(meta: &[u8]) -> Result<u64, Refusal> {
    let mut r = Reader::new(meta);
    let mut sum = 0u64;
    while !r.is_empty() {
        let header = r.i64()?;
        let (values, times) = match header {
            0 => return Err(DAMAGED),
            1.. => (1, header.unsigned_abs()),
            ..0 => (header.unsigned_abs(), 1),
        };
        for _ in 0..values {
            sum = sum.saturating_add((r.u64()? >> 4).saturating_mul(times));
        }
    }
    Ok(sum)
}
