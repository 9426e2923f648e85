//! The checker itself: a good history passes, and each thing that can go wrong, planted into it,
//! is caught and named.

use super::*;
use crate::history::{mark, now_ns};

/// Makes a history of two phones, the office and a relay that work as they should.
#[derive(Default)]
struct Story {
    events: Vec<Event>,
    at: u64,
    op: u64,
}

const DOC: &str = "doc";

impl Story {
    fn tell(&mut self, replica: &str, what: What) {
        self.at += 1_000;
        self.events.push(Event {
            at_ns: self.at,
            replica: replica.to_owned(),
            op: self.op,
            what,
        });
    }

    fn save(&mut self, replica: &str, mark: char, saw: &str) {
        self.op += 1;
        let (doc, saw) = (DOC.to_owned(), saw.to_owned());
        self.tell(replica, What::Saving { doc, mark, saw });
        self.tell(replica, What::Saved { mark });
    }

    fn read(&mut self, replica: &str, marks: &str, seq: Option<u64>) {
        self.op += 1;
        let (doc, marks) = (DOC.to_owned(), marks.to_owned());
        self.tell(replica, What::Reading { doc: doc.clone() });
        self.tell(replica, What::Read { doc, marks, seq });
    }

    fn sync(&mut self, replica: &str, settled: &str) {
        self.op += 1;
        self.tell(replica, What::Syncing);
        self.tell(replica, What::Synced { complete: true });
        if !settled.is_empty() {
            let marks = settled.to_owned();
            let again = marks.clone();
            self.tell(replica, What::Acknowledged { marks });
            self.tell(replica, What::Settled { marks: again });
        }
    }

    fn end(&mut self, replica: &str, marks: &str, digest: &str) {
        self.op += 1;
        let (doc, marks, digest) = (DOC.to_owned(), marks.to_owned(), digest.to_owned());
        self.tell(replica, What::Ending { doc, marks, digest });
        self.tell(replica, What::Ended);
    }
}

/// a by one phone, then b upon it by the other, c beside b by the first, and all see all.
fn good() -> Vec<Event> {
    let mut story = Story::default();
    story.save("one", 'a', "");
    story.sync("one", "a");
    story.sync("two", "");
    story.read("two", "a", Some(1));
    story.save("two", 'b', "a");
    story.read("two", "ab", Some(1));
    story.save("one", 'c', "a");
    story.sync("two", "b");
    story.sync("one", "c");
    story.read("one", "abc", Some(3));
    story.read(OFFICE, "ab", None);
    story.read(OFFICE, "abc", None);
    story.sync("two", "");
    story.read("two", "abc", Some(3));
    for (replica, digest) in [("one", "d"), ("two", "d"), (OFFICE, "")] {
        story.end(replica, "abc", digest);
    }
    story.events
}

fn names(events: &[Event]) -> BTreeSet<&'static str> {
    check(events).iter().map(Fault::name).collect()
}

/// Changes the marks of the n-th read or ending of a replica.
fn change(events: &mut [Event], replica: &str, number: usize, new: &str) {
    let mut all = events.iter_mut().filter(|e| e.replica == replica);
    let mut marks = all.by_ref().filter_map(|event| match &mut event.what {
        What::Read { marks, .. } | What::Ending { marks, .. } => Some(marks),
        What::Saving { .. }
        | What::Saved { .. }
        | What::Reading { .. }
        | What::Syncing
        | What::Synced { .. }
        | What::Acknowledged { .. }
        | What::Settled { .. }
        | What::Failed { .. }
        | What::Gone
        | What::Ended => None,
    });
    *marks.nth(number).expect("there is one") = new.to_owned();
}

fn first_ending(events: &[Event]) -> usize {
    let ends = |event: &Event| matches!(event.what, What::Ending { .. });
    events.iter().position(ends).expect("replicas end")
}

#[test]
fn a_good_history_passes() {
    assert_eq!(check(&good()), BTreeSet::new());
}

#[test]
fn an_acknowledged_mark_that_is_nowhere_at_the_end_is_lost() {
    let mut events = good();
    for (replica, number) in [("one", 1), ("two", 3), (OFFICE, 2)] {
        change(&mut events, replica, number, "ab");
    }
    assert!(check(&events).contains(&Fault::LostAcknowledged('c', "two".into())));
    assert_eq!(names(&events), BTreeSet::from(["lost-acknowledged"]));
}

