//! A relay that lies, or a thief of its certificate: whatever an answer says, a device does not
//! panic, does not keep half of a page, and reads all it had. Answers of a real relay are altered on
//! the way.

#![expect(clippy::expect_used, reason = "a test")]

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::json;
use sopu_core::compress::decompress;
use sopu_core::device::DeviceError;
use sopu_core::envelope::{decode, encode};
use sopu_core::id::{DocId, EnvelopeId, SpaceId};
use sopu_core::store::check;
use sopu_core::transport::{Post, Reply, Transport, TransportError, http::HttpTransport};
use sopu_core::wire::{
    EnrolResponse, Entry, FirstSync, Order, OrderKind, SpacePage, Status, StatusNews, SyncResponse,
    Verdict, limits,
};
use sopu_server::access::roles::Role;
use sopu_tests::{Phone, World};

/// Alters each answer.
struct Lies<F> {
    inner: HttpTransport,
    alter: Mutex<F>,
    told: AtomicU32,
}

impl<F: FnMut(Vec<u8>) -> Vec<u8> + Send> Transport for Lies<F> {
    fn post(&self, post: Post) -> Result<Reply, TransportError> {
        let reply = self.inner.post(post)?;
        let body = match reply.encoding.as_str() {
            "zstd" => decompress(&reply.body, limits::BODY_EXPANDED).expect("unpacks"),
            _ => reply.body,
        };
        self.told.fetch_add(1, Ordering::SeqCst);
        let alter = &mut *self.alter.lock().expect("no panic");
        Ok(Reply {
            status: reply.status,
            encoding: String::new(),
            body: alter(body),
        })
    }
}

fn lies<F: FnMut(Vec<u8>) -> Vec<u8> + Send>(world: &World, alter: F) -> Lies<F> {
    Lies {
        inner: world.transport(),
        alter: Mutex::new(alter),
        told: AtomicU32::new(0),
    }
}

/// An answer read, altered and written.
fn altered(
    mut alter: impl FnMut(&mut SyncResponse) + Send,
) -> impl FnMut(Vec<u8>) -> Vec<u8> + Send {
    move |body| match decode::<SyncResponse>(&body) {
        Some(mut response) => {
            alter(&mut response);
            encode(&response)
        }
        None => body,
    }
}

fn pages(mut alter: impl FnMut(&mut SpacePage) + Send) -> impl FnMut(Vec<u8>) -> Vec<u8> + Send {
    altered(move |response| response.pages.iter_mut().for_each(&mut alter))
}

struct Scene {
    world: World,
    space: SpaceId,
    maria: Phone,
    aino: Phone,
    /// The other note of the last news.
    second: Option<DocId>,
}

impl Scene {
    fn new() -> Self {
        let world = World::new();
        let space = world.space("Kotihoito");
        let maria = world.member("Maria Niemi", Role::Field, &[space]);
        let aino = world.member("Aino Laakso", Role::Field, &[space]);
        let (maria, aino) = (world.phone("maria", maria), world.phone("aino", aino));
        Self {
            world,
            space,
            maria,
            aino,
            second: None,
        }
    }

    /// Something for Maria to get: two notes of Aino's, one of them edited again.
    fn news(&mut self, word: &str) -> DocId {
        let doc = self.aino.note(self.space, json!({ "summary": word }));
        let second = self.aino.note(self.space, json!({ "summary": "toinen" }));
        self.second = Some(second);
        self.aino.sync(&self.world);
        self.aino.edit(doc, json!({ "route_from": word }));
        self.aino.sync(&self.world);
        self.world.settle();
        doc
    }

    /// One sync over a line that lies: whatever it says, what Maria had is there and sound.
    fn lied_to(&mut self, alter: impl FnMut(Vec<u8>) -> Vec<u8> + Send) -> Option<DeviceError> {
        let own = self.maria.note(self.space, json!({ "summary": "oma" }));
        let line = lies(&self.world, alter);
        let said = self.maria.device().sync_for(&line, 4).err();
        assert!(line.told.load(Ordering::SeqCst) > 0);
        assert_eq!(self.maria.read(own).value["summary"], "oma");
        self.sound();
        said
    }

    fn sound(&mut self) {
        let conn = self.maria.device().store().conn();
        assert_eq!(check::check(conn).expect("checks"), []);
    }

    /// The line is honest again: Maria gets what there is.
    fn heals(&mut self, doc: DocId) {
        self.maria.sync(&self.world);
        let (mine, theirs) = (self.maria.read(doc), self.aino.read(doc));
        assert_eq!((mine.version, mine.value), (theirs.version, theirs.value));
        self.sound();
    }
}

#[test]
fn places_at_the_end_of_all_numbers_are_a_bad_answer_and_nothing_of_the_page_is_kept() {
    let mut scene = Scene::new();
    let doc = scene.news("uutinen");
    let last = |entry: &mut Entry| match entry {
        Entry::Envelope { seq, .. }
        | Entry::Own { seq, .. }
        | Entry::Notice { seq, .. }
        | Entry::Erased { seq, .. } => *seq = u64::MAX,
    };
    let said = scene.lied_to(pages(|page| page.to.seq = u64::MAX));
    assert!(matches!(said, Some(DeviceError::BadAnswer)), "{said:?}");
    let said = scene.lied_to(pages(|page| page.entries.iter_mut().for_each(last)));
    assert!(matches!(said, Some(DeviceError::BadAnswer)), "{said:?}");
    let said = scene.lied_to(pages(|page| page.entries.reverse()));
    assert!(matches!(said, Some(DeviceError::BadAnswer)), "{said:?}");
    assert!(scene.maria.device().read(doc).is_err(), "not here yet");
    scene.heals(doc);
}

