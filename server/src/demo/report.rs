//! What is printed: plain words, 100 columns.

use std::collections::BTreeMap;
use std::io::Write;

use serde_json::Value;
use sopu_core::documents::Kind;
use sopu_core::findings::{Finding, Severity};
use sopu_core::id::{DocId, Hash, SpaceId};
use sopu_core::provenance::provenance;
use sopu_core::read::at_path;
use sopu_core::store::list::{Query, list};

use super::cast::PEOPLE;
use super::check::Check;
use super::company::Company;
use super::error::{DemoError, Result};
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
        let decisions = decisions(house, company)?;
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

/// What came out, in words.
#[derive(Debug, Default)]
pub struct Decisions {
    /// One line a conflict.
    pub conflicts: Vec<String>,
    /// Where, by severity, rule and code.
    pub findings: BTreeMap<(Severity, &'static str, &'static str), Vec<String>>,
}

fn decisions(house: &House, company: &Company) -> Result<Decisions> {
    let mut decisions = Decisions::default();
    let record = house.relay.record();
    let failed = |why: sopu_core::store::StoreError| DemoError::Relay(why.to_string());
    let names: BTreeMap<SpaceId, &str> = company
        .spaces
        .iter()
        .map(|(name, id)| (*id, name.as_str()))
        .collect();
    let query = Query {
        conflicts_only: true,
        limit: 1_000,
        ..Query::default()
    };
    for row in list(record.store().conn(), &query).map_err(failed)?.rows {
        let loaded = record.store().document(row.doc).map_err(failed)?;
        let reading = sopu_core::read::read(&loaded.am, loaded.kind);
        let asked: Vec<Hash> = reading
            .conflicts
            .iter()
            .flat_map(|conflict| conflict.values.iter().map(|live| live.change))
            .collect();
        let writers = provenance(record.store().conn(), &loaded, &asked).map_err(failed)?;
        for conflict in &reading.conflicts {
            let mut values: Vec<String> = conflict
                .values
                .iter()
                .map(|live| {
                    let member = writers
                        .get(&live.change)
                        .and_then(|by| by.member_name.as_deref());
                    let first = member
                        .and_then(|name| name.split(' ').next())
                        .unwrap_or("somebody");
                    format!("{first} says {}", short(&live.value))
                })
                .collect();
            values.sort();
            let field = field_words(&reading.value, &conflict.path);
            let place = names.get(&row.space).copied().unwrap_or_default();
            let kind = kind_word(row.kind);
            decisions
                .conflicts
                .push(format!("{place}, {kind}, {field}: {}", values.join(", ")));
        }
    }
    decisions.conflicts.sort();
    let mut views = Vec::new();
    for space in names.keys() {
        sopu_core::store::view::each(record.store().conn(), *space, &mut |view| views.push(view))
            .map_err(failed)?;
    }
    let places: BTreeMap<DocId, SpaceId> =
        views.iter().map(|view| (view.doc, view.space)).collect();
    let views: Vec<_> = views
        .into_iter()
        .map(sopu_core::findings::View::from)
        .collect();
    let now_ms = house.relay.env().now_ms();
    let inside = sopu_core::findings::findings(&views, now_ms);
    let across = sopu_core::findings::findings_across(&views, now_ms);
    for finding in inside.iter().chain(&across) {
        let space = finding.docs.first().and_then(|doc| places.get(doc));
        let place = space
            .and_then(|space| names.get(space))
            .copied()
            .unwrap_or_default();
        let at = (finding.severity, finding.rule, finding.code);
        decisions
            .findings
            .entry(at)
            .or_default()
            .push(place_words(place, finding));
    }
    Ok(decisions)
}

/// The place, and the figures that matter.
fn place_words(place: &str, finding: &Finding) -> String {
    let fact = |name: &str| finding.facts.get(name).map(short);
    let more = match finding.code {
        "quota_overdrawn" => fact("over")
            .zip(fact("limit"))
            .map(|(over, limit)| format!("{over} h over {limit} h")),
        "clock_off" => finding
            .facts
            .get("offset_ms")
            .and_then(Value::as_i64)
            .map(|ms| clock(-ms / 1_000)),
        "no_contract_in_force" => fact("reason"),
        "duplicate_party" => fact("business_id"),
        _ => None,
    };
    match (finding.code, more) {
        // Whose visits they were says less than how wrong it was.
        ("clock_off", Some(more)) => more,
        (_, Some(more)) => format!("{place} ({more})"),
        (_, None) => place.to_owned(),
    }
}

