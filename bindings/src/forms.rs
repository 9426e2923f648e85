//! Documents: made, read, saved, listed.

use sopu_core::documents::visit_note::moved::Destination;
use sopu_core::id::{DocId, Hash, Version};

use crate::device::{SopuDevice, space_id};
use crate::document::{Conflict, Created, Document, Kind, Saved, object};
use crate::error::{Problem, SopuError};
use crate::list::{Page, Query};
use crate::pending::{Draft, Pending};
use crate::progress::Progress;
use crate::signing::{SigningState, Statement};
use crate::timeline::{Finding, TimelineStep};

type Result<T, E = SopuError> = std::result::Result<T, E>;

#[uniffi::export]
impl SopuDevice {
    /// Makes a document; `value` is a JSON object. With a `doc` from `new_id`, kept by the app, it is safe
    /// to do again for who does not know whether it was done: the document that is there stays as it is.
    #[uniffi::method(default(doc = None))]
    pub fn create(
        &self,
        space: String,
        kind: Kind,
        value: String,
        doc: Option<String>,
    ) -> Result<Created> {
        let (space, value) = (space_id(&space)?, object(&value)?);
        let doc = doc.map(|id| doc_id(&id)).transpose()?;
        let (doc, saved) = self.write(|device| match doc {
            Some(doc) => Ok((doc, device.create_as(doc, space, kind.into(), &value)?)),
            None => device.create(space, kind.into(), &value),
        })?;
        Ok(Created {
            id: doc.to_string(),
            version: saved.version.to_string(),
        })
    }

    /// Opens a document for reading or for a form.
    pub fn read(&self, doc: String) -> Result<Document> {
        let doc = doc_id(&doc)?;
        Ok(self.with(|device| device.read(doc))?.into())
    }

    /// Saves what differs between the document at `version` and this JSON object. What the form
    /// did not touch is not written. Save at the returned version next.
    pub fn save(&self, doc: String, version: String, value: String) -> Result<Saved> {
        let (doc, version, value) = (doc_id(&doc)?, heads(&version)?, object(&value)?);
        Ok(self
            .write(|device| device.save(doc, &version, &value))?
            .into())
    }

    /// Keeps the document loaded while a form is open on it.
    pub fn form_opened(&self, doc: String) -> Result<()> {
        let doc = doc_id(&doc)?;
        self.with(|device| {
            device.open_form(doc);
            Ok(())
        })
    }

    /// The form was closed.
    pub fn form_closed(&self, doc: String) -> Result<()> {
        let doc = doc_id(&doc)?;
        self.with(|device| {
            device.close_form(doc);
            Ok(())
        })
    }

    /// Takes a status back to this code in a new round.
    pub fn reopen(
        &self,
        doc: String,
        version: String,
        path: String,
        code: String,
    ) -> Result<Saved> {
        let (doc, version) = (doc_id(&doc)?, heads(&version)?);
        Ok(self
            .write(|device| device.reopen(doc, &version, &path, &code))?
            .into())
    }

    /// Moves a visit note from the wrong client into this space and to this farm or client, if it is
    /// known, and marks the old one for the office to take out. Gives the id of the new one; doing it
    /// again gives the same.
    pub fn move_note(&self, doc: String, space: String, subject: Option<String>) -> Result<String> {
        let (doc, space) = (doc_id(&doc)?, space_id(&space)?);
        let subject = subject.map(|id| doc_id(&id)).transpose()?.map(|id| id.0);
        let to = Destination {
            subject,
            contract: None,
        };
        Ok(self
            .write(|device| device.move_note(doc, space, &to))?
            .to_string())
    }

    /// Lists documents.
    pub fn list(&self, query: Query) -> Result<Page> {
        let query = query.try_into()?;
        Ok(self.with(|device| device.list(&query))?.into())
    }

    /// Finds documents that have every one of these words, last changed first.
    pub fn search(&self, text: String, offset: u32, limit: u32) -> Result<Page> {
        self.list(Query {
            text: Some(text),
            offset,
            limit,
            ..Query::default()
        })
    }

    /// The fields of a document that wait for a person's choice.
    pub fn conflicts(&self, doc: String) -> Result<Vec<Conflict>> {
        Ok(self.read(doc)?.conflicts)
    }

