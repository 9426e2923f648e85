//! An Automerge file from outside: any bytes are refused, or open to a document that saves, loads and reads.

use automerge::Automerge;
use sopu_core::guard::open_file_here;
use sopu_core::read::{read, version};
use sopu_core::testing::by_hand::{body, seal_body};

use crate::guard::{History, quiet_about_automerge};

/// The bytes of a document chunk's body, whose checksum is made right; and as a file of their own.
pub fn run(data: &[u8]) {
    quiet_about_automerge();
    attempt(&seal_body(0, data));
    attempt(data);
}

/// Whether the file opened; panics if what it opened to is no whole document.
pub fn attempt(file: &[u8]) -> bool {
    let Ok((kind, document)) = open_file_here(file) else {
        return false;
    };
    let again = Automerge::load(&document.save()).expect("loads again");
    assert_eq!(version(&again), version(&document));
    assert_eq!(read(&again, kind), read(&document, kind));
    true
}

/// Each history's document, compressed and not, at its beginning, on its way and at its end.
pub fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for history in History::fixed() {
        for at in [0, 1, 4, history.before.len() - 1] {
            let document = &history.before[at];
            seeds.push(body(&document.save()));
            seeds.push(body(&document.save_nocompress()));
        }
    }
    seeds
}
