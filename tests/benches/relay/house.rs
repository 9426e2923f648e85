//! A relay in this process, without a socket and without its merge worker, so that what a request
//! costs and what merging costs can be told apart. Requests go through the real handlers.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, header};
use rusqlite::Connection;
use serde_json::json;
use sopu_core::compress::decompress;
use sopu_core::device::Device;
use sopu_core::documents::Kind;
use sopu_core::id::{DocId, MemberId, OrgId, SpaceId};
use sopu_core::store::StoreKey;
use sopu_core::time::{Env, SystemEnv};
use sopu_core::transport::{Post, Reply, Transport, TransportError};
use sopu_core::wire::{SyncResponse, Verdict};
use sopu_server::access::people::{self, NewMember, Party, Window};
use sopu_server::access::{invites, roles::Role};
use sopu_server::api::State;
use sopu_server::app::app;
use sopu_server::data::Data;
use sopu_server::relay::{DATABASE, Relay};
use sopu_server::store::schema;
use sopu_tests::load::fleet::memory_folder;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tower::ServiceExt;

/// Bytes of a response.
const MOST: usize = 64 * 1024 * 1024;

pub struct House {
    pub relay: Arc<Relay>,
    pub data: PathBuf,
    org: OrgId,
    db: Mutex<Connection>,
    app: Router,
    runtime: Runtime,
    phones: TempDir,
    _closing: watch::Sender<bool>,
}

impl House {
    /// With its data in `folder`.
    pub fn new(folder: &Path) -> Self {
        Self::with(folder, None)
    }

    /// With its data in `folder`, encrypted if there is a key.
    pub fn with(folder: &Path, key: Option<StoreKey>) -> Self {
        let data = folder.join("data");
        let keyed = Data::new(&data, key);
        let relay = Arc::new(Relay::open(keyed, Arc::new(SystemEnv)).expect("opens"));
        let db = schema::open_with(&data.join(DATABASE), key).expect("opens");
        db.execute_batch("PRAGMA synchronous = OFF; PRAGMA foreign_keys = ON;")
            .expect("set");
        let org = people::add_org(&db, &SystemEnv, "Hoiva Oy", None).expect("added");
        let (close, closing) = watch::channel(false);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        Self {
            app: app(State::new(relay.clone(), closing), Router::new()),
            relay,
            data,
            org,
            db: Mutex::new(db),
            runtime: runtime.expect("a runtime"),
            phones: memory_folder().expect("a folder"),
            _closing: close,
        }
    }

    pub fn space(&self) -> SpaceId {
        let db = self.db.lock().expect("whole");
        people::add_space(&db, &SystemEnv, self.org, "Tiimi").expect("added")
    }

    pub fn member(&self, spaces: &[SpaceId]) -> MemberId {
        let mut db = self.db.lock().expect("whole");
        let new = NewMember {
            org: self.org,
            name: "Hoitaja",
            login: None,
            password: None,
            admin: false,
        };
        let member = people::add_member(&db, &SystemEnv, &new).expect("added");
        let window = Window {
            from_ms: 0,
            until_ms: None,
        };
        let now_ms = SystemEnv.now_ms();
        for space in spaces {
            let party = Party::Member(member);
            people::grant(&mut db, *space, party, Role::Field, window, now_ms).expect("granted");
        }
        member
    }

    /// An enrolled device that has synced once.
    pub fn device(&self, member: MemberId) -> Device {
        let code = {
            let db = self.db.lock().expect("whole");
            invites::create(&db, &SystemEnv, member, None, invites::LIFE_MS).expect("an invite")
        };
        let folder = tempfile::tempdir_in(&self.phones).expect("a folder").keep();
        let env = Arc::new(SystemEnv);
        let (store, key) = (folder.join("store.db"), Device::new_key(&SystemEnv));
        let mut device = Device::open(&store, &folder, key, env).expect("opens");
        device.enrol(self, &code, "puhelin").expect("enrols");
        device.sync(self).expect("syncs");
        device
    }

    /// Carries a request to the relay and gives the answer.
    pub fn carry(&self, post: &Post) -> Reply {
        let mut request = Request::post(post.path)
            .header(header::CONTENT_TYPE, "application/cbor")
            .header(header::CONTENT_LENGTH, post.body.len())
            .header(header::ACCEPT_ENCODING, "zstd");
        if let Some(token) = &post.token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        if let Some(encoding) = post.encoding {
            request = request.header(header::CONTENT_ENCODING, encoding);
        }
        let request = request.body(Body::from(post.body.clone())).expect("whole");
        self.runtime.block_on(async {
            let response = self.app.clone().oneshot(request).await.expect("answers");
            let encoding = response.headers().get(header::CONTENT_ENCODING);
            let encoding = encoding.and_then(|v| v.to_str().ok()).unwrap_or_default();
            Reply {
                status: response.status().as_u16(),
                encoding: encoding.to_owned(),
                body: to_bytes(response.into_body(), MOST)
                    .await
                    .expect("a body")
                    .to_vec(),
            }
        })
    }
}

impl Transport for House {
    fn post(&self, post: Post) -> Result<Reply, TransportError> {
        Ok(self.carry(&post))
    }
}

/// Takes requests and carries them nowhere.
#[derive(Default)]
struct Letters(Mutex<Vec<Post>>);

impl Transport for Letters {
    fn post(&self, post: Post) -> Result<Reply, TransportError> {
        self.0.lock().expect("whole").push(post);
        Err(TransportError::Unreachable)
    }
}

/// The request a device would make now.
pub fn letter(device: &mut Device) -> Post {
    let letters = Letters::default();
    let _ = device.sync(&letters);
    let mut letters = letters.0.into_inner().expect("whole");
    letters.pop().expect("one request")
}

/// How many envelopes an answer says are waiting: taken in for the first time.
pub fn taken(reply: &Reply) -> usize {
    let body = match reply.encoding.as_str() {
        "zstd" => decompress(&reply.body, MOST).expect("zstd"),
        _ => reply.body.clone(),
    };
    assert_eq!(reply.status, 200, "{}", String::from_utf8_lossy(&body));
    let response: SyncResponse = minicbor::decode(&body).expect("a response");
    let waiting = |verdict: &&Verdict| **verdict == Verdict::Waiting;
    response.answers.iter().filter(waiting).count()
}

/// A new note of so many changes: its text grows as somebody types and it is saved.
pub fn note(device: &mut Device, space: SpaceId, changes: usize) -> DocId {
    let value = json!({"summary": "Käynti", "status": "done"});
    let (doc, _) = device
        .create(space, Kind::VisitNote, &value)
        .expect("creates");
    type_on(device, doc, changes - 1);
    doc
}

/// So many more changes of a note, a few operations each.
pub fn correct(device: &mut Device, doc: DocId, changes: usize) {
    for step in 0..changes {
        let mut opened = device.read(doc).expect("reads");
        opened.value["summary"] = json!(format!("Käynti {step}"));
        device
            .save(doc, &opened.version, &opened.value)
            .expect("saves");
    }
}

/// So many more changes of a note.
fn type_on(device: &mut Device, doc: DocId, changes: usize) {
    for step in 0..changes {
        let mut opened = device.read(doc).expect("reads");
        let text = opened.value["summary"].as_str().unwrap_or_default();
        // Long enough to be a text, short enough never to meet a limit.
        let text: String = text
            .chars()
            .skip(usize::from(text.len() > 2_000) * 60)
            .collect();
        opened.value["summary"] = json!(format!("{text} Asiakas voi hyvin, lääkkeet {step}."));
        device
            .save(doc, &opened.version, &opened.value)
            .expect("saves");
    }
}
