//! What storms brought to light, each as the shortest story that showed it: copies of a store,
//! wipes, late answers, and a relay that puts one envelope off.

#![expect(clippy::expect_used, reason = "a test")]

mod again;
mod delivery;
mod enrolled_again;
mod forms;
mod leaving;

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::json;
use sopu_core::device::documents::Opened;
use sopu_core::device::{Device, DeviceError, SyncReport};
use sopu_core::documents::Kind;
use sopu_core::envelope::{Envelope, encode};
use sopu_core::id::DocId;
use sopu_core::store::outbox::Progress;
use sopu_core::store::{Store, document, draft, meta, outbox, purge, view};
use sopu_core::sync::outgoing::Outgoing;
use sopu_core::transport::{Post, Reply, Transport, TransportError};
use sopu_core::wire::{SyncRequest, SyncResponse, Verdict};
use sopu_server::relay::{DATABASE, LEDGER};
use sopu_server::store::EnvelopeRow;
use sopu_tests::disk::{Files, Io};
use sopu_tests::storm::Storm;
use sopu_tests::storm::line::Line;

/// A calm world of two spaces in which all four devices have synced.
fn world(seed: u64) -> Storm {
    let mut world = Storm::new(seed);
    for number in 0..4 {
        world.sync_now(number).expect("syncs");
    }
    world
}

fn note(world: &mut Storm, number: usize, text: &str) -> DocId {
    let space = world.spaces[0];
    let device = world.pockets[number].device();
    let value = json!({"summary": text});
    device
        .create(space, Kind::VisitNote, &value)
        .expect("creates")
        .0
}

fn write(world: &mut Storm, number: usize, doc: DocId, letter: char) {
    let device = world.pockets[number].device();
    let mut opened = device.read(doc).expect("reads");
    let text = opened.value["summary"].as_str().unwrap_or_default();
    opened.value["summary"] = json!(format!("{text}{letter}"));
    device
        .save(doc, &opened.version, &opened.value)
        .expect("saves");
}

fn twin(world: &mut Storm, number: usize) -> usize {
    let at = world.pockets.len();
    let folder = world.folder().join(format!("twin-{at}"));
    let machine = world.machine();
    let twin = world.pockets[number].twin(&folder, machine);
    world.pockets.push(twin);
    at
}

/// A copy that goes on as the device was, beside it as a new instance, by which the relay can tell them apart.
fn other_instance(world: &mut Storm, number: usize) -> usize {
    let other = twin(world, number);
    world.pockets[number].back_up();
    world.pockets[number].restart();
    world.pockets[number].restore(false);
    world.sync_now(number).expect("syncs as a new instance");
    other
}

/// Forgets how far the first space is here, as a store does that was mended.
fn back_to_first_sync(world: &mut Storm, number: usize) {
    let space = world.spaces[0];
    let path = world.pockets[number].close();
    let mut store = Store::open(&path).expect("opens");
    store
        .write(|tx| sopu_core::store::space::clear_cursor(tx, space))
        .expect("writes");
    drop(store);
    world.pockets[number].restart();
}

/// One request and its answer, then no signal.
fn sync_once(world: &mut Storm, number: usize) -> SyncReport {
    let line = Line::new(Some(world.relay()), None, world.pockets[number].id());
    let mut device = world.pockets[number].second().expect("opens");
    let report = device.sync_for(&line, 1).expect("syncs");
    drop(line);
    drop(device);
    world.pockets[number].restart();
    report
}

fn merge(world: &Storm) {
    world.relay().merge_all().expect("merges");
}

/// Puts the relay's database back to what it was, beside the ledger of now.
fn go_back(world: &mut Storm, database: Files) {
    world.house().switch_off();
    let mut files = world.house().disk.files();
    files.retain(|name, _| name == LEDGER);
    let database = database
        .into_iter()
        .filter(|(name, _)| name.starts_with(DATABASE));
    files.extend(database);
    world.house().disk.put_files(&files);
    world.house().switch_on().expect("starts");
}

fn documents(world: &Storm, number: usize) -> usize {
    let conn = world.pockets[number].look().store().conn();
    document::ids(conn, None, None, 100).expect("reads").len()
}

/// A line on which every page has the least there can be in one.
struct InParts<'w>(Line<'w>);

impl Transport for InParts<'_> {
    fn post(&self, post: Post) -> Result<Reply, TransportError> {
        let plain = match post.encoding {
            Some(_) => sopu_core::compress::decompress(&post.body, 1 << 24).expect("unpacks"),
            None => post.body.clone(),
        };
        let mut request: SyncRequest = minicbor::decode(&plain).expect("reads");
        request.max_bytes = 1;
        self.0.post(Post {
            body: encode(&request),
            encoding: None,
            ..post
        })
    }
}

/// A relay that does not know a kind yet: it puts off every envelope of one document.
struct PutsOff<'w> {
    line: Line<'w>,
    doc: DocId,
    requests: AtomicU32,
}

impl Transport for PutsOff<'_> {
    fn post(&self, post: Post) -> Result<Reply, TransportError> {
        self.requests.fetch_add(1, Ordering::SeqCst);
        let plain = match post.encoding {
            Some(_) => sopu_core::compress::decompress(&post.body, 1 << 24).expect("unpacks"),
            None => post.body.clone(),
        };
        let mut request: SyncRequest = minicbor::decode(&plain).expect("reads");
        let put_off: Vec<bool> = request
            .push
            .iter()
            .map(|bytes| {
                let envelope: Envelope = minicbor::decode(bytes).expect("reads");
                sopu_core::envelope::decode::<sopu_core::envelope::Header>(&envelope.header)
                    .is_some_and(|header| header.doc == self.doc)
            })
            .collect();
        let mut taken = put_off.iter();
        request.push.retain(|_| !taken.next().expect("one each"));
        let reply = self.line.post(Post {
            body: encode(&request),
            encoding: None,
            ..post
        })?;
        let mut response: SyncResponse = minicbor::decode(&reply.body).expect("reads");
        let mut answers = std::mem::take(&mut response.answers).into_iter();
        response.answers = put_off
            .iter()
            .map(|off| match off {
                true => Verdict::Refused("kind_unknown".into()),
                false => answers.next().expect("one each"),
            })
            .collect();
        let body = encode(&response);
        Ok(Reply { body, ..reply })
    }
}
