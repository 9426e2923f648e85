//! Sharing a visit note with the client's relatives, or not any more.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde_json::Value;
use sopu_core::documents::Kind;
use sopu_core::id::{DocId, SpaceId};
use sopu_core::read::Reading;

use super::frame::space_address;
use super::posted::Posted;
use super::{Failure, Office, Place, WriteError};
use crate::access::Action;

/// Whether a note is shared: all who said anything say so.
pub(super) fn is_shared(reading: &Reading) -> bool {
    let disputed = reading.conflicts.iter().any(|c| c.path == "shared");
    !disputed && reading.value.get("shared") == Some(&Value::Bool(true))
}

/// Marks it.
pub(super) async fn ask(
    State(office): State<Arc<Office>>,
    Path((space, doc)): Path<(SpaceId, DocId)>,
    Posted { visitor, sent }: Posted,
) -> Result<Response, Failure> {
    office
        .with_books(move |office, books| {
            let space = books.enter_to(Action::Write, office, &visitor, space)?;
            let shared = match sent.one("shared") {
                "yes" => true,
                "no" => false,
                _ => return Err(Failure::NotFound),
            };
            let action = if shared { "share" } else { "unshare" };
            let view = books.open_document(office, &visitor, &space, doc, action)?;
            if view.kind != Kind::VisitNote {
                return Err(Failure::NotFound);
            }
            let place = Place {
                space: space.id,
                doc,
                kind: view.kind,
            };
            match office.writer.share(visitor.who.member, place, shared) {
                Ok(()) => {}
                Err(WriteError::Right) => return Err(Failure::Right),
                Err(WriteError::Gone) => return Err(Failure::NotFound),
                Err(WriteError::Failed) => return Err(Failure::Server),
            }
            let back = space_address(&space, &format!("/documents/{doc}"));
            Ok(Redirect::to(&back).into_response())
        })
        .await
}
