//! Damaged stores that are encrypted.

#![expect(clippy::expect_used, reason = "a test says what it expects")]

use std::sync::Arc;

use super::salvage;
use crate::device::{Device, DeviceError, Keys};
use crate::store::{StoreError, StoreKey};
use crate::time::SystemEnv;

#[test]
fn a_damaged_encrypted_store_is_salvaged_into_an_encrypted_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, instance) = (
        folder.path().join("store.db"),
        folder.path().join("instance"),
    );
    let keys = Keys {
        device: [7; 32],
        store: Some(StoreKey::new([9; 32])),
    };
    let open = |keys| Device::open(&path, &instance, keys, Arc::new(SystemEnv));
    let device = open(keys).expect("opens");
    let was = device
        .store()
        .conn()
        .query_row("PRAGMA page_count", [], |row| row.get(0));
    let pages: usize = was.expect("counts");
    drop(device);
    // Every page but the first: each is authenticated, so none of them reads.
    let mut bytes = std::fs::read(&path).expect("reads");
    for page in 1..pages {
        bytes[page * 4_096 + 100] ^= 1;
    }
    std::fs::write(&path, &bytes).expect("writes");
    let Err(DeviceError::Store(error)) = open(keys) else {
        panic!("opened");
    };
    assert!(error.is_damage(), "{error}");
    let (device, _) = salvage(&path, &instance, keys, Arc::new(SystemEnv)).expect("salvages");
    drop(device);
    assert!(open(keys).is_ok());
    let start = std::fs::read(&path).expect("reads");
    assert_ne!(start[..15], *b"SQLite format 3");

    let other = Keys {
        store: Some(StoreKey::new([8; 32])),
        ..keys
    };
    let wrong = open(other);
    assert!(matches!(
        wrong,
        Err(DeviceError::Store(StoreError::WrongKey))
    ));
}
