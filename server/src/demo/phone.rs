//! One person's device: a real one, with its own store, key and clock.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use serde_json::Value;
use sopu_core::device::documents::Opened;
use sopu_core::device::{Device, DeviceError, SyncReport};
use sopu_core::documents::Kind;
use sopu_core::documents::contract::Signature;
use sopu_core::id::{DocId, SpaceId, Version};
use sopu_core::time::SystemEnv;
use sopu_core::transport::Transport;

use super::cast::Person;
use super::error::{DemoError, Result};
use super::phone_clock::PhoneClock;
use super::typing::typed;

/// A device and what was done with it in this run.
pub struct Phone {
    /// Whose.
    pub person: &'static Person,
    /// The device itself.
    pub device: Device,
    /// Its clock.
    pub clock: Arc<PhoneClock>,
    /// Documents begun.
    pub begun: usize,
    /// Saves that changed something.
    pub saves: usize,
}

impl Phone {
    /// Opens the person's device under `devices/`, or unpacks a new one.
    pub fn open(data: &Path, person: &'static Person) -> Result<Self> {
        let folder = data.join("devices").join(person.first.to_lowercase());
        // The key and the instance file live where a phone's keystore and no-backup folder are.
        let keystore = folder.join("keystore");
        fs::create_dir_all(&keystore)?;
        let clock = Arc::new(PhoneClock::new(person.ahead_s * 1_000));
        let key = key(&keystore.join("device.key"))?;
        let device = Device::open(&folder.join("store.db"), &keystore, key, clock.clone())
            .map_err(|why| DemoError::Device {
                who: person.first,
                why,
            })?;
        Ok(Self {
            person,
            device,
            clock,
            begun: 0,
            saves: 0,
        })
    }

    /// Whether it knows its relay already.
    pub fn enrolled(&self) -> bool {
        self.device.identity().is_ok()
    }

    /// Enrols with an invite code.
    pub fn enrol(&mut self, relay: &dyn Transport, code: &str) -> Result<()> {
        let name = format!("{}'s {}", self.person.first, self.person.device);
        let done = self.device.enrol(relay, code, &name);
        self.said(done).map(drop)
    }

    /// Syncs once.
    pub fn sync(&mut self, relay: &dyn Transport) -> Result<SyncReport> {
        let report = self.device.sync(relay);
        self.said(report)
    }

    /// Reads a document.
    pub fn read(&self, doc: DocId) -> Result<Opened> {
        self.said(self.device.read(doc))
    }

    /// Writes a new document in as many saves, as a form does.
    pub fn write(
        &mut self,
        space: SpaceId,
        kind: Kind,
        finished: &Value,
        saves: usize,
    ) -> Result<DocId> {
        let forms = typed(kind, finished, saves);
        let Some((first, rest)) = forms.split_first() else {
            return Err(DemoError::Story("an empty document".to_owned()));
        };
        let created = self.device.create(space, kind, first);
        let (doc, saved) = self.said(created)?;
        self.begun += 1;
        self.saves += 1;
        self.type_on(doc, saved.version, rest.to_vec())?;
        Ok(doc)
    }

    /// Fills in a document that is there, in as many saves, on top of what it says.
    pub fn fill(&mut self, doc: DocId, finished: &Value, saves: usize) -> Result<()> {
        let opened = self.read(doc)?;
        let forms = typed(opened.kind, finished, saves)
            .into_iter()
            .map(|form| over(&opened.value, &form))
            .collect();
        self.type_on(doc, opened.version, forms)
    }

    fn type_on(&mut self, doc: DocId, mut version: Version, forms: Vec<Value>) -> Result<()> {
        // As an app does: a document with an open form stays loaded.
        self.device.open_form(doc);
        for form in forms {
            version = self.save(doc, &version, &form)?;
        }
        self.device.close_form(doc);
        Ok(())
    }

