//! Enrolling: an invite code and this device's key become an identity at a relay.
//!
//! As with a sync, the request is made and its answer taken with the device in hand, and waited for
//! without it. Meanwhile others may save, sync and enrol; of two enrolments the first that is answered
//! stands. The relay's address changes with the identity in one step, and an exchange that began under
//! another identity ends, so no token goes to a relay that did not give it.

use ed25519_dalek::Signer;
use rusqlite::Connection;

use crate::envelope;
use crate::id::DeviceId;
use crate::store::{meta, reads};
use crate::sync::Scheduler;
use crate::transport::address::RelayAddress;
use crate::transport::{Post, Reply, Transport, TransportError};
use crate::wire::{ENROL_PATH, EnrolRequest, EnrolResponse, PROTOCOL};

use super::exchange::answer;
use super::{
    Device, DeviceError, Identity, Result, begin_recovery, keys, reads as own_reads, seal,
};

/// How long a relay may take to answer, milliseconds.
const TIMEOUT_MS: u32 = 30_000;

/// An enrolment whose answer is waited for.
#[derive(Clone, Copy, Debug)]
pub struct Enrolment {
    /// Who the device was.
    asker: Option<DeviceId>,
    sent_ms: i64,
}

impl Device {
    /// Enrols with an invite code. On a device that was told to enrol again (its store existed
    /// twice) the work on it is kept and goes out under the new identity.
    ///
    /// The address that [`Device::relay`] gives stays as it is: whoever calls this knows the way.
    ///
    /// # Errors
    /// What the relay says of the code: unknown, used, expired; or no network.
    pub fn enrol(&mut self, transport: &dyn Transport, code: &str, name: &str) -> Result<Identity> {
        let (enrolment, post) = self.begin_enrolment(code, name)?;
        self.end_enrolment(enrolment, transport.post(post), None)
    }

    /// The first half of an enrolment: what to post. Others may use the device until the reply is there,
    /// also to enrol.
    ///
    /// # Errors
    /// The store's.
    pub fn begin_enrolment(&self, code: &str, name: &str) -> Result<(Enrolment, Post)> {
        let code = code.trim().to_owned();
        let request = EnrolRequest {
            protocol: PROTOCOL,
            key: self.key.verifying_key().to_bytes(),
            signature: self.key.sign(&EnrolRequest::signed_bytes(&code)).to_bytes(),
            code,
            name: name.to_owned(),
            instance: self.instance,
            now_ms: self.env.now_ms(),
        };
        let enrolment = Enrolment {
            asker: self.enrolled_as()?,
            sent_ms: request.now_ms,
        };
        let post = Post {
            path: ENROL_PATH,
            token: None,
            body: envelope::encode(&request),
            encoding: None,
            timeout_ms: TIMEOUT_MS,
        };
        Ok((enrolment, post))
    }

    /// The second half: takes the identity that was answered, and keeps with it the address of the relay,
    /// where alone its token is worth something.
    ///
    /// # Errors
    /// As [`Device::enrol`]; [`DeviceError::Superseded`] if another enrolment was answered first.
    pub fn end_enrolment(
        &mut self,
        enrolment: Enrolment,
        reply: Result<Reply, TransportError>,
        relay: Option<&RelayAddress>,
    ) -> Result<Identity> {
        let superseded = self.enrolled_as()? != enrolment.asker;
        match read(reply) {
            Ok(response) if self.is_known(&response)? => self.move_to(relay)?,
            // Also instead of an error, which says nothing of who this device is now.
            _ if superseded => return Err(DeviceError::Superseded),
            Ok(response) => self.take_identity(&response, enrolment.sent_ms, relay)?,
            Err(error) => return Err(error),
        }
        self.identity()
    }

    /// As [`Device::identity`]; `None` before it enrolled.
    fn enrolled(&self) -> Result<Option<Identity>> {
        match self.identity() {
            Ok(identity) => Ok(Some(identity)),
            Err(DeviceError::NotEnrolled) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Its name at its relay: another one after each enrolment.
    pub(crate) fn enrolled_as(&self) -> Result<Option<DeviceId>> {
        Ok(self.enrolled()?.map(|identity| identity.device))
    }

    /// Whether this is who the device is already: the network brought the request twice, or a person did.
    fn is_known(&self, response: &EnrolResponse) -> Result<bool> {
        let token = meta::text(self.store.conn(), keys::TOKEN)?;
        let same = token.as_deref() == Some(response.token.as_str());
        Ok(same && self.enrolled_as()? == Some(response.device))
    }

    /// The same identity, at another address of the same relay perhaps.
    fn move_to(&mut self, relay: Option<&RelayAddress>) -> Result<()> {
        match relay {
            Some(relay) => Ok(self
                .store
                .write(|tx| meta::set_text(tx, keys::RELAY, relay.as_str()))?),
            None => Ok(()),
        }
    }

    fn take_identity(
        &mut self,
        response: &EnrolResponse,
        sent_ms: i64,
        relay: Option<&RelayAddress>,
    ) -> Result<()> {
        let before = self.enrolled()?;
        let again = before.is_some();
        // What somebody else read here would be told as this person's.
        let other = before
            .as_ref()
            .is_some_and(|before| before.member != response.member);
        let mut former = former_names(self.store.conn())?;
        former.extend(before.map(|before| before.device));
        former.retain(|name| !other && *name != response.device);
        self.store.write(|tx| {
            if other {
                reads::forget_all(tx)?;
            }
            if again {
                begin_recovery(tx)?;
                meta::remove(tx, keys::ENROL_AGAIN)?;
                meta::remove(tx, keys::WIPED)?;
            }
            meta::set(tx, keys::DEVICE, response.device.as_bytes())?;
            let former: Vec<u8> = former.iter().flat_map(|name| *name.as_bytes()).collect();
            meta::set(tx, keys::FORMER, &former)?;
            meta::set(tx, keys::MEMBER, response.member.as_bytes())?;
            meta::set(tx, keys::ORG, response.org.as_bytes())?;
            meta::set_text(tx, keys::MEMBER_NAME, &response.member_name)?;
            meta::set_text(tx, keys::ORG_NAME, &response.org_name)?;
            meta::set_text(tx, keys::TOKEN, &response.token)?;
            meta::set(tx, keys::RELAY_KEY, &response.relay_key)?;
            meta::set_number(tx, keys::STATUS_SEEN, 0)?;
            meta::remove(tx, keys::TOLD)?;
            // A token is worth something at the relay that gave it only.
            if let Some(relay) = relay {
                meta::set_text(tx, keys::RELAY, relay.as_str())?;
            }
            seal::contact(tx, response.now_ms)?;
            meta::set_number(tx, keys::OFFSET, response.now_ms.saturating_sub(sent_ms))
        })?;
        if other {
            self.marks = own_reads::Marks::default();
        }
        // A pause was what the relay of before asked for.
        self.scheduler = Scheduler::default();
        self.latest.hear(response.now_ms, 0);
        Ok(())
    }
}

fn read(reply: Result<Reply, TransportError>) -> Result<EnrolResponse> {
    let (body, _) = answer(reply?)?;
    envelope::decode(&body).ok_or(DeviceError::BadAnswer)
}

/// The names this device had before, of the same person.
pub(crate) fn former_names(conn: &Connection) -> crate::store::Result<Vec<DeviceId>> {
    let bytes = meta::get(conn, keys::FORMER)?.unwrap_or_default();
    let (names, _) = bytes.as_chunks::<16>();
    let name = |bytes: &[u8; 16]| DeviceId(uuid::Uuid::from_bytes(*bytes));
    Ok(names.iter().map(name).collect())
}
