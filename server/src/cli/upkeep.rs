//! `sopu check` and `sopu rebuild`.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use sopu_core::time::SystemEnv;

use super::CliError;
use crate::backup::{MANIFEST, sealed::Opened};
use crate::check;
use crate::data::Data;
use crate::relay::{DATABASE, Relay};

/// Looks through a data folder or a backup, also while a server runs; into a sealed backup with its
/// key, by way of the data folder. Fails if anything is damaged.
pub(super) fn check(
    folder: &Path,
    key: Option<&Path>,
    data: &Data,
    out: &mut dyn Write,
) -> Result<(), CliError> {
    if !folder.join(DATABASE).exists() && !folder.join(MANIFEST).exists() {
        return Err(CliError::NoData(folder.to_owned()));
    }
    let looked_at = data.beside(folder).as_found();
    looked_at.fits()?;
    let mut report = check::check(looked_at);
    if report.sealed && key.is_some() {
        let opened = Opened::open(folder, key, data)?;
        report = check::check(data.beside(opened.folder()).as_found());
    }
    for finding in &report.findings {
        writeln!(out, "{}: {}", finding.file, finding.what)?;
    }
    let mut files: Vec<_> = report.findings.iter().collect();
    files.dedup_by_key(|finding| finding.file);
    for finding in &files {
        writeln!(out, "{}: {}.", finding.file, finding.advice())?;
    }
    for remark in &report.remarks {
        writeln!(out, "{remark}.")?;
    }
    if !files.is_empty() {
        return Err(CliError::Damaged);
    }
    if report.sealed {
        writeln!(
            out,
            "The files in {} are as they were written. To look inside, name a key: --key FILE.",
            folder.display()
        )?;
        return Ok(());
    }
    writeln!(
        out,
        "Everything in {} is whole: {} entries of feeds, {} documents, {} lines of the ledger.",
        folder.display(),
        report.entries,
        report.documents,
        report.lines
    )?;
    Ok(())
}

/// Makes the merged record anew from the feeds.
pub(super) fn rebuild(data: &Data, out: &mut dyn Write) -> Result<(), CliError> {
    if !data.join(DATABASE).exists() {
        return Err(CliError::NoData(data.to_path_buf()));
    }
    Relay::rebuild(data, Arc::new(SystemEnv)).map_err(|e| CliError::Data {
        path: data.to_path_buf(),
        why: e.to_string(),
    })?;
    writeln!(out, "The merged record was made anew.")?;
    Ok(())
}
