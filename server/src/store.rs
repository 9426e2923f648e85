//! The relay's database: one narrow trait, one conformance suite, so far one backend.
//!
//! Everything that writes happens between [`RelayStore::begin`] and [`RelayStore::commit`]; when
//! `commit` returns, it is as safe as it needs to be. [`Commits`] lets many requests share one commit.

use std::collections::BTreeSet;
use std::ops::{Range, RangeInclusive};
use std::sync::Arc;
use std::time::Duration;

use sopu_core::envelope::Epoch;
use sopu_core::id::{DeviceId, DocId, EnvelopeId, Hash, MemberId, OrgId, SpaceId};
use sopu_core::wire::{About, RosterRow, Verdict};

use crate::access::Role;
use crate::access::log::Entry;
use crate::access::standing::Grant;

pub mod commits;
pub mod flushed;
pub mod remembered;
pub mod schema;
pub mod sqlite;

#[cfg(test)]
pub mod conformance;

pub use commits::Commits;

/// What can go wrong below the relay. It says nothing of content; the cause is for the log.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// The backend failed: disk full, file gone, connection lost.
    #[error("the database failed: {0}")]
    Backend(Arc<dyn std::error::Error + Send + Sync>),
    /// A row does not hold what this program wrote.
    #[error("the database holds something unreadable: {0}")]
    Corrupt(&'static str),
}

impl StoreError {
    /// SQLite's code, where SQLite is what failed.
    pub fn sqlite_code(&self) -> Option<rusqlite::ErrorCode> {
        let Self::Backend(error) = self else {
            return None;
        };
        error
            .downcast_ref::<rusqlite::Error>()
            .and_then(rusqlite::Error::sqlite_error_code)
    }
}

/// What a store answers.
pub type Result<T> = std::result::Result<T, StoreError>;

/// What became of an envelope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Durable, not yet tried.
    Waiting,
    /// In the feed at this seq.
    Fed(u64),
    /// Kept for this reason; released later or reviewed by people.
    Held(String),
    /// Refused for ever, for this reason.
    Final(String),
    /// Its document was erased by law.
    Erased,
}

impl From<State> for Verdict {
    fn from(state: State) -> Self {
        match state {
            State::Waiting => Verdict::Waiting,
            State::Fed(seq) => Verdict::Fed(seq),
            State::Held(reason) => Verdict::Held(reason),
            State::Final(reason) => Verdict::Final(reason),
            State::Erased => Verdict::Erased,
        }
    }
}

/// An envelope as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvelopeRow {
    /// Order of arrival, over all spaces.
    pub arrival: i64,
    /// Its id.
    pub id: EnvelopeId,
    /// Where it belongs.
    pub space: SpaceId,
    /// The document.
    pub doc: DocId,
    /// The kind's wire number.
    pub kind: u8,
    /// Who signed.
    pub device: DeviceId,
    /// The instance that brought it.
    pub instance: Option<[u8; 16]>,
    /// The signed header.
    pub header: Vec<u8>,
    /// The signature.
    pub signature: [u8; 64],
    /// SHA-256 of its change hashes.
    pub digest: [u8; 32],
    /// The run; `None` once erased.
    pub run: Option<Vec<u8>>,
    /// How many changes.
    pub changes: u32,
    /// Relay clock when it arrived.
    pub received_ms: i64,
    /// Accepted within the days of grace after a membership ended.
    pub late: bool,
    /// What became of it.
    pub state: State,
    /// Times the process died while trying it.
    pub deaths: u32,
    /// The program version that counted them.
    pub tried_by: Option<String>,
}

/// One change an envelope brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChangeRow {
    /// Its hash.
    pub hash: Hash,
    /// The base actor that wrote it, zeros, and in the last byte the level.
    pub actor: [u8; 32],
    /// The actor's sequence number.
    pub seq: u64,
}

/// Another envelope's claim on the same actor and sequence number, or the same change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The change.
    pub hash: Hash,
    /// Its envelope's arrival.
    pub arrival: i64,
    /// What became of that envelope.
    pub state: State,
}

