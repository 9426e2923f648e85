//! A line that loses, doubles and cuts short.

use serde_json::json;
use sopu_core::envelope::{decode, encode};
use sopu_core::transport::{Post, Reply, Transport, TransportError};
use sopu_core::wire::{ENROL_PATH, EnrolRequest, SyncRequest};
use sopu_server::api::Problem;
use sopu_server::relay::Relay;

use crate::storm::dice::Dice;

/// The way to the relay.
pub(super) struct Line<'w> {
    /// Where it leads.
    pub(super) relay: &'w Relay,
    /// What goes wrong on it, if anything does.
    pub(super) faults: Option<&'w Dice>,
    /// How many bytes of entries fit an answer.
    pub(super) room: Option<u32>,
}

impl Transport for Line<'_> {
    fn post(&self, post: Post) -> Result<Reply, TransportError> {
        let plain = match post.encoding {
            Some(_) => sopu_core::compress::decompress(&post.body, 1 << 24).expect("unpacks"),
            None => post.body.clone(),
        };
        if post.path == ENROL_PATH {
            let request: EnrolRequest = decode(&plain).expect("reads");
            return Ok(match self.relay.enrol(&request) {
                Ok(response) => reply(200, encode(&response)),
                Err(problem) => refused(&problem),
            });
        }
        let mut request: SyncRequest = minicbor::decode(&plain).expect("reads");
        let token = post.token.unwrap_or_default();
        let bad = |times| self.faults.is_some_and(|dice| dice.once_in(times));
        if bad(8) {
            return Err(TransportError::Unreachable);
        }
        if let Some(room) = self.room {
            request.max_bytes = room;
        }
        if let Some(dice) = self.faults.filter(|dice| dice.once_in(3)) {
            request.max_bytes = 1 + u32::try_from(dice.below(3_000)).unwrap_or(0);
        }
        if bad(8) {
            let _ = self.relay.sync(&token, &request);
        }
        let answer = self.relay.sync(&token, &request);
        if bad(8) {
            return Err(TransportError::TimedOut);
        }
        Ok(match answer {
            Ok(response) => reply(200, encode(&response)),
            Err(problem) => refused(&problem),
        })
    }
}

fn reply(status: u16, body: Vec<u8>) -> Reply {
    Reply {
        status,
        encoding: String::new(),
        body,
    }
}

fn refused(problem: &Problem) -> Reply {
    let body = json!({"code": problem.code()}).to_string();
    reply(problem.status().as_u16(), body.into_bytes())
}
