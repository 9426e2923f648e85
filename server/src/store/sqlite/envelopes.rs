//! Envelopes and documents in SQLite.

use std::ops::RangeInclusive;

use rusqlite::Row;
use sopu_core::id::{DeviceId, DocId, EnvelopeId, Hash, SpaceId};

use super::{SqliteStore, fixed, fixed_or_null, id_at, int, limit, number};
use crate::store::{
    ChangeRow, Claim, DocumentRow, EnvelopeRow, Envelopes, Result, State, StoreError,
};

const COLUMNS: &str = "arrival, id, space, doc, kind, device, instance, header, signature, digest, run, \
     changes, received_ms, late, state, reason, seq, deaths, tried_by";

fn envelope_row(row: &Row<'_>) -> Result<EnvelopeRow> {
    Ok(EnvelopeRow {
        arrival: row.get(0)?,
        id: EnvelopeId(fixed(row, 1)?),
        space: id_at!(SpaceId, row, 2),
        doc: id_at!(DocId, row, 3),
        kind: row.get(4)?,
        device: id_at!(DeviceId, row, 5),
        instance: fixed_or_null(row, 6)?,
        header: row.get(7)?,
        signature: fixed(row, 8)?,
        digest: fixed(row, 9)?,
        run: row.get(10)?,
        changes: row.get(11)?,
        received_ms: row.get(12)?,
        late: row.get(13)?,
        state: state(row, 14)?,
        deaths: row.get(17)?,
        tried_by: row.get(18)?,
    })
}

/// State, reason and seq in three columns from `at` on.
fn state(row: &Row<'_>, at: usize) -> Result<State> {
    let reason = || {
        row.get::<_, Option<String>>(at + 1)
            .map(Option::unwrap_or_default)
    };
    Ok(
        match row
            .get_ref(at)?
            .as_str()
            .map_err(|_| StoreError::Corrupt("a state"))?
        {
            "waiting" => State::Waiting,
            "fed" => State::Fed(number(row, at + 2)?),
            "held" => State::Held(reason()?),
            "final" => State::Final(reason()?),
            "erased" => State::Erased,
            _ => return Err(StoreError::Corrupt("a state")),
        },
    )
}

fn parts(state: &State) -> (&'static str, Option<&str>, Option<i64>) {
    match state {
        State::Waiting => ("waiting", None, None),
        State::Fed(seq) => ("fed", None, Some(int(*seq))),
        State::Held(reason) => ("held", Some(reason), None),
        State::Final(reason) => ("final", Some(reason), None),
        State::Erased => ("erased", None, None),
    }
}

fn claim(row: &Row<'_>) -> Result<Claim> {
    Ok(Claim {
        hash: Hash(fixed(row, 0)?),
        arrival: row.get(1)?,
        state: state(row, 2)?,
    })
}

impl Envelopes for SqliteStore {
    fn envelope(&mut self, id: &EnvelopeId) -> Result<Option<EnvelopeRow>> {
        self.one(
            &format!("SELECT {COLUMNS} FROM envelope WHERE id = ?"),
            &[&id.0],
            envelope_row,
        )
    }

    fn envelope_at(&mut self, arrival: i64) -> Result<Option<EnvelopeRow>> {
        self.one(
            &format!("SELECT {COLUMNS} FROM envelope WHERE arrival = ?"),
            &[&arrival],
            envelope_row,
        )
    }

