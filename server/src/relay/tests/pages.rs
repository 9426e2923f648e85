//! What devices get, and how little when there is nothing.

use serde_json::json;
use sopu_core::encoding::decode_changes;
use sopu_core::envelope::{digest, encode};
use sopu_core::guard::Limits;
use sopu_core::id::Hash;
use sopu_core::wire::{Cursors, Entry, FirstSync, SyncRequest, token};

use super::world::{DAY, World, step};
use crate::access::Role;
use crate::relay::is_empty;

#[test]
fn a_first_sync_brings_packs_then_proofs_that_fit_them() {
    let mut world = World::new();
    let phone = world.phone(Role::Field);
    let mut notes = Vec::new();
    for n in 0..5 {
        let (mut note, sealed) = phone.note(world.space, &format!("n{n}"));
        world.feed(&phone, &sealed);
        let more = note.write(&phone, json!({ "tags": [format!("n{n}"), "x"] }));
        world.feed(&phone, &more);
        notes.push(note);
    }
    let reader = world.phone(Role::Reader);
    let responses = world.pull_all(&reader);
    assert_eq!(responses[0].spaces.len(), 1, "joined");
    let pages: Vec<_> = responses.iter().flat_map(|r| &r.pages).collect();
    assert!(
        pages[0]
            .roster
            .as_ref()
            .is_some_and(|roster| roster.len() == 2)
    );
    let packs: Vec<_> = pages.iter().flat_map(|page| &page.packs).collect();
    assert_eq!(packs.len(), 5);
    assert!(
        packs
            .windows(2)
            .all(|pair| pair[0].last_seq > pair[1].last_seq),
        "newest first"
    );
    let proofs: Vec<_> = pages.iter().flat_map(|page| &page.proofs).collect();
    assert_eq!(
        proofs.iter().map(|proof| proof.seq).collect::<Vec<_>>(),
        (1..=10).collect::<Vec<_>>()
    );
    for pack in packs {
        let changes = decode_changes(&pack.changes, &Limits::RELAY).unwrap();
        assert_eq!(pack.counts, [1, 1]);
        let hashes: Vec<Hash> = changes
            .iter()
            .map(|bytes| {
                automerge::Change::from_bytes(bytes.clone())
                    .unwrap()
                    .hash()
                    .into()
            })
            .collect();
        let mine = proofs.iter().filter(|proof| {
            let header: sopu_core::envelope::Header =
                sopu_core::envelope::decode(&proof.header).unwrap();
            header.doc == pack.doc
        });
        for (proof, hash) in mine.zip(&hashes) {
            let proof = sopu_core::envelope::Proof {
                header: proof.header.clone(),
                signature: proof.signature,
                digest: digest(&[*hash]),
            };
            assert!(proof.verify(&phone.key.verifying_key()));
        }
    }
    assert_eq!(pages.last().unwrap().to.first, None, "complete");
}

#[test]
fn small_pages_add_up_to_the_same_and_later_entries_wait_for_the_first_sync() {
    let mut world = World::new();
    let phone = world.phone(Role::Field);
    for n in 0..6 {
        let (_, sealed) = phone.note(world.space, &format!("n{n}"));
        world.feed(&phone, &sealed);
    }
    let reader = world.phone(Role::Reader);
    let mut vector = Vec::new();
    let (mut packs, mut proofs, mut entries) = (0, 0, Vec::new());
    for round in 0..40 {
        let request = SyncRequest {
            cursors: Cursors::Vector(vector.clone()),
            max_bytes: 1,
            ..reader.request()
        };
        let response = world.relay.sync(&reader.token, &request).unwrap();
        if round == 2 {
            let (_, sealed) = phone.note(world.space, "meanwhile");
            world.feed(&phone, &sealed);
        }
        for page in &response.pages {
            packs += page.packs.len();
            proofs += page.proofs.len();
            if let Some(FirstSync::Documents { at, .. } | FirstSync::Proofs { at, .. }) =
                page.to.first
            {
                assert_eq!(at, 6, "fixed");
                assert!(page.entries.is_empty());
            }
            entries.extend(page.entries.iter().map(Entry::seq));
        }
        step(&mut vector, &response);
        if !response.more {
            break;
        }
    }
    assert_eq!((packs, proofs, entries), (6, 6, vec![7]));
}

/// The newest of a space that comes late in the order used to wait until all others were complete,
/// signatures included.
#[test]
fn a_first_sync_begins_in_every_space_before_it_ends_in_any() {
    let mut world = World::new();
    let member = world.member(Role::Field);
    let spaces = [world.space, world.second_space(), world.second_space()];
    for space in &spaces[1..] {
        world.grant(*space, member, Role::Field, None);
    }
    let phone = world.phone_of(member);
    for n in 0..12 {
        for space in spaces {
            let (_, sealed) = phone.note(space, &format!("n{n}"));
            world.feed(&phone, &sealed);
        }
    }
    let reader = world.phone_of(member);
    let request = SyncRequest {
        max_bytes: 3_000,
        ..reader.request()
    };
    let response = world.relay.sync(&reader.token, &request).unwrap();
    assert!(response.more);
    for space in spaces {
        let page = response.pages.iter().find(|page| page.to.space == space);
        let packs = &page.expect("a page of each space").packs;
        assert_eq!(packs.first().map(|pack| pack.last_seq), Some(12));
        assert!(packs.len() < 12);
    }
    let all = world.pull_all(&reader);
    let pages = all.iter().flat_map(|response| &response.pages);
    let proofs: usize = pages.map(|page| page.proofs.len()).sum();
    assert_eq!(proofs, 36, "and it ends");
}

