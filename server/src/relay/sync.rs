//! One sync: who asks, what it brings, what there is for it.

use data_encoding::HEXLOWER;
use sopu_core::envelope::{self, decode, encode};
use sopu_core::id::{DeviceId, EnvelopeId};
use sopu_core::wire::{
    Cursor, Cursors, Order, OrderKind, PROTOCOL, Status, StatusNews, SyncRequest, SyncResponse,
    Verdict, limits, token,
};

use super::restore::{self, Fresh};
use super::{Relay, lock};
use crate::api::Problem;
use crate::credentials::token_hash;
use crate::feed::accept::{self, Arrival, Sound};
use crate::feed::cursor;
use crate::feed::known::Known;
use crate::feed::page::{self, Asked, Lost};
use crate::metrics::Metrics;
use crate::store::{DeviceRow, Result, StoreError};

/// Being seen is written down at most this often when there is nothing else to write.
const SEEN_MS: i64 = 60 * 60 * 1_000;

/// Status news in one response.
const STATUS: usize = 1_000;

/// The largest page a device may ask for, in bytes.
const MAX_PAGE: usize = limits::BODY_EXPANDED / 2;

/// New lives of feeds begun within one request before it gives up.
const RENEWALS: usize = 3;

impl Relay {
    /// Whether any device bears this token, a revoked one too.
    ///
    /// # Errors
    /// The store's.
    pub fn knows(&self, bearer: &str) -> Result<bool> {
        let hash = token_hash(bearer);
        self.commits
            .read(|store| Ok(store.device_by_token(&hash)?.is_some()))
    }

    /// Answers a request.
    ///
    /// # Errors
    /// `protocol_unknown`, `unauthorised`, `device_revoked`, `too_many`, `unavailable`: nothing
    /// was written. What is wrong with one envelope is its own answer instead.
    pub fn sync(
        &self,
        bearer: &str,
        request: &SyncRequest,
    ) -> std::result::Result<SyncResponse, Problem> {
        if request.protocol != PROTOCOL {
            return Err(Problem::ProtocolUnknown);
        }
        let cursors = match &request.cursors {
            Cursors::Vector(vector) => vector.len(),
            Cursors::Token(_) => 0,
        };
        if request.push.len() > limits::PUSH_COUNT
            || request.offers.len() > limits::PUSH_COUNT
            || request.done.len() > limits::PUSH_COUNT
            || request
                .reads
                .as_ref()
                .is_some_and(|reads| reads.len() > limits::READS)
            || cursors > limits::SPACES
        {
            return Err(Problem::TooMany);
        }
        let now_ms = self.env.now_ms();
        let hash = token_hash(bearer);
        let device = self.commits.read(|store| {
            let device = store.device_by_token(&hash)?;
            // Its wipe is confirmed when the order is gone that was given at its revocation.
            let done = match &device {
                Some(device) if device.revoked_ms.is_some() => store
                    .meta(&wiped_key(device.id, &request.instance))?
                    .is_some(),
                Some(_) | None => false,
            };
            Ok(device.map(|device| (device, done)))
        })?;
        let Some((device, wiped)) = device else {
            return Err(Problem::Unauthorised);
        };
        // A second copy of it may have been away when the first was wiped.
        if wiped && is_bare(request) {
            return Err(Problem::DeviceRevoked);
        }
        let arrival = Arrival {
            instance: Some(request.instance),
            now_ms,
            offset_ms: now_ms.saturating_sub(request.now_ms),
        };
        let device = self.note(device, request, arrival)?;
        if let Some(about) = request.about.clone() {
            // Losing this costs an old line in a list.
            let id = device.id;
            self.commits
                .note(move |store| store.set_about(id, &about, now_ms))?;
        }
        let (answers, took) = self.take(request, arrival, device.id)?;
        // After what the same letter brings, which may be what was read.
        let reads = match &request.reads {
            Some(reads) => Some(self.take_reads(&device, reads, arrival)?),
            None => None,
        };
        let offered = self.take_offers(&device, &request.offers, arrival)?;
        // Nobody can see what waits: those who listen are told when it is in the feed.
        if took || !offered.is_empty() {
            self.bell.ring();
        }
        let mut response = self.answer(&device, request, now_ms, answers, offered)?;
        response.reads = reads;
        Ok(response)
    }

