//! Whether a data folder, or a backup, holds what was written: pages, the ledger's chain, every feed
//! from its first entry on, and the merged record against the feeds. Nothing is written; a server may
//! run meanwhile.

use std::path::Path;

use rusqlite::Connection;
use sopu_core::store::lost_commits;

use crate::access::log;
use crate::backup::{self, MANIFEST};
use crate::data::{Data, is_readable};
use crate::ledger;
use crate::relay::{DATABASE, LEDGER, RECORD, restore};
use crate::store::sqlite::SqliteStore;
use crate::store::{Purpose, StoreError, Transactions, flushed};

mod feeds;
pub(crate) use feeds::run_is_signed;
mod people;
mod record;

/// What is wrong, where, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The file.
    pub file: &'static str,
    /// What was found.
    pub what: String,
}

impl Finding {
    fn new(file: &'static str, what: impl Into<String>) -> Self {
        Self {
            file,
            what: what.into(),
        }
    }

    /// What a person does about it.
    pub fn advice(&self) -> &'static str {
        match self.file {
            RECORD => "stop the server and run `sopu rebuild`: the record is made anew",
            LEDGER => {
                "stop the server and put the newest whole copy of the ledger in its place; every \
                 backup has one"
            }
            MANIFEST => "do not restore this backup; use another one",
            _ => {
                "stop the server and run `sopu restore` with the newest backup that is whole; \
                 devices bring back what it lacks"
            }
        }
    }
}

/// What was looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Entries of feeds.
    pub entries: u64,
    /// Documents of the record.
    pub documents: u64,
    /// Lines of the ledger.
    pub lines: usize,
    /// It is a sealed backup: its files are as they were written, and nobody looked inside.
    pub sealed: bool,
    /// What is wrong.
    pub findings: Vec<Finding>,
    /// What is as it was written, and still somebody should know of.
    pub remarks: Vec<String>,
}

/// Findings of one kind that are written down; there may be many more.
const MOST: usize = 100;

/// Checks a data folder or a backup.
pub fn check(data: impl Into<Data>) -> Report {
    let data = data.into();
    let folder: &Path = &data;
    let mut report = Report::default();
    if folder.join(MANIFEST).exists() {
        match backup::verify(&data) {
            Ok(manifest) if manifest.is_sealed() => {
                report.sealed = true;
                return report;
            }
            Ok(_) => {}
            Err(error) => {
                let found = Finding::new(MANIFEST, error.to_string());
                report.findings.push(found);
                if !folder.join(DATABASE).exists() {
                    return report;
                }
            }
        }
    }
    report.remarks.extend(set_aside(&data));
    let keys = match &ledger_lines(folder) {
        Ok(lines) => {
            report.lines = lines.len();
            ledger::keys_of(lines)
        }
        Err(why) => {
            report.findings.push(Finding::new(LEDGER, why.clone()));
            None
        }
    };
    let lost = [
        (DATABASE, flushed::lost_commits(&folder.join(DATABASE))),
        (RECORD, lost_commits(&folder.join(RECORD))),
    ];
    for (file, lost) in lost {
        if lost {
            let what = "its log is damaged, and commits in it cannot be read any more";
            report.findings.push(Finding::new(file, what));
        }
    }
    // The record before the database: what it follows can only have grown since.
    let record = folder.join(RECORD).exists().then(|| record::look(&data));
    if let Err(error) = database(&data, keys.as_ref(), record, &mut report) {
        report
            .findings
            .push(Finding::new(DATABASE, error.to_string()));
    }
    report
}

fn ledger_lines(folder: &Path) -> Result<Vec<ledger::Line>, String> {
    let mut bytes = std::fs::read(folder.join(LEDGER)).map_err(|error| error.to_string())?;
    // A last line without its end was being written, or was torn; it never counted.
    ledger::cut_to_whole_lines(&mut bytes);
    ledger::lines(&bytes).map_err(|error| error.to_string())
}

/// What restores have set aside stays until somebody deletes it: nobody else erases anything there.
fn set_aside(data: &Data) -> Vec<String> {
    let told = data.set_aside().into_iter().map(|folder| {
        let plain = match is_readable(&folder) {
            true => ", which anybody can read",
            false => "",
        };
        format!(
            "{} holds databases{plain} from before a restore. What was erased since is still in them: delete \
             the folder when nothing of it is needed any more",
            folder.display()
        )
    });
    told.collect()
}

fn database(
    data: &Data,
    keys: Option<&crate::keys::RelayKeys>,
    record: Option<Result<record::Seen, String>>,
    report: &mut Report,
) -> Result<(), StoreError> {
    let still = data.join(MANIFEST).exists();
    let mut store = SqliteStore::open_to_check(&data.database(), data.key(), still)?;
    let pages = pages(store.connection())?;
    let broken = !pages.is_empty();
    report
        .findings
        .extend(pages.into_iter().map(|line| Finding::new(DATABASE, line)));
    if broken {
        // What stands on broken pages may be anything.
        return Ok(());
    }
    store.begin(Purpose::Read)?;
    if let Some(keys) = keys {
        let own = restore::ledger_key(&mut store)?;
        if own.is_some_and(|own| own != keys.public()) {
            let what = "it is the ledger of another relay than the database's";
            report.findings.push(Finding::new(LEDGER, what));
        }
        let known = restore::known(&mut store)?;
        // Once more: a server may have appended since, and told the database.
        let lines = ledger_lines(data).unwrap_or_default();
        let known = usize::try_from(known).unwrap_or(usize::MAX);
        match lines.get(..known) {
            Some(lines) => people::compare(&mut store, lines, report)?,
            None if !restore::can_know(known, lines.len()) => {
                let what = restore::KNOWS_TOO_MUCH;
                report.findings.push(Finding::new(DATABASE, what));
            }
            None => {
                let what = "it is older than the database: lines the database knows are not in it";
                report.findings.push(Finding::new(LEDGER, what));
            }
        }
    }
    if let Some(number) = access_log(store.connection())? {
        let what = format!("the access log is not as it was written from row {number} on");
        report.findings.push(Finding::new(DATABASE, what));
    }
    feeds::check(&mut store, keys, report)?;
    match record {
        Some(Ok(seen)) => record::compare(&mut store, &seen, report)?,
        Some(Err(why)) => report.findings.push(Finding::new(RECORD, why)),
        None => {}
    }
    store.rollback();
    Ok(())
}

/// Where the chain of the access log breaks. A file from before there was a chain has none.
fn access_log(db: &Connection) -> Result<Option<i64>, StoreError> {
    let chained = db
        .prepare("SELECT 1 FROM pragma_table_info('access_log') WHERE name = 'hash'")?
        .exists([])?;
    if !chained {
        return Ok(None);
    }
    Ok(log::verify(db)?)
}

/// SQLite's own check of every page and every reference.
fn pages(db: &Connection) -> Result<Vec<String>, StoreError> {
    let mut query = db.prepare(&format!("PRAGMA integrity_check({MOST})"))?;
    let lines = query.query_map([], |row| row.get::<_, String>(0))?;
    let mut found: Vec<String> = lines.collect::<rusqlite::Result<_>>()?;
    found.retain(|line| line != "ok");
    let mut query = db.prepare("PRAGMA foreign_key_check")?;
    let lines = query.query_map([], |row| {
        let (table, parent): (String, String) = (row.get(0)?, row.get(2)?);
        Ok(format!(
            "a row of {table} names one of {parent} that is not there"
        ))
    })?;
    for line in lines.take(MOST) {
        found.push(line?);
    }
    Ok(found)
}
