//! The merged documents of a space: filtered, sorted, one page at a time.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use sopu_core::codes;
use sopu_core::documents::Kind;
use sopu_core::id::SpaceId;
use sopu_core::store::list::{self, Sort};

use super::books::{Books, Space};
use super::frame::{Frame, html, quoted, space_address};
use super::names::Names;
use super::visitor::Visitor;
use super::{Failure, Office, findings, review};
use crate::access::Action;
use crate::words::Words;

/// Rows on a page.
const PAGE: usize = 50;

/// What the address asks for. Every part may be missing or wrong; what is wrong is left out.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Filter {
    kind: String,
    status: String,
    subject: String,
    q: String,
    conflicts: String,
    sort: String,
    page: String,
}

impl Filter {
    fn page(&self) -> usize {
        self.page.parse::<usize>().unwrap_or(1).clamp(1, 100_000)
    }

    fn query(&self, space: SpaceId) -> list::Query {
        let some = |text: &str| Some(text.trim().to_owned()).filter(|t| !t.is_empty());
        let (sort, descending) = match self.sort.as_str() {
            "oldest" => (Sort::Date, false),
            "title" => (Sort::Title, false),
            _ => (Sort::Date, true),
        };
        list::Query {
            spaces: Some(vec![space]),
            kind: Kind::from_code(&self.kind),
            status: some(&self.status).into_iter().collect(),
            subject: some(&self.subject),
            text: some(&self.q),
            conflicts_only: !self.conflicts.is_empty(),
            sort,
            descending,
            offset: (self.page() - 1) * PAGE,
            limit: PAGE,
            ..list::Query::default()
        }
    }

    fn any(&self) -> bool {
        [
            &self.kind,
            &self.status,
            &self.subject,
            &self.q,
            &self.conflicts,
        ]
        .iter()
        .any(|t| !t.is_empty())
    }

    /// The address of another page of the same list.
    fn address(&self, space: &Space, page: usize) -> String {
        let parts = [
            ("kind", &self.kind),
            ("status", &self.status),
            ("subject", &self.subject),
            ("q", &self.q),
            ("conflicts", &self.conflicts),
            ("sort", &self.sort),
        ];
        let mut query: Vec<String> = parts
            .iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| format!("{name}={}", quoted(value)))
            .collect();
        query.push(format!("page={page}"));
        space_address(space, &format!("?{}", query.join("&")))
    }
}

/// One choice of a filter.
pub(super) struct Choice {
    pub value: String,
    pub label: String,
    pub chosen: bool,
}

struct Row {
    address: String,
    title: String,
    kind: String,
    date: String,
    status: String,
    status_code: String,
    conflicts: u32,
    findings: usize,
}

#[derive(Template)]
#[template(path = "documents.html")]
struct Page {
    frame: Frame,
    space: Space,
    filter: Filter,
    kinds: Vec<Choice>,
    statuses: Vec<(String, Vec<Choice>)>,
    subjects: Vec<Choice>,
    sorts: Vec<Choice>,
    rows: Vec<Row>,
    total: usize,
    found: usize,
    page: usize,
    pages: usize,
    previous: Option<String>,
    next: Option<String>,
    /// Whether the visitor may say who belongs to the space.
    manages: bool,
    log: bool,
    erases: bool,
    holds: bool,
    /// Whether they may review held work, and how much there is.
    reviews: bool,
    held: usize,
}

/// The list.
pub(super) async fn page(
    State(office): State<Arc<Office>>,
    visitor: Visitor,
    Path(space): Path<SpaceId>,
    Query(filter): Query<Filter>,
) -> Result<Response, Failure> {
    office
        .with_books(move |office, books| {
            let space = books.enter(office, &visitor, space)?;
            books.note_read(office, &visitor, &space, None, "list")?;
            Ok(html(&build(office, books, &visitor, space, filter)?))
        })
        .await
}

