//! What sync costs, as counts: the bounded part of the benchmarks. Never times.

use serde_json::json;
use sopu_core::device::documents::Opened;
use sopu_tests::work::day::{DAY, Load, lived};
use sopu_tests::work::quiet::reconnected;
use sopu_tests::work::team::Team;
use sopu_tests::work::{JsonLog, Resident, Town, note};
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

/// Types on in an open form, some saves long; gives how often all of the document was read for it.
fn typed(town: &Town, who: &mut Resident, form: &mut Opened, saves: usize) -> u64 {
    let before = who.device.store().whole_readings();
    for save in 0..saves {
        town.time.pass(9_000);
        let old = form.value["summary"].as_str().unwrap_or_default();
        form.value["summary"] = json!(format!("{old} ja sana {save}"));
        let saved = who.device.save(form.doc, &form.version, &form.value);
        form.version = saved.expect("saves").version;
    }
    who.device.store().whole_readings() - before
}

#[test]
fn a_form_that_goes_on_saving_reads_its_document_once() {
    let folder = folder();
    let town = Town::new(folder.path(), 20_261_128, 1);
    let mut aino = town.device(town.person("Aino"), "aino");
    let mut onni = town.device(town.person("Onni"), "onni");
    aino.sync(&town);
    let by = aino.member.0.to_string();
    let begun = note::begun(&town.dice, town.time.now_ms(), &by);
    let log = &mut JsonLog::default();
    let doc = aino.write(&town.dice, town.spaces[0], &[begun], log);
    aino.device.store().forget_loaded();
    let mut form = aino.device.read(doc).expect("reads");
    assert_eq!(aino.device.store().whole_readings(), 1);
    assert_eq!(typed(&town, &mut aino, &mut form, 20), 0);

    // Another writes in it, and it arrives under the open form.
    aino.sync(&town);
    town.merge();
    onni.sync(&town);
    onni.edit(&town.dice, doc, log);
    onni.sync(&town);
    town.merge();
    aino.sync(&town);
    assert_eq!(typed(&town, &mut aino, &mut form, 20), 0);
    let shown = aino.device.read(doc).expect("reads");
    assert_ne!(shown.version, form.version, "the form is on a branch");

    // Out of the cache: as the form has it, and as it stands.
    aino.device.store().forget_loaded();
    assert_eq!(typed(&town, &mut aino, &mut form, 20), 2);
}