#[test]
fn clocks_statuses_orders_and_answers_of_any_number_do_no_harm() {
    let mut scene = Scene::new();
    for now_ms in [i64::MIN, i64::MAX] {
        let doc = scene.news("kello");
        scene.lied_to(altered(|response| response.now_ms = now_ms));
        scene.heals(doc);
    }
    let doc = scene.news("tila");
    let news = |number| StatusNews {
        number,
        id: EnvelopeId([9; 32]),
        status: Status::Verdict(Verdict::Fed(u64::MAX)),
    };
    scene.lied_to(altered(|response| {
        response.status = vec![news(u64::MAX), news(0), news(u64::MAX - 1)];
        response.orders = vec![Order {
            number: u64::MAX,
            what: OrderKind::Purge(DocId(uuid::Uuid::nil())),
        }];
        response.answers.extend(vec![Verdict::Fed(u64::MAX); 100]);
        response.offered = vec![Verdict::Fed(1); 1_000];
    }));
    scene.heals(doc);
}

#[test]
fn an_envelope_that_is_not_its_signers_is_set_aside_and_the_rest_of_the_page_applied() {
    let mut scene = Scene::new();
    scene.news("ehjä");
    let second = scene.second.expect("written");
    let mut first = true;
    let report = {
        let flip = pages(move |page| {
            for entry in &mut page.entries {
                if let Entry::Envelope { envelope, .. } = entry
                    && std::mem::take(&mut first)
                {
                    envelope.signature[5] ^= 1;
                }
            }
        });
        let line = lies(&scene.world, flip);
        scene.maria.device().sync_for(&line, 1).expect("syncs")
    };
    assert!(report.quarantined >= 1, "{report:?}");
    assert_eq!(scene.maria.read(second).value["summary"], "toinen");
    scene.sound();
}

#[test]
fn a_first_sync_with_lying_packs_keeps_nothing_of_them_and_heals() {
    for lie in 0..7 {
        let mut scene = Scene::new();
        let doc = scene.news("paketti");
        let code = scene
            .world
            .invite(scene.world.member("Uusi", Role::Reader, &[scene.space]));
        let mut fresh = Phone::new(&scene.world.folder().join("uusi"));
        let transport = scene.world.transport();
        fresh
            .device()
            .enrol(&transport, &code, "uusi")
            .expect("enrols");
        let line = lies(
            &scene.world,
            pages(move |page| {
                for pack in &mut page.packs {
                    match lie {
                        0 => pack.counts = vec![u32::MAX; 9],
                        1 => pack.before = u32::MAX,
                        2 => pack.kind = 77,
                        3 => pack.changes.truncate(9),
                        4 => pack.last_seq = u64::MAX,
                        5 => pack.counts.insert(0, 0),
                        _ => {}
                    }
                }
                if lie == 6 {
                    page.to.first = Some(FirstSync::Documents {
                        at: u64::MAX,
                        below: u64::MAX,
                        within: Some(u64::MAX),
                    });
                }
                for proof in &mut page.proofs {
                    proof.seq = if lie == 4 { u64::MAX } else { proof.seq };
                }
            }),
        );
        let _ = fresh.device().sync_for(&line, 3);
        let conn = fresh.device().store().conn();
        assert_eq!(check::check(conn).expect("checks"), [], "lie {lie}");
        // An honest relay that sees a cursor it never gave begins again.
        let _ = fresh.device().sync(&scene.world.transport());
        let own = scene.aino.read(doc).value;
        if let Ok(read) = fresh.device().read(doc) {
            assert!(lie == 1 || read.value == own, "lie {lie}");
        }
    }
}

#[test]
fn any_altered_answer_leaves_the_device_sound_and_what_was_written_readable() {
    let mut scene = Scene::new();
    let mut seed = 0x5eed_u64;
    let mut dice = move |sides: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        usize::try_from(seed % sides as u64).expect("small")
    };
    for round in 0..150 {
        if round % 5 == 0 {
            scene.news("sana");
        }
        let dice = &mut dice;
        scene.lied_to(move |mut body| {
            for _ in 0..=dice(3) {
                let at = dice(body.len());
                match dice(4) {
                    0 => body[at] = u8::try_from(dice(256)).expect("a byte"),
                    1 => body[at] ^= 1 << dice(8),
                    2 => body.truncate(at.max(1)),
                    _ => body[at] = body[at].wrapping_add(1),
                }
            }
            body
        });
    }
}

#[test]
fn an_enrolment_answered_with_rubbish_leaves_the_device_not_enrolled() {
    let world = World::new();
    let member = world.member("Maria Niemi", Role::Field, &[]);
    let mut phone = Phone::new(&world.folder().join("uusi"));
    let code = world.invite(member);
    for extra in [
        vec![],
        vec![0x81; 1_000_000],
        vec![0x9f; 1_000_000],
        vec![0xff; 10],
    ] {
        let line = lies(&world, move |_| extra.clone());
        let said = phone.device().enrol(&line, &code, "uusi");
        assert!(said.is_err(), "{said:?}");
        assert!(phone.device().identity().is_err());
    }
    let code = world.invite(member);
    let line = lies(&world, |body| match decode::<EnrolResponse>(&body) {
        Some(mut response) => {
            response.now_ms = i64::MIN;
            encode(&response)
        }
        None => body,
    });
    phone
        .device()
        .enrol(&line, &code, "uusi")
        .expect("a wrong clock does no harm");
}
