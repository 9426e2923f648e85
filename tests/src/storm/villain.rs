//! A device that does harm on purpose, and one of a later version: enrolled, and sending what no
//! app of today would.

use automerge::transaction::{CommitOptions, Transactable};
use automerge::{ActorId, Automerge, ObjType, ROOT, ReadDoc};
use ed25519_dalek::SigningKey;
use sopu_core::chunk::Chunk;
use sopu_core::documents::Kind;
use sopu_core::encoding::encode_changes;
use sopu_core::envelope::{ActorSpan, Envelope, Epoch, Header, actor_id, encode, sign};
use sopu_core::genesis::genesis;
use sopu_core::id::{DocId, Hash, SpaceId, Version};
use sopu_core::run::{self, Sealing};
use sopu_core::store::document::Loaded;
use sopu_core::store::{document, meta};
use sopu_core::testing::by_hand::ByHand;
use sopu_core::wire::{Cursors, Entry, Offer, OrderDone, SyncRequest};

use super::Storm;
use super::line::Line;
use super::model::{Edit, Write};
use super::writing;

/// A field only a later version knows, with what it wrote there.
pub struct Future {
    /// In which document.
    pub doc: DocId,
    /// By the time of its change.
    pub at_ms: i64,
    /// Under which key of the document's root.
    pub key: String,
}

/// One document as the villain has it, and an identity of one use to write in it.
struct Den {
    loaded: std::sync::Arc<Loaded>,
    space: SpaceId,
    epoch: Epoch,
    actor: [u8; 16],
    at_ms: i64,
}

impl Storm {
    /// The villain does something.
    pub(super) fn harm(&mut self) {
        if !self.relay_on() {
            return;
        }
        if self.dice.once_in(2) {
            self.spy();
        }
        let trick = self.dice.below(16);
        self.say(|| format!("the villain plays trick {trick}"));
        match trick {
            0..=3 => self.write_like_a_later_version(),
            4..=9 => self.send_poison(trick),
            10..=12 => self.send_mangled(),
            13 => self.claim_cursors(),
            14 => self.offer_nonsense(),
            _ => self.claim_orders(),
        }
    }

    /// It looks around as an honest device would.
    fn spy(&mut self) {
        let line = Line::new(self.house.relay.as_ref(), None, self.villain.id());
        // It may be cut off, or the relay's disk may fail: that is its own affair.
        let _ = self.villain.device().sync(&line);
        let seen = line.seen.into_inner().expect("one thread");
        self.villain.exchanges.extend(seen);
    }

    fn den(&mut self) -> Option<Den> {
        use sopu_core::time::Env;
        let store = self.villain.look().store();
        let docs = document::ids(store.conn(), None, None, 100).ok()?;
        let doc = *docs.get(self.dice.below(docs.len().max(1)))?;
        let space = *self.docs.get(&doc)?;
        let loaded = store.document(doc).ok()?;
        let mut epoch = Epoch::default();
        self.villain.machine.fill(&mut epoch);
        let actor = actor_id(&self.villains_key().verifying_key(), space, &epoch);
        while !self.stamps.insert(self.villain.machine.now_ms()) {
            self.time.pass(1);
        }
        Some(Den {
            loaded,
            space,
            epoch,
            actor,
            at_ms: self.villain.machine.now_ms(),
        })
    }

    fn villains_key(&self) -> SigningKey {
        SigningKey::from_bytes(&self.villain.key())
    }

    /// What it wrote is expected, as far as this version can read it.
    fn expect_of_villain(&mut self, den: &Den, writes: Vec<Write>, hostile: bool) {
        self.model.note(Edit {
            doc: den.loaded.doc,
            by: usize::MAX,
            at_ms: den.at_ms,
            writes,
            sure: false,
            lost: false,
            delivered: false,
            hostile,
        });
    }

