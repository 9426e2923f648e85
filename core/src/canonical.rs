//! One value, one sequence of bytes: deterministic CBOR (RFC 8949, section 4.2.1) of the JSON form.
//!
//! Used where bytes are compared, hashed or signed: compound fields and log entries inside a
//! document, and the sealed content of a contract. Shortest integers, definite lengths, map keys
//! sorted by their encoding, text keys only, and no floats at all, because two machines can
//! disagree about the last bit of one. Text is taken as it is; Unicode normalisation is the
//! business of signing.

use minicbor::data::Type;
use minicbor::{Decoder, Encoder};
use serde_json::{Map, Number, Value};

/// Arrays and maps inside each other, at most. The tables nest far less; a hostile value could
/// otherwise nest until the stack is gone.
pub const MAX_DEPTH: usize = 8;

/// The most bytes [`from_cbor`] looks at: above any contract's sealed content.
pub const MAX_BYTES: usize = 4 << 20;

/// Why a value has no canonical bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotCanonical {
    /// A number that is no integer of 64 bits.
    #[error("a number is not an integer")]
    Float,
    /// More than [`MAX_DEPTH`] containers inside each other.
    #[error("nested too deep")]
    Depth,
}

/// The canonical bytes of a value whose types were checked against a field table.
///
/// Total: what has no canonical form (a float, a container nested too deep) is written as null. Use
/// [`try_to_cbor`] for values of unknown origin.
pub fn to_cbor(value: &Value) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::new());
    write(&mut encoder, value, 0);
    encoder.into_writer()
}

/// The canonical bytes of any value, or why it has none.
pub fn try_to_cbor(value: &Value) -> Result<Vec<u8>, NotCanonical> {
    check(value, 0)?;
    Ok(to_cbor(value))
}

/// The value of canonical bytes. Total: `None` for anything else, such as trailing bytes, floats,
/// byte strings, tags, longer integers than needed, unsorted or repeated keys, depth, size.
pub fn from_cbor(bytes: &[u8]) -> Option<Value> {
    if bytes.len() > MAX_BYTES {
        return None;
    }
    let mut decoder = Decoder::new(bytes);
    let value = read(&mut decoder, 0)?;
    // Encoding again is the whole test of canonicity: there is one encoding of each value.
    (decoder.position() == bytes.len() && to_cbor(&value) == bytes).then_some(value)
}

fn check(value: &Value, depth: usize) -> Result<(), NotCanonical> {
    match value {
        Value::Null | Value::Bool(_) | Value::String(_) => Ok(()),
        Value::Number(n) if n.is_i64() || n.is_u64() => Ok(()),
        Value::Number(_) => Err(NotCanonical::Float),
        Value::Array(_) | Value::Object(_) if depth == MAX_DEPTH => Err(NotCanonical::Depth),
        Value::Array(items) => items.iter().try_for_each(|v| check(v, depth + 1)),
        Value::Object(map) => map.values().try_for_each(|v| check(v, depth + 1)),
    }
}

/// Shorter keys sort first, because the length is the first byte of a text's encoding.
fn key_order(key: &str) -> (usize, &[u8]) {
    (key.len(), key.as_bytes())
}

fn write(e: &mut Encoder<Vec<u8>>, value: &Value, depth: usize) {
    // Writing to a vector cannot fail, so the results say nothing.
    let _ = match value {
        Value::Array(items) if depth < MAX_DEPTH => {
            let _ = e.array(items.len() as u64);
            items.iter().for_each(|item| write(e, item, depth + 1));
            return;
        }
        Value::Object(map) if depth < MAX_DEPTH => {
            let mut entries: Vec<(&String, &Value)> = map.iter().collect();
            entries.sort_unstable_by_key(|(key, _)| key_order(key));
            let _ = e.map(entries.len() as u64);
            for (key, value) in entries {
                let _ = e.str(key);
                write(e, value, depth + 1);
            }
            return;
        }
        Value::Bool(b) => e.bool(*b),
        Value::String(s) => e.str(s),
        Value::Number(n) => match (n.as_u64(), n.as_i64()) {
            (Some(n), _) => e.u64(n),
            (None, Some(n)) => e.i64(n),
            (None, None) => e.null(),
        },
        Value::Null | Value::Array(_) | Value::Object(_) => e.null(),
    };
}

