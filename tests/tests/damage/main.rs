//! One flipped byte anywhere in a file: it is detected (on opening, on reading, or by `check`) or
//! nothing that was written is other than before; the rest stays readable; a wrong value is never
//! shown as right; nothing panics; and the relay makes the device whole again. `SOPU_DAMAGE_FLIPS`
//! sets how many bytes are flipped, `SOPU_DAMAGE_SEED` which.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::Connection;
use serde_json::{Value, json};
use sopu_core::device::salvage::{Salvaged, salvage};
use sopu_core::device::{Device, DeviceError};
use sopu_core::documents::Kind;
use sopu_core::id::{DocId, MemberId, SpaceId, Version};
use sopu_core::store::list::{Query, Row};
use sopu_core::store::outbox::Progress;
use sopu_core::store::{check, draft, space};
use sopu_core::time::{Env, SystemEnv};
use sopu_server::access::people::{self, NewMember, Party, Window};
use sopu_server::access::{invites, roles::Role};
use sopu_server::relay::{DATABASE, Relay};
use sopu_tests::storm::dice::Dice;
use sopu_tests::storm::line::Line;
use sopu_tests::{Phone, World};

const DOCS: usize = 14;

fn number(name: &str, otherwise: u64) -> u64 {
    let given = std::env::var(name).ok();
    given.and_then(|n| n.parse().ok()).unwrap_or(otherwise)
}

fn env() -> Arc<dyn Env> {
    Arc::new(SystemEnv)
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("reads").flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("copies");
        }
    }
}

/// A phone and a relay as two killed processes left them: with logs beside their files.
struct Scene {
    dir: tempfile::TempDir,
    key: [u8; 32],
    truth: Truth,
    /// By document, its marks, and whether each had reached the relay.
    marks: BTreeMap<DocId, Vec<(String, bool)>>,
}

/// What an undamaged store says.
#[derive(Debug, PartialEq)]
struct Truth {
    docs: BTreeMap<DocId, (Version, Value)>,
    rows: BTreeMap<DocId, Row>,
    backlog: Progress,
    spaces: Vec<(SpaceId, u64)>,
    drafts: usize,
    tables: BTreeMap<String, BTreeSet<String>>,
}

/// Every row of every table that is no index, nor of what looking itself leaves.
fn dump(db: &Connection) -> rusqlite::Result<BTreeMap<String, BTreeSet<String>>> {
    let mut names = db.prepare(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'read_mark' AND name NOT LIKE 'search%'
         AND name NOT LIKE 'sqlite%'",
    )?;
    let names: Vec<String> = names
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let mut tables = BTreeMap::new();
    for name in names {
        let mut statement = db.prepare(&format!("SELECT * FROM \"{name}\""))?;
        let columns = statement.column_count();
        let mut rows = statement.query([])?;
        let mut all = BTreeSet::new();
        while let Some(row) = rows.next()? {
            let mut text = String::new();
            for column in 0..columns {
                text.push_str(&format!("{:?}|", row.get_ref(column)?));
            }
            all.insert(text);
        }
        tables.insert(name, all);
    }
    Ok(tables)
}

fn sync(device: &mut Device, relay: &Relay) -> Result<(), DeviceError> {
    let id = device.identity()?.device;
    device.sync(&Line::new(Some(relay), None, id)).map(|_| ())
}

fn settle(device: &mut Device, relay: &Relay) {
    for _ in 0..20 {
        sync(device, relay).expect("syncs");
        relay.merge_all().expect("merges");
        if device.backlog().expect("reads") == Progress::default() {
            sync(device, relay).expect("syncs");
            return;
        }
    }
    panic!("never drains: {:?}", device.backlog());
}

fn write(device: &mut Device, doc: DocId, mark: &str) {
    let opened = device.read(doc).expect("reads");
    let mut value = opened.value;
    let text = value["summary"].as_str().unwrap_or_default();
    value["summary"] = json!(format!("{text} {mark}"));
    device.save(doc, &opened.version, &value).expect("saves");
}

