//! One benchmark's table: measures beside baselines, targets met or missed, exponents of growth.

use std::fmt::Write;

use super::amount::Amount;
use super::growth::exponent;

/// What a figure should be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Target {
    /// The figure itself, in its own unit.
    AtMost(f64),
    /// The figure itself, in its own unit.
    AtLeast(f64),
    /// Figure divided by baseline.
    RatioAtMost(f64),
    /// Figure divided by baseline.
    RatioAtLeast(f64),
}

/// One line of the table.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// What was measured.
    pub measure: String,
    /// How much.
    pub value: Amount,
    /// What the bare way costs, in the same run.
    pub baseline: Option<Amount>,
    /// What it should be.
    pub target: Option<Target>,
}

impl Row {
    /// Figure divided by baseline.
    pub fn ratio(&self) -> Option<f64> {
        self.baseline
            .filter(|baseline| baseline.number > 0.0)
            .map(|baseline| self.value.number / baseline.number)
    }

    /// Whether the target is met; `None` without a target. A ratio that cannot be taken is a miss.
    pub fn met(&self) -> Option<bool> {
        Some(match self.target? {
            Target::AtMost(most) => self.value.number <= most,
            Target::AtLeast(least) => self.value.number >= least,
            Target::RatioAtMost(most) => self.ratio().is_some_and(|ratio| ratio <= most),
            Target::RatioAtLeast(least) => self.ratio().is_some_and(|ratio| ratio >= least),
        })
    }
}

/// One benchmark.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Section {
    /// What it is about: a heading.
    pub title: String,
    rows: Vec<Row>,
    growth: Vec<(String, Option<f64>)>,
    notes: Vec<String>,
}

impl Section {
    /// An empty one under a heading.
    pub fn new(title: &str) -> Self {
        Self {
            title: title.to_owned(),
            ..Self::default()
        }
    }

    /// A figure by itself.
    pub fn row(&mut self, measure: impl Into<String>, value: Amount) -> &mut Row {
        self.rows.push(Row {
            measure: measure.into(),
            value,
            baseline: None,
            target: None,
        });
        let last = self.rows.len() - 1;
        &mut self.rows[last]
    }

    /// A figure that should be at most, or at least, so much.
    pub fn target(&mut self, measure: impl Into<String>, value: Amount, target: Target) {
        self.row(measure, value).target = Some(target);
    }

    /// A figure beside the bare way of doing the same.
    pub fn beside(
        &mut self,
        measure: impl Into<String>,
        value: Amount,
        baseline: Amount,
        target: Option<Target>,
    ) {
        let row = self.row(measure, value);
        row.baseline = Some(baseline);
        row.target = target;
    }

    /// How a cost grew over sizes: states the exponent of cost = c · size^k.
    pub fn growth(&mut self, measure: impl Into<String>, points: &[(f64, f64)]) {
        self.growth.push((measure.into(), exponent(points)));
    }

    /// A sentence below the table: what the baseline is, what was tried, what would help.
    pub fn note(&mut self, sentence: impl Into<String>) {
        self.notes.push(sentence.into());
    }

    /// Its lines.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The measures whose target was missed.
    pub fn missed(&self) -> Vec<&str> {
        let missed = self.rows.iter().filter(|row| row.met() == Some(false));
        missed.map(|row| row.measure.as_str()).collect()
    }

    /// As Markdown that also reads well on a terminal.
    pub fn markdown(&self) -> String {
        let head = ["measure", "value", "baseline", "ratio", "target", "met"].map(str::to_owned);
        let cells: Vec<[String; 6]> = std::iter::once(head)
            .chain(self.rows.iter().map(cells_of))
            .collect();
        let widths: [usize; 6] = std::array::from_fn(|column| {
            let lengths = cells.iter().map(|row| row[column].chars().count());
            lengths.max().unwrap_or(0)
        });
        let mut out = format!("### {}\n\n", self.title);
        for (number, row) in cells.iter().enumerate() {
            for (column, cell) in row.iter().enumerate() {
                let pad = " ".repeat(widths[column] - cell.chars().count());
                let _ = match column {
                    0 | 5 => write!(out, "| {cell}{pad} "),
                    _ => write!(out, "| {pad}{cell} "),
                };
            }
            out.push_str("|\n");
            if number == 0 {
                for (column, width) in widths.iter().enumerate() {
                    let line = "-".repeat(*width);
                    let right = if matches!(column, 0 | 5) { "-" } else { ":" };
                    let _ = write!(out, "|-{line}{right}");
                }
                out.push_str("|\n");
            }
        }
        if !self.growth.is_empty() {
            let stated = self
                .growth
                .iter()
                .map(|(measure, exponent)| match exponent {
                    Some(k) => format!("{measure} {k:.2}"),
                    None => format!("{measure} not known"),
                });
            let stated: Vec<String> = stated.collect();
            let _ = write!(out, "\nExponent of growth: {}.\n", stated.join(", "));
        }
        for note in &self.notes {
            let _ = write!(out, "\n{note}\n");
        }
        out
    }
}

fn cells_of(row: &Row) -> [String; 6] {
    let in_unit = |number| Amount {
        number,
        unit: row.value.unit,
    };
    let target = row.target.map_or_else(String::new, |target| match target {
        Target::AtMost(most) => format!("≤ {}", in_unit(most)),
        Target::AtLeast(least) => format!("≥ {}", in_unit(least)),
        Target::RatioAtMost(most) => format!("≤ {most} ×"),
        Target::RatioAtLeast(least) => format!("≥ {least} ×"),
    });
    let met = match row.met() {
        Some(true) => "met",
        Some(false) => "MISSED",
        None => "",
    };
    [
        row.measure.replace('|', "/"),
        row.value.to_string(),
        row.baseline.map_or_else(String::new, |b| b.to_string()),
        row.ratio()
            .map_or_else(String::new, |r| format!("{r:.2} ×")),
        target,
        met.to_owned(),
    ]
}

/// A target in seconds given in milliseconds.
pub fn ms(number: f64) -> f64 {
    number / 1e3
}

/// A target in bytes of memory given in MiB.
pub fn mib(number: f64) -> f64 {
    number * 1_048_576.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missed_target_is_printed_as_missed() {
        let mut section = Section::new("A day");
        section.target("requests", Amount::count(1), Target::AtMost(1.0));
        let (value, baseline) = (Amount::bytes(300), Amount::bytes(100));
        section.beside("up", value, baseline, Some(Target::RatioAtMost(2.0)));
        section.beside(
            "no baseline",
            value,
            Amount::bytes(0),
            Some(Target::RatioAtMost(2.0)),
        );
        section.growth("up", &[(1.0, 1.0), (10.0, 10.0)]);
        let shown = section.markdown();
        assert_eq!(section.missed(), ["up", "no baseline"], "{shown}");
        let words: Vec<&str> = shown.split_whitespace().collect();
        let shown = words.join(" ");
        let line = "| up | 300 B | 100 B | 3.00 × | ≤ 2 × | MISSED |";
        assert!(shown.contains(line), "{shown}");
        assert!(
            shown.contains("| requests | 1 | | | ≤ 1 | met |"),
            "{shown}"
        );
        assert!(shown.contains("Exponent of growth: up 1.00."), "{shown}");
    }
}
