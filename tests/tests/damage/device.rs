//! Bits flipped in a device's store and in its log.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use rusqlite::Connection;
use sopu_core::device::DeviceError;
use sopu_core::device::salvage::{Salvaged, salvage};
use sopu_core::store::check::{self, Damage};
use sopu_core::store::list::Row;
use sopu_server::relay::Relay;
use sopu_tests::storm::dice::Dice;

use crate::scene::{DOCS, Scene, Truth, query, settle};
use crate::tables::{columns, differing, flip_value};
use crate::{Found, env, flips, number};

/// Columns that may be other than before without anybody noticing.
const UNNOTICED: [&str; 42] = [
    // Times and sizes.
    "change.made_ms",
    "change.recorded_ms",
    "document.created_ms",
    "document.last_seq",
    "document.tail_bytes",
    "document.tail_changes",
    "document.updated_ms",
    "envelope.received_ms",
    "envelope.sealed_ms",
    // Of an envelope that is settled.
    "envelope.own",
    // The relay's own tag, which it checks; a snapshot that does not fit is not used.
    "envelope.accept",
    "snapshot.doc",
    "snapshot.heads",
    "snapshot.upto",
    // What the relay tells again: a roster with its next change, a space with the next page.
    "roster.device",
    "roster.member",
    "roster.name",
    "roster.office",
    "roster.role",
    "roster.space",
    "space.generation",
    "space.name",
    "space.role",
    "space.roster",
    "space.tag",
    "space.until_ms",
    // Who this is, and when the relay was last met. A relay that does not know the device any more, or that
    // the device does not know, asks it to enrol again; its work stays.
    "meta.value of contact_ms",
    "meta.value of device",
    "meta.value of epoch",
    "meta.value of latest_ms",
    "meta.value of lease_days",
    "meta.value of member",
    "meta.value of member_name",
    "meta.value of offset_ms",
    "meta.value of org",
    "meta.value of org_name",
    "meta.value of relay",
    "meta.value of relay_key",
    "meta.value of status_seen",
    "meta.value of token",
    "meta.value of told",
    "meta.value of view_generation",
];

/// A small fact that goes by another name is one that is not there, and is asked for anew.
fn is_unnoticed(column: &str) -> bool {
    UNNOTICED.contains(&column) || column.starts_with("meta.key of ") || column == "meta: a row"
}

/// Whether pages as such are whole: what holds documents together, beside what is in them.
fn pages_are_whole(damages: &[Damage]) -> bool {
    !damages
        .iter()
        .any(|damage| matches!(damage, Damage::File(_)))
}