fn query() -> Query {
    Query {
        limit: 100,
        ..Query::default()
    }
}

impl Scene {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let live = dir.path().join("live");
        let relay = Relay::open(live.join("relay"), env()).expect("opens");
        let mut db = Connection::open(live.join("relay").join(DATABASE)).expect("opens");
        let org = people::add_org(&db, &SystemEnv, "Hoiva Oy", None).expect("an organisation");
        let space = people::add_space(&db, &SystemEnv, org, "Mäkelä").expect("a space");
        let new = NewMember {
            org,
            name: "Maria",
            login: None,
            password: None,
            admin: false,
        };
        let member = people::add_member(&db, &SystemEnv, &new).expect("a member");
        let window = Window {
            from_ms: 0,
            until_ms: None,
        };
        let party = Party::Member(member);
        people::grant(&mut db, space, party, Role::Field, window, 1).expect("granted");

        let folder = live.join("phone");
        std::fs::create_dir_all(&folder).expect("a folder");
        let key = Device::new_key(&SystemEnv);
        let store = folder.join("store.db");
        let mut device =
            Device::open(&store, &folder.join("no-backup"), key, env()).expect("opens");
        let code = invites::create(&db, &SystemEnv, member, None, invites::LIFE_MS);
        let line = Line::new(
            Some(&relay),
            None,
            sopu_core::id::DeviceId(uuid::Uuid::nil()),
        );
        device
            .enrol(&line, &code.expect("a code"), "puhelin")
            .expect("enrols");
        settle(&mut device, &relay);

        let mut marks: BTreeMap<DocId, Vec<(String, bool)>> = BTreeMap::new();
        let mut docs = Vec::new();
        let long = "Asiakas voi hyvin, kävimme ulkona ja joimme kahvit. ".repeat(12);
        for n in 0..DOCS {
            let value = json!({
                "summary": format!("Käynti {n}. {long}"), "status": "done", "km": "12.5",
                "tags": ["alku", format!("tunniste {n}")],
            });
            let (doc, _) = device
                .create(space, Kind::VisitNote, &value)
                .expect("creates");
            docs.push(doc);
            for m in 0..4 {
                let mark = format!("m{n}x{m}");
                write(&mut device, doc, &mark);
                marks.entry(doc).or_default().push((mark, true));
            }
        }
        settle(&mut device, &relay);
        for name in [DATABASE, sopu_server::relay::RECORD] {
            let db = Connection::open(live.join("relay").join(name)).expect("opens");
            db.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")
                .expect("into the file");
        }
        // One is long enough for a snapshot.
        for m in 0..70 {
            let mark = format!("pitkä{m}");
            write(&mut device, docs[0], &mark);
            marks.entry(docs[0]).or_default().push((mark, true));
        }
        settle(&mut device, &relay);
        {
            let db = Connection::open(&store).expect("opens");
            db.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")
                .expect("into the file");
        }
        // What only the phone has: sealed, and sealed by nobody yet.
        for doc in docs.iter().skip(2).step_by(3) {
            let mark = format!("sinetöity{}", marks[doc].len());
            write(&mut device, *doc, &mark);
            marks.entry(*doc).or_default().push((mark, false));
        }
        device.next_request(0).expect("seals");
        for doc in docs.iter().skip(1).step_by(2) {
            let mark = format!("vain tässä{}", marks[doc].len());
            write(&mut device, *doc, &mark);
            marks.entry(*doc).or_default().push((mark, false));
        }
        let truth = Truth::of(&device).expect("reads");
        assert!(truth.backlog.unsealed > 0 && truth.backlog.sealed > 0);
        copy(&live, &dir.path().join("left"));
        Self {
            dir,
            key,
            truth,
            marks,
        }
    }

    /// A fresh copy of what the killed processes left.
    fn copy(&self, name: &str) -> PathBuf {
        let to = self.dir.path().join(name);
        let _ = std::fs::remove_dir_all(&to);
        copy(&self.dir.path().join("left"), &to);
        to
    }

    fn open(&self, folder: &Path) -> Result<Device, DeviceError> {
        let phone = folder.join("phone");
        let (store, instance) = (phone.join("store.db"), phone.join("no-backup"));
        Device::open(&store, &instance, self.key, env())
    }

    fn unsent(&self) -> u32 {
        let all = self.marks.values().flatten();
        u32::try_from(all.filter(|(_, there)| !there).count()).expect("few")
    }
}