    /// A later version writes what this one knows and what it does not.
    fn write_like_a_later_version(&mut self) {
        let Some(den) = self.den() else { return };
        let kind = den.loaded.kind;
        let letter = self.letter();
        let (path, text) = writing::text_of(kind, &den.loaded.am);
        let (_, write) = self.insert(path, &text, letter);
        let at = text.chars().count();
        let Write::Letter { after, .. } = &write else {
            return;
        };
        let place = after.map_or(0, |after| {
            text.chars().position(|c| c == after).map_or(at, |p| p + 1)
        });
        let key = format!("tulevaa-{letter}");
        let mut am = den.loaded.am.clone();
        am.set_actor(ActorId::from(&den.actor[..]));
        let container = genesis(kind).container(path).expect("a text").clone();
        let mut tx = am.transaction();
        tx.splice_text(&container, place, 0, &letter.to_string())
            .expect("writes");
        tx.put(ROOT, &key, letter.to_string()).expect("writes");
        let (hash, _) = tx.commit_with(CommitOptions::default().with_time(den.at_ms));
        let change = am
            .get_change_by_hash(&hash.expect("a change"))
            .expect("there");
        self.expect_of_villain(&den, vec![write], false);
        let (doc, at_ms) = (den.loaded.doc, den.at_ms);
        self.future.push(Future { doc, at_ms, key });
        self.tally.count("written by a later version");
        let sealing = Sealing {
            space: den.space,
            doc,
            kind,
            device: self.villain.id(),
            epoch: den.epoch,
            replaces: Vec::new(),
            sealed_at_ms: at_ms,
            offset_ms: None,
        };
        let changes = [change.raw_bytes().to_vec()];
        let sealed = run::seal(sealing, &changes, &self.villains_key());
        let sealed = sealed.expect("a later version's change passes the guard");
        self.push(vec![encode(&sealed.envelope)]);
    }

    /// A change that would hurt or deceive others, rightly sealed and signed.
    fn send_poison(&mut self, trick: usize) {
        let Some(den) = self.den() else { return };
        self.tally.count("poison sent");
        self.expect_of_villain(&den, Vec::new(), true);
        let kind = den.loaded.kind;
        let bytes = match trick {
            4 => ByHand::puts(kind, "k", 10_000_000),
            5 => ByHand {
                start_op: u64::from(u32::MAX) - 20,
                ..ByHand::puts(kind, "k", 1)
            },
            6 => match key_in(&den.loaded, "comments") {
                Some(key) => ByHand::on(kind, "comments", &key, 1),
                None => return,
            },
            _ => return self.send_change(&den, &self.poisoned(&den)),
        };
        let heads: Version = den.loaded.heads.clone();
        let bytes = ByHand {
            actor: den.actor.to_vec(),
            deps: heads.heads().to_vec(),
            time: den.at_ms,
            ..bytes
        };
        self.send_change(&den, &bytes.bytes());
    }

    /// Poison that an unguarded Automerge makes willingly.
    fn poisoned(&self, den: &Den) -> Vec<u8> {
        let kind = den.loaded.kind;
        let mut am: Automerge = den.loaded.am.clone();
        am.set_actor(ActorId::from(&den.actor[..]));
        let container = |key: &str| genesis(kind).container(key).expect("there").clone();
        let mut tx = am.transaction();
        // Where there is no entry yet, nothing is made, and nothing sent.
        let _ = match self.dice.below(4) {
            0 => {
                let (path, _) = writing::text_of(kind, &den.loaded.am);
                tx.put_object(ROOT, path, ObjType::Text).map(|_| ())
            }
            1 => tx.put(container("status"), "9999/00", "x"),
            2 => match key_in(&den.loaded, "comments") {
                Some(key) => tx.delete(container("comments"), key),
                None => Ok(()),
            },
            _ => {
                let items = if kind == Kind::VisitNote {
                    "entries"
                } else {
                    "comments"
                };
                match key_in(&den.loaded, items) {
                    Some(key) => tx
                        .put_object(container(items), key, ObjType::Map)
                        .map(|_| ()),
                    None => Ok(()),
                }
            }
        };
        let (hash, _) = tx.commit_with(CommitOptions::default().with_time(den.at_ms));
        let change = hash.and_then(|hash| am.get_change_by_hash(&hash));
        change
            .map(|change| change.raw_bytes().to_vec())
            .unwrap_or_default()
    }

    fn send_change(&mut self, den: &Den, change: &[u8]) {
        let Ok((_, hash)) = Chunk::parse(change) else {
            return;
        };
        let mut deps: Vec<Hash> = den.loaded.heads.heads().to_vec();
        deps.retain(|dep| *dep != genesis(den.loaded.kind).hash);
        let header = Header {
            space: den.space,
            doc: den.loaded.doc,
            kind: den.loaded.kind.number(),
            device: self.villain.id(),
            epoch: den.epoch,
            actors: vec![ActorSpan {
                level: 0,
                first_seq: 1,
                last_seq: 1,
            }],
            deps,
            replaces: Vec::new(),
            changes: 1,
            sealed_at_ms: den.at_ms,
            offset_ms: None,
            saved_at_ms: None,
        };
        let proof = sign(&header, &[hash], &self.villains_key());
        // What the wire form cannot say goes as it is.
        let run = encode_changes(&[change.to_vec()]).unwrap_or_else(|_| change.to_vec());
        let envelope = Envelope {
            header: proof.header,
            signature: proof.signature,
            run,
        };
        self.push(vec![encode(&envelope)]);
    }

