//! Changes and snapshots in, documents out.

use std::sync::Arc;

use rusqlite::params;
use serde_json::json;

use super::world::{World, value};
use crate::documents::Kind;
use crate::frame::frame;
use crate::id::{DocId, Hash, SpaceId, Version};
use crate::read;
use crate::save::{self, SaveContext};
use crate::store::check::{Damage, check};
use crate::store::document::{self, FOLD_CHANGES};
use crate::store::list::{Query, list};
use crate::store::{Fault, NewChange, Origin, Store, StoreError, cache, history, meta, view};

fn count(store: &Store, table: &str) -> i64 {
    let sql = format!("SELECT count(*) FROM {table}");
    store
        .conn()
        .query_row(&sql, [], |row| row.get(0))
        .expect("counts")
}

#[test]
fn what_was_saved_is_there_after_opening_again() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("sopu.db");
    let world = World::new(1);
    let mut store = Store::open(&path).expect("opens");
    let doc = world.note(&mut store, "Sää oli hyvä");
    world.edit(&mut store, doc, |v| v["km"] = json!("12.5"));
    let before = value(&store, doc);
    drop(store);
    let store = Store::open(&path).expect("opens again");
    assert_eq!(value(&store, doc), before);
    assert_eq!(before["km"], "12.5");
    assert_eq!(before["summary"], "Sää oli hyvä");
}

#[test]
fn a_save_broken_off_before_its_commit_leaves_nothing() {
    let world = World::new(1);
    let mut store = Store::open_in_memory().expect("opens");
    let doc = DocId::mint(&world.env);
    let (am, saved) = save::create(
        Kind::VisitNote,
        &json!({"summary": "kesken"}),
        &world.context(),
    )
    .expect("creates");
    let new = NewChange::saved(&am, &saved.changes);
    let write = world.write_of(doc, Kind::VisitNote, &am, &new);
    let crash: Result<(), StoreError> = store.write(|tx| {
        document::write_document(tx, &write)?;
        Err(StoreError::Row("the power went"))
    });
    assert!(crash.is_err());
    for table in [
        "document", "change", "snapshot", "view", "search", "envelope",
    ] {
        assert_eq!(count(&store, table), 0, "{table}");
    }
    assert!(matches!(store.document(doc), Err(StoreError::NotFound(d)) if d == doc));
}

#[test]
fn storing_the_same_changes_again_changes_nothing() {
    let world = World::new(1);
    let mut store = Store::open_in_memory().expect("opens");
    let doc = world.note(&mut store, "kerran");
    let loaded = store.document(doc).expect("loads");
    let hashes: Vec<Hash> = history::history(store.conn(), doc)
        .expect("history")
        .iter()
        .map(|s| s.hash)
        .collect();
    let new = NewChange::saved(&loaded.am, &hashes);
    let write = world.write_of(doc, Kind::VisitNote, &loaded.am, &new);
    store
        .write(|tx| document::write_document(tx, &write))
        .expect("stores");
    assert_eq!(count(&store, "change"), 1);
    let query = Query {
        text: Some("kerran".into()),
        ..Query::default()
    };
    assert_eq!(list(store.conn(), &query).expect("searches").total, 1);
    assert_eq!(count(&store, "search"), 1);
}

#[test]
fn a_document_missing_a_change_is_not_stored() {
    let world = World::new(1);
    let mut store = Store::open_in_memory().expect("opens");
    let doc = world.note(&mut store, "yksi");
    let mut am = store.document(doc).expect("loads").am.clone();
    let version = Version::from(am.get_heads());
    save::save(
        &mut am,
        Kind::VisitNote,
        &version,
        &json!({"summary": "kaksi"}),
        &world.context(),
    )
    .expect("saves");
    let write = world.write_of(doc, Kind::VisitNote, &am, &[]);
    let refused = store.write(|tx| document::write_document(tx, &write));
    assert!(matches!(refused, Err(StoreError::Incomplete(d)) if d == doc));
    assert_eq!(value(&store, doc)["summary"], "yksi");
}

