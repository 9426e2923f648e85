//! Encrypted stores.

use std::path::Path;

use crate::documents::Kind;
use crate::store::list::{Query, list};
use crate::store::tests::world::{World, value};
use crate::store::{Store, StoreError, StoreKey, check};

const RARE: &str = "kvartsiukko";

fn key(n: u8) -> StoreKey {
    StoreKey::new([n; 32])
}

fn on_disk(folder: &Path, text: &[u8]) -> bool {
    std::fs::read_dir(folder).expect("lists").any(|file| {
        let bytes = std::fs::read(file.expect("file").path()).expect("reads");
        bytes.windows(text.len()).any(|window| window == text)
    })
}

fn found(store: &Store) -> usize {
    let query = Query {
        text: Some(RARE.into()),
        ..Query::default()
    };
    list(store.conn(), &query).expect("lists").rows.len()
}

fn refused(path: &Path, n: u8) -> bool {
    matches!(
        Store::open_encrypted(path, key(n)),
        Err(StoreError::WrongKey)
    )
}

#[test]
fn an_encrypted_store_is_open_to_its_key_and_to_nothing_else() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("sopu.db");
    let world = World::new(1);
    let mut store = Store::open_encrypted(&path, key(1)).expect("opens");
    let doc = world.note(&mut store, RARE);
    assert_eq!(found(&store), 1);
    // The log is there beside it, and neither says a word.
    assert!(path.with_file_name("sopu.db-wal").exists());
    assert!(!on_disk(folder.path(), &RARE.as_bytes()[2..]));
    assert!(!on_disk(folder.path(), b"SQLite format 3"));
    drop(store);
    assert!(refused(&path, 2));
    // Not damage: an app that has no key for once must not have it mended.
    let plain = Store::open(&path);
    assert!(matches!(plain, Err(StoreError::WrongKey)));
    let store = Store::open_encrypted(&path, key(1)).expect("opens");
    assert_eq!(value(&store, doc)["summary"], RARE);
    assert_eq!(check::check(store.conn()).expect("checks"), []);
}

#[test]
fn another_key_opens_it_after_a_change_and_the_old_one_does_not() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("sopu.db");
    let world = World::new(1);
    let mut store = Store::open_encrypted(&path, key(1)).expect("opens");
    let before = world.note(&mut store, RARE);
    store.change_key(key(2)).expect("changes");
    let after = world.note(&mut store, "sen jälkeen");
    drop(store);
    assert!(refused(&path, 1));
    let store = Store::open_encrypted(&path, key(2)).expect("opens");
    assert_eq!(value(&store, before)["summary"], RARE);
    assert_eq!(value(&store, after)["summary"], "sen jälkeen");
    let mut plain = Store::open(&folder.path().join("plain.db")).expect("opens");
    let changed = plain.change_key(key(1));
    assert!(matches!(changed, Err(StoreError::NoEncryption)));
}

/// A plain store with something in it, its log not copied back yet.
fn plain(folder: &Path, world: &World) -> (std::path::PathBuf, crate::id::DocId) {
    let path = folder.join("sopu.db");
    let mut store = Store::open(&path).expect("opens");
    let doc = world.note(&mut store, RARE);
    for n in 0..20 {
        world.create(
            &mut store,
            Kind::Contract,
            &serde_json::json!({"title": format!("{n}")}),
        );
    }
    drop(store);
    assert!(on_disk(folder, &RARE.as_bytes()[2..]));
    (path, doc)
}

#[test]
fn a_plain_store_is_encrypted_when_it_is_opened_with_a_key() {
    let folder = tempfile::tempdir().expect("folder");
    let world = World::new(1);
    let (path, doc) = plain(folder.path(), &world);
    let mut store = Store::open_encrypted(&path, key(1)).expect("encrypts");
    assert!(!on_disk(folder.path(), &RARE.as_bytes()[2..]));
    assert_eq!(
        (found(&store), &value(&store, doc)["summary"]),
        (1, &RARE.into())
    );
    assert_eq!(check::check(store.conn()).expect("checks"), []);
    world.note(&mut store, "ja siitä eteenpäin");
    let files = std::fs::read_dir(folder.path()).expect("lists");
    let names = files.map(|file| file.expect("file").file_name());
    let strange: Vec<_> = names
        .filter(|n| n.to_string_lossy().contains("encrypt"))
        .collect();
    assert!(strange.is_empty(), "{strange:?}");
}