#[test]
fn without_news_a_token_is_answered_with_nothing() {
    let mut world = World::new();
    let phone = world.phone(Role::Field);
    let (_, sealed) = phone.note(world.space, "a");
    world.feed(&phone, &sealed);
    let mut vector = Vec::new();
    step(&mut vector, &world.pull(&phone, &[]));
    let request = SyncRequest {
        cursors: Cursors::Token(token(&vector)),
        ..phone.request()
    };
    let response = world.relay.sync(&phone.token, &request).unwrap();
    assert!(is_empty(&response), "{response:?}");
    assert!(encode(&response).len() < 40, "{}", encode(&response).len());
    // Confirmed by use: from here on both vectors are known.
    let (_, sealed) = phone.note(world.space, "b");
    world.feed(&phone, &sealed);
    let news = world.relay.sync(&phone.token, &request).unwrap();
    assert!(matches!(
        news.pages[0].entries[..],
        [Entry::Own { seq: 2, .. }]
    ));
    // The answer was lost: the old token still holds.
    let again = world.relay.sync(&phone.token, &request).unwrap();
    assert_eq!(again.pages, news.pages);
    step(&mut vector, &again);
    let request = SyncRequest {
        cursors: Cursors::Token(token(&vector)),
        ..phone.request()
    };
    assert!(is_empty(&world.relay.sync(&phone.token, &request).unwrap()));
    let stranger = SyncRequest {
        cursors: Cursors::Token([7; 16]),
        ..phone.request()
    };
    assert!(
        world
            .relay
            .sync(&phone.token, &stranger)
            .unwrap()
            .need_vector
    );
}

#[test]
fn ones_own_entries_are_stubs_but_not_for_a_restored_installation() {
    let mut world = World::new();
    let mut phone = world.phone(Role::Field);
    let mut vector = Vec::new();
    step(&mut vector, &world.pull(&phone, &[]));
    let (_, sealed) = phone.note(world.space, "a");
    world.feed(&phone, &sealed);
    let page = &world.pull(&phone, &vector).pages[0];
    assert!(matches!(page.entries[..], [Entry::Own { seq: 1, .. }]));
    phone.instance = [2; 16];
    let page = &world.pull(&phone, &vector).pages[0];
    assert!(matches!(page.entries[..], [Entry::Envelope { seq: 1, .. }]));
}

#[test]
fn leaving_a_space_is_told_once_and_the_roster_tells_the_others() {
    let mut world = World::new();
    let (phone, other) = (world.phone(Role::Field), world.phone(Role::Field));
    let (mut vector, mut theirs) = (Vec::new(), Vec::new());
    step(&mut vector, &world.pull(&phone, &[]));
    step(&mut theirs, &world.pull(&other, &[]));
    world.later(1_000);
    world.remove(world.space, phone.member);
    let response = world.pull(&phone, &vector);
    assert_eq!(response.spaces[0].standing, None);
    assert!(response.pages.is_empty());
    step(&mut vector, &response);
    assert_eq!(vector, []);
    assert!(is_empty(&world.pull(&phone, &vector)), "told once");
    let response = world.pull(&other, &theirs);
    let roster = response.pages[0].roster.as_ref().unwrap();
    let row = roster.iter().find(|row| row.device == phone.id).unwrap();
    assert_eq!(row.role, "", "left, but the key stays");
}

#[test]
fn a_window_that_closes_by_itself_ends_the_standing() {
    let mut world = World::new();
    let member = world.person();
    let end = world.now() + DAY;
    world.grant(world.space, member, Role::Field, Some(end));
    let phone = world.phone_of(member);
    let mut vector = Vec::new();
    let response = world.pull(&phone, &[]);
    assert_eq!(
        response.spaces[0].standing.as_ref().unwrap().until_ms,
        Some(end)
    );
    step(&mut vector, &response);
    assert!(is_empty(&world.pull(&phone, &vector)));
    world.later(DAY);
    assert_eq!(world.pull(&phone, &vector).spaces[0].standing, None);
}

#[test]
fn nobody_gets_a_page_of_a_space_they_are_not_in() {
    let mut world = World::new();
    let phone = world.phone(Role::Field);
    let (_, sealed) = phone.note(world.space, "a");
    world.feed(&phone, &sealed);
    let vector = {
        let mut vector = Vec::new();
        step(&mut vector, &world.pull(&phone, &[]));
        vector
    };
    let stranger = world.person();
    let stranger = world.phone_of(stranger);
    let response = world.pull(&stranger, &[]);
    assert!(is_empty(&response));
    // Even with somebody else's cursor.
    let response = world.pull(&stranger, &vector);
    assert!(response.pages.is_empty());
    assert_eq!(response.spaces[0].standing, None);
}

#[test]
fn an_invented_cursor_sends_the_device_back_to_first_sync_and_changes_nothing_else() {
    let mut world = World::new();
    let phone = world.phone(Role::Field);
    let (_, sealed) = phone.note(world.space, "a");
    world.feed(&phone, &sealed);
    let mut vector = Vec::new();
    step(&mut vector, &world.pull(&phone, &[]));
    let before = world.fingerprint();
    let mut forged = vector.clone();
    forged[0].seq = 99;
    let page = &world.pull(&phone, &forged).pages[0];
    assert_eq!(page.from.as_ref(), Some(&forged[0]));
    assert_eq!((page.packs.len(), page.cut), (1, None));
    assert_eq!(world.fingerprint(), before, "no new generation");
}
