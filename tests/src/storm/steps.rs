//! What happens in a storm, one step at a time.

use std::sync::Arc;

use sopu_core::device::{DeviceError, SyncReport};
use sopu_core::id::MemberId;
use sopu_core::store::meta;

use super::Storm;
use super::dice::Machine;
use super::line::{Exchange, Line, Weather, acknowledged};
use super::pocket::Pocket;
use super::power::Which;

/// Devices a storm ends with at most.
const MOST: usize = 7;

impl Storm {
    /// One step, and a look at what came of it.
    pub fn step(&mut self) {
        self.time.pass(1 + self.dice.below(60_000) as i64);
        match self.dice.below(40) {
            0..=2 => self.plan_power_cut(),
            3 => self.plan_trouble(),
            _ => {}
        }
        self.deliver();
        self.power_up();
        let number = self.dice.below(self.pockets.len());
        if self.pocket_on(number) {
            self.act(number);
            self.touch(number);
        }
        self.perhaps_write_at_office();
        self.perhaps_erase();
        self.perhaps_change_role();
        self.perhaps_lose_relay();
        self.power_up();
        self.watch();
        self.power_up();
        self.steps += 1;
    }

    fn act(&mut self, number: usize) {
        match self.dice.below(110) {
            0..=11 => self.create(number),
            12..=37 => self.edit(number),
            38..=47 => self.edit_stale(number),
            48..=51 => self.choose(number),
            52..=53 => self.reopen(number),
            54..=69 => self.sync(number),
            70..=74 => self.post(number),
            75..=84 => self.merge(),
            85..=86 => {
                self.say(|| "the relay starts again".into());
                self.house.switch_off();
                self.relay_on();
            }
            87..=89 => {
                self.pockets[number].device = None;
                self.pocket_on(number);
            }
            90..=91 => {
                self.say(|| format!("{number} is backed up"));
                self.pockets[number].back_up();
                self.pocket_on(number);
            }
            92..=93 => self.restore(number),
            94 => self.clone_one(number),
            95..=96 => self.membership(),
            97 => self.set_clock(number),
            98..=100 => self.repeat(number),
            101 => self.revoke(number),
            102..=103 => self.part(number),
            104..=107 => self.harm(),
            _ => self.time.pass(3_600_000),
        }
    }

    fn sync(&mut self, number: usize) {
        let up = self.relay_on();
        let alone = self.pockets[number].alone_until_ms > self.time.now_ms();
        let pocket = &mut self.pockets[number];
        let weather = Weather {
            dice: &self.dice,
            tally: &self.tally,
        };
        let relay = self.house.relay.as_ref().filter(|_| up && !alone);
        let line = Line::new(relay, Some(weather), pocket.id());
        let requests = 1 + u32::try_from(self.dice.below(6)).unwrap_or(0);
        let device = pocket.device.as_mut().expect("switched on");
        let done = device.sync_for(&line, requests);
        let seen = line.seen.into_inner().expect("one thread");
        // The device has taken in all but perhaps the last, which may have met a failing disk.
        let taken = seen.len() - usize::from(done.is_err() && !seen.is_empty());
        self.acknowledged
            .extend(seen[..taken].iter().flat_map(acknowledged));
        let told = answers(&seen);
        pocket.exchanges.extend(seen);
        let surplus = pocket.exchanges.len().saturating_sub(12);
        pocket.exchanges.drain(..surplus);
        self.say(|| format!("{number} syncs: {done:?}{told}"));
        match done {
            Ok(_) => self.settle(number),
            Err(DeviceError::Offline | DeviceError::BadAnswer) => {}
            Err(DeviceError::Refused { code }) => {
                let known = ["device_revoked", "bad_cbor", "body_unreadable"];
                let is_stranger = self.is_stranger(&code);
                self.pockets[number].stranger = is_stranger;
                let expected = is_stranger || known.contains(&&*code);
                assert!(expected, "{number} is refused: {code}");
            }
            Err(error @ DeviceError::Busy { .. }) => self.excuse_relay("answer", &error),
            Err(error) => self.excuse(number, "sync", &error),
        }
        if self.dice.once_in(3) {
            self.enrol_if_told(number);
        }
    }

    /// A device that is told to enrol again does.
    pub fn enrol_if_told(&mut self, number: usize) {
        let dead = self.pockets[number].disk.is_dead() || self.house.disk.is_dead();
        if dead || self.pockets[number].revoked || !self.relay_on() {
            return;
        }
        let stranger = std::mem::take(&mut self.pockets[number].stranger);
        match self.pockets[number].look().must_enrol_again() {
            Ok(must) if must || stranger => {
                self.say(|| format!("{number} enrols again"));
                self.enrol(number);
                self.pockets[number].exchanges.clear();
            }
            Ok(_) => {}
            Err(error) => self.excuse(number, "read", &error),
        }
    }

    /// Whether a relay says that by which lost its ledger, too, and knows no device that is newer.
    pub(super) fn is_stranger(&self, code: &str) -> bool {
        self.forgets_ledger && self.life > 0 && code == "unauthorised"
    }

    /// With nothing left to deliver, all that was saved here is at the relay.
    pub(super) fn settle(&mut self, number: usize) {
        let Ok(backlog) = self.pockets[number].look().backlog() else {
            return;
        };
        if backlog.unsealed + backlog.sealed + backlog.refused == 0 {
            for edit in std::mem::take(&mut self.pockets[number].pending) {
                self.model.edits[edit].delivered = true;
            }
        }
    }

    fn merge(&mut self) {
        if !self.relay_on() {
            return;
        }
        let steps = 1 + self.dice.below(4);
        for _ in 0..steps {
            if let Err(error) = self.relay().merge_step() {
                self.excuse_relay("merge", &error);
                break;
            }
        }
        self.merged = true;
    }

