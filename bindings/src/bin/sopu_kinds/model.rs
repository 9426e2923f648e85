//! What is to be written: every record once, under a name of its own, before what uses it.

use std::collections::BTreeMap;

use sopu_core::documents::Kind;
use sopu_core::documents::contract::Contract;
use sopu_core::documents::service_listing::ServiceListing;
use sopu_core::documents::shape::{RecordShape, Shape, ShapeField, Shaped};
use sopu_core::documents::visit_note::VisitNote;

/// All records.
pub struct Model {
    /// Each record, what it is made of before it.
    pub records: Vec<RecordShape>,
    /// Which name each has: by its own and its module's, for two modules may use the same.
    names: BTreeMap<(&'static str, &'static str), String>,
    kinds: Vec<(Kind, &'static str)>,
}

impl Model {
    /// Of the kinds the core has.
    pub fn of_the_core() -> Self {
        let kinds = [
            (Kind::Contract, Contract::shape()),
            (Kind::VisitNote, VisitNote::shape()),
            (Kind::ServiceListing, ServiceListing::shape()),
        ];
        let mut model = Self {
            records: Vec::new(),
            names: BTreeMap::new(),
            kinds: Vec::new(),
        };
        for (kind, shape) in kinds {
            if let Shape::Record(record) = &shape {
                model.kinds.push((kind, record.name));
            }
            model.collect(&shape);
        }
        model.name();
        model
    }

    /// The record's name, unlike all others.
    pub fn name_of(&self, record: &RecordShape) -> &str {
        &self.names[&(record.name, record.module)]
    }

    /// The kind whose documents are such records, if they are documents.
    pub fn kind_of(&self, record: &RecordShape) -> Option<Kind> {
        let found = self.kinds.iter().find(|(_, name)| *name == record.name);
        found.map(|(kind, _)| *kind)
    }

    fn collect(&mut self, shape: &Shape) {
        match shape {
            Shape::Text | Shape::Id | Shape::Int | Shape::Bool => {}
            Shape::Optional(of)
            | Shape::List(of)
            | Shape::Set(of)
            | Shape::Items(of)
            | Shape::Localized(of) => self.collect(of),
            Shape::Record(record) => {
                if self.records.contains(record) {
                    return;
                }
                for ShapeField { shape, .. } in &record.fields {
                    self.collect(shape);
                }
                self.records.push(record.clone());
            }
        }
    }

    /// Where two modules have records of one name, the kind's name goes before it.
    fn name(&mut self) {
        for record in &self.records {
            let alone = self
                .records
                .iter()
                .filter(|r| r.name == record.name)
                .count()
                == 1;
            let name = match alone {
                true => record.name.to_owned(),
                false => format!("{}{}", kind_name(record.module), record.name),
            };
            self.names.insert((record.name, record.module), name);
        }
    }
}

/// `sopu_core::documents::visit_note::closing` → `VisitNote`.
pub fn kind_name(module: &str) -> String {
    let kind = module.split("::").nth(2).unwrap_or_default();
    kind.split('_').map(capitalised).collect()
}

/// `visit_key` → `visitKey`.
pub fn camel_case(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |name, word| name + &capitalised(word))
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

/// The lines of a doc text, without the space after `///` and without Rust's links.
pub fn doc_lines(doc: &str) -> Vec<String> {
    let lines = doc.lines().map(|line| {
        let line = line.strip_prefix(' ').unwrap_or(line);
        line.replace("[`", "`").replace("`]", "`")
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_record_has_a_name_of_its_own_and_comes_before_what_uses_it() {
        let model = Model::of_the_core();
        let names: Vec<&str> = model.records.iter().map(|r| model.name_of(r)).collect();
        let distinct: std::collections::BTreeSet<&&str> = names.iter().collect();
        assert_eq!(distinct.len(), names.len(), "{names:?}");
        let place = |name: &str| names.iter().position(|n| *n == name);
        assert!(place("Observation") < place("VisitNote"));
        assert!(place("VisitNoteSeal").is_some() && place("ContractSeal").is_some());
    }

    #[test]
    fn every_field_has_words() {
        for record in Model::of_the_core().records {
            for field in record.fields {
                assert!(
                    !field.doc.trim().is_empty(),
                    "{}.{}",
                    record.name,
                    field.name
                );
            }
        }
    }

    #[test]
    fn no_field_bears_the_mark_of_a_word_of_rusts() {
        let records = Model::of_the_core().records;
        let fields = records.iter().flat_map(|record| &record.fields);
        let names: Vec<&str> = fields.flat_map(|f| [f.name, f.json]).collect();
        assert!(names.contains(&"type"));
        assert!(names.iter().all(|name| !name.contains('#')), "{names:?}");
    }
}
