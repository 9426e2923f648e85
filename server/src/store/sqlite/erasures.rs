//! Erasures asked for, and their receipts, in SQLite.

use sopu_core::id::{DeviceId, DocId};

use super::{SqliteStore, fixed};
use crate::access::erasures::{AWAITED, MOVED};
use crate::store::{ErasureWish, Erasures, Result};

impl Erasures for SqliteStore {
    fn erasure_wishes(&mut self) -> Result<Vec<ErasureWish>> {
        self.all(
            "SELECT doc, reason, moved_to, problem NOT NULL FROM erasure_wish
             WHERE problem IS NULL OR problem = ? ORDER BY doc",
            &[&AWAITED],
            |row| {
                let id = |bytes| DocId(uuid::Uuid::from_bytes(bytes));
                let moved = row.get::<_, Option<Vec<u8>>>(2)?;
                Ok(ErasureWish {
                    doc: id(fixed(row, 0)?),
                    reason: row.get(1)?,
                    moved_to: moved.map(|_| fixed(row, 2)).transpose()?.map(id),
                    awaited: row.get(3)?,
                })
            },
        )
    }

    fn end_erasure_wish(&mut self, doc: DocId, problem: Option<&str>) -> Result<()> {
        match problem {
            None => self.run("DELETE FROM erasure_wish WHERE doc = ?", &[doc.as_bytes()]),
            Some(problem) => self.run(
                "UPDATE erasure_wish SET problem = ?2 WHERE doc = ?1",
                &[doc.as_bytes(), &problem],
            ),
        }?;
        Ok(())
    }

    fn retry_erasure_wishes(&mut self, problem: &str) -> Result<()> {
        self.run(
            "UPDATE erasure_wish SET problem = NULL WHERE problem = ?",
            &[&problem],
        )?;
        Ok(())
    }

    fn await_move(&mut self, doc: DocId, moved_to: Option<DocId>) -> Result<()> {
        let moved_to = moved_to.as_ref().map(DocId::as_bytes);
        self.run(
            "INSERT INTO erasure_wish(doc, reason, problem, moved_to) VALUES (?, ?, ?, ?)
             ON CONFLICT DO UPDATE SET reason = excluded.reason, problem = excluded.problem,
                 moved_to = coalesce(excluded.moved_to, moved_to)
             WHERE moved_to NOT NULL OR excluded.moved_to NOT NULL",
            &[doc.as_bytes(), &MOVED, &AWAITED, &moved_to],
        )?;
        Ok(())
    }

    fn note_purge(&mut self, doc: DocId, device: DeviceId, at_ms: i64) -> Result<()> {
        self.run(
            "INSERT INTO purge(doc, device, ordered_ms) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            &[doc.as_bytes(), device.as_bytes(), &at_ms],
        )?;
        Ok(())
    }

    fn confirm_purge(&mut self, doc: Option<DocId>, device: DeviceId, at_ms: i64) -> Result<()> {
        let doc = doc.as_ref().map(DocId::as_bytes);
        self.run(
            "UPDATE purge SET confirmed_ms = ?3
             WHERE device = ?2 AND (?1 IS NULL OR doc = ?1) AND confirmed_ms IS NULL",
            &[&doc, device.as_bytes(), &at_ms],
        )?;
        Ok(())
    }
}
