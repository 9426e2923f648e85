//! A relay comes back from a backup in the middle of a first sync.

use serde_json::json;
use sopu_core::compress::decompress;
use sopu_core::device::DeviceError;
use sopu_core::envelope::encode;
use sopu_core::id::EnvelopeId;
use sopu_core::read::read;
use sopu_core::store::draft;
use sopu_core::transport::{Post, Reply, Transport, TransportError};
use sopu_core::wire::{Entry, SyncRequest};
use sopu_server::relay::Relay;
use sopu_tests::drill::Drill;

use super::left::exchange;

#[test]
fn a_restore_in_the_middle_of_a_first_sync_leaves_nothing_that_nobody_signed() {
    let mut drill = Drill::new(3);
    let space = drill.spaces[0];
    let early = drill.back_up();
    let doc = drill.note(0, space);
    drill.write(0, doc);
    drill.write(0, doc);
    drill.sync(0).expect("syncs");
    drill.merge();
    drill.sync(0).expect("syncs");
    let member = drill.hands[1].member;
    let new = drill.hand(member);
    drill.sync_in_parts(new, 2);
    assert!(!drill.device(new).spaces().expect("reads").is_empty());
    let mine = drill.write(new, doc);
    drill.restore(early, true);
    // Nobody has the rest any more.
    drill.destroy(0);
    drill.calm();
    drill.judge();
    assert!(!drill.lost.contains(&mine), "what was written here stays");
}

/// The same where the person left in the middle of the first sync and was let in again: of a space that begins
/// anew the phone hears of no cut, and what it wrote there would build on what nobody has.
#[test]
fn what_nobody_signed_goes_also_where_a_space_was_left_and_joined_again() {
    left_and_joined_again(false);
}

/// A copy of a store sends nothing until it has caught up, so that the relay has had nothing of it either.
#[test]
fn what_nobody_signed_goes_from_a_restored_copy_too() {
    left_and_joined_again(true);
}

fn left_and_joined_again(copied: bool) {
    let mut drill = Drill::new(3);
    let space = drill.spaces[0];
    let early = drill.back_up();
    let doc = drill.note(1, space);
    drill.write(1, doc);
    drill.sync(1).expect("syncs");
    drill.merge();
    drill.sync_in_parts(0, 2);
    let member = drill.hands[0].member;
    drill.put_out(member, space);
    // It hears that it is to leave, and cannot yet: something was written meanwhile.
    exchange(&mut drill, doc, true);
    drill.restore(early, true);
    drill.let_in(member, space);
    if copied {
        let instance = drill.data().with_file_name("device-0").join("no-backup");
        std::fs::remove_dir_all(instance).expect("goes");
        drill.restart(0);
    }
    // Nobody has the rest any more.
    drill.destroy(1);
    drill.calm();
    drill.judge();
    let record = drill.relay().record();
    let there = record.store().document(doc).expect("is there");
    assert_ne!(
        read(&there.am, there.kind).value["summary"],
        json!(""),
        "what was written here stays"
    );
}

#[test]
fn what_was_written_in_an_item_that_nobody_signed_stays_readable_as_a_draft() {
    let mut drill = Drill::new(3);
    let space = drill.spaces[0];
    let doc = drill.note(0, space);
    drill.sync(0).expect("syncs");
    drill.merge();
    let early = drill.back_up();
    let save = |drill: &mut Drill, number: usize, text: &str| {
        let device = drill.device(number);
        let opened = device.read(doc).expect("reads");
        let mut value = opened.value;
        value["entries"]["01890a5d-ac96-774b-bcce-b302099a8057"] =
            json!({"heading": "uni", "text": text});
        device.save(doc, &opened.version, &value).expect("saves");
    };
    save(&mut drill, 0, "nukkui");
    drill.sync(0).expect("syncs");
    drill.merge();
    let member = drill.hands[1].member;
    let new = drill.hand(member);
    drill.sync_in_parts(new, 2);
    save(&mut drill, new, "nukkui huonosti");
    drill.restore(early, true);
    // The item's maker never comes again.
    drill.destroy(0);
    drill.calm();
    let drafts = draft::drafts(drill.device(new).store().conn()).expect("reads");
    let text = |draft: &draft::Draft| {
        draft.reason == "item_gone" && draft.value.to_string().contains("nukkui huonosti")
    };
    assert!(drafts.iter().any(text), "{drafts:?}");
}