    fn restore(&mut self, number: usize) {
        let keep = self.dice.once_in(2);
        let id = self.pockets[number].id();
        if self.pockets[number].backup.is_none() {
            return;
        }
        self.copies.insert(id);
        self.tally.count("phone restored");
        self.say(|| format!("{number} is restored, instance kept: {keep}"));
        for edit in self.pockets[number].put_back(keep) {
            self.model.edits[edit].lost = true;
        }
        self.pocket_on(number);
        self.take_stock();
    }

    fn clone_one(&mut self, number: usize) {
        if self.pockets.len() >= MOST || self.pockets[number].copied {
            return;
        }
        let twin = self.pockets.len();
        let id = self.pockets[number].id();
        self.copies.insert(id);
        self.tally.count("phone cloned");
        self.say(|| format!("{number} is cloned as {twin}"));
        let folder = self.folder().join(format!("device-{twin}"));
        let machine = Machine::new(&self.time, &self.dice);
        let twin: Pocket = self.pockets[number].twin(&folder, machine);
        self.pockets.push(twin);
    }

    fn membership(&mut self) {
        let members: Vec<MemberId> = self.members.keys().copied().collect();
        let member = members[self.dice.below(members.len())];
        let space = self.spaces[self.dice.below(self.spaces.len())];
        self.tally.count("membership changed");
        if self.members[&member].contains(&space) {
            self.say(|| format!("{member} leaves {space}"));
            self.put_out(member, space);
        } else {
            self.say(|| format!("{member} joins {space}"));
            self.let_in(member, space);
        }
    }

    fn set_clock(&mut self, number: usize) {
        self.tally.count("clock jumped");
        let hours = self.dice.below(200) as i64 - 100;
        if self.dice.once_in(4) {
            self.house.machine.set_off(hours * 3_600_000);
        } else {
            self.pockets[number].machine.set_off(hours * 3_600_000);
        }
    }

    /// An old response comes once more.
    fn repeat(&mut self, number: usize) {
        let pocket = &mut self.pockets[number];
        if pocket.exchanges.is_empty() {
            return;
        }
        self.tally.count("old response again");
        let at = self.dice.below(pocket.exchanges.len());
        let (outgoing, response) = pocket.exchanges[at].clone();
        let mut report = SyncReport::default();
        let done = pocket.device().apply(&outgoing, &response, &mut report);
        self.say(|| format!("{number} gets an old response again: {done:?} {report:?}"));
        if let Err(error) = done {
            self.excuse(number, "apply", &error);
        }
    }

    /// A device is out of reach for a while.
    fn part(&mut self, number: usize) {
        self.tally.count("partition");
        let hours = 1 + self.dice.below(6) as i64;
        self.pockets[number].alone_until_ms = self.time.now_ms() + hours * 3_600_000;
    }

    fn revoke(&mut self, number: usize) {
        if self.pockets.iter().filter(|p| !p.revoked).count() <= 3 || !self.relay_on() {
            return;
        }
        let device = self.pockets[number].id();
        self.say(|| format!("{number} is revoked"));
        if let Err(error) = self.relay().revoke(device) {
            // Whether it was, the next attempt settles.
            self.excuse_relay("revoke", &error);
            self.power_up();
            self.house.disk.keep_power();
            self.house.disk.mend();
            if !self.relay_on() {
                return;
            }
            self.relay().revoke(device).expect("revokes");
        }
        self.tally.count("revoked");
        self.cut_off.insert(device);
        // A copy that is switched off is marked when it is on again.
        for number in 0..self.pockets.len() {
            self.mark_cut_off(number);
        }
        self.take_stock();
    }

    /// A device that is on, and whose name at the relay was revoked, is revoked. One that was put back to a
    /// backup goes by the name it had then: it is to enrol again, as a copy (storm 313177).
    pub(super) fn mark_cut_off(&mut self, number: usize) {
        let pocket = &mut self.pockets[number];
        if pocket.device.is_some() && !pocket.disk.is_dead() {
            // One that was wiped stays so where the relay has forgotten that it cut it off.
            let wiped =
                meta::get(pocket.look().store().conn(), "wiped").is_ok_and(|it| it.is_some());
            pocket.revoked = self.cut_off.contains(&pocket.id()) || (self.forgets_ledger && wiped);
        }
    }

    /// Nothing fails from now on.
    pub(super) fn fair_weather(&mut self) {
        for number in 0..self.pockets.len() {
            self.pockets[number].disk.keep_power();
            self.pockets[number].disk.mend();
            self.pockets[number].alone_until_ms = 0;
            self.trouble(Which::Pocket(number));
        }
        self.house.disk.keep_power();
        self.house.disk.mend();
        self.trouble(Which::House);
        self.mail.clear();
    }
}

/// What the relay said of what was pushed and offered, for whoever reads a failure.
pub(super) fn answers(seen: &[Exchange]) -> String {
    let all = seen.iter().flat_map(|(outgoing, response)| {
        let pushed = outgoing.sent.iter().zip(&response.answers);
        let pushed = pushed.map(|(id, verdict)| format!(" {id} {verdict:?}"));
        let offered = response.offered.iter();
        let offered = offered.map(|verdict| format!(" offer {verdict:?}"));
        let news = response.status.iter();
        let news = news.map(|news| format!(" news {} {:?}", news.id, news.status));
        pushed.chain(offered).chain(news)
    });
    all.collect()
}

/// A clock and randomness for one more machine of a world.
pub(super) fn machine(storm: &Storm) -> Arc<Machine> {
    Machine::new(&storm.time, &storm.dice)
}
