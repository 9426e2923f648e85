//! A relay that came back from a backup.

use sopu_core::envelope::{Envelope, decode, encode};
use sopu_core::id::{EnvelopeId, MemberId};
use sopu_core::store::view;
use sopu_core::wire::{Cursor, Cursors, Cut, Entry, Offer, Status, SyncRequest, Verdict, token};

use super::world::{Phone, World, step};
use crate::access::{Role, people};
use crate::api::Problem;
use crate::ledger::{Ledger, Line};
use crate::relay::LEDGER;

#[test]
fn a_restored_relay_begins_a_new_generation_and_takes_offers_back() {
    let mut world = World::new();
    let (phone, other) = (world.phone(Role::Field), world.phone(Role::Field));
    let (_, kept) = phone.note(world.space, "kept");
    world.feed(&phone, &kept);
    let mut world = world.backup();
    let (_, lost) = phone.note(world.space, "lost");
    world.feed(&phone, &lost);
    let mut vector = Vec::new();
    for response in world.pull_all(&other) {
        step(&mut vector, &response);
    }
    let Entry::Envelope {
        envelope, accept, ..
    } = entry_of(&world, &other)
    else {
        panic!("an envelope")
    };
    let before = vector[0].clone();
    world = world.restore();

    let response = world.pull(&other, &vector);
    let page = &response.pages[0];
    assert_eq!(
        page.cut,
        Some(Cut {
            generation: before.generation,
            seq: 1,
            hash: hash_at(&world, 1),
        })
    );
    assert_eq!((page.from.as_ref(), page.to.seq), (Some(&before), 1));
    assert_ne!(page.to.generation, before.generation);
    assert!(page.entries.is_empty());

    // Whoever holds it brings it back, though the signer was removed meanwhile.
    world.later(1_000);
    world.remove(world.space, phone.member);
    let offer = |accept| SyncRequest {
        offers: vec![Offer::Envelope {
            envelope: envelope.clone(),
            accept,
        }],
        ..other.request()
    };
    let forged = world.relay.sync(&other.token, &offer([3; 16])).unwrap();
    let refused = Verdict::Refused("not_accepted_before".into());
    assert_eq!(forged.offered, [refused], "without the tag it is no offer");
    assert_eq!(
        world
            .relay
            .sync(&other.token, &offer(accept))
            .unwrap()
            .offered,
        [Verdict::Waiting]
    );
    world.relay.merge_all().unwrap();
    assert_eq!(world.state(lost.proof.id()), Verdict::Fed(2));
    assert_eq!(
        world
            .relay
            .sync(&other.token, &offer(accept))
            .unwrap()
            .offered,
        [Verdict::Fed(2)],
        "again"
    );
}

fn hash_at(world: &World, seq: u64) -> [u8; 32] {
    let read = world
        .relay
        .commits
        .read(|store| store.hash_at(world.space, seq));
    read.unwrap().unwrap()
}

/// The last entry as someone gets it who has all but that.
fn entry_of(world: &World, phone: &Phone) -> Entry {
    let keys = &world.relay.keys;
    let at = world.relay.commits.read(|store| {
        let generation = *crate::feed::cursor::generations(store, keys, world.space)?
            .last()
            .unwrap();
        let hash = store.hash_at(world.space, 1)?.unwrap();
        let roster = store.space(world.space, world.now())?.unwrap().roster;
        let head = crate::store::Head { seq: 1, hash };
        Ok(crate::feed::cursor::cursor_at(
            keys,
            world.space,
            &generation,
            head,
            roster,
        ))
    });
    world.pull(phone, &[at.unwrap()]).pages[0].entries[0].clone()
}