    /// Instance, orders carried out, confirmed news, last seen.
    fn note(
        &self,
        device: DeviceRow,
        request: &SyncRequest,
        arrival: Arrival,
    ) -> Result<DeviceRow> {
        let (id, now_ms) = (device.id, arrival.now_ms);
        let cut_off = device.revoked_ms.is_some() || device.cloned_ms.is_some();
        let stale = device
            .last_seen_ms
            .is_none_or(|seen| now_ms - seen >= SEEN_MS);
        let confirms = self.commits.read(|store| {
            let first = store.status_after(id, 0, 1)?;
            Ok(first
                .first()
                .is_some_and(|(number, ..)| *number <= request.status_seen))
        })?;
        let moved = device.instance != Some(request.instance);
        if !(stale || confirms || moved || cut_off || !request.done.is_empty()) {
            return Ok(device);
        }
        let (instance, seen) = (request.instance, request.status_seen);
        let holds = !is_bare(request);
        let done: Vec<u64> = request.done.iter().map(|done| done.number).collect();
        if !(moved || cut_off) && done.is_empty() {
            // What was confirmed is not sent again even if this is lost: the device says how far.
            self.commits.note(move |store| {
                store.touch_device(id, now_ms, arrival.offset_ms)?;
                store.drop_status(id, seen)
            })?;
            return Ok(device);
        }
        self.commits.write(move |store| {
            store.touch_device(id, now_ms, arrival.offset_ms)?;
            store.drop_status(id, seen)?;
            if moved {
                if store.was_instance(id, &instance)? {
                    store.set_cloned(id, now_ms)?;
                }
                store.set_instance(id, &instance, now_ms)?;
            }
            for number in done {
                let order = store.finish_order(id, number)?;
                match order.as_deref().and_then(decode::<OrderKind>) {
                    Some(OrderKind::Wipe) => {
                        store.set_wiped(id, now_ms)?;
                        store.set_meta(&wiped_key(id, &instance), Some(&[1]))?;
                        store.confirm_purge(None, id, now_ms)?;
                    }
                    Some(OrderKind::Purge(doc)) => {
                        store.confirm_purge(Some(doc), id, now_ms)?;
                    }
                    Some(OrderKind::EnrolAgain) | None => {}
                }
            }
            let device = store
                .device(id)?
                .ok_or(StoreError::Corrupt("a device is gone"))?;
            let wiped = store.meta(&wiped_key(id, &instance))?;
            if device.revoked_ms.is_some() && (holds || wiped.is_none()) {
                store.add_order(id, &encode(&OrderKind::Wipe))?;
            } else if device.cloned_ms.is_some() {
                store.add_order(id, &encode(&OrderKind::EnrolAgain))?;
            }
            Ok(device)
        })
    }

    /// What was pushed: each judged alone, all written in one commit. Also whether anything was
    /// written.
    fn take(
        &self,
        request: &SyncRequest,
        arrival: Arrival,
        bearer: DeviceId,
    ) -> Result<(Vec<Verdict>, bool)> {
        if request.push.is_empty() {
            return Ok((Vec::new(), false));
        }
        let examined: Vec<std::result::Result<Sound, Verdict>> = self.commits.read(|store| {
            let (mut all, mut known) = (Vec::with_capacity(request.push.len()), Known::default());
            for bytes in &request.push {
                let examined = accept::examine(store, &mut known, bytes)?;
                all.push(examined.map_err(|refusal| Verdict::Refused(refusal.code.to_owned())));
            }
            Ok(all)
        })?;
        let answers = if examined.iter().any(std::result::Result::is_ok) {
            self.commits.write(move |store| {
                let mut known = Known::default();
                let take = |one: std::result::Result<Sound, Verdict>| match one {
                    Ok(sound) => sound.take(store, &mut known, arrival, bearer),
                    Err(refused) => Ok(refused),
                };
                examined
                    .into_iter()
                    .map(take)
                    .collect::<Result<Vec<Verdict>>>()
            })?
        } else {
            examined
                .into_iter()
                .filter_map(std::result::Result::err)
                .collect()
        };
        for answer in &answers {
            let code = match answer {
                Verdict::Waiting => "waiting",
                Verdict::Fed(_) => "fed",
                Verdict::Held(_) => "held",
                Verdict::Final(_) => "final",
                Verdict::Erased => "erased",
                Verdict::Refused(code) => {
                    Metrics::count(&self.metrics.refusals, code);
                    "refused"
                }
            };
            Metrics::count(&self.metrics.pushes, code);
        }
        let took = answers.contains(&Verdict::Waiting);
        Ok((answers, took))
    }