#[test]
fn a_document_stays_in_its_space() {
    let world = World::new(1);
    let mut store = Store::open_in_memory().expect("opens");
    let doc = world.note(&mut store, "täällä");
    let loaded = store.document(doc).expect("loads");
    let mut write = world.write_of(doc, Kind::VisitNote, &loaded.am, &[]);
    write.space = SpaceId::mint(&world.env);
    let refused = store.write(|tx| document::write_document(tx, &write));
    assert!(matches!(refused, Err(StoreError::Moved(_))));
}

#[test]
fn folding_a_snapshot_keeps_content_and_changes() {
    let world = World::new(1);
    let mut store = Store::open_in_memory().expect("opens");
    let doc = world.note(&mut store, "0");
    for i in 1..=(FOLD_CHANGES + 10) {
        world.edit(&mut store, doc, |v| {
            v["summary"] = json!(format!("kirjaus {i}"))
        });
    }
    assert_eq!(count(&store, "snapshot"), 1);
    assert_eq!(count(&store, "change"), FOLD_CHANGES + 11);
    store.forget_loaded();
    let loaded = store.document(doc).expect("loads");
    assert_eq!(
        value(&store, doc)["summary"],
        format!("kirjaus {}", FOLD_CHANGES + 10)
    );
    let (tail, upto): (i64, i64) = store
        .conn()
        .query_row(
            "SELECT tail_changes, upto FROM document d JOIN snapshot s ON s.doc = d.n",
            [],
            |r| Ok((r.get(0)?, r.get(1)?)),
        )
        .expect("row");
    assert_eq!(
        (tail, upto),
        (11, FOLD_CHANGES),
        "the tail is what came after the snapshot"
    );
    assert_eq!(
        loaded.am.get_changes(&[]).len(),
        usize::try_from(FOLD_CHANGES + 12).expect("fits")
    );
    assert_eq!(check(store.conn()).expect("checks"), []);
}

#[test]
fn a_damaged_snapshot_costs_nothing_but_time() {
    let world = World::new(1);
    let mut store = Store::open_in_memory().expect("opens");
    let doc = world.note(&mut store, "alku");
    for i in 0..FOLD_CHANGES {
        world.edit(&mut store, doc, |v| v["summary"] = json!(format!("{i}")));
    }
    let before = value(&store, doc);
    let bad_frame =
        "UPDATE snapshot SET bytes = CAST(substr(bytes, 1, length(bytes) - 1) || x'00' AS BLOB)";
    let bad_content = frame(b"not automerge");
    for broken in 0..2 {
        store
            .write(|tx| {
                if broken == 0 {
                    tx.execute(bad_frame, [])?;
                } else {
                    tx.execute("UPDATE snapshot SET bytes = ?1", [&bad_content])?;
                }
                Ok(())
            })
            .expect("damages");
        store.forget_loaded();
        assert_eq!(value(&store, doc), before);
        assert_eq!(
            check(store.conn()).expect("checks"),
            [Damage::Document(doc, Fault::Snapshot)]
        );
    }
}

#[test]
fn a_document_of_another_kind_than_it_was_is_not_shown_as_one() {
    let world = World::new(1);
    let mut store = Store::open_in_memory().expect("opens");
    let doc = world.note(&mut store, "alku");
    for i in 0..FOLD_CHANGES {
        world.edit(&mut store, doc, |v| v["summary"] = json!(format!("{i}")));
    }
    assert_eq!(count(&store, "snapshot"), 1);
    let other = Kind::Contract.number();
    store
        .write(|tx| Ok(tx.execute("UPDATE document SET kind = ?1", [other])?))
        .expect("damages");
    store.forget_loaded();
    assert!(matches!(
        store.document(doc),
        Err(StoreError::Damaged { .. })
    ));
    let damages = check(store.conn()).expect("checks");
    assert!(damages.contains(&Damage::Document(doc, Fault::Snapshot)));
}

/// Changes the one byte that `change` points out in the index of document ids, at this document.
fn damage_the_index(path: &std::path::Path, doc: DocId, change: impl Fn(&mut [u8])) {
    let mut bytes = std::fs::read(path).expect("reads");
    let id = doc.as_bytes();
    // In a row of the table the space follows; in the index only the row's number, one byte.
    let places: Vec<usize> = (0..bytes.len() - 17)
        .filter(|at| bytes[*at..].starts_with(id) && bytes[at + 16] < 10)
        .filter(|at| bytes[at - 3..*at] == [3, 44, 1])
        .collect();
    assert_eq!(places.len(), 1, "one entry of the index");
    change(&mut bytes[places[0]..places[0] + 17]);
    std::fs::write(path, bytes).expect("writes");
}