    fn insert_envelope(&mut self, row: &EnvelopeRow, changes: &[ChangeRow]) -> Result<i64> {
        let (state, reason, seq) = parts(&row.state);
        self.run(
            "INSERT INTO envelope(id, space, doc, kind, device, instance, header, signature, digest, run,
               changes, received_ms, late, state, reason, seq)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            &[
                &row.id.0,
                row.space.as_bytes(),
                row.doc.as_bytes(),
                &row.kind,
                row.device.as_bytes(),
                &row.instance,
                &row.header,
                &row.signature,
                &row.digest,
                &row.run,
                &row.changes,
                &row.received_ms,
                &row.late,
                &state,
                &reason,
                &seq,
            ],
        )?;
        let arrival = self.connection.last_insert_rowid();
        let mut insert = self.connection.prepare_cached(
            "INSERT OR IGNORE INTO change(doc, hash, actor, seq, arrival) VALUES (?, ?, ?, ?, ?)",
        )?;
        for change in changes {
            self.ran();
            insert.execute((
                row.doc.as_bytes().as_slice(),
                &change.hash.0,
                &change.actor,
                int(change.seq),
                arrival,
            ))?;
        }
        Ok(arrival)
    }

    fn set_state(&mut self, arrival: i64, new: &State) -> Result<()> {
        let (state, reason, seq) = parts(new);
        self.run(
            "UPDATE envelope SET state = ?, reason = ?, seq = ? WHERE arrival = ?",
            &[&state, &reason, &seq, &arrival],
        )?;
        if !matches!(new, State::Held(_) | State::Waiting) {
            self.run("DELETE FROM missing WHERE arrival = ?", &[&arrival])?;
        }
        Ok(())
    }

    fn set_deaths(&mut self, arrival: i64, deaths: u32, tried_by: &str) -> Result<()> {
        self.run(
            "UPDATE envelope SET deaths = ?, tried_by = ? WHERE arrival = ?",
            &[&deaths, &tried_by, &arrival],
        )?;
        Ok(())
    }

    fn waiting(&mut self, space: Option<SpaceId>, most: usize) -> Result<Vec<EnvelopeRow>> {
        match space {
            Some(space) => self.all(
                &format!(
                    "SELECT {COLUMNS} FROM envelope WHERE state = 'waiting' AND space = ? ORDER BY arrival LIMIT ?"
                ),
                &[space.as_bytes(), &limit(most)],
                envelope_row,
            ),
            None => self.all(
                &format!("SELECT {COLUMNS} FROM envelope WHERE state = 'waiting' ORDER BY arrival LIMIT ?"),
                &[&limit(most)],
                envelope_row,
            ),
        }
    }

    fn held(&mut self, reason: &str) -> Result<Vec<EnvelopeRow>> {
        self.all(
            &format!("SELECT {COLUMNS} FROM envelope WHERE state = 'held' AND reason = ? ORDER BY arrival"),
            &[&reason],
            envelope_row,
        )
    }

    fn quarantine(&mut self, most: usize) -> Result<Vec<EnvelopeRow>> {
        self.all(
            &format!(
                "SELECT {COLUMNS} FROM envelope WHERE state IN ('held', 'final') ORDER BY arrival DESC LIMIT ?"
            ),
            &[&limit(most)],
            envelope_row,
        )
    }

    fn count_in(&mut self, state: &str) -> Result<u64> {
        let count = self.count("SELECT count(*) FROM envelope WHERE state = ?", &[&state])?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    fn envelopes_of(&mut self, doc: DocId) -> Result<Vec<EnvelopeRow>> {
        self.all(
            &format!("SELECT {COLUMNS} FROM envelope WHERE doc = ? ORDER BY arrival"),
            &[doc.as_bytes()],
            envelope_row,
        )
    }

    fn claims(
        &mut self,
        doc: DocId,
        actor: &[u8; 32],
        seqs: RangeInclusive<u64>,
    ) -> Result<Vec<(u64, Claim)>> {
        self.all(
            "SELECT c.hash, c.arrival, e.state, e.reason, e.seq, c.seq
             FROM change c JOIN envelope e ON e.arrival = c.arrival
             WHERE c.doc = ? AND c.actor = ? AND c.seq BETWEEN ? AND ? ORDER BY c.seq, c.arrival",
            &[
                doc.as_bytes(),
                actor,
                &int(*seqs.start()),
                &int(*seqs.end()),
            ],
            |row| Ok((number(row, 5)?, claim(row)?)),
        )
    }

    fn bringers(&mut self, doc: DocId, hash: &Hash) -> Result<Vec<Claim>> {
        self.all(
            "SELECT c.hash, c.arrival, e.state, e.reason, e.seq
             FROM change c JOIN envelope e ON e.arrival = c.arrival
             WHERE c.doc = ? AND c.hash = ? ORDER BY c.arrival",
            &[doc.as_bytes(), &hash.0],
            claim,
        )
    }

    fn changes_of(&mut self, arrival: i64) -> Result<Vec<Hash>> {
        self.all(
            "SELECT hash FROM change WHERE arrival = ?",
            &[&arrival],
            |row| Ok(Hash(fixed(row, 0)?)),
        )
    }

    fn set_missing(&mut self, arrival: i64, doc: DocId, hashes: &[Hash]) -> Result<()> {
        self.run("DELETE FROM missing WHERE arrival = ?", &[&arrival])?;
        for hash in hashes {
            self.run(
                "INSERT OR IGNORE INTO missing(doc, hash, arrival) VALUES (?, ?, ?)",
                &[doc.as_bytes(), &hash.0, &arrival],
            )?;
        }
        Ok(())
    }

    fn waiting_for(&mut self, doc: DocId, hash: &Hash) -> Result<Vec<i64>> {
        self.all(
            "SELECT arrival FROM missing WHERE doc = ? AND hash = ? ORDER BY arrival",
            &[doc.as_bytes(), &hash.0],
            |row| Ok(row.get(0)?),
        )
    }

    fn dependants(&mut self, arrival: i64) -> Result<Vec<(i64, Hash)>> {
        self.all(
            "SELECT m.arrival, m.hash FROM change c JOIN missing m ON m.doc = c.doc AND m.hash = c.hash
             WHERE c.arrival = ? ORDER BY m.arrival",
            &[&arrival],
            |row| Ok((row.get(0)?, Hash(fixed(row, 1)?))),
        )
    }

    fn missing_of(&mut self, arrival: i64) -> Result<Vec<Hash>> {
        self.all(
            "SELECT hash FROM missing WHERE arrival = ?",
            &[&arrival],
            |row| Ok(Hash(fixed(row, 0)?)),
        )
    }

    fn add_offerer(&mut self, arrival: i64, device: DeviceId) -> Result<()> {
        self.run(
            "INSERT OR IGNORE INTO offerer(arrival, device) VALUES (?, ?)",
            &[&arrival, device.as_bytes()],
        )?;
        Ok(())
    }

    fn take_offerers(&mut self, arrival: i64) -> Result<Vec<DeviceId>> {
        self.all(
            "DELETE FROM offerer WHERE arrival = ? RETURNING device",
            &[&arrival],
            |row| Ok(id_at!(DeviceId, row, 0)),
        )
    }

    fn retire(&mut self, id: &EnvelopeId, by: &EnvelopeId) -> Result<()> {
        self.run(
            "INSERT OR IGNORE INTO retired(id, by_id) VALUES (?, ?)",
            &[&id.0, &by.0],
        )?;
        Ok(())
    }

    fn is_retired(&mut self, id: &EnvelopeId) -> Result<bool> {
        Ok(self.count("SELECT count(*) FROM retired WHERE id = ?", &[&id.0])? > 0)
    }

    fn erased_documents(&mut self) -> Result<Vec<(DocId, DocumentRow)>> {
        self.all(
            "SELECT doc, space, kind, last_seq, erased_ms FROM document
             WHERE erased_ms NOT NULL ORDER BY doc",
            &[],
            |row| {
                let known = DocumentRow {
                    space: id_at!(SpaceId, row, 1),
                    kind: row.get(2)?,
                    last_seq: number(row, 3)?,
                    erased_ms: row.get(4)?,
                };
                Ok((id_at!(DocId, row, 0), known))
            },
        )
    }

    fn document(&mut self, doc: DocId) -> Result<Option<DocumentRow>> {
        self.one(
            "SELECT space, kind, last_seq, erased_ms FROM document WHERE doc = ?",
            &[doc.as_bytes()],
            |row| {
                Ok(DocumentRow {
                    space: id_at!(SpaceId, row, 0),
                    kind: row.get(1)?,
                    last_seq: number(row, 2)?,
                    erased_ms: row.get(3)?,
                })
            },
        )
    }

    fn put_document(&mut self, doc: DocId, row: &DocumentRow) -> Result<()> {
        self.run(
            "INSERT INTO document(doc, space, kind, last_seq, erased_ms) VALUES (?, ?, ?, ?, ?)
             ON CONFLICT(doc) DO UPDATE SET last_seq = excluded.last_seq, erased_ms = excluded.erased_ms",
            &[doc.as_bytes(), row.space.as_bytes(), &row.kind, &int(row.last_seq), &row.erased_ms],
        )?;
        Ok(())
    }

    fn erase_runs(&mut self, doc: DocId) -> Result<Vec<(DeviceId, EnvelopeId)>> {
        let unfed = self.all(
            "SELECT device, id FROM envelope WHERE doc = ? AND state IN ('waiting', 'held', 'final')",
            &[doc.as_bytes()],
            |row| Ok((id_at!(DeviceId, row, 0), EnvelopeId(fixed(row, 1)?))),
        )?;
        self.run(
            "UPDATE envelope SET run = NULL WHERE doc = ?",
            &[doc.as_bytes()],
        )?;
        self.run(
            "UPDATE envelope SET state = 'erased', reason = NULL WHERE doc = ? AND state IN ('waiting', 'held', 'final')",
            &[doc.as_bytes()],
        )?;
        self.run("DELETE FROM missing WHERE doc = ?", &[doc.as_bytes()])?;
        Ok(unfed)
    }
}
