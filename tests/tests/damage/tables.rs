//! Every row of a database, compared column by column; and one value changed as a disk would change it.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::Connection;
use rusqlite::config::DbConfig;
use rusqlite::types::Value;

/// A row: its columns by name.
type Row = BTreeMap<String, Value>;

/// Rows by table.
pub type Tables = BTreeMap<String, Vec<Row>>;

/// Tables that are no index, nor what looking itself leaves.
const NAMES: &str = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'read_mark'
     AND name NOT LIKE 'search%' AND name NOT LIKE 'sqlite%'";

/// Every row of every table.
pub fn dump(db: &Connection) -> rusqlite::Result<Tables> {
    let mut names = db.prepare(NAMES)?;
    let names: Vec<String> = names
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let mut tables = Tables::new();
    for name in names {
        let mut statement = db.prepare(&format!("SELECT * FROM \"{name}\""))?;
        let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
        let mut rows = statement.query([])?;
        let mut all = Vec::new();
        while let Some(row) = rows.next()? {
            let columns = columns.iter().enumerate();
            let read = columns.map(|(at, column)| Ok((column.clone(), row.get(at)?)));
            all.push(read.collect::<rusqlite::Result<Row>>()?);
        }
        tables.insert(name, all);
    }
    Ok(tables)
}

/// What differs: `table.column`; of small facts, `meta.value of fact`; `table: a row` where there are more or fewer.
pub fn differing(truth: &Tables, now: &Tables) -> BTreeSet<String> {
    let mut differ = BTreeSet::new();
    let names: BTreeSet<&String> = truth.keys().chain(now.keys()).collect();
    for name in names {
        let empty = Vec::new();
        let was = truth.get(name).unwrap_or(&empty);
        let is = now.get(name).unwrap_or(&empty);
        if was == is {
            continue;
        }
        let mut gone: Vec<&Row> = was.iter().filter(|row| !is.contains(row)).collect();
        let mut come: Vec<&Row> = is.iter().filter(|row| !was.contains(row)).collect();
        if gone.len() != come.len() || gone.is_empty() {
            differ.insert(format!("{name}: a row"));
            continue;
        }
        while let Some(row) = gone.pop() {
            let columns = |other: &Row| -> Vec<String> {
                let other = |column: &&String| other.get(*column) != row.get(*column);
                row.keys().filter(other).cloned().collect()
            };
            let nearest = (0..come.len()).min_by_key(|at| columns(come[*at]).len());
            let other = come.swap_remove(nearest.expect("as many"));
            let fact = match row.get("key") {
                Some(Value::Text(fact)) if name == "meta" => format!(" of {}", short(fact)),
                _ => String::new(),
            };
            let columns = columns(other).into_iter();
            differ.extend(columns.map(|column| format!("{name}.{column}{fact}")));
        }
    }
    differ
}

/// The fact of one space is named as that of any.
fn short(fact: &str) -> &str {
    fact.split_once('/').map_or(fact, |(name, _)| name)
}

/// A column in which there is a value, and whether an index has it too: of that SQLite's own check finds that the
/// two differ.
#[derive(Clone, Debug)]
pub struct Column {
    pub table: String,
    pub column: String,
    pub indexed: bool,
    /// Of small facts, which.
    pub fact: Option<String>,
}

impl std::fmt::Display for Column {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.table, self.column)?;
        self.fact
            .iter()
            .try_for_each(|fact| write!(f, " of {}", short(fact)))
    }
}

/// All columns.
pub fn columns(db: &Connection) -> Vec<Column> {
    let sql = format!(
        "SELECT t.name, c.name, EXISTS (SELECT 1 FROM pragma_index_list(t.name) i, pragma_index_info(i.name) x
             WHERE x.name = c.name AND i.origin <> 'pk'
                OR i.partial AND (SELECT sql FROM sqlite_schema WHERE name = i.name) LIKE '%WHERE%' || c.name || '%')
         FROM ({NAMES}) t, pragma_table_info(t.name) c ORDER BY 1, 2"
    );
    let mut query = db.prepare(&sql).expect("a query");
    let rows = query.query_map([], |row| {
        Ok(Column {
            table: row.get(0)?,
            column: row.get(1)?,
            indexed: row.get(2)?,
            fact: None,
        })
    });
    let rows = rows.expect("reads").map(|row| row.expect("a row"));
    let (of_facts, mut all): (Vec<Column>, Vec<Column>) = rows.partition(|of| of.table == "meta");
    let value = of_facts.into_iter().find(|of| of.column == "value");
    let facts = dump(db).expect("reads").remove("meta");
    for row in facts.unwrap_or_default() {
        if let (Some(of), Some(Value::Text(fact))) = (&value, row.get("key")) {
            let fact = Some(fact.clone());
            all.push(Column { fact, ..of.clone() });
        }
    }
    all
}