#[test]
fn encrypting_that_was_broken_off_is_done_again_and_the_plain_file_is_the_store_until_then() {
    let folder = tempfile::tempdir().expect("folder");
    let world = World::new(1);
    let (path, doc) = plain(folder.path(), &world);
    // Half a copy; and somebody writes on in the plain store.
    std::fs::write(path.with_file_name("sopu.db.encrypting"), [9; 5_000]).expect("writes");
    let mut store = Store::open(&path).expect("opens");
    let later = world.note(&mut store, "myöhemmin");
    drop(store);
    let store = Store::open_encrypted(&path, key(1)).expect("encrypts");
    assert_eq!(value(&store, doc)["summary"], RARE);
    assert_eq!(value(&store, later)["summary"], "myöhemmin");
}

#[test]
fn nobody_else_has_the_file_open_while_it_is_encrypted_or_gets_another_key() {
    let folder = tempfile::tempdir().expect("folder");
    let world = World::new(1);
    let (path, doc) = plain(folder.path(), &world);
    let busy = |result: &crate::store::Result<()>| {
        matches!(result, Err(StoreError::Sqlite(error))
            if error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy))
    };
    // As another process has it.
    let other = rusqlite::Connection::open(&path).expect("opens");
    let holds = "PRAGMA journal_mode = WAL; BEGIN IMMEDIATE; UPDATE document SET n = n";
    other.execute_batch(holds).expect("writes");
    let done = Store::open_encrypted(&path, key(1)).map(drop);
    assert!(busy(&done), "{done:?}");
    drop(other);
    let mut store = Store::open_encrypted(&path, key(1)).expect("encrypts");
    let second = Store::open_encrypted(&path, key(1)).expect("opens twice");
    let _ = value(&second, doc);
    let done = store.change_key(key(2));
    assert!(
        busy(&done),
        "it says so rather than that it went well: {done:?}"
    );
    drop((store, second));
    assert!(refused(&path, 2));
    let store = Store::open_encrypted(&path, key(1)).expect("the old key still fits");
    assert_eq!(value(&store, doc)["summary"], RARE);
}

/// As SQLCipher has them.
const PAGE: usize = 4_096;

#[test]
fn a_page_that_does_not_authenticate_costs_what_is_on_it_and_nothing_else() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("sopu.db");
    let world = World::new(1);
    let mut store = Store::open_encrypted(&path, key(1)).expect("opens");
    let text = |n: usize| format!("{n} {}", "pitkä kirjaus ".repeat(300));
    let docs: Vec<_> = (0..24).map(|n| world.note(&mut store, &text(n))).collect();
    store.checkpoint().expect("all in the file");
    drop(store);
    let whole = std::fs::read(&path).expect("reads");
    let mut told = 0;
    // Which page holds what is another each time.
    for page in (8..whole.len() / PAGE).step_by(3) {
        if told > 3 {
            break;
        }
        let mut bytes = whole.clone();
        bytes[page * PAGE + 100] ^= 1;
        std::fs::write(&path, &bytes).expect("writes");
        // What is needed to open it is salvaged.
        let mut store = match Store::open_encrypted(&path, key(1)) {
            Ok(store) => store,
            Err(error) => {
                assert!(error.is_damage(), "{error}");
                continue;
            }
        };
        let mut lost = Vec::new();
        for doc in &docs {
            match store.document(*doc) {
                Ok(loaded) => {
                    let n = docs.iter().position(|other| other == doc).expect("there");
                    let shown = crate::read::read(&loaded.am, loaded.kind).value;
                    assert_eq!(shown["summary"], text(n));
                }
                Err(StoreError::Damaged { doc, .. }) => lost.push(doc),
                Err(other) => panic!("page {page}: {other:?}"),
            }
        }
        // No more than are lost to one that has met nothing else.
        let alone = docs.iter().filter(|doc| {
            let store = Store::open_encrypted(&path, key(1)).expect("opens");
            store.document(**doc).is_err()
        });
        assert_eq!(lost, alone.copied().collect::<Vec<_>>(), "page {page}");
        let found = store.check().expect("checks");
        for doc in &lost {
            let named = |damage: &check::Damage| matches!(damage, check::Damage::Document(d, _) if d == doc);
            assert!(found.iter().any(named), "page {page}: {found:?}");
        }
        told += usize::from((1..4).contains(&lost.len()));
        // Writing goes on beside it, over one connection, and what was written is there.
        if (1..4).contains(&lost.len()) {
            let new = world.note(&mut store, "sen jälkeen");
            assert_eq!(value(&store, new)["summary"], "sen jälkeen");
        }
        drop(store);
        for end in ["-wal", "-shm"] {
            let _ = std::fs::remove_file(folder.path().join(format!("sopu.db{end}")));
        }
    }
    assert!(told > 1, "pages of documents were among them");
}
