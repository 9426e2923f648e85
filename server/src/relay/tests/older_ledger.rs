//! A ledger that is older than the database, put there because the newest was lost: it is told again what the
//! database knows, so that a backup from before does not bring back what must not come back.

use std::collections::BTreeMap;

use serde_json::Value;
use sopu_core::id::DocId;
use sopu_core::wire::{NoticeKind, SyncRequest, Verdict};

use super::world::{Phone, World};
use crate::access::erasures::{self, Standing};
use crate::access::people::{Party, Window};
use crate::access::{Role, notices, people};
use crate::check::check;
use crate::ledger::{self, Line};
use crate::relay::{DATABASE, LEDGER, OpenError, Relay};
use crate::store::{StoreError, remembered};

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

/// The ledger's news, in an order of their own; there are none any more.
fn take_news(world: &World) -> Vec<String> {
    let news = world
        .relay
        .commits
        .read(|store| store.ledger_news(usize::MAX >> 1));
    let sorted = |(_, body): (i64, String)| {
        let fields: BTreeMap<String, Value> = serde_json::from_str(&body).unwrap();
        serde_json::to_string(&fields).unwrap()
    };
    let mut news: Vec<String> = news.unwrap().into_iter().map(sorted).collect();
    news.sort();
    world.db.execute("DELETE FROM ledger_news", []).unwrap();
    news
}

fn rosters(world: &World) -> Vec<i64> {
    let sql = "SELECT roster FROM space ORDER BY id";
    let mut spaces = world.db.prepare(sql).unwrap();
    let rosters = spaces.query_map([], |row| row.get(0)).unwrap();
    rosters.map(Result::unwrap).collect()
}

/// Or else each would fetch the people of all its spaces, at every upgrade.
#[test]
fn what_the_ledger_is_told_again_is_what_it_was_told_and_no_news_to_devices() {
    let mut world = World::new();
    let old = std::fs::read(world.folder.join(LEDGER)).unwrap();
    let (phone, lost) = (world.phone(Role::Field), world.phone(Role::Office));
    world.relay.revoke(lost.id).unwrap();
    let team = people::add_team(&world.db, &*world.clock, world.org, "T").unwrap();
    let (other, now_ms) = (world.second_space(), world.now());
    let window = Window {
        from_ms: 0,
        until_ms: Some(now_ms + 1),
    };
    people::join_team(&world.db, team, phone.member, window).unwrap();
    let party = Party::Team(team);
    people::grant(&mut world.db, other, party, Role::Reader, window, now_ms).unwrap();
    world.invite(lost.member);
    notices::hold_client(&world.db, world.space, CLIENT, false).unwrap();
    take_news(&world);
    let mut as_it_became = Vec::new();
    for remembered::Remembered { table, columns, .. } in remembered::ALL {
        let name = columns.iter().find(|column| **column == "name");
        let column = name.or(columns.last()).unwrap();
        let sql = format!("UPDATE {table} SET {column} = {column}");
        assert!(world.db.execute(&sql, []).unwrap() > 0, "{table}");
        as_it_became.extend(take_news(&world));
    }
    as_it_became.sort();
    let before = rosters(&world);
    world.relay.commits.write(|store| store.retell()).unwrap();
    assert_eq!(take_news(&world), as_it_became);
    assert_eq!(rosters(&world), before);

    world = with_ledger(world, &old);
    assert!(lines(&world).len() >= as_it_became.len(), "it was told");
    assert_eq!(rosters(&world), before);
    let upgraded = "UPDATE meta SET value = x'01' WHERE key = 'retold'";
    world.db.execute(upgraded, []).unwrap();
    world = world.reopen();
    world.relay.merge_all().unwrap();
    assert_eq!(rosters(&world), before);
}

/// A bit of a number in a table is all it takes.
#[test]
fn a_database_that_knows_impossibly_many_lines_is_damaged_and_the_ledger_stays_as_it_is() {
    let mut world = World::new();
    world.phone(Role::Field);
    let (folder, clock) = (world.folder.clone(), world.clock.clone());
    let _dir = world.close();
    let told = std::fs::read(folder.join(LEDGER)).unwrap();
    let open_with = |lines: u64| {
        let db = crate::store::schema::open_with(&folder.database(), folder.key()).unwrap();
        let sql = "UPDATE meta SET value = ? WHERE key = 'ledger.lines'";
        assert_eq!(db.execute(sql, [lines.to_be_bytes()]).unwrap(), 1);
        drop(db);
        Relay::open(&folder, clock.clone())
    };
    for bit in [63, 62, 40, 30, 20] {
        let opened = open_with(1 << bit).map(drop);
        assert!(
            matches!(opened, Err(OpenError::Store(StoreError::Corrupt(_)))),
            "{bit}: {opened:?}"
        );
        assert!(std::fs::read(folder.join(LEDGER)).unwrap() == told, "{bit}");
        let findings = check(&folder).findings;
        let files: Vec<_> = findings.iter().map(|found| found.file).collect();
        assert_eq!(files, [DATABASE], "{findings:?}");
    }
    drop(open_with(200).unwrap());
    assert!(
        ledger::lines(&std::fs::read(folder.join(LEDGER)).unwrap())
            .unwrap()
            .len()
            > 200
    );
}
