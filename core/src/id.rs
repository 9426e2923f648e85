//! Identifiers. All are UUIDs, version 7 where Sopu mints them (RFC 9562), because the directory
//! formats it exports to (Open Referral HSDS, PTV) demand UUIDs and because version 7 sorts by time.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::time::Env;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// A fresh version 7 id of this moment.
            pub fn mint(env: &dyn Env) -> Self {
                Self(mint_uuid(env))
            }

            /// The 16 bytes, big-endian.
            pub fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }

            /// From exactly 16 bytes; `None` for any other length.
            pub fn from_slice(bytes: &[u8]) -> Option<Self> {
                Uuid::from_slice(bytes).ok().map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(s: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(s).map(Self)
            }
        }

        impl<C> minicbor::Encode<C> for $name {
            fn encode<W: minicbor::encode::Write>(
                &self,
                e: &mut minicbor::Encoder<W>,
                _: &mut C,
            ) -> Result<(), minicbor::encode::Error<W::Error>> {
                e.bytes(self.0.as_bytes())?.ok()
            }
        }

        impl<'b, C> minicbor::Decode<'b, C> for $name {
            fn decode(
                d: &mut minicbor::Decoder<'b>,
                _: &mut C,
            ) -> Result<Self, minicbor::decode::Error> {
                Self::from_slice(d.bytes()?)
                    .ok_or_else(|| minicbor::decode::Error::message("an id has 16 bytes"))
            }
        }
    };
}

id! {
    /// A document of one kind. It lives in one space for good.
    DocId
}
id! {
    /// A space: a set of documents replicated together to the same members.
    SpaceId
}
id! {
    /// One enrolled installation.
    DeviceId
}
id! {
    /// A person in a space.
    MemberId
}
id! {
    /// An organisation on a relay.
    OrgId
}

/// A fresh version 7 UUID; used for keys of items and log entries inside documents too.
pub fn mint_uuid(env: &dyn Env) -> Uuid {
    let mut random = [0u8; 10];
    env.fill(&mut random);
    let millis = u64::try_from(env.now_ms()).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
}

/// SHA-256 of the signed bytes of an envelope.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EnvelopeId(pub [u8; 32]);

impl EnvelopeId {
    /// The name by which a replay says that it makes this change again, among the envelopes it
    /// replaces: copies of one store seal what they have in common each in its own envelope, or in
    /// none. No envelope has this id, and no change of another document.
    pub fn of_change(doc: DocId, hash: Hash) -> Self {
        let mut name = hash.0;
        let twice = doc.as_bytes().iter().chain(doc.as_bytes());
        name.iter_mut().zip(twice).for_each(|(n, d)| *n ^= d);
        Self(name)
    }

    /// The change of this document it may be the name of.
    pub fn as_change(self, doc: DocId) -> Hash {
        Hash(Self::of_change(doc, Hash(self.0)).0)
    }
}

/// The hash of one Automerge change. Two documents can share one, so every key is (document, hash).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash(pub [u8; 32]);

macro_rules! hash32 {
    ($name:ident) => {
        impl $name {
            /// From exactly 32 bytes; `None` for any other length.
            pub fn from_slice(bytes: &[u8]) -> Option<Self> {
                bytes.try_into().ok().map(Self)
            }

            /// The 32 bytes.
            pub fn as_bytes(&self) -> &[u8; 32] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&data_encoding::HEXLOWER.encode(&self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({}…)", stringify!($name), &self.to_string()[..8])
            }
        }

        impl<C> minicbor::Encode<C> for $name {
            fn encode<W: minicbor::encode::Write>(
                &self,
                e: &mut minicbor::Encoder<W>,
                _: &mut C,
            ) -> Result<(), minicbor::encode::Error<W::Error>> {
                e.bytes(&self.0)?.ok()
            }
        }

        impl<'b, C> minicbor::Decode<'b, C> for $name {
            fn decode(
                d: &mut minicbor::Decoder<'b>,
                _: &mut C,
            ) -> Result<Self, minicbor::decode::Error> {
                Self::from_slice(d.bytes()?)
                    .ok_or_else(|| minicbor::decode::Error::message("a hash has 32 bytes"))
            }
        }
    };
}

hash32!(EnvelopeId);
hash32!(Hash);

impl From<automerge::ChangeHash> for Hash {
    fn from(hash: automerge::ChangeHash) -> Self {
        Self(hash.0)
    }
}

impl From<Hash> for automerge::ChangeHash {
    fn from(hash: Hash) -> Self {
        automerge::ChangeHash(hash.0)
    }
}

/// The heads at which a value was read, sorted: whoever tells them in whatever order names one version.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct Version(Vec<Hash>);

impl Version {
    /// Sorts and deduplicates.
    pub fn new(heads: impl IntoIterator<Item = Hash>) -> Self {
        let mut heads: Vec<Hash> = heads.into_iter().collect();
        heads.sort_unstable();
        heads.dedup();
        Self(heads)
    }

    /// The heads, sorted.
    pub fn heads(&self) -> &[Hash] {
        &self.0
    }

    /// The heads as Automerge wants them.
    pub fn to_automerge(&self) -> Vec<automerge::ChangeHash> {
        self.0.iter().map(|h| (*h).into()).collect()
    }

    /// The 32-byte hashes one after another, as stored in SQLite.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.iter().flat_map(|h| h.0).collect()
    }

    /// Back from [`Version::to_bytes`]; `None` if the length is not a multiple of 32.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (whole, rest) = bytes.as_chunks::<32>();
        rest.is_empty()
            .then(|| Self::new(whole.iter().map(|h| Hash(*h))))
    }
}

impl From<Vec<automerge::ChangeHash>> for Version {
    fn from(heads: Vec<automerge::ChangeHash>) -> Self {
        Self::new(heads.into_iter().map(Hash::from))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, head) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str("+")?;
            }
            head.fmt(f)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.0).finish()
    }
}

impl FromStr for Version {
    type Err = data_encoding::DecodeError;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        let mut heads = Vec::new();
        for part in s.split('+').filter(|p| !p.is_empty()) {
            let bytes = data_encoding::HEXLOWER.decode(part.as_bytes())?;
            heads.push(Hash::from_slice(&bytes).ok_or(data_encoding::DecodeError {
                position: 0,
                kind: data_encoding::DecodeKind::Length,
            })?);
        }
        Ok(Self::new(heads))
    }
}
