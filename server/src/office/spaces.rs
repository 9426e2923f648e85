//! The spaces somebody belongs to, with what waits in each.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::{Redirect, Response};
use sopu_core::id::SpaceId;
use sopu_core::store::list::{self, Query};

use super::books::Books;
use super::frame::{Frame, html};
use super::visitor::Visitor;
use super::{Failure, Office, findings};
use crate::access::{Action, people, spaces_of};

#[derive(Template)]
#[template(path = "spaces.html")]
struct Page {
    frame: Frame,
    rows: Vec<Row>,
}

struct Row {
    id: SpaceId,
    name: String,
    org: String,
    role: String,
    /// What waits there, for those who read it.
    waits: Option<Waits>,
}

struct Waits {
    documents: u64,
    conflicts: u64,
    findings: usize,
}

/// The root leads to the office.
pub(super) async fn home() -> Redirect {
    Redirect::to("/office")
}

/// No such page.
pub(super) async fn nothing() -> Failure {
    Failure::NotFound
}

/// The list.
pub(super) async fn page(
    State(office): State<Arc<Office>>,
    visitor: Visitor,
) -> Result<Response, Failure> {
    office
        .with_books(move |office, books| {
            let rows = rows(office, books, &visitor)?;
            Ok(html(&Page {
                frame: visitor.frame(),
                rows,
            }))
        })
        .await
}

fn rows(office: &Office, books: &mut Books, visitor: &Visitor) -> Result<Vec<Row>, Failure> {
    let spaces = spaces_of(&books.people, visitor.who.member, office.env.now_ms())?;
    let mut rows = Vec::with_capacity(spaces.len());
    for (id, role) in spaces {
        let Some((name, org)) = people::space_heading(&books.people, id)? else {
            continue;
        };
        let label = visitor.words.t(&format!("role-{}", role.code()));
        if !role.may(Action::Read) {
            rows.push(Row {
                id,
                name,
                org,
                role: label,
                waits: None,
            });
            continue;
        }
        let (mut documents, mut conflicts) = (0, 0);
        if let Some(record) = books.record(office)? {
            let all = Query {
                spaces: Some(vec![id]),
                limit: 0,
                ..Query::default()
            };
            documents = list::list(record.conn(), &all)?.total;
            conflicts = list::list(
                record.conn(),
                &Query {
                    conflicts_only: true,
                    ..all
                },
            )?
            .total;
        }
        let findings = findings::of_space(office, books, id)?.len();
        rows.push(Row {
            id,
            name,
            org,
            role: label,
            waits: Some(Waits {
                documents,
                conflicts,
                findings,
            }),
        });
    }
    rows.sort_by_key(|row| row.name.to_lowercase());
    Ok(rows)
}
