//! A relay that came back from a backup, and a note that was moved since: the old one goes again only once
//! the new one is back.

use serde_json::json;
use sopu_core::documents::Kind;
use sopu_core::documents::visit_note::moved::{Destination, moved};
use sopu_core::id::{DocId, SpaceId};
use sopu_core::read::read;
use sopu_core::run::Sealed;
use sopu_core::wire::{Offer, OrderKind, ProofSpecial, SignedNotice, SyncRequest, Verdict};

use super::world::{Note, Phone, World};
use crate::access::erasures::{self, AWAITED, Standing};
use crate::access::{Role, notices};
use crate::relay::LEDGER;

/// A note that was moved after a backup.
struct Moved {
    world: World,
    /// Wrote the old one, and has purged nothing yet.
    writer: Phone,
    /// In the same space; was told that it is erased.
    told: Phone,
    /// In the right client's space.
    mover: Phone,
    old: DocId,
    new: DocId,
    right: SpaceId,
    first: Sealed,
    /// The relay's word on the old one.
    notice: Offer,
    /// The new one, which the relay has lost unless the backup was later.
    lost: Offer,
    ledger: Vec<u8>,
}

/// What a note becomes when it is moved.
fn as_moved(world: &World, note: &Note, mover: &Phone) -> serde_json::Value {
    let to = Destination {
        subject: None,
        contract: None,
    };
    let value = read(&note.am, note.kind).value;
    moved(note.id, &value, &to, mover.member, world.now())
}

fn offered_notice(world: &World, phone: &Phone) -> Offer {
    let responses = world.pull_all(phone);
    let proofs = responses
        .iter()
        .flat_map(|r| &r.pages)
        .flat_map(|p| &p.proofs);
    let mut notice = proofs.filter(|proof| proof.special == Some(ProofSpecial::Notice));
    let last = notice.next_back().unwrap();
    Offer::Notice {
        notice: SignedNotice {
            body: last.header.clone(),
            signature: last.signature,
        },
        accept: last.accept,
    }
}

fn waits_for_the_new_one(m: &Moved) {
    // Who was told brings the relay's own word: that, too, waits.
    let refused = Verdict::Refused(AWAITED.into());
    assert_eq!(offer(&m.world, &m.told, &m.notice), refused);
    a_while(&m.world);
    assert!(reads(&m.world, m.old) && !purges(&m.world, &m.writer));
    // The new one comes back, and what was decided is carried out in the end.
    assert_eq!(offer(&m.world, &m.mover, &m.lost), Verdict::Waiting);
    a_while(&m.world);
    assert!(!reads(&m.world, m.old) && reads(&m.world, m.new));
    assert_eq!(standing(&m.world, m.old), Standing::None);
    assert!(purges(&m.world, &m.writer));
}

fn move_after_backup() -> Moved {
    move_after_backup_with(true)
}

/// The backup has the old one, or it was made after it too.
fn move_after_backup_with(old: bool) -> Moved {
    let mut world = World::new();
    let (writer, told) = (world.phone(Role::Field), world.phone(Role::Field));
    let right = world.second_space();
    let member = world.person();
    world.grant(right, member, Role::Field, None);
    let mover = world.phone_of(member);
    let mut note = Note::new(&writer, world.space, Kind::VisitNote);
    let first = note.write(&writer, json!({ "tags": ["a"], "summary": "Kaatui" }));
    if old {
        world.feed(&writer, &first);
    }
    let world = world.backup();
    if !old {
        world.feed(&writer, &first);
    }
    let ledger = std::fs::read(world.folder.join(LEDGER)).unwrap();
    let mut copy = Note::new(&mover, right, note.kind);
    let sealed = copy.write(&mover, as_moved(&world, &note, &mover));
    assert!(matches!(world.feed(&mover, &sealed), Verdict::Fed(_)));
    let proofs = world.pull(&mover, &[]).pages[0].proofs.clone();
    let lost = Offer::Envelope {
        envelope: sealed.envelope,
        accept: proofs[0].accept,
    };
    erasures::wish_moved(&world.db, note.id, copy.id).unwrap();
    world.relay.merge_all().unwrap();
    assert_eq!(standing(&world, note.id), Standing::None);
    assert!(!reads(&world, note.id) && reads(&world, copy.id));
    let notice = offered_notice(&world, &told);
    Moved {
        writer,
        told,
        mover,
        old: note.id,
        new: copy.id,
        right,
        first,
        notice,
        lost,
        ledger,
        world,
    }
}

fn standing(world: &World, doc: DocId) -> Standing {
    erasures::standing(&world.db, doc).unwrap()
}

fn reads(world: &World, doc: DocId) -> bool {
    world.relay.record().store().document(doc).is_ok()
}

