//! Giving an entry its place: the next seq of its space, the running hash, the accept tag.

use sopu_core::envelope::feed_hash;
use sopu_core::id::{DeviceId, DocId, EnvelopeId, SpaceId};
use sopu_core::store::hold::Said;
use sopu_core::wire::{Notice, NoticeKind, SignedNotice, Verdict};

use crate::keys::RelayKeys;
use crate::ledger::{Hold, Line};
use crate::store::{
    DocumentRow, EnvelopeRow, FeedRow, FeedWhat, RelayStore, Result, State, StoreError,
};

/// Puts an envelope into its space's feed and gives its seq. Its state, its document and the feed
/// change together; the caller's transaction makes that one step.
pub fn envelope(store: &mut dyn RelayStore, keys: &RelayKeys, row: &EnvelopeRow) -> Result<u64> {
    let seq = append(
        store,
        keys,
        Place {
            space: row.space,
            doc: row.doc,
            id: row.id,
            signer: Some(row.device),
            received_ms: row.received_ms,
        },
        FeedWhat::Envelope(row.arrival),
    )?;
    store.set_state(row.arrival, &State::Fed(seq))?;
    touch(store, row.space, row.doc, row.kind, seq)?;
    Ok(seq)
}

/// Says something about a document in its space's feed.
pub fn notice(
    store: &mut dyn RelayStore,
    keys: &RelayKeys,
    space: SpaceId,
    doc: DocId,
    kind: u8,
    at_ms: i64,
    what: NoticeKind,
) -> Result<u64> {
    let notice = Notice {
        space,
        doc,
        at_ms,
        what,
    };
    let SignedNotice { body, signature } = keys.sign_notice(&notice);
    let id = SignedNotice {
        body: body.clone(),
        signature,
    }
    .id();
    let place = Place {
        space,
        doc,
        id,
        signer: None,
        received_ms: at_ms,
    };
    let seq = append(store, keys, place, FeedWhat::Notice { body, signature })?;
    touch(store, space, doc, kind, seq)?;
    if let Some(said) = Said::of(&notice) {
        note_hold(store, (space, doc, kind), said)?;
    }
    Ok(seq)
}

/// Has the ledger learn what is said of a document's legal hold.
pub fn note_hold(
    store: &mut dyn RelayStore,
    (space, doc, kind): (SpaceId, DocId, u8),
    Said { at_ms, held }: Said,
) -> Result<()> {
    let line = Line::LegalHold(Hold {
        doc,
        space,
        kind,
        at_ms,
        held,
    });
    let body = serde_json::to_string(&line).map_err(|_| StoreError::Corrupt("ledger news"))?;
    store.add_ledger_news(&body)
}

/// Puts a notice back that this relay once gave and has lost. One about a document that was not
/// brought back is refused: the document must come first. A newer contract number gives way, since
/// readers take the last one.
pub fn take_back(
    store: &mut dyn RelayStore,
    keys: &RelayKeys,
    notice: &Notice,
    signed: &SignedNotice,
) -> Result<Verdict> {
    let id = signed.id();
    if let Some((_, seq)) = store.feed_place(&id)? {
        return Ok(Verdict::Fed(seq));
    }
    let Some(document) = store.document(notice.doc)? else {
        return Ok(Verdict::Refused("document_unknown".into()));
    };
    if document.space != notice.space {
        return Ok(Verdict::Refused("doc_of_other_space".into()));
    }
    let place = Place {
        space: notice.space,
        doc: notice.doc,
        id,
        signer: None,
        received_ms: notice.at_ms,
    };
    let what = FeedWhat::Notice {
        body: signed.body.clone(),
        signature: signed.signature,
    };
    let seq = append(store, keys, place, what)?;
    touch(store, notice.space, notice.doc, document.kind, seq)?;
    if let Some(said) = Said::of(notice) {
        note_hold(store, (notice.space, notice.doc, document.kind), said)?;
    }
    Ok(Verdict::Fed(seq))
}

struct Place {
    space: SpaceId,
    doc: DocId,
    id: EnvelopeId,
    signer: Option<DeviceId>,
    received_ms: i64,
}

fn append(
    store: &mut dyn RelayStore,
    keys: &RelayKeys,
    place: Place,
    what: FeedWhat,
) -> Result<u64> {
    let head = store.head(place.space)?;
    let row = FeedRow {
        space: place.space,
        seq: head.seq + 1,
        id: place.id,
        hash: feed_hash(&head.hash, &place.id),
        accept: keys.accept_tag(place.space, &place.id, place.signer),
        doc: place.doc,
        received_ms: place.received_ms,
        what,
    };
    store.append(&row)?;
    Ok(row.seq)
}

fn touch(store: &mut dyn RelayStore, space: SpaceId, doc: DocId, kind: u8, seq: u64) -> Result<()> {
    let known = store.document(doc)?.unwrap_or(DocumentRow {
        space,
        kind,
        last_seq: 0,
        erased_ms: None,
    });
    store.put_document(
        doc,
        &DocumentRow {
            last_seq: seq,
            ..known
        },
    )
}
