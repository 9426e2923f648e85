//! A form that somebody signed in sent from one of our pages: how every handler of forms opens.

use std::sync::Arc;

use axum::Form;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::response::{IntoResponse, Response};

use super::Office;
use super::sent::Sent;
use super::visitor::Visitor;

/// Who sent it, and what; its token holds.
pub(super) struct Posted {
    /// Who.
    pub visitor: Visitor,
    /// What.
    pub sent: Sent,
}

impl FromRequest<Arc<Office>> for Posted {
    type Rejection = Response;

    async fn from_request(request: Request, office: &Arc<Office>) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let visitor = Visitor::from_request_parts(&mut parts, office)
            .await
            .map_err(IntoResponse::into_response)?;
        let request = Request::from_parts(parts, body);
        let Form(sent) = Form::<Sent>::from_request(request, office)
            .await
            .map_err(IntoResponse::into_response)?;
        visitor
            .check_form(sent.one("form_token"))
            .map_err(IntoResponse::into_response)?;
        Ok(Self { visitor, sent })
    }
}
