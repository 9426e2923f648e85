//! Spaces, cursors, people, and what else the feed brings.

use serde_json::json;

use super::world::{World, value};
use crate::documents::Kind;
use crate::envelope::encode;
use crate::id::{DeviceId, DocId, Hash, MemberId, SpaceId, Version};
use crate::store::draft::{self, Quarantined};
use crate::store::list::{Query, list};
use crate::store::{Store, StoreError, deferred, document, meta, notice, outbox, space};
use crate::wire::{
    Cursor, Entry, FirstSync, Notice, NoticeKind, RosterRow, SignedNotice, Standing,
};

fn standing(name: &str) -> Standing {
    Standing {
        name: name.into(),
        role: "field".into(),
        until_ms: None,
    }
}

fn cursor(space: SpaceId, seq: u64) -> Cursor {
    Cursor {
        space,
        generation: [2; 16],
        seq,
        tag: [3; 8],
        roster: 4,
        first: Some(FirstSync::Documents {
            at: 9,
            below: 5,
            within: None,
        }),
    }
}

#[test]
fn cursors_come_back_as_set_and_sorted() {
    let world = World::new(1);
    let mut store = Store::open_in_memory().expect("opens");
    let mut ids: Vec<SpaceId> = (0..5).map(|_| SpaceId::mint(&world.env)).collect();
    ids.reverse();
    store
        .write(|tx| {
            for id in &ids {
                space::join_space(tx, *id, &standing("Tila"))?;
            }
            for id in &ids[..3] {
                space::set_cursor(tx, &cursor(*id, 7), &[5; 32])?;
            }
            Ok(())
        })
        .expect("joins");
    ids.truncate(3);
    ids.sort();
    let expected: Vec<Cursor> = ids.iter().map(|id| cursor(*id, 7)).collect();
    assert_eq!(space::cursors(store.conn()).expect("reads"), expected);
    let one = space::space(store.conn(), ids[0])
        .expect("reads")
        .expect("is there");
    assert_eq!((one.feed_hash, one.standing), ([5; 32], standing("Tila")));

    let stranger = cursor(SpaceId::mint(&world.env), 1);
    let set = store.write(|tx| space::set_cursor(tx, &stranger, &[0; 32]));
    assert!(matches!(set, Err(StoreError::Row(_))));
}

#[test]
fn a_space_being_left_keeps_its_cursor_and_coming_back_starts_anew() {
    let world = World::new(1);
    let mut store = Store::open_in_memory().expect("opens");
    store
        .write(|tx| {
            space::join_space(tx, world.space, &standing("a"))?;
            space::set_cursor(tx, &cursor(world.space, 7), &[5; 32])?;
            space::leave_space(tx, world.space, 100)
        })
        .expect("leaves");
    let kept = space::cursors(store.conn()).expect("reads");
    assert_eq!(kept, [cursor(world.space, 7)]);
    store
        .write(|tx| space::join_space(tx, world.space, &standing("b")))
        .expect("joins");
    let back = space::space(store.conn(), world.space)
        .expect("reads")
        .expect("is there");
    assert_eq!(
        (back.left_ms, back.cursor, back.feed_hash),
        (None, None, [0; 32])
    );
}