    /// One save of a form opened at this version; gives the version for its next save.
    pub fn save(&mut self, doc: DocId, version: &Version, value: &Value) -> Result<Version> {
        let saved = self.device.save(doc, version, value);
        let saved = self.said(saved)?;
        self.saves += usize::from(!saved.changes.is_empty());
        Ok(saved.version)
    }

    /// Opens a document, changes something, saves it.
    pub fn edit(&mut self, doc: DocId, change: impl FnOnce(&mut Value)) -> Result<()> {
        let opened = self.read(doc)?;
        let mut value = opened.value;
        change(&mut value);
        self.save(doc, &opened.version, &value).map(drop)
    }

    /// Locks a contract as it stands.
    pub fn lock_contract(&mut self, doc: DocId) -> Result<()> {
        let opened = self.read(doc)?;
        let locked = self.device.lock_contract(doc, &opened.version);
        self.saves += 1;
        self.said(locked).map(drop)
    }

    /// Takes a contract back to a draft, in a new round.
    pub fn reopen_contract(&mut self, doc: DocId) -> Result<()> {
        let opened = self.read(doc)?;
        let reopened = self.device.reopen(doc, &opened.version, "status", "draft");
        self.saves += 1;
        self.said(reopened).map(drop)
    }

    /// Somebody signs for the party with this role, on this device.
    pub fn sign(
        &mut self,
        doc: DocId,
        role: &str,
        signer: &str,
        name: &str,
        place: &str,
    ) -> Result<()> {
        let value = self.read(doc)?.value;
        let parties = value["parties"].as_object();
        let party = parties.and_then(|all| all.iter().find(|(_, party)| party["role"] == role));
        let id = |text: &str| text.parse().ok();
        let statement = Signature {
            party: party.and_then(|(key, _)| id(key)),
            signer: id(signer),
            signer_name: Some(name.to_owned()),
            method: Some("drawn".to_owned()),
            place: Some(place.to_owned()),
            ..Signature::default()
        };
        let signed = self.device.sign_contract(doc, statement);
        self.saves += 1;
        self.said(signed).map(drop)
    }

    /// The same with the owner's name beside an error.
    pub fn said<T>(&self, result: std::result::Result<T, DeviceError>) -> Result<T> {
        result.map_err(|why| DemoError::Device {
            who: self.person.first,
            why,
        })
    }
}

/// `form` on top of `base`: the parts a form does not show stay as they are.
fn over(base: &Value, form: &Value) -> Value {
    match (base, form) {
        (Value::Object(base), Value::Object(form)) => {
            let mut both = base.clone();
            for (key, value) in form {
                let under = both.get(key).unwrap_or(&Value::Null);
                let merged = over(under, value);
                both.insert(key.clone(), merged);
            }
            Value::Object(both)
        }
        _ => form.clone(),
    }
}

/// The device's secret key, made at the first run and readable by its owner alone.
fn key(path: &Path) -> Result<[u8; 32]> {
    if let Ok(bytes) = fs::read(path)
        && let Ok(key) = <[u8; 32]>::try_from(bytes)
    {
        return Ok(key);
    }
    let key = Device::new_key(&SystemEnv);
    let mut open = fs::OpenOptions::new();
    open.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut open, 0o600);
    std::io::Write::write_all(&mut open.open(path)?, &key)?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn filling_a_form_in_leaves_what_it_does_not_show() {
        let base = json!({"status": "planned", "time_parts": {"travel_min": 5}, "workers": ["a"]});
        let form = json!({"km": "3", "time_parts": {"advice_min": 60}, "workers": ["a", "b"]});
        assert_eq!(
            over(&base, &form),
            json!({"status": "planned", "km": "3", "time_parts": {"travel_min": 5, "advice_min": 60}, "workers": ["a", "b"]})
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_key_is_made_once_and_is_nobody_elses_business() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("device.key");
        let first = key(&path).expect("made");
        assert_eq!(key(&path).expect("read"), first);
        let mode = fs::metadata(&path).expect("there").permissions().mode();
        assert_eq!(mode & 0o077, 0);
    }
}
