//! What the typed structs of the kinds look like, as data: packages in other languages make their own
//! types from it, so that there is one list of fields and one set of words about them.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::record::{Items, Localized};

/// The type of a field in the JSON form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A string; `""` is the same as none.
    Text,
    /// A UUID in its hyphenated lower-case form.
    Id,
    /// A whole number.
    Int,
    /// `true` or `false`.
    Bool,
    /// Absent or this.
    Optional(Box<Shape>),
    /// Several, in an order that means something.
    List(Box<Shape>),
    /// Several, each once, sorted.
    Set(Box<Shape>),
    /// An object of these under UUIDs.
    Items(Box<Shape>),
    /// An object with one for each language: `fi`, `sv`, `en`.
    Localized(Box<Shape>),
    /// An object of named fields.
    Record(RecordShape),
}

/// A struct of the JSON form. Nothing absent is written, and a record without content is absent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordShape {
    /// Its name in Rust.
    pub name: &'static str,
    /// Where it is declared.
    pub module: &'static str,
    /// What it is, one line of text a line.
    pub doc: &'static str,
    /// Its fields in order; a document's begin with the common header's.
    pub fields: Vec<ShapeField>,
}

/// One field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShapeField {
    /// Its name in Rust.
    pub name: &'static str,
    /// Its name in the JSON form.
    pub json: &'static str,
    /// What it means, one line of text a line.
    pub doc: &'static str,
    /// Its type.
    pub shape: Shape,
}

/// A field's name without the mark of one that is a word of Rust's: `r#type` is `type`.
pub(crate) fn field_name(rust: &'static str) -> &'static str {
    rust.strip_prefix("r#").unwrap_or(rust)
}

/// What has a shape.
pub trait Shaped {
    /// It.
    fn shape() -> Shape;
}

impl Shaped for String {
    fn shape() -> Shape {
        Shape::Text
    }
}

impl Shaped for Uuid {
    fn shape() -> Shape {
        Shape::Id
    }
}

impl Shaped for i64 {
    fn shape() -> Shape {
        Shape::Int
    }
}

impl Shaped for bool {
    fn shape() -> Shape {
        Shape::Bool
    }
}

impl<T: Shaped> Shaped for Option<T> {
    fn shape() -> Shape {
        Shape::Optional(Box::new(T::shape()))
    }
}

impl<T: Shaped> Shaped for Vec<T> {
    fn shape() -> Shape {
        Shape::List(Box::new(T::shape()))
    }
}

impl<T: Shaped> Shaped for BTreeSet<T> {
    fn shape() -> Shape {
        Shape::Set(Box::new(T::shape()))
    }
}

impl<T: Shaped> Shaped for Items<T> {
    fn shape() -> Shape {
        Shape::Items(Box::new(T::shape()))
    }
}

impl<T: Shaped> Shaped for Localized<T> {
    fn shape() -> Shape {
        Shape::Localized(Box::new(T::shape()))
    }
}