    /// Others' envelopes: as they are, with a byte changed, cut short, or under another name.
    fn send_mangled(&mut self) {
        self.tally.count("envelope mangled");
        let mut push = Vec::new();
        let pages = self
            .villain
            .exchanges
            .iter()
            .flat_map(|(_, response)| &response.pages);
        for entry in pages.flat_map(|page| &page.entries) {
            let Entry::Envelope { envelope, .. } = entry else {
                continue;
            };
            let mut envelope = envelope.clone();
            let mut bytes = match self.dice.below(4) {
                0 => {
                    if let Some(header) = sopu_core::envelope::decode::<Header>(&envelope.header) {
                        let device = self.villain.id();
                        envelope.header = Header { device, ..header }.to_bytes();
                    }
                    encode(&envelope)
                }
                _ => encode(&envelope),
            };
            match self.dice.below(3) {
                0 => {
                    let at = self.dice.below(bytes.len());
                    bytes[at] ^= 1 << self.dice.below(8);
                }
                1 => bytes.truncate(self.dice.below(bytes.len())),
                _ => {}
            }
            push.push(bytes);
        }
        push.truncate(20);
        self.push(push);
    }

    /// It claims to stand where it does not.
    fn claim_cursors(&mut self) {
        self.tally.count("cursor forged");
        let seen = self.villain.exchanges.iter().rev();
        let pages = seen.flat_map(|(_, response)| &response.pages);
        let mut cursors: Vec<_> = pages.map(|page| page.to.clone()).take(4).collect();
        for cursor in &mut cursors {
            match self.dice.below(4) {
                0 => cursor.seq += 1 + self.dice.below(1_000) as u64,
                1 => cursor.tag[self.dice.below(8)] ^= 1,
                2 => cursor.generation[self.dice.below(16)] ^= 1,
                _ => cursor.seq = 0,
            }
        }
        self.ask(|request| request.cursors = Cursors::Vector(cursors));
    }

    /// It offers what the relay never accepted.
    fn offer_nonsense(&mut self) {
        self.tally.count("offer forged");
        let pages = self
            .villain
            .exchanges
            .iter()
            .flat_map(|(_, response)| &response.pages);
        let mut offers = Vec::new();
        for entry in pages.flat_map(|page| &page.entries).take(10) {
            if let Entry::Envelope {
                envelope, accept, ..
            } = entry
            {
                let mut accept = *accept;
                accept[self.dice.below(16)] ^= u8::from(self.dice.once_in(2));
                offers.push(Offer::Envelope {
                    envelope: envelope.clone(),
                    accept,
                });
            }
        }
        self.ask(|request| request.offers = offers);
    }

    /// It claims to have carried out orders nobody gave, and to have seen news that never were.
    fn claim_orders(&mut self) {
        self.tally.count("orders forged");
        let number = self.dice.below(50) as u64;
        self.ask(|request| {
            request.done = vec![OrderDone { number }];
            request.status_seen = u64::MAX;
        });
    }

    fn push(&mut self, push: Vec<Vec<u8>>) {
        self.ask(|request| request.push = push.into_iter().map(Into::into).collect());
    }

    /// Asks the relay; whatever it answers, it goes on.
    fn ask(&mut self, change: impl FnOnce(&mut SyncRequest)) {
        let token = meta::text(self.villain.look().store().conn(), "token");
        let outgoing = self.villain.device().next_request(0);
        let (Ok(Some(token)), Ok(mut outgoing)) = (token, outgoing) else {
            return;
        };
        change(&mut outgoing.request);
        let answer = self.relay().sync(&token, &outgoing.request);
        let answer = answer.map(|response| response.answers);
        self.say(|| format!("the villain is told {answer:?}"));
    }
}

/// The key of an entry that is there.
fn key_in(loaded: &Loaded, container: &str) -> Option<String> {
    let object = genesis(loaded.kind).container(container)?;
    loaded.am.keys(object).next()
}
