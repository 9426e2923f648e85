//! Backups and what is made of them.

use std::path::Path;

use super::world::World;
use crate::access::Role;
use crate::backup::sealed::{Recipients, make_key, take_sealed};
use crate::backup::{BackupError, MANIFEST, restore, take, verify};
use crate::relay::{DATABASE, LEDGER, OpenError, RESTORING, Relay};
use crate::store::schema;

/// A backup of this world beside its data folder.
fn taken(world: &World, name: &str) -> std::path::PathBuf {
    let target = world.folder.with_file_name(name);
    take(&world.folder, &target, &*world.clock, &mut |_, _| {}).unwrap();
    target
}

fn written(world: &mut World) {
    let phone = world.phone(Role::Field);
    for tag in ["a", "b", "c"] {
        let (_, sealed) = phone.note(world.space, tag);
        world.feed(&phone, &sealed);
    }
}

#[test]
fn a_backup_taken_while_everyone_writes_is_one_moment_of_the_relay() {
    let mut world = World::new();
    written(&mut world);
    let phone = world.phone(Role::Field);
    let notes: Vec<_> = (0..60)
        .map(|n| phone.note(world.space, &n.to_string()).1)
        .collect();
    let target = world.folder.with_file_name("backup");
    let (folder, to, clock) = (world.folder.clone(), target.clone(), world.clock.clone());
    let taking = std::thread::spawn(move || {
        let mut heard = 0;
        let done = take(&folder, &to, &*clock, &mut |copied, all| {
            heard += 1;
            assert!(copied <= all && all > 0);
        });
        done.map(|_| heard)
    });
    for sealed in &notes {
        world.feed(&phone, sealed);
    }
    assert!(taking.join().unwrap().unwrap() > 0);
    let manifest = verify(world.folder.beside(&target)).unwrap();
    let names: Vec<&str> = manifest.files.iter().map(|f| f.name.as_str()).collect();
    assert_eq!(names, [DATABASE, LEDGER]);
    let report = crate::check::check(world.folder.beside(&target));
    assert_eq!(report.findings, []);
    assert!(report.entries >= 3, "{report:?}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&target), 0o700);
        for name in [DATABASE, LEDGER, MANIFEST] {
            assert_eq!(mode(&target.join(name)), 0o600, "{name}");
        }
    }
    let beside = std::fs::read_dir(target.parent().unwrap()).unwrap();
    let unfinished = |name: &str| name.contains("unfinished");
    let names = beside.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert_eq!(names.filter(|name| unfinished(name)).count(), 0);
}

#[test]
fn a_backup_overwrites_nothing_and_leaves_nothing_behind_when_it_fails() {
    let mut world = World::new();
    written(&mut world);
    let target = taken(&world, "backup");
    let before = std::fs::read(target.join(MANIFEST)).unwrap();
    let again = take(&world.folder, &target, &*world.clock, &mut |_, _| {});
    assert!(matches!(again, Err(BackupError::Exists(_))), "{again:?}");
    assert_eq!(std::fs::read(target.join(MANIFEST)).unwrap(), before);
    let nothing = world.folder.with_file_name("nothing");
    let none = take(&nothing, &target, &*world.clock, &mut |_, _| {});
    assert!(matches!(none, Err(BackupError::NoData(_))));
    std::fs::write(world.folder.join(LEDGER), "no ledger\n").unwrap();
    let failed = world.folder.with_file_name("failed");
    let broken = take(&world.folder, &failed, &*world.clock, &mut |_, _| {});
    assert!(matches!(broken, Err(BackupError::Ledger(_))), "{broken:?}");
    let left = std::fs::read_dir(failed.parent().unwrap()).unwrap();
    let names: Vec<_> = left.map(|e| e.unwrap().file_name()).collect();
    let ours = |name: &&std::ffi::OsString| name.to_string_lossy().starts_with("failed");
    assert_eq!(names.iter().filter(ours).count(), 0, "{names:?}");
}

