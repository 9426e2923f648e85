//! A farm advisor's visit note: 30 fields, 5 observations, 1 500 characters, filled in over 61
//! saves; and what is edited in one later.

use serde_json::{Value, json};

use super::finnish::{pick, text, typed};
use crate::storm::dice::Dice;

/// How often the form saved itself before the note was done.
pub const SAVES: usize = 61;

const OBSERVATIONS: usize = 5;
const OBSERVATION_SAVES: usize = 3;
const FIELD_SAVES: usize = 10;
const SUMMARY_SAVES: usize = SAVES - 3 - FIELD_SAVES - OBSERVATIONS * OBSERVATION_SAVES;

/// An id as a device mints it at this time: time first, then chance.
pub fn id(dice: &Dice, at_ms: i64) -> String {
    let chance = u128::from(dice.next()) << 64 | u128::from(dice.next());
    let random: [u8; 10] = std::array::from_fn(|place| chance.to_be_bytes()[place]);
    let at_ms = u64::try_from(at_ms).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(at_ms, &random)
        .into_uuid()
        .to_string()
}

fn moment(at_ms: i64) -> Value {
    json!({"at": at_ms, "tz": "Europe/Helsinki", "offset_ms": 140})
}

/// The form's content at its first save.
pub fn begun(dice: &Dice, start_ms: i64, worker: &str) -> Value {
    json!({
        "visit_key": id(dice, start_ms), "profile": "advisory", "sensitivity": "confidential",
        "subject_kind": "farm", "subject_id": id(dice, start_ms - 9_000_000_000),
        "contract_id": id(dice, start_ms - 8_000_000_000), "scope_item": id(dice, start_ms - 8_000_000_000),
        "planned": {"start": start_ms, "end": start_ms + 7_200_000, "worker": worker},
        "workers": [worker], "status": "planned",
    })
}

/// The form's content at each of its saves.
pub fn written(dice: &Dice, start_ms: i64, worker: &str) -> Vec<Value> {
    let mut form = begun(dice, start_ms, worker);
    let mut saves = vec![form.clone()];
    form["actual_start"] = moment(start_ms + 60_000 * dice.below(20) as i64);
    form["status"] = json!("started");
    saves.push(form.clone());
    let crop = pick(dice, &["FRAAN", "LYPES", "CUMSA", "DAUCS", "SOLTU"]);
    let fields: [&[(&str, Value)]; FIELD_SAVES] = [
        &[(
            "place",
            json!({"kind": "field", "lat": coordinate(dice, 61), "lon": coordinate(dice, 28), "accuracy_m": dice.below(30)}),
        )],
        &[(
            "present",
            json!([pick(
                dice,
                &[
                    "Antti Koskela",
                    "Liisa Rautio",
                    "Pekka Niemi",
                    "Sirpa Ojala"
                ]
            )]),
        )],
        &[(
            "route_from",
            json!(pick(
                dice,
                &["Imatra", "Lappeenranta", "Ruokolahti", "Parikkala"]
            )),
        )],
        &[(
            "km",
            json!(format!("{}.{}", 12 + dice.below(170), dice.below(10))),
        )],
        &[(
            "tags",
            json!([pick(
                dice,
                &["kasvinsuojelu", "ruokinta", "energia", "talous"]
            )]),
        )],
        &[(
            "time_parts",
            json!({"advice_min": 60 + dice.below(90), "prep_min": 30, "travel_min": 20 + dice.below(60), "break_min": 15}),
        )],
        &[
            ("advice_section", json!("2")),
            ("funding_source", json!("neuvo")),
        ],
        &[(
            "materials_left",
            json!([pick(
                dice,
                &[
                    "Tarkkailulomake",
                    "Ohje kasvinsuojelukirjanpidosta",
                    "Kalkitusopas"
                ]
            )]),
        )],
        &[(
            "next_visit",
            json!(format!("2026-12-{:02}", 1 + dice.below(28))),
        )],
        &[("handover", json!(text(dice, 60)))],
    ];
    let summary = typed(dice, &text(dice, 1_000), SUMMARY_SAVES);
    let mut summaries = summary.into_iter();
    for (number, values) in (0..).zip(fields) {
        for (field, value) in values {
            form[*field] = value.clone();
        }
        saves.push(form.clone());
        for words in summaries.by_ref().take(2) {
            form["summary"] = json!(words);
            saves.push(form.clone());
        }
        if number % 2 == 0 {
            observe(dice, start_ms, crop, &mut form, &mut saves);
        }
    }
    for words in summaries {
        form["summary"] = json!(words);
        saves.push(form.clone());
    }
    form["actual_end"] = moment(start_ms + 5_400_000 + 1_000 * dice.below(3_600) as i64);
    form["outcome"] = json!("as_planned");
    form["status"] = json!("done");
    saves.push(form);
    saves
}

