//! What a change wrote though it stood there already, which a difference of values leaves out: a conflict that
//! was settled in favour of the value shown, and what was made again where somebody else had written the same. It
//! must outlast who writes over, or takes out, what stood there before.

use automerge::{Automerge, Change, ObjId, ObjType, ReadDoc};
use serde_json::Value;

use crate::documents::{Field, Kind, Rule};
use crate::edit::{Edit, Place};
use crate::read::{Reading, at_path};
use crate::rebase::is_op_of;
use crate::save::{find_container, object};

/// The edits of a change that wrote what was there before, as the document reads on both sides of it.
pub(super) fn anew(
    doc: &Automerge,
    kind: Kind,
    change: &Change,
    (before, after): (&Reading, &Reading),
) -> Vec<Edit> {
    let mut found = Found {
        doc,
        kind,
        change,
        edits: Vec::new(),
    };
    for field in kind.spec().fields() {
        let (before, after) = (
            at_path(&before.value, field.path),
            at_path(&after.value, field.path),
        );
        let Rule::Map(fields) = field.rule else {
            found.field(&Place::Root, field, before, after);
            continue;
        };
        for (key, after) in after.and_then(Value::as_object).into_iter().flatten() {
            let Some(before) = before.and_then(|items| items.get(key)) else {
                continue;
            };
            let place = Place::Item {
                container: field.key(),
                key: key.clone(),
            };
            for field in fields {
                let values = [before, after].map(|item| at_path(item, field.path));
                found.field(&place, field, values[0], values[1]);
            }
        }
    }
    found.edits
}

struct Found<'a> {
    doc: &'a Automerge,
    kind: Kind,
    change: &'a Change,
    edits: Vec<Edit>,
}

impl Found<'_> {
    fn field(
        &mut self,
        place: &Place,
        field: &'static Field,
        before: Option<&Value>,
        after: Option<&Value>,
    ) {
        // An empty one reads as none, and may have been written as well.
        let [before, after] = [before, after].map(|value| value.unwrap_or(&Value::Null));
        match field.rule {
            Rule::Imm | Rule::Lww | Rule::Mvr | Rule::Yield(_) | Rule::FlagPlus | Rule::Max(_) => {
                let wrote = |object| self.wrote(&object, field.key());
                if before == after && object(self.doc, self.kind, place).is_some_and(wrote) {
                    self.edits.push(Edit::Put {
                        place: place.clone(),
                        field,
                        value: after.clone(),
                    });
                }
            }
            Rule::Aws => {
                let Some(set) = find_container(self.doc, self.kind, place, field, ObjType::Map)
                else {
                    return;
                };
                let [before, after] = [before, after]
                    .map(|set| set.as_array().map(Vec::as_slice).unwrap_or_default());
                for element in after.iter().filter(|element| before.contains(element)) {
                    let element = element.as_str().unwrap_or_default();
                    if self.wrote(&set, element) {
                        self.edits.push(Edit::Element {
                            place: place.clone(),
                            field,
                            element: element.to_owned(),
                            inside: true,
                        });
                    }
                }
            }
            // Keys of logs and statuses are written once, texts letter by letter, items once.
            Rule::Txt | Rule::Mst(_) | Rule::Rws | Rule::Log | Rule::Map(_) => {}
        }
    }

    /// Whether what stands there after the change was put there by it.
    fn wrote(&self, object: &ObjId, key: &str) -> bool {
        let stands = self.doc.get_all_at(object, key, &[self.change.hash()]);
        stands.is_ok_and(|stands| stands.iter().any(|(_, id)| is_op_of(self.change, id)))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::again::tests::ctx;
    use super::*;
    use crate::edit::resolve;
    use crate::id::Version;
    use crate::read::{read, read_at, version};
    use crate::save;

    /// Made again where it stands already, and then made again once more (storm 314929).
    #[test]
    fn what_was_written_over_the_same_is_found_and_outlasts_who_takes_the_first_away() {
        let kind = Kind::ServiceListing;
        let value = json!({"tags": ["a", "b"], "summary": {"fi": "yksi"}});
        let mut doc = save::create(kind, &value, &ctx(1)).expect("creates").0;
        let start = version(&doc);
        let (place, field) = resolve(kind, "tags").expect("a field");
        let element = |inside, place| Edit::Element {
            place,
            field,
            element: "a".into(),
            inside,
        };
        let edits = vec![element(true, place.clone())];
        let saved =
            save::write(&mut doc, kind, &start, edits, Vec::new(), &ctx(2)).expect("writes");
        let change = doc
            .get_change_by_hash(&saved.version.heads()[0].into())
            .expect("is there");
        let [before, after] = [&start, &saved.version].map(|at: &Version| read_at(&doc, kind, at));
        assert_eq!(before.value, after.value);
        let found = anew(&doc, kind, &change, (&before, &after));
        let [
            Edit::Element {
                element: found,
                inside: true,
                ..
            },
        ] = &found[..]
        else {
            panic!("{found:?}");
        };
        assert_eq!(found, "a");
        // Who had not heard of it takes out what was there before.
        let edits = vec![element(false, place)];
        save::write(&mut doc, kind, &start, edits, Vec::new(), &ctx(3)).expect("writes");
        assert_eq!(read(&doc, kind).value["tags"], json!(["a", "b"]));
    }
}
