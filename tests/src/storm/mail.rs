//! Requests and responses that take their time: they arrive late, in another order, twice, or never.

use sopu_core::device::SyncReport;
use sopu_core::store::meta;
use sopu_core::sync::outgoing::Outgoing;
use sopu_core::wire::SyncResponse;

use super::Storm;
use super::line::acknowledged;

/// A request, or its response, on its way.
#[derive(Clone)]
pub struct Letter {
    due_ms: i64,
    /// In the order they were posted.
    number: u64,
    pocket: usize,
    /// A device that was switched off meanwhile knows of no request.
    boot: u32,
    token: String,
    outgoing: Outgoing,
    response: Option<SyncResponse>,
    /// How often the relay had come back from a backup when it answered.
    life: u64,
}

impl Storm {
    /// A device sends a request that takes its time.
    pub(super) fn post(&mut self, number: usize) {
        let device = self.pockets[number].device();
        let token = meta::text(device.store().conn(), "token");
        let outgoing = device.next_request(0);
        let (token, outgoing) = match (token, outgoing) {
            (Ok(Some(token)), Ok(outgoing)) => (token, outgoing),
            (Ok(None), _) => return,
            (_, Err(error)) => return self.excuse(number, "next_request", &error),
            (Err(error), _) => return self.excuse(number, "token", &error),
        };
        self.tally.count("delay");
        let letter = Letter {
            due_ms: 0,
            number: 0,
            pocket: number,
            boot: self.pockets[number].boot,
            token,
            outgoing,
            response: None,
            life: self.life,
        };
        self.dispatch(letter);
    }

    /// Puts a letter on its way: once, twice or not at all.
    fn dispatch(&mut self, letter: Letter) {
        let copies = match self.dice.below(10) {
            0 => {
                self.tally.count("letter lost");
                0
            }
            1 => {
                self.tally.count("letter twice");
                2
            }
            _ => 1,
        };
        for _ in 0..copies {
            self.letters += 1;
            let late = self.dice.below(900_000) as i64;
            self.mail.push(Letter {
                due_ms: self.time.now_ms() + late,
                number: self.letters,
                ..letter.clone()
            });
        }
    }

    /// Delivers all letters that are due.
    pub(super) fn deliver(&mut self) {
        let now_ms = self.time.now_ms();
        let mut due: Vec<Letter> = Vec::new();
        self.mail.retain(|letter| {
            let late = letter.due_ms > now_ms;
            if !late {
                due.push(letter.clone());
            }
            late
        });
        due.sort_by_key(|letter| (letter.due_ms, letter.number));
        for letter in due {
            let earlier =
                |other: &Letter| other.pocket == letter.pocket && other.number < letter.number;
            if self.mail.iter().any(earlier) {
                self.tally.count("overtaken");
            }
            match letter.response.clone() {
                None => self.arrives(letter),
                Some(response) => self.answered(&letter, response),
            }
        }
    }

    fn arrives(&mut self, letter: Letter) {
        if self.pockets[letter.pocket].alone_until_ms > self.time.now_ms() || !self.relay_on() {
            return;
        }
        if let Ok(response) = self.relay().sync(&letter.token, &letter.outgoing.request) {
            self.dispatch(Letter {
                response: Some(response),
                life: self.life,
                ..letter
            });
        }
    }

    fn answered(&mut self, letter: &Letter, response: SyncResponse) {
        let number = letter.pocket;
        if self.pockets[number].boot != letter.boot || self.pockets[number].device.is_none() {
            return;
        }
        let mut report = SyncReport::default();
        let exchange = (letter.outgoing.clone(), response);
        let done = self.pockets[number]
            .device()
            .apply(&exchange.0, &exchange.1, &mut report);
        self.say(|| format!("{number} gets a late response: {done:?} {report:?}"));
        self.touch(number);
        if report.wiped && letter.life != self.life {
            // It was told that all is delivered by a relay that has lost it since.
            self.take_stock();
        }
        match done {
            Ok(_) => {
                if letter.life == self.life {
                    self.acknowledged.extend(acknowledged(&exchange));
                } else {
                    self.heard_too_late(number, &exchange);
                }
                self.settle(number);
            }
            Err(error) => self.excuse(number, "apply", &error),
        }
    }
}
