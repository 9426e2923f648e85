//! `sopu audit`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::Subcommand;
use sopu_core::id::{DocId, MemberId, SpaceId};
use sopu_core::store::Store;
use sopu_core::store::list::{Query, list};

use super::{CliError, Desk};
use crate::access::excerpt::{EVERYBODY, EXPORT_OF, cell};
use crate::access::log::{self, Entry};
use crate::access::people::{self, What};
use crate::access::subjects::Documents;
use crate::audit::{self, AuditError};
use crate::data::Data;

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
    /// Write a space's signed history into a file that can be checked anywhere: envelopes, keys, access log
    Export {
        /// The space: name or id
        space: String,
        /// The file to make; it must not exist
        #[arg(value_name = "FILE")]
        target: PathBuf,
        /// Why; goes into the access log
        #[arg(long)]
        reason: String,
    },
    /// Check such a file, or without one whether the access log here is as it was written
    Verify {
        /// A file that `sopu audit export` made, here or elsewhere
        #[arg(value_name = "FILE")]
        export: Option<PathBuf>,
        /// The relay's key, as you know it from elsewhere (64 hexadecimal digits)
        #[arg(long, requires = "export", value_name = "KEY", value_parser = relay_key)]
        relay: Option<[u8; 32]>,
    },
}

impl Audit {
    pub(super) fn run(
        &self,
        desk: &mut Desk,
        data: &Data,
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
                let space = match space {
                    Some(space) => Some(SpaceId(people::find(db, What::Space, space)?)),
                    None => None,
                };
                let rows = match (doc, space, subject) {
                    (Some(doc), _, _) => log::of_document(db, *doc, *limit)?,
                    (None, Some(space), _) => log::of_space(db, space, *limit)?,
                    (None, None, Some(subject)) => of_subject(desk, data, subject, *limit)?,
                    (None, None, None) => log::all(db, *limit)?,
                };
                let entry = Entry {
                    at_ms: desk.now(),
                    member: None,
                    action: "export".to_owned(),
                    space,
                    doc: *doc,
                    reason: Some(format!(
                        "{EXPORT_OF}{}: {}",
                        match (doc, space, subject) {
                            (Some(_), ..) => "the document",
                            (None, Some(_), _) => EVERYBODY,
                            (None, None, Some(subject)) => subject,
                            (None, None, None) => "everything",
                        },
                        reason.as_deref().unwrap_or("no reason given")
                    )),
                };
                log::record(db, &entry)?;
                write_csv(desk, &rows, out)
            }
            Audit::Export {
                space,
                target,
                reason,
            } => export_to(desk, data, space, target, reason, out),
            Audit::Verify { .. } => match log::verify(&desk.db)? {
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

fn relay_key(text: &str) -> Result<[u8; 32], String> {
    let bytes = data_encoding::HEXLOWER_PERMISSIVE.decode(text.as_bytes());
    let key = bytes.ok().and_then(|bytes| bytes.try_into().ok());
    key.ok_or_else(|| "a relay's key has 64 hexadecimal digits".to_owned())
}

fn export_to(
    desk: &Desk,
    data: &Data,
    space: &str,
    target: &Path,
    reason: &str,
    out: &mut dyn Write,
) -> Result<(), CliError> {
    let space = SpaceId(people::find(&desk.db, What::Space, space)?);
    let entry = Entry {
        at_ms: desk.now(),
        member: None,
        action: "export".to_owned(),
        space: Some(space),
        doc: None,
        reason: Some(format!("signed history: {reason}")),
    };
    log::record(&desk.db, &entry)?;
    let failed = |why| AuditError::Unreadable(target.to_owned(), why);
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(target).map_err(failed)?;
    let mut writer = BufWriter::new(file);
    let done = audit::export(data, space, desk.now(), &mut writer)?;
    let file = writer
        .into_inner()
        .map_err(|error| failed(error.into_error()))?;
    file.sync_all().map_err(failed)?;
    writeln!(
        out,
        "{} entries and {} rows of the access log are in {}.\nThe relay that signed them: {}",
        done.entries,
        done.rows,
        target.display(),
        data_encoding::HEXLOWER.encode(&done.relay)
    )?;
    Ok(())
}

/// Checks an exported history.
pub(super) fn verify_export(
    file: &Path,
    relay: Option<[u8; 32]>,
    out: &mut dyn Write,
) -> Result<(), CliError> {
    let failed = |why| AuditError::Unreadable(file.to_owned(), why);
    let opened = File::open(file).map_err(failed)?;
    let found = audit::verify(&mut BufReader::new(opened), relay).map_err(failed)?;
    for finding in &found.findings {
        writeln!(out, "line {} {}", finding.line, finding.what)?;
    }
    if !found.findings.is_empty() {
        return Err(CliError::Damaged);
    }
    writeln!(
        out,
        "Everything is as it was signed: space {}, {} entries ({} of them erased), {} rows of the access \
         log.",
        found.name, found.entries, found.erased, found.rows
    )?;
    let key = found.relay.map(|key| data_encoding::HEXLOWER.encode(&key));
    match relay {
        Some(_) => writeln!(out, "The relay you named has signed it.")?,
        None => writeln!(
            out,
            "Signed by the relay {}. Ask whoever runs it whether that is its key, or name it: --relay KEY.",
            key.unwrap_or_default()
        )?,
    }
    Ok(())
}

/// The rows of every document about a farm or client.
fn of_subject(desk: &Desk, data: &Data, subject: &str, limit: u32) -> Result<Vec<Entry>, CliError> {
    let mut rows = Vec::new();
    let docs = Documents::of(&desk.db, None, subject, about(data, subject)?)?;
    let all: BTreeSet<DocId> = docs.about.keys().chain(&docs.earlier).copied().collect();
    if all.is_empty() {
        // Of what never entered the record nobody notes whom it is about.
        let mut beside = Vec::new();
        super::erase::add_beside(desk, subject, &mut beside)?;
        if beside.is_empty() {
            return Err(CliError::Usage(super::erase::nobody(subject)));
        }
    }
    for doc in all {
        let found = log::of_document(&desk.db, doc, limit)?.into_iter();
        rows.extend(found.filter(|row| docs.concerns(doc, row.at_ms)));
    }
    rows.sort_by_key(|row| std::cmp::Reverse(row.at_ms));
    Ok(rows)
}

/// Every document about a farm or client.
pub(super) fn about(data: &Data, subject: &str) -> Result<Vec<DocId>, CliError> {
    let unreadable = |why: String| CliError::Data {
        path: data.to_path_buf(),
        why,
    };
    let record = Store::open_reader_with(&data.record(), data.key());
    let record = record.map_err(|e| unreadable(e.to_string()))?;
    let query = Query {
        subject: Some(subject.to_owned()),
        limit: usize::MAX >> 1,
        ..Query::default()
    };
    let found = list(record.conn(), &query).map_err(|e| unreadable(e.to_string()))?;
    Ok(found.rows.into_iter().map(|row| row.doc).collect())
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
            // A name that is nobody's is not written down: people type their passwords there.
            None if row.action == "sign_in_refused" => String::new(),
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
            cell(&who),
            id(row.member.map(|id| id.to_string())),
            row.action.clone(),
            id(row.space.map(|id| id.to_string())),
            id(row.doc.map(|id| id.to_string())),
            cell(row.reason.as_deref().unwrap_or_default()),
        ])
        .map_err(failed)?;
    }
    csv.flush()?;
    Ok(())
}
