//! HTTP by ureq: blocking, with rustls. For desktops, servers, tests and the Python package.

use std::io::Read;
use std::time::Duration;

use ureq::Agent;

use super::{Post, Reply, Transport, TransportError};
use crate::wire::limits;

/// Posts over HTTP or HTTPS to a base address such as `http://127.0.0.1:8787`.
pub struct HttpTransport {
    agent: Agent,
    base: String,
}

impl HttpTransport {
    /// For this base address; a trailing slash does not matter.
    pub fn new(base: &str) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_connect(Some(Duration::from_secs(10)))
            .max_redirects(0)
            .user_agent("sopu")
            .build();
        Self {
            agent: Agent::new_with_config(config),
            base: base.trim_end_matches('/').to_owned(),
        }
    }
}

impl Transport for HttpTransport {
    fn post(&self, post: Post) -> Result<Reply, TransportError> {
        let mut request = self
            .agent
            .post(format!("{}{}", self.base, post.path))
            .header("content-type", "application/cbor")
            .header("accept-encoding", "zstd");
        if let Some(token) = &post.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if let Some(encoding) = post.encoding {
            request = request.header("content-encoding", encoding);
        }
        let timeout = Duration::from_millis(u64::from(post.timeout_ms));
        let mut response = request
            .config()
            .timeout_global(Some(timeout))
            .build()
            .send(&post.body[..])
            .map_err(failure)?;
        let encoding = response
            .headers()
            .get("content-encoding")
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
            .to_owned();
        let status = response.status().as_u16();
        let mut body = Vec::new();
        let cap = limits::BODY_EXPANDED as u64;
        response
            .body_mut()
            .as_reader()
            .take(cap + 1)
            .read_to_end(&mut body)
            .map_err(|_| TransportError::Unreachable)?;
        if body.len() as u64 > cap {
            return Err(TransportError::TooLarge);
        }
        Ok(Reply {
            status,
            encoding,
            body,
        })
    }
}

fn failure(error: ureq::Error) -> TransportError {
    if matches!(error, ureq::Error::Timeout(_)) {
        TransportError::TimedOut
    } else {
        TransportError::Unreachable
    }
}