/// Equal places once, with how often; at most three, and how many more there are.
fn counted(places: &[String]) -> String {
    const MOST: usize = 3;
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for place in places {
        *counts.entry(place).or_default() += 1;
    }
    let mut parts: Vec<String> = counts
        .iter()
        .take(MOST)
        .map(|(place, count)| match count {
            1 => (*place).to_owned(),
            many => format!("{place}, {many} times"),
        })
        .collect();
    if counts.len() > MOST {
        parts.push(format!("{} more places", counts.len() - MOST));
    }
    parts.join("; ")
}

fn words(code: &str) -> String {
    match code {
        "quota_overdrawn" => "quota overdrawn",
        "changed_after_signing" => "changed after signing",
        "changed_after_locking" => "changed after locking",
        "signed_other_content" => "signatures on different versions",
        "client_double_booked" => "client booked twice at the same time",
        "worker_double_booked" => "worker booked twice at the same time",
        "two_doers" => "two workers on a visit planned for one",
        "visit_recorded_twice" => "one visit recorded twice",
        "dose_given_twice" => "a dose may have been given twice",
        "changed_after_finalising" => "note changed after it was closed",
        "no_contract_in_force" => "no contract in force on the day of the visit",
        "duplicate_party" => "one firm entered twice",
        "clock_off" => "a device's clock was wrong",
        "worker_in_two_places" => "a worker in two places at once",
        "starts_in_future" => "a visit in the future",
        "ends_before_start" => "a visit that ends before it begins",
        "removed_item_edited" => "edited by one, removed by another",
        "entry_edited_by_other" => "a care entry written in by somebody else",
        "entries_differ" => "two devices drew different amounts for one visit",
        other => return other.replace('_', " "),
    }
    .to_owned()
}

fn kind_word(kind: Kind) -> &'static str {
    match kind {
        Kind::Contract => "contract",
        Kind::VisitNote => "visit note",
        Kind::ServiceListing => "listing",
    }
}

/// A path without ids: `followups.0190….due` is "due of a follow-up".
fn field_words(value: &Value, path: &str) -> String {
    let parts: Vec<&str> = path.split('.').collect();
    match parts.as_slice() {
        ["followups", _, field] => format!("{field} of a follow-up"),
        [items, key, field] => {
            let named = at_path(value, &format!("{items}.{key}.name")).and_then(Value::as_str);
            let items = items.trim_end_matches('s').replace('_', " ");
            named.map_or_else(
                || format!("{field} of a {items}"),
                |name| format!("{field} of {items} {name}"),
            )
        }
        _ => path.replace('_', " "),
    }
}

fn short(value: &Value) -> String {
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
        other => other.to_string(),
    }
}

fn instant(ms: i64) -> String {
    let zone = jiff::tz::TimeZone::get("Europe/Helsinki").unwrap_or(jiff::tz::TimeZone::UTC);
    jiff::Timestamp::from_millisecond(ms)
        .map(|at| at.to_zoned(zone).strftime("%-d.%-m. %H.%M").to_string())
        .unwrap_or_default()
}

/// "11 min fast", "3 min slow", "right".
fn clock(ahead_s: i64) -> String {
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

    #[test]
    fn the_same_place_is_told_once() {
        let places: Vec<String> = ["b", "a", "a", "c", "d", "e"].map(str::to_owned).into();
        assert_eq!(counted(&places), "a, 2 times; b; c; 2 more places");
    }

    #[test]
    fn a_path_is_told_without_its_ids() {
        let value = serde_json::json!({});
        assert_eq!(
            field_words(&value, "followups.0190.due"),
            "due of a follow-up"
        );
        assert_eq!(field_words(&value, "quotas.0190.limit"), "limit of a quota");
        assert_eq!(field_words(&value, "outcome"), "outcome");
    }
}
