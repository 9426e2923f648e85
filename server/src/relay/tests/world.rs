//! A relay in a temporary folder with an organisation, a space and people; a clock that is set by
//! hand; phones that seal by hand, so that they can also do what no honest device does.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use automerge::Automerge;
use ed25519_dalek::{Signer, SigningKey};
use rusqlite::Connection;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use sopu_core::documents::Kind;
use sopu_core::envelope::{Envelope, Epoch, actor_id, encode};
use sopu_core::id::{DeviceId, DocId, EnvelopeId, MemberId, OrgId, SpaceId};
use sopu_core::read::version;
use sopu_core::run::{Sealed, Sealing, seal};
use sopu_core::save::{SaveContext, save};
use sopu_core::store::StoreKey;
use sopu_core::time::Env;
use sopu_core::wire::{
    Cursor, Cursors, EnrolRequest, PROTOCOL, SyncRequest, SyncResponse, Verdict,
};

use crate::access::people::{self, NewMember, Party, Window};
use crate::access::{Role, invites};
use crate::data::Data;
use crate::relay::{DATABASE, RECORD, Relay};
use crate::store::schema;

/// 2026-11-22 12:00 UTC.
pub const START_MS: i64 = 1_795_348_800_000;
pub const DAY: i64 = 24 * 60 * 60 * 1_000;

/// A clock set by hand and bytes from a counter.
#[derive(Default)]
pub struct HandClock {
    ms: AtomicI64,
    drawn: AtomicU64,
}

impl HandClock {
    /// Time goes on.
    pub fn advance(&self, ms: i64) {
        self.ms.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Env for HandClock {
    fn now_ms(&self) -> i64 {
        self.ms.load(Ordering::SeqCst)
    }

    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(32) {
            let n = self.drawn.fetch_add(1, Ordering::SeqCst);
            let hash: [u8; 32] = Sha256::digest(n.to_be_bytes()).into();
            chunk.copy_from_slice(&hash[..chunk.len()]);
        }
    }
}

pub struct World {
    pub clock: Arc<HandClock>,
    /// Encrypted where the build can do it.
    pub folder: Data,
    pub relay: Relay,
    pub db: Connection,
    pub org: OrgId,
    pub space: SpaceId,
    _dir: tempfile::TempDir,
}

impl World {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let key = cfg!(feature = "sqlcipher").then(|| StoreKey::new([7; 32]));
        Self::with_key(dir, key)
    }

    /// Whose databases are encrypted with this key.
    pub fn with_key(dir: tempfile::TempDir, key: Option<StoreKey>) -> Self {
        let folder = Data::new(dir.path().join("data"), key);
        let clock = Arc::new(HandClock::default());
        clock.ms.store(START_MS, Ordering::SeqCst);
        let relay = Relay::open(&folder, clock.clone()).unwrap();
        let db = schema::open_with(&folder.database(), folder.key()).unwrap();
        let org = people::add_org(&db, &*clock, "Hoiva Oy", None).unwrap();
        let space = people::add_space(&db, &*clock, org, "Asiakas").unwrap();
        Self {
            clock,
            folder,
            relay,
            db,
            org,
            space,
            _dir: dir,
        }
    }

    pub fn later(&self, ms: i64) {
        self.clock.advance(ms);
    }

    pub fn now(&self) -> i64 {
        self.clock.now_ms()
    }

    pub fn person(&self) -> MemberId {
        let new = NewMember {
            org: self.org,
            name: "Maria",
            login: None,
            password: None,
            admin: false,
        };
        people::add_member(&self.db, &*self.clock, &new).unwrap()
    }

    pub fn member(&mut self, role: Role) -> MemberId {
        let member = self.person();
        self.grant(self.space, member, role, None);
        member
    }

    pub fn grant(&mut self, space: SpaceId, member: MemberId, role: Role, until_ms: Option<i64>) {
        let window = Window {
            from_ms: 0,
            until_ms,
        };
        let now = self.now();
        people::grant(
            &mut self.db,
            space,
            Party::Member(member),
            role,
            window,
            now,
        )
        .unwrap();
    }

    pub fn remove(&self, space: SpaceId, member: MemberId) {
        assert!(people::revoke(&self.db, space, Party::Member(member), self.now()).unwrap());
    }

    pub fn second_space(&self) -> SpaceId {
        people::add_space(&self.db, &*self.clock, self.org, "Toinen").unwrap()
    }

    pub fn invite(&self, member: MemberId) -> String {
        invites::create(&self.db, &*self.clock, member, None, DAY).unwrap()
    }