fn observe(dice: &Dice, at_ms: i64, crop: &str, form: &mut Value, saves: &mut Vec<Value>) {
    let key = id(dice, at_ms + saves.len() as i64 * 20_000);
    let item = json!({
        "block": pick(dice, &["Rantalohko", "Ylämäki", "Tien viereinen", "Tunneli 2", "Kotipelto"]),
        "parcel": format!("00400{:05}", 3_900 + dice.below(900)), "sub_parcel": "A",
        "crop_eppo": crop, "pest_eppo": pick(dice, &["TETRUR", "ANTHRU", "BOTRCI", "TRIAVA", "PSILRO"]),
        "bbch": (51 + dice.below(37)).to_string(),
        "method": pick(dice, &["visual", "leaf_count", "sticky_trap", "sweep_net"]),
        "count": format!("{}.{}", dice.below(30), dice.below(10)),
        "unit": pick(dice, &["per_leaf", "per_trap", "per_sweep", "percent"]),
        "threshold": "5", "principle": "P2",
    });
    form["observations"][&key] = item;
    for words in typed(dice, &text(dice, 90), OBSERVATION_SAVES) {
        form["observations"][&key]["text"] = json!(words);
        saves.push(form.clone());
    }
}

fn coordinate(dice: &Dice, whole: u32) -> String {
    format!("{whole}.{:06}", dice.below(1_000_000))
}

/// So many of a form's saves, evenly chosen, the last one among them.
pub fn some(all: &[Value], saves: usize) -> Vec<Value> {
    let chosen = (1..=saves).map(|n| all[(all.len() * n / saves).saturating_sub(1)].clone());
    chosen.collect()
}

/// What the two edits of a note that exists make of it.
pub fn edited(dice: &Dice, value: &Value) -> [Value; 2] {
    let mut first = value.clone();
    let (field, new) = match dice.below(3) {
        0 => ("km", json!(format!("{}.5", 12 + dice.below(170)))),
        1 => (
            "next_visit",
            json!(format!("2027-01-{:02}", 1 + dice.below(28))),
        ),
        _ => ("outcome", json!("partial")),
    };
    first[field] = new;
    let mut second = first.clone();
    let summary = value["summary"].as_str().unwrap_or_default();
    let spaces: Vec<usize> = summary.match_indices(' ').map(|(at, _)| at).collect();
    let at = spaces.get(dice.below(spaces.len().max(1))).copied();
    let (before, after) = summary.split_at(at.unwrap_or(summary.len()));
    second["summary"] = json!(format!("{before} {}{after}", text(dice, 60)));
    [first, second]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_has_over_thirty_fields_five_observations_and_1500_characters() {
        for seed in 0..20 {
            let saves = written(
                &Dice::new(seed),
                1_795_000_000_000,
                &uuid::Uuid::nil().to_string(),
            );
            assert_eq!(saves.len(), SAVES);
            let done = &saves[SAVES - 1];
            let fields = done.as_object().expect("an object").len();
            // The four the device fills in, and three more parts of the time.
            assert_eq!(fields + 4 + 3, 33);
            let observations = done["observations"].as_object().expect("items");
            assert_eq!(observations.len(), 5);
            let length = |text: &Value| text.as_str().map_or(0, |text| text.chars().count());
            let characters = length(&done["summary"])
                + length(&done["handover"])
                + observations
                    .values()
                    .map(|o| length(&o["text"]))
                    .sum::<usize>();
            assert!((1_400..1_600).contains(&characters), "{characters}");
            assert!(saves.windows(2).all(|pair| pair[0] != pair[1]));
        }
    }
}