fn offer(world: &World, phone: &Phone, offer: &Offer) -> Verdict {
    let request = SyncRequest {
        offers: vec![offer.clone()],
        ..phone.request()
    };
    let response = world.relay.sync(&phone.token, &request).unwrap();
    world.relay.merge_all().unwrap();
    response.offered[0].clone()
}

/// Time for whatever rests.
fn a_while(world: &World) {
    world.later(61_000);
    world.relay.merge_all().unwrap();
}

fn purges(world: &World, phone: &Phone) -> bool {
    let orders = world.pull(phone, &[]).orders;
    orders
        .iter()
        .any(|order| matches!(order.what, OrderKind::Purge(_)))
}

#[test]
fn what_was_moved_stays_after_a_restore_until_what_it_became_is_back() {
    let mut m = move_after_backup();
    m.world = m.world.restore();
    let awaited = Standing::Refused(AWAITED.into());
    for _ in 0..2 {
        a_while(&m.world);
        assert!(reads(&m.world, m.old) && !reads(&m.world, m.new));
        assert_eq!(standing(&m.world, m.old), awaited);
        assert!(!purges(&m.world, &m.writer), "the last copy");
        m.world = m.world.reopen();
    }
    let again = m.world.push(&m.writer, &[&m.first.envelope]);
    assert!(matches!(again[..], [Verdict::Fed(_)]), "{again:?}");
    waits_for_the_new_one(&m);
    assert!(matches!(
        offer(&m.world, &m.told, &m.notice),
        Verdict::Fed(_)
    ));
    m.world = m.world.reopen();
    assert!(!reads(&m.world, m.old) && reads(&m.world, m.new));
}

#[test]
fn what_was_moved_goes_again_at_once_where_the_backup_has_both() {
    let mut m = move_after_backup();
    m.world = m.world.restore();
    assert_eq!(offer(&m.world, &m.mover, &m.lost), Verdict::Waiting);
    a_while(&m.world);
    let [writer, mover] = [&m.writer, &m.mover];
    let mut note = Note::new(writer, m.world.space, Kind::VisitNote);
    let sealed = note.write(writer, json!({ "summary": "Toinen" }));
    m.world.feed(writer, &sealed);
    let mut copy = Note::new(mover, m.right, note.kind);
    let sealed = copy.write(mover, as_moved(&m.world, &note, mover));
    m.world.feed(mover, &sealed);
    m.world = m.world.backup();
    erasures::wish_moved(&m.world.db, note.id, copy.id).unwrap();
    m.world.relay.merge_all().unwrap();
    m.world = m.world.restore();
    m.world.relay.merge_all().unwrap();
    assert!(!reads(&m.world, note.id) && reads(&m.world, copy.id));
    assert_eq!(standing(&m.world, note.id), Standing::None);
}

/// The whole machine came back, and only devices know what was erased.
#[test]
fn a_notice_that_a_moved_note_was_erased_destroys_no_last_copy() {
    let mut m = move_after_backup();
    std::fs::write(m.world.folder.join(LEDGER), &m.ledger).unwrap();
    m.world = m.world.restore();
    waits_for_the_new_one(&m);
}

#[test]
fn what_waits_to_go_again_can_be_put_on_hold_and_stays_while_it_is() {
    let mut m = move_after_backup();
    m.world = m.world.restore();
    let say = |world: &World, held: bool| {
        let what = sopu_core::wire::NoticeKind::LegalHold(held);
        notices::wish(&world.db, m.old, &what).unwrap();
        world.later(1);
        world.relay.merge_all().unwrap();
    };
    say(&m.world, true);
    offer(&m.world, &m.mover, &m.lost);
    a_while(&m.world);
    assert!(reads(&m.world, m.old) && reads(&m.world, m.new));
    say(&m.world, false);
    a_while(&m.world);
    assert!(!reads(&m.world, m.old));
}

/// It was compared when it was moved, and the person asked for what it became to go.
#[test]
fn what_was_moved_goes_again_where_what_it_became_was_erased_too() {
    let mut m = move_after_backup();
    m.world.relay.erase(m.new, "request").unwrap();
    m.world = m.world.restore();
    a_while(&m.world);
    assert!(!reads(&m.world, m.old) && !reads(&m.world, m.new));
    assert_eq!(standing(&m.world, m.old), Standing::None);
    assert!(purges(&m.world, &m.writer));
    let again = m.world.push(&m.writer, &[&m.first.envelope]);
    assert_eq!(again, [Verdict::Erased]);
}

