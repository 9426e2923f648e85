//! All that happens to a document after a change got in, on phones and on the server: rows, view,
//! search, findings, validation, history, signing.

use automerge::{Automerge, Change};
use sopu_core::documents::{Kind, Validation, validate};
use sopu_core::findings::{self, findings, findings_across};
use sopu_core::history::field_changes;
use sopu_core::id::DocId;
use sopu_core::signing::state::{signed_content, signing_state};
use sopu_core::store::document::{DocWrite, NewChange, Origin, write_document};
use sopu_core::store::{Store, StoreError, view};
use sopu_core::testing::honest::SPACE;
use uuid::Uuid;

const DOC: DocId = DocId(Uuid::from_u128(5));

/// A clock's reading: 1 January 2026.
const NOW_MS: i64 = 1_767_225_600_000;

/// Reads documents through a store that keeps nothing.
pub struct Reader {
    store: Store,
}

impl Default for Reader {
    fn default() -> Self {
        Self::new()
    }
}

impl Reader {
    /// With an empty store in memory.
    pub fn new() -> Self {
        let store = Store::open_in_memory().expect("a store in memory");
        Self { store }
    }

    /// Stores a document with these last changes, reads it every way there is, and forgets it.
    pub fn read(&mut self, am: &Automerge, kind: Kind, last: &[Vec<u8>]) {
        let of = |change: &Change| NewChange::new(change, Origin::Saved);
        let new: Vec<NewChange> = am.get_changes(&[]).iter().map(of).collect();
        let mut seen = None;
        let undone = self.store.write(|tx| {
            let write = DocWrite {
                doc: DOC,
                space: SPACE,
                kind,
                am,
                new: &new,
                at_ms: NOW_MS,
                by: None,
            };
            write_document(tx, &write)?;
            seen = view::get(tx, DOC)?;
            // Rolls back.
            Err::<(), _>(StoreError::NotFound(DOC))
        });
        assert!(
            matches!(undone, Err(StoreError::NotFound(DOC))),
            "stores: {undone:?}"
        );
        let view: findings::View = seen.expect("has a view").into();
        let value = view.value.clone();
        let today = jiff::civil::date(2026, 1, 1);
        for towards in ["save", "locked", "final", "published"] {
            validate(kind, &value, &Validation { towards, today });
        }
        let beside = findings::View {
            id: DocId(Uuid::from_u128(6)),
            ..view.clone()
        };
        let views = [view, beside];
        findings(&views, NOW_MS);
        findings_across(&views, NOW_MS);
        signing_state(DOC, &value);
        signed_content(DOC, &value);
        for change in last {
            if let Ok(change) = Change::from_bytes(change.clone()) {
                field_changes(am, kind, &change.hash().into());
            }
        }
    }
}
