//! A device and a relay as two killed processes left them, and what is true of them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use serde_json::{Value, json};
use sopu_core::device::{Device, DeviceError};
use sopu_core::documents::Kind;
use sopu_core::id::{DocId, SpaceId, Version};
use sopu_core::store::draft;
use sopu_core::store::list::{Query, Row};
use sopu_core::store::outbox::Progress;
use sopu_core::time::SystemEnv;
use sopu_server::access::people::{self, NewMember, Party, Window};
use sopu_server::access::{invites, roles::Role};
use sopu_server::backup;
use sopu_server::relay::{DATABASE, RECORD, Relay};
use sopu_tests::storm::line::Line;

use crate::tables::{Tables, dump};
use crate::{copy, env};

/// Documents.
pub const DOCS: usize = 14;

/// A phone and a relay as two killed processes left them: with logs beside their files.
pub struct Scene {
    pub dir: tempfile::TempDir,
    key: [u8; 32],
    pub truth: Truth,
    /// By document, its marks, and whether each had reached the relay.
    pub marks: BTreeMap<DocId, Vec<(String, bool)>>,
}

/// What an undamaged store says.
#[derive(Debug)]
pub struct Truth {
    pub docs: BTreeMap<DocId, (Version, Value)>,
    pub rows: BTreeMap<DocId, Row>,
    pub backlog: Progress,
    pub spaces: Vec<(SpaceId, u64)>,
    pub drafts: usize,
    pub tables: Tables,
}

pub fn sync(device: &mut Device, relay: &Relay) -> Result<(), DeviceError> {
    let id = device.identity()?.device;
    device.sync(&Line::new(Some(relay), None, id)).map(|_| ())
}

pub fn settle(device: &mut Device, relay: &Relay) {
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

pub fn query() -> Query {
    Query {
        limit: 100,
        ..Query::default()
    }
}

impl Scene {
    pub fn new() -> Self {
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
        for name in [DATABASE, RECORD] {
            let db = Connection::open(live.join("relay").join(name)).expect("opens");
            db.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")
                .expect("into the file");
        }
        // Devices have to bring back what comes after it.
        let saved = dir.path().join("backup");
        backup::take(live.join("relay"), &saved, &SystemEnv, &mut |_, _| {}).expect("is taken");
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
            let mark = format!("täällä{}", marks[doc].len());
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
    pub fn copy(&self, name: &str) -> PathBuf {
        let to = self.dir.path().join(name);
        let _ = std::fs::remove_dir_all(&to);
        copy(&self.dir.path().join("left"), &to);
        to
    }

    pub fn open(&self, folder: &Path) -> Result<Device, DeviceError> {
        let phone = folder.join("phone");
        let (store, instance) = (phone.join("store.db"), phone.join("no-backup"));
        Device::open(&store, &instance, self.key, env())
    }

    /// Where the backup is.
    pub fn backup(&self) -> PathBuf {
        self.dir.path().join("backup")
    }

    pub fn key(&self) -> [u8; 32] {
        self.key
    }

    pub fn unsent(&self) -> u32 {
        let all = self.marks.values().flatten();
        u32::try_from(all.filter(|(_, there)| !there).count()).expect("few")
    }
}

impl Truth {
    pub fn of(device: &Device) -> Result<Self, DeviceError> {
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
            drafts: draft::drafts(device.store().conn())?.len(),
            tables: dump(device.store().conn()).expect("reads"),
        })
    }
}
