//! Contract numbers, `SO-YYYY-NNNNN`, counted by organisation and year: issued as a notice when a
//! contract that was offered (or is past that) first stands in the feed. Until then the app shows
//! a temporary local id.

use std::collections::BTreeMap;

use sopu_core::documents::{Kind, Rule};
use sopu_core::envelope;
use sopu_core::id::{DocId, SpaceId};
use sopu_core::read::read;
use sopu_core::wire::{Notice, NoticeKind};

use super::{Decision, Outcome, Overlay, Standing};
use crate::feed::append;
use crate::keys::RelayKeys;
use crate::store::{EnvelopeRow, FeedWhat, RelayStore, Result};

/// Contracts of this step that have been offered.
pub fn due(rows: &[EnvelopeRow], outcomes: &[Outcome], overlay: &Overlay) -> Vec<DocId> {
    let fed = rows.iter().zip(outcomes).filter(|(row, outcome)| {
        row.kind == Kind::Contract.number() && matches!(outcome.decision, Decision::Feed { .. })
    });
    let mut contracts: BTreeMap<DocId, bool> = BTreeMap::new();
    for (row, _) in fed {
        let offered = || overlay.documents.get(&row.doc).is_some_and(is_offered);
        contracts.entry(row.doc).or_insert_with(offered);
    }
    contracts
        .into_iter()
        .filter(|(_, offered)| *offered)
        .map(|(doc, _)| doc)
        .collect()
}

fn is_offered(standing: &Standing) -> bool {
    let fresh;
    let reading = match &standing.reading {
        Some(reading) => reading,
        None => {
            fresh = read(&standing.document, Kind::Contract);
            &fresh
        }
    };
    let Some(mark) = reading.status.get("status") else {
        return false;
    };
    let rank = |code: &str| match Kind::Contract
        .spec()
        .field("status")
        .map(|field| field.rule)
    {
        Some(Rule::Mst(codes)) => codes.iter().position(|c| *c == code),
        Some(_) | None => None,
    };
    rank("offered")
        .zip(rank(&mark.code))
        .is_some_and(|(offered, now)| now >= offered)
}

/// Issues a number to each that has none.
pub fn issue(
    store: &mut dyn RelayStore,
    keys: &RelayKeys,
    space: SpaceId,
    contracts: &[DocId],
    now_ms: i64,
) -> Result<()> {
    for doc in contracts {
        if has_number(store, *doc)? {
            continue;
        }
        let Some(row) = store.space(space, now_ms)? else {
            continue;
        };
        let year = year(now_ms);
        let number = store.next_number(&format!("contract:{}:{year}", row.org))?;
        let text = format!("SO-{year:04}-{number:05}");
        let kind = Kind::Contract.number();
        append::notice(
            store,
            keys,
            space,
            *doc,
            kind,
            now_ms,
            NoticeKind::ContractNumber(text),
        )?;
    }
    Ok(())
}

fn has_number(store: &mut dyn RelayStore, doc: DocId) -> Result<bool> {
    Ok(store
        .feed_of(doc, u64::MAX)?
        .into_iter()
        .any(|row| match row.what {
            FeedWhat::Envelope(_) => false,
            FeedWhat::Notice { body, .. } => {
                let notice: Option<Notice> = envelope::decode(&body);
                matches!(notice.map(|n| n.what), Some(NoticeKind::ContractNumber(_)))
            }
        }))
}

/// The calendar year in Finland.
fn year(now_ms: i64) -> i16 {
    let helsinki = jiff::tz::TimeZone::get("Europe/Helsinki").unwrap_or(jiff::tz::TimeZone::UTC);
    let at = jiff::Timestamp::from_millisecond(now_ms).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    at.to_zoned(helsinki).year()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_year_turns_at_midnight_in_helsinki() {
        // 2026-12-31 21:59:59 UTC and one second later.
        assert_eq!(year(1_798_754_399_000), 2026);
        assert_eq!(year(1_798_754_400_000), 2027);
    }
}