/// Opens, reads everything, checks. Panics at a wrong value shown as right, at a change that nobody noticed
/// and that is not known, and where more is unreadable than what was hit.
fn look(scene: &Scene, folder: &Path, place: &str) -> Found {
    let truth = &scene.truth;
    let device = match scene.open(folder) {
        Ok(device) => device,
        Err(DeviceError::Store(error)) if error.is_damage() => return Found::Opening,
        Err(other) => panic!("{place}: an error of another kind: {other:?}"),
    };
    if device.identity().is_err() {
        // It does not know who it is, and is to be enrolled again.
        return Found::Bookkeeping;
    }
    let damages = check::check(device.store().conn()).expect("says what is damaged");
    let whole = damages.is_empty();
    let mut unreadable = 0;
    for (doc, (version, value)) in &truth.docs {
        match device.read(*doc) {
            Ok(opened) => {
                assert_eq!(&opened.value, value, "{place}: another value is shown");
                assert_eq!(&opened.version, version, "{place}: another version");
            }
            Err(_) => unreadable += 1,
        }
    }
    let listed = device.list(&query());
    if let Ok(page) = &listed {
        for row in &page.rows {
            let Some(known) = truth.rows.get(&row.doc) else {
                assert!(!whole, "{place}: a document out of nowhere");
                continue;
            };
            let shown = |row: &Row| {
                let Row {
                    title,
                    subject,
                    status,
                    date,
                    ..
                } = row.clone();
                (title, subject, status, date)
            };
            let empty = row.title.is_empty() && row.status.is_none();
            assert!(
                shown(row) == shown(known) || (empty && !whole),
                "{place}: a list shows {row:?} for {known:?}"
            );
        }
        if whole {
            assert_eq!(
                page.rows.len(),
                truth.rows.len(),
                "{place}: a row is hidden"
            );
        }
    }
    if unreadable > 0 || listed.is_err() {
        assert!(!whole, "{place}: what cannot be read is named by check");
        assert!(
            unreadable <= 1 || !pages_are_whole(&damages),
            "{place}: {unreadable} documents cannot be read, and pages are whole: {damages:?}"
        );
        return Found::Reading;
    }
    if !whole {
        return Found::Checking;
    }
    let now = Truth::of(&device).expect("reads");
    assert_eq!(now.docs, truth.docs, "{place}");
    assert_eq!(now.backlog, truth.backlog, "{place}: unsent work is hidden");
    assert_eq!(now.drafts, truth.drafts, "{place}");
    assert_eq!(now.spaces, truth.spaces, "{place}");
    let differ = differing(&truth.tables, &now.tables);
    if differ.is_empty() {
        return Found::Harmless;
    }
    if differ.contains("meta.value of instance") {
        // It takes itself for a copy, and heals as one.
        return Found::Opening;
    }
    let known = differ.iter().all(|column| is_unnoticed(column));
    assert!(
        known,
        "{place}: nobody noticed that these differ: {differ:?}"
    );
    Found::Bookkeeping
}

/// Salvages, syncs with a copy of the relay, and compares with what was written.
fn mend(scene: &Scene, folder: &Path, place: &str) -> Salvaged {
    let relay = Relay::open(folder.join("relay"), env()).expect("opens");
    let phone = folder.join("phone");
    let (store, instance) = (phone.join("store.db"), phone.join("no-backup"));
    let (mut device, salvaged) = salvage(&store, &instance, scene.key(), env()).expect("salvages");
    if !salvaged.identity {
        return salvaged;
    }
    settle(&mut device, &relay);
    settle(&mut device, &relay);
    let damages = check::check(device.store().conn()).expect("checks");
    assert_eq!(damages, [], "{place}: the mended store is whole");
    let all = salvaged.unsent >= scene.unsent();
    for (doc, marks) in &scene.marks {
        let opened = device.read(*doc).expect("the relay brought it");
        let text = opened.value["summary"].as_str().expect("a text").to_owned();
        for (mark, there) in marks {
            let count = text.split(' ').filter(|word| word == mark).count();
            let least = usize::from(*there || all);
            assert!(
                (least..=1).contains(&count),
                "{place}: {mark} {count} times after {salvaged:?}"
            );
        }
        let record = relay.record();
        let merged = record.store().document(*doc).expect("in the record");
        assert_eq!(merged.heads, opened.version, "{place}: all converge");
    }
    salvaged
}

/// What a salvage finds by itself, with no relay to bring anything. Damage to a page that holds others together, in the
/// file or in the log, can cost every document here; the test holds how seldom that is.
fn salvage_alone(scene: &Scene, folder: &Path, place: &str) -> Salvaged {
    let phone = folder.join("phone");
    let (store, instance) = (phone.join("store.db"), phone.join("no-backup"));
    let (device, salvaged) = salvage(&store, &instance, scene.key(), env()).expect("salvages");
    let readable = scene
        .truth
        .docs
        .keys()
        .filter(|doc| device.read(**doc).is_ok());
    assert_eq!(readable.count(), salvaged.documents as usize, "{place}");
    salvaged
}

