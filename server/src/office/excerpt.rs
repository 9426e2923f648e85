//! The access log of one client or of a whole space as a file, for whoever asked who has read their data.

use std::collections::BTreeMap;
use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use sopu_core::id::{DocId, MemberId, SpaceId};
use sopu_core::store::list::{self, Query};

use super::books::{Books, Space};
use super::documents::{Choice, subjects};
use super::frame::{Frame, html};
use super::posted::Posted;
use super::visitor::Visitor;
use super::{Failure, Office};
use crate::access::excerpt::{self, Asked, EVERYBODY, EXPORT_OF, Excerpt, cell};
use crate::access::log::Entry;
use crate::access::subjects::{Documents, of_space};
use crate::access::{Action, people};
use crate::civil;
use crate::pdf::{self, Column, Report};
use crate::words::Words;

/// Rows of one file; whoever needs more asks for a shorter time.
const ROWS: usize = 20_000;

/// Years back that are asked for unless somebody says otherwise.
const YEARS: i16 = 2;

/// Characters of a document's title that are shown.
const TITLE: usize = 100;

#[derive(Template)]
#[template(path = "excerpt.html")]
struct Page {
    frame: Frame,
    space: Space,
    subjects: Vec<Choice>,
    from: String,
    until: String,
    reason: String,
    said: Option<String>,
    wrong: Option<String>,
}

/// The page to ask on.
pub(super) async fn page(
    State(office): State<Arc<Office>>,
    visitor: Visitor,
    Path(space): Path<SpaceId>,
) -> Result<Response, Failure> {
    office
        .with_books(move |office, books| {
            let space = books.enter_to(Action::AccessLog, office, &visitor, space)?;
            let until = civil::day(office.env.now_ms());
            let from = civil::years_before(&until, YEARS);
            show(office, books, &visitor, space, (from, until, ""), None)
        })
        .await
}

/// The file.
pub(super) async fn make(
    State(office): State<Arc<Office>>,
    Path(space): Path<SpaceId>,
    Posted { visitor, sent }: Posted,
) -> Result<Response, Failure> {
    office
        .with_books(move |office, books| {
            let space = books.enter_to(Action::AccessLog, office, &visitor, space)?;
            let (from, until) = (sent.one("from").to_owned(), sent.one("until").to_owned());
            let given = (from.clone(), until.clone(), sent.one("reason"));
            let window = civil::moment(&from).zip(civil::end_of_day(&until));
            let Some(window) = window.filter(|(from, until)| from < until) else {
                return show(
                    office,
                    books,
                    &visitor,
                    space,
                    given,
                    Some("excerpt-window"),
                );
            };
            let Some(reason) = sent.line("reason") else {
                return show(
                    office,
                    books,
                    &visitor,
                    space,
                    given,
                    Some("reason-missing"),
                );
            };
            books.record(office)?;
            let whom = match sent.one("subject") {
                "" => None,
                id => {
                    let known = choices(books, visitor.words, &space, id)?.into_iter();
                    let mut chosen = known.filter(|choice| choice.chosen);
                    Some(chosen.next().ok_or(Failure::NotFound)?)
                }
            };
            let documents = documents(books, &space, whom.as_ref())?;
            let asked = Asked {
                space: space.id,
                subject: match &whom {
                    None => None,
                    Some(whom) => {
                        let (db, now) = (&books.people, documents.keys().copied());
                        let docs = Documents::of(db, Some(space.id), &whom.value, now)?;
                        Some((whom.value.clone(), docs))
                    }
                },
                from_ms: window.0,
                until_ms: window.1,
                limit: ROWS,
            };
            let Some(found) = excerpt::of(&books.people, &asked)? else {
                return show(office, books, &visitor, space, given, Some("excerpt-long"));
            };
            let about = whom.as_ref().map_or(EVERYBODY, |whom| &whom.value);
            let place = (Some(space.id), None);
            let what = format!("{EXPORT_OF}{about}: {reason}");
            books.note(office, visitor.who.member, "export", place, Some(&what))?;
            let sheet = Sheet {
                words: visitor.words,
                whom: whom.map_or_else(|| visitor.words.t("excerpt-all"), |whom| whom.label),
                days: (from, until),
                reason,
                by: visitor.who.name.clone(),
                at_ms: office.env.now_ms(),
                found,
                space,
            };
            let rows = sheet.rows(books, &documents)?;
            match sent.one("form") {
                "csv" => sheet.csv(&rows),
                _ => sheet.pdf(&rows),
            }
        })
        .await
}

