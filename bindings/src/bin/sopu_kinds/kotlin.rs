//! Kotlin: data classes for kotlinx.serialization. Defaults are not encoded, so what is absent is not
//! written.

use std::fmt::Write;

use sopu_core::documents::shape::{RecordShape, Shape};

use crate::model::{Model, camel_case, doc_lines};

const HEAD: &str = "\
// Made by sopu-kinds from the core's types. Not edited by hand.

package fi.sopu.documents

import kotlinx.serialization.SerialName
import kotlinx.serialization.Serializable

/** One value for each language a document is written in. */
@Serializable
public data class Localized<T>(
    /** Finnish. */
    val fi: T? = null,
    /** Swedish. */
    val sv: T? = null,
    /** English. */
    val en: T? = null,
)
";

/// The source file.
pub fn source(model: &Model) -> String {
    let mut text = HEAD.to_owned();
    for record in &model.records {
        text.push('\n');
        write_record(&mut text, model, record);
    }
    text
}

fn write_record(text: &mut String, model: &Model, record: &RecordShape) {
    doc(text, "", record.doc);
    let _ = writeln!(
        text,
        "@Serializable\npublic data class {}(",
        model.name_of(record)
    );
    for field in &record.fields {
        doc(text, "    ", field.doc);
        let name = camel_case(field.name);
        if name != field.json {
            let _ = writeln!(text, "    @SerialName(\"{}\")", field.json);
        }
        let (ty, default) = of(model, &field.shape);
        let _ = writeln!(text, "    val {}: {ty} = {default},", escaped(&name));
    }
    text.push_str(match model.kind_of(record) {
        Some(_) => ") : Content\n",
        None => ")\n",
    });
}

/// Type and default.
fn of(model: &Model, shape: &Shape) -> (String, String) {
    let plain = |ty: &str, default: &str| (ty.to_owned(), default.to_owned());
    match shape {
        Shape::Text => plain("String", "\"\""),
        Shape::Id => plain("String?", "null"),
        Shape::Int => plain("Long?", "null"),
        Shape::Bool => plain("Boolean?", "null"),
        Shape::Optional(inner) => (format!("{}?", required(model, inner)), "null".to_owned()),
        Shape::List(inner) => (
            format!("List<{}>", required(model, inner)),
            "emptyList()".to_owned(),
        ),
        Shape::Set(inner) => (
            format!("Set<{}>", required(model, inner)),
            "emptySet()".to_owned(),
        ),
        Shape::Items(inner) => (
            format!("Map<String, {}>", required(model, inner)),
            "emptyMap()".to_owned(),
        ),
        Shape::Localized(inner) => (
            format!("Localized<{}>", required(model, inner)),
            "Localized()".to_owned(),
        ),
        Shape::Record(record) => {
            let name = model.name_of(record);
            (name.to_owned(), format!("{name}()"))
        }
    }
}

/// The type of what is there.
fn required(model: &Model, shape: &Shape) -> String {
    match shape {
        Shape::Optional(inner) => required(model, inner),
        shape @ (Shape::Text
        | Shape::Id
        | Shape::Int
        | Shape::Bool
        | Shape::List(_)
        | Shape::Set(_)
        | Shape::Items(_)
        | Shape::Localized(_)
        | Shape::Record(_)) => of(model, shape).0.trim_end_matches('?').to_owned(),
    }
}

fn doc(text: &mut String, indent: &str, doc: &str) {
    match &doc_lines(doc)[..] {
        [line] => {
            let _ = writeln!(text, "{indent}/** {line} */");
        }
        lines => {
            let _ = writeln!(text, "{indent}/**");
            for line in lines {
                let _ = writeln!(text, "{}", format!("{indent} * {line}").trim_end());
            }
            let _ = writeln!(text, "{indent} */");
        }
    }
}

/// Hard keywords of Kotlin in backquotes.
fn escaped(name: &str) -> String {
    const KEYWORDS: &[&str] = &[
        "as",
        "class",
        "do",
        "else",
        "false",
        "for",
        "fun",
        "if",
        "in",
        "interface",
        "is",
        "null",
        "object",
        "package",
        "return",
        "super",
        "this",
        "throw",
        "true",
        "try",
        "typealias",
        "typeof",
        "val",
        "var",
        "when",
        "while",
    ];
    match KEYWORDS.contains(&name) {
        true => format!("`{name}`"),
        false => name.to_owned(),
    }
}
