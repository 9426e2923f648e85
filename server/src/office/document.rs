//! One document: what it says, who signed it, what waits for a person, how far its saves have come.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use serde_json::Value;
use sopu_core::documents::Kind;
use sopu_core::id::{DocId, SpaceId};
use sopu_core::signing::{self, Comparison, Standing};
use sopu_core::store::view::View;

use super::books::{Books, Space};
use super::content::{Line, Show, Shown};
use super::documents::Choice;
use super::frame::{Frame, html, space_address};
use super::hold::Hold;
use super::names::Names;
use super::retention::{Judge, how_long};
use super::share::is_shared;
use super::states::{self, States};
use super::visitor::Visitor;
use super::{Failure, Office, findings, hold};
use crate::access::Action;
use crate::access::erasures::REASONS;
use crate::words::Words;

/// What the head of a document's pages shows.
pub struct Head {
    /// Its line.
    pub title: String,
    /// Its kind in words.
    pub kind: String,
    /// Its status in words.
    pub status: Option<String>,
    /// The status code, for its colour.
    pub status_code: String,
    /// Its date in words.
    pub date: Option<String>,
    /// Its address.
    pub address: String,
    /// Conflicts and clashes waiting.
    pub conflicts: usize,
    /// Whether the visitor may see who has read it.
    pub log: bool,
}

impl Head {
    /// The head of this document.
    pub fn of(words: &Words, space: &Space, view: &View) -> Self {
        Self {
            log: space.role.may(Action::AccessLog),
            title: if view.title.is_empty() {
                words.t("untitled")
            } else {
                view.title.clone()
            },
            kind: words.t(&format!("kind-{}", view.kind.code())),
            status: view
                .status
                .as_deref()
                .map(|s| super::documents::status_label(words, view.kind, s)),
            status_code: view.status.clone().unwrap_or_default(),
            date: view.date.as_deref().map(|d| words.date(d)),
            address: space_address(space, &format!("/documents/{}", view.doc)),
            conflicts: view.reading.conflicts.len(),
        }
    }
}

/// How far the signing of a contract is.
struct Signatures {
    content: String,
    same: bool,
    lines: Vec<Signature>,
}

struct Signature {
    line: String,
    verdict: String,
    holds: bool,
}

/// How long it is kept.
struct Retention {
    /// Of which class, and how long that is.
    class: String,
    /// The first day it need not be kept, if that is known.
    over: Option<String>,
    classes: Vec<Choice>,
}

struct Removed {
    field: String,
    text: String,
}