fn read(d: &mut Decoder<'_>, depth: usize) -> Option<Value> {
    let ty = d.datatype().ok()?;
    match ty {
        Type::Null => d.null().ok().map(|()| Value::Null),
        Type::Bool => d.bool().ok().map(Value::Bool),
        Type::U8 | Type::U16 | Type::U32 | Type::U64 => {
            d.u64().ok().map(|n| Value::Number(Number::from(n)))
        }
        Type::I8 | Type::I16 | Type::I32 | Type::I64 => {
            d.i64().ok().map(|n| Value::Number(Number::from(n)))
        }
        Type::String => d.str().ok().map(|s| Value::String(s.to_owned())),
        Type::Array if depth < MAX_DEPTH => {
            let len = d.array().ok()??;
            // No capacity from the claimed length: it may lie; each item costs at least one byte.
            let mut items = Vec::new();
            for _ in 0..len {
                items.push(read(d, depth + 1)?);
            }
            Some(Value::Array(items))
        }
        Type::Map if depth < MAX_DEPTH => {
            let len = d.map().ok()??;
            let mut map = Map::new();
            for _ in 0..len {
                let key = d.str().ok()?.to_owned();
                map.insert(key, read(d, depth + 1)?);
            }
            Some(Value::Object(map))
        }
        Type::Array
        | Type::Map
        | Type::Undefined
        | Type::Int
        | Type::F16
        | Type::F32
        | Type::F64
        | Type::Simple
        | Type::Bytes
        | Type::BytesIndef
        | Type::StringIndef
        | Type::ArrayIndef
        | Type::MapIndef
        | Type::Tag
        | Type::Break
        | Type::Unknown(_) => None,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use data_encoding::HEXLOWER;
    use serde_json::json;

    use super::*;

    fn hex(value: Value) -> String {
        HEXLOWER.encode(&to_cbor(&value))
    }

    fn unhex(hex: &str) -> Option<Value> {
        from_cbor(&HEXLOWER.decode(hex.as_bytes()).unwrap())
    }

    #[test]
    fn the_vectors_of_rfc_8949_appendix_a_encode_and_decode() {
        for (value, expected) in [
            (json!(0), "00"),
            (json!(1), "01"),
            (json!(10), "0a"),
            (json!(23), "17"),
            (json!(24), "1818"),
            (json!(25), "1819"),
            (json!(100), "1864"),
            (json!(1000), "1903e8"),
            (json!(1_000_000), "1a000f4240"),
            (json!(1_000_000_000_000_u64), "1b000000e8d4a51000"),
            (json!(18_446_744_073_709_551_615_u64), "1bffffffffffffffff"),
            (json!(-1), "20"),
            (json!(-10), "29"),
            (json!(-100), "3863"),
            (json!(-1000), "3903e7"),
            (json!(false), "f4"),
            (json!(true), "f5"),
            (json!(null), "f6"),
            (json!(""), "60"),
            (json!("a"), "6161"),
            (json!("IETF"), "6449455446"),
            (json!("\"\\"), "62225c"),
            (json!("\u{fc}"), "62c3bc"),
            (json!("\u{6c34}"), "63e6b0b4"),
            (json!("\u{10151}"), "64f0908591"),
            (json!([]), "80"),
            (json!([1, 2, 3]), "83010203"),
            (json!([1, [2, 3], [4, 5]]), "8301820203820405"),
            (json!({}), "a0"),
            (json!({"a": 1, "b": [2, 3]}), "a26161016162820203"),
            (json!(["a", {"b": "c"}]), "826161a161626163"),
            (
                json!({"a": "A", "b": "B", "c": "C", "d": "D", "e": "E"}),
                "a56161614161626142616361436164614461656145",
            ),
        ] {
            assert_eq!(hex(value.clone()), expected);
            assert_eq!(unhex(expected), Some(value));
        }
        let long: Vec<u8> = (1..=25).collect();
        let expected = "98190102030405060708090a0b0c0d0e0f101112131415161718181819";
        assert_eq!(hex(json!(long)), expected);
        assert_eq!(unhex(expected), Some(json!(long)));
    }

    #[test]
    fn keys_sort_by_their_encoding_so_shorter_ones_first() {
        assert_eq!(hex(json!({"aa": 1, "b": 2, "": 3})), "a3600361620262616101");
        assert_eq!(
            unhex("a262616101616202"),
            None,
            "unsorted keys are not canonical"
        );
        assert_eq!(unhex("a2616101616102"), None, "nor is a repeated key");
    }

    #[test]
    fn what_is_not_canonical_reads_as_nothing() {
        for (hex, why) in [
            ("", "nothing"),
            ("0001", "trailing bytes"),
            ("1817", "an integer longer than needed"),
            ("1900ff", "an integer longer than needed"),
            ("7801 61", "a length longer than needed"),
            ("f93c00", "half float 1.0"),
            ("fa47c35000", "float 100000.0"),
            ("fb3ff199999999999a", "double 1.1"),
            ("f7", "undefined"),
            ("f0", "simple(16)"),
            ("4401020304", "a byte string"),
            ("c074323031332d30332d32315432303a30343a30305a", "a tag"),
            ("9fff", "an indefinite array"),
            ("bfff", "an indefinite map"),
            ("7f657374726561646d696e67ff", "an indefinite text"),
            ("a10102", "a key that is no text"),
            ("62c328", "bad UTF-8"),
            ("ff", "a lone break"),
            ("9bffffffffffffffff", "a length that lies"),
            ("bb00ffffffffffffff", "a length that lies"),
            ("3bffffffffffffffff", "an integer below 64 bits"),
        ] {
            assert_eq!(unhex(&hex.replace(' ', "")), None, "{why}");
        }
    }

    #[test]
    fn depth_is_capped_both_ways() {
        let nest = |depth| (0..depth).fold(json!(1), |inner, _| json!([inner]));
        assert_eq!(from_cbor(&to_cbor(&nest(MAX_DEPTH))), Some(nest(MAX_DEPTH)));
        assert_eq!(try_to_cbor(&nest(MAX_DEPTH + 1)), Err(NotCanonical::Depth));
        let mut deep = vec![0x81; 100_000];
        deep.push(1);
        assert_eq!(from_cbor(&deep), None);
    }

    #[test]
    fn a_float_has_no_canonical_bytes() {
        assert_eq!(try_to_cbor(&json!({"a": [1.5]})), Err(NotCanonical::Float));
        assert_eq!(try_to_cbor(&json!(1.0)), Err(NotCanonical::Float));
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_without_panic_and_only_if_canonical(
            bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..64)
        ) {
            if let Some(value) = from_cbor(&bytes) {
                proptest::prop_assert_eq!(to_cbor(&value), bytes);
            }
        }
    }
}
