//! `sopu audit`.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use clap::Subcommand;
use sopu_core::id::{DocId, MemberId, SpaceId};
use sopu_core::store::Store;
use sopu_core::store::list::{Query, list};

use super::{CliError, Desk};
use crate::access::log::{self, Entry};
use crate::access::people::{self, What};
use crate::relay::RECORD;

/// Rows at most, unless told otherwise.
const ROWS: u32 = 1_000_000;

#[derive(Debug, Subcommand)]
pub(super) enum Audit {
    /// Who read, exported and administered what, newest first, as CSV
    Access {
        /// Of one document, by its id
        #[arg(long)]
        doc: Option<DocId>,
        /// Of one space: name or id
        #[arg(long, conflicts_with = "doc")]
        space: Option<String>,
        /// Of one farm or client, as documents name them
        #[arg(long, conflicts_with_all = ["doc", "space"])]
        subject: Option<String>,
        /// This many rows at most
        #[arg(long, default_value_t = ROWS)]
        limit: u32,
        /// Why it is looked at; goes into the log too
        #[arg(long)]
        reason: Option<String>,
    },
    /// Say whether the access log is as it was written
    Verify,
}

impl Audit {
    pub(super) fn run(
        &self,
        desk: &mut Desk,
        data: &Path,
        out: &mut dyn Write,
    ) -> Result<(), CliError> {
        match self {
            Audit::Access {
                doc,
                space,
                subject,
                limit,
                reason,
            } => {
                let db = &desk.db;
                let rows = match (doc, space, subject) {
                    (Some(doc), _, _) => log::of_document(db, *doc, *limit)?,
                    (None, Some(space), _) => {
                        let space = SpaceId(people::find(db, What::Space, space)?);
                        log::of_space(db, space, *limit)?
                    }
                    (None, None, Some(subject)) => of_subject(desk, data, subject, *limit)?,
                    (None, None, None) => log::all(db, *limit)?,
                };
                let entry = Entry {
                    at_ms: desk.now(),
                    member: None,
                    action: "export".to_owned(),
                    space: None,
                    doc: *doc,
                    reason: Some(format!(
                        "access log: {}",
                        reason.as_deref().unwrap_or("no reason given")
                    )),
                };
                log::record(db, &entry)?;
                write_csv(desk, &rows, out)
            }
            Audit::Verify => match log::verify(&desk.db)? {
                None => Ok(writeln!(out, "The access log is as it was written.")?),
                Some(number) => {
                    writeln!(
                        out,
                        "The access log is not as it was written from row {number} on."
                    )?;
                    Err(CliError::Damaged)
                }
            },
        }
    }
}

/// The rows of every document about a farm or client.
fn of_subject(desk: &Desk, data: &Path, subject: &str, limit: u32) -> Result<Vec<Entry>, CliError> {
    let unreadable = |why: String| CliError::Data {
        path: data.to_owned(),
        why,
    };
    let record = Store::open_reader(&data.join(RECORD)).map_err(|e| unreadable(e.to_string()))?;
    let query = Query {
        subject: Some(subject.to_owned()),
        limit: usize::MAX >> 1,
        ..Query::default()
    };
    let found = list(record.conn(), &query).map_err(|e| unreadable(e.to_string()))?;
    let mut rows = Vec::new();
    for row in found.rows {
        rows.extend(log::of_document(&desk.db, row.doc, limit)?);
    }
    rows.sort_by_key(|row| std::cmp::Reverse(row.at_ms));
    Ok(rows)
}

fn write_csv(desk: &Desk, rows: &[Entry], out: &mut dyn Write) -> Result<(), CliError> {
    let failed = |error: csv::Error| CliError::Output(std::io::Error::other(error));
    let mut names: BTreeMap<MemberId, String> = BTreeMap::new();
    let mut csv = csv::Writer::from_writer(out);
    csv.write_record([
        "at", "who", "member", "action", "space", "document", "reason",
    ])
    .map_err(failed)?;
    for row in rows {
        let who = match row.member {
            None => "command line".to_owned(),
            Some(member) => match names.get(&member) {
                Some(name) => name.clone(),
                None => {
                    let name = people::name_of(&desk.db, member)?.unwrap_or_default();
                    names.insert(member, name.clone());
                    name
                }
            },
        };
        let at = jiff::Timestamp::from_millisecond(row.at_ms).unwrap_or_default();
        let id = |id: Option<String>| id.unwrap_or_default();
        csv.write_record([
            at.to_string(),
            plain(&who),
            id(row.member.map(|id| id.to_string())),
            row.action.clone(),
            id(row.space.map(|id| id.to_string())),
            id(row.doc.map(|id| id.to_string())),
            plain(row.reason.as_deref().unwrap_or_default()),
        ])
        .map_err(failed)?;
    }
    csv.flush()?;
    Ok(())
}

/// What a spreadsheet would take for a formula begins with an apostrophe instead (OWASP, CSV injection).
fn plain(text: &str) -> String {
    match text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        true => format!("'{text}"),
        false => text.to_owned(),
    }
}
