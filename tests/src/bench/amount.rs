//! A figure with its unit.

use std::fmt;

/// What a figure counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Bytes.
    Bytes,
    /// Bytes of memory, shown in MiB.
    Memory,
    /// Things: requests, flushes, allocations, instructions.
    Count,
    /// Seconds, shown in the unit that fits.
    Time,
    /// Things in a second.
    PerSecond,
}

/// A figure with its unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Amount {
    /// The figure: bytes, things, seconds or things in a second.
    pub number: f64,
    /// Of what.
    pub unit: Unit,
}

impl Amount {
    /// Bytes.
    pub fn bytes(number: usize) -> Self {
        Self::of(number as f64, Unit::Bytes)
    }

    /// Bytes of memory.
    pub fn memory(bytes: u64) -> Self {
        Self::of(bytes as f64, Unit::Memory)
    }

    /// Things.
    pub fn count(number: impl Into<f64>) -> Self {
        Self::of(number.into(), Unit::Count)
    }

    /// Seconds.
    pub fn seconds(number: f64) -> Self {
        Self::of(number, Unit::Time)
    }

    /// Things in a second.
    pub fn per_second(number: f64) -> Self {
        Self::of(number, Unit::PerSecond)
    }

    fn of(number: f64, unit: Unit) -> Self {
        Self { number, unit }
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let n = self.number;
        match self.unit {
            Unit::Bytes => write!(f, "{} B", thousands(n)),
            Unit::Memory => write!(f, "{:.1} MiB", n / 1_048_576.0),
            Unit::Count => f.write_str(&thousands(n)),
            Unit::Time if n >= 1.0 => write!(f, "{n:.2} s"),
            Unit::Time if n >= 1e-3 => write!(f, "{} ms", short(n * 1e3)),
            Unit::Time => write!(f, "{} µs", short(n * 1e6)),
            Unit::PerSecond => write!(f, "{}/s", thousands(n)),
        }
    }
}

/// Three figures that mean something.
fn short(n: f64) -> String {
    if n >= 100.0 {
        format!("{n:.0}")
    } else if n >= 10.0 {
        format!("{n:.1}")
    } else {
        format!("{n:.2}")
    }
}

/// Whole numbers in groups of three; small ones with a decimal if they have one.
fn thousands(n: f64) -> String {
    if n.abs() < 100.0 && n.fract() != 0.0 {
        return format!("{n:.1}");
    }
    let digits = format!("{:.0}", n.abs());
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(' ');
        }
        out.push(digit);
    }
    if n < 0.0 { format!("-{out}") } else { out }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_read_well() {
        let shown = [
            Amount::bytes(12_345_678),
            Amount::memory(67_108_864),
            Amount::count(1.5),
            Amount::count(999),
            Amount::seconds(0.000_001_234),
            Amount::seconds(0.25),
            Amount::seconds(2.0),
            Amount::per_second(61_000.4),
        ]
        .map(|amount| amount.to_string());
        assert_eq!(
            shown,
            [
                "12 345 678 B",
                "64.0 MiB",
                "1.5",
                "999",
                "1.23 µs",
                "250 ms",
                "2.00 s",
                "61 000/s"
            ]
        );
    }
}
