//! Reading bytes forward, numbers in their shortest LEB128 form only: one value has one form, or
//! two different byte strings would rebuild to one change.

use crate::guard::Refusal;

/// Reads forward over borrowed bytes; every method refuses rather than reads past the end.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Over all of these bytes.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Whether everything was read.
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// How many bytes are left.
    pub fn left(&self) -> usize {
        self.rest.len()
    }

    /// The next bytes.
    pub fn take(&mut self, count: usize) -> Result<&'a [u8], Refusal> {
        let (head, rest) = self
            .rest
            .split_at_checked(count)
            .ok_or(Refusal::new("chunk_truncated"))?;
        self.rest = rest;
        Ok(head)
    }

    /// A length and as many bytes.
    pub fn prefixed(&mut self) -> Result<&'a [u8], Refusal> {
        let len = self.length()?;
        self.take(len)
    }

    /// A count of things that take at least a byte each, so never more than what is left.
    pub fn length(&mut self) -> Result<usize, Refusal> {
        let value = self.u64()?;
        usize::try_from(value)
            .ok()
            .filter(|len| *len <= self.rest.len())
            .ok_or(Refusal::new("chunk_truncated"))
    }

    /// Unsigned LEB128.
    pub fn u64(&mut self) -> Result<u64, Refusal> {
        let mut value = 0u64;
        for shift in (0..).step_by(7) {
            let byte = self.take(1)?[0];
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                return Err(Refusal::new("number_too_large"));
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                if shift > 0 && byte == 0 {
                    return Err(Refusal::new("number_overlong"));
                }
                return Ok(value);
            }
            if shift == 63 {
                break;
            }
        }
        Err(Refusal::new("number_too_large"))
    }

    /// Signed LEB128.
    pub fn i64(&mut self) -> Result<i64, Refusal> {
        let mut value = 0i64;
        let mut previous = 0u8;
        for shift in (0..).step_by(7) {
            let byte = self.take(1)?[0];
            // The tenth byte holds one bit of value and nothing but its sign beyond.
            if shift == 63 && byte != 0 && byte != 0x7f {
                return Err(Refusal::new("number_too_large"));
            }
            value |= i64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                let negative = previous & 0x40 != 0;
                if shift > 0 && ((byte == 0 && !negative) || (byte == 0x7f && negative)) {
                    return Err(Refusal::new("number_overlong"));
                }
                if shift < 57 && byte & 0x40 != 0 {
                    value |= -1i64 << (shift + 7);
                }
                return Ok(value);
            }
            if shift == 63 {
                break;
            }
            previous = byte;
        }
        Err(Refusal::new("number_too_large"))
    }
}

/// Appends unsigned LEB128.
pub fn write_u64(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value as u8) | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends signed LEB128.
pub fn write_i64(out: &mut Vec<u8>, mut value: i64) {
    loop {
        let byte = (value as u8) & 0x7f;
        value >>= 7;
        if (value == 0 && byte & 0x40 == 0) || (value == -1 && byte & 0x40 != 0) {
            out.push(byte);
            return;
        }
        out.push(byte | 0x80);
    }
}
