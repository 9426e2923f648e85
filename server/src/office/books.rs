//! The databases of one request: people in `relay.db`, the merged record in `record.db`.

use std::sync::{Arc, PoisonError};

use rusqlite::Connection;
use sopu_core::id::{DocId, MemberId, SpaceId};
use sopu_core::store::Store;
use sopu_core::store::view::{self, View};

use super::refusals::News;
use super::visitor::Visitor;
use super::{Failure, Office};
use crate::access::log::{self, Entry};
use crate::access::{AccessError, Action, Role, lists, people, roles_in, standing, whole};
use crate::store::schema;

/// Open databases. Requests borrow them from a small pool and work outside the async threads.
pub struct Books {
    /// People, memberships, sessions, access log, envelopes.
    pub people: Connection,
    record: Option<Store>,
}

/// Connections kept open for the next request.
const KEPT: usize = 8;

/// Pages made at one moment; the others wait their turn.
pub(super) const TURNS: usize = 16;

impl Office {
    /// Does the work with open databases, away from the async threads.
    pub(super) async fn with_books<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Self, &mut Books) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let office = Arc::clone(self);
        let turn = Arc::clone(&self.turns).acquire_owned().await;
        let turn = turn.map_err(|_| Failure::Server)?;
        let done = tokio::task::spawn_blocking(move || {
            // Also when whoever asked has gone meanwhile.
            let _turn = turn;
            let kept = office
                .books
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .pop();
            let mut books = match kept {
                Some(books) => books,
                None => Books::open(&office)?,
            };
            let result = work(&office, &mut books);
            let mut pool = office.books.lock().unwrap_or_else(PoisonError::into_inner);
            if pool.len() < KEPT {
                pool.push(books);
            }
            result
        });
        done.await.map_err(|_| Failure::Server)?
    }
}

/// A space as its pages show it.
#[derive(Clone, Debug)]
pub struct Space {
    /// Which.
    pub id: SpaceId,
    /// Its name.
    pub name: String,
    /// Its organisation's name.
    pub org: String,
    /// The visitor's role in it.
    pub role: Role,
}

impl Space {
    /// Whether the visitor may settle conflicts here.
    pub fn may_write(&self) -> bool {
        self.role.may(Action::Write)
    }
}

/// A space of which the visitor sees what is shared with them.
#[derive(Clone, Debug)]
pub struct Outside {
    /// Which.
    pub id: SpaceId,
    /// Its name.
    pub name: String,
    /// Its organisation's name.
    pub org: String,
    /// The visitor's roles in it.
    pub roles: Vec<Role>,
    /// Whether they read all of it too.
    pub reads: bool,
}

/// A space whose people the visitor may say.
#[derive(Clone, Debug)]
pub struct Managed {
    /// Which.
    pub id: SpaceId,
    /// Its name.
    pub name: String,
    /// Whether the visitor reads its documents too.
    pub reads: bool,
}

impl Books {
    fn open(office: &Office) -> Result<Self, Failure> {
        Ok(Self {
            people: schema::open_with(&office.data.database(), office.data.key())?,
            record: None,
        })
    }

    /// The merged record; `None` while nothing has ever been merged here.
    pub fn record(&mut self, office: &Office) -> Result<Option<&Store>, Failure> {
        if self.record.is_none() {
            let path = office.data.record();
            if !path.exists() {
                return Ok(None);
            }
            self.record = Some(Store::open_reader_with(&path, office.data.key())?);
        }
        Ok(self.record.as_ref())
    }

    /// The merged record, if it has been opened.
    pub fn opened(&self) -> Option<&Store> {
        self.record.as_ref()
    }

    /// Lets the visitor into a space. A space that is not theirs looks like one that is not there.
    pub fn enter(
        &self,
        office: &Office,
        visitor: &Visitor,
        space: SpaceId,
    ) -> Result<Space, Failure> {
        let at = standing(&self.people, visitor.who.member, space, office.env.now_ms())?;
        let role = at.role().filter(|r| r.may(Action::Read));
        let role = role.ok_or_else(|| self.refused(office, visitor, space, Failure::NotFound))?;
        let (name, org) = people::space_heading(&self.people, space)?.ok_or(Failure::NotFound)?;
        Ok(Space {
            id: space,
            name,
            org,
            role,
        })
    }

    /// As [`Books::enter`], for something that not every role may.
    pub fn enter_to(
        &self,
        action: Action,
        office: &Office,
        visitor: &Visitor,
        space: SpaceId,
    ) -> Result<Space, Failure> {
        let space = self.enter(office, visitor, space)?;
        match space.role.may(action) {
            true => Ok(space),
            false => Err(self.refused(office, visitor, space.id, Failure::Right)),
        }
    }

    /// Lets in who sees what is shared of a space.
    pub fn enter_shared(
        &self,
        office: &Office,
        visitor: &Visitor,
        space: SpaceId,
    ) -> Result<Outside, Failure> {
        let (db, now_ms) = (&self.people, office.env.now_ms());
        let roles = roles_in(db, visitor.who.member, space, now_ms)?;
        let may = |action| roles.iter().any(|role| role.may(action));
        if !may(Action::Shared) {
            return Err(self.refused(office, visitor, space, Failure::NotFound));
        }
        let reads = may(Action::Read);
        let (name, org) = people::space_heading(db, space)?.ok_or(Failure::NotFound)?;
        Ok(Outside {
            id: space,
            name,
            org,
            roles,
            reads,
        })
    }

