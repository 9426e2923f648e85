//! Documents as honest devices write them: several devices, offline in between, forms open at old
//! versions, every merge rule.

use automerge::transaction::{CommitOptions, Transactable, Transaction};
use automerge::{
    ActorId, Automerge, ChangeHash, ObjId, ObjType, PatchLog, ROOT, ReadDoc, ScalarValue,
};
use ed25519_dalek::SigningKey;

use crate::documents::{Field, Kind, Rule};
use crate::envelope::actor_id;
use crate::genesis::genesis;
use crate::id::SpaceId;

/// Numbers that look random and are the same every time.
pub struct Dice(
    /// The state; not 0.
    pub u64,
);

impl Dice {
    /// 0 up to `sides` - 1.
    pub fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }

    /// An index below `len`.
    pub fn below(&mut self, len: usize) -> usize {
        usize::try_from(self.roll(len as u64)).unwrap()
    }

    fn words(&mut self) -> String {
        const WORDS: [&str; 8] = [
            "kunnossa",
            "sää",
            "lehmät",
            "ö",
            "lääke 5 mg",
            "\n",
            "käynti",
            "👩‍🌾🐄",
        ];
        (0..=self.roll(6))
            .map(|_| WORDS[self.below(8)])
            .collect::<Vec<_>>()
            .join(" ")
    }

    fn uuid(&mut self) -> String {
        let random: [u8; 10] = std::array::from_fn(|_| u8::try_from(self.roll(256)).unwrap());
        let millis = 1_700_000_000_000 + self.roll(1_000_000);
        uuid::Builder::from_unix_timestamp_millis(millis, &random)
            .into_uuid()
            .to_string()
    }
}

/// The space everything is in.
pub const SPACE: SpaceId = SpaceId(uuid::Uuid::from_u128(7));
/// The epoch everyone writes in.
pub const EPOCH: [u8; 8] = *b"an epoch";

/// A device's key by number.
pub fn key(number: u8) -> SigningKey {
    SigningKey::from_bytes(&[number; 32])
}

/// One device with one document.
pub struct Phone {
    /// Its key.
    pub key: SigningKey,
    /// Its document.
    pub doc: Automerge,
    kind: Kind,
    form: Vec<ChangeHash>,
}

impl Phone {
    /// With the document's genesis.
    pub fn new(kind: Kind, number: u8) -> Self {
        let key = key(number);
        let mut doc = genesis(kind).document();
        doc.set_actor(ActorId::from(actor_id(&key.verifying_key(), SPACE, &EPOCH)));
        let form = doc.get_heads();
        Self {
            key,
            doc,
            kind,
            form,
        }
    }

    /// Its actor.
    pub fn base_actor(&self) -> [u8; 16] {
        actor_id(&self.key.verifying_key(), SPACE, &EPOCH)
    }

    /// One save, now and then from a form opened long ago.
    pub fn save(&mut self, dice: &mut Dice) {
        let fields: Vec<&Field> = self.kind.spec().fields().collect();
        let stale = dice.roll(4) == 0;
        let heads = if stale {
            self.form.clone()
        } else {
            self.doc.get_heads()
        };
        let mut tx = self
            .doc
            .transaction_at(PatchLog::inactive(), &heads)
            .unwrap();
        for _ in 0..=dice.roll(3) {
            edit(&mut tx, self.kind, fields[dice.below(fields.len())], dice);
        }
        if tx.pending_ops() == 0 {
            tx.rollback();
            return;
        }
        let time = i64::try_from(1_700_000_000 + dice.roll(100_000)).unwrap();
        tx.commit_with(CommitOptions::default().with_time(time));
        if !stale {
            self.form = self.doc.get_heads();
        }
    }

    /// One save of one field.
    pub fn put(&mut self, key: &str, value: impl Into<ScalarValue>) {
        let mut tx = self.doc.transaction();
        tx.put(ROOT, key, value).unwrap();
        tx.commit();
    }

    /// Both have everything of the other.
    pub fn meet(&mut self, other: &mut Phone) {
        self.doc.merge(&mut other.doc).unwrap();
        other.doc.merge(&mut self.doc).unwrap();
    }

    /// All changes but genesis, in causal order.
    pub fn changes(&self) -> Vec<Vec<u8>> {
        raw(&self.doc, &[genesis(self.kind).hash.into()])
    }

    /// What this phone wrote itself, in causal order.
    pub fn own_changes(&self) -> Vec<Vec<u8>> {
        let own = self.base_actor();
        self.doc
            .get_changes(&[])
            .iter()
            .filter(|c| c.actor_id().to_bytes().ends_with(&own))
            .map(|c| c.raw_bytes().to_vec())
            .collect()
    }
}

