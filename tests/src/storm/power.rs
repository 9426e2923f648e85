//! Machines that lose their power, and disks that fail for a while.

use super::Storm;
use crate::disk::{Disk, Io, Loss};

/// What of one machine is meant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Which {
    /// A device.
    Pocket(usize),
    /// The relay.
    House,
}

impl Storm {
    fn disk(&self, which: Which) -> &Disk {
        match which {
            Which::Pocket(number) => &self.pockets[number].disk,
            Which::House => &self.house.disk,
        }
    }

    fn a_machine(&self) -> Which {
        let machines = self.pockets.len() + 2;
        match self.dice.below(machines) {
            number if number < self.pockets.len() => Which::Pocket(number),
            _ => Which::House,
        }
    }

    /// Plans a power cut at some write or sync to come.
    pub(super) fn plan_power_cut(&mut self) {
        let which = self.a_machine();
        let io = [Io::Write, Io::Sync][self.dice.below(2)];
        let far = [3, 12, 60][self.dice.below(3)];
        let at = self.dice.below(far) as u64;
        self.say(|| format!("{which:?} will lose its power at {io:?} {at}"));
        self.disk(which).cut_power_at(io, at);
    }

    /// Plans that a disk fails once, or is full for a while.
    pub(super) fn plan_trouble(&mut self) {
        let which = self.a_machine();
        let at = self.dice.below(25) as u64;
        let kind = self.dice.below(4);
        self.say(|| format!("{which:?} will have trouble {kind} at {at}"));
        let disk = self.disk(which);
        match kind {
            0 => disk.fail_at(Io::Read, at / 4),
            1 => disk.fail_at(Io::Write, at),
            2 => disk.fail_at(Io::Sync, at / 3),
            _ => disk.fill(at, 1 + self.dice.below(30) as u64),
        }
    }

    /// Whatever lost its power gets it back, and is switched on.
    pub(super) fn power_up(&mut self) {
        for number in 0..self.pockets.len() {
            if self.pockets[number].disk.is_dead() {
                self.power_up_pocket(number);
            }
        }
        if self.house.disk.is_dead() {
            self.house.switch_off();
            let loss = self.loss("relay crash", "relay crash, torn write");
            self.house.disk.mend();
            self.house.disk.power_up(&self.dice, loss);
            self.say(|| "the relay lost its power and starts again".into());
            self.house
                .switch_on()
                .expect("the relay starts after a power cut");
            self.relay_came_back();
        }
    }

    fn power_up_pocket(&mut self, number: usize) {
        self.pockets[number].device = None;
        let loss = self.loss("device crash", "device crash, torn write");
        let pocket = &mut self.pockets[number];
        pocket.disk.mend();
        pocket.disk.power_up(&self.dice, loss);
        pocket.forms.clear();
        self.say(|| format!("{number} lost its power and is switched on"));
        // The instance file was never made durable by itself.
        let fresh = std::mem::take(&mut self.pockets[number].fresh_instance);
        if fresh && self.dice.once_in(6) {
            self.tally.count("instance file lost");
            let pocket = &mut self.pockets[number];
            pocket.copied = true;
            let file = pocket.instance_file();
            if self.dice.once_in(2) {
                let _ = std::fs::remove_file(file);
            } else {
                let _ = std::fs::write(file, [0; 7]);
            }
        }
        self.pockets[number]
            .switch_on()
            .expect("a device opens after a power cut");
        if self.pockets[number].copied {
            let id = self.pockets[number].id();
            self.copies.insert(id);
        }
        self.pocket_came_back(number);
    }

    fn loss(&self, whole: &'static str, torn: &'static str) -> Loss {
        if self.dice.once_in(2) {
            self.tally.count(whole);
            Loss::Whole
        } else {
            self.tally.count(torn);
            Loss::Torn
        }
    }

    /// Whether a disk failed since this was last asked; if so, what was asked of it may fail too.
    pub(super) fn trouble(&mut self, which: Which) -> bool {
        let counts = self.disk(which).counts();
        let (now, dead) = (counts.failed + counts.full, self.disk(which).is_dead());
        let noticed = match which {
            Which::Pocket(number) => &mut self.pockets[number].noticed,
            Which::House => &mut self.house.noticed,
        };
        let new = now > *noticed;
        *noticed = now;
        new || dead
    }

    /// An error is excused by a disk that failed; any other is a defect.
    pub(super) fn excuse(&mut self, number: usize, what: &str, error: &dyn std::fmt::Debug) {
        self.say(|| format!("{number} cannot {what}: {error:?}"));
        assert!(
            self.trouble(Which::Pocket(number)),
            "{number} cannot {what}: {error:?}"
        );
    }

    /// As [`Storm::excuse`], for the relay.
    pub(super) fn excuse_relay(&mut self, what: &str, error: &dyn std::fmt::Debug) {
        self.say(|| format!("the relay cannot {what}: {error:?}"));
        assert!(
            self.trouble(Which::House),
            "the relay cannot {what}: {error:?}"
        );
    }

    /// Switches a device on, if its disk lets it.
    pub(super) fn pocket_on(&mut self, number: usize) -> bool {
        if self.pockets[number].device.is_some() {
            return true;
        }
        match self.pockets[number].switch_on() {
            Ok(()) => {
                self.pocket_came_back(number);
                true
            }
            Err(error) => {
                self.excuse(number, "open", &error);
                false
            }
        }
    }

    /// Starts the relay, if its disk lets it.
    pub(super) fn relay_on(&mut self) -> bool {
        if self.house.relay.is_some() {
            return true;
        }
        match self.house.switch_on() {
            Ok(()) => {
                self.relay_came_back();
                true
            }
            Err(error) => {
                self.excuse_relay("start", &error);
                false
            }
        }
    }
}
