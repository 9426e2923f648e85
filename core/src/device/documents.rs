//! Documents on a device: make, read, save, choose, list. None of it waits for anything.

use std::collections::BTreeMap;
use std::sync::Arc;

use automerge::{Automerge, ReadDoc};
use serde_json::Value;

use super::{Device, DeviceError, Result};
use crate::documents::visit_note::moved::{
    Destination, is_marked, lacking, moved, obstacles, origin,
};
use crate::documents::{Kind, Problem, Validation, validate};
use crate::edit::{Diff, Edit};
use crate::findings::{self, Finding};
use crate::guard::{self, Limits};
use crate::history::{FieldChange, field_changes};
use crate::id::{DocId, Hash, MemberId, SpaceId, Version};
use crate::provenance::{Provenance, provenance};
use crate::read::{LogClash, Reading, RemovedItem, StatusMark, read, reread, version};
use crate::save::{self, SaveContext, SaveError, Saved};
use crate::store::document::{DocWrite, Loaded, NewChange, Origin, write_document_read};
use crate::store::list::{Page, Query, list};
use crate::store::{StoreError, draft, history, outbox, purge, view};

/// A document as a form opens it.
#[derive(Clone, Debug)]
pub struct Opened {
    /// Which.
    pub doc: DocId,
    /// Where it lives.
    pub space: SpaceId,
    /// Of which kind.
    pub kind: Kind,
    /// Its content in JSON form.
    pub value: Value,
    /// What to hand back with the save.
    pub version: Version,
    /// Fields waiting for a person's choice.
    pub conflicts: Vec<OpenConflict>,
    /// Fields holding something this version does not understand; they are kept.
    pub unknown: Vec<String>,
    /// Items removed, which can be brought back by handing them in again.
    pub removed: Vec<RemovedItem>,
    /// Log keys with unequal values.
    pub log_clashes: Vec<LogClash>,
    /// Where each status stands.
    pub status: BTreeMap<String, StatusMark>,
}

/// A conflict with everything a person needs to choose.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenConflict {
    /// Field path.
    pub path: String,
    /// The live values, the shown one last.
    pub values: Vec<OpenValue>,
}

/// One value of a conflict.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenValue {
    /// The value; `Null` is an emptied field or one this version does not understand.
    pub value: Value,
    /// The change that wrote it: what [`Device::choose`] takes.
    pub change: Hash,
    /// Who, on what, when.
    pub provenance: Provenance,
}

/// One step of a document's timeline.
#[derive(Clone, Debug, PartialEq)]
pub struct TimelineStep {
    /// The change.
    pub change: Hash,
    /// Who, on what, when.
    pub provenance: Provenance,
    /// What it did.
    pub fields: Vec<FieldChange>,
}

impl Device {
    /// Opens a document for reading or for a form. Documents with an open form stay loaded until
    /// [`Device::close_form`].
    ///
    /// # Errors
    /// [`DeviceError::NotFound`], [`DeviceError::SpaceEnded`], [`DeviceError::LeaseEnded`], the store's.
    pub fn read(&self, doc: DocId) -> Result<Opened> {
        let loaded = self.shown(doc)?;
        self.mark_read(doc, loaded.kind);
        let reading = self.store.reading(&loaded, &loaded.heads);
        let asked: Vec<Hash> = reading
            .conflicts
            .iter()
            .flat_map(|c| c.values.iter().map(|v| v.change))
            .collect();
        let mut known = self.provenance(&loaded, &asked)?;
        let mut conflicts = Vec::new();
        let reading = Arc::unwrap_or_clone(reading);
        for conflict in reading.conflicts {
            let values = conflict.values.into_iter().map(|live| OpenValue {
                provenance: known.remove(&live.change).unwrap_or_default(),
                value: live.value,
                change: live.change,
            });
            conflicts.push(OpenConflict {
                path: conflict.path,
                values: values.collect(),
            });
        }
        Ok(Opened {
            doc,
            space: loaded.space,
            kind: loaded.kind,
            value: reading.value,
            version: version(&loaded.am),
            conflicts,
            unknown: reading.unknown,
            removed: reading.removed,
            log_clashes: reading.log_clashes,
            status: reading.status,
        })
    }

