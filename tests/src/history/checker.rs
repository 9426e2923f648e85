//! Judges a history: what was promised and is not there, what was read and cannot be.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::facts::{Facts, Save};
use super::order::Order;
use super::{Event, What};

/// The replica name of every reader of the office pages.
pub const OFFICE: &str = "office";

/// How long the merged record may lag behind the feed before a page counts as stale. It follows at once, and
/// before a relay that starts again answers: no read of the runs in `tests/crash.rs` was ever behind
/// ([`office_lag_ns`]). The rest is for a machine that does not let the relay run for that long.
const OFFICE_LAG_NS: u64 = 2_000_000_000;

/// Something that must not be. Each names a mark or document to look for in the file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// The device said saved, its store is there, and nobody has it.
    LostSave(char),
    /// The relay said it has it, and a replica does not.
    LostAcknowledged(char, String),
    /// A device does not show what it had saved.
    OwnWriteMissing(char, String),
    /// A replica does not show any more what it showed before.
    WentBack(char, String),
    /// A replica's place in a feed is lower than before.
    CursorWentBack(String),
    /// In the feed before a complete sync began, and not there after it.
    Stale(char, String),
    /// A replica shows the second mark without the first, which it was made upon.
    CauseMissing(char, char, String),
    /// Two reads show these in different orders.
    OrderCycle(char, char),
    /// A mark stands more than once, or in two documents.
    Duplicated(char, String),
    /// Nobody saved this mark before it was read or told of.
    Unheard(char),
    /// Replicas end with different content of this document.
    Diverged(String),
    /// A replica says nothing of this document at the end.
    NoEnding(String, String),
    /// A replica whose store is not gone did not tell of all it holds at the end.
    NotEnded(String),
}

impl Fault {
    /// Its name alone.
    pub fn name(&self) -> &'static str {
        match self {
            Fault::LostSave(..) => "lost-save",
            Fault::LostAcknowledged(..) => "lost-acknowledged",
            Fault::OwnWriteMissing(..) => "own-write-missing",
            Fault::WentBack(..) => "went-back",
            Fault::CursorWentBack(..) => "cursor-went-back",
            Fault::Stale(..) => "stale",
            Fault::CauseMissing(..) => "cause-missing",
            Fault::OrderCycle(..) => "order-cycle",
            Fault::Duplicated(..) => "duplicated",
            Fault::Unheard(..) => "unheard",
            Fault::Diverged(..) => "diverged",
            Fault::NoEnding(..) => "no-ending",
            Fault::NotEnded(..) => "not-ended",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {self:?}", self.name())
    }
}

/// Every fault of a history ordered by time; none in a good one.
pub fn check(events: &[Event]) -> BTreeSet<Fault> {
    let facts = Facts::of(events);
    let mut faults: BTreeSet<Fault> = facts.unheard.iter().copied().map(Fault::Unheard).collect();
    reads(events, &facts, &mut faults);
    orders(events, &mut faults);
    endings(events, &facts, &mut faults);
    faults
}

/// What one replica owes to a read that begins now, by document.
#[derive(Default)]
struct Owed {
    /// Shown before.
    shown: BTreeMap<String, BTreeSet<char>>,
    /// Saved here.
    own: BTreeMap<String, BTreeSet<char>>,
    /// In the feed before a complete sync began.
    synced: BTreeMap<String, BTreeSet<char>>,
    /// The highest place it told of, by document.
    seq: BTreeMap<String, u64>,
}