#[test]
fn an_index_that_leads_to_another_document_shows_neither_as_the_other() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("store.db");
    let world = World::new(1);
    let mut store = Store::open(&path).expect("opens");
    let docs: Vec<_> = (0..5)
        .map(|n| world.note(&mut store, &format!("{n}")))
        .collect();
    drop(store);
    damage_the_index(&path, docs[2], |entry| entry[16] = 2);

    let store = Store::open(&path).expect("opens");
    assert!(matches!(
        store.document(docs[2]),
        Err(StoreError::Damaged { doc, fault: Fault::Index }) if doc == docs[2]
    ));
    assert_eq!(value(&store, docs[1])["summary"], "1");
    let damages = check(store.conn()).expect("checks");
    assert!(damages.contains(&Damage::Document(docs[2], Fault::Index)));
}

#[test]
fn a_check_of_an_index_that_leads_in_circles_ends() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("store.db");
    let world = World::new(1);
    let mut store = Store::open(&path).expect("opens");
    let docs: Vec<_> = (0..9)
        .map(|n| world.note(&mut store, &format!("{n}")))
        .collect();
    drop(store);
    for doc in &docs[2..5] {
        damage_the_index(&path, *doc, |entry| entry[0] ^= 0x80);
    }
    let mut store = Store::open(&path).expect("opens");
    assert!(!check(store.conn()).expect("ends").is_empty());
    let _ended = store.rebuild_views();
}

#[test]
fn a_damaged_view_is_made_from_the_document_and_named() {
    let world = World::new(1);
    let mut store = Store::open_in_memory().expect("opens");
    let doc = world.note(&mut store, "250 mg");
    for damage in [
        "UPDATE view SET title = '750 mg'",
        "UPDATE view SET value = replace(value, '250', '750')",
        "UPDATE view SET status = 'cancelled'",
    ] {
        store
            .write(|tx| Ok(tx.execute(damage, []).map(|_| ())?))
            .expect("damages");
        let row = &list(store.conn(), &Query::default()).expect("lists").rows[0];
        let view = view::get(store.conn(), doc).expect("reads").expect("there");
        assert!(row.title.contains("250 mg"), "{damage}: {}", row.title);
        assert_eq!(view.reading.value["summary"], "250 mg");
        assert_eq!((row.status.clone(), &row.title), (view.status, &view.title));
        assert_eq!(check(store.conn()).expect("checks"), [Damage::View(doc)]);
        assert_eq!(store.rebuild_views().expect("rebuilds"), []);
        assert_eq!(check(store.conn()).expect("checks"), []);
    }
}

#[test]
fn a_damaged_change_is_named_and_the_others_are_readable() {
    let world = World::new(1);
    let mut store = Store::open_in_memory().expect("opens");
    let good = world.note(&mut store, "ehjä");
    let bad = world.note(&mut store, "rikki");
    let other = world.note(&mut store, "vieras");
    store
        .write(|tx| {
            // Whole in itself, but not what was written under this hash.
            tx.execute(
                "UPDATE change SET bytes = (SELECT c.bytes FROM change c JOIN document d ON d.n = c.doc
                     WHERE d.id = ?2)
                 WHERE doc = (SELECT n FROM document WHERE id = ?1)",
                params![bad, other],
            )?;
            Ok(())
        })
        .expect("damages");
    assert!(matches!(
        store.document(bad),
        Err(StoreError::Damaged { doc, fault: Fault::Change }) if doc == bad
    ));
    assert_eq!(value(&store, good)["summary"], "ehjä");
    assert_eq!(
        check(store.conn()).expect("checks"),
        [Damage::Document(bad, Fault::Change)]
    );
}