    fn answer(
        &self,
        device: &DeviceRow,
        request: &SyncRequest,
        now_ms: i64,
        answers: Vec<Verdict>,
        offered: Vec<Verdict>,
    ) -> std::result::Result<SyncResponse, Problem> {
        let mut response = SyncResponse {
            protocol: PROTOCOL,
            now_ms,
            answers,
            need_vector: false,
            spaces: Vec::new(),
            pages: Vec::new(),
            more: false,
            status: Vec::new(),
            orders: Vec::new(),
            offered,
            reads: None,
            lease_days: device.lease_days.filter(|days| *days != limits::LEASE_DAYS),
        };
        let id = device.id;
        let (status, orders, vectors) = self.commits.read(|store| {
            Ok((
                store.status_after(id, request.status_seen, STATUS)?,
                store.orders(id)?,
                store.vectors(id)?,
            ))
        })?;
        response.status = status_news(status);
        response.orders = order_list(orders);
        let cut_off = device.revoked_ms.is_some();
        if device.cloned_ms.is_some() && !cut_off {
            return Ok(response);
        }
        let vectors = Vectors::read(vectors)?;
        let Some(stands) = vectors.stands(&request.cursors) else {
            response.need_vector = true;
            response.status.clear();
            response.orders.clear();
            return Ok(response);
        };
        let asked = Asked {
            device,
            instance: request.instance,
            now_ms,
            max_bytes: match usize::try_from(request.max_bytes) {
                Ok(0) | Err(_) => limits::PAGE,
                Ok(bytes) => bytes.min(MAX_PAGE),
            },
        };
        let mut renewals = 0;
        let news = loop {
            let news = self.commits.read(|store| {
                if cut_off {
                    page::owed(store, &self.keys, &stands, now_ms)
                } else {
                    page::news(store, &self.keys, asked, &stands)
                }
            })?;
            if news.lost.is_empty() || renewals == RENEWALS {
                break news;
            }
            renewals += 1;
            self.renew(&news.lost, now_ms)?;
        };
        if vectors.confirmed != stands || vectors.sent != news.vector {
            let (confirmed, sent) = (encode(&stands), encode(&news.vector));
            // A device whose token is not known sends its vector: losing this costs one request.
            self.commits
                .note(move |store| store.set_vectors(id, &confirmed, &sent))?;
        }
        for page in &news.pages {
            self.metrics
                .entries
                .inc_by(u64::try_from(page.entries.len()).unwrap_or(0));
        }
        response.spaces = news.spaces;
        response.pages = news.pages;
        response.more = news.more;
        if request.push.is_empty() && !cut_off {
            // A restored copy must see all that its other self sent before it makes anything again.
            let instance = request.instance;
            response.more |= self
                .commits
                .read(|store| store.other_self_waits(id, &instance))?;
        }
        Ok(response)
    }

