//! What is put off, overtaken or broken off in between.

use super::*;

#[test]
fn an_overtaken_answer_does_not_begin_a_first_sync_that_puts_a_space_far_back() {
    let mut world = world(10);
    let doc = note(&mut world, 0, "alku");
    world.sync_now(0).expect("syncs");
    merge(&world);
    back_to_first_sync(&mut world, 2);
    world.sync_now(2).expect("syncs");
    let begins = |exchange: &(Outgoing, SyncResponse)| {
        let mut pages = exchange.1.pages.iter();
        pages.any(|page| page.from.is_none() && !page.packs.is_empty())
    };
    let exchanges = &world.pockets[2].exchanges;
    let early = exchanges.iter().rfind(|e| begins(e)).expect("is one");
    let early = early.clone();
    write(&mut world, 0, doc, 'x');
    world.sync_now(0).expect("syncs");
    merge(&world);
    world.sync_now(2).expect("takes in what came after");
    back_to_first_sync(&mut world, 2);
    let mut report = SyncReport::default();
    let device = world.pockets[2].device();
    device
        .apply(&early.0, &early.1, &mut report)
        .expect("applies");
    let spaces = world.pockets[2].look().spaces().expect("reads");
    assert!(spaces.iter().any(|space| space.cursor.is_none()));
    world.sync_now(2).expect("begins anew");
    assert_eq!(world.count(doc, 'x'), 1);
}

#[test]
fn a_disk_that_fails_once_leaves_no_document_out_of_the_record() {
    let mut world = world(11);
    let mut failed = 0;
    for n in 0..160 {
        let doc = note(&mut world, 0, "alku");
        world.sync_now(0).expect("syncs");
        // With nothing of its files in memory.
        world.house().switch_off();
        world.house().switch_on().expect("starts");
        world.house().disk.fail_at(Io::Read, n);
        failed += u32::from(world.relay().merge_all().is_err());
        world.house().disk.mend();
        merge(&world);
        let there = world.relay().record().store().document(doc).is_ok();
        assert!(there, "after {n} reads");
    }
    assert!(failed > 20, "{failed} times");
}

#[test]
fn an_envelope_the_relay_puts_off_is_not_sent_over_and_over_and_delays_no_other() {
    let mut world = world(6);
    let odd = note(&mut world, 2, "outo");
    let plain = note(&mut world, 2, "tavallinen");
    let line = PutsOff {
        line: Line::new(Some(world.relay()), None, world.pockets[2].id()),
        doc: odd,
        requests: AtomicU32::new(0),
    };
    // The world lends the relay to the line, so the device is opened beside it.
    let mut device = world.pockets[2].second().expect("opens");
    let report = device.sync(&line).expect("syncs");
    assert_eq!(report.acknowledged, 1);
    let requests = line.requests.load(Ordering::SeqCst);
    assert!(requests < 5, "{requests} requests");
    let stage = |doc| device.progress(doc).expect("reads");
    assert_eq!((stage(odd).sealed, stage(plain).sealed), (1, 0));
    drop(line);
    drop(device);
    assert_eq!(
        world.sync_now(2).expect("syncs").acknowledged,
        1,
        "taken in the end"
    );
}

#[test]
fn opening_finishes_a_purge_that_was_broken_off_and_rebuilds_old_views() {
    let mut world = world(7);
    let (kept, gone) = (note(&mut world, 2, "jää"), note(&mut world, 2, "poistuu"));
    let space = world.spaces[0];
    let path = world.pockets[2].close();
    let mut store = Store::open(&path).expect("opens");
    store
        .write(|tx| {
            purge::purge(
                tx,
                &purge::Erased {
                    doc: gone,
                    space,
                    reason: "ordered".into(),
                    at_ms: 1,
                },
            )?;
            meta::set_number(tx, "view_generation", 0)?;
            tx.execute("DELETE FROM view", [])?;
            Ok(())
        })
        .expect("writes");
    assert!(store.scrub_due().expect("reads"));
    drop(store);
    world.pockets[2].restart();
    let store = world.pockets[2].look().store();
    assert!(!store.scrub_due().expect("reads"));
    assert!(view::current(store.conn()).expect("reads"));
    assert!(view::get(store.conn(), kept).expect("reads").is_some());
}