    /// A document, unless it is sealed.
    pub(crate) fn shown(&self, doc: DocId) -> Result<Arc<Loaded>> {
        self.check_lease()?;
        let loaded = self.loaded(doc)?;
        self.check_seals(loaded.space)?;
        Ok(loaded)
    }

    /// A document; [`StoreError::Erased`] for one of which only that is left, which people are to be told.
    fn loaded(&self, doc: DocId) -> Result<Arc<Loaded>> {
        match self.store.document(doc) {
            Err(StoreError::NotFound(doc)) if purge::is_erased(self.store.conn(), doc)? => {
                Err(StoreError::Erased(doc).into())
            }
            loaded => Ok(loaded?),
        }
    }

    /// The document as an Automerge file, with its history: what other programs open.
    ///
    /// # Errors
    /// [`DeviceError::NotFound`], [`DeviceError::SpaceEnded`], [`DeviceError::LeaseEnded`], the store's.
    pub fn export(&self, doc: DocId) -> Result<Vec<u8>> {
        let loaded = self.shown(doc)?;
        self.mark_read(doc, loaded.kind);
        Ok(loaded.am.save())
    }

    /// Keeps the document loaded while a form is open on it.
    pub fn open_form(&self, doc: DocId) {
        self.store.pin(doc);
    }

    /// The form was closed.
    pub fn close_form(&self, doc: DocId) {
        self.store.unpin(doc);
    }

    /// Saves what the user changed since `version`. Durable when it returns. Save at the returned
    /// version next; if `merged` is set, show that value first.
    ///
    /// # Errors
    /// [`DeviceError::BadValue`], [`DeviceError::Stale`], the store's.
    pub fn save(&mut self, doc: DocId, version: &Version, value: &Value) -> Result<Saved> {
        self.write(doc, version, |old, kind, ctx| {
            save::differing(old, kind, value, ctx)
        })
    }

    /// Moves a visit note from the wrong client (C16): makes it anew where it belongs, and marks the old
    /// one for the office to take out. Gives the new one. Where it is already, from here or another
    /// device, nothing is made: so one of two that were made of one note goes, too.
    ///
    /// # Errors
    /// [`DeviceError::NotFound`] for what is no visit note, [`DeviceError::SpaceEnded`] if either space is
    /// not shown; [`DeviceError::Problems`] while something in it waits for a choice or is not understood
    /// here; the store's.
    pub fn move_note(&mut self, doc: DocId, space: SpaceId, to: &Destination) -> Result<DocId> {
        let loaded = self.shown(doc)?;
        if loaded.kind != Kind::VisitNote {
            return Err(DeviceError::NotFound(doc));
        }
        self.check_seals(space)?;
        let me = self.identity()?.member;
        let reading = self.store.reading(&loaded, &loaded.heads);
        let problems = obstacles(&reading);
        if !problems.is_empty() {
            return Err(DeviceError::Problems(problems.len(), problems));
        }
        let new = match self.moved_already(doc, &reading.value, space, to)? {
            Some(new) => new,
            None => {
                let value = moved(doc, &reading.value, to, me, self.env.now_ms());
                self.create(space, Kind::VisitNote, &value)?.0
            }
        };
        let (version, mut value) = (loaded.heads.clone(), reading.value.clone());
        value["wrong_client"] = true.into();
        drop((loaded, reading));
        self.save(doc, &version, &value)?;
        Ok(new)
    }

    /// What a note became already: a whole one anywhere, or one in this space; or what else the note it
    /// was itself became there. Anybody can write a note that says so, so one elsewhere must be whole.
    fn moved_already(
        &self,
        doc: DocId,
        value: &Value,
        space: SpaceId,
        to: &Destination,
    ) -> Result<Option<DocId>> {
        let conn = self.store.conn();
        let mut found = view::moved_from(conn, doc)?;
        found.sort_by_key(|view| view.space != space);
        for view in found {
            let there = &view.reading.value;
            let whole = || lacking(doc, value, there).is_some_and(|paths| paths.is_empty());
            let shown = self.check_seals(view.space).is_ok();
            if !is_marked(there) && shown && (view.space == space || whole()) {
                return Ok(Some(view.doc));
            }
        }
        let Some(from) = origin(value) else {
            return Ok(None);
        };
        let subject = to.subject.map(|id| id.to_string());
        let other = view::moved_from(conn, from)?.into_iter().find(|view| {
            let there = &view.reading.value;
            let placed = view.space == space && there["subject_id"].as_str() == subject.as_deref();
            view.doc != doc && placed && !is_marked(there)
        });
        Ok(other.map(|view| view.doc))
    }