#[test]
fn a_cursor_beyond_the_feed_begins_a_new_generation_even_if_the_ledger_noticed_nothing() {
    let mut world = World::new();
    let phone = world.phone(Role::Field);
    let (_, kept) = phone.note(world.space, "kept");
    world.feed(&phone, &kept);
    let mut vector = Vec::new();
    let (_, lost) = phone.note(world.space, "lost");
    world.feed(&phone, &lost);
    step(&mut vector, &world.pull(&phone, &[]));
    world
        .db
        .execute_batch("DELETE FROM feed WHERE seq = 2")
        .unwrap();
    let hash: Vec<u8> = world
        .db
        .query_row("SELECT hash FROM feed WHERE seq = 1", [], |r| r.get(0))
        .unwrap();
    world
        .db
        .execute("UPDATE feed_head SET seq = 1, hash = ?", [hash])
        .unwrap();
    let page = &world.pull(&phone, &vector).pages[0];
    assert_eq!(page.cut.map(|cut| cut.seq), Some(1));
    let number: i64 = world
        .db
        .query_row("SELECT count(*) FROM generation", [], |r| r.get(0))
        .unwrap();
    assert_eq!(number, 1);
    let response = world.pull(&phone, &vector);
    step(&mut vector, &response);
    assert!(
        crate::relay::is_empty(&world.pull(&phone, &vector)),
        "and then there is peace"
    );
}

#[test]
fn a_device_revoked_after_the_backup_stays_revoked_and_one_enrolled_after_it_stays_enrolled() {
    let mut world = World::new();
    let phone = world.phone(Role::Field);
    let mut world = world.backup();
    world.relay.revoke(phone.id).unwrap();
    let done = SyncRequest {
        done: vec![sopu_core::wire::OrderDone { number: 1 }],
        ..phone.request()
    };
    world.relay.sync(&phone.token, &phone.request()).unwrap();
    world.relay.sync(&phone.token, &done).unwrap();
    assert_eq!(
        world
            .relay
            .sync(&phone.token, &phone.request())
            .unwrap_err(),
        Problem::DeviceRevoked
    );
    let newer = world.phone(Role::Field);
    let removed = world.phone(Role::Field);
    world.later(1_000);
    world.remove(world.space, removed.member);
    world.relay.merge_all().unwrap();
    world = world.restore();
    let (_, sealed) = phone.note(world.space, "a");
    assert_eq!(
        world.push(&phone, &[&sealed.envelope]),
        [Verdict::Held("revoked".into())]
    );
    let (_, sealed) = newer.note(world.space, "b");
    assert_eq!(world.feed(&newer, &sealed), Verdict::Fed(1));
    assert!(world.pull(&removed, &[]).pages.is_empty());
}

#[test]
fn who_is_no_administrator_any_more_and_an_invite_that_was_used_stay_so_when_the_database_comes_back()
 {
    let world = World::new();
    let (former, later) = (world.person(), world.person());
    people::set_admin(&world.db, former, true).unwrap();
    let code = world.invite(later);
    let key = ed25519_dalek::SigningKey::from_bytes(&[7; 32]);
    let request = world.enrol_request(&code, &key);
    let world = world.backup();
    people::set_admin(&world.db, former, false).unwrap();
    people::set_admin(&world.db, later, true).unwrap();
    world.relay.enrol(&request).unwrap();
    let unused = world.invite(former);
    world.relay.settle_ledger().unwrap();
    let world = world.restore();
    let admin = |member: MemberId| -> bool {
        let sql = "SELECT admin FROM member WHERE id = ?1";
        let db = &world.db;
        db.query_row(sql, [member.as_bytes()], |row| row.get(0))
            .unwrap()
    };
    assert_eq!((admin(former), admin(later)), (false, true));
    let other = ed25519_dalek::SigningKey::from_bytes(&[8; 32]);
    let again = world.relay.enrol(&world.enrol_request(&code, &other));
    assert_eq!(again.unwrap_err(), Problem::InviteUsed);
    let made_since = world.enrol_request(&unused, &other);
    world.relay.enrol(&made_since).unwrap();
}