#[test]
fn dropping_a_space_removes_all_of_it_and_nothing_else() {
    let mut store = Store::open_in_memory().expect("opens");
    let (here, there) = (World::new(1), World::new(2));
    let gone = here.note(&mut store, "lähtevä");
    let kept = there.note(&mut store, "jäävä");
    for (world, doc) in [(&here, gone), (&there, kept)] {
        let hashes: Vec<Hash> = outbox::unsealed(store.conn(), doc)
            .expect("reads")
            .iter()
            .map(|c| c.hash)
            .collect();
        let proof = world.proof(doc, &hashes);
        store
            .write(|tx| {
                space::join_space(tx, world.space, &standing("a"))?;
                outbox::insert_sealed(tx, &proof, b"run", &hashes)?;
                draft::keep(
                    tx,
                    (doc, world.space, Kind::VisitNote),
                    "role",
                    1,
                    &json!({}),
                )?;
                draft::replayed(
                    tx,
                    doc,
                    &draft::Replay {
                        old: hashes[0],
                        new: Hash([0; 32]),
                        exact: true,
                    },
                )
            })
            .expect("stores");
    }
    let query = Query {
        text: Some("lähtevä".into()),
        ..Query::default()
    };
    assert_eq!(list(store.conn(), &query).expect("searches").total, 1);
    store
        .write(|tx| space::drop_space(tx, here.space))
        .expect("drops");
    assert!(matches!(store.document(gone), Err(StoreError::NotFound(_))));
    assert_eq!(value(&store, kept)["summary"], "jäävä");
    for table in [
        "space", "document", "change", "view", "search", "envelope", "draft", "replay",
    ] {
        let sql = format!("SELECT count(*) FROM {table}");
        let count: i64 = store
            .conn()
            .query_row(&sql, [], |r| r.get(0))
            .expect("counts");
        assert_eq!(count, 1, "{table}");
    }
    assert_eq!(list(store.conn(), &query).expect("lists").total, 0);
}

#[test]
fn keys_of_people_who_left_stay() {
    let world = World::new(1);
    let mut store = Store::open_in_memory().expect("opens");
    let row = |role: &str| RosterRow {
        device: DeviceId::mint(&world.env),
        key: [1; 32],
        member: MemberId::mint(&world.env),
        name: "Maria".into(),
        role: role.into(),
        office: false,
    };
    let (first, second) = (row("field"), row("owner"));
    let left = RosterRow {
        role: String::new(),
        ..first.clone()
    };
    store
        .write(|tx| {
            space::set_roster(tx, world.space, &[first.clone(), second.clone()])?;
            space::set_roster(tx, world.space, std::slice::from_ref(&left))
        })
        .expect("sets");
    assert_eq!(
        space::roster(store.conn(), world.space).expect("reads"),
        [left.clone(), second]
    );
    let one = space::roster_device(store.conn(), world.space, first.device).expect("reads");
    assert_eq!(one, Some(left));
}

#[test]
fn notices_are_kept_whole_and_can_be_offered() {
    let world = World::new(1);
    let mut store = Store::open_in_memory().expect("opens");
    let doc = DocId::mint(&world.env);
    let said = Notice {
        space: world.space,
        doc,
        at_ms: 5,
        what: NoticeKind::ContractNumber("SO-2026-00001".into()),
    };
    let signed = SignedNotice {
        body: encode(&said),
        signature: [9; 64],
    };
    store
        .write(|tx| notice::insert(tx, 3, &signed, &[1; 16]))
        .expect("stores");
    let of = notice::of(store.conn(), doc).expect("reads");
    assert_eq!(
        (of[0].seq, &of[0].notice, &of[0].signed),
        (Some(3), &said, &signed)
    );
    assert_eq!(notice::lost(store.conn(), None).expect("reads"), []);
    store
        .write(|tx| outbox::cut(tx, world.space, 2))
        .expect("cuts");
    assert_eq!(
        notice::lost(store.conn(), Some(world.space))
            .expect("reads")
            .len(),
        1
    );
    store
        .write(|tx| notice::insert(tx, 8, &signed, &[1; 16]))
        .expect("comes again");
    assert_eq!(
        notice::of(store.conn(), doc).expect("reads")[0].seq,
        Some(8)
    );
}

#[test]
fn entries_put_by_come_back_in_feed_order() {
    let world = World::new(1);
    let mut store = Store::open_in_memory().expect("opens");
    let doc = DocId::mint(&world.env);
    let entries: Vec<Entry> = [5, 2, 9]
        .into_iter()
        .map(|seq| Entry::Erased {
            seq,
            proof: world.proof(doc, &[]),
        })
        .collect();
    store
        .write(|tx| {
            entries
                .iter()
                .try_for_each(|e| deferred::defer(tx, world.space, doc, e))
        })
        .expect("defers");
    assert_eq!(deferred::documents(store.conn()).expect("reads"), [doc]);
    let seqs: Vec<u64> = deferred::of(store.conn(), doc)
        .expect("reads")
        .iter()
        .map(Entry::seq)
        .collect();
    assert_eq!(seqs, [2, 5, 9]);
    store.write(|tx| deferred::clear(tx, doc)).expect("clears");
    assert_eq!(deferred::documents(store.conn()).expect("reads"), []);
}

