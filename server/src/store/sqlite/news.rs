//! What devices are to be told, in SQLite.

use sopu_core::id::{DeviceId, DocId, EnvelopeId};

use super::{SqliteStore, fixed, int, limit, number};
use crate::store::{News, Result};

/// Where counters of a prefix begin that nobody has used yet.
fn floor(prefix: &str) -> String {
    format!("from {prefix}")
}

impl News for SqliteStore {
    fn vectors(&mut self, device: DeviceId) -> Result<Option<(Vec<u8>, Vec<u8>)>> {
        self.one(
            "SELECT confirmed, sent FROM device_vector WHERE device = ?",
            &[device.as_bytes()],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
    }

    fn set_vectors(&mut self, device: DeviceId, confirmed: &[u8], sent: &[u8]) -> Result<()> {
        self.run(
            "INSERT INTO device_vector(device, confirmed, sent) VALUES (?1, ?2, ?3)
             ON CONFLICT(device) DO UPDATE SET confirmed = ?2, sent = ?3",
            &[device.as_bytes(), &confirmed, &sent],
        )?;
        Ok(())
    }

    fn status_after(
        &mut self,
        device: DeviceId,
        seen: u64,
        most: usize,
    ) -> Result<Vec<(u64, EnvelopeId, Vec<u8>)>> {
        self.all(
            "SELECT number, id, status FROM status_news WHERE device = ? AND number > ? ORDER BY number LIMIT ?",
            &[device.as_bytes(), &int(seen), &limit(most)],
            |row| Ok((number(row, 0)?, EnvelopeId(fixed(row, 1)?), row.get(2)?)),
        )
    }

    fn add_status(&mut self, device: DeviceId, id: &EnvelopeId, status: &[u8]) -> Result<u64> {
        let next = self.next_number(&format!("status:{device}"))?;
        self.run(
            "INSERT INTO status_news(device, number, id, status) VALUES (?, ?, ?, ?)",
            &[device.as_bytes(), &int(next), &id.0, &status],
        )?;
        Ok(next)
    }

    fn drop_status(&mut self, device: DeviceId, seen: u64) -> Result<()> {
        self.run(
            "DELETE FROM status_news WHERE device = ? AND number <= ?",
            &[device.as_bytes(), &int(seen)],
        )?;
        Ok(())
    }

    fn orders(&mut self, device: DeviceId) -> Result<Vec<(u64, Vec<u8>)>> {
        self.all(
            "SELECT number, what FROM device_order WHERE device = ? ORDER BY number",
            &[device.as_bytes()],
            |row| Ok((number(row, 0)?, row.get(1)?)),
        )
    }

    fn add_order(&mut self, device: DeviceId, what: &[u8]) -> Result<u64> {
        let there = self.one(
            "SELECT number FROM device_order WHERE device = ? AND what = ?",
            &[device.as_bytes(), &what],
            |row| number(row, 0),
        )?;
        if let Some(there) = there {
            return Ok(there);
        }
        let next = self.next_number(&format!("order:{device}"))?;
        self.run(
            "INSERT INTO device_order(device, number, what) VALUES (?, ?, ?)",
            &[device.as_bytes(), &int(next), &what],
        )?;
        Ok(next)
    }

    fn finish_order(&mut self, device: DeviceId, order: u64) -> Result<Option<Vec<u8>>> {
        self.one(
            "DELETE FROM device_order WHERE device = ? AND number = ? RETURNING what",
            &[device.as_bytes(), &int(order)],
            |row| Ok(row.get(0)?),
        )
    }

    fn next_number(&mut self, counter: &str) -> Result<u64> {
        let prefix = counter.split_inclusive(':').next().unwrap_or_default();
        let next = self.one(
            "INSERT INTO counter(name, value)
             VALUES (?1, 1 + coalesce((SELECT value FROM counter WHERE name = ?2), 0))
             ON CONFLICT(name) DO UPDATE SET value = value + 1 RETURNING value",
            &[&counter, &floor(prefix)],
            |row| number(row, 0),
        )?;
        Ok(next.unwrap_or(1))
    }

    fn jump_numbers(&mut self, prefix: &str, by: u64) -> Result<()> {
        self.run(
            "UPDATE counter SET value = value + ? WHERE substr(name, 1, length(?2)) = ?2",
            &[&int(by), &prefix],
        )?;
        self.run(
            "INSERT INTO counter(name, value) VALUES (?1, ?2)
             ON CONFLICT(name) DO UPDATE SET value = value + ?2",
            &[&floor(prefix), &int(by)],
        )?;
        Ok(())
    }

    fn meta(&mut self, key: &str) -> Result<Option<Vec<u8>>> {
        self.one("SELECT value FROM meta WHERE key = ?", &[&key], |row| {
            Ok(row.get(0)?)
        })
    }

    fn set_meta(&mut self, key: &str, value: Option<&[u8]>) -> Result<()> {
        match value {
            Some(value) => self.run(
                "INSERT OR REPLACE INTO meta(key, value) VALUES (?, ?)",
                &[&key, &value],
            )?,
            None => self.run("DELETE FROM meta WHERE key = ?", &[&key])?,
        };
        Ok(())
    }

    fn seen(&mut self, doc: DocId) -> Result<u64> {
        let seen = self.one(
            "SELECT seq FROM seen WHERE doc = ?",
            &[doc.as_bytes()],
            |row| number(row, 0),
        )?;
        Ok(seen.unwrap_or(0))
    }

    fn set_seen(&mut self, doc: DocId, seq: u64) -> Result<()> {
        self.run(
            "INSERT INTO seen(doc, seq) VALUES (?1, ?2) ON CONFLICT(doc) DO UPDATE SET seq = max(seq, ?2)",
            &[doc.as_bytes(), &int(seq)],
        )?;
        Ok(())
    }
}