/// Before the ledger knew of administrators.
#[test]
fn who_was_made_no_administrator_under_an_older_version_stays_so_too() {
    let world = World::new();
    let former = world.person();
    people::set_admin(&world.db, former, true).unwrap();
    let mut world = world.backup();
    world.db.execute_batch("DROP TRIGGER member_admin").unwrap();
    people::set_admin(&world.db, former, false).unwrap();
    let remembered = include_str!("../../store/schema/remembered.sql");
    let trigger = remembered.find("CREATE TRIGGER member_admin").unwrap();
    let end = trigger + remembered[trigger..].find("END;").unwrap() + 4;
    world.db.execute_batch(&remembered[trigger..end]).unwrap();
    world
        .db
        .execute("DELETE FROM meta WHERE key = 'retold'", [])
        .unwrap();
    world = world.reopen();
    world = world.restore();
    let sql = "SELECT admin FROM member WHERE id = ?1";
    let row = world
        .db
        .query_row(sql, [former.as_bytes()], |row| row.get(0));
    let admin: bool = row.unwrap();
    assert!(!admin);
}

#[test]
fn an_ordinary_restart_begins_no_generation() {
    let mut world = World::new();
    let phone = world.phone(Role::Field);
    let (_, sealed) = phone.note(world.space, "a");
    world.feed(&phone, &sealed);
    let world = world.reopen().reopen();
    let number: i64 = world
        .db
        .query_row("SELECT count(*) FROM generation", [], |r| r.get(0))
        .unwrap();
    assert_eq!(number, 0);
}

/// A relay that lost an entry which `other` holds: the world, both phones, the envelope, its tag.
fn bereft() -> (World, Phone, Phone, Envelope, [u8; 16]) {
    let mut world = World::new();
    let (phone, other) = (world.phone(Role::Field), world.phone(Role::Field));
    let (_, kept) = phone.note(world.space, "kept");
    world.feed(&phone, &kept);
    let mut world = world.backup();
    let (_, lost) = phone.note(world.space, "lost");
    world.feed(&phone, &lost);
    let Entry::Envelope {
        envelope, accept, ..
    } = entry_of(&world, &other)
    else {
        panic!("an envelope")
    };
    world = world.restore();
    (world, phone, other, envelope, accept)
}

fn offer(world: &World, phone: &Phone, offers: Vec<Offer>) -> Vec<Verdict> {
    let request = SyncRequest {
        offers,
        ..phone.request()
    };
    world.relay.sync(&phone.token, &request).unwrap().offered
}

fn refused(code: &str) -> Verdict {
    Verdict::Refused(code.into())
}

#[test]
fn a_hostile_offer_gets_nowhere_and_delays_no_other() {
    let (world, phone, other, envelope, accept) = bereft();
    let before = world.fingerprint();
    let not_before = refused("not_accepted_before");

    // Never accepted: the phone's own fresh work, under another's tag.
    let (_, fresh) = phone.note(world.space, "never accepted");
    let never = Offer::Envelope {
        envelope: fresh.envelope.clone(),
        accept,
    };
    // The accepted run under a header that moves it to another space, and under another signature.
    let mut header: sopu_core::envelope::Header = decode(&envelope.header).unwrap();
    header.space = world.second_space();
    let moved = Offer::Envelope {
        envelope: Envelope {
            header: header.to_bytes(),
            ..envelope.clone()
        },
        accept,
    };
    let mut resigned = envelope.clone();
    resigned.signature[0] ^= 1;
    let resigned = Offer::Envelope {
        envelope: resigned,
        accept,
    };
    let mut cut_short = envelope.clone();
    cut_short.run.pop();
    let cut_short = Offer::Envelope {
        envelope: cut_short,
        accept,
    };
    // A notice nobody here signed, with a tag that fits nothing.
    let notice = Offer::Notice {
        notice: sopu_core::wire::SignedNotice {
            body: encode(&sopu_core::wire::Notice {
                space: world.space,
                doc: header.doc,
                at_ms: 1,
                what: sopu_core::wire::NoticeKind::Erased("law".into()),
            }),
            signature: [1; 64],
        },
        accept,
    };
    let all = [never, moved, resigned, cut_short, notice];
    let answers = offer(&world, &other, all.to_vec());
    assert_eq!(answers[0], not_before);
    assert_eq!(answers[4], not_before);
    let only_refused = |verdict: &Verdict| matches!(verdict, Verdict::Refused(_));
    assert!(answers.iter().all(only_refused), "{answers:?}");
    assert_eq!(world.fingerprint(), before, "nothing was written");

    // Beside all of them, the genuine one is taken, and once is enough.
    let genuine = Offer::Envelope { envelope, accept };
    let beside = [&all[..], &[genuine.clone(), genuine.clone()]].concat();
    let answers = offer(&world, &other, beside);
    assert_eq!(answers[5..], [Verdict::Waiting, Verdict::Waiting]);
    world.relay.merge_all().unwrap();
    let after = world.fingerprint();
    for _ in 0..3 {
        assert_eq!(
            offer(&world, &other, vec![genuine.clone()]),
            [Verdict::Fed(2)]
        );
    }
    assert_eq!(world.fingerprint(), after);
    // A device that exists twice is to enrol again first; one that is cut off is not, and may bring
    // what was accepted once.
    world.later(1_000);
    let (id, now_ms) = (other.id, world.now());
    let commits = &world.relay.commits;
    commits
        .write(move |store| store.set_cloned(id, now_ms))
        .unwrap();
    let taken = offer(&world, &other, vec![genuine.clone()]);
    assert_eq!(taken, [refused("not_now")]);
    world.relay.revoke(other.id).unwrap();
    assert_eq!(offer(&world, &other, vec![genuine]), [Verdict::Fed(2)]);
}

