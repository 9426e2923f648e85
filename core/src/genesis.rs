//! The fixed first change of each kind.
//!
//! Every document starts from a genesis change that is byte-identical everywhere: fixed actor,
//! time 0, all containers. Two devices that each made "the same" container would make two, one of
//! them invisible; so no device ever makes a container at the root, and a later version of a kind
//! takes one of the spares made here. Genesis counts as always present and is never sent.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use automerge::transaction::{CommitOptions, Transactable};
use automerge::{ActorId, Automerge, ObjId, ObjType, ROOT};
use sha2::{Digest, Sha256};

use crate::documents::{Container, Kind, Rule};
use crate::id::Hash;

/// Spare maps and spare texts in each genesis change.
pub const SPARES: usize = 16;

/// A kind's genesis: the change, its hash, a document holding it, and where its containers are.
pub struct Genesis {
    /// The change chunk, uncompressed.
    pub bytes: Vec<u8>,
    /// The change's hash.
    pub hash: Hash,
    /// The actor that wrote it. Refused as the author of any other change.
    pub actor: [u8; 16],
    /// Root key to container.
    pub containers: BTreeMap<String, (ObjId, Container)>,
    /// The containers in the order of their making operations, whose counters begin at 1: the root
    /// key, and the rule of the field that claims it (a spare that no field claims has none).
    pub by_counter: Vec<(String, Container, Option<Rule>)>,
    doc: Automerge,
}

impl Genesis {
    /// A fresh document that holds genesis and nothing else.
    pub fn document(&self) -> Automerge {
        self.doc.clone()
    }

    /// The container at this root key.
    pub fn container(&self, key: &str) -> Option<&ObjId> {
        self.containers.get(key).map(|(id, _)| id)
    }
}

/// The root key of the n-th spare container.
pub fn spare_key(container: Container, n: usize) -> String {
    match container {
        Container::Map => format!("~m{n:02}"),
        Container::Text => format!("~t{n:02}"),
    }
}

/// The genesis of a kind, made once.
pub fn genesis(kind: Kind) -> &'static Genesis {
    static ALL: OnceLock<Vec<Genesis>> = OnceLock::new();
    let all = ALL.get_or_init(|| Kind::ALL.into_iter().map(make).collect());
    &all[usize::from(kind.number()) - 1]
}

#[expect(
    clippy::expect_used,
    reason = "a constant input: either it always works or no test passes"
)]
fn make(kind: Kind) -> Genesis {
    let mut actor = [0u8; 16];
    actor.copy_from_slice(&Sha256::digest(format!("sopu-genesis-1 {}", kind.code()))[..16]);
    let mut doc = Automerge::new();
    doc.set_actor(ActorId::from(&actor[..]));
    let spares = [Container::Map, Container::Text]
        .into_iter()
        .flat_map(|c| (0..SPARES).map(move |n| (spare_key(c, n), c)));
    let keys: Vec<(String, Container)> = kind
        .spec()
        .genesis
        .iter()
        .map(|(key, container)| ((*key).to_owned(), *container))
        .chain(spares)
        .collect();

    let mut tx = doc.transaction();
    let mut containers = BTreeMap::new();
    let mut by_counter = Vec::new();
    for (key, container) in &keys {
        let object = match container {
            Container::Map => ObjType::Map,
            Container::Text => ObjType::Text,
        };
        let id = tx
            .put_object(ROOT, key.as_str(), object)
            .expect("root takes any key");
        containers.insert(key.clone(), (id, *container));
        let rule = kind.spec().field_stored_as(key).map(|field| field.rule);
        by_counter.push((key.clone(), *container, rule));
    }
    tx.commit_with(CommitOptions::default().with_time(0));
    let change = doc
        .get_last_local_change()
        .expect("genesis was just committed");
    Genesis {
        bytes: change.raw_bytes().to_vec(),
        hash: change.hash().into(),
        actor,
        containers,
        by_counter,
        doc,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_container_field_has_its_container_in_genesis() {
        use crate::documents::Rule;
        for kind in Kind::ALL {
            let genesis = genesis(kind);
            for field in kind.spec().fields() {
                let wanted = match field.rule {
                    Rule::Txt => Some(Container::Text),
                    Rule::Map(_) | Rule::Log | Rule::Aws | Rule::Rws | Rule::Mst(_) => {
                        Some(Container::Map)
                    }
                    Rule::Imm
                    | Rule::Lww
                    | Rule::Mvr
                    | Rule::Yield(_)
                    | Rule::FlagPlus
                    | Rule::Max(_) => None,
                };
                let found = genesis.containers.get(field.key()).map(|(_, c)| *c);
                assert_eq!(found, wanted, "{}: {}", kind.code(), field.path);
            }
        }
    }

    #[test]
    fn genesis_is_uncompressed_and_loads_to_the_same_hash() {
        for kind in Kind::ALL {
            let genesis = genesis(kind);
            assert_eq!(genesis.bytes[8], 1, "chunk type: an uncompressed change");
            let change = automerge::Change::from_bytes(genesis.bytes.clone()).expect("parses");
            assert_eq!(Hash::from(change.hash()), genesis.hash);
        }
    }

    /// Every document ever written hangs on these: a kind whose genesis changes cannot read any of
    /// its documents. If this fails, the change that made it fail is wrong.
    #[test]
    fn genesis_is_the_same_for_ever() {
        let hashes = Kind::ALL.map(|kind| genesis(kind).hash.to_string());
        assert_eq!(
            hashes,
            [
                "9a57b7af62e2137505fd9bd2d13c1f42b27b097e9316b9d61744f10b3c79051f",
                "daf03128e5719dcfd6a7112361af9b630c4d36e388df4f50432473b293c2f470",
                "6c35f45d0bfdce60672edee0cd898473a0e88ecc3c8a2c4eedb364c314f1db8c",
            ]
        );
    }
}
