//! What is shared with those who do not sync: with relatives the visit notes marked so, with
//! commissioners the services and hours of the space's contracts that have one of them as a party. Nothing else of a document
//! comes into these pages.

use std::collections::BTreeMap;
use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use serde_json::{Map, Value};
use sopu_core::documents::Kind;
use sopu_core::id::{DocId, SpaceId};
use sopu_core::read::Reading;
use sopu_core::store::Store;
use sopu_core::store::list::{self, Query, Sort};
use sopu_core::store::view::{self, View};

use super::books::{Books, Outside};
use super::content::{Line, Show, Shown};
use super::frame::{Frame, html};
use super::names::Names;
use super::share::is_shared;
use super::visitor::Visitor;
use super::{Failure, Office};
use crate::access::Role;
use crate::civil;
use crate::words::Words;

/// Notes looked through for shared ones, the newest first.
const NOTES: usize = 500;

/// As many years back visits and hours are summed up, in whole months.
const YEARS: i32 = 2;

/// No limit at all: what people invoice by is whole.
const ALL: usize = usize::MAX >> 1;

/// Contracts looked through.
const CONTRACTS: usize = 200;

/// What a relative sees of a note that is shared.
const NOTE: &[&str] = &[
    "actual_start",
    "actual_end",
    "outcome",
    "summary",
    "next_visit",
];

/// What a commissioner sees of a contract.
const CONTRACT: &[&str] = &[
    "contract_kind",
    "valid_from",
    "valid_to",
    "indefinite",
    "tender_ref",
];

/// And of what is agreed in it.
const PARTS: &[(&str, &[&str])] = &[
    ("scope_items", &["name", "unit", "planned_qty"]),
    ("quotas", &["item", "limit", "unit", "period"]),
];

/// Statuses of a note whose visit has been made.
const MADE: [&str; 4] = ["done", "finalised", "approved", "invoiced"];

/// Statuses of a contract that has been put before its parties.
const OFFERED: [&str; 4] = ["offered", "locked", "signed", "terminated"];

#[derive(Template)]
#[template(path = "shared.html")]
struct Page {
    frame: Frame,
    space: Outside,
    /// For relatives; `None` for others.
    notes: Option<Vec<Note>>,
    /// For commissioners.
    contracts: Option<Vec<Contract>>,
}

struct Note {
    title: String,
    lines: Vec<Line>,
}

struct Contract {
    title: String,
    status: String,
    lines: Vec<Line>,
    months: Vec<Month>,
}

/// Visits made under a contract in one month.
struct Month {
    name: String,
    visits: String,
    hours: String,
}

/// The page.
pub(super) async fn page(
    State(office): State<Arc<Office>>,
    visitor: Visitor,
    Path(space): Path<SpaceId>,
) -> Result<Response, Failure> {
    office
        .with_books(move |office, books| {
            let space = books.enter_shared(office, &visitor, space)?;
            let has = |role: Role| space.reads || space.roles.contains(&role);
            let (relative, commissioner) = (has(Role::Relative), has(Role::Commissioner));
            let (mut notes, mut contracts, mut visits) = (Vec::new(), Vec::new(), Vec::new());
            if let Some(record) = books.record(office)? {
                let of = |kind, limit, from| of_kind(record, space.id, kind, limit, from);
                if relative {
                    notes = of(Kind::VisitNote, NOTES, None)?;
                }
                if commissioner {
                    contracts = of(Kind::Contract, CONTRACTS, None)?;
                    let since = first_month(office.env.now_ms());
                    visits = of(Kind::VisitNote, ALL, Some(since))?;
                }
            }
            let shown = Chosen {
                notes: relative.then(|| shared(&notes)),
                contracts: commissioner.then(|| commissioned(&contracts)),
            };
            let docs = shown.all().map(|view| view.doc);
            books.note_all(office, visitor.who.member, "shared", space.id, docs)?;
            let page = build(books, &visitor, space, &visits, &shown)?;
            Ok(html(&page))
        })
        .await
}

/// The documents that come into the page.
struct Chosen<'a> {
    notes: Option<Vec<&'a View>>,
    contracts: Option<Vec<&'a View>>,
}

impl Chosen<'_> {
    fn all(&self) -> impl Iterator<Item = &View> {
        let both = [&self.notes, &self.contracts];
        both.into_iter().flatten().flatten().copied()
    }
}

/// The day from which visits are summed up.
fn first_month(now_ms: i64) -> String {
    let today = civil::typed(now_ms);
    let year = today.get(..4).and_then(|year| year.parse().ok());
    let year = year.unwrap_or(1970) - YEARS;
    format!("{year}-{}-01", today.get(5..7).unwrap_or("01"))
}

