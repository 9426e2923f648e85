//! Errors as devices see them: one type, one status and code a variant, an RFC 9457 body. The
//! cause goes to the log, never into the answer.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use rusqlite::ErrorCode;

use crate::store::StoreError;

/// When to try again, milliseconds.
const RETRY_MS: u64 = 30_000;

/// Why a request as a whole was refused. Each has a stable code; nothing was written.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Problem {
    /// The protocol version is not spoken here: update the app, or the relay.
    ProtocolUnknown,
    /// Larger than a body may be, compressed or expanded.
    BodyTooLarge,
    /// The body is said to be of another type than CBOR, or of none.
    MediaType,
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
    /// So many requests, or wrong tries, that the next must wait.
    TooFast,
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
    /// The relay's disk is full: nothing was taken; try again later.
    DiskFull,
    /// The relay's data folder cannot be written: nothing was taken; try again later.
    ReadOnly,
    /// The relay has a problem of its own: try again later.
    Unavailable,
}

impl Problem {
    /// Every one, for documentation and tests.
    pub const ALL: [Problem; 20] = [
        Problem::ProtocolUnknown,
        Problem::BodyTooLarge,
        Problem::MediaType,
        Problem::BodyUnreadable,
        Problem::BadCbor,
        Problem::TooMany,
        Problem::Unauthorised,
        Problem::DeviceRevoked,
        Problem::TooFast,
        Problem::SignatureWrong,
        Problem::KeyTaken,
        Problem::InviteUnknown,
        Problem::InviteUsed,
        Problem::InviteExpired,
        Problem::NotFound,
        Problem::MethodNotAllowed,
        Problem::Timeout,
        Problem::DiskFull,
        Problem::ReadOnly,
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
            Problem::MediaType => (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "media_type",
                "The body must be application/cbor",
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
            Problem::TooFast => (
                StatusCode::TOO_MANY_REQUESTS,
                "too_fast",
                "Too many requests; try again later",
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
            Problem::DiskFull => (
                StatusCode::SERVICE_UNAVAILABLE,
                "disk_full",
                "The relay's disk is full; try again later",
            ),
            Problem::ReadOnly => (
                StatusCode::SERVICE_UNAVAILABLE,
                "read_only",
                "The relay cannot write; try again later",
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
        match error.sqlite_code() {
            Some(ErrorCode::DiskFull) => Problem::DiskFull,
            Some(ErrorCode::ReadOnly) => Problem::ReadOnly,
            Some(_) | None => Problem::Unavailable,
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, code, title) = self.parts();
        let mut body = serde_json::json!({
            "type": format!("urn:sopu:problem:{code}"),
            "title": title,
            "status": status.as_u16(),
            "code": code,
        });
        let later = matches!(
            status,
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS
        );
        if later {
            body["retry_after_ms"] = RETRY_MS.into();
        }
        let mut response = (status, body.to_string()).into_response();
        // For the log and the counters.
        response.extensions_mut().insert(self);
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(header::CONTENT_DISPOSITION, super::body::attached());
        if self == Problem::Unauthorised {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if later {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(RETRY_MS / 1_000));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_relay_without_room_says_when_to_try_again_where_devices_look_for_it() {
        let failure = |code| {
            let error = rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None);
            Problem::from(StoreError::from(error))
        };
        for (code, problem) in [
            (rusqlite::ffi::SQLITE_FULL, Problem::DiskFull),
            (rusqlite::ffi::SQLITE_READONLY, Problem::ReadOnly),
            (rusqlite::ffi::SQLITE_IOERR, Problem::Unavailable),
        ] {
            assert_eq!(failure(code), problem);
            let response = problem.into_response();
            assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
            assert_eq!(response.headers()[header::RETRY_AFTER], "30");
            let body = axum::body::to_bytes(response.into_body(), 1_000).await;
            let body: serde_json::Value =
                serde_json::from_slice(&body.expect("a body")).expect("JSON");
            assert_eq!(body["retry_after_ms"], 30_000);
        }
    }

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
