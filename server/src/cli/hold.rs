//! `sopu hold`.

use std::io::Write;

use clap::{Args, Subcommand};
use rusqlite::Connection;
use sopu_core::id::{DocId, SpaceId};
use sopu_core::wire::NoticeKind;

use super::{CliError, Desk};
use crate::access::excerpt::{HOLD, LIFT};
use crate::access::log::{self, Entry};
use crate::access::people::{self, What};
use crate::access::{erasures, notices, whole};
use crate::data::Data;
use crate::relay::Relay;

#[derive(Debug, Subcommand)]
pub(super) enum Hold {
    /// Put on legal hold: what must be kept is not erased until the hold is lifted
    Set(Held),
    /// Lift a legal hold
    Lift(Held),
}

/// What is held, and why.
#[derive(Debug, Args)]
pub(super) struct Held {
    /// A document, by its id: the last part of its page's address
    #[arg(required_unless_present = "client")]
    doc: Option<DocId>,
    /// Every document about one farm or client of a space, as documents name them, also those that come later
    #[arg(long, value_name = "ID", requires = "space", conflicts_with = "doc")]
    client: Option<String>,
    /// The client's space
    #[arg(long)]
    space: Option<String>,
    /// Why; it stays in the access log
    #[arg(long)]
    reason: String,
}

impl Hold {
    pub(super) fn run(
        &self,
        desk: &mut Desk,
        data: &Data,
        out: &mut dyn Write,
    ) -> Result<(), CliError> {
        let (what, held) = match self {
            Hold::Set(what) => (what, true),
            Hold::Lift(what) => (what, false),
        };
        if what.reason.trim().is_empty() {
            return Err(CliError::Usage("say why, with --reason".to_owned()));
        }
        let client = match (&what.client, &what.space) {
            (Some(subject), Some(space)) => {
                let space = SpaceId(people::find(&desk.db, What::Space, space)?);
                Some((space, subject.as_str()))
            }
            _ => None,
        };
        let mut docs: Vec<DocId> = what.doc.into_iter().collect();
        if let Some((space, subject)) = client {
            for doc in super::audit::about(data, subject)? {
                if erasures::space_of(&desk.db, doc)? == Some(space) {
                    docs.push(doc);
                }
            }
        }
        for doc in &docs {
            let there = erasures::space_of(&desk.db, *doc)?.is_some();
            if !there || erasures::erased_ms(&desk.db, *doc)?.is_some() {
                return Err(CliError::Usage("there is no such document".to_owned()));
            }
        }
        wish(desk, client, &docs, held, &what.reason)?;
        carry_out(desk, data, &docs)?;
        let done = if held {
            "on legal hold"
        } else {
            "not on hold any more"
        };
        match docs.len() {
            1 => writeln!(out, "The document is {done}.")?,
            n => writeln!(out, "{n} documents are {done}.")?,
        }
        Ok(())
    }
}

/// Writes down what the relay is to say, and who wanted it why, in one transaction.
fn wish(
    desk: &Desk,
    client: Option<(SpaceId, &str)>,
    docs: &[DocId],
    held: bool,
    reason: &str,
) -> Result<(), CliError> {
    whole(&desk.db, |tx| {
        wish_within(tx, desk.now(), client, docs, held, reason)
    })
}

fn wish_within(
    tx: &Connection,
    at_ms: i64,
    client: Option<(SpaceId, &str)>,
    docs: &[DocId],
    held: bool,
    reason: &str,
) -> Result<(), CliError> {
    let note = |space, doc, reason: String| {
        let action = if held { HOLD } else { LIFT };
        let entry = Entry {
            at_ms,
            member: None,
            action: action.to_owned(),
            space,
            doc,
            reason: Some(reason),
        };
        log::record(tx, &entry)
    };
    if let Some((space, subject)) = client {
        note(Some(space), None, format!("{subject}: {reason}"))?;
        notices::hold_client(tx, space, subject, held)?;
    }
    for doc in docs {
        note(erasures::space_of(tx, *doc)?, Some(*doc), reason.to_owned())?;
        notices::wish(tx, *doc, &NoticeKind::LegalHold(held))?;
    }
    Ok(())
}

/// By the server, if one runs, or else here.
fn carry_out(desk: &mut Desk, data: &Data, docs: &[DocId]) -> Result<(), CliError> {
    desk.have_done(data, Relay::say_wished, |desk| {
        for doc in docs {
            if notices::waits(&desk.db, *doc)? {
                return Ok(None);
            }
        }
        Ok(Some(()))
    })
}