/// What the relay knows of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DocumentRow {
    /// Its space, for good.
    pub space: SpaceId,
    /// Its kind's wire number.
    pub kind: u8,
    /// Seq of its last feed entry; 0 before the first.
    pub last_seq: u64,
    /// When it was erased.
    pub erased_ms: Option<i64>,
}

/// Where a space's feed ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The last seq; 0 for an empty feed.
    pub seq: u64,
    /// The running hash there.
    pub hash: [u8; 32],
}

/// One place in a feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedRow {
    /// The space.
    pub space: SpaceId,
    /// The place.
    pub seq: u64,
    /// Envelope or notice id.
    pub id: EnvelopeId,
    /// The running hash with this entry.
    pub hash: [u8; 32],
    /// The relay's accept tag.
    pub accept: [u8; 16],
    /// The document it is about.
    pub doc: DocId,
    /// Relay clock when it arrived.
    pub received_ms: i64,
    /// What it is.
    pub what: FeedWhat,
}

/// What stands in one place of a feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FeedWhat {
    /// The envelope of this arrival.
    Envelope(i64),
    /// A notice.
    Notice {
        /// CBOR of the notice.
        body: Vec<u8>,
        /// The relay's signature.
        signature: [u8; 64],
    },
}

/// One life of a space's feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Generation {
    /// 1 for the first.
    pub number: u64,
    /// Random.
    pub id: [u8; 16],
    /// The last seq it shares with the one before.
    pub cut_seq: u64,
}

/// An enrolled device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceRow {
    /// Its id.
    pub id: DeviceId,
    /// Whose it is.
    pub member: MemberId,
    /// Its Ed25519 public key.
    pub key: [u8; 32],
    /// The instance id in use.
    pub instance: Option<[u8; 16]>,
    /// An identity the server keeps.
    pub office: bool,
    /// Last request.
    pub last_seen_ms: Option<i64>,
    /// Cut off.
    pub revoked_ms: Option<i64>,
    /// Found to exist twice.
    pub cloned_ms: Option<i64>,
    /// The person's account was closed.
    pub member_disabled_ms: Option<i64>,
    /// Days it may be without contact, if the person's organisation has said.
    pub lease_days: Option<u16>,
}

/// A device about to be enrolled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewDevice {
    /// Its id.
    pub id: DeviceId,
    /// Whose it is.
    pub member: MemberId,
    /// Its Ed25519 public key.
    pub key: [u8; 32],
    /// Hash of its token; `None` for an identity the server keeps.
    pub token_hash: Option<[u8; 32]>,
    /// Name for people.
    pub name: String,
    /// Its instance id.
    pub instance: Option<[u8; 16]>,
    /// An identity the server keeps.
    pub office: bool,
    /// Relay clock.
    pub enrolled_ms: i64,
}

/// What a space is called and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpaceRow {
    /// Owner.
    pub org: OrgId,
    /// Name for people.
    pub name: String,
    /// The number of its roster at the moment asked about.
    pub roster: u64,
}

/// An invite.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InviteRow {
    /// For whom.
    pub member: MemberId,
    /// The person's name.
    pub member_name: String,
    /// Their organisation.
    pub org: OrgId,
    /// Its name.
    pub org_name: String,
    /// Worth nothing after this.
    pub expires_ms: i64,
    /// Used then.
    pub used_ms: Option<i64>,
    /// By this device.
    pub used_by: Option<DeviceId>,
}

/// What a transaction is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Purpose {
    /// Reading one consistent state.
    Read,
    /// Writing what is made again by itself if it is lost with the power: it survives the death of
    /// the process, and is on disk with the next [`Purpose::Write`].
    Note,
    /// Writing what must be on disk.
    Write,
}

/// Transactions, and a second door for reading.
pub trait Transactions {
    /// Starts a transaction; one that writes takes the writer's place at once.
    fn begin(&mut self, purpose: Purpose) -> Result<()>;
    /// Ends it; as durable as it was begun for when this returns.
    fn commit(&mut self) -> Result<()>;
    /// Ends it as if it had not been.
    fn rollback(&mut self);
    /// A point inside a transaction to fall back to.
    fn savepoint(&mut self) -> Result<()>;
    /// Keeps what was done since the savepoint (`true`) or undoes it.
    fn end_savepoint(&mut self, keep: bool) -> Result<()>;
    /// Another connection for readers; `None` where there can be only one.
    fn reader(&self) -> Result<Option<Box<dyn RelayStore>>>;
    /// After an erasure: nothing of what was deleted is left in the files. Whoever reads is waited for this
    /// long; if they go on, it fails.
    fn scrub(&mut self, wait: Duration) -> Result<()>;
}

