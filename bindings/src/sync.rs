//! What an exchange with the relay did, and transports written in the app's language.

use std::sync::Arc;

use sopu_core::device;
use sopu_core::transport::{self, Post, Reply, Transport, TransportError};

/// What one sync did.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct SyncReport {
    /// Requests made.
    pub requests: u32,
    /// Bytes of all bodies sent, as they went over the wire.
    pub bytes_up: u64,
    /// Bytes of all bodies received.
    pub bytes_down: u64,
    /// Envelopes the relay has acknowledged for the first time.
    pub acknowledged: u32,
    /// Feed entries and packed documents applied: if not 0, lists have changed.
    pub received: u32,
    /// Envelopes the relay holds or has refused, newly: tell the person.
    pub rejected: u32,
    /// Own edits replayed on a rebuilt document.
    pub replayed: u32,
    /// Things from outside that could not be applied here and were set aside.
    pub quarantined: u32,
    /// Pieces of own work that went with a wipe or a space that was left, and could not be delivered.
    pub left_out: u32,
    /// The relay ordered a wipe: this device holds nothing any more. Forget the key.
    pub wiped: bool,
    /// There is more to exchange: sync again, at once or after `pause_ms`.
    pub more: bool,
}

/// One HTTP POST to the relay.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct HttpRequest {
    /// The whole address.
    pub url: String,
    /// For `Authorization: Bearer …`.
    pub token: Option<String>,
    /// The body; its `Content-Type` is `application/cbor`, and the relay reads no other.
    pub body: Vec<u8>,
    /// `Content-Encoding`, if any. `Accept-Encoding: zstd` always goes along.
    pub encoding: Option<String>,
    /// How long it may take until the whole reply is there, milliseconds. After that nobody waits for it, whatever
    /// the client does.
    pub timeout_ms: u32,
}

/// What came back, not decompressed.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct HttpReply {
    /// HTTP status.
    pub status: u16,
    /// `Content-Encoding` of the body, empty if none.
    pub encoding: String,
    /// The body as it came.
    pub body: Vec<u8>,
}

/// Why no reply came.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, uniffi::Error)]
pub enum HttpError {
    /// No connection, or it broke.
    #[error("no connection")]
    Unreachable,
    /// The relay took too long.
    #[error("timed out")]
    TimedOut,
    /// More bytes came than any reply may have.
    #[error("reply too large")]
    TooLarge,
}

// An app's transport that throws anything else must not end the app.
impl From<uniffi::UnexpectedUniFFICallbackError> for HttpError {
    fn from(_: uniffi::UnexpectedUniFFICallbackError) -> Self {
        Self::Unreachable
    }
}

/// The platform's own HTTP client, where the built-in one will not do: background transfers,
/// certificates of the organisation, proxies.
#[uniffi::export(with_foreign)]
pub trait HttpClient: Send + Sync {
    /// Posts and waits for the whole reply.
    ///
    /// # Errors
    /// [`HttpError`] when no whole reply came.
    fn post(&self, request: HttpRequest) -> Result<HttpReply, HttpError>;
}

/// An app's client as core sees it.
pub(crate) struct Foreign {
    pub client: Arc<dyn HttpClient>,
    /// The relay's address without a slash at its end.
    pub base: String,
}

impl Transport for Foreign {
    fn post(&self, post: Post) -> Result<Reply, TransportError> {
        let request = HttpRequest {
            url: format!("{}{}", self.base, post.path),
            token: post.token,
            body: post.body,
            encoding: post.encoding.map(str::to_owned),
            timeout_ms: post.timeout_ms,
        };
        match self.client.post(request) {
            Ok(reply) => Ok(transport::Reply {
                status: reply.status,
                encoding: reply.encoding,
                body: reply.body,
            }),
            Err(HttpError::Unreachable) => Err(TransportError::Unreachable),
            Err(HttpError::TimedOut) => Err(TransportError::TimedOut),
            Err(HttpError::TooLarge) => Err(TransportError::TooLarge),
        }
    }
}

impl From<device::SyncReport> for SyncReport {
    fn from(report: device::SyncReport) -> Self {
        Self {
            requests: report.requests,
            bytes_up: report.bytes_up,
            bytes_down: report.bytes_down,
            acknowledged: report.acknowledged,
            received: report.received,
            rejected: report.rejected,
            replayed: report.replayed,
            quarantined: report.quarantined,
            left_out: report.left_out,
            wiped: report.wiped,
            more: report.more,
        }
    }
}
