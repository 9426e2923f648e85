//! What a device does not have: pages of only the spaces with news, together no larger than it
//! asked for.

use sopu_core::id::SpaceId;
use sopu_core::wire::{
    Cursor, Cut, Entry, FirstSync, SignedNotice, SpaceNews, SpacePage, Standing,
};

use super::cursor::{self, Stand};
use super::first_sync;
use crate::access::standing::Grant;
use crate::access::{Action, Role};
use crate::keys::RelayKeys;
use crate::store::{
    DeviceRow, FeedRow, FeedWhat, Generation, Head, RelayStore, Result, SpaceRow, StoreError,
};

/// Entries read from the store at a time.
const STRIDE: usize = 128;

/// Who asks, and for how much.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The device.
    pub device: &'a DeviceRow,
    /// Its instance: only what this very installation sent comes back as a stub.
    pub instance: [u8; 16],
    /// Relay clock.
    pub now_ms: i64,
    /// Bytes of entries, before compression.
    pub max_bytes: usize,
}

/// What there is to say.
#[derive(Clone, Debug, Default)]
pub struct News {
    /// Spaces joined, changed or left.
    pub spaces: Vec<SpaceNews>,
    /// Their pages.
    pub pages: Vec<SpacePage>,
    /// Not everything fitted.
    pub more: bool,
    /// Where the device stands once it has applied this, sorted by space.
    pub vector: Vec<Cursor>,
    /// Spaces whose feed must begin a new life first.
    pub lost: Vec<Lost>,
}

/// A feed that a device knows to have been longer, or other, than it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lost {
    /// Which space's.
    pub space: SpaceId,
    /// The number of the life in which that was found.
    pub number: u64,
}

/// Room left in a response. One thing always fits, so that a large one cannot stop the rest.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    left: usize,
    used: bool,
}

impl Room {
    /// So many bytes.
    pub fn new(bytes: usize) -> Self {
        Self {
            left: bytes,
            used: false,
        }
    }

    /// Whether so many bytes fit; if so, they are taken.
    pub fn take(&mut self, bytes: usize) -> bool {
        if self.used && bytes > self.left {
            self.left = 0;
            return false;
        }
        self.left = self.left.saturating_sub(bytes);
        self.used = true;
        true
    }

    /// A part of what is left, when so many are to have some, oneself included.
    fn share(&self, of: usize) -> Self {
        Self {
            left: self.left / of.max(1),
            used: self.used,
        }
    }

    /// Takes what was taken from a share.
    fn settle(&mut self, share: &Self, given: usize) {
        self.left -= given.saturating_sub(share.left).min(self.left);
        self.used = share.used;
    }

    /// Nothing more fits.
    pub fn is_full(&self) -> bool {
        self.used && self.left == 0
    }
}

/// Puts together what a device that stands at `vector`, sorted by space, does not have. Writes
/// nothing.
pub fn news(
    store: &mut dyn RelayStore,
    keys: &RelayKeys,
    asked: Asked<'_>,
    vector: &[Cursor],
) -> Result<News> {
    let mut news = News::default();
    let mut room = Room::new(asked.max_bytes);
    let spaces = store.spaces_of(asked.device.member, asked.now_ms)?;
    for cursor in vector {
        if spaces
            .binary_search_by_key(&cursor.space, |(space, _)| *space)
            .is_err()
        {
            if is_forgotten(store, cursor.space, asked.now_ms)? {
                news.vector.push(cursor.clone());
                continue;
            }
            news.spaces.push(SpaceNews {
                space: cursor.space,
                standing: None,
            });
            ask_for_lost(store, keys, cursor, &mut news)?;
        }
    }
    let at = |space: &SpaceId| {
        let place = vector.binary_search_by_key(space, |cursor| cursor.space);
        place.ok().map(|place| &vector[place])
    };
    let begins = |space: &SpaceId| at(space).is_none_or(|cursor| cursor.first.is_some());
    let mut beginning = spaces.iter().filter(|(space, _)| begins(space)).count();
    for (space, role) in spaces {
        let cursor = at(&space);
        let sharing = beginning;
        beginning -= usize::from(begins(&space));
        let Some(row) = store.space(space, asked.now_ms)? else {
            continue;
        };
        let mut visit = Visit {
            store,
            keys,
            asked,
            space,
            row: &row,
            cursor,
            sharing,
        };
        visit.add(role, &mut room, &mut news)?;
    }
    news.vector.sort_by_key(|cursor| cursor.space);
    Ok(news)
}

/// What a device that is cut off is told: nothing of any space any more, but what the relay has lost
/// since is asked for.
pub fn owed(
    store: &mut dyn RelayStore,
    keys: &RelayKeys,
    vector: &[Cursor],
    now_ms: i64,
) -> Result<News> {
    let mut news = News::default();
    for cursor in vector {
        let before = news.pages.len();
        if !is_forgotten(store, cursor.space, now_ms)? {
            ask_for_lost(store, keys, cursor, &mut news)?;
        }
        let page = news.pages.get(before);
        let stands = page.map_or(cursor, |page| &page.to).clone();
        news.vector.push(stands);
    }
    Ok(news)
}