fn show(
    office: &Office,
    books: &mut Books,
    visitor: &Visitor,
    space: Space,
    (from, until, reason): (String, String, &str),
    wrong: Option<&str>,
) -> Result<Response, Failure> {
    books.record(office)?;
    let mut frame = visitor.frame();
    frame.here = format!("/office/spaces/{}/access", space.id);
    let status = match wrong {
        None => StatusCode::OK,
        Some(_) => StatusCode::UNPROCESSABLE_ENTITY,
    };
    let page = html(&Page {
        frame,
        subjects: choices(books, visitor.words, &space, "")?,
        from,
        until,
        reason: reason.to_owned(),
        said: None,
        wrong: wrong.map(|key| visitor.words.t(key)),
        space,
    });
    Ok((status, page).into_response())
}

/// The farms and clients there are, and those that something here was about.
fn choices(
    books: &Books,
    words: &'static Words,
    space: &Space,
    chosen: &str,
) -> Result<Vec<Choice>, Failure> {
    let mut choices = subjects(books, words, space, chosen)?;
    for subject in of_space(&books.people, space.id)? {
        if choices.iter().all(|choice| choice.value != subject) {
            let label: String = subject.chars().take(8).collect();
            choices.push(Choice {
                label: words.with("excerpt-former", &[("client", &label)]),
                chosen: subject == chosen,
                value: subject,
            });
        }
    }
    Ok(choices)
}

/// What the documents of a space, or those about one client, are called.
fn documents(
    books: &Books,
    space: &Space,
    whom: Option<&Choice>,
) -> Result<BTreeMap<DocId, list::Row>, Failure> {
    let Some(record) = books.opened() else {
        return Ok(BTreeMap::new());
    };
    let query = Query {
        spaces: Some(vec![space.id]),
        subject: whom.map(|whom| whom.value.clone()),
        limit: usize::MAX >> 1,
        ..Query::default()
    };
    let found = list::list(record.conn(), &query)?.rows.into_iter();
    Ok(found.map(|row| (row.doc, row)).collect())
}

/// Everything one file says.
struct Sheet {
    words: &'static Words,
    space: Space,
    whom: String,
    days: (String, String),
    reason: String,
    by: String,
    at_ms: i64,
    found: Excerpt,
}

/// The columns: the key of the words, and the share of the width.
const COLUMNS: [(&str, f32); 5] = [
    ("access-when", 1.15),
    ("access-who", 1.1),
    ("access-what", 1.0),
    ("excerpt-document", 1.45),
    ("access-reason", 1.2),
];

impl Sheet {
    fn rows(
        &self,
        books: &Books,
        documents: &BTreeMap<DocId, list::Row>,
    ) -> Result<Vec<Vec<String>>, Failure> {
        let mut names: BTreeMap<MemberId, String> = BTreeMap::new();
        let mut rows = Vec::with_capacity(self.found.rows.len());
        for entry in &self.found.rows {
            let who = match entry.member {
                None => self.words.t("access-command-line"),
                Some(member) => match names.get(&member) {
                    Some(name) => name.clone(),
                    None => {
                        let name = self.name(books, member)?;
                        names.insert(member, name.clone());
                        name
                    }
                },
            };
            rows.push(vec![
                self.words.instant(entry.at_ms),
                who,
                self.words
                    .find(&format!("access-{}", entry.action), None)
                    .unwrap_or_else(|| entry.action.clone()),
                self.document(entry, documents),
                entry.reason.clone().unwrap_or_default(),
            ]);
        }
        Ok(rows)
    }

