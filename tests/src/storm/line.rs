//! The line between a device and the relay: no sockets, but all that goes wrong on real ones.

use std::sync::Mutex;

use sopu_core::envelope::{Envelope, decode, encode};
use sopu_core::guard::Limits;
use sopu_core::id::DeviceId;
use sopu_core::run;
use sopu_core::sync::outgoing::Outgoing;
use sopu_core::transport::{Post, Reply, Transport, TransportError};
use sopu_core::wire::{ENROL_PATH, EnrolRequest, SyncRequest, SyncResponse};
use sopu_server::api::Problem;
use sopu_server::relay::Relay;

use super::dice::Dice;

/// A request with its response, as they once went over the line.
pub type Exchange = (Outgoing, SyncResponse);

/// A line for one call of sync.
pub struct Line<'w> {
    /// The relay, if it is up.
    pub relay: Option<&'w Relay>,
    /// Where faults come from; a good line without.
    pub faults: Option<&'w Dice>,
    /// Whose line it is.
    pub device: DeviceId,
    /// What went over it whole.
    pub seen: Mutex<Vec<Exchange>>,
}

impl<'w> Line<'w> {
    /// A line to this relay.
    pub fn new(relay: Option<&'w Relay>, faults: Option<&'w Dice>, device: DeviceId) -> Self {
        Self {
            relay,
            faults,
            device,
            seen: Mutex::default(),
        }
    }

    fn sync(&self, relay: &Relay, post: &Post, plain: &[u8]) -> Result<Reply, TransportError> {
        let mut request: SyncRequest = minicbor::decode(plain).expect("a request reads");
        let outgoing = Outgoing {
            sent: request.push.iter().map(|bytes| id_of(bytes)).collect(),
            request: request.clone(),
            device: self.device,
            number: 0,
        };
        if let Some(dice) = self.faults {
            if dice.once_in(8) {
                return Err(TransportError::Unreachable);
            }
            if dice.once_in(3) {
                request.max_bytes = 1 + u32::try_from(dice.below(3_000)).unwrap_or(0);
            }
            if dice.once_in(12) {
                let _ = relay.sync(post.token.as_deref().unwrap_or_default(), &request);
            }
        }
        let answer = relay.sync(post.token.as_deref().unwrap_or_default(), &request);
        if self.faults.is_some_and(|dice| dice.once_in(8)) {
            return Err(TransportError::TimedOut);
        }
        Ok(match answer {
            Ok(response) => {
                let body = encode(&response);
                self.seen
                    .lock()
                    .expect("one thread")
                    .push((outgoing, response));
                reply(200, body)
            }
            Err(problem) => refused(problem),
        })
    }
}

impl Transport for Line<'_> {
    fn post(&self, post: Post) -> Result<Reply, TransportError> {
        let relay = self.relay.ok_or(TransportError::Unreachable)?;
        let plain = match post.encoding {
            Some(_) => {
                sopu_core::compress::decompress(&post.body, 1 << 24).expect("a body unpacks")
            }
            None => post.body.clone(),
        };
        if post.path == ENROL_PATH {
            let request: EnrolRequest = decode(&plain).expect("an enrolment reads");
            return Ok(match relay.enrol(&request) {
                Ok(response) => reply(200, encode(&response)),
                Err(problem) => refused(problem),
            });
        }
        self.sync(relay, &post, &plain)
    }
}

fn id_of(bytes: &[u8]) -> sopu_core::id::EnvelopeId {
    let envelope: Envelope = decode(bytes).expect("an envelope reads");
    run::open(&envelope, &Limits::RELAY)
        .expect("a device sends sound envelopes")
        .id
}

fn reply(status: u16, body: Vec<u8>) -> Reply {
    Reply {
        status,
        encoding: String::new(),
        body,
    }
}

fn refused(problem: Problem) -> Reply {
    let body = serde_json::json!({"code": problem.code()}).to_string();
    reply(problem.status().as_u16(), body.into_bytes())
}
