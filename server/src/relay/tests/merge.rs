//! Order, dependencies, replays, the crash breaker, contract numbers, the merged record.

use serde_json::json;
use sopu_core::documents::Kind;
use sopu_core::id::EnvelopeId;
use sopu_core::store::view;
use sopu_core::wire::{Entry, Notice, NoticeKind, Status, Verdict};

use super::world::{Note, World};
use crate::access::Role;
use crate::merge::breaker;
use crate::relay::lock;

#[test]
fn what_depends_on_something_missing_waits_and_follows_it_into_the_feed() {
    let mut world = World::new();
    let phone = world.phone(Role::Field);
    let (mut note, first) = phone.note(world.space, "a");
    let second = note.write(&phone, json!({ "tags": ["a", "b"] }));
    let third = note.write(&phone, json!({ "tags": ["a", "b", "c"] }));
    assert_eq!(
        world.feed(&phone, &third),
        Verdict::Held("dependency_missing".into())
    );
    assert_eq!(
        world.feed(&phone, &second),
        Verdict::Held("dependency_missing".into())
    );
    assert_eq!(world.feed(&phone, &first), Verdict::Fed(1));
    assert_eq!(world.state(second.proof.id()), Verdict::Fed(2));
    assert_eq!(world.state(third.proof.id()), Verdict::Fed(3));
}

#[test]
fn a_whole_day_in_one_push_gets_places_in_order() {
    let mut world = World::new();
    let phone = world.phone(Role::Field);
    let mut note = Note::new(&phone, world.space, Kind::VisitNote);
    let all: Vec<_> = (0..100)
        .map(|n| note.write(&phone, json!({ "tags": [n.to_string()] })))
        .collect();
    let envelopes: Vec<_> = all.iter().map(|sealed| &sealed.envelope).collect();
    assert_eq!(world.push(&phone, &envelopes), vec![Verdict::Waiting; 100]);
    world.relay.merge_all().unwrap();
    for (n, sealed) in (1..).zip(&all) {
        assert_eq!(world.state(sealed.proof.id()), Verdict::Fed(n));
    }
}

#[test]
fn a_final_refusal_takes_along_what_depends_on_it_and_the_device_is_told() {
    let mut world = World::new();
    let phone = world.phone(Role::Field);
    let (note, first) = phone.note(world.space, "a");
    world.feed(&phone, &first);
    let (mut one, mut two) = (note.clone(), note);
    let taken = one.write(&phone, json!({ "tags": ["a", "b"] }));
    let fork = two.write(&phone, json!({ "tags": ["a", "c"] }));
    let after = two.write(&phone, json!({ "tags": ["a", "c", "d"] }));
    world.feed(&phone, &taken);
    // Seen before what it depends on: it waits.
    assert_eq!(
        world.feed(&phone, &after),
        Verdict::Held("dependency_missing".into())
    );
    assert_eq!(world.feed(&phone, &fork), Verdict::Final("fork".into()));
    world.relay.release(after.proof.id()).unwrap();
    world.relay.merge_all().unwrap();
    assert_eq!(
        world.state(after.proof.id()),
        Verdict::Final("depends_on_final".into())
    );
    let news = world.pull(&phone, &[]).status;
    assert!(news.iter().any(|news| news.id == after.proof.id()
        && news.status == Status::Verdict(Verdict::Final("depends_on_final".into()))));
}

