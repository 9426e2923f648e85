//! What a response does to the store. Nothing in it is trusted: envelopes are opened, guarded,
//! verified and tried before their changes meet the documents of this device.
//!
//! A page is applied whole, with its cursor, in one transaction, grouped by document.

mod arrivals;
mod cut;
mod deferred;
pub mod first;
mod mark;
pub mod page;

use std::collections::BTreeSet;

use crate::device::enrol::former_names;
use crate::device::{Device, DeviceError, Result, SyncReport, keys, seal};
use crate::envelope::encode;
use crate::id::{DocId, EnvelopeId, SpaceId};
use crate::store::outbox::State;
use crate::store::{Tx, meta, outbox, purge, put_by, space};
use crate::sync::offers::id_of;
use crate::sync::outgoing::Outgoing;
use crate::wire::{
    Cursors, Offer, OrderKind, SpaceNews, Status, StatusNews, SyncResponse, Verdict, limits, token,
};

impl Device {
    /// Applies a response to the request it answers. `true` if anything moved. Applying one again
    /// changes nothing.
    ///
    /// # Errors
    /// The store's; nothing of the part that failed is kept.
    pub fn apply(
        &mut self,
        outgoing: &Outgoing,
        response: &SyncResponse,
        report: &mut SyncReport,
    ) -> Result<bool> {
        if outgoing.device != self.identity()?.device {
            return Ok(false);
        }
        let mut moved = self.reads_taken(outgoing.request.reads.as_deref(), response);
        let newest = outgoing.number > 0 && outgoing.number == self.requests;
        // One that has forgotten since what it said then is asked again.
        if self.cut_at.is_none_or(|cut_at| outgoing.number > cut_at) {
            moved |= self.apply_answers(outgoing, response, report)?;
        }
        if newest && is_cut_off(response) {
            self.pass_over_notices(outgoing, response);
        }
        if meta::get(self.store.conn(), keys::WIPED)?.is_some() {
            return Ok(self.apply_orders(outgoing, response, newest, report)? || moved);
        }
        // What it says of spaces joined and left, it says to a device that stands where the request
        // said. Overtaken by another response, it would bring back what that one took away; and one
        // that has left everything stands where it stood when everything began.
        let stood = newest && self.stands_at(&outgoing.request.cursors)?;
        if stood {
            for news in &response.spaces {
                moved |= self.apply_space_news(news)?;
            }
        }
        let first_answer = self.latest.answers(outgoing.number);
        self.store.write(|tx| {
            if first_answer {
                seal::heard(tx, response)?;
                if let Some(about) = &outgoing.request.about {
                    meta::set(tx, keys::TOLD, &encode(about))?;
                }
            }
            if response.need_vector {
                meta::set_number(tx, keys::SEND_VECTOR, 1)
            } else {
                meta::remove(tx, keys::SEND_VECTOR)
            }
        })?;
        if first_answer {
            self.latest.hear(response.now_ms, outgoing.number);
        }
        for page in &response.pages {
            // One that begins a first sync fits wherever there is no cursor: overtaken, it would put
            // a space that begins anew, whose documents are still here, far behind what they hold.
            if page.from.is_some() || newest {
                moved |= self.apply_page(page, report)?;
            }
        }
        moved |= response.need_vector;
        moved |= self.apply_orders(outgoing, response, newest, report)?;
        if report.wiped {
            return Ok(true);
        }
        // Only what the feed does not have is to be made again: first see all of it.
        // One that must enrol again gets no pages, so it cannot know what its other self did.
        // And an answer that another request has overtaken does not know what that one was told.
        let told = newest && !self.must_enrol_again()?;
        let complete = !response.more && !response.need_vector;
        if told && complete && stood {
            moved |= self.leave_unserved(response)?;
        }
        let level = complete && self.caught_up()?;
        if told {
            // One that is cut off gets no more pages: what it has heard is all.
            self.current = level || (complete && is_cut_off(response));
        }
        if told && self.current && outgoing.request.offers.is_empty() {
            let later = std::mem::take(&mut self.offer_later);
            self.put_off.retain(|id| !later.contains(id));
        }
        if told && level {
            moved |= self.drop_unproven(report)?;
            self.store.write(outbox::settle_empty)?;
            if self.recovering()? {
                self.finish_recovery(report)?;
                moved = true;
            } else {
                moved |= self.take_in_late(report)?;
                moved |= self.replay_refused(report)?;
                moved |= self.ask_about_old()?;
            }
        }
        if newest {
            self.drop_left_spaces(outgoing, response, stood, report)?;
        }
        Ok(moved)
    }

