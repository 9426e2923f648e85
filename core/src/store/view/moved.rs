//! Which notes were made of which: a note on the wrong client is moved by making it anew (C16).

use rusqlite::Connection;

use super::{View, get};
use crate::documents::visit_note::moved::origin;
use crate::id::DocId;
use crate::store::Result;

/// The notes here that say they are what this document became when it was moved, in id order.
///
/// # Errors
/// As [`get`].
pub fn moved_from(conn: &Connection, doc: DocId) -> Result<Vec<View>> {
    let mut statement = conn.prepare_cached(
        "SELECT d.id FROM view v JOIN document d ON d.n = v.doc WHERE v.moved_from = ?1 ORDER BY d.id",
    )?;
    let ids: Vec<DocId> = statement
        .query_map([doc.to_string()], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let mut views = Vec::new();
    for id in ids {
        // The column only finds them; what the note says counts.
        views.extend(get(conn, id)?.filter(|view| origin(&view.reading.value) == Some(doc)));
    }
    Ok(views)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::documents::Kind;
    use crate::store::Store;
    use crate::store::tests::world::World;

    #[test]
    fn a_moved_note_is_found_by_what_it_was_also_in_a_store_from_before_it_could_be() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("store.db");
        let old: DocId = "019ab000-0000-7000-8000-00000000000a".parse().expect("id");
        let mut store = Store::open(&path).expect("opens");
        let world = World::new(1);
        world.note(&mut store, "Toinen");
        let moved = json!({"summary": "x", "moved_from": {"doc": old.to_string()}});
        let new = world.create(&mut store, Kind::VisitNote, &moved);
        let found = |store: &Store| -> Vec<DocId> {
            let found = moved_from(store.conn(), old).expect("asks").into_iter();
            found.map(|view| view.doc).collect()
        };
        assert_eq!(found(&store), [new]);
        let back = "DROP INDEX view_moved_from; ALTER TABLE view DROP COLUMN moved_from;
            PRAGMA user_version = 4";
        store.conn().execute_batch(back).expect("as it was");
        drop(store);
        let store = Store::open(&path).expect("upgrades");
        assert_eq!(found(&store), [new]);
    }
}
