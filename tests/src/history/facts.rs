//! What a history says of each mark.

use std::collections::{BTreeMap, BTreeSet};

use super::{Event, What};

/// One save, as far as it is known.
pub struct Save {
    /// In which document.
    pub doc: String,
    /// On which replica.
    pub replica: String,
    /// When it began.
    pub began_ns: u64,
    /// What the form showed.
    pub saw: BTreeSet<char>,
    /// When it returned, if that was told.
    pub saved_ns: Option<u64>,
    /// When the relay's word came that it has it.
    pub acknowledged_ns: Option<u64>,
    /// When the word came that it is in the feed.
    pub settled_ns: Option<u64>,
}

/// Every save, and which replicas are gone.
#[derive(Default)]
pub struct Facts {
    /// By mark.
    pub saves: BTreeMap<char, Save>,
    /// Replicas that told anything.
    pub replicas: BTreeSet<String>,
    /// Replicas that told of all they hold at the end.
    pub ended: BTreeSet<String>,
    /// Replicas whose store is gone.
    pub gone: BTreeSet<String>,
    /// Marks of which something was told before anybody had saved them.
    pub unheard: BTreeSet<char>,
    /// When each operation began.
    pub began: BTreeMap<(String, u64), u64>,
}

impl Facts {
    /// Of a history ordered by time.
    pub fn of(events: &[Event]) -> Self {
        let mut facts = Self::default();
        for event in events {
            facts.add(event);
        }
        facts
    }

    fn add(&mut self, event: &Event) {
        let at = event.at_ns;
        if !self.replicas.contains(&event.replica) {
            self.replicas.insert(event.replica.clone());
        }
        match &event.what {
            What::Saving { doc, mark, saw } => {
                self.began(event);
                let save = Save {
                    doc: doc.clone(),
                    replica: event.replica.clone(),
                    began_ns: at,
                    saw: saw.chars().collect(),
                    saved_ns: None,
                    acknowledged_ns: None,
                    settled_ns: None,
                };
                if self.saves.insert(*mark, save).is_some() {
                    self.unheard.insert(*mark);
                }
            }
            What::Saved { mark } => self.told(&mark.to_string(), |save| {
                save.saved_ns.get_or_insert(at);
            }),
            What::Acknowledged { marks } => self.told(marks, |save| {
                save.acknowledged_ns.get_or_insert(at);
            }),
            What::Settled { marks } => self.told(marks, |save| {
                save.settled_ns.get_or_insert(at);
            }),
            What::Ended => {
                self.ended.insert(event.replica.clone());
            }
            What::Gone => {
                self.gone.insert(event.replica.clone());
            }
            What::Reading { .. } | What::Syncing => self.began(event),
            What::Read { .. } | What::Synced { .. } | What::Failed { .. } | What::Ending { .. } => {
            }
        }
    }

    fn began(&mut self, event: &Event) {
        let key = (event.replica.clone(), event.op);
        self.began.insert(key, event.at_ns);
    }

    fn told(&mut self, marks: &str, mut tell: impl FnMut(&mut Save)) {
        for mark in marks.chars() {
            match self.saves.get_mut(&mark) {
                Some(save) => tell(save),
                None => {
                    self.unheard.insert(mark);
                }
            }
        }
    }

    /// Replicas that must hold everything at the end.
    pub fn living(&self) -> impl Iterator<Item = &str> {
        self.replicas.difference(&self.gone).map(String::as_str)
    }

    /// When the operation that `event` completes began; its own time if that was not told.
    pub fn began_ns(&self, event: &Event) -> u64 {
        let key = (event.replica.clone(), event.op);
        self.began.get(&key).copied().unwrap_or(event.at_ns)
    }
}