impl Truth {
    fn of(device: &Device) -> Result<Self, DeviceError> {
        let rows = device.list(&query())?.rows;
        let mut docs = BTreeMap::new();
        for row in &rows {
            let opened = device.read(row.doc)?;
            docs.insert(row.doc, (opened.version, opened.value));
        }
        let cursor = |space: sopu_core::store::space::Space| {
            (space.id, space.cursor.map_or(0, |cursor| cursor.seq))
        };
        Ok(Self {
            docs,
            rows: rows.into_iter().map(|row| (row.doc, row)).collect(),
            backlog: device.backlog()?,
            spaces: device.spaces()?.into_iter().map(cursor).collect(),
            drafts: sopu_core::store::draft::drafts(device.store().conn())?.len(),
            tables: dump(device.store().conn()).expect("reads"),
        })
    }
}

/// How a flip came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Found {
    Opening,
    Reading,
    Checking,
    /// Something beside content: names, times.
    Other,
    Harmless,
}

/// Opens, reads everything, checks. Panics at a wrong value shown as right.
fn look(scene: &Scene, folder: &Path, place: &str) -> Found {
    let truth = &scene.truth;
    let device = match scene.open(folder) {
        Ok(device) => device,
        Err(DeviceError::Store(error)) if error.is_damage() => return Found::Opening,
        Err(other) => panic!("{place}: an error of another kind: {other:?}"),
    };
    let mut reading = false;
    let damages = check::check(device.store().conn()).expect("says what is damaged");
    let whole = damages.is_empty();
    let mut there = BTreeSet::new();
    for (doc, (version, value)) in &truth.docs {
        match device.read(*doc) {
            Ok(opened) => {
                there.insert(*doc);
                assert_eq!(&opened.value, value, "{place}: another value is shown");
                assert_eq!(&opened.version, version, "{place}: another version");
            }
            Err(_) => reading = true,
        }
    }
    match device.list(&query()) {
        Ok(page) => {
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
        Err(_) => reading = true,
    }
    if reading {
        assert!(!whole, "{place}: what cannot be read is named by check");
        return Found::Reading;
    }
    if !whole {
        return Found::Checking;
    }
    assert_eq!(
        there.len(),
        truth.docs.len(),
        "{place}: a document is hidden"
    );
    let now = Truth::of(&device).expect("reads");
    assert_eq!(now.docs, truth.docs, "{place}");
    assert_eq!(now.backlog, truth.backlog, "{place}: unsent work is hidden");
    assert_eq!(now.drafts, truth.drafts, "{place}");
    let differ = |(name, rows): &(&String, &BTreeSet<String>)| now.tables.get(*name) != Some(*rows);
    let other: Vec<&String> = truth
        .tables
        .iter()
        .filter(differ)
        .map(|(name, _)| name)
        .collect();
    if other.is_empty() {
        return Found::Harmless;
    }
    eprintln!("{place}: {other:?}");
    Found::Other
}

/// Salvages, syncs with a copy of the relay, and compares with what was written.
fn mend(scene: &Scene, folder: &Path, place: &str) -> Salvaged {
    let relay = Relay::open(folder.join("relay"), env()).expect("opens");
    let phone = folder.join("phone");
    let (store, instance) = (phone.join("store.db"), phone.join("no-backup"));
    let (mut device, salvaged) = salvage(&store, &instance, scene.key, env()).expect("salvages");
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
        let words: Vec<&str> = text.split(' ').collect();
        for (mark, there) in marks {
            let count = text.matches(&format!(" {mark}")).count();
            let count = count.min(words.len());
            if *there || all {
                assert!(count >= 1, "{place}: {mark} is missing after {salvaged:?}");
            }
        }
        let record = relay.record();
        let merged = record.store().document(*doc).expect("in the record");
        assert_eq!(merged.heads, opened.version, "{place}: all converge");
    }
    salvaged
}

