//! Python: dataclasses whose fields say their name in the JSON form and what they hold; `records.py`
//! of the package reads and writes by that.

use std::fmt::Write;

use sopu_core::documents::shape::{RecordShape, Shape};

use crate::model::{Model, doc_lines};

const HEAD: &str = "\
# Made by sopu-kinds from the core's types. Not edited by hand.
\"\"\"The three kinds of document, typed.\"\"\"

from dataclasses import dataclass

from .native import Kind
from .records import Content, Localized, Record, of
";

/// The source file.
pub fn source(model: &Model) -> String {
    let mut text = HEAD.to_owned();
    for record in &model.records {
        let _ = write_record(&mut text, model, record);
    }
    let names: Vec<String> = model
        .records
        .iter()
        .map(|record| format!("    \"{}\",\n", model.name_of(record)))
        .collect();
    let _ = write!(text, "\n\n__all__ = [\n{}]\n", names.concat());
    text
}

fn write_record(text: &mut String, model: &Model, record: &RecordShape) -> std::fmt::Result {
    let name = model.name_of(record);
    match model.kind_of(record) {
        Some(kind) => {
            write!(text, "\n\n@dataclass\nclass {name}(Content):\n")?;
            doc(text, record.doc)?;
            writeln!(text, "\n    KIND = Kind.{}", kind.code().to_uppercase())?;
        }
        None => {
            write!(text, "\n\n@dataclass\nclass {name}(Record):\n")?;
            doc(text, record.doc)?;
        }
    }
    text.push('\n');
    for field in &record.fields {
        let (ty, shape) = of(model, &field.shape);
        writeln!(
            text,
            "    {}: {ty} = of(\"{}\", {shape})",
            escaped(field.name),
            field.json
        )?;
        doc(text, field.doc)?;
    }
    Ok(())
}

/// The annotation, and what the reader needs to know: `str`, `int`, `bool`, a record, or one of these in
/// a `list`, `set`, `dict` or `Localized`.
fn of(model: &Model, shape: &Shape) -> (String, String) {
    let in_ =
        |outer: &str, annotation: String, inner: String| (annotation, format!("{outer}, {inner}"));
    match shape {
        Shape::Text => ("str".to_owned(), "str, text=True".to_owned()),
        Shape::Id | Shape::Int | Shape::Bool => {
            let ty = required(model, shape);
            (format!("{ty} | None"), ty)
        }
        Shape::Optional(inner) => {
            let ty = required(model, inner);
            (format!("{ty} | None"), ty)
        }
        Shape::List(inner) => {
            let ty = required(model, inner);
            in_("list", format!("list[{ty}]"), ty)
        }
        Shape::Set(inner) => {
            let ty = required(model, inner);
            in_("set", format!("set[{ty}]"), ty)
        }
        Shape::Items(inner) => {
            let ty = required(model, inner);
            in_("dict", format!("dict[str, {ty}]"), ty)
        }
        Shape::Localized(inner) => {
            if let Shape::Set(of) = &**inner {
                let ty = required(model, of);
                let annotation = format!("Localized[set[{ty}]]");
                return (annotation, format!("Localized, set, {ty}"));
            }
            let ty = required(model, inner);
            in_("Localized", format!("Localized[{ty}]"), ty)
        }
        Shape::Record(record) => {
            let name = model.name_of(record).to_owned();
            (name.clone(), format!("{name}, inline=True"))
        }
    }
}

fn required(model: &Model, shape: &Shape) -> String {
    match shape {
        Shape::Text | Shape::Id => "str".to_owned(),
        Shape::Int => "int".to_owned(),
        Shape::Bool => "bool".to_owned(),
        Shape::Optional(inner) => required(model, inner),
        Shape::Record(record) => model.name_of(record).to_owned(),
        Shape::List(_) | Shape::Set(_) | Shape::Items(_) | Shape::Localized(_) => {
            of(model, shape).0
        }
    }
}

fn doc(text: &mut String, doc: &str) -> std::fmt::Result {
    let lines = doc_lines(&doc.replace('\\', "\\\\"));
    writeln!(text, "    \"\"\"{}\"\"\"", lines.join("\n    "))
}

/// Keywords of Python get an underscore behind.
fn escaped(name: &str) -> String {
    const KEYWORDS: &[&str] = &[
        "and", "as", "assert", "async", "await", "break", "class", "continue", "def", "del",
        "elif", "else", "except", "finally", "for", "from", "global", "if", "import", "in", "is",
        "lambda", "nonlocal", "not", "or", "pass", "raise", "return", "try", "while", "with",
        "yield",
    ];
    match KEYWORDS.contains(&name) {
        true => format!("{name}_"),
        false => name.to_owned(),
    }
}