fn reads(events: &[Event], facts: &Facts, faults: &mut BTreeSet<Fault>) {
    let mut owed: BTreeMap<&str, Owed> = BTreeMap::new();
    // What a read owes is fixed when it begins.
    let mut asked: BTreeMap<(&str, u64), Debt> = BTreeMap::new();
    for event in events {
        let replica = event.replica.as_str();
        let mine = owed.entry(replica).or_default();
        match &event.what {
            What::Reading { doc } => {
                let debt = Debt {
                    shown: mine.shown.get(doc).cloned().unwrap_or_default(),
                    own: mine.own.get(doc).cloned().unwrap_or_default(),
                    synced: mine.synced.get(doc).cloned().unwrap_or_default(),
                    seq: mine.seq.get(doc).copied().unwrap_or(0),
                };
                asked.insert((replica, event.op), debt);
            }
            What::Read { doc, marks, seq } => {
                let debt = asked.remove(&(replica, event.op)).unwrap_or_default();
                one_read(event, doc, marks, *seq, &debt, facts, faults);
                let shown = mine.shown.entry(doc.clone()).or_default();
                shown.extend(marks.chars());
                if let Some(seq) = seq {
                    let highest = mine.seq.entry(doc.clone()).or_default();
                    *highest = (*highest).max(*seq);
                }
            }
            What::Saved { mark } => {
                if let Some(save) = facts.saves.get(mark) {
                    let own = mine.own.entry(save.doc.clone()).or_default();
                    own.insert(*mark);
                }
            }
            What::Synced { complete: true } => {
                let began = facts.began_ns(event);
                let settled = |at: Option<u64>| at.is_some_and(|at| at < began);
                for (mark, save) in facts.saves.iter().filter(|(_, s)| settled(s.settled_ns)) {
                    let synced = mine.synced.entry(save.doc.clone()).or_default();
                    synced.insert(*mark);
                }
            }
            What::Saving { .. }
            | What::Syncing
            | What::Synced { complete: false }
            | What::Acknowledged { .. }
            | What::Settled { .. }
            | What::Failed { .. }
            | What::Gone
            | What::Ending { .. }
            | What::Ended => {}
        }
    }
}

/// What one read owes.
#[derive(Default)]
struct Debt {
    shown: BTreeSet<char>,
    own: BTreeSet<char>,
    synced: BTreeSet<char>,
    seq: u64,
}

fn one_read(
    event: &Event,
    doc: &str,
    marks: &str,
    seq: Option<u64>,
    debt: &Debt,
    facts: &Facts,
    faults: &mut BTreeSet<Fault>,
) {
    let replica = || event.replica.clone();
    let mut there: BTreeSet<char> = BTreeSet::new();
    for mark in marks.chars() {
        if !there.insert(mark) {
            faults.insert(Fault::Duplicated(mark, replica()));
        }
    }
    for mark in &there {
        match facts.saves.get(mark) {
            Some(save) if save.doc != doc => {
                faults.insert(Fault::Duplicated(*mark, replica()));
            }
            Some(save) if save.began_ns > event.at_ns => {
                faults.insert(Fault::Unheard(*mark));
            }
            Some(save) => {
                for cause in save.saw.difference(&there) {
                    faults.insert(Fault::CauseMissing(*cause, *mark, replica()));
                }
            }
            None => {
                faults.insert(Fault::Unheard(*mark));
            }
        }
    }
    for mark in debt.shown.difference(&there) {
        faults.insert(Fault::WentBack(*mark, replica()));
    }
    for mark in debt.own.difference(&there) {
        faults.insert(Fault::OwnWriteMissing(*mark, replica()));
    }
    for mark in debt.synced.difference(&there) {
        faults.insert(Fault::Stale(*mark, replica()));
    }
    if event.replica == OFFICE {
        for (mark, lag_ns) in behind(event, doc, &there, facts) {
            if lag_ns > OFFICE_LAG_NS {
                faults.insert(Fault::Stale(mark, replica()));
            }
        }
    }
    if seq.is_some_and(|seq| seq < debt.seq) {
        faults.insert(Fault::CursorWentBack(replica()));
    }
}