#[derive(Template)]
#[template(path = "document.html")]
struct Page {
    frame: Frame,
    space: Space,
    head: Head,
    lines: Vec<Line>,
    header: Vec<Line>,
    signatures: Option<Signatures>,
    findings: Vec<findings::Row>,
    removed: Vec<Removed>,
    unknown: Vec<String>,
    states: States,
    /// Whether relatives see it, if it is of a kind they can.
    sharing: Option<bool>,
    may_write: bool,
    /// How long it is kept, for who may erase it.
    retention: Option<Retention>,
    /// Whether it must be kept.
    hold: Hold,
    may_hold: bool,
    /// Whether it can be moved from here to the right client, and the visitor may.
    may_move: bool,
    /// The reasons it may be erased for, with their words; none if the visitor may not.
    reasons: Vec<(&'static str, String)>,
}

/// The page.
pub(super) async fn page(
    State(office): State<Arc<Office>>,
    visitor: Visitor,
    Path((space, doc)): Path<(SpaceId, DocId)>,
) -> Result<Response, Failure> {
    office
        .with_books(move |office, books| {
            let space = books.enter(office, &visitor, space)?;
            let view = books.open_document(office, &visitor, &space, doc, "read")?;
            office.writer.seen(space.id, doc);
            let found = findings::of_space(office, books, space.id)?;
            let about = findings::of_document(&found, doc);
            let findings = findings::rows(office, books, visitor.words, &space, about)?;
            let states = states::of(&books.people, doc)?;
            let retention = match space.role.may(Action::Erase) {
                true => Some(kept(office, books, visitor.words, &view)?),
                false => None,
            };
            let hold = hold::of(office, books, &view)?;
            let names = Names::of(&books.people, books.opened(), space.id, visitor.words)?;
            let show = Show {
                words: visitor.words,
                names: &names,
                kind: view.kind,
            };
            let page = Page {
                frame: visitor.frame(),
                head: Head::of(visitor.words, &space, &view),
                lines: show.own(&view.reading),
                header: show.header(&view.reading),
                signatures: (view.kind == Kind::Contract)
                    .then(|| signatures(&show, doc, &view.reading.value)),
                findings,
                removed: removed(&show, &view),
                unknown: view.reading.unknown.clone(),
                states,
                sharing: (view.kind == Kind::VisitNote).then(|| is_shared(&view.reading)),
                may_write: space.may_write(),
                retention,
                hold,
                may_hold: space.role.may(Action::Hold),
                may_move: view.kind == Kind::VisitNote && space.role.may(Action::Move),
                reasons: match space.role.may(Action::Erase) {
                    true => REASONS
                        .iter()
                        .map(|code| {
                            let key = code.replace('_', "-");
                            (*code, visitor.words.t(&format!("erase-reason-{key}")))
                        })
                        .collect(),
                    false => Vec::new(),
                },
                space,
            };
            Ok(html(&page))
        })
        .await
}

fn kept(
    office: &Office,
    books: &mut Books,
    words: &Words,
    view: &View,
) -> Result<Retention, Failure> {
    let judge = Judge::of(office, books, view.space)?;
    let judged = judge.judge(view);
    let code = judged.map(|(class, _)| class.code.as_str());
    Ok(Retention {
        class: match judged {
            Some((class, _)) => {
                let long = how_long(words, class);
                format!("{}: {long} ({})", class.name(words.lang), class.source)
            }
            None => words.t("retention-no-class"),
        },
        over: judged
            .and_then(|(_, over)| over)
            .map(|over| words.date(&over.to_string())),
        classes: judge.choices(words, code),
    })
}

fn removed(show: &Show<'_>, view: &View) -> Vec<Removed> {
    let items = view.reading.removed.iter();
    items
        .map(|item| Removed {
            field: show.label(&item.field),
            text: show.at(&format!("{}.{}", item.field, item.key), &item.value),
        })
        .collect()
}

/// Who is to sign and how each stands, judged against the seal in force.
fn signatures(show: &Show<'_>, doc: DocId, contract: &Value) -> Signatures {
    let state = signing::signing_state(doc, contract);
    let words = show.words;
    let entry = |log: &str, key: Option<uuid::Uuid>| contract.get(log)?.get(key?.to_string());
    let lines = state.signatories.iter().map(|signatory| {
        let signed = entry("signatures", signatory.entry);
        let text = |part: &str| signed?.get(part)?.as_str().map(ToOwned::to_owned);
        let who = text("signer_name")
            .or_else(|| show.names.find(signatory.signer))
            .unwrap_or_else(|| words.t("nobody-known"));
        let when = signed
            .and_then(|s| s.get("signed_at")?.as_i64())
            .map(|ms| words.instant(ms));
        let (verdict, holds) = match signatory.standing {
            Standing::Signed => (words.t("signature-holds"), true),
            Standing::Vouched => (words.t("signature-vouched"), true),
            Standing::OtherVersion => (words.t("signature-other"), false),
            Standing::Invalid => (words.t("signature-invalid"), false),
            Standing::Missing => (words.t("signature-missing"), false),
        };
        let line = match when {
            Some(when) => words.with("signature-by", &[("who", &who), ("when", &when)]),
            None => who,
        };
        Signature {
            line,
            verdict,
            holds,
        }
    });
    let content = match state.content {
        None => words.t("signature-not-locked"),
        Some(Comparison::Same) => words.t("signature-same"),
        Some(Comparison::Changed) => words.t("signature-changed"),
        Some(Comparison::CannotJudge) => words.t("signature-unjudged"),
    };
    Signatures {
        content,
        same: state.content == Some(Comparison::Same),
        lines: lines.collect(),
    }
}
