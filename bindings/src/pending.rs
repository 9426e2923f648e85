//! Own work that is not in the record yet, and what came to nothing.

use sopu_core::device::pending;
use sopu_core::store::draft;
use sopu_core::wire::RosterRow;

use crate::document::Kind;

/// Where own work stands that is not in the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum Place {
    /// On this phone only.
    Here,
    /// On the server, on its way into the record.
    Server,
    /// On the server, which waits for something or someone: `reasons` says for what.
    Held,
    /// Refused, for `reasons`; the next sync makes it again or keeps it as a draft.
    Refused,
}

/// Own work in one document that is not in the record yet.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct Pending {
    /// The document.
    pub doc: String,
    /// The space it lives in.
    pub space: String,
    /// Its kind; `None` for one of a later version.
    pub kind: Option<Kind>,
    /// Its line in lists; `None` if the right to it has ended.
    pub title: Option<String>,
    /// Where it stands.
    pub place: Place,
    /// Why it is held or refused, for example `late`, `dependency_missing`; the app has words for them.
    pub reasons: Vec<String>,
}

/// An edit that could neither be sent nor made again, for a person to copy from.
#[derive(Clone, Debug, PartialEq, uniffi::Record)]
pub struct Draft {
    /// What `discard_draft` takes.
    pub number: i64,
    /// The document it was an edit of.
    pub doc: String,
    /// The space that lives in.
    pub space: String,
    /// Its kind; `None` for one of a later version.
    pub kind: Option<Kind>,
    /// Why it came to nothing, a code.
    pub reason: String,
    /// When it was put here, milliseconds since 1970 UTC.
    pub made_ms: i64,
    /// The document as the edit had it, a JSON object.
    pub value: String,
}

/// One person of a space.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct Member {
    /// Who.
    pub id: String,
    /// The person's name.
    pub name: String,
    /// `owner`, `office`, `field` or `reader`; empty once they have left.
    pub role: String,
}

impl From<pending::Place> for Place {
    fn from(place: pending::Place) -> Self {
        match place {
            pending::Place::Here => Self::Here,
            pending::Place::Relay => Self::Server,
            pending::Place::Held => Self::Held,
            pending::Place::Refused => Self::Refused,
        }
    }
}

impl From<pending::Pending> for Pending {
    fn from(pending: pending::Pending) -> Self {
        Self {
            doc: pending.doc.to_string(),
            space: pending.space.to_string(),
            kind: pending.kind.map(Kind::from),
            title: pending.title,
            place: pending.place.into(),
            reasons: pending.reasons.into_iter().collect(),
        }
    }
}

impl From<draft::Draft> for Draft {
    fn from(draft: draft::Draft) -> Self {
        Self {
            number: draft.number,
            doc: draft.doc.to_string(),
            space: draft.space.to_string(),
            kind: sopu_core::documents::Kind::from_number(draft.kind).map(Kind::from),
            reason: draft.reason,
            made_ms: draft.made_ms,
            value: draft.value.to_string(),
        }
    }
}

impl Member {
    /// Each person once; who has several devices is told by the one that still has a role.
    pub(crate) fn of(roster: Vec<RosterRow>) -> Vec<Self> {
        let mut members: Vec<Self> = Vec::new();
        for row in roster {
            let member = Self {
                id: row.member.to_string(),
                name: row.name,
                role: row.role,
            };
            match members.iter_mut().find(|known| known.id == member.id) {
                None => members.push(member),
                Some(known) if known.role.is_empty() => *known = member,
                Some(_) => {}
            }
        }
        members.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
        members
    }
}
