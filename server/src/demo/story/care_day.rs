//! The day in home care: nobody has a network from seven in the morning.

use serde_json::{Value, json};
use sopu_core::documents::Kind;
use sopu_core::id::DocId;

use super::base::ids_of;
use super::{Story, schedule};
use crate::demo::cast::{CARERS, Client};
use crate::demo::chance::Chance;
use crate::demo::error::{DemoError, Result};
use crate::demo::memory::Memory;
use crate::demo::phone::Phone;
use crate::demo::phone_clock::days_from;
use crate::demo::values::care_note::{self, Visit};
use crate::demo::values::{fresh, moment};

/// Clients whose visits of the day are told one by one: the rest are ordinary.
const TWO_DOERS: usize = 0;
const LATE_EDIT: usize = 2;
const BOOKED_TWICE: usize = 3;
const SUBSTITUTED: usize = 4;

impl<'a> Story<'a> {
    /// In the evening before, the owner plans a visit with every client.
    pub(super) fn plan_the_day(&mut self) -> Result<()> {
        let (memory, clients) = (self.memory, self.clients);
        let workers: Vec<String> = clients
            .iter()
            .map(|client| self.member(client.carer()))
            .collect();
        let spaces: Vec<_> = clients
            .iter()
            .map(|client| self.space(&client.space()))
            .collect::<Result<_>>()?;
        let day = self.day();
        let phone = self.phone("Marjatta")?;
        phone
            .clock
            .set(crate::demo::phone_clock::moment(days_from(day, -1), 18, 40));
        for ((client, worker), space) in clients.iter().zip(&workers).zip(spaces) {
            let label = format!("planned/{}", client.number);
            if memory.told(&label) {
                continue;
            }
            let (subject, contract, item) = ids_of(memory, client.number)?;
            let visit = Visit {
                client,
                subject: &subject,
                contract: &contract,
                item: &item,
                worker,
                start_ms: schedule::start_ms(day, client),
                minutes: schedule::MINUTES,
            };
            let doc = phone.write(space, Kind::VisitNote, &care_note::planned(&visit), 1)?;
            memory.keep(&label, &doc.to_string())?;
            memory.tell(&label)?;
        }
        self.farm_note_begun()
    }

    /// Everybody's ordinary visits at the same time, then the ones worth a sentence.
    pub(super) fn care_day(&mut self) -> Result<()> {
        self.once("ordinary visits", Self::ordinary_visits)?;
        self.once("two doers", Self::two_doers)?;
        self.once("booked twice", Self::booked_twice)?;
        self.once("late edit", Self::late_edit)?;
        self.once("another's entry", Self::anothers_entry)?;
        self.once("follow-up", Self::follow_up)?;
        self.once("clocks", Self::clocks)
    }

    fn ordinary_visits(&mut self) -> Result<()> {
        let (memory, clients, company) = (self.memory, self.clients, self.company);
        let told_apart = [TWO_DOERS, LATE_EDIT, SUBSTITUTED];
        self.at_once(&CARERS, |phone| {
            let me = company.members[phone.person.first].to_string();
            let own = clients
                .iter()
                .filter(|client| client.carer() == phone.person.first);
            for client in own.take(schedule::made(phone.person.first)) {
                if told_apart.contains(&client.number) {
                    continue;
                }
                let label = format!("made/{}", client.number);
                if !memory.told(&label) {
                    make_visit(phone, memory, client, &me, 10, |_| {})?;
                    memory.tell(&label)?;
                }
            }
            Ok(())
        })?;
        self.happened(
            "Aino, Petri, Sari and Jonna went from client to client and wrote on the visits planned \
             the evening before; the visits after noon are still to come.",
        )
    }

    /// C5 and C7: regular carer and substitute on the same visit, the same medicine.
    fn two_doers(&mut self) -> Result<()> {
        const DRUG: &str = "Marevan 3 mg";
        let client = self.client(TWO_DOERS)?;
        let memory = self.memory;
        for (first, role) in [("Aino", "main"), ("Mikko", "substitute")] {
            let me = self.member(first);
            let phone = self.at(first, 7, 5)?;
            make_visit(phone, memory, client, &me, 9, |note| {
                for time in items_mut(note, "worker_times") {
                    time["role"] = json!(role);
                }
                for dose in items_mut(note, "doses") {
                    dose["drug"] = json!(DRUG);
                }
            })?;
        }
        // His next client he had to himself.
        let next = self.client(SUBSTITUTED)?;
        let me = self.member("Mikko");
        make_visit(self.phone("Mikko")?, memory, next, &me, 9, |_| {})?;
        self.happened(format!(
            "Aino had called in sick and came after all: she went to {name}, and so did Mikko, the \
             substitute. Both recorded the visit, both gave the {DRUG} due at seven.",
            name = client.name,
        ))
    }

    /// C4: two people plan a visit with the same client for the same hour.
    fn booked_twice(&mut self) -> Result<()> {
        let client = self.client(BOOKED_TWICE)?;
        let space = self.space(&client.space())?;
        let (subject, contract, item) = ids_of(self.memory, client.number)?;
        let tomorrow = days_from(self.day(), 2);
        for (first, worker, hour, minute) in
            [("Marjatta", "Aino", 13, 0), ("Jonna", "Jonna", 13, 15)]
        {
            let worker = self.member(worker);
            let start_ms = crate::demo::phone_clock::moment(tomorrow, hour, minute);
            let visit = Visit {
                client,
                subject: &subject,
                contract: &contract,
                item: &item,
                worker: &worker,
                start_ms,
                minutes: 45,
            };
            let phone = self.at(first, 12, 30)?;
            phone.write(space, Kind::VisitNote, &care_note::planned(&visit), 1)?;
        }
        self.happened(format!(
            "Marjatta planned a visit with {name} at 13.00 for Aino, Jonna one at 13.15 for herself.",
            name = client.name,
        ))
    }

