//! The merged record: whole in itself, and of the same heads as the feeds give.

use std::collections::BTreeMap;

use sopu_core::documents::Kind;
use sopu_core::id::{DocId, SpaceId, Version};
use sopu_core::store::check::{self, Damage};
use sopu_core::store::{Store, document};

use super::{Finding, MOST, Report};
use crate::data::Data;
use crate::merge::Documents;
use crate::record::Record;
use crate::relay::{RECORD, restore};
use crate::store::{RelayStore, Result};

/// What is in the record.
pub(super) struct Seen {
    damages: Vec<Damage>,
    documents: BTreeMap<DocId, (SpaceId, u8, Version)>,
    positions: BTreeMap<SpaceId, u64>,
    life: u64,
}

/// Reads it through, in one state of it.
pub(super) fn look(data: &Data) -> std::result::Result<Seen, String> {
    let store = Store::open_reader_with(&data.record(), data.key());
    let store = store.map_err(|error| error.to_string())?;
    let seen = || -> sopu_core::store::Result<Seen> {
        let conn = store.conn();
        conn.execute_batch("BEGIN")?;
        let damages = check::check(conn)?;
        let mut documents = BTreeMap::new();
        let mut after = None;
        loop {
            let ids = document::ids(conn, None, after, 256)?;
            // A damaged index may lead round in circles; check has named it.
            let Some(last) = ids.last().filter(|last| after.is_none_or(|at| **last > at)) else {
                break;
            };
            after = Some(*last);
            for doc in ids {
                if let Ok(Some(row)) = document::row(conn, doc) {
                    documents.insert(doc, (row.space, row.kind, row.heads));
                }
            }
        }
        let record = Record::around(store);
        Ok(Seen {
            damages,
            documents,
            positions: record.positions()?,
            life: record.life()?,
        })
    };
    seen().map_err(|error| error.to_string())
}

/// Compares it with the feeds, as far as it has followed them.
pub(super) fn compare(relay: &mut dyn RelayStore, seen: &Seen, report: &mut Report) -> Result<()> {
    let mut found = Vec::new();
    for damage in &seen.damages {
        found.push(match damage {
            Damage::File(line) => line.clone(),
            Damage::Document(doc, fault) => format!("document {doc} is damaged: {fault:?}"),
            Damage::View(doc) => format!("the view of document {doc} is damaged"),
            Damage::Envelope(n) => format!("envelope {n} is not what its id says"),
            Damage::Notice(id) => format!("notice {id} is not what its id says"),
            Damage::Feed(space) => format!("the feed of space {space} breaks its hash"),
        });
    }
    if restore::life(relay)? != seen.life {
        // The next start makes it anew by itself.
        report
            .findings
            .extend(found.into_iter().map(|what| Finding::new(RECORD, what)));
        return Ok(());
    }
    for space in relay.feed_spaces()? {
        let position = seen.positions.get(&space).copied().unwrap_or(0);
        if position > relay.head(space)?.seq {
            found.push(format!(
                "it has followed the feed of space {space} beyond its end"
            ));
            continue;
        }
        for (doc, _) in relay.documents_below(space, position, position + 1, usize::MAX >> 1)? {
            let Some(row) = relay.document(doc)? else {
                continue;
            };
            let (Some(kind), None) = (Kind::from_number(row.kind), row.erased_ms) else {
                continue;
            };
            report.documents += 1;
            let heads = Documents::heads_at(relay, doc, kind, position)?;
            let here = seen.documents.get(&doc);
            let same = match &heads {
                None => here.is_none(),
                Some(heads) => here.is_some_and(|(.., here)| here == heads),
            };
            if !same && found.len() < MOST {
                found.push(format!("document {doc} is not what the feed says"));
            }
        }
    }
    report
        .findings
        .extend(found.into_iter().map(|what| Finding::new(RECORD, what)));
    Ok(())
}