/// What a read lacks that was in the feed when it began, and for how long it had been, nanoseconds.
fn behind(
    event: &Event,
    doc: &str,
    there: &BTreeSet<char>,
    facts: &Facts,
) -> impl Iterator<Item = (char, u64)> {
    let began = facts.began_ns(event);
    let lacking = move |(mark, save): (&char, &Save)| {
        let since = began.checked_sub(save.settled_ns?)?;
        (save.doc == doc && since > 0 && !there.contains(mark)).then_some((*mark, since))
    };
    facts.saves.iter().filter_map(lacking)
}

/// By how much the office pages were behind the feed at most, nanoseconds.
pub fn office_lag_ns(events: &[Event]) -> u64 {
    let facts = Facts::of(events);
    let office = events.iter().filter(|event| event.replica == OFFICE);
    let lags = office.filter_map(|event| {
        let What::Read { doc, marks, .. } = &event.what else {
            return None;
        };
        let there = marks.chars().collect();
        behind(event, doc, &there, &facts).map(|(_, lag)| lag).max()
    });
    lags.max().unwrap_or(0)
}

fn orders(events: &[Event], faults: &mut BTreeSet<Fault>) {
    let mut orders: BTreeMap<&str, Order> = BTreeMap::new();
    for event in events {
        if let What::Read { doc, marks, .. } | What::Ending { doc, marks, .. } = &event.what {
            orders.entry(doc).or_default().add(marks);
        }
    }
    let cycles = orders.values().filter_map(Order::cycle);
    faults.extend(cycles.map(|(first, second)| Fault::OrderCycle(first, second)));
}

fn endings(events: &[Event], facts: &Facts, faults: &mut BTreeSet<Fault>) {
    let mut docs: BTreeSet<&str> = facts.saves.values().map(|save| save.doc.as_str()).collect();
    // One that holds no document, or told of none, is judged like the others.
    let mut ends: BTreeMap<&str, BTreeMap<&str, (&str, &str)>> = facts
        .living()
        .map(|replica| (replica, BTreeMap::new()))
        .collect();
    let silent = facts.living().filter(|name| !facts.ended.contains(*name));
    faults.extend(silent.map(|name| Fault::NotEnded(name.to_owned())));
    for event in events {
        if let What::Ending { doc, marks, digest } = &event.what {
            docs.insert(doc);
            let end = ends.entry(&event.replica).or_default();
            end.insert(doc, (marks, digest));
        }
    }
    for doc in docs {
        let (mut marks, mut digests) = (BTreeSet::new(), BTreeSet::new());
        for (replica, end) in &ends {
            match end.get(doc) {
                Some((text, digest)) => {
                    marks.insert(*text);
                    digests.extend(Some(*digest).filter(|digest| !digest.is_empty()));
                }
                None => {
                    let saved = facts.saves.values().any(|save| {
                        save.doc == doc
                            && (save.acknowledged_ns.is_some()
                                || (save.saved_ns.is_some() && !facts.gone.contains(&save.replica)))
                    });
                    if saved {
                        faults.insert(Fault::NoEnding((*replica).to_owned(), doc.to_owned()));
                    }
                }
            }
        }
        if marks.len() > 1 || digests.len() > 1 {
            faults.insert(Fault::Diverged(doc.to_owned()));
        }
    }
    for (mark, save) in &facts.saves {
        let missing: Vec<&&str> = ends
            .iter()
            .filter(|(_, end)| {
                end.get(save.doc.as_str())
                    .is_none_or(|(marks, _)| !marks.contains(*mark))
            })
            .map(|(replica, _)| replica)
            .collect();
        if save.acknowledged_ns.is_some() {
            for replica in &missing {
                faults.insert(Fault::LostAcknowledged(*mark, (**replica).to_owned()));
            }
        } else if save.saved_ns.is_some()
            && !facts.gone.contains(&save.replica)
            && !missing.is_empty()
        {
            faults.insert(Fault::LostSave(*mark));
        }
    }
}

#[cfg(test)]
mod tests;