#[test]
fn a_flipped_bit_in_a_change_never_reaches_a_reader() {
    let world = World::new(1);
    let mut store = Store::open_in_memory().expect("opens");
    let doc = world.note(&mut store, "250mg");
    let framed: Vec<u8> = store
        .conn()
        .query_row("SELECT bytes FROM change", [], |r| r.get(0))
        .expect("bytes");
    let at = framed
        .windows(5)
        .position(|w| w == b"250mg")
        .expect("plain inside");
    let mut flipped = framed;
    flipped[at] = b'7';
    store
        .write(|tx| Ok(tx.execute("UPDATE change SET bytes = ?1", [flipped])?))
        .expect("damages");
    assert!(matches!(
        store.document(doc),
        Err(StoreError::Damaged { .. })
    ));
}

#[test]
fn a_lost_change_is_noticed_by_the_heads() {
    let world = World::new(1);
    let mut store = Store::open_in_memory().expect("opens");
    let doc = world.note(&mut store, "yksi");
    world.edit(&mut store, doc, |v| v["summary"] = json!("kaksi"));
    store
        .write(|tx| {
            Ok(tx.execute(
                "DELETE FROM change WHERE n = (SELECT max(n) FROM change)",
                [],
            )?)
        })
        .expect("damages");
    store.forget_loaded();
    assert!(matches!(
        store.document(doc),
        Err(StoreError::Damaged {
            fault: Fault::Heads,
            ..
        })
    ));
}

#[test]
fn only_a_few_documents_stay_loaded_and_pinned_ones_do() {
    let world = World::new(1);
    let mut store = Store::open_in_memory().expect("opens");
    let docs: Vec<DocId> = (0..cache::KEPT * 3)
        .map(|i| world.note(&mut store, &format!("{i}")))
        .collect();
    let first = store.document(docs[0]).expect("loads");
    store.pin(docs[0]);
    for doc in &docs {
        store.document(*doc).expect("loads");
    }
    assert_eq!(store.cache.borrow().len(), cache::KEPT + 1);
    assert!(
        Arc::ptr_eq(&first, &store.document(docs[0]).expect("loads")),
        "still the same"
    );
    store.unpin(docs[0]);
    assert_eq!(store.cache.borrow().len(), cache::KEPT);
}

#[test]
fn the_cache_never_serves_what_another_writer_has_passed() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("sopu.db");
    let world = World::new(1);
    let mut store = Store::open(&path).expect("opens");
    let doc = world.note(&mut store, "vanha");
    let reader = Store::open_reader(&path).expect("opens");
    assert_eq!(value(&reader, doc)["summary"], "vanha");
    world.edit(&mut store, doc, |v| v["summary"] = json!("uusi"));
    assert_eq!(value(&reader, doc)["summary"], "uusi");
}

#[test]
fn a_reader_cannot_write() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("sopu.db");
    drop(Store::open(&path).expect("opens"));
    let mut reader = Store::open_reader(&path).expect("opens");
    let written = reader.write(|tx| Ok(tx.execute("DELETE FROM meta", [])?));
    assert!(written.is_err());
}

#[test]
fn a_rebuilt_document_forgets_what_was_refused() {
    let world = World::new(1);
    let mut store = Store::open_in_memory().expect("opens");
    let doc = world.note(&mut store, "hyväksytty");
    let base = store.document(doc).expect("loads");
    let refused = world.edit(&mut store, doc, |v| v["summary"] = json!("hylätty"));
    // The replay: the same intent under another actor, from what the feed has.
    let other = World {
        actor: [9; 16],
        ..World::new(3)
    };
    let mut am = base.am.clone();
    let version = Version::from(am.get_heads());
    let saved = save::save(
        &mut am,
        Kind::VisitNote,
        &version,
        &json!({"summary": "uusittu"}),
        &other.context(),
    )
    .expect("saves");
    let new = NewChange::saved(&am, &saved.changes);
    let write = world.write_of(doc, Kind::VisitNote, &am, &new);
    store
        .write(|tx| document::rewrite_document(tx, &write, &refused))
        .expect("rewrites");
    assert_eq!(value(&store, doc)["summary"], "uusittu");
    assert!(!document::contains(store.conn(), doc, refused[0]).expect("asks"));
    assert_eq!(check(store.conn()).expect("checks"), []);
}

