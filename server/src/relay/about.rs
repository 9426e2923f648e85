//! Whom documents were about before the relay kept it.

use std::collections::BTreeSet;

use sopu_core::store::list::{self, Query};

use super::Relay;
use crate::store::{Result, StoreError};

/// Set once everything is noted.
const NOTED: &str = "about";

impl Relay {
    /// Notes of every document in the merged record whom it is about, once.
    pub(super) fn note_subjects(&self) -> Result<()> {
        if self.commits.read(|store| store.meta(NOTED))?.is_some() {
            return Ok(());
        }
        let all = Query {
            limit: usize::MAX >> 1,
            ..Query::default()
        };
        let rows = match list::list(self.record().store().conn(), &all) {
            Ok(page) => page.rows,
            Err(error) => return Err(StoreError::Backend(std::sync::Arc::new(error))),
        };
        let now_ms = self.env.now_ms();
        self.commits.write(move |store| {
            for row in rows {
                if let Some(subject) = row.subject {
                    store.set_subjects(row.doc, &BTreeSet::from([subject]), now_ms)?;
                }
            }
            store.set_meta(NOTED, Some(&[1]))
        })
    }
}
