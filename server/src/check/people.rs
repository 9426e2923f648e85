//! Who may do what, against the ledger: it was told every row of people, memberships, devices, invites and
//! held clients as it became, and its lines are chained. SQLite itself notices nothing of a bit that changed in
//! a row.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{Finding, MOST, Report};
use crate::ledger::Line;
use crate::relay::{DATABASE, restore};
use crate::store::remembered::{self, Remembered};
use crate::store::{RelayStore, Result};

/// Which row of which table.
type Key = (&'static str, Vec<Value>);

/// Compares with the lines of the ledger that the database knows, and with what is on its way there.
pub(super) fn compare(
    store: &mut dyn RelayStore,
    known: &[Line],
    report: &mut Report,
) -> Result<()> {
    // A database that has not been opened since an older version kept its ledger.
    if !restore::is_retold(store)? {
        return Ok(());
    }
    let mut told: BTreeMap<String, (Key, Map<String, Value>)> = BTreeMap::new();
    for line in known {
        if let Line::People { row } = line {
            add(&mut told, row);
        }
    }
    for (_, body) in store.ledger_news(usize::MAX >> 1)? {
        if let Some(Line::People { row }) = Line::of_news(&body) {
            add(&mut told, &row);
        }
    }
    for table in &remembered::ALL {
        for row in store.remembered(table)? {
            let key = key_of(table, &row);
            match told.remove(&name(&key)) {
                Some((_, said))
                    if said
                        .iter()
                        .all(|(column, value)| row.get(column) == Some(value)) => {}
                Some(_) => found(report, &key, "is not as the ledger was told"),
                None => found(report, &key, "is not known to the ledger"),
            }
        }
    }
    for (key, _) in told.values() {
        found(report, key, "is known to the ledger and is not there");
    }
    Ok(())
}

/// The newest word on each column counts; an older line says less.
fn add(told: &mut BTreeMap<String, (Key, Map<String, Value>)>, row: &Value) {
    let table = row.get("table").and_then(Value::as_str);
    let (Some(table), Some(row)) = (table.and_then(Remembered::of), row.as_object()) else {
        return;
    };
    let key = key_of(table, row);
    let (_, said) = told.entry(name(&key)).or_insert((key, Map::new()));
    let known = row
        .iter()
        .filter(|(column, _)| table.columns.contains(&column.as_str()));
    said.extend(known.map(|(column, value)| (column.clone(), value.clone())));
}

fn key_of(table: &Remembered, row: &Map<String, Value>) -> Key {
    let value = |column: &&str| row.get(*column).cloned().unwrap_or_default();
    (table.table, table.keys.iter().map(value).collect())
}

/// Values have no order of their own.
fn name((table, key): &Key) -> String {
    let key: Vec<String> = key.iter().map(Value::to_string).collect();
    format!("{table} {}", key.join(" "))
}

fn found(report: &mut Report, (table, key): &Key, why: &str) {
    if report.findings.len() >= MOST {
        return;
    }
    // An invite is known by its code's hash alone, and a held client by who it is: neither is told.
    let ids = key
        .iter()
        .filter_map(Value::as_str)
        .filter(|id| id.len() == 32);
    let ids: Vec<String> = ids.map(str::to_lowercase).collect();
    let what = format!("the row {} of {table} {why}", ids.join("/"));
    report.findings.push(Finding::new(DATABASE, what));
}
