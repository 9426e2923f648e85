//! One's own edits made again, each as a three-way save at the place it had among what the record
//! has.

use std::collections::BTreeMap;
use std::sync::Arc;

use automerge::{Automerge, Change, ReadDoc};
use serde_json::{Value, json};

use super::anew::anew;
use super::covered::{Covered, stand_for};
use super::sides::{Sides, holds};
use crate::device::documents::new_changes;
use crate::device::{Device, DeviceError, Result};
use crate::documents::Kind;
use crate::edit::{Edit, Place, diff, rank, resolve};
use crate::id::{EnvelopeId, Hash, Version, mint_uuid};
use crate::read::{Reading, RemovedItem, read_at, version};
use crate::rebase::{self, At};
use crate::save::{self, SaveContext};
use crate::store::document::{Loaded, NewChange, Origin};
use crate::store::draft::{self, Replay};

/// The edits of a document made again.
pub(super) struct Again {
    pub am: Automerge,
    pub made: Vec<Replay>,
    pub new: Vec<NewChange>,
    /// Names of what was made again ([`EnvelopeId::of_change`]), each with the change that did; those of what
    /// had nothing to write with the change before it, or with none.
    pub names: Vec<(Option<Hash>, EnvelopeId)>,
    /// Something was written in an item that is not there any more.
    pub homeless: bool,
}

impl Again {
    pub(super) fn nothing(am: Automerge) -> Self {
        Self {
            am,
            made: Vec::new(),
            new: Vec::new(),
            names: Vec::new(),
            homeless: false,
        }
    }
}

impl Device {
    /// One's own edits, made again on a copy of the document as the record has it.
    pub(super) fn make_again(
        &mut self,
        loaded: &Loaded,
        sides: &Sides,
        record: &Automerge,
        covered: &Covered,
    ) -> Result<Again> {
        let (doc, space, kind) = (loaded.doc, loaded.space, loaded.kind);
        let mut original: BTreeMap<Hash, Vec<Hash>> = BTreeMap::new();
        for (old, new) in draft::replays(self.store.conn(), doc)? {
            original.entry(new).or_default().push(old);
        }
        let homes = self.homes(doc)?;
        let mut am = record.clone();

        let env = Arc::clone(&self.env);
        let mut ctx = self.save_context(space, &*env)?;
        let start = version(&am);
        let mut places: BTreeMap<Hash, Version> = BTreeMap::new();
        let mut made: Vec<Replay> = Vec::new();
        let mut hashes: Vec<Hash> = Vec::new();
        let mut names: Vec<(Option<Hash>, EnvelopeId)> = Vec::new();
        let mut homeless = false;
        for hash in &sides.mine {
            if sides.foreign.contains(hash) {
                // What one's own edits built on is not there any more.
                places.insert(*hash, start.clone());
                continue;
            }
            let change = loaded
                .am
                .get_change_by_hash(&(*hash).into())
                .ok_or(DeviceError::Stale)?;
            // The record has it, or the original of this replay, or another replay of it.
            let forms: Vec<Hash> = original.get(hash).into_iter().flatten().copied().collect();
            let forms = || std::iter::once(hash).chain(&forms);
            let other = || {
                let of = |form: &Hash| {
                    let named = covered.get(&EnvelopeId::of_change(doc, *form));
                    named.or_else(|| covered.get(homes.get(form)?))
                };
                let replay = forms().find_map(of)?;
                Some(stand_for(record, replay, change.timestamp()))
            };
            let taken = forms().copied().find(|form| holds(record, form));
            if let Some(taken) = taken.map(|form| vec![form]).or_else(other) {
                made.extend(taken.last().filter(|new| *new != hash).map(|new| Replay {
                    old: *hash,
                    new: *new,
                    exact: says_the_same(kind, (&loaded.am, hash), (&am, new)),
                }));
                let at = Version::new(taken);
                let nowhere = at.heads().is_empty();
                places.insert(*hash, if nowhere { start.clone() } else { at });
                continue;
            }
            let deps = Version::new(change.deps().iter().map(|dep| Hash::from(*dep)));
            let at = moved(&deps, &places, &start);
            let mut edits = edits_of(&loaded.am, kind, &deps, &change, &ctx)?;
            if at != deps {
                homeless |= edits.iter().any(|edit| is_homeless(edit, &am, kind));
                let from = At {
                    doc: &loaded.am,
                    version: &deps,
                };
                let onto = At {
                    doc: &am,
                    version: &at,
                };
                edits = rebase::onto_version(from, onto, kind, edits, &made);
            }
            ctx.at_ms = change.timestamp();
            let saved = save::write(&mut am, kind, &at, edits, Vec::new(), &ctx)?;
            if let [head] = saved.version.heads() {
                made.push(Replay {
                    old: *hash,
                    new: *head,
                    exact: says_the_same(kind, (&loaded.am, hash), (&am, head)),
                });
            }
            places.insert(*hash, saved.version);
            hashes.extend(saved.changes);
            let by = hashes.last().copied();
            names.extend(forms().map(|form| (by, EnvelopeId::of_change(doc, *form))));
        }
        let new = new_changes(&am, kind, &hashes, Origin::Saved)?;
        Ok(Again {
            am,
            made,
            new,
            names,
            homeless,
        })
    }
}

