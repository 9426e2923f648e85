//! HTTP by ureq: blocking, with rustls. For desktops, servers, tests and the Python package.

use std::time::Duration;

use ureq::Agent;

use super::{Post, Reply, Transport, TransportError};
use crate::compress::read_within;
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
        let body = read_within(response.body_mut().as_reader(), limits::BODY_EXPANDED)
            .map_err(|_| TransportError::Unreachable)?
            .ok_or(TransportError::TooLarge)?;
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

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use super::*;

    /// What becomes of an answer with a body of so many bytes, whose length is not told before.
    fn answered(bytes: usize) -> Result<usize, TransportError> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let relay = std::thread::spawn(move || {
            let (mut line, _) = listener.accept().unwrap();
            let mut asked = [0; 4_096];
            assert!(line.read(&mut asked).unwrap() > 0);
            line.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
                .unwrap();
            // Who has enough hangs up.
            let _ = line.write_all(&vec![7; bytes]);
        });
        let post = Post {
            path: "/v1/sync",
            token: None,
            encoding: None,
            body: Vec::new(),
            timeout_ms: 10_000,
        };
        let reply = HttpTransport::new(&address).post(post);
        relay.join().unwrap();
        reply.map(|reply| reply.body.len())
    }

    #[test]
    fn an_answer_is_read_up_to_what_a_body_may_hold() {
        let most = limits::BODY_EXPANDED;
        assert_eq!(answered(most), Ok(most));
        assert_eq!(answered(most + 1), Err(TransportError::TooLarge));
    }
}