#[test]
fn a_replay_retires_what_it_replaces_also_when_that_comes_later() {
    let mut world = World::new();
    let phone = world.phone(Role::Field);
    let (mut note, first) = phone.note(world.space, "a");
    world.feed(&phone, &first);
    let base = note.clone();
    let old = note.write(&phone, json!({ "tags": ["a", "b"] }));
    let later = note.write(&phone, json!({ "tags": ["a", "b", "c"] }));
    // `later` is on the relay, `old` was never sent.
    assert_eq!(
        world.feed(&phone, &later),
        Verdict::Held("dependency_missing".into())
    );
    phone.new_epoch();
    let mut rebuilt = base;
    let replaces = vec![old.proof.id(), later.proof.id()];
    let replay = rebuilt.write_replacing(&phone, json!({ "tags": ["a", "b", "c"] }), replaces);
    assert_eq!(world.feed(&phone, &replay), Verdict::Fed(2));
    assert_eq!(
        world.state(later.proof.id()),
        Verdict::Final("replaced".into())
    );
    assert_eq!(world.feed(&phone, &old), Verdict::Final("replaced".into()));
}

#[test]
fn a_replay_of_what_is_in_the_feed_is_refused_so_nothing_enters_twice() {
    let mut world = World::new();
    let phone = world.phone(Role::Field);
    let (note, first) = phone.note(world.space, "a");
    world.feed(&phone, &first);
    phone.new_epoch();
    let mut rebuilt = Note {
        am: sopu_core::genesis::genesis(Kind::VisitNote).document(),
        ..note
    };
    let replay = rebuilt.write_replacing(&phone, json!({ "tags": ["a"] }), vec![first.proof.id()]);
    assert_eq!(
        world.feed(&phone, &replay),
        Verdict::Final("replay_of_fed".into())
    );
}

#[test]
fn a_change_made_again_by_its_name_enters_once_whatever_envelopes_its_copies_seal() {
    let mut world = World::new();
    let phone = world.phone(Role::Field);
    let (mut note, first) = phone.note(world.space, "a");
    world.feed(&phone, &first);
    let base = note.clone();
    let old = note.write(&phone, json!({ "tags": ["a", "b"] }));
    let name = EnvelopeId::of_change(note.id, old.hashes[0]);
    let again = |value: serde_json::Value, named: EnvelopeId| {
        phone.new_epoch();
        let mut rebuilt = base.clone();
        rebuilt.write_replacing(&phone, value, vec![named])
    };
    let replay = again(json!({ "tags": ["a", "b"] }), name);
    let second = again(json!({ "tags": ["a", "b", "c"] }), name);
    let of_first = EnvelopeId::of_change(note.id, first.hashes[0]);
    let of_fed = again(json!({ "tags": ["d"] }), of_first);
    assert_eq!(world.feed(&phone, &replay), Verdict::Fed(2));
    // Another copy's replay, the change itself, and a replay of what is in the feed.
    let refused = Verdict::Final("replay_of_fed".into());
    assert_eq!(world.feed(&phone, &second), refused);
    assert_eq!(world.feed(&phone, &old), Verdict::Final("replaced".into()));
    assert_eq!(world.feed(&phone, &of_fed), refused);
}

#[test]
fn nobody_retires_the_work_of_someone_else() {
    let mut world = World::new();
    let (phone, other) = (world.phone(Role::Field), world.phone(Role::Field));
    let (note, first) = phone.note(world.space, "a");
    let mut theirs = Note {
        am: sopu_core::genesis::genesis(Kind::VisitNote).document(),
        ..note
    };
    let hostile = theirs.write_replacing(&other, json!({ "tags": ["x"] }), vec![first.proof.id()]);
    world.push(&phone, &[&first.envelope]);
    // Before the victim's was merged: both wait in one step, in order; so it is in the feed first.
    assert_eq!(
        world.feed(&other, &hostile),
        Verdict::Final("replay_of_fed".into())
    );
    assert_eq!(world.state(first.proof.id()), Verdict::Fed(1));

    let late = world.phone(Role::Reader);
    let (note, held) = late.note(world.space, "h");
    assert_eq!(
        world.feed(&late, &held),
        Verdict::Held("right_missing".into())
    );
    let mut theirs = Note {
        am: sopu_core::genesis::genesis(Kind::VisitNote).document(),
        ..note
    };
    let hostile = theirs.write_replacing(&other, json!({ "tags": ["x"] }), vec![held.proof.id()]);
    assert_eq!(
        world.feed(&other, &hostile),
        Verdict::Held("replaces_foreign".into())
    );
    assert_eq!(
        world.state(held.proof.id()),
        Verdict::Held("right_missing".into())
    );
}