/// Whether two documents say the same at these changes.
fn says_the_same(kind: Kind, old: (&Automerge, &Hash), new: (&Automerge, &Hash)) -> bool {
    let [old, new] = [old, new].map(|(am, hash)| read_at(am, kind, &Version::new([*hash])).value);
    old == new
}

fn is_homeless(edit: &Edit, am: &Automerge, kind: Kind) -> bool {
    match edit.place() {
        Some(Place::Item { container, key }) => !save::has_item(am, kind, container, key),
        Some(Place::Root) | None => false,
    }
}

/// A version of the old document in terms of the rebuilt one.
fn moved(deps: &Version, places: &BTreeMap<Hash, Version>, start: &Version) -> Version {
    let heads = deps.heads().iter().flat_map(|dep| match places.get(dep) {
        Some(place) => place.heads().to_vec(),
        None => vec![*dep],
    });
    let at = Version::new(heads);
    if at.heads().is_empty() {
        start.clone()
    } else {
        at
    }
}

/// What one change of the old document did, as edits.
fn edits_of(
    old: &Automerge,
    kind: Kind,
    deps: &Version,
    change: &Change,
    ctx: &SaveContext<'_>,
) -> Result<Vec<Edit>> {
    let mut before = read_at(old, kind, deps);
    let mut after = read_at(old, kind, &Version::new([change.hash().into()]));
    show_removed(&mut before, &mut after);
    let found = diff(kind, &before, &after.value, &mut || mint_uuid(ctx.env));
    let mut edits = found.map_err(crate::save::SaveError::from)?.edits;
    let reopened = reopened(kind, &before, &after);
    // A plain difference takes the same for a step within the round before.
    edits.retain(|edit| !reopened.iter().any(|other| raise_same(edit, other)));
    edits.extend(reopened);
    edits.extend(anew(old, kind, change, (&before, &after)));
    Ok(edits)
}

/// What was written in an item that is removed at both versions is in neither value. It got there when
/// it was made again behind the removal, and may have to be made again once more.
fn show_removed(before: &mut Reading, after: &mut Reading) {
    let is = |item: &RemovedItem, other: &RemovedItem| {
        (&item.field, &item.key) == (&other.field, &other.key)
    };
    for item in before.removed.clone() {
        let Some(at) = after.removed.iter().position(|other| is(&item, other)) else {
            continue;
        };
        before.removed.retain(|other| !is(&item, other));
        show(&mut before.value, item);
        let item = after.removed.remove(at);
        show(&mut after.value, item);
    }
}

fn show(value: &mut Value, item: RemovedItem) {
    let Some(fields) = value.as_object_mut() else {
        return;
    };
    let items = fields.entry(item.field).or_insert_with(|| json!({}));
    if let Some(items) = items.as_object_mut() {
        items.insert(item.key, item.value);
    }
}

fn raise_same(one: &Edit, other: &Edit) -> bool {
    match (one, other) {
        (
            Edit::Raise { place, field, .. },
            Edit::Raise {
                place: there,
                field: other,
                ..
            },
        ) => place == there && field.path == other.path,
        _ => false,
    }
}

