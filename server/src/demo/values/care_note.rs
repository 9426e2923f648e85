//! Home-care visits.

use serde_json::{Value, json};

use super::{fresh, tenths, under_ids};
use crate::demo::cast::Client;
use crate::demo::chance::Chance;
use crate::demo::texts::{CARE, about};

/// Who makes a visit where and when, in ids and milliseconds.
#[derive(Clone, Debug)]
pub struct Visit<'a> {
    /// The client.
    pub client: &'a Client,
    /// The client's id.
    pub subject: &'a str,
    /// The contract's document id.
    pub contract: &'a str,
    /// The contract's scope item.
    pub item: &'a str,
    /// The member who goes.
    pub worker: &'a str,
    /// When it begins, true time.
    pub start_ms: i64,
    /// How long it lasts, minutes.
    pub minutes: i64,
}

/// A visit as the office plans it: made once, so that every phone writes in the same document.
pub fn planned(visit: &Visit<'_>) -> Value {
    json!({
        "visit_key": fresh(), "profile": "care", "sensitivity": "client",
        "subject_kind": "client", "subject_id": visit.subject,
        "contract_id": visit.contract, "scope_item": visit.item,
        "planned": plan(visit), "status": "planned",
    })
}

fn plan(visit: &Visit<'_>) -> Value {
    json!({
        "start": visit.start_ms, "end": visit.start_ms + visit.minutes * 60_000,
        "worker": visit.worker, "tasks": CARE.tasks[..4],
    })
}

/// Adds to a planned visit what its worker writes on it. `start` and `end` are moments of the
/// worker's own device.
pub fn filled(
    planned: &Value,
    visit: &Visit<'_>,
    start: Value,
    end: Value,
    chance: &mut Chance,
) -> Value {
    let mut note = planned.clone();
    let name = visit.client.first();
    let at = start["at"].as_i64().unwrap_or(visit.start_ms);
    note["workers"] = json!([visit.worker]);
    note["worker_times"] = under_ids([json!({
        "worker": visit.worker, "role": "main", "in": visit.start_ms,
        "out": visit.start_ms + visit.minutes * 60_000,
    })]);
    note["place"] = json!({"kind": "on_site"});
    note["time_parts"] = json!({"travel_min": chance.between(4, 25)});
    note["km"] = json!(tenths(chance.between(8, 240)));
    // Who pays follows from the client, whoever makes the visit.
    note["funding_source"] = json!(["self", "voucher", "county"][visit.client.number % 3]);
    note["tasks"] = under_ids((0..4).map(|n| {
        let left = n == 3 && chance.below(3) == 0;
        let mut task = json!({
            "plan_item": CARE.tasks[(n + visit.client.number) % CARE.tasks.len()],
            "state": if left { "not_needed" } else { "done" },
            "by": visit.worker, "at": at + 60_000 * i64::from(u8::try_from(n).unwrap_or(0)),
        });
        if left {
            task["reason"] = json!(chance.pick(&CARE.not_done));
        }
        task
    }));
    let headings: Vec<_> = CARE.headings.iter().collect();
    let first = chance.below(headings.len());
    let entries = 1 + chance.below(2);
    note["entries"] = under_ids((0..entries).map(|n| {
        let (heading, texts) = headings[(first + n * 3) % headings.len()];
        let text = format!("{} {}", chance.pick(&texts.seen), chance.pick(&texts.done));
        json!({
            "heading": heading, "text": about(&text, name), "author": visit.worker, "at": at,
            "significance": if chance.below(8) == 0 { "huomio" } else { "normal" },
        })
    }));
    note["measurements"] = under_ids([json!({
        "type": "rr", "value": chance.between(118, 158).to_string(),
        "value2": chance.between(62, 92).to_string(), "unit": "mmHg", "at": at + 300_000,
    })]);
    note["doses"] = under_ids([dose(visit, chance, at)]);
    if chance.below(4) == 0 {
        note["followups"] = under_ids([json!({
            "text": chance.pick(&CARE.followups), "owner": visit.worker, "state": "open",
        })]);
    }
    if chance.below(5) == 0 {
        note["handover"] = json!(chance.pick(&CARE.handover));
    }
    if chance.below(9) == 0 {
        note["contact_log"] = under_ids([json!({
            "to": chance.pick(&CARE.relatives), "by": visit.worker, "at": at + 600_000,
            "topic": "Voinnista ja seuraavasta lääkäriajasta",
        })]);
    }
    if chance.below(15) == 0 {
        note["deviations"] = under_ids([json!({
            "kind": "fall", "severity": "minor", "by": visit.worker, "at": at,
            "desc": about(&CARE.deviation.desc, name), "measures": about(&CARE.deviation.measures, name),
        })]);
    }
    note["actual_start"] = start;
    note["actual_end"] = end;
    note["outcome"] = json!("as_planned");
    note["status"] = json!("done");
    note
}

/// A dose given on the visit, due when it was planned to begin.
pub fn dose(visit: &Visit<'_>, chance: &mut Chance, given_at: i64) -> Value {
    json!({
        "med_plan_ver": 7, "drug": chance.pick(&CARE.drugs), "dose": "1 tabletti",
        "planned_at": visit.start_ms, "given_at": given_at, "by": visit.worker, "state": "given",
    })
}