#[test]
fn a_device_that_is_cut_off_is_asked_once_for_what_the_relay_lost_and_gets_nothing_else() {
    let mut world = World::new();
    let (phone, other) = (world.phone(Role::Field), world.phone(Role::Field));
    let (_, kept) = phone.note(world.space, "kept");
    world.feed(&phone, &kept);
    let mut world = world.backup();
    let (_, lost) = phone.note(world.space, "lost");
    world.feed(&phone, &lost);
    let mut vector = Vec::new();
    for response in world.pull_all(&other) {
        step(&mut vector, &response);
    }
    world = world.restore();
    world.later(1_000);
    world.relay.revoke(other.id).unwrap();
    let (_, new) = phone.note(world.space, "new");
    world.feed(&phone, &new);

    let asks = |cursors| SyncRequest {
        cursors,
        ..other.request()
    };
    let token = Cursors::Token(token(&vector));
    let response = world.relay.sync(&other.token, &asks(token)).unwrap();
    assert!(response.need_vector, "the token of an earlier life");
    assert!(response.orders.is_empty(), "first it is to be asked");

    let response = world.pull(&other, &vector);
    assert!(!response.orders.is_empty() && response.spaces.is_empty());
    let page = &response.pages[0];
    assert_eq!(page.cut.as_ref().map(|cut| cut.seq), Some(1));
    assert!(page.entries.is_empty() && page.roster.is_none());
    let stands = [page.to.clone()];
    assert!(world.pull(&other, &stands).pages.is_empty(), "once");
}

#[test]
fn an_erased_document_is_not_brought_back_by_an_offer() {
    let mut world = World::new();
    let (phone, other) = (world.phone(Role::Field), world.phone(Role::Field));
    let (note, sealed) = phone.note(world.space, "kept");
    world.feed(&phone, &sealed);
    let page = world.pull(&other, &[]);
    let proof = &page.pages[0].proofs[0];
    let accept = proof.accept;
    let mut world = world.backup();
    world.relay.erase(note.id, "request").unwrap();
    world = world.restore();
    let before = world.fingerprint();
    let genuine = Offer::Envelope {
        envelope: sealed.envelope.clone(),
        accept,
    };
    assert_eq!(
        offer(&world, &other, vec![genuine.clone(), genuine]),
        [Verdict::Erased, Verdict::Erased]
    );
    assert_eq!(world.fingerprint(), before);
}

