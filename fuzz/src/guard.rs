//! One change against a document as it stood before it: static guard, trial, and all that is done
//! with a document that let it in.

use std::cell::RefCell;
use std::sync::{Once, OnceLock};

use automerge::transaction::Transactable;
use automerge::{ActorId, Automerge, Change, ROOT};
use sopu_core::documents::{Kind, Rule, Type};
use sopu_core::genesis::genesis;
use sopu_core::guard::{Doubt, Limits, Refusal, check_change, trial};
use sopu_core::id::MemberId;
use sopu_core::save::{SaveContext, create, save};
use sopu_core::testing::by_hand::{body, seal_body};
use sopu_core::testing::filled::full;
use sopu_core::testing::honest::world;
use sopu_core::time::SystemEnv;
use uuid::Uuid;

use crate::reader::Reader;

/// Changes of one document in causal order, and the document as it stood before each.
pub struct History {
    /// Of which kind.
    pub kind: Kind,
    /// The changes but genesis.
    pub changes: Vec<Vec<u8>>,
    /// The document before the change of the same place, and at the end as it stands.
    pub before: Vec<Automerge>,
}

impl History {
    /// Two devices that write and meet.
    pub fn new(kind: Kind, saves: usize, seed: u64) -> Self {
        Self::of(kind, world(kind, 2, saves, seed)[0].changes())
    }

    /// A document filled in and edited on forms by one person, as an app saves it.
    pub fn filled(kind: Kind, edits: u32) -> Self {
        let ctx = SaveContext {
            actor: [7; 16],
            by: MemberId(Uuid::nil()),
            at_ms: 1_767_225_600_000,
            env: &SystemEnv,
        };
        let mut value = full(kind.spec());
        let (mut doc, mut saved) = create(kind, &value, &ctx).expect("fits the table");
        let fields = kind.spec().fields();
        let texts = fields.filter(|field| matches!(field.rule, Rule::Txt | Rule::Lww));
        let texts = texts.filter(|field| matches!(field.ty, Type::Str(_)));
        let texts: Vec<String> = texts.map(|f| f.path.replace('.', "/")).collect();
        for (edit, path) in (0..edits).zip(texts.iter().cycle()) {
            let Some(text) = value.pointer_mut(&format!("/{path}")) else {
                continue;
            };
            *text = format!("{} {edit}", text.as_str().unwrap_or_default()).into();
            saved = save(&mut doc, kind, &saved.version, &value, &ctx).expect("saves");
        }
        let genesis = genesis(kind).hash.into();
        let changes = doc.get_changes(&[genesis]);
        Self::of(
            kind,
            changes.iter().map(|c| c.raw_bytes().to_vec()).collect(),
        )
    }

    /// Of these changes.
    pub fn of(kind: Kind, changes: Vec<Vec<u8>>) -> Self {
        let mut before = vec![genesis(kind).document()];
        for change in &changes {
            let mut next = before[before.len() - 1].clone();
            let change = Change::from_bytes(change.clone()).expect("an honest change");
            next.apply_changes([change]).expect("applies");
            before.push(next);
        }
        Self {
            kind,
            changes,
            before,
        }
    }

    /// The histories the target works on, by kind.
    pub fn fixed() -> &'static [Self] {
        static ALL: OnceLock<Vec<History>> = OnceLock::new();
        ALL.get_or_init(|| {
            let of = |(kind, seed)| Self::new(kind, 24, seed);
            Kind::ALL.into_iter().zip(1..).map(of).collect()
        })
    }
}

/// What became of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The static guard refused it.
    Refused(Refusal),
    /// The trial did.
    Doubted(Doubt),
    /// It is in the document, which saves, loads, reads and takes the next edit.
    Passed,
}

/// The trial catches Automerge's panics, and those of its columns. Telling of each costs a thousand times what it does, and
/// the fuzzer takes any for a finding.
pub fn quiet_about_automerge() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let tell = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            let caught = |file: &str| file.contains("automerge") || file.contains("hexane");
            if !panic.location().is_some_and(|at| caught(at.file())) {
                tell(panic);
            }
        }));
    });
}

thread_local! {
    static READER: RefCell<Reader> = RefCell::new(Reader::new());
}

/// Tries one change on a document; panics if it gets in and the document is not as good as before.
pub fn attempt(doc: &Automerge, kind: Kind, change: &[u8]) -> Outcome {
    let device = check_change(change, kind, &Limits::DEVICE);
    let checked = match check_change(change, kind, &Limits::RELAY) {
        Ok(checked) => checked,
        Err(refusal) => return Outcome::Refused(refusal),
    };
    assert_eq!(
        device.as_ref(),
        Ok(&checked),
        "a device lets in what a relay does"
    );
    let run = [change.to_vec()];
    let mut after = match trial(doc, kind, &run, &Limits::RELAY) {
        Ok(after) => after,
        Err(doubt) => return Outcome::Doubted(doubt),
    };
    READER.with_borrow_mut(|reader| reader.read(&after, kind, &run));
    after.set_actor(ActorId::from([9u8; 16]));
    let mut tx = after.transaction();
    tx.put(ROOT, "km", "1.5").expect("the next edit");
    tx.commit();
    let again = Automerge::load(&after.save()).expect("loads");
    assert_eq!(again.get_heads(), after.get_heads());
    Outcome::Passed
}

/// First byte: the kind. Second: the place in its history. The rest is a change's body, which gets
/// a right checksum.
pub fn run(data: &[u8]) {
    let [kind, place, body @ ..] = data else {
        return;
    };
    quiet_about_automerge();
    let histories = History::fixed();
    let history = &histories[usize::from(*kind) % histories.len()];
    let before = &history.before[usize::from(*place) % history.before.len()];
    attempt(before, history.kind, &seal_body(1, body));
}

/// Inputs to begin from: every change of every history.
pub fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for (kind, history) in (0u8..).zip(History::fixed()) {
        for (place, change) in (0u8..).zip(&history.changes) {
            seeds.push([&[kind, place], &body(change)[..]].concat());
        }
    }
    seeds
}
