//! The one thing core needs from the network: post bytes, get bytes.
//!
//! Phones bring their platform's HTTP client; the built-in one is behind the feature `http`.

pub mod address;
#[cfg(feature = "http")]
pub mod http;

/// One request to the relay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Post {
    /// Path below the relay's base address, `/v1/sync`.
    pub path: &'static str,
    /// Bearer token, if the device has one.
    pub token: Option<String>,
    /// The body, already compressed if `encoding` says so. `Content-Type: application/cbor` always goes
    /// along: the relay reads no other.
    pub body: Vec<u8>,
    /// `Content-Encoding` to send: `zstd` or none. `Accept-Encoding: zstd` always goes along.
    pub encoding: Option<&'static str>,
    /// How long the relay may take, milliseconds.
    pub timeout_ms: u32,
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// `Content-Encoding` of the body, empty if none. The transport does not decompress.
    pub encoding: String,
    /// The body as it came.
    pub body: Vec<u8>,
}

/// Why there was no reply. Nothing is known of whether the relay got the request: repeat it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransportError {
    /// No connection, or it broke.
    #[error("no connection")]
    Unreachable,
    /// The relay took too long.
    #[error("timed out")]
    TimedOut,
    /// The app did not want to wait any longer.
    #[error("stopped")]
    Stopped,
    /// More bytes came than any reply may have.
    #[error("reply too large")]
    TooLarge,
}

/// Posts to one relay.
pub trait Transport: Send + Sync {
    /// Sends the request and waits for the whole reply.
    ///
    /// # Errors
    /// [`TransportError`] when no whole reply came.
    fn post(&self, post: Post) -> Result<Reply, TransportError>;
}