/// Envelopes, whatever became of them, and the documents they are of.
pub trait Envelopes {
    /// By id.
    fn envelope(&mut self, id: &EnvelopeId) -> Result<Option<EnvelopeRow>>;
    /// By order of arrival.
    fn envelope_at(&mut self, arrival: i64) -> Result<Option<EnvelopeRow>>;
    /// Keeps a new one with the changes it brings; gives its arrival (the row's own is ignored).
    fn insert_envelope(&mut self, row: &EnvelopeRow, changes: &[ChangeRow]) -> Result<i64>;
    /// A new state.
    fn set_state(&mut self, arrival: i64, state: &State) -> Result<()>;
    /// How often the process died over it.
    fn set_deaths(&mut self, arrival: i64, deaths: u32, tried_by: &str) -> Result<()>;
    /// The oldest waiting ones, of one space or of all.
    fn waiting(&mut self, space: Option<SpaceId>, limit: usize) -> Result<Vec<EnvelopeRow>>;
    /// Those held for a reason, oldest first.
    fn held(&mut self, reason: &str) -> Result<Vec<EnvelopeRow>>;
    /// Everything held or final, newest first: what the office looks at.
    fn quarantine(&mut self, limit: usize) -> Result<Vec<EnvelopeRow>>;
    /// How many are in this state.
    fn count_in(&mut self, state: &str) -> Result<u64>;
    /// All of a document, oldest first.
    fn envelopes_of(&mut self, doc: DocId) -> Result<Vec<EnvelopeRow>>;
    /// Who else claims these sequence numbers of this actor in this document: each with the number,
    /// in their order.
    fn claims(
        &mut self,
        doc: DocId,
        actor: &[u8; 32],
        seqs: RangeInclusive<u64>,
    ) -> Result<Vec<(u64, Claim)>>;
    /// The envelopes that bring this change to this document.
    fn bringers(&mut self, doc: DocId, hash: &Hash) -> Result<Vec<Claim>>;
    /// The changes an envelope brings.
    fn changes_of(&mut self, arrival: i64) -> Result<Vec<Hash>>;
    /// Remembers what an envelope waits for.
    fn set_missing(&mut self, arrival: i64, doc: DocId, hashes: &[Hash]) -> Result<()>;
    /// The envelopes that wait for this change.
    fn waiting_for(&mut self, doc: DocId, hash: &Hash) -> Result<Vec<i64>>;
    /// The envelopes that wait for a change this one brings, each with that change.
    fn dependants(&mut self, arrival: i64) -> Result<Vec<(i64, Hash)>>;
    /// What an envelope still waits for.
    fn missing_of(&mut self, arrival: i64) -> Result<Vec<Hash>>;
    /// This device holds someone else's envelope and is to be told if it is refused.
    fn add_offerer(&mut self, arrival: i64, device: DeviceId) -> Result<()>;
    /// Those devices; they are forgotten with that.
    fn take_offerers(&mut self, arrival: i64) -> Result<Vec<DeviceId>>;
    /// An id that was replaced by a replay.
    fn retire(&mut self, id: &EnvelopeId, by: &EnvelopeId) -> Result<()>;
    /// Whether a replay has replaced it.
    fn is_retired(&mut self, id: &EnvelopeId) -> Result<bool>;
    /// What is known of every document that was erased.
    fn erased_documents(&mut self) -> Result<Vec<(DocId, DocumentRow)>>;
    /// What is known of a document.
    fn document(&mut self, doc: DocId) -> Result<Option<DocumentRow>>;
    /// New or changed.
    fn put_document(&mut self, doc: DocId, row: &DocumentRow) -> Result<()>;
    /// Forgets the runs of a document, in whatever state; what was not fed becomes erased.
    /// Gives the devices and ids of those that were not fed.
    fn erase_runs(&mut self, doc: DocId) -> Result<Vec<(DeviceId, EnvelopeId)>>;
}

