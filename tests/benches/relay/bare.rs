//! The bare ways: the same rows by themselves, the same changes by themselves.

use std::path::Path;

use ed25519_dalek::{Signature, VerifyingKey};
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};
use sha2::{Digest, Sha256};
use sopu_core::documents::Kind;
use sopu_core::encoding::decode_changes;
use sopu_core::envelope::signed_bytes;
use sopu_core::genesis::genesis;
use sopu_core::guard::Limits;
use sopu_core::id::DocId;
use sopu_core::store::Store;
use sopu_server::store::schema;
use sopu_tests::bench::meter::{process_cpu, wall_of};

/// The tables a push writes, and what tells which push wrote a row.
const TABLES: [(&str, &str); 3] = [
    ("envelope", "SELECT * FROM envelope ORDER BY arrival"),
    ("change", "SELECT * FROM change ORDER BY arrival"),
    ("document", "SELECT * FROM document ORDER BY doc"),
];

/// Rows of one table.
struct Rows {
    table: &'static str,
    columns: usize,
    rows: Vec<Vec<Value>>,
}

/// What a database holds, to be inserted again elsewhere.
pub struct Copied(Vec<Rows>);

impl Copied {
    /// Everything pushes left in this data folder's database.
    pub fn of(database: &Path) -> Self {
        let db = Connection::open(database).expect("opens");
        let tables = TABLES.map(|(table, select)| {
            let mut query = db.prepare(select).expect("prepares");
            let columns = query.column_count();
            let rows = query.query_map([], |row| (0..columns).map(|c| row.get(c)).collect());
            let rows = rows.expect("reads").collect::<Result<_, _>>();
            Rows {
                table,
                columns,
                rows: rows.expect("reads"),
            }
        });
        Self(tables.into())
    }

    /// How many rows.
    pub fn rows(&self) -> usize {
        self.0.iter().map(|rows| rows.rows.len()).sum()
    }

    /// Inserts the same rows into the same tables, with the same indexes and the same durability,
    /// in so many transactions of the same size; gives CPU and wall seconds.
    pub fn insert(&self, database: &Path, transactions: usize) -> (f64, f64) {
        let mut db = schema::open(database).expect("opens");
        db.execute_batch("PRAGMA foreign_keys = OFF").expect("set");
        let cpu = process_cpu();
        let ((), wall) = wall_of(|| {
            for batch in 0..transactions {
                let tx = db.transaction().expect("begins");
                for Rows {
                    table,
                    columns,
                    rows,
                } in &self.0
                {
                    let marks = vec!["?"; *columns].join(",");
                    let sql = format!("INSERT INTO {table} VALUES ({marks})");
                    let mut insert = tx.prepare_cached(&sql).expect("prepares");
                    let share = rows.len().div_ceil(transactions);
                    for row in rows.iter().skip(batch * share).take(share) {
                        insert.execute(params_from_iter(row)).expect("inserts");
                    }
                }
                tx.commit().expect("commits");
            }
        });
        (process_cpu() - cpu, wall)
    }
}

/// Checks the signature of each envelope that pushes left in a database and hashes each change once,
/// with nothing around it: what an author's word costs at least. Gives CPU seconds.
pub fn prove(database: &Path) -> f64 {
    let db = Connection::open(database).expect("opens");
    let mut query = db
        .prepare(
            "SELECT e.header, e.digest, e.signature, e.run, d.key
             FROM envelope e JOIN device d ON d.id = e.device",
        )
        .expect("prepares");
    let rows = query.query_map([], |row| {
        let (header, digest): (Vec<u8>, [u8; 32]) = (row.get(0)?, row.get(1)?);
        let (signature, run): ([u8; 64], Vec<u8>) = (row.get(2)?, row.get(3)?);
        let key: [u8; 32] = row.get(4)?;
        let changes = decode_changes(&run, &Limits::RELAY).expect("a run");
        let key = VerifyingKey::from_bytes(&key).expect("a key");
        let signed = signed_bytes(&header, &digest);
        Ok((key, signed, Signature::from_bytes(&signature), changes))
    });
    let all: Vec<_> = rows
        .expect("reads")
        .collect::<Result<_, _>>()
        .expect("reads");
    let cpu = process_cpu();
    for (key, signed, signature, changes) in &all {
        for change in changes {
            // A change's hash leaves out magic and checksum.
            std::hint::black_box(Sha256::digest(&change[8..]));
        }
        key.verify_strict(signed, signature).expect("its signature");
    }
    process_cpu() - cpu
}

/// Takes each document's changes into a genesis copy, saves it and loads it again, with nothing
/// around it; gives CPU seconds.
pub fn apply(record: &Path, documents: &[DocId]) -> f64 {
    let store = Store::open_reader(record).expect("opens");
    let genesis = genesis(Kind::VisitNote);
    let all: Vec<Vec<automerge::Change>> = documents
        .iter()
        .map(|doc| {
            let am = &store.document(*doc).expect("loads").am;
            let changes = am.get_changes(&genesis.document().get_heads());
            changes.into_iter().collect()
        })
        .collect();
    let cpu = process_cpu();
    for changes in all {
        let mut am = genesis.document();
        am.apply_changes(changes).expect("applies");
        let again = automerge::Automerge::load(&am.save()).expect("loads");
        assert_eq!(again.get_heads(), am.get_heads());
    }
    process_cpu() - cpu
}
