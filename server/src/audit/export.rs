//! Writing a space's history out.

use std::io::Write;

use rusqlite::OptionalExtension;
use sopu_core::id::{DeviceId, MemberId, SpaceId};

use super::{AuditError, Bytes, FORM, Hex, Line, line_hash, signed_bytes};
use crate::access::{blob, id16, log};
use crate::data::Data;
use crate::ledger;
use crate::relay::LEDGER;
use crate::store::sqlite::SqliteStore;
use crate::store::{Envelopes, FeedWhat, Feeds, Purpose, Transactions};

/// Entries read at a time.
const STRIDE: usize = 256;

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exported {
    /// Places of the feed.
    pub entries: u64,
    /// Rows of the access log about the space.
    pub rows: u64,
    /// The relay's public key: whoever checks the file must know it from elsewhere.
    pub relay: [u8; 32],
}

/// Writes everything that was signed in a space, as it is at this moment; the relay may serve meanwhile.
///
/// # Errors
/// The store's, the ledger's, the writer's.
pub fn export(
    data: impl Into<Data>,
    space: SpaceId,
    now_ms: i64,
    to: &mut dyn Write,
) -> Result<Exported, AuditError> {
    let data = data.into();
    let path = data.join(LEDGER);
    let mut bytes =
        std::fs::read(&path).map_err(|why| AuditError::Unreadable(path.clone(), why))?;
    // A last line without its end is being written.
    ledger::cut_to_whole_lines(&mut bytes);
    let keys = ledger::keys_of(&ledger::lines(&bytes)?);
    let keys = keys.ok_or(AuditError::NoKeys)?;
    let mut store = SqliteStore::open_to_check(&data.database(), data.key(), false)?;
    store.begin(Purpose::Read)?;
    let mut lines = Lines { to, hash: [0; 32] };
    let name = store
        .connection()
        .query_row(
            "SELECT name FROM space WHERE id = ?1",
            [blob(space.as_bytes())],
            |row| row.get(0),
        )
        .optional()?;
    lines.write(&Line::Audit {
        form: FORM,
        space,
        name: name.unwrap_or_default(),
        made_ms: now_ms,
        relay: Hex(keys.public()),
    })?;
    devices(&store, space, &mut lines)?;
    let entries = feed(&mut store, space, &mut lines)?;
    let rows = access(&store, space, &mut lines)?;
    let signature = keys.sign_audit(&signed_bytes(&lines.hash, entries, rows));
    lines.write(&Line::End {
        entries,
        rows,
        signature: Hex(signature),
    })?;
    store.rollback();
    lines.to.flush()?;
    Ok(Exported {
        entries,
        rows,
        relay: keys.public(),
    })
}

struct Lines<'w> {
    to: &'w mut dyn Write,
    hash: [u8; 32],
}

impl Lines<'_> {
    fn write(&mut self, line: &Line) -> Result<(), AuditError> {
        let object = serde_json::to_string(line).map_err(std::io::Error::from)?;
        self.hash = line_hash(&self.hash, object.as_bytes());
        let hex = data_encoding::HEXLOWER.encode(&self.hash);
        Ok(writeln!(self.to, "{hex} {object}")?)
    }
}

/// All that ever wrote in the feed: devices that were revoked too.
fn devices(store: &SqliteStore, space: SpaceId, lines: &mut Lines<'_>) -> Result<(), AuditError> {
    let mut query = store.connection().prepare(
        "SELECT d.id, d.name, d.member, coalesce(m.name, ''), d.key
         FROM device d LEFT JOIN member m ON m.id = d.member
         WHERE d.id IN (SELECT device FROM envelope WHERE space = ?1 AND seq IS NOT NULL)
         ORDER BY d.id",
    )?;
    let rows = query.query_map([blob(space.as_bytes())], |row| {
        Ok(Line::Device {
            id: DeviceId(id16(row, 0)?),
            name: row.get(1)?,
            member: MemberId(id16(row, 2)?),
            member_name: row.get(3)?,
            key: Hex(row.get(4)?),
        })
    })?;
    for row in rows {
        lines.write(&row?)?;
    }
    Ok(())
}

fn feed(store: &mut SqliteStore, space: SpaceId, lines: &mut Lines<'_>) -> Result<u64, AuditError> {
    let mut entries = 0;
    loop {
        let rows = store.feed_after(space, entries, STRIDE)?;
        if rows.is_empty() {
            return Ok(entries);
        }
        for row in rows {
            let (seq, hash, received_ms) = (row.seq, Hex(row.hash), row.received_ms);
            entries = seq;
            lines.write(&match row.what {
                FeedWhat::Notice { body, signature } => Line::Notice {
                    seq,
                    hash,
                    received_ms,
                    body: Bytes(body),
                    signature: Hex(signature),
                },
                FeedWhat::Envelope(arrival) => {
                    let kept = store.envelope_at(arrival)?;
                    let kept = kept.ok_or(AuditError::Gap(seq))?;
                    Line::Envelope {
                        seq,
                        hash,
                        received_ms,
                        header: Bytes(kept.header),
                        signature: Hex(kept.signature),
                        digest: Hex(kept.digest),
                        run: kept.run.map(Bytes),
                    }
                }
            })?;
        }
    }
}

/// The rows about this space, and the hashes of those between them.
fn access(store: &SqliteStore, space: SpaceId, lines: &mut Lines<'_>) -> Result<u64, AuditError> {
    let mut rows = 0;
    log::walk(store.connection(), space, &mut |row| {
        if let Some(before) = row.before {
            lines.write(&Line::AccessLog {
                before: Hex(before),
            })?;
        }
        if row.entry.space == Some(space) {
            rows += 1;
            return lines.write(&Line::access(row.number, row.entry, row.salt, row.hash));
        }
        lines.write(&Line::Elsewhere {
            number: row.number,
            content: Hex(row.content),
        })
    })?;
    Ok(rows)
}
