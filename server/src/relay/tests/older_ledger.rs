//! A ledger that is older than the database, put there because the newest was lost: it is told again what the
//! database knows, so that a backup from before does not bring back what must not come back.

use sopu_core::id::DocId;
use sopu_core::wire::{NoticeKind, SyncRequest, Verdict};

use super::world::{Phone, World};
use crate::access::erasures::{self, Standing};
use crate::access::{Role, notices, people};
use crate::ledger::{self, Line};
use crate::relay::LEDGER;

const CLIENT: &str = "019ab000-0000-7000-8000-000000000001";

fn reads(world: &World, doc: DocId) -> bool {
    world.relay.record().store().document(doc).is_ok()
}

/// Stops; the ledger is what it was; starts.
fn with_ledger(world: World, bytes: &[u8]) -> World {
    std::fs::write(world.folder.join(LEDGER), bytes).unwrap();
    world.reopen()
}

fn lines(world: &World) -> Vec<Line> {
    ledger::lines(&std::fs::read(world.folder.join(LEDGER)).unwrap()).unwrap()
}

#[test]
fn an_older_ledger_is_told_again_what_was_erased_held_and_revoked() {
    let mut world = World::new();
    let (phone, lost) = (world.phone(Role::Field), world.phone(Role::Field));
    let former = world.person();
    people::set_admin(&world.db, former, true).unwrap();
    let notes = [(); 2].map(|()| phone.note(world.space, "a"));
    for (_, sealed) in &notes {
        world.feed(&phone, sealed);
    }
    let [(gone, first), (held, _)] = notes;
    world.relay.merge_all().unwrap();
    // The backup, and its ledger.
    let mut world = world.backup();
    let old = std::fs::read(world.folder.join(LEDGER)).unwrap();
    world.later(1);
    world.relay.erase(gone.id, "request").unwrap();
    world.relay.revoke(lost.id).unwrap();
    world.remove(world.space, lost.member);
    people::set_admin(&world.db, former, false).unwrap();
    notices::hold_client(&world.db, world.space, CLIENT, true).unwrap();
    notices::wish(&world.db, held.id, &NoticeKind::LegalHold(true)).unwrap();
    world.relay.merge_all().unwrap();
    let newer = world.phone(Role::Field);
    world.relay.merge_all().unwrap();
    let before = lines(&world).len();

    // The newest is damaged, and the backup's put in its place.
    world = with_ledger(world, &old);
    assert!(
        lines(&world).len() > before,
        "past every place a backup of the database knows"
    );
    assert!(!reads(&world, gone.id));
    // What happens from now on is told as ever.
    world.relay.merge_all().unwrap();
    // Then the database is lost, and the backup is put back.
    world = world.restore();
    world.relay.merge_all().unwrap();
    assert!(!reads(&world, gone.id), "erased it stays");
    assert_eq!(world.push(&phone, &[&first.envelope]), [Verdict::Erased]);
    let (_, work) = lost.note(world.space, "b");
    assert_eq!(
        world.push(&lost, &[&work.envelope]),
        [Verdict::Held("revoked".into())]
    );
    assert!(
        world.pull(&lost, &[]).pages.is_empty(),
        "its token gives nothing"
    );
    let (_, work) = newer.note(world.space, "c");
    assert!(matches!(world.feed(&newer, &work), Verdict::Fed(_)));
    let admin: bool = world
        .db
        .query_row(
            "SELECT admin FROM member WHERE id = ?1",
            [former.as_bytes()],
            |row| row.get(0),
        )
        .unwrap();
    assert!(!admin);
    erasures::wish(&world.db, held.id, "request").unwrap();
    world.relay.merge_all().unwrap();
    let standing = erasures::standing(&world.db, held.id).unwrap();
    assert_eq!(standing, Standing::Refused("legal_hold".into()));
    let clients = world
        .relay
        .commits
        .read(|store| store.held_clients(world.space));
    assert!(clients.unwrap().contains(CLIENT));
    let reason = lines(&world)
        .iter()
        .rev()
        .find_map(|line| Some(line.erasure()?.reason.clone()));
    assert_eq!(reason.as_deref(), Some("request"));
}

#[test]
fn it_is_told_once_and_says_nothing_new() {
    let mut world = World::new();
    let phone = world.phone(Role::Field);
    let (note, sealed) = phone.note(world.space, "a");
    world.feed(&phone, &sealed);
    let old = std::fs::read(world.folder.join(LEDGER)).unwrap();
    world.relay.erase(note.id, "request").unwrap();
    world.relay.merge_all().unwrap();
    world = with_ledger(world, &old);
    let told = lines(&world).len();
    world = world.reopen();
    assert_eq!(lines(&world).len(), told + 1, "that it has started");
    let number: i64 = world
        .db
        .query_row("SELECT count(*) FROM generation", [], |r| r.get(0))
        .unwrap();
    assert_eq!(number, 0, "the database did not go back");
    let orders = |phone: &Phone| {
        let request = SyncRequest { ..phone.request() };
        world
            .relay
            .sync(&phone.token, &request)
            .unwrap()
            .orders
            .len()
    };
    assert_eq!(orders(&phone), 1);
}
