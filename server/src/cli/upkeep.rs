//! `sopu check` and `sopu rebuild`.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use sopu_core::store::Store;
use sopu_core::store::check::{self, Damage};
use sopu_core::time::SystemEnv;

use super::CliError;
use crate::relay::{DATABASE, RECORD, Relay};
use crate::store::schema;

/// Looks through both databases, also while a server runs. Fails if anything is damaged.
pub(super) fn check(data: &Path, out: &mut dyn Write) -> Result<(), CliError> {
    let unusable = |why: String| CliError::Data {
        path: data.to_owned(),
        why,
    };
    if !data.join(DATABASE).exists() {
        return Err(CliError::NoData(data.to_owned()));
    }
    let mut damaged = 0;
    let people = schema::open(&data.join(DATABASE)).map_err(|e| unusable(e.to_string()))?;
    let mut query = people.prepare("PRAGMA integrity_check(100)")?;
    let lines = query.query_map([], |row| row.get::<_, String>(0))?;
    for line in lines.collect::<rusqlite::Result<Vec<_>>>()? {
        if line != "ok" {
            damaged += 1;
            writeln!(out, "{DATABASE}: {line}")?;
        }
    }
    if data.join(RECORD).exists() {
        let record = Store::open_reader(&data.join(RECORD)).map_err(|e| unusable(e.to_string()))?;
        for damage in check::check(record.conn()).map_err(|e| unusable(e.to_string()))? {
            damaged += 1;
            match damage {
                Damage::File(line) => writeln!(out, "{RECORD}: {line}")?,
                Damage::Document(doc, fault) => {
                    writeln!(out, "{RECORD}: document {doc}: {fault:?}")?
                }
            }
        }
    }
    if damaged > 0 {
        return Err(CliError::Damaged);
    }
    writeln!(out, "Everything in {} is whole.", data.display())?;
    Ok(())
}

/// Makes the merged record anew from the feeds.
pub(super) fn rebuild(data: &Path, out: &mut dyn Write) -> Result<(), CliError> {
    if !data.join(DATABASE).exists() {
        return Err(CliError::NoData(data.to_owned()));
    }
    Relay::rebuild(data, Arc::new(SystemEnv)).map_err(|e| CliError::Data {
        path: data.to_owned(),
        why: e.to_string(),
    })?;
    writeln!(out, "The merged record was made anew.")?;
    Ok(())
}