    pub fn enrol_request(&self, code: &str, key: &SigningKey) -> EnrolRequest {
        EnrolRequest {
            protocol: PROTOCOL,
            code: code.to_owned(),
            key: key.verifying_key().to_bytes(),
            signature: key.sign(&EnrolRequest::signed_bytes(code)).to_bytes(),
            name: "puhelin".to_owned(),
            instance: [1; 16],
            now_ms: self.now(),
        }
    }

    pub fn phone_of(&self, member: MemberId) -> Phone {
        let mut seed = [0; 32];
        self.clock.fill(&mut seed);
        let key = SigningKey::from_bytes(&seed);
        let code = self.invite(member);
        let enrolled = self.relay.enrol(&self.enrol_request(&code, &key)).unwrap();
        let mut epoch = [0; 8];
        self.clock.fill(&mut epoch);
        Phone {
            clock: self.clock.clone(),
            id: enrolled.device,
            member,
            token: enrolled.token,
            key,
            epoch: Cell::new(epoch),
            instance: [1; 16],
        }
    }

    pub fn phone(&mut self, role: Role) -> Phone {
        let member = self.member(role);
        self.phone_of(member)
    }

    pub fn push(&self, phone: &Phone, envelopes: &[&Envelope]) -> Vec<Verdict> {
        let push = envelopes.iter().map(|e| encode(*e).into()).collect();
        self.relay
            .sync(
                &phone.token,
                &SyncRequest {
                    push,
                    ..phone.request()
                },
            )
            .unwrap()
            .answers
    }

    /// Pushes one and merges; what became of it.
    pub fn feed(&self, phone: &Phone, sealed: &Sealed) -> Verdict {
        let answers = self.push(phone, &[&sealed.envelope]);
        self.relay.merge_all().unwrap();
        match &answers[..] {
            [Verdict::Waiting] => self.state(sealed.proof.id()),
            [other] => other.clone(),
            _ => panic!("one answer"),
        }
    }

    pub fn state(&self, id: EnvelopeId) -> Verdict {
        self.relay.state_of(id).unwrap().unwrap().into()
    }

    pub fn pull(&self, phone: &Phone, vector: &[Cursor]) -> SyncResponse {
        let cursors = Cursors::Vector(vector.to_vec());
        self.relay
            .sync(
                &phone.token,
                &SyncRequest {
                    cursors,
                    ..phone.request()
                },
            )
            .unwrap()
    }

    /// Everything there is for a phone, from nothing on: the pages in order.
    pub fn pull_all(&self, phone: &Phone) -> Vec<SyncResponse> {
        let mut vector: Vec<Cursor> = Vec::new();
        let mut all = Vec::new();
        loop {
            let response = self.pull(phone, &vector);
            step(&mut vector, &response);
            let more = response.more;
            all.push(response);
            if !more {
                return all;
            }
            assert!(all.len() < 100, "it ends");
        }
    }

    /// Everything that could differ after something was refused.
    pub fn fingerprint(&self) -> Vec<String> {
        let tables = [
            "envelope",
            "change",
            "missing",
            "retired",
            "document",
            "feed",
            "generation",
            "status_news",
            "invite",
        ];
        let count = |table: &&str| {
            let sql = format!("SELECT count(*) FROM {table}");
            let n: i64 = self.db.query_row(&sql, [], |row| row.get(0)).unwrap();
            format!("{table} {n}")
        };
        tables.iter().map(count).collect()
    }

    /// Stops, copies the database, goes on: what a nightly backup does.
    pub fn backup(self) -> Self {
        let Self {
            clock,
            folder,
            relay,
            db,
            org,
            space,
            _dir,
        } = self;
        drop((relay, db));
        let (from, to) = (folder.join(DATABASE), folder.with_file_name("backup.db"));
        std::fs::copy(from, to).unwrap();
        Self::start(clock, folder, org, space, _dir)
    }

    /// The database is lost and comes back from the backup; the ledger is the newest there is.
    pub fn restore(self) -> Self {
        self.bring_back(&[DATABASE, RECORD])
    }

    /// The same by hand: the merged record stays as it is.
    pub fn put_back(self) -> Self {
        self.bring_back(&[DATABASE])
    }

    fn bring_back(self, lost: &[&str]) -> Self {
        let Self {
            clock,
            folder,
            relay,
            db,
            org,
            space,
            _dir,
        } = self;
        drop((relay, db));
        for name in lost {
            for ending in ["", "-wal", "-shm"] {
                let _ = std::fs::remove_file(folder.join(format!("{name}{ending}")));
            }
        }
        std::fs::copy(folder.with_file_name("backup.db"), folder.join(DATABASE)).unwrap();
        Self::start(clock, folder, org, space, _dir)
    }

