//! A relay comes back from a backup while a device leaves a space, or comes back to it.

use sopu_core::device::SyncReport;
use sopu_core::id::DocId;
use sopu_core::read::read;
use sopu_core::store::meta;
use sopu_core::wire::Verdict;
use sopu_tests::drill::Drill;

/// One request of the first phone and what the relay answered to what it brought; more may be written
/// meanwhile.
pub(crate) fn exchange(drill: &mut Drill, doc: DocId, writes: bool) -> Vec<Verdict> {
    exchange_while(drill, |drill| {
        if writes {
            drill.write(0, doc);
        }
    })
}

pub(crate) fn exchange_while(drill: &mut Drill, happens: impl FnOnce(&mut Drill)) -> Vec<Verdict> {
    let outgoing = drill.device(0).next_request(0).expect("asks");
    let token = meta::text(drill.device(0).store().conn(), "token").expect("reads");
    let token = token.expect("enrolled");
    let response = drill.relay().sync(&token, &outgoing.request);
    let response = response.expect("answers");
    happens(drill);
    let mut report = SyncReport::default();
    let applied = drill.device(0).apply(&outgoing, &response, &mut report);
    applied.expect("applies");
    response.answers
}

/// A phone brought work of a space its person had left, and heard that the relay keeps it for a
/// decision; more was written there meanwhile. The relay lost the one, took the other, and the phone
/// dropped the space (storms 79 and 267).
#[test]
fn work_of_a_space_that_was_left_is_brought_again_to_a_relay_that_lost_it() {
    let mut drill = Drill::new(3);
    let space = drill.spaces[0];
    drill.sync(0).expect("syncs");
    let early = drill.back_up();
    drill.put_out(drill.hands[0].member, space);
    let doc = drill.note(0, space);
    drill.write(0, doc);
    let answers = exchange(&mut drill, doc, true);
    assert_eq!(answers, [Verdict::Held("removed".into())]);
    drill.restore(early, true);
    drill.calm();
    drill.judge();
    assert!(drill.lost.is_empty(), "{:?}", drill.lost);
}

/// A phone whose person had left a space was told that the relay keeps what it brought of it; by the time
/// the person was let in again the relay had lost that, and of a space that begins anew the phone hears of
/// no cut (storms 23916 and 23999).
#[test]
fn work_of_a_space_that_was_left_and_joined_again_is_brought_to_a_relay_that_lost_it() {
    let mut drill = Drill::new(3);
    let space = drill.spaces[0];
    let doc = drill.note(0, space);
    drill.write(0, doc);
    drill.sync(0).expect("syncs");
    drill.merge();
    drill.sync(0).expect("syncs");
    let early = drill.back_up();
    let member = drill.hands[0].member;
    drill.put_out(member, space);
    drill.write(0, doc);
    let answers = exchange(&mut drill, doc, true);
    assert_eq!(answers, [Verdict::Held("removed".into())]);
    drill.restore(early, true);
    // Asked where it stands, it says so from now on.
    exchange(&mut drill, doc, true);
    drill.let_in(member, space);
    drill.calm();
    drill.judge();
    assert!(drill.lost.is_empty(), "{:?}", drill.lost);
}

/// The same of what was in the record by then: the phone of the person who came back is the last that has it.
#[test]
fn a_space_that_was_left_and_joined_again_is_brought_back_to_a_relay_that_lost_its_record() {
    let mut drill = Drill::new(3);
    let space = drill.spaces[0];
    drill.sync(0).expect("syncs");
    let early = drill.back_up();
    let doc = drill.note(0, space);
    let letter = drill.write(0, doc);
    drill.sync(0).expect("syncs");
    drill.merge();
    drill.sync(0).expect("syncs");
    let member = drill.hands[0].member;
    drill.put_out(member, space);
    drill.write(0, doc);
    // It hears that it is to leave, and cannot yet: there is more to deliver.
    exchange(&mut drill, doc, true);
    drill.restore(early, true);
    drill.let_in(member, space);
    drill.calm();
    drill.judge();
    let there = drill
        .relay()
        .record()
        .store()
        .document(doc)
        .expect("is back");
    let reading = read(&there.am, there.kind);
    let text = reading.value["summary"].as_str().unwrap_or_default();
    assert!(text.contains(letter), "{text}");
}

/// That its person has left a phone heard late: by then the relay had come back from a backup, and lost what
/// the phone had long seen in its feed (storm 61609).
#[test]
fn a_space_that_is_being_left_is_brought_back_to_a_relay_that_lost_its_record() {
    let mut drill = Drill::new(3);
    let space = drill.spaces[0];
    drill.sync(0).expect("syncs");
    let early = drill.back_up();
    let doc = drill.note(0, space);
    drill.write(0, doc);
    drill.sync(0).expect("syncs");
    drill.merge();
    drill.sync(0).expect("syncs");
    drill.put_out(drill.hands[0].member, space);
    exchange_while(&mut drill, |drill| {
        drill.restore(early, true);
        drill.write(0, doc);
    });
    drill.calm();
    drill.judge();
    assert!(drill.lost.is_empty(), "{:?}", drill.lost);
    let record = drill.relay().record();
    let there = record.store().document(doc).expect("is back");
    let reading = read(&there.am, there.kind);
    let text = reading.value["summary"].as_str().unwrap_or_default();
    assert_eq!(text.chars().count(), 2, "{text}");
}

/// A phone had asked about work of a space its person had left, and been answered, but there was more
/// to bring. By the time that was taken, the relay had lost the first (storms 840 and 2108).
#[test]
fn work_of_a_space_that_was_left_is_asked_about_all_at_once_before_the_space_goes() {
    let mut drill = Drill::new(3);
    let space = drill.spaces[0];
    drill.sync(0).expect("syncs");
    let early = drill.back_up();
    drill.put_out(drill.hands[0].member, space);
    let doc = drill.note(0, space);
    drill.write(0, doc);
    // Two of the requests are answered while more is written.
    for writes in [true, false, true] {
        exchange(&mut drill, doc, writes);
    }
    drill.restore(early, true);
    drill.calm();
    drill.judge();
    assert!(drill.lost.is_empty(), "{:?}", drill.lost);
}
