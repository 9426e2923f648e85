//! What is there before the day: contracts, listings, the visits of the last weeks.

use serde_json::json;
use sopu_core::documents::Kind;
use sopu_core::documents::visit_note::closing::quota_entry_key;

use super::{Story, schedule};
use crate::demo::cast::{CARERS, FARM_SPACES, FIRMS, Firm, NETWORK};
use crate::demo::chance::Chance;
use crate::demo::error::Result;
use crate::demo::memory::Memory;
use crate::demo::phone::Phone;
use crate::demo::phone_clock::{days_from, moment};
use crate::demo::texts::LISTINGS;
use crate::demo::values::advisory_note::{self, FarmVisit};
use crate::demo::values::care_note::{self, Visit};
use crate::demo::values::contract::{self, Makers, item_of, key_in};
use crate::demo::values::listing;

/// Visits of each client before the day.
const PAST_VISITS: usize = 2;

/// Hours Hanna's past visits drew from the first farm's 24.
const PAST_HOURS: [&str; 3] = ["7", "7", "6.5"];

impl Story<'_> {
    /// Carers, owner and advisor write at the same time, each on their own device.
    pub(super) fn base(&mut self) -> Result<()> {
        let (memory, clients, company) = (self.memory, self.clients, self.company);
        let me = |phone: &Phone| company.members[phone.person.first].to_string();
        let space = |name: &str| company.spaces[name];
        self.at_once(
            &["Marjatta", "Aino", "Petri", "Sari", "Jonna", "Hanna"],
            |phone| {
                let first = phone.person.first;
                let own = clients
                    .iter()
                    .filter(|client| client.carer() == first && CARERS.contains(&first));
                for client in own {
                    let at = space(&client.space());
                    care_contract(phone, memory, client, at, &me(phone))?;
                    for past in 0..PAST_VISITS {
                        care_history(phone, memory, client, at, &me(phone), past)?;
                    }
                }
                match first {
                    "Hanna" => {
                        let farmer = company.members["Tuomas"].to_string();
                        for (number, name) in FARM_SPACES.into_iter().enumerate() {
                            farm_history(phone, memory, number, space(name), &me(phone), &farmer)?;
                        }
                        listings(phone, memory, &["advisory"], space(NETWORK), &me(phone))
                    }
                    "Marjatta" => listings(
                        phone,
                        memory,
                        &["care", "green"],
                        space(NETWORK),
                        &me(phone),
                    ),
                    _ => Ok(()),
                }
            },
        )
    }
}

type Space = sopu_core::id::SpaceId;

fn care_contract(
    phone: &mut Phone,
    memory: &Memory,
    client: &crate::demo::cast::Client,
    space: Space,
    me: &str,
) -> Result<()> {
    let label = format!("contract/{}", client.number);
    if memory.told(&label) {
        return Ok(());
    }
    let subject = memory.id(&format!("client/{}", client.number))?;
    let from = days_from(memory.day(), -120);
    phone.clock.set(moment(from, 13, 10));
    let provider = memory.id("firm/care")?;
    let makers = Makers {
        responsible: me,
        signs: &subject,
        provider: &provider,
        from,
        at_ms: moment(from, 13, 0),
    };
    let value = contract::care(
        client,
        &subject,
        &makers,
        &mut Chance::new(memory.seed(), &label),
    );
    let doc = phone.write(space, Kind::Contract, &value, 22)?;
    memory.keep(&label, &doc.to_string())?;
    memory.keep(&format!("item/{}", client.number), &item_of(&value, "KH45"))?;
    phone.lock_contract(doc)?;
    let place = &client.town().city;
    phone.sign(doc, "customer", &subject, &client.name, place)?;
    phone.sign(doc, "provider", me, phone.person.name, place)?;
    phone.edit(doc, |contract| contract["status"] = json!("signed"))?;
    memory.tell(&label)?;
    Ok(())
}

fn care_history(
    phone: &mut Phone,
    memory: &Memory,
    client: &crate::demo::cast::Client,
    space: Space,
    me: &str,
    past: usize,
) -> Result<()> {
    let label = format!("past/{}/{past}", client.number);
    if memory.told(&label) {
        return Ok(());
    }
    let day = days_from(memory.day(), -7 + 4 * i64::try_from(past).unwrap_or(0));
    let start_ms = schedule::start_ms(day, client);
    phone.clock.set(start_ms);
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
    let mut chance = Chance::new(memory.seed(), &label);
    let planned = care_note::planned(&visit);
    let start = json!({"at": start_ms, "tz": "Europe/Helsinki"});
    let end = json!({"at": start_ms + schedule::MINUTES * 60_000, "tz": "Europe/Helsinki"});
    let mut value = care_note::filled(&planned, &visit, start, end, &mut chance);
    if past + 1 < PAST_VISITS {
        value["status"] = json!("finalised");
    }
    let doc = phone.write(space, Kind::VisitNote, &value, 8)?;
    memory.keep(&label, &doc.to_string())?;
    memory.tell(&label)?;
    Ok(())
}