#[test]
fn a_run_that_kills_the_process_three_times_is_isolated_until_another_version_comes() {
    let mut world = World::new();
    let phone = world.phone(Role::Field);
    let (_, bad) = phone.note(world.space, "a");
    let (_, good) = phone.note(world.space, "b");
    world.push(&phone, &[&bad.envelope, &good.envelope]);
    // Died with two under the mark: neither is blamed, they are tried one by one from now on.
    world = die(world, &[1, 2]);
    for _ in 0..3 {
        assert_eq!(world.state(bad.proof.id()), Verdict::Waiting);
        world = die(world, &[1]);
    }
    assert_eq!(
        world.state(bad.proof.id()),
        Verdict::Held("isolated".into())
    );
    world.relay.merge_all().unwrap();
    assert_eq!(
        world.state(good.proof.id()),
        Verdict::Fed(1),
        "the rest goes on"
    );

    lock(&world.relay.merger)
        .recover(&world.relay.commits, world.now())
        .unwrap();
    assert_eq!(
        world.state(bad.proof.id()),
        Verdict::Held("isolated".into()),
        "the same version"
    );
    crate::merge::Merger::new([0; 16], "another")
        .recover(&world.relay.commits, world.now())
        .unwrap();
    world.relay.merge_all().unwrap();
    assert_eq!(world.state(bad.proof.id()), Verdict::Fed(2));
}

#[test]
fn each_trial_shows_that_it_is_under_way() {
    let mut world = World::new();
    let phone = world.phone(Role::Field);
    let (_, first) = phone.note(world.space, "a");
    let (_, second) = phone.note(world.space, "b");
    world.push(&phone, &[&first.envelope, &second.envelope]);
    world.relay.merge_all().unwrap();

    let pulse = lock(&world.relay.merger).pulse();
    assert_eq!(pulse.trial(), None, "and when it is over");
    let _third = pulse.begin();
    assert_eq!(pulse.trial(), Some(3));
}

/// As a process that dies while it tries these.
fn die(world: World, arrivals: &[i64]) -> World {
    let arrivals = arrivals.to_vec();
    let commits = &world.relay.commits;
    commits
        .write(move |s| breaker::mark(s, &arrivals, env!("CARGO_PKG_VERSION")))
        .unwrap();
    world.reopen()
}

/// As after three deaths while it was tried alone.
fn isolated(world: World, arrival: i64) -> World {
    (0..3).fold(world, |world, _| die(world, &[arrival]))
}

/// Three power cuts hit the same run, which was alone under the mark each time (storm 338717).
#[test]
fn what_was_isolated_without_being_to_blame_gets_in_by_itself() {
    let mut world = World::new();
    let phone = world.phone(Role::Field);
    let (mut note, first) = phone.note(world.space, "a");
    let second = note.write(&phone, json!({ "tags": ["a", "b"] }));
    world.push(&phone, &[&first.envelope, &second.envelope]);
    world = isolated(world, 1);
    world.relay.merge_all().unwrap();
    world.later(breaker::REST_MS - 60_000);
    world.relay.merge_all().unwrap();
    let states = |world: &World| [&first, &second].map(|sealed| world.state(sealed.proof.id()));
    let held = |why: &str| Verdict::Held(why.into());
    assert_eq!(
        states(&world),
        [held("isolated"), held("dependency_missing")]
    );
    world = world.reopen();
    world.later(60_000);
    world.relay.merge_all().unwrap();
    assert_eq!(states(&world), [Verdict::Fed(1), Verdict::Fed(2)]);
}