    /// C9: a note changed by somebody who had not seen that it was closed.
    fn late_edit(&mut self) -> Result<()> {
        let client = self.client(LATE_EDIT)?;
        let (memory, me) = (self.memory, self.member("Sari"));
        let phone = self.at("Sari", 7, 5)?;
        let doc = make_visit(phone, memory, client, &me, 8, |_| {})?;
        phone.edit(doc, |note| note["status"] = json!("finalised"))?;
        let phone = self.at("Petri", 14, 20)?;
        phone.edit(doc, |note| {
            note["handover"] = json!("Tytär pyysi, että huomenna tullaan vasta yhdeksältä.");
        })?;
        self.happened(format!(
            "Sari closed her note on {name}; Petri, who had no network, added a line to its handover.",
            name = client.name,
        ))
    }

    /// A care entry corrected by somebody else than its author.
    fn anothers_entry(&mut self) -> Result<()> {
        // The last open note of one of Sari's clients.
        let Some(client) = self
            .clients
            .iter()
            .filter(|client| client.carer() == "Sari")
            .nth(1)
        else {
            return Ok(());
        };
        let doc = self.doc(&format!("past/{}/1", client.number))?;
        let phone = self.at("Jonna", 9, 5)?;
        phone.edit(doc, |note| {
            if let Some(entry) = items_mut(note, "entries").next() {
                let text = entry["text"]
                    .as_str()
                    .unwrap_or_default()
                    .replacen("asiakas", "Asiakas", 1);
                entry["text"] = json!(format!("{text} Lisäys: vointi sama tänään."));
            }
        })?;
        self.happened(format!(
            "Jonna wrote into an entry of Sari's about {}.",
            client.name
        ))
    }

    /// C8 in the catalogue: one follow-up, two new dates, neither chosen yet.
    fn follow_up(&mut self) -> Result<()> {
        let client = self
            .clients
            .iter()
            .filter(|client| client.carer() == "Petri")
            .nth(1);
        let Some(client) = client.or(self.clients.get(1)) else {
            return Ok(());
        };
        let doc = self.doc(&format!("past/{}/1", client.number))?;
        let day = self.day();
        let key = fresh();
        let (petri, relay) = (self.member("Petri"), "follow-up");
        self.phone("Petri")?.edit(doc, |note| {
            note["followups"][&key] = json!({
                "text": "Soita tyttärelle lääkäriajasta ja kysy, kuka lähtee saattajaksi.",
                "owner": petri, "due": days_from(day, 1).to_string(), "state": "open",
            });
        })?;
        // Petri had network at breakfast; Aino and Jonna saw the follow-up then.
        self.sync("Petri", relay)?;
        (self.settle)()?;
        self.sync("Aino", relay)?;
        self.sync("Jonna", relay)?;
        for (first, days) in [("Aino", 4), ("Jonna", 6)] {
            let due = days_from(day, days).to_string();
            self.at(first, 11, 40)?
                .edit(doc, |note| note["followups"][&key]["due"] = json!(due))?;
        }
        self.happened(format!(
            "A call to the daughter of {name} was due tomorrow. Aino moved it to {a}, Jonna to {b}.",
            name = client.name,
            a = days_from(day, 4),
            b = days_from(day, 6),
        ))
    }

    /// C21 needs no doing of anybody: two clocks are wrong.
    fn clocks(&mut self) -> Result<()> {
        self.happened(
            "Petri's clock is eleven minutes fast and Mikko's a whole day behind. Nobody noticed, \
             nothing was refused, and the order of the record does not depend on it.",
        )
    }

    fn client(&self, number: usize) -> Result<&'a Client> {
        let found = self.clients.get(number);
        found.ok_or_else(|| DemoError::Story("too few clients".to_owned()))
    }
}

/// One visit as planned, written on this device. `tweak` changes what is written before it is.
pub(super) fn make_visit(
    phone: &mut Phone,
    memory: &Memory,
    client: &Client,
    me: &str,
    saves: usize,
    tweak: impl FnOnce(&mut Value),
) -> Result<DocId> {
    let label = format!("planned/{}", client.number);
    let id = memory.find(&label).and_then(|id| id.parse().ok());
    let doc = DocId(id.ok_or_else(|| DemoError::Story(format!("there is no document {label}")))?);
    let opened = phone.read(doc)?;
    let start_ms = schedule::start_ms(memory.day(), client);
    let (subject, contract, item) = ids_of(memory, client.number)?;
    let visit = Visit {
        client,
        subject: &subject,
        contract: &contract,
        item: &item,
        worker: me,
        start_ms,
        minutes: schedule::MINUTES,
    };
    let offset = phone.said(phone.device.clock_offset_ms())?;
    phone.clock.set(start_ms);
    let start = moment(&*phone.clock, offset);
    phone.clock.set(start_ms + schedule::MINUTES * 60_000);
    let end = moment(&*phone.clock, offset);
    phone.clock.set(start_ms + 60_000);
    let mut chance = Chance::new(memory.seed(), &format!("{label} by {}", phone.person.first));
    let mut value = care_note::filled(&opened.value, &visit, start, end, &mut chance);
    tweak(&mut value);
    phone.fill(doc, &value, saves)?;
    Ok(doc)
}

/// The items or entries of a field.
pub(super) fn items_mut<'v>(
    value: &'v mut Value,
    field: &str,
) -> impl Iterator<Item = &'v mut Value> {
    let items = value.get_mut(field).and_then(Value::as_object_mut);
    items.into_iter().flat_map(|items| items.values_mut())
}