#[test]
fn an_erasure_that_the_ledger_lost_too_is_learnt_again_from_its_notice() {
    let mut world = World::new();
    let (phone, other) = (world.phone(Role::Field), world.phone(Role::Field));
    let (note, sealed) = phone.note(world.space, "kept");
    world.feed(&phone, &sealed);
    let mut world = world.backup();
    let ledger = world.folder.join(LEDGER);
    let saved = std::fs::read(&ledger).unwrap();
    world.relay.erase(note.id, "request").unwrap();
    let mut told = None;
    for response in world.pull_all(&other) {
        for proof in response.pages.iter().flat_map(|page| &page.proofs) {
            if proof.special == Some(sopu_core::wire::ProofSpecial::Notice) {
                told = Some(Offer::Notice {
                    notice: sopu_core::wire::SignedNotice {
                        body: proof.header.clone(),
                        signature: proof.signature,
                    },
                    accept: proof.accept,
                });
            }
        }
    }
    std::fs::write(&ledger, saved).unwrap();
    world = world.restore();
    assert!(matches!(world.state(sealed.proof.id()), Verdict::Fed(1)));
    assert_eq!(
        offer(&world, &other, vec![told.clone().unwrap()]),
        [Verdict::Fed(2)]
    );
    let run: Option<Vec<u8>> = world
        .db
        .query_row("SELECT run FROM envelope", [], |row| row.get(0))
        .unwrap();
    assert_eq!(run, None, "erased again");
    assert!(
        std::fs::read_to_string(&ledger)
            .unwrap()
            .contains(&note.id.to_string())
    );
    assert_eq!(
        offer(&world, &other, vec![told.unwrap()]),
        [Verdict::Fed(2)],
        "again"
    );
}

#[test]
fn an_offer_does_not_let_out_what_was_set_aside_for_killing_the_process() {
    let (world, phone, other, envelope, accept) = bereft();
    let genuine = Offer::Envelope { envelope, accept };
    offer(&world, &phone, vec![genuine.clone()]);
    let held = [
        ("isolated", Verdict::Held("isolated".into())),
        ("removed", Verdict::Waiting),
    ];
    for (why, answer) in held {
        world
            .db
            .execute(
                "UPDATE envelope SET state = 'held', reason = ? WHERE state <> 'fed'",
                [why],
            )
            .unwrap();
        assert_eq!(
            offer(&world, &other, vec![genuine.clone()]),
            [answer],
            "{why}"
        );
    }
}

#[test]
fn an_offer_that_is_refused_after_all_is_told_to_whoever_brought_it() {
    let (world, phone, other, envelope, accept) = bereft();
    let genuine = Offer::Envelope { envelope, accept };
    assert_eq!(offer(&world, &other, vec![genuine]), [Verdict::Waiting]);
    world
        .db
        .execute(
            "INSERT INTO retired(id, by_id) SELECT id, id FROM envelope WHERE state = 'waiting'",
            [],
        )
        .unwrap();
    world.relay.merge_all().unwrap();
    let last = Status::Verdict(Verdict::Final("replaced".into()));
    for device in [&phone, &other] {
        let status = world.pull(device, &[]).status;
        assert!(status.iter().any(|news| news.status == last), "{status:?}");
    }
}

#[test]
fn no_cursor_forces_one_new_generation_after_another() {
    let (world, phone, other, ..) = bereft();
    let generations = || -> i64 {
        world
            .db
            .query_row("SELECT count(*) FROM generation", [], |row| row.get(0))
            .unwrap()
    };
    let keys = &world.relay.keys;
    let begun = generations();
    let first = keys.first_generation(world.space);
    let cursor = |generation: [u8; 16], seq: u64, hash: &[u8; 32]| Cursor {
        space: world.space,
        generation,
        seq,
        tag: keys.cursor_tag(world.space, &generation, seq, hash),
        roster: 4,
        first: None,
    };
    // All that this relay may ever have tagged, and what it never did.
    let mut games = Vec::new();
    for seq in [0, 1, 2, 7, 1 << 40, u64::MAX >> 1] {
        for generation in [first, [7; 16], [8; 16]] {
            games.push(cursor(generation, seq, &[9; 32]));
            let mut forged = cursor(generation, seq, &[9; 32]);
            forged.tag[0] ^= 1;
            games.push(forged);
        }
    }
    for round in 0..3 {
        for game in &games {
            for device in [&phone, &other] {
                world.pull(device, std::slice::from_ref(game));
            }
        }
        assert_eq!(generations(), begun, "round {round}");
    }
    // Beyond the end of the present one: that can only be if the relay has lost something. Once.
    let present: Vec<u8> = world
        .db
        .query_row(
            "SELECT id FROM generation ORDER BY number DESC LIMIT 1",
            [],
            |row| row.get(0),
        )
        .unwrap();
    let beyond = cursor(present.try_into().unwrap(), 9, &[9; 32]);
    for _ in 0..5 {
        world.pull(&phone, std::slice::from_ref(&beyond));
        world.pull(&other, std::slice::from_ref(&beyond));
    }
    assert_eq!(generations(), begun + 1);
}

