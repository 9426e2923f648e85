//! Legal holds that come of what enters the feed: of a save that puts one on by somebody whose role may, and
//! of a document about a farm or client whose documents must all be kept. No save lifts a hold.

use std::collections::BTreeSet;

use automerge::Automerge;
use sopu_core::documents::Kind;
use sopu_core::envelope;
use sopu_core::id::{DeviceId, DocId, SpaceId};
use sopu_core::read::{Reading, read};
use sopu_core::store::hold::{Said, asks};
use sopu_core::wire::{Notice, NoticeKind};

use super::{Decision, Outcome, Overlay, Standing};
use crate::access::Action;
use crate::feed::append;
use crate::keys::RelayKeys;
use crate::ledger::Hold;
use crate::store::{EnvelopeRow, FeedWhat, RelayStore, Result};

/// Whether a run puts on a document what asks to keep it, which was not there before.
pub fn raises(
    document: &Automerge,
    kind: Kind,
    before: Option<&Standing>,
    after: Option<&Reading>,
) -> bool {
    let asked = || match before.and_then(|before| before.reading.as_ref()) {
        Some(reading) => asks(&reading.value),
        None => asks(&read(document, kind).value),
    };
    after.is_some_and(|after| asks(&after.value)) && !asked()
}

/// A document of this step that may have to be kept.
pub struct Due {
    doc: DocId,
    kind: u8,
    by: BTreeSet<DeviceId>,
    subjects: BTreeSet<String>,
}

/// The documents of this step: who asks to keep them, and whom they are about.
pub fn due(rows: &[EnvelopeRow], outcomes: &[Outcome], overlay: &Overlay) -> Vec<Due> {
    let fed = rows.iter().zip(outcomes);
    let fed = fed.filter(|(_, outcome)| matches!(outcome.decision, Decision::Feed { .. }));
    let docs: BTreeSet<(DocId, u8)> = fed.map(|(row, _)| (row.doc, row.kind)).collect();
    let due = docs.into_iter().map(|(doc, kind)| {
        let about = overlay.about.iter().filter(|(of, _)| *of == doc);
        let subjects = about.flat_map(|(_, subjects)| subjects.iter().cloned());
        let raised = overlay.raised.iter().filter(|(of, _)| *of == doc);
        Due {
            doc,
            kind,
            by: raised.map(|(_, device)| *device).collect(),
            subjects: subjects.collect(),
        }
    });
    due.filter(|due| !due.subjects.is_empty() || !due.by.is_empty())
        .collect()
}

/// Puts on hold what must be.
pub fn give(
    store: &mut dyn RelayStore,
    keys: &RelayKeys,
    space: SpaceId,
    due: &[Due],
    now_ms: i64,
) -> Result<()> {
    if due.is_empty() {
        return Ok(());
    }
    let clients = store.held_clients(space)?;
    for due in due {
        let of_client = !due.subjects.is_disjoint(&clients);
        if !of_client && due.by.is_empty() {
            continue;
        }
        let said = last_said(store, due.doc)?;
        // One that somebody has taken out of its client's hold stays out.
        let wanted = (of_client && said.is_none()) || any_may_hold(store, space, due, now_ms)?;
        if wanted && !said.is_some_and(|said| said.held) {
            say(store, keys, (space, due.doc, due.kind), true, now_ms)?;
        }
    }
    Ok(())
}

fn any_may_hold(
    store: &mut dyn RelayStore,
    space: SpaceId,
    due: &Due,
    now_ms: i64,
) -> Result<bool> {
    for device in &due.by {
        let Some(device) = store.device(*device)? else {
            continue;
        };
        let grants = store.grants(device.member, space)?;
        if grants
            .iter()
            .any(|grant| grant.role.may(Action::Hold) && grant.holds(now_ms))
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Sets or lifts a hold in the feed: the relay's last word from then on.
pub fn say(
    store: &mut dyn RelayStore,
    keys: &RelayKeys,
    (space, doc, kind): (SpaceId, DocId, u8),
    held: bool,
    now_ms: i64,
) -> Result<()> {
    // Also when the relay's clock was set back since.
    let after = last_said(store, doc)?.map_or(i64::MIN, |said| said.at_ms.saturating_add(1));
    let what = NoticeKind::LegalHold(held);
    append::notice(store, keys, space, doc, kind, now_ms.max(after), what)?;
    Ok(())
}

/// What the ledger says of a hold and the feed does not, which has come back from a backup. The notice is the
/// very same as it was. Doing it again changes nothing.
pub fn carry_out(store: &mut dyn RelayStore, keys: &RelayKeys, hold: &Hold) -> Result<()> {
    let Hold {
        doc,
        space,
        kind,
        at_ms,
        held,
    } = *hold;
    let erased = store
        .document(doc)?
        .is_some_and(|row| row.erased_ms.is_some());
    if erased || last_said(store, doc)?.is_some_and(|said| said >= Said { at_ms, held }) {
        return Ok(());
    }
    append::notice(
        store,
        keys,
        space,
        doc,
        kind,
        at_ms,
        NoticeKind::LegalHold(held),
    )?;
    Ok(())
}

/// Has the ledger learn what the relay said last of every document, for one that an older version kept knows
/// nothing of holds.
pub fn retell(store: &mut dyn RelayStore) -> Result<()> {
    for doc in store.docs_of_notices()? {
        let row = store.document(doc)?.filter(|row| row.erased_ms.is_none());
        let (Some(row), Some(said)) = (row, last_said(store, doc)?) else {
            continue;
        };
        append::note_hold(store, (row.space, doc, row.kind), said)?;
    }
    Ok(())
}

fn last_said(store: &mut dyn RelayStore, doc: DocId) -> Result<Option<Said>> {
    let rows = store.feed_of(doc, u64::MAX)?.into_iter();
    let said = rows.filter_map(|row| match row.what {
        FeedWhat::Envelope(_) => None,
        FeedWhat::Notice { body, .. } => Said::of(&envelope::decode::<Notice>(&body)?),
    });
    Ok(said.max())
}
