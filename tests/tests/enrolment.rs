//! Enrolling a device that others use meanwhile: one identity comes of it, and no token goes to a relay
//! that did not give it.

#![expect(clippy::expect_used, reason = "a test")]

use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::json;
use sopu_core::device::errand::Errand;
use sopu_core::device::exchange::sync_shared;
use sopu_core::device::{Device, DeviceError, Identity};
use sopu_core::documents::Kind;
use sopu_core::id::{DeviceId, MemberId, SpaceId};
use sopu_core::store::meta;
use sopu_core::time::Env;
use sopu_core::transport::http::HttpTransport;
use sopu_core::transport::{Post, Reply, Transport, TransportError};
use sopu_server::access::devices;
use sopu_server::access::roles::Role;
use sopu_tests::{Clock, World};

/// A line to a relay, on which something happens between the relay's answer and its arrival.
struct Line<'w> {
    inner: HttpTransport,
    tokens: Mutex<Vec<Option<String>>>,
    meanwhile: Box<dyn Fn() -> Result<(), TransportError> + Send + Sync + 'w>,
}

impl<'w> Line<'w> {
    fn new(
        world: &World,
        meanwhile: impl Fn() -> Result<(), TransportError> + Send + Sync + 'w,
    ) -> Self {
        Self {
            inner: world.transport(),
            tokens: Mutex::default(),
            meanwhile: Box::new(meanwhile),
        }
    }

    fn plain(world: &World) -> Self {
        Self::new(world, || Ok(()))
    }

    /// The tokens that went over it, each once.
    fn tokens(&self) -> Vec<String> {
        let tokens = self.tokens.lock().expect("free");
        let mut tokens: Vec<String> = tokens.iter().flatten().cloned().collect();
        tokens.dedup();
        tokens
    }
}

impl Transport for Line<'_> {
    fn post(&self, post: Post) -> Result<Reply, TransportError> {
        self.tokens.lock().expect("free").push(post.token.clone());
        let reply = self.inner.post(post);
        (self.meanwhile)()?;
        reply
    }
}

/// A relay with a space and a person in it.
struct Place {
    world: World,
    space: SpaceId,
    maria: MemberId,
}

impl Place {
    fn new() -> Self {
        let world = World::new();
        let space = world.space("Kotihoito");
        let maria = world.member("Maria Niemi", Role::Field, &[space]);
        Self {
            world,
            space,
            maria,
        }
    }

    fn invite(&self) -> String {
        self.world.invite(self.maria)
    }

    fn device(&self) -> Mutex<Device> {
        let folder = self.world.folder().join("phone");
        std::fs::create_dir_all(&folder).expect("a folder");
        let env = Arc::new(Clock::default()) as Arc<dyn Env>;
        let device = Device::open(&folder.join("store.db"), &folder, [7; 32], env);
        Mutex::new(device.expect("opens"))
    }

    fn enrol(
        &self,
        device: &Mutex<Device>,
        line: &Line<'_>,
        code: &str,
    ) -> Result<Identity, DeviceError> {
        let relay = self.world.address().parse().expect("an address");
        let (enrolment, post) = free(device).begin_enrolment(code, "puhelin")?;
        let reply = line.post(post);
        free(device).end_enrolment(enrolment, reply, Some(&relay))
    }

    fn enrolled(&self) -> Mutex<Device> {
        let device = self.device();
        let line = Line::plain(&self.world);
        self.enrol(&device, &line, &self.invite()).expect("enrols");
        sync(&device, &line, asker(&device)).expect("syncs");
        device
    }

    /// Whether what is written on it now comes into the record.
    fn assert_works(&self, device: &Mutex<Device>) {
        let note = json!({"summary": "Jatkuu"});
        let created = free(device).create(self.space, Kind::VisitNote, &note);
        let (doc, _) = created.expect("creates");
        let line = Line::plain(&self.world);
        for _ in 0..3 {
            sync(device, &line, asker(device)).expect("syncs");
            self.world.settle();
        }
        let progress = free(device).progress(doc).expect("reads");
        assert_eq!((progress.fed, progress.sealed), (1, 0));
    }
}

/// Nobody holds the device while the network is waited for.
fn free(device: &Mutex<Device>) -> MutexGuard<'_, Device> {
    device.try_lock().expect("the device is free")
}

fn asker(device: &Mutex<Device>) -> DeviceId {
    free(device).identity().expect("enrolled").device
}

fn sync(device: &Mutex<Device>, line: &Line<'_>, asker: DeviceId) -> Result<u32, DeviceError> {
    Ok(sync_shared(device, line, asker, Errand::sync(9))?.requests)
}

fn superseded<T: std::fmt::Debug>(ended: &Result<T, DeviceError>) -> bool {
    matches!(ended, Err(DeviceError::Superseded))
}

/// All small facts the device keeps.
fn facts(device: &Mutex<Device>) -> Vec<(String, Vec<u8>)> {
    meta::all_under(free(device).store().conn(), "").expect("reads")
}

