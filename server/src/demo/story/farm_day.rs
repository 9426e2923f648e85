//! The day on the farms.

use serde_json::{Value, json};
use sopu_core::documents::Kind;

use super::Story;
use super::base::{farm_ids, finalise_drawing};
use crate::demo::cast::{FARM_SPACES, FIRMS};
use crate::demo::error::Result;
use crate::demo::phone_clock::{days_from, moment as true_moment};
use crate::demo::texts::FARMS;
use crate::demo::values::advisory_note::{self, FarmVisit};
use crate::demo::values::contract::{self, Makers, key_in};
use crate::demo::values::{fresh, moment};

impl Story<'_> {
    /// Notes Hanna begins the evening before, so that Jukka has them too, and two contracts that
    /// wait for Tuomas.
    pub(super) fn farm_note_begun(&mut self) -> Result<()> {
        for (label, number, hour) in [("note with an open form", 0, 8), ("joint note", 1, 12)] {
            self.once(label, |story| {
                let day = story.day();
                let note = story.farm_note(label, number, "Hanna", hour, 150)?;
                let space = story.space(FARM_SPACES[number])?;
                let phone = story.phone("Hanna")?;
                phone.clock.set(true_moment(days_from(day, -1), 19, 20));
                let mut begun = note.clone();
                begun["status"] = json!("started");
                for later in ["outcome", "actual_start", "actual_end"] {
                    if let Some(parts) = begun.as_object_mut() {
                        parts.remove(later);
                    }
                }
                let doc = phone.write(space, Kind::VisitNote, &begun, 30)?;
                story.memory.keep(label, &doc.to_string())?;
                Ok(())
            })?;
        }
        self.once("contract for two signatures", |story| {
            let value = story.farm_contract("Kestävyyspajasopimus, Auvisen marjatila")?;
            let space = story.space(FARM_SPACES[0])?;
            let phone = story.phone("Hanna")?;
            let doc = phone.write(space, Kind::Contract, &value, 15)?;
            phone.lock_contract(doc)?;
            story
                .memory
                .keep("contract for two signatures", &doc.to_string())?;
            Ok(())
        })?;
        self.once("next season's draft", |story| {
            let value = story.farm_contract("Ensi kauden neuvontasopimus, luonnos")?;
            let space = story.space(FARM_SPACES[0])?;
            let doc = story
                .phone("Hanna")?
                .write(space, Kind::Contract, &value, 15)?;
            story.memory.keep("next season's draft", &doc.to_string())?;
            story
                .memory
                .keep("next season's quota", &key_in(&value, "quotas"))?;
            Ok(())
        })
    }

    /// What happens on the farms while nobody has a network, or only one of them.
    pub(super) fn farm_day(&mut self) -> Result<()> {
        self.once("form left open", Self::form_left_open)?;
        self.once("quota overdrawn", Self::quota_overdrawn)?;
        self.once("two outcomes", Self::two_outcomes)?;
        self.once("two limits", Self::two_limits)?;
        self.once("changed after signing", Self::changed_after_signing)?;
        self.once("signed another version", Self::signed_another_version)?;
        self.once("contract ended", Self::contract_ended)
    }

    /// A form open for an hour while a colleague's change arrives on the same device.
    fn form_left_open(&mut self) -> Result<()> {
        let doc = self.doc("note with an open form")?;
        let stale = {
            let phone = self.at("Hanna", 8, 30)?;
            phone.device.open_form(doc);
            phone.read(doc)?
        };
        let (advice, key) = (FARMS.expert[1].clone(), fresh());
        self.at("Jukka", 10, 5)?.edit(doc, |note| {
            note["recommendations"][&key] =
                json!({"text": advice, "urgency": "heti", "principles": ["P4"]});
        })?;
        self.sync("Jukka", "form left open")?;
        (self.settle)()?;
        self.sync("Hanna", "form left open")?;

        let mut form = stale.value.clone();
        let summary = form["summary"].as_str().unwrap_or_default();
        form["summary"] = json!(format!(
            "{summary}\n\nViljelijä esittelee ansojen luvut ensi käynnillä."
        ));
        let phone = self.at("Hanna", 11, 0)?;
        let offset = phone.said(phone.device.clock_offset_ms())?;
        let end = moment(&*phone.clock, offset);
        let version = phone.save(doc, &stale.version, &form)?;
        form["actual_end"] = end;
        form["outcome"] = json!("as_planned");
        form["status"] = json!("done");
        phone.save(doc, &version, &form)?;
        phone.device.close_form(doc);
        let kept = phone.read(doc)?.value["recommendations"][&key]["text"] == json!(advice);
        self.happened(
            "Hanna's form stayed open from half past eight to eleven. Meanwhile Jukka's advice \
             reached her tablet; she saved twice what she still saw without it.",
        )?;
        if kept {
            self.happened("Jukka's advice is in the note, and so is what Hanna wrote.")?;
        } else {
            self.broken
                .push("a form left open undid a colleague's change".to_owned());
        }
        Ok(())
    }

    /// C1: 20.5 of 24 hours are used; two visits nobody knows of both.
    fn quota_overdrawn(&mut self) -> Result<()> {
        let (contract, _, quota) = farm_ids(self.memory, 0)?;
        let (doc, day) = (self.doc("note with an open form")?, self.day());
        finalise_drawing(
            self.at("Hanna", 15, 30)?,
            doc,
            &contract,
            &quota,
            "2.5",
            day,
        )?;
        let note = self.farm_note("remote advice", 0, "Jukka", 13, 180)?;
        let space = self.space(FARM_SPACES[0])?;
        let phone = self.at("Jukka", 16, 10)?;
        let doc = phone.write(space, Kind::VisitNote, &note, 26)?;
        finalise_drawing(phone, doc, &contract, &quota, "3", day)?;
        self.happened(
            "Auvisen marjatila had 3.5 of its 24 hours left. Hanna closed a visit of 2.5 hours, Jukka \
             3 hours of remote advice, neither knowing of the other.",
        )
    }

    /// A conflict nobody has settled; a text both wrote in; an item one removed and one edited.
    fn two_outcomes(&mut self) -> Result<()> {
        let doc = self.doc("joint note")?;
        let first = {
            let value = self.phone("Hanna")?.read(doc)?.value;
            key_in(&value, "observations")
        };
        self.at("Hanna", 14, 30)?.edit(doc, |note| {
            note["outcome"] = json!("partial");
            note["status"] = json!("done");
            prepend(note, "Kasvihuone 2 jäi kiertämättä, ovi oli lukossa. ");
            if let Some(seen) = note["observations"].as_object_mut() {
                seen.remove(&first);
            }
        })?;
        self.at("Jukka", 14, 35)?.edit(doc, |note| {
            note["outcome"] = json!("as_planned");
            note["status"] = json!("done");
            append(
                note,
                " Näytteet otettu mukaan, tulokset tulevat perjantaina.",
            );
            let seen = &mut note["observations"][&first];
            let text = seen["text"].as_str().unwrap_or_default().to_owned();
            seen["text"] = json!(format!("{text} Tarkistettu mikroskoopilla."));
        })?;
        self.happened(
            "Hanna and Jukka both closed the note of their joint visit to Kiviniemen kasvihuoneet: to \
             her it was partial, to him as planned. Both wrote in its summary, and Jukka added to an \
             observation that Hanna removed.",
        )
    }

    /// Advisor and farmer each write the limit they can live with into the draft.
    fn two_limits(&mut self) -> Result<()> {
        let doc = self.doc("next season's draft")?;
        let quota = self.memory.id("next season's quota")?;
        for (who, limit) in [("Hanna", "30"), ("Tuomas", "20")] {
            self.at(who, 17, 0)?
                .edit(doc, |draft| draft["quotas"][&quota]["limit"] = json!(limit))?;
        }
        self.happened("In the draft for next season Hanna wrote 30 hours, Tuomas 20.")
    }

    /// C2.
    fn changed_after_signing(&mut self) -> Result<()> {
        let doc = self.doc("farm contract/0")?;
        self.at("Tuomas", 18, 20)?.edit(doc, |signed| {
            let text = signed["scope_text"].as_str().unwrap_or_default();
            signed["scope_text"] = json!(format!(
                "{text}\n\n9. Vadelma\nNeuvonta koskee myös vadelmatunnelia."
            ));
        })?;
        self.happened("Tuomas wrote a clause about raspberries into the contract both had signed.")
    }

    /// C3.
    fn signed_another_version(&mut self) -> Result<()> {
        let doc = self.doc("contract for two signatures")?;
        let (hanna, tuomas, day) = (self.member("Hanna"), self.member("Tuomas"), self.day());
        self.at("Tuomas", 18, 30)?.sign(
            doc,
            "customer",
            &tuomas,
            "Tuomas Auvinen",
            "Savitaipale",
        )?;
        let phone = self.at("Hanna", 18, 40)?;
        phone.reopen_contract(doc)?;
        phone.edit(doc, |draft| {
            draft["valid_to"] = json!(days_from(day, 240).to_string())
        })?;
        phone.lock_contract(doc)?;
        phone.sign(doc, "provider", &hanna, "Hanna Kosonen", "Imatra")?;
        self.happened(
            "Tuomas signed the workshop contract as it stood; Hanna, at the same time, moved its last \
             day, locked it again and signed that.",
        )
    }

    /// C10.
    fn contract_ended(&mut self) -> Result<()> {
        let note = self.farm_note("after the contract", 2, "Hanna", 16, 60)?;
        let space = self.space(FARM_SPACES[2])?;
        self.at("Hanna", 17, 20)?
            .write(space, Kind::VisitNote, &note, 20)?;
        self.happened("Hanna visited Hovin juurestila, whose contract ended weeks ago.")
    }

    fn farm_note(
        &self,
        label: &str,
        number: usize,
        who: &str,
        hour: i8,
        minutes: i64,
    ) -> Result<Value> {
        let subject = self.memory.id(&format!("farm/{number}"))?;
        let (contract, item, _) = farm_ids(self.memory, number)?;
        let (worker, day) = (self.member(who), self.day());
        let start_ms = true_moment(day, hour, 30);
        let visit = FarmVisit {
            farm: &FIRMS[5 + number],
            number,
            subject: &subject,
            contract: &contract,
            item: &item,
            worker: &worker,
            day,
            start_ms,
            minutes,
        };
        let start = json!({"at": start_ms, "tz": "Europe/Helsinki"});
        let end = json!({"at": start_ms + minutes * 60_000, "tz": "Europe/Helsinki"});
        Ok(advisory_note::note(
            &visit,
            start,
            end,
            &mut self.chance(label),
        ))
    }

    fn farm_contract(&self, title: &str) -> Result<Value> {
        let (subject, provider) = (self.memory.id("farm/0")?, self.memory.id("firm/advice")?);
        let (hanna, tuomas, day) = (self.member("Hanna"), self.member("Tuomas"), self.day());
        let makers = Makers {
            responsible: &hanna,
            signs: &tuomas,
            provider: &provider,
            from: days_from(day, 20),
            at_ms: true_moment(days_from(day, -1), 20, 0),
        };
        let until = days_from(day, 200);
        let mut value =
            contract::advisory(&FIRMS[5], &subject, until, &makers, &mut self.chance(title));
        value["title"] = json!(title);
        Ok(value)
    }
}

fn prepend(note: &mut Value, words: &str) {
    let text = note["summary"].as_str().unwrap_or_default();
    note["summary"] = json!(format!("{words}{text}"));
}

fn append(note: &mut Value, words: &str) {
    let text = note["summary"].as_str().unwrap_or_default();
    note["summary"] = json!(format!("{text}{words}"));
}
