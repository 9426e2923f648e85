//! Actors: a device's 16 bytes, or the actor Automerge derives from them for a concurrent save.

use super::Refusal;
use crate::chunk::Reader;

/// What Automerge puts before a derived actor (`with_concurrency` in its `types.rs`).
const DERIVED: [u8; 4] = [0x13, 0xb2, 0x23, 0x09];

/// The highest level of derived actor. Levels are reused once covered, so honest devices stay far
/// below; beyond, a save replays its edit at the current heads.
pub const LEVELS: u8 = 8;

/// An actor taken apart.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Author {
    /// The device's actor in this space and epoch.
    pub base: [u8; 16],
    /// 0 for the base actor itself, above for a derived one.
    pub level: u8,
}

impl Author {
    /// From an actor's bytes. Sixteen bytes that begin like a derived actor are a base actor.
    ///
    /// # Errors
    /// `actor_form` for any other form, `actor_level` above [`LEVELS`].
    pub fn parse(actor: &[u8]) -> Result<Self, Refusal> {
        if let Ok(base) = <[u8; 16]>::try_from(actor) {
            return Ok(Self { base, level: 0 });
        }
        let form = Refusal::new("actor_form");
        let mut r = Reader::new(actor.strip_prefix(&DERIVED).ok_or(form)?);
        let level = r.u64().map_err(|_| form)?;
        let base = r.take(16).map_err(|_| form)?.try_into().map_err(|_| form)?;
        if !r.is_empty() || level == 0 {
            return Err(form);
        }
        let level = u8::try_from(level).ok().filter(|l| *l <= LEVELS);
        Ok(Self {
            base,
            level: level.ok_or(Refusal::new("actor_level"))?,
        })
    }

    /// The bytes Automerge knows it by.
    pub fn to_bytes(self) -> Vec<u8> {
        if self.level == 0 {
            return self.base.to_vec();
        }
        let mut bytes = DERIVED.to_vec();
        bytes.push(self.level);
        bytes.extend_from_slice(&self.base);
        bytes
    }
}