    /// Settles a conflict in favour of the value that `change` wrote.
    ///
    /// # Errors
    /// [`DeviceError::Stale`] if there is no such conflict at this version; the store's.
    pub fn choose(
        &mut self,
        doc: DocId,
        version: &Version,
        path: &str,
        change: &Hash,
    ) -> Result<Saved> {
        self.write(doc, version, |old, kind, _| {
            save::chosen(old, kind, path, change)
        })
    }

    /// Takes a status back to `code` in a new round.
    ///
    /// # Errors
    /// [`DeviceError::Stale`] if the path is no status that has been set; the store's.
    pub fn reopen(
        &mut self,
        doc: DocId,
        version: &Version,
        path: &str,
        code: &str,
    ) -> Result<Saved> {
        self.write(doc, version, |old, kind, _| {
            save::reopened(old, kind, path, code)
        })
    }

    /// Writes what `work` makes of what the form was opened with.
    fn write(
        &mut self,
        doc: DocId,
        version: &Version,
        work: impl FnOnce(&Reading, Kind, &SaveContext<'_>) -> Result<Diff, SaveError>,
    ) -> Result<Saved> {
        let loaded = self.loaded(doc)?;
        let (space, kind) = (loaded.space, loaded.kind);
        let opened = version;
        let version = draft::translate(self.store.conn(), doc, opened)?;
        let env = Arc::clone(&self.env);
        let ctx = self.save_context(space, &*env)?;
        save::known(&loaded.am, &version)?;
        // It showed an edit both as it was made and as it was made again, of which one is left: what the
        // other said would count as typed.
        let one_left =
            || opened.heads().len() != version.heads().len() || !are_apart(&loaded.am, &version);
        if version != *opened && one_left() {
            return Err(SaveError::UnknownVersion.into());
        }
        let old = self.store.reading(&loaded, &version);
        let Diff { edits, ignored } = work(&old, kind, &ctx)?;
        if edits.is_empty() {
            return Ok(Saved::nothing(version, ignored));
        }
        let keys = edits.iter().map(Edit::root_key).collect();
        // A form beside which others have written goes on from what it was opened with.
        let branch = (version != loaded.heads).then_some(old);
        let (mut am, before) = self.store.take(loaded);
        let saved = save::write(&mut am, kind, &version, edits, ignored, &ctx)?;
        let reading = reread(&am, kind, None, before, &keys);
        if let Some(old) = branch
            && saved.merged.is_none()
        {
            let old = Arc::unwrap_or_clone(old);
            let own = reread(&am, kind, Some(&saved.version), old, &keys);
            let own = Arc::new(own);
            self.store.keep_reading(doc, saved.version.clone(), own);
        }
        self.keep(doc, space, kind, (am, reading), &saved, ctx.by)?;
        Ok(saved)
    }

    /// Stores a document with the changes just saved, after the same guard that stands before
    /// every relay: nothing is written that a relay must refuse.
    pub(super) fn keep(
        &mut self,
        doc: DocId,
        space: SpaceId,
        kind: Kind,
        (am, reading): (Automerge, Reading),
        saved: &Saved,
        by: MemberId,
    ) -> Result<()> {
        debug_assert_eq!(reading, read(&am, kind), "read anew it says something else");
        if !saved.changes.is_empty() {
            let new = new_changes(&am, kind, &saved.changes, Origin::Saved)?;
            let at_ms = self.env.now_ms();
            let write = DocWrite {
                doc,
                space,
                kind,
                am: &am,
                new: &new,
                at_ms,
                by: Some(by),
            };
            self.store
                .write(|tx| write_document_read(tx, &write, Some(&reading)))?;
        }
        let heads = version(&am);
        self.store
            .keep_reading(doc, heads.clone(), Arc::new(reading));
        self.store.keep(Arc::new(Loaded {
            doc,
            space,
            kind,
            am,
            heads,
        }));
        Ok(())
    }

    /// Lists documents.
    ///
    /// # Errors
    /// [`DeviceError::LeaseEnded`], the store's.
    pub fn list(&self, query: &Query) -> Result<Page> {
        let narrowed = self.unsealed_only(query)?;
        Ok(list(self.store.conn(), narrowed.as_ref().unwrap_or(query))?)
    }

    /// What is wrong with a document on its way to a status (`"locked"`, `"published"`) or while
    /// writing (`"save"`).
    ///
    /// # Errors
    /// [`DeviceError::NotFound`], the store's.
    pub fn problems(&self, doc: DocId, towards: &str) -> Result<Vec<Problem>> {
        let loaded = self.shown(doc)?;
        let reading = self.store.reading(&loaded, &loaded.heads);
        let today = crate::time::today(self.env.now_ms());
        Ok(validate(
            loaded.kind,
            &reading.value,
            &Validation { towards, today },
        ))
    }

    /// What a person should look at in a space, from what is on this device.
    ///
    /// # Errors
    /// The store's.
    pub fn findings(&self, space: SpaceId) -> Result<Vec<Finding>> {
        self.check_seals(space)?;
        let mut views = Vec::new();
        view::each(self.store.conn(), space, &mut |row| {
            views.push(findings::View::from(row))
        })?;
        let now_ms = self.env.now_ms() + self.clock_offset_ms()?.unwrap_or(0);
        Ok(findings::findings(&views, now_ms))
    }

    /// How far one's own work in a document has come.
    ///
    /// # Errors
    /// The store's.
    pub fn progress(&self, doc: DocId) -> Result<outbox::Progress> {
        Ok(outbox::progress(self.store.conn(), doc)?)
    }

    /// The timeline of a document, newest first, `limit` steps from `skip`.
    ///
    /// # Errors
    /// [`DeviceError::NotFound`], the store's.
    pub fn timeline(&self, doc: DocId, skip: usize, limit: usize) -> Result<Vec<TimelineStep>> {
        let loaded = self.shown(doc)?;
        self.mark_read(doc, loaded.kind);
        let steps = history::history(self.store.conn(), doc)?;
        let page: Vec<Hash> = steps
            .iter()
            .rev()
            .skip(skip)
            .take(limit)
            .map(|s| s.hash)
            .collect();
        let mut known = self.provenance(&loaded, &page)?;
        let steps = page.into_iter().map(|change| TimelineStep {
            change,
            provenance: known.remove(&change).unwrap_or_default(),
            fields: field_changes(&loaded.am, loaded.kind, &change).unwrap_or_default(),
        });
        Ok(steps.collect())
    }

    fn provenance(&self, loaded: &Loaded, of: &[Hash]) -> Result<BTreeMap<Hash, Provenance>> {
        let mut known = provenance(self.store.conn(), loaded, of)?;
        let me = self.identity()?;
        for provenance in known.values_mut().filter(|p| p.device.is_none()) {
            provenance.device = Some(me.device);
            provenance.member = Some(me.member);
            provenance.member_name = Some(me.member_name.clone());
        }
        Ok(known)
    }
}

/// Whether no change of a version builds on another.
fn are_apart(am: &Automerge, version: &Version) -> bool {
    version.heads().iter().all(|head| {
        let beyond = am.get_changes_meta(&[(*head).into()]);
        let mut others = version.heads().iter().filter(|other| *other != head);
        others.all(|other| beyond.iter().any(|meta| Hash::from(meta.hash) == *other))
    })
}

/// The stored form of changes a document has just got.
pub(crate) fn new_changes(
    am: &Automerge,
    kind: Kind,
    hashes: &[Hash],
    origin: Origin,
) -> Result<Vec<NewChange>> {
    hashes
        .iter()
        .map(|hash| {
            let change = am
                .get_change_by_hash(&(*hash).into())
                .ok_or(DeviceError::Internal("change_missing"))?;
            guard::check_change(change.raw_bytes(), kind, &Limits::RELAY)?;
            Ok(NewChange::new(&change, origin))
        })
        .collect()
}
