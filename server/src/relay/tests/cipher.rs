//! Databases that say nothing to whoever has no key.

use sopu_core::store::StoreKey;

use super::world::World;
use crate::access::Role;
use crate::backup::{BackupError, restore, take};
use crate::check::check;
use crate::data::{Data, KeyError};
use crate::relay::{DATABASE, OpenError, RECORD, Relay};
use crate::store::State;

/// Words of content, names and keys of the schema.
const WORDS: [&[u8]; 3] = [b"zanzibar", b"Hoiva Oy", b"SQLite format 3"];

/// Which of these stand in the databases and their logs.
fn readable(data: &Data) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(&**data).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if !name.contains(".db") {
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        for word in WORDS {
            if bytes.windows(word.len()).any(|window| window == word) {
                found.push(format!("{name}: {}", String::from_utf8_lossy(word)));
            }
        }
    }
    found
}

#[test]
fn plain_databases_are_encrypted_when_a_relay_starts_with_a_key_and_all_is_still_there() {
    let mut world = World::with_key(tempfile::tempdir().unwrap(), None);
    let phone = world.phone(Role::Field);
    let (_, sealed) = phone.note(world.space, "zanzibar");
    world.feed(&phone, &sealed);
    let (id, clock, plain) = (sealed.proof.id(), world.clock.clone(), world.folder.clone());
    let dir = world.close();
    assert!(readable(&plain).len() >= 4, "the test can see it");
    let key = StoreKey::new([3; 32]);
    let data = Data::new(plain.to_path_buf(), Some(key));
    for _ in 0..2 {
        let relay = Relay::open(&data, clock.clone()).unwrap();
        assert!(matches!(relay.state_of(id).unwrap(), Some(State::Fed(_))));
        assert_eq!(check(&data).findings, []);
    }
    assert_eq!(readable(&data), [""; 0]);
    for other in [None, Some(StoreKey::new([4; 32]))] {
        let data = Data::new(data.to_path_buf(), other);
        assert!(matches!(data.fits(), Err(KeyError::DoesNotFit(_))));
        let refused = Relay::open(&data, clock.clone()).err().unwrap();
        assert!(
            matches!(refused, OpenError::Encryption(_) | OpenError::Store(_)),
            "{refused}"
        );
    }
    assert!(Relay::open(&data, clock).is_ok(), "nothing was harmed");
    drop(dir);
}

#[test]
fn a_backup_of_encrypted_databases_is_encrypted_and_comes_back_with_the_key_alone() {
    let mut world = World::new();
    let phone = world.phone(Role::Field);
    let (_, sealed) = phone.note(world.space, "zanzibar");
    world.feed(&phone, &sealed);
    let target = world.folder.beside(world.folder.with_file_name("backup"));
    take(&world.folder, &target, &*world.clock, &mut |_, _| {}).unwrap();
    assert_eq!(readable(&target), [""; 0]);
    assert_eq!(check(&target).findings, []);
    let fresh = world.folder.with_file_name("restored");
    let done = restore(&target, None, &fresh, world.clock.clone());
    assert!(matches!(done, Err(BackupError::Key(_))), "{done:?}");
    assert!(!fresh.exists());
    let fresh = world.folder.beside(fresh);
    restore(&target, None, &fresh, world.clock.clone()).unwrap();
    assert!(fresh.join(DATABASE).exists() && fresh.join(RECORD).exists());
    assert_eq!(readable(&fresh), [""; 0]);
    assert_eq!(check(&fresh).findings, []);
}

#[test]
fn a_record_that_is_damaged_or_of_another_key_does_not_keep_the_relay_from_starting() {
    let mut world = World::with_key(tempfile::tempdir().unwrap(), None);
    let phone = world.phone(Role::Field);
    let (_, sealed) = phone.note(world.space, "zanzibar");
    world.feed(&phone, &sealed);
    let (clock, plain) = (world.clock.clone(), world.folder.clone());
    let dir = world.close();
    let data = Data::new(plain.to_path_buf(), Some(StoreKey::new([3; 32])));
    // Damaged before it is encrypted.
    let mut bytes = std::fs::read(plain.record()).unwrap();
    let pages = bytes.len() / 4096;
    for page in 1..pages {
        bytes[page * 4096] ^= 0xff;
    }
    std::fs::write(plain.record(), &bytes).unwrap();
    drop(Relay::open(&data, clock.clone()).unwrap());
    assert_eq!(check(&data).findings, []);
    // Encrypted with another key, as by a start that was broken off.
    std::fs::remove_file(data.record()).unwrap();
    let other = Data::new(data.to_path_buf(), Some(StoreKey::new([4; 32])));
    let foreign = sopu_core::store::Store::open_with(&data.record(), other.key());
    drop(foreign.unwrap());
    drop(Relay::open(&data, clock.clone()).unwrap());
    assert_eq!(check(&data).findings, []);
    // Nothing is thrown away for want of the key.
    assert!(Relay::rebuild(&other, clock.clone()).is_err());
    assert!(data.record().exists());
    drop(Relay::rebuild(&data, clock).unwrap());
    drop(dir);
}

#[test]
fn a_backup_from_before_there_was_a_key_is_put_back_and_encrypted() {
    let mut world = World::with_key(tempfile::tempdir().unwrap(), None);
    let phone = world.phone(Role::Field);
    let (_, sealed) = phone.note(world.space, "zanzibar");
    world.feed(&phone, &sealed);
    let target = world.folder.with_file_name("backup");
    take(&world.folder, &target, &*world.clock, &mut |_, _| {}).unwrap();
    let fresh = world.folder.with_file_name("restored");
    let fresh = Data::new(fresh, Some(StoreKey::new([3; 32])));
    restore(&target, None, &fresh, world.clock.clone()).unwrap();
    assert_eq!(readable(&fresh), [""; 0]);
    assert_eq!(check(&fresh).findings, []);
}

#[test]
fn what_a_restore_set_aside_is_encrypted_too_once_there_is_a_key() {
    let mut world = World::with_key(tempfile::tempdir().unwrap(), None);
    let phone = world.phone(Role::Field);
    let (_, sealed) = phone.note(world.space, "zanzibar");
    world.feed(&phone, &sealed);
    let target = world.folder.with_file_name("backup");
    take(&world.folder, &target, &*world.clock, &mut |_, _| {}).unwrap();
    let (clock, plain) = (world.clock.clone(), world.folder.clone());
    let dir = world.close();
    for _ in 0..2 {
        restore(&target, None, &plain, clock.clone()).unwrap();
        clock.advance(1);
    }
    let [sound, damaged] = <[_; 2]>::try_from(plain.set_aside()).unwrap();
    assert!(
        readable(&Data::from(&sound)).len() >= 4,
        "the test can see it"
    );
    let mut bytes = std::fs::read(damaged.join(DATABASE)).unwrap();
    bytes[4096..].fill(0xff);
    std::fs::write(damaged.join(DATABASE), &bytes).unwrap();
    let data = Data::new(plain.to_path_buf(), Some(StoreKey::new([3; 32])));
    drop(Relay::open(&data, clock.clone()).unwrap());
    assert_eq!(readable(&Data::from(&sound)), [""; 0]);
    let kept = Data::new(sound.clone(), data.key());
    assert_eq!(kept.fits().map_err(|error| error.to_string()), Ok(()));
    let told = check(&data).remarks;
    assert!(told[0].contains("databases from before"), "{told:?}");
    assert!(told[1].contains("anybody can read"), "{told:?}");
    drop(dir);
}