/// Feeds and generations.
pub trait Feeds {
    /// Where a feed ends; seq 0 for one that has not begun.
    fn head(&mut self, space: SpaceId) -> Result<Head>;
    /// One more entry: the next place, the head moved.
    fn append(&mut self, row: &FeedRow) -> Result<()>;
    /// The running hash at a place; `None` beyond the end; zeros at 0.
    fn hash_at(&mut self, space: SpaceId, seq: u64) -> Result<Option<[u8; 32]>>;
    /// Entries above a place.
    fn feed_after(&mut self, space: SpaceId, seq: u64, limit: usize) -> Result<Vec<FeedRow>>;
    /// Entries of one document up to a place, in order.
    fn feed_of(&mut self, doc: DocId, up_to: u64) -> Result<Vec<FeedRow>>;
    /// Whether an id is in a feed, and where.
    fn feed_place(&mut self, id: &EnvelopeId) -> Result<Option<(SpaceId, u64)>>;
    /// As of `at`: documents whose last entry lies below `below`, newest first, with that entry.
    fn documents_below(
        &mut self,
        space: SpaceId,
        at: u64,
        below: u64,
        limit: usize,
    ) -> Result<Vec<(DocId, u64)>>;
    /// Documents the relay itself has said anything of in a feed.
    fn docs_of_notices(&mut self) -> Result<Vec<DocId>>;
    /// All spaces that have a feed.
    fn feed_spaces(&mut self) -> Result<Vec<SpaceId>>;
    /// All spaces there are.
    fn all_spaces(&mut self) -> Result<Vec<SpaceId>>;
    /// The lives of a space's feed, oldest first.
    fn generations(&mut self, space: SpaceId) -> Result<Vec<Generation>>;
    /// A new life.
    fn add_generation(
        &mut self,
        space: SpaceId,
        generation: &Generation,
        now_ms: i64,
    ) -> Result<()>;
    /// Takes the merge lease of a space if it is free, ours, or run out.
    fn take_lease(
        &mut self,
        space: SpaceId,
        owner: &[u8; 16],
        now_ms: i64,
        until_ms: i64,
    ) -> Result<bool>;
}