#[test]
fn what_kills_again_rests_twice_as_long_and_no_two_are_tried_within_an_hour() {
    let mut world = World::new();
    let phone = world.phone(Role::Field);
    let both = ["a", "b"].map(|text| phone.note(world.space, text).1);
    let envelopes = both.each_ref().map(|sealed| &sealed.envelope);
    world.push(&phone, &envelopes);
    world = isolated(isolated(world, 1), 2);
    let isolated = || Verdict::Held("isolated".into());
    let states = |world: &World| both.each_ref().map(|sealed| world.state(sealed.proof.id()));
    assert_eq!(states(&world), [isolated(), isolated()]);
    // The first kills again when it is tried.
    world.later(breaker::REST_MS);
    let now_ms = world.now();
    let commits = &world.relay.commits;
    commits
        .write(move |s| breaker::try_again(s, now_ms))
        .unwrap();
    assert_eq!(states(&world), [Verdict::Waiting, isolated()]);
    world = die(world, &[1]);
    world.relay.merge_all().unwrap();
    assert_eq!(states(&world), [isolated(), isolated()]);
    world.later(breaker::REST_MS);
    world.relay.merge_all().unwrap();
    assert_eq!(states(&world), [isolated(), Verdict::Fed(1)]);
    world.later(breaker::REST_MS);
    world.relay.merge_all().unwrap();
    assert_eq!(states(&world), [Verdict::Fed(2), Verdict::Fed(1)]);
}

#[test]
fn what_kills_each_time_is_tried_five_times_more_and_then_by_another_version() {
    let mut world = World::new();
    let phone = world.phone(Role::Field);
    let (_, bad) = phone.note(world.space, "a");
    world.push(&phone, &[&bad.envelope]);
    world = isolated(world, 1);
    let mut retries = 0;
    for _ in 0..200 {
        world.later(breaker::REST_MS);
        let now_ms = world.now();
        let commits = &world.relay.commits;
        commits
            .write(move |s| breaker::try_again(s, now_ms))
            .unwrap();
        if world.state(bad.proof.id()) == Verdict::Waiting {
            retries += 1;
            world = die(world, &[1]);
        }
    }
    assert_eq!(retries, 5);
    assert_eq!(
        world.state(bad.proof.id()),
        Verdict::Held("isolated".into())
    );
    let other =
        crate::merge::Merger::new([0; 16], "another").recover(&world.relay.commits, world.now());
    other.unwrap();
    world.relay.merge_all().unwrap();
    assert_eq!(world.state(bad.proof.id()), Verdict::Fed(1));
}

#[test]
fn a_list_of_what_rests_that_cannot_be_read_stops_nothing_and_is_made_again() {
    let mut world = World::new();
    let phone = world.phone(Role::Field);
    let (_, sealed) = phone.note(world.space, "a");
    world.push(&phone, &[&sealed.envelope]);
    world = isolated(world, 1);
    let commits = &world.relay.commits;
    commits
        .write(|s| s.set_meta("merge.resting", Some(b"what")))
        .unwrap();
    world.later(breaker::REST_MS);
    world.relay.merge_all().unwrap();
    world = world.reopen();
    world.later(breaker::REST_MS);
    world.relay.merge_all().unwrap();
    assert_eq!(world.state(sealed.proof.id()), Verdict::Fed(1));
}

/// The clock was far ahead when one was tried again, and came back.
#[test]
fn a_clock_that_comes_back_leaves_an_hour_between_two() {
    let mut world = World::new();
    let phone = world.phone(Role::Field);
    let three = ["a", "b", "c"].map(|text| phone.note(world.space, text).1);
    world.push(&phone, &three.each_ref().map(|sealed| &sealed.envelope));
    world = [1, 2, 3].into_iter().fold(world, isolated);
    let again = |world: &World, now_ms: i64| {
        let commits = &world.relay.commits;
        commits
            .write(move |s| breaker::try_again(s, now_ms))
            .unwrap();
        let states = three
            .each_ref()
            .map(|sealed| world.state(sealed.proof.id()));
        states
            .iter()
            .filter(|state| **state == Verdict::Waiting)
            .count()
    };
    let year_ms = 365 * 24 * breaker::REST_MS;
    assert_eq!(again(&world, world.now() + year_ms), 1);
    assert_eq!(again(&world, world.now()), 2);
    assert_eq!(again(&world, world.now() + 60_000), 2, "not before an hour");
    assert_eq!(again(&world, world.now() + breaker::REST_MS), 3);
}