/// Whether the relay does not know a space that a device stands in. None is ever deleted: it came back from
/// a backup that is older than the space, with a ledger as old. Nothing is said of it then, for the devices
/// are the last to have what is in it, and let go of a space they are told they have left.
fn is_forgotten(store: &mut dyn RelayStore, space: SpaceId, now_ms: i64) -> Result<bool> {
    Ok(store.space(space, now_ms)?.is_none())
}

/// For a space a device hears nothing of any more: if the relay has lost some of it since, what the
/// device holds is asked for, once.
fn ask_for_lost(
    store: &mut dyn RelayStore,
    keys: &RelayKeys,
    cursor: &Cursor,
    news: &mut News,
) -> Result<()> {
    let space = cursor.space;
    let head = store.head(space)?;
    let generations = cursor::generations(store, keys, space)?;
    let generation = *generations
        .last()
        .ok_or(StoreError::Corrupt("no generation"))?;
    match cursor::judge(store, keys, cursor, &generations, head)? {
        Stand::Earlier { cut, .. } => {
            let at = Head {
                seq: cut.seq,
                hash: cut.hash,
            };
            let mut to = cursor::cursor_at(keys, space, &generation, at, cursor.roster);
            to.first.clone_from(&cursor.first);
            news.pages.push(SpacePage {
                from: Some(cursor.clone()),
                to,
                roster: None,
                entries: Vec::new(),
                packs: Vec::new(),
                proofs: Vec::new(),
                cut: Some(cut),
            });
        }
        Stand::Lost => news.lost.push(Lost {
            space,
            number: generation.number,
        }),
        Stand::Here | Stand::Forged => {}
    }
    Ok(())
}

/// One space while its news are put together.
struct Visit<'a> {
    store: &'a mut dyn RelayStore,
    keys: &'a RelayKeys,
    asked: Asked<'a>,
    space: SpaceId,
    row: &'a SpaceRow,
    cursor: Option<&'a Cursor>,
    /// How many spaces are in their first sync, from this one on.
    sharing: usize,
}

/// Where a page starts.
struct Start {
    after: u64,
    first: Option<FirstSync>,
    cut: Option<Cut>,
}

