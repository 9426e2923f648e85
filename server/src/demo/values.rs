//! The documents of the demo as plain JSON, the form apps work with.

use serde_json::{Value, json};
use sopu_core::id::mint_uuid;
use sopu_core::time::{Env, SystemEnv};

use super::cast::{Client, Firm};

pub mod advisory_note;
pub mod care_note;
pub mod contract;
pub mod listing;

/// A fresh id for an item, entry, party or subject.
pub fn fresh() -> String {
    mint_uuid(&SystemEnv).to_string()
}

/// Items or entries under fresh ids.
pub fn under_ids(items: impl IntoIterator<Item = Value>) -> Value {
    Value::Object(items.into_iter().map(|item| (fresh(), item)).collect())
}

/// A moment as a device's clock shows it, with how wrong it knows that clock to be.
pub fn moment(clock: &dyn Env, offset_ms: Option<i64>) -> Value {
    let mut moment = json!({"at": clock.now_ms(), "tz": "Europe/Helsinki"});
    if let Some(offset) = offset_ms {
        moment["offset_ms"] = json!(offset);
    }
    moment
}

/// A decimal from tenths: 25 is "2.5", 20 is "2".
pub fn tenths(number: i64) -> String {
    if number % 10 == 0 {
        (number / 10).to_string()
    } else {
        format!("{}.{}", number / 10, number % 10)
    }
}

/// A firm as a contract shows it.
pub fn firm_snapshot(firm: &Firm) -> Value {
    json!({
        "name": firm.name, "legal_form": firm.form, "business_id": firm.business_id(),
        "address": firm.address, "postcode": firm.town().postcode, "city": firm.town().city,
    })
}

/// A client as a contract shows her.
pub fn client_snapshot(client: &Client) -> Value {
    json!({
        "name": client.name, "legal_form": "person",
        "address": client.address, "postcode": client.town().postcode, "city": client.town().city,
    })
}

#[cfg(test)]
mod tests;