#[test]
fn a_flipped_byte_anywhere_in_a_backup_is_found_before_anything_is_touched() {
    let mut world = World::new();
    written(&mut world);
    let target = taken(&world, "backup");
    let World { folder, clock, .. } = &world;
    let data = folder.beside(folder.with_file_name("restored"));
    for name in [DATABASE, LEDGER, MANIFEST] {
        let path = target.join(name);
        let whole = std::fs::read(&path).unwrap();
        for place in [0, whole.len() / 3, whole.len() / 2, whole.len() - 2] {
            let mut bytes = whole.clone();
            bytes[place] ^= 0x10;
            std::fs::write(&path, &bytes).unwrap();
            let done = restore(&target, None, &data, clock.clone());
            assert!(done.is_err(), "{name} at {place}");
            assert!(!data.exists(), "{name} at {place}");
        }
        std::fs::write(&path, &whole[..whole.len() - 2]).unwrap();
        assert!(
            restore(&target, None, &data, clock.clone()).is_err(),
            "{name}"
        );
        std::fs::write(&path, &whole).unwrap();
    }
    restore(&target, None, &data, clock.clone()).unwrap();
}

#[test]
fn a_backup_is_not_put_under_a_running_server_and_what_was_there_is_set_aside() {
    let mut world = World::new();
    written(&mut world);
    let target = taken(&world, "backup");
    let (folder, clock) = (world.folder.clone(), world.clock.clone());
    let busy = restore(&target, None, &folder, clock.clone());
    assert!(
        matches!(busy, Err(BackupError::Open(OpenError::InUse))),
        "{busy:?}"
    );
    let dir = world.close();
    let restored = restore(&target, None, &folder, clock.clone()).unwrap();
    let aside = restored.set_aside.unwrap();
    assert!(aside.join(DATABASE).exists() && aside.starts_with(&*folder));
    assert!(restored.newer_ledger_lines.is_some());
    assert_eq!(crate::check::check(&folder).findings, []);
    drop(dir);
}

#[test]
fn the_newest_ledger_wins_and_one_that_went_another_way_is_refused() {
    let mut world = World::new();
    written(&mut world);
    let target = taken(&world, "backup");
    let saved = std::fs::read(target.join(LEDGER)).unwrap();
    world.phone(Role::Field);
    world.relay.merge_all().unwrap();
    let (folder, clock) = (world.folder.clone(), world.clock.clone());
    let dir = world.close();
    let newer = std::fs::read(folder.join(LEDGER)).unwrap();
    assert!(newer.len() > saved.len() && newer.starts_with(&saved));
    restore(&target, None, &folder, clock.clone()).unwrap();
    let kept = std::fs::read(folder.join(LEDGER)).unwrap();
    assert!(kept.starts_with(&newer), "the data folder's was newer");

    // Older than the backup's: the backup's is taken.
    let first = saved.iter().position(|b| *b == b'\n').unwrap() + 1;
    std::fs::write(folder.join(LEDGER), &saved[..first]).unwrap();
    let restored = restore(&target, None, &folder, clock.clone()).unwrap();
    assert_eq!(restored.newer_ledger_lines, None);
    assert!(
        std::fs::read(folder.join(LEDGER))
            .unwrap()
            .starts_with(&saved)
    );

    // The same first lines, and then others.
    std::fs::write(folder.join(LEDGER), &saved[..first]).unwrap();
    let mut other = crate::ledger::Ledger::open(&folder.join(LEDGER), &*clock).unwrap();
    other
        .append(&[crate::ledger::Line::Started { number: 77 }])
        .unwrap();
    let before = std::fs::read(folder.join(LEDGER)).unwrap();
    let diverged = restore(&target, None, &folder, clock.clone());
    assert!(
        matches!(diverged, Err(BackupError::Diverged { line: 2, .. })),
        "{diverged:?}"
    );
    assert_eq!(std::fs::read(folder.join(LEDGER)).unwrap(), before);
    assert!(!folder.join(RESTORING).exists());
    drop(dir);
}

