//! The run-length columns of a change: counted without expanding them, then read row by row.
//!
//! Columns must be exactly as Automerge's encoder writes them (longest runs, nothing empty).
//! Automerge decodes sloppier ones too, but encodes them its own way when the document is saved,
//! and then the hashes no longer match and the document no longer loads.

use super::{Limits, Refusal};
use crate::chunk::{Chunk, Column, Reader};

const FORM: Refusal = Refusal::new("column_form");
const ROWS: Refusal = Refusal::new("column_rows");

/// The longest key of a map: a set's element of 512 four-byte characters, with room.
const KEY_BYTES: usize = 4_096;

/// A value a column can hold.
pub(super) trait Cell<'a>: Copy + PartialEq {
    fn read(r: &mut Reader<'a>) -> Result<Self, Refusal>;
}

impl Cell<'_> for u64 {
    fn read(r: &mut Reader<'_>) -> Result<Self, Refusal> {
        r.u64()
    }
}

impl Cell<'_> for i64 {
    fn read(r: &mut Reader<'_>) -> Result<Self, Refusal> {
        r.i64()
    }
}

impl<'a> Cell<'a> for &'a str {
    fn read(r: &mut Reader<'a>) -> Result<Self, Refusal> {
        let bytes = r.prefixed()?;
        if bytes.len() > KEY_BYTES {
            return Err(Refusal::new("key_too_long"));
        }
        str::from_utf8(bytes).map_err(|_| Refusal::new("chunk_utf8"))
    }
}

/// What the last segment of a column was, to see that segments could not have been joined.
#[derive(Clone, Copy, PartialEq)]
enum Last<V> {
    Nothing,
    Null,
    Run(V),
    Literal(V),
}

/// The runs of one column: `(value or null, how often)`. A literal run comes one value at a time.
#[derive(Clone)]
struct Runs<'a, V> {
    r: Reader<'a>,
    literals: u64,
    last: Last<V>,
}

impl<'a, V: Cell<'a>> Runs<'a, V> {
    fn new(bytes: &'a [u8]) -> Self {
        Self {
            r: Reader::new(bytes),
            literals: 0,
            last: Last::Nothing,
        }
    }

    fn next(&mut self) -> Result<Option<(Option<V>, u64)>, Refusal> {
        let previous = match self.last {
            Last::Run(v) | Last::Literal(v) => Some(v),
            Last::Nothing | Last::Null => None,
        };
        if self.literals > 0 {
            self.literals -= 1;
            return self.literal(previous);
        }
        if self.r.is_empty() {
            return Ok(None);
        }
        let count = self.r.i64()?;
        if count == 0 {
            let nulls = self.r.u64()?;
            if nulls == 0 || self.last == Last::Null {
                return Err(FORM);
            }
            self.last = Last::Null;
            return Ok(Some((None, nulls)));
        }
        if count > 0 {
            let value = V::read(&mut self.r)?;
            if count == 1 || previous == Some(value) {
                return Err(FORM);
            }
            self.last = Last::Run(value);
            return Ok(Some((Some(value), count.unsigned_abs())));
        }
        if matches!(self.last, Last::Literal(_)) {
            return Err(FORM);
        }
        self.literals = count.unsigned_abs() - 1;
        self.literal(previous)
    }

    fn literal(&mut self, previous: Option<V>) -> Result<Option<(Option<V>, u64)>, Refusal> {
        let value = V::read(&mut self.r)?;
        if previous == Some(value) {
            return Err(FORM);
        }
        self.last = Last::Literal(value);
        Ok(Some((Some(value), 1)))
    }
}

/// One column row by row. An absent column is null for ever.
#[derive(Clone)]
pub(super) struct Rows<'a, V> {
    runs: Runs<'a, V>,
    value: Option<V>,
    left: u64,
}

impl<'a, V: Cell<'a>> Rows<'a, V> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self {
            runs: Runs::new(bytes),
            value: None,
            left: 0,
        }
    }

    pub(super) fn next(&mut self) -> Result<Option<V>, Refusal> {
        if self.left == 0 {
            let Some((value, count)) = self.runs.next()? else {
                return Ok(None);
            };
            (self.value, self.left) = (value, count);
        }
        self.left -= 1;
        Ok(self.value)
    }
}

/// A column of booleans row by row.
#[derive(Clone)]
pub(super) struct Flags<'a> {
    r: Reader<'a>,
    value: bool,
    left: u64,
}

impl<'a> Flags<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self {
            r: Reader::new(bytes),
            value: true,
            left: 0,
        }
    }

    pub(super) fn next(&mut self) -> Result<bool, Refusal> {
        while self.left == 0 {
            self.left = self.r.u64()?;
            self.value = !self.value;
        }
        self.left -= 1;
        Ok(self.value)
    }
}