    /// Settles a conflict in favour of the value that `change` wrote.
    pub fn choose(
        &self,
        doc: String,
        version: String,
        path: String,
        change: String,
    ) -> Result<Saved> {
        let (doc, version) = (doc_id(&doc)?, heads(&version)?);
        let change = hash(&change)?;
        Ok(self
            .write(|device| device.choose(doc, &version, &path, &change))?
            .into())
    }

    /// What is wrong with a document on its way to a status (`"locked"`, `"published"` …) or while
    /// writing (`"save"`).
    pub fn problems(&self, doc: String, towards: String) -> Result<Vec<Problem>> {
        let doc = doc_id(&doc)?;
        let problems = self.with(|device| device.problems(doc, &towards))?;
        Ok(problems.into_iter().map(Problem::from).collect())
    }

    /// Locks a contract as read at this version, ready to be signed.
    pub fn lock_contract(&self, doc: String, version: String) -> Result<Saved> {
        let (doc, version) = (doc_id(&doc)?, heads(&version)?);
        Ok(self
            .write(|device| device.lock_contract(doc, &version))?
            .into())
    }

    /// Signs a locked contract with this device's key.
    pub fn sign_contract(&self, doc: String, statement: Statement) -> Result<Saved> {
        let (doc, statement) = (doc_id(&doc)?, statement.try_into()?);
        Ok(self
            .write(|device| device.sign_contract(doc, statement))?
            .into())
    }

    /// How far the signing of a contract is.
    pub fn signing_state(&self, doc: String) -> Result<SigningState> {
        let doc = doc_id(&doc)?;
        Ok(self.with(|device| device.signing_state(doc))?.into())
    }

    /// What was signed by all, byte for byte as sealed, as a JSON object; `None` before that.
    pub fn signed_content(&self, doc: String) -> Result<Option<String>> {
        let doc = doc_id(&doc)?;
        let content = self.with(|device| device.signed_content(doc))?;
        Ok(content.map(|value| value.to_string()))
    }

    /// What a person should look at in a space, from what is on this device.
    pub fn findings(&self, space: String) -> Result<Vec<Finding>> {
        let space = space_id(&space)?;
        let findings = self.with(|device| device.findings(space))?;
        Ok(findings.into_iter().map(Finding::from).collect())
    }

    /// The timeline of a document, newest first.
    pub fn timeline(&self, doc: String, offset: u32, limit: u32) -> Result<Vec<TimelineStep>> {
        let (offset, limit) = (offset as usize, limit as usize);
        let doc = doc_id(&doc)?;
        let steps = self.with(|device| device.timeline(doc, offset, limit))?;
        Ok(steps.into_iter().map(TimelineStep::from).collect())
    }

    /// How far one's own work in a document has come.
    pub fn status(&self, doc: String) -> Result<Progress> {
        let doc = doc_id(&doc)?;
        Ok(self.with(|device| device.progress(doc))?.into())
    }

    /// How far one's own work in all documents has come.
    pub fn backlog(&self) -> Result<Progress> {
        Ok(self.with(|device| device.backlog())?.into())
    }

    /// Own work that is not in the record yet, document by document, what is on this phone only first;
    /// with the reasons for what is held or was refused.
    pub fn pending(&self) -> Result<Vec<Pending>> {
        let pending = self.with(|device| device.pending())?;
        Ok(pending.into_iter().map(Pending::from).collect())
    }

    /// Edits that could neither be sent nor made again, oldest first: show them to the person, who may
    /// copy from them.
    pub fn drafts(&self) -> Result<Vec<Draft>> {
        let drafts = self.with(|device| device.drafts())?;
        Ok(drafts.into_iter().map(Draft::from).collect())
    }

    /// The person is done with a draft.
    pub fn discard_draft(&self, number: i64) -> Result<()> {
        self.write(|device| device.discard_draft(number))
    }

    /// The document as an Automerge file with its whole history, which other programs open.
    pub fn export(&self, doc: String) -> Result<Vec<u8>> {
        let doc = doc_id(&doc)?;
        self.with(|device| device.export(doc))
    }
}

fn doc_id(id: &str) -> Result<DocId> {
    id.parse().map_err(|_| SopuError::argument("doc"))
}

fn heads(version: &str) -> Result<Version> {
    version.parse().map_err(|_| SopuError::argument("version"))
}

/// One change is a version of one head.
fn hash(change: &str) -> Result<Hash> {
    match heads(change)?.heads() {
        [hash] => Ok(*hash),
        _ => Err(SopuError::argument("change")),
    }
}