#[test]
fn changes_of_one_hash_live_in_two_documents() {
    let world = World::new(1);
    let mut store = Store::open_in_memory().expect("opens");
    let value = json!({"summary": "sama"});
    let (am, saved) = save::create(Kind::VisitNote, &value, &world.context()).expect("creates");
    let new = NewChange::saved(&am, &saved.changes);
    for _ in 0..2 {
        let write = world.write_of(DocId::mint(&world.env), Kind::VisitNote, &am, &new);
        store
            .write(|tx| document::write_document(tx, &write))
            .expect("stores");
    }
    assert_eq!(count(&store, "change"), 2);
}

#[test]
fn an_own_change_met_in_a_feed_is_not_sealed_again() {
    let world = World::new(1);
    let mut store = Store::open_in_memory().expect("opens");
    let doc = world.note(&mut store, "palautettu kopio");
    let loaded = store.document(doc).expect("loads");
    let step = history::history(store.conn(), doc)
        .expect("history")
        .remove(0);
    let proof = world.proof(doc, &[step.hash]);
    let mut new = NewChange::saved(&loaded.am, &[step.hash]);
    new[0].origin = Origin::Enveloped(proof.id());
    let write = world.write_of(doc, Kind::VisitNote, &loaded.am, &new);
    store
        .write(|tx| {
            crate::store::outbox::insert_fed(tx, &proof, 1, Some(5), Some(&[1; 16]))?;
            document::write_document(tx, &write)
        })
        .expect("stores");
    assert_eq!(
        crate::store::outbox::unsealed(store.conn(), doc).expect("asks"),
        []
    );
    let step = history::history(store.conn(), doc)
        .expect("history")
        .remove(0);
    assert_eq!(
        step.envelope.map(|e| (e.id, e.seq)),
        Some((proof.id(), Some(1)))
    );
}

#[test]
fn an_old_change_that_arrives_late_does_not_count_as_news() {
    let world = World::new(1);
    let mut store = Store::open_in_memory().expect("opens");
    let doc = world.note(&mut store, "uusi");
    let base = store.document(doc).expect("loads");
    let before = document::row(store.conn(), doc)
        .expect("reads")
        .expect("is there");
    let colleague = World::new(2);
    let arrive = |store: &mut Store, at_ms: i64, km: &str| {
        let mut am = store.document(doc).expect("loads").am.clone();
        let version = base.heads.clone();
        let mut value = read::read_at(&am, Kind::VisitNote, &version).value;
        value["km"] = json!(km);
        let context = SaveContext {
            at_ms,
            ..colleague.context()
        };
        let saved =
            save::save(&mut am, Kind::VisitNote, &version, &value, &context).expect("saves");
        let new = NewChange::saved(&am, &saved.changes);
        let mut write = world.write_of(doc, Kind::VisitNote, &am, &new);
        write.by = Some(colleague.me);
        store
            .write(|tx| document::write_document(tx, &write))
            .expect("stores");
        let row = document::row(store.conn(), doc)
            .expect("reads")
            .expect("is there");
        (row.updated_ms, row.changed_by, write.at_ms)
    };
    let (updated, by, _) = arrive(&mut store, before.updated_ms - 86_400_000, "1");
    assert_eq!((updated, by), (before.updated_ms, Some(world.me)));
    // A clock that runs a year ahead counts as now.
    let (updated, by, now) = arrive(&mut store, before.updated_ms + 31_536_000_000, "2");
    assert_eq!((updated, by), (now, Some(colleague.me)));
}

#[test]
fn opening_a_document_reads_its_snapshot_and_tail_only() {
    let store = Store::open_in_memory().expect("opens");
    let mut statement = store
        .conn()
        .prepare(
            "EXPLAIN QUERY PLAN
             SELECT hash, bytes FROM change WHERE doc = ?1 AND n > ?2 ORDER BY n",
        )
        .expect("prepares");
    let plan: Vec<String> = statement
        .query_map(params![1, 2], |row| row.get(3))
        .expect("explains")
        .collect::<rusqlite::Result<_>>()
        .expect("reads");
    assert_eq!(
        plan,
        ["SEARCH change USING INDEX change_doc (doc=? AND rowid>?)"]
    );
}

