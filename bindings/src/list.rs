//! Lists: filtered, searched, sorted, one page at a time.

use sopu_core::id::SpaceId;
use sopu_core::store::{list, space};

use crate::document::Kind;
use crate::error::SopuError;
use crate::progress::Progress;

/// What to list. Every filter set must hold; a query without any lists everything, last changed
/// first.
#[derive(Clone, Debug, Default, PartialEq, Eq, uniffi::Record)]
pub struct Query {
    /// Only in these spaces. `None` is everywhere; an empty list is nowhere.
    #[uniffi(default = None)]
    pub spaces: Option<Vec<String>>,
    /// Only this kind.
    #[uniffi(default = None)]
    pub kind: Option<Kind>,
    /// Only these status codes; an empty list is any.
    #[uniffi(default = [])]
    pub status: Vec<String>,
    /// Only of this farm, client or provider.
    #[uniffi(default = None)]
    pub subject: Option<String>,
    /// Only with every one of these words, each as the beginning of a word; å, ä and ö are letters
    /// of their own.
    #[uniffi(default = None)]
    pub text: Option<String>,
    /// Only with something a person must decide.
    #[uniffi(default = false)]
    pub conflicts_only: bool,
    /// Only on or after this date, `YYYY-MM-DD`.
    #[uniffi(default = None)]
    pub from_date: Option<String>,
    /// Only on or before this date.
    #[uniffi(default = None)]
    pub to_date: Option<String>,
    /// In which order; last changed if `None`.
    #[uniffi(default = None)]
    pub sort: Option<Sort>,
    /// Lowest, earliest or oldest first.
    #[uniffi(default = false)]
    pub ascending: bool,
    /// Skip so many.
    #[uniffi(default = 0)]
    pub offset: u32,
    /// Give so many at most.
    #[uniffi(default = 50)]
    pub limit: u32,
}

/// Orders of a list. Equal rows keep one order, so pages never overlap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum Sort {
    /// When last changed.
    Updated,
    /// By the document's own date; undated ones count as earliest.
    Date,
    /// By title, in Finnish order.
    Title,
}

/// One document in a list.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct Row {
    /// Which.
    pub id: String,
    /// The space it lives in.
    pub space: String,
    /// Of which kind.
    pub kind: Kind,
    /// Its line.
    pub title: String,
    /// Farm, client or provider.
    pub subject: Option<String>,
    /// Status code.
    pub status: Option<String>,
    /// Its date, `YYYY-MM-DD`.
    pub date: Option<String>,
    /// Last changed, milliseconds since 1970 UTC.
    pub updated_ms: i64,
    /// Who changed it last, if known.
    pub changed_by: Option<String>,
    /// How many things a person must decide.
    pub conflicts: u32,
    /// How far one's own work in it has come.
    pub progress: Progress,
}

/// A page of a list.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct Page {
    /// The rows.
    pub rows: Vec<Row>,
    /// How many there are on all pages.
    pub total: u64,
}

/// A space this device takes part in.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct Space {
    /// Which.
    pub id: String,
    /// Name for people.
    pub name: String,
    /// `owner`, `office`, `field` or `reader`.
    pub role: String,
    /// The membership ends then, if it ends, milliseconds since 1970 UTC.
    pub until_ms: Option<i64>,
    /// The device leaves this space: what is unsent goes out, then the space goes.
    pub leaving: bool,
    /// Whether anything of it has come yet.
    pub begun: bool,
}

impl TryFrom<Query> for list::Query {
    type Error = SopuError;

    fn try_from(query: Query) -> Result<Self, SopuError> {
        let ids = |ids: Vec<String>| -> Result<Vec<SpaceId>, _> {
            ids.iter().map(|id| id.parse()).collect()
        };
        Ok(Self {
            spaces: query
                .spaces
                .map(ids)
                .transpose()
                .map_err(|_| SopuError::argument("spaces"))?,
            kind: query.kind.map(Into::into),
            status: query.status,
            subject: query.subject,
            text: query.text,
            conflicts_only: query.conflicts_only,
            from: query.from_date,
            to: query.to_date,
            sort: query.sort.map_or(list::Sort::Updated, Into::into),
            descending: !query.ascending,
            offset: query.offset as usize,
            limit: query.limit as usize,
        })
    }
}

impl From<Sort> for list::Sort {
    fn from(sort: Sort) -> Self {
        match sort {
            Sort::Updated => Self::Updated,
            Sort::Date => Self::Date,
            Sort::Title => Self::Title,
        }
    }
}

impl From<list::Row> for Row {
    fn from(row: list::Row) -> Self {
        Self {
            id: row.doc.to_string(),
            space: row.space.to_string(),
            kind: row.kind.into(),
            title: row.title,
            subject: row.subject,
            status: row.status,
            date: row.date,
            updated_ms: row.updated_ms,
            changed_by: row.changed_by.map(|id| id.to_string()),
            conflicts: row.conflicts,
            progress: row.progress.into(),
        }
    }
}

impl From<list::Page> for Page {
    fn from(page: list::Page) -> Self {
        Self {
            rows: page.rows.into_iter().map(Row::from).collect(),
            total: page.total,
        }
    }
}

impl From<space::Space> for Space {
    fn from(space: space::Space) -> Self {
        Self {
            id: space.id.to_string(),
            name: space.standing.name,
            role: space.standing.role,
            until_ms: space.standing.until_ms,
            leaving: space.left_ms.is_some(),
            begun: space.cursor.is_some(),
        }
    }
}
