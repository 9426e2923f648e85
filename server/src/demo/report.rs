//! What is printed: plain words, 100 columns.

use std::io::Write;

use serde_json::Value;

use super::cast::PEOPLE;
use super::check::Check;
use super::company::Company;
use super::decisions::{Decisions, counted, words};
use super::error::Result;
use super::house::House;
use super::phone::Phone;
use super::story::Story;

/// Columns.
const WIDTH: usize = 100;

/// Where the report goes.
pub struct Report<'w> {
    out: &'w mut dyn Write,
}

impl<'w> Report<'w> {
    /// To this writer.
    pub fn new(out: &'w mut dyn Write) -> Self {
        Self { out }
    }

    /// A heading.
    pub fn heading(&mut self, text: &str) -> Result<()> {
        writeln!(self.out, "\n{text}\n{}", "-".repeat(text.chars().count()))?;
        Ok(self.out.flush()?)
    }

    /// A paragraph, wrapped; every line after the first is indented by `hang` more.
    pub fn say(&mut self, text: &str, hang: usize) -> Result<()> {
        for line in wrapped(text, WIDTH, hang) {
            writeln!(self.out, "{line}")?;
        }
        Ok(self.out.flush()?)
    }

    /// Who there is.
    pub fn cast(&mut self) -> Result<()> {
        self.heading("Who")?;
        for person in &PEOPLE {
            let line = format!(
                "  {:<9} {:<25} {:<7} clock {}",
                person.first,
                person.work,
                person.device,
                clock(person.ahead_s)
            );
            self.say(&line, 12)?;
        }
        Ok(())
    }

    /// Who wrote how much in this run.
    pub fn written(&mut self, phones: &[Phone]) -> Result<()> {
        self.heading("Written, every save durable on the device before it returned")?;
        let lines = phones.iter().filter(|phone| phone.saves > 0);
        for phone in lines {
            let (begun, saves) = (phone.begun, phone.saves);
            self.say(
                &format!(
                    "  {:<9} {begun:>3} new documents, {saves:>4} saves",
                    phone.person.first
                ),
                12,
            )?;
        }
        let (begun, saves) = phones
            .iter()
            .fold((0, 0), |(b, s), p| (b + p.begun, s + p.saves));
        self.say(
            &format!("  together  {begun:>3} new documents, {saves:>4} saves"),
            12,
        )
    }

    /// The sentences of the story.
    pub fn happened(&mut self, story: &Story<'_>) -> Result<()> {
        self.heading("What happened while the network was away")?;
        for sentence in &story.happened {
            self.say(&format!("  - {sentence}"), 4)?;
        }
        Ok(())
    }

    /// The syncs at the end, one line each, and what all cost.
    pub fn traffic(&mut self, story: &Story<'_>, rounds: usize) -> Result<()> {
        self.heading("The network is back: everybody syncs, in the order they find it (counted in runs of changes)")?;
        for line in story.traffic.of("together 1") {
            let report = &line.report;
            let requests = plural(u64::from(report.requests), "request");
            self.say(
                &format!(
                    "  {:<9} {requests:<11} {:>9} up {:>9} down   handed over {:>3}, took in {:>3}",
                    line.who,
                    bytes(report.bytes_up),
                    bytes(report.bytes_down),
                    report.acknowledged,
                    report.received,
                ),
                12,
            )?;
        }
        let quiet: Vec<_> = story
            .traffic
            .of(&format!("together {rounds}"))
            .map(|line| line.report.bytes_up + line.report.bytes_down)
            .collect();
        if rounds > 1 && !quiet.is_empty() {
            let mean = quiet.iter().sum::<u64>() / u64::try_from(quiet.len()).unwrap_or(1);
            self.say(
                &format!(
                    "  After {rounds} rounds nobody had anything new; such a sync is one request of {} in all.",
                    bytes(mean)
                ),
                2,
            )?;
        }
        let (requests, up, down) = story
            .traffic
            .totals()
            .values()
            .fold((0, 0, 0), |(r, u, d), line| {
                (r + line.0, u + line.1, d + line.2)
            });
        self.say(
            &format!(
                "  The whole run: {requests} requests, {} up, {} down, the first syncs of all devices included.",
                bytes(up),
                bytes(down)
            ),
            2,
        )
    }