/// Devices, people, spaces, as far as the relay needs to know.
pub trait People {
    /// Who bears this token.
    fn device_by_token(&mut self, token_hash: &[u8; 32]) -> Result<Option<DeviceRow>>;
    /// By id.
    fn device(&mut self, id: DeviceId) -> Result<Option<DeviceRow>>;
    /// Whether a device of someone else has this key.
    fn is_key_of_another(&mut self, key: &[u8; 32], member: MemberId) -> Result<bool>;
    /// Enrols.
    fn insert_device(&mut self, device: &NewDevice) -> Result<()>;
    /// Was here, with its clock that far off.
    fn touch_device(&mut self, id: DeviceId, now_ms: i64, offset_ms: i64) -> Result<()>;
    /// Another instance took over; the one before is remembered.
    fn set_instance(&mut self, id: DeviceId, instance: &[u8; 16], now_ms: i64) -> Result<()>;
    /// Whether this instance was in use earlier.
    fn was_instance(&mut self, id: DeviceId, instance: &[u8; 16]) -> Result<bool>;
    /// Whether another installation of a device (an earlier instance, or an earlier enrolment with
    /// the same key) has brought something that is not judged yet.
    fn other_self_waits(&mut self, id: DeviceId, instance: &[u8; 16]) -> Result<bool>;
    /// Found to exist twice.
    fn set_cloned(&mut self, id: DeviceId, now_ms: i64) -> Result<()>;
    /// Cut off.
    fn set_revoked(&mut self, id: DeviceId, now_ms: i64) -> Result<()>;
    /// Has carried out the wipe.
    fn set_wiped(&mut self, id: DeviceId, now_ms: i64) -> Result<()>;
    /// Every grant this person has or had in a space.
    fn grants(&mut self, member: MemberId, space: SpaceId) -> Result<Vec<Grant>>;
    /// Keeps what a device says of itself.
    fn set_about(&mut self, id: DeviceId, about: &About, now_ms: i64) -> Result<()>;
    /// The spaces a person reads at this moment, with the role there, by id.
    fn spaces_of(&mut self, member: MemberId, at_ms: i64) -> Result<Vec<(SpaceId, Role)>>;
    /// A space, its roster number as of `now_ms`.
    fn space(&mut self, space: SpaceId, now_ms: i64) -> Result<Option<SpaceRow>>;
    /// Devices of everyone who is or was in a space, by device id.
    fn roster(&mut self, space: SpaceId, at_ms: i64) -> Result<Vec<RosterRow>>;
    /// An invite.
    fn invite(&mut self, code_hash: &[u8; 32]) -> Result<Option<InviteRow>>;
    /// It is used up.
    fn use_invite(&mut self, code_hash: &[u8; 32], device: DeviceId, now_ms: i64) -> Result<()>;
    /// The identity the server keeps for a member.
    fn office_identity(&mut self, member: MemberId) -> Result<Option<(DeviceId, Epoch)>>;
    /// New, or with another epoch.
    fn put_office_identity(
        &mut self,
        member: MemberId,
        device: DeviceId,
        epoch: &Epoch,
    ) -> Result<()>;
    /// Everyone of every organisation.
    fn members(&mut self) -> Result<Vec<MemberId>>;
    /// Every identity the server keeps.
    fn office_identities(&mut self) -> Result<Vec<(MemberId, DeviceId)>>;
    /// What the ledger has yet to learn, oldest first.
    fn ledger_news(&mut self, limit: usize) -> Result<Vec<(i64, String)>>;
    /// One more thing the ledger has yet to learn: JSON, of an entry or of a row as it became.
    fn add_ledger_news(&mut self, body: &str) -> Result<()>;
    /// Has the ledger learn every row of the tables it remembers, for one that an older version kept, or
    /// that is an older copy, does not know them all. Devices are told nothing: no row changes.
    fn retell(&mut self) -> Result<()>;
    /// Every row of a table that the ledger remembers, as the ledger would tell it.
    fn remembered(
        &mut self,
        table: &remembered::Remembered,
    ) -> Result<Vec<serde_json::Map<String, serde_json::Value>>>;
    /// The ledger has learnt up to here.
    fn drop_ledger_news(&mut self, up_to: i64) -> Result<()>;
    /// Writes what the ledger remembers of people and devices over what is here.
    fn recall(&mut self, news: &serde_json::Value) -> Result<()>;
}

/// What devices are to be told, how far each has come, and small facts.
pub trait News {
    /// The vectors of a device: last confirmed, last sent, as CBOR.
    fn vectors(&mut self, device: DeviceId) -> Result<Option<(Vec<u8>, Vec<u8>)>>;
    /// New vectors.
    fn set_vectors(&mut self, device: DeviceId, confirmed: &[u8], sent: &[u8]) -> Result<()>;
    /// Status news above a number, oldest first: number, envelope, CBOR of the status.
    fn status_after(
        &mut self,
        device: DeviceId,
        seen: u64,
        limit: usize,
    ) -> Result<Vec<(u64, EnvelopeId, Vec<u8>)>>;
    /// One more piece of news.
    fn add_status(&mut self, device: DeviceId, id: &EnvelopeId, status: &[u8]) -> Result<u64>;
    /// Confirmed up to here.
    fn drop_status(&mut self, device: DeviceId, seen: u64) -> Result<()>;
    /// Orders not carried out: number, CBOR of the kind.
    fn orders(&mut self, device: DeviceId) -> Result<Vec<(u64, Vec<u8>)>>;
    /// One more order, unless the same is already there.
    fn add_order(&mut self, device: DeviceId, what: &[u8]) -> Result<u64>;
    /// Carried out; gives what it was.
    fn finish_order(&mut self, device: DeviceId, number: u64) -> Result<Option<Vec<u8>>>;
    /// The next value of a counter, from 1.
    fn next_number(&mut self, counter: &str) -> Result<u64>;
    /// Counters of this prefix move ahead, those too that nobody has used yet.
    fn jump_numbers(&mut self, prefix: &str, by: u64) -> Result<()>;
    /// A small fact.
    fn meta(&mut self, key: &str) -> Result<Option<Vec<u8>>>;
    /// A small fact to remember; `None` forgets it.
    fn set_meta(&mut self, key: &str, value: Option<&[u8]>) -> Result<()>;
    /// The seq up to which the office has seen a document.
    fn seen(&mut self, doc: DocId) -> Result<u64>;
    /// It has seen more.
    fn set_seen(&mut self, doc: DocId, seq: u64) -> Result<()>;
}