/// Statuses taken back to a new round, which a plain difference of values leaves out; also where no round
/// before it is there (storm 324092).
fn reopened(kind: Kind, before: &Reading, after: &Reading) -> Vec<Edit> {
    let raised = after.status.iter().filter_map(|(path, mark)| {
        let was = before.status.get(path).map_or(0, |was| was.round);
        let (place, field) = resolve(kind, path).filter(|_| mark.round > was)?;
        let crate::documents::Rule::Mst(codes) = field.rule else {
            return None;
        };
        let rank = rank(codes, &mark.code)?;
        Some(Edit::Raise {
            place,
            field,
            round: mark.round,
            rank,
        })
    });
    raised.collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::id::MemberId;

    struct Still;

    impl crate::time::Env for Still {
        fn now_ms(&self) -> i64 {
            1_790_000_000_000
        }

        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(7);
        }
    }

    pub(in crate::sync::replay) fn ctx(who: u8) -> SaveContext<'static> {
        SaveContext {
            actor: [who; 16],
            by: MemberId(uuid::Uuid::from_bytes([who; 16])),
            at_ms: 1_790_000_000_000,
            env: &Still,
        }
    }

    /// Typed at once, "xy" stood before "ab"; "ab" was made again and now stands before "xy" (storm 50223).
    #[test]
    fn a_text_edit_made_again_stays_where_it_was_typed_though_parts_of_the_text_changed_places() {
        let kind = Kind::VisitNote;
        let type_into = |doc: &mut Automerge, at: &Version, text: &str, who| {
            let mut value = read_at(doc, kind, at).value;
            value["summary"] = json!(text);
            let saved = save::save(doc, kind, at, &value, &ctx(who)).expect("saves");
            saved.version.heads()[0]
        };
        let text = |doc: &Automerge| read_at(doc, kind, &version(doc)).value["summary"].clone();
        let mut old = save::create(kind, &json!({}), &ctx(1)).expect("creates").0;
        let at = version(&old);
        let mut new = old.clone();
        let mine = type_into(&mut old, &at, "ab", 2);
        for doc in [&mut old, &mut new] {
            type_into(doc, &at, "xy", 3);
        }
        let again = type_into(&mut new, &at, "ab", 4);
        assert_eq!((text(&old), text(&new)), (json!("xyab"), json!("abxy")));
        let made = [Replay {
            old: mine,
            new: again,
            exact: true,
        }];
        for (typed, must) in [
            ("x!yab", "abx!y"),
            ("xya!b", "a!bxy"),
            ("yab", "aby"),
            ("xyb", "bxy"),
        ] {
            let (place, field) = resolve(kind, "summary").expect("a field");
            let edit = Edit::Text {
                place,
                field,
                old: "xyab".into(),
                new: typed.into(),
            };
            let (from, onto) = (version(&old), version(&new));
            let from = At {
                doc: &old,
                version: &from,
            };
            let onto = At {
                doc: &new,
                version: &onto,
            };
            let moved = rebase::onto_version(from, onto, kind, vec![edit], &made);
            let [Edit::Text { old, new, .. }] = &moved[..] else {
                panic!("{moved:?}");
            };
            assert_eq!((&old[..], &new[..]), ("abxy", must));
        }
    }

    #[test]
    fn a_text_made_again_in_an_item_that_was_removed_can_be_made_again_once_more() {
        let kind = Kind::VisitNote;
        let ctx = ctx(1);
        let key = "01a203ad-fd7f-7d05-8b15-5fe754656753";
        let value = json!({"entries": {key: {"heading": "uni", "text": "a"}}});
        let mut doc = save::create(kind, &value, &ctx).expect("creates").0;
        let at = version(&doc);
        let mut value = read_at(&doc, kind, &at).value;
        value["entries"] = json!({});
        save::save(&mut doc, kind, &at, &value, &ctx).expect("saves");
        let removed = version(&doc);
        assert_eq!(read_at(&doc, kind, &removed).removed.len(), 1);
        let (place, field) = resolve(kind, &format!("entries.{key}.text")).expect("a field");
        let (old, new) = ("a".to_owned(), "ab".to_owned());
        let edits = vec![Edit::Text {
            place,
            field,
            old,
            new,
        }];
        let saved = save::write(&mut doc, kind, &removed, edits, Vec::new(), &ctx);
        let hash = saved.expect("writes").version.heads()[0];
        let change = doc.get_change_by_hash(&hash.into()).expect("is there");
        let found = edits_of(&doc, kind, &removed, &change, &ctx).expect("reads");
        let [Edit::Text { old, new, .. }] = &found[..] else {
            panic!("{found:?}");
        };
        assert_eq!((old.as_str(), new.as_str()), ("a", "ab"));
    }

    /// Made again without the round before it, and then made again once more (storm 324092).
    #[test]
    fn a_status_taken_back_where_no_round_is_before_it_stays_in_its_round() {
        let kind = Kind::ServiceListing;
        let mut doc = crate::genesis::genesis(kind).document();
        let start = version(&doc);
        let (place, field) = resolve(kind, "status").expect("a field");
        let (round, rank) = (1, 1);
        let edits = vec![Edit::Raise {
            place,
            field,
            round,
            rank,
        }];
        let saved = save::write(&mut doc, kind, &start, edits, Vec::new(), &ctx(1));
        let hash = saved.expect("writes").version.heads()[0];
        let change = doc.get_change_by_hash(&hash.into()).expect("is there");
        let found = edits_of(&doc, kind, &start, &change, &ctx(2)).expect("reads");
        let [
            Edit::Raise {
                round: 1, rank: 1, ..
            },
        ] = &found[..]
        else {
            panic!("{found:?}");
        };
    }
}
