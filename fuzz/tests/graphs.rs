//! Graphs of changes that cost Automerge more than their bytes say, each change one a save could be. What
//! Automerge 0.12 makes of them is measured, so that another version shows if it differs, and what the guard
//! lets in is held to what the smallest threads bear.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "tests")]
#![expect(clippy::print_stdout, reason = "prints what was measured")]

use std::thread;

use automerge::{Automerge, Change};
use sopu_core::documents::Kind;
use sopu_core::genesis::genesis;
use sopu_core::guard::{Bounds, Doubt, Limits, check_change, trial};
use sopu_core::id::Hash;
use sopu_core::testing::by_hand::ByHand;
use sopu_core::testing::honest::Phone;
use sopu_fuzz::counting::{Counting, peak};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const KIND: Kind = Kind::VisitNote;

/// What a thread of a phone has at least, a second one on iOS, without what is below Automerge on it.
const ROOM: usize = (512 - 32) * 1024;

/// An actor whose every change overwrites the one before.
struct Writer {
    change: ByHand,
    tip: Hash,
}

impl Writer {
    fn new(number: u64) -> Self {
        let mut change = ByHand::puts(KIND, "km", 1);
        change.actor[..8].copy_from_slice(&number.to_be_bytes());
        change.seq = 0;
        let tip = genesis(KIND).hash;
        Self { change, tip }
    }

    /// The next change; of several times of day the first whose hash `wanted` likes.
    fn write(&mut self, start_op: u64, wanted: impl Fn(&[u8]) -> bool) -> Vec<u8> {
        if self.change.seq > 0 {
            let before = self.change.start_op.cast_signed();
            let change = std::mem::replace(&mut self.change, ByHand::new(KIND));
            self.change = change.with_pred(0, before);
        }
        self.change.deps = vec![self.tip];
        self.change.seq += 1;
        self.change.start_op = start_op;
        let mut bytes = self.change.bytes();
        // The checksum is how the hash begins.
        while !wanted(&bytes[4..8]) {
            self.change.time += 1;
            bytes = self.change.bytes();
        }
        self.tip = check_change(&bytes, KIND, &Limits::RELAY).unwrap().hash;
        bytes
    }

    fn next(&mut self, start_op: u64) -> Vec<u8> {
        self.write(start_op, |_| true)
    }
}

fn parsed(changes: &[Vec<u8>]) -> Vec<Change> {
    let parse = |bytes: &Vec<u8>| Change::from_bytes(bytes.clone()).unwrap();
    changes.iter().map(parse).collect()
}

fn on_stack<T: Send>(bytes: usize, work: impl FnOnce() -> T + Send) -> T {
    let builder = thread::Builder::new().stack_size(bytes);
    thread::scope(|scope| builder.spawn_scoped(scope, work).unwrap().join().unwrap())
}

/// How much of this thread's stack was ever touched: what of its mapping is in memory.
fn stack_touched() -> usize {
    let here = 0u8;
    let at = std::ptr::from_ref(&here).addr();
    let holds = |line: &str| {
        let range = line
            .split_once(' ')
            .and_then(|(range, _)| range.split_once('-'));
        range.is_some_and(|(from, to)| {
            let (from, to) = (
                usize::from_str_radix(from, 16),
                usize::from_str_radix(to, 16),
            );
            from.is_ok_and(|from| from <= at) && to.is_ok_and(|to| at < to)
        })
    };
    let maps = std::fs::read_to_string("/proc/self/smaps").unwrap();
    let mut mapping = maps.lines().skip_while(|line| !holds(line));
    let resident = mapping.find_map(|line| line.strip_prefix("Rss:")).unwrap();
    let kb = resident.trim().trim_end_matches(" kB");
    kb.parse::<usize>().unwrap() * 1024
}

/// Two chains whose changes alternate, and two more changes, each the first of its actor, that build on one
/// chain: Automerge keeps a clock of each sixteenth change, so of one chain often and of the other never.
fn alternating(changes: u64) -> (Automerge, Vec<u8>, Vec<u8>) {
    let mut chains = [Writer::new(2), Writer::new(1)];
    let all: Vec<Vec<u8>> = (0..changes)
        .map(|n| chains[usize::from(n % 2 == 0)].next(1_000 + n))
        .collect();
    let mut doc = genesis(KIND).document();
    doc.apply_changes(parsed(&all)).unwrap();
    let on = |tip: Hash| {
        let mut late = ByHand::puts(KIND, "km", 1);
        late.actor = vec![9; 16];
        late.start_op = 1_000 + changes;
        late.deps = vec![tip];
        late.bytes()
    };
    (doc, on(chains[1].tip), on(chains[0].tip))
}