    fn stands_at(&self, cursors: &Cursors) -> Result<bool> {
        let here = space::cursors(self.store.conn())?;
        Ok(match cursors {
            Cursors::Token(says) => *says == token(&here),
            Cursors::Vector(vector) => *vector == here,
        })
    }

    /// Leaves spaces this device has no cursor of and the relay gave no page of, though it gave all
    /// it had: the person is in them no more. Without a cursor to name them by, the relay cannot
    /// tell. (Joined, and then stopped before the first page; or put back to a first sync.)
    fn leave_unserved(&mut self, response: &SyncResponse) -> Result<bool> {
        let served = |id| response.pages.iter().any(|page| page.to.space == id);
        let unserved: Vec<_> = space::spaces(self.store.conn())?
            .into_iter()
            .filter(|space| space.left_ms.is_none() && space.cursor.is_none())
            .map(|space| space.id)
            .filter(|id| !served(*id))
            .collect();
        if unserved.is_empty() {
            return Ok(false);
        }
        let now_ms = self.env.now_ms();
        self.store.write(|tx| {
            let mut leave = unserved.iter();
            leave.try_for_each(|id| space::leave_space(tx, *id, now_ms))
        })?;
        Ok(true)
    }

    fn apply_answers(
        &mut self,
        outgoing: &Outgoing,
        response: &SyncResponse,
        report: &mut SyncReport,
    ) -> Result<bool> {
        let verdicts: Vec<(EnvelopeId, &Verdict)> = outgoing
            .sent
            .iter()
            .copied()
            .zip(&response.answers)
            .chain(Self::offered(&outgoing.request.offers, &response.offered))
            .collect();
        self.not_taken
            .hear(outgoing, &response.answers, &self.asked);
        let seen = meta::number(self.store.conn(), keys::STATUS_SEEN)?
            .unwrap_or(0)
            .unsigned_abs();
        let news: Vec<&StatusNews> = response.status.iter().filter(|s| s.number > seen).collect();
        let mut purged = Vec::new();
        let now_ms = self.env.now_ms();
        let mut moved = !news.is_empty();
        let offered: BTreeSet<EnvelopeId> = verdicts[outgoing.sent.len().min(verdicts.len())..]
            .iter()
            .map(|(id, _)| *id)
            .collect();
        if !offered.is_empty() {
            self.offered_ms = Some(now_ms);
        }
        for (id, verdict) in &verdicts {
            // To one that must enrol again the relay says so, whatever it offers.
            let declined = matches!(verdict, Verdict::Refused(code) if code != NOT_NOW)
                && offered.contains(id);
            if declined || matches!(verdict, Verdict::Refused(code) if transient(code)) {
                self.put_off.insert(*id);
                if offered.contains(id)
                    && matches!(verdict, Verdict::Refused(code) if code == "try_later" || code == "busy")
                {
                    self.offer_later.insert(*id);
                }
            } else {
                self.put_off.remove(id);
            }
        }
        self.store.write(|tx| {
            for (id, verdict) in &verdicts {
                moved |= offered.contains(id) && !matches!(verdict, Verdict::Refused(_));
                moved |= take_verdict(tx, *id, verdict, now_ms, report, &mut purged)?;
            }
            for news in &news {
                match &news.status {
                    Status::Verdict(verdict) => {
                        take_verdict(tx, news.id, verdict, now_ms, report, &mut purged)?;
                    }
                    Status::SeenByOffice(at_ms) => outbox::set_seen(tx, news.id, *at_ms)?,
                }
                meta::set_number(
                    tx,
                    keys::STATUS_SEEN,
                    i64::try_from(news.number).unwrap_or(i64::MAX),
                )?;
            }
            Ok(())
        })?;
        if !purged.is_empty() {
            self.store.forget_loaded();
            self.scrub()?;
        }
        Ok(moved)
    }

    /// What this device has offered of notices is done: cut off, it gets no page that shows them again.
    fn pass_over_notices(&mut self, outgoing: &Outgoing, response: &SyncResponse) {
        let answered = outgoing.request.offers.iter().zip(&response.offered);
        self.put_off
            .extend(answered.filter_map(|(offer, _)| match offer {
                Offer::Notice { notice, .. } => Some(notice.id()),
                Offer::Envelope { .. } => None,
            }));
    }