#[test]
fn a_kill_while_nothing_is_tried_blames_nobody() {
    let mut world = World::new();
    let phone = world.phone(Role::Field);
    for _ in 0..5 {
        let (_, sealed) = phone.note(world.space, "a");
        world.push(&phone, &[&sealed.envelope]);
        world = world.reopen();
    }
    world.relay.merge_all().unwrap();
    assert_eq!(world.relay.quarantine(10).unwrap(), []);
}

#[test]
fn a_contract_gets_its_number_once_when_it_is_offered() {
    let mut world = World::new();
    let phone = world.phone(Role::Field);
    let mut contract = Note::new(&phone, world.space, Kind::Contract);
    let draft = contract.write(&phone, json!({ "title": "Siivous", "status": "draft" }));
    assert_eq!(world.feed(&phone, &draft), Verdict::Fed(1));
    let offered = contract.write(&phone, json!({ "title": "Siivous", "status": "offered" }));
    assert_eq!(world.feed(&phone, &offered), Verdict::Fed(2));
    let edited = contract.write(
        &phone,
        json!({ "title": "Siivous ja ateriat", "status": "offered" }),
    );
    assert_eq!(
        world.feed(&phone, &edited),
        Verdict::Fed(4),
        "after the notice at 3"
    );
    let mut other = Note::new(&phone, world.space, Kind::Contract);
    let other = other.write(&phone, json!({ "title": "Toinen", "status": "offered" }));
    world.feed(&phone, &other);

    let reader = world.phone(Role::Reader);
    let mut numbers = Vec::new();
    for (page, response) in world
        .pull_all(&reader)
        .iter()
        .flat_map(|r| r.pages.iter().map(move |p| (p, r)))
    {
        assert!(
            page.entries
                .iter()
                .all(|entry| !matches!(entry, Entry::Own { .. })),
            "{response:?}"
        );
        for proof in page.proofs.iter().filter(|proof| proof.special.is_some()) {
            let notice: Notice = sopu_core::envelope::decode(&proof.header).unwrap();
            if let NoticeKind::ContractNumber(number) = notice.what {
                numbers.push((proof.seq, number));
            }
        }
    }
    assert_eq!(
        numbers,
        [
            (3, "SO-2026-00001".to_owned()),
            (6, "SO-2026-00002".to_owned())
        ]
    );
}

#[test]
fn the_merged_record_follows_the_feed_and_can_be_rebuilt_from_it() {
    let mut world = World::new();
    let phone = world.phone(Role::Field);
    let (mut note, first) = phone.note(world.space, "a");
    world.feed(&phone, &first);
    let second = note.write(&phone, json!({ "tags": ["a", "b"] }));
    world.feed(&phone, &second);
    let tags = |world: &World| {
        let record = world.relay.record();
        let view = view::get(record.store().conn(), note.id).unwrap().unwrap();
        (view.reading.value["tags"].clone(), view.changed_by)
    };
    assert_eq!(tags(&world), (json!(["a", "b"]), Some(phone.member)));
    let path = world.folder.join(crate::relay::RECORD);
    drop(world.relay);
    for ending in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{ending}", path.display()));
    }
    let relay = crate::relay::Relay::open(&world.folder, world.clock.clone()).unwrap();
    let record = relay.record();
    let view = view::get(record.store().conn(), note.id).unwrap().unwrap();
    assert_eq!(view.reading.value["tags"], json!(["a", "b"]));
}