/// How many rows a column of numbers has, walking its runs only.
pub(crate) fn rows(bytes: &[u8]) -> Result<u64, Refusal> {
    count::<u64>(bytes, false, |_, _| Ok(()))
}

/// Walks the runs of a column and counts its rows.
fn count<'a, V: Cell<'a>>(
    bytes: &'a [u8],
    nullable: bool,
    mut each: impl FnMut(V, u64) -> Result<(), Refusal>,
) -> Result<u64, Refusal> {
    let mut runs = Runs::<V>::new(bytes);
    let mut rows = 0u64;
    let mut values = false;
    while let Some((value, count)) = runs.next()? {
        rows = rows.checked_add(count).ok_or(ROWS)?;
        match value {
            Some(value) => {
                values = true;
                each(value, count)?;
            }
            None if nullable => {}
            None => return Err(FORM),
        }
    }
    // A column of nulls only is left out.
    if rows > 0 && !values {
        Err(FORM)
    } else {
        Ok(rows)
    }
}

/// What the rows of a column weigh together, nulls too, by its runs.
pub(super) fn weighed<'a, V: Cell<'a>>(
    bytes: &'a [u8],
    weight: impl Fn(Option<V>) -> u64,
) -> Result<u64, Refusal> {
    let mut runs = Runs::<V>::new(bytes);
    let mut sum = 0u64;
    while let Some((value, count)) = runs.next()? {
        sum = sum.saturating_add(count.saturating_mul(weight(value)));
    }
    Ok(sum)
}

pub(super) fn count_flags(bytes: &[u8]) -> Result<u64, Refusal> {
    let mut r = Reader::new(bytes);
    let mut rows = 0u64;
    let mut first = true;
    while !r.is_empty() {
        let run = r.u64()?;
        if run == 0 && (!first || r.is_empty()) {
            return Err(FORM);
        }
        first = false;
        rows = rows.checked_add(run).ok_or(ROWS)?;
    }
    Ok(rows)
}

/// Walks every column's runs without expanding any, holds their sums to the limits and to each
/// other, and returns the number of operations.
pub(super) fn check(chunk: &Chunk<'_>, limits: &Limits) -> Result<u64, Refusal> {
    let ops = rows(chunk.column(Column::Action))?;
    if ops == 0 {
        return Err(Refusal::new("no_operations"));
    }
    if ops > limits.change_ops {
        return Err(Refusal::new("too_many_operations"));
    }
    let as_many = |rows: u64| if rows == ops { Ok(()) } else { Err(ROWS) };
    let or_none = |rows: u64| if rows == 0 { Ok(()) } else { as_many(rows) };
    let any = |_: u64, _: u64| Ok(());

    or_none(count::<u64>(chunk.column(Column::ObjActor), true, any)?)?;
    or_none(count::<u64>(chunk.column(Column::ObjCounter), true, any)?)?;
    or_none(count::<u64>(chunk.column(Column::KeyActor), true, any)?)?;
    or_none(count::<i64>(
        chunk.column(Column::KeyCounter),
        true,
        |_, _| Ok(()),
    )?)?;
    let mut key_bytes = 0u64;
    or_none(count::<&str>(
        chunk.column(Column::KeyString),
        true,
        |key, times| {
            key_bytes = key_bytes.saturating_add(times.saturating_mul(key.len() as u64));
            if key_bytes > limits.key_bytes {
                Err(Refusal::new("too_much_text"))
            } else {
                Ok(())
            }
        },
    )?)?;
    as_many(count_flags(chunk.column(Column::Insert))?)?;

    // The low four bits of a value's description are its type, the rest its length.
    let mut value_bytes = 0u64;
    as_many(count::<u64>(
        chunk.column(Column::ValueMeta),
        false,
        |meta, times| {
            value_bytes = value_bytes.saturating_add(times.saturating_mul(meta >> 4));
            Ok(())
        },
    )?)?;
    if value_bytes != chunk.column(Column::Value).len() as u64 {
        return Err(Refusal::new("value_length"));
    }

    let mut preds = 0u64;
    as_many(count::<u64>(
        chunk.column(Column::PredCount),
        false,
        |each, times| {
            preds = preds.saturating_add(times.saturating_mul(each));
            Ok(())
        },
    )?)?;
    if preds > limits.preds {
        return Err(Refusal::new("too_many_predecessors"));
    }
    let listed = count::<u64>(chunk.column(Column::PredActor), false, any)?;
    let counters = count::<i64>(chunk.column(Column::PredCounter), false, |_, _| Ok(()))?;
    if listed != preds || counters != preds {
        return Err(ROWS);
    }
    Ok(ops)
}