    /// `true` if it is news: of a space that is being left the relay says so each time.
    fn apply_space_news(&mut self, news: &SpaceNews) -> Result<bool> {
        let now_ms = self.env.now_ms();
        let here = space::space(self.store.conn(), news.space)?;
        let known = news.standing.is_none() && here.is_none_or(|here| here.left_ms.is_some());
        self.store.write(|tx| match &news.standing {
            Some(standing) => space::join_space(tx, news.space, standing),
            None => space::leave_space(tx, news.space, now_ms),
        })?;
        Ok(!known)
    }

    /// A space this device has left goes once nothing in it is undelivered, and the relay has said, to a
    /// request that told how far this device had come there, that it has left: by that it has told, too, what
    /// it lost since, coming back from a backup. What it had taken beside its feed, it is asked about once more.
    fn drop_left_spaces(
        &mut self,
        outgoing: &Outgoing,
        response: &SyncResponse,
        stood: bool,
        report: &mut SyncReport,
    ) -> Result<()> {
        let left: Vec<_> = space::spaces(self.store.conn())?
            .into_iter()
            .filter(|space| space.left_ms.is_some())
            .map(|space| (space.id, space.cursor.is_some()))
            .collect();
        for (id, has_cursor) in left {
            let news = response.spaces.iter().find(|news| news.space == id);
            if has_cursor && !(stood && news.is_some_and(|news| news.standing.is_none())) {
                // Not said of one that was named: the person is in it again, and it begins anew.
                let told = stood && !response.need_vector && !is_cut_off(response);
                if told && news.is_none() && !self.must_enrol_again()? {
                    self.store.write(|tx| space::clear_cursor(tx, id))?;
                }
                continue;
            }
            // Also what was refused and is not made again yet: that waits until all has been heard.
            let undelivered = self.undelivered(Some(id))?;
            if !undelivered.open && !self.owes(id)? {
                if self.is_untold(outgoing, Some(id))? {
                    // One space after another: what is asked of several may not go into one request.
                    return Ok(());
                }
                // Work the relay still keeps for people was made under this epoch, and would be in
                // the way of what is made here after coming back.
                self.store.write(|tx| {
                    space::drop_space(tx, id)?;
                    meta::remove(tx, &keys::epoch(id))
                })?;
                report.left_out += undelivered.left_out;
                self.store.forget_loaded();
                self.scrub()?;
            }
        }
        Ok(())
    }

    /// Whether what the relay has taken of one's own, of a space or of all, is still to be asked about:
    /// it is asked about with that, unless this is a restored copy, which asks when it has seen what
    /// its other self did.
    fn is_untold(&mut self, outgoing: &Outgoing, space: Option<SpaceId>) -> Result<bool> {
        let conn = self.store.conn();
        let kept: Vec<_> = outbox::unsettled(conn, None)?
            .into_iter()
            .filter(|e| e.own && space.is_none_or(|space| e.space == space))
            .filter(|e| matches!(e.state, State::Acknowledged | State::Held(_)))
            .collect();
        // The newest answer says it of all at once: between two answers the relay may have come back
        // from a backup. Only where they do not go into one request, each is asked about once.
        let newest = outgoing.number > 0 && outgoing.number == self.requests;
        let offered = outgoing.request.offers.iter().filter_map(id_of);
        let mut said: BTreeSet<EnvelopeId> = offered.chain(outgoing.sent.iter().copied()).collect();
        if !newest {
            said.clear();
        }
        if !outbox::fits(conn, &kept, limits::PUSH, limits::PUSH_COUNT)? {
            said.extend(self.asked.keys());
        }
        if kept.iter().all(|e| said.contains(&e.id)) {
            return Ok(false);
        }
        if !self.recovering()? {
            self.ask(kept.iter().map(|e| e.id))?;
        }
        Ok(true)
    }

