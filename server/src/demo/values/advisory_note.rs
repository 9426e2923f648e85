//! Farm visits.

use jiff::civil::Date;
use serde_json::{Value, json};

use super::{fresh, tenths, under_ids};
use crate::demo::cast::Firm;
use crate::demo::chance::Chance;
use crate::demo::texts::FARMS;

/// Who advises which farm, in ids.
#[derive(Clone, Debug)]
pub struct FarmVisit<'a> {
    /// The farm.
    pub farm: &'static Firm,
    /// Which of the farms, from 0: decides what grows there.
    pub number: usize,
    /// The farm's id.
    pub subject: &'a str,
    /// The contract's document id.
    pub contract: &'a str,
    /// The contract's scope item.
    pub item: &'a str,
    /// The advisor.
    pub worker: &'a str,
    /// The day.
    pub day: Date,
    /// When it begins, true time.
    pub start_ms: i64,
    /// How long, minutes.
    pub minutes: i64,
}

/// A whole visit note of 2 000 to 3 000 characters.
pub fn note(visit: &FarmVisit<'_>, start: Value, end: Value, chance: &mut Chance) -> Value {
    let crop = &FARMS.crops[crop_of(visit.number, chance)];
    let text = |parts: &[String], chance: &mut Chance| chance.pick(parts).clone();
    let summary = [
        text(&FARMS.summary.start, chance),
        text(&FARMS.summary.seen, chance),
        text(&FARMS.summary.advised, chance),
    ]
    .join("\n\n");
    let indoors = crop.use_type == "closed_space";
    let observations = (0..3 + chance.below(3)).map(|n| {
        let pest = &crop.pests[n % crop.pests.len()];
        let mut seen = json!({
            "block": crop.blocks[n % crop.blocks.len()], "crop_eppo": crop.crop, "pest_eppo": pest.pest,
            "bbch": chance.between(51, 87).to_string(), "method": pest.method, "unit": pest.unit,
            "count": tenths(chance.between(0, 60)), "threshold": pest.threshold,
            "principle": if n == 0 { "P3" } else { "P2" },
            "text": chance.pick(&pest.texts),
        });
        if !indoors {
            // Real parcel numbers begin with zero as often as not.
            seen["parcel"] = json!(format!("00400{:05}", 3_900 + visit.number * 40 + n));
            seen["sub_parcel"] = json!("A");
        }
        seen
    });
    let observations = under_ids(observations.collect::<Vec<_>>());
    let recommendations = under_ids(FARMS.recommendations.iter().map(|(urgency, texts)| {
        json!({
            "text": chance.pick(texts), "urgency": urgency, "block": crop.blocks[0],
            "principles": ["P1", "P4"],
        })
    }));
    json!({
        "visit_key": fresh(), "profile": "advisory", "sensitivity": "confidential",
        "subject_kind": "farm", "subject_id": visit.subject,
        "contract_id": visit.contract, "scope_item": visit.item,
        "actual_start": start, "actual_end": end,
        "time_parts": {"advice_min": visit.minutes, "prep_min": 30, "travel_min": chance.between(20, 80)},
        "place": {"kind": if indoors { "on_site" } else { "field" }},
        "workers": [visit.worker], "present": [visit.farm.name],
        "summary": summary, "observations": observations, "recommendations": recommendations,
        "treatments": under_ids([treatment(visit, crop, indoors)]),
        "advice_section": "2", "materials_left": [chance.pick(&FARMS.materials)],
        "km": tenths(chance.between(120, 1_900)), "route_from": "Imatra", "funding_source": "neuvo",
        "outcome": "as_planned", "status": "done",
    })
}

/// The farm with berries grows strawberries, the one with greenhouses tomatoes and cucumbers, the
/// third one roots.
fn crop_of(farm: usize, chance: &mut Chance) -> usize {
    match farm {
        0 => 0,
        1 => 1 + chance.below(2),
        _ => 3 + chance.below(2),
    }
}

fn treatment(visit: &FarmVisit<'_>, crop: &crate::demo::texts::Crop, indoors: bool) -> Value {
    let mut used = json!({
        "use_type": crop.use_type, "product": "Esimerkkivalmiste 25 WG", "auth_no": "0000",
        "date": crate::demo::phone_clock::days_from(visit.day, -6).to_string(),
        "dose": "0.25", "unit": "kg_ha", "crop_eppo": crop.crop, "pest_eppo": crop.pests[0].pest,
        "user": visit.farm.name, "phi_days": 3, "reason": "Kynnysarvo ylittyi edellisellä laskennalla",
    });
    if indoors {
        used["size"] = json!("800");
        used["size_unit"] = json!("m2");
    } else {
        used["size"] = json!("1.4");
        used["size_unit"] = json!("ha");
        used["parcel"] = json!(format!("00400{:05}", 3_900 + visit.number * 40));
        used["sub_parcel"] = json!("A");
    }
    used
}

/// What a note draws from a quota of its contract.
pub fn draw(contract: &str, quota: &str, qty: &str, day: Date) -> Value {
    json!({
        "contract": contract, "quota": quota, "qty": qty, "unit": "h",
        "date": day.to_string(), "round": 1,
    })
}
