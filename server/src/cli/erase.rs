//! `sopu erase`.

use std::io::Write;

use clap::Subcommand;
use sopu_core::id::DocId;

use super::{CliError, Desk};
use crate::access::erasures::{self, REASONS, RECORD_DAMAGED, Standing};
use crate::access::log::{self, Entry};
use crate::access::subjects::about_now;
use crate::access::whole;
use crate::data::Data;
use crate::merge::subjects;
use crate::relay::Relay;
use crate::words::{Lang, Words};

#[derive(Debug, Subcommand)]
pub(super) enum Erase {
    /// Erase a document for good: here, in backups made later, and on every device
    Document {
        /// Its id, the last part of its page's address
        doc: DocId,
        /// Why: the person asked; its time is over; it was written on the wrong client; an order
        #[arg(long, value_parser = REASONS)]
        reason: String,
    },
    /// Erase every document about one farm or client, as documents name them
    Client {
        /// Its id, as documents name it
        subject: String,
        /// Why, as for a document
        #[arg(long, value_parser = REASONS)]
        reason: String,
        /// Only list the documents
        #[arg(long)]
        dry_run: bool,
    },
    /// Say which devices have confirmed that a document is gone from them
    Receipt {
        /// Its id
        doc: DocId,
    },
}

impl Erase {
    pub(super) fn run(
        &self,
        desk: &mut Desk,
        data: &Data,
        out: &mut dyn Write,
    ) -> Result<(), CliError> {
        match self {
            Erase::Document { doc, reason } => {
                wish(desk, *doc, reason)?;
                carry_out(desk, *doc, data)?;
                writeln!(
                    out,
                    "The document is erased. Devices purge it when they next sync."
                )?;
                receipt(desk, *doc, out)
            }
            Erase::Client {
                subject,
                reason,
                dry_run,
            } => client(desk, data, subject, reason, *dry_run, out),
            Erase::Receipt { doc } => receipt(desk, *doc, out),
        }
    }
}

/// Whoever is erased is erased everywhere or it is said what stays: each document by itself, so that one
/// on legal hold keeps no other.
fn client(
    desk: &mut Desk,
    data: &Data,
    subject: &str,
    reason: &str,
    dry_run: bool,
    out: &mut dyn Write,
) -> Result<(), CliError> {
    let mut docs = super::audit::about(data, subject)?;
    // The record lists a document under the one it shows, of several that people say: it may be another's.
    let mut disputed = Vec::new();
    for (doc, others) in about_now(&desk.db, subject)? {
        if others {
            docs.retain(|listed| *listed != doc);
            disputed.push(doc);
        } else if !docs.contains(&doc) {
            docs.push(doc);
        }
    }
    let unclear = add_beside(desk, subject, &mut docs)?;
    if unclear > 0 {
        writeln!(
            out,
            "{unclear} pieces of work are not in the record, or not yet, and do not say whom they are about: \
             some may be about them. Look through what is to be reviewed and what was left out, and run this \
             again."
        )?;
    }
    for doc in &disputed {
        writeln!(
            out,
            "{doc} stays: people do not agree whom it is about. Settle that and run this again, or erase it by \
             itself."
        )?;
    }
    if docs.is_empty() && disputed.is_empty() {
        return Err(CliError::Usage(nobody(subject)));
    }
    if dry_run {
        for doc in &docs {
            writeln!(out, "{doc}")?;
        }
        writeln!(out, "{} documents; nothing was erased.", docs.len())?;
        return Ok(());
    }
    for doc in &docs {
        wish(desk, *doc, reason)?;
    }
    let mut kept = 0;
    for doc in &docs {
        if let Err(error) = carry_out(desk, *doc, data) {
            kept += 1;
            writeln!(out, "{doc} stays: {error}")?;
        }
    }
    writeln!(
        out,
        "{} of {} documents are erased. Devices purge them when they next sync; `sopu erase receipt ID` \
         says which have.",
        docs.len() - kept,
        docs.len() + disputed.len()
    )?;
    kept += disputed.len();
    if kept > 0 {
        return Err(CliError::Usage(format!("{kept} documents were not erased")));
    }
    Ok(())
}

/// What is said of an id that no document names: it may be mistyped.
pub(super) fn nobody(subject: &str) -> String {
    format!("no document is about {subject}; give the id as documents name it")
}

/// Adds the documents of which nothing is in the record, if what is kept of them is about this farm or client.
/// Gives how many other pieces of work there are of which that cannot be told.
pub(super) fn add_beside(
    desk: &Desk,
    subject: &str,
    docs: &mut Vec<DocId>,
) -> Result<u64, CliError> {
    let mut unclear = 0;
    for kept in erasures::beside(&desk.db)? {
        if docs.contains(&kept.doc) {
            continue;
        }
        if kept.in_record {
            // One that never will enter is about whom its document is.
            unclear += kept.undecided;
            continue;
        }
        let about = subjects::of_runs(&erasures::runs(&desk.db, kept.doc)?);
        if about.contains(subject) {
            docs.push(kept.doc);
        } else if about.is_empty() {
            unclear += kept.all;
        }
    }
    Ok(unclear)
}

/// Writes down that a document is to be erased, and who wanted it why.
fn wish(desk: &Desk, doc: DocId, reason: &str) -> Result<(), CliError> {
    let entry = Entry {
        at_ms: desk.now(),
        member: None,
        action: "erase".to_owned(),
        space: erasures::space_of_kept(&desk.db, doc)?,
        doc: Some(doc),
        reason: Some(reason.to_owned()),
    };
    whole(&desk.db, |db| {
        erasures::wish(db, doc, reason)?;
        Ok(log::record(db, &entry)?)
    })
}

/// By the server, if one runs, or else here.
fn carry_out(desk: &mut Desk, doc: DocId, data: &Data) -> Result<(), CliError> {
    desk.have_done(
        data,
        Relay::carry_out_wishes,
        |desk| match erasures::standing(&desk.db, doc)? {
            Standing::None => Ok(Some(())),
            Standing::Waiting => Ok(None),
            Standing::Refused(problem) => {
                if problem != RECORD_DAMAGED {
                    erasures::forget(&desk.db, doc)?;
                }
                Err(CliError::Usage(match problem.as_str() {
                    "unknown" => "there is no such document".to_owned(),
                    "legal_hold" => {
                        "the document is on legal hold; take the hold off first".to_owned()
                    }
                    RECORD_DAMAGED => {
                        "the merged record is damaged, and the document is not wholly erased yet; start the \
                         server again: the record is made anew, and the erasure is completed"
                            .to_owned()
                    }
                    other => format!("the document cannot be erased: {other}"),
                }))
            }
        },
    )
}

fn receipt(desk: &Desk, doc: DocId, out: &mut dyn Write) -> Result<(), CliError> {
    let words = Words::of(Lang::En);
    let Some(at_ms) = erasures::erased_ms(&desk.db, doc)? else {
        return Err(CliError::Usage("the document is not erased".to_owned()));
    };
    writeln!(out, "Erased {}.", words.instant(at_ms))?;
    let rows = erasures::receipt(&desk.db, doc)?;
    if rows.is_empty() {
        writeln!(out, "No device has ever held it.")?;
    }
    for row in rows {
        let state = match row.confirmed_ms {
            Some(ms) => format!("confirmed {}", words.instant(ms)),
            None => "has not confirmed yet".to_owned(),
        };
        writeln!(out, "{}, {}: {state}", row.member, row.device)?;
    }
    Ok(())
}