fn flip(file: &Path, at: usize, bit: u8) {
    let mut bytes = std::fs::read(file).expect("reads");
    bytes[at] ^= 1 << bit;
    std::fs::write(file, bytes).expect("writes");
}

/// Where to flip: each file's share, spread over its pages, the rest by chance.
fn positions(dice: &Dice, files: &[PathBuf], flips: usize) -> Vec<(PathBuf, usize, u8)> {
    let mut chosen = Vec::new();
    for file in files {
        let share = flips / files.len();
        let size = usize::try_from(std::fs::metadata(file).expect("there").len()).expect("fits");
        let pages = size.div_ceil(4_096);
        let step = (pages / share.max(1)).max(1);
        for n in 0..share {
            let page = n * step;
            let at = if page < pages {
                page * 4_096 + dice.below((size - page * 4_096).min(4_096))
            } else {
                dice.below(size)
            };
            let bit = u8::try_from(dice.below(8)).expect("small");
            chosen.push((file.clone(), at, bit));
        }
    }
    chosen
}

#[test]
fn a_flipped_byte_in_a_device_is_found_or_harmless_and_the_relay_makes_it_whole() {
    let scene = Scene::new();
    let dice = Dice::new(number("SOPU_DAMAGE_SEED", 1));
    let flips = usize::try_from(number("SOPU_DAMAGE_FLIPS", 240)).expect("fits");
    let good = scene.copy("good");
    assert_eq!(look(&scene, &good, "undamaged"), Found::Harmless);
    let untouched = mend(&scene, &scene.copy("mended"), "undamaged");
    assert_eq!((untouched.damaged, untouched.unsent), (0, scene.unsent()));

    let left = scene.dir.path().join("left/phone");
    let files = [left.join("store.db"), left.join("store.db-wal")];
    let (mut found, mut mended): (BTreeMap<Found, usize>, Vec<Salvaged>) = Default::default();
    for (n, (file, at, bit)) in positions(&dice, &files, flips).into_iter().enumerate() {
        let name = file.file_name().expect("a name").to_owned();
        let place = format!("{} byte {at} bit {bit}", name.to_string_lossy());
        let folder = scene.copy("flipped");
        flip(&folder.join("phone").join(&name), at, bit);
        let seen = catch_unwind(AssertUnwindSafe(|| look(&scene, &folder, &place)));
        let seen = seen.unwrap_or_else(|_| panic!("{place}"));
        *found.entry(seen).or_default() += 1;
        if seen < Found::Other && n % 8 == 0 {
            let folder = scene.copy("flipped");
            flip(&folder.join("phone").join(&name), at, bit);
            mended.push(mend(&scene, &folder, &place));
        }
    }
    let whole = mended.iter().filter(|s| s.unsent >= scene.unsent()).count();
    eprintln!(
        "{flips} flips: {found:?}; {} mended, {whole} of them with all unsent work, {} knew who they were",
        mended.len(),
        mended.iter().filter(|s| s.identity).count(),
    );
    assert!(found.get(&Found::Harmless).copied().unwrap_or(0) < flips);
    assert!(whole * 2 > mended.len(), "most damage costs no unsent work");
}

/// A phone with unsent notes: sealed while the relay was away, and not sealed yet; of each the first one is
/// damaged.
struct Damaged {
    world: World,
    space: SpaceId,
    member: MemberId,
    phone: Phone,
    sealed: [DocId; 2],
    unsealed: [DocId; 2],
}