#[test]
fn a_relay_does_not_start_on_half_a_restore_and_doing_it_again_carries_on() {
    let mut world = World::new();
    written(&mut world);
    let target = taken(&world, "backup");
    let (folder, clock) = (world.folder.clone(), world.clock.clone());
    let dir = world.close();
    std::fs::write(folder.join(RESTORING), "").unwrap();
    std::fs::remove_file(folder.join(DATABASE)).unwrap();
    std::fs::write(folder.join("relay.db.restoring"), "half").unwrap();
    let half = Relay::open(&folder, clock.clone()).map(|_| ());
    assert!(matches!(half, Err(OpenError::Restoring)), "{half:?}");
    restore(&target, None, &folder, clock.clone()).unwrap();
    Relay::open(&folder, clock).unwrap();
    drop(dir);
}

#[test]
fn a_copy_begins_new_generations_however_it_came_to_its_place() {
    let mut world = World::new();
    written(&mut world);
    let target = taken(&world, "backup");
    let (folder, clock) = (world.folder.clone(), world.clock.clone());
    // The relay has not been started again since the backup: its number of starts tells nothing.
    let dir = world.close();
    for end in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(folder.join(format!("{DATABASE}{end}")));
    }
    std::fs::copy(target.join(DATABASE), folder.join(DATABASE)).unwrap();
    for _ in 0..2 {
        drop(Relay::open(&folder, clock.clone()).unwrap());
        let db = schema::open_with(&folder.database(), folder.key()).unwrap();
        let generations: i64 = db
            .query_row("SELECT count(*) FROM generation", [], |row| row.get(0))
            .unwrap();
        assert_eq!(generations, 1, "once, not at every start");
    }
    assert_eq!(crate::check::check(&folder).findings, []);
    drop(dir);
}

/// All bytes of all files of a folder.
fn bytes_in(folder: &Path) -> Vec<u8> {
    let files = std::fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().path());
    let files = files.filter(|path| path.is_file());
    files
        .flat_map(|path| std::fs::read(path).unwrap())
        .collect()
}

#[test]
fn a_sealed_backup_says_nothing_to_others_and_a_flipped_byte_in_it_is_found() {
    let mut world = World::new();
    written(&mut world);
    let key = world.folder.with_file_name("key");
    make_key(&world.folder, &key).unwrap();
    let for_whom = Recipients::of(&world.folder).unwrap().unwrap();
    let target = world.folder.with_file_name("sealed");
    // What a sealing that was broken off has left.
    for name in ["sealing", "sealing.0000.unfinished"] {
        std::fs::create_dir_all(world.folder.join(name)).unwrap();
        std::fs::write(world.folder.join(name).join(DATABASE), "plain").unwrap();
    }
    let clock = &*world.clock;
    take_sealed(&world.folder, &target, &for_whom, clock, &mut |_, _| {}).unwrap();
    let plain = taken(&world, "plain");
    let spoken = |folder: &Path, what: &[u8]| {
        let bytes = bytes_in(folder);
        bytes.windows(what.len()).any(|window| window == what)
    };
    let start = &std::fs::read(plain.join(DATABASE)).unwrap()[..64];
    assert!(spoken(&plain, start) && !spoken(&target, start));
    let ours = std::fs::read_dir(&*world.folder)
        .unwrap()
        .map(|e| e.unwrap().file_name());
    let left: Vec<_> = ours
        .filter(|n| n.to_string_lossy().starts_with("sealing"))
        .collect();
    assert_eq!(left, ["sealing.lock"]);

    let data = &world.folder;
    let data = data.beside(data.with_file_name("restored"));
    for file in std::fs::read_dir(&target)
        .unwrap()
        .map(|e| e.unwrap().path())
    {
        let whole = std::fs::read(&file).unwrap();
        for place in [0, whole.len() / 2, whole.len() - 2] {
            let mut bytes = whole.clone();
            bytes[place] ^= 0x10;
            std::fs::write(&file, &bytes).unwrap();
            let done = restore(&target, Some(&key), &data, world.clock.clone());
            assert!(
                done.is_err() && !data.join(DATABASE).exists(),
                "{file:?} at {place}"
            );
        }
        std::fs::write(&file, &whole).unwrap();
    }
    restore(&target, Some(&key), &data, world.clock.clone()).unwrap();
    assert_eq!(crate::check::check(&data).findings, []);
    assert!(!data.join("sealing").exists());
}
