//! What sync costs, as counts: the bounded part of the benchmarks. Never times.

use sopu_tests::work::day::{DAY, Load, lived};
use sopu_tests::work::quiet::reconnected;
use sopu_tests::work::team::Team;
use tempfile::TempDir;

fn folder() -> TempDir {
    let shm = std::path::Path::new("/dev/shm");
    let folder = if shm.is_dir() {
        tempfile::tempdir_in(shm)
    } else {
        tempfile::tempdir()
    };
    folder.expect("a temporary folder")
}

#[test]
fn reconnecting_with_nothing_new_is_one_request_of_a_few_bytes() {
    for (notes, spaces) in [(10, 1), (100, 1), (80, 80)] {
        let folder = folder();
        let cost = reconnected(folder.path(), notes, spaces);
        assert_eq!(cost.requests, 1, "{notes} notes, {spaces} spaces");
        let bytes = cost.bodies.up + cost.bodies.down;
        assert!(bytes <= 300, "{bytes} B for {notes} notes, {spaces} spaces");
    }
}

#[test]
fn a_days_work_goes_in_one_request_and_costs_at_most_twice_its_json() {
    let folder = folder();
    let quarter = Load {
        new: DAY.new / 4,
        edited: DAY.edited / 4,
        colleagues: 2,
    };
    let cost = lived(folder.path(), quarter);
    assert_eq!(cost.requests, 1);
    assert!(cost.up <= 2 * cost.json_up, "{cost:?}");
    assert!(cost.down <= 2 * cost.json_down, "{cost:?}");
}

#[test]
fn a_new_device_takes_all_for_twice_its_json_and_can_use_the_newest_after_one_page() {
    let folder = folder();
    let team = Team::new(folder.path(), 240, 1);
    let mut new = team.newcomer();
    let wire = team.town.wire();
    new.device.sync_for(&wire, 1).expect("syncs");
    let newest = team.notes.iter().rev().take(200);
    assert!(newest.clone().all(|doc| new.device.read(*doc).is_ok()));
    new.device.sync(&wire).expect("syncs");
    assert!(team.notes.iter().all(|doc| new.device.read(*doc).is_ok()));
    let (down, json) = (wire.sum().down, team.log.zstd());
    assert!(down <= 2 * json, "{down} B beside {json} B of JSON");
}