    /// Conflicts and findings in the merged record.
    pub fn to_decide(&mut self, house: &House, company: &Company) -> Result<Decisions> {
        let decisions = Decisions::of(house, company)?;
        self.heading("For people to decide: fields with two values, both kept")?;
        if decisions.conflicts.is_empty() {
            self.say("  None.", 2)?;
        }
        for line in &decisions.conflicts {
            self.say(&format!("  - {line}"), 4)?;
        }
        self.heading("For people to look at: what the rules found in the merged record")?;
        if decisions.findings.is_empty() {
            self.say("  Nothing.", 2)?;
        }
        for ((severity, rule, code), places) in &decisions.findings {
            let line = format!(
                "  {:<7} {rule:<4} {}: {}",
                severity.code(),
                words(code),
                counted(places)
            );
            self.say(&line, 15)?;
        }
        Ok(decisions)
    }

    /// What the comparison gave.
    pub fn checked(&mut self, check: &Check, broken: &[String]) -> Result<bool> {
        self.heading("Check")?;
        let holds = check.differences.is_empty() && broken.is_empty();
        if holds {
            self.say(
                &format!(
                    "  {} spaces, {} documents of {} changes, compared in {} copies on {} devices: the same \
                     heads and the same content as on the relay, conflicts included. Nothing the relay \
                     acknowledged is missing from its record.",
                    check.spaces,
                    check.documents,
                    check.changes,
                    check.copies,
                    PEOPLE.len()
                ),
                2,
            )?;
        }
        for line in broken.iter().chain(&check.differences) {
            self.say(&format!("  DIFFERS  {line}"), 11)?;
        }
        Ok(holds)
    }
}

pub(super) fn short(value: &Value) -> String {
    match value {
        Value::String(text) if text.chars().count() > 40 => {
            format!("{}…", text.chars().take(40).collect::<String>())
        }
        Value::String(text) => text.clone(),
        Value::Object(parts) => match parts.get("at").and_then(Value::as_i64) {
            Some(at) => instant(at),
            None => "other parts".to_owned(),
        },
        Value::Null => "empty".to_owned(),
        other @ (Value::Bool(_) | Value::Number(_) | Value::Array(_)) => other.to_string(),
    }
}

fn instant(ms: i64) -> String {
    let zone = jiff::tz::TimeZone::get("Europe/Helsinki").unwrap_or(jiff::tz::TimeZone::UTC);
    jiff::Timestamp::from_millisecond(ms)
        .map(|at| at.to_zoned(zone).strftime("%-d.%-m. %H.%M").to_string())
        .unwrap_or_default()
}

/// "11 min fast", "3 min slow", "right".
pub(super) fn clock(ahead_s: i64) -> String {
    let way = if ahead_s > 0 { "fast" } else { "slow" };
    match ahead_s.unsigned_abs() {
        0..=5 => "right".to_owned(),
        s @ 6..=119 => format!("{s} s {way}"),
        s @ 120..=7_199 => format!("{} min {way}", (s + 30) / 60),
        s => format!("{} h {way}", (s + 1_800) / 3_600),
    }
}

fn bytes(count: u64) -> String {
    match count {
        0..=9_999 => format!("{count} B"),
        10_000..=9_999_999 => format!("{} kB", count / 1_000),
        _ => format!("{} MB", count / 1_000_000),
    }
}

fn plural(count: u64, what: &str) -> String {
    if count == 1 {
        format!("1 {what}")
    } else {
        format!("{count} {what}s")
    }
}

/// The text in lines of at most `width`, later lines indented.
fn wrapped(text: &str, width: usize, hang: usize) -> Vec<String> {
    let indent = text.len() - text.trim_start().len();
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut rest = text;
    loop {
        let room = width.saturating_sub(line.chars().count());
        if rest.chars().count() <= room {
            line.push_str(rest);
            lines.push(line);
            return lines;
        }
        let end = rest
            .char_indices()
            .nth(room)
            .map_or(rest.len(), |(at, _)| at);
        let first_line = lines.is_empty();
        let from = if first_line { indent } else { 0 };
        let cut = rest[..end]
            .rfind(' ')
            .filter(|at| *at > from)
            .unwrap_or(end);
        line.push_str(&rest[..cut]);
        lines.push(line);
        line = " ".repeat(hang);
        rest = rest[cut..].trim_start();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_never_wider_than_the_page_and_lose_no_word() {
        let text = format!("  - {}", "hoitaja käy aamulla ja illalla, ".repeat(20));
        let lines = wrapped(&text, 100, 4);
        assert!(lines.len() > 5);
        assert!(lines.iter().all(|line| line.chars().count() <= 100));
        let words = |text: &str| {
            text.split_whitespace()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        assert_eq!(words(&lines.join(" ")), words(&text));
        assert!(lines[1].starts_with("    h"));
    }

    #[test]
    fn clocks_are_told_in_words() {
        assert_eq!(clock(660), "11 min fast");
        assert_eq!(clock(-180), "3 min slow");
        assert_eq!(clock(-86_400), "24 h slow");
        assert_eq!(clock(2), "right");
    }
}