#[test]
fn a_mark_that_was_only_saved_is_lost_unless_its_phone_is_gone() {
    let mut events = good();
    let told = |e: &Event| {
        let of_c = |marks: &str| marks.contains('c');
        matches!(&e.what, What::Acknowledged { marks } | What::Settled { marks } if of_c(marks))
    };
    events.retain(|event| !told(event));
    for event in &mut events {
        if let What::Read { marks, .. } | What::Ending { marks, .. } = &mut event.what {
            marks.retain(|mark| mark != 'c');
        }
    }
    let lost = check(&events);
    assert!(lost.contains(&Fault::LostSave('c')), "{lost:?}");
    // It was read on the phone that saved it, and not there.
    assert!(names(&events).contains("own-write-missing"));

    let at = first_ending(&events);
    let gone = Event {
        at_ns: events[at].at_ns,
        replica: "one".into(),
        op: 0,
        what: What::Gone,
    };
    events.insert(at, gone);
    assert!(!names(&events).contains("lost-save"));
}

#[test]
fn a_read_without_ones_own_save_is_named() {
    let mut events = good();
    change(&mut events, "two", 1, "a");
    assert_eq!(
        check(&events),
        BTreeSet::from([Fault::OwnWriteMissing('b', "two".into())])
    );
}

#[test]
fn a_read_that_goes_back_is_named() {
    let mut events = good();
    let mut story = Story {
        at: events[first_ending(&events) - 1].at_ns,
        op: 1_000,
        ..Story::default()
    };
    story.read(OFFICE, "ab", None);
    let at = first_ending(&events);
    for event in &mut events[at..] {
        event.at_ns += 10_000;
    }
    events.splice(at..at, story.events);
    assert_eq!(
        check(&events),
        BTreeSet::from([Fault::WentBack('c', OFFICE.into())])
    );
}

#[test]
fn a_read_that_began_before_another_ended_may_show_less() {
    let mut events = good();
    let reads = |e: &Event| e.replica == OFFICE && matches!(e.what, What::Reading { .. });
    let second = events.iter().rposition(reads).expect("there");
    let mut early = events.remove(second);
    // It began before the first one ended, and the first one saw more.
    let first = events.iter().position(reads).expect("there");
    early.at_ns = events[first].at_ns;
    events.insert(first + 1, early);
    change(&mut events, OFFICE, 0, "abc");
    change(&mut events, OFFICE, 1, "ab");
    assert_eq!(check(&events), BTreeSet::new());
}

#[test]
fn a_read_after_a_complete_sync_without_what_was_in_the_feed_is_stale() {
    let mut events = good();
    change(&mut events, "two", 2, "ab");
    assert_eq!(
        check(&events),
        BTreeSet::from([Fault::Stale('c', "two".into())])
    );
}

#[test]
fn an_office_page_that_lags_behind_for_long_is_stale() {
    let mut events = good();
    let late = 2 * OFFICE_LAG_NS;
    let reads = |e: &Event| e.replica == OFFICE && matches!(e.what, What::Reading { .. });
    let second = events.iter().rposition(reads).expect("there");
    for event in &mut events[second..] {
        event.at_ns += late;
    }
    assert_eq!(check(&events), BTreeSet::new());
    change(&mut events, OFFICE, 1, "ab");
    assert_eq!(
        check(&events),
        BTreeSet::from([Fault::Stale('c', OFFICE.into())])
    );
}

#[test]
fn a_mark_without_the_one_it_was_made_upon_is_named() {
    let mut events = good();
    change(&mut events, OFFICE, 0, "b");
    assert_eq!(
        check(&events),
        BTreeSet::from([Fault::CauseMissing('a', 'b', OFFICE.into())])
    );
}

#[test]
fn two_reads_in_different_orders_are_a_cycle() {
    let mut events = good();
    change(&mut events, "one", 0, "acb");
    assert_eq!(names(&events), BTreeSet::from(["order-cycle"]));
}

#[test]
fn a_mark_that_stands_twice_is_named() {
    let mut events = good();
    change(&mut events, "two", 2, "abcc");
    let faults = check(&events);
    assert!(faults.contains(&Fault::Duplicated('c', "two".into())));
}