#[test]
fn of_two_enrolments_at_once_the_first_that_is_answered_stands() {
    for was_enrolled in [false, true] {
        let place = Place::new();
        let device = if was_enrolled {
            place.enrolled()
        } else {
            place.device()
        };
        let plain = Line::plain(&place.world);
        let first = Line::new(&place.world, || {
            let second = place.enrol(&device, &plain, &place.invite());
            assert!(second.is_ok(), "{second:?}");
            Ok(())
        });
        let late = place.enrol(&device, &first, &place.invite());
        assert!(superseded(&late), "{late:?}");
        place.assert_works(&device);
    }
}

#[test]
fn a_code_that_is_sent_twice_at_once_gives_one_identity_twice() {
    let place = Place::new();
    let device = place.device();
    let code = place.invite();
    let (plain, answered) = (Line::plain(&place.world), Mutex::new(None));
    let twice = Line::new(&place.world, || {
        let other = place.enrol(&device, &plain, &code).expect("enrols");
        sync(&device, &plain, other.device).expect("syncs");
        *answered.lock().expect("free") = Some(other);
        Ok(())
    });
    let identity = place.enrol(&device, &twice, &code).expect("is known");
    assert_eq!(*answered.lock().expect("free"), Some(identity));
    place.assert_works(&device);

    // The other way round it is used by then, and the refusal says nothing of who this is now.
    let code = place.invite();
    let fails = Line::new(&place.world, || {
        let other = place.enrol(&device, &plain, &code).expect("enrols");
        sync(&device, &plain, other.device).expect("syncs");
        Err(TransportError::Unreachable)
    });
    let late = place.enrol(&device, &fails, &code);
    assert!(superseded(&late), "{late:?}");
    place.assert_works(&device);
}

#[test]
fn an_enrolment_that_was_stopped_leaves_the_device_as_it_was_and_can_be_made_again() {
    let place = Place::new();
    let device = place.enrolled();
    let (before, code) = (facts(&device), place.invite());
    let stopped = Line::new(&place.world, || Err(TransportError::Stopped));
    let ended = place.enrol(&device, &stopped, &code);
    assert!(matches!(ended, Err(DeviceError::Stopped)), "{ended:?}");
    assert_eq!(facts(&device), before);
    place.assert_works(&device);

    let again = place.enrol(&device, &Line::plain(&place.world), &code);
    assert!(again.is_ok(), "{again:?}");
    place.assert_works(&device);
}

#[test]
fn a_sync_of_who_the_device_was_ends_and_takes_no_token_to_another_relay() {
    let (old, new) = (Place::new(), Place::new());
    let device = old.enrolled();
    let before = asker(&device);
    let to_new = Line::plain(&new.world);
    let to_old = Line::new(&old.world, || {
        let moved = new.enrol(&device, &to_new, &new.invite());
        assert!(moved.is_ok(), "{moved:?}");
        Ok(())
    });
    let spoken = facts(&device);
    let ended = sync(&device, &to_old, before);
    assert!(superseded(&ended), "{ended:?}");
    let relay = free(&device).relay().expect("reads").expect("is kept");
    assert_eq!(relay.as_str(), new.world.address());

    // Begun before, with the way to the old relay, but not on its way yet.
    let idle = Line::plain(&old.world);
    let ended = sync(&device, &idle, before);
    assert!(superseded(&ended), "{ended:?}");
    assert_eq!(idle.tokens(), Vec::<String>::new());

    sync(&device, &to_new, asker(&device)).expect("syncs");
    let token = |facts: &[(String, Vec<u8>)]| {
        let row = facts.iter().find(|(key, _)| key == "token");
        String::from_utf8(row.expect("is kept").1.clone()).expect("text")
    };
    assert_eq!(to_old.tokens(), [token(&spoken)]);
    assert_eq!(to_new.tokens(), [token(&facts(&device))]);
    assert_ne!(to_old.tokens(), to_new.tokens());
}

#[test]
fn a_wipe_that_was_meant_for_who_the_device_was_removes_nothing() {
    let place = Place::new();
    let device = place.enrolled();
    let note = json!({"summary": "Turvassa"});
    let created = free(&device).create(place.space, Kind::VisitNote, &note);
    let (doc, _) = created.expect("creates");
    let line = Line::plain(&place.world);
    sync(&device, &line, asker(&device)).expect("syncs");
    place.world.settle();
    sync(&device, &line, asker(&device)).expect("syncs");

    let now_ms = place.world.clock.now_ms();
    let before = asker(&device);
    let revoked = place.world.admin(|db| devices::revoke(db, before, now_ms));
    revoked.expect("revokes");
    let overtaken = Line::new(&place.world, || {
        let moved = place.enrol(&device, &line, &place.invite());
        assert!(moved.is_ok(), "{moved:?}");
        Ok(())
    });
    let ended = sync(&device, &overtaken, before);
    assert!(superseded(&ended), "{ended:?}");
    assert_eq!(overtaken.tokens().len(), 1);
    let opened = free(&device).read(doc).expect("is here");
    assert_eq!(opened.value["summary"], "Turvassa");
    place.assert_works(&device);
}