    /// Lets in who may say who belongs to a space: whose role there allows it, and administrators of
    /// the organisation the space is of, who can read it only once they let themselves in.
    pub fn enter_to_manage(
        &self,
        office: &Office,
        visitor: &Visitor,
        space: SpaceId,
    ) -> Result<Managed, Failure> {
        let (db, who) = (&self.people, &visitor.who);
        let role = standing(db, who.member, space, office.env.now_ms())?.role();
        let may = |action| role.is_some_and(|role| role.may(action));
        let org = lists::org_of_space(db, space)?.ok_or(Failure::NotFound)?;
        let administers = who.admin && who.org == org;
        if !(may(Action::Manage) || administers) {
            let failure = match may(Action::Read) {
                true => Failure::Right,
                false => Failure::NotFound,
            };
            return Err(self.refused(office, visitor, space, failure));
        }
        let (name, _) = people::space_heading(db, space)?.ok_or(Failure::NotFound)?;
        Ok(Managed {
            id: space,
            name,
            reads: may(Action::Read),
        })
    }

    /// Notes that somebody signed in, or was not let in; `None` for a name that is nobody's.
    pub fn note_sign_in(
        &self,
        office: &Office,
        member: Option<MemberId>,
        action: &str,
        how: &str,
    ) -> Result<(), Failure> {
        let entry = Entry {
            at_ms: office.env.now_ms(),
            member,
            action: action.to_owned(),
            space: None,
            doc: None,
            reason: Some(how.to_owned()),
        };
        Ok(log::record(&self.people, &entry)?)
    }

    /// Notes that somebody was refused something of a space, once an hour; gives the failure.
    fn refused(
        &self,
        office: &Office,
        visitor: &Visitor,
        space: SpaceId,
        failure: Failure,
    ) -> Failure {
        self.note_refusal(office, visitor, space)
            .err()
            .unwrap_or(failure)
    }

    fn note_refusal(
        &self,
        office: &Office,
        visitor: &Visitor,
        space: SpaceId,
    ) -> Result<(), Failure> {
        // Of spaces there are none of it is worth nothing to know, and it must take nobody's place.
        if people::space_heading(&self.people, space)?.is_none() {
            return Ok(());
        }
        let (who, now_ms) = (visitor.who.member, office.env.now_ms());
        let (place, why) = match office.refusals.news(who, space, now_ms) {
            News::None => return Ok(()),
            News::First => ((Some(space), None), None),
            News::TooMany => ((None, None), Some("and more this hour")),
        };
        self.note(office, who, "refused", place, why)
    }

    /// Notes an act of administration in the access log.
    pub fn note_act(
        &self,
        office: &Office,
        visitor: &Visitor,
        space: Option<SpaceId>,
        what: &str,
    ) -> Result<(), Failure> {
        let member = visitor.who.member;
        self.note(office, member, "administer", (space, None), Some(what))
    }

    /// The view of a document, which must be in this space; the read is noted in the access log.
    pub fn open_document(
        &mut self,
        office: &Office,
        visitor: &Visitor,
        space: &Space,
        doc: DocId,
        action: &str,
    ) -> Result<View, Failure> {
        let record = self.record(office)?.ok_or(Failure::NotFound)?;
        let view = view::get(record.conn(), doc)?
            .filter(|v| v.space == space.id)
            .ok_or(Failure::NotFound)?;
        self.note_read(office, visitor, space, Some(doc), action)?;
        Ok(view)
    }

    /// Notes a read in the access log.
    pub fn note_read(
        &self,
        office: &Office,
        visitor: &Visitor,
        space: &Space,
        doc: Option<DocId>,
        action: &str,
    ) -> Result<(), Failure> {
        self.note(
            office,
            visitor.who.member,
            action,
            (Some(space.id), doc),
            None,
        )
    }

    /// Notes that somebody saw all these documents of a space: one row each, one transaction for all, so
    /// that whoever reloads a page does not keep others from writing.
    pub fn note_all(
        &self,
        office: &Office,
        member: MemberId,
        action: &str,
        space: SpaceId,
        docs: impl Iterator<Item = DocId>,
    ) -> Result<(), Failure> {
        self.together(|books| {
            for doc in docs {
                books.note(office, member, action, (Some(space), Some(doc)), None)?;
            }
            Ok(())
        })
    }

    /// Does what belongs together in one transaction: an act and its row of the access log.
    /// The relay writes over a connection of its own: nothing in here may wait for it.
    pub fn together<T>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        whole(&self.people, |_| work(self))
    }

    /// Does an act of administration together with its row of the access log.
    pub fn act<T>(
        &self,
        office: &Office,
        visitor: &Visitor,
        space: Option<SpaceId>,
        what: &str,
        work: impl FnOnce(&Connection) -> Result<T, AccessError>,
    ) -> Result<T, Failure> {
        self.together(|books| {
            let done = work(&books.people)?;
            books.note_act(office, visitor, space, what)?;
            Ok(done)
        })
    }

    /// Notes what somebody did in the access log.
    pub fn note(
        &self,
        office: &Office,
        member: MemberId,
        action: &str,
        (space, doc): (Option<SpaceId>, Option<DocId>),
        reason: Option<&str>,
    ) -> Result<(), Failure> {
        let entry = Entry {
            at_ms: office.env.now_ms(),
            member: Some(member),
            action: action.to_owned(),
            space,
            doc,
            reason: reason.map(ToOwned::to_owned),
        };
        Ok(log::record(&self.people, &entry)?)
    }
}