fn build(
    office: &Office,
    books: &mut Books,
    visitor: &Visitor,
    space: Space,
    filter: Filter,
) -> Result<Page, Failure> {
    let words = visitor.words;
    let found = findings::of_space(office, books, space.id)?;
    let listed = match books.record(office)? {
        Some(record) => list::list(record.conn(), &filter.query(space.id))?,
        None => list::Page::default(),
    };
    let rows = listed
        .rows
        .iter()
        .map(|row| Row {
            address: space_address(&space, &format!("/documents/{}", row.doc)),
            title: if row.title.is_empty() {
                words.t("untitled")
            } else {
                row.title.clone()
            },
            kind: words.t(&format!("kind-{}", row.kind.code())),
            date: row
                .date
                .as_deref()
                .map(|d| words.date(d))
                .unwrap_or_default(),
            status: row
                .status
                .as_deref()
                .map(|s| status_label(words, row.kind, s))
                .unwrap_or_default(),
            status_code: row.status.clone().unwrap_or_default(),
            conflicts: row.conflicts,
            findings: findings::of_document(&found, row.doc).count(),
        })
        .collect();
    let total = usize::try_from(listed.total).unwrap_or(usize::MAX);
    let (page, pages) = (filter.page(), total.div_ceil(PAGE).max(1));
    let mut frame = visitor.frame();
    frame.news = Some(space_address(&space, "/news"));
    Ok(Page {
        frame,
        kinds: Kind::ALL
            .into_iter()
            .map(|k| {
                choice(
                    k.code(),
                    words.t(&format!("kind-{}", k.code())),
                    &filter.kind,
                )
            })
            .collect(),
        statuses: statuses(words, &filter.status),
        subjects: subjects(books, words, &space, &filter.subject)?,
        sorts: [
            choice("", words.t("sort-newest"), &filter.sort),
            choice("oldest", words.t("sort-oldest"), &filter.sort),
            choice("title", words.t("sort-title"), &filter.sort),
        ]
        .into(),
        rows,
        total,
        found: found.len(),
        page,
        pages,
        previous: (page > 1).then(|| filter.address(&space, page - 1)),
        next: (page < pages).then(|| filter.address(&space, page + 1)),
        manages: space.role.may(Action::Manage),
        log: space.role.may(Action::AccessLog),
        erases: space.role.may(Action::Erase),
        holds: space.role.may(Action::Hold),
        reviews: space.role.may(Action::Review),
        held: match space.role.may(Action::Review) {
            true => review::count(books, space.id)?,
            false => 0,
        },
        space,
        filter,
    })
}

fn choice(value: &str, label: String, chosen: &str) -> Choice {
    Choice {
        value: value.to_owned(),
        label,
        chosen: value == chosen,
    }
}

/// The code list of a kind's statuses.
fn status_list(kind: Kind) -> &'static str {
    match kind {
        Kind::Contract => "contract_status",
        Kind::VisitNote => "visit_status",
        Kind::ServiceListing => "listing_status",
    }
}

/// A status in words.
pub(super) fn status_label(words: &Words, kind: Kind, code: &str) -> String {
    codes::label(status_list(kind), code, words.lang.code())
        .unwrap_or(code)
        .to_owned()
}

fn statuses(words: &Words, chosen: &str) -> Vec<(String, Vec<Choice>)> {
    let of_kind = |kind: Kind| {
        let entries = codes::list(status_list(kind))
            .into_iter()
            .flat_map(|list| &list.entries);
        let choices = entries
            .map(|e| choice(e.code, e.label(words.lang.code()).to_owned(), chosen))
            .collect::<Vec<_>>();
        (words.t(&format!("kind-{}", kind.code())), choices)
    };
    Kind::ALL.into_iter().map(of_kind).collect()
}

/// Farms and clients offered on one page.
const SUBJECTS: usize = 1_000;

/// The farms and clients of the space's documents: the chosen one, and those that most documents are about.
pub(super) fn subjects(
    books: &Books,
    words: &'static Words,
    space: &Space,
    chosen: &str,
) -> Result<Vec<Choice>, Failure> {
    let Some(record) = books.opened() else {
        return Ok(Vec::new());
    };
    let names = Names::of(&books.people, Some(record), space.id, words)?;
    let mut query = record.conn().prepare_cached(
        "SELECT subject FROM view WHERE space = ?1 AND subject IS NOT NULL GROUP BY subject
         ORDER BY subject = ?2 DESC, count(*) DESC, subject LIMIT ?3",
    )?;
    let ids = query.query_map((space.id, chosen, SUBJECTS), |row| row.get::<_, String>(0))?;
    let mut choices = Vec::new();
    for id in ids {
        let id = id?;
        let name = id.parse().ok().and_then(|id| names.find(id));
        let label = name.unwrap_or_else(|| id.chars().take(8).collect());
        choices.push(choice(&id, label, chosen));
    }
    choices.sort_by_key(|c| c.label.to_lowercase());
    Ok(choices)
}

/// A number that changes when the space's documents do. The script of a list asks for it and tells
/// when there is news.
pub(super) async fn news(
    State(office): State<Arc<Office>>,
    visitor: Visitor,
    Path(space): Path<SpaceId>,
) -> Result<Response, Failure> {
    office
        .with_books(move |office, books| {
            let space = books.enter(office, &visitor, space)?;
            let newest = list::Query {
                spaces: Some(vec![space.id]),
                limit: 1,
                ..list::Query::default()
            };
            let listed = match books.record(office)? {
                Some(record) => list::list(record.conn(), &newest)?,
                None => list::Page::default(),
            };
            let stamp = listed.rows.first().map_or(0, |row| row.updated_ms);
            let body = format!("{}-{stamp}", listed.total);
            Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], body).into_response())
        })
        .await
}
