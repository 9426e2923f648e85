//! Notices asked for, in SQLite.

use std::collections::BTreeSet;

use sopu_core::id::{DocId, SpaceId};

use super::{SqliteStore, fixed};
use crate::store::{NoticeWish, Notices, Result};

impl Notices for SqliteStore {
    fn notice_wishes(&mut self) -> Result<Vec<NoticeWish>> {
        let sql = "SELECT number, doc, what FROM notice_wish ORDER BY number";
        self.all(sql, &[], |row| {
            Ok(NoticeWish {
                number: row.get(0)?,
                doc: DocId(uuid::Uuid::from_bytes(fixed(row, 1)?)),
                what: row.get(2)?,
            })
        })
    }

    fn end_notice_wish(&mut self, number: i64) -> Result<()> {
        self.run("DELETE FROM notice_wish WHERE number = ?", &[&number])?;
        Ok(())
    }

    fn held_clients(&mut self, space: SpaceId) -> Result<BTreeSet<String>> {
        let sql = "SELECT subject FROM held_client WHERE space = ? AND held";
        let found = self.all(sql, &[space.as_bytes()], |row| Ok(row.get(0)?))?;
        Ok(found.into_iter().collect())
    }
}
