//! Making documents.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::{Device, DeviceError, Result};
use crate::documents::Kind;
use crate::id::{DocId, SpaceId};
use crate::read::read;
use crate::save::{self, Saved};
use crate::store::StoreError;

/// The version of the field tables, written into every new document.
pub const SCHEMA_VERSION: i64 = 1;

impl Device {
    /// Makes a document. The common header is filled in.
    ///
    /// # Errors
    /// [`DeviceError::NotEnrolled`], [`DeviceError::BadValue`], the store's.
    pub fn create(&mut self, space: SpaceId, kind: Kind, value: &Value) -> Result<(DocId, Saved)> {
        let doc = DocId::mint(&*self.env);
        Ok((doc, self.make(doc, space, kind, value)?))
    }

    /// As [`Device::create`], under a fresh id of the caller's: who was interrupted and does not know whether
    /// it was done does it again. A document of this kind that is in this space under it stays as it is.
    ///
    /// # Errors
    /// As [`Device::create`]; [`DeviceError::BadValue`] of `doc` if the id is another document's.
    pub fn create_as(
        &mut self,
        doc: DocId,
        space: SpaceId,
        kind: Kind,
        value: &Value,
    ) -> Result<Saved> {
        match self.store.document(doc) {
            Err(StoreError::NotFound(_)) => self.make(doc, space, kind, value),
            Ok(there) if (there.space, there.kind) == (space, kind) => {
                Ok(Saved::nothing(there.heads.clone(), Vec::new()))
            }
            Ok(_) => Err(DeviceError::BadValue {
                path: "doc".to_owned(),
                code: "taken",
            }),
            Err(other) => Err(other.into()),
        }
    }

    fn make(&mut self, doc: DocId, space: SpaceId, kind: Kind, value: &Value) -> Result<Saved> {
        let me = self.identity()?;
        let env = Arc::clone(&self.env);
        let ctx = self.save_context(space, &*env)?;
        let mut value = value.as_object().cloned().unwrap_or_else(Map::new);
        for (field, header) in [
            ("schema_version", Value::from(SCHEMA_VERSION)),
            ("created_at", Value::from(ctx.at_ms)),
            ("created_by", Value::from(me.member.to_string())),
            ("created_on", Value::from(me.device.to_string())),
        ] {
            value.entry(field).or_insert(header);
        }
        let (am, saved) = save::create(kind, &Value::Object(value), &ctx)?;
        let reading = read(&am, kind);
        self.keep(doc, space, kind, (am, reading), &saved, me.member)?;
        Ok(saved)
    }
}
