//! The line between a device and the relay: no sockets, but all that goes wrong on real ones.

use std::sync::Mutex;

use sopu_core::compress::{compress, decompress};
use sopu_core::envelope::{Envelope, decode, encode};
use sopu_core::guard::Limits;
use sopu_core::id::{DeviceId, EnvelopeId};
use sopu_core::run;
use sopu_core::sync::outgoing::Outgoing;
use sopu_core::transport::{Post, Reply, Transport, TransportError};
use sopu_core::wire::{ENROL_PATH, EnrolRequest, Offer, SyncRequest, SyncResponse, Verdict};
use sopu_server::api::Problem;
use sopu_server::relay::Relay;

use super::dice::Dice;
use super::faults::Tally;

/// A request with its response, as they once went over the line.
pub type Exchange = (Outgoing, SyncResponse);

/// Where a line's faults come from, and where they are counted.
#[derive(Clone, Copy)]
pub struct Weather<'w> {
    /// Chance.
    pub dice: &'w Dice,
    /// The tally.
    pub tally: &'w Tally,
}

/// A line for one call of sync.
pub struct Line<'w> {
    /// The relay, if it is up.
    pub relay: Option<&'w Relay>,
    /// A good line without.
    pub faults: Option<Weather<'w>>,
    /// Whose line it is.
    pub device: DeviceId,
    /// What went over it whole.
    pub seen: Mutex<Vec<Exchange>>,
}

impl<'w> Line<'w> {
    /// A line to this relay.
    pub fn new(relay: Option<&'w Relay>, faults: Option<Weather<'w>>, device: DeviceId) -> Self {
        Self {
            relay,
            faults,
            device,
            seen: Mutex::default(),
        }
    }

    /// Whether it happens on this line, this time.
    fn befalls(&self, what: &'static str, once_in: usize) -> bool {
        let befalls = self.faults.is_some_and(|w| w.dice.once_in(once_in));
        if befalls && let Some(weather) = &self.faults {
            weather.tally.count(what);
        }
        befalls
    }

    fn sync(&self, relay: &Relay, post: &Post, plain: &[u8]) -> Result<Reply, TransportError> {
        let Ok(mut request) = minicbor::decode::<SyncRequest>(plain) else {
            return Ok(refused(Problem::BadCbor));
        };
        let outgoing = Outgoing {
            sent: request.push.iter().map(|bytes| id_of(bytes)).collect(),
            request: request.clone(),
            device: self.device,
            number: 0,
        };
        if let Some(weather) = &self.faults
            && weather.dice.once_in(3)
        {
            request.max_bytes = 1 + u32::try_from(weather.dice.below(3_000)).unwrap_or(0);
        }
        let token = post.token.as_deref().unwrap_or_default();
        if self.befalls("request twice", 12) {
            let _ = relay.sync(token, &request);
        }
        let answer = relay.sync(token, &request);
        if self.befalls("response lost", 10) {
            return Err(TransportError::TimedOut);
        }
        let response = match answer {
            Ok(response) => response,
            Err(problem) => return Ok(refused(problem)),
        };
        let body = encode(&response);
        let packed = compress(&body).filter(|_| body.len() > 256);
        let encoding = packed.as_ref().map_or("", |_| "zstd").to_owned();
        let mut body = packed.unwrap_or(body);
        if self.befalls("response cut short", 25) {
            let keep = self.faults.map_or(0, |w| w.dice.below(body.len()));
            body.truncate(keep);
        } else {
            let mut seen = self.seen.lock().expect("one thread");
            seen.push((outgoing, response));
        }
        Ok(Reply {
            status: 200,
            encoding,
            body,
        })
    }
}

impl Transport for Line<'_> {
    fn post(&self, post: Post) -> Result<Reply, TransportError> {
        let relay = self.relay.ok_or(TransportError::Unreachable)?;
        if self.befalls("request lost", 10) {
            return Err(TransportError::Unreachable);
        }
        let mut body = &post.body[..];
        if self.befalls("request cut short", 25) {
            body = &body[..self.faults.map_or(0, |w| w.dice.below(body.len()))];
        }
        let plain = match post.encoding {
            Some(_) => decompress(body, 1 << 24).ok(),
            None => Some(body.to_vec()),
        };
        let Some(plain) = plain else {
            return Ok(refused(Problem::BodyUnreadable));
        };
        if post.path == ENROL_PATH {
            let request: EnrolRequest = decode(&plain).expect("an enrolment reads");
            return Ok(match relay.enrol(&request) {
                Ok(response) => Reply {
                    status: 200,
                    encoding: String::new(),
                    body: encode(&response),
                },
                Err(problem) => refused(problem),
            });
        }
        self.sync(relay, &post, &plain)
    }
}

/// The envelopes a response says the relay has.
pub fn acknowledged(exchange: &Exchange) -> impl Iterator<Item = EnvelopeId> + '_ {
    let (outgoing, response) = exchange;
    let taken = |verdict: &Verdict| match verdict {
        Verdict::Waiting | Verdict::Fed(_) | Verdict::Held(_) | Verdict::Final(_) => true,
        Verdict::Erased | Verdict::Refused(_) => false,
    };
    let pushed = outgoing.sent.iter().copied().zip(&response.answers);
    let offers = outgoing.request.offers.iter().zip(&response.offered);
    let offered = offers.filter_map(|(offer, verdict)| match offer {
        Offer::Envelope { envelope, .. } => Some((envelope.proof(&Limits::RELAY)?.id(), verdict)),
        Offer::Notice { .. } => None,
    });
    pushed
        .chain(offered)
        .filter(move |(_, verdict)| taken(verdict))
        .map(|(id, _)| id)
}

fn id_of(bytes: &[u8]) -> EnvelopeId {
    let envelope: Envelope = decode(bytes).expect("an envelope reads");
    run::open(&envelope, &Limits::RELAY)
        .expect("a device sends sound envelopes")
        .id
}

fn refused(problem: Problem) -> Reply {
    let body = serde_json::json!({"code": problem.code()}).to_string();
    Reply {
        status: problem.status().as_u16(),
        encoding: String::new(),
        body: body.into_bytes(),
    }
}
