//! A value in which every field of a table is filled.

use serde_json::{Map, Value, json};

use crate::documents::{Field, Rule, Spec, Type};

const KEY: &str = "0190b5a0-0000-7000-8000-000000000001";

/// Every path of the table, filled.
pub fn full(spec: &Spec) -> Value {
    let mut value = json!({});
    for field in spec.fields() {
        match field.path.split_once('.') {
            Some((outer, inner)) => value[outer][inner] = of_field(field),
            None => value[field.path] = of_field(field),
        }
    }
    value
}

fn of_field(field: &Field) -> Value {
    match field.rule {
        Rule::Map(fields) => json!({ KEY: of_fields(fields, of_field) }),
        Rule::Log => json!({ KEY: of_type(&field.ty) }),
        Rule::Aws | Rule::Rws => json!([of_type(&field.ty)]),
        Rule::Mst(codes) | Rule::Max(codes) => json!(codes.last()),
        Rule::Imm | Rule::Lww | Rule::Mvr | Rule::Yield(_) | Rule::Txt | Rule::FlagPlus => {
            of_type(&field.ty)
        }
    }
}

fn of_fields(fields: &[Field], of: impl Fn(&Field) -> Value) -> Value {
    let filled = fields.iter().map(|f| (f.path.to_owned(), of(f)));
    Value::Object(filled.collect::<Map<_, _>>())
}

fn of_type(ty: &Type) -> Value {
    match ty {
        Type::Str(_) => json!("tekstiä"),
        Type::Code(list) => json!(format!("{list}_x")),
        Type::Int => json!(7),
        Type::Dec(_) => json!("2.5"),
        Type::Bool => json!(true),
        Type::Date => json!("2026-11-22"),
        Type::Time => json!("07:05"),
        Type::Instant => json!(1_790_000_000_000_i64),
        Type::Id => json!(KEY),
        Type::Hex(_) => json!("00ff"),
        Type::Compound(fields) => of_fields(fields, |f| of_type(&f.ty)),
        Type::List(of, _) => json!([of_type(of)]),
    }
}