    fn start(
        clock: Arc<HandClock>,
        folder: Data,
        org: OrgId,
        space: SpaceId,
        _dir: tempfile::TempDir,
    ) -> Self {
        let relay = Relay::open(&folder, clock.clone()).unwrap();
        let db = schema::open_with(&folder.database(), folder.key()).unwrap();
        Self {
            clock,
            folder,
            relay,
            db,
            org,
            space,
            _dir,
        }
    }

    /// Stops; gives what keeps the folder there.
    pub fn close(self) -> tempfile::TempDir {
        let Self {
            relay, db, _dir, ..
        } = self;
        drop((relay, db));
        _dir
    }

    pub fn reopen(self) -> Self {
        let Self {
            clock,
            folder,
            relay,
            db,
            org,
            space,
            _dir,
        } = self;
        drop((relay, db));
        Self::start(clock, folder, org, space, _dir)
    }
}

/// Moves a vector as a device that applies every page.
pub fn step(vector: &mut Vec<Cursor>, response: &SyncResponse) {
    for news in response
        .spaces
        .iter()
        .filter(|news| news.standing.is_none())
    {
        vector.retain(|cursor| cursor.space != news.space);
    }
    for page in &response.pages {
        vector.retain(|cursor| cursor.space != page.to.space);
        vector.push(page.to.clone());
    }
    vector.sort_by_key(|cursor| cursor.space);
}

pub struct Phone {
    clock: Arc<HandClock>,
    pub id: DeviceId,
    pub member: MemberId,
    pub token: String,
    pub key: SigningKey,
    pub epoch: Cell<Epoch>,
    pub instance: [u8; 16],
}

impl Phone {
    pub fn request(&self) -> SyncRequest {
        SyncRequest {
            protocol: PROTOCOL,
            instance: self.instance,
            cursors: Cursors::Vector(Vec::new()),
            push: Vec::new(),
            wait_ms: 0,
            now_ms: self.clock.now_ms(),
            status_seen: 0,
            max_bytes: 0,
            done: Vec::new(),
            offers: Vec::new(),
            about: None,
            reads: None,
        }
    }

    /// A note of one tag, as a document of its own.
    pub fn note(&self, space: SpaceId, tag: &str) -> (Note, Sealed) {
        let mut note = Note::new(self, space, Kind::VisitNote);
        let sealed = note.write(self, json!({ "tags": [tag] }));
        (note, sealed)
    }

    pub fn sealing(&self, space: SpaceId, doc: DocId, kind: Kind) -> Sealing {
        Sealing {
            space,
            doc,
            kind,
            device: self.id,
            epoch: self.epoch.get(),
            replaces: Vec::new(),
            sealed_at_ms: self.clock.now_ms(),
            offset_ms: Some(0),
        }
    }

    pub fn new_epoch(&self) {
        let mut epoch = [0; 8];
        self.clock.fill(&mut epoch);
        self.epoch.set(epoch);
    }
}

/// A document on a phone.
#[derive(Clone)]
pub struct Note {
    pub id: DocId,
    pub space: SpaceId,
    pub kind: Kind,
    pub am: Automerge,
}

impl Note {
    pub fn new(phone: &Phone, space: SpaceId, kind: Kind) -> Self {
        let am = sopu_core::genesis::genesis(kind).document();
        Self {
            id: DocId::mint(&*phone.clock),
            space,
            kind,
            am,
        }
    }

    /// Saves this value over what is there and seals the change.
    pub fn write(&mut self, phone: &Phone, value: Value) -> Sealed {
        self.write_replacing(phone, value, Vec::new())
    }

    pub fn write_replacing(
        &mut self,
        phone: &Phone,
        value: Value,
        replaces: Vec<EnvelopeId>,
    ) -> Sealed {
        let before = self.am.get_heads();
        let actor = actor_id(&phone.key.verifying_key(), self.space, &phone.epoch.get());
        let ctx = SaveContext {
            actor,
            by: phone.member,
            at_ms: phone.clock.now_ms(),
            env: &*phone.clock,
        };
        let heads = version(&self.am);
        save(&mut self.am, self.kind, &heads, &value, &ctx).unwrap();
        let changes: Vec<Vec<u8>> = self
            .am
            .get_changes(&before)
            .iter()
            .map(|change| change.raw_bytes().to_vec())
            .collect();
        assert!(!changes.is_empty(), "it changed something");
        let sealing = Sealing {
            replaces,
            ..phone.sealing(self.space, self.id, self.kind)
        };
        seal(sealing, &changes, &phone.key).unwrap()
    }
}