#[test]
fn a_flipped_byte_in_a_device_is_found_or_harmless_and_the_relay_makes_it_whole() {
    let scene = Scene::new();
    let dice = Dice::new(number("SOPU_DAMAGE_SEED", 1));
    let count = usize::try_from(number("SOPU_DAMAGE_FLIPS", 240)).expect("fits");
    let good = scene.copy("good");
    assert_eq!(look(&scene, &good, "undamaged"), Found::Harmless);
    let untouched = mend(&scene, &scene.copy("mended"), "undamaged");
    assert_eq!((untouched.damaged, untouched.unsent), (0, scene.unsent()));

    let left = scene.dir.path().join("left/phone");
    let files = [left.join("store.db"), left.join("store.db-wal")];
    let mut found: BTreeMap<Found, usize> = BTreeMap::new();
    let (mut alone, mut mended): (Vec<Salvaged>, Vec<Salvaged>) = Default::default();
    for (n, flip) in flips(&dice, &files, count).into_iter().enumerate() {
        let place = flip.to_string();
        let flipped = || {
            let folder = scene.copy("flipped");
            flip.make(&folder.join("phone"));
            folder
        };
        let folder = flipped();
        let seen = catch_unwind(AssertUnwindSafe(|| look(&scene, &folder, &place)));
        let seen = seen.unwrap_or_else(|_| panic!("{place}"));
        *found.entry(seen).or_default() += 1;
        if seen == Found::Opening && n % 4 == 0 {
            alone.push(salvage_alone(&scene, &flipped(), &place));
        }
        if seen < Found::Bookkeeping && n % 8 == 0 {
            mended.push(mend(&scene, &flipped(), &place));
        }
    }
    let with_all = |s: &&Salvaged| s.unsent >= scene.unsent();
    let whole = mended.iter().filter(with_all).count();
    let known = mended.iter().filter(|s| s.identity).count();
    let others = |s: &&Salvaged| s.documents as usize + 1 >= DOCS;
    let rest = alone.iter().filter(others).count();
    eprintln!(
        "{count} flips: {found:?}; of {} that could not be opened {rest} gave all other documents; {} mended, \
         {whole} of them with all unsent work, {known} knew who they were",
        alone.len(),
        mended.len(),
    );
    assert!(mended.len() * 32 > count, "{} mended", mended.len());
    assert!(
        whole * 4 >= mended.len() * 3,
        "most damage costs no unsent work"
    );
    assert!(known * 4 >= mended.len() * 3, "few forget who they are");
    assert!(
        rest * 5 >= alone.len() * 4,
        "few are lost to more than a document"
    );
    for kind in [Found::Opening, Found::Checking, Found::Harmless] {
        let times = found.get(&kind).copied().unwrap_or(0);
        assert!(times > 0 && times < count, "{kind:?}: {found:?}");
    }
}

#[test]
fn every_column_of_a_store_is_compared_or_known_not_to_be() {
    let scene = Scene::new();
    let left = scene.copy("left-alone").join("phone/store.db");
    let all = columns(&Connection::open(left).expect("opens"));
    let mut unnoticed = BTreeSet::new();
    for of in all.iter().filter(|of| !of.indexed) {
        let folder = scene.copy("flipped");
        let db = Connection::open(folder.join("phone/store.db")).expect("opens");
        let flipped = flip_value(&db, of);
        drop(db);
        if !flipped {
            continue;
        }
        let name = of.to_string();
        let seen = catch_unwind(AssertUnwindSafe(|| look(&scene, &folder, &name)));
        match seen {
            // Harmless: opening has made it again.
            Ok(_) => {}
            Err(_) => drop(unnoticed.insert(name)),
        }
    }
    assert!(unnoticed.is_empty(), "nobody compares {unnoticed:?}");
}

#[test]
fn an_envelope_of_the_feed_whose_signature_is_damaged_is_brought_again() {
    let scene = Scene::new();
    let folder = scene.copy("flipped");
    let db = Connection::open(folder.join("phone/store.db")).expect("opens");
    let signature = columns(&db)
        .into_iter()
        .find(|of| of.to_string() == "envelope.signature");
    assert!(flip_value(&db, &signature.expect("a column")));
    drop(db);
    assert_eq!(look(&scene, &folder, "signature"), Found::Checking);
    let salvaged = mend(&scene, &folder, "signature");
    assert_eq!((salvaged.damaged, salvaged.unsent), (0, scene.unsent()));
}
