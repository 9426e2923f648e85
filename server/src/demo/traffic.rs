//! What each sync of a run cost and brought.

use std::collections::BTreeMap;

use sopu_core::device::SyncReport;

/// Every sync of a run, in order.
#[derive(Debug, Default)]
pub struct Traffic {
    lines: Vec<Line>,
}

/// One sync.
#[derive(Clone, Debug)]
pub struct Line {
    /// Who.
    pub who: &'static str,
    /// In which part of the story.
    pub part: String,
    /// What it did.
    pub report: SyncReport,
}

impl Traffic {
    /// Notes a sync of this person.
    pub fn note(&mut self, who: &str, part: &str, report: &SyncReport) {
        let who = super::cast::PEOPLE
            .iter()
            .map(|p| p.first)
            .find(|first| *first == who);
        self.lines.push(Line {
            who: who.unwrap_or("?"),
            part: part.to_owned(),
            report: report.clone(),
        });
    }

    /// Every sync of the parts that begin like this, in order.
    pub fn of(&self, part: &str) -> impl Iterator<Item = &Line> {
        self.lines
            .iter()
            .filter(move |line| line.part.starts_with(part))
    }

    /// Envelopes handed over and taken in so far.
    pub fn exchanged(&self) -> u64 {
        let of = |report: &SyncReport| {
            u64::from(report.acknowledged) + u64::from(report.received) + u64::from(report.replayed)
        };
        self.lines.iter().map(|line| of(&line.report)).sum()
    }

    /// Requests, bytes up and bytes down of each part, in order of first appearance.
    pub fn totals(&self) -> BTreeMap<&'static str, (u32, u64, u64)> {
        let mut totals: BTreeMap<&'static str, (u32, u64, u64)> = BTreeMap::new();
        for line in &self.lines {
            let (requests, up, down) = totals.entry(line.who).or_default();
            *requests += line.report.requests;
            *up += line.report.bytes_up;
            *down += line.report.bytes_down;
        }
        totals
    }
}