    fn apply_orders(
        &mut self,
        outgoing: &Outgoing,
        response: &SyncResponse,
        newest: bool,
        report: &mut SyncReport,
    ) -> Result<bool> {
        let confirmed = !outgoing.request.done.is_empty();
        if confirmed {
            self.store.write(|tx| meta::remove(tx, keys::ORDERS_DONE))?;
        }
        let already: Vec<u64> = outgoing
            .request
            .done
            .iter()
            .map(|done| done.number)
            .collect();
        let mut done: Vec<u8> = Vec::new();
        let new = response.orders.iter();
        let new = new.filter(|order| !already.contains(&order.number));
        let purges = new.clone().filter_map(|order| match order.what {
            OrderKind::Purge(doc) => Some(doc),
            OrderKind::EnrolAgain | OrderKind::Wipe => None,
        });
        self.owes_purge = !self.purge_every_trace(purges)?;
        for order in new {
            match &order.what {
                OrderKind::Purge(_) if self.owes_purge => continue,
                OrderKind::Purge(_) => {}
                // One that is cut off brings what it has as it is, and enrols under no other name.
                OrderKind::EnrolAgain if is_cut_off(response) => continue,
                OrderKind::EnrolAgain => {
                    self.store
                        .write(|tx| meta::set_number(tx, keys::ENROL_AGAIN, 1))?;
                    // Never confirmed: it stands for both copies, until each has enrolled.
                    continue;
                }
                // An answer that another request has overtaken may be that of a relay which has since
                // come back from a backup, without what it acknowledged then.
                OrderKind::Wipe if !newest => continue,
                OrderKind::Wipe => {
                    self.store.write(|tx| meta::remove(tx, keys::ENROL_AGAIN))?;
                    if !self.wipe_delivered(outgoing, report)? {
                        continue;
                    }
                }
            }
            done.extend(order.number.to_be_bytes());
        }
        if !done.is_empty() {
            self.store
                .write(|tx| meta::set(tx, keys::ORDERS_DONE, &done))?;
        }
        Ok(confirmed || !done.is_empty())
    }

    /// Purges documents as the relay has ordered. `false` while a trace of them may be left: a file that could
    /// not be written anew, or that a salvage keeps until all in it is taken in. Then it is not confirmed, and
    /// the order comes again, after a while.
    pub(crate) fn purge_every_trace(
        &mut self,
        docs: impl IntoIterator<Item = DocId>,
    ) -> Result<bool> {
        let mut any = false;
        for doc in docs {
            any = true;
            if let Some(space) = purge::home(self.store.conn(), doc)? {
                let mark = purge::Erased {
                    doc,
                    space,
                    reason: "ordered".to_owned(),
                    at_ms: self.env.now_ms(),
                };
                self.store.write(|tx| purge::purge(tx, &mark))?;
                self.store.forget_loaded();
            }
        }
        if !any {
            return Ok(true);
        }
        // A full disk, or another that reads just now, is no reason not to sync.
        let written_anew = !self.store.scrub_due()? || self.store.scrub_without_waiting().is_ok();
        self.let_go_of_damaged()?;
        Ok(written_anew && !self.keeps_damaged()?)
    }

    /// The relay says there is nothing more to say to this device: it is cut off, and was wiped. A
    /// copy of it that stands in no space may still hold something, and is not told to wipe itself.
    ///
    /// # Errors
    /// The store's.
    pub(crate) fn wipe_refused(
        &mut self,
        outgoing: &Outgoing,
        report: &mut SyncReport,
    ) -> Result<()> {
        if !space::held(self.store.conn())?.is_empty() {
            self.wipe_delivered(outgoing, report)?;
        }
        Ok(())
    }

    /// Wipes this device, if all it had to deliver is delivered, but for what never can be.
    fn wipe_delivered(&mut self, outgoing: &Outgoing, report: &mut SyncReport) -> Result<bool> {
        // A copy of a store that is cut off gets no pages, and never sees what its other self did:
        // people will.
        if self.recovering()? {
            self.finish_recovery(report)?;
        }
        // Unsent work first, also what was refused and is made again: the relay keeps it for the office
        // to review. Then what the relay has lost, and what it had before: of a space without a cursor
        // one that is cut off hears nothing of a relay's return from a backup. What was refused because
        // the feed has all of it leaves nothing to make again: cut off within a first sync, it is never
        // level with the feed, where that is settled otherwise.
        self.store.write(outbox::settle_empty)?;
        if self.replay_refused(report)? {
            return Ok(false);
        }
        let undelivered = self.undelivered(None)?;
        if undelivered.open || self.owes_any()? || self.is_untold(outgoing, None)? {
            return Ok(false);
        }
        self.wipe()?;
        report.left_out += undelivered.left_out;
        report.wiped = true;
        Ok(true)
    }

    /// Removes every document. Who the device was stays, so that it can confirm.
    fn wipe(&mut self) -> Result<()> {
        let spaces = space::held(self.store.conn())?;
        self.store.write(|tx| {
            for space in &spaces {
                space::drop_space(tx, *space)?;
                meta::remove(tx, &keys::epoch(*space))?;
            }
            put_by::forget_all(tx)?;
            meta::set_number(tx, keys::WIPED, 1)
        })?;
        self.store.forget_loaded();
        self.scrub()?;
        Ok(())
    }