#[test]
fn automerges_recursion_through_the_deepest_graph_that_passes_fits_the_smallest_threads() {
    // One more is the 32 784th, of which a clock is kept.
    let changes = 32_768 + 14;
    let (doc, flat, deep) = on_stack(64 << 20, || alternating(changes));
    let touched = |change: &Vec<u8>| {
        on_stack(64 << 20, || {
            let mut doc = doc.clone();
            doc.apply_changes(parsed(std::slice::from_ref(change)))
                .unwrap();
            stack_touched()
        })
    };
    let (flat, deep) = (touched(&flat), touched(&deep));
    // Each level of the recursion takes 33 changes of one chain; at worst all of a document are of it.
    let levels = usize::try_from(changes / 2 / 33).unwrap();
    assert!(deep > flat, "no recursion was seen: {flat} B, {deep} B");
    let level = (deep - flat).div_ceil(levels);
    let most = Limits::RELAY.document.changes / 33;
    println!("{flat} B of stack, {deep} B with {levels} levels of {level} B; {most} may pass");
    assert!(flat + level * most <= ROOM);
}

#[test]
fn a_chain_of_ground_hashes_is_refused() {
    let ground = |hash: &[u8]| hash[0] == 0 && hash[1] != 0;
    let mut writer = Writer::new(1);
    let chain: Vec<Vec<u8>> = (0..600).map(|n| writer.write(1_000 + n, ground)).collect();
    let mut writer = Writer::new(1);
    let honest: Vec<Vec<u8>> = (0..600).map(|n| writer.next(1_000 + n)).collect();
    let cost = |changes: &[Vec<u8>]| {
        let changes = parsed(changes);
        peak(|| {
            let mut doc = genesis(KIND).document();
            doc.apply_changes(changes).unwrap();
            doc
        })
        .1
    };
    let (dear, cheap) = (cost(&chain), cost(&honest));
    println!("600 changes: {cheap} B, with ground hashes {dear} B");
    assert!(
        dear > cheap + cheap / 4,
        "ground hashes cost nothing any more"
    );

    let empty = genesis(KIND).document();
    let doc = trial(&empty, KIND, &chain[..65], &Limits::RELAY).unwrap();
    let refused = Err(Doubt::Final("document_fragments"));
    let tried = |changes: &[Vec<u8>], limits| trial(&doc, KIND, changes, limits).map(|_| ());
    assert_eq!(tried(&chain[65..66], &Limits::RELAY), refused, "run by run");
    assert_eq!(tried(&chain, &Limits::RELAY), refused, "at once");
    assert_eq!(tried(&chain, &Limits::PACK), refused, "by a device, too");
    assert_eq!(
        tried(&chain[65..66], &Limits::DEVICE),
        Ok(()),
        "which is wider"
    );
}

#[test]
fn more_actors_than_a_document_may_have_are_refused() {
    let most = Limits::RELAY.document.actors;
    let firsts: Vec<Vec<u8>> = (1_000..)
        .take(most)
        .map(|n| Writer::new(n).next(n))
        .collect();
    let empty = genesis(KIND).document();
    // Genesis has an actor, too.
    let doc = trial(&empty, KIND, &firsts[1..], &Limits::RELAY).unwrap();
    let one_more = trial(&doc, KIND, &firsts[..1], &Limits::RELAY).map(|_| ());
    assert_eq!(one_more, Err(Doubt::Final("document_actors")));
    trial(&doc, KIND, &firsts[..1], &Limits::DEVICE).unwrap();
}

#[test]
fn a_full_document_takes_no_more_changes() {
    let mut phone = Phone::new(KIND, 1);
    for km in 0..100 {
        phone.put("km", km);
    }
    let changes = phone.changes();
    let limits = |changes| Limits {
        document: Bounds {
            changes,
            ..Limits::RELAY.document
        },
        ..Limits::RELAY
    };
    let empty = genesis(KIND).document();
    let full = Err(Doubt::Final("document_full"));
    let at_once = |most| trial(&empty, KIND, &changes, &limits(most)).map(|_| ());
    assert_eq!(at_once(101), Ok(()));
    assert_eq!(at_once(100), full);
    let doc = trial(&empty, KIND, &changes[..99], &limits(100)).unwrap();
    let one_more = trial(&doc, KIND, &changes[99..], &limits(100)).map(|_| ());
    assert_eq!(one_more, full);
    let again = trial(&doc, KIND, &changes[..99], &limits(50)).map(|_| ());
    assert_eq!(again, Ok(()), "what brings nothing new");
}

#[test]
fn a_document_of_twenty_thousand_saves_passes() {
    let mut phone = Phone::new(KIND, 1);
    for km in 0..20_000 {
        phone.put("km", km);
    }
    let changes = phone.changes();
    let empty = genesis(KIND).document();
    let (first, rest) = changes.split_at(19_999);
    let doc = trial(&empty, KIND, first, &Limits::PACK).unwrap();
    trial(&doc, KIND, rest, &Limits::RELAY).unwrap();
}
