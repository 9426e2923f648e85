//! One value between its JSON form and its Automerge scalar, judged by its [`Type`].
//!
//! Decoding is total: what does not fit the type is `None`, reads as *unknown* and stays in the
//! document. Encoding refuses what does not fit, because that is a mistake of the app.

use automerge::ScalarValue;
use rust_decimal::Decimal;
use serde_json::{Map, Value};

use crate::canonical;
use crate::documents::{Field, Type};

/// The key under which a log entry names the entry it corrects.
pub const SUPERSEDES: &str = "supersedes";

/// Whether a JSON value stands for "nothing here": null, empty text, empty list, empty object.
pub fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(s) => s.is_empty(),
        Value::Array(a) => a.is_empty(),
        Value::Object(o) => o.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// The JSON form of a scalar of this type; `None` if it is not one.
pub fn decode(ty: &Type, scalar: &ScalarValue) -> Option<Value> {
    match (ty, scalar) {
        (Type::Int | Type::Instant, ScalarValue::Int(i)) => Some(Value::from(*i)),
        (Type::Bool, ScalarValue::Boolean(b)) => Some(Value::from(*b)),
        (
            Type::Str(_)
            | Type::Code(_)
            | Type::Dec(_)
            | Type::Date
            | Type::Time
            | Type::Id
            | Type::Hex(_),
            ScalarValue::Str(s),
        ) => normalise(ty, &Value::from(s.as_str())),
        (Type::Compound(_) | Type::List(..), ScalarValue::Bytes(bytes)) => {
            normalise(ty, &canonical::from_cbor(bytes)?)
        }
        _ => None,
    }
}

/// The scalar of a JSON value of this type; `None` if the value does not fit the type.
pub fn encode(ty: &Type, value: &Value) -> Option<ScalarValue> {
    let value = normalise(ty, value)?;
    Some(match (ty, &value) {
        (Type::Compound(_) | Type::List(..), _) => ScalarValue::Bytes(canonical::to_cbor(&value)),
        (_, Value::Bool(b)) => ScalarValue::Boolean(*b),
        (_, Value::Number(n)) => ScalarValue::Int(n.as_i64()?),
        (_, Value::String(s)) => ScalarValue::Str(s.as_str().into()),
        (_, Value::Null | Value::Array(_) | Value::Object(_)) => return None,
    })
}

/// A compound's stored bytes with the new parts laid over the old ones, so that parts a newer app
/// wrote survive an older app's edit of the rest.
pub fn encode_over(ty: &Type, value: &Value, old: Option<&ScalarValue>) -> Option<ScalarValue> {
    let (Type::Compound(fields), Some(ScalarValue::Bytes(bytes))) = (ty, old) else {
        return encode(ty, value);
    };
    let Some(Value::Object(mut merged)) = canonical::from_cbor(bytes) else {
        return encode(ty, value);
    };
    let Value::Object(new) = normalise(ty, value)? else {
        return None;
    };
    for field in *fields {
        merged.remove(field.path);
    }
    merged.extend(new);
    Some(ScalarValue::Bytes(canonical::to_cbor(&Value::Object(
        merged,
    ))))
}

