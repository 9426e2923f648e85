//! Whom documents are about, in SQLite.

use std::collections::BTreeSet;

use sopu_core::id::DocId;

use super::{SqliteStore, id_at};
use crate::store::{Result, Subjects};

impl Subjects for SqliteStore {
    fn set_subjects(&mut self, doc: DocId, subjects: &BTreeSet<String>, now_ms: i64) -> Result<()> {
        let sql = "SELECT subject FROM about WHERE doc = ? AND until_ms IS NULL";
        let known: Vec<String> = self.all(sql, &[doc.as_bytes()], |row| Ok(row.get(0)?))?;
        for subject in subjects {
            if !known.contains(subject) {
                self.run(
                    "INSERT INTO about(doc, subject) VALUES (?, ?)
                     ON CONFLICT DO UPDATE SET until_ms = NULL",
                    &[doc.as_bytes(), subject],
                )?;
            }
        }
        for subject in &known {
            if !subjects.contains(subject) {
                self.run(
                    "UPDATE about SET until_ms = ?3 WHERE doc = ?1 AND subject = ?2",
                    &[doc.as_bytes(), subject, &now_ms],
                )?;
            }
        }
        Ok(())
    }

    fn note_move(&mut self, doc: DocId, old: DocId) -> Result<()> {
        self.run(
            "INSERT INTO was(doc, old) VALUES (?, ?) ON CONFLICT DO NOTHING",
            &[doc.as_bytes(), old.as_bytes()],
        )?;
        Ok(())
    }

    fn became(&mut self, old: DocId) -> Result<Option<DocId>> {
        let sql = "SELECT doc FROM was WHERE old = ?1
             UNION ALL SELECT moved_to FROM erasure_wish WHERE doc = ?1 AND moved_to NOT NULL LIMIT 1";
        self.one(sql, &[old.as_bytes()], |row| Ok(id_at!(DocId, row, 0)))
    }
}