    /// Begins a new life: a device knows a feed to have been longer, or other, so the database went
    /// back, and in no feed alone.
    fn renew(&self, lost: &[Lost], now_ms: i64) -> Result<()> {
        tracing::warn!(
            spaces = lost.len(),
            "devices know more of a feed than the relay: new generations begin"
        );
        let (keys, fresh, lost) = (self.keys.clone(), Fresh::draw(&*self.env), lost.to_vec());
        // The office's writes and the merge worker must not go on under what is given up.
        let _merger = lock(&self.merger);
        let (life, spaces) = self.commits.write(move |store| {
            let mut stands = false;
            for Lost { space, number } in lost {
                // Another request may have begun it meanwhile.
                let last = cursor::generations(store, &keys, space)?.pop();
                stands |= last.is_some_and(|last| last.number == number);
            }
            if stands {
                restore::renew(store, &keys, &fresh, now_ms)?;
            }
            Ok((restore::life(store)?, store.feed_spaces()?))
        })?;
        for space in spaces {
            self.grew(space);
        }
        let begun = self.record().begin_life(life);
        begun.map_err(|error| StoreError::Backend(std::sync::Arc::new(error)))
    }
}

impl Relay {
    /// Cuts a device off. It may still deliver what it holds, and is then ordered to wipe itself.
    ///
    /// # Errors
    /// The database's.
    pub fn revoke(&self, device: DeviceId) -> Result<()> {
        let now_ms = self.env.now_ms();
        self.commits
            .write(move |store| store.set_revoked(device, now_ms))?;
        self.settle_ledger()?;
        self.tell_all();
        Ok(())
    }
}

/// Whether there is nothing in it that the device does not know.
pub fn is_empty(response: &SyncResponse) -> bool {
    response.answers.is_empty()
        && !response.need_vector
        && response.spaces.is_empty()
        && response.pages.is_empty()
        && !response.more
        && response.status.is_empty()
        && response.orders.is_empty()
        && response.offered.is_empty()
}

/// Whether a request comes from a device that stands in no space and brings nothing.
fn is_bare(request: &SyncRequest) -> bool {
    let nowhere = matches!(&request.cursors, Cursors::Vector(vector) if vector.is_empty());
    nowhere && request.push.is_empty() && request.offers.is_empty()
}

/// Of each copy of a store on its own: one that has nothing to show yet was not wiped with the other.
fn wiped_key(device: DeviceId, instance: &[u8; 16]) -> String {
    format!("wiped:{device}:{}", HEXLOWER.encode(instance))
}

fn status_news(rows: Vec<(u64, EnvelopeId, Vec<u8>)>) -> Vec<StatusNews> {
    let news = |(number, id, bytes): (u64, EnvelopeId, Vec<u8>)| {
        let status: Status = envelope::decode(&bytes)?;
        Some(StatusNews { number, id, status })
    };
    rows.into_iter().filter_map(news).collect()
}

fn order_list(rows: Vec<(u64, Vec<u8>)>) -> Vec<Order> {
    let order = |(number, bytes): (u64, Vec<u8>)| {
        Some(Order {
            number,
            what: decode(&bytes)?,
        })
    };
    rows.into_iter().filter_map(order).collect()
}

/// The two vectors the relay keeps of a device.
struct Vectors {
    known: bool,
    confirmed: Vec<Cursor>,
    sent: Vec<Cursor>,
}

impl Vectors {
    fn read(bytes: Option<(Vec<u8>, Vec<u8>)>) -> Result<Self> {
        let Some((confirmed, sent)) = bytes else {
            return Ok(Self {
                known: false,
                confirmed: Vec::new(),
                sent: Vec::new(),
            });
        };
        let read = |bytes: &[u8]| decode(bytes).ok_or(StoreError::Corrupt("a cursor vector"));
        Ok(Self {
            known: true,
            confirmed: read(&confirmed)?,
            sent: read(&sent)?,
        })
    }

    /// Where the device says it stands; `None` if its token is not known.
    fn stands(&self, cursors: &Cursors) -> Option<Vec<Cursor>> {
        match cursors {
            Cursors::Vector(vector) => {
                let mut vector = vector.clone();
                vector.sort_by_key(|cursor| cursor.space);
                vector.dedup_by_key(|cursor| cursor.space);
                Some(vector)
            }
            Cursors::Token(says) if *says == token(&self.sent) && self.known => {
                Some(self.sent.clone())
            }
            Cursors::Token(says) if *says == token(&self.confirmed) => Some(self.confirmed.clone()),
            Cursors::Token(_) => None,
        }
    }
}
