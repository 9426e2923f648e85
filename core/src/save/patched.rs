//! A device does not read a document after a save: it reads the fields the save wrote, and takes
//! the rest over from what it read before. That must be what reading all of it gives.

use std::collections::BTreeSet;

use automerge::Automerge;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::every_field::values;
use super::tests::ctx;
use super::*;
use crate::documents::Field;
use crate::read::{reread, set_path, version};

/// A device with a form open on its copy.
#[derive(Clone)]
struct Desk {
    doc: Automerge,
    reading: Reading,
    form: (Version, Reading),
}

impl Desk {
    /// Saves the form with these fields put otherwise, and reads only what that wrote.
    fn save(&mut self, kind: Kind, who: u8, puts: &[(&'static Field, Value)]) {
        let (at, old) = self.form.clone();
        let mut value = old.value.as_object().expect("an object").clone();
        for (field, part) in puts {
            set_path(&mut value, field.path, part.clone());
        }
        let ctx = ctx(who);
        let Diff { edits, ignored } =
            differing(&old, kind, &Value::Object(value), &ctx).expect("fits");
        let keys: BTreeSet<&'static str> = edits.iter().map(Edit::root_key).collect();
        let saved = write(&mut self.doc, kind, &at, edits, ignored, &ctx).expect("saves");
        self.reading = reread(&self.doc, kind, None, self.reading.clone(), &keys);
        self.form = match saved.merged {
            Some(_) => (saved.version, self.reading.clone()),
            None => {
                let own = reread(&self.doc, kind, Some(&saved.version), old, &keys);
                (saved.version, own)
            }
        };
    }
}

#[derive(Clone, Debug)]
enum Step {
    /// Saves the open form.
    Save {
        desk: usize,
        puts: Vec<(usize, bool, bool)>,
    },
    /// Takes in what another has, under the open form.
    Meet { from: usize, to: usize },
    /// Opens the form anew.
    Open { desk: usize },
}

fn step() -> impl Strategy<Value = Step> {
    let put = (0..1_000usize, any::<bool>(), prop::bool::weighted(0.2));
    prop_oneof![
        4 => (0..3usize, prop::collection::vec(put, 1..4))
            .prop_map(|(desk, puts)| Step::Save { desk, puts }),
        2 => (0..3usize, 0..3usize).prop_map(|(from, to)| Step::Meet { from, to }),
        1 => (0..3usize).prop_map(|desk| Step::Open { desk }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn reading_what_a_save_wrote_gives_what_reading_all_gives(
        which in 0..3usize,
        steps in prop::collection::vec(step(), 1..40),
    ) {
        let kind = Kind::ALL[which];
        let fields: Vec<&'static Field> = kind.spec().fields().collect();
        let (doc, saved) = create(kind, &json!({}), &ctx(1)).expect("creates");
        let reading = read(&doc, kind);
        let form = (saved.version, reading.clone());
        let mut desks = [(); 3].map(|()| Desk { doc: doc.clone(), reading: reading.clone(), form: form.clone() });
        for step in steps {
            match step {
                Step::Save { desk, puts } => {
                    let puts: Vec<_> = puts.iter().map(|(field, second, empty)| {
                        let field = fields[field % fields.len()];
                        let part = if *empty { Value::Null } else { values(field)[usize::from(*second)].clone() };
                        (field, part)
                    }).collect();
                    desks[desk].save(kind, desk as u8 + 1, &puts);
                }
                Step::Meet { from, to } => {
                    let mut sender = desks[from].doc.clone();
                    let desk = &mut desks[to];
                    desk.doc.merge(&mut sender).expect("merges");
                    desk.reading = read(&desk.doc, kind);
                }
                Step::Open { desk } => {
                    let desk = &mut desks[desk];
                    desk.form = (version(&desk.doc), desk.reading.clone());
                }
            }
            for desk in &desks {
                prop_assert_eq!(&desk.reading, &read(&desk.doc, kind));
                prop_assert_eq!(&desk.form.1, &read_at(&desk.doc, kind, &desk.form.0));
            }
        }
    }
}

#[test]
fn no_field_lies_in_another() {
    for kind in Kind::ALL {
        let fields: Vec<&Field> = kind.spec().fields().collect();
        for field in &fields {
            let inside = |other: &&&Field| other.path.starts_with(&format!("{}.", field.path));
            assert!(!fields.iter().any(|other| inside(&other)), "{}", field.path);
            let same = fields.iter().filter(|other| other.key() == field.key());
            assert_eq!(same.count(), 1, "{}", field.key());
        }
    }
}

#[test]
fn a_field_emptied_leaves_no_empty_object_behind() {
    let kind = Kind::ServiceListing;
    let dotted = kind.spec().fields().find(|f| f.path.contains('.'));
    let field = dotted.expect("names by language");
    let mut value = Map::new();
    set_path(&mut value, field.path, values(field)[0].clone());
    let (doc, saved) = create(kind, &Value::Object(value), &ctx(1)).expect("creates");
    let reading = read(&doc, kind);
    let form = (saved.version, reading.clone());
    let mut desk = Desk { doc, reading, form };
    desk.save(kind, 1, &[(field, Value::Null)]);
    assert_eq!(desk.reading, read(&desk.doc, kind));
    assert_eq!(desk.reading.value, json!({}));
}