impl Damaged {
    fn new() -> Self {
        let mut world = World::new();
        let space = world.space("Koivula");
        let member = world.member("Aino", Role::Owner, &[space]);
        let mut phone = world.phone("aino", member);
        phone.sync(&world);
        let line = world.transport();
        world.stop();
        let note = |phone: &mut Phone, text: &str| phone.note(space, json!({"summary": text}));
        let sealed = [note(&mut phone, "yksi"), note(&mut phone, "kaksi")];
        assert!(phone.device().sync(&line).is_err());
        let unsealed = [note(&mut phone, "kolme"), note(&mut phone, "neljä")];
        phone.close();
        let db = Connection::open(phone.store_file()).expect("opens");
        for doc in [sealed[0], unsealed[0]] {
            let n = "(SELECT n FROM document WHERE id = ?1)";
            let damage = format!("UPDATE change SET bytes = x'00' WHERE doc = {n}");
            assert_eq!(db.execute(&damage, [doc]).expect("damages"), 1);
        }
        let damage = "UPDATE envelope SET run = x'00' WHERE doc = ?1";
        assert_eq!(db.execute(damage, [sealed[0]]).expect("damages"), 1);
        drop(db);
        world.start();
        phone.open();
        Self {
            world,
            space,
            member,
            phone,
            sealed,
            unsealed,
        }
    }

    /// Whether the relay has the notes, in the record or for the office to look at.
    fn arrived(&self) -> [bool; 4] {
        self.world.settle();
        let kept = self.world.relay().quarantine(10).expect("reads");
        let record = self.world.relay().record();
        [self.sealed, self.unsealed]
            .as_flattened()
            .iter()
            .map(|doc| {
                record.store().document(*doc).is_ok() || kept.iter().any(|row| row.doc == *doc)
            })
            .collect::<Vec<_>>()
            .try_into()
            .expect("four")
    }
}

#[test]
fn a_damaged_document_with_unsent_work_delays_no_other() {
    let mut scene = Damaged::new();
    for _ in 0..3 {
        let report = scene.phone.sync(&scene.world);
        // A few while the relay is still merging; a damaged document must not make it ask for ever.
        assert!(report.requests < 12, "{report:?}");
        scene.world.settle();
    }
    let record = scene.world.relay().record();
    let there = |doc| record.store().document(doc).is_ok();
    assert_eq!(scene.sealed.map(there), [false, true]);
    assert_eq!(scene.unsealed.map(there), [false, true]);
    let marks = draft::quarantined(scene.phone.device().store().conn()).expect("reads");
    let marks: Vec<_> = marks.iter().map(|mark| (mark.doc, &*mark.reason)).collect();
    assert_eq!(marks, [(scene.unsealed[0], "damaged_here")]);
}

#[test]
fn damaged_work_does_not_keep_a_cut_off_device_from_being_wiped() {
    let mut scene = Damaged::new();
    let device = scene.phone.device().identity().expect("enrolled").device;
    scene.world.relay().revoke(device).expect("revokes");
    let report = scene.phone.sync(&scene.world);
    assert_eq!((report.wiped, report.left_out), (true, 2), "{report:?}");
    assert_eq!(scene.arrived(), [false, true, false, true]);
}

#[test]
fn damaged_work_does_not_keep_a_space_that_was_left() {
    let mut scene = Damaged::new();
    let (space, member) = (scene.space, scene.member);
    let now_ms = scene.world.clock.now_ms();
    scene.world.admin(|db| {
        assert!(people::revoke(db, space, Party::Member(member), now_ms).expect("revokes"));
    });
    let mut left_out = 0;
    for _ in 0..3 {
        left_out += scene.phone.sync(&scene.world).left_out;
        scene.world.settle();
    }
    let store = scene.phone.device().store();
    assert_eq!(space::held(store.conn()).expect("reads"), []);
    assert_eq!(left_out, 2);
    assert_eq!(scene.arrived(), [false, true, false, true]);
}