    pub(crate) fn relay_key(&self) -> Result<ed25519_dalek::VerifyingKey> {
        let bytes =
            meta::get(self.store.conn(), keys::RELAY_KEY)?.ok_or(DeviceError::NotEnrolled)?;
        let bytes: [u8; 32] = bytes.try_into().map_err(|_| DeviceError::NotEnrolled)?;
        ed25519_dalek::VerifyingKey::from_bytes(&bytes).map_err(|_| DeviceError::NotEnrolled)
    }
}

/// Whether the relay tells this device that it is cut off.
fn is_cut_off(response: &SyncResponse) -> bool {
    let wipe = |what: &OrderKind| matches!(what, OrderKind::Wipe);
    response.orders.iter().any(|order| wipe(&order.what))
}

/// The reason on a refused or doubtful envelope whose edits are on their way in another one. Its
/// run is kept until that one is in the feed, in case the relay took the original after all.
pub(crate) const REPLAYED: &str = "replayed";

/// `true` if it changed anything.
fn take_verdict(
    tx: &Tx<'_>,
    id: EnvelopeId,
    verdict: &Verdict,
    now_ms: i64,
    report: &mut SyncReport,
    purged: &mut Vec<EnvelopeId>,
) -> crate::store::Result<bool> {
    let Some(stored) = outbox::get(tx, id)? else {
        return Ok(false);
    };
    let state = match verdict {
        Verdict::Waiting => State::Acknowledged,
        // Its place and accept tag come with the page; until then it counts as acknowledged.
        Verdict::Fed(_) if matches!(stored.state, State::Sealed | State::Lost) => {
            State::Acknowledged
        }
        Verdict::Fed(_) => return Ok(false),
        Verdict::Held(code) => State::Held(code.clone()),
        Verdict::Final(code) => State::Final(code.clone()),
        Verdict::Refused(code) if code == SIGNER_UNKNOWN && is_of_former_name(tx, &stored)? => {
            State::Final(code.clone())
        }
        // Accepted once: that this relay does not take it now is no reason to give it up.
        Verdict::Refused(code) if stored.state == State::Lost => {
            if !passing(code) {
                outbox::decline(tx, id, code)?;
            }
            return Ok(false);
        }
        Verdict::Refused(code) if transient(code) => return Ok(false),
        // A relay that has forgotten the space may know it again: from then on it is asked about.
        Verdict::Refused(code) if code == SPACE_UNKNOWN => State::Held(code.clone()),
        Verdict::Refused(code) => State::Final(code.clone()),
        Verdict::Erased => {
            let mark = purge::Erased {
                doc: stored.doc,
                space: stored.space,
                reason: "erased".to_owned(),
                at_ms: now_ms,
            };
            purge::purge(tx, &mark)?;
            purged.push(id);
            return Ok(true);
        }
    };
    // A replaced envelope's late verdict changes nothing: its replay is on the way.
    if matches!(&stored.state, State::Final(reason) if reason == REPLAYED) {
        return Ok(false);
    }
    // Refused once, it is neither sent nor offered again: that it is held is what an answer says that was overtaken.
    if matches!((&stored.state, &state), (State::Final(_), State::Held(_))) {
        return Ok(false);
    }
    if stored.own && state == State::Acknowledged && stored.state == State::Sealed {
        report.acknowledged += 1;
    }
    if stored.own && matches!(state, State::Held(_) | State::Final(_)) && stored.state != state {
        report.rejected += 1;
    }
    if stored.state.settled() {
        return Ok(false);
    }
    outbox::set_state(tx, id, &state)?;
    Ok(stored.state != state)
}

/// Whether this is own work signed under a name that the relay does not know any more, while this device has another
/// one of the same person by now: it can enter only as that one's, and is made again.
fn is_of_former_name(tx: &Tx<'_>, stored: &outbox::Stored) -> crate::store::Result<bool> {
    match stored.proof.header().filter(|_| stored.own) {
        Some(header) => Ok(former_names(tx)?.contains(&header.device)),
        None => Ok(false),
    }
}

pub(crate) const SIGNER_UNKNOWN: &str = "signer_unknown";

const SPACE_UNKNOWN: &str = "space_unknown";

/// The answer to every offer of a device that is to enrol again first.
const NOT_NOW: &str = "not_now";

/// Refusals of an offer that another time, or a later version of the relay, may take back.
fn passing(code: &str) -> bool {
    [NOT_NOW, SPACE_UNKNOWN].contains(&code) || (code != SIGNER_UNKNOWN && transient(code))
}

/// Refusals that say nothing of the envelope itself.
fn transient(code: &str) -> bool {
    matches!(
        code,
        "busy" | "try_later" | "push_too_large" | "kind_unknown" | SIGNER_UNKNOWN
    )
}
