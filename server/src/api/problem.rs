//! Errors as devices see them: one type, one status and code a variant, an RFC 9457 body. The
//! cause goes to the log, never into the answer.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::store::StoreError;

/// Why a request as a whole was refused. Each has a stable code; nothing was written.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Problem {
    /// The protocol version is not spoken here: update the app, or the relay.
    ProtocolUnknown,
    /// Larger than a body may be, compressed or expanded.
    BodyTooLarge,
    /// Not the compression it claims to be.
    BodyUnreadable,
    /// Not the CBOR of a request.
    BadCbor,
    /// More envelopes than one request may carry.
    TooMany,
    /// No token, or one nobody bears.
    Unauthorised,
    /// The device was cut off and has confirmed its wipe: there is nothing left to say.
    DeviceRevoked,
    /// The enrolment's signature is not by the key it names.
    SignatureWrong,
    /// The key belongs to someone else's device.
    KeyTaken,
    /// No such invite.
    InviteUnknown,
    /// The invite was used.
    InviteUsed,
    /// The invite is too old.
    InviteExpired,
    /// No such page.
    NotFound,
    /// The page is there, but not for this method.
    MethodNotAllowed,
    /// The request took too long to come in or to answer.
    Timeout,
    /// The relay has a problem of its own: try again later.
    Unavailable,
}

impl Problem {
    /// Every one, for documentation and tests.
    pub const ALL: [Problem; 16] = [
        Problem::ProtocolUnknown,
        Problem::BodyTooLarge,
        Problem::BodyUnreadable,
        Problem::BadCbor,
        Problem::TooMany,
        Problem::Unauthorised,
        Problem::DeviceRevoked,
        Problem::SignatureWrong,
        Problem::KeyTaken,
        Problem::InviteUnknown,
        Problem::InviteUsed,
        Problem::InviteExpired,
        Problem::NotFound,
        Problem::MethodNotAllowed,
        Problem::Timeout,
        Problem::Unavailable,
    ];

    /// The stable code, `snake_case`.
    pub fn code(self) -> &'static str {
        self.parts().1
    }

    /// The HTTP status.
    pub fn status(self) -> StatusCode {
        self.parts().0
    }

    fn parts(self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Problem::ProtocolUnknown => (
                StatusCode::BAD_REQUEST,
                "protocol_unknown",
                "This version of the protocol is not spoken here",
            ),
            Problem::BodyTooLarge => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "body_too_large",
                "The body is too large",
            ),
            Problem::BodyUnreadable => (
                StatusCode::BAD_REQUEST,
                "body_unreadable",
                "The body cannot be decompressed",
            ),
            Problem::BadCbor => (
                StatusCode::BAD_REQUEST,
                "bad_cbor",
                "The body is not a request",
            ),
            Problem::TooMany => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "too_many",
                "Too many envelopes in one request",
            ),
            Problem::Unauthorised => (
                StatusCode::UNAUTHORIZED,
                "unauthorised",
                "The token is missing or not known",
            ),
            Problem::DeviceRevoked => (
                StatusCode::FORBIDDEN,
                "device_revoked",
                "The device was revoked and wiped",
            ),
            Problem::SignatureWrong => (
                StatusCode::BAD_REQUEST,
                "signature_wrong",
                "The signature is not by this key",
            ),
            Problem::KeyTaken => (
                StatusCode::CONFLICT,
                "key_taken",
                "The key belongs to someone else's device",
            ),
            Problem::InviteUnknown => (
                StatusCode::NOT_FOUND,
                "invite_unknown",
                "There is no such invite",
            ),
            Problem::InviteUsed => (
                StatusCode::GONE,
                "invite_used",
                "The invite was used already",
            ),
            Problem::InviteExpired => (StatusCode::GONE, "invite_expired", "The invite is too old"),
            Problem::NotFound => (
                StatusCode::NOT_FOUND,
                "not_found",
                "There is nothing at this address",
            ),
            Problem::MethodNotAllowed => (
                StatusCode::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                "Not with this method",
            ),
            Problem::Timeout => (
                StatusCode::REQUEST_TIMEOUT,
                "timeout",
                "The request took too long",
            ),
            Problem::Unavailable => (
                StatusCode::SERVICE_UNAVAILABLE,
                "unavailable",
                "The relay has a problem; try again later",
            ),
        }
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.code())
    }
}

impl std::error::Error for Problem {}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "store");
        Problem::Unavailable
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, code, title) = self.parts();
        let body = serde_json::json!({
            "type": format!("urn:sopu:problem:{code}"),
            "title": title,
            "status": status.as_u16(),
            "code": code,
        });
        let mut response = (status, body.to_string()).into_response();
        // For the log and the counters.
        response.extensions_mut().insert(self);
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if self == Problem::Unauthorised {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if self == Problem::Unavailable {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("30"));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_has_a_code_of_its_own_and_an_error_status() {
        let codes: std::collections::BTreeSet<_> = Problem::ALL.iter().map(|p| p.code()).collect();
        assert_eq!(codes.len(), Problem::ALL.len());
        for problem in Problem::ALL {
            let response = problem.into_response();
            assert!(response.status().is_client_error() || response.status().is_server_error());
            assert_eq!(
                response.headers()[header::CONTENT_TYPE],
                "application/problem+json"
            );
        }
    }
}