/// The changes after these heads, uncompressed.
pub fn raw(doc: &Automerge, after: &[ChangeHash]) -> Vec<Vec<u8>> {
    doc.get_changes(after)
        .iter()
        .map(|c| c.raw_bytes().to_vec())
        .collect()
}

fn edit(tx: &mut Transaction<'_>, kind: Kind, field: &Field, dice: &mut Dice) {
    let container = genesis(kind).container(field.key()).cloned();
    let Some(id) = container else {
        match dice.roll(5) {
            0 => tx.put(ROOT, field.key(), ScalarValue::Null),
            1 => tx.put(ROOT, field.key(), dice.roll(1 << 40).cast_signed() - 7),
            2 => tx.put(ROOT, field.key(), dice.roll(2) == 0),
            3 => tx.put(
                ROOT,
                field.key(),
                ScalarValue::Bytes(vec![0xa0; dice.below(9)]),
            ),
            _ => tx.put(ROOT, field.key(), dice.words()),
        }
        .unwrap();
        return;
    };
    match field.rule {
        Rule::Txt => type_into(tx, &id, dice),
        Rule::Log | Rule::Rws => {
            for _ in 0..=dice.roll(2) {
                tx.put(
                    &id,
                    dice.uuid(),
                    ScalarValue::Bytes(dice.words().into_bytes()),
                )
                .unwrap();
            }
        }
        Rule::Aws => {
            let element = format!("element {}", dice.roll(6));
            if dice.roll(3) == 0 && tx.get(&id, element.as_str()).unwrap().is_some() {
                tx.delete(&id, element).unwrap();
            } else {
                tx.put(&id, element, true).unwrap();
            }
        }
        Rule::Mst(codes) => {
            let mark = format!("0001/{:02}", dice.below(codes.len()));
            if tx.get(&id, mark.as_str()).unwrap().is_none() {
                tx.put(&id, mark, ScalarValue::Bytes(vec![1, 2, 3]))
                    .unwrap();
            }
        }
        Rule::Map(fields) => {
            let keys: Vec<String> = tx.keys(&id).collect();
            if keys.is_empty() || dice.roll(3) == 0 {
                let item = tx.put_object(&id, dice.uuid(), ObjType::Map).unwrap();
                for field in fields {
                    match field.rule {
                        Rule::Txt => {
                            let text = tx.put_object(&item, field.key(), ObjType::Text).unwrap();
                            type_into(tx, &text, dice);
                        }
                        Rule::Mst(_) => {
                            tx.put_object(&item, field.key(), ObjType::Map).unwrap();
                        }
                        _ => tx.put(&item, field.key(), dice.words()).unwrap(),
                    }
                }
            } else {
                let (_, item) = tx
                    .get(&id, keys[dice.below(keys.len())].as_str())
                    .unwrap()
                    .unwrap();
                for field in fields {
                    match (field.rule, tx.get(&item, field.key()).unwrap()) {
                        (Rule::Txt, Some((_, text))) => type_into(tx, &text, dice),
                        (Rule::Mst(_), Some((_, marks))) => {
                            tx.put(&marks, "0001/01", ScalarValue::Bytes(vec![9]))
                                .unwrap();
                        }
                        _ => tx.put(&item, "removed", dice.roll(2) == 0).unwrap(),
                    }
                }
            }
        }
        _ => unreachable!("a rule without a container"),
    }
}

fn type_into(tx: &mut Transaction<'_>, text: &ObjId, dice: &mut Dice) {
    let old = tx.text(text).unwrap();
    let chars: Vec<char> = old.chars().collect();
    let from = dice.below(chars.len() + 1);
    let to = from + dice.below(chars.len() - from + 1).min(12);
    let new: String = chars[..from]
        .iter()
        .chain(dice.words().chars().collect::<Vec<_>>().iter())
        .chain(&chars[to..])
        .collect();
    tx.update_text(text, new).unwrap();
}

/// Some phones that write and meet for a while; all have everything in the end.
pub fn world(kind: Kind, phones: u8, saves: usize, seed: u64) -> Vec<Phone> {
    let mut dice = Dice(seed * 2 + 1);
    let mut world: Vec<Phone> = (1..=phones).map(|n| Phone::new(kind, n)).collect();
    for _ in 0..saves {
        let who = dice.below(world.len());
        world[who].save(&mut dice);
        let (a, b) = (dice.below(world.len()), dice.below(world.len()));
        if a < b && dice.roll(3) == 0 {
            let (left, right) = world.split_at_mut(b);
            left[a].meet(&mut right[0]);
        }
    }
    for _ in 0..2 {
        for other in 1..world.len() {
            let (left, right) = world.split_at_mut(other);
            left[0].meet(&mut right[0]);
        }
    }
    world
}