fn of_kind(
    record: &Store,
    space: SpaceId,
    kind: Kind,
    limit: usize,
    from: Option<String>,
) -> Result<Vec<View>, Failure> {
    let query = Query {
        from,
        spaces: Some(vec![space]),
        kind: Some(kind),
        sort: Sort::Date,
        descending: true,
        limit,
        ..Query::default()
    };
    let mut views = Vec::new();
    for row in list::list(record.conn(), &query)?.rows {
        views.extend(view::get(record.conn(), row.doc)?);
    }
    Ok(views)
}

fn shared(notes: &[View]) -> Vec<&View> {
    let all = notes.iter();
    all.filter(|view| is_made(view) && is_shared(&view.reading))
        .collect()
}

fn is_made(view: &View) -> bool {
    view.status.as_deref().is_some_and(|s| MADE.contains(&s))
}

/// Contracts with a commissioner among their parties: what a client has agreed on for themselves is none
/// of theirs.
fn commissioned(contracts: &[View]) -> Vec<&View> {
    let ordered = |view: &&View| {
        let parties = view.reading.value.get("parties").and_then(Value::as_object);
        let mut parties = parties.into_iter().flat_map(Map::values);
        parties.any(|party| party.get("role").and_then(Value::as_str) == Some("commissioner"))
    };
    let offered = |view: &&View| view.status.as_deref().is_some_and(|s| OFFERED.contains(&s));
    contracts.iter().filter(offered).filter(ordered).collect()
}

fn build(
    books: &Books,
    visitor: &Visitor,
    space: Outside,
    notes: &[View],
    shown: &Chosen<'_>,
) -> Result<Page, Failure> {
    let words = visitor.words;
    let names = Names::of(&books.people, books.opened(), space.id, visitor.words)?;
    let show = |kind| Show {
        words,
        names: &names,
        kind,
    };
    let note = |view: &&View| Note {
        title: view
            .date
            .as_deref()
            .map_or_else(|| words.t("untitled"), |date| words.date(date)),
        lines: show(view.kind).own(&only(&view.reading, NOTE, &[])),
    };
    let contract = |view: &&View| Contract {
        title: view.title.clone(),
        status: view
            .status
            .as_deref()
            .map(|s| super::documents::status_label(words, view.kind, s))
            .unwrap_or_default(),
        lines: show(view.kind).own(&only(&view.reading, CONTRACT, PARTS)),
        months: months(words, view.doc, notes),
    };
    let mut frame = visitor.frame();
    frame.here = format!("/office/spaces/{}/shared", space.id);
    Ok(Page {
        frame,
        notes: shown
            .notes
            .as_ref()
            .map(|all| all.iter().map(note).collect()),
        contracts: shown
            .contracts
            .as_ref()
            .map(|all| all.iter().map(contract).collect()),
        space,
    })
}

/// Of a document only these fields, and of these lists only these parts.
fn only(reading: &Reading, fields: &[&str], parts: &[(&str, &[&str])]) -> Reading {
    let mut value = Map::new();
    for field in fields {
        if let Some(found) = reading.value.get(*field) {
            value.insert((*field).to_owned(), found.clone());
        }
    }
    for (field, parts) in parts {
        let items = reading.value.get(*field).and_then(Value::as_object);
        let items = items.into_iter().flatten().map(|(key, item)| {
            let kept = parts.iter().filter_map(|part| {
                let found = item.get(*part)?;
                Some(((*part).to_owned(), found.clone()))
            });
            (key.clone(), Value::Object(kept.collect()))
        });
        let items: Map<String, Value> = items.collect();
        if !items.is_empty() {
            value.insert((*field).to_owned(), Value::Object(items));
        }
    }
    Reading {
        value: Value::Object(value),
        ..Reading::default()
    }
}

/// Visits and hours under a contract by month, the newest first.
fn months(words: &Words, contract: DocId, notes: &[View]) -> Vec<Month> {
    let id = contract.to_string();
    let mut months: BTreeMap<String, (usize, i64)> = BTreeMap::new();
    for note in notes.iter().filter(|note| is_made(note)) {
        let value = &note.reading.value;
        if value.get("contract_id").and_then(Value::as_str) != Some(id.as_str()) {
            continue;
        }
        let Some(month) = note.date.as_deref().and_then(|date| date.get(..7)) else {
            continue;
        };
        let at = |field: &str| value.get(field)?.get("at")?.as_i64();
        let lasted = at("actual_end").zip(at("actual_start"));
        let lasted = lasted.map_or(0, |(end, start)| end.saturating_sub(start).max(0));
        let (visits, ms) = months.entry(month.to_owned()).or_default();
        *visits += 1;
        *ms = ms.saturating_add(lasted);
    }
    let months = months.into_iter().rev().map(|(month, (visits, ms))| Month {
        name: month
            .split_once('-')
            .map_or(month.clone(), |(year, month)| format!("{month}/{year}")),
        visits: visits.to_string(),
        hours: {
            // Quarters of an hour, as they are agreed on and paid.
            let quarters = (ms + 450_000) / 900_000;
            let text = format!("{}.{:02}", quarters / 4, quarters % 4 * 25);
            words.decimal(&text)
        },
    });
    months.collect()
}