/// Changes one bit of a column's first value, as a disk would: no trigger hears of it, and no rule hinders it.
/// `false` if there is no value, or another stands for the same.
pub fn flip_value(db: &Connection, of: &Column) -> bool {
    let Column { table, column, .. } = of;
    let trigger = DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER;
    db.set_db_config(trigger, false).expect("no triggers");
    db.execute_batch("PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON")
        .expect("no rules");
    let only = of.fact.as_ref().map_or("", |_| "AND key = ?1");
    let first = format!(
        "SELECT \"{column}\" FROM \"{table}\" WHERE length(\"{column}\") > 0 {only} LIMIT 1"
    );
    let fact = rusqlite::params_from_iter(&of.fact);
    let Ok(old) = db.query_row(&first, fact, |row| row.get::<_, Value>(0)) else {
        return false;
    };
    let mut new = old.clone();
    match &mut new {
        Value::Blob(bytes) => *bytes.last_mut().expect("not empty") ^= 1,
        Value::Integer(number) => *number ^= 1,
        Value::Text(text) => {
            let mut bytes = std::mem::take(text).into_bytes();
            bytes[0] ^= 1;
            *text = String::from_utf8_lossy(&bytes).into_owned();
        }
        Value::Real(_) | Value::Null => return false,
    }
    // One row alone, where rows have numbers.
    let numbered =
        format!("rowid = (SELECT rowid FROM \"{table}\" WHERE \"{column}\" IS ?1 LIMIT 1)");
    let named = format!("\"{column}\" IS ?1 {}", only.replace("?1", "?3"));
    let fact = of.fact.clone().map(Value::Text);
    let params: Vec<Value> = [Some(old), Some(new), fact].into_iter().flatten().collect();
    [numbered, named].into_iter().any(|which| {
        let sql = format!("UPDATE \"{table}\" SET \"{column}\" = ?2 WHERE {which}");
        let done = db.execute(&sql, rusqlite::params_from_iter(&params));
        done.is_ok_and(|count| count > 0)
    })
}

#[test]
fn what_differs_is_named_by_its_column() {
    let db = Connection::open_in_memory().expect("opens");
    db.execute_batch(
        "CREATE TABLE t (a, b); INSERT INTO t VALUES (1, 'x'), (2, 'y'); CREATE INDEX i ON t(a);
         CREATE TABLE meta (key, value); INSERT INTO meta VALUES ('one', x'01');",
    )
    .expect("fills");
    let truth = dump(&db).expect("reads");
    let after = |change: &dyn Fn()| {
        db.execute_batch("BEGIN").expect("begins");
        change();
        let differ = differing(&truth, &dump(&db).expect("reads"));
        db.execute_batch("ROLLBACK").expect("back");
        differ.into_iter().collect::<Vec<_>>().join(", ")
    };
    let sql = |sql: &str| after(&|| db.execute_batch(sql).expect("changes"));
    assert_eq!(sql("SELECT 1"), "");
    assert_eq!(sql("UPDATE t SET b = 'z' WHERE a = 2"), "t.b");
    assert_eq!(sql("UPDATE t SET a = 3, b = 'z' WHERE a = 2"), "t.a, t.b");
    assert_eq!(sql("DELETE FROM t WHERE a = 2"), "t: a row");
    assert_eq!(sql("UPDATE meta SET value = x'02'"), "meta.value of one");
    let all = columns(&db);
    let indexed = all.iter().map(|of| (of.to_string(), of.indexed));
    let expected = [("t.a", true), ("t.b", false), ("meta.value of one", false)];
    assert!(indexed.eq(expected.map(|(name, indexed)| (name.to_owned(), indexed))));
    assert_eq!(after(&|| assert!(flip_value(&db, &all[1]))), "t.b");
    assert_eq!(
        after(&|| assert!(flip_value(&db, &all[2]))),
        "meta.value of one"
    );
}
