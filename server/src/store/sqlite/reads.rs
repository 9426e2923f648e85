//! The access log in SQLite, for what devices tell.

use std::ops::Range;

use sopu_core::id::DocId;

use super::SqliteStore;
use crate::access::log::{self, Entry};
use crate::store::{Reads, Result};

/// Rows looked at, at most.
const ROWS: u32 = 1_000;

impl Reads for SqliteStore {
    fn log_once(&mut self, entry: &Entry, within_ms: Range<i64>) -> Result<()> {
        let there = self.count(
            "SELECT count(*) FROM access_log
             WHERE doc = ?1 AND at_ms >= ?2 AND at_ms < ?3 AND member = ?4 AND action = ?5",
            &[
                &entry.doc.as_ref().map(|doc| doc.as_bytes().as_slice()),
                &within_ms.start,
                &within_ms.end,
                &entry
                    .member
                    .as_ref()
                    .map(|member| member.as_bytes().as_slice()),
                &entry.action,
            ],
        )?;
        if there == 0 {
            self.ran();
            log::record(&self.connection, entry)?;
        }
        Ok(())
    }

    fn logged(&mut self, doc: DocId) -> Result<Vec<Entry>> {
        self.ran();
        Ok(log::of_document(&self.connection, doc, ROWS)?)
    }
}
