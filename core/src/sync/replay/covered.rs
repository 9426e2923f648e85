//! What was made again elsewhere, by a copy of this store, and is in the record.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use automerge::Automerge;

use crate::device::{Device, Result};
use crate::id::{DocId, EnvelopeId, Hash};
use crate::store::outbox;

/// Envelopes and names of changes ([`EnvelopeId::of_change`]) that a replay in the record has
/// replaced, each with the changes of that replay, what builds on another behind it.
pub(super) type Covered = BTreeMap<EnvelopeId, Arc<[Hash]>>;

impl Device {
    /// The envelopes of a document that a replay in the record has replaced, and with what. A copy of
    /// this store may have made it.
    pub(super) fn covered(&self, doc: DocId) -> Result<Covered> {
        let conn = self.store.conn();
        let mut covered = BTreeMap::new();
        for fed in outbox::fed_of(conn, doc)? {
            let replaces = fed.proof.header().map(|header| header.replaces);
            let replaces = replaces.filter(|replaces| !replaces.is_empty());
            if let Some(replaces) = replaces {
                let changes = outbox::changes_of(conn, fed.id)?.into_iter();
                let changes: Arc<[Hash]> = changes.map(|change| change.hash).collect();
                covered.extend(replaces.into_iter().map(|id| (id, Arc::clone(&changes))));
            }
        }
        Ok(covered)
    }
}

/// The changes of a replay that say what an edit of this time (milliseconds since 1970 UTC) said, none
/// building on another: an edit made again keeps its time. If none has it, the edit had nothing to write
/// there, and stands behind the whole replay. Empty if nothing of the replay is in the record.
pub(super) fn stand_for(record: &Automerge, replay: &[Hash], edit_ms: i64) -> Vec<Hash> {
    let metas = replay.iter().filter_map(|hash| {
        let meta = record.get_change_meta_by_hash(&(*hash).into())?;
        Some((*hash, meta))
    });
    let (same, others): (Vec<_>, Vec<_>) = metas.partition(|(_, meta)| meta.timestamp == edit_ms);
    let found = if same.is_empty() { others } else { same };
    let built_on = found.iter().flat_map(|(_, meta)| meta.deps.iter());
    let built_on: BTreeSet<Hash> = built_on.map(|dep| Hash::from(*dep)).collect();
    let hashes = found.iter().map(|(hash, _)| *hash);
    hashes.filter(|hash| !built_on.contains(hash)).collect()
}

#[cfg(test)]
mod tests {
    use automerge::transaction::CommitOptions;

    use super::*;
    use crate::documents::Kind;
    use crate::genesis::genesis;

    fn change(doc: &mut Automerge, at: &[Hash], time: i64) -> Hash {
        let heads: Vec<_> = at.iter().map(|hash| (*hash).into()).collect();
        let mut branch = doc.fork_at(&heads).expect("is there");
        branch.set_actor(automerge::ActorId::random());
        let hash = branch.empty_commit(CommitOptions::default().with_time(time));
        doc.merge(&mut branch).expect("merges");
        hash.into()
    }

    /// A form was left open: what an envelope held did not build on all else in it (storms 103665, 109603).
    #[test]
    fn an_edit_made_again_elsewhere_stands_where_it_was_made_again_and_not_where_the_last_was() {
        let kind = Kind::VisitNote;
        let mut record = genesis(kind).document();
        let start = [genesis(kind).hash];
        let first = change(&mut record, &start, 1);
        let long = [change(&mut record, &[first], 2)];
        let long = [long[0], change(&mut record, &long, 2)];
        let beside = change(&mut record, &start, 3);
        let replay = [first, long[0], long[1], beside];
        assert_eq!(stand_for(&record, &replay, 1), [first]);
        assert_eq!(stand_for(&record, &replay, 2), [long[1]]);
        assert_eq!(stand_for(&record, &replay, 3), [beside]);
        assert_eq!(stand_for(&record, &replay, 4), [long[1], beside]);
        assert_eq!(stand_for(&genesis(kind).document(), &replay, 1), []);
    }
}
