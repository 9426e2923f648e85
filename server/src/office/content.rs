//! A document's content as labelled lines, by the field table: nothing here knows a kind.

use serde_json::Value;
use sopu_core::codes;
use sopu_core::documents::{COMMON, Field, Kind, Rule, Type};
use sopu_core::read::{Reading, at_path};
use uuid::Uuid;

use super::names::Names;
use crate::words::Words;

/// One field with its label.
pub struct Line {
    /// Its label.
    pub label: String,
    /// What it holds.
    pub shown: Shown,
    /// Several values wait for a choice.
    pub conflict: bool,
}

/// What a field holds, ready to show.
pub enum Shown {
    /// A short value.
    Short(String),
    /// A text with its own line breaks.
    Long(String),
    /// Several short values.
    Several(Vec<String>),
    /// Items or entries, each with its parts.
    Items(Vec<Vec<Part>>),
}

/// A part of an item.
pub struct Part {
    /// Its label.
    pub label: String,
    /// Its value.
    pub text: String,
}

/// Shows values in one language with names for ids.
pub struct Show<'a> {
    /// The language.
    pub words: &'static Words,
    /// The names.
    pub names: &'a Names<'a>,
    /// The kind of the document.
    pub kind: Kind,
}

/// Entries of logs that machines read: the bytes that were signed, and the like.
const NOT_SHOWN: &[&str] = &[
    "bytes",
    "device_sig",
    "device_key",
    "canon",
    "schema_version",
    "tz",
    "offset_ms",
    "visit_key",
    "seals",
];