/// A client's id, contract and scope item.
pub(super) fn ids_of(memory: &Memory, client: usize) -> Result<(String, String, String)> {
    Ok((
        memory.id(&format!("client/{client}"))?,
        memory.id(&format!("contract/{client}"))?,
        memory.id(&format!("item/{client}"))?,
    ))
}

fn farm_history(
    phone: &mut Phone,
    memory: &Memory,
    number: usize,
    space: Space,
    me: &str,
    farmer: &str,
) -> Result<()> {
    let farm = &FIRMS[5 + number];
    let subject = memory.id(&format!("farm/{number}"))?;
    let from = days_from(memory.day(), -220);
    let label = format!("farm contract/{number}");
    if !memory.told(&label) {
        phone.clock.set(moment(from, 10, 0));
        // Only the first farm's farmer has a device; the others sign on Hanna's tablet.
        let signs = if number == 0 { farmer } else { &subject };
        let provider = memory.id("firm/advice")?;
        let makers = Makers {
            responsible: me,
            signs,
            provider: &provider,
            from,
            at_ms: moment(from, 9, 0),
        };
        let until = days_from(memory.day(), if number == 2 { -52 } else { 150 });
        let mut chance = Chance::new(memory.seed(), &label);
        let value = contract::advisory(farm, &subject, until, &makers, &mut chance);
        let doc = phone.write(space, Kind::Contract, &value, 24)?;
        memory.keep(&label, &doc.to_string())?;
        memory.keep(&format!("farm item/{number}"), &item_of(&value, "IPM"))?;
        memory.keep(&format!("quota/{number}"), &key_in(&value, "quotas"))?;
        phone.lock_contract(doc)?;
        let customer = if number == 0 {
            "Tuomas Auvinen"
        } else {
            farm.name
        };
        phone.sign(doc, "customer", signs, customer, &farm.town().city)?;
        phone.sign(doc, "provider", me, phone.person.name, &farm.town().city)?;
        phone.edit(doc, |contract| contract["status"] = json!("signed"))?;
        memory.tell(&label)?;
    }
    for (past, hours) in PAST_HOURS.iter().enumerate() {
        let label = format!("farm past/{number}/{past}");
        if memory.told(&label) {
            continue;
        }
        let day = days_from(memory.day(), -160 + 35 * i64::try_from(past).unwrap_or(0));
        let start_ms = moment(day, 8, 30) + i64::try_from(number).unwrap_or(0) * 9_000_000;
        phone.clock.set(start_ms);
        let (contract, item, quota) = farm_ids(memory, number)?;
        let visit = FarmVisit {
            farm,
            number,
            subject: &subject,
            contract: &contract,
            item: &item,
            worker: me,
            day,
            start_ms,
            minutes: 140,
        };
        let start = json!({"at": start_ms, "tz": "Europe/Helsinki"});
        let end = json!({"at": start_ms + 140 * 60_000, "tz": "Europe/Helsinki"});
        let mut chance = Chance::new(memory.seed(), &label);
        let value = advisory_note::note(&visit, start, end, &mut chance);
        let doc = phone.write(space, Kind::VisitNote, &value, 25)?;
        finalise_drawing(phone, doc, &contract, &quota, hours, day)?;
        memory.keep(&label, &doc.to_string())?;
        memory.tell(&label)?;
    }
    Ok(())
}

/// A farm's contract, its scope item and its quota.
pub(super) fn farm_ids(memory: &Memory, number: usize) -> Result<(String, String, String)> {
    Ok((
        memory.id(&format!("farm contract/{number}"))?,
        memory.id(&format!("farm item/{number}"))?,
        memory.id(&format!("quota/{number}"))?,
    ))
}

/// Closes a note and draws its hours from the quota, under the key every device would take.
pub(super) fn finalise_drawing(
    phone: &mut Phone,
    doc: sopu_core::id::DocId,
    contract: &str,
    quota: &str,
    hours: &str,
    day: jiff::civil::Date,
) -> Result<()> {
    let key = quota
        .parse()
        .map(|quota| quota_entry_key(doc, quota, 1))
        .unwrap_or_default();
    phone.edit(doc, |note| {
        note["quota_entries"][key.to_string()] = advisory_note::draw(contract, quota, hours, day);
        note["status"] = json!("finalised");
    })
}

fn listings(phone: &mut Phone, memory: &Memory, of: &[&str], space: Space, me: &str) -> Result<()> {
    for (number, text) in LISTINGS.listings.iter().enumerate() {
        let label = format!("listing/{number}");
        if !of.contains(&text.provider.as_str()) || memory.told(&label) {
            continue;
        }
        let key = match text.provider.as_str() {
            "green" => "farm0",
            "advisory" => "advice",
            other => other,
        };
        let today = days_from(memory.day(), -20);
        phone.clock.set(moment(today, 15, 30));
        let provider = memory.id(&format!("firm/{key}"))?;
        let value = listing::listing(
            text,
            Firm::of(key),
            &provider,
            me,
            today,
            moment(today, 15, 30),
        );
        let doc = phone.write(space, Kind::ServiceListing, &value, 14)?;
        memory.keep(&label, &doc.to_string())?;
        memory.tell(&label)?;
    }
    Ok(())
}