#[test]
fn a_form_opened_before_a_rebuild_finds_its_version_again() {
    let world = World::new(1);
    let mut store = Store::open_in_memory().expect("opens");
    let doc = DocId::mint(&world.env);
    let [a, b, c, other] = [1, 2, 3, 4].map(|n| Hash([n; 32]));
    store
        .write(|tx| {
            draft::replayed(
                tx,
                doc,
                &draft::Replay {
                    old: a,
                    new: b,
                    exact: true,
                },
            )?;
            draft::replayed(
                tx,
                doc,
                &draft::Replay {
                    old: b,
                    new: c,
                    exact: true,
                },
            )
        })
        .expect("notes");
    let translated = draft::translate(store.conn(), doc, &Version::new([a, other])).expect("reads");
    assert_eq!(translated, Version::new([c, other]), "through two rebuilds");
    let elsewhere = draft::Replay {
        old: c,
        new: other,
        exact: false,
    };
    store
        .write(|tx| draft::replayed(tx, doc, &elsewhere))
        .expect("notes");
    for lost in [a, b, c] {
        let version = Version::new([lost]);
        let translated = draft::translate(store.conn(), doc, &version).expect("reads");
        assert_eq!(translated, version, "what it showed is nowhere any more");
    }
}

#[test]
fn drafts_and_quarantine_are_listed_until_done_with() {
    let world = World::new(1);
    let mut store = Store::open_in_memory().expect("opens");
    let doc = DocId::mint(&world.env);
    let value = json!({"summary": "luettavissa"});
    let failed = Quarantined {
        space: world.space,
        doc,
        envelope: None,
        reason: "heads".into(),
        at_ms: 2,
    };
    let number = store
        .write(|tx| {
            draft::quarantine(tx, &failed)?;
            draft::keep(tx, (doc, world.space, Kind::VisitNote), "role", 1, &value)
        })
        .expect("keeps");
    let drafts = draft::drafts(store.conn()).expect("reads");
    assert_eq!((drafts[0].number, &drafts[0].value), (number, &value));
    assert_eq!(draft::quarantined(store.conn()).expect("reads"), [failed]);
    store
        .write(|tx| {
            draft::discard(tx, number)?;
            draft::release(tx, doc)
        })
        .expect("done");
    assert_eq!(draft::drafts(store.conn()).expect("reads"), []);
    assert_eq!(draft::quarantined(store.conn()).expect("reads"), []);
}

#[test]
fn small_facts_are_kept() {
    let mut store = Store::open_in_memory().expect("opens");
    store
        .write(|tx| {
            meta::set_text(tx, "name", "Marian puhelin")?;
            meta::set_number(tx, "offset", -3)?;
            meta::set(tx, "gone", b"x")?;
            meta::remove(tx, "gone")
        })
        .expect("sets");
    let conn = store.conn();
    assert_eq!(
        meta::text(conn, "name").expect("reads").as_deref(),
        Some("Marian puhelin")
    );
    assert_eq!(meta::number(conn, "offset").expect("reads"), Some(-3));
    assert_eq!(meta::get(conn, "gone").expect("reads"), None);
    assert!(matches!(
        meta::number(conn, "name"),
        Err(StoreError::Row(_))
    ));
}

#[test]
fn all_documents_can_be_walked_in_parts() {
    let world = World::new(1);
    let mut store = Store::open_in_memory().expect("opens");
    let mut docs: Vec<DocId> = (0..7)
        .map(|i| world.note(&mut store, &format!("{i}")))
        .collect();
    docs.sort();
    let mut walked = Vec::new();
    loop {
        let part = document::ids(store.conn(), Some(world.space), walked.last().copied(), 3)
            .expect("reads");
        if part.is_empty() {
            break;
        }
        walked.extend(part);
    }
    assert_eq!(walked, docs);
    let elsewhere = SpaceId::mint(&world.env);
    assert_eq!(
        document::ids(store.conn(), Some(elsewhere), None, 3).expect("reads"),
        []
    );
}