impl Show<'_> {
    /// The kind's own fields that hold something.
    pub fn own(&self, reading: &Reading) -> Vec<Line> {
        self.lines(self.kind.spec().own_fields.iter(), reading)
    }

    /// The common header's fields that hold something.
    pub fn header(&self, reading: &Reading) -> Vec<Line> {
        self.lines(COMMON.iter(), reading)
    }

    fn lines<'f>(&self, fields: impl Iterator<Item = &'f Field>, reading: &Reading) -> Vec<Line> {
        fields
            .filter(|field| !NOT_SHOWN.contains(&field.path))
            .filter_map(|field| {
                let own = |path: &str| {
                    path == field.path
                        || path
                            .strip_prefix(field.path)
                            .is_some_and(|r| r.starts_with('.'))
                };
                let conflict = reading.conflicts.iter().any(|c| own(&c.path))
                    || reading.log_clashes.iter().any(|c| own(&c.field));
                let value = at_path(&reading.value, field.path);
                if value.is_none() && !conflict {
                    return None;
                }
                let shown = value.map_or(Shown::Short(String::new()), |value| {
                    self.field(field, value)
                });
                Some(Line {
                    label: self.label(field.path),
                    shown,
                    conflict,
                })
            })
            .collect()
    }

    fn field(&self, field: &Field, value: &Value) -> Shown {
        match (field.rule, field.ty) {
            (Rule::Map(parts), _) | (Rule::Log, Type::Compound(parts)) => {
                let items = value
                    .as_object()
                    .into_iter()
                    .flat_map(|items| items.values());
                Shown::Items(
                    items
                        .map(|item| self.parts(field.path, parts, item))
                        .collect(),
                )
            }
            (Rule::Txt, _) => Shown::Long(self.value(field, value)),
            (Rule::Aws | Rule::Rws, ty) => {
                let elements = value.as_array().into_iter().flatten();
                Shown::Several(elements.map(|v| self.typed(field.path, &ty, v)).collect())
            }
            (_, Type::Compound(parts)) => Shown::Items(vec![self.parts(field.path, parts, value)]),
            _ => Shown::Short(self.value(field, value)),
        }
    }

    fn parts(&self, path: &str, fields: &[Field], item: &Value) -> Vec<Part> {
        let held = fields.iter().filter(|f| !NOT_SHOWN.contains(&f.path));
        held.filter_map(|field| {
            let value = item.get(field.path)?;
            let label = self.label(&format!("{path}.{}", field.path));
            Some(Part {
                label,
                text: self.value(field, value),
            })
        })
        .collect()
    }

    /// A field's value in one line.
    pub fn value(&self, field: &Field, value: &Value) -> String {
        self.typed(field.path, &field.ty, value)
    }

    fn typed(&self, path: &str, ty: &Type, value: &Value) -> String {
        let raw = || {
            value
                .as_str()
                .map_or_else(|| value.to_string(), ToOwned::to_owned)
        };
        match ty {
            Type::Code(list) => {
                let code = raw();
                codes::label(list, &code, self.words.lang.code()).map_or(code, ToOwned::to_owned)
            }
            Type::Bool => self.words.t(if value == &Value::Bool(true) {
                "yes"
            } else {
                "no"
            }),
            Type::Date => self.words.date(&raw()),
            Type::Instant => value.as_i64().map_or_else(raw, |ms| self.words.instant(ms)),
            Type::Dec(_) => self.words.decimal(&raw()),
            Type::Int if path.ends_with("_cents") => {
                value.as_i64().map_or_else(raw, |cents| self.euros(cents))
            }
            Type::Id => self.id(&raw()),
            Type::Hex(_) => shortened(&raw()),
            Type::Compound(fields) => {
                let parts = self.parts(path, fields, value);
                let parts: Vec<String> = parts
                    .iter()
                    .map(|p| format!("{}: {}", p.label, p.text))
                    .collect();
                parts.join(", ")
            }
            Type::List(of, _) => {
                let all: Vec<String> = value
                    .as_array()
                    .into_iter()
                    .flatten()
                    .map(|v| self.typed(path, of, v))
                    .collect();
                all.join(", ")
            }
            Type::Str(_) | Type::Int | Type::Time => match value.as_array() {
                Some(all) => all
                    .iter()
                    .map(|v| self.typed(path, ty, v))
                    .collect::<Vec<_>>()
                    .join(", "),
                None => raw(),
            },
        }
    }

    /// Any value at any path of the kind, in one line: what history and conflicts show.
    pub fn at(&self, path: &str, value: &Value) -> String {
        let Some((field, rest)) = self.resolve(path) else {
            return plain(value);
        };
        match (field.rule, field.ty, rest.as_slice()) {
            (Rule::Map(parts), _, [_key, part])
            | (Rule::Log, Type::Compound(parts), [_key, part]) => {
                match parts.iter().find(|p| p.path == *part) {
                    Some(part) => self.value(part, value),
                    None => plain(value),
                }
            }
            (Rule::Map(parts), _, [_key]) | (Rule::Log, Type::Compound(parts), [_key]) => {
                let parts = self.parts(field.path, parts, value);
                parts
                    .into_iter()
                    .map(|p| p.text)
                    .filter(|t| !t.is_empty())
                    .collect::<Vec<_>>()
                    .join(" · ")
            }
            (Rule::Aws | Rule::Rws, ty, _) => {
                let elements = value.as_array().into_iter().flatten();
                elements
                    .map(|v| self.typed(field.path, &ty, v))
                    .collect::<Vec<_>>()
                    .join(", ")
            }
            _ => self.value(field, value),
        }
    }

    /// The label of any path: of the field, and of the part inside an item.
    pub fn label_at(&self, path: &str) -> String {
        match self.resolve(path) {
            Some((field, rest)) => match rest.as_slice() {
                [_key, part] => {
                    let inner = self.label(&format!("{}.{part}", field.path));
                    format!("{}: {inner}", self.label(field.path))
                }
                _ => self.label(field.path),
            },
            None => path.to_owned(),
        }
    }

    /// The field a path begins with, and what follows it.
    pub fn resolve<'p>(&self, path: &'p str) -> Option<(&'static Field, Vec<&'p str>)> {
        let spec = self.kind.spec();
        let field = spec
            .fields()
            .filter(|f| {
                path == f.path
                    || path
                        .strip_prefix(f.path)
                        .is_some_and(|r| r.starts_with('.'))
            })
            .max_by_key(|f| f.path.len())?;
        let rest = path.get(field.path.len() + 1..).unwrap_or_default();
        Some((
            field,
            rest.split('.').filter(|part| !part.is_empty()).collect(),
        ))
    }

    /// The label of a field or part.
    pub fn label(&self, path: &str) -> String {
        self.words.field(self.kind.code(), path)
    }

    fn id(&self, id: &str) -> String {
        let known = id.parse::<Uuid>().ok().and_then(|id| self.names.find(id));
        known.unwrap_or_else(|| shortened(id))
    }

    fn euros(&self, cents: i64) -> String {
        let sign = if cents < 0 { "−" } else { "" };
        let cents = cents.unsigned_abs();
        self.words
            .decimal(&format!("{sign}{}.{:02}", cents / 100, cents % 100))
    }
}

/// The beginning of an id or hash, enough to tell two apart by eye.
fn shortened(text: &str) -> String {
    match text.get(..8) {
        Some(start) if text.len() > 12 => format!("{start}…"),
        _ => text.to_owned(),
    }
}

fn plain(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), ToOwned::to_owned)
}