#[test]
fn a_document_of_a_later_versions_kind_is_kept_and_disturbs_nothing() {
    let world = World::new(1);
    let mut store = Store::open_in_memory().expect("opens");
    let known = world.note(&mut store, "tuttu");
    let later = DocId::mint(&world.env);
    store
        .write(|tx| {
            Ok(tx.execute(
                "INSERT INTO document (id, space, kind, heads, created_ms, updated_ms)
                 VALUES (?1, ?2, 99, zeroblob(32), 1, 1)",
                params![later, world.space],
            )?)
        })
        .expect("stores");
    assert!(matches!(store.document(later), Err(StoreError::UnknownKind(d)) if d == later));
    assert_eq!(check(store.conn()).expect("checks"), []);
    assert_eq!(store.rebuild_views().expect("rebuilds"), []);
    assert_eq!(
        list(store.conn(), &Query::default()).expect("lists").total,
        1
    );
    assert_eq!(value(&store, known)["summary"], "tuttu");
}

#[test]
fn rebuilt_views_are_the_same_as_written_ones() {
    let world = World::new(1);
    let mut store = Store::open_in_memory().expect("opens");
    let docs: Vec<DocId> = (0..5)
        .map(|i| world.note(&mut store, &format!("Kirjaus {i}")))
        .collect();
    world.edit(&mut store, docs[0], |v| v["outcome"] = json!("partial"));
    let views = |store: &Store| -> Vec<_> {
        docs.iter()
            .map(|d| {
                view::get(store.conn(), *d)
                    .expect("reads")
                    .expect("is there")
            })
            .collect()
    };
    let before = views(&store);
    let loaded = store.document(docs[0]).expect("loads");
    assert_eq!(before[0].reading, read::read(&loaded.am, Kind::VisitNote));
    store
        .write(|tx| {
            tx.execute("DELETE FROM view", [])?;
            tx.execute("DELETE FROM search", [])?;
            tx.execute(
                "INSERT INTO search (rowid, title, body) VALUES (999, 'orpo', '')",
                [],
            )?;
            Ok(())
        })
        .expect("clears");
    assert_eq!(store.rebuild_views().expect("rebuilds"), []);
    assert_eq!(views(&store), before);
    assert_eq!(count(&store, "search"), 5);
}

#[test]
fn a_store_says_when_its_views_are_of_an_older_version() {
    let world = World::new(1);
    let mut store = Store::open_in_memory().expect("opens");
    world.note(&mut store, "näkymä");
    assert!(view::current(store.conn()).expect("asks"));
    store
        .write(|tx| meta::set_number(tx, "view_generation", view::GENERATION - 1))
        .expect("sets");
    assert!(!view::current(store.conn()).expect("asks"));
    store.rebuild_views().expect("rebuilds");
    assert!(view::current(store.conn()).expect("asks"));
}

#[test]
fn views_keep_conflicts_to_the_letter() {
    let world = World::new(1);
    let mut store = Store::open_in_memory().expect("opens");
    let doc = world.note(&mut store, "ristiriita");
    let base = store.document(doc).expect("loads");
    let version = Version::from(base.am.get_heads());
    let mut am = base.am.clone();
    let mut hashes = Vec::new();
    for (actor, outcome) in [([3; 16], "partial"), ([4; 16], "refused")] {
        let other = World {
            actor,
            ..World::new(actor[0])
        };
        let mut fork = base.am.clone();
        let mut value = read::read(&fork, Kind::VisitNote).value;
        value["outcome"] = json!(outcome);
        let saved = save::save(
            &mut fork,
            Kind::VisitNote,
            &version,
            &value,
            &other.context(),
        )
        .expect("saves");
        hashes.extend(saved.changes);
        am.merge(&mut fork).expect("merges");
    }
    let new = NewChange::saved(&am, &hashes);
    let write = world.write_of(doc, Kind::VisitNote, &am, &new);
    store
        .write(|tx| document::write_document(tx, &write))
        .expect("stores");
    let reading = read::read(&am, Kind::VisitNote);
    assert_eq!(reading.conflicts.len(), 1);
    let view = view::get(store.conn(), doc)
        .expect("reads")
        .expect("is there");
    assert_eq!(view.reading, reading);

    world.note(&mut store, "riidaton");
    let query = Query {
        conflicts_only: true,
        ..Query::default()
    };
    let page = list(store.conn(), &query).expect("lists");
    assert_eq!(
        page.rows
            .iter()
            .map(|r| (r.doc, r.conflicts))
            .collect::<Vec<_>>(),
        [(doc, 1)]
    );
}