    /// Somebody's name, and of whom they are if not of the space's organisation.
    fn name(&self, books: &Books, member: MemberId) -> Result<String, Failure> {
        Ok(match people::name_and_org(&books.people, member)? {
            None => self.words.t("nobody-known"),
            Some((name, org)) if org == self.space.org => name,
            Some((name, org)) => format!("{name} ({org})"),
        })
    }

    fn document(&self, entry: &Entry, documents: &BTreeMap<DocId, list::Row>) -> String {
        let Some(doc) = entry.doc else {
            return self.words.t("excerpt-list");
        };
        let Some(row) = documents.get(&doc) else {
            return self.words.t("excerpt-gone");
        };
        let kind = self.words.t(&format!("kind-{}", row.kind.code()));
        let date = row.date.as_deref().map(|date| self.words.date(date));
        let mut title: String = row.title.chars().take(TITLE).collect();
        if title.len() < row.title.len() {
            title.push('…');
        }
        let parts = [Some(kind), date, (!title.is_empty()).then_some(title)];
        parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
    }

    fn pdf(&self, rows: &[Vec<String>]) -> Result<Response, Failure> {
        let words = self.words;
        let days = (words.date(&self.days.0), words.date(&self.days.1));
        let mut facts = vec![
            (words.t("excerpt-whom"), self.whom.clone()),
            (
                words.t("excerpt-where"),
                format!("{}, {}", self.space.name, self.space.org),
            ),
            (
                words.t("excerpt-period"),
                format!("{} – {}", days.0, days.1),
            ),
            (words.t("access-reason"), self.reason.clone()),
            (
                words.t("excerpt-made"),
                format!("{}, {}", words.instant(self.at_ms), self.by),
            ),
            (words.t("excerpt-rows"), rows.len().to_string()),
        ];
        if let Some((number, hash)) = self.found.log_at {
            let hash = data_encoding::HEXLOWER.encode(&hash);
            facts.push((words.t("excerpt-log"), format!("{number}, {hash}")));
        }
        let columns = COLUMNS.map(|(key, share)| Column {
            label: words.t(key),
            share,
        });
        let foot = |page: usize, pages: usize| {
            let (page, pages) = (page.to_string(), pages.to_string());
            words.with("page-of", &[("page", &page), ("pages", &pages)])
        };
        let file = pdf::a4(&Report {
            language: words.lang.code(),
            title: &words.t("excerpt-title"),
            facts: &facts,
            note: &words.t("excerpt-note"),
            columns: &columns,
            rows,
            foot: &foot,
        });
        let file = file.map_err(|error| {
            tracing::error!(%error, "office: an excerpt");
            Failure::Server
        })?;
        Ok(self.file("application/pdf", "pdf", file))
    }

    /// As Finnish spreadsheets read it: semicolons, and a mark of UTF-8.
    fn csv(&self, rows: &[Vec<String>]) -> Result<Response, Failure> {
        let failed = |error: csv::Error| {
            tracing::error!(%error, "office: an excerpt");
            Failure::Server
        };
        let mut csv = csv::WriterBuilder::new()
            .delimiter(b';')
            .from_writer("\u{feff}".as_bytes().to_vec());
        csv.write_record(COLUMNS.map(|(key, _)| self.words.t(key)))
            .map_err(failed)?;
        for row in rows {
            csv.write_record(row.iter().map(|text| cell(text)))
                .map_err(failed)?;
        }
        let file = csv.into_inner().map_err(|_| Failure::Server)?;
        Ok(self.file("text/csv; charset=utf-8", "csv", file))
    }

    fn file(&self, sort: &'static str, ending: &str, bytes: Vec<u8>) -> Response {
        let day = civil::day(self.at_ms);
        let name = format!("attachment; filename=\"sopu-{day}.{ending}\"");
        let headers = [
            (header::CONTENT_TYPE, sort.to_owned()),
            (header::CONTENT_DISPOSITION, name),
        ];
        (headers, bytes).into_response()
    }
}
