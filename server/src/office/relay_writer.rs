//! The office writes through the relay: accepted, merged and proved as a device's work is.

use serde_json::Value;
use sopu_core::documents::Kind;
use sopu_core::id::{DocId, EnvelopeId, MemberId, SpaceId};
use sopu_core::read;
use sopu_core::save::{self, SaveError};
use sopu_core::wire::Verdict;

use super::{Choice, Place, WriteError, Writer};
use crate::relay::{OfficeWriteError, Relay};

impl Writer for Relay {
    fn choose(&self, kind: Kind, choice: &Choice) -> Result<(), WriteError> {
        let work = |doc: &mut automerge::Automerge, ctx: &save::SaveContext<'_>| {
            save::choose(
                doc,
                kind,
                &choice.version,
                &choice.path,
                &choice.change,
                ctx,
            )
            .map(|_| ())
        };
        written(self.office_write(choice.member, choice.space, choice.doc, kind, work))
    }

    fn share(&self, member: MemberId, at: Place, shared: bool) -> Result<(), WriteError> {
        let work = |doc: &mut automerge::Automerge, ctx: &save::SaveContext<'_>| {
            let version = read::version(doc);
            let reading = read::read(doc, at.kind);
            // Where two disagree, to say what is shown already is to choose it: a save sees no difference.
            let disputed = reading.conflicts.iter().find(|c| c.path == "shared");
            let said = disputed.and_then(|c| c.values.iter().find(|live| live.value == shared));
            if let Some(said) = said {
                let chosen = save::choose(doc, at.kind, &version, "shared", &said.change, ctx);
                return chosen.map(|_| ());
            }
            let mut value = reading.value;
            value["shared"] = shared.into();
            save::save(doc, at.kind, &version, &value, ctx).map(|_| ())
        };
        match self.office_write(member, at.space, at.doc, at.kind, work) {
            // It was so already.
            Ok(None) => Ok(()),
            done => written(done),
        }
    }

    fn create(&self, member: MemberId, at: Place, value: &Value) -> Result<(), WriteError> {
        let work = |doc: &mut automerge::Automerge, ctx: &save::SaveContext<'_>| {
            let version = read::version(doc);
            save::save(doc, at.kind, &version, value, ctx).map(|_| ())
        };
        match self.office_write(member, at.space, at.doc, at.kind, work) {
            // It says so already.
            Ok(None) => Ok(()),
            Err(OfficeWriteError::NotHere) => Err(WriteError::Gone),
            done => written(done),
        }
    }

    fn carry_out(&self) {
        if let Err(error) = self.carry_out_wishes() {
            tracing::error!(%error, "office: what was asked for was not carried out at once");
        }
    }

    fn review(&self, id: EnvelopeId, accept: bool) -> Result<bool, WriteError> {
        let done = match accept {
            true => self.release(id),
            false => self.drop_held(id),
        };
        let done = done.map_err(|error| {
            tracing::error!(%error, "office: held work could not be reviewed");
            WriteError::Failed
        })?;
        self.tell_all();
        Ok(done)
    }

    fn seen(&self, _: SpaceId, doc: DocId) {
        if let Err(error) = self.mark_seen(doc) {
            tracing::error!(%error, "office: could not note that a document was seen");
        }
    }
}

/// What became of a write, in the office's words.
fn written(done: Result<Option<Verdict>, OfficeWriteError>) -> Result<(), WriteError> {
    match done {
        Ok(Some(Verdict::Fed(_))) => Ok(()),
        Ok(None) => Err(WriteError::Gone),
        Ok(Some(verdict)) => {
            tracing::error!(?verdict, "office: the relay did not take an office edit");
            Err(WriteError::Failed)
        }
        Err(OfficeWriteError::NotAllowed) => Err(WriteError::Right),
        Err(OfficeWriteError::Save(SaveError::NothingThere(_) | SaveError::UnknownVersion)) => {
            Err(WriteError::Gone)
        }
        Err(error) => {
            tracing::error!(%error, "office: an edit was not written");
            Err(WriteError::Failed)
        }
    }
}