#[test]
fn numbers_nobody_had_used_at_the_backup_jump_too() {
    let world = World::new().backup();
    let status = |world: &World| {
        let phone = world.person();
        let device = sopu_core::id::DeviceId(phone.0);
        let id = EnvelopeId([1; 32]);
        world
            .relay
            .commits
            .write(move |store| {
                Ok((
                    store.add_status(device, &id, b"")?,
                    store.next_number("contract:org:2026")?,
                ))
            })
            .unwrap()
    };
    assert_eq!(status(&world), (1, 1));
    let world = world.restore();
    assert_eq!(status(&world), (1_000_001, 1_001));
    assert_eq!(status(&world), (1_000_001, 1_002));
}

#[test]
fn every_space_begins_a_new_generation_also_one_whose_feed_had_not_begun() {
    let mut world = World::new();
    let phone = world.phone(Role::Field);
    let mut world = world.backup();
    let (_, sealed) = phone.note(world.space, "lost");
    world.feed(&phone, &sealed);
    let mut vector = Vec::new();
    for response in world.pull_all(&phone) {
        step(&mut vector, &response);
    }
    let before = vector[0].generation;
    world = world.restore();
    // The place is taken by something else before the one who knows comes.
    let other = world.phone(Role::Field);
    let (_, fresh) = other.note(world.space, "new");
    world.feed(&other, &fresh);
    let page = &world.pull(&phone, &vector).pages[0];
    let cut = Cut {
        generation: before,
        seq: 0,
        hash: [0; 32],
    };
    assert_eq!(page.cut, Some(cut));
    assert_eq!(page.entries.len(), 1);
    assert!(page.roster.is_some(), "roster numbers say nothing any more");
}

#[test]
fn a_crash_between_ledger_and_database_does_not_bring_an_older_word_back() {
    let mut world = World::new();
    let phone = world.phone(Role::Field);
    world.relay.merge_all().unwrap();
    world
        .db
        .execute("UPDATE device SET name = 'uusi'", [])
        .unwrap();
    let body: String = world
        .db
        .query_row("SELECT body FROM ledger_news", [], |row| row.get(0))
        .unwrap();
    let row = serde_json::from_str(&body).unwrap();
    // The ledger has it; the process dies before the database is told, and not before the phone is
    // revoked.
    let mut ledger = Ledger::open(&world.folder.join(LEDGER), &*world.clock).unwrap();
    ledger.append(&[Line::People { row }]).unwrap();
    world
        .db
        .execute("UPDATE device SET revoked_ms = 5", [])
        .unwrap();
    let world = world.reopen();
    let (_, sealed) = phone.note(world.space, "a");
    let revoked = Verdict::Held("revoked".into());
    assert_eq!(world.push(&phone, &[&sealed.envelope])[0], revoked);
    // Nor after the next restore.
    let world = world.backup().restore();
    let (_, sealed) = phone.note(world.space, "b");
    assert_eq!(world.push(&phone, &[&sealed.envelope]), [revoked]);
}

#[test]
fn a_database_put_back_twice_by_hand_is_followed_anew_each_time() {
    let mut world = World::new();
    let phone = world.phone(Role::Field);
    let (kept, sealed) = phone.note(world.space, "kept");
    world.feed(&phone, &sealed);
    let mut world = world.backup();
    for round in ["first", "second"] {
        let (note, sealed) = phone.note(world.space, round);
        world.feed(&phone, &sealed);
        let view = |world: &World, doc| {
            let record = world.relay.record();
            view::get(record.store().conn(), doc).unwrap().is_some()
        };
        assert!(view(&world, note.id), "{round}");
        world = world.put_back();
        assert!(!view(&world, note.id), "{round}");
        assert!(view(&world, kept.id), "{round}");
    }
}