impl Visit<'_> {
    fn add(&mut self, role: Role, room: &mut Room, news: &mut News) -> Result<()> {
        let head = self.store.head(self.space)?;
        let generations = cursor::generations(self.store, self.keys, self.space)?;
        let generation = *generations
            .last()
            .ok_or(StoreError::Corrupt("no generation"))?;
        let fresh = || Start {
            after: head.seq,
            first: (head.seq > 0).then_some(FirstSync::Documents {
                at: head.seq,
                below: head.seq + 1,
                within: None,
            }),
            cut: None,
        };
        let start = match self.cursor {
            None => fresh(),
            Some(cursor) => match cursor::judge(self.store, self.keys, cursor, &generations, head)?
            {
                Stand::Forged => fresh(),
                Stand::Here => Start {
                    after: cursor.seq,
                    first: cursor.first,
                    cut: None,
                },
                // What a first sync had brought so far may lie above the cut.
                Stand::Earlier { cut, .. } if cursor.first.is_some() && cut.seq < cursor.seq => {
                    Start {
                        cut: Some(cut),
                        ..fresh()
                    }
                }
                Stand::Earlier { cut, share } => Start {
                    after: share,
                    first: cursor.first,
                    cut: Some(cut),
                },
                Stand::Lost => {
                    news.lost.push(Lost {
                        space: self.space,
                        number: generation.number,
                    });
                    news.vector.push(cursor.clone());
                    return Ok(());
                }
            },
        };
        // The roster's number has gone back with the rest: it says nothing across generations.
        let stale = self.cursor.is_none_or(|cursor| {
            cursor.roster != self.row.roster || cursor.generation != generation.id
        });
        let behind = start.after < head.seq || start.first.is_some() || start.cut.is_some();
        let forged = self
            .cursor
            .is_some_and(|cursor| cursor.generation != generation.id);
        if let Some(cursor) = self
            .cursor
            .filter(|_| room.is_full() || !(stale || behind || forged))
        {
            news.more |= stale || behind || forged;
            news.vector.push(cursor.clone());
            return Ok(());
        }
        if room.is_full() {
            news.more = true;
            return Ok(());
        }
        let page = self.page(&start, generation, head, stale, room)?;
        news.more |= page.to.seq < head.seq || page.to.first.is_some();
        if stale {
            news.spaces.push(SpaceNews {
                space: self.space,
                standing: Some(self.standing(role)?),
            });
        }
        news.vector.push(page.to.clone());
        news.pages.push(page);
        Ok(())
    }

    fn page(
        &mut self,
        start: &Start,
        generation: Generation,
        head: Head,
        stale: bool,
        room: &mut Room,
    ) -> Result<SpacePage> {
        let roster = if stale {
            let roster = self.store.roster(self.space, self.asked.now_ms)?;
            room.take(roster.len() * 120);
            Some(roster)
        } else {
            None
        };
        let mut page = SpacePage {
            from: self.cursor.cloned(),
            to: cursor::cursor_at(self.keys, self.space, &generation, head, self.row.roster),
            roster,
            entries: Vec::new(),
            packs: Vec::new(),
            proofs: Vec::new(),
            cut: start.cut,
        };
        let reached = if let Some(first) = start.first {
            // The newest of every space before the old and the signatures of any.
            let mut share = room.share(self.sharing);
            let given = share.left;
            let left = first_sync::fill(self.store, self.space, first, &mut share, &mut page)?;
            room.settle(&share, given);
            page.to.first = left;
            start.after
        } else {
            self.entries(start.after, room, &mut page.entries)?
        };
        let hash = self
            .store
            .hash_at(self.space, reached)?
            .ok_or(StoreError::Corrupt("a feed's end"))?;
        let first = page.to.first.take();
        let at = Head { seq: reached, hash };
        page.to = cursor::cursor_at(self.keys, self.space, &generation, at, self.row.roster);
        page.to.first = first;
        Ok(page)
    }

    fn entries(&mut self, after: u64, room: &mut Room, entries: &mut Vec<Entry>) -> Result<u64> {
        let mut reached = after;
        loop {
            let rows = self.store.feed_after(self.space, reached, STRIDE)?;
            if rows.is_empty() {
                return Ok(reached);
            }
            for row in rows {
                let seq = row.seq;
                let (entry, size) = self.entry(row)?;
                if !room.take(size) {
                    return Ok(reached);
                }
                entries.push(entry);
                reached = seq;
            }
        }
    }

    /// An entry as this device gets it, and roughly its bytes.
    fn entry(&mut self, row: FeedRow) -> Result<(Entry, usize)> {
        let FeedRow {
            seq,
            id,
            accept,
            received_ms,
            ..
        } = row;
        let arrival = match row.what {
            FeedWhat::Notice { body, signature } => {
                let size = body.len() + 100;
                let notice = SignedNotice { body, signature };
                return Ok((
                    Entry::Notice {
                        seq,
                        notice,
                        accept,
                    },
                    size,
                ));
            }
            FeedWhat::Envelope(arrival) => arrival,
        };
        let kept = self
            .store
            .envelope_at(arrival)?
            .ok_or(StoreError::Corrupt("a fed envelope is gone"))?;
        let own = kept.device == self.asked.device.id && kept.instance == Some(self.asked.instance);
        let size = kept.size_bytes();
        Ok(match kept.to_envelope() {
            None => (
                Entry::Erased {
                    seq,
                    proof: kept.to_proof(),
                },
                size,
            ),
            Some(_) if own => (
                Entry::Own {
                    seq,
                    id,
                    received_ms,
                    accept,
                },
                64,
            ),
            Some(envelope) => (
                Entry::Envelope {
                    seq,
                    envelope,
                    received_ms,
                    accept,
                },
                size,
            ),
        })
    }

    fn standing(&mut self, role: Role) -> Result<Standing> {
        let grants = self.store.grants(self.asked.device.member, self.space)?;
        Ok(Standing {
            name: self.row.name.clone(),
            role: role.code().to_owned(),
            until_ms: membership_end(&grants, self.asked.now_ms),
        })
    }
}

/// When somebody with these grants will have none any more that lets them read; `None` for never. One
/// that begins before the others have ended goes on from them: the device shows the space all along.
fn membership_end(grants: &[Grant], now_ms: i64) -> Option<i64> {
    let mut end = now_ms;
    loop {
        let going_on = grants
            .iter()
            .filter(|grant| grant.removed_ms.is_none() && grant.role.may(Action::Read))
            .filter(|grant| grant.from_ms <= end && grant.until_ms.is_none_or(|until| until > end));
        let ends: Vec<Option<i64>> = going_on.map(|grant| grant.until_ms).collect();
        if ends.is_empty() {
            return Some(end);
        }
        let ends: Option<Vec<i64>> = ends.into_iter().collect();
        end = ends?.into_iter().max()?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(role: Role, from_ms: i64, until_ms: Option<i64>) -> Grant {
        Grant {
            role,
            from_ms,
            until_ms,
            removed_ms: None,
        }
    }

    #[test]
    fn a_membership_lasts_as_long_as_one_right_or_another() {
        let office = grant(Role::Office, 0, Some(20));
        assert_eq!(membership_end(&[office], 10), Some(20));
        // What goes on under a weaker role goes on.
        let both = [office, grant(Role::Reader, 0, None)];
        assert_eq!(membership_end(&both, 10), None);
        // One that takes over at the end, and one that comes after a gap.
        let next = grant(Role::Field, 20, Some(30));
        let later = grant(Role::Field, 31, None);
        assert_eq!(membership_end(&[later, next, office], 10), Some(30));
        let ended = Grant {
            removed_ms: Some(5),
            ..grant(Role::Owner, 0, None)
        };
        assert_eq!(membership_end(&[ended, office], 10), Some(20));
    }
}
