//! A demo started again on the same data: everybody writes up one more day of visits, an earlier
//! one each time, on top of all that is there.

use serde_json::json;
use sopu_core::documents::Kind;

use super::base::ids_of;
use super::{Story, schedule};
use crate::demo::cast::CARERS;
use crate::demo::chance::Chance;
use crate::demo::error::Result;
use crate::demo::phone_clock::days_from;
use crate::demo::values::care_note::{self, Visit};

/// Visits each carer makes on a further day.
const VISITS: usize = 3;

impl Story<'_> {
    pub(super) fn another_day(&mut self, run: u32) -> Result<()> {
        self.exchange(&format!("before run {run}"))?;
        let (memory, clients, company) = (self.memory, self.clients, self.company);
        let day = days_from(memory.day(), -10 - i64::from(run % 100));
        self.at_once(&CARERS, |phone| {
            let me = company.members[phone.person.first].to_string();
            let own = clients
                .iter()
                .filter(|client| client.carer() == phone.person.first);
            let skip = usize::try_from(run).unwrap_or(0) % 3;
            for client in own.skip(skip).take(VISITS) {
                let (subject, contract, item) = ids_of(memory, client.number)?;
                let start_ms = schedule::start_ms(day, client);
                let visit = Visit {
                    client,
                    subject: &subject,
                    contract: &contract,
                    item: &item,
                    worker: &me,
                    start_ms,
                    minutes: schedule::MINUTES,
                };
                phone.clock.set(start_ms);
                let start = json!({"at": start_ms, "tz": "Europe/Helsinki"});
                let end =
                    json!({"at": start_ms + schedule::MINUTES * 60_000, "tz": "Europe/Helsinki"});
                let mut chance =
                    Chance::new(memory.seed(), &format!("run {run}/{}", client.number));
                let value =
                    care_note::filled(&care_note::planned(&visit), &visit, start, end, &mut chance);
                phone.write(company.spaces[&client.space()], Kind::VisitNote, &value, 8)?;
            }
            Ok(())
        })?;
        self.happened.push(format!(
            "This folder held a demo already, so its carers wrote up one more day of visits in it, \
             {day} (this is start number {run}). Use --fresh to begin anew.",
        ));
        Ok(())
    }
}
