//! Contracts on a device: lock, sign, show what was signed. All of it works without a network.

use serde_json::Value;

use super::{Device, DeviceError, Result};
use crate::documents::contract::{Contract, Signature};
use crate::documents::{Document, Kind};
use crate::id::{DocId, Version, mint_uuid};
use crate::save::Saved;
use crate::signing::{self, SigningState, signing_state};

impl Device {
    /// Locks a contract as it stands: seals its canonical bytes and raises its status.
    ///
    /// # Errors
    /// [`DeviceError::Problems`] with everything that stands in the way; [`DeviceError::Stale`] if
    /// the document moved on since `version` was read; the store's.
    pub fn lock_contract(&mut self, doc: DocId, version: &Version) -> Result<Saved> {
        let loaded = self.shown(doc)?;
        // What is sealed must be what the person saw.
        if loaded.kind != Kind::Contract || loaded.heads != *version {
            return Err(DeviceError::Stale);
        }
        let reading = self.store.reading(&loaded, version);
        let now_ms = self.env.now_ms();
        let today = crate::time::today(now_ms);
        let by = self.identity()?.member;
        let seal = signing::lock(&reading, today, by, now_ms)
            .map_err(|problems| DeviceError::Problems(problems.len(), problems))?;
        let value = signing::with_seal(&reading.value, mint_uuid(&*self.env), seal);
        self.save(doc, version, &value)
    }

    /// Signs the seal in force with this device's key. The statement says who signs (`signer`,
    /// `signer_name`), for which `party`, by which `method`, at which `place`; the rest is filled
    /// in. Whether all have signed is [`Device::signing_state`]; the contract counts as signed once
    /// the relay has it.
    ///
    /// # Errors
    /// [`DeviceError::Stale`] if the contract is not locked; the store's.
    pub fn sign_contract(&mut self, doc: DocId, statement: Signature) -> Result<Saved> {
        let opened = self.read(doc)?;
        let mut contract = Contract::from_value(&opened.value);
        let sealed = signing_state(doc, &opened.value)
            .seal
            .ok_or(DeviceError::Stale)?;
        let seal = contract.seals.get(&sealed).ok_or(DeviceError::Stale)?;
        let me = self.identity()?;
        let statement = Signature {
            signed_at: Some(self.env.now_ms()),
            device: Some(me.device.0),
            level: Some("ses".to_owned()),
            ..statement
        };
        let entry =
            signing::signature_entry(doc, seal, statement, &self.key).ok_or(DeviceError::Stale)?;
        contract.signatures.insert(mint_uuid(&*self.env), entry);
        self.save(doc, &opened.version, &contract.to_value())
    }

    /// How far the signing of a contract is.
    ///
    /// # Errors
    /// [`DeviceError::NotFound`], the store's.
    pub fn signing_state(&self, doc: DocId) -> Result<SigningState> {
        Ok(signing_state(doc, &self.read(doc)?.value))
    }

    /// What was signed, byte for byte as sealed, as a JSON form; `None` if nothing was signed by
    /// all yet, or by a field list this version does not know.
    ///
    /// # Errors
    /// [`DeviceError::NotFound`], the store's.
    pub fn signed_content(&self, doc: DocId) -> Result<Option<Value>> {
        Ok(signing::signed_content(doc, &self.read(doc)?.value))
    }
}
