//! One document of each kind with every field filled, from the field tables.

use serde_json::{Map, Value};
use sopu_core::documents::Kind;
use sopu_core::testing::filled;

/// A JSON object with the content of each kind under its code.
pub fn source() -> String {
    let kinds = Kind::ALL.map(|kind| (kind.code().to_owned(), filled::full(kind.spec())));
    let mut text = format!("{:#}", Value::Object(Map::from_iter(kinds)));
    text.push('\n');
    text
}
