//! Every input of the committed corpus, replayed by an ordinary test.

use std::path::{Path, PathBuf};

use sopu_fuzz::TARGETS;

fn folder(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(target)
}

#[test]
fn the_corpus_breaks_no_promise() {
    for (target, run) in TARGETS {
        let mut inputs: Vec<PathBuf> = std::fs::read_dir(folder(target))
            .expect("a corpus")
            .map(|entry| entry.expect("an entry").path())
            .collect();
        inputs.sort_unstable();
        assert!(inputs.len() >= 4, "{target} has a corpus");
        for input in inputs {
            let bytes = std::fs::read(&input).expect("an input");
            let kept = std::panic::catch_unwind(|| run(&bytes));
            assert!(kept.is_ok(), "{} breaks a promise", input.display());
        }
    }
}