/// The one form of a JSON value of this type: decimals without trailing zeros, ids in lower case,
/// compounds with known and well-typed parts only. `None` if it does not fit at all.
pub fn normalise(ty: &Type, value: &Value) -> Option<Value> {
    match ty {
        Type::Str(_) | Type::Code(_) => value.as_str().map(Value::from),
        Type::Int | Type::Instant => value.as_i64().map(Value::from),
        Type::Bool => value.as_bool().map(Value::from),
        Type::Dec(_) => {
            let decimal = Decimal::from_str_exact(value.as_str()?).ok()?;
            Some(Value::from(decimal.normalize().to_string()))
        }
        Type::Date => {
            let date: jiff::civil::Date = value.as_str()?.parse().ok()?;
            Some(Value::from(date.to_string()))
        }
        Type::Time => {
            let s = value.as_str()?;
            let (h, m) = s.split_once(':')?;
            let fits =
                |part: &str, end: u8| part.len() == 2 && part.parse::<u8>().is_ok_and(|n| n < end);
            (fits(h, 24) && fits(m, 60)).then(|| Value::from(s))
        }
        Type::Id => {
            let id = uuid::Uuid::parse_str(value.as_str()?).ok()?;
            Some(Value::from(id.to_string()))
        }
        Type::Hex(_) => {
            let hex = value.as_str()?.to_ascii_lowercase();
            data_encoding::HEXLOWER.decode(hex.as_bytes()).ok()?;
            Some(Value::from(hex))
        }
        Type::Compound(fields) => {
            let object = value.as_object()?;
            let mut known = Map::new();
            for Field { path, ty, .. } in *fields {
                if let Some(part) = object.get(*path).filter(|part| !is_empty(part))
                    && let Some(part) = normalise(ty, part)
                {
                    known.insert((*path).to_owned(), part);
                }
            }
            Some(Value::Object(known))
        }
        Type::List(of, _) => {
            let items = value
                .as_array()?
                .iter()
                .filter_map(|item| normalise(of, item));
            Some(Value::Array(items.collect()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::documents::Rule;
    use serde_json::json;

    const PLANNED: Type = Type::Compound(&[
        Field::new("worker", Rule::Lww, Type::Str(10)),
        Field::new("qty", Rule::Lww, Type::Dec(2)),
    ]);

    #[test]
    fn every_type_round_trips_in_its_one_form() {
        let id = "0190a000-0000-7000-8000-00000000000A";
        for (ty, given, kept) in [
            (Type::Str(5), json!("Sää 🌧"), json!("Sää 🌧")),
            (Type::Dec(2), json!("2.50"), json!("2.5")),
            (Type::Int, json!(-7), json!(-7)),
            (Type::Bool, json!(false), json!(false)),
            (Type::Date, json!("2026-11-22"), json!("2026-11-22")),
            (Type::Time, json!("07:05"), json!("07:05")),
            (Type::Id, json!(id), json!(id.to_lowercase())),
            (Type::Hex(2), json!("AB"), json!("ab")),
            (
                PLANNED,
                json!({"worker": "Maria", "qty": "1.0"}),
                json!({"worker": "Maria", "qty": "1"}),
            ),
            (Type::List(&Type::Int, 3), json!([3, 1]), json!([3, 1])),
        ] {
            let scalar = encode(&ty, &given).expect("fits");
            assert_eq!(decode(&ty, &scalar), Some(kept), "{ty:?}");
        }
    }

    #[test]
    fn what_does_not_fit_reads_as_unknown() {
        for (ty, scalar) in [
            (Type::Int, ScalarValue::Str("7".into())),
            (Type::Str(9), ScalarValue::Int(7)),
            (Type::Dec(2), ScalarValue::Str("2,5".into())),
            (Type::Dec(2), ScalarValue::F64(2.5)),
            (Type::Date, ScalarValue::Str("22.11.2026".into())),
            (Type::Time, ScalarValue::Str("24:00".into())),
            (Type::Id, ScalarValue::Str("x".into())),
            (Type::Hex(2), ScalarValue::Str("zz".into())),
            (PLANNED, ScalarValue::Bytes(vec![0xff, 0])),
            (Type::Bool, ScalarValue::Null),
        ] {
            assert_eq!(decode(&ty, &scalar), None, "{ty:?}");
        }
    }

    #[test]
    fn a_part_from_a_newer_app_survives_an_edit_of_the_rest() {
        let newer = canonical::to_cbor(&json!({"worker": "Maria", "mood": "good", "qty": "1"}));
        let edited = encode_over(
            &PLANNED,
            &json!({"worker": "Liisa"}),
            Some(&ScalarValue::Bytes(newer)),
        );
        let Some(ScalarValue::Bytes(bytes)) = edited else {
            panic!("a compound is bytes")
        };
        assert_eq!(
            canonical::from_cbor(&bytes),
            Some(json!({"worker": "Liisa", "mood": "good"}))
        );
    }
}