/// What the relay holds, as a device sees it that comes new: its documents, or why it gets none.
fn relay_says(scene: &Scene, folder: &Path, place: &str) -> Found {
    let data = folder.join("relay");
    let checked = std::process::Command::new(env!("CARGO_BIN_EXE_outside_relay"))
        .env_clear()
        .arg("--data")
        .arg(&data)
        .arg("check")
        .output()
        .expect("runs");
    let whole = checked.status.success();
    let told = String::from_utf8_lossy(&checked.stdout) + String::from_utf8_lossy(&checked.stderr);
    assert!(!told.contains("panicked"), "{place}: {told}");
    if !whole {
        let named = ["relay.db", "record.db", "ledger"]
            .iter()
            .any(|name| told.contains(name));
        assert!(named, "{place}: damage is named: {told}");
    }
    let relay = match Relay::open(&data, env()) {
        Ok(relay) => relay,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return Found::Opening;
        }
    };
    let mut hidden = 0;
    for (doc, (version, value)) in &scene.truth.docs {
        let record = relay.record();
        let Ok(loaded) = record.store().document(*doc) else {
            hidden += 1;
            continue;
        };
        // The phone has more; what the record shows must be a part of it, read at that version.
        let device = scene.open(&scene.dir.path().join("good")).expect("opens");
        let mine = device.store().document(*doc).expect("reads");
        let there = sopu_core::read::read(&loaded.am, loaded.kind).value;
        let at_that = sopu_core::read::read_at(&mine.am, mine.kind, &loaded.heads).value;
        let older = loaded.heads != *version;
        assert!(
            there == at_that && (older || there == *value),
            "{place}: another value"
        );
    }
    // A device that synced before, and has unsent work, meets it.
    let mut device = scene.open(folder).expect("the phone is whole");
    let met = catch_unwind(AssertUnwindSafe(|| sync(&mut device, &relay)));
    let met = met.unwrap_or_else(|_| panic!("{place}: a sync panicked"));
    for (doc, (_, value)) in &scene.truth.docs {
        let opened = device.read(*doc).expect("reads");
        assert_eq!(
            &opened.value, value,
            "{place}: a damaged relay changed a device"
        );
    }
    match (whole, met.is_ok() && hidden == 0) {
        (true, true) => Found::Harmless,
        (false, true) => Found::Checking,
        (_, false) => {
            assert!(
                !whole,
                "{place}: {met:?}, {hidden} hidden, and check says whole"
            );
            Found::Reading
        }
    }
}

#[test]
fn a_flipped_byte_at_the_relay_is_named_and_changes_nothing_at_anybody() {
    let scene = Scene::new();
    scene.copy("good");
    let dice = Dice::new(number("SOPU_DAMAGE_SEED", 1) + 1);
    let flips = usize::try_from(number("SOPU_DAMAGE_RELAY_FLIPS", 60)).expect("fits");
    let left = scene.dir.path().join("left/relay");
    let names = [
        "relay.db",
        "relay.db-wal",
        "relay.db-flushed",
        "record.db",
        "record.db-wal",
        "ledger",
    ];
    let files = names.map(|name| left.join(name));
    let files: Vec<PathBuf> = files.into_iter().filter(|file| file.exists()).collect();
    let good = scene.copy("flipped");
    assert_eq!(relay_says(&scene, &good, "undamaged"), Found::Harmless);
    let mut found: BTreeMap<(String, Found), usize> = BTreeMap::new();
    for (file, at, bit) in positions(&dice, &files, flips) {
        let name = file
            .file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        let place = format!("{name} byte {at} bit {bit}");
        let folder = scene.copy("flipped");
        flip(&folder.join("relay").join(&name), at, bit);
        let seen = relay_says(&scene, &folder, &place);
        *found.entry((name, seen)).or_default() += 1;
    }
    eprintln!("{flips} flips: {found:?}");
}
