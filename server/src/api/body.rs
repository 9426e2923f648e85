//! Bodies: CBOR, zstd in both directions, never larger than both sides agreed on.

use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_LENGTH,
    CONTENT_TYPE,
};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use minicbor::{Decode, Encode};
use sopu_core::envelope::encode;
use sopu_core::wire::body::{self, BadBody};
use sopu_core::wire::limits;

use super::Problem;

/// How long a body may take to come in: a phone in a bad place sends slowly.
const READ: Duration = Duration::from_secs(60);

/// How large a body may be.
#[derive(Clone, Copy, Debug)]
pub struct Most {
    /// As it comes in.
    pub sent: usize,
    /// Expanded.
    pub expanded: usize,
}

/// What a device that has a token may send.
pub const SYNC: Most = Most {
    sent: limits::BODY,
    expanded: limits::BODY_EXPANDED,
};

/// What anybody may send. An enrolment has a few hundred bytes.
pub const ENROL: Most = Most {
    sent: 16 * 1024,
    expanded: 16 * 1024,
};

const CBOR: &str = "application/cbor";

/// Smaller responses are not worth compressing.
const SMALL: usize = 256;

/// Reads a request's body.
pub async fn read<T: for<'b> Decode<'b, ()> + Send + 'static>(
    headers: &HeaderMap,
    body: Body,
    most: Most,
) -> Result<T, Problem> {
    if !is_cbor(headers) {
        return Err(Problem::MediaType);
    }
    let announced = headers
        .get(CONTENT_LENGTH)
        .and_then(|v| v.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|bytes| bytes > most.sent) {
        return Err(Problem::BodyTooLarge);
    }
    let bytes = match tokio::time::timeout(READ, to_bytes(body, most.sent)).await {
        Err(_) => return Err(Problem::Timeout),
        Ok(Err(error)) => {
            // The only error with a cause of this type is the limit; the rest is a lost connection.
            let too_large = std::error::Error::source(&error)
                .is_some_and(|cause| cause.to_string().contains("length limit exceeded"));
            return Err(if too_large {
                Problem::BodyTooLarge
            } else {
                Problem::BodyUnreadable
            });
        }
        Ok(Ok(bytes)) => bytes,
    };
    let compressed = match headers.get(CONTENT_ENCODING).map(HeaderValue::as_bytes) {
        None | Some(b"identity") => false,
        Some(b"zstd") => true,
        Some(_) => return Err(Problem::BodyUnreadable),
    };
    let read = move || body::read(&bytes, compressed, most.expanded);
    match tokio::task::spawn_blocking(read).await {
        Ok(read) => read.map_err(Problem::from),
        Err(_) => Err(Problem::BodyUnreadable),
    }
}

/// Whether the one type that is said is CBOR's (RFC 8949, 9.5), with whatever parameters.
fn is_cbor(headers: &HeaderMap) -> bool {
    let mut said = headers.get_all(CONTENT_TYPE).iter();
    let (Some(said), None) = (said.next(), said.next()) else {
        return false;
    };
    let essence = said.to_str().ok().and_then(|said| said.split(';').next());
    essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case(CBOR))
}

impl From<BadBody> for Problem {
    fn from(bad: BadBody) -> Self {
        match bad {
            BadBody::Compression => Problem::BodyUnreadable,
            BadBody::TooLarge => Problem::BodyTooLarge,
            BadBody::Cbor => Problem::BadCbor,
        }
    }
}

/// For devices, not to be shown: a browser that is led here keeps it as a file.
pub fn attached() -> HeaderValue {
    HeaderValue::from_static("attachment; filename=\"sopu\"")
}

/// Writes a response, compressed if the device takes that and it helps.
pub fn write<T: Encode<()>>(headers: &HeaderMap, value: &T) -> Response {
    let body = encode(value);
    let takes_zstd = headers
        .get_all(ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|coding| {
            coding
                .split(';')
                .next()
                .is_some_and(|name| name.trim() == "zstd")
        });
    let compressed = (takes_zstd && body.len() >= SMALL)
        .then(|| zstd::bulk::compress(&body, 3).ok())
        .flatten()
        .filter(|compressed| compressed.len() < body.len());
    let zstd = compressed.is_some();
    let mut response = compressed.unwrap_or(body).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(CBOR));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(CONTENT_DISPOSITION, attached());
    if zstd {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("zstd"));
    }
    response
}
