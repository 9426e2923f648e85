//! Feeds and generations in SQLite.

use rusqlite::Row;
use sopu_core::id::{DocId, EnvelopeId, SpaceId};

use super::{SqliteStore, fixed, fixed_or_null, id_at, int, limit, number};
use crate::store::{FeedRow, FeedWhat, Feeds, Generation, Head, Result, StoreError};

const COLUMNS: &str = "space, seq, id, hash, accept, doc, received_ms, arrival, notice, signature";

fn feed_row(row: &Row<'_>) -> Result<FeedRow> {
    let what = match row.get::<_, Option<i64>>(7)? {
        Some(arrival) => FeedWhat::Envelope(arrival),
        None => FeedWhat::Notice {
            body: row.get(8)?,
            signature: fixed_or_null(row, 9)?
                .ok_or(StoreError::Corrupt("a notice without signature"))?,
        },
    };
    Ok(FeedRow {
        space: id_at!(SpaceId, row, 0),
        seq: number(row, 1)?,
        id: EnvelopeId(fixed(row, 2)?),
        hash: fixed(row, 3)?,
        accept: fixed(row, 4)?,
        doc: id_at!(DocId, row, 5),
        received_ms: row.get(6)?,
        what,
    })
}

impl Feeds for SqliteStore {
    fn head(&mut self, space: SpaceId) -> Result<Head> {
        let head = self.one(
            "SELECT seq, hash FROM feed_head WHERE space = ?",
            &[space.as_bytes()],
            |row| {
                Ok(Head {
                    seq: number(row, 0)?,
                    hash: fixed(row, 1)?,
                })
            },
        )?;
        Ok(head.unwrap_or(Head {
            seq: 0,
            hash: [0; 32],
        }))
    }

    fn append(&mut self, row: &FeedRow) -> Result<()> {
        let (arrival, body, signature) = match &row.what {
            FeedWhat::Envelope(arrival) => (Some(*arrival), None, None),
            FeedWhat::Notice { body, signature } => (None, Some(body), Some(signature)),
        };
        self.run(
            "INSERT INTO feed(space, seq, id, hash, accept, doc, received_ms, arrival, notice, signature)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            &[
                row.space.as_bytes(),
                &int(row.seq),
                &row.id.0,
                &row.hash,
                &row.accept,
                row.doc.as_bytes(),
                &row.received_ms,
                &arrival,
                &body,
                &signature,
            ],
        )?;
        // The condition makes a gap impossible whoever calls: an update of no row is an error.
        let moved = self.run(
            "INSERT INTO feed_head(space, seq, hash) VALUES (?1, ?2, ?3)
             ON CONFLICT(space) DO UPDATE SET seq = ?2, hash = ?3 WHERE seq = ?2 - 1",
            &[row.space.as_bytes(), &int(row.seq), &row.hash],
        )?;
        if moved == 1 {
            Ok(())
        } else {
            Err(StoreError::Corrupt("a gap in a feed"))
        }
    }

    fn hash_at(&mut self, space: SpaceId, seq: u64) -> Result<Option<[u8; 32]>> {
        if seq == 0 {
            return Ok(Some([0; 32]));
        }
        self.one(
            "SELECT hash FROM feed WHERE space = ? AND seq = ?",
            &[space.as_bytes(), &int(seq)],
            |row| fixed(row, 0),
        )
    }

    fn feed_after(&mut self, space: SpaceId, seq: u64, most: usize) -> Result<Vec<FeedRow>> {
        self.all(
            &format!("SELECT {COLUMNS} FROM feed WHERE space = ? AND seq > ? ORDER BY seq LIMIT ?"),
            &[space.as_bytes(), &int(seq), &limit(most)],
            feed_row,
        )
    }

    fn feed_of(&mut self, doc: DocId, up_to: u64) -> Result<Vec<FeedRow>> {
        self.all(
            &format!("SELECT {COLUMNS} FROM feed WHERE doc = ? AND seq <= ? ORDER BY seq"),
            &[doc.as_bytes(), &int(up_to)],
            feed_row,
        )
    }

    fn feed_place(&mut self, id: &EnvelopeId) -> Result<Option<(SpaceId, u64)>> {
        self.one(
            "SELECT space, seq FROM feed WHERE id = ?",
            &[&id.0],
            |row| Ok((id_at!(SpaceId, row, 0), number(row, 1)?)),
        )
    }

    fn documents_below(
        &mut self,
        space: SpaceId,
        at: u64,
        below: u64,
        most: usize,
    ) -> Result<Vec<(DocId, u64)>> {
        self.all(
            "SELECT f.doc, f.seq FROM feed f
             WHERE f.space = ?1 AND f.seq < ?3 AND f.seq <= ?2
               AND NOT EXISTS (SELECT 1 FROM feed l WHERE l.doc = f.doc AND l.seq > f.seq AND l.seq <= ?2)
             ORDER BY f.seq DESC LIMIT ?4",
            &[space.as_bytes(), &int(at), &int(below), &limit(most)],
            |row| Ok((id_at!(DocId, row, 0), number(row, 1)?)),
        )
    }

    fn docs_of_notices(&mut self) -> Result<Vec<DocId>> {
        let sql = "SELECT DISTINCT doc FROM feed WHERE notice IS NOT NULL";
        self.all(sql, &[], |row| Ok(id_at!(DocId, row, 0)))
    }

    fn feed_spaces(&mut self) -> Result<Vec<SpaceId>> {
        self.all("SELECT space FROM feed_head ORDER BY space", &[], |row| {
            Ok(id_at!(SpaceId, row, 0))
        })
    }

    fn all_spaces(&mut self) -> Result<Vec<SpaceId>> {
        self.all("SELECT id FROM space ORDER BY id", &[], |row| {
            Ok(id_at!(SpaceId, row, 0))
        })
    }

    fn generations(&mut self, space: SpaceId) -> Result<Vec<Generation>> {
        self.all(
            "SELECT number, id, cut_seq FROM generation WHERE space = ? ORDER BY number",
            &[space.as_bytes()],
            |row| {
                Ok(Generation {
                    number: number(row, 0)?,
                    id: fixed(row, 1)?,
                    cut_seq: number(row, 2)?,
                })
            },
        )
    }

    fn add_generation(
        &mut self,
        space: SpaceId,
        generation: &Generation,
        now_ms: i64,
    ) -> Result<()> {
        self.run(
            "INSERT INTO generation(space, number, id, cut_seq, started_ms) VALUES (?, ?, ?, ?, ?)",
            &[
                space.as_bytes(),
                &int(generation.number),
                &generation.id,
                &int(generation.cut_seq),
                &now_ms,
            ],
        )?;
        Ok(())
    }

    fn take_lease(
        &mut self,
        space: SpaceId,
        owner: &[u8; 16],
        now_ms: i64,
        until_ms: i64,
    ) -> Result<bool> {
        let taken = self.run(
            "INSERT INTO feed_head(space, seq, hash, lease_owner, lease_until_ms)
             VALUES (?1, 0, zeroblob(32), ?2, ?4)
             ON CONFLICT(space) DO UPDATE SET lease_owner = ?2, lease_until_ms = ?4
             WHERE lease_owner IS NULL OR lease_owner = ?2 OR lease_until_ms <= ?3",
            &[space.as_bytes(), owner, &now_ms, &until_ms],
        )?;
        Ok(taken == 1)
    }
}
