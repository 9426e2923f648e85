//! The story: what everybody writes, and when the network is away. Every part is told once; a run
//! that was killed in the middle goes on where it stopped.

use std::thread;

use jiff::civil::Date;
use sopu_core::id::{DocId, SpaceId};
use sopu_core::transport::Transport;

use super::cast::{Client, PEOPLE};
use super::chance::Chance;
use super::company::Company;
use super::error::{DemoError, Result};
use super::memory::Memory;
use super::phone::Phone;
use super::phone_clock::moment;
use super::traffic::Traffic;

mod another_day;
mod base;
mod care_day;
mod farm_day;
mod office_day;
mod schedule;

/// Everything a part of the story needs.
pub struct Story<'a> {
    /// What earlier runs did.
    pub memory: &'a Memory,
    /// Spaces and members.
    pub company: &'a Company,
    /// The clients.
    pub clients: &'a [Client],
    /// The devices, in the order of the cast.
    pub phones: Vec<Phone>,
    /// The way to the relay.
    pub relay: &'a dyn Transport,
    /// Waits until the relay has merged what it was given.
    pub settle: &'a dyn Fn() -> Result<()>,
    /// Every sync of this run.
    pub traffic: Traffic,
    /// What happened, a sentence each.
    pub happened: Vec<String>,
    /// What should have held and did not.
    pub broken: Vec<String>,
}

impl Story<'_> {
    /// Tells whatever is not told yet. `run` is the number of this start.
    pub fn tell(&mut self, run: u32) -> Result<()> {
        if self.memory.told("the day") {
            return self.another_day(run);
        }
        // What a killed run left on the devices goes out first.
        self.exchange("before")?;
        self.base()?;
        self.exchange("base")?;
        self.plan_the_day()?;
        self.exchange("plan")?;
        self.care_day()?;
        self.farm_day()?;
        self.office_day()?;
        self.memory.tell("the day")?;
        self.happened = self.memory.sentences();
        Ok(())
    }

    /// One part, unless it is told already.
    fn once(&mut self, part: &str, tell: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        if !self.memory.told(part) {
            tell(self)?;
            self.memory.tell(part)?;
        }
        Ok(())
    }

    /// Lets these people write at the same time, each on a thread of their own.
    fn at_once<F>(&mut self, who: &[&str], work: F) -> Result<()>
    where
        F: Fn(&mut Phone) -> Result<()> + Sync,
    {
        let work = &work;
        let writers = self
            .phones
            .iter_mut()
            .filter(|phone| who.contains(&phone.person.first));
        thread::scope(|scope| {
            let threads: Vec<_> = writers
                .map(|phone| scope.spawn(move || work(phone)))
                .collect();
            threads.into_iter().try_for_each(|thread| {
                thread
                    .join()
                    .unwrap_or_else(|_| Err(DemoError::Story("a writer panicked".to_owned())))
            })
        })
    }

    /// The device of this person, at this hour of the story's day.
    fn at(&mut self, first: &str, hour: i8, minute: i8) -> Result<&mut Phone> {
        let day = self.day();
        let phone = self.phone(first)?;
        phone.clock.set(moment(day, hour, minute));
        Ok(phone)
    }

    /// The device of this person.
    fn phone(&mut self, first: &str) -> Result<&mut Phone> {
        let found = self
            .phones
            .iter_mut()
            .find(|phone| phone.person.first == first);
        found.ok_or_else(|| DemoError::Story(format!("nobody is called {first}")))
    }

    /// The member id of this person.
    fn member(&self, first: &str) -> String {
        self.company
            .members
            .get(first)
            .map(ToString::to_string)
            .unwrap_or_default()
    }

    /// The space of this name.
    fn space(&self, name: &str) -> Result<SpaceId> {
        let found = self.company.spaces.get(name).copied();
        found.ok_or_else(|| DemoError::Story(format!("there is no space {name}")))
    }

    /// The document kept under this label.
    fn doc(&self, label: &str) -> Result<DocId> {
        let id = self.memory.find(label).and_then(|id| id.parse().ok());
        id.map(DocId)
            .ok_or_else(|| DemoError::Story(format!("there is no document {label}")))
    }

    fn day(&self) -> Date {
        self.memory.day()
    }

    fn chance(&self, label: &str) -> Chance {
        Chance::new(self.memory.seed(), label)
    }

    fn happened(&mut self, what: impl AsRef<str>) -> Result<()> {
        Ok(self.memory.say(what.as_ref())?)
    }

    /// Everybody hands over what they have and takes home what the others had.
    fn exchange(&mut self, label: &str) -> Result<()> {
        self.sync_all(&format!("{label}, out"))?;
        (self.settle)()?;
        self.sync_all(&format!("{label}, home"))
    }

    /// Everybody meets the network, in an order of its own.
    fn sync_all(&mut self, label: &str) -> Result<()> {
        let mut order: Vec<&str> = PEOPLE.iter().map(|person| person.first).collect();
        self.chance(label).shuffle(&mut order);
        for first in order {
            self.sync(first, label)?;
        }
        Ok(())
    }

    /// One person meets the network.
    fn sync(&mut self, first: &str, label: &str) -> Result<()> {
        let relay = self.relay;
        let phone = self.phone(first)?;
        phone.clock.follow();
        let report = phone.sync(relay)?;
        self.traffic.note(first, label, &report);
        Ok(())
    }

    /// The last act: the network is back, people find it one after another, some twice, until
    /// nobody has anything to say or to hear. Gives the number of rounds it took.
    pub fn come_together(&mut self) -> Result<usize> {
        const MOST_ROUNDS: usize = 12;
        for round in 1..=MOST_ROUNDS {
            let label = format!("together {round}");
            let mut order: Vec<&str> = PEOPLE.iter().map(|person| person.first).collect();
            if round == 1 {
                // Some come by the network twice before others once.
                order.extend(["Aino", "Hanna", "Jukka"]);
            }
            self.chance(&label).shuffle(&mut order);
            let before = self.traffic.exchanged();
            for first in order {
                self.sync(first, &label)?;
            }
            (self.settle)()?;
            let quiet = self.traffic.exchanged() == before;
            let mut open = 0;
            for phone in &self.phones {
                let backlog = phone.said(phone.device.backlog())?;
                open += backlog.unsealed + backlog.sealed + backlog.acknowledged + backlog.refused;
            }
            if quiet && open == 0 {
                return Ok(round);
            }
        }
        self.broken.push(format!(
            "after {MOST_ROUNDS} rounds devices still had something to say"
        ));
        Ok(MOST_ROUNDS)
    }
}