/// An erasure that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ErasureWish {
    /// The document.
    pub doc: DocId,
    /// Why: a code.
    pub reason: String,
    /// What it became, if it was moved: it must hold all that is erased.
    pub moved_to: Option<DocId>,
    /// It was erased once, because it was moved, and has come back without what it became: the wish waits
    /// for that, whatever it is if nobody knows.
    pub awaited: bool,
}

/// Erasures that were asked for, and their receipts.
pub trait Erasures {
    /// What is to be erased.
    fn erasure_wishes(&mut self) -> Result<Vec<ErasureWish>>;
    /// A wish was carried out, or will not be: a code says why.
    fn end_erasure_wish(&mut self, doc: DocId, problem: Option<&str>) -> Result<()>;
    /// Wishes that were not carried out for this reason are to be, after all.
    fn retry_erasure_wishes(&mut self, problem: &str) -> Result<()>;
    /// A moved document that was erased is to go again once what it became is there, see
    /// [`ErasureWish::awaited`]. Another wish stands, but for one that knows less of what it became.
    fn await_move(&mut self, doc: DocId, moved_to: Option<DocId>) -> Result<()>;
    /// A device was ordered to purge a document.
    fn note_purge(&mut self, doc: DocId, device: DeviceId, at_ms: i64) -> Result<()>;
    /// A device has purged a document, or everything.
    fn confirm_purge(&mut self, doc: Option<DocId>, device: DeviceId, at_ms: i64) -> Result<()>;
}

/// A notice that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoticeWish {
    /// Which wish.
    pub number: i64,
    /// About which document.
    pub doc: DocId,
    /// CBOR of what is to be said.
    pub what: Vec<u8>,
}

/// Notices that were asked for at the office, and whose documents must all be kept.
pub trait Notices {
    /// What is to be said, oldest wish first.
    fn notice_wishes(&mut self) -> Result<Vec<NoticeWish>>;
    /// It was said, or there is nothing to say it of.
    fn end_notice_wish(&mut self, number: i64) -> Result<()>;
    /// The farms and clients of a space whose documents must all be kept.
    fn held_clients(&mut self, space: SpaceId) -> Result<BTreeSet<String>>;
}

/// Whom documents are about, for those who ask who has read their data.
pub trait Subjects {
    /// From now on a document is about these farms or clients, and about no others any more.
    fn set_subjects(&mut self, doc: DocId, subjects: &BTreeSet<String>, now_ms: i64) -> Result<()>;
    /// A document holds all that another was, which was moved.
    fn note_move(&mut self, doc: DocId, old: DocId) -> Result<()>;
    /// The document that holds all of this one, if it was moved, or is to before this one is erased.
    fn became(&mut self, old: DocId) -> Result<Option<DocId>>;
}

/// The access log, for what devices tell.
pub trait Reads {
    /// Adds a row to the access log, unless its member has one of this action for the document with a time
    /// in this range.
    fn log_once(&mut self, entry: &Entry, within_ms: Range<i64>) -> Result<()>;
    /// The newest rows about a document, newest first.
    fn logged(&mut self, doc: DocId) -> Result<Vec<Entry>>;
}

/// The relay's database.
pub trait RelayStore:
    Transactions + Envelopes + Feeds + People + News + Erasures + Notices + Subjects + Reads + Send
{
}

impl<T> RelayStore for T where
    T: Transactions
        + Envelopes
        + Feeds
        + People
        + News
        + Erasures
        + Notices
        + Subjects
        + Reads
        + Send
{
}
