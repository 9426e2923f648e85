//! Damaged stores that are encrypted.

#![expect(clippy::expect_used, reason = "a test says what it expects")]

use std::path::PathBuf;
use std::sync::Arc;

use super::{Salvaged, salvage};
use crate::device::{DeviceError, Keys};
use crate::store::tests::world::World;
use crate::store::{Store, StoreError, StoreKey};
use crate::time::SystemEnv;

const NOTES: usize = 40;

fn keys(store: Option<u8>) -> Keys {
    Keys {
        device: [7; 32],
        store: store.map(|n| StoreKey::new([n; 32])),
    }
}

struct Scene {
    folder: tempfile::TempDir,
}

impl Scene {
    /// A store with unsent notes, encrypted if there is a key, and a byte flipped in one of its pages.
    fn new(key: Option<u8>) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let scene = Self { folder };
        let world = World::new(1);
        let mut store = Store::open_with(&scene.path(), keys(key).store).expect("opens");
        let docs: Vec<_> = (0..NOTES)
            .map(|n| world.note(&mut store, &format!("{n} {}", "pitkä teksti ".repeat(60))))
            .collect();
        drop(store);
        assert_eq!(docs.len(), NOTES);
        let mut bytes = std::fs::read(scene.path()).expect("reads");
        let pages = bytes.len() / 4_096;
        bytes[(pages - 5) * 4_096 + 2_000] ^= 1;
        std::fs::write(scene.path(), &bytes).expect("writes");
        scene
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("store.db")
    }

    fn salvage(&self, key: Option<u8>) -> Result<Salvaged, DeviceError> {
        let instance = self.folder.path().join("instance");
        salvage(&self.path(), &instance, keys(key), Arc::new(SystemEnv))
            .map(|(_, salvaged)| salvaged)
    }

    fn is_there(&self, name: &str) -> bool {
        self.folder.path().join(name).exists()
    }
}

#[test]
fn a_damaged_page_of_an_encrypted_store_costs_no_more_than_what_is_in_it() {
    let scene = Scene::new(Some(9));
    let salvaged = scene.salvage(Some(9)).expect("salvages");
    assert!(salvaged.unsent as usize >= NOTES - 6, "{salvaged:?}");
    assert!(scene.is_there("store.db.damaged"));
    let start = std::fs::read(scene.path()).expect("reads");
    assert_ne!(start[..15], *b"SQLite format 3");
    // And what an earlier one has kept stays.
    scene.salvage(Some(9)).expect("salvages again");
    assert!(scene.is_there("store.db.damaged") && scene.is_there("store.db.damaged2"));
}

#[test]
fn a_store_is_not_replaced_for_want_of_its_key() {
    let scene = Scene::new(Some(9));
    let before = std::fs::read(scene.path()).expect("reads");
    for key in [None, Some(8)] {
        let told = scene.salvage(key);
        assert!(
            matches!(told, Err(DeviceError::Store(StoreError::WrongKey))),
            "{told:?}"
        );
    }
    assert!(std::fs::read(scene.path()).expect("reads") == before);
    assert!(!scene.is_there("store.db.damaged"));
}

#[test]
fn a_damaged_store_that_was_plain_is_salvaged_into_an_encrypted_one() {
    let scene = Scene::new(None);
    let salvaged = scene.salvage(Some(9)).expect("salvages");
    assert!(salvaged.unsent as usize >= NOTES - 6, "{salvaged:?}");
    let start = std::fs::read(scene.path()).expect("reads");
    assert_ne!(start[..15], *b"SQLite format 3");
}