#[test]
fn a_form_left_open_does_not_bring_back_as_one_s_own_what_the_relay_lost() {
    let mut drill = Drill::new(3);
    let space = drill.spaces[0];
    let doc = drill.note(0, space);
    drill.sync(0).expect("syncs");
    drill.merge();
    let early = drill.back_up();
    let write = |drill: &mut Drill, number: usize, text: &str| {
        let device = drill.device(number);
        let opened = device.read(doc).expect("reads");
        let mut value = opened.value;
        value["summary"] = json!(text);
        let saved = device.save(doc, &opened.version, &value).expect("saves");
        (saved.version, value)
    };
    write(&mut drill, 0, "heidän sanansa");
    drill.sync(0).expect("syncs");
    drill.merge();
    let member = drill.hands[1].member;
    let new = drill.hand(member);
    drill.sync_in_parts(new, 2);
    let (version, mut form) = write(&mut drill, new, "heidän sanansa ja omat");
    drill.restore(early, true);
    // Whoever wrote the first words never comes again.
    drill.destroy(0);
    drill.calm();
    let now = drill.device(new).read(doc).expect("reads").value;
    assert!(!now["summary"].to_string().contains("heidän"), "{now}");
    form["summary"] = json!("heidän sanansa ja omat ja lisää");
    let saved = drill.device(new).save(doc, &version, &form);
    assert!(matches!(saved, Err(DeviceError::Stale)), "{saved:?}");
}

#[test]
fn a_restore_during_any_part_of_a_first_sync_leaves_a_feed_that_hashes() {
    for parts in 1..12 {
        let mut drill = Drill::new(6);
        let space = drill.spaces[0];
        let doc = drill.note(0, space);
        drill.write(0, doc);
        for number in [0, 1] {
            drill.sync(number).expect("syncs");
            drill.merge();
        }
        let early = drill.back_up();
        for _ in 0..4 {
            drill.write(0, doc);
            drill.sync(0).expect("syncs");
            drill.merge();
        }
        let new = drill.hand(drill.hands[1].member);
        drill.sync_in_parts(new, parts);
        drill.restore(early, true);
        drill.sync(new).expect("syncs");
        drill.calm();
        drill.judge();
    }
}

#[test]
fn every_message_of_an_offer_may_be_lost_doubled_or_broken_off() {
    for stop in 1..6 {
        let mut drill = Drill::new(4);
        let space = drill.spaces[0];
        let early = drill.back_up();
        for _ in 0..5 {
            let doc = drill.note(0, space);
            drill.write(0, doc);
        }
        for number in [0, 1, 0, 1] {
            drill.sync(number).expect("syncs");
            drill.merge();
        }
        drill.restore(early, true);
        drill.destroy(0);
        for _ in 0..stop {
            drill.sync_badly(1);
            drill.restart(1);
        }
        drill.calm();
        drill.judge();
        assert!(drill.lost.is_empty());
    }
}

/// A line on which every page ends in what cannot be: it is noted where the feed was cut, and what
/// comes after is not applied, as when the power goes in between.
struct Halfway<'w>(&'w Relay);

impl Transport for Halfway<'_> {
    fn post(&self, post: Post) -> Result<Reply, TransportError> {
        let plain = match post.encoding {
            Some(_) => decompress(&post.body, 1 << 24).expect("unpacks"),
            None => post.body,
        };
        let request: SyncRequest = minicbor::decode(&plain).expect("reads");
        let token = post.token.expect("is enrolled");
        let mut response = self.0.sync(&token, &request).expect("answers");
        for page in &mut response.pages {
            page.entries.push(Entry::Own {
                seq: u64::MAX,
                id: EnvelopeId([0; 32]),
                received_ms: 0,
                accept: [0; 16],
            });
        }
        Ok(Reply {
            status: 200,
            encoding: String::new(),
            body: encode(&response),
        })
    }
}

/// The relay has all of it again, in its old place, when the device comes back: it is told of no cut
/// below its cursor any more, and had forgotten the places of what is there (storm 11179).
#[test]
fn a_cut_that_was_noted_and_gone_again_before_its_page_was_applied_leaves_a_feed_that_hashes() {
    for parts in 0..12 {
        let mut drill = Drill::new(6);
        let space = drill.spaces[0];
        let early = drill.back_up();
        for _ in 0..3 {
            let doc = drill.note(0, space);
            drill.write(0, doc);
        }
        for number in [0, 1] {
            drill.sync(number).expect("syncs");
            drill.merge();
        }
        drill.sync(0).expect("hears of the places");
        let new = if parts == 0 {
            1
        } else {
            let new = drill.hand(drill.hands[1].member);
            drill.sync_in_parts(new, parts);
            new
        };
        drill.restore(early, true);
        let mut device = drill.hands[new].device.take().expect("is there");
        let done = device.sync(&Halfway(drill.relay()));
        assert!(matches!(done, Err(DeviceError::BadAnswer)), "{done:?}");
        drill.hands[new].device = Some(device);
        drill.sync(0).expect("brings it back");
        drill.merge();
        drill.sync(new).expect("syncs");
        drill.calm();
        drill.judge();
    }
}