/// As a ledger from before it said what a note became: that may be lost too.
#[test]
fn what_was_moved_stays_where_what_it_became_was_moved_nobody_knows_where() {
    let mut m = move_after_backup();
    m.world.relay.erase(m.new, erasures::MOVED).unwrap();
    m.world = m.world.restore();
    a_while(&m.world);
    assert!(reads(&m.world, m.old) && !reads(&m.world, m.new));
    let awaited = Standing::Refused(AWAITED.into());
    assert_eq!(standing(&m.world, m.old), awaited);
}

/// Nobody has compared them.
#[test]
fn what_is_to_be_moved_stays_where_the_other_was_erased() {
    let mut world = World::new();
    let phone = world.phone(Role::Field);
    let [(old, first), (new, second)] = [(); 2].map(|()| phone.note(world.space, "a"));
    for sealed in [&first, &second] {
        world.feed(&phone, sealed);
    }
    world.relay.erase(new.id, "request").unwrap();
    erasures::wish_moved(&world.db, old.id, new.id).unwrap();
    world.relay.merge_all().unwrap();
    assert!(reads(&world, old.id));
    let short = Standing::Refused("moved_short".into());
    assert_eq!(standing(&world, old.id), short);
}

/// Nobody brings the old one: it was made after the backup, and everybody has purged it.
#[test]
fn what_was_made_and_moved_after_the_backup_is_erased_once_what_it_became_is_back() {
    let mut m = move_after_backup_with(false);
    m.world = m.world.restore();
    a_while(&m.world);
    let awaited = Standing::Refused(AWAITED.into());
    assert_eq!(standing(&m.world, m.old), awaited);
    let refused = Verdict::Refused(AWAITED.into());
    assert_eq!(offer(&m.world, &m.told, &m.notice), refused);
    assert_eq!(offer(&m.world, &m.mover, &m.lost), Verdict::Waiting);
    a_while(&m.world);
    assert!(reads(&m.world, m.new));
    assert_eq!(standing(&m.world, m.old), Standing::None);
    let taken = offer(&m.world, &m.told, &m.notice);
    assert!(matches!(taken, Verdict::Fed(_)), "{taken:?}");
    let late = m.world.push(&m.writer, &[&m.first.envelope]);
    assert_eq!(late, [Verdict::Erased]);
}

/// A backup of the first of three notes, and two moves since. Gives the last one's offer too.
fn move_twice_after_backup() -> (World, Phone, [DocId; 3], Offer) {
    let mut world = World::new();
    let writer = world.phone(Role::Field);
    let spaces = [(); 2].map(|()| world.second_space());
    let member = world.person();
    for space in spaces {
        world.grant(space, member, Role::Field, None);
    }
    let mover = world.phone_of(member);
    let mut first = Note::new(&writer, world.space, Kind::VisitNote);
    let sealed = first.write(&writer, json!({ "summary": "Kaatui" }));
    world.feed(&writer, &sealed);
    let world = world.backup();
    let mut notes = vec![first];
    let mut last = None;
    for space in spaces {
        let old = &notes[notes.len() - 1];
        let mut copy = Note::new(&mover, space, Kind::VisitNote);
        let sealed = copy.write(&mover, as_moved(&world, old, &mover));
        world.feed(&mover, &sealed);
        let pages = world.pull(&mover, &[]).pages;
        let page = pages.iter().find(|page| page.to.space == space);
        last = Some(Offer::Envelope {
            envelope: sealed.envelope,
            accept: page.unwrap().proofs[0].accept,
        });
        erasures::wish_moved(&world.db, old.id, copy.id).unwrap();
        world.relay.merge_all().unwrap();
        notes.push(copy);
    }
    let ids = [0, 1, 2].map(|n: usize| notes[n].id);
    (world, mover, ids, last.unwrap())
}

/// The note in between never comes back: every device that had it has purged it.
#[test]
fn what_was_moved_twice_goes_once_the_last_is_back() {
    let (mut world, mover, ids, last) = move_twice_after_backup();
    world = world.restore();
    a_while(&world);
    let there = |world: &World| ids.map(|id| reads(world, id));
    assert_eq!(there(&world), [true, false, false]);
    assert_eq!(offer(&world, &mover, &last), Verdict::Waiting);
    a_while(&world);
    assert_eq!(there(&world), [false, false, true]);
    assert_eq!(
        ids.map(|id| standing(&world, id)),
        [(); 3].map(|()| Standing::None)
    );
}

#[test]
fn what_was_moved_twice_goes_again_where_the_last_was_erased_too() {
    let (mut world, _, ids, _) = move_twice_after_backup();
    world.relay.erase(ids[2], "retention").unwrap();
    world = world.restore();
    a_while(&world);
    assert_eq!(ids.map(|id| reads(&world, id)), [false; 3]);
    assert_eq!(
        ids.map(|id| standing(&world, id)),
        [(); 3].map(|()| Standing::None)
    );
}
