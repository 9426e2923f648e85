//! Nothing of an erased document stays.

use std::path::Path;

use serde_json::json;

use super::world::World;
use crate::documents::Kind;
use crate::id::{DocId, Hash};
use crate::store::list::{Query, list};
use crate::store::outbox::{self, State};
use crate::store::purge::{self, Erased, Purged};
use crate::store::{Store, StoreError, deferred, document, draft};
use crate::wire::Entry;

const RARE: &str = "kvartsiukko";

/// Whether any file of the store holds these bytes. Terms of the index leave out what they share
/// with the term before, so the word's tail is looked for.
fn on_disk(folder: &Path) -> bool {
    let tail = &RARE.as_bytes()[2..];
    std::fs::read_dir(folder).expect("lists").any(|file| {
        let bytes = std::fs::read(file.expect("file").path()).expect("reads");
        bytes.windows(tail.len()).any(|window| window == tail)
    })
}

fn mark(world: &World, doc: DocId) -> Erased {
    Erased {
        doc,
        space: world.space,
        reason: "law".into(),
        at_ms: 1,
    }
}

#[test]
fn after_a_purge_the_files_do_not_hold_a_word_of_it() {
    let folder = tempfile::tempdir().expect("folder");
    let world = World::new(1);
    let mut store = Store::open(&folder.path().join("sopu.db")).expect("opens");
    for i in 0..50 {
        world.note(&mut store, &format!("Tavallinen kvartaali {i} kvartsi"));
    }
    let doc = world.note(&mut store, &format!("Asiakas {RARE} kertoi"));
    for i in 0..document::FOLD_CHANGES {
        world.edit(&mut store, doc, |v| {
            v["summary"] = json!(format!("{RARE} {i}"))
        });
    }
    let hashes: Vec<Hash> = outbox::unsealed(store.conn(), doc)
        .expect("reads")
        .iter()
        .map(|c| c.hash)
        .collect();
    let proof = world.proof(doc, &hashes);
    store
        .write(|tx| {
            outbox::insert_sealed(tx, &proof, RARE.as_bytes(), &hashes)?;
            let value = json!({"summary": RARE});
            draft::keep(tx, (doc, world.space, Kind::VisitNote), "role", 1, &value)?;
            draft::replayed(
                tx,
                doc,
                &draft::Replay {
                    old: hashes[0],
                    new: hashes[1],
                    exact: true,
                },
            )
        })
        .expect("stores");
    assert_eq!(searched(&store), 1);
    assert!(
        on_disk(folder.path()),
        "the test can see it while it is there"
    );

    store
        .write(|tx| purge::purge(tx, &mark(&world, doc)))
        .expect("purges");
    assert!(
        store.scrub_due().expect("asks"),
        "also after a crash right here"
    );
    store.scrub().expect("scrubs");
    assert!(!store.scrub_due().expect("asks"));
    assert!(!on_disk(folder.path()));

    assert_eq!(searched(&store), 0);
    assert!(matches!(store.document(doc), Err(StoreError::NotFound(_))));
    let kept = outbox::get(store.conn(), proof.id())
        .expect("reads")
        .expect("header survives");
    assert_eq!(kept.state, State::Erased);
    assert_eq!(kept.proof, proof);
    assert_eq!(draft::drafts(store.conn()).expect("reads"), []);
    assert_eq!(
        purge::erased(store.conn()).expect("reads"),
        [mark(&world, doc)]
    );
}

/// How many notes a search for the rare word finds; searching also brings the index up to date.
fn searched(store: &Store) -> u64 {
    let query = Query {
        text: Some(RARE.into()),
        ..Query::default()
    };
    list(store.conn(), &query).expect("searches").total
}

/// Deleting from an index only writes that something was deleted; the term itself stays in its
/// segment until that is merged, unless the index is told otherwise.
#[test]
fn a_purged_term_leaves_the_search_index() {
    // Whether segments happen to be merged just then depends on how many came after.
    for later in 0..8 {
        let folder = tempfile::tempdir().expect("folder");
        let world = World::new(1);
        let mut store = Store::open(&folder.path().join("sopu.db")).expect("opens");
        let doc = world.note(&mut store, RARE);
        for i in 0..later {
            world.note(&mut store, &format!("Kirjaus {i}"));
        }
        assert_eq!(searched(&store), 1);
        store
            .write(|tx| purge::purge(tx, &mark(&world, doc)))
            .expect("purges");
        store.scrub().expect("scrubs");
        assert!(!on_disk(folder.path()), "{later} notes later");
    }
}

#[test]
fn an_erased_document_is_not_stored_again() {
    let world = World::new(1);
    let mut store = Store::open_in_memory().expect("opens");
    let doc = world.note(&mut store, "poistuva");
    let loaded = store.document(doc).expect("loads");
    store
        .write(|tx| purge::purge(tx, &mark(&world, doc)))
        .expect("purges");
    let write = world.write_of(doc, Kind::VisitNote, &loaded.am, &[]);
    let late = store.write(|tx| document::write_document(tx, &write));
    assert!(matches!(late, Err(StoreError::Erased(d)) if d == doc));
    // Twice is as good as once, and one never seen can be erased too.
    store
        .write(|tx| purge::purge(tx, &mark(&world, doc)))
        .expect("purges again");
    let unseen = DocId::mint(&world.env);
    store.scrub().expect("scrubs");
    let purge = |store: &mut Store| store.write(|tx| purge::purge(tx, &mark(&world, unseen)));
    assert_eq!(purge(&mut store).expect("purges"), Purged::News);
    assert!(purge::is_erased(store.conn(), unseen).expect("asks"));
    assert_eq!(purge(&mut store).expect("purges"), Purged::Nothing);
    assert!(!store.scrub_due().expect("asks"), "there was nothing of it");
}

#[test]
fn a_scrub_waits_for_no_reader_and_says_so() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("sopu.db");
    let world = World::new(1);
    let mut store = Store::open(&path).expect("opens");
    world.note(&mut store, "a");
    let reader = Store::open_reader(&path).expect("opens");
    reader
        .conn()
        .execute_batch("BEGIN; SELECT count(*) FROM document")
        .expect("reads");
    world.note(&mut store, "b");
    store
        .conn()
        .busy_timeout(std::time::Duration::ZERO)
        .expect("sets");
    assert!(store.checkpoint().is_err());
    reader.conn().execute_batch("COMMIT").expect("ends");
    store.checkpoint().expect("now it can");
}

/// Entries of a kind that a later version knows, and nothing else: the order to purge passed them by.
#[test]
fn what_stands_only_beside_documents_is_found_and_purged() {
    let world = World::new(1);
    let mut store = Store::open_in_memory().expect("opens");
    let doc = DocId::mint(&world.env);
    assert_eq!(purge::home(store.conn(), doc).expect("asks"), None);
    let entry = Entry::Erased {
        seq: 1,
        proof: world.proof(doc, &[]),
    };
    store
        .write(|tx| deferred::defer(tx, world.space, doc, &entry))
        .expect("defers");
    assert_eq!(
        purge::home(store.conn(), doc).expect("asks"),
        Some(world.space)
    );
    let purged = store.write(|tx| purge::purge(tx, &mark(&world, doc)));
    assert_eq!(purged.expect("purges"), Purged::Content);
    assert!(store.scrub_due().expect("asks"));
    assert_eq!(purge::home(store.conn(), doc).expect("asks"), None);
}