#[test]
fn replicas_that_end_differently_are_named() {
    let mut events = good();
    change(&mut events, "two", 3, "acb");
    assert!(names(&events).contains("diverged"));

    let mut events = good();
    for event in events.iter_mut().filter(|event| event.replica == "two") {
        if let What::Ending { digest, .. } = &mut event.what {
            *digest = "other".to_owned();
        }
    }
    assert_eq!(
        check(&events),
        BTreeSet::from([Fault::Diverged(DOC.into())])
    );
}

#[test]
fn a_replica_that_has_nothing_of_a_document_at_the_end_is_named() {
    let mut events = good();
    events.retain(|e| !(e.replica == "two" && matches!(e.what, What::Ending { .. })));
    let lost = |mark| Fault::LostAcknowledged(mark, "two".into());
    let mut expected = BTreeSet::from(['a', 'b', 'c'].map(lost));
    expected.insert(Fault::NoEnding("two".into(), DOC.into()));
    assert_eq!(check(&events), expected);
}

#[test]
fn a_newcomer_whose_first_sync_brought_nothing_is_named() {
    let mut story = Story {
        events: good(),
        at: 1_000_000_000,
        op: 1_000,
    };
    story.sync("newcomer", "");
    story.tell("newcomer", What::Ended);
    let lost = |mark| Fault::LostAcknowledged(mark, "newcomer".into());
    let mut expected = BTreeSet::from(['a', 'b', 'c'].map(lost));
    expected.insert(Fault::NoEnding("newcomer".into(), DOC.into()));
    assert_eq!(check(&story.events), expected);
}

#[test]
fn an_office_that_shows_no_document_at_the_end_is_named() {
    let mut events = good();
    events.retain(|e| !(e.replica == OFFICE && matches!(e.what, What::Ending { .. })));
    assert!(check(&events).contains(&Fault::NoEnding(OFFICE.into(), DOC.into())));
}

#[test]
fn a_replica_that_is_not_gone_and_never_told_to_the_end_is_named() {
    let mut events = good();
    // It told of its only document and stopped there: there may have been more.
    events.retain(|e| !(e.replica == "two" && e.what == What::Ended));
    assert_eq!(
        check(&events),
        BTreeSet::from([Fault::NotEnded("two".into())])
    );
    let gone = Event {
        what: What::Gone,
        replica: "two".into(),
        ..events.last().expect("some").clone()
    };
    events.push(gone);
    assert_eq!(check(&events), BTreeSet::new());
}

#[test]
fn how_far_the_office_was_behind_is_measured() {
    let mut events = good();
    assert_eq!(office_lag_ns(&events), 3_000);
    change(&mut events, OFFICE, 0, "abc");
    assert_eq!(office_lag_ns(&events), 0);
}

#[test]
fn a_mark_nobody_saved_is_named() {
    let mut events = good();
    change(&mut events, OFFICE, 1, "abcx");
    assert_eq!(check(&events), BTreeSet::from([Fault::Unheard('x')]));
}

#[test]
fn an_acknowledgement_of_what_nobody_saved_is_named() {
    let mut events = good();
    let acknowledges = |e: &Event| matches!(e.what, What::Acknowledged { .. });
    let first = events.iter_mut().find(|e| acknowledges(e)).expect("one");
    first.what = What::Acknowledged { marks: "y".into() };
    assert_eq!(check(&events), BTreeSet::from([Fault::Unheard('y')]));
}

#[test]
fn a_cursor_that_goes_back_is_named() {
    let mut events = good();
    let reads = events.iter_mut().filter(|event| event.replica == "two");
    let mut seqs = reads.filter_map(|event| {
        if let What::Read { seq, .. } = &mut event.what {
            Some(seq)
        } else {
            None
        }
    });
    *seqs.nth(2).expect("three reads") = Some(0);
    assert_eq!(
        check(&events),
        BTreeSet::from([Fault::CursorWentBack("two".into())])
    );
}

#[test]
fn a_history_survives_its_file() {
    let events = good();
    let mut file = Vec::new();
    for event in &events {
        crate::history::write(event, &mut file).expect("writes");
    }
    let again = crate::history::read(&file[..]).expect("reads");
    assert_eq!(again, events);
    assert!(now_ns() > 0);
}

#[test]
fn every_mark_is_one_letter_of_its_own() {
    let all: Vec<char> = (0..).map_while(mark).collect();
    assert!(all.len() > 60_000);
    for (number, letter) in (0..).zip(&all) {
        assert_eq!(crate::history::number_of(*letter), Some(number));
    }
    assert_eq!(crate::history::number_of('ä'), None);
}
