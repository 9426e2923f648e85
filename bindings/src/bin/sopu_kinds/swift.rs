//! Swift: structs with Codable written out, so that what is absent reads as its default and nothing
//! absent is written. What only one kind has is nested in it: `VisitNote.Task` hides no name of Swift's own.

use std::fmt::Write;

use sopu_core::documents::shape::{RecordShape, Shape};

use crate::model::{Model, camel_case, doc_lines, kind_name};

const HEAD: &str = "\
// Made by sopu-kinds from the core's types. Not edited by hand.

/// One value for each language a document is written in.
public struct Localized<Value: Codable & Hashable & Sendable>: Codable, Hashable, Sendable {
    /// Finnish.
    public var fi: Value?
    /// Swedish.
    public var sv: Value?
    /// English.
    public var en: Value?

    /// One with these languages.
    public init(fi: Value? = nil, sv: Value? = nil, en: Value? = nil) {
        self.fi = fi
        self.sv = sv
        self.en = en
    }
}
";

/// The source file.
pub fn source(model: &Model) -> String {
    let mut text = HEAD.to_owned();
    for record in &model.records {
        text.push('\n');
        let _ = write_record(&mut text, model, record);
    }
    text
}

fn write_record(text: &mut String, model: &Model, record: &RecordShape) -> std::fmt::Result {
    let name = record.name;
    if let Some(kind) = kind_around(model, record) {
        writeln!(text, "extension {kind} {{")?;
    }
    let protocols = match model.kind_of(record) {
        Some(_) => "Content",
        None => "Codable, Hashable, Sendable",
    };
    doc(text, "", record.doc)?;
    writeln!(text, "public struct {name}: {protocols} {{")?;
    let fields: Vec<_> = record
        .fields
        .iter()
        .map(|field| {
            let (ty, default) = of(model, &field.shape);
            (field, escaped(&camel_case(field.name)), ty, default)
        })
        .collect();
    for (field, name, ty, default) in &fields {
        doc(text, "    ", field.doc)?;
        match default {
            Some(default) => writeln!(text, "    public var {name}: {ty} = {default}")?,
            None => writeln!(text, "    public var {name}: {ty}?")?,
        }
    }
    writeln!(text, "\n    /// An empty one.\n    public init() {{}}\n")?;
    writeln!(text, "    private enum Key: String, CodingKey {{")?;
    for (field, name, ..) in &fields {
        writeln!(text, "        case {name} = \"{}\"", field.json)?;
    }
    writeln!(
        text,
        "    }}\n\n    public init(from decoder: any Decoder) throws {{"
    )?;
    writeln!(
        text,
        "        let fields = try decoder.container(keyedBy: Key.self)"
    )?;
    for (_, name, ty, default) in &fields {
        let fallback = default
            .as_ref()
            .map_or_else(String::new, |default| format!(" ?? {default}"));
        writeln!(
            text,
            "        self.{name} = try fields.decodeIfPresent({ty}.self, forKey: .{name}){fallback}"
        )?;
    }
    writeln!(
        text,
        "    }}\n\n    public func encode(to encoder: any Encoder) throws {{"
    )?;
    writeln!(
        text,
        "        var fields = encoder.container(keyedBy: Key.self)"
    )?;
    for (_, name, ty, default) in &fields {
        match default {
            None => writeln!(
                text,
                "        try fields.encodeIfPresent(self.{name}, forKey: .{name})"
            )?,
            Some(default) => {
                let empty = match default.as_str() {
                    "\"\"" | "[]" | "[:]" => format!("!self.{name}.isEmpty"),
                    _ => format!("self.{name} != {ty}()"),
                };
                // In one order, so that the same content is the same text.
                let sorted = if ty.starts_with("Set<") {
                    ".sorted()"
                } else {
                    ""
                };
                writeln!(
                    text,
                    "        if {empty} {{ try fields.encode(self.{name}{sorted}, forKey: .{name}) }}"
                )?;
            }
        }
    }
    writeln!(text, "    }}\n}}")?;
    if kind_around(model, record).is_some() {
        writeln!(text, "}}")?;
    }
    Ok(())
}

/// The kind a record belongs to; `None` for a kind itself and for what several share.
fn kind_around(model: &Model, record: &RecordShape) -> Option<String> {
    let kind = kind_name(record.module);
    let other = |r: &RecordShape| model.kind_of(r).is_some() && r.name == kind;
    (model.kind_of(record).is_none() && model.records.iter().any(other)).then_some(kind)
}

/// Type, and default unless it is optional.
fn of(model: &Model, shape: &Shape) -> (String, Option<String>) {
    let with = |ty: String, default: &str| (ty, Some(default.to_owned()));
    match shape {
        Shape::Text => with("String".to_owned(), "\"\""),
        Shape::Id => ("String".to_owned(), None),
        Shape::Int => ("Int64".to_owned(), None),
        Shape::Bool => ("Bool".to_owned(), None),
        Shape::Optional(inner) => (of(model, inner).0, None),
        Shape::List(inner) => with(format!("[{}]", of(model, inner).0), "[]"),
        Shape::Set(inner) => with(format!("Set<{}>", of(model, inner).0), "[]"),
        Shape::Items(inner) => with(format!("[String: {}]", of(model, inner).0), "[:]"),
        Shape::Localized(inner) => {
            let ty = format!("Localized<{}>", of(model, inner).0);
            let default = format!("{ty}()");
            (ty, Some(default))
        }
        Shape::Record(record) => {
            let name = match kind_around(model, record) {
                Some(kind) => format!("{kind}.{}", record.name),
                None => record.name.to_owned(),
            };
            let default = format!("{name}()");
            (name, Some(default))
        }
    }
}

fn doc(text: &mut String, indent: &str, doc: &str) -> std::fmt::Result {
    for line in doc_lines(doc) {
        writeln!(text, "{}", format!("{indent}/// {line}").trim_end())?;
    }
    Ok(())
}

/// Keywords of Swift in backquotes.
fn escaped(name: &str) -> String {
    const KEYWORDS: &[&str] = &[
        "as",
        "break",
        "case",
        "catch",
        "class",
        "continue",
        "default",
        "defer",
        "do",
        "else",
        "enum",
        "extension",
        "false",
        "for",
        "func",
        "guard",
        "if",
        "import",
        "in",
        "init",
        "inout",
        "internal",
        "is",
        "let",
        "nil",
        "operator",
        "private",
        "protocol",
        "public",
        "repeat",
        "rethrows",
        "return",
        "self",
        "static",
        "struct",
        "subscript",
        "super",
        "switch",
        "throw",
        "throws",
        "true",
        "try",
        "typealias",
        "var",
        "where",
        "while",
    ];
    match KEYWORDS.contains(&name) {
        true => format!("`{name}`"),
        false => name.to_owned(),
    }
}
